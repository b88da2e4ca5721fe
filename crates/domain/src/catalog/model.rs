//! The catalog as the rest of the house reads it: resolved, with a place for every finding to point at.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{AnswerKind, Ask, Programme, Reward};
use crate::ids::FieldPath;
use crate::phone::HomeCountry;

/// A file and a line in it, counted from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The file's path as it was given to the loader.
    pub file: Arc<str>,
    /// 0 where the whole file is meant.
    pub line: u32,
}

/// Where each key of an item was said: in the item itself, or where it was inherited from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said(pub Vec<(&'static str, Place)>);

/// Stands in for the reason of a field with an empty `withheld:`. Whoever wrote that meant to show nothing; customers
/// read this until there is a reason, and the check asks for one.
pub const NO_REASON_YET: &str = "Nobody has written down yet why this is not shown.";

impl Said {
    /// Where the key was said, if it was.
    pub fn at(&self, key: &str) -> Option<&Place> {
        self.0
            .iter()
            .find(|(said, _)| *said == key)
            .map(|(_, place)| place)
    }
}

/// Everything a company declares.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// `company.yml`.
    pub company: Company,
    /// `datasets/*.yml`, in the order of the files' names.
    pub datasets: Vec<Dataset>,
    /// `asks.yml`: what is asked for, in the order of the file.
    pub asks: Vec<Ask>,
    /// `asks.yml`: what points are spent on, in the order of the file.
    pub rewards: Vec<Reward>,
}

/// Who runs the portal, and what it says about its ways with data.
#[derive(Clone, Debug, Default)]
pub struct Company {
    /// As customers know it.
    pub name: String,
    /// One line under the name.
    pub tagline: Option<String>,
    /// A human to write to.
    pub contact: Option<String>,
    /// Who answers privacy questions.
    pub privacy_contact: Option<String>,
    /// Codes of the places whose law applies, such as `EU` or `US-CA`.
    pub jurisdictions: Vec<String>,
    /// IANA name, such as `Europe/Dublin`; dates on pages are in it. `UTC` where none is given.
    pub time_zone: String,
    /// The country whose phone numbers the company writes without a country's code.
    pub phone_country: Option<HomeCountry>,
    /// Colours and logo.
    pub look: Look,
    /// The connections that datasets may name; addresses and passwords come from the configuration.
    pub connections: Vec<String>,
    /// What data is used for.
    pub purposes: Vec<Purpose>,
    /// Who can see data: teams, systems, other companies.
    pub recipients: Vec<Recipient>,
    /// What this company says it never collects.
    pub never_collected: Vec<NeverCollected>,
    /// Other systems that tell the portal when they read a customer's data.
    pub systems_that_report_looks: Vec<String>,
    /// Forms by which people join, and what each demands of them.
    pub sign_ups: Vec<SignUp>,
    /// What members get for what they choose to share.
    pub programmes: Vec<Programme>,
    /// The company tells its customers that it does not sell their data.
    pub says_not_sold: bool,
    /// Where the file says so.
    pub place: Place,
    /// Where each of its keys was said.
    pub said: Said,
}

/// A company's own colours and logo, over the portal's.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// A file name in the catalog folder's `public/`, served by the portal itself.
    pub logo: Option<String>,
    /// `#rrggbb`, for light pages.
    pub brand: Option<String>,
    /// `#rrggbb`, for dark pages.
    pub brand_dark: Option<String>,
}

/// A form by which people join something. It may demand no more than its purpose needs (GDPR Art. 5(1)(c)).
#[derive(Clone, Debug)]
pub struct SignUp {
    /// As customers know it.
    pub name: String,
    /// Key of the purpose that it serves.
    pub purpose: String,
    /// fideslang categories without which nobody can join.
    pub demands: Vec<String>,
    /// Where the file says so.
    pub place: Place,
}

/// A thing the company says it never collects.
#[derive(Clone, Debug)]
pub struct NeverCollected {
    /// The words customers read.
    pub words: String,
    /// fideslang categories that the check holds against the datasets.
    pub categories: Vec<String>,
}

