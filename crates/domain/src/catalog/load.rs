//! Makes the catalog from its files: `company.yml` and `datasets/*.yml`.
//!
//! Pure: the caller reads the files. A mistake becomes a finding with its line, and the rest is still read, so that one
//! run names everything that is wrong. Files of other names are left to those who know them.
//!
//! A new key: a line in the list of keys that its place may have, and one where the item is made.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::check::Finding;
use super::yaml::{self, Entry, Node, Value};
use super::{
    Basis, Catalog, Class, Collection, ColumnRef, Company, CompositeReference, Dataset, Direction,
    Erase, Field, Group, Keep, KeyValueColumns, Look, NeverCollected, OWN_CONNECTION, Origin,
    Place, Purpose, Recipient, Reference, Rows, Said, Show, ShownAs, SignUp, is_known_category,
    is_known_use, keys,
};

/// A file of the catalog's folder.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// As findings shall name it.
    pub path: String,
    /// What stands in it.
    pub text: String,
}

/// What the files say, as far as they could be read.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Complete only where no finding is an error.
    pub catalog: Catalog,
    /// In the order of the files.
    pub findings: Vec<Finding>,
}

/// Reads the catalog's files. A file that can't be read is one finding; the others still load.
pub fn load(files: &[SourceFile]) -> Loaded {
    let mut findings = Vec::new();
    let company = load_company(files, &mut findings);
    let mut dataset_files: Vec<&SourceFile> = files
        .iter()
        .filter(|file| is_dataset_file(&file.path))
        .collect();
    dataset_files.sort_by(|a, b| a.path.cmp(&b.path));
    let mut datasets: Vec<Dataset> = Vec::new();
    for file in dataset_files {
        let mut reader = Reader {
            file: Arc::from(file.path.as_str()),
            findings: &mut findings,
        };
        for dataset in reader.datasets(&file.text) {
            match datasets.iter().find(|d| d.key == dataset.key) {
                Some(first) => findings.push(Finding::error(
                    &dataset.place,
                    "duplicate-dataset",
                    format!(
                        "The dataset `{}` is described already, in {}:{}. Give this one another `fides_key`.",
                        dataset.key, first.place.file, first.place.line
                    ),
                )),
                None => datasets.push(dataset),
            }
        }
    }
    resolve_references(&mut datasets);
    let company_is_known = company.is_some();
    let catalog = Catalog {
        company: company.unwrap_or_else(unknown_company),
        datasets,
    };
    check_names(&catalog, company_is_known, &mut findings);
    Loaded { catalog, findings }
}

fn is_yaml(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ext| ext.eq_ignore_ascii_case("yml") || ext.eq_ignore_ascii_case("yaml"))
}

fn is_company_file(path: &str) -> bool {
    let path = Path::new(path);
    is_yaml(path)
        && path.file_stem().is_some_and(|stem| stem == "company")
        && path
            .parent()
            .and_then(Path::file_name)
            .is_none_or(|folder| folder != "datasets")
}

fn is_dataset_file(path: &str) -> bool {
    let path = Path::new(path);
    is_yaml(path)
        && path
            .parent()
            .and_then(Path::file_name)
            .is_some_and(|folder| folder == "datasets")
}

/// Stands in for a company file that can't be read.
fn unknown_company() -> Company {
    Company {
        time_zone: "UTC".to_owned(),
        place: Place {
            file: Arc::from("company.yml"),
            line: 0,
        },
        ..Company::default()
    }
}

/// `None` where there is no company file that can be read: names that it declares can't be judged then.
fn load_company(files: &[SourceFile], findings: &mut Vec<Finding>) -> Option<Company> {
    let Some(file) = files.iter().find(|file| is_company_file(&file.path)) else {
        findings.push(Finding::error(
            &Place { file: Arc::from("company.yml"), line: 0 },
            "no-company",
            "This file is missing. Write it beside the folder `datasets`, with at least `name: Your company`.".to_owned(),
        ));
        return None;
    };
    Reader {
        file: Arc::from(file.path.as_str()),
        findings,
    }
    .company(&file.text)
}

/// A reference names its target `collection.field`, and either may hold a dot: what is described decides.
fn resolve_references(datasets: &mut [Dataset]) {
    let names: BTreeMap<String, Vec<String>> = datasets
        .iter()
        .map(|d| {
            (
                d.key.clone(),
                d.collections.iter().map(|c| c.name.clone()).collect(),
            )
        })
        .collect();
    let resolve = |target: &mut ColumnRef| {
        let whole = format!("{}.{}", target.collection, target.field);
        // The shorter collection name first, as `reach` reads it.
        let known = names.get(&target.dataset).and_then(|collections| {
            collections
                .iter()
                .filter_map(|name| {
                    Some((name, whole.strip_prefix(name.as_str())?.strip_prefix('.')?))
                })
                .min_by_key(|(name, _)| name.len())
        });
        if let Some((collection, field)) = known {
            target.collection.clone_from(collection);
            field.clone_into(&mut target.field);
        }
    };
    for dataset in datasets {
        dataset.second_facts.iter_mut().for_each(resolve);
        for field in dataset.collections.iter_mut().flat_map(|c| &mut c.fields) {
            field
                .references
                .iter_mut()
                .for_each(|reference| resolve(&mut reference.to));
        }
    }
}

/// Names that point at something: purposes, recipients, connections, collections, fields.
fn check_names(catalog: &Catalog, company_is_known: bool, findings: &mut Vec<Finding>) {
    for dataset in &catalog.datasets {
        if company_is_known {
            check_company_names(&catalog.company, dataset, findings);
        }
        for second in &dataset.second_facts {
            let place = dataset.said.at("second_facts").unwrap_or(&dataset.place);
            check_target(catalog, second, place, "second-fact-nowhere", findings);
        }
        for collection in &dataset.collections {
            for reference in collection.fields.iter().flat_map(|f| &f.references) {
                check_target(
                    catalog,
                    &reference.to,
                    &reference.place,
                    "reference-nowhere",
                    findings,
                );
            }
            for composite in &collection.references {
                for column in &composite.columns {
                    let target = ColumnRef {
                        dataset: composite.dataset.clone(),
                        collection: composite.collection.clone(),
                        field: column.clone(),
                    };
                    check_target(
                        catalog,
                        &target,
                        &composite.place,
                        "reference-nowhere",
                        findings,
                    );
                }
            }
        }
    }
    if company_is_known {
        let purposes: Vec<&str> = catalog
            .company
            .purposes
            .iter()
            .map(|p| p.key.as_str())
            .collect();
        for form in catalog
            .company
            .sign_ups
            .iter()
            .filter(|form| !form.purpose.is_empty())
        {
            unknown_name(
                &form.purpose,
                &purposes,
                "purpose",
                "unknown-purpose",
                &form.place,
                findings,
            );
        }
    }
}

