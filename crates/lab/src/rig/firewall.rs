//! A firewall before the server: a bridge in user space between its port and the link that drops what
//! it is told to. (Many kernels have neither netfilter nor traffic control.)
//!
//! In: a link, what is dropped. Out: how many frames were. Never: TCP, whose checksums the kernel leaves
//! to a card that is not there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Trouble;
use super::ns::{Link, Namespace};
use crate::fetch::poll::Poll;
use crate::load::port::{Hears, Port};

/// What does not come through.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Drops {
    /// What the server sends from UDP ports that it chose itself: answers of TFTP.
    AnswersFromOtherPorts,
    /// What the server sends from UDP port 67, as DHCP snooping drops it at a port it does not trust.
    Offers,
}

/// A firewall, as long as it is not dropped. The server stays cut off then.
#[derive(Debug)]
pub struct Firewall {
    stop: Arc<AtomicBool>,
    dropped: Arc<AtomicU64>,
    carries: Option<JoinHandle<Result<(), Trouble>>>,
}

const ETHERNET: usize = 14;
const UDP: u8 = 17;
/// Where UDP begins: nobody here sends IP options.
const UDP_AT: usize = ETHERNET + 20;
/// Ports from here on the kernel chooses (`ip_local_port_range`).
const CHOSEN: u16 = 32_768;
const LOOK: Duration = Duration::from_millis(20);
/// The port of the server's cable, and the two ends of the one behind the firewall.
const SERVER: &str = "server";
const WALL: [&str; 2] = ["wall0", "wall1"];

impl Firewall {
    /// Puts it between the server and everybody else.
    ///
    /// # Errors
    /// When `ip` refuses, or the interfaces cannot be opened.
    pub fn before_the_server(link: &Link, drops: Drops) -> Result<Self, Trouble> {
        link.part(SERVER, WALL)?;
        let (stop, dropped) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let bridge = link.bridge();
        let carries = {
            let (stop, dropped) = (Arc::clone(&stop), Arc::clone(&dropped));
            std::thread::spawn(move || carry(&bridge, drops, &stop, &dropped))
        };
        Ok(Self { stop, dropped, carries: Some(carries) })
    }

    /// Frames that did not come through.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl Drop for Firewall {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(Ok(Err(trouble))) = self.carries.take().map(JoinHandle::join) {
            eprintln!("the firewall carried nothing: {trouble}");
        }
    }
}

fn carry(
    bridge: &Namespace,
    drops: Drops,
    stop: &AtomicBool,
    dropped: &AtomicU64,
) -> Result<(), Trouble> {
    let [wall, _] = WALL;
    bridge.inside(|| {
        let mut server = Port::open(SERVER, Hears::All)?;
        let mut others = Port::open(wall, Hears::All)?;
        let mut poll = Poll::new()?;
        poll.reads(&server, 0)?;
        poll.reads(&others, 1)?;
        while !stop.load(Ordering::Relaxed) {
            poll.wait(LOOK)?;
            let mut outwards = Vec::new();
            server.receive(|frame| match drops.takes(frame) {
                true => drop(dropped.fetch_add(1, Ordering::Relaxed)),
                false => outwards.push(without_checksum(frame)),
            })?;
            others.send(&outwards)?;
            let mut inwards = Vec::new();
            others.receive(|frame| inwards.push(without_checksum(frame)))?;
            server.send(&inwards)?;
        }
        Ok(())
    })?
}

impl Drops {
    /// Whether a frame of the server does not come through.
    fn takes(self, frame: &[u8]) -> bool {
        let Some(from) = udp_source(frame) else { return false };
        match self {
            Self::AnswersFromOtherPorts => from >= CHOSEN,
            Self::Offers => from == 67,
        }
    }
}

/// The source port of a frame with UDP in it.
fn udp_source(frame: &[u8]) -> Option<u16> {
    let ip = frame.get(12..14) == Some(&[0x08, 0x00]);
    let udp = frame.get(ETHERNET + 9) == Some(&UDP);
    let port = frame.get(UDP_AT..UDP_AT + 2)?;
    (ip && udp).then(|| u16::from_be_bytes([port[0], port[1]]))
}

/// A UDP packet may go without a checksum.
fn without_checksum(frame: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    if udp_source(&frame).is_some()
        && let Some(sum) = frame.get_mut(UDP_AT + 6..UDP_AT + 8)
    {
        sum.fill(0);
    }
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame from this UDP port.
    fn frame(from: u16) -> Vec<u8> {
        let mut frame = vec![0; UDP_AT + 8];
        frame[12..14].copy_from_slice(&[8, 0]);
        frame[ETHERNET + 9] = UDP;
        frame[UDP_AT..UDP_AT + 2].copy_from_slice(&from.to_be_bytes());
        frame[UDP_AT + 6..].fill(0xaa);
        frame
    }

    #[test]
    fn it_drops_by_the_port_of_the_server() {
        let takes = |drops: Drops, port| drops.takes(&frame(port));
        assert!(takes(Drops::AnswersFromOtherPorts, 40_000));
        assert!(!takes(Drops::AnswersFromOtherPorts, 69));
        assert!(takes(Drops::Offers, 67) && !takes(Drops::Offers, 40_000));
        assert!(!Drops::Offers.takes(&[0; 10]), "a short frame is no offer");
        assert_eq!(without_checksum(&frame(67))[UDP_AT + 6..], [0, 0]);
    }
}
