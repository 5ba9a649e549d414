//! What somebody looks at and has asked for. Pure: wishes and outcomes in, orders out; the shell carries them out.

use onair_client::{Acted, Problem};
use serde_json::Value;

use super::{
    facts::Facts,
    keys::{Asked, Wish},
    paint::Tone,
    panel::Panel,
    words::{clean, said},
};
use crate::command::{action::Action, words};

/// What the shell is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// To move the lifecycle.
    Act(Action),
    /// To ask what a start would do.
    Plan,
    Reconnect,
    Redraw,
    Quit,
}

/// What lies over the panels.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Over {
    #[default]
    Nothing,
    Help,
    /// Whether to start, with the plan.
    Start(Value),
    /// Whether to end the show.
    Stop,
    /// Whether to end everything at once.
    Emergency,
}

/// A screen, beside the facts.
#[derive(Clone, Debug, Default)]
pub(super) struct Ui {
    pub(super) panel: Panel,
    /// Lines above the first that is shown; the view says how far it can go.
    pub(super) scroll: usize,
    pub(super) over: Over,
    /// What came of the last key.
    pub(super) status: Option<(String, Tone)>,
}

impl Ui {
    /// What is asked, which decides what a key means.
    pub(super) fn asked(&self) -> Asked {
        match self.over {
            Over::Nothing => Asked::Nothing,
            Over::Help => Asked::Page,
            Over::Start(_) | Over::Stop => Asked::Enter,
            Over::Emergency => Asked::Emergency,
        }
    }

    /// Takes a wish; says what is to be done for it.
    pub(super) fn take(&mut self, wish: Wish, facts: &Facts) -> Option<Order> {
        match wish {
            Wish::Show(panel) => self.show(panel),
            Wish::Next => self.show(self.panel.next()),
            Wish::Previous => self.show(self.panel.previous()),
            Wish::Scroll(by) => self.scroll = self.scroll.saturating_add_signed(by.into()),
            Wish::Top => self.scroll = 0,
            Wish::Help => self.over = Over::Help,
            Wish::Act(action) => return self.act(action, facts),
            Wish::PauseOrResume if facts.is_paused() => return self.act(Action::Resume, facts),
            Wish::PauseOrResume => return self.act(Action::Pause, facts),
            Wish::Confirm => return self.confirm(),
            Wish::Back => self.back(),
            Wish::Reconnect => return Some(Order::Reconnect),
            Wish::Redraw => return Some(Order::Redraw),
            Wish::Quit => return Some(Order::Quit),
        }
        None
    }

    fn show(&mut self, panel: Panel) {
        (self.panel, self.scroll) = (panel, 0);
    }

    fn back(&mut self) {
        match std::mem::take(&mut self.over) {
            Over::Nothing => self.status = None,
            Over::Help => {}
            Over::Start(_) => self.tell("not started", Tone::Plain),
            Over::Stop | Over::Emergency => self.tell("nothing was stopped", Tone::Plain),
        }
    }

    /// What is not allowed is answered at once, with the reason. An emergency is not argued with.
    fn act(&mut self, action: Action, facts: &Facts) -> Option<Order> {
        if action == Action::EmergencyStop {
            self.over = Over::Emergency;
            return None;
        }
        if !facts.can.is_null() && !facts.allows(action) {
            let can = facts.can(action);
            self.refuse(action, &said(can, "reason"), can);
            return None;
        }
        match action {
            Action::Start => {
                self.tell("start: asking what it would do …", Tone::Moving);
                Some(Order::Plan)
            }
            Action::Stop => {
                self.over = Over::Stop;
                None
            }
            action => Some(self.order(action)),
        }
    }

    fn confirm(&mut self) -> Option<Order> {
        let action = match std::mem::take(&mut self.over) {
            Over::Start(_) => Action::Start,
            Over::Stop => Action::Stop,
            Over::Emergency => Action::EmergencyStop,
            Over::Nothing | Over::Help => return None,
        };
        Some(self.order(action))
    }

    fn order(&mut self, action: Action) -> Order {
        self.tell(format!("{}: under way …", action.as_str()), Tone::Moving);
        Order::Act(action)
    }

    fn refuse(&mut self, action: Action, reason: &str, of: &Value) {
        let missing: Vec<String> = words(&of["missingDependencies"]);
        // The reason may name them already.
        let missing: Vec<String> =
            missing.iter().map(|name| clean(name)).filter(|name| !reason.contains(name.as_str())).collect();
        let missing = match missing.is_empty() {
            true => String::new(),
            false => format!("; missing: {}", missing.join(", ")),
        };
        self.tell(format!("{} is not allowed: {reason}{missing}", action.as_str()), Tone::Bad);
    }

