//! One value of a table in CSV (RFC 4180), written so that no spreadsheet takes it for a formula.

use std::borrow::Cow;

/// The value as it stands between two commas.
///
/// What begins like a formula gets a `'` in front (OWASP, "CSV Injection": `=`, `+`, `-`, `@`, tab, carriage return; a line
/// feed and their full-width forms as well). A number stays a number.
pub fn cell(text: &str) -> Cow<'_, str> {
    let is_formula = begins_like_a_formula(text) && !is_number(text);
    let is_quoted = text.contains(['"', ',', '\n', '\r', '\'', ';', '\t'])
        || text.starts_with(' ')
        || text.ends_with(' ')
        || text.contains('\0');
    if !is_formula && !is_quoted {
        return Cow::Borrowed(text);
    }
    let mut quoted = String::with_capacity(text.len() + 4);
    quoted.push('"');
    if is_formula {
        quoted.push('\'');
    }
    write_letters(&mut quoted, text);
    quoted.push('"');
    Cow::Owned(quoted)
}

/// What stands before a value that comes in pieces, of which this is the first; a `"` stands behind the last.
pub fn begin_cell(first: &str) -> &'static str {
    if begins_like_a_formula(first) {
        "\"'"
    } else {
        "\""
    }
}

/// A piece of a value that comes in pieces.
pub fn write_letters(out: &mut String, text: &str) {
    for letter in text.chars() {
        if letter == '"' {
            out.push('"');
        }
        out.push(letter);
    }
}

fn begins_like_a_formula(text: &str) -> bool {
    text.starts_with([
        '=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ])
}

/// A number such as `-3.5`: it begins as a formula may, and is none.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    are_digits(whole) && are_digits(part)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn formulas_are_texts_and_numbers_stay() {
        for (text, written) in [
            ("Ada", "Ada"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "\"'=1+1\""),
            ("=cmd|' /C calc'!A0", "\"'=cmd|' /C calc'!A0\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("+353871234567", "+353871234567"),
            ("+353 87", "\"'+353 87\""),
            ("-3.50", "-3.50"),
            ("-3.5.1", "\"'-3.5.1\""),
            ("-2+3", "\"'-2+3\""),
            ("\t=1", "\"'\t=1\""),
            ("\r=1", "\"'\r=1\""),
            ("\u{ff1d}1", "\"'\u{ff1d}1\""),
            ("-", "\"'-\""),
        ] {
            assert_eq!(cell(text), written);
        }
    }

    /// What a reader of RFC 4180 gets back from one value.
    fn read(written: &str) -> String {
        written
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .map_or_else(|| written.to_owned(), |inner| inner.replace("\"\"", "\""))
    }

    proptest! {
        #[test]
        fn a_value_comes_back_and_is_no_formula(text in "\\PC*|[-=+@\t\r\n\"',;0-9. ]{0,12}") {
            let written = cell(&text);
            let back = read(&written);
            prop_assert!(back == text || back.strip_prefix('\'') == Some(&text));
            let begins = back.chars().next().unwrap_or('a');
            prop_assert!(!"=+-@\t\r".contains(begins) || is_number(&back));
            // Nothing outside the quotes could end the value.
            if !written.starts_with('"') {
                prop_assert!(!written.contains([',', '\n', '\r', '"']));
            }
        }
    }
}
