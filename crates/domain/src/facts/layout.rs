//! Where a field or a list stands on the page, how it is laid out, and which words name an entry.

use super::{Entry, Fact, Shown};
use crate::catalog::{Collection, Field, Group, Origin, ShownAs};

/// Where a field stands on the page.
pub fn group(collection: &Collection, field: Option<&Field>) -> Group {
    let Some(field) = field else {
        return Group::NotDescribed;
    };
    match field.origin {
        Some(Origin::Inferred) => return Group::WhatWeWorkedOut,
        Some(Origin::Obtained) => return Group::FromOthers,
        _ => {}
    }
    let is = |start: &str| {
        field.categories.iter().any(|c| {
            c == start
                || c.strip_prefix(start)
                    .is_some_and(|rest| rest.starts_with('.'))
        })
    };
    if let Some(group) = collection.group {
        return group;
    }
    if is("user.contact") {
        Group::HowToReachYou
    } else if is("user.name")
        || is("user.demographic")
        || is("user.job_title")
        || is("user.workplace")
        || is("user.health_and_medical")
    {
        Group::AboutYou
    } else if is("user.payment") || is("user.financial") || is("user.behavior.purchase_history") {
        Group::WhatYouBought
    } else if is("user.behavior")
        || is("user.device")
        || is("user.location")
        || is("user.telemetry")
        || is("user.sensor")
        || is("user.user_sensor")
    {
        Group::WhatYouDid
    } else {
        Group::YourAccount
    }
}

/// Where a list stands: as most of its fields would.
pub fn list_group(collection: &Collection) -> Group {
    let groups =
        |fields: &mut dyn Iterator<Item = &Field>| most(fields.map(|f| group(collection, Some(f))));
    groups(&mut collection.fields.iter().filter(|f| !is_plumbing(f)))
        .or(collection.group)
        // What only ties rows together is described all the same.
        .or_else(|| groups(&mut collection.fields.iter()))
        .unwrap_or(Group::NotDescribed)
}

/// The origin that most fields of a collection have.
pub fn list_origin(collection: &Collection) -> Option<Origin> {
    most(
        collection
            .fields
            .iter()
            .filter(|f| !is_plumbing(f))
            .filter_map(|f| f.origin),
    )
    .or_else(|| most(collection.fields.iter().filter_map(|f| f.origin)))
}

/// How a collection is laid out: as the catalog says, or facts where it holds an identity and a list elsewhere.
pub fn shown_as(collection: &Collection) -> ShownAs {
    collection
        .shown_as
        .unwrap_or(if collection.fields.iter().any(|f| f.identity.is_some()) {
            ShownAs::Facts
        } else {
            ShownAs::List
        })
}

/// The words that name an entry of a list: what it points at (the product of an order line), then its first values that
/// are no keys, the long ones cut.
pub fn title(entry: &Entry, collection: Option<&Collection>) -> Vec<String> {
    let short = |fact: &Fact| match &fact.value {
        Shown::Plain(text) | Shown::Long { start: text, .. } if fact.described => {
            Some(shortened(text))
        }
        _ => None,
    };
    // A bare number names nothing, nor does the answer to a question that is not there; a word, a date or an amount of
    // money does.
    let tells = |text: &String| {
        !["Yes", "No"].contains(&text.as_str())
            && text
                .chars()
                .any(|c| c.is_alphabetic() || "€$£¥".contains(c))
    };
    let pointed_at = entry
        .context
        .iter()
        .filter_map(|c| c.facts.iter().filter_map(short).find(tells));
    let own = entry.facts.iter().filter(|fact| {
        collection
            .and_then(|c| c.field(&fact.path.field))
            .is_none_or(|field| !is_plumbing(field))
    });
    pointed_at
        .chain(own.filter_map(short).filter(tells))
        .take(3)
        .collect()
}

/// The longest that a value may be in an entry's title, in characters.
const TITLE: usize = 60;

/// The beginning of a text, cut after a word where it is long.
fn shortened(text: &str) -> String {
    if text.chars().count() <= TITLE {
        return text.to_owned();
    }
    let start: String = text.chars().take(TITLE).collect();
    let whole = start
        .rsplit_once(' ')
        .map_or(start.as_str(), |(words, _)| words);
    format!("{}…", whole.trim_end_matches([',', '.', ';', ':', ' ']))
}

/// Keys and references: shown, but they say nothing of the collection's nature.
fn is_plumbing(field: &Field) -> bool {
    field.primary_key
        || !field.references.is_empty()
        || field.categories.iter().all(|c| c.starts_with("system"))
}

fn most<T: Copy + PartialEq>(items: impl Iterator<Item = T>) -> Option<T> {
    let mut counts: Vec<(T, usize)> = Vec::new();
    for item in items {
        match counts.iter_mut().find(|(known, _)| *known == item) {
            Some((_, n)) => *n += 1,
            None => counts.push((item, 1)),
        }
    }
    // The first of the most frequent, so that the catalog's order decides a draw.
    counts
        .iter()
        .rev()
        .max_by_key(|(_, n)| *n)
        .map(|(item, _)| *item)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::sample::{field, my_data};

    #[test]
    fn groups_as_a_person_thinks() {
        let plain = Collection::default();
        for (category, origin, expected) in [
            ("user.name.first", Origin::Provided, Group::AboutYou),
            ("user.contact.email", Origin::Provided, Group::HowToReachYou),
            ("user.contacts", Origin::Provided, Group::YourAccount),
            ("user.payment", Origin::Observed, Group::WhatYouBought),
            (
                "user.behavior.browsing_history",
                Origin::Observed,
                Group::WhatYouDid,
            ),
            ("user.contact.email", Origin::Obtained, Group::FromOthers),
            (
                "user.health_and_medical",
                Origin::Inferred,
                Group::WhatWeWorkedOut,
            ),
        ] {
            assert_eq!(
                group(&plain, Some(&field(category, origin))),
                expected,
                "{category}"
            );
        }
        assert_eq!(group(&plain, None), Group::NotDescribed);
    }

    #[test]
    fn a_long_value_is_cut_in_a_title_and_a_bare_answer_left_out() {
        let mut data = my_data();
        let note = "Parcel stood at the depot. Rang the driver; it came the next day.";
        let mut facts = data
            .parts
            .iter_mut()
            .flat_map(|p| &mut p.entries)
            .flat_map(|e| &mut e.facts);
        for (fact, value) in facts.by_ref().zip([note, "Yes", "Nadia"]) {
            fact.value = Shown::Plain(value.to_owned());
        }
        let entry = data.parts.iter().flat_map(|p| &p.entries).next();
        assert_eq!(
            entry.map(|e| title(e, None)),
            Some(vec![
                "Parcel stood at the depot. Rang the driver; it came the…".to_owned(),
                "Nadia".to_owned(),
            ])
        );
    }
}
