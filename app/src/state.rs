//! What every page needs.

use std::sync::Arc;

use fairhold_portal::Portal;

use crate::assets::Assets;
use crate::pages::my_data::explain::Explanations;

/// What every page needs. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// The use cases.
    pub portal: Portal,
    /// Names of the browser's files.
    pub assets: Arc<Assets>,
    /// The explanations of all fields, made once a catalog.
    pub explanations: Arc<Explanations>,
}

impl AppState {
    /// Puts the pieces together.
    pub fn new(portal: Portal, assets: Assets) -> Self {
        Self {
            portal,
            assets: Arc::new(assets),
            explanations: Arc::default(),
        }
    }
}
