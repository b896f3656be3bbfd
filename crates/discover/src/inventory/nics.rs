//! Network cards, by `/sys/class/net`.

use super::Root;
use model::hardware::Nic;

/// `ARPHRD_ETHER` of the kernel.
const ETHERNET: u64 = 1;

/// All Ethernet cards, in the order of their names: not bridges, bonds, VLANs, tunnels, radios.
pub(super) fn read(root: &Root) -> Vec<Nic> {
    let names = root.names("sys/class/net").into_iter();
    names.filter_map(|name| nic(root, name)).collect()
}

fn nic(root: &Root, name: String) -> Option<Nic> {
    let at = format!("sys/class/net/{name}");
    let file = |file: &str| format!("{at}/{file}");
    let real = root.exists(&file("device")) && root.number(&file("type")) == Some(ETHERNET);
    if !real || root.exists(&file("wireless")) {
        return None;
    }
    // Both cannot be read while the card is switched off.
    let link = root.number(&file("carrier")).map(|carrier| carrier == 1);
    let speed = root.number(&file("speed")).and_then(|speed| u32::try_from(speed).ok());
    Some(Nic {
        mac: root.line(&file("address")).and_then(|mac| mac.parse().ok()),
        driver: root.leads_to(&file("device/driver")),
        speed_mbit: speed.filter(|_| link == Some(true)),
        link,
        name,
    })
}
