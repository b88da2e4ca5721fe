//! Grants: what a customer allows for a purpose that rests on their consent (GDPR Art. 6(1)(a) and 7). Without one in force
//! the answer to "may I?" is no.
//!
//! A grant is one customer's for one purpose. Each change is a consent record, and the grant is what the last one left
//! ([`State::after`]). The names of states are those of the W3C's Data Privacy Vocabulary ([`State::dpv`]).

use serde::{Deserialize, Serialize};

use crate::time::Moment;

/// Seconds for which "not now" rests an ask: 30 days (P4).
pub const NOT_NOW_SECONDS: i64 = 30 * 24 * 3600;

/// What happened to a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// The customer was asked.
    Asked,
    /// They want to be left alone with it for a while.
    NotNow,
    /// They said no. It ends the ask until they come back to it themselves.
    Refused,
    /// They said yes.
    Given,
    /// They took their yes back.
    Withdrawn,
    /// They said yes again to what was about to end, or to new words.
    Renewed,
    /// The time for which they said yes is over.
    Expired,
}

impl Event {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Asked,
        Self::NotNow,
        Self::Refused,
        Self::Given,
        Self::Withdrawn,
        Self::Renewed,
        Self::Expired,
    ];

    /// Where it leaves the grant.
    pub const fn state(self) -> State {
        match self {
            Self::Asked => State::Asked,
            Self::NotNow => State::NotNow,
            Self::Refused => State::Refused,
            Self::Given => State::Given,
            Self::Withdrawn => State::Withdrawn,
            Self::Renewed => State::Renewed,
            Self::Expired => State::Expired,
        }
    }
}

/// Where a grant stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Nobody has asked yet.
    #[default]
    NeverAsked,
    /// Asked, and not answered.
    Asked,
    /// Rests.
    NotNow,
    /// No.
    Refused,
    /// Yes.
    Given,
    /// Yes, said again.
    Renewed,
    /// Yes once, and no since.
    Withdrawn,
    /// Yes once, for a time that is over.
    Expired,
}

/// An event that can't follow on the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{event:?} can't follow on {state:?}")]
pub struct TransitionError {
    /// Where the grant stood.
    pub state: State,
    /// What was to happen.
    pub event: Event,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::NeverAsked,
        Self::Asked,
        Self::NotNow,
        Self::Refused,
        Self::Given,
        Self::Renewed,
        Self::Withdrawn,
        Self::Expired,
    ];

    /// Whether the purpose may be served.
    pub const fn in_force(self) -> bool {
        matches!(self, Self::Given | Self::Renewed)
    }

    /// Where it stands after an event.
    ///
    /// A yes and a no are always possible for the customer, whatever stood before; only what says nothing new, and what
    /// has nothing to end, is refused.
    ///
    /// # Errors
    /// When the event can't follow.
    pub const fn after(self, event: Event) -> Result<Self, TransitionError> {
        use Event as E;
        let follows = match (self, event) {
            // Nobody is asked again who answered, but for those who rested it or whose yes is over.
            (Self::NeverAsked | Self::NotNow | Self::Expired, E::Asked)
            | (Self::Asked | Self::NotNow, E::NotNow)
            | (Self::NeverAsked | Self::Asked | Self::NotNow | Self::Expired, E::Refused)
            | (Self::Given | Self::Renewed, E::Renewed | E::Withdrawn | E::Expired) => true,
            (state, E::Given) => !state.in_force(),
            _ => false,
        };
        if follows {
            Ok(event.state())
        } else {
            Err(TransitionError { state: self, event })
        }
    }

    /// What a yes or a no of the customer is here; `None` when it says nothing new. `in_force` says whether a yes of before
    /// still counts: one for other words, or whose time is over, is said again.
    pub const fn answer(self, yes: bool, in_force: bool) -> Option<Event> {
        match (self, yes) {
            (Self::Given | Self::Renewed, true) if in_force => None,
            (Self::Given | Self::Renewed, true) => Some(Event::Renewed),
            (Self::Given | Self::Renewed, false) => Some(Event::Withdrawn),
            (Self::Refused | Self::Withdrawn, false) => None,
            (_, true) => Some(Event::Given),
            (_, false) => Some(Event::Refused),
        }
    }

    /// The status in the W3C's Data Privacy Vocabulary.
    pub const fn dpv(self) -> &'static str {
        match self {
            Self::NeverAsked => "dpv:ConsentUnknown",
            Self::Asked => "dpv:ConsentRequested",
            Self::NotNow => "dpv:ConsentRequestDeferred",
            Self::Refused => "dpv:ConsentRefused",
            Self::Given => "dpv:ConsentGiven",
            Self::Renewed => "dpv:RenewedConsentGiven",
            Self::Withdrawn => "dpv:ConsentWithdrawn",
            Self::Expired => "dpv:ConsentExpired",
        }
    }
}

