//! Redis with `appendfsync always`: one Lua script that compares the revision, bumps it, appends to a stream and publishes.
//!
//! RESP by hand on one connection, one request at a time.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Head;

const LUA: &str = r#"
local cur = tonumber(redis.call('GET', KEYS[1]) or '0')
if cur ~= tonumber(ARGV[1]) then return {0, cur} end
local nr = cur + 1
redis.call('SET', KEYS[1], nr)
redis.call('XADD', KEYS[2], nr .. '-0', 'c', ARGV[2])
redis.call('PUBLISH', KEYS[3], ARGV[2])
return {1, nr}"#;

pub struct Redis {
    stream: TcpStream,
    sha: String,
    heard: Vec<u8>,
}

impl Redis {
    pub async fn connect(addr: &str) -> Self {
        let stream = TcpStream::connect(addr).await.expect("redis listens");
        stream.set_nodelay(true).unwrap();
        let mut redis = Self { stream, sha: String::new(), heard: Vec::new() };
        // $40 CR LF, the hash, CR LF
        redis.sha = redis.ask(&["SCRIPT", "LOAD", LUA], 2).await[1].clone();
        redis
    }

    /// Sends a command and reads an answer of so many lines.
    async fn ask(&mut self, words: &[&str], lines: usize) -> Vec<String> {
        let mut out = format!("*{}\r\n", words.len());
        for word in words {
            out.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        self.stream.write_all(out.as_bytes()).await.unwrap();
        self.heard.clear();
        loop {
            assert!(self.stream.read_buf(&mut self.heard).await.unwrap() > 0, "redis closed");
            let text = std::str::from_utf8(&self.heard).unwrap();
            assert!(!text.starts_with('-'), "{text}");
            // A missing value is one line, `$-1`.
            if text.matches("\r\n").count() >= lines || text == "$-1\r\n" {
                return text.split("\r\n").map(str::to_owned).collect();
            }
        }
    }

    pub async fn head(&mut self, p: u64) -> Head {
        let said = self.ask(&["GET", &format!("{{p{p}}}:rev")], 2).await;
        Head { rev: said[1].parse().unwrap_or(0) }
    }

    pub async fn commit(&mut self, p: u64, e: Head, body: &str) -> Result<Head, Head> {
        let (sha, keys) = (self.sha.clone(), ["rev", "log", "ch"].map(|key| format!("{{p{p}}}:{key}")));
        let expected = e.rev.to_string();
        let words = ["EVALSHA", &sha, "3", &keys[0], &keys[1], &keys[2], &expected, body];
        // *2, :1 or :0, :revision
        let said = self.ask(&words, 3).await;
        let head = Head { rev: said[2][1..].parse().unwrap() };
        if said[1] == ":1" {
            Ok(head)
        } else {
            Err(head)
        }
    }
}
