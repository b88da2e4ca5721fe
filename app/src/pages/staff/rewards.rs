//! Rewards: what there is and how many are left; to add, change and pause them, and to put codes in.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use fairhold_domain::catalog::{Place, Reward, RewardKind};
use fairhold_domain::policy::Action;
use fairhold_domain::present::number;
use fairhold_portal::Error;
use fairhold_portal::rewards::{FormError, PutIn, StaffReward};
use leptos::prelude::*;
use serde::Deserialize;

use crate::error::PortalError;
use crate::pages::form::PageForm;
use crate::pages::in_address;
use crate::render::Page;
use crate::staff_session::{StaffIn, staff_error};
use crate::state::AppState;
use crate::ui::field::LineField;

const HERE: &str = "/staff/rewards";
/// So many of the codes that were there already are shown.
const DOUBLES: usize = 20;
/// As forms write the kinds, and as people read them.
const KINDS: [(&str, &str, RewardKind); 3] = [
    ("voucher", "A code that you put in", RewardKind::Voucher),
    (
        "percent",
        "A code for some percent off, made when somebody takes it",
        RewardKind::Percent,
    ),
    ("donation", "Money to a good cause", RewardKind::Donation),
];

/// What stands behind the page's address.
#[derive(Deserialize)]
pub struct Asked {
    done: Option<String>,
}

/// A reward, as it is typed.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Typed {
    key: String,
    programme: String,
    name: String,
    words: String,
    kind: String,
    costs: String,
    stock: String,
    limit: String,
    code: String,
}

/// Whether to pause a reward or to go on with it.
#[derive(Deserialize)]
pub struct Pause {
    pause: bool,
}

/// Codes, one a line.
#[derive(Deserialize)]
pub struct Codes {
    codes: String,
}

impl Typed {
    fn of(reward: &Reward) -> Self {
        let kind = KINDS.iter().find(|(.., kind)| *kind == reward.kind);
        let text = |number: Option<u32>| number.map(|n| n.to_string()).unwrap_or_default();
        Self {
            key: reward.key.clone(),
            programme: reward.programme.clone(),
            name: reward.name.clone(),
            words: reward.words.clone(),
            kind: kind.map_or(String::new(), |(key, ..)| (*key).to_owned()),
            costs: reward.costs.to_string(),
            stock: text(reward.stock),
            limit: text(reward.limit),
            code: reward.code.clone().unwrap_or_default(),
        }
    }

    /// What was typed, or what is wrong with it.
    fn read(&self) -> Result<Reward, Vec<String>> {
        let mut wrongs = Vec::new();
        let mut whole = |text: &str, words: &str| {
            let read = text.trim().replace(',', "").parse::<u32>().ok();
            if read.is_none() {
                wrongs.push(words.to_owned());
            }
            read
        };
        let costs = whole(
            &self.costs,
            "Write what it costs as a whole number from 1 to 1,000,000.",
        );
        let empty = |text: &str| text.trim().is_empty();
        let stock = (!empty(&self.stock))
            .then(|| whole(&self.stock, "Write how many there are as a whole number."));
        let limit = (!empty(&self.limit)).then(|| {
            whole(
                &self.limit,
                "Write how many one customer can have as a whole number.",
            )
        });
        let kind = KINDS.iter().find(|(key, ..)| *key == self.kind);
        if kind.is_none() {
            wrongs.push("Choose what kind of reward it is.".to_owned());
        }
        let (Some(costs), Some((.., kind)), true) = (costs, kind, wrongs.is_empty()) else {
            return Err(wrongs);
        };
        let code = self.code.trim();
        Ok(Reward {
            key: self.key.trim().to_owned(),
            programme: self.programme.clone(),
            name: self.name.trim().to_owned(),
            words: self.words.trim().to_owned(),
            kind: *kind,
            costs,
            stock: stock.flatten(),
            limit: limit.flatten(),
            code: (*kind == RewardKind::Percent && !code.is_empty()).then(|| code.to_owned()),
            place: Place::default(),
        })
    }
}

/// What a page says on top, and what stands in its form.
#[derive(Default)]
struct Told {
    done: Option<&'static str>,
    wrongs: Vec<String>,
    typed: Option<Typed>,
    put_in: Option<PutIn>,
}

impl Told {
    const fn status(&self) -> StatusCode {
        if self.wrongs.is_empty() {
            StatusCode::OK
        } else {
            StatusCode::UNPROCESSABLE_ENTITY
        }
    }

