//! Processes of the configuration: a table `[process.NAME]` each, in the file and nowhere else, since what can be run on
//! this machine is not for whoever speaks HTTP or sets a variable.

use std::collections::BTreeMap;

use onair_adapters::process::{OUTPUT_LINES_MAX, Options, SignOfLife};
use onair_wire::Millis;
use toml::{Spanned, de::DeValue};

use super::value::{Given, Value, kind};

/// The longest grace, settling or silence: an hour. A show does not wait for more.
const LENGTH_MAX: Millis = Millis(3_600_000);

/// The longest name of a process, as that of a service.
const NAME_CHARS_MAX: usize = 128;

/// One key of a process.
pub(super) struct Key {
    pub(super) name: &'static str,
    /// As it is written in the file; nothing when there is none.
    pub(super) default: &'static str,
    pub(super) about: &'static str,
    read: fn(&mut Said, Given<'_>) -> Result<(), String>,
}

/// What was said of a process so far: the options, and halves of some.
#[derive(Default)]
struct Said {
    options: Options,
    health: Option<String>,
    health_within: Option<Millis>,
}

/// All keys, in the order of the reference.
pub(super) const KEYS: [Key; 11] = [
    Key {
        name: "command",
        default: "",
        about: "list of texts, needed. The program and its arguments. No shell is in between.",
        read: |said, given| command(given).map(|command| said.options.command = command),
    },
    Key {
        name: "directory",
        default: "",
        about: "path. Where it runs; without it, where the server was started.",
        read: |said, given| {
            text(given)?;
            Value::read(given).map(|directory| said.options.directory = Some(directory))
        },
    },
    Key {
        name: "environment",
        default: "{}",
        about: "table of texts. What it finds in its environment beside `PATH`, `HOME`, `LANG` and `TZ`; nothing else \
                of the server's environment is passed on.",
        read: |said, given| environment(given).map(|environment| said.options.environment = environment),
    },
    Key {
        name: "ready",
        default: "",
        about: "text. It is on once a line that it prints, to stdout or stderr, has this text in it.",
        read: |said, given| text(given).map(|ready| said.options.ready = Some(ready)),
    },
    Key {
        name: "settle_ms",
        default: "200",
        about: "milliseconds. Without `ready`: it is on once it has run for so long.",
        read: |said, given| length(given).map(|settle| said.options.settle = settle),
    },
    Key {
        name: "initialize",
        default: "",
        about: "list of texts. A command that is run to its end to make it ready to start. Without it, making ready is \
                looking whether the program is there.",
        read: |said, given| command(given).map(|command| said.options.initialize = Some(command)),
    },
    Key {
        name: "health",
        default: "",
        about: "text. A line on stdout with this text in it says that it is well; together with `health_within_ms`.",
        read: |said, given| text(given).map(|health| said.health = Some(health)),
    },
    Key {
        name: "health_within_ms",
        default: "",
        about: "milliseconds. It is unwell when no such line came for so long.",
        read: |said, given| match length(given)? {
            Millis(0) => Err("is a number of milliseconds from 1 on, not 0".into()),
            within => {
                said.health_within = Some(within);
                Ok(())
            }
        },
    },
    Key {
        name: "stop_signal",
        default: "\"TERM\"",
        about: "`TERM`, `INT` or `QUIT`. The signal that asks it to end, and all that it started.",
        read: |said, given| given.text()?.parse().map(|signal| said.options.stop_signal = signal),
    },
    Key {
        name: "grace_ms",
        default: "5000",
        about: "milliseconds. How long it may take to end; then it is ended by force.",
        read: |said, given| length(given).map(|grace| said.options.grace = grace),
    },
    Key {
        name: "output_lines",
        default: "200",
        about: "number, 1 to 10000. Lines that it printed last and that are kept, each cut at 1000 characters.",
        read: |said, given| match u32::read(given)? {
            lines if (1..=OUTPUT_LINES_MAX).contains(&lines) => {
                said.options.output_lines = lines;
                Ok(())
            }
            lines => Err(format!("is 1 to {OUTPUT_LINES_MAX}, not {lines}")),
        },
    },
];

/// A mistake: the key, what is wrong, what to do, and where in the text.
pub(super) type Mistake = (String, String, Option<String>, usize);

/// Reads the value of `process`: a table of tables. What holds is answered, and every mistake beside it.
pub(super) fn read(value: &Spanned<DeValue<'_>>) -> (BTreeMap<String, Options>, Vec<Mistake>) {
    let (mut processes, mut mistakes) = (BTreeMap::new(), Vec::new());
    let DeValue::Table(tables) = value.get_ref() else {
        let message = format!("is tables `[process.NAME]`, not {}", kind(value.get_ref()));
        return (processes, vec![("process".into(), message, None, value.span().start)]);
    };
    for (name, value) in tables {
        let key = format!("process.{}", name.get_ref());
        if !is_name(name.get_ref()) {
            let message = format!("a process has a name of 1 to {NAME_CHARS_MAX} of A-Z a-z 0-9 . _ ~ -");
            mistakes.push((key, message, None, name.span().start));
            continue;
        }
        let before = mistakes.len();
        let options = one(&key, name.span().start, value, &mut mistakes);
        if let Some(options) = options.filter(|_| mistakes.len() == before) {
            processes.insert(name.get_ref().to_string(), options);
        }
    }
    (processes, mistakes)
}

fn is_name(name: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || "._~-".contains(c);
    (1..=NAME_CHARS_MAX).contains(&name.len()) && name.chars().all(known)
}

fn one(
    key: &str,
    place: usize,
    value: &Spanned<DeValue<'_>>,
    mistakes: &mut Vec<Mistake>,
) -> Option<Options> {
    let DeValue::Table(table) = value.get_ref() else {
        let message = format!("is a table `[{key}]`, not {}", kind(value.get_ref()));
        mistakes.push((key.to_owned(), message, None, value.span().start));
        return None;
    };
    let mut said = Said::default();
    for (name, value) in table {
        let place = format!("{key}.{}", name.get_ref());
        match KEYS.iter().find(|known| known.name == name.get_ref()) {
            Some(known) => {
                if let Err(message) = (known.read)(&mut said, Given::Toml(value.get_ref())) {
                    mistakes.push((place, message, None, value.span().start));
                }
            }
            None => {
                let message = "is nothing that a process has".to_owned();
                mistakes.push((place, message, nearest(name.get_ref()), name.span().start));
            }
        }
    }
    let mut missing = |name: &str, message: &str| {
        if !table.contains_key(name) {
            mistakes.push((format!("{key}.{name}"), message.to_owned(), None, place));
        }
    };
    missing("command", "is needed: the program and its arguments, `[\"ffmpeg\", \"-i\", \"…\"]`");
    match (table.contains_key("health"), table.contains_key("health_within_ms")) {
        (true, false) => missing("health_within_ms", "is needed with `health`"),
        (false, true) => missing("health", "is needed with `health_within_ms`"),
        _ => {}
    }
    let Said { options, health, health_within } = said;
    let health = health.zip(health_within).map(|(text, within)| SignOfLife { text, within });
    Some(Options { health, ..options })
}

/// What was meant, if a key is near.
fn nearest(name: &str) -> Option<String> {
    let plain = name.to_ascii_lowercase().replace('-', "_");
    let likeness = |key: &Key| strsim::jaro_winkler(&plain, key.name);
    let best = KEYS.iter().max_by(|one, other| likeness(one).total_cmp(&likeness(other)))?;
    (likeness(best) >= super::file::NEAR).then(|| format!("did you mean `{}`?", best.name))
}

/// What the system takes for a text: without a NUL, and something.
fn whole(text: &str) -> Result<String, String> {
    match text {
        "" => Err("is not an empty text".into()),
        text if text.contains('\0') => Err("is a text without a NUL".into()),
        text => Ok(text.to_owned()),
    }
}

fn text(given: Given<'_>) -> Result<String, String> {
    whole(given.text()?)
}

fn command(given: Given<'_>) -> Result<Vec<String>, String> {
    if let Given::Toml(DeValue::String(_)) = given {
        return Err("is a list of texts, `[\"ffmpeg\", \"-i\", \"…\"]`: no shell takes it apart".into());
    }
    let words = given.list()?;
    match words.first() {
        None => return Err("is a program and its arguments, not an empty list".into()),
        Some(program) => whole(program).map_err(|error| format!("begins with a program, which {error}"))?,
    };
    if words.iter().any(|word| word.contains('\0')) {
        return Err("is texts without a NUL".into());
    }
    Ok(words.into_iter().map(str::to_owned).collect())
}

/// The values may be secret, and are not repeated.
fn environment(given: Given<'_>) -> Result<BTreeMap<String, String>, String> {
    let table = match given {
        Given::Toml(DeValue::Table(table)) => table,
        Given::Toml(other) => {
            return Err(format!("is a table of texts, `{{ NAME = \"…\" }}`, not {}", kind(other)));
        }
        Given::Words(_) | Given::Each(_) => return Err("is a table of texts, in a file".into()),
    };
    let entry = |name: &str, value: &DeValue<'_>| {
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err(format!("has the name {name:?}, which no variable can have"));
        }
        match value {
            DeValue::String(text) if text.contains('\0') => Err(format!("`{name}` is a text without a NUL")),
            DeValue::String(text) => Ok((name.to_owned(), text.to_string())),
            _ => Err(format!("`{name}` is a text in quotes")),
        }
    };
    table.iter().map(|(name, value)| entry(name.get_ref(), value.get_ref())).collect()
}

fn length(given: Given<'_>) -> Result<Millis, String> {
    match Millis::read(given)? {
        length if length > LENGTH_MAX => {
            Err(format!("is at most {} milliseconds, not {}", LENGTH_MAX.0, length.0))
        }
        length => Ok(length),
    }
}
