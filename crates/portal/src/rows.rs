//! Rows of connected systems, as parts of My data.

use std::collections::BTreeSet;

use fairhold_connect::{
    Cell, CollectionName, CollectionRows, Column, Count, Reading, Row, SharedRows,
};
use fairhold_domain::catalog::{
    AnswerKind, Collection, Dataset, Field, Group, Origin, Show, ShownAs,
};
use fairhold_domain::facts::{self, Context, Entry, Fact, Part, Shown};
use fairhold_domain::ids::FieldPath;
use fairhold_domain::present;
use fairhold_store::SecretKey;
use fairhold_store::seal::hex;
use jiff::tz::TimeZone;

use crate::Customer;
use crate::company::Current;

/// Which covered values the customer wants to see, and which of them were found.
pub(crate) struct Uncover<'a> {
    key: &'a SecretKey,
    customer: String,
    wanted: Option<&'a str>,
    /// Nothing is covered: the customer takes all of it with them.
    everything: bool,
    /// Where the uncovered values stand; for the record of the look.
    pub found: BTreeSet<FieldPath>,
}

impl<'a> Uncover<'a> {
    pub fn new(key: &'a SecretKey, customer: &Customer, wanted: Option<&'a str>) -> Self {
        Self {
            key,
            customer: customer.id.to_string(),
            wanted,
            everything: false,
            found: BTreeSet::new(),
        }
    }

    /// Shows every value as it is.
    pub fn everything(key: &'a SecretKey) -> Self {
        Self {
            key,
            customer: String::new(),
            wanted: None,
            everything: true,
            found: BTreeSet::new(),
        }
    }

    /// Whether the customer wants to see a covered value.
    pub const fn is_wanted(&self) -> bool {
        self.wanted.is_some()
    }

    /// The name by which a value is uncovered; empty where its field is never covered.
    pub fn name(&self, field: Option<&Field>, path: &FieldPath, row: &[u8]) -> String {
        if facts::show(field) == Show::Covered && !self.everything {
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
            _ if self.everything => Shown::Plain(text),
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

/// What is the same for every value of a column.
pub(crate) struct Head<'a> {
    name: &'a str,
    sql_type: &'a str,
    field: Option<&'a Field>,
    path: FieldPath,
    system: &'a str,
    label: &'a str,
    group: Group,
    withheld: Option<String>,
}

impl<'a> Head<'a> {
    /// The head of a column; `field` is what the catalog says of it.
    pub fn new(
        dataset: &'a Dataset,
        collection: &'a Collection,
        (name, sql_type): (&'a str, &'a str),
    ) -> Self {
        let field = collection.field(name);
        Self {
            name,
            sql_type,
            field,
            path: FieldPath::new(&dataset.key, &collection.name, name),
            system: &dataset.name,
            label: field.and_then(|f| f.label.as_deref()).unwrap_or(name),
            group: facts::group(collection, field),
            withheld: facts::withheld(name, field),
        }
    }

    /// The value of a text, by the rules on withholding and covering. `row` tells rows apart.
    pub fn show(
        &self,
        text: &str,
        row: &[u8],
        zone: &TimeZone,
        uncover: &mut Uncover<'_>,
    ) -> Shown {
        let kind = present::Kind {
            sql_type: self.sql_type,
            column: self.name,
            field: self.field,
        };
        match &self.withheld {
            Some(reason) => Shown::Withheld(reason.clone()),
            None => uncover.show(
                &self.path,
                row,
                self.field,
                present::value(text, kind, zone),
            ),
        }
    }

    /// A fact of this column.
    pub fn fact(
        &self,
        value: Shown,
        row: &[u8],
        origin: Option<Origin>,
        since: Option<String>,
        uncover: &Uncover<'_>,
    ) -> Fact {
        Fact {
            id: uncover.name(self.field, &self.path, row),
            path: self.path.clone(),
            system: self.system.to_owned(),
            label: self.label.to_owned(),
            described: self.field.is_some(),
            origin,
            group: self.group,
            value,
            since,
        }
    }

    /// Whether its values are shown as they are.
    fn is_plain(&self) -> bool {
        self.withheld.is_none() && facts::show(self.field) == Show::Full
    }

    /// What a customer types for it, where they fill it in.
    pub fn answer(&self) -> Option<&AnswerKind> {
        self.field.and_then(|field| field.answer.as_ref())
    }

    /// As customers read it.
    pub const fn label(&self) -> &'a str {
        self.label
    }
}

/// What turns rows into parts.
pub(crate) struct Rows<'a, 'u> {
    current: &'a Current,
    reading: &'a Reading,
    /// The heads of the shared collections, as `reading` has them.
    shared: Vec<Option<Table<'a>>>,
    uncover: &'a mut Uncover<'u>,
}

/// A collection with the heads of its columns.
struct Table<'a> {
    dataset: &'a Dataset,
    collection: &'a Collection,
    heads: Vec<Head<'a>>,
    since: Option<usize>,
    /// In a table of one row a fact: which columns hold a fact's name and its value.
    key_value: Option<(usize, usize)>,
}

