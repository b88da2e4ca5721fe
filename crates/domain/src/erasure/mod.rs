//! Erasure: what becomes of each column of a customer's rows, what is kept and why, and what is said about it before and
//! after (GDPR Art. 17; what the law says to keep, Art. 17(3)).
//!
//! The catalog promises it (`erase: delete | null | mask | keep`), the live table has the last word: what its database can't
//! do is kept, and said to be kept. Nothing here holds a value of anybody's.

mod certificate;
mod mask;

pub use certificate::{Certificate, ErasedTable, KeptPart, SIGNED_PART_ENDS};
pub use mask::Mask;

use serde::{Deserialize, Serialize};

use crate::catalog::{Collection, Dataset, Erase, Field, looks_like_a_secret};
use crate::facts::kept_words;
use crate::schema::{LiveColumn, LiveTable};

/// What becomes of the customer's own rows of one collection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fate {
    /// What becomes of a row; several only in a table of one row a fact, each for the facts of one name.
    pub acts: Vec<Act>,
    /// What becomes of a fact that none of the acts is for; `None` where every row has the same fate.
    pub other: Option<Act>,
}

/// What becomes of one row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// The name of the fact, in a table of one row a fact.
    pub fact: Option<String>,
    /// The whole row goes. Then nothing of it is changed or kept.
    pub deletes: bool,
    /// Columns that are emptied or written over, as the database spells them.
    pub changes: Vec<Change>,
    /// What stays as it is.
    pub kept: Vec<KeptPart>,
}

/// A column that is emptied or written over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The column, as the database spells it.
    pub column: String,
    /// What customers call it.
    pub label: String,
    /// What is written over it; `None` empties it.
    pub mask: Option<Mask>,
    /// Whether no two rows may hold the same there.
    pub unique: bool,
}

/// Why a part stays although no field says so.
const NOT_DESCRIBED: &str =
    "Nobody has written down yet what this is. Ask us and we will find out.";
/// Why a part stays that could not be told apart from others without it.
const IS_A_KEY: &str = "The database needs it to tell its rows apart.";
/// Why a part stays that leads to another table.
const IS_A_LINK: &str = "It only says which rows belong together.";
/// Why a part stays that the database fills in itself.
const IS_GENERATED: &str = "The database works it out by itself from the other parts.";
/// Why a part stays that can be neither emptied nor written over.
const CAN_NOT: &str = "The database can’t write over this.";

/// What becomes of the customer's own rows of a collection.
pub fn fate(dataset: &Dataset, collection: &Collection, table: &LiveTable) -> Fate {
    let Some(key_value) = &collection.key_value else {
        let act = act_of_row(dataset, collection, table);
        return Fate {
            acts: vec![act],
            other: None,
        };
    };
    let value = table.column(&key_value.value_column);
    let acts = collection.fields.iter().filter(|field| {
        // Fields that are columns lead to rows; the others are names of facts.
        table.column(&field.name).is_none()
    });
    let acts = acts.map(|field| Act {
        fact: Some(field.name.clone()),
        ..act_of_fact(dataset, collection, table, field, value)
    });
    Fate {
        acts: acts.collect(),
        other: Some(Act {
            kept: vec![KeptPart::new("Other facts", NOT_DESCRIBED)],
            ..Act::default()
        }),
    }
}

/// Whether rows of a shared collection go once nobody points at them any more.
pub fn shared_rows_go(collection: &Collection) -> bool {
    let mut fields = collection.fields.iter();
    fields.any(|field| field.erase == Some(Erase::Delete))
}

fn act_of_row(dataset: &Dataset, collection: &Collection, table: &LiveTable) -> Act {
    let fields = || collection.fields.iter();
    let kept_by_law = fields().any(|f| f.erase == Some(Erase::Keep) && f.withheld.is_none());
    if !table.is_view && !kept_by_law && fields().any(|f| f.erase == Some(Erase::Delete)) {
        return Act {
            deletes: true,
            ..Act::default()
        };
    }
    let mut act = Act::default();
    for column in &table.columns {
        let described = fields().find(|f| describes(f, column));
        act.add(fate_of_column(
            dataset, collection, table, column, described,
        ));
    }
    act
}

