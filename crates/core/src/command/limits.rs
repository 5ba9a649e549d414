//! What a command may weigh, each number with its reason.

use onair_wire::{Change, Op};
use serde_json::Value;

use crate::refusal::Refusal;

/// Mutations in one batch: a batch holds up everybody else in the production for as long as it is decided.
pub const BATCH_MAX: usize = 1_000;
/// Bytes of one document as JSON: every subscriber gets it whole when it is put.
pub const DOCUMENT_BYTES_MAX: usize = 256 * 1024;
/// Bytes of the documents in one commit, records of conflicts included: a commit is appended, sent and kept whole.
pub const COMMIT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Conflicts that wait for somebody: beyond it nobody looks at the list any more.
pub const CONFLICTS_OPEN_MAX: usize = 10_000;
/// Resolved conflicts that are kept as documents, newest first; the log has the others.
pub const CONFLICTS_RESOLVED_MAX: usize = 1_000;

/// Sequences that are kept as documents, newest first; the log has the others.
pub const SEQUENCES_MAX: usize = 200;
/// Transitions that are kept as documents, likewise.
pub const TRANSITIONS_MAX: usize = 1_000;

/// Whether a document may be as it is.
pub(super) fn check(value: &Value) -> Result<(), Refusal> {
    let bytes = weight(value);
    if bytes > DOCUMENT_BYTES_MAX {
        return Err(Refusal::TooLarge {
            what: "bytes of one document",
            found: bytes,
            limit: DOCUMENT_BYTES_MAX,
        });
    }
    if deeper_than(value, onair_wire::json::DEPTH_MAX) {
        let detail =
            format!("the document would be nested deeper than {} levels", onair_wire::json::DEPTH_MAX);
        return Err(Refusal::invalid("", detail));
    }
    Ok(())
}

/// Whether a commit may weigh what its changes do.
pub(super) fn check_commit(changes: &[Change]) -> Result<(), Refusal> {
    let value = |change: &Change| match &change.op {
        Op::Put(value) | Op::Patch(value) | Op::Restore(value) => weight(value),
        Op::Delete => 0,
    };
    let found = changes.iter().map(value).sum();
    if found > COMMIT_BYTES_MAX {
        return Err(Refusal::TooLarge { what: "bytes in one commit", found, limit: COMMIT_BYTES_MAX });
    }
    Ok(())
}

/// Bytes of `value` as JSON.
fn weight(value: &Value) -> usize {
    struct Counter(usize);
    impl std::io::Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut counter = Counter(0);
    serde_json::to_writer(&mut counter, value).expect("counting does not fail");
    counter.0
}

fn deeper_than(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(_) | Value::Object(_) if levels == 0 => true,
        Value::Array(items) => items.iter().any(|item| deeper_than(item, levels - 1)),
        Value::Object(members) => members.values().any(|member| deeper_than(member, levels - 1)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
