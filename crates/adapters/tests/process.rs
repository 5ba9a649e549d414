//! The process adapter against real processes (rows S2, S3, L12): scripts of `sh` under the guard of `examples/`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod kit;

use std::{collections::BTreeMap, fs};

use kit::{Stage, away, gone, here, is_there, patient, ready, within};
use onair_adapters::process::{Options, SignOfLife};
use onair_runtime::adapter::{Adapter, Class};
use onair_wire::{Millis, TaskAction};
use serde_json::json;
use tokio::task::yield_now;

/// On at once, and there until it is told to end.
const STAYS: &str = "echo $$ > pid; echo on; exec sleep 1000";
/// As a program that takes no notice.
const STUBBORN: &str = "trap '' TERM; echo $$ > pid; echo on; while :; do sleep 1; done";

#[tokio::test]
async fn s2_what_a_manifest_may_say() {
    let stage = Stage::new(STAYS, Options::default());
    let configured = "a command stands only in the server's configuration file";
    let table = [
        (json!({ "type": "process", "name": "encoder" }), None),
        (json!({ "type": "process", "name": "encoder", "command": ["sh"] }), Some(("/command", configured))),
        (json!({ "type": "process", "name": "encoder", "a/b": 1 }), Some(("/a~1b", configured))),
        (json!({ "type": "process", "command": "sh" }), Some(("/command", configured))),
        (json!({ "type": "process", "name": "decoder" }), Some(("/name", "which has `encoder`"))),
        (json!({ "type": "process", "name": 5 }), Some(("/name", "names a process"))),
        (json!({ "type": "process" }), Some(("/name", "which has `encoder`"))),
    ];
    for (adapter, expected) in table {
        let misfit = stage.processes.check(&adapter).err();
        let (pointer, detail) = misfit.map(|misfit| (misfit.pointer, misfit.detail)).unzip();
        assert_eq!(pointer.as_deref(), expected.map(|(pointer, _)| pointer), "{adapter}");
        let says = expected.is_none_or(|(_, part)| detail.as_ref().unwrap().contains(part));
        assert!(says, "{adapter}: {detail:?}");
    }
}

#[tokio::test]
async fn s3_starts_and_ends_gracefully() {
    let script = "trap 'echo bye > bye; exit 0' TERM; echo $$ > pid; echo on; while :; do sleep 0.02; done";
    let mut stage = Stage::new(script, patient(ready("on")));
    assert_eq!(stage.sees(), away("is not running"));
    let instance = stage.start("k").await.unwrap();
    assert_eq!(stage.sees(), here(&instance, true));
    assert_eq!(stage.report().await, here(&instance, true));
    assert_eq!(stage.health().await, Ok(instance));
    let pid = stage.pid("pid").await;
    stage.stop(false).await;
    assert!(!is_there(pid), "stopped, and there");
    assert_eq!(stage.written("bye").await, "bye");
    assert_eq!(stage.sees(), away("was stopped"));
    // Whoever stopped it knows; only what ends by itself is reported.
    assert!(stage.seen.try_recv().is_err(), "a stop that was asked for was reported");
    // Not running is done.
    stage.stop(false).await;
}

#[tokio::test]
async fn s3_ends_by_force_after_the_grace() {
    let stage = Stage::new(STUBBORN, Options { grace: Millis(50), ..ready("on") });
    stage.start("k").await.unwrap();
    let pid = stage.pid("pid").await;
    stage.stop(false).await;
    assert!(!is_there(pid));
}

#[tokio::test]
async fn s3_ends_at_once_when_forced() {
    let stage = Stage::new(STUBBORN, patient(ready("on")));
    stage.start("k").await.unwrap();
    let pid = stage.pid("pid").await;
    // Asked gracefully first: what is stronger goes over what was said before.
    let graceful = stage.call(TaskAction::Stop, "s", json!({}));
    let (graceful, ()) = tokio::join!(within(graceful), async {
        yield_now().await;
        stage.stop(true).await;
    });
    assert_eq!(graceful, Ok(json!({})));
    assert!(!is_there(pid));
}

#[tokio::test]
async fn s3_grandchildren_are_gone_too() {
    // One in the group, and one that left it as daemons do.
    let script = "(trap '' TERM; sh -c 'echo $$ > inner; exec sleep 1000') & \
                  setsid sh -c 'echo $$ > far; exec sleep 1000' & \
                  until [ -s inner ] && [ -s far ]; do sleep 0.01; done; echo on; wait";
    let stage = Stage::new(script, Options { grace: Millis(50), ..ready("on") });
    stage.start("k").await.unwrap();
    let (inner, far) = (stage.pid("inner").await, stage.pid("far").await);
    stage.stop(false).await;
    assert_eq!((is_there(inner), is_there(far)), (false, false));
}

