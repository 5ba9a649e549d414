//! `onair replay`: walks through the log, of a server or of an exported file, one commit after the other.
//!
//! With `--state` the documents after each commit are shown, folded here by `onair_wire::Cache` as every client does.
//! They are those of applications: the server's own collections are left out, since a snapshot shows them otherwise.

use std::{fs::File, io::Read, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context as _, ensure};
use clap::Args;
use onair_core::{Image, Production};
use onair_wire::{Cache, Code, Collection, Commit, Documents, Epoch, Revision, Timestamp};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Context, PAGE, commit};
use crate::{
    exported::{Line, Reading},
    remote::Error,
    report::{Report, one_line},
};

/// The longest wait between two commits: nobody sits through a night without one.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// How much of a file is read at once.
const PIECE: usize = 64 * 1024;

/// What to walk through.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// An exported file; left out, the log of the server
    pub(crate) file: Option<PathBuf>,
    /// The first revision to show
    #[arg(long, value_name = "REVISION")]
    pub(crate) from: Option<Revision>,
    /// The last revision to show
    #[arg(long, value_name = "REVISION")]
    pub(crate) to: Option<Revision>,
    /// Wait between commits as it was, this many times as fast; 10 s at most
    #[arg(long, value_name = "FACTOR", value_parser = factor)]
    pub(crate) speed: Option<f64>,
    /// Show the documents as they were at this revision, and nothing else
    #[arg(long, value_name = "REVISION", conflicts_with_all = ["from", "to", "speed", "state"])]
    pub(crate) at: Option<Revision>,
    /// Show the documents after each commit
    #[arg(long)]
    pub(crate) state: bool,
}

fn factor(text: &str) -> Result<f64, String> {
    let factor = text.parse().ok().filter(|factor: &f64| factor.is_finite() && *factor > 0.0);
    factor.ok_or_else(|| format!("a speed is a number above zero, not {text:?}"))
}

/// Somebody who walks.
struct Walk<'a> {
    options: &'a Options,
    report: Report,
    /// The documents up to where the walk is, if anybody wants to see them.
    cache: Option<Cache>,
    before: Option<Timestamp>,
    shown: bool,
}

pub(crate) async fn from_file(options: &Options, report: Report) -> anyhow::Result<ExitCode> {
    let path = options.file.as_deref().context("there is no file")?;
    let mut file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut reading = Reading::default();
    let mut walk = Walk::new(options, report);
    let mut piece = vec![0; PIECE];
    loop {
        let count = file.read(&mut piece).with_context(|| format!("cannot read {}", path.display()))?;
        if count == 0 {
            break;
        }
        let mut lines = Vec::new();
        let read = reading.push(&piece[..count], |line| {
            lines.push(line);
            Ok(())
        });
        // What came before a damaged line is shown; the file says so itself.
        for line in lines {
            match line {
                Line::Image(image) => walk.begin(*image)?,
                Line::Commit(commit) => walk.step(commit).await?,
                Line::Header | Line::End => {}
            }
        }
        read.with_context(|| path.display().to_string())?;
    }
    reading.finish().with_context(|| path.display().to_string())?;
    walk.end()
}

