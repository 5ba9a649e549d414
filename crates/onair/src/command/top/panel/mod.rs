//! The panels, a file each: facts in, lines out, no wider than asked for.

mod alerts;
mod backends;
mod clients;
mod history;
mod log;
mod moves;
mod sequence;
mod services;
mod stream;

use ratatui::text::Line;

use super::{facts::Facts, paint::Paint};

pub(super) use alerts::count as alerts;
pub(super) use moves::key;
pub(super) use stream::fps;

/// What can be looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Panel {
    /// A bit of everything, as much as there is room for.
    #[default]
    Show,
    Services,
    Sequences,
    Alerts,
    History,
    Clients,
    Backends,
    Log,
}

/// A part of a screen, which may be a panel of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Block {
    Alerts,
    Backends,
    Clients,
    History,
    Log,
    Moves,
    Sequence,
    Sequences,
    Services,
    Stream,
}

impl Panel {
    pub(super) const ALL: [Self; 8] = [
        Self::Show,
        Self::Services,
        Self::Sequences,
        Self::Alerts,
        Self::History,
        Self::Clients,
        Self::Backends,
        Self::Log,
    ];

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Show => "Show",
            Self::Services => "Services",
            Self::Sequences => "Steps",
            Self::Alerts => "Alerts",
            Self::History => "History",
            Self::Clients => "Clients",
            Self::Backends => "Backends",
            Self::Log => "Log",
        }
    }

    /// Its place among all, from 0.
    pub(super) fn index(self) -> usize {
        Self::ALL.iter().position(|panel| *panel == self).expect("it is one of all")
    }

    pub(super) fn by_digit(digit: char) -> Option<Self> {
        let place = usize::try_from(digit.to_digit(10)?).ok()?.checked_sub(1)?;
        Self::ALL.get(place).copied()
    }

    pub(super) fn next(self) -> Self {
        Self::ALL[(self.index() + 1) % Self::ALL.len()]
    }

    pub(super) fn previous(self) -> Self {
        Self::ALL[(self.index() + Self::ALL.len() - 1) % Self::ALL.len()]
    }

    /// The one block it shows as a whole; the first panel shows many.
    pub(super) fn block(self) -> Option<Block> {
        Some(match self {
            Self::Show => return None,
            Self::Services => Block::Services,
            Self::Sequences => Block::Sequences,
            Self::Alerts => Block::Alerts,
            Self::History => Block::History,
            Self::Clients => Block::Clients,
            Self::Backends => Block::Backends,
            Self::Log => Block::Log,
        })
    }
}

impl Block {
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Alerts => "Alerts",
            Self::Backends => "Backends",
            Self::Clients => "Clients",
            Self::History => "History",
            Self::Log => "Log",
            Self::Moves => "Moves",
            Self::Sequence => "Sequence",
            Self::Sequences => "Sequences",
            Self::Services => "Services",
            Self::Stream => "Stream",
        }
    }

    /// What it says, in lines of at most `room` columns.
    pub(super) fn lines(self, facts: &Facts, paint: Paint, room: usize) -> Vec<Line<'static>> {
        match self {
            Self::Alerts => alerts::lines(facts, paint, room),
            Self::Backends => backends::lines(facts, paint, room),
            Self::Clients => clients::lines(facts, paint, room),
            Self::History => history::lines(facts, paint, room),
            Self::Log => log::lines(facts, paint, room),
            Self::Moves => moves::lines(facts, paint, room),
            Self::Sequence => sequence::lines(facts, paint, room),
            Self::Sequences => sequence::all(facts, paint, room),
            Self::Services => services::lines(facts, paint, room),
            Self::Stream => stream::lines(facts, paint, room),
        }
    }
}

/// Said where there is nothing to say.
fn nothing(paint: Paint, text: &str) -> Vec<Line<'static>> {
    vec![paint.line([(text.to_owned(), super::paint::Tone::Dim)])]
}
