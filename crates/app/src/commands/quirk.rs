//! `quirk`: what is known of odd firmware, and what is not known yet.

use crate::cli::Json;
use crate::failure::Failure;
use crate::say;
use api::Client;
use api::types::QuirkView;
use clap::Subcommand;
use engine::Unfiled;
use engine::quirks::{self, Bearing, Quirk};
use model::quirk::UuidForm;

/// What can be asked about quirks.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "A quirk is named by its name or its number: ignores-option-43, quirk-07, 7.\n\
`bootwright explain MACHINE` says which of them a machine has; `machine set M --quirk NAME=on|off|auto` \
says it for a machine."
)]
pub enum QuirkCommand {
    /// List all that are known.
    List {
        /// Only those that can be switched for a machine.
        #[arg(long)]
        switched: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Show one: what is seen, why, what we do, who has it, how we know.
    Show {
        /// Its name or number.
        quirk: String,
        #[command(flatten)]
        json: Json,
    },
    /// Print firmware that booted here and looks like none that is known, ready for a report.
    ///
    /// No names, no serial numbers, and of hardware addresses no more than the maker's part. As TOML;
    /// the server forgets it when it ends.
    Export {
        #[command(flatten)]
        json: Json,
    },
}

impl QuirkCommand {
    /// Tells it. What is known is known without a server.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        match self {
            Self::List { switched, json } => {
                let wanted = |q: &&Quirk| !switched || q.bearing == Bearing::WhoHasIt;
                let all: Vec<QuirkView> =
                    quirks::all().iter().filter(wanted).map(QuirkView::of).collect();
                let head = ["ID", "NAME", "DONE FOR", "SYMPTOM"];
                say::listing(json.json, &all, head, |view| {
                    let quirk = &view.quirk;
                    [
                        view.id.clone(),
                        quirk.name.clone(),
                        bearing(quirk.bearing).to_owned(),
                        quirk.symptom.clone(),
                    ]
                })
            }
            Self::Show { quirk, json } => {
                let quirk = quirks::named(&quirk).map_err(|unknown| {
                    let shown = model::text::show(quirk.as_bytes());
                    let failure = Failure::usage(format!("no quirk is called `{shown}`"));
                    failure.hint(match unknown.nearest {
                        Some(nearest) => format!("did you mean {nearest}?"),
                        None => "`bootwright quirk list` shows all".to_owned(),
                    })
                })?;
                if json.json {
                    return say::json(&QuirkView::of(quirk));
                }
                show(quirk);
                Ok(())
            }
            Self::Export { json } => {
                let all: Vec<Unfiled> = client.get("/fingerprints").await?;
                if json.json {
                    return say::json(&all);
                }
                if all.is_empty() {
                    say::note("all firmware that booted here since the server began is known");
                }
                for line in export(&all) {
                    say::line(line);
                }
                Ok(())
            }
        }
    }
}

fn bearing(bearing: Bearing) -> &'static str {
    match bearing {
        Bearing::Everybody => "everybody",
        Bearing::WhoHasIt => "who has it",
        Bearing::Advice => "(advice)",
    }
}

fn show(quirk: &Quirk) {
    let switch = match quirk.bearing {
        Bearing::WhoHasIt => {
            format!("bootwright machine set MACHINE --quirk {}=on|off|auto", quirk.name)
        }
        Bearing::Everybody => "never: it is done for everybody".to_owned(),
        Bearing::Advice => String::new(),
    };
    let mut has: Vec<String> = quirk.when.iter().map(|when| when.words()).collect();
    if has.is_empty() && quirk.bearing == Bearing::WhoHasIt {
        has.push("an operator says so".to_owned());
    }
    let does = match quirk.bearing {
        Bearing::Advice => "what to do",
        _ => "what we do",
    };
    say::card(&[
        ("id", quirk.id()),
        ("name", quirk.name.clone()),
        ("symptom", quirk.symptom.clone()),
        ("cause", quirk.cause.clone()),
        (does, quirk.does.clone()),
        ("has it, if", has.join("; or ")),
        ("switched", switch),
        ("known from", quirk.source.join(", ")),
        ("shown by", [quirk.scenarios.as_slice(), &quirk.tests].concat().join(", ")),
    ]);
}

/// As TOML. What came from the network was made safe to be shown, and stands in quotes.
fn export(all: &[Unfiled]) -> Vec<String> {
    let mut lines = Vec::new();
    for one in all {
        let print = &one.fingerprint;
        lines.push("[[fingerprint]]".to_owned());
        let mut say = |key: &str, value: String| lines.push(format!("{key} = {value}"));
        for (key, text) in [("class", &print.vendor_class), ("user_class", &print.user_class)] {
            if let Some(text) = text {
                say(key, quoted(text));
            }
        }
        say("parameters", format!("{:?}", print.parameters));
        say("archs", format!("{:?}", print.archs));
        if let Some(ndi) = print.ndi {
            say("ndi", format!("{ndi:?}"));
        }
        say("uuid", quoted(&uuid(&print.uuid)));
        if let Some([a, b, c]) = print.oui {
            say("oui", format!("[\"{a:02x}:{b:02x}:{c:02x}\"]"));
        }
        say("hardware_type", print.hardware_type.to_string());
        say("hardware_length", print.hardware_length.to_string());
        if let Some(most) = print.max_message {
            say("max_message", most.to_string());
        }
        say("broadcast", print.broadcast.to_string());
        say("terminates", print.terminates.to_string());
        let seen: Vec<String> = one.seen.iter().map(|seen| quoted(seen.words())).collect();
        say("seen", format!("[{}]", seen.join(", ")));
        say("discovers", one.discovers.to_string());
        lines.push(String::new());
    }
    lines
}

fn uuid(form: &UuidForm) -> String {
    match form {
        UuidForm::Absent => "absent".to_owned(),
        UuidForm::Guid => "guid".to_owned(),
        UuidForm::Odd(length) => format!("odd, {length} bytes"),
        UuidForm::Board(name) => name.clone(),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Fingerprint;

    #[test]
    fn what_is_exported_is_toml_whatever_came_in() {
        let text = model::text::show(b"PXE\"Client\\x\n\x1b[31m = 1");
        let fingerprint = Fingerprint {
            vendor_class: Some(text.clone()),
            parameters: vec![1, 3, 255],
            ndi: Some([1, 2, 1]),
            oui: Some([0xb8, 0x27, 0xeb]),
            ..Fingerprint::default()
        };
        let one = Unfiled { fingerprint, seen: [model::Seen::UnheardOffers].into(), discovers: 3 };
        let text_of = export(&[one.clone(), one]).join("\n");
        let table: toml::Table = toml::from_str(&text_of).unwrap();
        let first = &table["fingerprint"][0];
        assert_eq!(table["fingerprint"].as_array().map(Vec::len), Some(2));
        assert_eq!(first["class"].as_str(), Some(text.as_str()));
        assert_eq!(first["oui"][0].as_str(), Some("b8:27:eb"));
        assert_eq!(first["discovers"].as_integer(), Some(3));
    }
}
