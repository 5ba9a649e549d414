//! What a status of failure means (row E1), and what a body says to people about it.

use onair_runtime::adapter::Class;
use serde_json::Value;

use crate::outbound::Secret;

/// The most of a body that a message repeats, in characters.
const EXCERPT_CHARS_MAX: usize = 200;

/// Of which kind the failure is, and whether another attempt may work.
pub(crate) const fn judged(status: u16) -> (Class, bool) {
    match status {
        401 | 403 | 407 => (Class::Permission, false),
        408 | 504 => (Class::Timeout, true),
        409 | 412 | 423 => (Class::Conflict, false),
        425 | 429 | 500..=599 => (Class::Server, true),
        _ => (Class::Validation, false),
    }
}

/// A sentence about an answer that is a failure.
pub(crate) fn sentence(status: u16, body: &[u8], secret: Option<&Secret>) -> String {
    let said = match status {
        300..=399 => "redirections are not followed, name the place itself".to_owned(),
        _ => excerpt(body, secret),
    };
    if said.is_empty() { format!("answered {status}") } else { format!("answered {status}: {said}") }
}

/// What a body says: its `detail` or its `message`, where it is an object that has one, or how it begins. Printable, and
/// without the secret, should it have been sent back.
pub(crate) fn excerpt(body: &[u8], secret: Option<&Secret>) -> String {
    let text = String::from_utf8_lossy(body);
    let told = serde_json::from_str::<Value>(&text).ok().and_then(|value| {
        let member = value.get("detail").or_else(|| value.get("message"))?;
        member.as_str().map(str::to_owned)
    });
    let text = told.unwrap_or_else(|| text.into_owned());
    let text = secret.map_or_else(|| text.clone(), |secret| secret.hidden_in(&text));
    printable(&text)
}

/// One line of a text, not too long.
pub(crate) fn printable(text: &str) -> String {
    let words: Vec<&str> = text.split(|c: char| c.is_whitespace() || c.is_control()).collect();
    let line: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    line.join(" ").chars().filter(|c| !is_direction(*c)).take(EXCERPT_CHARS_MAX).collect()
}

/// Characters that make a text look like another one.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbound::Secrets;

    #[test]
    fn e1_failures_are_said_in_a_line() {
        let secret = Secrets::new(|_| Some("hunter2".into())).get("env:A").expect("set");
        let table: [(u16, &[u8], &str); 8] = [
            (500, b"", "answered 500"),
            (422, br#"{"title":"a","detail":"no camera"}"#, "answered 422: no camera"),
            (400, br#"{"code":"BadJsonBody","message":"bad"}"#, "answered 400: bad"),
            (400, b"a\x1b[31m\r\n\tb\x00", "answered 400: a [31m b"),
            (403, b"you sent hunter2", "answered 403: you sent …"),
            (302, b"<html>", "answered 302: redirections are not followed, name the place itself"),
            (400, b"\xff", "answered 400: \u{fffd}"),
            (400, "a\u{202e}b".as_bytes(), "answered 400: ab"),
        ];
        for (status, body, expected) in table {
            assert_eq!(sentence(status, body, Some(&secret)), expected);
        }
        assert_eq!(excerpt(&[b'x'; 1_000], None).len(), EXCERPT_CHARS_MAX);
    }
}
