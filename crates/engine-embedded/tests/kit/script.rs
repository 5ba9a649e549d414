//! A script of everything that can be asked of the engine, what must be there after each of its steps, and looking
//! whether it is. One step is under way at a time, so after a death the log is as it was before that step or behind it.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use onair_engine::{Engine, Error, Image, Limit, Record};
use onair_engine_embedded::Embedded;
use onair_wire::{Epoch, ProductionId, Revision};

/// One thing that is asked.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A log with this epoch.
    Create(&'static str, &'static str),
    /// So many records to each, all at once, so that they share a flush.
    Append(&'static [&'static str], u64),
    /// An image of the last revision.
    Save(&'static str),
    /// What so many revisions before the last are not needed for.
    Trim(&'static str, u64),
    /// An image of revision 20 under a new epoch, and so many records behind it.
    Replace(&'static str, &'static str, u64),
    Remove(&'static str),
    /// Closes, and opens again.
    Reopen,
}

/// What is there of one production.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Log {
    pub(crate) epoch: String,
    pub(crate) oldest: u64,
    pub(crate) last: u64,
    pub(crate) images: BTreeSet<u64>,
}

/// What must be there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Model(pub(crate) BTreeMap<&'static str, Log>);

/// What was found of one production. All of it was read and is what was once written there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Nothing,
    /// Its row or its end cannot be read.
    Broken,
    /// A log, the newest of its images, and where it is said to be damaged.
    Log {
        log: Log,
        damage: Option<u64>,
    },
}

/// Every production that a script names.
pub(crate) const NAMES: [&str; 5] = ["a", "b", "c", "d", BULK];

/// Its bodies are so large that five of them fill a journal.
const BULK: &str = "bulk";

/// Creations, groups of several, images, trims, a replacement, a removal, and names that are used again; so many
/// bodies that the memtable is written into tables several times on the way.
pub(crate) fn everything() -> Vec<Step> {
    use Step::{Append, Create, Remove, Reopen, Replace, Save, Trim};
    const ABC: &[&str] = &["a", "b", "c"];
    let mut steps = vec![Create("a", "e1"), Create("b", "e1"), Create("c", "e1")];
    steps.extend([Append(ABC, 8), Save("a"), Append(ABC, 8), Append(&["a"], 1), Trim("a", 3)]);
    steps.extend([Append(ABC, 8), Replace("b", "e2", 8), Append(ABC, 8), Remove("c"), Append(&["b"], 4)]);
    steps.extend([Create("c", "e2"), Append(ABC, 8), Save("b"), Reopen, Append(ABC, 8), Save("a")]);
    steps.extend([Append(ABC, 8), Trim("a", 5), Trim("b", 5), Replace("d", "e1", 4), Append(&["d", "a"], 4)]);
    steps.extend([Remove("b"), Append(&["a", "c", "d"], 8), Reopen, Append(&["a", "c"], 2)]);
    steps
}

/// Until the store begins another journal, and removes the one before.
pub(crate) fn rotation() -> Vec<Step> {
    use Step::{Append, Create, Reopen};
    let mut steps = vec![Create("a", "e1"), Create(BULK, "e1")];
    steps.extend([Append(&[BULK], 1), Append(&[BULK], 1), Append(&[BULK], 1), Append(&[BULK], 1)]);
    steps.extend([Append(&[BULK], 1), Append(&["a"], 2), Append(&[BULK], 1), Append(&["a"], 2)]);
    steps.extend([Append(&[BULK], 1), Append(&["a"], 90), Append(&["a"], 90), Reopen, Append(&["a"], 2)]);
    steps
}

impl Model {
    /// As if `step` were done.
    pub(crate) fn after(&self, step: &Step) -> Self {
        let mut model = self.clone();
        let logs = &mut model.0;
        let log = |epoch: &str, oldest, last| Log {
            epoch: epoch.to_owned(),
            oldest,
            last,
            images: BTreeSet::new(),
        };
        match step {
            Step::Create(name, epoch) => _ = logs.insert(name, log(epoch, 1, 0)),
            Step::Append(names, count) => {
                names.iter().for_each(|name| logs.get_mut(name).unwrap().last += count);
            }
            Step::Save(name) => {
                let log = logs.get_mut(name).unwrap();
                log.images.insert(log.last);
            }
            Step::Trim(name, keep) => {
                let log = logs.get_mut(name).unwrap();
                if let Some(&base) = log.images.range(log.oldest..log.last - keep).next_back() {
                    log.oldest = base + 1;
                    log.images.retain(|image| *image >= base);
                }
            }
            Step::Replace(name, epoch, count) => {
                let mut log = log(epoch, 21, 20 + count);
                log.images.insert(20);
                logs.insert(name, log);
            }
            Step::Remove(name) => _ = logs.remove(name),
            Step::Reopen => {}
        }
        model
    }

    /// What is found of `name` when all is well.
    pub(crate) fn expected(&self, name: &str) -> Found {
        let Some(log) = self.0.get(name) else { return Found::Nothing };
        let newest = log.images.last().copied();
        Found::Log { log: Log { images: newest.into_iter().collect(), ..log.clone() }, damage: None }
    }
}

fn id(name: &str) -> ProductionId {
    ProductionId::new(name).unwrap()
}

fn epoch(name: &str) -> Epoch {
    Epoch::new(name).unwrap()
}

