//! onair-runtime
