//! The schema: what the server says, the client reads and `--json` prints. Names here are stable.
//!
//! Times are RFC 3339 in UTC, durations are seconds, sizes are bytes.

mod answers;
mod boot;
mod inventory;
mod leases;
mod uploads;

pub use answers::{
    Alive, Doctor, Done, ImportLine, ImportWish, Line, NetworkStatus, PathWish, PromoteWish,
    ScrubLine, Scrubbed, Status, TlsFinding, TlsStatus, TrustWish, Verified,
};
pub use boot::{
    ConditionText, Explained, LoaderView, MenuView, MenuWish, MoveWish, ProfileView, ProfileWish,
    RuleTest, RuleView, RuleWish,
};
pub use inventory::{
    AssetView, ImageView, LifeWish, MachineSearch, MachineView, MachineWish, OptionsWish,
};
pub use leases::{
    Fate, HolderText, LEASES_MAX, LeaseHistory, LeaseLeft, LeaseView, LeaseWish, LeasesTaken,
    LeasesWish, ReservationView, ReservationWish,
};
pub use uploads::{UploadView, UploadWish};

use model::Now;

/// A moment as text.
fn moment(now: Now) -> String {
    now.to_string()
}
