//! Which ask comes next: one at a time, a step at a time, never pressing (P4).
//!
//! The rules: what comes before an ask has been given, and has rested; nothing new is asked within a week; "not now" rests an
//! ask for 30 days; "no", and a yes that was taken back, end it. Whoever wants more opens the list of all asks: there they
//! pick freely.

use jiff::tz::TimeZone;

use crate::catalog::{Ask, Period};
use crate::grant::{NOT_NOW_SECONDS, Standing, State};
use crate::time::Moment;

/// No two new asks come within this time.
pub const BETWEEN_ASKS: Period = Period::days(7);

/// An ask, and where its customer stands with it.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The ask.
    pub ask: &'a Ask,
    /// Where its grant stands.
    pub standing: Standing,
    /// The version of its purpose's words.
    pub purpose_version: u32,
    /// When the grant last changed.
    pub changed_at: Option<Moment>,
    /// When the portal last brought it up by itself.
    pub asked_at: Option<Moment>,
    /// It is not asked for the time being.
    pub paused: bool,
}

impl Candidate<'_> {
    /// Whether its yes counts now.
    pub fn is_given(&self, now: Moment) -> bool {
        self.standing.in_force(self.purpose_version, now)
    }

    /// Whether it is offered at all: not paused, and not past its last day.
    pub fn is_open(&self, now: Moment, zone: &TimeZone) -> bool {
        !self.paused && !is_over(self.ask, now, zone)
    }

    /// Whether it waits for an answer.
    fn is_asked(&self) -> bool {
        self.standing.state == State::Asked
    }

    /// Whether it may be brought up, as far as its own past goes.
    fn may_be_asked(&self, now: Moment) -> bool {
        match self.standing.state {
            State::NeverAsked | State::Expired => true,
            State::NotNow => self
                .changed_at
                .is_none_or(|at| now >= at.plus_seconds(NOT_NOW_SECONDS)),
            State::Given | State::Renewed => {
                // Its time is over, and nobody wrote that down yet.
                self.standing.until.is_some_and(|until| now >= until)
            }
            State::Asked | State::Refused | State::Withdrawn => false,
        }
    }
}

/// Whether the last day of an ask is past.
pub fn is_over(ask: &Ask, now: Moment, zone: &TimeZone) -> bool {
    let today = now.timestamp().to_zoned(zone.clone()).date();
    ask.ends.is_some_and(|last| today > last)
}

/// The ask that stands before the customer now: the one that waits for its answer, or else the next that may be brought up.
/// `since` is when they gave the first step, their e-mail address.
pub fn next<'c, 'a>(
    candidates: &'c [Candidate<'a>],
    since: Moment,
    now: Moment,
    zone: &TimeZone,
) -> Option<&'c Candidate<'a>> {
    let open = || candidates.iter().filter(|c| c.is_open(now, zone));
    if let Some(waiting) = open().find(|c| c.is_asked()) {
        return Some(waiting);
    }
    let asked = candidates.iter().filter_map(|c| c.asked_at);
    if asked
        .max()
        .is_some_and(|last| now < BETWEEN_ASKS.after(last, zone))
    {
        return None;
    }
    let ready = open().filter(|c| {
        let before = given_before(candidates, c.ask, since, now);
        c.may_be_asked(now) && before.is_some_and(|at| now >= c.ask.rests.after(at, zone))
    });
    ready.min_by_key(|c| c.ask.step)
}