/// Why data is used, on what basis, in which words.
#[derive(Clone, Debug)]
pub struct Purpose {
    /// Short name that fields point at.
    pub key: String,
    /// A fideslang data use.
    pub data_use: String,
    /// The legal basis.
    pub basis: Basis,
    /// Marketing or service; declared here, never claimed by a caller.
    pub class: Class,
    /// `email`, `sms`, `post`, `web`.
    pub channels: Vec<String>,
    /// The sentence customers read.
    pub words: String,
    /// Grows with each change of the words.
    pub version: u32,
    /// fideslang categories without which the purpose can't be served.
    pub needs: Vec<String>,
    /// Where the file says so.
    pub place: Place,
}

/// GDPR Art. 6(1): consent (a), contract (b), legal obligation (c), legitimate interest (f).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The customer said yes.
    Consent,
    /// Needed for what the customer asked for.
    Contract,
    /// The law demands it.
    Law,
    /// The company's own interest, weighed against the customer's.
    Interest,
}

/// Marketing is capped and refusable; service is what a customer asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Part of what the customer asked for.
    Service,
    /// Advertising and offers.
    Marketing,
}

/// Who can see data.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// Short name that fields point at.
    pub key: String,
    /// As customers read it: "Our support team".
    pub name: String,
    /// What they do with it.
    pub what_for: String,
    /// ISO 3166 code of where they are.
    pub country: Option<String>,
    /// Whether data is sold to them.
    pub sells: bool,
    /// Where the file says so.
    pub place: Place,
}

/// One Fides dataset: a database, or a part of one.
#[derive(Clone, Debug, Default)]
pub struct Dataset {
    /// Its `fides_key`.
    pub key: String,
    /// As customers read it: "The shop".
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    /// Which connection reads it; without one it can't be read and the page says so.
    pub connection: Option<String>,
    /// Fields that prove an identity which the system itself never checked: one of them must match.
    pub second_facts: Vec<ColumnRef>,
    /// Its tables.
    pub collections: Vec<Collection>,
    /// Where the file says so.
    pub place: Place,
    /// Where each of its keys was said.
    pub said: Said,
    /// Where a key stands with nothing behind it yet.
    pub blank: Said,
}

/// The connection name that means the portal's own records.
pub const OWN_CONNECTION: &str = "portal";

/// The collection of the portal's own dataset that holds how a customer logs in.
pub const LOG_IN_COLLECTION: &str = "account";

/// The collections of the portal's own dataset that it fills in itself. The others are filled in by customers and by the
/// company's systems.
pub const PORTAL_FILLED: [&str; 4] = [LOG_IN_COLLECTION, "choices", "membership", "points"];

/// A column of a collection, perhaps of another dataset.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ColumnRef {
    /// The dataset's key.
    pub dataset: String,
    /// The collection's name.
    pub collection: String,
    /// The column's name.
    pub field: String,
}

/// Whose rows a collection holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rows {
    /// The customer's: shown, and followed to their children.
    Own,
    /// Shown as context of an own row, never followed onward.
    Shared,
    /// Other people's (employees): never read.
    Others,
    /// Nobody's data (settings, prices): never read, needs no description.
    Nobody,
}

/// One table.
#[derive(Clone, Debug, Default)]
pub struct Collection {
    /// As the database spells it.
    pub name: String,
    /// The database schema it stands in, where that is not the default one.
    pub schema: Option<String>,
    /// As customers read it: "Your orders".
    pub label: Option<String>,
    /// What one row is called, for counting: "order".
    pub one_row: Option<String>,
    /// What it is.
    pub description: Option<String>,
    /// Whose rows; `None` where the file does not say (Fides files never do).
    pub rows: Option<Rows>,
    /// Where on My data it stands; `None` lets each field's category decide.
    pub group: Option<Group>,
    /// `facts` lays each field out as a fact; `list` makes a row of each record.
    pub shown_as: Option<ShownAs>,
    /// The column that says since when a row is held.
    pub since: Option<String>,
    /// The column that says when it was last seen or changed.
    pub last_seen: Option<String>,
    /// Newest first by this column; by the primary key without it.
    pub order_by: Option<String>,
    /// Only rows with these fixed values (column, value) belong to this collection.
    pub filter: Vec<(String, String)>,
    /// One row a fact, as in meta tables.
    pub key_value: Option<KeyValueColumns>,
    /// Composite references, which fields alone can't say.
    pub references: Vec<CompositeReference>,
    /// The described columns, those inside others flattened with dots.
    pub fields: Vec<Field>,
    /// Where the file says so.
    pub place: Place,
    /// Where each of its keys was said.
    pub said: Said,
    /// Where a key stands with nothing behind it yet.
    pub blank: Said,
}

