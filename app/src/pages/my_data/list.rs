//! Lists, such as orders: a few on My data, all of them on a page of their own, page by page.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::Response;
use fairhold_domain::catalog::Collection;
use fairhold_domain::facts::{Context, Entry, Fact, Part, origin_label, title};
use fairhold_domain::present::number;
use fairhold_portal::CollectionName;
use fairhold_portal::my_data::{ListPage, MyDataPage};
use leptos::prelude::*;
use leptos::tachys::html::InertElement;
use serde::Deserialize;

use super::explain::Explained;
use super::fact::{Looked, anchor, value};
use super::{Asked, origin_class};
use crate::error::PortalError;
use crate::pages::form::PageForm;
use crate::pages::in_address;
use crate::render::Page;
use crate::session::LoggedIn;
use crate::state::AppState;

/// Which page of which list: My data itself when it is empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    name: Option<CollectionName>,
    /// The sealed place where the page before ended.
    pub after: Option<String>,
}

impl Place {
    /// The page's address.
    pub fn address(&self) -> String {
        self.name
            .as_ref()
            .map_or_else(|| "/my-data".to_owned(), address)
    }

    /// Dataset and collection, if it is a list's page.
    pub fn named(&self) -> Option<(String, String)> {
        self.name
            .as_ref()
            .map(|name| (name.dataset.clone(), name.collection.clone()))
    }
}

/// What stands behind the page's address.
#[derive(Deserialize)]
pub struct Turned {
    after: Option<String>,
}

/// What the button that uncovers a value sends.
#[derive(Deserialize)]
pub struct Uncovering {
    show: String,
    after: Option<String>,
}

/// `GET /my-data/{dataset}/{collection}`
pub async fn page(
    State(state): State<AppState>,
    customer: LoggedIn,
    Path((dataset, collection)): Path<(String, String)>,
    Query(turned): Query<Turned>,
) -> Response {
    show(
        &state,
        customer,
        CollectionName::new(&dataset, &collection),
        turned.after,
        None,
    )
    .await
}

/// `POST /my-data/{dataset}/{collection}`: uncovers a value.
pub async fn submit(
    State(state): State<AppState>,
    customer: LoggedIn,
    Path((dataset, collection)): Path<(String, String)>,
    PageForm(form): PageForm<Uncovering>,
) -> Response {
    let after = form.after.filter(|a| !a.is_empty());
    show(
        &state,
        customer,
        CollectionName::new(&dataset, &collection),
        after,
        Some(form.show),
    )
    .await
}

async fn show(
    state: &AppState,
    LoggedIn(customer): LoggedIn,
    name: CollectionName,
    after: Option<String>,
    uncover: Option<String>,
) -> Response {
    match state
        .portal
        .list(
            &customer,
            name.clone(),
            after.as_deref(),
            uncover.as_deref(),
        )
        .await
    {
        Ok(found) => {
            let asked = Asked {
                show: uncover,
                ..Asked::default()
            };
            let place = Place {
                name: Some(name),
                after,
            };
            view_of(state, found, place, asked)
        }
        Err(error) => PortalError::from(error).own_page(state),
    }
}

fn view_of(state: &AppState, found: ListPage, place: Place, asked: Asked) -> Response {
    let explained = state.explanations.of(&found.current);
    let address = found.address.as_str().to_owned();
    let heading = found.part.label.clone();
    Page::own(&heading.clone(), "/my-data", Some(address)).with_islands().render(state, move || {
        let looked = Looked::new(&found.last_looks, &found.current);
        let part = &found.part;
        let collection = found.current.catalog.dataset(&part.dataset).and_then(|d| d.collection(&part.collection));
        let (further, back) = turning(collection);
        let entries = entries(part, collection, &asked, &place);
        let next = part.next.as_ref().map(|sealed| {
            view! { <a class="button" rel="next" href=format!("{}?after={sealed}", place.address())>{further}</a> }
        });
        let first = place.after.as_ref().map(|_| view! { <a class="button" href=place.address()>{back}</a> });
        view! {
            <p class="onward"><a href="/my-data">"Back to My data"</a></p>
            <div>
                <h1>{heading}</h1>
                <p class="lead">{found.part.description.clone()}</p>
            </div>
            <section class=format!("card {}", origin_class(part.origin))>
                <header>
                    <h2>{how_many(part)}</h2>
                    <span class="chip"><span class="dot"></span>{origin_label(part.origin)}" "<small>{part.system.clone()}</small></span>
                </header>
                <Why html=explained.list(&part.dataset, &part.collection) looked=looked.at(&part.dataset, &part.collection) />
                {entries}
                <p class="pager">{first}{next}</p>
                {on_paper(part)}
            </section>
        }
    })
}

