//! The generator: one thread, one epoll set, one read per readable socket, no allocation per message.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::fd::RawFd;

use crate::dialect::{wsframe, Dialect};
use crate::stamp::{scan, Stats, MARK};
use crate::system::now;

pub struct Conn {
    pub fd: RawFd,
    pub step: usize,
    pub ready: bool,
    pub frames: bool,
    pub last: u64,
    pub left: Vec<u8>,
}

pub struct Gen {
    pub ep: RawFd,
    pub conns: Vec<Conn>,
    pub d: Dialect,
    pub buf: Vec<u8>,
    pub st: Stats,
    pub base: u64,
    pub n_ready: usize,
    pub publ: Option<TcpStream>,
    pub pout: Vec<u8>,
    pub seq: u64,
    pub size: usize,
    pub evs: Vec<libc::epoll_event>,
    pub open_hs: usize,
    pub timfd: RawFd,
}
pub const PUBTOK: u64 = u64::MAX;
pub const TIMTOK: u64 = u64::MAX - 1;

impl Gen {
    fn send(fd: RawFd, b: &[u8]) {
        unsafe {
            libc::send(fd, b.as_ptr() as _, b.len(), libc::MSG_NOSIGNAL);
        }
    }

    /// after connect or after a matched token: send this step's bytes
    fn begin_step(&mut self, i: usize) {
        let c = &mut self.conns[i];
        if c.step >= self.d.steps.len() {
            c.ready = true;
            self.n_ready += 1;
            self.open_hs -= 1;
            return;
        }
        let b = (self.d.steps[c.step].send)(i);
        if !b.is_empty() {
            Self::send(c.fd, &b)
        }
    }

    fn on_readable(&mut self, i: usize, fnd: &memchr::memmem::Finder) {
        let c = &mut self.conns[i];
        let pre = c.left.len();
        if pre > 0 {
            self.buf[..pre].copy_from_slice(&c.left);
            c.left.clear();
        }
        let cap = self.buf.len() - pre;
        let r = unsafe { libc::read(c.fd, self.buf[pre..].as_mut_ptr() as _, cap.min(131072)) };
        if r <= 0 {
            if r < 0 && unsafe { *libc::__errno_location() } == libc::EAGAIN {
                return;
            }
            unsafe { libc::close(c.fd) };
            c.fd = -1;
            self.st.closed += 1;
            if !c.ready {
                self.open_hs -= 1;
            }
            if self.st.closed < 4 {
                eprintln!("conn {i} closed by server at step {} ready {}", c.step, c.ready)
            }
            return;
        }
        self.st.reads += 1;
        self.st.bytes += r as u64;
        let t = now();
        let end = pre + r as usize;
        let mut o = 0;
        loop {
            let c = &mut self.conns[i];
            if o >= end {
                break;
            }
            if !c.ready && !c.frames {
                // raw token wait
                let tok = &self.d.steps[c.step].wait;
                if let Some(p) = memchr::memmem::find(&self.buf[o..end], tok) {
                    if c.step == 0 && self.d.ws && !self.buf[o..end].starts_with(b"HTTP/1.1 101") {
                        eprintln!("bad upgrade: {}", String::from_utf8_lossy(&self.buf[o..end.min(o + 200)]));
                        std::process::exit(3);
                    }
                    if c.step == 0 && self.d.sse && !self.buf[o..end].starts_with(b"HTTP/1.1 200") {
                        eprintln!("bad sse: {}", String::from_utf8_lossy(&self.buf[o..end.min(o + 200)]));
                        std::process::exit(3);
                    }
                    o += p + tok.len();
                    let c = &mut self.conns[i];
                    c.step += 1;
                    if self.d.ws {
                        c.frames = true
                    }
                    self.begin_step(i);
                } else {
                    break;
                }
                continue;
            }
            if c.frames {
                let d = &self.buf[o..end];
                if d.len() < 2 {
                    break;
                }
                let l7 = (d[1] & 127) as usize;
                let (len, h) = if l7 < 126 {
                    (l7, 2)
                } else if l7 == 126 {
                    if d.len() < 4 {
                        break;
                    }
                    (u16::from_be_bytes([d[2], d[3]]) as usize, 4)
                } else {
                    if d.len() < 10 {
                        break;
                    }
                    (u64::from_be_bytes(d[2..10].try_into().unwrap()) as usize, 10)
                };
                if d.len() < h + len {
                    break;
                }
                let op = d[0] & 15;
                let p = &d[h..h + len];
                o += h + len;
                if op == 9 {
                    let f = wsframe(10, p);
                    Self::send(c.fd, &f);
                    continue;
                }
                if op == 8 {
                    if self.st.closed < 3 {
                        eprintln!("close frame {:?}", String::from_utf8_lossy(p))
                    }
                    continue;
                }
                if !c.ready {
                    let tok = &self.d.steps[c.step].wait;
                    if memchr::memmem::find(p, tok).is_some() {
                        c.step += 1;
                        self.begin_step(i);
                    } else if self.d.verbose && i == 0 {
                        eprintln!("hs frame {:?} {:02x?}", String::from_utf8_lossy(p), &p[..p.len().min(64)]);
                    }
                    continue;
                }
                if self.d.verbose && i == 0 {
                    eprintln!("frame {:?}", String::from_utf8_lossy(p));
                }
                let e = scan(fnd, p, &mut c.last, self.base, t, &mut self.st);
                if e == 0 {
                    if let Some(r) = (self.d.pong)(p) {
                        Self::send(c.fd, &r)
                    }
                }
                continue;
            }
            // raw stream, ready
            let d = &self.buf[o..end];
            let e = scan(fnd, d, &mut c.last, self.base, t, &mut self.st);
            if e == 0 {
                if let Some(r) = (self.d.pong)(d) {
                    Self::send(c.fd, &r)
                }
            }
            let rest = &d[e..];
            let from = rest.len().saturating_sub(MARK - 1);
            let keep = match memchr::memmem::find(&rest[from..], b"@@") {
                Some(k) => from + k,
                None => {
                    if rest.last() == Some(&b'@') && e < d.len() && !rest.is_empty() {
                        rest.len() - 1
                    } else {
                        rest.len()
                    }
                }
            };
            o += e + keep;
            break;
        }
        if o < end {
            let c = &mut self.conns[i];
            c.left.extend_from_slice(&self.buf[o..end]);
        }
    }

