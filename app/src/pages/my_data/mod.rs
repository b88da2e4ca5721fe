//! My data: the page that this product exists for.

pub mod explain;
mod fact;
pub mod list;
mod summary;

use axum::body::{Body, to_bytes};
use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use fairhold_domain::catalog::{Group, Origin, ShownAs};
use fairhold_domain::facts::{
    Fact, Filter, MyData, Obtained, Part, System, SystemState, group_heading, in_sentence,
};
use fairhold_domain::present::number;
use fairhold_portal::my_data::{MyDataPage, Wanted};
use leptos::prelude::*;
use serde::Deserialize;

use crate::error::PortalError;
use crate::pages::form::{PageForm, readable};
use crate::render::Page;
use crate::session::LoggedIn;
use crate::state::AppState;
use explain::Explained;
use fact::{FactRow, Looked};
use list::ListCard;
use summary::{Finder, SummaryBlock, SystemNotices};

/// What the form sends, and what stands behind the page's address; the words that are searched for are never there.
#[derive(Clone, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    origin: String,
    #[serde(default)]
    system: String,
    #[serde(default)]
    show: Option<String>,
}

/// `GET /my-data`
pub async fn page(
    State(state): State<AppState>,
    customer: LoggedIn,
    Query(asked): Query<Asked>,
) -> Response {
    // Words in an address would end up in logs and histories: only the form's POST brings them.
    show(
        &state,
        customer,
        Asked {
            q: String::new(),
            show: None,
            ..asked
        },
    )
    .await
}

/// `POST /my-data`: searches, filters, uncovers. Changes nothing but the record of looks.
pub async fn submit(
    State(state): State<AppState>,
    customer: LoggedIn,
    PageForm(asked): PageForm<Asked>,
) -> Response {
    show(&state, customer, asked).await
}

/// `POST /act/...`: what islands ask for.
pub async fn act(State(state): State<AppState>, request: Request) -> Response {
    let request = match readable(request, &state).await {
        Ok(request) => request,
        Err(problem) => {
            let code = serde_json::to_string(&problem).unwrap_or_default();
            return (problem.status(), code).into_response();
        }
    };
    let answer = leptos_axum::handle_server_fns_with_context(
        move || provide_context(state.clone()),
        request,
    )
    .await
    .into_response();
    with_its_status(answer).await
}

/// Leptos answers 500 to arguments that it can't read; the code in the body knows better.
async fn with_its_status(answer: Response) -> Response {
    if answer.status() != StatusCode::INTERNAL_SERVER_ERROR {
        return answer;
    }
    let (mut parts, body) = answer.into_parts();
    let Ok(bytes) = to_bytes(body, LONGEST_CODE).await else {
        return PortalError::Ours.status().into_response();
    };
    let code = serde_json::from_slice::<PortalError>(&bytes);
    parts.status = code.unwrap_or(PortalError::Ours).status();
    Response::from_parts(parts, Body::from(bytes))
}

/// Bytes that the code of an error may have.
const LONGEST_CODE: usize = 1024;

impl Asked {
    /// Whether only a part of everything is asked for.
    fn narrows(&self) -> bool {
        !(self.q.trim().is_empty() && self.origin.is_empty() && self.system.is_empty())
    }
}

async fn show(state: &AppState, LoggedIn(customer): LoggedIn, asked: Asked) -> Response {
    let Some(filter) = filter(&asked) else {
        return PortalError::BadRequest.own_page(state);
    };
    let wanted = Wanted {
        filter,
        uncover: asked.show.clone().filter(|id| !id.is_empty()),
    };
    match state.portal.my_data(&customer, &wanted).await {
        Ok(found) => view_of(state, found, asked, &wanted.filter),
        Err(error) => PortalError::from(error).own_page(state),
    }
}

fn filter(asked: &Asked) -> Option<Filter> {
    let origin = match asked.origin.as_str() {
        "" => None,
        UNKNOWN => Some(Obtained::Unknown),
        key => Some(Obtained::As(
            ORIGINS.iter().find(|(_, known, _)| *known == key)?.0,
        )),
    };
    // A word longer than this is no word; the form does not take it either.
    if asked.q.chars().count() > 200 {
        return None;
    }
    let system = Some(asked.system.clone()).filter(|s| !s.is_empty());
    Some(Filter {
        words: asked.q.clone(),
        origin,
        system,
    })
}

/// The origins (P1): what the address and the style call them, and the words.
pub(crate) const ORIGINS: [(Origin, &str, &str); 4] = [
    (Origin::Provided, "gave", "You gave us"),
    (Origin::Observed, "saw", "We saw"),
    (Origin::Inferred, "guess", "We worked out"),
    (Origin::Obtained, "got", "Others gave us"),
];

/// What the address calls the facts of which nobody wrote down how they were obtained.
pub(crate) const UNKNOWN: &str = "unknown";

/// The class that colours an origin.
pub(crate) fn origin_class(origin: Option<Origin>) -> &'static str {
    ORIGINS
        .iter()
        .find(|(o, _, _)| Some(*o) == origin)
        .map_or("", |(_, class, _)| class)
}

