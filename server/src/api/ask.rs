//! What a call takes: bodies, parts of the address, and the `Idempotency-Key`, each refused with a problem document that
//! names the wrong field by its pointer and repeats nothing of what was sent.
//!
//! A type that is a body or stands behind the question mark has `#[serde(deny_unknown_fields)]`; a test walks the
//! description for one that has not.

use std::fmt;

use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use fairhold_portal::once::{KeptAnswer, Once};
use serde::de::{self, DeserializeOwned, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_path_to_error::{Path as FieldPath, Segment};
use utoipa::IntoParams;

use super::problem::{Fault, Problem, Refusal};

/// The header by which a change that is sent twice is made once.
pub const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// A body of JSON, for a call that changes nothing that must not be changed twice.
#[derive(Clone, Debug)]
pub struct Json<T>(pub T);

/// A change: its body, and the `Idempotency-Key` under which it is made once. The use case takes both.
#[derive(Clone, Debug)]
pub struct Change<T> {
    /// What the system asks.
    pub asks: T,
    /// So that it is done once.
    pub once: Once,
}

/// What stands behind the question mark.
#[derive(Clone, Debug)]
pub struct Query<T>(pub T);

/// The parts of the address that stand in the place of `{name}`. One that can't be read leads nowhere: it is not found.
#[derive(Clone, Debug)]
pub struct Path<T>(pub T);

/// The header of a [`Change`], for `params(…)` in a call's description.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IdempotencyKey {
    /// A name that you make up for this change, new for each one. If the same call comes again under it within a day,
    /// nothing is done twice, and you get the first answer again.
    #[param(
        rename = "Idempotency-Key",
        min_length = 16,
        max_length = 64,
        pattern = "^[!-~]{16,64}$"
    )]
    pub key: Option<String>,
}

/// The answer to a change, as it was kept or is kept now.
pub fn kept(answer: &KeptAnswer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = (status, answer.body.clone()).into_response();
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let body = body(request, state).await?;
        read(&body).map(Self)
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Change<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let key = idempotency_key(request.headers())?;
        let call = format!("{} {}", request.method(), request.uri());
        let body = body(request, state).await?;
        Ok(Self {
            asks: read(&body)?,
            once: key.map_or_else(Once::without_key, |key| Once::under(&key, &call, &body)),
        })
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        read_query(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(_)) => Err(Problem::NotFound.into()),
            Err(error) => {
                tracing::error!(%error, "a call reads a part that its address lacks");
                Err(Problem::Ours.into())
            }
        }
    }
}

/// The key of a change, if one was sent. Its length leaves room for what nobody guesses (RFC 9562, 4) and for little else.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let mut sent = headers.get_all(IDEMPOTENCY_KEY).iter();
    let (Some(first), more) = (sent.next(), sent.next()) else {
        return Ok(None);
    };
    let is_visible = first.as_bytes().iter().all(u8::is_ascii_graphic);
    if more.is_some() || !is_visible || !(16..=64).contains(&first.len()) {
        return Err(Problem::WrongIdempotencyKey.into());
    }
    Ok(first.to_str().ok().map(str::to_owned))
}

/// The bytes of a body that is said to be JSON.
async fn body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Refusal> {
    if !is_json(request.headers()) {
        return Err(Problem::WrongKind.into());
    }
    let body = Bytes::from_request(request, state).await;
    body.map_err(|refused| Problem::of_status(refused.status()).into())
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let essence = kind.and_then(|kind| kind.split(';').next());
    essence.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// Reads a body: no field twice, none that is unknown, all that are needed.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    let mut place = Place::default();
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = Strict(&mut place)
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value));
    let value = value.map_err(|error| {
        if place.twice {
            let fault = Fault::new(place.pointer(), "This field is there twice. Send it once.");
            return Problem::WrongBody.with(vec![fault]);
        }
        let (line, column) = (error.line(), error.column());
        let stopped = format!("We stopped at line {line}, column {column}.");
        Problem::NotJson.with(vec![Fault::new("", stopped)])
    })?;
    serde_path_to_error::deserialize(value).map_err(|error| {
        let fault = fault(pointer(error.path()), &error.inner().to_string());
        Problem::WrongBody.with(vec![fault])
    })
}

/// Reads what stands behind the question mark, alike.
fn read_query<T: DeserializeOwned>(query: &str) -> Result<T, Refusal> {
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    let reader = serde_urlencoded::Deserializer::new(pairs);
    serde_path_to_error::deserialize(reader).map_err(|error| {
        let fault = fault(pointer(error.path()), &error.inner().to_string());
        Problem::WrongQuery.with(vec![fault])
    })
}

const WHOLE_NUMBER: &str = "Send a whole number here, one that is not too large.";

