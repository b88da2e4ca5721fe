//! The browser bundle: `pkg/fairhold.<hash>.{js,wasm,css}` in the site's folder, each with its packed copies, and
//! `hash.txt`, from which Leptos learns the names.
//!
//! Script and style are made apart, each only when what it is made of has changed: the stamp beside the files says what
//! that was. A new kind of file is one more part in [`build`].

use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result, ensure};

use crate::files::{self, Asset};
use crate::workspace::Workspace;
use crate::{script, style};

/// What the bundle is for.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// Customers: small.
    #[default]
    Release,
    /// The people who work on it: soon.
    Dev,
}

/// The files' common name, which Leptos calls the output name.
const NAME: &str = "fairhold";

/// Builds the bundle, or finds that it is as it should be.
pub fn build(workspace: &Workspace, mode: Mode, out: Option<PathBuf>) -> Result<()> {
    let own = out.is_none();
    let site = Site::at(workspace, out);
    fs::create_dir_all(&site.pkg)
        .with_context(|| format!("could not make {}", site.pkg.display()))?;

    let wasm = script::compile(workspace, mode)?;
    let optimizer = script::optimizer(workspace, mode);
    let module = fs::read(&wasm).with_context(|| format!("could not read {}", wasm.display()))?;
    let with = optimizer
        .as_ref()
        .map(|path| path.display().to_string())
        .unwrap_or_default();
    let stamp = files::hash([module.as_slice(), with.as_bytes(), &maker()?]);
    site.part("script", &["js", "wasm"], &stamp, || {
        match (&optimizer, mode) {
            (Some(program), _) => println!("Making the script, smaller with {}", program.display()),
            (None, Mode::Release) => println!("Making the script, without wasm-opt: it is not here (npm's binaryen), and saves some 15 %"),
            (None, Mode::Dev) => println!("Making the script"),
        }
        let scratch = workspace.target.join("xtask-script");
        script::bind(&wasm, optimizer.as_deref(), mode, &scratch).map(Vec::from)
    })?;

    let css = style::bundle(&workspace.root.join("style/main.css"))?.into_bytes();
    let stamp = files::hash([css.as_slice(), &maker()?]);
    site.part("style", &["css"], &stamp, || {
        println!("Making the style");
        Ok(vec![Asset {
            kind: "css",
            content: css.clone(),
        }])
    })?;

    let names = site.hashes()?;
    files::write(&site.root.join("hash.txt"), names.as_bytes())?;
    if own {
        // Leptos looks beside the program that runs, whichever profile built it.
        for profile in ["release", "debug"] {
            let folder = workspace.target.join(profile);
            fs::create_dir_all(&folder)?;
            files::write(&folder.join("hash.txt"), names.as_bytes())?;
        }
    }
    site.sweep()?;
    site.print_sizes().map(drop)
}

/// Prints the sizes and fails when they are over the budget of `max` bytes.
pub fn weigh(workspace: &Workspace, max: Option<u64>, out: Option<PathBuf>) -> Result<()> {
    let site = Site::at(workspace, out);
    let total = site.print_sizes()?;
    if let Some(max) = max {
        ensure!(
            total <= max,
            "the bundle has {total} bytes packed with brotli, and {max} is the limit"
        );
    }
    Ok(())
}

/// What tells this program from its next build, so that a change in how files are made makes them anew.
fn maker() -> Result<Vec<u8>> {
    let program = fs::metadata(std::env::current_exe()?)?;
    let built = program.modified()?.duration_since(UNIX_EPOCH)?.as_nanos();
    Ok([built.to_le_bytes().as_slice(), &program.len().to_le_bytes()].concat())
}

/// The folder that the server hands out.
struct Site {
    root: PathBuf,
    pkg: PathBuf,
}

impl Site {
    fn at(workspace: &Workspace, out: Option<PathBuf>) -> Self {
        let root = out.unwrap_or_else(|| workspace.target.join("site"));
        Self {
            pkg: root.join("pkg"),
            root,
        }
    }

    /// Makes one part of the bundle, unless the files that `stamp` stands for are there already.
    fn part(
        &self,
        name: &str,
        kinds: &[&str],
        stamp: &str,
        make: impl FnOnce() -> Result<Vec<Asset>>,
    ) -> Result<()> {
        let stamp_file = self.root.join(format!("{name}.stamp"));
        if let Ok(found) = fs::read_to_string(&stamp_file)
            && let Some((old, hashes)) = found.split_once('\n')
            && old == stamp
            && kinds.iter().all(|kind| self.is_whole(kind, hashes))
        {
            return Ok(());
        }
        let mut lines = format!("{stamp}\n");
        for asset in make()? {
            let hash = files::hash([asset.content.as_slice()]);
            let name = format!("{NAME}.{hash}.{}", asset.kind);
            files::write_packed(&self.pkg.join(name), &asset.content)?;
            lines += &[asset.kind, ": ", &hash, "\n"].concat();
        }
        files::write(&stamp_file, lines.as_bytes())
    }

