//! `transfer`: files on their way to machines.

use crate::cli::Json;
use crate::failure::Failure;
use crate::say;
use api::Client;
use clap::Subcommand;
use model::event::{show_bytes, show_rate};
use model::{TransferNow, Transfers};

/// What can be done with transfers.
#[derive(Debug, Subcommand)]
pub enum Transfer {
    /// List the files on their way: how far, how fast, how long still.
    List {
        #[command(flatten)]
        json: Json,
    },
}

impl Transfer {
    /// Does it.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        let Self::List { json } = self;
        let all: Transfers = client.get("/transfers").await?;
        let head = ["MACHINE", "TO", "BY", "FILE", "", "SENT", "RATE", "LEFT", ""];
        if json.json {
            return say::json(&all);
        }
        say::listing(false, &all.now, head, |transfer| {
            [
                say::or_dash(transfer.machine.as_ref()),
                transfer.to.to_string(),
                transfer.by.to_string(),
                transfer.file.clone(),
                bar(transfer),
                show_bytes(transfer.sent),
                show_rate(transfer.bytes_per_s, 1000),
                transfer.left_s().map_or_else(|| "-".to_owned(), |s| format!("{s} s")),
                besides(transfer),
            ]
        })?;
        for (by, totals) in [("TFTP", all.tftp), ("HTTP", all.http)] {
            say::note(format!(
                "{by} since the start: {}, {} arrived, {} ended early, {} blocks sent again",
                show_bytes(totals.bytes),
                totals.done,
                totals.failed,
                totals.again
            ));
        }
        Ok(())
    }
}

/// `[######----]  61 %`
fn bar(transfer: &TransferNow) -> String {
    let percent = transfer.sent.saturating_mul(100).checked_div(transfer.size).unwrap_or(100);
    let percent = percent.min(100);
    let full = usize::try_from(percent / 10).unwrap_or(10);
    format!("[{:-<10}] {percent:>3} %", "#".repeat(full))
}

fn besides(transfer: &TransferNow) -> String {
    match (transfer.waiting, transfer.again) {
        (true, _) => "waits for its turn".to_owned(),
        (false, 0) => String::new(),
        (false, again) => format!("{again} blocks sent again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Now;
    use model::event::Carrier;

    #[test]
    fn how_far_it_is_can_be_seen() {
        let mut transfer = TransferNow {
            file: "image/debian/1/initrd.gz".to_owned(),
            by: Carrier::Tftp,
            to: [10, 77, 0, 9].into(),
            machine: None,
            link: "lan".to_owned(),
            size: 1000,
            sent: 614,
            again: 3,
            started: Now(0),
            bytes_per_s: 100,
            waiting: false,
        };
        assert_eq!(bar(&transfer), "[######----]  61 %");
        assert_eq!(transfer.left_s(), Some(3));
        assert_eq!(besides(&transfer), "3 blocks sent again");
        (transfer.sent, transfer.bytes_per_s) = (1000, 0);
        assert_eq!((bar(&transfer).as_str(), transfer.left_s()), ("[##########] 100 %", None));
    }
}
