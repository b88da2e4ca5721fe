//! What a file has: tables, views, columns and keys.

use fairhold_domain::schema::{LiveCheck, LiveColumn, LiveForeignKey, LiveSchema, LiveTable};

use crate::{ConnectError, engine::ask, read::Session, value::KeyValue};

/// What the file has, by `SQLite`'s table-valued pragmas (<https://www.sqlite.org/pragma.html#pragfunc>).
pub(super) async fn describe(session: &mut dyn Session) -> Result<LiveSchema, ConnectError> {
    let named = "SELECT name, type = 'view' FROM pragma_table_list \
                 WHERE schema = 'main' AND type IN ('table', 'view', 'virtual') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
                 ORDER BY name";
    let mut schema = LiveSchema::default();
    for row in ask(session, named, &[]).await? {
        let [KeyValue::Text(name), KeyValue::Int(is_view)] = row.as_slice() else {
            continue;
        };
        let mut table = LiveTable {
            name: name.clone(),
            is_view: *is_view == 1,
            ..LiveTable::default()
        };
        match describe_table(session, &mut table).await {
            // A view over a table that is gone: it can't be read, and the rest can.
            Ok(()) | Err(ConnectError::Changed) => schema.tables.push(table),
            Err(error) => return Err(error),
        }
    }
    Ok(schema)
}

async fn describe_table(
    session: &mut dyn Session,
    table: &mut LiveTable,
) -> Result<(), ConnectError> {
    let name = KeyValue::Text(table.name.clone());
    // `hidden`: 1 is a virtual table's own parameter, 2 and 3 are generated columns.
    let columns = "SELECT name, type, \"notnull\", pk, hidden FROM pragma_table_xinfo(?1) WHERE hidden <> 1 ORDER BY cid";
    let mut key: Vec<(i64, String)> = Vec::new();
    for row in ask(session, columns, std::slice::from_ref(&name)).await? {
        let [
            KeyValue::Text(column),
            sql_type,
            KeyValue::Int(not_null),
            KeyValue::Int(pk),
            KeyValue::Int(hidden),
        ] = row.as_slice()
        else {
            continue;
        };
        if *pk > 0 {
            key.push((*pk, column.clone()));
        }
        let sql_type = if let KeyValue::Text(sql_type) = sql_type {
            sql_type.clone()
        } else {
            String::new()
        };
        table.columns.push(LiveColumn {
            name: column.clone(),
            sql_type,
            nullable: *not_null == 0,
            generated: *hidden > 1,
            ..LiveColumn::default()
        });
    }
    key.sort();
    table.primary_key = key.into_iter().map(|(_, column)| column).collect();
    // A single INTEGER key is the row id itself and is never null.
    if let [only] = table.primary_key.as_slice()
        && let Some(column) = table
            .columns
            .iter_mut()
            .find(|c| c.name == *only && c.sql_type.eq_ignore_ascii_case("INTEGER"))
    {
        column.nullable = false;
    }
    if table.is_view {
        return Ok(());
    }
    let unique = "SELECT l.seq, i.name FROM pragma_index_list(?1) AS l JOIN pragma_index_info(l.name) AS i \
                  WHERE l.\"unique\" = 1 AND l.origin <> 'pk' AND l.partial = 0 ORDER BY l.seq, i.seqno";
    for (_, columns) in grouped(ask(session, unique, std::slice::from_ref(&name)).await?) {
        // An index on an expression has no column name.
        if let Some(columns) = columns.into_iter().map(|row| text(row.first())).collect() {
            table.unique.push(columns);
        }
    }
    let foreign = "SELECT id, \"table\", \"from\", \"to\", on_delete = 'CASCADE' FROM pragma_foreign_key_list(?1) ORDER BY id, seq";
    for (_, rows) in grouped(ask(session, foreign, std::slice::from_ref(&name)).await?) {
        let Some(to) = rows.first().and_then(|row| text(row.first())) else {
            continue;
        };
        let columns = rows.iter().filter_map(|row| text(row.get(1))).collect();
        // Without named columns the other table's primary key is meant; it stays empty here.
        let references = rows.iter().filter_map(|row| text(row.get(2))).collect();
        table.foreign_keys.push(LiveForeignKey {
            columns,
            schema: None,
            table: to,
            references,
            cascades: matches!(
                rows.first().and_then(|row| row.get(3)),
                Some(KeyValue::Int(1))
            ),
        });
    }
    let written = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1";
    for row in ask(session, written, std::slice::from_ref(&name)).await? {
        let written = text(row.first()).unwrap_or_default();
        for check in checks(&written) {
            let speaks_of = |column: &&LiveColumn| speaks_of(check, &column.name);
            let columns = table.columns.iter().filter(speaks_of);
            table.checks.push(LiveCheck {
                columns: columns.map(|column| column.name.clone()).collect(),
                is_json: check.to_ascii_lowercase().contains("json_valid"),
            });
        }
    }
    Ok(())
}

