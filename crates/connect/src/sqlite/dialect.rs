//! How SQL is written for `SQLite`.

use fairhold_domain::schema::LiveTable;

use crate::{
    sql::{Dialect, Expr, Kind, Pattern, Sql},
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

    fn comparable(&self, one: &str, other: &str) -> bool {
        Family::of(one) == Family::of(other)
    }

    /// `SQLite` types values, not columns, so the expression looks at the value. Lengths come from the row's header; a
    /// large value itself stays where it is.
    fn cell(&self, column: &Expr) -> String {
        let column = &column.sql;
        format!(
            "CASE WHEN typeof({column}) = 'blob' THEN CAST('b' || octet_length({column}) || ':' AS BLOB) \
             WHEN octet_length({column}) > {MAX_CELL_BYTES} THEN CAST('t' || octet_length({column}) || ':' || \
             CASE WHEN octet_length({column}) > {MAX_LOOKED_AT} THEN '' ELSE substr({column}, 1, 1000) END AS BLOB) \
             ELSE CAST({column} AS TEXT) END"
        )
    }

    fn noted_length(&self, column: &Expr) -> String {
        format!("octet_length({})", column.sql)
    }

    /// By bytes: a text that holds a NUL ends there for those who count its characters.
    fn piece(&self, column: &Expr, from: u64, length: u64) -> String {
        format!("substr(CAST({} AS BLOB), {from}, {length})", column.sql)
    }

    fn as_text(&self, expression: &Expr) -> Expr {
        text(format!("CAST({} AS TEXT)", expression.sql))
    }

    fn beginning(&self, expression: &Expr, characters: u32) -> Expr {
        let expression = &expression.sql;
        text(format!(
            "CASE WHEN typeof({expression}) = 'blob' THEN hex(substr({expression}, 1, {characters})) \
             ELSE substr(CAST({expression} AS TEXT), 1, {characters}) END"
        ))
    }

    fn exact(&self, expression: &Expr) -> Expr {
        Expr::new(
            format!("{} COLLATE BINARY", expression.sql),
            expression.kind.clone(),
        )
    }

    /// The left side's collation is the one that counts.
    fn exact_right(&self, expression: &Expr) -> Expr {
        expression.clone()
    }

    /// `SQLite` finds no index for several columns at once whose collation is said.
    fn rows_hide_index(&self) -> bool {
        true
    }

    /// `SQLite` looks for each alternative by its own index.
    fn alternatives_hide_index(&self) -> bool {
        false
    }

    fn joins_lose_order(&self) -> bool {
        false
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

    /// LIKE knows no case in ASCII. Lest `%%@gmail.com%` let all of Gmail through, an address beyond ASCII is looked for
    /// only among texts of more bytes than letters.
    fn may_hold(&self, sql: &mut Sql<'_>, expression: &Expr, pattern: &Pattern) {
        let column = &expression.sql;
        sql.push("(")
            .push(column)
            .push(" LIKE ")
            .bind(KeyValue::Text(pattern.like.clone()), &expression.kind)
            .push(" ESCAPE '!'");
        if pattern.beyond_ascii {
            sql.push(&format!(" AND octet_length({column}) > length({column})"));
        }
        sql.push(")");
    }
}

fn text(sql: String) -> Expr {
    Expr::new(sql, Kind::new("TEXT", false))
}

/// Families of declared types: two columns of different families are compared as text.
#[derive(PartialEq, Eq)]
enum Family {
    Text,
    Number,
    Other,
}

impl Family {
    /// Column affinity: <https://www.sqlite.org/datatype3.html#determination_of_column_affinity>.
    fn of(sql_type: &str) -> Self {
        let upper = sql_type.to_ascii_uppercase();
        let has = |part: &str| upper.contains(part);
        if has("INT") {
            Self::Number
        } else if has("CHAR") || has("CLOB") || has("TEXT") {
            Self::Text
        } else if has("BLOB") || upper.is_empty() {
            Self::Other
        } else {
            Self::Number
        }
    }
}
