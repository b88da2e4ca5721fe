//! What the staff do: define rewards, pause them, put codes in, and put a customer's points right.

use fairhold_domain::catalog::check::{Finding, check_reward};
use fairhold_domain::catalog::{Reward, is_short_name};
use fairhold_domain::email::EmailAddress;
use fairhold_domain::points::Kind;
use fairhold_domain::policy::Action;
use fairhold_domain::rewards::{CodesError, Offer, read_codes};
use fairhold_store::points::{self as journal, Appended, NewEntry};
use fairhold_store::rewards::{self as store, Count};
use fairhold_store::{Tx, accounts};
use uuid::Uuid;

use super::balance::reason_identity;
use super::{FormError, all_offers, left};
use crate::Portal;
use crate::company::Current;
use crate::error::{Error, Result};
use crate::staff::By;

/// The longest reason of a correction, in bytes.
const LONGEST_REASON: usize = 300;

/// A reward, as the staff see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaffReward {
    /// The reward.
    pub reward: Reward,
    /// Whether it is not offered for now.
    pub paused: bool,
    /// Whether it is as the catalog says.
    pub from_catalog: bool,
    /// So many were given out.
    pub given: u64,
    /// So many are left; `None`: any number.
    pub left: Option<u64>,
}

/// What came of pasted codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutIn {
    /// So many are new.
    pub added: usize,
    /// Those that were there already, or stood in the list twice.
    pub doubles: Vec<String>,
}

/// Points of a customer that somebody puts right.
#[derive(Clone, Debug)]
pub struct Correction {
    /// The form's own name, so that a form that is sent twice corrects once.
    pub id: String,
    /// The address that the customer logs in with.
    pub email: String,
    /// The programme's key.
    pub programme: String,
    /// Points that come, or go.
    pub points: i64,
    /// Why, as the customer reads it.
    pub reason: String,
}

impl Portal {
    /// All rewards.
    ///
    /// # Errors
    /// [`Error::NotAllowed`].
    pub async fn list_rewards(&self, by: By) -> Result<Vec<StaffReward>> {
        let permit = self.permit(by, Action::ReadRewards, None).await?;
        self.note_permit_alone(by, permit).await?;
        let current = self.company().current();
        let mut tx = self.inner.db.read().await?;
        let mut listed = Vec::new();
        for offer in all_offers(&mut tx, &current).await? {
            let count = store::count(&mut tx, &offer.reward.key).await?;
            listed.push(StaffReward::new(offer, &count));
        }
        Ok(listed)
    }

    /// Whether somebody may change rewards, for a form that can't be read.
    ///
    /// # Errors
    /// [`Error::NotAllowed`].
    pub async fn may_change_rewards(&self, by: By) -> Result<()> {
        self.permit(by, Action::ChangeRewards, None)
            .await
            .map(|_| ())
    }

    /// Adds a reward. Sent twice it is added once.
    ///
    /// # Errors
    /// [`Error::NotAllowed`]; [`Error::Form`] says what is wrong with it.
    pub async fn add_reward(&self, by: By, reward: Reward) -> Result<()> {
        self.keep_reward(by, reward, true).await
    }

    /// Changes a reward: what is written stands in place of what was there, also of the catalog's.
    ///
    /// # Errors
    /// [`Error::NotAllowed`], [`Error::NotFound`]; [`Error::Form`] says what is wrong with it.
    pub async fn change_reward(&self, by: By, reward: Reward) -> Result<()> {
        self.keep_reward(by, reward, false).await
    }

