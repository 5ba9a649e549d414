//! The productions of a run: made by it, under names that nobody else has, and removed by it.

use onair_wire::ProductionId;
use reqwest::Method;

use crate::remote::{Error, Remote, chance};

/// What was made and is not removed yet.
#[derive(Debug)]
pub(super) struct Made<'a> {
    remote: &'a Remote,
    names: Vec<ProductionId>,
}

impl<'a> Made<'a> {
    pub(super) fn new(remote: &'a Remote) -> Self {
        Self { remote, names: Vec::new() }
    }

    /// Makes as many.
    pub(super) async fn create(&mut self, count: u32) -> Result<(), Error> {
        let run = chance();
        for number in 0..count {
            let name = ProductionId::new(format!("bench-{run:016x}-{number}")).expect("a production's name");
            // Noted before it is asked for: what was made by a request whose answer was lost is removed as well.
            self.names.push(name.clone());
            if let Err(error) = self.remote.of(&name, Method::PUT, &[]).send().await {
                if let Error::Refused(_) = error {
                    self.names.pop();
                }
                return Err(error);
            }
        }
        Ok(())
    }

    pub(super) fn names(&self) -> &[ProductionId] {
        &self.names
    }

    /// Removes all of them; what is answered are those that would not go.
    pub(super) async fn remove(self) -> Vec<String> {
        let mut left = Vec::new();
        for name in self.names {
            match self.remote.of(&name, Method::DELETE, &[]).send().await {
                Ok(_) => {}
                Err(error) if error.is(onair_wire::Code::NotFound) => {}
                Err(_) => left.push(name.to_string()),
            }
        }
        left
    }
}
