//! What a customer types for a field that the portal keeps: read, checked, and in one form. The words of each error say what
//! to do.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::catalog::AnswerKind;
use crate::phone::{HomeCountry, PhoneError, PhoneNumber};

/// Under this age a yes would need the parents' (GDPR Art. 8(1)).
pub const LEAST_AGE: i16 = 16;
/// Nobody is older.
const MOST_AGE: i16 = 130;
/// Characters of a line of an address.
const LONGEST_LINE: usize = 100;

/// What was typed into the inputs of one field, by the input's name; a field with one input has the name "".
pub type Typed = BTreeMap<String, Vec<String>>;

/// The lines of a postal address, in the order in which they are kept. The last is a country's code (ISO 3166-1).
pub const ADDRESS_LINES: [&str; 5] = ["street", "more", "town", "code", "country"];
/// The parts of a day, as a form asks for them.
pub const DAY_PARTS: [&str; 3] = ["day", "month", "year"];

/// Why what was typed will not do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// Nothing there.
    #[error("Write something, or say no.")]
    Empty,
    /// No phone number.
    #[error(transparent)]
    Phone(#[from] PhoneError),
    /// A line of the address is missing.
    #[error("{}", match *.0 {
        "street" => "Write your street and house number.",
        "town" => "Write your town or city.",
        "code" => "Write your post code.",
        _ => "Pick your country.",
    })]
    MissingLine(&'static str),
    /// A line of the address is very long, or holds signs that nobody prints.
    #[error("One line of the address is too long. Use 100 letters at most.")]
    LongLine(&'static str),
    /// Not how that country writes its post codes.
    #[error("This is not a post code of the country you picked. One there looks like {0}.")]
    PostCode(&'static str),
    /// No day of any calendar.
    #[error("Write a real day, such as 27 3 1985.")]
    NoDay,
    /// A day that has not been, or that nobody remembers.
    #[error("Write the day you were born. It is in the past.")]
    NotInLife,
    /// Too young to say yes by themselves.
    #[error("You need to be {LEAST_AGE} or older to say yes to this. Say no, and nothing is kept.")]
    TooYoung,
    /// None of the words to pick from.
    #[error("Pick one of the answers.")]
    NotOffered,
    /// More than fits.
    #[error("That is too long. Use {0} letters at most.")]
    TooLong(u32),
    /// Signs that can't be shown.
    #[error("There are signs in it that we can't keep. Write letters, digits and marks.")]
    Signs,
}

impl AnswerError {
    /// The input that it is about.
    pub const fn input(&self) -> &'static str {
        match self {
            Self::MissingLine(line) | Self::LongLine(line) => line,
            Self::PostCode(_) => "code",
            Self::NoDay | Self::NotInLife | Self::TooYoung => "day",
            _ => "",
        }
    }
}

/// Reads what was typed, and answers it in the form in which it is kept.
pub fn read(
    kind: &AnswerKind,
    typed: &Typed,
    home: Option<HomeCountry>,
    today: Date,
) -> Result<String, AnswerError> {
    let one = |name: &str| {
        let values = typed.get(name).and_then(|values| values.first());
        values.map(|value| value.trim()).unwrap_or_default()
    };
    match kind {
        AnswerKind::Phone => match one("") {
            "" => Err(PhoneError::Empty.into()),
            text => Ok(PhoneNumber::parse(text, home)?.as_str().to_owned()),
        },
        AnswerKind::Address => address(ADDRESS_LINES.map(one)),
        AnswerKind::BirthDate => birth_date(one, today),
        AnswerKind::OneOf(words) => match words.iter().find(|word| *word == one("")) {
            Some(word) => Ok(word.clone()),
            None => Err(AnswerError::NotOffered),
        },
        AnswerKind::AnyOf(words) => {
            let picked = typed.get("").map(Vec::as_slice).unwrap_or_default();
            let all_known = picked.iter().all(|word| words.contains(word));
            let in_order = words.iter().filter(|word| picked.contains(word));
            match in_order.map(String::as_str).collect::<Vec<_>>() {
                known if known.is_empty() || !all_known => Err(AnswerError::NotOffered),
                known => Ok(known.join(", ")),
            }
        }
        AnswerKind::Text(longest) => text(one(""), *longest),
    }
}

/// What is kept, as inputs hold it: the other way round of [`read`].
pub fn typed(kind: &AnswerKind, kept: &str) -> Typed {
    let one = |name: &str, value: &str| (name.to_owned(), vec![value.to_owned()]);
    match kind {
        AnswerKind::Address => ADDRESS_LINES
            .into_iter()
            .zip(kept.split('\n'))
            .map(|(name, line)| one(name, line))
            .collect(),
        AnswerKind::BirthDate => {
            let mut parts: Vec<&str> = kept.split('-').collect();
            parts.reverse();
            let bare = |part: &str| part.trim_start_matches('0').to_owned();
            let parts = DAY_PARTS.into_iter().zip(parts);
            parts.map(|(name, part)| one(name, &bare(part))).collect()
        }
        AnswerKind::AnyOf(_) => {
            let picked = kept.split(", ").map(str::to_owned).collect();
            Typed::from([(String::new(), picked)])
        }
        AnswerKind::Phone | AnswerKind::OneOf(_) | AnswerKind::Text(_) => {
            Typed::from([one("", kept)])
        }
    }
}

/// What is kept, as a customer reads it.
pub fn shown(kind: &AnswerKind, kept: &str) -> String {
    match kind {
        AnswerKind::Address => {
            let lines: Vec<&str> = kept.split('\n').collect();
            let last = lines.len().saturating_sub(1);
            let line = |(index, line): (usize, &&str)| match index {
                index if index == last => country_name(line).unwrap_or(line).to_owned(),
                _ => (*line).to_owned(),
            };
            let lines = lines.iter().enumerate().map(line);
            let lines: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
            lines.join(", ")
        }
        _ => kept.to_owned(),
    }
}

/// All countries, code and name, in the order of their names.
pub fn countries() -> impl Iterator<Item = (&'static str, &'static str)> {
    let codes = rust_iso3166::ALL_ALPHA2.iter().copied();
    let mut all: Vec<_> = codes.zip(rust_iso3166::ALL_NAME.iter().copied()).collect();
    all.sort_unstable_by_key(|(_, name)| *name);
    all.into_iter()
}

fn country_name(code: &str) -> Option<&'static str> {
    let index = rust_iso3166::ALL_ALPHA2
        .iter()
        .position(|known| *known == code)?;
    rust_iso3166::ALL_NAME.get(index).copied()
}

