//! Where somebody who joined a programme may be sent back to: an address that begins as one of those the catalog lists.
//! Anything else would let a stranger put a link of theirs under the company's name (OWASP ASVS 5.0, 1.2.2).
//!
//! The address is taken apart as browsers do it (WHATWG URL), because what counts is where a browser would go. What the
//! browser and a server behind it could read in two ways is refused, also where it would lead nowhere bad.

use url::Url;

/// The longest one, in bytes.
pub const LONGEST: usize = 2_000;

/// An address that is on the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnTo(Url);

/// The address is not on the list, or is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the address is not on the list")]
pub struct NotOnTheList;

impl ReturnTo {
    /// Takes an address whose scheme, host and port are those of a listed one, and whose path begins with its path, up to
    /// the end of a part.
    ///
    /// # Errors
    /// [`NotOnTheList`] for every other text.
    pub fn parse(text: &str, listed: &[String]) -> Result<Self, NotOnTheList> {
        let asked = plain(text).ok_or(NotOnTheList)?;
        let on_the_list = listed.iter().filter_map(|listed| Url::parse(listed).ok());
        on_the_list
            .into_iter()
            .any(|listed| begins_as(&asked, &listed))
            .then_some(Self(asked))
            .ok_or(NotOnTheList)
    }

    /// As a link holds it.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Where it leads, as people say it: the host alone.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }
}

/// The address, if it can be read in one way only.
fn plain(text: &str) -> Option<Url> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    if text.len() > LONGEST || !text.bytes().all(is_plain) {
        return None;
    }
    let (scheme, rest) = text.split_once("://")?;
    let known = ["http", "https"]
        .iter()
        .any(|s| scheme.eq_ignore_ascii_case(s));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    if !known || authority.is_empty() || authority.contains(['@', '%']) {
        return None;
    }
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    let url = Url::parse(text).ok()?;
    let bare = url.username().is_empty() && url.password().is_none();
    (bare && !hides_something(path)).then_some(url)
}

/// Whether a server that decodes the path once more could read another one: `/`, `\`, `.`, `%` or what can't be seen; or one
/// that takes a part's parameters off first, so that `..;x` becomes `..`.
fn hides_something(path: &str) -> bool {
    let climbs = |part: &str| matches!(part.split_once(';'), Some(("." | "..", _)));
    path.split('/').any(climbs)
        || path.split('%').skip(1).any(|after| {
            let hex = after.get(..2);
            let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
            byte.is_none_or(|byte| b"/\\.%".contains(&byte) || byte.is_ascii_control())
        })
}

