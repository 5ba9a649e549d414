//! No file knows the machine it was written on: no home or work directory, no registry but the public one that the
//! tool uses by itself.

use anyhow::Result;

use super::Finding;
use crate::repository::{File, Repository};

/// Directories of somebody's machine; written apart so that this file names none.
const DIRECTORIES: [&str; 4] =
    [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Use", "rs/")];

/// Hosts that only a tool talks to. Lock files are looked at by [`sources`].
const HOSTS: [&str; 6] = [
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("registry.", "npmjs.org"),
    concat!("pypi", ".org"),
    concat!("files.", "pythonhosted.org"),
    concat!("proxy.", "golang.org"),
];

/// Where a lock file may say that something came from.
const SOURCES: [(&str, &str, &str); 2] = [
    ("Cargo.lock", "source = \"", "registry+https://github.com/rust-lang/crates.io-index\""),
    ("package-lock.json", "\"resolved\": \"", concat!("https://registry.", "npmjs.org/")),
];

/// Looks at every file.
pub(super) fn check(repository: &Repository) -> Result<Vec<Finding>> {
    Ok(repository.files().iter().flat_map(judge).collect())
}

fn judge(file: &File) -> Vec<Finding> {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    let lock = SOURCES.iter().find(|(lock, ..)| *lock == name);
    let mut findings = Vec::new();
    for (line, number) in file.text.lines().zip(1..) {
        let mut say = |text| findings.push(Finding::failure(format!("{}:{number}", file.path), text));
        for directory in DIRECTORIES.iter().filter(|directory| begins_a_path(line, directory)) {
            say(format!("names a directory of one machine, {directory}"));
        }
        match lock {
            Some((_, key, source)) => {
                // A package of this repository comes from its own folder.
                let elsewhere = |value: &str| {
                    ![source, "packages/", "examples/"].iter().any(|own| value.starts_with(own))
                };
                if line.split_once(key).is_some_and(|(_, value)| elsewhere(value)) {
                    say("comes from another registry than the public one".to_owned());
                }
            }
            None => {
                for host in HOSTS.iter().filter(|host| line.contains(**host)) {
                    say(format!("names a registry host, {host}"));
                }
            }
        }
    }
    findings
}

/// Whether `directory` stands in `line` as the beginning of a path, and not within one.
fn begins_a_path(line: &str, directory: &str) -> bool {
    let within = |before: char| before.is_alphanumeric() || "_-.~*})$:".contains(before);
    line.match_indices(directory).any(|(at, _)| at == 0 || !line[..at].ends_with(within))
}

#[cfg(test)]
mod tests {
    use super::super::tests::said;
    use super::*;

    #[test]
    fn paths_of_the_repository_and_public_sources_are_fine() {
        let text = format!("see docs{}a.md and $HOME{}b\n", DIRECTORIES[0], DIRECTORIES[2]);
        let cargo = format!("source = \"{}\n", SOURCES[0].2);
        let own = "  \"resolved\": \"packages/client\",\n";
        let npm = format!("  \"resolved\": \"{}a/-/a-1.tgz\"\n{own}", SOURCES[1].2);
        let files = [("a.md", text.as_str()), ("Cargo.lock", &cargo), ("packages/package-lock.json", &npm)];
        assert_eq!(said(check, &files), Vec::<String>::new());
    }

    #[test]
    fn a_directory_of_one_machine_is_found() {
        for directory in DIRECTORIES {
            for line in
                [format!("{directory}x"), format!("cd \"{directory}x\""), format!("file://{directory}x")]
            {
                let expected = format!("a.md:1: names a directory of one machine, {directory}");
                assert_eq!(said(check, &[("a.md", &line)]), [expected], "{line}");
            }
        }
    }

    #[test]
    fn a_registry_host_or_a_mirror_is_found() {
        for host in HOSTS {
            let line = format!("url = \"https://{host}/x\"");
            assert_eq!(
                said(check, &[("a.toml", &line)]),
                [format!("a.toml:1: names a registry host, {host}")]
            );
        }
        let cargo = "source = \"registry+https://mirror.example/index\"\n";
        let npm = "  \"resolved\": \"https://mirror.example/a-1.tgz\"\n";
        assert_eq!(said(check, &[("Cargo.lock", cargo), ("package-lock.json", npm)]).len(), 2);
    }
}
