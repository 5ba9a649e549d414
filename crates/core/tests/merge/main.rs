//! Merging from outside: the golden files, and laws that hold for every document.

mod fixtures;
mod laws;
mod made_up;
mod many;
