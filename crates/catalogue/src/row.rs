//! One row of the catalogue: what must be there, and how that is started.
//!
//! In: a row and a tree. Out: whether it fits, and what it rests on; or what is there of it and what
//! is missing. Never: a fit by names alone where a kernel is to be started: its bytes are asked.

use crate::facts::Facts;
use crate::kernel::{self, Kernel};
use crate::pe;
use crate::recognise::{Near, Recognised};
use crate::tree::{Tree, base, fits, folder, shown};
use model::Arch;
use model::image::{Confidence, Way};

/// Kernels of one pattern that are read, the newest first.
const KERNELS_READ_MAX: usize = 8;

/// What a row asks for. In paths, `*` stands for anything within one part.
pub(crate) enum Need {
    /// A file.
    File(&'static str),
    /// One of these files, the first that is there.
    Any(&'static [&'static str]),
    /// A folder with something in it; `/` at its end.
    Folder(&'static str),
    /// That there is no such file.
    Not(&'static str),
    /// A text that begins with one of these.
    Begins(&'static str, &'static [&'static str]),
    /// A text that holds this.
    Holds(&'static str, &'static str),
}

/// What decides between rows that rest on the very same files.
pub(crate) enum Tie {
    /// The volume identifier is of this form.
    Volume(&'static str),
    /// There is this file too.
    File(&'static str),
    /// The kernel's release ends so.
    Release(&'static str),
}

/// A row. Read it from top to bottom as the line of a table.
pub(crate) struct Row {
    /// Its name, kept with the image.
    pub kind: &'static str,
    /// What the system is called if nothing on it says it better.
    pub name: &'static str,
    /// What must be there.
    pub needs: &'static [Need],
    /// What speaks for it against rows that rest on the same files.
    pub ties: &'static [Tie],
    /// What starts it.
    pub way: Way,
    /// Where its kernel is, the best place first. None at all: it cannot be started.
    pub kernel: &'static [&'static str],
    /// What its release must hold, one of these; empty: anything.
    pub releases: &'static [&'static str],
    /// Its initrds in order, for each the places it may have; `{K}` is the kernel's folder.
    pub initrds: &'static [&'static [&'static str]],
    /// What each of them is told.
    pub initrd_args: &'static [&'static str],
    /// Under this path the disc itself is put beside the initrds.
    pub disc_as: Option<&'static str>,
    /// Kernel arguments; `{LOAD}` is the path of what it loads, the rest as in `Recipe`.
    pub args: &'static str,
    /// Format of its answer file, and the arguments that point to it.
    pub answer: Option<(&'static str, &'static str)>,
    /// What it fetches whole: the first of these that is there.
    pub loads: &'static [&'static str],
    /// How often the whole disc is held in memory.
    pub discs: u8,
    /// MiB that it needs besides.
    pub more_mib: u32,
    /// A way that needs less memory.
    pub less: Option<&'static str>,
    /// How sure the row is.
    pub confidence: Confidence,
    /// What an operator should know of it.
    pub notes: &'static [&'static str],
    /// What its texts say of it.
    pub facts: fn(&Tree<'_>) -> Facts,
    /// What cannot be said in a table.
    pub more: fn(&Tree<'_>, &mut Recognised),
}

impl Row {
    /// A row that says nothing yet.
    pub const BLANK: Self = Self {
        kind: "",
        name: "",
        needs: &[],
        ties: &[],
        way: Way::Kernel,
        kernel: &[],
        releases: &[],
        initrds: &[],
        initrd_args: &[],
        disc_as: None,
        args: "",
        answer: None,
        loads: &[],
        discs: 0,
        more_mib: 0,
        less: None,
        confidence: Confidence::C,
        notes: &[],
        facts: |_| Facts::default(),
        more: |_, _| {},
    };
}

/// What a row rests on.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Fit<'t> {
    /// Every file that was asked for.
    pub files: Vec<&'t str>,
    /// The kernel's path, and what it is if it is Linux.
    pub kernel: Option<(&'t str, Option<Kernel>)>,
    /// Where what is started runs.
    pub archs: Vec<Arch>,
    pub initrds: Vec<&'t str>,
    pub load: Option<&'t str>,
}

impl Row {
    /// What it rests on, if it fits.
    pub fn fit<'t>(&self, tree: &Tree<'t>) -> Option<Fit<'t>> {
        let mut fit = Fit::default();
        for need in self.needs {
            fit.files.extend(need.met(tree)?);
        }
        if !self.kernel.is_empty() {
            self.start(tree, &mut fit)?;
        }
        for places in self.initrds {
            let initrd = self.initrd(tree, places, &fit)?;
            fit.initrds.push(initrd);
        }
        if !self.loads.is_empty() {
            fit.load = Some(first(tree, self.loads)?);
        }
        let parts = fit.kernel.iter().map(|(path, _)| *path).chain(fit.load);
        let parts: Vec<&str> = parts.chain(fit.initrds.iter().copied()).collect();
        fit.files.extend(parts);
        fit.files.sort_unstable();
        fit.files.dedup();
        Some(fit)
    }

    /// Finds what is started, by its bytes.
    fn start<'t>(&self, tree: &Tree<'t>, fit: &mut Fit<'t>) -> Option<()> {
        for pattern in self.kernel {
            let newest = tree.glob(pattern).into_iter().rev().take(KERNELS_READ_MAX);
            let read = |path| Some((path, self.starts(&tree.head(path, kernel::HEAD))?));
            if let Some((path, (archs, kernel))) = newest.into_iter().find_map(read) {
                fit.archs = archs;
                fit.kernel = Some((path, kernel));
                return Some(());
            }
        }
        None
    }

    /// Where the file with this head runs, and what it is if it is Linux; none if it is nothing that
    /// this row starts.
    fn starts(&self, head: &[u8]) -> Option<(Vec<Arch>, Option<Kernel>)> {
        match self.way {
            Way::Kernel => {
                let kernel = Kernel::read(head).filter(|kernel| self.is_release(kernel))?;
                Some((kernel.archs.clone(), Some(kernel)))
            }
            Way::Program => Some((vec![pe::application(head)?.arch], None)),
            // Xen is ELF, or that in gzip.
            Way::Multiboot => {
                kernel::unpacked(head).starts_with(b"\x7fELF").then(|| (Vec::new(), None))
            }
            Way::Disc => None,
        }
    }

    fn is_release(&self, kernel: &Kernel) -> bool {
        let release = kernel.release().unwrap_or_default();
        self.releases.is_empty() || self.releases.iter().any(|part| release.contains(part))
    }

    /// The initrd that carries the kernel's version, wherever it is; else the newest in the best
    /// place.
    fn initrd<'t>(&self, tree: &Tree<'t>, places: &[&str], fit: &Fit<'t>) -> Option<&'t str> {
        let kernel = fit.kernel.as_ref().map_or("", |(path, _)| *path);
        let version = base(kernel).split_once('-').map(|(_, version)| version);
        let mut best = None;
        for place in places {
            let mut found = tree.glob(&place.replace("{K}", folder(kernel)));
            found.reverse();
            // Those that begin like an initrd before those that do not.
            found.sort_by_key(|path| {
                kernel::initrd(&tree.head(path, kernel::INITRD_HEAD)).is_none()
            });
            let own = found.iter().filter(|p| version.is_some_and(|v| base(p).contains(v)));
            if let Some(path) = own.min_by_key(|path| path.len()) {
                return Some(path);
            }
            best = best.or(found.first().copied());
        }
        best
    }

    /// Whether something speaks for it against a row that rests on the same files.
    pub fn wins_ties(&self, tree: &Tree<'_>, fit: &Fit<'_>) -> bool {
        let volume = tree.volume().map_or("", |volume| volume.id.as_str());
        let kernel = fit.kernel.as_ref().and_then(|(_, kernel)| kernel.as_ref());
        let release = kernel.and_then(Kernel::release).unwrap_or_default();
        self.ties.iter().any(|tie| match tie {
            Tie::Volume(form) => fits(form, volume),
            Tie::File(path) => !tree.glob(path).is_empty(),
            Tie::Release(end) => release.ends_with(end),
        })
    }

    /// What is there of it and what is missing; none if nothing is there.
    pub fn near(&self, tree: &Tree<'_>) -> Option<Near> {
        let mut near = Near { row: self.kind, name: self.name, ..Near::default() };
        for need in self.needs {
            match need.met(tree) {
                Some(files) => near.there.extend(files.iter().map(|path| shown(path))),
                None => near.missing.push(need.words()),
            }
        }
        let mut fit = Fit::default();
        if !self.kernel.is_empty() && self.start(tree, &mut fit).is_none() {
            near.missing.push(format!("a kernel of a known form at {}", one_of(self.kernel)));
        }
        for places in self.initrds {
            if self.initrd(tree, places, &fit).is_none() {
                near.missing.push(one_of(places).replace("{K}", ""));
            }
        }
        if !self.loads.is_empty() && first(tree, self.loads).is_none() {
            near.missing.push(one_of(self.loads));
        }
        near.there.dedup();
        (!near.there.is_empty() && !near.missing.is_empty()).then_some(near)
    }
}

impl Need {
    /// The files that meet it.
    fn met<'t>(&self, tree: &Tree<'t>) -> Option<Vec<&'t str>> {
        match self {
            Self::File(pattern) => first(tree, &[pattern]).map(|path| vec![path]),
            Self::Any(patterns) => first(tree, patterns).map(|path| vec![path]),
            Self::Folder(folder) => tree.has_folder(folder).then(Vec::new),
            Self::Not(pattern) => tree.glob(pattern).is_empty().then(Vec::new),
            Self::Begins(pattern, texts) => {
                let path = first(tree, &[pattern])?;
                let text = tree.text(path);
                let begins = |begin: &&str| text.trim_start().starts_with(*begin);
                texts.iter().any(begins).then(|| vec![path])
            }
            Self::Holds(pattern, part) => {
                let path = first(tree, &[pattern])?;
                tree.text(path).contains(part).then(|| vec![path])
            }
        }
    }

    fn words(&self) -> String {
        match self {
            Self::File(path) => format!("`{path}`"),
            Self::Any(paths) => one_of(paths),
            Self::Folder(folder) => format!("folder `{folder}`"),
            Self::Not(path) => format!("the absence of `{path}`"),
            Self::Begins(path, texts) => format!("`{path}` that begins with {}", one_of(texts)),
            Self::Holds(path, part) => format!("`{path}` that holds `{part}`"),
        }
    }
}

fn one_of(texts: &[&str]) -> String {
    let all: Vec<String> = texts.iter().map(|text| format!("`{text}`")).collect();
    all.join(" or ")
}

fn first<'t>(tree: &Tree<'t>, patterns: &[&str]) -> Option<&'t str> {
    patterns.iter().find_map(|pattern| tree.glob(pattern).last().copied())
}
