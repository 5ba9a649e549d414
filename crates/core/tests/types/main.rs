//! The TypeScript client's types are those of the Rust types (row E4): `packages/client/src/types.generated.ts` is made
//! here, and the test fails when it is not what it would be. `cargo xtask types` writes it.

#![cfg(feature = "types")]
#![allow(clippy::disallowed_methods, reason = "the file is read and written by the test, not by the core")]

mod print;

use std::{fs, path::PathBuf};

use onair_core::{
    ActionName, Can, Conflict, ConflictStatus, Lifecycle, Phase, Resolved, Settings, Side, Validity,
    lifecycle::{BreakGlass, Reason, Recovery, Transition, Trouble},
    rules::{Category, Finding, Severity},
    sequence::{Kind, Plan, Planned, Sequence, SequenceStatus, Step, StepStatus},
    service::{Service, Status},
};
use onair_wire::{
    Cause, CauseKind, Change, Code, Commit, Detail, Entry, Mutation, Outcome, Receipt, TaskAction,
    agent::{self, AgentMessage, Done, Failed, Register, Registered, Task},
    sync::{
        Action, ClientMessage, Hello, Limits, Mutate, ServerMessage, Signal, StreamFigures, Subscribe,
        Unkinded, Unsubscribe, Welcome,
    },
    types::CommitMessage,
};
use ts_rs::{Config, TS};

const HEAD: &str = "\
// Made from the Rust types by `cargo xtask types`; what is written here by hand is lost, and a test fails.

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject

/** A JSON object. */
export type JsonObject = { readonly [name: string]: Json }
";

/// Every declaration, in the order of the list.
macro_rules! declarations {
    ($($type:ty),* $(,)?) => {{
        // Whole numbers stay below 2^53 on the wire.
        let config = Config::new().with_large_int("number");
        let mut text = HEAD.to_owned();
        $(
            text.push('\n');
            text += &print::declaration(
                &<$type as TS>::docs().unwrap_or_default(),
                &<$type as TS>::decl(&config),
            );
        )*
        text
    }};
}

fn generated() -> String {
    declarations![
        // What the log holds and clients keep.
        Entry,
        Change,
        CauseKind,
        Cause,
        Commit,
        // What is asked and answered.
        Mutation,
        Outcome,
        Receipt,
        Code,
        Detail,
        Unkinded<'static>,
        StreamFigures,
        // The sync protocol.
        Hello,
        Subscribe,
        Unsubscribe,
        Mutate,
        Action,
        Signal,
        ClientMessage,
        Limits,
        Welcome,
        CommitMessage,
        ServerMessage<'static>,
        // The protocol of agents.
        TaskAction,
        Register,
        Done,
        Failed,
        agent::Status,
        AgentMessage,
        Registered,
        Task,
        agent::ServerMessage<'static>,
        // The show.
        ActionName,
        Phase,
        Reason,
        Trouble,
        Recovery,
        Lifecycle,
        BreakGlass,
        Transition,
        Status,
        Service,
        Kind,
        SequenceStatus,
        StepStatus,
        Step,
        Sequence,
        Can,
        Validity,
        Planned,
        Plan,
        Settings,
        // Conflicts.
        Side,
        ConflictStatus,
        Resolved,
        Conflict,
        // Findings.
        Category,
        Severity,
        Finding,
    ]
}

#[test]
fn e4_the_types_of_the_client_are_those_of_the_wire() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../packages/client/src/types.generated.ts");
    let written = fs::read_to_string(&path).unwrap_or_default();
    let generated = generated();
    if written != generated && std::env::var_os("UPDATE").is_some() {
        fs::write(&path, generated).expect("a file of the repository can be written");
        return;
    }
    assert!(
        written == generated,
        "packages/client/src/types.generated.ts is stale: `cargo xtask types` writes it"
    );
}
