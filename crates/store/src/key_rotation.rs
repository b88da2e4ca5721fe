//! Another master key: every wrapped key is wrapped again while the portal serves (ASVS 5.0, 11.1.1: keys can be replaced).
//!
//! The new master key is first written down, sealed with the old one, so that processes that were started with the old
//! one can open what is wrapped with the new. When all of them have been started with the new one, that entry goes
//! ([`KeyStore::finish_rotation`]); from then on the old one opens nothing.

use fairhold_domain::ids::CustomerId;

use crate::db::{Result, StoreError};
use crate::keys::{KeyStore, NEXT_MASTER, PORTAL_KEYS, open_key, portal_key_identity, wrapped_for};
use crate::seal::SecretKey;

/// Customers whose keys are wrapped again in one transaction.
const A_PIECE: i64 = 500;

/// How the wrapped keys stand to the master key that the store was opened with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct KeysChecked {
    /// Open with it.
    pub open: u64,
    /// Open only with the one that is to follow.
    pub follow: u64,
    /// Open with neither.
    pub broken: u64,
    /// Whether a master key that is to follow is written down, or the old one's entry still stands.
    pub rotating: bool,
}

impl KeysChecked {
    fn count(&mut self, opened: Option<bool>) {
        match opened {
            Some(false) => self.open += 1,
            Some(true) => self.follow += 1,
            None => self.broken += 1,
        }
    }
}

impl KeyStore {
    pub(crate) fn wrap(
        &self,
        master: &SecretKey,
        customer: CustomerId,
        key: &SecretKey,
    ) -> Result<Vec<u8>> {
        master.seal(&wrapped_for(customer), key.bytes(), &*self.random)
    }

    /// Whether this is the master key that the store was opened with.
    pub fn is_master(&self, key: &SecretKey) -> bool {
        key.bytes() == self.masters.current.bytes()
    }

    /// Wraps all keys with `new`; answers how many were not wrapped with it before. Begun again after it was interrupted, it
    /// goes on.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] while the keys are on their way to another new master key, and [`StoreError::Seal`] when a
    /// key opens with neither: then it is left as it is.
    pub async fn rotate(&self, new: &SecretKey) -> Result<u64> {
        let current = self.masters.current.clone();
        if self.is_master(new) {
            return Ok(0);
        }
        self.write_down(new).await?;
        let mut wrapped = self.wrap_portal_keys(&current, new).await?;
        // A process may have wrapped one with the old key at the moment when the new one was written down.
        loop {
            let again = self.wrap_data_keys(&current, new).await?;
            wrapped += again;
            if again == 0 {
                return Ok(wrapped);
            }
        }
    }

    /// Writes the new master key down, sealed with the old one.
    async fn write_down(&self, new: &SecretKey) -> Result<()> {
        let identity = portal_key_identity(NEXT_MASTER);
        let current = &self.masters.current;
        let sealed = current.seal(&identity, new.bytes(), &*self.random)?;
        let stands = self.db.write(move |tx| {
            Box::pin(async move {
                let sql = "INSERT INTO portal_keys (name, wrapped) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
                tx.execute(sql, [NEXT_MASTER.into(), sealed.into()]).await?;
                let sql = "SELECT wrapped FROM portal_keys WHERE name = $1";
                tx.one::<(Vec<u8>,)>(sql, [NEXT_MASTER.into()]).await
            })
        });
        let (stands,) = stands.await?;
        let stands = open_key(current, &identity, &stands).map_err(|_| StoreError::Conflict)?;
        if stands.bytes() == new.bytes() {
            Ok(())
        } else {
            Err(StoreError::Conflict)
        }
    }

    async fn wrap_portal_keys(&self, from: &SecretKey, to: &SecretKey) -> Result<u64> {
        let mut again = 0;
        for name in PORTAL_KEYS {
            let identity = portal_key_identity(name);
            let sql = "SELECT wrapped FROM portal_keys WHERE name = $1";
            let (old,): (Vec<u8>,) = self.db.read().await?.one(sql, [name.into()]).await?;
            if open_key(to, &identity, &old).is_ok() {
                continue;
            }
            let key = open_key(from, &identity, &old)?;
            let wrapped = to.seal(&identity, key.bytes(), &*self.random)?;
            let write = self.db.write(move |tx| {
                Box::pin(async move {
                    let sql =
                        "UPDATE portal_keys SET wrapped = $3 WHERE name = $1 AND wrapped = $2";
                    tx.execute(sql, [name.into(), old.into(), wrapped.into()])
                        .await
                })
            });
            again += write.await?;
        }
        Ok(again)
    }

