//! Real processes: killed while they write, kept out while another has the folder, cut off by a full disk.
//!
//! The child is this very test binary, told by an environment variable what to be; it prints what was acknowledged
//! the moment it was, so that the pipe is the ledger.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod kit;

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
};

use kit::{Chance, Ledger, append, epoch, id, open};
use onair_engine::{Engine, Error, Record};
use onair_engine_embedded::{Embedded, OpenError, Options};
use onair_wire::Revision;

const ROLE: &str = "ONAIR_TEST_CHILD";
const FOLDER: &str = "ONAIR_TEST_FOLDER";

/// Not a test by itself: what a child does.
#[tokio::test]
async fn child() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let folder = std::env::var(FOLDER).unwrap();
    match role.as_str() {
        "writer" => write_until_killed(&options(Path::new(&folder))).await,
        "holder" => {
            let _engine = open(Path::new(&folder));
            say("holding");
            std::io::stdin().read_line(&mut String::new()).unwrap();
        }
        "filler" => fill(Path::new(&folder)).await,
        other => panic!("no such role: {other}"),
    }
}

/// Past the capture of the test harness, and out at once.
fn say(line: &str) {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "\n{line}").unwrap();
    stdout.flush().unwrap();
}

fn command(role: &str, folder: &Path) -> Command {
    let mut command = Command::new("sh");
    // The limit is 64 MiB where blocks have 512 bytes, 128 MiB where they have 1024; a write beyond fails.
    let limit = if role == "filler" { "ulimit -f 131072; trap '' XFSZ; " } else { "" };
    command.args(["-c", &format!("{limit}exec \"$0\" child --exact --nocapture")]);
    command.arg(std::env::current_exe().unwrap());
    command.env(ROLE, role).env(FOLDER, folder).stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

fn start(role: &str, folder: &Path) -> (Child, impl Iterator<Item = String> + use<>) {
    let mut child = command(role, folder).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    (child, lines)
}

/// Memtables so small that there are always several on their way to disk.
fn options(folder: &Path) -> Options {
    let mut options = Options::new(folder);
    options.memtable_bytes = 128 * 1024;
    options
}

const WRITERS: usize = 8;
const COUNT: u64 = 40;

async fn write_until_killed(options: &Options) {
    let engine = Embedded::open(options).unwrap();
    let writer = async |number: usize| {
        let name = format!("p{number}");
        let head = match engine.head(&id(&name)).await.unwrap() {
            Some(head) => head,
            None => engine.create(&id(&name), &epoch()).await.unwrap(),
        };
        let mut last = head.last.0;
        loop {
            append(&engine, &name, last, COUNT).await.unwrap();
            last += COUNT;
            say(&format!("ack {name} {last}"));
        }
    };
    tokio::join!(writer(0), writer(1), writer(2), writer(3), writer(4), writer(5), writer(6), writer(7));
}

/// F1, and fjall's issue 257: after a kill with several memtables on their way, writing must not stall. Ten kills of
/// one growing folder, each at a moment that the seed chooses.
#[tokio::test]
async fn f1_kill_9_under_load_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut chance = Chance::new(0x5eed_0f01);
    let mut ledger = Ledger::default();
    for cycle in 0..10 {
        let (mut child, mut lines) = start("writer", folder.path());
        let mut left = 1 + chance.below(if cycle % 2 == 0 { 120 } else { 2 * WRITERS });
        let mut note = |line: String| {
            let Some((name, last)) = line.strip_prefix("ack ").and_then(|ack| ack.split_once(' ')) else {
                return false;
            };
            ledger.0.insert(name.to_owned(), last.parse().unwrap());
            true
        };
        while left > 0 {
            left -= usize::from(note(lines.next().expect("the writer goes on until it is killed")));
        }
        child.kill().unwrap();
        lines.for_each(|line| _ = note(line));
        child.wait().unwrap();

        let engine = Embedded::open(&options(folder.path())).unwrap();
        let damaged = ledger.check(&engine).await;
        let reports = engine.figures().reports;
        assert_eq!(damaged, [""; 0], "cycle {cycle}: {reports:#?}");
        assert!(reports.iter().all(|report| report.contains("as after a power cut")), "{reports:#?}");
    }
    assert_eq!(ledger.0.len(), WRITERS);
}

#[test]
fn f13_a_second_process_is_refused_and_told_who_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, mut lines) = start("holder", folder.path());
    assert!(lines.any(|line| line == "holding"));
    let error = Embedded::open(&Options::new(folder.path())).unwrap_err();
    let OpenError::Locked { holder, .. } = &error else { panic!("{error}") };
    assert_eq!(*holder, format!("process {}", child.id()));
    assert!(error.to_string().contains("one process at a time"), "{error}");
    child.kill().unwrap();
    child.wait().unwrap();
    open(folder.path());
}

const FILLER_BODY: usize = 1 << 20;

fn filler_record(revision: u64) -> Vec<Record> {
    let byte = u8::try_from(revision % 251).unwrap();
    vec![Record { revision: Revision(revision), body: vec![byte; FILLER_BODY].into() }]
}

async fn fill(folder: &Path) {
    let mut options = Options::new(folder);
    options.memtable_bytes = 1 << 30; // nothing leaves the journal, so that is what meets the limit
    let engine = Embedded::open(&options).unwrap();
    engine.create(&id("a"), &epoch()).await.unwrap();
    let mut last = 0;
    let error = loop {
        match engine.append(&id("a"), &epoch(), Revision(last), filler_record(last + 1)).await {
            Ok(_) => last += 1,
            Err(error) => break error,
        }
        assert!(last < 300, "the limit on files does not work here");
    };
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    let again = append(&engine, "a", last, 1).await.unwrap_err();
    assert!(matches!(again, Error::ReadOnly { .. }), "{again}");
    let one = onair_engine::Limit { records: 1, bytes: 1 };
    let read = engine.read(&id("a"), &epoch(), Revision(last - 1), one).await;
    assert!(read == Ok(filler_record(last)), "reads go on");
    say(&format!("ack a {last}"));
    say(&format!("error {error}"));
}

/// F6, as far as it goes without a disk of one's own: writes of the journal fail from some point on.
#[tokio::test]
async fn f6_a_journal_that_cannot_grow_closes_the_handle_and_keeps_what_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, lines) = start("filler", folder.path());
    let lines: Vec<String> = lines.collect();
    assert!(child.wait().unwrap().success(), "{lines:#?}");
    let said =
        |what| lines.iter().find_map(|line| line.strip_prefix(what)).unwrap_or_else(|| panic!("{lines:#?}"));
    let last: u64 = said("ack a ").parse().unwrap();
    assert!(said("error ").contains("the log could not be written"), "{lines:#?}");
    let engine = open(folder.path());
    let head = engine.head(&id("a")).await.unwrap().unwrap();
    assert!(head.last.0 == last || head.last.0 == last + 1, "{head:?}, acknowledged {last}");
    for revision in 1..=head.last.0 {
        let one = onair_engine::Limit { records: 1, bytes: 1 };
        let read = engine.read(&id("a"), &epoch(), Revision(revision - 1), one).await;
        assert!(read == Ok(filler_record(revision)), "revision {revision}");
    }
    append(&engine, "a", head.last.0, 1).await.unwrap();
}
