//! Which pages are listened to, by tables (B20, B21).

use axum::body::Body;
use http::{HeaderValue, Request, StatusCode, header};

use super::super::tests::{Bench, LOCAL, request};
use super::*;

fn with(mut request: Request<Body>, headers: &[(&'static str, &str)]) -> Request<Body> {
    for (name, value) in headers {
        request.headers_mut().append(*name, HeaderValue::from_str(value).expect("a header"));
    }
    request
}

#[tokio::test]
async fn x2_a_host_is_one_the_server_was_told() {
    let bench = Bench::new();
    let table: [(&str, &[&str], u16); 21] = [
        ("by name", &["localhost:4200"], 200),
        ("in upper case", &["LocalHost:4200"], 200),
        ("by IPv4", &["127.0.0.1:4200"], 200),
        ("by IPv6", &["[::1]:4200"], 200),
        ("configured, behind a proxy", &["studio.example"], 200),
        ("configured, with our port", &["studio.example:4200"], 200),
        ("configured with a port", &["other.example:8443"], 200),
        ("configured with another port", &["other.example:4200"], 403),
        ("configured, with a foreign port", &["studio.example:8080"], 403),
        ("rebinding", &["evil.com"], 403),
        ("rebinding with our port", &["evil.com:4200"], 403),
        ("a longer name", &["localhost.evil.com:4200"], 403),
        ("a name below", &["x.localhost:4200"], 403),
        ("with a dot", &["localhost.:4200"], 403),
        ("another port", &["localhost:4201"], 403),
        ("no port", &["localhost"], 403),
        ("another address", &["127.0.0.2:4200"], 403),
        ("none", &[], 400),
        ("two", &["localhost:4200", "localhost:4200"], 400),
        ("empty", &[""], 400),
        ("not a host", &["localhost:4200/x"], 400),
    ];
    for (case, hosts, expected) in table {
        let mut request = request("GET", "/who", LOCAL);
        request.headers_mut().remove(header::HOST);
        for host in hosts {
            request.headers_mut().append(header::HOST, HeaderValue::from_str(host).expect("a header"));
        }
        let (status, _, body) = bench.send(request).await;
        assert_eq!(status.as_u16(), expected, "{case}: {body}");
        let code = match expected {
            403 => "origin-refused",
            400 => "bad-request",
            _ => continue,
        };
        assert_eq!(body["code"], code, "{case}");
    }
}

#[tokio::test]
async fn x2_a_target_in_absolute_form_says_the_same_host() {
    let bench = Bench::new();
    for (target, expected) in [("http://localhost:4200/who", 200), ("http://evil.com/who", 400)] {
        assert_eq!(bench.send(request("GET", target, LOCAL)).await.0.as_u16(), expected, "{target}");
    }
}

#[test]
fn x2_who_listens_everywhere_answers_to_addresses_and_to_no_name() {
    let table = [
        ("0.0.0.0:4200", "192.168.1.5:4200", true),
        ("0.0.0.0:4200", "[fd00::1]:4200", true),
        ("0.0.0.0:4200", "192.168.1.5:80", false),
        ("0.0.0.0:4200", "evil.com:4200", false),
        ("192.168.1.5:4200", "192.168.1.5:4200", true),
        ("192.168.1.5:4200", "192.168.1.6:4200", false),
        ("127.0.0.1:4200", "192.168.1.5:4200", false),
        ("[::]:80", "localhost", true),
    ];
    for (listen, host, expected) in table {
        let guard =
            Guard::new::<&str>(listen.parse().expect("an address"), &[], &[]).expect("nothing to read");
        assert_eq!(guard.answers_to(&Host::parse(host).expect("a host")), expected, "{host} at {listen}");
    }
}

#[tokio::test]
async fn x2_foreign_pages_change_nothing_and_open_no_stream() {
    let bench = Bench::new();
    // B20, and what a page may read: `Some(true)` by CORS, `Some(false)` answered for programs, `None` refused.
    let origins: [(&str, &[&str], bool, bool); 14] = [
        ("no page", &[], true, false),
        ("our own", &["http://localhost:4200"], true, false),
        ("our own behind TLS", &["https://localhost:4200"], true, false),
        ("in upper case", &["HTTP://LOCALHOST:4200"], true, false),
        ("configured", &["https://good.com"], true, true),
        ("configured, in upper case", &["HTTPS://GOOD.COM:443"], true, true),
        ("foreign", &["https://evil.com"], false, false),
        ("without an origin to say", &["null"], false, false),
        ("a name below", &["https://good.evil.com"], false, false),
        ("a longer name", &["https://goodevil.com"], false, false),
        ("another port", &["http://localhost:3000"], false, false),
        ("another scheme", &["http://good.com"], false, false),
        ("two", &["http://localhost:4200", "https://evil.com"], false, false),
        ("another of our names", &["http://127.0.0.1:4200"], false, false),
    ];
    let requests: [(&str, &str, &[(&'static str, &str)]); 5] = [
        // B21: a form without a body.
        ("POST", "/main", &[("content-type", "application/x-www-form-urlencoded")]),
        ("DELETE", "/v1/tokens/abcdefgh", &[]),
        ("GET", "/main", &[("upgrade", "websocket"), ("connection", "upgrade")]),
        ("GET", "/main", &[("accept", "text/event-stream")]),
        ("GET", "/events", &[]),
    ];
    for (case, origin, ours, readable) in origins {
        let origin: Vec<_> = origin.iter().map(|origin| ("origin", *origin)).collect();
        for (method, path, headers) in requests {
            let (status, answered, body) =
                bench.send(with(with(request(method, path, LOCAL), headers), &origin)).await;
            let refused = status == StatusCode::FORBIDDEN && body["code"] == "origin-refused";
            assert_eq!(refused, !ours, "{case}: {method} {path}: {body}");
            let allowed = answered.get(header::ACCESS_CONTROL_ALLOW_ORIGIN).is_some();
            assert_eq!(allowed, readable, "{case}: {method} {path}");
        }
        // A plain read is answered, and no browser lets a foreign page see it.
        let (status, answered, _) = bench.send(with(request("GET", "/who", LOCAL), &origin)).await;
        assert_eq!(status, StatusCode::OK, "{case}");
        assert_eq!(answered.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN), readable, "{case}");
        assert_eq!(answered[header::VARY], "origin", "{case}");
    }
}

#[tokio::test]
async fn x2_a_browser_that_leaves_the_origin_out_is_foreign_all_the_same() {
    let bench = Bench::new();
    for (site, expected) in [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)] {
        let request = with(request("POST", "/main", LOCAL), &[("sec-fetch-site", site)]);
        assert_eq!(bench.send(request).await.0.as_u16(), expected, "{site}");
    }
}

#[tokio::test]
async fn x2_preflights_are_answered_for_configured_origins() {
    let bench = Bench::new();
    for (origin, expected) in
        [("http://good.com:3000", 204), ("http://localhost:4200", 204), ("https://evil.com", 403)]
    {
        let asks = [("origin", origin), ("access-control-request-method", "PATCH")];
        let (status, headers, _) = bench.send(with(request("OPTIONS", "/main", LOCAL), &asks)).await;
        assert_eq!(status.as_u16(), expected, "{origin}");
        let allowed =
            headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN).map(|value| value.to_str().expect("text"));
        assert_eq!(allowed, (origin == "http://good.com:3000").then_some(origin));
        assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS), "{origin}");
    }
}

