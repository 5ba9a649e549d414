//! The naive Rust design: axum WebSocket handler + one tokio broadcast channel.
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::{extract::State, response::Response, routing::get, Router};
use tokio::sync::broadcast;
type Tx = broadcast::Sender<Utf8Bytes>;

#[tokio::main]
async fn main() {
    let port: u16 = std::env::args().nth(1).and_then(|s| s.parse().ok()).unwrap_or(9002);
    let (tx, _) = broadcast::channel::<Utf8Bytes>(1024);
    let app = Router::new().route("/sub", get(sub)).route("/pub", get(publ)).with_state(tx);
    let l = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    use axum::serve::ListenerExt;
    let l = l.tap_io(|s| {
        let _ = s.set_nodelay(true);
    });
    axum::serve(l, app).await.unwrap();
}
async fn sub(ws: WebSocketUpgrade, State(tx): State<Tx>) -> Response {
    ws.on_upgrade(move |mut s: WebSocket| async move {
        let mut rx = tx.subscribe();
        loop {
            tokio::select! {
                m = rx.recv() => match m {
                    Ok(m) => if s.send(Message::Text(m)).await.is_err() { break },
                    Err(broadcast::error::RecvError::Lagged(_)) => continue,
                    Err(_) => break,
                },
                m = s.recv() => if m.is_none() || m.unwrap().is_err() { break },
            }
        }
    })
}
async fn publ(ws: WebSocketUpgrade, State(tx): State<Tx>) -> Response {
    ws.on_upgrade(move |mut s: WebSocket| async move {
        while let Some(Ok(m)) = s.recv().await {
            if let Message::Text(t) = m {
                let _ = tx.send(t);
            }
        }
    })
}
