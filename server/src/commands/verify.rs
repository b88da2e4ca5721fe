//! `fairhold verify`

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use fairhold_portal::erasure::{LONGEST_CERTIFICATE, NotGenuine, check_certificate};
use fairhold_portal::world::World;
use fairhold_store::decisions;
use fairhold_store::looks::{self, Break, BreakKind};
use fairhold_store::points::{self, Sums};

use crate::cli::VerifyArgs;
use crate::config::Config;
use crate::wiring::stores_as_they_are;

pub(crate) async fn run(config: Config, args: VerifyArgs) -> anyhow::Result<ExitCode> {
    let json = args.json;
    let stores = stores_as_they_are(&config, &World::real()).await?;
    if let Some(file) = &args.certificate {
        let checked =
            read_certificate(file).map(|text| check_certificate(stores.keys.portal(), &text));
        stores.close().await;
        return Ok(say_certificate(checked?, json));
    }
    let walk = looks::verify(&stores.db, &stores.keys).await?;
    let sums = points::verify(&stores.db, &stores.keys.portal().looks).await?;
    stores.close().await;
    if json {
        let mut found = serde_json::to_value(&walk)?;
        if let Some(found) = found.as_object_mut() {
            found.insert("points".to_owned(), serde_json::to_value(&sums)?);
        }
        println!("{}", serde_json::to_string_pretty(&found)?);
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
        say_sums(&sums);
    }
    Ok(if walk.breaks.is_empty() && sums.wrong.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn say_sums(sums: &Sums) {
    for wrong in &sums.wrong {
        println!(
            "customer {}: the points of {} do not add up from entry {} on",
            wrong.customer_id, wrong.programme, wrong.seq
        );
    }
    let whole = if sums.wrong.is_empty() {
        "Every balance is the sum of its entries."
    } else {
        "The other balances are the sums of their entries."
    };
    println!(
        "Added up {} journals of points with {} entries. {whole}",
        sums.journals, sums.entries
    );
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

/// Reads no more than a certificate can be long.
fn read_certificate(file: &Path) -> anyhow::Result<String> {
    let open = std::fs::File::open(file);
    let open = open.with_context(|| format!("{} can't be read", file.display()))?;
    let mut text = String::new();
    let limit = u64::try_from(LONGEST_CERTIFICATE)?;
    let read = open.take(limit).read_to_string(&mut text);
    read.with_context(|| format!("{} is no certificate: it is no text", file.display()))?;
    Ok(text)
}

fn say_certificate(checked: Result<(), NotGenuine>, json: bool) -> ExitCode {
    let (genuine, words) = match checked {
        Ok(()) => (
            true,
            "This certificate is genuine: this portal signed it, and nobody changed it.".to_owned(),
        ),
        Err(wrong) => (false, wrong.to_string()),
    };
    if json {
        println!(
            "{:#}",
            serde_json::json!({ "genuine": genuine, "words": words })
        );
    } else {
        println!("{words}");
    }
    if genuine {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
