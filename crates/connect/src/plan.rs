//! What is the same for all customers of a connection: made once from catalog and live schema, and kept.
//!
//! Only names that the live schema has get in here, spelt as it spells them; what the catalog names beyond that is
//! listed as missing and left out.

use std::collections::BTreeSet;

use fairhold_domain::{
    catalog::{Collection, Dataset, Field, Rows, looks_like_a_secret},
    contact_point,
    erasure::{self, Fate},
    reach::{Hop, Spot, Tie, reach},
    schema::{LiveColumn, LiveSchema, LiveTable},
};

use crate::{
    reading::{CollectionName, Column, Missing},
    sql::{Dialect, Expr, Kind},
    value::Cell,
};

/// How a connection's datasets are read: which columns of which tables, along which references.
#[derive(Debug)]
pub struct Plan {
    pub(crate) dialect: Box<dyn Dialect>,
    /// Collections that are read, in the catalog's order.
    pub(crate) sources: Vec<Source>,
    missing: Vec<Missing>,
    cut_off: Vec<CollectionName>,
    undescribed_tables: Vec<String>,
}

/// A collection that is read. Names are quoted, and not yet tied to a table's alias.
#[derive(Debug)]
pub(crate) struct Source {
    pub name: CollectionName,
    pub table: String,
    pub columns: Vec<Column>,
    /// What stands in place of each column that is never selected: it is withheld, or the database refuses it.
    pub closed: Vec<Option<Cell>>,
    /// All other columns.
    pub open: Vec<String>,
    /// The cells of a statement's outermost table, ready to be selected.
    pub cells: String,
    pub key: Key,
    pub order: Option<Part>,
    /// (column, fixed value): only such rows belong to the collection.
    pub filter: Vec<(Name, String)>,
    /// Columns that hold an address or a number of the customer.
    pub identities: Vec<Identity>,
    pub paths: Vec<Vec<Step>>,
    /// Whether its rows stand in the order of the rows that they hang on: see [`streams`].
    pub streamed: bool,
    /// Steps from here to shared sources.
    pub shared: Vec<Step>,
    /// In a table of one row a fact: which columns hold a fact's name and value.
    pub key_value: Option<KeyValueTable>,
    /// All columns, in the order of `columns`.
    pub names: Vec<Name>,
    /// What erasure does to the customer's own rows.
    pub fate: Fate,
    /// Whether rows that only others' rows point at go with the last of these.
    pub goes_unused: bool,
    /// References that the database enforces from here to tables that are read.
    pub foreign: Vec<Foreign>,
    /// References from any table to this one, whether the database enforces them or the catalog tells of them.
    pub pointed_at: Vec<PointedAt>,
}

/// A reference that the database enforces.
#[derive(Debug)]
pub(crate) struct Foreign {
    /// Index of the source that it leads to.
    pub to: usize,
    /// Indexes of the columns that hold it.
    pub columns: Vec<usize>,
    /// Whether all of them may be empty.
    pub nullable: bool,
}

/// A reference to a source's table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PointedAt {
    /// The table that it leads from, quoted.
    pub from: String,
    /// Its columns, and those of the source's table.
    pub on: Vec<(Name, Name)>,
    /// Whether the database takes its rows along with those of the source, and the catalog says whose they are.
    pub takes_along: bool,
}

/// A table of one row a fact.
#[derive(Debug)]
pub(crate) struct KeyValueTable {
    /// Index of the column with the fact's name.
    pub key: usize,
    /// Index of the column with its value.
    pub value: usize,
    /// Names of facts that the catalog withholds.
    withheld: Vec<String>,
}

/// A column, quoted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Name {
    pub quoted: String,
    pub kind: Kind,
}

#[derive(Debug)]
pub(crate) struct Identity {
    pub kind: contact_point::Kind,
    pub column: Name,
    pub verified: bool,
}

/// What tells a source's rows apart and orders them.
#[derive(Debug)]
pub(crate) struct Key {
    pub parts: Vec<Part>,
    /// Whether it is the engine's own number of the row, which may change when the file is written anew.
    pub is_row_id: bool,
    /// A made-up last part for tables and views without a key: the running number among rows whose `parts` are equal.
    pub number: Option<String>,
}

/// A part of a key or an order.
#[derive(Debug)]
pub(crate) struct Part {
    pub column: Name,
    pub nullable: bool,
    /// So many characters of its text take part, where the column was not made to be a key; else all of it.
    pub cut: Option<u32>,
}

