//! Screens as somebody sees them, against files in `screens/`: each state in each size. `UPDATE=1` writes them anew.
//!
//! And what holds for every screen: no size breaks it, and nothing from a document reaches the terminal as it came.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{fs, path::Path};

use onair_client::{Acted, Connection, connection::State};
use onair_server::logs::misleads;
use onair_wire::{Revision, sync::StreamFigures};
use ratatui::{Terminal, backend::TestBackend};
use serde_json::{Value, json};

use super::{
    facts::{Facts, Named},
    lines,
    paint::{Paint, Tone},
    panel::Panel,
    ui::{Over, Ui},
    view,
    words::width,
};
use crate::command::action::Action;

const SIZES: [(u16, u16); 3] = [(80, 24), (40, 12), (200, 50)];
const PLAIN: Paint = Paint { colours: false, unicode: true };

/// 18:00 and so many seconds.
fn at(seconds: u64) -> String {
    format!("2026-11-20T18:{:02}:{:02}.000Z", seconds / 60, seconds % 60)
}

fn named(name: &str, value: Value) -> Named {
    Named { name: name.to_owned(), value }
}

fn service(name: &str, status: &str, healthy: bool, error: Option<&str>) -> Named {
    let adapter = if name == "host" { "agent" } else { "builtin" };
    let seen = (name == "host").then(|| at(56));
    named(
        name,
        json!({ "status": status, "required": name != "producer", "adapter": adapter, "healthy": healthy,
            "lastSeen": seen, "error": error }),
    )
}

fn transition(from: &str, to: &str, reason: &str, second: u64, lasted: u64) -> Value {
    json!({ "from": from, "to": to, "reason": reason, "actor": "operator:kim", "at": at(second), "lasted": lasted })
}

fn step(name: &str, status: &str, more: &Value) -> Value {
    let mut step = json!({ "name": name, "status": status, "attempts": 1, "key": "k", "error": null });
    step.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    step
}

fn initialized() -> Value {
    let took = json!({ "startedAt": at(2), "endedAt": "2026-11-20T18:00:02.120Z" });
    json!({ "id": "initialize-2", "kind": "initialize", "status": "done", "startedBy": "operator:kim",
        "startedAt": at(2), "endedAt": at(3), "error": null, "steps": [
            step("livefeed.initialize", "done", &took), step("host.initialize", "done", &took)] })
}

/// In step with a server on which nothing has happened.
fn idle() -> Facts {
    let mut facts = Facts::new("main", "http://127.0.0.1:4200/");
    facts.connection = Connection {
        state: State::Connected,
        last_update: Some(at(59).parse().unwrap()),
        role: Some("operator".to_owned()),
        ..Connection::default()
    };
    facts.position = Some("k3f9:1".to_owned());
    facts.now = at(60).parse().unwrap();
    facts.watching = 1;
    facts.lifecycle =
        json!({ "phase": "idle", "paused": false, "sessionId": null, "sequence": null, "error": null });
    facts.can = json!({ "initialize": { "allowed": true }, "emergency-stop": { "allowed": true },
        "start": { "allowed": false, "reason": "the phase is idle, and start needs ready" } });
    facts.services = ["host", "livefeed", "producer", "session"]
        .map(|name| service(name, "down", false, None))
        .into_iter()
        .collect();
    facts
}

