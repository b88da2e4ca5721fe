//! How a reading goes, for every engine: prove the start rows, read a page of each collection that hangs on them, then
//! the shared rows that this page points at. The number of statements follows from the plan, never from the rows.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use fairhold_domain::{catalog::looks_like_a_secret, email::EmailAddress};

use crate::{
    ConnectError, Plan,
    plan::{Pair, Part, Source, Step},
    reading::{
        CollectionRows, Context, Count, Cursor, Found, IdentityRow, MAX_PAGE, MAX_SHARED,
        ReadRequest, Reading, Row, SharedRows,
    },
    sql::{Dialect, Sql, Statement},
    value::{Cell, KeyValue, RowKey},
};

/// A connection inside one read transaction.
#[async_trait]
pub(crate) trait Session: Send {
    /// Runs a statement.
    async fn rows(&mut self, statement: Statement) -> Result<Vec<RawRow>, ConnectError>;
}

/// A row as the engine gave it.
#[derive(Debug)]
pub(crate) struct RawRow {
    pub values: Vec<KeyValue>,
    pub cells: Vec<Cell>,
}

/// The most candidates that one address may have. More means that the column does not hold addresses.
const MAX_CANDIDATES: usize = 10_000;

/// An identity longer than this, in characters, is no address (RFC 5321 allows 254 bytes; the rest is white space).
const MAX_IDENTITY: u32 = 1_024;

/// Finds the rows whose e-mail identity is the address.
pub(crate) async fn find(
    session: &mut dyn Session,
    plan: &Plan,
    address: &EmailAddress,
) -> Result<Vec<Found>, ConnectError> {
    let mut found = Vec::new();
    for source in plan.sources.iter().filter(|s| !s.identities.is_empty()) {
        let candidates = session.rows(candidates(plan, source, address)).await?;
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

/// Reads what the request asks for.
pub(crate) async fn read(
    session: &mut dyn Session,
    plan: &Plan,
    request: &ReadRequest,
) -> Result<Reading, ConnectError> {
    let mut reading = Reading {
        missing: plan.missing().to_vec(),
        ..Reading::default()
    };
    let starts = prove(session, plan, request, &mut reading.not_theirs).await?;
    let only = match &request.only {
        Some(name) => Some(
            plan.source(name)
                .filter(|(_, s)| s.is_own())
                .ok_or(ConnectError::NoSuchPage)?
                .0,
        ),
        None => None,
    };
    let mut shared = Shared::default();
    for (index, source) in plan.sources.iter().enumerate() {
        if !source.is_own() || only.is_some_and(|only| only != index) {
            continue;
        }
        match page(session, plan, index, source, &starts, request).await {
            Ok((mut rows, links)) => {
                shared
                    .attach(session, plan, source, &mut rows, &links, &mut reading)
                    .await?;
                reading.collections.push(rows);
            }
            Err(ConnectError::Changed) => note_failed(&mut reading, source),
            Err(error) => return Err(error),
        }
    }
    Ok(reading)
}

fn note_failed(reading: &mut Reading, source: &Source) {
    tracing::warn!(
        dataset = source.name.dataset,
        collection = source.name.collection,
        "a collection could not be read"
    );
    if !reading.failed.contains(&source.name) {
        reading.failed.push(source.name.clone());
    }
}

/// A start row that was fetched just now and holds the address.
struct Start {
    source: usize,
    key: RowKey,
    /// Values of the columns that first hops leave from.
    links: HashMap<String, KeyValue>,
}

/// Fetches the start rows and keeps those that still hold the address.
async fn prove(
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
            .start
            .iter()
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
            if rest
                .iter()
                .any(|identity| holds(identity, &request.address))
            {
                let links = columns.iter().map(|c| (*c).to_owned()).zip(links).collect();
                starts.push(Start {
                    source: index,
                    key: RowKey(row.values),
                    links,
                });
            }
        }
    }
    let proven = |row: &IdentityRow| {
        starts.iter().any(|s| {
            s.key == row.key
                && plan
                    .sources
                    .get(s.source)
                    .is_some_and(|source| source.name == row.place)
        })
    };
    not_theirs.extend(request.start.iter().filter(|row| !proven(row)).cloned());
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
fn first_columns(plan: &Plan, start: usize) -> Vec<&str> {
    let first_steps = plan
        .sources
        .iter()
        .flat_map(|s| s.paths.iter().filter_map(|p| p.first()));
    let columns = first_steps
        .filter(|s| s.parent == start && !s.secret)
        .flat_map(|s| s.on.iter().map(|p| p.parent.as_str()));
    unique(columns)
}

fn unique<'a>(items: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = HashSet::new();
    items.filter(|item| seen.insert(*item)).collect()
}