/// When all that comes before an ask had been given; `None` while something is missing.
fn given_before(
    candidates: &[Candidate<'_>],
    ask: &Ask,
    since: Moment,
    now: Moment,
) -> Option<Moment> {
    let given_at = |c: &Candidate<'_>| c.changed_at.filter(|_| c.is_given(now));
    if !ask.after.is_empty() {
        let named = ask.after.iter().map(|key| {
            let before = candidates.iter().find(|c| c.ask.key == *key);
            before.and_then(given_at)
        });
        return named.collect::<Option<Vec<_>>>()?.into_iter().max();
    }
    let below = candidates.iter().filter(|c| c.ask.step < ask.step);
    match below.clone().map(|c| c.ask.step).max() {
        // Right above the e-mail address.
        None => Some(since),
        Some(step) => below
            .filter(|c| c.ask.step == step)
            .filter_map(given_at)
            .min(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::indexing_slicing,
        reason = "a test may panic: that is how it fails"
    )]

    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;
    use crate::grant::Event;

    const DAY: i64 = 24 * 3600;

    fn day(number: i64) -> Moment {
        Moment(0).plus_seconds(number * DAY)
    }

    fn ask(key: &str, step: u32, after: &[&str]) -> Ask {
        let text = |text: &str| text.to_owned();
        Ask {
            key: text(key),
            purpose: text(key),
            fields: Vec::new(),
            step,
            after: after.iter().map(|key| text(key)).collect(),
            rests: Period::days(7),
            question: text("May we?"),
            value: text("Much."),
            used: text("Little."),
            if_no: text("Nothing."),
            programme: None,
            points: 0,
            points_every: None,
            lasts: None,
            ends: None,
            worth: text("little"),
            method: text("We guessed."),
            version: 1,
            place: crate::catalog::Place::default(),
        }
    }

    fn ladder() -> Vec<Ask> {
        vec![
            ask("phone", 2, &[]),
            ask("post", 2, &[]),
            ask("taste", 3, &[]),
            ask("birthday", 4, &["taste", "phone"]),
        ]
    }

    fn fresh(asks: &[Ask]) -> Vec<Candidate<'_>> {
        let candidate = |ask| Candidate {
            ask,
            standing: Standing::default(),
            purpose_version: 1,
            changed_at: None,
            asked_at: None,
            paused: false,
        };
        asks.iter().map(candidate).collect()
    }

    /// What the portal does with an answer, in small.
    fn happens(candidate: &mut Candidate<'_>, event: Event, now: Moment) {
        if let Ok(state) = candidate.standing.state.after(event) {
            candidate.standing.state = state;
            candidate.standing.version = 1;
            candidate.changed_at = Some(now);
            if event == Event::Asked {
                candidate.asked_at = Some(now);
            }
        }
    }

    fn next_key(candidates: &[Candidate<'_>], now: Moment) -> Option<String> {
        let next = next(candidates, day(0), now, &TimeZone::UTC);
        next.map(|candidate| candidate.ask.key.clone())
    }

    #[test]
    fn the_ladder_is_climbed_a_step_at_a_time() {
        let asks = ladder();
        let mut all = fresh(&asks);
        assert_eq!(next_key(&all, day(6)), None, "the e-mail address rests");
        assert_eq!(next_key(&all, day(7)).as_deref(), Some("phone"));
        happens(&mut all[0], Event::Asked, day(7));
        assert_eq!(
            next_key(&all, day(40)).as_deref(),
            Some("phone"),
            "it waits"
        );
        happens(&mut all[0], Event::Refused, day(41));
        assert_eq!(next_key(&all, day(41)).as_deref(), Some("post"));
        happens(&mut all[1], Event::Asked, day(41));
        happens(&mut all[1], Event::Given, day(41));
        assert_eq!(next_key(&all, day(47)), None, "a week has not passed");
        assert_eq!(next_key(&all, day(48)).as_deref(), Some("taste"));
        happens(&mut all[2], Event::Asked, day(48));
        happens(&mut all[2], Event::Given, day(48));
        assert_eq!(
            next_key(&all, day(90)),
            None,
            "birthday comes after phone as well"
        );
        // They come back to it by themselves.
        happens(&mut all[0], Event::Given, day(90));
        assert_eq!(next_key(&all, day(96)), None, "that rests too");
        assert_eq!(next_key(&all, day(97)).as_deref(), Some("birthday"));
    }

    #[test]
    fn not_now_rests_and_no_ends() {
        let asks = vec![ask("phone", 2, &[])];
        let mut all = fresh(&asks);
        happens(&mut all[0], Event::Asked, day(7));
        happens(&mut all[0], Event::NotNow, day(8));
        assert_eq!(next_key(&all, day(37)), None);
        assert_eq!(next_key(&all, day(38)).as_deref(), Some("phone"));
        happens(&mut all[0], Event::Asked, day(38));
        happens(&mut all[0], Event::Refused, day(38));
        assert_eq!(next_key(&all, day(10_000)), None);
    }

    #[test]
    fn nothing_is_asked_that_is_paused_or_past_its_day() {
        let mut asks = vec![ask("phone", 2, &[])];
        let mut all = fresh(&asks);
        all[0].paused = true;
        assert_eq!(next_key(&all, day(100)), None);
        asks[0].ends = Some(date(1970, 1, 20));
        let all = fresh(&asks);
        assert_eq!(next_key(&all, day(19)).as_deref(), Some("phone"));
        assert_eq!(next_key(&all, day(20)), None);
    }

    #[test]
    fn what_was_given_for_a_time_may_be_asked_again() {
        let asks = vec![ask("phone", 2, &[])];
        let mut all = fresh(&asks);
        happens(&mut all[0], Event::Asked, day(7));
        happens(&mut all[0], Event::Given, day(7));
        all[0].standing.until = Some(day(30));
        assert_eq!(next_key(&all, day(29)), None);
        assert_eq!(next_key(&all, day(30)).as_deref(), Some("phone"));
    }

    proptest! {
        /// Whatever is answered: two new asks are never within a week, none comes before what must come before it, and none
        /// after a no.
        #[test]
        fn nobody_is_pressed(answers in prop::collection::vec((0i64..20, 0usize..4, any::<bool>()), 1..60)) {
            let asks = ladder();
            let mut all = fresh(&asks);
            let mut now = day(0);
            let mut last: Option<Moment> = None;
            for (days, answer, by_themselves) in answers {
                now = now.plus_seconds(days * DAY);
                let chosen = next(&all, day(0), now, &TimeZone::UTC).map(|c| c.ask.key.clone());
                let Some(index) = all.iter().position(|c| Some(&c.ask.key) == chosen.as_ref()) else {
                    if by_themselves {
                        let index = answer % all.len();
                        happens(&mut all[index], Event::Given, now);
                    }
                    continue;
                };
                let before = all[index];
                if before.standing.state != State::Asked {
                    prop_assert!(!matches!(before.standing.state, State::Refused | State::Withdrawn));
                    prop_assert!(last.is_none_or(|last| now.seconds_since(last) >= 7 * DAY));
                    prop_assert!(before.ask.step == 2 || all.iter().any(|c| c.ask.step < before.ask.step && c.is_given(now)));
                    happens(&mut all[index], Event::Asked, now);
                    last = Some(now);
                }
                let waiting = all.iter().filter(|c| c.is_asked()).count();
                prop_assert_eq!(waiting, 1, "one at a time");
                match answer {
                    0 => happens(&mut all[index], Event::NotNow, now),
                    1 => happens(&mut all[index], Event::Refused, now),
                    2 => happens(&mut all[index], Event::Given, now),
                    _ => {}
                }
            }
        }
    }
}