/// A hop, resolved.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// Index of the parent's source.
    pub parent: usize,
    /// Index of the child's source.
    pub child: usize,
    pub on: Vec<Pair>,
    /// The parent's columns as the database spells them.
    pub through: Vec<String>,
    /// Whether one of the columns is withheld: then their values stay in the database, also on the way.
    pub secret: bool,
}

/// Two columns that must be equal.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub parent: Name,
    pub child: Name,
    /// Whether the columns hold different families of values: then they are compared as text, lest `'01'` equal `1`.
    pub as_text: bool,
}

/// How much of a column takes part in a key that was not made to be one, in characters.
pub(crate) const KEY_BEGINNING: u32 = 256;

/// An identity longer than this, in characters, is no address (RFC 5321 allows 254 bytes; the rest is white space).
pub(crate) const MAX_IDENTITY: u32 = 1_024;

impl Plan {
    /// Joins datasets and schema. The datasets must be those of one connection.
    pub(crate) fn new(
        datasets: &[Dataset],
        schema: &LiveSchema,
        dialect: Box<dyn Dialect>,
    ) -> Self {
        let mut draft = Draft {
            datasets,
            schema,
            dialect: &*dialect,
            missing: BTreeSet::new(),
            cut_off: BTreeSet::new(),
        };
        let (sources, undescribed_tables) = draft.sources();
        let missing = draft.missing.into_iter().collect();
        let cut_off = draft.cut_off.into_iter().collect();
        Self {
            dialect,
            sources,
            missing,
            cut_off,
            undescribed_tables,
        }
    }

    /// What the catalog describes and the database lacks; it is skipped, and the rest is read.
    pub fn missing(&self) -> &[Missing] {
        &self.missing
    }

    /// Collections whose table is there, and some of whose rows nobody can tie to their customer any more, because a column
    /// on the way to them is gone: rows are held that are not read.
    pub fn cut_off(&self) -> &[CollectionName] {
        &self.cut_off
    }

    /// Tables and views of the database that no dataset of the connection mentions, in the schema's order, each with its
    /// schema where that is not the default one.
    pub fn undescribed_tables(&self) -> &[String] {
        &self.undescribed_tables
    }

    /// What erasure does to the customer's own rows of each collection, in the catalog's order.
    pub fn fates(&self) -> impl Iterator<Item = (&CollectionName, &Fate)> {
        let own = self.sources.iter().filter(|source| source.is_own());
        own.map(|source| (&source.name, &source.fate))
    }

    pub(crate) fn source(&self, name: &CollectionName) -> Option<(usize, &Source)> {
        self.sources
            .iter()
            .enumerate()
            .find(|(_, s)| s.name == *name)
    }
}

impl KeyValueTable {
    /// Whether the value of the fact whose name this is may be read. Where the name can't be read, nobody knows.
    pub fn opens(&self, name: Option<&Cell>) -> bool {
        match name {
            Some(Cell::Text(name)) => !self.withholds(name),
            Some(Cell::Empty) => true,
            _ => false,
        }
    }

    /// Whether the value of a fact of that name is never shown.
    fn withholds(&self, name: &str) -> bool {
        looks_like_a_secret(name) || self.withheld.iter().any(|w| w.eq_ignore_ascii_case(name))
    }
}

impl Source {
    /// Whether it can hold rows that are the customer's own.
    pub fn is_own(&self) -> bool {
        !self.identities.is_empty() || !self.paths.is_empty()
    }

    /// How many values its key has.
    pub fn key_len(&self) -> usize {
        self.key.parts.len() + usize::from(self.key.number.is_some())
    }
}

impl Name {
    fn new(column: &LiveColumn, dialect: &dyn Dialect) -> Self {
        Self {
            quoted: dialect.quote(&column.name),
            kind: Kind {
                collation: column.collation.as_deref().map(Into::into),
                ..Kind::new(&column.sql_type, column.loose)
            },
        }
    }

    /// The column of the table of that alias.
    pub fn of(&self, alias: &str) -> Expr {
        Expr::new(format!("{alias}.{}", self.quoted), self.kind.clone())
    }
}

impl Part {
    /// The part of a row of that alias, ready to be compared and sorted by.
    pub fn of(&self, alias: &str, dialect: &dyn Dialect) -> Expr {
        let column = self.column.of(alias);
        match self.cut {
            Some(characters) => dialect.beginning(&column, characters),
            None => dialect.sortable(&column),
        }
    }
}

