//! Who is known, by tables: tokens good and bad, through the guard and the extractor as a client meets them.

use std::sync::Arc;

use axum::{Router, body::Body, routing::get};
use http::{HeaderValue, Request, StatusCode, header};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use onair_engine::memory::Memory;
use onair_runtime::{Productions, Tasks};
use onair_wire::{Millis, ProductionId, Timestamp};
use serde_json::{Value, json};

use super::*;
use crate::{App, app::Parts, clients::Clients, net::Peer};

pub(super) const LOCAL: &str = "127.0.0.1:50000";
pub(super) const REMOTE: &str = "10.1.2.3:50000";
const START: Timestamp = Timestamp::EPOCH;

pub(super) fn main() -> ProductionId {
    ProductionId::new("main").expect("a name")
}

/// A server's access on a simulated clock, with a folder of its own.
pub(super) struct Bench {
    pub(super) app: App,
    pub(super) clock: Clock,
    _folder: tempfile::TempDir,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::with(&Rates::default())
    }

    pub(super) fn with(rates: &Rates) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Clock::simulated(START.plus(Millis(1_000_000)));
        let tokens = Tokens::open(folder.path()).expect("no tokens");
        let admin = AdminToken::open(folder.path()).expect("made");
        let access = Access::new(tokens, Some(admin), clock.clone(), rates, &Pace::Simulated(clock.clone()));
        let productions = Productions::new(onair_runtime::Options {
            adapters: onair_runtime::adapter::Adapters::new([(
                "builtin",
                Arc::new(onair_adapters::Builtin) as Arc<dyn onair_runtime::adapter::Adapter>,
            )]),
            backends: None,
            surroundings: None,
            engine: Arc::new(Memory::new()),
            clock: clock.clone(),
            tasks: Tasks::new(),
            keep: onair_runtime::Keep::default(),
            random: || 7,
        });
        let app = App::new(Parts {
            productions,
            access,
            clients: Clients::default(),
            sessions: crate::session::Sessions::default(),
            agents: onair_adapters::Agents::new(
                clock.clone(),
                tokio::sync::mpsc::channel(1).0,
                Millis(2_000),
                &Tasks::new(),
            ),
            tasks: Tasks::new(),
            default_production: main(),
            random: || 7,
        });
        Self { app, clock, _folder: folder }
    }

    /// A token, its id and its text.
    pub(super) fn token(
        &self,
        role: Role,
        productions: Option<&[&str]>,
        expires_in: Option<u64>,
    ) -> (String, String) {
        let now = self.clock.now();
        let named = |ids: &[&str]| ids.iter().map(|id| ProductionId::new(*id).expect("a name")).collect();
        let new = NewToken {
            name: "kim".into(),
            role,
            productions: productions.map(named),
            expires_at: expires_in.map(|after| now.plus(Millis(after))),
        };
        let (token, text) = self.app.access.tokens().create(new, now).expect("made");
        (token.id, text)
    }

    /// Behind the guard: `/who` says who calls, `/main` needs an operator of the production, and the routes of tokens.
    pub(super) async fn send(&self, request: Request<Body>) -> (StatusCode, http::HeaderMap, Value) {
        let (routes, _) = routes::router().split_for_parts();
        let acts = |caller: Caller| async move {
            caller.may(Role::Operator, Some(&main())).map(|()| caller.0.actor().to_string())
        };
        let router: Router = routes
            .route("/who", get(|caller: Caller| async move { caller.0.actor().to_string() }))
            .route("/main", get(acts).post(acts))
            .route("/events", get(|| async { "a stream" }))
            .with_state(self.app.clone());
        let guard = Guard::new(
            "127.0.0.1:4200".parse().expect("an address"),
            &["studio.example", "other.example:8443"],
            &["https://good.com", "http://good.com:3000"],
        );
        let router = guard::protect(router, &self.app, guard.expect("hosts and origins"));
        let response = TowerToHyperService::new(router).call(request).await.expect("never fails");
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
        let value = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
        (parts.status, parts.headers, value)
    }
}

