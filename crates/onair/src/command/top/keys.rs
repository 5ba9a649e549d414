//! What a key means. It is a function of the key and of what is asked at the moment, so that a table tests it.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::panel::Panel;
use crate::command::action::Action;

/// What somebody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// To see another panel.
    Show(Panel),
    Next,
    Previous,
    /// To see what is further down, or up, by so many lines.
    Scroll(i16),
    Top,
    /// To move the lifecycle.
    Act(Action),
    /// Pause or resume, as it stands.
    PauseOrResume,
    /// Yes to what is asked.
    Confirm,
    /// No to what is asked, or to be done with a page.
    Back,
    Help,
    /// To try the connection now.
    Reconnect,
    Redraw,
    Quit,
}

/// What is asked at the moment, which decides what a key means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Nothing.
    Nothing,
    /// A page is shown over the others.
    Page,
    /// Whether to do what Enter does.
    Enter,
    /// Whether to end everything at once: Enter is not enough, since a habit presses it.
    Emergency,
}

/// The wish behind a key; nothing where it has no meaning.
pub(super) fn wish(key: KeyEvent, asked: Asked) -> Option<Wish> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return match key.code {
            KeyCode::Char('c' | 'q') => Some(Wish::Quit),
            KeyCode::Char('l') => Some(Wish::Redraw),
            _ => None,
        };
    }
    if key.modifiers.intersects(KeyModifiers::ALT | KeyModifiers::SUPER | KeyModifiers::META) {
        return None;
    }
    match asked {
        Asked::Nothing => plain(key.code),
        Asked::Page => Some(Wish::Back),
        // Whatever is no yes is a no.
        Asked::Enter if key.code == KeyCode::Enter => Some(Wish::Confirm),
        Asked::Emergency if key.code == KeyCode::Char('y') => Some(Wish::Confirm),
        Asked::Enter | Asked::Emergency => Some(Wish::Back),
    }
}

fn plain(code: KeyCode) -> Option<Wish> {
    Some(match code {
        KeyCode::Char('i') => Wish::Act(Action::Initialize),
        KeyCode::Char('s') => Wish::Act(Action::Start),
        KeyCode::Char('t' | 'x') => Wish::Act(Action::Stop),
        KeyCode::Char('p') => Wish::PauseOrResume,
        KeyCode::Char('r') => Wish::Act(Action::Recover),
        KeyCode::Char('E') => Wish::Act(Action::EmergencyStop),
        KeyCode::Char('c') => Wish::Reconnect,
        KeyCode::Char('?' | 'h') => Wish::Help,
        KeyCode::Char('q') => Wish::Quit,
        KeyCode::Char(digit @ '1'..='9') => Wish::Show(Panel::by_digit(digit)?),
        KeyCode::Tab | KeyCode::Right => Wish::Next,
        KeyCode::BackTab | KeyCode::Left => Wish::Previous,
        KeyCode::Down | KeyCode::Char('j') => Wish::Scroll(1),
        KeyCode::Up | KeyCode::Char('k') => Wish::Scroll(-1),
        KeyCode::PageDown | KeyCode::Char(' ') => Wish::Scroll(10),
        KeyCode::PageUp => Wish::Scroll(-10),
        KeyCode::Home => Wish::Top,
        KeyCode::Esc => Wish::Back,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m5_what_keys_mean() {
        use KeyCode::{BackTab, Char, Enter, Esc, Tab};
        let (none, control, alt) = (KeyModifiers::NONE, KeyModifiers::CONTROL, KeyModifiers::ALT);
        let shift = KeyModifiers::SHIFT;
        let table = [
            (Char('s'), none, Asked::Nothing, Some(Wish::Act(Action::Start))),
            (Char('x'), none, Asked::Nothing, Some(Wish::Act(Action::Stop))),
            (Char('t'), none, Asked::Nothing, Some(Wish::Act(Action::Stop))),
            (Char('E'), shift, Asked::Nothing, Some(Wish::Act(Action::EmergencyStop))),
            (Char('e'), none, Asked::Nothing, None),
            (Char('s'), control, Asked::Nothing, None),
            (Char('s'), alt, Asked::Nothing, None),
            (Char('c'), control, Asked::Nothing, Some(Wish::Quit)),
            (Char('c'), control, Asked::Emergency, Some(Wish::Quit)),
            (Char('1'), none, Asked::Nothing, Some(Wish::Show(Panel::Show))),
            (Char('9'), none, Asked::Nothing, None),
            (Tab, none, Asked::Nothing, Some(Wish::Next)),
            (BackTab, shift, Asked::Nothing, Some(Wish::Previous)),
            (Enter, none, Asked::Nothing, None),
            (Enter, none, Asked::Enter, Some(Wish::Confirm)),
            (Char('s'), none, Asked::Enter, Some(Wish::Back)),
            (Esc, none, Asked::Enter, Some(Wish::Back)),
            (Enter, none, Asked::Emergency, Some(Wish::Back)),
            (Char('E'), shift, Asked::Emergency, Some(Wish::Back)),
            (Char('y'), none, Asked::Emergency, Some(Wish::Confirm)),
            (Char('y'), none, Asked::Enter, Some(Wish::Back)),
            (Char('q'), none, Asked::Page, Some(Wish::Back)),
        ];
        for (code, modifiers, asked, expected) in table {
            assert_eq!(
                wish(KeyEvent::new(code, modifiers), asked),
                expected,
                "{code:?} {modifiers:?} {asked:?}"
            );
        }
        let released = KeyEvent::new_with_kind(Char('s'), none, KeyEventKind::Release);
        assert_eq!(wish(released, Asked::Nothing), None);
    }
}
