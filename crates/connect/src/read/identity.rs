//! Whose rows a reading starts from: those that hold the address, found by it and proved again at each reading.

use std::collections::{HashMap, HashSet};

use fairhold_domain::email::EmailAddress;

use super::{
    Session,
    clauses::{
        number_of, values_of, write_filter, write_from, write_key, write_key_is, write_key_is_any,
    },
    unique,
};
use crate::{
    ConnectError, Plan,
    plan::{MAX_IDENTITY, Name, Source},
    reading::{Found, IdentityRow, ReadRequest},
    sql::{Expr, Sql, Statement},
    value::{KeyValue, RowKey},
};

/// The most candidates that one address may have. More means that the column does not hold addresses.
const MAX_CANDIDATES: usize = 10_000;

/// How an address is looked for. What comes back is compared byte by byte each time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Search {
    /// In every text that could normalise to it, with white space around it or letters written otherwise. Finds whatever
    /// there is, and no index serves: the database looks at every row.
    Everywhere,
    /// As its normal form, in capitals or not. An index on `lower(column)` serves.
    AnyCase,
    /// As its normal form. An index on the column serves.
    Exact,
}

/// Finds the rows whose e-mail identity is the address.
pub(crate) async fn find(
    session: &mut dyn Session,
    plan: &Plan,
    address: &EmailAddress,
    search: Search,
) -> Result<Vec<Found>, ConnectError> {
    let mut found = Vec::new();
    for source in plan.sources.iter().filter(|s| !s.identities.is_empty()) {
        let candidates = session
            .rows(candidates(plan, source, address, search))
            .await?;
        if candidates.len() > MAX_CANDIDATES {
            return Err(ConnectError::TooSlow);
        }
        for mut row in candidates {
            let identities = row.values.split_off(source.key_len());
            let mut verified = source
                .identities
                .iter()
                .zip(&identities)
                .filter(|(_, v)| holds(v, address))
                .map(|(i, _)| i.verified);
            if let Some(first) = verified.next() {
                let row = IdentityRow {
                    place: source.name.clone(),
                    key: RowKey(row.values),
                };
                found.push(Found {
                    row,
                    verified: first || verified.any(|v| v),
                });
            }
        }
    }
    Ok(found)
}

/// A start row that was fetched just now and holds the address.
pub(super) struct Start {
    pub(super) source: usize,
    pub(super) key: RowKey,
    /// Values of the columns that first hops leave from.
    pub(super) links: HashMap<String, KeyValue>,
}

/// Fetches the start rows and keeps those that still hold the address: in a column whose addresses the company proved,
/// or in any column where a second fact proved the row.
pub(super) async fn prove(
    session: &mut dyn Session,
    plan: &Plan,
    request: &ReadRequest,
    not_theirs: &mut Vec<IdentityRow>,
) -> Result<Vec<Start>, ConnectError> {
    let mut starts: Vec<Start> = Vec::new();
    for (index, source) in plan
        .sources
        .iter()
        .enumerate()
        .filter(|(_, s)| !s.identities.is_empty())
    {
        let wanted: Vec<&RowKey> = request
            .claimed()
            .filter(|s| s.place == source.name && s.key.0.len() == source.key_len())
            .map(|s| &s.key)
            .collect();
        if wanted.is_empty() {
            continue;
        }
        let columns = first_columns(plan, index);
        for mut row in session
            .rows(start_rows(plan, source, &columns, &wanted))
            .await?
        {
            let mut rest = row.values.split_off(source.key_len());
            let links = rest.split_off(source.identities.len());
            let by_fact = request
                .proven
                .iter()
                .any(|p| p.place == source.name && p.key.0 == row.values);
            // An address that nobody checked finds a row, and proves nothing by itself: anybody may have typed it there.
            let is_theirs = source
                .identities
                .iter()
                .zip(&rest)
                .any(|(identity, value)| {
                    (identity.verified || by_fact) && holds(value, &request.address)
                });
            if is_theirs {
                starts.push(Start {
                    source: index,
                    key: RowKey(row.values),
                    links: values_of(&columns, links),
                });
            }
        }
    }
    let place = |start: &Start| plan.sources.get(start.source).map(|source| &source.name);
    let proven: HashSet<_> = starts.iter().map(|s| (place(s), &s.key)).collect();
    let unproven = request
        .claimed()
        .filter(|row| !proven.contains(&(Some(&row.place), &row.key)));
    not_theirs.extend(unproven.cloned());
    Ok(starts)
}

/// Byte by byte, after normalising.
fn holds(identity: &KeyValue, address: &EmailAddress) -> bool {
    match identity {
        // What was cut off at the limit may go on in any way.
        KeyValue::Text(text) => {
            text.chars().count() < MAX_IDENTITY as usize
                && EmailAddress::normalise(text) == address.as_str()
        }
        _ => false,
    }
}

/// The columns that paths leave a start row by, but for those whose values stay in the database.
fn first_columns(plan: &Plan, start: usize) -> Vec<&Name> {
    let first_steps = plan
        .sources
        .iter()
        .flat_map(|s| s.paths.iter().filter_map(|p| p.first()));
    let columns = first_steps
        .filter(|s| s.parent == start && !s.secret)
        .flat_map(|s| s.on.iter().map(|p| &p.parent));
    unique(columns)
}

fn candidates(plan: &Plan, source: &Source, address: &EmailAddress, search: Search) -> Statement {
    let mut sql = Sql::new(&*plan.dialect);
    sql.push("SELECT ");
    write_key(&mut sql, source);
    write_identities(&mut sql, source);
    write_from(&mut sql, source, |sql| {
        sql.push("(")
            .joined(&source.identities, " OR ", "1 = 0", |sql, identity| {
                let column = identity.column.of("t0");
                let normal = || KeyValue::Text(address.as_str().to_owned());
                match search {
                    Search::Everywhere => {
                        let dialect = sql.dialect;
                        dialect.may_hold(sql, &column, address.as_str());
                    }
                    Search::AnyCase => {
                        let lower = Expr::new(format!("lower({})", column.sql), column.kind);
                        sql.one_of(&lower, &[normal()]);
                    }
                    Search::Exact => {
                        sql.one_of(&column, &[normal()]);
                    }
                }
            });
        sql.push(")");
        write_filter(sql, source, "t0");
    });
    sql.push(&format!(" LIMIT {}", MAX_CANDIDATES + 1));
    sql.finish(source.key_len() + source.identities.len())
}

fn start_rows(plan: &Plan, source: &Source, columns: &[&Name], wanted: &[&RowKey]) -> Statement {
    let mut sql = Sql::new(&*plan.dialect);
    sql.push("SELECT ");
    write_key(&mut sql, source);
    write_identities(&mut sql, source);
    for column in columns {
        sql.push(", ").select(&column.of("t0"));
    }
    write_from(&mut sql, source, |sql| {
        write_key_is_any(sql, source, "t0", wanted);
        write_filter(sql, source, "t0");
    });
    if let Some(number) = &source.key.number {
        sql.push(" WHERE ").any(wanted, &mut |sql, key| {
            sql.push("(");
            write_key_is(sql, source, "t0", key);
            if let Some(value) = key.0.last() {
                sql.push(" AND ").equals(&number_of(number, "t0"), value);
            }
            sql.push(")");
        });
    }
    sql.finish(source.key_len() + source.identities.len() + columns.len())
}

fn write_identities(sql: &mut Sql, source: &Source) {
    for identity in &source.identities {
        let column = identity.column.of("t0");
        let beginning = sql.dialect.beginning(&column, MAX_IDENTITY);
        sql.push(", ").select(&beginning);
    }
}
