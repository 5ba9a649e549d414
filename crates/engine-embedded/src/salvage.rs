//! Before the store opens: what does not verify in its journals is set aside, never deleted, and told.
//!
//! A batch that is damaged is lost either way. What is decided here is that only it is lost: the batches around it
//! stay, and the chain of checksums and the witness name the productions that it cost something (`recover`).

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::journal::{self, Bad, Scan};

/// The folder beside the store that gets the bytes that were taken out.
pub(crate) const ASIDE: &str = "damaged";

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Mended {
    pub(crate) reports: Vec<String>,
    /// Something is missing that has something behind it: the logs have to be read to know whose it was.
    pub(crate) holes: bool,
    /// The last group that is whole.
    pub(crate) last: Option<u64>,
}

/// Reads every journal in `store` and mends those that are damaged; `base` is the folder around it.
pub(crate) fn mend(base: &Path, store: &Path) -> io::Result<Mended> {
    let mut mended = Mended::default();
    for (number, path) in journals(store)? {
        let bytes = fs::read(&path)?;
        let scan = journal::scan(&bytes);
        for bad in &scan.bad {
            set_aside(base, number, &bytes, bad)?;
            mended.holes |= !bad.tail;
            mended.reports.push(sentence(number, bad));
        }
        if !scan.bad.is_empty() {
            rewrite(store, &path, &bytes, &scan)?;
        }
        for &next in &scan.groups {
            if let Some(last) = mended.last
                && next != last + 1
            {
                mended.holes = true;
                mended
                    .reports
                    .push(format!("journal {number} goes on with group {next} behind group {last}"));
            }
            mended.last = Some(next);
        }
    }
    Ok(mended)
}

/// The journals in the order in which they were written.
fn journals(store: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(store)? {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
        if let (Some(number), Some("jnl")) = (stem, path.extension().and_then(|ext| ext.to_str())) {
            found.push((number, path));
        }
    }
    found.sort();
    Ok(found)
}

fn sentence(number: u64, bad: &Bad) -> String {
    let (at, length) = (bad.bytes.start, bad.bytes.len());
    if bad.tail {
        format!(
            "journal {number} ended in {length} bytes at {at} that are no whole group, as after a power cut; \
             they were cut off and kept in `{ASIDE}`"
        )
    } else {
        format!(
            "journal {number} is damaged: {length} bytes at {at} do not verify; they were taken out and kept in \
             `{ASIDE}`, the groups behind them were kept"
        )
    }
}

fn set_aside(base: &Path, number: u64, bytes: &[u8], bad: &Bad) -> io::Result<()> {
    let folder = base.join(ASIDE);
    fs::create_dir_all(&folder)?;
    for copy in 0_u32.. {
        let path = folder.join(format!("journal-{number}-at-{}-{copy}", bad.bytes.start));
        match File::create_new(path) {
            Ok(mut file) => {
                file.write_all(&bytes[bad.bytes.clone()])?;
                file.sync_all()?;
                break;
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    sync_folder(&folder)?;
    sync_folder(base)
}

/// Puts a journal of the good ranges in the place of the damaged one, in one step.
fn rewrite(store: &Path, path: &Path, bytes: &[u8], scan: &Scan) -> io::Result<()> {
    let beside = path.with_extension("mended");
    let mut file = File::create(&beside)?;
    for range in &scan.good {
        file.write_all(&bytes[range.clone()])?;
    }
    file.sync_all()?;
    fs::rename(&beside, path)?;
    sync_folder(store)
}

/// Makes names in a folder durable, where that is a thing.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::written;

    #[test]
    fn d8_damage_is_kept_aside_and_the_rest_stays() {
        let base = tempfile::tempdir().unwrap();
        let store = base.path().join("store");
        fs::create_dir(&store).unwrap();
        let [one, two, three, four] = [1, 2, 3, 4].map(|group| written(group, b"body"));
        let mut damaged = [&one[..], &two, &three].concat();
        damaged[one.len() + 60] ^= 1;
        fs::write(store.join("0.jnl"), &damaged).unwrap();
        fs::write(store.join("10.jnl"), [&four[..], &one[..20], &[0; 5000]].concat()).unwrap();

        let mended = mend(base.path(), &store).unwrap();
        assert!(mended.holes);
        assert_eq!(mended.reports.len(), 3, "{:#?}", mended.reports);
        assert_eq!(fs::read(store.join("0.jnl")).unwrap(), [&one[..], &three].concat());
        assert_eq!(fs::read(store.join("10.jnl")).unwrap(), four);
        let aside = fs::read_dir(base.path().join(ASIDE)).unwrap().count();
        assert_eq!(aside, 2);
        let kept = fs::read(base.path().join(ASIDE).join(format!("journal-0-at-{}-0", one.len()))).unwrap();
        assert_eq!(kept, damaged[one.len()..one.len() + two.len()]);

        // Mended, it is whole but for the group that is gone.
        let again = mend(base.path(), &store).unwrap();
        assert_eq!((again.reports.len(), again.holes), (1, true));
    }
}
