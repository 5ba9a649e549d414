//! Folders that cannot be opened, and what is said about it.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod kit;

use std::fs;

use kit::{append, epoch, id, open};
use onair_engine::Engine;
use onair_engine_embedded::{Embedded, OpenError, Options};

fn refused(path: &std::path::Path) -> OpenError {
    Embedded::open(&Options::new(path)).unwrap_err()
}

#[test]
fn f7_a_file_is_not_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = refused(&file);
    assert!(matches!(error, OpenError::NotAFolder { .. }), "{error}");
    assert!(error.to_string().contains("is not a folder"), "{error}");
    let error = refused(&file.join("below"));
    assert!(matches!(error, OpenError::Io { .. } | OpenError::NotAFolder { .. }), "{error}");
}

/// Root may write anywhere, so this says nothing when run as root.
#[cfg(unix)]
#[test]
fn f7_a_folder_that_cannot_be_written_is_refused_with_the_reason() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    drop(open(&path));
    for file in ["lock", "format", "witness"] {
        fs::set_permissions(path.join(file), fs::Permissions::from_mode(0o444)).unwrap();
    }
    if fs::OpenOptions::new().write(true).open(path.join("lock")).is_ok() {
        return;
    }
    let error = refused(&path);
    assert!(matches!(error, OpenError::NotWritable { .. }), "{error}");
}

#[test]
fn f13_the_same_process_is_refused_too() {
    let folder = tempfile::tempdir().unwrap();
    let _engine = open(folder.path());
    let error = refused(folder.path());
    assert!(matches!(error, OpenError::Locked { .. }), "{error}");
}

#[test]
fn f34_a_newer_format_is_refused_with_both_versions() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    fs::write(folder.path().join("format"), "onair embedded log 7\n").unwrap();
    let error = refused(folder.path());
    assert!(matches!(error, OpenError::Newer { found: 7, known: 1, .. }), "{error}");
    fs::write(folder.path().join("format"), "something else").unwrap();
    assert!(matches!(refused(folder.path()), OpenError::Damaged { .. }));
}

#[tokio::test]
async fn d8_a_store_that_is_gone_is_not_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    engine.create(&id("a"), &epoch()).await.unwrap();
    append(&engine, "a", 0, 3).await.unwrap();
    drop(engine);
    let store = folder.path().join("store");
    fs::rename(&store, folder.path().join("elsewhere")).unwrap();
    let error = refused(folder.path());
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    assert!(!store.exists());
    fs::rename(folder.path().join("elsewhere"), &store).unwrap();
    assert_eq!(open(folder.path()).head(&id("a")).await.unwrap().unwrap().last.0, 3);
}

/// The process died while it made the folder: nothing was promised yet, so it is made again.
#[tokio::test]
async fn f2_a_folder_that_was_never_finished_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    fs::create_dir_all(store.join("keyspaces")).unwrap();
    fs::write(store.join("0.jnl"), [0; 100]).unwrap();
    drop(open(folder.path()));
    assert!(folder.path().join("damaged").join("unfinished-store-0").is_dir());

    // It died between making the file `version` and writing to it, which was refused as damage.
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("store")).unwrap();
    fs::write(folder.path().join("store/version"), "FJL").unwrap();
    let engine = open(folder.path());
    engine.create(&id("a"), &epoch()).await.unwrap();
    assert!(folder.path().join("damaged").join("unfinished-store-0").is_dir());
}

/// fjall removes the folder of a keyspace that its list does not name: with one small file gone, or taken from elsewhere, it
/// deleted every table there was, and what remained was served as an empty folder.
#[tokio::test]
async fn d8_tables_are_not_deleted_when_the_list_of_them_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    engine.create(&id("a"), &epoch()).await.unwrap();
    append(&engine, "a", 0, 3).await.unwrap();
    drop(engine);
    let keyspaces = folder.path().join("store/keyspaces");
    let lists = ["0", "1"].map(|keyspace| {
        let folder = keyspaces.join(keyspace);
        let current = fs::read(folder.join("current")).unwrap();
        let version = u64::from_le_bytes(current[..8].try_into().unwrap());
        [folder.join("current"), folder.join(format!("v{version}"))]
    });
    for list in lists.as_flattened() {
        let sound = fs::read(list).unwrap();
        let others = [None, Some(vec![0; sound.len()]), Some(sound[..sound.len() - 1].to_vec())];
        for other in others {
            match other {
                None => fs::remove_file(list).unwrap(),
                Some(bytes) => fs::write(list, bytes).unwrap(),
            }
            let error = refused(folder.path());
            assert!(
                matches!(&error, OpenError::Damaged { detail, .. } if detail.contains("keyspaces/")),
                "{error}"
            );
            assert!(keyspaces.join("1/tables").is_dir());
        }
        fs::write(list, sound).unwrap();
    }
    assert_eq!(open(folder.path()).head(&id("a")).await.unwrap().unwrap().last.0, 3);
}

/// A table of the store that is gone is beyond mending here; that is said, and nothing is touched.
#[tokio::test]
async fn f10_a_missing_table_is_told_as_damage() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::new(folder.path());
    options.memtable_bytes = 64 * 1024;
    let engine = Embedded::open(&options).unwrap();
    engine.create(&id("a"), &epoch()).await.unwrap();
    let tables = folder.path().join("store/keyspaces/1/tables");
    let mut last = 0;
    while fs::read_dir(&tables).unwrap().next().is_none() {
        append(&engine, "a", last, 100).await.unwrap();
        last += 100;
    }
    engine.close().await.unwrap();
    drop(engine);
    let table = fs::read_dir(&tables).unwrap().next().unwrap().unwrap().path();
    fs::rename(&table, folder.path().join("a-table")).unwrap();
    let error = refused(folder.path());
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    fs::rename(folder.path().join("a-table"), table).unwrap();
    assert_eq!(open(folder.path()).head(&id("a")).await.unwrap().unwrap().last.0, last);
}
