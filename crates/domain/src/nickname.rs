//! What a member of a programme wants to be called. Nobody asks for a name.

use unicode_normalization::UnicodeNormalization as _;

/// The longest one, in characters.
pub const LONGEST: usize = 40;

/// What will not do as a nickname.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NicknameError {
    /// More than [`LONGEST`] characters.
    #[error("This is too long for a nickname. Write 40 letters at most.")]
    TooLong,
    /// Something in it can't be seen, or turns the text around.
    #[error("We can't read this. Write letters, digits and spaces.")]
    Unreadable,
}

/// A nickname, without spaces around it; `None` where nothing was typed.
///
/// # Errors
/// When the text will not do.
pub fn parse(text: &str) -> Result<Option<String>, NicknameError> {
    let nickname: String = text.trim().nfc().collect();
    if nickname.chars().any(is_unseen) {
        return Err(NicknameError::Unreadable);
    }
    if nickname.chars().count() > LONGEST {
        return Err(NicknameError::TooLong);
    }
    Ok(Some(nickname).filter(|nickname| !nickname.is_empty()))
}

/// Control characters, and those that join, hide or reorder others (Unicode, `Default_Ignorable` and Bidi controls).
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_typed_is_no_nickname() {
        for (text, nickname) in [
            ("", Ok(None)),
            ("  \t ", Ok(None)),
            (" Birdie ", Ok(Some("Birdie".to_owned()))),
            ("e\u{301}va", Ok(Some("éva".to_owned()))),
            ("a\nb", Err(NicknameError::Unreadable)),
            ("a\u{202e}b", Err(NicknameError::Unreadable)),
            ("\u{200b}", Err(NicknameError::Unreadable)),
        ] {
            assert_eq!(parse(text), nickname, "{text:?}");
        }
        assert!(parse(&"é".repeat(LONGEST)).is_ok());
        assert_eq!(parse(&"é".repeat(LONGEST + 1)), Err(NicknameError::TooLong));
    }

    proptest! {
        #[test]
        fn what_was_taken_is_taken_as_it_stands(text in ".{0,60}") {
            if let Ok(Some(taken)) = parse(&text) {
                prop_assert!(taken.chars().count() <= LONGEST);
                prop_assert_eq!(parse(&taken), Ok(Some(taken)));
            }
        }
    }
}