fn address(lines: [&str; 5]) -> Result<String, AnswerError> {
    let [street, more, town, code, country] = lines;
    for (name, line) in ADDRESS_LINES.into_iter().zip(lines) {
        if line.chars().count() > LONGEST_LINE || line.chars().any(char::is_control) {
            return Err(AnswerError::LongLine(name));
        }
    }
    for (name, line) in [("street", street), ("town", town), ("country", country)] {
        if line.is_empty() {
            return Err(AnswerError::MissingLine(name));
        }
    }
    if country_name(country).is_none() {
        return Err(AnswerError::MissingLine("country"));
    }
    let code = code.to_uppercase();
    if let Some((_, patterns, example)) = POST_CODES.iter().find(|(of, ..)| *of == country) {
        if code.is_empty() {
            return Err(AnswerError::MissingLine("code"));
        }
        if !patterns.iter().any(|pattern| is_like(pattern, &code)) {
            return Err(AnswerError::PostCode(example));
        }
    }
    Ok([street, more, town, &code, country].join("\n"))
}

/// Post codes by country: patterns (`A` a letter, `9` a digit, `*` either; blanks and hyphens don't count) and an example.
const POST_CODES: &[(&str, &[&str], &str)] = &[
    ("AT", &["9999"], "1010"),
    ("AU", &["9999"], "2000"),
    ("BE", &["9999"], "1000"),
    ("BG", &["9999"], "1000"),
    ("BR", &["99999999"], "01001-000"),
    ("CA", &["A9A9A9"], "K1A 0B1"),
    ("CH", &["9999"], "8001"),
    ("CY", &["9999"], "1010"),
    ("CZ", &["99999"], "110 00"),
    ("DE", &["99999"], "10115"),
    ("DK", &["9999"], "1050"),
    ("EE", &["99999"], "10111"),
    ("ES", &["99999"], "28001"),
    ("FI", &["99999"], "00100"),
    ("FR", &["99999"], "75001"),
    (
        "GB",
        &["A99AA", "A999AA", "AA99AA", "AA999AA", "A9A9AA", "AA9A9AA"],
        "SW1A 1AA",
    ),
    ("GR", &["99999"], "104 31"),
    ("HR", &["99999"], "10000"),
    ("HU", &["9999"], "1011"),
    ("IE", &["A9*****", "D6W****"], "D02 X285"),
    ("IN", &["999999"], "110001"),
    ("IT", &["99999"], "00118"),
    ("JP", &["9999999"], "100-0001"),
    ("LI", &["9999"], "9490"),
    ("LT", &["99999", "AA99999"], "01100"),
    ("LU", &["9999", "A9999"], "1111"),
    ("LV", &["9999", "AA9999"], "LV-1010"),
    ("MT", &["AAA9999"], "VLT 1117"),
    ("NL", &["9999AA"], "1012 AB"),
    ("NO", &["9999"], "0150"),
    ("NZ", &["9999"], "6011"),
    ("PL", &["99999"], "00-001"),
    ("PT", &["9999999"], "1000-001"),
    ("RO", &["999999"], "010011"),
    ("SE", &["99999"], "111 20"),
    ("SI", &["9999"], "1000"),
    ("SK", &["99999"], "811 01"),
    ("US", &["99999", "999999999"], "10001"),
];