/// What is wrong with a field, in our words. The parser's own would repeat what was sent.
fn fault(at: String, parsers: &str) -> Fault {
    let named = |start: &str| {
        let (name, _) = parsers.strip_prefix(start)?.split_once('`')?;
        // The name is one of a type of ours; the pointer leads to what should hold it, or to it.
        let ends_with_it = at.rsplit('/').next() == Some(name);
        Some(if ends_with_it {
            at.clone()
        } else {
            format!("{at}/{}", escaped(name))
        })
    };
    if let Some(missing) = named("missing field `") {
        return Fault::new(missing, "This field is missing.");
    }
    if let Some(twice) = named("duplicate field `") {
        return Fault::new(twice, "This field is there twice. Send it once.");
    }
    if parsers.starts_with("unknown field `") {
        return Fault::new(at, "This call takes no field of that name.");
    }
    // How Rust's own numbers refuse a part of an address.
    if parsers.starts_with("invalid digit ") || parsers.starts_with("number too ") {
        return Fault::new(at, WHOLE_NUMBER);
    }
    // What follows the last of these words is ours.
    let expected = parsers.rsplit_once("expected ").map(|(_, words)| words);
    if parsers.starts_with("unknown variant `") {
        let words = expected.map_or_else(
            || "This call takes no such word here.".to_owned(),
            |words| format!("Send {}.", words.replace('`', "\"")),
        );
        return Fault::new(at, words);
    }
    let words = match expected {
        Some("a string" | "a borrowed string" | "str" | "string") => "Send text here.",
        Some("a boolean") => "Send true or false here.",
        Some("a sequence") => "Send a list here.",
        Some("a map") => "Send an object here.",
        Some(words) if words.starts_with("struct ") => "Send an object here.",
        Some("f32" | "f64") => "Send a number here.",
        Some("i8" | "i16" | "i32" | "i64" | "isize" | "u8" | "u16" | "u32" | "u64" | "usize") => {
            WHOLE_NUMBER
        }
        _ => "This is not what the call takes here.",
    };
    Fault::new(at, words)
}

/// A JSON pointer to a field (RFC 6901).
fn pointer(path: &FieldPath) -> String {
    let steps = path.iter().map(|segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } | Segment::Enum { variant: key } => format!("/{}", escaped(key)),
        Segment::Unknown => String::new(),
    });
    steps.collect()
}

fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Where a reader is.
#[derive(Default)]
struct Place {
    steps: Vec<String>,
    /// It stopped at a key that is there twice.
    twice: bool,
}

impl Place {
    fn pointer(&self) -> String {
        let steps = self.steps.iter().map(|step| format!("/{}", escaped(step)));
        steps.collect()
    }
}

