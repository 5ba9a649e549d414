//! What an operator decides: defaults, then the file, then the environment, then flags; each over the one before.
//!
//! All settings stand in one list below. The reader of the file, the names of variables, and `docs/configuration.md`
//! are made from it; the tables of processes have a list of their own. Nothing else reads the environment, and the environment is an argument.

mod engine;
mod file;
mod finding;
mod process;
mod reference;
mod value;
mod words;

pub use engine::{EngineUrl, Secret};
pub use finding::Finding;
pub use onair_adapters::process::Options as ProcessOptions;
pub use reference::reference;
pub use words::{Durability, HostName, LogFormat, LogLevel, OriginName};

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use onair_adapters::agent::HEARTBEAT_MIN;
use onair_runtime::{Keep, reach::Allow};
use onair_wire::{Millis, ProductionId};

use crate::{auth::Rates, net};
use value::{Given, Value};

/// A setting, apart from its type.
pub(crate) struct Setting {
    /// Its key in the file, tables before it.
    key: &'static str,
    /// Variables of older programs that say it too, beside `ONAIR_…`.
    aliases: &'static [&'static str],
    about: &'static [&'static str],
    kind: &'static str,
    read: fn(&mut Config, Given<'_>) -> Result<(), String>,
    read_alias: fn(&mut Config, Given<'_>) -> Result<(), String>,
    show: fn(&Config) -> String,
}

impl Setting {
    /// Its own variable.
    fn variable(&self) -> String {
        format!("ONAIR_{}", self.key.to_ascii_uppercase().replace('.', "_"))
    }
}

macro_rules! settings {
    ($($(#[doc = $about:literal])+ $field:ident: $type:ty = $default:expr, $key:literal $(, $alias:literal)*;)*) => {
        /// The configuration of a server.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Config {
            $(
                $(#[doc = $about])+
                ///
                #[doc = concat!("Key `", $key, "`, by default `", stringify!($default), "`.")]
                pub $field: $type,
            )*
            /// The commands that services may be, by their names: tables `[process.NAME]`, of the file alone.
            pub processes: BTreeMap<String, ProcessOptions>,
            /// What was said and has no effect; to be told at start.
            pub warnings: Vec<Finding>,
        }

        impl Default for Config {
            fn default() -> Self {
                Self { $($field: $default,)* processes: BTreeMap::new(), warnings: Vec::new() }
            }
        }

        /// All of them, in the order of the reference.
        const SETTINGS: &[Setting] = &[$(
            Setting {
                key: $key,
                aliases: &[$($alias),*],
                about: &[$($about),+],
                kind: <$type as Value>::KIND,
                read: |config, given| Value::read(given).map(|value: $type| config.$field = value),
                read_alias: |config, given| config.$field.read_alias(given),
                show: |config| config.$field.show(),
            },
        )*];
    };
}

settings! {
    /// Where HTTP, event streams and WebSockets are served. Port 0 takes a free one. Another address than a loopback one
    /// needs a token: `onair token create`.
    listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 4200)), "listen", "PORT";
    /// Where the preview is served. Kept for a later release, which has a preview.
    preview_listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 4201)), "preview_listen", "WS_PORT";
    /// Where metrics are served, to anybody who can connect.
    metrics_listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 9090)), "metrics_listen", "METRICS_PORT";
    /// The directory of tokens, and of the log unless `engine` names another place.
    data: PathBuf = PathBuf::from("onair-data"), "data";
    /// Where commits are kept: `embedded:DIR`, or `memory:` for nothing that lasts. Without it, a log in `data`.
    engine: Option<EngineUrl> = None, "engine";
    /// When a commit is acknowledged. `group`: when it is on stable storage, many with one flush.
    durability: Durability = Durability::Group, "durability";
    /// The production that `/stream` acts on. It is made when there is none.
    default_production: ProductionId = ProductionId::new("main").expect("a name"), "default_production";
    /// Hosts that the server answers to beside the loopback names and its own address: a name, with a port unless it is
    /// that of the web or the server's own. Another than a loopback name needs a token.
    hosts: Vec<HostName> = Vec::new(), "hosts";
    /// Origins of web pages that may call and read: `https://studio.example`, each in full.
    origins: Vec<OriginName> = Vec::new(), "origins";
    /// Connections at once, sockets included.
    connections_max: u32 = u32::try_from(net::CONNECTIONS_MAX).expect("fits"), "connections_max";
    /// How often figures of the stream are sent at most.
    signals_debounce: Millis = Millis(100), "signals_debounce_ms", "STATE_UPDATE_DEBOUNCE";
    /// How often a client is told to try again what is worth trying again.
    retries_max: u32 = 3, "retries_max", "MAX_RETRIES";
    /// How often a client is told to ask, where it cannot be told.
    poll_interval: Millis = Millis(1_000), "poll_interval_ms", "POLL_INTERVAL";
    /// How often an agent is asked for a sign of life, 100 at least. One that is silent for two and a half of these is
    /// gone, and the next takes over.
    agents_heartbeat: Millis = Millis(2_000), "agents.heartbeat_ms";
    /// How long the server takes to stop at most; what has not ended then is cut off.
    shutdown_grace: Millis = Millis(10_000), "shutdown_grace_ms";
    /// HTTP requests of one token or address per second; 0 for no limit.
    requests_per_second: u32 = Rates::default().requests_per_second, "rates.requests_per_second";
    /// HTTP requests that may come at once after a silence.
    requests_burst: u32 = Rates::default().requests_burst, "rates.requests_burst";
    /// Wrong tokens from one address per minute; further ones are answered by 429 and not logged.
    failures_per_minute: u32 = Rates::default().failures_per_minute, "rates.failures_per_minute";
    /// Commits of a production that are kept. A mutation id is remembered, and a position can be resumed from, for as long.
    keep_commits: u64 = Keep::default().commits, "keep.commits";
    /// How long commits are kept, unless `keep.commits` forgets them sooner.
    keep_age: Millis = Keep::default().age, "keep.age_ms";
    /// Addresses that the server may call beside those of the open network, for webhooks, Convex and `http` services:
    /// an address, a network or a name, with a port or without. Only these are called without TLS.
    outbound_allow: Allow = Allow::default(), "outbound.allow";
    /// How logs are written to standard error.
    log_format: LogFormat = LogFormat::Text, "log.format";
    /// What is logged: `error`, `warn`, `info`, `debug`, `trace`, or a filter as `info,onair_server=debug`.
    log_level: LogLevel = LogLevel::default(), "log.level";
    /// The URL of a Redis. Read, and of no effect: this release does not carry the engine.
    redis_url: Option<Secret> = None, "redis.url", "REDIS_URL";
    /// Its password. Of no effect likewise.
    redis_password: Option<Secret> = None, "redis.password", "REDIS_PASSWORD";
    /// What keys in it begin with. Of no effect likewise.
    redis_prefix: String = String::from("onair"), "redis.prefix", "REDIS_PREFIX";
}

