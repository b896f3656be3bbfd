//! On a link without IPv4: addresses by DHCPv6, router advertisements, TFTP and HTTP over IPv6.

use super::{Mode, Tried, boots_the_installer};
use lab::rig::guest::Firmware;

#[test]
#[ignore = "real firmware under QEMU, as root: `./x test` runs it"]
fn ovmf_pxe_boots_the_installer_over_ipv6() -> Tried {
    boots_the_installer(Firmware::OvmfIpv6, Mode::Ipv6)
}

#[test]
#[ignore = "real firmware under QEMU, as root: `./x test` runs it"]
fn ovmf_http_boots_the_installer_over_ipv6() -> Tried {
    boots_the_installer(Firmware::OvmfHttp, Mode::Ipv6)
}
