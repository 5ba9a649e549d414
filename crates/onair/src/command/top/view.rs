//! The picture: facts and what somebody looks at in, cells out. Nothing else decides what stands where.
//!
//! ```text
//! production, phase, session                         connection, time
//! revision, figures, how many alerts; or why it is not connected
//! [1 Show] 2 Services …
//! blocks, in as many columns as there is room for
//! what can be done now, by its key
//! what came of the last key
//! ```

use onair_client::connection::State;
use onair_server::logs::misleads;
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::Line,
    widgets::{Block as Frame, Clear, Widget},
};

use super::{
    dialog,
    facts::Facts,
    paint::{Cell, Paint, Tone},
    panel::{self, Block, Panel},
    ui::{Over, Ui},
    words::{clean, cut, said, time_of_day, width},
};
use crate::command::action::Action;

/// Below this there are no tabs and no second line.
const ROWS_FOR_TABS: u16 = 9;
/// From here on two blocks stand beside each other, and three.
const COLUMNS_FOR_TWO: u16 = 110;
const COLUMNS_FOR_THREE: u16 = 160;
/// What is left of a block where there is no room: its title and a line.
const BLOCK_ROWS_MIN: usize = 2;
/// What a block has before another has more: a title and the services or steps of a usual show.
const BLOCK_ROWS_ENOUGH: usize = 6;

/// Draws all of it; says from which line on the panel is shown.
pub(super) fn draw(buffer: &mut Buffer, facts: &Facts, ui: &Ui, paint: Paint) -> usize {
    let area = buffer.area;
    let room = usize::from(area.width);
    let mut top = vec![header(facts, paint, room)];
    if area.height >= ROWS_FOR_TABS {
        top.extend([second(facts, paint, room), tabs(ui, paint, room)]);
    }
    let bottom = [moves(facts, paint, room), status(ui, paint, room)];
    let (above, below) = (rows(top.len()), rows(bottom.len()));
    for (row, line) in (0..).zip(&top) {
        write(buffer, area, row, line);
    }
    for (row, line) in (area.height.saturating_sub(below)..).zip(&bottom) {
        write(buffer, area, row, line);
    }
    let height = area.height.saturating_sub(above + below);
    let body = Rect { x: 0, y: above.min(area.height), width: area.width, height };
    let scroll = match ui.panel.block() {
        Some(block) => whole(buffer, body, block, facts, ui.scroll, paint),
        None => {
            show(buffer, body, facts, paint);
            0
        }
    };
    if ui.over != Over::Nothing {
        over(buffer, body, &dialog::title(ui), &dialog::lines(facts, ui, paint, room), paint);
    }
    guard(buffer, paint.unicode);
    scroll
}

/// Lines are counted in few rows.
fn rows(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

fn write(buffer: &mut Buffer, area: Rect, row: u16, line: &Line<'_>) {
    if row < area.height {
        buffer.set_line(area.x, area.y + row, line, area.width);
    }
}

/// What stands left and right in a line. Where there is no room, the last ones go first: on the right as far as `least`,
/// then on the left as far as two, then on the right.
fn both(paint: Paint, room: usize, mut left: Vec<Cell>, mut right: Vec<Cell>, least: usize) -> Line<'static> {
    let of = |cells: &[Cell]| cells.iter().map(|(text, _)| width(text) + 2).sum::<usize>();
    while of(&left) + of(&right) > room {
        match (right.len() > least, left.len() > 2) {
            (true, _) => drop(right.pop()),
            (false, true) => drop(left.pop()),
            (false, false) if right.pop().is_some() => {}
            (false, false) => break,
        }
    }
    let mut cells = vec![(" ".to_owned(), Tone::Plain)];
    let mut free = room.saturating_sub(1 + of(&right));
    for (text, tone) in left {
        let text = cut(&text, free);
        free = free.saturating_sub(width(&text) + 2);
        cells.extend([(text, tone), ("  ".to_owned(), Tone::Plain)]);
    }
    let used: usize = cells.iter().map(|(text, _)| width(text)).sum();
    let right_width = of(&right).saturating_sub(1);
    cells.push((" ".repeat(room.saturating_sub(used + right_width)), Tone::Plain));
    cells.extend(right.into_iter().rev().flat_map(|cell| [cell, ("  ".to_owned(), Tone::Plain)]));
    paint.line(cells)
}

