//! A customer has everything erased: what is held in the company's systems, by a plan that is collected and sealed before
//! anything is touched; then what the portal holds; last the key that opens it (P17, GDPR Art. 17).
//!
//! Each step can be done again after a crash at any point: a system's part is one transaction that changes nothing more the
//! second time; what is done is written down with each part; the key goes last, so that the plan can be read until then.

mod certificate;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fairhold_connect::{Collected, CollectedTable, CollectionName, ConnectError, ErasedRows};
use fairhold_domain::catalog::Collection;
use fairhold_domain::erasure::{Act, Certificate, ErasedTable, KeptPart};
use fairhold_domain::facts::capitalised;
use fairhold_domain::ids::CustomerId;
use fairhold_domain::present;
use fairhold_domain::time::Moment;
use fairhold_store::erasures::{self, Erasure};
use fairhold_store::outbox::{Channel, Mail};
use fairhold_store::{StoreError, accounts, jobs, points, records};
use futures::future::join_all;
use serde::{Deserialize, Serialize};

pub use certificate::{LONGEST as LONGEST_CERTIFICATE, NotGenuine, check as check_certificate};

use crate::company::Current;
use crate::error::{Error, Result};
use crate::jobs::JobError;
use crate::jobs::erase_customer::EraseCustomer;
use crate::jobs::send_mail::SendMail;
use crate::mail::{ErasedMail, ErasureAskedMail, ErasureWaitsMail, text};
use crate::my_data::gather::Reached;
use crate::{Customer, Portal, own_values};

const DAY: i64 = 24 * 3600;
/// So long an erasure can be called off.
pub const GRACE_SECONDS: i64 = 7 * DAY;
/// So long copies of the key store are kept at most.
const KEY_COPIES_SECONDS: i64 = 30 * DAY;
/// So long the last mail is waited for before the key goes all the same.
const LAST_MAIL_SECONDS: i64 = 3 * DAY;
/// So long the last mail can be read in the demo.
const READ_IN_THE_DEMO: i64 = 300;

/// When an erasure begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// After [`GRACE_SECONDS`], in which it can be called off.
    Later,
    /// At once.
    Now,
}

/// What would be erased, or is about to be.
#[derive(Clone, Debug, Default)]
pub struct Preview {
    /// Table by table.
    pub tables: Vec<TablePreview>,
    /// Systems that do not answer now. Nothing is done before they do.
    pub silent: Vec<String>,
    /// Systems with rows that hold the customer's address and that nobody showed to be theirs: these stay.
    pub unproven: Vec<String>,
    /// Points that nobody can spend then.
    pub points: u64,
    /// What was asked for.
    pub asked: Option<Asked>,
    /// The last day on which a copy of the key may still exist, if it is done today.
    pub unreadable_from: String,
    /// The day of an erasure that is asked for now, with its grace.
    pub later: String,
}

/// What becomes of one table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TablePreview {
    /// The system, as customers know it.
    pub system: String,
    /// What stands there.
    pub label: String,
    /// Rows that go.
    pub goes: u64,
    /// Rows of which parts are emptied or written over, and which parts.
    pub changes: u64,
    /// These parts.
    pub changed_parts: Vec<String>,
    /// Rows of which parts stay.
    pub stays: u64,
    /// These parts, each with its reason.
    pub kept_parts: Vec<KeptPart>,
    /// Whether somebody else may use it too: then it goes only if nobody does.
    pub shared: bool,
}

/// An erasure that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The day on which it begins.
    pub day: String,
    /// Whether it has begun, so that nobody can call it off.
    pub begun: bool,
    /// Systems that have not done their part yet, because they do not answer or a rule of theirs is in the way.
    pub failing: Vec<String>,
}

/// What is sealed before anything is touched.
#[derive(Serialize, Deserialize)]
struct Plan {
    /// Makes the masks.
    secret: Vec<u8>,
    /// By connection.
    systems: BTreeMap<String, Collected>,
    /// By connection: datasets, and how many rows there hold the address and were shown to be nobody's.
    #[serde(default)]
    unproven: BTreeMap<String, Unproven>,
}

type Unproven = Vec<(String, u64)>;

/// What the systems hold of a customer's.
#[derive(Default)]
struct Found {
    systems: BTreeMap<String, Collected>,
    unproven: BTreeMap<String, Unproven>,
    /// Connections that did not answer.
    silent: Vec<String>,
}

