//! Labels and names as they stand beside a value or inside a sentence.

use crate::access::{Seen, join};
use crate::catalog::{Catalog, Group, Origin};

/// A label inside a sentence: "Letters you opened" becomes "letters you opened"; "CRM notes" stays.
pub fn label_in_sentence(label: &str) -> String {
    let mut letters = label.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if !second.is_uppercase() => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => label.to_owned(),
    }
}

/// A name inside a sentence: "Our shop" becomes "our shop"; other names stay.
pub fn in_sentence(name: &str) -> String {
    for article in ["Our ", "The ", "Your ", "This "] {
        if let Some(rest) = name.strip_prefix(article) {
            return format!("{}{rest}", article.to_lowercase());
        }
    }
    name.to_owned()
}

/// With a capital first letter, as a sentence begins.
pub fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

/// The heading that a group stands under.
pub const fn group_heading(group: Group) -> &'static str {
    match group {
        Group::AboutYou => "About you",
        Group::HowToReachYou => "How to reach you",
        Group::WhatYouBought => "What you bought",
        Group::WhatYouDid => "What you did",
        Group::WhatWeWorkedOut => "What we worked out about you",
        Group::FromOthers => "What we got from others",
        Group::YourAccount => "Your account",
        Group::NotDescribed => "Not described yet",
    }
}

/// The short words for an origin, as they stand beside a value.
pub const fn origin_label(origin: Option<Origin>) -> &'static str {
    match origin {
        Some(Origin::Provided) => "You gave it",
        Some(Origin::Observed) => "We saw it",
        Some(Origin::Inferred) => "We worked it out",
        Some(Origin::Obtained) => "We got it from others",
        None => "We do not know how we got it",
    }
}

/// The phrase for a part of what was read: "your orders", or "your birthday in your shop account".
pub fn seen_phrase(catalog: &Catalog, seen: &Seen) -> String {
    let collection = catalog
        .dataset(&seen.dataset)
        .and_then(|d| d.collection(&seen.collection));
    let label = collection
        .and_then(|c| c.label.as_deref())
        .map_or_else(|| format!("“{}”", seen.collection), label_in_sentence);
    if seen.fields.is_empty() {
        return label;
    }
    let fields = seen.fields.iter().map(|name| {
        let known = collection
            .and_then(|c| c.field(name))
            .and_then(|f| f.label.as_deref());
        format!("“{}”", known.unwrap_or(name))
    });
    format!("{} in {label}", join(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_names_fit_into_sentences() {
        assert_eq!(
            label_in_sentence("Letters you opened"),
            "letters you opened"
        );
        assert_eq!(label_in_sentence("CRM notes"), "CRM notes");
        assert_eq!(in_sentence("Our shop"), "our shop");
        assert_eq!(in_sentence("Stripe"), "Stripe");
    }
}
