//! `docs/codes.md` explains every code there is and no other. `UPDATE_CODES=1` writes it anew.

use model::{Happening, Why, plan::Reason};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

/// What an event means, by its code.
const EVENTS: &[(&str, &str)] = &[
    ("alarm", "somebody should act: the text says what happened and what to do"),
    ("bootp-reply", "a BOOTP client got an address"),
    ("changed", "an operator changed something"),
    ("deployment-armed", "a machine will be installed, or boot something once, at its next boot"),
    ("deployment-begun", "the machine fetched what only an installer fetches"),
    ("deployment-cancelled", "an operator took it back"),
    ("deployment-claimed", "its machine was given its script; nobody else gets it now"),
    ("deployment-done", "the installer said that the system stands"),
    ("deployment-expired", "its machine did not come in time"),
    ("deployment-failed", "the installer said so, or was never heard of again"),
    ("deployment-fetched", "a file was fetched that only its machine may have"),
    ("deployment-frozen", "somebody else asked for what is its machine's alone"),
    ("deployment-missing", "something that the installation needs is not here"),
    ("deployment-progress", "the installer said how far it is"),
    ("deployment-refused", "somebody asked for what he has no right to"),
    ("deployment-repeated", "its machine asked again for what it was given"),
    ("deployment-started", "the installer said that it runs"),
    ("deployment-step", "a step that this version has no word for"),
    ("diagnosis", "a boot that did not arrive was judged: what it died of, and what to do"),
    ("dhcp-ack", "a client has its address"),
    ("dhcp-answer", "an answer that this version has no word for"),
    ("dhcp-nak", "a client was told that the address it wants is not its own"),
    ("dhcp-offer", "an address was offered"),
    ("dhcp6-advertise", "an IPv6 address was offered, or what to boot"),
    ("dhcp6-reply", "a client has its IPv6 address, or the settings it asked for"),
    ("compared", "where we only listen: what we would have said, beside what another server said"),
    ("handshake-failed", "a TLS connection came to nothing; most often the CA is not trusted"),
    ("inventory", "a machine told what is in it"),
    ("machine-appeared", "a machine was heard for the first time"),
    ("machine-log", "a line of a machine's own log, sent by syslog"),
    ("offer-taken", "a machine said whose offer of an address it takes"),
    ("other-server", "another DHCP server was heard"),
    ("proxy-ack", "boot data was confirmed, beside another DHCP server"),
    ("proxy-offer", "boot data was offered, beside another DHCP server"),
    ("script-grub", "GRUB was told what to do"),
    ("script-ipxe", "iPXE was told what to do"),
    ("script-metadata", "a machine fetched its metadata"),
    ("script-other", "a form that this version has no word for"),
    ("script-pixiecore", "pixiecore was told what to do"),
    ("script-pxelinux", "pxelinux, U-Boot or petitboot was told what to do"),
    ("transfer-done", "a file is across"),
    ("transfer-failed", "a file ended early; the text says where and why"),
    ("transfer-progress", "a large file is on its way"),
    ("transfer-started", "a file begins to go out"),
];

/// What a reason for a decision means, by its code.
const REASONS: &[(&str, &str)] = &[
    ("reason-armed", "a deployment arms the machine with this"),
    ("reason-blocked", "an operator blocked the machine"),
    ("reason-cannot-boot", "what it would boot cannot be booted here, so it starts its disk"),
    ("reason-default-for-approved", "no rule matches an approved machine: `boot.approved`"),
    ("reason-default-for-unknown", "no rule matches an unknown machine: `boot.unknown`"),
    ("reason-installed", "it was installed, so it starts its own disk"),
    ("reason-little-memory", "the machine has less memory than the image needs"),
    ("reason-loader", "which bootloader, and why that one"),
    ("reason-no-file", "it gets an address and nothing to boot"),
    ("reason-note", "something else about how the answer is formed"),
    ("reason-own-profile", "the machine has a profile of its own"),
    ("reason-quirk", "the answer makes allowance for a quirk of this firmware"),
    ("reason-rule-matched", "this rule matched"),
    ("reason-rule-missed", "this rule was tried before and did not match"),
    ("reason-spent", "the deployment was given before, and is not given twice"),
];

const HEAD: &str = "\
# Codes: a word for every message

Sentences become better from version to version; a code never changes. It stands behind each line in the
journal (`[silence-pool-exhausted]`), as `code` in `serve --log json` and in the `silences` of
`explain --json`, and without its first word in `/metrics`. This page is made from the program
(`UPDATE_CODES=1 cargo test -p model --test codes`).

## Silences

Whose fault: `peer` is what the machine (or a relay) sent, `settings` is what an operator set or has not set
yet, `surroundings` is the network, the disk and other servers, `ours` is what this program does not do, and
`nobody` is where silence is the right answer. Words in capitals are yours to choose; `explain` fills in the
machine.

| code | says | fault | what would change it |
| --- | --- | --- | --- |
";

fn page() -> String {
    let mut page = HEAD.to_owned();
    // A `|` would end the cell.
    let cell = |text: String| text.replace('|', "\\|");
    for why in Why::examples() {
        let remedy = why.remedy().map_or_else(|| "—".to_owned(), |remedy| remedy.to_string());
        let (code, fault) = (why.code(), why.fault().name());
        let (says, remedy) = (cell(why.to_string()), cell(remedy));
        let _ = writeln!(page, "| `{code}` | {says} | {fault} | {remedy} |");
    }
    page.push_str("\n## Events\n\n| code | what happened |\n| --- | --- |\n");
    for (code, meaning) in EVENTS {
        let _ = writeln!(page, "| `{code}` | {meaning} |");
    }
    page.push_str(
        "| `events-missed` | so many events came at once that some were not printed |\n\n\
         ## Reasons\n\n| code | what it means |\n| --- | --- |\n",
    );
    for (code, meaning) in REASONS {
        let _ = writeln!(page, "| `{code}` | {meaning} |");
    }
    page
}

#[test]
fn every_code_is_explained_and_no_other() {
    let known = |table: &[(&'static str, &str)]| -> BTreeSet<&'static str> {
        table.iter().map(|(code, _)| *code).collect()
    };
    let events = Happening::codes().into_iter().filter(|code| !code.starts_with("silence-"));
    assert_eq!(known(EVENTS), events.collect());
    assert_eq!(known(REASONS), Reason::CODES.iter().copied().collect());
}

#[test]
fn the_page_says_what_the_program_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/codes.md");
    let page = page();
    if std::env::var_os("UPDATE_CODES").is_some() {
        std::fs::write(&file, &page).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap();
    let odd = kept.lines().zip(page.lines()).find(|(kept, made)| kept != made);
    assert!(kept == page, "docs/codes.md is old, UPDATE_CODES=1 writes it anew: {odd:?}");
}