    /// What a start would do came, or did not.
    pub(super) fn planned(&mut self, plan: Result<Value, Problem>) {
        match plan {
            Ok(plan) if plan["allowed"] == true => {
                self.status = None;
                // Another question that was asked meanwhile is not taken away from under somebody's finger.
                if self.over == Over::Nothing {
                    self.over = Over::Start(plan);
                }
            }
            Ok(plan) => self.refuse(Action::Start, &said(&plan, "reason"), &plan),
            Err(problem) => self.failed(Action::Start, &problem),
        }
    }

    /// An action came out.
    pub(super) fn acted(&mut self, action: Action, outcome: &Result<Acted, Problem>) {
        match outcome {
            Ok(Acted::Moved { revision, sequence, phase }) => {
                let sequence = sequence.as_ref().map(|id| format!(", {id}")).unwrap_or_default();
                let text =
                    format!("{}: done, {}{sequence}, revision {revision}", action.as_str(), clean(phase));
                self.tell(text, Tone::Good);
            }
            Ok(Acted::Planned(_)) => {}
            Err(problem) => self.failed(action, problem),
        }
    }

    fn failed(&mut self, action: Action, problem: &Problem) {
        match problem.code.as_str() {
            "not-allowed" => {
                let more = Value::Object(problem.more.clone());
                self.refuse(action, &clean(&problem.detail), &more);
            }
            _ => self.tell(format!("{}: {}", action.as_str(), clean(&problem.to_string())), Tone::Bad),
        }
    }

    fn tell(&mut self, text: impl Into<String>, tone: Tone) {
        self.status = Some((text.into(), tone));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn facts() -> Facts {
        let mut facts = Facts::new("main", "http://127.0.0.1:4200");
        facts.lifecycle = json!({ "phase": "ready", "paused": false });
        facts.can = json!({ "start": { "allowed": true }, "stop": { "allowed": true },
            "recover": { "allowed": true }, "initialize": { "allowed": false,
            "reason": "it needs host", "missingDependencies": ["host", "\u{1b}feed"] } });
        facts
    }

    fn status(ui: &Ui) -> &str {
        ui.status.as_ref().map(|(text, _)| text.as_str()).unwrap_or_default()
    }

    #[test]
    fn m5_a_start_is_shown_first_and_confirmed() {
        let (facts, mut ui) = (facts(), Ui::default());
        assert_eq!(ui.take(Wish::Act(Action::Start), &facts), Some(Order::Plan));
        ui.planned(Ok(json!({ "allowed": true, "steps": [] })));
        assert_eq!(ui.asked(), Asked::Enter);
        assert_eq!(ui.take(Wish::Confirm, &facts), Some(Order::Act(Action::Start)));
        assert_eq!((ui.asked(), status(&ui)), (Asked::Nothing, "start: under way …"));
        let moved = Acted::Moved {
            revision: onair_wire::Revision(51),
            sequence: Some("start-43".parse().unwrap()),
            phase: "live".to_owned(),
        };
        ui.acted(Action::Start, &Ok(moved));
        assert_eq!(status(&ui), "start: done, live, start-43, revision 51");
    }

    #[test]
    fn m5_what_ends_something_is_asked_for_twice() {
        let (facts, mut ui) = (facts(), Ui::default());
        for (action, asked) in [(Action::Stop, Asked::Enter), (Action::EmergencyStop, Asked::Emergency)] {
            assert_eq!((ui.take(Wish::Act(action), &facts), ui.asked()), (None, asked));
            assert_eq!((ui.take(Wish::Back, &facts), ui.asked()), (None, Asked::Nothing));
            assert_eq!(status(&ui), "nothing was stopped");
            ui.take(Wish::Act(action), &facts);
            assert_eq!(ui.take(Wish::Confirm, &facts), Some(Order::Act(action)));
        }
    }

    #[test]
    fn l9_a_no_says_why() {
        let (facts, mut ui) = (facts(), Ui::default());
        assert_eq!(ui.take(Wish::Act(Action::Initialize), &facts), None);
        assert_eq!(status(&ui), r"initialize is not allowed: it needs host; missing: \u{1b}feed");
        ui.planned(Ok(json!({ "allowed": false, "reason": "it is live" })));
        assert_eq!((status(&ui), ui.asked()), ("start is not allowed: it is live", Asked::Nothing));
        ui.acted(Action::Recover, &Err(Problem::local("offline", "there is no connection to the server")));
        assert_eq!(status(&ui), "recover: there is no connection to the server (offline)");
    }

    #[test]
    fn m5_a_plan_that_comes_late_takes_no_other_question_away() {
        let (facts, mut ui) = (facts(), Ui::default());
        ui.take(Wish::Act(Action::Start), &facts);
        ui.take(Wish::Act(Action::EmergencyStop), &facts);
        ui.planned(Ok(json!({ "allowed": true })));
        assert_eq!(ui.asked(), Asked::Emergency);
    }
}
