//! One value of a JSON document: numbers as numbers, dates in ISO 8601, yes and no as such; every other text as it stands.
//!
//! A value is written as the database has it. What the catalog makes of it for people (words for codes, amounts of money)
//! is on the page; a program gets what is held.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use serde::de::IgnoredAny;

/// Writes the value of a column to the end of `out`. `sql_type` is the column's type in its engine's words.
pub fn write_json(out: &mut String, text: &str, sql_type: &str) {
    match Family::of(sql_type) {
        Family::Number if is_json_number(text) => out.push_str(text),
        Family::Bool => match text {
            "1" | "t" | "true" | "TRUE" | "True" => out.push_str("true"),
            "0" | "f" | "false" | "FALSE" | "False" => out.push_str("false"),
            _ => write_text(out, text),
        },
        Family::Json if serde_json::from_str::<IgnoredAny>(text).is_ok() => out.push_str(text),
        Family::Text if !looks_like_a_date(text) => write_text(out, text),
        _ => match iso(text) {
            Some(at) => write_text(out, &at),
            None => write_text(out, text),
        },
    }
}

/// What a column's type makes of its values.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Number,
    Bool,
    Moment,
    Json,
    Text,
}

impl Family {
    fn of(sql_type: &str) -> Self {
        let first = sql_type.trim().split(['(', ' ']).next().unwrap_or_default();
        let is = |names: &[&str]| names.iter().any(|name| first.eq_ignore_ascii_case(name));
        if is(&[
            "int",
            "integer",
            "bigint",
            "smallint",
            "mediumint",
            "int2",
            "int4",
            "int8",
            "serial",
            "bigserial",
            "smallserial",
            "numeric",
            "decimal",
            "dec",
            "real",
            "double",
            "float",
            "float4",
            "float8",
            "number",
            "year",
            "oid",
        ]) {
            Self::Number
        } else if first.eq_ignore_ascii_case("tinyint") {
            if sql_type
                .trim()
                .get(..10)
                .is_some_and(|t| t.eq_ignore_ascii_case("tinyint(1)"))
            {
                Self::Bool
            } else {
                Self::Number
            }
        } else if is(&["bool", "boolean"]) {
            Self::Bool
        } else if is(&["date", "datetime", "timestamp", "timestamptz"]) {
            Self::Moment
        } else if is(&["json", "jsonb"]) {
            Self::Json
        } else {
            Self::Text
        }
    }
}

/// The grammar of RFC 8259, 6: no sign in front but `-`, no leading zeros, no "NaN".
fn is_json_number(text: &str) -> bool {
    let rest = text.strip_prefix('-').unwrap_or(text);
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest.starts_with('0')) {
        return false;
    }
    let mut rest = rest.get(whole..).unwrap_or_default();
    if let Some(after) = rest.strip_prefix('.') {
        let part = digits(after);
        if part == 0 {
            return false;
        }
        rest = after.get(part..).unwrap_or_default();
    }
    if let Some(after) = rest.strip_prefix(['e', 'E']) {
        let after = after.strip_prefix(['-', '+']).unwrap_or(after);
        let power = digits(after);
        return power > 0 && power == after.len();
    }
    rest.is_empty()
}

/// A date or a moment in ISO 8601; with an offset only where the database gave one.
fn iso(text: &str) -> Option<String> {
    let text = text.trim();
    if let Ok(at) = text
        .parse::<Timestamp>()
        .or_else(|_| full_offset(text).parse())
    {
        return Some(at.to_string());
    }
    if text.len() <= 10 {
        return text.parse::<Date>().ok().map(|date| date.to_string());
    }
    text.parse::<DateTime>().ok().map(|at| at.to_string())
}

/// PostgreSQL writes `+00` where others write `+00:00`.
fn full_offset(text: &str) -> String {
    match text.len().checked_sub(3).and_then(|at| text.get(at..)) {
        Some(offset) if offset.starts_with(['+', '-']) && text.contains(':') => {
            format!("{text}:00")
        }
        _ => text.to_owned(),
    }
}

