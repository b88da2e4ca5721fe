//! The script: the islands of `app/`, compiled to WebAssembly, with the JavaScript that wasm-bindgen writes around them.
//!
//! wasm-bindgen is used as a library, pinned in `Cargo.toml` to the version of the `wasm-bindgen` crate, so that the two
//! cannot differ. `wasm-opt` (npm's `binaryen`) takes some 15 % off; without it the bundle works all the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use wasm_bindgen_cli_support::Bindgen;

use crate::bundle::Mode;
use crate::files::Asset;
use crate::workspace::{Workspace, run};

const TARGET: &str = "wasm32-unknown-unknown";

/// What wasm-opt may use: what rustc emits by default, and no more. `--all-features` makes files that browsers refuse.
const FEATURES: [&str; 6] = [
    "bulk-memory",
    "sign-ext",
    "nontrapping-float-to-int",
    "mutable-globals",
    "reference-types",
    "multivalue",
];

/// Compiles the app for the browser and returns where the bare WebAssembly is.
pub fn compile(workspace: &Workspace, mode: Mode) -> Result<PathBuf> {
    let profile = match mode {
        Mode::Release => "wasm-release",
        Mode::Dev => "dev",
    };
    run(workspace
        .cargo()
        .args(["build", "--locked", "--package", "fairhold-app", "--lib"])
        .args([
            "--no-default-features",
            "--features",
            "hydrate",
            "--target",
            TARGET,
            "--profile",
            profile,
        ]))?;
    let folder = match mode {
        Mode::Release => "wasm-release",
        Mode::Dev => "debug",
    };
    Ok(workspace
        .target
        .join(TARGET)
        .join(folder)
        .join("fairhold_app.wasm"))
}

/// The program that makes WebAssembly smaller, where it is wanted and found.
pub fn optimizer(workspace: &Workspace, mode: Mode) -> Option<PathBuf> {
    match mode {
        Mode::Release => workspace.tool("wasm-opt"),
        Mode::Dev => None,
    }
}

/// Makes the two files that the browser loads from the bare WebAssembly. `scratch` is a folder for what lies between.
pub fn bind(
    wasm: &Path,
    optimizer: Option<&Path>,
    mode: Mode,
    scratch: &Path,
) -> Result<[Asset; 2]> {
    let _ = fs::remove_dir_all(scratch);
    fs::create_dir_all(scratch).with_context(|| format!("could not make {}", scratch.display()))?;
    Bindgen::new()
        .input_path(wasm)
        .out_name("fairhold")
        .web(true)?
        .typescript(false)
        .remove_name_section(mode == Mode::Release)
        .remove_producers_section(true)
        .generate(scratch)
        .context("wasm-bindgen failed")?;
    ensure!(
        !scratch.join("snippets").exists(),
        "a crate brings its own JavaScript file along, which the bundle does not carry: see xtask/src/script.rs"
    );

    let module = scratch.join("fairhold_bg.wasm");
    if let Some(program) = optimizer {
        run(Command::new(program)
            .args(["-Oz", "--strip-debug", "--strip-producers"])
            .args(FEATURES.map(|feature| format!("--enable-{feature}")))
            .arg(&module)
            .arg("-o")
            .arg(&module))?;
    }
    let script =
        fs::read_to_string(scratch.join("fairhold.js")).context("wasm-bindgen wrote no script")?;
    let script = without_comments(&script);
    check_policy(&script)?;
    let module = fs::read(&module).context("wasm-bindgen wrote no module")?;
    fs::remove_dir_all(scratch)?;
    Ok([
        Asset {
            kind: "js",
            content: script.into_bytes(),
        },
        Asset {
            kind: "wasm",
            content: module,
        },
    ])
}

/// Leaves out the lines that are nothing but a comment, and the space that lines begin with. wasm-bindgen writes
/// comments on lines of their own, and no line of its code begins inside a string.
fn without_comments(script: &str) -> String {
    let mut inside = false;
    let mut kept = String::with_capacity(script.len());
    for line in script.lines().map(str::trim) {
        if inside || line.starts_with("/*") {
            inside = !line.ends_with("*/");
        } else if !line.is_empty() && !line.starts_with("//") {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// The Content-Security-Policy allows `'wasm-unsafe-eval'` and no `'unsafe-eval'`: a script that makes code from text
/// would stop in the browser, so it stops here.
fn check_policy(script: &str) -> Result<()> {
    for forbidden in ["eval(", "new Function("] {
        ensure!(
            !script.contains(forbidden),
            "the script uses `{forbidden}...)`, which the Content-Security-Policy forbids"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_go_and_code_stays() {
        let script = "/* one */\n/**\n * two\n */\nlet a = 1; // kept\n\n    // three\n    let b = \"/* c\";\n";
        assert_eq!(
            without_comments(script),
            "let a = 1; // kept\nlet b = \"/* c\";\n"
        );
    }

    #[test]
    fn code_from_text_is_refused() {
        assert!(check_policy("const f = new Function(\"return 1\");").is_err());
        assert!(check_policy("WebAssembly.instantiate(bytes);").is_ok());
    }
}
