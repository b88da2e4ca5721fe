//! Erasing in place. First the keys of all rows are collected, to be shown and to be kept by whoever asked for it; then one
//! transaction collects them once more, and empties, writes over and deletes, children before parents.

use std::collections::{BTreeMap, HashMap, HashSet};

use fairhold_domain::erasure::{Act, Change, Fate, Mask};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::{
    ConnectError, Plan,
    plan::{Name, PointedAt, Source, Step},
    read::{self, Session, Start},
    reading::{CollectionName, ReadRequest},
    sql::{Expr, Sql, Statement},
    value::{KeyValue, RowKey},
};

/// The rows of one customer in one connection, by their keys. Whoever keeps it seals it: a key may be an address.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Collected {
    /// Those that hold any, in the catalog's order.
    pub tables: Vec<CollectedTable>,
}

/// The rows of one collection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CollectedTable {
    /// Which.
    pub name: CollectionName,
    /// Rows that the customer's own point at. They go if nobody else does.
    pub shared: bool,
    /// The rows by what becomes of them.
    pub rows: Vec<CollectedRows>,
}

/// Rows with one fate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CollectedRows {
    /// What becomes of them.
    pub act: Act,
    /// Their keys.
    pub keys: Vec<RowKey>,
}

/// What became of the rows of a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErasedRows {
    /// Which.
    pub name: CollectionName,
    /// Whether they were rows that the customer's own pointed at.
    pub shared: bool,
    /// What was done, and to how many rows.
    pub done: Vec<(Act, u64)>,
    /// Shared rows that somebody else uses.
    pub in_use: u64,
}

impl CollectedTable {
    /// How many rows.
    pub fn len(&self) -> u64 {
        self.rows.iter().map(|rows| rows.keys.len() as u64).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.iter().all(|rows| rows.keys.is_empty())
    }

    /// Takes in the rows of the same collection that are new.
    fn add(&mut self, found: Self) {
        let known: HashSet<RowKey> = self.rows.iter().flat_map(|r| r.keys.clone()).collect();
        for CollectedRows { act, keys } in found.rows {
            let new = keys.into_iter().filter(|key| !known.contains(key));
            let new: Vec<RowKey> = new.collect();
            match self.rows.iter_mut().find(|rows| rows.act == act) {
                Some(rows) => rows.keys.extend(new),
                None => self.rows.push(CollectedRows { act, keys: new }),
            }
        }
    }
}

/// Rows that one statement takes: databases limit how many values one may have.
const AT_ONCE: usize = 200;

/// All rows that are tied to the start rows which still hold the address.
pub(crate) async fn collect(
    session: &mut dyn Session,
    plan: &Plan,
    request: &ReadRequest,
) -> Result<Collected, ConnectError> {
    let starts = read::prove(session, plan, request, &mut Vec::new()).await?;
    collect_from(session, plan, &starts).await
}

async fn collect_from(
    session: &mut dyn Session,
    plan: &Plan,
    starts: &[Start],
) -> Result<Collected, ConnectError> {
    if let Some(name) = plan.cut_off().first() {
        // Rows are held that nobody can find any more: once those they hung on have gone, nobody ever could.
        let (dataset, collection) = (&name.dataset, &name.collection);
        tracing::warn!(dataset, collection, "a column that leads to rows is gone");
        return Err(ConnectError::Changed);
    }
    let mut collected = Collected::default();
    if starts.is_empty() {
        return Ok(collected);
    }
    for (index, source) in plan.sources.iter().enumerate().filter(|(_, s)| s.is_own()) {
        let rows = session.rows(own_keys(plan, index, source, starts)).await?;
        let rows = rows.into_iter().map(|row| row.values);
        let rows = by_act(&source.fate, source.key_len(), rows);
        if !rows.is_empty() {
            collected.tables.push(CollectedTable {
                name: source.name.clone(),
                shared: false,
                rows,
            });
        }
    }
    for (index, source) in plan.sources.iter().enumerate() {
        if source.goes_unused {
            let keys = shared_keys(session, plan, index, source, starts).await?;
            if !keys.is_empty() {
                let act = Act {
                    deletes: true,
                    ..Act::default()
                };
                collected.tables.push(CollectedTable {
                    name: source.name.clone(),
                    shared: true,
                    rows: vec![CollectedRows { act, keys }],
                });
            }
        }
    }
    Ok(collected)
}

