//! What a template may do, what it may not, and what it hears then.

mod support;

use answers::{AnswerError, Format, Limits, Reveal, Setting, Template, Why, render};
use support::{facts, one, settings};

fn shell(text: &str) -> Result<String, AnswerError> {
    one(Format::Shell, text, &facts(), Reveal::No).map(|rendered| rendered.text)
}

fn refused(text: &str) -> String {
    shell(text).expect_err(text).to_string()
}

#[test]
fn facts_have_names() {
    let text = shell(
        "echo {{ machine.name }} {{ machine.mac }} {{ machine.labels.room }} {{ network.mask }} \
         {{ network.dns | join(',') }} {{ settings.user }} {{ deployment.id }} {{ network.prefix }}\n",
    );
    let expected = "echo 'lab-01' '52:54:00:77:00:01' '3' '255.255.255.0' '10.77.0.1,9.9.9.9' 'ada' \
                    '17' 24\n";
    assert_eq!(text.as_deref(), Ok(expected));
}

#[test]
fn what_is_not_known_is_an_error_with_its_place_and_the_nearest_name() {
    let told = refused("# ok\n  echo é {{ machine.nmae }}\n");
    assert_eq!(
        told,
        "template t, line 2, column 13: `machine.nmae` is not known; did you mean `machine.name`?"
    );
    assert!(refused("{{ settings.timezon }}").ends_with("did you mean `settings.timezone`?"));
    assert!(
        refused("{{ secrets.user_pasword }}").ends_with("did you mean `secrets.user_password`?")
    );
    assert!(
        refused("{% if settings.proxy %}{% endif %}").contains("`settings.proxy` is not known")
    );
    assert!(refused("{{ mashine.name }}").contains("did you mean `machine`?"));
    assert!(refused("{% for x in settings.lst %}{% endfor %}").contains("settings.lst"));
    assert!(
        refused("{{ machine.name | uper }}")
            .contains("there is no filter `uper` here; did you mean `upper`?")
    );
    assert!(refused("{{ hash_pasword('x') }}").contains("did you mean `hash_password`?"));
    assert_eq!(shell("echo {{ settings.proxy | default('none') }}").as_deref(), Ok("echo 'none'"));
    assert_eq!(shell("{% if settings.proxy is defined %}x{% endif %}").as_deref(), Ok(""));

    let mut bare = facts();
    bare.network.router = None;
    let told =
        one(Format::Shell, "\n{{ network.router }}", &bare, Reveal::No).unwrap_err().to_string();
    assert!(
        told.contains("line 2, column 4: `network.router` has no value for this machine"),
        "{told}"
    );
}

#[test]
fn what_a_template_holds_is_shown_safely() {
    for text in [
        "{{ machine['\u{1b}[31m'] }}",
        "{% include '\u{1b}[31m' %}",
        "{{ '\u{1b}' + 1 }}",
        "{{ \u{1b} }}",
    ] {
        let told = refused(text);
        assert!(!told.contains('\u{1b}'), "{told:?}");
    }
}

#[test]
fn an_error_in_an_included_template_is_told_there() {
    let inner = Template::new("inner", Format::Shell, "\n\n echo {{ machine.nam }}\n").unwrap();
    let outer = Template::new("outer", Format::Shell, "{% include \"inner\" %}\n").unwrap();
    let yaml =
        Template::new("yaml", Format::UserData, "#cloud-config\na: {{ text_of(\"inner\") }}\n")
            .unwrap();
    let wrong =
        Template::new("wrong", Format::UserData, "#cloud-config\n{% include \"inner\" %}\n")
            .unwrap();
    let all = [inner, outer, yaml, wrong];
    for name in ["outer", "yaml"] {
        let error = render(name, &all, &facts(), Reveal::No, &Limits::default()).unwrap_err();
        assert_eq!(
            (error.template.as_str(), error.line, error.column),
            ("inner", Some(3), Some(10)),
            "{name}"
        );
    }
    let error = render("wrong", &all, &facts(), Reveal::No, &Limits::default()).unwrap_err();
    assert!(error.to_string().contains("text_of(\"inner\")"), "{error}");
    let error = render("nope", &all, &facts(), Reveal::No, &Limits::default()).unwrap_err();
    assert!(matches!(error.why, Why::NoTemplate(_)), "{error}");
}

#[test]
fn a_grammar_error_has_its_place() {
    let error = shell("ok\n{{ ((( }}").unwrap_err();
    assert_eq!(error.line, Some(2));
    assert!(matches!(error.why, Why::Syntax(_)), "{error}");
    for text in ["{% macro x() %}{% endmacro %}", "{% endfor %}", "{{ x", "{% autoescape %}"] {
        assert!(matches!(shell(text).unwrap_err().why, Why::Syntax(_)), "{text}");
    }
}

