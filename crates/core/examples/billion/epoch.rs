//! One short life of a production, and the four folds of it that must agree:
//!
//! - the live state, as the commands were decided and applied, behind a client's cache of the same commits;
//! - a replay of the encoded commits from the first;
//! - an image that was written somewhere in the middle and read back, with the commits behind it;
//! - a client that begins with a snapshot from there, with the same commits as sent.
//!
//! All must have the same digest, states the same image to the byte, and each commit must read as it was written.

use onair_core::{Image, Production};
use onair_wire::{Cache, Commit};

use crate::{chance::Chance, world::World};

/// Commands in one life.
const COMMANDS_MIN: u64 = 500;
const COMMANDS_SPAN: u64 = 2_500;

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) epochs: u64,
    pub(crate) commands: u64,
    pub(crate) commits: u64,
    pub(crate) by_itself: u64,
    pub(crate) refused: u64,
    pub(crate) known: u64,
    pub(crate) as_is: u64,
    pub(crate) merged: u64,
    pub(crate) conflicts: u64,
    pub(crate) restored: u64,
    pub(crate) resolved: u64,
    pub(crate) moved: u64,
}

impl Tally {
    pub(crate) fn plus(&self, other: &Self) -> Self {
        Self {
            epochs: self.epochs + other.epochs,
            commands: self.commands + other.commands,
            commits: self.commits + other.commits,
            by_itself: self.by_itself + other.by_itself,
            refused: self.refused + other.refused,
            known: self.known + other.known,
            as_is: self.as_is + other.as_is,
            merged: self.merged + other.merged,
            conflicts: self.conflicts + other.conflicts,
            restored: self.restored + other.restored,
            resolved: self.resolved + other.resolved,
            moved: self.moved + other.moved,
        }
    }
}

/// Plays the epoch of that number and compares.
///
/// # Panics
/// When two folds disagree; the message says how to play that one alone.
pub(crate) fn play(seed: u64, epoch: u64) -> Tally {
    let mut chance = Chance::new(seed, epoch);
    let mut world = World::begin(&mut chance);
    let begun = &world.production;
    let begin = Production::begin(begun.id().clone(), begun.epoch().clone());
    let commands = COMMANDS_MIN + chance.below(COMMANDS_SPAN);
    let middle = chance.below(commands);
    let mut written = None;
    for number in 0..commands {
        if number == middle {
            written = Some(Written::of(&world));
        }
        world.command(&mut chance);
    }
    let again = format!("--seed {seed} --epoch {epoch}");
    let written = written.expect("the middle is within");
    let folded = Folded::of(&world, &begin, &written, &again);
    folded.agree(&world, &again);
    world.tally.epochs = 1;
    world.tally
}

/// What was kept in the middle.
struct Written {
    image: Vec<u8>,
    cache: Cache,
    commits: usize,
}

impl Written {
    fn of(world: &World) -> Self {
        let production = &world.production;
        Self {
            image: production.image().encode(),
            cache: Cache::from_snapshot(production.revision(), production.cache_documents(|_| true)),
            commits: world.commits.len(),
        }
    }
}

struct Folded {
    replayed: Production,
    revived: Production,
    snapshot: Cache,
}

impl Folded {
    fn of(world: &World, begin: &Production, written: &Written, again: &str) -> Self {
        let image = Image::decode(&written.image).expect("an image");
        let revived = Production::revive(image).expect("a state");
        let mut folded = Self { replayed: begin.clone(), revived, snapshot: written.cache.clone() };
        for (at, commit) in world.commits.iter().enumerate() {
            let encoded = commit.encode();
            let read = Commit::decode(&encoded).expect("what was encoded");
            assert!(
                read == *commit && read.encode() == encoded,
                "commit {} does not survive: {again}",
                commit.revision
            );
            folded.replayed.apply(&read).expect("it was applied before");
            if at >= written.commits {
                folded.revived.apply(&read).expect("it was applied before");
                folded.snapshot.apply(&read).expect("the next");
            }
        }
        folded
    }

    fn agree(&self, world: &World, again: &str) {
        let digest = world.production.digest(|_| true);
        assert_eq!(world.client.digest(), digest, "the client that was there from the first: {again}");
        assert_eq!(self.replayed.digest(|_| true), digest, "the replay: {again}");
        assert_eq!(self.revived.digest(|_| true), digest, "the image and what is behind: {again}");
        assert_eq!(self.snapshot.digest(), digest, "the snapshot and what is behind: {again}");
        assert_eq!(self.snapshot.documents, world.client.documents, "two clients: {again}");
        let image = world.production.image().encode();
        assert!(self.replayed.image().encode() == image, "the replay's image: {again}");
        assert!(self.revived.image().encode() == image, "the image of what an image began: {again}");
        // Digests are kept up with each commit; that they are those of the documents is another matter.
        let counted =
            Cache::from_snapshot(world.production.revision(), world.production.cache_documents(|_| true));
        assert_eq!(counted.digest(), digest, "counted from the documents: {again}");
    }
}