/// A start in the middle of its steps: one is done, one is tried for the third time, one waits.
fn starting() -> Facts {
    let mut facts = idle();
    facts.position = Some("k3f9:44".to_owned());
    facts.lifecycle =
        json!({ "phase": "starting", "paused": false, "sessionId": "s-1", "sequence": "start-43" });
    facts.can = json!({ "emergency-stop": { "allowed": true },
        "start": { "allowed": false, "reason": "start-43 runs, begun by operator:kim" } });
    facts.services = vec![
        service("host", "starting", true, None),
        service("livefeed", "active", true, None),
        service("producer", "ready", true, None),
        service("session", "active", true, None),
    ];
    let done = json!({ "startedAt": at(55), "endedAt": "2026-11-20T18:00:55.120Z" });
    let tried = json!({ "attempts": 3, "startedAt": at(56), "deadline": at(71), "error": "the camera is in use",
        "retryAt": "2026-11-20T18:01:02.100Z" });
    facts.sequences = vec![
        json!({ "id": "start-43", "kind": "start", "status": "running", "startedBy": "operator:kim",
            "startedAt": at(55), "endedAt": null, "error": null, "steps": [
                step("livefeed.start", "done", &done), step("session.start", "done", &done),
                step("host.start", "running", &tried),
                step("producer.start", "pending", &json!({ "attempts": 0 }))] }),
        initialized(),
    ];
    facts.transitions = vec![
        transition("ready", "starting", "user_action", 55, 52_000),
        transition("initializing", "ready", "dependency_ready", 3, 1_000),
        transition("idle", "initializing", "user_action", 2, 2_000),
    ];
    facts.commits = vec![
        format!("    44  {}  operator:kim  sequence.step  patch _sequences/start-43", at(56)),
        format!("    43  {}  operator:kim  lifecycle.moved to=starting  patch _system/lifecycle", at(55)),
    ];
    facts
}

/// On air, and one that is needed is not.
fn live() -> Facts {
    let mut facts = starting();
    facts.position = Some("k3f9:51".to_owned());
    facts.lifecycle =
        json!({ "phase": "live", "paused": true, "sessionId": "s-1", "sequence": null, "error": null });
    facts.can = json!({ "stop": { "allowed": true }, "resume": { "allowed": true },
        "emergency-stop": { "allowed": true }, "pause": { "allowed": true } });
    facts.services = vec![
        service("host", "failed", false, Some("the agent's connection broke")),
        service("livefeed", "active", true, None),
        service("producer", "active", true, None),
        service("session", "active", true, None),
    ];
    facts.sequences.remove(0);
    facts.transitions.insert(0, transition("starting", "live", "dependency_ready", 58, 3_000));
    facts.watching = 12;
    facts.stream = StreamFigures {
        fps: Some(59.94),
        target_fps: Some(60.0),
        frame_count: Some(1_200),
        dropped_frames: Some(3),
        average_render_time: Some(4.12),
    };
    facts.backends = vec![
        named("hook", json!({ "type": "webhook", "lag": 7, "parked": 3, "lastError": "401 No" })),
        named("convex", json!({ "type": "convex", "lag": 0, "parked": 0 })),
    ];
    facts.findings = vec![json!({ "code": "SM001", "severity": "warning", "message": "live without a feed",
        "fix": "put a document into feed", "clearedAt": null })];
    facts.conflicts =
        vec![json!({ "id": "c-7", "collection": "scenes", "document": "intro", "path": "/title",
        "base": "Intro", "local": "Intro, take two", "server": "Opening", "status": "open" })];
    facts.clients = vec![
        json!({ "id": "c-1", "kind": "socket", "name": "onair top", "actor": "operator:kim", "since": at(1),
            "lastPing": at(58), "lag": 0, "quality": null }),
        json!({ "id": "c-2", "kind": "stream", "name": "wall 日本", "actor": "viewer:wall", "since": at(20),
            "lastPing": null, "lag": 65_536, "quality": "low" }),
    ];
    facts.documents = vec![("layers".to_owned(), 4), ("scenes".to_owned(), 2)];
    facts
}

