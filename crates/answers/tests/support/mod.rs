//! Facts for the tests, and the programs that judge what is rendered.
#![allow(dead_code, reason = "each test file uses its own part of it")]
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "other programs judge, and a skipped test must be seen"
)]

use answers::{
    Deployment, Facts, Format, Limits, Machine, Network, Rendered, Reveal, Secret, Server, Setting,
    Settings, TargetDisk, Template, render,
};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Where a program is, if it is there: in the system, or where `./x` unpacks what must not be a part
/// of it.
pub fn tool(name: &str) -> Option<PathBuf> {
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers");
    let unpacked = ["cloud-init/usr/bin", "pykickstart/bin"].map(|dir| peers.join(dir).join(name));
    let path = "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    let system = std::env::split_paths(path).map(|dir| dir.join(name));
    unpacked.into_iter().chain(system).find(|file| file.exists())
}

/// Whether the programs a test needs are there. If not, it is skipped aloud, and in CI it fails.
pub fn able(needs: &[&str]) -> bool {
    let missing: Vec<&str> = needs.iter().filter(|name| tool(name).is_none()).copied().collect();
    if missing.is_empty() {
        return true;
    }
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let text = format!("{test} SKIPPED: it needs {}", missing.join(", "));
    let in_ci = std::env::var("CI").is_ok_and(|ci| matches!(ci.as_str(), "1" | "true"));
    assert!(!in_ci, "{text}");
    eprintln!("{text}");
    false
}

/// Where Python finds what belongs to the judges that were unpacked beside the system.
fn python_path() -> std::ffi::OsString {
    let up = |name: &str, levels: usize, below: &str| {
        let path = tool(name)?;
        Some(path.ancestors().nth(levels)?.join(below))
    };
    let all = [up("ksvalidator", 2, ""), up("cloud-init", 2, "lib/python3/dist-packages")];
    std::env::join_paths(all.into_iter().flatten()).unwrap()
}

/// Runs a program with this on its standard input.
pub fn run(program: &str, args: &[&str], input: &[u8]) -> Output {
    let path = tool(program).unwrap_or_else(|| panic!("{program} is not here"));
    let mut child = Command::new("timeout")
        .arg("300")
        .arg(path)
        .args(args)
        .env("LC_ALL", "C.UTF-8")
        .env("PYTHONPATH", python_path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that does not read its input may have gone already.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

/// What a program printed; it must have succeeded.
pub fn printed(program: &str, args: &[&str], input: &[u8]) -> Vec<u8> {
    let output = run(program, args, input);
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success(),
        "{program} {args:?}: {words}{}",
        String::from_utf8_lossy(&output.stdout)
    );
    output.stdout
}

pub fn settings(pairs: &[(&str, Setting)]) -> Settings {
    let layer: BTreeMap<String, Setting> =
        pairs.iter().map(|(name, setting)| ((*name).to_owned(), setting.clone())).collect();
    Settings::layered(&BTreeMap::new(), &BTreeMap::new(), &layer)
}

/// A machine of a lab, with a deployment and two secrets.
pub fn facts() -> Facts {
    Facts {
        machine: Machine {
            name: Some("lab-01".into()),
            mac: Some("52:54:00:77:00:01".parse().unwrap()),
            uuid: Some("6d3c9f2e-0b1a-4c5d-8e7f-001122334455".parse().unwrap()),
            serial: Some("CN-7X".into()),
            labels: [("room".to_owned(), "3".to_owned())].into(),
        },
        network: Network {
            address: Some("10.77.0.101".parse().unwrap()),
            prefix: Some(24),
            router: Some("10.77.0.1".parse().unwrap()),
            dns: vec!["10.77.0.1".parse().unwrap(), "9.9.9.9".parse().unwrap()],
            domain: Some("lab.example".into()),
        },
        server: Server {
            url: Some("http://10.77.0.1".into()),
            mirror: Some("http://10.77.0.1/mirror".into()),
            image: Some("http://10.77.0.1/image/demo/1".into()),
        },
        settings: settings(&[
            ("user", "ada".into()),
            ("user_name", "Ada L.".into()),
            ("timezone", "Europe/Paris".into()),
            ("locale", "en_US.UTF-8".into()),
            ("keyboard", "us".into()),
            (
                "ssh_keys",
                Setting::List(vec![
                    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB1Y4q ada@example".into(),
                    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICXXX it's \"mine\"".into(),
                ]),
            ),
            ("packages", Setting::List(vec!["openssh-server".into(), "vim".into()])),
        ]),
        deployment: Some(Deployment {
            id: "17".into(),
            report: "http://10.77.0.1/report/0123456789abcdef".into(),
            answers: "http://10.77.0.1/answer/0123456789abcdef".into(),
            disk: TargetDisk::serial("S3R1AL").unwrap(),
            ours: Vec::new(),
        }),
        secrets: [
            ("user_password".to_owned(), Secret::new("c0rrect horse'\"$(reboot)".into())),
            ("join_token".to_owned(), Secret::new("tok-canary-5551".into())),
        ]
        .into(),
        salt: [7; 32],
    }
}

pub fn one(
    format: Format,
    text: &str,
    facts: &Facts,
    reveal: Reveal,
) -> Result<Rendered, answers::AnswerError> {
    let template = Template::new("t", format, text)?;
    render("t", &[template], facts, reveal, &Limits::default())
}
