//! Bodies whose types live in crates that know no OpenAPI: described here, read there.

#![expect(dead_code, reason = "only described here")]

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::ToSchema;

/// One wish to change one document.
#[derive(ToSchema)]
#[serde(tag = "op", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Mutation {
    /// That it be this.
    Put {
        /// Where.
        #[schema(pattern = "^[A-Za-z0-9.~-][A-Za-z0-9._~-]{0,127}$", example = "layers")]
        collection: String,
        /// Which.
        #[schema(pattern = "^[A-Za-z0-9._~-]{1,128}$", example = "logo")]
        document: String,
        /// What it is to be.
        value: Value,
        /// The production's revision at which the caller saw it: when it has changed since, the edit is merged.
        base: Option<u64>,
        /// The document's revision without which nothing is done; 0: there must be none.
        #[serde(rename = "ifRevision")]
        if_revision: Option<u64>,
    },
    /// That this JSON Merge Patch (RFC 7396) be applied.
    Patch {
        /// Where.
        #[schema(pattern = "^[A-Za-z0-9.~-][A-Za-z0-9._~-]{0,127}$", example = "layers")]
        collection: String,
        /// Which.
        #[schema(pattern = "^[A-Za-z0-9._~-]{1,128}$", example = "logo")]
        document: String,
        /// The patch.
        patch: Value,
        /// The production's revision at which the caller saw it: when it has changed since, the edit is merged.
        base: Option<u64>,
        /// The document's revision without which nothing is done.
        #[serde(rename = "ifRevision")]
        if_revision: Option<u64>,
    },
    /// That it be gone.
    Delete {
        /// Where.
        #[schema(pattern = "^[A-Za-z0-9.~-][A-Za-z0-9._~-]{0,127}$", example = "layers")]
        collection: String,
        /// Which.
        #[schema(pattern = "^[A-Za-z0-9._~-]{1,128}$", example = "logo")]
        document: String,
        /// The production's revision at which the caller saw it: when it has changed since, the edit is merged.
        base: Option<u64>,
        /// The document's revision without which nothing is done.
        #[serde(rename = "ifRevision")]
        if_revision: Option<u64>,
    },
    /// That the deleted one be back, or an earlier version.
    Restore {
        /// Where.
        #[schema(pattern = "^[A-Za-z0-9.~-][A-Za-z0-9._~-]{0,127}$", example = "layers")]
        collection: String,
        /// Which.
        #[schema(pattern = "^[A-Za-z0-9._~-]{1,128}$", example = "logo")]
        document: String,
        /// Whose version; nothing: the one that was deleted.
        revision: Option<u64>,
        /// The document's revision without which nothing is done.
        #[serde(rename = "ifRevision")]
        if_revision: Option<u64>,
    },
}

/// What a production is made of; what is left out is the default.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Manifest {
    /// What carries the show.
    #[schema(required = false)]
    services: Vec<Service>,
    /// The order of a start, by name.
    #[schema(required = false)]
    start: Vec<String>,
    /// What a start needs besides: a service in some state, or a collection with content.
    #[schema(required = false)]
    requires: Vec<Value>,
    /// Collections with rules of their own; others are free.
    #[schema(required = false)]
    collections: BTreeMap<String, CollectionRules>,
    /// Settings to begin with.
    #[schema(required = false)]
    settings: SettingsPatch,
    /// Who is told.
    #[schema(required = false)]
    backends: Vec<Backend>,
    /// What findings are for.
    #[schema(required = false)]
    validation: Validation,
}

/// What findings are for.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Validation {
    /// While a finding stands that is at least so bad no show is started, unless somebody breaks the glass.
    #[schema(pattern = "^(error|warning|info)$")]
    block_start: Option<String>,
}

/// A service.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct Service {
    /// Its name.
    #[schema(pattern = "^[A-Za-z0-9._~-]{1,128}$", example = "host")]
    name: String,
    /// How it is reached: an object with a `type`, one of `builtin`, `agent`, `http`, `process`, `obs`, `ffmpeg`.
    #[schema(required = false, value_type = Object)]
    adapter: Value,
    /// Whether a start requires it.
    #[schema(required = false)]
    required: bool,
    /// The services that are ready before it is asked to be.
    #[schema(required = false)]
    after: Vec<String>,
}

/// What holds for the documents of a collection.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct CollectionRules {
    /// A JSON Schema.
    #[schema(required = false)]
    schema: Value,
    /// Merge strategies by JSON pointer: `server`, `local`, `newest`, `later`, `union`, `recurse`, `manual`.
    #[schema(required = false)]
    merge: BTreeMap<String, String>,
    /// How much is kept.
    #[schema(required = false)]
    keep: Keep,
}

/// How much of a collection is kept.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct Keep {
    /// Versions of a document that its history shows.
    #[schema(minimum = 1)]
    versions: Option<u64>,
    /// Documents; the oldest is deleted for a new one.
    #[schema(minimum = 1)]
    documents: Option<u64>,
}

