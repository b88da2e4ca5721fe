//! What a customer takes with them: how the archive is laid out, how a value is written for programs and for tables, and
//! what the archive says of itself. Where each rule stands:
//!
//! - `names`: names of files and folders that no system can be tricked with.
//! - `csv`: one value of a table.
//! - `typed`: one value of a JSON document.
//! - `manifest`: what is in the archive, what is not, and why.
//! - `range`: which part of the archive a download asks for.

mod csv;
mod manifest;
mod names;
mod range;
mod typed;

use std::fmt;

use crate::catalog::Group;

pub use csv::{begin_cell, cell as csv_cell, write_letters};
pub use manifest::{
    Contained, FORMAT, FileEntry, LeftOut, MOST_NOT_IN_FULL, Manifest, NotInFull, WhyNot,
};
pub use names::Names;
pub use range::{Part, part};
pub use typed::{holds_json, write_json, write_json_letters};

/// Seconds for which an archive is kept: seven days.
pub const KEPT_SECONDS: i64 = 7 * 24 * 3600;

/// What a customer takes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// All that is held.
    Everything,
    /// One dataset, by its key.
    Dataset(String),
    /// What stands under one heading of My data.
    Group(Group),
}

/// The headings by which a customer may choose, with their names in forms.
const GROUPS: [(Group, &str); 8] = [
    (Group::AboutYou, "about-you"),
    (Group::HowToReachYou, "how-to-reach-you"),
    (Group::WhatYouBought, "what-you-bought"),
    (Group::WhatYouDid, "what-you-did"),
    (Group::WhatWeWorkedOut, "what-we-worked-out"),
    (Group::FromOthers, "from-others"),
    (Group::YourAccount, "your-account"),
    (Group::NotDescribed, "not-described"),
];

impl Wanted {
    /// Reads what its `Display` writes.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "everything" {
            return Some(Self::Everything);
        }
        match text.split_once(':')? {
            ("dataset", key) if !key.is_empty() => Some(Self::Dataset(key.to_owned())),
            ("group", key) => GROUPS
                .iter()
                .find(|(_, known)| *known == key)
                .map(|(group, _)| Self::Group(*group)),
            _ => None,
        }
    }

    /// Whether anything of this dataset is wanted.
    pub fn has_dataset(&self, key: &str) -> bool {
        match self {
            Self::Dataset(wanted) => wanted == key,
            Self::Everything | Self::Group(_) => true,
        }
    }

    /// Whether what stands under this heading is wanted.
    pub fn has_group(&self, group: Group) -> bool {
        match self {
            Self::Group(wanted) => *wanted == group,
            Self::Everything | Self::Dataset(_) => true,
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => f.write_str("everything"),
            Self::Dataset(key) => write!(f, "dataset:{key}"),
            Self::Group(group) => {
                let known = GROUPS.iter().find(|(known, _)| known == group);
                write!(f, "group:{}", known.map_or("", |(_, key)| key))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_is_read_as_it_was_written() {
        let all = GROUPS.map(|(group, _)| Wanted::Group(group)).into_iter();
        let others = [
            Wanted::Everything,
            Wanted::Dataset("shop".to_owned()),
            Wanted::Dataset("a:b".to_owned()),
        ];
        for wanted in all.chain(others) {
            assert_eq!(Wanted::parse(&wanted.to_string()), Some(wanted));
        }
        for wrong in ["", "all", "dataset:", "group:", "group:shop", "dataset"] {
            assert_eq!(Wanted::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_part_leaves_the_rest_out() {
        let shop = Wanted::Dataset("shop".to_owned());
        assert!(shop.has_dataset("shop") && !shop.has_dataset("news"));
        assert!(shop.has_group(Group::YourAccount));
        let bought = Wanted::Group(Group::WhatYouBought);
        assert!(bought.has_dataset("news") && bought.has_group(Group::WhatYouBought));
        assert!(!bought.has_group(Group::AboutYou));
    }
}
