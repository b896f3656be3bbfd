//! `replay`: what we would have answered to what a capture or a report shows. Works without a server.

mod annotate;
mod expect;
mod reports;
mod scene;

use crate::failure::Failure;
use crate::say;
use clap::Args;
use replay::Replayed;
pub use reports::ENDING as REPORT_ENDING;
use scene::Scene;
use serde::Serialize;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

/// Captures of one folder that are replayed.
const CAPTURES_MAX: usize = 10_000;

/// What `replay` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit code 0: every answer agrees with what the capture shows, or, where a file \
NAME.expect stands beside it, is as that says. Exit code 1: not so.

A folder of captures is a test: put bootwright.toml into it, run with --bless once, read what was \
written, keep it; from then on `bootwright replay FOLDER` fails when an answer changes."
)]
pub struct Replay {
    /// Captures (pcap, pcapng), reports (NAME.report.json), or folders of them.
    #[arg(value_name = "FILE|FOLDER", required = true)]
    paths: Vec<PathBuf>,
    /// The configuration to answer by; without it, FILE.toml or bootwright.toml beside the capture, and
    /// without those, mode auto in the place of the server that the capture shows.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Take machines, images, rules and leases of this state directory, on which no server works.
    #[arg(long, value_name = "DIR")]
    facts: Option<PathBuf>,
    /// Answer as the server of this address; without it, as the one that the capture shows.
    #[arg(long, value_name = "ADDRESS")]
    address: Option<Ipv4Addr>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Write what came out to NAME.expect beside each capture.
    #[arg(long)]
    bless: bool,
    /// Write the capture anew, as pcapng, with what we would have answered as comments; of a report, its
    /// DHCP messages.
    #[arg(long, value_name = "FILE")]
    annotate: Option<PathBuf>,
}

/// One capture, replayed.
#[derive(Debug, Serialize)]
struct Told {
    /// Its file.
    file: PathBuf,
    #[serde(flatten)]
    replayed: Replayed,
    /// How it differs from NAME.expect, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    unexpected: Option<String>,
    /// Whether it is as it should be.
    passed: bool,
}

impl Replay {
    /// Replays, and says how it came out.
    pub async fn run(&self) -> Result<(), Failure> {
        let files = self.files()?;
        let folder = self.paths.len() > 1 || self.paths.iter().any(|path| path.is_dir());
        if self.annotate.is_some() && folder {
            return Err(Failure::usage("--annotate writes one capture: name one, and no folder"));
        }
        let mut all = Vec::new();
        for file in files {
            let told = self.one(&file).await?;
            if !self.json {
                self.tell(&told, folder);
            }
            all.push(told);
        }
        if self.json {
            match all.as_slice() {
                [one] if !folder => say::json(one)?,
                all => say::json(&all)?,
            }
        }
        match all.iter().filter(|told| !told.passed).count() {
            0 => Ok(()),
            1 if !folder => Err(Failure::failed("not every answer is as it should be")),
            wrong => Err(Failure::failed(format!("{wrong} of {} captures failed", all.len()))),
        }
    }

    fn tell(&self, told: &Told, folder: bool) {
        let expected = told.unexpected.is_some() || expect::file(&told.file).exists();
        if folder {
            let word = if told.passed { "ok" } else { "FAILED" };
            say::line(format!("{word} {}: {}", told.file.display(), told.replayed.summary()));
        } else {
            say::line(told.replayed.to_string().trim_end());
        }
        if let Some(difference) = &told.unexpected {
            say::line(difference.trim_end());
        } else if folder && !told.passed && !expected {
            let wrong = told.replayed.entries.iter().filter(|entry| !entry.verdict.agrees());
            wrong.for_each(|entry| say::line(entry.to_string().trim_end()));
        }
    }

    /// The captures: files as they were named, those of a folder in the order of their names.
    fn files(&self) -> Result<Vec<PathBuf>, Failure> {
        let mut files = Vec::new();
        for path in &self.paths {
            match path.is_dir() {
                true => files.append(&mut captures(path)?),
                false => files.push(path.clone()),
            }
        }
        Ok(files)
    }

    async fn one(&self, file: &Path) -> Result<Told, Failure> {
        let replayed = match reports::is_one(file) {
            true => self.report(file)?,
            false => self.capture(file).await?,
        };
        let text = replayed.to_string();
        if self.bless {
            expect::bless(file, &text)?;
        }
        let unexpected = expect::compare(file, &text)?;
        let passed = match &unexpected {
            expect::Compared::Nothing => replayed.agrees(),
            expect::Compared::Same => true,
            expect::Compared::Other(_) => false,
        };
        let unexpected = unexpected.difference();
        Ok(Told { file: file.to_owned(), replayed, unexpected, passed })
    }
}

impl Replay {
    async fn capture(&self, file: &Path) -> Result<Replayed, Failure> {
        let config = self.config.clone().or_else(|| beside(file));
        let scene = Scene::look(file, config.as_deref(), self.address)?;
        let replayed = scene.replay(file, self.facts.as_deref()).await?;
        if let Some(out) = &self.annotate {
            annotate::write(file, out, &replayed)?;
        }
        Ok(replayed)
    }

