//! Authentication and authorization: tokens, tickets, roles, hosts and origins (rows X1, X2).

mod identity;

pub use identity::{Identity, Reach, Role};

use std::net::SocketAddr;

use onair_wire::{Code, Problem};

/// Who is known.
#[derive(Debug, Default)]
pub struct Access {}

impl Access {
    /// Who a caller is, by the token it brought.
    ///
    /// # Errors
    /// `unauthenticated`.
    pub fn identify(&self, token: Option<&str>, _peer: SocketAddr) -> Result<Identity, Problem> {
        match token {
            None => Ok(Identity::local()),
            Some(_) => Err(Problem::new(Code::Unauthenticated, "the token is not known")),
        }
    }

    /// Who a ticket was given to; it is used up by this.
    ///
    /// # Errors
    /// `unauthenticated`.
    pub fn redeem(&self, _ticket: &str) -> Result<Identity, Problem> {
        Err(Problem::new(Code::Unauthenticated, "the ticket is not known"))
    }

    /// Whether somebody who was identified earlier still may be who they are.
    #[must_use]
    pub fn still_valid(&self, _identity: &Identity) -> bool {
        true
    }
}
