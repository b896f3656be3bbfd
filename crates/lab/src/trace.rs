//! What strace saw of the server: no ACK leaves before the sync that covers it.
//!
//! In: the lines of `strace -f -y -xx`, in which syscalls of all threads stand in the order of
//! their beginnings and ends. Out: how many ACKs, how many syncs, and each ACK that was not
//! covered. Never: a look at times; strace holds every thread at each begin and each end until it
//! has written it down, so the order of the lines is the order of what happened.
//!
//! Covered is an ACK when after its REQUEST was received something was written to a file of the
//! state directory, after that a sync of such a file began, and that sync ended well before the
//! ACK was handed to the kernel.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use crate::load::frame::{self, Answer, Kind, Mac};

/// The system calls that have to be traced.
pub const CALLS: &str = "trace=recvfrom,recvmsg,recvmmsg,read,sendto,sendmsg,sendmmsg,write,writev,\
                         pwrite64,pwritev,pwritev2,fsync,fdatasync";
/// So much of each buffer: the headers, and the options up to the message type.
pub const STRING_LENGTH: &str = "400";

/// What a trace tells.
#[derive(Debug, Default, Eq, PartialEq)]
pub struct Told {
    /// REQUESTs received.
    pub requests: usize,
    /// ACKs sent.
    pub acks: usize,
    /// Syncs that ended well.
    pub syncs: usize,
    /// ACKs without a sync, told as sentences.
    pub uncovered: Vec<String>,
}

/// Reads a trace as it grows.
pub struct Reader {
    /// A part of the paths of all files that count.
    state: String,
    line: usize,
    /// When each REQUEST was received.
    asked: HashMap<(u32, Mac), usize>,
    /// The last write that ended.
    written: usize,
    /// The last write that a finished sync covers.
    synced: usize,
    /// Writes and syncs under way: the thread, and for a sync what it will cover.
    writing: HashMap<u32, ()>,
    syncing: HashMap<u32, usize>,
    /// Calls that send: the thread, and what was covered when they began.
    sending: HashMap<u32, usize>,
    told: Told,
}

impl Reader {
    /// For files whose path holds `state`.
    #[must_use]
    pub fn new(state: &str) -> Self {
        Self {
            state: state.to_owned(),
            line: 0,
            asked: HashMap::new(),
            written: 0,
            synced: 0,
            writing: HashMap::new(),
            syncing: HashMap::new(),
            sending: HashMap::new(),
            told: Told::default(),
        }
    }

    /// The next line.
    pub fn read(&mut self, line: &str) {
        self.line += 1;
        let Some((thread, rest)) = line.trim_start().split_once(' ') else { return };
        let (Ok(thread), rest) = (thread.parse::<u32>(), rest.trim_start()) else { return };
        let resumed = rest.strip_prefix("<... ");
        let name_end = if resumed.is_some() { ' ' } else { '(' };
        let text = resumed.unwrap_or(rest);
        let Some((name, text)) = text.split_once(name_end) else { return };
        let begins = resumed.is_none();
        let ends = !rest.ends_with("<unfinished ...>");
        match name {
            "recvfrom" | "recvmsg" | "recvmmsg" | "read" if ends => self.received(text),
            // strace writes what sendmmsg sends when the call has ended; what counts is what was
            // synced when it began.
            "sendto" | "sendmsg" | "sendmmsg" => {
                if begins {
                    self.sending.insert(thread, self.synced);
                }
                let synced = self.sending.get(&thread).copied().unwrap_or(0);
                self.sent(text, synced);
            }
            "write" | "writev" | "pwrite64" | "pwritev" | "pwritev2" => {
                self.wrote(thread, text, begins, ends);
            }
            "fsync" | "fdatasync" => self.sync(thread, text, begins, ends),
            _ => {}
        }
    }

    /// What it came to.
    #[must_use]
    pub fn told(self) -> Told {
        self.told
    }

    fn received(&mut self, text: &str) {
        for bytes in buffers(text) {
            if let Some(question) = request(&bytes) {
                self.told.requests += 1;
                self.asked.insert(question, self.line);
            }
        }
    }

