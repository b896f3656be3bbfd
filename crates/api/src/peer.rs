//! Who is at the other end of the Unix socket, and what they may do.
//!
//! The kernel says it (SO_PEERCRED), so nothing that the peer sends counts.

use crate::Problem;
use nix::unistd::{Gid, Group, Uid, User};
use tokio::net::unix::UCred;

/// Members of this group are operators.
pub const GROUP: &str = "bootwright";

/// Who an operator is: his name on this host.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Operator(pub String);

/// The operator at the other end; if it is none, the answer it gets.
pub fn admit(peer: &UCred) -> Result<Operator, Problem> {
    let uid = Uid::from_raw(peer.uid());
    let who = match User::from_uid(uid) {
        Ok(Some(user)) => user.name,
        _ => format!("user number {uid}"),
    };
    if uid.is_root() || uid == Uid::effective() || is_member(uid, Gid::from_raw(peer.gid())) {
        return Ok(Operator(who));
    }
    Err(Problem::forbidden(format!("{who} is no operator of this server"))
        .hint(format!("run it as root, or join the group: usermod -aG {GROUP} {who}")))
}

/// Whether a user belongs to [`GROUP`], by its group of the moment or by the group database.
fn is_member(uid: Uid, gid: Gid) -> bool {
    let Ok(Some(group)) = Group::from_name(GROUP) else {
        return false;
    };
    let by_name = || match User::from_uid(uid) {
        Ok(Some(user)) => user.gid == group.gid || group.mem.contains(&user.name),
        _ => false,
    };
    gid == group.gid || by_name()
}
