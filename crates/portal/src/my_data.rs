//! My data: everything that is held about a customer, from all systems and from the portal itself.
//!
//! Nothing leaves here before the look is committed (architecture.md, "What must always hold", 1). A read that failed
//! is part of the same record.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fairhold_connect::{CollectionName, ConnectError, Connector, Cursor, ReadRequest, Reading};
use fairhold_domain::access::{Act, Actor, Look, Seen};
use fairhold_domain::catalog::OWN_CONNECTION;
use fairhold_domain::email::EmailAddress;
use fairhold_domain::facts::{self, Filter, MyData, Part, Summary, SystemState};
use fairhold_domain::ids::CustomerId;
use fairhold_domain::time::Moment;
use fairhold_store::links::Link;
use fairhold_store::looks::LastLook;
use fairhold_store::{StoreError, accounts, looks, records};
use futures::future::join_all;

use crate::company::Current;
use crate::error::{Error, Result};
use crate::links::{SystemLinks, links};
use crate::rows::{Rows, Uncover};
use crate::systems::{System, state_of};
use crate::{Customer, Portal, own_values};

/// Rows of each collection on My data; the rest are on the collection's own page.
const ROWS_ON_MY_DATA: u32 = 3;
/// Rows of each collection that searching and filtering look at.
const ROWS_SEARCHED: u32 = 200;
/// Rows on a page of one collection.
const ROWS_ON_A_LIST: u32 = 25;
/// Counting stops here on My data, so that a long history costs no more than a short one.
const COUNT_ON_MY_DATA: u64 = 1_000;
/// Counting stops here on a collection's own page.
const COUNT_ON_A_LIST: u64 = 1_000_000;

/// What the customer asks to see.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Only what fits.
    pub filter: Filter,
    /// The opaque name of a covered value to uncover.
    pub uncover: Option<String>,
}

/// What is held about a customer, with everything a page needs to show it.
pub struct MyDataPage {
    /// What is shown.
    pub data: MyData,
    /// What is held in all, whatever the filter.
    pub summary: Summary,
    /// Who else looked last.
    pub last_looks: Vec<LastLook>,
    /// The catalog that it was read by.
    pub current: Arc<Current>,
    /// The address that the customer logs in with.
    pub address: EmailAddress,
}

/// One collection.
pub struct ListPage {
    /// Its rows.
    pub part: Part,
    /// Who else looked last.
    pub last_looks: Vec<LastLook>,
    /// The catalog that it was read by.
    pub current: Arc<Current>,
    /// The address that the customer logs in with.
    pub address: EmailAddress,
}

/// Which part of a customer's data is read.
struct Scope {
    only: Option<CollectionName>,
    after: Option<Cursor>,
    page: u32,
    count_up_to: u64,
}

/// What the stores and the systems hold.
struct Gathered {
    current: Arc<Current>,
    record: records::OwnRecord,
    account: accounts::Account,
    address: EmailAddress,
    last_looks: Vec<LastLook>,
    answers: Vec<Answer>,
}

/// What one system answered.
struct Answer {
    states: Vec<facts::System>,
    reading: Option<Reading>,
    fresh_links: Vec<Link>,
    unknown_tables: Vec<String>,
}

