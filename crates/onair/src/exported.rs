//! An exported production, read as it comes: from a file, or from the server that writes it.
//!
//! The runtime says what the file is (`onair_runtime::transfer`). Here it is read line by line, so that a log of any
//! size can be walked through, and its last line is held against what came before.

use anyhow::{Context, bail, ensure};
use onair_core::Image;
use onair_wire::{Commit, Epoch, ProductionId, Revision};
use serde::Deserialize;
use xxhash_rust::xxh3::Xxh3Default;

/// The longest line: an image is one, and this is the largest file that a server imports.
const LINE_BYTES_MAX: usize = 512 * 1024 * 1024;

/// What a line says.
#[derive(Debug)]
pub(crate) enum Line {
    /// What the file is.
    Header,
    /// The state before the first commit.
    Image(Box<Image>),
    /// The next commit.
    Commit(Commit),
    /// The file was whole.
    End,
}

/// The first line.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Header {
    format: String,
    version: u32,
    pub(crate) production: ProductionId,
    pub(crate) epoch: Epoch,
    pub(crate) revision: Revision,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Body {
    Image(Box<Image>),
    Commit(Commit),
    End { commits: u64, checksum: String },
}

/// Takes bytes, gives lines.
#[derive(Default)]
pub(crate) struct Reading {
    rest: Vec<u8>,
    number: u64,
    commits: u64,
    checksum: Xxh3Default,
    header: Option<Header>,
    last: Revision,
    ended: bool,
}

impl Reading {
    /// Takes a piece and hands over each line in it.
    ///
    /// # Errors
    /// What is wrong, with the line; and those of `each`.
    pub(crate) fn push(
        &mut self,
        piece: &[u8],
        mut each: impl FnMut(Line) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            self.rest.extend_from_slice(part);
            ensure!(self.rest.len() <= LINE_BYTES_MAX, "line {} has no end", self.number + 1);
            if part.ends_with(b"\n") {
                let text = std::mem::take(&mut self.rest);
                self.number += 1;
                let line = self.line(&text).with_context(|| format!("line {}", self.number))?;
                each(line)?;
            }
        }
        Ok(())
    }

    /// That the last line has come; says what the first one said.
    ///
    /// # Errors
    /// When it has not: half a file is none.
    pub(crate) fn finish(self) -> anyhow::Result<Header> {
        ensure!(self.ended && self.rest.is_empty(), "the file ends before its last line");
        self.header.context("the file is empty")
    }

    fn line(&mut self, text: &[u8]) -> anyhow::Result<Line> {
        ensure!(!self.ended, "there is something behind the last line");
        let Some(header) = &self.header else {
            self.checksum.update(text);
            return self.begin(text);
        };
        let line = match serde_json::from_slice(text).context("does not read")? {
            Body::End { commits, checksum } => {
                let sum = format!("{:016x}", self.checksum.digest());
                ensure!(
                    commits == self.commits && checksum == sum,
                    "{} commits with checksum {sum}, the last line says {commits} with {checksum}",
                    self.commits
                );
                ensure!(
                    self.last == header.revision,
                    "the commits go to revision {}, the first line says {}",
                    self.last,
                    header.revision
                );
                self.ended = true;
                Line::End
            }
            Body::Image(image) => {
                ensure!(self.number == 2, "an image stands before the commits, once");
                self.last = image.revision();
                Line::Image(image)
            }
            Body::Commit(commit) => {
                let due = self.last.next();
                ensure!(commit.revision == due, "revision {} where {due} belongs", commit.revision);
                self.last = commit.revision;
                self.commits += 1;
                Line::Commit(commit)
            }
        };
        self.checksum.update(text);
        Ok(line)
    }

    fn begin(&mut self, text: &[u8]) -> anyhow::Result<Line> {
        use onair_runtime::transfer::{FORMAT, VERSION};
        let header: Header = serde_json::from_slice(text).context("not an export of onair")?;
        let Header { format, version, .. } = &header;
        if format != FORMAT || *version > VERSION {
            bail!("{format} of version {version}, this release reads {FORMAT} up to {VERSION}");
        }
        self.header = Some(header);
        Ok(Line::Header)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;
    use xxhash_rust::xxh3::xxh3_64;

    use super::*;

    /// An export of `commits` commits, each of which puts `layers/logo`.
    pub(crate) fn file(commits: u64) -> String {
        let mut text =
            json!({ "format": "onair-export", "version": 1, "production": "studio", "epoch": "k3f9",
            "revision": commits, "oldest": 1 })
            .to_string()
                + "\n";
        for revision in 1..=commits {
            let change = json!({ "op": "put", "collection": "layers", "id": "logo", "revision": revision,
                "value": { "n": revision } });
            let commit = json!({ "revision": revision, "at": "2026-11-20T18:00:00.000Z", "actor": "operator:kim",
                "cause": { "kind": "document.put" }, "changes": [change] });
            text += &(json!({ "commit": commit }).to_string() + "\n");
        }
        let checksum = format!("{:016x}", xxh3_64(text.as_bytes()));
        text + &json!({ "end": { "commits": commits, "checksum": checksum } }).to_string() + "\n"
    }

    fn read(text: &str, size: usize) -> anyhow::Result<(usize, Header)> {
        let (mut reading, mut lines) = (Reading::default(), 0);
        for piece in text.as_bytes().chunks(size) {
            reading.push(piece, |_| {
                lines += 1;
                Ok(())
            })?;
        }
        Ok((lines, reading.finish()?))
    }

    #[test]
    fn o6_a_whole_file_is_read_however_it_is_cut() {
        for size in [1, 7, 100_000] {
            let (lines, header) = read(&file(3), size).unwrap();
            assert_eq!((lines, header.revision, header.production.as_str()), (5, Revision(3), "studio"));
        }
    }

    #[test]
    fn b31_what_is_not_whole_is_named() {
        let whole = file(3);
        let lines: Vec<&str> = whole.split_inclusive('\n').collect();
        let table = [
            (String::new(), "ends before its last line"),
            (lines[..4].concat(), "ends before its last line"),
            (whole.trim_end().to_owned(), "ends before its last line"),
            (whole.replacen("\"n\":2", "\"n\":3", 1), "line 5"),
            ([lines[0], lines[1], lines[3], lines[4]].concat(), "line 3"),
            (whole.clone() + "{}\n", "line 6"),
            ("{}\n".to_owned(), "line 1"),
            (whole.replacen("onair-export", "tar", 1), "line 1"),
            (whole.replacen("\"version\":1", "\"version\":2", 1), "line 1"),
            ([lines[0], "nonsense\n"].concat(), "line 2"),
        ];
        for (text, expected) in table {
            let error = format!("{:#}", read(&text, 64).unwrap_err());
            assert!(error.contains(expected), "{error}");
        }
    }
}
