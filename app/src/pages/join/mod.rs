//! A programme: what it is, its terms, joining it and leaving it. An e-mail address is all that joining needs (P4).

pub mod embed;
pub mod link;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use fairhold_domain::catalog::Programme;
use fairhold_domain::nickname;
use fairhold_domain::return_to::ReturnTo;
use fairhold_portal::joining::{Standing, WantsToJoin};
use fairhold_portal::{Customer, Error};
use leptos::prelude::*;
use serde::Deserialize;

use crate::error::PortalError;
use crate::pages::form::PageForm;
use crate::pages::in_address;
use crate::render::Page;
use crate::session::LoggedIn;
use crate::state::AppState;
use crate::ui::field::{EmailField, ErrorSummary, NicknameField};

/// What stands behind the page's address.
#[derive(Default, Deserialize)]
pub struct Asked {
    return_to: Option<String>,
}

/// The form's fields.
#[derive(Default, Deserialize)]
pub struct JoinForm {
    #[serde(default)]
    email: String,
    #[serde(default)]
    nickname: String,
    /// Empty where nothing is asked for.
    #[serde(default)]
    return_to: String,
    /// Whether a member leaves instead.
    #[serde(default)]
    leave: bool,
}

impl JoinForm {
    fn return_to(&self) -> Option<&str> {
        Some(self.return_to.as_str()).filter(|text| !text.is_empty())
    }

    fn wants(&self) -> WantsToJoin<'_> {
        WantsToJoin {
            address: &self.email,
            nickname: &self.nickname,
            return_to: self.return_to(),
        }
    }
}

/// A programme, and where whoever joins it goes back to.
struct Place {
    programme: Programme,
    return_to: Option<ReturnTo>,
}

impl Place {
    /// What the address of a page or a form leads to.
    fn find(state: &AppState, programme: &str, return_to: Option<&str>) -> Result<Self, Error> {
        let programme = state.portal.programme(programme)?;
        let return_to = return_to.map(|text| ReturnTo::parse(text, &programme.return_to));
        Ok(Self {
            return_to: return_to.transpose()?,
            programme,
        })
    }

    fn path(&self) -> String {
        format!("/join/{}", in_address(&self.programme.key))
    }

    /// The page's address, with the way back in it.
    fn address(&self) -> String {
        match &self.return_to {
            None => self.path(),
            Some(to) => format!("{}?return_to={}", self.path(), in_address(to.as_str())),
        }
    }
}

/// What was wrong with what somebody typed.
#[derive(Default)]
struct Wrong {
    email: Option<String>,
    nickname: Option<String>,
}

impl Wrong {
    /// Takes an error that is about a field; gives back any other.
    fn of(error: Error) -> Result<Self, Error> {
        match error {
            Error::Email(wrong) => Ok(Self {
                email: Some(wrong.to_string()),
                ..Self::default()
            }),
            Error::Nickname(wrong) => Ok(Self {
                nickname: Some(wrong.to_string()),
                ..Self::default()
            }),
            error => Err(error),
        }
    }

    const fn status(&self) -> StatusCode {
        if self.email.is_some() || self.nickname.is_some() {
            StatusCode::UNPROCESSABLE_ENTITY
        } else {
            StatusCode::OK
        }
    }

    /// The summary on top of the page, with a link to the field.
    fn summary(&self) -> impl IntoView + use<> {
        let (email, nickname) = (self.email.clone(), self.nickname.clone());
        view! {
            <ErrorSummary error=email field="email" />
            <ErrorSummary error=nickname field="nickname" />
        }
    }
}

/// `GET /join/{programme}`
pub async fn page(
    State(state): State<AppState>,
    visitor: Option<LoggedIn>,
    Path(programme): Path<String>,
    asked: Query<Asked>,
) -> Response {
    let visitor = visitor.as_ref();
    match Place::find(&state, &programme, asked.return_to.as_deref()) {
        Ok(place) => {
            show(
                &state,
                visitor,
                place,
                JoinForm::default(),
                Wrong::default(),
            )
            .await
        }
        Err(error) => refused(&state, visitor, error),
    }
}