/// A backend. Its secrets are references: `env:NAME`.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct Backend {
    /// Its name.
    #[schema(pattern = "^[A-Za-z0-9._~-]{1,128}$")]
    name: String,
    /// `webhook` or `convex`.
    #[schema(pattern = "^(webhook|convex)$")]
    r#type: String,
    /// Where.
    #[schema(pattern = "^https?://")]
    url: String,
    /// Signs webhooks.
    #[schema(pattern = "^env:[A-Za-z0-9_]+$")]
    secret: Option<String>,
    /// Opens Convex.
    #[schema(pattern = "^env:[A-Za-z0-9_]+$")]
    key: Option<String>,
    /// The mutation that Convex is told by: `dir/file:function`. Only for `convex`.
    #[schema(pattern = "^[A-Za-z0-9_]+(/[A-Za-z0-9_]+)*:[A-Za-z0-9_]+$", max_length = 256)]
    function: Option<String>,
}

macro_rules! settings {
    ($($(#[$doc:meta])* $name:ident: $type:ty,)*) => {
        /// What an operator can change at run time. Durations are milliseconds.
        #[derive(ToSchema)]
        #[serde(rename_all = "camelCase")]
        pub(crate) struct Settings {
            $($(#[$doc])* $name: $type,)*
        }

        /// The settings that are to change.
        #[derive(ToSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub(crate) struct SettingsPatch {
            $($(#[$doc])* #[schema(required = false)] $name: $type,)*
        }
    };
}

settings! {
    /// How long `initialize` may take, per attempt.
    #[schema(minimum = 1, maximum = 3_600_000)]
    initialization_timeout: u64,
    /// How long `start` may take.
    #[schema(minimum = 1, maximum = 3_600_000)]
    startup_timeout: u64,
    /// How long `stop` may take.
    #[schema(minimum = 1, maximum = 3_600_000)]
    shutdown_timeout: u64,
    /// How long a service may be away before that counts.
    #[schema(minimum = 1, maximum = 3_600_000)]
    health_timeout: u64,
    /// How often something is tried again.
    #[schema(minimum = 0, maximum = 100)]
    max_retries: u32,
    /// How long before the first retry.
    #[schema(minimum = 1, maximum = 3_600_000)]
    retry_delay: u64,
    /// By how much each further delay is longer.
    #[schema(minimum = 1, maximum = 10)]
    backoff_multiplier: f64,
    /// Whether failures recover by themselves.
    auto_recovery: bool,
    /// Whether backends are told.
    backend_sync: bool,
    /// Whether the validation agent runs.
    state_validation: bool,
    /// Whether more is logged.
    verbose: bool,
}

/// The figures of a stream.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct StreamFigures {
    /// Frames per second.
    #[schema(minimum = 0)]
    fps: Option<f64>,
    /// Frames per second wanted.
    #[schema(minimum = 0)]
    #[serde(rename = "targetFPS")]
    target_fps: Option<f64>,
    /// Frames since the start.
    frame_count: Option<u64>,
    /// Frames that were not shown.
    dropped_frames: Option<u64>,
    /// Milliseconds.
    #[schema(minimum = 0)]
    average_render_time: Option<f64>,
}

/// Whether an action is allowed now.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Can {
    /// Whether it is.
    allowed: bool,
    /// Why not.
    #[schema(value_type = String, required = false)]
    reason: String,
    /// What is missing: names of services and collections.
    #[schema(required = false)]
    missing_dependencies: Vec<String>,
    /// The sequence that is under way for the same, and would be joined.
    #[schema(value_type = String, required = false)]
    sequence: String,
    /// The findings that are in the way, by their codes.
    #[schema(required = false)]
    findings: Vec<String>,
}

/// Whether a phase can be reached.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Validity {
    /// Whether it can.
    valid: bool,
    /// Why not.
    #[schema(required = true)]
    reason: Option<String>,
    /// What is missing: names of services and collections.
    missing_dependencies: Vec<String>,
    /// The findings that are in the way, by their codes.
    #[schema(required = false)]
    findings: Vec<String>,
}

/// What an action would do.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Plan {
    /// Whether it is allowed now.
    allowed: bool,
    /// Why not.
    #[schema(value_type = String, required = false)]
    reason: String,
    /// What would be done.
    steps: Vec<PlannedStep>,
    /// What is missing: names of services and collections.
    missing_dependencies: Vec<String>,
    /// The findings that are in the way, by their codes.
    #[schema(required = false)]
    findings: Vec<String>,
    /// The steps that could not be undone.
    irreversible: Vec<String>,
}

/// A step that would be done.
#[derive(ToSchema)]
struct PlannedStep {
    /// Its name.
    name: String,
    /// How long it may take, in milliseconds.
    deadline: u64,
    /// The step that would undo it.
    #[schema(required = true)]
    compensation: Option<String>,
    /// The steps that end before it begins.
    after: Vec<String>,
    /// Whether the rest goes on without it.
    optional: bool,
    /// Whether there is nothing to do in it: nobody is to be told.
    skipped: bool,
}
