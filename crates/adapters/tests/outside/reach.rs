//! Whom the server calls, and whom it does not (row X2).

use onair_adapters::Http;
use onair_runtime::adapter::{Adapter, Class};
use onair_wire::Millis;

use crate::{
    clock,
    double::{Double, Say},
    http::call,
    outbound,
};

const PATIENT: Millis = Millis(20_000);

/// A name that resolves to loopback stands for every name that does: of the machine, or of somebody else's DNS.
#[tokio::test]
async fn x2_a_name_at_loopback_is_refused_unless_allowed() {
    let double = Double::answering(200, "").await;
    let port = double.address.port();
    let here = double.address.to_string();
    let table: [(&str, &str, bool); 8] = [
        ("https", "1.1.1.1", false),
        ("https", "127.0.0.1:1", false),
        ("http", "10.0.0.0/8", false),
        ("http", "other.internal", false),
        ("http", &here, true),
        ("http", "127.0.0.1", true),
        ("http", "127.0.0.0/8", true),
        ("http", "localhost", true),
    ];
    for (scheme, allow, reached) in table {
        // Not every machine knows the name with the dot at its end; those that do must not be led astray by it.
        for host in ["localhost", "localhost."] {
            let before = double.heard().len();
            let adapter = Http::new(outbound(&[allow]), clock());
            let answer = adapter.call(call(&format!("{scheme}://{host}:{port}/"), PATIENT)).await;
            let calls = double.heard().len() - before;
            match answer {
                Ok(_) => assert!(reached && calls == 1, "{scheme} {host} {allow}"),
                Err(error) if host == "localhost" => {
                    assert!(!reached && calls == 0, "{scheme} {host} {allow}: {error}");
                    assert_eq!(
                        (error.class, error.retryable, error.unknown),
                        (Class::Permission, false, false)
                    );
                    assert!(error.message.contains("outbound.allow"), "{error}");
                }
                Err(error) => {
                    assert_eq!((calls, error.unknown), (0, false), "{scheme} {host} {allow}: {error}")
                }
            }
        }
    }
}

/// A name that is allowed at one port says nothing about another: each port has a resolver of its own.
#[tokio::test]
async fn x2_a_port_that_is_allowed_opens_no_other() {
    let (one, other) = (Double::answering(200, "").await, Double::answering(200, "").await);
    let adapter = Http::new(outbound(&[&one.address.to_string(), "127.0.0.2"]), clock());
    let at = |double: &Double| call(&format!("http://localhost:{}/", double.address.port()), PATIENT);
    assert!(adapter.call(at(&one)).await.is_ok());
    let error = adapter.call(at(&other)).await.expect_err("not allowed");
    assert_eq!((error.class, other.heard().len()), (Class::Permission, 0), "{error}");
    assert!(adapter.call(at(&one)).await.is_ok());
}

#[tokio::test]
async fn x2_a_redirection_is_not_followed() {
    let inside = Double::answering(200, "").await;
    let outside = Double::saying(Say::Elsewhere(inside.url())).await;
    let adapter = Http::new(outbound(&["127.0.0.1"]), clock());
    let error = adapter.call(call(&outside.url(), PATIENT)).await.expect_err("a redirection");
    assert_eq!((error.class, error.retryable), (Class::Validation, false));
    assert!(error.message.contains("answered 307: redirections are not followed"), "{error}");
    assert_eq!((outside.heard().len(), inside.heard().len()), (1, 0));
}

#[tokio::test]
async fn x2_https_is_never_spoken_without_tls() {
    let double = Double::answering(200, "").await;
    let adapter = Http::new(outbound(&["127.0.0.1"]), clock());
    let url = double.url().replace("http:", "https:");
    let error = adapter.call(call(&url, PATIENT)).await.expect_err("no TLS there");
    assert_eq!((error.class, error.retryable, error.unknown), (Class::Network, true, false), "{error}");
    assert!(double.heard().is_empty());
}
