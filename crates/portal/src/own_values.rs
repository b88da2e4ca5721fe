//! The values that the portal itself holds, as a part of My data.

use std::collections::BTreeMap;

use fairhold_domain::answer;
use fairhold_domain::catalog::{Collection, Dataset, Origin, ShownAs};
use fairhold_domain::contact_point::{ContactPoint, Kind};
use fairhold_domain::email::EmailAddress;
use fairhold_domain::facts::{Entry, Fact, Part};
use fairhold_domain::grant::State;
use fairhold_domain::present;
use fairhold_domain::time::Moment;
use fairhold_store::accounts::Account;
use fairhold_store::grants::{self, StoredGrant};
use fairhold_store::records::{OwnRecord, OwnValue};
use fairhold_store::{StoreError, Tx, factors, memberships};

use crate::company::Current;
use crate::error::{Error, Result};
use crate::rows::{Head, Uncover, part};
use crate::{Customer, Portal};

/// The address that the customer logs in with, by its name in the sealed record.
pub(crate) const ADDRESS: &str = "account.email";

/// What a member of a programme wants to be called, by its name in the sealed record.
pub(crate) const NICKNAME: &str = "membership.nickname";

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

impl Portal {
    /// Which programmes the customer is in, or was.
    pub(crate) async fn membership_values(
        &self,
        tx: &mut Tx,
        customer: &Customer,
        current: &Current,
    ) -> Result<BTreeMap<String, OwnValue>> {
        let all = memberships::of(tx, customer.id).await?;
        let last = all
            .iter()
            .map(|its| its.left_at.unwrap_or(its.joined_at))
            .max();
        let words: Vec<String> = all
            .into_iter()
            .map(|its| {
                let programme = current.catalog.company.programme(&its.programme);
                let name = programme.map_or(its.programme.as_str(), |programme| &programme.name);
                match its.left_at {
                    None => name.to_owned(),
                    Some(_) => format!("{name} (you left)"),
                }
            })
            .collect();
        let value = last.map(|at| given(&words.join(", "), at));
        let value = value.map(|value| ("membership.programmes".to_owned(), value));
        Ok(value.into_iter().collect())
    }

    /// What is kept to let the customer in, beside the sealed record: what they proved, and how and where they come in.
    pub(crate) async fn log_in_values(
        &self,
        tx: &mut Tx,
        customer: &Customer,
        proven: &[(ContactPoint, Moment)],
    ) -> Result<BTreeMap<String, OwnValue>> {
        let mut values = BTreeMap::new();
        for (name, kind) in [
            ("account.other_addresses", Kind::Email),
            ("account.phone_numbers", Kind::Phone),
        ] {
            let of_kind = || proven.iter().filter(|(point, _)| point.kind() == kind);
            let texts: Vec<&str> = of_kind().map(|(point, _)| point.as_str()).collect();
            let last = of_kind().map(|(_, at)| *at).max();
            values.extend(last.map(|at| (name.to_owned(), given(&texts.join(", "), at))));
        }
        let devices = self.devices_of(tx, customer).await?;
        let last = devices.iter().map(|(_, seen)| *seen).max();
        let words: Vec<String> = devices.into_iter().map(|(words, _)| words).collect();
        values.extend(last.map(|at| {
            let origin = Origin::Observed;
            let value = OwnValue {
                origin,
                ..given(&words.join(", "), at)
            };
            ("account.devices".to_owned(), value)
        }));
        let passkeys = self.passkeys_of(tx, customer).await?;
        let last = passkeys.iter().map(|(_, added)| *added).max();
        let first = passkeys.iter().map(|(_, added)| *added).min();
        let names: Vec<String> = passkeys.into_iter().map(|(name, _)| name).collect();
        values.extend(last.map(|at| {
            (
                "account.named_log_ins".to_owned(),
                given(&names.join(", "), at),
            )
        }));
        // Secrets: that they are held is said, what they are is not.
        let app = factors::app_added_at(tx, customer.id).await?;
        let codes = factors::factors(tx, customer.id).await?.recovery_codes;
        // They came with the first factor.
        let codes = app.into_iter().chain(first).min().filter(|_| codes > 0);
        for (name, at) in [("account.app", app), ("account.recovery_codes", codes)] {
            values.extend(at.map(|at| (name.to_owned(), given("", at))));
        }
        Ok(values)
    }
}

