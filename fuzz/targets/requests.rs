//! Requests over HTTP, as far as the routes see them.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| onair_laws::check("requests", bytes));