fn candidates(plan: &Plan, source: &Source, address: &EmailAddress) -> Statement {
    let mut sql = Sql::new(&*plan.dialect);
    sql.push("SELECT ");
    write_key(&mut sql, source);
    write_identities(&mut sql, source);
    write_from(&mut sql, source, |sql| {
        sql.push("(")
            .joined(&source.identities, " OR ", "1 = 0", |sql, identity| {
                let column = format!("t0.{}", identity.column);
                let dialect = sql.dialect;
                dialect.may_hold(sql, &column, address.as_str());
            });
        sql.push(")");
        write_filter(sql, source, "t0");
    });
    sql.push(&format!(" LIMIT {}", MAX_CANDIDATES + 1));
    sql.finish(source.key_len() + source.identities.len())
}

fn start_rows(plan: &Plan, source: &Source, columns: &[&str], wanted: &[&RowKey]) -> Statement {
    let mut sql = Sql::new(&*plan.dialect);
    sql.push("SELECT ");
    write_key(&mut sql, source);
    write_identities(&mut sql, source);
    for column in columns {
        sql.push(&format!(", t0.{column}"));
    }
    write_from(&mut sql, source, |sql| {
        sql.push("(").joined(wanted, " OR ", "1 = 0", |sql, key| {
            write_key_is(sql, source, "t0", key);
        });
        sql.push(")");
        write_filter(sql, source, "t0");
    });
    if let Some(number) = &source.key.number {
        sql.push(" WHERE ")
            .joined(wanted, " OR ", "1 = 0", |sql, key| {
                sql.push("(");
                write_key_is(sql, source, "t0", key);
                if let Some(value) = key.0.last() {
                    sql.push(" AND ").equals(&format!("t0.{number}"), value);
                }
                sql.push(")");
            });
    }
    sql.finish(source.key_len() + source.identities.len() + columns.len())
}

/// The key's values as the first columns of the outermost SELECT.
fn write_key(sql: &mut Sql, source: &Source) {
    let dialect = sql.dialect;
    sql.joined(&source.key.parts, ", ", "", |sql, part| {
        sql.push(&part.of("t0", dialect));
    });
    if let Some(number) = &source.key.number {
        sql.push(if source.key.parts.is_empty() {
            ""
        } else {
            ", "
        })
        .push("t0.")
        .push(number);
    }
}

fn write_identities(sql: &mut Sql, source: &Source) {
    for identity in &source.identities {
        let beginning = sql
            .dialect
            .beginning(&format!("t0.{}", identity.column), MAX_IDENTITY);
        sql.push(", ").push(&beginning);
    }
}

/// ` FROM … AS t0` with the rows that the condition lets through. Where rows are numbered, the condition stands inside:
/// only the rows that it lets through are numbered.
fn write_from(sql: &mut Sql, source: &Source, condition: impl FnOnce(&mut Sql)) {
    let dialect = sql.dialect;
    if let Some(number) = &source.key.number {
        // Only what is selected further out: a secret is not even carried along inside the database.
        let identities = source.identities.iter().map(|i| i.column.as_str());
        let columns = unique(source.open.iter().map(String::as_str).chain(identities));
        sql.push(" FROM (SELECT ")
            .joined(columns, "", "", |sql, column| {
                sql.push("t0.").push(column).push(", ");
            });
        sql.push("row_number() OVER (");
        if !source.key.parts.is_empty() {
            sql.push("PARTITION BY ")
                .joined(&source.key.parts, ", ", "", |sql, part| {
                    sql.push(&part.of("t0", dialect));
                });
        }
        sql.push(") AS ")
            .push(number)
            .push(" FROM ")
            .push(&source.table)
            .push(" AS t0 WHERE ");
        condition(sql);
        sql.push(") AS t0");
    } else {
        sql.push(" FROM ").push(&source.table).push(" AS t0 WHERE ");
        condition(sql);
    }
}

fn write_filter(sql: &mut Sql, source: &Source, alias: &str) {
    for (column, value) in &source.filter {
        let text = sql.dialect.as_text(&format!("{alias}.{column}"));
        let exact = sql.dialect.exact(&text);
        sql.push(" AND ")
            .equals(&exact, &KeyValue::Text(value.clone()));
    }
}

