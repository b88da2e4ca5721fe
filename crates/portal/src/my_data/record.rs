//! The record of a look. Nothing that was read may be shown before it is durable.

use fairhold_connect::IdentityRow;
use fairhold_domain::access::{Act, Actor, Look, Seen};
use fairhold_domain::facts::Part;
use fairhold_store::links::Link;
use fairhold_store::{StoreError, looks};

use super::gather::Gathered;
use crate::error::Result;
use crate::links::Linked;
use crate::{Customer, Portal, second_fact};

impl Portal {
    /// Writes what was looked at, and what was learnt about links, as one act. A look that saw nothing says that it
    /// failed.
    pub(crate) async fn record(
        &self,
        customer: &Customer,
        gathered: &Gathered,
        acts: Vec<(Act, Vec<Seen>)>,
    ) -> Result<()> {
        let failed = gathered.answers.iter().flat_map(|a| &a.states);
        let failed = failed.filter(|s| s.state.has_failed());
        let failed: Vec<String> = failed.map(|s| s.key.clone()).collect();
        let own = acts.into_iter().map(|(act, seen)| Look {
            actor: Actor::Customer,
            act,
            reason: None,
            seen,
            failed: failed.clone(),
        });
        let all: Vec<Look> = linked_look(gathered).into_iter().chain(own).collect();
        let fresh: Vec<Link> = gathered
            .answers
            .iter()
            .flat_map(|a| a.fresh_links.iter().cloned())
            .collect();
        let lost: Vec<IdentityRow> = gathered
            .answers
            .iter()
            .flat_map(|a| a.lost.iter().cloned())
            .collect();
        let (id, key, now) = (customer.id, customer.key.clone(), self.now());
        let looks_key = self.inner.keys.portal().looks.clone();
        let random = self.inner.world.random.clone();
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    for link in &fresh {
                        fairhold_store::links::put(tx, &key, &*random, id, link).await?;
                    }
                    for row in &lost {
                        second_fact::forget(tx, &key, &*random, id, row).await?;
                    }
                    for look in &all {
                        looks::append(tx, &looks_key, id, now, look).await?;
                    }
                    Ok::<(), StoreError>(())
                })
            })
            .await?;
        Ok(())
    }
}

/// Every collection of which something is shown, the shared rows beside own ones too.
pub(super) fn seen_in(parts: &[Part]) -> Vec<Seen> {
    let mut seen: Vec<Seen> = Vec::new();
    let mut add = |dataset: &str, collection: &str| {
        if !seen
            .iter()
            .any(|s| s.dataset == dataset && s.collection == collection)
        {
            seen.push(Seen::all(dataset, collection));
        }
    };
    for part in parts {
        add(&part.dataset, &part.collection);
        let contexts = part.entries.iter().flat_map(|e| &e.context);
        for shared in contexts.filter_map(|c| c.facts.first()) {
            add(&shared.path.dataset, &shared.path.collection);
        }
    }
    seen
}

/// The portal's own look, when it searched systems for the customer's address and found rows.
fn linked_look(gathered: &Gathered) -> Option<Look> {
    let fresh = gathered.answers.iter().flat_map(|a| &a.fresh_links);
    let found = fresh.filter_map(|link| serde_json::from_slice::<Linked>(&link.keys).ok());
    let mut seen: Vec<Seen> = Vec::new();
    for row in found.flat_map(|l| l.rows) {
        let one = Seen::all(&row.place.dataset, &row.place.collection);
        if !seen.contains(&one) {
            seen.push(one);
        }
    }
    (!seen.is_empty()).then(|| Look {
        actor: Actor::Portal,
        act: Act::Linked,
        reason: None,
        seen,
        failed: Vec::new(),
    })
}
