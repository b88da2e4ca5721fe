//! The certificate of an erasure: what was erased, written over and kept, table by table, without anything about whom.

use serde::{Deserialize, Serialize};

/// What a certificate says. It is signed as it stands, line by line, so that no reading of it can be argued about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// The number of the erasure, of no meaning elsewhere.
    pub erasure: String,
    /// Who erased: the company's name.
    pub company: String,
    /// When all parts were done (RFC 3339).
    pub done_at: String,
    /// The last day on which a copy of the keys may still exist: until then what stands in copies of the data could be read.
    pub unreadable_from: String,
    /// Table by table.
    pub tables: Vec<ErasedTable>,
}

/// What became of one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasedTable {
    /// The system, as customers know it.
    pub system: String,
    /// What stands there, as customers know it.
    pub label: String,
    /// Rows that went.
    pub erased: u64,
    /// Rows of which parts were emptied or written over.
    pub masked: u64,
    /// These parts, as customers know them.
    pub masked_parts: Vec<String>,
    /// Rows of which parts stay.
    pub kept: u64,
    /// These parts, each with its reason.
    pub kept_parts: Vec<KeptPart>,
}

/// A part that stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptPart {
    /// As customers know it.
    pub label: String,
    /// Why, and until when, in sentences.
    pub why: String,
}

impl KeptPart {
    /// A part and its reason.
    pub fn new(label: &str, why: &str) -> Self {
        Self {
            label: label.to_owned(),
            why: why.to_owned(),
        }
    }
}

/// Behind this line of a certificate’s file stand the key and the signature. No label can make a line.
pub const SIGNED_PART_ENDS: &str = "\n----- signature -----\n";

impl Certificate {
    /// The text that is signed: a document that people read and programs parse.
    pub fn text(&self) -> String {
        let mut lines = vec![
            "Certificate of erasure".to_owned(),
            format!("Number: {}", one_line(&self.erasure)),
            format!("By: {}", one_line(&self.company)),
            format!("Done: {}", one_line(&self.done_at)),
            format!(
                "Copies of the keys are gone at the latest on: {}",
                one_line(&self.unreadable_from)
            ),
        ];
        for table in &self.tables {
            lines.push(String::new());
            lines.push(format!(
                "{}: {}",
                one_line(&table.system),
                one_line(&table.label)
            ));
            lines.push(format!("  Entries erased: {}", table.erased));
            lines.push(format!("  Entries written over: {}", table.masked));
            for part in &table.masked_parts {
                lines.push(format!("    Written over or emptied: {}", one_line(part)));
            }
            lines.push(format!("  Entries of which parts stay: {}", table.kept));
            for part in &table.kept_parts {
                lines.push(format!(
                    "    Stays: {}. {}",
                    one_line(&part.label),
                    one_line(&part.why)
                ));
            }
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

/// No label can make a line of its own.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
