//! What a client or an agent says.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| onair_laws::check("messages", bytes));
