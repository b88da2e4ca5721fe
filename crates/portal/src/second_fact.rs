//! The second fact: a customer shows that rows which hold their address are theirs, where nobody checked the address.
//!
//! Nobody gets here without having proven the address to the portal, and no row is shown without the fact as well. So
//! two accounts can't both claim one row: an address belongs to one account, and the row must hold it at each reading.
//!
//! The answer is the same for a wrong fact, for a right one whose row has gone, and for a system that knows nobody. The
//! try is taken before anything is compared, so that tries at the same time are no more than three.

use fairhold_connect::{ConnectError, Connector, IdentityRow, SecondFact, second_fact};
use fairhold_domain::access::{Act, Actor, Look, Seen};
use fairhold_domain::catalog::{ColumnRef, Dataset};
use fairhold_domain::contact_point::ContactPoints;
use fairhold_domain::ids::CustomerId;
use fairhold_domain::present;
use fairhold_domain::second_fact::{self as rules, Answer};
use fairhold_store::links::Link;
use fairhold_store::second_facts::{self as store, Proof};
use fairhold_store::{Random, SecretKey, StoreError, Tx, looks};
use secrecy::{ExposeSecret, SecretString};

use crate::company::Current;
use crate::error::{Error, Result};
use crate::links::{SystemLinks, links};
use crate::systems::System;
use crate::{Customer, Portal};

/// What a customer is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The system's name, as customers read it.
    pub system: String,
    /// "your post code or your last order number".
    pub asks: String,
    /// Whether there is no try at the moment.
    pub wait: Option<Wait>,
}

/// A wait for the next try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// When it ends, as one speaks of it.
    pub until: String,
    /// How long it is.
    pub seconds: i64,
}

/// What became of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Rows are the customer's, and shown from now on.
    Proven,
    /// Nothing matched.
    Wrong,
    /// There was no try left, and nothing was compared.
    NoTryLeft,
}

/// A dataset whose rows may need a second fact, with what can be asked for.
struct Asked<'a> {
    system: &'a System,
    dataset: &'a Dataset,
    facts: Vec<ColumnRef>,
    phrase: String,
}

/// What came of comparing.
struct Compared {
    proven: Vec<IdentityRow>,
    fresh_links: Vec<Link>,
}

impl Portal {
    /// What the customer is asked about a dataset, whether or not it knows them.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such dataset, or none that asks anything.
    pub async fn second_fact_question(
        &self,
        customer: &Customer,
        dataset: &str,
    ) -> Result<Question> {
        let current = self.company().current();
        let asked = asked(&current, dataset)?;
        let now = self.now();
        let mut tx = self.inner.db.read().await?;
        let wait = store::wait(&mut tx, customer.id, dataset, now).await?;
        drop(tx);
        let wait = wait.map(|wait| Wait {
            // Minutes are named without their seconds: the one after is never too early.
            until: present::spoken(
                wait.until.plus_seconds(59).timestamp(),
                now.timestamp(),
                &current.zone,
            ),
            seconds: wait.until.seconds_since(now) + 1,
        });
        Ok(Question {
            system: asked.dataset.name.clone(),
            asks: asked.phrase,
            wait,
        })
    }

    /// Holds what the customer typed against the rows that hold their address unchecked.
    ///
    /// # Errors
    /// [`Error::NotFound`] as for the question; [`Error::SecondFact`] when the text is no answer, which takes no try;
    /// [`Error::SystemDown`] when nothing could be compared: then the try is given back.
    pub async fn answer_second_fact(
        &self,
        customer: &Customer,
        dataset: &str,
        typed: &SecretString,
    ) -> Result<Outcome> {
        let current = self.company().current();
        let asked = asked(&current, dataset)?;
        let answer = Answer::parse(typed.expose_secret())?;
        if !self.take_try(customer, dataset).await? {
            return Ok(Outcome::NoTryLeft);
        }
        match self.compare(customer, &asked, &answer).await? {
            Ok(compared) => self.record_answer(customer, &asked, compared).await,
            Err(error) => {
                tracing::warn!(dataset, %error, "a second fact could not be compared");
                // A wrong answer takes the longest: were its try given back, a slow system could be asked without end.
                let give_back = error != ConnectError::TooSlow;
                self.record_no_answer(customer, dataset, give_back).await?;
                Err(Error::SystemDown)
            }
        }
    }

