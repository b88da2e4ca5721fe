//! Values as a connected system holds them: typed keys that come back unchanged, and cells that are ready to be shown.
//!
//! None of these types shows its content in `Debug`: debug output ends up in logs.

use std::{
    fmt,
    hash::{Hash, Hasher},
};

use serde::{Deserialize, Serialize};

/// One part of a key, with the type that the database gave it, so that it is bound again exactly as it was read.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyValue {
    /// Nothing there.
    Null,
    /// A whole number.
    Int(i64),
    /// A floating-point number; written as its bits, so that no digit is lost on the way.
    #[serde(with = "bits")]
    Real(f64),
    /// Text.
    Text(String),
    /// Bytes; text that is not valid UTF-8 comes as this too.
    Blob(Vec<u8>),
}

/// The values of a row's key columns, in the order of the key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RowKey(pub Vec<KeyValue>);

/// One value of a row, for showing.
#[derive(Clone, PartialEq, Eq)]
pub enum Cell {
    /// The database holds nothing here.
    Empty,
    /// The value as text.
    Text(String),
    /// Longer than [`MAX_CELL_BYTES`].
    TooLong {
        /// How it begins; empty where the value is so large that even its beginning was left where it is.
        start: String,
        /// Its whole length in bytes.
        bytes: u64,
    },
    /// No text: a picture, a file.
    Binary {
        /// Its length in bytes.
        bytes: u64,
    },
    /// The database calls it text and it is not: its bytes are not valid UTF-8.
    Unreadable,
    /// Held, and never read: by the catalog's word, or because its name is that of a secret.
    Withheld,
}

/// The longest value that is read whole, in bytes.
pub const MAX_CELL_BYTES: u64 = 64 * 1024;

/// Databases store no "not a number", so each value equals itself.
impl Eq for KeyValue {}

impl Hash for KeyValue {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        match self {
            Self::Null => {}
            Self::Int(number) => number.hash(state),
            // 0.0 and -0.0 are equal, and so must be their hashes.
            Self::Real(number) => (number + 0.0).to_bits().hash(state),
            Self::Text(text) => text.hash(state),
            Self::Blob(bytes) => bytes.hash(state),
        }
    }
}

impl KeyValue {
    /// Text where the bytes are valid UTF-8.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        std::str::from_utf8(bytes).map_or_else(
            |_| Self::Blob(bytes.to_vec()),
            |text| Self::Text(text.to_owned()),
        )
    }

    /// As engines take and give it that have every value travel as text. `None` for null.
    pub(crate) fn into_text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            other => other.comparable(),
        }
    }

    /// The form in which two values of different columns are compared: `1`, `1.0` and `"1"` are one key to a database
    /// whose columns differ in type. `None` for null, which equals nothing.
    pub(crate) fn comparable(&self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Int(number) => Some(number.to_string()),
            Self::Real(number) => Some(number.to_string()),
            Self::Text(text) => Some(text.clone()),
            Self::Blob(bytes) => Some(format!("\0{bytes:?}")),
        }
    }
}

impl Cell {
    /// Reads a note that a [`crate::sql::Dialect::cell`] wrote in place of a value: `b12:` for 12 bytes of no text,
    /// `t70000:How it begins` for a long text, `v` and the value.
    pub(crate) fn noted(note: &str) -> Self {
        let long = || {
            let (bytes, start) = note.get(1..)?.split_once(':')?;
            Some((bytes.parse().ok()?, start.to_owned()))
        };
        match (note.chars().next(), long()) {
            (Some('v'), _) => Self::Text(note.get(1..).unwrap_or_default().to_owned()),
            (Some('b'), Some((bytes, _))) => Self::Binary { bytes },
            (Some('t'), Some((bytes, start))) => Self::TooLong { start, bytes },
            _ => Self::Unreadable,
        }
    }
}

impl fmt::Debug for KeyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Int(_) => "Int(…)",
            Self::Real(_) => "Real(…)",
            Self::Text(_) => "Text(…)",
            Self::Blob(_) => "Blob(…)",
        })
    }
}

impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Text(_) => f.write_str("Text(…)"),
            Self::TooLong { bytes, .. } => write!(f, "TooLong({bytes} bytes)"),
            Self::Binary { bytes } => write!(f, "Binary({bytes} bytes)"),
            Self::Unreadable => f.write_str("Unreadable"),
            Self::Withheld => f.write_str("Withheld"),
        }
    }
}

mod bits {
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde asks for a reference"
    )]
    pub fn serialize<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(number.to_bits())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        u64::deserialize(deserializer).map(f64::from_bits)
    }
}
