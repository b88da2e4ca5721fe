//! `fairhold check`

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use fairhold_connect::{ConnectError, SqliteConnector, SqliteSettings};
use fairhold_domain::catalog::check::{Finding, Severity, check_rules, check_schema};
use fairhold_domain::catalog::load::{Loaded, SourceFile, load};
use fairhold_domain::catalog::write_missing::{LiveDatabase, Written, WrittenFile, write_missing};
use fairhold_domain::catalog::{Catalog, OWN_CONNECTION};
use fairhold_domain::schema::LiveSchema;
use fairhold_portal::CompanySource;
use fairhold_portal::company::read_files;
use fairhold_portal::systems::Connections;

use self::files::{Change, replace_all};
use crate::cli::CheckArgs;
use crate::config::Config;
use crate::wiring::connections;

mod files;

/// How long a database may take to say what it has.
const DESCRIBE: Duration = Duration::from_secs(30);

pub(crate) async fn run(config: &Config, args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let folder = args
        .catalog
        .clone()
        .unwrap_or_else(|| config.company.catalog.clone());
    let source = CompanySource { folder };
    let files = read_files(&source)?;
    let mut loaded = load(&files);
    let databases = describe(&loaded.catalog, &all_connections(config, args)?).await;
    let mut left = Vec::new();
    if args.write_missing {
        let written = write(&source.folder, &files, &databases)?;
        for line in report(&written.files) {
            // Programs read the findings from standard output.
            if args.json {
                eprintln!("{line}");
            } else {
                println!("{line}");
            }
        }
        left = written.left;
        loaded = load(&read_files(&source)?);
    }
    let mut findings = all_findings(loaded, &databases, args.catalog.is_some());
    findings.extend(left);
    findings.sort_by(|a, b| a.place.cmp(&b.place));
    let wrong = findings.iter().filter(|f| f.is_error()).count();
    if args.json {
        println!("{}", serde_json::to_string_pretty(&findings)?);
    } else {
        for finding in &findings {
            println!("{finding}");
        }
        let unseen = databases
            .iter()
            .filter(|d| matches!(d.state, State::NotConfigured))
            .count();
        match wrong {
            0 if unseen > 0 => {
                println!("The files are well. Databases that were not looked at: {unseen}.");
            }
            0 => println!("All is well."),
            1 => println!("1 thing to mend."),
            n => println!("{n} things to mend."),
        }
    }
    Ok(if wrong == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Adds to the catalog's files what is missing in them.
fn write(folder: &Path, files: &[SourceFile], databases: &[Database]) -> anyhow::Result<Written> {
    let live: Vec<LiveDatabase> = databases
        .iter()
        .filter_map(|database| match &database.state {
            State::Described(schema) => Some(LiveDatabase {
                connection: database.connection.clone(),
                schema: schema.clone(),
            }),
            State::NotConfigured | State::Unreadable(_) => None,
        })
        .collect();
    let written = write_missing(files, &live);
    let changes: Vec<Change<'_>> = written
        .files
        .iter()
        .filter_map(|after| {
            let before = files.iter().find(|file| file.path == after.path)?;
            Some(Change {
                path: Path::new(&after.path),
                before: &before.text,
                after: &after.text,
            })
        })
        .collect();
    replace_all(folder, &changes)?;
    Ok(written)
}

fn report(files: &[WrittenFile]) -> Vec<String> {
    if files.is_empty() {
        return vec!["No empty entries were added.".to_owned()];
    }
    files
        .iter()
        .map(|file| match file.added {
            1 => format!("{}: 1 empty entry was added. Fill it in.", file.path),
            n => format!("{}: {n} empty entries were added. Fill them in.", file.path),
        })
        .collect()
}

fn all_findings(loaded: Loaded, databases: &[Database], alone: bool) -> Vec<Finding> {
    let mut findings = loaded.findings;
    // The rules assume a catalog that could be read; what could not is said once.
    if !findings.iter().any(Finding::is_error) {
        findings.extend(check_rules(&loaded.catalog));
    }
    for database in databases {
        findings.extend(database.findings(&loaded.catalog, alone));
    }
    findings
}

fn all_connections(config: &Config, args: &CheckArgs) -> anyhow::Result<Connections> {
    // Large databases may take longer to say what they have than a page can wait.
    let mut config = config.clone();
    config.systems.timeout_seconds = DESCRIBE.as_secs();
    let mut all = connections(&config)?;
    for (name, path) in &args.sqlite {
        let settings = SqliteSettings {
            path: path.clone(),
            max_connections: 1,
            timeout: DESCRIBE,
        };
        all.insert(
            name.clone(),
            std::sync::Arc::new(SqliteConnector::new(settings)),
        );
    }
    Ok(all)
}

/// A connection that the catalog names.
struct Database {
    connection: String,
    state: State,
}

enum State {
    NotConfigured,
    Unreadable(ConnectError),
    Described(LiveSchema),
}

/// Asks the database of each connection that the catalog names what it has.
async fn describe(catalog: &Catalog, connections: &Connections) -> Vec<Database> {
    let mut databases: Vec<Database> = Vec::new();
    let of_datasets = catalog
        .datasets
        .iter()
        .filter_map(|d| d.connection.as_deref());
    let of_company = catalog.company.connections.iter().map(String::as_str);
    for name in of_datasets.chain(of_company) {
        if name == OWN_CONNECTION || databases.iter().any(|known| known.connection == name) {
            continue;
        }
        let state = match connections.get(name) {
            None => State::NotConfigured,
            Some(connector) => match connector.describe().await {
                Ok(schema) => State::Described(schema),
                Err(error) => State::Unreadable(error),
            },
        };
        databases.push(Database {
            connection: name.to_owned(),
            state,
        });
    }
    databases
}

impl Database {
    /// What is wrong with the datasets that it is described by.
    fn findings(&self, catalog: &Catalog, alone: bool) -> Vec<Finding> {
        let name = &self.connection;
        let (severity, code, message) = match &self.state {
            State::Described(schema) => return check_schema(catalog, name, schema),
            // Where the portal's own settings are checked, what they lack is a mistake; a folder may be checked alone.
            State::NotConfigured => (
                if alone {
                    Severity::Note
                } else {
                    Severity::Error
                },
                "database-not-checked",
                format!(
                    "the connection {name:?} is not configured, so its database was not looked at. Add it to fairhold.toml, or say --sqlite {name}=FILE"
                ),
            ),
            State::Unreadable(error) => (
                Severity::Error,
                "database-unreadable",
                format!(
                    "the database of the connection {name:?} can't be looked at: {error}. Check its settings in fairhold.toml"
                ),
            ),
        };
        let first = catalog
            .datasets
            .iter()
            .find(|d| d.connection.as_ref() == Some(name));
        vec![Finding {
            place: first.map_or(&catalog.company.place, |d| &d.place).clone(),
            severity,
            code,
            message,
        }]
    }
}
