//! A server that knows nothing: it answers each request with what it was given for it, and keeps the request.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value, json};

/// What is answered, by method and path below the production: `POST start`, `GET `.
type Answers = Vec<(&'static str, u16, String)>;

/// The double. Its threads end with the test's process.
pub(crate) struct Double {
    answers: Answers,
    requests: Arc<Mutex<Vec<Request>>>,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Method and path below the production.
    pub(crate) line: String,
    /// The headers, with lower-case names.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Value,
}

/// What the program did.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) requests: Vec<Request>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Double {
    pub(crate) fn new() -> Self {
        Self { answers: Vec::new(), requests: Arc::default() }
    }

    /// What to answer. Of several for the same request each is given once, the last for good.
    pub(crate) fn says(self, line: &'static str, status: u16, body: &Value) -> Self {
        self.says_text(line, status, &body.to_string())
    }

    /// The same with a text: events, or nothing at all, which closes the connection without a word.
    pub(crate) fn says_text(mut self, line: &'static str, status: u16, body: &str) -> Self {
        self.answers.push((line, status, body.to_owned()));
        self
    }

    /// Runs `onair` against it.
    pub(crate) fn run(self, words: &[&str]) -> Done {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("it listens"));
        let (answers, requests) = (Arc::new(Mutex::new(self.answers)), Arc::clone(&self.requests));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answers, requests) = (Arc::clone(&answers), Arc::clone(&requests));
                thread::spawn(move || serve(stream, &answers, &requests));
            }
        });
        let mut command = Command::new(env!("CARGO_BIN_EXE_onair"));
        for name in ["ONAIR_SERVER", "ONAIR_TOKEN", "NO_COLOR"] {
            command.env_remove(name);
        }
        command.env("ONAIR_DATA", "a-directory-that-is-not-there").stdin(Stdio::null());
        let output = command.args(words).args(["--server", &address]).output().expect("the program starts");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        let requests = self.requests.lock().unwrap().clone();
        Done { code: output.status.code(), out: text(output.stdout), err: text(output.stderr), requests }
    }
}

fn serve(mut stream: TcpStream, answers: &Mutex<Answers>, requests: &Mutex<Vec<Request>>) {
    let request = read(&mut stream);
    let answer = {
        let mut answers = answers.lock().unwrap();
        let mut fitting = (0..answers.len()).filter(|index| request.line == answers[*index].0);
        match (fitting.next(), fitting.next()) {
            (Some(first), Some(_)) => answers.remove(first),
            (Some(only), None) => answers[only].clone(),
            (None, _) => {
                let detail = format!("the double has no answer to {}", request.line);
                ("", 404, json!({ "code": "not-found", "status": 404, "detail": detail }).to_string())
            }
        }
    };
    requests.lock().unwrap().push(request);
    let (_, status, body) = answer;
    if body.is_empty() {
        return;
    }
    let kind = if body.starts_with("event:") { "text/event-stream" } else { "application/json" };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} Said\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    // Who has its answer may be gone before its progress is told.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
}

fn read(stream: &mut TcpStream) -> Request {
    let mut lines = BufReader::new(stream);
    let mut next = || {
        let mut line = String::new();
        lines.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    };
    let first = next();
    let mut words = first.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = path.strip_prefix("/v1/productions/main").map_or(path, |rest| rest.trim_start_matches('/'));
    let line = format!("{method} {path}");
    let headers: Vec<(String, String)> = std::iter::from_fn(|| Some(next()).filter(|line| !line.is_empty()))
        .filter_map(|line| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned())))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(0, |(_, length)| length.parse().expect("a length"))];
    lines.read_exact(&mut body).expect("the body");
    Request { line, headers, body: serde_json::from_slice(&body).unwrap_or_default() }
}