#[tokio::test]
async fn s3_is_on_when_it_says_so() {
    let script = "echo begin >&2; echo > begun; until [ -e go ]; do sleep 0.01; done; echo 'all is ready now' >&2; exec sleep 1000";
    let stage = Stage::new(script, ready("is ready"));
    let (started, ()) = tokio::join!(stage.start("k"), async {
        stage.written("begun").await;
        assert_eq!(stage.sees(), away("is not on yet"));
        fs::write(stage.folder.path().join("go"), "").unwrap();
    });
    let instance = started.unwrap();
    assert_eq!(stage.sees(), here(&instance, true));
    stage.stop(true).await;
}

#[tokio::test]
async fn s3_without_a_word_it_is_on_once_it_has_run_for_a_while() {
    let stage = Stage::new(STAYS, Options { settle: Millis(20), ..Options::default() });
    stage.start("k").await.unwrap();
    assert!(is_there(stage.pid("pid").await));
    stage.stop(true).await;
}

#[tokio::test]
async fn s3_an_end_before_it_is_on_is_told_with_what_it_said() {
    let stage = Stage::new("echo one; echo two >&2; exit 3", ready("never"));
    let error = stage.start("k").await.unwrap_err();
    assert_eq!((error.class, error.retryable, error.unknown), (Class::Server, true, false));
    assert!(error.message.starts_with("exited with status 3 before it was on; it said: "), "{error}");
    assert!(error.message.contains("one") && error.message.contains("two"), "{error}");
    let stage = Stage::new("kill -KILL $$", ready("never"));
    let error = stage.start("k").await.unwrap_err();
    assert_eq!(error.message, "was ended by signal 9 before it was on; it said nothing");
}

#[tokio::test]
async fn s3_what_cannot_be_run_is_told() {
    let options = |program: &str| Options { command: vec![program.into()], ..Options::default() };
    for (program, expected) in [
        ("no-such-program", "the program no-such-program is not there"),
        ("./plain", "the program ./plain is not executable"),
    ] {
        let stage = Stage::of(options(program));
        fs::write(stage.folder.path().join("plain"), "").unwrap();
        for error in [stage.start("k").await.unwrap_err(), stage.initialize().await.unwrap_err()] {
            assert_eq!((error.message.as_str(), error.retryable), (expected, false));
        }
    }
}

#[tokio::test]
async fn s3_starts_once_whatever_the_key() {
    let stage = Stage::new("echo $$ >> pids; echo on; exec sleep 1000", ready("on"));
    let (one, same) = tokio::join!(stage.start("k"), stage.start("k"));
    let one = one.unwrap();
    assert_eq!(same.as_ref(), Ok(&one));
    assert_eq!((stage.start("k").await, stage.start("other").await), (Ok(one.clone()), Ok(one.clone())));
    assert_eq!(stage.written("pids").await.lines().count(), 1);
    stage.stop(true).await;
    // The next is another instance.
    assert_ne!(stage.start("k").await.unwrap(), one);
    stage.stop(true).await;
}

#[tokio::test]
async fn s3_an_end_by_itself_is_reported_with_its_last_line() {
    let script = "echo on; until [ -e go ]; do sleep 0.01; done; echo disk full >&2; exit 1";
    let mut stage = Stage::new(script, ready("on"));
    let instance = stage.start("k").await.unwrap();
    assert_eq!(stage.report().await, here(&instance, true));
    fs::write(stage.folder.path().join("go"), "").unwrap();
    assert_eq!(stage.report().await, away("exited with status 1: disk full"));
    assert_eq!(stage.sees(), away("exited with status 1: disk full"));
    assert_eq!(stage.health().await.unwrap_err().message, "exited with status 1: disk full");
}

#[tokio::test]
async fn s3_without_a_sign_of_life_it_is_unwell() {
    let script = "echo on; until [ -e go ]; do sleep 0.01; done; while :; do echo frame=1; sleep 0.01; done";
    let health = SignOfLife { text: "frame=".into(), within: Millis(400) };
    let mut stage = Stage::new(script, Options { health: Some(health), ..ready("on") });
    let instance = stage.start("k").await.unwrap();
    assert_eq!(stage.report().await, here(&instance, true));
    assert_eq!(stage.report().await, here(&instance, false));
    assert_eq!(stage.health().await.unwrap_err().message, "gives no sign of life");
    fs::write(stage.folder.path().join("go"), "").unwrap();
    assert_eq!(stage.report().await, here(&instance, true));
    stage.stop(true).await;
}

