//! Takes a file's tree apart, and notes what does not have the shape that is asked for.

use std::sync::Arc;

use super::{did_you_mean, list};
use crate::catalog::check::Finding;
use crate::catalog::yaml::{self, Entry, Node, Value};
use crate::catalog::{Place, is_known_category, keys};

/// No list of a real catalog comes near it (few databases allow 5,000 columns), and each item is compared with the others.
pub(super) const LONGEST_LIST: usize = 10_000;

/// How a flag may be written.
pub(super) const FLAGS: &[(&str, bool)] = &[
    ("true", true),
    ("false", false),
    ("yes", true),
    ("no", false),
];

/// How strictly keys that nobody knows are taken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keys {
    /// Ours: an unknown key is a mistake.
    Ours,
    /// Fides': it knows keys that we don't use.
    Fides,
}

/// A map of a file, with the lines of its keys.
#[derive(Clone, Copy)]
pub(super) struct Map<'a> {
    pub(super) line: u32,
    pub(super) entries: &'a [Entry],
}

impl<'a> Map<'a> {
    pub(super) const EMPTY: Self = Map {
        line: 0,
        entries: &[],
    };

    pub(super) fn get(self, key: &str) -> Option<&'a Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

/// Whether the key stands there for somebody to write behind it. `erase: null` is a word.
pub(super) fn is_blank(entry: &Entry) -> bool {
    match &entry.node.value {
        Value::Nothing => !(entry.node.written && entry.key == "erase"),
        Value::Text(text) => text.trim().is_empty(),
        Value::List(_) | Value::Map(_) => false,
    }
}

/// Reads one file and notes what is wrong with it.
pub(super) struct Reader<'f> {
    file: Arc<str>,
    findings: &'f mut Vec<Finding>,
}

impl<'f> Reader<'f> {
    /// For the file of this path; what is wrong goes to `findings`.
    pub(super) fn new(path: &str, findings: &'f mut Vec<Finding>) -> Self {
        Self {
            file: Arc::from(path),
            findings,
        }
    }

    pub(super) fn place(&self, line: u32) -> Place {
        Place {
            file: Arc::clone(&self.file),
            line,
        }
    }

    pub(super) fn error(&mut self, line: u32, code: &'static str, message: String) {
        let place = self.place(line);
        self.findings.push(Finding::error(&place, code, message));
    }

    pub(super) fn note(&mut self, line: u32, code: &'static str, message: String) {
        let place = self.place(line);
        self.findings.push(Finding::note(&place, code, message));
    }

    pub(super) fn parse(&mut self, text: &str) -> Option<Node> {
        match yaml::parse(text) {
            Ok(node) => Some(node),
            Err(broken) => {
                self.error(broken.line, "broken-yaml", broken.message);
                None
            }
        }
    }

    pub(super) fn map<'a>(&mut self, node: &'a Node, what: &str) -> Option<Map<'a>> {
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
    pub(super) fn map_at<'a>(&mut self, map: Map<'a>, key: &str, what: &str) -> Map<'a> {
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

    pub(super) fn known_keys(&mut self, map: Map<'_>, known: &[&[&str]], keys: Keys, at: &str) {
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

    pub(super) fn text_of(&mut self, entry: &Entry) -> Option<String> {
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
    pub(super) fn text(&mut self, map: Map<'_>, key: &str) -> Option<String> {
        map.get(key).and_then(|entry| self.text_of(entry))
    }

    /// A text that must be there.
    pub(super) fn needed(&mut self, map: Map<'_>, key: &str, whose: &str) -> String {
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

    pub(super) fn choice<T: Copy>(
        &mut self,
        map: Map<'_>,
        key: &str,
        choices: &[(&str, T)],
    ) -> Option<T> {
        let entry = map.get(key)?;
        // `erase: null` is a word here; YAML reads it as nothing, as it does an entry that nobody has filled in yet.
        let said = match &entry.node.value {
            Value::Nothing
                if entry.node.written && choices.iter().any(|(word, _)| *word == "null") =>
            {
                "null".to_owned()
            }
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

    /// A flag as Fides reads it: in any capitals, and in the words of older YAML.
    pub(super) fn fides_flag(&mut self, map: Map<'_>, key: &str) -> Option<bool> {
        let entry = map.get(key)?;
        let said = self.text_of(entry)?.to_ascii_lowercase();
        match said.as_str() {
            "true" | "yes" | "on" | "y" | "t" | "1" => Some(true),
            "false" | "no" | "off" | "n" | "f" | "0" => Some(false),
            _ => {
                self.error(
                    entry.node.line,
                    "unknown-value",
                    format!("`{key}` can't be `{said}`. Write one of: `true`, `false`."),
                );
                None
            }
        }
    }

    pub(super) fn items<'a>(&mut self, map: Map<'a>, key: &str) -> &'a [Node] {
        match map.get(key) {
            None => &[],
            Some(entry) => match &entry.node.value {
                Value::List(items) => {
                    if items.len() > LONGEST_LIST {
                        self.too_long(entry.line, key);
                    }
                    items.get(..LONGEST_LIST).unwrap_or(items)
                }
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

    /// Names a list that is too long to read to its end.
    pub(super) fn too_long(&mut self, line: u32, key: &str) {
        self.error(
            line,
            "too-long",
            format!("`{key}` has more than {LONGEST_LIST} items, and the rest is not read. Take some away."),
        );
    }

    /// Texts with their lines; one text alone counts as a list of one.
    pub(super) fn texts(&mut self, map: Map<'_>, key: &str) -> Vec<(u32, String)> {
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

    pub(super) fn plain_texts(&mut self, map: Map<'_>, key: &str) -> Vec<String> {
        self.texts(map, key)
            .into_iter()
            .map(|(_, text)| text)
            .collect()
    }

    /// Where each of the known keys stands with something behind it.
    pub(super) fn said_at(
        &self,
        map: Map<'_>,
        known: &[&'static str],
    ) -> Vec<(&'static str, Place)> {
        self.places(map, known, |entry| !is_blank(entry))
    }

    /// Where each of the known keys stands with nothing behind it.
    pub(super) fn blank_at(
        &self,
        map: Map<'_>,
        known: &[&'static str],
    ) -> Vec<(&'static str, Place)> {
        self.places(map, known, is_blank)
    }

    fn places(
        &self,
        map: Map<'_>,
        known: &[&'static str],
        which: fn(&Entry) -> bool,
    ) -> Vec<(&'static str, Place)> {
        known
            .iter()
            .filter_map(|key| Some((*key, map.get(key).filter(|entry| which(entry))?)))
            .map(|(key, entry)| (key, self.place(entry.line)))
            .collect()
    }

    /// fideslang categories under a key; unknown ones are named and left out.
    pub(super) fn categories(&mut self, map: Map<'_>, key: &str) -> Vec<String> {
        let mut known = Vec::new();
        for (line, category) in self.texts(map, key) {
            if is_known_category(&category) {
                known.push(category);
            } else if let Some(today) = keys::category_of_another_version(&category) {
                self.note(
                    line,
                    "other-spelling",
                    format!("`{category}` is how another version of fideslang spells it; it is read as `{today}`."),
                );
                known.push(today.to_owned());
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
}
