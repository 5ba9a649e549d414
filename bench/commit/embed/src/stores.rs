//! One trait, one implementation per candidate. `commit` applies a batch of CAS appends in one
//! transaction and returns only after one durable sync.
use std::collections::HashMap;
use std::path::Path;

pub struct Op {
    pub prod: u64,
    pub expected: u64,
    pub payload: Vec<u8>,
}
pub type Res = Result<u64, u64>; // Ok(new revision) or Err(actual head)

pub trait Store: Send {
    fn commit(&mut self, ops: &[Op], out: &mut Vec<Res>);
}

pub fn key(p: u64, r: u64) -> [u8; 16] {
    let mut k = [0u8; 16];
    k[..8].copy_from_slice(&p.to_be_bytes());
    k[8..].copy_from_slice(&r.to_be_bytes());
    k
}
pub fn unkey(k: &[u8]) -> (u64, u64) {
    (u64::from_be_bytes(k[..8].try_into().unwrap()), u64::from_be_bytes(k[8..16].try_into().unwrap()))
}

pub fn open(engine: &str, dir: &Path) -> Box<dyn Store> {
    std::fs::create_dir_all(dir).unwrap();
    match engine {
        "fjall" => Box::new(fjall_s::S::open(dir)),
        "log" => Box::new(log_s::S::open(dir, false)),
        "log-pre" => Box::new(log_s::S::open(dir, true)),
        _ => panic!("unknown engine {engine}"),
    }
}

mod fjall_s {
    use super::*;
    use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
    pub struct S {
        db: Database,
        ks: Keyspace,
        ov: HashMap<u64, u64>,
    }
    impl S {
        pub fn open(dir: &Path) -> S {
            let db = Database::builder(dir.join("db")).cache_size(256 << 20).open().unwrap();
            let ks = db.keyspace("changes", KeyspaceCreateOptions::default).unwrap();
            S { db, ks, ov: HashMap::new() }
        }
    }
    impl Store for S {
        fn commit(&mut self, ops: &[Op], out: &mut Vec<Res>) {
            out.clear();
            self.ov.clear();
            let mut b = self.db.batch().durability(Some(PersistMode::SyncData));
            for o in ops {
                let head = match self.ov.get(&o.prod) {
                    Some(h) => *h,
                    None => self
                        .ks
                        .prefix(o.prod.to_be_bytes())
                        .next_back()
                        .map(|g| unkey(&g.key().unwrap()).1)
                        .unwrap_or(0),
                };
                if head != o.expected {
                    out.push(Err(head));
                    continue;
                }
                b.insert(&self.ks, key(o.prod, head + 1), o.payload.as_slice());
                self.ov.insert(o.prod, head + 1);
                out.push(Ok(head + 1));
            }
            b.commit().unwrap();
        }
    }
}

/// Hand-written segmented append file: [len u32][crc u32][prod u64][rev u64][payload], heads in memory,
/// one write + one fdatasync per batch. `pre` reserves each segment with fallocate so the data sync
/// does not have to grow the file. The physical limit, and also the smallest thing that could be shipped.
mod log_s {
    use super::*;
    use std::fs::{File, OpenOptions};
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::FileExt;
    use std::path::PathBuf;
    const SEG: u64 = 64 << 20;
    const H: usize = 24;
    pub struct S {
        dir: PathBuf,
        pre: bool,
        seg: u64,
        f: File,
        off: u64,
        heads: HashMap<u64, u64>,
        buf: Vec<u8>,
    }
    fn seg_path(d: &Path, n: u64) -> PathBuf {
        d.join(format!("{n:08}.seg"))
    }
    fn walk(b: &[u8], f: &mut dyn FnMut(u64, u64, &[u8])) -> usize {
        let mut o = 0;
        while o + H <= b.len() {
            let len = u32::from_le_bytes(b[o..o + 4].try_into().unwrap()) as usize;
            if len == 0 || o + H + len > b.len() {
                break;
            }
            let crc = u32::from_le_bytes(b[o + 4..o + 8].try_into().unwrap());
            if crc32fast::hash(&b[o + 8..o + H + len]) != crc {
                break;
            }
            let (p, r) = unkey(&b[o + 8..o + 24]);
            f(p, r, &b[o + H..o + H + len]);
            o += H + len;
        }
        o
    }
    fn create(d: &Path, n: u64, pre: bool) -> File {
        let f = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(seg_path(d, n))
            .unwrap();
        if pre {
            assert_eq!(unsafe { libc::posix_fallocate(f.as_raw_fd(), 0, SEG as i64) }, 0);
        }
        f.sync_all().unwrap();
        File::open(d).unwrap().sync_all().unwrap();
        f
    }
    impl S {
        pub fn open(dir: &Path, pre: bool) -> S {
            let mut heads = HashMap::new();
            let mut n = 0;
            let mut last = None;
            while seg_path(dir, n).exists() {
                let b = std::fs::read(seg_path(dir, n)).unwrap();
                let end = walk(&b, &mut |p, r, _| {
                    heads.insert(p, r);
                });
                last = Some((n, end as u64));
                n += 1;
            }
            let (seg, off) = last.unwrap_or((0, 0));
            let f = create(dir, seg, pre);
            if !pre {
                f.set_len(off).unwrap();
            } // with `pre` a torn tail is overwritten in place and fails its crc until then
            S { dir: dir.into(), pre, seg, f, off, heads, buf: Vec::new() }
        }
    }
    impl Store for S {
        fn commit(&mut self, ops: &[Op], out: &mut Vec<Res>) {
            out.clear();
            self.buf.clear();
            for o in ops {
                let h = self.heads.entry(o.prod).or_insert(0);
                if *h != o.expected {
                    out.push(Err(*h));
                    continue;
                }
                *h += 1;
                let s = self.buf.len();
                self.buf.extend_from_slice(&(o.payload.len() as u32).to_le_bytes());
                self.buf.extend_from_slice(&[0; 4]);
                self.buf.extend_from_slice(&key(o.prod, *h));
                self.buf.extend_from_slice(&o.payload);
                let crc = crc32fast::hash(&self.buf[s + 8..]);
                self.buf[s + 4..s + 8].copy_from_slice(&crc.to_le_bytes());
                out.push(Ok(*h));
            }
            if self.buf.is_empty() {
                return;
            }
            if self.off + self.buf.len() as u64 > SEG {
                self.f.sync_all().unwrap();
                self.seg += 1;
                self.f = create(&self.dir, self.seg, self.pre);
                self.off = 0;
            }
            self.f.write_all_at(&self.buf, self.off).unwrap();
            self.f.sync_data().unwrap();
            self.off += self.buf.len() as u64;
        }
    }
}