fn check_company_names(company: &Company, dataset: &Dataset, findings: &mut Vec<Finding>) {
    let purposes: Vec<&str> = company.purposes.iter().map(|p| p.key.as_str()).collect();
    let recipients: Vec<&str> = company.recipients.iter().map(|r| r.key.as_str()).collect();
    let mut connections: Vec<&str> = company.connections.iter().map(String::as_str).collect();
    connections.push(OWN_CONNECTION);
    if let Some(connection) = &dataset.connection {
        let place = dataset.said.at("connection").unwrap_or(&dataset.place);
        unknown_name(
            connection,
            &connections,
            "connection",
            "unknown-connection",
            place,
            findings,
        );
    }
    for field in dataset.collections.iter().flat_map(|c| &c.fields) {
        for purpose in &field.purposes {
            let place = field.said.at("purposes").unwrap_or(&field.place);
            unknown_name(
                purpose,
                &purposes,
                "purpose",
                "unknown-purpose",
                place,
                findings,
            );
        }
        for recipient in &field.seen_by {
            let place = field.said.at("seen_by").unwrap_or(&field.place);
            unknown_name(
                recipient,
                &recipients,
                "recipient",
                "unknown-recipient",
                place,
                findings,
            );
        }
    }
}

fn unknown_name(
    name: &str,
    known: &[&str],
    kind: &str,
    code: &'static str,
    place: &Place,
    findings: &mut Vec<Finding>,
) {
    if known.contains(&name) {
        return;
    }
    let hint = match keys::nearest(name, known) {
        Some(near) => format!("Did you mean `{near}`?"),
        None if known.is_empty() => format!("Declare it in company.yml under `{kind}s`."),
        None => format!(
            "Write one of: {}; or declare it in company.yml under `{kind}s`.",
            list(known)
        ),
    };
    // What is inherited by many fields is wrong in one place.
    let finding = Finding::error(place, code, format!("There is no {kind} `{name}`. {hint}"));
    if !findings.contains(&finding) {
        findings.push(finding);
    }
}

fn check_target(
    catalog: &Catalog,
    target: &ColumnRef,
    place: &Place,
    code: &'static str,
    findings: &mut Vec<Finding>,
) {
    let shown = format!("{}.{}", target.collection, target.field);
    let Some(dataset) = catalog.dataset(&target.dataset) else {
        let known: Vec<&str> = catalog.datasets.iter().map(|d| d.key.as_str()).collect();
        let hint = did_you_mean(&target.dataset, &known);
        findings.push(Finding::error(
            place,
            code,
            format!("`{shown}` is looked for in the dataset `{}`, which nobody described. {hint}Correct `dataset`.", target.dataset),
        ));
        return;
    };
    let Some(collection) = dataset.collection(&target.collection) else {
        let known: Vec<&str> = dataset
            .collections
            .iter()
            .map(|c| c.name.as_str())
            .collect();
        let hint = did_you_mean(&target.collection, &known);
        findings.push(Finding::error(
            place,
            code,
            format!(
                "The dataset `{}` has no collection `{}`. {hint}Write `field: Collection.column` with a collection of that dataset.",
                target.dataset, target.collection
            ),
        ));
        return;
    };
    if collection.field(&target.field).is_none() {
        let known: Vec<&str> = collection.fields.iter().map(|f| f.name.as_str()).collect();
        let hint = did_you_mean(&target.field, &known);
        findings.push(Finding::error(
            place,
            code,
            format!(
                "The collection `{}` describes no field `{}`. {hint}Correct the name, or describe the field there.",
                target.collection, target.field
            ),
        ));
    }
}

fn did_you_mean(name: &str, known: &[&str]) -> String {
    keys::nearest(name, known)
        .map(|near| format!("Did you mean `{near}`? "))
        .unwrap_or_default()
}

