//! What a reply says about booting, in the form that its client understands (RFC 5970; EDK2's
//! `PxeBcDhcp6` and `HttpBootDhcp6`; iPXE).

use crate::Engine;
use crate::boot::FirstFile;
use model::client::{Firmware, Stage};
use model::network::HttpBoot;
use model::plan::{BootPlan, Decision, Reason, Why};
use model::{Client, Network6, Now};
use std::net::IpAddr;
use wire::dhcp6::{ENTERPRISE_INTEL, URL_MAX};

/// Boot data of one reply.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Boot6 {
    /// Option 59.
    pub(crate) url: String,
    /// Option 16: by enterprise number, whom the reply speaks to.
    ///
    /// Only for HTTP Boot, which takes no other offer. In an offer for PXE it would mean "ask me
    /// once more on port 4011" (Q91); without it firmware fetches what option 59 names.
    pub(crate) class: Option<(u32, &'static str)>,
    pub(crate) because: Vec<Reason>,
}

impl Engine {
    /// Plan and first file for a client that boots over IPv6. Option 60 is no part of it: EDK2 reads
    /// it as a number of blocks, and throws the offer away where it is none (Q89).
    pub(crate) fn boot_answer6(
        &self,
        now: Now,
        client: &Client,
        network: &Network6,
    ) -> (BootPlan, Result<Boot6, Why>) {
        let plan = self.plan(now, client);
        if client.stage == Stage::System {
            return (plan, Err(Why::NotBooting));
        }
        let answer = self.first_file_over_ipv6(client, &plan).and_then(|first| {
            let FirstFile { path, because } = first;
            let over_http = matches!(client.stage, Stage::Ipxe(_));
            let (url, class) = match client.firmware {
                _ if over_http => (format!("{}/{path}", self.http_base(network.server)), None),
                Firmware::Http => {
                    let base = self.base_for(network.http_boot, network.server);
                    (format!("{base}/{path}"), Some((ENTERPRISE_INTEL, "HTTPClient")))
                }
                _ => (format!("tftp://[{}]/{path}", network.server), None),
            };
            if url.len() > URL_MAX {
                return Err(Why::FileNameTooLong(url));
            }
            let decisive = plan.reasons.iter();
            let decisive = decisive.filter(|r| !matches!(r, Reason::RuleMissed { .. })).cloned();
            Ok(Boot6 { url, class, because: decisive.chain(because).collect() })
        });
        let answer = match answer {
            Err(Why::NoLoader(_)) if plan.decision == Decision::LocalDisk => {
                Err(Why::LocalDiskBySilence)
            }
            other => other,
        };
        (plan, answer)
    }

    /// Where firmware of HTTP Boot is sent: by `http_boot` of its network.
    pub(crate) fn base_for(&self, http_boot: HttpBoot, server: impl Into<IpAddr>) -> String {
        let server = server.into();
        let host = model::url::host(server);
        match (http_boot, self.settings.tls_port) {
            (HttpBoot::Https, Some(443)) => format!("https://{host}"),
            (HttpBoot::Https, Some(port)) => format!("https://{host}:{port}"),
            (HttpBoot::Http, _) | (_, None) => self.http_base(server),
        }
    }
}