fn header(facts: &Facts, paint: Paint, room: usize) -> Line<'static> {
    let left = vec![(clean(&facts.production), Tone::Strong), phase(facts)];
    let connection = match facts.connection.state {
        State::Connected => ("● connected".to_owned(), Tone::Good),
        state @ (State::NeedsAuth | State::Failed) => (format!("✗ {state}"), Tone::Bad),
        state => (format!("◌ {state}"), Tone::Moving),
    };
    let role = facts.connection.role.as_deref().map(|role| (clean(role), Tone::Dim));
    let time = (format!("{} UTC", time_of_day(facts.now)), Tone::Dim);
    both(paint, room, left, [connection, time].into_iter().chain(role).collect(), 1)
}

fn phase(facts: &Facts) -> Cell {
    let (sign, tone) = match facts.phase() {
        "" => return ("nothing known yet".to_owned(), Tone::Dim),
        "live" => ('●', Tone::Good),
        "ready" => ('◎', Tone::Plain),
        "error" => ('✗', Tone::Bad),
        "idle" => ('○', Tone::Plain),
        _ => ('◐', Tone::Moving),
    };
    let paused = if facts.is_paused() { ", PAUSED" } else { "" };
    (format!("{sign} {}{paused}", clean(facts.phase()).to_uppercase()), tone)
}

fn second(facts: &Facts, paint: Paint, room: usize) -> Line<'static> {
    let place = facts.position.as_ref().map(|position| format!("rev {position}")).unwrap_or_default();
    if facts.connection.state != State::Connected {
        return paint.line([(cut(&format!(" {}", away(facts, &place)), room), Tone::Moving)]);
    }
    let mut left = vec![(place, Tone::Plain)];
    if facts.connection.lag > 0 {
        left.push((format!("{} behind", facts.connection.lag), Tone::Moving));
    }
    left.push((format!("{} watching", facts.watching), Tone::Plain));
    left.extend(panel::fps(facts).map(|fps| (format!("{fps} fps"), Tone::Plain)));
    left.extend(facts.stream.dropped_frames.map(|count| (format!("{count} dropped"), Tone::Plain)));
    let session = said(&facts.lifecycle, "sessionId");
    if !session.is_empty() {
        left.push((format!("session {session}"), Tone::Plain));
    }
    let alerts = match panel::alerts(facts) {
        0 => ("no alerts".to_owned(), Tone::Dim),
        1 => ("! 1 alert".to_owned(), Tone::Bad),
        count => (format!("! {count} alerts"), Tone::Bad),
    };
    both(paint, room, left, vec![alerts], 1)
}

/// Why there is no connection, and how old is what is shown.
fn away(facts: &Facts, place: &str) -> String {
    let connection = &facts.connection;
    let mut text = connection.state.to_string();
    if let Some(reason) = &connection.reason {
        text.push_str(&format!(" ({})", clean(reason)));
    }
    match connection.last_update {
        Some(at) if !place.is_empty() => {
            text.push_str(&format!("; shown is {place} of {}", time_of_day(at)));
        }
        _ => text.push_str(&format!("; {}", clean(&facts.server))),
    }
    if matches!(connection.state, State::NeedsAuth | State::Failed) {
        text.push_str("; c tries again");
    }
    text
}

fn tabs(ui: &Ui, paint: Paint, room: usize) -> Line<'static> {
    let tab = |panel: Panel, named: bool| -> Cell {
        let name = if named { format!(" {}", panel.title()) } else { String::new() };
        let text = format!("{}{name}", panel.index() + 1);
        match panel == ui.panel {
            true => (format!("[{text}]"), Tone::Strong),
            false => (format!(" {text} "), Tone::Dim),
        }
    };
    let full: Vec<Cell> = Panel::ALL.into_iter().map(|panel| tab(panel, true)).collect();
    match full.iter().map(|(text, _)| width(text)).sum::<usize>() <= room {
        true => paint.line(full),
        false => paint.line(Panel::ALL.into_iter().map(|panel| tab(panel, panel == ui.panel))),
    }
}

/// What is allowed, by its key; what is not can be pressed, and says why.
fn moves(facts: &Facts, paint: Paint, room: usize) -> Line<'static> {
    let allowed = Action::ALL.into_iter().filter(|action| facts.is_of_use(*action));
    let word = |action: Action| (format!("{} {}", panel::key(action), action.as_str()), Tone::Strong);
    let left: Vec<Cell> = match facts.connection.state {
        State::Connected => allowed.map(word).collect(),
        _ => vec![("nothing can be done from here now".to_owned(), Tone::Dim)],
    };
    // What can be done is not left out for the sake of a hint.
    let wanted: usize = left.iter().map(|(text, _)| width(text) + 2).sum();
    let hints = [("? help".to_owned(), Tone::Dim), ("q quit".to_owned(), Tone::Dim)];
    let hints = hints.into_iter().take(room.saturating_sub(wanted) / 8).collect();
    both(paint, room, left, hints, 0)
}

