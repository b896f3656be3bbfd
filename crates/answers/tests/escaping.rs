//! Any value comes back unchanged through its target's own parser, or is refused; none becomes syntax.

mod support;

use answers::{Facts, Format, Reveal, Setting};
use proptest::prelude::*;
use support::{able, facts, one, printed, settings};

/// What has gone wrong before, somewhere.
const HOSTILE: [&str; 36] = [
    "",
    " ",
    "x",
    "'",
    "\"",
    "''",
    "\\",
    "\\\\",
    "a'b\"c\\d",
    "$(reboot)",
    "`reboot`",
    "${HOME}",
    "$HOME",
    "!x",
    "a\nb",
    "\n",
    "\r\n",
    "a\tb",
    "{{ x }}",
    "{% raw %}",
    "{# #}",
    "]]>",
    "<!-- -->",
    "<a b='c'>&amp;",
    "%end\n%post",
    "#",
    " # x",
    "a: b",
    "- a",
    "yes",
    "null",
    "0x10",
    "1e3",
    "é\u{2028}\u{85}\u{feff}😀",
    "; rm -rf /",
    "&& || ; #",
];

fn with(value: &str) -> Facts {
    let mut facts = facts();
    facts.settings = settings(&[("x", value.into())]);
    facts
}

/// What a value becomes, if the format takes it.
fn written(format: Format, before: &str, value: &str, after: &str) -> Option<String> {
    let text = format!("{before}{{{{ settings.x }}}}{after}");
    one(format, &text, &with(value), Reveal::No).ok().map(|rendered| rendered.text)
}

/// Values of all kinds: hostile pieces, put together, and any characters.
fn value() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        proptest::sample::select(HOSTILE.to_vec()).prop_map(str::to_owned),
        any::<String>(),
        "[ -~\n]{0,12}",
    ];
    proptest::collection::vec(piece, 1..4).prop_map(|pieces| pieces.concat())
}

/// So many values, always the same, for parsers that take long to start.
fn values(count: usize) -> Vec<String> {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let made = (0..count).map(|_| value().new_tree(&mut runner).unwrap().current());
    HOSTILE.iter().map(|text| (*text).to_owned()).chain(made).collect()
}

/// One value in each of many files, read by one run of Python. What it prints is a list of values.
fn python(script: &str, files: &[String]) -> Vec<String> {
    let input = serde_json::to_string(files).unwrap();
    let script = format!(
        "import json, sys\nsys.setrecursionlimit(10000)\nout = []\nfor text in json.load(sys.stdin):\n{script}\nprint(json.dumps(out))"
    );
    let out = printed("python3", &["-c", &script], input.as_bytes());
    serde_json::from_slice(&out).unwrap()
}

fn compare(
    format: Format,
    before: &str,
    after: &str,
    script: &str,
    must_take: impl Fn(&str) -> bool,
) {
    let mut kept = Vec::new();
    let mut files = Vec::new();
    for value in values(300) {
        match written(format, before, &value, after) {
            Some(text) => {
                files.push(text);
                kept.push(value);
            }
            None => assert!(!must_take(&value), "{format:?} refuses {value:?}"),
        }
    }
    assert!(kept.len() > 50, "{format:?} takes only {}", kept.len());
    for ((value, read), file) in kept.iter().zip(python(script, &files)).zip(&files) {
        assert_eq!(value, &read, "{format:?}: {file}");
    }
}

#[test]
fn shells_read_back_what_was_put_in() {
    if !able(&["dash", "busybox", "bash"]) {
        return;
    }
    let mut script = String::new();
    let mut expected = Vec::new();
    for value in values(300) {
        let Some(text) = written(Format::Shell, "printf '%s\\0' ", &value, "\n") else {
            assert!(
                value.contains('\0')
                    || value.chars().any(|c| ('\u{fdd0}'..='\u{fdef}').contains(&c))
            );
            continue;
        };
        script.push_str(&text);
        expected.extend_from_slice(value.as_bytes());
        expected.push(0);
    }
    for (shell, args) in [("dash", &[][..]), ("busybox", &["sh"][..]), ("bash", &["--posix"][..])] {
        assert!(printed(shell, args, script.as_bytes()) == expected, "{shell}");
    }
}