    fn report(&self, file: &Path) -> Result<Replayed, Failure> {
        if self.config.is_some() || self.facts.is_some() || self.address.is_some() {
            return Err(Failure::usage(
                "a report has its configuration and its facts in it: --config, --facts and --address are \
                 for captures",
            ));
        }
        let report = reports::read(file)?;
        let replayed = report.replay();
        if let Some(out) = &self.annotate {
            annotate::of_report(&report, out, &replayed)?;
        }
        Ok(replayed)
    }
}

/// The configuration that stands beside a capture: its own, else that of the folder.
fn beside(file: &Path) -> Option<PathBuf> {
    let own = file.with_extension("toml");
    let all = file.with_file_name("bootwright.toml");
    [own, all].into_iter().find(|path| path.exists())
}

fn captures(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let shown = folder.display();
    let cannot = |e: std::io::Error| Failure::failed(format!("cannot list {shown}: {e}"));
    let mut files = Vec::new();
    for entry in folder.read_dir().map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        let ending = path.extension().and_then(|ending| ending.to_str());
        if matches!(ending, Some("pcap" | "pcapng" | "cap")) || reports::is_one(&path) {
            files.push(path);
        }
    }
    if files.is_empty() || files.len() > CAPTURES_MAX {
        let count = files.len();
        return Err(Failure::failed(format!("{shown} has {count} captures"))
            .hint("put files that end in .pcap, .pcapng or .report.json there"));
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use capture::{Interface, LinkType, Packet, Writer};
    use wire::dhcp4::{Message, MessageType, code};

    /// A capture of one DISCOVER.
    fn capture() -> Vec<u8> {
        let mut message = Message::request([0x52, 0x54, 0, 0, 0, 1], 7);
        message.options.push(code::MESSAGE_TYPE, [MessageType::Discover.number()]);
        message.options.push(code::VENDOR_CLASS, b"PXEClient:Arch:00007:UNDI:003000".to_vec());
        message.options.push(code::CLIENT_ARCH, [0, 7]);
        let payload = message.encode(usize::MAX).unwrap();
        let (from, to) = ("0.0.0.0:68", "255.255.255.255:67");
        let bytes =
            wire::udp4::encode(from.parse().unwrap(), to.parse().unwrap(), 1, &payload).unwrap();
        let mut writer = Writer::new(Vec::new(), "test").unwrap();
        let link = LinkType::RawIp;
        let interface = writer.interface(&Interface { name: None, link }).unwrap();
        let wire_len = u32::try_from(bytes.len()).unwrap();
        let at_ns = 1_700_000_000_000_000_000;
        let packet = Packet { at_ns, interface, link, wire_len, bytes, comments: Vec::new() };
        writer.packet(&packet).unwrap();
        writer.finish().unwrap()
    }

    fn replay(path: &Path, bless: bool) -> Replay {
        let paths = vec![path.to_owned()];
        let (config, facts, address, annotate) = (None, None, None, None);
        Replay { paths, config, facts, address, json: false, bless, annotate }
    }

    fn configure(folder: &Path, mode: &str) {
        let text = format!(
            "[[network]]\ninterface = \"lan0\"\nmode = \"{mode}\"\nsubnet = \"10.0.0.0/24\"\n\
             pool = [\"10.0.0.100-10.0.0.199\"]\n{}",
            if mode == "listen" { "listen_as = \"dhcp\"\n" } else { "" }
        );
        std::fs::write(folder.join("bootwright.toml"), text).unwrap();
    }

    #[tokio::test]
    async fn a_folder_of_captures_is_a_test() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        configure(folder, "dhcp");
        std::fs::write(folder.join("boot.pcapng"), capture()).unwrap();

        let failed = replay(folder, false).run().await.unwrap_err();
        assert!(failed.to_string().contains("1 of 1 captures failed"), "{failed}");
        replay(folder, true).run().await.unwrap();
        let kept = std::fs::read_to_string(folder.join("boot.expect")).unwrap();
        assert!(kept.contains("ONLY WE would answer") && kept.contains("OFFER 10.0.0."), "{kept}");
        replay(folder, false).run().await.unwrap();

        // Another configuration answers otherwise: the test fails until somebody says that it is right.
        configure(folder, "listen");
        assert!(replay(folder, false).run().await.is_err());
        replay(folder, true).run().await.unwrap();
        replay(folder, false).run().await.unwrap();
    }

    #[tokio::test]
    async fn what_is_no_capture_and_no_report_is_refused_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["boot.pcap", "boot.report.json"] {
            let file = folder.path().join(name);
            std::fs::write(&file, "hello").unwrap();
            let failed = replay(&file, false).run().await.unwrap_err();
            assert!(failed.to_string().contains(name), "{failed}");
        }
        assert!(replay(folder.path(), false).run().await.is_err());
        let empty = tempfile::tempdir().unwrap();
        let failed = replay(empty.path(), false).run().await.unwrap_err();
        assert!(failed.to_string().contains("0 captures"), "{failed}");
    }
}
