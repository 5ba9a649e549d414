//! The document says what answers, and what it says is a document.

use serde_json::Value;

use crate::site::Site;

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

#[tokio::test]
async fn t3_the_document_lists_what_answers() {
    let site = Site::new().await;
    let document = site.get("/openapi.json").await;
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() > 25, "{} paths", paths.len());
    for (path, item) in paths {
        for (method, operation) in
            item.as_object().unwrap().iter().filter(|(m, _)| METHODS.contains(&m.as_str()))
        {
            let concrete = path.replace("{production}", "none").replace(['{', '}'], "");
            let answer = site.ask(&method.to_uppercase(), &concrete).header("accept", "*/*").send().await;
            assert_ne!(answer.status, 405, "{method} {path}");
            let body = answer.body();
            let detail = body["detail"].as_str().unwrap_or_default();
            assert!(!detail.starts_with("there is nothing at"), "{method} {path}: {detail}");
            let documented = operation["responses"].get(answer.status.to_string());
            assert!(documented.is_some(), "{method} {path} answers {} and does not say so", answer.status);
        }
    }
}

#[tokio::test]
async fn t3_the_document_is_openapi_31() {
    let site = Site::new().await;
    let document = site.get("/openapi.json").await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert!(document["info"]["title"].is_string() && document["info"]["version"].is_string());
    let mut operations = std::collections::BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id =
                operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path} has a name"));
            assert!(operations.insert(id.to_owned()), "{id} stands twice");
            let tags = operation["tags"].as_array().unwrap_or_else(|| panic!("{id} has a tag"));
            assert_eq!(tags.len(), 1, "{id}");
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            for name in path.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
                let found = parameters.iter().find(|p| p["name"] == name && p["in"] == "path");
                assert!(found.is_some_and(|p| p["required"] == true), "{id} describes {name}");
            }
            for (status, response) in operation["responses"].as_object().unwrap() {
                assert!(response["description"].is_string(), "{id} {status}");
                let is_refusal = status.starts_with('4') || status.starts_with('5');
                if is_refusal {
                    let schema = &response["content"]["application/problem+json"]["schema"];
                    assert_eq!(schema["$ref"], "#/components/schemas/Problem", "{id} {status}");
                }
            }
        }
    }
    check_references(&document, &document);
    let codes = &document["components"]["schemas"]["ProblemCode"]["enum"];
    assert_eq!(codes.as_array().map(Vec::len), Some(onair_wire::Code::ALL.len()));
}

fn check_references(document: &Value, within: &Value) {
    match within {
        Value::Object(members) => {
            if let Some(target) = members.get("$ref").and_then(Value::as_str) {
                let pointer = target.strip_prefix('#').unwrap_or_else(|| panic!("{target} leads elsewhere"));
                assert!(document.pointer(pointer).is_some(), "{target} leads nowhere");
            }
            members.values().for_each(|member| check_references(document, member));
        }
        Value::Array(items) => items.iter().for_each(|item| check_references(document, item)),
        _ => {}
    }
}
