//! What the customer allows: one card a purpose, a yes and a no of the same size, effective at once (GDPR Art. 7(3)).

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect, Response};
use fairhold_portal::Error;
use fairhold_portal::asks::AskError;
use fairhold_portal::grants::{Permission, Permissions};
use leptos::prelude::*;
use serde::Deserialize;

use crate::error::PortalError;
use crate::pages::form::PageForm;
use crate::render::Page;
use crate::session::LoggedIn;
use crate::state::AppState;

const HERE: &str = "/permissions";

/// What stands behind the page's address.
#[derive(Deserialize)]
pub struct Asked {
    /// Answers before this number.
    before: Option<i64>,
}

/// The form's fields: which purpose, the version of the words that stood there, and yes or no.
#[derive(Deserialize)]
pub struct Answer {
    purpose: String,
    version: u32,
    allow: YesOrNo,
}

/// What a button says.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum YesOrNo {
    Yes,
    No,
}

/// `GET /permissions`
pub async fn page(
    State(state): State<AppState>,
    LoggedIn(customer): LoggedIn,
    asked: Query<Asked>,
) -> Response {
    match state.portal.permissions(&customer, asked.before).await {
        Ok(permissions) => show(&state, permissions, None),
        Err(error) => PortalError::from(error).own_page(&state),
    }
}

/// `POST /permissions`
pub async fn submit(
    State(state): State<AppState>,
    LoggedIn(customer): LoggedIn,
    PageForm(answer): PageForm<Answer>,
) -> Response {
    let yes = answer.allow == YesOrNo::Yes;
    let (portal, purpose) = (&state.portal, &answer.purpose);
    match portal.allow(&customer, purpose, answer.version, yes).await {
        // Back to the card that it was about, with its new sentence.
        Ok(()) => Redirect::to(&format!("{HERE}#{purpose}")).into_response(),
        Err(Error::Ask(AskError::Changed)) => match portal.permissions(&customer, None).await {
            Ok(permissions) => show(&state, permissions, Some(answer.purpose)),
            Err(error) => PortalError::from(error).own_page(&state),
        },
        Err(error) => PortalError::from(error).own_page(&state),
    }
}

/// `GET /permissions/receipt/{number}`: the record of an answer, as a file to keep.
pub async fn receipt(
    State(state): State<AppState>,
    LoggedIn(customer): LoggedIn,
    Path(number): Path<i64>,
) -> Response {
    match state.portal.receipt(&customer, number).await {
        Ok(receipt) => {
            let name = format!("attachment; filename=\"receipt-{number}.jsonld\"");
            let kind = "application/ld+json".to_owned();
            let headers = [(CONTENT_TYPE, kind), (CONTENT_DISPOSITION, name)];
            (headers, format!("{receipt:#}\n")).into_response()
        }
        Err(error) => PortalError::from(error).own_page(&state),
    }
}

/// `changed` is the purpose that was answered by words which are others by now.
fn show(state: &AppState, permissions: Permissions, changed: Option<String>) -> Response {
    let Permissions {
        ruled,
        declared,
        history,
        older,
    } = permissions;
    let status = match changed {
        Some(_) => StatusCode::CONFLICT,
        None => StatusCode::OK,
    };
    let page = Page::own("What you allow", HERE, None).with_status(status);
    page.render(state, move || {
        let changed = changed.map(|purpose| {
            view! {
                <div class="error-summary" role="alert">
                    <p><b>"There is a problem"</b></p>
                    <p><a href=format!("#{purpose}")>"The words of this have changed. Read them once more, and then answer."</a></p>
                </div>
            }
        });
        let none = ruled.is_empty().then(|| {
            view! { <p class="empty">"There is nothing that we need your yes for."</p> }
        });
        let declared = (!declared.is_empty()).then(|| {
            let lines = declared.into_iter().map(|purpose| {
                view! { <li>{purpose.words}" "<span class="fine">{purpose.why}</span></li> }
            });
            view! {
                <section class="card">
                    <h2>"What we do without asking"</h2>
                    <ul>{lines.collect_view()}</ul>
                </section>
            }
        });
        let older = older.map(|before| {
            view! { <p class="onward"><a href=format!("{HERE}?before={before}")>"Older answers"</a></p> }
        });
        let history = (!history.is_empty()).then(|| {
            let lines = history.into_iter().map(|past| {
                view! {
                    <li class="own">
                        <time datetime=past.at>{past.when.clone()}</time>
                        <p>{past.sentence}</p>
                        <p class="fine">{past.words}</p>
                        <p class="fine">"For you to keep: "<a href=format!("/permissions/receipt/{}", past.number)>"Receipt"<span class="visually-hidden">{format!(" of your answer {}", past.when)}</span></a></p>
                    </li>
                }
            });
            view! {
                <section class="card">
                    <h2>"What you answered"</h2>
                    <ol class="timeline">{lines.collect_view()}</ol>
                    {older}
                </section>
            }
        });
        view! {
            {changed}
            <div>
                <h1>"What you allow"</h1>
                <p class="lead">"We do these things only if you say yes. You can change your mind at any time, and it counts at once. If you say no, all the rest works as before."</p>
            </div>
            {none}
            {ruled.into_iter().map(|permission| view! { <Ruled permission /> }).collect_view()}
            {declared}
            {history}
        }
    })
}

/// One purpose, and the two answers. The one that stands is marked, and neither is larger than the other.
#[component]
fn Ruled(permission: Permission) -> impl IntoView {
    let Permission {
        purpose,
        words,
        version,
        uses,
        if_no,
        answer: stands,
        status,
    } = permission;
    let uses = (!uses.is_empty()).then(|| {
        view! { <p class="fine">{format!("It uses what you share here: {}.", uses.join(", "))}</p> }
    });
    let if_no = (!if_no.is_empty()).then(|| {
        view! { <p class="fine"><b>"If you say no: "</b>{if_no.join(" ")}</p> }
    });
    let (id, title) = (purpose.clone(), format!("{purpose}-words"));
    let answer = |value: &'static str, label: &'static str, stands: bool| {
        let title = title.clone();
        view! {
            <button name="allow" value=value aria-pressed=stands.to_string() aria-describedby=title>{label}</button>
        }
    };
    view! {
        <section class="card" id=id>
            <p id=title.clone()><b>{words}</b></p>
            <p>{status}</p>
            {uses}
            {if_no}
            <form method="post" action=HERE class="answers">
                <input type="hidden" name="purpose" value=purpose />
                <input type="hidden" name="version" value=version.to_string() />
                {answer("yes", "Yes", stands == Some(true))}
                {answer("no", "No", stands == Some(false))}
            </form>
        </section>
    }
}
