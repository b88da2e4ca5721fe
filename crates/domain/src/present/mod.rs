//! Values as a person would write them, from the text that a database gives.
//!
//! Presentation never fails: what is not understood is shown as it stands. `types` reads what an engine calls a type; one
//! file a family knows how such values are written.

use jiff::tz::TimeZone;

use crate::catalog::Field;
use types::Family;

mod amounts;
mod durations;
mod json;
mod lists;
mod moments;
mod ranges;
mod types;

pub use amounts::{number, size};
pub use moments::{day, moment, spoken, timestamp};

/// How an empty place inside a value reads.
const NOTHING: &str = "nothing";

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

/// The value as a person would write it; moments in the company's time zone. What is not empty never becomes empty.
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
        .and_then(|c| amounts::money(text, c, kind.column))
    {
        return amount;
    }
    let said = kind
        .field
        .and_then(|f| f.data_type.as_deref())
        .unwrap_or_default();
    if said.eq_ignore_ascii_case("boolean")
        && let Some(answer) = yes_or_no(text)
    {
        return answer.to_owned();
    }
    of_family(text, &Family::of(kind.sql_type), zone)
        .or_else(|| of_no_type(text, zone))
        .unwrap_or_else(|| text.to_owned())
}

/// What its type says about a value; nothing where the value is not of that type after all, which `SQLite` allows.
fn of_family(text: &str, family: &Family, zone: &TimeZone) -> Option<String> {
    match family {
        Family::Flag => flag(text).map(str::to_owned),
        Family::Bool => yes_or_no(text).map(str::to_owned),
        Family::Moment => moments::moment_or_none_at_all(text, zone),
        Family::Time => durations::time(text),
        Family::Interval => durations::interval(text),
        Family::Set => Some(text.replace(',', ", ")),
        Family::Array(item) => lists::array(text, item, zone),
        Family::Hstore => lists::hstore(text),
        Family::Range(bound) => ranges::range(text, bound, zone),
        Family::Multirange(bound) => ranges::multirange(text, bound, zone),
        Family::Json => json::line(text),
        Family::AsItStands => None,
    }
}

/// `SQLite` keeps values of any kind in columns of any type, and so do columns of text.
fn of_no_type(text: &str, zone: &TimeZone) -> Option<String> {
    if moments::looks_like_a_date(text)
        && let Some(moment) = moment(text, zone)
    {
        return Some(moment);
    }
    text.starts_with(['{', '[']).then(|| json::line(text))?
}

/// Types of one bit or digit hold other numbers too; only these two are answers.
fn flag(text: &str) -> Option<&'static str> {
    match text {
        "1" | "\u{1}" => Some("Yes"),
        "0" | "\0" => Some("No"),
        _ => None,
    }
}

fn yes_or_no(text: &str) -> Option<&'static str> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "t" | "true" | "yes" | "y" => Some("Yes"),
        "0" | "f" | "false" | "no" | "n" => Some("No"),
        _ => None,
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

#[cfg(test)]
mod tests;
