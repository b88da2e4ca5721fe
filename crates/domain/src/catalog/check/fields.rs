//! What a field must say, by what it holds: the table atop [`super`].

use super::{Finding, check_text};
use crate::catalog::keys::is_within;
use crate::catalog::{Collection, Erase, Field, Rows, Show, looks_like_a_secret};

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
    code: &'static str,
    is_said: fn(&Field) -> bool,
    what_to_write: &'static str,
}

const LABEL: Attribute = Attribute {
    code: "no-label",
    is_said: |f| f.label.is_some(),
    what_to_write: "no label. Add `label: ` with the name that a customer would use",
};
const WHY: Attribute = Attribute {
    code: "no-why",
    is_said: |f| f.why.is_some(),
    what_to_write: "no reason. Add `why: ` with one sentence about what you need it for",
};
const REST: [Attribute; 4] = [
    Attribute {
        code: "no-origin",
        is_said: |f| f.origin.is_some(),
        what_to_write: "no origin. Add `origin: provided`, or `observed`, `inferred`, `obtained`",
    },
    Attribute {
        code: "no-purpose",
        is_said: |f| !f.purposes.is_empty(),
        what_to_write: "no purpose. Add `purposes: [...]` with keys of company.yml",
    },
    Attribute {
        code: "no-retention",
        is_said: |f| f.keep.is_some(),
        what_to_write: "no time for which it is kept. Add `keep: { for: 2 years }`",
    },
    Attribute {
        code: "no-erasure",
        is_said: |f| f.erase.is_some(),
        what_to_write: "nothing about erasing it. Add `erase: delete`, or `null`, `mask`, `keep`",
    },
];

/// What the field must say, by what it holds: the table atop [`super`].
fn attributes_of(collection: &Collection, field: &Field) -> Vec<&'static Attribute> {
    let is_personal = field.categories.iter().any(|c| is_within(c, "user"));
    let is_technical = !field.categories.is_empty() && !is_personal;
    if field.withheld.is_some() || (collection.rows == Some(Rows::Shared) && !is_personal) {
        vec![&LABEL]
    } else if is_technical {
        vec![&LABEL, &WHY]
    } else {
        [&LABEL, &WHY].into_iter().chain(&REST).collect()
    }
}

fn check_attributes(collection: &Collection, field: &Field, findings: &mut Vec<Finding>) {
    for attribute in attributes_of(collection, field) {
        if !(attribute.is_said)(field) {
            findings.push(Finding::error(
                &field.place,
                attribute.code,
                format!(
                    "The field `{}` has {} under its `portal:`.",
                    field.name, attribute.what_to_write
                ),
            ));
        }
    }
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

fn check_showing(field: &Field, findings: &mut Vec<Finding>) {
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
    let own_name = field.name.rsplit('.').next().unwrap_or(&field.name);
    let is_credential = field
        .categories
        .iter()
        .any(|c| is_within(c, "user.authorization"));
    if is_credential || looks_like_a_secret(own_name) {
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
