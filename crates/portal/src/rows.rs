//! Rows of connected systems, as parts of My data.

use std::collections::BTreeSet;

use fairhold_connect::{Cell, CollectionRows, Column, Count, Cursor, Reading, Row};
use fairhold_domain::catalog::{Collection, Dataset, Field, Show, ShownAs};
use fairhold_domain::facts::{self, Context, Entry, Fact, Part, Shown};
use fairhold_domain::ids::FieldPath;
use fairhold_domain::present;
use fairhold_store::SecretKey;
use fairhold_store::seal::hex;

use crate::Customer;
use crate::company::Current;

/// Which covered values the customer wants to see, and which of them were found.
pub(crate) struct Uncover<'a> {
    key: &'a SecretKey,
    customer: String,
    wanted: Option<&'a str>,
    /// Where the uncovered values stand; for the record of the look.
    pub found: BTreeSet<FieldPath>,
}

impl<'a> Uncover<'a> {
    pub fn new(key: &'a SecretKey, customer: &Customer, wanted: Option<&'a str>) -> Self {
        Self {
            key,
            customer: customer.id.to_string(),
            wanted,
            found: BTreeSet::new(),
        }
    }

    /// The name by which a value is uncovered; empty where its field is never covered.
    pub fn name(&self, field: Option<&Field>, path: &FieldPath, row: &[u8]) -> String {
        if facts::show(field) == Show::Covered {
            self.id(path, row)
        } else {
            String::new()
        }
    }

    /// An opaque name for a value: it tells nothing, and another customer's is another.
    fn id(&self, path: &FieldPath, row: &[u8]) -> String {
        let parts: [&[u8]; 5] = [
            self.customer.as_bytes(),
            path.dataset.as_bytes(),
            path.collection.as_bytes(),
            path.field.as_bytes(),
            row,
        ];
        let hash = self.key.keyed_hash(&parts);
        hex(hash.get(..16).unwrap_or_default())
    }

    /// A value by the rule on showing it; covered ones in plain sight when the customer asked for them.
    pub fn show(
        &mut self,
        path: &FieldPath,
        row: &[u8],
        field: Option<&Field>,
        text: String,
    ) -> Shown {
        match facts::show(field) {
            Show::Full => Shown::Plain(text),
            Show::Last4 => Shown::LastFour(present::last4(&text)),
            Show::Covered if self.wanted.is_some_and(|id| id == self.id(path, row)) => {
                self.found.insert(path.clone());
                Shown::Plain(text)
            }
            Show::Covered => Shown::Covered,
        }
    }
}

/// An empty part of a collection.
pub(crate) fn part(
    dataset: &Dataset,
    collection: &Collection,
    shown_as: ShownAs,
    entries: Vec<Entry>,
) -> Part {
    let label = collection
        .label
        .clone()
        .unwrap_or_else(|| collection.name.clone());
    Part {
        dataset: dataset.key.clone(),
        system: dataset.name.clone(),
        collection: collection.name.clone(),
        one_row: collection
            .one_row
            .clone()
            .unwrap_or_else(|| "entry".to_owned()),
        label,
        description: collection.description.clone(),
        shown_as,
        group: facts::list_group(collection),
        origin: facts::list_origin(collection),
        count: entries.len() as u64,
        entries,
        count_is_more: false,
        next: None,
    }
}

/// What turns rows into parts.
pub(crate) struct Rows<'a, 'u> {
    pub current: &'a Current,
    pub reading: &'a Reading,
    pub uncover: &'a mut Uncover<'u>,
    /// Seals the place where the next page begins.
    pub seal_cursor: &'a dyn Fn(&str, &str, &Cursor) -> Option<String>,
}

impl Rows<'_, '_> {
    /// One page of a collection; `None` where the customer has no rows in it, or the catalog lacks it.
    pub fn part(&mut self, rows: &CollectionRows) -> Option<Part> {
        let current = self.current;
        let dataset = current.catalog.dataset(&rows.name.dataset)?;
        let collection = dataset.collection(&rows.name.collection)?;
        if rows.rows.is_empty() {
            return None;
        }
        let entries = rows
            .rows
            .iter()
            .map(|row| self.entry(dataset, collection, &rows.columns, row))
            .collect();
        let mut part = part(dataset, collection, facts::shown_as(collection), entries);
        (part.count, part.count_is_more) = match rows.count {
            Count::Exactly(n) => (n, false),
            Count::MoreThan(n) => (n, true),
        };
        part.next = rows
            .next
            .as_ref()
            .and_then(|c| (self.seal_cursor)(&rows.name.dataset, &rows.name.collection, c));
        Some(part)
    }

