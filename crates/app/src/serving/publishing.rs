//! The keys that names are published with: out of their files, whenever they are put in force.

use crate::config::PublishTo;
use crate::failure::Failure;
use api::types::{PublishFailing, PublishView};
use engine::names::publish::{Key, KeyFile, Standing};
use serve::Publish;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// A file with a key is shorter.
const FILE_BYTES_MAX: u64 = 8192;

/// All servers, with their keys.
///
/// # Errors
///
/// When a file cannot be read, is open to everybody, or holds another key.
pub fn read(all: &[PublishTo]) -> Result<Vec<Publish>, Failure> {
    all.iter().map(one).collect()
}

fn one(to: &PublishTo) -> Result<Publish, Failure> {
    let PublishTo { server, zones, key, algorithm, secret_file, ttl_s } = to;
    let shown = secret_file.display();
    let file = key_in(secret_file)?;
    if let Some(other) = file.name.filter(|name| name != key) {
        return Err(Failure::failed(format!("{shown} holds the key `{other}`, not `{key}`"))
            .hint("`key` and `secret_file` of a [[dns.publish]] are of one key"));
    }
    let said = file.algorithm.map(|said| {
        said.parse().map_err(|()| {
            let said = model::text::show(said.as_bytes());
            Failure::failed(format!("{shown}: `{said}` is no algorithm that we sign with")).hint(
                "tsig-keygen -a hmac-sha256 NAME makes a key; the server needs the new one, too",
            )
        })
    });
    let said = said.transpose()?;
    if let (Some(wanted), Some(said)) = (algorithm, said)
        && *wanted != said
    {
        let (wanted, said) = (wanted.name(), said.name());
        return Err(Failure::failed(format!("{shown} is of {said}, `algorithm` says {wanted}"))
            .hint("leave `algorithm` out: the file says it"));
    }
    let key = Key {
        name: key.clone(),
        algorithm: algorithm.or(said).unwrap_or_default(),
        secret: file.secret,
    };
    Ok(Publish { server: *server, zones: zones.clone(), key, ttl_s: *ttl_s })
}

fn key_in(path: &Path) -> Result<KeyFile, Failure> {
    let shown = path.display();
    let failed = |cause: std::io::Error| {
        Failure::failed(format!("the key {shown} cannot be read: {cause}"))
            .hint("`secret_file` of [[dns.publish]] is the file with the secret of the key")
    };
    let mut file = File::open(path).map_err(failed)?;
    let seen = file.metadata().map_err(failed)?;
    if !seen.is_file() || seen.len() > FILE_BYTES_MAX {
        return Err(Failure::failed(format!("{shown} is no file with a key")));
    }
    if seen.mode() & 0o007 != 0 {
        let mode = seen.mode() & 0o7777;
        return Err(Failure::failed(format!("everybody may read the key {shown} (mode {mode:o})"))
            .hint(format!(
                "chmod 600 {shown}; who read it can change your zones, so make a new key"
            )));
    }
    let mut text = String::new();
    file.by_ref().take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    KeyFile::parse(&text).ok_or_else(|| {
        Failure::failed(format!("there is no secret of a key in {shown}")).hint(
            "what `tsig-keygen NAME` or `keymgr -t NAME` writes, or the secret in base64 by itself",
        )
    })
}

/// Where names are published, in a line, without anything secret.
pub fn in_a_line(one: &Publish) -> String {
    let zones: Vec<String> = one.zones.iter().map(ToString::to_string).collect();
    let (key, how) = (&one.key.name, one.key.algorithm.name());
    format!("{} at {}, key {key} ({how}), ttl {} s", zones.join(", "), one.server, one.ttl_s)
}

/// All of them.
pub fn in_words(all: &[Publish]) -> String {
    match all.is_empty() {
        true => "none".to_owned(),
        false => all.iter().map(in_a_line).collect::<Vec<_>>().join("; "),
    }
}

/// How a zone of a server stands, in words.
pub fn view(of: Standing) -> PublishView {
    let Standing { server, zone, published, waiting, left_out, foreign, refused, done, failing } =
        of;
    let failing = failing.map(|(since, why, again)| PublishFailing {
        since: since.to_string(),
        why: why.to_string(),
        hint: why.hint().to_owned(),
        again: again.to_string(),
    });
    PublishView {
        server: server.to_string(),
        zone,
        published,
        waiting,
        left_out,
        foreign,
        refused: refused.into_iter().map(|(name, why)| format!("{name}: {why}")).collect(),
        done: done.map(|done| done.to_string()),
        failing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::names::Name;
    use std::os::unix::fs::PermissionsExt;

    const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    #[test]
    fn a_key_comes_from_its_file_or_it_is_said_why_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tsig.key");
        let to = PublishTo {
            server: "192.0.2.1:53".parse().unwrap(),
            zones: vec![Name::parse("lab.example").unwrap()],
            key: Name::parse("bootwright").unwrap(),
            algorithm: None,
            secret_file: path.clone(),
            ttl_s: 300,
        };
        let read_with = |text: &str, mode: u32| {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            read(std::slice::from_ref(&to)).map_err(|failure| failure.to_string())
        };
        assert!(
            read(std::slice::from_ref(&to)).unwrap_err().to_string().contains("cannot be read")
        );
        let good = read_with(SECRET, 0o640).unwrap();
        assert_eq!(
            in_words(&good),
            "lab.example at 192.0.2.1:53, key bootwright (hmac-sha256), ttl 300 s"
        );
        assert!(!format!("{good:?}").contains("AAEC"), "nothing shows the secret");
        let bind = |name: &str, how: &str| {
            format!("key \"{name}\" {{ algorithm {how}; secret \"{SECRET}\"; }};")
        };
        let good = read_with(&bind("bootwright", "hmac-sha512"), 0o600).unwrap();
        assert!(in_words(&good).contains("(hmac-sha512)"));
        for (text, mode, why) in [
            (SECRET.to_owned(), 0o644, "everybody may read the key"),
            ("nothing".to_owned(), 0o600, "there is no secret of a key in"),
            (bind("other", "hmac-sha256"), 0o600, "holds the key `other`, not `bootwright`"),
            (bind("bootwright", "hmac-md5"), 0o600, "`hmac-md5` is no algorithm"),
        ] {
            let said = read_with(&text, mode).unwrap_err();
            assert!(said.contains(why) && !said.contains("AAEC"), "{why}: {said}");
        }
    }
}
