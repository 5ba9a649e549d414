//! The rules of a production, as plain functions over values.
//!
//! Three verbs: [`decide`] says what a command means for a production, [`advance`] what happens by itself,
//! [`Production::apply`] makes a commit true. None looks at a clock, a disk or a die; what they need comes as
//! arguments. What is to be done outside is read off the state: [`Production::due`] says whom to call, and
//! [`Production::wake_at`] when to look again.
//!
//! ```
//! use onair_core::{Command, Decision, Intent, Production, decide};
//! use onair_wire::{Actor, Epoch, ProductionId, Timestamp};
//!
//! let mut production = Production::begin(ProductionId::new("main")?, Epoch::new("k3f9")?);
//! let command = Command {
//!     actor: Actor::new("admin:kim")?,
//!     mutation: None,
//!     intent: Intent::Configure(serde_json::Value::Null),
//!     versions: Default::default(),
//! };
//! let Decision::Commit(commit, _) = decide(&production, &command, Timestamp::from_millis(0))? else { panic!() };
//! production.apply(&commit)?;                    // in the server: append first
//! assert_eq!(production.revision().0, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod backoff;
pub mod broadcast;
mod can;
mod command;
mod conflict;
pub mod lifecycle;
pub mod manifest;
pub mod production;
mod refusal;
pub mod rules;
mod schema;
pub mod sequence;
pub mod service;
mod settings;

pub use backoff::delay;
pub use can::{Can, Validity, can, plan, validate};
pub use command::{
    Act, ActionName, BATCH_MAX, BREAK_GLASS_MAX, Backend, COMMIT_BYTES_MAX, CONFLICTS_OPEN_MAX,
    CONFLICTS_RESOLVED_MAX, Choice, Command, DOCUMENT_BYTES_MAX, Decision, Delivered, Delivery,
    FINDINGS_CLEARED_MAX, Intent, Observe, Replay, Report, Resolve, SEQUENCES_MAX, StepError,
    TRANSITIONS_MAX, VersionKey, Versions, advance, decide, needs, receipt,
};
pub use conflict::{Conflict, ConflictStatus, Resolved, Side};
pub use lifecycle::{Lifecycle, Phase};
pub use manifest::Manifest;
pub use onair_wire::{merge, pointer};
pub use production::{Broken, Document, Documents, Due, Image, ImageError, Production, Progress};
pub use refusal::Refusal;
pub use settings::Settings;
