//! A subscriber that lives through all kills: it resumes from the last commit that it has, by each of the three ways
//! there are, and must hear every commit once, in order, as the log has it at the end (rows D4 and D5).

use std::{
    collections::hash_map::DefaultHasher,
    hash::{Hash, Hasher},
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::outside::client::{Client, PATIENCE, address};

/// How it hears of commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// `subscribe` over a WebSocket.
    Socket,
    /// An event stream, resumed by `Last-Event-ID`.
    Stream,
    /// `/changes`, asked again and again.
    Poll,
}

impl Way {
    pub(super) const ALL: [Self; 3] = [Self::Socket, Self::Stream, Self::Poll];
}

/// What one subscriber has heard of one production.
#[derive(Debug)]
pub(super) struct Subscriber {
    way: Way,
    production: String,
    epoch: Option<String>,
    /// What each commit said, from revision 1 on.
    heard: Vec<u64>,
    /// Connections on which it heard a commit behind one that it had before.
    resumed: u64,
}

impl Subscriber {
    pub(super) fn new(way: Way, production: &str) -> Self {
        Self { way, production: production.to_owned(), epoch: None, heard: Vec::new(), resumed: 0 }
    }

    pub(super) fn production(&self) -> &str {
        &self.production
    }

    /// How many commits it has heard.
    pub(super) fn heard(&self) -> u64 {
        self.heard.len() as u64
    }

    /// That it has heard what `log` has, and nothing else.
    pub(super) fn must_equal(&self, log: &Self) -> Result<()> {
        let differs = self.heard.iter().zip(&log.heard).position(|(heard, logged)| heard != logged);
        ensure!(
            differs.is_none(),
            "{:?} of {} heard another commit than the log has, behind {differs:?}",
            self.way,
            self.production
        );
        let (heard, logged) = (self.heard(), log.heard());
        ensure!(
            heard == logged,
            "{:?} of {} heard {heard} commits, the log has {logged}",
            self.way,
            self.production
        );
        Ok(())
    }

    pub(super) fn resumed(&self) -> u64 {
        self.resumed
    }

    /// Listens until the server is gone, or until it has heard of revision `until`.
    pub(super) fn listen(&mut self, api: &str, until: Option<u64>) -> Result<()> {
        let before = self.heard.len();
        let heard = match self.way {
            Way::Socket => self.by_socket(api, until),
            Way::Stream => self.by_stream(api, until),
            Way::Poll => self.by_poll(api, until),
        };
        heard.with_context(|| format!("{:?} of {} at {}", self.way, self.production, self.heard.len()))?;
        self.resumed += u64::from(before > 0 && self.heard.len() > before);
        Ok(())
    }

    fn by_socket(&mut self, api: &str, until: Option<u64>) -> Result<()> {
        let Ok(mut client) = Client::connect(api) else { return Ok(()) };
        let subscribe = json!({"type": "subscribe", "production": self.production, "after": self.position()});
        if client.say(&subscribe).is_err() {
            return Ok(());
        }
        while self.wants(until)
            && let Ok(message) = client.hear()
        {
            match message["type"].as_str().unwrap_or_default() {
                "subscribed" => self.is_of(message["epoch"].as_str())?,
                "commit" => self.hear(message)?,
                "snapshot" | "problem" => bail!("it heard {message}"),
                _ => {}
            }
        }
        Ok(())
    }

