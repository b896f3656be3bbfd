//! What comes of judging a chain: who decided on each file, what, and why.
//!
//! In: nothing; these are the words of `judge`. Out: values to match on, and [`crate::words`] for people.
//! Never: a decision.

use crate::binary::Kind;
use crate::date::Moment;
use crate::lists::Svn;
use crate::signature::Flaw;

/// How sure it is that something starts.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Starts {
    /// It is refused while Secure Boot is on.
    No,
    /// The names are right, but a key is not at hand, or a signature is of a kind not known here.
    Perhaps,
    /// Proved by keys.
    Yes,
}

/// What comes of a chain.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub struct Verdict {
    /// Each file, in the order in which they are started.
    pub links: Vec<Link>,
    /// The least sure of them.
    pub starts: Starts,
}

impl Verdict {
    /// Whether it is proved that the whole chain starts.
    #[must_use]
    pub fn starts(&self) -> bool {
        self.starts == Starts::Yes
    }
}

/// What comes of one file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Link {
    /// What it is.
    pub kind: Kind,
    /// Who decides on it.
    pub asked: Asker,
    /// What is decided.
    pub starts: Starts,
    /// Why; at least one.
    pub reasons: Vec<Reason>,
    /// What is worth knowing, and decides nothing.
    pub remarks: Vec<Remark>,
}

/// Who decides on a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Asker {
    /// The machine's firmware.
    Firmware,
    /// The shim before it.
    Shim,
}

/// In which list something was found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum List {
    /// Firmware's `db`.
    Db,
    /// Firmware's `dbx`.
    Dbx,
    /// What the shim carries.
    Vendor,
    /// What the shim carries of revoked ones.
    VendorDbx,
    /// The owner's.
    Mok,
}

/// Why a file starts or does not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reason {
    /// A signature leads to somebody trusted.
    Trusted {
        /// Who signed.
        signer: String,
        /// To whom it leads.
        authority: String,
        /// Who trusts that.
        list: List,
        /// By a key, and not only by a name.
        is_proved: bool,
    },
    /// The file itself is trusted, by its digest.
    TrustedDigest(List),
    /// No signature.
    Unsigned,
    /// A right signature, of somebody not trusted.
    Stranger {
        /// Who signed.
        signer: String,
        /// Who certified that.
        authority: String,
    },
    /// A signature that is worth nothing.
    Flawed {
        /// Who signed, as it says.
        signer: String,
        /// What is wrong with it.
        flaw: Flaw,
    },
    /// The table of signatures does not end with its last one.
    DamagedTable,
    /// The file is revoked by its digest.
    RevokedDigest(List),
    /// A certificate of a signature is revoked.
    RevokedCertificate {
        /// Whose.
        name: String,
        /// By what.
        list: List,
    },
    /// A component is older than the SBAT level allows.
    Sbat {
        /// Which.
        component: String,
        /// Its generation.
        generation: u16,
        /// The lowest that is allowed.
        lowest: u16,
        /// The level's date, `YYYYMMDDNN`.
        level: String,
    },
    /// No SBAT section where shim demands one.
    NoSbat,
    /// A line of its SBAT section that shim cannot read.
    BrokenSbat(usize),
    /// GRUB asks shim about kernels, and there is none.
    NoShim,
    /// A Windows boot program that is older than `dbx` allows.
    Svn {
        /// Its own.
        own: Svn,
        /// The lowest that is allowed.
        lowest: Svn,
    },
}

/// What is worth knowing, and decides nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Remark {
    /// A certificate's days are over, or have not come.
    OutOfDate {
        /// Whose.
        name: String,
        /// From when.
        from: Moment,
        /// Until when.
        until: Moment,
    },
    /// A signature that stands inside another, where firmware does not look.
    Nested(String),
    /// It is for another processor than the file before it.
    OtherMachine(u16),
    /// A signature that does not help, beside one that does.
    Useless {
        /// Who signed, as it says.
        signer: String,
        /// What is wrong with it; nothing if only nobody trusts it.
        flaw: Option<Flaw>,
    },
    /// What the shim carries and could not be read.
    ShimUnread(String),
}

/// A chain on machines of each kind.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub struct Across {
    /// Where only Microsoft's authorities of 2011 are trusted.
    pub only_2011: Verdict,
    /// Where only those of 2023 are.
    pub only_2023: Verdict,
    /// Where both are.
    pub both: Verdict,
}