/// The keys of the customer's own rows of a source, and the names of their facts where each row is one.
fn own_keys(plan: &Plan, index: usize, source: &Source, starts: &[Start]) -> Statement {
    let mut sql = Sql::new(&*plan.dialect);
    sql.push("SELECT ");
    read::write_key(&mut sql, source);
    let fact = source.key_value.as_ref();
    let fact = fact.and_then(|table| source.names.get(table.key));
    if let Some(fact) = fact {
        let text = sql.dialect.as_text(&fact.of("t0"));
        sql.push(", ").select(&text);
    }
    read::write_own_from(&mut sql, plan, index, source, starts, |_| {});
    sql.finish(source.key_len() + usize::from(fact.is_some()))
}

/// Sorts rows by what becomes of them. Each is a key, with the name of its fact behind it where rows are facts.
fn by_act(
    fate: &Fate,
    key_len: usize,
    rows: impl Iterator<Item = Vec<KeyValue>>,
) -> Vec<CollectedRows> {
    let mut sorted: BTreeMap<usize, Vec<RowKey>> = BTreeMap::new();
    for mut row in rows {
        let fact = row.split_off(key_len).pop();
        let fact = fact.and_then(KeyValue::into_text);
        let is_its = |act: &Act| match (&act.fact, &fact) {
            (Some(named), Some(fact)) => named.eq_ignore_ascii_case(fact),
            (named, _) => named.is_none(),
        };
        let act = fate.acts.iter().position(is_its);
        let act = act.unwrap_or(fate.acts.len());
        sorted.entry(act).or_default().push(RowKey(row));
    }
    let rows = sorted.into_iter().filter_map(|(act, keys)| {
        let act = fate.acts.get(act).or(fate.other.as_ref())?.clone();
        Some(CollectedRows { act, keys })
    });
    rows.collect()
}

/// The keys of the shared rows of a source that own rows point at.
async fn shared_keys(
    session: &mut dyn Session,
    plan: &Plan,
    index: usize,
    source: &Source,
    starts: &[Start],
) -> Result<Vec<RowKey>, ConnectError> {
    let mut keys: Vec<RowKey> = Vec::new();
    let mut known: HashSet<RowKey> = HashSet::new();
    for (at, parent) in plan.sources.iter().enumerate().filter(|(_, s)| s.is_own()) {
        for step in parent
            .shared
            .iter()
            .filter(|step| step.child == index && !step.secret)
        {
            let rows = session.rows(links(plan, at, parent, step, starts)).await?;
            let links: HashSet<Vec<KeyValue>> = rows
                .into_iter()
                .map(|row| row.values)
                .filter(|values| !values.contains(&KeyValue::Null))
                .collect();
            let links: Vec<Vec<KeyValue>> = links.into_iter().collect();
            for some in links.chunks(AT_ONCE) {
                let mut sql = Sql::new(&*plan.dialect);
                sql.push("SELECT ");
                read::write_key(&mut sql, source);
                read::write_from(&mut sql, source, |sql| {
                    read::write_equal_any(sql, step, "t0", some);
                    read::write_filter(sql, source, "t0");
                });
                let rows = session.rows(sql.finish(source.key_len())).await?;
                for row in rows {
                    let key = RowKey(row.values);
                    if known.insert(key.clone()) {
                        keys.push(key);
                    }
                }
            }
        }
    }
    Ok(keys)
}

/// What own rows hold of a step that leads on from them.
fn links(plan: &Plan, index: usize, parent: &Source, step: &Step, starts: &[Start]) -> Statement {
    let mut sql = Sql::new(&*plan.dialect);
    sql.push("SELECT DISTINCT ");
    sql.joined(&step.on, ", ", "NULL", |sql, pair| {
        sql.select(&pair.parent.of("t0"));
    });
    read::write_own_from(&mut sql, plan, index, parent, starts, |_| {});
    sql.finish(step.on.len())
}

