//! `[admin]`: where operators reach us.

use super::super::fault::Fault;
use super::super::raw::Raw;
use super::super::{Admin, DEFAULT_ADMIN};

/// More names than this are a mistake in the file.
const HOSTS_MAX: usize = 64;

/// Where the operators' port is opened, and which names it answers to.
pub(super) fn admin(raw: &Raw, note: &impl Fn(Fault)) -> Admin {
    let listen = raw.admin_listen.as_ref().map_or(Some(DEFAULT_ADMIN), |at| at.value);
    let hosts = super::list(raw.admin_hosts.as_ref());
    if let Some(one_more) = hosts.get(HOSTS_MAX) {
        note(Fault::new(one_more.at.clone(), format!("more than {HOSTS_MAX} hosts")));
    }
    let asked = raw.admin_listen.is_some();
    Admin { listen, asked, hosts: hosts.iter().map(|at| at.value.clone()).collect() }
}
