//! The inputs of a field that a customer fills in, by what one types there. Nothing is ticked or picked for them.

use fairhold_domain::answer::{AnswerError, Typed, countries};
use fairhold_domain::catalog::AnswerKind;
use leptos::prelude::*;

/// What stands in an input: what was typed into it, or nothing.
fn in_input(typed: &Typed, name: &str) -> String {
    let values = typed.get(name).and_then(|values| values.first());
    values.cloned().unwrap_or_default()
}

/// A field with all its inputs. `name` is its name in the form; its parts stand behind a dot.
#[component]
pub fn AnswerInputs(
    name: String,
    label: String,
    kind: AnswerKind,
    typed: Typed,
    error: Option<AnswerError>,
) -> impl IntoView {
    let one = OneInput {
        id: name.clone(),
        label: label.clone(),
        value: in_input(&typed, ""),
        error: error.as_ref().filter(|e| e.input().is_empty()).cloned(),
        ..OneInput::default()
    };
    match kind {
        AnswerKind::Phone => OneInput {
            hint: "Such as +353 87 123 4567. We send a code there, to be sure that it is yours.",
            kind: "tel",
            autocomplete: "tel",
            longest: 40,
            ..one
        }
        .view()
        .into_any(),
        AnswerKind::Text(longest) if longest > 100 => long_text(one, longest).into_any(),
        AnswerKind::Text(longest) => OneInput { longest, ..one }.view().into_any(),
        AnswerKind::Address => address(&name, label, &typed, error.as_ref()).into_any(),
        AnswerKind::BirthDate => birth_date(&name, label, &typed, error).into_any(),
        AnswerKind::OneOf(words) => choices(&name, label, words, &typed, error, "radio").into_any(),
        AnswerKind::AnyOf(words) => {
            choices(&name, label, words, &typed, error, "checkbox").into_any()
        }
    }
}

/// One input with its label.
#[derive(Default)]
struct OneInput {
    id: String,
    label: String,
    hint: &'static str,
    kind: &'static str,
    autocomplete: &'static str,
    value: String,
    longest: u32,
    error: Option<AnswerError>,
}

impl OneInput {
    fn view(self) -> impl IntoView {
        let id = self.id;
        let (invalid, about) = described(&id, self.error.is_some(), !self.hint.is_empty());
        let hint = (!self.hint.is_empty())
            .then(|| view! { <p class="hint" id=format!("{id}-hint")>{self.hint}</p> });
        let kind = if self.kind.is_empty() {
            "text"
        } else {
            self.kind
        };
        let autocomplete = if self.autocomplete.is_empty() {
            "off"
        } else {
            self.autocomplete
        };
        view! {
            <div class="field">
                <label for=id.clone()>{self.label}</label>
                {hint}
                {wrong(&id, self.error)}
                <input id=id.clone() name=id type=kind autocomplete=autocomplete maxlength=self.longest.to_string()
                    value=self.value aria-invalid=invalid aria-describedby=about />
            </div>
        }
    }
}

fn wrong(id: &str, error: Option<AnswerError>) -> Option<impl IntoView + use<>> {
    let id = format!("{id}-error");
    error.map(|error| view! { <p class="error" id=id>{error.to_string()}</p> })
}

fn described(id: &str, wrong: bool, hint: bool) -> (Option<&'static str>, Option<String>) {
    let hint = hint.then(|| format!("{id}-hint"));
    let error = wrong.then(|| format!("{id}-error"));
    let ids: Vec<String> = hint.into_iter().chain(error).collect();
    (
        wrong.then_some("true"),
        (!ids.is_empty()).then(|| ids.join(" ")),
    )
}

fn long_text(one: OneInput, longest: u32) -> impl IntoView {
    let OneInput {
        id,
        label,
        value,
        error,
        ..
    } = one;
    let (invalid, about) = described(&id, error.is_some(), true);
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <p class="hint" id=format!("{id}-hint")>{format!("{longest} letters at most.")}</p>
            {wrong(&id, error)}
            <textarea id=id.clone() name=id rows="4" maxlength=longest.to_string() autocomplete="off"
                aria-invalid=invalid aria-describedby=about>{in_textarea(&value)}</textarea>
        </div>
    }
}

