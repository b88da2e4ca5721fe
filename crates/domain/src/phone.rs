//! Phone numbers: one way in, one normal form.

use std::fmt;

use phonenumber::{Type, country};

/// A phone number that exists by its country's plan, in the form that the portal compares: E.164 (ITU-T), such as
/// `+353871234567`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PhoneNumber {
    international: String,
    national: String,
}

/// Why a text is no phone number. The words are for the person who typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// Nothing there.
    #[error("Write your phone number, such as +353 87 123 4567.")]
    Empty,
    /// It lacks the country, and the company named none.
    #[error("Begin with your country's code, such as +353.")]
    NoCountry,
    /// No country has such a number.
    #[error("We know no phone number like this. Check it and write it again.")]
    Malformed,
}

/// The country whose people write their numbers without a code, in the company's own systems as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HomeCountry(country::Id);

impl HomeCountry {
    /// Reads a code of two letters (ISO 3166-1), such as `IE`; `None` where no phone number belongs to it.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

/// No country has longer numbers, also with every sign that people write between the digits.
const LONGEST: usize = 64;

impl PhoneNumber {
    /// Reads a number as a person types it. One without a country's code is of `home`.
    pub fn parse(text: &str, home: Option<HomeCountry>) -> Result<Self, PhoneError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(PhoneError::Empty);
        }
        // `00` stands for `+` in most of the world; in the rest no number begins with it.
        let text = match text.strip_prefix("00") {
            Some(rest) => format!("+{rest}"),
            None => text.to_owned(),
        };
        let plain = |c: char| c.is_ascii_digit() || "+ -./()\u{a0}\u{2011}".contains(c);
        if text.len() > LONGEST || !text.chars().all(plain) {
            return Err(PhoneError::Malformed);
        }
        if home.is_none() && !text.starts_with('+') {
            return Err(PhoneError::NoCountry);
        }
        let number = phonenumber::parse(home.map(|home| home.0), &text)
            .ok()
            .filter(phonenumber::PhoneNumber::is_valid)
            .ok_or(PhoneError::Malformed)?;
        Ok(Self {
            international: format!("+{}{}", number.code().value(), number.national()),
            national: number.national().to_string(),
        })
    }

    /// Whether a text in a connected system is this number, whatever stands between its digits. One without a country's
    /// code is of `home`.
    pub fn is(&self, text: &str, home: Option<HomeCountry>) -> bool {
        // Most texts are settled here, long before the tables of all countries are asked.
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        digits.ends_with(&self.national) && Self::parse(text, home).as_ref() == Ok(self)
    }

    /// The number itself. It is personal: seal it, and keep it out of logs and URLs.
    pub fn as_str(&self) -> &str {
        &self.international
    }

    /// Whether a phone that takes texts may have it: no landline, and none that costs whoever sends to it.
    pub fn takes_texts(&self) -> bool {
        let parsed = phonenumber::parse(None, &self.international);
        let kind = parsed.map(|number| number.number_type(&phonenumber::metadata::DATABASE));
        matches!(kind, Ok(Type::Mobile | Type::FixedLineOrMobile))
    }

    /// Whether it is a number of that country.
    pub fn is_of(&self, country: HomeCountry) -> bool {
        let parsed = phonenumber::parse(None, &self.international);
        parsed.is_ok_and(|number| number.country().id() == Some(country.0))
    }

    /// The digits after the country's code, with which every way to write the number ends.
    pub fn national(&self) -> &str {
        &self.national
    }
}

/// Never the number: Debug output ends up in logs.
impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneNumber(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ireland() -> Option<HomeCountry> {
        HomeCountry::parse("IE")
    }

    #[test]
    fn takes_numbers_as_people_type_them() {
        for typed in [
            "+353871234567",
            " 087 123 4567 ",
            "00353 87 123 4567",
            "(087) 123-4567",
            "+353 (87) 123.4567",
        ] {
            let number = PhoneNumber::parse(typed, ireland());
            assert_eq!(
                number.map(|n| n.international),
                Ok("+353871234567".to_owned()),
                "{typed}"
            );
        }
        for (typed, country, normal) in [
            ("(201) 555-0123", "US", "+12015550123"),
            ("030 123456", "DE", "+4930123456"),
            ("06 6982 1234", "IT", "+390669821234"),
            ("+44 20 7946 0958", "IE", "+442079460958"),
        ] {
            let number = PhoneNumber::parse(typed, HomeCountry::parse(country));
            assert_eq!(number.map(|n| n.international), Ok(normal.to_owned()));
        }
    }

    #[test]
    fn refuses_what_is_no_number() {
        for (typed, error) in [
            ("", PhoneError::Empty),
            ("  ", PhoneError::Empty),
            ("ada", PhoneError::Malformed),
            ("12", PhoneError::Malformed),
            ("+999 123 4567", PhoneError::Malformed),
            ("087 123 4567 ext 5", PhoneError::Malformed),
            ("+353871234567\r\nx: y", PhoneError::Malformed),
            ("tel:+353871234567", PhoneError::Malformed),
        ] {
            assert_eq!(PhoneNumber::parse(typed, ireland()), Err(error), "{typed}");
        }
        let long = "1".repeat(100_000);
        assert_eq!(
            PhoneNumber::parse(&long, ireland()),
            Err(PhoneError::Malformed)
        );
        assert_eq!(
            PhoneNumber::parse("087 123 4567", None),
            Err(PhoneError::NoCountry)
        );
    }

    #[test]
    fn a_text_is_the_number_in_every_way_to_write_it_and_in_no_other() -> Result<(), PhoneError> {
        let number = PhoneNumber::parse("+353871234567", None)?;
        for text in ["+353 87 1234567", "0871234567", "00353-87-123-4567"] {
            assert!(number.is(text, ireland()), "{text}");
        }
        for text in ["0871234568", "+44871234567", "1234567", "", "ada"] {
            assert!(!number.is(text, ireland()), "{text}");
        }
        assert!(
            !number.is("0871234567", None),
            "without a country it may be anybody's"
        );
        Ok(())
    }

    #[test]
    fn texts_go_to_mobile_phones_of_a_country() {
        for (number, takes_texts, country) in [
            ("+353871234567", true, "IE"),
            ("+353850123456", true, "IE"),
            ("+12015550123", true, "US"),
            ("+447400123456", true, "GB"),
            ("+35312345678", false, "IE"),
            ("+3531520123456", false, "IE"),
            ("+448712345678", false, "GB"),
        ] {
            let Ok(parsed) = PhoneNumber::parse(number, None) else {
                assert!(!takes_texts, "{number}");
                continue;
            };
            assert_eq!(parsed.takes_texts(), takes_texts, "{number}");
            for code in ["IE", "US", "GB", "DE"] {
                let is_of = HomeCountry::parse(code).is_some_and(|home| parsed.is_of(home));
                assert_eq!(is_of, code == country, "{number} {code}");
            }
        }
    }

    #[test]
    fn debug_output_hides_the_number() -> Result<(), PhoneError> {
        let number = PhoneNumber::parse("+353871234567", None)?;
        assert!(!format!("{number:?}").contains('7'));
        Ok(())
    }

    proptest! {
        #[test]
        fn never_panics_and_is_stable(text in "[+0-9 ()./-]{0,24}|\\PC{0,40}") {
            if let Ok(number) = PhoneNumber::parse(&text, ireland()) {
                prop_assert_eq!(PhoneNumber::parse(number.as_str(), None), Ok(number.clone()));
                prop_assert!(number.is(&text, ireland()));
            }
        }
    }
}
