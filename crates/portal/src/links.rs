//! Links: which rows of a connected system are a customer's, by the addresses and numbers that they proved.

use fairhold_connect::{ConnectError, Connector, IdentityRow, Plan};
use fairhold_domain::contact_point::ContactPoints;
use fairhold_domain::time::Moment;
use fairhold_store::links::Link;
use serde::{Deserialize, Serialize};

use crate::systems::System;

/// Seconds after which a system that knew nobody is asked again.
const ASK_AGAIN_NOBODY: i64 = 10 * 60;
/// Seconds after which a system that knew the customer is asked whether it knows another row of theirs.
const ASK_AGAIN: i64 = 24 * 60 * 60;

/// What a link remembers of a dataset.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Linked {
    /// Rows whose address the company itself proved.
    pub rows: Vec<IdentityRow>,
    /// Rows that hold the address but were never proven: not shown until a second fact matches, which is remembered apart.
    pub unproven: Vec<IdentityRow>,
}

/// What is known of a system's links, or what it answered just now.
pub(crate) struct SystemLinks {
    /// By dataset, in the system's order.
    pub linked: Vec<Linked>,
    /// What has to be written down.
    pub fresh: Vec<Link>,
}

/// The links of a system's datasets: those that are written down while they are young, else by asking the system.
pub(crate) async fn links(
    system: &System,
    connector: &dyn Connector,
    plan: &Plan,
    known: &[Link],
    contacts: &ContactPoints,
    now: Moment,
) -> Result<SystemLinks, ConnectError> {
    let young: Option<Vec<Linked>> = system
        .datasets
        .iter()
        .map(|d| {
            known
                .iter()
                .find(|l| l.dataset == d.key)
                .and_then(|link| while_young(link, now))
        })
        .collect();
    if let Some(linked) = young {
        return Ok(SystemLinks {
            linked,
            fresh: Vec::new(),
        });
    }
    let found = connector.find(plan, contacts).await?;
    let linked: Vec<Linked> = system
        .datasets
        .iter()
        .map(|dataset| {
            let here = || found.iter().filter(|f| f.row.place.dataset == dataset.key);
            Linked {
                rows: here()
                    .filter(|f| f.verified)
                    .map(|f| f.row.clone())
                    .collect(),
                unproven: here()
                    .filter(|f| !f.verified)
                    .map(|f| f.row.clone())
                    .collect(),
            }
        })
        .collect();
    let fresh = system
        .datasets
        .iter()
        .zip(&linked)
        .filter_map(|(dataset, linked)| {
            let keys = serde_json::to_vec(linked).ok()?;
            Some(Link {
                dataset: dataset.key.clone(),
                checked_at: now,
                keys,
            })
        })
        .collect();
    Ok(SystemLinks { linked, fresh })
}

fn while_young(link: &Link, now: Moment) -> Option<Linked> {
    let linked: Linked = serde_json::from_slice(&link.keys).ok()?;
    let limit = if linked.rows.is_empty() {
        ASK_AGAIN_NOBODY
    } else {
        ASK_AGAIN
    };
    (now.seconds_since(link.checked_at) < limit).then_some(linked)
}
