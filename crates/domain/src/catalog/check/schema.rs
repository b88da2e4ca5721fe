//! The catalog against a live database: nothing may be undescribed, missing, or promised what the database can't do.

use std::collections::BTreeMap;

use super::{Finding, in_order, is_read};
use crate::catalog::{Catalog, Collection, Dataset, Erase, Field, Place, Rows};
use crate::schema::{LiveColumn, LiveForeignKey, LiveSchema, LiveTable};

/// What is wrong with the datasets that this connection reads, held against what its database says of itself.
///
/// In the order of files and lines. Several datasets may share a connection: a table is described when one of them
/// describes it.
pub fn check_schema(catalog: &Catalog, connection: &str, schema: &LiveSchema) -> Vec<Finding> {
    let datasets = datasets_of(catalog, connection);
    let mut check = SchemaCheck::new(schema, &datasets);
    check.name_undescribed_tables(
        datasets
            .first()
            .map_or(&catalog.company.place, |d| &d.place),
        connection,
    );
    for described in check.described.clone() {
        check.collection(&described);
    }
    for dataset in &datasets {
        check.second_facts(catalog, dataset);
    }
    in_order(check.findings)
}

fn datasets_of<'a>(catalog: &'a Catalog, connection: &str) -> Vec<&'a Dataset> {
    catalog
        .datasets
        .iter()
        .filter(|d| d.connection.as_deref() == Some(connection))
        .collect()
}

/// A collection and the table it describes.
#[derive(Clone, Copy)]
pub(in crate::catalog) struct Described<'a> {
    pub(in crate::catalog) dataset: &'a Dataset,
    pub(in crate::catalog) collection: &'a Collection,
    pub(in crate::catalog) table: &'a LiveTable,
}

/// What a database has and nobody described.
pub(in crate::catalog) struct Undescribed<'a> {
    pub(in crate::catalog) tables: Vec<&'a LiveTable>,
    /// Where a table is parted into collections by fixed values, the column stands at the first of them.
    pub(in crate::catalog) columns: Vec<(Described<'a>, Vec<&'a LiveColumn>)>,
    /// The tables that are described.
    pub(in crate::catalog) described: Vec<Described<'a>>,
}

/// What this connection's database has and its datasets do not describe.
pub(in crate::catalog) fn undescribed<'a>(
    catalog: &'a Catalog,
    connection: &str,
    schema: &'a LiveSchema,
) -> Undescribed<'a> {
    let check = SchemaCheck::new(schema, &datasets_of(catalog, connection));
    let mut columns: Vec<(Described<'a>, Vec<&'a LiveColumn>)> = Vec::new();
    for described in check.described.iter().filter(|d| is_read(d.collection)) {
        let lacking = check.undescribed_columns(described.table);
        let is_new = !columns
            .iter()
            .any(|(known, _)| std::ptr::eq(known.table, described.table));
        if is_new && !lacking.is_empty() {
            columns.push((*described, lacking));
        }
    }
    Undescribed {
        tables: check.undescribed_tables(),
        columns,
        described: check.described,
    }
}

/// What a name in the catalog stands for in the database.
enum Match<'a, T> {
    One(&'a T),
    /// Several that differ only by capital letters, none of which is spelt like it.
    Ambiguous(Vec<&'a str>),
    Nothing,
}

/// As SQL folds unquoted names: first as it is spelt, then without regard to capitals.
fn find_name<'a, T>(
    items: impl Iterator<Item = &'a T>,
    name_of: fn(&T) -> &str,
    name: &str,
) -> Match<'a, T> {
    let alike: Vec<&'a T> = items
        .filter(|item| name_of(item).eq_ignore_ascii_case(name))
        .collect();
    match alike
        .iter()
        .find(|item| name_of(item) == name)
        .or(alike.first())
    {
        Some(item) if alike.len() == 1 || name_of(item) == name => Match::One(item),
        Some(_) => Match::Ambiguous(alike.into_iter().map(name_of).collect()),
        None => Match::Nothing,
    }
}

fn find_column<'a>(table: &'a LiveTable, name: &str) -> Match<'a, LiveColumn> {
    match find_name(table.columns.iter(), |c| &c.name, name) {
        // A field inside others stands in the column that its name begins with.
        Match::Nothing if name.contains('.') => find_name(
            table.columns.iter(),
            |c| &c.name,
            name.split('.').next().unwrap_or(name),
        ),
        found => found,
    }
}

fn has_column(table: &LiveTable, name: &str) -> bool {
    matches!(find_column(table, name), Match::One(_))
}

