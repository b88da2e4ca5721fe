//! Answers what somebody asked at the door: here, out of sight, it is found out whether the address is known.

use fairhold_domain::email::EmailAddress;
use fairhold_domain::ids::CustomerId;
use fairhold_store::accounts::{self, LinkKind, Request, address_hash};
use fairhold_store::contact_points;
use fairhold_store::outbox::{self, Channel, Mail};
use fairhold_store::pending_joins::{self, PendingJoin};
use fairhold_store::records::{self, OwnRecord};
use fairhold_store::seal::{new_token, token_hash};
use fairhold_store::{SecretKey, StoreError, Tx};
use serde::{Deserialize, Serialize};

use super::{Done, JobError};
use crate::accounts::LINK_SECONDS;
use crate::alerts::NOT_ME_SECONDS;
use crate::error::{Error, Result};
use crate::joining::AskedToJoin;
use crate::mail::{AlreadyHereMail, JoinMail, MovedAwayMail, ResetMail, SignUpMail, text};
use crate::{Customer, Portal, own_values};

/// Whoever asks again and again in somebody's name fills no mailbox: further requests of an hour are dropped.
const MOST_MAILS_AN_HOUR: i64 = 3;

/// Answers one request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AnswerRequest {
    /// Which; the address itself is sealed in the request.
    pub request_id: String,
}

impl AnswerRequest {
    pub const NAME: &'static str = "answer_request";

    pub fn payload(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|_| Error::Store(StoreError::Form))
    }

    /// Who logged in with the address until a short time ago.
    async fn left_by(&self, portal: &Portal, hash: &str) -> Result<Option<CustomerId>> {
        let since = portal.now().plus_seconds(-NOT_ME_SECONDS);
        let mut tx = portal.inner.db.read().await?;
        Ok(contact_points::left_by(&mut tx, hash, since).await?)
    }

    pub async fn run(self, portal: &Portal) -> Result<Done, JobError> {
        let keys = &portal.inner.keys;
        let asked = accounts::request(&mut portal.inner.db.read().await?, &self.request_id).await?;
        let Some((asks, sealed)) = asked else {
            return Ok(Done::Once);
        };
        let plain = keys
            .portal()
            .requests
            .open(&format!("request:{}", self.request_id), &sealed)?;
        let (address, asks) = Wish::read(asks, &plain).ok_or(JobError::Payload)?;
        let hash = address_hash(&keys.portal().addresses, &address);
        let known = accounts::by_address(&mut portal.inner.db.read().await?, &hash).await?;
        let left = self.left_by(portal, &hash).await?;
        match (known.or(left), asks) {
            (Some(customer), _) if known.is_none() => {
                say_moved_away(portal, self.request_id, customer, address).await?;
            }
            (Some(customer), asks) => {
                answer_known(portal, self.request_id, customer, asks, address).await?;
            }
            // Nobody is told that there is no account: neither on the page nor by a mail that nobody asked for.
            (None, Wish::Reset) => forget(portal, self.request_id).await?,
            (None, asks) => welcome(portal, self.request_id, hash, address, asks).await?,
        }
        portal.inner.bell.ring();
        Ok(Done::Once)
    }
}

/// What somebody asked for at the door, opened.
enum Wish {
    SignUp,
    Reset,
    Join(PendingJoin),
}

impl Wish {
    fn read(asked: Request, plain: &[u8]) -> Option<(EmailAddress, Self)> {
        let (address, wish) = match asked {
            Request::SignUp => (String::from_utf8(plain.to_vec()).ok()?, Self::SignUp),
            Request::Reset => (String::from_utf8(plain.to_vec()).ok()?, Self::Reset),
            Request::Join => {
                let AskedToJoin { address, join } = serde_json::from_slice(plain).ok()?;
                (address, Self::Join(join))
            }
        };
        Some((EmailAddress::parse(&address).ok()?, wish))
    }
}

/// Whoever logged in with an address until a few days ago may want it back: nobody else gets an account with it meanwhile.
/// The mail goes to the address alone, at most once an hour, with the link that was sent there on the day of the change.
async fn say_moved_away(
    portal: &Portal,
    request_id: String,
    customer: CustomerId,
    address: EmailAddress,
) -> Result<()> {
    let key = portal.inner.keys.of(customer).await?;
    let this = portal.clone();
    portal
        .inner
        .db
        .write(move |tx| {
            Box::pin(async move {
                accounts::remove_request(tx, &request_id).await?;
                let now = this.now();
                let hash = this.address_hash(&address);
                let an_hour_ago = now.plus_seconds(-3600);
                let told = contact_points::note_told(tx, customer, &hash, an_hour_ago, now).await?;
                let Some(changed_at) = told else {
                    return Ok(());
                };
                let owner = Customer { id: customer, key };
                let link = this.not_me_link(tx, &owner, &address, changed_at).await?;
                let current = this.company().current();
                let company = current.catalog.company.name.as_str();
                let mail = Mail {
                    channel: Channel::Mail,
                    to: address.as_str().to_owned(),
                    subject: format!("Your address at {company} was changed"),
                    text: text(&MovedAwayMail {
                        company,
                        link: &link,
                    })?,
                };
                this.post(tx, &owner.key, customer, &mail).await
            })
        })
        .await
}

