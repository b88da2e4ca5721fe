//! Each strategy, and each reason why something stays.
#![expect(clippy::unwrap_used, reason = "a test may panic: that is how it fails")]

use super::*;
use crate::catalog::{Keep, KeyValueColumns};
use crate::schema::{LiveCheck, LiveForeignKey};

fn column(name: &str, sql_type: &str) -> LiveColumn {
    LiveColumn {
        name: name.to_owned(),
        sql_type: sql_type.to_owned(),
        nullable: true,
        ..LiveColumn::default()
    }
}

fn field(name: &str, erase: Option<Erase>) -> Field {
    Field {
        name: name.to_owned(),
        label: Some(format!("Your {name}")),
        erase,
        ..Field::default()
    }
}

fn table(columns: Vec<LiveColumn>) -> LiveTable {
    LiveTable {
        name: "people".to_owned(),
        columns,
        primary_key: vec!["id".to_owned()],
        ..LiveTable::default()
    }
}

fn one(fields: Vec<Field>, table: &LiveTable) -> Act {
    let collection = Collection {
        name: "people".to_owned(),
        fields,
        ..Collection::default()
    };
    let mut fate = fate(&Dataset::default(), &collection, table);
    assert_eq!((fate.acts.len(), fate.other), (1, None));
    fate.acts.pop().unwrap()
}

fn kept(act: &Act) -> Vec<(&str, &str)> {
    let parts = act.kept.iter();
    parts.map(|p| (p.label.as_str(), p.why.as_str())).collect()
}

#[test]
fn one_field_to_delete_takes_the_row() {
    let table = table(vec![
        column("id", "int"),
        column("name", "text"),
        column("x", "text"),
    ]);
    let act = one(
        vec![
            field("name", Some(Erase::Delete)),
            field("id", Some(Erase::Mask)),
        ],
        &table,
    );
    assert!(act.deletes && act.changes.is_empty() && act.kept.is_empty());
}

#[test]
fn what_the_law_keeps_keeps_the_row_and_the_rest_is_emptied_or_written_over() {
    let mut table = table(vec![
        column("id", "int"),
        column("name", "varchar(40)"),
        LiveColumn {
            nullable: false,
            ..column("email", "text")
        },
        column("total", "int"),
        column("city", "text"),
        column("person", "int"),
        LiveColumn {
            generated: true,
            ..column("sum", "int")
        },
        LiveColumn {
            nullable: false,
            ..column("shape", "point")
        },
        column("password", "text"),
    ]);
    table.unique = vec![vec!["email".to_owned()]];
    table.foreign_keys = vec![LiveForeignKey {
        columns: vec!["person".to_owned()],
        table: "people".to_owned(),
        ..LiveForeignKey::default()
    }];
    let law = Field {
        keep: Some(Keep {
            duration: "7 years".to_owned(),
            from: None,
            because: Some("tax law".to_owned()),
        }),
        ..field("total", Some(Erase::Keep))
    };
    let email = Field {
        identity: Some("email".to_owned()),
        ..field("email", Some(Erase::Null))
    };
    let act = one(
        vec![
            law,
            email,
            field("name", Some(Erase::Mask)),
            field("sum", Some(Erase::Null)),
            field("shape", Some(Erase::Mask)),
        ],
        &table,
    );
    assert!(!act.deletes);
    let changes: Vec<_> = act
        .changes
        .iter()
        .map(|c| (c.column.as_str(), c.mask, c.unique))
        .collect();
    assert_eq!(
        changes,
        [
            ("name", Some(Mask::Text(40)), false),
            ("email", Some(Mask::Email(1_000)), true),
            ("password", None, false),
        ],
        "what may not be empty is written over, and a secret is of no use to anybody"
    );
    assert_eq!(
        kept(&act),
        [
            ("id", IS_A_KEY),
            (
                "Your total",
                "For 7 years. The reason: tax law. Then we delete it."
            ),
            ("city", NOT_DESCRIBED),
            ("person", IS_A_LINK),
            ("Your sum", IS_GENERATED),
            ("Your shape", CAN_NOT),
        ]
    );
}

