//! One collection on its way into the archive: its rows as JSON and as CSV, each in a sealed file of its own until all are
//! there. Nothing is kept in memory but, for rows that many rows point at, which of them were written.

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};
use std::path::Path;

use fairhold_connect::{Cell, CollectionName, Column, KeyValue, LongValue, Row, RowKey};
use fairhold_domain::catalog::{Collection, Dataset};
use fairhold_domain::export::{
    LeftOut, MOST_NOT_IN_FULL, NotInFull, Wanted, WhyNot, csv_cell, write_json,
};
use fairhold_domain::facts;
use fairhold_store::seal::hex;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::long;
use super::vault::{Scratch, Sealer};

/// A collection on its way into the archive.
pub(super) struct Sheet {
    /// Which.
    pub name: CollectionName,
    /// The dataset's name.
    pub system: String,
    /// As customers read it.
    pub label: String,
    /// Rows that own rows point at.
    pub shared: bool,
    /// Whether all rows came.
    pub complete: bool,
    /// How many rows are written.
    pub rows: u64,
    /// The rows, parted by commas.
    pub json: Scratch,
    /// A line of names, then a line a row.
    pub csv: Scratch,
    /// What of it is not included, and why.
    pub left_out: Vec<LeftOut>,
    /// How many values are not there in full.
    pub gaps: u64,
    /// The first of them.
    pub not_in_full: Vec<NotInFull>,
    columns: Vec<Option<Written>>,
    key_value: Option<(usize, usize)>,
    /// The shared rows that are written, by a hash of their keys.
    known: HashSet<[u8; 16]>,
    line: String,
}

/// Where a value stands that a page did not bring whole.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct LongAt {
    shared: bool,
    name: CollectionName,
    key: RowKey,
    column: usize,
}

impl From<(bool, LongValue)> for LongAt {
    fn from((shared, value): (bool, LongValue)) -> Self {
        Self {
            shared,
            name: value.place,
            key: value.key,
            column: value.column,
        }
    }
}

/// The values of a page that it did not bring whole, in full, or why they are not.
pub(super) type Longs = HashMap<LongAt, Result<Scratch, WhyNot>>;

/// A column that is written.
struct Written {
    name: String,
    sql_type: String,
    /// Its name as JSON has it, with the colon.
    json_name: String,
}

/// What a sheet is of, in the catalog.
#[derive(Clone, Copy)]
pub(super) struct Of<'a> {
    /// The dataset.
    pub dataset: &'a Dataset,
    /// The collection.
    pub collection: &'a Collection,
}

impl Of<'_> {
    /// As customers read it.
    pub fn label(self) -> String {
        let label = self.collection.label.as_ref();
        label.unwrap_or(&self.collection.name).clone()
    }

    /// Something of it that is not included.
    pub fn left_out(self, column: Option<&str>, why: WhyNot, reason: Option<String>) -> LeftOut {
        let field = column.and_then(|name| self.collection.field(name));
        let field_label = field.and_then(|f| f.label.clone());
        LeftOut {
            dataset: self.dataset.key.clone(),
            system: self.dataset.name.clone(),
            collection: Some(self.collection.name.clone()),
            field: column.map(str::to_owned),
            label: match column {
                Some(name) => field_label.unwrap_or_else(|| name.to_owned()),
                None => self.label(),
            },
            why,
            reason: reason.unwrap_or_else(|| why.words(&facts::in_sentence(&self.dataset.name))),
        }
    }
}

