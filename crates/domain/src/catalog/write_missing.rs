//! Writes into a catalog's files what is still to be said, as empty entries for a person to fill in.
//!
//! It only ever inserts: what stands in a file stays byte for byte. `syntax` knows where each piece of a file begins and
//! ends, `find` which of them describes what, `edit` where an entry can go, `new` how it is spelt there, and `live` what a
//! database has that nobody described. Pure: the caller reads and writes the files.
//!
//! Nothing is taken on trust. An edited file must say all that it said before, the catalog must load, and writing a second
//! time must change nothing; where that does not hold, the file is left as it was.

use super::check::{Finding, is_read, unsaid};
use super::load::{SourceFile, load};
use super::yaml::{self, Value};
use super::{Catalog, Collection, Dataset, Place};
use crate::schema::LiveSchema;
use edit::{Page, applied};
use new::New;

mod edit;
mod find;
mod live;
mod new;
mod syntax;
#[cfg(test)]
mod tests;

/// What the database of a connection says of itself.
#[derive(Clone, Debug)]
pub struct LiveDatabase {
    /// The connection's name.
    pub connection: String,
    /// Its tables.
    pub schema: LiveSchema,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// The files that change, in the order in which they were given.
    pub files: Vec<WrittenFile>,
    /// What is left to write by hand, as notes with lines of the changed files.
    pub left: Vec<Finding>,
}

/// A file with what was added to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenFile {
    /// As it was given.
    pub path: String,
    /// All of its new text.
    pub text: String,
    /// How many empty entries wait in it to be filled in.
    pub added: usize,
}

/// Adds an empty entry for each thing that the check asks for and that only a person can say, and describes by name what
/// the databases have and nobody described yet.
///
/// A catalog with errors in its files is not changed: what they say is not known well enough.
pub fn write_missing(files: &[SourceFile], databases: &[LiveDatabase]) -> Written {
    let loaded = load(files);
    if let Some(error) = loaded.findings.iter().find(|f| f.is_error()) {
        return unchanged(
            &error.place,
            "Nothing was written, for the files have mistakes. Put them right, and run it again.",
        );
    }
    let mut pages: Vec<WrittenFile> = files
        .iter()
        .map(|file| WrittenFile {
            path: file.path.clone(),
            text: file.text.clone(),
            added: 0,
        })
        .collect();
    // What is new gets its name first; then it lacks what everything else may lack.
    rewrite(&mut pages, &live::wants(&loaded.catalog, databases));
    let named = load(&sources(&pages)).catalog;
    rewrite(&mut pages, &gaps(&named));

    let after = load(&sources(&pages));
    let mut again = pages.clone();
    let mut left = rewrite(&mut again, &live::wants(&after.catalog, databases));
    left.extend(rewrite(&mut again, &gaps(&after.catalog)));
    if again != pages || after.findings.iter().any(Finding::is_error) {
        return unchanged(
            &loaded.catalog.company.place,
            "Nothing was written, for the files would not have said the same afterwards. Write what is missing by hand.",
        );
    }
    let files = files
        .iter()
        .zip(pages)
        .filter(|(before, after)| before.text != after.text)
        .map(|(_, after)| after)
        .collect();
    Written { files, left }
}

fn unchanged(place: &Place, why: &str) -> Written {
    Written {
        files: Vec::new(),
        left: vec![Finding::note(place, "left-to-write", why.to_owned())],
    }
}

fn sources(pages: &[WrittenFile]) -> Vec<SourceFile> {
    pages
        .iter()
        .map(|page| SourceFile {
            path: page.path.clone(),
            text: page.text.clone(),
        })
        .collect()
}

/// A piece of a catalog's files, by names.
#[derive(Clone, Debug)]
struct Spot {
    dataset: String,
    /// Its schema, where the file names one, and its name.
    collection: Option<(Option<String>, String)>,
    /// With dots where it is a part of another.
    field: Option<String>,
}

/// Something to write.
#[derive(Clone, Debug)]
struct Want {
    place: Place,
    spot: Spot,
    /// Under which key of the spot.
    key: &'static str,
    /// What is added to what stands under the key.
    new: New,
}

impl Spot {
    fn of(dataset: &Dataset) -> Self {
        Self {
            dataset: dataset.key.clone(),
            collection: None,
            field: None,
        }
    }

    fn collection(dataset: &Dataset, collection: &Collection) -> Self {
        Self {
            collection: Some((collection.schema.clone(), collection.name.clone())),
            ..Self::of(dataset)
        }
    }
}

