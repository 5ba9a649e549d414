//! onair-engine
