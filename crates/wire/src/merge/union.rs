//! Two edits of one array, united as sets: nobody's addition and nobody's removal is lost (row K1).
//!
//! The order is the server's, then that of the local additions. What a side took out of the base stays out;
//! an element that both added, or that stood there twice, is there once. A mere change of order is not kept,
//! which is why the clash is recorded all the same.

use std::{cmp::Ordering, collections::BTreeSet};

use serde_json::Value;

use super::equal::compare;

/// The three-way union of `local` and `server`, both made from `base`.
pub(super) fn union(base: &[Value], local: &[Value], server: &[Value]) -> Vec<Value> {
    let (was, stays) = (set(base), set(local));
    let kept = server.iter().map(Element).filter(|e| !was.contains(e) || stays.contains(e));
    let added = local.iter().map(Element).filter(|e| !was.contains(e));
    let mut taken = BTreeSet::new();
    kept.chain(added).filter(|e| taken.insert(*e)).map(|e| e.0.clone()).collect()
}

fn set(elements: &[Value]) -> BTreeSet<Element<'_>> {
    elements.iter().map(Element).collect()
}

/// A value that can be a member of a set.
#[derive(Clone, Copy)]
struct Element<'v>(&'v Value);

impl Ord for Element<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(self.0, other.0)
    }
}

impl PartialOrd for Element<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Element<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Element<'_> {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn k1_arrays_are_united_without_duplicates() {
        #[rustfmt::skip]
        let table = [ // base, local, server, union
            (json!([]),        json!([1]),           json!([2]),          json!([2, 1])),
            (json!([1]),       json!([1, 2]),        json!([1, 3]),       json!([1, 3, 2])),
            (json!([1]),       json!([1, 2]),        json!([1, 2, 3]),    json!([1, 2, 3])),
            (json!([1, 2]),    json!([1]),           json!([1, 2, 3]),    json!([1, 3])),
            (json!([1, 2]),    json!([1, 2, 3]),     json!([2]),          json!([2, 3])),
            (json!([1, 2, 3]), json!([1, 2]),        json!([2, 3]),       json!([2])),
            (json!([1, 2]),    json!([]),            json!([2, 1]),       json!([])),
            (json!([1, 2, 3]), json!([3, 2, 1]),     json!([2, 1, 3]),    json!([2, 1, 3])),
            (json!([1, 1]),    json!([1, 1, 2, 2]),  json!([1, 1, 3, 3]), json!([1, 3, 2])),
            (json!([]),        json!([1, "1", [1]]), json!([1.0]),        json!([1.0, "1", [1]])),
            (json!([{"a":1}]), json!([{"a":1.0},4]), json!([{"a":1},5]),  json!([{"a":1}, 5, 4])),
            (json!([1]),       json!([2, 1]),        json!([]),           json!([2])),
        ];
        for (base, local, server, united) in table {
            let [b, l, s] = [&base, &local, &server].map(|v| v.as_array().expect("an array"));
            assert_eq!(Value::from(union(b, l, s)), united, "base {base}, local {local}, server {server}");
        }
    }

    /// Element by element against each other this would be several hundred million comparisons.
    #[test]
    fn long_arrays_are_united_in_good_time() {
        let numbers = |range: std::ops::Range<u64>| range.map(Value::from).collect::<Vec<_>>();
        let united = union(&numbers(0..30_000), &numbers(10_000..50_000), &numbers(0..40_000));
        assert_eq!(united, numbers(10_000..50_000));
    }
}