fn is_like(pattern: &str, code: &str) -> bool {
    let mut signs = code.chars().filter(|c| *c != ' ' && *c != '-');
    let fits = pattern.chars().all(|wanted| {
        signs.next().is_some_and(|sign| match wanted {
            'A' => sign.is_ascii_uppercase(),
            '9' => sign.is_ascii_digit(),
            '*' => sign.is_ascii_uppercase() || sign.is_ascii_digit(),
            same => sign == same,
        })
    });
    fits && signs.next().is_none()
}

fn birth_date<'t>(one: impl Fn(&str) -> &'t str, today: Date) -> Result<String, AnswerError> {
    // A form asks for three numbers; a system may send the whole day.
    let day: Date = if one("").is_empty() {
        let [day, month, year] = DAY_PARTS.map(&one);
        let day = day.parse().map_err(|_| AnswerError::NoDay)?;
        let month = month.parse().map_err(|_| AnswerError::NoDay)?;
        let year = year.parse().map_err(|_| AnswerError::NoDay)?;
        Date::new(year, month, day).map_err(|_| AnswerError::NoDay)?
    } else {
        one("").parse().map_err(|_| AnswerError::NoDay)?
    };
    let had_birthday = (today.month(), today.day()) >= (day.month(), day.day());
    let age = today.year() - day.year() - i16::from(!had_birthday);
    match age {
        ..0 => Err(AnswerError::NotInLife),
        0..LEAST_AGE => Err(AnswerError::TooYoung),
        LEAST_AGE..=MOST_AGE => Ok(day.to_string()),
        _ => Err(AnswerError::NotInLife),
    }
}

