//! A production: the fold of its log, with typed views over the documents of the server's own collections.
//!
//! Everything is in persistent maps: a clone costs a few pointers, so whoever reads keeps the state it began with
//! while the next commit is applied to another. Nothing here is ever written out as it is; see [`Image`].

mod documents;
mod fold;
mod image;
mod mutations;
mod show;
mod view;

use std::sync::Arc;

use imbl::OrdMap;
use onair_wire::{Collection, Digest, DocumentId, Epoch, ProductionId, Revision, Timestamp};
use serde_json::Value;

use crate::{
    lifecycle::{Lifecycle, Phase},
    manifest::Manifest,
    settings::Settings,
};

pub use documents::{Document, Documents, LARGE_BYTES, RECENT_VERSIONS, TOMBSTONES_MAX, Tombstone, Version};
pub use fold::Broken;
pub use image::{Image, ImageError};
pub use mutations::{Mutations, Remembered};
pub use show::{Due, Progress};
pub use view::{Observed, backends, snapshot, stream_state};

/// The collections only the server writes, as this release knows them.
pub mod server {
    /// `lifecycle`, `settings`, `manifest`.
    pub const SYSTEM: &str = "_system";
    /// One document for each transition.
    pub const TRANSITIONS: &str = "_transitions";
    /// One document for each service.
    pub const SERVICES: &str = "_services";
    /// One document for each sequence.
    pub const SEQUENCES: &str = "_sequences";
    /// One document for each conflict.
    pub const CONFLICTS: &str = "_conflicts";
    /// One document for each finding.
    pub const FINDINGS: &str = "_findings";
    /// One document for each backend.
    pub const BACKENDS: &str = "_backends";
}

/// The state of a production at one revision.
#[derive(Clone, Debug)]
pub struct Production {
    id: ProductionId,
    epoch: Epoch,
    revision: Revision,
    oldest: Revision,
    at: Timestamp,
    collections: OrdMap<Collection, Documents>,
    mutations: Mutations,
    manifest: Option<Arc<Manifest>>,
}

impl Production {
    /// A production before its first commit.
    #[must_use]
    pub fn begin(id: ProductionId, epoch: Epoch) -> Self {
        Self {
            id,
            epoch,
            revision: Revision::ZERO,
            oldest: Revision::ZERO.next(),
            at: Timestamp::EPOCH,
            collections: OrdMap::new(),
            mutations: Mutations::default(),
            manifest: None,
        }
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> &ProductionId {
        &self.id
    }

    /// Its log.
    #[must_use]
    pub fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// The last commit applied.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The first commit that is still kept.
    #[must_use]
    pub fn oldest(&self) -> Revision {
        self.oldest
    }

    /// When the last commit was made.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// What it is made of; `None` before the first commit.
    #[must_use]
    pub fn manifest(&self) -> Option<&Arc<Manifest>> {
        self.manifest.as_ref()
    }

    /// What was done under mutation ids that are still kept.
    #[must_use]
    pub fn mutations(&self) -> &Mutations {
        &self.mutations
    }

    /// A collection, if it ever had a document.
    #[must_use]
    pub fn collection(&self, name: &str) -> Option<&Documents> {
        self.collections.get(name)
    }

    /// Every collection that ever had a document, in the order of the names.
    pub fn collections(&self) -> impl Iterator<Item = (&Collection, &Documents)> {
        self.collections.iter()
    }

    /// A live document.
    #[must_use]
    pub fn document(&self, collection: &Collection, id: &DocumentId) -> Option<&Arc<Document>> {
        self.collections.get(collection)?.live(id.as_str())
    }

    /// What a deleted document left behind.
    #[must_use]
    pub fn tombstone(&self, collection: &Collection, id: &DocumentId) -> Option<&Arc<Tombstone>> {
        self.collections.get(collection)?.tombstone(id.as_str())
    }

    /// A document of a server's collection, by names that are constants.
    #[must_use]
    pub fn server_document(&self, collection: &str, id: &str) -> Option<&Arc<Document>> {
        self.collections.get(collection)?.live(id)
    }

    /// The digest over the collections that are wanted (row Y6).
    #[must_use]
    pub fn digest(&self, wanted: impl Fn(&Collection) -> bool) -> Digest {
        let digests =
            self.collections.iter().filter(|(name, _)| wanted(name)).map(|(_, documents)| documents.digest());
        digests.fold(Digest::EMPTY, Digest::plus)
    }

    /// Where it is in its life.
    #[must_use]
    pub fn lifecycle(&self) -> Lifecycle {
        let document = self.server_document(server::SYSTEM, "lifecycle");
        document.map_or_else(Default::default, |document| read(document))
    }

    /// Its phase.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.lifecycle().phase
    }

    /// Its settings.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let document = self.server_document(server::SYSTEM, "settings");
        document.map_or_else(Default::default, |document| read(document))
    }
}

/// A document that the fold has checked.
fn read<T: serde::de::DeserializeOwned>(document: &Document) -> T {
    let value = Value::clone(document.value());
    serde_json::from_value(value)
        .unwrap_or_else(|error| panic!("the fold let in what does not read: {error}"))
}
