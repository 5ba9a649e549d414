//! Signatures of what is sent: HMAC-SHA256 (RFC 2104, FIPS 180-4).

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The code of these parts, with a dot between each.
pub(crate) fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of HMAC has any length");
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            mac.update(b".");
        }
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// As lower case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test cases 2 and 6.
    #[test]
    fn s2_signatures_are_those_of_the_standard() {
        let table: [(&[u8], &[u8], &str); 2] = [
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ];
        for (key, text, expected) in table {
            assert_eq!(hex(&hmac_sha256(key, &[text])), expected);
        }
        assert_eq!(hmac_sha256(b"k", &[b"a", b"b"]), hmac_sha256(b"k", &[b"a.b"]));
    }
}
