//! A button that has the browser make or use a passkey, and sends the form that it is in with the answer. Passkeys need
//! JavaScript: without it, a sentence says so.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// What the browser is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PasskeyAct {
    /// A new passkey.
    Make,
    /// An answer by one that there is.
    Use,
}

/// The button. `options` are the server's, as JSON; the answer goes into the form's field `passkey`.
#[island]
pub fn Passkey(act: PasskeyAct, options: String, words: String) -> impl IntoView {
    let ready = RwSignal::new(false);
    let wrong = RwSignal::new(None::<String>);
    let field = NodeRef::<leptos::html::Input>::new();
    Effect::new(move |_| ready.set(true));
    let ask = move |_| {
        wrong.set(None);
        ask(act, options.clone(), field, wrong);
    };
    view! {
        <input type="hidden" name="passkey" node_ref=field />
        <p class="error" role="alert" hidden=move || wrong.get().is_none()>{move || wrong.get()}</p>
        <button type="button" class="primary" hidden=move || !ready.get() on:click=ask>{words}</button>
        <p class="fine" hidden=move || ready.get()>"Passkeys need JavaScript. Turn it on in your browser, or log in another way."</p>
    }
}

#[cfg(feature = "hydrate")]
mod browser {
    use leptos::prelude::*;
    use wasm_bindgen::prelude::*;
    use web_sys::js_sys::{JSON, Object, Promise, Reflect};

    use super::PasskeyAct;

    #[wasm_bindgen]
    extern "C" {
        #[wasm_bindgen(js_namespace = PublicKeyCredential, js_name = parseCreationOptionsFromJSON, catch)]
        fn creation_options(options: &JsValue) -> Result<JsValue, JsValue>;
        #[wasm_bindgen(js_namespace = PublicKeyCredential, js_name = parseRequestOptionsFromJSON, catch)]
        fn request_options(options: &JsValue) -> Result<JsValue, JsValue>;
        #[wasm_bindgen(js_namespace = ["navigator", "credentials"], js_name = create, catch)]
        fn create(options: &JsValue) -> Result<Promise, JsValue>;
        #[wasm_bindgen(js_namespace = ["navigator", "credentials"], js_name = get, catch)]
        fn get(options: &JsValue) -> Result<Promise, JsValue>;
    }

    /// The browser's answer as JSON, or what it says went wrong.
    pub(super) async fn answer(act: PasskeyAct, options: &str) -> Result<String, JsValue> {
        let options = JSON::parse(options)?;
        let options = match act {
            PasskeyAct::Make => creation_options(&options)?,
            PasskeyAct::Use => request_options(&options)?,
        };
        let asked = Object::new();
        Reflect::set(&asked, &"publicKey".into(), &options)?;
        let promise = match act {
            PasskeyAct::Make => create(&asked)?,
            PasskeyAct::Use => get(&asked)?,
        };
        let credential = wasm_bindgen_futures::JsFuture::from(promise).await?;
        let text = JSON::stringify(&credential)?;
        text.as_string().ok_or(JsValue::NULL)
    }

    /// What went wrong, for whoever sits there.
    pub(super) fn words(error: &JsValue) -> &'static str {
        let name = Reflect::get(error, &"name".into()).ok();
        match name.and_then(|name| name.as_string()).as_deref() {
            Some("NotAllowedError" | "AbortError") => {
                "Your device gave us no passkey. Try again, or go another way."
            }
            Some("InvalidStateError") => "This device has a passkey for you already.",
            _ => "This browser can't use passkeys here. Try a newer one, or go another way.",
        }
    }

    pub(super) fn send(field: NodeRef<leptos::html::Input>, answer: &str) {
        let Some(field) = field.get_untracked() else {
            return;
        };
        field.set_value(answer);
        let form = field.form();
        if form.is_none_or(|form| form.request_submit().is_err()) {
            leptos::logging::warn!("the passkey's form can't be sent");
        }
    }
}

#[cfg(feature = "hydrate")]
fn ask(
    act: PasskeyAct,
    options: String,
    field: NodeRef<leptos::html::Input>,
    wrong: RwSignal<Option<String>>,
) {
    leptos::task::spawn_local(async move {
        match browser::answer(act, &options).await {
            Ok(answer) => browser::send(field, &answer),
            Err(error) => wrong.set(Some(browser::words(&error).to_owned())),
        }
    });
}

#[cfg(not(feature = "hydrate"))]
fn ask(
    _act: PasskeyAct,
    _options: String,
    _field: NodeRef<leptos::html::Input>,
    _wrong: RwSignal<Option<String>>,
) {
}