fn same_name(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

/// Whether a reference of the database leads to that table.
fn points_at(key: &LiveForeignKey, table: &LiveTable) -> bool {
    key.schema == table.schema && same_name(&key.table, &table.name)
}

struct SchemaCheck<'a> {
    schema: &'a LiveSchema,
    described: Vec<Described<'a>>,
    findings: Vec<Finding>,
}

impl<'a> SchemaCheck<'a> {
    /// Matches the collections with the tables.
    fn new(schema: &'a LiveSchema, datasets: &[&'a Dataset]) -> Self {
        let mut check = Self {
            schema,
            described: Vec::new(),
            findings: Vec::new(),
        };
        for dataset in datasets {
            for collection in &dataset.collections {
                check.match_table(dataset, collection);
            }
        }
        check
    }

    fn error(&mut self, place: &Place, code: &'static str, message: String) {
        self.findings.push(Finding::error(place, code, message));
    }

    fn find_table(&self, schema: Option<&str>, name: &str) -> Match<'a, LiveTable> {
        find_name(self.schema.in_schema(schema), |t| &t.name, name)
    }

    fn match_table(&mut self, dataset: &'a Dataset, collection: &'a Collection) {
        let place = collection.said.at("name").unwrap_or(&collection.place);
        let name = &collection.name;
        match self.find_table(collection.schema.as_deref(), name) {
            Match::One(table) => {
                let twin = self.described.iter().find(|d| std::ptr::eq(d.table, table));
                if let Some(twin) = twin.filter(|twin| twin.collection.filter.is_empty() || collection.filter.is_empty()) {
                    let first = twin.collection.place.clone();
                    self.error(
                        place,
                        "same-table-twice",
                        format!(
                            "`{name}` is the table `{}`, which {}:{} describes already. Keep one of them.",
                            table.name, first.file, first.line
                        ),
                    );
                }
                self.described.push(Described { dataset, collection, table });
            }
            Match::Ambiguous(names) => self.error(
                place,
                "ambiguous-name",
                format!("`{name}` may be any of the tables {}. Spell it with the right capital letters.", names.join(", ")),
            ),
            Match::Nothing => self.error(
                place,
                "no-such-table",
                format!("The database has no table `{name}`. Correct the name, or take the collection away."),
            ),
        }
    }

    fn undescribed_tables(&self) -> Vec<&'a LiveTable> {
        self.schema
            .tables
            .iter()
            .filter(|table| !self.described.iter().any(|d| std::ptr::eq(d.table, *table)))
            .collect()
    }

    fn name_undescribed_tables(&mut self, place: &Place, connection: &str) {
        for table in self.undescribed_tables() {
            let schema = table
                .schema
                .as_ref()
                .map(|s| format!(" of the schema `{s}`"))
                .unwrap_or_default();
            self.error(
                place,
                "undescribed-table",
                format!(
                    "Nobody described the table `{}`{schema} in `{connection}`. Add a collection for it; if it holds nothing about customers, write `portal: {{ rows: nobody }}` there.",
                    table.name
                ),
            );
        }
    }

    fn collection(&mut self, described: &Described<'a>) {
        if !is_read(described.collection) {
            return;
        }
        self.name_undescribed_columns(described);
        self.name_twins(described);
        self.columns_by_role(described);
        for field in &described.collection.fields {
            self.field(described, field);
        }
        self.deletion(described);
    }

    /// The fields that describe each column of the table. Where fixed values part a table into collections, each may
    /// describe some of the columns.
    fn fields_by_column(&self, table: &'a LiveTable) -> BTreeMap<&'a str, Vec<&'a Field>> {
        let mut fields_of: BTreeMap<&str, Vec<&Field>> = BTreeMap::new();
        for field in self.collections_of(table).flat_map(|c| &c.fields) {
            if let Match::One(column) = find_column(table, &field.name) {
                fields_of.entry(&column.name).or_default().push(field);
            }
        }
        fields_of
    }

    fn collections_of(&self, table: &'a LiveTable) -> impl Iterator<Item = &'a Collection> {
        self.described
            .iter()
            .filter(move |d| std::ptr::eq(d.table, table))
            .map(|d| d.collection)
    }

    fn undescribed_columns(&self, table: &'a LiveTable) -> Vec<&'a LiveColumn> {
        let fields_of = self.fields_by_column(table);
        let roles: Vec<&str> = self
            .collections_of(table)
            .filter_map(|c| c.key_value.as_ref())
            .flat_map(|kv| [kv.key_column.as_str(), kv.value_column.as_str()])
            .collect();
        table
            .columns
            .iter()
            .filter(|column| !fields_of.contains_key(column.name.as_str()))
            .filter(|column| !roles.iter().any(|role| same_name(role, &column.name)))
            .collect()
    }

    fn name_undescribed_columns(&mut self, described: &Described<'a>) {
        for column in self.undescribed_columns(described.table) {
            self.error(
                &described.collection.place,
                "undescribed-column",
                format!(
                    "Nobody described the column `{}` of `{}`. Add a field for it, with a label and a reason; or add `withheld: ` with a reason.",
                    column.name, described.table.full_name()
                ),
            );
        }
    }

    /// Fields of the collection that stand for the same column.
    fn name_twins(&mut self, described: &Described<'a>) {
        let own = &described.collection.fields;
        for fields in self.fields_by_column(described.table).values() {
            let mut whole = fields
                .iter()
                .filter(|f| own.iter().any(|own| std::ptr::eq(own, **f)));
            let Some(first) = whole.next() else { continue };
            for twin in whole.filter(|twin| same_name(&twin.name, &first.name)) {
                self.error(
                    &twin.place,
                    "same-column-twice",
                    format!(
                        "`{}` and `{}` are the same column: they differ only by capital letters. Keep one of them.",
                        twin.name, first.name
                    ),
                );
            }
        }
    }

    /// Columns that the collection's own keys name.
    fn columns_by_role(&mut self, described: &Described<'a>) {
        let Described {
            collection, table, ..
        } = *described;
        let single = [
            ("since", collection.since.as_deref()),
            ("last_seen", collection.last_seen.as_deref()),
            ("order_by", collection.order_by.as_deref()),
        ];
        let mut named: Vec<(&str, &str)> = single
            .into_iter()
            .filter_map(|(key, column)| Some((key, column?)))
            .collect();
        named.extend(
            collection
                .filter
                .iter()
                .map(|(column, _)| ("where", column.as_str())),
        );
        if let Some(kv) = &collection.key_value {
            named.extend([
                ("key_value", kv.key_column.as_str()),
                ("key_value", kv.value_column.as_str()),
            ]);
        }
        for (key, column) in named {
            let place = collection.said.at(key).unwrap_or(&collection.place);
            self.named_column(key, column, table, place);
        }
        for reference in &collection.references {
            for column in &reference.fields {
                self.named_column("references", column, table, &reference.place);
            }
        }
    }

    fn named_column(&mut self, key: &str, column: &str, table: &LiveTable, place: &Place) {
        if !has_column(table, column) {
            self.error(
                place,
                "no-such-column",
                format!("`{key}` names the column `{column}`, which `{}` does not have. Correct the name.", table.name),
            );
        }
    }

    fn field(&mut self, described: &Described<'a>, field: &Field) {
        let Described {
            collection, table, ..
        } = *described;
        match find_column(table, &field.name) {
            Match::One(column) => self.erasure(table, column, field),
            Match::Ambiguous(names) => self.error(
                &field.place,
                "ambiguous-name",
                format!(
                    "`{}` may be any of the columns {}. Spell it with the right capital letters.",
                    field.name,
                    names.join(", ")
                ),
            ),
            // In a key/value table a field is a key, which no schema names.
            Match::Nothing if collection.key_value.is_some() => {}
            Match::Nothing => self.error(
                &field.place,
                "no-such-column",
                format!(
                    "`{}` has no column `{}`. Correct the name, or take the field away.",
                    table.name, field.name
                ),
            ),
        }
        self.keep_from(described, field);
    }

    /// The column that starts the clock of retention: `column`, or `Collection.column` of the same dataset.
    fn keep_from(&mut self, described: &Described<'a>, field: &Field) {
        let Some(from) = field.keep.as_ref().and_then(|keep| keep.from.as_deref()) else {
            return;
        };
        let elsewhere = self
            .described
            .iter()
            .filter(|d| d.dataset.key == described.dataset.key)
            .any(|d| {
                from.strip_prefix(d.collection.name.as_str())
                    .and_then(|rest| rest.strip_prefix('.'))
                    .is_some_and(|column| has_column(d.table, column))
            });
        if !elsewhere && !has_column(described.table, from) {
            let place = field.said.at("keep").unwrap_or(&field.place);
            self.error(
                place,
                "no-such-column",
                format!("`keep` counts from `{from}`, which is no column. Write a column of this table, or `Collection.column`."),
            );
        }
    }

    /// Whether the database lets the promised erasure happen to this column.
    fn erasure(&mut self, table: &LiveTable, column: &LiveColumn, field: &Field) {
        let Some(erase) = field.erase.filter(|erase| *erase != Erase::Keep) else {
            return;
        };
        let place = field.said.at("erase").unwrap_or(&field.place);
        if table.is_view {
            self.error(
                place,
                "cannot-erase-view",
                format!("`{}` is a view, and nothing can be erased from it. Describe the table behind it, or write `erase: keep`.", table.name),
            );
            return;
        }
        if erase == Erase::Delete {
            return;
        }
        let name = &column.name;
        let word = if erase == Erase::Null { "null" } else { "mask" };
        let in_key = table.primary_key.iter().any(|key| same_name(key, name))
            || self
                .schema
                .tables
                .iter()
                .flat_map(|t| &t.foreign_keys)
                .any(|key| {
                    points_at(key, table)
                        && key.references.iter().any(|column| same_name(column, name))
                });
        let is_link = table
            .foreign_keys
            .iter()
            .any(|key| key.columns.iter().any(|column| same_name(column, name)));
        if in_key {
            self.error(
                place,
                "cannot-erase-key",
                format!("`{name}` is the key by which `{}` tells rows apart, so `erase: {word}` can't change it. Write `erase: delete` or `erase: keep`.", table.name),
            );
        } else if column.generated {
            self.error(
                place,
                "cannot-erase-generated",
                format!("The database works `{name}` out by itself, so `erase: {word}` can't change it. Erase the columns it comes from, and write `erase: keep` here."),
            );
        } else if erase == Erase::Null && !column.nullable {
            self.error(
                place,
                "cannot-be-empty",
                format!("`{name}` may not be empty (NOT NULL), so `erase: null` fails. Write `erase: mask` or `erase: delete`."),
            );
        } else if erase == Erase::Mask && is_link {
            self.error(
                place,
                "cannot-mask-link",
                format!("`{name}` points at a row of another table, so `erase: mask` fails. Write `erase: null`, `delete` or `keep`."),
            );
        }
    }

    /// A row that others point at can't be deleted unless those go too, or let go of it.
    fn deletion(&mut self, described: &Described<'a>) {
        let Described {
            collection, table, ..
        } = *described;
        let Some(deleting) = collection
            .fields
            .iter()
            .find(|f| f.erase == Some(Erase::Delete))
        else {
            return;
        };
        if table.is_view {
            return;
        }
        for other in self
            .schema
            .tables
            .iter()
            .filter(|other| !std::ptr::eq(*other, table))
        {
            for key in other
                .foreign_keys
                .iter()
                .filter(|key| points_at(key, table))
            {
                if !self.gives_way(other, key) {
                    let place = deleting.said.at("erase").unwrap_or(&deleting.place);
                    self.error(
                        place,
                        "cannot-delete",
                        format!(
                            "Rows of `{}` point at rows of `{}` (by {}), so `erase: delete` fails. Write `erase: delete` there too, or `erase: mask` here.",
                            other.name,
                            table.name,
                            key.columns.join(", ")
                        ),
                    );
                }
            }
        }
    }

    /// Whether the rows with this reference are erased by `delete`, or their reference by `null`.
    fn gives_way(&self, table: &LiveTable, key: &LiveForeignKey) -> bool {
        let mut collections = self
            .described
            .iter()
            .filter(|d| {
                std::ptr::eq(d.table, table)
                    && !matches!(d.collection.rows, Some(Rows::Others | Rows::Nobody))
            })
            .map(|d| d.collection);
        collections.any(|collection| {
            let goes = collection
                .fields
                .iter()
                .any(|f| f.erase == Some(Erase::Delete));
            let lets_go = key.columns.iter().any(|column| {
                let emptied = collection
                    .field(column)
                    .is_some_and(|f| f.erase == Some(Erase::Null));
                emptied && table.column(column).is_some_and(|c| c.nullable)
            });
            goes || lets_go
        })
    }

    fn second_facts(&mut self, catalog: &Catalog, dataset: &Dataset) {
        for fact in &dataset.second_facts {
            let place = dataset.said.at("second_facts").unwrap_or(&dataset.place);
            let collection = catalog
                .dataset(&fact.dataset)
                .and_then(|d| d.collection(&fact.collection));
            let table = collection
                .and_then(|c| {
                    self.described
                        .iter()
                        .find(|d| std::ptr::eq(d.collection, c))
                })
                .map(|d| d.table);
            // A table that is not there has its own finding.
            if let Some(table) = table {
                self.named_column("second_facts", &fact.field, table, place);
            }
        }
    }
}
