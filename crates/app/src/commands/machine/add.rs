//! `machine add`: machines that are known before they are heard, in one request.

use super::super::apply::tell;
use super::super::way;
use super::csv;
use crate::cli::Dry;
use crate::failure::Failure;
use api::Client;
use api::types::{Applied, MachinesWish};
use clap::Args;
use engine::command::DeclaredMachine;
use hyper::Method;
use model::HardwareAddress;
use model::Life;
use std::path::{Path, PathBuf};

/// A larger file is no list of machines.
const FILE_MAX: u64 = 64 << 20;

/// Machines to add.
#[derive(Debug, Args)]
#[command(
    after_help = "A MAC that is known already is set to what is said; the same again changes \
nothing. All are added, or none.

  bootwright machine add 52:54:00:77:00:01 --name lab-01 --approve
  bootwright machine add --from rack.csv --approve

The file's first line names its columns: mac, and any of name, profile, state, labels (room=3;rack=a) \
and label:KEY.

  mac,name,profile,label:room
  52:54:00:77:00:01,lab-01,debian,3"
)]
pub struct Add {
    /// MACs, in any usual spelling.
    #[arg(value_name = "MAC", required_unless_present = "from")]
    macs: Vec<String>,
    /// A CSV file with more of them.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// The name of the one machine.
    #[arg(long)]
    name: Option<String>,
    /// Their own profile, where the file says none.
    #[arg(long)]
    profile: Option<String>,
    /// A label of all of them; may be said several times.
    #[arg(long, value_name = "KEY=VALUE")]
    label: Vec<String>,
    /// Let them boot what the rules give them, where the file says no state.
    #[arg(long)]
    approve: bool,
    #[command(flatten)]
    dry: Dry,
}

impl Add {
    /// Adds them.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        let path = way("/machines", self.dry.dry_run);
        let machines = self.machines()?;
        let wish = MachinesWish { machines };
        let applied: Applied = client.send(Method::POST, &path, Some(&wish)).await?;
        tell(&applied);
        Ok(())
    }

    fn machines(self) -> Result<Vec<DeclaredMachine>, Failure> {
        let labels = super::labels(&self.label)?;
        let parse = |text: &String| text.parse::<HardwareAddress>().map_err(Failure::usage);
        let macs: Vec<HardwareAddress> = self.macs.iter().map(parse).collect::<Result<_, _>>()?;
        let mut machines: Vec<DeclaredMachine> =
            macs.into_iter().map(DeclaredMachine::new).collect();
        if let Some(path) = &self.from {
            machines.extend(csv::read(&path.display().to_string(), &text(path)?)?);
        }
        if let Some(name) = self.name {
            match machines.as_mut_slice() {
                [one] => one.name = Some(name),
                _ => {
                    let hint = "add one machine with --name, or name each in a file: --from FILE";
                    return Err(Failure::usage("--name is for one machine").hint(hint));
                }
            }
        }
        for machine in &mut machines {
            machine.profile = machine.profile.take().or_else(|| self.profile.clone());
            machine.state = machine.state.or(self.approve.then_some(Life::Approved));
            for (key, value) in &labels {
                machine.labels.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
        Ok(machines)
    }
}

fn text(path: &Path) -> Result<String, Failure> {
    let cannot =
        |e: std::io::Error| Failure::failed(format!("cannot read {}: {e}", path.display()));
    let size = std::fs::metadata(path).map_err(cannot)?.len();
    if size > FILE_MAX {
        let what = format!("{} has {size} bytes: that is no list of machines", path.display());
        return Err(Failure::failed(what));
    }
    std::fs::read_to_string(path).map_err(cannot)
}