    fn wrong(wrong: FormError, typed: Option<Typed>) -> Self {
        let wrongs = match wrong {
            FormError::Reward(wrongs) => wrongs,
            wrong => vec![wrong.to_string()],
        };
        Self {
            wrongs,
            typed,
            ..Self::default()
        }
    }
}

/// `GET /staff/rewards`
pub async fn page(State(state): State<AppState>, staff: StaffIn, asked: Query<Asked>) -> Response {
    let told = Told {
        done: (asked.done.as_deref() == Some("added")).then_some("The reward is there now."),
        ..Told::default()
    };
    show(&state, &staff, told).await
}

/// `POST /staff/rewards`: adds one.
pub async fn add(
    State(state): State<AppState>,
    staff: StaffIn,
    PageForm(typed): PageForm<Typed>,
) -> Response {
    let added = match typed.read() {
        Ok(reward) => state.portal.add_reward(staff.by(), reward).await,
        Err(wrongs) => Err(refused(&state, &staff, wrongs).await),
    };
    match added {
        Ok(()) => Redirect::to("/staff/rewards?done=added").into_response(),
        Err(Error::Form(wrong)) => show(&state, &staff, Told::wrong(wrong, Some(typed))).await,
        Err(error) => staff_error(&state, error),
    }
}

/// Why a form that can't be read is refused. Whoever may not send it hears that, and nothing of what they typed.
async fn refused(state: &AppState, staff: &StaffIn, wrongs: Vec<String>) -> Error {
    match state.portal.may_change_rewards(staff.by()).await {
        Ok(()) => FormError::Reward(wrongs).into(),
        Err(error) => error,
    }
}

/// `GET /staff/rewards/{reward}`
pub async fn one(
    State(state): State<AppState>,
    staff: StaffIn,
    Path(key): Path<String>,
    asked: Query<Asked>,
) -> Response {
    let done = match asked.done.as_deref() {
        Some("changed") => Some("The change is saved. Customers see it at once."),
        Some("paused") => Some("The reward is paused. Customers do not see it."),
        Some("on") => Some("The reward is offered again."),
        _ => None,
    };
    let told = Told {
        done,
        ..Told::default()
    };
    show_one(&state, &staff, &key, told).await
}

/// `POST /staff/rewards/{reward}`: changes it.
pub async fn change(
    State(state): State<AppState>,
    staff: StaffIn,
    Path(key): Path<String>,
    PageForm(typed): PageForm<Typed>,
) -> Response {
    let typed = Typed {
        key: key.clone(),
        ..typed
    };
    let changed = match typed.read() {
        Ok(reward) => state.portal.change_reward(staff.by(), reward).await,
        Err(wrongs) => Err(refused(&state, &staff, wrongs).await),
    };
    match changed {
        Ok(()) => done(&key, "changed"),
        Err(Error::Form(wrong)) => {
            show_one(&state, &staff, &key, Told::wrong(wrong, Some(typed))).await
        }
        Err(error) => staff_error(&state, error),
    }
}

/// `POST /staff/rewards/{reward}/pause`
pub async fn pause(
    State(state): State<AppState>,
    staff: StaffIn,
    Path(key): Path<String>,
    PageForm(form): PageForm<Pause>,
) -> Response {
    let paused = state.portal.pause_reward(staff.by(), &key, form.pause);
    match paused.await {
        Ok(()) => done(&key, if form.pause { "paused" } else { "on" }),
        Err(error) => staff_error(&state, error),
    }
}

/// `POST /staff/rewards/{reward}/codes`: puts codes in. What was there already is told on the page that answers.
pub async fn put_codes_in(
    State(state): State<AppState>,
    staff: StaffIn,
    Path(key): Path<String>,
    PageForm(form): PageForm<Codes>,
) -> Response {
    let put_in = state
        .portal
        .put_codes_in(staff.by(), &key, &form.codes)
        .await;
    let told = match put_in {
        Ok(put_in) => Told {
            put_in: Some(put_in),
            ..Told::default()
        },
        Err(Error::Form(wrong)) => Told::wrong(wrong, None),
        Err(error) => return staff_error(&state, error),
    };
    show_one(&state, &staff, &key, told).await
}

fn done(key: &str, what: &str) -> Response {
    Redirect::to(&format!("{HERE}/{}?done={what}", in_address(key))).into_response()
}

