//! `docs/configuration.md`, made from the list of settings; a test holds the file to it.

use std::fmt::Write;

use super::{Config, SETTINGS, Setting};

const HEAD: &str = "\
# Configuration

Each setting has a default. The file given by `--config` goes over the defaults, the environment over the file, and
flags over the environment. The file is TOML; a key that is not known is refused, with the nearest that is.
`onair config check FILE` names every mistake by its line.

Any setting can be said in the environment by the name shown with it; lists are separated by commas there, and an empty
variable counts as none. Lengths of time are milliseconds. Paths are seen from the directory that the server is started
in.

The list below is made from `crates/server/src/config/mod.rs`.

| key | default | |
|---|---|---|
";

/// The text of the page.
#[must_use]
pub fn reference() -> String {
    let defaults = Config::default();
    let mut page = HEAD.to_owned();
    for setting in SETTINGS {
        row(&mut page, setting, &defaults).expect("a text takes all that is written to it");
    }
    page
}

fn row(page: &mut String, setting: &Setting, defaults: &Config) -> std::fmt::Result {
    let Setting { key, kind, .. } = setting;
    let default = match (setting.show)(defaults) {
        none if none.is_empty() => "none".to_owned(),
        shown => format!("`{shown}`"),
    };
    let about: String = setting.about.concat();
    let mut variables = vec![format!("`{}`", setting.variable())];
    variables.extend(setting.aliases.iter().map(|alias| format!("`{alias}`")));
    writeln!(page, "| `{key}` | {default} | {kind}.{about} {} |", variables.join(", "))
}
