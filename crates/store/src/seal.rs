//! Sealing: XChaCha20-Poly1305 with the record's identity as associated data, keyed hashes, and one-way tokens.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use crate::db::{Result, StoreError};

/// Where randomness comes from; injected, so that tests repeat.
pub trait Random: Send + Sync {
    /// Fills the bytes with what nobody can guess.
    fn fill(&self, bytes: &mut [u8]);
}

/// Fresh random bytes.
pub fn random_bytes<const N: usize>(random: &dyn Random) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill(&mut bytes);
    bytes
}

/// A 256-bit key. It wipes itself, and Debug output does not show it.
#[derive(Clone)]
pub struct SecretKey([u8; 32]);

/// Bytes that only the right key opens: a 24-byte nonce, then ciphertext and tag.
pub type Sealed = Vec<u8>;

const NONCE_BYTES: usize = 24;

impl SecretKey {
    /// Takes a key's bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A fresh key.
    pub fn generate(random: &dyn Random) -> Self {
        Self(random_bytes(random))
    }

    /// Reads a key from 64 hexadecimal digits or from base64, as key files hold it.
    pub fn from_text(text: &str) -> Option<Self> {
        let text = text.trim();
        let bytes = Zeroizing::new(if text.len() == 64 {
            from_hex(text)?
        } else {
            STANDARD
                .decode(text)
                .or_else(|_| URL_SAFE_NO_PAD.decode(text))
                .ok()?
        });
        bytes.as_slice().try_into().ok().map(Self)
    }

    /// The key as a key file holds it: base64.
    pub fn to_text(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// Seals bytes to this key and to what they are: `identity` must be the same when they are opened.
    pub fn seal(&self, identity: &str, plain: &[u8], random: &dyn Random) -> Result<Sealed> {
        let nonce: [u8; NONCE_BYTES] = random_bytes(random);
        let cipher = XChaCha20Poly1305::new(&self.0.into());
        let sealed = cipher
            .encrypt(
                &XNonce::from(nonce),
                Payload {
                    msg: plain,
                    aad: identity.as_bytes(),
                },
            )
            .map_err(|_| StoreError::Seal)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what [`Self::seal`] made.
    ///
    /// # Errors
    /// [`StoreError::Seal`] for another key, another identity, or changed bytes.
    pub fn open(&self, identity: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        let (nonce, body) = sealed
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or(StoreError::Seal)?;
        XChaCha20Poly1305::new(&self.0.into())
            .decrypt(
                &XNonce::from(*nonce),
                Payload {
                    msg: body,
                    aad: identity.as_bytes(),
                },
            )
            .map_err(|_| StoreError::Seal)
    }

    /// HMAC-SHA-256 over the parts, each led by its length so that no two lists of parts look alike.
    pub fn keyed_hash(&self, parts: &[&[u8]]) -> [u8; 32] {
        // RFC 2104 fills a key up to the hash's block with zeros. Done here, nothing is left that could fail.
        let mut block = Zeroizing::new([0; 64]);
        for (to, from) in block.iter_mut().zip(self.0) {
            *to = from;
        }
        let mut mac = <Hmac<Sha256> as KeyInit>::new((&*block).into());
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// A key for another use, derived from this one (HKDF-SHA-256, RFC 5869).
    #[must_use]
    pub fn derive(&self, use_of_it: &str) -> Self {
        let mut key = [0; 32];
        // 32 bytes are far below HKDF's limit of 255 hashes.
        if hkdf::Hkdf::<Sha256>::new(None, &self.0)
            .expand(use_of_it.as_bytes(), &mut key)
            .is_err()
        {
            key = self.keyed_hash(&[use_of_it.as_bytes()]);
        }
        Self(key)
    }

    /// The bytes as the seed of a key pair.
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0)
    }

    pub(crate) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Drop for SecretKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

/// A fresh token of 256 bits for a cookie or a mail link, as URL-safe text. Store only its [`token_hash`].
pub fn new_token(random: &dyn Random) -> String {
    URL_SAFE_NO_PAD.encode(random_bytes::<32>(random))
}

/// What is stored of a token: SHA-256, enough for a value that can't be guessed.
pub fn token_hash(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            for nibble in [byte >> 4, byte & 15] {
                text.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
            }
            text
        })
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    let pairs = text.as_bytes().chunks_exact(2);
    pairs
        .map(|pair| {
            pair.iter()
                .try_fold(0, |number: u8, byte| Some(number << 4 | digit(*byte)?))
        })
        .collect()
}

