//! The kernel's arguments: where the report goes, and what the machine does then.

use model::HardwareAddress;
use std::fmt;
use std::net::Ipv4Addr;

/// What the machine does when the report was taken, or nobody took it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Then {
    /// It starts again, and asks again what to boot.
    #[default]
    Reboot,
    /// It switches itself off.
    PowerOff,
    /// It stays as it is, for somebody to read the screen.
    Wait,
}

impl fmt::Display for Then {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reboot => "restarts",
            Self::PowerOff => "switches itself off",
            Self::Wait => "waits for somebody to switch it off",
        })
    }
}

/// Our server's port for machines.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Server {
    /// Its address. A name would need a resolver, which is not here.
    pub address: Ipv4Addr,
    /// Its port.
    pub port: u16,
}

impl Server {
    /// Reads `http://10.0.0.1`, `http://10.0.0.1:8080/`.
    pub fn read(url: &str) -> Result<Self, String> {
        let wrong = || format!("`{url}` is no address of a server: write http://10.0.0.1[:PORT]");
        let rest = url.strip_prefix("http://").ok_or_else(wrong)?;
        let rest = rest.trim_end_matches('/');
        let (address, port) = match rest.split_once(':') {
            Some((address, port)) => (address, port.parse().map_err(|_| wrong())?),
            None => (rest, 80),
        };
        Ok(Self { address: address.parse().map_err(|_| wrong())?, port })
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            80 => write!(f, "http://{}", self.address),
            port => write!(f, "http://{}:{port}", self.address),
        }
    }
}

/// What stands in the kernel's arguments for us.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Settings {
    /// `bootwright.server`.
    pub server: Option<Server>,
    /// `BOOTIF`: the card that the machine booted from.
    pub card: Option<HardwareAddress>,
    /// `bootwright.then`.
    pub then: Then,
    /// What was not understood, in words.
    pub wrong: Vec<String>,
}

impl Settings {
    /// Reads `/proc/cmdline`. What cannot be read is said, and the rest holds.
    pub fn read(text: &str) -> Self {
        let mut settings = Self::default();
        for word in text.split_whitespace() {
            let Some((key, value)) = word.split_once('=') else { continue };
            match key {
                "bootwright.server" => match Server::read(value) {
                    Ok(server) => settings.server = Some(server),
                    Err(wrong) => settings.wrong.push(wrong),
                },
                // PXELINUX's way of writing: hardware type, then the address, all with dashes.
                "BOOTIF" => match value.strip_prefix("01-").unwrap_or(value).parse() {
                    Ok(card) => settings.card = Some(card),
                    Err(_) => {
                        settings.wrong.push(format!("BOOTIF={value} is no address of a card"));
                    }
                },
                "bootwright.then" => match value {
                    "reboot" => settings.then = Then::Reboot,
                    "poweroff" => settings.then = Then::PowerOff,
                    "wait" => settings.then = Then::Wait,
                    _ => settings.wrong.push(format!(
                        "bootwright.then={value} means nothing: write reboot, poweroff or wait"
                    )),
                },
                _ => {}
            }
        }
        settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_say_where_to_and_what_then() {
        let settings = Settings::read(
            "BOOT_IMAGE=linux console=ttyS0 bootwright.server=http://10.0.0.1:8080 quiet \
             BOOTIF=01-52-54-00-77-00-01 bootwright.then=poweroff\n",
        );
        assert_eq!(
            settings.server,
            Some(Server { address: Ipv4Addr::new(10, 0, 0, 1), port: 8080 })
        );
        assert_eq!(settings.card.map(|c| c.to_string()).as_deref(), Some("52:54:00:77:00:01"));
        assert_eq!(settings.then, Then::PowerOff);
        assert!(settings.wrong.is_empty());
    }

    #[test]
    fn what_is_not_understood_is_said_and_the_rest_holds() {
        let settings = Settings::read(
            "bootwright.server=https://x bootwright.then=explode BOOTIF=nonsense \
             bootwright.server=http://10.0.0.2/",
        );
        assert_eq!(settings.wrong.len(), 3, "{:?}", settings.wrong);
        assert_eq!(settings.server.map(|s| s.to_string()).as_deref(), Some("http://10.0.0.2"));
        assert_eq!(settings.then, Then::Reboot);
    }

    #[test]
    fn a_server_is_an_address_and_perhaps_a_port() {
        for wrong in ["10.0.0.1", "http://", "http://host", "http://10.0.0.1:99999", "http://[::1]"]
        {
            assert!(Server::read(wrong).is_err(), "{wrong}");
        }
    }
}