#[test]
fn what_the_database_might_refuse_is_emptied_where_it_may_be() {
    let never_empty = |column: LiveColumn| LiveColumn {
        nullable: false,
        ..column
    };
    let mut table = table(vec![
        column("size", "text"),
        column("prefs", "longtext"),
        column("seat", "smallint"),
        column("login", "varchar(40)"),
        never_empty(column("badge", "smallint")),
        never_empty(column("flag", "boolean")),
        never_empty(column("mood", "text")),
    ]);
    for name in ["seat", "login", "badge", "flag"] {
        table.unique.push(vec!["other".to_owned(), name.to_owned()]);
    }
    for (name, is_json) in [("size", false), ("prefs", true), ("mood", false)] {
        table.checks.push(LiveCheck {
            columns: vec![name.to_owned()],
            is_json,
        });
    }
    let names = ["size", "prefs", "seat", "login", "badge", "flag", "mood"];
    let fields = names.map(|name| field(name, Some(Erase::Mask)));
    let act = one(fields.into(), &table);
    let changes = act.changes.iter().map(|c| (c.column.as_str(), c.mask));
    assert_eq!(
        changes.collect::<Vec<_>>(),
        [
            ("size", None),
            ("prefs", Some(Mask::Json)),
            ("seat", None),
            ("login", Some(Mask::Text(40))),
            ("badge", Some(Mask::Whole(-32_768))),
            ("mood", Some(Mask::Text(1_000))),
        ]
    );
    assert_eq!(kept(&act), [("Your flag", CAN_NOT)]);
}

#[test]
fn facts_of_a_table_of_facts_have_each_their_own_fate() {
    let collection = Collection {
        key_value: Some(KeyValueColumns {
            key_column: "meta_key".to_owned(),
            value_column: "meta_value".to_owned(),
        }),
        fields: vec![
            field("user_id", None),
            field("nickname", Some(Erase::Delete)),
            field("plan", Some(Erase::Null)),
        ],
        ..Collection::default()
    };
    let table = table(vec![
        column("id", "int"),
        column("user_id", "int"),
        column("meta_key", "text"),
        column("meta_value", "text"),
    ]);
    let fate = fate(&Dataset::default(), &collection, &table);
    let acts: Vec<_> = fate
        .acts
        .iter()
        .map(|act| (act.fact.as_deref().unwrap(), act.deletes, act.changes.len()))
        .collect();
    assert_eq!(acts, [("nickname", true, 0), ("plan", false, 1)]);
    assert!(!fate.other.unwrap().deletes, "nobody said what the rest is");
}

#[test]
fn nothing_is_promised_of_a_view() {
    let mut view = table(vec![column("id", "int"), column("name", "text")]);
    (view.is_view, view.primary_key) = (true, Vec::new());
    let act = one(vec![field("name", Some(Erase::Delete))], &view);
    assert!(!act.deletes && act.changes.is_empty());
    assert_eq!(kept(&act), [("id", NOT_DESCRIBED), ("Your name", CAN_NOT)]);
}

#[test]
fn no_label_makes_a_line_of_its_own() {
    let certificate = Certificate {
        erasure: "1".to_owned(),
        company: "Finch\nNumber: 2".to_owned(),
        done_at: "2026-01-01".to_owned(),
        unreadable_from: "2026-02-01".to_owned(),
        tables: vec![ErasedTable {
            system: "Shop".to_owned(),
            label: "Orders".to_owned(),
            erased: 3,
            masked: 0,
            masked_parts: vec!["Name\n----- signature -----".to_owned()],
            kept: 1,
            kept_parts: vec![KeptPart::new("Total", "Tax law.")],
        }],
    };
    let text = certificate.text();
    assert!(text.contains("By: Finch Number: 2\n"));
    assert!(!text.contains(SIGNED_PART_ENDS));
    assert!(text.contains("    Stays: Total. Tax law.\n"));
}