/// What was done: nothing about whom.
#[derive(Default, Serialize, Deserialize)]
struct Progress {
    /// Connections in which it was begun. Whether it was done there, an answer that got lost would have told.
    tried: BTreeSet<String>,
    /// What was done, by connection.
    done: BTreeMap<String, Vec<ErasedTable>>,
}

impl Progress {
    /// What is written down; nothing was done where nothing is. What can't be read must not pass for nothing.
    fn read(parts: &str) -> Result<Self> {
        if parts.is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_str(parts).map_err(|_| StoreError::Form.into())
    }
}

/// Why an erasure is not done yet. A closed word each.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotDone {
    /// A system does not answer, or a rule of its is in the way.
    #[error("a connected system has not done its part")]
    System,
    /// The store.
    #[error("{0}")]
    Portal(#[from] Error),
}

impl From<StoreError> for NotDone {
    fn from(error: StoreError) -> Self {
        Self::Portal(error.into())
    }
}

impl Portal {
    /// What would go, what would stay and why, and what else changes. Reads keys and counts alone: no value. Of an erasure that
    /// has begun only how far it is.
    pub async fn erasure_preview(&self, customer: &Customer) -> Result<Preview> {
        let current = self.company().current();
        let now = self.now();
        let day = |seconds| present::day(now.plus_seconds(seconds).timestamp(), &current.zone);
        let mut tx = self.inner.db.read().await?;
        let asked = erasures::of(&mut tx, customer.id).await?;
        let own = erasures::own_rows(&mut tx, customer.id).await?;
        let balances = points::balances(&mut tx, customer.id).await?;
        drop(tx);
        let mut preview = Preview {
            asked: asked.map(|erasure| self::asked(&current, &erasure, now)),
            unreadable_from: day(KEY_COPIES_SECONDS),
            later: day(GRACE_SECONDS),
            ..Preview::default()
        };
        if preview.asked.as_ref().is_some_and(|asked| asked.begun) {
            return Ok(preview);
        }
        // A page waits no longer than any other.
        let within = self.settings().system_timeout;
        let found = self.collect_all(customer, &current, within).await?;
        for collected in found.systems.values() {
            let tables = collected.tables.iter().filter(|table| !table.is_empty());
            let tables = tables.map(|table| previewed(&current, table));
            preview.tables.extend(tables);
        }
        let silent = found.silent.iter();
        preview.silent = silent.flat_map(|name| names(&current, name)).collect();
        let unproven = found.unproven.into_values().flatten();
        preview.unproven = unproven
            .map(|(key, _)| dataset_name(&current, &key))
            .collect();
        let own = own.into_iter().filter(|(_, rows)| *rows > 0);
        preview.tables.extend(own.map(|(label, rows)| TablePreview {
            system: own_name(&current),
            label: label.to_owned(),
            goes: rows,
            ..TablePreview::default()
        }));
        let left = balances
            .into_iter()
            .map(|(_, points)| points.max(0).unsigned_abs());
        preview.points = left.sum();
        Ok(preview)
    }

    /// What all systems hold of a customer's, asked side by side, each within that time.
    async fn collect_all(
        &self,
        customer: &Customer,
        current: &Current,
        within: Duration,
    ) -> Result<Found> {
        let reached = self.reach_all(customer, current).await?;
        let collect = |(connection, reached): (String, _)| async move {
            let reached: Reached = match reached {
                Ok(reached) => reached,
                Err(error) => return (connection, Err(error)),
            };
            let collected = tokio::time::timeout(within, reached.collect()).await;
            let collected = collected.unwrap_or(Err(ConnectError::TooSlow));
            (connection, collected.map(|found| (found, reached.unproven)))
        };
        let mut all = Found::default();
        for (connection, collected) in join_all(reached.into_iter().map(collect)).await {
            match collected {
                Ok((collected, unproven)) => {
                    all.systems.insert(connection.clone(), collected);
                    all.unproven.insert(connection, unproven);
                }
                Err(error) => {
                    tracing::warn!(connection, %error, "what a system holds can't be told for an erasure");
                    all.silent.push(connection);
                }
            }
        }
        Ok(all)
    }