impl Portal {
    /// Everything that is held about the customer.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such covered value. When the look can't be recorded nothing is shown.
    pub async fn my_data(&self, customer: &Customer, wanted: &Wanted) -> Result<MyDataPage> {
        let page = if wanted.filter.is_empty() && wanted.uncover.is_none() {
            ROWS_ON_MY_DATA
        } else {
            ROWS_SEARCHED
        };
        let scope = Scope {
            only: None,
            after: None,
            page,
            count_up_to: COUNT_ON_MY_DATA,
        };
        let gathered = self.gather(customer, &scope).await?;
        let current = gathered.current.clone();
        let mut uncover = Uncover::new(
            &self.inner.keys.portal().pages,
            customer,
            wanted.uncover.as_deref(),
        );
        let mut data = self.assemble(customer, &gathered, &mut uncover);
        let summary = facts::summary(&data);
        let uncovered = uncover.found.iter().map(Seen::field).collect::<Vec<_>>();
        let act = match (
            &wanted.uncover,
            uncovered.is_empty(),
            wanted.filter.words.trim().is_empty(),
        ) {
            (Some(_), true, _) => return Err(Error::NotFound),
            (Some(_), false, _) => Act::Uncovered,
            (None, _, false) => Act::Searched,
            (None, _, true) => Act::Opened,
        };
        let seen = if act == Act::Uncovered {
            uncovered
        } else {
            seen_in(&data.parts)
        };
        self.record_look(customer, &gathered, act, seen).await?;
        wanted.filter.apply(&mut data, |path| {
            let collection = current
                .catalog
                .dataset(&path.dataset)?
                .collection(&path.collection)?;
            collection.field(&path.field)?.description.clone()
        });
        if page != ROWS_ON_MY_DATA && wanted.filter.is_empty() {
            shorten(&mut data);
        }
        Ok(MyDataPage {
            data,
            summary,
            last_looks: gathered.last_looks,
            current,
            address: gathered.address,
        })
    }

    /// One page of one collection; `after` is the sealed place where the page before ended.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such collection, page or covered value; [`Error::SystemDown`] when its
    /// system does not answer.
    pub async fn list(
        &self,
        customer: &Customer,
        name: CollectionName,
        after: Option<&str>,
        uncover_id: Option<&str>,
    ) -> Result<ListPage> {
        let after = after
            .map(|sealed| open_cursor(customer, &name, sealed))
            .transpose()?;
        let scope = Scope {
            only: Some(name.clone()),
            after,
            page: ROWS_ON_A_LIST,
            count_up_to: COUNT_ON_A_LIST,
        };
        let gathered = self.gather(customer, &scope).await?;
        let mut uncover = Uncover::new(&self.inner.keys.portal().pages, customer, uncover_id);
        let mut data = self.assemble(customer, &gathered, &mut uncover);
        let at = data
            .parts
            .iter()
            .position(|p| p.dataset == name.dataset && p.collection == name.collection);
        let Some(at) = at else {
            let missing = |s: &facts::System| s.key == name.dataset && s.state.is_missing();
            let down = gathered.answers.iter().flat_map(|a| &a.states).any(missing);
            return Err(if down {
                Error::SystemDown
            } else {
                Error::NotFound
            });
        };
        let part = data.parts.swap_remove(at);
        let (act, seen) = match (uncover_id, uncover.found.is_empty()) {
            (Some(_), true) => return Err(Error::NotFound),
            (Some(_), false) => (
                Act::Uncovered,
                uncover.found.iter().map(Seen::field).collect(),
            ),
            (None, _) => (Act::OpenedList, seen_in(std::slice::from_ref(&part))),
        };
        self.record_look(customer, &gathered, act, seen).await?;
        Ok(ListPage {
            part,
            last_looks: gathered.last_looks,
            current: gathered.current,
            address: gathered.address,
        })
    }

    /// Reads the stores, then all systems side by side.
    async fn gather(&self, customer: &Customer, scope: &Scope) -> Result<Gathered> {
        let current = self.company().current();
        let mut tx = self.inner.db.read().await?;
        let (record, _) = records::read(&mut tx, &customer.key, customer.id).await?;
        let account = accounts::account(&mut tx, customer.id)
            .await?
            .ok_or(Error::LogInFirst)?;
        let last_looks = looks::last_by_others(&mut tx, customer.id).await?;
        let known = fairhold_store::links::of(&mut tx, &customer.key, customer.id).await?;
        drop(tx);
        let address = own_values::address(&record)?;
        let now = self.now();
        let wanted = |s: &&System| {
            scope
                .only
                .as_ref()
                .is_none_or(|o| s.datasets.iter().any(|d| d.key == o.dataset))
        };
        let answers = join_all(
            current
                .systems
                .iter()
                .filter(wanted)
                .map(|system| self.ask(system, &known, &address, scope, now)),
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
        known: &[Link],
        address: &EmailAddress,
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
            fresh_links: Vec::new(),
            unknown_tables: Vec::new(),
        };
        let Some(connector) = &system.connector else {
            return nothing(SystemState::NotConnected);
        };
        let timeout = self.settings().system_timeout;
        let asked = tokio::time::timeout(timeout, async {
            // Once more when the tables or the links have changed since they were last looked at.
            match ask_once(system, &**connector, known, address, scope, now, timeout).await {
                Ok((answer, false)) => Ok(answer),
                Ok((_, true)) | Err(ConnectError::Changed) => {
                    system.forget_plan();
                    ask_once(system, &**connector, &[], address, scope, now, timeout)
                        .await
                        .map(|(answer, _)| answer)
                }
                Err(e) => Err(e),
            }
        })
        .await
        .unwrap_or(Err(ConnectError::TooSlow));
        asked.unwrap_or_else(|error| {
            let dataset = system
                .datasets
                .first()
                .map(|d| d.key.as_str())
                .unwrap_or_default();
            tracing::warn!(dataset, %error, "a connected system could not be read");
            nothing(state_of(error))
        })
    }

