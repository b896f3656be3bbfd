//! The Debian installer's own programs: its shell, its debconf and its way to report, from the
//! installer's real root file system. Needs root, for `chroot`.

mod support;

use answers::{Format, Limits, Reveal, Setting, render, starters};
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output};
use support::{able, facts, one, settings};

const INITRD: &str =
    "/usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64/initrd.gz";

#[expect(clippy::disallowed_methods, reason = "the installer's programs are run")]
fn output(program: &str, args: &[&str]) -> Output {
    Command::new("timeout").args(["300", program]).args(args).env("LC_ALL", "C").output().unwrap()
}

/// Whether the installer can be entered; if not, that is said, and fails in CI.
fn installer() -> Option<tempfile::TempDir> {
    let root = String::from_utf8_lossy(&output("id", &["-u"]).stdout).trim() == "0";
    let package = if root && Path::new(INITRD).exists() {
        "cpio"
    } else {
        "debian-installer-12-netboot-amd64, as root"
    };
    if !able(&[package, "cpio", "zcat", "chroot"]) {
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    let unpack = format!(
        "cd {} && zcat {INITRD} | cpio -idm --quiet --no-preserve-owner",
        dir.path().display()
    );
    // Device nodes may be refused in a container; nothing here needs them.
    output("sh", &["-c", &unpack]);
    assert!(dir.path().join("bin/busybox").exists(), "{INITRD} holds no busybox");
    Some(dir)
}

fn inside(root: &Path, script: &str) -> Output {
    fs::write(root.join("tmp/script"), script).unwrap();
    output("chroot", &[root.to_str().unwrap(), "/bin/sh", "/tmp/script"])
}

#[test]
fn its_debconf_reads_back_what_was_put_in() {
    let Some(dir) = installer() else { return };
    let root = dir.path();
    let values = [
        "x",
        "a'b\"c$(reboot)`x`",
        "back\\slash\\n",
        "# ; * [a-z] ?",
        "é 😀",
        "%s %d",
        "--",
        "$RET",
    ];
    for (number, value) in values.iter().enumerate() {
        let mut facts = facts();
        facts.settings = settings(&[("x", (*value).into())]);
        let text = "# a comment\nd-i netcfg/get_hostname string {{ settings.x }}\n\
                    d-i preseed/early_command string {{ (\"printf '%s' \" ~ (settings.x | sh)) | sh_line }}\n";
        let file = one(Format::Preseed, text, &facts, Reveal::No).unwrap();
        fs::write(root.join("tmp/preseed.cfg"), file.text).unwrap();
        let ask = "#!/bin/sh\n. /usr/share/debconf/confmodule\ndebconf-set-selections /tmp/preseed.cfg >&2\n\
                   db_get netcfg/get_hostname\nprintf '%s' \"$RET\" >/tmp/value\n\
                   db_get preseed/early_command\nsh -c \"$RET\" >/tmp/command\n";
        fs::write(root.join("tmp/ask"), ask).unwrap();
        let done = inside(
            root,
            "export DEBIAN_FRONTEND=none TERM=linux logfile=/tmp/log\nchmod 755 /tmp/ask\n\
             [ -e /tmp/loaded ] || debconf-loadtemplate d-i /var/lib/dpkg/info/*.templates\n>/tmp/loaded\n\
             debconf -od-i /tmp/ask\n",
        );
        let words = String::from_utf8_lossy(&done.stderr).into_owned();
        let read = |name: &str| fs::read_to_string(root.join("tmp").join(name)).unwrap_or_default();
        assert_eq!(read("value"), *value, "{number}: {words}");
        assert_eq!(read("command"), *value, "{number}: {words}");
        fs::remove_file(root.join("tmp/value")).unwrap();
        fs::remove_file(root.join("tmp/command")).unwrap();
    }
}

/// A server that keeps what is posted, for so many requests.
#[expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "what an installer reports goes over a socket"
)]
fn server(host: &str, count: usize) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = std::net::TcpListener::bind(format!("{host}:0")).unwrap();
    let place = listener.local_addr().unwrap().to_string();
    let thread = std::thread::spawn(move || {
        let mut heard = Vec::new();
        for _ in 0..count {
            let (mut stream, _) = listener.accept().unwrap();
            let mut bytes = Vec::new();
            let mut piece = [0; 4096];
            let whole = |bytes: &[u8]| {
                let text = String::from_utf8_lossy(bytes).into_owned();
                let (head, body) = text.split_once("\r\n\r\n")?;
                let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "))?;
                (body.len() >= length.parse().ok()?).then_some(text)
            };
            while whole(&bytes).is_none() {
                let got = stream.read(&mut piece).unwrap();
                assert!(got > 0, "cut short: {}", String::from_utf8_lossy(&bytes));
                bytes.extend_from_slice(&piece[..got]);
            }
            stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").unwrap();
            heard.extend(whole(&bytes));
        }
        heard
    });
    (place, thread)
}

