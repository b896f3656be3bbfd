//! The reader that says where a value may stand in a script, against real shells: scripts put
//! together from everything that quotes, with a value that does harm wherever it is not one.

mod support;

use answers::{Format, Reveal};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use std::fs;
use std::path::Path;
use std::process::Command;
use support::{able, facts, one, settings};

/// Each part that is read as syntax anywhere leaves a file.
const VALUE: &str =
    "a'; >owned; ' \"; >owned; \" $(>owned) `>owned` ; >owned\n>owned\nE\n>owned\n)>owned\n#";

const PIECES: [&str; 34] = [
    "{{ settings.x }}",
    "{{ settings.x }}",
    "{{ settings.x }}",
    "echo ",
    " ",
    "'",
    "'",
    "\"",
    "\"",
    "\\",
    "\\\\",
    "$(",
    "$(echo ",
    ")",
    "(",
    "`",
    "#",
    " #",
    "\n",
    "\n",
    "<<E\n",
    "<<'E'\n",
    "<<-E\n",
    "\nE\n",
    ";",
    "case x in x) ",
    ";; esac",
    "$",
    "${x:-",
    "}",
    "x=",
    "\"$(echo \"",
    "\")\"",
    "{ ",
];

#[expect(clippy::disallowed_methods, reason = "a shell runs the script")]
fn harms(shell: &[&str], script: &str, dir: &Path) -> bool {
    let (program, args) = shell.split_first().unwrap();
    let file = dir.join("script");
    fs::write(&file, script).unwrap();
    let mut command = Command::new(support::tool(program).unwrap());
    // Without a path no other program is found; what a script prints is of no interest.
    command.args(args).arg(&file).current_dir(dir).env_clear().env("PATH", "/nowhere");
    command.stdin(std::process::Stdio::null());
    command.output().unwrap();
    let owned = dir.join("owned");
    let harm = owned.exists();
    let _ = fs::remove_file(owned);
    harm
}

/// How many accepted scripts are run; more by hand, with proptest's own variable.
#[expect(clippy::disallowed_methods, reason = "the number of cases is the tester's")]
fn cases() -> usize {
    std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(256)
}

/// The same for kickstart commands, which Python's shlex splits line by line: the words are those
/// of the template, with the value in its place.
#[test]
fn no_accepted_kickstart_line_is_split_by_a_value() {
    if !able(&["python3"]) {
        return;
    }
    const LINE: &str = "a'b \" c\\ # %end $(x) `y` --z=1";
    let render = |text: &str, value: &str| {
        let mut facts = facts();
        facts.settings = settings(&[("x", value.into())]);
        one(Format::Kickstart, text, &facts, Reveal::No).ok().map(|rendered| rendered.text)
    };
    let mut runner = TestRunner::deterministic();
    let pieces = proptest::collection::vec(proptest::sample::select(PIECES.to_vec()), 1..10);
    let mut pairs = Vec::new();
    while pairs.len() < cases() {
        let text = format!("user {}", pieces.new_tree(&mut runner).unwrap().current().concat());
        let (Some(real), Some(plain)) = (render(&text, LINE), render(&text, "bootwright-plain"))
        else {
            continue;
        };
        pairs.push((real, plain));
    }
    let script = "import json, shlex, sys\nvalue, pairs = json.load(sys.stdin)\n\
                  def words(text):\n  out = []\n  for line in text.split('\\n'):\n    try:\n      \
                  out.append(shlex.split(line, comments=True))\n    except ValueError:\n      out.append(None)\n  \
                  return out\n\
                  for real, plain in pairs:\n  want = [w and [x.replace('bootwright-plain', value) for x in w] for w in words(plain)]\n  \
                  assert words(real) == want, (real, words(real), want)\n";
    let input = serde_json::json!([LINE, pairs]).to_string();
    support::printed("python3", &["-c", script], input.as_bytes());
}

#[test]
fn no_accepted_script_runs_a_value() {
    if !able(&["dash", "bash", "busybox"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut facts = facts();
    facts.settings = settings(&[("x", VALUE.into())]);
    assert!(harms(&["dash"], VALUE, dir.path()), "the value does harm where it is syntax");

    let count = cases();
    let mut runner = TestRunner::deterministic();
    let pieces = proptest::collection::vec(proptest::sample::select(PIECES.to_vec()), 1..12);
    let (mut accepted, mut refused) = (0, 0);
    while accepted < count {
        let text = pieces.new_tree(&mut runner).unwrap().current().concat();
        if !text.contains("settings.x") {
            continue;
        }
        let Ok(rendered) = one(Format::Shell, &text, &facts, Reveal::No) else {
            refused += 1;
            continue;
        };
        accepted += 1;
        for shell in [&["dash"][..], &["bash", "--posix"], &["busybox", "sh"]] {
            assert!(
                !harms(shell, &rendered.text, dir.path()),
                "{shell:?} runs a value in {text:?}"
            );
        }
    }
    assert!(refused > count / 4, "only {refused} refused beside {accepted} accepted");
}
