//! `./x bench tftp`, `http`, `storm` and `transfers`: files, ours beside the servers people use, in
//! turns.
//!
//! In: how many rounds, or machines. Out: tables on stdout, pictures in `target/bench`. Never: a
//! process, namespace or control group that stays.
//!
//! ```text
//! server namespace ── eth0 ═══ eth0 ── client namespace
//!  bootwright │ dnsmasq │ tftpd-hpa       atftp │ wrk │ lab::storm
//!  atftpd │ nginx
//! ```

pub mod grid;
pub mod http;
pub mod plot;
pub mod servers;
pub mod shelf;
pub mod sources;
pub mod storm;
pub mod tftp;
pub mod transfers;

/// Both ends of the cable.
pub const SERVER: &str = "10.80.0.1/16";
/// See [`SERVER`].
pub const CLIENT: &str = "10.80.0.2/16";
/// The server's address, as clients name it.
pub const SERVER_ADDRESS: &str = "10.80.0.1";
/// Where pictures go, from where `./x` runs us.
pub(crate) const PICTURES: &str = "target/bench";
pub(crate) const MIB: f64 = 1024.0 * 1024.0;

/// Of `count` servers the first one in this round, and those after it: the order turns, so that a
/// machine that grows slower is nobody's fault.
pub(crate) fn turns(count: usize, round: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |at| (at + round) % count)
}

#[cfg(test)]
mod tests {
    use super::turns;

    #[test]
    fn everybody_has_a_turn_and_another_begins_each_round() {
        assert_eq!(turns(3, 0).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(turns(3, 4).collect::<Vec<_>>(), [1, 2, 0]);
    }
}