fn act_of_fact(
    dataset: &Dataset,
    collection: &Collection,
    table: &LiveTable,
    field: &Field,
    value: Option<&LiveColumn>,
) -> Act {
    if field.erase == Some(Erase::Delete) && !table.is_view {
        return Act {
            deletes: true,
            ..Act::default()
        };
    }
    let mut act = Act::default();
    if let Some(value) = value {
        act.add(fate_of_column(
            dataset,
            collection,
            table,
            value,
            Some(field),
        ));
    }
    act
}

/// A column by itself, or with others nested in it.
fn describes(field: &Field, column: &LiveColumn) -> bool {
    let outer = field.name.split_once('.').map(|(outer, _)| outer);
    field.name.eq_ignore_ascii_case(&column.name)
        || outer.is_some_and(|outer| outer.eq_ignore_ascii_case(&column.name))
}

enum ColumnFate {
    Changed(Change),
    Kept(KeptPart),
}

impl Act {
    fn add(&mut self, fate: ColumnFate) {
        match fate {
            ColumnFate::Changed(change) => self.changes.push(change),
            ColumnFate::Kept(part) => self.kept.push(part),
        }
    }
}

fn fate_of_column(
    dataset: &Dataset,
    collection: &Collection,
    table: &LiveTable,
    column: &LiveColumn,
    field: Option<&Field>,
) -> ColumnFate {
    let label = field.and_then(|f| f.label.clone());
    let label = label.unwrap_or_else(|| column.name.clone());
    let kept = |why: &str| ColumnFate::Kept(KeptPart::new(&label, why));
    let has = |columns: &[String]| columns.contains(&column.name);
    let is_link = table.foreign_keys.iter().any(|key| has(&key.columns))
        || field.is_some_and(|f| !f.references.is_empty());
    let secret = looks_like_a_secret(&column.name) || field.is_some_and(|f| f.withheld.is_some());
    let wanted = match field.and_then(|f| f.erase) {
        Some(erase) => Some(erase),
        // What nobody may read is of no use to anybody once its customer has gone.
        None if secret => Some(Erase::Null),
        None => None,
    };
    let unique = table.unique.iter().any(|unique| has(unique));
    let checks = || table.checks.iter().filter(|check| has(&check.columns));
    let mask = || {
        let email = field.is_some_and(|f| f.identity.as_deref() == Some("email"))
            || field.is_some_and(|f| f.categories.iter().any(|c| c == "user.contact.email"));
        if checks().any(|check| check.is_json) {
            Some(Mask::Json)
        } else {
            Mask::of(&column.sql_type, email)
        }
    };
    match wanted {
        Some(Erase::Keep) => {
            let words = field.map(|field| kept_words(dataset, collection, field));
            kept(&words.unwrap_or_default())
        }
        _ if has(&table.primary_key) => kept(IS_A_KEY),
        None if is_link => kept(IS_A_LINK),
        None => kept(NOT_DESCRIBED),
        Some(_) if table.is_view => kept(CAN_NOT),
        Some(_) if column.generated => kept(IS_GENERATED),
        Some(erase) => {
            let change = |mask| {
                ColumnFate::Changed(Change {
                    column: column.name.clone(),
                    label: label.clone(),
                    mask,
                    unique,
                })
            };
            let mask = mask().filter(|mask| !is_link && (!unique || mask.can_differ()));
            // What the database might not take is emptied instead, where it may be: a rule that nobody can read, or a number
            // that another row has.
            let is_safe =
                |mask: Mask| (!unique || mask.is_plenty()) && checks().all(|check| check.is_json);
            match (erase, mask) {
                (Erase::Mask, Some(mask)) if is_safe(mask) || !column.nullable => {
                    change(Some(mask))
                }
                _ if column.nullable => change(None),
                (_, Some(mask)) => change(Some(mask)),
                (_, None) if is_link => kept(IS_A_LINK),
                (_, None) => kept(CAN_NOT),
            }
        }
    }
}

#[cfg(test)]
mod tests;
