//! The explanations of fields as HTML. They are the same for every customer, so they are made once a catalog.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use fairhold_domain::catalog::Collection;
use fairhold_domain::facts::{Explanation, explain};
use fairhold_domain::ids::FieldPath;
use fairhold_portal::company::Current;
use leptos::prelude::*;

use crate::render::in_owner;
use crate::ui::contact::with_links;

/// Holds what was made from the current catalog.
#[derive(Default)]
pub struct Explanations {
    made: RwLock<Option<(u64, Arc<Explained>)>>,
}

/// The explanations of one catalog.
#[derive(Default)]
pub struct Explained {
    fields: HashMap<FieldPath, Arc<str>>,
    lists: HashMap<(String, String), Arc<str>>,
}

impl Explanations {
    /// The explanations of this catalog; made when it is new.
    pub fn of(&self, current: &Current) -> Arc<Explained> {
        let known = self
            .made
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some((_, made)) = known.filter(|(revision, _)| *revision == current.revision) {
            return made;
        }
        let fresh = Arc::new(Explained::new(current));
        *self.made.write().unwrap_or_else(PoisonError::into_inner) =
            Some((current.revision, fresh.clone()));
        fresh
    }
}

impl Explained {
    fn new(current: &Current) -> Self {
        let mut made = Self::default();
        for dataset in &current.catalog.datasets {
            for collection in &dataset.collections {
                let fields: Vec<_> = collection
                    .fields
                    .iter()
                    .map(|field| (field, explain(&current.catalog, dataset, collection, field)))
                    .collect();
                for (field, explanation) in &fields {
                    let path = FieldPath::new(&dataset.key, &collection.name, &field.name);
                    made.fields
                        .insert(path, in_owner(|| points(&explanation.points())).into());
                }
                let explanations = fields.iter().map(|(_, e)| e).collect::<Vec<_>>();
                let key = (dataset.key.clone(), collection.name.clone());
                made.lists
                    .insert(key, list(collection, &explanations).into());
            }
        }
        made
    }

    /// The points of a field's explanation, as items of a description list; empty for a field nobody described.
    pub fn field(&self, path: &FieldPath) -> Arc<str> {
        self.fields.get(path).cloned().unwrap_or_default()
    }

    /// The explanation of a list: what holds for all its fields once, then each field with what is its own.
    pub fn list(&self, dataset: &str, collection: &str) -> Arc<str> {
        self.lists
            .get(&(dataset.to_owned(), collection.to_owned()))
            .cloned()
            .unwrap_or_default()
    }
}

fn points(points: &[(&'static str, String)]) -> impl IntoView + use<> {
    points
        .iter()
        .map(|(name, words)| view! { <dt>{*name}</dt><dd>{with_links(words)}</dd> })
        .collect_view()
}

fn list(collection: &Collection, explanations: &[&Explanation]) -> String {
    let each: Vec<Vec<(&'static str, String)>> = explanations.iter().map(|e| e.common()).collect();
    let Some(first) = each.first() else {
        return String::new();
    };
    let shared: Vec<(&'static str, String)> = first
        .iter()
        .filter_map(|(name, _)| Some((*name, most(&each, name)?)))
        .collect();
    let fields: Vec<_> = collection
        .fields
        .iter()
        .zip(explanations)
        .zip(each)
        .map(|((field, e), mine)| {
            let label = field.label.clone().unwrap_or_else(|| field.name.clone());
            let words = [e.what.clone(), e.why.clone()]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(" ");
            let differs: Vec<_> = mine
                .into_iter()
                .filter(|point| !shared.contains(point))
                .collect();
            (label, words, differs)
        })
        .collect();
    in_owner(move || {
        let fields = fields
            .into_iter()
            .map(|(label, words, differs)| {
                let differs = differs
                    .into_iter()
                    .map(|(name, words)| view! { <p class="fine"><b>{name}</b>" "{with_links(&words)}</p> })
                    .collect_view();
                view! { <dt>{label}</dt><dd><p>{words}</p>{differs}</dd> }
            })
            .collect_view();
        view! { <dl>{points(&shared)}</dl><p><b>"Each part of it"</b></p><dl>{fields}</dl> }
    })
}

/// The words that most fields have for a point.
fn most(each: &[Vec<(&'static str, String)>], name: &str) -> Option<String> {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for words in each
        .iter()
        .flatten()
        .filter(|(n, _)| *n == name)
        .map(|(_, words)| words.as_str())
    {
        match counts.iter_mut().find(|(known, _)| *known == words) {
            Some((_, n)) => *n += 1,
            None => counts.push((words, 1)),
        }
    }
    counts
        .into_iter()
        .max_by_key(|(_, n)| *n)
        .map(|(words, _)| words.to_owned())
}