/// The words that turn a list's pages: only a list with an order of its own has newer and older entries.
fn turning(collection: Option<&Collection>) -> (&'static str, &'static str) {
    if collection.is_some_and(|c| c.order_by.is_some()) {
        ("Show older ones", "Back to the newest")
    } else {
        ("Show more", "Back to the start")
    }
}

/// Whether there are rows that are not on this page.
fn has_more(part: &Part) -> bool {
    part.next.is_some() || part.count > part.entries.len() as u64 || part.count_is_more
}

/// On paper there is nothing to press, so it says how much is missing.
fn on_paper(part: &Part) -> Option<impl IntoView + use<>> {
    let printed = number(part.entries.len() as u64);
    has_more(part).then(|| {
        let words = format!(
            "On this paper: {printed} of {}. The rest is on screen.",
            how_many(part)
        );
        view! { <p class="on-paper fine">{words}</p> }
    })
}

/// The way to the rows of a part that are not on My data; `None` when all are there.
pub(crate) fn all_of(part: &Part) -> Option<impl IntoView + use<>> {
    let name = CollectionName::new(&part.dataset, &part.collection);
    let words = if part.count_is_more {
        format!("See all of them: {}", how_many(part))
    } else {
        format!("See all {}", how_many(part))
    };
    has_more(part).then(|| {
        view! {
            <p class="pager"><a class="button" href=address(&name)>{words}</a></p>
            {on_paper(part)}
        }
    })
}

/// Where more fits than a page shows. The list's own page would show what does not fit as well, so it does not lead there.
fn only_the_first(part: &Part) -> Option<impl IntoView + use<>> {
    let shown = number(part.entries.len() as u64);
    has_more(part).then(|| {
        let words = format!(
            "These are the first {shown} of {}. Add a word to find fewer.",
            how_many(part)
        );
        view! { <p class="fine">{words}</p> }
    })
}

/// "12 orders", or "more than 1,000 orders".
pub(crate) fn how_many(part: &Part) -> String {
    let noun = if part.count == 1 {
        part.one_row.clone()
    } else {
        plural(&part.one_row)
    };
    let more = if part.count_is_more { "more than " } else { "" };
    format!("{more}{} {noun}", number(part.count))
}

/// The plural of a noun phrase: of its first word where something follows ("page you read"), of its last otherwise.
fn plural(noun: &str) -> String {
    let many = |word: &str| match word {
        w if w.ends_with("ss") || w.ends_with('x') || w.ends_with("ch") || w.ends_with("sh") => {
            format!("{w}es")
        }
        w if w.ends_with('s') => w.to_owned(),
        w if w.ends_with('y') && !w.ends_with("ay") && !w.ends_with("ey") && !w.ends_with("oy") => {
            format!("{}ies", w.strip_suffix('y').unwrap_or(w))
        }
        w => format!("{w}s"),
    };
    let tail = [
        " you ", " we ", " of ", " that ", " with ", " from ", " in ", " about ",
    ];
    match tail.iter().filter_map(|t| noun.find(t)).min() {
        Some(at) => format!(
            "{}{}",
            many(noun.get(..at).unwrap_or(noun)),
            noun.get(at..).unwrap_or_default()
        ),
        None => many(noun),
    }
}

fn address(name: &CollectionName) -> String {
    format!(
        "/my-data/{}/{}",
        in_address(&name.dataset),
        in_address(&name.collection)
    )
}

/// A list on My data.
pub(crate) struct ListCard {
    label: String,
    class: &'static str,
    origin: &'static str,
    system: String,
    count: String,
    why: Arc<str>,
    looked: String,
    entries: AnyView,
    all: Option<AnyView>,
}

impl ListCard {
    /// Takes what the page needs of a list.
    pub fn of(
        part: &Part,
        explained: &Explained,
        looked: &Looked,
        asked: &Asked,
        found: &MyDataPage,
    ) -> Self {
        let collection = found
            .current
            .catalog
            .dataset(&part.dataset)
            .and_then(|d| d.collection(&part.collection));
        Self {
            label: part.label.clone(),
            class: origin_class(part.origin),
            origin: origin_label(part.origin),
            system: part.system.clone(),
            count: how_many(part),
            why: explained.list(&part.dataset, &part.collection),
            looked: looked.at(&part.dataset, &part.collection),
            entries: entries(part, collection, asked, &Place::default()).into_any(),
            all: if asked.narrows() {
                only_the_first(part).map(IntoAny::into_any)
            } else {
                all_of(part).map(IntoAny::into_any)
            },
        }
    }

