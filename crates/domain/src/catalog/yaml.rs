//! YAML as a tree in which every key and value knows its line.
//!
//! Reading into a tree first, rather than straight into structs, lets the loader go on after a mistake and name all
//! mistakes of a file at once, each with its line.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::NonFiniteFloatPolicy;
use serde_saphyr::{Error, Spanned};

/// The largest file that is read, in bytes. A described table of 50 columns takes some 25 kB.
const LARGEST_FILE: usize = 16 * 1024 * 1024;

/// A value and the line it starts in.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    /// Counted from 1; 0 where the reader can't tell.
    pub line: u32,
    /// Whether something stands in the file, if only the word `null`. Without it nobody wrote anything yet.
    pub written: bool,
    /// What stands there.
    pub value: Value,
}

/// What stands at a place in a file. Numbers and flags are kept as text: the loader knows what it expects.
#[derive(Clone, Debug, Default)]
pub(super) enum Value {
    /// Nothing, `~` or `null`.
    #[default]
    Nothing,
    /// One value.
    Text(String),
    /// Values in order.
    List(Vec<Node>),
    /// Values by key.
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// As written.
    pub key: String,
    /// Where the key stands.
    pub line: u32,
    /// What it is set to.
    pub node: Node,
}

/// Why a file can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    /// 0 where the whole file is meant.
    pub line: u32,
    /// What is wrong, and what to write.
    pub message: String,
}

/// Reads one file's text. A file that asks for too much memory or nesting is refused as broken.
pub(super) fn parse(text: &str) -> Result<Node, Broken> {
    if text.len() > LARGEST_FILE {
        return Err(Broken {
            line: 0,
            message: format!(
                "This file is larger than {} MB. Split it into several files.",
                LARGEST_FILE / 1024 / 1024
            ),
        });
    }
    if let Some(at) = text.find('\0') {
        return Err(Broken {
            line: line_of(text, at),
            message: "This line holds a null byte. Save the file as plain text (UTF-8).".to_owned(),
        });
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: 32,
            flow_nesting_limit: 32,
            max_documents: 1,
            max_events: 4_000_000,
            max_nodes: 2_000_000,
            max_aliases: 10_000,
            max_anchors: 10_000,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 200_000,
        },
        // `NO` is Norway, `on` a word.
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    };
    let last_line = line_of(text, text.len());
    serde_saphyr::from_str_with_options::<Option<Node>>(text, options)
        .map(Option::unwrap_or_default)
        .map_err(|error| explain(&error, last_line))
}

/// The line in which the byte at `offset` stands, counted from 1. As in YAML, CR LF and CR alone end a line too.
fn line_of(text: &str, offset: usize) -> u32 {
    let before = text.get(..offset).unwrap_or_default();
    let lines = before
        .split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r').count())
        .sum::<usize>();
    u32::try_from(lines).unwrap_or(u32::MAX)
}

/// What the parser found, in words for the file's author.
fn explain(error: &Error, last_line: u32) -> Broken {
    let line = error
        .location()
        .map_or(0, |at| line_number(at.line()))
        .min(last_line);
    // The parser puts the place behind its message; ours stands in front.
    let said = error.to_string();
    let first = said.lines().next().unwrap_or_default();
    let what = first
        .rsplit_once(" at line ")
        .map_or(first, |(what, _)| what);
    let message = match error.without_snippet() {
        Error::Budget { .. } | Error::AliasReplayLimitExceeded { .. } => {
            format!("This file is too deep or too large to read ({what}). Nest it less, or split it into several files.")
        }
        Error::DuplicateMappingKey { .. } => format!("The same key stands here twice ({what}). Keep one of them."),
        Error::MultipleDocuments { .. } => {
            "A second document starts here. Take out the line `---`, or put it into a file of its own.".to_owned()
        }
        _ => format!("This is not valid YAML: {what}. Check the indents, colons and quotes in this line and the lines beside it."),
    };
    Broken { line, message }
}