    fn sent(&mut self, text: &str, synced: usize) {
        for bytes in buffers(text) {
            let Some(answer) = reply(&bytes).filter(|answer| answer.kind == Kind::Ack) else {
                continue;
            };
            self.told.acks += 1;
            let Answer { xid, client, address, .. } = answer;
            let asked = self.asked.get(&(xid, client)).copied();
            if asked.is_none_or(|asked| asked >= synced) {
                self.told.uncovered.push(uncovered(self.line, xid, address, asked, synced));
            }
        }
    }

    fn wrote(&mut self, thread: u32, text: &str, begins: bool, ends: bool) {
        if begins && self.is_ours(text) {
            self.writing.insert(thread, ());
        }
        if ends && self.writing.remove(&thread).is_some() {
            self.written = self.line;
        }
    }

    fn sync(&mut self, thread: u32, text: &str, begins: bool, ends: bool) {
        if begins && self.is_ours(text) {
            self.syncing.insert(thread, self.written);
        }
        if ends
            && let Some(covers) = self.syncing.remove(&thread)
            && text.trim_end().ends_with("= 0")
        {
            self.told.syncs += 1;
            self.synced = self.synced.max(covers);
        }
    }

    /// Whether the descriptor, the first argument, is a file of the state directory.
    fn is_ours(&self, text: &str) -> bool {
        let first = text.split([',', ')', ' ']).next().unwrap_or_default();
        let path = first.split_once('<').map_or("", |(_, path)| path);
        path.contains(&self.state) || path_of(path).contains(&self.state)
    }
}

fn uncovered(
    line: usize,
    xid: u32,
    address: Ipv4Addr,
    asked: Option<usize>,
    synced: usize,
) -> String {
    match asked {
        Some(asked) => format!(
            "line {line}: ACK of {address} (xid {xid:#x}) to the REQUEST of line {asked}, but the \
             last finished sync covers writes up to line {synced} only"
        ),
        None => format!("line {line}: ACK of {address} (xid {xid:#x}) to a REQUEST nobody saw"),
    }
}

/// A path that `-xx` wrote in hexadecimal.
fn path_of(text: &str) -> String {
    String::from_utf8_lossy(&hex(text)).into_owned()
}

/// Every string of a line, as the bytes it stands for.
fn buffers(text: &str) -> Vec<Vec<u8>> {
    text.split('"').skip(1).step_by(2).map(hex).collect()
}

/// `\x45\x00...`
fn hex(text: &str) -> Vec<u8> {
    text.split("\\x")
        .skip(1)
        .map_while(|digits| u8::from_str_radix(digits.get(..2)?, 16).ok())
        .collect()
}

/// Number and MAC of a DHCPREQUEST in an IPv4 packet; the generator writes the type first.
fn request(packet: &[u8]) -> Option<(u32, Mac)> {
    let message = packet.get(28..)?;
    let dhcp = message.get(236..243)? == [99, 130, 83, 99, 53, 1, 3];
    (message.first() == Some(&1) && dhcp).then_some(())?;
    let xid: [u8; 4] = message.get(4..8)?.try_into().ok()?;
    Some((u32::from_be_bytes(xid), message.get(28..34)?.try_into().ok()?))
}