/// Carries it out, in a transaction that the caller begins and ends.
///
/// What is touched is what hangs on the customer's rows now: a key that was collected before may be somebody else's by now,
/// because databases give numbers out again. What was collected only says what an earlier try has done.
pub(crate) async fn erase(
    session: &mut dyn Session,
    plan: &Plan,
    request: &ReadRequest,
    collected: &Collected,
    again: bool,
    secret: &[u8],
) -> Result<Vec<ErasedRows>, ConnectError> {
    let starts = read::prove(session, plan, request, &mut Vec::new()).await?;
    let now = collect_from(session, plan, &starts).await?;
    if again {
        refuse_what_was_never_done(session, plan, collected, &now, secret).await?;
    }
    carry_out(session, plan, &now, &starts, secret).await?;
    let mut told = now;
    if again {
        for table in &collected.tables {
            let same = |known: &&mut CollectedTable| {
                known.name == table.name && known.shared == table.shared
            };
            match told.tables.iter_mut().find(same) {
                Some(known) => known.add(table.clone()),
                None => told.tables.push(table.clone()),
            }
        }
    }
    let mut done = Vec::new();
    for table in &told.tables {
        let rows = Rows::of(plan, &table.name, &[])?;
        let in_use = if table.shared {
            rows.count(session, &deleted(table)).await?
        } else {
            0
        };
        let rows = table.rows.iter().map(|rows| {
            let rows_done = (rows.keys.len() as u64).saturating_sub(in_use);
            (rows.act.clone(), rows_done)
        });
        done.push(ErasedRows {
            name: table.name.clone(),
            shared: table.shared,
            done: rows.collect(),
            in_use,
        });
    }
    Ok(done)
}

/// An earlier try either did it all or nothing. Where a row that held the address when it was collected still stands as it was,
/// and holds it no more, that try did nothing, and nobody can say any more what is the customer's: that must not be told as
/// done. (A new row of the same number looks the same; then the staff must look.)
async fn refuse_what_was_never_done(
    session: &mut dyn Session,
    plan: &Plan,
    collected: &Collected,
    now: &Collected,
    secret: &[u8],
) -> Result<(), ConnectError> {
    for table in collected.tables.iter().filter(|table| !table.shared) {
        let rows = Rows::of(plan, &table.name, &[])?;
        if rows.source.identities.is_empty() {
            continue;
        }
        let mut same = now.tables.iter();
        let same = same.find(|now| now.name == table.name && !now.shared);
        let same: HashSet<&RowKey> = same
            .iter()
            .flat_map(|now| now.rows.iter().flat_map(|rows| &rows.keys))
            .collect();
        for CollectedRows { act, keys } in &table.rows {
            let keys: Vec<&RowKey> = keys.iter().filter(|key| !same.contains(key)).collect();
            let stands = if act.deletes {
                rows.count(session, &keys).await?
            } else {
                rows.unchanged(session, &act.changes, &keys, secret).await?
            };
            if stands > 0 {
                rows.note("an erasure broke off, and since then a row holds another address");
                return Err(ConnectError::Changed);
            }
        }
    }
    Ok(())
}

