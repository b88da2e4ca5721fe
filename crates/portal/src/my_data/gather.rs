//! Reading what is held: the stores first, then all connected systems side by side, each within its time.

use std::sync::Arc;

use fairhold_connect::{
    Collected, CollectionName, ConnectError, Connector, Cursor, ErasedRows, IdentityRow, LongPiece,
    LongValue, Plan, ReadRequest, Reading,
};
use fairhold_domain::catalog::Dataset;
use fairhold_domain::contact_point::ContactPoints;
use fairhold_domain::email::EmailAddress;
use fairhold_domain::facts::{self, SystemState};
use fairhold_domain::second_fact;
use fairhold_domain::time::Moment;
use fairhold_store::links::Link;
use fairhold_store::looks::LastLook;
use fairhold_store::{accounts, looks, records};
use futures::future::join_all;
use tokio::sync::mpsc;

use crate::company::Current;
use crate::error::{Error, Result};
use crate::links::{Linked, SystemLinks, links};
use crate::second_fact::proven_rows;
use crate::systems::{System, state_of};
use crate::{Customer, Portal, own_values};

/// Which part of a customer's data is read.
pub(crate) struct Scope {
    pub only: Option<CollectionName>,
    /// Only the system that holds this dataset.
    pub dataset: Option<String>,
    pub after: Option<Cursor>,
    pub page: u32,
    pub count_up_to: u64,
    /// Whether all pages of each collection are read, to search them.
    pub all_pages: bool,
}

/// Rows of a page that is read only to search it.
const ROWS_A_FURTHER_PAGE: u32 = 500;
/// Searching stops after so many further pages of a collection: after 20,000 rows and the first page.
const FURTHER_PAGES: usize = 40;

/// What the stores and the systems hold.
pub(crate) struct Gathered {
    pub current: Arc<Current>,
    pub record: records::OwnRecord,
    pub account: accounts::Account,
    pub address: EmailAddress,
    pub last_looks: Vec<LastLook>,
    pub answers: Vec<Answer>,
}

/// What one system answered.
pub(crate) struct Answer {
    pub states: Vec<facts::System>,
    pub reading: Option<Reading>,
    /// What it was asked, to ask it for further pages; `None` where there was nothing to ask.
    pub asked: Option<AskedFor>,
    /// The pages after the first ones, where all are searched.
    pub further: Vec<Reading>,
    /// Collections whose last page was not reached in the time or the number of pages that a search has.
    pub not_to_the_end: Vec<CollectionName>,
    pub fresh_links: Vec<Link>,
    /// Rows that a second fact had proven, and that no longer hold the address.
    pub lost: Vec<IdentityRow>,
    pub unknown_tables: Vec<String>,
}

/// What the portal remembers of a customer's rows.
struct Known {
    links: Vec<Link>,
    /// Proven by a second fact.
    proven: Vec<IdentityRow>,
}

impl Known {
    /// What is of one system.
    fn of(&self, system: &System) -> Self {
        let is_here = |key: &str| system.datasets.iter().any(|d| d.key == key);
        let (links, proven) = (self.links.iter(), self.proven.iter());
        Self {
            links: links.filter(|l| is_here(&l.dataset)).cloned().collect(),
            proven: proven
                .filter(|row| is_here(&row.place.dataset))
                .cloned()
                .collect(),
        }
    }
}

impl Answer {
    /// Collections that could not be read even on a new plan make their datasets say so.
    fn naming_what_failed(mut self) -> Self {
        let failed = self.reading.iter().flat_map(|r| &r.failed);
        for name in failed {
            for state in self.states.iter_mut().filter(|s| s.key == name.dataset) {
                state.state = SystemState::Changed;
            }
        }
        self
    }

    /// Whether a part of what was asked for could not be read.
    pub fn has_failed(&self) -> bool {
        self.states.iter().any(|s| s.state.has_failed())
    }
}

