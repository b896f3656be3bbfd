//! YAML, JSON and XML: what was rendered must be well-formed, and of the same shape as it is with a
//! harmless word in the place of every value.

use super::Misplaced;
use crate::marks::{self, FOR_SHELL, VALUE};
use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::Value;

/// Events of a YAML text and nodes of an XML text that are read.
const NODES_MAX: u32 = 200_000;

const WHOLE: &str = "a value stands within a text instead of being one: put the parts together, as in \
                     `{{ \"http://\" ~ value }}`, and take quotes around it away";

fn line_of(text: &str, byte: usize) -> usize {
    text.bytes().take(byte).filter(|b| *b == b'\n').count().saturating_add(1)
}

/// JSON, RFC 8259.
pub(super) fn json(marked: &str) -> Result<(), Misplaced> {
    let real = parse_json(&marks::stripped(marked))?;
    let (text, count) = marks::replaced(marked, "\"");
    let Ok(stand_in) = parse_json(&text) else { return Err(misplaced(marked)) };
    let mut found: usize = 0;
    let mut pairs = vec![(&real, &stand_in)];
    while let Some(pair) = pairs.pop() {
        let alike = match pair {
            (Value::Array(a), Value::Array(b)) => {
                pairs.extend(a.iter().zip(b));
                a.len() == b.len()
            }
            (Value::Object(a), Value::Object(b)) => {
                pairs.extend(a.values().zip(b.values()));
                a.len() == b.len() && a.keys().eq(b.keys())
            }
            (Value::String(_), Value::String(b)) if is_stand_in(b) => {
                found = found.saturating_add(1);
                true
            }
            (a, b) => a == b,
        };
        if !alike {
            return Err(misplaced(marked));
        }
    }
    if found == count { Ok(()) } else { Err(misplaced(marked)) }
}

fn parse_json(text: &str) -> Result<Value, Misplaced> {
    serde_json::from_str(text).map_err(|error| {
        // The message names what was expected, never what stood there.
        Misplaced::new(error.line(), format!("JSON ends being JSON at column {}", error.column()))
    })
}

/// Where the first value stands: the best place to look when the shape is wrong.
fn misplaced(marked: &str) -> Misplaced {
    let why = format!("{WHOLE} (this or a later line)");
    Misplaced::new(line_of(marked, first_value(marked)), why)
}

fn first_value(marked: &str) -> usize {
    marked.find([VALUE, FOR_SHELL]).unwrap_or_default()
}

fn is_stand_in(text: &str) -> bool {
    let number = text.strip_prefix("bootwright-value-").and_then(|rest| rest.strip_suffix('-'));
    number.is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()))
}

/// YAML 1.2.
pub(super) fn yaml(marked: &str) -> Result<(), Misplaced> {
    let stripped = marks::stripped(marked);
    let real = parse_yaml(&stripped)?;
    let (text, count) = marks::replaced(marked, "\"");
    let Ok(stand_in) = parse_yaml(&text) else { return Err(misplaced(marked)) };
    if real.len() != stand_in.len() {
        return Err(misplaced(marked));
    }
    let mut found: usize = 0;
    for (a, b) in real.iter().zip(&stand_in) {
        let alike = match (a, b) {
            (Event::Scalar(_, style, ..), Event::Scalar(text, other, ..)) if is_stand_in(text) => {
                found = found.saturating_add(1);
                *style == ScalarStyle::DoubleQuoted && style == other
            }
            (a, b) => a == b,
        };
        if !alike {
            return Err(misplaced(marked));
        }
    }
    if found == count { Ok(()) } else { Err(misplaced(marked)) }
}

fn parse_yaml(text: &str) -> Result<Vec<Event<'_>>, Misplaced> {
    let mut events = Vec::new();
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, _) = event.map_err(|error| {
            let marker = error.marker();
            let at = format!("YAML ends being YAML at column {}", marker.col().saturating_add(1));
            Misplaced::new(marker.line(), at)
        })?;
        if events.len() >= usize::try_from(NODES_MAX).unwrap_or(usize::MAX) {
            return Err(Misplaced::new(1, format!("it has more than {NODES_MAX} nodes")));
        }
        events.push(event);
    }
    Ok(events)
}

