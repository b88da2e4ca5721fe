//! The second fact: what a customer types to show that an address which nobody checked is theirs (catalog.md,
//! "Identity"), how it is compared with what a system holds, and how often they may try.

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::catalog::{ColumnRef, Dataset, Field, looks_like_a_secret};
use crate::contact_point::ContactPoints;
use crate::facts::label_in_sentence;
use crate::time::Moment;

/// So many tries, and then a wait.
pub const TRIES: i64 = 3;
/// The wait in seconds, from the last try on. Tries that are as old are forgotten.
pub const WAIT_SECONDS: i64 = 24 * 60 * 60;
/// The longest text that is compared, in bytes, however it is written.
const LONGEST_BYTES: usize = 1024;
/// The fewest characters that say anything: one letter would match too often.
const FEWEST: usize = 2;

/// What a customer typed, in the form in which it is compared.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer(String);

/// Why a text is no answer. The words are for the person who typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// Fewer than two letters or digits.
    #[error("Write your answer in full. It has two letters or numbers at least.")]
    TooShort,
    /// More than any such value has.
    #[error("That is too long. Write only what we ask for.")]
    TooLong,
}

impl Answer {
    /// Reads an answer as a person types it.
    pub fn parse(typed: &str) -> Result<Self, AnswerError> {
        // Refused before any work that grows with it.
        if typed.len() > LONGEST_BYTES {
            return Err(AnswerError::TooLong);
        }
        let normal = normal(typed);
        if normal.chars().count() < FEWEST {
            return Err(AnswerError::TooShort);
        }
        Ok(Self(normal))
    }

    /// Whether it is this value that a system holds.
    pub fn matches(&self, held: &str) -> bool {
        held.len() <= LONGEST_BYTES && normal(held) == self.0
    }

    /// Whether it is an address or a number that the customer proved already, so that it tells nothing new.
    pub fn is_one_of(&self, contacts: &ContactPoints) -> bool {
        contacts.hold_any(&self.0) || contacts.all().any(|point| self.matches(point.as_str()))
    }
}

/// Never the answer: Debug output ends up in logs.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer(…)")
    }
}

/// Letters, digits and the marks on them, without regard to capitals; white space and signs are left out. `D02 AF30` is
/// `d02-af30`, and nothing else is alike: `0` is not `O`.
fn normal(text: &str) -> String {
    text.nfkc()
        .filter(|c| c.is_alphanumeric() || is_combining_mark(*c))
        // Up and down again: `ß` is `SS`, and a Greek word ends with the same letter in both cases.
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .nfkc()
        .collect()
}

/// The fields by which a customer may show that rows of the dataset are theirs, each with where it stands. `datasets` are
/// those that the fields may stand in.
pub fn facts<'a>(
    datasets: &'a [Dataset],
    dataset: &'a Dataset,
) -> impl Iterator<Item = (&'a ColumnRef, &'a Field)> {
    let field = move |column: &ColumnRef| {
        datasets
            .iter()
            .find(|d| d.key == column.dataset)?
            .collection(&column.collection)?
            .field(&column.field)
    };
    dataset
        .second_facts
        .iter()
        .filter_map(move |column| Some((column, field(column)?)))
        .filter(|(_, field)| can_be_asked_for(field))
}

/// Whether a field can be a second fact: what is withheld is nothing to ask for, and the address itself is known already.
pub fn can_be_asked_for(field: &Field) -> bool {
    field.withheld.is_none()
        && !looks_like_a_secret(&field.name)
        && field.identity.as_deref() != Some("email")
}

/// What is asked for: "your post code or your last order number"; nothing where no field can be asked for.
pub fn phrase(datasets: &[Dataset], dataset: &Dataset) -> Option<String> {
    let yours = |(_, field): (&ColumnRef, &Field)| {
        let label = field.label.as_deref();
        let label = label.map_or_else(|| format!("“{}”", field.name), label_in_sentence);
        if label.starts_with("your ") {
            label
        } else {
            format!("your {label}")
        }
    };
    let mut labels: Vec<String> = Vec::new();
    for label in facts(datasets, dataset).map(yours) {
        if !labels.contains(&label) {
            labels.push(label);
        }
    }
    (!labels.is_empty()).then(|| labels.join(" or "))
}

/// The tries of one customer at one dataset that were not right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tries {
    /// How many.
    pub taken: i64,
    /// When the last one was taken.
    pub last_at: Moment,
}

