//! A stage for processes: scripts of `sh` in a folder of their own, and looking whether anybody is left.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use onair_adapters::process::{Host, Options, Processes};
use onair_core::service::Seen;
use onair_runtime::{
    Clock, Tasks,
    adapter::{Adapter, BoxFuture, Call, CallError, Report},
};
use onair_wire::{Millis, ProductionId, TaskAction};
use rustix::process::{Pid, test_kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// How long a condition may take: far more than it does, since machines are slow at times.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// One service `encoder` of one production, and what is seen of it.
pub(crate) struct Stage {
    pub(crate) folder: TempDir,
    pub(crate) tasks: Tasks,
    pub(crate) processes: Processes,
    pub(crate) seen: mpsc::Receiver<Report>,
}

pub(crate) fn studio() -> ProductionId {
    ProductionId::new("studio").expect("a name")
}

/// An example of this crate, which lies beside the tests.
pub(crate) fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test is a program");
    let path = test.parent().and_then(Path::parent).expect("target").join("examples").join(name);
    assert!(path.is_file(), "{} is missing: cargo build -p onair-adapters --examples", path.display());
    path
}

impl Stage {
    /// With a script, and options beside it.
    pub(crate) fn new(script: &str, options: Options) -> Self {
        let command = vec!["sh".into(), "-c".into(), script.into()];
        Self::of(Options { command, ..options })
    }

    /// With options, in a folder.
    pub(crate) fn of(options: Options) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let options = Options { directory: Some(folder.path().into()), ..options };
        // What the tests are run with is not what a server has.
        let env = |name: &str| if name == "PATH" { std::env::var(name).ok() } else { None };
        let (tasks, (reports, seen)) = (Tasks::new(), mpsc::channel(64));
        let processes = Processes::new(
            BTreeMap::from([("encoder".to_owned(), options)]),
            Host::new(example("guard"), &env),
            tasks.clone(),
            reports,
            Clock::system(),
        );
        Self { folder, tasks, processes, seen }
    }

    pub(crate) fn call(
        &self,
        action: TaskAction,
        key: &str,
        params: Value,
    ) -> BoxFuture<'static, Result<Value, CallError>> {
        self.processes.call(Call {
            production: studio(),
            service: "encoder".into(),
            adapter: Arc::new(json!({ "type": "process", "name": "encoder" })),
            action,
            key: key.into(),
            attempt: 1,
            deadline: Clock::system().now(),
            params: Arc::new(params),
        })
    }

    pub(crate) async fn start(&self, key: &str) -> Result<Value, CallError> {
        within(self.call(TaskAction::Start, key, json!({}))).await
    }

    pub(crate) async fn initialize(&self) -> Result<Value, CallError> {
        within(self.call(TaskAction::Initialize, "i", json!({}))).await
    }

    pub(crate) async fn stop(&self, force: bool) {
        let done = within(self.call(TaskAction::Stop, "stop", json!({ "force": force }))).await;
        assert_eq!(done, Ok(json!({})));
    }

    pub(crate) async fn health(&self) -> Result<Value, CallError> {
        within(self.call(TaskAction::Health, "h", json!({}))).await
    }

    /// The next report.
    pub(crate) async fn report(&mut self) -> Seen {
        within(self.seen.recv()).await.expect("somebody reports").seen
    }

    pub(crate) fn sees(&self) -> Seen {
        self.processes.seen(&studio(), "encoder", true).expect("always known")
    }

    /// What a script has written into a file, once there is a whole line in it.
    pub(crate) async fn written(&self, file: &str) -> String {
        written(&self.folder.path().join(file)).await
    }

    /// A process number that a script has written.
    pub(crate) async fn pid(&self, file: &str) -> Pid {
        pid(&self.written(file).await)
    }
}

pub(crate) async fn written(path: &Path) -> String {
    let read = || fs::read_to_string(path).ok().filter(|text| text.ends_with('\n'));
    until("somebody writes", || read().is_some()).await;
    read().expect("it was there").trim_end().to_owned()
}

pub(crate) fn pid(text: &str) -> Pid {
    Pid::from_raw(text.parse().expect("a number")).expect("not zero")
}

pub(crate) fn is_there(pid: Pid) -> bool {
    test_kill_process(pid).is_ok()
}

pub(crate) async fn gone(pid: Pid) {
    until("it is gone", || !is_there(pid)).await;
}

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("in time")
}

pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let polled = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, polled).await.is_ok(), "not in time: {what}");
}

pub(crate) fn ready(text: &str) -> Options {
    Options { ready: Some(text.into()), ..Options::default() }
}

/// A grace so long that a test fails that waits for it.
pub(crate) fn patient(options: Options) -> Options {
    Options { grace: Millis(600_000), ..options }
}

pub(crate) fn here(instance: &Value, healthy: bool) -> Seen {
    let instance = instance["instance"].as_str().map(str::to_owned);
    assert!(instance.is_some(), "a start says which instance");
    Seen::Here { instance, healthy, details: None }
}

pub(crate) fn away(reason: &str) -> Seen {
    Seen::Away { reason: reason.into() }
}