    fn assemble(
        &self,
        customer: &Customer,
        gathered: &Gathered,
        uncover: &mut Uncover<'_>,
    ) -> MyData {
        let catalog = &gathered.current.catalog;
        let mut parts = Vec::new();
        for reading in gathered.answers.iter().filter_map(|a| a.reading.as_ref()) {
            let mut rows = Rows::new(&gathered.current, reading, uncover);
            parts.extend(reading.collections.iter().filter_map(|collection| {
                let next = collection.next.as_ref();
                let next = next.and_then(|c| self.seal_cursor(customer, &collection.name, c));
                rows.part(collection, next)
            }));
        }
        for dataset in &catalog.datasets {
            if dataset.connection.as_deref() == Some(OWN_CONNECTION) {
                let (record, account) = (&gathered.record, &gathered.account);
                parts.extend(own_values::parts(&gathered.current, dataset, record, account, uncover));
            }
        }
        MyData {
            parts,
            systems: gathered
                .answers
                .iter()
                .flat_map(|a| a.states.iter().cloned())
                .collect(),
            unknown_tables: gathered
                .answers
                .iter()
                .flat_map(|a| {
                    let system = a.states.first().map(|s| s.name.clone()).unwrap_or_default();
                    a.unknown_tables
                        .iter()
                        .map(move |t| (system.clone(), t.clone()))
                })
                .collect(),
            never_collected: catalog
                .company
                .never_collected
                .iter()
                .map(|n| n.words.clone())
                .collect(),
        }
    }

    /// The place where a list's next page begins, so that only this customer can go on from it.
    fn seal_cursor(&self, customer: &Customer, name: &CollectionName, cursor: &Cursor) -> Option<String> {
        let plain = serde_json::to_vec(cursor).ok()?;
        let identity = cursor_identity(customer.id, name);
        let sealed = customer.key.seal(&identity, &plain, &*self.inner.world.random).ok()?;
        Some(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Writes the look, and what was learnt about links, as one act.
    async fn record_look(
        &self,
        customer: &Customer,
        gathered: &Gathered,
        act: Act,
        seen: Vec<Seen>,
    ) -> Result<()> {
        let failed = gathered
            .answers
            .iter()
            .flat_map(|a| &a.states)
            .filter(|s| s.state.is_missing());
        let look = Look {
            actor: Actor::Customer,
            act,
            reason: None,
            seen,
            failed: failed.map(|s| s.key.clone()).collect(),
        };
        let fresh: Vec<Link> = gathered
            .answers
            .iter()
            .flat_map(|a| a.fresh_links.iter().cloned())
            .collect();
        let linked = linked_look(gathered);
        let (id, key, now) = (customer.id, customer.key.clone(), self.now());
        let looks_key = self.inner.keys.portal().looks.clone();
        let random = self.inner.world.random.clone();
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    for link in &fresh {
                        fairhold_store::links::put(tx, &key, &*random, id, link).await?;
                    }
                    for look in linked.iter().chain([&look]) {
                        looks::append(tx, &looks_key, id, now, look).await?;
                    }
                    Ok::<(), StoreError>(())
                })
            })
            .await?;
        Ok(())
    }
}

