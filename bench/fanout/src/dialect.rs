//! What differs between servers: the handshake steps, the publisher's wire format, ping replies.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

type Build = Box<dyn Fn(usize) -> Vec<u8>>;
type Reply = Box<dyn Fn(&[u8]) -> Option<Vec<u8>>>;

pub struct Step {
    pub send: Build,
    pub wait: Vec<u8>,
}

pub struct Dialect {
    pub ws: bool,
    pub sse: bool,
    pub verbose: bool,
    pub steps: Vec<Step>,
    pub pong: Reply,
    pub publish: Box<dyn Fn(&[u8]) -> Vec<u8>>,
    pub pub_hs: Box<dyn Fn(&mut TcpStream)>,
    pub pub_pong: Reply,
}

const NATS: &str =
    "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"x\",\"version\":\"1\",\"protocol\":1}\r\n";
const ONAIR_HELLO: &[u8] = br#"{"type":"hello","client":{"name":"fanout","version":"1"}}"#;

/// masked client frame, FIN, mask key zero (the payload bytes stay as they are; legal)
pub fn wsframe(op: u8, p: &[u8]) -> Vec<u8> {
    let mut o = vec![0x80 | op];
    if p.len() < 126 {
        o.push(0x80 | p.len() as u8)
    } else {
        o.push(0x80 | 126);
        o.extend_from_slice(&(p.len() as u16).to_be_bytes())
    }
    o.extend_from_slice(&[0, 0, 0, 0]);
    o.extend_from_slice(p);
    o
}

fn upgrade(path: &str, host: &str, extra: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{extra}\r\n"
    )
    .into_bytes()
}

fn now_id() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_micros() as u64
}

fn read_until(s: &mut TcpStream, tok: &[u8]) {
    let mut v = vec![];
    let mut b = [0u8; 4096];
    while memchr::memmem::find(&v, tok).is_none() {
        let n = s.read(&mut b).expect("publisher handshake");
        assert!(n > 0, "publisher handshake closed: {}", String::from_utf8_lossy(&v));
        v.extend_from_slice(&b[..n]);
    }
}

fn st(send: Vec<u8>, wait: &[u8]) -> Step {
    Step { send: Box::new(move |_| send.clone()), wait: wait.to_vec() }
}

pub fn make(a: &[String], addr: &SocketAddr) -> Dialect {
    let get = |k: &str, d: &str| {
        a.iter().position(|x| x == k).and_then(|i| a.get(i + 1)).cloned().unwrap_or(d.to_string())
    };
    let mut d = Dialect {
        ws: true,
        sse: false,
        verbose: a.iter().any(|x| x == "--verbose"),
        steps: vec![],
        pong: Box::new(|_| None),
        publish: Box::new(|p| p.to_vec()),
        pub_hs: Box::new(|_| ()),
        pub_pong: Box::new(|_| None),
    };
    let host = addr.to_string();
    match get("--dialect", "ws").as_str() {
        "ws" => {
            d.steps = vec![st(upgrade("/sub", "localhost", ""), b"\r\n\r\n")];
            d.pub_hs = Box::new(|s| {
                s.write_all(&upgrade("/pub", "localhost", "")).unwrap();
                read_until(s, b"\r\n\r\n");
            });
            d.publish = Box::new(|p| wsframe(1, p));
        }
        "natsws" => {
            let subscribe = format!("{NATS}SUB s 1\r\nPING\r\n");
            d.steps = vec![
                st(upgrade("/", "localhost", "Origin: http://localhost\r\n"), b"\r\n\r\n"),
                st(wsframe(2, subscribe.as_bytes()), b"PONG\r\n"),
            ];
            d.pong = Box::new(|b| b.ends_with(b"PING\r\n").then(|| wsframe(2, b"PONG\r\n")));
            d.pub_hs = Box::new(|s| {
                read_until(s, b"\r\n");
                s.write_all(format!("{NATS}PING\r\n").as_bytes()).unwrap();
                read_until(s, b"PONG\r\n");
            });
            d.publish = Box::new(|p| [format!("PUB s {}\r\n", p.len()).as_bytes(), p, b"\r\n"].concat());
            d.pub_pong = Box::new(|b| b.ends_with(b"PING\r\n").then(|| b"PONG\r\n".to_vec()));
        }
        "redis" => {
            d.ws = false;
            d.steps = vec![st(b"*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\ns\r\n".to_vec(), b":1\r\n")];
            d.publish = Box::new(|p| {
                let head = format!("*3\r\n$7\r\nPUBLISH\r\n$1\r\ns\r\n${}\r\n", p.len());
                [head.as_bytes(), p, b"\r\n"].concat()
            });
        }
        // hello, subscribe to one collection of production "main", which every server has
        "onair" => {
            let subscribe = br#"{"type":"subscribe","production":"main","collections":["bench"]}"#;
            d.steps = vec![
                st(upgrade("/v1/sync", &host, ""), b"\r\n\r\n"),
                st(wsframe(1, ONAIR_HELLO), b"\"welcome\""),
                st(wsframe(1, subscribe), b"\"snapshot\""),
            ];
            onair_publisher(&mut d, host);
        }
        "onairsse" => {
            let head = format!(
                "GET /v1/productions/main/events?collections=bench HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\n\r\n"
            );
            (d.ws, d.sse) = (false, true);
            d.steps = vec![st(head.into_bytes(), b"snapshot")];
            onair_publisher(&mut d, host);
        }
        x => panic!("dialect {x}"),
    }
    d
}

/// one mutation per update, answers are read and dropped
fn onair_publisher(d: &mut Dialect, host: String) {
    let next = std::cell::Cell::new(0u64);
    let run = now_id();
    d.pub_hs = Box::new(move |s| {
        s.write_all(&upgrade("/v1/sync", &host, "")).unwrap();
        read_until(s, b"\r\n\r\n");
        s.write_all(&wsframe(1, ONAIR_HELLO)).unwrap();
        read_until(s, b"\"welcome\"");
    });
    d.publish = Box::new(move |p| {
        next.set(next.get() + 1);
        let head = format!(
            r#"{{"type":"mutate","id":"{run}-{}","production":"main","mutations":[{{"op":"put","collection":"bench","document":"cue","value":"#,
            next.get()
        );
        wsframe(1, &[head.as_bytes(), p, b"}]}"].concat())
    });
}
