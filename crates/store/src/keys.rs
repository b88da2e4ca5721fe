//! The key store: wrapped keys only, in a database of its own. To forget a customer is to destroy one row here.

use std::sync::{Arc, PoisonError, RwLock};

use fairhold_domain::ids::CustomerId;
use fairhold_domain::time::Moment;
use zeroize::Zeroizing;

use crate::db::{Db, Part, Result, StoreError};
use crate::seal::{Random, SecretKey};

/// The key store with its master key, which lives in a file or the environment and never in the database.
#[derive(Clone)]
pub struct KeyStore {
    pub(crate) db: Db,
    pub(crate) masters: Masters,
    pub(crate) random: Arc<dyn Random>,
    portal: PortalKeys,
}

/// The portal's own keys.
#[derive(Clone, Debug)]
pub struct PortalKeys {
    /// For the keyed hashes of addresses.
    pub addresses: SecretKey,
    /// For the chains of looks.
    pub looks: SecretKey,
    /// For what somebody asked at the door, before it is known whose it is.
    pub requests: SecretKey,
    /// For opaque names of facts on pages.
    pub pages: SecretKey,
}

impl PortalKeys {
    /// For what the portal holds of the staff: their addresses and the secrets of their apps.
    pub fn staff(&self) -> SecretKey {
        self.requests.derive("staff")
    }

    /// What certificates of erasures are signed with: the seed of an Ed25519 key.
    pub fn certificates(&self) -> SecretKey {
        self.requests.derive("certificates")
    }

    /// For codes of rewards that wait to be given to somebody.
    pub fn vouchers(&self) -> SecretKey {
        self.requests.derive("vouchers")
    }
}

/// The names of the portal's own keys, in the order of [`PortalKeys`].
pub(crate) const PORTAL_KEYS: [&str; 4] = ["addresses", "looks", "requests", "pages"];

/// The head of a chain of looks as it was at a moment.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Checkpoint {
    /// Whose chain.
    pub customer_id: String,
    /// How many looks it had.
    pub seq: i64,
    /// The last one's code.
    pub mac: Vec<u8>,
}

impl KeyStore {
    /// Brings the schema up to date and opens the portal's own keys, making them the first time.
    ///
    /// # Errors
    /// [`StoreError::Seal`] when the master key is not the one that wrapped them.
    pub async fn open(db: Db, master: SecretKey, random: Arc<dyn Random>) -> Result<Self> {
        db.migrate(Part::Keys).await?;
        let masters = Masters::new(master.clone());
        for name in PORTAL_KEYS {
            make_portal_key(&db, &masters, &*random, name).await?;
        }
        Self::open_as_it_is(db, master, random).await
    }

    /// Opens the portal's own keys and changes nothing.
    ///
    /// # Errors
    /// When there are none yet, and [`StoreError::Seal`] when the master key is not the one that wrapped them.
    pub async fn open_as_it_is(db: Db, master: SecretKey, random: Arc<dyn Random>) -> Result<Self> {
        let [addresses, looks, requests, pages] = PORTAL_KEYS;
        let masters = Masters::new(master);
        let portal = PortalKeys {
            addresses: portal_key(&db, &masters, addresses).await?,
            looks: portal_key(&db, &masters, looks).await?,
            requests: portal_key(&db, &masters, requests).await?,
            pages: portal_key(&db, &masters, pages).await?,
        };
        Ok(Self {
            db,
            masters,
            random,
            portal,
        })
    }

