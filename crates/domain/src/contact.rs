//! Whom a customer turns to, and the addresses in the company's own words about it.

use crate::catalog::Company;
use crate::email::EmailAddress;

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Words.
    Words(&'a str),
    /// An e-mail address that can be written to.
    Address(&'a str),
}

/// A text, taken apart at its e-mail addresses.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    for address in text.split_whitespace().filter_map(address) {
        let Some((before, after)) = rest.split_once(address) else {
            continue;
        };
        pieces.extend([Piece::Words(before), Piece::Address(address)]);
        rest = after;
    }
    pieces.push(Piece::Words(rest));
    pieces.retain(|piece| *piece != Piece::Words(""));
    pieces
}

/// The address in a word, without the signs around it. One with rare signs in it would have to be written otherwise in a
/// link, so it is left as words.
fn address(word: &str) -> Option<&str> {
    let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
    let plain = |c: char| c.is_ascii_alphanumeric() || "@.-_+".contains(c);
    (bare.chars().all(plain) && EmailAddress::parse(bare).is_ok()).then_some(bare)
}

/// How to ask for what has no button: "write to data@shop.example", or "ask us: " with the company's words.
pub fn ask(company: &Company) -> String {
    let Some(words) = company
        .privacy_contact
        .as_ref()
        .or(company.contact.as_ref())
    else {
        return "ask us.".to_owned();
    };
    match words.split_whitespace().find_map(address) {
        Some(address) => format!("write to {address}."),
        None => format!("ask us: {words}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_addresses_in_words() {
        assert_eq!(
            pieces("Write to Maeve (hello@shop.example), or ring."),
            [
                Piece::Words("Write to Maeve ("),
                Piece::Address("hello@shop.example"),
                Piece::Words("), or ring."),
            ]
        );
        assert_eq!(
            pieces("a@shop.example b@shop.example"),
            [
                Piece::Address("a@shop.example"),
                Piece::Words(" "),
                Piece::Address("b@shop.example"),
            ]
        );
        for text in ["Ring 01 234 5678.", "We are @shop.", "odd?x=1@shop.example"] {
            assert_eq!(pieces(text), [Piece::Words(text)]);
        }
        assert_eq!(pieces(""), []);
    }

    #[test]
    fn says_how_to_ask() {
        let company = |privacy: Option<&str>, contact: Option<&str>| Company {
            privacy_contact: privacy.map(str::to_owned),
            contact: contact.map(str::to_owned),
            ..Company::default()
        };
        for (privacy, contact, words) in [
            (
                Some("Penny, at penny@records.example."),
                None,
                "write to penny@records.example.",
            ),
            (None, Some("Ring 01 234 5678."), "ask us: Ring 01 234 5678."),
            (None, None, "ask us."),
        ] {
            assert_eq!(ask(&company(privacy, contact)), words);
        }
    }
}
