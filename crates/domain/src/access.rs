//! Looks: acts of reading a customer's data, and the sentences that tell of them (P22).
//!
//! A new kind of reading is a variant of [`Act`]; the exhaustive matches below then ask for its sentence.

use serde::{Deserialize, Serialize};

use crate::ids::FieldPath;

/// One act of reading, as it stands in the customer's chain. It names what was read, never a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// Who looked.
    pub actor: Actor,
    /// What they did.
    pub act: Act,
    /// Why, in words the customer reads; a customer's own looks need none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What was read.
    pub seen: Vec<Seen>,
    /// Datasets that were to be read and failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<String>,
}

/// Who looked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    /// The customer.
    Customer,
    /// Somebody who works for the company: their role and the name or alias that the company shows.
    Staff {
        /// As customers read it: "Support".
        role: String,
        /// First name or alias.
        name: String,
    },
    /// Another of the company's systems.
    System {
        /// As customers read it.
        name: String,
    },
    /// The portal itself, to find the customer's rows.
    Portal,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Opened My data.
    Opened,
    /// Looked for a word in My data.
    Searched,
    /// Opened one list, such as the orders.
    OpenedList,
    /// Uncovered a covered value.
    Uncovered,
    /// Looked for rows that belong to a proven address.
    Linked,
    /// Gave a second fact and showed that rows with their address are theirs.
    Proved,
    /// Gave a second fact that did not match.
    TriedToProve,
    /// Read through another system.
    Read,
    /// Took a copy of it.
    Exported,
}

/// A part of what was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The dataset's key.
    pub dataset: String,
    /// The collection's name.
    pub collection: String,
    /// The fields, where it was not all that is shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
}

impl Seen {
    /// A whole collection.
    pub fn all(dataset: &str, collection: &str) -> Self {
        Self {
            dataset: dataset.to_owned(),
            collection: collection.to_owned(),
            fields: Vec::new(),
        }
    }

    /// One field.
    pub fn field(path: &FieldPath) -> Self {
        Self {
            dataset: path.dataset.clone(),
            collection: path.collection.clone(),
            fields: vec![path.field.clone()],
        }
    }
}

impl Actor {
    /// As the customer reads it, at the start of a sentence.
    pub fn name(&self) -> String {
        match self {
            Self::Customer => "You".to_owned(),
            Self::Staff { role, name } => format!("{name} from {role}"),
            Self::System { name } => name.clone(),
            Self::Portal => "This portal".to_owned(),
        }
    }
}

/// More parts than this are counted in the sentence and named below it.
const NAMED_AT_ONCE: usize = 3;

impl Look {
    /// The parts that were read, where the sentence only counts them.
    pub fn parts(&self, words: impl Fn(&Seen) -> String) -> Option<String> {
        (self.seen.len() > NAMED_AT_ONCE).then(|| join(self.seen.iter().map(words)))
    }

    /// What happened, without the time and the reason: "You looked at your orders."
    ///
    /// `words` turns a part of what was read into a phrase such as "your orders".
    pub fn sentence(&self, words: impl Fn(&Seen) -> String) -> String {
        let who = self.actor.name();
        let what = if self.seen.len() > NAMED_AT_ONCE {
            format!("{} parts of your data", self.seen.len())
        } else {
            join(self.seen.iter().map(words))
        };
        match self.act {
            _ if self.seen.is_empty() && !self.failed.is_empty() => {
                format!("{who} tried to look, but it did not work.")
            }
            Act::Opened if self.actor == Actor::Customer => {
                format!("You opened My data and saw {what}.")
            }
            Act::Searched => format!("{who} searched in {what}."),
            Act::Uncovered => format!("{who} uncovered {what}."),
            Act::Linked => format!("{who} used your proven e-mail address to find {what}."),
            Act::Proved => {
                format!("{who} answered a question about {what}, and the answer was right.")
            }
            Act::TriedToProve => {
                format!("{who} answered a question about {what}, and the answer did not match.")
            }
            Act::Exported => format!("{who} took a copy of {what}."),
            Act::Opened | Act::OpenedList | Act::Read => format!("{who} looked at {what}."),
        }
    }
}

/// "a", "a and b", "a, b and c"; the same phrase is said once.
pub fn join(parts: impl Iterator<Item = String>) -> String {
    let mut unique: Vec<String> = Vec::new();
    for part in parts {
        if !unique.contains(&part) {
            unique.push(part);
        }
    }
    match unique.as_slice() {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [start @ .., last] => format!("{} and {last}", start.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(actor: Actor, act: Act, collections: &[&str]) -> Look {
        let seen = collections.iter().map(|c| Seen::all("shop", c)).collect();
        Look {
            actor,
            act,
            reason: None,
            seen,
            failed: Vec::new(),
        }
    }

    fn words(seen: &Seen) -> String {
        format!("your {}", seen.collection)
    }

    #[test]
    fn says_who_did_what() {
        let support = Actor::Staff {
            role: "Support".to_owned(),
            name: "Niamh".to_owned(),
        };
        for (look, sentence) in [
            (
                look(Actor::Customer, Act::OpenedList, &["orders"]),
                "You looked at your orders.",
            ),
            (
                look(Actor::Customer, Act::Opened, &["profile", "orders"]),
                "You opened My data and saw your profile and your orders.",
            ),
            (
                look(Actor::Customer, Act::Exported, &["profile", "orders"]),
                "You took a copy of your profile and your orders.",
            ),
            (
                look(support, Act::Read, &["orders"]),
                "Niamh from Support looked at your orders.",
            ),
            (
                look(Actor::Portal, Act::Linked, &["customers"]),
                "This portal used your proven e-mail address to find your customers.",
            ),
            (
                look(Actor::Customer, Act::Proved, &["account"]),
                "You answered a question about your account, and the answer was right.",
            ),
            (
                look(Actor::Customer, Act::TriedToProve, &["account"]),
                "You answered a question about your account, and the answer did not match.",
            ),
        ] {
            assert_eq!(look.sentence(words), sentence);
        }
    }

    #[test]
    fn many_parts_are_counted_and_then_named() {
        let many = look(Actor::Customer, Act::Opened, &["a", "b", "c", "d"]);
        assert_eq!(
            many.sentence(words),
            "You opened My data and saw 4 parts of your data."
        );
        assert_eq!(
            many.parts(words).as_deref(),
            Some("your a, your b, your c and your d")
        );
    }

    #[test]
    fn a_failed_look_says_so() {
        let mut failed = look(Actor::Customer, Act::Opened, &[]);
        failed.failed.push("shop".to_owned());
        assert_eq!(
            failed.sentence(words),
            "You tried to look, but it did not work."
        );
    }

    #[test]
    fn joins_like_a_person() {
        let of = |parts: &[&str]| join(parts.iter().map(|p| (*p).to_owned()));
        assert_eq!(of(&["a", "b", "a", "c"]), "a, b and c");
        assert_eq!(of(&[]), "nothing");
    }
}