/// The key's columns equal these values; a running number is not looked at.
fn write_key_is(sql: &mut Sql, source: &Source, alias: &str, key: &RowKey) {
    let dialect = sql.dialect;
    sql.push("(").joined(
        source.key.parts.iter().zip(&key.0),
        " AND ",
        "1 = 1",
        |sql, (part, value)| {
            let column = part.of(alias, dialect);
            let column = if matches!(value, KeyValue::Text(_)) {
                dialect.exact(&column)
            } else {
                column
            };
            sql.equals(&column, value);
        },
    );
    sql.push(")");
}

/// One way in which a row is the customer's own.
enum Way<'a> {
    /// It is a start row.
    Start(&'a Start),
    /// It holds these values of a start row.
    Values(&'a Step, Vec<KeyValue>),
    /// It stands at the end of a longer path.
    Path(&'a [Step]),
}

/// The ways along a path: none where it leaves from no start row.
fn ways<'a>(path: &'a [Step], starts: &'a [Start]) -> Vec<Way<'a>> {
    let Some(first) = path.first() else {
        return Vec::new();
    };
    let mut from = starts.iter().filter(|s| s.source == first.parent);
    if path.len() == 1 && !first.secret {
        from.filter_map(|start| known_values(first, start))
            .map(|values| Way::Values(first, values))
            .collect()
    } else {
        from.next().map(|_| Way::Path(path)).into_iter().collect()
    }
}

/// The rows of a source that are the customer's own. Ways that lead nowhere are not written: with a constant among the
/// alternatives the database would not use its indexes.
fn write_own(sql: &mut Sql, plan: &Plan, index: usize, source: &Source, starts: &[Start]) {
    let here = starts.iter().filter(|s| s.source == index).map(Way::Start);
    let along = source.paths.iter().flat_map(|path| ways(path, starts));
    sql.push("(");
    write_ways(sql, plan, here.chain(along), source, starts, 0);
    sql.push(")");
    write_filter(sql, source, "t0");
}

/// The rows of `source`, which stands `depth` levels deep, that one of the ways leads to.
fn write_ways<'a>(
    sql: &mut Sql,
    plan: &Plan,
    ways: impl Iterator<Item = Way<'a>>,
    source: &Source,
    starts: &[Start],
    depth: usize,
) {
    let alias = format!("t{depth}");
    sql.joined(ways, " OR ", "1 = 0", |sql, way| match way {
        Way::Start(start) => write_key_is(sql, source, &alias, &start.key),
        Way::Values(step, values) => write_equal_values(sql, step, &alias, &values),
        Way::Path(path) => write_path(sql, plan, path, starts, depth),
    });
}

/// The rows at the end of a path, nested from the last step to the first. Each level has its own alias, so that a column
/// which is gone is an error and never the column of that name one level further out.
fn write_path(sql: &mut Sql, plan: &Plan, path: &[Step], starts: &[Start], depth: usize) {
    let Some(step) = path.last() else { return };
    if step.on.len() > 1 && depth < DEPTH_WITH_HINTS {
        for pair in &step.on {
            write_in(sql, plan, path, starts, depth, std::slice::from_ref(pair));
            sql.push(" AND ");
        }
    }
    write_in(sql, plan, path, starts, depth, &step.on);
}

/// `SQLite` finds no index for several columns at once whose collation is said, so each column is asked for by itself as
/// well. Each such level repeats what lies behind it, so there are few.
const DEPTH_WITH_HINTS: usize = 3;

/// `(child's columns) IN (SELECT parent's columns …)`.
fn write_in(
    sql: &mut Sql,
    plan: &Plan,
    path: &[Step],
    starts: &[Start],
    depth: usize,
    on: &[Pair],
) {
    let Some((step, before)) = path.split_last() else {
        return;
    };
    let Some(parent) = plan.sources.get(step.parent) else {
        return;
    };
    let (dialect, outer, inner) = (sql.dialect, format!("t{depth}"), format!("t{}", depth + 1));
    sql.push("(").joined(on, ", ", "", |sql, pair| {
        sql.push(&child_column(dialect, pair, &outer));
    });
    sql.push(") IN (SELECT ").joined(on, ", ", "", |sql, pair| {
        let column = format!("{inner}.{}", pair.parent);
        sql.push(&if pair.as_text {
            dialect.as_text(&column)
        } else {
            column
        });
    });
    sql.push(" FROM ")
        .push(&parent.table)
        .push(" AS ")
        .push(&inner)
        .push(" WHERE (");
    let here = starts
        .iter()
        .filter(|s| before.is_empty() && s.source == step.parent)
        .map(Way::Start);
    write_ways(
        sql,
        plan,
        here.chain(ways(before, starts)),
        parent,
        starts,
        depth + 1,
    );
    sql.push(")");
    write_filter(sql, parent, &inner);
    sql.push(")");
}

/// The start row's values of the step's columns; `None` where one is null, which equals nothing.
fn known_values(step: &Step, start: &Start) -> Option<Vec<KeyValue>> {
    let value = |column: &str| {
        start
            .links
            .get(column)
            .filter(|v| **v != KeyValue::Null)
            .cloned()
    };
    step.on.iter().map(|pair| value(&pair.parent)).collect()
}

/// The child's column of a step, ready to be compared.
fn child_column(dialect: &dyn Dialect, pair: &Pair, alias: &str) -> String {
    let column = format!("{alias}.{}", pair.child);
    dialect.exact(&if pair.as_text {
        dialect.as_text(&column)
    } else {
        column
    })
}

/// The child's columns of a step equal these values of the parent.
fn write_equal_values(sql: &mut Sql, step: &Step, alias: &str, values: &[KeyValue]) {
    let dialect = sql.dialect;
    sql.push("(").joined(
        step.on.iter().zip(values),
        " AND ",
        "1 = 0",
        |sql, (pair, value)| {
            sql.push(&child_column(dialect, pair, alias))
                .push(" = ")
                .bind(bound(pair.as_text, value));
        },
    );
    sql.push(")");
}

/// A value as it is compared with a column.
fn bound(as_text: bool, value: &KeyValue) -> KeyValue {
    match value.comparable() {
        Some(text) if as_text => KeyValue::Text(text),
        _ => value.clone(),
    }
}

/// One page of a source, and for each row the values that lead to its shared rows.
async fn page(
    session: &mut dyn Session,
    plan: &Plan,
    index: usize,
    source: &Source,
    starts: &[Start],
    request: &ReadRequest,
) -> Result<(CollectionRows, Vec<HashMap<String, KeyValue>>), ConnectError> {
    let size = request.page.clamp(1, MAX_PAGE) as usize;
    let after = if request.only.is_some() {
        request.after.as_ref()
    } else {
        None
    };
    let columns = unique(
        source
            .shared
            .iter()
            .filter(|s| !s.secret)
            .flat_map(|s| s.on.iter().map(|p| p.parent.as_str())),
    );
    let order_len = order_terms(plan, source).len();
    let statement = page_rows(plan, index, source, starts, after, &columns, size + 1)?;
    let mut raw = session.rows(statement).await?;
    let more = raw.len() > size;
    raw.truncate(size);

    let mut next = None;
    let mut links = Vec::with_capacity(raw.len());
    let mut rows = Vec::with_capacity(raw.len());
    for mut row in raw {
        let mut rest = row.values.split_off(source.key_len());
        let link = rest.split_off(order_len);
        let key = RowKey(row.values);
        if more && rows.len() + 1 == size {
            next = Some(Cursor {
                order: rest,
                key: key.clone(),
            });
        }
        links.push(columns.iter().map(|c| (*c).to_owned()).zip(link).collect());
        rows.push(Row {
            key,
            cells: with_withheld(source, row.cells),
            context: Vec::new(),
        });
    }
    let count = if more || after.is_some() {
        counted(session, plan, index, source, starts, request.count_up_to).await?
    } else {
        let all = rows.len() as u64;
        if all > request.count_up_to {
            Count::MoreThan(request.count_up_to)
        } else {
            Count::Exactly(all)
        }
    };
    Ok((
        CollectionRows {
            name: source.name.clone(),
            columns: source.columns.clone(),
            rows,
            next,
            count,
        },
        links,
    ))
}

fn page_rows(
    plan: &Plan,
    index: usize,
    source: &Source,
    starts: &[Start],
    after: Option<&Cursor>,
    columns: &[&str],
    limit: usize,
) -> Result<Statement, ConnectError> {
    let dialect = &*plan.dialect;
    let mut sql = Sql::new(dialect);
    sql.push("SELECT ");
    write_key(&mut sql, source);
    let order = order_terms(plan, source);
    for term in &order {
        sql.push(", ").push(&term.expression);
    }
    for column in columns {
        sql.push(&format!(", t0.{column}"));
    }
    if !source.cells.is_empty() {
        sql.push(", ").push(&source.cells);
    }
    write_own_from(&mut sql, plan, index, source, starts);
    let terms: Vec<Term> = order
        .into_iter()
        .chain(key_terms(source, dialect))
        .collect();
    if let Some(after) = after {
        sql.push(if source.key.number.is_some() {
            " WHERE "
        } else {
            " AND "
        });
        write_after(&mut sql, &terms, after)?;
    }
    sql.push(" ORDER BY ")
        .joined(&terms, ", ", "1", |sql, term| {
            let newest = term.newest_first;
            sql.push(&if newest {
                dialect.descending(&term.expression)
            } else {
                dialect.ascending(&term.expression)
            });
        });
    sql.push(&format!(" LIMIT {limit}"));
    let values = terms.len() + columns.len();
    Ok(sql.finish(values))
}

/// Something that a page is sorted by.
struct Term {
    expression: String,
    nullable: bool,
    newest_first: bool,
}

/// What a page is sorted by before its key: what its parents are sorted by where it follows them, its own column otherwise.
fn order_terms(plan: &Plan, source: &Source) -> Vec<Term> {
    let dialect = &*plan.dialect;
    let term = |part: &Part, alias: &str, newest_first: bool| Term {
        expression: part.of(alias, dialect),
        nullable: part.nullable,
        newest_first,
    };
    let mut terms = Vec::new();
    for (parent, alias) in streamed_parents(plan, source) {
        let newest_first = parent.order.is_some();
        terms.extend(
            parent
                .order
                .iter()
                .chain(&parent.key.parts)
                .map(|part| term(part, &alias, newest_first)),
        );
    }
    terms.extend(source.order.iter().map(|part| term(part, "t0", true)));
    terms
}

/// The key, newest first where the collection is.
fn key_terms(source: &Source, dialect: &dyn Dialect) -> Vec<Term> {
    let newest_first = source.order.is_some();
    let part = |part: &Part| Term {
        expression: part.of("t0", dialect),
        nullable: part.nullable,
        newest_first,
    };
    let number = |number: &String| Term {
        expression: format!("t0.{number}"),
        nullable: false,
        newest_first,
    };
    source
        .key
        .parts
        .iter()
        .map(part)
        .chain(source.key.number.iter().map(number))
        .collect()
}

/// The sources between the start row and a streamed source, the nearest to the start first, each with its alias.
fn streamed_parents<'p>(plan: &'p Plan, source: &'p Source) -> Vec<(&'p Source, String)> {
    let steps = streamed_path(source);
    let between = steps.iter().enumerate().skip(1);
    between
        .filter_map(|(i, step)| {
            Some((
                plan.sources.get(step.parent)?,
                format!("t{}", steps.len() - i),
            ))
        })
        .collect()
}

