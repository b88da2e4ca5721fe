//! Rewards: which ones are offered, who may take one, and the codes that go with them (P12).

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::catalog::Reward;

/// The letters of a code that is made here: none that looks like another when it is read aloud or typed.
const LETTERS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
/// How many of them a code has behind its beginning: 40 bits, so that nobody guesses one at the till.
pub const CODE_LETTERS: usize = 8;
/// So many codes are taken in at a time.
pub const MOST_CODES: usize = 10_000;
/// The longest code, in bytes.
pub const LONGEST_CODE: usize = 60;

/// What the staff changed about a reward.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The reward's key.
    pub key: String,
    /// What stands in place of the catalog's, or beside it; `None`: what the catalog says.
    pub definition: Option<Reward>,
    /// Whether it is not offered for now.
    pub paused: bool,
}

/// A reward as it is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The reward.
    pub reward: Reward,
    /// Whether it is not offered for now.
    pub paused: bool,
    /// Whether it is written in the catalog's own words.
    pub from_catalog: bool,
}

/// What a company offers: the catalog's rewards as the staff changed them, then those that the staff added.
pub fn offers(catalog: &[Reward], changes: &[Change]) -> Vec<Offer> {
    let change = |key: &str| changes.iter().find(|change| change.key == key);
    let of_catalog = catalog.iter().map(|reward| {
        let change = change(&reward.key);
        let definition = change.and_then(|change| change.definition.as_ref());
        Offer {
            reward: definition.unwrap_or(reward).clone(),
            paused: change.is_some_and(|change| change.paused),
            from_catalog: definition.is_none(),
        }
    });
    let added = changes.iter().filter_map(|change| {
        let reward = change.definition.clone()?;
        let known = catalog.iter().any(|known| known.key == reward.key);
        (!known).then_some(Offer {
            reward,
            paused: change.paused,
            from_catalog: false,
        })
    });
    of_catalog.chain(added).collect()
}

/// Why a reward can't be taken. Nothing has changed then, and no point is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum RewardError {
    /// It is offered no more.
    #[error("We do not offer this reward any more. Your points are all still there.")]
    Gone,
    /// The staff paused it.
    #[error("We are not giving this reward out just now. Your points are all still there.")]
    Paused,
    /// It costs something else than what was shown.
    #[error("This reward costs something else by now. Look at it again. We took no points.")]
    PriceChanged,
    /// There are none.
    #[error("There are none left. Your points are all still there.")]
    SoldOut,
    /// They had as many as one may.
    #[error("You have taken this as often as one person can. We took no points.")]
    LimitReached,
    /// They can't pay.
    #[error("You do not have enough points for this yet. We took no points.")]
    TooFewPoints,
}

/// What decides whether somebody may take a reward.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The reward, as it is offered.
    pub offer: &'a Offer,
    /// How many are left; `None`: any number.
    pub left: Option<u64>,
    /// How many the customer has had.
    pub had: u64,
    /// Points that the customer can spend now.
    pub spendable: i64,
}

impl Case<'_> {
    /// Whether the customer may take it.
    ///
    /// # Errors
    /// Why they can't.
    pub fn decide(&self) -> Result<(), RewardError> {
        let reward = &self.offer.reward;
        if self.offer.paused {
            return Err(RewardError::Paused);
        }
        if self.left == Some(0) {
            return Err(RewardError::SoldOut);
        }
        if reward.limit.is_some_and(|limit| self.had >= limit.into()) {
            return Err(RewardError::LimitReached);
        }
        if self.spendable < i64::from(reward.costs) {
            return Err(RewardError::TooFewPoints);
        }
        Ok(())
    }

    /// The same for a page that said what it costs.
    ///
    /// # Errors
    /// Why they can't.
    pub fn decide_for(&self, price: u32) -> Result<(), RewardError> {
        if !self.offer.paused && self.offer.reward.costs != price {
            return Err(RewardError::PriceChanged);
        }
        self.decide()
    }
}

/// The cheapest reward that is offered and that these points do not reach.
pub fn next_goal<'o>(
    offers: impl IntoIterator<Item = &'o Offer>,
    spendable: i64,
) -> Option<&'o Reward> {
    let open = offers.into_iter().filter(|offer| !offer.paused);
    let open = open.map(|offer| &offer.reward);
    open.filter(|reward| i64::from(reward.costs) > spendable)
        .min_by_key(|reward| reward.costs)
}

