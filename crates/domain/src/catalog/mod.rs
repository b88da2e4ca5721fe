//! The catalog: what a company declares about the data it holds, in YAML, and everything that follows from it.
//!
//! `model` and `programme` are what the rest of the house reads; `load` makes it from files; `check` finds what is wrong with it;
//! `write_missing` puts an empty entry where something is still to be said.

pub mod check;
mod keys;
pub mod load;
mod model;
mod programme;
pub mod write_missing;
mod yaml;

pub use keys::{is_known_category, is_known_use, is_sensitive, looks_like_a_secret};
pub use model::*;
pub use programme::*;
