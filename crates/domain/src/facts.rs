//! My data as a person thinks of it: facts in groups, counted, searched, with an explanation for each field.

use serde::{Deserialize, Serialize};

use crate::access::join;
use crate::catalog::{
    Basis, Catalog, Collection, Dataset, Erase, Field, Group, Origin, Purpose, Show, ShownAs,
    looks_like_a_secret,
};
use crate::ids::FieldPath;

/// Everything that is held about one customer, as far as this page shows it.
#[derive(Clone, Debug, Default)]
pub struct MyData {
    /// One for each collection that holds something, in the catalog's order.
    pub parts: Vec<Part>,
    /// Every system, with what became of reading it.
    pub systems: Vec<System>,
    /// Tables that nobody described: they can't be tied to anyone. (System's name, table.)
    pub unknown_tables: Vec<(String, String)>,
    /// What the company says it never collects.
    pub never_collected: Vec<String>,
}

/// One of the company's systems.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct System {
    /// The dataset's key.
    pub key: String,
    /// As customers read it.
    pub name: String,
    /// What became of reading it.
    pub state: SystemState,
}

/// What became of reading a system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemState {
    /// Its rows are shown.
    Shown,
    /// It answered, and knows nobody by this address.
    KnowsNobody,
    /// It knows the address, but never checked it: nothing is shown until a second fact matches.
    NeedsSecondFact,
    /// It can't be reached, or refuses.
    Down,
    /// It did not answer in time.
    Slow,
    /// What it holds has changed its form while it was read.
    Changed,
    /// No connection is set up for it.
    NotConnected,
}

impl SystemState {
    /// Whether its part of the page is missing.
    pub const fn is_missing(self) -> bool {
        !matches!(self, Self::Shown | Self::KnowsNobody)
    }
}

/// What one collection holds about the customer.
#[derive(Clone, Debug)]
pub struct Part {
    /// The dataset's key.
    pub dataset: String,
    /// The dataset's name.
    pub system: String,
    /// The collection's name.
    pub collection: String,
    /// As customers read it.
    pub label: String,
    /// What it is.
    pub description: Option<String>,
    /// What one row is called.
    pub one_row: String,
    /// `Facts` or `List`.
    pub shown_as: ShownAs,
    /// Where a list stands.
    pub group: Group,
    /// The origin that most of its fields have.
    pub origin: Option<Origin>,
    /// The rows of this page.
    pub entries: Vec<Entry>,
    /// How many rows there are in all, or more than that.
    pub count: u64,
    /// Counting stopped at `count`.
    pub count_is_more: bool,
    /// Where the next page begins, sealed.
    pub next: Option<String>,
}

/// One row.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    /// Its fields.
    pub facts: Vec<Fact>,
    /// Labels of fields that are empty.
    pub empty: Vec<String>,
    /// Rows that it points at, such as the product of an order line.
    pub context: Vec<Context>,
    /// Since when it is held; `None`: not known.
    pub since: Option<String>,
}

/// A shared row beside an own one.
#[derive(Clone, Debug)]
pub struct Context {
    /// The shared collection, as customers read it.
    pub label: String,
    /// Its fields.
    pub facts: Vec<Fact>,
}

/// One field of one row.
#[derive(Clone, Debug)]
pub struct Fact {
    /// An opaque name of it, for the button that uncovers it.
    pub id: String,
    /// Where it stands.
    pub path: FieldPath,
    /// The dataset's name.
    pub system: String,
    /// Plain label, or the raw name where there is none.
    pub label: String,
    /// Whether the catalog describes it.
    pub described: bool,
    /// How it was obtained.
    pub origin: Option<Origin>,
    /// Where it stands on the page.
    pub group: Group,
    /// Its value.
    pub value: Shown,
    /// Since when it is held, in words; `None`: not known.
    pub since: Option<String>,
    /// Holds what the catalog calls a person's data, not a system's.
    pub sensitive: bool,
}

