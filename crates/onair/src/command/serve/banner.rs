//! What `serve` prints: a map of what is where, and what to try next.

use std::io::{self, Write};

use onair_server::{
    config::Config,
    serve::{Ended, Server},
};
use serde::Serialize;

/// Where everything is.
#[derive(Serialize)]
pub(super) struct Map {
    api: String,
    docs: String,
    metrics: String,
    data: String,
    engine: String,
    production: String,
    callers: &'static str,
    version: &'static str,
    #[serde(skip)]
    flag: String,
}

impl Map {
    pub(super) fn of(server: &Server, config: &Config, engine: &str) -> Self {
        let api = format!("http://{}", server.api());
        let default = server.api().port() == 4200 && server.api().ip().is_loopback();
        let callers = if server.app().access.has_tokens() {
            "by token"
        } else {
            "this machine only, as operator; admin needs admin.token"
        };
        Self {
            docs: format!("{api}/docs"),
            metrics: format!("http://{}/metrics", server.metrics()),
            data: config.data.display().to_string(),
            engine: engine.to_owned(),
            production: server.app().default_production.to_string(),
            callers,
            version: env!("CARGO_PKG_VERSION"),
            flag: if default { String::new() } else { format!(" --server {api}") },
            api,
        }
    }

    /// One line of JSON, or the map for people.
    pub(super) fn print(&self, json: bool) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if json {
            serde_json::to_writer(&mut out, self)?;
            writeln!(out)?;
        } else {
            let Self { api, docs, metrics, data, engine, production, callers, version, flag } = self;
            writeln!(out, "onair {version} is serving production `{production}`\n")?;
            writeln!(out, "  API      {api}/v1/productions/{production}")?;
            writeln!(out, "  docs     {docs}")?;
            writeln!(out, "  metrics  {metrics}")?;
            writeln!(out, "  data     {data}")?;
            writeln!(out, "  engine   {engine}")?;
            writeln!(out, "  callers  {callers}\n")?;
            writeln!(out, "Try in another terminal:")?;
            writeln!(out, "  onair{flag} put layers/logo '{{\"visible\":true}}'")?;
            writeln!(out, "  onair{flag} watch\n")?;
        }
        out.flush()
    }
}

/// How it ended, for people.
pub(super) fn farewell(ended: Ended) -> &'static str {
    match ended {
        Ended::Gracefully => "stopped; every connection had finished, everything acknowledged is on disk",
        Ended::Forced => "stopped; some connections were cut, everything acknowledged is on disk",
    }
}
