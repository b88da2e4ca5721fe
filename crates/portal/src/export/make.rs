//! Makes an archive: reads all that is held, page by page, and hands each page to the thread that writes.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use fairhold_connect::{
    Cell, CollectionName, ConnectError, Count, Cursor, LongPiece, LongValue, NotWhole, Reading,
    Row, RowKey,
};
use fairhold_domain::catalog::OWN_CONNECTION;
use fairhold_domain::export::{LeftOut, Wanted, WhyNot};
use fairhold_domain::facts::{self, Shown, SystemState};
use fairhold_domain::ids::CustomerId;
use fairhold_store::exports::{self, Finished};
use fairhold_store::grants;
use tokio::sync::mpsc;

use super::sheet::{LongAt, Of};
use super::vault::Sealer;
use super::writer::{Order, OwnRow, Piece, Table, wants, write};
use crate::company::Current;
use crate::error::{Error, Result};
use crate::my_data::{Answer, AskedFor, Gathered, Scope};
use crate::rows::Uncover;
use crate::{Customer, Portal, own_values};

/// Rows of each collection that the first reading of a system brings: all there are, for most customers.
const FIRST_ROWS: u32 = 50;
/// Rows of a further page: at most, and while nobody knows how large they are.
const ROWS: u32 = 500;
/// Bytes that a page should have, about: rows that are long come in pages that are short.
const BYTES_A_PAGE: usize = 2 * 1024 * 1024;
/// Counting stops here.
const COUNT_UP_TO: u64 = 1_000_000;
/// How often the page that the customer looks at learns how far it is.
const TELL_EVERY: Duration = Duration::from_millis(300);
/// Pages that wait for the writer.
const WAITING: usize = 1;
/// How long a system that did not answer is left alone before it is asked once more.
const SECOND_TRY: Duration = Duration::from_millis(250);

/// Why no archive was made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MakeError {
    /// It counts no more: it was called off, or another try began.
    #[error("it was called off")]
    CalledOff,
    /// What the portal holds could not be read.
    #[error("{0}")]
    Portal(#[from] Error),
    /// It could not be written.
    #[error("the folder of exports can't be written: {0}")]
    Disk(#[from] std::io::Error),
}

impl From<fairhold_store::StoreError> for MakeError {
    fn from(e: fairhold_store::StoreError) -> Self {
        Self::Portal(e.into())
    }
}

/// A try to make an archive.
pub(super) struct Try<'a> {
    pub customer: &'a Customer,
    pub export_id: &'a str,
    pub file: &'a str,
    pub wanted: &'a Wanted,
}

/// What was made, and for whom.
pub(super) struct Made {
    pub finished: Finished,
    /// The address that the customer logs in with.
    pub address: String,
}

/// Tells how far it is, and learns when it is called off.
struct Progress {
    customer: CustomerId,
    export_id: String,
    file: String,
    done: u64,
    expected: u64,
    told: Option<Instant>,
}

impl Portal {
    /// Makes the archive of a try. It is in the folder when this answers, and nothing is when it fails.
    pub(super) async fn make(&self, this: &Try<'_>) -> Result<Made, MakeError> {
        let current = self.company().current();
        let (pieces, received) = mpsc::channel(WAITING);
        let order = Order {
            portal: self.clone(),
            current,
            sealer: self.sealer(this.customer),
            folder: self.settings().exports.clone(),
            file: this.file.to_owned(),
            wanted: this.wanted.clone(),
            now: self.now(),
        };
        let writing = tokio::task::spawn_blocking(move || write(order, received));
        // When the writer fails nobody takes pieces any more: its error says why.
        let read = self.read_all(this, pieces).await;
        let written = writing
            .await
            .map_err(|_| std::io::Error::other("the writer panicked"))?;
        match (read, written) {
            (_, Err(error)) => Err(error.into()),
            (Err(error), _) => Err(error),
            (Ok(address), Ok(Some(finished))) => Ok(Made { finished, address }),
            (Ok(_), Ok(None)) => Err(MakeError::CalledOff),
        }
    }

    pub(super) fn sealer(&self, customer: &Customer) -> Sealer {
        Sealer {
            key: customer.key.clone(),
            random: self.inner.world.random.clone(),
        }
    }