/// XML 1.0 without a document type.
pub(super) fn xml(marked: &str) -> Result<(), Misplaced> {
    xml_sections(marked)?;
    let stripped = marks::stripped(marked);
    let real = parse_xml(&stripped)?;
    let (text, count) = marks::replaced(marked, "");
    let Ok(stand_in) = parse_xml(&text) else { return Err(xml_misplaced(marked)) };
    let names = |document: &roxmltree::Document<'_>| -> Vec<String> {
        let elements = document.descendants().filter(|node| !node.is_text());
        elements
            .map(|node| {
                let attributes: Vec<_> = node.attributes().map(|a| a.name().to_owned()).collect();
                let depth = node.ancestors().count();
                let kind = node.node_type();
                format!("{depth} {kind:?} {:?} {attributes:?}", node.tag_name())
            })
            .collect()
    };
    let texts = stand_in.descendants().filter(|node| node.is_text()).filter_map(|node| node.text());
    let attributes = stand_in.descendants().flat_map(|node| node.attributes()).map(|a| a.value());
    let found: usize =
        texts.chain(attributes).map(|text| text.matches("bootwright-value-").count()).sum();
    if found == count && names(&real) == names(&stand_in) {
        Ok(())
    } else {
        Err(xml_misplaced(marked))
    }
}

fn xml_misplaced(marked: &str) -> Misplaced {
    Misplaced::new(
        line_of(marked, first_value(marked)),
        "a value stands where XML wants a name, a comment or a quote (this or a later line): values \
         stand between tags or between the quotes of an attribute",
    )
}

/// In CDATA and comments nothing is unescaped.
fn xml_sections(marked: &str) -> Result<(), Misplaced> {
    for (open, close) in [("<![CDATA[", "]]>"), ("<!--", "-->"), ("<?", "?>")] {
        let mut at: usize = 0;
        for part in marked.split(open).skip(1) {
            at = at.saturating_add(1);
            let inside = part.split(close).next().unwrap_or_default();
            if inside.contains([VALUE, FOR_SHELL]) {
                let before: usize =
                    marked.split(open).take(at).map(|p| p.matches('\n').count()).sum();
                let why = format!(
                    "a value stands between `{open}` and `{close}`, where XML undoes no \
                                   escaping: take them away"
                );
                return Err(Misplaced::new(before.saturating_add(1), why));
            }
        }
    }
    Ok(())
}

fn parse_xml(text: &str) -> Result<roxmltree::Document<'_>, Misplaced> {
    let options = roxmltree::ParsingOptions {
        allow_dtd: false,
        nodes_limit: NODES_MAX,
        ..roxmltree::ParsingOptions::default()
    };
    roxmltree::Document::parse_with_options(text, options).map_err(|error| {
        let at = error.pos();
        let row = usize::try_from(at.row).unwrap_or_default();
        Misplaced::new(row, format!("XML ends being XML at column {}", at.col))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::marks::END;

    fn with(text: &str, value: &str) -> String {
        text.replace('@', &format!("{VALUE}{value}{END}"))
    }

    #[test]
    fn a_value_is_a_whole_scalar() {
        let value = r#""$(reboot)""#;
        for good in
            ["a: @", "a: [@, 1]", "- @\n- b: @", "{a: @}", "@: 1", "a: |\n  it's \"fine\"\nb: @"]
        {
            assert_eq!(yaml(&with(good, value)), Ok(()), "{good}");
        }
        let bad = [
            "a: echo @",
            "a: \"@\"",
            "a: '@'",
            "a: |\n  echo @",
            "{a: \"x @\", b: 1}",
            "# @",
            "a: \"x@\"",
            "a: @\n b: c: d",
        ];
        for bad in bad {
            assert!(yaml(&with(bad, value)).is_err(), "{bad}");
        }
        assert!(yaml(&with(r#"{a: "x @"}"#, r#"", evil: 1, b: ""#)).is_err());
        for good in ["[@]", "{\"a\": @, \"b\": [1, @]}"] {
            assert_eq!(json(&with(good, value)), Ok(()), "{good}");
        }
        for bad in ["{@: 1}", "{\"a\": \"@\"}", "[@ @]", "[", "[\"x@\"]"] {
            assert!(json(&with(bad, value)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_value_is_text_or_an_attribute() {
        let value = "a &lt;b&gt; &quot; c=&apos;d&apos;";
        for good in ["<x>@</x>", "<x y=\"@\"/>", "<x>http://@/z<y/></x>"] {
            assert_eq!(xml(&with(good, value)), Ok(()), "{good}");
        }
        for bad in [
            "<@/>",
            "<x @/>",
            "<x y=@/>",
            "<!-- @ --><x/>",
            "<x><![CDATA[@]]></x>",
            "<x>@",
            "<?x @?><x/>",
            "<x y@=\"1\"/>",
        ] {
            assert!(xml(&with(bad, value)).is_err(), "{bad}");
        }
        assert_eq!(xml(&with("<x>@</x>", "")), Ok(()), "an empty text");
    }
}
