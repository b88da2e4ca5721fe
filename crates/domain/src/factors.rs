//! Second factors: what somebody types where a code is asked for.

use std::fmt;

/// The letters and digits of a recovery code: none looks like another (Crockford's base 32).
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Letters and digits of a recovery code: 50 bits, which nobody guesses (ASVS 5.0, 6.5.1 and 6.5.4).
pub const RECOVERY_LETTERS: usize = 10;

/// So many recovery codes are given out together.
pub const RECOVERY_CODES: usize = 10;

/// Digits of an app's code (RFC 6238).
const CODE_DIGITS: usize = 6;

/// A code, without the spaces and hyphens that people put between.
#[derive(Clone, PartialEq, Eq)]
pub enum Typed {
    /// Six digits from an app.
    FromApp(String),
    /// One of the codes that were written down.
    Recovery(String),
}

/// A code is a secret while it works.
impl fmt::Debug for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FromApp(_) => "FromApp(…)",
            Self::Recovery(_) => "Recovery(…)",
        })
    }
}

/// The text can be no code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("This is no code. Write the six digits from your app, or one of your recovery codes.")]
pub struct CodeError;

/// Reads what was typed.
///
/// # Errors
/// When it can be no code.
pub fn parse(typed: &str) -> Result<Typed, CodeError> {
    if typed.len() > 100 {
        return Err(CodeError);
    }
    let between = |c: char| c.is_whitespace() || c == '-' || c == '–';
    let code: String = typed.chars().filter(|c| !between(*c)).collect();
    if code.len() == CODE_DIGITS && code.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(Typed::FromApp(code));
    }
    let alike = |letter: char| match letter.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    let code: String = code.chars().map(alike).collect();
    let whole = code.len() == RECOVERY_LETTERS && code.bytes().all(|b| LETTERS.contains(&b));
    whole.then_some(Typed::Recovery(code)).ok_or(CodeError)
}

/// A recovery code out of random bytes, as it is compared; [`spaced`] shows it.
pub fn recovery_code(random: [u8; RECOVERY_LETTERS]) -> String {
    let letter = |byte: u8| LETTERS.get(usize::from(byte % 32)).copied();
    let letters = random.into_iter().filter_map(letter);
    letters.map(char::from).collect()
}

/// A recovery code as it is written down: in two halves.
pub fn spaced(code: &str) -> String {
    let (first, second) = code
        .split_at_checked(RECOVERY_LETTERS / 2)
        .unwrap_or((code, ""));
    format!("{first}-{second}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn codes_are_read_as_people_type_them() {
        for typed in ["123456", " 123 456 ", "123-456", "12 34 56"] {
            assert_eq!(
                parse(typed),
                Ok(Typed::FromApp("123456".to_owned())),
                "{typed}"
            );
        }
        for typed in ["0AB1C-DE2F1", "oabIc-de2fl", "0ab1c de2f1", "0AB1CDE2F1"] {
            assert_eq!(
                parse(typed),
                Ok(Typed::Recovery("0AB1CDE2F1".to_owned())),
                "{typed}"
            );
        }
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for typed in [
            "",
            "12345",
            "1234567",
            "12345a",
            "١٢٣٤٥٦",
            "0AB1C-DE2F",
            "0AB1C-DE2U1",
            "🦊",
        ] {
            assert_eq!(parse(typed), Err(CodeError), "{typed}");
        }
        assert_eq!(parse(&" ".repeat(1_000_000)), Err(CodeError));
    }

    #[test]
    fn a_code_is_not_shown() {
        let shown = format!("{:?}", [parse("123456"), parse("0AB1C-DE2F1")]);
        assert!(!shown.contains("123") && !shown.contains("AB1"), "{shown}");
    }

    proptest! {
        #[test]
        fn every_recovery_code_is_read_as_it_is_shown(random in any::<[u8; RECOVERY_LETTERS]>()) {
            let code = recovery_code(random);
            prop_assert_eq!(parse(&spaced(&code)), Ok(Typed::Recovery(code.clone())));
            prop_assert_eq!(parse(&spaced(&code).to_lowercase()), Ok(Typed::Recovery(code)));
        }

        #[test]
        fn any_text_is_read_or_refused(typed in ".{0,60}") {
            drop(parse(&typed));
        }
    }
}
