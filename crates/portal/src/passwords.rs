//! Passwords: which are strong enough, and their hashes. Both off the async threads, and only so many at once, or log-ins
//! would starve the rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use fairhold_domain::password::{self, PasswordError};
use fairhold_store::Random;
use fairhold_store::seal::random_bytes;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use zxcvbn::{Score, zxcvbn};

use crate::breached::BreachedPasswords;
use crate::error::{Error, Result};

/// How many may wait before others are told that the portal is busy: about two seconds' work.
const MOST_WAITING: usize = 48;

/// Guesses that a new password must withstand: a hundred million (zxcvbn's own advice: "any score less than 3 should be
/// considered too weak").
const STRONG: Score = Score::Three;

/// Passphrases that stand in every text about passphrases, and so in every list of guesses.
const FAMOUS: [&str; 2] = [
    "correcthorsebatterystaple",
    "thequickbrownfoxjumpsoverthelazydog",
];

/// The bounded judge and hasher.
pub(crate) struct Passwords {
    running: Arc<Semaphore>,
    waiting: AtomicUsize,
    breached: Option<Arc<BreachedPasswords>>,
    /// Checked where no account has the address, so that the time does not tell.
    dummy: String,
}

impl Passwords {
    pub(crate) fn new(random: &dyn Random, breached: Option<BreachedPasswords>) -> Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let dummy = hash(
            &SecretString::from("nobody's password"),
            random_bytes(random),
        )?;
        Ok(Self {
            running: Arc::new(Semaphore::new(cores.div_ceil(2))),
            waiting: AtomicUsize::new(0),
            breached: breached.map(Arc::new),
            dummy,
        })
    }

    /// The hash to keep of a new password, in PHC form, if it is strong enough for the owner of this address.
    pub(crate) async fn accept(
        &self,
        password: SecretString,
        address: &str,
        company: &str,
        random: &dyn Random,
    ) -> Result<String> {
        password::check(password.expose_secret(), address)?;
        let (salt, breached) = (random_bytes(random), self.breached.clone());
        let near = format!("{address} {company} fairhold");
        self.bounded(move || {
            judge(&password, &near, breached.as_deref())?;
            hash(&password, salt)
        })
        .await?
    }

    /// The hash to keep, in PHC form.
    pub(crate) async fn hash(&self, password: SecretString, random: &dyn Random) -> Result<String> {
        let salt = random_bytes(random);
        self.bounded(move || hash(&password, salt)).await?
    }

    /// Whether the password is the one that was hashed; `None` takes as long and is never right.
    pub(crate) async fn verify(
        &self,
        password: SecretString,
        hash: Option<String>,
    ) -> Result<bool> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.dummy.clone());
        let right = self.bounded(move || verify(&password, &hash)).await?;
        Ok(known && right)
    }

    async fn bounded<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let _place = Place::take(&self.waiting)?;
        let permit = self
            .running
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| Error::Busy)?;
        tokio::task::spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        })
        .await
        .map_err(|_| Error::Busy)
    }
}

/// A place in the queue, given back when it is dropped.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize) -> Result<Self> {
        let place = Self(waiting);
        if waiting.fetch_add(1, Ordering::Relaxed) >= MOST_WAITING {
            Err(Error::Busy)
        } else {
            Ok(place)
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn judge(password: &SecretString, near: &str, breached: Option<&BreachedPasswords>) -> Result<()> {
    let password = password.expose_secret();
    if let Some(breached) = breached {
        let is_in = breached.contains(password).map_err(|error| {
            tracing::error!(%error, "the file of breached passwords can't be read");
            Error::Busy
        })?;
        if is_in {
            return Err(PasswordError::Breached.into());
        }
    }
    let bare: String = password.chars().filter(|c| c.is_alphanumeric()).collect();
    let bare = bare.to_lowercase();
    let near = near.to_lowercase();
    let near: Vec<&str> = near.split(|c: char| !c.is_alphanumeric()).collect();
    if FAMOUS.iter().any(|famous| bare.contains(famous)) || zxcvbn(password, &near).score() < STRONG
    {
        return Err(PasswordError::TooEasy.into());
    }
    Ok(())
}

/// argon2id with 19 MiB and two passes (OWASP Password Storage Cheat Sheet; ASVS 5.0, 11.4.2).
fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default())
}

fn hash(password: &SecretString, salt: [u8; 16]) -> Result<String> {
    argon2()
        .hash_password_with_salt(password.expose_secret().as_bytes(), &salt)
        .map(|hash| hash.to_string())
        .map_err(|_| Error::Busy)
}

fn verify(password: &SecretString, hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| {
        argon2()
            .verify_password(password.expose_secret().as_bytes(), &hash)
            .is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(password: &str) -> Result<()> {
        judge(
            &SecretString::from(password),
            "ada.lovelace@example.com Finch & Rowan fairhold",
            None,
        )
    }

    #[test]
    fn what_anyone_would_try_is_refused() {
        for easy in [
            "password",
            "Password123",
            "P@ssw0rd2026",
            "12345678",
            "qwertyuiop",
            "1q2w3e4r5t",
            "iloveyou2",
            "lovelace1815",
            "19751224",
            "abcdefghij",
            "trustno1",
            "correct horse battery staple",
            "CorrectHorseBatteryStaple!",
            "Fairhold2026!",
        ] {
            let refused = judged(easy);
            let too_easy = matches!(refused, Err(Error::Password(PasswordError::TooEasy)));
            assert!(too_easy, "{easy}");
        }
    }

    #[test]
    fn words_that_do_not_belong_together_will_do() {
        for good in [
            "a quiet harbour at dawn",
            "one-small-paper-boat",
            "ärger☂tüte im garten",
            "Xk7#qLw9zt",
            "日本語のとても長い合言葉です",
            &"four words of no great fame ".repeat(30),
        ] {
            assert!(judged(good).is_ok(), "{good}");
        }
    }
}