fn status(ui: &Ui, paint: Paint, room: usize) -> Line<'static> {
    let (text, tone) = ui.status.clone().unwrap_or_default();
    paint.line([(cut(&format!(" {text}"), room), tone)])
}

/// One block, from a line on.
fn whole(buffer: &mut Buffer, area: Rect, block: Block, facts: &Facts, scroll: usize, paint: Paint) -> usize {
    let lines = block.lines(facts, paint, usize::from(area.width).saturating_sub(2));
    let height = usize::from(area.height).saturating_sub(1);
    let scroll = scroll.min(lines.len().saturating_sub(height));
    let place = match lines.len() > height {
        true => format!(
            "{} {}-{} of {}",
            block.title(),
            scroll + 1,
            (scroll + height).min(lines.len()),
            lines.len()
        ),
        false => block.title().to_owned(),
    };
    write(buffer, area, 0, &rule(&place, paint, area.width));
    for (row, line) in (1..).zip(lines.iter().skip(scroll).take(height)) {
        write(buffer, inner(area), row, line);
    }
    scroll
}

/// Many blocks, in as many columns as there is room for.
fn show(buffer: &mut Buffer, area: Rect, facts: &Facts, paint: Paint) {
    use Block::{Alerts, Backends, Clients, History, Log, Moves, Sequence, Services, Stream};
    let alerts: &[Block] = if panel::alerts(facts) > 0 { &[Alerts] } else { &[] };
    let backends: &[Block] = if facts.backends.is_empty() { &[] } else { &[Backends] };
    if area.width < COLUMNS_FOR_TWO {
        let first: &[Block] =
            if facts.running().is_some() { &[Sequence, Services] } else { &[Services, Sequence] };
        stack(buffer, area, &[alerts, first, &[History], backends, &[Stream]].concat(), facts, paint);
        return;
    }
    if area.width < COLUMNS_FOR_THREE {
        // Alerts need the whole width for their sentences.
        let wanted = match alerts {
            [] => 0,
            _ => Alerts.lines(facts, paint, usize::from(area.width) - 2).len() + 1,
        };
        let above = rows(wanted).min(area.height / 3);
        stack(buffer, Rect { height: above, ..area }, alerts, facts, paint);
        let rest = Rect { y: area.y + above, height: area.height - above, ..area };
        let [left, right] = columns(rest);
        stack(buffer, left, &[&[Services], backends, &[Stream]].concat(), facts, paint);
        stack(buffer, right, &[Sequence, History], facts, paint);
        return;
    }
    let [left, middle, right] = columns(area);
    stack(buffer, left, &[alerts, &[Services, Moves], backends].concat(), facts, paint);
    stack(buffer, middle, &[Sequence, Stream, Clients], facts, paint);
    stack(buffer, right, &[History, Log], facts, paint);
}

/// Columns of the same width.
fn columns<const N: usize>(area: Rect) -> [Rect; N] {
    let count = rows(N);
    let width = area.width / count;
    std::array::from_fn(|column| {
        let x = area.x + width * rows(column);
        let width = if column + 1 == N { area.right() - x } else { width };
        Rect { x, width, ..area }
    })
}

/// Blocks below each other, each as high as it wants to be as far as there is room.
fn stack(buffer: &mut Buffer, area: Rect, blocks: &[Block], facts: &Facts, paint: Paint) {
    let room = usize::from(area.width).saturating_sub(2);
    let lines: Vec<Vec<Line<'_>>> = blocks.iter().map(|block| block.lines(facts, paint, room)).collect();
    let wanted: Vec<usize> = lines.iter().map(|lines| lines.len() + 1).collect();
    let mut row = 0;
    for ((block, lines), height) in blocks.iter().zip(&lines).zip(shared(&wanted, area.height.into())) {
        if height == 0 {
            continue;
        }
        let shown = (height - 1).min(lines.len());
        let title = match lines.len() - shown {
            0 => block.title().to_owned(),
            more => format!("{}, {more} more", block.title()),
        };
        write(buffer, area, row, &rule(&title, paint, area.width));
        for (below, line) in (row + 1..).zip(&lines[..shown]) {
            write(buffer, inner(area), below, line);
        }
        row += rows(height);
    }
}