/// First all that has no key, while what its rows hang on is still as it was; then changes, then what goes: children before
/// parents, shared rows last.
async fn carry_out(
    session: &mut dyn Session,
    plan: &Plan,
    now: &Collected,
    starts: &[Start],
    secret: &[u8],
) -> Result<(), ConnectError> {
    let mut found = Vec::new();
    for table in &now.tables {
        found.push((Rows::of(plan, &table.name, starts)?, table));
    }
    let order = children_first(plan, found.iter().map(|(rows, _)| rows.index).collect());
    let place = |index: usize| order.iter().position(|at| *at == index);
    found.sort_by_key(|(rows, table)| (table.shared, place(rows.index)));
    let own = || found.iter().filter(|(_, table)| !table.shared);
    let (without_key, with_key): (Vec<_>, Vec<_>) =
        own().partition(|(rows, _)| rows.source.key.number.is_some());
    for (rows, table) in without_key {
        rows.change_all(session, table, secret).await?;
        rows.delete_all(session, table).await?;
    }
    for (rows, table) in &with_key {
        rows.change_all(session, table, secret).await?;
    }
    for (rows, table) in &with_key {
        let goes_before = |to| place(to) <= place(rows.index);
        let unlinked = rows.unlink(session, &deleted(table), goes_before).await;
        unlinked.map_err(|error| rows.noted(error))?;
    }
    let mut going: HashMap<&str, HashSet<&RowKey>> = HashMap::new();
    for (rows, table) in &with_key {
        let here = going.entry(&rows.source.table).or_default();
        here.extend(deleted(table));
    }
    for (rows, table) in &with_key {
        let keys = deleted(table);
        let kept_out = rows.take_nothing_along(session, &keys, &going).await;
        kept_out.map_err(|error| rows.noted(error))?;
        rows.delete_all(session, table).await?;
    }
    for (rows, table) in found.iter().filter(|(_, table)| table.shared) {
        let keys = deleted(table);
        let unused = rows.delete_unused(session, &keys).await;
        unused.map_err(|error| rows.noted(error))?;
    }
    Ok(())
}

fn deleted(table: &CollectedTable) -> Vec<&RowKey> {
    let rows = table.rows.iter().filter(|rows| rows.act.deletes);
    rows.flat_map(|rows| &rows.keys).collect()
}

/// The sources in an order in which no row is deleted before those that point at it; what goes in circles comes last.
fn children_first(plan: &Plan, mut left: Vec<usize>) -> Vec<usize> {
    left.sort_unstable();
    left.dedup();
    let mut order = Vec::new();
    while !left.is_empty() {
        let points_at = |from: usize, to: usize| {
            let source = plan.sources.get(from);
            from != to
                && source.is_some_and(|source| {
                    let along = source.paths.iter().filter_map(|path| path.last());
                    source.foreign.iter().any(|foreign| foreign.to == to)
                        || along
                            .into_iter()
                            .any(|step| step.parent == to && !leads_up(plan, step))
                })
        };
        let free = left
            .iter()
            .position(|&to| !left.iter().any(|&from| points_at(from, to)))
            .unwrap_or(0);
        order.push(left.remove(free));
    }
    order
}

/// Whether the parent of a step holds the reference to its child: then the database wants the parent gone first.
fn leads_up(plan: &Plan, step: &Step) -> bool {
    let parent = plan.sources.get(step.parent);
    parent.is_some_and(|parent| {
        parent
            .foreign
            .iter()
            .any(|foreign| foreign.to == step.child)
    })
}

/// Rows of one source, and how they are reached.
struct Rows<'p> {
    plan: &'p Plan,
    index: usize,
    source: &'p Source,
    /// Where the customer's rows hang on: rows without a key are told apart by this as well.
    starts: &'p [Start],
}

impl<'p> Rows<'p> {
    fn of(
        plan: &'p Plan,
        name: &CollectionName,
        starts: &'p [Start],
    ) -> Result<Self, ConnectError> {
        let (index, source) = plan.source(name).ok_or(ConnectError::Changed)?;
        Ok(Self {
            plan,
            index,
            source,
            starts,
        })
    }

    /// Says in the log where an erasure was held up; no value of anybody's.
    fn note(&self, what: &str) {
        let (dataset, collection) = (&self.source.name.dataset, &self.source.name.collection);
        tracing::warn!(dataset, collection, what);
    }

    fn noted(&self, error: ConnectError) -> ConnectError {
        let (dataset, collection) = (&self.source.name.dataset, &self.source.name.collection);
        tracing::warn!(dataset, collection, %error, "an erasure was held up here");
        error
    }

    /// The rows of these keys. Where there is no key, equal rows may be somebody else's: then they must be the customer's own
    /// as well.
    fn write_are(&self, sql: &mut Sql, keys: &[&RowKey]) {
        read::write_key_is_any(sql, self.source, "t0", keys);
        if self.source.key.number.is_some() && !self.starts.is_empty() {
            sql.push(" AND (");
            read::write_is_own(sql, self.plan, self.index, self.source, self.starts);
            sql.push(")");
        }
    }

