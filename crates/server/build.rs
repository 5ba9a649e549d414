//! Compresses the files of the monitor, so that no request waits for it: they are committed as they are built, which is
//! what the steps compare.

use std::{
    env, fs,
    io::{self, Write as _},
    path::Path,
};

use flate2::{Compression, GzBuilder};

fn main() -> io::Result<()> {
    let from = Path::new("assets/monitor");
    let to = env::var_os("OUT_DIR").expect("cargo says where to");
    println!("cargo::rerun-if-changed={}", from.display());
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let mut name = entry.file_name();
        name.push(".gz");
        // No time and no name within: the same file gives the same bytes.
        let mut gzip = GzBuilder::new().write(Vec::new(), Compression::best());
        gzip.write_all(&fs::read(entry.path())?)?;
        fs::write(Path::new(&to).join(name), gzip.finish()?)?;
    }
    Ok(())
}
