//! What loaders read: one boot plan, written for iPXE, GRUB and PXELINUX.
//!
//! In: a [`BootPlan`], the client, and where we are reached. Out: text. Reasons stand in it as
//! comments, and the machine's own screen says in a line or two who answered and what follows.
//! Never: a decision.

pub mod grub;
pub mod ipxe;
pub mod pxelinux;

use model::Client;
use model::event::Carrier;
use model::image::Way;
use model::plan::{Boot, BootPlan, Decision, Reason, ShownMenu};
use std::borrow::Cow;

/// Everything a writer needs beside the plan.
#[derive(Clone, Debug)]
pub struct Scene<'a> {
    /// The server's name, for the screen.
    pub server_name: &'a str,
    /// `http://10.77.0.1`, without a slash at the end.
    pub http: &'a str,
    /// Our address, for TFTP and GRUB's own way of writing URLs.
    pub server: std::net::IpAddr,
    /// Our HTTP port.
    pub http_port: u16,
    /// How the script was asked for.
    pub by: Carrier,
    /// Who asks.
    pub client: &'a Client,
    /// Path of a GRUB that iPXE may load to reach a UEFI machine's disk, if there is one.
    pub grub: Option<String>,
    /// What stands for `{A}`: where an installer finds its answers. For everybody but its machine the
    /// token in it is [`HIDDEN`].
    pub answer: Option<&'a str>,
    /// The code that is to be typed, for the machine's own screen.
    pub code: Option<&'a str>,
}

/// A line of a menu on a machine's screen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Line {
    /// Above a group.
    Heading(String),
    /// Nothing.
    Gap,
    /// What can be chosen.
    Entry {
        /// Its key.
        key: String,
        /// What is shown.
        text: String,
    },
}

/// A menu as it stands on the screen of a machine whose loader is `ipxe`, `grub` or `pxelinux`.
pub fn menu_lines(menu: &ShownMenu, form: &str) -> Vec<Line> {
    match form {
        "grub" => grub::lines(menu),
        "pxelinux" => pxelinux::lines(menu),
        _ => ipxe::lines(menu),
    }
}

/// What stands above a menu there.
pub fn menu_title(server_name: &str, form: &str) -> String {
    match form {
        // The loaders themselves say who they are; these have no line of ours.
        "grub" => "GNU GRUB".to_owned(),
        "pxelinux" => format!("Bootwright {}: boot menu", plain(server_name)),
        _ => ipxe::title(server_name),
    }
}

/// What stands where a token or a code would.
pub(crate) const HIDDEN: &str = "***";

/// Kernel arguments with those every Linux wants: which network card the machine came by.
pub(crate) fn args(boot: &Boot, client: &Client, http: &str, answer: Option<&str>) -> String {
    let mut args = fill(&boot.args, http, (&boot.image, boot.version), client, answer);
    let has = |name: &str| args.split_whitespace().any(|arg| arg.starts_with(name));
    if boot.way == Way::Kernel && client.hardware.as_mac().is_some() && !has("BOOTIF=") {
        let bootif = format!("BOOTIF={}", client.hardware.dashed_with_kind());
        args = if args.is_empty() { bootif } else { format!("{args} {bootif}") };
    }
    args
}

/// What the initrd or module at a place is told.
pub(crate) fn module_args(boot: &Boot, at: usize, scene: &Scene<'_>) -> String {
    let own = boot.initrd_args.get(at).map(String::as_str).unwrap_or_default();
    fill(own, scene.http, (&boot.image, boot.version), scene.client, scene.answer)
}

/// A text of a recipe with its placeholders filled in (see [`model::image::Recipe`]). URLs have
/// addresses in them, not names: DNS may not be up where they are read.
pub(crate) fn fill(
    text: &str,
    http: &str,
    image: (&str, u32),
    client: &Client,
    answer: Option<&str>,
) -> String {
    let base = format!("{http}/image/{}/{}", image.0, image.1);
    text.replace("{B}", &base)
        .replace("{S}", http)
        .replace("{I}", &format!("{base}.iso"))
        .replace("{MAC-}", &client.hardware.dashed_with_kind())
        .replace("{A}", answer.unwrap_or_default())
}

/// The last part of a path: how an initrd is named in memory.
fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether a name means the same to every loader as it stands: a disc may have any name on it.
fn is_safe(name: &str) -> bool {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte);
    !name.is_empty() && name.bytes().all(safe)
}

/// Text for a screen or a comment: printable ASCII, and nothing that any of the three loaders
/// would expand, split or end a line at.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    push_plain(&mut plain, text);
    plain
}

/// Puts [`plain`] text behind another.
fn push_plain(to: &mut String, text: &str) {
    let mut rest = text;
    while !rest.is_empty() {
        // Nearly all of it is to stay as it is.
        let (stays, from) = rest.split_at(staying(rest.as_bytes()));
        to.push_str(stays);
        let mut chars = from.chars();
        to.extend(chars.next().and_then(instead));
        rest = chars.as_str();
    }
}

/// How many bytes at the beginning stand for themselves. Sixteen are looked at together, without a branch
/// between them: a processor has instructions for that.
fn staying(text: &[u8]) -> usize {
    let (blocks, _) = text.as_chunks::<16>();
    let whole = blocks.iter().take_while(|block| block.iter().fold(true, |all, b| all & stays(*b)));
    let clean = 16 * whole.count();
    let rest = text.get(clean..).unwrap_or_default();
    clean + rest.iter().take_while(|byte| stays(**byte)).count()
}