    /// Goes once through all data keys, and wraps those with `to` that `from` wrapped; answers how many. One that is destroyed
    /// in between stays destroyed.
    pub(crate) async fn wrap_data_keys(&self, from: &SecretKey, to: &SecretKey) -> Result<u64> {
        let (mut after, mut again) = (String::new(), 0);
        loop {
            let rows = self.piece(&after).await?;
            let Some((last, _)) = rows.last() else {
                return Ok(again);
            };
            after.clone_from(last);
            let mut changed = Vec::new();
            for (id, old) in rows {
                let customer = CustomerId::parse(&id).map_err(|_| StoreError::Form)?;
                let identity = wrapped_for(customer);
                if open_key(to, &identity, &old).is_ok() {
                    continue;
                }
                let key = open_key(from, &identity, &old)?;
                changed.push((id, old, self.wrap(to, customer, &key)?));
            }
            let write = self.db.write(move |tx| {
                Box::pin(async move {
                    let mut done = 0;
                    for (id, old, wrapped) in changed {
                        let sql =
                            "UPDATE data_keys SET wrapped = $3 WHERE customer_id = $1 AND wrapped = $2";
                        done += tx
                            .execute(sql, [id.into(), old.into(), wrapped.into()])
                            .await?;
                    }
                    Ok::<u64, StoreError>(done)
                })
            });
            again += write.await?;
        }
    }

    /// Wrapped data keys in the order of customers, from after `after`.
    async fn piece(&self, after: &str) -> Result<Vec<(String, Vec<u8>)>> {
        let sql = "SELECT customer_id, wrapped FROM data_keys WHERE customer_id > $1 ORDER BY customer_id LIMIT $2";
        self.db
            .read()
            .await?
            .all(sql, [after.into(), A_PIECE.into()])
            .await
    }

    /// Tries every wrapped key, and changes nothing.
    pub async fn check(&self) -> Result<KeysChecked> {
        let next = self.masters.next(&self.db).await?;
        let opens = |identity: &str, wrapped: &[u8]| {
            let with = |master: &SecretKey| open_key(master, identity, wrapped).is_ok();
            if with(&self.masters.current) {
                Some(false)
            } else {
                next.as_ref().is_some_and(with).then_some(true)
            }
        };
        let sql = "SELECT name, wrapped FROM portal_keys ORDER BY name";
        let portal: Vec<(String, Vec<u8>)> = self.db.read().await?.all(sql, []).await?;
        let mut checked = KeysChecked {
            rotating: portal.iter().any(|(name, _)| name == NEXT_MASTER),
            ..KeysChecked::default()
        };
        for (name, wrapped) in portal.iter().filter(|(name, _)| name != NEXT_MASTER) {
            checked.count(opens(&portal_key_identity(name), wrapped));
        }
        let mut after = String::new();
        loop {
            let rows = self.piece(&after).await?;
            let Some((last, _)) = rows.last() else {
                return Ok(checked);
            };
            after.clone_from(last);
            for (id, wrapped) in &rows {
                let customer = CustomerId::parse(id).map_err(|_| StoreError::Form)?;
                checked.count(opens(&wrapped_for(customer), wrapped));
            }
        }
    }

    /// Turns a rotation back, on a store that was opened with the old master key: all keys are wrapped with it again, and the
    /// new one is forgotten. Answers how many were wrapped again.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when there is none to turn back.
    pub async fn turn_back(&self) -> Result<u64> {
        let next = self.masters.next(&self.db).await?;
        let next = next.ok_or(StoreError::Conflict)?;
        let old = self.masters.current.clone();
        let mut again = self.wrap_portal_keys(&next, &old).await?;
        again += self.wrap_data_keys(&next, &old).await?;
        self.forget_next().await?;
        // A process may have wrapped one with the new key at the moment when it was forgotten.
        Ok(again + self.wrap_data_keys(&next, &old).await?)
    }

    async fn forget_next(&self) -> Result<()> {
        let end = self.db.write(move |tx| {
            Box::pin(async move {
                let sql = "DELETE FROM portal_keys WHERE name = $1";
                tx.execute(sql, [NEXT_MASTER.into()]).await.map(|_| ())
            })
        });
        end.await
    }

    /// Ends a rotation, on a store that was opened with the new master key: the entry by which the old one led to it goes.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] while another master key is to follow the one of this store, or a key does not open with it:
    /// then nothing changes.
    pub async fn finish_rotation(&self) -> Result<()> {
        let to_follow = self.masters.next(&self.db).await?.is_some();
        let checked = self.check().await?;
        if to_follow || checked.follow + checked.broken > 0 {
            return Err(StoreError::Conflict);
        }
        self.forget_next().await
    }
}
