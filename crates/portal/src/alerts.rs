//! Alerts: the owner is told of what somebody does to their account, and can end it when it was not them (ASVS 5.0, 6.3.5
//! and 6.3.7).
//!
//! The link in such a mail ends all sessions, takes back what was added or changed in the last three days, and leads to a new
//! password. Whoever holds the mailbox could set one anyway; so nobody is locked out by it, least of all the owner.

use fairhold_domain::contact_point::Kind;
use fairhold_domain::email::EmailAddress;
use fairhold_domain::present;
use fairhold_domain::time::Moment;
use fairhold_store::accounts::{self, LinkKind};
use fairhold_store::outbox::{Channel, Mail};
use fairhold_store::seal::{new_token, token_hash};
use fairhold_store::{Tx, factors, known_devices, log_in_tries, records, sessions};

use crate::accounts::LINK_SECONDS;
use crate::error::{Error, Result};
use crate::mail::{AlertMail, text};
use crate::{Customer, Portal, own_values};

/// Seconds for which "this was not me" works.
pub(crate) const NOT_ME_SECONDS: i64 = 3 * 24 * 3600;

/// What somebody did to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alert<'a> {
    /// Logged in on a device that was not seen before, in plain words.
    NewDevice(&'a str),
    /// Set another password.
    PasswordChanged,
    /// Set up an app that makes codes.
    AppAdded,
    /// Took the app away.
    AppRemoved,
    /// Added a passkey.
    PasskeyAdded,
    /// Took a passkey away.
    PasskeyRemoved,
    /// Made new recovery codes.
    RecoveryCodesMade,
    /// Logged in with a recovery code.
    RecoveryCodeUsed,
    /// Proved another address or number.
    ContactAdded(Kind),
    /// Took an address or number away.
    ContactRemoved(Kind),
    /// Proved, for another account, an address or number that this one held.
    ContactProvenElsewhere(Kind),
    /// Made another address the one to log in with.
    AddressChanged,
    /// Took that back from the old address.
    AddressTakenBack,
}

impl Alert<'_> {
    fn subject(self, company: &str) -> String {
        match self {
            Self::NewDevice(_) => format!("A new device at {company}"),
            Self::PasswordChanged => format!("Your password at {company} was changed"),
            Self::AddressChanged | Self::AddressTakenBack => {
                format!("Your address at {company} was changed")
            }
            Self::ContactAdded(_) | Self::ContactRemoved(_) | Self::ContactProvenElsewhere(_) => {
                format!("Your addresses at {company} were changed")
            }
            _ => format!("Your way in at {company} was changed"),
        }
    }

    fn sentence(self, company: &str) -> String {
        match self {
            Self::NewDevice(device) => {
                format!(
                    "somebody logged in to your account at {company} with a new device: {device}."
                )
            }
            Self::PasswordChanged => format!("your password at {company} was changed."),
            Self::AppAdded => {
                format!("an app that makes codes was added to your account at {company}.")
            }
            Self::AppRemoved => {
                format!("the app that makes codes was taken off your account at {company}.")
            }
            Self::PasskeyAdded => format!("a passkey was added to your account at {company}."),
            Self::PasskeyRemoved => format!("a passkey was taken off your account at {company}."),
            Self::RecoveryCodesMade => {
                format!("new recovery codes were made for your account at {company}.")
            }
            Self::RecoveryCodeUsed => {
                format!("somebody logged in to your account at {company} with a recovery code.")
            }
            Self::ContactAdded(kind) => {
                format!("{} was added to your account at {company}.", another(kind))
            }
            Self::ContactRemoved(kind) => {
                format!("{} was taken off your account at {company}.", one(kind))
            }
            Self::ContactProvenElsewhere(kind) => format!(
                "{} left your account at {company}. Somebody with another account showed that it is theirs. If it is yours, add it again.",
                one(kind)
            ),
            Self::AddressChanged => format!(
                "the address that you log in with at {company} was changed. For three days it can be taken back from the old address."
            ),
            Self::AddressTakenBack => format!(
                "an account at {company} no longer logs in with this address. Somebody took that back from the address of before."
            ),
        }
    }
}

const fn another(kind: Kind) -> &'static str {
    match kind {
        Kind::Email => "another e-mail address",
        Kind::Phone => "another phone number",
    }
}

const fn one(kind: Kind) -> &'static str {
    match kind {
        Kind::Email => "an e-mail address",
        Kind::Phone => "a phone number",
    }
}

impl Portal {
    /// Tells the owner, as part of what they are told about.
    pub(crate) async fn alert(
        &self,
        tx: &mut Tx,
        customer: &Customer,
        address: &EmailAddress,
        at: Moment,
        alert: Alert<'_>,
    ) -> Result<()> {
        let link = self.not_me_link(tx, customer, address, at).await?;
        self.write_alert(tx, customer, address, at, alert, Some(&link))
            .await
    }

    /// Tells what was done, without a link that ends it: whoever reads this is not who could want it back.
    pub(crate) async fn tell(
        &self,
        tx: &mut Tx,
        customer: &Customer,
        address: &EmailAddress,
        at: Moment,
        alert: Alert<'_>,
    ) -> Result<()> {
        self.write_alert(tx, customer, address, at, alert, None)
            .await
    }

