//! What the customer asked to see of the page: by words, by origin, by system.

use serde::{Deserialize, Serialize};

use super::{Fact, MyData, Shown};
use crate::catalog::{Origin, ShownAs};
use crate::ids::FieldPath;

/// How a fact was obtained, as something to look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Obtained {
    /// In the way that the catalog says.
    As(Origin),
    /// Nobody wrote down how.
    Unknown,
}

impl Obtained {
    fn fits(self, origin: Option<Origin>) -> bool {
        match self {
            Self::As(wanted) => origin == Some(wanted),
            Self::Unknown => origin.is_none(),
        }
    }
}

/// What the customer asked to see of the page.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Words that a fact must hold, in its label, its value, its description or its system.
    pub words: String,
    /// Only facts of this origin.
    pub origin: Option<Obtained>,
    /// Only facts of the dataset of this key.
    pub system: Option<String>,
}

/// Never the words: they may be personal.
impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Filter")
            .field("origin", &self.origin)
            .field("system", &self.system)
            .finish_non_exhaustive()
    }
}

impl Filter {
    /// Whether everything is shown.
    pub fn is_empty(&self) -> bool {
        self.words.trim().is_empty() && self.origin.is_none() && self.system.is_none()
    }

    /// The words, each once, in lower case. More than ten narrow no further and cost time.
    fn search_words(&self) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        for word in self.words.to_lowercase().split_whitespace() {
            if words.len() < 10 && !words.iter().any(|known| known == word) {
                words.push(word.to_owned());
            }
        }
        words
    }

    /// Takes away what was not asked for, and counts what is left. `describe` gives a field's description.
    pub fn apply(&self, data: &mut MyData, describe: impl Fn(&FieldPath) -> Option<String>) {
        let words = self.search_words();
        data.parts
            .retain(|p| self.system.as_ref().is_none_or(|s| *s == p.dataset));
        for part in &mut data.parts {
            let part_words =
                format!("{} {} {}", part.label, part.system, part.one_row).to_lowercase();
            let is_list = part.shown_as == ShownAs::List;
            for entry in &mut part.entries {
                let of_part = part_words.as_str();
                let holds = |fact: &Fact, beside: &str| {
                    let says = fact.says(&describe);
                    let together = digits_together(&says);
                    words.iter().all(|w| {
                        beside.contains(w)
                            || says.contains(w)
                            || (is_digits(w) && together.contains(w))
                    })
                };
                let fits = |fact: &Fact| {
                    self.origin.is_none_or(|o| o.fits(fact.origin)) && holds(fact, of_part)
                };
                if is_list {
                    let mut context = entry.context.iter().flat_map(|c| &c.facts);
                    let context_fits =
                        self.origin.is_none() && context.any(|fact| holds(fact, of_part));
                    if !context_fits && !entry.facts.iter().any(fits) {
                        entry.facts.clear();
                    }
                } else {
                    entry.facts.retain(fits);
                }
                if !self.is_empty() {
                    entry.empty.clear();
                }
            }
            if !self.is_empty() {
                part.entries.retain(|e| !e.facts.is_empty());
                part.count = part.entries.len() as u64;
                part.count_is_more = false;
                part.next = None;
            }
        }
        if !self.is_empty() {
            data.parts.retain(|p| !p.entries.is_empty());
        }
    }
}

impl Fact {
    /// Everything that searching looks at, in lower case: what the page shows, so neither a covered value nor the name
    /// that the database has for a described field.
    fn says(&self, describe: &impl Fn(&FieldPath) -> Option<String>) -> String {
        let value = match &self.value {
            Shown::Plain(text) | Shown::LastFour(text) | Shown::Long { start: text, .. } => {
                text.as_str()
            }
            Shown::Covered | Shown::File { .. } | Shown::Unreadable | Shown::Withheld(_) => "",
        };
        let what = describe(&self.path).unwrap_or_default();
        format!("{}\n{}\n{}\n{}", self.label, value, self.system, what).to_lowercase()
    }
}

