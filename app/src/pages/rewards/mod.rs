//! Points and rewards: what there is, what it can be spent on, how it came, and what was taken (P12).

mod chart;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use fairhold_domain::catalog::RewardKind;
use fairhold_domain::present::number;
use fairhold_domain::rewards::RewardError;
use fairhold_portal::asks::AskLine;
use fairhold_portal::rewards::{
    Goal, Line, OwnRewards, ProgrammePoints, RewardCard, Taken, Wanted, WhatItIs,
};
use fairhold_portal::{Customer, Error};
use leptos::prelude::*;
use serde::Deserialize;

use crate::error::PortalError;
use crate::pages::form::PageForm;
use crate::pages::in_address;
use crate::pages::join::Leave;
use crate::render::Page;
use crate::session::LoggedIn;
use crate::state::AppState;
use chart::Chart;

const HERE: &str = "/rewards";

/// What a card's form sends.
#[derive(Deserialize)]
pub struct Take {
    id: String,
    reward: String,
    costs: u32,
}

/// `GET /rewards`
pub async fn page(State(state): State<AppState>, LoggedIn(customer): LoggedIn) -> Response {
    show(&state, &customer, None).await
}

/// `POST /rewards`: takes one.
pub async fn submit(
    State(state): State<AppState>,
    LoggedIn(customer): LoggedIn,
    PageForm(form): PageForm<Take>,
) -> Response {
    let id = customer.id();
    let wanted = Wanted {
        id: form.id,
        reward: form.reward,
        costs: form.costs,
    };
    let wrong = match state.portal.redeem(customer, wanted).await {
        Ok(taken) => return Redirect::to(&format!("{HERE}/taken/{taken}")).into_response(),
        Err(Error::Reward(wrong)) => wrong,
        Err(error) => return PortalError::from(error).own_page(&state),
    };
    match state.portal.customer(id).await {
        Ok(customer) => show(&state, &customer, Some(wrong)).await,
        Err(error) => PortalError::from(error).own_page(&state),
    }
}

/// `GET /rewards/taken/{redemption}`: one that was taken, with its code.
pub async fn taken(
    State(state): State<AppState>,
    LoggedIn(customer): LoggedIn,
    Path(id): Path<String>,
) -> Response {
    let taken = match state.portal.taken_reward(&customer, &id).await {
        Ok(taken) => taken,
        Err(error) => return PortalError::from(error).own_page(&state),
    };
    Page::own("Your reward", HERE, None).render(&state, move || {
        let (title, words) = match taken.kind {
            RewardKind::Donation => (
                "Thank you",
                "We do this for you now. There is nothing more for you to do.",
            ),
            RewardKind::Voucher | RewardKind::Percent => (
                "Here is your code",
                "It works once, so keep it to yourself until you use it. We sent it to you by e-mail too.",
            ),
        };
        let code = taken.code.map(|code| view! { <p><code class="key">{code}</code></p> });
        view! {
            <div>
                <h1>{title}</h1>
                <p class="lead">{words}</p>
            </div>
            <section class="card">
                <h2>{taken.name}</h2>
                {code}
                <p class="fine">{format!("You took it {} for {}.", taken.when, points(taken.costs.into()))}</p>
            </section>
            <p class="onward"><a href=HERE>"Back to your points"</a></p>
        }
    })
}

