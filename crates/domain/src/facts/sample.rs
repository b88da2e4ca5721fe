//! A small page for the tests of these rules: one account of three facts, and a list of 5,000 orders that shows two.

use super::{Entry, Fact, MyData, Part, Shown};
use crate::catalog::{Field, Group, Origin, ShownAs};
use crate::ids::FieldPath;

/// A field of one category and origin.
pub(super) fn field(category: &str, origin: Origin) -> Field {
    Field {
        categories: vec![category.to_owned()],
        origin: Some(origin),
        ..Field::default()
    }
}

/// The page.
pub(super) fn my_data() -> MyData {
    let account = Entry {
        facts: vec![
            fact(
                "First name",
                Shown::Plain("Ada".to_owned()),
                Origin::Provided,
            ),
            fact("Taste", Shown::Plain("Strong".to_owned()), Origin::Inferred),
            fact("Birthday", Shown::Covered, Origin::Provided),
        ],
        ..Entry::default()
    };
    let order = |n: &str| Entry {
        facts: vec![fact("Order", Shown::Plain(n.to_owned()), Origin::Observed)],
        ..Entry::default()
    };
    MyData {
        parts: vec![
            part(ShownAs::Facts, vec![account], 1),
            part(ShownAs::List, vec![order("A-1"), order("A-2")], 5_000),
        ],
        ..MyData::default()
    }
}

fn part(shown_as: ShownAs, entries: Vec<Entry>, count: u64) -> Part {
    Part {
        dataset: "shop".to_owned(),
        system: "Our shop".to_owned(),
        collection: "customers".to_owned(),
        label: "Your shop account".to_owned(),
        description: None,
        one_row: "account".to_owned(),
        shown_as,
        group: Group::AboutYou,
        origin: Some(Origin::Observed),
        entries,
        count,
        count_is_more: false,
        next: None,
    }
}

fn fact(label: &str, value: Shown, origin: Origin) -> Fact {
    Fact {
        id: String::new(),
        path: FieldPath::new("shop", "customers", label),
        system: "Our shop".to_owned(),
        label: label.to_owned(),
        described: true,
        origin: Some(origin),
        group: Group::AboutYou,
        value,
        since: None,
    }
}
