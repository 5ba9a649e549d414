//! An image: a production written down at one revision, so that opening need not fold the whole log.
//!
//! It is data of its own, with a version, and can be thrown away at any time: the log says the same. What it
//! leaves out (recent versions of documents) is read from the log when it is needed.

use std::{collections::BTreeMap, sync::Arc};

use onair_wire::{
    Actor, Collection, DocumentId, Epoch, Fingerprint, MutationId, ProductionId, Revision, Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use super::{Document, Production, Remembered, Tombstone, server};
use crate::manifest::Manifest;

/// The version this release writes.
pub(crate) const IMAGE_VERSION: u32 = 1;

/// Why an image is of no use.
#[derive(Debug, Error)]
pub enum ImageError {
    /// It does not read.
    #[error("the image does not read: {0}")]
    Json(#[from] serde_json::Error),
    /// A later release wrote it.
    #[error("the image has version {found}, this release reads up to {IMAGE_VERSION}")]
    Version {
        /// Its version.
        found: u32,
    },
    /// The manifest in it is none.
    #[error("the manifest in the image: {0}")]
    Manifest(onair_wire::json::JsonError),
}

/// A production written down.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Image {
    version: u32,
    production: ProductionId,
    epoch: Epoch,
    revision: Revision,
    oldest: Revision,
    at: Timestamp,
    collections: BTreeMap<Collection, Kept>,
    mutations: Vec<(MutationId, Revision, Fingerprint)>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    live: BTreeMap<DocumentId, KeptDocument>,
    gone: BTreeMap<DocumentId, KeptTombstone>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeptDocument {
    pub(super) revision: Revision,
    pub(super) value: Arc<Value>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) updated_by: Actor,
    pub(super) age: (Revision, u32),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct KeptTombstone {
    revision: Revision,
    at: Timestamp,
    age: (Revision, u32),
    last: KeptDocument,
}

impl From<&Document> for KeptDocument {
    fn from(document: &Document) -> Self {
        Self {
            revision: document.revision(),
            value: Arc::clone(document.value()),
            created_at: document.created_at(),
            updated_at: document.updated_at(),
            updated_by: document.updated_by().clone(),
            age: document.age(),
        }
    }
}

impl Image {
    /// Up to where it goes.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// Writes it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("an image has string keys and finite numbers only")
    }

    /// Reads what [`Image::encode`] wrote.
    ///
    /// # Errors
    /// [`ImageError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, ImageError> {
        let image: Self = serde_json::from_slice(bytes)?;
        if image.version > IMAGE_VERSION {
            return Err(ImageError::Version { found: image.version });
        }
        Ok(image)
    }

    /// The same state in another log, under another name: for an import.
    #[must_use]
    pub fn moved_to(self, production: ProductionId, epoch: Epoch) -> Self {
        Self { production, epoch, ..self }
    }
}

impl Production {
    /// Writes the state down.
    #[must_use]
    pub fn image(&self) -> Image {
        let collections = self.collections.iter().map(|(name, documents)| {
            let live = documents.iter().map(|(id, document)| (id.clone(), (&**document).into())).collect();
            let gone = documents.tombstones().map(|(id, tombstone)| {
                let Tombstone { revision, at, last, .. } = &**tombstone;
                let kept = KeptTombstone {
                    revision: *revision,
                    at: *at,
                    age: tombstone.age(),
                    last: (&**last).into(),
                };
                (id.clone(), kept)
            });
            (name.clone(), Kept { live, gone: gone.collect() })
        });
        let mutations = self.mutations.iter().map(|(id, kept)| (id.clone(), kept.revision, kept.fingerprint));
        Image {
            version: IMAGE_VERSION,
            production: self.id.clone(),
            epoch: self.epoch.clone(),
            revision: self.revision,
            oldest: self.oldest,
            at: self.at,
            collections: collections.collect(),
            mutations: mutations.collect(),
        }
    }

    /// The state an image holds.
    ///
    /// # Errors
    /// [`ImageError::Manifest`].
    pub fn revive(image: Image) -> Result<Self, ImageError> {
        let Image { production, epoch, revision, oldest, at, collections, mutations, .. } = image;
        let mut revived = Self { revision, oldest, at, ..Self::begin(production, epoch) };
        for (name, kept) in collections {
            let mut documents = super::Documents::default();
            for (id, document) in kept.live {
                let document = Document::revived(&name, &id, document);
                documents.insert(id, Arc::new(document));
            }
            for (id, KeptTombstone { revision, at, age, last }) in kept.gone {
                let last = Document::revived(&name, &id, last);
                documents.bury(id, Tombstone::revived(revision, at, last, age));
            }
            revived.collections.insert(name, documents);
        }
        for (id, revision, fingerprint) in mutations {
            revived.mutations.remember(id, Remembered { revision, fingerprint });
        }
        let written = revived
            .server_document(server::SYSTEM, "manifest")
            .map(|document| Value::clone(document.value()));
        if let Some(value) = written {
            revived.manifest = Some(Arc::new(Manifest::new(value).map_err(ImageError::Manifest)?));
        }
        Ok(revived)
    }
}
