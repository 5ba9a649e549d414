//! Authentication and authorization: tokens, tickets, roles, hosts and origins (rows X1, X2).
//!
//! [`Access`] says who somebody is, [`Identity::may`] what they may do, [`Guard`] which web pages are listened to. HTTP
//! and sockets ask the same three.

pub mod admin;
mod caller;
mod file;
pub mod guard;
mod identity;
mod rate;
pub mod routes;
mod secret;
mod site;
pub mod tickets;
pub mod tokens;

pub use admin::AdminToken;
pub use caller::Caller;
pub use guard::Guard;
pub use identity::{Identity, Reach, Role};
pub use rate::Rates;
pub use tickets::Ticket;
pub use tokens::{NewToken, Token, Tokens};

use std::{
    net::SocketAddr,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use onair_runtime::Clock;
use onair_wire::{
    Code, Problem,
    planted::{Bug, planted},
};
use thiserror::Error;

use rate::{Buckets, Key, Pace};
use tickets::Tickets;
use tokens::Stranger;

/// What every caller hears whose token is nobody's: not whether it was, or is no more.
const UNKNOWN: &str = "the token is not known here";

/// Why nobody can be known: the server does not start.
#[derive(Debug, Error)]
pub enum Error {
    /// The file of tokens.
    #[error(transparent)]
    Tokens(#[from] tokens::Error),
    /// The owner's token.
    #[error(transparent)]
    Admin(#[from] admin::Error),
}

/// Who is known.
#[derive(Debug)]
pub struct Access {
    tokens: Tokens,
    admin: Option<AdminToken>,
    tickets: Tickets,
    clock: Clock,
    requests: Option<Buckets>,
    failures: Buckets,
    failed: AtomicU64,
}

impl Default for Access {
    /// Nobody is known, nothing is kept: callers on the machine itself are operators.
    fn default() -> Self {
        Self::new(Tokens::default(), None, Clock::system(), &Rates::default(), &Pace::machine())
    }
}

impl Access {
    /// Reads who is known from a data directory; the first time, makes the token of its owner.
    ///
    /// # Errors
    /// [`Error`], with the file and the place in it.
    pub fn open(folder: &Path, clock: Clock, rates: &Rates) -> Result<Self, Error> {
        let (tokens, admin) = (Tokens::open(folder)?, AdminToken::open(folder)?);
        Ok(Self::new(tokens, Some(admin), clock, rates, &Pace::machine()))
    }

    fn new(tokens: Tokens, admin: Option<AdminToken>, clock: Clock, rates: &Rates, pace: &Pace) -> Self {
        let requests = Buckets::per_second(rates.requests_per_second, rates.requests_burst, pace.clone());
        let failures = Buckets::per_minute(rates.failures_per_minute, pace.clone());
        let (tickets, failed) = (Tickets::default(), AtomicU64::new(0));
        Self { tokens, admin, tickets, clock, requests, failures, failed }
    }

    /// Who a caller is, by the token it brought. A good token is good however many bad ones came from its address.
    ///
    /// # Errors
    /// `unauthenticated`, with one sentence whatever is wrong with the token; `too-many-requests` when too many bad
    /// ones came from there.
    pub fn identify(&self, token: Option<&str>, peer: SocketAddr) -> Result<Identity, Problem> {
        let Some(token) = token else { return self.without_token(peer) };
        if let Some(admin) = self.admin.as_ref().filter(|admin| admin.is(token)) {
            return Ok(admin.identity());
        }
        self.tokens.verify(token, self.clock.now()).map_err(|why| self.stranger(why, peer))
    }

    /// Who a ticket was made for; it is used up.
    ///
    /// # Errors
    /// As [`Access::identify`].
    pub fn redeem(&self, ticket: &str, peer: SocketAddr) -> Result<Identity, Problem> {
        let identity = self.tickets.redeem(ticket, self.clock.now());
        let identity = identity.filter(|identity| self.still_valid(identity));
        identity.ok_or_else(|| self.stranger(Stranger::Unknown, peer))
    }

    /// Makes a ticket for somebody.
    ///
    /// # Errors
    /// `too-many-requests` when too many wait to be used.
    pub fn ticket(&self, identity: &Identity) -> Result<Ticket, Problem> {
        self.tickets.issue(identity, self.clock.now())
    }

    /// Whether somebody who was identified earlier still may be who they are. Asked for every message of a socket.
    #[must_use]
    pub fn still_valid(&self, identity: &Identity) -> bool {
        match identity.token.as_deref() {
            None => !self.has_tokens(),
            Some(admin::ID) => self.admin.is_some(),
            Some(_) if planted(Bug::TokenCached) => true,
            Some(id) => self.tokens.still_valid(id, self.clock.now()),
        }
    }

    /// Whether a token is configured, so that a caller without one is nobody.
    #[must_use]
    pub fn has_tokens(&self) -> bool {
        self.tokens.any()
    }

    /// Takes over what somebody else, the command line say, wrote to the file of tokens. To be called now and then.
    pub fn refresh(&self) {
        if let Err(error) = self.tokens.refresh() {
            tracing::error!(%error, "the tokens could not be read anew, those known before stay");
        }
    }

    /// The tokens, to be listed, made and revoked.
    #[must_use]
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// The owner's token.
    #[must_use]
    pub fn admin(&self) -> Option<&AdminToken> {
        self.admin.as_ref()
    }

    /// What time it is for tokens.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Wrong tokens and tickets since the start.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// Counts a request of somebody, or of an address when nobody is known there.
    ///
    /// # Errors
    /// `too-many-requests`.
    pub fn count(&self, identity: Option<&Identity>, peer: SocketAddr) -> Result<(), Problem> {
        let Some(requests) = &self.requests else { return Ok(()) };
        let token = identity.and_then(|identity| identity.token.as_deref());
        let key = token.map_or_else(|| Key::address(peer.ip()), Key::token);
        requests.take(key).map_err(|wait| too_many("requests come faster than this server takes them", wait))
    }

    fn without_token(&self, peer: SocketAddr) -> Result<Identity, Problem> {
        // A proxy on this machine makes everybody a neighbour; `Guard` takes that away from those who came through one.
        if !self.has_tokens() && peer.ip().to_canonical().is_loopback() {
            return Ok(Identity::local());
        }
        Err(Problem::new(Code::Unauthenticated, "this needs a token: `Authorization: Bearer onair_…`"))
    }

    fn stranger(&self, why: Stranger, peer: SocketAddr) -> Problem {
        self.failed.fetch_add(1, Ordering::Relaxed);
        match self.failures.take(Key::address(peer.ip())) {
            Ok(()) => {
                tracing::info!(address = %peer.ip(), reason = ?why, "a token was refused");
                Problem::new(Code::Unauthenticated, UNKNOWN)
            }
            Err(wait) => too_many("too many wrong tokens came from this address", wait),
        }
    }
}

fn too_many(detail: &str, wait: Duration) -> Problem {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    Problem::new(Code::TooManyRequests, detail).with("retryAfter", seconds.max(1))
}

#[cfg(test)]
mod tests;
