//! A file as the tree that was written: each node with the bytes it takes.

use std::collections::BTreeSet;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};

/// A piece of a file.
#[derive(Debug)]
pub(super) struct Node {
    /// Of a list or a map in block style only the start counts: it ends where its last piece ends.
    pub(super) bytes: Range<usize>,
    /// How many characters stand before it in its line.
    pub(super) column: usize,
    /// An alias elsewhere stands for it, or for what it stands in: a change here would be one there too.
    pub(super) shared: bool,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// Nothing was written.
    Empty,
    /// `*name`
    Alias,
    Scalar {
        text: String,
        /// `|` or `>`
        is_block: bool,
    },
    List {
        is_flow: bool,
        items: Vec<Node>,
    },
    Map {
        is_flow: bool,
        entries: Vec<Entry>,
    },
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: Node,
    pub(super) value: Node,
}

impl Node {
    /// The text of a plain or quoted value.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text.trim()),
            _ => None,
        }
    }

    pub(super) fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map { entries, .. } => entries,
            _ => &[],
        }
    }

    pub(super) fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::List { items, .. } => items,
            _ => &[],
        }
    }

    /// What a key of this map is set to.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries()
            .iter()
            .find(|entry| entry.key.text() == Some(key))
    }

    /// Every map in it, from the outside in.
    pub(super) fn maps(&self) -> Vec<&Node> {
        let mut maps = Vec::new();
        let mut waiting = vec![self];
        while let Some(node) = waiting.pop() {
            if matches!(node.kind, Kind::Map { .. }) {
                maps.push(node);
            }
            waiting.extend(node.items().iter().rev());
            waiting.extend(node.entries().iter().rev().map(|entry| &entry.value));
        }
        maps
    }
}

/// The tree of a file's one document; nothing where it can't be read. How deep and how large it may be is for
/// [`crate::catalog::yaml`] to judge, which reads every file first.
pub(super) fn parse(text: &str) -> Option<Node> {
    let options = granit_parser::options! { emit_comments: false };
    let events: Vec<(Event<'_>, Span)> = Parser::new_from_str_with_options(text, options)
        .collect::<Result<_, _>>()
        .ok()?;
    let aliased = events
        .iter()
        .filter_map(|(event, _)| event.alias_id())
        .collect();
    let mut tree = Tree {
        events: events.into_iter(),
        aliased,
    };
    tree.events
        .find(|(event, _)| matches!(event, Event::DocumentStart(..)))?;
    let (event, span) = tree.events.next()?;
    tree.node(event, span, false)
}

struct Tree<I> {
    events: I,
    aliased: BTreeSet<usize>,
}

impl<'t, I: Iterator<Item = (Event<'t>, Span)>> Tree<I> {
    fn node(&mut self, event: Event<'t>, span: Span, in_shared: bool) -> Option<Node> {
        let mut bytes = span.byte_range()?;
        let shared = in_shared
            || event
                .anchor_id()
                .is_some_and(|id| self.aliased.contains(&id));
        let kind = match event {
            Event::Alias(_) => Kind::Alias,
            Event::Scalar(text, style, anchor, tag) => {
                if bytes.is_empty() && style == ScalarStyle::Plain && anchor == 0 && tag.is_none() {
                    Kind::Empty
                } else {
                    Kind::Scalar {
                        text: text.into_owned(),
                        is_block: matches!(style, ScalarStyle::Literal | ScalarStyle::Folded),
                    }
                }
            }
            Event::SequenceStart(style, ..) => {
                let mut items = Vec::new();
                let end = loop {
                    match self.events.next()? {
                        (Event::SequenceEnd, end) => break end,
                        (event, span) => items.push(self.node(event, span, shared)?),
                    }
                };
                bytes.end = end.byte_range()?.end;
                Kind::List {
                    is_flow: style == StructureStyle::Flow,
                    items,
                }
            }
            Event::MappingStart(style, ..) => {
                let mut entries = Vec::new();
                let end = loop {
                    match self.events.next()? {
                        (Event::MappingEnd, end) => break end,
                        (event, span) => {
                            let key = self.node(event, span, shared)?;
                            let (event, span) = self.events.next()?;
                            entries.push(Entry {
                                key,
                                value: self.node(event, span, shared)?,
                            });
                        }
                    }
                };
                bytes.end = end.byte_range()?.end;
                Kind::Map {
                    is_flow: style == StructureStyle::Flow,
                    entries,
                }
            }
            _ => return None,
        };
        Some(Node {
            bytes,
            column: span.start.col(),
            shared,
            kind,
        })
    }
}
