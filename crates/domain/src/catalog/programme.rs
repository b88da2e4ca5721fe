//! What a company asks for and what it gives in return: programmes, asks and rewards, as the rest of the house reads them.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::Place;
use crate::time::Moment;

/// The most points that one thing gives or costs. Sums of any number of them stay far from the end of the numbers.
pub const MOST_POINTS: u32 = 1_000_000;
/// The highest step, and the largest stock and limit.
pub const MOST_COUNTED: u32 = 1_000_000;

/// Whether a text can be a key: it may stand in an address.
pub fn is_short_name(key: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    (1..=64).contains(&key.len()) && key.chars().all(plain)
}

/// A length of time in calendar units, at least one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// How many.
    pub count: u32,
    /// Of what.
    pub unit: PeriodUnit,
}

/// What a period counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeriodUnit {
    /// Days of the calendar.
    Days,
    /// Months of the calendar: from 31 January to 28 February.
    Months,
    /// Years of the calendar.
    Years,
}

impl Period {
    /// The longest one that a catalog may name, in its own unit.
    pub const MOST: u32 = 1_000;

    /// So many days.
    pub const fn days(count: u32) -> Self {
        let unit = PeriodUnit::Days;
        Self { count, unit }
    }

    /// Reads `7 days`, `1 month`, `2 years`.
    pub fn parse(text: &str) -> Option<Self> {
        let (count, unit) = text.trim().split_once(' ')?;
        let count: u32 = count.parse().ok()?;
        let unit = match unit.trim() {
            "day" | "days" => PeriodUnit::Days,
            "month" | "months" => PeriodUnit::Months,
            "year" | "years" => PeriodUnit::Years,
            _ => return None,
        };
        (1..=Self::MOST)
            .contains(&count)
            .then_some(Self { count, unit })
    }

    /// The moment at which it is over when it begins at `start`, by the calendar of `zone`; the end of time where that is too
    /// far away to name.
    pub fn after(self, start: Moment, zone: &TimeZone) -> Moment {
        let count = i64::from(self.count);
        let span = jiff::Span::new();
        let span = match self.unit {
            PeriodUnit::Days => span.try_days(count),
            PeriodUnit::Months => span.try_months(count),
            PeriodUnit::Years => span.try_years(count),
        };
        let end = span.and_then(|span| start.timestamp().to_zoned(zone.clone()).checked_add(span));
        end.map_or(Moment(i64::MAX), |end| end.timestamp().into())
    }
}

impl std::fmt::Display for Period {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unit = match self.unit {
            PeriodUnit::Days => "day",
            PeriodUnit::Months => "month",
            PeriodUnit::Years => "year",
        };
        let s = if self.count == 1 { "" } else { "s" };
        write!(f, "{} {unit}{s}", self.count)
    }
}

/// What a customer types or picks for a field that the portal itself keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerKind {
    /// A phone number. It counts after a code that was sent to it came back.
    Phone,
    /// A postal address.
    Address,
    /// A date of birth.
    BirthDate,
    /// One of these words.
    OneOf(Vec<String>),
    /// Any of these words, at least one.
    AnyOf(Vec<String>),
    /// Words of their own, so many characters at most.
    Text(u32),
}

/// A rewards programme: what members get for what they choose to share (P12, P13).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programme {
    /// Short name, also in its address `/join/{key}`.
    pub key: String,
    /// As customers know it.
    pub name: String,
    /// What it is and what members get.
    pub words: String,
    /// Its terms, a sentence each.
    pub terms: Vec<String>,
    /// Key of the purpose that membership serves.
    pub purpose: String,
    /// Points for joining, once an address ever.
    pub joining_points: u32,
    /// How long points are held before they can be spent.
    pub holds: Option<Period>,
    /// When points that nobody spent are gone; `None`: never.
    pub points_last: Option<Period>,
    /// Addresses to which somebody who joined may be sent back: the whole origin, and a path's beginning.
    pub return_to: Vec<String>,
    /// Origins of pages that may hold the form in a frame.
    pub embedded_by: Vec<String>,
    /// Where the file says so.
    pub place: Place,
}

