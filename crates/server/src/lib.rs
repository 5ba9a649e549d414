//! onair-server
