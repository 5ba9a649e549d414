//! Who somebody is, and what they may do: the one place that says so, for HTTP and for every message of a socket.

use std::{collections::BTreeSet, fmt, str::FromStr};

use onair_wire::{Actor, Code, Problem, ProductionId};
use serde::{Deserialize, Serialize};

/// What somebody may do; each role may do what those before it may (contract, section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads.
    Viewer,
    /// Carries out tasks of its services, pushes signals and frames.
    Agent,
    /// Writes documents and acts.
    Operator,
    /// Productions, tokens, backends, import.
    Admin,
}

impl Role {
    /// All of them, the least first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Agent, Self::Operator, Self::Admin];

    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Agent => "agent",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|role| role.as_str() == text);
        known.ok_or_else(|| format!("a role is viewer, agent, operator or admin, not {text:?}"))
    }
}

/// Which productions somebody reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Every one.
    All,
    /// Only these.
    Named(BTreeSet<ProductionId>),
}

impl Reach {
    /// Whether it goes so far.
    #[must_use]
    pub fn covers(&self, production: &ProductionId) -> bool {
        match self {
            Self::All => true,
            Self::Named(named) => named.contains(production),
        }
    }
}

/// Somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The name of the token, or `local` for a caller without one.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Where.
    pub reach: Reach,
    /// The id of the token, which can be revoked.
    pub token: Option<String>,
}

impl Identity {
    /// A caller without a token on a server that has none configured.
    #[must_use]
    pub fn local() -> Self {
        Self { name: "local".into(), role: Role::Operator, reach: Reach::All, token: None }
    }

    /// As commits name them: `operator:kim` (row X3).
    #[must_use]
    pub fn actor(&self) -> Actor {
        let name: String = self.name.chars().filter(char::is_ascii_graphic).take(64).collect();
        Actor::new(format!("{}:{name}", self.role)).expect("a role, a colon and printable characters")
    }

    /// That they have the role, in the production if one is meant.
    ///
    /// # Errors
    /// `forbidden`, with the role that is needed. A production out of reach is not told from one that is not there.
    pub fn may(&self, needed: Role, production: Option<&ProductionId>) -> Result<(), Problem> {
        if let Some(production) = production
            && !self.reach.covers(production)
        {
            return Err(Problem::new(
                Code::Forbidden,
                format!("this token does not reach production {production}"),
            ));
        }
        if self.role < needed {
            let detail = format!("this needs the role {needed}, the caller is {}", self.role);
            return Err(Problem::new(Code::Forbidden, detail).with("role", needed.as_str()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x1_each_role_may_what_those_before_it_may() {
        for (have, needed) in Role::ALL.into_iter().flat_map(|have| Role::ALL.map(|needed| (have, needed))) {
            let identity = Identity { role: have, ..Identity::local() };
            assert_eq!(identity.may(needed, None).is_ok(), have >= needed, "{have} for {needed}");
        }
    }

    #[test]
    fn x1_a_token_reaches_the_productions_it_names() {
        let main = ProductionId::new("main").expect("a name");
        let other = ProductionId::new("other").expect("a name");
        let identity = Identity { reach: Reach::Named([main.clone()].into()), ..Identity::local() };
        assert!(identity.may(Role::Viewer, Some(&main)).is_ok());
        assert_eq!(identity.may(Role::Viewer, Some(&other)).expect_err("out of reach").code, Code::Forbidden);
    }
}