impl Sheet {
    /// An empty sheet. Columns that are never shown, and those under another heading than the one that is wanted, have no
    /// place in it.
    pub fn new(
        folder: &Path,
        files: &str,
        sealer: &Sealer,
        of: Of<'_>,
        columns: &[Column],
        (shared, wanted): (bool, &Wanted),
    ) -> io::Result<Self> {
        let Of {
            dataset,
            collection,
        } = of;
        let mut left_out = Vec::new();
        let position = |name: &str| {
            let mut names = columns.iter().map(|c| &c.name);
            names.position(|n| n.eq_ignore_ascii_case(name))
        };
        let key_value = collection.key_value.as_ref();
        let key_value =
            key_value.and_then(|kv| Some((position(&kv.key_column)?, position(&kv.value_column)?)));
        let is_facts = !shared
            && facts::shown_as(collection) == fairhold_domain::catalog::ShownAs::Facts
            && key_value.is_none();
        let written = columns
            .iter()
            .map(|column| {
                let field = collection.field(&column.name);
                if let Some(reason) = facts::withheld(&column.name, field) {
                    left_out.push(of.left_out(Some(&column.name), WhyNot::Withheld, Some(reason)));
                    return None;
                }
                let is_wanted = !is_facts || wanted.has_group(facts::group(collection, field));
                is_wanted.then(|| Written {
                    name: column.name.clone(),
                    sql_type: column.sql_type.clone(),
                    json_name: json_name(&column.name),
                })
            })
            .collect();
        let mut sheet = Self {
            name: CollectionName::new(&dataset.key, &collection.name),
            system: dataset.name.clone(),
            label: of.label(),
            shared,
            complete: true,
            rows: 0,
            json: Scratch::create(folder, &format!("{files}.json"), sealer)?,
            csv: Scratch::create(folder, &format!("{files}.csv"), sealer)?,
            left_out,
            gaps: 0,
            not_in_full: Vec::new(),
            columns: written,
            key_value,
            known: HashSet::new(),
            line: String::new(),
        };
        let names: Vec<String> = sheet
            .columns
            .iter()
            .flatten()
            .map(|column| csv_cell(&column.name).into_owned())
            .collect();
        sheet
            .csv
            .write_all(format!("{}\r\n", names.join(",")).as_bytes())?;
        Ok(sheet)
    }

    /// Whether there is any column to write.
    pub fn has_columns(&self) -> bool {
        self.columns.iter().any(Option::is_some)
    }

    /// Writes a row; a shared one that is written already is passed over.
    pub fn write(&mut self, of: Of<'_>, row: &Row, longs: &Longs) -> io::Result<()> {
        if self.shared {
            let key = serde_json::to_vec(&row.key).unwrap_or_default();
            let hash = Sha256::digest(&key);
            let short: Option<[u8; 16]> = hash.get(..16).and_then(|h| h.try_into().ok());
            if !self.known.insert(short.unwrap_or_default()) {
                return Ok(());
            }
        }
        let longs: Vec<Option<&Result<Scratch, WhyNot>>> = if longs.is_empty() {
            Vec::new()
        } else {
            let at = |column| LongAt {
                shared: self.shared,
                name: self.name.clone(),
                key: row.key.clone(),
                column,
            };
            (0..row.cells.len()).map(|c| longs.get(&at(c))).collect()
        };
        self.write_json(row, &longs)?;
        self.write_csv(row, &longs)?;
        self.rows += 1;
        self.note_gaps(of, row, &longs);
        Ok(())
    }

    fn write_json(&mut self, row: &Row, longs: &RowLongs<'_>) -> io::Result<()> {
        let line = &mut self.line;
        line.clear();
        line.push_str(if self.rows == 0 { "\n{" } else { ",\n{" });
        let mut first = true;
        for (at, (column, cell)) in self.columns.iter().zip(&row.cells).enumerate() {
            let Some(column) = column else { continue };
            if !first {
                line.push_str(", ");
            }
            first = false;
            line.push_str(&column.json_name);
            match cell {
                Cell::Text(text) => write_json(line, text, &column.sql_type),
                Cell::TooLong { start, .. } => match whole(longs, at) {
                    Some(long) => {
                        self.json.write_all(line.as_bytes())?;
                        line.clear();
                        long::json_text(&mut self.json, long, &column.sql_type)?;
                    }
                    None => write_json(line, start, ""),
                },
                Cell::Binary { .. } => match whole(longs, at) {
                    Some(long) => {
                        self.json.write_all(line.as_bytes())?;
                        line.clear();
                        long::json_base64(&mut self.json, long)?;
                    }
                    None => line.push_str("null"),
                },
                Cell::Empty | Cell::Unreadable | Cell::Withheld => line.push_str("null"),
            }
        }
        line.push('}');
        self.json.write_all(line.as_bytes())
    }

