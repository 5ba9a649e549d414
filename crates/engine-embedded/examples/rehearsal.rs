//! The script of the tests on broken folders as a program, so that it can be killed at each of its system calls, or have
//! one of them fail: `cargo xtask syscalls` does that, under strace.
//!
//! ```text
//! rehearsal run SCRIPT DIR       plays a script, and says each step once it is acknowledged
//! rehearsal torn DIR             plays most of it, and leaves what a write leaves that was cut off
//! rehearsal open DIR             opens and closes
//! rehearsal check SCRIPT DIR N   whether all is there that must be behind N acknowledged steps, or all, now and after more
//! ```

#![allow(clippy::unwrap_used, reason = "what fails here has failed the test")]

#[path = "../tests/kit/script.rs"]
mod script;

use std::{env, fs, io::Write, path::Path, process::ExitCode};

use onair_engine::{Engine, Error};
use onair_engine_embedded::{Embedded, OpenError, Options};
use script::{Failed, Found, Model, NAMES, Step, look};

/// So that tables are written all the time.
const MEMTABLE_BYTES: u64 = 16 * 1024;
/// Steps behind which the folder is left torn: none opens it again before.
const TORN: usize = 14;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["run", name, folder] => run(&steps(name), Path::new(folder)).await,
        ["torn", folder] => torn(Path::new(folder)).await,
        ["open", folder] => match open(Path::new(folder)) {
            Ok(engine) => engine.close().await.map_err(|error| error.to_string()),
            Err(error) => refused(&error),
        },
        ["check", name, folder, acknowledged] => {
            let steps = steps(name);
            let all = steps.len();
            check(&steps, Path::new(folder), acknowledged.parse().unwrap_or(all)).await
        }
        _ => Err("see the top of its source for how it is called".to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            say(&format!("wrong {why}"));
            ExitCode::FAILURE
        }
    }
}

fn steps(name: &str) -> Vec<Step> {
    match name {
        "begin" => script::everything().into_iter().take(5).collect(),
        "everything" => script::everything(),
        "torn" => script::everything().into_iter().take(TORN).collect(),
        "rotation" => script::rotation(),
        other => panic!("there is no script {other}"),
    }
}

fn open(folder: &Path) -> Result<Embedded, OpenError> {
    let mut options = Options::new(folder);
    options.memtable_bytes = MEMTABLE_BYTES;
    Embedded::open(&options)
}

/// Out at once: this is the ledger. What cannot be said was not acknowledged.
fn say(line: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}

/// To refuse a folder is an answer.
fn refused(error: &OpenError) -> Result<(), String> {
    say(&format!("refused {error}"));
    Ok(())
}

async fn run(steps: &[Step], folder: &Path) -> Result<(), String> {
    let mut model = Model::default();
    let mut engine = match open(folder) {
        Ok(engine) => engine,
        Err(error) => return refused(&error),
    };
    for (place, step) in steps.iter().enumerate() {
        let done = match step {
            Step::Reopen => {
                let closed = engine.close().await;
                drop(engine);
                engine = match open(folder) {
                    Ok(engine) => engine,
                    Err(error) => return refused(&error),
                };
                // What the last flush was is told, and nothing was under way.
                closed.map_err(Failed::from)
            }
            step => script::perform(&engine, &model, step).await,
        };
        if let Err(Failed { error, done }) = done {
            say(&format!("failed {}: {error}", place + 1));
            return failed(&engine, &model, &model.after(step), &done).await;
        }
        model = model.after(step);
        say(&format!("ack {}", place + 1));
    }
    for report in engine.figures().reports {
        say(&format!("report {report}"));
    }
    engine.close().await.map_err(|error| format!("it does not close: {error}"))
}

/// After a write that failed: what was not acknowledged is not visible, nothing more is taken, reads go on.
async fn failed(engine: &Embedded, before: &Model, behind: &Model, done: &[&str]) -> Result<(), String> {
    for name in NAMES {
        let found = look(engine, name).await?;
        let model = if done.contains(&name) { behind } else { before };
        if found != model.expected(name) {
            return Err(format!("{found:?} is visible in place of {:?}", model.expected(name)));
        }
        if let Found::Log { log, .. } = found {
            let refused = script::append(engine, name, &log, 1).await;
            // What failed was handed over, and who comes behind it is told so.
            if !matches!(refused, Err(Error::ReadOnly { .. } | Error::Closed)) {
                return Err(format!("{name} is not read-only: {refused:?}"));
            }
        }
    }
    if engine.figures().read_only.is_none() {
        return Err("the engine does not say that it is read-only".to_owned());
    }
    let _ = engine.close().await; // says once more that it failed
    Ok(())
}

async fn torn(folder: &Path) -> Result<(), String> {
    let (engine, mut model) = (open(folder).unwrap(), Model::default());
    for step in steps("torn") {
        script::perform(&engine, &model, &step).await.map_err(|failed| failed.error.to_string())?;
        model = model.after(&step);
    }
    engine.close().await.map_err(|error| error.to_string())?;
    drop(engine);
    let journal = folder.join("store/0.jnl");
    let mut bytes = fs::read(&journal).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    bytes.truncate(used);
    let begun = bytes[..60].to_vec();
    bytes.extend(begun);
    fs::write(journal, bytes).map_err(|error| error.to_string())
}

async fn check(steps: &[Step], folder: &Path, acknowledged: usize) -> Result<(), String> {
    let before = steps[..acknowledged].iter().fold(Model::default(), |model, step| model.after(step));
    let behind = steps.get(acknowledged).map_or_else(|| before.clone(), |step| before.after(step));
    let engine = open(folder).map_err(|error| error.to_string())?;
    for report in engine.figures().reports {
        say(&format!("report {report}"));
        if !report.contains("as after a power cut") {
            return Err("nothing but a cut tail may be told".to_owned());
        }
    }
    let mut more = Vec::new();
    for name in NAMES {
        let found = look(&engine, name).await?;
        let either = [before.expected(name), behind.expected(name)];
        if !either.contains(&found) {
            return Err(format!("{found:?} is there in place of one of {either:?}"));
        }
        if let Found::Log { log, damage } = found {
            script::append(&engine, name, &log, 3).await.map_err(|error| error.to_string())?;
            let log = script::Log { last: log.last + 3, ..log };
            more.push((name, Found::Log { log, damage }));
        }
    }
    engine.close().await.map_err(|error| error.to_string())?;
    drop(engine);
    let engine = open(folder).map_err(|error| error.to_string())?;
    for (name, expected) in more {
        let found = look(&engine, name).await?;
        if found != expected {
            return Err(format!("{found:?} is there in place of {expected:?}, when opened again"));
        }
    }
    match engine.figures().reports.as_slice() {
        [] => Ok(()),
        reports => Err(format!("when opened again it tells {reports:?}")),
    }
}
