//! How a reading goes, for every engine: prove the start rows, read a page of each collection that hangs on them, then
//! the shared rows that this page points at. The number of statements follows from the plan, never from the rows.
//!
//! - `identity`: whose rows a reading starts from, and the proof that they still hold the address.
//! - `own`: the condition that a row is the customer's own.
//! - `page`: one page of a collection, in order, and how many rows there are in all.
//! - `long`: values that a page did not bring whole, in full.
//! - `shared`: the rows that a page points at.
//! - `clauses`: what the statements of all of them are made of.

mod clauses;
mod identity;
mod long;
mod own;
mod page;
mod shared;

use std::{collections::HashSet, hash::Hash};

use async_trait::async_trait;

pub(crate) use self::{
    clauses::{write_equal_any, write_filter, write_from, write_key, write_key_is_any},
    identity::{Search, Start, find, prove},
    long::long_values,
    own::{write_is_own, write_own_from},
};
use self::{page::page, shared::Shared};
use crate::{
    ConnectError, Plan,
    plan::Source,
    reading::{ReadRequest, Reading},
    sql::Statement,
    value::{Cell, KeyValue},
};

/// A connection inside one read transaction. Dropped before its end, it stops what still runs, and its connection, whose
/// state nobody knows, is not used again.
#[async_trait]
pub(crate) trait Session: Send {
    /// Runs a statement. After an error the next one can be run.
    async fn rows(&mut self, statement: Statement) -> Result<Vec<RawRow>, ConnectError>;

    /// Ends the transaction and gives the connection back.
    async fn end(self) -> Result<(), ConnectError>
    where
        Self: Sized;
}

/// A row as the engine gave it.
#[derive(Debug)]
pub(crate) struct RawRow {
    pub values: Vec<KeyValue>,
    pub cells: Vec<Cell>,
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
            Err(error) if is_of_one_collection(error) => note_failed(&mut reading, source),
            Err(error) => return Err(error),
        }
    }
    Ok(reading)
}

/// Whether the error says nothing of the other collections: they are read all the same.
fn is_of_one_collection(error: ConnectError) -> bool {
    matches!(
        error,
        ConnectError::Changed
            | ConnectError::Refused
            | ConnectError::Failed
            // What a function raises that a view calls.
            | ConnectError::Bound
    )
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

fn unique<'a, T: Eq + Hash>(items: impl Iterator<Item = &'a T>) -> Vec<&'a T> {
    let mut seen = HashSet::new();
    items.filter(|item| seen.insert(*item)).collect()
}

/// Puts the cells that were not read in their places.
fn with_closed(source: &Source, read: Vec<Cell>) -> Vec<Cell> {
    let mut read = read.into_iter();
    let mut open = || read.next().unwrap_or(Cell::Unreadable);
    let cells = source.closed.iter();
    let mut cells: Vec<Cell> = cells
        .map(|closed| closed.clone().unwrap_or_else(&mut open))
        .collect();
    // A table of one row a fact may hold a fact called "password".
    if let Some(table) = &source.key_value {
        let is_open = table.opens(cells.get(table.key));
        if !is_open && let Some(cell) = cells.get_mut(table.value) {
            *cell = Cell::Withheld;
        }
    }
    cells
}