#[test]
fn a_value_that_a_format_cannot_hold_is_refused_at_its_place() {
    let mut facts = facts();
    facts.settings = settings(&[("x", "a\0b".into()), ("y", "a\nb".into()), ("z", " a".into())]);
    for (format, text, word) in [
        (Format::Shell, "\n echo {{ settings.x }}", "NUL"),
        (Format::AutoYast, "<a>\n<b c='{{ settings.x }}'/></a>", "U+0000"),
        (Format::Kickstart, "\nlang {{ settings.y }}", "U+000A"),
        (Format::Preseed, "\nd-i a/b string {{ settings.y }}", "U+000A"),
        (Format::Preseed, "\nd-i a/b string {{ settings.z }}", "space"),
        (Format::Ipxe, "#!ipxe\necho {{ settings.y }}", "U+000A"),
        (Format::Shell, "\necho {{ settings.x | word }}", "letters"),
    ] {
        let error = one(format, text, &facts, Reveal::Yes).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
        assert_eq!(error.line, Some(2), "{error}");
        assert!(error.column.is_some_and(|column| column > 5), "{error}");
    }
}

#[test]
fn work_has_an_end() {
    let limits = Limits::default();
    let looping = "{% for a in settings.many %}{% for b in settings.many %}{% for c in settings.many %}\
                   {% set x = a ~ b ~ c %}{% endfor %}{% endfor %}{% endfor %}";
    let long = "{{ 'x' | replace('x', settings.long) | replace('y', settings.long) | replace('y', settings.long) }}";
    let wide = "{% for a in settings.many %}{% for b in settings.many %}{{ settings.long }}{% endfor %}{% endfor %}";
    let mut facts = facts();
    facts.settings = settings(&[
        ("many", Setting::List((0..500).map(|n| n.to_string()).collect())),
        ("long", "y".repeat(10_000).as_str().into()),
    ]);
    let why = |text: &str| one(Format::Shell, text, &facts, Reveal::No).unwrap_err().why;
    let fuel = Why::TooMuch { limit: "fuel_max", most: limits.fuel_max };
    assert_eq!(why(looping), fuel);
    assert_eq!(why(long), fuel);
    assert_eq!(why(wide), Why::TooMuch { limit: "output_bytes_max", most: 1 << 20 });

    let itself = Template::new("itself", Format::Shell, "{% include \"itself\" %}").unwrap();
    let asking = Template::new("asking", Format::Shell, "echo {{ text_of(\"asking\") }}").unwrap();
    let deep = |name| render(name, &[itself.clone(), asking.clone()], &facts, Reveal::No, &limits);
    assert_eq!(
        deep("itself").unwrap_err().why,
        Why::TooMuch { limit: "include_depth_max", most: 32 }
    );
    assert_eq!(
        deep("asking").unwrap_err().why,
        Why::TooMuch { limit: "text_of_depth_max", most: 4 }
    );

    let chain: Vec<Template> = (0..40)
        .map(|n| {
            Template::new(
                &format!("t{n}"),
                Format::Shell,
                &format!("{{% include \"t{}\" %}}", n + 1),
            )
            .unwrap()
        })
        .chain([Template::new("t40", Format::Shell, "end").unwrap()])
        .collect();
    let from = |name| render(name, &chain, &facts, Reveal::No, &limits);
    assert_eq!(from("t10").unwrap().text, "end");
    assert!(from("t0").is_err());

    let burn = Template::new(
        "burn",
        Format::Shell,
        "{% for a in settings.many %}{% set x = a ~ 'x' %}{% endfor %}",
    )
    .unwrap();
    let many = Template::new(
        "many",
        Format::Shell,
        "{% for a in settings.many %}{% set x = text_of('burn') %}{% endfor %}",
    )
    .unwrap();
    let why_many = render("many", &[burn, many], &facts, Reveal::No, &limits).unwrap_err().why;
    assert_eq!(why_many, fuel, "what an inner engine took is paid for by the outer one");

    let hashes = "{% for a in settings.many %}{{ hash_password('x') }}{% endfor %}";
    assert_eq!(why(hashes), Why::TooMuch { limit: "hashes_max", most: 16 });
    facts.settings = settings(&[("long", "y".repeat(300_000).as_str().into())]);
    let why = one(Format::Shell, "", &facts, Reveal::No).unwrap_err().why;
    assert_eq!(why, Why::TooMuch { limit: "facts_bytes_max", most: 256 << 10 });
    let why = Template::new("t", Format::Shell, &"x".repeat(300_000)).unwrap_err().why;
    assert_eq!(why, Why::TooMuch { limit: "template_bytes_max", most: 256 << 10 });
}

