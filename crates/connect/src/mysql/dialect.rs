//! How SQL is written for MySQL and MariaDB. Their texts are compared by collations that take much for equal, capitals,
//! accents, blanks at the end; so each comparison is made on bytes as well. Values travel as text, and are made to be of
//! their column's type where they are compared: else MySQL would compare numbers as fractions that lose digits.

use crate::{
    sql::{Dialect, Expr, Kind, Pattern, Sql},
    value::{KeyValue, MAX_CELL_BYTES},
};

/// The ways of MySQL and MariaDB.
#[derive(Debug)]
pub(super) struct MySqlDialect;

/// Beyond this many bytes not even the beginning of a value is read.
const MAX_LOOKED_AT: u64 = 1024 * 1024;

impl Dialect for MySqlDialect {
    fn quote(&self, name: &str) -> String {
        format!("`{}`", name.replace('`', "``"))
    }

    fn placeholder(&self, _: usize) -> String {
        "?".to_owned()
    }

    fn comparable(&self, one: &str, other: &str) -> bool {
        match (Family::of(one), Family::of(other)) {
            (Family::Text | Family::Choice, Family::Text | Family::Choice) => true,
            (one, other) if one.is_number() => other.is_number(),
            (Family::Other, Family::Other) => base(one) == base(other),
            (one, other) => one == other,
        }
    }

    fn cell(&self, column: &Expr) -> String {
        let here = &column.sql;
        let text = self.as_text(column).sql;
        match Family::of(&column.kind.sql_type) {
            Family::Bytes => format!("CONCAT('b', OCTET_LENGTH({here}), ':')"),
            Family::Text | Family::Other => format!(
                "CASE WHEN OCTET_LENGTH({here}) > {MAX_CELL_BYTES} THEN CONCAT('t', OCTET_LENGTH({here}), ':', \
                 CASE WHEN OCTET_LENGTH({here}) > {MAX_LOOKED_AT} THEN '' ELSE LEFT({text}, 1000) END) \
                 ELSE CONCAT('v', {text}) END"
            ),
            Family::Bits => format!(
                "CONCAT('v', LPAD(BIN({here} + 0), {}, '0'))",
                length(&column.kind.sql_type).unwrap_or(1)
            ),
            _ => format!("CONCAT('v', {text})"),
        }
    }

    fn noted_length(&self, column: &Expr) -> String {
        format!("CAST(OCTET_LENGTH({}) AS CHAR)", column.sql)
    }

    /// By characters, and cut before it is converted: what is converted must not be longer than a packet.
    fn piece(&self, column: &Expr, from: u64, length: u64) -> String {
        let here = &column.sql;
        match Family::of(&column.kind.sql_type) {
            Family::Bytes => format!("SUBSTRING({here}, {from}, {length})"),
            Family::Text => format!(
                "CAST(CONVERT(SUBSTRING({here}, {from}, {length}) USING utf8mb4) AS BINARY)"
            ),
            _ => format!(
                "CAST(SUBSTRING({}, {from}, {length}) AS BINARY)",
                self.as_text(column).sql
            ),
        }
    }

    /// A short fraction as text has lost digits; as a long one it has them all. Leading zeros are for the eye.
    fn value(&self, expression: &Expr) -> String {
        match Family::of(&expression.kind.sql_type) {
            Family::Fraction => format!("CAST(({} + 0e0) AS CHAR)", expression.sql),
            _ => self.as_text(expression).sql,
        }
    }

    fn bound(&self, marker: String, kind: &Kind) -> String {
        match Family::of(&kind.sql_type) {
            Family::Whole if kind.sql_type.contains("unsigned") => {
                format!("CAST({marker} AS UNSIGNED)")
            }
            Family::Whole => format!("CAST({marker} AS SIGNED)"),
            Family::Year | Family::Bits => format!("CAST({marker} AS UNSIGNED)"),
            Family::Decimal => format!("CAST({marker} AS DECIMAL(65, 30))"),
            Family::Fraction => format!("({marker} + 0e0)"),
            Family::Date => format!("CAST({marker} AS DATE)"),
            Family::Moment => format!("CAST({marker} AS DATETIME(6))"),
            Family::Time => format!("CAST({marker} AS TIME(6))"),
            Family::Bytes => format!("UNHEX({marker})"),
            Family::Text | Family::Choice | Family::Other => marker,
        }
    }

    fn as_text(&self, expression: &Expr) -> Expr {
        let here = &expression.sql;
        let text = match Family::of(&expression.kind.sql_type) {
            Family::Text | Family::Choice => format!("CONVERT({here} USING utf8mb4)"),
            Family::Bytes => format!("HEX({here})"),
            Family::Bits => format!("CAST({here} + 0 AS CHAR)"),
            Family::Other if is_shape(&expression.kind.sql_type) => format!("ST_AsText({here})"),
            _ => format!("CAST({here} AS CHAR)"),
        };
        Expr::new(text, Kind::new("text", true))
    }

