//! tower-sessions with our own store: found by the hash of the cookie, with contents that only the cookie opens, and
//! with the customer in a column of their own, so that all sessions of a customer can be ended.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fairhold_app::session::{BUSY, CUSTOMER, DEVICE, PASSWORD_SET_AT, SESSION_ID};
use fairhold_domain::ids::CustomerId;
use fairhold_domain::time::Moment;
use fairhold_portal::world::World;
use fairhold_store::seal::token_hash;
use fairhold_store::sessions::{Kept, Whose};
use fairhold_store::{Db, Random, SecretKey, StoreError, sessions};
use serde_json::Value;
use tower_sessions::SessionStore;
use tower_sessions::cookie::time::OffsetDateTime;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};

/// Seconds that a stranger has to finish a log-in that they began: then its session ends, used or not.
const STRANGERS_SECONDS: i64 = 15 * 60;

/// A session's last use is written down at most this often, in seconds.
const NOTE_USE_EVERY: i64 = 60;

/// Sessions in the portal's own database.
#[derive(Clone)]
pub(crate) struct Sessions {
    pub db: Db,
    pub world: World,
    /// Seconds without use after which a session ends.
    pub idle_seconds: i64,
    /// Seconds after which a session ends in any case.
    pub absolute_seconds: i64,
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sessions")
    }
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        loop {
            let (hash, kept) = self.kept(record)?;
            let now = self.world.clock.now();
            let expires = now.plus_seconds(match kept.whose {
                Some(_) => self.absolute_seconds,
                None => STRANGERS_SECONDS.min(self.absolute_seconds),
            });
            let added = self
                .db
                .write(move |tx| {
                    Box::pin(async move { sessions::add(tx, &hash, now, expires, kept).await })
                })
                .await
                .map_err(backend)?;
            if added {
                return Ok(());
            }
            record.id = Id::default();
        }
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let (hash, kept) = self.kept(record)?;
        let now = self.world.clock.now();
        let stands = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    // The absolute end stays where log-in put it.
                    let Some(stored) = sessions::get(tx, &hash).await? else {
                        return Ok(false);
                    };
                    sessions::save(tx, &hash, now, Moment(stored.expires_at), kept).await
                })
            })
            .await
            .map_err(backend)?;
        if stands {
            Ok(())
        } else {
            Err(Error::Backend("the session has ended".to_owned()))
        }
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let hash = hash_of(id);
        let stored = async { sessions::get(&mut self.db.read().await?, &hash).await };
        let Some(stored) = stored.await.map_err(backend)? else {
            return Ok(None);
        };
        let now = self.world.clock.now();
        let unused = now.seconds_since(Moment(stored.last_seen_at));
        if unused >= self.idle_seconds || stored.expires_at <= now.0 {
            return Ok(None);
        }
        if unused >= NOTE_USE_EVERY.min(self.idle_seconds / 4) {
            self.db
                .write(move |tx| Box::pin(async move { sessions::touch(tx, &hash, now).await }))
                .await
                .map_err(backend)?;
        }
        let plain = key_of(id)
            .open("session", &stored.sealed)
            .map_err(backend)?;
        let data: HashMap<String, Value> =
            serde_json::from_slice(&plain).map_err(|_| Error::Decode("session".to_owned()))?;
        let of_a_customer = data.contains_key(CUSTOMER);
        let password_set_at = data.get(PASSWORD_SET_AT).and_then(Value::as_i64);
        // It began with a password that is not the customer's any more. Looked at here, because the session of a log-in
        // may be kept only after the password was changed and all sessions were ended.
        if of_a_customer && password_set_at != stored.password_changed_at {
            return Ok(None);
        }
        let expiry_date = OffsetDateTime::from_unix_timestamp(stored.expires_at / 1_000_000)
            .map_err(|_| Error::Decode("session".to_owned()))?;
        Ok(Some(Record {
            id: *id,
            data,
            expiry_date,
        }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let hash = hash_of(id);
        self.db
            .write(move |tx| Box::pin(async move { sessions::remove(tx, &hash).await }))
            .await
            .map_err(backend)
    }
}

impl Sessions {
    fn kept(&self, record: &Record) -> Result<(String, Kept)> {
        let random: &Arc<dyn Random> = &self.world.random;
        let plain =
            serde_json::to_vec(&record.data).map_err(|_| Error::Encode("session".to_owned()))?;
        let sealed = key_of(&record.id)
            .seal("session", &plain, &**random)
            .map_err(backend)?;
        let whose = whose(record)?;
        Ok((hash_of(&record.id), Kept { whose, sealed }))
    }
}

fn hash_of(id: &Id) -> String {
    token_hash(&id.to_string())
}

/// The key that only the cookie's bearer has.
fn key_of(id: &Id) -> SecretKey {
    let mut bytes = [0; 32];
    bytes
        .iter_mut()
        .zip(id.0.to_le_bytes())
        .for_each(|(to, from)| *to = from);
    SecretKey::new(bytes).derive("session contents")
}

/// Whose session it is: with a log-in all three values come, or it is none.
fn whose(record: &Record) -> Result<Option<Whose>> {
    let text = |name| record.data.get(name).and_then(Value::as_str);
    let Some(customer) = text(CUSTOMER) else {
        return Ok(None);
    };
    let whose = || {
        Some(Whose {
            customer: CustomerId::parse(customer).ok()?,
            session_id: text(SESSION_ID)?.to_owned(),
            device: STANDARD.decode(text(DEVICE)?).ok()?,
        })
    };
    whose()
        .map(Some)
        .ok_or_else(|| Error::Encode("session".to_owned()))
}

fn backend(e: StoreError) -> Error {
    Error::Backend(match e {
        StoreError::Busy => BUSY.to_owned(),
        e => e.to_string(),
    })
}
