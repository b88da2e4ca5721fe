//! What a database has: tables, views, columns and keys, by PostgreSQL's own catalogs
//! (<https://www.postgresql.org/docs/current/catalogs.html>), which name also what the connection may not read.

use std::collections::BTreeMap;

use fairhold_domain::schema::{LiveCheck, LiveColumn, LiveForeignKey, LiveSchema, LiveTable};

use crate::{ConnectError, engine::ask, read::Session, value::KeyValue};

/// The tables that are a company's: no system's, no other session's, and partitions only as the whole that they are.
const TABLES: &str = "SELECT c.oid::text, CASE WHEN n.nspname = current_schema() THEN NULL ELSE n.nspname::text END, \
     c.relname::text, (c.relkind IN ('v', 'm'))::text \
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition \
     AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%' \
     AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass \
                     AND d.objid = c.oid AND d.deptype = 'e') \
     ORDER BY n.nspname <> current_schema(), n.nspname, c.relname";

/// A domain counts as the type that it stands for. Types whose equality is not that of their text are loose: citext, and
/// columns of a collation that takes different texts for equal.
const COLUMNS: &str = "WITH RECURSIVE base(oid, stands_for, modifier) AS ( \
       SELECT oid, oid, NULL::integer FROM pg_catalog.pg_type WHERE typtype <> 'd' \
       UNION ALL SELECT t.oid, b.stands_for, COALESCE(b.modifier, NULLIF(t.typtypmod, -1)) \
       FROM pg_catalog.pg_type t JOIN base b ON t.typbasetype = b.oid WHERE t.typtype = 'd') \
     SELECT a.attrelid::text, a.attname::text, \
     pg_catalog.format_type(b.stands_for, COALESCE(NULLIF(a.atttypmod, -1), b.modifier)), \
     (a.attnotnull OR t.typnotnull)::text, (a.attgenerated <> '')::text, \
     (s.typname = 'citext' OR NOT COALESCE(l.collisdeterministic, true))::text, \
     (NOT pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT'))::text, \
     pg_catalog.quote_ident(ln.nspname) || '.' || pg_catalog.quote_ident(l.collname) \
     FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     JOIN pg_catalog.pg_type t ON t.oid = a.atttypid JOIN base b ON b.oid = a.atttypid \
     JOIN pg_catalog.pg_type s ON s.oid = b.stands_for \
     LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation \
     LEFT JOIN pg_catalog.pg_namespace ln ON ln.oid = l.collnamespace \
     WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f') \
     AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%' \
     ORDER BY a.attrelid, a.attnum";

/// Indexes that hold for all rows, on columns alone. Those of a table that others inherit from hold for its own rows alone,
/// and whoever reads it reads theirs too.
const UNIQUE: &str = "SELECT i.indrelid::text, i.indexrelid::text, i.indisprimary::text, a.attname::text \
     FROM pg_catalog.pg_index i CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k(attnum, place) \
     JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum \
     WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND k.place <= i.indnkeyatts \
     AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_inherits h JOIN pg_catalog.pg_class p ON p.oid = h.inhparent \
                     WHERE h.inhparent = i.indrelid AND p.relkind <> 'p') \
     ORDER BY i.indrelid, i.indexrelid, k.place";

const FOREIGN: &str = "SELECT f.conrelid::text, f.oid::text, \
     CASE WHEN n.nspname = current_schema() THEN NULL ELSE n.nspname::text END, c.relname::text, \
     a.attname::text, r.attname::text, (f.confdeltype = 'c')::text \
     FROM pg_catalog.pg_constraint f JOIN pg_catalog.pg_class c ON c.oid = f.confrelid \
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     CROSS JOIN LATERAL unnest(f.conkey, f.confkey) WITH ORDINALITY AS k(here, there, place) \
     JOIN pg_catalog.pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.here \
     JOIN pg_catalog.pg_attribute r ON r.attrelid = f.confrelid AND r.attnum = k.there \
     WHERE f.contype = 'f' AND f.conparentid = 0 \
     ORDER BY f.conrelid, f.oid, k.place";

