//! Scripts of iPXE, as far as ours need: commands, labels, `&&` and `||`, settings.

use super::{Board, Env, Outcome, dhcp::Reply, installer, ipxe, tftp};
use crate::sim::host::{Host, HttpAsk};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// Commands one script may run before it counts as endless.
const STEPS_MAX: usize = 2000;

/// A running script.
pub struct Script<'a> {
    host: &'a Host,
    board: &'a Board,
    env: Env,
    lines: Vec<String>,
    at: usize,
    set: BTreeMap<String, String>,
    kernel: Option<(String, String)>,
    initrds: Vec<String>,
    has_address: bool,
}

/// What a command led to.
enum Did {
    Well,
    Failed(String),
    End(Outcome),
    /// GRUB was loaded.
    Grub(Vec<u8>, String),
}

impl<'a> Script<'a> {
    /// A script and the lease it runs on.
    #[must_use]
    pub fn new(host: &'a Host, board: &'a Board, env: Env, text: &str) -> Self {
        let has_address = env.ack.is_some();
        Self {
            host,
            board,
            env,
            lines: text.lines().map(str::to_owned).collect(),
            at: 0,
            set: BTreeMap::new(),
            kernel: None,
            initrds: Vec::new(),
            has_address,
        }
    }

    /// To its end.
    pub async fn run(mut self) -> Outcome {
        for _ in 0..STEPS_MAX {
            let Some(line) = self.lines.get(self.at).cloned() else {
                return "script ends; the firmware tries its next boot option".into();
            };
            self.at += 1;
            match self.line(&line).await {
                Did::Well => {}
                Did::Failed(why) => {
                    return format!("stops: script: {line}: {why}; tries its next boot option");
                }
                Did::End(outcome) => return outcome,
                Did::Grub(bytes, file) => match tftp::label(&bytes) {
                    Ok(label) => {
                        let env = Env { file, http: true, ..self.env };
                        return super::start(self.host.clone(), self.board.clone(), env, label)
                            .await;
                    }
                    Err(why) => return format!("stops: {file}: {why}"),
                },
            }
        }
        "stops: the script never ends".into()
    }

