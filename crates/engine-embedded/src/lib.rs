//! onair-engine-embedded
