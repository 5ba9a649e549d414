//! What a round consists of and what befalls it, all of it from the seed and the number of the round: what is pressed,
//! when the server is killed, what the services do with each call. Moments are counted in calls that services were
//! given, so that a slow machine sees the same round as a fast one.

use crate::outside::chance::Chance;

/// The longest that a service takes for a call that it answers, and a kill comes behind the call it waits for.
const DELAY_MS_MAX: u64 = 30;

/// What a service does with one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing but what it was asked.
    None,
    /// It says that it cannot, and has not.
    Fails,
    /// It says that it could not this once, and has not.
    FailsOnce,
    /// The connection breaks before the deed.
    LostBefore,
    /// The connection breaks behind the deed.
    LostAfter,
    /// It says nothing, and does nothing.
    HangsBefore,
    /// It does it, and says nothing.
    HangsAfter,
    /// It takes longer than anybody waits.
    Late,
    /// It crashes before the deed and comes back as another, which is off and knows nothing.
    CrashesBefore,
    /// It crashes behind the deed.
    CrashesAfter,
    /// It answers, and then crashes.
    CrashesAnswered,
}

/// In a hundred calls, so many of each; the others have none.
const FAULTS: [(u64, Fault); 10] = [
    (2, Fault::Fails),
    (6, Fault::FailsOnce),
    (3, Fault::LostBefore),
    (5, Fault::LostAfter),
    (1, Fault::HangsBefore),
    (1, Fault::HangsAfter),
    (1, Fault::Late),
    (2, Fault::CrashesBefore),
    (2, Fault::CrashesAfter),
    (2, Fault::CrashesAnswered),
];

/// Something that is pressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Press {
    /// Once services were given so many calls in this round, and the one before was answered if it is of the same hand.
    pub(super) calls: u64,
    /// What.
    pub(super) action: &'static str,
}

/// One round.
#[derive(Clone, Debug)]
pub(super) struct Round {
    /// What each of the operators presses, one behind the other.
    pub(super) operators: Vec<Vec<Press>>,
    /// When the server is killed: behind so many calls, and so many milliseconds. More than one: what was started
    /// behind a kill is killed too, the calls counted anew.
    pub(super) kills: Vec<(u64, u64)>,
}

impl Round {
    /// The round of that number.
    pub(super) fn of(seed: u64, number: u32) -> Self {
        let mut chance = Chance::of(seed, &["round", &number.to_string()]);
        // A start asks four services that count; so does a stop.
        let (mut operators, calls) = match chance.below(10) {
            0..=2 => (vec![vec!["start"]], 5),
            3..=5 => (vec![vec!["start", "stop"]], 9),
            6 => (vec![vec!["start", "emergency-stop", "initialize"]], 12),
            7 => (vec![vec!["start", "stop", "start"]], 12),
            8 => (vec![vec!["start"], vec!["stop"]], 9),
            _ => (vec![vec!["start"], vec!["emergency-stop", "initialize"]], 12),
        };
        let operators = operators.drain(..).enumerate().map(|(hand, actions)| {
            let first = if hand == 0 { 0 } else { 1 + chance.below(5) };
            let press = |(at, action)| Press { calls: if at == 0 { first } else { 0 }, action };
            actions.into_iter().enumerate().map(press).collect()
        });
        let operators = operators.collect();
        let mut kills = vec![(chance.below(calls), chance.below(DELAY_MS_MAX))];
        // While what the first kill left open is gone on with.
        while kills.len() < 3 && chance.below(4) == 0 {
            kills.push((chance.below(4), chance.below(DELAY_MS_MAX)));
        }
        Self { operators, kills }
    }
}

/// What the service does with its n-th call of a round, and how many milliseconds it takes.
pub(super) fn befalls(seed: u64, round: u32, service: &str, number: u64) -> (Fault, u64) {
    let mut chance = Chance::of(seed, &["call", &round.to_string(), service, &number.to_string()]);
    let (mut drawn, delay) = (chance.below(100), chance.below(DELAY_MS_MAX));
    for (share, fault) in FAULTS {
        if drawn < share {
            return (fault, delay);
        }
        drawn -= share;
    }
    (Fault::None, delay)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_is_the_same_again() {
        for number in 1..50 {
            let (one, other) = (Round::of(3, number), Round::of(3, number));
            assert_eq!((one.operators, &one.kills), (other.operators, &other.kills));
            assert!((1..=3).contains(&one.kills.len()), "{:?}", one.kills);
        }
    }

    #[test]
    fn most_calls_meet_nothing_and_every_fault_comes_up() {
        let drawn: Vec<Fault> = (0..2_000).map(|number| befalls(1, 1, "host", number).0).collect();
        let none = drawn.iter().filter(|fault| **fault == Fault::None).count();
        assert!((1_400..1_600).contains(&none), "{none}");
        assert!(FAULTS.iter().all(|(_, fault)| drawn.contains(fault)));
    }
}
