//! How often somebody may try to log in with an address: waits that grow and end, and never a lock.
//!
//! Tries are counted twice: those from one network, and those from anywhere. Whoever guesses from one network holds up
//! nobody else; whoever guesses from many is slowed down by a wait that is short, because it meets the owner too.

use crate::time::Moment;

/// How tries are held back.
#[derive(Debug)]
struct Limit {
    /// So many wrong tries make no wait.
    free: i64,
    /// The wait after the last of them, in seconds. It doubles with each wrong try.
    first_wait: i64,
    /// No wait is longer, in seconds.
    longest_wait: i64,
    /// After so many seconds without a try it starts over.
    fades_after: i64,
}

const FROM_ONE_NETWORK: Limit = Limit {
    free: 5,
    first_wait: 2,
    longest_wait: 15 * 60,
    fades_after: FADES_AFTER,
};

const FROM_ANYWHERE: Limit = Limit {
    free: 50,
    first_wait: 30,
    longest_wait: 30,
    fades_after: 60 * 60,
};

/// Seconds after which no try counts any more, wherever it came from.
pub const FADES_AFTER: i64 = 24 * 60 * 60;

/// Tries with one address that were not right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tries {
    /// How many since the last right one.
    pub wrong: i64,
    /// When the last one was taken.
    pub last_at: Moment,
}

/// There is no try now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// From this moment on there is one.
    pub until: Moment,
}

/// What decides whether there is a try with an address, from a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogInTries {
    /// Those from this network.
    pub from_here: Tries,
    /// Those from all networks together.
    pub from_anywhere: Tries,
}

impl LogInTries {
    /// One try more. It is taken before the password is compared, and counts as wrong until it turns out to be right.
    ///
    /// # Errors
    /// When there is none now: then nothing may be compared. A try that is refused makes no wait longer.
    pub fn take(&mut self, now: Moment) -> Result<(), Wait> {
        self.from_here = self.from_here.known_at(now);
        self.from_anywhere = self.from_anywhere.known_at(now);
        let waits = [
            self.from_here.wait(&FROM_ONE_NETWORK, now),
            self.from_anywhere.wait(&FROM_ANYWHERE, now),
        ];
        if let Some(until) = waits.into_iter().flatten().max() {
            return Err(Wait { until });
        }
        self.from_here = self.from_here.one_more(&FROM_ONE_NETWORK, now);
        self.from_anywhere = self.from_anywhere.one_more(&FROM_ANYWHERE, now);
        Ok(())
    }

    /// The try that was taken last came to nothing: no password was compared.
    pub fn give_back(&mut self) {
        for tries in [&mut self.from_here, &mut self.from_anywhere] {
            tries.wrong = tries.wrong.saturating_sub(1).max(0);
        }
    }
}

impl Tries {
    /// No try at all.
    pub const NONE: Self = Self {
        wrong: 0,
        last_at: Moment(0),
    };

    /// Where the clock was put back, the last try is taken to be just now: else a wait would not end.
    fn known_at(self, now: Moment) -> Self {
        Self {
            last_at: self.last_at.min(now),
            ..self
        }
    }

    /// When the wait ends that is on.
    fn wait(self, limit: &Limit, now: Moment) -> Option<Moment> {
        let until = self.last_at.plus_seconds(limit.wait_after(self.wrong));
        (now < until).then_some(until)
    }

    fn one_more(self, limit: &Limit, now: Moment) -> Self {
        let faded = now >= self.last_at.plus_seconds(limit.fades_after);
        let wrong = if faded { 0 } else { self.wrong };
        Self {
            wrong: wrong.saturating_add(1),
            last_at: now,
        }
    }
}

impl Limit {
    /// The wait after so many wrong tries, in seconds.
    fn wait_after(&self, wrong: i64) -> i64 {
        let Ok(doublings) = u32::try_from(wrong.saturating_sub(self.free)) else {
            return 0;
        };
        2_i64
            .saturating_pow(doublings)
            .saturating_mul(self.first_wait)
            .min(self.longest_wait)
    }
}

