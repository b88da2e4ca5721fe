//! Passwords that thieves have already, in a file that the operator supplies (ASVS 5.0, 6.2.12).
//!
//! The file is a heading, the number of entries, the SHA-256 of the entries, and the entries: the first eight bytes of each
//! password's SHA-1, in order. SHA-1 because the public lists come so; eight bytes because a thousand million passwords
//! leave one in 18 thousand million others looking like one of them. It is searched where it lies, so that it takes no
//! memory.

use std::collections::hash_map::RandomState;
use std::fs::File;
use std::hash::BuildHasher;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use sha1::Sha1;
use sha2::{Digest, Sha256};

const HEADING: &[u8; 24] = b"fairhold passwords, v. 1";
const ENTRY: u64 = 8;
/// Heading, number and checksum.
const ENTRIES_AT: u64 = 24 + 8 + 32;

/// Why a file of passwords can't be used.
#[derive(Debug, thiserror::Error)]
pub enum BreachedError {
    /// It can't be read or written.
    #[error("{0} can't be read or written")]
    File(PathBuf, #[source] io::Error),
    /// It is not what [`build`] writes, or was cut off or changed since.
    #[error(
        "{0} is no whole file of passwords. Make it again with `fairhold passwords build LIST OUT`."
    )]
    Broken(PathBuf),
    /// A list with nothing in it.
    #[error("{0} has no password in it. Give a list with one password or SHA-1 in a line.")]
    Empty(PathBuf),
}

/// The file, opened.
#[derive(Debug)]
pub struct BreachedPasswords {
    file: File,
    entries: u64,
}

impl BreachedPasswords {
    /// Opens the file after a look at all of it.
    ///
    /// # Errors
    /// When it can't be read, or is broken.
    pub fn open(path: &Path) -> Result<Self, BreachedError> {
        let unreadable = |error| BreachedError::File(path.to_owned(), error);
        let file = File::open(path).map_err(unreadable)?;
        let read = read_whole(&file).map_err(unreadable)?;
        let entries = read.ok_or_else(|| BreachedError::Broken(path.to_owned()))?;
        Ok(Self { file, entries })
    }

    /// Whether the password is in it.
    ///
    /// # Errors
    /// When the file can't be read any more.
    pub fn contains(&self, password: &str) -> io::Result<bool> {
        let wanted = entry(Sha1::digest(password.as_bytes()).as_slice());
        let (mut low, mut high) = (0, self.entries);
        while low < high {
            let middle = low + (high - low) / 2;
            let mut found = [0; 8];
            self.file
                .read_exact_at(&mut found, ENTRIES_AT + middle * ENTRY)?;
            match found.cmp(&wanted) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Ok(true),
            }
        }
        Ok(false)
    }
}

/// The number of entries, if the file is whole.
fn read_whole(file: &File) -> io::Result<Option<u64>> {
    let length = file.metadata()?.len();
    if length <= ENTRIES_AT {
        return Ok(None);
    }
    let (mut heading, mut number, mut checksum) = ([0; 24], [0; 8], [0; 32]);
    let mut reader = BufReader::with_capacity(1 << 20, file);
    reader.read_exact(&mut heading)?;
    reader.read_exact(&mut number)?;
    reader.read_exact(&mut checksum)?;
    let entries = u64::from_be_bytes(number);
    let fits = entries.checked_mul(ENTRY) == Some(length - ENTRIES_AT);
    if heading != *HEADING || !fits {
        return Ok(None);
    }
    let mut hasher = Sha256::new();
    loop {
        let piece = reader.fill_buf()?;
        let length = piece.len();
        if length == 0 {
            break;
        }
        hasher.update(piece);
        reader.consume(length);
    }
    Ok((hasher.finalize().as_slice() == checksum).then_some(entries))
}

/// Makes the file from a list: in each line a password, or the SHA-1 of one in hexadecimal digits, with or without a colon
/// and how often it was seen. A file that is there already is replaced when the new one is whole. Answers how many different
/// passwords are in it. Takes eight bytes of memory for each.
///
/// # Errors
/// When the list can't be read or is empty, or the file can't be written.
pub fn build(list: &Path, out: &Path) -> Result<u64, BreachedError> {
    let entries = entries_of(list).map_err(|e| BreachedError::File(list.to_owned(), e))?;
    if entries.is_empty() {
        return Err(BreachedError::Empty(list.to_owned()));
    }
    write(&entries, out).map_err(|e| BreachedError::File(out.to_owned(), e))
}

fn entries_of(list: &Path) -> io::Result<Vec<[u8; 8]>> {
    let mut reader = BufReader::with_capacity(1 << 20, File::open(list)?);
    let mut entries = Vec::new();
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if !text.is_empty() {
            entries.push(hashed(text).unwrap_or_else(|| entry(Sha1::digest(text).as_slice())));
        }
        line.clear();
    }
    entries.sort_unstable();
    entries.dedup();
    Ok(entries)
}