async fn show(state: &AppState, customer: &Customer, wrong: Option<RewardError>) -> Response {
    let own = match state.portal.own_rewards(customer).await {
        Ok(own) => own,
        Err(error) => return PortalError::from(error).own_page(state),
    };
    let status = if wrong.is_some() {
        StatusCode::CONFLICT
    } else {
        StatusCode::OK
    };
    let page = Page::own("Rewards", HERE, None).with_status(status);
    page.render(state, move || {
        let OwnRewards {
            programmes,
            others,
            next,
            taken,
        } = own;
        let wrong = wrong.map(|wrong| {
            view! {
                <div class="error-summary" role="alert">
                    <p><b>"You did not take it"</b></p>
                    <p>{wrong.to_string()}</p>
                </div>
            }
        });
        let lead = match (programmes.is_empty(), others.is_empty()) {
            (false, _) => "You get points for what you choose to share. They stay yours, even if you change your mind later.",
            (true, false) => "You get points for what you choose to share, and you spend them on rewards. It is up to you.",
            (true, true) => "There are no rewards here yet.",
        };
        let programmes = programmes
            .into_iter()
            .map(|programme| view! { <Programme programme /> });
        view! {
            {wrong}
            <div>
                <h1>"Your rewards"</h1>
                <p class="lead">{lead}</p>
            </div>
            {programmes.collect_view()}
            {others.into_iter().map(|programme| view! { <Other programme /> }).collect_view()}
            {next.map(|next| view! { <Next next /> })}
            <History taken />
        }
    })
}

/// A programme that the customer is in, or was.
#[component]
fn Programme(programme: ProgrammePoints) -> impl IntoView {
    let ProgrammePoints {
        programme: what,
        is_member,
        balance,
        spendable,
        more_from,
        ends,
        days,
        today,
        until_today,
        goal,
        rewards,
        lines,
        older,
    } = programme;
    let held = match more_from {
        Some(from) => format!(
            "{} can be spent now. More can be spent from {from}.",
            present_points(spendable)
        ),
        None if balance == 0 => "There is nothing to spend yet.".to_owned(),
        None => "You can spend all of them now.".to_owned(),
    };
    let ends = ends.filter(|_| balance > 0).map(|day| {
        view! { <p class="fine">{format!("Points end if nobody spends them for a long time. The first of yours end on {day}.")}</p> }
    });
    let left = (!is_member).then(|| {
        let join = format!("/join/{}", in_address(&what.key));
        view! {
            <p class="notice">
                "You are not in this programme now. Your points stay yours, and you can spend them. "
                <a href=join>"See how to join"</a>
            </p>
        }
    });
    let leave = is_member.then(|| {
        view! {
            <section class="card">
                <h2>{format!("Leave {}", what.name)}</h2>
                <Leave programme=what.key.clone() name=what.name.clone() />
            </section>
        }
    });
    let goal =
        goal.map(|goal| view! { <Saving goal has=spendable id=format!("goal-{}", what.key) /> });
    let chart = (days.len() > 1).then(|| view! { <Chart days today until_today /> });
    let cards = rewards
        .into_iter()
        .map(|card| view! { <li class="card"><Card card spendable /></li> })
        .collect_view();
    view! {
        <section class="card balance">
            <h2>{what.name}</h2>
            <p class="sum">{points(balance)}</p>
            <p>{held}</p>
            {left}
            {ends}
            {goal}
            {chart}
        </section>
        <section aria-label="What you can take">
            <h2>"What you can take"</h2>
            <ul class="rewards">{cards}</ul>
        </section>
        <Journal lines older />
        {leave}
    }
}

/// How far it is to the next reward, as a bar and in words.
#[component]
fn Saving(goal: Goal, has: i64, id: String) -> impl IntoView {
    let words = format!(
        "{} of {} for “{}”",
        present_points(has),
        points(goal.costs.into()),
        goal.name
    );
    view! {
        <p class="saving">
            <label for=id.clone()>{words}</label>
            <progress id=id max=goal.costs.to_string() value=has.to_string()></progress>
        </p>
    }
}