/// A request of a program to the server's own host.
pub(super) fn request(method: &str, path: &str, peer: &str) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path).header(header::HOST, "localhost:4200");
    request.extensions_mut().expect("a good request").insert(Peer(peer.parse().expect("an address")));
    request.body(Body::empty()).expect("a good request")
}

fn with_headers(mut request: Request<Body>, values: &[String]) -> Request<Body> {
    for value in values {
        let value = HeaderValue::from_str(value).expect("a header");
        request.headers_mut().append(header::AUTHORIZATION, value);
    }
    request
}

#[tokio::test]
async fn x1_tokens_by_table() {
    let bench = Bench::new();
    let (_, good) = bench.token(Role::Operator, None, None);
    let (_, expiring) = bench.token(Role::Operator, None, Some(60_000));
    let (revoked_id, revoked) = bench.token(Role::Operator, None, None);
    let admin = bench.app.access.admin().expect("made").reveal().to_owned();
    bench.app.access.tokens().revoke(&revoked_id, bench.clock.now()).expect("revoked");
    bench.clock.advance(Millis(60_000));
    let other_secret = format!("{}{}", &good[..15], "a".repeat(52));
    let upper = good.to_uppercase();
    let known = "operator:kim";
    let table: &[(&str, Vec<String>, &str, Option<&str>)] = &[
        ("good", vec![format!("Bearer {good}")], REMOTE, Some(known)),
        ("scheme in lower case", vec![format!("bearer {good}")], REMOTE, Some(known)),
        ("scheme in upper case", vec![format!("BEARER  {good}")], REMOTE, Some(known)),
        ("the owner's", vec![format!("Bearer {admin}")], REMOTE, Some("admin:admin")),
        ("none, from this machine", vec![], LOCAL, None),
        ("none, from elsewhere", vec![], REMOTE, None),
        ("another scheme", vec![format!("Basic {good}")], LOCAL, None),
        ("no scheme", vec![good.clone()], LOCAL, None),
        ("no token", vec!["Bearer ".into()], LOCAL, None),
        ("nothing", vec![String::new()], LOCAL, None),
        ("two headers", vec![format!("Bearer {good}"), format!("Bearer {good}")], LOCAL, None),
        ("two tokens", vec![format!("Bearer {good} {good}")], LOCAL, None),
        ("another secret", vec![format!("Bearer {other_secret}")], LOCAL, None),
        ("upper case", vec![format!("Bearer {upper}")], LOCAL, None),
        ("cut off", vec![format!("Bearer {}", &good[..60])], LOCAL, None),
        ("one more", vec![format!("Bearer {good}a")], LOCAL, None),
        ("1 MB", vec![format!("Bearer onair_{}", "a".repeat(1 << 20))], LOCAL, None),
        ("a path for an id", vec!["Bearer onair_../../etc_x".into()], LOCAL, None),
        ("revoked", vec![format!("Bearer {revoked}")], LOCAL, None),
        ("expired", vec![format!("Bearer {expiring}")], LOCAL, None),
    ];
    for (case, headers, peer, actor) in table {
        let (status, answered, body) = bench.send(with_headers(request("GET", "/who", peer), headers)).await;
        match actor {
            Some(actor) => assert_eq!((status, body), (StatusCode::OK, json!(actor)), "{case}"),
            None => {
                assert_eq!(status, StatusCode::UNAUTHORIZED, "{case}: {body}");
                assert_eq!(body["code"], "unauthenticated", "{case}");
                assert_eq!(answered[header::WWW_AUTHENTICATE], "Bearer", "{case}");
                assert!(!body.to_string().contains(&good[6..14]), "{case} says something of the token");
            }
        }
    }
}