/// The empty entries that the catalog lacks.
fn gaps(catalog: &Catalog) -> Vec<Want> {
    let mut wants = Vec::new();
    for dataset in &catalog.datasets {
        if dataset.connection.is_none() && dataset.blank.at("connection").is_none() {
            wants.push(empty_entries(
                &dataset.place,
                Spot::of(dataset),
                &["connection"],
            ));
        }
        for collection in dataset.collections.iter().filter(|c| is_read(c)) {
            let spot = Spot::collection(dataset, collection);
            if collection.rows.is_none() && collection.blank.at("rows").is_none() {
                wants.push(empty_entries(&collection.place, spot.clone(), &["rows"]));
            }
            for field in &collection.fields {
                let keys: Vec<&str> = unsaid(collection, field)
                    .into_iter()
                    .filter(|key| field.blank.at(key).is_none() && field.said.at(key).is_none())
                    .collect();
                if !keys.is_empty() {
                    let spot = Spot {
                        field: Some(field.name.clone()),
                        ..spot.clone()
                    };
                    wants.push(empty_entries(&field.place, spot, &keys));
                }
            }
        }
    }
    wants
}

fn empty_entries(place: &Place, spot: Spot, keys: &[&'static str]) -> Want {
    Want {
        place: place.clone(),
        spot,
        key: "portal",
        new: New::Map(keys.iter().map(|key| (*key, New::Empty)).collect()),
    }
}

/// Writes what is wanted where it can go; answers what can't.
fn rewrite(pages: &mut [WrittenFile], wants: &[Want]) -> Vec<Finding> {
    let mut left = Vec::new();
    for page in pages {
        let wanted: Vec<&Want> = wants
            .iter()
            .filter(|want| *want.place.file == *page.path)
            .collect();
        if !wanted.is_empty() {
            rewrite_page(page, &wanted, &mut left);
        }
    }
    left
}

fn rewrite_page(page: &mut WrittenFile, wants: &[&Want], left: &mut Vec<Finding>) {
    let mut edits = Vec::new();
    let mut placed = Vec::new();
    let Some(syntax) = Page::read(&page.text) else {
        left.extend(
            wants
                .iter()
                .map(|want| by_hand(want, "this file can't be taken apart")),
        );
        return;
    };
    for want in wants {
        match syntax.insert(&want.spot, want.key, &want.new) {
            Ok(edit) => {
                edits.push(edit);
                placed.push(*want);
            }
            Err(obstacle) => left.push(by_hand(want, obstacle.words())),
        }
    }
    if placed.is_empty() {
        return;
    }
    match applied(&page.text, edits) {
        Some(text) if says_no_less(&page.text, &text) => {
            page.text = text;
            page.added += placed
                .iter()
                .map(|want| want.new.empty_entries())
                .sum::<usize>();
        }
        _ => left.extend(
            placed
                .iter()
                .map(|want| by_hand(want, "this file is written in a way that does not allow it")),
        ),
    }
}

fn by_hand(want: &Want, why: &str) -> Finding {
    Finding::note(
        &want.place,
        "left-to-write",
        format!(
            "{} could not be added here, for {why}. Write it by hand.",
            want.new.in_words()
        ),
    )
}

/// Whether the new text says everything that the old one says, in the same order.
fn says_no_less(before: &str, after: &str) -> bool {
    match (yaml::parse(before), yaml::parse(after)) {
        (Ok(before), Ok(after)) => only_adds(&before, &after),
        _ => false,
    }
}

fn only_adds(before: &yaml::Node, after: &yaml::Node) -> bool {
    match (&before.value, &after.value) {
        (Value::Nothing, Value::Nothing) => before.written == after.written,
        (Value::Nothing, Value::Map(_) | Value::List(_)) => !before.written,
        // Nobody reads the space around a text, and a text at the end of a file may gain a line end.
        (Value::Text(before), Value::Text(after)) => before.trim() == after.trim(),
        (Value::List(before), Value::List(after)) => {
            before.len() <= after.len() && before.iter().zip(after).all(|(b, a)| only_adds(b, a))
        }
        (Value::Map(before), Value::Map(after)) => {
            let mut after = after.iter();
            before.iter().all(|entry| {
                after
                    .find(|a| a.key == entry.key)
                    .is_some_and(|a| only_adds(&entry.node, &a.node))
            })
        }
        _ => false,
    }
}
