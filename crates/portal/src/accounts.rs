//! Accounts: sign up with an address and nothing else, prove it by a link in a mail, log in, forget the password.
//!
//! Nobody can learn here whether an address is known. What is asked at the door is only written down, sealed, and
//! answered by the worker; the page says the same after the same work, whoever asked (ASVS 5.0, 6.3.8).

use fairhold_domain::email::EmailAddress;
use fairhold_domain::ids::CustomerId;
use fairhold_domain::password;
use fairhold_domain::time::Moment;
use fairhold_store::accounts::{self, LinkKind};
use fairhold_store::seal::token_hash;
use fairhold_store::{jobs, outbox, sessions};
use secrecy::{ExposeSecret, SecretString};

use crate::error::{Error, Result};
use crate::jobs::answer_request::AnswerRequest;
use crate::mail::{PasswordChangedMail, text};
use crate::{Customer, Portal, own_values};

/// Seconds for which a link in a mail works (ASVS 5.0, 6.5.5).
pub const LINK_SECONDS: i64 = 30 * 60;

impl Portal {
    /// Somebody wants an account, or a new password. The answer is a mail, or nothing.
    ///
    /// # Errors
    /// When the text is no address.
    pub async fn ask_by_mail(&self, kind: LinkKind, address: &str) -> Result<()> {
        let address = EmailAddress::parse(address)?;
        let request_id = self.new_id();
        let sealed = self.inner.keys.portal().requests.seal(
            &format!("request:{request_id}"),
            address.as_str().as_bytes(),
            &*self.inner.world.random,
        )?;
        let now = self.now();
        let job = AnswerRequest {
            request_id: request_id.clone(),
        };
        let (job_id, payload) = (self.new_id(), job.payload()?);
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    accounts::add_request(tx, &request_id, kind, sealed, now).await?;
                    jobs::queue(tx, &job_id, AnswerRequest::NAME, &payload, now).await?;
                    Ok::<(), Error>(())
                })
            })
            .await?;
        self.inner.bell.ring();
        Ok(())
    }

    /// Whether a link still works. Looking changes nothing: scanners open links too.
    pub async fn link_works(&self, token: &str) -> Result<bool> {
        let mut tx = self.inner.db.read().await?;
        Ok(accounts::link(&mut tx, &token_hash(token), self.now())
            .await?
            .is_some())
    }

    /// Uses a link up and sets the password. It proves the address, and ends all sessions of the account.
    ///
    /// # Errors
    /// [`Error::LinkEnded`], or [`Error::Password`] when the password will not do; then the link still works.
    pub async fn set_password(&self, token: &str, password: SecretString) -> Result<()> {
        let hash_of_token = token_hash(token);
        let now = self.now();
        let mut tx = self.inner.db.read().await?;
        let (id, _) = accounts::link(&mut tx, &hash_of_token, now)
            .await?
            .ok_or(Error::LinkEnded)?;
        drop(tx);
        let customer = self.customer(id).await?;
        let address = self.address_of(&customer).await?;
        password::check(password.expose_secret(), address.as_str())?;
        let hash = self
            .inner
            .passwords
            .hash(password, &*self.inner.world.random)
            .await?;
        let portal = self.clone();
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let (id, kind) = accounts::use_link(tx, &hash_of_token, now)
                        .await?
                        .ok_or(Error::LinkEnded)?;
                    accounts::set_password(tx, id, &hash, now).await?;
                    sessions::remove_all(tx, id).await?;
                    if kind == LinkKind::Reset {
                        portal
                            .tell_password_changed(tx, &customer, &address)
                            .await?;
                    }
                    Ok::<(), Error>(())
                })
            })
            .await?;
        self.inner.bell.ring();
        Ok(())
    }

    async fn tell_password_changed(
        &self,
        tx: &mut fairhold_store::Tx,
        customer: &Customer,
        address: &EmailAddress,
    ) -> Result<()> {
        let current = self.company().current();
        let mail = outbox::Mail {
            to: address.as_str().to_owned(),
            subject: format!(
                "Your password at {} was changed",
                current.catalog.company.name
            ),
            text: text(&PasswordChangedMail {
                company: &current.catalog.company.name,
                forgot: &format!("{}/forgot-password", self.settings().public_url),
            })?,
        };
        self.post(tx, &customer.key, customer.id, &mail).await
    }

    /// Who has this address and this password.
    ///
    /// # Errors
    /// [`Error::WrongLogIn`], which never says which of the two was wrong, after the same work either way.
    pub async fn log_in(&self, address: &str, password: SecretString) -> Result<CustomerId> {
        if password.expose_secret().len() > password::LONGEST_BYTES {
            return Err(Error::WrongLogIn);
        }
        let address = EmailAddress::parse(address).map_err(|_| Error::WrongLogIn)?;
        let hash = accounts::address_hash(&self.inner.keys.portal().addresses, &address);
        let known = accounts::credentials(&mut self.inner.db.read().await?, &hash).await?;
        let stored = known.as_ref().and_then(|c| c.password_hash.clone());
        let right = self.inner.passwords.verify(password, stored).await?;
        let customer = known.filter(|_| right).ok_or(Error::WrongLogIn)?.customer;
        let now = self.now();
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    accounts::note_log_in(tx, customer, now).await?;
                    Ok::<(), Error>(())
                })
            })
            .await?;
        Ok(customer)
    }

    /// The proven address of a customer. It is shown only to them.
    pub async fn address_of(&self, customer: &Customer) -> Result<EmailAddress> {
        let mut tx = self.inner.db.read().await?;
        let (record, _) =
            fairhold_store::records::read(&mut tx, &customer.key, customer.id).await?;
        own_values::address(&record)
    }

    /// Removes customers who never proved their address within a day, and their keys.
    pub(crate) async fn sweep_never_proven(&self, before: Moment) -> Result<u64> {
        let gone = accounts::never_proven(&mut self.inner.db.read().await?, before, 500).await?;
        let mut removed = 0;
        for customer in gone {
            let was_there = self
                .inner
                .db
                .write(move |tx| {
                    Box::pin(async move {
                        Ok::<_, Error>(accounts::remove_never_proven(tx, customer).await?)
                    })
                })
                .await?;
            if was_there {
                self.inner.keys.destroy(customer).await?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}
