//! Where the project and its build folder are, and how cargo is called: asked of cargo, never guessed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// The project as cargo sees it.
pub struct Workspace {
    /// The project's folder.
    pub root: PathBuf,
    /// The build folder.
    pub target: PathBuf,
    /// The members, each as `cargo metadata` describes it.
    pub packages: Vec<Value>,
}

impl Workspace {
    /// Asks `cargo metadata`.
    pub fn read() -> Result<Self> {
        let text = output(Command::new(cargo()).args([
            "metadata",
            "--no-deps",
            "--locked",
            "--format-version",
            "1",
        ]))?;
        let metadata: Value =
            serde_json::from_str(&text).context("cargo metadata wrote no JSON")?;
        let folder = |key: &str| {
            metadata
                .get(key)
                .and_then(Value::as_str)
                .map(PathBuf::from)
                .with_context(|| format!("cargo metadata wrote no `{key}`"))
        };
        Ok(Self {
            root: folder("workspace_root")?,
            target: folder("target_directory")?,
            packages: metadata
                .get("packages")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default(),
        })
    }

    /// A cargo command that runs in the project's folder.
    pub fn cargo(&self) -> Command {
        let mut command = Command::new(cargo());
        command.current_dir(&self.root);
        command
    }

    /// A program that npm installed for `end2end/`, or one on the PATH.
    pub fn tool(&self, name: &str) -> Option<PathBuf> {
        let local = self.root.join("end2end/node_modules/.bin").join(name);
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::iter::once(local)
            .chain(std::env::split_paths(&path).map(|folder| folder.join(name)))
            .find(|program| Path::is_file(program))
    }
}

/// Runs a command whose words the user should see.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("could not start {}", name(command)))?;
    ensure!(status.success(), "{} failed", name(command));
    Ok(())
}

/// Runs a command and returns what it wrote.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("could not start {}", name(command)))?;
    ensure!(output.status.success(), "{} failed", name(command));
    String::from_utf8(output.stdout).with_context(|| format!("{} wrote no text", name(command)))
}

/// The cargo that runs this program, so that both use the same compiler.
fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}
