//! What a route asks of whoever calls it.

use model::Labels;
use model::access::{ApiToken, Role, Scope, User};

/// What somebody may do, and to which machines.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rights {
    /// What.
    pub role: Role,
    /// To which machines.
    pub scope: Scope,
}

impl Rights {
    /// Everything.
    pub fn all() -> Self {
        Self { role: Role::Admin, scope: Scope::ALL }
    }

    /// Those of a user.
    pub fn of_user(user: &User) -> Self {
        Self { role: user.role, scope: user.scope.clone() }
    }

    /// Those of a token: what it says, but never more than its owner has, if that is a user.
    /// `None` where the two have nothing in common, or he is disabled.
    pub fn of_token(token: &ApiToken, owner: Option<&User>) -> Option<Self> {
        let Some(owner) = owner else {
            return Some(Self { role: token.role, scope: token.scope.clone() });
        };
        if owner.disabled {
            return None;
        }
        let scope = if owner.scope.covers(&token.scope) {
            token.scope.clone()
        } else if token.scope.covers(&owner.scope) {
            owner.scope.clone()
        } else {
            let both = owner.scope.labels().iter().filter(|l| token.scope.labels().contains(l));
            let both: Vec<_> = both.cloned().collect();
            // No label at all would mean everything.
            if both.is_empty() {
                return None;
            }
            Scope::of(both)
        };
        Some(Self { role: token.role.min(owner.role), scope })
    }

    /// Whether these go as far as others.
    pub fn cover(&self, others: &Self) -> bool {
        self.role >= others.role && self.scope.covers(&others.scope)
    }

    /// Whether a machine with these labels may be seen.
    pub fn sees(&self, labels: &Labels) -> bool {
        self.scope.holds(labels)
    }
}

/// What a route is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum On {
    /// One machine, which the request names; or all, where it names none.
    Machine,
    /// A list of machines, of which everybody is shown his.
    Machines,
    /// What all machines share: images, profiles, rules, leases, the server.
    Fleet,
    /// Whoever asks: his own session and tokens.
    Self_,
}

/// Who may call a route.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Policy {
    /// Everybody, unknown ones too.
    Public,
    /// Whoever has this role at least, to what lies in his scope.
    Needs(Role, On),
}

/// Why somebody may not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Denied {
    /// Nobody knows who he is: 401.
    Unknown,
    /// His role is too low: 403.
    Role {
        /// What he has.
        has: Role,
        /// What it takes.
        needs: Role,
    },
    /// It is not about single machines, and he is limited to some: 403.
    Limited(Scope),
    /// The machine is not his, so to him there is none: 404.
    NotThere,
}

/// The labels of the machine that a request names.
#[derive(Clone, Copy, Debug)]
pub enum Named<'a> {
    /// It names none.
    None,
    /// It names one that is not known.
    Stranger,
    /// It names one with these labels.
    Machine(&'a Labels),
}

/// Whether somebody may do what a route does.
pub fn may(who: Option<&Rights>, policy: Policy, machine: Named<'_>) -> Result<(), Denied> {
    let Policy::Needs(needs, on) = policy else { return Ok(()) };
    let who = who.ok_or(Denied::Unknown)?;
    if who.role < needs {
        return Err(Denied::Role { has: who.role, needs });
    }
    if who.scope.is_all() {
        return Ok(());
    }
    match (on, machine) {
        (On::Machines | On::Self_, _) => Ok(()),
        (On::Machine, Named::Machine(labels)) if who.sees(labels) => Ok(()),
        (On::Machine, Named::Machine(_) | Named::Stranger) => Err(Denied::NotThere),
        (On::Machine, Named::None) | (On::Fleet, _) => Err(Denied::Limited(who.scope.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Now;
    use model::access::{Owner, PasswordPhc};

    fn rights(role: Role, labels: &[&str]) -> Rights {
        let scope = Scope::of(labels.iter().map(|label| label.parse().unwrap()).collect());
        Rights { role, scope }
    }

    fn token(rights: Rights) -> ApiToken {
        ApiToken {
            id: "a".to_owned(),
            name: "ci".to_owned(),
            owner: Owner::User("eve".to_owned()),
            role: rights.role,
            scope: rights.scope,
            since: Now(0),
            expires: Now(9),
            secret_sha256: crate::filed_under("x"),
        }
    }

    fn user(rights: Rights) -> User {
        let Rights { role, scope } = rights;
        let password = PasswordPhc(String::new());
        User {
            name: "eve".to_owned(),
            role,
            scope,
            password,
            disabled: false,
            since: Now(0),
            changed: Now(0),
        }
    }

    #[test]
    fn a_token_never_may_more_than_its_owner() {
        use Role::{Admin, Operator, Viewer};
        let of = |token_is: Rights, owner: Rights| {
            Rights::of_token(&token(token_is), Some(&user(owner)))
        };
        assert_eq!(of(rights(Admin, &[]), rights(Viewer, &[])), Some(rights(Viewer, &[])));
        assert_eq!(
            of(rights(Viewer, &["a=1"]), rights(Admin, &[])),
            Some(rights(Viewer, &["a=1"]))
        );
        assert_eq!(
            of(rights(Operator, &[]), rights(Operator, &["a=1"])),
            Some(rights(Operator, &["a=1"]))
        );
        assert_eq!(
            of(rights(Operator, &["a=1", "b=1"]), rights(Operator, &["b=1", "c=1"])),
            Some(rights(Operator, &["b=1"]))
        );
        // Nothing in common is nothing, not everything.
        assert_eq!(of(rights(Operator, &["a=1"]), rights(Operator, &["b=1"])), None);
    }

    #[test]
    fn what_is_not_mine_is_not_there() {
        let labels = |value: &str| Labels::from([("room", value)]);
        let mine = rights(Role::Operator, &["room=3"]);
        let change = Policy::Needs(Role::Operator, On::Machine);
        let (three, four) = (labels("3"), labels("4"));
        assert_eq!(may(Some(&mine), change, Named::Machine(&three)), Ok(()));
        assert_eq!(may(Some(&mine), change, Named::Machine(&four)), Err(Denied::NotThere));
        assert_eq!(may(Some(&mine), change, Named::Stranger), Err(Denied::NotThere));
        assert!(matches!(may(Some(&mine), change, Named::None), Err(Denied::Limited(_))));
        let fleet = Policy::Needs(Role::Viewer, On::Fleet);
        assert!(matches!(may(Some(&mine), fleet, Named::None), Err(Denied::Limited(_))));
        let list = Policy::Needs(Role::Viewer, On::Machines);
        assert_eq!(may(Some(&mine), list, Named::None), Ok(()));
        assert_eq!(may(None, list, Named::None), Err(Denied::Unknown));
        assert_eq!(may(None, Policy::Public, Named::None), Ok(()));
        let low = rights(Role::Viewer, &["room=3"]);
        assert!(matches!(
            may(Some(&low), change, Named::Machine(&three)),
            Err(Denied::Role { .. })
        ));
    }
}