impl Wait {
    /// How long it is from now, in whole seconds: after them it is over.
    pub const fn seconds(self, now: Moment) -> i64 {
        self.until
            .plus_seconds(1)
            .seconds_since(Moment(now.0.saturating_add(1)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Moment = Moment(1_800_000_000_000_000);
    const START: LogInTries = LogInTries {
        from_here: Tries::NONE,
        from_anywhere: Tries::NONE,
    };

    /// Takes tries, each as soon as there is one; answers how long each had to wait.
    fn waits(tries: &mut LogInTries, now: &mut Moment, count: usize) -> Vec<i64> {
        let one = |_| {
            let mut waited = 0;
            while let Err(wait) = tries.take(*now) {
                waited += wait.seconds(*now);
                *now = wait.until;
            }
            waited
        };
        (0..count).map(one).collect()
    }

    #[test]
    fn five_tries_are_free_and_then_the_waits_double_up_to_a_quarter_of_an_hour() {
        let (mut tries, mut now) = (START, NOW);
        assert_eq!(
            waits(&mut tries, &mut now, 17),
            [
                0, 0, 0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900
            ]
        );
    }

    #[test]
    fn fifty_tries_from_anywhere_are_free_and_then_the_wait_is_short_everywhere() {
        let (mut tries, mut now) = (START, NOW);
        let from_a_fresh_network = |_| {
            tries.from_here = Tries::NONE;
            waits(&mut tries, &mut now, 1)
        };
        let waited: Vec<i64> = (0..53).flat_map(from_a_fresh_network).collect();
        assert_eq!(waited, [vec![0; 50], vec![30; 3]].concat());
    }

    #[test]
    fn a_day_without_a_try_starts_over() {
        let (mut tries, mut now) = (START, NOW);
        waits(&mut tries, &mut now, 12);
        let mut almost = tries;
        assert_eq!(almost.take(now.plus_seconds(FADES_AFTER - 1)), Ok(()));
        assert_eq!(almost.from_here.wrong, 13);
        assert_eq!(tries.take(now.plus_seconds(FADES_AFTER)), Ok(()));
        assert_eq!((tries.from_here.wrong, tries.from_anywhere.wrong), (1, 1));
    }

    #[test]
    fn a_try_that_was_not_compared_is_there_again() {
        let mut tries = START;
        tries.give_back();
        assert_eq!(tries, START);
        for _ in 0..20 {
            assert_eq!(tries.take(NOW), Ok(()));
            tries.give_back();
        }
    }

    #[test]
    fn a_wait_is_told_in_whole_seconds_that_are_never_too_few() {
        for (micros, seconds) in [
            (1, 1),
            (999_999, 1),
            (1_000_000, 1),
            (1_000_001, 2),
            (8_000_000, 8),
        ] {
            let wait = Wait {
                until: Moment(NOW.0 + micros),
            };
            assert_eq!(wait.seconds(NOW), seconds, "{micros}");
        }
    }

    fn any_tries() -> impl Strategy<Value = LogInTries> {
        let tries = || {
            (0..i64::MAX, any::<i64>()).prop_map(|(wrong, last_at)| Tries {
                wrong,
                last_at: Moment(last_at),
            })
        };
        (tries(), tries()).prop_map(|(from_here, from_anywhere)| LogInTries {
            from_here,
            from_anywhere,
        })
    }

    proptest! {
        /// Whatever was counted before and wherever the clock stands: no wait is longer than a quarter of an hour, and
        /// there is a try when it ends.
        #[test]
        fn every_wait_is_short_and_ends(mut tries in any_tries(), now in -1_000_000_000..2_000_000_000_i64) {
            let now = Moment(now * 1_000_000);
            if let Err(wait) = tries.take(now) {
                prop_assert!(now < wait.until);
                prop_assert!(wait.seconds(now) <= FROM_ONE_NETWORK.longest_wait);
                let refused = tries;
                prop_assert_eq!(tries.take(now), Err(wait), "asking again changes nothing");
                prop_assert_eq!(refused, tries);
                prop_assert_eq!(tries.take(wait.until), Ok(()));
            }
        }

        /// A clock that jumps, backwards too, gives no more than the free tries at one moment, and no wait without end.
        #[test]
        fn a_clock_that_jumps_does_no_harm(jumps in proptest::collection::vec(-100_000..100_000_i64, 1..60)) {
            let (mut tries, mut now) = (START, NOW);
            for jump in jumps {
                now = now.plus_seconds(jump);
                let free = (0..100).take_while(|_| tries.take(now).is_ok()).count();
                prop_assert!(free <= 5);
                let Err(wait) = tries.take(now) else { unreachable!("there are no more than five") };
                prop_assert!(wait.seconds(now) <= FROM_ONE_NETWORK.longest_wait);
            }
        }

        /// However somebody guesses from one network, a day gives them few tries.
        #[test]
        fn a_day_of_guessing_gives_few_tries(pauses in proptest::collection::vec(0..2000_i64, 1..400)) {
            let (mut tries, mut now, mut taken) = (START, NOW, 0);
            for pause in pauses {
                now = now.plus_seconds(pause);
                if now >= NOW.plus_seconds(FADES_AFTER) {
                    break;
                }
                taken += i32::from(tries.take(now).is_ok());
            }
            prop_assert!(taken <= 5 + 9 + 96);
        }
    }
}
