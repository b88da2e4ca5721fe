//! Values that are too long for memory, on their way from a sealed file of their own into a table.

use std::io::{self, BufReader, Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fairhold_domain::export::{begin_cell, holds_json, write_json_letters, write_letters};
use serde::de::IgnoredAny;

use super::vault::{Scratch, SealedReader};

/// A text in JSON: a string, or the document that it is.
pub(super) fn json_text(out: &mut Scratch, long: &Scratch, sql_type: &str) -> io::Result<()> {
    let is_json = holds_json(sql_type)
        && serde_json::from_reader::<_, IgnoredAny>(BufReader::new(Opened(long.read()?))).is_ok();
    if is_json {
        return texts(long, |text| out.write_all(text.as_bytes()));
    }
    let mut letters = String::new();
    out.write_all(b"\"")?;
    texts(long, |text| {
        letters.clear();
        write_json_letters(&mut letters, text);
        out.write_all(letters.as_bytes())
    })?;
    out.write_all(b"\"")
}

/// A text in CSV.
pub(super) fn csv_text(out: &mut Scratch, long: &Scratch) -> io::Result<()> {
    let mut letters = String::new();
    let mut is_first = true;
    texts(long, |text| {
        letters.clear();
        if is_first {
            letters.push_str(begin_cell(text));
            is_first = false;
        }
        write_letters(&mut letters, text);
        out.write_all(letters.as_bytes())
    })?;
    out.write_all(b"\"")
}

/// A file in JSON: a string of Base64 (RFC 4648, 4).
pub(super) fn json_base64(out: &mut Scratch, long: &Scratch) -> io::Result<()> {
    let mut reader = long.read()?;
    let mut rest: Vec<u8> = Vec::new();
    out.write_all(b"\"")?;
    loop {
        let piece = reader.take()?;
        if piece.is_empty() {
            break;
        }
        rest.extend(piece);
        // Three bytes are four letters: what is left goes with the next piece.
        let behind = rest.split_off(rest.len() - rest.len() % 3);
        out.write_all(STANDARD.encode(&rest).as_bytes())?;
        rest = behind;
    }
    out.write_all(STANDARD.encode(&rest).as_bytes())?;
    out.write_all(b"\"")
}

/// The text, piece by piece, cut between letters.
fn texts(long: &Scratch, mut each: impl FnMut(&str) -> io::Result<()>) -> io::Result<()> {
    let mut reader = long.read()?;
    let mut rest = Vec::new();
    loop {
        let piece = reader.take()?;
        if piece.is_empty() {
            return if rest.is_empty() {
                Ok(())
            } else {
                Err(io::ErrorKind::InvalidData.into())
            };
        }
        rest.extend(piece);
        let whole = match str::from_utf8(&rest) {
            Ok(text) => text,
            Err(error) => str::from_utf8(rest.get(..error.valid_up_to()).unwrap_or_default())
                .map_err(io::Error::other)?,
        };
        let end = whole.len();
        each(whole)?;
        rest.drain(..end);
    }
}

/// A sealed file, for whoever reads plain bytes.
struct Opened(SealedReader);

impl Read for Opened {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read_into(into)
    }
}
