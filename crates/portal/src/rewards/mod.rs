//! Rewards: what a member can spend points on, and how one is taken, once, whatever is sent how often (P12).
//!
//! `balance` is what a customer sees of their points and of what they took; `manage` is what the staff do.

mod balance;
mod manage;

use fairhold_domain::catalog::{Reward, RewardKind};
use fairhold_domain::points::{self, Change, Kind};
use fairhold_domain::rewards::{Case, CodesError, Offer, RewardError, code, offers};
use fairhold_domain::time::Moment;
use fairhold_store::outbox::{Channel, Mail};
use fairhold_store::points::{self as journal, Appended, NewEntry};
use fairhold_store::rewards::{self as store, Count, Redemption};
use fairhold_store::seal::random_bytes;
use fairhold_store::{StoreError, Tx, accounts, records};
use uuid::Uuid;

pub(crate) use balance::reason_identity;
pub use balance::{Day, Goal, Line, OwnRewards, ProgrammePoints, RewardCard, Taken, WhatItIs};
pub(crate) use manage::about;
pub use manage::{Correction, PutIn, StaffReward};

use crate::company::Current;
use crate::error::{Error, Result};
use crate::mail::{RewardMail, text};
use crate::webhooks::Event;
use crate::{Customer, Portal, own_values};

/// The collection of the portal's own that says what points and rewards a customer has.
pub(crate) const POINTS: &str = "points";
/// Codes are made anew so often where one was known before, which with 40 random bits is next to never.
const TRIES: usize = 8;

/// What the staff wrote can't stand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// The definition is wrong: what, each in a sentence.
    #[error("not a reward")]
    Reward(Vec<String>),
    /// Another reward has this key.
    #[error("There is a reward with this key already. Take another key, or change that one.")]
    KeyTaken,
    /// The codes can't be taken in.
    #[error(transparent)]
    Codes(#[from] CodesError),
    /// The points can't be corrected so.
    #[error(transparent)]
    Points(#[from] points::PointsError),
    /// Nobody has this address.
    #[error("Nobody logs in with this address. Look at how it is spelt.")]
    NoCustomer,
    /// A correction without a reason, or with a very long one.
    #[error("Write a reason in 300 letters at most. The customer reads it.")]
    Reason,
    /// There is no such programme.
    #[error("Choose one of the programmes.")]
    Programme,
}

/// A reward that a customer wants, as its card sent it.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The form's own name, so that a form that is sent twice takes one.
    pub id: String,
    /// The reward's key.
    pub reward: String,
    /// What the card said that it costs.
    pub costs: u32,
}

