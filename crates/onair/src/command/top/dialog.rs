//! What lies over the panels: the help, and the questions before a show is begun or ended.

use ratatui::text::Line;
use serde_json::Value;

use super::{
    facts::Facts,
    paint::{Cell, Paint, Tone},
    ui::{Over, Ui},
    words::{clean, said, wrapped},
};
use crate::command::{sequences::span, words};

const HELP: [(&str, &str); 13] = [
    ("i", "initialize: make the services ready"),
    ("s", "start: shows its steps, Enter goes live"),
    ("x or t", "stop: asks, Enter ends the show"),
    ("p", "pause, or resume"),
    ("r", "recover from an error"),
    ("E", "emergency stop: asks, y ends everything"),
    ("", ""),
    ("1-8, Tab", "the panels"),
    ("↑↓ j k", "scroll; PgUp, PgDn, Home"),
    ("c", "connect now"),
    ("Ctrl-L", "draw the screen anew"),
    ("Esc", "no; clear the last line"),
    ("q, Ctrl-C", "quit; the show goes on without you"),
];

pub(super) fn title(ui: &Ui) -> String {
    match ui.over {
        Over::Nothing => "",
        Over::Help => "Keys",
        Over::Start(_) => "Start",
        Over::Stop => "Stop",
        Over::Emergency => "EMERGENCY STOP",
    }
    .to_owned()
}

pub(super) fn lines(facts: &Facts, ui: &Ui, paint: Paint, room: usize) -> Vec<Line<'static>> {
    let room = room.saturating_sub(4);
    let name = clean(&facts.production);
    let text = |text: &str, tone: Tone| -> Vec<Line<'static>> {
        wrapped(text, room).into_iter().map(|line| paint.line([(line, tone)])).collect()
    };
    match &ui.over {
        Over::Nothing => Vec::new(),
        Over::Help => {
            let row = |(key, what): &(&str, &str)| -> Vec<Cell> {
                vec![((*key).to_owned(), Tone::Strong), ((*what).to_owned(), Tone::Plain)]
            };
            paint.table(&HELP.iter().map(row).collect::<Vec<_>>(), room)
        }
        Over::Start(plan) => {
            // The question stands first: where there is little room, the end is what is cut off.
            let mut lines = text(&format!("Enter goes live with {name}; any other key: no"), Tone::Strong);
            lines.push(Line::default());
            lines.extend(steps(plan, paint, room));
            lines
        }
        Over::Stop => text(&format!("Enter ends the show of {name}; any other key: no"), Tone::Strong),
        Over::Emergency => {
            let mut lines = text(&format!("y ends everything of {name}; any other key: no"), Tone::Bad);
            lines.extend(text("At once, not gracefully, and no backend is told.", Tone::Plain));
            lines
        }
    }
}

/// What a start would do: each step, how long it may take, how it is undone.
fn steps(plan: &Value, paint: Paint, room: usize) -> Vec<Line<'static>> {
    let irreversible = words(&plan["irreversible"]);
    let row = |step: &Value| -> Vec<Cell> {
        let name = said(step, "name");
        let undo = match said(step, "compensation") {
            _ if step["skipped"] == true => "nothing to do".to_owned(),
            undo if undo.is_empty() || irreversible.contains(&name) => "cannot be undone".to_owned(),
            undo => format!("undone by {undo}"),
        };
        let deadline = step["deadline"].as_u64().map_or_else(|| said(step, "deadline"), span);
        vec![(name, Tone::Plain), (deadline, Tone::Dim), (undo, Tone::Dim)]
    };
    let rows: Vec<Vec<Cell>> = plan["steps"].as_array().into_iter().flatten().map(row).collect();
    paint.table(&rows, room)
}
