//! The lifecycle over a socket: what an action comes to is said behind its commits.

use serde_json::{Value, json};

use super::harness::{Client, Stage, put};

async fn act(client: &mut Client, id: &str, action: &str, params: Value) -> Value {
    client
        .say(&json!({"type": "action", "id": id, "production": "main", "action": action, "params": params}))
        .await;
    loop {
        let message = client.hear().await;
        if message["id"] == id {
            return message;
        }
    }
}

#[tokio::test]
async fn l4_a_result_comes_behind_the_commits_of_its_action() {
    let stage = Stage::new().await;
    let mut client = stage.client().await;
    client.subscribe("main", None, None).await;
    client.mutate("main", "m-1", json!([put("feed", "one", json!(1))])).await;
    let table = [
        ("initialize", json!(null), "ready"),
        ("start", json!({"sessionId": "s-1"}), "live"),
        ("pause", json!({}), "live"),
        ("resume", json!(null), "live"),
        ("stop", json!(null), "ready"),
        ("emergency-stop", json!(null), "idle"),
    ];
    for (action, params, phase) in table {
        let result = act(&mut client, &format!("a-{action}"), action, params).await;
        assert_eq!(
            (&result["type"], &result["outcome"], &result["phase"]),
            (&json!("result"), &json!("applied"), &json!(phase)),
            "{action}: {result}"
        );
        assert_eq!(result["sequence"].is_null(), matches!(action, "pause" | "resume"), "{result}");
        let cache = &client.caches["main"];
        assert!(cache.revision.0 >= result["revision"].as_u64().unwrap(), "{action}: behind its commits");
        let lifecycle = cache.documents.iter().find(|(name, _)| name.as_str() == "_system").unwrap().1;
        let lifecycle = lifecycle.iter().find(|(id, _)| id.as_str() == "lifecycle").unwrap().1;
        assert_eq!(lifecycle.value["phase"], phase, "{action}");
    }
    let again = act(&mut client, "a-start", "start", json!({"sessionId": "s-1"})).await;
    assert_eq!((&again["type"], &again["phase"]), (&json!("result"), &json!("idle")), "it was done once");
    let reused = act(&mut client, "a-start", "stop", json!(null)).await;
    assert_eq!(reused["code"], "mutation-id-reused");
}

#[tokio::test]
async fn l9_a_socket_is_told_what_would_be_done_and_what_is_not_allowed() {
    let stage = Stage::new().await;
    let mut client = stage.client().await;
    let planned = act(&mut client, "a-1", "start", json!({"dryRun": true})).await;
    assert_eq!((&planned["type"], &planned["plan"]["allowed"]), (&json!("result"), &json!(false)));
    assert_eq!(planned["plan"]["steps"][0]["name"], "livefeed.start");
    assert_eq!(planned["revision"], 1);
    let refused = act(&mut client, "a-1", "start", json!(null)).await;
    assert_eq!((&refused["type"], &refused["code"]), (&json!("problem"), &json!("not-allowed")));
    assert!(refused["missingDependencies"].as_array().unwrap().contains(&json!("feed")), "{refused}");
    let begun = act(&mut client, "a-1", "initialize", json!({"wait": false})).await;
    assert_eq!(begun["type"], "result", "{begun}");
    assert!(begun["sequence"].is_string(), "{begun}");
    let unknown = act(&mut client, "a-2", "fly", json!(null)).await;
    assert_eq!((&unknown["code"], &unknown["errors"][0]["pointer"]), (&json!("invalid"), &json!("/action")));
    assert!(unknown["detail"].as_str().unwrap().contains("`recover`"), "{unknown}");
    let strange = act(&mut client, "a-3", "stop", json!({"kind": "x"})).await;
    assert_eq!(strange["errors"][0]["pointer"], "/params/kind");
}
