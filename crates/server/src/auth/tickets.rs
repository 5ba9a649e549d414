//! Tickets: what stands in the address of an event source or a picture, where no header can (contract, section 2).
//!
//! An address ends up in logs and histories, so a ticket is good for one use within a minute, and is kept as a hash.

use std::{collections::BTreeMap, sync::Mutex};

use onair_wire::{Code, Millis, Problem, Timestamp};

use super::{
    Identity,
    secret::{self, Hash},
};

/// How long a ticket is good for.
pub const TICKET_AGE: Millis = Millis(60_000);

/// Tickets that wait to be used. Each costs about 200 bytes; the rate of requests bounds them long before this does.
pub const TICKETS_MAX: usize = 10_000;

/// Tickets of one token that wait to be used, so that one caller does not take those of all others.
pub const TICKETS_PER_TOKEN_MAX: usize = 1_000;

const PREFIX: &str = "ticket_";

/// A ticket, shown once.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// What to say in `?ticket=`.
    pub text: String,
    /// Until when.
    pub expires_at: Timestamp,
}

/// Those that were issued and not used.
#[derive(Debug, Default)]
pub(super) struct Tickets {
    /// Held for a look-up or an insertion, and for a sweep when there are many.
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    tickets: BTreeMap<Hash, (Identity, Timestamp)>,
    by_token: BTreeMap<Option<String>, usize>,
}

impl Waiting {
    fn take(&mut self, hash: &Hash) -> Option<(Identity, Timestamp)> {
        let (identity, expires_at) = self.tickets.remove(hash)?;
        if let Some(count) = self.by_token.get_mut(&identity.token) {
            *count -= 1;
            if *count == 0 {
                self.by_token.remove(&identity.token);
            }
        }
        Some((identity, expires_at))
    }

    fn sweep(&mut self, now: Timestamp) {
        let expired = self.tickets.iter().filter(|(_, (_, expires_at))| *expires_at <= now);
        let expired: Vec<Hash> = expired.map(|(hash, _)| *hash).collect();
        for hash in expired {
            self.take(&hash);
        }
    }

    fn is_full_for(&self, token: &Option<String>) -> bool {
        let own = self.by_token.get(token).copied().unwrap_or(0);
        self.tickets.len() >= TICKETS_MAX || own >= TICKETS_PER_TOKEN_MAX
    }
}

impl Tickets {
    /// Makes one for somebody.
    pub(super) fn issue(&self, identity: &Identity, now: Timestamp) -> Result<Ticket, Problem> {
        let secret =
            secret::secret().map_err(|_| Problem::new(Code::Internal, "the system gives no random bytes"))?;
        let text = format!("{PREFIX}{secret}");
        let mut waiting = self.lock();
        if waiting.is_full_for(&identity.token) {
            waiting.sweep(now);
        }
        if waiting.is_full_for(&identity.token) {
            let detail = format!(
                "more than {TICKETS_PER_TOKEN_MAX} tickets of one token, or {TICKETS_MAX} of all, wait to be used"
            );
            return Err(Problem::new(Code::TooManyRequests, detail).with("retryAfter", TICKET_AGE.0 / 1_000));
        }
        let expires_at = now.plus(TICKET_AGE);
        waiting.tickets.insert(Hash::of(&text), (identity.clone(), expires_at));
        *waiting.by_token.entry(identity.token.clone()).or_default() += 1;
        Ok(Ticket { text, expires_at })
    }

    /// Who it was made for; it is used up by that.
    pub(super) fn redeem(&self, text: &str, now: Timestamp) -> Option<Identity> {
        if text.len() > super::tokens::TEXT_LENGTH_MAX {
            return None;
        }
        let (identity, expires_at) = self.lock().take(&Hash::of(text))?;
        (now < expires_at).then_some(identity)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().expect("nothing panics while it holds the tickets")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::EPOCH;

    #[test]
    fn x1_a_ticket_is_good_for_one_use_within_its_time() {
        let tickets = Tickets::default();
        let table = [("at once", 0, true), ("at the last moment", 59_999, true), ("too late", 60_000, false)];
        for (case, after, good) in table {
            let ticket = tickets.issue(&Identity::local(), NOW).expect("issued");
            let used = NOW.plus(Millis(after));
            assert_eq!(tickets.redeem(&ticket.text, used).is_some(), good, "{case}");
            assert_eq!(tickets.redeem(&ticket.text, NOW), None, "{case}, twice");
        }
        assert_eq!(tickets.redeem("ticket_other", NOW), None);
        assert!(tickets.lock().by_token.is_empty());
    }

    #[test]
    fn x2_nobody_takes_the_tickets_of_all_and_time_gives_them_back() {
        let tickets = Tickets::default();
        let kim = Identity { token: Some("kim".into()), ..Identity::local() };
        for _ in 0..TICKETS_PER_TOKEN_MAX {
            tickets.issue(&kim, NOW).expect("room");
        }
        let refused = tickets.issue(&kim, NOW).expect_err("too many");
        assert_eq!(refused.code, Code::TooManyRequests);
        tickets.issue(&Identity::local(), NOW).expect("somebody else's");
        tickets.issue(&kim, NOW.plus(TICKET_AGE)).expect("the first ones have expired");
        assert_eq!(tickets.lock().tickets.len(), 1);
    }
}
