//! The program serving on free ports, one server for each test.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// A server that ends with its test.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) api: String,
    pub(crate) data: TempDir,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::on(tempfile::tempdir().expect("a directory"))
    }

    pub(crate) fn on(data: TempDir) -> Self {
        let mut child = program()
            .args(["serve", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--json", "--data"])
            .arg(data.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("it was piped");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        let api = said["api"].as_str().expect("`api` is a text").to_owned();
        Self { child, api, data }
    }

    /// Runs a command as the owner of the data directory.
    pub(crate) fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().expect("the program starts")
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = program();
        command.env("ONAIR_SERVER", &self.api).env("ONAIR_DATA", self.data.path());
        command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// What a command prints that succeeds.
    pub(crate) fn says(&self, words: &[&str]) -> String {
        let output = self.run(words);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{words:?}: {out}{err}");
        out
    }

    /// The same as JSON.
    pub(crate) fn json(&self, words: &[&str]) -> Value {
        let said = self.says(&[words, &["--json"]].concat());
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{words:?}: {error}: {said:?}"))
    }

    /// The code that a command is refused with.
    pub(crate) fn refused(&self, words: &[&str]) -> String {
        let output = self.run(&[words, &["--json"]].concat());
        assert_eq!(output.status.code(), Some(1), "{words:?}: {}", text(&output.stderr));
        let said: Value = serde_json::from_slice(&output.stdout).expect("a problem as JSON");
        said["code"].as_str().unwrap_or_else(|| panic!("{words:?}: {said}")).to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; then the test has said why.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_onair"));
    for name in ["ONAIR_SERVER", "ONAIR_TOKEN", "ONAIR_DATA"] {
        command.env_remove(name);
    }
    command
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}
