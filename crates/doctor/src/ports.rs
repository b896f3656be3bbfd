//! Who has the ports that machines ask.

use crate::{Code, Finding};

/// Transport protocols.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum By {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
}

/// What a port is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum For {
    /// DHCP. Heard on packet sockets, beside anybody and past every firewall of this host.
    Dhcp,
    /// proxyDHCP; as DHCP.
    ProxyDhcp,
    /// DHCPv6; heard on a socket as TFTP is.
    Dhcp6,
    /// TFTP.
    Tftp,
    /// The machines' HTTP port.
    Http,
    /// The same with TLS.
    Https,
    /// Installers' logs.
    Syslog,
    /// Names.
    Dns,
}

impl For {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Dhcp => "DHCP",
            Self::ProxyDhcp => "proxyDHCP",
            Self::Dhcp6 => "DHCPv6",
            Self::Tftp => "TFTP",
            Self::Http => "HTTP",
            Self::Https => "HTTPS",
            Self::Syslog => "syslog",
            Self::Dns => "DNS",
        }
    }

    /// It is heard on packet sockets.
    #[must_use]
    pub fn is_packets(self) -> bool {
        matches!(self, Self::Dhcp | Self::ProxyDhcp)
    }
}

/// One port, with who has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Port {
    /// By UDP or TCP.
    pub by: By,
    /// Its number.
    pub number: u16,
    /// What for.
    pub what: For,
    /// Who has it; several may, each on an address of its own.
    pub holders: Vec<Holder>,
    /// The process of our server, if it runs.
    pub ours: Option<u32>,
}

/// One socket on a port.
#[derive(Clone, Debug, PartialEq)]
pub struct Holder {
    /// Where: `0.0.0.0`.
    pub address: String,
    /// Name and number of its process, where we may see it.
    pub process: Option<(String, u32)>,
    /// Who started that, where its command line tells.
    pub made_by: Option<Maker>,
}

/// Programs that start servers of their own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Maker {
    /// libvirt's networks have a dnsmasq each.
    Libvirt,
    /// So have LXD's and Incus's.
    Lxd,
    /// And shared connections of NetworkManager.
    NetworkManager,
    /// Android emulators, Waydroid and the like.
    Waydroid,
}

impl Maker {
    /// Who started a process with this command line.
    #[must_use]
    pub fn of(command_line: &str) -> Option<Self> {
        let has = |word: &str| command_line.contains(word);
        if has("/libvirt/") {
            Some(Self::Libvirt)
        } else if has("/lxd/") || has("/incus/") {
            Some(Self::Lxd)
        } else if has("NetworkManager") || has("nm-dnsmasq") {
            Some(Self::NetworkManager)
        } else if has("waydroid") {
            Some(Self::Waydroid)
        } else {
            None
        }
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Libvirt => (
                "of a network of libvirt",
                "virsh net-list; virsh net-destroy NAME; virsh net-autostart NAME --disable",
            ),
            Self::Lxd => (
                "of a network of LXD or Incus",
                "incus network list; incus network set NAME ipv4.dhcp=false",
            ),
            Self::NetworkManager => (
                "of a shared connection of NetworkManager",
                "nmcli connection show; nmcli connection modify NAME ipv4.method auto",
            ),
            Self::Waydroid => ("of Waydroid", "waydroid session stop"),
        }
    }
}

impl Holder {
    /// `dnsmasq (process 812), of a network of libvirt, on 192.168.122.1`
    fn shown(&self) -> String {
        let who = match &self.process {
            Some((name, id)) => {
                format!("{} (process {id})", model::text::show(name.as_bytes()))
            }
            None => "a process we may not look into".to_owned(),
        };
        let by = self.made_by.map(|maker| format!(", {},", maker.words().0)).unwrap_or_default();
        format!("{who}{by} on {}", self.address)
    }

    fn mend(&self, port: u16) -> String {
        match (&self.process, self.made_by) {
            (_, Some(maker)) => maker.words().1.to_owned(),
            (Some((name, _)), None) if name == "systemd-resolve" => {
                "DNSStubListener=no in /etc/systemd/resolved.conf; systemctl restart \
                 systemd-resolved"
                    .to_owned()
            }
            (Some((_, id)), None) => {
                format!("see what it is: ps {id}; stop it, or have it use another port")
            }
            (None, None) => format!("see who it is, as root: ss -lpn 'sport = :{port}'"),
        }
    }
}

