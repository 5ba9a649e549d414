//! onair-server

pub mod net;
pub mod socket;