async fn show(state: &AppState, staff: &StaffIn, told: Told) -> Response {
    let rewards = match state.portal.list_rewards(staff.by()).await {
        Ok(rewards) => rewards,
        Err(error) => return staff_error(state, error),
    };
    let programmes = programmes(state);
    let may_change = staff.0.role().may(Action::ChangeRewards);
    let page = Page::of_staff("Rewards", HERE, staff.0.role()).with_status(told.status());
    page.render(state, move || {
        let open = told.typed.is_some();
        let form = may_change.then(|| {
            let typed = told.typed.unwrap_or_default();
            view! {
                <details class="card" open=open>
                    <summary><h2>"Add a reward"</h2></summary>
                    <form method="post" action=HERE>
                        <LineField name="key" label="Short name" hint="For its address: letters, digits, - and _. It can't be changed later."
                            value=typed.key.clone() longest=64 />
                        <Fields typed programmes />
                        <button class="primary">"Add the reward"</button>
                    </form>
                </details>
            }
        });
        let cards = rewards.into_iter().map(|reward| card(reward, may_change));
        view! {
            <Wrongs wrongs=told.wrongs />
            {told.done.map(|words| view! { <p class="notice" role="status">{words}</p> })}
            <div>
                <h1>"Rewards"</h1>
                <p class="lead">"What customers can spend their points on."</p>
            </div>
            <ul class="outbox">{cards.collect_view()}</ul>
            {form}
            <p class="onward"><a href="/staff">"Back to your work"</a></p>
        }
    })
}

async fn show_one(state: &AppState, staff: &StaffIn, key: &str, told: Told) -> Response {
    let rewards = match state.portal.list_rewards(staff.by()).await {
        Ok(rewards) => rewards,
        Err(error) => return staff_error(state, error),
    };
    let Some(reward) = rewards.into_iter().find(|r| r.reward.key == key) else {
        return PortalError::NotFound.page(state);
    };
    let programmes = programmes(state);
    let may_change = staff.0.role().may(Action::ChangeRewards);
    let page = Page::of_staff(&reward.reward.name, HERE, staff.0.role());
    page.with_status(told.status()).render(state, move || {
        let here = format!("{HERE}/{}", in_address(&reward.reward.key));
        let typed = told.typed.unwrap_or_else(|| Typed::of(&reward.reward));
        let put_in = told.put_in.map(|put_in| view! { <WhatWasPutIn put_in /> });
        let codes = (may_change && reward.reward.kind == RewardKind::Voucher).then(|| {
            view! {
                <form method="post" action=format!("{here}/codes") class="card">
                    <h2>"Put codes in"</h2>
                    <div class="field">
                        <label for="codes">"Codes"</label>
                        <p class="hint" id="codes-hint">"One a line, 10,000 at most. We keep them sealed, and each is given once."</p>
                        <textarea id="codes" name="codes" rows="8" required=true spellcheck="false" autocomplete="off" aria-describedby="codes-hint"></textarea>
                    </div>
                    <button class="primary">"Put them in"</button>
                </form>
            }
        });
        let pause = may_change.then(|| {
            let (value, words) = if reward.paused {
                ("false", "Offer it again")
            } else {
                ("true", "Pause it")
            };
            view! {
                <form method="post" action=format!("{here}/pause")>
                    <button name="pause" value=value>{words}</button>
                </form>
            }
        });
        let change = may_change.then(|| {
            view! {
                <form method="post" action=here.clone() class="card">
                    <h2>"Change it"</h2>
                    <Fields typed programmes />
                    <button class="primary">"Save the change"</button>
                </form>
            }
        });
        view! {
            <Wrongs wrongs=told.wrongs />
            {told.done.map(|words| view! { <p class="notice" role="status">{words}</p> })}
            {put_in}
            <h1>{reward.reward.name.clone()}</h1>
            <section class="card">
                <h2>"How it stands"</h2>
                <p>{stands(&reward)}</p>
                {pause}
            </section>
            {codes}
            {change}
            <p class="onward"><a href=HERE>"All rewards"</a></p>
        }
    })
}

/// The programmes: keys and names.
fn programmes(state: &AppState) -> Vec<(String, String)> {
    let current = state.portal.company().current();
    let programmes = current.catalog.company.programmes.iter();
    programmes
        .map(|p| (p.key.clone(), p.name.clone()))
        .collect()
}

fn card(reward: StaffReward, may_change: bool) -> impl IntoView + use<> {
    let to = format!("{HERE}/{}", in_address(&reward.reward.key));
    let link = may_change.then(|| {
        view! { <p class="onward"><a href=to>{format!("Change “{}”", reward.reward.name)}</a></p> }
    });
    view! {
        <li class="card">
            <header>
                <h2>{reward.reward.name.clone()}</h2>
                <p class="fine">{if reward.paused { "Paused" } else { "Offered" }}</p>
            </header>
            <p>{reward.reward.words.clone()}</p>
            <p>{stands(&reward)}</p>
            {link}
        </li>
    }
}

