//! What an agent has done, by key, so that nothing is done twice; pure.
//!
//! A key that is under way is not begun again: whoever asks meanwhile is answered together. What came out well, or never
//! will, is remembered; what may work at another attempt is not, and neither is how it is.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use onair_wire::TaskAction;
use serde_json::{Value, json};

use super::Failure;

/// Keys that are remembered: some days of shows. The oldest goes first.
pub const KEYS_MAX: usize = 1_000;

/// What comes of a task.
pub(super) type Outcome = Result<Value, Failure>;

/// What to do about a task.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// It is new: it is to be done.
    Begin,
    /// It is under way already, and answered when it ends.
    Wait,
    /// It was done already: this is the answer.
    Answer(String),
}

/// What was done, and what is under way.
#[derive(Debug, Default)]
pub(super) struct Desk {
    done: BTreeMap<Arc<str>, Outcome>,
    order: VecDeque<Arc<str>>,
    /// Keys under way, with the tasks that are to be answered.
    under: BTreeMap<Arc<str>, Vec<String>>,
}

impl Desk {
    /// A task comes.
    pub(super) fn task(&mut self, id: &str, key: &Arc<str>) -> Step {
        if let Some(outcome) = self.done.get(key) {
            return Step::Answer(answer(id, outcome));
        }
        match self.under.get_mut(key) {
            Some(ids) => {
                if !ids.iter().any(|known| known == id) {
                    ids.push(id.to_owned());
                }
                Step::Wait
            }
            None => {
                self.under.insert(Arc::clone(key), vec![id.to_owned()]);
                Step::Begin
            }
        }
    }

    /// The key under which a task is done.
    pub(super) fn key_of(&self, id: &str) -> Option<&Arc<str>> {
        self.under.iter().find(|(_, ids)| ids.iter().any(|known| known == id)).map(|(key, _)| key)
    }

    /// A key has come to its end: what there is to be answered.
    pub(super) fn ended(&mut self, key: &Arc<str>, action: TaskAction, outcome: Outcome) -> Vec<String> {
        let ids = self.under.remove(key).unwrap_or_default();
        let answers = ids.iter().map(|id| answer(id, &outcome)).collect();
        let passing = outcome.as_ref().is_err_and(|failure| failure.retryable);
        if action != TaskAction::Health && !passing && self.done.insert(Arc::clone(key), outcome).is_none() {
            self.order.push_back(Arc::clone(key));
        }
        while self.order.len() > KEYS_MAX {
            let oldest = self.order.pop_front();
            oldest.map(|oldest| self.done.remove(&oldest));
        }
        answers
    }
}

fn answer(id: &str, outcome: &Outcome) -> String {
    let answer = match outcome {
        Ok(result) => json!({ "type": "done", "id": id, "result": result }),
        Err(Failure { error, retryable }) => {
            json!({ "type": "failed", "id": id, "error": error, "retryable": retryable })
        }
    };
    answer.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Arc<str> {
        name.into()
    }

    #[test]
    fn s3_a_key_is_done_once_and_everybody_who_asked_is_answered() {
        let mut desk = Desk::default();
        assert_eq!(desk.task("t-1", &key("a")), Step::Begin);
        assert_eq!(desk.task("t-1", &key("a")), Step::Wait);
        assert_eq!(desk.task("t-2", &key("a")), Step::Wait);
        let answers = desk.ended(&key("a"), TaskAction::Start, Ok(json!({ "pid": 7 })));
        let expected = |id| format!(r#"{{"id":"{id}","result":{{"pid":7}},"type":"done"}}"#);
        assert_eq!(answers, [expected("t-1"), expected("t-2")]);
        assert_eq!(desk.task("t-3", &key("a")), Step::Answer(expected("t-3")));
        assert_eq!(desk.task("t-4", &key("b")), Step::Begin);
    }

    #[test]
    fn s3_what_is_remembered_and_what_is_not() {
        let failed = |retryable| Err(Failure { error: "no".into(), retryable });
        let table = [
            (TaskAction::Start, Ok(json!({})), true),
            (TaskAction::Stop, failed(false), true),
            (TaskAction::Start, failed(true), false),
            (TaskAction::Health, Ok(json!({})), false),
        ];
        for (action, outcome, remembered) in table {
            let mut desk = Desk::default();
            desk.task("t-1", &key("a"));
            desk.ended(&key("a"), action, outcome.clone());
            assert_eq!(desk.task("t-2", &key("a")) != Step::Begin, remembered, "{action:?} {outcome:?}");
        }
    }

    #[test]
    fn s3_the_oldest_key_is_forgotten_first() {
        let mut desk = Desk::default();
        for number in 0..=KEYS_MAX {
            desk.task("t", &key(&number.to_string()));
            desk.ended(&key(&number.to_string()), TaskAction::Start, Ok(Value::Null));
        }
        assert_eq!(desk.task("t", &key("0")), Step::Begin);
        assert_ne!(desk.task("t", &key("1")), Step::Begin);
        assert_eq!((desk.done.len(), desk.order.len()), (KEYS_MAX, KEYS_MAX));
    }
}