    async fn line(&mut self, line: &str) -> Did {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') || line.starts_with(':') {
            return Did::Well;
        }
        let mut rest = line.to_owned();
        let mut status = Ok(());
        let mut due = true;
        loop {
            let cut = [rest.find("&&"), rest.find("||")].into_iter().flatten().min();
            let (command, joint) = match cut {
                Some(at) => (rest[..at].to_owned(), Some(rest[at..at + 2].to_owned())),
                None => (rest.clone(), None),
            };
            if due {
                status = match self.command(command.trim()).await {
                    Did::Well => Ok(()),
                    Did::Failed(why) => Err(why),
                    end => return end,
                };
            }
            let Some(joint) = joint else { break };
            due = (joint == "&&") == status.is_ok();
            rest = rest[cut.unwrap_or(0) + 2..].to_owned();
        }
        match status {
            Ok(()) => Did::Well,
            Err(why) => Did::Failed(why),
        }
    }

    async fn command(&mut self, command: &str) -> Did {
        let expanded = expand(command, |name| self.value(name));
        let words: Vec<&str> = expanded.split_whitespace().collect();
        let argument = |n: usize| words.get(n).copied().unwrap_or_default().to_owned();
        let option = |name: &str| {
            let at = words.iter().position(|word| *word == name)?;
            words.get(at + 1).map(|word| (*word).to_owned())
        };
        match words.first().copied().unwrap_or_default() {
            "" | "menu" | "item" | "clear" => Did::Well,
            "imgfree" => {
                (self.kernel, self.initrds) = (None, Vec::new());
                Did::Well
            }
            "echo" => {
                self.host.say(format!("| {}", expanded.trim_start_matches("echo").trim()));
                Did::Well
            }
            "isset" => good(words.len() > 1, "not set"),
            "iseq" => good(argument(1) == argument(2), "not equal"),
            "dhcp" => self.dhcp().await,
            "goto" => self.goto(&argument(1)),
            "sleep" => {
                self.host.sleep(argument(1).parse::<u64>().unwrap_or(0) * 1000).await;
                Did::Well
            }
            "prompt" => {
                let wait_ms = option("--timeout").and_then(|ms| ms.parse().ok()).unwrap_or(0);
                self.host.sleep(wait_ms).await;
                Did::Failed("no key".into())
            }
            "choose" => self.choose(option("--timeout"), option("--default")).await,
            "login" | "read" => Did::Failed("nobody types".into()),
            "kernel" => self.kernel(&words).await,
            "initrd" => self.initrd(&argument(1)).await,
            "boot" => self.boot().await,
            "chain" => self.chain(&words).await,
            "sanboot" if self.board.has("no-disk") => Did::Failed("no disk".into()),
            "sanboot" => Did::End("starts the local disk (sanboot)".into()),
            "exit" => Did::End(format!(
                "leaves iPXE ({expanded}): the firmware tries its next boot option"
            )),
            other => Did::Failed(format!("{other} is no command here")),
        }
    }

    fn value(&self, name: &str) -> String {
        let name = name.split(':').next().unwrap_or(name);
        match self.set.get(name) {
            Some(value) => value.clone(),
            None => setting(name, self.host, self.board, self.env.ack.as_ref()),
        }
    }

    async fn dhcp(&mut self) -> Did {
        match ipxe::dhcp(self.host, self.board, 0x200).await {
            Ok(env) => {
                (self.env, self.has_address) = (env, true);
                Did::Well
            }
            Err(why) => Did::Failed(why),
        }
    }

    fn goto(&mut self, label: &str) -> Did {
        let place = self.lines.iter().position(|line| line.strip_prefix(':') == Some(label));
        match place {
            Some(place) => {
                self.at = place;
                Did::Well
            }
            None => Did::Failed(format!("no label {label}")),
        }
    }

    async fn choose(&mut self, timeout_ms: Option<String>, default: Option<String>) -> Did {
        let Some(timeout_ms) = timeout_ms.and_then(|ms| ms.parse().ok()) else {
            return Did::End("waits at its menu for ever".into());
        };
        self.host.sleep(timeout_ms).await;
        match self.board.habits.get("chooses").cloned().or(default) {
            Some(chosen) => {
                self.set.insert("chosen".into(), chosen);
                Did::Well
            }
            None => Did::Failed("nothing chosen".into()),
        }
    }

    async fn fetch(&self, url: &str) -> Result<Vec<u8>, String> {
        if !self.has_address {
            return Err("the network is down: no address yet".into());
        }
        let next = self.env.server.unwrap_or(Ipv4Addr::UNSPECIFIED);
        ipxe::fetch(self.host, url, next).await
    }

    async fn kernel(&mut self, words: &[&str]) -> Did {
        let Some((url, args)) = words.get(1..).and_then(<[&str]>::split_first) else {
            return Did::Failed("no name".into());
        };
        let label = self.fetch(url).await.and_then(|b| tftp::label(&b).map_err(|e| e.to_string()));
        match label {
            Ok(label) if label.kind == "kernel" => {
                self.kernel = Some((label.name, args.join(" ")));
                Did::Well
            }
            Ok(label) => Did::Failed(format!("{} is no kernel", label.name)),
            Err(why) => Did::Failed(why),
        }
    }

    async fn initrd(&mut self, url: &str) -> Did {
        if self.board.has("out-of-memory")
            && let Some((to, target)) = super::url(url)
        {
            let ask = HttpAsk { reads: Some(20_000), ..HttpAsk::get(to, target, "iPXE/1.21") };
            self.host.http(ask, 30_000).await;
            return Did::End("hangs: out of memory".into());
        }
        match self.fetch(url).await.and_then(|b| tftp::label(&b).map_err(|e| e.to_string())) {
            Ok(label) => {
                self.initrds.push(label.name);
                Did::Well
            }
            Err(why) => Did::Failed(why),
        }
    }

    async fn boot(&self) -> Did {
        let Some((kernel, args)) = &self.kernel else { return Did::Failed("no kernel".into()) };
        // A kernel that is an EFI program finds its initrd by name only.
        for initrd in &self.initrds {
            let name = initrd.rsplit('/').next().unwrap_or(initrd);
            if self.board.arch.is_uefi() && !args.contains(&format!("initrd={name}")) {
                return Did::Failed(format!("the kernel cannot find {name}"));
            }
        }
        let booted = format!("boots {kernel} with {} and `{args}`", self.initrds.join(", "));
        let (host, board) = (self.host.clone(), self.board.clone());
        Did::End(installer::run(host, board, booted, args).await)
    }

    async fn chain(&mut self, words: &[&str]) -> Did {
        let Some(url) = words.iter().skip(1).find(|word| !word.starts_with("--")) else {
            return Did::Failed("no name".into());
        };
        match self.fetch(url).await {
            Ok(bytes) if bytes.starts_with(b"#!ipxe") => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                self.lines = text.lines().map(str::to_owned).collect();
                self.at = 0;
                Did::Well
            }
            Ok(bytes) => {
                let path = super::url(url).map_or((*url).to_owned(), |(_, target)| target);
                Did::Grub(bytes, path)
            }
            Err(why) => Did::Failed(why),
        }
    }
}

fn good(holds: bool, else_why: &str) -> Did {
    if holds { Did::Well } else { Did::Failed(else_why.to_owned()) }
}

/// Replaces `${name}` by what `value` says.
pub fn expand(text: &str, value: impl Fn(&str) -> String) -> String {
    let (mut done, mut rest) = (String::new(), text);
    while let Some(at) = rest.find("${") {
        let Some(end) = rest[at..].find('}') else { break };
        done.push_str(&rest[..at]);
        done.push_str(&value(&rest[at + 2..at + end]));
        rest = &rest[at + end + 1..];
    }
    done + rest
}

/// A setting of iPXE's; empty if it has none of this name.
pub fn setting(name: &str, host: &Host, board: &Board, ack: Option<&Reply>) -> String {
    let mac = board.mac.map(|byte| format!("{byte:02x}")).join(":");
    let efi = board.arch.is_uefi();
    match name.split(':').next().unwrap_or(name) {
        "ip" if ack.is_some() => host.ip().to_string(),
        "netX/mac" | "net0/mac" | "mac" => mac,
        "platform" => if efi { "efi" } else { "pcbios" }.into(),
        "buildarch" => match board.arch {
            model::Arch::X64Uefi => "x86_64",
            model::Arch::Arm64Uefi => "arm64",
            _ => "i386",
        }
        .into(),
        "uuid" => model::Uuid::from_option_97(board.uuid).to_string(),
        "serial" => board.habits.get("serial").cloned().unwrap_or_default(),
        "memsize" => board.habits.get("memory").cloned().unwrap_or_default(),
        "next-server" => ack.map(|ack| ack.siaddr.to_string()).unwrap_or_default(),
        _ => String::new(),
    }
}