/// Whether two secrets are equal, in a time that does not tell where they differ.
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    subtle::ConstantTimeEq::ct_eq(a, b).into()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    /// Counts up, so that no two fills are alike.
    struct Counting(std::sync::atomic::AtomicU8);

    impl Random for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for byte in bytes {
                *byte = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
        }
    }

    fn counting() -> Counting {
        Counting(0.into())
    }

    fn key() -> SecretKey {
        SecretKey::generate(&counting())
    }

    #[test]
    fn opens_what_it_sealed_and_never_seals_alike() {
        let random = counting();
        let (first, second) = (
            key().seal("a", b"words", &random).unwrap(),
            key().seal("a", b"words", &random).unwrap(),
        );
        assert_ne!(first, second);
        for sealed in [first, second] {
            assert_eq!(key().open("a", &sealed).unwrap(), b"words");
            assert!(matches!(key().open("b", &sealed), Err(StoreError::Seal)));
            let other = SecretKey::new([1; 32]);
            assert!(matches!(other.open("a", &sealed), Err(StoreError::Seal)));
        }
    }

    #[test]
    fn what_is_too_short_does_not_open() {
        for length in [0, 1, 23, 24, 39] {
            assert!(matches!(
                key().open("a", &vec![0; length]),
                Err(StoreError::Seal)
            ));
        }
    }

    /// Worked out with another implementation of HMAC-SHA-256 and HKDF-SHA-256.
    #[test]
    fn hashes_as_the_standards_say() {
        let hash = key().keyed_hash(&[b"look", b"", &[0; 3]]);
        assert_eq!(
            hex(&hash),
            "6556731ea03e4aed53a0e4631db6ff10b3914baeba5d02b149448798c08f0f81"
        );
        let derived = key().derive("session contents");
        assert_eq!(
            hex(derived.bytes()),
            "a45d68d328686557c76e6b2a3330ca552cc933a625fa5d7be34350c37768500d"
        );
    }

    #[test]
    fn parts_can_not_be_shifted() {
        assert_ne!(
            key().keyed_hash(&[b"ab", b"c"]),
            key().keyed_hash(&[b"a", b"bc"])
        );
        assert_ne!(key().keyed_hash(&[b"a", b""]), key().keyed_hash(&[b"a"]));
    }

    #[test]
    fn keys_are_read_from_both_forms() {
        let digits = hex(key().bytes());
        let texts = [
            key().to_text(),
            format!(" {}\n", key().to_text()),
            digits.to_uppercase(),
            digits.clone(),
            URL_SAFE_NO_PAD.encode(key().bytes()),
        ];
        for text in texts {
            assert_eq!(SecretKey::from_text(&text).unwrap().bytes(), key().bytes());
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let digits = hex(key().bytes());
        let wrong = [
            String::new(),
            "password".to_owned(),
            STANDARD.encode([0; 31]),
            STANDARD.encode([0; 33]),
            digits.replace('0', "g"),
            digits.replace('0', "+"),
            "é".repeat(32),
        ];
        for text in wrong {
            assert!(SecretKey::from_text(&text).is_none(), "{text} was taken");
        }
    }

    #[test]
    fn a_key_is_not_shown() {
        assert_eq!(format!("{:?}", key()), "SecretKey(…)");
    }

    #[test]
    fn tokens_are_long_and_only_their_hash_is_stored() {
        let token = new_token(&counting());
        assert_eq!(URL_SAFE_NO_PAD.decode(&token).unwrap().len(), 32);
        // SHA-256 of "abc", FIPS 180-4.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(token_hash("abc"), abc);
        assert_ne!(token_hash(&token), token);
    }

    #[test]
    fn compares_secrets() {
        assert!(equal(b"", b"") && equal(b"ab", b"ab"));
        assert!(!equal(b"ab", b"ac") && !equal(b"ab", b"a"));
    }
}
