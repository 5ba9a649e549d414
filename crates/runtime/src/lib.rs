//! onair-runtime

pub mod hub;