fn is_digits(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_digit())
}

/// A text without the blanks between digits: people write "079 123" and "079123" for the same number.
fn digits_together(text: &str) -> String {
    let mut together = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let after_digit = together.ends_with(|c: char| c.is_ascii_digit());
        let before_digit = letters.peek().is_some_and(char::is_ascii_digit);
        let is_blank = letter.is_whitespace() && letter != '\n';
        if !(is_blank && after_digit && before_digit) {
            together.push(letter);
        }
    }
    together
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::facts::sample::my_data;

    #[test]
    fn finds_words_in_labels_and_values_but_not_under_covers() {
        let find = |words: &str| {
            let mut data = my_data();
            Filter {
                words: words.to_owned(),
                ..Filter::default()
            }
            .apply(&mut data, |_| Some("what it is".to_owned()));
            data.parts
                .iter()
                .flat_map(|p| &p.entries)
                .map(|e| e.facts.len())
                .sum::<usize>()
        };
        assert_eq!(find("ada"), 1);
        assert_eq!(find("ADA first"), 1);
        assert_eq!(find("a-2"), 1);
        assert_eq!(find("birthday"), 1);
        assert_eq!(find("1815"), 0);
        assert_eq!(find("what it is"), 5);
        assert_eq!(find(""), 5);
    }

    #[test]
    fn blanks_between_digits_and_names_of_the_database_do_not_count() {
        let find = |words: &str, value: &str| {
            let mut data = my_data();
            for fact in data.parts.iter_mut().flat_map(|p| &mut p.entries) {
                for fact in &mut fact.facts {
                    fact.path.field = "first_name".to_owned();
                    fact.value = Shown::Plain(value.to_owned());
                }
            }
            let words = words.to_owned();
            let filter = Filter {
                words,
                ..Filter::default()
            };
            filter.apply(&mut data, |_| None);
            !data.parts.is_empty()
        };
        assert!(find("079123", "079 123"));
        assert!(find("079 123", "079123"));
        assert!(find("07 91 23", "079\u{a0}123"));
        assert!(!find("079124", "079 123"));
        assert!(!find("_", "079 123"), "the name of a column was matched");
    }

    #[test]
    fn what_is_left_is_what_is_counted() {
        let mut data = my_data();
        let filter = Filter {
            words: "a-2".to_owned(),
            ..Filter::default()
        };
        filter.apply(&mut data, |_| None);
        let counts: Vec<u64> = data.parts.iter().map(|p| p.count).collect();
        assert_eq!(counts, [1]);
    }

    #[test]
    fn filters_by_origin_and_system() {
        let mut guesses = my_data();
        Filter {
            origin: Some(Obtained::As(Origin::Inferred)),
            ..Filter::default()
        }
        .apply(&mut guesses, |_| None);
        assert_eq!(guesses.parts.len(), 1);
        let mut unknown = my_data();
        if let Some(fact) = unknown
            .parts
            .iter_mut()
            .flat_map(|p| &mut p.entries)
            .flat_map(|e| &mut e.facts)
            .next()
        {
            fact.origin = None;
        }
        Filter {
            origin: Some(Obtained::Unknown),
            ..Filter::default()
        }
        .apply(&mut unknown, |_| None);
        let left = unknown.parts.iter().flat_map(|p| &p.entries);
        assert_eq!(left.flat_map(|e| &e.facts).count(), 1);
        let mut elsewhere = my_data();
        Filter {
            system: Some("news".to_owned()),
            ..Filter::default()
        }
        .apply(&mut elsewhere, |_| None);
        assert!(elsewhere.parts.is_empty());
    }

    proptest! {
        /// Filtering only ever takes away.
        #[test]
        fn filtering_only_takes_away(words in "\\PC{0,12}") {
            let mut data = my_data();
            Filter { words, ..Filter::default() }.apply(&mut data, |_| None);
            prop_assert!(data.parts.iter().flat_map(|p| &p.entries).map(|e| e.facts.len()).sum::<usize>() <= 5);
        }
    }
}