/// What follows for one.
#[must_use]
pub fn judge(port: &Port) -> Finding {
    let is_ours =
        |holder: &&Holder| holder.process.as_ref().is_some_and(|(_, pid)| Some(*pid) == port.ours);
    let (own, other): (Vec<&Holder>, Vec<&Holder>) = port.holders.iter().partition(is_ours);
    let by = if port.by == By::Udp { "UDP" } else { "TCP" };
    let name = format!("{by} port {} ({})", port.number, port.what.name());
    let Some(first) = other.first() else {
        return Finding::good(match (own.is_empty(), port.ours) {
            (false, _) => format!("{name} is ours"),
            (true, None) => format!("{name} is free"),
            // DHCP is heard on packet sockets, which no table of ports shows.
            (true, Some(_)) => format!("{name} is held by nobody else"),
        });
    };
    let who = format!("{name} is held by {}", first.shown());
    let mend = first.mend(port.number);
    let other_port = |key: &str| format!("{mend}; or choose another for ours: {key}");
    match (port.what, port.ours) {
        // Without the right to look, our own server may be the one.
        (_, Some(_)) if first.process.is_none() => {
            let why = "it may be our server; only root sees that";
            Finding::note(Code::PortUnseen, who, why, mend)
        }
        (For::Dhcp | For::ProxyDhcp, _) => Finding::note(
            Code::PortShared,
            who,
            "a DHCP server on this host: we hear machines beside it, but must not give addresses \
             on its links",
            mend,
        ),
        (For::Dhcp6, _) => {
            let why = "machines ask for IPv6 addresses there, and where another program has it we \
                       hear none of them";
            Finding::bad(Code::PortTaken, who, why, mend)
        }
        (For::Tftp, _) => {
            let why = "firmware fetches its bootloader there, and from no other port";
            Finding::bad(Code::PortTaken, who, why, mend)
        }
        (_, Some(_)) => {
            let why = "on another address than ours it does no harm";
            Finding::note(Code::PortShared, who, why, mend)
        }
        (For::Syslog, None) => {
            let why = "installers send their logs there";
            Finding::bad(Code::PortTaken, who, why, other_port("[syslog] port"))
        }
        (For::Dns, None) => {
            let why = "names are to be answered there, and machines ask no other port";
            let mend = format!("{mend}; or leave names to it: take [dns] out of the configuration");
            Finding::bad(Code::PortTaken, who, why, mend)
        }
        (For::Https, None) => {
            let why = "machines with HTTPS fetch there";
            Finding::bad(Code::PortTaken, who, why, other_port("[http] tls_port"))
        }
        (For::Http, None) => {
            let why = "machines fetch kernels and images there";
            Finding::bad(Code::PortTaken, who, why, other_port("[http] port"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Grade;

    fn port(what: For, holders: &[(&str, u32, &str)], ours: Option<u32>) -> Finding {
        let by = if matches!(what, For::Http | For::Https) { By::Tcp } else { By::Udp };
        let holders = holders
            .iter()
            .map(|(name, id, line)| Holder {
                address: "0.0.0.0".to_owned(),
                process: (*id > 0).then(|| ((*name).to_owned(), *id)),
                made_by: Maker::of(line),
            })
            .collect();
        judge(&Port { by, number: 69, what, holders, ours })
    }

    #[test]
    fn a_port_is_free_or_ours_or_somebody_elses() {
        assert_eq!(port(For::Tftp, &[], None).what, "UDP port 69 (TFTP) is free");
        assert!(port(For::Tftp, &[("bootwright", 7, "")], Some(7)).what.ends_with("is ours"));
        let taken = port(For::Tftp, &[("in.tftpd", 9, "")], Some(7));
        assert_eq!((taken.code, taken.grade), (Code::PortTaken, Grade::Bad));
        assert!(taken.what.contains("in.tftpd (process 9)") && taken.mend.contains("ps 9"));
        let dhcp6 = port(For::Dhcp6, &[("kea-dhcp6", 9, "")], Some(7));
        assert_eq!((dhcp6.code, dhcp6.grade), (Code::PortTaken, Grade::Bad));
        let http = port(For::Http, &[("nginx", 9, "")], None);
        assert_eq!((http.code, http.grade), (Code::PortTaken, Grade::Bad));
        assert!(http.mend.contains("[http] port"), "{http:?}");
        let beside = port(For::Http, &[("nginx", 9, "")], Some(7));
        assert_eq!((beside.code, beside.grade), (Code::PortShared, Grade::Note));
        let names = port(For::Dns, &[("systemd-resolve", 9, "")], None);
        assert_eq!((names.code, names.grade), (Code::PortTaken, Grade::Bad));
        assert!(names.mend.contains("DNSStubListener=no"), "{names:?}");
        assert!(names.mend.contains("take [dns] out"), "{names:?}");
        let unseen = port(For::Http, &[("", 0, "")], Some(7));
        assert_eq!((unseen.code, unseen.grade), (Code::PortUnseen, Grade::Note));
    }

    #[test]
    fn a_dnsmasq_is_named_by_who_started_it() {
        let line = "/usr/sbin/dnsmasq --conf-file=/var/lib/libvirt/dnsmasq/default.conf";
        let found = port(For::Dhcp, &[("dnsmasq", 9, line)], None);
        assert_eq!((found.code, found.grade), (Code::PortShared, Grade::Note));
        assert!(found.what.contains("of a network of libvirt"), "{found:?}");
        assert!(found.mend.contains("virsh net-destroy"), "{found:?}");
        let lxd = port(For::Dhcp, &[("dnsmasq", 9, "dnsmasq --pid-file=/var/lib/incus/x")], None);
        assert!(lxd.mend.contains("incus network set"), "{lxd:?}");
        assert_eq!(Maker::of("dnsmasq --conf-file=/etc/dnsmasq.conf"), None);
    }
}
