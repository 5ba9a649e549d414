//! The queue's file: what waits survives a crash, and is said again once and in order (row Y4).
//!
//! One line of JSON per change, appended and flushed before what it says is sent. Opening it reads the lines, leaves out
//! what is gone, and writes the rest anew; a last line that was cut by a crash is left out, since nothing was sent
//! behind it. One client at a time: the file is not locked, so two programs need two files.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use onair_wire::{MutationId, ProductionId};
use serde::{Deserialize, Serialize};

use crate::pending::Pending;

/// Lines after which the file is written anew: little enough to read in a blink.
const LINES_MAX: usize = 10_000;

/// What waits, by production.
pub(crate) type Waiting = BTreeMap<ProductionId, BTreeMap<MutationId, Pending>>;

/// A line.
#[derive(Serialize, Deserialize)]
struct Line {
    production: ProductionId,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    put: Vec<Pending>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    drop: Vec<MutationId>,
}

/// The file.
#[derive(Debug)]
pub(crate) struct Store {
    path: PathBuf,
    file: File,
    waiting: Waiting,
    lines: usize,
}

impl Store {
    /// Opens it, or makes it.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let mut waiting = Waiting::new();
        let mut lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).peekable();
        while let Some(line) = lines.next() {
            match serde_json::from_slice(line) {
                Ok(line) => take(&mut waiting, line),
                // Cut by a crash, before anything was sent.
                Err(_) if lines.peek().is_none() && text.last() != Some(&b'\n') => break,
                Err(error) => {
                    let detail = format!("{} is damaged: {error}", path.display());
                    return Err(io::Error::new(io::ErrorKind::InvalidData, detail));
                }
            }
        }
        let (file, lines) = written(path, &waiting)?;
        Ok(Self { path: path.to_owned(), file, waiting, lines })
    }

    /// What waits, by production, in order.
    pub(crate) fn all(&self) -> Vec<(ProductionId, Vec<Pending>)> {
        let all = self.waiting.iter().map(|(production, kept)| {
            let mut waiting: Vec<Pending> = kept.values().cloned().collect();
            waiting.sort_by_key(|pending| pending.order);
            (production.clone(), waiting)
        });
        all.collect()
    }

    /// Keeps `put`, and keeps `drop` no longer. It is on disk when this returns.
    pub(crate) fn write(
        &mut self,
        production: ProductionId,
        put: Vec<Pending>,
        drop: Vec<MutationId>,
    ) -> io::Result<()> {
        let line = Line { production, put, drop };
        let mut text = serde_json::to_vec(&line)?;
        text.push(b'\n');
        self.file.write_all(&text)?;
        self.file.sync_data()?;
        take(&mut self.waiting, line);
        self.lines += 1;
        if self.lines > LINES_MAX {
            (self.file, self.lines) = written(&self.path, &self.waiting)?;
        }
        Ok(())
    }
}

fn take(waiting: &mut Waiting, line: Line) {
    let Line { production, put, drop } = line;
    let kept = waiting.entry(production).or_default();
    kept.extend(put.into_iter().map(|pending| (pending.id.clone(), pending)));
    kept.retain(|id, _| !drop.contains(id));
}

/// Writes what waits into a new file and puts it in the place of the old one.
fn written(path: &Path, waiting: &Waiting) -> io::Result<(File, usize)> {
    let beside = path.with_extension("new");
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).open(&beside)?;
    let mut count = 0;
    for (production, kept) in waiting.iter().filter(|(_, kept)| !kept.is_empty()) {
        let put = kept.values().cloned().collect();
        let line = Line { production: production.clone(), put, drop: Vec::new() };
        writeln!(file, "{}", serde_json::to_string(&line)?)?;
        count += 1;
    }
    file.sync_data()?;
    fs::rename(&beside, path)?;
    // The name is durable with its directory; where a directory cannot be opened it is as durable as it gets.
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        let _ = File::open(directory).and_then(|directory| directory.sync_all());
    }
    Ok((file, count))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pending(order: u64) -> Pending {
        let edit = json!({ "op": "put", "collection": "layers", "document": "logo", "value": order });
        let pending = json!({ "id": format!("m{order}"), "order": order, "at": 0, "edits": [edit] });
        serde_json::from_value(pending).unwrap()
    }

    fn kept(path: &Path) -> Vec<String> {
        let all = Store::open(path).unwrap().all();
        all.into_iter().flat_map(|(_, waiting)| waiting).map(|pending| pending.id.to_string()).collect()
    }

    #[test]
    fn y4_what_was_written_is_there_again_whatever_a_crash_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queue");
        let main = ProductionId::new("main").unwrap();
        let mut store = Store::open(&path).unwrap();
        store.write(main.clone(), vec![pending(2), pending(10)], Vec::new()).unwrap();
        store.write(main.clone(), vec![pending(3)], vec![pending(2).id]).unwrap();
        let whole = fs::read(&path).unwrap();
        store.write(main, vec![pending(4)], Vec::new()).unwrap();
        let longer = fs::read(&path).unwrap();
        drop(store);
        for end in whole.len()..longer.len() - 1 {
            fs::write(&path, &longer[..end]).unwrap();
            assert_eq!(kept(&path), ["m3", "m10"], "cut after {end} bytes");
        }
        fs::write(&path, &longer).unwrap();
        assert_eq!(kept(&path), ["m3", "m4", "m10"]);
        assert_eq!(kept(&path), ["m3", "m4", "m10"], "written anew it says the same");
    }

    #[test]
    fn y4_a_damaged_file_is_named_and_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queue");
        fs::write(&path, "{\"production\":\"main\"}\nnonsense\n{\"production\":\"main\"}\n").unwrap();
        let before = fs::read(&path).unwrap();
        let error = Store::open(&path).unwrap_err().to_string();
        assert!(error.contains("queue is damaged"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}
