//! `docs/configuration.md`, made from the list of settings; a test holds the file to it.

use std::fmt::Write;

use super::{Config, SETTINGS, Setting, process::KEYS};

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

const PROCESSES: &str = "
## Processes

A service of a manifest may be a process that the server runs: `{ \"type\": \"process\", \"name\": \"encoder\" }`. What it runs
stands in a table `[process.encoder]` of the file, and nowhere else: neither in the environment nor in a flag, and it is
not shown over HTTP. How such a service behaves: [processes as services](process-services.md).

```toml
[process.encoder]
command = [\"ffmpeg\", \"-nostdin\", \"-progress\", \"pipe:1\", \"-i\", \"rtmp://127.0.0.1/live\", \"-f\", \"hls\", \"live.m3u8\"]
directory = \"/srv/hls\"
environment = { AV_LOG_FORCE_NOCOLOR = \"1\" }
ready = \"Output #0\"
health = \"progress=continue\"
health_within_ms = 10000
stop_signal = \"INT\"
```

The list below is made from `crates/server/src/config/process.rs`.

| key of `[process.NAME]` | default | |
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
    page.push_str(PROCESSES);
    for key in &KEYS {
        let default = if key.default.is_empty() { "none".to_owned() } else { format!("`{}`", key.default) };
        writeln!(page, "| `{}` | {default} | {} |", key.name, key.about)
            .expect("a text takes all that is written to it");
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