/// `POST /join/{programme}`
pub async fn submit(
    State(state): State<AppState>,
    visitor: Option<LoggedIn>,
    Path(programme): Path<String>,
    PageForm(form): PageForm<JoinForm>,
) -> Response {
    let place = match Place::find(&state, &programme, form.return_to()) {
        Ok(place) => place,
        Err(error) => return refused(&state, visitor.as_ref(), error),
    };
    let id = visitor.as_ref().map(|LoggedIn(customer)| customer.id());
    let done = match visitor {
        Some(LoggedIn(customer)) => change(&state, customer, &place, &form).await,
        // Whoever was logged out in between is no member of anything here.
        None if form.leave => return PortalError::LogInFirst.page(&state),
        None => state
            .portal
            .ask_to_join(&programme, form.wants())
            .await
            .map(|()| Redirect::to("/check-your-mail").into_response()),
    };
    let wrong = match done.map_err(Wrong::of) {
        Ok(response) => return response,
        Err(Ok(wrong)) => wrong,
        Err(Err(error)) => return PortalError::from(error).page(&state),
    };
    let visitor = match id {
        None => None,
        Some(id) => match state.portal.customer(id).await {
            Ok(customer) => Some(LoggedIn(customer)),
            Err(error) => return PortalError::from(error).page(&state),
        },
    };
    show(&state, visitor.as_ref(), place, form, wrong).await
}

/// What a customer who is logged in does with one button.
async fn change(
    state: &AppState,
    customer: Customer,
    place: &Place,
    form: &JoinForm,
) -> Result<Response, Error> {
    let key = &place.programme.key;
    if form.leave {
        state.portal.leave(&customer, key).await?;
    } else {
        state.portal.join(customer, key, &form.nickname).await?;
    }
    Ok(Redirect::to(&place.address()).into_response())
}

/// Why there is no such page.
fn refused(state: &AppState, visitor: Option<&LoggedIn>, error: Error) -> Response {
    if matches!(error, Error::ReturnTo(_)) {
        return wrong_way_back(state, visitor);
    }
    match (PortalError::from(error), visitor) {
        (error, None) => error.page(state),
        (error, Some(_)) => error.own_page(state),
    }
}

fn wrong_way_back(state: &AppState, visitor: Option<&LoggedIn>) -> Response {
    Page::for_visitor("This link does not work", "", visitor)
        .with_status(StatusCode::BAD_REQUEST)
        .render(state, || {
            view! {
                <div>
                    <h1>"This link does not work"</h1>
                    <p class="lead">"The page that sent you here wants you to go on to a place that we do not know. So we stopped, and nothing was changed."</p>
                </div>
                <p>"Go back to that page and tell its owner. Or begin again from our first page."</p>
                <p class="onward"><a href="/">"Go to the start"</a></p>
            }
        })
}

async fn show(
    state: &AppState,
    visitor: Option<&LoggedIn>,
    place: Place,
    form: JoinForm,
    wrong: Wrong,
) -> Response {
    let standing = match visitor {
        None => None,
        Some(LoggedIn(customer)) => {
            let standing = state.portal.standing_in(customer, &place.programme.key);
            match standing.await {
                Ok(standing) => Some(standing),
                Err(error) => return refused(state, visitor, error),
            }
        }
    };
    Page::for_visitor(&place.programme.name, "", visitor)
        .with_status(wrong.status())
        .render(state, move || {
            let programme = &place.programme;
            // A member has it as a button already.
            let is_inside = matches!(standing, Some(Standing::Inside(_)));
            let back = place.return_to.as_ref().filter(|_| !is_inside);
            let back = back.map(way_back);
            let act = match standing {
                None => stranger(&place, form, &wrong).into_any(),
                Some(Standing::Outside) => outside(&place, form, &wrong, "Join").into_any(),
                Some(Standing::Left(when)) => left(&place, form, &wrong, &when).into_any(),
                Some(Standing::Inside(when)) => inside(&place, &when).into_any(),
            };
            view! {
                {wrong.summary()}
                <div>
                    <h1>{programme.name.clone()}</h1>
                    <p class="lead">{programme.words.clone()}</p>
                </div>
                {act}
                {terms(programme)}
                {back}
            }
        })
}