    /// A link that takes back what was done at `at` or later.
    pub(crate) async fn not_me_link(
        &self,
        tx: &mut Tx,
        customer: &Customer,
        address: &EmailAddress,
        at: Moment,
    ) -> Result<String> {
        let token = new_token(&*self.inner.world.random);
        let expires = at.plus_seconds(NOT_ME_SECONDS);
        let (hash, address) = (token_hash(&token), self.address_hash(address));
        let kind = LinkKind::NotMe;
        accounts::add_link(tx, &hash, customer.id, &address, kind, at, expires).await?;
        Ok(format!("{}/not-me/{token}", self.settings().public_url))
    }

    async fn write_alert(
        &self,
        tx: &mut Tx,
        customer: &Customer,
        address: &EmailAddress,
        at: Moment,
        alert: Alert<'_>,
        link: Option<&str>,
    ) -> Result<()> {
        let current = self.company().current();
        let company = current.catalog.company.name.as_str();
        let mail = Mail {
            channel: Channel::Mail,
            to: address.as_str().to_owned(),
            subject: alert.subject(company),
            text: text(&AlertMail {
                company,
                sentence: &alert.sentence(company),
                when: &present::timestamp(at.timestamp(), &current.zone),
                link,
            })?,
        };
        self.post(tx, &customer.key, customer.id, &mail).await
    }

    /// Whether a link of an alert still works. Looking changes nothing.
    pub async fn not_me_link_works(&self, token: &str) -> Result<bool> {
        let mut tx = self.inner.db.read().await?;
        let link = accounts::link(&mut tx, &token_hash(token), self.now()).await?;
        Ok(link.is_some_and(|link| link.kind == LinkKind::NotMe))
    }

    /// Somebody else did it: ends all sessions and recovery codes, forgets the password and all devices, takes back what was
    /// added or changed in all that the owner was told of in the last three days, and answers the token of a link for a new
    /// password.
    ///
    /// # Errors
    /// [`Error::LinkEnded`] when the link was used before or is too old.
    pub async fn it_was_not_me(&self, token: &str) -> Result<String> {
        let hash_of_token = token_hash(token);
        let now = self.now();
        let mut tx = self.inner.db.read().await?;
        let link = accounts::link(&mut tx, &hash_of_token, now)
            .await?
            .filter(|link| link.kind == LinkKind::NotMe)
            .ok_or(Error::LinkEnded)?;
        drop(tx);
        let customer = self.customer(link.customer).await?;
        let token = new_token(&*self.inner.world.random);
        let new_hash = token_hash(&token);
        let portal = self.clone();
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    // Whoever got in did more than the mail is about that the owner happens to open: all that a link could
                    // still take back is taken back, or the thief's own factor would keep the owner out.
                    let since = accounts::oldest_alert(tx, customer.id, now).await?;
                    let link = accounts::use_link(tx, &hash_of_token, now)
                        .await?
                        .ok_or(Error::LinkEnded)?;
                    let since = since.map_or(link.created_at, |at| at.min(link.created_at));
                    sessions::remove_all(tx, link.customer).await?;
                    factors::remove_added_since(tx, link.customer, since).await?;
                    // Nobody knows which of them were read.
                    factors::remove_recovery_codes(tx, link.customer).await?;
                    accounts::forget_password(tx, link.customer, now).await?;
                    portal.take_addresses_back(tx, &customer, since).await?;
                    accounts::end_links(tx, link.customer, now).await?;
                    let (record, _) = records::read(tx, &customer.key, customer.id).await?;
                    let address = portal.address_hash(&own_values::address(&record)?);
                    known_devices::forget(tx, link.customer, now).await?;
                    log_in_tries::forget(tx, &address).await?;
                    let expires = now.plus_seconds(LINK_SECONDS);
                    let (customer, kind) = (link.customer, LinkKind::Reset);
                    accounts::add_link(tx, &new_hash, customer, &address, kind, now, expires)
                        .await?;
                    Ok::<(), Error>(())
                })
            })
            .await?;
        Ok(token)
    }
}

#[cfg(test)]
mod tests {
    use fairhold_domain::reading::is_hard_to_read;

    use super::{Alert, Kind};

    #[test]
    fn every_alert_is_easy_to_read_and_names_nobody() {
        for alert in [
            Alert::NewDevice("Firefox on Windows"),
            Alert::PasswordChanged,
            Alert::AppAdded,
            Alert::AppRemoved,
            Alert::PasskeyAdded,
            Alert::PasskeyRemoved,
            Alert::RecoveryCodesMade,
            Alert::RecoveryCodeUsed,
            Alert::ContactAdded(Kind::Email),
            Alert::ContactRemoved(Kind::Phone),
            Alert::ContactProvenElsewhere(Kind::Phone),
            Alert::AddressChanged,
            Alert::AddressTakenBack,
        ] {
            for words in [
                alert.subject("Penny's Records"),
                alert.sentence("Penny's Records"),
            ] {
                assert_eq!(is_hard_to_read(&words), None, "{words}");
            }
            assert!(!alert.subject("Penny's Records").contains("Firefox"));
        }
    }
}
