//! What is wrong with a configuration, and where.

use std::fmt;

use serde::Serialize;

/// One mistake. Whoever reads a configuration hears of all of them, not of the first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Who said it: the file's name, `PORT`, `--listen`.
    pub source: String,
    /// In the file, from 1.
    pub line: Option<usize>,
    /// In the line, from 1, in characters.
    pub column: Option<usize>,
    /// The key, its tables before it: `rates.requests_burst`; empty when the whole text is meant.
    pub key: String,
    /// What is wrong, with the value unless it is secret.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Finding {
    /// Said outside of the file.
    pub(super) fn new(source: impl Into<String>, key: &str, message: impl Into<String>) -> Self {
        let (source, key, message) = (source.into(), key.to_owned(), message.into());
        Self { source, line: None, column: None, key, message, hint: None }
    }

    /// With what to do.
    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// At an offset of the file's text.
    pub(super) fn at(self, text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let begin = before.rfind('\n').map_or(0, |end| end + 1);
        Self { line: Some(line), column: Some(before[begin..].chars().count() + 1), ..self }
    }
}

impl fmt::Display for Finding {
    /// As compilers say it, so that an editor goes there: `onair.toml:3:1: port: …; …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)?;
        for number in [self.line, self.column].into_iter().flatten() {
            write!(f, ":{number}")?;
        }
        let separator = if self.key.is_empty() { "" } else { ": " };
        write!(f, "{separator}{}: {}", self.key, self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "; {hint}"))
    }
}
