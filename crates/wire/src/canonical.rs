//! RFC 8785: the one text of a value, for digests.

use serde::Serialize;
use serde_json::Value;

/// From here on a number has an exponent in one of the two forms, and an integer may not be told from its neighbour.
const PLAIN_MAX: f64 = 1e15;
/// A fraction of less than this has an exponent in one of them too.
const PLAIN_MIN: f64 = 1e-5;
/// Room for the text of a usual document.
const USUAL_BYTES: usize = 512;

/// The RFC 8785 form of a value.
///
/// # Panics
/// For a value that JSON cannot say (a map with keys that are no strings): our bug.
#[must_use]
pub fn canonical(value: &impl Serialize) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(value).expect("strings as keys and finite numbers have a canonical form")
}

/// The RFC 8785 form of an array, `value` being the only one of its elements that may have another than the ordinary
/// form: a tenth of what a commit costs, if it is not said beforehand.
pub(crate) fn canonical_around(array: &impl Serialize, value: &Value) -> Vec<u8> {
    if !is_plain(value) {
        return canonical(array);
    }
    let mut text = Vec::with_capacity(USUAL_BYTES);
    serde_json::to_writer(&mut text, array).expect("strings as keys and finite numbers are JSON");
    text
}

/// Whether the ordinary form of a value is its RFC 8785 form, as it nearly always is: names are ASCII, so that their bytes
/// order them as UTF-16 does, and numbers are integers or have a fraction and no exponent. Text looks the same in both.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => true,
        Value::Number(number) => number.as_f64().is_some_and(|float| {
            let (size, whole) = (float.abs(), float.fract() == 0.0);
            size < PLAIN_MAX && (if number.is_f64() { !whole && size >= PLAIN_MIN } else { whole })
        }),
        Value::Array(elements) => elements.iter().all(is_plain),
        Value::Object(members) => members.iter().all(|(name, value)| name.is_ascii() && is_plain(value)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_str, json, to_vec};

    use super::*;

    #[test]
    fn y6_what_is_plain_is_written_as_rfc_8785_writes_it() {
        let texts = [
            r#"{"b":1,"a":[true,null,-7,999999999999999],"":{"\u0000\u001f\"\\/\b\f\n\r\t\u007f":"é\u2028😀\uffff"}}"#,
            r#"[0.5,-0.00001,0.1234567890123,99999999999999.9,123456.789e1,1e-5]"#,
        ];
        for text in texts {
            let value = from_str(text).unwrap();
            assert!(is_plain(&value), "{text}");
            assert_eq!(String::from_utf8(to_vec(&value).unwrap()), String::from_utf8(canonical(&value)));
        }
    }

    #[test]
    fn y6_what_is_not_plain_is_told_from_what_is() {
        let texts = [
            "1.0",
            "-0.0",
            "1e15",
            "1000000000000000",
            "18446744073709551615",
            "1e-6",
            "[{\"é\":1}]",
            "1e300",
        ];
        for text in texts {
            assert!(!is_plain(&from_str(text).unwrap()), "{text}");
        }
    }

    #[test]
    fn y6_a_million_floats_look_alike_wherever_they_are_plain() {
        let mut bits: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut plain = 0;
        for _ in 0..1_000_000 {
            bits = bits.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            // Exponents around one, where layouts and opacities are.
            let float = f64::from_bits((bits >> 12) | ((1023 - 20 + (bits & 63)) << 52));
            let value = json!([float, -float]);
            if is_plain(&value) {
                plain += 1;
                assert_eq!(to_vec(&value).unwrap(), canonical(&value), "{float:e}");
            }
        }
        assert!(plain > 500_000, "{plain} were");
    }
}