/// Columns of a key/value table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyValueColumns {
    /// Holds the fact's name.
    pub key_column: String,
    /// Holds its value.
    pub value_column: String,
}

/// A reference of several columns at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompositeReference {
    /// Columns of this collection.
    pub fields: Vec<String>,
    /// The dataset pointed at or from.
    pub dataset: String,
    /// The collection pointed at or from.
    pub collection: String,
    /// Its columns, in the same order.
    pub columns: Vec<String>,
    /// Which way rows are followed.
    pub direction: Option<Direction>,
    /// Where the file says so.
    pub place: Place,
}

/// How a collection is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShownAs {
    /// Each field of each row is a fact of its own.
    Facts,
    /// Each row is an entry of a list.
    List,
}

/// The way a person thinks about what is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Name, birthday, who you are.
    AboutYou,
    /// Addresses and numbers.
    HowToReachYou,
    /// Orders, payments.
    WhatYouBought,
    /// Visits, devices, messages opened.
    WhatYouDid,
    /// Inferred.
    WhatWeWorkedOut,
    /// Obtained.
    FromOthers,
    /// Account settings, numbers the company gave you.
    YourAccount,
    /// Not described yet.
    NotDescribed,
}

/// One column.
#[derive(Clone, Debug, Default)]
pub struct Field {
    /// As the database spells it; inside others with dots (`address.city`).
    pub name: String,
    /// Plain label; the page falls back on the raw name and says so.
    pub label: Option<String>,
    /// What it is.
    pub description: Option<String>,
    /// fideslang data categories.
    pub categories: Vec<String>,
    /// `string`, `integer`, ... as Fides says it.
    pub data_type: Option<String>,
    /// Named as primary key by the file; the live schema has the last word.
    pub primary_key: bool,
    /// Holds an identity: `email`, `phone_number`...
    pub identity: Option<String>,
    /// Whether the company itself proved the identity.
    pub verified: bool,
    /// References to other fields.
    pub references: Vec<Reference>,
    /// Why it is held.
    pub why: Option<String>,
    /// How it was obtained (P1).
    pub origin: Option<Origin>,
    /// Keys of purposes.
    pub purposes: Vec<String>,
    /// Keys of recipients.
    pub seen_by: Vec<String>,
    /// How long it is kept.
    pub keep: Option<Keep>,
    /// What erasure does.
    pub erase: Option<Erase>,
    /// How it is shown.
    pub show: Option<Show>,
    /// Not shown at all, for this reason, which the customer reads.
    pub withheld: Option<String>,
    /// An ISO 4217 code, for amounts of money: "EUR".
    pub currency: Option<String>,
    /// Words for codes: `{"1": "paid"}`.
    pub words: Vec<(String, String)>,
    /// What a customer types or picks for it, where the portal itself keeps it.
    pub answer: Option<AnswerKind>,
    /// Where the file says so.
    pub place: Place,
    /// Where each of its keys was said; what it inherits is said at its collection or dataset.
    pub said: Said,
    /// Where a key stands with nothing behind it yet, here or above.
    pub blank: Said,
}

/// A reference of one column to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// What it points at or from.
    pub to: ColumnRef,
    /// `from`: this row is found from that one. `to`: that row is found from this one.
    pub direction: Option<Direction>,
    /// Where the file says so.
    pub place: Place,
}

/// Fides' `direction` of a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Data flows from the referenced field to this one: this collection's rows are found by it.
    From,
    /// Data flows from this field to the referenced one.
    To,
}

/// How data was obtained (P1). DPV calls these provided, observed, inferred, and third-party source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// You gave it.
    Provided,
    /// We saw it.
    Observed,
    /// We worked it out.
    Inferred,
    /// We got it from someone else.
    Obtained,
}

