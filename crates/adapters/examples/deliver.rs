//! Tells a backend what it reads, and says what came of it: `deliver webhook|convex URL VARIABLE`, a delivery per line.
//!
//! A line is `{ "production", "epoch", "revision", "kind", "data" }`, an answer `{ "delivered": true }` or
//! `{ "delivered": false, "class", "retryable", "message" }`. For tests against backends that are not written in Rust,
//! and to try out one's own; it calls 127.0.0.1 as well, which the server does only when its configuration says so.

use std::{env, io};

use onair_adapters::{
    backend::Connectors,
    outbound::{Outbound, Secrets},
};
use onair_core::manifest::{Backend, BackendKind};
use onair_runtime::{
    Clock,
    backend::{Backends, Delivery},
    reach::Allow,
};
use onair_wire::{Epoch, ProductionId, Revision};
use serde_json::{Value, json};

type Error = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [kind, url, variable] = arguments.as_slice() else {
        return Err("usage: deliver webhook|convex URL VARIABLE".into());
    };
    let reference = Some(format!("env:{variable}"));
    let (kind, secret, key) = match kind.as_str() {
        "webhook" => (BackendKind::Webhook, reference, None),
        "convex" => (BackendKind::Convex, None, reference),
        other => return Err(format!("there is no backend `{other}`").into()),
    };
    let backend =
        Backend { name: kind_name(kind).into(), kind, url: url.clone(), secret, key, function: None };
    let allow = Allow::new(["127.0.0.1".parse()?]);
    let outbound = Outbound::new(&allow, Secrets::new(|name| env::var(name).ok()));
    let connectors = Connectors::new(outbound, Clock::system());
    connectors.check(&backend).map_err(|misfit| format!("{}: {}", misfit.pointer, misfit.detail))?;
    for line in io::stdin().lines() {
        let answer = match connectors.deliver(&backend, read(&line?)?).await {
            Ok(()) => json!({ "delivered": true }),
            Err(error) => json!({
                "delivered": false,
                "class": error.class.as_str(),
                "retryable": error.retryable,
                "message": error.message,
            }),
        };
        println!("{answer}");
    }
    Ok(())
}

fn kind_name(kind: BackendKind) -> &'static str {
    match kind {
        BackendKind::Webhook => "webhook",
        BackendKind::Convex => "convex",
    }
}

fn read(line: &str) -> Result<Delivery, Error> {
    let value: Value = serde_json::from_str(line)?;
    let text = |member: &str| value[member].as_str().ok_or_else(|| format!("`{member}` is a text"));
    let production = ProductionId::new(text("production")?)?;
    let epoch = Epoch::new(text("epoch")?)?;
    let revision = Revision(value["revision"].as_u64().ok_or("`revision` is a number")?);
    let kind = text("kind")?.to_owned();
    let id = Delivery::id(&production, &epoch, revision);
    let at = Clock::system().now();
    Ok(Delivery { id, production, epoch, revision, at, kind, data: value["data"].clone() })
}