    async fn read_all(
        &self,
        this: &Try<'_>,
        pieces: mpsc::Sender<Piece>,
    ) -> Result<String, MakeError> {
        let dataset = match this.wanted {
            Wanted::Dataset(key) => Some(key.clone()),
            Wanted::Everything | Wanted::Group(_) => None,
        };
        let scope = Scope {
            only: None,
            dataset,
            after: None,
            page: FIRST_ROWS,
            count_up_to: COUNT_UP_TO,
            all_pages: false,
        };
        let mut gathered = self.gather(this.customer, &scope).await?;
        // What was learnt of links is kept; the look is written when somebody takes the archive.
        self.record(this.customer, &gathered, Vec::new()).await?;
        let answers = std::mem::take(&mut gathered.answers);
        let current = gathered.current.clone();
        let mut progress = Progress {
            customer: this.customer.id,
            export_id: this.export_id.to_owned(),
            file: this.file.to_owned(),
            done: 0,
            expected: expected(&current, this.wanted, &answers),
            told: None,
        };
        self.tell_progress(&mut progress).await?;
        for answer in answers {
            self.read_system(&current, this.wanted, answer, &pieces, &mut progress)
                .await?;
        }
        let own = self.own_rows(&gathered, this.wanted);
        progress.done += own.rows.len() as u64;
        for left_out in own.left_out {
            send(&pieces, Piece::LeftOut(left_out)).await?;
        }
        send(&pieces, Piece::Own(own.rows)).await?;
        if *this.wanted == Wanted::Everything {
            self.read_receipts(this.customer, &current, &pieces).await?;
            self.read_looks(this.customer, &pieces).await?;
            self.read_points(this.customer, &pieces).await?;
        }
        self.tell_progress(&mut progress).await?;
        send(&pieces, Piece::End).await?;
        Ok(gathered.address.as_str().to_owned())
    }

    /// Tells how far it is.
    async fn tell_progress(&self, progress: &mut Progress) -> Result<(), MakeError> {
        progress.told = Some(Instant::now());
        let (customer, id) = (progress.customer, progress.export_id.clone());
        let (file, rows) = (progress.file.clone(), (progress.done, progress.expected));
        let counts = self.inner.db.write(move |tx| {
            Box::pin(async move { exports::progress(tx, customer, &id, &file, rows).await })
        });
        if counts.await? {
            Ok(())
        } else {
            Err(MakeError::CalledOff)
        }
    }

    async fn read_system(
        &self,
        current: &Current,
        wanted: &Wanted,
        answer: Answer,
        pieces: &mpsc::Sender<Piece>,
        progress: &mut Progress,
    ) -> Result<(), MakeError> {
        for left_out in left_out(current, wanted, &answer) {
            send(pieces, Piece::LeftOut(left_out)).await?;
        }
        let (Some(reading), Some(asked)) = (answer.reading, answer.asked) else {
            return Ok(());
        };
        let is_wanted =
            |name: &CollectionName| of(current, name).is_some_and(|of| wants(wanted, of));
        let further: Vec<(CollectionName, Cursor)> = reading
            .collections
            .iter()
            .filter(|rows| is_wanted(&rows.name))
            .filter_map(|rows| Some((rows.name.clone(), rows.next.clone()?)))
            .collect();
        progress.done += rows_of(&reading, is_wanted);
        for name in reading.failed.clone() {
            send(pieces, Piece::Broken(name, WhyNot::Changed)).await?;
        }
        let mut known = HashSet::new();
        let long = long_values(&reading, is_wanted, &mut known);
        self.read_long(&asked, long, pieces, progress).await?;
        send(pieces, Piece::Page(Box::new(reading))).await?;
        let mut down = None;
        for (name, cursor) in further {
            // It is not asked again and again for each of its lists.
            let broken = if down.is_some() {
                down
            } else {
                let from = (name.clone(), cursor);
                self.read_on(&asked, from, pieces, (progress, &mut known))
                    .await?
            };
            if let Some(why) = broken {
                down = Some(why).filter(|why| matches!(why, WhyNot::Down | WhyNot::Slow));
                send(pieces, Piece::Broken(name, why)).await?;
            }
        }
        Ok(())
    }

    /// Reads a collection on to its end; answers why that did not work.
    async fn read_on(
        &self,
        asked: &AskedFor,
        (name, cursor): (CollectionName, Cursor),
        pieces: &mpsc::Sender<Piece>,
        (progress, known): (&mut Progress, &mut HashSet<(CollectionName, RowKey)>),
    ) -> Result<Option<WhyNot>, MakeError> {
        let mut next = Some(cursor);
        let mut size = ROWS / 2;
        while let Some(after) = next {
            let page = match self.further_page(asked, &name, &after, size).await {
                Ok(page) if page.not_theirs.is_empty() && page.failed.is_empty() => page,
                // The rows changed hands, or the table its form.
                Ok(_) => return Ok(Some(WhyNot::Changed)),
                Err(error) => {
                    tracing::warn!(dataset = name.dataset, %error, "a connected system could not be read to its end");
                    return Ok(Some(why_of(error)));
                }
            };
            let rows = page.collections.iter().find(|rows| rows.name == name);
            next = rows.and_then(|rows| rows.next.clone());
            size = next_size(&page, size);
            progress.done += rows.map_or(0, |rows| rows.rows.len() as u64);
            progress.expected = progress.expected.max(progress.done);
            let long = long_values(&page, |_| true, known);
            self.read_long(asked, long, pieces, progress).await?;
            send(pieces, Piece::Page(Box::new(page))).await?;
            self.tell_in_time(progress).await?;
        }
        Ok(None)
    }

