//! How much one client may say, mutations and signals aside: it is told once when it says too much, and then left alone.

use std::time::Duration;

use tokio::time::Instant;

/// Messages other than mutations and signals that one connection may send in a second.
pub const CHATTER_MAX: u32 = 1_000;

const SECOND: Duration = Duration::from_secs(1);

/// What is to be done about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is listened to.
    Listen,
    /// It is listened to, and the client is told that it says too much.
    Warn,
    /// The connection is closed.
    Close,
}

/// The messages of one connection in the second that runs.
#[derive(Debug)]
pub(crate) struct Chatter {
    since: Instant,
    count: u32,
}

impl Chatter {
    pub(crate) fn new(now: Instant) -> Self {
        Self { since: now, count: 0 }
    }

    /// Counts one message.
    pub(crate) fn heard(&mut self, now: Instant) -> Verdict {
        if now.duration_since(self.since) >= SECOND {
            *self = Self::new(now);
        }
        self.count += 1;
        match self.count {
            CHATTER_MAX => Verdict::Warn,
            count if count > 2 * CHATTER_MAX => Verdict::Close,
            _ => Verdict::Listen,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b24_who_says_too_much_in_a_second_is_told_once_and_then_closed() {
        let begun = Instant::now();
        let mut chatter = Chatter::new(begun);
        let verdicts: Vec<Verdict> = (0..=2 * CHATTER_MAX).map(|_| chatter.heard(begun)).collect();
        assert_eq!(verdicts.iter().filter(|verdict| **verdict == Verdict::Warn).count(), 1);
        assert_eq!(
            verdicts.iter().position(|verdict| *verdict == Verdict::Close),
            Some(2 * CHATTER_MAX as usize)
        );
    }

    #[test]
    fn b24_every_second_is_a_new_one() {
        let begun = Instant::now();
        let mut chatter = Chatter::new(begun);
        for second in 0..5 {
            for _ in 0..CHATTER_MAX - 1 {
                assert_eq!(chatter.heard(begun + second * SECOND), Verdict::Listen);
            }
        }
    }
}
