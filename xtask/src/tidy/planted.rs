//! The program is never built with planted bugs, whatever features are asked for.

use anyhow::Result;

use super::Finding;
use crate::process::{cargo, output};
use crate::repository::Repository;

/// The feature, and the only package that may turn it on.
const FEATURE: &str = "planted-bugs";

/// Asks cargo which features the program turns on in what it depends on.
pub(super) fn check(repository: &Repository) -> Result<Vec<Finding>> {
    let arguments = ["tree", "--package", "onair", "--all-features", "--edges", "features,normal,build"];
    let tree = output(cargo(repository, &arguments).args(["--prefix", "none"]))?;
    Ok(judge(&tree))
}

fn judge(tree: &str) -> Vec<Finding> {
    let line = tree.lines().find(|line| line.contains(FEATURE));
    let text = |line| format!("turns on planted bugs: `{line}`");
    line.map(|line| Finding::failure("onair", text(line))).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_without_planted_bugs_passes() {
        assert_eq!(judge("onair v0.1.0\nonair-wire feature \"default\" (*)\n"), []);
    }

    #[test]
    fn a_program_with_them_is_found() {
        let tree = "onair v0.1.0\nonair-wire feature \"planted-bugs\"\n└── onair-wire v0.1.0\n";
        assert_eq!(judge(tree).len(), 1);
    }
}
