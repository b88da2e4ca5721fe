//! Hashing passwords: argon2id, off the async threads, and only so many at once, or log-ins would starve the rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use fairhold_store::Random;
use fairhold_store::seal::random_bytes;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::error::{Error, Result};

/// How many may wait before others are told that the portal is busy: about two seconds' work.
const MOST_WAITING: usize = 48;

/// The bounded hasher.
pub(crate) struct Passwords {
    running: Arc<Semaphore>,
    waiting: AtomicUsize,
    /// Checked where no account has the address, so that the time does not tell.
    dummy: String,
}

impl Passwords {
    pub(crate) fn new(random: &dyn Random) -> Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let dummy = hash(
            &SecretString::from("nobody's password"),
            random_bytes(random),
        )?;
        Ok(Self {
            running: Arc::new(Semaphore::new(cores.div_ceil(2))),
            waiting: AtomicUsize::new(0),
            dummy,
        })
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