/// How high each may be: none has much before the first ones have enough.
fn shared(wanted: &[usize], room: usize) -> Vec<usize> {
    let enough = (room / 3).clamp(BLOCK_ROWS_MIN + 1, BLOCK_ROWS_ENOUGH);
    let mut left = room;
    let mut give = |wish: usize, had: usize| {
        let given = (wish - had).min(left);
        // A title without a line says nothing.
        let given = if had == 0 && given < BLOCK_ROWS_MIN { 0 } else { given };
        left -= given;
        had + given
    };
    let first: Vec<usize> = wanted.iter().map(|wish| give((*wish).min(enough), 0)).collect();
    wanted.iter().zip(first).map(|(wish, had)| if had == 0 { 0 } else { give(*wish, had) }).collect()
}

/// Without the margins.
fn inner(area: Rect) -> Rect {
    Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area }
}

/// A title and a line as far as the right margin.
fn rule(title: &str, paint: Paint, width_of: u16) -> Line<'static> {
    let title = cut(&format!("─ {title} "), width_of.saturating_sub(1).into());
    let rest = usize::from(width_of).saturating_sub(width(&title) + 1);
    paint.line([(title, Tone::Plain), ("─".repeat(rest), Tone::Dim)])
}

/// A page over the middle.
fn over(buffer: &mut Buffer, area: Rect, title: &str, lines: &[Line<'_>], paint: Paint) {
    let wanted = lines.iter().map(Line::width).max().unwrap_or_default().max(width(title) + 2) + 4;
    let width = rows(wanted).min(area.width);
    let height = rows(lines.len() + 2).min(area.height);
    let x = area.x + (area.width - width) / 2;
    let page = Rect { x, y: area.y + (area.height - height) / 2, width, height };
    Clear.render(page, buffer);
    Frame::bordered()
        .title(format!(" {title} "))
        .border_style(paint.style(Tone::Strong))
        .render(page, buffer);
    let text = Rect {
        x: page.x + 2,
        y: page.y + 1,
        width: width.saturating_sub(4),
        height: height.saturating_sub(2),
    };
    for (row, line) in (0..).zip(lines) {
        write(buffer, text, row, line);
    }
}

/// The last look: whatever a panel did, no cell has a character that a terminal obeys, and no wide character stands
/// where its second half does not.
fn guard(buffer: &mut Buffer, unicode: bool) {
    let area = buffer.area;
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            let follows = (x + 1 < area.right()).then(|| buffer[(x + 1, y)].symbol() == " ");
            let cell = &mut buffer[(x, y)];
            let halved = width(cell.symbol()) > 1 && follows != Some(true);
            if halved || cell.symbol().chars().any(misleads) {
                cell.set_symbol("?");
            }
            if !unicode && !cell.symbol().is_ascii() {
                let plain = ascii(cell.symbol());
                cell.set_char(plain);
            }
        }
    }
}

/// The nearest sign that every terminal has.
fn ascii(symbol: &str) -> char {
    match symbol {
        "─" | "–" => '-',
        "│" => '|',
        "┌" | "┐" | "└" | "┘" => '+',
        "●" => '*',
        "◎" => 'o',
        "○" | "·" => '.',
        "◐" | "◌" | "…" => '~',
        "✗" => 'x',
        "✓" => 'v',
        "▸" | "→" => '>',
        "↺" => '<',
        "≠" => '#',
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m5_blocks_share_the_rows() {
        let table: [(&[usize], usize, &[usize]); 8] = [
            (&[3, 4], 10, &[3, 4]),
            (&[3, 9], 8, &[3, 5]),
            (&[9, 9], 8, &[5, 3]),
            (&[9, 9, 9], 5, &[3, 2, 0]),
            (&[9, 9, 9], 20, &[8, 6, 6]),
            (&[9, 2, 9, 9], 14, &[4, 2, 4, 4]),
            (&[9], 1, &[0]),
            (&[], 5, &[]),
        ];
        for (wanted, room, expected) in table {
            assert_eq!(shared(wanted, room), expected, "{wanted:?} in {room}");
        }
    }

    #[test]
    fn m5_the_last_look_leaves_nothing_that_a_terminal_obeys() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 4, 1));
        buffer[(0, 0)].set_symbol("\u{1b}");
        buffer[(1, 0)].set_symbol("日");
        buffer[(2, 0)].set_symbol("x");
        buffer[(3, 0)].set_symbol("語");
        guard(&mut buffer, true);
        let symbols: Vec<&str> = buffer.content().iter().map(|cell| cell.symbol()).collect();
        assert_eq!(symbols, ["?", "?", "x", "?"]);
    }
}
