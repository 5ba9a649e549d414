//! One log in memory: what its records and images are, and what reading, saving and trimming mean. Two engines keep
//! their logs so: the one beside this file, and the disk of the simulation.

use std::collections::BTreeMap;

use bytes::Bytes;
use onair_wire::{Epoch, Revision};

use crate::{Head, Image, Limit, Record};

/// A log.
#[derive(Clone, Debug)]
pub struct Log {
    epoch: Epoch,
    oldest: Revision,
    /// The last record that survives; the ones behind it are held (see [`super::Memory::hold`]).
    durable: Revision,
    last: Revision,
    records: BTreeMap<Revision, Bytes>,
    images: BTreeMap<Revision, Bytes>,
}

impl Log {
    /// A log that begins with `image`, or with nothing, and the records behind it; all of it is durable.
    #[must_use]
    pub fn new(epoch: &Epoch, image: Option<Image>, records: Vec<Record>) -> Self {
        let base = image.as_ref().map_or(Revision::ZERO, |image| image.revision);
        let last = records.last().map_or(base, |record| record.revision);
        Self {
            epoch: epoch.clone(),
            oldest: base.next(),
            durable: last,
            last,
            records: records.into_iter().map(|record| (record.revision, record.body)).collect(),
            images: image.into_iter().map(|image| (image.revision, image.body)).collect(),
        }
    }

    /// Whose log it is.
    #[must_use]
    pub fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// The last record, held ones included.
    #[must_use]
    pub fn last(&self) -> Revision {
        self.last
    }

    /// What is durable of it.
    #[must_use]
    pub fn head(&self) -> Head {
        Head { epoch: self.epoch.clone(), oldest: self.oldest, last: self.durable }
    }

    /// Adds records that follow the last one.
    pub fn append(&mut self, records: impl IntoIterator<Item = Record>) {
        for record in records {
            self.last = record.revision;
            self.records.insert(record.revision, record.body);
        }
    }

    /// All of it is durable now.
    pub fn settle(&mut self) {
        self.durable = self.last;
    }

    /// What was not durable is gone.
    pub fn forget_held(&mut self) {
        self.records.split_off(&self.durable.next());
        self.last = self.durable;
    }

    /// The durable records behind `after`, at least one if there is one, and then up to `limit`.
    #[must_use]
    pub fn read(&self, after: Revision, limit: Limit) -> Vec<Record> {
        let mut answer: Vec<Record> = Vec::new();
        let mut bytes = 0;
        for (&revision, body) in self.records.range(after.next().max(self.oldest)..) {
            bytes += body.len();
            let full = answer.len() >= limit.records || bytes > limit.bytes;
            if revision > self.durable || (full && !answer.is_empty()) {
                break;
            }
            answer.push(Record { revision, body: body.clone() });
        }
        answer
    }

    /// Keeps an image.
    ///
    /// # Panics
    /// When what it is of is not durable.
    pub fn save(&mut self, image: Image) {
        assert!(image.revision <= self.durable, "an image of {}, before it is durable", image.revision);
        self.images.insert(image.revision, image.body);
    }

    /// The newest image at or before `at`.
    #[must_use]
    pub fn load(&self, at: Revision) -> Option<Image> {
        let newest = self.images.range(..=at).next_back();
        newest.map(|(&revision, body)| Image { revision, body: body.clone() })
    }

    /// Forgets what the newest image before `keep_from` covers.
    pub fn trim(&mut self, keep_from: Revision) -> Head {
        if let Some((&base, _)) = self.images.range(..keep_from).next_back() {
            self.images = self.images.split_off(&base);
            self.records = self.records.split_off(&base.next());
            self.oldest = self.oldest.max(base.next());
        }
        self.head()
    }
}
