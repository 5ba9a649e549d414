//! Colours, which only say again what words and signs say: without them nothing is missing.

use ratatui::{
    style::{Color, Modifier, Style},
    text::{Line, Span},
};

use super::words::{pad, width};

/// Between two columns.
const GAP: usize = 2;
/// Below this a column says nothing.
const COLUMN_MIN: usize = 4;

/// How something is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Tone {
    #[default]
    Plain,
    Dim,
    Strong,
    Good,
    Moving,
    Bad,
}

/// What the terminal can show.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint {
    pub(super) colours: bool,
    /// More than ASCII.
    pub(super) unicode: bool,
}

/// A text and how it is meant.
pub(super) type Cell = (String, Tone);

impl Paint {
    pub(super) fn style(self, tone: Tone) -> Style {
        let (colour, modifier) = match tone {
            Tone::Plain => return Style::new(),
            // Not grey: on some backgrounds that is nothing at all.
            Tone::Dim => return Style::new().add_modifier(Modifier::DIM),
            Tone::Strong => return Style::new().add_modifier(Modifier::BOLD),
            Tone::Good => (Color::Green, Modifier::empty()),
            Tone::Moving => (Color::Yellow, Modifier::empty()),
            Tone::Bad => (Color::Red, Modifier::BOLD),
        };
        let style = Style::new().add_modifier(modifier);
        if self.colours { style.fg(colour) } else { style }
    }

    pub(super) fn span(self, text: impl Into<String>, tone: Tone) -> Span<'static> {
        Span::styled(text.into(), self.style(tone))
    }

    pub(super) fn line(self, cells: impl IntoIterator<Item = Cell>) -> Line<'static> {
        cells.into_iter().map(|(text, tone)| self.span(text, tone)).collect::<Vec<_>>().into()
    }

    /// Rows with columns below each other. Where there is no room, columns that only say more are left out, the last
    /// ones first; then the last column is cut, or left out where it would say nothing, and then those before it.
    pub(super) fn table(self, rows: &[Vec<Cell>], room: usize) -> Vec<Line<'static>> {
        let count = rows.iter().map(Vec::len).max().unwrap_or_default();
        let column = |column: usize| rows.iter().filter_map(move |row| row.get(column));
        let natural = |place| column(place).map(|(text, _)| width(text)).max().unwrap_or_default();
        let aside = |place| column(place).all(|(text, tone)| text.is_empty() || *tone == Tone::Dim);
        let columns: Vec<_> = (0..count).map(|place| (natural(place), aside(place))).collect();
        let widths = fitted(&columns, room);
        let last = widths.iter().rposition(|width| *width > 0);
        let line = |row: &Vec<Cell>| {
            let cells = row.iter().zip(&widths).enumerate().filter(|(_, (_, width))| **width > 0);
            self.line(cells.flat_map(|(place, ((text, tone), width))| {
                let gap = if Some(place) == last { 0 } else { GAP };
                [(pad(text, *width), *tone), (" ".repeat(gap), Tone::Plain)]
            }))
        };
        rows.iter().map(line).collect()
    }
}

/// How wide each column is, of how wide it wants to be and whether it can be left out. One of no width has no gap.
fn fitted(columns: &[(usize, bool)], room: usize) -> Vec<usize> {
    let over = |widths: &[usize]| {
        let used = widths.iter().filter(|width| **width > 0).map(|width| width + GAP);
        used.sum::<usize>().saturating_sub(GAP).saturating_sub(room)
    };
    let mut widths: Vec<usize> = columns.iter().map(|(width, _)| *width).collect();
    for place in (0..widths.len()).rev().filter(|place| columns[*place].1) {
        if over(&widths) > 0 {
            widths[place] = 0;
        }
    }
    // One long name does not push everything else out.
    let most = (room * 2 / 3).max(COLUMN_MIN);
    let before_last = widths.len().saturating_sub(1);
    for width in &mut widths[..before_last] {
        *width = (*width).min(most);
    }
    for place in (0..widths.len()).rev() {
        let cut = widths[place].saturating_sub(over(&widths));
        let enough = cut >= COLUMN_MIN.min(widths[place]);
        // The first column is what the others are about.
        widths[place] = if enough || place == 0 { cut } else { 0 };
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m5_columns_give_way_from_the_right() {
        let (said, aside) = (|width| (width, false), |width| (width, true));
        let table = [
            (vec![said(4), said(6)], 20, vec![4, 6]),
            (vec![said(4), said(60)], 20, vec![4, 14]),
            (vec![said(4), aside(6), said(6), aside(9)], 20, vec![4, 6, 6, 0]),
            (vec![said(4), aside(6), said(9), aside(9)], 20, vec![4, 0, 9, 0]),
            (vec![said(90), said(9)], 20, vec![13, 5]),
            (vec![said(10), said(10), said(10)], 20, vec![10, 8, 0]),
            (vec![said(4), said(0), said(8)], 14, vec![4, 0, 8]),
            (vec![said(9), said(9)], 2, vec![2, 0]),
            (vec![], 2, vec![]),
        ];
        for (columns, room, expected) in table {
            assert_eq!(fitted(&columns, room), expected, "{columns:?} in {room}");
        }
    }

    #[test]
    fn m5_without_colours_there_are_none() {
        let paint = Paint { colours: false, unicode: true };
        for tone in [Tone::Dim, Tone::Good, Tone::Moving, Tone::Bad] {
            assert_eq!((paint.style(tone).fg, paint.style(tone).bg), (None, None), "{tone:?}");
        }
    }
}
