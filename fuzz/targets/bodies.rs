//! Bodies of requests, decided and applied.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| onair_laws::check("bodies", bytes));