    /// Is the file of this kind there, with its packed copies?
    fn is_whole(&self, kind: &str, hashes: &str) -> bool {
        named(kind, hashes).is_some_and(|name| {
            ["", ".br", ".gz"]
                .iter()
                .all(|packed| self.pkg.join(format!("{name}{packed}")).is_file())
        })
    }

    /// The text of `hash.txt`: `kind: hash`, one a line, as cargo-leptos writes it.
    fn hashes(&self) -> Result<String> {
        ["script", "style"]
            .iter()
            .try_fold(String::new(), |text, part| {
                let stamp = fs::read_to_string(self.root.join(format!("{part}.stamp")))
                    .with_context(|| format!("the {part} is not built"))?;
                Ok(text + stamp.split_once('\n').map_or("", |(_, hashes)| hashes))
            })
    }

    /// Removes files of earlier bundles.
    fn sweep(&self) -> Result<()> {
        let hashes = self.hashes()?;
        let current: Vec<String> = ["js", "wasm", "css"]
            .iter()
            .filter_map(|kind| named(kind, &hashes))
            .collect();
        for entry in fs::read_dir(&self.pkg)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if !current.iter().any(|kept| name.starts_with(kept.as_str())) {
                fs::remove_file(&path)
                    .with_context(|| format!("could not remove {}", path.display()))?;
            }
        }
        Ok(())
    }

    /// Prints each file's size, whole and packed with brotli, and returns the packed total in bytes.
    fn print_sizes(&self) -> Result<u64> {
        let hashes = self
            .hashes()
            .context("build the bundle first: cargo xtask bundle")?;
        let mut total = 0;
        for kind in ["wasm", "js", "css"] {
            let name =
                named(kind, &hashes).with_context(|| format!("the bundle has no {kind} file"))?;
            let whole = size(&self.pkg.join(&name))?;
            let packed = size(&self.pkg.join(format!("{name}.br")))?;
            println!("{name:<34} {whole:>9} bytes, {packed:>7} packed");
            total += packed;
        }
        println!(
            "{:<34} {:>9}        {total:>7} packed with brotli",
            "the whole bundle", ""
        );
        Ok(total)
    }
}

/// The file name of one kind, from the lines of `hash.txt`.
fn named(kind: &str, hashes: &str) -> Option<String> {
    hashes
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(found, _)| *found == kind)
        .map(|(_, hash)| format!("{NAME}.{hash}.{kind}"))
}

fn size(path: &Path) -> Result<u64> {
    Ok(fs::metadata(path)
        .with_context(|| format!("could not find {}", path.display()))?
        .len())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    fn site() -> (tempfile::TempDir, Site) {
        let folder = tempfile::tempdir().unwrap();
        let site = Site {
            root: folder.path().into(),
            pkg: folder.path().join("pkg"),
        };
        fs::create_dir(&site.pkg).unwrap();
        (folder, site)
    }

    fn css(content: &str) -> Asset {
        Asset {
            kind: "css",
            content: content.as_bytes().into(),
        }
    }

    fn script() -> Vec<Asset> {
        let asset = |kind| Asset {
            kind,
            content: b"1".into(),
        };
        vec![asset("js"), asset("wasm")]
    }

    #[test]
    fn a_part_is_made_once_and_again_when_its_source_or_a_file_changes() {
        let (_folder, site) = site();
        let mut times = 0;
        let mut make = |stamp: &str| {
            site.part("style", &["css"], stamp, || {
                times += 1;
                Ok(vec![css("a{}")])
            })
            .unwrap();
        };
        make("1");
        make("1");
        make("2");
        for file in fs::read_dir(&site.pkg).unwrap() {
            fs::remove_file(file.unwrap().path()).unwrap();
        }
        make("2");
        assert_eq!(times, 3);
    }

    #[test]
    fn names_are_written_as_leptos_reads_them_and_old_files_go() {
        let (_folder, site) = site();
        site.part("script", &["js", "wasm"], "1", || Ok(script()))
            .unwrap();
        site.part("style", &["css"], "1", || Ok(vec![css("a{}")]))
            .unwrap();
        site.part("style", &["css"], "2", || Ok(vec![css("b{}")]))
            .unwrap();
        site.sweep().unwrap();

        let hashes = site.hashes().unwrap();
        let kinds: Vec<&str> = hashes
            .lines()
            .map(|line| line.split_once(": ").unwrap().0)
            .collect();
        assert_eq!(kinds, ["js", "wasm", "css"]);
        assert_eq!(
            fs::read(site.pkg.join(named("css", &hashes).unwrap())).unwrap(),
            b"b{}"
        );
        assert_eq!(
            fs::read_dir(&site.pkg).unwrap().count(),
            9,
            "three files, each with two packed copies"
        );
        assert!(site.print_sizes().unwrap() > 0);
    }
}