    fn by_stream(&mut self, api: &str, until: Option<u64>) -> Result<()> {
        let position = format!("last-event-id: {}\r\naccept: text/event-stream\r\n", self.position());
        let Ok(mut reader) = self.get(api, "/events", &position) else { return Ok(()) };
        let (mut event, mut id, mut data) = (String::new(), String::new(), String::new());
        let mut line = String::new();
        let mut head = true;
        while self.wants(until) {
            line.clear();
            // What ends without an empty line behind it was not sent whole.
            if !reader.read_line(&mut line).is_ok_and(|read| read > 0 && line.ends_with('\n')) {
                return Ok(());
            }
            let text = line.trim_end();
            if head {
                ensure!(!text.starts_with("HTTP/") || text.contains(" 200 "), "it was answered {text}");
                head = !text.is_empty();
            } else if let Some((field, value)) = text.split_once(": ") {
                let place = match field {
                    "event" => &mut event,
                    "id" => &mut id,
                    _ => &mut data,
                };
                value.clone_into(place);
            } else if text.is_empty() && !event.is_empty() {
                match std::mem::take(&mut event).as_str() {
                    "commit" => {
                        let commit: Value = serde_json::from_str(&data).context("an event is JSON")?;
                        self.is_of(id.split_once(':').map(|(epoch, _)| epoch))?;
                        let revision = commit["revision"].as_u64().unwrap_or_default();
                        ensure!(id.ends_with(&format!(":{revision}")), "{revision} came with the id {id}");
                        self.hear(commit)?;
                    }
                    "snapshot" => bail!("a snapshot came in place of commits that are kept"),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn by_poll(&mut self, api: &str, until: Option<u64>) -> Result<()> {
        while self.wants(until) {
            let path = format!("/changes?after={}&wait=2000", self.position());
            let Ok(Some(body)) = self.get(api, &path, "").and_then(read_whole) else { return Ok(()) };
            let answer: Value = serde_json::from_str(&body).context("an answer is JSON")?;
            ensure!(answer["commits"].is_array(), "it was answered {answer}");
            self.is_of(answer["epoch"].as_str())?;
            for commit in answer["commits"].as_array().into_iter().flatten() {
                self.hear(commit.clone())?;
            }
        }
        Ok(())
    }

    /// Where it goes on.
    fn position(&self) -> String {
        let revision = self.heard.len();
        self.epoch.as_ref().map_or_else(|| revision.to_string(), |epoch| format!("{epoch}:{revision}"))
    }

    fn wants(&self, until: Option<u64>) -> bool {
        until.is_none_or(|until| (self.heard.len() as u64) < until)
    }

    fn is_of(&mut self, epoch: Option<&str>) -> Result<()> {
        let epoch = epoch.context("no epoch was named")?;
        let known = self.epoch.get_or_insert_with(|| epoch.to_owned());
        ensure!(known == epoch, "the epoch changed from {known} to {epoch}");
        Ok(())
    }

    fn hear(&mut self, mut commit: Value) -> Result<()> {
        let (revision, next) = (commit["revision"].as_u64(), self.heard.len() as u64 + 1);
        ensure!(revision == Some(next), "{revision:?} came where {next} was due");
        // A message of the protocol says whose it is besides.
        if let Some(fields) = commit.as_object_mut() {
            fields.retain(|field, _| !["type", "production", "epoch"].contains(&field.as_str()));
        }
        let mut hasher = DefaultHasher::new();
        commit.to_string().hash(&mut hasher);
        self.heard.push(hasher.finish());
        Ok(())
    }

    /// Asks in the way of HTTP/1.0, so that an answer ends with its connection.
    fn get(&self, api: &str, path: &str, headers: &str) -> Result<BufReader<TcpStream>> {
        let mut stream = TcpStream::connect(address(api))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let (production, host) = (&self.production, address(api));
        let request =
            format!("GET /v1/productions/{production}{path} HTTP/1.0\r\nhost: {host}\r\n{headers}\r\n");
        stream.write_all(request.as_bytes())?;
        Ok(BufReader::new(stream))
    }
}

/// The body of an answer; `None` when the server died over it.
fn read_whole(mut reader: BufReader<TcpStream>) -> Result<Option<String>> {
    let mut answer = String::new();
    reader.read_to_string(&mut answer)?;
    let Some((head, body)) = answer.split_once("\r\n\r\n") else { return Ok(None) };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    Ok((length == Some(body.len())).then(|| body.to_owned()))
}
