//! The file: TOML, every key known or named as unknown.

use toml::de::{DeTable, DeValue};

use super::{Config, Finding, SETTINGS, process, value::Given};

/// The largest file that is read: far more than all settings need.
const BYTES_MAX: usize = 1 << 20;

/// How far a name may be from a known one to be taken for it misspelled.
pub(super) const NEAR: f64 = 0.8;

/// Takes over what a file says; answers every mistake, in the order of its lines.
pub(super) fn read(config: &mut Config, source: &str, text: &str) -> Vec<Finding> {
    if text.len() > BYTES_MAX {
        return vec![Finding::new(source, "", format!("is larger than {BYTES_MAX} bytes"))];
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        // What could be read around the mistakes may not be what was meant.
        let found = errors.iter().map(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            Finding::new(source, "", error.message().trim()).at(text, offset)
        });
        return in_order(found.collect());
    }
    let mut reader = Reader { config, source, text, findings: Vec::new() };
    reader.table("", table.get_ref());
    in_order(reader.findings)
}

fn in_order(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by_key(|finding| (finding.line, finding.column));
    findings
}

struct Reader<'a> {
    config: &'a mut Config,
    source: &'a str,
    text: &'a str,
    findings: Vec<Finding>,
}

impl Reader<'_> {
    fn table(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let key = if prefix.is_empty() {
                name.get_ref().to_string()
            } else {
                format!("{prefix}.{}", name.get_ref())
            };
            let below = format!("{key}.");
            if key == "process" {
                let (processes, mistakes) = process::read(value);
                self.config.processes = processes;
                for (key, message, hint, offset) in mistakes {
                    self.found(&key, message, hint, offset);
                }
            } else if let Some(setting) = SETTINGS.iter().find(|setting| setting.key == key) {
                if let Err(message) = (setting.read)(self.config, Given::Toml(value.get_ref())) {
                    self.found(&key, message, None, value.span().start);
                }
            } else if SETTINGS.iter().any(|setting| setting.key.starts_with(&below)) {
                match value.get_ref() {
                    DeValue::Table(table) => self.table(&key, table),
                    _ => self.found(&key, "is a table of settings".into(), None, value.span().start),
                }
            } else {
                self.found(&key, "is not a setting".into(), nearest(&key), name.span().start);
            }
        }
    }

    fn found(&mut self, key: &str, message: String, hint: Option<String>, offset: usize) {
        let finding = Finding::new(self.source, key, message).at(self.text, offset);
        self.findings.push(match hint {
            Some(hint) => finding.hint(hint),
            None => finding,
        });
    }
}

/// What was meant, if anything known is near.
fn nearest(key: &str) -> Option<String> {
    let plain = key.to_ascii_lowercase().replace('-', "_");
    let stem = |key: &str| {
        let units = ["_ms", "_s", "_secs", "_seconds", "_minutes", "_min", "_hours", "_days"];
        units.iter().find_map(|unit| key.strip_suffix(unit)).unwrap_or(key).to_owned()
    };
    let keys = || SETTINGS.iter().map(|setting| setting.key);
    let in_milliseconds =
        |known: &&str| known.ends_with("_ms") && stem(known) == stem(&plain) && **known != plain;
    if let Some(known) = keys().find(in_milliseconds) {
        return Some(format!("did you mean `{known}`? Lengths of time are milliseconds"));
    }
    let old =
        |setting: &&super::Setting| setting.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(&plain));
    if let Some(setting) = SETTINGS.iter().find(old) {
        return Some(format!("in a file this is `{}`", setting.key));
    }
    // A setting outside of its table, or in another, is recognized by its last name.
    let likeness = |known: &str| {
        strsim::jaro_winkler(&plain, known).max(strsim::jaro_winkler(last_name(&plain), last_name(known)))
    };
    let best = keys().map(|known| (likeness(known), known)).max_by(|one, other| one.0.total_cmp(&other.0))?;
    (best.0 >= NEAR).then(|| format!("did you mean `{}`?", best.1))
}

fn last_name(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}