/// A grant at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Its state.
    pub state: State,
    /// The version of the words that were answered last.
    pub version: u32,
    /// Until when a yes counts; `None`: until it is withdrawn.
    pub until: Option<Moment>,
}

impl Standing {
    /// What it is at `now`: a yes whose time is over, or whose purpose has new words by now, is none.
    pub fn in_force(&self, version: u32, now: Moment) -> bool {
        let in_time = self.until.is_none_or(|until| now < until);
        self.state.in_force() && in_time && self.version == version
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    #[test]
    fn a_customer_says_yes_takes_it_back_and_says_yes_again() -> Result<(), TransitionError> {
        let mut state = State::default();
        for (event, after) in [
            (Event::Asked, State::Asked),
            (Event::NotNow, State::NotNow),
            (Event::Asked, State::Asked),
            (Event::Refused, State::Refused),
            (Event::Given, State::Given),
            (Event::Renewed, State::Renewed),
            (Event::Withdrawn, State::Withdrawn),
            (Event::Given, State::Given),
            (Event::Expired, State::Expired),
        ] {
            state = state.after(event)?;
            assert_eq!(state, after, "{event:?}");
        }
        Ok(())
    }

    #[test]
    fn nobody_is_asked_again_after_a_no() {
        for state in [State::Refused, State::Withdrawn, State::Given, State::Asked] {
            let again = state.after(Event::Asked);
            assert_eq!(
                again,
                Err(TransitionError {
                    state,
                    event: Event::Asked
                })
            );
        }
    }

    #[test]
    fn a_yes_counts_for_its_words_and_its_time() {
        let given = Standing {
            state: State::Given,
            version: 2,
            until: Some(Moment(10)),
        };
        assert!(given.in_force(2, Moment(9)));
        assert!(!given.in_force(1, Moment(9)), "nor for older words");
        assert!(!given.in_force(2, Moment(10)), "its time is over");
        assert!(!given.in_force(3, Moment(9)), "the words are new");
        assert!(!Standing::default().in_force(0, Moment(0)));
    }

    proptest! {
        /// Only a yes puts a grant in force, and only what ends a yes ends it.
        #[test]
        fn nothing_but_a_yes_is_in_force(state in select(&State::ALL[..]), event in select(&Event::ALL[..])) {
            if let Ok(after) = state.after(event) {
                let yes = matches!(event, Event::Given | Event::Renewed);
                prop_assert_eq!(after.in_force(), yes);
            } else if matches!(event, Event::Withdrawn | Event::Expired) {
                prop_assert!(!state.in_force(), "a yes can always be taken back");
            }
        }

        /// Whatever a customer answers can follow on what stands, and leaves what they said.
        #[test]
        fn an_answer_is_always_possible(state in select(&State::ALL[..]), yes: bool, in_force: bool) {
            if let Some(event) = state.answer(yes, in_force) {
                prop_assert_eq!(state.after(event).map(State::in_force), Ok(yes));
            } else {
                prop_assert_eq!(state.in_force(), yes);
            }
        }

        /// Whatever happened, the customer can say yes or has said it.
        #[test]
        fn no_way_leads_where_no_yes_is_possible(events in prop::collection::vec(select(&Event::ALL[..]), 0..40)) {
            let end = events.into_iter().fold(State::default(), |state, event| state.after(event).unwrap_or(state));
            prop_assert!(end.in_force() || end.after(Event::Given).is_ok());
        }
    }
}