/// `2024-05-03`, perhaps with a time after it: SQLite keeps dates in columns of text.
fn looks_like_a_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    (10..=35).contains(&bytes.len())
        && bytes.iter().take(10).enumerate().all(|(i, b)| match i {
            4 | 7 => *b == b'-',
            _ => b.is_ascii_digit(),
        })
        && bytes.get(10).is_none_or(|b| *b == b' ' || *b == b'T')
}

/// A JSON string (RFC 8259, 7).
fn write_text(out: &mut String, text: &str) {
    out.push('"');
    write_json_letters(out, text);
    out.push('"');
}

/// Whether a column of that type holds JSON documents, which are written as they stand where they are valid.
pub fn holds_json(sql_type: &str) -> bool {
    Family::of(sql_type) == Family::Json
}

/// A piece of what stands between the quotes of a JSON string.
pub fn write_json_letters(out: &mut String, text: &str) {
    use std::fmt::Write as _;
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..=0x1f => "",
            _ => continue,
        };
        out.push_str(text.get(plain..at).unwrap_or_default());
        plain = at + 1;
        if escape.is_empty() {
            // Writing to a text can't fail.
            let _written = write!(out, "\\u{byte:04x}");
        } else {
            out.push_str(escape);
        }
    }
    out.push_str(text.get(plain..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic: that is how it fails")]

    use proptest::prelude::*;

    use super::*;

    fn json(text: &str, sql_type: &str) -> String {
        let mut out = String::new();
        write_json(&mut out, text, sql_type);
        out
    }

    #[test]
    fn each_type_is_written_as_what_it_is() {
        for (text, sql_type, written) in [
            ("12", "INTEGER", "12"),
            ("12.50", "NUMERIC(10,2)", "12.50"),
            ("-1e-7", "REAL", "-1e-7"),
            ("NaN", "double precision", "\"NaN\""),
            ("007", "int4", "\"007\""),
            ("1.", "int4", "\"1.\""),
            ("many", "INTEGER", "\"many\""),
            ("12", "TEXT", "\"12\""),
            ("12", "varchar(20)", "\"12\""),
            ("t", "bool", "true"),
            ("0", "BOOLEAN", "false"),
            ("1", "tinyint(1)", "true"),
            ("7", "tinyint(1)", "\"7\""),
            ("7", "tinyint(4)", "7"),
            ("2024-05-03", "date", "\"2024-05-03\""),
            (
                "2024-05-03 10:12:00",
                "timestamp(3) without time zone",
                "\"2024-05-03T10:12:00\"",
            ),
            (
                "2024-05-03 10:12:00+00",
                "timestamptz",
                "\"2024-05-03T10:12:00Z\"",
            ),
            ("2024-05-03 10:12:00", "TEXT", "\"2024-05-03T10:12:00\""),
            ("2024-05-99 10:12:00", "TEXT", "\"2024-05-99 10:12:00\""),
            ("infinity", "timestamptz", "\"infinity\""),
            ("1714730400", "DATETIME", "\"1714730400\""),
            ("{\"a\": [1, null]}", "jsonb", "{\"a\": [1, null]}"),
            ("{half", "json", "\"{half\""),
            ("a\"b\\c\n\u{1}é", "TEXT", "\"a\\\"b\\\\c\\n\\u0001é\""),
        ] {
            assert_eq!(json(text, sql_type), written, "{text} {sql_type}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_held_is_json_and_comes_back(text in "\\PC*|[-0-9.eE+]{0,8}|[\0-\u{20}\"\\\\]{0,9}", at in 0_usize..7) {
            let types = ["INTEGER", "TEXT", "bool", "timestamptz", "jsonb", "", "numeric"];
            let sql_type = types.get(at).copied().unwrap_or_default();
            let written = json(&text, sql_type);
            let read: serde_json::Value = serde_json::from_str(&written).unwrap();
            if sql_type == "TEXT" && !looks_like_a_date(&text) {
                prop_assert_eq!(read.as_str(), Some(text.as_str()));
            }
            if let Some(back) = read.as_str() {
                prop_assert!(back == text || iso(&text).as_deref() == Some(back) || sql_type == "jsonb");
            }
        }
    }
}
