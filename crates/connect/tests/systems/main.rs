//! The connectors against real databases of each engine: what a customer gets, and what they never get.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may panic: that is how it fails"
)]

mod awkward;
mod chinook;
mod erase;
mod erase_awkward;
mod fides;
mod hostile;
mod long;
mod planted;
mod second_fact;
mod servers;
mod shapes;
mod support;
mod types;