    /// Sets a mark where there is none of that name; answers the one that stands, which is never changed.
    ///
    /// # Errors
    /// When the key store can't be read or written.
    pub async fn mark(&self, name: &'static str, value: &'static str) -> Result<String> {
        let (stands,): (String,) = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let sql = "INSERT INTO marks (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
                    tx.execute(sql, [name.into(), value.into()]).await?;
                    tx.one("SELECT value FROM marks WHERE name = $1", [name.into()]).await
                })
            })
            .await?;
        Ok(stands)
    }

    /// The portal's own keys.
    pub const fn portal(&self) -> &PortalKeys {
        &self.portal
    }

    /// The source of randomness for seals.
    pub fn random(&self) -> &dyn Random {
        &*self.random
    }

    /// Makes a customer's data key. It is durable before any data that it seals.
    pub async fn create(&self, customer: CustomerId, now: Moment) -> Result<SecretKey> {
        let key = SecretKey::generate(&*self.random);
        let master = self.masters.newest(&self.db).await?;
        let wrapped = self.wrap(&master, customer, &key)?;
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let sql = "INSERT INTO data_keys (customer_id, wrapped, created_at) VALUES ($1, $2, $3)";
                    tx.execute(sql, [customer.into(), wrapped.into(), now.into()]).await.map(|_| ())
                })
            })
            .await?;
        // Another process may have begun to change the master key in between, and have passed this customer already.
        let newest = self.masters.newest(&self.db).await?;
        if newest.bytes() != master.bytes() {
            self.wrap_data_keys(&master, &newest).await?;
        }
        Ok(key)
    }

    /// A customer's data key.
    ///
    /// # Errors
    /// [`StoreError::KeyDestroyed`] when it is gone.
    pub async fn of(&self, customer: CustomerId) -> Result<SecretKey> {
        let sql = "SELECT wrapped FROM data_keys WHERE customer_id = $1";
        let row: Option<(Vec<u8>,)> = self
            .db
            .read()
            .await?
            .optional(sql, [customer.into()])
            .await?;
        let (wrapped,) = row.ok_or(StoreError::KeyDestroyed)?;
        self.masters
            .unwrap(&self.db, &wrapped_for(customer), &wrapped)
            .await
    }

    /// Whose data keys were made before `before`, in the order of customers, from after `after`, `limit` at most.
    pub async fn older_than(
        &self,
        before: Moment,
        after: Option<CustomerId>,
        limit: i64,
    ) -> Result<Vec<CustomerId>> {
        let sql = "SELECT customer_id FROM data_keys WHERE customer_id > $1 AND created_at < $2 \
                   AND NOT EXISTS (SELECT 1 FROM look_checkpoints c WHERE c.customer_id = data_keys.customer_id) \
                   ORDER BY customer_id LIMIT $3";
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        let args = [after.into(), before.into(), limit.into()];
        let rows: Vec<(String,)> = self.db.read().await?.all(sql, args).await?;
        let ids = rows.iter().map(|(id,)| CustomerId::parse(id));
        ids.collect::<std::result::Result<_, _>>()
            .map_err(|_| StoreError::Form)
    }

    /// Destroys a customer's data key; what it sealed can't be read again. Answers whether there was one.
    pub async fn destroy(&self, customer: CustomerId) -> Result<bool> {
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let sql = "DELETE FROM look_checkpoints WHERE customer_id = $1";
                    tx.execute(sql, [customer.into()]).await?;
                    let sql = "DELETE FROM data_keys WHERE customer_id = $1";
                    Ok(tx.execute(sql, [customer.into()]).await? > 0)
                })
            })
            .await
    }

    /// Writes down heads of chains, never backwards.
    pub async fn checkpoint(&self, heads: Vec<Checkpoint>, now: Moment) -> Result<()> {
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    for head in heads {
                        let sql = "INSERT INTO look_checkpoints (customer_id, seq, mac, at) VALUES ($1, $2, $3, $4) \
                                   ON CONFLICT (customer_id) DO UPDATE \
                                   SET seq = excluded.seq, mac = excluded.mac, at = excluded.at \
                                   WHERE look_checkpoints.seq < excluded.seq";
                        tx.execute(sql, [head.customer_id.into(), head.seq.into(), head.mac.into(), now.into()]).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// Checkpoints in the order of customers, from after `after`, `limit` at most.
    pub async fn checkpoints(&self, after: &str, limit: i64) -> Result<Vec<Checkpoint>> {
        let sql = "SELECT customer_id, seq, mac FROM look_checkpoints WHERE customer_id > $1 ORDER BY customer_id LIMIT $2";
        self.db
            .read()
            .await?
            .all(sql, [after.into(), limit.into()])
            .await
    }

    /// The checkpoint of one chain.
    pub async fn checkpoint_of(&self, customer: &str) -> Result<Option<Checkpoint>> {
        let sql = "SELECT customer_id, seq, mac FROM look_checkpoints WHERE customer_id = $1";
        self.db.read().await?.optional(sql, [customer.into()]).await
    }

    /// Has the database write over what was deleted everywhere ([`Db::scrub`]).
    ///
    /// # Errors
    /// As there.
    pub async fn scrub(&self) -> Result<()> {
        self.db.scrub().await
    }

    /// Whether the key store answers.
    pub async fn ping(&self) -> Result<()> {
        self.db.ping().await
    }

    /// Ends its connections.
    pub async fn close(&self) {
        self.db.close().await;
    }
}

impl std::fmt::Debug for KeyStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyStore(…)")
    }
}