/// Conditions on a table's rows, and, each for itself, on the values of a domain.
const CHECKS: &str = "SELECT f.conrelid::text, f.oid::text, a.attname::text, \
     (pg_catalog.pg_get_constraintdef(f.oid) ILIKE '%IS JSON%')::text \
     FROM pg_catalog.pg_constraint f JOIN pg_catalog.pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = ANY (f.conkey) \
     WHERE f.contype = 'c' \
     UNION ALL SELECT a.attrelid::text, f.oid::text || '.' || a.attrelid || '.' || a.attnum, a.attname::text, 'false' \
     FROM pg_catalog.pg_constraint f JOIN pg_catalog.pg_attribute a ON a.atttypid = f.contypid \
     WHERE f.contype = 'c' AND f.contypid <> 0 AND NOT a.attisdropped ORDER BY 1, 2";

/// What the database has.
pub(super) async fn describe(session: &mut dyn Session) -> Result<LiveSchema, ConnectError> {
    let mut tables: Vec<LiveTable> = Vec::new();
    // By the number that the database gives each table.
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for row in ask(session, TABLES, &[]).await? {
        let [id, schema, name, is_view] = texts(row)?;
        places.insert(id.unwrap_or_default(), tables.len());
        tables.push(LiveTable {
            schema,
            name: name.unwrap_or_default(),
            is_view: is_true(is_view.as_deref()),
            ..LiveTable::default()
        });
    }
    for row in ask(session, COLUMNS, &[]).await? {
        let [
            id,
            name,
            sql_type,
            not_null,
            generated,
            loose,
            refused,
            collation,
        ] = texts(row)?;
        if let Some(table) = at(&mut tables, &places, id.as_deref()) {
            table.columns.push(LiveColumn {
                name: name.unwrap_or_default(),
                sql_type: sql_type.unwrap_or_default(),
                nullable: !is_true(not_null.as_deref()),
                generated: is_true(generated.as_deref()),
                loose: is_true(loose.as_deref()),
                refused: is_true(refused.as_deref()),
                collation,
            });
        }
    }
    let mut last = None;
    for row in ask(session, UNIQUE, &[]).await? {
        let [id, index, is_primary, column] = texts(row)?;
        let is_next = last != index;
        last = index;
        let (Some(table), Some(column)) = (at(&mut tables, &places, id.as_deref()), column) else {
            continue;
        };
        if is_true(is_primary.as_deref()) {
            table.primary_key.push(column);
        } else if is_next {
            table.unique.push(vec![column]);
        } else if let Some(columns) = table.unique.last_mut() {
            columns.push(column);
        }
    }
    let mut last = None;
    for row in ask(session, FOREIGN, &[]).await? {
        let [id, key, schema, to, column, there, cascades] = texts(row)?;
        let is_next = last != key;
        last = key;
        let Some(table) = at(&mut tables, &places, id.as_deref()) else {
            continue;
        };
        if is_next {
            table.foreign_keys.push(LiveForeignKey {
                schema,
                table: to.unwrap_or_default(),
                cascades: is_true(cascades.as_deref()),
                ..LiveForeignKey::default()
            });
        }
        if let Some(key) = table.foreign_keys.last_mut() {
            key.columns.extend(column);
            key.references.extend(there);
        }
    }
    let mut last = None;
    for row in ask(session, CHECKS, &[]).await? {
        let [id, check, column, is_json] = texts(row)?;
        let is_next = last != check;
        last = check;
        let Some(table) = at(&mut tables, &places, id.as_deref()) else {
            continue;
        };
        if is_next {
            table.checks.push(LiveCheck {
                columns: Vec::new(),
                is_json: is_true(is_json.as_deref()),
            });
        }
        if let Some(check) = table.checks.last_mut() {
            check.columns.extend(column);
        }
    }
    let default_schema = ask(session, "SELECT current_schema()::text", &[]).await?;
    let default_schema = default_schema.into_iter().flatten().next();
    Ok(LiveSchema {
        default_schema: default_schema.and_then(KeyValue::into_text),
        tables,
    })
}

fn at<'t>(
    tables: &'t mut [LiveTable],
    places: &BTreeMap<String, usize>,
    id: Option<&str>,
) -> Option<&'t mut LiveTable> {
    tables.get_mut(*places.get(id?)?)
}

fn is_true(text: Option<&str>) -> bool {
    text == Some("true")
}

/// The row's values, all of them text or nothing.
fn texts<const N: usize>(row: Vec<KeyValue>) -> Result<[Option<String>; N], ConnectError> {
    let texts: Vec<Option<String>> = row.into_iter().map(KeyValue::into_text).collect();
    texts.try_into().map_err(|_| ConnectError::Damaged)
}