#[tokio::test]
async fn x1_what_is_wrong_with_a_token_is_not_said() {
    let bench = Bench::new();
    let peer = LOCAL.parse().expect("an address");
    let (id, revoked) = bench.token(Role::Viewer, None, None);
    let (_, expired) = bench.token(Role::Viewer, None, Some(1));
    bench.app.access.tokens().revoke(&id, bench.clock.now()).expect("revoked");
    bench.clock.advance(Millis(1));
    let unknown = format!("onair_abcdefgh_{}", "a".repeat(52));
    for text in [revoked.as_str(), &expired, &unknown, "", "x"] {
        let problem = bench.app.access.identify(Some(text), peer).expect_err("nobody");
        assert_eq!((problem.code, problem.detail.as_str()), (Code::Unauthenticated, UNKNOWN), "{text:?}");
    }
    assert_eq!(bench.app.access.failed(), 5);
}

#[tokio::test]
async fn x1_without_tokens_this_machine_is_operator_and_nobody_else() {
    let bench = Bench::new();
    let mapped = "[::ffff:127.0.0.1]:50000";
    let table: [(&str, &str, &[(&str, &str)], Option<&str>); 9] = [
        ("from this machine", LOCAL, &[], Some("operator:local")),
        ("by IPv6", "[::1]:50000", &[], Some("operator:local")),
        ("by both", mapped, &[], Some("operator:local")),
        ("from elsewhere", REMOTE, &[], None),
        ("through a proxy from elsewhere", LOCAL, &[("x-forwarded-for", "10.1.2.3")], None),
        ("through two proxies", LOCAL, &[("x-forwarded-for", "127.0.0.1, 10.1.2.3")], None),
        (
            "through a proxy from here",
            LOCAL,
            &[("x-forwarded-for", "127.0.0.1, ::1")],
            Some("operator:local"),
        ),
        ("through a proxy that says little", LOCAL, &[("forwarded", "for=_hidden")], None),
        ("through a proxy that says nonsense", LOCAL, &[("x-forwarded-for", "localhost")], None),
    ];
    for (case, peer, headers, actor) in table {
        let mut request = request("GET", "/who", peer);
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_static(value));
        }
        let (status, _, body) = bench.send(request).await;
        match actor {
            Some(actor) => assert_eq!(body, json!(actor), "{case}"),
            None => assert_eq!(status, StatusCode::UNAUTHORIZED, "{case}"),
        }
    }
}

#[tokio::test]
async fn x1_the_productions_of_a_token_are_its_reach() {
    let bench = Bench::new();
    let table = [
        ("everywhere", Role::Operator, None, StatusCode::OK),
        ("its own", Role::Operator, Some(&["other", "main"][..]), StatusCode::OK),
        ("a foreign one", Role::Operator, Some(&["other"][..]), StatusCode::FORBIDDEN),
        ("a role too low", Role::Viewer, None, StatusCode::FORBIDDEN),
    ];
    for (case, role, productions, expected) in table {
        let (_, text) = bench.token(role, productions, None);
        let (status, ..) =
            bench.send(with_headers(request("GET", "/main", REMOTE), &[format!("Bearer {text}")])).await;
        assert_eq!(status, expected, "{case}");
    }
}

#[tokio::test]
async fn x1_revoking_expiring_and_configuring_end_who_was_let_in() {
    let bench = Bench::new();
    let access = &bench.app.access;
    let local = access.identify(None, LOCAL.parse().expect("an address")).expect("an operator");
    assert!(access.still_valid(&local) && !access.has_tokens());
    let (id, text) = bench.token(Role::Viewer, None, None);
    let (_, expiring) = bench.token(Role::Viewer, None, Some(1_000));
    assert!(!access.still_valid(&local), "a token was configured");
    let peer = REMOTE.parse().expect("an address");
    let kim = access.identify(Some(&text), peer).expect("known");
    let late = access.identify(Some(&expiring), peer).expect("known");
    assert!(access.still_valid(&kim) && access.still_valid(&late));
    bench.clock.advance(Millis(1_000));
    access.tokens().revoke(&id, bench.clock.now()).expect("revoked");
    assert!(!access.still_valid(&kim) && !access.still_valid(&late));
    assert!(access.has_tokens(), "a token that expired opens no door");
    let admin = access.identify(access.admin().map(AdminToken::reveal), peer).expect("the owner");
    assert!(access.still_valid(&admin));
}