/// A start that failed, with something owed, and recovery to come.
fn error() -> Facts {
    let mut facts = starting();
    let error = json!({ "code": "step-failed", "step": "host.start", "service": "host",
        "message": "host.start: the camera is in use", "owed": ["livefeed.stop"] });
    facts.position = Some("k3f9:50".to_owned());
    facts.lifecycle = json!({ "phase": "error", "paused": false, "sessionId": null, "sequence": null,
        "error": error, "recovery": { "attempts": 1, "nextAt": at(64), "gaveUp": false } });
    facts.can = json!({ "recover": { "allowed": true }, "emergency-stop": { "allowed": true },
        "start": { "allowed": false, "reason": "the phase is error, and start needs ready" } });
    let failed =
        json!({ "status": "rolledBack", "endedAt": at(58), "error": { "message": "the camera is in use" } });
    let sequence = facts.sequences[0].as_object_mut().unwrap();
    sequence.extend(failed.as_object().unwrap().clone());
    for (place, status) in [(0, "undone"), (1, "undone"), (2, "failed"), (3, "skipped")] {
        sequence["steps"][place]["status"] = status.into();
    }
    facts.services[0] = service("host", "failed", true, Some("the camera is in use"));
    facts.transitions.insert(0, transition("starting", "error", "error", 58, 3_000));
    facts
}

/// The same show as before, and nobody answers.
fn away() -> Facts {
    let mut facts = live();
    facts.connection.state = State::Reconnecting;
    facts.connection.reason = Some("offline".to_owned());
    facts
}

/// As a terminal of this size shows it.
fn screen(facts: &Facts, ui: &Ui, paint: Paint, (columns, rows): (u16, u16)) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| _ = view::draw(frame.buffer_mut(), facts, ui, paint)).unwrap();
    lines(terminal.backend().buffer())
}

fn check(name: &str, facts: &Facts, ui: &Ui, size: (u16, u16)) {
    let (columns, rows) = size;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/command/top/screens");
    let path = folder.join(format!("{name}-{columns}x{rows}.txt"));
    let drawn = screen(facts, ui, PLAIN, size);
    for line in &drawn {
        assert!(width(line) <= usize::from(columns), "{name}: {line:?}");
    }
    let drawn = drawn.join("\n").trim_end().to_owned() + "\n";
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(&folder).unwrap();
        fs::write(&path, &drawn).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(drawn == expected, "{}: UPDATE=1 writes it anew; it is now\n{drawn}", path.display());
}

#[test]
fn m5_each_state_in_each_size() {
    let mut done = Ui::default();
    let moved = Acted::Moved { revision: Revision(1), sequence: None, phase: "idle".to_owned() };
    done.acted(Action::Recover, &Ok(moved));
    let states = [
        ("idle", idle(), done),
        ("starting", starting(), Ui::default()),
        ("live", live(), Ui::default()),
        ("error", error(), Ui::default()),
        ("away", away(), Ui::default()),
        ("unknown", Facts::new("main", "http://127.0.0.1:4200/"), Ui::default()),
    ];
    for (name, facts, ui) in &states {
        SIZES.into_iter().for_each(|size| check(name, facts, ui, size));
    }
}

#[test]
fn m5_each_panel_and_each_question() {
    for panel in Panel::ALL.into_iter().skip(1) {
        let name = format!("panel-{}", panel.title().to_lowercase());
        check(&name, &live(), &Ui { panel, ..Ui::default() }, (80, 24));
    }
    let plan = json!({ "allowed": true, "irreversible": ["producer.start"], "steps": [
        { "name": "livefeed.start", "deadline": 15_000, "compensation": "livefeed.stop" },
        { "name": "producer.start", "deadline": 1_500, "compensation": null }] });
    let asked = [
        ("help", Over::Help),
        ("start", Over::Start(plan)),
        ("stop", Over::Stop),
        ("emergency", Over::Emergency),
    ];
    for (name, over) in asked {
        let ui = Ui { over, ..Ui::default() };
        for size in [(80, 24), (40, 12)] {
            check(&format!("over-{name}"), &live(), &ui, size);
        }
    }
}

