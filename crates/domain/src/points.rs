//! Points: what a member earned and spent, as a journal of signed whole numbers. A balance is the journal's sum, and nothing
//! else. What was earned is never taken back when somebody withdraws (`architecture.md`, "What must always hold", 5).

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::catalog::Period;
use crate::time::Moment;

/// The most points that one entry gives or takes.
pub const MOST_AT_ONCE: i64 = 1_000_000;
/// The most points that anybody can have.
pub const MOST: i64 = 1_000_000_000_000;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// For joining the programme.
    Joined,
    /// For a yes; about its purpose.
    Granted,
    /// Spent; about the reward.
    Redeemed,
    /// Something was wrong, and this puts it right.
    Corrected,
    /// Nobody spent them in time.
    Expired,
}

/// An entry, as the sums need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// When it was made.
    pub at: Moment,
    /// Points that came, or went.
    pub points: i64,
    /// From when they can be spent.
    pub spendable_at: Moment,
}

/// Why an entry can't be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PointsError {
    /// No points, or more than one entry holds.
    #[error("Write a whole number from 1 to 1,000,000, or the same with a minus.")]
    Amount,
    /// There would be fewer than none.
    #[error("There are not that many points.")]
    TooFew,
    /// There would be more than anybody can have.
    #[error("There would be too many points.")]
    TooMany,
}

/// The balance after an entry.
///
/// # Errors
/// When the entry is empty or too large, or the balance would leave its bounds.
pub fn after(balance: i64, points: i64) -> Result<i64, PointsError> {
    if points == 0 || points.unsigned_abs() > MOST_AT_ONCE.unsigned_abs() {
        return Err(PointsError::Amount);
    }
    match balance.checked_add(points) {
        Some(0..=MOST) => balance.checked_add(points).ok_or(PointsError::TooMany),
        Some(..0) => Err(PointsError::TooFew),
        _ => Err(PointsError::TooMany),
    }
}

/// The sum of a journal.
pub fn balance(journal: &[Change]) -> i64 {
    journal
        .iter()
        .fold(0, |sum: i64, change| sum.saturating_add(change.points))
}

/// What can be spent now: the balance without what is still held.
pub fn spendable(journal: &[Change], now: Moment) -> i64 {
    let held = journal
        .iter()
        .filter(|change| change.points > 0 && change.spendable_at > now);
    let held: i64 = held.map(|change| change.points).sum();
    (balance(journal) - held).max(0)
}

/// When the first of the points that are still held can be spent; `None` where none are.
pub fn next_release(journal: &[Change], now: Moment) -> Option<Moment> {
    let held = journal.iter().filter(|change| change.points > 0);
    let ends = held.map(|change| change.spendable_at);
    ends.filter(|end| *end > now).min()
}

/// The balance at the end of each day on which it changed, oldest first: the newest `most` such days.
pub fn by_day(journal: &[Change], zone: &TimeZone, most: usize) -> Vec<(Date, i64)> {
    let mut days: Vec<(Date, i64)> = Vec::new();
    let mut sum = 0_i64;
    for change in journal {
        sum = sum.saturating_add(change.points);
        let day = change.at.timestamp().to_zoned(zone.clone()).date();
        match days.last_mut() {
            Some(last) if last.0 == day => last.1 = sum,
            _ => days.push((day, sum)),
        }
    }
    days.split_off(days.len().saturating_sub(most))
}

/// Points that nobody spent and whose time is over at `now`: the oldest are spent first.
pub fn expired(journal: &[Change], lasts: Period, now: Moment, zone: &TimeZone) -> i64 {
    unspent(journal)
        .filter(|(at, _)| lasts.after(*at, zone) <= now)
        .map(|(_, points)| points)
        .sum()
}

/// When the first of the points that nobody spent will end; `None` where there are none.
pub fn next_end(journal: &[Change], lasts: Period, zone: &TimeZone) -> Option<Moment> {
    let ends = unspent(journal).map(|(at, _)| lasts.after(at, zone));
    ends.min()
}

/// What is left of each entry that brought points, the oldest first, when whatever went is taken from the oldest.
fn unspent(journal: &[Change]) -> impl Iterator<Item = (Moment, i64)> {
    let gone = journal.iter().filter(|change| change.points < 0);
    let mut gone: i64 = gone.map(|change| -change.points).sum();
    let mut earned: Vec<(Moment, i64)> = journal
        .iter()
        .filter(|change| change.points > 0)
        .map(|change| (change.at, change.points))
        .collect();
    earned.sort_by_key(|(at, _)| *at);
    earned.into_iter().filter_map(move |(at, points)| {
        let taken = gone.min(points);
        gone -= taken;
        (points > taken).then_some((at, points - taken))
    })
}

