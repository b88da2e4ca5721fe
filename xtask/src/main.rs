//! The project's own build steps, for which cargo alone does not suffice.
//!
//! `cargo xtask bundle` makes what the browser loads, `cargo xtask size` holds it to its budget and `cargo xtask arrows`
//! proves which crate may know which. A new step is a module with one public function and one line in [`run`].

mod arrows;
mod bundle;
mod files;
mod script;
mod style;
mod workspace;

use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use bundle::Mode;
use workspace::Workspace;

const HELP: &str = "\
Usage: cargo xtask <command>

  bundle [--release | --dev] [--out DIR]
      Builds what the browser loads into DIR/pkg (default: site, inside the build folder).
      --release (the default) makes it small; --dev makes it soon.
  size [--max BYTES] [--out DIR]
      Prints the size of the bundle, packed with brotli. Fails when it is over BYTES.
  arrows
      Proves that the crates know each other only the way docs/ARCHITECTURE.md says,
      and that no server code is in the browser bundle.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    let Some((command, options)) = arguments.split_first() else {
        bail!("say what to do\n\n{HELP}");
    };
    let options = Options::parse(options)?;
    match command.as_str() {
        "bundle" => bundle::build(&Workspace::read()?, options.mode, options.out),
        "size" => bundle::weigh(&Workspace::read()?, options.max, options.out),
        "arrows" => arrows::check(&Workspace::read()?),
        "help" | "--help" | "-h" => {
            println!("{HELP}");
            Ok(())
        }
        other => bail!("there is no command `{other}`\n\n{HELP}"),
    }
}

/// What may follow a command.
#[derive(Default)]
struct Options {
    mode: Mode,
    /// The site's root folder.
    out: Option<std::path::PathBuf>,
    /// The budget in bytes.
    max: Option<u64>,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self> {
        let mut options = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let mut value = || {
                rest.next()
                    .with_context(|| format!("write a value after {argument}"))
            };
            match argument.as_str() {
                "--release" => options.mode = Mode::Release,
                "--dev" => options.mode = Mode::Dev,
                "--out" => options.out = Some(value()?.into()),
                "--max" => {
                    options.max = Some(value()?.parse().context("--max takes a number of bytes")?);
                }
                other => bail!("there is no option `{other}`\n\n{HELP}"),
            }
        }
        Ok(options)
    }
}