/// A new customer: the key first, then everything that it seals.
async fn welcome(
    portal: &Portal,
    request_id: String,
    hash: String,
    address: EmailAddress,
    asks: Wish,
) -> Result<()> {
    let now = portal.now();
    let customer = CustomerId(portal.inner.world.new_id());
    let key = portal.inner.keys.create(customer, now).await?;
    let this = portal.clone();
    // When this fails it may have been written all the same, or somebody was faster with the address. The key is left:
    // one that sealed nothing is swept a day later.
    portal
        .inner
        .db
        .write(move |tx| {
            Box::pin(async move {
                accounts::add(tx, customer, &hash, now).await?;
                let mut record = OwnRecord::default();
                record.values.insert(
                    own_values::ADDRESS.to_owned(),
                    own_values::given(address.as_str(), now),
                );
                records::write(tx, &key, &*this.inner.world.random, customer, &record, 0).await?;
                this.send_link(tx, &key, customer, &asks, &address).await?;
                accounts::remove_request(tx, &request_id).await?;
                Ok::<(), Error>(())
            })
        })
        .await
}

async fn answer_known(
    portal: &Portal,
    request_id: String,
    customer: CustomerId,
    asks: Wish,
    address: EmailAddress,
) -> Result<()> {
    let key = portal.inner.keys.of(customer).await?;
    let this = portal.clone();
    portal
        .inner
        .db
        .write(move |tx| {
            Box::pin(async move {
                accounts::remove_request(tx, &request_id).await?;
                let an_hour_ago = this.now().plus_seconds(-3600);
                let account = accounts::account(tx, customer)
                    .await?
                    .ok_or(StoreError::Conflict)?;
                // Anybody can sign an owner up again and again: that must not use up the mails to reset a password.
                // Nor must the mails that tell an owner what somebody does to their account.
                let is_proven = account.proven_at.is_some();
                let too_many = match asks {
                    Wish::Join(_) => {
                        let links = accounts::join_links_since(tx, customer, an_hour_ago);
                        links.await? >= MOST_MAILS_AN_HOUR
                    }
                    Wish::SignUp if is_proven => {
                        outbox::written_since(tx, customer, an_hour_ago).await? >= 1
                    }
                    Wish::SignUp | Wish::Reset => {
                        let links = accounts::password_links_since(tx, customer, an_hour_ago);
                        links.await? >= MOST_MAILS_AN_HOUR
                    }
                };
                if too_many {
                    return Ok(());
                }
                match asks {
                    Wish::SignUp if is_proven => {
                        this.say_already_here(tx, &key, customer, &address).await?;
                    }
                    Wish::Reset if !is_proven => {
                        let asks = Wish::SignUp;
                        this.send_link(tx, &key, customer, &asks, &address).await?;
                    }
                    asks => this.send_link(tx, &key, customer, &asks, &address).await?,
                }
                Ok::<(), Error>(())
            })
        })
        .await
}

async fn forget(portal: &Portal, request_id: String) -> Result<()> {
    portal
        .inner
        .db
        .write(move |tx| {
            Box::pin(async move {
                accounts::remove_request(tx, &request_id).await?;
                Ok::<(), Error>(())
            })
        })
        .await
}

impl Portal {
    /// Mails a link that acts once. The token itself is nowhere but in the sealed mail.
    async fn send_link(
        &self,
        tx: &mut Tx,
        key: &SecretKey,
        customer: CustomerId,
        asks: &Wish,
        address: &EmailAddress,
    ) -> Result<()> {
        let now = self.now();
        let token = new_token(&*self.inner.world.random);
        let hash_of_token = token_hash(&token);
        let kind = match asks {
            Wish::SignUp => LinkKind::SignUp,
            Wish::Reset => LinkKind::Reset,
            Wish::Join(_) => LinkKind::Join,
        };
        accounts::add_link(
            tx,
            &hash_of_token,
            customer,
            &self.address_hash(address),
            kind,
            now,
            now.plus_seconds(LINK_SECONDS),
        )
        .await?;
        let current = self.company().current();
        let company = current.catalog.company.name.as_str();
        let url = &self.settings().public_url;
        let link = format!("{url}/set-password/{token}");
        let (subject, text) = match asks {
            Wish::SignUp => (
                format!("See what {company} holds about you"),
                text(&SignUpMail {
                    company,
                    link: &link,
                })?,
            ),
            Wish::Reset => (
                format!("Choose a new password at {company}"),
                text(&ResetMail {
                    company,
                    link: &link,
                })?,
            ),
            Wish::Join(asked) => {
                // The programme may have gone since: then there is nothing to join.
                let Some(programme) = current.catalog.company.programme(&asked.programme) else {
                    return Ok(());
                };
                let random = &*self.inner.world.random;
                pending_joins::add(tx, key, random, customer, &hash_of_token, asked, now).await?;
                // What somebody typed stands in no mail: it could be anything, and go to anybody.
                let mail = JoinMail {
                    company,
                    programme: &programme.name,
                    link: &format!("{url}/joining/{token}"),
                };
                (
                    format!("Do you want to join {}?", programme.name),
                    text(&mail)?,
                )
            }
        };
        self.post(
            tx,
            key,
            customer,
            &Mail {
                channel: Channel::Mail,
                to: address.as_str().to_owned(),
                subject,
                text,
            },
        )
        .await
    }

    async fn say_already_here(
        &self,
        tx: &mut Tx,
        key: &SecretKey,
        customer: CustomerId,
        address: &EmailAddress,
    ) -> Result<()> {
        let current = self.company().current();
        let company = current.catalog.company.name.as_str();
        let url = &self.settings().public_url;
        let (log_in, forgot) = (format!("{url}/log-in"), format!("{url}/forgot-password"));
        let mail = Mail {
            channel: Channel::Mail,
            to: address.as_str().to_owned(),
            subject: format!("You have an account at {company}"),
            text: text(&AlreadyHereMail {
                company,
                log_in: &log_in,
                forgot: &forgot,
            })?,
        };
        self.post(tx, key, customer, &mail).await
    }
}
