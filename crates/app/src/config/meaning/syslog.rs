//! `[syslog]`: whether installers' logs are taken, and where.

use super::super::fault::Fault;
use super::super::raw::Raw;
use super::super::reader::At;

/// Ports on which others of our services are asked over UDP.
const TAKEN: [(u16, &str); 3] = [(67, "DHCP"), (69, "TFTP"), (4011, "proxyDHCP")];

/// The port; none takes no logs.
pub(super) fn port(raw: &Raw, notes: &mut Vec<String>, note: &impl Fn(Fault)) -> Option<u16> {
    let Some(At { value: port, at }) = raw.syslog.as_ref()? else {
        let text = "[syslog] without `port`: no logs are taken; port = 514 takes them";
        notes.push(text.to_owned());
        return None;
    };
    let hint = "installers send their logs to port 514";
    if let Some((_, service)) = TAKEN.iter().find(|(taken, _)| taken == port) {
        let what = format!("{service} has UDP port {port} already");
        note(Fault::new(at.clone(), what).hint(hint));
    }
    if let Some(At { value: (first, last), .. }) = &raw.limits.ports
        && (first..=last).contains(&port)
    {
        let what = format!("port {port} is one of `ports` in [tftp]");
        note(Fault::new(at.clone(), what).hint(hint));
    }
    Some(*port)
}
