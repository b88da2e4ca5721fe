//! The page that explains the API to whoever writes a program for it. What stands on it comes from the API's own
//! description, which the server hands over in plain pieces.

use axum::response::Response;
use leptos::prelude::*;

use crate::render::Page;
use crate::state::AppState;

/// What the page shows.
#[derive(Clone, Debug)]
pub struct Reference {
    /// All calls.
    pub calls: Vec<Call>,
    /// All problems.
    pub problems: Vec<Problem>,
}

/// A call.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its place on the page.
    pub anchor: String,
    /// `GET`, `POST` and so on.
    pub method: String,
    /// The address, with `{name}` where something has to be put in.
    pub path: String,
    /// What it does, in a few words.
    pub title: String,
    /// More about it.
    pub words: String,
    /// The scope that a key needs; `None`: it takes no key.
    pub scope: Option<String>,
    /// What goes into the address and the headers.
    pub parameters: Vec<Field>,
    /// What goes into the body.
    pub body: Vec<Field>,
    /// What comes back when all is well.
    pub answers: Vec<Answer>,
    /// How it can be refused: the place of the problem on the page, its status and title.
    pub problems: Vec<(String, u16, String)>,
    /// A line for a shell.
    pub curl: String,
}

/// A field of a body, or a part of an address.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name; `a.b` stands in `a`, and `a[].b` in each of the list `a`.
    pub name: String,
    /// What it is: text, a number and so on.
    pub kind: String,
    /// Whether it can't be left out.
    pub needed: bool,
    /// What it means.
    pub words: String,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: String,
    /// What it means.
    pub words: String,
    /// The media type; empty: there is no body.
    pub kind: String,
    /// What is in it.
    pub fields: Vec<Field>,
    /// How it may look, as text.
    pub example: Option<String>,
}

/// A problem.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Its place on the page, which the `type` of its documents names.
    pub anchor: String,
    /// What it is called.
    pub title: String,
    /// The status of its answers.
    pub status: u16,
    /// What happened and what to do.
    pub words: String,
    /// How its document looks, as text.
    pub example: String,
}

/// The page.
pub fn page(state: &AppState, reference: Reference) -> Response {
    Page::open("Calls for your programs", "/v1/docs").render(state, move || {
        let places = reference.calls.iter().map(|call| {
            let name = format!("{} {}", call.method, call.path);
            view! { <li><a href=format!("#{}", call.anchor)>{call.title.clone()}</a>" "<code>{name}</code></li> }
        });
        let places = places.collect_view();
        let calls = reference.calls.into_iter().map(|call| view! { <ShowCall call /> }).collect_view();
        let problems = reference.problems.into_iter().map(|problem| view! { <ShowProblem problem /> });
        let problems = problems.collect_view();
        view! {
            <div class="reference">
                <h1>"Calls for your programs"</h1>
                <p class="lead">"Our other systems ask this portal by these calls. Each one sends a key of its own."</p>
            </div>
            <section class="card" id="start">
                <h2>"How to start"</h2>
                <ol>
                    <li>"Ask an administrator of the portal for a key. It is shown once, so keep it in a safe place."</li>
                    <li>"Send it with each call, as the header below. Never put it into an address."</li>
                    <li>"Begin with the call that tells what your key may do."</li>
                </ol>
                <pre><code>"Authorization: Bearer KEY"</code></pre>
                <p>"Bodies and answers are JSON. Times are in universal time. For programs, the same is in "<a href="/v1/openapi.json">"openapi.json"</a>"."</p>
            </section>
            <nav class="card" aria-label="All calls">
                <h2>"All calls"</h2>
                <ul>{places}<li><a href="#problems">"What can go wrong"</a></li></ul>
            </nav>
            {calls}
            <section class="card" id="problems">
                <h2>"What can go wrong"</h2>
                <p>"A refusal is a small document. Its type stays the same for ever, so your program can tell one from another. Where a field is wrong, the errors name its place."</p>
                {problems}
            </section>
        }
    })
}

#[component]
fn ShowCall(call: Call) -> impl IntoView {
    let scope = call.scope.map_or_else(
        || view! { "It needs no key." }.into_any(),
        |scope| view! { "Your key needs the scope "<code>{scope}</code>"." }.into_any(),
    );
    let answers = call.answers.into_iter().map(|answer| {
        let kind = (!answer.kind.is_empty())
            .then(|| view! { " It comes as "<code>{answer.kind}</code>"." });
        let example = answer
            .example
            .map(|text| view! { <pre><code>{text}</code></pre> });
        view! {
            <p><b>{answer.status}</b>" "{answer.words}{kind}</p>
            <Fields fields=answer.fields caption="In the answer" asked=false />
            {example}
        }
    });
    let answers = answers.collect_view();
    let problems = call.problems.into_iter().map(|(anchor, status, title)| {
        view! { <li>{status.to_string()}" "<a href=format!("#{anchor}")>{title}</a></li> }
    });
    let problems = problems.collect_view();
    view! {
        <section class="card" id=call.anchor>
            <h2>{call.title}</h2>
            <p><code><b>{call.method}</b>" "{call.path}</code></p>
            <p>{call.words}</p>
            <p>{scope}</p>
            <h3>"Try it"</h3>
            <pre><code>{call.curl}</code></pre>
            <Fields fields=call.parameters caption="In the address and the headers" asked=true />
            <Fields fields=call.body caption="In the body" asked=true />
            <h3>"What you get"</h3>
            {answers}
            <h3>"What can go wrong"</h3>
            <ul>{problems}</ul>
        </section>
    }
}

/// Fields and what they mean, where there are any. `asked`: whether they are sent to us, and not by us.
#[component]
fn Fields(fields: Vec<Field>, caption: &'static str, asked: bool) -> impl IntoView {
    (!fields.is_empty()).then(|| {
        let fields = fields.into_iter().map(|field| {
            let left_out = match (field.needed, asked) {
                (true, _) => "",
                (false, true) => " You may leave it out.",
                (false, false) => " It is not always there.",
            };
            view! {
                <dt><code>{field.name}</code><br />{field.kind}</dt>
                <dd>{field.words}{left_out}</dd>
            }
        });
        view! {
            <h4>{caption}</h4>
            <dl>{fields.collect_view()}</dl>
        }
    })
}

#[component]
fn ShowProblem(problem: Problem) -> impl IntoView {
    view! {
        <section id=problem.anchor class="problem">
            <h3>{problem.title}</h3>
            <p><b>{problem.status.to_string()}</b>" "{problem.words}</p>
            <details>
                <summary>"How it looks"</summary>
                <pre><code>{problem.example}</code></pre>
            </details>
        </section>
    }
}
