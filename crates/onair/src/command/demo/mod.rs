//! `onair demo`: one command, no login. A show goes live, loses its host, and comes back, and the terminal tells it.
//!
//! The server runs in this process, on this machine alone; everything that happens in the show goes over its HTTP and
//! WebSockets, like anybody else's. Host and producer are processes of their own ([`agent`]), so that one of them can
//! really be killed.
//!
//! [`stage`] and [`script`] are what the show consists of, [`plot`] says what the demo does and when, [`tale`] what a
//! commit means for who watches, [`page`] what there is to open and to try. All of that is pure. [`house`] has the
//! server, [`cast`] the processes, [`narrator`] the terminal; [`show`] is the loop between them.

pub(crate) mod agent;
mod cast;
mod house;
mod narrator;
mod page;
mod plot;
mod record;
mod script;
mod show;
mod signals;
mod stage;
mod tale;
mod world;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::Args;
use reqwest::Method;
use serde_json::json;
use tokio::time::Instant;

use super::Context;
use crate::{
    cli::{self, Global},
    remote::Remote,
    report::Report,
};
use agent::Role;
use cast::{Call, Cast};
use house::House;
use narrator::Narrator;
use page::Places;
use plot::Plot;
use show::Show;
use signals::Signals;
use world::Follow;

/// The slowest and the fastest that can be followed and still be a show.
const PACES: std::ops::RangeInclusive<f64> = 0.1..=20.0;

/// How the demo runs.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Where to serve; 0 takes a free port [default: 4200, or a free one when that is taken]
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// Keep what happens in this new directory [default: a temporary one, removed in the end]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Leave the host alone
    #[arg(long)]
    no_fault: bool,
    /// End after so many seconds, or a time such as `2m`
    #[arg(long = "for", value_name = "SECONDS", value_parser = length)]
    length: Option<Duration>,
    /// How much faster than real, 0.1 to 20
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = factor)]
    pace: f64,
}

/// Reads how long it runs: seconds where no unit is said.
fn length(text: &str) -> Result<Duration, String> {
    text.parse().map(Duration::from_secs).or_else(|_| cli::duration(text))
}

/// Reads a pace.
fn factor(text: &str) -> Result<f64, String> {
    let factor = text.parse().ok().filter(|factor| PACES.contains(factor));
    factor
        .ok_or_else(|| format!("a pace is a number from {} to {}, not {text:?}", PACES.start(), PACES.end()))
}

/// Runs the demo until it is told to end.
pub(crate) async fn run(options: &Options, global: &Global, report: Report) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::listen()?;
    let end = options.length.map(|length| Instant::now() + length);
    let mut narrator = Narrator::new(report);
    let house = House::open(options).await?;
    let context = context(&house, global, report)?;
    let call = Call { url: house.url(), folder: house.data().join("agents"), pace: options.pace };
    let played = async {
        let cast = rehearse(&context, call).await?;
        let places = Places::new(house.url(), house.data(), house.is_kept(), house.is_usual(), house.moved);
        let (host, producer) = (cast.pid(Role::Host), cast.pid(Role::Producer));
        narrator.map(&json!({ "api": house.url(), "production": context.production, "data": house.data(),
            "host": host, "producer": producer }))?;
        narrator.page(&places.map(host, producer, !options.no_fault))?;
        let follow = Follow::begin(&context).await?;
        let plot = Plot::new(!options.no_fault, options.pace);
        let mut show = Show::new(context, cast, plot, narrator, places, follow);
        let played = show.run(&mut signals, end).await;
        // Who went away does not hear it; it is ended all the same.
        let ended = show.end(&mut signals).await;
        show.cast.end().await;
        played.and(ended)
    }
    .await;
    let gone = house.close().await?;
    if !report.wants_json() {
        report.note(&format!("the agents have gone home; {gone}"));
    }
    played.map(|()| ExitCode::SUCCESS)
}

/// What talks to the server of the house, as its owner.
fn context(house: &House, global: &Global, report: Report) -> anyhow::Result<Context> {
    let data = Some(house.data().to_owned());
    let global = Global { server: house.url(), token: None, data, production: None, ..global.clone() };
    let remote = Remote::new(&global, report)?;
    Ok(Context { remote, production: global.production(), report })
}

/// The manifest, the documents, and the cast.
async fn rehearse(context: &Context, call: Call) -> anyhow::Result<Cast> {
    let Context { remote, production, .. } = context;
    remote.ask(Method::PUT, &["productions", production.as_str()]).json(&stage::manifest()).send().await?;
    remote.of(production, Method::POST, &["mutations"]).json(&stage::documents()).send().await?;
    Cast::begin(call)
}
