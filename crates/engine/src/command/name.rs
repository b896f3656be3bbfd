//! What commands and facts are called in the audit log.

use super::Command;
use crate::Engine;
use model::Change;

impl Command {
    /// As the audit log names it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SetProfile(_) => "set-profile",
            Self::RemoveProfile(_) => "remove-profile",
            Self::AddRule { .. } => "add-rule",
            Self::SetRules(_) => "set-rules",
            Self::MoveRule { .. } => "move-rule",
            Self::RemoveRule(_) => "remove-rule",
            Self::SetMenu(..) => "set-menu",
            Self::PublishImage(_) => "publish-image",
            Self::RemoveImage(..) => "remove-image",
            Self::SetSecureBoot(..) => "audit-image",
            Self::Promote { .. } => "promote-image",
            Self::Rollback(_) => "roll-back-image",
            Self::PublishLoader(_) => "publish-bootloader",
            Self::SetLife(..) => "set-life",
            Self::SetMachine { .. } => "set-machine",
            Self::SetAddresses { .. } => "set-addresses",
            Self::MergeMachines(..) => "merge-machines",
            Self::RemoveMachine(_) => "remove-machine",
            Self::AddReservation(_) | Self::AddReservation6(_) => "add-reservation",
            Self::RemoveReservation(_) => "remove-reservation",
            Self::ReleaseLease(_) => "release-lease",
            Self::ImportLeases(_) => "import-leases",
            Self::SetMachineOptions(..) => "set-machine-options",
            Self::SetQuirks(..) => "set-quirks",
            Self::SetTemplate(_) => "set-template",
            Self::RemoveTemplate(_) => "remove-template",
            Self::SetSecret(..) => "set-secret",
            Self::RemoveSecret(_) => "remove-secret",
            Self::SetPower { .. } => "set-power",
            Self::RemovePower(_) => "remove-power",
            Self::Deploy(..) => "deploy",
            Self::DeployMany(_) => "deploy-batch",
            Self::BootOnce { .. } => "boot-once",
            Self::Cancel { .. } => "cancel",
            Self::Confirm { .. } => "confirm-code",
            Self::PauseBatch(_, true) => "pause-batch",
            Self::PauseBatch(_, false) => "resume-batch",
            Self::CancelBatch { .. } => "cancel-batch",
            Self::Apply(..) => "apply",
            Self::AddMachines(_) => "add-machines",
            Self::AddRecord(..) => "add-name-record",
            Self::RemoveRecord { .. } => "remove-name-record",
            Self::AddWebhook(_) => "add-webhook",
            Self::SetWebhook { .. } => "set-webhook",
            Self::RemoveWebhook(_) => "remove-webhook",
            Self::AddUser(_) => "add-user",
            Self::AddFirstUser(_) => "add-first-user",
            Self::SetUser(_) => "set-user",
            Self::RemoveUser(_) => "remove-user",
            Self::AddToken(_) => "add-token",
            Self::RevokeToken(_) => "revoke-token",
            Self::RevokeTokensOf(_) => "revoke-tokens",
        }
    }
}

/// What a change is about, as the audit log names it, and the same fact before.
pub struct Before {
    /// `machine lab-01`, `profile debian`.
    pub about: String,
    /// Nothing if it was not there.
    pub fact: Option<Change>,
}