struct Draft<'a> {
    datasets: &'a [Dataset],
    schema: &'a LiveSchema,
    dialect: &'a dyn Dialect,
    missing: BTreeSet<Missing>,
    cut_off: BTreeSet<CollectionName>,
}

impl Draft<'_> {
    fn sources(&mut self) -> (Vec<Source>, Vec<String>) {
        let reach = reach(self.datasets);
        let mut mentioned: Vec<&LiveTable> = Vec::new();
        let mut sources = Vec::new();
        let mut spots = Vec::new();
        for (dataset, d) in self.datasets.iter().enumerate() {
            for (collection, c) in d.collections.iter().enumerate() {
                let spot = Spot {
                    dataset,
                    collection,
                };
                let name = CollectionName::new(&d.key, &c.name);
                let Some(table) = self.schema.table(c.schema.as_deref(), &c.name) else {
                    self.missing.insert(Missing { name, field: None });
                    continue;
                };
                mentioned.push(table);
                self.note_missing_columns(&name, c, table);
                // Without the column of a fixed value nobody can tell which rows belong here: none are read.
                let whole = c
                    .filter
                    .iter()
                    .all(|(column, _)| table.column(column).is_some());
                let is_tied = reach.at(spot).is_some_and(|r| !r.ties.is_empty());
                if is_tied && whole {
                    sources.push(self.source(name, d, c, table));
                    spots.push((spot, table, c));
                } else if is_tied {
                    self.cut_off.insert(name.clone());
                    self.missing.insert(Missing { name, field: None });
                }
            }
        }
        for (index, (spot, table, collection)) in spots.iter().enumerate() {
            for tie in reach
                .at(*spot)
                .map(|r| r.ties.as_slice())
                .unwrap_or_default()
            {
                match tie {
                    Tie::Identity {
                        field,
                        kind,
                        verified,
                    } => {
                        let Some(kind) = contact_point::Kind::of_identity(kind) else {
                            continue;
                        };
                        let Some(source) = sources.get_mut(index) else {
                            continue;
                        };
                        // Without a key, rows are told apart by an address that can be selected, or not at all.
                        let is_tellable = |column: &&LiveColumn| {
                            source.key.number.is_none() || is_open(collection, column)
                        };
                        match table.column(field).filter(is_tellable) {
                            Some(column) => source.identities.push(Identity {
                                kind,
                                column: Name::new(column, self.dialect),
                                verified: *verified,
                            }),
                            None => {
                                self.cut_off.insert(source.name.clone());
                            }
                        }
                    }
                    Tie::Own(hops) => {
                        let path: Option<Vec<Step>> =
                            hops.iter().map(|hop| self.step(hop, &spots)).collect();
                        let Some(source) = sources.get_mut(index) else {
                            continue;
                        };
                        match path {
                            Some(path) => source.paths.push(path),
                            None => {
                                self.cut_off.insert(source.name.clone());
                            }
                        }
                    }
                    Tie::Shared(hop) => {
                        if let Some(step) = self.step(hop, &spots)
                            && let Some(parent) = sources.get_mut(step.parent)
                        {
                            parent.shared.push(step);
                        }
                    }
                }
            }
        }
        self.relate(&mut sources, &spots);
        let undescribed = self
            .schema
            .tables
            .iter()
            .filter(|t| !mentioned.iter().any(|m| std::ptr::eq(*m, *t)));
        (sources, undescribed.map(LiveTable::full_name).collect())
    }

    fn note_missing_columns(
        &mut self,
        name: &CollectionName,
        collection: &Collection,
        table: &LiveTable,
    ) {
        for column in named_columns(collection) {
            let outer = column.split_once('.').map(|(outer, _)| outer);
            if table
                .column(column)
                .or_else(|| table.column(outer?))
                .is_none()
            {
                self.missing.insert(Missing {
                    name: name.clone(),
                    field: Some(column.to_owned()),
                });
            }
        }
    }

    /// Fills in what follows from all sources together.
    fn relate(&self, sources: &mut [Source], spots: &[(Spot, &LiveTable, &Collection)]) {
        for index in 0..sources.len() {
            let (foreign, pointed_at) = self.references(index, spots, sources);
            let streamed = sources.get(index).is_some_and(|s| streams(s, sources));
            if let Some(source) = sources.get_mut(index) {
                (source.foreign, source.pointed_at) = (foreign, pointed_at);
                source.streamed = streamed;
            }
        }
    }

    /// The references from a source that the database enforces, and all that lead to it.
    fn references(
        &self,
        index: usize,
        spots: &[(Spot, &LiveTable, &Collection)],
        sources: &[Source],
    ) -> (Vec<Foreign>, Vec<PointedAt>) {
        let Some((_, table, _)) = spots.get(index) else {
            return (Vec::new(), Vec::new());
        };
        let position = |column: &String| {
            let column = table.column(column)?;
            table.columns.iter().position(|c| c.name == column.name)
        };
        let mut foreign = Vec::new();
        for key in &table.foreign_keys {
            let columns: Option<Vec<usize>> = key.columns.iter().map(position).collect();
            let Some(columns) = columns else { continue };
            let nullable = |column: &usize| table.columns.get(*column).is_some_and(|c| c.nullable);
            let target = self.schema.table(key.schema.as_deref(), &key.table);
            for (to, spot) in spots.iter().enumerate() {
                if target.is_some_and(|target| std::ptr::eq(target, spot.1)) {
                    foreign.push(Foreign {
                        to,
                        nullable: columns.iter().all(nullable),
                        columns: columns.clone(),
                    });
                }
            }
        }
        let mut pointed_at = Vec::new();
        for other in self.schema.tables.iter().filter(|other| !other.is_view) {
            for key in &other.foreign_keys {
                let target = self.schema.table(key.schema.as_deref(), &key.table);
                let pair = |(from, to): (&String, &String)| {
                    let (from, to) = (other.column(from)?, table.column(to)?);
                    let name = |column| Name::new(column, self.dialect);
                    Some((name(from), name(to)))
                };
                // Where no columns are named, the key is meant.
                let there = Some(&key.references).filter(|columns| !columns.is_empty());
                let pairs = key.columns.iter().zip(there.unwrap_or(&table.primary_key));
                if target.is_some_and(|target| std::ptr::eq(target, *table))
                    && let Some(on) = pairs.map(pair).collect()
                {
                    let from = self.table(other);
                    let takes_along = key.cascades && self.is_somebodys(other);
                    pointed_at.push(PointedAt {
                        from,
                        on,
                        takes_along,
                    });
                }
            }
        }
        for (parent, step) in sources
            .iter()
            .flat_map(|s| s.shared.iter().map(move |step| (s, step)))
        {
            if step.child == index {
                let on = step.on.iter().map(|p| (p.parent.clone(), p.child.clone()));
                let on: Vec<_> = on.collect();
                let is_known = |known: &PointedAt| known.from == parent.table && known.on == on;
                if !pointed_at.iter().any(is_known) {
                    pointed_at.push(PointedAt {
                        from: parent.table.clone(),
                        on,
                        takes_along: false,
                    });
                }
            }
        }
        (foreign, pointed_at)
    }

    /// Whether the catalog says of the table's rows that they are somebody's.
    fn is_somebodys(&self, table: &LiveTable) -> bool {
        let collections = self.datasets.iter().flat_map(|d| &d.collections);
        let mut somebodys = collections.filter(|c| c.rows != Some(Rows::Nobody));
        somebodys.any(|c| {
            let described = self.schema.table(c.schema.as_deref(), &c.name);
            described.is_some_and(|described| std::ptr::eq(described, table))
        })
    }

    fn source(
        &self,
        name: CollectionName,
        dataset: &Dataset,
        collection: &Collection,
        table: &LiveTable,
    ) -> Source {
        let closed: Vec<Option<Cell>> = table
            .columns
            .iter()
            .map(|c| closed(collection, c))
            .collect();
        let readable = |column: &str| table.column(column).filter(|c| is_open(collection, c));
        let order = collection
            .order_by
            .as_deref()
            .and_then(readable)
            .map(|c| Part {
                column: Name::new(c, self.dialect),
                nullable: c.nullable,
                cut: None,
            });
        let open = || table.columns.iter().filter(|c| is_open(collection, c));
        let cells: Vec<String> = open()
            .map(|c| self.dialect.cell(&Name::new(c, self.dialect).of("t0")))
            .collect();
        let filter = collection.filter.iter().filter_map(|(column, value)| {
            let column = table.column(column)?;
            Some((Name::new(column, self.dialect), value.clone()))
        });
        let index = |column: &str| {
            let column = table.column(column)?;
            table.columns.iter().position(|c| c.name == column.name)
        };
        let key_value = collection.key_value.as_ref().and_then(|kv| {
            let withheld = collection.fields.iter().filter(|f| f.withheld.is_some());
            Some(KeyValueTable {
                key: index(&kv.key_column)?,
                value: index(&kv.value_column)?,
                withheld: withheld.map(|f| f.name.clone()).collect(),
            })
        });
        let key = self.key(collection, table);
        let is_of_key_value = |column: &str| {
            collection.key_value.as_ref().is_some_and(|kv| {
                [&kv.key_column, &kv.value_column]
                    .iter()
                    .any(|named| named.eq_ignore_ascii_case(column))
            })
        };
        Source {
            name,
            table: self.table(table),
            columns: table
                .columns
                .iter()
                .map(|c| Column {
                    name: c.name.clone(),
                    sql_type: c.sql_type.clone(),
                    described: is_of_key_value(&c.name)
                        || fields_of(collection, &c.name).next().is_some(),
                })
                .collect(),
            open: open().map(|c| self.dialect.quote(&c.name)).collect(),
            closed,
            cells: cells.join(", "),
            // Without a key nobody knows which of several equal rows is meant.
            goes_unused: !table.is_view
                && key.number.is_none()
                && erasure::shared_rows_go(collection),
            key,
            order,
            filter: filter.collect(),
            identities: Vec::new(),
            paths: Vec::new(),
            streamed: false,
            shared: Vec::new(),
            key_value,
            names: table
                .columns
                .iter()
                .map(|c| Name::new(c, self.dialect))
                .collect(),
            fate: erasure::fate(dataset, collection, table),
            foreign: Vec::new(),
            pointed_at: Vec::new(),
        }
    }

    fn table(&self, table: &LiveTable) -> String {
        let name = self.dialect.quote(&table.name);
        table.schema.as_ref().map_or(name.clone(), |schema| {
            format!("{}.{name}", self.dialect.quote(schema))
        })
    }

    /// The primary key; without one the engine's row id; without that other columns that are unique and never null; without
    /// those (views) the columns that the file calls the key, or all columns, with the address and a running number. A secret
    /// is never part of a key: keys are selected and travel in cursors.
    fn key(&self, collection: &Collection, table: &LiveTable) -> Key {
        let part = |c: &LiveColumn, cut: Option<u32>| Part {
            column: Name::new(c, self.dialect),
            nullable: c.nullable,
            cut,
        };
        let open = |column: &LiveColumn| is_open(collection, column);
        let columns_of = |names: &Vec<String>| -> Option<Vec<&LiveColumn>> {
            let columns = names
                .iter()
                .map(|name| table.column(name).filter(|c| open(c)));
            columns
                .collect::<Option<Vec<_>>>()
                .filter(|c| !c.is_empty())
        };
        let never_null = |columns: &Vec<&LiveColumn>| columns.iter().all(|c| !c.nullable);
        let whole = |columns: Vec<&LiveColumn>| Key {
            parts: columns.into_iter().map(|c| part(c, None)).collect(),
            is_row_id: false,
            number: None,
        };
        if let Some(columns) = columns_of(&table.primary_key) {
            return whole(columns);
        }
        if let Some(row_id) = self.dialect.row_id(table) {
            let row_id = LiveColumn {
                name: row_id.to_owned(),
                sql_type: "INTEGER".to_owned(),
                ..LiveColumn::default()
            };
            return Key {
                parts: vec![part(&row_id, None)],
                is_row_id: true,
                number: None,
            };
        }
        if let Some(columns) = table.unique.iter().filter_map(columns_of).find(never_null) {
            return whole(columns);
        }
        let open_columns = || table.columns.iter().filter(|c| open(c));
        let called_key = |name: &str| collection.field(name).is_some_and(|f| f.primary_key);
        let named = open_columns().any(|c| called_key(&c.name));
        // Nothing but the address tells two people's rows with an equal key apart, so it is a part of such a key, whole.
        let is_identity = |name: &str| collection.field(name).is_some_and(|f| f.identity.is_some());
        let parts = open_columns().filter_map(|c| match (is_identity(&c.name), named) {
            (true, _) => Some(part(c, Some(MAX_IDENTITY))),
            (false, true) if !called_key(&c.name) => None,
            _ => Some(part(c, Some(KEY_BEGINNING))),
        });
        let parts: Vec<Part> = parts.collect();
        let mut number = "fairhold number".to_owned();
        while table.column(&number).is_some() {
            number.push('+');
        }
        Key {
            parts,
            is_row_id: false,
            number: Some(self.dialect.quote(&number)),
        }
    }

    fn step(&self, hop: &Hop, spots: &[(Spot, &LiveTable, &Collection)]) -> Option<Step> {
        let at = |spot: Spot| {
            spots
                .iter()
                .enumerate()
                .find(|(_, s)| s.0 == spot)
                .map(|(i, s)| (i, s.1, s.2))
        };
        let (parent, parent_table, parent_collection) = at(hop.parent)?;
        let (child, child_table, child_collection) = at(hop.child)?;
        let mut step = Step {
            parent,
            child,
            on: Vec::new(),
            through: Vec::new(),
            secret: false,
        };
        for (above, below) in &hop.on {
            let (above, below) = (parent_table.column(above)?, child_table.column(below)?);
            step.on.push(Pair {
                parent: Name::new(above, self.dialect),
                child: Name::new(below, self.dialect),
                as_text: !self.dialect.comparable(&above.sql_type, &below.sql_type),
            });
            step.through.push(above.name.clone());
            step.secret |= is_withheld(parent_collection, &above.name)
                || is_withheld(child_collection, &below.name);
        }
        Some(step)
    }
}