impl Portal {
    /// What a customer allows and what they refused, as the words of the purposes.
    pub(crate) async fn choice_values(
        &self,
        tx: &mut Tx,
        customer: &Customer,
    ) -> Result<BTreeMap<String, OwnValue>> {
        let current = self.company().current();
        let stored = grants::of(tx, customer.id).await?;
        let now = self.now();
        let purpose = |grant: &StoredGrant| current.catalog.company.purpose(&grant.purpose);
        let is_yes = |grant: &&StoredGrant| {
            purpose(grant).is_some_and(|p| grant.standing.in_force(p.version, now))
        };
        let is_no = |grant: &&StoredGrant| {
            matches!(grant.standing.state, State::Refused | State::Withdrawn)
                && !stored
                    .iter()
                    .any(|other| other.purpose == grant.purpose && is_yes(&other))
        };
        let value = |name: &str, grants: Vec<&StoredGrant>| {
            let last = grants.iter().map(|grant| grant.changed_at).max()?;
            let mut words: Vec<&str> = grants
                .iter()
                .filter_map(|grant| Some(purpose(grant)?.words.as_str()))
                .collect();
            words.dedup();
            Some((name.to_owned(), given(&words.join(" "), last)))
        };
        let allowed = stored.iter().filter(is_yes).collect();
        let refused = stored.iter().filter(is_no).collect();
        let values = [
            value("choices.allowed", allowed),
            value("choices.refused", refused),
        ];
        Ok(values.into_iter().flatten().collect())
    }
}

/// What the account itself says, beside the sealed record.
pub(crate) fn account_values(account: &Account) -> BTreeMap<String, OwnValue> {
    let seen = |at: Moment| OwnValue {
        value: at.timestamp().to_string(),
        origin: Origin::Observed,
        at,
        purpose: None,
        grant: None,
    };
    let mut values = BTreeMap::from([("account.joined".to_owned(), seen(account.created_at))]);
    values.extend(
        account
            .last_log_in_at
            .map(|at| ("account.last_log_in".to_owned(), seen(at))),
    );
    // The password itself is nowhere; the page says that its scrambled form is held.
    values.extend(account.password_changed_at.map(|at| {
        let held = OwnValue {
            value: String::new(),
            origin: Origin::Provided,
            ..seen(at)
        };
        ("account.password".to_owned(), held)
    }));
    values
}

/// The parts of a dataset of the portal's own: described fields first, then what nobody described.
pub(crate) fn parts(
    current: &Current,
    dataset: &Dataset,
    record: &OwnRecord,
    account: &Account,
    uncover: &mut Uncover<'_>,
) -> Vec<Part> {
    let from_account = account_values(account);
    let mut values: BTreeMap<&str, &OwnValue> = record
        .values
        .iter()
        .chain(&from_account)
        .map(|(key, value)| (key.as_str(), value))
        .collect();
    let mut parts = Vec::new();
    for collection in &dataset.collections {
        let start = format!("{}.", collection.name);
        let mut entry = Entry::default();
        for field in &collection.fields {
            let head = Head::new(dataset, collection, (&field.name, ""));
            match values.remove(format!("{start}{}", field.name).as_str()) {
                Some(value) => entry
                    .facts
                    .push(fact(current, &head, &field.name, value, uncover)),
                None => entry.empty.push(head.label().to_owned()),
            }
        }
        let undescribed = values.extract_if(.., |key, _| key.starts_with(&start));
        for (key, value) in undescribed {
            let name = key.get(start.len()..).unwrap_or_default();
            let head = Head::new(dataset, collection, (name, ""));
            entry.facts.push(fact(current, &head, name, value, uncover));
        }
        if !entry.facts.is_empty() {
            parts.push(part(dataset, collection, ShownAs::Facts, vec![entry]));
        }
    }
    // A record may hold values of a collection that the catalog no longer names: they are held, so they are shown.
    let nobody = Collection {
        name: "other".to_owned(),
        ..Collection::default()
    };
    let rest = values.into_iter().map(|(key, value)| {
        let head = Head::new(dataset, &nobody, (key, ""));
        fact(current, &head, key, value, uncover)
    });
    let rest = Entry {
        facts: rest.collect(),
        ..Entry::default()
    };
    if !rest.facts.is_empty() {
        parts.push(part(dataset, &nobody, ShownAs::Facts, vec![rest]));
    }
    parts
}

fn fact(
    current: &Current,
    head: &Head<'_>,
    name: &str,
    value: &OwnValue,
    uncover: &mut Uncover<'_>,
) -> Fact {
    let since = present::timestamp(value.at.timestamp(), &current.zone);
    let read = head.answer().map_or_else(
        || value.value.clone(),
        |kind| answer::shown(kind, &value.value),
    );
    let shown = head.show(&read, name.as_bytes(), &current.zone, uncover);
    head.fact(
        shown,
        name.as_bytes(),
        Some(value.origin),
        Some(since),
        uncover,
    )
}