fn reply(packet: &[u8]) -> Option<Answer> {
    (packet.first() == Some(&0x45)).then_some(())?;
    let ethernet = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0];
    frame::read(&[&ethernet[..], packet].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::echo;
    use crate::load::frame::{Say, write};

    const SERVER: Ipv4Addr = Ipv4Addr::new(10, 80, 0, 1);

    fn shown(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect()
    }

    /// A REQUEST and its ACK, as strace shows their packets.
    fn exchange(number: u8) -> (String, String) {
        let say = Say::Select { address: Ipv4Addr::new(10, 80, 1, number), server: SERVER };
        let request = write([2, 0, 0, 0, 0, number], number.into(), say);
        let ack = echo::turned(&request, SERVER).unwrap();
        (shown(&request[14..]), shown(&ack[14..]))
    }

    fn told(lines: &[String]) -> Told {
        let mut reader = Reader::new("/state/");
        lines.iter().for_each(|line| reader.read(line));
        reader.told()
    }

    fn recv(request: &str) -> String {
        format!(
            "11 recvmsg(9<socket:[1]>, {{msg_iov=[{{iov_base=\"{request}\", iov_len=9216}}]}}, 0) = 328"
        )
    }

    fn send(ack: &str) -> String {
        format!("12 sendto(9<socket:[1]>, \"{ack}\", 328, 0, {{sa_family=AF_PACKET}}, 20) = 328")
    }

    const WRITE: &str = "13 pwrite64(7</v/state/db-wal>, \"\\x00\"..., 4096, 0) = 4096";
    const SYNC: &str = "13 fdatasync(7</v/state/db-wal>) = 0";

    #[test]
    fn an_ack_after_its_sync_is_covered() {
        let (request, ack) = exchange(1);
        let lines = [recv(&request), WRITE.into(), SYNC.into(), send(&ack)];
        let expected = Told { requests: 1, acks: 1, syncs: 1, uncovered: vec![] };
        assert_eq!(told(&lines), expected);
    }

    #[test]
    fn an_ack_without_a_sync_or_before_its_end_is_found() {
        let (request, ack) = exchange(1);
        let early = "13 fdatasync(7</v/state/db-wal> <unfinished ...>".to_owned();
        let late = "13 <... fdatasync resumed>) = 0".to_owned();
        let failed = "13 fdatasync(7</v/state/db-wal>) = -1 EIO (Input/output error)".to_owned();
        let elsewhere = "13 fdatasync(7</v/other/log>) = 0".to_owned();
        for lines in [
            vec![recv(&request), WRITE.into(), send(&ack), SYNC.into()],
            vec![recv(&request), WRITE.into(), early.clone(), send(&ack), late.clone()],
            vec![recv(&request), early, WRITE.into(), late, send(&ack)],
            vec![WRITE.into(), recv(&request), SYNC.into(), send(&ack)],
            vec![recv(&request), WRITE.into(), failed, send(&ack)],
            vec![recv(&request), WRITE.into(), elsewhere, send(&ack)],
            vec![WRITE.into(), SYNC.into(), send(&ack)],
        ] {
            assert_eq!(told(&lines).uncovered.len(), 1, "{lines:#?}");
        }
    }

    #[test]
    fn many_messages_in_one_call_and_calls_in_two_lines_are_read() {
        let ((one, ack_one), (two, ack_two)) = (exchange(1), exchange(2));
        let part = |bytes: &str| {
            format!("{{msg_hdr={{msg_iov=[{{iov_base=\"{bytes}\", iov_len=1}}]}}, msg_len=328}}")
        };
        let lines = [
            "11 recvmmsg(9<socket:[1]>,  <unfinished ...>".to_owned(),
            "13 fdatasync(7</v/state/db-wal>) = 0".to_owned(),
            format!("11 <... recvmmsg resumed>[{}, {}], 64, 0, NULL) = 2", part(&one), part(&two)),
            WRITE.into(),
            "13 fdatasync(7</v/state/db-wal> <unfinished ...>".to_owned(),
            "13 <... fdatasync resumed>) = 0".to_owned(),
            format!(
                "12 sendmmsg(9<socket:[1]>, [{}, {}], 2, 0 <unfinished ...>",
                part(&ack_one),
                part(&ack_two)
            ),
            "12 <... sendmmsg resumed>) = 2".to_owned(),
        ];
        let expected = Told { requests: 2, acks: 2, syncs: 2, uncovered: vec![] };
        assert_eq!(told(&lines), expected);
    }

    #[test]
    fn a_path_in_hexadecimal_is_a_path() {
        let reader = Reader::new("/state/");
        assert!(reader.is_ours(&format!("7<{}>) = 0", shown(b"/v/state/db"))));
        assert!(!reader.is_ours(&format!("7<{}>) = 0", shown(b"/v/else/db"))));
    }
}
