//! How SQL is written for `SQLite`.

use fairhold_domain::schema::LiveTable;

use crate::{
    sql::{Dialect, Family, Sql},
    value::{KeyValue, MAX_CELL_BYTES},
};

/// `SQLite`'s own ways.
#[derive(Debug)]
pub(super) struct SqliteDialect;

/// Beyond this many bytes not even the beginning of a value is read.
const MAX_LOOKED_AT: u64 = 1024 * 1024;

impl Dialect for SqliteDialect {
    fn placeholder(&self, number: usize) -> String {
        format!("?{number}")
    }

    /// Column affinity: <https://www.sqlite.org/datatype3.html#determination_of_column_affinity>.
    fn family(&self, sql_type: &str) -> Family {
        let upper = sql_type.to_ascii_uppercase();
        let has = |part: &str| upper.contains(part);
        if has("INT") {
            Family::Number
        } else if has("CHAR") || has("CLOB") || has("TEXT") {
            Family::Text
        } else if has("BLOB") || upper.is_empty() {
            Family::Other
        } else {
            Family::Number
        }
    }

    /// `SQLite` types values, not columns, so the expression looks at the value. Lengths come from the row's header; a
    /// large value itself stays where it is.
    fn cell(&self, column: &str, _: &str) -> String {
        format!(
            "CASE WHEN typeof({column}) = 'blob' THEN CAST('b' || octet_length({column}) || ':' AS BLOB) \
             WHEN octet_length({column}) > {MAX_CELL_BYTES} THEN CAST('t' || octet_length({column}) || ':' || \
             CASE WHEN octet_length({column}) > {MAX_LOOKED_AT} THEN '' ELSE substr({column}, 1, 1000) END AS BLOB) \
             ELSE CAST({column} AS TEXT) END"
        )
    }

    fn as_text(&self, expression: &str) -> String {
        format!("CAST({expression} AS TEXT)")
    }

    fn beginning(&self, expression: &str, characters: u32) -> String {
        format!(
            "CASE WHEN typeof({expression}) = 'blob' THEN hex(substr({expression}, 1, {characters})) \
             ELSE substr(CAST({expression} AS TEXT), 1, {characters}) END"
        )
    }

    fn exact(&self, expression: &str) -> String {
        format!("{expression} COLLATE BINARY")
    }

    fn ascending(&self, expression: &str) -> String {
        format!("{expression} ASC")
    }

    fn descending(&self, expression: &str) -> String {
        format!("{expression} DESC")
    }

    /// A table without a primary key always has a row id (<https://www.sqlite.org/rowidtable.html>), under whichever of
    /// its names no column has taken.
    fn row_id(&self, table: &LiveTable) -> Option<&'static str> {
        if table.is_view || !table.primary_key.is_empty() {
            return None;
        }
        ["rowid", "_rowid_", "oid"]
            .into_iter()
            .find(|name| table.column(name).is_none())
    }

    /// LIKE knows no case in ASCII. Any other letter may be stored in either case, composed or not, and white space may
    /// stand around: `%` lets that through, and the comparison in Rust decides. Lest `%%@gmail.com%` let all of Gmail
    /// through, such an address is looked for only among texts of more bytes than letters.
    fn may_hold(&self, sql: &mut Sql<'_>, expression: &str, address: &str) {
        let mut pattern = String::from("%");
        for c in address.chars() {
            match c {
                '%' | '_' | '\\' => pattern.extend(['\\', c]),
                c if c.is_ascii() => pattern.push(c),
                _ => pattern.push('%'),
            }
        }
        pattern.push('%');
        sql.push("(")
            .push(expression)
            .push(" LIKE ")
            .bind(KeyValue::Text(pattern))
            .push(" ESCAPE '\\'");
        if !address.is_ascii() {
            sql.push(&format!(
                " AND octet_length({expression}) > length({expression})"
            ));
        }
        sql.push(")");
    }
}
