//! `onair serve` told to stop while it works, once and twice (fault F33).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod served;

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::ExitStatus,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tempfile::TempDir;
use tungstenite::{Message, WebSocket};

use served::Server;

/// Writers, each with a document of its own.
const WRITERS: usize = 6;
/// Acknowledgements that each of them has before the server is told to stop.
const WARM: u64 = 10;

fn told_to_stop(server: &Server) {
    kill_process(Pid::from_child(&server.child), Signal::TERM).unwrap();
}

fn authority(server: &Server) -> String {
    server.api.trim_start_matches("http://").to_owned()
}

/// The rest of a request that puts a document, as the operator that anybody on this machine is.
fn put(authority: &str, document: &str, body: &str, promised: usize) -> String {
    format!(
        "PUT /v1/productions/main/documents/layers/{document} HTTP/1.1\r\nhost: {authority}\r\n\
         content-type: application/json\r\ncontent-length: {promised}\r\n\r\n{body}"
    )
}

/// Writes 1, 2, 3 … one after the other until the connection ends; answers the last that was acknowledged.
fn write(authority: &str, document: &str, acknowledged: &AtomicU64) -> u64 {
    let mut last = 0;
    let Ok(mut stream) = TcpStream::connect(authority) else { return last };
    loop {
        let body = (last + 1).to_string();
        if stream.write_all(put(authority, document, &body, body.len()).as_bytes()).is_err() {
            return last;
        }
        let mut head = [0; 4096];
        match stream.read(&mut head) {
            Ok(read) if head[..read].starts_with(b"HTTP/1.1 20") => last += 1,
            // Gone, or told to come back.
            _ => return last,
        }
        acknowledged.fetch_add(1, Ordering::SeqCst);
    }
}

/// Follows the production to the end of the connection; how many commits it heard, and the code it was closed with.
fn follow(mut socket: WebSocket<TcpStream>) -> (u64, u16) {
    let mut heard = 0;
    loop {
        match socket.read().expect("a socket is closed with a code, and not just gone") {
            Message::Text(text) => heard += u64::from(text.contains(r#""type":"commit""#)),
            Message::Close(frame) => return (heard, frame.expect("a code").code.into()),
            _ => {}
        }
    }
}

fn subscribed(authority: &str) -> WebSocket<TcpStream> {
    let stream = TcpStream::connect(authority).unwrap();
    let (mut socket, _) = tungstenite::client(format!("ws://{authority}/v1/sync"), stream).unwrap();
    socket.send(Message::text(json!({"type": "hello", "client": "test"}).to_string())).unwrap();
    socket.send(Message::text(json!({"type": "subscribe", "production": "main"}).to_string())).unwrap();
    while !socket.read().unwrap().to_text().unwrap().contains(r#""type":"snapshot""#) {}
    socket
}

/// Once it has ended: how, and what it leaves.
fn ended(mut server: Server) -> (ExitStatus, TempDir) {
    let status = server.child.wait().unwrap();
    (status, std::mem::replace(&mut server.data, tempfile::tempdir().unwrap()))
}

/// Has writers work until it is under load, and stops it so. What each had acknowledged is there afterwards, and at most
/// the one write behind it whose answer was on its way.
fn stopped_under_load(server: Server, stop: impl FnOnce(&Server)) {
    let authority = authority(&server);
    let acknowledged: Arc<[AtomicU64; WRITERS]> = Arc::default();
    let writers: Vec<_> = (0..WRITERS)
        .map(|number| {
            let (authority, acknowledged) = (authority.clone(), Arc::clone(&acknowledged));
            thread::spawn(move || write(&authority, &format!("w{number}"), &acknowledged[number]))
        })
        .collect();
    while acknowledged.iter().any(|count| count.load(Ordering::SeqCst) < WARM) {
        thread::sleep(Duration::from_millis(1));
    }
    stop(&server);
    let written: Vec<u64> = writers.into_iter().map(|writer| writer.join().unwrap()).collect();
    let (status, data) = ended(server);
    assert!(status.success(), "{status}");
    let server = Server::on(data);
    for (number, last) in written.into_iter().enumerate() {
        let found = server.json(&["get", &format!("layers/w{number}")])["value"].as_u64().unwrap();
        assert!(found == last || found == last + 1, "w{number}: {last} acknowledged, {found} found");
    }
}

#[test]
fn f33_what_was_acknowledged_under_load_is_there_and_sockets_are_told() {
    let server = Server::start();
    let authority = authority(&server);
    let followers: Vec<_> =
        (0..2).map(|_| subscribed(&authority)).map(|socket| thread::spawn(move || follow(socket))).collect();
    stopped_under_load(server, told_to_stop);
    for follower in followers {
        let (heard, code) = follower.join().unwrap();
        assert!(heard >= WARM * WRITERS as u64, "{heard} commits were heard");
        assert_eq!(code, 1001);
    }
}

#[test]
fn f33_told_twice_it_stops_at_once_and_loses_nothing() {
    let server = Server::start();
    let authority = authority(&server);
    // A request that never ends: who is told once waits for it, for as long as it may.
    let mut endless = TcpStream::connect(&authority).unwrap();
    endless.write_all(put(&authority, "endless", "{", 1000).as_bytes()).unwrap();
    stopped_under_load(server, |server| {
        told_to_stop(server);
        // It listens to the second as soon as it takes nobody new.
        while TcpStream::connect(&authority).is_ok() {
            thread::sleep(Duration::from_millis(1));
        }
        told_to_stop(server);
    });
    drop(endless);
}
