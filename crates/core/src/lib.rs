//! onair-core
