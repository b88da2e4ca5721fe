//! Joining a programme and leaving it. An e-mail address is all that joining needs.
//!
//! Nobody can learn here whether an address is known, no more than at the sign-up: what is asked is written down, sealed,
//! and the worker answers with a mail. Its link shows a page; the page's button makes the membership, and the account where
//! there is none. Nothing but the address, and a nickname where one was typed, is kept before.
//!
//! Whoever leaves keeps what they earned. Nothing else ends with it: each yes is taken back where it was given.

use fairhold_domain::catalog::Programme;
use fairhold_domain::contact_point;
use fairhold_domain::email::EmailAddress;
use fairhold_domain::ids::CustomerId;
use fairhold_domain::nickname;
use fairhold_domain::present;
use fairhold_domain::return_to::ReturnTo;
use fairhold_domain::time::Moment;
use fairhold_store::accounts::{self, LinkKind, MailLink};
use fairhold_store::pending_joins::{self, PendingJoin};
use fairhold_store::seal::{new_token, token_hash};
use fairhold_store::{Tx, customer_refs, memberships, records};
use serde::{Deserialize, Serialize};

use crate::accounts::LINK_SECONDS;
use crate::api_keys::System;
use crate::error::{Error, Result};
use crate::once::{AboutNobody, KeptAnswer, Once, Turn};
use crate::points::Cause;
use crate::webhooks::Event;
use crate::{Customer, Portal, Request, own_values};

/// The collection of the portal's own that says what a customer is in.
const MEMBERSHIP: &str = "membership";

/// What waits at the door until the worker has found out whose the address is.
#[derive(Serialize, Deserialize)]
pub(crate) struct AskedToJoin {
    pub address: String,
    #[serde(flatten)]
    pub join: PendingJoin,
}

/// What somebody typed who wants to join.
#[derive(Clone, Copy, Debug, Default)]
pub struct WantsToJoin<'a> {
    /// Their address.
    pub address: &'a str,
    /// What they want to be called; empty for nothing.
    pub nickname: &'a str,
    /// Where they want to go back to.
    pub return_to: Option<&'a str>,
}

/// A wish to join that was read and found good.
pub(crate) struct Wish(AskedToJoin);

/// Where a customer stands in a programme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// They never were in it.
    Outside,
    /// They are in it since then, as one speaks of it.
    Inside(String),
    /// They left then, as one speaks of it.
    Left(String),
}

/// A link to join that still works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinLink {
    /// The programme.
    pub programme: Programme,
    /// The name that was typed with the wish; `None` where none was, or the customer has one already.
    pub nickname: Option<String>,
}

/// Somebody who has just joined by a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The programme.
    pub programme: Programme,
    /// Where they came from.
    pub return_to: Option<ReturnTo>,
    /// The token of a link that sets their first password; `None` where they chose one before.
    pub first_password: Option<String>,
}

