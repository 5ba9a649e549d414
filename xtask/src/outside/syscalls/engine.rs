//! The embedded engine alone: `examples/rehearsal.rs` of its crate plays scripts, and looks what is left.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use super::{Fault, Play, Played};
use crate::outside::built;
use crate::process;
use crate::repository::Repository;

/// The longest that a play may take, on a busy machine and under strace.
const PLAY_MAX: Duration = Duration::from_secs(240);

/// One script.
struct Rehearsal {
    program: PathBuf,
    name: &'static str,
    script: &'static str,
    begins: Begins,
    torn: OnceLock<PathBuf>,
}

/// In what kind of folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begins {
    Nowhere,
    /// That was made before, so that making it does not count.
    Empty,
    /// With a tail that was cut off; it is opened and nothing else.
    Torn,
}

pub(super) fn plays(repository: &Repository) -> Result<Vec<Box<dyn Play>>> {
    let chosen = ["--package", "onair-engine-embedded", "--example", "rehearsal"];
    let program = built(repository, "rehearsal", &chosen)?;
    let play = |(name, script, begins)| {
        let program = program.clone();
        Box::new(Rehearsal { program, name, script, begins, torn: OnceLock::new() }) as Box<dyn Play>
    };
    let plays = [
        ("begin", "begin", Begins::Nowhere),
        ("everything", "everything", Begins::Empty),
        ("torn", "torn", Begins::Torn),
        ("rotation", "rotation", Begins::Empty),
    ];
    Ok(plays.into_iter().map(play).collect())
}

impl Rehearsal {
    fn call(&self, words: &[&str], folder: &Path, last: Option<&str>) -> Result<String> {
        process::output(Command::new(&self.program).args(words).arg(folder).args(last))
    }

    /// Made once: a folder whose journal ends in half a write.
    fn torn(&self, dir: &Path) -> Result<&Path> {
        if self.torn.get().is_none() {
            let folder = dir.with_extension("torn");
            if folder.exists() {
                fs::remove_dir_all(&folder)?;
            }
            self.call(&["torn"], &folder, None)?;
            let _ = self.torn.set(folder);
        }
        Ok(self.torn.get().expect("it was just made"))
    }
}

impl Play for Rehearsal {
    fn name(&self) -> &'static str {
        self.name
    }

    fn play(&self, dir: &Path, strace: &[String], fault: Option<Fault>) -> Result<Played> {
        let folder = dir.join("data");
        match self.begins {
            Begins::Nowhere => {}
            Begins::Empty => _ = self.call(&["open"], &folder, None)?,
            Begins::Torn => {
                process::run(Command::new("cp").arg("-a").arg(self.torn(dir)?).arg(&folder))?;
            }
        }
        let mut command = Command::new(&strace[0]);
        command.args(&strace[1..]).arg(&self.program);
        match self.begins {
            Begins::Torn => command.arg("open"),
            _ => command.args(["run", self.script]),
        };
        let out = dir.join("out");
        command.arg(&folder).stdin(Stdio::null()).stdout(fs::File::create(&out)?);
        let mut child = command.stderr(fs::File::create(dir.join("err"))?).spawn()?;
        let begun = Instant::now();
        let status = loop {
            match child.try_wait()? {
                Some(status) => break status,
                None if begun.elapsed() > PLAY_MAX => {
                    child.kill()?;
                    child.wait()?;
                    bail!("it does not end");
                }
                None => thread::sleep(Duration::from_millis(2)),
            }
        };
        let said = fs::read_to_string(&out)?;
        let wrong = said.lines().find(|line| line.starts_with("wrong "));
        ensure!(wrong.is_none(), "{}", wrong.unwrap_or_default());
        if fault != Some(Fault::Death) {
            let err = fs::read_to_string(dir.join("err"))?;
            ensure!(status.success(), "it ended with {status}: {said}{err}");
        }
        let steps = said.lines().filter_map(|line| line.strip_prefix("ack ")).map(str::to_owned).collect();
        Ok(Played { steps })
    }

    fn check(&self, dir: &Path, played: &Played) -> Result<()> {
        let acknowledged = match (self.begins, played.steps.last()) {
            (Begins::Torn, _) => "all",
            (_, None) => "0",
            (_, Some(step)) => step.as_str(),
        };
        let checked = Command::new(&self.program)
            .args(["check", self.script])
            .arg(dir.join("data"))
            .arg(acknowledged)
            .output()
            .context("cannot start the program again")?;
        let said = String::from_utf8_lossy(&checked.stdout);
        ensure!(checked.status.success(), "{said}{}", String::from_utf8_lossy(&checked.stderr));
        Ok(())
    }
}