    /// Reads the values that a page did not bring whole, before the page is written. What can't be had is named there.
    async fn read_long(
        &self,
        asked: &AskedFor,
        wanted: Vec<(bool, LongValue)>,
        pieces: &mpsc::Sender<Piece>,
        progress: &mut Progress,
    ) -> Result<(), MakeError> {
        if wanted.is_empty() {
            return Ok(());
        }
        let (shared, wanted): (Vec<bool>, Vec<LongValue>) = wanted.into_iter().unzip();
        let mut places = shared
            .into_iter()
            .zip(wanted.iter().cloned())
            .map(LongAt::from);
        let (sender, received) = mpsc::channel(WAITING);
        let hand_on = async {
            // Dropped at the end, lest the reading wait for somebody who takes its pieces.
            let mut received = received;
            while let Some(piece) = received.recv().await {
                match (piece, &mut places) {
                    (LongPiece::Bytes(bytes), _) => send(pieces, Piece::LongBytes(bytes.0)).await?,
                    (LongPiece::End(end), places) => {
                        if let Some(at) = places.next() {
                            send(pieces, Piece::LongEnd(at, end.map_err(why_not_whole))).await?;
                        }
                    }
                }
                self.tell_in_time(progress).await?;
            }
            Ok::<(), MakeError>(())
        };
        let (read, handed_on) = tokio::join!(asked.long_values(&wanted, sender), hand_on);
        handed_on?;
        let why = match read {
            Ok(()) => WhyNot::Changed,
            Err(error) => {
                tracing::warn!(%error, "long values of a connected system could not be read");
                why_of(error)
            }
        };
        for at in places {
            send(pieces, Piece::LongEnd(at, Err(why))).await?;
        }
        Ok(())
    }

    async fn tell_in_time(&self, progress: &mut Progress) -> Result<(), MakeError> {
        let is_due = |told: Instant| told.elapsed() >= TELL_EVERY;
        if progress.told.is_none_or(is_due) {
            self.tell_progress(progress).await?;
        }
        Ok(())
    }

    /// One page, within the time that a system has; once more where it did not answer.
    async fn further_page(
        &self,
        asked: &AskedFor,
        name: &CollectionName,
        after: &Cursor,
        size: u32,
    ) -> Result<Reading, ConnectError> {
        let timeout = self.settings().system_timeout;
        let read = async |size| {
            tokio::time::timeout(timeout, asked.further(name, after.clone(), size))
                .await
                .unwrap_or(Err(ConnectError::TooSlow))
        };
        match read(size).await {
            Err(ConnectError::TooSlow | ConnectError::Down) => {
                tokio::time::sleep(SECOND_TRY).await;
                read((size / 4).max(1)).await
            }
            page => page,
        }
    }

    fn own_rows(&self, gathered: &Gathered, wanted: &Wanted) -> Own {
        let mut own = Own::default();
        let current = &gathered.current;
        let held = own_values::account_values(&gathered.account);
        let values = || gathered.record.values.iter().chain(&held);
        for dataset in &current.catalog.datasets {
            if dataset.connection.as_deref() != Some(OWN_CONNECTION)
                || !wanted.has_dataset(&dataset.key)
            {
                continue;
            }
            let mut uncover = Uncover::everything(&self.inner.keys.portal().pages);
            let (record, account) = (&gathered.record, &gathered.account);
            for mut part in own_values::parts(current, dataset, record, account, &mut uncover) {
                let mut row = Vec::new();
                for entry in &mut part.entries {
                    entry.facts.retain(|fact| wanted.has_group(fact.group));
                    for fact in &entry.facts {
                        if let Shown::Withheld(reason) = &fact.value {
                            own.left_out.push(LeftOut {
                                dataset: dataset.key.clone(),
                                system: dataset.name.clone(),
                                collection: Some(part.collection.clone()),
                                field: Some(fact.path.field.clone()),
                                label: fact.label.clone(),
                                why: WhyNot::Withheld,
                                reason: reason.clone(),
                            });
                            continue;
                        }
                        let field = &fact.path.field;
                        let full = format!("{}.{field}", part.collection);
                        let value = values().find(|(key, _)| **key == full || *key == field);
                        row.extend(value.map(|(_, value)| (field.clone(), value.value.clone())));
                    }
                }
                if part.entries.iter().any(|entry| !entry.facts.is_empty()) {
                    own.rows.push(OwnRow { part, values: row });
                }
            }
        }
        own
    }

