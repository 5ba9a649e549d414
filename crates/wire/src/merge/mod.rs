//! Merging a late edit: field by field against the version that it was made from (rows K1 and K2).
//!
//! Three documents come in: the base, the local edit of it, and what the server has made of it since. What
//! only one side changed is taken from that side, so two people who edit different fields never meet. Where
//! both changed the same field differently, a strategy decides: the one the collection set for exactly this
//! pointer, or else the usual one for such values (`Walk::usual`). Nothing is decided silently: every such
//! field is a [`Clash`], decided or open, and in an open one the server's value stands until somebody chooses.
//!
//! Clashes come in the order of the document, members by the code points of their names. What this leaves
//! out: who edited and when, which the conflict record adds, and the limits of documents, which are checked
//! where they are parsed.

pub mod equal;
mod strategy;
mod union;

#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, fmt};

use serde_json::{Map, Value};

pub use strategy::{Strategies, StrategiesError, Strategy, UnknownStrategy};

use crate::{
    Timestamp,
    json::DEPTH_MAX,
    planted::{Bug, planted},
    pointer,
};

/// A field that both sides changed differently.
#[derive(Clone, Debug, PartialEq)]
pub struct Clash {
    /// Where: a JSON pointer, `""` for the whole document.
    pub path: String,
    /// What both started from; `None` when there was nothing.
    pub base: Option<Value>,
    /// What the late edit made of it; `None` when it took it away.
    pub local: Option<Value>,
    /// What the server has; `None` when it was taken away there.
    pub server: Option<Value>,
    /// Who decides, or what has decided.
    pub resolution: Resolution,
}

/// What became of a [`Clash`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// A strategy, the collection's own or the usual one, has decided.
    Auto(Strategy),
    /// The server's value stands until somebody chooses.
    Open,
}

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto(strategy) => strategy.fmt(f),
            Self::Open => f.write_str("open"),
        }
    }
}

/// What a merge makes.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    /// The document; `None` when it is deleted.
    pub value: Option<Value>,
    /// The fields that both sides changed differently.
    pub clashes: Vec<Clash>,
}

/// Merges the edit `local` of `base` into `server`; `None` is a document that does not exist.
///
/// The same documents give the same answer, and merging again what was merged changes nothing. Objects deeper
/// than [`DEPTH_MAX`] are merged as one value: no parser lets such a document in, but somebody's resolution of a
/// conflict can put a deep value into a deep place.
#[must_use]
pub fn merge(
    base: Option<&Value>,
    local: Option<&Value>,
    server: Option<&Value>,
    strategies: &Strategies,
) -> Merged {
    let mut walk = Walk { strategies, path: String::new(), depth: 0, clashes: Vec::new() };
    let value = walk.field(Sides { base, local, server });
    Merged { value, clashes: walk.clashes }
}

/// One field on the three sides.
#[derive(Clone, Copy)]
struct Sides<'v> {
    base: Option<&'v Value>,
    local: Option<&'v Value>,
    server: Option<&'v Value>,
}

/// The way through the three documents: where it is and what it met.
struct Walk<'s> {
    strategies: &'s Strategies,
    path: String,
    depth: usize,
    clashes: Vec<Clash>,
}

impl Walk<'_> {
    fn field(&mut self, sides: Sides<'_>) -> Option<Value> {
        let Sides { base, local, server } = sides;
        if same(local, server) || same(local, base) {
            server.cloned()
        } else if same(server, base) {
            local.cloned()
        } else {
            self.changed_by_both(sides)
        }
    }

    fn changed_by_both(&mut self, sides: Sides<'_>) -> Option<Value> {
        let strategy = self.strategies.get(&self.path).unwrap_or_else(|| self.usual(sides));
        if strategy == Strategy::Recurse
            && self.depth < DEPTH_MAX
            && let (Some(Value::Object(local)), Some(Value::Object(server))) = (sides.local, sides.server)
        {
            return Some(self.members(sides.base.and_then(Value::as_object), local, server));
        }
        match settle(strategy, sides) {
            Some(value) => {
                self.record(sides, Resolution::Auto(strategy));
                value
            }
            None => {
                self.record(sides, Resolution::Open);
                sides.server.cloned()
            }
        }
    }

    /// What row K1 says where the collection says nothing.
    fn usual(&self, sides: Sides<'_>) -> Strategy {
        match (sides.local, sides.server) {
            (Some(Value::Array(_)), Some(Value::Array(_))) => Strategy::Union,
            (Some(Value::Object(_)), Some(Value::Object(_))) => Strategy::Recurse,
            (Some(local), Some(server)) if later(local, server).is_some() => Strategy::Later,
            // A slash within a name is written `~1`, so this is the last name and nothing else.
            _ if self.path.ends_with("/status") => Strategy::Newest,
            _ => Strategy::Manual,
        }
    }

    fn members(
        &mut self,
        base: Option<&Map<String, Value>>,
        local: &Map<String, Value>,
        server: &Map<String, Value>,
    ) -> Value {
        let mut names: BTreeSet<&String> = local.keys().chain(server.keys()).collect();
        if planted(Bug::MergeLosesField) {
            names.retain(|name| local.contains_key(*name));
        }
        let mut merged = Map::new();
        for name in names {
            let parent = self.path.len();
            pointer::push(&mut self.path, name);
            self.depth += 1;
            let base = base.and_then(|base| base.get(name));
            if let Some(value) = self.field(Sides { base, local: local.get(name), server: server.get(name) })
            {
                merged.insert(name.clone(), value);
            }
            self.depth -= 1;
            self.path.truncate(parent);
        }
        merged.into()
    }

    fn record(&mut self, sides: Sides<'_>, resolution: Resolution) {
        self.clashes.push(Clash {
            path: self.path.clone(),
            base: sides.base.cloned(),
            local: sides.local.cloned(),
            server: sides.server.cloned(),
            resolution,
        });
    }
}

/// The field as `strategy` has it; `None` when it does not fit these values or leaves the choice to somebody.
fn settle(strategy: Strategy, sides: Sides<'_>) -> Option<Option<Value>> {
    let Sides { base, local, server } = sides;
    match (strategy, local, server) {
        (Strategy::Server, ..) | (Strategy::Newest, None | Some(Value::Null), _) => Some(server.cloned()),
        (Strategy::Local | Strategy::Newest, ..) => Some(local.cloned()),
        (Strategy::Later, Some(local), Some(server)) => Some(Some(later(local, server)?.clone())),
        (Strategy::Union, Some(Value::Array(local)), Some(Value::Array(server))) => {
            let base = base.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            Some(Some(union::union(base, local, server).into()))
        }
        (Strategy::Later | Strategy::Union | Strategy::Recurse | Strategy::Manual, ..) => None,
    }
}

/// The later of two times; `None` when one of them is not a time.
fn later<'v>(local: &'v Value, server: &'v Value) -> Option<&'v Value> {
    let time = |value: &Value| value.as_str()?.parse::<Timestamp>().ok();
    Some(if time(local)? > time(server)? { local } else { server })
}

fn same(a: Option<&Value>, b: Option<&Value>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => equal::equal(a, b),
        (None, None) => true,
        _ => false,
    }
}