    /// The list with its newest entries.
    pub fn view(self) -> impl IntoView + use<> {
        view! {
            <div class=format!("list {}", self.class) data-list="">
                <header>
                    <h3>{self.label}</h3>
                    <span class="fine">{self.count}</span>
                    <span class="chip"><span class="dot"></span>{self.origin}" "<small>{self.system}</small></span>
                </header>
                <Why html=self.why looked=self.looked />
                {self.entries}
                {self.all}
            </div>
        }
    }
}

/// What a list is and why it is held.
#[component]
fn Why(html: Arc<str>, looked: String) -> impl IntoView {
    view! {
        <details class="why">
            <summary>"Why we hold these"</summary>
            {InertElement::new(html.to_string())}
            <dl>
                <dt>"Who looked last"</dt>
                <dd>{looked}</dd>
            </dl>
        </details>
    }
}

fn entries(
    part: &Part,
    collection: Option<&Collection>,
    asked: &Asked,
    place: &Place,
) -> impl IntoView + use<> {
    part.entries
        .iter()
        .map(|entry| entry_view(part, entry, collection, asked, place))
        .collect_view()
}

fn entry_view(
    part: &Part,
    entry: &Entry,
    collection: Option<&Collection>,
    asked: &Asked,
    place: &Place,
) -> impl IntoView + use<> {
    let mut words = title(entry, collection).into_iter();
    let name = words.next().unwrap_or_else(|| part.one_row.clone());
    let more = words
        .map(|word| view! { " "<span>{word}</span> })
        .collect_view();
    let facts = pairs(&entry.facts, part, asked, place);
    let context = entry
        .context
        .iter()
        .map(|c| context_view(c, part, asked, place))
        .collect_view();
    let empty = (!entry.empty.is_empty())
        .then(|| view! { <p class="fine">{format!("Nothing is written for: {}.", entry.empty.join(", "))}</p> });
    let since = entry.since.as_ref().map_or(
        "Nobody wrote down since when we hold it.".to_owned(),
        |since| format!("Since {since}."),
    );
    let mut facts_here = entry
        .context
        .iter()
        .flat_map(|c| &c.facts)
        .chain(&entry.facts);
    // The value that was just uncovered must not hide in a closed entry.
    let open = asked
        .show
        .as_ref()
        .is_some_and(|id| facts_here.any(|fact| fact.id == *id));
    view! {
        <details class="entry" data-fact="" open=open>
            <summary><b>{name}</b>{more}</summary>
            <dl>{facts}</dl>
            {context}
            {empty}
            <p class="fine">{since}</p>
        </details>
    }
}

fn context_view(
    context: &Context,
    part: &Part,
    asked: &Asked,
    place: &Place,
) -> impl IntoView + use<> {
    let facts = pairs(&context.facts, part, asked, place);
    view! {
        <div class="context">
            <p class="fine">{format!("From “{}”. This part is the same for everybody.", context.label)}</p>
            <dl>{facts}</dl>
        </div>
    }
}

/// Labels and values; the origin only where it is not the list's.
fn pairs(facts: &[Fact], part: &Part, asked: &Asked, place: &Place) -> impl IntoView + use<> {
    facts
        .iter()
        .map(|fact| {
            let chip = (fact.origin != part.origin && fact.described).then(|| {
                view! { " "<span class=format!("chip {}", origin_class(fact.origin))><span class="dot"></span>{origin_label(fact.origin)}</span> }
            });
            let raw = (!fact.described).then(|| view! { " "<span class="badge">"Not described yet"</span> });
            view! { <dt>{fact.label.clone()}{raw}</dt><dd id=anchor(fact)>{value(fact, asked, place)}{chip}</dd> }
        })
        .collect_view()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_in_plain_words() {
        for (one, many) in [
            ("order", "orders"),
            ("page you read", "pages you read"),
            ("thing you bought", "things you bought"),
            ("entry", "entries"),
            ("address", "addresses"),
            ("day", "days"),
        ] {
            assert_eq!(plural(one), many);
        }
    }

    #[test]
    fn only_a_sorted_list_has_older_entries() {
        let sorted = Collection {
            order_by: Some("placed_at".to_owned()),
            ..Collection::default()
        };
        assert_eq!(turning(Some(&sorted)).0, "Show older ones");
        assert_eq!(turning(Some(&Collection::default())).0, "Show more");
    }

    #[test]
    fn addresses_take_any_name() {
        assert_eq!(
            address(&CollectionName::new("shop", "Order \"lines\"/é")),
            "/my-data/shop/Order%20%22lines%22%2F%C3%A9"
        );
    }
}
