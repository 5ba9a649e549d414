//! When two JSON values are the same: as JSON means it, where `1` and `1.0` are one number.
//!
//! It is an order and not only an equality so that sets of values can be kept: uniting two arrays of 30 000
//! elements each must not take 900 million comparisons. Integers are compared exactly, also beyond 2^53,
//! because two that differ must never count as one change.

use std::cmp::Ordering;

use serde_json::{Number, Value};

/// Whether `a` and `b` are the same JSON value.
#[must_use]
pub fn equal(a: &Value, b: &Value) -> bool {
    compare(a, b) == Ordering::Equal
}

/// A total order of JSON values in which those are equal that [`equal`] says are.
#[must_use]
pub fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => numbers(a, b),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Array(a), Value::Array(b)) => {
            let elements = || a.iter().zip(b).map(|(a, b)| compare(a, b));
            a.len().cmp(&b.len()).then_with(|| first_difference(elements()))
        }
        (Value::Object(a), Value::Object(b)) => {
            let members = || a.iter().zip(b).map(|((k, a), (l, b))| k.cmp(l).then_with(|| compare(a, b)));
            a.len().cmp(&b.len()).then_with(|| first_difference(members()))
        }
        _ => kind(a).cmp(&kind(b)),
    }
}

fn first_difference(mut orders: impl Iterator<Item = Ordering>) -> Ordering {
    orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// By the nearest float, which rounds without changing the order, then exactly: floats that are equal to a
/// different integer's nearest float are whole, and whole ones of that size convert exactly.
#[expect(clippy::cast_possible_truncation, reason = "saturates only where both sides are the same float")]
fn numbers(a: &Number, b: &Number) -> Ordering {
    let float = |n: &Number| n.as_f64().expect("numbers without arbitrary precision have a nearest float");
    let whole = |n: &Number| n.as_i128().unwrap_or_else(|| float(n) as i128);
    let nearest = float(a).partial_cmp(&float(b)).expect("JSON has no NaN");
    nearest.then_with(|| whole(a).cmp(&whole(b)))
}

fn kind(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// From the least to the greatest; the values in one row are equal.
    fn ladder() -> Vec<Vec<Value>> {
        vec![
            vec![json!(null)],
            vec![json!(false)],
            vec![json!(true)],
            vec![json!(-1e300)],
            vec![json!(i64::MIN), json!(-9_223_372_036_854_775_808.0)],
            vec![json!(-1), json!(-1.0)],
            vec![json!(0), json!(0.0), json!(-0.0)],
            vec![json!(0.5)],
            vec![json!(1), json!(1.0)],
            vec![json!(9_007_199_254_740_992_u64), json!(9_007_199_254_740_992.0)],
            vec![json!(9_007_199_254_740_993_u64)],
            vec![json!(9_007_199_254_740_994_u64), json!(9_007_199_254_740_994.0)],
            vec![json!(u64::MAX)],
            vec![json!(18_446_744_073_709_551_616.0)],
            vec![json!(1e300)],
            vec![json!("")],
            vec![json!("1")],
            vec![json!("a")],
            vec![json!([])],
            vec![json!([1]), json!([1.0])],
            vec![json!([2])],
            vec![json!([1, 1])],
            vec![json!({})],
            vec![json!({ "a": 1 }), json!({ "a": 1.0 })],
            vec![json!({ "a": 2 })],
            vec![json!({ "b": 1 })],
            vec![json!({ "a": 1, "b": { "c": 1 } }), json!({ "b": { "c": 1.0 }, "a": 1.0 })],
        ]
    }

    #[test]
    fn values_stand_in_one_order() {
        let rungs: Vec<_> = ladder().into_iter().enumerate().collect();
        for (i, row) in &rungs {
            for (j, other) in &rungs {
                for (a, b) in row.iter().flat_map(|a| other.iter().map(move |b| (a, b))) {
                    assert_eq!(compare(a, b), i.cmp(j), "{a} and {b}");
                    assert_eq!(equal(a, b), i == j, "{a} and {b}");
                }
            }
        }
    }

    /// `compare` walks two objects side by side; with serde_json's `preserve_order`, which any crate of the
    /// build could turn on, equal objects would count as different.
    #[test]
    fn objects_are_kept_in_the_order_of_their_names() {
        let object: Value = serde_json::from_str(r#"{"b":1,"a":2,"é":3,"Z":4}"#).expect("JSON");
        let names: Vec<_> = object.as_object().expect("an object").keys().collect();
        assert_eq!(names, ["Z", "a", "b", "é"]);
    }
}
