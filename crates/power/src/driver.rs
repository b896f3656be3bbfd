//! The ways to switch a machine, by name, and what each must be able to do.
//!
//! In: the name of a driver. Out: which it is, or why there is none. Never: a driver that is a
//! command.

use crate::redfish::RedfishError;
use crate::switch::{BootOnce, BootSet, Outcome, PowerState, Turn};
use crate::wake::WakeError;
use model::text::show;
use std::fmt;
use std::pin::Pin;
use std::str::FromStr;

/// An answer that is waited for.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, PowerError>> + Send + 'a>>;

/// A machine whose power can be switched. Each method is one whole visit: nothing stays open, and
/// two may run at once.
pub trait Power: Send + Sync + fmt::Debug {
    /// Which driver this is.
    fn driver(&self) -> Driver;

    /// Whether the machine is on.
    fn state(&self) -> Pending<'_, PowerState>;

    /// Switches it.
    fn turn(&self, turn: Turn) -> Pending<'_, Outcome>;

    /// Sets what it boots at its next start, once.
    fn boot_once<'a>(&'a self, boot: &'a BootOnce) -> Pending<'a, BootSet>;
}

/// The drivers there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    /// Magic packets: can only switch on, and hears nothing back.
    WakeOnLan,
    /// A BMC that speaks DMTF Redfish.
    Redfish,
}

impl Driver {
    /// The name in commands and settings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WakeOnLan => "wake-on-lan",
            Self::Redfish => "redfish",
        }
    }
}

impl fmt::Display for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a name is no driver.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoDriver {
    /// A command, by whatever name.
    #[error(
        "`{0}` cannot switch a machine: this server never runs a command or a script, because what \
         stands in one would run with the server's rights; use `redfish` or `wake-on-lan`, or let \
         a program of yours follow the server's events"
    )]
    Command(String),
    /// IPMI, which may come.
    #[error(
        "`{0}` is not spoken by this server; BMCs made since about 2016 speak Redfish: use \
         `redfish`, or `wake-on-lan` to switch on only"
    )]
    Ipmi(String),
    /// Anything else.
    #[error("`{0}` is no power driver: use `redfish` or `wake-on-lan`")]
    Unknown(String),
}

impl FromStr for Driver {
    type Err = NoDriver;

    fn from_str(name: &str) -> Result<Self, NoDriver> {
        match name.to_ascii_lowercase().as_str() {
            "wake-on-lan" | "wakeonlan" | "wol" => Ok(Self::WakeOnLan),
            "redfish" => Ok(Self::Redfish),
            "shell" | "sh" | "bash" | "exec" | "command" | "script" | "hook" | "ssh" => {
                Err(NoDriver::Command(show(name.as_bytes())))
            }
            "ipmi" | "ipmitool" | "lan" | "lanplus" => Err(NoDriver::Ipmi(show(name.as_bytes()))),
            _ => Err(NoDriver::Unknown(show(name.as_bytes()))),
        }
    }
}

/// Why a machine was not switched.
#[derive(Debug, thiserror::Error)]
pub enum PowerError {
    /// The operator's wish: not with this driver.
    #[error("{driver} cannot {what}: {why}")]
    Cannot {
        /// Which driver.
        driver: Driver,
        /// What was asked.
        what: String,
        /// Why, and what can.
        why: &'static str,
    },
    /// Magic packets could not be sent.
    #[error(transparent)]
    Wake(#[from] WakeError),
    /// The BMC could not be asked, or refused.
    #[error(transparent)]
    Redfish(#[from] RedfishError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_is_named_and_a_shell_is_refused_in_words() {
        assert_eq!("redfish".parse(), Ok(Driver::Redfish));
        assert_eq!("WoL".parse(), Ok(Driver::WakeOnLan));
        for driver in [Driver::Redfish, Driver::WakeOnLan] {
            assert_eq!(driver.name().parse(), Ok(driver));
        }
        for name in ["shell", "Shell", "sh", "exec", "ssh"] {
            let refused = name.parse::<Driver>().unwrap_err();
            assert_eq!(refused, NoDriver::Command(name.to_owned()));
            assert!(refused.to_string().contains("never runs a command"), "{refused}");
        }
        assert!("ipmi".parse::<Driver>().unwrap_err().to_string().contains("Redfish"));
        let strange = "x\u{1b}[31m".parse::<Driver>().unwrap_err().to_string();
        assert!(strange.contains("redfish") && !strange.contains('\u{1b}'), "{strange}");
    }
}
