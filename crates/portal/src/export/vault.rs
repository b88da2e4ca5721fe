//! Sealed files: written from front to end, read at any place. Each piece of 64 KiB is sealed by itself with the customer's
//! key, and with the file's name and the piece's place, so that pieces can't be moved or exchanged. How long a file is stands
//! in the database: one that was cut doesn't open to its end.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fairhold_store::{Random, SecretKey};

/// Bytes of a piece, opened.
pub(super) const PIECE: usize = 64 * 1024;
/// A nonce before it and a tag behind it.
const SEALED_PIECE: u64 = PIECE as u64 + 24 + 16;

/// What opens and seals a customer's files.
#[derive(Clone)]
pub(super) struct Sealer {
    /// The customer's.
    pub key: SecretKey,
    /// For nonces.
    pub random: Arc<dyn Random>,
}

fn identity(name: &str, piece: u64) -> String {
    format!("export:{name}:{piece}")
}

fn does_not_open() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a sealed file does not open")
}

/// Makes the folder, for its owner alone.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Writes a sealed file.
pub(super) struct SealedWriter {
    sealer: Sealer,
    file: File,
    name: String,
    piece: u64,
    open: Vec<u8>,
}

impl SealedWriter {
    /// Makes the file, readable by its owner alone.
    pub fn create(folder: &Path, name: &str, sealer: Sealer) -> io::Result<Self> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(folder.join(name))?;
        Ok(Self {
            sealer,
            file,
            name: name.to_owned(),
            piece: 0,
            open: Vec::with_capacity(PIECE),
        })
    }

    /// Bytes that were written.
    pub const fn bytes(&self) -> u64 {
        self.piece * PIECE as u64 + self.open.len() as u64
    }

    fn seal(&mut self) -> io::Result<()> {
        let Sealer { key, random } = &self.sealer;
        let sealed = key
            .seal(&identity(&self.name, self.piece), &self.open, &**random)
            .map_err(|_| io::Error::other("a piece can't be sealed"))?;
        self.file.write_all(&sealed)?;
        self.piece += 1;
        self.open.clear();
        Ok(())
    }

    /// Writes the rest; answers the length, opened. It is durable then.
    pub fn finish(self) -> io::Result<u64> {
        let file = self.file.try_clone()?;
        let bytes = self.close()?;
        file.sync_all()?;
        Ok(bytes)
    }

    fn close(mut self) -> io::Result<u64> {
        let bytes = self.bytes();
        if !self.open.is_empty() {
            self.seal()?;
        }
        Ok(bytes)
    }
}

impl Write for SealedWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = PIECE - self.open.len();
        let taken = bytes.get(..room.min(bytes.len())).unwrap_or_default();
        self.open.extend_from_slice(taken);
        if self.open.len() == PIECE {
            self.seal()?;
        }
        Ok(taken.len())
    }

    /// A piece is sealed when it is full: nothing goes before.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads a sealed file.
pub(super) struct SealedReader {
    sealer: Sealer,
    file: File,
    name: String,
    bytes: u64,
    /// The piece that is read next.
    next: u64,
    /// The piece that was read last, and how far it was handed on.
    open: Vec<u8>,
    at: usize,
}

impl SealedReader {
    /// Opens a file of so many bytes, opened, at a byte of it.
    pub fn open(
        folder: &Path,
        name: &str,
        sealer: Sealer,
        bytes: u64,
        first: u64,
    ) -> io::Result<Self> {
        let mut file = File::open(folder.join(name))?;
        let piece = first / PIECE as u64;
        file.seek(SeekFrom::Start(piece * SEALED_PIECE))?;
        let mut reader = Self {
            sealer,
            file,
            name: name.to_owned(),
            bytes,
            next: piece,
            open: Vec::new(),
            at: 0,
        };
        reader.read_piece()?;
        reader.at = usize::try_from(first % PIECE as u64).unwrap_or_default();
        Ok(reader)
    }

    /// What is left of the piece, or else the next one; empty at the end.
    pub fn take(&mut self) -> io::Result<Vec<u8>> {
        if self.at >= self.open.len() {
            self.read_piece()?;
        }
        let mut piece = std::mem::take(&mut self.open);
        piece.drain(..self.at.min(piece.len()));
        self.at = 0;
        Ok(piece)
    }

    /// As many of the next bytes as there is room for, or as the piece has left; 0 at the end.
    pub fn read_into(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.open.len() {
            self.read_piece()?;
        }
        let read = self.open.get(self.at..).unwrap_or_default().read(into)?;
        self.at += read;
        Ok(read)
    }

    fn read_piece(&mut self) -> io::Result<()> {
        let begin = self.next * PIECE as u64;
        let length = self.bytes.saturating_sub(begin).min(PIECE as u64);
        self.at = 0;
        self.open.clear();
        if length == 0 {
            return Ok(());
        }
        let sealed = length + SEALED_PIECE - PIECE as u64;
        let mut bytes = vec![0; usize::try_from(sealed).map_err(|_| does_not_open())?];
        self.file.read_exact(&mut bytes)?;
        self.open = self
            .sealer
            .key
            .open(&identity(&self.name, self.next), &bytes)
            .map_err(|_| does_not_open())?;
        if self.open.len() as u64 != length {
            return Err(does_not_open());
        }
        self.next += 1;
        Ok(())
    }
}