/// The entry of a line that is a SHA-1 already.
fn hashed(line: &[u8]) -> Option<[u8; 8]> {
    let (hash, rest) = line.split_at_checked(40)?;
    let counted = rest.is_empty() || rest.starts_with(b":");
    if !counted || !hash.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let first = std::str::from_utf8(hash.get(..16)?).ok()?;
    u64::from_str_radix(first, 16).ok().map(u64::to_be_bytes)
}

fn entry(hash: &[u8]) -> [u8; 8] {
    let mut entry = [0; 8];
    entry
        .iter_mut()
        .zip(hash)
        .for_each(|(to, from)| *to = *from);
    entry
}

/// Writes beside the file and renames, so that a portal that reads the old one is never shown half of the new one.
fn write(entries: &[[u8; 8]], out: &Path) -> io::Result<u64> {
    let number = entries.len() as u64;
    let mut beside = out.as_os_str().to_owned();
    beside.push(format!(".{:x}", RandomState::new().hash_one(number)));
    let written = write_new(entries, Path::new(&beside));
    match written.and_then(|()| std::fs::rename(&beside, out)) {
        Ok(()) => Ok(number),
        Err(error) => {
            // What is left of it helps nobody; that it was not written is what is said.
            let _ = std::fs::remove_file(&beside);
            Err(error)
        }
    }
}

fn write_new(entries: &[[u8; 8]], path: &Path) -> io::Result<()> {
    let mut file = BufWriter::with_capacity(1 << 20, File::create_new(path)?);
    file.write_all(HEADING)?;
    file.write_all(&(entries.len() as u64).to_be_bytes())?;
    file.write_all(&[0; 32])?;
    let mut hasher = Sha256::new();
    for entry in entries {
        hasher.update(entry);
        file.write_all(entry)?;
    }
    file.seek(io::SeekFrom::Start(ENTRIES_AT - 32))?;
    file.write_all(hasher.finalize().as_slice())?;
    file.into_inner()?.sync_all()
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "a test may panic: that is how it fails"
    )]

    use proptest::prelude::*;

    use super::*;

    fn built(list: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let (from, out) = (folder.path().join("list"), folder.path().join("out"));
        std::fs::write(&from, list).unwrap();
        build(&from, &out).unwrap();
        (folder, out)
    }

    #[test]
    fn passwords_and_their_hashes_may_stand_in_a_list() {
        // What `sha1sum` says of "hunter2hunter2".
        let list =
            "correct horse\r\n\nFC8C5EB194806E31A213F073131E73B0012A0FB5:17\n  spaces count \n";
        let (_folder, out) = built(list);
        let breached = BreachedPasswords::open(&out).unwrap();
        for known in ["correct horse", "hunter2hunter2", "  spaces count "] {
            assert!(breached.contains(known).unwrap(), "{known}");
        }
        for unknown in ["Correct horse", "spaces count", "", "correct horse\r"] {
            assert!(!breached.contains(unknown).unwrap(), "{unknown}");
        }
    }

    #[test]
    fn a_file_that_was_cut_off_or_changed_is_refused() {
        let (folder, out) = built("one\ntwo\nthree\n");
        let whole = std::fs::read(&out).unwrap();
        let broken = folder.path().join("broken");
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            std::fs::write(&broken, &changed).unwrap();
            let refused = BreachedPasswords::open(&broken);
            assert!(
                matches!(refused, Err(BreachedError::Broken(_))),
                "byte {at}"
            );
            std::fs::write(&broken, &whole[..at]).unwrap();
            let refused = BreachedPasswords::open(&broken);
            assert!(
                matches!(refused, Err(BreachedError::Broken(_))),
                "{at} bytes"
            );
        }
        let absent = BreachedPasswords::open(&folder.path().join("absent"));
        assert!(matches!(absent, Err(BreachedError::File(..))));
    }

    #[test]
    fn an_empty_list_makes_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let (list, out) = (folder.path().join("list"), folder.path().join("out"));
        std::fs::write(&list, "\n\r\n").unwrap();
        assert!(matches!(build(&list, &out), Err(BreachedError::Empty(_))));
        assert!(!out.exists());
        let into = folder.path().join("none/out");
        std::fs::write(&list, "one").unwrap();
        assert!(matches!(build(&list, &into), Err(BreachedError::File(..))));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever the list, each password of it is found and no other.
        #[test]
        fn exactly_the_list_is_found(
            known in prop::collection::hash_set("[a-z]{1,6}", 1..60),
            others in prop::collection::hash_set("[a-z]{1,6}", 1..60),
        ) {
            let list: Vec<_> = known.iter().cloned().collect();
            let (_folder, out) = built(&list.join("\n"));
            let breached = BreachedPasswords::open(&out).unwrap();
            for password in known.union(&others) {
                prop_assert_eq!(breached.contains(password).unwrap(), known.contains(password));
            }
        }
    }
}
