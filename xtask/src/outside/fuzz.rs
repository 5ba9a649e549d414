//! `cargo xtask fuzz`: each target in turn, for as long as is asked, beginning with what is kept in the repository.
//!
//! The fuzzer needs no other compiler than the one that is pinned: coverage is a pass of LLVM that stable has behind
//! `RUSTC_BOOTSTRAP`, and without `unsafe` code of ours there is little for a sanitizer to find. What it finds stays in
//! `target/fuzz`; what is worth keeping is copied to `fuzz/corpus` by hand, where an ordinary test reads it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{cargo, run};
use crate::repository::Repository;
use crate::steps::{Outcome, Tally};

/// What drives libFuzzer.
const CARGO_FUZZ: &str = "0.13.2";

/// Seconds that one input may take: a thousand times what any takes.
const INPUT_SECONDS: u32 = 10;

/// Memory that a target may take, in MiB.
const MEMORY_MIB: u32 = 2_048;

/// Bytes of an input: what is larger finds nothing that a smaller one would not.
const INPUT_BYTES: u32 = 4_096;

/// What to fuzz.
#[derive(Debug)]
pub(crate) struct Fuzz {
    /// How long each target.
    pub(crate) seconds: u32,
    /// This one alone.
    pub(crate) target: Option<String>,
}

/// Fuzzes, and stops at the first target that finds something.
///
/// # Errors
/// The fuzzer cannot be had, or a target is unknown or does not build.
pub(crate) fn fuzz(repository: &Repository, wanted: &Fuzz) -> Result<Outcome> {
    let found = repository.root().join("target/fuzz");
    let fuzzer = fuzzer(repository)?;
    let mut tally = Tally::default();
    for target in targets(repository, wanted.target.as_deref())? {
        let [corpus, artifacts] = ["corpus", "artifacts"].map(|folder| found.join(folder).join(&target));
        for folder in [&corpus, &artifacts] {
            fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        println!("fuzzing {target} for {} s", wanted.seconds);
        let mut command = Command::new(&fuzzer);
        command.current_dir(repository.root()).env("RUSTC_BOOTSTRAP", "1");
        command.args(["fuzz", "run", "--fuzz-dir", "fuzz", "--sanitizer", "none", &target]);
        // The first folder is written to, the others are read.
        command.arg(&corpus).arg(format!("fuzz/corpus/{target}")).arg("--");
        command.args([
            format!("-max_total_time={}", wanted.seconds),
            format!("-timeout={INPUT_SECONDS}"),
            format!("-rss_limit_mb={MEMORY_MIB}"),
            format!("-max_len={INPUT_BYTES}"),
            format!("-artifact_prefix={}/", artifacts.display()),
            "-print_final_stats=1".to_owned(),
        ]);
        let words = format!("fuzz/dictionaries/{target}.dict");
        if repository.root().join(&words).is_file() {
            command.arg(format!("-dict={words}"));
        }
        if let Err(error) = run(&mut command) {
            tally.failed += 1;
            let detail = format!("{target}: {error:#}; the input is in {}", artifacts.display());
            return Ok(Outcome::Failed(tally, detail));
        }
        tally.passed += 1;
    }
    Ok(Outcome::Passed(tally))
}

/// The targets by name: each has a folder of what is kept.
fn targets(repository: &Repository, only: Option<&str>) -> Result<Vec<String>> {
    let folder = repository.root().join("fuzz/targets");
    let mut names = Vec::new();
    for file in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = file?.path();
        names.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    names.sort();
    if let Some(only) = only {
        if !names.iter().any(|name| name == only) {
            bail!("there is no target `{only}`; there are {}", names.join(", "));
        }
        names = vec![only.to_owned()];
    }
    Ok(names)
}

/// The program `cargo-fuzz`, installed below `target/tools` when it is not there.
fn fuzzer(repository: &Repository) -> Result<PathBuf> {
    let root = repository.root().join("target/tools/cargo-fuzz");
    let program = root.join("bin/cargo-fuzz");
    if !program.is_file() {
        println!("installing cargo-fuzz {CARGO_FUZZ}");
        let mut install = cargo(repository, &["install", "--locked", "--version", CARGO_FUZZ, "--root"]);
        run(install.arg(&root).arg("cargo-fuzz"))?;
    }
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g19_a_target_is_named_or_those_there_are_are() {
        let repository = Repository::open().unwrap();
        let all = targets(&repository, None).unwrap();
        assert!(all.len() >= 10 && all.is_sorted(), "{all:?}");
        assert_eq!(targets(&repository, Some("strict")).unwrap(), ["strict"]);
        let error = targets(&repository, Some("lenient")).unwrap_err().to_string();
        assert!(error.contains("`lenient`") && error.contains("strict"), "{error}");
    }
}
