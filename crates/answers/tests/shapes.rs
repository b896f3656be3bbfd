//! YAML, JSON and XML: what is accepted is read by parsers of others, too, and holds the value where
//! the template has it, and nothing else. Templates are put together from everything that means
//! something in the format.

mod support;

use answers::{Format, Reveal};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use support::{able, facts, one, printed, settings};

const VALUE: &str =
    "x\", evil: 1, b: '\n- c\n--- # \\ </a><b c=\"d\"/>]]>-->?> &amp; {\"e\": [*a, !!f g]} | > %";
const PLAIN: &str = "bootwright plain";

const YAML: [&str; 34] = [
    "{{ settings.x }}",
    "{{ settings.x }}",
    "{{ settings.x }}",
    "a: ",
    "b: ",
    "- ",
    "- ",
    "\"",
    "'",
    "|\n  ",
    ">\n  ",
    "\n",
    "\n",
    "\n",
    "  ",
    "{",
    "}",
    "[",
    "]",
    ", ",
    ": ",
    "#",
    " #",
    "&a ",
    "*a",
    "!!str ",
    "? ",
    "---\n",
    "\\",
    "x",
    "<<: ",
    "a:\n  ",
    "...\n",
    "%YAML 1.2\n",
];
const JSON: [&str; 18] = [
    "{{ settings.x }}",
    "{{ settings.x }}",
    "{{ settings.x }}",
    "{",
    "}",
    "[",
    "]",
    ", ",
    ": ",
    "\"a\"",
    "\"b\"",
    "\"",
    "\\",
    "1",
    "null",
    " ",
    "[{{ settings.x }}]",
    "{\"a\": {{ settings.x }}}",
];
const XML: [&str; 24] = [
    "{{ settings.x }}",
    "{{ settings.x }}",
    "{{ settings.x }}",
    "<a>",
    "</a>",
    "<b>",
    "</b>",
    "<a b=\"",
    "<a b='",
    "\"",
    "'",
    "/>",
    ">",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "&amp;",
    "&",
    "<?p ",
    "?>",
    " c=\"",
    "x",
    "\n",
];

const PYTHON: &str = "
import json, sys, yaml, xml.etree.ElementTree as E
kind, value, plain, pairs = json.load(sys.stdin)
def tree(node):
  return [node.tag, node.attrib, node.text or '', node.tail or '', [tree(n) for n in node]]
def read(text):
  try:
    if kind == 'yaml': return list(yaml.safe_load_all(text))
    if kind == 'json': return json.loads(text)
    return tree(E.fromstring(text))
  except Exception as error:
    return ['unreadable']
def put(x):
  if isinstance(x, str): return x.replace(plain, value)
  if isinstance(x, list): return [put(y) for y in x]
  if isinstance(x, dict): return {put(k): put(v) for k, v in x.items()}
  return x
readable = 0
for real, harmless in pairs:
  want = put(read(harmless))
  assert read(real) == want, (real, read(real), want)
  readable += want != ['unreadable']
print(readable)
";

fn compare(format: Format, kind: &str, pieces: &[&'static str], wrap: (&str, &str)) {
    if !able(&["python3"]) {
        return;
    }
    let render = |text: &str, value: &str| {
        let mut facts = facts();
        facts.settings = settings(&[("x", value.into())]);
        one(format, text, &facts, Reveal::No).ok().map(|rendered| rendered.text)
    };
    let mut runner = TestRunner::deterministic();
    let texts = proptest::collection::vec(proptest::sample::select(pieces.to_vec()), 1..9);
    let mut pairs = Vec::new();
    let mut tried = 0;
    while pairs.len() < 400 && tried < 60_000 {
        tried += 1;
        let text = format!(
            "{}{}{}",
            wrap.0,
            texts.new_tree(&mut runner).unwrap().current().concat(),
            wrap.1
        );
        if !text.contains("settings.x") {
            continue;
        }
        if let Some(real) = render(&text, VALUE) {
            let plain = render(&text, PLAIN)
                .unwrap_or_else(|| panic!("{text:?} takes only what is hostile"));
            pairs.push((real, plain));
        }
    }
    let input = serde_json::json!([kind, VALUE, PLAIN, pairs]).to_string();
    let readable = printed("python3", &["-c", PYTHON], input.as_bytes());
    let readable: usize = String::from_utf8(readable).unwrap().trim().parse().unwrap();
    assert!(readable > 50, "{readable} of {} can be read at all", pairs.len());
}

#[test]
fn yaml_holds_the_value_and_nothing_else() {
    compare(Format::MetaData, "yaml", &YAML, ("", "\n"));
}

#[test]
fn json_holds_the_value_and_nothing_else() {
    compare(Format::Agama, "json", &JSON, ("", ""));
}

#[test]
fn xml_holds_the_value_and_nothing_else() {
    compare(Format::AutoYast, "xml", &XML, ("<r>", "</r>"));
}