pub(crate) async fn from_server(context: &Context, options: &Options) -> anyhow::Result<ExitCode> {
    let mut walk = Walk::new(options, context.report);
    if let Some(at) = options.at {
        walk.cache = Some(snapshot(context, at).await?);
        walk.show()?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut after = options.from.unwrap_or(Revision::ZERO).previous();
    let (mut begun, mut log) = (false, None);
    loop {
        let Page { commits, epoch, revision } = match page(context, log.as_ref(), after).await {
            Err(error) if options.from.is_none() && !begun => match oldest(&error) {
                Some(oldest) => {
                    context.report.note(&format!("commits before revision {oldest} are no longer kept"));
                    after = oldest.previous();
                    page(context, None, after).await?
                }
                None => return Err(error.into()),
            },
            page => page?,
        };
        if !std::mem::replace(&mut begun, true) && options.state && after > Revision::ZERO {
            walk.cache = Some(snapshot(context, after).await?);
        }
        let Some(last) = commits.last().map(|commit| commit.revision) else { break };
        for commit in commits {
            walk.step(commit).await?;
        }
        let enough = options.to.is_some_and(|to| last >= to);
        if last >= revision || enough {
            break;
        }
        (after, log) = (last, epoch);
    }
    walk.end()
}

/// What `GET /changes` answers.
#[derive(Deserialize)]
struct Page {
    commits: Vec<Commit>,
    #[serde(default)]
    epoch: Option<Epoch>,
    revision: Revision,
}

async fn page(context: &Context, epoch: Option<&Epoch>, after: Revision) -> Result<Page, Error> {
    let ask = context.remote.of(&context.production, Method::GET, &["changes"]);
    // From the second page on it must be the same log: an import may have come between.
    let after = epoch.map_or_else(|| after.to_string(), |epoch| format!("{epoch}:{after}"));
    ask.query("after", &after).query("limit", &PAGE).send().await?.json()
}

/// The oldest commit kept, when older ones were asked for.
fn oldest(error: &Error) -> Option<Revision> {
    match error {
        Error::Refused(refused) if refused.code == Code::Compacted.as_str() => {
            refused.body.get("oldest").and_then(Value::as_u64).map(Revision)
        }
        _ => None,
    }
}

/// The documents of applications at a revision.
async fn snapshot(context: &Context, at: Revision) -> anyhow::Result<Cache> {
    let ask = context.remote.of(&context.production, Method::GET, &[]).query("at", &at);
    let mut snapshot = ask.value().await?;
    let documents: Documents = serde_json::from_value(snapshot["documents"].take())
        .context("the snapshot's documents do not read")?;
    Ok(Cache::from_snapshot(at, documents))
}

fn of_applications(collection: &Collection) -> bool {
    !collection.is_server()
}

impl<'a> Walk<'a> {
    fn new(options: &'a Options, report: Report) -> Self {
        let wanted = options.state || options.at.is_some();
        Self { options, report, cache: wanted.then(Cache::default), before: None, shown: false }
    }

    /// The state that an exported file begins with.
    fn begin(&mut self, image: Image) -> anyhow::Result<()> {
        let revision = image.revision();
        let production = Production::revive(image)?;
        if let Some(cache) = &mut self.cache {
            *cache = Cache::from_snapshot(revision, production.cache_documents(of_applications));
        }
        if self.options.at == Some(revision) {
            self.show()?;
        }
        Ok(())
    }

    async fn step(&mut self, commit: Commit) -> anyhow::Result<()> {
        if let Some(cache) = &mut self.cache {
            cache.apply(&commit.only(of_applications))?;
        }
        let Options { from, to, at, .. } = self.options;
        if let Some(at) = at {
            return if *at == commit.revision { self.show() } else { Ok(()) };
        }
        if from.is_some_and(|from| commit.revision < from) || to.is_some_and(|to| commit.revision > to) {
            return Ok(());
        }
        self.pause(commit.at).await;
        self.shown = true;
        match (self.report.wants_json(), &self.cache) {
            (true, None) => self.report.json(&commit)?,
            (true, Some(cache)) => {
                self.report.json(&json!({ "commit": commit, "documents": cache.documents }))?;
            }
            (false, None) => self.report.line(&commit::line(&commit))?,
            (false, Some(_)) => {
                self.report.line(&commit::line(&commit))?;
                self.documents()?;
            }
        }
        Ok(())
    }

    /// Waits as long as there was between this commit and the one before, at the speed asked for.
    async fn pause(&mut self, at: Timestamp) {
        if let (Some(speed), Some(before)) = (self.options.speed, self.before) {
            let real = Duration::from(before.until(at)).min(PAUSE_MAX.mul_f64(speed.max(1.0)));
            tokio::time::sleep(real.div_f64(speed).min(PAUSE_MAX)).await;
        }
        self.before = Some(at);
    }

    fn show(&mut self) -> anyhow::Result<()> {
        self.shown = true;
        match &self.cache {
            Some(cache) if self.report.wants_json() => {
                self.report.json(&json!({ "revision": cache.revision, "documents": cache.documents }))?;
            }
            _ => self.documents()?,
        }
        Ok(())
    }

    fn documents(&self) -> anyhow::Result<()> {
        let collections = self.cache.iter().flat_map(|cache| &cache.documents);
        for (collection, (id, entry)) in
            collections.flat_map(|(name, all)| all.iter().map(move |it| (name, it)))
        {
            let line = format!("        {collection}/{id} @{}  {}", entry.revision, one_line(&entry.value)?);
            self.report.line(&line)?;
        }
        Ok(())
    }

    fn end(self) -> anyhow::Result<ExitCode> {
        if let Some(at) = self.options.at {
            ensure!(self.shown, "the file does not have the state at revision {at}");
        }
        if !self.shown {
            self.report.note("no commits");
        }
        Ok(ExitCode::SUCCESS)
    }
}
