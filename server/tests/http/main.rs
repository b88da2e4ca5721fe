//! The portal over HTTP, as browsers, scanners and attackers meet it: one file a resource. `support` starts a portal,
//! `html` reads its pages.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

mod accounts;
mod alerts;
mod api;
mod authenticator;
mod chinook;
mod contacts;
mod described;
mod devices;
mod drift;
mod embedded;
mod engines;
mod erasure;
mod export;
mod gate;
mod html;
mod joining;
mod log;
mod mail;
mod my_data;
mod odd_input;
mod passkeys;
mod permissions;
mod points;
mod rewards;
mod second_fact;
mod second_step;
mod share;
mod staff;
mod step_up;
mod support;
mod sweep;
mod systems;
mod throttle;
mod understood;
mod web;
mod webhooks;
mod who_looked;
mod who_may;
mod words;
