//! What a database has and nobody described, as fields and collections that name it and claim nothing.

use super::new::New;
use super::{LiveDatabase, Spot, Want};
use crate::catalog::check::{Undescribed, is_read, undescribed};
use crate::catalog::{Catalog, Dataset};
use crate::schema::{LiveForeignKey, LiveSchema, LiveTable};

/// Fields for columns and collections for tables that the datasets of a connection do not describe.
pub(super) fn wants(catalog: &Catalog, databases: &[LiveDatabase]) -> Vec<Want> {
    let mut wants = Vec::new();
    for database in databases {
        let found = undescribed(catalog, &database.connection, &database.schema);
        let homes = homes(catalog, database, &found);
        let writer = Writer {
            schema: &database.schema,
            found: &found,
            homes: &homes,
        };
        for (described, columns) in &found.columns {
            let fields = columns
                .iter()
                .map(|column| writer.field(described.table, &column.name));
            wants.push(Want {
                place: described.collection.place.clone(),
                spot: Spot::collection(described.dataset, described.collection),
                key: "fields",
                new: New::List(fields.collect()),
            });
        }
        for dataset in &catalog.datasets {
            let new: Vec<New> = homes
                .iter()
                .filter(|(_, home)| std::ptr::eq(*home, dataset))
                .map(|(table, _)| writer.collection(table))
                .collect();
            if !new.is_empty() {
                wants.push(Want {
                    place: dataset.place.clone(),
                    spot: Spot::of(dataset),
                    key: "collections",
                    new: New::List(new),
                });
            }
        }
    }
    wants
}

/// The dataset that each new table goes to: the first of the connection that has no collection of that name.
fn homes<'a>(
    catalog: &'a Catalog,
    database: &LiveDatabase,
    found: &Undescribed<'a>,
) -> Vec<(&'a LiveTable, &'a Dataset)> {
    let mut homes: Vec<(&LiveTable, &Dataset)> = Vec::new();
    for table in &found.tables {
        let is_free = |dataset: &&Dataset| {
            let is_new = |(other, home): &(&LiveTable, &Dataset)| {
                std::ptr::eq(*home, *dataset) && other.name == table.name
            };
            dataset.collection(&table.name).is_none() && !homes.iter().any(is_new)
        };
        let home = catalog
            .datasets
            .iter()
            .filter(|d| d.connection.as_deref() == Some(database.connection.as_str()))
            .find(is_free);
        if let Some(home) = home {
            homes.push((table, home));
        }
    }
    homes
}

struct Writer<'w, 'a> {
    schema: &'a LiveSchema,
    found: &'w Undescribed<'a>,
    homes: &'w [(&'a LiveTable, &'a Dataset)],
}

impl Writer<'_, '_> {
    /// Whose rows it holds is for a person to say: until then none of them is anybody's.
    fn collection(&self, table: &LiveTable) -> New {
        let mut portal = Vec::new();
        if let Some(schema) = &table.schema {
            portal.push(("schema", New::Text(yaml_text(schema))));
        }
        portal.extend([("rows", New::Empty), ("label", New::Empty)]);
        let fields = table
            .columns
            .iter()
            .map(|column| self.field(table, &column.name));
        New::Map(vec![
            ("name", New::Text(yaml_text(&table.name))),
            ("portal", New::Map(portal)),
            ("fields", New::List(fields.collect())),
        ])
    }

    fn field(&self, table: &LiveTable, column: &str) -> New {
        let mut meta = Vec::new();
        if table.primary_key.iter().any(|key| key == column) {
            meta.push(("primary_key", New::Text("true".to_owned())));
        }
        let references: Vec<New> = table
            .foreign_keys
            .iter()
            .filter(|key| matches!(key.columns.as_slice(), [only] if only == column))
            .filter_map(|key| self.reference(table, key))
            .collect();
        if !references.is_empty() {
            meta.push(("references", New::List(references)));
        }
        let mut field = vec![("name", New::Text(yaml_text(column)))];
        if !meta.is_empty() {
            field.push(("fides_meta", New::Map(meta)));
        }
        New::Map(field)
    }

    /// Which way rows are followed is for a person to say: without a direction they are not.
    fn reference(&self, table: &LiveTable, key: &LiveForeignKey) -> Option<New> {
        let [column] = key.references.as_slice() else {
            return None;
        };
        let (dataset, collection, field) = self.described_as(table, &key.table, column)?;
        Some(New::Map(vec![
            ("dataset", New::Text(yaml_text(&dataset))),
            (
                "field",
                New::Text(yaml_text(&format!("{collection}.{field}"))),
            ),
            ("direction", New::Empty),
        ]))
    }

    /// The dataset, collection and field that describe a column of another table, or will once this is written.
    fn described_as(
        &self,
        from: &LiveTable,
        table: &str,
        column: &str,
    ) -> Option<(String, String, String)> {
        let mut alike = self
            .schema
            .tables
            .iter()
            .filter(|t| t.schema == from.schema && t.name.eq_ignore_ascii_case(table));
        let target = alike.next().filter(|_| alike.next().is_none())?;
        let column = &target.column(column)?.name;
        if let Some((_, home)) = self.homes.iter().find(|(t, _)| std::ptr::eq(*t, target)) {
            return Some((home.key.clone(), target.name.clone(), column.clone()));
        }
        let described = self
            .found
            .described
            .iter()
            .find(|d| std::ptr::eq(d.table, target))?;
        let field = match described.collection.field(column) {
            Some(field) => &field.name,
            None if is_read(described.collection) => column,
            None => return None,
        };
        Some((
            described.dataset.key.clone(),
            described.collection.name.clone(),
            field.clone(),
        ))
    }
}

/// A text as YAML spells it: plain where nobody can take it for something else, otherwise in quotes.
fn yaml_text(text: &str) -> String {
    const WORDS: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.')
        && !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is_plain {
        text.to_owned()
    } else {
        // YAML reads what JSON writes.
        serde_json::Value::from(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_where_yaml_would_take_them_for_something_else() {
        for (name, written) in [
            ("shoe_size", "shoe_size"),
            ("customers.id", "customers.id"),
            ("no", "\"no\""),
            ("NULL", "\"NULL\""),
            ("2fa", "\"2fa\""),
            ("a: b", "\"a: b\""),
            ("# x", "\"# x\""),
            ("größe", "\"größe\""),
            ("say \"hi\"\n", "\"say \\\"hi\\\"\\n\""),
            ("", "\"\""),
        ] {
            assert_eq!(yaml_text(name), written);
        }
    }
}
