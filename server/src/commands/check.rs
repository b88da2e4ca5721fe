//! `fairhold check`

use std::process::ExitCode;
use std::time::Duration;

use fairhold_connect::{Connector, SqliteConnector, SqliteSettings};
use fairhold_domain::catalog::check::{Finding, Severity, check_rules, check_schema};
use fairhold_domain::catalog::load::load;
use fairhold_domain::catalog::{Catalog, OWN_CONNECTION, Place};
use fairhold_portal::CompanySource;
use fairhold_portal::company::read_files;
use fairhold_portal::systems::Connections;

use crate::cli::CheckArgs;
use crate::config::Config;
use crate::wiring::connections;

/// How long a database may take to say what it has.
const DESCRIBE: Duration = Duration::from_secs(30);

pub(crate) async fn run(config: &Config, args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let folder = args
        .catalog
        .clone()
        .unwrap_or_else(|| config.company.catalog.clone());
    let files = read_files(&CompanySource { folder })?;
    let loaded = load(&files);
    let mut findings = loaded.findings;
    // The rules assume a catalog that could be read; what could not is said once.
    if !findings.iter().any(Finding::is_error) {
        findings.extend(check_rules(&loaded.catalog));
    }
    findings.extend(check_databases(&loaded.catalog, &all_connections(config, args)?).await);
    findings.sort_by(|a, b| a.place.cmp(&b.place));
    let wrong = findings.iter().filter(|f| f.is_error()).count();
    if args.json {
        println!("{}", serde_json::to_string_pretty(&findings)?);
    } else {
        for finding in &findings {
            println!("{finding}");
        }
        match wrong {
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

/// Holds every connection that a dataset names against the catalog.
async fn check_databases(catalog: &Catalog, connections: &Connections) -> Vec<Finding> {
    let mut names: Vec<(&str, &Place)> = Vec::new();
    for dataset in &catalog.datasets {
        if let Some(name) = dataset
            .connection
            .as_deref()
            .filter(|n| *n != OWN_CONNECTION)
            && !names.iter().any(|(known, _)| *known == name)
        {
            names.push((name, &dataset.place));
        }
    }
    let mut findings = Vec::new();
    for (name, place) in names {
        match connections.get(name) {
            Some(connector) => findings.extend(check_one(catalog, name, place, &**connector).await),
            None => findings.push(Finding {
                place: place.clone(),
                severity: Severity::Note,
                code: "database-not-checked",
                message: format!("the connection {name:?} is not configured, so its database was not looked at. Add it to fairhold.toml, or say --sqlite {name}=FILE"),
            }),
        }
    }
    findings
}

async fn check_one(
    catalog: &Catalog,
    name: &str,
    place: &Place,
    connector: &dyn Connector,
) -> Vec<Finding> {
    match connector.describe().await {
        Ok(schema) => check_schema(catalog, name, &schema),
        Err(error) => vec![Finding {
            place: place.clone(),
            severity: Severity::Error,
            code: "database-unreadable",
            message: format!(
                "the database of the connection {name:?} can't be looked at: {error}. Check its settings in fairhold.toml"
            ),
        }],
    }
}