/// A value as the page shows it.
#[derive(Clone, PartialEq, Eq)]
pub enum Shown {
    /// In plain sight.
    Plain(String),
    /// Covered until the customer uncovers it; the value is not in the page.
    Covered,
    /// Only its end.
    LastFour(String),
    /// Longer than a page shows.
    Long {
        /// How it begins.
        start: String,
        /// Its whole length.
        bytes: u64,
    },
    /// A picture or a file.
    File {
        /// Its length.
        bytes: u64,
    },
    /// It could not be read as text.
    Unreadable,
    /// Held and never shown, for this reason.
    Withheld(String),
}

/// Never the value.
impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain",
            Self::Covered => "Covered",
            Self::LastFour(_) => "LastFour",
            Self::Long { .. } => "Long",
            Self::File { .. } => "File",
            Self::Unreadable => "Unreadable",
            Self::Withheld(_) => "Withheld",
        })
    }
}

/// The reason shown where a column's name is that of a secret and the catalog gives none.
pub const SECRET_REASON: &str =
    "Its name says that it is a secret, such as a password or a card code. We never show those.";

/// Why a field's value is never read, if it is not.
pub fn withheld(name: &str, field: Option<&Field>) -> Option<String> {
    match field.and_then(|f| f.withheld.clone()) {
        Some(reason) => Some(reason),
        None if looks_like_a_secret(name) => Some(SECRET_REASON.to_owned()),
        None => None,
    }
}

/// How a field's value is shown before anybody uncovers it: sensitive ones and those that nobody described are covered.
pub fn show(field: Option<&Field>) -> Show {
    match field {
        None => Show::Covered,
        Some(field) => field.show.unwrap_or(if field.is_sensitive() {
            Show::Covered
        } else {
            Show::Full
        }),
    }
}

/// Where a field stands on the page.
pub fn group(collection: &Collection, field: Option<&Field>) -> Group {
    let Some(field) = field else {
        return Group::NotDescribed;
    };
    match field.origin {
        Some(Origin::Inferred) => return Group::WhatWeWorkedOut,
        Some(Origin::Obtained) => return Group::FromOthers,
        _ => {}
    }
    let is = |start: &str| {
        field.categories.iter().any(|c| {
            c == start
                || c.strip_prefix(start)
                    .is_some_and(|rest| rest.starts_with('.'))
        })
    };
    if let Some(group) = collection.group {
        return group;
    }
    if is("user.contact") {
        Group::HowToReachYou
    } else if is("user.name")
        || is("user.demographic")
        || is("user.job_title")
        || is("user.workplace")
        || is("user.health_and_medical")
    {
        Group::AboutYou
    } else if is("user.payment") || is("user.financial") || is("user.behavior.purchase_history") {
        Group::WhatYouBought
    } else if is("user.behavior")
        || is("user.device")
        || is("user.location")
        || is("user.telemetry")
        || is("user.sensor")
        || is("user.user_sensor")
    {
        Group::WhatYouDid
    } else {
        Group::YourAccount
    }
}

/// Where a list stands: as most of its fields would.
pub fn list_group(collection: &Collection) -> Group {
    most(
        collection
            .fields
            .iter()
            .filter(|f| !is_plumbing(f))
            .map(|f| group(collection, Some(f))),
    )
    .or(collection.group)
    .unwrap_or(Group::NotDescribed)
}

/// The origin that most fields of a collection have.
pub fn list_origin(collection: &Collection) -> Option<Origin> {
    most(
        collection
            .fields
            .iter()
            .filter(|f| !is_plumbing(f))
            .filter_map(|f| f.origin),
    )
    .or_else(|| most(collection.fields.iter().filter_map(|f| f.origin)))
}

/// How a collection is laid out: as the catalog says, or facts where it holds an identity and a list elsewhere.
pub fn shown_as(collection: &Collection) -> ShownAs {
    collection
        .shown_as
        .unwrap_or(if collection.fields.iter().any(|f| f.identity.is_some()) {
            ShownAs::Facts
        } else {
            ShownAs::List
        })
}

