//! The terminal: taken, drawn on, and given back as it was, whatever happens: an end, an error, a signal, a panic.

use std::{
    io::{self, BufWriter, IsTerminal, Stdout, Write},
    panic,
    sync::Once,
};

use crossterm::{
    cursor::{Hide, Show},
    execute,
    terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
};
use ratatui::{Terminal, backend::CrosstermBackend, buffer::Buffer};

/// What is written at once: more than a whole screen of 200 × 50, so that no half of one is seen.
const FRAME_BYTES: usize = 256 * 1024;

/// A terminal that is ours until this is dropped.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
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
        let mut screen = Self { terminal: Terminal::new(backend)? };
        // From here on an error drops the screen, which gives everything back.
        enable_raw_mode()?;
        execute!(screen.terminal.backend_mut(), EnterAlternateScreen, Hide)?;
        screen.terminal.clear()?;
        Ok(screen)
    }

    /// Draws what is different from what stands there; all of it when the size has changed.
    pub(super) fn draw(&mut self, picture: impl FnOnce(&mut Buffer)) -> io::Result<()> {
        self.terminal.draw(|frame| picture(frame.buffer_mut()))?;
        Ok(())
    }

    /// Forgets what stands there: it is drawn anew.
    pub(super) fn forget(&mut self) -> io::Result<()> {
        self.terminal.clear()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // What waits would be written behind the restoring otherwise.
        let _ = self.terminal.backend_mut().flush();
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