fn begins_as(asked: &Url, listed: &Url) -> bool {
    let same_place = asked.scheme() == listed.scheme()
        && asked.host() == listed.host()
        && asked.port_or_known_default() == listed.port_or_known_default();
    let rest = asked.path().strip_prefix(listed.path());
    let at_a_parts_end =
        |rest: &str| rest.is_empty() || rest.starts_with('/') || listed.path().ends_with('/');
    same_place && rest.is_some_and(at_a_parts_end)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic: that is how it fails")]

    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    fn list() -> Vec<String> {
        [
            "https://shop.example/welcome",
            "https://shop.example:8443/",
            "http://localhost:3000/",
        ]
        .map(str::to_owned)
        .to_vec()
    }

    fn goes(text: &str) -> Option<String> {
        let parsed = ReturnTo::parse(text, &list()).ok()?;
        Some(parsed.as_str().to_owned())
    }

    #[test]
    fn what_begins_as_a_listed_address_is_taken() {
        for (text, as_it_is) in [
            ("https://shop.example/welcome", None),
            ("https://shop.example/welcome/", None),
            ("https://shop.example/welcome/back?from=club#top", None),
            ("https://shop.example/welcome?next=%2F%2Fevil.example", None),
            ("https://shop.example:8443/anything/at/all", None),
            ("http://localhost:3000/", None),
            ("https://shop.example/welcome/caf%C3%A9", None),
            (
                "HTTPS://SHOP.example:443/welcome",
                Some("https://shop.example/welcome"),
            ),
            (
                "https://shop.example/x/../welcome/./a",
                Some("https://shop.example/welcome/a"),
            ),
            (
                "https://shop.example:8443",
                Some("https://shop.example:8443/"),
            ),
        ] {
            assert_eq!(goes(text).as_deref(), as_it_is.or(Some(text)), "{text}");
        }
        let taken = ReturnTo::parse("https://shop.example/welcome", &list()).unwrap();
        assert_eq!(taken.host(), "shop.example");
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "/",
            "/welcome",
            "//evil.example",
            "//shop.example/welcome",
            "https:shop.example/welcome",
            "https:/shop.example/welcome",
            "https:///shop.example/welcome",
            "https://",
            "https:///",
            "https://shop.example",
            "https://shop.example/",
            "https://shop.example/welcomes",
            "https://shop.example/welcome/..",
            "https://shop.example/welcome/../admin",
            "https://shop.example/welcome/%2e%2e/admin",
            "https://shop.example/welcome/%2E./admin",
            "https://shop.example/welcome/..%2fadmin",
            "https://shop.example/welcome/..%5cadmin",
            "https://shop.example/welcome/%252e%252e/admin",
            "https://shop.example/welcome/%00",
            "https://shop.example/welcome/..;/admin",
            "https://shop.example/welcome/.;a=b/admin",
            "https://shop.example/welcome/%",
            "https://shop.example/welcome/%g0",
            "https://shop.example\\@evil.example/welcome",
            "https://shop.example/welcome\\..\\admin",
            "https:\\\\shop.example\\welcome",
            "https://shop.example@evil.example/welcome",
            "https://evil.example@shop.example/welcome",
            "https://@shop.example/welcome",
            "https://shop.example:@evil.example/welcome",
            "https://shop.example.evil.example/welcome",
            "https://shop%2eexample/welcome",
            "https://shop.example:444/welcome",
            "https://shop.example./welcome",
            "http://shop.example/welcome",
            "http://localhost:3001/",
            "http://localhost/",
            "http://127.0.0.1:3000/",
            "javascript://shop.example/welcome",
            "javascript:alert(1)",
            "data:text/html,hello",
            " https://shop.example/welcome",
            "https://shop.example/welcome ",
            "https://shop.example/wel\tcome",
            "https://shop.example/welcome\r\nSet-Cookie:x",
            "https://ｓhop.example/welcome",
            "https://shop.example/welcome/é",
        ] {
            assert_eq!(goes(text), None, "{text}");
        }
        let long = format!("https://shop.example/welcome/{}", "a".repeat(LONGEST));
        assert_eq!(goes(&long), None);
        assert!(ReturnTo::parse("https://shop.example/welcome", &[]).is_err());
    }

    /// Pieces from which somebody could build an address that leads elsewhere.
    fn tricky() -> impl Strategy<Value = String> {
        let pieces = select(vec![
            "https",
            "http",
            ":",
            "//",
            "/",
            "\\",
            "@",
            "#",
            "?",
            ".",
            "..",
            "%2e",
            "%2f",
            "%5C",
            "%00",
            "%",
            "shop.example",
            "evil.example",
            "localhost",
            ":3000",
            ":8443",
            "welcome",
            "a",
            "\t",
            "\n",
            " ",
            "é",
        ]);
        proptest::collection::vec(pieces, 0..12).prop_map(|pieces| pieces.concat())
    }

    fn stays_on_the_list(text: &str) -> Result<(), TestCaseError> {
        let Some(goes) = goes(text) else {
            return Ok(());
        };
        // Where a browser goes, found out without the rule.
        let browser = Url::parse(text).unwrap();
        prop_assert_eq!(browser.as_str(), &goes);
        let origin = browser.origin().ascii_serialization();
        let path = browser.path();
        let fits = match origin.as_str() {
            "https://shop.example" => path == "/welcome" || path.starts_with("/welcome/"),
            "https://shop.example:8443" | "http://localhost:3000" => true,
            _ => false,
        };
        prop_assert!(fits, "{} leads to {}", text, goes);
        prop_assert!(!path.split('/').any(|part| part == ".."));
        Ok(())
    }

    proptest! {
        #[test]
        fn nothing_leads_off_the_list(text in tricky()) {
            stays_on_the_list(&text)?;
        }

        #[test]
        fn nothing_behind_a_listed_address_leads_off_it(listed in select(list()), rest in tricky()) {
            stays_on_the_list(&format!("{listed}{rest}"))?;
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in ".*") {
            stays_on_the_list(&text)?;
        }

        #[test]
        fn what_was_taken_is_taken_as_it_stands(listed in select(list()), rest in "[a-z/?#.=&%0-9]{0,20}") {
            if let Some(taken) = goes(&format!("{listed}{rest}")) {
                prop_assert_eq!(goes(&taken), Some(taken));
            }
        }
    }
}