/// Everything that documents and the server can say, replaced.
fn hostile(value: &mut Value, text: &str) {
    match value {
        Value::String(said) if said.parse::<onair_wire::Timestamp>().is_err() => said.push_str(text),
        Value::Array(items) => items.iter_mut().for_each(|item| hostile(item, text)),
        Value::Object(members) => members.values_mut().for_each(|member| hostile(member, text)),
        _ => {}
    }
}

#[test]
fn m5_no_document_moves_the_terminal() {
    let texts = [
        "\u{1b}[2J\u{1b}[31m\u{1b}]0;x\u{7}",
        "\r\n\t\u{8}\u{7f}\u{9b}5A",
        "\u{202e}evil\u{2066}\u{200f}",
        "日本語のとても長い文",
        "👩\u{200d}👩\u{200d}👧 👍🏽 🇩🇪 ☺\u{fe0f}",
        "e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
        "\u{200b}\u{ad}\u{115f}\u{3164}",
    ];
    for text in texts {
        for mut facts in [live(), error(), starting(), away()] {
            facts.production.push_str(text);
            facts.connection.reason = Some(text.to_owned());
            facts.connection.role = Some(text.to_owned());
            facts.commits.push(text.to_owned());
            facts.documents.push((text.to_owned(), 1));
            hostile(&mut facts.lifecycle, text);
            hostile(&mut facts.can, text);
            for named in facts.services.iter_mut().chain(&mut facts.backends) {
                named.name.push_str(text);
                hostile(&mut named.value, text);
            }
            let lists =
                [&mut facts.sequences, &mut facts.transitions, &mut facts.findings, &mut facts.conflicts];
            lists.into_iter().chain([&mut facts.clients]).flatten().for_each(|value| hostile(value, text));
            for panel in Panel::ALL {
                let ui = Ui { panel, ..Ui::default() };
                for size in SIZES {
                    for line in screen(&facts, &ui, PLAIN, size) {
                        assert!(!line.contains(misleads), "{text:?} in {panel:?}: {line:?}");
                        assert!(width(&line) <= usize::from(size.0), "{text:?} in {panel:?}: {line:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn m5_every_size_has_a_picture() {
    let plan = json!({ "allowed": true, "steps": [{ "name": "a", "deadline": 1, "compensation": "b" }] });
    for over in [Over::Nothing, Over::Help, Over::Start(plan)] {
        for panel in [Panel::Show, Panel::History] {
            let ui = Ui { panel, over: over.clone(), scroll: 1_000, ..Ui::default() };
            for columns in [0, 1, 2, 3, 4, 5, 7, 11, 19, 39, 109, 110, 159, 160] {
                for rows in (0..11).chain([60]) {
                    let drawn = screen(&live(), &ui, PLAIN, (columns, rows));
                    assert!(drawn.iter().all(|line| width(line) <= usize::from(columns)));
                }
            }
        }
    }
}

#[test]
fn m5_a_terminal_without_colours_or_signs_says_the_same() {
    let ui = Ui { status: Some(("größer".to_owned(), Tone::Bad)), ..Ui::default() };
    let ascii = screen(&live(), &ui, Paint { colours: false, unicode: false }, (80, 24));
    assert!(ascii.iter().all(|line| line.is_ascii()), "{ascii:?}");
    assert!(ascii[0].contains("* LIVE, PAUSED") && ascii[23].contains("gr??er"), "{ascii:?}");

    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    for (colours, expected) in [(false, false), (true, true)] {
        let paint = Paint { colours, unicode: true };
        terminal.draw(|frame| _ = view::draw(frame.buffer_mut(), &live(), &ui, paint)).unwrap();
        let coloured =
            terminal.backend().buffer().content().iter().any(|cell| cell.fg != ratatui::style::Color::Reset);
        assert_eq!(coloured, expected);
    }
    // What is coloured is no other text.
    let plain = screen(&live(), &ui, PLAIN, (80, 24));
    assert_eq!(lines(terminal.backend().buffer()), plain);
}
