//! E-mail addresses: one way in, one normal form.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

/// An address that a mail server would take, in the form that the portal compares.
///
/// Normal form: trimmed, Unicode NFC, lower case in both parts. The part before the `@` is case-sensitive by RFC 5321
/// section 2.4, but no mail system in use treats it so, and people type it either way.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress(String);

/// Why a text is no address. The words are for the person who typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    /// Nothing there.
    #[error("Write your e-mail address, such as name@example.com.")]
    Empty,
    /// RFC 5321 section 4.5.3.1.3: at most 254 characters.
    #[error("This address is too long. Check it and write it again.")]
    TooLong,
    /// Not of the form name@host.
    #[error("This does not look like an e-mail address. Write it like name@example.com.")]
    Malformed,
}

impl EmailAddress {
    /// Reads an address as a person types it.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        // Refused before any work that grows with it.
        if text.len() > 1024 {
            return Err(EmailError::TooLong);
        }
        let normal = Self::normalise(text);
        if normal.is_empty() {
            return Err(EmailError::Empty);
        }
        if normal.len() > 254 {
            return Err(EmailError::TooLong);
        }
        let (local, host) = normal.rsplit_once('@').ok_or(EmailError::Malformed)?;
        let bad = |c: char| c.is_whitespace() || is_unseen(c) || "<>()[]\\,;:\"@".contains(c);
        let label_ok = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        };
        let local_ok = !local.is_empty()
            && local.len() <= 64
            && !local.contains(bad)
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..");
        if local_ok && host.contains('.') && host.split('.').all(label_ok) {
            Ok(Self(normal))
        } else {
            Err(EmailError::Malformed)
        }
    }

    /// The form in which addresses are compared, for any text: what a connected system holds goes through it too.
    pub fn normalise(text: &str) -> String {
        text.trim()
            .nfc()
            .flat_map(char::to_lowercase)
            .nfc()
            .collect()
    }

    /// The address itself. It is personal: seal it, and keep it out of logs and URLs.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Never the address: Debug output ends up in logs.
impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}

/// Control and format characters (Unicode's Cc and Cf): nobody sees them, and some turn what is around them.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}' | '\u{8e2}'
                | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}'
                | '\u{2066}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
                | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0001}'
                | '\u{e0020}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn takes_addresses_as_people_type_them() {
        for (typed, normal) in [
            ("ada@example.com", "ada@example.com"),
            (
                "  Ada.Lovelace+shop@Example.COM \n",
                "ada.lovelace+shop@example.com",
            ),
            ("františekw@jetbrains.com", "františekw@jetbrains.com"),
            ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
            ("e\u{301}va@example.com", "éva@example.com"),
        ] {
            assert_eq!(
                EmailAddress::parse(typed).map(|e| e.0),
                Ok(normal.to_owned()),
                "{typed}"
            );
        }
    }

    #[test]
    fn refuses_what_is_no_address() {
        for (typed, error) in [
            ("", EmailError::Empty),
            ("   ", EmailError::Empty),
            ("ada", EmailError::Malformed),
            ("ada@localhost", EmailError::Malformed),
            ("@example.com", EmailError::Malformed),
            ("a b@example.com", EmailError::Malformed),
            ("a@b@example.com", EmailError::Malformed),
            ("a\0b@example.com", EmailError::Malformed),
            ("a@example.com\r\nBcc: x@example.com", EmailError::Malformed),
            ("<a@example.com>", EmailError::Malformed),
            ("a@-example.com", EmailError::Malformed),
            ("a..b@example.com", EmailError::Malformed),
            ("a\u{202e}b@example.com", EmailError::Malformed),
            ("a\u{200b}b@example.com", EmailError::Malformed),
            ("a\u{ad}b@example.com", EmailError::Malformed),
            ("\u{feff}ab@example.com", EmailError::Malformed),
            ("a\u{2028}b@example.com", EmailError::Malformed),
            ("a\u{2029}b@example.com", EmailError::Malformed),
            ("a\u{85}b@example.com", EmailError::Malformed),
            ("a@exam\u{200d}ple.com", EmailError::Malformed),
        ] {
            assert_eq!(EmailAddress::parse(typed), Err(error), "{typed:?}");
        }
        assert_eq!(
            EmailAddress::parse(&format!("{}@example.com", "a".repeat(10_000))),
            Err(EmailError::TooLong)
        );
    }

    #[test]
    fn accents_keep_people_apart() {
        assert_ne!(
            EmailAddress::parse("adá@example.com"),
            EmailAddress::parse("ada@example.com")
        );
    }

    #[test]
    fn debug_output_hides_the_address() -> Result<(), EmailError> {
        assert!(!format!("{:?}", EmailAddress::parse("ada@example.com")?).contains("ada"));
        Ok(())
    }

    proptest! {
        #[test]
        fn never_panics_and_is_stable(text in "\\PC{0,80}") {
            if let Ok(address) = EmailAddress::parse(&text) {
                prop_assert_eq!(EmailAddress::parse(address.as_str()), Ok(address.clone()));
                prop_assert!(!address.as_str().contains(char::is_control));
            }
        }
    }
}
