//! The image library as an operator uses it: discs, versions, trust, URLs.

mod common;

use common::{Guard, INITRD, Server, able, kernel};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn run(program: &str, args: &[&str], folder: &Path) -> String {
    let done = Command::new(program)
        .args(args)
        .current_dir(folder)
        .env("GNUPGHOME", folder.join("gnupg"))
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{program} {args:?}: {err}");
    String::from_utf8_lossy(&done.stdout).into_owned()
}

/// A live disc as Debian lays it out, of whose file system some bytes say which one it is.
fn disc(folder: &Path, name: &str, mark: u8) -> PathBuf {
    let source = folder.join(format!("source-{name}"));
    std::fs::create_dir_all(source.join("live")).unwrap();
    std::fs::create_dir_all(source.join(".disk")).unwrap();
    let info = "Debian GNU/Linux Live 12 amd64 20261126\n";
    std::fs::write(source.join(".disk/info"), info).unwrap();
    std::fs::write(source.join("live/vmlinuz"), kernel("6.1.0-9-amd64 (x")).unwrap();
    std::fs::write(source.join("live/initrd.img"), INITRD).unwrap();
    let mut squashfs = b"hsqs".to_vec();
    squashfs.resize(3 << 20, mark);
    std::fs::write(source.join("live/filesystem.squashfs"), squashfs).unwrap();
    let disc = folder.join(format!("{name}.iso"));
    let flags = ["-as", "mkisofs", "-quiet", "-R", "-V", "LIVE", "-o", disc.to_str().unwrap()];
    run("xorriso", &[&flags[..], &[source.to_str().unwrap()]].concat(), folder);
    disc
}

/// What a machine gets under a name.
fn fetch(server: &Server, name: &str) -> Vec<u8> {
    let out = curl(server, &["-s", "-f", &format!("http://10.77.0.1/{name}")]);
    assert!(out.status.success(), "{name}");
    out.stdout
}

fn curl(server: &Server, flags: &[&str]) -> std::process::Output {
    server.inside("curl").args(flags).output().unwrap()
}

