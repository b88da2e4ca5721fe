//! Accounts: sign up with an address and nothing else, prove it by a link in a mail, log in, forget the password.
//!
//! Nobody can learn here whether an address is known. What is asked at the door is only written down, sealed, and
//! answered by the worker; the page says the same after the same work, whoever asked (ASVS 5.0, 6.3.8).
//!
//! Guessing passwords is slowed down by waits that grow (ASVS 5.0, 6.3.1). They end, and a link in a mail ends them at
//! once: nobody is kept out of their account by somebody else's guesses.

use std::net::IpAddr;

use fairhold_domain::contact_point;
use fairhold_domain::email::EmailAddress;
use fairhold_domain::ids::CustomerId;
use fairhold_domain::password;
use fairhold_domain::peer::Network;
use fairhold_domain::time::Moment;
use fairhold_store::accounts::{self, LinkKind, Request};
use fairhold_store::log_in_tries::{self, Door};
use fairhold_store::seal::token_hash;
use fairhold_store::{StoreError, Tx, jobs, sessions};
use secrecy::{ExposeSecret, SecretString};

use crate::alerts::Alert;
use crate::error::{Error, Result};
use crate::jobs::answer_request::AnswerRequest;
use crate::{Customer, Portal, own_values};

/// Seconds for which a link in a mail works (ASVS 5.0, 6.5.5).
pub const LINK_SECONDS: i64 = 30 * 60;
/// How many are looked at in one go when what has ended is swept.
const A_SWEEP: i64 = 500;

/// A log-in: a session that begins with it ends when the password is set anew, even if the session is kept only
/// afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogIn {
    /// Who logged in.
    pub customer: CustomerId,
    /// When the password that they used was set.
    pub password_set_at: Moment,
}

