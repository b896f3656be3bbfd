//! Real clients against the real server, each in a network namespace of its own.
//!
//! Run by `./x test`, as root. Nothing here looks inside the server: what counts
//! is what Debian's own DHCP, TFTP and HTTP clients make of its answers, what a capture of the link
//! shows, and what an operator is told.
//!
//! ```text
//! dhcp      udhcpc, dhclient, dhcpcd: get, renew, release, and what a power failure may not lose
//! dhcp6     dhcpcd and systemd-networkd on a link without IPv4
//! files     atftp, curl, busybox tftp, tftp-hpa: the bytes of an image and of a loader
//! beside    another DHCP server on the link, or on this very host: it never notices us
//! dns       dig and delv: names of leases within a second, over UDP and TCP
//! publish   names at BIND and Knot: with a lease, with its end, and whatever fails between
//! doctor    whom `doctor` names beside real servers, and whom it leaves alone
//! others    a second dnsmasq is a rogue, or declared; listening only, beside the dnsmasq that answers
//! others6   the same over IPv6, beside the Kea that answers dhclient, and a home router that nobody asked for
//! load      killed again and again under load; every ACK after its sync, as strace sees it
//! network   loss, copies, disorder and forged packets on a real link: the same bytes, no more packets
//! cloud_init  cloud-init's reader takes the answers of an autoinstall image
//! secrets   answer files: races for a token, kills, strangers, and a search for what must not be found
//! operator  the command line as scripts rely on it
//! world     the link, the server and the clients all of them use
//! ```

#[path = "peers/beside.rs"]
mod beside;
#[path = "peers/client.rs"]
mod client;
#[path = "peers/cloud_init.rs"]
mod cloud_init;
#[path = "peers/dhcp.rs"]
mod dhcp;
#[path = "peers/dhcp6.rs"]
mod dhcp6;
#[path = "peers/dns.rs"]
mod dns;
#[path = "peers/doctor.rs"]
mod doctor;
#[path = "peers/files.rs"]
mod files;
#[path = "peers/load.rs"]
mod load;
#[path = "peers/network.rs"]
mod network;
#[path = "peers/operator.rs"]
mod operator;
#[path = "peers/others.rs"]
mod others;
#[path = "peers/others6.rs"]
mod others6;
#[path = "peers/publish.rs"]
mod publish;
#[path = "peers/secrets.rs"]
mod secrets;
#[path = "peers/web.rs"]
mod web;
#[path = "peers/world.rs"]
mod world;
