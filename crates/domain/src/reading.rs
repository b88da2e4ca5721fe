//! Whether a text is easy to read: the reading grade, and the words that nobody outside an office uses.
//!
//! The catalog's check holds every text of a company against these rules, and the portal's own pages are tested with
//! them. A new jargon word is one more line in [`JARGON`].
//!
//! The grade is Flesch and Kincaid's (Kincaid and others, 1975):
//! `0.39 * words / sentences + 11.8 * syllables / words - 15.59`, where 8 is what most thirteen-year-olds read with
//! ease. Syllables are counted by a heuristic: each run of vowels (`aeiouy`) is one; a silent `e` at the end is none
//! (`like`), nor are `es` and `ed` unless they are spoken (`boxes`, `wanted`), but `le` after a consonant is one
//! (`table`); each word has at least one. A sentence ends with `.`, `!`, `?`, `:`, `;` before a space, or with a line.

/// The hardest grade that a long text may have.
pub const HARDEST_GRADE: f64 = 8.0;

/// Texts of at most this many words are not graded: the formula swings wildly on a few words.
pub const SHORT_TEXT_WORDS: usize = 30;

/// Words and phrases that say little to a customer, each with what to write instead.
///
/// Matched as whole words, without regard to capitals.
pub const JARGON: &[(&str, &str)] = &[
    ("leverage", "use"),
    ("leveraging", "using"),
    ("utilize", "use"),
    ("utilise", "use"),
    ("utilizes", "uses"),
    ("utilises", "uses"),
    ("utilized", "used"),
    ("utilised", "used"),
    ("utilization", "use"),
    ("utilisation", "use"),
    ("facilitate", "help"),
    ("pursuant", "under"),
    ("hereby", "leave it out"),
    ("herein", "here"),
    ("hereinafter", "from here on"),
    ("thereof", "of it"),
    ("aforementioned", "this"),
    ("notwithstanding", "even if"),
    ("inter alia", "among others"),
    ("data subject", "you"),
    ("data subjects", "people"),
    ("data controller", "we"),
    ("controller", "we"),
    ("data processor", "a company that works for us"),
    ("processor", "a company that works for us"),
    ("sub-processor", "a company that works for us"),
    ("subprocessor", "a company that works for us"),
    ("pii", "data about you"),
    ("personally identifiable", "about you"),
    ("legitimate interest", "our own reason, and say which"),
    ("legitimate interests", "our own reasons, and say which"),
    ("legal basis", "what allows it"),
    ("lawful basis", "what allows it"),
    ("opt-in mechanism", "a way to say yes"),
    ("opt-out mechanism", "a way to say no"),
    ("third party", "another company"),
    ("third parties", "other companies"),
    ("third-party", "another company's"),
    ("data retention", "how long we keep it"),
    ("retention period", "how long we keep it"),
    ("pseudonymised", "with your name taken out"),
    ("pseudonymized", "with your name taken out"),
    ("erasure", "deleting"),
    ("data portability", "taking your data with you"),
    ("stakeholder", "say who"),
    ("stakeholders", "say who"),
    ("synergy", "say what you do"),
    ("omnichannel", "by mail, phone and in the shop"),
    ("touchpoint", "say which page, mail or shop"),
    ("touchpoints", "say which pages, mails or shops"),
    ("data-driven", "say what you do"),
    ("best-in-class", "leave it out"),
    ("enhance your experience", "say what gets better"),
    ("user experience", "say what gets better"),
    (
        "personalized experience",
        "say what changes for the customer",
    ),
    (
        "personalised experience",
        "say what changes for the customer",
    ),
    ("business purposes", "say which"),
    ("business purpose", "say which"),
    ("telemetry", "how the app runs"),
    ("metadata", "say which facts"),
    ("schema", "table"),
];

/// What makes a text hard to read.
#[derive(Clone, Debug, PartialEq)]
pub enum Problem {
    /// A word of the jargon list.
    Jargon {
        /// The word or phrase.
        word: &'static str,
        /// What to write instead.
        instead: &'static str,
    },
    /// More than [`SHORT_TEXT_WORDS`] words above [`HARDEST_GRADE`].
    TooHard {
        /// How many words the text has.
        words: usize,
        /// Its Flesch-Kincaid grade.
        grade: f64,
    },
}

/// The Flesch-Kincaid grade of a text in English: roughly the years at school that it takes to read it. 0 for a text
/// without a word; very plain texts come out below 0.
pub fn reading_grade(text: &str) -> f64 {
    let words: Vec<&str> = words(text).collect();
    if words.is_empty() {
        return 0.0;
    }
    let syllables: usize = words.iter().map(|word| syllables(word)).sum();
    let count = as_number(words.len());
    0.39 * count / as_number(sentences(text)) + 11.8 * as_number(syllables) / count - 15.59
}

/// What makes the text hard to read, if anything does; jargon first.
pub fn is_hard_to_read(text: &str) -> Option<Problem> {
    if let Some((word, instead)) = jargon_in(text) {
        return Some(Problem::Jargon { word, instead });
    }
    let words = words(text).count();
    let grade = reading_grade(text);
    (words > SHORT_TEXT_WORDS && grade > HARDEST_GRADE).then_some(Problem::TooHard { words, grade })
}

/// The first entry of the jargon list that stands in the text as whole words.
fn jargon_in(text: &str) -> Option<(&'static str, &'static str)> {
    let plain = spaced(text);
    JARGON
        .iter()
        .copied()
        .find(|(word, _)| plain.contains(&spaced(word)))
}

