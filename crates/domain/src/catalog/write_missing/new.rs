//! What is written, and how it is spelt in a file's own style.

/// What is written.
#[derive(Clone, Debug)]
pub(super) enum New {
    /// Nothing behind the key: somebody fills it in.
    Empty,
    /// A value as YAML spells it.
    Text(String),
    Map(Vec<(&'static str, New)>),
    List(Vec<New>),
}

impl New {
    /// How many entries wait to be filled in.
    pub(super) fn empty_entries(&self) -> usize {
        match self {
            Self::Empty => 1,
            Self::Text(_) => 0,
            Self::Map(entries) => entries.iter().map(|(_, value)| value.empty_entries()).sum(),
            Self::List(items) => items.iter().map(Self::empty_entries).sum(),
        }
    }

    /// The keys of a map, or the names of a list's items.
    pub(super) fn in_words(&self) -> String {
        let words: Vec<&str> = match self {
            Self::Empty | Self::Text(_) => Vec::new(),
            Self::Map(entries) => entries.iter().map(|(key, _)| *key).collect(),
            Self::List(items) => items.iter().filter_map(Self::name).collect(),
        };
        words
            .iter()
            .map(|word| format!("`{word}`"))
            .collect::<Vec<_>>()
            .join(", ")
    }

    fn name(&self) -> Option<&str> {
        match self {
            Self::Map(entries) => entries.iter().find_map(|(key, value)| match value {
                Self::Text(text) if *key == "name" => Some(text.as_str()),
                _ => None,
            }),
            _ => None,
        }
    }

    /// In flow style: `{ label: , why: }`.
    pub(super) fn in_flow(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) => text.clone(),
            Self::Map(entries) => format!("{{ {} }}", flow_entries(entries)),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(Self::in_flow).collect();
                format!("[{}]", items.join(", "))
            }
        }
    }
}

/// `label: , why:`
pub(super) fn flow_entries(entries: &[(&str, New)]) -> String {
    let pairs: Vec<String> = entries
        .iter()
        .map(|(key, value)| format!("{key}: {}", value.in_flow()))
        .collect();
    pairs.join(", ").trim_end().to_owned()
}

/// How far a file indents.
#[derive(Clone, Copy, Debug)]
pub(super) struct Indents {
    /// A map in a map.
    pub(super) step: usize,
    /// The dash of a list below its key.
    pub(super) dash: usize,
}

impl Indents {
    /// The lines of a map's entries in block style.
    pub(super) fn block_entries(
        self,
        entries: &[(&'static str, New)],
        indent: usize,
    ) -> Vec<String> {
        let mut lines = Vec::new();
        for (key, value) in entries {
            let start = format!("{}{key}:", " ".repeat(indent));
            match value {
                New::Empty => lines.push(start),
                New::Text(text) => lines.push(format!("{start} {text}")),
                New::List(items) if items.is_empty() => lines.push(format!("{start} []")),
                New::Map(entries) => {
                    lines.push(start);
                    lines.extend(self.block_entries(entries, indent + self.step));
                }
                New::List(items) => {
                    lines.push(start);
                    lines.extend(self.block_items(items, indent + self.dash));
                }
            }
        }
        lines
    }

    /// The lines of a list's items in block style; `dash` is the column of their dashes.
    pub(super) fn block_items(self, items: &[New], dash: usize) -> Vec<String> {
        let mut lines = Vec::new();
        for item in items {
            match item {
                New::Map(entries) => {
                    let mut inner = self.block_entries(entries, dash + 2).into_iter();
                    let first = inner.next().unwrap_or_default();
                    lines.push(format!("{}- {}", " ".repeat(dash), first.trim_start()));
                    lines.extend(inner);
                }
                other => lines.push(format!("{}- {}", " ".repeat(dash), other.in_flow())),
            }
        }
        lines
    }
}