    fn entry(
        &mut self,
        dataset: &Dataset,
        collection: &Collection,
        columns: &[Column],
        row: &Row,
    ) -> Entry {
        let mut entry = self.facts(dataset, collection, columns, row);
        for at in &row.context {
            let Some(shared) = self.reading.shared.get(at.shared) else {
                continue;
            };
            let Some(row) = shared.rows.get(at.row) else {
                continue;
            };
            let Some(dataset) = self.current.catalog.dataset(&shared.name.dataset) else {
                continue;
            };
            let Some(collection) = dataset.collection(&shared.name.collection) else {
                continue;
            };
            let label = collection
                .label
                .clone()
                .unwrap_or_else(|| collection.name.clone());
            let facts = self.facts(dataset, collection, &shared.columns, row).facts;
            entry.context.push(Context { label, facts });
        }
        entry
    }

    fn facts(
        &mut self,
        dataset: &Dataset,
        collection: &Collection,
        columns: &[Column],
        row: &Row,
    ) -> Entry {
        let since = since(collection, columns, row, self.current);
        let key = serde_json::to_vec(&row.key).unwrap_or_default();
        let mut entry = Entry {
            since: since.clone(),
            ..Entry::default()
        };
        for (column, cell) in columns.iter().zip(&row.cells) {
            let field = collection.field(&column.name);
            let label = field
                .and_then(|f| f.label.clone())
                .unwrap_or_else(|| column.name.clone());
            if *cell == Cell::Empty {
                entry.empty.push(label);
                continue;
            }
            let path = FieldPath::new(&dataset.key, &collection.name, &column.name);
            let value = self.value(&path, &key, column, field, cell);
            entry.facts.push(Fact {
                id: self.uncover.name(field, &path, &key),
                path,
                system: dataset.name.clone(),
                label,
                described: field.is_some(),
                origin: field.and_then(|f| f.origin),
                group: facts::group(collection, field),
                value,
                since: since.clone(),
                sensitive: field.is_some_and(Field::is_sensitive),
            });
        }
        entry
    }

    fn value(
        &mut self,
        path: &FieldPath,
        key: &[u8],
        column: &Column,
        field: Option<&Field>,
        cell: &Cell,
    ) -> Shown {
        if let Some(reason) = facts::withheld(&column.name, field) {
            return Shown::Withheld(reason);
        }
        match cell {
            Cell::Text(text) => {
                let kind = present::Kind {
                    sql_type: &column.sql_type,
                    column: &column.name,
                    field,
                };
                self.uncover.show(
                    path,
                    key,
                    field,
                    present::value(text, kind, &self.current.zone),
                )
            }
            Cell::TooLong { start, bytes } => {
                match self.uncover.show(path, key, field, start.clone()) {
                    Shown::Plain(start) => Shown::Long {
                        start,
                        bytes: *bytes,
                    },
                    other => other,
                }
            }
            Cell::Binary { bytes } => Shown::File { bytes: *bytes },
            Cell::Unreadable => Shown::Unreadable,
            Cell::Withheld => Shown::Withheld(facts::SECRET_REASON.to_owned()),
            Cell::Empty => Shown::Plain(String::new()),
        }
    }
}

/// Since when a row is held, in words.
fn since(
    collection: &Collection,
    columns: &[Column],
    row: &Row,
    current: &Current,
) -> Option<String> {
    let name = collection.since.as_deref()?;
    let at = columns
        .iter()
        .position(|c| c.name.eq_ignore_ascii_case(name))?;
    match row.cells.get(at)? {
        Cell::Text(text) => {
            Some(present::moment(text, &current.zone).unwrap_or_else(|| text.clone()))
        }
        _ => None,
    }
}
