//! How a server is struck: by the kernel, or by the power.
//!
//! `kill -9` leaves what was written in the page cache, where the next server finds it; it says nothing about flushes. A
//! power cut does (fault F3): the data lies on a file system of its own, in a file, and the kernel is told to forget what
//! was not forced to that device, its own journal included. Then it is mounted anew.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::{
    outside::server::Server,
    process::{output, run},
};

/// The file system is made this large, in bytes.
const DEVICE_BYTES: u64 = 1 << 30;
/// How long whoever is stopped may take to come back from a call to the kernel. A flush that is under way at the very
/// moment of the cut would be told that it was done, which is the kernel's doing (`EXT4_IOC_SHUTDOWN`) and no disk's.
const SETTLE: Duration = Duration::from_millis(60);
/// How often to try again while the file system is still in use.
const UNMOUNTS_MAX: u32 = 100;
/// `EXT4_IOC_SHUTDOWN` without a flush of the journal; there is no program that says it, and it needs no more than this.
const CUT: &str = "import fcntl, os, struct, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
fcntl.ioctl(fd, 0x8004587D, struct.pack('I', 2))";

/// What strikes.
#[derive(Debug)]
pub(super) enum Blow {
    Kill,
    PowerCut(Device),
}

/// A file system of its own, mounted where the server keeps its data.
#[derive(Debug)]
pub(super) struct Device {
    image: PathBuf,
    mount: PathBuf,
}

impl Blow {
    /// A power cut, for a server whose data lies below `dir`.
    ///
    /// # Errors
    /// No file system could be made or mounted, which takes root.
    pub(super) fn power_cut(dir: &Path) -> Result<Self> {
        let device = Device { image: dir.join("device.img"), mount: dir.join("data") };
        File::create(&device.image)
            .and_then(|file| file.set_len(DEVICE_BYTES))
            .with_context(|| format!("cannot create {}", device.image.display()))?;
        fs::create_dir_all(&device.mount)?;
        run(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&device.image))?;
        device.mount().context("a power cut needs root, to mount a file system that can be cut off")?;
        Ok(Self::PowerCut(device))
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Kill => "kills",
            Self::PowerCut(_) => "power cuts",
        }
    }

    /// Strikes; nothing the server did until now can be taken back.
    pub(super) fn strike(&self, server: &Server) -> Result<()> {
        if let Self::PowerCut(device) = self {
            run(Command::new("kill").args(["-STOP", &server.pid().to_string()]))?;
            thread::sleep(SETTLE);
            output(Command::new("python3").args(["-c", CUT]).arg(&device.mount))?;
        }
        server.kill_now()
    }

    /// Once the server is gone: what the next one finds.
    pub(super) fn come_back(&self) -> Result<()> {
        match self {
            Self::Kill => Ok(()),
            Self::PowerCut(device) => device.unmount().and_then(|()| device.mount()),
        }
    }
}

impl Device {
    fn mount(&self) -> Result<()> {
        run(Command::new("mount").args(["-o", "loop"]).arg(&self.image).arg(&self.mount))
    }

    fn unmount(&self) -> Result<()> {
        for _ in 0..UNMOUNTS_MAX {
            if Command::new("umount").arg(&self.mount).output()?.status.success() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(50));
        }
        bail!("{} cannot be unmounted", self.mount.display())
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        // It may be unmounted already; what is left would be in the way of the next run.
        if let Err(error) = self.unmount() {
            eprintln!("{error:#}");
        }
    }
}
