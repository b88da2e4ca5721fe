//! Second factors of customers: an app that makes codes, and recovery codes. Passkeys are in [`crate::passkeys`].
//!
//! Whoever has one is asked for it after their password; a passkey alone is enough, because its device checked who holds
//! it. Recovery codes come with the first factor and go with the last.

use std::net::IpAddr;

use fairhold_domain::factors::{RECOVERY_CODES, Typed, parse, recovery_code, spaced};
use fairhold_domain::ids::CustomerId;
use fairhold_domain::peer::Network;
use fairhold_domain::time::Moment;
use fairhold_store::log_in_tries::{self, Door};
use fairhold_store::seal::{hex, random_bytes};
use fairhold_store::{SecretKey, Tx, factors};
use secrecy::{ExposeSecret, SecretString};

pub use fairhold_store::factors::Factors;

use crate::accounts::LogIn;
use crate::alerts::Alert;
use crate::error::{Error, Result};
use crate::totp::{self, SetUp};
use crate::{Customer, Portal};

/// What the secret of an app is sealed for.
const APP: &str = "app-codes";

/// Recovery codes as they are written down, when they were just made: they can't be read again.
pub type NewRecoveryCodes = Vec<String>;

impl Portal {
    /// Which second factors somebody has.
    pub async fn factors(&self, customer: CustomerId) -> Result<Factors> {
        let mut tx = self.inner.db.read().await?;
        Ok(factors::factors(&mut tx, customer).await?)
    }

    /// A secret for an app, not kept yet.
    pub fn new_app_secret(&self) -> SecretString {
        totp::new_secret(&*self.inner.world.random)
    }

    /// What the customer needs to set up their app with a secret.
    pub async fn app_set_up(&self, customer: &Customer, secret: &SecretString) -> Result<SetUp> {
        let address = self.address_of(customer).await?;
        self.look_at_log_in(customer).await?;
        let current = self.company().current();
        totp::set_up(secret, &current.catalog.company.name, address.as_str())
    }