/// The one path of a streamed source; nothing for any other.
fn streamed_path(source: &Source) -> &[Step] {
    source
        .paths
        .first()
        .filter(|_| source.streamed)
        .map_or(&[], Vec::as_slice)
}

/// ` FROM … WHERE …`: the rows that are the customer's own. A streamed source is joined to its parents, whose order it
/// follows; any other stands alone.
fn write_own_from(sql: &mut Sql, plan: &Plan, index: usize, source: &Source, starts: &[Start]) {
    let parents = streamed_parents(plan, source);
    let path = streamed_path(source);
    let (Some((first, first_alias)), [first_step, steps @ ..]) = (parents.first(), path) else {
        write_from(sql, source, |sql| {
            write_own(sql, plan, index, source, starts);
        });
        return;
    };
    let dialect = sql.dialect;
    sql.push(" FROM ")
        .push(&first.table)
        .push(" AS ")
        .push(first_alias);
    for (depth, step) in steps.iter().enumerate() {
        let Some(child) = plan.sources.get(step.child) else {
            return;
        };
        let (outer, inner) = (
            format!("t{}", steps.len() - depth),
            format!("t{}", steps.len() - depth - 1),
        );
        sql.push(" JOIN ")
            .push(&child.table)
            .push(" AS ")
            .push(&inner)
            .push(" ON ");
        sql.joined(&step.on, " AND ", "1 = 0", |sql, pair| {
            let parent = format!("{outer}.{}", pair.parent);
            sql.push(&child_column(dialect, pair, &inner))
                .push(" = ")
                .push(&parent);
        });
    }
    sql.push(" WHERE (");
    write_ways(
        sql,
        plan,
        ways(std::slice::from_ref(first_step), starts).into_iter(),
        first,
        starts,
        steps.len(),
    );
    sql.push(")");
    for (parent, alias) in &parents {
        write_filter(sql, parent, alias);
    }
    write_filter(sql, source, "t0");
}