#[test]
fn a_script_as_one_line_is_the_same_script() {
    if !able(&["dash", "busybox", "bash"]) {
        return;
    }
    for value in HOSTILE {
        let Ok(rendered) =
            one(Format::Shell, "printf '%s' {{ settings.x }}\nexit 3", &with(value), Reveal::No)
        else {
            continue;
        };
        let mut facts = facts();
        facts.settings = settings(&[("x", rendered.text.as_str().into())]);
        let Ok(line) = one(
            Format::Preseed,
            "d-i preseed/early_command string {{ settings.x | sh_line }}\n",
            &facts,
            Reveal::No,
        ) else {
            assert!(value.chars().any(|c| c.is_control()), "{value:?}");
            continue;
        };
        let line = line
            .text
            .strip_prefix("d-i preseed/early_command string ")
            .unwrap()
            .trim_end()
            .to_owned();
        assert!(!line.contains('\n'));
        for (shell, args) in [
            ("dash", &["-c", &line][..]),
            ("busybox", &["sh", "-c", &line][..]),
            ("bash", &["-c", &line][..]),
        ] {
            let output = support::run(shell, args, b"");
            assert_eq!(
                (output.status.code(), output.stdout.as_slice()),
                (Some(3), value.as_bytes()),
                "{shell}: {line}"
            );
        }
    }
}

#[test]
fn kickstart_reads_back_what_was_put_in() {
    if !able(&["python3"]) {
        return;
    }
    // pykickstart splits the lines of its commands with shlex.
    let script = "  import shlex\n  out.append(shlex.split(text, comments=True)[1][7:])";
    let plain = |v: &str| {
        !v.chars().any(|c| {
            c.is_control()
                || "\u{2028}\u{2029}".contains(c)
                || ('\u{fdd0}'..='\u{fdef}').contains(&c)
        })
    };
    compare(Format::Kickstart, "user --name=", "\n", script, plain);
}

#[test]
fn yaml_reads_back_what_was_put_in() {
    if !able(&["python3"]) {
        return;
    }
    let any = |v: &str| !v.chars().any(|c| ('\u{fdd0}'..='\u{fdef}').contains(&c));
    let script = "  import yaml\n  out.append(yaml.safe_load(text)['a']['b'][0])";
    compare(Format::MetaData, "a:\n  b:\n    - ", "\n    - 1\nc: d\n", script, any);
    compare(Format::MetaData, "{a: {b: [", "]}}\n", script, any);
}

#[test]
fn xml_reads_back_what_was_put_in() {
    if !able(&["python3", "xmllint"]) {
        return;
    }
    let fits = |v: &str| {
        v.chars().all(|c| {
            matches!(c, '\t' | '\n' | '\r')
                || c >= ' '
                    && !matches!(c, '\u{fffe}' | '\u{ffff}')
                    && !('\u{fdd0}'..='\u{fdef}').contains(&c)
        })
    };
    let read = "  import xml.etree.ElementTree as E\n  out.append(";
    compare(
        Format::AutoYast,
        "<a><b>",
        "</b><c/></a>",
        &format!("{read}E.fromstring(text)[0].text or '')"),
        fits,
    );
    compare(
        Format::AutoYast,
        "<a b=\"",
        "\"/>",
        &format!("{read}E.fromstring(text).get('b'))"),
        fits,
    );
    for value in values(20) {
        if let Some(text) = written(Format::AutoYast, "<a b='", &value, "'/>") {
            printed("xmllint", &["--nonet", "--noout", "-"], text.as_bytes());
        }
    }
}

