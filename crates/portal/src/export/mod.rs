//! A customer takes a copy of all that is held about them: asked for on a page, made in the background, kept sealed for a
//! week, and handed to nobody but them.
//!
//! - `make`: reads the stores and all connected systems, page by page.
//! - `writer`: a thread that writes what comes, with `sheet` for a collection, `page` for what a person opens, `archive` for
//!   the ZIP around it.
//! - `vault`: files that are sealed piece by piece.

mod archive;
mod long;
mod make;
mod page;
mod sheet;
mod vault;
mod writer;

use std::io;
use std::path::Path;
use std::time::Duration;

use fairhold_domain::access::{Act, Actor, Look};
use fairhold_domain::catalog::Group;
use fairhold_domain::export::{KEPT_SECONDS, Part, Wanted, part};
use fairhold_domain::facts;
use fairhold_domain::ids::CustomerId;
use fairhold_domain::present;
use fairhold_store::exports::{self, Export, State};
use fairhold_store::outbox::{Channel, Mail};
use fairhold_store::seal::hex;
use fairhold_store::{StoreError, accounts, jobs, looks};

use crate::error::{Error, Result};
use crate::jobs::make_export::MakeExport;
use crate::mail::{ExportReadyMail, text};
use crate::{Customer, Portal};
use make::{Made, Try};
use vault::SealedReader;

pub(crate) use make::MakeError;

/// Copies that a customer may have at a time, and have made at a time.
const MOST: usize = 5;
const MOST_UNDER_WAY: usize = 2;
/// A copy that was ready so many seconds after it was asked for is announced by mail: nobody waits that long on a page.
const MAIL_AFTER: i64 = 10;
/// How often somebody who waits looks whether another process has done it.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// A copy, as the customer's page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    /// Its name in addresses.
    pub id: String,
    /// What is in it, in words.
    pub what: String,
    /// When it was asked for, as one speaks of it.
    pub asked: String,
    /// How far it is.
    pub stage: Stage,
    /// Names of systems that could not be read.
    pub missing: Vec<String>,
}

/// How far a copy is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nobody has begun.
    Waiting,
    /// It is being made.
    Working {
        /// Rows that are written.
        done: u64,
        /// Rows that there will be, about; `None`: nobody knows yet.
        expected: Option<u64>,
    },
    /// It can be taken.
    Ready {
        /// How long it is, in words.
        size: String,
        /// The day on which it goes.
        until: String,
    },
    /// It could not be made.
    Failed,
    /// It was called off.
    Cancelled,
}

impl Stage {
    /// Whether somebody is still to work on it.
    pub const fn is_under_way(&self) -> bool {
        matches!(self, Self::Waiting | Self::Working { .. })
    }
}

/// What the customer may choose, and the copies that they have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copies {
    /// Newest first.
    pub copies: Vec<Copy>,
    /// What may be chosen, by its name in forms, with its words.
    pub systems: Vec<(String, String)>,
    /// The same for what stands under one heading.
    pub headings: Vec<(String, String)>,
    /// There is room for another one.
    pub has_room: bool,
}

/// A download that the record of looks knows of.
pub struct Download {
    reader: SealedReader,
    /// The part of the archive that is sent.
    pub part: Part,
    /// Bytes of the whole archive.
    pub bytes: u64,
    /// Names the bytes: another copy has another.
    pub tag: String,
    /// What to call the file.
    pub name: String,
    left: u64,
}

impl Download {
    /// Bytes that are sent.
    pub const fn length(&self) -> u64 {
        match self.part {
            Part::Whole => self.bytes,
            Part::From(first, last) => last - first + 1,
            Part::Nowhere => 0,
        }
    }

    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// When the file can't be read, or was changed.
    pub async fn next(mut self) -> io::Result<Option<(Vec<u8>, Self)>> {
        if self.left == 0 {
            return Ok(None);
        }
        let read = tokio::task::spawn_blocking(move || {
            let mut piece = self.reader.take()?;
            if piece.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            piece.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
            self.left -= piece.len() as u64;
            Ok(Some((piece, self)))
        });
        read.await.unwrap_or_else(|e| Err(io::Error::other(e)))
    }
}

