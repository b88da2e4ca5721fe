//! Who looked: every look at a customer's data, in sentences (P22).

use fairhold_domain::access::{Act, Actor, Look, Seen};
use fairhold_domain::catalog::{Collection, Dataset, Field, LOG_IN_COLLECTION, OWN_CONNECTION};
use fairhold_domain::ids::CustomerId;
use fairhold_domain::{facts, present};
use fairhold_store::{Tx, looks};

use crate::api_keys::System;
use crate::company::Current;
use crate::error::Result;
use crate::grants::CHOICES;
use crate::{Customer, Portal};

/// Looks on one page.
const LOOKS_A_PAGE: u16 = 50;

/// A look, ready to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookLine {
    /// What happened.
    pub sentence: String,
    /// What was looked at, where the sentence only counts it.
    pub parts: Option<String>,
    /// When, as one speaks of it.
    pub when: String,
    /// When, for machines (RFC 3339).
    pub at: String,
    /// Why, as whoever looked said it.
    pub reason: Option<String>,
    /// Names of systems that did not answer then.
    pub failed: Vec<String>,
    /// Whether it was the customer.
    pub own: bool,
}

/// A page of looks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LooksPage {
    /// Newest first.
    pub looks: Vec<LookLine>,
    /// The number before which the next page begins.
    pub next: Option<i64>,
}

/// Where the catalog describes what the portal itself holds.
fn own_dataset(current: &Current) -> Option<&Dataset> {
    let mut datasets = current.catalog.datasets.iter();
    datasets.find(|d| d.connection.as_deref() == Some(OWN_CONNECTION))
}

impl Portal {
    /// Writes down that the customer looks at how they get in: their address, devices, or the names of their passkeys.
    /// Nothing of it may be shown before.
    pub(crate) async fn look_at_log_in(&self, customer: &Customer) -> Result<()> {
        self.look_at_own(customer, LOG_IN_COLLECTION).await
    }

    /// Writes down that the customer looks at a collection of the portal's own.
    pub(crate) async fn look_at_own(&self, customer: &Customer, collection: &str) -> Result<()> {
        let (portal, id) = (self.clone(), customer.id);
        let current = self.company().current();
        let seen = own_dataset(&current).map(|dataset| Seen::all(&dataset.key, collection));
        let seen = seen.into_iter().collect();
        let write = self
            .inner
            .db
            .write(move |tx| Box::pin(async move { portal.look_at(tx, id, seen).await }));
        write.await
    }

    /// Writes down that the customer looks at what they allow, in the transaction that reads it.
    pub(crate) async fn look_at_choices(&self, tx: &mut Tx, customer: &Customer) -> Result<()> {
        let current = self.company().current();
        let seen = own_dataset(&current).map(|dataset| Seen::all(&dataset.key, CHOICES));
        self.look_at(tx, customer.id, seen.into_iter().collect())
            .await
    }

    /// Writes down that the customer looks at fields of the portal's own, in the transaction that reads them.
    pub(crate) async fn look_at_fields(
        &self,
        tx: &mut Tx,
        customer: &Customer,
        fields: impl Iterator<Item = (&Collection, &Field)>,
    ) -> Result<()> {
        let current = self.company().current();
        let Some(dataset) = own_dataset(&current) else {
            return Ok(());
        };
        let seen = fields.map(|(collection, field)| Seen {
            fields: vec![field.name.clone()],
            ..Seen::all(&dataset.key, &collection.name)
        });
        let seen = seen.collect();
        self.look_at(tx, customer.id, seen).await
    }

    /// Writes down that one of the company's systems learned that somebody is a customer, in the transaction that tells it.
    pub(crate) async fn look_for_system(
        &self,
        tx: &mut Tx,
        system: &System,
        customer: CustomerId,
    ) -> Result<()> {
        let current = self.company().current();
        let own = own_dataset(&current);
        let seen = own.map(|dataset| Seen::all(&dataset.key, LOG_IN_COLLECTION));
        let actor = Actor::System {
            name: system.key().name.clone(),
        };
        let seen = seen.into_iter().collect();
        self.append_look(tx, customer, actor, Act::Read, seen).await
    }

    async fn look_at(&self, tx: &mut Tx, customer: CustomerId, seen: Vec<Seen>) -> Result<()> {
        self.append_look(tx, customer, Actor::Customer, Act::OpenedList, seen)
            .await
    }

    async fn append_look(
        &self,
        tx: &mut Tx,
        customer: CustomerId,
        actor: Actor,
        act: Act,
        seen: Vec<Seen>,
    ) -> Result<()> {
        let look = Look {
            actor,
            act,
            reason: None,
            seen,
            failed: Vec::new(),
        };
        let key = &self.inner.keys.portal().looks;
        looks::append(tx, key, customer, self.now(), &look).await?;
        Ok(())
    }

    /// The looks before number `before`, newest first; all of them when it is `None`.
    pub async fn who_looked(&self, customer: &Customer, before: Option<i64>) -> Result<LooksPage> {
        let mut tx = self.inner.db.read().await?;
        let recorded = looks::page(
            &mut tx,
            customer.id,
            before.unwrap_or(i64::MAX),
            i64::from(LOOKS_A_PAGE) + 1,
        )
        .await?;
        drop(tx);
        let current = self.company().current();
        let now = self.now().timestamp();
        let shown = recorded
            .get(..usize::from(LOOKS_A_PAGE))
            .unwrap_or(&recorded);
        let more = recorded.len() > shown.len();
        let next = shown.last().filter(|_| more).map(|r| r.seq);
        let looks = shown
            .iter()
            .map(|recorded| {
                let look: &Look = &recorded.look;
                let at = recorded.at.timestamp();
                let words = |seen: &Seen| facts::seen_phrase(&current.catalog, seen);
                LookLine {
                    sentence: look.sentence(words),
                    parts: look.parts(words),
                    when: present::spoken(at, now, &current.zone),
                    at: at.to_string(),
                    reason: look.reason.clone(),
                    failed: look
                        .failed
                        .iter()
                        .map(|key| {
                            current
                                .catalog
                                .dataset(key)
                                .map_or_else(|| key.clone(), |d| d.name.clone())
                        })
                        .collect(),
                    own: look.actor == Actor::Customer,
                }
            })
            .collect();
        Ok(LooksPage { looks, next })
    }
}