/// A sealed file that is gone when this is dropped.
pub(super) struct Scratch {
    folder: PathBuf,
    name: String,
    sealer: Sealer,
    /// `None`: all is written.
    writer: Option<SealedWriter>,
    bytes: u64,
    kept: bool,
}

impl Scratch {
    /// Makes the file.
    pub fn create(folder: &Path, name: &str, sealer: &Sealer) -> io::Result<Self> {
        Ok(Self {
            folder: folder.to_owned(),
            name: name.to_owned(),
            sealer: sealer.clone(),
            writer: Some(SealedWriter::create(folder, name, sealer.clone())?),
            bytes: 0,
            kept: false,
        })
    }

    /// Bytes that are written.
    pub fn bytes(&self) -> u64 {
        self.writer.as_ref().map_or(self.bytes, SealedWriter::bytes)
    }

    /// Writes what is still to be written. Nothing can be added afterwards.
    pub fn close(&mut self) -> io::Result<()> {
        if let Some(writer) = self.writer.take() {
            self.bytes = writer.close()?;
        }
        Ok(())
    }

    /// Writes what is still to be written, and keeps the file; answers its length, opened.
    pub fn keep(mut self) -> io::Result<u64> {
        if let Some(writer) = self.writer.take() {
            self.bytes = writer.finish()?;
        }
        self.kept = true;
        Ok(self.bytes)
    }

    /// Reads it from its beginning, once it is closed.
    pub fn read(&self) -> io::Result<SealedReader> {
        SealedReader::open(&self.folder, &self.name, self.sealer.clone(), self.bytes, 0)
    }
}

impl Write for Scratch {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.writer {
            Some(writer) => writer.write(bytes),
            None => Err(io::Error::other("it is closed")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        if let Err(error) = std::fs::remove_file(self.folder.join(&self.name)) {
            tracing::warn!(%error, "a piece of an export is left behind until the next sweep");
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "a test may panic: that is how it fails"
    )]

    use super::*;
    use crate::world::World;

    fn sealer() -> Sealer {
        let random = World::real().random;
        let key = SecretKey::generate(&*random);
        Sealer { key, random }
    }

    fn all(mut reader: SealedReader) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        loop {
            let piece = reader.take()?;
            if piece.is_empty() {
                return Ok(bytes);
            }
            bytes.extend(piece);
        }
    }

    fn some(length: usize) -> Vec<u8> {
        (0..length)
            .map(|n| u8::try_from(n % 251).unwrap())
            .collect()
    }

    #[test]
    fn a_file_is_read_from_any_byte() {
        let (folder, sealer) = (tempfile::tempdir().unwrap(), sealer());
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7] {
            let name = format!("f{length}");
            let mut writer = SealedWriter::create(folder.path(), &name, sealer.clone()).unwrap();
            writer.write_all(&some(length)).unwrap();
            let bytes = writer.finish().unwrap();
            assert_eq!(bytes, length as u64);
            let on_disk = std::fs::read(folder.path().join(&name)).unwrap();
            assert!(length < 40 || !on_disk.windows(40).any(|w| some(40) == w));
            for first in [0, 1, PIECE - 1, PIECE, PIECE + 5, 3 * PIECE]
                .into_iter()
                .filter(|f| *f <= length)
            {
                let open = |bytes| {
                    SealedReader::open(folder.path(), &name, sealer.clone(), bytes, first as u64)
                };
                let read = all(open(bytes).unwrap()).unwrap();
                assert!(read == some(length)[first..], "{length} from {first}");
                // One that says it is longer than it is does not open to its end.
                assert!(open(bytes + 1).and_then(all).is_err());
            }
        }
    }

    #[test]
    fn pieces_have_their_place_and_their_file() {
        let (folder, sealer) = (tempfile::tempdir().unwrap(), sealer());
        for name in ["a", "b"] {
            let mut writer = SealedWriter::create(folder.path(), name, sealer.clone()).unwrap();
            writer.write_all(&some(2 * PIECE)).unwrap();
            writer.finish().unwrap();
        }
        let piece = usize::try_from(SEALED_PIECE).unwrap();
        let read = |name: &str, sealer: &Sealer| {
            SealedReader::open(folder.path(), name, sealer.clone(), 2 * PIECE as u64, 0)
                .and_then(all)
                .is_ok()
        };
        let a = std::fs::read(folder.path().join("a")).unwrap();
        let mut turned = a.clone();
        turned.rotate_left(piece);
        std::fs::write(folder.path().join("turned"), turned).unwrap();
        std::fs::rename(folder.path().join("b"), folder.path().join("other")).unwrap();
        let mut stranger = sealer.clone();
        stranger.key = SecretKey::new([1; 32]);
        assert!(read("a", &sealer));
        assert!(!read("turned", &sealer) && !read("other", &sealer) && !read("a", &stranger));
    }

    #[test]
    fn a_scratch_is_gone_when_it_is_dropped() {
        let (folder, sealer) = (tempfile::tempdir().unwrap(), sealer());
        let mut scratch = Scratch::create(folder.path(), "s", &sealer).unwrap();
        scratch.write_all(&some(PIECE + 3)).unwrap();
        assert_eq!(scratch.bytes(), PIECE as u64 + 3);
        scratch.close().unwrap();
        for _ in 0..2 {
            assert!(all(scratch.read().unwrap()).unwrap() == some(PIECE + 3));
        }
        drop(scratch);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
