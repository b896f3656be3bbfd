//! Every starting point: rendered for a machine, judged by the programs of its own world.

mod support;

use answers::{Facts, Format, Limits, Reveal, Setting, Template, render, starters, validate};
use std::fs;
use support::{able, facts, printed, run};

/// All settings that the starting points ask for.
fn machine() -> Facts {
    let mut facts = facts();
    let mut all: Vec<(String, Setting)> = facts
        .settings
        .iter()
        .map(|(name, setting, _)| (name.to_owned(), setting.clone()))
        .collect();
    for (name, text) in [
        ("mirror_host", "10.77.0.1"),
        ("product", "openSUSE_Leap"),
        ("coreos_image", "http://10.77.0.1/image/coreos/1/metal.raw.xz"),
        ("windows_language", "en-US"),
        ("windows_edition", "Windows 11 Pro"),
        ("windows_timezone", "W. Europe Standard Time"),
    ] {
        all.push((name.into(), text.into()));
    }
    all.push(("windows_single_empty_disk".into(), Setting::Flag(true)));
    let pairs: Vec<(&str, Setting)> = all.iter().map(|(n, s)| (n.as_str(), s.clone())).collect();
    facts.settings = support::settings(&pairs);
    facts
}

fn made(name: &str, facts: &Facts, reveal: Reveal) -> Result<String, String> {
    render(name, &starters(), facts, reveal, &Limits::default())
        .map(|r| r.text)
        .map_err(|e| e.to_string())
}

fn rendered(name: &str) -> String {
    made(name, &machine(), Reveal::Yes).unwrap_or_else(|error| panic!("{error}"))
}

/// Whole answer files, by their format.
fn files() -> Vec<Template> {
    starters().into_iter().filter(|starter| starter.format() != Format::Shell).collect()
}

#[test]
fn all_are_there_and_make_a_file_with_nothing_raw() {
    let all = starters();
    assert_eq!(all.len(), 26, "a starting point is no template");
    for starter in &all {
        let limits = Limits::default();
        let real = render(starter.name(), &all, &machine(), Reveal::Yes, &limits);
        let real = real.unwrap_or_else(|error| panic!("{error}"));
        assert!(real.raw.is_empty(), "{}", starter.name());
        assert!(!real.text.contains("horse"), "{}: a password in the clear", starter.name());
        assert_eq!(validate(starter.name(), starter.format(), &real.text), Ok(()));
        let preview = render(starter.name(), &all, &machine(), Reveal::No, &limits).unwrap();
        assert!(!preview.text.contains("$6$"), "{}: a hash in a preview", starter.name());
        assert_eq!(preview.secrets, real.secrets);
        let hash = real.secrets.contains("user_password");
        assert_eq!(preview.text.contains("(secret user_password)"), hash, "{}", starter.name());
    }
}

#[test]
fn each_asks_for_the_disk_and_reports() {
    for file in files() {
        let part =
            matches!(file.format(), Format::MetaData | Format::VendorData | Format::NetworkConfig);
        if part || matches!(file.name(), "coreos-installed.ignition" | "windows.autounattend") {
            continue;
        }
        let mut text = rendered(file.name());
        if file.name() == "coreos-live.ignition" {
            text = rendered("coreos-install.sh");
        }
        let check =
            text.find("bw_refuse").unwrap_or_else(|| panic!("{} does not check", file.name()));
        assert!(text.contains("report started"), "{}", file.name());
        let done =
            text.rfind("report done").unwrap_or_else(|| panic!("{} never ends", file.name()));
        assert!(check < done, "{}", file.name());
        assert!(text.contains("/report/0123456789abcdef"), "{}", file.name());
    }
}

#[test]
fn shells_can_read_every_script() {
    if !able(&["dash", "busybox", "bash"]) {
        return;
    }
    let scripts =
        starters().into_iter().filter(|s| matches!(s.format(), Format::Shell | Format::Alpine));
    for script in scripts {
        let text = rendered(script.name());
        for (shell, args) in [("dash", &["-n"][..]), ("busybox", &["sh", "-n"]), ("bash", &["-n"])]
        {
            printed(shell, args, text.as_bytes());
        }
    }
}

#[test]
fn debconf_takes_the_preseed() {
    if !able(&["debconf-set-selections", "dash"]) {
        return;
    }
    let text = rendered("debian.preseed");
    let output = run("debconf-set-selections", &["-c"], text.as_bytes());
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for line in text.lines().filter(|line| line.contains("_command string ")) {
        let (_, command) = line.split_once("_command string ").unwrap();
        printed("dash", &["-n", "-c", command], b"");
        // What the one line runs is a script that a shell can read.
        let script = command.strip_prefix("sh -c \"$(").unwrap().strip_suffix(")\"").unwrap();
        let script = printed("dash", &["-c", script], b"");
        printed("dash", &["-n"], &script);
    }
}

