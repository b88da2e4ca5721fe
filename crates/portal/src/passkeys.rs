//! Passkeys (W3C Web Authentication): a key in the customer's device, which checks who holds it.
//!
//! Only discoverable ones: whoever logs in with one says nothing else, so nothing can be learnt here about an address.
//! What a ceremony began with is kept by the session and used once.

use fairhold_domain::ids::CustomerId;
use fairhold_domain::present;
use fairhold_domain::time::Moment;
use fairhold_store::factors::{self, StoredPasskey};
use fairhold_store::seal::hex;
use fairhold_store::{StoreError, Tx, accounts};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;
use webauthn_rs::prelude::{
    DiscoverableAuthentication, DiscoverableKey, Passkey, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, WebauthnError,
};
use webauthn_rs::{Webauthn, WebauthnBuilder};
use webauthn_rs_proto::ResidentKeyRequirement;

use crate::accounts::LogIn;
use crate::alerts::Alert;
use crate::error::{Error, Result};
use crate::factors::NewRecoveryCodes;
use crate::{Customer, Portal};

/// More passkeys than anybody has devices.
const MOST: usize = 20;

/// Letters of a passkey's name at most.
pub const LONGEST_NAME: usize = 60;

/// A ceremony that has begun: what the browser is asked, and what its answer is held against.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ceremony {
    /// For the browser, as JSON.
    pub options: String,
    /// For the end of the ceremony; it stays on the server.
    pub state: String,
}

/// A passkey as its customer sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnPasskey {
    /// Its name in forms, which opens nothing.
    pub passkey_id: String,
    /// What the customer calls it.
    pub name: String,
    /// When it was added, as one speaks of it.
    pub added: String,
    /// When it was used last, as one speaks of it.
    pub used: Option<String>,
}

/// The relying party of this portal; `None` where browsers allow none: at a bare IP address.
pub(crate) fn relying_party(public_url: &str, name: &str) -> Option<Webauthn> {
    let origin = Url::parse(public_url).ok()?;
    let host = origin.domain()?.to_owned();
    let builder = WebauthnBuilder::new(&host, &origin).ok()?;
    builder.rp_name(name).build().ok()
}

impl Portal {
    /// Whether passkeys can work at this portal's address.
    pub fn has_passkeys(&self) -> bool {
        self.relying_party().is_ok()
    }

    /// Begins to add a passkey.
    ///
    /// # Errors
    /// [`Error::NotFound`] where passkeys can't work, or the customer has too many.
    pub async fn start_passkey(&self, customer: &Customer) -> Result<Ceremony> {
        let party = self.relying_party()?;
        let own = self.stored_passkeys(customer).await?;
        if own.len() >= MOST {
            return Err(Error::NotFound);
        }
        let known: Vec<Passkey> = own
            .iter()
            .map(|stored| open(customer, stored))
            .collect::<Result<_>>()?;
        let known = known.iter().map(|key| key.cred_id().clone()).collect();
        // The browser shows it, so that they know which account the passkey is for.
        let address = self.address_of(customer).await?;
        self.look_at_log_in(customer).await?;
        let (mut options, state) = party
            .start_passkey_registration(
                self.user_handle(customer.id),
                address.as_str(),
                address.as_str(),
                Some(known),
            )
            .map_err(ours)?;
        // Only a discoverable one can log somebody in who says nothing else.
        if let Some(selection) = &mut options.public_key.authenticator_selection {
            selection.resident_key = Some(ResidentKeyRequirement::Required);
            selection.require_resident_key = true;
        }
        Ok(Ceremony {
            options: json(&options.public_key)?,
            state: json(&state)?,
        })
    }