impl<'a> Table<'a> {
    fn new(current: &'a Current, name: &CollectionName, columns: &'a [Column]) -> Option<Self> {
        let dataset = current.catalog.dataset(&name.dataset)?;
        let collection = dataset.collection(&name.collection)?;
        let since = collection.since.as_deref();
        let head = |c: &'a Column| Head::new(dataset, collection, (&c.name, &c.sql_type));
        let position = |name: &str| {
            columns
                .iter()
                .position(|c| c.name.eq_ignore_ascii_case(name))
        };
        let key_value = collection.key_value.as_ref();
        Some(Self {
            dataset,
            collection,
            heads: columns.iter().map(head).collect(),
            since: since.and_then(position),
            key_value: key_value
                .and_then(|kv| Some((position(&kv.key_column)?, position(&kv.value_column)?))),
        })
    }

    /// The head of a row's value in a table of one row a fact: the fact that the row names is its field. Its place, and that of
    /// the name, which needs no fact of its own then.
    fn named_fact<'r>(&'r self, row: &'r Row) -> Option<(usize, usize, Head<'r>)> {
        let (key, value) = self.key_value?;
        let Cell::Text(name) = row.cells.get(key)? else {
            return None;
        };
        let sql_type = self.heads.get(value)?.sql_type;
        let head = Head::new(self.dataset, self.collection, (name, sql_type));
        Some((key, value, head))
    }

    /// Since when a row is held, in words; `None` where that is covered itself, or no moment.
    fn since(&self, row: &Row, zone: &TimeZone) -> Option<String> {
        let at = self.since?;
        let head = self.heads.get(at)?;
        match row.cells.get(at)? {
            Cell::Text(text) if head.is_plain() => present::moment(text, zone),
            _ => None,
        }
    }
}

impl<'a, 'u> Rows<'a, 'u> {
    /// The rows of one system.
    pub fn new(current: &'a Current, reading: &'a Reading, uncover: &'a mut Uncover<'u>) -> Self {
        let table = |shared: &'a SharedRows| Table::new(current, &shared.name, &shared.columns);
        Self {
            current,
            reading,
            shared: reading.shared.iter().map(table).collect(),
            uncover,
        }
    }

    /// One page of a collection; `None` where the customer has no rows in it, or the catalog lacks it. `next` is where
    /// the next page begins, sealed.
    pub fn part(&mut self, rows: &'a CollectionRows, next: Option<String>) -> Option<Part> {
        if rows.rows.is_empty() {
            return None;
        }
        let table = Table::new(self.current, &rows.name, &rows.columns)?;
        let (dataset, collection) = (table.dataset, table.collection);
        let shown_as = facts::shown_as(collection);
        let entry = |row| {
            let mut entry = self.entry(&table, row);
            if shown_as == ShownAs::Facts {
                // Facts stand each by itself, and so do those that they point at.
                let shared = std::mem::take(&mut entry.context);
                entry.facts.extend(shared.into_iter().flat_map(|c| c.facts));
            }
            entry
        };
        let entries = rows.rows.iter().map(entry).collect();
        let mut part = part(dataset, collection, shown_as, entries);
        (part.count, part.count_is_more) = match rows.count {
            Count::Exactly(n) => (n, false),
            Count::MoreThan(n) => (n, true),
        };
        part.next = next;
        Some(part)
    }

    fn entry(&mut self, table: &Table<'_>, row: &Row) -> Entry {
        let mut entry = facts_of(table, row, &self.current.zone, self.uncover);
        for at in &row.context {
            let rows = self
                .reading
                .shared
                .get(at.shared)
                .map(|shared| &shared.rows);
            let Some(row) = rows.and_then(|rows| rows.get(at.row)) else {
                continue;
            };
            let Some(Some(table)) = self.shared.get(at.shared) else {
                continue;
            };
            let label = table.collection.label.as_ref();
            entry.context.push(Context {
                label: label.unwrap_or(&table.collection.name).clone(),
                facts: facts_of(table, row, &self.current.zone, self.uncover).facts,
            });
        }
        entry
    }
}

/// The facts of one row.
fn facts_of(table: &Table<'_>, row: &Row, zone: &TimeZone, uncover: &mut Uncover<'_>) -> Entry {
    let since = table.since(row, zone);
    let key = serde_json::to_vec(&row.key).unwrap_or_default();
    let mut entry = Entry::default();
    let named = table.named_fact(row);
    for (at, (head, cell)) in table.heads.iter().zip(&row.cells).enumerate() {
        let head = match &named {
            Some((key, ..)) if *key == at => continue,
            Some((_, value, named)) if *value == at => named,
            _ => head,
        };
        let value = match cell {
            Cell::Empty => {
                entry.empty.push(head.label().to_owned());
                continue;
            }
            Cell::Text(text) => head.show(text, &key, zone, uncover),
            Cell::TooLong { start, bytes } => match head.show(start, &key, zone, uncover) {
                Shown::Plain(start) => Shown::Long {
                    start,
                    bytes: *bytes,
                },
                // Four letters of the middle say nothing of the end.
                Shown::LastFour(_) => Shown::LastFour(present::last4("")),
                other => other,
            },
            Cell::Binary { bytes } => Shown::File { bytes: *bytes },
            Cell::Unreadable => Shown::Unreadable,
            Cell::Withheld => {
                let reason = head.withheld.as_deref().unwrap_or(facts::SECRET_REASON);
                Shown::Withheld(reason.to_owned())
            }
        };
        let origin = head.field.and_then(|f| f.origin);
        entry
            .facts
            .push(head.fact(value, &key, origin, since.clone(), uncover));
    }
    entry.since = since;
    entry
}
