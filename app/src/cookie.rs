//! Cookies of our own beside the session's: a token that only this browser and the store know.

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use tower_sessions::cookie::Cookie;

/// Letters of a token: 32 bytes in base64.
const TOKEN_LETTERS: usize = 43;

/// What the cookie of that name holds, if it can be a token of ours.
pub fn token(headers: &HeaderMap, name: &str) -> Option<String> {
    let cookies = headers.get_all(COOKIE).into_iter();
    let texts = cookies.filter_map(|value| value.to_str().ok());
    let mut all = texts.flat_map(Cookie::split_parse).flatten();
    let cookie = all.find(|cookie| cookie.name() == name)?;
    let token = cookie.value();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (token.len() == TOKEN_LETTERS && token.bytes().all(plain)).then(|| token.to_owned())
}