    /// Keeps the passkey that the browser made. The first factor brings recovery codes.
    ///
    /// # Errors
    /// [`Error::Passkey`] when the answer does not belong to the ceremony, or anybody has the passkey already.
    pub async fn add_passkey(
        &self,
        customer: Customer,
        state: &str,
        answer: &str,
        name: &str,
    ) -> Result<Option<NewRecoveryCodes>> {
        let party = self.relying_party()?;
        let state: PasskeyRegistration = from_json(state)?;
        let answer: RegisterPublicKeyCredential = from_json(answer)?;
        let discoverable = answer.extensions.cred_props.as_ref().and_then(|p| p.rk);
        if discoverable == Some(false) {
            return Err(Error::Passkey);
        }
        let passkey = party
            .finish_passkey_registration(&answer, &state)
            .map_err(refused)?;
        let now = self.now();
        let passkey_id = self.new_id();
        let random = &*self.inner.world.random;
        let stored = StoredPasskey {
            name: customer
                .key
                .seal(&name_context(&passkey_id), name.as_bytes(), random)?,
            sealed: seal(self, &customer, &passkey_id, &passkey)?,
            passkey_id,
            added_at: now.0,
            used_at: None,
        };
        let hash = self.credential_hash(passkey.cred_id().as_ref());
        let address = self.address_of(&customer).await?;
        let portal = self.clone();
        let made = self
            .inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let made = portal.first_recovery_codes(tx, &customer).await?;
                    if !factors::add_passkey(tx, customer.id, &hash, stored).await? {
                        return Err(Error::Passkey);
                    }
                    portal
                        .alert(tx, &customer, &address, now, Alert::PasskeyAdded)
                        .await?;
                    Ok(made)
                })
            })
            .await?;
        self.inner.bell.ring();
        Ok(made)
    }

    /// Begins a log-in with any passkey of this portal.
    ///
    /// # Errors
    /// [`Error::NotFound`] where passkeys can't work.
    pub fn ask_for_passkey(&self) -> Result<Ceremony> {
        let party = self.relying_party()?;
        let (options, state) = party.start_discoverable_authentication().map_err(ours)?;
        Ok(Ceremony {
            options: json(&options.public_key)?,
            state: json(&state)?,
        })
    }

    /// Who answered with a passkey. Its device has checked who holds it, so this is a whole log-in.
    ///
    /// # Errors
    /// [`Error::Passkey`] when the answer does not belong to the ceremony or to no passkey here; never which.
    pub async fn log_in_with_passkey(&self, state: &str, answer: &str) -> Result<LogIn> {
        let party = self.relying_party()?;
        let state: DiscoverableAuthentication = from_json(state)?;
        let answer: PublicKeyCredential = from_json(answer)?;
        let (handle, credential) = party
            .identify_discoverable_authentication(&answer)
            .map_err(refused)?;
        let hash = self.credential_hash(credential);
        let found = factors::passkey_of(&mut self.inner.db.read().await?, &hash).await?;
        let (id, stored) = found.ok_or(Error::Passkey)?;
        if handle != self.user_handle(id) {
            return Err(Error::Passkey);
        }
        let customer = self.customer(id).await?;
        let mut passkey = open(&customer, &stored)?;
        let result = party
            .finish_discoverable_authentication_v2(&answer, state, DiscoverableKey::from(&passkey))
            .map_err(refused)?;
        if !result.user_verified() {
            return Err(Error::Passkey);
        }
        passkey.update_credential(&result);
        let sealed = seal(self, &customer, &stored.passkey_id, &passkey)?;
        let now = self.now();
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let (passkey_id, before) = (&stored.passkey_id, &stored.sealed);
                    if !factors::note_passkey_use(tx, passkey_id, before, sealed, now).await? {
                        return Err(Error::Passkey);
                    }
                    let password_set_at = accounts::note_passkey_log_in(tx, id, now)
                        .await?
                        .ok_or(Error::Passkey)?;
                    Ok(LogIn {
                        customer: id,
                        password_set_at,
                    })
                })
            })
            .await
    }

    /// The customer's passkeys, oldest first.
    pub async fn passkeys(&self, customer: &Customer) -> Result<Vec<OwnPasskey>> {
        let now = self.now();
        let zone = self.company().current().zone.clone();
        let spoken = |at: i64| present::spoken(Moment(at).timestamp(), now.timestamp(), &zone);
        let own = |stored: StoredPasskey| {
            Ok(OwnPasskey {
                name: name_of(customer, &stored)?,
                added: spoken(stored.added_at),
                used: stored.used_at.map(spoken),
                passkey_id: stored.passkey_id,
            })
        };
        let stored = self.stored_passkeys(customer).await?;
        let passkeys = stored.into_iter().map(own).collect::<Result<_>>()?;
        self.look_at_log_in(customer).await?;
        Ok(passkeys)
    }

    /// Gives a passkey another name.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the customer has none of that id.
    pub async fn rename_passkey(
        &self,
        customer: &Customer,
        passkey_id: &str,
        name: &str,
    ) -> Result<()> {
        let random = &*self.inner.world.random;
        let name = customer
            .key
            .seal(&name_context(passkey_id), name.as_bytes(), random)?;
        let (id, passkey_id) = (customer.id, passkey_id.to_owned());
        let renamed = self
            .inner
            .db
            .write(move |tx| {
                Box::pin(async move { factors::rename_passkey(tx, id, &passkey_id, name).await })
            })
            .await?;
        renamed.then_some(()).ok_or(Error::NotFound)
    }

    /// Takes a passkey away.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the customer has none of that id.
    pub async fn remove_passkey(&self, customer: Customer, passkey_id: &str) -> Result<()> {
        let now = self.now();
        let address = self.address_of(&customer).await?;
        let (portal, passkey_id) = (self.clone(), passkey_id.to_owned());
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    if !factors::remove_passkey(tx, customer.id, &passkey_id).await? {
                        return Err(Error::NotFound);
                    }
                    factors::remove_lonely_recovery_codes(tx, customer.id).await?;
                    let alert = Alert::PasskeyRemoved;
                    portal.alert(tx, &customer, &address, now, alert).await
                })
            })
            .await?;
        self.inner.bell.ring();
        Ok(())
    }

    /// The names of a customer's passkeys, each with when it was added.
    pub(crate) async fn passkeys_of(
        &self,
        tx: &mut Tx,
        customer: &Customer,
    ) -> Result<Vec<(String, Moment)>> {
        let stored = factors::passkeys(tx, customer.id).await?;
        let named = stored
            .iter()
            .map(|passkey| Ok((name_of(customer, passkey)?, Moment(passkey.added_at))));
        named.collect()
    }

    async fn stored_passkeys(&self, customer: &Customer) -> Result<Vec<StoredPasskey>> {
        let mut tx = self.inner.db.read().await?;
        Ok(factors::passkeys(&mut tx, customer.id).await?)
    }

    fn relying_party(&self) -> Result<&Webauthn> {
        self.inner.relying_party.as_ref().ok_or(Error::NotFound)
    }

    /// What a device keeps of the customer: nothing that is known by anybody else (W3C Web Authentication, 14.6.1).
    fn user_handle(&self, customer: CustomerId) -> Uuid {
        let key = &self.inner.keys.portal().addresses;
        let hash = key.keyed_hash(&[b"passkey user", customer.0.as_bytes()]);
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        Uuid::from_bytes(bytes)
    }

    fn credential_hash(&self, credential: &[u8]) -> String {
        let key = &self.inner.keys.portal().addresses;
        hex(&key.keyed_hash(&[b"passkey", credential]))
    }
}

