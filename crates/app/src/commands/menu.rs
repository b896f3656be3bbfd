//! `menu`: what machines show that no rule leads anywhere.

use super::{change, with};
use crate::cli::{Dry, Json};
use crate::failure::Failure;
use crate::{password, say};
use api::Client;
use api::types::{MenuView, MenuWish};
use clap::{Args, Subcommand};
use hyper::Method;
use model::menu::{Choice, Entry};
use std::path::{Path, PathBuf};

/// A file larger than this is no menu.
const FILE_MAX: u64 = 1 << 20;

/// What can be done with menus.
#[derive(Debug, Subcommand)]
pub enum Menu {
    /// Show the menu of all networks, or of one.
    Show {
        /// The interface of the network.
        #[arg(long, value_name = "IF")]
        network: Option<String>,
        #[command(flatten)]
        json: Json,
    },
    /// Change the menu, or set it whole from a file.
    Set(Set),
}

/// What `menu set` takes.
#[derive(Debug, Args)]
#[command(after_help = "A menu file is TOML or JSON, as `menu show --json` prints it:

  default = \"debian\"            # key of the entry taken by itself; without it, the local disk

  [[entries]]
  key    = \"debian\"             # a-z, 0-9, `.`, `_`, `-`
  title  = \"Debian 12\"
  choice = { profile = \"debian\" }   # or { image = \"NAME\" }, or \"local-disk\"
  group  = \"Installers\"         # optional, as are the next two
  hidden = false
  locked = true                 # asks for the menu's password first

Examples:
  bootwright menu set --add debian --profile debian --title \"Debian 12\"
  bootwright menu set --default debian
  echo secret | bootwright menu set --password")]
pub struct Set {
    /// The interface of the network; without it, the menu of all networks that have none of their own.
    #[arg(long, value_name = "IF")]
    network: Option<String>,
    /// The whole menu from a TOML or JSON file; `-` is stdin. The password stays as it is.
    #[arg(short = 'f', long, value_name = "FILE", conflicts_with_all = ["add", "remove", "default", "clear"])]
    file: Option<PathBuf>,
    /// Remove all entries: then the menu holds the local disk, every profile, and every other image.
    #[arg(long)]
    clear: bool,
    /// Add an entry with this key, or change it.
    #[arg(long, value_name = "KEY")]
    add: Option<String>,
    /// The added entry boots this profile.
    #[arg(long, requires = "add", conflicts_with_all = ["image", "local_disk"])]
    profile: Option<String>,
    /// The added entry boots the newest version of this image.
    #[arg(long, requires = "add", conflicts_with = "local_disk")]
    image: Option<String>,
    /// The added entry goes on to the local disk.
    #[arg(long, requires = "add")]
    local_disk: bool,
    /// What the machine shows for the added entry.
    #[arg(long, requires = "add")]
    title: Option<String>,
    /// Heading of the added entry.
    #[arg(long, requires = "add")]
    group: Option<String>,
    /// Leave the added entry out of the screen.
    #[arg(long, requires = "add")]
    hidden: bool,
    /// The added entry asks for the password.
    #[arg(long, requires = "add")]
    locked: bool,
    /// Remove the entry with this key; may be said several times.
    #[arg(long, value_name = "KEY")]
    remove: Vec<String>,
    /// The entry taken by itself; `local-disk` is the local disk.
    #[arg(long, value_name = "KEY")]
    default: Option<String>,
    /// Set the password of locked entries: asked for, or one line from stdin. Only its hash is sent.
    #[arg(long, conflicts_with = "no_password")]
    password: bool,
    /// Take the password away.
    #[arg(long)]
    no_password: bool,
    #[command(flatten)]
    dry: Dry,
}

fn path(network: Option<&String>) -> String {
    network.map_or("/menu".to_owned(), |network| with("/menu", "network", network))
}

impl Menu {
    /// Does it.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        match self {
            Self::Show { network, json } => {
                let menu: MenuView = client.get(&path(network.as_ref())).await?;
                if json.json {
                    return say::json(&menu);
                }
                show(&menu);
                Ok(())
            }
            Self::Set(set) => set.run(client).await,
        }
    }
}

fn show(menu: &MenuView) {
    if menu.entries.is_empty() {
        say::note(
            "no entries were set: the menu holds the local disk, every profile, and every image \
             without one",
        );
    }
    let head = ["KEY", "TITLE", "DOES", "GROUP", "REMARKS"];
    let rows: Vec<[String; 5]> = menu.entries.iter().map(|entry| row(entry, menu)).collect();
    if !rows.is_empty() {
        say::table(head, &rows).iter().for_each(say::line);
    }
    say::line(format!("by itself: {}", menu.default.as_deref().unwrap_or("local disk")));
    say::line(format!("password: {}", if menu.password_set { "set" } else { "not set" }));
}