/// The rows that come after the cursor in the page's sort order.
fn write_after(sql: &mut Sql, terms: &[Term], after: &Cursor) -> Result<(), ConnectError> {
    let values: Vec<&KeyValue> = after.order.iter().chain(&after.key.0).collect();
    if values.len() != terms.len() {
        return Err(ConnectError::NoSuchPage);
    }
    // Said by itself as well, the first term lets an index be entered in the middle.
    if let (Some(first), Some(value)) = (terms.first(), values.first())
        && **value != KeyValue::Null
        && !(first.newest_first && first.nullable)
    {
        sql.push(&first.expression)
            .push(if first.newest_first { " <= " } else { " >= " });
        sql.bind((*value).clone()).push(" AND ");
    }
    sql.push("(");
    for (index, (term, value)) in terms.iter().zip(&values).enumerate() {
        sql.push(if index == 0 { "(" } else { " OR (" });
        for (earlier, value) in terms.iter().zip(&values).take(index) {
            sql.equals(&earlier.expression, value).push(" AND ");
        }
        write_beyond(sql, term, value);
        sql.push(")");
    }
    sql.push(")");
    Ok(())
}

/// The term's values that come after this one in its own order: nulls first where it ascends, last where it descends.
fn write_beyond(sql: &mut Sql, term: &Term, value: &KeyValue) {
    let expression = &term.expression;
    match (term.newest_first, value) {
        (true, KeyValue::Null) => sql.push("1 = 0"),
        (false, KeyValue::Null) => sql.push(expression).push(" IS NOT NULL"),
        (true, value) if term.nullable => {
            sql.push("(")
                .push(expression)
                .push(" < ")
                .bind(value.clone());
            sql.push(" OR ").push(expression).push(" IS NULL)")
        }
        (true, value) => sql.push(expression).push(" < ").bind(value.clone()),
        (false, value) => sql.push(expression).push(" > ").bind(value.clone()),
    };
}

