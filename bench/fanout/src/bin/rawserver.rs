//! RAW LIMIT: one thread, epoll, each published payload is encoded once as an
//! unmasked WebSocket text frame and written to every subscriber socket with one
//! write() per socket per message. No queues, no state, no slow-consumer policy:
//! a short write is counted and printed, the peer is dropped.
//!
//! `--batch-us T`: instead of writing at once, append the frame to ONE shared
//! buffer and write that buffer to every socket when T microseconds have passed
//! since its first frame (the coalescing limit: one write per socket per tick).
use std::collections::HashMap;
use std::os::fd::RawFd;

fn b64(d: &[u8]) -> String {
    const T: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut o = String::new();
    for c in d.chunks(3) {
        let n = (c[0] as u32) << 16 | (*c.get(1).unwrap_or(&0) as u32) << 8 | *c.get(2).unwrap_or(&0) as u32;
        o.push(T[(n >> 18) as usize & 63] as char);
        o.push(T[(n >> 12) as usize & 63] as char);
        o.push(if c.len() > 1 { T[(n >> 6) as usize & 63] as char } else { '=' });
        o.push(if c.len() > 2 { T[n as usize & 63] as char } else { '=' });
    }
    o
}
fn now_us() -> u64 {
    unsafe {
        let mut t: libc::timespec = std::mem::zeroed();
        libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut t);
        t.tv_sec as u64 * 1_000_000 + t.tv_nsec as u64 / 1000
    }
}
#[derive(PartialEq)]
enum Kind {
    New,
    Sub,
    Pub,
}
struct C {
    kind: Kind,
    buf: Vec<u8>,
}

fn frame(out: &mut Vec<u8>, p: &[u8]) {
    out.push(0x81);
    if p.len() < 126 {
        out.push(p.len() as u8)
    } else {
        out.push(126);
        out.extend_from_slice(&(p.len() as u16).to_be_bytes())
    }
    out.extend_from_slice(p);
}