/// For whoever is not logged in: the same form for everybody.
fn stranger(place: &Place, form: JoinForm, wrong: &Wrong) -> impl IntoView + use<> {
    view! {
        <form method="post" action=place.path() class="card">
            <h2>"Join with your e-mail address"</h2>
            <p>"We send you a link, to be sure that it is you. You are in when you press the button behind it. "{points(&place.programme)}</p>
            {fields(place.return_to.as_ref(), form, wrong)}
            <button class="primary">"Send me the link"</button>
            <p class="fine">"We keep nothing else. If you never open the link, we forget your address after a day."</p>
        </form>
        <p class="onward"><a href=format!("/log-in?next={}", place.path())>"I have a password. Let me log in."</a></p>
    }
}

/// What was typed, to be typed on.
fn typed(text: String, most: usize) -> String {
    text.chars().take(most).collect()
}

/// The fields that joining needs, wherever the form stands.
fn fields(return_to: Option<&ReturnTo>, form: JoinForm, wrong: &Wrong) -> impl IntoView + use<> {
    let back = return_to.map(|to| to.as_str().to_owned());
    view! {
        <EmailField value=typed(form.email, 254) error=wrong.email.clone() />
        <NicknameField value=typed(form.nickname, nickname::LONGEST) error=wrong.nickname.clone() />
        {back.map(|to| view! { <input type="hidden" name="return_to" value=to /> })}
    }
}

/// For a customer who is not in it.
fn outside(
    place: &Place,
    form: JoinForm,
    wrong: &Wrong,
    button: &'static str,
) -> impl IntoView + use<> {
    let back = place.return_to.as_ref().map(|to| to.as_str().to_owned());
    view! {
        <form method="post" action=place.path() class="card">
            <h2>"You are not in it"</h2>
            <p>"You are logged in, so one press is enough. "{points(&place.programme)}</p>
            <NicknameField value=typed(form.nickname, nickname::LONGEST) error=wrong.nickname.clone() />
            {back.map(|to| view! { <input type="hidden" name="return_to" value=to /> })}
            <button class="primary">{button}</button>
        </form>
    }
}

/// For a customer who was in it.
fn left(place: &Place, form: JoinForm, wrong: &Wrong, when: &str) -> impl IntoView + use<> {
    view! {
        <p class="notice" role="status">{format!("You left {when}. Your points stay yours, and you can still spend them.")}</p>
        {outside(place, form, wrong, "Join again")}
    }
}

/// For a member.
fn inside(place: &Place, when: &str) -> impl IntoView + use<> {
    view! {
        <p class="notice" role="status">{format!("You are in. You joined {when}.")}</p>
        {place.return_to.as_ref().map(button_back)}
        <section class="card">
            <h2>"Leave"</h2>
            <Leave programme=place.programme.key.clone() name=place.programme.name.clone() />
        </section>
    }
}

/// One button that leaves a programme, and what follows from it.
#[component]
pub fn Leave(
    /// The programme's key.
    programme: String,
    /// As customers know it.
    name: String,
) -> impl IntoView {
    view! {
        <form method="post" action=format!("/join/{}", in_address(&programme))>
            <p>"You can leave at any time. Your points stay yours, and you can still spend them. What you said yes to stays as it is: you change that under What you allow."</p>
            <input type="hidden" name="leave" value="true" />
            <button>{format!("Leave {name}")}</button>
        </form>
    }
}

/// What joining itself earns.
fn points(programme: &Programme) -> Option<String> {
    match programme.joining_points {
        0 => None,
        1 => Some("You get 1 point when you join for the first time.".to_owned()),
        points => Some(format!(
            "You get {points} points when you join for the first time."
        )),
    }
}

/// The programme's terms.
fn terms(programme: &Programme) -> impl IntoView + use<> {
    (!programme.terms.is_empty()).then(|| {
        let lines = programme.terms.iter().cloned();
        let lines = lines.map(|line| view! { <li>{line}</li> });
        view! {
            <section class="card">
                <h2>"How it works"</h2>
                <ul>{lines.collect_view()}</ul>
            </section>
        }
    })
}

/// The way back to where somebody came from, as the next thing to do.
fn button_back(to: &ReturnTo) -> impl IntoView + use<> {
    let words = format!("Go back to {}", to.host());
    view! { <p class="tools"><a class="button primary" href=to.as_str().to_owned()>{words}</a></p> }
}

/// The way back to where somebody came from.
fn way_back(to: &ReturnTo) -> impl IntoView + use<> {
    let words = format!("Go back to {}", to.host());
    view! { <p class="onward"><a href=to.as_str().to_owned()>{words}</a></p> }
}
