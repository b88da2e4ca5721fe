//! Certificates of erasures: signed with Ed25519 (RFC 8032), so that nobody can write one but this portal, and anybody can
//! tell.

use fairhold_domain::erasure::{Certificate, SIGNED_PART_ENDS};
use fairhold_store::keys::PortalKeys;
use fairhold_store::seal::hex;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

use crate::error::{Error, Result};

/// The longest certificate that is looked at, in bytes.
pub const LONGEST: usize = 256 * 1024;

/// What is wrong with something that is said to be a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotGenuine {
    /// It has not the form of one.
    #[error("This is no certificate, or a part of it is missing.")]
    Form,
    /// Another portal signed it, or somebody else.
    #[error("Somebody else signed this certificate, not this portal.")]
    OtherKey,
    /// It was changed after it was signed.
    #[error("This certificate was changed after it was signed.")]
    Changed,
}

/// The signed document.
pub(super) fn sign(keys: &PortalKeys, certificate: &Certificate) -> Result<String> {
    let pair = pair(keys)?;
    let text = certificate.text();
    let signature = pair.sign(text.as_bytes());
    Ok(format!(
        "{text}{SIGNED_PART_ENDS}Ed25519 key: {}\nSignature: {}\n",
        hex(pair.public_key().as_ref()),
        hex(signature.as_ref())
    ))
}

/// Whether this portal signed a document, and nobody changed it since.
///
/// # Errors
/// What is wrong with it.
pub fn check(keys: &PortalKeys, document: &str) -> std::result::Result<(), NotGenuine> {
    // Whoever pastes it into a form sends other ends of lines.
    let document = document.replace("\r\n", "\n");
    let (text, rest) = document
        .rsplit_once(SIGNED_PART_ENDS)
        .ok_or(NotGenuine::Form)?;
    let line = |name: &str| {
        let found = rest.lines().find_map(|line| line.strip_prefix(name));
        found.and_then(|value| unhex(value.trim()))
    };
    let key = line("Ed25519 key: ").ok_or(NotGenuine::Form)?;
    let signature = line("Signature: ").ok_or(NotGenuine::Form)?;
    let own = pair(keys).map_err(|_| NotGenuine::OtherKey)?;
    if key != own.public_key().as_ref() {
        return Err(NotGenuine::OtherKey);
    }
    let key = UnparsedPublicKey::new(&ED25519, key);
    key.verify(text.as_bytes(), &signature)
        .map_err(|_| NotGenuine::Changed)
}

fn pair(keys: &PortalKeys) -> Result<Ed25519KeyPair> {
    let seed = keys.certificates().seed();
    let pair = Ed25519KeyPair::from_seed_unchecked(&*seed);
    pair.map_err(|_| Error::Store(fairhold_store::StoreError::Form))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = pairs.map(byte).collect();
    bytes.filter(|bytes| bytes.len() * 2 == text.len())
}
