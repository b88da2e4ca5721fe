//! The `SQLite` connector against real files: what a customer gets, and what they never get.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may panic: that is how it fails"
)]

mod chinook;
mod hostile;
mod planted;
mod second_fact;
mod shapes;
mod support;