impl Portal {
    /// The customer's copies, and what they may choose.
    pub async fn copies(&self, customer: &Customer) -> Result<Copies> {
        let current = self.company().current();
        let mut tx = self.inner.db.read().await?;
        let stored = exports::of(&mut tx, customer.id).await?;
        drop(tx);
        let now = self.now();
        let has_room = stored.len() < MOST;
        let alive = stored.into_iter().filter(|export| export.expires_at > now);
        let datasets = current.catalog.datasets.iter();
        let headings = [
            Group::AboutYou,
            Group::HowToReachYou,
            Group::WhatYouBought,
            Group::WhatYouDid,
            Group::WhatWeWorkedOut,
            Group::FromOthers,
            Group::YourAccount,
            Group::NotDescribed,
        ];
        Ok(Copies {
            copies: alive.map(|export| self.copy(export)).collect(),
            systems: datasets
                .map(|d| (Wanted::Dataset(d.key.clone()).to_string(), d.name.clone()))
                .collect(),
            headings: headings
                .into_iter()
                .map(|g| {
                    (
                        Wanted::Group(g).to_string(),
                        facts::group_heading(g).to_owned(),
                    )
                })
                .collect(),
            has_room,
        })
    }

    fn copy(&self, export: Export) -> Copy {
        let current = self.company().current();
        let name = |key: &String| {
            let dataset = current.catalog.dataset(key);
            dataset.map_or_else(|| key.clone(), |d| d.name.clone())
        };
        let now = self.now().timestamp();
        Copy {
            what: page::wanted_words(&current, &export.wanted),
            asked: present::spoken(export.asked_at.timestamp(), now, &current.zone),
            missing: export.missing.iter().map(name).collect(),
            stage: match export.state {
                State::Waiting => Stage::Waiting,
                State::Working => Stage::Working {
                    done: export.rows_done,
                    expected: export.rows_expected,
                },
                State::Ready => Stage::Ready {
                    size: present::size(export.bytes),
                    until: present::day(export.expires_at.timestamp(), &current.zone),
                },
                State::Failed => Stage::Failed,
                State::Cancelled => Stage::Cancelled,
            },
            id: export.export_id,
        }
    }

    /// Asks for a copy; answers its name. Who asks for the same again while it is made gets the one that is made.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such part; [`Error::TooManyCopies`] when there is no room for another one.
    pub async fn ask_for_copy(&self, customer: &Customer, wanted: Wanted) -> Result<String> {
        let current = self.company().current();
        if matches!(&wanted, Wanted::Dataset(key) if current.catalog.dataset(key).is_none()) {
            return Err(Error::NotFound);
        }
        let (id, now, fresh, job_id) = (customer.id, self.now(), self.new_id(), self.new_id());
        let asked = self.inner.db.write(move |tx| {
            Box::pin(async move {
                // Of two that ask at once, one comes after the other.
                accounts::hold(tx, id).await?;
                let known = exports::of(tx, id).await?;
                let mut under_way = known.iter().filter(|e| e.state.is_under_way());
                if let Some(same) = under_way.clone().find(|e| e.wanted == wanted) {
                    return Ok(same.export_id.clone());
                }
                if known.len() >= MOST || under_way.nth(MOST_UNDER_WAY - 1).is_some() {
                    return Err(Error::TooManyCopies);
                }
                exports::add(tx, id, &fresh, &wanted, now).await?;
                queue(tx, id, &fresh, &job_id, now).await?;
                Ok(fresh)
            })
        });
        let asked = asked.await;
        self.inner.bell.ring();
        asked
    }

    /// Makes a copy that failed, was called off or lacks a part once more, in its place; answers the new one's name.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such copy.
    pub async fn try_copy_again(&self, customer: &Customer, export_id: &str) -> Result<String> {
        let stored = self.export(customer, export_id).await?;
        if stored.state.is_under_way() {
            return Ok(stored.export_id);
        }
        self.delete_copy(customer, export_id).await?;
        self.ask_for_copy(customer, stored.wanted).await
    }