/// What was said on the command line, by the keys of the file.
#[derive(Clone, Debug, Default)]
pub struct Flags(Vec<(String, Vec<String>)>);

impl Flags {
    /// With one more. For a list, `value` is one of its texts, and the key may be said again.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        match self.0.iter_mut().find(|(known, _)| known == key) {
            Some((_, values)) => values.push(value.into()),
            None => self.0.push((key.to_owned(), vec![value.into()])),
        }
        self
    }
}

impl Config {
    /// Puts together what the file, the environment and the flags say.
    ///
    /// # Errors
    /// Every mistake in any of them, those of the file by line.
    pub fn load(
        flags: &Flags,
        env: &dyn Fn(&str) -> Option<String>,
        file: Option<(PathBuf, String)>,
    ) -> Result<Self, Vec<Finding>> {
        let mut config = Self::default();
        let mut findings = Vec::new();
        if let Some((path, text)) = file {
            findings = file::read(&mut config, &path.display().to_string(), &text);
        }
        config.take_environment(env, &mut findings);
        config.take_flags(flags, &mut findings);
        config.look_for_contradictions(&mut findings);
        config.warn();
        if findings.is_empty() { Ok(config) } else { Err(findings) }
    }

    /// Every mistake of a file, in the order of its lines.
    #[must_use]
    pub fn check(text: &str) -> Vec<Finding> {
        let mut config = Self::default();
        let mut findings = file::read(&mut config, "the configuration", text);
        config.look_for_contradictions(&mut findings);
        findings
    }

