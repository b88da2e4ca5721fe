//! The commands, one file each.

pub(crate) mod api_key;
pub mod check;
pub mod demo;
pub mod keys;
pub mod migrate;
pub(crate) mod passwords;
pub mod serve;
pub(crate) mod staff;
pub mod verify;