fn text(typed: &str, longest: u32) -> Result<String, AnswerError> {
    // Browsers send the ends of lines as two signs.
    let text = typed.replace("\r\n", "\n");
    if text.is_empty() {
        return Err(AnswerError::Empty);
    }
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(AnswerError::Signs);
    }
    if text.chars().count() > usize::try_from(longest).unwrap_or(usize::MAX) {
        return Err(AnswerError::TooLong(longest));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic: that is how it fails")]

    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;
    use crate::reading::is_hard_to_read;

    fn typed_as(parts: &[(&str, &str)]) -> Typed {
        let mut typed = Typed::new();
        for (name, value) in parts {
            let values = typed.entry((*name).to_owned()).or_default();
            values.push((*value).to_owned());
        }
        typed
    }

    fn read_it(kind: &AnswerKind, parts: &[(&str, &str)]) -> Result<String, AnswerError> {
        let home = HomeCountry::parse("IE");
        read(kind, &typed_as(parts), home, date(2026, 11, 28))
    }

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_phone_number_is_kept_in_one_form() {
        let kept = read_it(&AnswerKind::Phone, &[("", " 087 123 4567 ")]);
        assert_eq!(kept, Ok("+353871234567".to_owned()));
        let nothing = read_it(&AnswerKind::Phone, &[]);
        assert_eq!(nothing, Err(AnswerError::Phone(PhoneError::Empty)));
    }

    #[test]
    fn an_address_is_checked_by_its_country() {
        let with = |code: &str, country: &str| {
            let parts = [
                ("street", "1 Main Street"),
                ("town", "Dublin"),
                ("code", code),
                ("country", country),
            ];
            read_it(&AnswerKind::Address, &parts)
        };
        let kept = with("d02 x285", "IE").unwrap();
        assert_eq!(kept, "1 Main Street\n\nDublin\nD02 X285\nIE");
        let read = shown(&AnswerKind::Address, &kept);
        assert_eq!(read, "1 Main Street, Dublin, D02 X285, Ireland");
        assert!(with("SW1A 1AA", "GB").is_ok() && with("", "AE").is_ok());
        assert_eq!(with("10115", "IE"), Err(AnswerError::PostCode("D02 X285")));
        assert_eq!(with("", "IE"), Err(AnswerError::MissingLine("code")));
        assert_eq!(with("1", "XX"), Err(AnswerError::MissingLine("country")));
        let without = read_it(&AnswerKind::Address, &[("town", "Dublin")]);
        assert_eq!(without, Err(AnswerError::MissingLine("street")));
    }

    #[test]
    fn every_example_of_a_post_code_is_one() {
        for (country, patterns, example) in POST_CODES {
            assert!(country_name(country).is_some(), "{country}");
            assert!(patterns.iter().any(|p| is_like(p, example)), "{country}");
        }
        assert_eq!(country_name("IE"), Some("Ireland"));
        assert!(countries().any(|country| country == ("IE", "Ireland")));
    }

    #[test]
    fn a_birth_date_is_a_day_of_somebody_who_may_say_yes() {
        let on = |day: &str, month: &str, year: &str| {
            let parts = [("day", day), ("month", month), ("year", year)];
            read_it(&AnswerKind::BirthDate, &parts)
        };
        assert_eq!(on("7", "03", "1985"), Ok("1985-03-07".to_owned()));
        assert_eq!(on("28", "11", "2010"), Ok("2010-11-28".to_owned()));
        assert_eq!(on("29", "11", "2010"), Err(AnswerError::TooYoung));
        assert_eq!(on("1", "1", "2030"), Err(AnswerError::NotInLife));
        assert_eq!(on("1", "1", "1800"), Err(AnswerError::NotInLife));
        assert_eq!(on("30", "2", "1985"), Err(AnswerError::NoDay));
        assert_eq!(on("x", "2", "1985"), Err(AnswerError::NoDay));
    }

    #[test]
    fn only_what_was_offered_can_be_picked() {
        let one = AnswerKind::OneOf(words(&["Tea", "Coffee"]));
        assert_eq!(read_it(&one, &[("", "Tea")]), Ok("Tea".to_owned()));
        assert_eq!(read_it(&one, &[("", "Milk")]), Err(AnswerError::NotOffered));
        let any = AnswerKind::AnyOf(words(&["Tea", "Coffee"]));
        let both = read_it(&any, &[("", "Coffee"), ("", "Tea")]);
        assert_eq!(both, Ok("Tea, Coffee".to_owned()));
        let foreign = read_it(&any, &[("", "Coffee"), ("", "Milk")]);
        assert_eq!(foreign, Err(AnswerError::NotOffered));
        assert_eq!(read_it(&any, &[]), Err(AnswerError::NotOffered));
    }

    #[test]
    fn a_text_is_bounded_and_can_be_shown() {
        let kind = AnswerKind::Text(5);
        assert_eq!(read_it(&kind, &[("", "a\r\nb")]), Ok("a\nb".to_owned()));
        assert_eq!(read_it(&kind, &[("", "  ")]), Err(AnswerError::Empty));
        assert_eq!(
            read_it(&kind, &[("", "abcdef")]),
            Err(AnswerError::TooLong(5))
        );
        assert_eq!(read_it(&kind, &[("", "a\u{0}b")]), Err(AnswerError::Signs));
    }

    #[test]
    fn errors_are_easy_to_read() {
        for error in [
            AnswerError::Empty,
            AnswerError::MissingLine("street"),
            AnswerError::LongLine("town"),
            AnswerError::PostCode("D02 X285"),
            AnswerError::NoDay,
            AnswerError::NotInLife,
            AnswerError::TooYoung,
            AnswerError::NotOffered,
            AnswerError::TooLong(200),
            AnswerError::Signs,
        ] {
            assert_eq!(is_hard_to_read(&error.to_string()), None, "{error}");
        }
    }

    proptest! {
        /// Whatever is kept, its own inputs read as the same.
        #[test]
        fn what_is_kept_can_be_typed_again(text in "[ -~]{1,80}", day in 1i8..29, month in 1i8..13, year in 1930i16..2000) {
            let home = HomeCountry::parse("IE");
            let today = date(2026, 11, 28);
            let born = date(year, month, day).to_string();
            for (kind, parts) in [
                (AnswerKind::Text(100), typed_as(&[("", &text)])),
                (AnswerKind::BirthDate, typed_as(&[("", &born)])),
                (AnswerKind::Address, typed_as(&[("street", &text), ("town", "A"), ("code", "d02x285"), ("country", "IE")])),
            ] {
                if let Ok(kept) = read(&kind, &parts, home, today) {
                    prop_assert_eq!(read(&kind, &typed(&kind, &kept), home, today), Ok(kept));
                }
            }
        }

        #[test]
        fn no_text_panics(text: String) {
            let today = date(2026, 11, 28);
            for kind in [AnswerKind::Phone, AnswerKind::Address, AnswerKind::BirthDate, AnswerKind::Text(9)] {
                let typed_text = typed_as(&[("", &text), ("street", &text), ("town", &text), ("code", &text), ("country", &text), ("day", &text)]);
                drop(read(&kind, &typed_text, None, today));
                drop(shown(&kind, &text));
                drop(typed(&kind, &text));
            }
        }
    }
}