/// Leptos takes what stands in a textarea for HTML. A browser leaves out the first end of line.
fn in_textarea(text: &str) -> String {
    let escaped = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    format!("\n{escaped}")
}

fn address(
    name: &str,
    label: String,
    typed: &Typed,
    error: Option<&AnswerError>,
) -> impl IntoView + use<> {
    let line = |part: &str, label: &str, autocomplete| OneInput {
        id: format!("{name}.{part}"),
        label: label.to_owned(),
        autocomplete,
        value: in_input(typed, part),
        longest: 100,
        error: error.filter(|e| e.input() == part).cloned(),
        ..OneInput::default()
    };
    let picked = in_input(typed, "country");
    let countries = countries().map(|(code, name)| {
        view! { <option value=code selected=code == picked>{name}</option> }
    });
    let id = format!("{name}.country");
    let missing = error.filter(|e| e.input() == "country").cloned();
    let (invalid, about) = described(&id, missing.is_some(), false);
    view! {
        <fieldset class="inputs">
            <legend>{label}</legend>
            {line("street", "Street and house number", "address-line1").view()}
            {line("more", "More, such as a flat (you may leave it empty)", "address-line2").view()}
            {line("town", "Town or city", "address-level2").view()}
            {line("code", "Post code", "postal-code").view()}
            <div class="field">
                <label for=id.clone()>"Country"</label>
                {wrong(&id, missing)}
                <select id=id.clone() name=id autocomplete="country" aria-invalid=invalid aria-describedby=about>
                    <option value="">"Pick one"</option>
                    {countries.collect_view()}
                </select>
            </div>
        </fieldset>
    }
}

fn birth_date(
    name: &str,
    label: String,
    typed: &Typed,
    error: Option<AnswerError>,
) -> impl IntoView + use<> {
    let id = |part: &str| format!("{name}.{part}");
    let (invalid, about) = described(&id("day"), error.is_some(), true);
    let parts = [
        ("day", "Day", "bday-day", 2),
        ("month", "Month", "bday-month", 2),
        ("year", "Year", "bday-year", 4),
    ];
    let inputs = parts.map(|(part, label, autocomplete, longest)| {
        view! {
            <div class="field">
                <label for=id(part)>{label}</label>
                <input id=id(part) name=id(part) type="text" inputmode="numeric" autocomplete=autocomplete maxlength=longest.to_string()
                    size=longest.to_string() value=in_input(typed, part) aria-invalid=invalid aria-describedby=about.clone() />
            </div>
        }
    });
    view! {
        <fieldset class="inputs">
            <legend>{label}</legend>
            <p class="hint" id=format!("{}-hint", id("day"))>"Such as 27 3 1985."</p>
            {wrong(&id("day"), error)}
            <div class="day">{inputs.collect_view()}</div>
        </fieldset>
    }
}

fn choices(
    name: &str,
    label: String,
    words: Vec<String>,
    typed: &Typed,
    error: Option<AnswerError>,
    kind: &'static str,
) -> impl IntoView + use<> {
    let picked = typed.get("").cloned().unwrap_or_default();
    let (_, about) = described(name, error.is_some(), kind == "checkbox");
    let hint = (kind == "checkbox").then(|| {
        view! { <p class="hint" id=format!("{name}-hint")>"Pick all that fit."</p> }
    });
    let name = name.to_owned();
    let options = words.into_iter().enumerate().map({
        let name = name.clone();
        move |(index, word)| {
            // The first has the field's own id, so that a link to the field leads there.
            let id = match index {
                0 => name.clone(),
                index => format!("{name}-{index}"),
            };
            let checked = picked.contains(&word);
            view! {
                <label class="pick" for=id.clone()>
                    <input type=kind id=id.clone() name=name.clone() value=word.clone() checked=checked />
                    {word.clone()}
                </label>
            }
        }
    });
    view! {
        <fieldset class="inputs" aria-describedby=about>
            <legend>{label}</legend>
            {hint}
            {wrong(&name, error)}
            {options.collect_view()}
        </fieldset>
    }
}