#[test]
fn debconf_reads_back_what_was_put_in() {
    if !able(&["python3", "debconf-set-selections"]) {
        return;
    }
    // The rule of both debconf-set-selections: three fields, the rest of the line is the value.
    let script = "  import re\n  line = text.split('\\n')[0].strip(' \\t')\n  \
                  out.append((re.split('[ \\t]+', line, maxsplit=3) + [''])[3])";
    let plain =
        |v: &str| !v.is_empty() && v.chars().all(|c| c.is_ascii_graphic()) && !v.ends_with('\\');
    compare(
        Format::Preseed,
        "d-i netcfg/get_hostname string ",
        "\nd-i x/y string z\n",
        script,
        plain,
    );
    let mut all = String::new();
    for value in values(100).iter().filter(|value| !value.is_empty()) {
        if let Some(text) = written(Format::Preseed, "d-i netcfg/get_hostname string ", value, "\n")
        {
            all.push_str(&text);
        }
    }
    printed("debconf-set-selections", &["-c"], all.as_bytes());
}

#[test]
fn ini_reads_back_what_was_put_in() {
    if !able(&["python3"]) {
        return;
    }
    let script = "  import configparser\n  c = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=(';', '#'))\n  c.read_string(text)\n  out.append(c['a']['b'])";
    compare(Format::Ini, "[a]\nb = ", "\nc = 1\n", script, |v| {
        v.chars().all(|c| c.is_ascii_alphanumeric())
    });
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn json_reads_back_what_was_put_in(value in value(), list in proptest::collection::vec(value(), 0..3)) {
        let mut facts = with(&value);
        facts.settings = settings(&[("x", value.as_str().into()), ("list", Setting::List(list.clone()))]);
        let text = "{\"a\": {{ settings.x }}, \"b\": {{ settings.list }}, \"c\": [{{ settings.x }}, 1]}";
        match one(Format::Agama, text, &facts, Reveal::No) {
            Ok(rendered) => {
                let read: serde_json::Value = serde_json::from_str(&rendered.text).unwrap();
                prop_assert_eq!(read, serde_json::json!({"a": value, "b": list, "c": [value, 1]}));
            }
            Err(error) => prop_assert!(error.to_string().contains("U+FDD0"), "{}", error),
        }
    }

    /// iPXE has no parser to ask; the shape of what it gets is its words, split at spaces.
    #[test]
    fn ipxe_gets_words_and_nothing_that_means_something(value in value()) {
        if let Some(text) = written(Format::Ipxe, "#!ipxe\nset a ", &value, "\necho b\n") {
            let lines: Vec<&str> = text.split('\n').collect();
            prop_assert_eq!(lines.len(), 4);
            let words: Vec<&str> = lines[1].split(' ').skip(2).collect();
            prop_assert_eq!(words.join(" "), value.clone());
            prop_assert!(!value.contains('$') && !words.iter().any(|w| matches!(*w, "||" | "&&" | ";") || w.starts_with('#')));
        }
    }

    /// Whatever a template looks like, it ends, and within its limits.
    #[test]
    fn no_template_panics(pieces in proptest::collection::vec(proptest::sample::select(vec![
        "{{", "}}", "{%", "%}", "{#", "#}", " settings.x ", " | ", "sh", "join", "default", "(", ")", "'", "\"", "\\",
        "\n", "if ", "endif ", "for a in settings.x ", "endfor ", "set b = ", "include 't' ", "text_of('t') ", "<<E\n",
        "`", "$", "#", "<a>", "</a>", "a: ", "- ", "[", "{", "\u{e9}", "raw_unsafe", "hash_password(1)", "-", "~", "1",
    ]), 0..24), format in proptest::sample::select(vec![
        Format::Preseed, Format::Kickstart, Format::UserData, Format::AutoYast, Format::Agama, Format::Ignition,
        Format::Alpine, Format::Shell, Format::Ipxe, Format::Ini,
    ])) {
        let _ = one(format, &pieces.concat(), &with("a'\"b"), Reveal::No);
    }
}

