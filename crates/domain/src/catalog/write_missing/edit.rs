//! Where an entry can go into a file, and the text that puts it there.

use super::Spot;
use super::find::{entry_before, find};
use super::new::{Indents, New, flow_entries};
use super::syntax::{Entry, Kind, Node, parse};

/// Text that goes in at a byte of the file.
#[derive(Debug)]
pub(super) struct Edit {
    at: usize,
    text: String,
}

/// Why an entry can't be written by a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// What stands here stands elsewhere too.
    Alias,
    /// What stands here comes in part from elsewhere.
    Merge,
    /// Tabs before a key: where the next key must stand is not sure.
    Tab,
    /// Anything else that we can't place a line in.
    Layout,
}

impl Obstacle {
    /// The words behind "for".
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Alias => "an alias (`*name`) brings it here, or takes it elsewhere too",
            Self::Merge => "a merge (`<<`) brings part of it here",
            Self::Tab => "there is a tab before its first key",
            Self::Layout => "it is written in a way that does not allow it",
        }
    }
}

/// The text with all edits; nothing where one of them does not fit it.
pub(super) fn applied(text: &str, mut edits: Vec<Edit>) -> Option<String> {
    // Stable: what goes to the same place stays in the order in which it was asked for.
    edits.sort_by_key(|edit| edit.at);
    let mut result =
        String::with_capacity(text.len() + edits.iter().map(|e| e.text.len()).sum::<usize>());
    let mut done = 0;
    for edit in edits {
        result.push_str(text.get(done..edit.at)?);
        result.push_str(&edit.text);
        done = edit.at;
    }
    result.push_str(text.get(done..)?);
    Some(result)
}

/// A file that entries can be put into.
pub(super) struct Page<'t> {
    text: &'t str,
    root: Node,
    indents: Indents,
}

impl<'t> Page<'t> {
    pub(super) fn read(text: &'t str) -> Option<Self> {
        let root = parse(text)?;
        let step = usual_step(&root).unwrap_or(2);
        let dash = usual_dash(text, &root).unwrap_or(step);
        Some(Self {
            text,
            root,
            indents: Indents { step, dash },
        })
    }

    /// Adds `new` to what stands under a key of the spot.
    pub(super) fn insert(
        &self,
        spot: &Spot,
        key: &'static str,
        new: &New,
    ) -> Result<Edit, Obstacle> {
        let map = find(&self.root, spot).ok_or(Obstacle::Alias)?;
        refuse_foreign(map)?;
        let Some(entry) = map.entry(key) else {
            return self.add_entries(map, entry_before(map, key), &[(key, new.clone())]);
        };
        refuse_foreign(&entry.value)?;
        match (&entry.value.kind, new) {
            (Kind::Empty, _) => {
                if matches!(map.kind, Kind::Map { is_flow: true, .. }) {
                    self.refuse_without(map, '{')?;
                }
                self.fill(map, entry, new)
            }
            (Kind::Map { entries, .. }, New::Map(wanted)) => {
                let lacking: Vec<_> = wanted
                    .iter()
                    .filter(|(key, _)| entry.value.get(key).is_none())
                    .cloned()
                    .collect();
                if lacking.is_empty() {
                    return Err(Obstacle::Layout);
                }
                self.add_entries(&entry.value, entries.len().checked_sub(1), &lacking)
            }
            (Kind::List { .. }, New::List(items)) => self.add_items(&entry.value, items),
            _ => Err(Obstacle::Layout),
        }
    }