    /// Takes a try; `false` when there is none left.
    async fn take_try(&self, customer: &Customer, dataset: &str) -> Result<bool> {
        let (id, dataset, now) = (customer.id, dataset.to_owned(), self.now());
        let taken = self
            .inner
            .db
            .write(move |tx| Box::pin(async move { store::take_try(tx, id, &dataset, now).await }));
        Ok(taken.await?.is_ok())
    }

    /// Finds the rows and holds the answer against them, within the time that a system has.
    async fn compare(
        &self,
        customer: &Customer,
        asked: &Asked<'_>,
        answer: &Answer,
    ) -> Result<Result<Compared, ConnectError>> {
        let Some(connector) = &asked.system.connector else {
            return Ok(Err(ConnectError::Down));
        };
        let mut tx = self.inner.db.read().await?;
        let contacts = self.contact_points(&mut tx, customer).await?;
        let known = fairhold_store::links::of(&mut tx, &customer.key, customer.id).await?;
        drop(tx);
        let compared = tokio::time::timeout(self.settings().system_timeout, async {
            // Once more when the tables have changed since they were last looked at.
            match self
                .compare_once(&**connector, asked, &known, &contacts, answer)
                .await
            {
                Err(ConnectError::Changed) => {
                    asked.system.forget_plan();
                    self.compare_once(&**connector, asked, &[], &contacts, answer)
                        .await
                }
                compared => compared,
            }
        });
        Ok(compared.await.unwrap_or(Err(ConnectError::TooSlow)))
    }

    async fn compare_once(
        &self,
        connector: &dyn Connector,
        asked: &Asked<'_>,
        known: &[Link],
        contacts: &ContactPoints,
        answer: &Answer,
    ) -> Result<Compared, ConnectError> {
        let (timeout, now) = (self.settings().system_timeout, self.now());
        let plan = asked.system.plan(connector, timeout, now).await?;
        let SystemLinks { linked, fresh } =
            links(asked.system, connector, &plan, known, contacts, now).await?;
        let of_dataset = asked.system.datasets.iter().zip(linked);
        let rows: Vec<IdentityRow> = of_dataset
            .filter(|(dataset, _)| dataset.key == asked.dataset.key)
            .flat_map(|(_, linked)| linked.unproven)
            .collect();
        let wanted = SecondFact {
            contacts,
            rows: &rows,
            facts: &asked.facts,
            answer,
        };
        Ok(Compared {
            proven: second_fact(connector, &plan, &wanted).await?,
            fresh_links: fresh,
        })
    }

