//! The browser's files: their hashed names, and the script that starts the islands.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use leptos::config::LeptosOptions;
use leptos::hydration::HydrationScripts;
use leptos::nonce::Nonce;
use leptos::prelude::*;

use crate::render::in_owner;

/// Stands for the nonce in the script that is made once.
const NONCE_HERE: &str = "nonce-goes-here";

/// The browser's files.
#[derive(Debug, Default)]
pub struct Assets {
    /// The folder that holds `pkg/`.
    pub site: PathBuf,
    /// The style's address.
    pub style: String,
    /// The elements that start the islands, with [`NONCE_HERE`] in place of the nonce.
    scripts: String,
}

impl Assets {
    /// Reads the names of the files from `pkg/hash.txt` in the site folder: lines such as `css: 0a1b2c`.
    ///
    /// # Errors
    /// When the browser bundle has not been built.
    pub fn read(site: &Path) -> std::io::Result<Self> {
        let names = std::fs::read_to_string(site.join("hash.txt"))?;
        let hash = |kind: &str| {
            let found = names.lines().filter_map(|line| line.split_once(':')).find(|(k, _)| k.trim() == kind);
            found.map(|(_, hash)| hash.trim().to_owned()).unwrap_or_default()
        };
        let style = format!("/pkg/fairhold.{}.css", hash("css"));
        let scripts = scripts(&hash("js"), &hash("wasm"));
        Ok(Self { site: site.to_owned(), style, scripts })
    }

    /// The elements that start the islands, for a page with this nonce.
    pub fn scripts(&self, nonce: &str) -> String {
        self.scripts.replace(NONCE_HERE, nonce)
    }
}

/// Leptos' own elements, made once: the component would look for the names of the files at every page.
fn scripts(js: &str, wasm: &str) -> String {
    let options = LeptosOptions::builder().output_name(Arc::from("fairhold-name")).hash_files(false).build();
    let html = in_owner(move || {
        provide_context(Nonce::from_value(NONCE_HERE));
        view! { <HydrationScripts options islands=true /> }
    });
    html.replace("fairhold-name_bg", &format!("fairhold.{wasm}"))
        .replace("fairhold-name.wasm", &format!("fairhold.{wasm}.wasm"))
        .replace("fairhold-name", &format!("fairhold.{js}"))
}
