//! A bad network on a real link: a bridge in user space that loses, copies and disorders, from a
//! seed; that doubles ACKs; that forges packets. (Many kernels have no netem.)
//!
//! In: a way, what is to happen on it. Out: what was carried. Never: chance that is not the seed's;
//! a packet of anybody but IPv4.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::Trouble;
use super::ns::Way;
use crate::fetch::poll::Poll;
use crate::load::frame;
use crate::load::port::{Hears, Port};
use crate::sim::net::{Air, Weather};

/// What happens to what is carried.
#[derive(Clone, Copy, Debug)]
pub struct Treatment {
    /// Everything follows from it.
    pub seed: u64,
    /// Loss and disorder, each direction like the other.
    pub weather: Weather,
    /// Every ACK of a client arrives so many times.
    pub acks: usize,
    /// With every ACK of a client come forged packets for its transfer, from other ports.
    pub forges: bool,
}

/// What was carried.
#[derive(Clone, Copy, Debug, Default)]
pub struct Carried {
    /// DATA that the server sent.
    pub data: u64,
    /// ACKs that clients sent.
    pub acks: u64,
    /// Packets that were forged.
    pub forged: u64,
}

const ETHERNET: usize = 14;
const TO_CLIENT: u64 = 0;
const TO_SERVER: u64 = 1;
/// How long nothing may happen before the bridge looks whether to stop.
const LOOK: Duration = Duration::from_millis(20);

/// Carries until told to stop.
///
/// # Errors
/// When the interfaces between cannot be used.
pub fn carry(way: &Way, treatment: &Treatment, stop: &AtomicBool) -> Result<Carried, Trouble> {
    way.between().inside(|| Bridge::new(treatment)?.run(stop))?
}

struct Bridge {
    treatment: Treatment,
    /// Towards the server, and towards the client.
    server: Port,
    client: Port,
    to_server: Air<Vec<u8>>,
    to_client: Air<Vec<u8>>,
    poll: Poll,
    carried: Carried,
}

impl Bridge {
    fn new(treatment: &Treatment) -> Result<Self, Trouble> {
        let server = Port::open(Way::TO_SERVER, Hears::Ip)?;
        let client = Port::open(Way::TO_CLIENT, Hears::Ip)?;
        let poll = Poll::new()?;
        poll.reads(&server, TO_CLIENT)?;
        poll.reads(&client, TO_SERVER)?;
        let Treatment { seed, weather, .. } = *treatment;
        Ok(Self {
            treatment: *treatment,
            server,
            client,
            to_server: Air::new(seed, weather),
            to_client: Air::new(seed ^ 0x5555, weather),
            poll,
            carried: Carried::default(),
        })
    }

    fn run(mut self, stop: &AtomicBool) -> Result<Carried, Trouble> {
        while !stop.load(Ordering::Relaxed) {
            let now = self.now_ms();
            let next = self.to_server.next_at_ms().min(self.to_client.next_at_ms());
            self.poll.wait(LOOK.min(Duration::from_millis(next.saturating_sub(now))))?;
            self.take_up()?;
            self.put_down()?;
        }
        Ok(self.carried)
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.poll.now().as_millis()).unwrap_or(u64::MAX)
    }

    fn take_up(&mut self) -> Result<(), Trouble> {
        let now = self.now_ms();
        let Self { treatment, server, client, to_server, to_client, carried, .. } = self;
        server.receive(|frame| {
            carried.data += u64::from(opcode(frame) == Some(DATA));
            to_client.send(now, &without_checksum(frame));
        })?;
        client.receive(|frame| {
            let frame = without_checksum(frame);
            let ack = opcode(&frame) == Some(ACK);
            carried.acks += u64::from(ack);
            for _ in 0..if ack { treatment.acks } else { 1 } {
                to_server.send(now, &frame);
            }
            if ack && treatment.forges {
                for forged in forged(&frame) {
                    carried.forged += 1;
                    to_server.carry(now, forged);
                }
            }
        })?;
        Ok(())
    }

    fn put_down(&mut self) -> Result<(), Trouble> {
        let now = self.now_ms();
        for (air, port) in
            [(&mut self.to_server, &self.server), (&mut self.to_client, &self.client)]
        {
            let mut frames = Vec::new();
            while let Some(frame) = air.arrived(now) {
                frames.push(frame);
            }
            let mut frames = frames.as_slice();
            while !frames.is_empty() {
                let sent = port.send(frames)?;
                frames = frames.get(sent..).unwrap_or_default();
            }
        }
        Ok(())
    }
}

