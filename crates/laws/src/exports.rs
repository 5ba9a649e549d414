//! An exported production that somebody wants to import. Its last line has a checksum that no fuzzer guesses, so the
//! bytes are tried as they are and with the last line that would fit them.

use bytes::Bytes;
use onair_runtime::transfer::Import;
use xxhash_rust::xxh3::xxh3_64;

pub(crate) fn check(bytes: &[u8]) {
    read(bytes);
    let mut whole = bytes.to_vec();
    if whole.last() != Some(&b'\n') {
        whole.push(b'\n');
    }
    let commits = whole.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"{\"commit\"")).count();
    let end = format!("{{\"end\":{{\"commits\":{commits},\"checksum\":\"{:016x}\"}}}}\n", xxh3_64(&whole));
    whole.extend_from_slice(end.as_bytes());
    read(&whole);
}

fn read(bytes: &[u8]) {
    match Import::read(&Bytes::copy_from_slice(bytes)) {
        Ok(import) => assert!(import.revision().0 >= import.commits() as u64, "revisions are dense"),
        Err(error) => assert!(!error.to_string().is_empty(), "a refusal without a reason"),
    }
}
