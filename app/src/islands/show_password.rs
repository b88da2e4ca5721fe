//! A button that shows what one types into the password field before it. Without the browser's help it is not there.

use leptos::prelude::*;

/// The button for the field `password`.
#[island]
pub fn ShowPassword() -> impl IntoView {
    let shown = RwSignal::new(false);
    let ready = RwSignal::new(false);
    Effect::new(move |_| ready.set(true));
    let toggle = move |_| {
        shown.update(|s| *s = !*s);
        set_type(if shown.get_untracked() {
            "text"
        } else {
            "password"
        });
    };
    view! {
        <button type="button" class="quiet" aria-pressed=move || shown.get().to_string() hidden=move || !ready.get() on:click=toggle>
            "Show what I type"
        </button>
    }
}

#[cfg(feature = "hydrate")]
fn set_type(kind: &str) {
    let field = web_sys::window()
        .and_then(|w| w.document())
        .and_then(|d| d.get_element_by_id("password"));
    // A page without the field has nothing to show.
    let Some(field) = field else { return };
    if field.set_attribute("type", kind).is_err() {
        leptos::logging::warn!("the password field can't be shown");
    }
}

#[cfg(not(feature = "hydrate"))]
fn set_type(_kind: &str) {}
