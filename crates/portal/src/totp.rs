//! Codes that an app makes from a shared secret and the time (TOTP, RFC 6238), as all common apps make them: SHA-1, six
//! digits, thirty seconds.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fairhold_domain::time::Moment;
use fairhold_store::{Random, StoreError, seal};
use qrcode::QrCode;
use qrcode::render::svg;
use secrecy::{ExposeSecret, SecretString};
use totp_rs::{Builder, Secret, Totp};

use crate::error::{Error, Result};

/// Bytes of a secret: as long as the hash (RFC 4226, 4).
const SECRET_BYTES: usize = 20;

/// What somebody needs to set their app up.
#[derive(Clone, Debug)]
pub struct SetUp {
    /// The secret in base 32, in groups of four, to type it in.
    pub key: String,
    /// The same as a picture to scan: an SVG in a `data:` address.
    pub picture: String,
}

/// A new secret, in base 32.
pub fn new_secret(random: &dyn Random) -> SecretString {
    let bytes = seal::random_bytes::<SECRET_BYTES>(random);
    Secret::from(bytes.to_vec()).to_base32().into()
}

/// What somebody needs to set up their app, which then shows `account` at `issuer`.
///
/// # Errors
/// When the secret is none.
pub fn set_up(secret: &SecretString, issuer: &str, account: &str) -> Result<SetUp> {
    // A colon separates the two in the address that is in the picture.
    let plain = |text: &str| text.replace(':', " ");
    let totp = builder(secret)?
        .with_issuer(Some(plain(issuer)))
        .with_account_name(plain(account));
    let address = totp
        .build()
        .map_err(no_secret)?
        .to_url()
        .map_err(no_secret)?;
    let code = QrCode::new(address.as_bytes()).map_err(no_secret)?;
    let picture = code
        .render::<svg::Color<'_>>()
        .min_dimensions(240, 240)
        .build();
    let letters: Vec<char> = secret.expose_secret().chars().collect();
    let groups: Vec<String> = letters
        .chunks(4)
        .map(|four| four.iter().collect())
        .collect();
    Ok(SetUp {
        key: groups.join(" "),
        picture: format!("data:image/svg+xml;base64,{}", STANDARD.encode(picture)),
    })
}

/// The step that a code is of, if it is one of now, of the thirty seconds before or of those after: clocks differ. That
/// each step counts once is up to the caller.
///
/// # Errors
/// When the secret is none.
pub fn check(secret: &SecretString, code: &str, now: Moment) -> Result<Option<i64>> {
    let totp: Totp = builder(secret)?.build().map_err(no_secret)?;
    let seconds = u64::try_from(now.timestamp().as_second()).unwrap_or_default();
    Ok(totp
        .check(code, seconds)
        .and_then(|step| i64::try_from(step).ok()))
}

fn builder(secret: &SecretString) -> Result<Builder> {
    let secret = Secret::try_from_base32(secret.expose_secret()).map_err(no_secret)?;
    Ok(Builder::new().with_secret(secret))
}

/// What is wrong with it might tell of it.
fn no_secret<E>(_: E) -> Error {
    Error::Store(StoreError::Form)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    /// RFC 6238, appendix B: the secret is "12345678901234567890".
    fn secret() -> SecretString {
        "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".to_owned().into()
    }

    fn at(seconds: i64) -> Moment {
        Moment(seconds * 1_000_000)
    }

    #[test]
    fn codes_are_those_of_the_standard() {
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            let step = check(&secret(), code, at(seconds)).unwrap();
            assert_eq!(step, Some(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn a_code_works_for_half_a_minute_on_either_side() {
        let code = "081804";
        let step = 1_111_111_109 / 30;
        for (seconds, works) in [
            ((step - 1) * 30 - 1, false),
            ((step - 1) * 30, true),
            ((step + 2) * 30 - 1, true),
            ((step + 2) * 30, false),
        ] {
            let found = check(&secret(), code, at(seconds)).unwrap();
            assert_eq!(found, works.then_some(step), "{seconds}");
        }
    }

    #[test]
    fn what_is_no_code_is_of_no_step() {
        for code in ["", "0", "08180", "0818040", "abcdef", "０８１８０４"] {
            assert_eq!(check(&secret(), code, at(1_111_111_109)).unwrap(), None);
        }
    }

    #[test]
    fn an_app_is_set_up_by_a_picture_or_by_a_key() {
        let set_up = set_up(&secret(), "Finch: Rowan", "ada@example.com").unwrap();
        assert_eq!(set_up.key, "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        let svg = set_up.picture.strip_prefix("data:image/svg+xml;base64,");
        let svg = String::from_utf8(STANDARD.decode(svg.unwrap()).unwrap()).unwrap();
        assert!(svg.contains("<svg"), "{svg:.80}");
    }

    #[test]
    fn secrets_are_long_and_differ() {
        struct Real;
        impl Random for Real {
            fn fill(&self, bytes: &mut [u8]) {
                rand::fill(bytes);
            }
        }
        let secrets = [new_secret(&Real), new_secret(&Real)];
        let [first, second] = secrets.map(|s| s.expose_secret().to_owned());
        assert_eq!((first.len(), second.len()), (32, 32));
        assert_ne!(first, second);
    }
}