    /// That nobody is an operator by being able to connect: an address or a host that others reach needs a token.
    ///
    /// # Errors
    /// What to do instead.
    pub fn check_exposure(&self, has_tokens: bool) -> Result<(), Finding> {
        if has_tokens {
            return Ok(());
        }
        let make_one = "make a token first: `onair token create NAME --role operator`";
        if !self.listen.ip().to_canonical().is_loopback() {
            let message = format!("others can reach {}, and no token is configured", self.listen);
            return Err(
                Finding::new("listen", "", message).hint(format!("{make_one}, or listen on 127.0.0.1"))
            );
        }
        let foreign = self.hosts.iter().find(|host| !crate::auth::guard::is_loopback(host.as_ref()));
        if let Some(host) = foreign {
            let message =
                format!("callers of {} come through a proxy, and no token is configured", host.as_ref());
            return Err(Finding::new("hosts", "", message).hint(make_one));
        }
        Ok(())
    }

    /// The limits of callers.
    #[must_use]
    pub fn rates(&self) -> Rates {
        Rates {
            requests_per_second: self.requests_per_second,
            requests_burst: self.requests_burst,
            failures_per_minute: self.failures_per_minute,
        }
    }

    /// How much of a log is kept.
    #[must_use]
    pub fn keep(&self) -> Keep {
        Keep { commits: self.keep_commits, age: self.keep_age }
    }

    /// Where commits are kept, with the default in the data directory.
    #[must_use]
    pub fn engine(&self) -> EngineUrl {
        self.engine.clone().unwrap_or_else(|| EngineUrl::Embedded(self.data.join("log")))
    }

    fn take_environment(&mut self, env: &dyn Fn(&str) -> Option<String>, findings: &mut Vec<Finding>) {
        // An empty variable is how compose files leave one out.
        let said = |name: &str| env(name).filter(|value| !value.is_empty());
        for setting in SETTINGS {
            let own = setting.variable();
            let aliases = setting.aliases.iter().map(|alias| (*alias, setting.read_alias));
            // The variable of ours comes last, and so wins.
            for (name, read) in aliases.chain([(own.as_str(), setting.read)]) {
                let Some(value) = said(name) else { continue };
                if let Err(message) = read(self, Given::Words(&value)) {
                    findings.push(Finding::new(name, setting.key, message));
                }
            }
        }
    }

    fn take_flags(&mut self, flags: &Flags, findings: &mut Vec<Finding>) {
        for (key, values) in &flags.0 {
            let source = format!("--{}", key.replace(['.', '_'], "-"));
            let read = match SETTINGS.iter().find(|setting| setting.key == key) {
                Some(setting) => (setting.read)(self, Given::Each(values)),
                None => Err("is not a setting".into()),
            };
            findings.extend(read.err().map(|message| Finding::new(source, key, message)));
        }
    }

    fn look_for_contradictions(&self, findings: &mut Vec<Finding>) {
        if self.agents_heartbeat < HEARTBEAT_MIN {
            let message = format!("is {}, at least {} is possible", self.agents_heartbeat.0, HEARTBEAT_MIN.0);
            findings.push(Finding::new("the configuration", "agents.heartbeat_ms", message));
        }
        let places = [
            ("listen", self.listen),
            ("preview_listen", self.preview_listen),
            ("metrics_listen", self.metrics_listen),
        ];
        for (at, (key, place)) in places.iter().enumerate() {
            let taken = places[..at].iter().find(|(_, other)| other == place && place.port() != 0);
            if let Some((other, _)) = taken {
                findings.push(Finding::new("the configuration", key, format!("is {place}, as `{other}` is")));
            }
        }
    }

    fn warn(&mut self) {
        if self.redis_url.is_some() && self.engine.is_none() {
            let message =
                "a Redis is named, and this release does not carry that engine: commits are kept in `data`";
            let hint = "say `engine = \"embedded:DIR\"` to choose the place, or leave REDIS_URL out";
            self.warnings.push(Finding::new("REDIS_URL", "redis.url", message).hint(hint));
        }
    }
}

#[cfg(test)]
mod tests;
