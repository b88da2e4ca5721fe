//! Dates and moments.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

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

/// What a column of dates or moments holds: a moment, one before our era, or one of the words that engines have for none.
pub(super) fn moment_or_none_at_all(text: &str, zone: &TimeZone) -> Option<String> {
    let text = text.trim();
    match text {
        "infinity" => Some("without end".to_owned()),
        "-infinity" => Some("without beginning".to_owned()),
        _ if is_zero_date(text) => Some("no date".to_owned()),
        _ => before_our_era(text).or_else(|| moment(text, zone)),
    }
}

/// `0000-00-00`, perhaps with a time of zeros: how `MySQL` writes that there is none.
fn is_zero_date(text: &str) -> bool {
    text.strip_prefix("0000-00-00")
        .is_some_and(|time| time.chars().all(|c| [' ', 'T', '0', ':', '.'].contains(&c)))
}

/// `0044-03-15 BC`: "15 March 44 BC". With an offset, and for a leap day that our own era does not have, it stays as it is.
fn before_our_era(text: &str) -> Option<String> {
    let text = text.strip_suffix(" BC")?;
    if text
        .get(10..)
        .is_some_and(|clock| clock.contains(['+', '-']))
    {
        return None;
    }
    let (at, clock) = if text.len() <= 10 {
        (text.parse::<Date>().ok()?.to_datetime(Time::midnight()), "")
    } else {
        let at = text.parse::<DateTime>().ok()?;
        (
            at,
            if at.time() == Time::midnight() {
                ""
            } else {
                ", %-H:%M"
            },
        )
    };
    let year = at.year();
    Some(format!(
        "{} {year} BC{}",
        at.strftime("%-d %B"),
        at.strftime(clock)
    ))
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

/// The day of a moment of ours: "3 May 2024".
pub fn day(at: Timestamp, zone: &TimeZone) -> String {
    let at = at.to_zoned(zone.clone());
    at.strftime("%-d %B %Y").to_string()
}

fn at_local(at: DateTime, keep_midnight: bool) -> String {
    let midnight = at.time() == Time::midnight();
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
pub(super) fn looks_like_a_date(text: &str) -> bool {
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
