//! How long a programme's shop that did not take what it was told is left alone before it is told again.

use crate::time::Moment;

/// Seconds between one try and the next: soon at first, then ever longer, about three days in all. Whoever mends their shop
/// on Monday misses nothing of the weekend.
const WAITS: [i64; 12] = [
    5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 57_600, 57_600, 86_400,
];

/// When a delivery that failed at `now` is tried again, after `step` waits; `None`: it is given up.
pub fn next_try(step: i64, now: Moment) -> Option<Moment> {
    let step = usize::try_from(step).ok()?;
    WAITS.get(step).map(|wait| now.plus_seconds(*wait))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end_after_about_three_days() {
        assert!(WAITS.is_sorted());
        let hours = WAITS.iter().sum::<i64>() / 3600;
        assert!((66..=78).contains(&hours), "{hours} hours");
    }

    #[test]
    fn the_last_wait_is_followed_by_nothing() {
        let now = Moment(7);
        assert_eq!(next_try(0, now), Some(now.plus_seconds(5)));
        assert_eq!(next_try(11, now), Some(now.plus_seconds(86_400)));
        for over in [12, i64::MAX, -1] {
            assert_eq!(next_try(over, now), None);
        }
    }
}
