//! The archive: a ZIP that is written from front to end, so that it can be sealed on its way to the disk.

use std::io::{self, Write};
use std::path::Path;

use fairhold_domain::export::FileEntry;
use fairhold_domain::time::Moment;
use fairhold_store::seal::hex;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::vault::{Scratch, Sealer};

/// Fast: what is written once and read once is not worth more of the machine.
const LEVEL: i64 = 1;
/// A file that may become larger than the first form of ZIP takes (4 GiB) is announced as one.
const LARGE: u64 = 3 << 30;

/// An archive that is written.
pub(super) struct Archive {
    zip: ZipWriter<StreamWriter<Scratch>>,
    files: Vec<FileEntry>,
    options: SimpleFileOptions,
}

/// Where a file's bytes go: into the archive, and through the hash.
pub(super) struct FileWriter<'a> {
    zip: &'a mut ZipWriter<StreamWriter<Scratch>>,
    hash: Sha256,
    bytes: u64,
}

impl Write for FileWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.zip.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or_default());
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl FileWriter<'_> {
    /// Copies all that was written to a scratch.
    pub fn copy(&mut self, scratch: &Scratch) -> io::Result<()> {
        let mut reader = scratch.read()?;
        loop {
            let piece = reader.take()?;
            if piece.is_empty() {
                return Ok(());
            }
            self.write_all(&piece)?;
        }
    }
}

impl Archive {
    /// Begins the file.
    pub fn create(
        folder: &Path,
        name: &str,
        sealer: &Sealer,
        (now, zone): (Moment, &TimeZone),
    ) -> io::Result<Self> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(LEVEL))
            .last_modified_time(clock(now, zone))
            .unix_permissions(0o600);
        Ok(Self {
            zip: ZipWriter::new_stream(Scratch::create(folder, name, sealer)?),
            files: Vec::new(),
            options,
        })
    }

    /// Adds a file. It will have so many bytes, about.
    pub fn file(
        &mut self,
        path: &str,
        rows: Option<u64>,
        about: u64,
        write: impl FnOnce(&mut FileWriter<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        let options = self.options.large_file(about > LARGE);
        self.zip.start_file(path, options)?;
        let mut writer = FileWriter {
            zip: &mut self.zip,
            hash: Sha256::new(),
            bytes: 0,
        };
        write(&mut writer)?;
        let (hash, bytes) = (writer.hash.finalize(), writer.bytes);
        self.files.push(FileEntry {
            path: path.to_owned(),
            rows,
            bytes,
            sha256: hex(&hash),
        });
        Ok(())
    }

    /// The files so far.
    pub fn files(&self) -> &[FileEntry] {
        &self.files
    }

    /// Ends it, and keeps it; answers its length.
    pub fn finish(self) -> io::Result<u64> {
        self.zip.finish()?.into_inner().keep()
    }
}

/// A moment as archives write it: the company's clock, from 1980 on.
fn clock(now: Moment, zone: &TimeZone) -> DateTime {
    let at = now.timestamp().to_zoned(zone.clone());
    let part = |part: i8| u8::try_from(part).unwrap_or_default();
    DateTime::from_date_and_time(
        u16::try_from(at.year()).unwrap_or_default(),
        part(at.month()),
        part(at.day()),
        part(at.hour()),
        part(at.minute()),
        part(at.second()),
    )
    .unwrap_or_default()
}