/// An offer of one grant: what is asked for, and all that the customer reads before they answer (P3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Short name.
    pub key: String,
    /// The purpose of the grant, one on the basis of consent.
    pub purpose: String,
    /// Names of the fields that it covers, all of them of the portal's own dataset, as [`super::Catalog::own_field`] finds
    /// them. Without any it asks for the yes alone.
    pub fields: Vec<String>,
    /// Its step of the ladder (P4): 2 phone or postal address, 3 preferences, 4 and up what the company declares. Step 1 is
    /// the e-mail address, which is never asked for here.
    pub step: u32,
    /// Keys of asks that must have been answered with yes before. Without any, one of the step below will do.
    pub after: Vec<String>,
    /// How long it rests after what comes before it.
    pub rests: Period,
    /// The question itself.
    pub question: String,
    /// What the customer gets.
    pub value: String,
    /// What the company does with it.
    pub used: String,
    /// What happens on "no".
    pub if_no: String,
    /// The programme that gives its points.
    pub programme: Option<String>,
    /// Points for a yes: once for its purpose and period. None for sensitive data.
    pub points: u32,
    /// How often its points can be earned; `None`: once.
    pub points_every: Option<Period>,
    /// How long a yes counts; `None`: until it is taken back.
    pub lasts: Option<Period>,
    /// The last day on which it is asked.
    pub ends: Option<Date>,
    /// What the data is worth to the company, in good faith (Cal. Code Regs. title 11, 7016 and 7081).
    pub worth: String,
    /// How that was worked out.
    pub method: String,
    /// Grows with each change of its words.
    pub version: u32,
    /// Where the file says so.
    pub place: Place,
}

impl Ask {
    /// The exact words that the customer reads, as the consent record keeps them. `purpose` is the purpose's own sentence.
    pub fn words(&self, purpose: &str) -> String {
        format!(
            "{} What you get: {} What we do with it: {} {purpose} If you say no: {}",
            self.question, self.value, self.used, self.if_no
        )
    }
}

/// What a reward is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RewardKind {
    /// A code out of a pool that the staff filled.
    Voucher,
    /// A code for some percent off, made when somebody takes it.
    Percent,
    /// The company gives money to a good cause.
    Donation,
}

/// Something to spend points on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reward {
    /// Short name.
    pub key: String,
    /// Key of its programme.
    pub programme: String,
    /// As customers read it.
    pub name: String,
    /// What it is.
    pub words: String,
    /// What kind.
    pub kind: RewardKind,
    /// What it costs, in points, at least 1.
    pub costs: u32,
    /// How many there are; `None`: as many as are asked for. A voucher's stock is its pool.
    pub stock: Option<u32>,
    /// How many one customer can have; `None`: any number.
    pub limit: Option<u32>,
    /// What a code of a percentage begins with, such as `FINCH10`.
    pub code: Option<String>,
    /// Where the file says so.
    #[serde(skip)]
    pub place: Place,
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic: that is how it fails")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn periods_are_read_and_written() {
        for (text, days) in [("7 days", 7), ("1 day", 1)] {
            assert_eq!(Period::parse(text), Some(Period::days(days)));
            assert_eq!(Period::days(days).to_string(), text);
        }
        for wrong in ["", "7", "days", "0 days", "-1 days", "7 weeks", "1001 days"] {
            assert_eq!(Period::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn months_follow_the_calendar() {
        let at = |text: &str| Moment::from(text.parse::<jiff::Timestamp>().unwrap());
        let month = Period::parse("1 month").unwrap();
        let end = month.after(at("2026-01-31T12:00:00Z"), &TimeZone::UTC);
        assert_eq!(end, at("2026-02-28T12:00:00Z"));
    }

    proptest! {
        #[test]
        fn a_period_ends_after_it_began(count in 1..=Period::MOST, start: i64) {
            let period = Period::days(count);
            let start = Moment(start);
            prop_assert!(period.after(start, &TimeZone::UTC) > start || start.0 > i64::MAX / 100);
        }
    }
}