#[tokio::test]
async fn x2_every_answer_says_how_it_is_to_be_treated() {
    let bench = Bench::new();
    let evil = with(request("POST", "/main", LOCAL), &[("origin", "https://evil.com")]);
    for request in [request("GET", "/who", LOCAL), request("GET", "/nowhere", LOCAL), evil] {
        let (_, headers, _) = bench.send(request).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("x-frame-options", "DENY"),
        ] {
            assert_eq!(headers[name], value);
        }
    }
}

#[tokio::test]
async fn o1_what_is_refused_at_the_door_is_counted() {
    let bench = Bench::new();
    bench.send(with(request("POST", "/main", LOCAL), &[("origin", "https://evil.com")])).await;
    bench.send(with(request("GET", "/who", LOCAL), &[("authorization", "Bearer x")])).await;
    bench.send(request("GET", "/who", LOCAL)).await;
    let refusals = bench.app.productions.figures().counted().refusals;
    assert_eq!(refusals, [(Code::Unauthenticated, 1), (Code::OriginRefused, 1)].into());
}

#[test]
fn x2_a_configured_name_is_read_in_full_or_refused() {
    let listen = "127.0.0.1:4200".parse().expect("an address");
    for host in ["*", "https://studio.example", "studio.example/", "*.example"] {
        let error = Guard::new(listen, &[host], &[]).expect_err("not a host");
        assert!(error.contains(host), "{error}");
    }
    for origin in ["*", "studio.example", "https://*.example", "null", "https://studio.example/"] {
        let error = Guard::new(listen, &[], &[origin]).expect_err("not an origin");
        assert!(error.contains(origin), "{error}");
    }
}
