//! The search box of My data. In the browser it narrows the page while one types; without, its form posts.

use leptos::prelude::*;

/// The box, with the words that the page was searched for.
#[island]
pub fn SearchBox(words: String) -> impl IntoView {
    let found = RwSignal::new(None::<usize>);
    let narrow = move |words: String| found.set(narrow_page(&words));
    view! {
        <label class="visually-hidden" for="q">"Find in your data"</label>
        <input id="q" name="q" type="search" maxlength="200" placeholder="Search, such as “phone”" value=words
            on:input:target=move |event| narrow(event.target().value()) />
        <p class="fine" role="status">{move || found.get().map(left_words)}</p>
    }
}

/// What is left of the page, and how to look further: a page shows only the newest of a long list.
fn left_words(left: usize) -> String {
    let left = match left {
        0 => "Nothing on this page fits.".to_owned(),
        1 => "1 thing on this page fits.".to_owned(),
        n => format!("{n} things on this page fit."),
    };
    format!("{left} Press “Find” to look through everything.")
}

/// Hides what does not hold all the words; how much is left. `None` when there are no words.
#[cfg(feature = "hydrate")]
fn narrow_page(words: &str) -> Option<usize> {
    use web_sys::wasm_bindgen::JsCast;

    let words: Vec<String> = words
        .to_lowercase()
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    let document = web_sys::window()?.document()?;
    let each = |selector: &str, fits: &dyn Fn(&web_sys::Element) -> bool| {
        let mut left = 0;
        if let Ok(nodes) = document.query_selector_all(selector) {
            for node in (0..nodes.length()).filter_map(|at| nodes.get(at)) {
                let Ok(element) = node.dyn_into::<web_sys::HtmlElement>() else {
                    continue;
                };
                let fits = fits(&element);
                element.set_hidden(!fits);
                left += usize::from(fits);
            }
        }
        left
    };
    let holds = |element: &web_sys::Element| {
        let text = text_of(element).to_lowercase();
        words.iter().all(|word| text.contains(word))
    };
    let left = each("[data-fact]", &holds);
    let has_facts = |element: &web_sys::Element| {
        words.is_empty()
            || element
                .query_selector("[data-fact]:not([hidden])")
                .is_ok_and(|found| found.is_some())
    };
    each("[data-sections]", &|_| words.is_empty());
    each("[data-list]", &has_facts);
    each("[data-card]", &has_facts);
    (!words.is_empty()).then_some(left)
}

/// What a fact says of itself, without the explanation, which speaks of much else; with the heading of its list.
#[cfg(feature = "hydrate")]
fn text_of(fact: &web_sys::Element) -> String {
    let text = |element: Option<web_sys::Element>| element.and_then(|e| e.text_content());
    let row = fact.query_selector(".row").ok().flatten();
    let own = text(row).or_else(|| fact.text_content());
    let list = fact.closest("[data-list]").ok().flatten();
    let heading = list.and_then(|list| list.query_selector("header").ok().flatten());
    format!(
        "{} {}",
        own.unwrap_or_default(),
        text(heading).unwrap_or_default()
    )
}

/// On the server there is no page to narrow.
#[cfg(not(feature = "hydrate"))]
fn narrow_page(_words: &str) -> Option<usize> {
    None
}
