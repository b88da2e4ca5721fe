//! Catalog files in the layouts that people write.

use proptest::prelude::*;

/// What fields may say of themselves; at `~` the lines below them begin.
const PARTS: &[&str] = &[
    "description: |\n~  Some\n\n~  text",
    "description: >-\n~  Some\n~  text\n",
    "description: 'It''s\n~  long'",
    "description: one\n~  two",
    "description:",
    "data_categories: [user.contact.email]",
    "data_categories:\n~- user.name\n~# between",
    "fides_meta: {primary_key: true,\n~  data_type: string}",
    "fidesops_meta:\n~    identity: email",
    "# a remark",
];

const SAID: &[&str] = &[
    "label: A",
    "label:",
    "why: It is.",
    "origin: observed",
    "purposes: [p]",
    "keep: a year",
    "erase: null",
    "erase:",
    "seen_by: []",
];

#[derive(Clone, Copy, Debug)]
enum Portal {
    None,
    Block,
    Flow,
    FlowOverLines,
}

#[derive(Clone, Debug)]
struct Field {
    name: &'static str,
    parts: Vec<&'static str>,
    said: Vec<&'static str>,
    portal: Portal,
    portal_first: bool,
}

#[derive(Clone, Debug)]
struct Style {
    /// Where a list's dash stands below its key.
    dash: usize,
    /// How much deeper than its key a `portal:` in block style stands.
    step: usize,
    two_character_line_ends: bool,
    ends_with_line_end: bool,
}

/// A dataset's file with some fields.
pub(super) fn layout() -> impl Strategy<Value = String> {
    let collections = prop::collection::vec(prop::collection::vec(field(), 0..4), 1..3);
    (collections, style()).prop_map(|(collections, style)| style.file(&collections))
}

fn field() -> impl Strategy<Value = Field> {
    (
        prop::sample::select(vec!["a", "b", "pin", "\"no\"", "x y"]),
        prop::sample::subsequence(PARTS.to_vec(), 0..3),
        prop::sample::subsequence(SAID.to_vec(), 0..6),
        prop::sample::select(vec![
            Portal::None,
            Portal::Block,
            Portal::Flow,
            Portal::FlowOverLines,
        ]),
        any::<bool>(),
    )
        .prop_map(|(name, parts, said, portal, portal_first)| Field {
            name,
            parts: one_a_key(parts),
            said: one_a_key(said),
            portal,
            portal_first,
        })
}

fn style() -> impl Strategy<Value = Style> {
    (0..3usize, 1..4usize, any::<bool>(), any::<bool>()).prop_map(
        |(dash, step, two_character_line_ends, ends_with_line_end)| Style {
            dash: dash * 2,
            step,
            two_character_line_ends,
            ends_with_line_end,
        },
    )
}

fn one_a_key(lines: Vec<&'static str>) -> Vec<&'static str> {
    let mut kept: Vec<&str> = Vec::new();
    for line in lines {
        let key = |line: &'static str| line.split(':').next();
        if !kept.iter().any(|known| key(known) == key(line)) {
            kept.push(line);
        }
    }
    kept
}

impl Style {
    fn file(&self, collections: &[Vec<Field>]) -> String {
        let dash = " ".repeat(self.dash);
        let inner = " ".repeat(self.dash + 2);
        let mut lines = vec![
            "dataset:".to_owned(),
            format!("{dash}- fides_key: d"),
            format!("{inner}collections: # all"),
        ];
        for (at, fields) in collections.iter().enumerate() {
            lines.push(format!("{inner}{dash}- name: c{at}"));
            lines.push(format!("{inner}{inner}fields:"));
            for (at, field) in fields.iter().enumerate() {
                lines.push(format!("{inner}{inner}{dash}- name: {}", field.name_of(at)));
                lines.extend(field.lines(&inner.repeat(3), self.step));
            }
        }
        let mut text = lines.join("\n");
        if self.ends_with_line_end {
            text.push('\n');
        }
        if self.two_character_line_ends {
            text.replace('\n', "\r\n")
        } else {
            text
        }
    }
}

impl Field {
    fn name_of(&self, at: usize) -> String {
        let number = if self.name.starts_with('"') {
            String::new()
        } else {
            at.to_string()
        };
        format!("{}{number}", self.name)
    }

    fn lines(&self, indent: &str, step: usize) -> Vec<String> {
        let parts = self
            .parts
            .iter()
            .map(|part| format!("{indent}{}", part.replace('~', indent)));
        let portal = self.portal_lines(indent, step);
        if self.portal_first {
            portal.into_iter().chain(parts).collect()
        } else {
            parts.chain(portal).collect()
        }
    }

    fn portal_lines(&self, indent: &str, step: usize) -> Vec<String> {
        let said = self.said.iter();
        match self.portal {
            Portal::None => Vec::new(),
            Portal::Block => {
                let deeper = " ".repeat(step);
                let said = said.map(|line| format!("{indent}{deeper}{line}"));
                std::iter::once(format!("{indent}portal: # ours"))
                    .chain(said)
                    .collect()
            }
            Portal::Flow => vec![format!("{indent}portal: {{{}}}", self.said.join(", "))],
            Portal::FlowOverLines => {
                let said = said.map(|line| format!("{indent}  {line} , # x"));
                std::iter::once(format!("{indent}portal: {{"))
                    .chain(said)
                    .chain([format!("{indent}}} # ours")])
                    .collect()
            }
        }
    }
}
