//! Wake-on-LAN: a machine switched on by a packet that its sleeping network card knows.
//!
//! ```text
//! MAC, SecureOn password ─packet─▶ 102 to 108 bytes ─way─┬─▶ UDP 9, broadcast out of an interface
//!                                                        ├─▶ UDP 9, directed broadcast of a far link
//!                                                        └─▶ Ethernet 0x0842, without IP
//! ```
//!
//! In: who, by which ways, when. Out: packets sent, or why not. Never: knowledge whether the
//! machine woke: nothing answers a magic packet.

mod error;
mod ethernet;
mod packet;
mod way;

pub use error::WakeError;
pub use ethernet::Ethernet;
pub use packet::{SecureOn, magic_packet};
pub use way::{PORT, Way, directed_broadcast};

use crate::driver::{Driver, Pending, Power, PowerError};
use crate::switch::{BootOnce, BootSet, Outcome, PowerState, Turn};
use model::HardwareAddress;
use std::time::Duration;

/// Most ways for one machine.
pub const WAYS_MAX: usize = 16;
/// Most times that packets are sent for one wake.
pub const TIMES_MAX: usize = 10;
/// The longest pause between two sends.
pub const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Sends now, after a tenth of a second and after a second: a card that has just gone to sleep may
/// miss the first, and a switch that must learn a port may drop it.
pub const PAUSES_USUAL: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(900)];

/// A machine that wakes by magic packets.
#[derive(Debug)]
pub struct WakeOnLan {
    machine: HardwareAddress,
    packet: Vec<u8>,
    ways: Vec<Way>,
    pauses: Vec<Duration>,
}

/// What was sent to wake a machine.
#[derive(Debug)]
#[must_use]
pub struct Woken {
    /// How many packets left.
    pub sent: usize,
    /// What went wrong on some ways while others worked.
    pub failed: Vec<WakeError>,
}

impl WakeOnLan {
    /// A machine, the ways to it, and the pauses between sends: as many sends as pauses, and one.
    ///
    /// # Errors
    /// When the address is none of one machine, or there are no ways, too many ways or sends, or
    /// too long pauses.
    pub fn new(
        machine: HardwareAddress,
        password: Option<&SecureOn>,
        ways: Vec<Way>,
        pauses: &[Duration],
    ) -> Result<Self, WakeError> {
        let packet = magic_packet(packet::station(machine)?, password);
        if ways.is_empty() || ways.len() > WAYS_MAX {
            return Err(WakeError::Ways { count: ways.len() });
        }
        if pauses.len() >= TIMES_MAX || pauses.iter().any(|pause| *pause > PAUSE_MAX) {
            return Err(WakeError::Pauses { count: pauses.len() });
        }
        Ok(Self { machine, packet, ways, pauses: pauses.to_vec() })
    }

    /// Sends on every way, then again after each pause.
    ///
    /// # Errors
    /// When not one packet could be sent; the first reason of each way.
    pub async fn wake(&self) -> Result<Woken, WakeError> {
        let mut woken = Woken { sent: 0, failed: Vec::new() };
        self.send(&mut woken);
        for pause in &self.pauses {
            tokio::time::sleep(*pause).await;
            self.send(&mut woken);
        }
        if woken.sent == 0 {
            return Err(WakeError::Nothing {
                machine: self.machine,
                why: woken.failed.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
            });
        }
        Ok(woken)
    }

    /// Once on every way. A way that fails twice for the same reason is told once.
    fn send(&self, woken: &mut Woken) {
        for way in &self.ways {
            match way.send(&self.packet) {
                Ok(()) => woken.sent = woken.sent.saturating_add(1),
                Err(cause) => {
                    let words = cause.to_string();
                    if woken.failed.iter().all(|known| known.to_string() != words) {
                        woken.failed.push(cause);
                    }
                }
            }
        }
    }

    fn cannot<T>(what: impl Into<String>) -> Result<T, PowerError> {
        let why = "a magic packet can only switch on, and nothing answers it; give the machine's \
                   BMC (driver `redfish`) for the rest";
        Err(PowerError::Cannot { driver: Driver::WakeOnLan, what: what.into(), why })
    }
}

impl Power for WakeOnLan {
    fn driver(&self) -> Driver {
        Driver::WakeOnLan
    }

    fn state(&self) -> Pending<'_, PowerState> {
        Box::pin(async { Self::cannot("tell whether a machine is on") })
    }

    fn turn(&self, turn: Turn) -> Pending<'_, Outcome> {
        Box::pin(async move {
            if turn != Turn::On {
                return Self::cannot(turn.name());
            }
            let _some_left = self.wake().await?;
            Ok(Outcome::Sent)
        })
    }

    fn boot_once<'a>(&'a self, _: &'a BootOnce) -> Pending<'a, BootSet> {
        Box::pin(async { Self::cannot("choose what a machine boots") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const MACHINE: HardwareAddress = HardwareAddress::mac([0x52, 0x54, 0, 0, 0, 1]);

    fn far() -> Vec<Way> {
        vec![Way::directed(Ipv4Addr::new(10, 80, 0, 255)).unwrap()]
    }

    #[test]
    fn what_cannot_work_is_refused_before_anything_is_sent() {
        let new = |machine, ways, pauses: &[Duration]| {
            WakeOnLan::new(machine, None, ways, pauses).map(drop).unwrap_err().to_string()
        };
        assert!(new(HardwareAddress::mac([0xff; 6]), far(), &[]).contains("ff:ff:ff:ff:ff:ff"));
        assert!(new(HardwareAddress::mac([0; 6]), far(), &[]).contains("00:00:00"));
        assert!(new(HardwareAddress::mac([1, 0, 0x5e, 0, 0, 1]), far(), &[]).contains("group"));
        assert!(new(HardwareAddress::new(32, &[1; 16]), far(), &[]).contains("Ethernet"));
        assert!(new(MACHINE, Vec::new(), &[]).contains("no way"));
        assert!(new(MACHINE, far(), &[Duration::ZERO; TIMES_MAX]).contains("10 times"));
        assert!(new(MACHINE, far(), &[Duration::from_secs(61)]).contains("60 s"));
        assert!(WakeOnLan::new(MACHINE, None, far(), &[Duration::ZERO; TIMES_MAX - 1]).is_ok());
    }

    #[tokio::test]
    async fn only_on_can_be_asked() {
        let machine = WakeOnLan::new(MACHINE, None, far(), &[]).unwrap();
        for turn in [Turn::ForceOff, Turn::PowerCycle] {
            let refused = machine.turn(turn).await.unwrap_err().to_string();
            assert!(refused.starts_with(&format!("wake-on-lan cannot {turn}: ")), "{refused}");
        }
        assert!(machine.state().await.unwrap_err().to_string().contains("redfish"));
        let boot = BootOnce::from(crate::BootTarget::Pxe);
        assert!(machine.boot_once(&boot).await.unwrap_err().to_string().contains("redfish"));
    }
}