impl Portal {
    /// Somebody wants an account, or a new password. The answer is a mail, or nothing.
    ///
    /// # Errors
    /// When the text is no address.
    pub async fn ask_by_mail(&self, asked: Request, address: &str) -> Result<()> {
        let address = EmailAddress::parse(address)?;
        let portal = self.clone();
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move { portal.knock(tx, asked, address.as_str().as_bytes()).await })
        });
        write.await?;
        self.inner.bell.ring();
        Ok(())
    }

    /// Writes down, sealed, what somebody asks at the door, and queues its answer. Whoever commits rings the bell.
    pub(crate) async fn knock(&self, tx: &mut Tx, asked: Request, plain: &[u8]) -> Result<()> {
        let request_id = self.new_id();
        let sealed = self.inner.keys.portal().requests.seal(
            &format!("request:{request_id}"),
            plain,
            &*self.inner.world.random,
        )?;
        let now = self.now();
        accounts::add_request(tx, &request_id, asked, sealed, now).await?;
        let payload = AnswerRequest { request_id }.payload()?;
        jobs::queue(tx, &self.new_id(), AnswerRequest::NAME, &payload, now).await?;
        Ok(())
    }

    /// Whether a link still works. Looking changes nothing: scanners open links too.
    pub async fn link_works(&self, token: &str) -> Result<bool> {
        let mut tx = self.inner.db.read().await?;
        let link = accounts::link(&mut tx, &token_hash(token), self.now()).await?;
        Ok(link.is_some_and(|link| link.kind.sets_password()))
    }

    /// Uses a link up and sets the password. It proves the address, ends all sessions of the account, and forgets the
    /// wrong tries to log in to it.
    ///
    /// # Errors
    /// [`Error::LinkEnded`], or [`Error::Password`] when the password will not do; then the link still works.
    pub async fn set_password(&self, token: &str, password: SecretString) -> Result<()> {
        let hash_of_token = token_hash(token);
        let now = self.now();
        let mut tx = self.inner.db.read().await?;
        let link = accounts::link(&mut tx, &hash_of_token, now)
            .await?
            .filter(|link| link.kind.sets_password())
            .ok_or(Error::LinkEnded)?;
        drop(tx);
        let customer = self.customer(link.customer).await?;
        let address = self.address_of(&customer).await?;
        let hash = self
            .inner
            .passwords
            .accept(
                password,
                address.as_str(),
                &self.company().current().catalog.company.name,
                &*self.inner.world.random,
            )
            .await?;
        let address_hash = self.address_hash(&address);
        let portal = self.clone();
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let link = accounts::use_link(tx, &hash_of_token, now)
                        .await?
                        .ok_or(Error::LinkEnded)?;
                    accounts::set_password(tx, link.customer, &hash, now).await?;
                    sessions::remove_all(tx, link.customer).await?;
                    log_in_tries::forget(tx, &address_hash).await?;
                    if link.kind == LinkKind::Reset {
                        portal
                            .alert(tx, &customer, &address, now, Alert::PasswordChanged)
                            .await?;
                    } else {
                        // The newest proof counts: another account may have held the address beside its own.
                        let kind = contact_point::Kind::Email;
                        portal.take_from_holder(tx, &address_hash, kind).await?;
                    }
                    Ok::<(), Error>(())
                })
            })
            .await?;
        self.inner.bell.ring();
        Ok(())
    }

    /// Sets another password for somebody who has just shown again who they are. It ends all their sessions; the answer
    /// begins a new one.
    ///
    /// # Errors
    /// [`Error::Password`] when the password will not do: then nothing changes.
    pub async fn change_password(
        &self,
        customer: Customer,
        password: SecretString,
    ) -> Result<LogIn> {
        let now = self.now();
        let mut tx = self.inner.db.read().await?;
        let account = accounts::account(&mut tx, customer.id).await?;
        let before = account.ok_or(Error::LogInFirst)?.password_changed_at;
        drop(tx);
        let address = self.address_of(&customer).await?;
        let hash = self
            .inner
            .passwords
            .accept(
                password,
                address.as_str(),
                &self.company().current().catalog.company.name,
                &*self.inner.world.random,
            )
            .await?;
        let log_in = LogIn {
            customer: customer.id,
            password_set_at: now,
        };
        let portal = self.clone();
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    // While the password was looked at, the owner may have said that this is not them.
                    match accounts::change_password(tx, customer.id, before, &hash, now).await {
                        Err(StoreError::Conflict) => return Err(Error::LogInFirst),
                        changed => changed?,
                    }
                    sessions::remove_all(tx, customer.id).await?;
                    portal
                        .alert(tx, &customer, &address, now, Alert::PasswordChanged)
                        .await?;
                    Ok::<(), Error>(())
                })
            })
            .await?;
        self.inner.bell.ring();
        Ok(log_in)
    }

    /// The customer of the session shows again who they are, by their password.
    ///
    /// # Errors
    /// As [`Self::log_in`].
    pub async fn prove_again(
        &self,
        customer: &Customer,
        password: SecretString,
        peer: IpAddr,
    ) -> Result<LogIn> {
        let address = self.address_of(customer).await?;
        let log_in = self.log_in(address.as_str(), password, peer).await?;
        // The address may have become somebody else's in between.
        (log_in.customer == customer.id)
            .then_some(log_in)
            .ok_or(Error::WrongLogIn)
    }

    /// Who has this address and this password, typed by `peer`. That it is right is decided by what stands when the
    /// log-in is noted: a password that was changed while it was checked opens nothing.
    ///
    /// # Errors
    /// [`Error::WrongLogIn`], which never says which of the two was wrong, after the same work either way;
    /// [`Error::TooManyTries`] after no such work, whoever has the address and whatever the password.
    pub async fn log_in(
        &self,
        address: &str,
        password: SecretString,
        peer: IpAddr,
    ) -> Result<LogIn> {
        let address = EmailAddress::parse(address).map_err(|_| Error::WrongLogIn)?;
        let hash = self.address_hash(&address);
        let key = &self.inner.keys.portal().addresses;
        let door = Door::new(key, &hash, Network::of_peer(peer));
        self.take_log_in_try(&door).await?;
        match self.check_password(&hash, password).await {
            Ok((customer, checked)) => self.note_log_in(customer, checked, door).await,
            Err(Error::WrongLogIn) => Err(Error::WrongLogIn),
            Err(nothing_compared) => {
                self.give_back_log_in_try(door).await?;
                Err(nothing_compared)
            }
        }
    }

    pub(crate) fn address_hash(&self, address: &EmailAddress) -> String {
        accounts::address_hash(&self.inner.keys.portal().addresses, address)
    }

    pub(crate) async fn take_log_in_try(&self, door: &Door) -> Result<()> {
        let (door, now) = (door.clone(), self.now());
        let taken = self
            .inner
            .db
            .write(move |tx| Box::pin(async move { log_in_tries::take(tx, &door, now).await }));
        taken.await?.map_err(|wait| Error::TooManyTries {
            seconds: wait.seconds(now),
        })
    }

    async fn give_back_log_in_try(&self, door: Door) -> Result<()> {
        let back = self
            .inner
            .db
            .write(move |tx| Box::pin(async move { log_in_tries::give_back(tx, &door).await }));
        Ok(back.await?)
    }

    /// Whose password it is, and the hash that it was held against.
    async fn check_password(
        &self,
        address_hash: &str,
        password: SecretString,
    ) -> Result<(CustomerId, String)> {
        if password.expose_secret().len() > password::LONGEST_BYTES {
            return Err(Error::WrongLogIn);
        }
        let known = accounts::credentials(&mut self.inner.db.read().await?, address_hash).await?;
        let stored = known.as_ref().and_then(|c| c.password_hash.clone());
        let right = self
            .inner
            .passwords
            .verify(password, stored.clone())
            .await?;
        let customer = known.filter(|_| right).ok_or(Error::WrongLogIn)?.customer;
        Ok((customer, stored.ok_or(Error::WrongLogIn)?))
    }

    /// Notes a log-in and forgets the wrong tries before it, as one act.
    async fn note_log_in(
        &self,
        customer: CustomerId,
        checked: String,
        door: Door,
    ) -> Result<LogIn> {
        let now = self.now();
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let password_set_at = accounts::note_log_in(tx, customer, &checked, now)
                        .await?
                        .ok_or(Error::WrongLogIn)?;
                    log_in_tries::forget_here(tx, &door).await?;
                    Ok(LogIn {
                        customer,
                        password_set_at,
                    })
                })
            })
            .await
    }

    /// The proven address of a customer. It is shown only to them.
    pub async fn address_of(&self, customer: &Customer) -> Result<EmailAddress> {
        let mut tx = self.inner.db.read().await?;
        let (record, _) =
            fairhold_store::records::read(&mut tx, &customer.key, customer.id).await?;
        own_values::address(&record)
    }

    /// Removes customers who never proved their address within a day, and their keys.
    pub(crate) async fn sweep_never_proven(&self, before: Moment) -> Result<()> {
        let now = self.now();
        loop {
            let mut tx = self.inner.db.read().await?;
            let gone = accounts::never_proven(&mut tx, before, now, A_SWEEP).await?;
            drop(tx);
            if gone.is_empty() {
                return Ok(());
            }
            for customer in gone {
                let was_there = self
                    .inner
                    .db
                    .write(move |tx| {
                        Box::pin(
                            async move { accounts::remove_never_proven(tx, customer, now).await },
                        )
                    })
                    .await
                    .map_err(Error::from)?;
                if was_there {
                    self.inner.keys.destroy(customer).await?;
                }
            }
        }
    }

    /// Destroys keys from before `before` that sealed nothing, because their customer was never written down. Where nobody
    /// is written down at all, the data is more likely lost than empty, and all keys stay for its return.
    pub(crate) async fn sweep_idle_keys(&self, before: Moment) -> Result<()> {
        if !accounts::has_any(&mut self.inner.db.read().await?).await? {
            return Ok(());
        }
        let mut after = None;
        loop {
            let keys = self.inner.keys.older_than(before, after, A_SWEEP).await?;
            let Some(last) = keys.last() else {
                return Ok(());
            };
            after = Some(*last);
            for customer in keys {
                let mut tx = self.inner.db.read().await?;
                if accounts::account(&mut tx, customer).await?.is_none() {
                    self.inner.keys.destroy(customer).await?;
                }
            }
        }
    }
}
