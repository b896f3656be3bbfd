//! Signatures, judged by other programs, in the words of docs/webhooks.md.
#![expect(clippy::disallowed_methods, reason = "the judges are other programs")]
#![expect(clippy::disallowed_macros, reason = "a test that is skipped says so")]

use model::webhook::SigningKey;
use std::path::Path;
use std::process::Command;
use webhook::{Delivery, Message, sign};

const DOCS: &str = include_str!("../../../docs/webhooks.md");

/// The block of code of this language.
fn block(language: &str, with: &str) -> String {
    let begin = format!("```{language}\n");
    let mut blocks = DOCS.split(&begin).skip(1).filter_map(|rest| rest.split("\n```").next());
    blocks.find(|block| block.contains(with)).unwrap().to_owned()
}

fn able(tool: &str) -> bool {
    let there =
        ["/usr/bin", "/bin", "/usr/local/bin"].iter().any(|at| Path::new(at).join(tool).exists());
    if !there {
        let text = format!("SKIPPED: it needs {tool}");
        assert!(std::env::var_os("CI").is_none(), "{text}");
        eprintln!("{text}");
    }
    there
}

/// What a program says, its argument being a script.
fn says(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn key() -> SigningKey {
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::try_from(at * 7 + 3).unwrap();
    }
    SigningKey::new(&bytes)
}

/// Bodies of all sorts: none, what JSON writes, what shells and Python would trip over, a long one.
fn bodies() -> Vec<String> {
    let long = format!(r#"{{"event":"answered","because":"{}"}}"#, "x".repeat(200_000));
    vec![
        String::new(),
        r#"{"event":"alarm","text":"pool é \u001b \\ \" $HOME 'x' %s"}"#.to_owned(),
        "{\"event\":\"changed\",\"text\":\"ends with a line\"}\n\n".to_owned(),
        long,
    ]
}

#[test]
fn openssl_makes_the_same_signature() {
    if !able("openssl") {
        return;
    }
    let script = block("sh", "openssl dgst");
    for body in bodies() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("body.json"), &body).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", &script]).current_dir(folder.path());
        command.env("timestamp", "1795687025").env("secret", key().reveal());
        assert_eq!(says(&mut command), sign(&key(), 1_795_687_025, &body));
    }
}

#[test]
fn python_takes_what_is_genuine_and_nothing_else() {
    if !able("python3") {
        return;
    }
    let function = block("python", "def is_genuine");
    let judge = "import sys\n\
                 secret, timestamp, signature, now, path = sys.argv[1:]\n\
                 headers = {'Bootwright-Timestamp': timestamp, 'Bootwright-Signature': signature}\n\
                 body = open(path, 'rb').read()\n\
                 print(is_genuine(secret, headers, body, now=int(now)))\n";
    let script = format!("{function}\n\n{judge}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("body");
    let genuine = |secret: &str, timestamp: &str, signature: &str, now: &str, body: &str| {
        std::fs::write(&path, body).unwrap();
        let mut command = Command::new("python3");
        says(command.args(["-c", &script, secret, timestamp, signature, now]).arg(&path)) == "True"
    };
    for body in bodies() {
        let delivery = Delivery::new("1".to_owned(), "alarm", body.as_str().into());
        let message = Message::new(&delivery, &key(), 1_795_687_025);
        let field =
            |name: &str| message.headers.iter().find(|(n, _)| *n == name).unwrap().1.clone();
        let (timestamp, signature) = (field("bootwright-timestamp"), field("bootwright-signature"));
        let (key, now) = (key(), "1795687030");
        assert!(genuine(key.reveal(), &timestamp, &signature, now, &body));
        assert!(!genuine(key.reveal(), &timestamp, &signature, "1795697025", &body), "too old");
        assert!(!genuine(key.reveal(), &timestamp, &signature, now, &format!("{body} ")));
        assert!(!genuine(key.reveal(), "1795687026", &signature, now, &body));
        assert!(!genuine("another", &timestamp, &signature, now, &body));
    }
}

#[test]
fn a_known_signature_stays_what_it_is() {
    // `printf '1.{}' | openssl dgst -sha256 -hmac 0000…0000` (64 zeros).
    let key = SigningKey::new(&[0; 32]);
    assert_eq!(
        sign(&key, 1, "{}"),
        "273c7dd45ad5dc9eb911e52b437e0adfdf55bc1bf55afb8d8348fe021dc58272"
    );
}

#[test]
fn no_field_can_be_broken_out_of() {
    let delivery = Delivery::new("id".to_owned(), "alarm", "{\"text\":\"\\r\\n\"}".into());
    let message = Message::new(&delivery, &key(), 1);
    let whole = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    for (name, value) in &message.headers {
        assert!(whole(name) && whole(value), "{name}: {value}");
    }
    assert_eq!(
        message.headers.iter().filter(|(name, _)| *name == "bootwright-signature").count(),
        1
    );
}
