//! The second fact: which rows that hold an address which nobody checked are the customer's, by something that they know
//! besides.
//!
//! The same for every engine: each row is read as if it were theirs, in one transaction that proves that it still holds
//! the address, and what was read is compared here. Nothing of it leaves but which rows matched.

use fairhold_domain::{catalog::ColumnRef, contact_point::ContactPoints, second_fact::Answer};

use crate::{
    ConnectError, Connector, Plan,
    reading::{CollectionName, CollectionRows, IdentityRow, MAX_PAGE, ReadRequest},
    value::Cell,
};

/// The most rows that one answer is held against; further ones stay unproven.
pub const MAX_TESTED: usize = 20;

/// The most rows of a fact's collection, newest first, that may hold the fact.
pub const MAX_FACT_ROWS: usize = 1_000;

/// What is to be proven, and by what.
#[derive(Clone, Copy, Debug)]
pub struct SecondFact<'a> {
    /// What the customer proved, which the rows hold.
    pub contacts: &'a ContactPoints,
    /// The rows that may be the customer's ([`crate::Found::verified`] is `false`).
    pub rows: &'a [IdentityRow],
    /// The columns of which one must hold the answer: in the row itself, or in a row that hangs on it as the customer's own.
    pub facts: &'a [ColumnRef],
    /// What the customer typed.
    pub answer: &'a Answer,
}

/// The rows that still hold the address and on which a fact hangs that is the answer.
///
/// Withheld columns, and those with a secret's name, are never read, so they match nothing; nor does the address itself.
///
/// # Errors
/// When the system can't be read: then nothing is known of any row.
pub async fn second_fact(
    connector: &dyn Connector,
    plan: &Plan,
    wanted: &SecondFact<'_>,
) -> Result<Vec<IdentityRow>, ConnectError> {
    let mut proven = Vec::new();
    // Whoever typed the address there knows it too.
    if wanted.answer.is_one_of(wanted.contacts) {
        return Ok(proven);
    }
    // Were one unreadable fact an error, a wrong answer would be one and a right one none, however often somebody guessed.
    let (mut has_compared, mut failed) = (false, None);
    for row in wanted.rows.iter().take(MAX_TESTED) {
        for fact in wanted.facts {
            match hangs_on(connector, plan, wanted, row, fact).await {
                Ok(matches) => {
                    has_compared = true;
                    if matches {
                        proven.push(row.clone());
                        break;
                    }
                }
                Err(error) => failed = Some(error),
            }
        }
    }
    match failed {
        Some(error) if !has_compared => Err(error),
        _ => Ok(proven),
    }
}

/// Whether the answer is one of the fact's values among the rows that would be the customer's if this row were.
async fn hangs_on(
    connector: &dyn Connector,
    plan: &Plan,
    wanted: &SecondFact<'_>,
    row: &IdentityRow,
    fact: &ColumnRef,
) -> Result<bool, ConnectError> {
    let mut request = ReadRequest {
        contacts: wanted.contacts.clone(),
        start: Vec::new(),
        proven: vec![row.clone()],
        only: Some(CollectionName::new(&fact.dataset, &fact.collection)),
        after: None,
        page: MAX_PAGE,
        count_up_to: 0,
    };
    for _ in 0..MAX_FACT_ROWS / MAX_PAGE as usize {
        let reading = match connector.read(plan, &request).await {
            Ok(reading) => reading,
            // No rows of the customer's can be there.
            Err(ConnectError::NoSuchPage) => return Ok(false),
            Err(error) => return Err(error),
        };
        if !reading.failed.is_empty() {
            return Err(ConnectError::Changed);
        }
        if reading
            .collections
            .iter()
            .any(|page| holds(page, &fact.field, wanted.answer))
        {
            return Ok(true);
        }
        request.after = reading.collections.into_iter().find_map(|page| page.next);
        if request.after.is_none() {
            break;
        }
    }
    Ok(false)
}

/// Whether the answer stands in this column of one of the rows.
fn holds(page: &CollectionRows, column: &str, answer: &Answer) -> bool {
    let exact = page.columns.iter().position(|c| c.name == column);
    let column = exact.or_else(|| {
        let alike = |name: &str| name.eq_ignore_ascii_case(column);
        page.columns.iter().position(|c| alike(&c.name))
    });
    column.is_some_and(|at| {
        page.rows
            .iter()
            .any(|row| matches!(row.cells.get(at), Some(Cell::Text(held)) if answer.matches(held)))
    })
}
