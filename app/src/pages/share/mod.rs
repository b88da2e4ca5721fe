//! Asks: one question at a time, with three answers of the same size, and everything else that one could share (P2 to P4).

mod answers;
pub mod change;

use std::collections::BTreeMap;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use fairhold_domain::answer::{AnswerError, Typed};
use fairhold_portal::Error;
use fairhold_portal::asks::{AskError, AskLine, Asking, Choice, Rung, ShownAskCard, WordsRead};
use leptos::prelude::*;
use serde::Deserialize;

use crate::error::PortalError;
use crate::pages::form::PageForm;
use crate::pages::in_address;
use crate::render::Page;
use crate::session::LoggedIn;
use crate::state::AppState;
use crate::ui::answer::AnswerInputs;
use answers::Inputs;

const HERE: &str = "/share";

/// What stands behind the page's address.
#[derive(Deserialize)]
pub struct Asked {
    done: Option<String>,
}

/// `GET /share`
pub async fn page(
    State(state): State<AppState>,
    LoggedIn(customer): LoggedIn,
    asked: Query<Asked>,
) -> Response {
    match state.portal.asking(customer).await {
        Ok(asking) => show(&state, asking, asked.done.as_deref()),
        Err(error) => PortalError::from(error).own_page(&state),
    }
}

/// `GET /share/{ask}`: one that the customer picked.
pub async fn picked(
    State(state): State<AppState>,
    LoggedIn(customer): LoggedIn,
    Path(key): Path<String>,
) -> Response {
    match state.portal.opened_ask(customer, &key, true).await {
        Ok(card) => show_one(&state, card, Problem::default()),
        Err(error) => refused(&state, error),
    }
}

/// `POST /share/{ask}`: the answer.
pub async fn submit(
    State(state): State<AppState>,
    LoggedIn(customer): LoggedIn,
    Path(key): Path<String>,
    PageForm(sent): PageForm<Vec<(String, String)>>,
) -> Response {
    let inputs = Inputs::new(sent);
    let choice = match inputs.one("answer") {
        "yes" => Choice::Yes,
        "no" => Choice::No,
        "not-now" => Choice::NotNow,
        _ => return PortalError::BadRequest.own_page(&state),
    };
    let version = |name| inputs.one(name).parse().ok();
    let (Some(ask), Some(purpose)) = (version("version"), version("purpose_version")) else {
        return PortalError::BadRequest.own_page(&state);
    };
    let read = WordsRead { ask, purpose };
    let (id, typed) = (customer.id(), inputs.typed());
    let answered = state
        .portal
        .answer(customer, &key, read, choice, &typed)
        .await;
    let wrong = match answered {
        Ok(answered) => {
            let to = match (choice, answered.prove) {
                (Choice::Yes, Some(contact)) => format!("/account/contacts/code/{contact}"),
                (Choice::Yes, None) if answered.points > 0 => format!("{HERE}?done=earned"),
                (Choice::Yes, None) => format!("{HERE}?done=yes"),
                (Choice::No, _) => format!("{HERE}?done=no"),
                (Choice::NotNow, _) => format!("{HERE}?done=not-now"),
            };
            return Redirect::to(&to).into_response();
        }
        Err(Error::Ask(wrong)) => wrong,
        Err(error) => return refused(&state, error),
    };
    // The ask again, with what is wrong and all that was typed.
    let anew = wrong != AskError::Answered;
    let card = match state.portal.customer(id).await {
        Ok(customer) => state.portal.opened_ask(customer, &key, anew).await,
        Err(error) => Err(error),
    };
    match card {
        Ok(card) => show_one(&state, card, Problem::of(wrong, typed)),
        Err(error) => refused(&state, error),
    }
}

fn refused(state: &AppState, error: Error) -> Response {
    let Error::Ask(wrong) = error else {
        return PortalError::from(error).own_page(state);
    };
    let page = Page::own("A question of before", HERE, None).with_status(StatusCode::GONE);
    page.render(state, move || {
        view! {
            <div>
                <h1>"There is nothing to answer"</h1>
                <p class="lead">{wrong.to_string()}</p>
            </div>
            <p class="onward"><a href=HERE>"Go to what you could share"</a></p>
        }
    })
}

