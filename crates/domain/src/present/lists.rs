//! Several values in one: `PostgreSQL`'s arrays and `hstore`.

use jiff::tz::TimeZone;

use super::types::Family;
use super::{NOTHING, of_family};

/// No array of `PostgreSQL`'s has more dimensions.
const DEEPEST: usize = 6;

/// `{a,"b c",NULL}`, perhaps with bounds in front (`[0:2]={...}`): "a, b c, nothing".
pub(super) fn array(text: &str, item: &Family, zone: &TimeZone) -> Option<String> {
    let text = match text.strip_prefix('[') {
        Some(bounds) => bounds.split_once('=')?.1,
        None => text,
    };
    let mut rest = text.strip_prefix('{')?;
    let items = items(&mut rest, item, zone, 1)?;
    rest.is_empty().then_some(items)
}

/// The items up to the closing brace, which is taken as well.
fn items(rest: &mut &str, item: &Family, zone: &TimeZone, depth: usize) -> Option<String> {
    let mut shown: Vec<String> = Vec::new();
    if let Some(after) = rest.strip_prefix('}') {
        *rest = after;
        return Some(NOTHING.to_owned());
    }
    loop {
        if let Some(inner) = rest.strip_prefix('{') {
            if depth == DEEPEST {
                return None;
            }
            *rest = inner;
            shown.push(format!("({})", items(rest, item, zone, depth + 1)?));
        } else {
            shown.push(match token(rest, &[',', '}'])? {
                Token::Bare(word) if word.eq_ignore_ascii_case("null") => NOTHING.to_owned(),
                Token::Bare(word) if word.is_empty() => return None,
                Token::Quoted(word) if word.is_empty() => NOTHING.to_owned(),
                Token::Bare(word) | Token::Quoted(word) => {
                    of_family(&word, item, zone).unwrap_or(word)
                }
            });
        }
        let next = rest.chars().next()?;
        *rest = rest.strip_prefix(next)?;
        match next {
            ',' => {}
            '}' => return Some(shown.join(", ")),
            _ => return None,
        }
    }
}

/// `"a"=>"1", "b"=>NULL`: "a: 1, b: nothing".
pub(super) fn hstore(text: &str) -> Option<String> {
    let mut rest = text.trim();
    let mut shown: Vec<String> = Vec::new();
    loop {
        let Token::Quoted(key) = token(&mut rest, &['='])? else {
            return None;
        };
        rest = rest.strip_prefix("=>")?;
        let value = match token(&mut rest, &[','])? {
            Token::Quoted(value) if !value.is_empty() => value,
            Token::Quoted(_) => NOTHING.to_owned(),
            Token::Bare(word) if word.eq_ignore_ascii_case("null") => NOTHING.to_owned(),
            Token::Bare(_) => return None,
        };
        shown.push(format!("{key}: {value}"));
        if rest.is_empty() {
            return Some(shown.join(", "));
        }
        rest = rest.strip_prefix(',')?.trim_start();
    }
}

/// A word of a list.
pub(super) enum Token {
    Bare(String),
    /// It stood in quotes, and is no key word.
    Quoted(String),
}

/// Takes one word off the text, up to one of the ends or the end of the text. A backslash, or a quote in quotes, takes the
/// next character as it is.
pub(super) fn token(rest: &mut &str, ends: &[char]) -> Option<Token> {
    let is_quoted = rest.starts_with('"');
    let mut word = String::new();
    let mut chars = rest.char_indices().skip(usize::from(is_quoted)).peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => word.push(chars.next()?.1),
            '"' if is_quoted => {
                if chars.next_if(|(_, next)| *next == '"').is_none() {
                    *rest = rest.get(at + 1..)?;
                    return Some(Token::Quoted(word));
                }
                word.push('"');
            }
            _ if !is_quoted && ends.contains(&c) => {
                *rest = rest.get(at..)?;
                return Some(Token::Bare(word));
            }
            _ => word.push(c),
        }
    }
    if is_quoted {
        return None;
    }
    *rest = "";
    Some(Token::Bare(word))
}
