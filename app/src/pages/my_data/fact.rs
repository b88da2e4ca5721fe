//! One fact: label, value, origin, and the explanation that opens in place.

use std::collections::HashMap;
use std::sync::Arc;

use fairhold_domain::catalog::Collection;
use fairhold_domain::facts::{Fact, Shown, origin_label};
use fairhold_domain::present;
use fairhold_portal::LastLook;
use fairhold_portal::company::Current;
use leptos::prelude::*;
use leptos::tachys::html::InertElement;

use super::explain::Explained;
use super::list::Place;
use super::{Asked, origin_class};
use crate::islands::Covered;
use crate::pages::in_address;

/// Who, other than the customer, looked last at each collection, in words.
pub(crate) struct Looked(HashMap<(String, String), String>);

impl Looked {
    /// Puts the last looks into words.
    pub fn new(looks: &[LastLook], current: &Current) -> Self {
        let words = |look: &LastLook| {
            let when = present::timestamp(look.at.timestamp(), &current.zone);
            (
                (look.dataset.clone(), look.collection.clone()),
                format!("{}, on {when}.", look.actor.name()),
            )
        };
        Self(looks.iter().map(words).collect())
    }

    /// Who looked last at a field's collection; nothing of a field that is never shown. Looks are kept a collection, so
    /// that a look of somebody else may not have been at this very field.
    fn beside(&self, fact: &Fact, collection: Option<&Collection>) -> Option<String> {
        if matches!(fact.value, Shown::Withheld(_)) {
            return None;
        }
        let words = self.at(&fact.path.dataset, &fact.path.collection);
        let label = collection
            .and_then(|c| c.label.as_ref())
            .filter(|_| words != NOBODY);
        Some(match label {
            Some(label) => format!("{words} We note that for all of “{label}” at once."),
            None => words,
        })
    }

    /// Who looked last at a collection.
    pub fn at(&self, dataset: &str, collection: &str) -> String {
        let key = (dataset.to_owned(), collection.to_owned());
        self.0
            .get(&key)
            .cloned()
            .unwrap_or_else(|| NOBODY.to_owned())
    }
}

const NOBODY: &str = "Nobody but you.";

/// A fact, ready to be shown.
pub(crate) struct FactRow {
    id: Option<String>,
    label: String,
    class: &'static str,
    origin: &'static str,
    value: AnyView,
    explanation: Arc<str>,
    since: String,
    system: String,
    looked: Option<String>,
    described: bool,
    field: String,
    change: Option<(String, &'static str)>,
}

impl FactRow {
    /// Takes what the page needs of a fact.
    pub fn of(
        fact: &Fact,
        explained: &Explained,
        looked: &Looked,
        asked: &Asked,
        place: &Place,
        collection: Option<&Collection>,
    ) -> Self {
        let since = fact
            .since
            .clone()
            .unwrap_or_else(|| "We don’t know when.".to_owned());
        Self {
            id: anchor(fact),
            label: fact.label.clone(),
            class: origin_class(fact.origin),
            origin: origin_label(fact.origin),
            value: value(fact, asked, place),
            explanation: explained.field(&fact.path),
            since,
            system: fact.system.clone(),
            looked: looked.beside(fact, collection),
            described: fact.described,
            change: None,
            field: fact.path.field.clone(),
        }
    }

    /// The same with a link to change what stands there or to take it away, where the portal itself keeps it: in `collection`.
    pub fn changed_by_owner(mut self, collection: Option<&Collection>) -> Self {
        let field = collection.and_then(|collection| collection.field(&self.field));
        self.change = field.map(|field| {
            let words = match field.answer {
                Some(_) => "Change it",
                None => "Take it away",
            };
            (format!("/change/{}", in_address(&field.name)), words)
        });
        self
    }

    /// The fact as a row with its explanation.
    pub fn view(self) -> impl IntoView + use<> {
        let raw = (!self.described).then(|| {
            view! { <dt>"What it is"</dt><dd>"Not described yet. This is the name it has in our system. Ask us and we will find out."</dd> }
        });
        let label = self.label.clone();
        let looked = self
            .looked
            .map(|words| view! { <dt>"Who looked last"</dt><dd>{words}</dd> });
        let change = self.change.map(|(to, words)| {
            view! { " "<a class="change" href=to>{words}<span class="visually-hidden">{format!(": {label}")}</span></a> }
        });
        view! {
            <div class=format!("fact {}", self.class) id=self.id data-fact="">
                <div class="row">
                    <h3 class="label">{self.label}</h3>
                    <div class="value">{self.value}{change}</div>
                    <span class="chip"><span class="dot"></span>{self.origin}" "<small>{self.system}</small></span>
                </div>
                <details>
                    <summary>"Why we hold this"<span class="visually-hidden">{format!(": {label}")}</span></summary>
                    <dl>
                        {raw}
                        {InertElement::new(self.explanation.to_string())}
                        <dt>"Since"</dt>
                        <dd>{self.since}</dd>
                        {looked}
                    </dl>
                </details>
            </div>
        }
    }
}

/// The place on the page of a value that can be uncovered: the page comes back there.
pub(crate) fn anchor(fact: &Fact) -> Option<String> {
    (!fact.id.is_empty()).then(|| format!("fact-{}", fact.id))
}

/// A value as the page shows it.
pub(crate) fn value(fact: &Fact, asked: &Asked, place: &Place) -> AnyView {
    match &fact.value {
        Shown::Plain(text) | Shown::LastFour(text) => text.clone().into_any(),
        Shown::Covered => {
            let page = place.clone();
            view! {
                <Covered
                    id=fact.id.clone() label=fact.label.clone() page=format!("{}#fact-{}", page.address(), fact.id) list=page.named() after=page.after
                    q=asked.q.clone() origin=asked.origin.clone() system=asked.system.clone()
                />
            }
            .into_any()
        }
        Shown::Long { start, bytes } => {
            view! { {start.clone()}"… "<span class="fine">{format!("(the whole of it is {} long)", present::size(*bytes))}</span> }.into_any()
        }
        Shown::File { bytes } => view! { <span class="fine">{format!("A file of {}", present::size(*bytes))}</span> }.into_any(),
        Shown::Unreadable => {
            view! { <span class="fine">"We hold something here, but it is damaged and can’t be read."</span> }.into_any()
        }
        Shown::Withheld(reason) => view! { <span class="withheld">{format!("Not shown. {reason}")}</span> }.into_any(),
    }
}
