//! Files: each client gets the very bytes that were imported, and quick answers otherwise.

use std::path::Path;
use std::time::Duration;

use lab::rig::Trouble;
use lab::rig::ns::{Link, Namespace};

use super::world::{
    INSTALLER, Ran, Tried, World, bytes_of, giving, json, list, new_directory, ran, there,
};

const MAC: &str = "52:54:00:77:02:01";
/// A client that must wait for this was not answered but ran into its own timeout.
const QUICK: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug)]
enum Tftp {
    Atftp,
    /// As large as fits an Ethernet frame, sixteen blocks at a time (RFC 7440).
    AtftpInWindows,
    Curl,
    Busybox,
    BusyboxLargeBlocks,
    Hpa,
}

impl Tftp {
    const ALL: [Self; 6] = [
        Self::Atftp,
        Self::AtftpInWindows,
        Self::Curl,
        Self::Busybox,
        Self::BusyboxLargeBlocks,
        Self::Hpa,
    ];

    fn fetch(self, namespace: &Namespace, name: &str, to: &Path) -> Result<Ran, Trouble> {
        let to = to.display().to_string();
        let server = Link::SERVER;
        let url = format!("tftp://{server}/{name}");
        match self {
            Self::Atftp => there(namespace, "atftp", &["--get", "-r", name, "-l", &to, server]),
            Self::AtftpInWindows => there(
                namespace,
                "atftp",
                &[
                    "--option",
                    "blksize 1468",
                    "--option",
                    "windowsize 16",
                    "--trace",
                    "--get",
                    "-r",
                    name,
                    "-l",
                    &to,
                    server,
                ],
            ),
            // Otherwise it would resolve `..` itself.
            Self::Curl => {
                there(namespace, "curl", &["-sS", "--path-as-is", "-m", "30", "-o", &to, &url])
            }
            Self::Busybox => {
                there(namespace, "busybox", &["tftp", "-g", "-r", name, "-l", &to, server])
            }
            Self::BusyboxLargeBlocks => there(
                namespace,
                "busybox",
                &["tftp", "-g", "-b", "1468", "-r", name, "-l", &to, server],
            ),
            Self::Hpa => {
                there(namespace, "tftp", &["-m", "binary", server, "-c", "get", name, &to])
            }
        }
    }
}

#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn tftp_clients_get_the_very_bytes() -> Tried {
    let (mut world, loader) = with_debian()?;
    let namespace = world.client_at(MAC, "10.77.0.50/24")?;
    let directory = new_directory()?;
    let wanted = [
        ("image/debian/1/linux".to_owned(), format!("{INSTALLER}/linux")),
        ("image/debian/1/initrd.gz".to_owned(), format!("{INSTALLER}/initrd.gz")),
        (format!("loader/{}", loader.0), loader.1),
    ];
    for client in Tftp::ALL {
        for (name, source) in &wanted {
            let to = directory.path().join("got");
            let ran = client.fetch(&namespace, name, &to)?;
            assert_eq!(ran.code, Some(0), "{client:?} {name}: {}", ran.said());
            // Not assert_eq!, which would print both.
            let same = bytes_of(&to)? == bytes_of(source)?;
            assert!(same, "{client:?} got other bytes for {name}");
            if let Tftp::AtftpInWindows = client {
                let said = ran.said();
                assert!(
                    said.contains("blksize: 1468") && said.contains("windowsize: 16"),
                    "both options were acknowledged: {}",
                    said.lines().take(12).collect::<Vec<_>>().join("\n")
                );
            }
        }
    }
    world.leaves_nothing()
}

#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn tftp_clients_are_told_quickly_what_there_is_not() -> Tried {
    let (mut world, _) = with_debian()?;
    let namespace = world.client_at(MAC, "10.77.0.50/24")?;
    let directory = new_directory()?;
    let wrong = [
        "no/such/file",
        "image/debian/2/linux",
        "image/debian/1/../../../../../../../../etc/passwd",
        "../../../../../../etc/passwd",
        "/etc/passwd",
    ];
    for client in Tftp::ALL {
        for name in wrong {
            let to = directory.path().join("got");
            let ran = client.fetch(&namespace, name, &to)?;
            assert!(ran.took < QUICK, "{client:?} waited {:?} for {name}", ran.took);
            let error = ran.said().to_lowercase();
            // curl names the TFTP error by its own number: 68 not found, 69 not allowed, 71 illegal.
            let told = ["not found", "no such", "error", "curl: (6", "curl: (71"];
            assert!(told.iter().any(|word| error.contains(word)), "{client:?} {name}: {error}");
            let got = bytes_of(&to).unwrap_or_default();
            assert!(got.is_empty(), "{client:?} got {} bytes for {name}", got.len());
            let _not_there = std::fs::remove_file(&to);
        }
    }
    // The server is as well as before.
    let name = "image/debian/1/linux";
    let ran = Tftp::Atftp.fetch(&namespace, name, &directory.path().join("linux"))?;
    assert_eq!(ran.code, Some(0), "{}", ran.said());
    Ok(())
}