/// The words that name an entry of a list: what it points at (the product of an order line), then its first short
/// values that are no keys.
pub fn title(entry: &Entry, collection: Option<&Collection>) -> Vec<String> {
    let short = |fact: &Fact| match &fact.value {
        Shown::Plain(text) if fact.described && (1..=60).contains(&text.chars().count()) => {
            Some(text.clone())
        }
        _ => None,
    };
    // A bare number names nothing; a word, a date or an amount of money does.
    let tells = |text: &String| {
        text.chars()
            .any(|c| c.is_alphabetic() || "€$£¥".contains(c))
    };
    let pointed_at = entry
        .context
        .iter()
        .filter_map(|c| c.facts.iter().filter_map(short).find(tells));
    let own = entry.facts.iter().filter(|fact| {
        collection
            .and_then(|c| c.field(&fact.path.field))
            .is_none_or(|field| !is_plumbing(field))
    });
    pointed_at
        .chain(own.filter_map(short).filter(tells))
        .take(3)
        .collect()
}

/// Keys and references: shown, but they say nothing of the collection's nature.
fn is_plumbing(field: &Field) -> bool {
    field.primary_key
        || !field.references.is_empty()
        || field.categories.iter().all(|c| c.starts_with("system"))
}

fn most<T: Copy + PartialEq>(items: impl Iterator<Item = T>) -> Option<T> {
    let mut counts: Vec<(T, usize)> = Vec::new();
    for item in items {
        match counts.iter_mut().find(|(known, _)| *known == item) {
            Some((_, n)) => *n += 1,
            None => counts.push((item, 1)),
        }
    }
    // The first of the most frequent, so that the catalog's order decides a draw.
    counts
        .iter()
        .rev()
        .max_by_key(|(_, n)| *n)
        .map(|(item, _)| *item)
}

/// The whole page in figures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// All facts. An entry of a list (an order, a page read) is one fact; a field laid out by itself is one.
    pub facts: u64,
    /// There are more: counting stopped somewhere.
    pub more: bool,
    /// By origin: given, seen, worked out, got from others.
    pub by_origin: [u64; 4],
    /// Of fields whose origin nobody declared.
    pub unknown_origin: u64,
    /// Names of the systems that hold something.
    pub systems: Vec<String>,
}

impl Summary {
    /// How many facts are guesses.
    pub const fn guesses(&self) -> u64 {
        let [_, _, guesses, _] = self.by_origin;
        guesses
    }
}

/// Counts what is held. Withheld values and those not described yet count too: nothing that is held is hidden.
pub fn summary(data: &MyData) -> Summary {
    let mut sum = Summary::default();
    for part in &data.parts {
        match part.shown_as {
            ShownAs::Facts => {
                for fact in part.entries.iter().flat_map(|e| &e.facts) {
                    sum.add(fact.origin, 1);
                }
                // Rows that did not fit on the page count as one each.
                let unseen = part.count.saturating_sub(part.entries.len() as u64);
                sum.add(part.origin, unseen);
            }
            ShownAs::List => sum.add(part.origin, part.count),
        }
        sum.more |= part.count_is_more;
        if part.count > 0 && !sum.systems.contains(&part.system) {
            sum.systems.push(part.system.clone());
        }
    }
    sum
}

impl Summary {
    fn add(&mut self, origin: Option<Origin>, n: u64) {
        self.facts += n;
        match origin
            .map(|o| o as usize)
            .and_then(|at| self.by_origin.get_mut(at))
        {
            Some(count) => *count += n,
            None => self.unknown_origin += n,
        }
    }
}

/// What the customer asked to see of the page.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Words that a fact must hold, in its label, its value, its description or its system.
    pub words: String,
    /// Only facts of this origin.
    pub origin: Option<Origin>,
    /// Only facts of the dataset of this key.
    pub system: Option<String>,
}

/// Never the words: they may be personal.
impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Filter")
            .field("origin", &self.origin)
            .field("system", &self.system)
            .finish_non_exhaustive()
    }
}

impl Filter {
    /// Whether everything is shown.
    pub fn is_empty(&self) -> bool {
        self.words.trim().is_empty() && self.origin.is_none() && self.system.is_none()
    }