async fn counted(
    session: &mut dyn Session,
    plan: &Plan,
    index: usize,
    source: &Source,
    starts: &[Start],
    up_to: u64,
) -> Result<Count, ConnectError> {
    let mut sql = Sql::new(&*plan.dialect);
    sql.push("SELECT count(*) FROM (SELECT 1");
    write_own_from(&mut sql, plan, index, source, starts);
    sql.push(&format!(
        " LIMIT {}) AS counted",
        up_to.saturating_add(1).min(i64::MAX as u64)
    ));
    let rows = session.rows(sql.finish(1)).await?;
    let count = match rows.first().and_then(|r| r.values.first()) {
        Some(KeyValue::Int(count)) => u64::try_from(*count).unwrap_or(0),
        _ => return Err(ConnectError::Damaged),
    };
    Ok(if count > up_to {
        Count::MoreThan(up_to)
    } else {
        Count::Exactly(count)
    })
}

/// Puts the withheld cells back in their places.
fn with_withheld(source: &Source, read: Vec<Cell>) -> Vec<Cell> {
    let mut read = read.into_iter();
    let mut cells: Vec<Cell> = source
        .withheld
        .iter()
        .map(|withheld| {
            if *withheld {
                Cell::Withheld
            } else {
                read.next().unwrap_or(Cell::Unreadable)
            }
        })
        .collect();
    // A table of one row a fact may hold a fact called "password".
    if let Some((key, value)) = source.key_value
        && let Some(Cell::Text(name)) = cells.get(key)
        && looks_like_a_secret(name)
        && let Some(cell) = cells.get_mut(value)
    {
        *cell = Cell::Withheld;
    }
    cells
}

/// The shared rows of a reading: each once, whichever own rows point at it.
#[derive(Default)]
struct Shared {
    /// Source to entry in [`Reading::shared`].
    entries: HashMap<usize, usize>,
}

