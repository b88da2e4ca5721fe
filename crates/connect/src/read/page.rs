//! One page of a collection: the customer's own rows, sorted and cut after the cursor, and how many there are in all.

use std::collections::HashMap;

use super::{
    Session,
    clauses::{number_of, values_of, write_key},
    identity::Start,
    own::{streamed_parents, write_newest_parents, write_own_from},
    unique, with_closed,
};
use crate::{
    ConnectError, Plan,
    plan::{Name, Part, Source},
    reading::{CollectionRows, Count, Cursor, MAX_PAGE, ReadRequest, Row},
    sql::{Dialect, Expr, Sql, Statement},
    value::{KeyValue, RowKey},
};

/// One page of a source, and for each row the values that lead to its shared rows.
pub(super) async fn page(
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
            .flat_map(|s| s.on.iter().map(|p| &p.parent)),
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
        links.push(values_of(&columns, link));
        rows.push(Row {
            key,
            cells: with_closed(source, row.cells),
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
    columns: &[&Name],
    limit: usize,
) -> Result<Statement, ConnectError> {
    let dialect = &*plan.dialect;
    let mut sql = Sql::new(dialect);
    sql.push("SELECT ");
    write_key(&mut sql, source);
    let order = order_terms(plan, source);
    for term in &order {
        sql.push(", ").select(&term.expression);
    }
    for column in columns {
        sql.push(", ").select(&column.of("t0"));
    }
    if !source.cells.is_empty() {
        sql.push(", ").push(&source.cells);
    }
    let of_order = order.len();
    let terms: Vec<Term> = order
        .into_iter()
        .chain(key_terms(source, dialect))
        .collect();
    let after: Option<Vec<&KeyValue>> = after.map(|a| a.order.iter().chain(&a.key.0).collect());
    if after
        .as_ref()
        .is_some_and(|values| values.len() != terms.len())
    {
        return Err(ConnectError::NoSuchPage);
    }
    write_own_from(&mut sql, plan, index, source, starts, |sql| {
        write_newest_parents(sql, plan, source, starts, limit, |sql| {
            let (terms, _) = terms.split_at(of_order);
            if let Some((values, _)) = after.as_ref().map(|values| values.split_at(of_order)) {
                sql.push(" AND ");
                write_after(sql, terms, values, Edge::Included);
            }
            write_order(sql, terms);
        });
    });
    if let Some(values) = &after {
        sql.push(if source.key.number.is_some() {
            " WHERE "
        } else {
            " AND "
        });
        write_after(&mut sql, &terms, values, Edge::Excluded);
    }
    write_order(&mut sql, &terms);
    sql.push(&format!(" LIMIT {limit}"));
    let values = terms.len() + columns.len();
    Ok(sql.finish(values))
}

/// Something that a page is sorted by.
struct Term {
    expression: Expr,
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
        expression: number_of(number, "t0"),
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

fn write_order(sql: &mut Sql, terms: &[Term]) {
    let dialect = sql.dialect;
    sql.push(" ORDER BY ")
        .joined(terms, ", ", "1", |sql, term| {
            let expression = &term.expression.sql;
            sql.push(&if term.newest_first {
                dialect.descending(expression, term.nullable)
            } else {
                dialect.ascending(expression, term.nullable)
            });
        });
}

/// Whether rows that are equal to the cursor come after it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Edge {
    Included,
    Excluded,
}

/// The rows that come after the cursor's values in the sort order of the terms.
fn write_after(sql: &mut Sql, terms: &[Term], values: &[&KeyValue], edge: Edge) {
    // Said by itself as well, the first term lets an index be entered in the middle.
    if let (Some(first), Some(value)) = (terms.first(), values.first())
        && **value != KeyValue::Null
        && !(first.newest_first && first.nullable)
    {
        sql.push(&first.expression.sql)
            .push(if first.newest_first { " <= " } else { " >= " });
        sql.bind((*value).clone(), &first.expression.kind)
            .push(" AND ");
    }
    sql.push("(");
    for (index, (term, value)) in terms.iter().zip(values).enumerate() {
        sql.push(if index == 0 { "(" } else { " OR (" });
        for (earlier, value) in terms.iter().zip(values).take(index) {
            sql.equals(&earlier.expression, value).push(" AND ");
        }
        write_beyond(sql, term, value);
        sql.push(")");
    }
    if edge == Edge::Included {
        sql.push(" OR (")
            .joined(
                terms.iter().zip(values),
                " AND ",
                "1 = 1",
                |sql, (term, value)| {
                    sql.equals(&term.expression, value);
                },
            )
            .push(")");
    }
    sql.push(")");
}

/// The term's values that come after this one in its own order: nulls first where it ascends, last where it descends.
fn write_beyond(sql: &mut Sql, term: &Term, value: &KeyValue) {
    let Expr { sql: here, kind } = &term.expression;
    match (term.newest_first, value) {
        (true, KeyValue::Null) => sql.push("1 = 0"),
        (false, KeyValue::Null) => sql.push(here).push(" IS NOT NULL"),
        (true, value) if term.nullable => {
            sql.push("(").push(here).push(" < ");
            sql.bind(value.clone(), kind).push(" OR ").push(here);
            sql.push(" IS NULL)")
        }
        (true, value) => sql.push(here).push(" < ").bind(value.clone(), kind),
        (false, value) => sql.push(here).push(" > ").bind(value.clone(), kind),
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
    write_own_from(&mut sql, plan, index, source, starts, |_| {});
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
