//! The top of My data: how much, from where, how many guesses; the search; the systems that did not answer.

use fairhold_domain::access::join;
use fairhold_domain::facts::{Summary, System, SystemState, in_sentence};
use fairhold_domain::present::number;
use leptos::prelude::*;

use super::{Asked, FOUND, ORIGINS, UNKNOWN};
use crate::islands::SearchBox;
use crate::pages::second_fact;

/// How many facts, from which systems, how many are guesses.
#[component]
pub(crate) fn SummaryBlock(summary: Summary, systems: Vec<System>) -> impl IntoView {
    let incomplete = systems.iter().any(|s| s.state.is_missing());
    let at_least = if incomplete || summary.more {
        "at least "
    } else {
        ""
    };
    let noun = if summary.facts == 1 { "fact" } else { "facts" };
    let heading = format!(
        "We hold {at_least}{} {noun} about you",
        number(summary.facts)
    );
    let from = join(summary.systems.iter().map(|name| in_sentence(name)));
    let guesses = match summary.guesses() {
        0 if incomplete => "None of what we could read is a guess.".to_owned(),
        0 => "None of them is a guess.".to_owned(),
        1 => "One of them is a guess.".to_owned(),
        n => format!("{} of them are guesses.", number(n)),
    };
    let whole = match (incomplete, summary.withheld) {
        (true, _) => "A part is missing: see below.",
        (false, 0) => "Nothing is hidden.",
        (false, _) => "Where we do not show a value, we say why.",
    };
    let lists = summary.lists.then(|| {
        view! { <p class="fine">"An entry of a list, such as an order, counts as one fact."</p> }
    });
    let unknown = (summary.unknown_origin > 0).then_some((
        UNKNOWN,
        "We do not know how",
        summary.unknown_origin,
    ));
    let counted = ORIGINS
        .iter()
        .zip(summary.by_origin)
        .map(|((_, class, words), n)| (*class, *words, n))
        .chain(unknown)
        .collect::<Vec<_>>();
    let spoken = counted
        .iter()
        .map(|(_, words, n)| format!("{words} {n}"))
        .collect::<Vec<_>>()
        .join(", ");
    let bar = bar(&counted
        .iter()
        .map(|(class, _, n)| (*class, *n))
        .collect::<Vec<_>>());
    let keys = counted
        .into_iter()
        .map(|(class, words, n)| {
            view! {
                <li class=class>
                    <span class="dot"></span>
                    <a href=format!("/my-data?origin={class}#{FOUND}")>{words}</a>" "<b>{number(n)}</b>
                </li>
            }
        })
        .collect_view();
    view! {
        <div>
            <h1>{heading}</h1>
            <p class="lead">{format!("They come from {from}. {guesses} {whole}")}</p>
        </div>
        <section aria-label="Where it came from">
            <svg class="mix" role="img" aria-label=spoken viewBox="0 0 1000 14" preserveAspectRatio="none">{bar}</svg>
            <ul class="keys">{keys}</ul>
            {lists}
        </section>
    }
}

/// The parts of the bar, as wide as their share; what is there at all can be seen.
fn bar(parts: &[(&'static str, u64)]) -> impl IntoView + use<> {
    const WIDTH: u64 = 1000;
    const LEAST: u64 = 12;
    let total: u64 = parts.iter().map(|(_, n)| n).sum::<u64>().max(1);
    let widths: Vec<(&'static str, u64)> = parts
        .iter()
        .filter(|(_, n)| *n > 0)
        .map(|(class, n)| (*class, (n * WIDTH / total).max(LEAST)))
        .collect();
    let all: u64 = widths.iter().map(|(_, w)| w).sum::<u64>().max(1);
    let mut x = 0;
    widths
        .into_iter()
        .map(|(class, width)| {
            let width = width * WIDTH / all;
            let at = x;
            x += width;
            view! { <rect class=class x=at.to_string() y="0" width=width.saturating_sub(3).to_string() height="14" /> }
        })
        .collect_view()
}

/// What could not be read, and what that means.
#[component]
pub(crate) fn SystemNotices(systems: Vec<System>) -> impl IntoView {
    systems
        .into_iter()
        .filter_map(|system| {
            let name = &system.name;
            let words = match system.state {
                SystemState::Shown | SystemState::KnowsNobody => return None,
                SystemState::NeedsSecondFact => format!(
                    "{name} may know you. Nobody checked that the address is yours there, so tell us one more thing."
                ),
                SystemState::NeverChecked => format!(
                    "{name} may know you. Nobody checked that the address is yours there, so we show nothing of it. Write to us and we sort it out."
                ),
                SystemState::Down => format!("{name} can’t be reached just now, so what it holds is missing here. Try again in a few minutes."),
                SystemState::Slow => format!("{name} is too slow just now, so what it holds is missing here. Try again in a few minutes."),
                SystemState::Changed => format!("{name} has changed, so a part of what it holds is missing here. Load the page again. If it stays like this, write to us."),
                SystemState::NotConnected => format!("{name} is not connected to this portal yet, so what it holds is missing here."),
            };
            let way = (system.state == SystemState::NeedsSecondFact)
                .then(|| view! { " "<a href=second_fact::address(&system.key)>"Show that it is you"</a> });
            Some(view! { <p class="notice system-down" role="status">{words}{way}</p> })
        })
        .collect_view()
}

/// The search box and the filters: one form that posts, so that no word lands in an address.
#[component]
pub(crate) fn Finder(
    asked: Asked,
    systems: Vec<System>,
    own: Option<(String, String)>,
) -> impl IntoView {
    let origins = ORIGINS
        .iter()
        .map(|(_, key, words)| (*key, *words))
        .chain([(UNKNOWN, "We do not know how")])
        .map(|(key, words)| view! { <option value=key selected=asked.origin == key>{words}</option> })
        .collect_view();
    let systems = systems
        .into_iter()
        .map(|s| (s.key, s.name))
        .chain(own)
        .map(|(key, name)| {
            let selected = asked.system == key;
            view! { <option value=key selected=selected>{name}</option> }
        })
        .collect_view();
    view! {
        <form class="find" role="search" method="post" action=format!("/my-data#{FOUND}")>
            <SearchBox words=asked.q.clone() />
            <label class="visually-hidden" for="origin">"How we got it"</label>
            <select id="origin" name="origin">
                <option value="">"However we got it"</option>
                {origins}
            </select>
            <label class="visually-hidden" for="system">"Which system"</label>
            <select id="system" name="system">
                <option value="">"From every system"</option>
                {systems}
            </select>
            <button>"Find"</button>
        </form>
    }
}