    /// Adds entries to a map, behind the one with that number; behind the brace where there is none.
    fn add_entries(
        &self,
        map: &Node,
        behind: Option<usize>,
        new: &[(&'static str, New)],
    ) -> Result<Edit, Obstacle> {
        let before = behind.and_then(|at| map.entries().get(at));
        match (&map.kind, before) {
            (Kind::Map { is_flow: false, .. }, Some(before)) => {
                self.refuse_tabs(map)?;
                let end = self.end_of_entry(before).ok_or(Obstacle::Layout)?;
                Ok(self.lines_at(end, &self.indents.block_entries(new, map.column)))
            }
            (
                Kind::Map {
                    is_flow: true,
                    entries,
                },
                Some(before),
            ) => {
                self.refuse_without(map, '{')?;
                let end = self.flow_end_of_entry(before).ok_or(Obstacle::Layout)?;
                let is_last = behind == entries.len().checked_sub(1);
                Ok(self.flow_at(end, &before.value, is_last, &flow_entries(new)))
            }
            (Kind::Map { is_flow: true, .. }, None) => Ok(Edit {
                at: map.bytes.start + 1,
                text: format!(" {} ", flow_entries(new)),
            }),
            _ => Err(Obstacle::Layout),
        }
    }

    /// Adds items at the end of a list.
    fn add_items(&self, list: &Node, new: &[New]) -> Result<Edit, Obstacle> {
        let end_of = |item| self.end_of(item, None).ok_or(Obstacle::Layout);
        let Kind::List { is_flow, items } = &list.kind else {
            return Err(Obstacle::Layout);
        };
        if *is_flow {
            self.refuse_without(list, '[')?;
            let new: Vec<String> = new.iter().map(New::in_flow).collect();
            let new = new.join(", ");
            return match items.last() {
                Some(item) => Ok(self.flow_at(end_of(item)?, item, true, &new)),
                None => Ok(Edit {
                    at: list.bytes.start + 1,
                    text: new,
                }),
            };
        }
        let item = items.last().ok_or(Obstacle::Layout)?;
        let dash = dash_column(self.text, item).ok_or(Obstacle::Layout)?;
        Ok(self.lines_at(end_of(item)?, &self.indents.block_items(new, dash)))
    }

    /// Puts something behind a key that has nothing behind it.
    fn fill(&self, map: &Node, entry: &Entry, new: &New) -> Result<Edit, Obstacle> {
        let colon = self.colon_after(&entry.key).ok_or(Obstacle::Layout)?;
        if matches!(map.kind, Kind::Map { is_flow: true, .. }) {
            return Ok(Edit {
                at: colon,
                text: format!(" {}", new.in_flow()),
            });
        }
        self.refuse_tabs(map)?;
        let lines = match new {
            New::Map(entries) => self
                .indents
                .block_entries(entries, map.column + self.indents.step),
            New::List(items) => self
                .indents
                .block_items(items, map.column + self.indents.dash),
            New::Empty | New::Text(_) => return Err(Obstacle::Layout),
        };
        Ok(self.lines_at(colon, &lines))
    }

    /// Lines of their own, below the line in which the byte stands.
    fn lines_at(&self, byte: usize, lines: &[String]) -> Edit {
        let text = self.text;
        let starts_line = byte > 0
            && text
                .get(..byte)
                .is_some_and(|before| before.ends_with(['\n', '\r']));
        if starts_line {
            let ending = line_ending(text.get(..byte).unwrap_or_default());
            let text = lines
                .iter()
                .flat_map(|line| [line.as_str(), ending])
                .collect();
            return Edit { at: byte, text };
        }
        let rest = text.get(byte..).unwrap_or_default();
        let at = byte + rest.find(['\n', '\r']).unwrap_or(rest.len());
        let ending = match text.get(at..) {
            Some(after) if after.starts_with("\r\n") => "\r\n",
            Some(after) if after.starts_with('\r') => "\r",
            Some(after) if after.starts_with('\n') => "\n",
            _ => line_ending(text),
        };
        let text = lines
            .iter()
            .flat_map(|line| [ending, line.as_str()])
            .collect();
        Edit { at, text }
    }

    /// Behind a value in flow style, before or behind the comma that may stand there.
    fn flow_at(&self, end: usize, last: &Node, is_last: bool, new: &str) -> Edit {
        let rest = self.text.get(end..).unwrap_or_default();
        if let Some(comma) = comma_in(rest) {
            let more = if is_last { "" } else { "," };
            return Edit {
                at: end + comma + 1,
                text: format!(" {new}{more}"),
            };
        }
        // A colon right before a comma or a brace is one that some readers stumble over.
        let before = if matches!(last.kind, Kind::Empty) {
            " "
        } else {
            ""
        };
        let after = if rest.starts_with(char::is_whitespace) {
            ""
        } else {
            " "
        };
        Edit {
            at: end,
            text: format!("{before}, {new}{after}"),
        }
    }

    fn refuse_tabs(&self, map: &Node) -> Result<(), Obstacle> {
        let before = self.text.get(..map.bytes.start).unwrap_or_default();
        let line = before.rsplit(['\n', '\r']).next().unwrap_or_default();
        if line.contains('\t') {
            Err(Obstacle::Tab)
        } else {
            Ok(())
        }
    }

    /// In `[a: b]` there is a map that has no braces to put anything into.
    fn refuse_without(&self, node: &Node, bracket: char) -> Result<(), Obstacle> {
        let starts = self
            .text
            .get(node.bytes.start..)
            .is_some_and(|text| text.starts_with(bracket));
        if starts {
            Ok(())
        } else {
            Err(Obstacle::Layout)
        }
    }

    /// The byte behind the last one that an entry takes.
    fn end_of_entry(&self, entry: &Entry) -> Option<usize> {
        match entry.value.kind {
            Kind::Empty => Some(entry.key.bytes.end),
            _ => self.end_of(&entry.value, Some(&entry.key)),
        }
    }

    fn flow_end_of_entry(&self, entry: &Entry) -> Option<usize> {
        match entry.value.kind {
            Kind::Empty => self.colon_after(&entry.key),
            _ => self.end_of(&entry.value, None),
        }
    }

    /// The byte behind the last one that a node takes; nothing where that is not sure.
    fn end_of(&self, node: &Node, key: Option<&Node>) -> Option<usize> {
        match &node.kind {
            Kind::Empty => None,
            Kind::Scalar { is_block: true, .. } => self.end_of_block(node, key?),
            Kind::Scalar { .. }
            | Kind::Alias
            | Kind::List { is_flow: true, .. }
            | Kind::Map { is_flow: true, .. } => Some(node.bytes.end),
            Kind::List { items, .. } => self.end_of(items.last()?, None),
            Kind::Map { entries, .. } => self.end_of_entry(entries.last()?),
        }
    }

    /// The lines of `|` and `>` end with their last text, and only with `+` do empty lines below belong to it.
    fn end_of_block(&self, node: &Node, key: &Node) -> Option<usize> {
        let header = self.text.get(key.bytes.end..node.bytes.start)?;
        let header = header.lines().next()?.split(" #").next()?;
        let block = self.text.get(node.bytes.clone())?;
        let kept = if header.contains('+') {
            block.trim_end_matches([' ', '\t'])
        } else {
            block.trim_end()
        };
        // Without a text in it, where it ends is the next piece's business.
        (!kept.trim().is_empty()).then_some(node.bytes.start + kept.len())
    }

    /// The byte behind the colon of a key.
    fn colon_after(&self, key: &Node) -> Option<usize> {
        let rest = self.text.get(key.bytes.end..)?;
        let space = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        rest.get(space..)?
            .starts_with(':')
            .then_some(key.bytes.end + space + 1)
    }
}

/// What an alias or a merge brings here can't be changed here.
fn refuse_foreign(node: &Node) -> Result<(), Obstacle> {
    if node.shared || matches!(node.kind, Kind::Alias) {
        return Err(Obstacle::Alias);
    }
    if node.entry("<<").is_some() {
        return Err(Obstacle::Merge);
    }
    Ok(())
}

/// The column of the dash before an item; nothing where something else stands in its line or between the two.
fn dash_column(text: &str, item: &Node) -> Option<usize> {
    let before = text.get(..item.bytes.start)?.trim_end().strip_suffix('-')?;
    let line = before
        .rsplit(['\n', '\r'])
        .next()?
        .trim_start_matches('\u{feff}');
    line.chars().all(|c| c == ' ').then_some(line.len())
}

fn usual_step(root: &Node) -> Option<usize> {
    root.maps()
        .into_iter()
        .filter(|map| matches!(map.kind, Kind::Map { is_flow: false, .. }))
        .find_map(|map| {
            map.entries()
                .iter()
                .filter(|entry| matches!(entry.value.kind, Kind::Map { is_flow: false, .. }))
                .find_map(|entry| {
                    entry
                        .value
                        .column
                        .checked_sub(map.column)
                        .filter(|step| *step > 0)
                })
        })
}

fn usual_dash(text: &str, root: &Node) -> Option<usize> {
    root.maps().into_iter().find_map(|map| {
        map.entries()
            .iter()
            .filter(|entry| matches!(entry.value.kind, Kind::List { is_flow: false, .. }))
            .find_map(|entry| {
                dash_column(text, entry.value.items().first()?)?.checked_sub(map.column)
            })
    })
}

/// How the text ends its lines, by the last one.
fn line_ending(text: &str) -> &'static str {
    match text.rfind(['\n', '\r']) {
        Some(at) if text.get(..=at).is_some_and(|t| t.ends_with("\r\n")) => "\r\n",
        Some(at) if text.get(at..).is_some_and(|t| t.starts_with('\r')) => "\r",
        _ => "\n",
    }
}

/// Where the next comma stands, if only space and remarks come before it.
fn comma_in(rest: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        let here = rest.get(at..)?;
        let space = here.len() - here.trim_start().len();
        at += space;
        let here = rest.get(at..)?;
        if here.starts_with(',') {
            return Some(at);
        }
        if !here.starts_with('#') {
            return None;
        }
        at += here.find(['\n', '\r'])?;
    }
}
