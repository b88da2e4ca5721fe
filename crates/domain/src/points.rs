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
/// Seconds between the announcement that points end and their end: 30 days.
pub const NOTICE: i64 = 30 * 24 * 3600;

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

/// What is to be done about points that nobody spends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Nothing for now.
    None,
    /// So many will end on this day, and the customer is told.
    Announce(i64, Moment),
    /// So many end now: the day is there that was announced for them.
    End(i64),
}

/// What is to be done about points that nobody spends. `announced` is the day that the last announcement named, until what it
/// announced has ended.
///
/// Points end [`NOTICE`] after they were announced and never before, however late that was. One announcement is for all whose
/// time is over by its day; others wait for the next one, so that there is no mail for each day on which somebody earned.
pub fn ending(
    journal: &[Change],
    lasts: Period,
    announced: Option<Moment>,
    now: Moment,
    zone: &TimeZone,
) -> Ending {
    if let Some(day) = announced {
        if now < day {
            return Ending::None;
        }
        let over = over_by(journal, lasts, day, zone);
        if over > 0 {
            return Ending::End(over);
        }
    }
    let day = now.plus_seconds(NOTICE);
    match over_by(journal, lasts, day, zone) {
        0 => Ending::None,
        points => Ending::Announce(points, day),
    }
}

/// The day on which the first of the points end that nobody spent, as [`ending`] goes about it; `None` where there are none.
pub fn next_end(
    journal: &[Change],
    lasts: Period,
    announced: Option<Moment>,
    now: Moment,
    zone: &TimeZone,
) -> Option<Moment> {
    let (at, _) = unspent(journal).next()?;
    if let Some(day) = announced.filter(|day| is_over_by(at, lasts, *day, zone)) {
        return Some(day);
    }
    let told = announced.map_or(now, |day| day.max(now));
    Some(lasts.after(at, zone).max(told.plus_seconds(NOTICE)))
}

/// Points that nobody spent, and that an announcement for `day` is about.
fn over_by(journal: &[Change], lasts: Period, day: Moment, zone: &TimeZone) -> i64 {
    // The oldest alone, without a gap: months are not equally long, so somebody's older points may last a bit longer.
    unspent(journal)
        .take_while(|(at, _)| is_over_by(*at, lasts, day, zone))
        .map(|(_, points)| points)
        .sum()
}

