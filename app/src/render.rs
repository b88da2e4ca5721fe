//! From a view to an answer: the document around it, the Content-Security-Policy, no storing of personal pages.

use std::sync::Arc;

use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use fairhold_domain::policy::Role;
use fairhold_domain::present;
use hydration_context::SsrSharedContext;
use leptos::prelude::*;

use crate::session::LoggedIn;
use crate::state::AppState;
use crate::ui::layout::{Document, Visitor};

/// Renders a view in a reactive owner of its own.
pub(crate) fn in_owner<V: IntoView>(view: impl FnOnce() -> V) -> String {
    let owner = Owner::new_root(Some(Arc::new(SsrSharedContext::new_islands())));
    let html = owner.with(|| view().into_view().to_html());
    owner.unset_with_forced_cleanup();
    html
}

/// A page: what stands in its document, and how it answers.
pub(crate) struct Page {
    /// The words before the company's name in the window's title.
    pub title: String,
    /// Who looks at it.
    pub visitor: Visitor,
    /// The page's own address, to mark where the visitor is.
    pub path: &'static str,
    /// The parts of a long page, to jump to: the place on the page and its heading.
    pub sections: Vec<(&'static str, &'static str)>,
    /// Whether there are islands on it.
    pub islands: bool,
    /// The answer's status.
    pub status: StatusCode,
    /// Seconds after which the browser loads the page again, while something is going on.
    pub looks_again: Option<u32>,
    /// Origins of the pages that may hold this one in a frame; `None`: it is no page for a frame.
    pub framed_by: Option<FramedBy>,
}

/// Says, beside an answer, which pages may hold it in a frame: their origins. Without it none may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FramedBy(Vec<String>);

impl FramedBy {
    /// Whether there is any.
    pub const fn any(&self) -> bool {
        !self.0.is_empty()
    }

    /// As `frame-ancestors` has it (CSP level 3, 6.4.2).
    fn ancestors(&self) -> String {
        if self.any() {
            self.0.join(" ")
        } else {
            "'none'".to_owned()
        }
    }
}

impl Page {
    /// A page for anybody.
    pub fn open(title: &str, path: &'static str) -> Self {
        Self {
            title: title.to_owned(),
            visitor: Visitor::Stranger,
            path,
            sections: Vec::new(),
            islands: false,
            status: StatusCode::OK,
            looks_again: None,
            framed_by: None,
        }
    }

    /// A page for a frame in pages of these origins, and in no other.
    pub fn framed(title: &str, origins: &[String]) -> Self {
        Self {
            visitor: Visitor::Framed,
            framed_by: Some(FramedBy(origins.to_vec())),
            ..Self::open(title, "")
        }
    }

    /// A page for a customer.
    pub fn own(title: &str, path: &'static str, address: Option<String>) -> Self {
        Self {
            visitor: Visitor::Customer { address },
            ..Self::open(title, path)
        }
    }

    /// A page for somebody of the staff.
    pub fn of_staff(title: &str, path: &'static str, role: Role) -> Self {
        Self {
            visitor: Visitor::Staff { role },
            ..Self::open(title, path)
        }
    }

    /// A page for anybody, which a customer who is logged in sees with the ways to the other pages.
    pub fn for_visitor(title: &str, path: &'static str, visitor: Option<&LoggedIn>) -> Self {
        // Such a page shows no value, so it leaves no look; the address on top would be one.
        visitor.map_or_else(|| Self::open(title, path), |_| Self::own(title, path, None))
    }

    /// The same page with islands.
    pub fn with_islands(self) -> Self {
        Self {
            islands: true,
            ..self
        }
    }

    /// The same page with ways to its parts.
    pub fn with_sections(self, sections: Vec<(&'static str, &'static str)>) -> Self {
        Self { sections, ..self }
    }

    /// The same page, which the browser loads again after so many seconds.
    pub fn that_looks_again(self, looks_again: Option<u32>) -> Self {
        Self {
            looks_again,
            ..self
        }
    }

    /// The same page with another status.
    pub fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// Renders the page around its contents.
    pub fn render<V: IntoView + 'static>(
        self,
        state: &AppState,
        contents: impl FnOnce() -> V,
    ) -> Response {
        let nonce = STANDARD_NO_PAD.encode(state.portal.random_bytes::<16>());
        let scripts = if self.islands {
            state.assets.scripts(&nonce)
        } else {
            String::new()
        };
        let status = self.status;
        let framed_by = self.framed_by.clone();
        let current = state.portal.company().current();
        let now = present::timestamp(state.portal.now().timestamp(), &current.zone);
        let style = state.assets.style.clone();
        let body = in_owner(|| {
            let contents = contents().into_view();
            view! { <Document page=self current=current style=style scripts=scripts now=now>{contents}</Document> }
        });
        answer(status, &nonce, framed_by, format!("<!DOCTYPE html>{body}"))
    }
}

fn answer(status: StatusCode, nonce: &str, framed_by: Option<FramedBy>, html: String) -> Response {
    // 'wasm-unsafe-eval' lets the browser compile the islands' WebAssembly, and allows no other evaluation (CSP level 3,
    // section 4.4). Everything else comes from here or from nowhere.
    let ancestors = framed_by
        .as_ref()
        .map_or_else(|| "'none'".to_owned(), FramedBy::ancestors);
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
         font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
    );
    let mut response = (status, html).into_response();
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    if let Some(framed_by) = framed_by {
        response.extensions_mut().insert(framed_by);
    }
    response
}
