//! Writes the archive, in a thread of its own: what the reader sends comes in piece by piece, and each is on the disk, sealed,
//! before the next but one is read. So memory does not grow with what is held.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use askama::Template;
use fairhold_connect::{CollectionName, CollectionRows, Reading};
use fairhold_domain::access::Seen;
use fairhold_domain::catalog::ShownAs;
use fairhold_domain::export::{
    Contained, FORMAT, LeftOut, Manifest, Names, Wanted, WhyNot, csv_cell, write_json,
};
use fairhold_domain::facts::{self, Part, in_sentence};
use fairhold_domain::present;
use fairhold_domain::time::Moment;
use fairhold_store::exports::Finished;
use tokio::sync::mpsc;

use super::archive::Archive;
use super::page::{self, FilesView, IndexPage, LeftOutView};
use super::sheet::{LongAt, Longs, Of, Sheet};
use super::vault::{Scratch, Sealer, make_folder};
use crate::Portal;
use crate::company::Current;
use crate::rows::{Rows, Uncover};
use crate::who_looked::LookLine;

/// Rows of each collection that the page in the archive shows.
const ROWS_ON_THE_PAGE: usize = 20;
/// Lines of the page on what is not included; the manifest has all.
const LINES_ON_THE_PAGE: usize = 200;

/// A piece of what is held.
pub(super) enum Piece {
    /// Rows of a connected system.
    Page(Box<Reading>),
    /// Bytes of a value that the next page has only the beginning of.
    LongBytes(Vec<u8>),
    /// Those were all its bytes; or why there are no more.
    LongEnd(LongAt, Result<(), WhyNot>),
    /// What the portal itself holds: one row a collection.
    Own(Vec<OwnRow>),
    /// Reading a collection broke off.
    Broken(CollectionName, WhyNot),
    /// Something that is not included.
    LeftOut(LeftOut),
    /// The receipt of an answer: its number and its text.
    Receipt(i64, String),
    /// Lines of who looked.
    Looks(Vec<LookLine>),
    /// A short table of the portal's own.
    Table(Table),
    /// That was all.
    End,
}

/// A row of the portal's own.
pub(super) struct OwnRow {
    /// How My data shows it.
    pub part: Part,
    /// Its fields and their values, as they are held.
    pub values: Vec<(String, String)>,
}

/// A short table.
pub(super) struct Table {
    /// Its file.
    pub path: &'static str,
    /// As customers read it.
    pub label: &'static str,
    /// The names of its columns.
    pub head: &'static str,
    /// Its rows.
    pub rows: Vec<Vec<String>>,
}

/// What is written, and where.
pub(super) struct Order {
    pub portal: Portal,
    pub current: Arc<Current>,
    pub sealer: Sealer,
    pub folder: PathBuf,
    /// The archive's file.
    pub file: String,
    pub wanted: Wanted,
    pub now: Moment,
}

/// Writes what comes, up to its end. `None`: it broke off before, and nothing is left of it.
pub(super) fn write(
    order: Order,
    mut pieces: mpsc::Receiver<Piece>,
) -> io::Result<Option<Finished>> {
    make_folder(&order.folder)?;
    let mut writer = Writer::new(order)?;
    while let Some(piece) = pieces.blocking_recv() {
        match piece {
            Piece::Page(reading) => writer.page(&reading)?,
            Piece::LongBytes(bytes) => writer.long()?.write_all(&bytes)?,
            Piece::LongEnd(at, end) => writer.long_end(at, end)?,
            Piece::Own(rows) => writer.own(rows),
            Piece::Broken(name, why) => writer.broken(&name, why),
            Piece::LeftOut(left_out) => writer.left_out.push(left_out),
            Piece::Receipt(number, text) => writer.receipt(number, &text)?,
            Piece::Looks(lines) => writer.looks(&lines)?,
            Piece::Table(table) => writer.tables.push(table),
            Piece::End => return writer.finish().map(Some),
        }
    }
    Ok(None)
}