    fn beginning(&self, expression: &Expr, characters: u32) -> Expr {
        let text = self.as_text(expression).sql;
        bytewise(&format!("LEFT({text}, {characters})"))
    }

    /// As bytes, because even the collations for bytes take `a ` for `a`.
    fn exact(&self, expression: &Expr) -> Expr {
        if expression.kind.loose {
            bytewise(&format!("CONVERT({} USING utf8mb4)", expression.sql))
        } else {
            expression.clone()
        }
    }

    /// MySQL compares no two columns whose collations differ, unless one is told to give way.
    fn collated(&self, expression: &Expr, other: &Kind) -> Expr {
        match &other.collation {
            Some(collation) if expression.kind.collates_unlike(other) => {
                let charset = collation.split('_').next().unwrap_or(collation);
                let here = &expression.sql;
                Expr::new(
                    format!("(CONVERT({here} USING {charset}) COLLATE {collation})"),
                    Kind {
                        collation: Some(collation.clone()),
                        ..expression.kind.clone()
                    },
                )
            }
            _ => expression.clone(),
        }
    }

    fn is_number(&self, kind: &Kind) -> bool {
        Family::of(&kind.sql_type).is_number()
    }

    /// Choices sort by their place in the list and compare by their names; short fractions are not what their text says.
    fn sortable(&self, expression: &Expr) -> Expr {
        match Family::of(&expression.kind.sql_type) {
            Family::Choice | Family::Other => bytewise(&self.as_text(expression).sql),
            Family::Fraction => Expr::new(
                format!("({} + 0e0)", expression.sql),
                Kind::new("double", false),
            ),
            _ => expression.clone(),
        }
    }

    /// Older servers know no alias in a plain `DELETE`.
    fn delete(&self, table: &str, alias: &str) -> String {
        format!("DELETE {alias} FROM {table} AS {alias}")
    }

    /// LIKE knows no case in the collation that is named here, nor accents.
    fn may_hold(&self, sql: &mut Sql<'_>, expression: &Expr, pattern: &Pattern) {
        let text = self.as_text(expression).sql;
        let like = KeyValue::Text(pattern.like.clone());
        sql.push(&format!("({text} COLLATE utf8mb4_general_ci LIKE "))
            .bind(like, &Kind::new("text", true))
            .push(" ESCAPE '!'");
        if pattern.beyond_ascii {
            sql.push(&format!(" AND OCTET_LENGTH({text}) > CHAR_LENGTH({text})"));
        }
        sql.push(")");
    }
}

/// Text that is compared byte by byte.
fn bytewise(text: &str) -> Expr {
    Expr::new(format!("CAST({text} AS BINARY)"), Kind::new("text", false))
}

/// A type's name without what follows it: `int(10) unsigned` is `int`.
fn base(sql_type: &str) -> &str {
    let end = sql_type.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    sql_type
        .get(..end.unwrap_or(sql_type.len()))
        .unwrap_or(sql_type)
}

/// The number that stands after a type's name: 3 for `bit(3)`.
fn length(sql_type: &str) -> Option<u32> {
    let (_, rest) = sql_type.split_once('(')?;
    rest.split_once(')')?.0.parse().ok()
}

fn is_shape(sql_type: &str) -> bool {
    matches!(
        base(sql_type),
        "geometry"
            | "point"
            | "linestring"
            | "polygon"
            | "multipoint"
            | "multilinestring"
            | "multipolygon"
            | "geometrycollection"
            | "geomcollection"
    )
}

/// Families of types.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Text,
    /// One of a list of names, or several.
    Choice,
    Whole,
    Decimal,
    Fraction,
    Year,
    Bits,
    Date,
    Moment,
    Time,
    Bytes,
    Other,
}

impl Family {
    fn of(sql_type: &str) -> Self {
        match base(sql_type) {
            "char" | "varchar" | "text" | "tinytext" | "mediumtext" | "longtext" => Self::Text,
            "enum" | "set" => Self::Choice,
            "tinyint" | "smallint" | "mediumint" | "int" | "integer" | "bigint" => Self::Whole,
            "decimal" | "numeric" => Self::Decimal,
            "float" | "double" | "real" => Self::Fraction,
            "year" => Self::Year,
            "bit" => Self::Bits,
            "date" => Self::Date,
            "datetime" | "timestamp" => Self::Moment,
            "time" => Self::Time,
            "binary" | "varbinary" | "blob" | "tinyblob" | "mediumblob" | "longblob" => Self::Bytes,
            _ => Self::Other,
        }
    }

    fn is_number(self) -> bool {
        matches!(
            self,
            Self::Whole | Self::Decimal | Self::Fraction | Self::Year | Self::Bits
        )
    }
}