/// How many there are and what it costs, in sentences.
fn stands(reward: &StaffReward) -> String {
    let left = match reward.left {
        None => "There is no end to them.".to_owned(),
        Some(0) => "None is left.".to_owned(),
        Some(1) => "One is left.".to_owned(),
        Some(left) => format!("{} are left.", number(left)),
    };
    let given = match reward.given {
        0 => "None was taken so far.".to_owned(),
        1 => "One was taken so far.".to_owned(),
        given => format!("{} were taken so far.", number(given)),
    };
    let limit = reward
        .reward
        .limit
        .map(|limit| format!(" One customer can have {}.", number(limit.into())))
        .unwrap_or_default();
    let paused = if reward.paused {
        " It is paused, so nobody sees it."
    } else {
        ""
    };
    let from = if reward.from_catalog {
        " It is as the catalog says."
    } else {
        " It was written on this page."
    };
    let costs = number(reward.reward.costs.into());
    format!("It costs {costs} points. {left} {given}{limit}{paused}{from}")
}

/// What is wrong, at the top.
#[component]
fn Wrongs(wrongs: Vec<String>) -> impl IntoView {
    (!wrongs.is_empty()).then(|| {
        let lines = wrongs.into_iter().map(|words| view! { <p>{words}</p> });
        view! {
            <div class="error-summary" role="alert">
                <p><b>"There is a problem"</b></p>
                {lines.collect_view()}
            </div>
        }
    })
}

#[component]
fn WhatWasPutIn(put_in: PutIn) -> impl IntoView {
    let PutIn { added, doubles } = put_in;
    let count = |count: usize| number(u64::try_from(count).unwrap_or(u64::MAX));
    let words = match added {
        0 => "None of these codes is new, so nothing was put in.".to_owned(),
        1 => "One new code was put in.".to_owned(),
        added => format!("{} new codes were put in.", count(added)),
    };
    let more = doubles.len().saturating_sub(DOUBLES);
    let doubles = (!doubles.is_empty()).then(|| {
        let title = format!(
            "There already, or twice in your list: {}.",
            count(doubles.len())
        );
        let shown = doubles.into_iter().take(DOUBLES);
        let shown = shown.map(|code| view! { <li><code>{code}</code></li> });
        let more = (more > 0).then(|| view! { <p>{format!("And {} more.", count(more))}</p> });
        view! { <p>{title}</p><ul>{shown.collect_view()}</ul>{more} }
    });
    view! {
        <div class="notice" role="status">
            <p>{words}</p>
            {doubles}
        </div>
    }
}

/// What a reward is made of, but for its key.
#[component]
fn Fields(typed: Typed, programmes: Vec<(String, String)>) -> impl IntoView {
    let programmes = programmes.into_iter().map(|(key, name)| {
        let selected = key == typed.programme;
        view! { <option value=key selected=selected>{name}</option> }
    });
    let chosen = typed.kind.clone();
    let kinds = KINDS.map(|(key, words, _)| {
        view! { <option value=key selected=key == chosen>{words}</option> }
    });
    view! {
        <LineField name="name" label="Name" hint="As customers read it." value=typed.name longest=100 />
        <div class="field">
            <label for="words">"What it is"</label>
            <p class="hint" id="words-hint">"A sentence or two, and how one uses it."</p>
            <textarea id="words" name="words" rows="3" required=true maxlength="500" autocomplete="off" aria-describedby="words-hint">{typed.words}</textarea>
        </div>
        <div class="field">
            <label for="programme">"Programme"</label>
            <select id="programme" name="programme">{programmes.collect_view()}</select>
        </div>
        <div class="field">
            <label for="kind">"Kind"</label>
            <select id="kind" name="kind">{kinds.collect_view()}</select>
        </div>
        <LineField name="costs" label="Points that it costs" hint="" value=typed.costs longest=9 number=true />
        <LineField name="stock" label="How many there are" hint="Leave it empty if there is no end to them. Of vouchers there are as many as you put codes in."
            value=typed.stock longest=9 number=true required=false />
        <LineField name="limit" label="How many one customer can have" hint="Leave it empty if there is no limit."
            value=typed.limit longest=9 number=true required=false />
        <LineField name="code" label="What its codes begin with" hint="For percent off alone: letters A to Z and digits, such as FINCH10."
            value=typed.code longest=20 required=false />
    }
}