#[test]
fn nothing_of_the_outside_can_be_reached() {
    for text in [
        "{{ range(3) }}",
        "{{ dict() }}",
        "{{ debug() }}",
        "{{ namespace() }}",
        "{{ env }}",
        "{{ self }}",
        "{{ 'x' | safe }}",
        "{{ 'x' | escape }}",
        "{{ machine | pprint }}",
        "{{ machine | items }}",
        "{{ machine.name.upper() }}",
        "{% include \"/etc/passwd\" %}",
        "{% extends \"../x\" %}",
        "{{ text_of(\"/etc/passwd\") }}",
        "{% import \"x\" as y %}",
        "{{ machine }}",
        "{{ secrets }}",
        "{% for s in secrets %}{{ s }}{% endfor %}",
        "{{ none }}",
        "{{ settings.ssh_keys }}",
        "{% autoescape false %}{{ machine.name }}{% endautoescape %}",
        "{% autoescape 'html' %}{{ machine.name }}{% endautoescape %}",
        "{% set x %}{{ machine.name }}{% endset %}{{ x }}",
        "{% filter upper %}{{ machine.name }}{% endfilter %}",
    ] {
        // Behind a command, where a value may stand.
        let text = format!("echo {text}");
        assert!(shell(&text).is_err(), "{text}: {:?}", shell(&text));
    }
    for name in ["", "a b", "a\nb", "{{x}}", &"x".repeat(129)] {
        assert!(Template::new(name, Format::Shell, "").is_err(), "{name}");
    }
    assert!(Template::new("t", Format::Shell, "a\n\u{fdd0}").is_err());
}

#[test]
fn raw_output_is_told() {
    let text =
        "echo {{ machine.name }}\n{{ 'reboot' | raw_unsafe }}\n{{ 'halt; ' | raw_unsafe }}\n";
    let rendered = one(Format::Shell, text, &facts(), Reveal::No).unwrap();
    assert_eq!(rendered.text, "echo 'lab-01'\nreboot\nhalt; \n");
    let [raw] = rendered.raw.as_slice() else { panic!("{:?}", rendered.raw) };
    assert_eq!(
        (raw.template.as_str(), raw.times, raw.lines.as_slice()),
        ("t", 2, [2, 3].as_slice())
    );
    assert_eq!(
        one(Format::Shell, "echo {{ machine.name }}", &facts(), Reveal::No).unwrap().raw,
        []
    );
}

#[test]
fn a_preview_holds_no_secret() {
    let text = "echo {{ secrets.join_token }} {{ secrets.join_token | upper | lower }} \
                {{ hash_password(secrets.user_password) }} {{ secrets.join_token | base64 }} \
                {{ unattend_password(secrets.join_token, 'Password') }} {{ secrets.join_token | sh }}\n";
    let preview = one(Format::Shell, text, &facts(), Reveal::No).unwrap();
    assert!(
        !preview.text.contains("canary") && !preview.text.contains("horse"),
        "{}",
        preview.text
    );
    assert!(
        preview.text.starts_with(
            "echo '(secret join_token)' '(secret join_token)' '(secret user_password)'"
        )
    );
    let word =
        one(Format::Shell, "echo {{ secrets.join_token | word }}", &facts(), Reveal::No).unwrap();
    assert_eq!(word.text, "echo (secret join_token)");
    let names: Vec<&str> = preview.secrets.iter().map(String::as_str).collect();
    assert_eq!(names, ["join_token", "user_password"]);

    let real = one(Format::Shell, text, &facts(), Reveal::Yes).unwrap();
    assert!(
        real.text.starts_with("echo 'tok-canary-5551' 'tok-canary-5551' '$6$"),
        "{}",
        real.text
    );
    assert_eq!(real.secrets, preview.secrets);
    assert_eq!(one(Format::Shell, text, &facts(), Reveal::Yes).unwrap(), real, "twice is the same");
    assert!(!format!("{real:?} {:?}", facts()).contains("canary"));
}

#[test]
fn no_error_holds_a_secret() {
    for text in [
        "{{ secrets.join_token + 1 }}",
        "{{ secrets.join_token.foo }}",
        "{{ secrets.join_token() }}",
        "{{ secrets.join_token | first | nope }}",
        "{{ hash_password('x', secrets.join_token) }}",
        "{{ text_of(secrets.user_password) }}",
        "{% include secrets.join_token %}",
        "{{ unattend_password('x', secrets.join_token) }}",
        "{{ machine[secrets.join_token] }}",
        "{{ secrets.join_token / 2 }}",
        "{{ -secrets.join_token }}",
        "{% for a, b in [secrets.join_token] %}{% endfor %}",
        "'{{ secrets.join_token }}'",
        "{{ secrets.join_token | join }} '{{ secrets.join_token }}",
        "{{ secrets.join_token | word(3) }}",
        "{{ machine.name | default(x=secrets.join_token) }}",
    ] {
        let text = format!("echo {text}");
        let Err(error) = one(Format::Shell, &text, &facts(), Reveal::Yes) else { panic!("{text}") };
        let told = format!("{error} {error:?}");
        assert!(!told.contains("canary") && !told.contains("horse"), "{text}: {told}");
    }
    for format in [Format::UserData, Format::Agama, Format::AutoYast, Format::Preseed, Format::Ini]
    {
        let error = one(format, "{{ secrets.join_token }} {", &facts(), Reveal::Yes).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }
}
