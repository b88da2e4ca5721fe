//! Whose rows a reading starts from: those that hold an address or a number that the customer proved, found by it and
//! proved again at each reading.

use std::collections::{HashMap, HashSet};

use fairhold_domain::contact_point::{ContactPoint, ContactPoints, Kind};

use super::{
    Session,
    clauses::{
        number_of, values_of, write_filter, write_from, write_key, write_key_is, write_key_is_any,
    },
    unique,
};
use crate::{
    ConnectError, Plan,
    plan::{Identity, MAX_IDENTITY, Name, Source},
    reading::{Found, IdentityRow, ReadRequest},
    sql::{Expr, Sql, Statement, pattern_of},
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

/// Finds the rows that hold one of the contact points as their identity.
pub(crate) async fn find(
    session: &mut dyn Session,
    plan: &Plan,
    contacts: &ContactPoints,
    search: Search,
) -> Result<Vec<Found>, ConnectError> {
    let mut found = Vec::new();
    let is_sought = |s: &&Source| {
        s.identities
            .iter()
            .any(|i| contacts.of(i.kind).next().is_some())
    };
    for source in plan.sources.iter().filter(is_sought) {
        let candidates = session
            .rows(candidates(plan, source, contacts, search))
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
                .filter(|(identity, value)| holds(identity, value, contacts))
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
pub(crate) struct Start {
    pub(super) source: usize,
    pub(super) key: RowKey,
    /// Values of the columns that first hops leave from.
    pub(super) links: HashMap<String, KeyValue>,
}

/// Fetches the start rows and keeps those that still hold the address: in a column whose addresses the company proved,
/// or in any column where a second fact proved the row.
pub(crate) async fn prove(
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
                    (identity.verified || by_fact) && holds(identity, value, &request.contacts)
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
fn holds(identity: &Identity, value: &KeyValue, contacts: &ContactPoints) -> bool {
    match value {
        // What was cut off at the limit may go on in any way.
        KeyValue::Text(text) => {
            text.chars().count() < MAX_IDENTITY as usize && contacts.hold(identity.kind, text)
        }
        KeyValue::Int(number) => contacts.hold(identity.kind, &number.to_string()),
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

fn candidates(plan: &Plan, source: &Source, contacts: &ContactPoints, search: Search) -> Statement {
    let mut sql = Sql::new(&*plan.dialect);
    sql.push("SELECT ");
    write_key(&mut sql, source);
    write_identities(&mut sql, source);
    write_from(&mut sql, source, |sql| {
        sql.push("(")
            .joined(&source.identities, " OR ", "1 = 0", |sql, identity| {
                let points: Vec<&ContactPoint> = contacts.of(identity.kind).collect();
                write_may_be(sql, identity, &points, search);
            });
        sql.push(")");
        write_filter(sql, source, "t0");
    });
    sql.push(&format!(" LIMIT {}", MAX_CANDIDATES + 1));
    sql.finish(source.key_len() + source.identities.len())
}

/// Whether a column may hold one of these.
fn write_may_be(sql: &mut Sql<'_>, identity: &Identity, points: &[&ContactPoint], search: Search) {
    let column = identity.column.of("t0");
    let forms = points.iter().flat_map(|point| plain_forms(point));
    let forms: Vec<KeyValue> = forms.map(KeyValue::Text).collect();
    // A number of a phone may be too long for a column of numbers, so they are compared as text.
    let column = if sql.dialect.is_number(&column.kind) {
        sql.dialect.as_text(&column)
    } else {
        column
    };
    match search {
        Search::Everywhere => {
            let dialect = sql.dialect;
            sql.any(points, &mut |sql, point| {
                dialect.may_hold(sql, &column, &pattern_of(point));
            });
        }
        _ if forms.is_empty() => {
            sql.push("1 = 0");
        }
        Search::AnyCase if identity.kind == Kind::Email => {
            let lower = Expr::new(format!("lower({})", column.sql), column.kind);
            sql.one_of(&lower, &forms);
        }
        Search::AnyCase | Search::Exact => {
            sql.one_of(&column, &forms);
        }
    }
}

/// The forms in which a contact point is found by an index: an address is stored in its normal form, a number in one of
/// those that have no sign between the digits.
fn plain_forms(point: &ContactPoint) -> Vec<String> {
    match point {
        ContactPoint::Email(address) => vec![address.as_str().to_owned()],
        ContactPoint::Phone(number) => {
            let (international, national) = (number.as_str(), number.national());
            let digits = international.trim_start_matches('+');
            vec![
                international.to_owned(),
                digits.to_owned(),
                format!("00{digits}"),
                format!("0{national}"),
                national.to_owned(),
            ]
        }
    }
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