fn list(names: &[&str]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

const COMPANY_KEYS: &[&str] = &[
    "name",
    "tagline",
    "contact",
    "privacy_contact",
    "jurisdictions",
    "time_zone",
    "public_address",
    "logo",
    "colours",
    "connections",
    "purposes",
    "recipients",
    "never_collected",
    "systems_that_report_looks",
    "sign_ups",
    "says_not_sold",
    "programmes",
];
const COLOUR_KEYS: &[&str] = &["brand", "brand_dark"];
const PURPOSE_KEYS: &[&str] = &[
    "key", "use", "basis", "class", "channels", "words", "version", "needs",
];
const RECIPIENT_KEYS: &[&str] = &["key", "name", "what_for", "country", "sells"];
const NEVER_KEYS: &[&str] = &["words", "categories"];
const SIGN_UP_KEYS: &[&str] = &["name", "purpose", "demands"];
const CHANNELS: &[&str] = &["email", "sms", "post", "phone", "push", "web"];

/// Keys that hold for all fields below where they stand.
const DEFAULT_KEYS: &[&str] = &[
    "why", "origin", "purposes", "seen_by", "keep", "erase", "show",
];
const DATASET_PORTAL_KEYS: &[&str] = &["connection", "second_facts"];
const COLLECTION_PORTAL_KEYS: &[&str] = &[
    "rows",
    "label",
    "one_row",
    "group",
    "shown_as",
    "since",
    "last_seen",
    "order_by",
    "where",
    "key_value",
    "schema",
    "references",
];
const FIELD_PORTAL_KEYS: &[&str] = &["label", "what", "verified", "withheld", "currency", "words"];
const KEEP_KEYS: &[&str] = &["for", "from", "because"];
const KEY_VALUE_KEYS: &[&str] = &["key_column", "value_column"];
const COMPOSITE_KEYS: &[&str] = &["fields", "dataset", "collection", "columns", "direction"];
const SECOND_FACT_KEYS: &[&str] = &["dataset", "field"];

/// What a Fides dataset file may hold by its own rules, as far as it is read or changes nothing here.
const FIDES_FILE_KEYS: &[&str] = &["dataset"];
const FIDES_DATASET_KEYS: &[&str] = &[
    "fides_key",
    "organization_fides_key",
    "name",
    "description",
    "meta",
    "tags",
    "data_categories",
    "fides_meta",
    "fidesops_meta",
    "collections",
    "portal",
];
const FIDES_COLLECTION_KEYS: &[&str] = &[
    "name",
    "description",
    "data_categories",
    "fides_meta",
    "fidesops_meta",
    "fields",
    "portal",
];
const FIDES_FIELD_KEYS: &[&str] = &[
    "name",
    "description",
    "data_categories",
    "fides_meta",
    "fidesops_meta",
    "fields",
    "portal",
];
const FIDES_META_KEYS: &[&str] = &[
    "primary_key",
    "identity",
    "data_type",
    "length",
    "references",
    "read_only",
    "return_all_elements",
];
const FIDES_REFERENCE_KEYS: &[&str] = &["dataset", "field", "direction"];

const BASES: &[(&str, Basis)] = &[
    ("consent", Basis::Consent),
    ("contract", Basis::Contract),
    ("law", Basis::Law),
    ("interest", Basis::Interest),
];
const CLASSES: &[(&str, Class)] = &[("service", Class::Service), ("marketing", Class::Marketing)];
const ROWS: &[(&str, Rows)] = &[
    ("own", Rows::Own),
    ("shared", Rows::Shared),
    ("others", Rows::Others),
    ("nobody", Rows::Nobody),
];
const GROUPS: &[(&str, Group)] = &[
    ("about_you", Group::AboutYou),
    ("how_to_reach_you", Group::HowToReachYou),
    ("what_you_bought", Group::WhatYouBought),
    ("what_you_did", Group::WhatYouDid),
    ("what_we_worked_out", Group::WhatWeWorkedOut),
    ("from_others", Group::FromOthers),
    ("your_account", Group::YourAccount),
    ("not_described", Group::NotDescribed),
];
const LAYOUTS: &[(&str, ShownAs)] = &[("facts", ShownAs::Facts), ("list", ShownAs::List)];
const ORIGINS: &[(&str, Origin)] = &[
    ("provided", Origin::Provided),
    ("observed", Origin::Observed),
    ("inferred", Origin::Inferred),
    ("obtained", Origin::Obtained),
];
const ERASES: &[(&str, Erase)] = &[
    ("delete", Erase::Delete),
    ("null", Erase::Null),
    ("mask", Erase::Mask),
    ("keep", Erase::Keep),
];
const SHOWS: &[(&str, Show)] = &[
    ("full", Show::Full),
    ("last4", Show::Last4),
    ("covered", Show::Covered),
];
const DIRECTIONS: &[(&str, Direction)] = &[("from", Direction::From), ("to", Direction::To)];
const FLAGS: &[(&str, bool)] = &[
    ("true", true),
    ("false", false),
    ("yes", true),
    ("no", false),
];

/// How strictly keys that nobody knows are taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keys {
    /// Ours: an unknown key is a mistake.
    Ours,
    /// Fides': it knows keys that we don't use.
    Fides,
}

/// What the fields below a dataset, a collection or a field with parts say unless they say otherwise.
#[derive(Clone, Debug, Default)]
struct Defaults {
    why: Option<String>,
    origin: Option<Origin>,
    purposes: Option<Vec<String>>,
    seen_by: Option<Vec<String>>,
    keep: Option<Keep>,
    erase: Option<Erase>,
    show: Option<Show>,
    categories: Vec<String>,
    said: Said,
}

/// A map of a file, with the lines of its keys.
#[derive(Clone, Copy)]
struct Map<'a> {
    line: u32,
    entries: &'a [Entry],
}

impl<'a> Map<'a> {
    const EMPTY: Self = Map {
        line: 0,
        entries: &[],
    };

    fn get(self, key: &str) -> Option<&'a Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

/// Reads one file and notes what is wrong with it.
struct Reader<'f> {
    file: Arc<str>,
    findings: &'f mut Vec<Finding>,
}

