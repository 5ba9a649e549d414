//! onair
fn main() {}