    /// Calls a copy off that is not ready yet. One that is ready by now stays.
    pub async fn cancel_copy(&self, customer: &Customer, export_id: &str) -> Result<()> {
        let (id, export_id) = (customer.id, export_id.to_owned());
        let cancel = self
            .inner
            .db
            .write(move |tx| Box::pin(async move { exports::cancel(tx, id, &export_id).await }));
        cancel.await?;
        Ok(())
    }

    /// Deletes a copy, or calls it off where it is not ready.
    pub async fn delete_copy(&self, customer: &Customer, export_id: &str) -> Result<()> {
        let (id, export_id) = (customer.id, export_id.to_owned());
        let remove = self
            .inner
            .db
            .write(move |tx| Box::pin(async move { exports::remove(tx, id, &export_id).await }));
        if let Some(file) = remove.await? {
            self.remove_file(file).await;
        }
        Ok(())
    }

    /// Waits until a copy is made, or could not be, for so long at most.
    pub async fn wait_for_copy(&self, customer: &Customer, export_id: &str, longest: Duration) {
        let until_done = async {
            loop {
                let made = self.inner.bell.made.notified();
                tokio::pin!(made);
                made.as_mut().enable();
                match self.export(customer, export_id).await {
                    Ok(export) if export.state.is_under_way() => {}
                    _ => return,
                }
                // Another process may be the one that makes it.
                tokio::select! {
                    () = made => {}
                    () = tokio::time::sleep(LOOK_AGAIN) => {}
                }
            }
        };
        // It goes on without anybody waiting.
        let _in_time = tokio::time::timeout(longest, until_done).await;
    }

    /// Begins a download, for its customer alone. That they take it is written down before this answers. `range` and
    /// `if_range` are what the request's headers of these names say.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such copy, it is not ready, or its time is over.
    pub async fn download(
        &self,
        customer: &Customer,
        export_id: &str,
        range: Option<&str>,
        if_range: Option<&str>,
    ) -> Result<Download> {
        let export = self.export(customer, export_id).await?;
        let now = self.now();
        let is_there = export.state == State::Ready && export.expires_at > now;
        let file = export.file.filter(|_| is_there).ok_or(Error::NotFound)?;
        let tag = format!("\"{file}\"");
        let range = range.filter(|_| if_range.is_none_or(|known| known == tag));
        let bytes = export.bytes;
        let part = part(range, bytes);
        let first = match part {
            Part::From(first, _) => first,
            Part::Whole | Part::Nowhere => 0,
        };
        let (folder, sealer) = (self.settings().exports.clone(), self.sealer(customer));
        let opened = tokio::task::spawn_blocking(move || {
            SealedReader::open(&folder, &file, sealer, bytes, first)
        });
        let reader = match opened.await {
            Ok(Ok(reader)) => reader,
            Ok(Err(error)) => {
                tracing::error!(%error, "an export can't be opened");
                return Err(Error::NotFound);
            }
            Err(_) => return Err(Error::Store(StoreError::Undone)),
        };
        if part != Part::Nowhere {
            let look = Look {
                actor: Actor::Customer,
                act: Act::Exported,
                reason: None,
                seen: export.seen,
                failed: export.missing,
            };
            let (id, key) = (customer.id, self.inner.keys.portal().looks.clone());
            let record = self.inner.db.write(move |tx| {
                Box::pin(async move { looks::append(tx, &key, id, now, &look).await })
            });
            record.await?;
        }
        let day = export
            .asked_at
            .timestamp()
            .to_zoned(self.company().current().zone.clone());
        let mut download = Download {
            reader,
            part,
            bytes,
            tag,
            name: format!("your-data-{}.zip", day.date()),
            left: 0,
        };
        download.left = download.length();
        Ok(download)
    }

    async fn export(&self, customer: &Customer, export_id: &str) -> Result<Export> {
        let mut tx = self.inner.db.read().await?;
        exports::get(&mut tx, customer.id, export_id)
            .await?
            .ok_or(Error::NotFound)
    }

