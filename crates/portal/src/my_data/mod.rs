//! My data: everything that is held about a customer, from all systems and from the portal itself.
//!
//! Nothing leaves here before the look is committed (architecture.md, "What must always hold", 1). A read that failed
//! is part of the same record.

pub(crate) mod gather;
mod record;

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fairhold_connect::{CollectionName, Cursor};
use fairhold_domain::access::{Act, Seen};
use fairhold_domain::catalog::{OWN_CONNECTION, ShownAs};
use fairhold_domain::email::EmailAddress;
use fairhold_domain::facts::{self, Entry, Filter, MyData, Part, Shown, Summary};
use fairhold_domain::ids::{CustomerId, FieldPath};
use fairhold_store::looks::LastLook;

use crate::company::Current;
use crate::error::{Error, Result};
use crate::rows::{Rows, Uncover};
use crate::{Customer, Portal, own_values};
pub(crate) use gather::{Answer, AskedFor, Gathered, Scope};
use record::seen_in;

/// Rows of each collection on My data; the rest are on the collection's own page.
const ROWS_ON_MY_DATA: u32 = 3;
/// Rows of each collection that the first read of a search brings; all further pages follow.
const ROWS_SEARCHED: u32 = 200;
/// Hits of each collection on My data: more tell nobody anything, and the page says how many there are.
const HITS_SHOWN: usize = 200;
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

/// Which page a covered value is on.
#[derive(Clone, Debug)]
pub enum Place {
    /// My data.
    MyData,
    /// A page of a list, and the sealed place where the page before ended.
    List(CollectionName, Option<String>),
}

