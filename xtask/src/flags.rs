//! What a chore is told: `--name value`, each at most once.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};

/// What was said.
#[derive(Debug)]
pub(crate) struct Flags(BTreeMap<String, String>);

impl Flags {
    /// Reads flags of which those are known.
    ///
    /// # Errors
    /// One is not known, has no value, or is said twice.
    pub(crate) fn of(arguments: &[&str], known: &[&str]) -> Result<Self> {
        let mut said = BTreeMap::new();
        for pair in arguments.chunks(2) {
            let name = pair[0].strip_prefix("--").filter(|name| known.contains(name));
            let name = name.with_context(|| format!("`{}` is none of --{}", pair[0], known.join(", --")))?;
            let [_, value] = pair else { bail!("--{name} needs a value") };
            ensure!(said.insert(name.to_owned(), (*value).to_owned()).is_none(), "--{name} is said twice");
        }
        Ok(Self(said))
    }

    /// A number, if it was said.
    ///
    /// # Errors
    /// It is none.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>> {
        let parse = |value: &String| value.parse().with_context(|| format!("--{name} is a number"));
        self.0.get(name).map(parse).transpose()
    }

    /// A text, if it was said.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_and_mistakes_are_named() {
        let known = ["minutes", "onair"];
        let flags = Flags::of(&["--minutes", "60", "--onair", "a/b"], &known).unwrap();
        assert_eq!((flags.number("minutes").unwrap(), flags.text("onair")), (Some(60), Some("a/b".into())));
        assert_eq!(Flags::of(&[], &known).unwrap().number("minutes").unwrap(), None);
        for (said, why) in [
            (&["--minute", "60"][..], "`--minute` is none of --minutes, --onair"),
            (&["--minutes"], "--minutes needs a value"),
            (&["--minutes", "1", "--minutes", "2"], "--minutes is said twice"),
        ] {
            assert_eq!(Flags::of(said, &known).unwrap_err().to_string(), why);
        }
        assert!(Flags::of(&["--minutes", "x"], &known).unwrap().number("minutes").is_err());
    }
}
