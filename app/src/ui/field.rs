//! Form fields: label, hint, what is wrong, and the field itself, tied together for those who listen.

use fairhold_domain::contact_point::Kind;
use fairhold_domain::nickname;
use fairhold_domain::password::{ADVISED, SHORTEST};
use leptos::prelude::*;

use crate::islands::ShowPassword;

/// A field for an e-mail address.
#[component]
pub fn EmailField(
    value: String,
    error: Option<String>,
    /// Whether it is the address of whoever types it, which the browser knows.
    #[prop(default = true)]
    own: bool,
) -> impl IntoView {
    let (invalid, about) = described("email", error.is_some(), false);
    view! {
        <div class="field">
            <label for="email">"E-mail address"</label>
            <Wrong id="email-error" error=error />
            <input id="email" name="email" type="email" autocomplete=if own { "username" } else { "off" } required=true maxlength="254"
                value=value aria-invalid=invalid aria-describedby=about />
        </div>
    }
}

/// A field for what a member of a programme wants to be called. It may stay empty.
#[component]
pub fn NicknameField(value: String, error: Option<String>) -> impl IntoView {
    let (invalid, about) = described("nickname", error.is_some(), true);
    view! {
        <div class="field">
            <label for="nickname">"Nickname (you may leave this empty)"</label>
            <p class="hint" id="nickname-hint">"What we may call you. It need not be your name."</p>
            <Wrong id="nickname-error" error=error />
            <input id="nickname" name="nickname" type="text" autocomplete="nickname" maxlength=nickname::LONGEST.to_string()
                value=value aria-invalid=invalid aria-describedby=about />
        </div>
    }
}

/// A field for another address or number of the customer.
#[component]
pub fn ContactField(kind: Kind, value: String, error: Option<String>) -> impl IntoView {
    let (label, hint, type_of, autocomplete, name) = match kind {
        Kind::Email => (
            "E-mail address",
            "Such as name@example.com.",
            "email",
            "email",
            "email",
        ),
        Kind::Phone => (
            "Phone number",
            "Such as +353 87 123 4567.",
            "tel",
            "tel",
            "phone",
        ),
    };
    let (invalid, about) = described(name, error.is_some(), true);
    view! {
        <div class="field">
            <label for=name>{label}</label>
            <p class="hint" id=format!("{name}-hint")>{hint}</p>
            <Wrong id=format!("{name}-error") error=error />
            <input id=name name=name type=type_of autocomplete=autocomplete required=true maxlength="254"
                value=value aria-invalid=invalid aria-describedby=about />
        </div>
    }
}

/// A field for a password: the one there is, or a new one.
#[component]
pub fn PasswordField(new: bool, error: Option<String>) -> impl IntoView {
    let (invalid, about) = described("password", error.is_some(), new);
    let hint = new.then(|| {
        let words = format!(
            "At least {SHORTEST} characters, better {ADVISED}. Three or four words work well."
        );
        view! { <p class="hint" id="password-hint">{words}</p> }
    });
    view! {
        <div class="field">
            <label for="password">{if new { "New password" } else { "Password" }}</label>
            {hint}
            <Wrong id="password-error" error=error />
            <input id="password" name="password" type="password" required=true minlength=new.then(|| SHORTEST.to_string())
                autocomplete=if new { "new-password" } else { "current-password" }
                aria-invalid=invalid aria-describedby=about />
            <ShowPassword />
        </div>
    }
}

/// A field for the answer to a question that proves who somebody is. What was typed is not put in again.
#[component]
pub fn AnswerField(label: String, hint: &'static str, error: Option<String>) -> impl IntoView {
    let (invalid, about) = described("answer", error.is_some(), true);
    view! {
        <div class="field">
            <label for="answer">{label}</label>
            <p class="hint" id="answer-hint">{hint}</p>
            <Wrong id="answer-error" error=error />
            <input id="answer" name="answer" type="text" autocomplete="off" autocapitalize="off" spellcheck="false"
                required=true maxlength="200" aria-invalid=invalid aria-describedby=about />
        </div>
    }
}

/// A field for a code from an app, or one that was written down. What was typed is not put in again.
#[component]
pub fn CodeField(hint: &'static str, error: Option<String>) -> impl IntoView {
    let (invalid, about) = described("code", error.is_some(), true);
    view! {
        <div class="field">
            <label for="code">"Code"</label>
            <p class="hint" id="code-hint">{hint}</p>
            <Wrong id="code-error" error=error />
            <input id="code" name="code" type="text" autocomplete="one-time-code" autocapitalize="characters" spellcheck="false"
                required=true maxlength="40" aria-invalid=invalid aria-describedby=about />
        </div>
    }
}

/// A field for a name that the customer gives something.
#[component]
pub fn NameField(value: String, hint: &'static str, longest: usize) -> impl IntoView {
    view! {
        <div class="field">
            <label for="name">"Name"</label>
            <p class="hint" id="name-hint">{hint}</p>
            <input id="name" name="name" type="text" autocomplete="off" required=true maxlength=longest.to_string()
                value=value aria-describedby="name-hint" />
        </div>
    }
}

/// A field for one line of text, with what it is for.
#[component]
pub fn LineField(
    name: &'static str,
    label: &'static str,
    /// Empty where the label says it all.
    hint: &'static str,
    value: String,
    longest: usize,
    #[prop(default = true)] required: bool,
    /// Whether it is a whole number.
    #[prop(default = false)]
    number: bool,
) -> impl IntoView {
    let (_, about) = described(name, false, !hint.is_empty());
    let hint =
        (!hint.is_empty()).then(|| view! { <p class="hint" id=format!("{name}-hint")>{hint}</p> });
    // A number is typed as text, because the wheel of a mouse changes fields of numbers unseen.
    let mode = number.then_some("numeric");
    view! {
        <div class="field">
            <label for=name>{label}</label>
            {hint}
            <input id=name name=name type="text" inputmode=mode autocomplete="off" required=required
                maxlength=longest.to_string() value=value aria-describedby=about />
        </div>
    }
}

/// What is wrong with a field.
#[component]
fn Wrong(#[prop(into)] id: String, error: Option<String>) -> impl IntoView {
    error.map(|words| view! { <p class="error" id=id>{words}</p> })
}

/// The summary of what is wrong, at the top, with a link to the field.
#[component]
pub fn ErrorSummary(error: Option<String>, field: &'static str) -> impl IntoView {
    error.map(|words| {
        view! {
            <div class="error-summary" role="alert">
                <p><b>"There is a problem"</b></p>
                <p><a href=format!("#{field}")>{words}</a></p>
            </div>
        }
    })
}

fn described(name: &str, wrong: bool, hint: bool) -> (Option<&'static str>, Option<String>) {
    let ids: Vec<String> = [(hint, "hint"), (wrong, "error")]
        .into_iter()
        .filter(|(there, _)| *there)
        .map(|(_, what)| format!("{name}-{what}"))
        .collect();
    (
        wrong.then_some("true"),
        (!ids.is_empty()).then(|| ids.join(" ")),
    )
}