#[test]
fn ksvalidator_takes_the_kickstart() {
    if !able(&["ksvalidator"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ks.cfg");
    fs::write(&path, rendered("fedora.ks")).unwrap();
    for version in ["RHEL9", "RHEL10", "F42"] {
        let output = run("ksvalidator", &["-v", version, path.to_str().unwrap()], b"");
        let told = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{version}: {}", String::from_utf8_lossy(&told));
    }
    fs::write(&path, rendered("fedora.ks").replace("--iscrypted", "--iscripted")).unwrap();
    let output = run("ksvalidator", &["-v", "F42", path.to_str().unwrap()], b"");
    assert!(!output.status.success(), "a judge that takes anything is none");
}

#[test]
fn cloud_init_takes_all_four_files() {
    if !able(&["cloud-init", "python3"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    for name in ["ubuntu.user-data", "ubuntu.vendor-data"] {
        fs::write(&path, rendered(name)).unwrap();
        printed("cloud-init", &["schema", "--config-file", path.to_str().unwrap()], b"");
    }
    fs::write(&path, rendered("ubuntu.vendor-data").replace("{}", "packages: 3")).unwrap();
    let output = run("cloud-init", &["schema", "--config-file", path.to_str().unwrap()], b"");
    assert!(!output.status.success(), "a judge that takes anything is none");
    // Its NoCloud source reads a seed of all four, as it would from us.
    for (name, file) in [
        ("user-data", "ubuntu.user-data"),
        ("meta-data", "ubuntu.meta-data"),
        ("vendor-data", "ubuntu.vendor-data"),
        ("network-config", "ubuntu.network-config"),
    ] {
        fs::write(dir.path().join(name), rendered(file)).unwrap();
    }
    let script = format!(
        "import json\nfrom cloudinit import util\nfrom cloudinit.net import network_state\n\
         seed = util.pathprefix2dict({:?}, required=['user-data', 'meta-data'], optional=['vendor-data', 'network-config'])\n\
         meta = util.load_yaml(seed['meta-data'])\n\
         net = util.load_yaml(seed['network-config'])\n\
         state = network_state.parse_net_config_data(net, skip_broken=False)\n\
         user = util.load_yaml(seed['user-data'])['autoinstall']\n\
         print(json.dumps([meta, [i['name'] for i in state.iter_interfaces()], user['identity']['hostname'], user['ssh']['authorized-keys'][1]]))",
        dir.path().to_str().unwrap()
    );
    let out = printed("python3", &["-c", &script], b"");
    let read: serde_json::Value = serde_json::from_slice(&out).unwrap();
    let expected = serde_json::json!([
        {"instance-id": "bootwright-17", "local-hostname": "lab-01"}, ["boot"], "lab-01",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICXXX it's \"mine\""
    ]);
    assert_eq!(read, expected);
}

#[test]
fn xmllint_takes_the_profiles() {
    if !able(&["xmllint", "dash"]) {
        return;
    }
    for name in ["suse.autoyast", "windows.autounattend"] {
        printed("xmllint", &["--nonet", "--noout", "-"], rendered(name).as_bytes());
    }
    let script = printed(
        "xmllint",
        &[
            "--nonet",
            "--xpath",
            "string(//*[local-name()='pre-scripts']//*[local-name()='source'])",
            "-",
        ],
        rendered("suse.autoyast").as_bytes(),
    );
    assert_eq!(String::from_utf8(script).unwrap().trim_end(), rendered("suse-pre.sh").trim_end());
    let text = rendered("windows.autounattend");
    for path in text.split("<Path>").skip(1) {
        let path = path.split("</Path>").next().unwrap().replace("&gt;", ">").replace("&amp;", "&");
        assert!(path.len() < 260, "Windows Setup cuts commands at 259 characters: {path}");
    }
}

#[test]
fn ignition_and_agama_are_json_of_their_shape() {
    let read = |name| -> serde_json::Value { serde_json::from_str(&rendered(name)).unwrap() };
    let live = read("coreos-live.ignition");
    let source = live["storage"]["files"][0]["contents"]["source"].as_str().unwrap();
    let text = printed("base64", &["-d"], source.strip_prefix("data:;base64,").unwrap().as_bytes());
    assert_eq!(String::from_utf8(text).unwrap(), rendered("coreos-install.sh"));
    let installed = read("coreos-installed.ignition");
    assert_eq!(installed["passwd"]["users"][0]["sshAuthorizedKeys"].as_array().unwrap().len(), 2);
    let agama = read("suse.agama");
    assert_eq!(agama["user"]["userName"], "ada");
    assert_eq!(agama["scripts"]["pre"][0]["content"].as_str().unwrap(), rendered("agama-pre.sh"));
}

/// Whatever an operator or a machine put into a fact, a starting point makes a file of the same
/// shape, or refuses.
#[test]
fn hostile_facts_make_a_file_or_a_refusal() {
    let hostile = [
        "'",
        "\"",
        "$(reboot)",
        "`reboot`",
        "a\nb",
        "%end\n%post\nreboot\n%end",
        "]]></source><x/>",
        "</Value>",
        "\\",
        "{{ 7777*3 }}",
        "x: y",
        "# x",
        "\u{0}",
        "a b",
        "*",
        "-rf",
        "@BOOTWRIGHT_DISK@|e reboot|",
    ];
    let mut taken = 0;
    for value in hostile {
        let mut facts = machine();
        facts.machine.name = Some(value.into());
        let pairs: Vec<(String, Setting)> = machine()
            .settings
            .iter()
            .map(|(name, setting, _)| match setting {
                Setting::Text(_) => (name.to_owned(), value.into()),
                Setting::List(_) => {
                    (name.to_owned(), Setting::List(vec![value.into(), value.into()]))
                }
                other => (name.to_owned(), other.clone()),
            })
            .collect();
        let pairs: Vec<(&str, Setting)> =
            pairs.iter().map(|(n, s)| (n.as_str(), s.clone())).collect();
        facts.settings = support::settings(&pairs);
        for starter in starters() {
            let Ok(text) = made(starter.name(), &facts, Reveal::No) else { continue };
            taken += 1;
            assert!(!text.contains("23331"), "{}: a value was read as a template", starter.name());
            if matches!(starter.format(), Format::Shell | Format::Alpine) && able(&["dash"]) {
                printed("dash", &["-n"], text.as_bytes());
            }
            if starter.format() == Format::Preseed && able(&["debconf-set-selections"]) {
                printed("debconf-set-selections", &["-c"], text.as_bytes());
            }
        }
    }
    assert!(taken > 100, "{taken}");
}