    async fn keep_reward(&self, by: By, reward: Reward, new: bool) -> Result<()> {
        let permit = self.permit(by, Action::ChangeRewards, None).await?;
        let current = self.company().current();
        let wrongs = wrongs(&reward, &current);
        if !wrongs.is_empty() {
            return Err(FormError::Reward(wrongs).into());
        }
        let (portal, now) = (self.clone(), self.now());
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move {
                let about = Some(about(&reward.key));
                portal.note_permit(tx, by, permit, about, None).await?;
                store::hold(tx, &reward.key).await?;
                let offers = all_offers(tx, &current).await?;
                let known = offers.iter().find(|offer| offer.reward.key == reward.key);
                match known.map(|offer| &offer.reward) {
                    Some(known) if new && *known != reward => {
                        return Err(FormError::KeyTaken.into());
                    }
                    None if !new => return Err(Error::NotFound),
                    _ => {}
                }
                Ok(store::define(tx, &reward, now).await?)
            })
        });
        write.await
    }

    /// Stops offering a reward, or goes on with it.
    ///
    /// # Errors
    /// [`Error::NotAllowed`], [`Error::NotFound`].
    pub async fn pause_reward(&self, by: By, reward: &str, paused: bool) -> Result<()> {
        let permit = self.permit(by, Action::ChangeRewards, None).await?;
        let (portal, now, key) = (self.clone(), self.now(), reward.to_owned());
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move {
                portal
                    .note_permit(tx, by, permit, Some(about(&key)), None)
                    .await?;
                portal.known_offer(tx, &key).await?;
                // Whoever is taking it just now has it; whoever comes after finds it paused.
                store::hold(tx, &key).await?;
                Ok(store::pause(tx, &key, paused, now).await?)
            })
        });
        write.await
    }

    /// Puts codes of a voucher in, one a line. Those that were there before are told, and are not put in again.
    ///
    /// # Errors
    /// [`Error::NotAllowed`], [`Error::NotFound`]; [`Error::Form`] says why none is taken in.
    pub async fn put_codes_in(&self, by: By, reward: &str, pasted: &str) -> Result<PutIn> {
        let permit = self.permit(by, Action::ChangeRewards, None).await?;
        let read = read_codes(pasted).map_err(FormError::Codes)?;
        let (portal, now, key) = (self.clone(), self.now(), reward.to_owned());
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move {
                portal
                    .note_permit(tx, by, permit, Some(about(&key)), None)
                    .await?;
                let offer = portal.known_offer(tx, &key).await?;
                if offer.reward.kind != fairhold_domain::catalog::RewardKind::Voucher {
                    return Err(FormError::Codes(CodesError::NoVoucher).into());
                }
                store::hold(tx, &key).await?;
                let vouchers = portal.inner.keys.portal().vouchers();
                let random = &*portal.inner.world.random;
                let known = store::add_codes(tx, &vouchers, random, &key, &read.codes, now).await?;
                Ok::<_, Error>(PutIn {
                    added: read.codes.len().saturating_sub(known.len()),
                    doubles: read.doubles.into_iter().chain(known).collect(),
                })
            })
        });
        write.await
    }

    async fn known_offer(&self, tx: &mut Tx, key: &str) -> Result<Offer> {
        let offers = all_offers(tx, &self.company().current()).await?;
        let mut offers = offers.into_iter();
        offers
            .find(|offer| offer.reward.key == key)
            .ok_or(Error::NotFound)
    }

    /// Whether somebody may open the page on which points are put right.
    ///
    /// # Errors
    /// [`Error::NotAllowed`].
    pub async fn may_correct_points(&self, by: By) -> Result<()> {
        let permit = self.permit(by, Action::CorrectPoints, None).await?;
        self.note_permit_alone(by, permit).await
    }

    /// Puts a customer's points right with an entry of its own, which they read with its reason. Sent twice it is made once.
    ///
    /// # Errors
    /// [`Error::NotAllowed`]; [`Error::Form`] says what is wrong with it; [`Error::OtherRequest`] when this form entered other
    /// points before.
    pub async fn correct_points(&self, by: By, correction: Correction) -> Result<()> {
        let permit = self.permit(by, Action::CorrectPoints, None).await?;
        let current = self.company().current();
        let Correction {
            id,
            email,
            programme,
            points,
            reason,
        } = correction;
        let id = Uuid::parse_str(&id).map_err(|_| Error::NotFound)?;
        let reason = reason.trim().to_owned();
        if reason.is_empty() || reason.chars().count() > LONGEST_REASON {
            return Err(FormError::Reason.into());
        }
        if current.catalog.company.programme(&programme).is_none() {
            return Err(FormError::Programme.into());
        }
        let address = EmailAddress::parse(&email)?;
        let hash = accounts::address_hash(&self.inner.keys.portal().addresses, &address);
        let mut tx = self.inner.db.read().await?;
        let customer = accounts::by_address(&mut tx, &hash).await?;
        drop(tx);
        let customer = self.customer(customer.ok_or(FormError::NoCustomer)?);
        let customer = customer.await.map_err(|error| match error {
            Error::LogInFirst => FormError::NoCustomer.into(),
            error => error,
        })?;
        let (portal, now) = (self.clone(), self.now());
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move {
                let about = Some(customer.id.to_string());
                portal.note_permit(tx, by, permit, about, None).await?;
                accounts::hold(tx, customer.id).await?;
                let identity = reason_identity(&customer, &programme);
                let random = &*portal.inner.world.random;
                let reason = customer.key.seal(&identity, reason.as_bytes(), random)?;
                let entry = NewEntry {
                    points,
                    kind: Kind::Corrected,
                    about: "",
                    reason: Some(reason),
                    key: &format!("corrected:{id}"),
                    spendable_at: now,
                };
                let chain = &portal.inner.keys.portal().looks;
                match journal::append(tx, chain, customer.id, &programme, &entry, now).await? {
                    Appended::Added(_) => Ok(()),
                    Appended::Known(known) if known == points => Ok(()),
                    // Whoever went back and typed other points is not told that these are entered.
                    Appended::Known(_) => Err(Error::OtherRequest),
                    Appended::Refused(error) => Err(FormError::Points(error).into()),
                }
            })
        });
        write.await
    }

    /// A fresh name for a form of the staff that may be sent twice.
    pub fn name_of_form(&self) -> String {
        self.new_id()
    }
}

impl StaffReward {
    fn new(offer: Offer, count: &Count) -> Self {
        Self {
            left: left(&offer.reward, count),
            given: count.given,
            reward: offer.reward,
            paused: offer.paused,
            from_catalog: offer.from_catalog,
        }
    }
}

/// What a decision about a reward is about.
pub(crate) fn about(reward: &str) -> String {
    format!("reward:{reward}")
}

/// What is wrong with a definition, each in a sentence: what the catalog's check says, and what reading a file would.
fn wrongs(reward: &Reward, current: &Current) -> Vec<String> {
    let mut findings = Vec::new();
    check_reward(reward, &mut findings);
    let findings = findings.into_iter().filter(Finding::is_error);
    let mut wrongs: Vec<String> = findings.map(|finding| finding.message).collect();
    if !is_short_name(&reward.key) {
        wrongs.push("The key takes letters, digits, - and _, 64 at most.".to_owned());
    }
    let long = |text: &str, most: usize| text.trim().is_empty() || text.chars().count() > most;
    if long(&reward.name, 100) {
        wrongs.push("Give it a name of 100 letters at most.".to_owned());
    }
    if long(&reward.words, 500) {
        wrongs.push("Say what it is, in 500 letters at most.".to_owned());
    }
    let company = &current.catalog.company;
    if company.programme(&reward.programme).is_none() {
        wrongs.push("Choose one of the programmes.".to_owned());
    }
    wrongs
}