impl Shared {
    /// Reads the shared rows that a page points at, one statement a step, and ties them to the page's rows.
    async fn attach(
        &mut self,
        session: &mut dyn Session,
        plan: &Plan,
        source: &Source,
        page: &mut CollectionRows,
        links: &[HashMap<String, KeyValue>],
        reading: &mut Reading,
    ) -> Result<(), ConnectError> {
        for step in source.shared.iter().filter(|s| !s.secret) {
            let Some(child) = plan.sources.get(step.child) else {
                continue;
            };
            let wanted = Wanted::of(step, links);
            if wanted.tuples.is_empty() {
                continue;
            }
            let raw = match session
                .rows(shared_rows(plan, child, step, &wanted.tuples))
                .await
            {
                Ok(raw) => raw,
                Err(ConnectError::Changed) => {
                    note_failed(reading, child);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let shared = *self.entries.entry(step.child).or_insert_with(|| {
                reading.shared.push(SharedRows {
                    name: child.name.clone(),
                    columns: child.columns.clone(),
                    rows: Vec::new(),
                });
                reading.shared.len() - 1
            });
            let Some(entry) = reading.shared.get_mut(shared) else {
                continue;
            };
            for mut row in raw {
                let values = row.values.split_off(child.key_len());
                let key = RowKey(row.values);
                let index = entry
                    .rows
                    .iter()
                    .position(|r| r.key == key)
                    .unwrap_or_else(|| {
                        entry.rows.push(Row {
                            key,
                            cells: with_withheld(child, row.cells),
                            context: Vec::new(),
                        });
                        entry.rows.len() - 1
                    });
                for own in wanted.rows_of(&values) {
                    if let Some(own) = page.rows.get_mut(*own) {
                        own.context.push(Context {
                            shared,
                            row: index,
                            through: step.through.clone(),
                        });
                    }
                }
            }
        }
        Ok(())
    }
}

/// The values that a page's rows point with, each once, and which rows point with them.
struct Wanted {
    tuples: Vec<Vec<KeyValue>>,
    rows: HashMap<Vec<String>, Vec<usize>>,
}

impl Wanted {
    fn of(step: &Step, links: &[HashMap<String, KeyValue>]) -> Self {
        let mut wanted = Self {
            tuples: Vec::new(),
            rows: HashMap::new(),
        };
        for (row, link) in links.iter().enumerate() {
            let tuple: Option<Vec<KeyValue>> = step
                .on
                .iter()
                .map(|pair| link.get(&pair.parent).cloned())
                .collect();
            let Some(tuple) = tuple else { continue };
            let Some(key) = comparable_all(&tuple) else {
                continue;
            };
            let rows = wanted.rows.entry(key).or_default();
            if rows.is_empty() {
                wanted.tuples.push(tuple);
            }
            rows.push(row);
        }
        wanted
    }

    fn rows_of(&self, values: &[KeyValue]) -> &[usize] {
        comparable_all(values)
            .and_then(|key| self.rows.get(&key))
            .map_or(&[], Vec::as_slice)
    }
}

/// `None` where one is null: null points at nothing.
fn comparable_all(values: &[KeyValue]) -> Option<Vec<String>> {
    values.iter().map(KeyValue::comparable).collect()
}

fn shared_rows(plan: &Plan, child: &Source, step: &Step, wanted: &[Vec<KeyValue>]) -> Statement {
    let mut sql = Sql::new(&*plan.dialect);
    sql.push("SELECT ");
    write_key(&mut sql, child);
    for pair in &step.on {
        sql.push(", t0.").push(&pair.child);
    }
    if !child.cells.is_empty() {
        sql.push(", ").push(&child.cells);
    }
    write_from(&mut sql, child, |sql| {
        if let [pair] = step.on.as_slice() {
            let column = child_column(sql.dialect, pair, "t0");
            sql.push(&column).push(" IN (").joined(
                wanted.iter().flatten(),
                ", ",
                "",
                |sql, value| {
                    sql.bind(bound(pair.as_text, value));
                },
            );
            sql.push(")");
        } else {
            sql.push("(")
                .joined(wanted, " OR ", "1 = 0", |sql, values| {
                    write_equal_values(sql, step, "t0", values);
                });
            sql.push(")");
        }
        write_filter(sql, child, "t0");
    });
    sql.push(&format!(" LIMIT {MAX_SHARED}"));
    sql.finish(child.key_len() + step.on.len())
}
