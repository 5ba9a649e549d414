//! What every merge must keep (rows K1 and K2), said path by path and not in the way that the merge goes.
//!
//! Numbers are made plain first (`1.0` becomes `1`), so that here `==` is the equality of JSON.

use std::{collections::BTreeSet, fmt};

use onair_core::{
    merge::{Clash, Merged, Resolution, Strategies, Strategy, merge},
    pointer,
};
use serde_json::{Map, Value};

/// What a merge is asked.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) base: Option<Value>,
    pub(crate) local: Option<Value>,
    pub(crate) server: Option<Value>,
    pub(crate) strategies: Strategies,
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { base, local, server, strategies } = self;
        let text = |side: &Option<Value>| side.as_ref().map_or("absent".into(), Value::to_string);
        let [base, local, server] = [base, local, server].map(text);
        let strategies: Vec<_> = strategies.iter().collect();
        write!(f, "base {base}\nlocal {local}\nserver {server}\nstrategies {strategies:?}")
    }
}

impl Question {
    fn answer(&self) -> Merged {
        merge(self.base.as_ref(), self.local.as_ref(), self.server.as_ref(), &self.strategies)
    }

    /// Other sides under the same strategies, base, local and server: they must give `value` without a clash.
    fn settles(&self, sides: [&Option<Value>; 3], value: &Option<Value>) {
        let [base, local, server] = sides.map(Option::as_ref);
        let merged = merge(base, local, server, &self.strategies);
        assert_eq!(
            plain(&merged.value),
            plain(value),
            "base {base:?} local {local:?} server {server:?}\n{self}"
        );
        assert_eq!(merged.clashes, [], "{self}");
    }
}

/// Asserts every law for one question.
pub(crate) fn check(question: &Question) {
    let Question { base, local, server, .. } = question;
    let merged = question.answer();
    assert_eq!(merged, question.answer(), "not deterministic:\n{question}");

    let value = &merged.value;
    question.settles([base, value, value], value);
    question.settles([server, value, server], value);
    question.settles([local, local, value], value);
    question.settles([base, local, base], local);
    question.settles([base, base, server], server);

    let clashes: BTreeSet<&str> = merged.clashes.iter().map(|clash| clash.path.as_str()).collect();
    assert_eq!(clashes.len(), merged.clashes.len(), "two clashes at one path:\n{question}");
    let sides = Sides::of(question, &merged);
    for path in sides.paths().iter().filter(|path| !covered(&clashes, path)) {
        changed_by_one(path, &sides, question);
    }
    for clash in &merged.clashes {
        changed_by_both(clash, &sides, question);
    }
}

/// The three documents and what became of them, with plain numbers.
struct Sides([Option<Value>; 4]);

impl Sides {
    fn of(question: &Question, merged: &Merged) -> Self {
        Self([&question.base, &question.local, &question.server, &merged.value].map(plain))
    }

    /// Base, local, server and merged at `path`.
    fn at(&self, path: &str) -> [Option<&Value>; 4] {
        self.0.each_ref().map(|side| side.as_ref().and_then(|value| pointer::get(value, path)))
    }

    /// Every place that any of them has, through objects only.
    fn paths(&self) -> BTreeSet<String> {
        let mut paths = BTreeSet::from([String::new()]);
        for side in self.0.iter().flatten() {
            collect(side, &mut String::new(), &mut paths);
        }
        paths
    }
}

fn collect(value: &Value, at: &mut String, paths: &mut BTreeSet<String>) {
    for (name, member) in value.as_object().into_iter().flatten() {
        let parent = at.len();
        pointer::push(at, name);
        paths.insert(at.clone());
        collect(member, at, paths);
        at.truncate(parent);
    }
}

/// Whether a clash is at `path` or above it.
fn covered(clashes: &BTreeSet<&str>, path: &str) -> bool {
    let mut ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
    ends.any(|end| clashes.contains(&path[..end]))
}

/// A place without a clash has what the one side that changed it has, or what nobody changed.
fn changed_by_one(path: &str, sides: &Sides, question: &Question) {
    let [base, local, server, merged] = sides.at(path);
    if local == base {
        assert_eq!(merged, server, "{path:?} was not changed locally:\n{question}");
    } else if server == base || local == server {
        assert_eq!(merged, local, "{path:?} was only changed locally, or alike:\n{question}");
    } else {
        let objects = [local, server, merged].iter().all(|side| side.is_some_and(Value::is_object));
        assert!(objects, "{path:?} was changed by both and nothing is said:\n{question}");
    }
}

/// A clash is a real one, tells the truth, and has been decided as it says.
fn changed_by_both(clash: &Clash, sides: &Sides, question: &Question) {
    let [base, local, server, merged] = sides.at(&clash.path);
    let place = format!("{:?} is {}:\n{question}", clash.path, clash.resolution);
    assert!(local != base && server != base && local != server, "{place}");
    let told = [&clash.base, &clash.local, &clash.server].map(plain);
    assert_eq!(told.each_ref().map(Option::as_ref), [base, local, server], "{place}");
    let asked = question.strategies.get(&clash.path);
    match clash.resolution {
        Resolution::Open => {
            let objects = [local, server].iter().all(|side| side.is_some_and(Value::is_object));
            assert!(!objects || asked.is_some_and(|asked| asked != Strategy::Recurse), "{place}");
            assert_eq!(merged, server, "{place}");
        }
        Resolution::Auto(strategy) => {
            assert!(asked.is_none_or(|asked| asked == strategy), "{place}");
            decided(strategy, [base, local, server, merged], &place);
        }
    }
}

fn decided(strategy: Strategy, sides: [Option<&Value>; 4], place: &str) {
    let [_, local, server, merged] = sides;
    match strategy {
        Strategy::Server => assert_eq!(merged, server, "{place}"),
        Strategy::Local => assert_eq!(merged, local, "{place}"),
        Strategy::Newest if local.is_none_or(Value::is_null) => assert_eq!(merged, server, "{place}"),
        Strategy::Newest => assert_eq!(merged, local, "{place}"),
        Strategy::Later => assert!(merged == local || merged == server, "{place}"),
        Strategy::Union => united(sides, place),
        Strategy::Recurse | Strategy::Manual => panic!("decides nothing itself: {place}"),
    }
}

/// In the union is what a side added or nobody removed, once.
fn united(sides: [Option<&Value>; 4], place: &str) {
    let elements = |side: Option<_>| side.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let [base, local, server, merged] = sides.map(elements);
    for element in base.iter().chain(local).chain(server).chain(merged) {
        let [was, here, there] = [base, local, server].map(|side| side.contains(element));
        let wanted = if was { here && there } else { here || there };
        let found = merged.iter().filter(|other| *other == element).count();
        assert_eq!(found, usize::from(wanted), "{element} in {place}");
    }
}

fn plain(side: &Option<Value>) -> Option<Value> {
    side.as_ref().map(plain_value)
}

fn plain_value(value: &Value) -> Value {
    match value {
        Value::Array(elements) => elements.iter().map(plain_value).collect(),
        Value::Object(members) => {
            let members = members.iter().map(|(name, member)| (name.clone(), plain_value(member)));
            members.collect::<Map<_, _>>().into()
        }
        // The only float of these tests; another one would have to be added here.
        Value::Number(number) if number.as_f64() == Some(1.0) => Value::from(1),
        other => other.clone(),
    }
}
