//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use fairhold_domain::policy::{Role, Scope};
use jiff::civil::Date;

use crate::commands;
use crate::config::Config;

/// The program, as it is called.
#[derive(Debug, Parser)]
#[command(name = "fairhold", version, about = ABOUT, long_about = LONG, max_term_width = 100)]
pub struct Cli {
    /// The configuration file.
    #[arg(long, global = true, value_name = "FILE", env = "FAIRHOLD_CONFIG")]
    config: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

const ABOUT: &str = "Fairhold is a portal where people see what a company holds about them. New here? Run `fairhold demo serve`.";

const LONG: &str =
    "The portal where people see, grant, take and erase what a company holds about them.

To look around, run `fairhold demo serve` and open the address that it prints.
To run it for your own company, write a catalog (docs/catalog.md), copy fairhold.toml, run
`fairhold keys new --out FILE` once, then `fairhold check`, then `fairhold serve`.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the portal.
    Serve,
    /// Check the catalog, and hold it against the databases that it describes.
    Check(CheckArgs),
    /// Bring the portal's own database up to date. `serve` does this as well.
    Migrate,
    /// A made-up company with made-up customers, to look around in.
    #[command(subcommand)]
    Demo(DemoCommand),
    /// Walk the records of who looked, and name the first one that was changed or is missing; or check a certificate.
    Verify(VerifyArgs),
    /// Who works behind the staff door: the first administrator is invited here.
    #[command(subcommand)]
    Staff(StaffCommand),
    /// Keys of the company's other systems.
    #[command(subcommand)]
    ApiKey(ApiKeyCommand),
    /// The master key.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Passwords that thieves have already.
    #[command(subcommand)]
    Passwords(PasswordsCommand),
}

/// What `check` checks.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The catalog's folder, in place of the configured one.
    #[arg(long, value_name = "DIR")]
    pub catalog: Option<PathBuf>,
    /// A SQLite database for a connection of the catalog, as NAME=FILE; can be said again.
    #[arg(long, value_name = "NAME=FILE", value_parser = connection)]
    pub sqlite: Vec<(String, PathBuf)>,
    /// Add an empty entry to the catalog's files for each thing that only a person can say, and name the tables and
    /// columns that nobody described. What stands in the files stays as it is.
    #[arg(long)]
    pub write_missing: bool,
    /// Print the findings as JSON.
    #[arg(long)]
    pub json: bool,
}

/// For programs that read the answer.
#[derive(Debug, Args)]
pub struct JsonArgs {
    /// Print the answer as JSON.
    #[arg(long)]
    pub json: bool,
}

/// What `verify` verifies.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// A certificate of an erasure, to tell whether this portal wrote it and nobody changed it. Then nothing else is looked at.
    #[arg(long, value_name = "FILE")]
    pub certificate: Option<PathBuf>,
    /// Print the answer as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
enum DemoCommand {
    /// Make the demo company where it is missing, and run the portal for it on this machine only.
    Serve,
    /// List the demo's log-ins.
    Accounts(JsonArgs),
}

/// What is done about the staff.
#[derive(Debug, Subcommand)]
pub enum StaffCommand {
    /// Invite somebody by e-mail. The link in it works once, for 24 hours.
    Invite {
        /// Their address.
        email: String,
        /// What they do: support, supervisor, privacy-officer, marketing or administrator.
        #[arg(long, value_parser = commands::staff::role)]
        role: Role,
    },
    /// List everybody.
    List(JsonArgs),
    /// End somebody's way in, and their sessions at once.
    Revoke {
        /// Their address.
        email: String,
        /// Also when they are the last administrator.
        #[arg(long)]
        force: bool,
    },
    /// Give somebody another role. They have to log in again.
    Role {
        /// Their address.
        email: String,
        /// What they do from now on.
        #[arg(value_parser = commands::staff::role)]
        role: Role,
        /// Also when they are the last administrator.
        #[arg(long)]
        force: bool,
    },
}

