//! `onair top`: a production on a terminal, for as long as somebody looks, with a key for each action.
//!
//! A feed brings facts, keys bring wishes, and a view makes a picture of both; those are functions, and what is around
//! them here only waits for what comes next. The screen is drawn when something changed, and otherwise as often as
//! what counts down needs it.

mod dialog;
mod facts;
mod feed;
mod keys;
mod paint;
mod panel;
mod screen;
#[cfg(test)]
mod tests;
mod ui;
mod view;
mod words;

use std::{
    io,
    process::ExitCode,
    time::{Duration, SystemTime},
};

use clap::Args;
use crossterm::event::{Event, EventStream};
use futures_util::StreamExt;
use onair_client::{Acted, Problem};
use onair_wire::{ProductionId, Timestamp};
use ratatui::{buffer::Buffer, layout::Rect};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::{Context, action::Action};
use crate::cli::Usage;
use facts::Facts;
use feed::Feed;
use keys::wish;
use paint::Paint;
use screen::Screen;
use ui::{Order, Ui};

/// At most one picture in this time, however much happens.
const FRAME: Duration = Duration::from_millis(33);
/// How often it is drawn while something counts down, and otherwise, for the clock.
const TICK_MOVING: Duration = Duration::from_millis(200);
const TICK: Duration = Duration::from_secs(1);
/// The size of what is printed once, where no terminal has one.
const PRINTED: (u16, u16) = (100, 40);

/// What to look at.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The production; left out, the one of --production
    pub(crate) name: Option<ProductionId>,
    /// Print one picture and end, without a terminal too; with --json its facts, which --json alone prints as well
    #[arg(long)]
    pub(crate) once: bool,
}

pub(crate) async fn run(context: &Context, options: &Options) -> anyhow::Result<ExitCode> {
    let production = options.name.as_ref().unwrap_or(&context.production);
    if options.once || context.report.wants_json() {
        return once(context, production).await;
    }
    if !screen::is_there() {
        let usage = Usage::new("onair top needs a terminal to draw on");
        let hint = "print it once with: onair top --once; or see: onair status, onair watch";
        return Err(usage.hint(hint).into());
    }
    let mut feed = Feed::open(context, production).await?;
    let paint = Paint { colours: context.report.is_styled(), unicode: screen::shows_unicode() };
    let looked = look(&mut feed, paint).await;
    feed.close().await;
    looked?;
    Ok(ExitCode::SUCCESS)
}

/// One picture as text, or what it is of.
async fn once(context: &Context, production: &ProductionId) -> anyhow::Result<ExitCode> {
    let mut feed = Feed::open(context, production).await?;
    let facts = feed.facts(now());
    if context.report.wants_json() {
        context.report.json(facts)?;
    } else {
        let (width, height) = crossterm::terminal::size().unwrap_or(PRINTED);
        let paint = Paint { colours: false, unicode: screen::shows_unicode() };
        for line in printed(facts, &Ui::default(), paint, width, height) {
            context.report.line(&line)?;
        }
    }
    feed.close().await;
    Ok(ExitCode::SUCCESS)
}

/// A picture as lines of text.
fn printed(facts: &Facts, ui: &Ui, paint: Paint, width: u16, height: u16) -> Vec<String> {
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    view::draw(&mut buffer, facts, ui, paint);
    lines(&buffer)
}

fn lines(buffer: &Buffer) -> Vec<String> {
    let rows = buffer.content().chunks(usize::from(buffer.area.width).max(1));
    let line = |cells: &[ratatui::buffer::Cell]| {
        let (mut line, mut covered) = (String::new(), 0);
        for cell in cells {
            // What a wide character covers is no cell of its own.
            if covered == 0 {
                line.push_str(cell.symbol());
                covered = words::width(cell.symbol()).max(1);
            }
            covered -= 1;
        }
        line.trim_end().to_owned()
    };
    rows.map(line).collect()
}

/// What came of something that was asked for.
enum Came {
    Plan(Result<Acted, Problem>),
    Action(Action, Result<Acted, Problem>),
}

/// Draws until somebody has seen enough, or a signal ends it.
async fn look(feed: &mut Feed, paint: Paint) -> anyhow::Result<()> {
    let mut ends = Ends::new()?;
    let mut screen = Screen::open()?;
    let mut keys = EventStream::new();
    let mut ui = Ui::default();
    let mut asked: JoinSet<Came> = JoinSet::new();
    let mut drawn = Instant::now();
    let mut draw_at = drawn;
    loop {
        tokio::select! {
            biased;
            () = ends.any() => return Ok(()),
            event = keys.next() => {
                // Without a terminal nobody looks.
                let Some(event) = event.transpose().ok().flatten() else { return Ok(()) };
                match order(&event, &mut ui, feed) {
                    Some(Order::Quit) => return Ok(()),
                    Some(Order::Redraw) => screen.forget(),
                    Some(Order::Reconnect) => feed.reconnect(),
                    Some(Order::Act(action)) => {
                        let outcome = feed.act(action);
                        asked.spawn(async move { Came::Action(action, outcome.await) });
                    }
                    Some(Order::Plan) => {
                        let outcome = feed.plan();
                        asked.spawn(async move { Came::Plan(outcome.await) });
                    }
                    None => {}
                }
                draw_at = draw_at.min(drawn + FRAME);
            }
            () = sleep_until(draw_at) => {
                let facts = feed.facts(now());
                let mut scroll = ui.scroll;
                screen.draw(|buffer| scroll = view::draw(buffer, facts, &ui, paint))?;
                ui.scroll = scroll;
                drawn = Instant::now();
                draw_at = drawn + tick(facts);
            }
            Some(came) = asked.join_next() => {
                match came {
                    Ok(Came::Plan(plan)) => ui.planned(feed::planned(plan)),
                    Ok(Came::Action(action, outcome)) => ui.acted(action, &outcome),
                    Err(error) => return Err(error.into()),
                }
                draw_at = draw_at.min(drawn + FRAME);
            }
            () = feed.next() => draw_at = draw_at.min(drawn + FRAME),
        }
    }
}

/// What a key asks for. A new size is seen by the next picture.
fn order(event: &Event, ui: &mut Ui, feed: &mut Feed) -> Option<Order> {
    match event {
        Event::Key(key) => ui.take(wish(*key, ui.asked())?, feed.facts(now())),
        // Terminals may reflow what stood there, in ways that nobody knows.
        Event::Resize(..) => Some(Order::Redraw),
        _ => None,
    }
}

fn tick(facts: &Facts) -> Duration {
    let recovers = !facts.lifecycle["recovery"]["nextAt"].is_null();
    if recovers || facts.running().is_some() { TICK_MOVING } else { TICK }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The signals that end it.
struct Ends([Signal; 3]);

impl Ends {
    fn new() -> io::Result<Self> {
        let on = |kind| signal(kind);
        Ok(Self([on(SignalKind::interrupt())?, on(SignalKind::terminate())?, on(SignalKind::hangup())?]))
    }

    async fn any(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
