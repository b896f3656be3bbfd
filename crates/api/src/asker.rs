//! Who asks, what he may, and how we know.

use access::Rights;
use model::access::{Label, Owner, Role, Scope, Via};
use model::{By, Machine, Now};
use site::{SiteError, SiteHandle};

/// Whoever sent a request that was let in.
#[derive(Clone, Debug, PartialEq)]
pub struct Asker {
    /// As the audit log names him.
    pub by: By,
    /// What he may.
    pub rights: Rights,
    /// Whose what he makes is.
    pub owner: Owner,
    /// How we know.
    pub shown: Shown,
}

/// What somebody showed.
#[derive(Clone, Debug, PartialEq)]
pub enum Shown {
    /// Nothing: the kernel says who he is, or it is the server itself.
    Nothing,
    /// A token, by its id; it ends then.
    Token(String, Now),
    /// The cookie of a session that began then.
    Session(Now),
}

impl Asker {
    /// The server itself.
    pub fn server() -> Self {
        let by = By::server();
        let owner = Owner::Host(by.name.clone());
        Self { by, rights: Rights::all(), owner, shown: Shown::Nothing }
    }

    /// Nobody that we know: he may nothing.
    pub(crate) fn nobody() -> Self {
        let by = By { name: "nobody".to_owned(), via: Via::Session };
        // No machine has a label without a name.
        let nowhere = Label { key: String::new(), value: String::new() };
        let rights = Rights { role: Role::Viewer, scope: Scope::of(vec![nowhere]) };
        Self { owner: Owner::Host(String::new()), by, rights, shown: Shown::Nothing }
    }

    /// Somebody on this host who may use the Unix socket.
    pub fn on_socket(name: &str) -> Self {
        Self {
            by: By { name: name.to_owned(), via: Via::Socket },
            rights: Rights::all(),
            owner: Owner::Host(name.to_owned()),
            shown: Shown::Nothing,
        }
    }

    /// Whether he sees a machine.
    pub fn sees(&self, machine: &Machine) -> bool {
        self.rights.sees(&machine.labels)
    }

    /// The part of the fleet that he sees.
    pub fn scope(&self) -> &Scope {
        &self.rights.scope
    }

    /// Whether he still is who he was when his request was let in: no token was revoked, no password
    /// changed. For answers that last.
    pub async fn still(&self, site: &SiteHandle) -> Result<bool, SiteError> {
        let (owner, shown, rights) = (self.owner.clone(), self.shown.clone(), self.rights.clone());
        if shown == Shown::Nothing {
            return Ok(true);
        }
        site.ask(move |engine, now| {
            let user = match &owner {
                Owner::User(name) => engine.user(name),
                Owner::Host(_) => None,
            };
            match shown {
                Shown::Nothing => true,
                Shown::Session(since) => user.is_some_and(|user| user.changed <= since),
                Shown::Token(id, expires) => {
                    let token = engine.token(&id).filter(|_| expires > now);
                    let owned = matches!(owner, Owner::Host(_)) || user.is_some();
                    token.filter(|_| owned).and_then(|token| Rights::of_token(token, user))
                        == Some(rights)
                }
            }
        })
        .await
    }
}
