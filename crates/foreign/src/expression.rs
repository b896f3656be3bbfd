//! Tests of ISC dhcpd and Kea about who a client is, as conditions of a rule. Only forms that mean
//! one thing are understood; everything else is said to be unknown, never guessed.

use crate::boot;
use model::rule::Condition;

/// What a test says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Test {
    /// One of these.
    Any(Vec<Condition>),
    /// Every client that boots over the network.
    Everybody,
    /// Clients that already run iPXE: this server knows them by itself.
    Stage,
    /// Something else.
    Unknown,
}

/// More words than this are a program, not a test.
const WORDS_MAX: usize = 128;

/// Reads a test.
pub fn test(text: &str) -> Test {
    let words = words(text);
    if words.len() > WORDS_MAX {
        return Test::Unknown;
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (mut any, mut everybody) = (Vec::new(), false);
    for part in bare(&words).split(|word| matches!(*word, "or" | "||")) {
        match one(bare(part)) {
            Test::Any(more) => any.extend(more),
            Test::Everybody => everybody = true,
            Test::Stage if part.len() == bare(&words).len() => return Test::Stage,
            _ => return Test::Unknown,
        }
    }
    match (everybody, any.is_empty()) {
        (true, _) => Test::Everybody,
        (false, true) => Test::Unknown,
        (false, false) => Test::Any(any),
    }
}

/// Without a pair of brackets around all of it.
fn bare<'a, 'b>(words: &'a [&'b str]) -> &'a [&'b str] {
    let mut inner = words;
    while let ["(", rest @ .., ")"] = inner {
        let mut depth = 0_i32;
        let closes_early = rest.iter().any(|word| {
            depth += i32::from(*word == "(") - i32::from(*word == ")");
            depth < 0
        });
        if closes_early {
            break;
        }
        inner = rest;
    }
    inner
}

fn one(words: &[&str]) -> Test {
    match words {
        // To be something is to be there.
        ["exists", name, "and", rest @ ..] if rest.get(1) == Some(name) => one(rest),
        // ISC: option arch = 00:07
        ["option", name, "=" | "==", value] if is_arch(name) => arch(value),
        ["option", "user-class", "=" | "==", value] => user_class(value),
        ["exists", name] => exists(name),
        [
            "substring",
            "(",
            "option",
            "vendor-class-identifier",
            ",",
            "0",
            ",",
            _,
            ")",
            "=" | "==",
            value,
        ] => vendor_class(value),
        ["option", "vendor-class-identifier", "=" | "==", value] => vendor_class(value),
        // Kea: option[93].hex == 0x0007
        [what, "=" | "==", value] if is_arch(what) => arch(value),
        [what, "=" | "==", value] if is_any(what, &["option[77]", "option[user-class]"]) => {
            user_class(value)
        }
        [what] if what.ends_with(".exists") => exists(what.trim_end_matches(".exists")),
        ["substring", "(", what, ",", "0", ",", _, ")", "=" | "==", value]
            if is_any(what, &["option[60]", "option[vendor-class-identifier]"]) =>
        {
            vendor_class(value)
        }
        _ => Test::Unknown,
    }
}

fn is_any(what: &str, names: &[&str]) -> bool {
    let name = what.trim_end_matches(".hex").trim_end_matches(".text");
    names.contains(&name)
}

fn is_arch(name: &str) -> bool {
    let known = [
        "arch",
        "client-arch",
        "architecture-type",
        "client-architecture",
        "pxe-system-type",
        "system-arch",
        "client-system",
        "option[93]",
        "option[client-system]",
        "pxe.arch",
    ];
    is_any(name, &known)
}

/// `00:07`, `0x0007`, `7`.
fn arch(value: &str) -> Test {
    let digits = value.trim_start_matches("0x");
    let code = match (value.contains(':'), value.starts_with("0x")) {
        (true, _) => u16::from_str_radix(&value.replace(':', ""), 16),
        (_, true) => u16::from_str_radix(digits, 16),
        _ => value.parse(),
    };
    let condition = code.ok().filter(|_| value.len() <= 6).and_then(boot::arch);
    condition.map_or(Test::Unknown, |condition| Test::Any(vec![condition]))
}

