//! The style: `style/main.css` and what it imports, joined and made small by lightningcss.

use std::fmt::Display;
use std::path::Path;

use anyhow::{Error, Result, anyhow};
use lightningcss::bundler::{Bundler, FileProvider};
use lightningcss::printer::PrinterOptions;
use lightningcss::stylesheet::{MinifyOptions, ParserOptions};
use lightningcss::targets::{Browsers, Targets};

/// The oldest browsers that get the design as it is drawn; older ones get readable pages. All of them run the
/// WebAssembly features that Rust uses by default.
fn targets() -> Targets {
    const fn version(major: u32, minor: u32) -> u32 {
        (major << 16) | (minor << 8)
    }
    Targets::from(Browsers {
        chrome: Some(version(109, 0)),
        edge: Some(version(109, 0)),
        firefox: Some(version(115, 0)),
        safari: Some(version(15, 4)),
        ios_saf: Some(version(15, 4)),
        android: Some(version(109, 0)),
        samsung: Some(version(21, 0)),
        ..Browsers::default()
    })
}

/// Joins `entry` and its imports into one small sheet. An error names file and line.
pub fn bundle(entry: &Path) -> Result<String> {
    let files = FileProvider::new();
    let mut sheet = Bundler::new(&files, None, ParserOptions::default())
        .bundle(entry)
        .map_err(located)?;
    sheet
        .minify(MinifyOptions {
            targets: targets(),
            ..MinifyOptions::default()
        })
        .map_err(located)?;
    let printed = sheet
        .to_css(PrinterOptions {
            minify: true,
            targets: targets(),
            ..PrinterOptions::default()
        })
        .map_err(located)?;
    Ok(printed.code)
}

/// An error as `file:line: what is wrong`. lightningcss counts lines from 0, and people from 1.
fn located(error: lightningcss::error::Error<impl Display>) -> Error {
    match error.loc {
        Some(place) => anyhow!("{}:{}: {}", place.filename, place.line + 1, error.kind),
        None => anyhow!("{}", error.kind),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    #[test]
    fn imports_are_joined_in_order() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("main.css"),
            "@import \"./first.css\";\na { top: 0 }",
        )
        .unwrap();
        std::fs::write(folder.path().join("first.css"), "b { top: 0 }").unwrap();
        assert_eq!(
            bundle(&folder.path().join("main.css")).unwrap(),
            "b{top:0}a{top:0}"
        );
    }

    #[test]
    fn a_broken_sheet_is_named_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let entry = folder.path().join("main.css");
        std::fs::write(&entry, "a { top: 0 }\n}").unwrap();
        let message = bundle(&entry).unwrap_err().to_string();
        assert!(message.contains("main.css:2"), "{message}");
    }

    #[test]
    fn the_projects_own_style_bundles_into_one_sheet() {
        let entry = Path::new("../style/main.css");
        let css = bundle(entry).unwrap();
        assert!(
            css.contains(":focus-visible"),
            "the keyboard's outline is in it"
        );
        assert!(!css.contains("@import"), "nothing is left to fetch");
        assert!(!css.contains("url("), "nothing comes from elsewhere");
    }
}
