//! What an operator says of a process, once it is read and found to hold.

use std::{
    collections::BTreeMap,
    fmt, io,
    path::{Path, PathBuf},
    str::FromStr,
};

use onair_wire::Millis;
use rustix::process::Signal;

/// Lines of output that may be kept: beyond them, a file of its own is the better place.
pub const OUTPUT_LINES_MAX: u32 = 10_000;

/// How a command is run and told to end.
///
/// What holds: `command` and `initialize` are not empty where they are said, and no text has a NUL in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Options {
    /// The program and its arguments; no shell is in between.
    pub command: Vec<String>,
    /// Where it runs; without it, where the server does.
    pub directory: Option<PathBuf>,
    /// What it finds in its environment beside the little that every child has.
    pub environment: BTreeMap<String, String>,
    /// A line of its output with this text in it says that it is on.
    pub ready: Option<String>,
    /// Without `ready`: how long it has to run to count as on.
    pub settle: Millis,
    /// A command that is run to its end to make it ready to start.
    pub initialize: Option<Vec<String>>,
    /// How it says that it is well.
    pub health: Option<SignOfLife>,
    /// What asks it to end.
    pub stop_signal: StopSignal,
    /// How long it may take to end before it is ended by force.
    pub grace: Millis,
    /// Lines of output that are kept, 1 to [`OUTPUT_LINES_MAX`].
    pub output_lines: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            command: Vec::new(),
            directory: None,
            environment: BTreeMap::new(),
            ready: None,
            settle: Millis(200),
            initialize: None,
            health: None,
            stop_signal: StopSignal::Term,
            grace: Millis(5_000),
            output_lines: 200,
        }
    }
}

impl fmt::Debug for Options {
    /// Without the values of the environment, which may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("command", &self.command)
            .field("directory", &self.directory)
            .field("environment", &self.environment.keys().collect::<Vec<_>>())
            .field("ready", &self.ready)
            .field("settle", &self.settle)
            .field("initialize", &self.initialize)
            .field("health", &self.health)
            .field("stop_signal", &self.stop_signal)
            .field("grace", &self.grace)
            .field("output_lines", &self.output_lines)
            .finish()
    }
}

/// A line on stdout that says that all is well, and how long it may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignOfLife {
    /// The text in the line.
    pub text: String,
    /// Without such a line for so long, it is unwell.
    pub within: Millis,
}

/// What asks a process to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StopSignal {
    /// SIGTERM.
    #[default]
    Term,
    /// SIGINT, as from a terminal: ffmpeg finishes its file.
    Int,
    /// SIGQUIT.
    Quit,
}

impl StopSignal {
    /// Its name without `SIG`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Term => "TERM",
            Self::Int => "INT",
            Self::Quit => "QUIT",
        }
    }

    pub(super) const fn signal(self) -> Signal {
        match self {
            Self::Term => Signal::TERM,
            Self::Int => Signal::INT,
            Self::Quit => Signal::QUIT,
        }
    }
}

impl FromStr for StopSignal {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "TERM" => Ok(Self::Term),
            "INT" => Ok(Self::Int),
            "QUIT" => Ok(Self::Quit),
            _ => Err(format!("is `TERM`, `INT` or `QUIT`, not {text:?}")),
        }
    }
}

/// What all children have in common: who guards them, and the environment they start from.
#[derive(Clone, Debug)]
pub struct Host {
    /// The program that calls [`super::guard::run`].
    pub guard: PathBuf,
    environment: BTreeMap<&'static str, String>,
}

/// What a child gets from the server's environment: what programs cannot do without, and no secret is kept in.
const PASSED_ON: [&str; 4] = ["PATH", "HOME", "LANG", "TZ"];

/// Where programs are where nobody says it.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

impl Host {
    /// With `PATH`, `HOME`, `LANG` and `TZ` as `env` knows them.
    #[must_use]
    pub fn new(guard: PathBuf, env: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut environment = BTreeMap::from([("PATH", PATH.to_owned())]);
        environment.extend(PASSED_ON.into_iter().filter_map(|name| Some((name, env(name)?))));
        Self { guard, environment }
    }

    /// Guarded by the program that runs, which has to know `guard`; also when its file was replaced since.
    ///
    /// # Errors
    /// When the system does not say which program runs.
    pub fn this_program(env: &dyn Fn(&str) -> Option<String>) -> io::Result<Self> {
        let guard =
            if cfg!(target_os = "linux") { "/proc/self/exe".into() } else { std::env::current_exe()? };
        Ok(Self::new(guard, env))
    }

    /// All that a child of these options finds in its environment.
    pub(super) fn environment<'a>(&'a self, options: &'a Options) -> BTreeMap<&'a str, &'a str> {
        let common = self.environment.iter().map(|(name, value)| (*name, value.as_str()));
        let own = options.environment.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        common.chain(own).collect()
    }

    /// Where a program is, as the system would look for it.
    pub(super) fn find(&self, options: &Options, program: &str) -> Result<PathBuf, String> {
        let directory = options.directory.as_deref().unwrap_or(Path::new("."));
        if !directory.is_dir() {
            return Err(format!("the directory {} is not there", directory.display()));
        }
        let named = |path: &Path| directory.join(path).join(program);
        let places: Vec<PathBuf> = if program.contains('/') {
            vec![named(Path::new(""))]
        } else {
            let environment = self.environment(options);
            let path = environment.get("PATH").copied().unwrap_or(PATH);
            std::env::split_paths(path).map(|place| named(&place)).collect()
        };
        match places.iter().find(|place| place.is_file()) {
            None => Err(format!("the program {program} is not there")),
            Some(_) => places
                .into_iter()
                .find(|place| is_executable(place))
                .ok_or_else(|| format!("the program {program} is not executable")),
        }
    }
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s2_a_child_gets_a_small_environment_and_what_is_said() {
        let server = |name: &str| match name {
            "HOME" => Some("there".to_owned()),
            "ONAIR_TOKEN" => Some("hunter2".to_owned()),
            _ => None,
        };
        let host = Host::new("guard".into(), &server);
        let environment =
            BTreeMap::from([("A".to_owned(), "b".to_owned()), ("HOME".to_owned(), "else".to_owned())]);
        let options = Options { environment, ..Options::default() };
        let expected = BTreeMap::from([("A", "b"), ("HOME", "else"), ("PATH", PATH)]);
        assert_eq!(host.environment(&options), expected);
        assert!(!format!("{options:?}").contains("else"), "a value is shown");
    }

    #[test]
    fn s2_a_program_is_found_as_the_system_finds_it() {
        let host = Host::new("guard".into(), &|_| None);
        let at = |directory: &str| Options { directory: Some(directory.into()), ..Options::default() };
        let table = [
            ("/", "sh", Ok(())),
            ("/", "/bin/sh", Ok(())),
            ("/bin", "./sh", Ok(())),
            ("/", "no-such-program", Err("the program no-such-program is not there")),
            ("/", "./sh", Err("the program ./sh is not there")),
            ("/etc", "./passwd", Err("the program ./passwd is not executable")),
            ("/no-such-place", "sh", Err("the directory /no-such-place is not there")),
        ];
        for (directory, program, expected) in table {
            let found = host.find(&at(directory), program).map(drop);
            assert_eq!(found, expected.map_err(str::to_owned), "{directory} {program}");
        }
    }
}