#[tokio::test]
async fn s3_is_made_ready_by_a_command_of_its_own() {
    let with = |script: &str| {
        let initialize = Some(vec!["sh".into(), "-c".into(), script.into()]);
        Stage::new(STAYS, Options { initialize, ..ready("on") })
    };
    let stage = with("echo done > done");
    assert_eq!(stage.initialize().await, Ok(json!({})));
    assert_eq!(stage.written("done").await, "done");
    let error = with("echo no licence; exit 4").initialize().await.unwrap_err();
    assert_eq!(error.message, "exited with status 4 while it made ready; it said: no licence");
    assert_eq!(Stage::new(STAYS, ready("on")).initialize().await, Ok(json!({})));
}

#[tokio::test]
async fn l12_an_abandoned_start_leaves_nothing() {
    let script = "echo $$ > pid; [ -e go ] && echo on; exec sleep 1000";
    let mut stage = Stage::new(script, patient(ready("on")));
    let pid = tokio::select! {
        ended = stage.call(TaskAction::Start, "k", json!({})) => panic!("{ended:?}"),
        pid = stage.pid("pid") => pid,
    };
    fs::write(stage.folder.path().join("go"), "").unwrap();
    // What comes next waits for its end, and is not taken for it.
    let instance = stage.start("k").await.unwrap();
    assert!(!is_there(pid), "two at once");
    assert_eq!(stage.report().await, here(&instance, true));
    stage.stop(false).await;
}

#[tokio::test]
async fn l12_an_abandoned_initialize_leaves_nothing() {
    let initialize = Some(vec!["sh".into(), "-c".into(), STAYS.into()]);
    let stage = Stage::new(STAYS, patient(Options { initialize, ..ready("on") }));
    let pid = tokio::select! {
        ended = stage.call(TaskAction::Initialize, "k", json!({})) => panic!("{ended:?}"),
        pid = stage.pid("pid") => pid,
    };
    gone(pid).await;
}

#[tokio::test]
async fn l12_a_server_that_stops_takes_its_children_along() {
    let stage = Stage::new(STAYS, patient(ready("on")));
    stage.start("k").await.unwrap();
    let pid = stage.pid("pid").await;
    stage.tasks.cancel();
    within(stage.tasks.ended()).await;
    assert!(!is_there(pid));
}

#[tokio::test]
async fn l12_a_server_that_is_killed_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut holder = std::process::Command::new(kit::example("holder")).arg(folder.path()).spawn().unwrap();
    let pids = kit::written(&folder.path().join("on")).await;
    let pids: Vec<_> = pids.split(' ').map(kit::pid).collect();
    assert!(pids.iter().all(|pid| is_there(*pid)), "{pids:?}");
    holder.kill().unwrap();
    holder.wait().unwrap();
    for pid in pids {
        gone(pid).await;
    }
}

#[tokio::test]
async fn l12_a_guard_that_is_killed_takes_its_child_along() {
    let mut stage = Stage::new(&STAYS.replace("echo on", "echo $PPID > guard; echo on"), ready("on"));
    let instance = stage.start("k").await.unwrap();
    assert_eq!(stage.report().await, here(&instance, true));
    let (guard, pid) = (stage.pid("guard").await, stage.pid("pid").await);
    rustix::process::kill_process(guard, rustix::process::Signal::KILL).unwrap();
    assert_eq!(stage.report().await, away("lost its guard, and was ended: on"));
    gone(pid).await;
}

#[tokio::test]
async fn s2_its_environment_is_clean() {
    let environment = BTreeMap::from([("A".to_owned(), "b".to_owned())]);
    let stage = Stage::new("env > env; exit 0", Options { environment, ..ready("never") });
    stage.start("k").await.unwrap_err();
    let env = stage.written("env").await;
    let mut names: Vec<_> = env.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    names.sort_unstable();
    // Three of these a shell sets by itself.
    names.retain(|name| !["PWD", "SHLVL", "_", "OLDPWD"].contains(name));
    assert_eq!(names, ["A", "PATH"]);
}

#[tokio::test]
async fn s2_output_is_kept_to_its_limit() {
    let script = "i=0; while [ $i -lt 500 ]; do echo line $i; i=$((i+1)); done; exit 1";
    let stage = Stage::new(script, Options { output_lines: 2, ..ready("never") });
    let error = stage.start("k").await.unwrap_err();
    assert_eq!(error.message, "exited with status 1 before it was on; it said: line 498 | line 499");
}
