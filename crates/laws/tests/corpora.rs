//! Every input that is kept is held against its law, and so is what comes of changing it a little: what the fuzzer found
//! once, what it needs to begin with, and a fuzzer for who has none.
//!
//! `ONAIR_FUZZ=N` changes each input N times, `ONAIR_SEED=S` in another way, `ONAIR_LAW=NAME` those of one law alone.

#[path = "../../core/examples/billion/chance.rs"]
#[allow(dead_code, reason = "a part of it is used here")]
mod chance;

use std::{env, fs, panic, path::PathBuf, str};

use chance::Chance;

use onair_laws::{ALL, Law};

fn fuzz() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

/// The inputs of a law, sorted, so that a failure is the same for everybody.
fn kept(law: &Law) -> Vec<PathBuf> {
    let folder = fuzz().join("corpus").join(law.name);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    files.sort();
    files
}

#[test]
fn g19_every_kept_input_keeps_its_law() {
    for law in &ALL {
        let files = kept(law);
        assert!(!files.is_empty(), "nothing is kept for {law:?}");
        for file in files {
            println!("{}", file.display());
            (law.check)(&fs::read(&file).expect("readable"));
        }
    }
}

/// How often each is changed in CI.
const CHANGES: u64 = 25;

fn said(name: &str, otherwise: u64) -> u64 {
    let said = env::var(name).ok();
    said.map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text}")))
}

#[test]
fn g19_what_comes_of_changing_a_kept_input_keeps_its_law() {
    let (seed, changes, only) =
        (said("ONAIR_SEED", 1), said("ONAIR_FUZZ", CHANGES), env::var("ONAIR_LAW").ok());
    let laws = || ALL.iter().filter(|law| only.as_ref().is_none_or(|only| law.name == *only));
    assert!(laws().next().is_some(), "there is no law {only:?}");
    for law in laws() {
        let inputs: Vec<Vec<u8>> = kept(law).iter().map(|file| fs::read(file).expect("readable")).collect();
        let mut chance = Chance::new(seed, 0);
        for (input, round) in inputs.iter().flat_map(|input| (0..changes).map(move |round| (input, round))) {
            let changed =
                (0..=chance.below(4)).fold(input.clone(), |bytes, _| change(bytes, &inputs, &mut chance));
            let broken = panic::catch_unwind(|| (law.check)(&changed)).is_err();
            let shown = str::from_utf8(&changed).map_or_else(|_| format!("{changed:?}"), str::to_owned);
            assert!(!broken, "{law:?} is broken, ONAIR_SEED={seed}, round {round}, by\n{shown}");
        }
        println!("{law:?}: {} inputs, seed {seed}", inputs.len() as u64 * changes);
    }
}

/// One small change: bits, numbers, pieces of this or of another input, or a cut.
fn change(mut bytes: Vec<u8>, others: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    const WORDS: [&str; 12] = [
        "null",
        "{}",
        "[]",
        "\"\"",
        "-1",
        "0",
        "9007199254740991",
        "9007199254740992",
        "18446744073709551615",
        "1e400",
        "\u{ff5e}\u{1f600}",
        "\n",
    ];
    let mut place = |bytes: &[u8]| usize::try_from(chance.below(bytes.len() as u64 + 1)).expect("an index");
    let (from, to) = (place(&bytes), place(&bytes));
    let (from, to) = (from.min(to), from.max(to).min(from.min(to) + 40));
    match chance.below(7) {
        0 if from < bytes.len() => bytes[from] ^= 1 << chance.below(8),
        1 => drop(bytes.splice(from..to, chance.of(&WORDS).bytes())),
        2 => {
            // A word in the place of a number: most limits are about numbers.
            let digit = |at: &usize| bytes[*at].is_ascii_digit();
            let Some(start) = (from..bytes.len()).find(digit) else { return bytes };
            let end = (start..bytes.len()).find(|at| !digit(at)).unwrap_or(bytes.len());
            drop(bytes.splice(start..end, chance.of(&WORDS).bytes()));
        }
        3 => {
            let piece = bytes[from..to].to_vec();
            drop(bytes.splice(to..to, piece));
        }
        4 => drop(bytes.drain(from..to)),
        5 => {
            let other = chance.of(others).clone();
            let end = usize::try_from(chance.below(other.len() as u64 + 1)).expect("an index");
            drop(bytes.splice(from..to, other[end.saturating_sub(60)..end].iter().copied()));
        }
        _ => bytes.truncate(bytes.len() - (bytes.len() - to) / 2),
    }
    bytes
}

#[test]
fn g19_every_law_has_a_target_and_every_folder_a_law() {
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).expect("the fuzzer's manifest");
    for law in &ALL {
        let target = format!("path = \"targets/{}.rs\"", law.name);
        assert!(manifest.contains(&target), "{law:?} has no target");
        let path = fuzz().join("targets").join(law.name).with_extension("rs");
        let text = fs::read_to_string(&path).expect("a target");
        assert!(text.contains(&format!("onair_laws::check(\"{}\"", law.name)), "{}", path.display());
    }
    assert_eq!(manifest.matches("[[bin]]").count(), ALL.len(), "a target without a law");
    for folder in fs::read_dir(fuzz().join("corpus")).expect("corpora") {
        let name = folder.expect("a folder").file_name();
        assert!(ALL.iter().any(|law| *law.name == *name), "{name:?} is kept for no law");
    }
}

/// What is kept is read at every build: little, or it is not kept.
#[test]
fn g19_what_is_kept_stays_small() {
    let files: Vec<PathBuf> = ALL.iter().flat_map(kept).collect();
    let bytes: u64 = files.iter().map(|file| fs::metadata(file).expect("a file").len()).sum();
    assert!(files.len() < 200 && bytes < 500_000, "{} files, {bytes} bytes", files.len());
}
