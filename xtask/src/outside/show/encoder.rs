//! A service that is a process of the server: this program again, which keeps a connection to us for as long as it
//! lives. The system closes it however the process ends, so what is connected is what is on.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};

use super::plan::Fault;
use super::scene::Scene;
use super::world::ENCODER;

/// What it prints once it is on.
pub(super) const READY: &str = "on air";
const YES: u8 = b'y';
const NO: u8 = b'n';

/// The process: says that it is there, waits for leave, is on until somebody ends it.
pub(crate) fn stand_in(address: &str) -> Result<()> {
    let mut stream = TcpStream::connect(address)?;
    let mut word = [0];
    stream.read_exact(&mut word)?;
    if word[0] != YES {
        bail!("it cannot");
    }
    println!("{READY}");
    // Nothing more comes: the connection ends when it is to crash.
    let _ = stream.read(&mut word);
    bail!("it crashed")
}

/// Sees processes come and go until all is over, which a last connection says.
pub(super) fn run(scene: &Arc<Scene>, listener: &TcpListener) {
    let mut drawn = (0, 0);
    for stream in listener.incoming() {
        if scene.is_over() {
            return;
        }
        let Ok(stream) = stream else { continue };
        let befalls = scene.befalls(ENCODER, &mut drawn);
        let scene = Arc::clone(scene);
        thread::spawn(move || see(&scene, stream, befalls));
    }
}

/// One process.
fn see(scene: &Scene, mut stream: TcpStream, (fault, delay): (Fault, Duration)) {
    scene.world().count += 1;
    scene.counted();
    thread::sleep(delay);
    let refused = matches!(fault, Fault::Fails | Fault::FailsOnce | Fault::LostBefore | Fault::CrashesBefore);
    if refused {
        let _ = stream.write_all(&[NO]);
        return;
    }
    let crashes = matches!(fault, Fault::CrashesAfter | Fault::CrashesAnswered);
    scene.world().appears(crashes);
    if stream.write_all(&[YES]).is_ok() {
        if crashes {
            thread::sleep(delay);
            let _ = stream.shutdown(Shutdown::Write);
        }
        // Until it is gone: it says nothing.
        let _ = stream.read(&mut [0]);
    }
    scene.world().disappears(crashes);
}
