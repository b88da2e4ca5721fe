//! A company's colours, over the portal's own.

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use fairhold_app::state::AppState;

/// `GET /company.css`
pub(crate) async fn style(State(state): State<AppState>) -> impl IntoResponse {
    let current = state.portal.company().current();
    let look = &current.catalog.company.look;
    let light = look.brand.as_deref().map(rule).unwrap_or_default();
    let dark = look
        .brand_dark
        .as_deref()
        .or(look.brand.as_deref())
        .map(rule)
        .unwrap_or_default();
    let style = format!("{light}@media (prefers-color-scheme:dark){{{dark}}}");
    (
        [
            (CONTENT_TYPE, "text/css; charset=utf-8"),
            (CACHE_CONTROL, "public, max-age=3600"),
        ],
        style,
    )
}

/// `GET /favicon.svg`: a small mark in the company's colour.
pub(crate) async fn favicon(State(state): State<AppState>) -> impl IntoResponse {
    let current = state.portal.company().current();
    let brand = current
        .catalog
        .company
        .look
        .brand
        .clone()
        .unwrap_or_else(|| "#0f5d56".to_owned());
    let ink = ink_on(&brand);
    let picture = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 32 32\"><rect width=\"32\" height=\"32\" rx=\"9\" fill=\"{brand}\"/>\
         <path d=\"M9 17l5 5 9-11\" fill=\"none\" stroke=\"{ink}\" stroke-width=\"3.5\" stroke-linecap=\"round\" stroke-linejoin=\"round\"/></svg>"
    );
    (
        [
            (CONTENT_TYPE, "image/svg+xml"),
            (CACHE_CONTROL, "public, max-age=86400"),
        ],
        picture,
    )
}

/// The tokens that follow from one colour, which the catalog's loader has checked to be `#rrggbb`.
fn rule(colour: &str) -> String {
    let ink = ink_on(colour);
    format!(
        ":root{{--brand:{colour};--brand-ink:{ink};--brand-wash:color-mix(in srgb,{colour} 12%,var(--card))}}"
    )
}

const LIGHT_INK: &str = "#ffffff";
/// Pure black: with anything lighter some colours would reach 4.5 with neither.
const DARK_INK: &str = "#000000";

/// The ink that can be read on a colour: white or black, whichever stands out more. One of them always reaches 4.5, which
/// WCAG 2.2, 1.4.3 asks for.
fn ink_on(colour: &str) -> &'static str {
    if contrast(DARK_INK, colour) > contrast(LIGHT_INK, colour) {
        DARK_INK
    } else {
        LIGHT_INK
    }
}

/// How much two colours stand out from each other, from 1 to 21 (WCAG 2.2, definitions).
fn contrast(one: &str, other: &str) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// Relative luminance (WCAG 2.2, definitions): 0 is black, 1 is white.
fn luminance(colour: &str) -> f64 {
    let channel = |at: usize| {
        let byte = colour
            .get(at..at + 2)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok())
            .unwrap_or_default();
        let share = f64::from(byte) / 255.0;
        if share <= 0.040_45 {
            share / 12.92
        } else {
            ((share + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ink_can_be_read_on_every_colour() {
        for colour in [
            "#000000", "#0f5d56", "#6cc3b6", "#ffd400", "#ffffff", "#777777", "#c0392b",
        ] {
            let contrast = contrast(colour, ink_on(colour));
            assert!(contrast >= 4.5, "{colour}: {contrast}");
        }
        assert_eq!(ink_on("#0f5d56"), "#ffffff");
        assert_eq!(ink_on("#ffd400"), "#000000");
    }
}