/// The master key that the portal was started with, and the one that is to follow it, once `fairhold keys rotate` has
/// written it down, sealed with the first.
#[derive(Clone)]
pub(crate) struct Masters {
    pub(crate) current: SecretKey,
    /// As it was last read.
    next: Arc<RwLock<Option<SecretKey>>>,
}

impl Masters {
    fn new(current: SecretKey) -> Self {
        Self {
            current,
            next: Arc::default(),
        }
    }

    /// The key that is to follow; `None` when none is written down, or it is this one that follows.
    pub(crate) async fn next(&self, db: &Db) -> Result<Option<SecretKey>> {
        let sql = "SELECT wrapped FROM portal_keys WHERE name = $1";
        let row: Option<(Vec<u8>,)> = db.read().await?.optional(sql, [NEXT_MASTER.into()]).await?;
        let Some((wrapped,)) = row else {
            return Ok(None);
        };
        match open_key(&self.current, &portal_key_identity(NEXT_MASTER), &wrapped) {
            Ok(next) => {
                *self.next.write().unwrap_or_else(PoisonError::into_inner) = Some(next.clone());
                Ok(Some(next))
            }
            Err(StoreError::Seal) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// The key that new keys are wrapped with.
    ///
    /// # Errors
    /// [`StoreError::Seal`] when another master key has followed and this process was not started again: what it wrapped
    /// nobody could open later.
    pub(crate) async fn newest(&self, db: &Db) -> Result<SecretKey> {
        if let Some(next) = self.next(db).await? {
            return Ok(next);
        }
        let [name, ..] = PORTAL_KEYS;
        let sql = "SELECT wrapped FROM portal_keys WHERE name = $1";
        let row: Option<(Vec<u8>,)> = db.read().await?.optional(sql, [name.into()]).await?;
        if let Some((wrapped,)) = row {
            open_key(&self.current, &portal_key_identity(name), &wrapped)?;
        }
        Ok(self.current.clone())
    }

    /// Opens a wrapped key with the master key, or with the one that follows it.
    async fn unwrap(&self, db: &Db, identity: &str, wrapped: &[u8]) -> Result<SecretKey> {
        match open_key(&self.current, identity, wrapped) {
            Err(StoreError::Seal) => {}
            opened => return opened,
        }
        let known = self
            .next
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let next = match known {
            Some(next) => next,
            None => self.next(db).await?.ok_or(StoreError::Seal)?,
        };
        open_key(&next, identity, wrapped)
    }
}

/// Under this name the master key stands that is to follow.
pub(crate) const NEXT_MASTER: &str = "next-master";

pub(crate) fn wrapped_for(customer: CustomerId) -> String {
    format!("data-key:{customer}")
}

/// Opens a key that this master key wrapped.
pub(crate) fn open_key(master: &SecretKey, identity: &str, wrapped: &[u8]) -> Result<SecretKey> {
    let plain = Zeroizing::new(master.open(identity, wrapped)?);
    plain
        .as_slice()
        .try_into()
        .map(SecretKey::new)
        .map_err(|_| StoreError::Form)
}

/// Makes one of the portal's own keys where it is missing. Two processes may start at once: whoever comes first decides.
async fn make_portal_key(
    db: &Db,
    masters: &Masters,
    random: &dyn Random,
    name: &'static str,
) -> Result<()> {
    let fresh = masters.newest(db).await?.seal(
        &portal_key_identity(name),
        SecretKey::generate(random).bytes(),
        random,
    )?;
    db.write(move |tx| {
        Box::pin(async move {
            let sql = "INSERT INTO portal_keys (name, wrapped) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
            tx.execute(sql, [name.into(), fresh.into()]).await.map(|_| ())
        })
    })
    .await
}

async fn portal_key(db: &Db, masters: &Masters, name: &'static str) -> Result<SecretKey> {
    let sql = "SELECT wrapped FROM portal_keys WHERE name = $1";
    let (wrapped,): (Vec<u8>,) = db.read().await?.one(sql, [name.into()]).await?;
    masters
        .unwrap(db, &portal_key_identity(name), &wrapped)
        .await
}

pub(crate) fn portal_key_identity(name: &str) -> String {
    format!("portal-key:{name}")
}