    /// Keeps an app whose code shows that it is set up. The first factor brings recovery codes.
    ///
    /// # Errors
    /// [`Error::Code`] for what is no code, [`Error::WrongLogIn`] for one that is not the app's.
    pub async fn add_app(
        &self,
        customer: Customer,
        secret: &SecretString,
        typed: &str,
    ) -> Result<Option<NewRecoveryCodes>> {
        let now = self.now();
        let Typed::FromApp(code) = parse(typed)? else {
            return Err(Error::WrongLogIn);
        };
        let step = totp::check(secret, &code, now)?.ok_or(Error::WrongLogIn)?;
        let random = &*self.inner.world.random;
        let sealed = customer
            .key
            .seal(APP, secret.expose_secret().as_bytes(), random)?;
        let address = self.address_of(&customer).await?;
        let portal = self.clone();
        let made = self
            .inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let made = portal.first_recovery_codes(tx, &customer).await?;
                    factors::put_app_codes(tx, customer.id, sealed, step, now).await?;
                    portal
                        .alert(tx, &customer, &address, now, Alert::AppAdded)
                        .await?;
                    Ok::<_, Error>(made)
                })
            })
            .await?;
        self.inner.bell.ring();
        Ok(made)
    }

    /// Takes the app away.
    pub async fn remove_app(&self, customer: Customer) -> Result<()> {
        let now = self.now();
        let address = self.address_of(&customer).await?;
        let portal = self.clone();
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    if factors::remove_app_codes(tx, customer.id).await? {
                        factors::remove_lonely_recovery_codes(tx, customer.id).await?;
                        let alert = Alert::AppRemoved;
                        portal.alert(tx, &customer, &address, now, alert).await?;
                    }
                    Ok::<(), Error>(())
                })
            })
            .await?;
        self.inner.bell.ring();
        Ok(())
    }

    /// Makes new recovery codes; those from before end.
    ///
    /// # Errors
    /// [`Error::NotFound`] for whoever has no factor that they could stand in for.
    pub async fn renew_recovery_codes(&self, customer: Customer) -> Result<NewRecoveryCodes> {
        let now = self.now();
        let address = self.address_of(&customer).await?;
        let portal = self.clone();
        let made = self
            .inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    if !factors::factors(tx, customer.id).await?.any() {
                        return Err(Error::NotFound);
                    }
                    let made = portal.put_recovery_codes(tx, &customer).await?;
                    let alert = Alert::RecoveryCodesMade;
                    portal.alert(tx, &customer, &address, now, alert).await?;
                    Ok(made)
                })
            })
            .await?;
        self.inner.bell.ring();
        Ok(made)
    }

    /// Whether recovery codes that were made a while ago are still those that let the customer in.
    pub async fn recovery_codes_stand(
        &self,
        customer: &Customer,
        codes: &NewRecoveryCodes,
    ) -> Result<bool> {
        let Some(Ok(Typed::Recovery(first))) = codes.first().map(|code| parse(code)) else {
            return Ok(false);
        };
        let hash = recovery_hash(&customer.key, &first);
        let mut tx = self.inner.db.read().await?;
        Ok(factors::has_recovery_code(&mut tx, customer.id, &hash).await?)
    }

    /// Recovery codes for whoever adds their first factor.
    pub(crate) async fn first_recovery_codes(
        &self,
        tx: &mut Tx,
        customer: &Customer,
    ) -> Result<Option<NewRecoveryCodes>> {
        if factors::factors(tx, customer.id).await?.any() {
            return Ok(None);
        }
        self.put_recovery_codes(tx, customer).await.map(Some)
    }

    async fn put_recovery_codes(
        &self,
        tx: &mut Tx,
        customer: &Customer,
    ) -> Result<NewRecoveryCodes> {
        let random = &*self.inner.world.random;
        let codes: Vec<String> = (0..RECOVERY_CODES)
            .map(|_| recovery_code(random_bytes(random)))
            .collect();
        let hashes: Vec<String> = codes
            .iter()
            .map(|code| recovery_hash(&customer.key, code))
            .collect();
        factors::put_recovery_codes(tx, customer.id, &hashes).await?;
        Ok(codes.iter().map(|code| spaced(code)).collect())
    }

    /// The second step of a log-in whose password was right: a code from the app, or a recovery code.
    ///
    /// # Errors
    /// [`Error::Code`] for what is no code, which takes no try; [`Error::WrongLogIn`] for a wrong one or one that was
    /// used before; [`Error::TooManyTries`] when nothing was compared.
    pub async fn second_step(&self, log_in: LogIn, typed: &str, peer: IpAddr) -> Result<LogIn> {
        let typed = parse(typed)?;
        let customer = self.customer(log_in.customer).await?;
        let key = &self.inner.keys.portal().addresses;
        let name = hex(&key.keyed_hash(&[b"second step", customer.id.0.as_bytes()]));
        let door = Door::new(key, &name, Network::of_peer(peer));
        self.take_log_in_try(&door).await?;
        let now = self.now();
        let step = match &typed {
            Typed::FromApp(code) => Some(self.step_of(&customer, code, now).await?),
            Typed::Recovery(_) => None,
        };
        let address = self.address_of(&customer).await?;
        let portal = self.clone();
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let right = match (step, typed) {
                        (Some(step), _) => factors::use_step(tx, customer.id, step).await?,
                        (None, Typed::Recovery(code)) => {
                            let hash = recovery_hash(&customer.key, &code);
                            factors::use_recovery_code(tx, customer.id, &hash, now).await?
                        }
                        (None, Typed::FromApp(_)) => false,
                    };
                    if !right {
                        return Err(Error::WrongLogIn);
                    }
                    log_in_tries::forget_here(tx, &door).await?;
                    if step.is_none() {
                        let alert = Alert::RecoveryCodeUsed;
                        portal.alert(tx, &customer, &address, now, alert).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        self.inner.bell.ring();
        Ok(log_in)
    }

    /// The step that a code of the customer's app is of.
    async fn step_of(&self, customer: &Customer, code: &str, now: Moment) -> Result<i64> {
        let stored = factors::app_codes(&mut self.inner.db.read().await?, customer.id).await?;
        let stored = stored.ok_or(Error::WrongLogIn)?;
        let secret = customer.key.open(APP, &stored.sealed)?;
        let secret = String::from_utf8(secret).map_err(|_| Error::WrongLogIn)?;
        totp::check(&secret.into(), code, now)?.ok_or(Error::WrongLogIn)
    }
}

fn recovery_hash(key: &SecretKey, code: &str) -> String {
    hex(&key.keyed_hash(&[b"recovery code", code.as_bytes()]))
}