/// Whether a yes earns its points again: never without a period, and then when it is over.
pub fn earns_again(
    last: Option<Moment>,
    every: Option<Period>,
    now: Moment,
    zone: &TimeZone,
) -> bool {
    match (last, every) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(last), Some(every)) => now >= every.after(last, zone),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn change(day: i64, points: i64, held_days: i64) -> Change {
        let at = Moment(0).plus_seconds(day * 24 * 3600);
        Change {
            at,
            points,
            spendable_at: at.plus_seconds(held_days * 24 * 3600),
        }
    }

    fn day(day: i64) -> Moment {
        Moment(0).plus_seconds(day * 24 * 3600)
    }

    #[test]
    fn no_entry_is_empty_or_leads_out_of_bounds() {
        assert_eq!(after(0, 5), Ok(5));
        assert_eq!(after(5, -5), Ok(0));
        for (balance, points, error) in [
            (0, 0, PointsError::Amount),
            (0, MOST_AT_ONCE + 1, PointsError::Amount),
            (MOST, -MOST_AT_ONCE - 1, PointsError::Amount),
            (0, i64::MIN, PointsError::Amount),
            (4, -5, PointsError::TooFew),
            (MOST, 1, PointsError::TooMany),
            (i64::MAX, 1, PointsError::TooMany),
        ] {
            assert_eq!(after(balance, points), Err(error), "{balance} {points}");
        }
    }

    #[test]
    fn held_points_are_there_and_cannot_be_spent_yet() {
        let journal = [change(0, 50, 0), change(1, 30, 7), change(2, -20, 0)];
        assert_eq!(balance(&journal), 60);
        assert_eq!(spendable(&journal, day(3)), 30);
        assert_eq!(spendable(&journal, day(8)), 60);
    }

    #[test]
    fn held_points_say_when_they_can_be_spent() {
        let journal = [change(0, 50, 7), change(1, 30, 3), change(2, -20, 9)];
        assert_eq!(next_release(&journal, day(0)), Some(day(4)));
        assert_eq!(next_release(&journal, day(4)), Some(day(7)));
        assert_eq!(next_release(&journal, day(7)), None);
    }

    #[test]
    fn a_day_ends_with_one_balance() {
        let journal = [
            change(0, 50, 0),
            change(0, -20, 0),
            change(3, 5, 0),
            change(4, 7, 0),
        ];
        let days = |most| by_day(&journal, &TimeZone::UTC, most);
        let date = |day| jiff::civil::date(1970, 1, day);
        assert_eq!(days(9), [(date(1), 30), (date(4), 35), (date(5), 42)]);
        assert_eq!(days(1), [(date(5), 42)]);
        assert_eq!(by_day(&[], &TimeZone::UTC, 9), []);
    }

    #[test]
    fn the_oldest_points_are_spent_first_and_what_is_left_of_them_ends() {
        let year = Period::days(365);
        let journal = [change(0, 50, 0), change(100, 30, 0), change(200, -20, 0)];
        assert_eq!(expired(&journal, year, day(364), &TimeZone::UTC), 0);
        assert_eq!(expired(&journal, year, day(365), &TimeZone::UTC), 30);
        assert_eq!(expired(&journal, year, day(465), &TimeZone::UTC), 60);
        assert_eq!(next_end(&journal, year, &TimeZone::UTC), Some(day(365)));
    }

    #[test]
    fn a_yes_earns_once_a_period() {
        let zone = TimeZone::UTC;
        let (last, week) = (Some(day(0)), Some(Period::days(7)));
        assert!(earns_again(None, None, day(0), &zone));
        assert!(!earns_again(last, None, day(10_000), &zone));
        assert!(!earns_again(last, week, day(6), &zone));
        assert!(earns_again(last, week, day(7), &zone));
    }

    proptest! {
        /// Entries that are taken one after the other sum up to the balance, whatever was refused in between.
        #[test]
        fn a_balance_is_the_sum_of_what_was_taken(tries in prop::collection::vec(-2_000_000i64..2_000_000, 0..200)) {
            let mut journal = Vec::new();
            let mut running = 0;
            for (index, points) in (0..).zip(tries) {
                match after(running, points) {
                    Ok(next) => {
                        journal.push(change(index, points, 3));
                        running = next;
                    }
                    Err(_) => prop_assert!(points == 0 || points.abs() > MOST_AT_ONCE || running + points < 0),
                }
                prop_assert_eq!(balance(&journal), running);
                let spendable = spendable(&journal, day(index));
                prop_assert!((0..=running).contains(&spendable));
            }
        }

        /// What ends is what is left of the old, and after it ended nothing more does.
        #[test]
        fn what_ended_ends_once(earned in prop::collection::vec((0i64..1_000, 1i64..100), 1..30), spent in 0i64..2_000, now in 0i64..2_000) {
            let zone = TimeZone::UTC;
            let lasts = Period::days(300);
            let mut journal: Vec<Change> = earned.into_iter().map(|(at, points)| change(at, points, 0)).collect();
            let spent = spent.min(balance(&journal));
            journal.push(change(1_000, -spent, 0));
            let gone = expired(&journal, lasts, day(now), &zone);
            prop_assert!((0..=balance(&journal)).contains(&gone));
            journal.push(change(now, -gone, 0));
            prop_assert_eq!(expired(&journal, lasts, day(now), &zone), 0);
            prop_assert!(balance(&journal) >= 0);
        }
    }
}
