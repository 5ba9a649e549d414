//! What the demo does next, and when: initialize, start, one fault, start again. Pure.
//!
//! The plot looks at what is true and never counts on it: who stops the show by hand has stopped it, and the plot leaves
//! it so until somebody starts it again.

use std::time::Duration;

use onair_core::{
    Phase,
    lifecycle::{Reason, Transition},
};

use super::script::Quiz;

/// How long `ready` is shown before the start.
const CURTAIN: Duration = Duration::from_millis(1_000);
/// The question that the host does not get to the end of.
const FATAL_ROUND: u64 = 2;
/// How long it is open by then: the first votes are in.
const FATAL_MOMENT: Duration = Duration::from_millis(2_600);
/// How long the show is live again before the demo says what has happened.
const BREATHER: Duration = Duration::from_millis(4_500);

/// Something to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Ask for `initialize`.
    Initialize,
    /// Ask for `start`.
    Start,
    /// Kill the host's process.
    Kill,
    /// Say what has happened, and what there is to try.
    Explain,
}

/// What is true now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) phase: Phase,
    /// How long it is so.
    pub(super) lasted: Duration,
    pub(super) paused: bool,
    /// Whether a sequence is under way.
    pub(super) busy: bool,
    /// Whether the host is there and well.
    pub(super) host_is_well: bool,
    pub(super) round: u64,
    /// For how long the question has been open.
    pub(super) open_for: Option<Duration>,
}

/// How far the plot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chapter {
    /// Nothing was asked for yet.
    Curtain,
    /// The show goes on, and the fault is to come.
    Calm,
    /// The host was killed.
    Fallen,
    /// There is nothing more to be done than to keep the show going.
    Told,
}

/// The plot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plot {
    chapter: Chapter,
    /// Whether there is to be a fault.
    fault: bool,
    /// Whether the show is meant to be on.
    wanted: bool,
    /// Whether a start was asked for in this phase.
    asked: bool,
    /// How much faster than real everything is.
    pace: f64,
}

impl Plot {
    pub(super) fn new(fault: bool, pace: f64) -> Self {
        Self { chapter: Chapter::Curtain, fault, wanted: true, asked: false, pace }
    }

    /// Whether the host was killed on purpose and is not back on air: its absence is part of the plot.
    pub(super) fn has_fallen(&self) -> bool {
        self.chapter == Chapter::Fallen
    }

    /// What the plot waits for, when somebody has just brought the show to where it stays until somebody says more.
    pub(super) fn waits_for(&self, moved: &Transition) -> Option<&'static str> {
        match (moved.to, moved.reason) {
            _ if self.wanted => None,
            (Phase::Ready, _) => Some("onair start"),
            (Phase::Idle, Reason::Forced) => Some("onair initialize; onair start"),
            _ => None,
        }
    }

    /// The phase moved, by whomever.
    pub(super) fn moved(&mut self, transition: &Transition) {
        self.asked = false;
        self.wanted = match (transition.to, transition.reason) {
            (Phase::Starting, _) => true,
            (_, Reason::Forced) => false,
            (Phase::Stopping | Phase::Error | Phase::Idle, Reason::UserAction) => false,
            _ => self.wanted,
        };
    }

    /// What to do now, if anything. What it answers is taken to be done.
    pub(super) fn next(&mut self, moment: &Moment) -> Option<Act> {
        let act = self.look(moment)?;
        match act {
            Act::Initialize => self.chapter = Chapter::Calm,
            Act::Start => self.asked = true,
            Act::Kill => self.chapter = Chapter::Fallen,
            Act::Explain => self.chapter = Chapter::Told,
        }
        Some(act)
    }

    fn look(&self, moment: &Moment) -> Option<Act> {
        if moment.busy || moment.paused {
            return None;
        }
        let lasts = |time: Duration| moment.lasted >= time.div_f64(self.pace);
        match (moment.phase, self.chapter) {
            (Phase::Idle, Chapter::Curtain) => Some(Act::Initialize),
            (Phase::Ready, _) if self.wanted && !self.asked && lasts(CURTAIN) => Some(Act::Start),
            (Phase::Live, Chapter::Calm) if !self.fault => lasts(BREATHER).then_some(Act::Explain),
            (Phase::Live, Chapter::Calm) => self.is_fatal(moment).then_some(Act::Kill),
            (Phase::Live, Chapter::Fallen) => {
                (moment.host_is_well && lasts(BREATHER)).then_some(Act::Explain)
            }
            _ => None,
        }
    }

    fn is_fatal(&self, moment: &Moment) -> bool {
        let open = moment.open_for.is_some_and(|open| open >= FATAL_MOMENT.div_f64(self.pace));
        moment.host_is_well && moment.round >= FATAL_ROUND && open
    }
}