    async fn read_receipts(
        &self,
        customer: &Customer,
        current: &Current,
        pieces: &mpsc::Sender<Piece>,
    ) -> Result<(), MakeError> {
        const RECORDS: i64 = 200;
        let mut before = i64::MAX;
        loop {
            let mut tx = self.inner.db.read().await?;
            let records = grants::records(&mut tx, customer.id, before, RECORDS).await?;
            drop(tx);
            let Some(last) = records.last() else {
                return Ok(());
            };
            before = last.seq;
            for record in &records {
                let text = format!("{:#}\n", self.receipt_of(customer, current, record));
                send(pieces, Piece::Receipt(record.seq, text)).await?;
            }
        }
    }

    async fn read_points(
        &self,
        customer: &Customer,
        pieces: &mpsc::Sender<Piece>,
    ) -> Result<(), MakeError> {
        let (lines, taken) = self.points_to_keep(customer).await?;
        let points = lines.into_iter().map(|(programme, line)| {
            vec![programme, line.at, line.points.to_string(), line.sentence]
        });
        let rewards = taken.into_iter().map(|taken| {
            let code = taken.code.unwrap_or_default();
            vec![taken.name, taken.at, taken.costs.to_string(), code]
        });
        for table in [
            Table {
                path: "points.csv",
                label: "Your points, and what for",
                head: "programme,when,points,what for",
                rows: points.collect(),
            },
            Table {
                path: "rewards.csv",
                label: "Rewards that you took",
                head: "reward,when,points,code",
                rows: rewards.collect(),
            },
        ] {
            if !table.rows.is_empty() {
                send(pieces, Piece::Table(table)).await?;
            }
        }
        Ok(())
    }

    async fn read_looks(
        &self,
        customer: &Customer,
        pieces: &mpsc::Sender<Piece>,
    ) -> Result<(), MakeError> {
        let mut before = None;
        loop {
            let page = self.who_looked(customer, before).await?;
            send(pieces, Piece::Looks(page.looks)).await?;
            before = page.next;
            if before.is_none() {
                return Ok(());
            }
        }
    }
}

/// What the portal itself holds.
#[derive(Default)]
struct Own {
    rows: Vec<OwnRow>,
    left_out: Vec<LeftOut>,
}

/// Hands a piece over. When nobody takes it, the writer has failed and says why.
async fn send(pieces: &mpsc::Sender<Piece>, piece: Piece) -> Result<(), MakeError> {
    pieces.send(piece).await.map_err(|_| MakeError::CalledOff)
}

fn of<'a>(current: &'a Current, name: &CollectionName) -> Option<Of<'a>> {
    let dataset = current.catalog.dataset(&name.dataset)?;
    let collection = dataset.collection(&name.collection)?;
    Some(Of {
        dataset,
        collection,
    })
}

/// Own rows that a reading brought of what is wanted.
fn rows_of(reading: &Reading, is_wanted: impl Fn(&CollectionName) -> bool) -> u64 {
    let wanted = reading
        .collections
        .iter()
        .filter(|rows| is_wanted(&rows.name));
    wanted.map(|rows| rows.rows.len() as u64).sum()
}

/// How many rows there will be.
fn expected(current: &Current, wanted: &Wanted, answers: &[Answer]) -> u64 {
    let readings = answers.iter().filter_map(|answer| answer.reading.as_ref());
    let rows = readings.flat_map(|reading| &reading.collections);
    let wanted = rows.filter(|rows| of(current, &rows.name).is_some_and(|of| wants(wanted, of)));
    let counts = wanted.map(|rows| match rows.count {
        Count::Exactly(count) | Count::MoreThan(count) => count,
    });
    counts.sum()
}

