//! Merging from outside: the golden files.

mod fixtures;
