//! The beginning of an agent: who is there, for which service, and whether there is such a service.

use std::sync::Arc;

use onair_core::Manifest;
use onair_runtime::Handle;
use onair_wire::{
    Code, Instance, Problem,
    agent::{AgentMessage, Register},
    sync::Misunderstood,
};
use serde_json::Value;

use super::say;
use crate::{
    App,
    auth::{Identity, Role},
    session::{
        Close,
        hello::{self, Caller},
    },
    socket::Connection,
};

/// No `register` in time.
const NO_REGISTER: Close = Close { code: 4408, reason: "no register in time" };
/// Something else before `register`.
const ORDER: Close = Close { code: 1008, reason: "register comes first" };
/// There is no such production or service.
const NOWHERE: Close = Close { code: 1008, reason: "there is nothing to register for" };
/// It may work later.
const LATER: Close = Close { code: 4429, reason: "come back later" };

/// An agent that may register.
pub(super) struct Applicant {
    pub(super) identity: Identity,
    pub(super) name: Option<String>,
    pub(super) handle: Handle,
    pub(super) service: Arc<str>,
    pub(super) instance: Option<Instance>,
}

/// Waits for `register` and says who it was.
pub(super) async fn hear(
    app: &App,
    connection: &mut Connection,
    caller: Caller,
) -> Result<Applicant, Option<Close>> {
    let text = hello::first_text(app, connection, NO_REGISTER, ORDER).await?;
    judge(app, caller, text.as_bytes()).await.map_err(|(problem, close)| {
        say::refuse(app, connection, None, &problem);
        Some(close)
    })
}

/// In this order: the message, who says it, what they may, and whether there is what they ask for.
async fn judge(app: &App, caller: Caller, text: &[u8]) -> Result<Applicant, (Box<Problem>, Close)> {
    let register = match AgentMessage::parse(text) {
        Ok(AgentMessage::Register(register)) => register,
        Ok(_) => {
            let problem = Problem::new(Code::Unauthenticated, "the first message is `register`");
            return Err((Box::new(problem), ORDER));
        }
        Err(Misunderstood { problem, .. }) => return Err((problem, ORDER)),
    };
    let Register { production, service, token, instance, client } = register;
    let refuse = |close: Close| move |problem: Problem| (Box::new(problem), close);
    let identity = caller.identify(app, token.as_deref()).map_err(|problem| {
        let late = problem.code == Code::TooManyRequests;
        refuse(if late { Close::TOO_MANY } else { Close::UNAUTHENTICATED })(problem)
    })?;
    identity.may(Role::Agent, Some(&production)).map_err(refuse(Close::FORBIDDEN))?;
    let handle = app.productions.open(&production).await.map_err(|error| {
        let problem = error.problem();
        match problem.code {
            Code::NotFound => refuse(NOWHERE)(problem.at("/production", "there is none of this name")),
            Code::Closing => refuse(Close::AWAY)(problem),
            _ => refuse(LATER)(problem),
        }
    })?;
    find(handle.state().manifest().map(Arc::as_ref), &service).map_err(refuse(NOWHERE))?;
    let name = client.as_ref().and_then(hello::name);
    Ok(Applicant { identity, name, handle, service: service.into(), instance })
}

/// That the production is still there, and still reaches the service by agents: its manifest may be another by now.
pub(super) async fn still(app: &App, handle: &mut Handle, service: &str) -> Result<(), Close> {
    if handle.has_ended() {
        let id = handle.id().clone();
        match app.productions.open(&id).await {
            Ok(anew) => *handle = anew,
            Err(error) if error.problem().code == Code::NotFound => return Err(NOWHERE),
            // It may work the next time.
            Err(_) => return Ok(()),
        }
    }
    find(handle.state().manifest().map(Arc::as_ref), service).map_err(|_| NOWHERE)
}

/// That a manifest has the service, and reaches it by agents.
fn find(manifest: Option<&Manifest>, name: &str) -> Result<(), Problem> {
    let services = manifest.map(|manifest| manifest.written.services.as_slice()).unwrap_or_default();
    let Some(service) = services.iter().find(|service| service.name == name) else {
        let known: Vec<&str> = services.iter().map(|service| service.name.as_str()).collect();
        let detail = format!("the manifest has no such service, only `{}`", known.join("`, `"));
        return Err(Problem::new(Code::NotFound, detail.clone()).at("/service", detail));
    };
    let kind = service.adapter.get("type").and_then(Value::as_str).unwrap_or_default();
    if kind != "agent" {
        let detail = format!("the adapter of {} is `{kind}`, not `agent`", service.name);
        return Err(Problem::new(Code::Invalid, detail.clone()).at("/service", detail));
    }
    Ok(())
}
