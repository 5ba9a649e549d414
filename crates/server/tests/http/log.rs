//! The log over HTTP: commits behind a revision, and waiting for the next one.

use std::{pin::pin, time::Duration};

use futures_util::FutureExt;
use serde_json::json;

use crate::site::Site;

#[tokio::test]
async fn d4_commits_come_in_order_from_any_position() {
    let site = Site::new().await;
    for n in 0..5 {
        site.put("layers/logo", json!({"n": n})).await;
    }
    let all = site.get("changes").await;
    let epoch = all["epoch"].as_str().unwrap().to_owned();
    assert_eq!(all["revision"], 6);
    let revisions = |answer: &serde_json::Value| -> Vec<u64> {
        answer["commits"].as_array().unwrap().iter().map(|c| c["revision"].as_u64().unwrap()).collect()
    };
    assert_eq!(revisions(&all), [1, 2, 3, 4, 5, 6]);
    for after in 0..=6_u64 {
        for position in [after.to_string(), format!("{epoch}:{after}")] {
            let got = site.get(&format!("changes?after={position}&limit=2")).await;
            let expected: Vec<u64> = (after + 1..=6).take(2).collect();
            assert_eq!(revisions(&got), expected, "after {position}");
        }
    }
    let foreign = site.ask("GET", "changes?after=zzzz:3").send().await;
    foreign.is(410);
    let problem = foreign.problem("compacted");
    assert_eq!((&problem["oldest"], problem["epoch"].as_str()), (&json!(1), Some(epoch.as_str())));
}

#[tokio::test]
async fn d4_whoever_waits_hears_of_the_next_commit() {
    let site = Site::new().await;
    let mut waiting = pin!(site.ask("GET", "changes?after=1&wait=30000").send());
    // It has asked when the production is being watched for its next revision; whether it has or not, it gets the
    // commit, so nothing here depends on how long anything takes.
    assert!(tokio::time::timeout(Duration::from_millis(50), waiting.as_mut()).await.is_err());
    site.put("layers/logo", json!(1)).await;
    let answer = waiting.await.json(200);
    assert_eq!((&answer["revision"], &answer["commits"][0]["revision"]), (&json!(2), &json!(2)));
    let nothing = site.get("changes?after=2&wait=1").await;
    assert_eq!(nothing["commits"], json!([]));
    assert!(site.ask("GET", "changes?after=0&wait=60000").send().map(|a| a.status == 200).await);
}

#[tokio::test]
async fn d4_whoever_waits_is_answered_when_the_server_stops() {
    let site = Site::new().await;
    let (address, admin) = (site.server.api(), site.admin.clone());
    let mut waiting = tokio::task::JoinSet::new();
    let asked = format!(
        "GET /v1/productions/main/changes?after=1&wait=60000 HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {admin}\r\n\r\n"
    );
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, asked.as_bytes()).await.unwrap();
    waiting.spawn(async move {
        let mut answer = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    });
    // A request that came before is answered before: then the first is under way.
    site.get("changes").await;
    assert_eq!(site.server.stop().await, onair_server::serve::Ended::Gracefully);
    let answer = waiting.join_next().await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"commits\":[]"), "{answer}");
}
