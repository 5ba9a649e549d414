//! Checks on demand (row A2), and what stands as it is now rather than as it was last written.

use onair_core::{
    Intent,
    rules::{self, Finding, Observation, Report},
};
use onair_wire::Actor;

use crate::{error::Error, handle::Handle, lookout::Looked};

/// As whom the rules are named in commits.
pub(crate) fn actor() -> Actor {
    Actor::new("server:validation").expect("an actor")
}

impl Handle {
    /// Has the rules look now, those too that go through the whole state. A production that takes nothing is looked at
    /// all the same; what is found is not kept then.
    ///
    /// # Errors
    /// As [`Handle::execute`], for a production that takes commands.
    ///
    /// # Cancellation
    /// The check is made or not.
    pub async fn check(&self) -> Result<Report, Error> {
        let state = self.state();
        let verified = tokio::task::spawn_blocking(move || rules::verify(&state)).await;
        let verified = Some(verified.expect("going through a state does not panic"));
        let now = self.shared().clock.now();
        let asked = Observation { now, verified, damage: self.read_only(), ..Observation::default() };
        if asked.damage.is_some() {
            return Ok(rules::report(&self.state(), &asked));
        }
        self.execute(actor(), None, Intent::Check(Box::new(asked))).await?;
        Ok(rules::report(&self.state(), &self.looked().last))
    }

    /// What the last check saw.
    #[must_use]
    pub fn looked(&self) -> Looked {
        self.shared().counts.looked()
    }

    /// A finding with how often it was seen and when last, as of now.
    #[must_use]
    pub fn as_of_now(&self, mut finding: Finding) -> Finding {
        if finding.stands()
            && let Some(unsaid) = self.looked().unsaid.get(&finding.code)
        {
            finding.count += unsaid.count;
            finding.last_seen = finding.last_seen.max(unsaid.last_seen);
        }
        finding
    }
}
