//! The lifecycle over HTTP: a whole show, what is refused, and what happens when a service does not do as asked.

mod refused;
mod slow;
mod whole;

use serde_json::json;

use crate::site::{Answer, Site};

/// Brings a production of that name into a phase, as far as services lead that do what they are asked.
async fn at(site: &Site, production: &str, phase: &str) -> String {
    let path = format!("/v1/productions/{production}");
    site.ask("PUT", &path).send().await;
    site.ask("PUT", &format!("{path}/documents/feed/one")).json(&json!(1)).send().await.is(201);
    let way: &[&str] = match phase {
        "idle" => &[],
        "ready" => &["initialize"],
        "live" => &["initialize", "start"],
        "paused" => &["initialize", "start", "pause"],
        other => panic!("there is no way to {other}"),
    };
    for action in way {
        site.ask("POST", &format!("{path}/{action}")).send().await.json(200);
    }
    path
}

async fn post(site: &Site, path: &str) -> Answer {
    site.ask("POST", path).send().await
}
