//! `index.html`: the page in the archive that a person opens. It loads nothing, and runs nothing.

use askama::Template;
use fairhold_domain::catalog::{Group, Origin, ShownAs};
use fairhold_domain::export::LeftOut;
use fairhold_domain::facts::{
    self, Entry, Explanation, Fact, Part, Shown, capitalised, explain, group_heading, origin_label,
    title,
};
use fairhold_domain::present;

use crate::company::Current;

/// The groups in the order of My data.
const GROUPS: [Group; 8] = [
    Group::AboutYou,
    Group::HowToReachYou,
    Group::WhatYouBought,
    Group::WhatYouDid,
    Group::WhatWeWorkedOut,
    Group::FromOthers,
    Group::YourAccount,
    Group::NotDescribed,
];
/// Letters of a value that the page shows; the whole of it is in the table.
const LONGEST: usize = 2_000;

/// The page.
#[derive(Template)]
#[template(path = "export.html")]
pub(super) struct IndexPage<'a> {
    pub company: &'a str,
    pub tagline: &'a str,
    pub made: &'a str,
    pub wanted: &'a str,
    pub brand: Option<&'a str>,
    pub brand_dark: Option<&'a str>,
    pub contact: Option<&'a str>,
    pub privacy_contact: Option<&'a str>,
    pub style: &'static str,
    pub groups: Vec<GroupView>,
    pub shared: Vec<FilesView>,
    pub consents: usize,
    pub has_looks: bool,
    /// Label and file.
    pub tables: Vec<(&'static str, &'static str)>,
    pub missing: Vec<String>,
    pub left_out: Vec<LeftOutView>,
    pub never_collected: Vec<String>,
    pub rows: String,
}

/// A heading with what stands under it.
pub(super) struct GroupView {
    pub id: String,
    pub heading: &'static str,
    pub facts: Vec<FactView>,
    pub lists: Vec<ListView>,
}