    async fn change_all(
        &self,
        session: &mut dyn Session,
        table: &CollectedTable,
        secret: &[u8],
    ) -> Result<(), ConnectError> {
        for CollectedRows { act, keys } in table.rows.iter().filter(|rows| !rows.act.deletes) {
            let keys: Vec<&RowKey> = keys.iter().collect();
            let changed = self.change(session, &act.changes, &keys, secret).await;
            changed.map_err(|error| self.noted(error))?;
            if self.unchanged(session, &act.changes, &keys, secret).await? > 0 {
                // Something put it back: a trigger, say.
                return Err(self.noted(ConnectError::Bound));
            }
        }
        Ok(())
    }

    async fn delete_all(
        &self,
        session: &mut dyn Session,
        table: &CollectedTable,
    ) -> Result<(), ConnectError> {
        let keys = deleted(table);
        let gone = self.delete(session, &keys).await;
        gone.map_err(|error| self.noted(error))?;
        if self.count(session, &keys).await? > 0 {
            return Err(self.noted(ConnectError::Bound));
        }
        Ok(())
    }

    /// Empties the references of rows that go to rows which go before them, or in the same table.
    async fn unlink(
        &self,
        session: &mut dyn Session,
        keys: &[&RowKey],
        goes_before: impl Fn(usize) -> bool,
    ) -> Result<(), ConnectError> {
        let circles = self.source.foreign.iter();
        let circles = circles.filter(|foreign| foreign.nullable && goes_before(foreign.to));
        let columns: HashSet<usize> = circles.flat_map(|f| f.columns.iter().copied()).collect();
        let names: Vec<_> = columns
            .iter()
            .filter_map(|at| self.source.names.get(*at))
            .collect();
        if names.is_empty() {
            return Ok(());
        }
        for some in keys.chunks(AT_ONCE) {
            let mut sql = self.update();
            sql.joined(&names, ", ", "", |sql, name| {
                sql.push(&name.quoted).push(" = NULL");
            });
            sql.push(" WHERE ");
            self.write_are(&mut sql, some);
            session.rows(sql.finish(0)).await?;
        }
        Ok(())
    }

