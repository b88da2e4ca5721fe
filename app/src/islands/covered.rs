//! A covered value with the button that uncovers it. Without the browser's help the button posts to the page.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::error::PortalError;

/// Uncovers a value of the customer who is logged in; the look is recorded first.
///
/// # Errors
/// [`PortalError::NotFound`] when the customer has no such covered value on that page.
#[server(prefix = "/act", endpoint = "uncover")]
pub async fn uncover(
    id: String,
    #[server(default)] list: Option<(String, String)>,
    #[server(default)] after: Option<String>,
) -> Result<String, PortalError> {
    let outcome = on_server::uncover(id, list, after).await;
    if let (Err(error), Some(response)) = (&outcome, use_context::<leptos_axum::ResponseOptions>())
    {
        response.set_status(error.status());
    }
    outcome
}

#[cfg(feature = "ssr")]
mod on_server {
    use axum::http::request::Parts;
    use fairhold_portal::CollectionName;
    use fairhold_portal::my_data::Place;
    use leptos::prelude::*;

    use crate::error::PortalError;
    use crate::session::customer;
    use crate::state::AppState;

    pub async fn uncover(
        id: String,
        list: Option<(String, String)>,
        after: Option<String>,
    ) -> Result<String, PortalError> {
        let state = use_context::<AppState>().ok_or(PortalError::Ours)?;
        let parts = use_context::<Parts>().ok_or(PortalError::Ours)?;
        let customer = customer(&parts, &state).await?;
        let place = match list {
            Some((dataset, collection)) => {
                Place::List(CollectionName::new(&dataset, &collection), after)
            }
            None => Place::MyData,
        };
        Ok(state.portal.uncover(&customer, &place, &id).await?)
    }
}

#[island]
pub fn Covered(
    id: String,
    label: String,
    page: String,
    list: Option<(String, String)>,
    after: Option<String>,
    q: String,
    origin: String,
    system: String,
) -> impl IntoView {
    let shown = RwSignal::new(None::<String>);
    let wrong = RwSignal::new(None::<String>);
    let asked = (id.clone(), list, after.clone());
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        wrong.set(None);
        if shown.get_untracked().is_some() {
            shown.set(None);
            return;
        }
        let (id, list, after) = asked.clone();
        spawn_local(async move {
            match uncover(id, list, after).await {
                Ok(value) => shown.set(Some(value)),
                Err(error) => wrong.set(Some(error.to_string())),
            }
        });
    };
    view! {
        <form class="covered" method="post" action=page on:submit=on_submit>
            <input type="hidden" name="show" value=id />
            <input type="hidden" name="after" value=after.unwrap_or_default() />
            <input type="hidden" name="q" value=q />
            <input type="hidden" name="origin" value=origin />
            <input type="hidden" name="system" value=system />
            <span role="status" class:cover=move || shown.get().is_none()>{move || shown.get().unwrap_or_else(|| "Covered".to_owned())}</span>
            " "
            <button>
                {move || if shown.get().is_some() { "Cover" } else { "Show" }}
                " "<span class="visually-hidden">{label}</span>
            </button>
        </form>
        <span class="error" role="alert">{move || wrong.get()}</span>
    }
}