impl Reader<'_> {
    fn place(&self, line: u32) -> Place {
        Place {
            file: Arc::clone(&self.file),
            line,
        }
    }

    fn error(&mut self, line: u32, code: &'static str, message: String) {
        let place = self.place(line);
        self.findings.push(Finding::error(&place, code, message));
    }

    fn note(&mut self, line: u32, code: &'static str, message: String) {
        let place = self.place(line);
        self.findings.push(Finding::note(&place, code, message));
    }

    fn parse(&mut self, text: &str) -> Option<Node> {
        match yaml::parse(text) {
            Ok(node) => Some(node),
            Err(broken) => {
                self.error(broken.line, "broken-yaml", broken.message);
                None
            }
        }
    }

    // ---- pieces ----

    fn map<'a>(&mut self, node: &'a Node, what: &str) -> Option<Map<'a>> {
        if let Value::Map(entries) = &node.value {
            return Some(Map {
                line: node.line,
                entries,
            });
        }
        self.error(
            node.line,
            "wrong-shape",
            format!("Here {what} is expected, as lines of `key: value`."),
        );
        None
    }

    /// The map under a key; an empty one where the key is absent or set to nothing.
    fn map_at<'a>(&mut self, map: Map<'a>, key: &str, what: &str) -> Map<'a> {
        match map.get(key) {
            Some(entry) if !matches!(entry.node.value, Value::Nothing) => {
                self.map(&entry.node, what).map_or(Map::EMPTY, |inner| Map {
                    line: entry.line,
                    ..inner
                })
            }
            _ => Map::EMPTY,
        }
    }

    fn known_keys(&mut self, map: Map<'_>, known: &[&[&str]], keys: Keys, at: &str) {
        let known = known.concat();
        for entry in map
            .entries
            .iter()
            .filter(|entry| !known.contains(&entry.key.as_str()))
        {
            let key = &entry.key;
            let near = keys::nearest(key, &known);
            let hint = near
                .map(|near| format!(" Did you mean `{near}`?"))
                .unwrap_or_default();
            match keys {
                Keys::Ours if near.is_some() => {
                    self.error(entry.line, "unknown-key", format!("There is no key `{key}` in {at}.{hint}"));
                }
                Keys::Ours => self.error(
                    entry.line,
                    "unknown-key",
                    format!("There is no key `{key}` in {at}. Write one of: {}.", list(&known)),
                ),
                Keys::Fides if key == "masking_strategy_override" => self.note(
                    entry.line,
                    "not-used",
                    "The portal does not use `masking_strategy_override`. Write `portal: { erase: mask }`.".to_owned(),
                ),
                Keys::Fides => {
                    self.note(entry.line, "not-used", format!("The portal does not use `{key}` in {at}.{hint}"));
                }
            }
        }
    }

    fn text_of(&mut self, entry: &Entry) -> Option<String> {
        match &entry.node.value {
            Value::Text(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            Value::Text(_) | Value::Nothing => None,
            Value::List(_) | Value::Map(_) => {
                let key = &entry.key;
                self.error(
                    entry.line,
                    "wrong-shape",
                    format!("`{key}` takes one text. Write `{key}: your words`."),
                );
                None
            }
        }
    }

    /// The text under a key; `None` where it is absent or empty.
    fn text(&mut self, map: Map<'_>, key: &str) -> Option<String> {
        map.get(key).and_then(|entry| self.text_of(entry))
    }

    /// A text that must be there.
    fn needed(&mut self, map: Map<'_>, key: &str, whose: &str) -> String {
        let text = self.text(map, key);
        if text.is_none() {
            let line = map.get(key).map_or(map.line, |entry| entry.line);
            self.error(
                line,
                "missing-key",
                format!("{whose} has no `{key}`. Add `{key}: ...`."),
            );
        }
        text.unwrap_or_default()
    }

    fn choice<T: Copy>(&mut self, map: Map<'_>, key: &str, choices: &[(&str, T)]) -> Option<T> {
        let entry = map.get(key)?;
        // `erase: null` is a word here; YAML reads it as nothing.
        let said = match &entry.node.value {
            Value::Nothing if choices.iter().any(|(word, _)| *word == "null") => "null".to_owned(),
            _ => self.text_of(entry)?,
        };
        let found = choices
            .iter()
            .find(|(word, _)| *word == said)
            .map(|(_, value)| *value);
        if found.is_none() {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            let hint = did_you_mean(&said, &words);
            self.error(
                entry.node.line,
                "unknown-value",
                format!(
                    "`{key}` can't be `{said}`. {hint}Write one of: {}.",
                    list(&words)
                ),
            );
        }
        found
    }

    fn items<'a>(&mut self, map: Map<'a>, key: &str) -> &'a [Node] {
        match map.get(key) {
            None => &[],
            Some(entry) => match &entry.node.value {
                Value::List(items) => items,
                Value::Nothing => &[],
                Value::Text(_) | Value::Map(_) => {
                    self.error(
                        entry.line,
                        "wrong-shape",
                        format!("`{key}` takes a list, each item behind a `-`."),
                    );
                    &[]
                }
            },
        }
    }

    /// Texts with their lines; one text alone counts as a list of one.
    fn texts(&mut self, map: Map<'_>, key: &str) -> Vec<(u32, String)> {
        let Some(entry) = map.get(key) else {
            return Vec::new();
        };
        if let Value::Text(text) = &entry.node.value {
            return vec![(entry.node.line, text.trim().to_owned())];
        }
        let mut texts = Vec::new();
        for item in self.items(map, key) {
            match &item.value {
                Value::Text(text) => texts.push((item.line, text.trim().to_owned())),
                _ => self.error(
                    item.line,
                    "wrong-shape",
                    format!("`{key}` takes a list of plain texts."),
                ),
            }
        }
        texts
    }

    fn plain_texts(&mut self, map: Map<'_>, key: &str) -> Vec<String> {
        self.texts(map, key)
            .into_iter()
            .map(|(_, text)| text)
            .collect()
    }

    fn said_at(&self, map: Map<'_>, known: &[&'static str]) -> Vec<(&'static str, Place)> {
        known
            .iter()
            .filter_map(|key| Some((*key, self.place(map.get(key)?.line))))
            .collect()
    }

    /// fideslang categories under a key; unknown ones are named and left out.
    fn categories(&mut self, map: Map<'_>, key: &str) -> Vec<String> {
        let mut known = Vec::new();
        for (line, category) in self.texts(map, key) {
            if is_known_category(&category) {
                known.push(category);
            } else {
                let hint = keys::nearest_category(&category).map_or_else(
                    || "Write a fideslang data category, such as `user.contact.email`.".to_owned(),
                    |near| format!("Did you mean `{near}`?"),
                );
                self.error(
                    line,
                    "unknown-category",
                    format!("There is no data category `{category}`. {hint}"),
                );
            }
        }
        known
    }

    // ---- company.yml ----

    fn company(&mut self, text: &str) -> Option<Company> {
        let node = self.parse(text)?;
        if matches!(node.value, Value::Nothing) {
            self.error(
                0,
                "missing-key",
                "This file is empty. Write at least `name: Your company`.".to_owned(),
            );
            return None;
        }
        let map = self.map(&node, "what the company says of itself")?;
        self.known_keys(map, &[COMPANY_KEYS], Keys::Ours, "company.yml");
        Some(Company {
            name: self.needed(map, "name", "The company"),
            tagline: self.text(map, "tagline"),
            contact: self.text(map, "contact"),
            privacy_contact: self.text(map, "privacy_contact"),
            jurisdictions: self.plain_texts(map, "jurisdictions"),
            time_zone: self.time_zone(map),
            look: self.look(map),
            connections: self.plain_texts(map, "connections"),
            purposes: self.purposes(map),
            recipients: self.recipients(map),
            never_collected: self.never_collected(map),
            systems_that_report_looks: self.plain_texts(map, "systems_that_report_looks"),
            sign_ups: self.sign_ups(map),
            says_not_sold: self.choice(map, "says_not_sold", FLAGS).unwrap_or(false),
            place: self.place(map.line),
        })
    }

    fn time_zone(&mut self, map: Map<'_>) -> String {
        let Some(entry) = map.get("time_zone") else {
            return "UTC".to_owned();
        };
        let Some(name) = self.text_of(entry) else {
            return "UTC".to_owned();
        };
        // Whether the zone exists is for the time library's tables to say; here only its shape can be judged.
        let well_formed = name.len() <= 64
            && name.split('/').all(|part| {
                !part.is_empty()
                    && part
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || "_-+".contains(c))
            });
        if !well_formed {
            self.error(
                entry.node.line,
                "bad-time-zone",
                format!(
                    "`{name}` is not the name of a time zone. Write one such as `Europe/Dublin`."
                ),
            );
            return "UTC".to_owned();
        }
        name
    }

    fn look(&mut self, map: Map<'_>) -> Look {
        let colours = self.map_at(map, "colours", "a list of colours");
        self.known_keys(colours, &[COLOUR_KEYS], Keys::Ours, "`colours`");
        Look {
            logo: self.logo(map),
            brand: self.colour(colours, "brand"),
            brand_dark: self.colour(colours, "brand_dark"),
        }
    }

    fn logo(&mut self, map: Map<'_>) -> Option<String> {
        let entry = map.get("logo")?;
        let name = self.text_of(entry)?;
        let plain = !name.starts_with('.')
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        if plain {
            return Some(name);
        }
        self.error(
            entry.node.line,
            "bad-logo",
            format!("`{name}` is not a plain file name. Put the picture into the folder `public` and write its name, such as `logo.svg`."),
        );
        None
    }

    fn colour(&mut self, map: Map<'_>, key: &str) -> Option<String> {
        let entry = map.get(key)?;
        let said = self.text_of(entry);
        let is_colour = said
            .as_deref()
            .and_then(|s| s.strip_prefix('#'))
            .is_some_and(|digits| {
                digits.len() == 6 && digits.chars().all(|c| c.is_ascii_hexdigit())
            });
        if is_colour {
            return said.map(|colour| colour.to_lowercase());
        }
        let said = said.unwrap_or_else(|| "nothing (an unquoted # starts a remark)".to_owned());
        self.error(
            entry.line,
            "bad-colour",
            format!("`{key}` can't be {said}. Write a colour in quotes, such as \"#1f6f54\"."),
        );
        None
    }

    fn purposes(&mut self, company: Map<'_>) -> Vec<Purpose> {
        let mut purposes: Vec<Purpose> = Vec::new();
        for node in self.items(company, "purposes") {
            let Some(map) = self.map(node, "a purpose") else {
                continue;
            };
            let purpose = self.purpose(map);
            if !purpose.key.is_empty() && purposes.iter().any(|p| p.key == purpose.key) {
                self.duplicate(map, "purpose", &purpose.key);
            } else {
                purposes.push(purpose);
            }
        }
        purposes
    }

    fn duplicate(&mut self, map: Map<'_>, kind: &str, key: &str) {
        self.error(
            map.line,
            "duplicate-key",
            format!("There are two {kind}s `{key}`. Give one another `key`."),
        );
    }

    fn purpose(&mut self, map: Map<'_>) -> Purpose {
        self.known_keys(map, &[PURPOSE_KEYS], Keys::Ours, "a purpose");
        let key = self.needed(map, "key", "A purpose");
        let whose = format!("The purpose `{key}`");
        for (line, channel) in self.texts(map, "channels") {
            if !CHANNELS.contains(&channel.as_str()) {
                let hint = did_you_mean(&channel, CHANNELS);
                self.error(
                    line,
                    "unknown-value",
                    format!(
                        "There is no channel `{channel}`. {hint}Write one of: {}.",
                        list(CHANNELS)
                    ),
                );
            }
        }
        // What is not said is named by `needed`; the strictest reading stands in for it.
        let basis = self.choice(map, "basis", BASES);
        if basis.is_none()
            && map
                .get("basis")
                .is_none_or(|e| matches!(e.node.value, Value::Nothing))
        {
            self.needed(map, "basis", &whose);
        }
        let class = self.choice(map, "class", CLASSES);
        if class.is_none()
            && map
                .get("class")
                .is_none_or(|e| matches!(e.node.value, Value::Nothing))
        {
            self.needed(map, "class", &whose);
        }
        Purpose {
            data_use: self.data_use(map, &whose),
            basis: basis.unwrap_or(Basis::Consent),
            class: class.unwrap_or(Class::Marketing),
            channels: self.plain_texts(map, "channels"),
            words: self.needed(map, "words", &whose),
            version: self.version(map),
            needs: self.categories(map, "needs"),
            place: self.place(map.line),
            key,
        }
    }

    fn data_use(&mut self, map: Map<'_>, whose: &str) -> String {
        let data_use = self.needed(map, "use", whose);
        if !data_use.is_empty() && !is_known_use(&data_use) {
            let hint = keys::nearest_use(&data_use).map_or_else(
                || "Write a fideslang data use, such as `essential.service`.".to_owned(),
                |near| format!("Did you mean `{near}`?"),
            );
            let line = map.get("use").map_or(map.line, |entry| entry.line);
            self.error(
                line,
                "unknown-use",
                format!("There is no data use `{data_use}`. {hint}"),
            );
        }
        data_use
    }

    fn version(&mut self, map: Map<'_>) -> u32 {
        let Some(entry) = map.get("version") else {
            return 1;
        };
        match self.text_of(entry).map(|said| said.parse::<u32>()) {
            None => 1,
            Some(Ok(version)) if version > 0 => version,
            Some(_) => {
                self.error(
                    entry.line,
                    "unknown-value",
                    "`version` counts from 1. Write `version: 1`.".to_owned(),
                );
                1
            }
        }
    }

    fn recipients(&mut self, company: Map<'_>) -> Vec<Recipient> {
        let mut recipients: Vec<Recipient> = Vec::new();
        for node in self.items(company, "recipients") {
            let Some(map) = self.map(node, "a recipient") else {
                continue;
            };
            self.known_keys(map, &[RECIPIENT_KEYS], Keys::Ours, "a recipient");
            let key = self.needed(map, "key", "A recipient");
            let whose = format!("The recipient `{key}`");
            if !key.is_empty() && recipients.iter().any(|r| r.key == key) {
                self.duplicate(map, "recipient", &key);
                continue;
            }
            recipients.push(Recipient {
                name: self.needed(map, "name", &whose),
                what_for: self.needed(map, "what_for", &whose),
                country: self.text(map, "country"),
                sells: self.choice(map, "sells", FLAGS).unwrap_or(false),
                place: self.place(map.line),
                key,
            });
        }
        recipients
    }

    fn never_collected(&mut self, company: Map<'_>) -> Vec<NeverCollected> {
        let mut never = Vec::new();
        for node in self.items(company, "never_collected") {
            match &node.value {
                Value::Text(key) if is_known_category(key) => never.push(NeverCollected {
                    words: words_of_category(key),
                    categories: vec![key.clone()],
                }),
                Value::Text(words) => never.push(NeverCollected {
                    words: words.clone(),
                    categories: Vec::new(),
                }),
                _ => {
                    let Some(map) = self.map(node, "a thing that you never collect") else {
                        continue;
                    };
                    self.known_keys(map, &[NEVER_KEYS], Keys::Ours, "`never_collected`");
                    let words = self.needed(map, "words", "A thing that you never collect");
                    never.push(NeverCollected {
                        words,
                        categories: self.categories(map, "categories"),
                    });
                }
            }
        }
        never
    }

    fn sign_ups(&mut self, company: Map<'_>) -> Vec<SignUp> {
        let mut forms = Vec::new();
        for node in self.items(company, "sign_ups") {
            let Some(map) = self.map(node, "a sign-up form") else {
                continue;
            };
            self.known_keys(map, &[SIGN_UP_KEYS], Keys::Ours, "a sign-up form");
            let name = self.needed(map, "name", "A sign-up form");
            forms.push(SignUp {
                purpose: self.needed(map, "purpose", &format!("The sign-up form `{name}`")),
                demands: self.categories(map, "demands"),
                place: self.place(map.line),
                name,
            });
        }
        forms
    }

    // ---- datasets/*.yml ----

    fn datasets(&mut self, text: &str) -> Vec<Dataset> {
        let Some(node) = self.parse(text) else {
            return Vec::new();
        };
        if matches!(node.value, Value::Nothing) {
            self.note(
                0,
                "not-used",
                "This file is empty. Describe a dataset in it, or take it away.".to_owned(),
            );
            return Vec::new();
        }
        let Some(file) = self.map(&node, "a Fides file (`dataset:`)") else {
            return Vec::new();
        };
        for entry in file
            .entries
            .iter()
            .filter(|entry| !FIDES_FILE_KEYS.contains(&entry.key.as_str()))
        {
            let key = &entry.key;
            let hint = did_you_mean(key, FIDES_FILE_KEYS);
            self.note(
                entry.line,
                "not-used",
                format!("The portal does not use the section `{key}`. {hint}")
                    .trim()
                    .to_owned(),
            );
        }
        let mut datasets = Vec::new();
        for node in self.items(file, "dataset") {
            if let Some(map) = self.map(node, "a dataset") {
                datasets.push(self.dataset(map));
            }
        }
        datasets
    }

    fn dataset(&mut self, map: Map<'_>) -> Dataset {
        self.known_keys(map, &[FIDES_DATASET_KEYS], Keys::Fides, "a dataset");
        let key = self.needed(map, "fides_key", "A dataset");
        if key.starts_with('<') && key.ends_with('>') {
            let line = map.get("fides_key").map_or(map.line, |entry| entry.line);
            self.note(
                line,
                "placeholder",
                format!(
                    "`{key}` is a placeholder. Write the dataset's own key, such as `payments`."
                ),
            );
        }
        let portal = self.map_at(map, "portal", "what the portal needs to know");
        self.known_keys(
            portal,
            &[DATASET_PORTAL_KEYS, DEFAULT_KEYS],
            Keys::Ours,
            "a dataset's `portal`",
        );
        let top = Defaults {
            categories: self.categories(map, "data_categories"),
            ..Defaults::default()
        };
        let defaults = self.defaults(portal, &top);
        let mut collections: Vec<Collection> = Vec::new();
        for node in self.items(map, "collections") {
            let Some(inner) = self.map(node, "a collection") else {
                continue;
            };
            let collection = self.collection(inner, &key, &defaults);
            let twin = collections
                .iter()
                .find(|c| c.name == collection.name && c.schema == collection.schema);
            if let Some(first) = twin.filter(|_| !collection.name.is_empty()) {
                let first_line = first.place.line;
                self.error(
                    inner.line,
                    "duplicate-collection",
                    format!(
                        "The collection `{}` is described already, in line {first_line}. Put both into one, or take one away.",
                        collection.name
                    ),
                );
            } else {
                collections.push(collection);
            }
        }
        let mut said = Said(self.said_at(map, &["name", "description"]));
        said.0.extend(self.said_at(portal, DATASET_PORTAL_KEYS));
        Dataset {
            name: self.text(map, "name").unwrap_or_else(|| key.clone()),
            description: self.text(map, "description"),
            connection: self.text(portal, "connection"),
            second_facts: self.second_facts(portal, &key),
            collections,
            place: self.place(map.line),
            said,
            key,
        }
    }

    fn second_facts(&mut self, portal: Map<'_>, dataset: &str) -> Vec<ColumnRef> {
        let mut facts = Vec::new();
        for node in self.items(portal, "second_facts") {
            let target = if let Value::Text(text) = &node.value {
                column_ref(dataset, text)
            } else {
                let Some(map) = self.map(node, "a field (`Collection.column`)") else {
                    continue;
                };
                self.known_keys(map, &[SECOND_FACT_KEYS], Keys::Ours, "`second_facts`");
                let named = self.text(map, "dataset");
                let field = self.needed(map, "field", "A second fact");
                column_ref(named.as_deref().unwrap_or(dataset), &field)
            };
            match target {
                Some(target) => facts.push(target),
                None => self.error(
                    node.line,
                    "wrong-shape",
                    "A second fact is a field. Write it as `Collection.column`.".to_owned(),
                ),
            }
        }
        facts
    }

    /// What a `portal:` says for the fields below it, over what they inherit from above.
    fn defaults(&mut self, portal: Map<'_>, above: &Defaults) -> Defaults {
        let mut said = self.said_at(portal, DEFAULT_KEYS);
        for (key, place) in &above.said.0 {
            if !said.iter().any(|(own, _)| own == key) {
                said.push((key, place.clone()));
            }
        }
        let names = |reader: &mut Self, key: &str, inherited: &Option<Vec<String>>| {
            portal
                .get(key)
                .map(|_| reader.plain_texts(portal, key))
                .or_else(|| inherited.clone())
        };
        Defaults {
            why: self.text(portal, "why").or_else(|| above.why.clone()),
            origin: self.choice(portal, "origin", ORIGINS).or(above.origin),
            purposes: names(self, "purposes", &above.purposes),
            seen_by: names(self, "seen_by", &above.seen_by),
            keep: self.keep(portal).or_else(|| above.keep.clone()),
            erase: self.choice(portal, "erase", ERASES).or(above.erase),
            show: self.choice(portal, "show", SHOWS).or(above.show),
            categories: above.categories.clone(),
            said: Said(said),
        }
    }

    fn keep(&mut self, portal: Map<'_>) -> Option<Keep> {
        let entry = portal.get("keep")?;
        match &entry.node.value {
            Value::Nothing => None,
            Value::Text(duration) => Some(Keep {
                duration: duration.trim().to_owned(),
                from: None,
                because: None,
            }),
            _ => {
                let map = self.map_at(portal, "keep", "how long it is kept");
                self.known_keys(map, &[KEEP_KEYS], Keys::Ours, "`keep`");
                let duration = self.needed(map, "for", "`keep`");
                (!duration.is_empty()).then(|| Keep {
                    duration,
                    from: self.text(map, "from"),
                    because: self.text(map, "because"),
                })
            }
        }
    }

    fn collection(&mut self, map: Map<'_>, dataset: &str, above: &Defaults) -> Collection {
        self.known_keys(map, &[FIDES_COLLECTION_KEYS], Keys::Fides, "a collection");
        let portal = self.map_at(map, "portal", "what the portal needs to know");
        self.known_keys(
            portal,
            &[COLLECTION_PORTAL_KEYS, DEFAULT_KEYS],
            Keys::Ours,
            "a collection's `portal`",
        );
        let mut defaults = self.defaults(portal, above);
        let own = self.categories(map, "data_categories");
        if !own.is_empty() {
            defaults.categories = own;
        }
        let mut fields = Vec::new();
        self.fields(map, "", dataset, &defaults, &mut fields);
        let mut said = Said(self.said_at(map, &["name", "description"]));
        said.0.extend(self.said_at(portal, COLLECTION_PORTAL_KEYS));
        Collection {
            name: self.needed(map, "name", "A collection"),
            schema: self.text(portal, "schema"),
            label: self.text(portal, "label"),
            one_row: self.text(portal, "one_row"),
            description: self.text(map, "description"),
            rows: self.choice(portal, "rows", ROWS),
            group: self.choice(portal, "group", GROUPS),
            shown_as: self.choice(portal, "shown_as", LAYOUTS),
            since: self.text(portal, "since"),
            last_seen: self.text(portal, "last_seen"),
            order_by: self.text(portal, "order_by"),
            filter: self.pairs(portal, "where"),
            key_value: self.key_value(portal),
            references: self.composite_references(portal, dataset),
            fields,
            place: self.place(map.line),
            said,
        }
    }

    /// Texts by key, in the file's order.
    fn pairs(&mut self, map: Map<'_>, key: &str) -> Vec<(String, String)> {
        let inner = self.map_at(map, key, "a list of `key: value`");
        inner
            .entries
            .iter()
            .filter_map(|entry| Some((entry.key.clone(), self.text_of(entry)?)))
            .collect()
    }

    fn key_value(&mut self, portal: Map<'_>) -> Option<KeyValueColumns> {
        portal.get("key_value")?;
        let map = self.map_at(portal, "key_value", "the two columns of a key/value table");
        self.known_keys(map, &[KEY_VALUE_KEYS], Keys::Ours, "`key_value`");
        let key_column = self.needed(map, "key_column", "`key_value`");
        let value_column = self.needed(map, "value_column", "`key_value`");
        (!key_column.is_empty() && !value_column.is_empty()).then_some(KeyValueColumns {
            key_column,
            value_column,
        })
    }

    fn composite_references(&mut self, portal: Map<'_>, dataset: &str) -> Vec<CompositeReference> {
        let mut references = Vec::new();
        for node in self.items(portal, "references") {
            let Some(map) = self.map(node, "a reference") else {
                continue;
            };
            self.known_keys(map, &[COMPOSITE_KEYS], Keys::Ours, "a reference");
            let fields = self.plain_texts(map, "fields");
            let columns = self.plain_texts(map, "columns");
            let collection = self.needed(map, "collection", "A reference");
            if fields.is_empty() || fields.len() != columns.len() {
                self.error(
                    map.line,
                    "wrong-shape",
                    "A reference needs as many `fields` here as `columns` there. Write `fields: [a, b]` and `columns: [a, b]`."
                        .to_owned(),
                );
                continue;
            }
            references.push(CompositeReference {
                fields,
                dataset: self
                    .text(map, "dataset")
                    .unwrap_or_else(|| dataset.to_owned()),
                collection,
                columns,
                direction: self.choice(map, "direction", DIRECTIONS),
                place: self.place(map.line),
            });
        }
        references
    }

    /// The fields under `fields:`, those with parts flattened: only the parts hold values.
    fn fields(
        &mut self,
        parent: Map<'_>,
        prefix: &str,
        dataset: &str,
        defaults: &Defaults,
        into: &mut Vec<Field>,
    ) {
        for node in self.items(parent, "fields") {
            let Some(map) = self.map(node, "a field") else {
                continue;
            };
            self.known_keys(map, &[FIDES_FIELD_KEYS], Keys::Fides, "a field");
            let name = format!("{prefix}{}", self.needed(map, "name", "A field"));
            let portal = self.map_at(map, "portal", "what the portal needs to know");
            self.known_keys(
                portal,
                &[FIELD_PORTAL_KEYS, DEFAULT_KEYS],
                Keys::Ours,
                "a field's `portal`",
            );
            let mut own = self.defaults(portal, defaults);
            let categories = self.categories(map, "data_categories");
            if !categories.is_empty() {
                own.categories = categories;
            }
            let has_parts = map
                .get("fields")
                .is_some_and(|e| matches!(&e.node.value, Value::List(l) if !l.is_empty()));
            if has_parts {
                self.fields(map, &format!("{name}."), dataset, &own, into);
                continue;
            }
            if let Some(first) = into.iter().find(|f| f.name == name && !name.is_empty()) {
                let first_line = first.place.line;
                self.error(
                    map.line,
                    "duplicate-field",
                    format!("The field `{name}` is described already, in line {first_line}. Keep one of them."),
                );
                continue;
            }
            let field = self.field(map, portal, name, dataset, own);
            into.push(field);
        }
    }

    fn field(
        &mut self,
        map: Map<'_>,
        portal: Map<'_>,
        name: String,
        dataset: &str,
        values: Defaults,
    ) -> Field {
        // `fidesops_meta` is how older files spell it.
        let meta_key = if map.get("fides_meta").is_some() {
            "fides_meta"
        } else {
            "fidesops_meta"
        };
        let meta = self.map_at(map, meta_key, "Fides' own keys");
        self.known_keys(meta, &[FIDES_META_KEYS], Keys::Fides, "`fides_meta`");
        let mut said = Said(self.said_at(map, &["name", "description", "data_categories"]));
        said.0.extend(self.said_at(portal, FIELD_PORTAL_KEYS));
        said.0.extend(values.said.0);
        Field {
            name,
            label: self.text(portal, "label"),
            description: self
                .text(portal, "what")
                .or_else(|| self.text(map, "description")),
            categories: values.categories,
            data_type: self.text(meta, "data_type"),
            primary_key: self.choice(meta, "primary_key", FLAGS).unwrap_or(false),
            identity: self.text(meta, "identity"),
            verified: self.choice(portal, "verified", FLAGS).unwrap_or(true),
            references: self.references(meta, dataset),
            why: values.why,
            origin: values.origin,
            purposes: values.purposes.unwrap_or_default(),
            seen_by: values.seen_by.unwrap_or_default(),
            keep: values.keep,
            erase: values.erase,
            show: values.show,
            withheld: self.withheld(portal),
            currency: self.currency(portal),
            words: self.pairs(portal, "words"),
            place: self.place(map.line),
            said,
        }
    }

    fn withheld(&mut self, portal: Map<'_>) -> Option<String> {
        let entry = portal.get("withheld")?;
        let reason = self.text_of(entry);
        let is_reason = reason
            .as_deref()
            .is_some_and(|r| FLAGS.iter().all(|(flag, _)| r != *flag));
        if is_reason {
            return reason;
        }
        self.error(
            entry.line,
            "withheld-without-reason",
            "A field may be withheld only with a reason that the customer reads. Write it, such as `withheld: A scrambled form of your password`."
                .to_owned(),
        );
        None
    }

    fn currency(&mut self, portal: Map<'_>) -> Option<String> {
        let entry = portal.get("currency")?;
        let code = self.text_of(entry)?;
        if code.len() == 3 && code.chars().all(|c| c.is_ascii_uppercase()) {
            return Some(code);
        }
        self.error(
            entry.line,
            "unknown-value",
            format!("`{code}` is not a currency code. Write three capitals, such as `EUR`."),
        );
        None
    }

    fn references(&mut self, meta: Map<'_>, dataset: &str) -> Vec<Reference> {
        let mut references = Vec::new();
        for node in self.items(meta, "references") {
            let Some(map) = self.map(node, "a reference") else {
                continue;
            };
            self.known_keys(map, &[FIDES_REFERENCE_KEYS], Keys::Fides, "a reference");
            let field = self.needed(map, "field", "A reference");
            let named = self.text(map, "dataset");
            match column_ref(named.as_deref().unwrap_or(dataset), &field) {
                Some(to) => references.push(Reference {
                    to,
                    direction: self.choice(map, "direction", DIRECTIONS),
                    place: self.place(map.line),
                }),
                None if field.is_empty() => {}
                None => self.error(
                    map.get("field").map_or(map.line, |entry| entry.line),
                    "wrong-shape",
                    format!("`{field}` names no field. Write it as `Collection.column`."),
                ),
            }
        }
        references
    }
}

/// `Collection.column`, the collection up to the first dot until the collections are known.
fn column_ref(dataset: &str, text: &str) -> Option<ColumnRef> {
    let (collection, field) = text.split_once('.')?;
    (!collection.is_empty() && !field.is_empty()).then(|| ColumnRef {
        dataset: dataset.to_owned(),
        collection: collection.to_owned(),
        field: field.to_owned(),
    })
}

/// The last part of a category's key, as words: `user.health_and_medical` is "health and medical".
fn words_of_category(key: &str) -> String {
    key.rsplit('.').next().unwrap_or(key).replace('_', " ")
}