/// Whether a source can be read row by row in the order of its parents, newest parent first, so that a page costs the
/// same however many rows follow: one way leads there, over more than one step, each from its parent's own key (so that
/// no row comes twice), and the file asks for no other order.
fn streams(source: &Source, sources: &[Source]) -> bool {
    let [path] = source.paths.as_slice() else {
        return false;
    };
    let from_its_key = |step: &Step| {
        sources.get(step.parent).is_some_and(|parent| {
            let key = parent.key.parts.iter().map(|p| p.column.quoted.as_str());
            let key: BTreeSet<&str> = key.collect();
            let used: BTreeSet<&str> = step.on.iter().map(|p| p.parent.quoted.as_str()).collect();
            parent.key.number.is_none() && key == used
        })
    };
    path.len() > 1
        && source.identities.is_empty()
        && source.order.is_none()
        && source.key.number.is_none()
        && path.iter().all(|step| !step.secret)
        && path
            .iter()
            .skip(1)
            .all(|step| from_its_key(step) && step.on.iter().all(|pair| !pair.as_text))
}

/// All columns that the file names for a collection.
fn named_columns(collection: &Collection) -> impl Iterator<Item = &str> {
    // In a table of one row a fact, fields are facts' names.
    let fields = collection.fields.iter();
    let fields = fields
        .filter(|f| {
            collection.key_value.is_none() || !f.references.is_empty() || f.identity.is_some()
        })
        .map(|f| f.name.as_str());
    let others = [
        &collection.order_by,
        &collection.since,
        &collection.last_seen,
    ]
    .into_iter()
    .flatten()
    .map(String::as_str);
    let filter = collection.filter.iter().map(|(column, _)| column.as_str());
    let composite = collection
        .references
        .iter()
        .flat_map(|r| r.fields.iter().map(String::as_str));
    fields.chain(others).chain(filter).chain(composite)
}

/// The fields that describe a column: itself, and those nested in it.
fn fields_of<'a>(collection: &'a Collection, column: &'a str) -> impl Iterator<Item = &'a Field> {
    collection.fields.iter().filter(move |f| {
        f.name.eq_ignore_ascii_case(column)
            || f.name
                .split_once('.')
                .is_some_and(|(outer, _)| outer.eq_ignore_ascii_case(column))
    })
}

fn is_withheld(collection: &Collection, column: &str) -> bool {
    looks_like_a_secret(column)
        || fields_of(collection, column)
            .any(|f| f.withheld.is_some() || looks_like_a_secret(&f.name))
}

/// What stands in place of a column that is never selected.
fn closed(collection: &Collection, column: &LiveColumn) -> Option<Cell> {
    if is_withheld(collection, &column.name) {
        Some(Cell::Withheld)
    } else {
        column.refused.then_some(Cell::Unreadable)
    }
}

fn is_open(collection: &Collection, column: &LiveColumn) -> bool {
    closed(collection, column).is_none()
}