/// What another template makes is a text like any other; only a section of a kickstart file takes
/// a script as it is.
#[test]
fn a_rendered_script_is_escaped_as_a_whole() {
    use answers::{Limits, Template, render};
    let facts = with("a\n$(reboot)'");
    let script = Template::new("s", Format::Shell, "echo {{ settings.x }}\n").unwrap();
    let made = |format, text: &str| {
        let outer = Template::new("t", format, text).unwrap();
        render("t", &[outer, script.clone()], &facts, Reveal::No, &Limits::default())
            .map(|r| r.text)
    };
    let body = format!("echo 'a\n$(reboot)'\\'{}\n", "''");
    let kickstart = made(Format::Kickstart, "text\n%pre\n{{ text_of('s') }}\n%end\n").unwrap();
    assert_eq!(kickstart, format!("text\n%pre\n{body}\n%end\n"));
    for bad in [
        "{{ text_of('s') }}\n",
        "%packages\n{{ text_of('s') }}\n%end\n",
        "%pre\necho {{ text_of('s') }}\n%end\n",
        "%pre\necho '\n{{ text_of('s') }}'\n%end\n",
        "%pre\ncat <<E\n{{ text_of('s') }}\nE\n%end\n",
        "%pre\n%end\n{{ text_of('s') }}\n",
    ] {
        assert!(made(Format::Kickstart, bad).is_err(), "{bad}");
    }
    let shell = made(Format::Shell, "sh -c {{ text_of('s') }}\n").unwrap();
    if able(&["dash"]) {
        let echo = shell.replacen("sh -c", "printf %s", 1);
        assert_eq!(printed("dash", &[], echo.as_bytes()), body.as_bytes());
    }
    assert!(made(Format::Shell, "sh -c '{{ text_of('s') }}'\n").is_err());
}

/// A wrong place is worse than a wrong character: the same value, harmless here and code there.
#[test]
fn a_value_in_the_wrong_place_is_refused() {
    let value = "\"; reboot; '\", evil: 1, b: \"</x><y/>$(reboot)";
    for (format, text) in [
        (Format::Shell, "echo '{{ settings.x }}'"),
        (Format::Shell, "echo \"{{ settings.x }}\""),
        (Format::Shell, "cat <<E\n{{ settings.x }}\nE\n"),
        (Format::Shell, "# {{ settings.x }}"),
        (Format::Shell, "{{ settings.x }} now"),
        (Format::Kickstart, "{{ settings.x }} x"),
        (Format::Kickstart, "%pre --interpreter=/usr/bin/python3\nprint({{ settings.x }})\n%end\n"),
        (Format::Kickstart, "text \\\n{{ settings.x }} x"),
        (Format::Kickstart, "rootpw \"{{ settings.x }}\"\n"),
        (Format::Kickstart, "%pre\necho '{{ settings.x }}'\n%end\n"),
        (Format::UserData, "#cloud-config\na: \"{{ settings.x }}\"\n"),
        (Format::UserData, "#cloud-config\na: echo {{ settings.x }}\n"),
        (Format::UserData, "#cloud-config\na: |\n  echo {{ settings.x }}\n"),
        (Format::UserData, "#cloud-config\n{a: \"{{ settings.x }}\"}\n"),
        (Format::Agama, "{\"a\": \"{{ settings.x }}\"}"),
        (Format::Agama, "{ {{ settings.x }}: 1}"),
        (Format::AutoYast, "<a {{ settings.x }}/>"),
        (Format::AutoYast, "<a><![CDATA[{{ settings.x }}]]></a>"),
        (Format::AutoYast, "<a b={{ settings.x }}/>"),
        (Format::AutoYast, "<!-- {{ settings.x }} --><a/>"),
        (Format::Preseed, "{{ settings.x }} a/b string c"),
        (Format::Preseed, "d-i preseed/late_command string echo {{ settings.x }}"),
        (Format::Preseed, "d-i preseed/late_command string sh -c \"echo {{ settings.x | sh }}\""),
        (Format::Ipxe, "#!ipxe\n{{ settings.x }}\n"),
        (Format::Ini, "{{ settings.x }}"),
    ] {
        assert!(one(format, text, &with(value), Reveal::No).is_err(), "{text}");
        assert!(
            one(format, text, &with("harmless"), Reveal::No).is_err(),
            "{text}: also when nothing would happen"
        );
    }
}
