//! Redfish: a machine switched, and told what to boot, by its BMC (DMTF DSP0266, DSP0268).
//!
//! ```text
//! Redfish ─visit─▶ log in ─▶ system ─┬─ facts                        ─▶ log out
//!                                    ├─ reset ──┐
//!                                    └─ boot ───┴─ task (202, polled)
//! line: one host, TLS pinned, bodies and redirects bounded      quirks: what makers do otherwise
//! ```
//!
//! In: an address, an account, what to trust, which system. Out: facts, outcomes, or why not, in
//! words. Never: a request to another host, a certificate that nobody confirmed, a session left
//! open, a password in a message.

mod boot;
mod error;
mod fingerprint;
mod json;
mod line;
mod pin;
mod place;
mod policy;
mod quirks;
mod reset;
mod system;
mod task;
mod visit;

pub use error::RedfishError;
pub use fingerprint::Fingerprint;
pub use pin::Trust;
pub use policy::Policy;
pub use quirks::Maker;
pub use system::{Facts, Nic, Processors, SecureBoot, Which};

use crate::driver::{Driver, Pending, Power, PowerError};
use crate::secret::Secret;
use crate::switch::{BootOnce, BootSet, Outcome, PowerState, Turn};
use line::{Ask, Bmc, Line};
use place::Place;
use std::sync::Arc;
use tokio::time::timeout;
use visit::Visit;

/// The longest name of an account, in bytes.
const USER_BYTES_MAX: usize = 256;

/// How to log in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Login {
    /// A session where the service has them, otherwise basic authentication.
    #[default]
    Either,
    /// A session, or not at all.
    Session,
    /// Basic authentication: the password goes along with each request.
    Basic,
}

/// An account of a BMC.
#[derive(Debug)]
pub struct Account {
    user: String,
    password: Arc<Secret>,
    login: Login,
}

impl Account {
    /// A name and its password.
    #[must_use]
    pub fn new(user: String, password: Secret, login: Login) -> Self {
        Self { user, password: Arc::new(password), login }
    }
}

/// A machine with a BMC that speaks Redfish. Nothing is sent before it is asked for something;
/// each call is a visit of its own, which logs in and out.
#[derive(Debug)]
pub struct Redfish {
    bmc: Arc<Bmc>,
    account: Account,
    which: Which,
}

impl Redfish {
    /// A BMC by its address (`https://10.0.0.5`, or only the host).
    ///
    /// # Errors
    /// When that is no address of a BMC, or the account cannot be used.
    pub fn new(
        url: &str,
        trust: Trust,
        account: Account,
        which: Which,
        policy: Policy,
    ) -> Result<Self, RedfishError> {
        let place = Place::new(url)?;
        let user = &account.user;
        let fits = !user.is_empty() && user.len() <= USER_BYTES_MAX;
        if !fits || user.chars().any(char::is_control) || user.contains(':') {
            // RFC 7617: a colon ends the name.
            let why = "the name must not be empty, longer than 256 bytes, or have a colon in it";
            return Err(RedfishError::Account { bmc: place.to_string(), why });
        }
        Ok(Self { bmc: Arc::new(Bmc { place, trust, policy }), account, which })
    }

    /// The fingerprint of the certificate that a BMC shows, for an operator to confirm. Nothing but
    /// a handshake is sent.
    ///
    /// # Errors
    /// When there is no BMC, or it shows none.
    pub async fn first_fingerprint(url: &str, policy: Policy) -> Result<Fingerprint, RedfishError> {
        let place = Place::new(url)?;
        let bmc = Bmc { place, trust: Trust::Unconfirmed, policy };
        let refused = Line::new(Arc::new(bmc)).ask(&Ask::new(hyper::Method::GET, "/redfish")).await;
        match refused {
            Err(RedfishError::Unconfirmed { fingerprint, .. }) => Ok(fingerprint),
            Err(error) => Err(error),
            Ok(_) => Err(RedfishError::Encryption {
                bmc: url.to_owned(),
                why: "it was asked without a certificate; this is a fault of this program",
            }),
        }
    }

    /// Everything the BMC says of its machine.
    ///
    /// # Errors
    /// When it cannot be asked, or which system is meant is not clear.
    pub async fn facts(&self) -> Result<Facts, RedfishError> {
        let mut visit = self.visit().await?;
        let done = self.bounded(system::facts(&mut visit, &self.which)).await;
        visit.end().await;
        done
    }

    /// Whether the machine is on.
    ///
    /// # Errors
    /// As [`Redfish::facts`].
    pub async fn state(&self) -> Result<PowerState, RedfishError> {
        let mut visit = self.visit().await?;
        let found = self.bounded(system::find(&mut visit, &self.which)).await;
        visit.end().await;
        found.map(|system| system::power(&system.body))
    }

    /// Switches the machine; what is so already is done without asking for it.
    ///
    /// # Errors
    /// When it cannot be asked, does not offer that, refuses, or does not come to an end.
    pub async fn turn(&self, turn: Turn) -> Result<Outcome, RedfishError> {
        let mut visit = self.visit().await?;
        let done = self.bounded(reset::turn(&mut visit, &self.which, turn)).await;
        visit.end().await;
        done
    }

    /// Sets what the machine boots next, once.
    ///
    /// # Errors
    /// As [`Redfish::turn`].
    pub async fn boot_once(&self, boot: &BootOnce) -> Result<BootSet, RedfishError> {
        let mut visit = self.visit().await?;
        let done = self.bounded(boot::set(&mut visit, &self.which, boot)).await;
        visit.end().await;
        done
    }

    async fn visit(&self) -> Result<Visit, RedfishError> {
        Visit::begin(Arc::clone(&self.bmc), &self.account).await
    }

    async fn bounded<T>(
        &self,
        work: impl Future<Output = Result<T, RedfishError>>,
    ) -> Result<T, RedfishError> {
        let after = self.bmc.policy.visit_max;
        timeout(after, work).await.unwrap_or_else(|_| {
            let bmc = self.bmc.place.to_string();
            Err(RedfishError::Timeout { bmc, doing: "all that was asked".to_owned(), after })
        })
    }
}

impl Power for Redfish {
    fn driver(&self) -> Driver {
        Driver::Redfish
    }

    fn state(&self) -> Pending<'_, PowerState> {
        Box::pin(async { Ok::<_, PowerError>(Self::state(self).await?) })
    }

    fn turn(&self, turn: Turn) -> Pending<'_, Outcome> {
        Box::pin(async move { Ok::<_, PowerError>(Self::turn(self, turn).await?) })
    }

    fn boot_once<'a>(&'a self, boot: &'a BootOnce) -> Pending<'a, BootSet> {
        Box::pin(async move { Ok::<_, PowerError>(Self::boot_once(self, boot).await?) })
    }
}
