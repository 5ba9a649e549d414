//! Folders as crashes and bad disks leave them: never wrong data, and no loss that nobody is told of.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod kit;

use bytes::Bytes;
use kit::{Chance, Ledger, append, crash_image, edit, epoch, id, journal, open, records};
use onair_engine::{Engine, Image, Limit, Record};
use onair_engine_embedded::{Embedded, OpenError, Options};
use onair_wire::Revision;

/// Enough to cross page and buffer boundaries, little enough to try many damages.
async fn victim() -> (tempfile::TempDir, Ledger) {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    let ledger = Ledger::write(&engine, 5, 40).await;
    let image = crash_image(folder.path());
    (image, ledger)
}

#[tokio::test]
async fn d7_a_crash_image_taken_between_appends_has_everything() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    engine.create(&id("a"), &epoch()).await.unwrap();
    let mut ledger = Ledger::default();
    for round in 0..10 {
        append(&engine, "a", round * 7, 7).await.unwrap();
        ledger.0.insert("a".into(), (round + 1) * 7);
        let image = crash_image(folder.path());
        let again = open(image.path());
        assert_eq!(again.figures().reports, [""; 0]);
        assert_eq!(ledger.check(&again).await, [""; 0]);
    }
}

#[tokio::test]
async fn f4_a_journal_cut_anywhere_names_who_lost_something() {
    let (image, ledger) = victim().await;
    let (_, used) = journal(image.path());
    let mut chance = Chance::new(0x5eed_0f04);
    for _ in 0..25 {
        let cut = chance.below(used);
        let torn = crash_image(image.path());
        edit(torn.path(), |bytes| bytes.truncate(cut));
        let engine = open(torn.path());
        let damaged = ledger.check(&engine).await;
        assert!(!damaged.is_empty(), "cut at {cut} of {used}: {:#?}", engine.figures().reports);
    }
}

/// The tail of a write that was under way is not anybody's loss.
#[tokio::test]
async fn f4_a_torn_tail_that_was_never_acknowledged_is_cut_and_told() {
    let (image, ledger) = victim().await;
    let (_, used) = journal(image.path());
    edit(image.path(), |bytes| {
        let begun = bytes[..60].to_vec();
        bytes[used..used + 60].copy_from_slice(&begun);
    });
    let engine = open(image.path());
    assert_eq!(ledger.check(&engine).await, [""; 0]);
    let reports = engine.figures().reports;
    assert!(reports.len() == 1 && reports[0].contains("as after a power cut"), "{reports:#?}");
    drop(engine);
    assert_eq!(open(image.path()).figures().reports, [""; 0]);
    assert!(image.path().join("damaged").is_dir());
}

#[tokio::test]
async fn f8_a_flipped_bit_in_the_journal_costs_no_more_than_it_hit() {
    let (image, ledger) = victim().await;
    let (_, used) = journal(image.path());
    let mut chance = Chance::new(0x5eed_0f08);
    for _ in 0..40 {
        let (at, bit) = (chance.below(used), chance.below(8));
        let flipped = crash_image(image.path());
        edit(flipped.path(), |bytes| bytes[at] ^= 1 << bit);
        let engine = open(flipped.path());
        let damaged = ledger.check(&engine).await;
        assert!(damaged.len() <= 1, "byte {at}, bit {bit}: {damaged:?}, {:#?}", engine.figures().reports);
        assert!(!engine.figures().reports.is_empty(), "byte {at}, bit {bit} went unnoticed");
    }
}

#[tokio::test]
async fn f10_a_hole_of_zeros_is_told_and_what_lies_behind_is_kept() {
    let (image, ledger) = victim().await;
    let (_, used) = journal(image.path());
    let mut chance = Chance::new(0x5eed_0f10);
    for _ in 0..15 {
        let from = chance.below(used - 4096);
        let holed = crash_image(image.path());
        edit(holed.path(), |bytes| bytes[from..from + 4096].fill(0));
        let engine = open(holed.path());
        let damaged = ledger.check(&engine).await;
        assert!(!damaged.is_empty(), "hole at {from} of {used}");
        let kept = engine.list(None, 10).await.unwrap();
        assert!(!kept.is_empty(), "hole at {from} took everything: {:#?}", engine.figures().reports);
    }
}

/// Tables have checksums of the store's own. Damage there is met when it is read, or refuses the whole folder.
#[tokio::test]
async fn f8_a_flipped_bit_in_a_table_is_never_served() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::new(folder.path());
    options.memtable_bytes = 64 * 1024;
    let engine = Embedded::open(&options).unwrap();
    let ledger = Ledger::write(&engine, 5, 200).await;
    drop(engine);
    let tables = || std::fs::read_dir(folder.path().join("store/keyspaces/1/tables")).unwrap();
    let table =
        tables().map(|entry| entry.unwrap()).max_by_key(|entry| entry.metadata().unwrap().len()).unwrap();
    let sound = std::fs::read(table.path()).unwrap();
    let mut chance = Chance::new(0x5eed_7ab1);
    let (mut refused, mut told) = (0, 0);
    for _ in 0..30 {
        let (at, bit) = (chance.below(sound.len()), chance.below(8));
        let image = crash_image(folder.path());
        let mut flipped = sound.clone();
        flipped[at] ^= 1 << bit;
        std::fs::write(image.path().join("store/keyspaces/1/tables").join(table.file_name()), flipped)
            .unwrap();
        options.path = image.path().to_owned();
        match Embedded::open(&options) {
            Ok(engine) => told += usize::from(!ledger.check(&engine).await.is_empty()),
            Err(error) => {
                assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
                refused += 1;
            }
        }
    }
    println!("{refused} refused, {told} told, {} harmless", 30 - refused - told);
}