/// How long data is kept, from when, and because of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keep {
    /// As written: `7 years`, `until you close your account`.
    pub duration: String,
    /// The column that starts the clock, `Collection.column` or `column`.
    pub from: Option<String>,
    /// The law or contract.
    pub because: Option<String>,
}

/// What erasure does to a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Erase {
    /// The whole row goes.
    Delete,
    /// The value is emptied.
    Null,
    /// The value is replaced by something that leads to nobody.
    Mask,
    /// It stays, for the reason in `keep`.
    Keep,
}

/// How a value is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Show {
    /// As it is.
    Full,
    /// Only the last four characters.
    Last4,
    /// Covered until uncovered.
    Covered,
}

impl Catalog {
    /// The dataset of that key.
    pub fn dataset(&self, key: &str) -> Option<&Dataset> {
        self.datasets.iter().find(|d| d.key == key)
    }

    /// The fields that customers and the company's systems can fill in: all of the portal's own datasets, without what
    /// the portal fills in itself.
    pub fn own_fields(&self) -> impl Iterator<Item = (&Collection, &Field)> {
        let own = |d: &&Dataset| d.connection.as_deref() == Some(OWN_CONNECTION);
        let collections = self
            .datasets
            .iter()
            .filter(own)
            .flat_map(|d| &d.collections);
        collections
            .filter(|c| !PORTAL_FILLED.contains(&c.name.as_str()))
            .flat_map(|c| c.fields.iter().map(move |f| (c, f)))
    }

    /// Whether it is one of them: what stands there, its customer can take away.
    pub fn is_own_field(&self, path: &FieldPath) -> bool {
        let dataset = self.dataset(&path.dataset);
        let own = dataset.filter(|d| d.connection.as_deref() == Some(OWN_CONNECTION));
        let collection = own.and_then(|d| d.collection(&path.collection));
        let filled = collection.filter(|c| !PORTAL_FILLED.contains(&c.name.as_str()));
        filled.is_some_and(|c| c.field(&path.field).is_some())
    }

    /// The one of them of that name: `phone`, or `you.phone` with its collection.
    pub fn own_field(&self, name: &str) -> Option<(&Collection, &Field)> {
        let is = |(c, f): &(&Collection, &Field)| {
            let whole = name.strip_prefix(c.name.as_str());
            f.name == name || whole.and_then(|rest| rest.strip_prefix('.')) == Some(&f.name)
        };
        self.own_fields().find(is)
    }

    /// Those of them that are held for a purpose, by their names: what a yes to the purpose itself covers.
    pub fn own_fields_for(&self, purpose: &str) -> Vec<String> {
        let fields = self.own_fields().map(|(_, field)| field);
        let fields = fields.filter(|field| field.purposes.iter().any(|p| p == purpose));
        fields.map(|field| field.name.clone()).collect()
    }

    /// The ask of that key.
    pub fn ask(&self, key: &str) -> Option<&Ask> {
        self.asks.iter().find(|ask| ask.key == key)
    }
}

impl Company {
    /// The purpose of that key.
    pub fn purpose(&self, key: &str) -> Option<&Purpose> {
        self.purposes.iter().find(|p| p.key == key)
    }

    /// The programme of that key.
    pub fn programme(&self, key: &str) -> Option<&Programme> {
        self.programmes.iter().find(|p| p.key == key)
    }

    /// The recipient of that key.
    pub fn recipient(&self, key: &str) -> Option<&Recipient> {
        self.recipients.iter().find(|r| r.key == key)
    }
}

impl Dataset {
    /// The collection of that name.
    pub fn collection(&self, name: &str) -> Option<&Collection> {
        self.collections.iter().find(|c| c.name == name)
    }
}

impl Collection {
    /// The field of that name, exactly or without regard to capitals.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|f| f.name == name).or_else(|| {
            self.fields
                .iter()
                .find(|f| f.name.eq_ignore_ascii_case(name))
        })
    }
}

impl Field {
    /// Whether its categories are sensitive (health, belief, origin, sexuality, children, biometrics, crime).
    pub fn is_sensitive(&self) -> bool {
        self.categories.iter().any(|c| super::is_sensitive(c))
    }
}
