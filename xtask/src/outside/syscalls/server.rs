//! The whole server: a production written to over a socket, one that is heavy enough for an image and a trim, and an
//! export that is imported under another name.

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{Fault, Play, Played};
use crate::outside::build_onair;
use crate::outside::client::{Client, PATIENCE, address};
use crate::outside::crash::{Ledger, Written};
use crate::outside::server::Server;
use crate::repository::Repository;

/// Mutations of the production that is small.
const PUTS: u64 = 8;
/// Of the one that is heavy: enough bytes for an image, and so for a trim.
const HEAVY_PUTS: u64 = 45;
const HEAVY_BYTES: usize = 200_000;

struct Whole {
    onair: PathBuf,
    books: Mutex<Books>,
}

/// What was acknowledged.
#[derive(Debug)]
struct Books {
    created: bool,
    show: Ledger,
    heavy: u64,
    copy: Option<Value>,
}

impl Default for Books {
    fn default() -> Self {
        Self { created: false, show: Ledger::new("show".to_owned()), heavy: 0, copy: None }
    }
}

pub(super) fn plays(repository: &Repository) -> Result<Vec<Box<dyn Play>>> {
    Ok(vec![Box::new(Whole { onair: build_onair(repository)?, books: Mutex::default() })])
}

impl Play for Whole {
    fn name(&self) -> &'static str {
        "server"
    }

    fn play(&self, dir: &Path, strace: &[String], fault: Option<Fault>) -> Result<Played> {
        let mut books = self.books.lock().expect("nobody panics while it plays");
        *books = Books::default();
        let mut command = Command::new(&strace[0]);
        // As a grandchild, so that the child that is killed is the server itself.
        command.arg("-D").args(&strace[1..]).arg(&self.onair).env("ONAIR_KEEP_COMMITS", "10");
        let mut steps = Vec::new();
        let server = match Server::start(&mut command, dir) {
            Ok(server) => server,
            Err(error) => return fault.map(|_| Played { steps }).ok_or(error),
        };
        let outcome = load(&server, &mut books, &mut steps);
        if matches!(fault, Some(Fault::Error(_))) && outcome.is_err() {
            reads_go_on(&server, &books)?;
        }
        if fault.is_none() {
            outcome?;
        }
        server.kill();
        Ok(Played { steps })
    }

    fn check(&self, dir: &Path, _: &Played) -> Result<()> {
        let mut books = self.books.lock().expect("nobody panics while it plays");
        let mut command = Command::new(&self.onair);
        let server = Server::start(command.env("ONAIR_KEEP_COMMITS", "10"), dir)?;
        if books.created {
            books.show.check(server.api())?;
        }
        let (status, heavy) = ask(&server, "GET", "heavy", "")?;
        ensure!(status == 200 || books.heavy == 0, "the heavy one answers {status}");
        let last = documents(&heavy)["last"]["value"]["n"].as_u64().unwrap_or_default();
        let either = books.heavy..=books.heavy + 1;
        ensure!(status != 200 || either.contains(&last), "{last} is there in place of {either:?}");
        let (status, copy) = ask(&server, "GET", "copy", "")?;
        match &books.copy {
            Some(expected) => ensure!(documents(&copy) == *expected, "the copy is {status} {copy}"),
            // What was not acknowledged is there as a whole or not at all.
            None => {
                let last = &documents(&copy)[format!("show-{}", PUTS - 1)];
                ensure!(status == 404 || last["value"]["n"] == PUTS, "half a copy: {copy}");
            }
        }
        server.end()
    }
}

/// Does everything once; the first that is not acknowledged ends it.
fn load(server: &Server, books: &mut Books, steps: &mut Vec<String>) -> Result<()> {
    for name in ["show", "heavy"] {
        let (status, answer) = ask(server, "PUT", name, "")?;
        ensure!(status == 201, "{name} was not begun: {status} {answer}");
        steps.push(format!("begin {name}"));
        books.created |= name == "show";
    }
    books.show.check(server.api())?;
    let mut client = Client::connect(server.api())?;
    write(&mut client, books, steps, 0)?;
    for n in 1..=HEAVY_PUTS {
        let value = json!({"n": n, "text": "x".repeat(HEAVY_BYTES)});
        let (status, answer) = ask(server, "PUT", "heavy/documents/layers/last", &value.to_string())?;
        ensure!((200..300).contains(&status), "heavy {n}: {status} {answer}");
        books.heavy = n;
        steps.push(format!("heavy {n}"));
    }
    let (status, file) = ask_for_text(server, "GET", "show/export", "")?;
    ensure!(status == 200, "no export: {status}");
    let (status, answer) = ask(server, "POST", "copy/import", &file)?;
    ensure!(status == 200, "no import: {status} {answer}");
    steps.push("import".to_owned());
    let (_, show) = ask(server, "GET", "show", "")?;
    books.copy = Some(documents(&show));
    write(&mut client, books, steps, PUTS)
}

/// Some mutations, one after the other.
fn write(client: &mut Client, books: &mut Books, steps: &mut Vec<String>, from: u64) -> Result<()> {
    for n in from..from + PUTS {
        let id = format!("show-{n}");
        let mut written = Written::default();
        client.put("show", &id, &json!({"n": n + 1, "text": "x".repeat(100)}))?;
        let answered = client.wait_for("result");
        match answered.as_ref().map(|result| result["revision"].as_u64()) {
            Ok(revision) => written.acknowledged.push((id, revision.context("a result has a revision")?)),
            Err(_) => written.open.push(id),
        }
        books.show.note(written);
        steps.push(format!("put {n}"));
        answered?;
    }
    Ok(())
}

/// After a write that failed: it is not shown, and who reads is answered.
fn reads_go_on(server: &Server, books: &Books) -> Result<()> {
    let (status, snapshot) = ask(server, "GET", "show", "")?;
    ensure!(status == 200 || !books.created, "reading is answered by {status} {snapshot}");
    Ok(())
}

/// The documents that the play writes.
fn documents(snapshot: &Value) -> Value {
    snapshot["documents"]["layers"].clone()
}

fn ask(server: &Server, method: &str, path: &str, body: &str) -> Result<(u16, Value)> {
    let (status, text) = ask_for_text(server, method, path, body)?;
    Ok((status, serde_json::from_str(&text).unwrap_or_default()))
}

/// One request in the way of HTTP/1.0, so that the answer ends with its connection.
fn ask_for_text(server: &Server, method: &str, path: &str, body: &str) -> Result<(u16, String)> {
    let host = address(server.api());
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let (token, length) = (server.admin_token(), body.len());
    let kind = match (body.is_empty(), path.ends_with("/import")) {
        (true, _) => "",
        (false, true) => "content-type: application/x-ndjson\r\n",
        (false, false) => "content-type: application/json\r\n",
    };
    write!(
        stream,
        "{method} /v1/productions/{path} HTTP/1.0\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n{kind}\
         content-length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("an answer has a head")?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((status.context("an answer has a status")?, body.to_owned()))
}