    fn update(&self) -> Sql<'p> {
        let mut sql = Sql::new(&*self.plan.dialect);
        sql.push("UPDATE ")
            .push(&self.source.table)
            .push(" AS t0 SET ");
        sql
    }

    /// The database would delete what points at these rows as well. That is well where it goes anyway; what is kept, or is
    /// somebody else's, must not be lost by it.
    async fn take_nothing_along(
        &self,
        session: &mut dyn Session,
        keys: &[&RowKey],
        going: &HashMap<&str, HashSet<&RowKey>>,
    ) -> Result<(), ConnectError> {
        for user in self.source.pointed_at.iter().filter(|u| u.takes_along) {
            let with_key = |s: &&Source| s.table == user.from && s.key.number.is_none();
            let there = self.plan.sources.iter().find(with_key);
            for some in keys.chunks(AT_ONCE) {
                let mut sql = Sql::new(&*self.plan.dialect);
                sql.push("SELECT ");
                let parts = there.map(|there| there.key.parts.as_slice());
                sql.joined(parts.unwrap_or_default(), ", ", "1", |sql, part| {
                    let part = part.of("t1", sql.dialect);
                    sql.select(&part);
                });
                sql.push(" FROM ").push(&user.from).push(" AS t1 JOIN ");
                sql.push(&self.source.table).push(" AS t0 ON ");
                write_points_at(&mut sql, user);
                sql.push(" WHERE ");
                self.write_are(&mut sql, some);
                let values = parts.map_or(1, <[_]>::len);
                for row in session.rows(sql.finish(values)).await? {
                    let goes = going.get(user.from.as_str());
                    let goes = goes.is_some_and(|keys| keys.contains(&RowKey(row.values)));
                    if there.is_none() || !goes {
                        return Err(ConnectError::Bound);
                    }
                }
            }
        }
        Ok(())
    }

    /// Deletes rows by their keys.
    async fn delete(
        &self,
        session: &mut dyn Session,
        keys: &[&RowKey],
    ) -> Result<(), ConnectError> {
        for some in keys.chunks(AT_ONCE) {
            let mut sql = self.deleting();
            self.write_are(&mut sql, some);
            session.rows(sql.finish(0)).await?;
        }
        Ok(())
    }

    /// Deletes those of these rows that nothing points at any more.
    async fn delete_unused(
        &self,
        session: &mut dyn Session,
        keys: &[&RowKey],
    ) -> Result<(), ConnectError> {
        let mut users = self.source.pointed_at.iter();
        let within = users.any(|user| user.from == self.source.table);
        for some in keys.chunks(AT_ONCE) {
            if !within {
                let mut sql = self.deleting();
                self.write_unused(&mut sql, some);
                session.rows(sql.finish(0)).await?;
                continue;
            }
            // MySQL takes no question about the table that it deletes from, so that one is put before.
            let mut sql = Sql::new(&*self.plan.dialect);
            sql.push("SELECT ");
            read::write_key(&mut sql, self.source);
            sql.push(" FROM ")
                .push(&self.source.table)
                .push(" AS t0 WHERE ");
            self.write_unused(&mut sql, some);
            let unused = session.rows(sql.finish(self.source.key_len())).await?;
            let unused = unused.into_iter().map(|row| RowKey(row.values));
            let unused: Vec<RowKey> = unused.collect();
            self.delete(session, &unused.iter().collect::<Vec<_>>())
                .await?;
        }
        Ok(())
    }

    fn deleting(&self) -> Sql<'p> {
        let mut sql = Sql::new(&*self.plan.dialect);
        let begin = sql.dialect.delete(&self.source.table, "t0");
        sql.push(&begin).push(" WHERE ");
        sql
    }

    fn write_unused(&self, sql: &mut Sql, keys: &[&RowKey]) {
        self.write_are(sql, keys);
        for user in &self.source.pointed_at {
            sql.push(" AND NOT EXISTS (SELECT 1 FROM ");
            sql.push(&user.from).push(" AS t1 WHERE ");
            write_points_at(sql, user);
            sql.push(")");
        }
    }

    /// How many of these rows there are.
    async fn count(
        &self,
        session: &mut dyn Session,
        keys: &[&RowKey],
    ) -> Result<u64, ConnectError> {
        let mut left = 0;
        for some in keys.chunks(AT_ONCE) {
            let mut sql = self.counting();
            self.write_are(&mut sql, some);
            left += session.rows(sql.finish(1)).await?.len() as u64;
        }
        Ok(left)
    }

    fn counting(&self) -> Sql<'p> {
        let mut sql = Sql::new(&*self.plan.dialect);
        sql.push("SELECT ");
        let part = self.source.key.parts.first();
        sql.joined(part, ", ", "1", |sql, part| {
            let part = part.of("t0", sql.dialect);
            sql.select(&part);
        });
        sql.push(" FROM ")
            .push(&self.source.table)
            .push(" AS t0 WHERE ");
        sql
    }

    /// How many rows one statement changes: one where each gets something of its own.
    fn changed_at_once(changes: &[Change]) -> usize {
        let of_row = |change: &Change| {
            change
                .mask
                .is_some_and(|mask| mask.is_of_row(change.unique))
        };
        if changes.iter().any(of_row) {
            1
        } else {
            AT_ONCE
        }
    }

    /// Empties columns of rows and writes over others.
    async fn change(
        &self,
        session: &mut dyn Session,
        changes: &[Change],
        keys: &[&RowKey],
        secret: &[u8],
    ) -> Result<(), ConnectError> {
        if changes.is_empty() {
            return Ok(());
        }
        for some in keys.chunks(Self::changed_at_once(changes)) {
            let mut sql = self.update();
            for (at, change) in changes.iter().enumerate() {
                let name = self.column(change)?;
                sql.push(if at == 0 { "" } else { ", " }).push(&name.quoted);
                sql.push(" = ");
                match self.masked(change, some, secret)? {
                    None => sql.push("NULL"),
                    Some((_, text)) => sql.bind(KeyValue::Text(text), &name.kind),
                };
            }
            sql.push(" WHERE ");
            self.write_are(&mut sql, some);
            session.rows(sql.finish(0)).await?;
        }
        Ok(())
    }

    /// How many of these rows do not hold what is written over their values. (What is empty now is gone as well.)
    async fn unchanged(
        &self,
        session: &mut dyn Session,
        changes: &[Change],
        keys: &[&RowKey],
        secret: &[u8],
    ) -> Result<u64, ConnectError> {
        let mut left = 0;
        if changes.is_empty() {
            return Ok(left);
        }
        for some in keys.chunks(AT_ONCE) {
            let mut groups = Vec::new();
            for group in some.chunks(Self::changed_at_once(changes)) {
                let mut columns = Vec::new();
                for change in changes {
                    let masked = self.masked(change, group, secret)?;
                    columns.push((self.column(change)?, masked));
                }
                groups.push((group, columns));
            }
            let mut sql = self.counting();
            sql.any(&groups, &mut |sql, (group, columns)| {
                sql.push("(");
                self.write_are(sql, group);
                sql.push(" AND NOT (");
                sql.joined(columns, " AND ", "1 = 1", |sql, (name, masked)| {
                    write_holds(sql, name, masked.as_ref());
                });
                sql.push("))");
            });
            left += session.rows(sql.finish(1)).await?.len() as u64;
        }
        Ok(left)
    }

    fn column(&self, change: &Change) -> Result<&'p Name, ConnectError> {
        let columns = &self.source.columns;
        let at = columns.iter().position(|c| c.name == change.column);
        let name = at.and_then(|at| self.source.names.get(at));
        name.ok_or(ConnectError::Changed)
    }

    /// What is written over a column of these rows; `None` where it is emptied.
    fn masked(
        &self,
        change: &Change,
        keys: &[&RowKey],
        secret: &[u8],
    ) -> Result<Option<(Mask, String)>, ConnectError> {
        let Some(mask) = change.mask else {
            return Ok(None);
        };
        let random = random(secret, &self.source.name, &change.column, keys)?;
        Ok(Some((mask, mask.value(&random, change.unique))))
    }
}