    /// Asks for everything to be erased. A mail says so, with the way to call it off.
    pub async fn ask_to_be_erased(&self, customer: Customer, when: When) -> Result<()> {
        let (portal, now) = (self.clone(), self.now());
        let due = match when {
            When::Later => now.plus_seconds(GRACE_SECONDS),
            When::Now => now,
        };
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move {
                let id = customer.id;
                accounts::hold(tx, id).await?;
                let before = erasures::of(tx, id).await?;
                if before
                    .as_ref()
                    .is_some_and(|erasure| erasure.begun_at.is_some())
                {
                    return Err(Error::ErasureBegan);
                }
                erasures::ask(tx, id, &portal.new_id(), now, due).await?;
                if before.as_ref().is_some_and(|erasure| erasure.due_at <= due) {
                    return Ok(());
                }
                let job = EraseCustomer { customer: id };
                let payload = job.payload()?;
                jobs::queue(tx, &portal.new_id(), EraseCustomer::NAME, &payload, due).await?;
                if when == When::Later {
                    portal.say_when_it_is_erased(tx, &customer, due).await?;
                }
                Ok(())
            })
        });
        write.await?;
        self.inner.bell.ring();
        Ok(())
    }

    async fn say_when_it_is_erased(
        &self,
        tx: &mut fairhold_store::Tx,
        customer: &Customer,
        due: Moment,
    ) -> Result<()> {
        let current = self.company().current();
        let company = current.catalog.company.name.as_str();
        let (record, _) = records::read(tx, &customer.key, customer.id).await?;
        let mail = Mail {
            channel: Channel::Mail,
            to: own_values::address(&record)?.as_str().to_owned(),
            subject: format!("You asked {company} to erase your data"),
            text: text(&ErasureAskedMail {
                company,
                day: &present::day(due.timestamp(), &current.zone),
                link: &format!("{}/delete", self.settings().public_url),
            })?,
        };
        self.post(tx, &customer.key, customer.id, &mail).await
    }

    /// Calls it off. Nothing has been touched then.
    ///
    /// # Errors
    /// [`Error::ErasureBegan`] when it is too late, or there is none.
    pub async fn call_erasure_off(&self, customer: &Customer) -> Result<()> {
        let id = customer.id;
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move {
                accounts::hold(tx, id).await?;
                erasures::call_off(tx, id).await
            })
        });
        let was_there: bool = write.await.map_err(Error::from)?;
        if was_there {
            Ok(())
        } else {
            Err(Error::ErasureBegan)
        }
    }

    /// A certificate, by the number of its erasure.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn certificate(&self, erasure: &str) -> Result<String> {
        let mut tx = self.inner.db.read().await?;
        let document = erasures::certificate(&mut tx, erasure).await?;
        document.ok_or(Error::NotFound)
    }

    /// Whether this portal signed a certificate.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check_certificate(&self, document: &str) -> std::result::Result<(), NotGenuine> {
        certificate::check(self.inner.keys.portal(), document)
    }
}

impl Portal {
    /// Goes on with an erasure as far as it can; answers after how many seconds there is more to do, if there is.
    pub(crate) async fn erase(&self, id: CustomerId) -> std::result::Result<Option<i64>, NotDone> {
        let mut tx = self.inner.db.read().await?;
        let erasure = erasures::of(&mut tx, id).await?;
        let account = accounts::account(&mut tx, id).await?;
        drop(tx);
        let customer = match (self.customer(id).await, account) {
            // All has gone, but for the key perhaps.
            (_, None) => return self.destroy_key(id).await,
            (Err(Error::LogInFirst), Some(_)) => return Ok(None),
            (customer, Some(_)) => customer?,
        };
        // Called off, or put off by a later wish.
        let Some(erasure) = erasure else {
            return Ok(None);
        };
        if erasure.begun_at.is_none() && erasure.due_at > self.now() {
            return Ok(Some(erasure.due_at.seconds_since(self.now())));
        }
        if erasure.certified_at.is_none() {
            let current = self.company().current();
            let plan = self.plan_of(&customer, &current).await?;
            let parts = self.erase_in_systems(&customer, &current, &plan).await?;
            self.certify(&customer, &current, &erasure, parts).await?;
        }
        self.finish(&customer).await
    }