    fn write_csv(&mut self, row: &Row, longs: &RowLongs<'_>) -> io::Result<()> {
        let line = &mut self.line;
        line.clear();
        let mut first = true;
        for (at, (column, cell)) in self.columns.iter().zip(&row.cells).enumerate() {
            if column.is_none() {
                continue;
            }
            if !first {
                line.push(',');
            }
            first = false;
            match (cell, whole(longs, at)) {
                (Cell::TooLong { .. }, Some(long)) => {
                    self.csv.write_all(line.as_bytes())?;
                    line.clear();
                    long::csv_text(&mut self.csv, long)?;
                }
                (Cell::Text(text) | Cell::TooLong { start: text, .. }, _) => {
                    line.push_str(&csv_cell(text));
                }
                _ => {}
            }
        }
        line.push_str("\r\n");
        self.csv.write_all(line.as_bytes())
    }

    /// Notes what of the row is not there in full: each value, and each column once.
    fn note_gaps(&mut self, of: Of<'_>, row: &Row, longs: &RowLongs<'_>) {
        for (at, (column, cell)) in self.columns.iter().zip(&row.cells).enumerate() {
            let Some(column) = column else { continue };
            let (why, bytes) = match (cell, longs.get(at)) {
                (Cell::TooLong { .. } | Cell::Binary { .. }, Some(Some(Ok(_))))
                | (Cell::Empty | Cell::Text(_), _) => continue,
                (Cell::TooLong { bytes, .. } | Cell::Binary { bytes }, Some(Some(Err(why)))) => {
                    (*why, Some(*bytes))
                }
                (Cell::TooLong { bytes, .. } | Cell::Binary { bytes }, _) => {
                    (WhyNot::TooLong, Some(*bytes))
                }
                (Cell::Unreadable, _) => (WhyNot::Damaged, None),
                (Cell::Withheld, _) => (WhyNot::Withheld, None),
            };
            if why != WhyNot::Withheld {
                self.gaps += 1;
                if self.not_in_full.len() < MOST_NOT_IN_FULL {
                    self.not_in_full.push(NotInFull {
                        dataset: self.name.dataset.clone(),
                        collection: self.name.collection.clone(),
                        row: row.key.0.iter().map(key_json).collect(),
                        field: column.name.clone(),
                        bytes,
                        why,
                    });
                }
            }
            // In a table of one row a fact, the fact that the row names is what is left out.
            let name = match self.key_value {
                Some((key, value)) if value == at => match row.cells.get(key) {
                    Some(Cell::Text(fact)) => fact,
                    _ => &column.name,
                },
                _ => &column.name,
            };
            let is_known = |known: &LeftOut| known.field.as_ref() == Some(name) && known.why == why;
            if self.left_out.iter().any(is_known) || self.left_out.len() >= MOST_LEFT_OUT {
                continue;
            }
            let field = of.collection.field(name);
            let reason = (why == WhyNot::Withheld)
                .then(|| facts::withheld(name, field))
                .flatten();
            self.left_out.push(of.left_out(Some(name), why, reason));
        }
    }

    /// Ends both files, so that they can be read.
    pub fn close(&mut self) -> io::Result<()> {
        self.json.close()?;
        self.csv.close()
    }
}

/// Facts that a table of one row a fact may name as left out, at most.
const MOST_LEFT_OUT: usize = 200;

/// The long values of a row, by column.
type RowLongs<'a> = [Option<&'a Result<Scratch, WhyNot>>];

/// The value of that column in full.
fn whole<'a>(longs: &RowLongs<'a>, column: usize) -> Option<&'a Scratch> {
    longs.get(column).copied()??.as_ref().ok()
}

/// A part of a key, for a program.
fn key_json(value: &KeyValue) -> Value {
    match value {
        KeyValue::Null => Value::Null,
        KeyValue::Int(number) => (*number).into(),
        KeyValue::Real(number) => (*number).into(),
        KeyValue::Text(text) => text.as_str().into(),
        KeyValue::Blob(bytes) => hex(bytes).into(),
    }
}

fn json_name(name: &str) -> String {
    let mut json = String::new();
    write_json(&mut json, name, "char");
    json.push_str(": ");
    json
}
