//! Values as a person would write them, from the text that a database gives.
//!
//! Presentation never fails: what is not understood is shown as it stands.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::catalog::Field;

/// What is known of a value besides its text.
#[derive(Clone, Copy, Debug)]
pub struct Kind<'a> {
    /// The declared type of its column, in the engine's words; empty where there is none.
    pub sql_type: &'a str,
    /// Its column's name.
    pub column: &'a str,
    /// What the catalog says of it.
    pub field: Option<&'a Field>,
}

/// The value as a person would write it; moments in the company's time zone.
pub fn value(text: &str, kind: Kind<'_>, zone: &TimeZone) -> String {
    if let Some(words) = kind
        .field
        .and_then(|f| f.words.iter().find(|(code, _)| code == text))
    {
        return words.1.clone();
    }
    if let Some(amount) = kind
        .field
        .and_then(|f| f.currency.as_deref())
        .and_then(|c| money(text, c, kind.column))
    {
        return amount;
    }
    let declared = kind.sql_type.to_ascii_lowercase();
    let said = kind
        .field
        .and_then(|f| f.data_type.as_deref())
        .unwrap_or_default();
    if (declared.contains("bool") || said.eq_ignore_ascii_case("boolean"))
        && let Some(answer) = yes_or_no(text)
    {
        return answer.to_owned();
    }
    if (declared.contains("date") || declared.contains("time") || looks_like_a_date(text))
        && let Some(moment) = moment(text, zone)
    {
        return moment;
    }
    if text.starts_with(['{', '['])
        && let Ok(json) = serde_json::from_str(text)
    {
        return flat(&json);
    }
    text.to_owned()
}

/// A date or a moment, in words: "3 May 2024" or "3 May 2024, 10:12". A clock time of exactly midnight without seconds
/// is how databases write a bare date.
pub fn moment(text: &str, zone: &TimeZone) -> Option<String> {
    let text = text.trim();
    if let Ok(at) = text
        .parse::<Timestamp>()
        .or_else(|_| with_short_offset(text).parse())
    {
        return Some(at_local(at.to_zoned(zone.clone()).datetime(), true));
    }
    if text.len() <= 10 {
        return text
            .parse::<Date>()
            .ok()
            .map(|date| date.strftime("%-d %B %Y").to_string());
    }
    text.parse::<DateTime>().ok().map(|at| at_local(at, false))
}

/// A moment of ours, in words.
pub fn timestamp(at: Timestamp, zone: &TimeZone) -> String {
    at_local(at.to_zoned(zone.clone()).datetime(), true)
}

/// A moment of ours as one speaks of it now: "today at 10:12", "yesterday at 9:00", "on 3 May 2024 at 10:12".
pub fn spoken(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (then, today) = (at.to_zoned(zone.clone()), now.to_zoned(zone.clone()).date());
    let clock = then.strftime("%-H:%M");
    match today.since(then.date()).map(|span| span.get_days()) {
        Ok(0) => format!("today at {clock}"),
        Ok(1) => format!("yesterday at {clock}"),
        _ => format!("on {} at {clock}", then.strftime("%-d %B %Y")),
    }
}

/// The last four characters, the rest as dots. Of a value shorter than eight characters four would tell too much: it is
/// all dots.
pub fn last4(text: &str) -> String {
    let length = text.chars().count();
    if length < 8 {
        return "••••".to_owned();
    }
    format!("•••• {}", text.chars().skip(length - 4).collect::<String>())
}

/// A size in bytes, in words.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}

/// A whole number with commas at the thousands.
pub fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn at_local(at: DateTime, keep_midnight: bool) -> String {
    let midnight = at.time() == jiff::civil::Time::midnight();
    at.strftime(if midnight && !keep_midnight {
        "%-d %B %Y"
    } else {
        "%-d %B %Y, %-H:%M"
    })
    .to_string()
}

/// PostgreSQL writes `+00` where others write `+00:00`.
fn with_short_offset(text: &str) -> String {
    match text.len().checked_sub(3).and_then(|at| text.get(at..)) {
        Some(offset) if offset.starts_with(['+', '-']) && text.contains(':') => {
            format!("{text}:00")
        }
        _ => text.to_owned(),
    }
}

/// `2024-05-03`, perhaps with a time after it: SQLite keeps dates in columns of any type.
fn looks_like_a_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    (10..=35).contains(&bytes.len())
        && bytes.iter().take(10).enumerate().all(|(i, b)| {
            if i == 4 || i == 7 {
                *b == b'-'
            } else {
                b.is_ascii_digit()
            }
        })
        && bytes.get(10).is_none_or(|b| *b == b' ' || *b == b'T')
}

fn yes_or_no(text: &str) -> Option<&'static str> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "t" | "true" | "yes" | "y" => Some("Yes"),
        "0" | "f" | "false" | "no" | "n" => Some("No"),
        _ => None,
    }
}

