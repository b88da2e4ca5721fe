//! Puts new texts into a catalog's files: all of them or none, and never over what somebody else wrote meanwhile.

use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use tempfile::NamedTempFile;

/// A file's new text.
pub(super) struct Change<'c> {
    /// The file. A link is followed as long as it stays in the catalog's folder.
    pub(super) path: &'c Path,
    /// What was read from it.
    pub(super) before: &'c str,
    /// What it shall hold.
    pub(super) after: &'c str,
}

/// Replaces the files, each in one step, with their owners and permissions kept.
///
/// # Errors
/// When one of them can't be written, or no longer holds what was read from it: then none of them is changed. Should the
/// disk fail between two of them, the error names the first that was not replaced.
pub(super) fn replace_all(folder: &Path, changes: &[Change<'_>]) -> anyhow::Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let ready = prepare_all(folder, changes).context("nothing was written")?;
    for file in ready {
        let path = file.target.display().to_string();
        file.new
            .persist(&file.target)
            .with_context(|| format!("{path} and the files after it were not written"))?;
    }
    Ok(())
}

/// A text that waits beside the file that it will take the place of. Dropped, it is gone.
struct Ready {
    new: NamedTempFile,
    target: PathBuf,
}

fn prepare_all(folder: &Path, changes: &[Change<'_>]) -> anyhow::Result<Vec<Ready>> {
    let folder = folder
        .canonicalize()
        .with_context(|| format!("{} can't be read", folder.display()))?;
    let ready = changes
        .iter()
        .map(|change| {
            prepare(&folder, change)
                .with_context(|| format!("{} can't be written", change.path.display()))
        })
        .collect::<anyhow::Result<Vec<Ready>>>()?;
    for (change, file) in changes.iter().zip(&ready) {
        ensure!(
            std::fs::read(&file.target)? == change.before.as_bytes(),
            "{} has changed since it was read. Run it again",
            change.path.display()
        );
    }
    Ok(ready)
}

fn prepare(folder: &Path, change: &Change<'_>) -> anyhow::Result<Ready> {
    let target = change.path.canonicalize()?;
    ensure!(
        target.starts_with(folder),
        "it is a link to {}, which is not in the catalog's folder. Put the file itself there",
        target.display()
    );
    let old = std::fs::OpenOptions::new()
        .write(true)
        .open(&target)?
        .metadata()?;
    // Whoever may do everything is stopped by this alone.
    ensure!(
        !old.permissions().readonly(),
        "nobody may write to it. Allow it with `chmod u+w`"
    );
    let Some(beside) = target.parent() else {
        bail!("it is in no folder");
    };
    // A name that is no catalog file's, should somebody read the folder now.
    let mut new = tempfile::Builder::new()
        .prefix(".")
        .suffix(".new")
        .tempfile_in(beside)?;
    new.write_all(change.after.as_bytes())?;
    fchown(new.as_file(), Some(old.uid()), Some(old.gid()))
        .context("it belongs to somebody else")?;
    new.as_file().set_permissions(old.permissions())?;
    new.as_file().sync_all()?;
    Ok(Ready { new, target })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        /// With files a and b, which hold their names.
        fn new() -> Self {
            let folder = Self(tempfile::tempdir().unwrap());
            folder.write("a", "a");
            folder.write("b", "b");
            folder
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn write(&self, name: &str, text: &str) {
            std::fs::write(self.path(name), text).unwrap();
        }

        /// Both files with a new text.
        fn replace(&self) -> Result<(), String> {
            let (a, b) = (self.path("a"), self.path("b"));
            let changes =
                [(&a, "a", "new a"), (&b, "b", "new b")].map(|(path, before, after)| Change {
                    path,
                    before,
                    after,
                });
            replace_all(self.0.path(), &changes).map_err(|error| format!("{error:#}"))
        }

        fn texts(&self) -> [String; 2] {
            ["a", "b"].map(|name| std::fs::read_to_string(self.path(name)).unwrap())
        }

        fn names(&self) -> usize {
            std::fs::read_dir(self.0.path()).unwrap().count()
        }
    }

    #[test]
    fn files_are_replaced_with_their_permissions() {
        let folder = Folder::new();
        std::fs::set_permissions(folder.path("a"), std::fs::Permissions::from_mode(0o640)).unwrap();
        folder.replace().unwrap();
        assert_eq!(folder.texts(), ["new a", "new b"]);
        assert_eq!(
            folder.path("a").metadata().unwrap().permissions().mode() & 0o777,
            0o640
        );
        assert_eq!(folder.names(), 2);
    }

    type Spoil = fn(&Folder);

    #[test]
    fn a_file_that_changed_or_may_not_be_written_stops_all() {
        let spoilt: [(&str, Spoil); 3] = [
            ("changed since", |folder| folder.write("b", "b, and more")),
            ("nobody may write", |folder| {
                std::fs::set_permissions(folder.path("b"), std::fs::Permissions::from_mode(0o444))
                    .unwrap();
            }),
            ("can't be written", |folder| {
                std::fs::remove_file(folder.path("b")).unwrap();
            }),
        ];
        for (words, spoil) in spoilt {
            let folder = Folder::new();
            spoil(&folder);
            let there = folder.names();
            let error = folder.replace().unwrap_err();
            assert!(
                error.contains(words)
                    && error.contains("nothing was written")
                    && error.contains("/b "),
                "{error}"
            );
            assert_eq!(std::fs::read_to_string(folder.path("a")).unwrap(), "a");
            assert_eq!(folder.names(), there, "nothing is left behind");
        }
    }

    #[test]
    fn a_link_is_followed_in_the_folder_and_refused_out_of_it() {
        let folder = Folder::new();
        std::fs::rename(folder.path("b"), folder.path("c")).unwrap();
        symlink("c", folder.path("b")).unwrap();
        folder.replace().unwrap();
        assert_eq!(folder.texts(), ["new a", "new b"]);
        assert!(folder.path("b").is_symlink());

        let (inside, outside) = (Folder::new(), Folder::new());
        std::fs::remove_file(inside.path("b")).unwrap();
        symlink(outside.path("b"), inside.path("b")).unwrap();
        let error = inside.replace().unwrap_err();
        assert!(error.contains("not in the catalog's folder"), "{error}");
        assert_eq!(
            (inside.texts(), outside.texts()),
            (["a", "b"].map(str::to_owned), ["a", "b"].map(str::to_owned))
        );
    }
}