impl Portal {
    /// Reads the stores, then all systems side by side.
    pub(crate) async fn gather(&self, customer: &Customer, scope: &Scope) -> Result<Gathered> {
        let current = self.company().current();
        let mut tx = self.inner.db.read().await?;
        let (mut record, _) = records::read(&mut tx, &customer.key, customer.id).await?;
        let address = own_values::address(&record)?;
        let proven = self.proven_contacts(&mut tx, customer).await?;
        let log_in = self.log_in_values(&mut tx, customer, &proven).await?;
        record.values.extend(log_in);
        let choices = self.choice_values(&mut tx, customer).await?;
        record.values.extend(choices);
        let memberships = self.membership_values(&mut tx, customer, &current).await?;
        record.values.extend(memberships);
        let points = self.points_values(&mut tx, customer).await?;
        record.values.extend(points);
        let contacts = self.all_points(address.clone(), &proven);
        let account = accounts::account(&mut tx, customer.id)
            .await?
            .ok_or(Error::LogInFirst)?;
        let last_looks = looks::last_by_others(&mut tx, customer.id).await?;
        let links = fairhold_store::links::of(&mut tx, &customer.key, customer.id).await?;
        let proofs =
            fairhold_store::second_facts::proofs(&mut tx, &customer.key, customer.id).await?;
        drop(tx);
        let known = Known {
            links,
            proven: proven_rows(&proofs),
        };
        let now = self.now();
        let wanted = |s: &&System| {
            let only = scope.only.as_ref().map(|only| &only.dataset);
            only.or(scope.dataset.as_ref())
                .is_none_or(|key| s.datasets.iter().any(|d| d.key == *key))
        };
        let answers = join_all(
            current
                .systems
                .iter()
                .filter(wanted)
                .map(|system| self.ask(system, &known, &contacts, scope, now)),
        )
        .await;
        Ok(Gathered {
            current,
            record,
            account,
            address,
            last_looks,
            answers,
        })
    }

    /// Asks one system, within the time that it has.
    async fn ask(
        &self,
        system: &System,
        known: &Known,
        contacts: &ContactPoints,
        scope: &Scope,
        now: Moment,
    ) -> Answer {
        let nothing = |state: SystemState| Answer {
            states: system
                .datasets
                .iter()
                .map(|d| state_entry(d, state))
                .collect(),
            reading: None,
            asked: None,
            further: Vec::new(),
            not_to_the_end: Vec::new(),
            fresh_links: Vec::new(),
            lost: Vec::new(),
            unknown_tables: Vec::new(),
        };
        let Some(connector) = &system.connector else {
            return nothing(SystemState::NotConnected);
        };
        let timeout = self.settings().system_timeout;
        let deadline = tokio::time::Instant::now() + timeout;
        let mut known = known.of(system);
        let asked = tokio::time::timeout(timeout, async {
            // Once more when the tables or the links have changed since they were last looked at.
            match ask_once(system, connector, &known, contacts, scope, now, timeout).await {
                Ok((answer, asked, false)) => Ok((answer, asked)),
                Ok((_, _, true)) | Err(ConnectError::Changed) => {
                    system.forget_plan();
                    known.links.clear();
                    ask_once(system, connector, &known, contacts, scope, now, timeout)
                        .await
                        .map(|(answer, asked, _)| (answer.naming_what_failed(), asked))
                }
                Err(e) => Err(e),
            }
        })
        .await
        .unwrap_or(Err(ConnectError::TooSlow));
        let asked = match asked {
            Ok((mut answer, Some(asked))) if scope.all_pages => {
                read_on(&asked, deadline, &mut answer).await;
                Ok(answer)
            }
            asked => asked.map(|(answer, asked)| Answer { asked, ..answer }),
        };
        asked.unwrap_or_else(|error| {
            let dataset = system
                .datasets
                .first()
                .map(|d| d.key.as_str())
                .unwrap_or_default();
            // An address that leads to no page says nothing of the system.
            if error != ConnectError::NoSuchPage {
                tracing::warn!(dataset, %error, "a connected system could not be read");
            }
            nothing(state_of(error))
        })
    }
}

/// A system, and how to ask it for a customer's rows.
pub(crate) struct Reached {
    connector: Arc<dyn Connector>,
    plan: Arc<Plan>,
    request: ReadRequest,
    /// Rows that hold an address of the customer's, and that nobody showed to be theirs: how many, by dataset.
    pub unproven: Vec<(String, u64)>,
}

