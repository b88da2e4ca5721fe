//! Files of the bundle: named after their content, written with their packed copies, and made anew only when what they
//! are made of has changed.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

/// One file for the browser.
pub struct Asset {
    /// `js`, `wasm` or `css`; also its key in `hash.txt`.
    pub kind: &'static str,
    /// What is in it.
    pub content: Vec<u8>,
}

/// The hash of some pieces of content, short enough for a file name. 64 bits are far more than a cache needs to tell
/// one version from the next.
pub fn hash<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hasher = Sha256::new();
    for piece in pieces {
        hasher.update(piece.len().to_le_bytes());
        hasher.update(piece);
    }
    hasher
        .finalize()
        .iter()
        .take(8)
        .fold(String::new(), |mut text, byte| {
            use std::fmt::Write as _;
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Writes `content` at `path`, and beside it the packed copies that the server hands out as they are: `.br`
/// (RFC 7932, quality 11) and `.gz` (RFC 1952, level 9).
pub fn write_packed(path: &Path, content: &[u8]) -> Result<()> {
    write(path, content)?;
    write(&suffixed(path, "br"), &brotli(content)?)?;
    write(&suffixed(path, "gz"), &gzip(content)?)
}

/// Writes a file whole or not at all: a server that is running never hands out half of it.
pub fn write(path: &Path, content: &[u8]) -> Result<()> {
    let draft = suffixed(path, "draft");
    fs::write(&draft, content)
        .and_then(|()| fs::rename(&draft, path))
        .with_context(|| format!("could not write {}", path.display()))
}

fn suffixed(path: &Path, suffix: &str) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}

fn brotli(content: &[u8]) -> Result<Vec<u8>> {
    let params = brotli::enc::BrotliEncoderParams {
        quality: 11,
        lgwin: 22,
        size_hint: content.len(),
        ..Default::default()
    };
    let mut packed = Vec::new();
    brotli::BrotliCompress(&mut &*content, &mut packed, &params).context("brotli failed")?;
    Ok(packed)
}

fn gzip(content: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    encoder.finish().context("gzip failed")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use std::io::Read as _;

    use super::*;

    #[test]
    fn packed_copies_unpack_to_the_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.css");
        let content = b"body { color: teal }".repeat(50);
        write_packed(&path, &content).unwrap();

        let mut from_brotli = Vec::new();
        brotli::BrotliDecompress(
            &mut fs::File::open(suffixed(&path, "br")).unwrap(),
            &mut from_brotli,
        )
        .unwrap();
        let mut from_gzip = Vec::new();
        flate2::read::GzDecoder::new(fs::File::open(suffixed(&path, "gz")).unwrap())
            .read_to_end(&mut from_gzip)
            .unwrap();

        assert_eq!(fs::read(&path).unwrap(), content);
        assert_eq!(from_brotli, content);
        assert_eq!(from_gzip, content);
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            3,
            "no draft is left behind"
        );
    }

    #[test]
    fn the_hash_tells_where_one_piece_ends() {
        assert_ne!(
            hash([b"ab".as_slice(), b"c"]),
            hash([b"a".as_slice(), b"bc"])
        );
        assert_eq!(hash([b"ab".as_slice()]).len(), 16);
    }
}