/// The way out of a damaged log: import what is left, or remove it.
#[tokio::test]
async fn d8_a_damaged_production_is_mended_by_replacing_it() {
    let (image, ledger) = victim().await;
    let (_, used) = journal(image.path());
    edit(image.path(), |bytes| bytes.truncate(used - 10));
    let engine = open(image.path());
    let damaged = ledger.check(&engine).await;
    let [name] = &damaged[..] else { panic!("one append was lost, {damaged:?}") };
    let everything = Limit { records: usize::MAX, bytes: usize::MAX };
    let left = engine.read(&id(name), &epoch(), Revision::ZERO, everything).await.unwrap();
    let anew = onair_wire::Epoch::new("e2").unwrap();
    let head = engine.replace(&id(name), &anew, None, left.clone()).await.unwrap();
    drop(engine);
    let engine = open(image.path());
    let more = Record { revision: head.last.next(), body: "{}".into() };
    assert_eq!(engine.append(&id(name), &anew, head.last, vec![more]).await, Ok(head.last.next()));
}

#[tokio::test]
async fn d8_without_the_witness_that_is_told() {
    let (image, ledger) = victim().await;
    std::fs::remove_file(image.path().join("witness")).unwrap();
    let engine = open(image.path());
    assert_eq!(ledger.check(&engine).await, [""; 0]);
    let reports = engine.figures().reports;
    assert!(reports.len() == 1 && reports[0].contains("witness is missing"), "{reports:#?}");
}

/// Bodies from a byte to a whole append, and images of many chunks, through a crash.
#[tokio::test]
async fn d7_large_values_survive_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    engine.create(&id("a"), &epoch()).await.unwrap();
    let body = |size: usize| -> Bytes { (0..=250u8).cycle().take(size).collect::<Vec<u8>>().into() };
    let sizes = [1, 4095, 4096, 4097, 65_535, 65_536, 1 << 20, (8 << 20) + 1];
    for (after, &size) in (0..).zip(&sizes) {
        let records = vec![Record { revision: Revision(after + 1), body: body(size) }];
        engine.append(&id("a"), &epoch(), Revision(after), records).await.unwrap();
    }
    let saved = Image { revision: Revision(3), body: body(3 << 20) };
    engine.save(&id("a"), &epoch(), saved.clone()).await.unwrap();
    let image = crash_image(folder.path());
    let again = open(image.path());
    for (after, &size) in (0..).zip(&sizes) {
        let one = Limit { records: 1, bytes: 1 };
        let read = again.read(&id("a"), &epoch(), Revision(after), one).await.unwrap();
        assert!(read[0].body == body(size), "{size} bytes");
    }
    assert!(again.load(&id("a"), &epoch(), Revision(8)).await.unwrap() == Some(saved));
}

/// A replacement that died before it was in place, and one that died before the old data was gone.
#[tokio::test]
async fn o6_what_an_interrupted_replacement_left_is_swept() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    engine.create(&id("a"), &epoch()).await.unwrap();
    append(&engine, "a", 0, 9).await.unwrap();
    engine.close().await.unwrap();
    let rows = |log: u64| -> Vec<Vec<u8>> {
        let key = |revision: u64| [&b"r"[..], &log.to_be_bytes(), &revision.to_be_bytes()].concat();
        (1..=5000).map(key).chain([[&b"x"[..], &log.to_be_bytes()].concat()]).collect()
    };
    let store = || {
        let path = folder.path().join("store");
        let database =
            fjall::Database::builder(path).journal_compression(fjall::CompressionType::None).open().unwrap();
        let space = database.keyspace("logs", fjall::KeyspaceCreateOptions::default).unwrap();
        (database, space)
    };
    {
        let (database, space) = store();
        let group = u64::from_be_bytes(space.get("g").unwrap().unwrap()[..].try_into().unwrap());
        let mut batch = database.batch();
        batch.insert(&space, "g", (group + 1).to_be_bytes());
        rows(77).into_iter().for_each(|key| batch.insert(&space, key, "left over"));
        batch.commit().unwrap();
    }
    let mut left = usize::MAX;
    for _ in 0..50 {
        let engine = open(folder.path());
        let read = engine.read(&id("a"), &epoch(), Revision::ZERO, Limit { records: 99, bytes: 9999 }).await;
        assert_eq!(read, Ok(records("a", 0, 9)));
        for _ in 0..20 {
            // Each answer is followed by a moment in which nobody waits, which is when the committer sweeps.
            assert!(engine.remove(&id("unknown")).await.is_err());
        }
        drop(engine);
        let (_database, space) = store();
        left = rows(77).iter().filter(|key| space.get(key).unwrap().is_some()).count();
        if left == 0 {
            break;
        }
    }
    assert_eq!(left, 0, "keys of the replacement that did not come to be");
}
