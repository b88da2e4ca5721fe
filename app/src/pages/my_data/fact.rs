//! One fact: label, value, origin, and the explanation that opens in place.

use std::collections::HashMap;
use std::sync::Arc;

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

    /// Who looked last at a collection.
    pub fn at(&self, dataset: &str, collection: &str) -> String {
        let key = (dataset.to_owned(), collection.to_owned());
        self.0
            .get(&key)
            .cloned()
            .unwrap_or_else(|| "Nobody but you.".to_owned())
    }
}

/// A fact, ready to be shown.
pub(crate) struct FactRow {
    label: String,
    class: &'static str,
    origin: &'static str,
    value: AnyView,
    explanation: Arc<str>,
    since: String,
    system: String,
    looked: String,
    described: bool,
}

impl FactRow {
    /// Takes what the page needs of a fact.
    pub fn of(
        fact: &Fact,
        explained: &Explained,
        looked: &Looked,
        asked: &Asked,
        place: &Place,
    ) -> Self {
        let since = fact
            .since
            .clone()
            .unwrap_or_else(|| "We don’t know when.".to_owned());
        Self {
            label: fact.label.clone(),
            class: origin_class(fact.origin),
            origin: origin_label(fact.origin),
            value: value(fact, asked, place),
            explanation: explained.field(&fact.path),
            since,
            system: fact.system.clone(),
            looked: looked.at(&fact.path.dataset, &fact.path.collection),
            described: fact.described,
        }
    }

    /// The fact as a row with its explanation.
    pub fn view(self) -> impl IntoView + use<> {
        let raw = (!self.described).then(|| {
            view! { <dt>"What it is"</dt><dd>"Not described yet. This is the name it has in our system. Ask us and we will find out."</dd> }
        });
        let label = self.label.clone();
        view! {
            <div class=format!("fact {}", self.class) data-fact="">
                <div class="row">
                    <h3 class="label">{self.label}</h3>
                    <div class="value">{self.value}</div>
                    <span class="chip"><span class="dot"></span>{self.origin}" "<small>{self.system}</small></span>
                </div>
                <details>
                    <summary>"Why we hold this"<span class="visually-hidden">{format!(": {label}")}</span></summary>
                    <dl>
                        {raw}
                        {InertElement::new(self.explanation.to_string())}
                        <dt>"Since"</dt>
                        <dd>{self.since}</dd>
                        <dt>"Who looked last"</dt>
                        <dd>{self.looked}</dd>
                    </dl>
                </details>
            </div>
        }
    }
}

/// A value as the page shows it.
pub(crate) fn value(fact: &Fact, asked: &Asked, place: &Place) -> AnyView {
    match &fact.value {
        Shown::Plain(text) | Shown::LastFour(text) => text.clone().into_any(),
        Shown::Covered => {
            let page = place.clone();
            view! {
                <Covered
                    id=fact.id.clone() label=fact.label.clone() page=page.address() list=page.named() after=page.after
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
