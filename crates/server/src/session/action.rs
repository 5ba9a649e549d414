//! The lifecycle's actions over a session: handed over in the order they were said, answered when they have ended.

use std::sync::{Arc, atomic::Ordering};

use onair_core::Act;
use onair_runtime::TaskKind;
use onair_wire::{
    MutationId, Outcome, Problem, ProductionId,
    json::JsonError,
    sync::{Action, ServerMessage},
};
use serde_json::{Map, Value, json};

use super::{Session, answer};
use crate::{action, auth::Role};

/// How an action is asked for: what belongs to it, and what of it the session does.
struct Wish {
    act: Act,
    wait: bool,
    dry: bool,
}

impl Session {
    pub(super) async fn action(&mut self, asked: Action) {
        let Action { id, production, action, params } = asked;
        if let Err(problem) = self.hand_over(&id, &production, &action, params).await {
            self.refuse(Some(id.as_str()), &problem);
        }
    }

    async fn hand_over(
        &mut self,
        id: &MutationId,
        production: &ProductionId,
        action: &str,
        params: Option<Value>,
    ) -> Result<(), Problem> {
        let handle = self.writable(production, Role::Operator).await?;
        let Wish { act, wait, dry } = wish(action, params)?;
        let actor = self.entry.actor.clone();
        if dry {
            let (revision, plan) = action::tried(&self.app, &handle, &act, &actor);
            self.say(&ServerMessage::Planned { id, revision, plan: json!(plan) });
            return Ok(());
        }
        self.admit()?;
        let acting = action::ask(&handle, actor, Some(id.clone()), act).inspect_err(|_| {
            self.entry.pending.fetch_sub(1, Ordering::Relaxed);
        })?;
        let (app, entry, id) = (self.app.clone(), Arc::clone(&self.entry), id.clone());
        let (outlet, after, gone) = (self.connection.outlet(), self.behind(production), self.gone.clone());
        self.app.tasks.spawn(TaskKind::Action, async move {
            let came = gone.run_until_cancelled(action::came(&app, acting, wait)).await;
            if let (Some(came), Some(outlet)) = (came, outlet.upgrade()) {
                let frame = match came {
                    Ok(acted) => answer::frame(&ServerMessage::Acted {
                        id: &id,
                        revision: acted.revision,
                        outcome: Outcome::Applied,
                        sequence: acted.sequence.as_ref(),
                        phase: acted.phase.as_str(),
                    }),
                    Err(problem) => answer::problem(Some(id.as_str()), &problem),
                };
                outlet.send(frame, after);
            }
            entry.pending.fetch_sub(1, Ordering::Relaxed);
        });
        Ok(())
    }
}

fn wish(action: &str, params: Option<Value>) -> Result<Wish, Problem> {
    let name = action::named(action)?;
    let mut told = match params {
        None => Map::new(),
        Some(Value::Object(told)) => told,
        Some(_) => return Err(invalid("", "what an action is told is an object")),
    };
    let (wait, dry) = (flag(&mut told, "wait", true)?, flag(&mut told, "dryRun", false)?);
    let act = action::read(name, told).map_err(|problem| {
        let place = problem.errors.into_iter().next();
        place.map_or_else(|| invalid("", &problem.detail), |place| invalid(&place.pointer, &place.detail))
    })?;
    Ok(Wish { act, wait, dry })
}

fn flag(told: &mut Map<String, Value>, name: &str, default: bool) -> Result<bool, Problem> {
    match told.remove(name) {
        None => Ok(default),
        Some(Value::Bool(said)) => Ok(said),
        Some(_) => Err(invalid(&format!("/{name}"), "it is true or false")),
    }
}

/// `invalid`, at a place within what an action is told.
fn invalid(pointer: &str, detail: &str) -> Problem {
    JsonError::Invalid { pointer: format!("/params{pointer}"), detail: detail.into() }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l4_what_an_action_is_told_is_read_strictly() {
        let table = [
            ("start", json!(null), ""),
            ("start", json!({"sessionId": "s-1", "kind": "analysis", "wait": false}), ""),
            ("stop", json!({}), ""),
            ("stop", json!({"dryRun": true}), ""),
            ("fly", json!(null), "/action"),
            ("start", json!([]), "/params"),
            ("start", json!({"sesionId": "s-1"}), "/params/sesionId"),
            ("start", json!({"sessionId": 1}), "/params/sessionId"),
            ("start", json!({"sessionId": ""}), "/params/sessionId"),
            ("start", json!({"kind": "x".repeat(129)}), "/params/kind"),
            ("stop", json!({"sessionId": "s-1"}), "/params/sessionId"),
            ("stop", json!({"wait": 1}), "/params/wait"),
        ];
        for (action, params, pointer) in table {
            let read = wish(action, Some(params.clone()).filter(|params| !params.is_null()));
            let found = read.err().map_or(String::new(), |problem| problem.errors[0].pointer.clone());
            assert_eq!(found, pointer, "{action} {params}");
        }
        assert!(wish("fly", None).err().expect("a refusal").detail.contains("`emergency-stop`"));
    }
}
