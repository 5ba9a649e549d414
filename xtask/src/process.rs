//! Other programs: started without input, named in full when they fail.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::repository::Repository;

/// The cargo that started us, in the root of the repository.
pub(crate) fn cargo(repository: &Repository, arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(repository.root()).args(arguments);
    command
}

/// Runs `command` with its output shown.
///
/// # Errors
/// It could not be started, or ended with another code than 0.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.stdin(Stdio::null()).status().with_context(|| cannot_start(command))?;
    if !status.success() {
        bail!("`{}` ended with {status}", line(command));
    }
    Ok(())
}

/// Runs `command` and returns what it wrote to its standard output; its standard error is shown.
///
/// # Errors
/// As [`run`], or the output is not UTF-8.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| cannot_start(command))?;
    if !output.status.success() {
        bail!("`{}` ended with {}", line(command), output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{}` did not write UTF-8", line(command)))
}

/// Runs `command` with its output shown and each line of its standard output given to `see`; whether it ended with 0.
///
/// # Errors
/// It could not be started or read.
pub(crate) fn watched(command: &mut Command, mut see: impl FnMut(&str)) -> Result<bool> {
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().with_context(|| cannot_start(command))?;
    let out = child.stdout.take().expect("standard output was asked for above");
    for bytes in BufReader::new(out).split(b'\n') {
        let bytes = bytes.with_context(|| format!("cannot read what `{}` says", line(command)))?;
        let text = String::from_utf8_lossy(&bytes);
        println!("{text}");
        see(&text);
    }
    Ok(child.wait()?.success())
}

/// The command as somebody would type it, without the directories of this machine.
fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut words = vec![program.file_name().unwrap_or(command.get_program()).to_string_lossy()];
    words.extend(command.get_args().map(|argument| argument.to_string_lossy()));
    words.join(" ")
}

fn cannot_start(command: &Command) -> String {
    format!("cannot start `{}`", line(command))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_command() {
        let message = run(&mut Command::new("false")).unwrap_err().to_string();
        assert!(message.starts_with("`false` ended with"), "{message}");
        let message = run(&mut Command::new("no-such-program")).unwrap_err().to_string();
        assert_eq!(message, "cannot start `no-such-program`");
    }

    #[test]
    fn output_is_what_was_written() {
        assert_eq!(output(Command::new("echo").arg("on air")).unwrap(), "on air\n");
    }

    #[test]
    fn every_line_is_seen() {
        let mut lines = Vec::new();
        let ended_well = watched(Command::new("printf").arg("one\\ntwo"), |line| lines.push(line.to_owned()));
        assert!(ended_well.unwrap());
        assert_eq!(lines, ["one", "two"]);
    }
}