    /// Writes what the answer proved, and that it was given, as one act.
    async fn record_answer(
        &self,
        customer: &Customer,
        asked: &Asked<'_>,
        compared: Compared,
    ) -> Result<Outcome> {
        let (act, outcome) = if compared.proven.is_empty() {
            (Act::TriedToProve, Outcome::Wrong)
        } else {
            (Act::Proved, Outcome::Proven)
        };
        let look = Look {
            actor: Actor::Customer,
            act,
            reason: None,
            seen: seen(&asked.facts),
            failed: Vec::new(),
        };
        let (id, key, now) = (customer.id, customer.key.clone(), self.now());
        let looks_key = self.inner.keys.portal().looks.clone();
        let random = self.inner.world.random.clone();
        let dataset = asked.dataset.key.clone();
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    for link in &compared.fresh_links {
                        fairhold_store::links::put(tx, &key, &*random, id, link).await?;
                    }
                    if !compared.proven.is_empty() {
                        remember(tx, &key, &*random, id, &dataset, compared.proven).await?;
                        store::forget_tries(tx, id, &dataset).await?;
                    }
                    looks::append(tx, &looks_key, id, now, &look).await?;
                    Ok::<(), StoreError>(())
                })
            })
            .await?;
        Ok(outcome)
    }

    /// Writes that the system did not answer, and gives the try back, as one act.
    async fn record_no_answer(
        &self,
        customer: &Customer,
        dataset: &str,
        give_back: bool,
    ) -> Result<()> {
        let look = Look {
            actor: Actor::Customer,
            act: Act::TriedToProve,
            reason: None,
            seen: Vec::new(),
            failed: vec![dataset.to_owned()],
        };
        let (id, now, dataset) = (customer.id, self.now(), dataset.to_owned());
        let looks_key = self.inner.keys.portal().looks.clone();
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    if give_back {
                        store::give_back_try(tx, id, &dataset).await?;
                    }
                    looks::append(tx, &looks_key, id, now, &look).await?;
                    Ok::<(), StoreError>(())
                })
            })
            .await?;
        Ok(())
    }
}

/// The dataset, and what can be asked about it.
fn asked<'a>(current: &'a Current, key: &str) -> Result<Asked<'a>> {
    let datasets = |system: &'a System| system.datasets.iter().map(move |d| (system, d));
    let mut known = current.systems.iter().flat_map(datasets);
    let (system, dataset) = known.find(|(_, d)| d.key == key).ok_or(Error::NotFound)?;
    let facts = rules::facts(&system.datasets, dataset);
    Ok(Asked {
        system,
        dataset,
        facts: facts.map(|(column, _)| column.clone()).collect(),
        phrase: rules::phrase(&system.datasets, dataset).ok_or(Error::NotFound)?,
    })
}

/// What the answer was held against; the same whether it was right or wrong.
fn seen(facts: &[ColumnRef]) -> Vec<Seen> {
    let one = |fact: &ColumnRef| Seen {
        fields: vec![fact.field.clone()],
        ..Seen::all(&fact.dataset, &fact.collection)
    };
    facts.iter().map(one).collect()
}

/// The rows that the customer proved, of all datasets.
pub(crate) fn proven_rows(proofs: &[Proof]) -> Vec<IdentityRow> {
    proofs.iter().flat_map(|proof| rows(&proof.keys)).collect()
}

/// Adds rows to those that are proven.
async fn remember(
    tx: &mut Tx,
    key: &SecretKey,
    random: &dyn Random,
    customer: CustomerId,
    dataset: &str,
    proven: Vec<IdentityRow>,
) -> Result<(), StoreError> {
    let add = |known: Option<Vec<u8>>| {
        let mut all = rows(&known.unwrap_or_default());
        for row in proven {
            if !all.contains(&row) {
                all.push(row);
            }
        }
        keys(&all)
    };
    store::change_proof(tx, key, random, customer, dataset, add).await
}

/// Takes away a row that no longer holds the address: whoever holds its key next may be somebody else.
pub(crate) async fn forget(
    tx: &mut Tx,
    key: &SecretKey,
    random: &dyn Random,
    customer: CustomerId,
    lost: &IdentityRow,
) -> Result<(), StoreError> {
    let take = |known: Option<Vec<u8>>| {
        let mut left = rows(&known.unwrap_or_default());
        left.retain(|row| row != lost);
        keys(&left)
    };
    store::change_proof(tx, key, random, customer, &lost.place.dataset, take).await
}

/// What was written by a version that wrote it otherwise proves nothing: the customer is asked again.
fn rows(keys: &[u8]) -> Vec<IdentityRow> {
    serde_json::from_slice(keys).unwrap_or_default()
}

fn keys(rows: &[IdentityRow]) -> Option<Vec<u8>> {
    let some = (!rows.is_empty()).then_some(rows)?;
    serde_json::to_vec(some).ok()
}
