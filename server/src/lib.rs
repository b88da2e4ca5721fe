//! The `fairhold` program: command line, configuration, wiring, HTTP middleware, worker loop.
//!
//! A new command is a variant in `cli` and a file in `commands`; a new setting is a field in `config`, which also says
//! what it means, and a line in `fairhold.toml`.

pub mod api;
pub mod cli;
mod commands;
mod company_style;
pub mod config;
pub mod demo;
pub mod http;
pub mod log;
mod peer;
pub mod serve;
mod sessions;
mod wall;
pub mod wiring;
