//! The terminal: taken, drawn on, and given back as it was, whatever happens: an end, an error, a signal, a panic.

use std::{
    io::{self, BufWriter, IsTerminal, Stdout},
    panic,
    sync::Once,
};

use crossterm::{
    cursor::{Hide, Show},
    execute, queue,
    terminal::{
        BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen,
        LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
    },
};
use ratatui::{
    backend::{Backend, CrosstermBackend},
    buffer::Buffer,
    layout::{Position, Rect},
};

/// What is written at once: more than a whole screen of 200 × 50, so that no half of one is seen.
const FRAME_BYTES: usize = 256 * 1024;

/// A terminal that is ours until this is dropped.
///
/// It is not `ratatui::Terminal`, which asks where the cursor is whenever the size changes, and gives up when a slow line
/// does not answer in time. Where nothing but a whole screen is drawn, nobody needs to know.
pub(super) struct Screen {
    backend: CrosstermBackend<BufWriter<Stdout>>,
    /// What stands there; nothing when it is not known.
    shown: Option<Buffer>,
}

/// Whether somebody sits there who can see a screen and press keys.
pub(super) fn is_there() -> bool {
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    io::stdin().is_terminal() && io::stdout().is_terminal() && !dumb
}

/// Whether the terminal shows more than ASCII, as far as the environment says it.
pub(super) fn shows_unicode() -> bool {
    let said = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(|name| std::env::var(name).ok());
    let locale = said.into_iter().find(|locale| !locale.is_empty());
    locale.is_none_or(|locale| is_unicode(&locale))
}

fn is_unicode(locale: &str) -> bool {
    let locale = locale.to_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

impl Screen {
    /// Takes the terminal.
    pub(super) fn open() -> io::Result<Self> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let before = panic::take_hook();
            panic::set_hook(Box::new(move |panic| {
                // Its message is to be read where the program was called.
                restore();
                before(panic);
            }));
        });
        let backend = CrosstermBackend::new(BufWriter::with_capacity(FRAME_BYTES, io::stdout()));
        let mut screen = Self { backend, shown: None };
        // From here on an error drops the screen, which gives everything back.
        enable_raw_mode()?;
        execute!(screen.backend, EnterAlternateScreen, Hide)?;
        Ok(screen)
    }

    /// Draws what is different from what stands there; all of it when the size has changed.
    pub(super) fn draw(&mut self, picture: impl FnOnce(&mut Buffer)) -> io::Result<()> {
        let mut next = Buffer::empty(Rect::from((Position::ORIGIN, self.backend.size()?)));
        picture(&mut next);
        queue!(self.backend, BeginSynchronizedUpdate)?;
        let shown = match self.shown.take().filter(|shown| shown.area == next.area) {
            Some(shown) => shown,
            None => {
                queue!(self.backend, Clear(ClearType::All))?;
                Buffer::empty(next.area)
            }
        };
        self.backend.draw(shown.diff(&next).into_iter())?;
        queue!(self.backend, EndSynchronizedUpdate)?;
        io::Write::flush(&mut self.backend)?;
        self.shown = Some(next);
        Ok(())
    }

    /// Forgets what stands there: it is drawn anew.
    pub(super) fn forget(&mut self) {
        self.shown = None;
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // What waits would be written behind the restoring otherwise.
        let _ = io::Write::flush(&mut self.backend);
        restore();
    }
}

/// Gives the terminal back. A second time changes nothing; a terminal that is gone needs nothing.
fn restore() {
    let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m5_what_locales_show() {
        for (locale, unicode) in [
            ("C", false),
            ("POSIX", false),
            ("de_DE.ISO-8859-1", false),
            ("C.UTF-8", true),
            ("en_US.utf8", true),
        ] {
            assert_eq!(is_unicode(locale), unicode, "{locale}");
        }
    }
}