fn main() {
    let a: Vec<String> = std::env::args().collect();
    let port: u16 = a.get(1).and_then(|s| s.parse().ok()).unwrap_or(9001);
    let batch: u64 = a.iter().position(|x| x == "--batch-us").map(|i| a[i + 1].parse().unwrap()).unwrap_or(0);
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
        let l = libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_NONBLOCK, 0);
        let one = 1i32;
        libc::setsockopt(l, libc::SOL_SOCKET, libc::SO_REUSEADDR, &one as *const _ as _, 4);
        let mut sa: libc::sockaddr_in = std::mem::zeroed();
        sa.sin_family = libc::AF_INET as u16;
        sa.sin_port = port.to_be();
        sa.sin_addr.s_addr = u32::from_ne_bytes([127, 0, 0, 1]);
        assert_eq!(libc::bind(l, &sa as *const _ as _, std::mem::size_of_val(&sa) as u32), 0);
        assert_eq!(libc::listen(l, 4096), 0);
        let ep = libc::epoll_create1(0);
        let add = |fd: RawFd| {
            let mut ev = libc::epoll_event { events: libc::EPOLLIN as u32, u64: fd as u64 };
            libc::epoll_ctl(ep, libc::EPOLL_CTL_ADD, fd, &mut ev);
        };
        add(l);
        let mut conns: HashMap<RawFd, C> = HashMap::new();
        let mut subs: Vec<RawFd> = Vec::new();
        let mut evs: Vec<libc::epoll_event> = vec![std::mem::zeroed(); 256];
        let mut rb = vec![0u8; 65536];
        let mut fb: Vec<u8> = Vec::with_capacity(1 << 20);
        let mut due: u64 = 0;
        let mut short = 0u64;
        loop {
            let tmo = if batch > 0 && !fb.is_empty() {
                let n = now_us();
                if n >= due {
                    0
                } else {
                    ((due - n) as i32 + 999) / 1000
                }
            } else {
                -1
            };
            let n = libc::epoll_wait(ep, evs.as_mut_ptr(), 256, tmo);
            for i in 0..n.max(0) as usize {
                let fd = evs[i].u64 as RawFd;
                if fd == l {
                    for _ in 0..64 {
                        let c =
                            libc::accept4(l, std::ptr::null_mut(), std::ptr::null_mut(), libc::SOCK_NONBLOCK);
                        if c < 0 {
                            break;
                        }
                        libc::setsockopt(c, libc::IPPROTO_TCP, libc::TCP_NODELAY, &one as *const _ as _, 4);
                        conns.insert(c, C { kind: Kind::New, buf: vec![] });
                        add(c);
                    }
                    continue;
                }
                let r = libc::read(fd, rb.as_mut_ptr() as _, rb.len());
                if r <= 0 {
                    if r < 0 && *libc::__errno_location() == libc::EAGAIN {
                        continue;
                    }
                    libc::close(fd);
                    conns.remove(&fd);
                    subs.retain(|x| *x != fd);
                    continue;
                }
                let Some(c) = conns.get_mut(&fd) else { continue };
                c.buf.extend_from_slice(&rb[..r as usize]);
                if c.kind == Kind::New {
                    let Some(e) = memchr::memmem::find(&c.buf, b"\r\n\r\n") else { continue };
                    let h = String::from_utf8_lossy(&c.buf[..e]).to_string();
                    let key = h
                        .lines()
                        .find(|x| x.to_ascii_lowercase().starts_with("sec-websocket-key:"))
                        .map(|x| x[18..].trim().to_string())
                        .unwrap_or_default();
                    let mut s = sha1_smol::Sha1::new();
                    s.update(key.as_bytes());
                    s.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
                    let resp = format!("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n", b64(&s.digest().bytes()));
                    libc::write(fd, resp.as_ptr() as _, resp.len());
                    c.buf = Vec::new();
                    if h.starts_with("GET /pub") {
                        c.kind = Kind::Pub
                    } else {
                        c.kind = Kind::Sub;
                        subs.push(fd)
                    }
                    continue;
                }
                if c.kind == Kind::Sub {
                    c.buf.clear();
                    continue;
                }
                // publisher: masked frames
                let mut b = std::mem::take(&mut c.buf);
                let mut o = 0;
                loop {
                    let d = &b[o..];
                    if d.len() < 6 {
                        break;
                    }
                    let l7 = (d[1] & 127) as usize;
                    let (len, h) = if l7 < 126 {
                        (l7, 2)
                    } else {
                        if d.len() < 8 {
                            break;
                        }
                        (u16::from_be_bytes([d[2], d[3]]) as usize, 4)
                    };
                    if d.len() < h + 4 + len {
                        break;
                    }
                    let m = [d[h], d[h + 1], d[h + 2], d[h + 3]];
                    let p: Vec<u8> =
                        d[h + 4..h + 4 + len].iter().enumerate().map(|(i, x)| x ^ m[i & 3]).collect();
                    o += h + 4 + len;
                    if batch > 0 {
                        if fb.is_empty() {
                            due = now_us() + batch
                        }
                        frame(&mut fb, &p);
                    } else {
                        fb.clear();
                        frame(&mut fb, &p);
                        for s in &subs {
                            let w = libc::write(*s, fb.as_ptr() as _, fb.len());
                            if w != fb.len() as isize {
                                short += 1;
                                if short < 5 {
                                    eprintln!("short write {w}")
                                }
                            }
                        }
                    }
                }
                b.drain(..o);
                if let Some(c) = conns.get_mut(&fd) {
                    c.buf = b
                }
            }
            if batch > 0 && !fb.is_empty() && now_us() >= due {
                for s in &subs {
                    let w = libc::write(*s, fb.as_ptr() as _, fb.len());
                    if w != fb.len() as isize {
                        short += 1;
                        if short < 5 {
                            eprintln!("short write {w}")
                        }
                    }
                }
                fb.clear();
            }
        }
    }
}