/// A body that tells where it belongs, of up to 700 bytes or of 13 MiB.
fn body(name: &str, epoch: &str, revision: u64) -> Bytes {
    let filler = char::from(b'a' + u8::try_from(revision % 23).unwrap());
    let length = if name == BULK { 13 << 20 } else { usize::try_from(revision * 197 % 670).unwrap() };
    format!("{name}/{epoch}/{revision}/{}", filler.to_string().repeat(length + 20)).into()
}

/// Of one chunk, but for that of 49.
fn image(name: &str, epoch: &str, revision: u64) -> Image {
    let line = format!("the state of {name} in {epoch} at {revision}\n");
    let length = if revision % 48 == 1 { 300_000 } else { 5_000 };
    Image { revision: Revision(revision), body: line.repeat(length / line.len()).into() }
}

fn records(name: &str, epoch: &str, after: u64, count: u64) -> Vec<Record> {
    let record = |revision| Record { revision: Revision(revision), body: body(name, epoch, revision) };
    (after + 1..=after + count).map(record).collect()
}

/// Appends behind the end that the model has.
pub(crate) async fn append(engine: &Embedded, name: &str, log: &Log, count: u64) -> Result<(), Error> {
    let records = records(name, &log.epoch, log.last, count);
    engine.append(&id(name), &epoch(&log.epoch), Revision(log.last), records).await.map(|_| ())
}

/// A step that was not acknowledged as a whole.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) error: Error,
    /// Those of its productions that were.
    pub(crate) done: Vec<&'static str>,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { error, done: Vec::new() }
    }
}

/// Does `step` to an engine that is as the model says. Reopening is for the caller, who has the engine.
pub(crate) async fn perform(engine: &Embedded, model: &Model, step: &Step) -> Result<(), Failed> {
    let log = |name: &str| (id(name), epoch(&model.0[name].epoch), model.0[name].last);
    let done = match step {
        Step::Create(name, new) => engine.create(&id(name), &epoch(new)).await.map(|_| ()),
        Step::Append(names, count) => {
            let one = |place: usize| async move {
                let Some(name) = names.get(place) else { return Ok(()) };
                append(engine, name, &model.0[name], *count).await
            };
            let (first, second, third) = tokio::join!(one(0), one(1), one(2));
            assert!(names.len() <= 3, "no more than three at once");
            let answers = [first, second, third];
            let Some(error) = answers.iter().find_map(|answer| answer.as_ref().err()).cloned() else {
                return Ok(());
            };
            let done = names.iter().zip(&answers).filter(|(_, answer)| answer.is_ok());
            return Err(Failed { error, done: done.map(|(name, _)| *name).collect() });
        }
        Step::Save(name) => {
            let (production, epoch, last) = log(name);
            let image = image(name, epoch.as_str(), last);
            engine.save(&production, &epoch, image).await
        }
        Step::Trim(name, keep) => {
            let (production, epoch, last) = log(name);
            engine.trim(&production, &epoch, Revision(last - keep)).await.map(|_| ())
        }
        Step::Replace(name, new, count) => {
            let (base, behind) = (image(name, new, 20), records(name, new, 20, *count));
            engine.replace(&id(name), &epoch(new), Some(base), behind).await.map(|_| ())
        }
        Step::Remove(name) => engine.remove(&id(name)).await,
        Step::Reopen => unreachable!("the caller has the engine"),
    };
    Ok(done?)
}

/// Reads all there is of `name`.
///
/// # Errors
/// A sentence, when what is read is not what was written there, or is not told as it should be.
pub(crate) async fn look(engine: &Embedded, name: &str) -> Result<Found, String> {
    let head = match engine.head(&id(name)).await {
        Ok(Some(head)) => head,
        Ok(None) => return Ok(Found::Nothing),
        Err(Error::Corrupt { production, .. }) if production == id(name) => return Ok(Found::Broken),
        Err(other) => return Err(format!("{name}: its head is {other}")),
    };
    let of = head.epoch.as_str();
    let (oldest, mut last, mut damage) = (head.oldest.0, head.oldest.0 - 1, None);
    let limit = Limit { records: 1000, bytes: usize::MAX };
    loop {
        match engine.read(&id(name), &head.epoch, Revision(last), limit).await {
            Ok(page) if page.is_empty() => break,
            Ok(page) => {
                if page != records(name, of, last, page.len() as u64) {
                    return Err(format!("{name}: wrong data behind {last}"));
                }
                last += page.len() as u64;
            }
            Err(Error::Corrupt { production, revision, .. })
                if production == id(name) && revision.0 == last + 1 =>
            {
                damage = Some(revision.0);
                break;
            }
            Err(other) => return Err(format!("{name}: behind {last} it is told {other}")),
        }
    }
    if damage.is_none() && last != head.last.0 {
        return Err(format!("{name}: the head is {}, what can be read ends at {last}", head.last));
    }
    let loaded = engine.load(&id(name), &head.epoch, head.last).await;
    let loaded = loaded.map_err(|error| format!("{name}: its image is {error}"))?;
    let images: BTreeSet<u64> = loaded.iter().map(|image| image.revision.0).collect();
    if let Some(loaded) = loaded
        && loaded != image(name, of, loaded.revision.0)
    {
        return Err(format!("{name}: the image of {} is not what was saved", loaded.revision));
    }
    Ok(Found::Log { log: Log { epoch: of.to_owned(), oldest, last, images }, damage })
}