/// Asks a system once; `true` when what was known of it turned out to be stale.
async fn ask_once(
    system: &System,
    connector: &dyn Connector,
    known: &[Link],
    address: &EmailAddress,
    scope: &Scope,
    now: Moment,
    timeout: std::time::Duration,
) -> Result<(Answer, bool), ConnectError> {
    let plan = system.plan(connector, timeout).await?;
    let SystemLinks { linked, fresh } =
        links(system, connector, &plan, known, address, now).await?;
    let start: Vec<_> = linked.iter().flat_map(|l| l.rows.iter().cloned()).collect();
    let reading = if start.is_empty() {
        None
    } else {
        let request = ReadRequest {
            address: address.clone(),
            start,
            only: scope.only.clone(),
            after: scope.after.clone(),
            page: scope.page,
            count_up_to: scope.count_up_to,
        };
        Some(connector.read(&plan, &request).await?)
    };
    let stale = reading
        .as_ref()
        .is_some_and(|r| !r.not_theirs.is_empty() || !r.failed.is_empty());
    let shown = |linked: &crate::links::Linked| match (
        linked.rows.is_empty(),
        linked.unproven.is_empty(),
    ) {
        (false, _) => SystemState::Shown,
        (true, false) => SystemState::NeedsSecondFact,
        (true, true) => SystemState::KnowsNobody,
    };
    let states = system
        .datasets
        .iter()
        .zip(&linked)
        .map(|(d, l)| state_entry(d, shown(l)))
        .collect();
    let unknown_tables = plan.undescribed_tables().to_vec();
    Ok((
        Answer {
            states,
            reading,
            fresh_links: fresh,
            unknown_tables,
        },
        stale,
    ))
}

fn state_entry(dataset: &fairhold_domain::catalog::Dataset, state: SystemState) -> facts::System {
    facts::System {
        key: dataset.key.clone(),
        name: dataset.name.clone(),
        state,
    }
}

/// Every collection that has something on the page.
fn seen_in(parts: &[Part]) -> Vec<Seen> {
    parts
        .iter()
        .map(|p| Seen::all(&p.dataset, &p.collection))
        .collect()
}

/// The portal's own look, when it searched systems for the customer's address and found rows.
fn linked_look(gathered: &Gathered) -> Option<Look> {
    let fresh = gathered.answers.iter().flat_map(|a| &a.fresh_links);
    let found =
        fresh.filter_map(|link| serde_json::from_slice::<crate::links::Linked>(&link.keys).ok());
    let mut seen: Vec<Seen> = Vec::new();
    for row in found.flat_map(|l| l.rows) {
        let one = Seen::all(&row.place.dataset, &row.place.collection);
        if !seen.contains(&one) {
            seen.push(one);
        }
    }
    (!seen.is_empty()).then(|| Look {
        actor: Actor::Portal,
        act: Act::Linked,
        reason: None,
        seen,
        failed: Vec::new(),
    })
}

/// Takes lists back to the rows that My data shows, after more were read to find a covered value.
fn shorten(data: &mut MyData) {
    use fairhold_domain::catalog::ShownAs;
    for part in data
        .parts
        .iter_mut()
        .filter(|p| p.shown_as == ShownAs::List)
    {
        part.entries.truncate(ROWS_ON_MY_DATA as usize);
    }
}

fn cursor_identity(customer: CustomerId, name: &CollectionName) -> String {
    format!("cursor:{customer}:{}:{}", name.dataset, name.collection)
}

fn open_cursor(customer: &Customer, name: &CollectionName, sealed: &str) -> Result<Cursor> {
    let bytes = URL_SAFE_NO_PAD
        .decode(sealed)
        .map_err(|_| Error::NotFound)?;
    let identity = cursor_identity(customer.id, name);
    let plain = customer
        .key
        .open(&identity, &bytes)
        .map_err(|_| Error::NotFound)?;
    serde_json::from_slice(&plain).map_err(|_| Error::NotFound)
}
