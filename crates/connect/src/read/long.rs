//! Values that a page did not bring whole, in full: piece by piece, so that none is ever in memory whole.

use std::{slice, time::Duration};

use tokio::sync::mpsc;

use super::{
    Session,
    clauses::{number_of, write_equal_any, write_filter, write_from, write_key_is},
    identity::{Start, prove},
    is_of_one_collection,
    own::write_own_from,
};
use crate::{
    ConnectError, Plan,
    engine::within,
    plan::{KeyValueTable, Source, Step},
    reading::{Bytes, LongPiece, LongValue, MAX_WHOLE_BYTES, NotWhole, PIECE, ReadRequest},
    sql::{Expr, Kind, Sql, Statement},
    value::{Cell, KeyValue, RowKey},
};

/// Reads the values one after the other. Nobody takes the pieces any more: it ends.
pub(crate) async fn long_values(
    session: &mut dyn Session,
    plan: &Plan,
    request: &ReadRequest,
    wanted: &[LongValue],
    (pieces, time): (&mpsc::Sender<LongPiece>, Duration),
) -> Result<(), ConnectError> {
    let mut not_theirs = Vec::new();
    let starts = within(time, prove(session, plan, request, &mut not_theirs)).await?;
    for value in wanted {
        let mut reading = One {
            session: &mut *session,
            plan,
            starts: &starts,
            value,
            pieces,
            time,
        };
        let end = match reading.read().await {
            Ok(end) => end,
            Err(error) if is_of_one_collection(error) => Err(NotWhole::Changed),
            Err(error) => return Err(error),
        };
        if pieces.send(LongPiece::End(end)).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// The reading of one value.
struct One<'a> {
    session: &'a mut dyn Session,
    plan: &'a Plan,
    starts: &'a [Start],
    value: &'a LongValue,
    pieces: &'a mpsc::Sender<LongPiece>,
    time: Duration,
}

/// How a value's row is tied to the customer.
enum Tied<'a> {
    Own,
    /// An own row points at it along this step, with these values.
    Shared(&'a Step, Vec<KeyValue>),
}

impl<'a> One<'a> {
    async fn read(&mut self) -> Result<Result<(), NotWhole>, ConnectError> {
        let (length, start) = match &self.value.noted {
            Cell::TooLong { bytes, start } => (*bytes, Some(start)),
            Cell::Binary { bytes } => (*bytes, None),
            Cell::Empty | Cell::Text(_) | Cell::Unreadable | Cell::Withheld => {
                return Ok(Err(NotWhole::Changed));
            }
        };
        if length > MAX_WHOLE_BYTES {
            return Ok(Err(NotWhole::TooLarge));
        }
        for tied in self.ways().await? {
            let mut pieces = 0;
            let mut rest = Vec::new();
            let end = loop {
                let Some(piece) = self.piece(&tied, pieces, length).await? else {
                    break None;
                };
                if pieces == 0 && start.is_some_and(|s| !piece.starts_with(s.as_bytes())) {
                    break Some(Err(NotWhole::Changed));
                }
                pieces += 1;
                // Whoever gets fewer bytes than there may be characters has the last piece.
                let is_last = (piece.len() as u64) < PIECE;
                rest.extend(piece);
                let whole = match start {
                    Some(_) => whole_letters(&rest),
                    None => Some(rest.len()),
                };
                let Some(whole) = whole.filter(|whole| !is_last || *whole == rest.len()) else {
                    break Some(Err(NotWhole::Unreadable));
                };
                let behind = rest.split_off(whole);
                let bytes = Bytes(std::mem::replace(&mut rest, behind));
                // Who asked has gone: what comes of the end is noticed there.
                let is_taken = self.pieces.send(LongPiece::Bytes(bytes)).await.is_ok();
                if is_last || !is_taken {
                    break Some(Ok(()));
                }
            };
            match end {
                Some(end) => return Ok(end),
                // It went while it was read.
                None if pieces > 0 => break,
                None => {}
            }
        }
        Ok(Err(NotWhole::Changed))
    }

    /// In which ways the row may be tied to the customer.
    async fn ways(&mut self) -> Result<Vec<Tied<'a>>, ConnectError> {
        let plan: &'a Plan = self.plan;
        let Some((own, key)) = &self.value.through else {
            return Ok(vec![Tied::Own]);
        };
        let (Some((child, _)), Some((index, source))) =
            (plan.source(&self.value.place), plan.source(own))
        else {
            return Ok(Vec::new());
        };
        let mut ways = Vec::new();
        let steps = source.shared.iter();
        for step in steps.filter(|step| step.child == child && !step.secret) {
            let mut sql = Sql::new(&*plan.dialect);
            sql.push("SELECT ")
                .joined(&step.on, ", ", "1", |sql, pair| {
                    sql.select(&pair.parent.of("t0"));
                });
            write_own_row(&mut sql, plan, (index, source), self.starts, key);
            let rows = self.session.rows(sql.finish(step.on.len()));
            let rows = within(self.time, rows).await?;
            let values = rows.into_iter().map(|row| row.values);
            ways.extend(
                values
                    .filter(|values| !values.contains(&KeyValue::Null))
                    .map(|values| Tied::Shared(step, values)),
            );
        }
        Ok(ways)
    }

    /// The n-th piece; `None`: there is no such value, or it has another length.
    async fn piece(
        &mut self,
        tied: &Tied<'_>,
        number: u64,
        length: u64,
    ) -> Result<Option<Vec<u8>>, ConnectError> {
        let Some((statement, names)) = self.statement(tied, number * PIECE + 1) else {
            return Ok(None);
        };
        let rows = within(self.time, self.session.rows(statement)).await?;
        let Some(row) = rows.into_iter().next() else {
            return Ok(None);
        };
        // A table of one row a fact may hold a fact called "password".
        if let Some(names) = names
            && !names.opens(row.cells.first())
        {
            return Ok(None);
        }
        let mut values = row.values.into_iter();
        let noted = values.next().and_then(KeyValue::into_text);
        let is_same = noted.and_then(|noted| noted.parse().ok()) == Some(length);
        Ok(match values.next().filter(|_| is_same) {
            Some(KeyValue::Text(text)) => Some(text.into_bytes()),
            Some(KeyValue::Blob(bytes)) => Some(bytes),
            _ => None,
        })
    }

    fn statement(
        &self,
        tied: &Tied<'_>,
        from: u64,
    ) -> Option<(Statement, Option<&'a KeyValueTable>)> {
        let (plan, value) = (self.plan, self.value);
        let (index, source) = plan.source(&value.place)?;
        let column = column(plan, source, value.column)?;
        let names = source.key_value.as_ref();
        let names = names.filter(|table| table.value == value.column);
        let dialect = &*plan.dialect;
        let mut sql = Sql::new(dialect);
        sql.push("SELECT ")
            .push(&dialect.noted_length(&column))
            .push(", ")
            .push(&dialect.piece(&column, from, PIECE));
        if let Some(table) = names {
            let name = self::column(plan, source, table.key)?;
            sql.push(", ").push(&dialect.cell(&name));
        }
        match tied {
            Tied::Own => {
                write_own_row(&mut sql, plan, (index, source), self.starts, &value.key);
            }
            // Which number such a row has depends on how many rows are looked at.
            Tied::Shared(..) if source.key.number.is_some() => return None,
            Tied::Shared(step, values) => write_from(&mut sql, source, |sql| {
                write_equal_any(sql, step, "t0", slice::from_ref(values));
                write_filter(sql, source, "t0");
                sql.push(" AND ");
                write_key_is(sql, source, "t0", &value.key);
            }),
        }
        sql.push(" LIMIT 1");
        Some((sql.finish(2), names))
    }
}

