//! What a database has: tables, views, columns and keys, by the information schema
//! (<https://mariadb.com/kb/en/information-schema-tables/>), which names what the connection may read and nothing else.

use std::collections::BTreeMap;

use fairhold_domain::schema::{LiveCheck, LiveColumn, LiveForeignKey, LiveSchema, LiveTable};

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
        "SELECT CAST(k.table_schema AS CHAR), CAST(k.table_name AS CHAR), CAST(k.constraint_name AS CHAR), \
         CAST(k.referenced_table_schema AS CHAR), CAST(k.referenced_table_name AS CHAR), \
         CAST(k.column_name AS CHAR), CAST(k.referenced_column_name AS CHAR), \
         CAST(COALESCE(r.delete_rule = 'CASCADE', 0) AS CHAR) \
         FROM information_schema.key_column_usage k \
         LEFT JOIN information_schema.referential_constraints r ON r.constraint_schema = k.constraint_schema \
         AND r.constraint_name = k.constraint_name AND r.table_name = k.table_name \
         WHERE k.referenced_table_name IS NOT NULL AND k.table_schema NOT IN {SYSTEMS} \
         ORDER BY k.table_schema, k.table_name, k.constraint_name, k.ordinal_position"
    )
}

/// Conditions on rows. In MySQL their names belong to the whole database and their tables stand elsewhere; in MariaDB each
/// table has names of its own. Servers that know no conditions have neither.
fn checks(of_tables: bool) -> String {
    let (table, from) = if of_tables {
        ("c.table_name", "")
    } else {
        (
            "t.table_name",
            "JOIN information_schema.table_constraints t ON t.constraint_schema = c.constraint_schema \
             AND t.constraint_name = c.constraint_name AND t.constraint_type = 'CHECK'",
        )
    };
    format!(
        "SELECT CAST(c.constraint_schema AS CHAR), CAST({table} AS CHAR), CAST(c.constraint_name AS CHAR), \
         CAST(c.check_clause AS CHAR) FROM information_schema.check_constraints c {from} \
         WHERE c.constraint_schema NOT IN {SYSTEMS} ORDER BY 1, 2, 3"
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
    for key in grouped::<5>(ask(session, &foreign(), &[]).await?)? {
        let to = key.rows.first().map(|[schema, table, _, _, cascades]| {
            (schema.clone(), table.clone(), is_true(cascades))
        });
        let Some((schema, table, cascades)) = to else {
            continue;
        };
        let schema = found.schema_of(&schema);
        if let Some(from) = found.table(key.schema, key.table) {
            let (columns, references) = key.rows.into_iter().map(|[_, _, c, r, _]| (c, r)).unzip();
            from.foreign_keys.push(LiveForeignKey {
                columns,
                schema,
                table,
                references,
                cascades,
            });
        }
    }
    let mut rows = ask(session, &checks(true), &[]).await;
    if rows.is_err() {
        rows = ask(session, &checks(false), &[]).await;
    }
    // Older servers have none to tell of. A mask that breaks one is refused by the server then, and changes nothing.
    for row in rows.unwrap_or_default() {
        let [schema, table, _, clause] = texts(row)?;
        if let Some(table) = found.table(schema, table) {
            let quoted = |name: &str| format!("`{}`", name.replace('`', "``"));
            let named = |column: &&LiveColumn| clause.contains(&quoted(&column.name));
            let columns = table.columns.iter().filter(named);
            table.checks.push(LiveCheck {
                columns: columns.map(|column| column.name.clone()).collect(),
                is_json: clause.to_ascii_lowercase().contains("json_valid"),
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
