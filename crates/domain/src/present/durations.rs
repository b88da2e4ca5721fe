//! Times of day and lengths of time.

/// A time of day: "10:12", with seconds where there are some, and with the offset of a `timetz`: "10:12 (UTC+02)".
///
/// `MySQL` keeps lengths of time in the same type. What no clock shows is one: "34 hours, 5 minutes", "minus 1 hour".
pub(super) fn time(text: &str) -> Option<String> {
    let text = text.trim();
    let (clock, offset) = match text.rfind(['+', '-']) {
        Some(at) if at > 0 => (text.get(..at)?, text.get(at..)?),
        _ => (text, ""),
    };
    let time = Clock::parse(clock)?;
    let is_a_clocks = !time.negative
        && (time.hours < 24 || (time.hours == 24 && time.minutes == 0 && time.seconds == 0));
    if !is_a_clocks && offset.is_empty() {
        return Some(in_words(&time.units()));
    }
    let seconds = if time.seconds == 0 && time.fraction.is_empty() {
        String::new()
    } else {
        format!(":{:02}{}", time.seconds, time.fraction)
    };
    let zone = if offset.is_empty() {
        String::new()
    } else {
        format!(" (UTC{offset})")
    };
    Some(format!("{}:{:02}{seconds}{zone}", time.hours, time.minutes))
}

/// `1 year 2 mons 3 days 04:05:06`, as `PostgreSQL` writes a length of time: "1 year, 2 months, 3 days, 4 hours, 5
/// minutes, 6 seconds".
pub(super) fn interval(text: &str) -> Option<String> {
    let mut units = Vec::new();
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        if word.contains(':') {
            let time = Clock::parse(word)?;
            let has_others = !units.is_empty();
            let of_time = time.units();
            let is_zero = of_time
                .iter()
                .all(|unit| unit.amount.trim_matches(['0', '.']).is_empty());
            if !(has_others && is_zero) {
                units.extend(of_time);
            }
            return words.next().is_none().then(|| in_words(&units));
        }
        let amount: i64 = word.parse().ok()?;
        let name = match words.next()? {
            "year" | "years" => "year",
            "mon" | "mons" => "month",
            "day" | "days" => "day",
            _ => return None,
        };
        units.push(Unit {
            negative: amount < 0,
            amount: amount.unsigned_abs().to_string(),
            name,
        });
    }
    (!units.is_empty()).then(|| in_words(&units))
}

/// `-34:05:06.7`
struct Clock<'t> {
    negative: bool,
    hours: u32,
    minutes: u32,
    seconds: u32,
    /// With its point; empty where there is none but zeros.
    fraction: &'t str,
}

struct Unit {
    negative: bool,
    amount: String,
    name: &'static str,
}

impl<'t> Clock<'t> {
    fn parse(text: &'t str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = match digits.find('.') {
            Some(at) => (digits.get(..at)?, digits.get(at..)?.trim_end_matches('0')),
            None => (digits, ""),
        };
        let fraction = fraction.strip_suffix('.').unwrap_or(fraction);
        let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !fraction.is_empty() && !fraction.strip_prefix('.').is_some_and(is_digits) {
            return None;
        }
        let mut parts = whole.split(':').map(|part| {
            if is_digits(part) {
                part.parse::<u32>().ok()
            } else {
                None
            }
        });
        let time = Self {
            negative,
            hours: parts.next()??,
            minutes: parts.next()??,
            seconds: parts.next().unwrap_or(Some(0))?,
            fraction,
        };
        (parts.next().is_none() && time.minutes < 60 && time.seconds < 60).then_some(time)
    }

    /// Those that are not zero; seconds where all are.
    fn units(&self) -> Vec<Unit> {
        let amounts = [
            (self.hours.to_string(), "hour"),
            (self.minutes.to_string(), "minute"),
            (format!("{}{}", self.seconds, self.fraction), "second"),
        ];
        let unit = |(amount, name)| Unit {
            negative: self.negative,
            amount,
            name,
        };
        let mut units: Vec<Unit> = amounts
            .into_iter()
            .filter(|(amount, _)| amount != "0")
            .map(unit)
            .collect();
        if units.is_empty() {
            units.push(unit(("0".to_owned(), "second")));
        }
        units
    }
}

/// "1 hour, 5 minutes". Where all are below zero, one "minus" holds for them all; otherwise each has its own.
fn in_words(units: &[Unit]) -> String {
    let all_negative = units.iter().all(|unit| unit.negative);
    let words: Vec<String> = units
        .iter()
        .enumerate()
        .map(|(at, unit)| {
            let minus = if unit.negative && (at == 0 || !all_negative) {
                "minus "
            } else {
                ""
            };
            let plural = if unit.amount == "1" { "" } else { "s" };
            format!("{minus}{} {}{plural}", unit.amount, unit.name)
        })
        .collect();
    words.join(", ")
}
