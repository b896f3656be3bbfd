//! One machine from power-on to its disc.
//!
//! In: an answer, a socket that is ready, a moment. Out: its next step, and in the end a line in the
//! outcome. Never: a wait, or a second machine's business.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use super::{Hall, exchange};
use crate::fetch::http::{self, Http};
use crate::fetch::tftp::{self, Tftp};
use crate::fetch::{Stand, Wanted};
use crate::load::frame::Mac;
use crate::load::mac;
use crate::rig::Trouble;
use crate::sim::firmware::Board;
use crate::sim::firmware::dhcp::Reply;

/// EDK2's: how long it waits for an answer, each time it asks. After the last it gives this boot
/// option up; with no other that boots it begins again.
const WINDOWS_S: [u64; 4] = [4, 8, 16, 32];
const TFTP: u16 = 69;
/// What EDK2 asks for: blksize, windowsize.
const OPTIONS: (u32, u32) = (1468, 4);
/// Every script of iPXE's begins so.
const SCRIPT: &[u8] = b"#!ipxe\n";

pub(super) enum Stage {
    Off,
    Discovering,
    Requesting(Box<Reply>),
    Loading(Tftp),
    Script(Http),
    Disc(Http),
    Ended,
}

pub(super) struct Machine {
    number: u32,
    board: Board,
    stage: Stage,
    asked: usize,
    deadline: Duration,
    address: Ipv4Addr,
}

impl fmt::Display for Machine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match &self.stage {
            Stage::Off => "off",
            Stage::Discovering => "DISCOVER",
            Stage::Requesting(_) => "REQUEST",
            Stage::Loading(_) => "boot file",
            Stage::Script(_) => "script",
            Stage::Disc(_) => "disc",
            Stage::Ended => "end",
        };
        write!(out, "{} at {} ({stage})", text(self.board.mac), self.address)
    }
}

fn text(mac: Mac) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}

impl Machine {
    /// Its number is also what its messages are known by (xid).
    pub(super) fn new(seed: u64, number: u32) -> Self {
        let mac = mac(seed, number);
        Self {
            number,
            board: board(mac),
            stage: Stage::Off,
            asked: 0,
            deadline: Duration::ZERO,
            address: Ipv4Addr::UNSPECIFIED,
        }
    }

    pub(super) fn ended(&self) -> bool {
        matches!(self.stage, Stage::Ended)
    }

    pub(super) fn power_on(&mut self, hall: &mut Hall<'_>) -> Result<(), Trouble> {
        self.stage = Stage::Discovering;
        self.ask(hall);
        Ok(())
    }

    /// Says what it says at this stage of DHCP, and sets its alarm.
    fn ask(&mut self, hall: &mut Hall<'_>) {
        let chosen = match &self.stage {
            Stage::Requesting(offer) => Some(&**offer),
            _ => None,
        };
        hall.frames.push(exchange::frame(&self.board, self.number, chosen));
        let window = WINDOWS_S.get(self.asked).copied().unwrap_or(WINDOWS_S[3]);
        self.asked += 1;
        self.deadline = hall.poll.now() + Duration::from_secs(window);
        hall.poll.alarm(self.deadline, self.number.into());
    }

    /// An answer to it came.
    pub(super) fn hear(&mut self, hall: &mut Hall<'_>, answer: Reply) -> Result<(), Trouble> {
        if answer.hardware != self.board.mac {
            return Ok(());
        }
        match (&self.stage, answer.kind()) {
            (Stage::Discovering, Some(2)) if !answer.boot_file().is_empty() => {
                self.stage = Stage::Requesting(Box::new(answer));
                self.asked = 0;
                self.ask(hall);
                Ok(())
            }
            (Stage::Requesting(_), Some(5)) => self.load(hall, &answer),
            (Stage::Requesting(_), Some(6)) => {
                self.fail(hall, "its request was refused");
                Ok(())
            }
            // A second answer, or one without a boot file.
            _ => Ok(()),
        }
    }

