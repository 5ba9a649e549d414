//! What bad input gets: one table, a line per case. Rows B1 to B16 of the reliability anchors, as far as HTTP goes.

use serde_json::{Value, json};

use crate::site::{MAIN, Site};

const JSON: &str = "application/json";
const PATCH: &str = "application/merge-patch+json";
const DOC: &str = "documents/layers/logo";
/// No place is named.
const NONE: &str = "-";

/// Name, method, path, content type, body, status, code, pointer.
type Case = (&'static str, &'static str, String, &'static str, Vec<u8>, u16, &'static str, &'static str);

fn case(
    (name, method, path): (&'static str, &'static str, impl Into<String>),
    (kind, body): (&'static str, impl Into<Vec<u8>>),
    (status, code, pointer): (u16, &'static str, &'static str),
) -> Case {
    (name, method, path.into(), kind, body.into(), status, code, pointer)
}

fn deep(levels: usize) -> String {
    "[".repeat(levels) + &"]".repeat(levels)
}

fn mutation(fields: &str) -> String {
    format!(r#"{{"mutations":[{{"op":"put","collection":"layers","document":"a","value":1{fields}}}]}}"#)
}

fn many(count: usize) -> String {
    let one = r#"{"op":"put","collection":"l","document":"a","value":1}"#;
    format!(r#"{{"mutations":[{}]}}"#, vec![one; count].join(","))
}

#[rustfmt::skip]
fn table() -> Vec<Case> {
    let long = "x".repeat(129);
    vec![
        case(("B1 nothing", "PUT", DOC), (JSON, ""), (400, "bad-json", NONE)),
        case(("B1 half", "PUT", DOC), (JSON, "{\"a\":"), (400, "bad-json", NONE)),
        case(("B1 two values", "PUT", DOC), (JSON, "{} {}"), (400, "bad-json", NONE)),
        case(("B1 a comma too many", "POST", "mutations"), (JSON, "{\"mutations\":[],}"), (400, "bad-json", NONE)),
        case(("B1 NaN", "PUT", DOC), (JSON, "NaN"), (400, "bad-json", NONE)),
        case(("B2 65 levels", "PUT", DOC), (JSON, deep(65)), (422, "invalid", "…")),
        case(("B2 100,000 levels", "PUT", DOC), (JSON, deep(100_000)), (422, "invalid", "…")),
        case(("B2 10 MB of [", "PUT", DOC), (JSON, vec![b'['; 10_000_000]), (413, "too-large", NONE)),
        case(("B3 a key twice", "POST", "mutations"), (JSON, mutation(r#","ifRevision":1,"ifRevision":2"#)), (422, "invalid", "/mutations/0/ifRevision")),
        case(("B3 in a document", "PUT", DOC), (JSON, r#"{"a":{"b":1,"b":1}}"#), (422, "invalid", "/a/b")),
        case(("B4 1e400", "PUT", DOC), (JSON, r#"{"n":1e400}"#), (422, "invalid", "/n")),
        case(("B4 2^53", "PUT", DOC), (JSON, r#"{"n":[9007199254740992]}"#), (422, "invalid", "/n/0")),
        case(("B4 a text for a number", "POST", "mutations"), (JSON, mutation(r#","ifRevision":"43""#)), (422, "invalid", "/mutations/0/ifRevision")),
        case(("B4 below zero", "POST", "mutations"), (JSON, mutation(r#","base":-1"#)), (422, "invalid", "/mutations/0/base")),
        case(("B4 half a revision", "POST", "documents/layers/logo/restore"), (JSON, r#"{"revision":1.5}"#), (422, "invalid", "/revision")),
        case(("B5 not UTF-8", "PUT", DOC), (JSON, b"\"\xff\"".to_vec()), (400, "bad-json", NONE)),
        case(("B5 half a surrogate pair", "PUT", DOC), (JSON, r#""\ud800""#), (400, "bad-json", NONE)),
        case(("B5 a NUL", "PUT", DOC), (JSON, b"\"\0\"".to_vec()), (400, "bad-json", NONE)),
        case(("B5 a byte order mark", "PUT", DOC), (JSON, b"\xef\xbb\xbf{}".to_vec()), (400, "bad-json", NONE)),
        case(("B6 1 MiB and a byte", "PUT", DOC), (JSON, vec![b' '; (1 << 20) + 1]), (413, "too-large", NONE)),
        case(("B7 text", "PUT", DOC), ("text/plain", "{}"), (415, "unsupported-media-type", "Content-Type")),
        case(("B7 no type", "PUT", DOC), ("", "{}"), (415, "unsupported-media-type", "Content-Type")),
        case(("B7 a form", "POST", "/stream/chat"), ("application/x-www-form-urlencoded", "author=a"), (415, "unsupported-media-type", "Content-Type")),
        case(("B7 UTF-16", "PUT", DOC), ("application/json; charset=utf-16", "{}"), (415, "unsupported-media-type", "Content-Type")),
        case(("B7 a patch as PUT", "PUT", DOC), (PATCH, "{}"), (415, "unsupported-media-type", "Content-Type")),
        case(("B7 a JSON Patch", "PATCH", DOC), ("application/json-patch+json", "[]"), (415, "unsupported-media-type", "Content-Type")),
        case(("B8 unknown member", "POST", "mutations"), (JSON, r#"{"mutations":[],"mode":1}"#), (422, "invalid", "/mode")),
        case(("B8 misspelt", "POST", "mutations"), (JSON, mutation(r#","ifRevison":1"#)), (422, "invalid", "/mutations/0/ifRevison")),
        case(("B8 missing", "POST", "/stream/chat"), (JSON, r#"{"author":"kim"}"#), (422, "invalid", "")),
        case(("B8 members without names", "POST", "/stream/chat"), (JSON, r#"["kim","hi"]"#), (422, "invalid", "")),
        case(("B8 figures without names", "POST", "signals"), (JSON, r#"{"stream":[59.9,60]}"#), (422, "invalid", "/stream")),
        case(("B8 a mutation without names", "POST", "mutations"), (JSON, r#"{"mutations":[["put","layers","a",1]]}"#), (422, "invalid", "/mutations/0")),
        case(("B8 a setting", "PATCH", "settings"), (PATCH, r#"{"verbos":true}"#), (422, "invalid", "/verbos")),
        case(("B8 no settings", "PATCH", "settings"), (PATCH, "[]"), (422, "invalid", "")),
        case(("B8 a manifest", "PUT", MAIN), (JSON, r#"{"services":[{"nam":"x"}]}"#), (422, "invalid", "/services/0/nam")),
        case(("B8 no manifest", "PUT", MAIN), (JSON, "[]"), (422, "invalid", "")),
        case(("B8 unknown parameter", "GET", "documents/layers?limt=1"), ("", ""), (422, "invalid", "limt")),
        case(("B8 a parameter twice", "GET", "documents/layers?limit=1&limit=2"), ("", ""), (422, "invalid", "limit")),
        case(("B8 on a page without", "GET", "/version?a=1"), ("", ""), (422, "invalid", "a")),
        case(("B8 a percent sign", "GET", "documents/layers?cursor=%zz"), ("", ""), (400, "bad-request", "query")),
        case(("B8 a limit of 0", "GET", "documents/layers?limit=0"), ("", ""), (422, "invalid", "limit")),
        case(("B8 a limit too large", "GET", "documents/layers?limit=1001"), ("", ""), (422, "invalid", "limit")),
        case(("B8 a limit that is none", "GET", "documents/layers?limit=ten"), ("", ""), (422, "invalid", "limit")),
        case(("B8 a status", "GET", "conflicts?status=closed"), ("", ""), (422, "invalid", "status")),
        case(("B8 a cursor that went", "GET", "sequences?cursor=x"), ("", ""), (200, "", NONE)),
        case(("B9 ..", "PUT", "documents/layers/%2e%2e"), (JSON, "1"), (422, "invalid", "id")),
        case(("B9 .", "PUT", "documents/%2e/logo"), (JSON, "1"), (422, "invalid", "collection")),
        case(("B9 a slash", "PUT", "documents/layers/a%2Fb"), (JSON, "1"), (422, "invalid", "id")),
        case(("B9 encoded twice", "PUT", "documents/layers/%252e"), (JSON, "1"), (422, "invalid", "id")),
        case(("B9 a NUL", "PUT", "documents/layers/a%00"), (JSON, "1"), (422, "invalid", "id")),
        case(("B9 129 characters", "PUT", format!("documents/layers/{long}")), (JSON, "1"), (422, "invalid", "id")),
        case(("B9 a look-alike", "PUT", "documents/layers/l%D0%BEgo"), (JSON, "1"), (422, "invalid", "id")),
        case(("B9 not UTF-8", "PUT", "documents/layers/%ff"), (JSON, "1"), (422, "invalid", "path")),
        case(("B9 empty", "PUT", "documents/layers/"), (JSON, "1"), (422, "invalid", "path")),
        case(("B9 empty production", "PUT", "/v1/productions/"), ("", ""), (422, "invalid", "path")),
        case(("B9 a production", "PUT", "/v1/productions/a%2Fb"), ("", ""), (422, "invalid", "production")),
        case(("B9 of the server", "PUT", "documents/_system/lifecycle"), (JSON, "{}"), (422, "invalid", "collection")),
        case(("B9 of the server, in a batch", "POST", "mutations"), (JSON, r#"{"mutations":[{"op":"delete","collection":"_system","document":"lifecycle"}]}"#), (422, "invalid", "/mutations/0/collection")),
        case(("B9 in a batch", "POST", "mutations"), (JSON, r#"{"mutations":[{"op":"delete","collection":"a/b","document":"c"}]}"#), (422, "invalid", "/mutations/0/collection")),
        case(("B12 after -1", "GET", "changes?after=-1"), ("", ""), (422, "invalid", "after")),
        case(("B12 after 10^20", "GET", "changes?after=99999999999999999999"), ("", ""), (422, "invalid", "after")),
        case(("B12 after abc", "GET", "changes?after=abc"), ("", ""), (422, "invalid", "after")),
        case(("B12 after the future", "GET", "changes?after=99"), ("", ""), (422, "invalid", "after")),
        case(("B12 after another log", "GET", "changes?after=zzzz:1"), ("", ""), (410, "compacted", NONE)),
        case(("B12 a wait too long", "GET", "changes?wait=60001"), ("", ""), (422, "invalid", "wait")),
        case(("B12 a limit too large", "GET", "changes?limit=5001"), ("", ""), (422, "invalid", "limit")),
        case(("B12 at +1", "GET", format!("{MAIN}?at=%2B1")), ("", ""), (422, "invalid", "at")),
        case(("B12 a base of the future", "PUT", "documents/layers/logo?base=99"), (JSON, "1"), (422, "invalid", "base")),
        case(("B13 a patch of nothing", "PATCH", "documents/layers/none"), (PATCH, "{}"), (404, "not-found", NONE)),
        case(("B13 larger than a document", "PATCH", DOC), (PATCH, json!({"a": "x".repeat(300_000)}).to_string()), (413, "too-large", NONE)),
        case(("B13 a document too large", "PUT", DOC), (JSON, json!("x".repeat(300_000)).to_string()), (413, "too-large", NONE)),
        case(("B14 a schema elsewhere", "PUT", MAIN), (JSON, r#"{"collections":{"x":{"schema":{"$ref":"http://127.0.0.1:1/x"}}}}"#), (422, "invalid", "/collections/x/schema")),
        case(("B14 a schema that is none", "PUT", MAIN), (JSON, r#"{"collections":{"x":{"schema":{"type":"strang"}}}}"#), (422, "invalid", "/collections/x/schema")),
        case(("B16 nothing to do", "POST", "mutations"), (JSON, r#"{"mutations":[]}"#), (422, "invalid", "/mutations")),
        case(("B16 10,001 mutations", "POST", "mutations"), (JSON, many(10_001)), (413, "too-large", NONE)),
        case(("B16 the last is bad", "POST", "mutations"), (JSON, r#"{"mutations":[{"op":"put","collection":"l","document":"a","value":1},{"op":"put","collection":"l","document":"b"}]}"#), (422, "invalid", "/mutations/1")),
        case(("signals below zero", "POST", "signals"), (JSON, r#"{"stream":{"fps":-1}}"#), (422, "invalid", "/stream/fps")),
        case(("signals that are unknown", "POST", "signals"), (JSON, r#"{"stream":{"pfs":1}}"#), (422, "invalid", "/stream/pfs")),
        case(("signals that are no number", "POST", "signals"), (JSON, r#"{"stream":{"frameCount":-1}}"#), (422, "invalid", "/stream/frameCount")),
        case(("a choice that is none", "POST", "conflicts/x/resolve"), (JSON, r#"{"choose":"both"}"#), (422, "invalid", "/choose")),
    ]
}

#[tokio::test]
async fn bad_input_is_refused_with_its_place_and_changes_nothing() {
    let site = Site::new().await;
    site.put("layers/logo", json!({"a": 1})).await;
    let before = site.get("changes").await;
    for (name, method, path, kind, body, status, code, pointer) in table() {
        let answer = site.ask(method, &path).body(kind, body).send().await;
        let told = answer.body();
        assert_eq!(answer.status, status, "{name}: {told:.300}");
        if code.is_empty() {
            continue;
        }
        let problem = answer.problem(code);
        let named = problem.get("errors").map_or(NONE, |errors| errors[0]["pointer"].as_str().unwrap());
        assert!(pointer == "…" || named == pointer, "{name}: {named} in {told:.300}");
        assert!(problem["detail"].as_str().unwrap().len() < 600, "{name}: a refusal is short");
    }
    assert_eq!(site.get("changes").await, before);
}

#[tokio::test]
async fn b1_broken_json_is_named_by_line_and_column() {
    let site = Site::new().await;
    let answer = site.ask("PUT", DOC).body(JSON, "{\n  \"a\": tru }").send().await;
    let problem = answer.problem("bad-json");
    assert!(problem["detail"].as_str().unwrap().ends_with("at line 2 column 11"), "{problem}");
}

#[tokio::test]
async fn b7_content_types_that_say_the_same_are_taken() {
    let site = Site::new().await;
    for kind in
        ["application/json; charset=UTF-8", "Application/JSON;charset=\"utf-8\"", "application/json ; a=b"]
    {
        let answer = site.ask("PUT", DOC).body(kind, "{}").send().await;
        assert!(matches!(answer.status, 200 | 201), "{kind}: {answer:?}");
    }
}

#[tokio::test]
async fn b8_a_misspelt_member_is_told_what_is_known() {
    let site = Site::new().await;
    let answer = site.ask("POST", "mutations").body(JSON, mutation(r#","ifRevison":1"#)).send().await;
    let problem = answer.problem("invalid");
    assert!(problem["detail"].as_str().unwrap().contains("`ifRevision`"), "{problem}");
}

#[tokio::test]
async fn b10_names_with_a_meaning_elsewhere_are_plain_data() {
    let site = Site::new().await;
    for name in ["__proto__", "constructor", "toString", "_system", "..."] {
        let value: Value = serde_json::from_str(&format!(r#"{{"{name}":{{"{name}":1}}}}"#)).unwrap();
        site.put(&format!("layers/{name}"), value.clone()).await;
        assert_eq!(site.get(&format!("documents/layers/{name}")).await["value"], value);
        site.put(&format!("{}/x", name.replace("__proto__", "constructor").trim_start_matches('_')), value)
            .await;
    }
}

#[tokio::test]
async fn b13_a_patch_that_is_no_object_replaces() {
    let site = Site::new().await;
    for (patch, after) in
        [("{\"a\":null,\"b\":[1]}", json!({"b": [1]})), ("[1]", json!([1])), ("null", Value::Null)]
    {
        site.put("layers/logo", json!({"a": 1})).await;
        site.ask("PATCH", DOC).body(PATCH, patch).send().await.is(200);
        assert_eq!(site.get(DOC).await["value"], after);
    }
}

#[tokio::test]
async fn b15_keys_that_name_no_mutation_are_refused() {
    let site = Site::new().await;
    let long = "k".repeat(10_000);
    for key in ["", "a b", "é", long.as_str()] {
        let answer = site.ask("PUT", DOC).body(JSON, "1").header("idempotency-key", key).send().await;
        assert_eq!(answer.status, 422, "{key:.40}");
        assert_eq!(answer.problem("invalid")["errors"][0]["pointer"], "Idempotency-Key");
    }
}

#[tokio::test]
async fn b16_a_batch_whose_last_mutation_is_refused_does_nothing() {
    let site = Site::new().await;
    let put = |id: &str, collection: &str| json!({"op": "put", "collection": collection, "document": id, "value": 1});
    let batch = json!({"mutations": [put("a", "layers"), put("b", "_system")]});
    let problem = site.ask("POST", "mutations").json(&batch).send().await.problem("invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/mutations/1/collection");
    assert_eq!(site.get("documents/layers").await["documents"], json!([]));
}

#[tokio::test]
async fn b6_a_body_without_end_is_refused_while_it_comes() {
    let site = Site::new().await;
    let head = format!(
        "PUT {MAIN}/{DOC} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n",
        site.server.api(),
        site.admin
    );
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x1_0000));
    // 17 chunks of 64 KiB are over the limit; the end of the body never comes.
    let chunked =
        format!("{head}transfer-encoding: chunked\r\nconnection: close\r\n\r\n{}", chunk.repeat(17));
    let answer = site.raw(chunked.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("\"too-large\""), "{answer:.300}");
    // A length is believed before anything of the body came.
    let said = format!("{head}content-length: 1048577\r\nconnection: close\r\n\r\n");
    let answer = site.raw(said.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("\"limit\":1048576"), "{answer:.300}");
}
