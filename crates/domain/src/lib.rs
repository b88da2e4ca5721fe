//! Fairhold's rules, and nothing else: no I/O, no clock, no randomness. `now` and ids are arguments.
//!
//! A new rule goes into the module that its words belong to, with its unit and property tests beside it.

pub mod access;
pub mod answer;
pub mod asks;
pub mod catalog;
pub mod contact;
pub mod contact_point;
pub mod device;
pub mod email;
pub mod erasure;
pub mod export;
pub mod factors;
pub mod facts;
pub mod grant;
pub mod ids;
pub mod log_in_tries;
pub mod nickname;
pub mod password;
pub mod peer;
pub mod phone;
pub mod points;
pub mod policy;
pub mod present;
pub mod reach;
pub mod reading;
pub mod receipt;
pub mod return_to;
pub mod rewards;
pub mod schema;
pub mod second_fact;
pub mod time;
pub mod webhook;