/// The conditions in a table's `CREATE TABLE`: `SQLite` tells them nowhere else. One too many does no harm.
fn checks(written: &str) -> Vec<&str> {
    let lower = written.to_ascii_lowercase();
    let starts = lower.match_indices("check").filter_map(|(at, word)| {
        let rest = written.get(at + word.len()..)?.trim_start();
        rest.starts_with('(').then_some(rest)
    });
    starts
        .map(|rest| rest.get(..closing(rest)).unwrap_or(rest))
        .collect()
}

/// Where the bracket that a text begins with is closed again.
fn closing(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if open == c => quote = None,
            (None, '\'' | '"' | '`') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') if depth <= 1 => return at + 1,
            (None, ')') => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

/// Whether a condition holds the name, as a word of its own.
fn speaks_of(check: &str, name: &str) -> bool {
    let (check, name) = (check.to_ascii_lowercase(), name.to_ascii_lowercase());
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    check.match_indices(&name).any(|(at, found)| {
        let before = check.get(..at).and_then(|text| text.chars().next_back());
        let after = check.get(at + found.len()..);
        !is_word(before) && !is_word(after.and_then(|text| text.chars().next()))
    })
}

pub(super) fn text(value: Option<&KeyValue>) -> Option<String> {
    if let Some(KeyValue::Text(text)) = value {
        Some(text.clone())
    } else {
        None
    }
}

/// Rows that follow each other with the same first value, without it.
fn grouped(rows: Vec<Vec<KeyValue>>) -> Vec<(KeyValue, Vec<Vec<KeyValue>>)> {
    let mut groups: Vec<(KeyValue, Vec<Vec<KeyValue>>)> = Vec::new();
    for mut row in rows {
        let rest = row.split_off(1.min(row.len()));
        let Some(id) = row.pop() else { continue };
        match groups.last_mut() {
            Some((last, group)) if *last == id => group.push(rest),
            _ => groups.push((id, vec![rest])),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::{checks, speaks_of};

    #[test]
    fn conditions_are_found_in_what_was_written() {
        let written = "CREATE TABLE t (a TEXT CHECK (a IN (')', 'b')), checked TEXT, Note TEXT, CHECK(length(\"Note\") > 1 AND (a <> 'x')))";
        let found = checks(written);
        assert_eq!(
            found,
            ["(a IN (')', 'b'))", "(length(\"Note\") > 1 AND (a <> 'x'))"]
        );
        let speak = |name| {
            found
                .iter()
                .map(|check| speaks_of(check, name))
                .collect::<Vec<_>>()
        };
        assert_eq!(speak("a"), [true, true]);
        assert_eq!(speak("note"), [false, true]);
        assert_eq!(speak("not"), [false, false]);
        assert_eq!(checks("CREATE TABLE t (a TEXT CHECK (a"), ["(a"]);
    }
}