#[test]
fn a_disc_is_dropped_in_and_a_bad_version_is_one_rollback_away() {
    if !able(&["xorriso", "curl", "nsenter"]) {
        return;
    }
    let Some(server) = Server::start() else { return };
    let folder = server.folder.path();
    let (old, new) = (disc(folder, "old", b'o'), disc(folder, "new", b'n'));
    let import =
        |disc: &Path| server.says(&["image", "import", disc.to_str().unwrap(), "--name", "live"]);
    let said = import(&old);
    for part in ["Debian GNU/Linux Live 12", "imported it from this host", "MiB of memory"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let said = import(&new);
    assert!(
        said.contains("machines get version 1 until `bootwright image promote live`"),
        "{said}"
    );

    let squashfs = |version: &str| {
        let bytes = fetch(&server, &format!("image/live/{version}/live/filesystem.squashfs"));
        assert_eq!(bytes.len(), 3 << 20);
        char::from(bytes[bytes.len() - 1])
    };
    assert_eq!(["1", "2", "stable", "test"].map(squashfs), ['o', 'n', 'o', 'n']);
    assert_eq!(fetch(&server, "image/live/2.iso"), std::fs::read(&new).unwrap());
    assert_eq!(fetch(&server, "image/live/1/LIVE/VMLINUZ"), kernel("6.1.0-9-amd64 (x"));

    server.says(&["profile", "add", "p", "--image", "live"]);
    server.says(&["rule", "add", "--profile", "p"]);
    let explain = || server.says(&["explain", "52:54:00:77:00:01", "--arch", "x86-bios"]);
    let squashfs_of = |v| format!("fetch=http://10.77.0.1/image/live/{v}/live/filesystem.squashfs");
    assert!(explain().contains(&squashfs_of(1)), "{}", explain());
    server.says(&["image", "promote", "live"]);
    assert_eq!(squashfs("stable"), 'n');
    assert!(explain().contains(&squashfs_of(2)));
    server.says(&["image", "rollback", "live", "--dry-run"]);
    assert_eq!(squashfs("stable"), 'n', "a dry run changes nothing");
    server.says(&["image", "rollback", "live"]);
    assert_eq!(squashfs("stable"), 'o');

    let (code, why) = server.fails(&["image", "remove", "live", "--version", "1", "--yes"]);
    assert!(code == 4 && why.contains("stable shows it"), "{code} {why}");
    server.says(&["image", "remove", "live", "--version", "2", "--yes"]);
    let listed = server.says(&["image", "versions", "live", "--json"]);
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(listed[0]["channels"], serde_json::json!(["stable", "test"]));
    let blobs = server.folder.path().join("state/blobs");
    let size = format!("{}c", std::fs::metadata(&old).unwrap().len());
    let count = run("find", &[".", "-type", "f", "-size", &size], &blobs).lines().count();
    assert_eq!(count, 1, "the bytes of the removed version are gone");

    let dbx = server.folder.path().join("state/dbx");
    std::fs::create_dir(&dbx).unwrap();
    std::fs::write(dbx.join("torn.bin"), "no list").unwrap();
    let kept = || server.says(&["image", "show", "live", "--json"]).contains("torn.bin");
    assert!(server.says(&["image", "audit", "live", "--dry-run"]).contains("torn.bin"));
    assert!(!kept(), "a dry run changes nothing");
    server.says(&["image", "audit", "live"]);
    assert!(kept());
}

/// A publisher's web server, in the server's namespace.
fn publisher(server: &Server, folder: &Path) -> Guard {
    let child = server
        .inside("python3")
        .args(["-m", "http.server", "--bind", "127.0.0.1", "8099", "--directory"])
        .arg(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let publisher = Guard(child);
    let flags = ["-s", "--retry-connrefused", "--retry", "20", "http://127.0.0.1:8099/"];
    let up = (0..3).any(|_| curl(server, &flags).status.success());
    assert!(up, "the publisher does not answer");
    publisher
}

/// A key of the publisher's, and its keyring in a file.
fn key(folder: &Path) {
    std::fs::create_dir(folder.join("gnupg")).unwrap();
    run("chmod", &["700", "gnupg"], folder);
    let id = "Publisher <p@example.org>";
    let make = ["--batch", "--passphrase", "", "--quick-gen-key", id, "ed25519", "sign", "never"];
    run("gpg", &make, folder);
    run("gpg", &["--export", "--output", "publisher.gpg"], folder);
}

/// What a publisher has: a disc in the folder of its web server, and a key.
fn publishers_folder(folder: &Path) -> PathBuf {
    let web = folder.join("web");
    std::fs::create_dir(&web).unwrap();
    disc(&web, "live", b'x');
    key(folder);
    web
}

#[test]
fn from_a_url_only_what_its_publisher_signed_or_somebody_answers_for() {
    if !able(&["xorriso", "curl", "nsenter", "gpg", "sha256sum", "python3"]) {
        return;
    }
    let Some(server) = Server::start() else { return };
    let folder = server.folder.path();
    let web = publishers_folder(folder);
    let _publisher = publisher(&server, &web);
    let url = "http://127.0.0.1:8099/live.iso";
    let import = |more: &[&str]| server.run(&[&["image", "import", url][..], more].concat());
    let refused = |more: &[&str], word: &str| {
        let out = import(more);
        let err = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(4), "{more:?}: {err}");
        assert!(err.contains(word), "{word}: {err}");
        assert_eq!(server.says(&["image", "list"]), "", "nothing is published: {err}");
    };
    refused(&[], "allow-private");
    let private = "--allow-private";
    refused(&[private], "nobody known signed live.iso");

    // A sum without a signature is not enough, a wrong one is too much.
    let sums = web.join("SHA256SUMS");
    let good = run("sha256sum", &["live.iso"], &web);
    std::fs::write(&sums, &good).unwrap();
    refused(&[private], "which nobody signed");
    std::fs::write(&sums, good.replace(&good[..4], "0000")).unwrap();
    refused(&[private, "--accept-unsigned"], "is not what");
    let downloads = folder.join("state/incoming/downloads");
    let left = || std::fs::read_dir(&downloads).unwrap().count();
    assert_eq!(left(), 0, "what is not what was promised is not kept");

    // Signed by a key that the keyring has.
    std::fs::write(&sums, &good).unwrap();
    run(
        "gpg",
        &["--batch", "--armor", "--detach-sign", "-o", "web/SHA256SUMS.sign", "web/SHA256SUMS"],
        folder,
    );
    let keyring = folder.join("publisher.gpg");
    let keyring = keyring.to_str().unwrap();
    std::fs::write(&sums, format!("{good}\n# changed\n")).unwrap();
    refused(&[private, "--keyring", keyring], "is not what");
    std::fs::write(&sums, &good).unwrap();
    let out = import(&[private, "--keyring", keyring]);
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert!(said.contains("SHA256SUMS signed by Publisher <p@example.org>"), "{said}");
    let shown = server.says(&["image", "show", "live"]);
    assert!(shown.contains(url) && shown.contains("from keyring publisher.gpg"), "{shown}");
    assert_eq!(left(), 0, "what was kept is not kept twice");

    // An old image under a new name: the publisher's word is for another file.
    let new = web.join("new.iso");
    std::fs::copy(web.join("live.iso"), &new).unwrap();
    for more in [&["--keyring", keyring][..], &["--accept-unsigned"]] {
        let from = ["image", "import", "http://127.0.0.1:8099/new.iso", private];
        let (code, why) = server.fails(&[&from[..], more].concat());
        assert!(code == 4 && why.contains("the content is that of live.iso"), "{why}");
    }
    // Renamed on this host, without a publisher named, it is what it was; with one, it is not.
    server.says(&["image", "import", new.to_str().unwrap(), "--name", "own"]);
    let (_, why) = server.fails(&["image", "import", new.to_str().unwrap(), "--keyring", keyring]);
    assert!(why.contains("the content is that of live.iso"), "{why}");

    // Nobody's signature, and somebody's word.
    let out = import(&[private, "--name", "mine", "--accept-unsigned", "--args", "quiet {I}"]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let shown = server.says(&["image", "show", "mine"]);
    assert!(shown.contains("not signed;") && shown.contains("approved it"), "{shown}");
    assert!(shown.contains("quiet {I}"), "{shown}");
}

#[test]
fn a_file_beside_its_checksums_is_checked_by_them() {
    if !able(&["xorriso", "sha256sum"]) {
        return;
    }
    let Some(server) = Server::start() else { return };
    let folder = server.folder.path();
    let iso = disc(folder, "live", b'x');
    let sums = run("sha256sum", &["live.iso"], folder);
    std::fs::write(folder.join("SHA256SUMS"), sums.replace(&sums[..4], "0000")).unwrap();
    let (code, why) = server.fails(&["image", "import", iso.to_str().unwrap()]);
    assert!(code == 4 && why.contains("is not what") && why.contains("fetch it again"), "{why}");
    std::fs::write(folder.join("SHA256SUMS"), sums).unwrap();
    server.says(&["image", "import", iso.to_str().unwrap()]);
    let missing = ["image", "import", iso.to_str().unwrap(), "--keyring", "nobodys"];
    let (code, why) = server.fails(&missing);
    assert!(code == 4 && why.contains("there is no keyring `nobodys`"), "{why}");
}

/// `SHA256SUMS` beside a disc, signed by the key.
fn sign_sums(folder: &Path, disc: &str) {
    std::fs::write(folder.join("SHA256SUMS"), run("sha256sum", &[disc], folder)).unwrap();
    let sign = ["--batch", "--yes", "--detach-sign", "-o", "SHA256SUMS.gpg", "SHA256SUMS"];
    run("gpg", &sign, folder);
}

#[test]
fn all_files_of_a_keyring_count_as_one() {
    if !able(&["xorriso", "gpg", "sha256sum"]) {
        return;
    }
    let Some(server) = Server::start() else { return };
    let folder = server.folder.path();
    let own = folder.join("state/keyrings");
    std::fs::create_dir(&own).unwrap();
    let iso = disc(folder, "live", b'x');
    let iso = iso.to_str().unwrap();
    key(folder);
    sign_sums(folder, "live.iso");
    std::fs::copy(folder.join("publisher.gpg"), own.join("publisher.gpg")).unwrap();
    // What is no keyring stands in nobody's way, and is told; named, it is refused.
    std::fs::write(own.join("README"), "Keys of publishers.\n").unwrap();
    server.says(&["image", "import", iso]);
    let said = server.says(&["image", "show", "live"]);
    assert!(said.contains("signed by Publisher") && said.contains("README"), "{said}");
    let (code, why) = server.fails(&["image", "import", iso, "--keyring", "README"]);
    assert!(code == 4 && why.contains("neither binary nor") && why.contains("hint"), "{why}");

    // The publisher's second file knows that the key was revoked.
    let revocations = folder.join("gnupg/openpgp-revocs.d");
    let file = std::fs::read_dir(&revocations).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(&file).unwrap().replace(":-----BEGIN", "-----BEGIN");
    std::fs::write(&file, text).unwrap();
    run("gpg", &["--batch", "--import", file.to_str().unwrap()], folder);
    let second = own.join("publisher-role-keys.gpg");
    run("gpg", &["--export", "--output", second.to_str().unwrap()], folder);
    for named in [&["--keyring", "publisher"][..], &[]] {
        let (code, why) = server.fails(&[&["image", "import", iso][..], named].concat());
        assert!(code == 4 && why.contains("was revoked by its owner"), "{named:?}: {why}");
    }
}

#[test]
fn debians_keyrings_are_found_by_the_name_that_the_manual_says() {
    let rings = ["debian-archive-keyring.gpg", "debian-keyring.gpg", "debian-role-keys.gpg"];
    if !able(&rings.map(|name| format!("../share/keyrings/{name}")).each_ref().map(String::as_str))
        || !able(&["xorriso", "gpg", "sha256sum"])
    {
        return;
    }
    let Some(server) = Server::start() else { return };
    let folder = server.folder.path();
    let iso = disc(folder, "live", b'x');
    key(folder);
    sign_sums(folder, "live.iso");
    let import = ["image", "import", iso.to_str().unwrap(), "--keyring", "debian"];
    // The keyrings are read, and do not have this publisher's key.
    let (code, why) = server.fails(&import);
    assert!(code == 4 && why.contains("SHA256SUMS: ") && why.contains("key"), "{why}");
    let (_, why) = server.fails(&[&import[..4], &["debian-keyring"]].concat());
    assert!(why.contains("debian-keyring.gpg") && why.contains("bytes"), "{why}");
}

/// Files of the store's blobs.
fn blobs(server: &Server) -> usize {
    run("find", &["blobs", "-type", "f"], &server.folder.path().join("state")).lines().count()
}

#[test]
fn what_came_damaged_is_fetched_anew_and_leaves_nothing() {
    if !able(&["xorriso", "curl", "nsenter", "gpg", "sha256sum", "python3"]) {
        return;
    }
    let Some(server) = Server::start() else { return };
    let folder = server.folder.path();
    let web = publishers_folder(folder);
    let sums = run("sha256sum", &["live.iso"], &web);
    std::fs::write(web.join("SHA256SUMS"), sums).unwrap();
    let sign = ["--batch", "--detach-sign", "-o", "web/SHA256SUMS.gpg", "web/SHA256SUMS"];
    run("gpg", &sign, folder);
    let good = std::fs::read(web.join("live.iso")).unwrap();
    let _publisher = publisher(&server, &web);
    let keyring = folder.join("publisher.gpg");
    let url = "http://127.0.0.1:8099/live.iso";
    let import =
        ["image", "import", url, "--allow-private", "--keyring", keyring.to_str().unwrap()];
    let before = blobs(&server);
    let mut changed = good.clone();
    let last = changed.len() - 1;
    changed[last] ^= 1;
    for (bytes, word) in [(&changed[..], "is not what"), (&good[..100_000], "cannot be read")] {
        std::fs::write(web.join("live.iso"), bytes).unwrap();
        let (code, why) = server.fails(&import);
        assert!(code == 4 && why.contains(word), "{why}");
    }
    std::fs::write(web.join("live.iso"), &good).unwrap();
    // A mistyped keyring is told before anything is fetched.
    let (_, why) = server.fails(&[&import[..4], &["--keyring", "nobodys"]].concat());
    assert!(why.contains("there is no keyring `nobodys`"), "{why}");
    assert_eq!(std::fs::read_dir(folder.join("state/incoming/downloads")).unwrap().count(), 0);
    assert_eq!(blobs(&server), before, "what was refused is not kept");
    let said = server.says(&import);
    assert!(said.contains("SHA256SUMS signed by Publisher"), "{said}");
}

#[test]
fn a_packed_file_is_checked_by_its_own_sums_and_signature_and_keeps_its_name() {
    if !able(&["curl", "nsenter", "gpg", "sha512sum", "gzip", "python3"]) {
        return;
    }
    let Some(server) = Server::start() else { return };
    let folder = server.folder.path();
    let web = folder.join("web");
    std::fs::create_dir(&web).unwrap();
    let mut squashfs = b"hsqs".to_vec();
    squashfs.resize(100_000, 7);
    std::fs::write(web.join("root.squashfs"), squashfs).unwrap();
    run("gzip", &["root.squashfs"], &web);
    key(folder);
    let sign =
        |file: &str, to: &str| run("gpg", &["--batch", "--detach-sign", "-o", to, file], folder);
    let _publisher = publisher(&server, &web);
    let keyring = folder.join("publisher.gpg");
    let url = "http://127.0.0.1:8099/root.squashfs.gz";
    let import =
        ["image", "import", url, "--allow-private", "--keyring", keyring.to_str().unwrap()];
    sign("web/root.squashfs.gz", "web/root.squashfs.gz.sig");
    let said = server.says(&import);
    assert!(said.contains("root.squashfs.gz.sig signed by Publisher"), "{said}");
    assert!(!said.contains(".part") && said.contains("root.squashfs"), "{said}");

    let sums = run("sha512sum", &["root.squashfs.gz"], &web);
    std::fs::write(web.join("SHA512SUMS"), sums).unwrap();
    sign("web/SHA512SUMS", "web/SHA512SUMS.sign");
    let said = server.says(&[&import[..], &["--name", "again"]].concat());
    assert!(said.contains("SHA512SUMS signed by Publisher"), "{said}");

    // Another file's signature is none.
    std::fs::remove_file(web.join("SHA512SUMS")).unwrap();
    std::fs::remove_file(web.join("root.squashfs.gz.sig")).unwrap();
    sign("publisher.gpg", "web/root.squashfs.gz.sig");
    let (code, why) = server.fails(&import);
    assert!(code == 4 && why.contains("root.squashfs.gz.sig: "), "{why}");
}

#[test]
fn a_pipe_beside_a_file_or_named_holds_nobody_up() {
    if !able(&["xorriso", "mkfifo"]) {
        return;
    }
    let Some(server) = Server::start() else { return };
    let folder = server.folder.path();
    let iso = disc(folder, "live", b'x');
    for name in ["SHA256SUMS", "live.iso.sig", "ring.gpg"] {
        run("mkfifo", &[name], folder);
    }
    let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let import = ["image", "import", iso.to_str().unwrap()];
    server.says(&import);
    for (flag, name) in
        [("--checksums", "SHA256SUMS"), ("--signature", "live.iso.sig"), ("--keyring", "ring.gpg")]
    {
        let (code, why) = server.fails(&[&import[..], &[flag, &at(name)]].concat());
        assert!(code == 4 && why.contains("no plain file"), "{flag}: {why}");
    }
}

/// Serves files, but of a checksum file never a byte; says when it was asked for one, and whether who
/// asked went within 30 s.
const SILENT: &str = r#"
import http.server, os, sys
class Silent(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if "SHA256SUMS" not in self.path:
            return super().do_GET()
        print("asked", flush=True)
        self.connection.settimeout(30)
        try:
            gone = self.connection.recv(1) == b""
        except TimeoutError:
            gone = False
        print("gone" if gone else "still there", flush=True)
        os._exit(0)
server = http.server.HTTPServer(("127.0.0.1", 8099), Silent)
print("ready", flush=True)
server.serve_forever()
"#;

#[test]
fn who_cancels_an_import_is_heard_while_a_publisher_is_silent() {
    if !able(&["nsenter", "python3"]) {
        return;
    }
    let Some(server) = Server::start() else { return };
    let folder = server.folder.path();
    std::fs::write(folder.join("vmlinuz"), kernel("6.1.0-9-amd64 (x")).unwrap();
    let mut publisher = server
        .inside("python3")
        .args(["-c", SILENT])
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(publisher.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(said.next().as_deref(), Some("ready"));
    let mut operator = Command::new(common::BINARY)
        .args(["image", "import", "http://127.0.0.1:8099/vmlinuz", "--allow-private"])
        .env("BOOTWRIGHT_STATE", folder.join("state"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    assert_eq!(said.next().as_deref(), Some("asked"));
    operator.kill().unwrap();
    operator.wait().unwrap();
    assert_eq!(said.next().as_deref(), Some("gone"));
    publisher.wait().unwrap();
}
