//! `error`: from what stands on a machine's screen to what to do. It asks no server.

use crate::failure::Failure;
use crate::say;
use clap::Args;
use doctor::screen::{self, Message};

/// What `error` takes.
#[derive(Debug, Args)]
#[command(after_help = "\
  bootwright error PXE-E53\n  bootwright error no configuration methods succeeded\n\nExit code 4 if \
  there is no such message.")]
pub struct Error {
    /// A code, or words of what stands there; without any, every message is listed.
    #[arg(value_name = "TEXT", trailing_var_arg = true)]
    text: Vec<String>,
    /// Print JSON; before the text.
    #[arg(long)]
    json: bool,
}

impl Error {
    /// Looks it up and tells.
    pub fn run(self) -> Result<(), Failure> {
        if self.text.is_empty() {
            let all = screen::all().map_err(Failure::failed)?;
            return say::listing(self.json, all, ["CODE", "BY", "TEXT"], |message| {
                let code = message.code.clone().unwrap_or_default();
                let text = message.says.first().cloned().unwrap_or_default();
                [code, message.by.join(", "), text]
            });
        }
        let read = self.text.join(" ");
        let found = screen::find(&read).map_err(Failure::failed)?;
        if found.is_empty() {
            let shown = model::text::show(read.as_bytes());
            return Err(Failure::refused(format!("no message is known for `{shown}`")).hint(
                "bootwright error lists all; bootwright explain MAC says what we answered the machine",
            ));
        }
        if self.json {
            return say::json(&found);
        }
        let shown: Vec<String> = found.iter().map(|message| show(message)).collect();
        say::line(shown.join("\n\n"));
        Ok(())
    }
}

/// With the findings of `doctor` that belong to it.
fn show(message: &Message) -> String {
    let mut text = message.show();
    if !message.findings.is_empty() {
        let codes: Vec<&str> = message.findings.iter().map(|code| code.word()).collect();
        text.push_str(&format!("\n  bootwright doctor: {}", codes.join(", ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::CommandFactory;

    /// Words of a command line up to where a sentence goes on.
    fn commands(text: &str) -> impl Iterator<Item = Vec<&str>> {
        text.split("bootwright ").skip(1).map(|rest| {
            let end = rest.find([':', ';', ',', '.', ')', '(']).unwrap_or(rest.len());
            rest.get(..end).unwrap_or(rest).split_ascii_whitespace().collect()
        })
    }

    #[test]
    fn every_command_that_a_message_names_is_there() {
        let root = Cli::command();
        let mut seen = 0;
        for message in screen::all().unwrap() {
            for text in message.act.iter().chain([&message.means]) {
                for words in commands(text) {
                    let mut at = &root;
                    for word in words {
                        let Some(below) = at.find_subcommand(word) else { break };
                        at = below;
                        seen += 1;
                    }
                    assert!(!std::ptr::eq(at, &root), "no such command: {text}");
                    assert!(!at.has_subcommands(), "half a command: {text}");
                }
            }
        }
        assert!(seen > 50, "{seen}");
    }
}
