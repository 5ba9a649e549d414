//! Event streams, as a client reads them.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| onair_laws::check("events", bytes));
