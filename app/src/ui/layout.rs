//! The document around every page: head, top, navigation, foot.

use std::sync::Arc;

use fairhold_domain::policy::Role;
use fairhold_portal::company::Current;
use leptos::prelude::*;

use crate::render::Page;
use crate::ui::contact::with_links;

/// Who looks at a page.
#[derive(Clone, Debug)]
pub enum Visitor {
    /// Somebody who is not logged in.
    Stranger,
    /// A customer.
    Customer {
        /// The address they log in with, where the page knows it.
        address: Option<String>,
    },
    /// Somebody who sees the page in a frame of another page.
    Framed,
    /// Somebody of the staff.
    Staff {
        /// What they do.
        role: Role,
    },
}

/// The pages that a customer can go to: address and name.
const PLACES: [(&str, &str); 8] = [
    ("/my-data", "My data"),
    ("/share", "Share and earn"),
    ("/rewards", "Rewards"),
    ("/permissions", "What you allow"),
    ("/who-looked", "Who looked"),
    ("/download", "Take your data"),
    ("/delete", "Delete your data"),
    ("/account", "Your log-in"),
];

/// The whole document.
#[component]
pub fn Document(
    page: Page,
    current: Arc<Current>,
    style: String,
    scripts: String,
    now: String,
    children: Children,
) -> impl IntoView {
    let company = &current.catalog.company;
    let refresh = page.looks_again.map(|seconds| {
        view! { <meta http-equiv="refresh" content=seconds.to_string() /> }
    });
    let title = format!("{} – {}", page.title, company.name);
    let company_style = format!("/company.css?v={}", current.revision);
    // What stands in a frame has the page around it.
    let around = !matches!(page.visitor, Visitor::Framed);
    let contents = match &page.visitor {
        Visitor::Framed => {
            view! { <main id="main" class="plain framed">{children()}</main> }.into_any()
        }
        Visitor::Stranger | Visitor::Staff { .. } => {
            view! { <main id="main" class="plain">{children()}</main> }.into_any()
        }
        Visitor::Customer { .. } => view! {
            <div class="house">
                <div class="ways">
                    <Places path=page.path />
                    <Sections sections=page.sections.clone() />
                </div>
                <main id="main">{children()}</main>
            </div>
        }
        .into_any(),
    };
    view! {
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                {refresh}
                <title>{title}</title>
                <link rel="stylesheet" href=style />
                <link rel="stylesheet" href=company_style />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <Raw html=scripts />
            </head>
            <body>
                {around.then(|| view! {
                    <a class="skip" href="#main">"Skip to the page"</a>
                    <Top visitor=page.visitor.clone() current=current.clone() />
                    <p class="on-paper">{format!("This page shows what stood here on {now}.")}</p>
                })}
                {contents}
                {around.then(|| view! { <Foot current=current.clone() /> })}
            </body>
        </html>
    }
}

/// Elements that were made before, put in as they are.
#[component]
fn Raw(html: String) -> impl IntoView {
    leptos::tachys::html::InertElement::new(html)
}

#[component]
fn Top(visitor: Visitor, current: Arc<Current>) -> impl IntoView {
    let company = &current.catalog.company;
    let logo =
        company.look.logo.clone().map(
            |file| view! { <img src=format!("/company/{file}") alt="" width="40" height="40" /> },
        );
    let tagline = company
        .tagline
        .clone()
        .unwrap_or_else(|| "Your data, in plain English".to_owned());
    let (home, side) = match visitor {
        Visitor::Stranger | Visitor::Framed => ("/", None),
        Visitor::Customer { address } => {
            let who = address.map_or_else(
                || "You are logged in".to_owned(),
                |address| format!("Logged in as {address}"),
            );
            let side = view! {
                <span class="who">{who}</span>
                <form method="post" action="/log-out">
                    <button>"Log out"</button>
                </form>
            };
            ("/my-data", Some(side.into_any()))
        }
        Visitor::Staff { role } => {
            let side = view! {
                <span class="who">{format!("Staff: {role}")}</span>
                <form method="post" action="/staff/log-out">
                    <button>"Log out"</button>
                </form>
            };
            ("/staff", Some(side.into_any()))
        }
    };
    view! {
        <header class="top">
            {logo}
            <a class="mark" href=home>
                {company.name.clone()}
                " "
                <small>{tagline}</small>
            </a>
            {side}
        </header>
    }
}

#[component]
fn Places(path: &'static str) -> impl IntoView {
    let links = PLACES.map(|(address, name)| {
        let below = path
            .strip_prefix(address)
            .is_some_and(|rest| rest.starts_with('/'));
        let here = match (address == path, below) {
            (true, _) => Some("page"),
            (_, true) => Some("true"),
            _ => None,
        };
        view! { <li><a href=address aria-current=here>{name}</a></li> }
    });
    view! { <nav aria-label="Your portal"><ul>{links.collect_view()}</ul></nav> }
}

/// The ways to the parts of a long page.
#[component]
fn Sections(sections: Vec<(&'static str, &'static str)>) -> impl IntoView {
    (!sections.is_empty()).then(|| {
        let links = sections
            .into_iter()
            .map(|(id, title)| view! { <li><a href=format!("#{id}")>{title}</a></li> })
            .collect_view();
        view! { <nav class="sections" aria-label="On this page" data-sections=""><ul>{links}</ul></nav> }
    })
}

#[component]
fn Foot(current: Arc<Current>) -> impl IntoView {
    let company = &current.catalog.company;
    let contact = company
        .contact
        .clone()
        .map(|words| view! { <p>{with_links(&words)}</p> });
    let privacy = company
        .privacy_contact
        .clone()
        .map(|words| view! { <p>{with_links(&words)}</p> });
    view! {
        <footer class="footer">
            {contact}
            {privacy}
            <p class="fine">"This site sets two cookies. One keeps you logged in. One tells us that you logged in with this device before, so that we can warn you of any other. It has no trackers."</p>
        </footer>
    }
}