/// What stands for a character in [`plain`] text, if anything does.
const fn instead(c: char) -> Option<char> {
    match c {
        '"' | '\'' | '`' => None,
        '→' => Some('>'),
        '–' | '—' => Some('-'),
        '…' => Some('.'),
        ';' => Some(','),
        '$' | '\\' | '&' | '|' | '{' | '}' | '<' | '^' | '~' => Some('_'),
        c if c.is_ascii_graphic() || c == ' ' => Some(c),
        _ => Some('?'),
    }
}

/// Whether a byte stands for itself in [`plain`] text: what [`instead`] says, without a branch.
const fn stays(byte: u8) -> bool {
    let printable = (byte >= b' ') & (byte < 0x7f);
    let quotes = (byte == b'"') | (byte == b'\'') | (byte == b'`') | (byte == b';');
    let expands = (byte == b'$') | (byte == b'\\') | (byte == b'&') | (byte == b'|');
    let others = (byte == b'{') | (byte == b'}') | (byte == b'<') | (byte == b'^') | (byte == b'~');
    printable & !(quotes | expands | others)
}

/// A line of a reason, behind what stands before it.
fn push_reason(to: &mut String, before: &str, reason: &Reason) {
    to.push_str(before);
    reason.say(|part| push_plain(to, part));
}

/// What every script says beside what it does: to who reads it, and on the machine's screen.
struct Said<'a> {
    scene: &'a Scene<'a>,
    plan: &'a BootPlan,
    /// The reason that decided, in [`plain`] text: it stands in both.
    decisive: Option<String>,
}

impl<'a> Said<'a> {
    fn of(scene: &'a Scene<'a>, plan: &'a BootPlan) -> Self {
        let decisive = plan.reasons.first().map(|reason| {
            let mut text = String::with_capacity(128);
            push_reason(&mut text, "", reason);
            text
        });
        Self { scene, plan, decisive }
    }

    /// A script that begins with `first`, then the plan and its reasons, one comment line each; with room
    /// for what follows.
    fn begin(&self, first: &str) -> String {
        let Self { scene, plan, decisive } = self;
        let mut text = String::with_capacity(1024 + 128 * plan.reasons.len());
        text.push_str(first);
        text.push_str(&format!("# Bootwright on {} for ", plain(scene.server_name)));
        text.push_str(&format!("{}: {}\n", scene.client.hardware, plain(&plan.decision.summary())));
        if let Some(decisive) = decisive {
            push_all(&mut text, ["# because ", decisive, "\n"]);
        }
        for reason in plan.reasons.iter().skip(1) {
            push_reason(&mut text, "# because ", reason);
            text.push('\n');
        }
        text
    }

    /// What stands on the machine's screen, each line between what makes a loader show it: who answered,
    /// what follows, and the reason that decided.
    fn push_screen(&self, text: &mut String, before: &str, behind: &str) {
        let Self { scene, plan, decisive } = self;
        push_all(text, [before, "Bootwright ", &plain(scene.server_name), ": "]);
        push_plain(text, &self.what_follows());
        text.push_str(behind);
        if let Some(decisive) = decisive {
            push_all(text, [before, "  because ", decisive, behind]);
        }
        let others = plan.reasons.iter().skip(1);
        for worry in others.filter(|reason| matches!(reason, Reason::LittleMemory { .. })) {
            push_all(text, [before, "  but "]);
            push_reason(text, "", worry);
            text.push_str(behind);
        }
    }

    fn what_follows(&self) -> Cow<'static, str> {
        match &self.plan.decision {
            Decision::Boot(boot) => {
                format!("booting {} version {}", boot.title, boot.version).into()
            }
            Decision::LocalDisk => "going on to the local disk".into(),
            Decision::Refused => "this machine is blocked; going on to the local disk".into(),
            Decision::Pending { code } => {
                format!("this machine waits for approval. Tell the operator its code: {code}")
                    .into()
            }
            Decision::Confirm => format!(
                "before this machine is installed, an operator types its code: {}",
                self.scene.code.unwrap_or(HIDDEN)
            )
            .into(),
            Decision::Menu(_) => "boot menu".into(),
            Decision::Elsewhere(boot) => match &boot.message {
                Some(message) => format!("{} says: {message}", boot.of).into(),
                None => format!("booting what {} says", boot.of).into(),
            },
            Decision::Ask { .. } => {
                "only iPXE boots what another server says; going on to the local disk".into()
            }
            Decision::Silent => "nothing to boot".into(),
        }
    }
}

fn push_all<const N: usize>(to: &mut String, parts: [&str; N]) {
    parts.iter().for_each(|part| to.push_str(part));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_stays_is_what_nothing_is_put_instead_of() {
        for byte in 0..0x80_u8 {
            assert_eq!(stays(byte), instead(byte.into()) == Some(byte.into()), "{byte:#x}");
        }
        assert!((0x80..=0xff).all(|byte| !stays(byte)));
    }

    proptest! {
        #[test]
        fn plain_text_is_put_together_of_what_stands_for_each_character(text in ".{0,80}") {
            let each: String = text.chars().filter_map(instead).collect();
            prop_assert_eq!(plain(&text), each);
        }
    }
}
