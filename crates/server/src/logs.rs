//! Logs to standard error, as lines for people or as JSON for programs, and texts of others made fit to be printed.

use std::{borrow::Cow, fmt, io};

use tracing::{Event, Subscriber, field::Visit};
use tracing_subscriber::{
    EnvFilter,
    fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter, format},
    registry::LookupSpan,
    util::SubscriberInitExt,
};

use crate::config::{LogFormat, LogLevel};

/// A text with everything escaped that a terminal would take for a command, or that makes it show something else than
/// what is there: control characters (C0, C1, DEL) and those that turn the direction of writing. Borrowed as it is when
/// there is none. Public for the command line.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(misleads) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if misleads(character) {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

/// Whether a terminal would take the character for a command, or show something else than what is there.
#[must_use]
pub fn misleads(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{61c}' | '\u{200e}' | '\u{200f}'         // marks
            | '\u{202a}'..='\u{202e}'                   // embeddings and overrides
            | '\u{2066}'..='\u{2069}'                   // isolates
            | '\u{2028}' | '\u{2029}'                   // separators of lines and paragraphs
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}') // invisible
}

/// Writes logs to standard error from now on.
///
/// # Errors
/// When somebody does so already.
pub fn init(format: LogFormat, level: &LogLevel) -> Result<(), String> {
    let already = |error: tracing_subscriber::util::TryInitError| error.to_string();
    match format {
        LogFormat::Text => text(level, io::stderr).try_init().map_err(already),
        LogFormat::Json => json(level, io::stderr).try_init().map_err(already),
    }
}

fn filter(level: &LogLevel) -> EnvFilter {
    EnvFilter::try_new(level.to_string()).unwrap_or_else(|_| EnvFilter::new("info"))
}

fn text<W>(level: &LogLevel, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::fmt().with_env_filter(filter(level)).event_format(Lines).with_writer(writer).finish()
}

fn json<W>(level: &LogLevel, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let builder = tracing_subscriber::fmt().json().flatten_event(true).with_env_filter(filter(level));
    builder.with_writer(writer).finish()
}

/// `2026-11-20T18:00:00.000Z INFO onair_server::auth: a token was refused address=… reason=…`, one line whatever is in it.
struct Lines;

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: format::Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let now = onair_runtime::Clock::system().now();
        let mut line = Line { message: String::new(), fields: String::new() };
        event.record(&mut line);
        let (level, target) = (metadata.level(), metadata.target());
        writeln!(writer, "{now} {level:>5} {target}: {}{}", printable(&line.message), printable(&line.fields))
    }
}

struct Line {
    message: String,
    fields: String,
}

impl Line {
    fn add(&mut self, name: &str, value: fmt::Arguments<'_>) {
        use fmt::Write;
        let written = match name {
            "message" => self.message.write_fmt(value),
            _ => write!(self.fields, " {name}={value}"),
        };
        written.expect("a text takes all that is written to it");
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
        match field.name() {
            "message" => self.add("message", format_args!("{value}")),
            // Quoted: a text with a space or a sign of equality is one value.
            name => self.add(name, format_args!("{value:?}")),
        }
    }

    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn fmt::Debug) {
        self.add(field.name(), format_args!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn x2_what_a_terminal_would_obey_is_escaped() {
        let table = [
            ("plain", "plain"),
            ("Grüße, 日本, 🎬, عربى", "Grüße, 日本, 🎬, عربى"),
            ("\u{1b}[2Jgone", "\\u{1b}[2Jgone"),
            ("one\ntwo\r\tthree", "one\\ntwo\\r\\tthree"),
            ("\u{7f}\u{9b}31m\0", "\\u{7f}\\u{9b}31m\\u{0}"),
            ("a\u{202e}cba", "a\\u{202e}cba"),
            ("\u{2067}x\u{2069}\u{200f}", "\\u{2067}x\\u{2069}\\u{200f}"),
            ("one\u{2028}two", "one\\u{2028}two"),
        ];
        for (text, shown) in table {
            assert_eq!(printable(text), shown);
            assert_eq!(matches!(printable(text), Cow::Borrowed(_)), text == shown, "{text:?}");
        }
    }

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("not poisoned").extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Page {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().expect("not poisoned").clone()).expect("text")
        }
    }

    fn say() {
        let evil = "\u{1b}]0;x\u{7}\n2026 INFO forged\u{202e}";
        tracing::info!(name = evil, shown = %evil, seen = ?Some(evil), count = 3, "a name with {evil}");
        tracing::debug!("not at this level");
    }

    #[test]
    fn o2_a_line_stays_a_line_whatever_is_in_it() {
        let page = Page::default();
        let writer = page.clone();
        tracing::subscriber::with_default(text(&LogLevel::default(), move || writer.clone()), say);
        let text = page.text();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(!text.trim_end().chars().any(misleads), "{text:?}");
        assert!(
            text.contains(" INFO onair_server::logs::tests: a name with \\u{1b}]0;x")
                && text.contains(" count=3")
        );
    }

    #[test]
    fn o2_json_has_an_object_a_line() {
        let page = Page::default();
        let writer = page.clone();
        tracing::subscriber::with_default(json(&LogLevel::default(), move || writer.clone()), say);
        let text = page.text();
        assert_eq!(text.lines().count(), 1, "{text}");
        let object: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!((&object["level"], &object["count"]), (&"INFO".into(), &3.into()));
        assert!(text.is_ascii() || !text.contains('\u{1b}'), "{text:?}");
    }
}