impl Engine {
    /// What is about to be changed, as it is now.
    pub fn before(&self, change: &Change) -> Before {
        let (about, fact) = match change {
            Change::Lease(model::Lease { address, .. }) | Change::LeaseGone(address) => {
                let now = self.leases.iter().find(|lease| lease.address == *address);
                (format!("lease {address}"), now.cloned().map(Change::Lease))
            }
            Change::LeasePast(lease) => (format!("lease {}", lease.address), None),
            Change::PastGone(_) => ("past leases".to_owned(), None),
            Change::Reservation(model::Reservation { address, .. })
            | Change::ReservationGone(address) => {
                let now = self.reservations().find(|r| r.address == *address);
                (format!("reservation {address}"), now.cloned().map(Change::Reservation))
            }
            Change::Lease6(model::Lease6 { address, .. }) | Change::Lease6Gone(address) => {
                let now = self.leases6.of(*address);
                (format!("lease {address}"), now.cloned().map(Change::Lease6))
            }
            Change::Reservation6(model::Reservation6 { address, .. })
            | Change::Reservation6Gone(address) => {
                let now = self.leases6.reservation(*address);
                (format!("reservation {address}"), now.cloned().map(Change::Reservation6))
            }
            Change::Machine(model::Machine { hardware, .. }) | Change::MachineGone(hardware) => {
                let now = self.machines.get(hardware);
                // By what never changes, so that a machine is found under any name it had.
                (format!("machine {hardware}"), now.cloned().map(Change::Machine))
            }
            Change::Profile(model::rule::Profile { name, .. }) | Change::ProfileGone(name) => {
                let now = self.profiles.get(name).cloned().map(Change::Profile);
                (format!("profile {name}"), now)
            }
            Change::Rules(_) => ("rules".to_owned(), Some(Change::Rules(self.rules.clone()))),
            Change::Menu(network, _) => {
                let of = network.as_deref().unwrap_or("all networks");
                let now = self.menus.get(network).cloned();
                (format!("menu of {of}"), now.map(|menu| Change::Menu(network.clone(), menu)))
            }
            Change::Image(model::Image { name, version, .. })
            | Change::ImageGone(name, version) => {
                let now = self.images.get(name).and_then(|all| all.get(version));
                (format!("image {name} {version}"), now.cloned().map(Change::Image))
            }
            Change::Channels(name, _) => {
                let now = self.channels.get(name).cloned();
                (format!("image {name}"), now.map(|at| Change::Channels(name.clone(), at)))
            }
            Change::Loader(model::Loader { name, .. }) | Change::LoaderGone(name) => {
                let now = self.loaders.get(name).cloned().map(Change::Loader);
                (format!("bootloader {name}"), now)
            }
            Change::User(model::User { name, .. }) | Change::UserGone(name) => {
                let now = self.user(name).cloned().map(Change::User);
                (format!("user {name}"), now)
            }
            Change::ApiToken(model::ApiToken { id, .. }) | Change::ApiTokenGone(id) => {
                (format!("token {id}"), self.token(id).cloned().map(Change::ApiToken))
            }
            Change::Declared(what, _) | Change::DeclaredGone(what) => {
                let now = self.declared.get(what).map(|said| said.as_ref().clone());
                (format!("declared {what}"), now.map(|said| Change::Declared(what.clone(), said)))
            }
            Change::Hardware(hardware, _) => {
                let now = self.hardware.get(hardware).cloned().map(Box::new);
                (format!("machine {hardware}"), now.map(|now| Change::Hardware(*hardware, now)))
            }
            Change::Power(hardware, _) | Change::PowerGone(hardware) => {
                let now = self.power.get(hardware).cloned().map(Box::new);
                (format!("machine {hardware}"), now.map(|now| Change::Power(*hardware, now)))
            }
            Change::Names(name, _) => {
                let now = self.name_records.get(name).cloned();
                (format!("name {name}"), now.map(|all| Change::Names(name.clone(), all)))
            }
            Change::Published(at, _) => {
                let now = self.published.get(at).cloned();
                (format!("published {at}"), now.map(|now| Change::Published(at.clone(), Some(now))))
            }
            Change::Restored(_) => ("all of it".to_owned(), None),
            Change::Webhook(model::Webhook { name, .. }) | Change::WebhookGone(name) => {
                let now = self.webhooks.get(name).cloned().map(Change::Webhook);
                (format!("webhook {name}"), now)
            }
            Change::Template(model::template::Template { name, .. })
            | Change::TemplateGone(name) => {
                let now = self.templates.get(name).cloned().map(Change::Template);
                (format!("template {name}"), now)
            }
            Change::Secret(name, _) | Change::SecretGone(name) => {
                let now = self.secrets.get(name).cloned();
                (format!("secret {name}"), now.map(|sealed| Change::Secret(name.clone(), sealed)))
            }
            Change::Deployment(model::Deployment { id, machine, .. }) => {
                let now = self.deployments.get(*id).cloned().map(Change::Deployment);
                (format!("machine {machine}"), now)
            }
            Change::DeploymentGone(id) => {
                let now = self.deployments.get(*id).cloned().map(Change::Deployment);
                (format!("deployment d{id}"), now)
            }
            Change::Batch(model::Batch { id, .. }) | Change::BatchGone(id) => {
                let now = self.deployments.batch(*id).cloned().map(Change::Batch);
                (format!("batch b{id}"), now)
            }
            Change::Audit(record) => (format!("audit record {}", record.seq), None),
        };
        Before { about, fact }
    }
}
