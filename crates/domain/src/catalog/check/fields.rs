//! What a field must say, by what it holds: the table atop [`super`].

use super::{Finding, check_text};
use crate::catalog::keys::is_within;
use crate::catalog::{Collection, Erase, Field, NO_REASON_YET, Rows, Show, looks_like_a_secret};

pub(super) fn check_field(collection: &Collection, field: &Field, findings: &mut Vec<Finding>) {
    check_attributes(collection, field, findings);
    check_showing(field, findings);
    let place = |key: &str| field.said.at(key).unwrap_or(&field.place);
    check_text("label", field.label.as_deref(), place("label"), findings);
    let what = field
        .said
        .at("what")
        .unwrap_or_else(|| place("description"));
    check_text("description", field.description.as_deref(), what, findings);
    check_text("why", field.why.as_deref(), place("why"), findings);
    check_text(
        "withheld",
        field.withheld.as_deref(),
        place("withheld"),
        findings,
    );
    for (_, word) in &field.words {
        check_text("words", Some(word), place("words"), findings);
    }
    if let Some(keep) = &field.keep {
        check_text("keep", Some(&keep.duration), place("keep"), findings);
        check_text("keep", keep.because.as_deref(), place("keep"), findings);
    }
}

/// An attribute that a field may have to say.
struct Attribute {
    key: &'static str,
    code: &'static str,
    is_said: fn(&Field) -> bool,
    what_lacks: &'static str,
    what_to_write: &'static str,
}

const LABEL: Attribute = Attribute {
    key: "label",
    code: "no-label",
    is_said: |f| f.label.is_some(),
    what_lacks: "no label",
    what_to_write: "`label: ` with the name that a customer would use",
};
const WHY: Attribute = Attribute {
    key: "why",
    code: "no-why",
    is_said: |f| f.why.is_some(),
    what_lacks: "no reason",
    what_to_write: "`why: ` with one sentence about what you need it for",
};
const REST: [Attribute; 4] = [
    Attribute {
        key: "origin",
        code: "no-origin",
        is_said: |f| f.origin.is_some(),
        what_lacks: "no origin",
        what_to_write: "`origin: provided`, or `observed`, `inferred`, `obtained`",
    },
    Attribute {
        key: "purposes",
        code: "no-purpose",
        is_said: |f| !f.purposes.is_empty(),
        what_lacks: "no purpose",
        what_to_write: "`purposes: [...]` with keys of company.yml",
    },
    Attribute {
        key: "keep",
        code: "no-retention",
        is_said: |f| f.keep.is_some(),
        what_lacks: "no time for which it is kept",
        what_to_write: "`keep: { for: 2 years }`",
    },
    Attribute {
        key: "erase",
        code: "no-erasure",
        is_said: |f| f.erase.is_some(),
        what_lacks: "nothing about erasing it",
        what_to_write: "`erase: delete`, or `null`, `mask`, `keep`",
    },
];

/// What the field must say, by what it holds: the table atop [`super`].
fn attributes_of(collection: &Collection, field: &Field) -> Vec<&'static Attribute> {
    let is_personal = field.categories.iter().any(|c| is_within(c, "user"));
    let is_technical = !field.categories.is_empty() && !is_personal;
    // A secret is never shown: once its reason stands there, it has no more to say than others that are withheld.
    let is_withheld = field.withheld.is_some() || is_secret(field);
    if is_withheld || (collection.rows == Some(Rows::Shared) && !is_personal) {
        vec![&LABEL]
    } else if is_technical {
        vec![&LABEL, &WHY]
    } else {
        [&LABEL, &WHY].into_iter().chain(&REST).collect()
    }
}

/// What the field must say and does not.
fn lacks(collection: &Collection, field: &Field) -> Vec<&'static Attribute> {
    attributes_of(collection, field)
        .into_iter()
        .filter(|attribute| !(attribute.is_said)(field))
        .collect()
}

