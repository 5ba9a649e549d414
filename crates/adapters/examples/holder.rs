//! A server and nothing else, for the test that kills it: `holder FOLDER` starts a process that has another, says the
//! numbers of both in `FOLDER/on`, and waits. As `holder guard -- …` it is its own guard, as the program onair is.

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode, sync::Arc};

use onair_adapters::process::{Host, Options, Processes, guard};
use onair_runtime::{
    Clock, Tasks,
    adapter::{Adapter, Call},
};
use onair_wire::{Millis, ProductionId, TaskAction};

const SCRIPT: &str = "(trap '' TERM; sh -c 'echo $$ > inner; exec sleep 1000') & \
                      until [ -s inner ]; do sleep 0.01; done; echo on; wait";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let first = std::env::args_os().nth(1).expect("FOLDER");
    if first == "guard" {
        let orders = guard::Orders::read(std::env::args_os().skip(3)).expect("orders");
        return ExitCode::from(guard::run(orders).await.expect("it guards"));
    }
    serve(first.into()).await;
    ExitCode::SUCCESS
}

async fn serve(folder: PathBuf) {
    let script = format!("echo $$ > outer; {SCRIPT}");
    let options = Options {
        command: vec!["sh".into(), "-c".into(), script],
        directory: Some(folder.clone()),
        ready: Some("on".into()),
        grace: Millis(50),
        ..Options::default()
    };
    let (reports, _seen) = tokio::sync::mpsc::channel(64);
    let options = BTreeMap::from([("encoder".to_owned(), options)]);
    let host = Host::this_program(&|_| None).expect("this is a program");
    let processes = Processes::new(options, host, Tasks::new(), reports, Clock::system());
    let call = Call {
        production: ProductionId::new("studio").expect("a name"),
        service: "encoder".into(),
        adapter: Arc::new(serde_json::json!({ "type": "process", "name": "encoder" })),
        action: TaskAction::Start,
        key: "k".into(),
        attempt: 1,
        deadline: Clock::system().now(),
        params: Arc::default(),
    };
    processes.call(call).await.expect("it is on");
    let pid = |name: &str| std::fs::read_to_string(folder.join(name)).expect("written").trim().to_owned();
    std::fs::write(folder.join("on"), format!("{} {}\n", pid("outer"), pid("inner"))).expect("a place");
    std::future::pending::<()>().await;
}