/// What is wrong with an answer, and what was typed.
#[derive(Default)]
struct Problem {
    words: Option<String>,
    conflict: bool,
    fields: Vec<(String, AnswerError)>,
    phone: Option<(String, String)>,
    typed: BTreeMap<String, Typed>,
}

impl Problem {
    fn of(wrong: AskError, typed: BTreeMap<String, Typed>) -> Self {
        match wrong {
            AskError::Typed(fields) => Self {
                fields,
                typed,
                ..Self::default()
            },
            AskError::Phone(field, words) => Self {
                phone: Some((field, words)),
                typed,
                ..Self::default()
            },
            wrong => Self {
                words: Some(wrong.to_string()),
                conflict: true,
                ..Self::default()
            },
        }
    }

    const fn status(&self) -> StatusCode {
        if self.conflict {
            StatusCode::CONFLICT
        } else if !self.fields.is_empty() || self.phone.is_some() {
            StatusCode::UNPROCESSABLE_ENTITY
        } else {
            StatusCode::OK
        }
    }

    /// Everything that is wrong, each with the input that it is about.
    fn summary(&self) -> Vec<(String, String)> {
        let of_field = |(field, error): &(String, AnswerError)| {
            let input = match error.input() {
                "" => field.clone(),
                part => format!("{field}.{part}"),
            };
            (format!("#{input}"), error.to_string())
        };
        let phone = self.phone.iter();
        let phone = phone.map(|(field, words)| (format!("#{field}"), words.clone()));
        let whole = self.words.iter();
        let whole = whole.map(|words| ("#main".to_owned(), words.clone()));
        let fields = self.fields.iter().map(of_field);
        fields.chain(phone).chain(whole).collect()
    }
}

fn show(state: &AppState, asking: Asking, done: Option<&str>) -> Response {
    let done = match done {
        Some("yes") => Some("Thank you. You said yes, and it counts from now on."),
        Some("earned") => Some("Thank you. You said yes, and the points for it are yours."),
        Some("no") => Some("You said no. We will not ask again, and nothing else changes."),
        Some("not-now") => Some("All right. We let this question rest for 30 days."),
        _ => None,
    };
    Page::own("Share and earn", HERE, None).render(state, move || {
        let Asking { current, rungs, all } = asking;
        let done = done.map(|words| view! { <p class="notice" role="status">{words}</p> });
        let title = match &current {
            Some(_) => "One question, if you like",
            None => "Nothing to ask just now",
        };
        let lead = match &current {
            Some(_) => "We ask for one thing at a time. Your answer is yours: “no” costs you nothing, and you can change your mind any day.",
            None => "We ask for one thing at a time, and never more than one new thing a week. Below is everything that you could share, if you like to.",
        };
        let open = current.is_none();
        let current = current.map(|card| view! { <AskCard card problem=Problem::default() level=2 /> });
        view! {
            {done}
            <div>
                <h1>{title}</h1>
                <p class="lead">{lead}</p>
            </div>
            <Ladder rungs />
            {current}
            <Everything all open />
        }
    })
}

fn show_one(state: &AppState, card: ShownAskCard, problem: Problem) -> Response {
    let page = Page::own("Share and earn", HERE, None).with_status(problem.status());
    page.render(state, move || {
        view! {
            <AskCard card problem level=1 />
            <p class="onward"><a href=HERE>"Everything you could share"</a></p>
        }
    })
}

#[component]
fn Ladder(rungs: Vec<Rung>) -> impl IntoView {
    let rungs = rungs.into_iter().map(|rung| {
        let (class, words) = match (rung.done, rung.now) {
            (true, _) => ("done", "You gave this: "),
            (_, true) => ("now", "This may come next: "),
            _ => ("", "Later, if you like: "),
        };
        let current = (class == "now").then_some("step");
        view! { <li class=class aria-current=current><span class="visually-hidden">{words}</span>{rung.words}</li> }
    });
    view! { <ol class="steps" aria-label="A step at a time">{rungs.collect_view()}</ol> }
}