fn name_of(customer: &Customer, passkey: &StoredPasskey) -> Result<String> {
    let name = customer
        .key
        .open(&name_context(&passkey.passkey_id), &passkey.name)?;
    String::from_utf8(name).map_err(|_| Error::Store(StoreError::Form))
}

fn name_context(passkey_id: &str) -> String {
    format!("passkey-name:{passkey_id}")
}

fn context(passkey_id: &str) -> String {
    format!("passkey:{passkey_id}")
}

fn seal(
    portal: &Portal,
    customer: &Customer,
    passkey_id: &str,
    passkey: &Passkey,
) -> Result<Vec<u8>> {
    let plain = json(passkey)?;
    let random = &*portal.inner.world.random;
    Ok(customer
        .key
        .seal(&context(passkey_id), plain.as_bytes(), random)?)
}

fn open(customer: &Customer, stored: &StoredPasskey) -> Result<Passkey> {
    let plain = customer
        .key
        .open(&context(&stored.passkey_id), &stored.sealed)?;
    serde_json::from_slice(&plain).map_err(|_| Error::Store(StoreError::Form))
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|_| Error::Store(StoreError::Form))
}

fn from_json<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|_| Error::Passkey)
}

/// Why is not logged: the error may hold what the browser sent.
fn refused(_: WebauthnError) -> Error {
    Error::Passkey
}

fn ours(_: WebauthnError) -> Error {
    tracing::error!("a passkey ceremony did not begin");
    Error::Store(StoreError::Form)
}