struct Writer {
    order: Order,
    sheets: Vec<Sheet>,
    /// The value that comes in just now.
    long: Option<Scratch>,
    /// How many there were.
    long_files: usize,
    /// The long values of the page that comes next.
    longs: Longs,
    own: Vec<OwnSheet>,
    /// The first rows of each collection, for the page.
    parts: Vec<Part>,
    left_out: Vec<LeftOut>,
    receipts: Scratch,
    /// The number and the length of each receipt, as they follow each other.
    receipt_sizes: Vec<(i64, u64)>,
    who_looked: Scratch,
    lines: u64,
    tables: Vec<Table>,
}

/// A row of the portal's own, written: it is short.
struct OwnSheet {
    name: CollectionName,
    system: String,
    label: String,
    json: String,
    csv: String,
}

/// What the archive says of one collection.
struct Listed<'a> {
    name: &'a CollectionName,
    system: &'a str,
    label: &'a str,
    rows: u64,
    shared: bool,
    complete: bool,
    not_in_full: u64,
    body: Body<'a>,
}

/// Where its rows are.
#[derive(Clone, Copy)]
enum Body<'a> {
    Sheet(&'a Sheet),
    Own(&'a OwnSheet),
}

impl Writer {
    fn new(order: Order) -> io::Result<Self> {
        let scratch = |name: &str| {
            Scratch::create(
                &order.folder,
                &format!("{}.{name}", order.file),
                &order.sealer,
            )
        };
        let (receipts, mut who_looked) = (scratch("receipts")?, scratch("looks")?);
        who_looked.write_all(b"when,what happened,what was seen,why,not reached\r\n")?;
        Ok(Self {
            order,
            sheets: Vec::new(),
            long: None,
            long_files: 0,
            longs: Longs::default(),
            own: Vec::new(),
            parts: Vec::new(),
            left_out: Vec::new(),
            receipts,
            receipt_sizes: Vec::new(),
            who_looked,
            lines: 0,
            tables: Vec::new(),
        })
    }

    fn long(&mut self) -> io::Result<&mut Scratch> {
        let long = if let Some(long) = self.long.take() {
            long
        } else {
            self.long_files += 1;
            let name = format!("{}.long{}", self.order.file, self.long_files);
            Scratch::create(&self.order.folder, &name, &self.order.sealer)?
        };
        Ok(self.long.insert(long))
    }

    fn long_end(&mut self, at: LongAt, end: Result<(), WhyNot>) -> io::Result<()> {
        let long = match end {
            Ok(()) => {
                self.long()?.close()?;
                self.long.take().ok_or(WhyNot::Changed)
            }
            Err(why) => {
                self.long = None;
                Err(why)
            }
        };
        self.longs.insert(at, long);
        Ok(())
    }

    fn page(&mut self, reading: &Reading) -> io::Result<()> {
        let written = self.write_page(reading);
        self.longs.clear();
        written
    }

    fn write_page(&mut self, reading: &Reading) -> io::Result<()> {
        let current = self.order.current.clone();
        for rows in &reading.collections {
            self.rows(&current, reading, rows)?;
        }
        for shared in reading
            .shared
            .iter()
            .filter(|shared| !shared.rows.is_empty())
        {
            let Some(of) = of(&current, &shared.name) else {
                continue;
            };
            if !self.order.wanted.has_dataset(&shared.name.dataset) || !self.wants_shared(of) {
                continue;
            }
            let at = self.sheet(of, &shared.columns, true)?;
            let Some(sheet) = self.sheets.get_mut(at) else {
                continue;
            };
            for row in &shared.rows {
                sheet.write(of, row, &self.longs)?;
            }
            if shared.is_cut {
                sheet.complete = false;
            }
        }
        Ok(())
    }

    /// Shared rows go with the heading that their own table would stand under.
    fn wants_shared(&self, of: Of<'_>) -> bool {
        self.order
            .wanted
            .has_group(facts::list_group(of.collection))
            || !matches!(self.order.wanted, Wanted::Group(_))
    }

    fn rows(
        &mut self,
        current: &Current,
        reading: &Reading,
        rows: &CollectionRows,
    ) -> io::Result<()> {
        let Some(of) = of(current, &rows.name) else {
            return Ok(());
        };
        if rows.rows.is_empty() || !wants(&self.order.wanted, of) {
            return Ok(());
        }
        let at = self.sheet(of, &rows.columns, false)?;
        let Some(sheet) = self.sheets.get_mut(at) else {
            return Ok(());
        };
        if !sheet.has_columns() {
            return Ok(());
        }
        if sheet.rows == 0 {
            self.parts.extend(sample(&self.order, reading, rows));
        }
        for row in &rows.rows {
            sheet.write(of, row, &self.longs)?;
        }
        Ok(())
    }

    /// The place of a collection's sheet; made where there is none.
    fn sheet(
        &mut self,
        of: Of<'_>,
        columns: &[fairhold_connect::Column],
        shared: bool,
    ) -> io::Result<usize> {
        let is_it = |s: &Sheet| {
            s.name.dataset == of.dataset.key
                && s.name.collection == of.collection.name
                && s.shared == shared
        };
        if let Some(at) = self.sheets.iter().position(is_it) {
            return Ok(at);
        }
        let files = format!("{}.{}", self.order.file, self.sheets.len());
        let Order {
            folder,
            sealer,
            wanted,
            ..
        } = &self.order;
        let sheet = Sheet::new(folder, &files, sealer, of, columns, (shared, wanted))?;
        self.sheets.push(sheet);
        Ok(self.sheets.len() - 1)
    }

    fn own(&mut self, rows: Vec<OwnRow>) {
        for OwnRow { part, values } in rows {
            let (mut json, mut names, mut cells) = (String::from("\n{"), Vec::new(), Vec::new());
            for (at, (name, value)) in values.iter().enumerate() {
                json.push_str(if at == 0 { "" } else { ", " });
                write_json(&mut json, name, "char");
                json.push_str(": ");
                write_json(&mut json, value, "");
                names.push(csv_cell(name));
                cells.push(csv_cell(value));
            }
            json.push('}');
            self.own.push(OwnSheet {
                name: CollectionName::new(&part.dataset, &part.collection),
                system: part.system.clone(),
                label: part.label.clone(),
                json,
                csv: format!("{}\r\n{}\r\n", names.join(","), cells.join(",")),
            });
            self.parts.push(part);
        }
    }

    fn broken(&mut self, name: &CollectionName, why: WhyNot) {
        for sheet in self
            .sheets
            .iter_mut()
            .filter(|s| s.name == *name && !s.shared)
        {
            sheet.complete = false;
        }
        let current = self.order.current.clone();
        if let Some(of) = of(&current, name) {
            let system = in_sentence(&of.dataset.name);
            let reason = format!("{} Only a part of it is here.", why.words(&system));
            self.left_out.push(of.left_out(None, why, Some(reason)));
        }
    }

    fn receipt(&mut self, number: i64, text: &str) -> io::Result<()> {
        self.receipts.write_all(text.as_bytes())?;
        self.receipt_sizes.push((number, text.len() as u64));
        Ok(())
    }

    fn looks(&mut self, lines: &[LookLine]) -> io::Result<()> {
        for line in lines {
            let none = String::new();
            let failed = line.failed.join(", ");
            let cells = [
                &line.at,
                &line.sentence,
                line.parts.as_ref().unwrap_or(&none),
                line.reason.as_ref().unwrap_or(&none),
                &failed,
            ];
            let cells = cells.map(|cell| csv_cell(cell));
            self.who_looked
                .write_all(format!("{}\r\n", cells.join(",")).as_bytes())?;
        }
        self.lines += lines.len() as u64;
        Ok(())
    }

    fn finish(mut self) -> io::Result<Finished> {
        for sheet in &mut self.sheets {
            sheet.close()?;
        }
        self.receipts.close()?;
        self.who_looked.close()?;
        // In the order of the catalog, whatever came first; own rows before shared ones.
        let current = self.order.current.clone();
        let place = |name: &CollectionName| {
            let mut datasets = current.catalog.datasets.iter();
            let dataset = datasets.position(|d| d.key == name.dataset);
            let collections = dataset.and_then(|at| current.catalog.datasets.get(at));
            let at = collections
                .and_then(|d| d.collections.iter().position(|c| c.name == name.collection));
            (dataset, at)
        };
        self.sheets.sort_by_key(|s| (s.shared, place(&s.name)));
        self.parts
            .sort_by_key(|p| place(&CollectionName::new(&p.dataset, &p.collection)));
        let left_out = self
            .sheets
            .iter_mut()
            .flat_map(|s| std::mem::take(&mut s.left_out));
        let mut all: Vec<LeftOut> = self.left_out.drain(..).collect();
        all.extend(left_out);
        self.left_out = all;
        self.assemble()
    }

    fn listed(&self) -> Vec<Listed<'_>> {
        let own = self.own.iter().map(|own| Listed {
            name: &own.name,
            system: &own.system,
            label: &own.label,
            rows: 1,
            shared: false,
            complete: true,
            not_in_full: 0,
            body: Body::Own(own),
        });
        let sheets = self
            .sheets
            .iter()
            .filter(|s| s.rows > 0)
            .map(|sheet| Listed {
                name: &sheet.name,
                system: &sheet.system,
                label: &sheet.label,
                rows: sheet.rows,
                shared: sheet.shared,
                complete: sheet.complete,
                not_in_full: sheet.gaps,
                body: Body::Sheet(sheet),
            });
        sheets.chain(own).collect()
    }

    fn assemble(self) -> io::Result<Finished> {
        let listed = self.listed();
        let paths = paths(&listed);
        let Order {
            current,
            sealer,
            folder,
            file,
            wanted,
            now,
            ..
        } = &self.order;
        let mut archive = Archive::create(folder, file, sealer, (*now, &current.zone))?;
        let index = self.index(&listed, &paths)?;
        archive.file("index.html", None, index.len() as u64, |out| {
            out.write_all(index.as_bytes())
        })?;
        for (listed, (json, csv)) in listed.iter().zip(&paths) {
            let rows = Some(listed.rows);
            match listed.body {
                Body::Sheet(sheet) => {
                    archive.file(json, rows, sheet.json.bytes(), |out| {
                        out.write_all(b"[")?;
                        out.copy(&sheet.json)?;
                        out.write_all(b"\n]\n")
                    })?;
                    archive.file(csv, rows, sheet.csv.bytes(), |out| out.copy(&sheet.csv))?;
                }
                Body::Own(own) => {
                    archive.file(json, rows, 0, |out| {
                        out.write_all(format!("[{}\n]\n", own.json).as_bytes())
                    })?;
                    archive.file(csv, rows, 0, |out| out.write_all(own.csv.as_bytes()))?;
                }
            }
        }
        self.write_receipts(&mut archive)?;
        for table in &self.tables {
            archive.file(table.path, Some(table.rows.len() as u64), 0, |out| {
                out.write_all(format!("{}\r\n", table.head).as_bytes())?;
                for row in &table.rows {
                    let cells: Vec<_> = row.iter().map(|cell| csv_cell(cell)).collect();
                    out.write_all(format!("{}\r\n", cells.join(",")).as_bytes())?;
                }
                Ok(())
            })?;
        }
        if *wanted == Wanted::Everything {
            archive.file(
                "who-looked.csv",
                Some(self.lines),
                self.who_looked.bytes(),
                |out| out.copy(&self.who_looked),
            )?;
        }
        write_access_package(&mut archive, &listed)?;
        let manifest = self.manifest(&archive, &listed);
        let manifest = serde_json::to_string_pretty(&manifest)?;
        archive.file("manifest.json", None, 0, |out| {
            out.write_all(manifest.as_bytes())?;
            out.write_all(b"\n")
        })?;
        let bytes = archive.finish()?;
        let mut seen: Vec<Seen> = Vec::new();
        for listed in &listed {
            let one = Seen::all(&listed.name.dataset, &listed.name.collection);
            if !seen.contains(&one) {
                seen.push(one);
            }
        }
        let mut missing: Vec<String> = Vec::new();
        for left_out in self.left_out.iter().filter(|l| failed(l.why)) {
            if !missing.contains(&left_out.dataset) {
                missing.push(left_out.dataset.clone());
            }
        }
        let own = listed.iter().filter(|l| !l.shared);
        Ok(Finished {
            rows: own.map(|l| l.rows).sum(),
            bytes,
            seen,
            missing,
        })
    }

    fn index(&self, listed: &[Listed<'_>], paths: &[(String, String)]) -> io::Result<String> {
        let Order {
            current,
            wanted,
            now,
            ..
        } = &self.order;
        let company = &current.catalog.company;
        let files = |listed: &Listed<'_>, (json, csv): &(String, String)| FilesView {
            label: listed.label.to_owned(),
            csv: csv.clone(),
            json: json.clone(),
            rows: present::number(listed.rows),
        };
        let both = || listed.iter().zip(paths);
        let of_part = |part: &Part| {
            let found = both().find(|(l, _)| {
                !l.shared && l.name.dataset == part.dataset && l.name.collection == part.collection
            });
            found.map(|(listed, paths)| (files(listed, paths), listed.rows))
        };
        let shared = both().filter(|(listed, _)| listed.shared);
        let own = listed.iter().filter(|l| !l.shared).map(|l| l.rows);
        let rows = own.sum::<u64>();
        let everything = *wanted == Wanted::Everything;
        let mut missing: Vec<String> = Vec::new();
        for left_out in self.left_out.iter().filter(|l| failed(l.why)) {
            let words = format!(
                "{} Not all that it holds is here. Everything else is. Ask for a new copy later.",
                facts::capitalised(&left_out.why.words(&in_sentence(&left_out.system)))
            );
            if !missing.contains(&words) {
                missing.push(words);
            }
        }
        let look = &company.look;
        let page = IndexPage {
            company: &company.name,
            tagline: company.tagline.as_deref().unwrap_or_default(),
            made: &present::timestamp(now.timestamp(), &current.zone),
            wanted: &page::wanted_words(current, wanted),
            brand: look.brand.as_deref(),
            brand_dark: look.brand_dark.as_deref(),
            contact: company.contact.as_deref(),
            privacy_contact: company.privacy_contact.as_deref(),
            style: include_str!("../../templates/export.css"),
            groups: page::groups(current, &self.parts, of_part),
            shared: shared.map(|(listed, paths)| files(listed, paths)).collect(),
            consents: self.receipt_sizes.len(),
            has_looks: everything,
            tables: self.tables.iter().map(|t| (t.label, t.path)).collect(),
            missing,
            left_out: self
                .left_out
                .iter()
                .take(LINES_ON_THE_PAGE)
                .map(LeftOutView::from)
                .collect(),
            never_collected: company
                .never_collected
                .iter()
                .map(|n| n.words.clone())
                .collect(),
            rows: match rows {
                1 => "1 row".to_owned(),
                n => format!("{} rows", present::number(n)),
            },
        };
        page.render().map_err(io::Error::other)
    }

    fn write_receipts(&self, archive: &mut Archive) -> io::Result<()> {
        let mut reader = self.receipts.read()?;
        let mut waiting: Vec<u8> = Vec::new();
        for (number, bytes) in &self.receipt_sizes {
            let bytes = usize::try_from(*bytes).unwrap_or_default();
            while waiting.len() < bytes {
                let piece = reader.take()?;
                if piece.is_empty() {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                waiting.extend(piece);
            }
            let rest = waiting.split_off(bytes);
            let receipt = std::mem::replace(&mut waiting, rest);
            let path = format!("consents/receipt-{number}.jsonld");
            archive.file(&path, None, 0, |out| out.write_all(&receipt))?;
        }
        Ok(())
    }

    fn manifest(&self, archive: &Archive, listed: &[Listed<'_>]) -> Manifest {
        let contained = |listed: &Listed<'_>| Contained {
            dataset: listed.name.dataset.clone(),
            system: listed.system.to_owned(),
            collection: listed.name.collection.clone(),
            label: listed.label.to_owned(),
            rows: listed.rows,
            shared: listed.shared,
            complete: listed.complete,
            not_in_full: listed.not_in_full,
        };
        let sheets = self.sheets.iter();
        Manifest {
            format: FORMAT,
            company: self.order.current.catalog.company.name.clone(),
            made_at: self.order.now.timestamp().to_string(),
            wanted: self.order.wanted.to_string(),
            files: archive.files().to_vec(),
            included: listed.iter().map(contained).collect(),
            not_included: self.left_out.clone(),
            not_in_full: sheets.flat_map(|s| s.not_in_full.iter().cloned()).collect(),
        }
    }
}

/// All rows in one file, by dataset and collection, as Fides writes what it answers a request for access with.
fn write_access_package(archive: &mut Archive, listed: &[Listed<'_>]) -> io::Result<()> {
    let about = listed.iter().map(|listed| match listed.body {
        Body::Sheet(sheet) => sheet.json.bytes(),
        Body::Own(_) => 0,
    });
    let own = listed.iter().filter(|l| !l.shared).map(|l| l.name);
    let own: Vec<&CollectionName> = own.collect();
    archive.file("access-package.json", None, about.sum(), |out| {
        let mut begin = "{";
        for listed in listed {
            let name = listed.name;
            // A table may hold rows of the customer's own and rows that those point at.
            let is_twice = listed.shared && own.contains(&name);
            let kind = if is_twice { ":shared" } else { "" };
            let mut key = String::new();
            write_json(
                &mut key,
                &format!("{}:{}{kind}", name.dataset, name.collection),
                "char",
            );
            out.write_all(format!("{begin}\n{key}: [").as_bytes())?;
            match listed.body {
                Body::Sheet(sheet) => out.copy(&sheet.json)?,
                Body::Own(own) => out.write_all(own.json.as_bytes())?,
            }
            out.write_all(b"\n]")?;
            begin = ",";
        }
        out.write_all(if begin == "{" { b"{}\n" } else { b"\n}\n" })
    })
}

/// The paths of each collection's files, JSON and CSV: a folder a dataset.
fn paths(listed: &[Listed<'_>]) -> Vec<(String, String)> {
    let mut folders = Names::taken(["consents"]);
    let mut known: Vec<(&str, String, Names)> = Vec::new();
    let mut paths = Vec::new();
    for listed in listed {
        let dataset = listed.name.dataset.as_str();
        let at = known.iter().position(|(key, ..)| *key == dataset);
        let at = at.unwrap_or_else(|| {
            known.push((dataset, folders.give(dataset), Names::default()));
            known.len() - 1
        });
        if let Some((_, folder, names)) = known.get_mut(at) {
            let name = names.give(&listed.name.collection);
            paths.push((
                format!("{folder}/{name}.json"),
                format!("{folder}/{name}.csv"),
            ));
        }
    }
    paths
}

/// What the catalog says of a collection.
fn of<'a>(current: &'a Current, name: &CollectionName) -> Option<Of<'a>> {
    let dataset = current.catalog.dataset(&name.dataset)?;
    let collection = dataset.collection(&name.collection)?;
    Some(Of {
        dataset,
        collection,
    })
}

/// Whether anything of a collection is wanted: a list by its own heading, facts each by theirs.
pub(super) fn wants(wanted: &Wanted, of: Of<'_>) -> bool {
    wanted.has_dataset(&of.dataset.key)
        && (facts::shown_as(of.collection) == ShownAs::Facts
            || wanted.has_group(facts::list_group(of.collection)))
}

/// Whether reading did not work.
const fn failed(why: WhyNot) -> bool {
    why.may_come_later() || matches!(why, WhyNot::NotConnected)
}

/// The first rows of a collection as My data shows them, nothing covered.
fn sample(order: &Order, reading: &Reading, rows: &CollectionRows) -> Option<Part> {
    let first = CollectionRows {
        rows: rows.rows.iter().take(ROWS_ON_THE_PAGE).cloned().collect(),
        next: None,
        name: rows.name.clone(),
        columns: rows.columns.clone(),
        count: rows.count,
    };
    let key = &order.portal.inner.keys.portal().pages;
    let mut uncover = Uncover::everything(key);
    let mut part = Rows::new(&order.current, reading, &mut uncover).part(&first, None)?;
    if part.shown_as == ShownAs::Facts {
        for entry in &mut part.entries {
            entry
                .facts
                .retain(|fact| order.wanted.has_group(fact.group));
        }
    }
    Some(part)
}
