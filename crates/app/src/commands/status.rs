//! `status`: the running server at a glance.

use crate::cli::Json;
use crate::failure::Failure;
use crate::say;
use api::Client;
use api::types::{Status, TlsStatus};

/// Shows it.
pub async fn run(client: &Client, json: Json) -> Result<(), Failure> {
    let status: Status = client.get("/status").await?;
    if json.json {
        return say::json(&status);
    }
    let config = status.config.as_ref().map_or("none".to_owned(), |c| c.display().to_string());
    say::card(&[
        (
            "server",
            format!(
                "{} (bootwright {}, process {})",
                status.server_name, status.version, status.pid
            ),
        ),
        ("since", status.started.clone()),
        ("state", status.state.display().to_string()),
        ("config", config),
        ("http port", status.http_port.to_string()),
        ("https", status.tls.as_ref().map_or(String::new(), in_a_line)),
        ("images", status.images.to_string()),
        ("bootloaders", status.loaders.to_string()),
        ("profiles", status.profiles.to_string()),
        ("rules", status.rules.to_string()),
        ("machines", status.machines.to_string()),
        ("leases", leases(&status)),
    ]);
    for finding in status.tls.iter().flat_map(|tls| &tls.findings) {
        say::line(format!("certificate: {}\nhint: {}", finding.text, finding.hint));
    }
    for network in &status.networks {
        let pool = if network.pool.is_empty() {
            String::new()
        } else {
            format!(", pool {}", network.pool.join(", "))
        };
        say::line(format!(
            "network {}: mode {}, we are {}, subnet {}{pool}",
            network.interface, network.mode, network.server, network.subnet
        ));
    }
    for rogue in &status.rogues {
        say::line(format!("ALARM: {rogue}"));
    }
    if status.dropped + status.bugs > 0 {
        say::line(format!(
            "{} messages dropped because too many came at once, {} requests hit a bug",
            status.dropped, status.bugs
        ));
    }
    Ok(())
}

/// `12, and 4 of IPv6`
fn leases(status: &Status) -> String {
    let of_ipv6 = status.networks.iter().any(|network| network.subnet.contains(':'));
    match status.leases_ipv6 {
        0 if !of_ipv6 => status.leases.to_string(),
        six => format!("{}, and {six} of IPv6", status.leases),
    }
}

/// `port 443, O=Bootwright, CN=lab (RSA-3072) until 2036-11-26T00:00:00Z`
fn in_a_line(tls: &TlsStatus) -> String {
    format!("port {}, {} ({}) until {}", tls.port, tls.certificate, tls.key, tls.not_after)
}
