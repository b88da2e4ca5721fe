//! Placeholder.
/// Placeholder.
pub fn is_known_category(_: &str) -> bool { true }
/// Placeholder.
pub fn is_known_use(_: &str) -> bool { true }
/// Placeholder.
pub fn is_sensitive(_: &str) -> bool { false }
/// Placeholder.
pub fn looks_like_a_secret(_: &str) -> bool { false }