    /// Asks for the boot file, from the address it has now.
    fn load(&mut self, hall: &mut Hall<'_>, ack: &Reply) -> Result<(), Trouble> {
        let now = hall.poll.now();
        self.address = ack.yiaddr;
        hall.outcome.leased = now;
        let server = if ack.siaddr.is_unspecified() { *ack.from.ip() } else { ack.siaddr };
        let ask = tftp::Ask {
            from: self.address,
            server: SocketAddrV4::new(server, TFTP),
            name: ack.boot_file(),
            wanted: hall.play.boot_file.clone(),
            options: OPTIONS,
            patient: false,
        };
        let get = Tftp::begin(now, ask)?;
        hall.poll.reads(&get, self.number.into())?;
        self.deadline = get.deadline();
        hall.poll.alarm(self.deadline, self.number.into());
        self.stage = Stage::Loading(get);
        Ok(())
    }

    /// Its socket has something for it.
    pub(super) fn ready(&mut self, hall: &mut Hall<'_>) -> Result<(), Trouble> {
        let now = hall.poll.now();
        let stand = match &mut self.stage {
            Stage::Loading(get) => get.readable(now),
            Stage::Script(get) | Stage::Disc(get) if !get.asked() => {
                hall.poll.now_reads(&*get, self.number.into())?;
                get.connected()
            }
            Stage::Script(get) | Stage::Disc(get) => get.readable(&mut hall.scrap),
            _ => Stand::Going,
        };
        self.after(hall, stand)
    }

    fn after(&mut self, hall: &mut Hall<'_>, stand: Stand) -> Result<(), Trouble> {
        match stand {
            Stand::Going => Ok(()),
            Stand::Failed(why) => {
                self.fail(hall, &why);
                Ok(())
            }
            Stand::Done => self.next(hall),
        }
    }

    /// What was to be loaded is there.
    fn next(&mut self, hall: &mut Hall<'_>) -> Result<(), Trouble> {
        let now = hall.poll.now();
        match &self.stage {
            Stage::Loading(get) => {
                hall.outcome.tftp_again += u64::from(get.resent());
                hall.outcome.loaded = now;
                let path = hall.play.script.replace("{mac}", &text(self.board.mac));
                self.stage = Stage::Script(self.fetch(hall, path, Wanted::Begins(SCRIPT))?);
            }
            Stage::Script(_) => {
                let (path, wanted) = hall.play.disc.clone();
                self.stage = Stage::Disc(self.fetch(hall, path, wanted)?);
            }
            _ => {
                self.stage = Stage::Ended;
                hall.outcome.done.push(now);
            }
        }
        Ok(())
    }

    fn fetch(&self, hall: &Hall<'_>, path: String, wanted: Wanted) -> Result<Http, Trouble> {
        let from = self.address;
        let get =
            Http::begin(http::Ask { from, server: hall.play.http, path, wanted, room: None })?;
        hall.poll.connects(&get, self.number.into())?;
        Ok(get)
    }

    /// An alarm of its own rang; an older one may have been set for what is over.
    pub(super) fn late(&mut self, hall: &mut Hall<'_>) -> Result<(), Trouble> {
        let now = hall.poll.now();
        let stand = match &mut self.stage {
            Stage::Discovering | Stage::Requesting(_) if now >= self.deadline => {
                if self.asked >= WINDOWS_S.len() {
                    self.stage = Stage::Discovering;
                    self.asked = 0;
                }
                hall.outcome.dhcp_again += 1;
                self.ask(hall);
                return Ok(());
            }
            Stage::Loading(get) => {
                let stand = get.late(now);
                if stand == Stand::Going {
                    hall.poll.alarm(get.deadline(), self.number.into());
                }
                stand
            }
            _ => Stand::Going,
        };
        self.after(hall, stand)
    }

    fn fail(&mut self, hall: &mut Hall<'_>, why: &str) {
        hall.outcome.failed.push(format!("{self}: {why}"));
        self.stage = Stage::Ended;
    }
}

fn board(mac: Mac) -> Board {
    let mut uuid = *b"boot\0machine\0\0\0\0";
    uuid[10..].copy_from_slice(&mac);
    Board {
        mac,
        uuid,
        firmware: "edk2".to_owned(),
        arch: model::Arch::X64Uefi,
        habits: std::collections::BTreeMap::new(),
    }
}
