//! Texts in which addresses can be pressed.

use fairhold_domain::contact::{Piece, pieces};
use leptos::prelude::*;

/// A text whose e-mail addresses are links.
pub fn with_links(text: &str) -> impl IntoView + use<> {
    pieces(text)
        .into_iter()
        .map(|piece| match piece {
            Piece::Words(words) => words.to_owned().into_any(),
            Piece::Address(address) => {
                view! { <a href=format!("mailto:{address}")>{address.to_owned()}</a> }.into_any()
            }
        })
        .collect_view()
}