    /// Takes away what was not asked for. `describe` gives a field's description.
    pub fn apply(&self, data: &mut MyData, describe: impl Fn(&FieldPath) -> Option<String>) {
        let words: Vec<String> = self
            .words
            .to_lowercase()
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        data.parts
            .retain(|p| self.system.as_ref().is_none_or(|s| *s == p.dataset));
        for part in &mut data.parts {
            let part_words =
                format!("{} {} {}", part.label, part.system, part.one_row).to_lowercase();
            let is_list = part.shown_as == ShownAs::List;
            for entry in &mut part.entries {
                let of_part = part_words.as_str();
                let fits = |fact: &Fact| {
                    self.origin.is_none_or(|o| fact.origin == Some(o))
                        && words
                            .iter()
                            .all(|w| of_part.contains(w) || fact.says(&describe).contains(w))
                };
                if is_list {
                    let context_fits = entry.context.iter().flat_map(|c| &c.facts).any(|f| {
                        !words.is_empty() && words.iter().all(|w| f.says(&describe).contains(w))
                    });
                    if !context_fits && !entry.facts.iter().any(fits) {
                        entry.facts.clear();
                    }
                } else {
                    entry.facts.retain(fits);
                }
                if !self.is_empty() {
                    entry.empty.clear();
                }
            }
            if !self.is_empty() {
                part.entries.retain(|e| !e.facts.is_empty());
            }
        }
        if !self.is_empty() {
            data.parts.retain(|p| !p.entries.is_empty());
        }
    }
}

impl Fact {
    /// Everything that searching looks at, in lower case. A covered value is not among it.
    fn says(&self, describe: &impl Fn(&FieldPath) -> Option<String>) -> String {
        let value = match &self.value {
            Shown::Plain(text) | Shown::LastFour(text) | Shown::Long { start: text, .. } => {
                text.as_str()
            }
            Shown::Covered | Shown::File { .. } | Shown::Unreadable | Shown::Withheld(_) => "",
        };
        let what = describe(&self.path).unwrap_or_default();
        format!(
            "{} {} {} {} {}",
            self.label, self.path.field, value, self.system, what
        )
        .to_lowercase()
    }
}

/// What a field is and why it is held: the same for every customer, so it is made once, when the catalog is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What it is.
    pub what: Option<String>,
    /// Why it is held.
    pub why: Option<String>,
    /// How it was obtained, and where it is.
    pub origin: String,
    /// What it is used for, one sentence each.
    pub used_for: Vec<String>,
    /// Who can see it.
    pub seen_by: String,
    /// How long it is kept and what happens then.
    pub kept: String,
    /// Whether it can be erased.
    pub erased: String,
}

/// The explanation of a field.
pub fn explain(
    catalog: &Catalog,
    dataset: &Dataset,
    collection: &Collection,
    field: &Field,
) -> Explanation {
    let company = &catalog.company;
    let purposes: Vec<&Purpose> = field
        .purposes
        .iter()
        .filter_map(|key| company.purpose(key))
        .collect();
    let seen_by = field
        .seen_by
        .iter()
        .filter_map(|key| company.recipient(key))
        .map(|r| format!("{}. {}", r.name, r.what_for));
    let seen_by: Vec<String> = seen_by.collect();
    Explanation {
        what: field.description.clone(),
        why: field.why.clone(),
        origin: format!(
            "{} It is in {}.",
            origin_words(field.origin),
            in_sentence(&dataset.name)
        ),
        used_for: used_for(&purposes),
        seen_by: if seen_by.is_empty() {
            "Nobody but you.".to_owned()
        } else {
            seen_by.join(" ")
        },
        kept: kept(collection, field),
        erased: erased(field),
    }
}

/// The purposes' own words, those of one basis together with what that basis means.
fn used_for(purposes: &[&Purpose]) -> Vec<String> {
    [Basis::Contract, Basis::Law, Basis::Interest, Basis::Consent]
        .into_iter()
        .filter_map(|basis| {
            let words: Vec<&str> = purposes
                .iter()
                .filter(|p| p.basis == basis)
                .map(|p| p.words.as_str())
                .collect();
            (!words.is_empty()).then(|| format!("{} {}", words.join(" "), basis_words(basis)))
        })
        .collect()
}

