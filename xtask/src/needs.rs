//! What a step needs beside cargo: installed when it is missing, said when it cannot be.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;

/// Makes sure that `binary` is on the path, and installs the Debian package `package` if it is not.
///
/// # Errors
/// There is no apt here, or it failed.
pub(crate) fn ensure_apt(package: &str, binary: &str) -> Result<()> {
    if on_path(binary) {
        return Ok(());
    }
    apt_install(package)?;
    if !on_path(binary) {
        bail!("package {package} was installed and brought no `{binary}`");
    }
    Ok(())
}

/// Makes sure that the virtual environment `dir` holds `requirement` (`package==version`); returns its programs'
/// directory. Another version than the one asked for is replaced.
///
/// # Errors
/// There is no python and it cannot be installed, or pip failed.
pub(crate) fn ensure_pip_venv(dir: &Path, requirement: &str) -> Result<PathBuf> {
    let programs = dir.join("bin");
    let stamp = dir.join("onair-requirement");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == requirement) {
        return Ok(programs);
    }
    ensure_apt("python3", "python3")?;
    // Debian splits what `venv` needs from python itself.
    if process::output(Command::new("python3").args(["-c", "import venv, ensurepip"])).is_err() {
        apt_install("python3-venv")?;
    }
    println!("installing {requirement}");
    if dir.exists() {
        fs::remove_dir_all(dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    }
    process::run(Command::new("python3").args(["-m", "venv"]).arg(dir))?;
    process::run(Command::new(programs.join("python")).args([
        "-m",
        "pip",
        "install",
        "--quiet",
        requirement,
    ]))?;
    fs::write(&stamp, requirement).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(programs)
}

/// Makes sure that `dir` holds what the `package.json` and `package-lock.json` of `source` name, and no other versions.
///
/// # Errors
/// There is no npm and it cannot be installed, or it failed.
pub(crate) fn ensure_npm(dir: &Path, source: &Path) -> Result<()> {
    const FILES: [&str; 2] = ["package.json", "package-lock.json"];
    let read = |file: &str| {
        let path = source.join(file);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let wanted = [read(FILES[0])?, read(FILES[1])?];
    let stamp = dir.join("onair-requirement");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted.concat()) {
        return Ok(());
    }
    ensure_apt("npm", "npm")?;
    println!("installing what {} names", FILES[0]);
    if dir.exists() {
        fs::remove_dir_all(dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    }
    fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    for (file, text) in FILES.iter().zip(&wanted) {
        fs::write(dir.join(file), text).with_context(|| format!("cannot write {file}"))?;
    }
    // No script of a package runs: nothing here needs one.
    let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    process::run(Command::new("npm").current_dir(dir).args(arguments))?;
    fs::write(&stamp, wanted.concat()).with_context(|| format!("cannot write {}", stamp.display()))
}

fn apt_install(package: &str) -> Result<()> {
    if !on_path("apt-get") {
        bail!("{package} is missing and there is no apt-get to install it with; install it yourself");
    }
    println!("installing {package}");
    process::run(&mut apt_get(&["update", "-qq"])?)?;
    process::run(&mut apt_get(&["install", "-y", "-qq", "--no-install-recommends", package])?)
}

/// `apt-get` as root: directly when we are, by a `sudo` that asks nothing otherwise.
fn apt_get(arguments: &[&str]) -> Result<Command> {
    let mut command = if process::output(Command::new("id").arg("-u"))?.trim() == "0" {
        Command::new("apt-get")
    } else {
        let mut command = Command::new("sudo");
        command.args(["-n", "apt-get"]);
        command
    };
    command.env("DEBIAN_FRONTEND", "noninteractive").args(arguments);
    Ok(command)
}

fn on_path(binary: &str) -> bool {
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|dir| dir.join(binary).is_file()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_not_installed() {
        assert!(on_path("sh") && !on_path("no-such-program"));
        ensure_apt("no-such-package", "sh").unwrap();
    }

    #[test]
    fn an_environment_that_holds_the_requirement_is_left_alone() {
        let dir = env::temp_dir().join(format!("onair-needs-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("onair-requirement"), "no-such-package==1.0").unwrap();
        let programs = ensure_pip_venv(&dir, "no-such-package==1.0").unwrap();
        fs::remove_dir_all(&dir).unwrap();
        assert_eq!(programs, dir.join("bin"));
    }
}