impl Portal {
    /// Takes a reward, and answers under which name it is the customer's from then on. What is sent again is the same
    /// redemption.
    ///
    /// All in one transaction, which holds the customer and then the reward: the code, the redemption, the points, and the
    /// what the programme's shop and the customer are told.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such reward, [`Error::Reward`] says why it can't be taken. No point is lost then.
    /// [`Error::OtherRequest`] when another reward was taken under this name.
    pub async fn redeem(&self, customer: Customer, wanted: Wanted) -> Result<String> {
        let id = Uuid::parse_str(&wanted.id).map_err(|_| Error::NotFound)?;
        let id = id.to_string();
        let portal = self.clone();
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move {
                accounts::hold(tx, customer.id).await?;
                if let Some(taken) = store::taken(tx, &customer.key, customer.id, &id).await? {
                    let same = taken.reward == wanted.reward;
                    return same.then_some(id).ok_or(Error::OtherRequest);
                }
                let current = portal.company().current();
                let offers = all_offers(tx, &current).await?;
                let known = |offer: &&Offer| offer.reward.key == wanted.reward;
                // Only what has a name in the catalog or on the staff's page is held: nobody fills the table with others.
                offers.iter().find(known).ok_or(Error::NotFound)?;
                store::hold(tx, &wanted.reward).await?;
                // Again, because it may have been changed while somebody else was waited for.
                let offers = all_offers(tx, &current).await?;
                let offer = offers.iter().find(known).ok_or(RewardError::Gone)?;
                portal
                    .decide(tx, &customer, offer, wanted.costs)
                    .await?
                    .map_err(Error::Reward)?;
                portal.give_reward(tx, &customer, &offer.reward, id).await
            })
        });
        let id = write.await?;
        self.inner.bell.ring();
        Ok(id)
    }

    async fn decide(
        &self,
        tx: &mut Tx,
        customer: &Customer,
        offer: &Offer,
        price: u32,
    ) -> Result<Result<(), RewardError>> {
        let reward = &offer.reward;
        let entries = journal::entries(tx, customer.id, &reward.programme).await?;
        let changes: Vec<Change> = entries.iter().map(|entry| entry.change).collect();
        let case = Case {
            offer,
            left: left(reward, &store::count(tx, &reward.key).await?),
            had: store::had_of(tx, customer.id, &reward.key).await?,
            spendable: points::spendable(&changes, self.now()),
        };
        Ok(case.decide_for(price))
    }

    /// Gives a reward that may be taken: its code, its record, its points, and whoever is told. The caller holds the customer and the
    /// reward.
    async fn give_reward(
        &self,
        tx: &mut Tx,
        customer: &Customer,
        reward: &Reward,
        id: String,
    ) -> Result<String> {
        let now = self.now();
        let taken = Redemption {
            programme: reward.programme.clone(),
            reward: reward.key.clone(),
            name: reward.name.clone(),
            kind: reward.kind,
            costs: reward.costs,
            at: now,
            code: self.code_for(tx, reward, now).await?,
            id,
        };
        let random = &*self.inner.world.random;
        store::take(tx, &customer.key, random, customer.id, &taken).await?;
        let entry = NewEntry {
            points: -i64::from(reward.costs),
            kind: Kind::Redeemed,
            about: &reward.key,
            reason: None,
            key: &format!("redeemed:{}", taken.id),
            spendable_at: now,
        };
        let chain = &self.inner.keys.portal().looks;
        match journal::append(tx, chain, customer.id, &reward.programme, &entry, now).await? {
            Appended::Added(_) => {}
            Appended::Known(_) => return Err(Error::Store(StoreError::Conflict)),
            Appended::Refused(_) => return Err(RewardError::TooFewPoints.into()),
        }
        let event = Event::Redeemed {
            reward: &taken.reward,
            redemption: &taken.id,
            code: taken.code.as_deref(),
        };
        self.queue_webhook(tx, &taken.programme, customer.id, event)
            .await?;
        self.mail_reward(tx, customer, reward, &taken).await?;
        Ok(taken.id)
    }

    async fn code_for(&self, tx: &mut Tx, reward: &Reward, now: Moment) -> Result<Option<String>> {
        let key = self.inner.keys.portal().vouchers();
        match reward.kind {
            RewardKind::Donation => Ok(None),
            RewardKind::Voucher => {
                let code = store::take_code(tx, &key, &reward.key, now).await?;
                Ok(Some(code.ok_or(RewardError::SoldOut)?))
            }
            RewardKind::Percent => {
                for _ in 0..TRIES {
                    let random = random_bytes(&*self.inner.world.random);
                    let made = code(reward.code.as_deref(), random);
                    if store::note_made_code(tx, &key, &reward.key, &made, now).await? {
                        return Ok(Some(made));
                    }
                }
                Err(Error::Busy)
            }
        }
    }

    async fn mail_reward(
        &self,
        tx: &mut Tx,
        customer: &Customer,
        reward: &Reward,
        taken: &Redemption,
    ) -> Result<()> {
        let current = self.company().current();
        let company = current.catalog.company.name.as_str();
        let link = format!("{}/rewards", self.settings().public_url);
        let (record, _) = records::read(tx, &customer.key, customer.id).await?;
        let mail = Mail {
            channel: Channel::Mail,
            to: own_values::address(&record)?.as_str().to_owned(),
            subject: format!("Your reward from {company}"),
            text: text(&RewardMail {
                company,
                name: &reward.name,
                words: &reward.words,
                points: reward.costs,
                code: taken.code.as_deref(),
                link: &link,
            })?,
        };
        self.post(tx, &customer.key, customer.id, &mail).await
    }
}

/// All rewards that the company offers, those that are paused too.
pub(crate) async fn all_offers(tx: &mut Tx, current: &Current) -> Result<Vec<Offer>> {
    let changes = store::changes(tx).await?;
    let mut offers = offers(&current.catalog.rewards, &changes);
    // A programme that the catalog does not have any more has no rewards.
    let company = &current.catalog.company;
    offers.retain(|offer| company.programme(&offer.reward.programme).is_some());
    Ok(offers)
}

/// How many of a reward are left; `None`: any number.
fn left(reward: &Reward, count: &Count) -> Option<u64> {
    match reward.kind {
        RewardKind::Voucher => Some(count.waiting),
        RewardKind::Percent | RewardKind::Donation => {
            let stock = reward.stock.map(u64::from);
            stock.map(|stock| stock.saturating_sub(count.given))
        }
    }
}