/// The text's words in lower case, each between single spaces, so that a phrase is found only as whole words.
fn spaced(text: &str) -> String {
    let mut out = String::from(" ");
    for word in text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        out.extend(word.chars().flat_map(char::to_lowercase));
        out.push(' ');
    }
    out
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace()
        .filter(|word| word.contains(char::is_alphanumeric))
}

/// How many sentences the text has: never 0.
fn sentences(text: &str) -> usize {
    let count: usize = text
        .lines()
        .map(|line| {
            let ends = words(line).filter(|word| ends_sentence(word)).count();
            let open = words(line).last().is_some_and(|word| !ends_sentence(word));
            ends + usize::from(open)
        })
        .sum();
    count.max(1)
}

fn ends_sentence(word: &str) -> bool {
    word.trim_end_matches(['"', '\'', ')', '”', '’'])
        .ends_with(['.', '!', '?', ':', ';', '…'])
}

/// How many syllables a word has, by the heuristic that the module describes.
fn syllables(word: &str) -> usize {
    let letters: Vec<char> = word
        .chars()
        .filter(|c| c.is_alphabetic())
        .flat_map(char::to_lowercase)
        .map(plain)
        .collect();
    let is_vowel = |c: char| "aeiouy".contains(c);
    let runs = letters.iter().fold((0, false), |(count, in_run), c| {
        let vowel = is_vowel(*c);
        (count + usize::from(vowel && !in_run), vowel)
    });
    let silent = match letters.as_slice() {
        [.., before, 'l', 'e'] => is_vowel(*before),
        [.., before, 'e'] => !is_vowel(*before),
        [.., before, 'e', 's'] => !is_vowel(*before) && !"sxzcgh".contains(*before),
        [.., before, 'e', 'd'] => !is_vowel(*before) && !"td".contains(*before),
        _ => false,
    };
    runs.0.saturating_sub(usize::from(silent)).max(1)
}

/// A vowel without its accent. An accented `e` is always spoken, so it must not look like a silent one.
fn plain(c: char) -> char {
    match c {
        'à' | 'á' | 'â' | 'ä' | 'å' | 'è' | 'é' | 'ê' | 'ë' => 'a',
        'ì' | 'í' | 'î' | 'ï' => 'i',
        'ò' | 'ó' | 'ô' | 'ö' => 'o',
        'ù' | 'ú' | 'û' | 'ü' => 'u',
        other => other,
    }
}

/// Counts of words are far below where a float stops being exact.
fn as_number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn syllables_of_everyday_words() {
        for (word, count) in [
            ("a", 1),
            ("we", 1),
            ("like", 1),
            ("table", 2),
            ("email", 2),
            ("receipts", 2),
            ("wanted", 2),
            ("used", 1),
            ("boxes", 2),
            ("likes", 1),
            ("address", 2),
            ("company", 3),
            ("information", 4),
            ("café", 2),
            ("whole", 1),
            ("7", 1),
        ] {
            assert_eq!(syllables(word), count, "{word}");
        }
    }

    #[test]
    fn the_grade_follows_the_formula() {
        // 8 words, 2 sentences, 9 syllables (re-ceipts has two).
        let grade = reading_grade("We send receipts here. You log in too.");
        assert!(
            (grade - (0.39 * 4.0 + 11.8 * 9.0 / 8.0 - 15.59)).abs() < 1e-9,
            "{grade}"
        );
    }

    #[test]
    fn plain_texts_pass_and_office_texts_do_not() {
        let plain = "We send your receipts to this address. You also log in with it. If you lose your password, we \
                     send a link here so that you can set a new one. We never give the address to anybody else, and \
                     we never sell it.";
        assert_eq!(is_hard_to_read(plain), None);
        let office = "The aggregated demographic characteristics of registered individuals are systematically \
                      evaluated for the continuous optimisation of promotional communication activities, including \
                      automated segmentation procedures, statistical probability calculations and comprehensive \
                      organisational performance measurement initiatives.";
        assert!(
            matches!(
                is_hard_to_read(office),
                Some(Problem::TooHard { words: 31.., .. })
            ),
            "{}",
            reading_grade(office)
        );
    }

    #[test]
    fn short_texts_are_not_graded() {
        assert_eq!(
            is_hard_to_read("Unsubscribe verification identification"),
            None
        );
    }

    #[test]
    fn jargon_is_found_as_whole_words_in_any_capitals() {
        for text in [
            "We LEVERAGE it.",
            "Shared with third  parties",
            "Your PII",
            "a third-party tool",
            "(legitimate\ninterest)",
        ] {
            assert!(
                matches!(is_hard_to_read(text), Some(Problem::Jargon { .. })),
                "{text}"
            );
        }
        for text in [
            "beverage",
            "The pilot's happiness",
            "It was my third. Party on Friday",
        ] {
            // A full stop between two words does not part a phrase for us; a sentence seldom ends there.
            let expected = text.contains("third");
            assert_eq!(is_hard_to_read(text).is_some(), expected, "{text}");
        }
    }

    #[test]
    fn every_jargon_word_is_found_in_a_sentence() {
        for (word, _) in JARGON {
            assert!(
                jargon_in(&format!("This is {word}, you see.")).is_some(),
                "{word}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_has_a_finite_grade(text in any::<String>()) {
            prop_assert!(reading_grade(&text).is_finite());
            is_hard_to_read(&text);
        }

        #[test]
        fn longer_sentences_are_never_easier(words in 2..40usize) {
            let joined = vec!["cat"; words].join(" ");
            let split = vec!["cat."; words].join(" ");
            prop_assert!(reading_grade(&joined) > reading_grade(&split));
        }
    }
}
