//! Whether the customer's rows can be found in a dataset, and whose rows a collection holds.

use super::{Finding, check_text, is_read};
use crate::catalog::{Catalog, Collection, Dataset, Erase, OWN_CONNECTION, Reference, Rows};
use crate::reach::{Reach, Spot};
use crate::second_fact::can_be_asked_for;

pub(super) fn check_dataset(catalog: &Catalog, dataset: &Dataset, findings: &mut Vec<Finding>) {
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
            dataset.blank.at("connection").unwrap_or(&dataset.place),
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
        let says = field.said.at("verified").is_some();
        if field.identity.is_some() && says && !field.verified && dataset.second_facts.is_empty() {
            findings.push(Finding::error(
                field.said.at("verified").unwrap_or(&field.place),
                "no-second-fact",
                format!(
                    "Nobody checked that `{}` belongs to the customer, so a second fact must match. Add one to the dataset, such as `portal: {{ second_facts: [Customer.PostalCode] }}`.",
                    field.name
                ),
            ));
        }
        // Files made for Fides never say it. What silence means must not go unnoticed.
        if field.identity.is_some() && !says {
            let taken = if field.verified {
                "so it is taken as checked: whoever owns it sees the row"
            } else {
                "so it is taken as not checked, because phone numbers change hands: the row shows after a second fact"
            };
            findings.push(Finding::note(
                field.blank.at("verified").unwrap_or(&field.place),
                "identity-verified-unsaid",
                format!(
                    "Nothing says whether somebody checked that `{}` belongs to the customer, {taken}. Write `portal: {{ verified: true }}`, or `verified: false` if anybody could have typed it.",
                    field.name
                ),
            ));
        }
    }
    check_second_facts(catalog, dataset, findings);
}

/// A fact that can't be asked for is left out, and the customer may then have no way to show who they are.
fn check_second_facts(catalog: &Catalog, dataset: &Dataset, findings: &mut Vec<Finding>) {
    for fact in &dataset.second_facts {
        let field = catalog
            .dataset(&fact.dataset)
            .and_then(|d| d.collection(&fact.collection))
            .and_then(|c| c.field(&fact.field));
        // A field that is not there is the loader's finding.
        if field.is_some_and(|field| !can_be_asked_for(field)) {
            findings.push(Finding::error(
                dataset.said.at("second_facts").unwrap_or(&dataset.place),
                "useless-second-fact",
                format!(
                    "`{}.{}` can't be a second fact: the address itself proves nothing new, and a secret is nothing to ask for. Name a field that the customer knows and others do not, such as a post code.",
                    fact.collection, fact.field
                ),
            ));
        }
    }
}

/// Whether the customer's rows can be found.
pub(super) fn check_ties(
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

pub(super) fn check_collection(
    catalog: &Catalog,
    collection: &Collection,
    findings: &mut Vec<Finding>,
) {
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
            collection.blank.at("rows").unwrap_or(&collection.place),
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
