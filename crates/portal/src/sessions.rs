//! The sessions of a customer: the devices that they are logged in on (ASVS 5.0, 7.5.2).

use fairhold_domain::device;
use fairhold_domain::present;
use fairhold_domain::time::Moment;
use fairhold_store::seal::{hex, new_token};
use fairhold_store::sessions::{self, OwnSession};
use fairhold_store::{StoreError, Tx, known_devices, outbox};

use crate::alerts::Alert;
use crate::error::{Error, Result};
use crate::{Customer, Portal};

/// After so many mails in an hour, a further new device is not told.
const MOST_MAILS_AN_HOUR: i64 = 10;

/// What a session that begins is called, and where.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Its name, which opens nothing.
    pub session_id: String,
    /// The device, sealed for the customer.
    pub device: Vec<u8>,
}

/// A device that the customer is logged in on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The name of its session.
    pub session_id: String,
    /// "Firefox on Windows"
    pub words: String,
    /// When the customer last showed there who they are, as one speaks of it.
    pub logged_in: String,
    /// When it was used last, as one speaks of it.
    pub used: String,
}

impl Portal {
    /// Names a session that begins on the device whose browser calls itself `user_agent`.
    ///
    /// # Errors
    /// When nothing can be sealed.
    pub fn new_session(&self, customer: &Customer, user_agent: &str) -> Result<NewSession> {
        let session_id = self.new_id();
        let device = customer.key.seal(
            &context(&session_id),
            device::describe(user_agent).as_bytes(),
            &*self.inner.world.random,
        )?;
        Ok(NewSession { session_id, device })
    }

    /// Notes that a customer logged in with the device whose cookie holds `token`, and tells them when it is one that they
    /// never logged in with before; their first log-in of all tells nobody. Answers the token for the device's cookie.
    pub async fn note_device(
        &self,
        customer: Customer,
        token: Option<String>,
        user_agent: &str,
    ) -> Result<String> {
        let now = self.now();
        let token = token.unwrap_or_else(|| new_token(&*self.inner.world.random));
        // The customer is in it: that two of them share a device can't be seen.
        let parts: [&[u8]; 2] = [b"known device", token.as_bytes()];
        let hash = hex(&customer.key.keyed_hash(&parts));
        let device = device::describe(user_agent);
        let address = self.address_of(&customer).await?;
        let portal = self.clone();
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let not_the_first = known_devices::has_any(tx, customer.id).await?;
                    let known = known_devices::note(tx, customer.id, &hash, now).await?;
                    // Whoever has the password and comes again and again fills no mailbox: the owner is told already.
                    let an_hour_ago = now.plus_seconds(-3600);
                    let told = outbox::written_since(tx, customer.id, an_hour_ago).await?;
                    if not_the_first && !known && told < MOST_MAILS_AN_HOUR {
                        let alert = Alert::NewDevice(&device);
                        portal.alert(tx, &customer, &address, now, alert).await?;
                    }
                    Ok::<(), Error>(())
                })
            })
            .await?;
        self.inner.bell.ring();
        Ok(token)
    }

    /// The devices that a customer is logged in on, the one used last first.
    pub async fn devices(&self, customer: &Customer) -> Result<Vec<Device>> {
        let now = self.now();
        let idle_since = now.plus_seconds(-self.settings().idle_seconds);
        let mut tx = self.inner.db.read().await?;
        let own = sessions::of_customer(&mut tx, customer.id, now, idle_since).await?;
        drop(tx);
        let zone = self.company().current().zone.clone();
        let spoken = |at: i64| present::spoken(Moment(at).timestamp(), now.timestamp(), &zone);
        let device = |session: OwnSession| {
            Ok(Device {
                words: words(customer, &session)?,
                logged_in: spoken(session.created_at),
                used: spoken(session.last_seen_at),
                session_id: session.session_id,
            })
        };
        let devices = own.into_iter().map(device).collect::<Result<_>>()?;
        self.look_at_log_in(customer).await?;
        Ok(devices)
    }

    /// The devices in words, each with when it was used last.
    pub(crate) async fn devices_of(
        &self,
        tx: &mut Tx,
        customer: &Customer,
    ) -> Result<Vec<(String, Moment)>> {
        let now = self.now();
        let idle_since = now.plus_seconds(-self.settings().idle_seconds);
        let own = sessions::of_customer(tx, customer.id, now, idle_since).await?;
        let device = |session: OwnSession| {
            let seen = Moment(session.last_seen_at);
            Ok((words(customer, &session)?, seen))
        };
        own.into_iter().map(device).collect()
    }

    /// Ends one of the customer's sessions, at once.
    ///
    /// # Errors
    /// [`Error::NotFound`] when they have none of that name.
    pub async fn end_session(&self, customer: &Customer, session_id: &str) -> Result<()> {
        let (id, session_id) = (customer.id, session_id.to_owned());
        let removed = self
            .inner
            .db
            .write(move |tx| {
                Box::pin(async move { sessions::remove_one(tx, id, &session_id).await })
            })
            .await?;
        removed.then_some(()).ok_or(Error::NotFound)
    }

    /// Ends all the customer's sessions but this one, at once.
    pub async fn end_other_sessions(&self, customer: &Customer, this: &str) -> Result<()> {
        let (id, this) = (customer.id, this.to_owned());
        let others = self
            .inner
            .db
            .write(move |tx| Box::pin(async move { sessions::remove_others(tx, id, &this).await }));
        Ok(others.await.map(|_| ())?)
    }
}

fn context(session_id: &str) -> String {
    format!("session-device:{session_id}")
}

fn words(customer: &Customer, session: &OwnSession) -> Result<String> {
    let plain = customer
        .key
        .open(&context(&session.session_id), &session.device)?;
    String::from_utf8(plain).map_err(|_| Error::Store(StoreError::Form))
}
