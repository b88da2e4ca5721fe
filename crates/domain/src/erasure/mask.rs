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
    /// A whole number, between zero and this one.
    Whole(i32),
    /// A number that may have a fraction, between zero and this one.
    Number(i32),
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
        let unsigned = lower.contains("unsigned");
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
            // Below zero, where there is room, stands nobody's number.
            "tinyint" => Self::Whole(if unsigned { 255 } else { -128 }),
            "smallint" | "int2" | "smallserial" => {
                Self::Whole(if unsigned { 65_535 } else { -32_768 })
            }
            "mediumint" => Self::Whole(if unsigned { 16_777_215 } else { -8_388_608 }),
            "int" | "integer" | "bigint" | "int4" | "int8" | "serial" | "bigserial"
            | "unsigned" => Self::Whole(if unsigned { i32::MAX } else { i32::MIN }),
            // MySQL takes 1901 to 2155, and zero.
            "year" => Self::Whole(0),
            "decimal" | "numeric" | "number" => Self::Number(whole_digits(&lower)),
            "real" | "float" | "double" | "money" => Self::Number(-9_999_999),
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
            Self::Whole(farthest) | Self::Number(farthest) if unique => {
                between(farthest, number(of_row)).to_string()
            }
            // Zero is also no in every engine; PostgreSQL's cast to boolean takes it as well.
            Self::Whole(_) | Self::Number(_) | Self::Flag => "0".to_owned(),
            Self::Day if unique => day(1_000, 800, number(of_row)),
            Self::Day => "1900-01-01".to_owned(),
            Self::Moment if unique => {
                let four = of_row.first_chunk::<4>().copied().unwrap_or_default();
                let second = u32::from_le_bytes(four) % 86_400;
                let (hour, minute) = (second / 3_600, second / 60 % 60);
                let day = day(1_971, 9, number(of_row));
                format!("{day} {hour:02}:{minute:02}:{:02}", second % 60)
            }
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
            Self::Json if unique => format!("{{\"erased\":\"{}\"}}", random()),
            Self::Json => "{}".to_owned(),
            Self::Bytes => String::new(),
        }
    }

    /// Whether the value depends on the row.
    pub const fn is_of_row(self, unique: bool) -> bool {
        match self {
            Self::Email(_) | Self::Uuid => true,
            Self::Text(_)
            | Self::Whole(_)
            | Self::Number(_)
            | Self::Day
            | Self::Moment
            | Self::Json => unique,
            Self::Flag | Self::Time | Self::Bytes => false,
        }
    }

    /// Whether it can be another one in each row.
    pub const fn can_differ(self) -> bool {
        match self {
            Self::Whole(farthest) | Self::Number(farthest) => farthest != 0,
            Self::Text(_) | Self::Email(_) | Self::Uuid | Self::Day | Self::Moment | Self::Json => {
                true
            }
            Self::Flag | Self::Time | Self::Bytes => false,
        }
    }

    /// Whether there are so many of it that no two rows ever get the same, nor one that is there already.
    pub const fn is_plenty(self) -> bool {
        match self {
            Self::Text(longest) => longest >= 24,
            Self::Email(longest) => longest >= 31,
            Self::Uuid | Self::Json => true,
            _ => false,
        }
    }
}

fn number(of_row: &[u8; 32]) -> u64 {
    let bytes = of_row.last_chunk::<8>().copied().unwrap_or_default();
    u64::from_le_bytes(bytes)
}

/// A number beyond zero, as far as the farthest; of those above zero one of the upper half.
fn between(farthest: i32, random: u64) -> i64 {
    let farthest = i64::from(farthest);
    let room = if farthest < 0 {
        farthest.unsigned_abs()
    } else {
        farthest.unsigned_abs().div_ceil(2).max(1)
    };
    let step = i64::try_from(random % room).unwrap_or(0);
    if farthest < 0 {
        -1 - step
    } else {
        farthest - step
    }
}

/// A day of one of so many years from that one on.
fn day(from: u64, years: u64, random: u64) -> String {
    let (year, month) = (from + random % years, 1 + random / years % 12);
    format!("{year:04}-{month:02}-{:02}", 1 + random / years / 12 % 28)
}

/// The lowest number of so many digits as stand before the point: -999 for `numeric(5,2)`.
fn whole_digits(sql_type: &str) -> i32 {
    let Some(digits) = length(sql_type) else {
        return -9_999_999;
    };
    let behind = sql_type.split_once(',').and_then(|(_, rest)| {
        let number = rest.split(')').next()?;
        number.trim().parse::<u32>().ok()
    });
    let digits = digits.saturating_sub(behind.unwrap_or(0)).min(9);
    let lowest = 1 - 10_i32.pow(digits);
    if sql_type.contains("unsigned") {
        -lowest
    } else {
        lowest
    }
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
    #![expect(clippy::unwrap_used, reason = "a test may panic: that is how it fails")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn not_everything_can_be_another_one_in_each_row() {
        for sql_type in ["boolean", "year", "time", "blob", "numeric(2,2)"] {
            let mask = Mask::of(sql_type, false).unwrap();
            assert!(!mask.can_differ() && !mask.is_plenty(), "{sql_type}");
        }
    }

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

        #[test]
        fn numbers_stay_within_their_type(row: [u8; 32]) {
            for (sql_type, lowest, highest) in [
                ("tinyint(4)", -128, -1),
                ("tinyint(3) unsigned", 1, 255),
                ("smallint", -32_768, -1),
                ("smallint(5) unsigned", 1, 65_535),
                ("int", i64::from(i32::MIN), -1),
                ("int(10) unsigned", 1, i64::from(i32::MAX)),
                ("numeric(5,2)", -999, -1),
                ("decimal(3) unsigned", 1, 999),
            ] {
                let mask = Mask::of(sql_type, false).unwrap();
                let number: i64 = mask.value(&row, true).parse().unwrap();
                prop_assert!((lowest..=highest).contains(&number), "{sql_type}: {number}");
                prop_assert!(mask.can_differ() && !mask.is_plenty());
            }
        }

        #[test]
        fn days_are_days(row: [u8; 32]) {
            let day = Mask::Day.value(&row, true);
            prop_assert!(day.parse::<jiff::civil::Date>().is_ok(), "{day}");
            let moment = Mask::Moment.value(&row, true);
            let moment = moment.parse::<jiff::civil::DateTime>().unwrap();
            prop_assert!((1971..1980).contains(&moment.year()));
        }
    }
}