/// The keys that a person has to write under the field's `portal:`, in the order in which one writes them.
pub(in crate::catalog) fn unsaid(collection: &Collection, field: &Field) -> Vec<&'static str> {
    let mut keys: Vec<&str> = lacks(collection, field)
        .iter()
        .map(|attribute| attribute.key)
        .collect();
    if is_secret(field) && field.withheld.is_none() {
        keys.push("withheld");
    }
    if field.identity.is_some() && field.said.at("verified").is_none() {
        keys.push("verified");
    }
    keys
}

/// All that the field lacks in one finding, at the first empty entry if one waits for it.
fn check_attributes(collection: &Collection, field: &Field, findings: &mut Vec<Finding>) {
    let lacks = lacks(collection, field);
    let place = lacks
        .iter()
        .find_map(|attribute| field.blank.at(attribute.key))
        .unwrap_or(&field.place);
    let name = &field.name;
    match lacks.as_slice() {
        [] => {}
        [one] => findings.push(Finding::error(
            place,
            one.code,
            format!(
                "The field `{name}` has {}. Add {} under its `portal:`.",
                one.what_lacks, one.what_to_write
            ),
        )),
        several => findings.push(Finding::error(
            place,
            "says-too-little",
            format!(
                "The field `{name}` has {}. Write {} under its `portal:`.",
                in_words(
                    several
                        .iter()
                        .map(|attribute| attribute.what_lacks.to_owned())
                ),
                in_words(
                    several
                        .iter()
                        .map(|attribute| format!("`{}`", attribute.key))
                ),
            ),
        )),
    }
    check_category(collection, field, findings);
    check_kept(field, findings);
}

/// "a, b and c".
fn in_words(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    match items.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => items.concat(),
    }
}

fn check_category(collection: &Collection, field: &Field, findings: &mut Vec<Finding>) {
    if field.categories.is_empty() && collection.rows != Some(Rows::Shared) {
        findings.push(Finding::note(
            &field.place,
            "no-category",
            format!(
                "The field `{}` has no data category, so it is taken for personal data. Add `data_categories: [...]`.",
                field.name
            ),
        ));
    }
}

fn check_kept(field: &Field, findings: &mut Vec<Finding>) {
    let reason = field.keep.as_ref().and_then(|keep| keep.because.as_ref());
    if field.erase == Some(Erase::Keep) && field.withheld.is_none() && reason.is_none() {
        findings.push(Finding::error(
            field.said.at("erase").unwrap_or(&field.place),
            "kept-without-reason",
            "This is kept when a customer asks to erase it, and nothing says why. Add `because: ` to its `keep`, such as `because: tax law`."
                .to_owned(),
        ));
    }
}

/// Whether its name or its category is that of a password or a code, which no page may show.
fn is_secret(field: &Field) -> bool {
    let own_name = field.name.rsplit('.').next().unwrap_or(&field.name);
    looks_like_a_secret(own_name)
        || field
            .categories
            .iter()
            .any(|c| is_within(c, "user.authorization"))
}

fn check_showing(field: &Field, findings: &mut Vec<Finding>) {
    if field.withheld.as_deref() == Some(NO_REASON_YET) {
        findings.push(Finding::error(
            field.blank.at("withheld").unwrap_or(&field.place),
            "withheld-without-reason",
            format!(
                "The field `{}` is withheld, and nothing says why. Write a reason that the customer reads behind `withheld: `, such as `withheld: A scrambled form of your password`.",
                field.name
            ),
        ));
    }
    if field.withheld.is_some() {
        return;
    }
    if field.is_sensitive() && field.show == Some(Show::Full) {
        findings.push(Finding::error(
            field.said.at("show").unwrap_or(&field.place),
            "sensitive-shown",
            format!("`{}` is sensitive, and somebody may look over a shoulder. Cover it: write `show: covered`.", field.name),
        ));
    }
    if is_secret(field) {
        findings.push(Finding::error(
            &field.place,
            "secret-shown",
            format!(
                "`{}` looks like a password or a secret code, which no page may show. Add `withheld: ` with a reason that the customer reads, such as `withheld: A scrambled form of your password`.",
                field.name
            ),
        ));
    }
}
