//! The browser's files: their hashed names, and the script that starts the islands.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use leptos::config::LeptosOptions;
use leptos::hydration::HydrationScripts;
use leptos::nonce::Nonce;
use leptos::prelude::*;

use crate::render::in_owner;

/// What the browser's files are called.
const NAME: &str = "fairhold";

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
    /// Reads the names of the files from `hash.txt`: lines such as `css: 0a1b2c`.
    ///
    /// # Errors
    /// When the browser bundle has not been built.
    pub fn read(site: &Path) -> std::io::Result<Self> {
        let file = hash_file(site)?;
        let names = std::fs::read_to_string(&file)?;
        let style = names
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(kind, _)| kind.trim() == "css");
        let style = format!(
            "/pkg/{NAME}.{}.css",
            style.map(|(_, hash)| hash.trim()).unwrap_or_default()
        );
        Ok(Self {
            site: site.to_owned(),
            style,
            scripts: scripts(&file),
        })
    }

    /// The elements that start the islands, for a page with this nonce.
    pub fn scripts(&self, nonce: &str) -> String {
        self.scripts.replace(NONCE_HERE, nonce)
    }
}

/// `hash.txt` in the site folder, where `cargo xtask bundle` writes it, or beside the program, where cargo-leptos does.
fn hash_file(site: &Path) -> std::io::Result<PathBuf> {
    let ours = std::path::absolute(site.join("hash.txt"))?;
    let beside = std::env::current_exe()?.with_file_name("hash.txt");
    Ok(if ours.exists() || !beside.exists() {
        ours
    } else {
        beside
    })
}

/// Leptos' own elements, made once: the component would look for the names of the files at every page.
fn scripts(hash_file: &Path) -> String {
    let hash_file = Arc::from(hash_file.to_string_lossy().as_ref());
    let options = LeptosOptions::builder()
        .output_name(NAME)
        .hash_files(true)
        .hash_file(hash_file)
        .build();
    let html = in_owner(move || {
        provide_context(Nonce::from_value(NONCE_HERE));
        view! { <HydrationScripts options islands=true /> }
    });
    // The component leaves the nonce off the module's preload, and the browser would refuse it.
    html.replace(
        "<link rel=\"modulepreload\"",
        &format!("<link nonce=\"{NONCE_HERE}\" rel=\"modulepreload\""),
    )
}
