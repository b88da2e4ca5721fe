//! What is the same for all engines: a call opens a session, does its work and ends it, within its time-out.

use std::time::Duration;

use async_trait::async_trait;
use fairhold_domain::{
    catalog::Dataset,
    contact_point::{ContactPoints, Kind},
    schema::LiveSchema,
};
use tokio::sync::mpsc;

use crate::{
    Collected, ConnectError, Connector, ErasedRows, Found, LongPiece, LongValue, Plan, ReadRequest,
    Reading, erase,
    read::{self, RawRow, Search, Session},
    sql::{Dialect, Statement},
    value::{Cell, KeyValue},
};

/// A database engine: what a new one has to bring along. It is a [`Connector`] then.
#[async_trait]
pub(crate) trait Engine: Send + Sync {
    /// A connection inside one read transaction.
    type Session: Session;

    /// How its SQL is written.
    fn dialect(&self) -> Box<dyn Dialect>;

    /// The longest that one call may take; then its statement is stopped.
    fn timeout(&self) -> Duration;

    /// Takes a connection and begins a transaction that can only read.
    async fn open(&self) -> Result<Self::Session, ConnectError>;

    /// Takes a connection that may write, and begins a transaction.
    async fn open_to_erase(&self) -> Result<Self::Session, ConnectError>;

    /// Has the database forget what was erased where it keeps more than the newest state, as far as it can be told to. What
    /// goes wrong here is noted, and no error: the erasure itself is done. With `by_row_id`, rows are known by numbers that the
    /// engine gave them, and must keep these.
    async fn scrub(&self, tables: &[&str], by_row_id: bool);

    /// What the database has.
    async fn look_around(session: &mut Self::Session) -> Result<LiveSchema, ConnectError>;
}

#[async_trait]
impl<E: Engine> Connector for E {
    async fn describe(&self) -> Result<LiveSchema, ConnectError> {
        within(self.timeout(), async {
            let mut session = self.open().await?;
            let schema = E::look_around(&mut session).await?;
            session.end().await.map(|()| schema)
        })
        .await
    }

    fn plan(&self, datasets: &[Dataset], schema: &LiveSchema) -> Plan {
        Plan::new(datasets, schema, self.dialect())
    }

    async fn find(
        &self,
        plan: &Plan,
        contacts: &ContactPoints,
    ) -> Result<Vec<Found>, ConnectError> {
        let whole = self.timeout() / 2;
        let mut found = search(self, plan, contacts, Search::Everywhere, whole).await;
        // Only a search that looks at every row knows that it missed none of theirs, so it comes first: links are made
        // once a day. Where a table is too large for it, what an index finds in a moment is better than nothing.
        for quick in [Search::AnyCase, Search::Exact] {
            if found != Err(ConnectError::TooSlow) {
                break;
            }
            tracing::warn!(
                ?quick,
                "a table is too large to look for a customer in every row: index its addresses"
            );
            found = in_a_hurry(self, plan, contacts, quick).await;
        }
        found
    }

    async fn read(&self, plan: &Plan, request: &ReadRequest) -> Result<Reading, ConnectError> {
        within(self.timeout(), async {
            let mut session = self.open().await?;
            let reading = read::read(&mut session, plan, request).await?;
            session.end().await.map(|()| reading)
        })
        .await
    }

    async fn collect(&self, plan: &Plan, request: &ReadRequest) -> Result<Collected, ConnectError> {
        within(self.timeout() * LONGER, async {
            let mut session = self.open().await?;
            let collected = erase::collect(&mut session, plan, request).await?;
            session.end().await.map(|()| collected)
        })
        .await
    }