/// A label inside a sentence: "Letters you opened" becomes "letters you opened"; "CRM notes" stays.
pub fn label_in_sentence(label: &str) -> String {
    let mut letters = label.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if !second.is_uppercase() => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => label.to_owned(),
    }
}

/// A name inside a sentence: "Our shop" becomes "our shop"; other names stay.
pub fn in_sentence(name: &str) -> String {
    for article in ["Our ", "The ", "Your ", "This "] {
        if let Some(rest) = name.strip_prefix(article) {
            return format!("{}{rest}", article.to_lowercase());
        }
    }
    name.to_owned()
}

/// The short words for an origin, as they stand beside a value.
pub const fn origin_label(origin: Option<Origin>) -> &'static str {
    match origin {
        Some(Origin::Provided) => "You gave it",
        Some(Origin::Observed) => "We saw it",
        Some(Origin::Inferred) => "We worked it out",
        Some(Origin::Obtained) => "We got it from others",
        None => "We do not know how we got it",
    }
}

const fn origin_words(origin: Option<Origin>) -> &'static str {
    match origin {
        Some(Origin::Provided) => "You gave it to us.",
        Some(Origin::Observed) => "We saw it when you used what we offer.",
        Some(Origin::Inferred) => "We worked it out. It is a guess and may be wrong.",
        Some(Origin::Obtained) => "We got it from somebody else, not from you.",
        None => "Nobody has written down how we got it.",
    }
}

const fn basis_words(basis: Basis) -> &'static str {
    match basis {
        Basis::Consent => "(Only if you said yes.)",
        Basis::Contract => "(We need it for what you asked us to do.)",
        Basis::Law => "(The law asks for it.)",
        Basis::Interest => "(We decided this ourselves. You can object.)",
    }
}

fn kept(collection: &Collection, field: &Field) -> String {
    let Some(keep) = &field.keep else {
        return "Nobody has written down how long we keep it.".to_owned();
    };
    let counted = keep.duration.starts_with(|c: char| c.is_ascii_digit());
    let long = if counted {
        format!("For {}", keep.duration)
    } else {
        capitalised(&keep.duration)
    };
    let from = keep.from.as_deref().filter(|_| counted);
    let from = from.map(|from| counted_from(collection, from));
    let because = keep.because.as_ref();
    let because = because.map(|because| format!(" The reason: {because}."));
    let then = match field.erase {
        Some(Erase::Mask) => "Then we write over it, so that it leads to nobody.",
        Some(Erase::Null) => "Then we empty it.",
        _ => "Then we delete it.",
    };
    format!(
        "{long}{}.{} {then}",
        from.unwrap_or_default(),
        because.unwrap_or_default()
    )
}

/// The column that starts the clock, by its label where it has one.
fn counted_from(collection: &Collection, from: &str) -> String {
    let column = from.rsplit('.').next().unwrap_or(from);
    match collection.field(column).and_then(|f| f.label.as_deref()) {
        Some(label) => format!(", counted from “{label}”"),
        None => format!(", counted from {}", column.replace('_', " ")),
    }
}

fn erased(field: &Field) -> String {
    match field.erase {
        Some(Erase::Delete) => "Yes. We delete the whole entry.".to_owned(),
        Some(Erase::Null) => "Yes. We empty it.".to_owned(),
        Some(Erase::Mask) => "Yes. We write over it, so that it leads to nobody.".to_owned(),
        Some(Erase::Keep) => match field.keep.as_ref().and_then(|k| k.because.as_ref()) {
            Some(because) => format!("Not yet. We must keep it for now: {because}."),
            None => "Not yet. We must keep it for now.".to_owned(),
        },
        None => "Nobody has written that down yet. Ask us and we will find out.".to_owned(),
    }
}

/// With a capital first letter, as a sentence begins.
pub fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

