//! Reads `datasets/*.yml`: Fides dataset files with our keys under `portal:`.

use super::did_you_mean;
use super::reader::{FLAGS, Keys, LONGEST_LIST, Map, Reader, is_blank};
use crate::catalog::yaml::{Node, Value};
use crate::catalog::{
    Collection, ColumnRef, CompositeReference, Dataset, Direction, Erase, Field, Group, Keep,
    KeyValueColumns, NO_REASON_YET, Origin, Place, Reference, Rows, Said, Show, ShownAs,
};
use crate::contact_point::Kind;

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
const FIELD_PORTAL_KEYS: &[&str] = &[
    "label", "what", "verified", "withheld", "currency", "words", "answer",
];
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
const PARTS_META_KEYS: &[&str] = &["data_type", "read_only", "return_all_elements"];
const FIDES_REFERENCE_KEYS: &[&str] = &["dataset", "field", "direction"];
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
    blank: Said,
}

impl Reader<'_> {
    pub(super) fn datasets(&mut self, text: &str) -> Vec<Dataset> {
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
        // A dataset that stands in the file by itself, as Fides' own programming interface hands it out.
        if file.get("fides_key").is_some() && file.get("dataset").is_none() {
            return vec![self.dataset(file)];
        }
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
        for node in self.one_or_more(file, "dataset") {
            if let Some(map) = self.map(node, "a dataset") {
                datasets.push(self.dataset(map));
            }
        }
        datasets
    }

    /// The items of a list; one item alone may stand without the list.
    fn one_or_more<'a>(&mut self, map: Map<'a>, key: &str) -> &'a [Node] {
        match map.get(key) {
            Some(entry) if matches!(entry.node.value, Value::Map(_)) => {
                std::slice::from_ref(&entry.node)
            }
            _ => self.items(map, key),
        }
    }

    /// Fides' own keys. `fidesops_meta` is how older files spell it; like Fides, we read it where the other says nothing.
    fn fides_meta<'a>(&mut self, map: Map<'a>) -> Map<'a> {
        let has_keys = |key: &&str| {
            map.get(key).is_some_and(|entry| match &entry.node.value {
                Value::Nothing => false,
                Value::Map(entries) => !entries.is_empty(),
                Value::Text(_) | Value::List(_) => true,
            })
        };
        match ["fides_meta", "fidesops_meta"].into_iter().find(has_keys) {
            Some(key) => self.map_at(map, key, "Fides' own keys"),
            None => Map::EMPTY,
        }
    }

    fn dataset(&mut self, map: Map<'_>) -> Dataset {
        self.known_keys(map, &[FIDES_DATASET_KEYS], Keys::Fides, "a dataset");
        let meta = self.fides_meta(map);
        self.known_keys(meta, &[], Keys::Fides, "a dataset's `fides_meta`");
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
        let blank = Said(self.blank_at(portal, DATASET_PORTAL_KEYS));
        Dataset {
            name: self.text(map, "name").unwrap_or_else(|| key.clone()),
            description: self.text(map, "description"),
            connection: self.text(portal, "connection"),
            second_facts: self.second_facts(portal, &key),
            collections,
            place: self.place(map.line),
            said,
            blank,
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
        let mut blank = self.blank_at(portal, DEFAULT_KEYS);
        inherit(&mut blank, &above.blank, &said);
        inherit(&mut said, &above.said, &[]);
        let names = |reader: &mut Self, key: &str, inherited: &Option<Vec<String>>| {
            portal
                .get(key)
                .filter(|entry| !is_blank(entry))
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
            blank: Said(blank),
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
        let meta = self.fides_meta(map);
        self.known_keys(meta, &[], Keys::Fides, "a collection's `fides_meta`");
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
        let blank = Said(self.blank_at(portal, COLLECTION_PORTAL_KEYS));
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
            blank,
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
        portal.get("key_value").filter(|entry| !is_blank(entry))?;
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
                let meta = self.fides_meta(map);
                self.known_keys(
                    meta,
                    &[PARTS_META_KEYS],
                    Keys::Fides,
                    "the `fides_meta` of a field with parts",
                );
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
            if into.len() >= LONGEST_LIST {
                self.too_long(map.line, "fields");
                return;
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
        let meta = self.fides_meta(map);
        self.known_keys(meta, &[FIDES_META_KEYS], Keys::Fides, "`fides_meta`");
        let identity = self.text(meta, "identity");
        let mut said = Said(self.said_at(map, &["name", "description", "data_categories"]));
        said.0.extend(self.said_at(portal, FIELD_PORTAL_KEYS));
        said.0.extend(values.said.0);
        let mut blank = Said(self.blank_at(portal, FIELD_PORTAL_KEYS));
        blank.0.extend(values.blank.0);
        Field {
            name,
            label: self.text(portal, "label"),
            description: self
                .text(portal, "what")
                .or_else(|| self.text(map, "description")),
            categories: values.categories,
            data_type: self.text(meta, "data_type"),
            primary_key: self.fides_flag(meta, "primary_key").unwrap_or(false),
            // Numbers change hands: one that a system has held for years may be somebody else's by now.
            verified: self
                .choice(portal, "verified", FLAGS)
                .unwrap_or(identity.as_deref().and_then(Kind::of_identity) != Some(Kind::Phone)),
            identity,
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
            answer: self.answer(portal),
            place: self.place(map.line),
            said,
            blank,
        }
    }

    fn withheld(&mut self, portal: Map<'_>) -> Option<String> {
        let entry = portal.get("withheld")?;
        // The reason is still to be written, which is for the check to say.
        if is_blank(entry) {
            return Some(NO_REASON_YET.to_owned());
        }
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

/// Adds what is said above and not here.
fn inherit(
    own: &mut Vec<(&'static str, Place)>,
    above: &Said,
    said_here: &[(&'static str, Place)],
) {
    for (key, place) in &above.0 {
        if !own.iter().chain(said_here).any(|(known, _)| known == key) {
            own.push((key, place.clone()));
        }
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
