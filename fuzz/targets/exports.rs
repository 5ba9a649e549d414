//! An exported production that somebody wants to import.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| onair_laws::check("exports", bytes));