    async fn erase(
        &self,
        plan: &Plan,
        request: &ReadRequest,
        collected: &Collected,
        again: bool,
        secret: &[u8],
    ) -> Result<Vec<ErasedRows>, ConnectError> {
        let done = within(self.timeout() * LONGER, async {
            let mut session = self.open_to_erase().await?;
            let done = erase::erase(&mut session, plan, request, collected, again, secret).await?;
            session.end().await.map(|()| done)
        })
        .await?;
        let tables = done.iter().filter_map(|rows| plan.source(&rows.name));
        let tables: Vec<&str> = tables.map(|(_, source)| source.table.as_str()).collect();
        let by_row_id = plan.sources.iter().any(|source| source.key.is_row_id);
        let scrubbed = self.scrub(&tables, by_row_id);
        let scrubbed = tokio::time::timeout(self.timeout() * LONGER, scrubbed).await;
        if scrubbed.is_err() {
            tracing::warn!("a system could not be cleaned up in time after an erasure");
        }
        Ok(done)
    }

    async fn long_values(
        &self,
        plan: &Plan,
        request: &ReadRequest,
        wanted: &[LongValue],
        pieces: mpsc::Sender<LongPiece>,
    ) -> Result<(), ConnectError> {
        let time = self.timeout();
        let mut session = within(time, self.open()).await?;
        read::long_values(&mut session, plan, request, wanted, (&pieces, time)).await?;
        within(time, session.end()).await
    }
}

/// An erasure may take so many times as long as a page: nobody waits before it.
pub(crate) const LONGER: u32 = 10;

/// What an index finds in a moment, each kind of contact point for itself: where addresses have an index and numbers have
/// none, addresses are found.
async fn in_a_hurry<E: Engine + ?Sized>(
    engine: &E,
    plan: &Plan,
    contacts: &ContactPoints,
    quick: Search,
) -> Result<Vec<Found>, ConnectError> {
    let mut all: Vec<Found> = Vec::new();
    for kind in [Kind::Email, Kind::Phone] {
        let time = engine.timeout() / 16;
        match search(engine, plan, &contacts.only(kind), quick, time).await {
            Ok(found) => {
                for new in found {
                    match all.iter_mut().find(|known| known.row == new.row) {
                        Some(known) => known.verified |= new.verified,
                        None => all.push(new),
                    }
                }
            }
            Err(ConnectError::TooSlow) => {}
            Err(error) => return Err(error),
        }
    }
    // Nobody, found in a hurry, is not nobody.
    Some(all)
        .filter(|found| !found.is_empty())
        .ok_or(ConnectError::TooSlow)
}

async fn search<E: Engine + ?Sized>(
    engine: &E,
    plan: &Plan,
    contacts: &ContactPoints,
    search: Search,
    time: Duration,
) -> Result<Vec<Found>, ConnectError> {
    within(time, async {
        let mut session = engine.open().await?;
        let found = read::find(&mut session, plan, contacts, search).await?;
        session.end().await.map(|()| found)
    })
    .await
}

/// No call outlasts its time: dropping its session stops the statement.
pub(crate) async fn within<T>(
    time: Duration,
    work: impl Future<Output = Result<T, ConnectError>> + Send,
) -> Result<T, ConnectError> {
    tokio::time::timeout(time, work)
        .await
        .unwrap_or(Err(ConnectError::TooSlow))
}

/// Runs a statement whose columns are all values.
pub(crate) async fn ask(
    session: &mut dyn Session,
    sql: &str,
    binds: &[KeyValue],
) -> Result<Vec<Vec<KeyValue>>, ConnectError> {
    let statement = Statement {
        sql: sql.to_owned(),
        binds: binds.to_vec(),
        values: usize::MAX,
    };
    let rows = session.rows(statement).await?;
    Ok(rows.into_iter().map(|row| row.values).collect())
}

/// Makes rows of what a driver gave: so many values, then cells.
pub(crate) fn raw_rows<R>(
    rows: &[R],
    values: usize,
    len: impl Fn(&R) -> usize,
    value: impl Fn(&R, usize) -> Result<KeyValue, ConnectError>,
    cell: impl Fn(&R, usize) -> Result<Cell, ConnectError>,
) -> Result<Vec<RawRow>, ConnectError> {
    let raw = |row: &R| {
        let values = values.min(len(row));
        Ok(RawRow {
            values: (0..values)
                .map(|i| value(row, i))
                .collect::<Result<_, _>>()?,
            cells: (values..len(row))
                .map(|i| cell(row, i))
                .collect::<Result<_, _>>()?,
        })
    };
    rows.iter().map(raw).collect()
}