#[test]
fn its_shell_finds_the_disk_and_reports() {
    let Some(dir) = installer() else { return };
    let root = dir.path();
    let fake = root.join("fake");
    for name in ["sys/block/vda", "dev", "tmp", "proc"] {
        fs::create_dir_all(fake.join(name)).unwrap();
    }
    fs::write(fake.join("sys/block/vda/size"), "16384\n").unwrap();
    fs::write(fake.join("sys/block/vda/serial"), "S3R1AL").unwrap();
    fs::write(fake.join("dev/vda"), vec![0; 8 << 20]).unwrap();
    let check = |place: &str| {
        let mut facts = facts();
        facts.deployment.as_mut().unwrap().report = format!("http://{place}/report/0123");
        let text =
            render("disk.sh", &starters(), &facts, Reveal::Yes, &Limits::default()).unwrap().text;
        inside(
            root,
            &format!(
                "mkdir -p /dev; [ -e /dev/null ] || >/dev/null\nexport BOOTWRIGHT_ROOT=/fake\n{text}"
            ),
        )
    };
    let (place, heard) = server("127.0.0.1", 2);
    let done = check(&place);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(fs::read_to_string(fake.join("tmp/bootwright.disk")).unwrap(), "/dev/vda\n");
    let heard = heard.join().unwrap();
    assert!(
        heard[0].starts_with("POST /report/0123/started HTTP/1.1\r\nHost: 127.0.0.1:"),
        "{heard:?}"
    );
    assert!(heard[0].ends_with("\r\n\r\ndeployment 17"), "{heard:?}");
    assert!(
        heard[1].starts_with("POST /report/0123/progress ")
            && heard[1].ends_with("installing onto /dev/vda")
    );

    let mut disk = vec![0; 8 << 20];
    disk[510] = 0x55;
    fs::write(fake.join("dev/vda"), disk).unwrap();
    // Over IPv6, too, where the address has colons of its own.
    let (place, heard) = server("[::1]", 2);
    let done = check(&place);
    assert_eq!(done.status.code(), Some(1));
    let heard = heard.join().unwrap();
    assert!(heard[0].contains("\r\nHost: [::1]:"), "{heard:?}");
    assert!(
        heard[1].starts_with("POST /report/0123/failed ") && heard[1].contains("is not empty"),
        "{heard:?}"
    );
}

/// The shipped preseed as it is: the installer's debconf takes it in, and the check is run as the
/// installer runs it, in a machine with one empty disk.
#[test]
fn the_shipped_preseed_chooses_the_disk() {
    let Some(dir) = installer() else { return };
    let root = dir.path();
    for name in ["sys/block/vda", "dev", "proc"] {
        fs::create_dir_all(root.join(name)).unwrap();
    }
    fs::write(root.join("sys/block/vda/size"), "16384\n").unwrap();
    fs::write(root.join("sys/block/vda/serial"), "S3R1AL\n").unwrap();
    fs::write(root.join("dev/vda"), vec![0; 8 << 20]).unwrap();
    let (place, heard) = server("127.0.0.1", 2);
    let mut facts = facts();
    facts.deployment.as_mut().unwrap().report = format!("http://{place}/report/0123");
    let mut all: Vec<(String, Setting)> = facts
        .settings
        .iter()
        .map(|(name, setting, _)| (name.to_owned(), setting.clone()))
        .collect();
    all.push(("mirror_host".into(), "10.77.0.1".into()));
    let pairs: Vec<(&str, Setting)> = all.iter().map(|(n, s)| (n.as_str(), s.clone())).collect();
    facts.settings = settings(&pairs);
    let file =
        render("debian.preseed", &starters(), &facts, Reveal::Yes, &Limits::default()).unwrap();
    fs::write(root.join("tmp/preseed.cfg"), &file.text).unwrap();
    let ask = "#!/bin/sh\n. /usr/share/debconf/confmodule\ndebconf-set-selections /tmp/preseed.cfg >&2\n\
               db_get partman/early_command\nsh -c \"$RET\" >&2\necho $? >/tmp/code\n\
               for name in partman-auto/disk grub-installer/bootdev passwd/username passwd/user-password-crypted pkgsel/include; do\n  \
               db_get $name\n  printf '%s\\n' \"$RET\" >>/tmp/values\ndone\n";
    fs::write(root.join("tmp/ask"), ask).unwrap();
    let done = inside(
        root,
        "export DEBIAN_FRONTEND=none TERM=linux logfile=/tmp/log\nchmod 755 /tmp/ask\n\
         [ -e /dev/null ] || >/dev/null\n\
         debconf-loadtemplate d-i /var/lib/dpkg/info/*.templates\ndebconf -od-i /tmp/ask\n",
    );
    let words = String::from_utf8_lossy(&done.stderr).into_owned();
    let read = |name: &str| fs::read_to_string(root.join("tmp").join(name)).unwrap_or_default();
    assert_eq!(read("code"), "0\n", "{words}");
    let values = read("values");
    let values: Vec<&str> = values.lines().collect();
    assert_eq!(values[..3], ["/dev/vda", "/dev/vda", "ada"], "{words}");
    assert!(values[3].starts_with("$6$") && file.text.contains(values[3]), "{values:?}");
    assert_eq!(values[4], "openssh-server vim");
    let heard = heard.join().unwrap();
    assert!(heard[1].ends_with("installing onto /dev/vda"), "{heard:?}");
}
