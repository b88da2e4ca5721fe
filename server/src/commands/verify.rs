//! `fairhold verify`

use std::process::ExitCode;

use fairhold_portal::world::World;
use fairhold_store::decisions;
use fairhold_store::looks::{self, Break, BreakKind};

use crate::config::Config;
use crate::wiring::stores_as_they_are;

pub(crate) async fn run(config: Config, json: bool) -> anyhow::Result<ExitCode> {
    let stores = stores_as_they_are(&config, &World::real()).await?;
    let walk = looks::verify(&stores.db, &stores.keys).await?;
    stores.close().await;
    if json {
        println!("{}", serde_json::to_string_pretty(&walk)?);
    } else {
        for found in &walk.breaks {
            println!("{}", words(found));
        }
        let whole = if walk.breaks.is_empty() {
            "All are whole."
        } else {
            "The others are whole."
        };
        println!(
            "Walked {} chains with {} looks. {whole}",
            walk.chains, walk.looks
        );
    }
    Ok(if walk.breaks.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn words(found: &Break) -> String {
    let what = match found.what {
        BreakKind::Changed => "was changed",
        BreakKind::Gap => "is missing",
        BreakKind::CutTail => "and perhaps others after it were cut off",
        BreakKind::Head => "is the last, and the head of the chain does not fit it",
        BreakKind::Checkpoint => "is not the one that the key store saw",
    };
    if found.customer_id == decisions::CHAIN {
        return format!("what staff and systems did: record {} {what}", found.seq);
    }
    format!("customer {}: look {} {what}", found.customer_id, found.seq)
}