#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn curl_gets_what_http_promises() -> Tried {
    let (mut world, (loader, source)) = with_debian()?;
    let namespace = world.client_at(MAC, "10.77.0.50/24")?;
    let directory = new_directory()?;
    let (body, head) = (directory.path().join("body"), directory.path().join("head"));
    let get = |path: &str, flags: &[&str]| -> Result<Answer, Trouble> {
        for file in [&body, &head] {
            let _not_there = std::fs::remove_file(file);
        }
        let mut command = namespace.command("curl");
        command.args(["-sS", "--path-as-is", "-m", "30", "-w", "%{http_code}", "-D"]).arg(&head);
        command.arg("-o").arg(&body).args(flags);
        let ran = ran(command.arg(format!("http://{}{path}", Link::SERVER)))?;
        assert_eq!(ran.code, Some(0), "{path}: {}", ran.said());
        Ok(Answer {
            code: ran.out,
            head: String::from_utf8_lossy(&bytes_of(&head)?).to_lowercase(),
            body: bytes_of(&body).unwrap_or_default(),
            took: ran.took,
        })
    };

    let (kernel, initrd) = (format!("{INSTALLER}/linux"), format!("{INSTALLER}/initrd.gz"));
    let loader = format!("/loader/{loader}");
    for (path, source) in [
        ("/image/debian/1/linux", &kernel),
        ("/image/debian/current/linux", &kernel),
        ("/image/debian/1/initrd.gz", &initrd),
        (&*loader, &source),
    ] {
        let whole = get(path, &[])?;
        assert_eq!((&*whole.code, whole.body == bytes_of(source)?), ("200", true), "{path}");
    }

    let linux = bytes_of(&kernel)?;
    let path = "/image/debian/1/linux";
    let part = get(path, &["-r", "1000-4999"])?;
    assert_eq!((&*part.code, part.body == linux[1000..5000]), ("206", true), "{}", part.head);
    let range = format!("content-range: bytes 1000-4999/{}", linux.len());
    assert!(part.head.contains(&range), "{}", part.head);
    let end = get(path, &["-r", "-512"])?;
    assert_eq!((&*end.code, end.body == linux[linux.len() - 512..]), ("206", true));
    let beyond = get(path, &["-r", "999999999-"])?;
    assert_eq!(&*beyond.code, "416", "{}", beyond.head);

    let only_head = get(path, &["-I"])?;
    assert_eq!((&*only_head.code, only_head.length()), ("200", Some(linux.len())));
    let tag = only_head.tag();
    let unchanged = get(path, &["-H", &format!("If-None-Match: {tag}")])?;
    assert_eq!((&*unchanged.code, unchanged.body.len()), ("304", 0), "{}", unchanged.head);
    let changed = get(path, &["-H", "If-None-Match: \"0\""])?;
    assert_eq!((&*changed.code, changed.body == linux), ("200", true));
    // Continued after the first half, as curl -C does, and only if it is still the same.
    let resumed = get(path, &["-r", "5000-", "-H", &format!("If-Range: {tag}")])?;
    assert_eq!((&*resumed.code, resumed.body == linux[5000..]), ("206", true));

    for path in ["/no/such", "/image/debian/9/linux", "/image/debian/1/../../../../etc/passwd"] {
        let missing = get(path, &[])?;
        assert!(matches!(&*missing.code, "404" | "400"), "{path}: {}", missing.code);
        assert!(missing.took < QUICK && !missing.text().contains("root:"), "{path}");
    }
    let posted = get(path, &["-d", "x=1"])?;
    assert_eq!(&*posted.code, "405", "{}", posted.head);

    world.server.cli(&["profile", "add", "debian", "--image", "debian", "--args", "quiet"])?;
    world.server.cli(&["rule", "add", "--profile", "debian"])?;
    let script = get(&format!("/boot.ipxe?mac={MAC}&arch=x86_64&platform=efi"), &[])?.text();
    assert!(script.starts_with("#!ipxe"), "{script}");
    let line = format!("http://{}/image/debian/1/linux", Link::SERVER);
    assert!(script.contains(&line) && script.contains("quiet"), "{script}");
    let menu = get(&format!("/grub/x86_64-efi/grub.cfg-01-{}", MAC.replace(':', "-")), &[])?;
    assert_eq!(&*menu.code, "200");
    let text = menu.text();
    assert!(text.contains("image/debian/1/linux") && text.contains("initrd.gz"), "{text}");
    Ok(())
}

struct Answer {
    code: String,
    head: String,
    body: Vec<u8>,
    took: Duration,
}

impl Answer {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            .map(str::trim)
    }

    fn length(&self) -> Option<usize> {
        self.field("content-length")?.parse().ok()
    }

    fn tag(&self) -> String {
        self.field("etag").unwrap_or_else(|| panic!("no etag: {}", self.head)).to_owned()
    }
}

/// A loader's name, and the file of this host that it came from.
type Loader = (String, String);

/// A server with Debian's installer, and one of its loaders.
fn with_debian() -> Result<(World, Loader), Trouble> {
    let world = World::alone(&giving("10.77.0.100-10.77.0.199"))?;
    world.server.cli(&["image", "import", INSTALLER, "--name", "debian"])?;
    let verified = world.server.cli(&["image", "verify", "debian", "--json"])?;
    assert_eq!(list(&json(&verified))[0]["wrong"], serde_json::json!([]));
    let loaders = world.json(&["bootloader", "list"])?;
    let text = |key: &str| list(&loaders)[0][key].as_str().map(str::to_owned);
    let (Some(name), Some(path)) = (text("name"), text("path")) else {
        panic!("no loader on this host (ipxe is not installed?): {loaders}");
    };
    Ok((world, (name, path)))
}
