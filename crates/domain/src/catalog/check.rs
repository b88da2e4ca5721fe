//! What is wrong with a catalog, each thing with its file and line and what to write instead.
//!
//! [`check_rules`] needs the files alone; [`check_schema`] holds them against a live database. A new rule is a function
//! that pushes findings with a code of its own, called by one of the two, with a test of a catalog that breaks just it.
//!
//! What a field must say depends on what it holds:
//!
//! | the field | must say |
//! |---|---|
//! | of the customer (`rows: own`, or no `rows`) | label, why, origin, purposes, keep, erase |
//! | `withheld`, with a reason | label |
//! | with `system.*` categories alone | label, why |
//! | of a `shared` collection, without a `user.*` category | label |
//! | of a collection of `others` or `nobody` | nothing: it is never read |

use std::fmt;

use serde::Serialize;

use super::keys::{is_within, word_parts};
use super::{
    Catalog, Collection, Company, Dataset, Erase, Field, OWN_CONNECTION, Place, Reference, Rows,
    Show, looks_like_a_secret,
};
use crate::reach::{Reach, Spot, reach};
use crate::reading::{Problem, is_hard_to_read};

mod schema;

pub use schema::check_schema;

/// Longer messages are cut at this many characters, so that hostile names can't flood a screen.
const LONGEST_MESSAGE: usize = 1_000;

/// One thing to put right, or to know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// Where it stands.
    pub place: Place,
    /// Whether the check fails for it.
    pub severity: Severity,
    /// A stable short name, for machines and tests.
    pub code: &'static str,
    /// What is wrong, and what to write. One line.
    pub message: String,
}

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The catalog must not be used like this.
    Error,
    /// Good to know; nothing fails.
    Note,
}

impl Finding {
    pub(super) fn error(place: &Place, code: &'static str, message: String) -> Self {
        Self::new(place, Severity::Error, code, message)
    }

    pub(super) fn note(place: &Place, code: &'static str, message: String) -> Self {
        Self::new(place, Severity::Note, code, message)
    }

    fn new(place: &Place, severity: Severity, code: &'static str, mut message: String) -> Self {
        // Names come from files and databases: none of them may break the line or the terminal.
        if message.contains(char::is_control) {
            message = message.replace(char::is_control, " ");
        }
        if let Some((end, _)) = message.char_indices().nth(LONGEST_MESSAGE) {
            message.truncate(end);
            message.push('…');
        }
        Self {
            place: place.clone(),
            severity,
            code,
            message,
        }
    }

    /// Whether the check fails for it.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// `file:line: message`, without the line where the whole file is meant. Notes say that they are notes.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.place.file)?;
        if self.place.line > 0 {
            write!(f, "{}:", self.place.line)?;
        }
        let note = if self.is_error() { "" } else { "note: " };
        write!(f, " {note}{}", self.message)
    }
}

/// Everything that can be judged without a database, in the order of files and lines.
pub fn check_rules(catalog: &Catalog) -> Vec<Finding> {
    let mut findings = Vec::new();
    check_company(&catalog.company, &mut findings);
    check_never_collected(catalog, &mut findings);
    let reach = reach(&catalog.datasets);
    for (index, dataset) in catalog.datasets.iter().enumerate() {
        check_dataset(catalog, dataset, &mut findings);
        check_ties(catalog, index, dataset, &reach, &mut findings);
        for collection in dataset.collections.iter().filter(|c| is_read(c)) {
            check_collection(catalog, collection, &mut findings);
            for field in &collection.fields {
                check_field(collection, field, &mut findings);
            }
        }
    }
    in_order(findings)
}

/// By place, and what several fields inherit is named once.
pub(super) fn in_order(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort();
    findings.dedup();
    findings
}

/// Whether the portal ever reads the collection.
fn is_read(collection: &Collection) -> bool {
    !matches!(collection.rows, Some(Rows::Others | Rows::Nobody))
}

// ---- the company ----