impl Reached {
    /// The keys of all rows of the customer's, and what erasure does to each.
    pub async fn collect(&self) -> Result<Collected, ConnectError> {
        self.connector.collect(&self.plan, &self.request).await
    }

    /// Erases them all; see [`Connector::erase`].
    pub async fn erase(
        &self,
        collected: &Collected,
        again: bool,
        secret: &[u8],
    ) -> Result<Vec<ErasedRows>, ConnectError> {
        self.connector
            .erase(&self.plan, &self.request, collected, again, secret)
            .await
    }
}

impl Portal {
    /// Every system by the name of its connection, with how to ask it for the customer's rows; why not, where it does not
    /// answer.
    pub(crate) async fn reach_all(
        &self,
        customer: &Customer,
        current: &Current,
    ) -> Result<Vec<(String, Result<Reached, ConnectError>)>> {
        let mut tx = self.inner.db.read().await?;
        let (record, _) = records::read(&mut tx, &customer.key, customer.id).await?;
        let proven = self.proven_contacts(&mut tx, customer).await?;
        let contacts = self.all_points(own_values::address(&record)?, &proven);
        let links = fairhold_store::links::of(&mut tx, &customer.key, customer.id).await?;
        let proofs =
            fairhold_store::second_facts::proofs(&mut tx, &customer.key, customer.id).await?;
        drop(tx);
        let known = Known {
            links,
            proven: proven_rows(&proofs),
        };
        let (now, timeout) = (self.now(), self.settings().system_timeout);
        let reach = async |system: &System| {
            let asked = tokio::time::timeout(
                timeout,
                reach(system, known.of(system), &contacts, now, timeout),
            );
            let reached = asked.await.unwrap_or(Err(ConnectError::TooSlow));
            (system.connection.clone(), reached)
        };
        Ok(join_all(current.systems.iter().map(reach)).await)
    }
}

async fn reach(
    system: &System,
    known: Known,
    contacts: &ContactPoints,
    now: Moment,
    timeout: std::time::Duration,
) -> Result<Reached, ConnectError> {
    let connector = system.connector.clone().ok_or(ConnectError::Down)?;
    let plan = system.plan(&*connector, timeout, now).await?;
    // What is written down may be a day old: rows that are new since must not be missed.
    let SystemLinks { linked, .. } = links(system, &*connector, &plan, &[], contacts, now).await?;
    let unproven = system
        .datasets
        .iter()
        .zip(&linked)
        .map(|(dataset, linked)| {
            let rows = linked.unproven.iter();
            let unproven = rows.filter(|row| !known.proven.contains(row)).count();
            (dataset.key.clone(), unproven as u64)
        });
    let unproven = unproven.filter(|(_, rows)| *rows > 0).collect();
    let start = linked.into_iter().flat_map(|linked| linked.rows).collect();
    Ok(Reached {
        connector,
        plan,
        request: ReadRequest {
            contacts: contacts.clone(),
            start,
            proven: known.proven,
            only: None,
            after: None,
            page: 1,
            count_up_to: 1,
        },
        unproven,
    })
}

/// What a system was asked, to ask it for further pages.
#[derive(Clone)]
pub(crate) struct AskedFor {
    connector: Arc<dyn Connector>,
    plan: Arc<Plan>,
    request: ReadRequest,
}

impl AskedFor {
    /// A further page of one collection.
    pub async fn further(
        &self,
        name: &CollectionName,
        after: Cursor,
        page: u32,
    ) -> Result<Reading, ConnectError> {
        let request = ReadRequest {
            only: Some(name.clone()),
            after: Some(after),
            page,
            count_up_to: 1,
            ..self.request.clone()
        };
        self.connector.read(&self.plan, &request).await
    }

    /// The values that a page did not bring whole.
    pub async fn long_values(
        &self,
        wanted: &[LongValue],
        pieces: mpsc::Sender<LongPiece>,
    ) -> Result<(), ConnectError> {
        self.connector
            .long_values(&self.plan, &self.request, wanted, pieces)
            .await
    }
}