#[component]
fn Card(card: RewardCard, spendable: i64) -> impl IntoView {
    let left = card
        .left
        .filter(|left| *left > 0)
        .map(|left| match left {
            1 => "One is left.".to_owned(),
            left => format!("{} are left.", number(left)),
        })
        .map(|words| view! { <p class="fine">{words}</p> });
    let price = points(card.costs.into());
    let button = match card.can {
        Ok(()) => view! {
            <form method="post" action=HERE>
                <input type="hidden" name="id" value=card.form />
                <input type="hidden" name="reward" value=card.key />
                <input type="hidden" name="costs" value=card.costs.to_string() />
                <button class="primary">
                    {format!("Take it for {price}")}
                    <span class="visually-hidden">{format!(": {}", card.name)}</span>
                </button>
            </form>
        }
        .into_any(),
        Err(why) => {
            let why = match why {
                RewardError::TooFewPoints => {
                    let missing = i64::from(card.costs) - spendable;
                    format!(
                        "It costs {price}. You need {} more.",
                        present_points(missing)
                    )
                }
                RewardError::SoldOut => "There are none left just now.".to_owned(),
                RewardError::LimitReached => {
                    "You have taken this as often as one person can.".to_owned()
                }
                why => why.to_string(),
            };
            view! { <p class="why-not">{why}</p> }.into_any()
        }
    };
    view! {
        <h3>{card.name.clone()}</h3>
        <p>{card.words}</p>
        {left}
        {button}
    }
}

#[component]
fn Journal(lines: Vec<Line>, older: usize) -> impl IntoView {
    if lines.is_empty() {
        return ().into_any();
    }
    let lines = lines.into_iter().map(|line| {
        let sign = if line.points < 0 { "−" } else { "+" };
        let points = format!("{sign}{}", points_of(line.points.unsigned_abs()));
        view! {
            <li class="own">
                <time datetime=line.at>{line.when}</time>
                <p><b class="number">{points}</b>" "{line.sentence}</p>
            </li>
        }
    });
    let older = (older > 0).then(|| {
        let older = u64::try_from(older).unwrap_or(u64::MAX);
        view! { <p class="fine">{format!("{} older entries are not shown here. They all count.", number(older))}</p> }
    });
    view! {
        <section class="card">
            <h2>"How your points came and went"</h2>
            <ol class="timeline">{lines.collect_view()}</ol>
            {older}
        </section>
    }
    .into_any()
}

/// The next thing that one could share. It is only led to: to look at it here asks nothing.
#[component]
fn Next(next: AskLine) -> impl IntoView {
    let to = format!("/share/{}", in_address(&next.key));
    let points =
        (next.points > 0).then(|| format!(" It brings members {}.", points_of(next.points.into())));
    view! {
        <section class="card">
            <h2>"What you could share next"</h2>
            <p><b>{next.question}</b></p>
            <p>{next.value}{points}</p>
            <p class="onward"><a href=to>"Read all about it first"</a><a href="/share">"See everything you could share"</a></p>
        </section>
    }
}

/// A programme that the customer is not in.
#[component]
fn Other(programme: WhatItIs) -> impl IntoView {
    let join = format!("/join/{}", in_address(&programme.key));
    let points = (programme.joining_points > 0).then(|| {
        let words = format!(
            "You get {} for joining.",
            points(programme.joining_points.into())
        );
        view! { <p>{words}</p> }
    });
    view! {
        <section class="card">
            <h2>{programme.name.clone()}</h2>
            <p>{programme.words}</p>
            {points}
            <p class="onward"><a href=join>{format!("See how to join {}", programme.name)}</a></p>
        </section>
    }
}

#[component]
fn History(taken: Vec<Taken>) -> impl IntoView {
    if taken.is_empty() {
        return ().into_any();
    }
    let taken = taken.into_iter().map(|taken| {
        let code = taken
            .code
            .map(|code| view! { <p>"Code: "<code class="key">{code}</code></p> });
        view! {
            <li class="own">
                <time datetime=taken.at>{taken.when}</time>
                <p><b>{taken.name}</b>{format!(", for {}.", points(taken.costs.into()))}</p>
                {code}
            </li>
        }
    });
    view! {
        <section class="card">
            <h2>"What you took"</h2>
            <ol class="timeline">{taken.collect_view()}</ol>
        </section>
    }
    .into_any()
}

/// A number of points with its noun.
fn points(count: i64) -> String {
    points_of(count.unsigned_abs())
}

fn points_of(count: u64) -> String {
    let noun = if count == 1 { "point" } else { "points" };
    format!("{} {noun}", number(count))
}

/// The number alone, where the noun follows or is said before.
fn present_points(count: i64) -> String {
    number(count.unsigned_abs())
}