/// ` FROM … WHERE …`: the customer's own row of that key.
fn write_own_row(
    sql: &mut Sql,
    plan: &Plan,
    (index, source): (usize, &Source),
    starts: &[Start],
    key: &RowKey,
) {
    write_own_from(sql, plan, index, source, starts, |_| {});
    if let (Some(name), Some(number)) = (&source.key.number, key.0.last()) {
        sql.push(" WHERE ")
            .equals(&number_of(name, "t0"), number)
            .push(" AND ");
    } else {
        sql.push(" AND ");
    }
    write_key_is(sql, source, "t0", key);
}

/// A column that may be read.
fn column(plan: &Plan, source: &Source, at: usize) -> Option<Expr> {
    let is_open = source.closed.get(at)?.is_none();
    let column = source.columns.get(at).filter(|_| is_open)?;
    let quoted = plan.dialect.quote(&column.name);
    Some(Expr::new(
        format!("t0.{quoted}"),
        Kind::new(&column.sql_type, false),
    ))
}

/// How many bytes from the beginning are whole letters; `None`: some can't be any.
fn whole_letters(bytes: &[u8]) -> Option<usize> {
    match std::str::from_utf8(bytes) {
        Ok(_) => Some(bytes.len()),
        Err(error) if error.error_len().is_none() => Some(error.valid_up_to()),
        Err(_) => None,
    }
}