/// The groups in their order: the place on the page that links lead to, and the heading.
const GROUPS: [(Group, &str, &str); 8] = [
    of(Group::AboutYou, "about-you"),
    of(Group::HowToReachYou, "how-to-reach-you"),
    of(Group::WhatYouBought, "what-you-bought"),
    of(Group::WhatYouDid, "what-you-did"),
    of(Group::WhatWeWorkedOut, "what-we-worked-out"),
    of(Group::FromOthers, "from-others"),
    of(Group::YourAccount, "your-account"),
    of(Group::NotDescribed, "not-described"),
];

const fn of(group: Group, id: &'static str) -> (Group, &'static str, &'static str) {
    (group, id, group_heading(group))
}

/// The part of the page for what is not held.
const NOT_HELD: (&str, &str) = ("not-held", "What we do not hold");

fn view_of(state: &AppState, found: MyDataPage, asked: Asked, filter: &Filter) -> Response {
    let explained = state.explanations.of(&found.current);
    let narrowed = !filter.is_empty();
    let address = found.address.as_str().to_owned();
    let sections = GROUPS
        .iter()
        .filter(|(group, _, _)| holds(*group, &found))
        .map(|(_, id, title)| (*id, *title))
        .chain(says_what_is_not_held(&found.data).then_some(NOT_HELD))
        .collect();
    let page = Page::own("My data", "/my-data", Some(address))
        .with_islands()
        .with_sections(sections);
    page.render(state, move || {
        let looked = Looked::new(&found.last_looks, &found.current);
        let groups = GROUPS
            .iter()
            .filter_map(|(group, id, title)| group_card(*group, id, title, &found, &explained, &looked, &asked))
            .collect_view();
        let found_here = narrowed.then(|| found_words(&found.data));
        view! {
            <SummaryBlock summary=found.summary.clone() systems=found.data.systems.clone() />
            <SystemNotices systems=found.data.systems.clone() />
            <Finder asked=asked.clone() systems=found.data.systems.clone() own=own_dataset(&found) />
            {found_here}
            {groups}
            {not_held(&found.data)}
        }
    })
}

/// Where a search or a filter leads to on the page.
pub(crate) const FOUND: &str = "found";

/// What a search or a filter left, and the way back to everything.
fn found_words(data: &MyData) -> impl IntoView + use<> {
    let entries = |part: &Part| match part.shown_as {
        ShownAs::Facts => part.entries.iter().map(|e| e.facts.len() as u64).sum(),
        ShownAs::List => part.count,
    };
    let words = match data.parts.iter().map(entries).sum::<u64>() {
        0 => "We found nothing that fits. Try another word.".to_owned(),
        1 => "1 thing fits.".to_owned(),
        n => format!("{} things fit.", number(n)),
    };
    let too_long = data
        .not_searched_to_the_end
        .iter()
        .map(|label| {
            let words = format!("“{label}” is too long to look through in one go, so something that fits may be missing here. All of it is on its own page.");
            view! { <p class="notice" role="status">{words}</p> }
        })
        .collect_view();
    view! {
        <div class="found" id=FOUND>
            <p role="status">{words}</p>
            {too_long}
            <a href="/my-data">"Show everything"</a>
        </div>
    }
}

/// The portal's own dataset, which is no connected system but holds facts as well.
fn own_dataset(found: &MyDataPage) -> Option<(String, String)> {
    let own = |d: &&fairhold_domain::catalog::Dataset| {
        d.connection.as_deref() == Some(fairhold_domain::catalog::OWN_CONNECTION)
    };
    found
        .current
        .catalog
        .datasets
        .iter()
        .find(own)
        .map(|d| (d.key.clone(), d.name.clone()))
}

/// One group as a card; `None` when there is nothing in it.
fn group_card(
    group: Group,
    id: &'static str,
    title: &'static str,
    found: &MyDataPage,
    explained: &Explained,
    looked: &Looked,
    asked: &Asked,
) -> Option<impl IntoView + use<>> {
    let of_group = |f: &&Fact| f.group == group;
    let single = |p: &&Part| p.shown_as == ShownAs::Facts;
    let facts: Vec<&Fact> = found
        .data
        .parts
        .iter()
        .filter(single)
        .flat_map(|p| p.entries.iter().flat_map(|e| &e.facts))
        .filter(of_group)
        .collect();
    let lists: Vec<&Part> = found
        .data
        .parts
        .iter()
        .filter(|p| p.shown_as == ShownAs::List && p.group == group)
        .collect();
    if !holds(group, found) {
        return None;
    }
    let count = count_words(group, &facts, &lists);
    let lead = (group == Group::NotDescribed).then(|| {
        view! { <p class="fine">"We hold these, but nobody has written down yet what they are. We keep them covered until you want to see them."</p> }
    });
    let place = list::Place::default();
    let rows = facts
        .into_iter()
        .map(|f| {
            let dataset = found.current.catalog.dataset(&f.path.dataset);
            let collection = dataset.and_then(|d| d.collection(&f.path.collection));
            let row = FactRow::of(f, explained, looked, asked, &place, collection);
            let own = found.current.catalog.is_own_field(&f.path);
            row.changed_by_owner(own.then_some(collection).flatten())
                .view()
        })
        .collect_view();
    let rest = found
        .data
        .parts
        .iter()
        .filter(single)
        .filter(|p| p.group == group && !asked.narrows())
        .filter_map(list::all_of)
        .collect_view();
    let lists = lists
        .into_iter()
        .map(|p| ListCard::of(p, explained, looked, asked, found).view())
        .collect_view();
    Some(view! {
        <section class="card" data-card="" id=id>
            <header>
                <h2>{title}</h2>
                <span>{count}</span>
            </header>
            {lead}
            {rows}
            {rest}
            {lists}
        </section>
    })
}