/// How many rows the next page should have, by how large those of this one were.
fn next_size(page: &Reading, size: u32) -> u32 {
    let cells = |rows: &[fairhold_connect::Row]| -> usize {
        let cells = rows.iter().flat_map(|row| &row.cells);
        cells
            .map(|cell| match cell {
                fairhold_connect::Cell::Text(text) => text.len() + 24,
                _ => 24,
            })
            .sum()
    };
    let own = page.collections.iter().map(|rows| cells(&rows.rows));
    let shared = page.shared.iter().map(|rows| cells(&rows.rows));
    let bytes = own.chain(shared).sum::<usize>().max(1);
    let rows = page.collections.iter().map(|rows| rows.rows.len());
    let fits = BYTES_A_PAGE * rows.sum::<usize>().max(1) / bytes;
    // No more than four times as many: a few short rows say little of those that follow.
    let most = size.saturating_mul(4).min(ROWS);
    u32::try_from(fits).unwrap_or(ROWS).clamp(1, most)
}

/// What of a system is not included.
fn left_out(current: &Current, wanted: &Wanted, answer: &Answer) -> Vec<LeftOut> {
    let mut all = Vec::new();
    for state in &answer.states {
        let why = match state.state {
            SystemState::Shown | SystemState::KnowsNobody => continue,
            SystemState::NeedsSecondFact | SystemState::NeverChecked => WhyNot::NotProven,
            SystemState::Down => WhyNot::Down,
            SystemState::Slow => WhyNot::Slow,
            SystemState::Changed => WhyNot::Changed,
            SystemState::NotConnected => WhyNot::NotConnected,
        };
        if wanted.has_dataset(&state.key) {
            all.push(LeftOut {
                dataset: state.key.clone(),
                system: state.name.clone(),
                collection: None,
                field: None,
                label: state.name.clone(),
                why,
                reason: facts::capitalised(&why.words(&facts::in_sentence(&state.name))),
            });
        }
    }
    // A table that nobody described can't be tied to a heading.
    if let (Some(state), false) = (answer.states.first(), matches!(wanted, Wanted::Group(_))) {
        let system = current.catalog.dataset(&state.key);
        let system = system.map_or_else(|| state.name.clone(), |dataset| dataset.name.clone());
        all.extend(answer.unknown_tables.iter().map(|table| LeftOut {
            dataset: state.key.clone(),
            system: system.clone(),
            collection: Some(table.clone()),
            field: None,
            label: format!("“{table}”"),
            why: WhyNot::Undescribed,
            reason: WhyNot::Undescribed.words(""),
        }));
    }
    all
}

/// The values that a reading did not bring whole, and whether they are of shared rows: of each shared row once.
fn long_values(
    reading: &Reading,
    is_wanted: impl Fn(&CollectionName) -> bool,
    known: &mut HashSet<(CollectionName, RowKey)>,
) -> Vec<(bool, LongValue)> {
    let mut all = Vec::new();
    let mut add = |name: &CollectionName, row: &Row, through: Option<(CollectionName, RowKey)>| {
        for (column, cell) in row.cells.iter().enumerate() {
            if matches!(cell, Cell::TooLong { .. } | Cell::Binary { .. }) {
                let value = LongValue {
                    place: name.clone(),
                    key: row.key.clone(),
                    through: through.clone(),
                    column,
                    noted: cell.clone(),
                };
                all.push((through.is_some(), value));
            }
        }
    };
    for rows in reading.collections.iter().filter(|r| is_wanted(&r.name)) {
        for row in &rows.rows {
            add(&rows.name, row, None);
        }
    }
    for rows in &reading.collections {
        for row in &rows.rows {
            for context in &row.context {
                let shared = reading.shared.get(context.shared);
                let found = shared.and_then(|s| Some((&s.name, s.rows.get(context.row)?)));
                let Some((name, shared)) = found else {
                    continue;
                };
                let is_long =
                    |cell: &Cell| matches!(cell, Cell::TooLong { .. } | Cell::Binary { .. });
                if shared.cells.iter().any(is_long)
                    && known.insert((name.clone(), shared.key.clone()))
                {
                    add(name, shared, Some((rows.name.clone(), row.key.clone())));
                }
            }
        }
    }
    all
}

const fn why_not_whole(why: NotWhole) -> WhyNot {
    match why {
        NotWhole::Changed => WhyNot::Changed,
        NotWhole::Unreadable => WhyNot::Damaged,
        NotWhole::TooLarge => WhyNot::TooLong,
    }
}

const fn why_of(error: ConnectError) -> WhyNot {
    match error {
        ConnectError::TooSlow => WhyNot::Slow,
        ConnectError::Changed | ConnectError::NoSuchPage => WhyNot::Changed,
        ConnectError::Down
        | ConnectError::Refused
        | ConnectError::Damaged
        | ConnectError::Bound
        | ConnectError::Failed => WhyNot::Down,
    }
}
