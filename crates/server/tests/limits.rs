//! The page about limits says what the code does (docs/limits.md).

use std::{fs, path::Path};

#[test]
fn the_page_about_limits_equals_the_code() {
    use onair_adapters::{agent, outbound, process};
    use onair_core::manifest::NAMES_MAX;
    use onair_core::production::{RECENT_VERSIONS, TOMBSTONES_MAX};
    use onair_core::{
        BATCH_MAX, BREAK_GLASS_MAX, COMMIT_BYTES_MAX, CONFLICTS_OPEN_MAX, CONFLICTS_RESOLVED_MAX,
        DOCUMENT_BYTES_MAX, FINDINGS_CLEARED_MAX, SEQUENCES_MAX, TRANSITIONS_MAX, rules::SUBJECTS_MAX,
    };
    use onair_runtime::{
        INBOX, archive::HISTORY_COMMITS_MAX, hub, outbox, transfer::IMPORT_BYTES_MAX, watchdog,
    };
    use onair_server::{net, routes, session, socket};
    let number = |n: usize| n.to_string();
    let millis = |length: std::time::Duration| length.as_millis().to_string();
    let table = [
        ("ID_LENGTH_MAX", number(onair_wire::ID_LENGTH_MAX)),
        ("INTEGER_MAX", onair_wire::INTEGER_MAX.to_string()),
        ("DEPTH_MAX", number(onair_wire::json::DEPTH_MAX)),
        ("DOCUMENT_BYTES_MAX", number(DOCUMENT_BYTES_MAX)),
        ("BATCH_MAX", number(BATCH_MAX)),
        ("COMMIT_BYTES_MAX", number(COMMIT_BYTES_MAX)),
        ("CONFLICTS_OPEN_MAX", number(CONFLICTS_OPEN_MAX)),
        ("CONFLICTS_RESOLVED_MAX", number(CONFLICTS_RESOLVED_MAX)),
        ("BODY_BYTES_MAX", number(routes::BODY_BYTES_MAX)),
        ("PAGE_MAX", number(routes::PAGE_MAX)),
        ("COMMITS_MAX", number(routes::COMMITS_MAX)),
        ("WAIT_MAX", routes::WAIT_MAX.to_string()),
        ("COLLECTIONS_MAX", number(routes::COLLECTIONS_MAX)),
        ("STREAMS_PER_TOKEN_MAX", number(routes::STREAMS_PER_TOKEN_MAX)),
        ("MESSAGE_BYTES_MAX", number(socket::MESSAGE_BYTES_MAX)),
        ("WRITE_BUFFER_BYTES", number(socket::WRITE_BUFFER_BYTES)),
        ("SUBSCRIPTIONS_MAX", number(session::SUBSCRIPTIONS_MAX)),
        ("PENDING_MAX", number(session::PENDING_MAX)),
        ("CHATTER_MAX", session::CHATTER_MAX.to_string()),
        ("NAMES_MAX", number(NAMES_MAX)),
        ("AGENTS_MAX", number(agent::AGENTS_MAX)),
        ("TASKS_MAX", number(agent::TASKS_MAX)),
        ("ORDERS_MAX", number(agent::ORDERS_MAX)),
        ("ENDED_MAX", number(agent::ENDED_MAX)),
        ("HEARTBEAT_MIN", agent::HEARTBEAT_MIN.0.to_string()),
        ("ERROR_LENGTH_MAX", number(onair_wire::agent::ERROR_LENGTH_MAX)),
        ("ANSWER_BYTES_MAX", number(outbound::ANSWER_BYTES_MAX)),
        ("PATIENCE_MAX", millis(outbound::PATIENCE_MAX)),
        ("ANSWER_MAX", millis(watchdog::ANSWER_MAX)),
        ("ATTEMPT_MAX", millis(outbox::ATTEMPT_MAX)),
        ("FAILURES_MAX", outbox::FAILURES_MAX.to_string()),
        ("WAITING_MAX", number(outbox::WAITING_MAX)),
        ("OUTPUT_LINES_MAX", process::OUTPUT_LINES_MAX.to_string()),
        ("SEQUENCES_MAX", number(SEQUENCES_MAX)),
        ("TRANSITIONS_MAX", number(TRANSITIONS_MAX)),
        ("BREAK_GLASS_MAX", number(BREAK_GLASS_MAX)),
        ("FINDINGS_CLEARED_MAX", number(FINDINGS_CLEARED_MAX)),
        ("SUBJECTS_MAX", number(SUBJECTS_MAX)),
        ("TOKENS_MAX", number(onair_server::auth::tokens::TOKENS_MAX)),
        ("TICKETS_MAX", number(onair_server::auth::tickets::TICKETS_MAX)),
        ("LANES_MAX", number(hub::LANES_MAX)),
        ("RING_ENTRIES", number(hub::RING_ENTRIES)),
        ("RING_BYTES", number(hub::RING_BYTES)),
        ("INBOX", number(INBOX)),
        ("IMPORT_BYTES_MAX", number(IMPORT_BYTES_MAX)),
        ("HISTORY_COMMITS_MAX", HISTORY_COMMITS_MAX.to_string()),
        ("HEADER_BYTES_MAX", number(net::HEADER_BYTES_MAX)),
        ("CONNECTIONS_MAX", number(net::CONNECTIONS_MAX)),
        ("DESCRIPTORS_RESERVED", number(net::DESCRIPTORS_RESERVED)),
        ("RECENT_VERSIONS", number(RECENT_VERSIONS)),
        ("TOMBSTONES_MAX", number(TOMBSTONES_MAX)),
        ("APPEND_BYTES_MAX", number(onair_engine::APPEND_BYTES_MAX)),
    ];
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/limits.md"))
        .expect("the page");
    let rows = page.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(rows, table.len(), "a limit is missing here or there");
    for (name, value) in table {
        assert!(page.contains(&format!("| `{name}` | {value} |")), "{name} is {value}");
    }
}