impl Moment {
    /// What is true of the quiz.
    pub(super) fn with_quiz(self, quiz: &Quiz, changed: Duration) -> Self {
        Self { round: quiz.round, open_for: quiz.open.then_some(changed), ..self }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(phase: Phase, lasted_ms: u64) -> Moment {
        let lasted = Duration::from_millis(lasted_ms);
        Moment { phase, lasted, paused: false, busy: false, host_is_well: true, round: 1, open_for: None }
    }

    fn open(lasted_ms: u64, round: u64) -> Moment {
        let quiz = Quiz { round, open: true, votes: [0; 3] };
        at(Phase::Live, lasted_ms).with_quiz(&quiz, Duration::from_millis(lasted_ms))
    }

    fn moved(from: &str, to: &str, reason: &str) -> Transition {
        let moved = json!({ "from": from, "to": to, "reason": reason, "actor": "operator:local",
            "at": "2026-11-20T18:00:00.000Z", "lasted": 1 });
        serde_json::from_value(moved).unwrap()
    }

    /// A plot whose show was brought on air.
    fn on_air(fault: bool) -> Plot {
        let mut plot = Plot::new(fault, 1.0);
        assert_eq!(plot.next(&at(Phase::Idle, 0)), Some(Act::Initialize));
        plot.moved(&moved("idle", "initializing", "user_action"));
        plot.moved(&moved("initializing", "ready", "dependency_ready"));
        assert_eq!(plot.next(&at(Phase::Ready, 10)), None, "the curtain");
        assert_eq!(plot.next(&at(Phase::Ready, 2_000)), Some(Act::Start));
        assert_eq!(plot.next(&at(Phase::Ready, 2_000)), None, "it is asked for once");
        plot.moved(&moved("ready", "starting", "user_action"));
        plot.moved(&moved("starting", "live", "dependency_ready"));
        plot
    }

    #[test]
    fn from_the_curtain_over_the_fall_to_the_end() {
        let mut plot = on_air(true);
        assert_eq!(plot.next(&open(9_000, 1)), None);
        assert_eq!(plot.next(&open(1_000, 2)), None);
        assert_eq!(plot.next(&open(3_000, 2)), Some(Act::Kill));
        assert!(plot.has_fallen());
        plot.moved(&moved("live", "error", "error"));
        assert_eq!(plot.next(&at(Phase::Error, 9_000)), None, "onair recovers by itself");
        plot.moved(&moved("error", "idle", "recovery"));
        plot.moved(&moved("idle", "initializing", "recovery"));
        plot.moved(&moved("initializing", "ready", "dependency_ready"));
        assert_eq!(plot.next(&at(Phase::Ready, 2_000)), Some(Act::Start));
        plot.moved(&moved("ready", "starting", "user_action"));
        plot.moved(&moved("starting", "live", "dependency_ready"));
        assert_eq!(plot.next(&at(Phase::Live, 9_000)), Some(Act::Explain));
        assert_eq!(plot.next(&open(9_000, 5)), None, "one fault is enough");
    }

    #[test]
    fn without_a_fault_there_is_only_something_to_say() {
        let mut plot = on_air(false);
        assert_eq!(plot.next(&open(9_000, 2)), Some(Act::Explain));
        assert_eq!(plot.next(&open(9_000, 2)), None);
    }

    #[test]
    fn what_somebody_stops_stays_stopped_until_somebody_starts_it() {
        for by_hand in [
            moved("live", "stopping", "user_action"),
            moved("live", "error", "forced"),
            moved("live", "idle", "forced"),
            moved("ready", "idle", "user_action"),
        ] {
            let mut plot = on_air(true);
            plot.moved(&by_hand);
            let waits = plot.waits_for(&moved("initializing", "ready", "dependency_ready"));
            assert_eq!(waits, Some("onair start"), "{by_hand:?}");
            plot.moved(&moved("idle", "initializing", "system_init"));
            plot.moved(&moved("initializing", "ready", "dependency_ready"));
            assert_eq!(plot.next(&at(Phase::Ready, 60_000)), None, "{by_hand:?}");
            plot.moved(&moved("ready", "starting", "user_action"));
            plot.moved(&moved("starting", "live", "dependency_ready"));
            assert_eq!(plot.next(&open(3_000, 2)), Some(Act::Kill), "{by_hand:?}");
        }
    }

    #[test]
    fn nothing_is_done_while_something_is_under_way() {
        let mut plot = on_air(true);
        for moment in [
            Moment { busy: true, ..open(9_000, 2) },
            Moment { paused: true, ..open(9_000, 2) },
            Moment { host_is_well: false, ..open(9_000, 2) },
        ] {
            assert_eq!(plot.next(&moment), None, "{moment:?}");
        }
    }

    #[test]
    fn a_pace_makes_waits_shorter() {
        let mut plot = Plot::new(true, 4.0);
        plot.next(&at(Phase::Idle, 0));
        assert_eq!(plot.next(&at(Phase::Ready, 300)), Some(Act::Start));
    }
}
