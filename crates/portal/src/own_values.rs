//! The values that the portal itself holds, as a part of My data.

use fairhold_domain::catalog::{Origin, ShownAs};
use fairhold_domain::email::EmailAddress;
use fairhold_domain::facts::{self, Entry, Fact, Part, Shown};
use fairhold_domain::ids::FieldPath;
use fairhold_domain::time::Moment;
use fairhold_domain::{catalog, present};
use fairhold_store::StoreError;
use fairhold_store::accounts::Account;
use fairhold_store::records::{OwnRecord, OwnValue};

use crate::company::Current;
use crate::error::{Error, Result};
use crate::rows::Uncover;

/// The address that the customer logs in with, by its name in the sealed record.
pub(crate) const ADDRESS: &str = "account.email";

/// The address that the customer logs in with.
pub(crate) fn address(record: &OwnRecord) -> Result<EmailAddress> {
    let value = record
        .values
        .get(ADDRESS)
        .ok_or(Error::Store(StoreError::Form))?;
    Ok(EmailAddress::parse(&value.value)?)
}

/// A value that the customer gave.
pub(crate) fn given(value: &str, at: Moment) -> OwnValue {
    OwnValue {
        value: value.to_owned(),
        origin: Origin::Provided,
        at,
        purpose: None,
        grant: None,
    }
}

/// What the account itself says, beside the sealed record.
fn add_account(record: &mut OwnRecord, account: &Account) {
    let seen = |at: Moment| OwnValue {
        value: at.timestamp().to_string(),
        origin: Origin::Observed,
        at,
        purpose: None,
        grant: None,
    };
    record
        .values
        .insert("account.joined".to_owned(), seen(account.created_at));
    if let Some(at) = account.last_log_in_at {
        record
            .values
            .insert("account.last_log_in".to_owned(), seen(at));
    }
    if let Some(at) = account.password_changed_at {
        record.values.insert(
            "account.password".to_owned(),
            OwnValue {
                value: String::new(),
                ..seen(at)
            },
        );
    }
}

/// The parts of a dataset of the portal's own: described fields first, then what nobody described.
pub(crate) fn parts(
    current: &Current,
    dataset: &catalog::Dataset,
    mut record: OwnRecord,
    account: &Account,
    uncover: &mut Uncover<'_>,
) -> Vec<Part> {
    add_account(&mut record, account);
    let mut parts = Vec::new();
    for collection in &dataset.collections {
        let mut entry = Entry::default();
        for field in &collection.fields {
            match record
                .values
                .remove(&format!("{}.{}", collection.name, field.name))
            {
                Some(value) => {
                    entry.facts.push(fact(
                        current,
                        dataset,
                        collection,
                        &field.name,
                        Some(field),
                        value,
                        uncover,
                    ));
                }
                None => entry
                    .empty
                    .push(field.label.clone().unwrap_or_else(|| field.name.clone())),
            }
        }
        let start = format!("{}.", collection.name);
        let undescribed: Vec<String> = record
            .values
            .keys()
            .filter(|k| k.starts_with(&start))
            .cloned()
            .collect();
        for key in undescribed {
            if let Some(value) = record.values.remove(&key) {
                let name = key.get(start.len()..).unwrap_or_default();
                entry.facts.push(fact(
                    current, dataset, collection, name, None, value, uncover,
                ));
            }
        }
        if !entry.facts.is_empty() {
            parts.push(crate::rows::part(
                dataset,
                collection,
                ShownAs::Facts,
                vec![entry],
            ));
        }
    }
    // A record may hold values of a collection that the catalog no longer names: they are held, so they are shown.
    let mut rest = Entry::default();
    let nobody = catalog::Collection {
        name: "other".to_owned(),
        ..catalog::Collection::default()
    };
    for (key, value) in record.values {
        rest.facts
            .push(fact(current, dataset, &nobody, &key, None, value, uncover));
    }
    if !rest.facts.is_empty() {
        parts.push(crate::rows::part(
            dataset,
            &nobody,
            ShownAs::Facts,
            vec![rest],
        ));
    }
    parts
}

fn fact(
    current: &Current,
    dataset: &catalog::Dataset,
    collection: &catalog::Collection,
    name: &str,
    field: Option<&catalog::Field>,
    value: OwnValue,
    uncover: &mut Uncover<'_>,
) -> Fact {
    let path = FieldPath::new(&dataset.key, &collection.name, name);
    let kind = present::Kind {
        sql_type: "",
        column: name,
        field,
    };
    let shown = match facts::withheld(name, field) {
        Some(reason) => Shown::Withheld(reason),
        None => uncover.show(
            &path,
            name.as_bytes(),
            field,
            present::value(&value.value, kind, &current.zone),
        ),
    };
    Fact {
        id: uncover.name(field, &path, name.as_bytes()),
        system: dataset.name.clone(),
        label: field
            .and_then(|f| f.label.clone())
            .unwrap_or_else(|| name.to_owned()),
        described: field.is_some(),
        origin: Some(value.origin),
        group: facts::group(collection, field),
        value: shown,
        since: Some(present::timestamp(value.at.timestamp(), &current.zone)),
        sensitive: field.is_some_and(catalog::Field::is_sensitive),
        path,
    }
}
