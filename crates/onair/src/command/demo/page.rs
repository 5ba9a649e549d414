//! What the demo prints beside the tale: where everything is, what has happened, what there is to try. Pure.
//!
//! A line that begins at the margin is a heading; `   # ` begins a remark.

use std::{env, path::Path};

use onair_wire::{Millis, Revision};

use super::{record::Record, script::TITLE};

/// Where things are, for the pages.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub(super) url: String,
    /// Where everything is kept.
    pub(super) data: String,
    /// Whether it is kept for good.
    pub(super) kept: bool,
    /// The usual port was taken.
    pub(super) moved: bool,
    /// What has to be said in another terminal so that `onair` is this program and speaks to this server.
    pub(super) before: Vec<String>,
}

impl Places {
    /// `usual`: the server is where a command line looks that was told nothing.
    pub(super) fn new(url: String, data: &Path, kept: bool, usual: bool, moved: bool) -> Self {
        let server = (!usual).then(|| format!("export ONAIR_SERVER={url}"));
        // The token of another server, which lies where a command line would find it, is none here.
        let foreign = Path::new("onair-data").exists() || env::var_os("ONAIR_DATA").is_some();
        let token = foreign.then(|| format!("export ONAIR_DATA='{}'", data.display()));
        let before = alias().into_iter().chain(server).chain(token).collect();
        Self { url, data: data.display().to_string(), kept, moved, before }
    }

    /// What comes first.
    pub(super) fn map(&self, host: Option<u32>, producer: Option<u32>, fault: bool) -> String {
        let Self { url, data, .. } = self;
        let moved = if self.moved { "   # 4200 is taken, so a free port" } else { "" };
        let kept = if self.kept { "kept" } else { "removed in the end" };
        let fate = if fault { ", and not long for this world" } else { "" };
        let pid = |pid: Option<u32>| pid.map_or_else(|| "not there".to_owned(), |pid| pid.to_string());
        let (host, producer) = (pid(host), pid(producer));
        format!(
            "{TITLE}, the cooking quiz that should have ended at midnight: a demo of onair\n\n  \
             server    {url}{moved}\n  \
             data      {data}   # {kept}\n  \
             host      process {host}   # an agent of its own{fate}\n  \
             producer  process {producer}   # another\n\n  \
             open      {url}/   # and {url}/docs\n  \
             follow    curl -N {url}/v1/productions/main/events\n  \
             end       Ctrl-C\n"
        )
    }

    /// What has happened to the host.
    pub(super) fn happened(&self, record: &Record) -> Option<String> {
        let (away, fallen, live) = (record.away?, record.fallen?, record.live?);
        let back = record.back.map_or(away.0, |back| back.0);
        let noticed = Record::between(record.away, record.fallen).map(seconds).unwrap_or_default();
        let whole = Record::between(record.away, record.live).map(seconds).unwrap_or_default();
        let recovery = record.recovery.as_deref().unwrap_or("onair");
        let (away, fallen, live) = (away.0, fallen.0, live.0);
        Some(format!(
            "What just happened\n\n  \
             #{away:<5} the host’s process was killed with SIGKILL; onair saw its connection break\n  \
             #{fallen:<5} {noticed} later the show was not whole any more: error, and it names the host\n  \
             #{back:<5} another host came; {recovery} turned everything off that might have been on\n  \
             #{live:<5} live again, {whole} after the fall, at the very question that was open\n\n\
             Look at it again, in another terminal\n\n\
             {before}  \
             onair replay --from {away} --to {live}   # the log, commit by commit\n  \
             onair replay --at {fallen}   # everything, as it was in that moment\n  \
             onair sequences   # what was begun, and how it went\n  \
             onair history interactions/quiz   # every version of a document\n",
            before = self.before()
        ))
    }

    /// What there is to try. `at` is a revision that is true now; `before`: it was not said yet what has to be.
    pub(super) fn try_it(&self, at: Revision, host: Option<u32>, before: bool) -> String {
        let before = if before { self.before() } else { String::new() };
        let kill = host.map(|pid| {
            format!("  kill -9 {pid}   # the host again; back at once, and the show stays live\n")
        });
        let (kill, url) = (kill.unwrap_or_default(), &self.url);
        format!(
            "Now you\n\n\
             {before}  \
             onair why   # what stands in the way, and what to do\n  \
             onair patch layers/smoke-alarm '{{\"visible\":true}}'   # everybody sees it at once\n  \
             onair patch layers/logo '{{\"text\":\"Boil Over\"}}'\n  \
             onair patch layers/logo '{{\"text\":\"Simmer Up\"}}' --base {at}   # a late edit: a conflict\n  \
             onair conflicts   # and how to resolve it\n\
             {kill}  \
             onair pause; onair resume\n  \
             onair stop; onair start   # the demo tells what you do, and does not argue\n  \
             onair emergency-stop --yes; onair initialize; onair start\n  \
             curl {url}/v1/productions/main/can   # what is allowed now\n\n\
             The show goes on until Ctrl-C.\n"
        )
    }

    fn before(&self) -> String {
        self.before.iter().map(|line| format!("  {line}\n")).collect()
    }
}

/// What has to be said so that `onair` is this program, unless it is already.
fn alias() -> Option<String> {
    let program = env::current_exe().ok()?;
    let path = env::var_os("PATH").unwrap_or_default();
    let known = env::split_paths(&path).any(|folder| folder.join("onair").is_file());
    (!known).then(|| format!("alias onair='{}'", program.display()))
}

fn seconds(Millis(ms): Millis) -> String {
    format!("{}.{} s", ms / 1_000, ms % 1_000 / 100)
}

#[cfg(test)]
mod tests {
    use onair_wire::Timestamp;

    use super::*;

    fn places() -> Places {
        let (url, data) = ("http://127.0.0.1:1".to_owned(), "/tmp/d".to_owned());
        Places { url, data, kept: false, moved: true, before: vec!["export ONAIR_SERVER=X".into()] }
    }

    #[test]
    fn what_happened_is_told_when_all_of_it_did() {
        let seen = |revision, ms| Some((Revision(revision), Timestamp::from_millis(ms)));
        let mut record = Record { away: seen(40, 1_000), fallen: seen(42, 3_500), ..Record::default() };
        assert_eq!(places().happened(&record), None);
        record = Record { back: seen(45, 5_000), live: seen(70, 9_250), ..record };
        record.recovery = Some("recover-43".into());
        let told = places().happened(&record).unwrap();
        for part in
            ["#40 ", "#42    2.5 s later", "recover-43", "#70    live again, 8.2 s", "--from 40 --to 70"]
        {
            assert!(told.contains(part), "{part}: {told}");
        }
    }

    #[test]
    fn what_there_is_to_try_has_the_right_server_and_process() {
        let told = places().try_it(Revision(7), Some(4711), true);
        for part in ["  export ONAIR_SERVER=X\n", "kill -9 4711", "--base 7"] {
            assert!(told.contains(part), "{part}: {told}");
        }
        assert!(!places().try_it(Revision(7), None, false).contains("export"));
        let map = places().map(Some(1), None, true);
        assert!(map.contains("4200 is taken") && map.contains("removed in the end"), "{map}");
    }
}