/// A code such as `FINCH10-7KQ2M9XZ`.
pub fn code(beginning: Option<&str>, random: [u8; CODE_LETTERS]) -> String {
    let letter = |byte: u8| LETTERS.get(usize::from(byte % 32)).copied();
    let letters: String = random
        .into_iter()
        .filter_map(letter)
        .map(char::from)
        .collect();
    match beginning {
        Some(beginning) => format!("{beginning}-{letters}"),
        None => letters,
    }
}

/// Codes that somebody pasted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pasted {
    /// Each once, in their order.
    pub codes: Vec<String>,
    /// Those that stood there more than once.
    pub doubles: Vec<String>,
}

/// Why pasted codes are not taken in. None of them is then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodesError {
    /// There is none.
    #[error("Paste at least one code. Write each on a line of its own.")]
    Nothing,
    /// There are too many.
    #[error("That was more than 10,000 codes. Paste fewer at a time.")]
    TooMany,
    /// One is no code.
    #[error(
        "Line {0} can't be a code. A code has 60 letters at most, and no spaces. We took none of them in."
    )]
    Line(usize),
    /// The reward makes its own codes, or has none.
    #[error("This reward takes no codes. Only vouchers do.")]
    NoVoucher,
}

/// Reads codes, one a line.
///
/// # Errors
/// When there are none or too many, or a line is none.
pub fn read_codes(pasted: &str) -> Result<Pasted, CodesError> {
    let (mut read, mut known) = (Pasted::default(), HashSet::new());
    for (number, line) in (1..).zip(pasted.lines()) {
        let code = line.trim();
        if code.is_empty() {
            continue;
        }
        let odd = |c: char| c.is_control() || c.is_whitespace();
        if code.len() > LONGEST_CODE || code.contains(odd) {
            return Err(CodesError::Line(number));
        }
        if known.insert(code) {
            read.codes.push(code.to_owned());
        } else {
            read.doubles.push(code.to_owned());
        }
        if known.len() > MOST_CODES {
            return Err(CodesError::TooMany);
        }
    }
    if read.codes.is_empty() {
        return Err(CodesError::Nothing);
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic: that is how it fails")]

    use proptest::prelude::*;

    use super::*;
    use crate::catalog::{Place, RewardKind};

    fn reward(key: &str, costs: u32) -> Reward {
        Reward {
            key: key.to_owned(),
            programme: "club".to_owned(),
            name: key.to_owned(),
            words: "Something nice.".to_owned(),
            kind: RewardKind::Donation,
            costs,
            stock: None,
            limit: None,
            code: None,
            place: Place::default(),
        }
    }

    fn offer(costs: u32) -> Offer {
        Offer {
            reward: reward("cup", costs),
            paused: false,
            from_catalog: true,
        }
    }

    #[test]
    fn what_the_staff_wrote_stands_in_place_of_the_catalogs() {
        let catalog = [reward("cup", 40), reward("tree", 60), reward("bag", 80)];
        let change = |key: &str, definition, paused| Change {
            key: key.to_owned(),
            definition,
            paused,
        };
        let changes = [
            change("cup", Some(reward("cup", 45)), false),
            change("tree", None, true),
            change("mug", Some(reward("mug", 90)), false),
            change("gone", None, true),
        ];
        let offers = offers(&catalog, &changes);
        let seen: Vec<_> = offers
            .iter()
            .map(|o| (o.reward.key.as_str(), o.reward.costs, o.paused))
            .collect();
        let expected = [
            ("cup", 45, false),
            ("tree", 60, true),
            ("bag", 80, false),
            ("mug", 90, false),
        ];
        assert_eq!(seen, expected);
        let from_catalog: Vec<_> = offers.iter().map(|o| o.from_catalog).collect();
        assert_eq!(from_catalog, [false, true, true, false]);
    }

    #[test]
    fn each_reason_against_it_is_named() {
        let fine = offer(40);
        let paused = Offer {
            paused: true,
            ..fine.clone()
        };
        let limited = Offer {
            reward: Reward {
                limit: Some(2),
                ..reward("cup", 40)
            },
            ..fine.clone()
        };
        for (offer, price, left, had, spendable, expected) in [
            (&fine, 40, None, 9, 40, Ok(())),
            (&fine, 40, Some(1), 0, 40, Ok(())),
            (&fine, 40, Some(0), 0, 40, Err(RewardError::SoldOut)),
            (&fine, 40, None, 0, 39, Err(RewardError::TooFewPoints)),
            (&fine, 39, None, 0, 99, Err(RewardError::PriceChanged)),
            (&paused, 39, Some(0), 0, 0, Err(RewardError::Paused)),
            (&limited, 40, None, 1, 40, Ok(())),
            (&limited, 40, None, 2, 40, Err(RewardError::LimitReached)),
        ] {
            let case = Case {
                offer,
                left,
                had,
                spendable,
            };
            assert_eq!(case.decide_for(price), expected, "{case:?}");
        }
    }

    #[test]
    fn the_next_goal_is_the_cheapest_that_is_out_of_reach() {
        let mut all = [offer(40), offer(80), offer(60)];
        let goal = |all: &[Offer], points| next_goal(all, points).map(|reward| reward.costs);
        assert_eq!(goal(&all, 0), Some(40));
        assert_eq!(goal(&all, 40), Some(60));
        assert_eq!(goal(&all, 80), None);
        all[2].paused = true;
        assert_eq!(goal(&all, 40), Some(80));
    }

    #[test]
    fn pasted_codes_are_read_a_line_each_and_doubles_are_told() {
        let read = read_codes("AB-1\r\n\n  AB-2 \nAB-1\n").unwrap();
        assert_eq!(read.codes, ["AB-1", "AB-2"]);
        assert_eq!(read.doubles, ["AB-1"]);
        assert_eq!(read_codes(" \n"), Err(CodesError::Nothing));
        assert_eq!(read_codes("A\nB C"), Err(CodesError::Line(2)));
        assert_eq!(read_codes("A\u{7}"), Err(CodesError::Line(1)));
        let long = "A".repeat(LONGEST_CODE + 1);
        assert_eq!(read_codes(&long), Err(CodesError::Line(1)));
        let many =
            |count: usize| (0..count).fold(String::new(), |all, number| format!("{all}{number}\n"));
        assert!(read_codes(&many(MOST_CODES)).is_ok());
        assert_eq!(read_codes(&many(MOST_CODES + 1)), Err(CodesError::TooMany));
    }

    proptest! {
        #[test]
        fn a_made_code_has_no_letter_that_looks_like_another(random: [u8; CODE_LETTERS]) {
            let made = code(Some("FINCH10"), random);
            let (beginning, letters) = made.split_once('-').unwrap();
            prop_assert_eq!(beginning, "FINCH10");
            prop_assert_eq!(letters.len(), CODE_LETTERS);
            prop_assert!(letters.bytes().all(|b| LETTERS.contains(&b) && !b"01IO".contains(&b)));
        }

        /// Whoever may take it can pay it, it is there, and they had fewer than the limit.
        #[test]
        fn nobody_takes_what_they_may_not(
            costs in 1u32..1_000, price in 1u32..1_000, left in prop::option::of(0u64..3),
            limit in prop::option::of(1u32..4), had in 0u64..5, spendable in 0i64..2_000, paused: bool,
        ) {
            let mut offer = offer(costs);
            offer.paused = paused;
            offer.reward.limit = limit;
            let case = Case { offer: &offer, left, had, spendable };
            if case.decide_for(price).is_ok() {
                prop_assert!(!paused && price == costs && left != Some(0));
                prop_assert!(spendable >= i64::from(costs));
                prop_assert!(limit.is_none_or(|limit| had < u64::from(limit)));
            }
        }

        /// Nothing that is pasted is lost in silence: each line is a code, a double, or the reason for a refusal.
        #[test]
        fn every_line_is_accounted_for(lines in prop::collection::vec("[A-C]{0,2}", 0..40)) {
            let filled = lines.iter().filter(|line| !line.is_empty()).count();
            match read_codes(&lines.join("\n")) {
                Ok(read) => prop_assert_eq!(read.codes.len() + read.doubles.len(), filled),
                Err(error) => prop_assert!(error == CodesError::Nothing && filled == 0),
            }
        }
    }
}
