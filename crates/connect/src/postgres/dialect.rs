//! How SQL is written for PostgreSQL. Its types are strict, so every value travels as text, and is cast to its column's
//! type where it is compared.

use crate::{
    sql::{Dialect, Expr, Kind, Pattern, Sql},
    value::{KeyValue, MAX_CELL_BYTES},
};

/// PostgreSQL's own ways.
#[derive(Debug)]
pub(super) struct PostgresDialect;

/// Beyond this many bytes not even the beginning of a value is read.
const MAX_LOOKED_AT: u64 = 1024 * 1024;

impl Dialect for PostgresDialect {
    fn placeholder(&self, number: usize) -> String {
        format!("${number}")
    }

    fn comparable(&self, one: &str, other: &str) -> bool {
        Family::of(one) == Family::of(other)
    }

    /// The size of a text is known without reading it; that of other values where they are stored.
    fn cell(&self, column: &Expr) -> String {
        let here = &column.sql;
        let text = format!("{here}::text");
        let whole = format!(
            "CASE WHEN octet_length({text}) > {MAX_CELL_BYTES} THEN 't' || octet_length({text}) || ':' || \
             CASE WHEN octet_length({text}) > {MAX_LOOKED_AT} THEN '' ELSE left({text}, 1000) END \
             ELSE 'v' || {text} END"
        );
        match Family::of(&column.kind.sql_type) {
            Family::Bytes => format!("'b' || octet_length({here}) || ':'"),
            Family::Text => whole,
            Family::Number | Family::Small(_) => format!("'v' || {text}"),
            Family::Other(_) => format!(
                "CASE WHEN pg_column_size({here}) > {MAX_LOOKED_AT} THEN 't' || pg_column_size({here}) || ':' ELSE {whole} END"
            ),
        }
    }

    fn noted_length(&self, column: &Expr) -> String {
        let here = &column.sql;
        let whole = format!("octet_length({here}::text)");
        let length = match Family::of(&column.kind.sql_type) {
            Family::Bytes => format!("octet_length({here})"),
            Family::Other(_) => format!(
                "CASE WHEN pg_column_size({here}) > {MAX_LOOKED_AT} THEN pg_column_size({here}) ELSE {whole} END"
            ),
            Family::Text | Family::Number | Family::Small(_) => whole,
        };
        format!("({length})::bigint")
    }

    /// By bytes, as they would be sent: a database without an encoding gives them as they are.
    fn piece(&self, column: &Expr, from: u64, length: u64) -> String {
        let here = &column.sql;
        match Family::of(&column.kind.sql_type) {
            Family::Bytes => format!("substr({here}, {from}, {length})"),
            _ => format!("substr(textsend(({here})::text), {from}, {length})"),
        }
    }

    fn value(&self, expression: &Expr) -> String {
        match Family::of(&expression.kind.sql_type) {
            Family::Bytes => format!("encode({}, 'hex')", expression.sql),
            _ => format!("({})::text", expression.sql),
        }
    }

    fn bound(&self, marker: String, kind: &Kind) -> String {
        match Family::of(&kind.sql_type) {
            Family::Bytes => format!("decode({marker}, 'hex')"),
            // Compared as it is stored: with its blanks. Its length is left out, because a cast cuts without a word.
            Family::Text if base(&kind.sql_type) == "character" => format!("{marker}::bpchar"),
            Family::Text if &*kind.sql_type == "citext" => format!("{marker}::citext"),
            Family::Text => marker,
            _ => format!("{marker}::{}", kind.sql_type),
        }
    }

    fn as_text(&self, expression: &Expr) -> Expr {
        Expr::new(
            self.value(expression),
            Kind::new("text", expression.kind.loose),
        )
    }

    fn beginning(&self, expression: &Expr, characters: u32) -> Expr {
        let text = self.value(expression);
        bytewise(&format!("left({text}, {characters})"))
    }

    fn exact(&self, expression: &Expr) -> Expr {
        if expression.kind.loose {
            bytewise(&format!("({})::text", expression.sql))
        } else {
            expression.clone()
        }
    }

    /// PostgreSQL compares no two columns whose collations differ, unless one is told to give way.
    fn collated(&self, expression: &Expr, other: &Kind) -> Expr {
        match &other.collation {
            Some(collation) if expression.kind.collates_unlike(other) => Expr::new(
                format!("({} COLLATE {collation})", expression.sql),
                Kind {
                    collation: Some(collation.clone()),
                    ..expression.kind.clone()
                },
            ),
            _ => expression.clone(),
        }
    }

    fn is_number(&self, kind: &Kind) -> bool {
        Family::of(&kind.sql_type) == Family::Number
    }

    /// Some types know no order.
    fn sortable(&self, expression: &Expr) -> Expr {
        let kind = base(&expression.kind.sql_type);
        if UNSORTED.contains(&kind) {
            bytewise(&format!("({})::text", expression.sql))
        } else {
            expression.clone()
        }
    }

    /// An index has nulls at its end, so that where there are none, one must not say where they go.
    fn ascending(&self, expression: &str, nullable: bool) -> String {
        let nulls = if nullable { " NULLS FIRST" } else { "" };
        format!("{expression} ASC{nulls}")
    }

    fn descending(&self, expression: &str, nullable: bool) -> String {
        let nulls = if nullable { " NULLS LAST" } else { "" };
        format!("{expression} DESC{nulls}")
    }

    /// ILIKE knows no case; in the collation "C" that is the case of ASCII, whatever the language of the server. Lest
    /// `%%@gmail.com%` let all of Gmail through, an address beyond ASCII is looked for only among texts of more bytes than
    /// letters.
    fn may_hold(&self, sql: &mut Sql<'_>, expression: &Expr, pattern: &Pattern) {
        let text = format!("({})::text", expression.sql);
        let like = KeyValue::Text(pattern.like.clone());
        sql.push(&format!("({text} COLLATE \"C\" ILIKE "))
            .bind(like, &Kind::new("text", false))
            .push(" ESCAPE '!'");
        if pattern.beyond_ascii {
            sql.push(&format!(" AND octet_length({text}) > length({text})"));
        }
        sql.push(")");
    }
}

/// Types that can't be sorted by.
const UNSORTED: [&str; 9] = [
    "json", "xml", "point", "line", "lseg", "box", "path", "polygon", "circle",
];

/// Text that is compared byte by byte.
fn bytewise(text: &str) -> Expr {
    Expr::new(format!("({text} COLLATE \"C\")"), Kind::new("text", false))
}

/// A type's name without its length: `character varying(40)` is `character varying`.
fn base(sql_type: &str) -> &str {
    sql_type.split('(').next().unwrap_or(sql_type).trim_end()
}

/// Families of types whose values can be compared with each other.
#[derive(PartialEq, Eq)]
enum Family<'t> {
    Text,
    Number,
    Bytes,
    /// Of a few bytes each, and compared with their own kind alone.
    Small(&'t str),
    Other(&'t str),
}

impl<'t> Family<'t> {
    fn of(sql_type: &'t str) -> Self {
        if sql_type.ends_with("[]") {
            return Self::Other(sql_type);
        }
        match base(sql_type) {
            "text" | "character varying" | "character" | "name" | "citext" => Self::Text,
            "smallint" | "integer" | "bigint" | "numeric" | "real" | "double precision" => {
                Self::Number
            }
            "bytea" => Self::Bytes,
            small @ ("boolean" | "date" | "uuid" | "money" | "interval" | "oid") => {
                Self::Small(small)
            }
            small if small.starts_with("time") => Self::Small(small),
            other => Self::Other(other),
        }
    }
}