impl Portal {
    /// The programme of that key.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn programme(&self, key: &str) -> Result<Programme> {
        let current = self.company().current();
        let programme = current.catalog.company.programme(key);
        programme.cloned().ok_or(Error::NotFound)
    }

    /// Somebody wants to join. The answer is a mail, and the same for every address.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a programme that is none, [`Error::ReturnTo`], [`Error::Email`], [`Error::Nickname`].
    pub async fn ask_to_join(&self, programme: &str, wants: WantsToJoin<'_>) -> Result<()> {
        let wish = self.wish(programme, wants)?;
        let portal = self.clone();
        let write = self
            .inner
            .db
            .write(move |tx| Box::pin(async move { portal.note_wish(tx, &wish).await }));
        write.await?;
        self.inner.bell.ring();
        Ok(())
    }

    /// The same for one of the company's systems, once for all that it sends under one key. `answer` is what it gets.
    ///
    /// # Errors
    /// As [`Self::ask_to_join`], and as [`Self::turn`].
    pub async fn ask_to_join_for(
        &self,
        system: &System,
        once: Once,
        programme: &str,
        wants: WantsToJoin<'_>,
        answer: impl AboutNobody + Send + Sync + 'static,
    ) -> Result<KeptAnswer> {
        let wish = self.wish(programme, wants)?;
        let (portal, system) = (self.clone(), system.clone());
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move {
                let first = match portal.turn(tx, &system, once).await? {
                    Turn::Again(answer) => return Ok(answer),
                    Turn::First(first) => first,
                };
                portal.note_wish(tx, &wish).await?;
                first.keep(tx, 202, &answer).await
            })
        });
        let kept = write.await?;
        self.inner.bell.ring();
        Ok(kept)
    }

    /// What other systems call the customer who logs in with this address. That a system asked is a look: it learns that they
    /// are a customer here.
    ///
    /// # Errors
    /// [`Error::NotFound`] where nobody proved it, [`Error::Email`].
    pub async fn reference_of(&self, system: &System, address: &str) -> Result<String> {
        let hash = self.address_hash(&EmailAddress::parse(address)?);
        let (portal, now, system) = (self.clone(), self.now(), system.clone());
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move {
                let known = accounts::by_address(tx, &hash).await?;
                let known = known.ok_or(Error::NotFound)?;
                let account = accounts::account(tx, known).await?;
                let proven = account.is_some_and(|account| account.proven_at.is_some());
                if !proven {
                    return Err(Error::NotFound);
                }
                portal.look_for_system(tx, &system, known).await?;
                let random = &*portal.inner.world.random;
                Ok(customer_refs::of(tx, random, known, now).await?)
            })
        });
        write.await
    }

    /// Reads what somebody typed, and refuses what will not do before anything is kept.
    pub(crate) fn wish(&self, programme: &str, wants: WantsToJoin<'_>) -> Result<Wish> {
        let programme = self.programme(programme)?;
        let return_to = wants
            .return_to
            .map(|text| ReturnTo::parse(text, &programme.return_to));
        let return_to = return_to.transpose()?;
        let address = EmailAddress::parse(wants.address)?;
        Ok(Wish(AskedToJoin {
            address: address.as_str().to_owned(),
            join: PendingJoin {
                nickname: nickname::parse(wants.nickname)?,
                return_to: return_to.map(|address| address.as_str().to_owned()),
                programme: programme.key,
            },
        }))
    }

    /// Writes a wish down as part of the caller's transaction. Whoever commits rings the bell.
    pub(crate) async fn note_wish(&self, tx: &mut Tx, wish: &Wish) -> Result<()> {
        let plain = serde_json::to_vec(&wish.0).map_err(|_| fairhold_store::StoreError::Form)?;
        self.knock(tx, Request::Join, &plain).await
    }

    /// What a link joins. Looking changes nothing: scanners open links too.
    ///
    /// # Errors
    /// [`Error::LinkEnded`].
    pub async fn join_link(&self, token: &str) -> Result<JoinLink> {
        let hash = token_hash(token);
        let (_, customer) = self.joining(&hash).await?;
        let mut tx = self.inner.db.read().await?;
        let asked = pending_joins::get(&mut tx, &customer.key, customer.id, &hash).await?;
        let asked = asked.ok_or(Error::LinkEnded)?;
        let (record, _) = records::read(&mut tx, &customer.key, customer.id).await?;
        let new = !record.values.contains_key(own_values::NICKNAME);
        let programme = self.programme(&asked.programme);
        Ok(JoinLink {
            programme: programme.map_err(|_| Error::LinkEnded)?,
            nickname: asked.nickname.filter(|_| new),
        })
    }

    /// Whose link it is, while it can be used.
    async fn joining(&self, token_hash: &str) -> Result<(MailLink, Customer)> {
        let link = accounts::link(&mut self.inner.db.read().await?, token_hash, self.now()).await?;
        let link = link.filter(|link| link.kind == LinkKind::Join);
        let link = link.ok_or(Error::LinkEnded)?;
        let customer = self.customer(link.customer).await;
        let customer = customer.map_err(|error| match error {
            Error::LogInFirst => Error::LinkEnded,
            error => error,
        })?;
        Ok((link, customer))
    }

    /// Uses a link up: it proves the address, and its owner is in the programme.
    ///
    /// # Errors
    /// [`Error::LinkEnded`] when the link was used before or is too old, or its programme has gone.
    pub async fn confirm_joining(&self, token: &str) -> Result<Joined> {
        let hash = token_hash(token);
        let (_, customer) = self.joining(&hash).await?;
        let (portal, now) = (self.clone(), self.now());
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move {
                let id = customer.id;
                accounts::hold(tx, id).await?;
                let asked = pending_joins::get(tx, &customer.key, id, &hash).await?;
                let asked = asked.ok_or(Error::LinkEnded)?;
                let programme = portal.programme(&asked.programme);
                let programme = programme.map_err(|_| Error::LinkEnded)?;
                let used = accounts::use_link(tx, &hash, now).await?;
                used.ok_or(Error::LinkEnded)?;
                pending_joins::remove(tx, id, &hash).await?;
                let (record, _) = records::read(tx, &customer.key, id).await?;
                let address_hash = portal.address_hash(&own_values::address(&record)?);
                if accounts::prove(tx, id, now).await? {
                    // The newest proof counts: another account may have held the address beside its own.
                    let kind = contact_point::Kind::Email;
                    portal.take_from_holder(tx, &address_hash, kind).await?;
                }
                let nickname = asked.nickname.as_deref();
                portal
                    .enter(tx, &customer, &programme, nickname, now)
                    .await?;
                let account = accounts::account(tx, id).await?.ok_or(Error::LinkEnded)?;
                let first_password = match account.password_changed_at {
                    Some(_) => None,
                    None => Some(portal.first_password_link(tx, id, &address_hash).await?),
                };
                let return_to = asked.return_to.as_deref();
                // The list may have become shorter since it was asked for.
                let return_to =
                    return_to.and_then(|text| ReturnTo::parse(text, &programme.return_to).ok());
                Ok::<Joined, Error>(Joined {
                    programme,
                    return_to,
                    first_password,
                })
            })
        });
        let joined = write.await?;
        self.inner.bell.ring();
        Ok(joined)
    }

    /// A link that sets the first password, for somebody who has just shown that the mailbox is theirs.
    async fn first_password_link(
        &self,
        tx: &mut Tx,
        customer: CustomerId,
        address_hash: &str,
    ) -> Result<String> {
        let token = new_token(&*self.inner.world.random);
        let (hash, now) = (token_hash(&token), self.now());
        let ends = now.plus_seconds(LINK_SECONDS);
        let kind = LinkKind::SignUp;
        accounts::add_link(tx, &hash, customer, address_hash, kind, now, ends).await?;
        Ok(token)
    }

    /// The customer joins, or joins again. Who is in already stays in.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a programme that is none, [`Error::Nickname`].
    pub async fn join(&self, customer: Customer, programme: &str, nickname: &str) -> Result<()> {
        let programme = self.programme(programme)?;
        let nickname = nickname::parse(nickname)?;
        let (portal, now) = (self.clone(), self.now());
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move {
                accounts::hold(tx, customer.id).await?;
                let nickname = nickname.as_deref();
                portal.enter(tx, &customer, &programme, nickname, now).await
            })
        });
        write.await?;
        self.inner.bell.ring();
        Ok(())
    }

    /// Makes the membership, in a transaction that holds the customer.
    async fn enter(
        &self,
        tx: &mut Tx,
        customer: &Customer,
        programme: &Programme,
        nickname: Option<&str>,
        now: Moment,
    ) -> Result<()> {
        let (mut record, version) = records::read(tx, &customer.key, customer.id).await?;
        let contacts = [self.address_hash(&own_values::address(&record)?)];
        // A stranger may have typed it: it names nobody who has a name here already.
        let new = !record.values.contains_key(own_values::NICKNAME);
        if let Some(nickname) = nickname.filter(|_| new) {
            let value = own_values::given(nickname, now);
            record.values.insert(own_values::NICKNAME.to_owned(), value);
            let random = &*self.inner.world.random;
            records::write(tx, &customer.key, random, customer.id, &record, version).await?;
        }
        if memberships::join(tx, customer.id, &programme.key, now).await? {
            self.earn_points(tx, customer.id, programme, Cause::Joining, &contacts)
                .await?;
            self.queue_webhook(tx, &programme.key, customer.id, Event::Joined)
                .await?;
        }
        Ok(())
    }

    /// The customer leaves. What they earned stays theirs; nothing else changes.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a programme that is none.
    pub async fn leave(&self, customer: &Customer, programme: &str) -> Result<()> {
        let programme = self.programme(programme)?.key;
        let (portal, id, now) = (self.clone(), customer.id, self.now());
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move {
                accounts::hold(tx, id).await?;
                if memberships::leave(tx, id, &programme, now).await? {
                    portal
                        .queue_webhook(tx, &programme, id, Event::Left)
                        .await?;
                }
                Ok::<(), Error>(())
            })
        });
        write.await?;
        self.inner.bell.ring();
        Ok(())
    }

    /// Where the customer stands in a programme.
    pub async fn standing_in(&self, customer: &Customer, programme: &str) -> Result<Standing> {
        let mut tx = self.inner.db.read().await?;
        let all = memberships::of(&mut tx, customer.id).await?;
        drop(tx);
        let (now, zone) = (self.now().timestamp(), &self.company().current().zone);
        let spoken = |at: Moment| present::spoken(at.timestamp(), now, zone);
        let its = all.into_iter().find(|its| its.programme == programme);
        if its.is_some() {
            self.look_at_own(customer, MEMBERSHIP).await?;
        }
        Ok(match its.map(|its| (its.joined_at, its.left_at)) {
            None => Standing::Outside,
            Some((joined, None)) => Standing::Inside(spoken(joined)),
            Some((_, Some(left))) => Standing::Left(spoken(left)),
        })
    }
}
