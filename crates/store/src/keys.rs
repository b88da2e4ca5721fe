//! The key store: wrapped keys only, in a database of its own. To forget a customer is to destroy one row here.

use std::sync::Arc;

use fairhold_domain::ids::CustomerId;
use fairhold_domain::time::Moment;
use zeroize::Zeroizing;

use crate::db::{Db, Part, Result, StoreError};
use crate::seal::{Random, SecretKey};

/// The key store with its master key, which lives in a file or the environment and never in the database.
#[derive(Clone)]
pub struct KeyStore {
    db: Db,
    master: SecretKey,
    random: Arc<dyn Random>,
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
}

/// The names of the portal's own keys, in the order of [`PortalKeys`].
const PORTAL_KEYS: [&str; 4] = ["addresses", "looks", "requests", "pages"];

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
        for name in PORTAL_KEYS {
            make_portal_key(&db, &master, &*random, name).await?;
        }
        Self::open_as_it_is(db, master, random).await
    }

    /// Opens the portal's own keys and changes nothing.
    ///
    /// # Errors
    /// When there are none yet, and [`StoreError::Seal`] when the master key is not the one that wrapped them.
    pub async fn open_as_it_is(db: Db, master: SecretKey, random: Arc<dyn Random>) -> Result<Self> {
        let [addresses, looks, requests, pages] = PORTAL_KEYS;
        let portal = PortalKeys {
            addresses: portal_key(&db, &master, addresses).await?,
            looks: portal_key(&db, &master, looks).await?,
            requests: portal_key(&db, &master, requests).await?,
            pages: portal_key(&db, &master, pages).await?,
        };
        Ok(Self {
            db,
            master,
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
        let wrapped = self
            .master
            .seal(&wrapped_for(customer), key.bytes(), &*self.random)?;
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let sql = "INSERT INTO data_keys (customer_id, wrapped, created_at) VALUES ($1, $2, $3)";
                    tx.execute(sql, [customer.into(), wrapped.into(), now.into()]).await.map(|_| ())
                })
            })
            .await?;
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
        unwrap(&self.master, &wrapped_for(customer), &wrapped)
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

fn wrapped_for(customer: CustomerId) -> String {
    format!("data-key:{customer}")
}

fn unwrap(master: &SecretKey, identity: &str, wrapped: &[u8]) -> Result<SecretKey> {
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
    master: &SecretKey,
    random: &dyn Random,
    name: &'static str,
) -> Result<()> {
    let fresh = master.seal(
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

async fn portal_key(db: &Db, master: &SecretKey, name: &'static str) -> Result<SecretKey> {
    let sql = "SELECT wrapped FROM portal_keys WHERE name = $1";
    let (wrapped,): (Vec<u8>,) = db.read().await?.one(sql, [name.into()]).await?;
    unwrap(master, &portal_key_identity(name), &wrapped)
}

fn portal_key_identity(name: &str) -> String {
    format!("portal-key:{name}")
}
