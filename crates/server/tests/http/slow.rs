//! Who takes for ever is cut off, and what is no HTTP is (input B25). The clock stands still, and goes on to the next
//! moment at which something happens by itself whenever nobody has anything to do.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep},
};

use crate::site::{MAIN, Site};

/// A head or a body may stand still for ten seconds.
const STANDSTILL: Duration = Duration::from_secs(10);
/// A body may take a minute.
const BODY: Duration = Duration::from_secs(60);

fn put(site: &Site) -> String {
    format!(
        "PUT {MAIN}/documents/layers/logo HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\nconnection: close\r\ncontent-length: 1000\r\n\r\n{{",
        site.server.api(),
        site.admin
    )
}

async fn ended(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // One that is reset has ended as well.
    drop(stream.read_to_end(&mut answer).await);
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn b25_what_stands_still_is_cut_off() {
    let site = Site::new().await;
    tokio::time::pause();
    let table = [
        ("nothing", String::new(), ""),
        ("half a head", "GET /livez HTTP/1.1\r\nhost: loc".into(), ""),
        ("half a body", put(&site), "HTTP/1.1 408"),
    ];
    for (name, said, begins) in table {
        let mut stream = TcpStream::connect(site.server.api()).await.unwrap();
        stream.write_all(said.as_bytes()).await.unwrap();
        let begun = Instant::now();
        let answer = ended(&mut stream).await;
        let took = begun.elapsed();
        assert!(answer.starts_with(begins), "{name}: {answer}");
        assert!(took >= STANDSTILL && took < 2 * STANDSTILL, "{name} took {took:?}");
    }
    site.ask("GET", "changes").send().await.is(200);
}

#[tokio::test]
async fn b25_what_comes_byte_by_byte_is_cut_off() {
    let site = Site::new().await;
    tokio::time::pause();
    let table = [
        ("a head", "GET /livez HTTP/1.1\r\nx-slow: ".to_owned(), STANDSTILL, ""),
        ("a body", put(&site), BODY, "HTTP/1.1 408"),
    ];
    for (name, said, longest, begins) in table {
        let mut stream = TcpStream::connect(site.server.api()).await.unwrap();
        stream.write_all(said.as_bytes()).await.unwrap();
        let begun = Instant::now();
        let (mut read, mut write) = stream.split();
        let mut answer = Vec::new();
        tokio::select! {
            ended = read.read_to_end(&mut answer) => drop(ended),
            () = async {
                while write.write_all(b" ").await.is_ok() {
                    sleep(Duration::from_secs(3)).await;
                }
                std::future::pending::<()>().await;
            } => {}
        }
        let (took, answer) = (begun.elapsed(), String::from_utf8_lossy(&answer));
        assert!(answer.starts_with(begins), "{name}: {answer}");
        assert!(took >= longest && took < longest + STANDSTILL, "{name} took {took:?}");
    }
}

#[tokio::test]
async fn b25_what_is_no_http_is_refused() {
    let site = Site::new().await;
    let many = (0..10_000).map(|n| format!("x-{n}: 1\r\n")).collect::<String>();
    let head = |lines: &str| format!("GET /livez HTTP/1.1\r\nhost: localhost\r\n{lines}\r\n").into_bytes();
    let table = [
        (
            "the beginning of TLS",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(),
            "HTTP/1.1 400",
        ),
        ("HTTP/0.9", b"GET /livez\r\n\r\n".to_vec(), "HTTP/1.1 400"),
        ("another version", b"GET /livez HTTP/3.0\r\nhost: localhost\r\n\r\n".to_vec(), "HTTP/1.1 400"),
        ("a header of a megabyte", head(&format!("x: {}\r\n", "y".repeat(1 << 20))), "HTTP/1.1 431"),
        ("ten thousand headers", head(&many), "HTTP/1.1 431"),
        ("two lengths", head("content-length: 1\r\ncontent-length: 2\r\n"), "HTTP/1.1 400"),
        ("a length that is none", head("content-length: -1\r\n"), "HTTP/1.1 400"),
        ("two hosts", head("host: elsewhere.example\r\nconnection: close\r\n"), "HTTP/1.1 4"),
    ];
    for (name, said, begins) in table {
        let answer = site.raw(&said).await;
        // One whose rest is not read may be reset before the answer arrives.
        assert!(answer.is_empty() && said.len() > 100_000 || answer.starts_with(begins), "{name}: {answer}");
    }
}