    /// The plan: the one that is sealed already, or one that is made, and sealed before anything is touched.
    async fn plan_of(
        &self,
        customer: &Customer,
        current: &Current,
    ) -> std::result::Result<Plan, NotDone> {
        let mut tx = self.inner.db.read().await?;
        let sealed = erasures::plan(&mut tx, &customer.key, customer.id).await?;
        drop(tx);
        if let Some(plan) = sealed {
            return read_plan(&plan);
        }
        // Nobody waits before it.
        let within = self.settings().system_timeout * 10;
        let found = self.collect_all(customer, current, within).await?;
        if !found.silent.is_empty() {
            self.note_progress(customer.id, &Progress::default(), found.silent)
                .await?;
            return Err(NotDone::System);
        }
        let plan = Plan {
            secret: self.random_bytes::<32>().to_vec(),
            systems: found.systems,
            unproven: found.unproven,
        };
        let bytes = serde_json::to_vec(&plan).map_err(|_| StoreError::Form)?;
        let (portal, now) = (self.clone(), self.now());
        let customer = self.customer(customer.id).await?;
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move {
                let random = &*portal.inner.world.random;
                let (key, id) = (&customer.key, customer.id);
                accounts::hold(tx, id).await?;
                erasures::begin(tx, key, random, id, &bytes, now).await?;
                // Another worker may have begun at the same moment, or the customer called it off.
                erasures::plan(tx, key, id).await
            })
        });
        let kept: Option<Vec<u8>> = write.await.map_err(Error::from)?;
        read_plan(&kept.ok_or(NotDone::System)?)
    }

    /// Each system's part, one transaction each; what is done is done, and a system that fails holds up no other.
    async fn erase_in_systems(
        &self,
        customer: &Customer,
        current: &Current,
        plan: &Plan,
    ) -> std::result::Result<BTreeMap<String, Vec<ErasedTable>>, NotDone> {
        let mut tx = self.inner.db.read().await?;
        let erasure = erasures::of(&mut tx, customer.id).await?;
        drop(tx);
        let erasure = erasure.ok_or(NotDone::System)?;
        let mut progress = Progress::read(&erasure.parts)?;
        let mut failing = Vec::new();
        let reached = self.reach_all(customer, current).await?;
        let mut reached: BTreeMap<_, _> = reached.into_iter().collect();
        for (connection, collected) in &plan.systems {
            if progress.done.contains_key(connection) {
                continue;
            }
            let done = match reached.remove(connection) {
                Some(Ok(system)) => {
                    let again = !progress.tried.insert(connection.clone());
                    self.note_progress(customer.id, &progress, failing.clone())
                        .await?;
                    system.erase(collected, again, &plan.secret).await
                }
                Some(Err(error)) => Err(error),
                None => Err(ConnectError::Down),
            };
            match done {
                Ok(done) => {
                    let tables = done.iter().map(|rows| erased(current, rows));
                    let unproven = plan.unproven.get(connection).into_iter().flatten();
                    let unproven = unproven.map(|(key, rows)| never_proven(current, key, *rows));
                    let tables = tables.chain(unproven).collect();
                    progress.done.insert(connection.clone(), tables);
                    self.note_progress(customer.id, &progress, failing.clone())
                        .await?;
                }
                Err(error) => {
                    tracing::error!(connection, %error, "a connected system has not erased its part");
                    failing.push(connection.clone());
                }
            }
        }
        if failing.is_empty() {
            return Ok(progress.done);
        }
        self.note_progress(customer.id, &progress, failing).await?;
        Err(NotDone::System)
    }

    async fn note_progress(
        &self,
        id: CustomerId,
        progress: &Progress,
        failing: Vec<String>,
    ) -> Result<()> {
        let parts = serde_json::to_string(progress).map_err(|_| StoreError::Form)?;
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move { erasures::note(tx, id, &parts, &failing).await })
        });
        Ok(write.await?)
    }

    /// Mails the staff which systems an erasure waits for. Such a mail belongs to no customer, so it is kept nowhere.
    pub(crate) async fn tell_staff_that_an_erasure_waits(
        &self,
        id: CustomerId,
    ) -> std::result::Result<(), JobError> {
        let Some(staff) = &self.settings().staff else {
            return Ok(());
        };
        let mut tx = self.inner.db.read().await?;
        let erasure = erasures::of(&mut tx, id).await?;
        drop(tx);
        let failing = erasure.map(|erasure| erasure.failing).unwrap_or_default();
        let current = self.company().current();
        let company = current.catalog.company.name.as_str();
        let systems: Vec<String> = failing
            .iter()
            .flat_map(|name| names(&current, name))
            .collect();
        let mail = Mail {
            channel: Channel::Mail,
            to: staff.as_str().to_owned(),
            subject: format!("An erasure at {company} waits for a system"),
            text: text(&ErasureWaitsMail {
                company,
                systems: &systems.join("\n"),
            })?,
        };
        let name = self.message_id(&self.new_id());
        self.inner.mailer.send(&mail, name).await?;
        Ok(())
    }

    /// Signs the certificate and mails the way to it, in one transaction.
    async fn certify(
        &self,
        customer: &Customer,
        current: &Current,
        erasure: &Erasure,
        parts: BTreeMap<String, Vec<ErasedTable>>,
    ) -> Result<()> {
        let (portal, now) = (self.clone(), self.now());
        let customer = self.customer(customer.id).await?;
        let company = current.catalog.company.name.clone();
        let (own_name, number) = (own_name(current), erasure.erasure_id.clone());
        let unreadable = now.plus_seconds(KEY_COPIES_SECONDS);
        let unreadable_from = present::day(unreadable.timestamp(), &current.zone);
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move {
                let id = customer.id;
                accounts::hold(tx, id).await?;
                let own = erasures::own_rows(tx, id).await?;
                let own = own.into_iter().filter(|(_, rows)| *rows > 0);
                let own = own.map(|(label, erased)| ErasedTable {
                    system: own_name.clone(),
                    label: label.to_owned(),
                    erased,
                    masked: 0,
                    masked_parts: Vec::new(),
                    kept: 0,
                    kept_parts: Vec::new(),
                });
                let certificate = Certificate {
                    erasure: number.clone(),
                    company: company.clone(),
                    done_at: now.timestamp().to_string(),
                    unreadable_from,
                    tables: parts.into_values().flatten().chain(own).collect(),
                };
                let document = certificate::sign(portal.inner.keys.portal(), &certificate)?;
                erasures::certify(tx, id, &number, &document, now).await?;
                let (record, _) = records::read(tx, &customer.key, id).await?;
                let mail = Mail {
                    channel: Channel::Mail,
                    to: own_values::address(&record)?.as_str().to_owned(),
                    subject: format!("{company} has erased your data"),
                    text: text(&ErasedMail {
                        company: &company,
                        link: &format!("{}/certificates/{number}", portal.settings().public_url),
                    })?,
                };
                // What the certificate says is true from the moment on at which it is there.
                erasures::forget(tx, id).await?;
                portal.post(tx, &customer.key, id, &mail).await
            })
        });
        write.await?;
        self.sweep_copies().await?;
        self.inner.bell.ring();
        Ok(())
    }

    /// Once the last mail is on its way: the rest of what the portal holds, and then the key.
    async fn finish(&self, customer: &Customer) -> std::result::Result<Option<i64>, NotDone> {
        let (id, now) = (customer.id, self.now());
        let mut tx = self.inner.db.read().await?;
        let certified = erasures::of(&mut tx, id).await?;
        let certified = certified.and_then(|erasure| erasure.certified_at);
        let waits = jobs::any_about(&mut tx, SendMail::NAME, id).await?;
        drop(tx);
        let since = certified.map_or(0, |at| now.seconds_since(at));
        // In the demo a mail is read on a page, not sent.
        let unread = self.settings().demo && since < READ_IN_THE_DEMO;
        if unread || (waits && since < LAST_MAIL_SECONDS) {
            return Ok(Some(FOR_THE_MAIL));
        }
        let write = self
            .inner
            .db
            .write(move |tx| Box::pin(async move { erasures::finish(tx, id).await }));
        write.await.map_err(Error::from)?;
        self.destroy_key(id).await
    }

    /// The last step. What stands in copies of the database can't be read any more, once copies of the key are gone too.
    async fn destroy_key(&self, id: CustomerId) -> std::result::Result<Option<i64>, NotDone> {
        self.inner.keys.destroy(id).await.map_err(Error::from)?;
        self.sweep_copies().await?;
        for scrubbed in [self.inner.db.scrub().await, self.inner.keys.scrub().await] {
            if let Err(error) = scrubbed {
                // Whoever reads an older state ends some time, and the next change empties it.
                tracing::warn!(%error, "a database's log of changes could not be emptied after an erasure");
            }
        }
        Ok(None)
    }
}

