//! The configuration: a file, variables in the lines behind `---`. Every mistake has a place in the file, and what is
//! checked without one is loaded without one.

use std::path::PathBuf;

use onair_server::{Config, config::Flags};

pub(crate) fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (file, variables) = text.split_once("\n---\n").unwrap_or((text, ""));
    let env = |name: &str| {
        let mut pairs = variables.lines().filter_map(|line| line.split_once('='));
        pairs.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
    };
    let path = PathBuf::from("onair.toml");
    let alone = Config::load(&Flags::default(), &|_| None, Some((path.clone(), file.to_owned())));
    let found = Config::check(file);
    assert_eq!(alone.is_ok(), found.is_empty(), "checked and loaded: {found:?}");
    for finding in &found {
        assert!(!finding.to_string().is_empty(), "a mistake without words");
    }
    let _ = Config::load(&Flags::default(), &env, Some((path, file.to_owned())));
}