/// A fact.
pub(super) struct FactView {
    pub label: String,
    pub value: String,
    /// It is not there as a value: a sentence says why.
    pub is_note: bool,
    pub class: &'static str,
    pub origin: &'static str,
    pub system: String,
    pub since: String,
    pub points: Vec<(&'static str, String)>,
}

/// A list.
pub(super) struct ListView {
    pub label: String,
    pub description: Option<String>,
    pub class: &'static str,
    pub origin: &'static str,
    pub system: String,
    pub count: String,
    pub entries: Vec<EntryView>,
    /// How many more are in the files.
    pub more: Option<String>,
    pub files: FilesView,
}

/// An entry of a list.
pub(super) struct EntryView {
    pub title: String,
    pub more: String,
    pub pairs: Vec<(String, String)>,
    pub since: Option<String>,
}

/// Where the rows are.
#[derive(Clone)]
pub(super) struct FilesView {
    pub label: String,
    pub csv: String,
    pub json: String,
    pub rows: String,
}

/// What is not in the archive.
pub(super) struct LeftOutView {
    pub label: String,
    pub system: String,
    pub reason: String,
}

impl From<&LeftOut> for LeftOutView {
    fn from(left_out: &LeftOut) -> Self {
        Self {
            label: left_out.label.clone(),
            system: left_out.system.clone(),
            reason: left_out.reason.clone(),
        }
    }
}

/// What the page shows of the parts; `files` says where all rows of a part are, and how many.
pub(super) fn groups(
    current: &Current,
    parts: &[Part],
    files: impl Fn(&Part) -> Option<(FilesView, u64)>,
) -> Vec<GroupView> {
    let view = |group: Group| {
        let single = parts.iter().filter(|p| p.shown_as == ShownAs::Facts);
        let facts = single
            .clone()
            .flat_map(|p| &p.entries)
            .flat_map(|e| &e.facts);
        let facts: Vec<FactView> = facts
            .filter(|fact| fact.group == group)
            .map(|fact| fact_view(current, fact))
            .collect();
        // Facts of which there are more rows than the page shows say where the rest is.
        let long = single.filter(|p| {
            p.group == group && files(p).is_some_and(|(_, rows)| rows > p.entries.len() as u64)
        });
        let lists = parts.iter();
        let lists = lists.filter(|p| p.shown_as == ShownAs::List && p.group == group);
        let lists: Vec<ListView> = lists
            .map(|p| (p, true))
            .chain(long.map(|p| (p, false)))
            .filter_map(|(part, entries)| Some(list_view(current, part, entries, files(part)?)))
            .collect();
        (!facts.is_empty() || !lists.is_empty()).then(|| GroupView {
            id: format!("group-{}", group as usize),
            heading: group_heading(group),
            facts,
            lists,
        })
    };
    GROUPS.into_iter().filter_map(view).collect()
}

fn list_view(
    current: &Current,
    part: &Part,
    with_entries: bool,
    (files, rows): (FilesView, u64),
) -> ListView {
    let collection = current
        .catalog
        .dataset(&part.dataset)
        .and_then(|d| d.collection(&part.collection));
    let entries: Vec<EntryView> = part
        .entries
        .iter()
        .filter(|_| with_entries)
        .map(|entry| entry_view(part, entry, collection))
        .collect();
    let unseen = rows.saturating_sub(part.entries.len() as u64);
    ListView {
        label: part.label.clone(),
        description: part.description.clone(),
        class: class(part.origin),
        origin: origin_label(part.origin),
        system: part.system.clone(),
        count: present::number(rows),
        more: (unseen > 0).then(|| present::number(unseen)),
        entries,
        files,
    }
}

fn entry_view(
    part: &Part,
    entry: &Entry,
    collection: Option<&fairhold_domain::catalog::Collection>,
) -> EntryView {
    let mut words = title(entry, collection).into_iter();
    let contexts = entry.context.iter().flat_map(|c| &c.facts);
    let facts = entry.facts.iter().chain(contexts);
    EntryView {
        title: words.next().unwrap_or_else(|| capitalised(&part.one_row)),
        more: words.collect::<Vec<_>>().join(" · "),
        pairs: facts
            .map(|f| (f.label.clone(), value(&f.value).0))
            .collect(),
        since: entry.since.clone(),
    }
}

fn fact_view(current: &Current, fact: &Fact) -> FactView {
    let (value, is_note) = value(&fact.value);
    let explanation = explanation(current, fact);
    FactView {
        label: fact.label.clone(),
        value,
        is_note,
        class: class(fact.origin),
        origin: origin_label(fact.origin),
        system: fact.system.clone(),
        since: fact
            .since
            .clone()
            .unwrap_or_else(|| "We don’t know when.".to_owned()),
        points: explanation.map_or_else(
            || vec![("What it is", "Not described yet. This is the name it has in our system. Ask us and we will find out.".to_owned())],
            |e| e.points(),
        ),
    }
}

fn explanation(current: &Current, fact: &Fact) -> Option<Explanation> {
    let dataset = current.catalog.dataset(&fact.path.dataset)?;
    let collection = dataset.collection(&fact.path.collection)?;
    let field = collection.field(&fact.path.field)?;
    Some(explain(&current.catalog, dataset, collection, field))
}

/// A value in words, and whether it is only said that there is one.
fn value(shown: &Shown) -> (String, bool) {
    match shown {
        Shown::Plain(text) | Shown::LastFour(text) => match text.char_indices().nth(LONGEST) {
            None => (text.clone(), false),
            Some((end, _)) => (
                format!(
                    "{}… (The whole of it is in the table.)",
                    text.get(..end).unwrap_or_default()
                ),
                false,
            ),
        },
        // A very large value stays where it is until it is written, and so does its beginning.
        Shown::Long { start, bytes } if start.is_empty() => (
            format!("A text of {}. It is in the table.", present::size(*bytes)),
            true,
        ),
        Shown::Long { start, bytes } => (
            format!(
                "{start}… (This is how it begins. All of it, {}, is in the table.)",
                present::size(*bytes)
            ),
            false,
        ),
        Shown::File { bytes } => (
            format!(
                "A file of {}. It is in the JSON file.",
                present::size(*bytes)
            ),
            true,
        ),
        Shown::Covered => ("Covered".to_owned(), true),
        Shown::Unreadable => (
            "We hold something here, but it is damaged and can’t be read.".to_owned(),
            true,
        ),
        Shown::Withheld(reason) => (format!("Not included. {reason}"), true),
    }
}

/// The class that colours an origin, as My data does.
const fn class(origin: Option<Origin>) -> &'static str {
    match origin {
        Some(Origin::Provided) => "gave",
        Some(Origin::Observed) => "saw",
        Some(Origin::Inferred) => "guess",
        Some(Origin::Obtained) => "got",
        None => "",
    }
}

/// What was asked for, as the end of a sentence.
pub(super) fn wanted_words(current: &Current, wanted: &fairhold_domain::export::Wanted) -> String {
    use fairhold_domain::export::Wanted;
    match wanted {
        Wanted::Everything => "Everything that we hold about you".to_owned(),
        Wanted::Dataset(key) => {
            let dataset = current.catalog.dataset(key);
            let name = dataset.map_or(key.as_str(), |d| d.name.as_str());
            format!("What {} holds about you", facts::in_sentence(name))
        }
        Wanted::Group(group) => format!("Only this part: {}", group_heading(*group)),
    }
}
