//! `PostgreSQL`'s ranges.

use jiff::tz::TimeZone;

use super::lists::{Token, token};
use super::types::Family;
use super::{NOTHING, of_family};

/// `[2024-01-01,2024-02-01)`: "from 1 January 2024 to before 1 February 2024".
pub(super) fn range(text: &str, bound: &Family, zone: &TimeZone) -> Option<String> {
    let mut rest = text.trim();
    if rest.eq_ignore_ascii_case("empty") {
        return Some(NOTHING.to_owned());
    }
    let shown = one(&mut rest, bound, zone)?;
    rest.is_empty().then_some(shown)
}

/// `{[1,3),[5,7)}`: "from 1 to below 3; from 5 to below 7".
pub(super) fn multirange(text: &str, bound: &Family, zone: &TimeZone) -> Option<String> {
    let mut rest = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    if rest.is_empty() {
        return Some(NOTHING.to_owned());
    }
    let mut shown = Vec::new();
    loop {
        shown.push(one(&mut rest, bound, zone)?);
        if rest.is_empty() {
            return Some(shown.join("; "));
        }
        rest = rest.strip_prefix(',')?;
    }
}

fn one(rest: &mut &str, bound: &Family, zone: &TimeZone) -> Option<String> {
    let starts_with_it = closed(rest, ['[', '('])?;
    let lower = limit(rest, ',', bound, zone)?;
    *rest = rest.strip_prefix(',')?;
    let upper = limit(rest, ']', bound, zone)?;
    let ends_with_it = closed(rest, [']', ')'])?;
    let is_time = *bound == Family::Moment;
    let (after, before) = if is_time {
        ("after", "before")
    } else {
        ("above", "below")
    };
    let start = if starts_with_it { "from" } else { after };
    Some(match (lower.is_empty(), upper.is_empty()) {
        (false, false) if ends_with_it => format!("{start} {lower} to {upper}"),
        (false, false) => format!("{start} {lower} to {before} {upper}"),
        (false, true) if starts_with_it => format!("from {lower} on"),
        (false, true) => format!("{after} {lower}"),
        (true, false) if ends_with_it => format!("up to {upper}"),
        (true, false) => format!("{before} {upper}"),
        (true, true) => "without bounds".to_owned(),
    })
}

/// Takes one of the two brackets, and answers whether it is the one that takes the bound in.
fn closed(rest: &mut &str, [closed, open]: [char; 2]) -> Option<bool> {
    let bracket = rest.chars().next().filter(|c| [closed, open].contains(c))?;
    *rest = rest.strip_prefix(bracket)?;
    Some(bracket == closed)
}

/// A bound in words; empty where there is none, as without end.
fn limit(rest: &mut &str, end: char, bound: &Family, zone: &TimeZone) -> Option<String> {
    let ends = if end == ',' {
        vec![',']
    } else {
        vec![']', ')']
    };
    let text = match token(rest, &ends)? {
        Token::Bare(text) if ["", "infinity", "-infinity"].contains(&text.as_str()) => {
            return Some(String::new());
        }
        Token::Bare(text) | Token::Quoted(text) => text,
    };
    if text.is_empty() {
        return None;
    }
    Some(of_family(&text, bound, zone).unwrap_or(text))
}
