//! The store's journal and its records after a crash.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| onair_laws::check("journal", bytes));