fn check_company(company: &Company, findings: &mut Vec<Finding>) {
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

fn check_never_collected(catalog: &Catalog, findings: &mut Vec<Finding>) {
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

// ---- datasets and collections ----

fn check_dataset(catalog: &Catalog, dataset: &Dataset, findings: &mut Vec<Finding>) {
    let place = |key: &str| dataset.said.at(key).unwrap_or(&dataset.place);
    check_text("name", Some(&dataset.name), place("name"), findings);
    check_text(
        "description",
        dataset.description.as_deref(),
        place("description"),
        findings,
    );
    if dataset.connection.is_none() {
        let hint = if catalog.company.connections.is_empty() {
            "Name a connection in company.yml, then write".to_owned()
        } else {
            format!(
                "Of the connections {}, write one as",
                catalog.company.connections.join(", ")
            )
        };
        findings.push(Finding::note(
            &dataset.place,
            "no-connection",
            format!("The dataset `{}` can't be read, for it names no connection. {hint} `portal: {{ connection: ... }}`.", dataset.key),
        ));
    }
    for field in dataset
        .collections
        .iter()
        .filter(|c| is_read(c))
        .flat_map(|c| &c.fields)
    {
        if field.identity.is_some() && !field.verified && dataset.second_facts.is_empty() {
            findings.push(Finding::error(
                field.said.at("verified").unwrap_or(&field.place),
                "no-second-fact",
                format!(
                    "Nobody checked that `{}` belongs to the customer, so a second fact must match. Add one to the dataset, such as `portal: {{ second_facts: [Customer.PostalCode] }}`.",
                    field.name
                ),
            ));
        }
    }
}

/// Whether the customer's rows can be found.
fn check_ties(
    catalog: &Catalog,
    index: usize,
    dataset: &Dataset,
    reach: &Reach,
    findings: &mut Vec<Finding>,
) {
    let may_be_own = |c: &&Collection| matches!(c.rows, Some(Rows::Own) | None);
    // The portal's own records need no identity: it knows whose they are.
    if dataset.connection.as_deref() == Some(OWN_CONNECTION)
        || !dataset.collections.iter().any(|c| may_be_own(&c))
    {
        return;
    }
    let has_identity = catalog
        .datasets
        .iter()
        .filter(|d| {
            d.key == dataset.key || (d.connection.is_some() && d.connection == dataset.connection)
        })
        .flat_map(|d| &d.collections)
        .any(|c| is_read(c) && c.fields.iter().any(|f| f.identity.is_some()));
    if !has_identity {
        findings.push(Finding::error(
            &dataset.place,
            "no-identity",
            format!(
                "No field of the dataset `{}` says who the customer is. Add `fides_meta: {{ identity: email }}` to the field that holds their address.",
                dataset.key
            ),
        ));
        return;
    }
    for (at, collection) in dataset
        .collections
        .iter()
        .enumerate()
        .filter(|(_, c)| may_be_own(c))
    {
        let tied = reach
            .at(Spot {
                dataset: index,
                collection: at,
            })
            .is_some_and(|reached| !reached.ties.is_empty());
        if !tied {
            findings.push(Finding::error(
                &collection.place,
                "unreachable",
                format!(
                    "No reference leads from the customer to `{}`, so its rows can't be found. Add `fides_meta: {{ references: [...] }}` with `direction: from` to the field that points at a collection of theirs, or write `portal: {{ rows: nobody }}`.",
                    collection.name
                ),
            ));
        }
    }
}

fn check_collection(catalog: &Catalog, collection: &Collection, findings: &mut Vec<Finding>) {
    let place = |key: &str| collection.said.at(key).unwrap_or(&collection.place);
    check_text(
        "label",
        collection.label.as_deref(),
        place("label"),
        findings,
    );
    check_text(
        "one_row",
        collection.one_row.as_deref(),
        place("one_row"),
        findings,
    );
    check_text(
        "description",
        collection.description.as_deref(),
        place("description"),
        findings,
    );
    if collection.rows.is_none() {
        findings.push(Finding::note(
            &collection.place,
            "no-rows",
            format!(
                "Nothing says whose rows `{}` holds. Write `portal: {{ rows: own }}`, or `shared`, `others`, `nobody`.",
                collection.name
            ),
        ));
    }
    for reference in collection.fields.iter().flat_map(|field| &field.references) {
        check_direction(catalog, collection, reference, findings);
    }
    check_mixed_erasure(collection, findings);
}

/// Without a direction rows are followed only where both ends say whose they are.
fn check_direction(
    catalog: &Catalog,
    collection: &Collection,
    reference: &Reference,
    findings: &mut Vec<Finding>,
) {
    if reference.direction.is_some() {
        return;
    }
    let target = catalog
        .dataset(&reference.to.dataset)
        .and_then(|d| d.collection(&reference.to.collection));
    // A target that is not there is the loader's finding.
    let Some(target) = target else { return };
    let unsaid: Vec<&str> = [collection, target]
        .iter()
        .filter(|c| c.rows.is_none())
        .map(|c| c.name.as_str())
        .collect();
    if unsaid.is_empty() {
        findings.push(Finding::note(
            &reference.place,
            "no-direction",
            format!(
                "This reference to `{}` has no direction; it is followed by whose rows both ends hold. To be exact, write `direction: from` or `direction: to`.",
                target.name
            ),
        ));
    } else {
        findings.push(Finding::error(
            &reference.place,
            "direction-unknown",
            format!(
                "This reference to `{}` has no direction, so it is not followed. Write `direction: from` (these rows are found by that one) or `direction: to`, or say whose `rows` {} holds.",
                target.name,
                unsaid.join(" and ")
            ),
        ));
    }
}

/// A row that is deleted takes with it what another field promises to keep.
fn check_mixed_erasure(collection: &Collection, findings: &mut Vec<Finding>) {
    let with = |erase: Erase| {
        collection
            .fields
            .iter()
            .find(move |f| f.erase == Some(erase) && f.withheld.is_none())
    };
    if let (Some(gone), Some(kept)) = (with(Erase::Delete), with(Erase::Keep)) {
        findings.push(Finding::error(
            gone.said.at("erase").unwrap_or(&gone.place),
            "deletes-what-is-kept",
            format!(
                "`erase: delete` takes the whole row, and with it `{}`, which is kept. Write `erase: mask` or `erase: null` here.",
                kept.name
            ),
        ));
    }
}

// ---- fields ----

fn check_field(collection: &Collection, field: &Field, findings: &mut Vec<Finding>) {
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

/// What the field must say, by what it holds: the table atop this module.
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

// ---- texts ----

fn check_text(key: &str, text: Option<&str>, place: &Place, findings: &mut Vec<Finding>) {
    let Some(problem) = text.and_then(is_hard_to_read) else {
        return;
    };
    findings.push(match problem {
        Problem::Jargon { word, instead } => Finding::error(
            place,
            "jargon",
            format!("`{key}` says \"{word}\", which is office talk. Write instead: {instead}."),
        ),
        Problem::TooHard { words, grade } => Finding::error(
            place,
            "hard-to-read",
            format!(
                "`{key}` has {words} words and reads at grade {grade:.0}. Write shorter sentences with shorter words: grade 8 at most, or 30 words at most."
            ),
        ),
    });
}

#[cfg(test)]
mod tests;
