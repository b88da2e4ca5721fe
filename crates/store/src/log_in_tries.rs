//! Tries to log in that were not right: by the keyed hash of what was typed, so that an address which nobody has counts
//! like any other, and no network's address is kept.
//!
//! Whoever changes an address's counters holds its row for all networks first, so that no two wait for each other.

use fairhold_domain::log_in_tries::{FADES_AFTER, LogInTries, Tries, Wait};
use fairhold_domain::peer::Network;
use fairhold_domain::time::Moment;

use crate::db::{Result, Tx};
use crate::seal::{SecretKey, hex};

/// In place of a network's hash: all networks together.
const ANYWHERE: &str = "";

/// Where somebody tries to log in, and from where. It holds neither the address nor the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Door {
    address_hash: String,
    network_hash: String,
}

impl Door {
    /// The door of an address, given by its hash, for whoever comes from this network.
    pub fn new(key: &SecretKey, address_hash: &str, network: Network) -> Self {
        let network = network.to_string();
        // The address is in it: that two customers share a network can't be seen.
        let hash = key.keyed_hash(&[b"network", address_hash.as_bytes(), network.as_bytes()]);
        Self {
            address_hash: address_hash.to_owned(),
            network_hash: hex(&hash),
        }
    }
}

/// Takes a try before its password is looked at, or answers how long there is none. Once this is durable the try is
/// counted, whatever becomes of it; tries that come at the same time are counted one after the other.
pub async fn take(tx: &mut Tx, door: &Door, now: Moment) -> Result<Result<(), Wait>> {
    let mut tries = lock(tx, door).await?;
    let taken = tries.take(now);
    put(tx, door, tries).await?;
    Ok(taken)
}

/// Gives the last try back: no password was compared.
pub async fn give_back(tx: &mut Tx, door: &Door) -> Result<()> {
    let mut tries = lock(tx, door).await?;
    tries.give_back();
    put(tx, door, tries).await
}

/// Forgets the wrong tries from this network, and those from all networks together, because one was right. Whoever
/// guesses elsewhere goes on waiting.
pub async fn forget_here(tx: &mut Tx, door: &Door) -> Result<()> {
    let sql = "DELETE FROM log_in_tries WHERE address_hash = $1 AND network_hash = $2";
    for network in [ANYWHERE, &door.network_hash] {
        tx.execute(sql, [door.address_hash.as_str().into(), network.into()])
            .await?;
    }
    Ok(())
}

/// Forgets all wrong tries with an address, wherever they came from.
pub async fn forget(tx: &mut Tx, address_hash: &str) -> Result<()> {
    lock_row(tx, address_hash, ANYWHERE).await?;
    let sql = "DELETE FROM log_in_tries WHERE address_hash = $1";
    tx.execute(sql, [address_hash.into()]).await.map(|_| ())
}

/// Removes counters that have faded.
pub async fn sweep(tx: &mut Tx, now: Moment) -> Result<()> {
    let before = now.plus_seconds(-FADES_AFTER);
    let sql = "DELETE FROM log_in_tries WHERE last_try_at <= $1 AND network_hash = $2";
    tx.execute(sql, [before.into(), ANYWHERE.into()]).await?;
    let sql = "DELETE FROM log_in_tries WHERE last_try_at <= $1";
    tx.execute(sql, [before.into()]).await.map(|_| ())
}

/// Reads both counters and keeps them from others until the transaction ends.
async fn lock(tx: &mut Tx, door: &Door) -> Result<LogInTries> {
    let from_anywhere = lock_row(tx, &door.address_hash, ANYWHERE).await?;
    let from_here = lock_row(tx, &door.address_hash, &door.network_hash).await?;
    Ok(LogInTries {
        from_here,
        from_anywhere,
    })
}

/// Reads a row, made where it is missing, and keeps it from others until the transaction ends.
async fn lock_row(tx: &mut Tx, address_hash: &str, network_hash: &str) -> Result<Tries> {
    // One statement, so that two first tries at once are not both the first.
    let sql = "INSERT INTO log_in_tries (address_hash, network_hash, wrong, last_try_at) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (address_hash, network_hash) DO UPDATE SET wrong = log_in_tries.wrong \
               RETURNING wrong, last_try_at";
    let args = [
        address_hash.into(),
        network_hash.into(),
        Tries::NONE.wrong.into(),
        Tries::NONE.last_at.into(),
    ];
    let (wrong, last_at): (i64, i64) = tx.one(sql, args).await?;
    Ok(Tries {
        wrong,
        last_at: Moment(last_at),
    })
}

async fn put(tx: &mut Tx, door: &Door, tries: LogInTries) -> Result<()> {
    put_row(tx, &door.address_hash, ANYWHERE, tries.from_anywhere).await?;
    put_row(tx, &door.address_hash, &door.network_hash, tries.from_here).await
}

async fn put_row(tx: &mut Tx, address_hash: &str, network_hash: &str, tries: Tries) -> Result<()> {
    let sql = "UPDATE log_in_tries SET wrong = $3, last_try_at = $4 WHERE address_hash = $1 AND network_hash = $2";
    let args = [
        address_hash.into(),
        network_hash.into(),
        tries.wrong.into(),
        tries.last_at.into(),
    ];
    tx.execute(sql, args).await.map(|_| ())
}