/// An ask: what is asked, what for, and what on a no, before the three answers.
#[component]
fn AskCard(card: ShownAskCard, problem: Problem, level: u8) -> impl IntoView {
    let ShownAskCard {
        ask,
        purpose,
        words,
        fields,
        points,
        member_of,
        join_first,
        given,
        status,
    } = card;
    let summary = problem.summary();
    let summary = (!summary.is_empty()).then(|| {
        let lines = summary
            .into_iter()
            .map(|(to, words)| view! { <p><a href=to>{words}</a></p> });
        view! {
            <div class="error-summary" role="alert">
                <p><b>"There is a problem"</b></p>
                {lines.collect_view()}
            </div>
        }
    });
    let title = match level {
        1 => view! { <h1 class="question">{ask.question.clone()}</h1> }.into_any(),
        _ => view! { <h2>{ask.question.clone()}</h2> }.into_any(),
    };
    let earned =
        (points > 0 && member_of.is_some()).then(|| format!(" And {points} points, once."));
    let join = join_first.map(|(key, name)| {
        let to = format!("/join/{}", in_address(&key));
        view! { <p class="fine">{format!("This brings {points} points to members of {name}. ")}<a href=to>"See what it is"</a></p> }
    });
    let lasts = ask
        .lasts
        .map(|lasts| format!(" Your yes counts for {lasts}."));
    let inputs = fields.into_iter().map(|field| {
        let typed = problem
            .typed
            .get(&field.name)
            .cloned()
            .unwrap_or(field.typed);
        let wrong = problem.fields.iter().find(|(name, _)| *name == field.name);
        let error = wrong.map(|(_, error)| error.clone());
        let phone = problem.phone.iter().find(|(name, _)| *name == field.name);
        let phone = phone.map(|(_, words)| view! { <p class="error">{words.clone()}</p> });
        view! {
            {phone}
            <AnswerInputs name=field.name label=field.label kind=field.kind typed error />
        }
    });
    let inputs = inputs.collect_view();
    let stands = status.map(|status| view! { <p class="stands">{status}</p> });
    let (yes, no) = if given {
        ("Yes, as I wrote it", "No, take my yes back")
    } else {
        ("Yes", "No")
    };
    let not_now = (!given).then(|| {
        view! { <button name="answer" value="not-now" formnovalidate=true>"Not now"</button> }
    });
    let about = if given {
        "If you take your yes back, we stop at once. Points that you earned stay yours."
    } else {
        "“Not now” rests this question for 30 days. “No” ends it. You can always come back to it here."
    };
    view! {
        {summary}
        <section class="card ask">
            {title}
            {stands}
            <div class="trade">
                <div><b>"What you get"</b>{ask.value}{earned}</div>
                <div><b>"What we do with it"</b>{ask.used}" "{purpose}{lasts}</div>
                <div><b>"If you say no"</b>{ask.if_no}</div>
            </div>
            <form method="post" action=format!("{HERE}/{}", in_address(&ask.key))>
                <input type="hidden" name="version" value=words.ask.to_string() />
                <input type="hidden" name="purpose_version" value=words.purpose.to_string() />
                {inputs}
                <div class="answers">
                    <button name="answer" value="yes">{yes}</button>
                    <button name="answer" value="no" formnovalidate=true>{no}</button>
                    {not_now}
                </div>
            </form>
            {join}
            <p class="fine">{about}</p>
            <details class="worth">
                <summary>{format!("What your answer is worth to us: {}", ask.worth)}</summary>
                <p>{ask.method}</p>
            </details>
        </section>
    }
}

#[component]
fn Everything(all: Vec<AskLine>, open: bool) -> impl IntoView {
    if all.is_empty() {
        return ().into_any();
    }
    let lines = all.into_iter().map(|line| {
        let points = (line.points > 0).then(|| format!(" {} points.", line.points));
        let status = line.status.unwrap_or_else(|| "Open.".to_owned());
        let to = format!("{HERE}/{}", in_address(&line.key));
        view! {
            <li class="entry">
                <h3><a href=to>{line.question}</a></h3>
                <p>{line.value}{points}</p>
                <p class="fine">{status}</p>
            </li>
        }
    });
    view! {
        <section class="card">
            <details open=open>
                <summary><h2>"Everything you could share"</h2></summary>
                <ol class="list">{lines.collect_view()}</ol>
            </details>
        </section>
    }
    .into_any()
}