    fn payload(&self, seq: u64, at: u64) -> Vec<u8> {
        let mut s = format!("{{\"rev\":{seq},\"key\":\"show/main/cue/current\",\"v\":{{\"t\":\"@@{seq:010}.{at:016}@\",\"pad\":\"");
        while s.len() < self.size - 3 {
            s.push((b'a' + (s.len() % 26) as u8) as char)
        }
        s.push_str("\"}}");
        s.into_bytes()
    }
    pub fn publish(&mut self, at: u64) {
        self.seq += 1;
        let p = self.payload(self.seq, at);
        let b = (self.d.publish)(&p);
        self.pout.extend_from_slice(&b);
        self.flush_pub();
    }
    fn flush_pub(&mut self) {
        if self.pout.is_empty() {
            return;
        }
        if let Some(s) = &mut self.publ {
            match s.write(&self.pout) {
                Ok(n) => {
                    self.pout.drain(..n);
                }
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(e) => {
                    eprintln!("publisher: {e}");
                    std::process::exit(4)
                }
            }
        }
    }
    /// one epoll round
    pub fn turn(&mut self, timeout_ms: i32, fnd: &memchr::memmem::Finder) -> usize {
        let n =
            unsafe { libc::epoll_wait(self.ep, self.evs.as_mut_ptr(), self.evs.len() as i32, timeout_ms) };
        for k in 0..n.max(0) as usize {
            let (tok, e) = (self.evs[k].u64, self.evs[k].events);
            if tok == PUBTOK {
                let mut b = [0u8; 16384];
                if let Some(s) = &mut self.publ {
                    if e & libc::EPOLLIN as u32 != 0 {
                        match s.read(&mut b) {
                            Ok(0) => {
                                eprintln!("publisher closed by server");
                                std::process::exit(4)
                            }
                            Ok(n) => {
                                if let Some(r) = (self.d.pub_pong)(&b[..n]) {
                                    self.pout.extend_from_slice(&r)
                                }
                            }
                            Err(_) => {}
                        }
                    }
                }
                continue;
            }
            if tok == TIMTOK {
                let mut x = 0u64;
                unsafe { libc::read(self.timfd, &mut x as *mut _ as _, 8) };
                continue;
            }
            let i = tok as usize;
            if self.conns[i].fd < 0 {
                continue;
            }
            if e & libc::EPOLLOUT as u32 != 0 {
                let mut ev = libc::epoll_event { events: libc::EPOLLIN as u32, u64: tok };
                unsafe { libc::epoll_ctl(self.ep, libc::EPOLL_CTL_MOD, self.conns[i].fd, &mut ev) };
                self.begin_step(i);
            }
            if e & (libc::EPOLLIN | libc::EPOLLHUP | libc::EPOLLERR) as u32 != 0 {
                self.on_readable(i, fnd)
            }
        }
        self.flush_pub();
        n.max(0) as usize
    }
}

impl Gen {
    pub fn connect_all(
        &mut self,
        addr: &std::net::SocketAddr,
        n: usize,
        inflight: usize,
        fnd: &memchr::memmem::Finder,
    ) {
        let std::net::SocketAddr::V4(v4) = addr else { panic!() };
        let mut started = 0;
        let t0 = now();
        while self.n_ready + (self.st.closed as usize) < n {
            while started < n && self.open_hs < inflight {
                unsafe {
                    let fd = libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_NONBLOCK, 0);
                    assert!(fd >= 0, "socket: raise nofile");
                    let one = 1i32;
                    libc::setsockopt(fd, libc::IPPROTO_TCP, libc::TCP_NODELAY, &one as *const _ as _, 4);
                    let lg = libc::linger { l_onoff: 1, l_linger: 0 };
                    libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_LINGER, &lg as *const _ as _, 8);
                    let mut sa: libc::sockaddr_in = std::mem::zeroed();
                    sa.sin_family = libc::AF_INET as u16;
                    sa.sin_port = v4.port().to_be();
                    sa.sin_addr.s_addr = u32::from_ne_bytes(v4.ip().octets());
                    let r = libc::connect(fd, &sa as *const _ as _, std::mem::size_of_val(&sa) as u32);
                    assert!(r == 0 || *libc::__errno_location() == libc::EINPROGRESS, "connect");
                    let mut ev = libc::epoll_event {
                        events: (libc::EPOLLIN | libc::EPOLLOUT) as u32,
                        u64: started as u64,
                    };
                    libc::epoll_ctl(self.ep, libc::EPOLL_CTL_ADD, fd, &mut ev);
                    self.conns.push(Conn { fd, step: 0, ready: false, frames: false, last: 0, left: vec![] });
                }
                started += 1;
                self.open_hs += 1;
            }
            self.turn(100, fnd);
            if now() - t0 > 60_000_000_000 {
                eprintln!("connect timeout: ready {} of {n}", self.n_ready);
                break;
            }
        }
    }
    pub fn reset(&mut self) {
        self.base = self.seq + 1;
        let b = self.seq;
        for c in &mut self.conns {
            c.last = b
        }
        let closed = self.st.closed;
        self.st = Stats::new();
        self.st.closed = closed;
    }
}
