//! DHCPv6 servers of a link: what they tell machines, and whether that harms.

use super::{Heard, Server};
use crate::{Code, Finding};
use model::text::show;
use model::url::host_of_ipv6;

/// What follows of one server by itself.
pub(super) fn judge(heard: &Heard, server: &Server) -> Vec<Finding> {
    let link = &heard.interface;
    let mut findings = vec![boots(heard, server)];
    findings.extend(binl(link, server));
    findings.extend(urls(link, server));
    findings
}

/// `fe80::2 (02:00:00:00:00:02): addresses; DNS fd77::53; PXE with tftp://[fd77::9]/a.efi`
pub(super) fn sent(server: &Server) -> String {
    let mut parts = vec![gives(server).to_owned()];
    parts.extend(dns(server));
    parts.extend(named(server).map(|(what, url)| format!("{what} with {}", show(url))));
    format!("{} ({}): {}", server.address, server.mac, parts.join("; "))
}

fn gives(server: &Server) -> &'static str {
    if server.offers_address { "addresses" } else { "settings" }
}

/// Whom it has machines ask for names (option 23).
fn dns(server: &Server) -> Option<String> {
    let all: Vec<String> = server.dns.iter().map(ToString::to_string).collect();
    (!all.is_empty()).then(|| format!("DNS {}", all.join(", ")))
}

/// The URLs that it names (option 59), with whom for.
fn named(server: &Server) -> impl Iterator<Item = (&'static str, &[u8])> {
    let both = [("PXE", &server.pxe_url[..]), ("HTTP Boot", &server.http_url[..])];
    both.into_iter().filter(|(_, url)| !url.is_empty())
}

/// What it would have which firmware boot, and whether that leads machines away from us.
fn boots(heard: &Heard, server: &Server) -> Finding {
    let Server { address, mac, .. } = server;
    let dns = dns(server).map(|dns| format!(", {dns}")).unwrap_or_default();
    let who = format!(
        "{}: DHCPv6 server {address} ({mac}) gives {}{dns}",
        heard.interface,
        gives(server)
    );
    let urls: Vec<String> =
        named(server).map(|(what, url)| format!("{what} with {}", show(url))).collect();
    if urls.is_empty() {
        return Finding::good(format!("{who} and no boot file"));
    }
    let what = format!("{who} and would boot {}", urls.join("; "));
    let is_ours = |url: &[u8]| host_of_ipv6(url).is_some_and(|host| heard.own.contains(&host));
    if named(server).all(|(_, url)| is_ours(url)) {
        return Finding::good(format!("{what}, which is ours"));
    }
    if heard.expected.contains(address) {
        return Finding::good(format!("{what}, as was declared"));
    }
    let why = match heard.ours.as_ref().is_some_and(|ours| !ours.relayed) {
        true => {
            "we answer there, too, and firmware takes what comes first: machines boot some from us and \
             some from it"
        }
        false => "firmware that tries IPv6 before IPv4 boots from it and never asks us",
    };
    Finding::note(
        Code::Boot6,
        what,
        why,
        "if that is not meant: remove its boot file (options 59 and 60), or put IPv4 first in the \
         machines' boot order",
    )
    .seen(vec![sent(server)])
}

fn binl(link: &str, server: &Server) -> Option<Finding> {
    let Server { address, mac, .. } = server;
    server.says_pxe.then(|| {
        Finding::note(
            Code::Boot6Binl,
            format!("{link}: DHCPv6 server {address} ({mac}) says PXEClient (option 16)"),
            "EDK2 then asks it once more on port 4011 before it boots, and stops if nobody answers \
             there",
            "have it send the URL (option 59) without option 16",
        )
    })
}

/// What firmware does with a URL that it cannot take: nothing, without a word.
fn urls(link: &str, server: &Server) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut odd = |url: &[u8], why: &str, mend: &str| {
        let what = format!("{link}: DHCPv6 server {} names {}", server.address, show(url));
        findings.push(Finding::note(Code::Boot6Url, what, why, mend));
    };
    if !server.pxe_url.is_empty() && !server.pxe_url.starts_with(b"tftp://") {
        odd(
            &server.pxe_url,
            "PXE over IPv6 takes tftp:// URLs alone, in small letters",
            "for PXE: tftp://[ADDRESS]/FILE; for HTTP Boot answer HTTPClient only",
        );
    }
    // Servers that know PXE alone give its URL to everybody.
    if server.http_url.starts_with(b"http") && !server.says_http {
        odd(
            &server.http_url,
            "EDK2 takes it only from a server that says HTTPClient (option 16)",
            "have the server send option 16 with HTTPClient to HTTP Boot clients",
        );
    }
    findings
}
