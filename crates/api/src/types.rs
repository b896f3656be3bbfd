//! The schema: what the server says, the client reads and `--json` prints. Names here are stable.
//!
//! Times are RFC 3339 in UTC, durations are seconds, sizes are bytes.

mod answers;
mod backup;
mod boot;
mod boots;
mod comparison;
mod config;
mod declared;
mod deploy;
mod diagnosis;
mod dns;
mod history;
mod imports;
mod inventory;
mod leases;
mod links;
mod networks;
mod operators;
mod power;
mod preview;
mod quirks;
mod uploads;
mod webhooks;

pub use answers::{
    Alive, Doctor, Done, ImportLine, ImportWish, Line, Mend, NetworkStatus, PathWish, PromoteWish,
    ScrubLine, Scrubbed, Status, TlsFinding, TlsStatus, TrustWish, Verified, Wrong,
};
pub use backup::{BackupWish, Phrase};
pub use boot::{
    ConditionText, Explained, ExplainedWords, LoaderView, MenuView, MenuWish, MoveWish,
    ProfileView, ProfileWish, RuleTest, RuleView, RuleWish,
};
pub use boots::{BootShown, BootView};
pub use comparison::{FactDiffers, FileDiffers, FileFate, ImageComparison};
pub use config::{ConfigAnswer, ConfigFault, ConfigView, ConfigWish, Network6Wish, NetworkWish};
pub use declared::{Applied, ApplyWish, MachinesWish, RuleDeclared};
pub use deploy::{
    BatchView, BatchWish, BootOnceWish, CodeWish, DeployWish, DeploymentView, RenderedView,
    SecretView, SecretWish, TemplateView, TemplateWish, batch_number, deployment_number,
};
pub use diagnosis::DiagnosisView;
pub use dns::{
    AskedForView, CountedView, DnsAnswer, DnsCacheView, DnsStatus, NameLostView, NameRefusedView,
    NameView, PublishAbandoned, PublishFailing, PublishView, RecordView, RecordWish, UpstreamView,
};
pub use history::{HistoryView, Sample};
pub use imports::{ImportState, ImportView};
pub use inventory::{
    AddressesWish, AssetView, ImageView, LifeWish, MachineSearch, MachineView, MachineWish,
    MergeWish, OptionsWish,
};
pub use leases::{
    Fate, HolderText, LEASES_MAX, LeaseHistory, LeaseLeft, LeaseView, LeaseWish, LeasesTaken,
    LeasesWish, ReservationView, ReservationWish,
};
pub use links::{AgreementView, DifferenceView, LastDifferenceView, LinkView, OtherServerView};
pub use networks::{NetworkView, PoolNumbers};
pub use operators::{
    AuditPage, AuditVerdict, AuditView, Hidden, Login, PasswordWish, SessionView, TokenAdd,
    TokenMade, TokenView, UserAdd, UserSet, UserView,
};
pub use power::{BootWish, CertificateView, CertificateWish, PowerStatus, PowerView, PowerWish};
pub use preview::{
    AnswerDrafted, BootDrafted, MenuDraft, MenuDrawn, MenuLeftOut, MenuLine, ProfileDraft,
    ProfileDrafted, RuleChanges, RuleDraft, RuleLed, RuleOutcome, RuleSeen, RuleShift, RuleTried,
    RuleWanted, RuleWrong, RulesDraft, RulesSeen, RulesWish, SettingLayer, SettingView,
    TemplateDraft, TemplateDrafted, TemplateWrong, Trial,
};
pub use quirks::{QuirkView, QuirksWish};
pub use uploads::{UploadView, UploadWish};
pub use webhooks::{DeliveryView, WebhookChange, WebhookDone, WebhookView, WebhookWish};

use model::Now;

/// A moment as text.
fn moment(now: Now) -> String {
    now.to_string()
}