/// How many facts a card holds, counted as the summary counts them: an entry of a list is one. A card that is named after
/// an origin says how many of them have it: a date or a number beside a guess is no guess.
fn count_words(group: Group, facts: &[&Fact], lists: &[&Part]) -> String {
    let all = facts.len() as u64 + lists.iter().map(|p| p.count).sum::<u64>();
    let of_origin = |origin: Origin| {
        let single = facts.iter().filter(|f| f.origin == Some(origin)).count() as u64;
        let listed = lists.iter().filter(|p| p.origin == Some(origin));
        single + listed.map(|p| p.count).sum::<u64>()
    };
    let named = match group {
        Group::WhatWeWorkedOut => Some((of_origin(Origin::Inferred), "worked out")),
        Group::FromOthers => Some((of_origin(Origin::Obtained), "from others")),
        _ => None,
    };
    let of_them = named
        .filter(|(n, _)| *n < all)
        .map(|(n, how)| format!(", {} of them {how}", number(n)))
        .unwrap_or_default();
    let more = if lists.iter().any(|p| p.count_is_more) {
        "more than "
    } else {
        ""
    };
    let noun = if all == 1 { "fact" } else { "facts" };
    format!("{more}{} {noun}{of_them}", number(all))
}

/// Whether there is anything in a group.
fn holds(group: Group, found: &MyDataPage) -> bool {
    found.data.parts.iter().any(|part| match part.shown_as {
        ShownAs::List => part.group == group,
        ShownAs::Facts => part
            .entries
            .iter()
            .flat_map(|e| &e.facts)
            .any(|f| f.group == group),
    })
}

/// Whether there is anything to say of what is not held.
fn says_what_is_not_held(data: &MyData) -> bool {
    let knows_nobody = |s: &System| s.state == SystemState::KnowsNobody;
    let has_empty =
        |p: &Part| p.shown_as == ShownAs::Facts && p.entries.iter().any(|e| !e.empty.is_empty());
    !data.never_collected.is_empty()
        || data.systems.iter().any(knows_nobody)
        || data.parts.iter().any(has_empty)
}

/// What is not held, and what can't be tied to anyone.
fn not_held(data: &MyData) -> impl IntoView + use<> {
    let strangers: Vec<String> = data
        .systems
        .iter()
        .filter(|s| s.state == SystemState::KnowsNobody)
        .map(|s| in_sentence(&s.name))
        .collect();
    let nobody = (!strangers.is_empty()).then(|| {
        let names = fairhold_domain::access::join(strangers.into_iter());
        view! { <p>{format!("Nothing in {names}: nobody there has your e-mail address.")}</p> }
    });
    let never = (!data.never_collected.is_empty()).then(|| {
        let items = data
            .never_collected
            .iter()
            .map(|words| view! { <li>{words.clone()}</li> })
            .collect_view();
        view! { <p>"We never collect:"</p><ul>{items}</ul> }
    });
    let empty: Vec<String> = data
        .parts
        .iter()
        .filter(|p| p.shown_as == ShownAs::Facts)
        .flat_map(|p| {
            let system = in_sentence(&p.system);
            p.entries
                .iter()
                .flat_map(|e| e.empty.clone())
                .map(move |label| format!("{label} ({system})"))
        })
        .collect();
    let empty = (!empty.is_empty()).then(|| {
        let items = empty
            .into_iter()
            .map(|words| view! { <li>{words}</li> })
            .collect_view();
        view! { <p>"We have room for these, but nothing is written there:"</p><ul>{items}</ul> }
    });
    let tables = (!data.unknown_tables.is_empty()).then(|| {
        let items = data.unknown_tables.iter().map(|(system, table)| {
            view! { <li>{format!("“{table}” in {}", in_sentence(system))}</li> }
        }).collect_view();
        view! {
            <section class="card undescribed" data-card="">
                <h2>"Tables that nobody has described yet"</h2>
                <p>"These exist in our systems. Nobody has written down what is in them, so we can't tell if anything there is about you."</p>
                <ul>{items}</ul>
            </section>
        }
    });
    let any = says_what_is_not_held(data);
    let (id, title) = NOT_HELD;
    view! {
        {tables}
        {any.then(|| view! {
            <section class="card" data-card="" id=id>
                <h2>{title}</h2>
                {nobody}
                {never}
                {empty}
            </section>
        })}
    }
}
