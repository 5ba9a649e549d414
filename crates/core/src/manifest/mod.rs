//! What a production is made of: services, collections, settings, backends. Contract, section 2.
//!
//! A manifest is checked as a whole when it arrives, and kept as the document `_system/manifest`, defaults
//! filled in. The error names the place.

mod check;

use std::collections::BTreeMap;

use onair_wire::{Collection, json, json::JsonError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use check::{backends, below, complete, invalid, services};

use crate::{merge::Strategies, rules::Severity, schema::Schema, settings::Settings};

/// The most services, backends or collections one manifest may name: a show has a dozen of each.
pub const NAMES_MAX: usize = 256;
/// The collections every production has.
pub const COLLECTIONS: [&str; 6] = ["feed", "scenes", "layers", "interactions", "chat", "notifications"];
/// The services a production has that says nothing else (row S1), in the order of a start.
pub const SERVICES: [&str; 4] = ["livefeed", "session", "host", "producer"];

/// A manifest as it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Written {
    /// What carries the show.
    pub services: Vec<Service>,
    /// The order of a start, by name.
    pub start: Vec<String>,
    /// What a start needs besides.
    pub requires: Vec<Requirement>,
    /// Collections with rules of their own; others are free.
    pub collections: BTreeMap<Collection, CollectionRules>,
    /// Settings to begin with.
    pub settings: Map<String, Value>,
    /// Who is told.
    pub backends: Vec<Backend>,
    /// What the findings of the validation agent are for.
    #[serde(skip_serializing_if = "Validation::is_default")]
    pub validation: Validation,
}

/// What findings are for (row A3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Validation {
    /// While a finding stands that is at least so bad no show is started, unless somebody breaks the glass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block_start: Option<Severity>,
}

impl Validation {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// How it is reached.
    #[serde(default = "builtin")]
    pub adapter: Value,
    /// Whether a start requires it.
    #[serde(default = "yes")]
    pub required: bool,
    /// Services that are initialized before it, and started before it where both are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
}

/// What a start needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Requirement {
    /// A service in some state.
    #[serde(rename_all = "camelCase")]
    Service {
        /// Its name.
        service: String,
        /// The state: `initialized`.
        is: ServiceIs,
    },
    /// A collection with content.
    #[serde(rename_all = "camelCase")]
    Content {
        /// Its name.
        collection: Collection,
        /// Documents.
        at_least: u64,
    },
}

/// What a service can be required to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceIs {
    /// Ready or active.
    Initialized,
    /// On.
    Active,
}

/// What holds for the documents of a collection.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CollectionRules {
    /// A JSON Schema.
    pub schema: Option<Value>,
    /// Merge strategies by JSON pointer (row K1).
    pub merge: BTreeMap<String, String>,
    /// How much is kept.
    pub keep: Keep,
}

/// How much of a collection is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Keep {
    /// Versions of a document that its history shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub versions: Option<u64>,
    /// Documents; the oldest is deleted for a new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub documents: Option<u64>,
}

/// A backend, told through the outbox. Its secrets are references: `env:NAME`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Backend {
    /// Its name.
    pub name: String,
    /// `webhook` or `convex`.
    #[serde(rename = "type")]
    pub kind: BackendKind,
    /// Where.
    pub url: String,
    /// Signs webhooks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Opens Convex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The mutation that Convex is told by, instead of [`FUNCTION`]: `dir/file:function`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
}

/// The mutation that Convex is told by unless a manifest says another (row B1).
pub const FUNCTION: &str = "users/sessions:updateBroadcastState";
/// The longest path of a mutation, in characters: longer than any folder that somebody keeps functions in.
const FUNCTION_LENGTH_MAX: usize = 256;

/// The kinds of backends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BackendKind {
    /// Row B2.
    Webhook,
    /// Row B1.
    Convex,
}

fn builtin() -> Value {
    serde_json::json!({ "type": "builtin" })
}

const fn yes() -> bool {
    true
}

impl BackendKind {
    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Convex => "convex",
        }
    }
}

impl Default for Written {
    fn default() -> Self {
        let service =
            |name: &str| Service { name: name.into(), adapter: builtin(), required: true, after: Vec::new() };
        let feed = Collection::new("feed").expect("a collection's name");
        Self {
            services: SERVICES.map(service).into(),
            start: SERVICES.map(String::from).into(),
            requires: vec![
                Requirement::Service { service: "host".into(), is: ServiceIs::Initialized },
                Requirement::Content { collection: feed, at_least: 1 },
            ],
            collections: BTreeMap::new(),
            settings: Map::new(),
            backends: Vec::new(),
            validation: Validation::default(),
        }
    }
}

/// The rules of one collection, ready for use.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// What its documents must be.
    pub schema: Option<Schema>,
    /// How late edits are merged.
    pub merge: Strategies,
    /// How much is kept.
    pub keep: Keep,
}

/// A manifest that was checked.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// As it is kept.
    pub written: Written,
    /// Settings to begin with.
    pub settings: Settings,
    rules: BTreeMap<Collection, Rules>,
}

impl Manifest {
    /// Reads and checks a manifest; `null` is the default one.
    ///
    /// # Errors
    /// The first place that is wrong.
    pub fn new(value: Value) -> Result<Self, JsonError> {
        let mut written: Written =
            if value.is_null() { Written::default() } else { json::from_value(complete(value))? };
        for name in COLLECTIONS {
            let rules =
                written.collections.entry(Collection::new(name).expect("a collection's name")).or_default();
            if name == "chat" && *rules == CollectionRules::default() {
                rules.keep.documents = Some(1_000);
            }
        }
        let settings =
            Settings::default().patched(&written.settings).map_err(|error| below("/settings", error))?;
        services(&written)?;
        backends(&written.backends)?;
        let rules = compile(&written.collections)?;
        Ok(Self { written, settings, rules })
    }

    /// A service that is declared.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.written.services.iter().find(|service| service.name == name)
    }

    /// The rules of a collection; one that the manifest does not name is free.
    #[must_use]
    pub fn rules(&self, collection: &Collection) -> Option<&Rules> {
        self.rules.get(collection)
    }

    /// The collections that have rules.
    pub fn collections(&self) -> impl Iterator<Item = (&Collection, &Rules)> {
        self.rules.iter()
    }

    /// The document's value.
    #[must_use]
    pub fn to_value(&self) -> Value {
        serde_json::to_value(&self.written).expect("a manifest is plain data")
    }
}

fn compile(
    collections: &BTreeMap<Collection, CollectionRules>,
) -> Result<BTreeMap<Collection, Rules>, JsonError> {
    if collections.len() > NAMES_MAX {
        return Err(invalid("/collections", format!("more than {NAMES_MAX} collections")));
    }
    let mut compiled = BTreeMap::new();
    for (collection, rules) in collections {
        let place = format!("/collections/{}", json::escape(collection.as_str()));
        if collection.is_server() {
            return Err(invalid(place, "a collection of an application does not begin with `_`"));
        }
        let schema = match &rules.schema {
            None | Some(Value::Null) => None,
            Some(schema) => {
                Some(Schema::new(schema).map_err(|detail| invalid(format!("{place}/schema"), detail))?)
            }
        };
        let merge = Strategies::parse(&rules.merge)
            .map_err(|error| invalid(format!("{place}/merge"), error.to_string()))?;
        if rules.keep.documents == Some(0) || rules.keep.versions == Some(0) {
            return Err(invalid(format!("{place}/keep"), "at least one is kept"));
        }
        compiled.insert(collection.clone(), Rules { schema, merge, keep: rules.keep });
    }
    Ok(compiled)
}