impl Portal {
    /// Everything that is held about the customer.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such covered value, [`Error::SystemDown`] when it may be in a system that
    /// does not answer. When the look can't be recorded nothing is shown.
    pub async fn my_data(&self, customer: &Customer, wanted: &Wanted) -> Result<MyDataPage> {
        let whole = wanted.filter.is_empty() && wanted.uncover.is_none();
        let narrowed = !wanted.filter.is_empty();
        let gathered = self
            .gather(customer, &Scope::my_data(whole, narrowed))
            .await?;
        let mut uncover = self.uncovering(customer, wanted.uncover.as_deref());
        let mut data = self.assemble(customer, &gathered, &mut uncover);
        let catalog = &gathered.current.catalog;
        let describe = |path: &FieldPath| {
            let dataset = catalog.dataset(&path.dataset)?;
            let collection = dataset.collection(&path.collection)?;
            collection.field(&path.field)?.description.clone()
        };
        let summary = facts::summary(&data);
        let mut seen = seen_in(&data.parts);
        wanted.filter.apply(&mut data, describe);
        for mut page in further(&gathered, &mut uncover) {
            for also in seen_in(&page.parts) {
                if !seen.contains(&also) {
                    seen.push(also);
                }
            }
            wanted.filter.apply(&mut page, describe);
            add_hits(&mut data, page);
        }
        let searched = !wanted.filter.words.trim().is_empty();
        let act = if searched { Act::Searched } else { Act::Opened };
        let page = (act, seen);
        self.record_page(customer, &gathered, &uncover, page)
            .await?;
        shorten(
            &mut data,
            if narrowed {
                HITS_SHOWN
            } else {
                ROWS_ON_MY_DATA as usize
            },
        );
        Ok(MyDataPage {
            data,
            summary,
            last_looks: gathered.last_looks,
            current: gathered.current,
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
        let scope = Scope::list(customer, name.clone(), after)?;
        let gathered = self.gather(customer, &scope).await?;
        let mut uncover = self.uncovering(customer, uncover_id);
        let mut parts = self.assemble(customer, &gathered, &mut uncover).parts;
        parts.retain(|p| p.dataset == name.dataset && p.collection == name.collection);
        let seen = seen_in(&parts);
        let Some(part) = parts.pop() else {
            return self
                .nothing_there(customer, &gathered, Act::OpenedList)
                .await;
        };
        let page = (Act::OpenedList, seen);
        self.record_page(customer, &gathered, &uncover, page)
            .await?;
        Ok(ListPage {
            part,
            last_looks: gathered.last_looks,
            current: gathered.current,
            address: gathered.address,
        })
    }

    /// One covered value, and nothing else.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such covered value at that place; [`Error::SystemDown`] when it may be in a
    /// system that does not answer.
    pub async fn uncover(&self, customer: &Customer, place: &Place, id: &str) -> Result<String> {
        let scope = match place {
            Place::MyData => Scope::my_data(false, true),
            Place::List(name, after) => Scope::list(customer, name.clone(), after.as_deref())?,
        };
        let gathered = self.gather(customer, &scope).await?;
        let mut uncover = self.uncovering(customer, Some(id));
        let mut data = self.assemble(customer, &gathered, &mut uncover);
        data.parts
            .extend(further(&gathered, &mut uncover).flat_map(|page| page.parts));
        let seen: Vec<Seen> = uncover.found.iter().map(Seen::field).collect();
        let entries = data.parts.into_iter().flat_map(|p| p.entries);
        match uncovered_text(entries, id) {
            None => {
                self.nothing_there(customer, &gathered, Act::Uncovered)
                    .await
            }
            Some(text) => {
                self.record(customer, &gathered, vec![(Act::Uncovered, seen)])
                    .await?;
                Ok(text)
            }
        }
    }

    fn uncovering<'a>(&'a self, customer: &Customer, id: Option<&'a str>) -> Uncover<'a> {
        Uncover::new(&self.inner.keys.portal().pages, customer, id)
    }

    /// Records that a page is shown, and the value that is uncovered on it.
    ///
    /// # Errors
    /// When what was asked for is not there: then the page is not shown.
    async fn record_page(
        &self,
        customer: &Customer,
        gathered: &Gathered,
        uncover: &Uncover<'_>,
        page: (Act, Vec<Seen>),
    ) -> Result<()> {
        let uncovered: Vec<Seen> = uncover.found.iter().map(Seen::field).collect();
        let acts = match (uncover.is_wanted(), uncovered.is_empty()) {
            (true, true) => {
                return self.nothing_there(customer, gathered, Act::Uncovered).await;
            }
            (true, false) => vec![(Act::Uncovered, uncovered), page],
            (false, _) => vec![page],
        };
        self.record(customer, gathered, acts).await
    }

    /// Why what was asked for is not there. Where a system that may hold it did not answer, the try is recorded as
    /// failed; a wrong name is refused and changes nothing.
    async fn nothing_there<T>(
        &self,
        customer: &Customer,
        gathered: &Gathered,
        act: Act,
    ) -> Result<T> {
        if !gathered.answers.iter().any(Answer::has_failed) {
            return Err(Error::NotFound);
        }
        self.record(customer, gathered, vec![(act, Vec::new())])
            .await?;
        Err(Error::SystemDown)
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
                parts.extend(own_values::parts(
                    &gathered.current,
                    dataset,
                    record,
                    account,
                    uncover,
                ));
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
            not_searched_to_the_end: gathered
                .answers
                .iter()
                .flat_map(|a| &a.not_to_the_end)
                .filter_map(|name| {
                    let dataset = catalog.dataset(&name.dataset)?;
                    let collection = dataset.collection(&name.collection)?;
                    Some(
                        collection
                            .label
                            .clone()
                            .unwrap_or_else(|| name.collection.clone()),
                    )
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
    fn seal_cursor(
        &self,
        customer: &Customer,
        name: &CollectionName,
        cursor: &Cursor,
    ) -> Option<String> {
        let plain = serde_json::to_vec(cursor).ok()?;
        let identity = cursor_identity(customer.id, name);
        let sealed = customer
            .key
            .seal(&identity, &plain, &*self.inner.world.random)
            .ok()?;
        Some(URL_SAFE_NO_PAD.encode(sealed))
    }
}

/// The value that was uncovered, among everything that was read.
fn uncovered_text(entries: impl Iterator<Item = Entry>, id: &str) -> Option<String> {
    let facts = entries.flat_map(|entry| {
        let context = entry.context.into_iter().flat_map(|c| c.facts);
        entry.facts.into_iter().chain(context)
    });
    facts
        .filter(|fact| fact.id == id)
        .find_map(|fact| match fact.value {
            Shown::Plain(text) | Shown::Long { start: text, .. } => Some(text),
            _ => None,
        })
}

impl Scope {
    /// My data: all collections, a few rows of each, or as many as are searched.
    const fn my_data(whole: bool, all_pages: bool) -> Self {
        Self {
            only: None,
            dataset: None,
            after: None,
            page: if whole {
                ROWS_ON_MY_DATA
            } else {
                ROWS_SEARCHED
            },
            count_up_to: COUNT_ON_MY_DATA,
            all_pages,
        }
    }

    /// A page of one collection.
    fn list(customer: &Customer, name: CollectionName, after: Option<&str>) -> Result<Self> {
        let after = after.map(|sealed| open_cursor(customer, &name, sealed));
        Ok(Self {
            after: after.transpose()?,
            only: Some(name),
            dataset: None,
            page: ROWS_ON_A_LIST,
            count_up_to: COUNT_ON_A_LIST,
            all_pages: false,
        })
    }
}

/// The pages after the first ones, one by one, so that what does not fit is thrown away before the next is made.
fn further<'g, 'u>(
    gathered: &'g Gathered,
    uncover: &'g mut Uncover<'u>,
) -> impl Iterator<Item = MyData> + use<'g, 'u> {
    let pages = gathered.answers.iter().flat_map(|a| &a.further);
    pages.map(|reading| {
        let mut rows = Rows::new(&gathered.current, reading, uncover);
        let parts = reading.collections.iter();
        MyData {
            parts: parts.filter_map(|c| rows.part(c, None)).collect(),
            ..MyData::default()
        }
    })
}

/// Adds what fits of a further page to what was found before it.
fn add_hits(data: &mut MyData, page: MyData) {
    for part in page.parts {
        let is_same = |p: &&mut Part| p.dataset == part.dataset && p.collection == part.collection;
        match data.parts.iter_mut().find(is_same) {
            Some(known) => {
                known.count += part.count;
                known.entries.extend(part.entries);
            }
            None => data.parts.push(part),
        }
    }
}

/// Takes lists back to the rows that My data shows, after more were read to find something.
fn shorten(data: &mut MyData, most: usize) {
    for part in data
        .parts
        .iter_mut()
        .filter(|p| p.shown_as == ShownAs::List)
    {
        part.entries.truncate(most);
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
