//! `fairhold api-key`

use std::process::ExitCode;

use anyhow::{anyhow, bail};
use fairhold_domain::policy::Scope;
use fairhold_domain::time::Moment;
use fairhold_portal::api_keys::NewApiKey;
use fairhold_portal::staff::By;
use fairhold_portal::{Error, Portal};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::json;

use crate::cli::ApiKeyCommand;
use crate::config::Config;
use crate::wiring::{Mode, open};

const A_YEAR: i64 = 365 * 24 * 3600;

/// Does what is asked for on the word of whoever runs the program here.
pub(crate) async fn run(config: Config, command: ApiKeyCommand) -> anyhow::Result<ExitCode> {
    let portal = open(&config, Mode::Production).await?;
    let done = act(&portal, command).await;
    portal.close().await;
    done.map(|()| ExitCode::SUCCESS)
}

async fn act(portal: &Portal, command: ApiKeyCommand) -> anyhow::Result<()> {
    match command {
        ApiKeyCommand::Create {
            name,
            scope,
            purpose,
            expires,
            json,
        } => {
            let expires_at = match expires {
                // Until the end of that day.
                Some(date) => Moment::from(date.tomorrow()?.to_zoned(TimeZone::UTC)?.timestamp()),
                None => portal.now().plus_seconds(A_YEAR),
            };
            let new = NewApiKey {
                id: None,
                name,
                scopes: scope,
                purposes: purpose,
                expires_at,
            };
            let made = portal.create_api_key(By::Operator, new).await;
            let made = made.map_err(in_words)?;
            if json {
                let made = json!({"id": made.id, "key": made.key});
                println!("{}", serde_json::to_string_pretty(&made)?);
            } else {
                println!("{}", made.key);
                eprintln!(
                    "This is the key {}. It is shown this once. Put it where the system reads its secrets.",
                    made.id
                );
            }
        }
        ApiKeyCommand::List(args) => list(portal, args.json).await?,
        ApiKeyCommand::Revoke { id } => {
            let revoked = portal.revoke_api_key(By::Operator, &id).await;
            revoked.map_err(in_words)?;
            println!("The key has ended.");
        }
    }
    Ok(())
}

async fn list(portal: &Portal, json: bool) -> anyhow::Result<()> {
    let keys = portal.list_api_keys(By::Operator).await.map_err(in_words)?;
    let when = |at: Moment| at.timestamp().to_string();
    let now = portal.now();
    let rows: Vec<_> = keys
        .iter()
        .map(|key| {
            let scopes: Vec<_> = key.scopes.iter().map(|scope| scope.key()).collect();
            json!({
                "id": key.id,
                "name": key.name,
                "scopes": scopes,
                "purposes": key.purposes,
                "works": key.works(now),
                "expires_at": when(key.expires_at),
                "last_used_at": key.last_used_at.map(when),
            })
        })
        .collect();
    if json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(());
    }
    for key in &keys {
        let state = if key.works(now) { "works" } else { "has ended" };
        let used = key.last_used_at.map_or_else(|| "never".to_owned(), when);
        let scopes: Vec<_> = key.scopes.iter().map(|scope| scope.key()).collect();
        println!(
            "{}  {}: {state}, may {}, purposes {}, ends {}, last used {used}",
            key.id,
            key.name,
            scopes.join(" "),
            if key.purposes.is_empty() {
                "none".to_owned()
            } else {
                key.purposes.join(" ")
            },
            when(key.expires_at),
        );
    }
    Ok(())
}

/// A scope as it is typed.
pub(crate) fn scope(text: &str) -> anyhow::Result<Scope> {
    let Some(scope) = Scope::parse(text) else {
        let keys = Scope::ALL.map(Scope::key).join(", ");
        bail!("write one of: {keys}");
    };
    Ok(scope)
}

/// A day as it is typed.
pub(crate) fn day(text: &str) -> anyhow::Result<Date> {
    text.parse()
        .map_err(|_| anyhow!("write a day such as 2030-12-31"))
}

fn in_words(error: Error) -> anyhow::Error {
    match error {
        Error::ApiKey => anyhow!(
            "give the key a name, at least one scope, and a last day that is still to come. Names have at most 100 letters."
        ),
        Error::NotFound => {
            anyhow!("no key with this id works. `fairhold api-key list` shows them.")
        }
        error => error.into(),
    }
}