/// `t1` points at `t0`.
fn write_points_at(sql: &mut Sql, user: &PointedAt) {
    sql.joined(&user.on, " AND ", "1 = 0", |sql, (from, to)| {
        let (from, to) = (from.of("t1"), to.of("t0"));
        let from = sql.dialect.collated(&from, &to.kind);
        sql.push(&from.sql).push(" = ").push(&to.sql);
    });
}

/// The column holds what was written over it, in whatever capitals; or nothing.
fn write_holds(sql: &mut Sql, name: &Name, masked: Option<&(Mask, String)>) {
    let column = name.of("t0");
    let Some((mask, value)) = masked else {
        sql.push(&column.sql).push(" IS NULL");
        return;
    };
    let text = sql.dialect.as_text(&column);
    let written = match mask {
        Mask::Text(_) | Mask::Email(_) | Mask::Uuid => format!("lower({})", text.sql),
        // A document may be stored with other blanks.
        Mask::Json => format!("replace({}, ' ', '')", text.sql),
        Mask::Bytes => text.sql,
        Mask::Whole(_) | Mask::Number(_) | Mask::Flag | Mask::Day | Mask::Moment | Mask::Time => {
            sql.equals(&column, &KeyValue::Text(value.clone()));
            return;
        }
    };
    let written = Expr::new(written, text.kind);
    sql.equals(&written, &KeyValue::Text(value.to_lowercase()));
}

/// Bytes that are the same for one plan, column and row, and tell nothing of it.
fn random(
    secret: &[u8],
    name: &CollectionName,
    column: &str,
    keys: &[&RowKey],
) -> Result<[u8; 32], ConnectError> {
    let place = serde_json::to_vec(&(name, column, keys)).map_err(|_| ConnectError::Failed)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|_| ConnectError::Failed)?;
    mac.update(&place);
    Ok(mac.finalize().into_bytes().into())
}
