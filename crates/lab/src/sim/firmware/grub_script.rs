//! GRUB configurations, as far as ours need.

use super::{Board, Outcome, get_url, installer, tftp};
use crate::sim::host::Host;
use std::net::Ipv4Addr;

/// A GRUB that reads configurations.
pub struct Config<'a> {
    host: &'a Host,
    board: &'a Board,
    server: Ipv4Addr,
    kernel: Option<(String, String)>,
    initrds: Vec<String>,
}

/// What a line led to.
enum Did {
    Well,
    End(Outcome),
    /// Another configuration.
    Read(String),
}

impl<'a> Config<'a> {
    /// Nothing loaded yet.
    #[must_use]
    pub fn new(host: &'a Host, board: &'a Board, server: Ipv4Addr) -> Self {
        Self { host, board, server, kernel: None, initrds: Vec::new() }
    }

    /// Runs a configuration, and those it leads to.
    pub async fn run(mut self, mut text: String) -> Outcome {
        for _ in 0..1000 {
            match self.config(&text).await {
                Did::Read(name) => match self.fetch(&name).await {
                    Ok(bytes) => text = String::from_utf8_lossy(&bytes).into_owned(),
                    Err(why) => return format!("stops: GRUB: {name}: {why}"),
                },
                Did::End(outcome) => return outcome,
                Did::Well => return "stops: GRUB has nothing to do".into(),
            }
        }
        "stops: GRUB reads configurations for ever".into()
    }

    async fn config(&mut self, text: &str) -> Did {
        let knows_disk = text.contains("function local_disk {");
        let mut body = outside_of_functions(text);
        if let Some(entry) = self.chosen_entry(&body).await {
            body = entry;
        }
        let mut skipping = false;
        for line in body {
            let line = line.trim();
            if line == "fi" || line.starts_with("else") {
                skipping = false;
                continue;
            }
            if skipping {
                continue;
            }
            // Nobody presses a key; everything else that is asked holds here.
            if line.starts_with("if ") {
                if line.contains("sleep --interruptible") {
                    self.host.sleep(15_000).await;
                }
                continue;
            }
            match self.line(line, knows_disk).await {
                Did::Well => {}
                did => return did,
            }
        }
        Did::Well
    }