fn user_class(value: &str) -> Test {
    match unquoted(value) {
        Some("iPXE" | "gPXE") => Test::Stage,
        _ => Test::Unknown,
    }
}

fn exists(name: &str) -> Test {
    match name {
        "ipxe" | "gpxe" | "option[175]" | "gpxe.bus-id" | "ipxe.bus-id" => Test::Stage,
        _ => Test::Unknown,
    }
}

fn vendor_class(value: &str) -> Test {
    match unquoted(value) {
        None | Some("") => Test::Unknown,
        Some(class) => class_of(class),
    }
}

/// What the beginning of a vendor class says.
pub fn class_of(class: &str) -> Test {
    let code =
        class.strip_prefix("PXEClient:Arch:").or_else(|| class.strip_prefix("HTTPClient:Arch:"));
    match (class, code) {
        ("PXEClient", _) => Test::Everybody,
        (_, Some(code)) if class.starts_with("PXE") => {
            let code = code.split(':').next().unwrap_or_default();
            let condition = code.parse().ok().and_then(boot::arch);
            condition.map_or(Test::Unknown, |condition| Test::Any(vec![condition]))
        }
        _ if class.chars().any(char::is_control) => Test::Unknown,
        _ => Test::Any(vec![Condition::VendorClass(class.to_owned())]),
    }
}

fn unquoted(value: &str) -> Option<&str> {
    ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote))
}

/// Words, signs and texts in quotes.
fn words(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if all.len() > WORDS_MAX {
            break;
        }
        match c {
            '"' | '\'' => {
                word.push(c);
                for inside in chars.by_ref() {
                    word.push(inside);
                    if inside == c {
                        break;
                    }
                }
                all.push(std::mem::take(&mut word));
            }
            c if c.is_whitespace() || "(),=".contains(c) => {
                if !word.is_empty() {
                    all.push(std::mem::take(&mut word));
                }
                if c == '=' && chars.peek() == Some(&'=') {
                    chars.next();
                    all.push("==".to_owned());
                } else if !c.is_whitespace() {
                    all.push(c.to_string());
                }
            }
            c => word.push(c),
        }
    }
    if !word.is_empty() {
        all.push(word);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Arch;

    #[test]
    fn forms_that_mean_one_thing_are_understood() {
        let x64 = Test::Any(vec![Condition::Arch(Arch::X64Uefi)]);
        for text in [
            "option arch = 00:07",
            "(option client-arch == 7)",
            "option[93].hex == 0x0007",
            "substring(option[60].hex,0,20) == 'PXEClient:Arch:00007'",
            "substring (option vendor-class-identifier, 0, 20) = \"PXEClient:Arch:00009\"",
        ] {
            assert_eq!(test(text), x64, "{text}");
        }
        let both = test("option arch = 00:06 or option arch = 00:07");
        let arms = [Condition::Arch(Arch::Ia32Uefi), Condition::Arch(Arch::X64Uefi)];
        assert_eq!(both, Test::Any(arms.to_vec()));
        assert_eq!(
            test("substring(option vendor-class-identifier, 0, 9) = \"PXEClient\""),
            Test::Everybody
        );
        assert_eq!(test("exists user-class and option user-class = \"iPXE\""), Test::Stage);
        assert_eq!(test("option user-class = \"iPXE\""), Test::Stage);
        assert_eq!(test("option[175].exists"), Test::Stage);
    }

    #[test]
    fn what_is_not_certain_is_unknown() {
        for text in [
            "",
            "not option arch = 00:07",
            "option arch = 00:07 and known",
            "option arch != 00:07",
            "option arch = 00:07 or exists foo",
            "(option arch = 00:07) or (x",
            "option arch = 00:ff:07",
            "option arch = 0x99999",
            &"option arch = 00:07 or ".repeat(1000),
        ] {
            assert_eq!(test(text), Test::Unknown, "{text}");
        }
    }
}