/// All tries are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// From this moment on there are tries again.
    pub until: Moment,
}

impl Tries {
    /// One try more. It is taken before the answer is compared, and counts as wrong until it turns out to be right.
    ///
    /// # Errors
    /// When there is none left: then nothing may be compared.
    pub fn take(self, now: Moment) -> Result<Self, Wait> {
        if let Some(wait) = self.wait(now) {
            return Err(wait);
        }
        let taken = if now < self.forgotten_at() {
            self.taken
        } else {
            0
        };
        Ok(Self {
            taken: taken + 1,
            // A clock that is put back takes nothing back.
            last_at: self.last_at.max(now),
        })
    }

    /// The try that was taken last came to nothing, because the system did not answer.
    #[must_use]
    pub const fn give_back(self) -> Self {
        let taken = if self.taken > 0 { self.taken - 1 } else { 0 };
        Self { taken, ..self }
    }

    /// The wait that is on.
    pub fn wait(self, now: Moment) -> Option<Wait> {
        let until = self.forgotten_at();
        (self.taken >= TRIES && now < until).then_some(Wait { until })
    }

    const fn forgotten_at(self) -> Moment {
        self.last_at.plus_seconds(WAIT_SECONDS)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::catalog::Collection;

    fn matches(typed: &str, held: &str) -> bool {
        Answer::parse(typed).is_ok_and(|answer| answer.matches(held))
    }

    #[test]
    fn writing_it_another_way_is_the_same() {
        for (typed, held) in [
            ("d02af30", "D02 AF30"),
            ("D02-AF30", " d02\u{a0}af30\n"),
            ("#2024/0017", "2024-0017"),
            ("Ｄ０２ＡＦ３０", "D02AF30"),
            ("e\u{301}va", "ÉVA"),
            ("strasse 5", "Straße 5"),
            ("ΟΔΟΣ", "οδος"),
            ("“O’Brien”", "o'brien"),
        ] {
            assert!(matches(typed, held), "{typed} is {held}");
            assert!(matches(held, typed), "{held} is {typed}");
        }
    }

    #[test]
    fn what_is_only_alike_is_not_the_same() {
        for (typed, held) in [
            ("DO2 AF3O", "D02 AF30"),
            ("D02 AF3", "D02 AF30"),
            ("D02 AF300", "D02 AF30"),
            ("eva", "éva"),
            ("0017", "17"),
            ("क्ष", "कष"),
            ("%", "D02 AF30"),
            ("___ ____", "D02 AF30"),
        ] {
            assert!(!matches(typed, held), "{typed} is not {held}");
        }
    }

    #[test]
    fn what_says_nothing_is_no_answer() {
        for short in ["", "  ", "-", "7", " a. ", "☂☂☂", "\u{200b}\u{200b}"] {
            assert_eq!(
                Answer::parse(short),
                Err(AnswerError::TooShort),
                "{short:?}"
            );
        }
        assert_eq!(
            Answer::parse(&"long".repeat(10_000)),
            Err(AnswerError::TooLong)
        );
        assert!(matches("ab", "A-B"));
        for held in ["", " ", "-", "☂"] {
            assert!(!matches("ab", held));
        }
    }

    #[test]
    fn debug_output_hides_the_answer() {
        assert_eq!(format!("{:?}", Answer::parse("D02 AF30")), "Ok(Answer(…))");
    }

    fn shop(facts: &[&str]) -> Dataset {
        let field = |name: &str, label: Option<&str>, withheld: bool| Field {
            name: name.to_owned(),
            label: label.map(str::to_owned),
            withheld: withheld.then(|| "A secret.".to_owned()),
            ..Field::default()
        };
        let customers = Collection {
            name: "customers".to_owned(),
            fields: vec![
                Field {
                    identity: Some("email".to_owned()),
                    ..field("email", Some("E-mail address"), false)
                },
                field("post_code", Some("Post code"), false),
                field("last_order", Some("Your last order number"), false),
                field("vat", Some("VAT number"), false),
                field("town", None, false),
                field("password_hash", Some("Password"), false),
                field("note", Some("Note"), true),
            ],
            ..Collection::default()
        };
        let column = |name: &&str| ColumnRef {
            dataset: "shop".to_owned(),
            collection: "customers".to_owned(),
            field: (*name).to_owned(),
        };
        Dataset {
            key: "shop".to_owned(),
            second_facts: facts.iter().map(column).collect(),
            collections: vec![customers],
            ..Dataset::default()
        }
    }

    #[test]
    fn asks_in_plain_words_and_never_for_a_secret() {
        for (facts, words) in [
            (vec!["post_code"], Some("your post code")),
            (
                vec!["post_code", "last_order", "post_code"],
                Some("your post code or your last order number"),
            ),
            (vec!["vat", "town"], Some("your VAT number or your “town”")),
            (vec!["note", "password_hash", "email", "nowhere"], None),
            (vec!["note", "post_code"], Some("your post code")),
            (vec![], None),
        ] {
            let shop = shop(&facts);
            let asked = phrase(std::slice::from_ref(&shop), &shop);
            assert_eq!(asked.as_deref(), words, "{facts:?}");
        }
    }

    const START: Tries = Tries {
        taken: 0,
        last_at: Moment(0),
    };

    #[test]
    fn three_tries_and_then_a_day() {
        let now = Moment(1_800_000_000_000_000);
        let mut tries = START;
        for n in 1..=TRIES {
            assert_eq!(tries.wait(now), None);
            tries = tries.take(now.plus_seconds(n)).unwrap_or(START);
            assert_eq!(tries.taken, n);
        }
        let until = now.plus_seconds(TRIES + WAIT_SECONDS);
        assert_eq!(tries.take(now.plus_seconds(TRIES)), Err(Wait { until }));
        assert_eq!(tries.take(until.plus_seconds(-1)), Err(Wait { until }));
        assert_eq!(tries.take(until).map(|t| t.taken), Ok(1));
        assert_eq!(
            tries.give_back().take(now).map(|t| t.taken),
            Ok(3),
            "a try that was not compared is there again"
        );
        assert_eq!(START.give_back(), START);
    }

    proptest! {
        #[test]
        fn comparing_is_the_same_both_ways_and_once_more(a in "\\PC{0,12}", b in "\\PC{0,12}") {
            prop_assert_eq!(matches(&a, &b), matches(&b, &a));
            prop_assert_eq!(normal(&normal(&a)), normal(&a));
        }

        #[test]
        fn signs_and_capitals_never_matter_and_every_letter_does(
            held in "[a-z0-9]{2,12}",
            signs in proptest::collection::vec("[ ./\\-_#]{0,2}", 12),
            up in any::<u16>(),
            other in ("[a-z0-9]", 0..12usize),
        ) {
            let typed: String = held
                .chars()
                .enumerate()
                .flat_map(|(i, c)| {
                    let c = if up >> i & 1 == 1 { c.to_ascii_uppercase() } else { c };
                    signs.get(i).cloned().unwrap_or_default().chars().chain([c]).collect::<Vec<_>>()
                })
                .collect();
            prop_assert!(matches(&typed, &held));
            let at = other.1 % held.len();
            let changed = format!("{}{}{}", &held[..at], other.0, &held[at + 1..]);
            prop_assert_eq!(matches(&changed, &held), changed == held);
            prop_assert!(!matches(&held[1..], &held));
        }

        /// Whenever somebody tries: no day has more than three tries in it, a wait always ends, and after it there are
        /// tries again.
        #[test]
        fn no_day_has_more_than_three_tries(pauses in proptest::collection::vec(0..WAIT_SECONDS, 1..60)) {
            let (mut now, mut tries) = (Moment(1_800_000_000_000_000), START);
            let mut taken: Vec<Moment> = Vec::new();
            for pause in pauses {
                now = now.plus_seconds(pause);
                match tries.take(now) {
                    Ok(next) => {
                        tries = next;
                        taken.push(now);
                    }
                    Err(wait) => {
                        prop_assert!(now < wait.until && wait.until <= now.plus_seconds(WAIT_SECONDS));
                        prop_assert!(tries.take(wait.until).is_ok());
                    }
                }
            }
            for four in taken.windows(4) {
                if let [first, .., fourth] = four {
                    prop_assert!(fourth.seconds_since(*first) >= WAIT_SECONDS);
                }
            }
        }

        /// A clock that is put back brings no try back.
        #[test]
        fn a_clock_that_goes_back_gives_nothing(back in 0..10 * WAIT_SECONDS) {
            let now = Moment(1_800_000_000_000_000);
            let mut tries = START;
            for _ in 0..TRIES {
                tries = tries.take(now).unwrap_or(START);
            }
            prop_assert!(tries.take(now.plus_seconds(-back)).is_err());
        }
    }
}