fn line_number(line: u64) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX)
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        Ok(Self {
            line: line_number(spanned.referenced.line()),
            written: !spanned.referenced.span().is_empty(),
            value: spanned.value,
        })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML value")
    }

    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Text(v.to_string()))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(Value::Text(v.to_string()))
    }

    fn visit_i128<E>(self, v: i128) -> Result<Value, E> {
        Ok(Value::Text(v.to_string()))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(Value::Text(v.to_string()))
    }

    fn visit_u128<E>(self, v: u128) -> Result<Value, E> {
        Ok(Value::Text(v.to_string()))
    }

    fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
        Ok(Value::Text(v.to_string()))
    }

    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(Value::Text(v.to_owned()))
    }

    fn visit_string<E>(self, v: String) -> Result<Value, E> {
        Ok(Value::Text(v))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Nothing)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Nothing)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element::<Node>()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            entries.push(Entry {
                line: line_number(key.referenced.line()),
                key: key.value,
                node: map.next_value::<Node>()?,
            });
        }
        Ok(Value::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;

    fn map(node: &Node) -> &[Entry] {
        match &node.value {
            Value::Map(entries) => entries,
            other => panic!("{other:?} is no map"),
        }
    }

    fn text(node: &Node) -> &str {
        match &node.value {
            Value::Text(text) => text,
            other => panic!("{other:?} is no text"),
        }
    }

    #[test]
    fn keys_and_values_know_their_lines() {
        let tree = parse("# a remark\na: 1\nb:\n  c: two\n  d: [x,\n     y]\n").unwrap();
        let [a, b] = map(&tree) else {
            panic!("two keys")
        };
        assert_eq!((a.key.as_str(), a.line, text(&a.node)), ("a", 2, "1"));
        let [c, d] = map(&b.node) else {
            panic!("two keys")
        };
        assert_eq!((b.line, c.line, c.node.line, d.line), (3, 4, 4, 5));
        let Value::List(items) = &d.node.value else {
            panic!("a list")
        };
        assert_eq!(
            items.iter().map(|i| (i.line, text(i))).collect::<Vec<_>>(),
            [(5, "x"), (6, "y")]
        );
    }

    #[test]
    fn codes_stay_as_they_are_written() {
        let tree =
            parse("country: NO\npost: 0123\nflag: on\ntrue: true\n1: paid\nlong: 1_000\n").unwrap();
        let pairs: Vec<_> = map(&tree)
            .iter()
            .map(|e| (e.key.as_str(), text(&e.node)))
            .collect();
        assert_eq!(
            pairs,
            [
                ("country", "NO"),
                ("post", "0123"),
                ("flag", "on"),
                ("true", "true"),
                ("1", "paid"),
                ("long", "1_000")
            ]
        );
    }

    #[test]
    fn the_word_null_is_told_from_nothing_at_all() {
        let tree =
            parse("a: null\nb:\nc: ~\nd: { e: , f: null, g: }\nh: &x null\ni: *x\nj:").unwrap();
        let written = |entries: &[Entry]| -> Vec<(String, bool)> {
            entries
                .iter()
                .filter(|e| matches!(e.node.value, Value::Nothing))
                .map(|e| (e.key.clone(), e.node.written))
                .collect()
        };
        let pairs = [
            ("a", true),
            ("b", false),
            ("c", true),
            ("h", true),
            ("i", true),
            ("j", false),
        ];
        assert_eq!(
            written(map(&tree)),
            pairs.map(|(key, is)| (key.to_owned(), is))
        );
        assert_eq!(
            written(map(&map(&tree).get(3).unwrap().node)),
            [("e", false), ("f", true), ("g", false)].map(|(key, is)| (key.to_owned(), is))
        );
    }

    #[test]
    fn lines_end_as_yaml_ends_them() {
        for (text, line) in [
            ("", 1),
            ("a", 1),
            ("a\n", 2),
            ("a\r\nb", 2),
            ("a\rb", 2),
            ("a\r\n\rb\n\n", 5),
        ] {
            assert_eq!(line_of(text, text.len()), line, "{text:?}");
        }
    }

    #[test]
    fn an_empty_file_is_nothing() {
        for empty in ["", "\n\n", "# only a remark\n", "---\n", "~"] {
            assert!(
                matches!(parse(empty).unwrap().value, Value::Nothing),
                "{empty:?}"
            );
        }
    }

    #[test]
    fn broken_files_are_refused_with_their_line() {
        for (broken, line) in [
            ("a: 1\nb: [1, 2\nc: 3\n", 3),
            ("a: 1\n\tb: 2\n", 2),
            ("a: 1\na: 2\n", 2),
            ("a: 1\nb: \"open\n", 3),
            ("a: 1\n---\nb: 2\n", 2),
            ("a: 1\nb: \0\n", 2),
            ("a: *nobody\n", 1),
        ] {
            let found = parse(broken).unwrap_err();
            assert!(found.line.abs_diff(line) <= 1, "{broken:?}: {found:?}");
            assert!(!found.message.contains('\n'), "{found:?}");
        }
    }

    #[test]
    fn deep_nesting_and_alias_bombs_are_refused() {
        let mut block = String::new();
        for depth in 0..2_000 {
            let _ = writeln!(block, "{}a:", " ".repeat(depth));
        }
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let before = format!("*a{}, ", level - 1).repeat(9);
            let _ = writeln!(bomb, "a{level}: &a{level} [{before}]");
        }
        for hostile in [block, "[".repeat(100_000), "{a: ".repeat(50_000), bomb] {
            assert!(parse(&hostile).is_err());
        }
    }

    #[test]
    fn a_file_beyond_the_limit_is_refused_unread() {
        assert!(
            parse(&"a".repeat(LARGEST_FILE + 1))
                .unwrap_err()
                .message
                .contains("Split")
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_within_its_lines(text in "(?s).{0,200}") {
            let lines = line_of(&text, text.len());
            if let Err(broken) = parse(&text) {
                prop_assert!(broken.line <= lines, "{:?}", broken);
            }
        }
    }
}