/// Whether an announcement for `day` is about points that came at `at`: they were there then, and their time is over by that day.
fn is_over_by(at: Moment, lasts: Period, day: Moment, zone: &TimeZone) -> bool {
    at <= day.plus_seconds(-NOTICE) && lasts.after(at, zone) <= day
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
    #![expect(clippy::unwrap_used, reason = "a test may panic: that is how it fails")]

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
    fn the_oldest_points_are_spent_first_and_what_is_left_of_them_ends_after_its_announcement() {
        let year = Period::days(365);
        let mut journal = vec![change(0, 50, 0), change(100, 30, 0), change(200, -20, 0)];
        let zone = TimeZone::UTC;
        let ending = |journal: &[Change], announced: Option<i64>, now| {
            ending(journal, year, announced.map(day), day(now), &zone)
        };
        assert_eq!(ending(&journal, None, 334), Ending::None);
        let announce = Ending::Announce(30, day(365));
        assert_eq!(ending(&journal, None, 335), announce);
        assert_eq!(ending(&journal, Some(365), 364), Ending::None);
        assert_eq!(ending(&journal, Some(365), 365), Ending::End(30));
        // However late it is: 30 days after the announcement, and not at once.
        let late = Ending::Announce(60, day(930));
        assert_eq!(ending(&journal, None, 900), late);
        assert_eq!(ending(&journal, Some(930), 929), Ending::None);
        assert_eq!(ending(&journal, Some(930), 930), Ending::End(60));
        // What came after the announcement is not what it was about.
        assert_eq!(
            ending(&journal, Some(120), 600),
            Ending::Announce(60, day(630))
        );
        // Whoever spends them in time keeps the others.
        journal.push(change(350, -30, 0));
        assert_eq!(ending(&journal, Some(365), 365), Ending::None);
        journal.push(change(351, -30, 0));
        assert_eq!(ending(&journal, None, 999), Ending::None);
    }

    #[test]
    fn the_day_on_which_points_end_is_the_one_that_is_announced() {
        let (year, zone) = (Period::days(365), TimeZone::UTC);
        let journal = [change(0, 50, 0), change(10, 30, 0)];
        let end = |journal: &[Change], announced: Option<i64>, now| {
            next_end(journal, year, announced.map(day), day(now), &zone)
        };
        assert_eq!(end(&journal, None, 20), Some(day(365)));
        assert_eq!(end(&journal, None, 400), Some(day(430)));
        assert_eq!(end(&journal, Some(366), 340), Some(day(366)));
        assert_eq!(end(&journal[1..], Some(366), 340), Some(day(396)));
        assert_eq!(end(&[], None, 20), None);
    }

    #[test]
    fn months_of_other_lengths_end_no_points_twice() {
        let zone = TimeZone::UTC;
        let at = |text: &str| Moment::from(text.parse::<jiff::Timestamp>().unwrap());
        let earned = |text, points| Change {
            at: at(text),
            points,
            spendable_at: at(text),
        };
        // Thirteen months later both are over on the 28th, the second one first.
        let mut journal = vec![
            earned("2026-01-29T12:00:00Z", 50),
            earned("2026-01-30T06:00:00Z", 30),
        ];
        let lasts = Period::parse("13 months").unwrap();
        let between = at("2027-02-28T09:00:00Z");
        let end = between.plus_seconds(NOTICE);
        // What ends is taken from the oldest, so the second one can't go alone: it would still be there, and go once more.
        let both = Ending::Announce(80, end);
        assert_eq!(ending(&journal, lasts, Some(between), between, &zone), both);
        assert_eq!(
            ending(&journal, lasts, Some(end), end, &zone),
            Ending::End(80)
        );
        journal.push(Change {
            at: end,
            points: -80,
            spendable_at: end,
        });
        assert_eq!(ending(&journal, lasts, Some(end), end, &zone), Ending::None);
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

        /// Day by day: nothing ends that was not announced for its whole time, nothing ends that is not old enough or was
        /// spent, what ended ends once, and in the end nothing is left.
        #[test]
        fn what_ends_was_announced_and_ends_once(
            earned in prop::collection::vec((0i64..400, 1i64..100), 1..20),
            spent in prop::collection::vec((0i64..400, 1i64..100), 0..10),
            lasts in 1u32..200, months: bool, pause in 1i64..50,
        ) {
            let zone = TimeZone::UTC;
            let lasts = if months { Period::parse(&format!("{} months", lasts % 12 + 1)).unwrap() } else { Period::days(lasts) };
            let (mut journal, mut announced) = (Vec::<Change>::new(), None);
            for today in 0..1_200 {
                for (at, points) in &earned {
                    if *at == today {
                        journal.push(change(today, *points, 0));
                    }
                }
                for (at, points) in &spent {
                    if *at == today && balance(&journal) >= *points {
                        journal.push(change(today, -points, 0));
                    }
                }
                // The portal need not be up every day.
                if today % pause != 0 {
                    continue;
                }
                let promised = next_end(&journal, lasts, announced, day(today), &zone);
                match ending(&journal, lasts, announced, day(today), &zone) {
                    Ending::None => {}
                    Ending::Announce(points, end) => {
                        prop_assert_eq!(end, day(today + 30));
                        prop_assert_eq!(promised, Some(end));
                        prop_assert!((1..=balance(&journal)).contains(&points));
                        announced = Some(end);
                    }
                    Ending::End(points) => {
                        let told = announced.unwrap();
                        prop_assert!(told <= day(today));
                        prop_assert_eq!(promised, Some(told));
                        let old = |c: &&Change| c.points > 0 && c.at.plus_seconds(NOTICE) <= told && lasts.after(c.at, &zone) <= told;
                        let old: i64 = journal.iter().filter(old).map(|c| c.points).sum();
                        prop_assert!((1..=balance(&journal).min(old)).contains(&points));
                        journal.push(change(today, -points, 0));
                        let again = ending(&journal, lasts, announced, day(today), &zone);
                        prop_assert!(!matches!(again, Ending::End(_)));
                        announced = None;
                    }
                }
            }
            prop_assert_eq!(balance(&journal), 0);
        }
    }
}