fn row(entry: &Entry, menu: &MenuView) -> [String; 5] {
    let does = match &entry.choice {
        Choice::LocalDisk => "local disk".to_owned(),
        Choice::Profile(name) => format!("profile {name}"),
        Choice::Image(name) => format!("image {name}"),
    };
    let remarks = [
        (entry.hidden, "hidden"),
        (entry.locked, "locked"),
        (menu.default.as_ref() == Some(&entry.key), "default"),
    ];
    let remarks: Vec<&str> = remarks.into_iter().filter(|r| r.0).map(|r| r.1).collect();
    let group = say::or_dash(entry.group.as_ref());
    [entry.key.clone(), entry.title.clone(), does, group, remarks.join(", ")]
}

impl Set {
    async fn run(mut self, client: &Client) -> Result<(), Failure> {
        if !self.says_something() {
            return Err(Failure::usage("nothing to set").hint("bootwright menu set --help"));
        }
        let mut wish = match &self.file {
            Some(file) => from_file(file, self.network.take())?,
            None => {
                let old: MenuView = client.get(&path(self.network.as_ref())).await?;
                self.edit(old)?
            }
        };
        if self.password {
            wish.password = Some(password::read()?);
        }
        wish.no_password = self.no_password;
        change(client, Method::PUT, "/menu", self.dry, Some(&wish)).await
    }

    fn says_something(&self) -> bool {
        self.file.is_some()
            || self.clear
            || self.add.is_some()
            || !self.remove.is_empty()
            || self.default.is_some()
            || self.password
            || self.no_password
    }

    fn edit(&mut self, old: MenuView) -> Result<MenuWish, Failure> {
        let mut entries = if self.clear { Vec::new() } else { old.entries };
        for key in &self.remove {
            let before = entries.len();
            entries.retain(|entry| entry.key != *key);
            if entries.len() == before {
                return Err(Failure::refused(format!("the menu has no entry `{key}`"))
                    .hint("bootwright menu show"));
            }
        }
        if let Some(key) = self.add.take() {
            let there = entries.iter().position(|entry| entry.key == key);
            let before = there.and_then(|index| entries.get(index)).cloned();
            let entry = self.entry(key, before)?;
            match there.and_then(|index| entries.get_mut(index)) {
                Some(place) => *place = entry,
                None => entries.push(entry),
            }
        }
        let default = match self.default.take() {
            Some(key) if key == "local-disk" => None,
            Some(key) => Some(key),
            None => old.default.filter(|key| entries.iter().any(|entry| entry.key == *key)),
        };
        Ok(MenuWish { network: self.network.take(), entries, default, ..MenuWish::default() })
    }

    /// The added entry; what is not said of an entry that is there already stays.
    fn entry(&mut self, key: String, before: Option<Entry>) -> Result<Entry, Failure> {
        let said = match (self.profile.take(), self.image.take(), self.local_disk) {
            (Some(name), _, _) => Some(Choice::Profile(name)),
            (_, Some(name), _) => Some(Choice::Image(name)),
            (_, _, true) => Some(Choice::LocalDisk),
            _ => None,
        };
        let choice = said.or_else(|| before.as_ref().map(|entry| entry.choice.clone()));
        let choice = choice.ok_or_else(|| {
            Failure::usage(format!("what does the new entry `{key}` do?"))
                .hint("say --profile NAME, --image NAME or --local-disk")
        })?;
        let title = self.title.take().or_else(|| before.as_ref().map(|e| e.title.clone()));
        Ok(Entry {
            title: title.unwrap_or_else(|| key.clone()),
            group: self.group.take().or_else(|| before.as_ref().and_then(|e| e.group.clone())),
            hidden: self.hidden || before.as_ref().is_some_and(|e| e.hidden),
            locked: self.locked || before.as_ref().is_some_and(|e| e.locked),
            key,
            choice,
        })
    }
}

/// A menu file. `password_set` is what `menu show --json` prints; it is read over.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct MenuFile {
    #[serde(default)]
    network: Option<String>,
    #[serde(default)]
    entries: Vec<Entry>,
    #[serde(default)]
    default: Option<String>,
    #[serde(default, rename = "password_set")]
    _password_set: bool,
}

fn from_file(file: &Path, network: Option<String>) -> Result<MenuWish, Failure> {
    let shown = file.display();
    let text = if file == Path::new("-") {
        std::io::read_to_string(std::io::Read::take(std::io::stdin(), FILE_MAX))
    } else {
        std::fs::File::open(file)
            .and_then(|open| std::io::read_to_string(std::io::Read::take(open, FILE_MAX)))
    };
    let text = text.map_err(|e| Failure::failed(format!("cannot read {shown}: {e}")))?;
    let read: Result<MenuFile, String> = if text.trim_start().starts_with('{') {
        serde_json::from_str(&text).map_err(|e| e.to_string())
    } else {
        toml::from_str(&text).map_err(|e| e.to_string())
    };
    let menu = read.map_err(|e| {
        Failure::failed(format!("{shown} is no menu: {e}")).hint("bootwright menu set --help")
    })?;
    Ok(MenuWish {
        network: network.or(menu.network),
        entries: menu.entries,
        default: menu.default,
        ..MenuWish::default()
    })
}
