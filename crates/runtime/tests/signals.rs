//! Figures of the stream: how often they are sent, and how often they are kept (row T1).

mod stage;

use std::time::Duration;

use onair_core::{Act, Phase};
use onair_runtime::ticker;
use onair_wire::sync::StreamFigures;
use serde_json::json;
use stage::{Stage, actor};
use tokio_util::sync::CancellationToken;

#[tokio::test(start_paused = true)]
async fn t1_figures_are_kept_every_ten_seconds_while_live_and_not_otherwise() {
    let stage = Stage::new();
    let manifest = json!({ "services": [{ "name": "host" }], "requires": [] });
    stage.productions.configure(&stage::id("main"), actor(), manifest).await.expect("begun");
    let handle = stage.productions.open(&stage::id("main")).await.expect("there");
    let cancel = CancellationToken::new();
    let ticking = ticker::run(stage.productions.clone(), Duration::from_millis(100), cancel.clone());
    let show = async {
        let feed = async |seconds: u32| {
            for second in 0..seconds * 20 {
                handle.signal(&StreamFigures { fps: Some(f64::from(second)), ..StreamFigures::default() });
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        feed(30).await;
        assert!(handle.state().server_document("_system", "stream").is_none(), "nobody is live");
        handle.act(actor(), None, Act::Initialize, true).await.expect("allowed");
        let live = handle
            .act(actor(), None, Act::Start { session_id: None, kind: None, break_glass: None }, true)
            .await;
        assert_eq!(live.expect("allowed").phase, Phase::Live);
        let before = handle.state().revision().0;
        feed(60).await;
        let kept = handle.state().revision().0 - before;
        assert!((5..=6).contains(&kept), "{kept} samples in a minute of 1,200 figures");
        let before = handle.state().revision();
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(handle.state().revision().0 - before.0 <= 1, "a figure that stands is kept once");
        cancel.cancel();
    };
    tokio::join!(ticking, show);
}
