//! Erasing in place. First the keys of all rows are collected, to be shown and to be kept by whoever asked for it; then one
//! transaction collects them once more, and empties, writes over and deletes, children before parents.

use std::collections::{BTreeMap, HashSet};

use fairhold_domain::erasure::{Act, Change, Fate};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::{
    ConnectError, Plan,
    plan::{PointedAt, Source, Step},
    read::{self, Session, Start},
    reading::{CollectionName, ReadRequest},
    sql::{Sql, Statement},
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
    let mut collected = Collected::default();
    if starts.is_empty() {
        return Ok(collected);
    }
    for (index, source) in plan.sources.iter().enumerate().filter(|(_, s)| s.is_own()) {
        let rows = session.rows(own_keys(plan, index, source, &starts)).await?;
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
            let keys = shared_keys(session, plan, index, source, &starts).await?;
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
                    if !keys.contains(&key) {
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
    let now = collect(session, plan, request).await?;
    carry_out(session, plan, &now, secret).await?;
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
        let (_, source) = plan.source(&table.name).ok_or(ConnectError::Changed)?;
        let in_use = if table.shared {
            count(session, plan, source, &deleted(table)).await?
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

/// Changes first, then what goes: children before parents, shared rows last.
async fn carry_out(
    session: &mut dyn Session,
    plan: &Plan,
    now: &Collected,
    secret: &[u8],
) -> Result<(), ConnectError> {
    let mut found = Vec::new();
    for table in &now.tables {
        let (index, source) = plan.source(&table.name).ok_or(ConnectError::Changed)?;
        found.push((index, source, table));
    }
    let order = children_first(plan, found.iter().map(|(index, _, _)| *index).collect());
    let place = |index: usize| order.iter().position(|at| *at == index);
    found.sort_by_key(|(index, _, table)| (table.shared, place(*index)));
    let own = || found.iter().filter(|(_, _, table)| !table.shared);
    for (_, source, table) in own() {
        for CollectedRows { act, keys } in &table.rows {
            if !act.deletes {
                change(session, plan, source, &act.changes, keys, secret).await?;
            }
        }
    }
    for (index, source, table) in own() {
        let keys = deleted(table);
        let goes_before = |to| place(to) <= place(*index);
        unlink(session, plan, source, &keys, goes_before).await?;
    }
    for (_, source, table) in own() {
        let keys = deleted(table);
        delete(session, plan, source, &keys, &[]).await?;
        if count(session, plan, source, &keys).await? > 0 {
            // Something put it back, or kept it: a trigger, say.
            return Err(ConnectError::Bound);
        }
    }
    for (_, source, table) in found.iter().filter(|(_, _, table)| table.shared) {
        delete(session, plan, source, &deleted(table), &source.pointed_at).await?;
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

/// Empties the references of rows that go to rows which go before them, or in the same table.
async fn unlink(
    session: &mut dyn Session,
    plan: &Plan,
    source: &Source,
    keys: &[&RowKey],
    goes_before: impl Fn(usize) -> bool,
) -> Result<(), ConnectError> {
    let circles = source.foreign.iter();
    let circles = circles.filter(|foreign| foreign.nullable && goes_before(foreign.to));
    let columns: HashSet<usize> = circles.flat_map(|f| f.columns.iter().copied()).collect();
    let names: Vec<_> = columns
        .iter()
        .filter_map(|at| source.names.get(*at))
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    for some in keys.chunks(AT_ONCE) {
        let mut sql = Sql::new(&*plan.dialect);
        sql.push("UPDATE ").push(&source.table).push(" AS t0 SET ");
        sql.joined(&names, ", ", "", |sql, name| {
            sql.push(&name.quoted).push(" = NULL");
        });
        sql.push(" WHERE ");
        read::write_key_is_any(&mut sql, source, "t0", some);
        session.rows(sql.finish(0)).await?;
    }
    Ok(())
}

/// Deletes rows by their keys; with `unless`, only those that nothing of these points at.
async fn delete(
    session: &mut dyn Session,
    plan: &Plan,
    source: &Source,
    keys: &[&RowKey],
    unless: &[PointedAt],
) -> Result<(), ConnectError> {
    for some in keys.chunks(AT_ONCE) {
        let mut sql = Sql::new(&*plan.dialect);
        let begin = sql.dialect.delete(&source.table, "t0");
        sql.push(&begin).push(" WHERE ");
        read::write_key_is_any(&mut sql, source, "t0", some);
        for user in unless {
            sql.push(" AND NOT EXISTS (SELECT 1 FROM ")
                .push(&user.from)
                .push(" AS t1 WHERE ");
            sql.joined(&user.on, " AND ", "1 = 0", |sql, (from, to)| {
                let (from, to) = (from.of("t1"), to.of("t0"));
                let from = sql.dialect.collated(&from, &to.kind);
                sql.push(&from.sql).push(" = ").push(&to.sql);
            });
            sql.push(")");
        }
        session.rows(sql.finish(0)).await?;
    }
    Ok(())
}

/// How many of these rows there are.
async fn count(
    session: &mut dyn Session,
    plan: &Plan,
    source: &Source,
    keys: &[&RowKey],
) -> Result<u64, ConnectError> {
    let mut left = 0;
    for some in keys.chunks(AT_ONCE) {
        let mut sql = Sql::new(&*plan.dialect);
        sql.push("SELECT ");
        sql.joined(&source.key.parts, ", ", "1", |sql, part| {
            let part = part.of("t0", sql.dialect);
            sql.select(&part);
        });
        sql.push(" FROM ").push(&source.table).push(" AS t0 WHERE ");
        read::write_key_is_any(&mut sql, source, "t0", some);
        left += session
            .rows(sql.finish(source.key.parts.len()))
            .await?
            .len() as u64;
    }
    Ok(left)
}

/// Empties columns of rows and writes over others.
async fn change(
    session: &mut dyn Session,
    plan: &Plan,
    source: &Source,
    changes: &[Change],
    keys: &[RowKey],
    secret: &[u8],
) -> Result<(), ConnectError> {
    if changes.is_empty() {
        return Ok(());
    }
    let of_row = |change: &Change| {
        change
            .mask
            .is_some_and(|mask| mask.is_of_row(change.unique))
    };
    let at_once = if changes.iter().any(of_row) {
        1
    } else {
        AT_ONCE
    };
    let keys: Vec<&RowKey> = keys.iter().collect();
    for some in keys.chunks(at_once) {
        let mut sql = Sql::new(&*plan.dialect);
        sql.push("UPDATE ").push(&source.table).push(" AS t0 SET ");
        for (at, change) in changes.iter().enumerate() {
            let column = source.columns.iter().position(|c| c.name == change.column);
            let name = column.and_then(|at| source.names.get(at));
            let name = name.ok_or(ConnectError::Changed)?;
            sql.push(if at == 0 { "" } else { ", " }).push(&name.quoted);
            sql.push(" = ");
            match change.mask {
                None => sql.push("NULL"),
                Some(mask) => {
                    let random = random(secret, &source.name, &change.column, some)?;
                    let value = KeyValue::Text(mask.value(&random, change.unique));
                    sql.bind(value, &name.kind)
                }
            };
        }
        sql.push(" WHERE ");
        read::write_key_is_any(&mut sql, source, "t0", some);
        session.rows(sql.finish(0)).await?;
    }
    Ok(())
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
