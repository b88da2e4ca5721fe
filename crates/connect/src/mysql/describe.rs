//! What a database has: tables, views, columns and keys, by the information schema
//! (<https://mariadb.com/kb/en/information-schema-tables/>), which names what the connection may read and nothing else.

use std::collections::BTreeMap;

use fairhold_domain::schema::{LiveColumn, LiveForeignKey, LiveSchema, LiveTable};

use crate::{ConnectError, engine::ask, read::Session, value::KeyValue};

/// Databases that are no company's.
const SYSTEMS: &str = "('mysql', 'information_schema', 'performance_schema', 'sys')";

fn tables() -> String {
    format!(
        "SELECT CAST(table_schema AS CHAR), CAST(table_name AS CHAR), \
         CAST(COALESCE(table_schema = DATABASE(), 0) AS CHAR), CAST(table_type LIKE '%VIEW%' AS CHAR) \
         FROM information_schema.tables WHERE table_schema NOT IN {SYSTEMS} AND table_type <> 'SEQUENCE' \
         ORDER BY COALESCE(table_schema = DATABASE(), 0) DESC, table_schema, table_name"
    )
}

fn columns() -> String {
    format!(
        "SELECT CAST(table_schema AS CHAR), CAST(table_name AS CHAR), CAST(column_name AS CHAR), \
         CAST(column_type AS CHAR), CAST(is_nullable AS CHAR), \
         CAST(COALESCE(generation_expression, '') <> '' AS CHAR), CAST(character_set_name IS NOT NULL AS CHAR), \
         CAST(collation_name AS CHAR) \
         FROM information_schema.columns WHERE table_schema NOT IN {SYSTEMS} \
         ORDER BY table_schema, table_name, ordinal_position"
    )
}

/// An index on the beginning of a column, or on an expression, is not one on the column.
fn unique() -> String {
    format!(
        "SELECT CAST(table_schema AS CHAR), CAST(table_name AS CHAR), CAST(index_name AS CHAR), \
         CAST(column_name AS CHAR), CAST(sub_part AS CHAR) \
         FROM information_schema.statistics WHERE non_unique = 0 AND table_schema NOT IN {SYSTEMS} \
         ORDER BY table_schema, table_name, index_name, seq_in_index"
    )
}

fn foreign() -> String {
    format!(
        "SELECT CAST(table_schema AS CHAR), CAST(table_name AS CHAR), CAST(constraint_name AS CHAR), \
         CAST(referenced_table_schema AS CHAR), CAST(referenced_table_name AS CHAR), \
         CAST(column_name AS CHAR), CAST(referenced_column_name AS CHAR) \
         FROM information_schema.key_column_usage \
         WHERE referenced_table_name IS NOT NULL AND table_schema NOT IN {SYSTEMS} \
         ORDER BY table_schema, table_name, constraint_name, ordinal_position"
    )
}

/// What the database has.
pub(super) async fn describe(session: &mut dyn Session) -> Result<LiveSchema, ConnectError> {
    let mut found = Found::default();
    for row in ask(session, &tables(), &[]).await? {
        let [schema, name, is_here, is_view] = texts(row)?;
        found.add(schema, name, is_true(&is_here), is_true(&is_view));
    }
    for row in ask(session, &columns(), &[]).await? {
        let [
            schema,
            table,
            name,
            sql_type,
            nullable,
            generated,
            loose,
            collation,
        ] = texts(row)?;
        if let Some(table) = found.table(schema, table) {
            table.columns.push(LiveColumn {
                name,
                sql_type,
                nullable: nullable == "YES",
                generated: is_true(&generated),
                loose: is_true(&loose),
                collation: Some(collation).filter(|c| !c.is_empty()),
                refused: false,
            });
        }
    }
    for index in grouped::<2>(ask(session, &unique(), &[]).await?)? {
        let is_whole = index
            .rows
            .iter()
            .all(|[column, part]| !column.is_empty() && part.is_empty());
        let columns = index.rows.into_iter().map(|[column, _]| column).collect();
        match found.table(index.schema, index.table) {
            Some(table) if index.name == "PRIMARY" => table.primary_key = columns,
            Some(table) if is_whole => table.unique.push(columns),
            _ => {}
        }
    }
    for key in grouped::<4>(ask(session, &foreign(), &[]).await?)? {
        let to = key
            .rows
            .first()
            .map(|[schema, table, ..]| (schema.clone(), table.clone()));
        let Some((schema, table)) = to else { continue };
        let schema = found.schema_of(&schema);
        if let Some(from) = found.table(key.schema, key.table) {
            let (columns, references) = key.rows.into_iter().map(|[_, _, c, r]| (c, r)).unzip();
            from.foreign_keys.push(LiveForeignKey {
                columns,
                schema,
                table,
                references,
            });
        }
    }
    Ok(LiveSchema {
        default_schema: found.here,
        tables: found.tables,
    })
}

/// The tables that were found, each by its database and name.
#[derive(Default)]
struct Found {
    tables: Vec<LiveTable>,
    places: BTreeMap<(String, String), usize>,
    /// The database that the connection is in.
    here: Option<String>,
}

impl Found {
    fn add(&mut self, schema: String, name: String, is_here: bool, is_view: bool) {
        if is_here {
            self.here = Some(schema.clone());
        }
        self.places
            .insert((schema.clone(), name.clone()), self.tables.len());
        self.tables.push(LiveTable {
            schema: self.schema_of(&schema),
            name,
            is_view,
            ..LiveTable::default()
        });
    }

    fn schema_of(&self, schema: &str) -> Option<String> {
        (self.here.as_deref() != Some(schema)).then(|| schema.to_owned())
    }

    fn table(&mut self, schema: String, name: String) -> Option<&mut LiveTable> {
        self.tables.get_mut(*self.places.get(&(schema, name))?)
    }
}

/// Rows of one index or key.
struct Group<const N: usize> {
    schema: String,
    table: String,
    name: String,
    rows: Vec<[String; N]>,
}

/// Rows that follow each other with the same table and name.
fn grouped<const N: usize>(rows: Vec<Vec<KeyValue>>) -> Result<Vec<Group<N>>, ConnectError> {
    let mut groups: Vec<Group<N>> = Vec::new();
    for mut row in rows {
        let rest = texts(row.split_off(3.min(row.len())))?;
        let [schema, table, name] = texts(row)?;
        match groups.last_mut() {
            Some(last) if last.schema == schema && last.table == table && last.name == name => {
                last.rows.push(rest);
            }
            _ => groups.push(Group {
                schema,
                table,
                name,
                rows: vec![rest],
            }),
        }
    }
    Ok(groups)
}

fn is_true(text: &str) -> bool {
    text == "1"
}

/// The row's values as text; null is empty.
fn texts<const N: usize>(row: Vec<KeyValue>) -> Result<[String; N], ConnectError> {
    let texts = row.into_iter().map(|v| v.into_text().unwrap_or_default());
    let texts: Vec<String> = texts.collect();
    texts.try_into().map_err(|_| ConnectError::Damaged)
}
