//! What happens: wishes of several operators at once, made up from a seed, over states that they have not seen yet.

use bytes::BytesMut;
use futures_util::future::join_all;
use onair_core::{Act, Choice, Image, Intent, Production, Resolve};
use onair_engine::{Engine, memory::Storage};
use onair_runtime::{Handle, transfer::Import};
use onair_wire::{
    Cache, Collection, Commit, DocumentId, Edit, Epoch, Millis, Mutation, MutationId, Revision,
};

use crate::{
    chance::Chance,
    stage::{ALL, Stage, actor, main_production},
};

pub(crate) struct History {
    pub(crate) stage: Stage,
    pub(crate) handle: Handle,
    pub(crate) chance: Chance,
    /// Logs that were replaced.
    pub(crate) former: Vec<Epoch>,
    /// Ids that may be said again, with what they meant.
    said: Vec<(MutationId, Intent)>,
}

impl History {
    pub(crate) async fn begin(seed: u64) -> Self {
        let stage = Stage::over(Storage::default());
        let handle = stage.begin().await;
        Self { stage, handle, chance: Chance::new(seed, 0), former: Vec::new(), said: Vec::new() }
    }

    /// One to four wishes at once, then time.
    pub(crate) async fn happen(&mut self) {
        let wishes: Vec<_> = (0..=self.chance.below(4)).map(|_| self.wish()).collect();
        let handle = &self.handle;
        let asked = wishes.into_iter().map(|(id, intent)| handle.execute(actor(), id, intent));
        let _refused_or_done = join_all(asked).await;
        self.stage.clock.advance(Millis(self.chance.below(30)));
        tokio::task::yield_now().await;
    }

    fn wish(&mut self) -> (Option<MutationId>, Intent) {
        if self.chance.once_in(12) && !self.said.is_empty() {
            let (id, intent) = self.chance.of(&self.said).clone();
            return (Some(id), intent);
        }
        let intent = match self.chance.below(20) {
            0..=10 => Intent::Mutate(vec![self.mutation()]),
            11..=14 => Intent::Mutate((0..2 + self.chance.below(3)).map(|_| self.mutation()).collect()),
            15..=17 => self.resolve(),
            18 => Intent::ChangeSettings(
                [("maxRetries".to_owned(), self.chance.below(5).into())].into_iter().collect(),
            ),
            _ => {
                const START: Act = Act::Start { session_id: None, kind: None, break_glass: None };
                Intent::Act(self.chance.of(&[Act::Initialize, START, Act::Stop, Act::Pause]).clone())
            }
        };
        let id = self.chance.once_in(2).then(|| {
            let id = MutationId::new(format!("m-{}", self.said.len())).expect("an id");
            self.said.push((id.clone(), intent.clone()));
            id
        });
        (id, intent)
    }

    fn mutation(&mut self) -> Mutation {
        let chance = &mut self.chance;
        let now = self.handle.state().revision().0;
        let back = |chance: &mut Chance| Revision(now.saturating_sub(chance.below(10)));
        let collection = Collection::new(*chance.of(&["scenes", "layers", "chat"])).expect("a name");
        let document = DocumentId::new(format!("d{}", chance.below(3))).expect("a name");
        let mut base = chance.once_in(2).then(|| back(chance));
        let value =
            std::sync::Arc::new(if chance.once_in(3) { chance.value(2) } else { chance.members(2).into() });
        let edit = match chance.below(10) {
            0..=3 => Edit::Put(value),
            4..=7 => Edit::Patch(value),
            8 => Edit::Delete,
            _ => {
                base = None;
                Edit::Restore(chance.once_in(2).then(|| back(chance)))
            }
        };
        Mutation { collection, document, edit, base, if_revision: None }
    }

    fn resolve(&mut self) -> Intent {
        let state = self.handle.state();
        let conflicts = state.collection("_conflicts").into_iter().flat_map(|all| all.by_age().rev());
        let known: Vec<DocumentId> = conflicts.take(4).map(|(id, _)| id.clone()).collect();
        let conflict = known
            .first()
            .map_or_else(|| DocumentId::new("1-0").expect("a name"), |_| self.chance.of(&known).clone());
        let choose = *self.chance.of(&[Choice::Local, Choice::Server, Choice::Merge]);
        let value = (choose == Choice::Merge).then(|| self.chance.value(2));
        Intent::Resolve(Resolve { conflict, choose, value })
    }

    /// Everything that is kept, as the log has it.
    pub(crate) async fn commits(&self) -> Vec<Commit> {
        let oldest = self.handle.state().oldest().previous();
        let (bodies, _) = self.handle.commits(oldest, ALL).await.expect("kept");
        bodies.iter().map(|body| Commit::decode(body).expect("a commit")).collect()
    }

    /// That the log, folded by a cache and by the core from the first commit, is what the server shows. How many
    /// commits there were.
    pub(crate) async fn agrees(&self) -> usize {
        let (state, commits) = (self.handle.state(), self.commits().await);
        let mut cache = Cache::default();
        let mut folded = Production::begin(state.id().clone(), state.epoch().clone());
        for commit in &commits {
            cache.apply(commit).expect("revisions are dense");
            folded.apply(commit).expect("it was decided");
        }
        let digest = state.digest(|_| true);
        assert_eq!((cache.digest(), cache.revision), (digest, state.revision()), "the cache");
        assert_eq!(folded.digest(|_| true), digest, "the core");
        let image = Image::decode(&state.image().encode()).expect("an image");
        assert_eq!(Production::revive(image).expect("a state").digest(|_| true), digest, "the image");
        commits.len()
    }

    /// Keeps only the later half of the log, as the keeper does behind an image.
    pub(crate) async fn trim(&mut self) {
        let (handle, id) = (&self.handle, main_production());
        let revision = Revision(handle.state().revision().0 / 2);
        let (state, oldest) = (handle.state_at(revision).await.expect("kept"), revision.next());
        let image = onair_engine::Image { revision, body: state.image().encode().into() };
        let engine = &self.stage.engine;
        engine.save(&id, state.epoch(), image).await.expect("saved");
        engine.trim(&id, state.epoch(), oldest).await.expect("trimmed");
        self.stage.productions.close().await;
        self.stage = Stage::over(self.stage.storage.clone());
        self.handle = self.stage.open().await;
        assert_eq!(self.handle.state().oldest(), oldest);
    }

    /// Puts the production in its own place by way of a file: another log with the same state.
    pub(crate) async fn import(&mut self) {
        let before = self.handle.state();
        let mut pieces = self.handle.export();
        let mut file = BytesMut::new();
        while let Some(piece) = pieces.recv().await {
            file.extend_from_slice(&piece.expect("exported"));
        }
        let import = Import::read(&file.freeze()).expect("what was exported");
        self.handle = self.stage.productions.import(&main_production(), import).await.expect("imported");
        let state = self.handle.state();
        assert_ne!(state.epoch(), before.epoch());
        assert_eq!(state.digest(|_| true), before.digest(|_| true));
        self.former.push(before.epoch().clone());
    }
}
