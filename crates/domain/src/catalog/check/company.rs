//! What a company says of itself: its words, its sign-up forms, and what it says that it never does.

use super::{Finding, check_text, is_read};
use crate::catalog::keys::{is_within, word_parts};
use crate::catalog::{Catalog, Company, Field};

pub(super) fn check_company(company: &Company, findings: &mut Vec<Finding>) {
    if company.contact.is_none() && company.privacy_contact.is_none() {
        findings.push(Finding::note(
            &company.place,
            "no-contact",
            "Customers can't write to anybody. Add `privacy_contact: ` with a person's e-mail address.".to_owned(),
        ));
    }
    let place = |key: &str| company.said.at(key).unwrap_or(&company.place);
    for (key, text) in [
        ("tagline", &company.tagline),
        ("contact", &company.contact),
        ("privacy_contact", &company.privacy_contact),
    ] {
        check_text(key, text.as_deref(), place(key), findings);
    }
    for purpose in &company.purposes {
        check_text("words", Some(&purpose.words), &purpose.place, findings);
    }
    for never in &company.never_collected {
        check_text(
            "never_collected",
            Some(&never.words),
            place("never_collected"),
            findings,
        );
    }
    for recipient in &company.recipients {
        check_text("name", Some(&recipient.name), &recipient.place, findings);
        check_text(
            "what_for",
            Some(&recipient.what_for),
            &recipient.place,
            findings,
        );
        if company.says_not_sold && recipient.sells {
            findings.push(Finding::error(
                &recipient.place,
                "sold-after-all",
                format!(
                    "You say that you do not sell data, but data is sold to `{}`. Stop selling to them and write `sells: false`, or write `says_not_sold: false`.",
                    recipient.key
                ),
            ));
        }
    }
    check_sign_ups(company, findings);
}

fn check_sign_ups(company: &Company, findings: &mut Vec<Finding>) {
    for form in &company.sign_ups {
        // An unknown purpose is the loader's finding.
        let Some(purpose) = company.purpose(&form.purpose) else {
            continue;
        };
        for demand in form
            .demands
            .iter()
            .filter(|demand| !purpose.needs.iter().any(|need| is_within(demand, need)))
        {
            findings.push(Finding::error(
                &form.place,
                "demands-too-much",
                format!(
                    "The sign-up form `{}` demands `{demand}`, which `{}` does not need. Take it off the form, or, if it truly is needed, add it to the purpose's `needs`.",
                    form.name, purpose.key
                ),
            ));
        }
    }
}

pub(super) fn check_never_collected(catalog: &Catalog, findings: &mut Vec<Finding>) {
    for dataset in &catalog.datasets {
        for collection in dataset.collections.iter().filter(|c| is_read(c)) {
            for field in &collection.fields {
                for never in &catalog.company.never_collected {
                    let by_category = field.categories.iter().any(|category| {
                        never
                            .categories
                            .iter()
                            .any(|parent| is_within(category, parent))
                    });
                    if by_category || is_named(field, &never.words) {
                        findings.push(Finding::error(
                            &field.place,
                            "never-collected",
                            format!(
                                "You say that you never collect this (\"{}\"), but here is `{}`. Stop collecting it, or take it off `never_collected`.",
                                never.words, field.name
                            ),
                        ));
                    }
                }
            }
        }
    }
}

/// Whether all words of the text stand in the field's name or label.
fn is_named(field: &Field, words: &str) -> bool {
    let stem = |word: String| word.trim_end_matches('s').to_owned();
    let label = field.label.as_deref().unwrap_or_default();
    let named: Vec<String> = word_parts(&field.name)
        .into_iter()
        .chain(word_parts(label))
        .map(stem)
        .collect();
    let wanted: Vec<String> = word_parts(words).into_iter().map(stem).collect();
    !wanted.is_empty() && wanted.iter().all(|word| named.contains(word))
}