#[test]
fn x1_tokens_are_kept_as_hashes_in_a_private_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(tokens::FILE);
    let tokens = Tokens::open(folder.path()).expect("none");
    let new = NewToken { name: "kim".into(), role: Role::Viewer, productions: None, expires_at: None };
    let (token, text) = tokens.create(new.clone(), START).expect("made");
    let written = std::fs::read_to_string(&path).expect("there");
    assert!(!written.contains(&text[15..]) && written.contains(&token.id));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // Somebody else, the command line say, has the same file open.
    let others = Tokens::open(folder.path()).expect("one");
    assert_eq!(others.list(), std::slice::from_ref(&token));
    others.create(new, START).expect("another");
    others.revoke(&token.id, START).expect("revoked");
    assert!(tokens.verify(&text, START).is_ok(), "not read yet");
    tokens.refresh().expect("read");
    assert_eq!(tokens.verify(&text, START), Err(Stranger::Revoked));
    assert_eq!(tokens.list().len(), 2);
    // A file that was damaged or removed opens no door and closes none; neither is it written over.
    std::fs::write(&path, "{").expect("written");
    assert!(tokens.refresh().is_err() && tokens.refresh().is_ok(), "said once");
    assert!(matches!(tokens.revoke(&token.id, START), Err(tokens::Error::Damaged { .. })));
    assert_eq!(std::fs::read_to_string(&path).expect("there"), "{");
    std::fs::remove_file(&path).expect("removed");
    tokens.refresh().expect("nothing to read");
    assert!(tokens.any() && tokens.list().len() == 2);
}