/// Seconds after which it is looked again whether the last mail has left.
const FOR_THE_MAIL: i64 = 2;

fn read_plan(bytes: &[u8]) -> std::result::Result<Plan, NotDone> {
    serde_json::from_slice(bytes).map_err(|_| StoreError::Form.into())
}

fn asked(current: &Current, erasure: &Erasure, now: Moment) -> Asked {
    let failing = erasure.failing.iter().flat_map(|name| names(current, name));
    Asked {
        day: present::day(erasure.due_at.timestamp(), &current.zone),
        begun: erasure.begun_at.is_some() || erasure.due_at <= now,
        failing: failing.collect(),
    }
}

/// Rows that stay, because they may be somebody else's.
fn never_proven(current: &Current, dataset: &str, rows: u64) -> ErasedTable {
    let why = "They hold the same address. Nobody has shown that they belong to whoever asked, so they may be somebody else’s.";
    ErasedTable {
        system: dataset_name(current, dataset),
        label: "Entries that nobody has shown to be theirs".to_owned(),
        erased: 0,
        masked: 0,
        masked_parts: Vec::new(),
        kept: rows,
        kept_parts: vec![KeptPart::new("All of it", why)],
    }
}

fn dataset_name(current: &Current, key: &str) -> String {
    let dataset = current.catalog.dataset(key);
    dataset.map_or_else(|| key.to_owned(), |dataset| dataset.name.clone())
}

