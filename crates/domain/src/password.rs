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
    /// The same as the address, or one letter again and again.
    #[error(
        "This password is too easy to guess. Try three or four words that do not belong together."
    )]
    TooEasy,
}

/// Whether a new password will do for the owner of this address.
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
    let well_known = COMMON.contains(&lower.trim_end_matches(|c: char| !c.is_alphabetic()))
        || COMMON.contains(&lower.as_str());
    if one_letter || own_name || well_known {
        return Err(PasswordError::TooEasy);
    }
    Ok(())
}

/// The first that anyone tries, of eight characters and more or followed by digits; a longer list comes with the step
/// on accounts.
const COMMON: &[&str] = &[
    "12345678",
    "123456789",
    "1234567890",
    "password",
    "passw0rd",
    "qwertyui",
    "qwertyuiop",
    "qwerty",
    "iloveyou",
    "sunshine",
    "princess",
    "football",
    "baseball",
    "welcome",
    "letmein",
    "trustno1",
    "superman",
    "1q2w3e4r",
    "abcd1234",
    "abc",
    "admin",
    "administrator",
    "changeme",
    "dragon",
    "monkey",
    "computer",
    "internet",
    "starwars",
];

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
    fn what_anyone_would_try_is_refused() {
        for easy in [
            "password",
            "Password123",
            "12345678",
            "aaaaaaaaaa",
            "ada.lovelace",
            "ADA.LOVELACE@example.com",
        ] {
            assert_eq!(
                check(easy, "ada.lovelace@example.com"),
                Err(PasswordError::TooEasy),
                "{easy}"
            );
        }
    }
}