/// Reads the further pages of every collection. What can't be read in time is named; what was read before stays.
async fn read_on(asked: &AskedFor, deadline: tokio::time::Instant, answer: &mut Answer) {
    let first = answer.reading.iter().flat_map(|r| &r.collections);
    let unfinished: Vec<(CollectionName, Cursor)> = first
        .filter_map(|c| Some((c.name.clone(), c.next.clone()?)))
        .collect();
    for (name, cursor) in unfinished {
        let mut next = Some(cursor);
        for _ in 0..FURTHER_PAGES {
            let Some(after) = next.clone() else { break };
            let read = asked.further(&name, after, ROWS_A_FURTHER_PAGE);
            let Ok(Ok(page)) = tokio::time::timeout_at(deadline, read).await else {
                break;
            };
            // Rows that changed hands meanwhile end the search: it says that it did not reach the end.
            if !page.not_theirs.is_empty() || !page.failed.is_empty() {
                break;
            }
            let rows = page.collections.iter().find(|c| c.name == name);
            next = rows.and_then(|c| c.next.clone());
            answer.further.push(page);
        }
        if next.is_some() {
            answer.not_to_the_end.push(name);
        }
    }
}

/// Asks a system once; `true` when what was known of it turned out to be stale.
async fn ask_once(
    system: &System,
    connector: &Arc<dyn Connector>,
    known: &Known,
    contacts: &ContactPoints,
    scope: &Scope,
    now: Moment,
    timeout: std::time::Duration,
) -> Result<(Answer, Option<AskedFor>, bool), ConnectError> {
    let plan = system.plan(&**connector, timeout, now).await?;
    let SystemLinks { linked, fresh } =
        links(system, &**connector, &plan, &known.links, contacts, now).await?;
    let start: Vec<_> = linked.iter().flat_map(|l| l.rows.iter().cloned()).collect();
    let is_known = !start.is_empty() || !known.proven.is_empty();
    let asked = is_known.then(|| AskedFor {
        connector: connector.clone(),
        plan: plan.clone(),
        request: ReadRequest {
            contacts: contacts.clone(),
            start,
            proven: known.proven.clone(),
            only: scope.only.clone(),
            after: scope.after.clone(),
            page: scope.page,
            count_up_to: scope.count_up_to,
        },
    });
    let reading = match &asked {
        Some(asked) => Some(connector.read(&plan, &asked.request).await?),
        None => None,
    };
    let not_theirs = reading.as_ref().map_or(&[][..], |r| &r.not_theirs);
    let (lost, proven): (Vec<_>, Vec<_>) = known
        .proven
        .iter()
        .cloned()
        .partition(|row| not_theirs.contains(row));
    let stale = reading
        .as_ref()
        .is_some_and(|r| !r.not_theirs.is_empty() || !r.failed.is_empty());
    let is_cut_off = |key: &str| plan.cut_off().iter().any(|name| name.dataset == key);
    let states = system
        .datasets
        .iter()
        .zip(&linked)
        .map(|(d, l)| {
            if is_cut_off(&d.key) {
                state_entry(d, SystemState::Changed)
            } else {
                state_entry(d, shown(system, d, l, &proven))
            }
        })
        .collect();
    let unknown_tables = plan.undescribed_tables().to_vec();
    Ok((
        Answer {
            states,
            reading,
            asked: None,
            further: Vec::new(),
            not_to_the_end: Vec::new(),
            fresh_links: fresh,
            lost,
            unknown_tables,
        },
        asked,
        stale,
    ))
}

/// What is shown of a dataset whose system answered.
fn shown(
    system: &System,
    dataset: &Dataset,
    linked: &Linked,
    proven: &[IdentityRow],
) -> SystemState {
    let is_known = !linked.rows.is_empty() || proven.iter().any(|p| p.place.dataset == dataset.key);
    if linked.unproven.iter().any(|row| !proven.contains(row)) {
        if second_fact::facts(&system.datasets, dataset)
            .next()
            .is_some()
        {
            SystemState::NeedsSecondFact
        } else {
            SystemState::NeverChecked
        }
    } else if is_known {
        SystemState::Shown
    } else {
        SystemState::KnowsNobody
    }
}

fn state_entry(dataset: &Dataset, state: SystemState) -> facts::System {
    facts::System {
        key: dataset.key.clone(),
        name: dataset.name.clone(),
        state,
    }
}
