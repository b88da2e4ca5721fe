//! The demo's own dice: the same seed throws the same numbers on every machine and in every version of the portal.

use std::fmt::Write as _;

use jiff::ToSpan as _;
use jiff::civil::{Date, DateTime, date};

/// Where the demo's history ends. Everything that happens is said as so long before it.
pub(super) const END: Date = date(2026, 11, 1);

/// Splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    /// Dice for one part of one person's history, so that a change in one part leaves the others as they were.
    pub(super) fn of(part: u64, person: i64) -> Self {
        Self((part << 32) ^ person.cast_unsigned())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`, both included. The small bias of the remainder does no harm here.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = high.abs_diff(low).saturating_add(1);
        low.saturating_add_unsigned(self.next() % span)
    }

    /// Yes in so many of a hundred throws.
    pub(super) fn chance(&mut self, percent: i64) -> bool {
        self.between(1, 100) <= percent
    }

    /// One of the list, which must not be empty.
    pub(super) fn pick<'a, T>(&mut self, list: &'a [T]) -> anyhow::Result<&'a T> {
        let highest = i64::try_from(list.len())?.saturating_sub(1);
        let at = usize::try_from(self.between(0, highest.max(0)))?;
        list.get(at)
            .ok_or_else(|| anyhow::anyhow!("the demo has nothing to pick from"))
    }

    /// So many letters and digits, as a computer writes numbers.
    pub(super) fn hex(&mut self, length: usize) -> String {
        let mut text = String::new();
        while text.len() < length {
            // Writing to a string can't fail.
            let _ = write!(text, "{:016x}", self.next());
        }
        text.truncate(length);
        text
    }

    /// A moment on the day that is so many days before the end, in shop hours more or less.
    pub(super) fn moment(&mut self, days_ago: i64) -> DateTime {
        let seconds = self.between(7 * 3600, 22 * 3600);
        day(days_ago)
            .at(0, 0, 0, 0)
            .saturating_add(seconds.seconds())
    }
}

/// The day that is so many days before the end.
pub(super) fn day(days_ago: i64) -> Date {
    END.saturating_sub(days_ago.days())
}

/// As the shop and the newsletter write a moment, in the shop's own time: `2026-10-31 09:12:00`.
pub(super) fn written(moment: DateTime) -> String {
    moment.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// As the website writes a moment: `2026-10-31T09:12:00Z`.
pub(super) fn written_in_utc(moment: DateTime) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
