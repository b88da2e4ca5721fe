//! Passwords: what is asked of them. Length is the rule; there are no rules on kinds of characters.

/// ASVS 5.0, 6.2.1: at least 8 characters.
pub const SHORTEST: usize = 8;
/// ASVS 5.0, 6.2.1: 15 are advised.
pub const ADVISED: usize = 15;
/// ASVS 5.0, 6.2.9: 64 and more are allowed; the end keeps hashing affordable.
pub const LONGEST_BYTES: usize = 1024;

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Fewer than [`SHORTEST`] characters.
    #[error("Use at least 8 characters. Three or four words work well.")]
    TooShort,
    /// More than [`LONGEST_BYTES`].
    #[error("This password is too long. Use fewer than 1,000 characters.")]
    TooLong,
    /// One of the first that a thief would try.
    #[error(
        "This password is too easy to guess. Try three or four words that do not belong together."
    )]
    TooEasy,
    /// It is on the operator's list of passwords that thieves have already.
    #[error(
        "Thieves know this password: it was stolen from another site. Choose one that you use nowhere else."
    )]
    Breached,
}

/// Whether a new password has the length that is asked for, and is more than its owner's address. How easily it is guessed
/// otherwise takes lists of words to say, which are no rule.
///
/// # Errors
/// The first reason why it will not do.
pub fn check(password: &str, address: &str) -> Result<(), PasswordError> {
    if password.len() > LONGEST_BYTES {
        return Err(PasswordError::TooLong);
    }
    if password.chars().count() < SHORTEST {
        return Err(PasswordError::TooShort);
    }
    let lower = password.to_lowercase();
    let one_letter = lower.chars().all(|c| lower.starts_with(c));
    let own_name = !address.is_empty()
        && (lower == address || address.split('@').next() == Some(lower.as_str()));
    if one_letter || own_name {
        return Err(PasswordError::TooEasy);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_the_rule() {
        assert_eq!(
            check("seven77", "ada@example.com"),
            Err(PasswordError::TooShort)
        );
        assert_eq!(check("a quiet harbour", "ada@example.com"), Ok(()));
        assert_eq!(check("ärger☂tüte", "ada@example.com"), Ok(()));
        assert_eq!(
            check(&"correct horse ".repeat(10), "ada@example.com"),
            Ok(())
        );
        assert_eq!(
            check(&"x y".repeat(400), "ada@example.com"),
            Err(PasswordError::TooLong)
        );
    }

    #[test]
    fn an_address_or_one_letter_is_no_password() {
        for easy in ["aaaaaaaaaa", "ada.lovelace", "ADA.LOVELACE@example.com"] {
            assert_eq!(
                check(easy, "ada.lovelace@example.com"),
                Err(PasswordError::TooEasy),
                "{easy}"
            );
        }
    }
}