/// An amount with its currency. A column whose name ends in `_cents` or `_minor` counts hundredths.
fn money(text: &str, currency: &str, column: &str) -> Option<String> {
    let minor = ["_cents", "_minor"]
        .iter()
        .any(|end| column.to_ascii_lowercase().ends_with(end));
    let amount = if minor {
        let cents: i64 = text.parse().ok()?;
        let sign = if cents < 0 { "-" } else { "" };
        format!(
            "{sign}{}.{:02}",
            cents.unsigned_abs() / 100,
            cents.unsigned_abs() % 100
        )
    } else if text.parse::<f64>().is_ok_and(f64::is_finite) {
        match text.split_once('.') {
            Some((_, part)) if part.len() == 1 => format!("{text}0"),
            _ => text.to_owned(),
        }
    } else {
        return None;
    };
    let sign = match currency {
        "EUR" => "€",
        "USD" => "$",
        "GBP" => "£",
        "JPY" => "¥",
        other => return Some(format!("{amount} {other}")),
    };
    Some(match amount.strip_prefix('-') {
        Some(positive) => format!("-{sign}{positive}"),
        None => format!("{sign}{amount}"),
    })
}

/// JSON as a line of "name: value", nothing left out.
fn flat(json: &serde_json::Value) -> String {
    use serde_json::Value;
    match json {
        Value::Null => "nothing".to_owned(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Number(n) => n.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(flat).collect::<Vec<_>>().join(", "),
        Value::Object(map) => map
            .iter()
            .map(|(name, value)| match value {
                Value::Object(_) => format!("{} ({})", name.replace('_', " "), flat(value)),
                _ => format!("{}: {}", name.replace('_', " "), flat(value)),
            })
            .collect::<Vec<_>>()
            .join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn show(text: &str, sql_type: &str, column: &str, field: &Field) -> String {
        value(
            text,
            Kind {
                sql_type,
                column,
                field: Some(field),
            },
            &TimeZone::UTC,
        )
    }

    #[test]
    fn writes_values_as_a_person_would() {
        let euros = Field {
            currency: Some("EUR".to_owned()),
            ..Field::default()
        };
        let coded = Field {
            words: vec![("2".to_owned(), "On its way".to_owned())],
            ..Field::default()
        };
        let plain = Field::default();
        for (text, sql_type, column, field, shown) in [
            ("2350", "INTEGER", "total_cents", &euros, "€23.50"),
            ("-5", "INTEGER", "total_cents", &euros, "-€0.05"),
            ("1.9", "NUMERIC(10,2)", "total", &euros, "€1.90"),
            ("free", "TEXT", "total", &euros, "free"),
            ("2", "INTEGER", "status", &coded, "On its way"),
            ("9", "INTEGER", "status", &coded, "9"),
            ("1", "BOOLEAN", "news", &plain, "Yes"),
            ("f", "bool", "news", &plain, "No"),
            (
                "2021-01-01 00:00:00",
                "DATETIME",
                "d",
                &plain,
                "1 January 2021",
            ),
            (
                "2024-05-03 10:12:31.123456",
                "timestamp",
                "d",
                &plain,
                "3 May 2024, 10:12",
            ),
            (
                "2024-05-03T10:12:31Z",
                "TEXT",
                "d",
                &plain,
                "3 May 2024, 10:12",
            ),
            (
                "2024-05-03 10:12:31+00",
                "timestamptz",
                "d",
                &plain,
                "3 May 2024, 10:12",
            ),
            ("1990-02-03", "DATE", "d", &plain, "3 February 1990"),
            ("2024-13-99", "DATE", "d", &plain, "2024-13-99"),
            (
                "{\"milk\":\"oat\",\"shots\":2}",
                "TEXT",
                "t",
                &plain,
                "milk: oat, shots: 2",
            ),
            ("{not json", "TEXT", "t", &plain, "{not json"),
            ("0871234567", "TEXT", "phone", &plain, "0871234567"),
        ] {
            assert_eq!(show(text, sql_type, column, field), shown);
        }
    }

    #[test]
    fn speaks_of_moments() -> Result<(), jiff::Error> {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse()?;
        for (at, words) in [
            ("2026-11-22T10:12:00Z", "today at 10:12"),
            ("2026-11-21T23:59:00Z", "yesterday at 23:59"),
            ("2026-06-02T08:05:00Z", "on 2 June 2026 at 8:05"),
        ] {
            assert_eq!(spoken(at.parse()?, now, &TimeZone::UTC), words);
        }
        Ok(())
    }

    #[test]
    fn covers_all_but_the_end() {
        assert_eq!(last4("4111111111111111"), "•••• 1111");
        assert_eq!(last4("12345678"), "•••• 5678");
        assert_eq!(last4("1234"), "••••");
        assert_eq!(last4(""), "••••");
        assert_eq!(number(1_234_567), "1,234,567");
        assert_eq!(number(999), "999");
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,40}", sql_type in "(date|timestamp|bool|text|)") {
            prop_assert_eq!(value(&text, Kind { sql_type: &sql_type, column: "x", field: None }, &TimeZone::UTC).is_empty(), text.is_empty() || text == "[]" || text == "{}");
        }
    }
}