    /// With menu entries: the default one, after its time.
    async fn chosen_entry(&self, body: &[String]) -> Option<Vec<String>> {
        let setting = |name: &str| {
            let mut lines = body.iter().filter_map(|line| line.trim().strip_prefix("set "));
            lines.find_map(|set| set.strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
        };
        let heads: Vec<usize> = body
            .iter()
            .enumerate()
            .filter(|(_, line)| line.trim().starts_with("menuentry "))
            .map(|(n, _)| n)
            .collect();
        if heads.is_empty() {
            return None;
        }
        let wait_s: i64 = setting("timeout").and_then(|s| s.parse().ok()).unwrap_or(-1);
        if wait_s < 0 {
            return Some(vec!["wait_for_ever".into()]);
        }
        self.host.sleep(wait_s.unsigned_abs() * 1000).await;
        let default: usize = setting("default").and_then(|s| s.parse().ok()).unwrap_or(0);
        let wanted = self.board.habits.get("chooses");
        let named = heads
            .iter()
            .copied()
            .find(|at| wanted.is_some_and(|key| body[*at].contains(&format!("--id {key} "))));
        let start = named.or(heads.get(default).copied())?;
        let rest = body.iter().skip(start + 1).take_while(|line| line.trim() != "}");
        Some(rest.cloned().collect())
    }

    async fn line(&mut self, line: &str, knows_disk: bool) -> Did {
        let words = words(line);
        let first = words.first().map_or("", String::as_str);
        let rest = words.get(1..).unwrap_or_default();
        match first {
            "" | "set" | "password_pbkdf2" | "unset" => Did::Well,
            word if word.starts_with('#') => Did::Well,
            "wait_for_ever" => Did::End("waits at its menu for ever".into()),
            "echo" => {
                self.host.say(format!("| {}", rest.join(" ")));
                Did::Well
            }
            "sleep" => {
                let seconds = rest.last().and_then(|s| s.parse().ok()).unwrap_or(0_u64);
                self.host.sleep(seconds * 1000).await;
                Did::Well
            }
            "configfile" => {
                let mac = self.board.mac.map(|byte| format!("{byte:02x}")).join(":");
                Did::Read(rest.concat().replace("$net_default_mac", &mac))
            }
            "linux" => self.linux(rest).await,
            "initrd" => self.initrd(rest).await,
            "boot" => match &self.kernel {
                Some((kernel, args)) => {
                    let initrds = self.initrds.join(", ");
                    let booted = format!("boots {kernel} with {initrds} and `{args}`");
                    let (host, board) = (self.host.clone(), self.board.clone());
                    Did::End(installer::run(host, board, booted, args).await)
                }
                None => Did::End("stops: GRUB: no kernel".into()),
            },
            "local_disk" if knows_disk => {
                Did::End("starts the local disk (GRUB found its loader)".into())
            }
            other => Did::End(format!("stops: GRUB does not know `{other}`")),
        }
    }

    async fn linux(&mut self, words: &[String]) -> Did {
        let Some((name, args)) = words.split_first() else { return Did::Well };
        match self.label(name).await {
            Ok(kernel) if self.board.has("refuses-kernel") => {
                self.host.say(format!("GRUB: bad shim signature: {kernel}"));
            }
            Ok(kernel) => self.kernel = Some((kernel, args.join(" "))),
            Err(why) => self.host.say(format!("GRUB: {name}: {why}")),
        }
        Did::Well
    }

    async fn initrd(&mut self, names: &[String]) -> Did {
        if self.kernel.is_none() {
            self.host.say("GRUB: you need to load the kernel first");
            return Did::Well;
        }
        for name in names {
            match self.label(name).await {
                Ok(initrd) => self.initrds.push(initrd),
                Err(why) => {
                    self.kernel = None;
                    self.host.say(format!("GRUB: {name}: {why}"));
                }
            }
        }
        Did::Well
    }

    async fn label(&self, name: &str) -> Result<String, String> {
        let bytes = self.fetch(name).await?;
        tftp::label(&bytes).map(|label| label.name).map_err(|why| why.to_string())
    }

    /// `(http,10.0.0.1)/path`, `(tftp,10.0.0.1)/path`, or a path on the boot server.
    async fn fetch(&self, name: &str) -> Result<Vec<u8>, String> {
        if let Some((server, path)) = name.strip_prefix("(http,").and_then(|r| r.split_once(')')) {
            return get_url(self.host, &format!("http://{server}{path}"), "GRUB 2.06").await;
        }
        let (server, path) = match name.strip_prefix("(tftp,").and_then(|r| r.split_once(')')) {
            Some((server, path)) => (server.parse().map_err(|_| "no address")?, path),
            None => (self.server, name),
        };
        let got = tftp::get(self.host, server, path.as_bytes(), &tftp::GRUB).await;
        got.map_err(|failed| failed.to_string())
    }
}

fn outside_of_functions(text: &str) -> Vec<String> {
    let (mut lines, mut inside) = (Vec::new(), false);
    for line in text.lines() {
        inside |= line.starts_with("function ");
        if !inside {
            lines.push(line.to_owned());
        }
        inside &= line != "}";
    }
    lines
}

/// Words; single quotes keep a piece together.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut any) = (Vec::new(), String::new(), false, false);
    for c in line.chars() {
        match c {
            '\'' => (quoted, any) = (!quoted, true),
            ' ' if !quoted => {
                if any {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            c => {
                word.push(c);
                any = true;
            }
        }
    }
    if any {
        words.push(word);
    }
    words
}