/// The phrase for a part of what was read: "your orders", or "your birthday in your shop account".
pub fn seen_phrase(catalog: &Catalog, seen: &crate::access::Seen) -> String {
    let collection = catalog
        .dataset(&seen.dataset)
        .and_then(|d| d.collection(&seen.collection));
    let label = collection
        .and_then(|c| c.label.as_deref())
        .map_or_else(|| format!("“{}”", seen.collection), label_in_sentence);
    if seen.fields.is_empty() {
        return label;
    }
    let fields = seen.fields.iter().map(|name| {
        let known = collection
            .and_then(|c| c.field(name))
            .and_then(|f| f.label.as_deref());
        format!("“{}”", known.unwrap_or(name))
    });
    format!("{} in {label}", join(fields))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Keep;
    use proptest::prelude::*;

    fn field(category: &str, origin: Origin) -> Field {
        Field {
            categories: vec![category.to_owned()],
            origin: Some(origin),
            ..Field::default()
        }
    }

    fn fact(label: &str, value: Shown, origin: Origin) -> Fact {
        Fact {
            id: String::new(),
            path: FieldPath::new("shop", "customers", label),
            system: "Our shop".to_owned(),
            label: label.to_owned(),
            described: true,
            origin: Some(origin),
            group: Group::AboutYou,
            value,
            since: None,
            sensitive: false,
        }
    }

    fn part(shown_as: ShownAs, entries: Vec<Entry>, count: u64) -> Part {
        Part {
            dataset: "shop".to_owned(),
            system: "Our shop".to_owned(),
            collection: "customers".to_owned(),
            label: "Your shop account".to_owned(),
            description: None,
            one_row: "account".to_owned(),
            shown_as,
            group: Group::AboutYou,
            origin: Some(Origin::Observed),
            entries,
            count,
            count_is_more: false,
            next: None,
        }
    }

    fn sample() -> MyData {
        let account = Entry {
            facts: vec![
                fact(
                    "First name",
                    Shown::Plain("Ada".to_owned()),
                    Origin::Provided,
                ),
                fact("Taste", Shown::Plain("Strong".to_owned()), Origin::Inferred),
                fact("Birthday", Shown::Covered, Origin::Provided),
            ],
            ..Entry::default()
        };
        let order = |n: &str| Entry {
            facts: vec![fact("Order", Shown::Plain(n.to_owned()), Origin::Observed)],
            ..Entry::default()
        };
        MyData {
            parts: vec![
                part(ShownAs::Facts, vec![account], 1),
                part(ShownAs::List, vec![order("A-1"), order("A-2")], 5_000),
            ],
            ..MyData::default()
        }
    }

    #[test]
    fn groups_as_a_person_thinks() {
        let plain = Collection::default();
        for (category, origin, expected) in [
            ("user.name.first", Origin::Provided, Group::AboutYou),
            ("user.contact.email", Origin::Provided, Group::HowToReachYou),
            ("user.contacts", Origin::Provided, Group::YourAccount),
            ("user.payment", Origin::Observed, Group::WhatYouBought),
            (
                "user.behavior.browsing_history",
                Origin::Observed,
                Group::WhatYouDid,
            ),
            ("user.contact.email", Origin::Obtained, Group::FromOthers),
            (
                "user.health_and_medical",
                Origin::Inferred,
                Group::WhatWeWorkedOut,
            ),
        ] {
            assert_eq!(
                group(&plain, Some(&field(category, origin))),
                expected,
                "{category}"
            );
        }
        assert_eq!(group(&plain, None), Group::NotDescribed);
    }

    #[test]
    fn what_nobody_described_and_what_is_sensitive_is_covered() {
        assert_eq!(show(None), Show::Covered);
        assert_eq!(
            show(Some(&field("user.health_and_medical", Origin::Inferred))),
            Show::Covered
        );
        assert_eq!(
            show(Some(&field("user.name", Origin::Provided))),
            Show::Full
        );
    }

    #[test]
    fn secrets_are_withheld_by_their_name() {
        assert_eq!(
            withheld("password_hash", None).as_deref(),
            Some(SECRET_REASON)
        );
        let field = Field {
            withheld: Some("A scrambled form.".to_owned()),
            ..Field::default()
        };
        assert_eq!(
            withheld("anything", Some(&field)).as_deref(),
            Some("A scrambled form.")
        );
        assert_eq!(withheld("city", None), None);
    }

    #[test]
    fn counts_an_entry_of_a_list_as_one_fact() {
        let sum = summary(&sample());
        assert_eq!(
            (sum.facts, sum.by_origin, sum.guesses()),
            (5_003, [2, 5_000, 1, 0], 1)
        );
        assert_eq!(sum.systems, ["Our shop"]);
    }

    #[test]
    fn finds_words_in_labels_and_values_but_not_under_covers() {
        let find = |words: &str| {
            let mut data = sample();
            Filter {
                words: words.to_owned(),
                ..Filter::default()
            }
            .apply(&mut data, |_| Some("what it is".to_owned()));
            data.parts
                .iter()
                .flat_map(|p| &p.entries)
                .map(|e| e.facts.len())
                .sum::<usize>()
        };
        assert_eq!(find("ada"), 1);
        assert_eq!(find("ADA first"), 1);
        assert_eq!(find("a-2"), 1);
        assert_eq!(find("birthday"), 1);
        assert_eq!(find("1815"), 0);
        assert_eq!(find("what it is"), 5);
        assert_eq!(find(""), 5);
    }

    #[test]
    fn filters_by_origin_and_system() {
        let mut guesses = sample();
        Filter {
            origin: Some(Origin::Inferred),
            ..Filter::default()
        }
        .apply(&mut guesses, |_| None);
        assert_eq!(guesses.parts.len(), 1);
        let mut elsewhere = sample();
        Filter {
            system: Some("news".to_owned()),
            ..Filter::default()
        }
        .apply(&mut elsewhere, |_| None);
        assert!(elsewhere.parts.is_empty());
    }

    #[test]
    fn labels_and_names_fit_into_sentences() {
        assert_eq!(
            label_in_sentence("Letters you opened"),
            "letters you opened"
        );
        assert_eq!(label_in_sentence("CRM notes"), "CRM notes");
        assert_eq!(in_sentence("Our shop"), "our shop");
        assert_eq!(in_sentence("Stripe"), "Stripe");
    }

    #[test]
    fn purposes_of_one_basis_stand_together() {
        let purpose = |words: &str, basis| Purpose {
            key: words.to_owned(),
            data_use: String::new(),
            basis,
            class: crate::catalog::Class::Service,
            channels: Vec::new(),
            words: words.to_owned(),
            version: 1,
            needs: Vec::new(),
            place: crate::catalog::Place::default(),
        };
        let all = [
            purpose("We pack it.", Basis::Contract),
            purpose("We text you.", Basis::Consent),
            purpose("We send a receipt.", Basis::Contract),
        ];
        let said = used_for(&all.iter().collect::<Vec<_>>());
        assert_eq!(said.len(), 2);
        assert!(
            said.first()
                .is_some_and(|s| s.starts_with("We pack it. We send a receipt. (We need"))
        );
    }

    #[test]
    fn explains_in_whole_sentences() {
        let field = Field {
            keep: Some(Keep {
                duration: "7 years".to_owned(),
                from: Some("orders.placed_at".to_owned()),
                because: Some("tax law".to_owned()),
            }),
            erase: Some(Erase::Keep),
            ..Field::default()
        };
        let placed = Field {
            name: "placed_at".to_owned(),
            label: Some("Ordered on".to_owned()),
            ..Field::default()
        };
        let orders = Collection {
            fields: vec![placed],
            ..Collection::default()
        };
        let dataset = Dataset {
            name: "Our shop".to_owned(),
            ..Dataset::default()
        };
        let said = explain(&Catalog::default(), &dataset, &orders, &field);
        assert_eq!(
            said.kept,
            "For 7 years, counted from “Ordered on”. The reason: tax law. Then we delete it."
        );
        assert_eq!(said.erased, "Not yet. We must keep it for now: tax law.");
        assert_eq!(said.seen_by, "Nobody but you.");
        assert!(said.origin.ends_with("It is in our shop."));
    }

    proptest! {
        /// Filtering only ever takes away.
        #[test]
        fn filtering_only_takes_away(words in "\\PC{0,12}") {
            let mut data = sample();
            Filter { words, ..Filter::default() }.apply(&mut data, |_| None);
            prop_assert!(data.parts.iter().flat_map(|p| &p.entries).map(|e| e.facts.len()).sum::<usize>() <= 5);
        }
    }
}
