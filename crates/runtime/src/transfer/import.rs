//! Reading an exported production: every line is checked, the whole is folded, and only then is it of use.

use bytes::Bytes;
use onair_core::{Image, Production};
use onair_engine::{self as engine, Record};
use onair_wire::{Commit, Epoch, ProductionId, Revision, json};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use xxhash_rust::xxh3::xxh3_64;

use super::{FORMAT, VERSION};
use crate::error::Error;

/// The largest file that is taken, since it is held in memory while it is checked.
pub const IMPORT_BYTES_MAX: usize = 512 * 1024 * 1024;

/// An exported production that was checked.
#[derive(Debug)]
pub struct Import {
    image: Option<Image>,
    records: Vec<Record>,
    revision: Revision,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    format: String,
    version: u32,
    production: ProductionId,
    epoch: Epoch,
    revision: Revision,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum Line<'a> {
    Image(Box<Image>),
    #[serde(borrow)]
    Commit(&'a RawValue),
    End(End),
}

#[derive(Deserialize)]
struct End {
    commits: u64,
    checksum: String,
}

/// What was read so far.
struct Reading {
    state: Production,
    image: Option<Image>,
    records: Vec<Record>,
}

impl Import {
    /// Checks a file.
    ///
    /// # Errors
    /// [`Error::Import`] with the line.
    pub fn read(file: &Bytes) -> Result<Self, Error> {
        let mut lines = Lines { rest: file, at: 0, number: 0 };
        let (_, first) = lines.next().ok_or_else(|| wrong(1, "the file is empty"))?;
        let header: Header =
            json::parse_as(first).map_err(|error| wrong(1, format!("not an export of onair: {error}")))?;
        if header.format != FORMAT || header.version > VERSION {
            let detail = format!(
                "{} of version {}, this release reads {FORMAT} up to {VERSION}",
                header.format, header.version
            );
            return Err(wrong(1, detail));
        }
        let begun = Production::begin(header.production.clone(), header.epoch.clone());
        let mut reading = Reading { state: begun, image: None, records: Vec::new() };
        loop {
            let (at, text) =
                lines.next().ok_or_else(|| wrong(lines.number + 1, "the file ends before its last line"))?;
            if reading.line(lines.number, text, &file[..at])? {
                break;
            }
        }
        if let Some((_, extra)) = lines.next()
            && !extra.is_empty()
        {
            return Err(wrong(lines.number, "there is something behind the last line"));
        }
        if reading.state.revision() != header.revision {
            let detail = format!(
                "the first line says revision {}, the commits go to {}",
                header.revision,
                reading.state.revision()
            );
            return Err(wrong(lines.number, detail));
        }
        Ok(Self { image: reading.image, records: reading.records, revision: header.revision })
    }

    /// How far it goes.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// How many commits it brings.
    #[must_use]
    pub fn commits(&self) -> usize {
        self.records.len()
    }

    pub(crate) fn into_log(self, id: &ProductionId, epoch: &Epoch) -> (Option<engine::Image>, Vec<Record>) {
        let image = self.image.map(|image| {
            let revision = image.revision();
            let body = image.moved_to(id.clone(), epoch.clone()).encode().into();
            engine::Image { revision, body }
        });
        (image, self.records)
    }
}

impl Reading {
    /// Takes one line; says whether it was the last.
    fn line(&mut self, number: usize, text: &[u8], before: &[u8]) -> Result<bool, Error> {
        let line =
            serde_json::from_slice(text).map_err(|error| wrong(number, format!("does not read: {error}")))?;
        match line {
            Line::Image(image) if self.records.is_empty() && self.image.is_none() => {
                self.state =
                    Production::revive((*image).clone()).map_err(|error| wrong(number, error.to_string()))?;
                self.image = Some(*image);
            }
            Line::Image(_) => return Err(wrong(number, "an image stands before the commits, once")),
            Line::Commit(raw) => self.commit(number, raw.get().as_bytes())?,
            Line::End(End { commits, checksum }) => {
                let (have, sum) = (self.records.len() as u64, format!("{:016x}", xxh3_64(before)));
                if commits != have || checksum != sum {
                    let detail = format!(
                        "{have} commits with checksum {sum}, the last line says {commits} with {checksum}"
                    );
                    return Err(wrong(number, detail));
                }
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn commit(&mut self, number: usize, body: &[u8]) -> Result<(), Error> {
        let value: Value = json::parse(body).map_err(|error| wrong(number, error.to_string()))?;
        drop(value);
        let commit = Commit::decode(body).map_err(|error| wrong(number, format!("not a commit: {error}")))?;
        self.state.apply(&commit).map_err(|broken| wrong(number, broken.to_string()))?;
        self.records.push(Record { revision: commit.revision, body: Bytes::copy_from_slice(body) });
        Ok(())
    }
}

/// The lines of a file, each with where it begins.
struct Lines<'a> {
    rest: &'a [u8],
    at: usize,
    number: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Option<(usize, &'a [u8])> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.iter().position(|byte| *byte == b'\n').unwrap_or(self.rest.len());
        let (line, begin) = (&self.rest[..end], self.at);
        let step = (end + 1).min(self.rest.len());
        self.rest = &self.rest[step..];
        self.at += step;
        self.number += 1;
        Some((begin, line))
    }
}

fn wrong(line: usize, detail: impl Into<String>) -> Error {
    Error::Import { line, detail: detail.into() }
}
