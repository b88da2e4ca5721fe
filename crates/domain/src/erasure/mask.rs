//! What is written over a value: something of its column's type that leads to nobody.

use serde::{Deserialize, Serialize};

/// A kind of mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mask {
    /// A word, of so many characters at most.
    Text(u32),
    /// An e-mail address that nobody has (RFC 2606: `.invalid`), of so many characters at most.
    Email(u32),
    /// A whole number.
    Whole,
    /// A number with a fraction.
    Number,
    /// Yes or no: no.
    Flag,
    /// A day.
    Day,
    /// A day with a time.
    Moment,
    /// A time of day.
    Time,
    /// A UUID.
    Uuid,
    /// A JSON document.
    Json,
    /// No bytes.
    Bytes,
}

/// Texts without a limit of their own.
const NO_LIMIT: u32 = 1_000;

impl Mask {
    /// The mask for a column of that declared type, in the engine's words; `None` where nothing is known that fits.
    pub fn of(sql_type: &str, email: bool) -> Option<Self> {
        let lower = sql_type.to_ascii_lowercase();
        let base = lower.split('(').next().unwrap_or(&lower).trim();
        let base = base.split(' ').next().unwrap_or(base);
        let limit = length(&lower).unwrap_or(NO_LIMIT);
        Some(match base {
            _ if lower.ends_with("[]") => return None,
            "char" | "varchar" | "nchar" | "nvarchar" | "character" | "text" | "tinytext"
            | "mediumtext" | "longtext" | "clob" | "citext" | "name" => {
                // `character` alone is one letter; with `varying` it has no limit of its own.
                let one_letter = lower == "character";
                let limit = if one_letter { 1 } else { limit };
                if email {
                    Self::Email(limit)
                } else {
                    Self::Text(limit)
                }
            }
            // SQLite takes a column without a type.
            "" => Self::Text(NO_LIMIT),
            "tinyint" if length(&lower) == Some(1) => Self::Flag,
            "tinyint" | "smallint" | "mediumint" | "int" | "integer" | "bigint" | "int2"
            | "int4" | "int8" | "year" | "smallserial" | "serial" | "bigserial" | "unsigned" => {
                Self::Whole
            }
            "decimal" | "numeric" | "real" | "float" | "double" | "money" | "number" => {
                Self::Number
            }
            "bool" | "boolean" => Self::Flag,
            "date" => Self::Day,
            "datetime" | "timestamp" | "timestamptz" => Self::Moment,
            "time" | "timetz" => Self::Time,
            "uuid" => Self::Uuid,
            "json" | "jsonb" => Self::Json,
            "blob" | "tinyblob" | "mediumblob" | "longblob" | "bytea" | "varbinary" => Self::Bytes,
            _ => return None,
        })
    }

    /// What is written, as the database reads it: the same for all rows, or, where [`Self::is_of_row`], the row's own, made
    /// from `of_row`, which must be the same each time for one plan, column and row, and tell nothing of the row.
    pub fn value(self, of_row: &[u8; 32], unique: bool) -> String {
        let random = || hex(of_row);
        match self {
            Self::Text(longest) if unique => cut(&format!("erased-{}", random()), longest),
            Self::Text(longest) => cut("erased", longest),
            Self::Email(longest) => {
                let random = random();
                let begin = cut(&random, 20.min(longest.saturating_sub(15)));
                if begin.is_empty() {
                    cut(&random, longest)
                } else {
                    format!("{begin}@erased.invalid")
                }
            }
            Self::Whole | Self::Number if unique => number(of_row).to_string(),
            // Zero is also no in every engine; PostgreSQL's cast to boolean takes it as well.
            Self::Whole | Self::Number | Self::Flag => "0".to_owned(),
            Self::Day => "1900-01-01".to_owned(),
            // MySQL's timestamps begin in 1970.
            Self::Moment => "1970-01-02 00:00:00".to_owned(),
            Self::Time => "00:00:00".to_owned(),
            Self::Uuid => {
                let hex = random();
                let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
                format!(
                    "{}-{}-4{}-8{}-{}",
                    part(0, 8),
                    part(8, 12),
                    part(13, 16),
                    part(17, 20),
                    part(20, 32)
                )
            }
            Self::Json => "{}".to_owned(),
            Self::Bytes => String::new(),
        }
    }

    /// Whether the value depends on the row.
    pub const fn is_of_row(self, unique: bool) -> bool {
        match self {
            Self::Email(_) | Self::Uuid => true,
            Self::Text(_) | Self::Whole | Self::Number => unique,
            Self::Flag | Self::Day | Self::Moment | Self::Time | Self::Json | Self::Bytes => false,
        }
    }
}

/// Nine digits at most: they fit into the columns that have room for many rows.
fn number(of_row: &[u8; 32]) -> u64 {
    let bytes = of_row.last_chunk::<8>().copied().unwrap_or_default();
    u64::from_le_bytes(bytes) % 1_000_000_000
}

/// The first half in hexadecimal digits.
fn hex(of_row: &[u8; 32]) -> String {
    let half = of_row.first_chunk::<16>().copied().unwrap_or_default();
    format!("{:032x}", u128::from_be_bytes(half))
}

fn cut(text: &str, longest: u32) -> String {
    text.chars().take(longest as usize).collect()
}

fn length(sql_type: &str) -> Option<u32> {
    let (_, rest) = sql_type.split_once('(')?;
    let number = rest.split([')', ',']).next()?;
    number.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_type_has_something_of_its_own() {
        for (sql_type, email, value) in [
            ("varchar(40)", false, "erased"),
            ("NVARCHAR(3)", false, "era"),
            ("character(4)", false, "eras"),
            ("character", false, "e"),
            ("character varying", false, "erased"),
            ("TEXT", true, "01010101010101010101@erased.invalid"),
            ("", false, "erased"),
            ("INTEGER", false, "0"),
            ("bigint(20) unsigned", false, "0"),
            ("NUMERIC(10,2)", false, "0"),
            ("double precision", false, "0"),
            ("tinyint(1)", false, "0"),
            ("boolean", false, "0"),
            ("date", false, "1900-01-01"),
            ("timestamp without time zone", false, "1970-01-02 00:00:00"),
            ("DATETIME", false, "1970-01-02 00:00:00"),
            ("uuid", false, "01010101-0101-4101-8101-010101010101"),
            ("jsonb", false, "{}"),
            ("longblob", false, ""),
        ] {
            let mask = Mask::of(sql_type, email).map(|mask| mask.value(&[1; 32], false));
            assert_eq!(mask.as_deref(), Some(value), "{sql_type}");
        }
        for unknown in ["point", "text[]", "enum('a','b')", "mood", "inet"] {
            assert_eq!(Mask::of(unknown, false), None, "{unknown}");
        }
    }

    proptest! {
        #[test]
        fn masks_fit_and_those_of_two_rows_differ(longest in 1_u32..300, one: [u8; 32], two: [u8; 32], email: bool) {
            let mask = Mask::of(&format!("varchar({longest})"), email).unwrap_or(Mask::Text(longest));
            let (left, right) = (mask.value(&one, true), mask.value(&two, true));
            prop_assert!(left.chars().count() <= longest as usize);
            prop_assert_eq!(&left, &mask.value(&one, true));
            if longest >= 40 && one.first_chunk::<8>() != two.first_chunk::<8>() {
                prop_assert_ne!(left, right);
            }
        }
    }
}