const DATA: u16 = 3;
const ACK: u16 = 4;
const PROTOCOL_AT: usize = ETHERNET + 9;
const UDP: u8 = 17;
/// Where UDP begins: nobody here sends IP options.
const UDP_AT: usize = ETHERNET + 20;
const PAYLOAD_AT: usize = UDP_AT + 8;

/// The TFTP opcode of a frame that may be one.
fn opcode(frame: &[u8]) -> Option<u16> {
    if frame.get(PROTOCOL_AT) != Some(&UDP) {
        return None;
    }
    let opcode = frame.get(PAYLOAD_AT..PAYLOAD_AT + 2)?;
    Some(u16::from_be_bytes(opcode.try_into().ok()?))
}

/// The kernel leaves the checksum to a card, and there is none; a UDP packet may go without.
fn without_checksum(frame: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    if frame.get(PROTOCOL_AT) == Some(&UDP)
        && let Some(sum) = frame.get_mut(UDP_AT + 6..UDP_AT + 8)
    {
        sum.fill(0);
    }
    frame
}

/// What somebody who is not the client, but says he is, could send to the same port of the server:
/// the end of the transfer, a later block, an earlier one, and no TFTP at all.
fn forged(ack: &[u8]) -> Vec<Vec<u8>> {
    let Some(head) = ack.get(..PAYLOAD_AT) else { return Vec::new() };
    let two = |at: usize| head.get(at..at + 2).and_then(|two| two.try_into().ok());
    let four = |at: usize| head.get(at..at + 4).and_then(|four| <[u8; 4]>::try_from(four).ok());
    let (Some(from), Some(to)) = (four(ETHERNET + 12), four(ETHERNET + 16)) else {
        return Vec::new();
    };
    let (Some(port), Some(to_port)) =
        (two(UDP_AT).map(u16::from_be_bytes), two(UDP_AT + 2).map(u16::from_be_bytes))
    else {
        return Vec::new();
    };
    let words: [&[u8]; 4] =
        [b"\0\x05\0\0over\0", b"\0\x04\xff\xff", b"\0\x04\0\0", b"\xff\xff\xff\xff\xff\xff"];
    let forge = |words: &&[u8]| {
        let mut frame = [head, words].concat();
        // Another port: a transfer of nobody.
        frame::headers(&mut frame, (from.into(), port ^ 0x4000), (to.into(), to_port));
        frame
    };
    words.iter().map(forge).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::frame::{Say, write};
    use wire::udp4;

    #[test]
    fn forged_packets_are_well_formed_and_from_another_port() {
        let mut ack = [&write([2; 6], 1, Say::Discover)[..PAYLOAD_AT], &[0, 4, 0, 9]].concat();
        frame::headers(&mut ack, ([10, 80, 0, 2].into(), 2000), ([10, 80, 0, 1].into(), 3000));
        assert_eq!(opcode(&ack), Some(ACK));
        let forged = forged(&ack);
        assert_eq!(forged.len(), 4);
        for frame in forged {
            let packet = udp4::parse(&frame[ETHERNET..]).unwrap();
            assert!(packet.verify_checksum());
            assert_eq!((packet.src.port() ^ 0x4000, packet.dst.port()), (2000, 3000));
        }
        assert_eq!(without_checksum(&ack)[UDP_AT + 6..PAYLOAD_AT], [0, 0]);
    }
}
