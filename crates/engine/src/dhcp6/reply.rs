//! The message that goes back: what every one has, settings, and boot data.

use super::{Exchange, Said};
use crate::Engine;
use model::client::Stage;
use model::plan::{Reason, Why};
use wire::dhcp6::{Kind, Packet, Status, code};

pub(super) fn status(code: u16, text: &str) -> Status {
    Status { code, text: text.as_bytes().to_vec() }
}

impl Engine {
    /// An empty reply of this kind.
    pub(super) fn begin6(&self, exchange: &Exchange<'_>, kind: Kind) -> Said {
        let heard = &exchange.heard.packet;
        let packet = Packet {
            client_id: heard.client_id.clone(),
            server_id: Some(self.server_duid.clone()),
            ..Packet::new(kind, heard.xid)
        };
        let (changes, because) = (Vec::new(), Vec::new());
        Said { packet, changes, address: None, file: None, because }
    }

    /// What it asked for beside addresses (option 6), and what it boots.
    pub(super) fn put_settings(&self, exchange: &Exchange<'_>, said: &mut Said) {
        let wants = |code: u16| exchange.heard.packet.wanted.contains(&code);
        let network = exchange.network;
        if wants(code::DNS) {
            said.packet.dns.clone_from(&network.dns);
        }
        if wants(code::DOMAINS) {
            said.packet.domains.extend(network.domain.clone());
        }
        if exchange.client.stage == Stage::System {
            let note = "it did not ask to boot, so it gets an address and settings only";
            return said.because.push(Reason::Note(note.into()));
        }
        if !wants(code::BOOT_FILE_URL) {
            let note = "it did not ask for a boot file (option 59), so it gets none";
            return said.because.push(Reason::Note(note.into()));
        }
        let (plan, answer) = self.boot_answer6(exchange.now, exchange.client, network);
        match answer {
            Ok(boot) => {
                said.packet.boot_url = Some(boot.url.clone().into_bytes());
                let class = boot.class.map(|(number, text)| (number, vec![text.into()]));
                said.packet.vendor_classes.extend(class);
                said.file = Some(boot.url);
                said.because.extend(boot.because);
            }
            Err(Why::NotBooting) => {
                let note = "it did not ask to boot, so it gets an address only";
                said.because.push(Reason::Note(note.into()));
            }
            Err(why) => {
                let decisive = plan.reasons.into_iter();
                said.because.extend(decisive.filter(|r| !matches!(r, Reason::RuleMissed { .. })));
                said.because.push(Reason::NoFile(why));
            }
        }
    }
}