/// What customers call the datasets of a connection.
fn names(current: &Current, connection: &str) -> Vec<String> {
    let datasets = current.catalog.datasets.iter();
    let here = datasets.filter(|d| d.connection.as_deref() == Some(connection));
    here.map(|d| d.name.clone()).collect()
}

fn own_name(current: &Current) -> String {
    let own = current.catalog.datasets.iter();
    let mut own =
        own.filter(|d| d.connection.as_deref() == Some(fairhold_domain::catalog::OWN_CONNECTION));
    own.next()
        .map_or_else(|| "This portal".to_owned(), |d| d.name.clone())
}

/// System and label of a collection.
fn named(current: &Current, name: &CollectionName) -> (String, String) {
    let dataset = current.catalog.dataset(&name.dataset);
    let collection = dataset.and_then(|d| d.collection(&name.collection));
    let label = collection.and_then(|c: &Collection| c.label.clone());
    (
        dataset_name(current, &name.dataset),
        label.unwrap_or_else(|| capitalised(&name.collection)),
    )
}

/// What acts do together: rows that go, rows that change and which parts, rows that stay and which parts.
#[derive(Default)]
struct Sums {
    goes: u64,
    changes: u64,
    changed_parts: Vec<String>,
    stays: u64,
    kept_parts: Vec<KeptPart>,
}

impl Sums {
    fn of<'a>(acts: impl Iterator<Item = (&'a Act, u64)>) -> Self {
        let mut sums = Self::default();
        for (act, rows) in acts.filter(|(_, rows)| *rows > 0) {
            if act.deletes {
                sums.goes += rows;
                continue;
            }
            if !act.changes.is_empty() {
                sums.changes += rows;
                let parts = act.changes.iter().map(|change| change.label.clone());
                let new: Vec<_> = parts
                    .filter(|part| !sums.changed_parts.contains(part))
                    .collect();
                sums.changed_parts.extend(new);
            }
            if !act.kept.is_empty() {
                sums.stays += rows;
                let new: Vec<_> = act
                    .kept
                    .iter()
                    .filter(|part| !sums.kept_parts.contains(part))
                    .cloned()
                    .collect();
                sums.kept_parts.extend(new);
            }
        }
        sums
    }
}

fn previewed(current: &Current, table: &CollectedTable) -> TablePreview {
    let (system, label) = named(current, &table.name);
    let acts = table
        .rows
        .iter()
        .map(|rows| (&rows.act, rows.keys.len() as u64));
    let sums = Sums::of(acts);
    TablePreview {
        system,
        label,
        goes: sums.goes,
        changes: sums.changes,
        changed_parts: sums.changed_parts,
        stays: sums.stays,
        kept_parts: sums.kept_parts,
        shared: table.shared,
    }
}

fn erased(current: &Current, rows: &ErasedRows) -> ErasedTable {
    let (system, label) = named(current, &rows.name);
    let mut sums = Sums::of(rows.done.iter().map(|(act, rows)| (act, *rows)));
    if rows.in_use > 0 {
        sums.stays += rows.in_use;
        sums.kept_parts.push(KeptPart::new(
            "What others use too",
            "Somebody else needs it, and it does not say that you used it.",
        ));
    }
    ErasedTable {
        system,
        label,
        erased: sums.goes,
        masked: sums.changes,
        masked_parts: sums.changed_parts,
        kept: sums.stays,
        kept_parts: sums.kept_parts,
    }
}
