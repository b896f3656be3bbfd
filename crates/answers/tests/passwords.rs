//! Hashes of passwords, judged by the C library's own crypt(3).

mod support;

use answers::{Format, Method, Reveal};
use support::{able, facts, one, printed};

const VERIFY: &str = "import crypt, json, sys, warnings\nfor password, hash in json.load(sys.stdin):\n  \
                      assert crypt.crypt(password, hash) == hash, hash\nprint('ok')";

#[test]
fn crypt_takes_every_hash() {
    if !able(&["python3"]) {
        return;
    }
    let mut pairs = Vec::new();
    for password in ["", "x", "correct horse", "pässwörd😀", "'\"$(reboot)", &"long".repeat(40)]
    {
        for (method, salt) in
            [(Method::Sha512, [0; 12]), (Method::Sha512, [255; 12]), (Method::Yescrypt, [9; 12])]
        {
            let hash = method.hash(password, salt).unwrap();
            let prefix = if method == Method::Sha512 { "$6$" } else { "$y$j9T$" };
            assert!(hash.starts_with(prefix), "{hash}");
            pairs.push((password.to_owned(), hash));
        }
    }
    let out = printed(
        "python3",
        &["-Wignore", "-c", VERIFY],
        serde_json::to_string(&pairs).unwrap().as_bytes(),
    );
    assert_eq!(out, b"ok\n");
}

#[test]
fn a_rendering_hashes_with_salts_of_its_deployment() {
    let text = "echo {{ hash_password(secrets.user_password) }}\necho {{ hash_password(secrets.user_password) }}\n\
                echo {{ hash_password('x', 'yescrypt') }}\n";
    let hashes = |salt: u8| -> Vec<String> {
        let mut facts = facts();
        facts.salt = [salt; 32];
        let rendered = one(Format::Shell, text, &facts, Reveal::Yes).unwrap();
        rendered.text.lines().map(str::to_owned).collect()
    };
    let first = hashes(1);
    assert_eq!(first, hashes(1), "the same deployment: the same bytes");
    let all: std::collections::BTreeSet<String> = first.into_iter().chain(hashes(2)).collect();
    assert_eq!(all.len(), 6, "no salt is used twice: {all:?}");
    assert!(
        one(Format::Shell, "echo {{ hash_password('x', 'md5') }}", &facts(), Reveal::Yes).is_err()
    );
}