    /// Makes a copy that somebody asked for. Nothing happens when it was called off.
    pub(crate) async fn make_copy(
        &self,
        customer: &Customer,
        export_id: &str,
    ) -> Result<(), MakeError> {
        let export = match self.export(customer, export_id).await {
            Err(Error::NotFound) => return Ok(()),
            export => export?,
        };
        if !export.state.is_under_way() {
            return Ok(());
        }
        if let Some(file) = export.file {
            // Somebody began it and did not end it.
            self.remove_file(file).await;
        }
        let file = hex(&self.random_bytes::<16>());
        let (id, own_id, own_file) = (customer.id, export_id.to_owned(), file.clone());
        let begin = self.inner.db.write(move |tx| {
            Box::pin(async move { exports::begin(tx, id, &own_id, &own_file).await })
        });
        if !begin.await? {
            return Ok(());
        }
        let this = Try {
            customer,
            export_id,
            file: &file,
            wanted: &export.wanted,
        };
        let made = match self.make(&this).await {
            Err(MakeError::CalledOff) => return Ok(()),
            made => made?,
        };
        let is_late = self.now().seconds_since(export.asked_at) >= MAIL_AFTER;
        if !self.announce(&this, made, is_late).await? {
            self.remove_file(file).await;
        }
        Ok(())
    }

    /// Says that a copy is ready; `false` when it counts no more.
    async fn announce(&self, this: &Try<'_>, made: Made, is_late: bool) -> Result<bool> {
        let portal = self.clone();
        let (id, key) = (this.customer.id, this.customer.key.clone());
        let (export_id, file) = (this.export_id.to_owned(), this.file.to_owned());
        let now = self.now();
        let company = self.company().current().catalog.company.name.clone();
        let link = format!("{}/download", self.settings().public_url);
        let days = KEPT_SECONDS / (24 * 3600);
        let words = ExportReadyMail {
            company: &company,
            link: &link,
            days,
        };
        let mail = Mail {
            channel: Channel::Mail,
            to: made.address,
            subject: format!("Your copy from {company} is ready"),
            text: text(&words)?,
        };
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move {
                let counts =
                    exports::finish(tx, id, &export_id, &file, &made.finished, now).await?;
                if counts && is_late {
                    portal.post(tx, &key, id, &mail).await?;
                }
                Ok::<bool, Error>(counts)
            })
        });
        let counts = write.await?;
        self.inner.bell.made.notify_waiters();
        self.inner.bell.ring();
        Ok(counts)
    }

    /// Says that a copy can't be made: the customer may try again.
    pub(crate) async fn give_copy_up(&self, customer: CustomerId, export_id: String) -> Result<()> {
        let fail = self.inner.db.write(move |tx| {
            Box::pin(async move { exports::fail(tx, customer, &export_id, "failed").await })
        });
        fail.await?;
        self.inner.bell.made.notify_waiters();
        Ok(())
    }

    /// Removes copies whose time is over, and files that belong to none.
    pub(crate) async fn sweep_copies(&self) -> Result<()> {
        let now = self.now();
        let sweep = self
            .inner
            .db
            .write(move |tx| Box::pin(async move { exports::sweep(tx, now).await }));
        for file in sweep.await? {
            self.remove_file(file).await;
        }
        let folder = self.settings().exports.clone();
        let listed = tokio::task::spawn_blocking(move || names_in(&folder)).await;
        for name in listed.unwrap_or_default() {
            // A try's other files begin with the name of its archive.
            let file = name.split('.').next().unwrap_or_default();
            let mut tx = self.inner.db.read().await?;
            let is_known = exports::names_file(&mut tx, file).await?;
            drop(tx);
            if !is_known {
                self.remove_file(name).await;
            }
        }
        Ok(())
    }

    async fn remove_file(&self, name: String) {
        let path = self.settings().exports.join(name);
        match tokio::fs::remove_file(path).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::error!(%error, "a file of an export can't be removed");
            }
            _ => {}
        }
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.collect()
}

async fn queue(
    tx: &mut fairhold_store::Tx,
    customer: CustomerId,
    export_id: &str,
    job_id: &str,
    now: fairhold_domain::time::Moment,
) -> Result<()> {
    let job = MakeExport {
        customer,
        export_id: export_id.to_owned(),
    };
    jobs::queue(tx, job_id, MakeExport::NAME, &job.payload()?, now).await?;
    Ok(())
}