#[test]
fn x1_a_damaged_file_is_named_by_its_place_and_left_alone() {
    let hash = "0".repeat(64);
    let line = |id: &str, role: &str, hash: &str| {
        format!(
            r#"{{"token":{{"id":"{id}","name":"kim","role":"{role}","productions":null,"createdAt":"2026-01-01T00:00:00.000Z"}},"sha256":"{hash}"}}"#
        )
    };
    let file = |tokens: &[String]| format!(r#"{{"version":1,"tokens":[{}]}}"#, tokens.join(","));
    let good = line("abcdefgh", "viewer", &hash);
    let table = [
        (file(std::slice::from_ref(&good)), None),
        (String::new(), Some("line 1")),
        (r#"{"version":1,"tok"#.to_owned(), Some("line 1")),
        (r#"{"version":2,"tokens":[]}"#.to_owned(), Some("/version")),
        (file(&[line("abcdefgh", "king", &hash)]), Some("/tokens/0/token/role")),
        (file(&[line("../../..", "viewer", &hash)]), Some("/tokens/0/token/id")),
        (file(&[good.clone(), good]), Some("/tokens/1/token/id")),
        (file(&[line("abcdefgh", "viewer", "0000")]), Some("/tokens/0/sha256")),
    ];
    for (text, place) in table {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(tokens::FILE);
        std::fs::write(&path, &text).expect("written");
        match (Tokens::open(folder.path()), place) {
            (Ok(tokens), None) => assert_eq!(tokens.list().len(), 1),
            (Err(error), Some(place)) => assert!(error.to_string().contains(place), "{error}"),
            (opened, place) => panic!("{text}: {opened:?} rather than {place:?}"),
        }
        assert_eq!(std::fs::read_to_string(&path).expect("there"), text);
    }
}

#[test]
fn x1_tokens_that_cannot_be_are_refused_with_the_field() {
    let tokens = Tokens::default();
    let now = START.plus(Millis(1));
    let new =
        |name: &str| NewToken { name: name.into(), role: Role::Viewer, productions: None, expires_at: None };
    let table = [
        ("fine", new("kim@studio"), None),
        ("no name", new(""), Some("/name")),
        ("a space", new("kim b"), Some("/name")),
        ("a control character", new("kim\u{1b}[2J"), Some("/name")),
        ("too long", new(&"k".repeat(65)), Some("/name")),
        ("the name of others", new("local"), Some("/name")),
        ("for nothing", NewToken { productions: Some([].into()), ..new("kim") }, Some("/productions")),
        ("of yesterday", NewToken { expires_at: Some(now), ..new("kim") }, Some("/expiresInMs")),
    ];
    for (case, new, place) in table {
        match (tokens.create(new, now), place) {
            (Ok(_), None) => {}
            (Err(error), Some(place)) => assert_eq!(error.problem().errors[0].pointer, place, "{case}"),
            (made, _) => panic!("{case}: {made:?}"),
        }
    }
    assert!(matches!(tokens.revoke("nobody", now), Err(tokens::Error::Unknown { .. })));
}

#[tokio::test]
async fn x2_wrong_tokens_are_limited_by_address_and_good_ones_are_not() {
    let bench = Bench::with(&Rates { failures_per_minute: 3, ..Rates::default() });
    let access = &bench.app.access;
    let (_, good) = bench.token(Role::Viewer, None, None);
    let peer = |text: &str| text.parse().expect("an address");
    let code = |peer| access.identify(Some("wrong"), peer).expect_err("nobody").code;
    for _ in 0..3 {
        assert_eq!(code(peer("10.1.2.3:1")), Code::Unauthenticated);
    }
    let refused = access.identify(Some("wrong"), peer("10.1.2.3:2")).expect_err("too many");
    assert_eq!((refused.code, &refused.more["retryAfter"]), (Code::TooManyRequests, &json!(20)));
    assert_eq!(code(peer("10.1.2.4:1")), Code::Unauthenticated, "another address");
    access.identify(Some(&good), peer("10.1.2.3:3")).expect("a good one from there");
    bench.clock.advance(Millis(20_000));
    assert_eq!(code(peer("10.1.2.3:4")), Code::Unauthenticated, "one came back");
}

#[tokio::test]
async fn x2_requests_are_limited_by_token_or_address() {
    let bench = Bench::with(&Rates { requests_per_second: 1, requests_burst: 2, ..Rates::default() });
    for expected in [200, 200, 429] {
        let (status, headers, _) = bench.send(request("GET", "/who", LOCAL)).await;
        assert_eq!(status.as_u16(), expected);
        assert_eq!(headers.contains_key(header::RETRY_AFTER), expected == 429);
    }
    let (_, text) = bench.token(Role::Viewer, None, None);
    let own = with_headers(request("GET", "/who", LOCAL), &[format!("Bearer {text}")]);
    assert_eq!(bench.send(own).await.0, StatusCode::OK, "a token has its own bucket");
}

#[tokio::test]
async fn x1_tickets_stand_for_their_token_once() {
    let bench = Bench::new();
    let (id, text) = bench.token(Role::Viewer, None, None);
    let bearer = [format!("Bearer {text}")];
    let issue = || async {
        let (status, _, body) =
            bench.send(with_headers(request("POST", "/v1/tickets", REMOTE), &bearer)).await;
        assert_eq!(status, StatusCode::CREATED, "{body}");
        body["ticket"].as_str().expect("a ticket").to_owned()
    };
    let status = |method: &'static str, ticket: String, headers: &'static [&str]| {
        let headers: Vec<String> = headers.iter().map(|value| (*value).to_owned()).collect();
        let request = request(method, &format!("/main?x=1&ticket={ticket}"), REMOTE);
        let sent = bench.send(with_headers(request, &headers));
        async { sent.await.0.as_u16() }
    };
    let ticket = issue().await;
    assert_eq!(status("POST", ticket.clone(), &[]).await, 401, "only where no header can be sent");
    assert_eq!(status("GET", ticket.clone(), &["Bearer x"]).await, 400, "not both");
    assert_eq!(status("GET", ticket.clone(), &[]).await, 403, "known, and only a viewer");
    assert_eq!(status("GET", ticket, &[]).await, 401, "used up");
    let (late, orphan) = (issue().await, issue().await);
    bench.clock.advance(tickets::TICKET_AGE);
    assert_eq!(status("GET", late, &[]).await, 401, "too late");
    let fresh = issue().await;
    bench.app.access.tokens().revoke(&id, bench.clock.now()).expect("revoked");
    assert_eq!(status("GET", fresh, &[]).await, 401, "the token behind it was revoked");
    assert_eq!(status("GET", orphan, &[]).await, 401);
}

#[tokio::test]
async fn x1_tokens_are_made_listed_and_revoked_by_the_owner_alone() {
    let bench = Bench::new();
    let admin = [format!("Bearer {}", bench.app.access.admin().expect("made").reveal())];
    let post = |body: Value, kind: &'static str| {
        let mut request = request("POST", "/v1/tokens", LOCAL);
        *request.body_mut() = Body::from(body.to_string());
        request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        request
    };
    let new = json!({ "name": "kim", "role": "viewer", "productions": ["main"], "expiresInMs": 60_000 });
    let (status, ..) = bench.send(post(new.clone(), "application/json")).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "an operator");
    let table = [
        (json!({ "name": "kim", "role": "viewer" }), "text/plain", 415, ""),
        (json!({ "name": "kim", "role": "king" }), "application/json", 422, "/role"),
        (json!({ "name": "kim" }), "application/json", 422, ""),
        (json!({ "name": "k m", "role": "viewer" }), "application/json", 422, "/name"),
        (json!({ "name": "kim", "role": "viewer", "admin": true }), "application/json", 422, ""),
        (
            json!({ "name": "kim", "role": "viewer", "productions": ["a/b"] }),
            "application/json",
            422,
            "/productions/0",
        ),
    ];
    for (body, kind, expected, pointer) in table {
        let (status, _, answer) = bench.send(with_headers(post(body.clone(), kind), &admin)).await;
        assert_eq!(status.as_u16(), expected, "{body}: {answer}");
        if !pointer.is_empty() {
            assert_eq!(answer["errors"][0]["pointer"], pointer, "{body}");
        }
    }
    let (status, headers, made) =
        bench.send(with_headers(post(new, "application/json; charset=utf-8"), &admin)).await;
    assert_eq!(
        (status, &headers[header::CACHE_CONTROL]),
        (StatusCode::CREATED, &HeaderValue::from_static("no-store"))
    );
    assert_eq!((&made["role"], &made["productions"]), (&json!("viewer"), &json!(["main"])));
    let text = made["token"].as_str().expect("shown once").to_owned();
    let (_, _, listed) = bench.send(with_headers(request("GET", "/v1/tokens", LOCAL), &admin)).await;
    assert_eq!(listed["tokens"][0]["id"], made["id"]);
    assert!(!listed.to_string().contains(&text[15..]) && !listed.to_string().contains("sha256"));
    let path = format!("/v1/tokens/{}", made["id"].as_str().expect("an id"));
    let bearer = [format!("Bearer {text}")];
    assert_eq!(
        bench.send(with_headers(request("DELETE", &path, LOCAL), &bearer)).await.0,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        bench.send(with_headers(request("DELETE", &path, LOCAL), &admin)).await.0,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        bench.send(with_headers(request("GET", "/who", LOCAL), &bearer)).await.0,
        StatusCode::UNAUTHORIZED
    );
    let nobody = with_headers(request("DELETE", "/v1/tokens/abcdefgh", LOCAL), &admin);
    assert_eq!(bench.send(nobody).await.0, StatusCode::NOT_FOUND);
}
