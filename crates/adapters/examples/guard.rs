//! A guard and nothing else, for the tests of this crate: `guard guard -- SIGNAL GRACE_MS PROGRAM ARGUMENT…`.

use std::process::ExitCode;

use onair_adapters::process::guard;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    // Behind its own name come those that the program onair wants.
    let orders = guard::Orders::read(std::env::args_os().skip(3)).expect("orders");
    ExitCode::from(guard::run(orders).await.expect("it guards"))
}