/// What is done about the keys of other systems.
#[derive(Debug, Subcommand)]
pub enum ApiKeyCommand {
    /// Make a key. It is shown this once.
    Create {
        /// What you call the system.
        #[arg(long)]
        name: String,
        /// A call that it may make, such as whoami; can be said again.
        #[arg(long, required = true, value_parser = commands::api_key::scope)]
        scope: Vec<Scope>,
        /// A purpose that it may ask about; can be said again.
        #[arg(long)]
        purpose: Vec<String>,
        /// The day on which it ends, such as 2030-12-31; a year from now without it.
        #[arg(long, value_name = "DAY", value_parser = commands::api_key::day)]
        expires: Option<Date>,
        /// Print the answer as JSON.
        #[arg(long)]
        json: bool,
    },
    /// List all keys, with their last use.
    List(JsonArgs),
    /// End a key at once.
    Revoke {
        /// Its id, as `list` shows it.
        id: String,
    },
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Make a master key in a new file that only you can read. Keep a copy in a safe place: without it nobody can read
    /// what the portal holds.
    New {
        /// The file. It must not exist yet.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Wrap all keys with another master key while the portal serves. Then put the new file in the place of the old one,
    /// and start the portal again.
    Rotate {
        /// The file with the new master key, made by `fairhold keys new`.
        #[arg(long, value_name = "FILE", required_unless_present_any = ["finish", "back"])]
        to: Option<PathBuf>,
        /// Turn back, with the old master key still in its place: all keys are wrapped with it again.
        #[arg(long, conflicts_with_all = ["to", "finish"])]
        back: bool,
        /// End it, when every process of the portal runs with the new master key: the old one then opens nothing more.
        #[arg(long, conflicts_with = "to")]
        finish: bool,
    },
    /// Try every key with the master key, and change nothing.
    Check(JsonArgs),
}

#[derive(Debug, Subcommand)]
enum PasswordsCommand {
    /// Make the file that the setting for stolen passwords names.
    Build {
        /// A list with one password in a line, or the SHA-1 of one with or without `:` and a number, as the public lists
        /// have it.
        list: PathBuf,
        /// The file to make. One that is there already is replaced.
        out: PathBuf,
    },
}

fn connection(text: &str) -> Result<(String, PathBuf), String> {
    let (name, file) = text
        .split_once('=')
        .ok_or("write it as NAME=FILE, such as shop=data/shop.db")?;
    Ok((name.to_owned(), PathBuf::from(file)))
}

/// Runs the program. Mistakes are one sentence on standard error and exit code 1; findings of `check` and breaks found
/// by `verify` are exit code 1 as well; a wrong command line is 2.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(e) => return fail(&anyhow::Error::from(e)),
    };
    match runtime.block_on(run(cli)) {
        Ok(code) => code,
        Err(e) => fail(&e),
    }
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let file = cli.config.as_deref();
    match cli.command {
        Command::Serve => commands::serve::run(Config::read(file)?).await,
        Command::Check(args) => commands::check::run(&Config::read(file)?, &args).await,
        Command::Migrate => commands::migrate::run(Config::read(file)?).await,
        Command::Demo(DemoCommand::Serve) => commands::demo::serve(Config::read(file)?).await,
        Command::Demo(DemoCommand::Accounts(args)) => commands::demo::accounts(args.json),
        Command::Verify(args) => commands::verify::run(Config::read(file)?, args).await,
        Command::ApiKey(command) => commands::api_key::run(Config::read(file)?, command).await,
        Command::Staff(command) => commands::staff::run(Config::read(file)?, command).await,
        Command::Keys(KeysCommand::New { out }) => commands::keys::new(&out),
        Command::Keys(KeysCommand::Rotate { to, back, .. }) => {
            let config = Config::read(file)?;
            match to {
                None if back => commands::keys::back(&config).await,
                Some(to) => commands::keys::rotate(&config, &to).await,
                None => commands::keys::finish(&config).await,
            }
        }
        Command::Keys(KeysCommand::Check(args)) => {
            commands::keys::check(&Config::read(file)?, args.json).await
        }
        Command::Passwords(PasswordsCommand::Build { list, out }) => {
            commands::passwords::build(&list, &out)
        }
    }
}

fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("fairhold: {error:#}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }
}