/// Reads any JSON, and stops where an object has a key twice: which of both would count is up to each parser
/// (RFC 8259, 4), so that what one part of a system checked, another would not see.
struct Strict<'p>(&'p mut Place);

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: de::Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).map(Value::Number);
        number.ok_or_else(|| E::custom("too large a number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        self.0.steps.push(String::from("0"));
        while let Some(value) = list.next_element_seed(Strict(self.0))? {
            values.push(value);
            if let Some(step) = self.0.steps.last_mut() {
                *step = values.len().to_string();
            }
        }
        self.0.steps.pop();
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut values = Map::new();
        while let Some(key) = object.next_key::<String>()? {
            self.0.steps.push(key.clone());
            if values.contains_key(&key) {
                self.0.twice = true;
                return Err(de::Error::custom("twice"));
            }
            let value = object.next_value_seed(Strict(self.0))?;
            values.insert(key, value);
            self.0.steps.pop();
        }
        Ok(values.into())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic: that is how it fails")]

    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Guest {
        name: String,
        age: Option<u8>,
        #[serde(default)]
        friends: Vec<Friend>,
        #[serde(default)]
        notes: BTreeMap<String, Value>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Friend {
        kind: Kind,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Old,
        New,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Part {
        most: Option<u8>,
    }

    fn refused(body: &str) -> (Problem, String, String) {
        one(read::<Guest>(body.as_bytes()).unwrap_err())
    }

    fn one(refusal: Refusal) -> (Problem, String, String) {
        let [fault] = refusal.errors.as_slice() else {
            panic!("one fault");
        };
        (
            refusal.problem,
            fault.pointer.clone(),
            fault.detail.clone().into_owned(),
        )
    }

    #[test]
    fn a_right_body_is_read() {
        let guest: Guest = read(
            br#"{"name": "Ada", "age": 36, "friends": [{"kind": "old"}], "notes": {"a": 1.5}}"#,
        )
        .unwrap();
        assert_eq!((guest.name.as_str(), guest.age), ("Ada", Some(36)));
        assert_eq!(guest.friends, [Friend { kind: Kind::Old }]);
    }

    #[test]
    fn what_is_wrong_with_a_body_is_said_with_a_pointer() {
        use Problem::WrongBody;
        for (body, at, words) in [
            ("{}", "/name", "This field is missing."),
            (r#"{"name": 1}"#, "/name", "Send text here."),
            ("[]", "", "Send an object here."),
            (r#""Ada""#, "", "Send an object here."),
            (
                r#"{"name": "Ada", "age": 300}"#,
                "/age",
                "Send a whole number here, one that is not too large.",
            ),
            (
                r#"{"name": "Ada", "colour": 1}"#,
                "/colour",
                "This call takes no field of that name.",
            ),
            (
                r#"{"name": "Ada", "friends": [{"kind": "old"}, {"kind": "old", "a/b~": 1}]}"#,
                "/friends/1/a~1b~0",
                "This call takes no field of that name.",
            ),
            (
                r#"{"name": "Ada", "friends": [{}]}"#,
                "/friends/0/kind",
                "This field is missing.",
            ),
            (
                r#"{"name": "Ada", "friends": [{"kind": "best, expected `all`"}]}"#,
                "/friends/0/kind",
                "Send \"old\" or \"new\".",
            ),
            (
                r#"{"name": "Ada", "name": "Eve"}"#,
                "/name",
                "This field is there twice. Send it once.",
            ),
            (
                r#"{"name": "Ada", "notes": {"x": [0, {"y": 1, "y": 2}]}}"#,
                "/notes/x/1/y",
                "This field is there twice. Send it once.",
            ),
        ] {
            let expected = (WrongBody, at.to_owned(), words.to_owned());
            assert_eq!(refused(body), expected, "{body}");
        }
    }

    #[test]
    fn what_is_no_json_is_refused_with_the_place() {
        let deep = "[".repeat(1000);
        for body in [
            "",
            "{",
            "{'name': 1}",
            "{} {}",
            "nul",
            "1e999",
            "\"\\ud800\"",
            &deep,
        ] {
            let (problem, at, words) = refused(body);
            assert_eq!((problem, at.as_str()), (Problem::NotJson, ""), "{body:.20}");
            assert!(
                words.starts_with("We stopped at line 1, column "),
                "{words}"
            );
        }
        let bytes = read::<Guest>(b"{\"name\": \"\xff\"}").unwrap_err();
        assert_eq!(bytes.problem, Problem::NotJson);
    }

    #[test]
    fn a_query_is_read_as_strictly() {
        assert_eq!(read_query::<Part>("most=5").unwrap().most, Some(5));
        assert_eq!(read_query::<Part>("").unwrap().most, None);
        for (query, at) in [
            ("most=a", "/most"),
            ("most=1&most=2", "/most"),
            ("least=1", "/least"),
            ("most=-1", "/most"),
        ] {
            let (problem, pointer, _) = one(read_query::<Part>(query).unwrap_err());
            assert_eq!(
                (problem, pointer.as_str()),
                (Problem::WrongQuery, at),
                "{query}"
            );
        }
    }

    #[test]
    fn only_json_is_taken_for_json() {
        let said = |kind: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            is_json(&headers)
        };
        assert!(said("application/json") && said("Application/JSON; charset=utf-8"));
        assert!(!said("text/json") && !said("application/jsonx") && !said(""));
        assert!(!is_json(&HeaderMap::new()));
    }

    #[test]
    fn an_idempotency_key_has_16_to_64_visible_signs() {
        let sent = |keys: &[&str]| {
            let mut headers = HeaderMap::new();
            for key in keys {
                headers.append(IDEMPOTENCY_KEY, HeaderValue::from_str(key).unwrap());
            }
            idempotency_key(&headers)
        };
        let (short, long) = ("a".repeat(16), "~".repeat(64));
        assert_eq!(sent(&[]), Ok(None));
        assert_eq!(sent(&[&short]), Ok(Some(short.clone())));
        assert_eq!(sent(&[&long]), Ok(Some(long.clone())));
        for wrong in [
            &["a".repeat(15)][..],
            &["a".repeat(65)],
            &["with a space in it".to_owned()],
            &["with-an-umlaut-ä-in-it".to_owned()],
            &[short.clone(), short],
        ] {
            let wrong: Vec<&str> = wrong.iter().map(String::as_str).collect();
            assert_eq!(
                sent(&wrong),
                Err(Problem::WrongIdempotencyKey.into()),
                "{wrong:?}"
            );
        }
    }

    proptest! {
        /// Whoever sends personal data where it does not belong must not find it in an answer that may be logged.
        #[test]
        fn nothing_that_was_sent_is_repeated(secret in "[a-z]{12}") {
            let body = format!(
                r#"{{"name": "Ada", "age": "{secret}", "friends": [{{"kind": "{secret}"}}]}}"#
            );
            let refusal = read::<Guest>(body.as_bytes()).unwrap_err();
            let shown = format!("{refusal:?}");
            prop_assert!(!shown.contains(&secret), "{}", shown);
        }

        #[test]
        fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Err(refusal) = read::<Guest>(&body) {
                prop_assert!([Problem::NotJson, Problem::WrongBody].contains(&refusal.problem));
            }
        }

        #[test]
        fn any_value_is_read_as_serde_json_reads_it(text in ".*", number in any::<i64>(), float in -1e300..1e300) {
            let value = serde_json::json!({"text": text, "list": [number, float, null, true]});
            let body = serde_json::to_vec(&value).unwrap();
            prop_assert_eq!(read(&body), Ok(serde_json::from_slice::<Value>(&body).unwrap()));
        }
    }
}
