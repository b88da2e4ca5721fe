//! The pages: rendered on the server by Leptos, with a few islands that the browser brings to life.
//!
//! A page is a folder in `pages/` (what it shows and what its form does) and a line in `routes`. Pages exist on the
//! server only; `islands` is all that the browser ever compiles.

pub mod error;
pub mod islands;

#[cfg(feature = "ssr")]
pub mod assets;
#[cfg(feature = "ssr")]
mod cookie;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
pub mod peer;
#[cfg(feature = "ssr")]
pub mod render;
#[cfg(feature = "ssr")]
pub mod routes;
#[cfg(feature = "ssr")]
pub mod session;
#[cfg(feature = "ssr")]
mod staff_session;
#[cfg(feature = "ssr")]
pub mod state;
#[cfg(feature = "ssr")]
mod step_up;
#[cfg(feature = "ssr")]
mod ui;

/// Brings the islands on the page to life.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
