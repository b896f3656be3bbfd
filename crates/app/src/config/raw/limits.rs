//! What keeps one machine, one network or all of them from taking everything: `[tftp]`, `[limits]`,
//! and the connections of `[http]`.
//!
//! In: their tables. Out: [`RawLimits`]. Never: two keys compared.

use super::super::reader::{At, Section};
use super::rate;

/// More than this is no limit, but a mistake: the system has not so many descriptors.
const MANY: u64 = 1_000_000;
/// Ports below are other services'.
const PORT_MIN: u16 = 1024;

/// Limits as they are written.
#[derive(Debug, Default)]
pub struct RawLimits {
    /// `tftp.windowsize_max`
    pub windowsize_max: Option<At<u64>>,
    /// `tftp.blksize_max`
    pub blksize_max: Option<At<u64>>,
    /// `tftp.single_port`
    pub single_port: Option<At<bool>>,
    /// `tftp.ports`
    pub ports: Option<At<(u16, u16)>>,
    /// `tftp.transfers_max`
    pub transfers_max: Option<At<u64>>,
    /// `tftp.transfers_per_source`
    pub transfers_per_source: Option<At<u64>>,
    /// `http.connections_max`
    pub connections_max: Option<At<u64>>,
    /// `http.connections_per_source`
    pub connections_per_source: Option<At<u64>>,
    /// `limits.total`
    pub total: Option<At<u64>>,
    /// `limits.machine`
    pub machine: Option<At<u64>>,
}

pub(super) fn tftp(mut section: Section<'_>, into: &mut RawLimits) {
    into.windowsize_max = section.number("windowsize_max", 1..=65_535);
    // The default size must stay possible (RFC 1350): whoever asks for nothing gets 512.
    into.blksize_max = section.number("blksize_max", 512..=65_464);
    into.single_port = section.flag("single_port");
    into.ports = section.meant("ports", ports);
    into.transfers_max = section.number("transfers_max", 1..=MANY);
    into.transfers_per_source = section.number("transfers_per_source", 1..=MANY);
    section.finish();
}

pub(super) fn http(section: &mut Section<'_>, into: &mut RawLimits) {
    into.connections_max = section.number("connections_max", 1..=MANY);
    into.connections_per_source = section.number("connections_per_source", 1..=MANY);
}

pub(super) fn rates(mut section: Section<'_>, into: &mut RawLimits) {
    into.total = section.meant("total", rate::parse);
    into.machine = section.meant("machine", rate::parse);
    section.finish();
}

/// `40000-40999`
fn ports(text: &str) -> Result<(u16, u16), String> {
    let wrong = || {
        let shown = model::text::show(text.as_bytes());
        format!("`{shown}` is no range of ports: write it like \"40000-40999\"")
    };
    let (first, last) = text.split_once('-').ok_or_else(wrong)?;
    let port = |text: &str| text.trim().parse::<u16>().map_err(|_| wrong());
    let (first, last) = (port(first)?, port(last)?);
    if first < PORT_MIN {
        return Err(format!("`ports` begins with {PORT_MIN} at least: those below are taken"));
    }
    if last < first {
        return Err(format!("`{first}-{last}` ends before it begins"));
    }
    Ok((first, last))
}
