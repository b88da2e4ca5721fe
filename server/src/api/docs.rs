//! The page that explains the API, made from its description: nothing on it is written a second time.

use std::sync::LazyLock;

use axum::extract::State;
use axum::response::Response;
use fairhold_app::pages::api_docs::{self, Answer, Call, Field, Reference};
use fairhold_app::state::AppState;
use serde_json::{Map, Value, json};

use super::openapi::DESCRIPTION;
use super::problem::{KIND, Problem, ProblemDocument};

/// Deeper than this no body is explained: it is enough for any call, and ends with types that hold themselves.
const DEEPEST: usize = 4;

/// Stands for the portal's address in the examples until it is known which it is.
const HERE: &str = "{here}";

static REFERENCE: LazyLock<Reference> = LazyLock::new(|| {
    let description = serde_json::to_value(&*DESCRIPTION).unwrap_or_default();
    Description(&description).reference()
});

/// Read about all calls
///
/// This page. It is made from the description that programs read.
#[utoipa::path(
    get,
    path = "/v1/docs",
    responses((status = 200, description = "The page.", content_type = "text/html", body = String))
)]
pub(crate) async fn page(State(state): State<AppState>) -> Response {
    let mut reference = REFERENCE.clone();
    for call in &mut reference.calls {
        call.curl = call.curl.replace(HERE, &state.portal.settings().public_url);
    }
    api_docs::page(&state, reference)
}

/// The description, as JSON.
struct Description<'d>(&'d Value);

impl<'d> Description<'d> {
    fn reference(&self) -> Reference {
        let paths = self.0["paths"].as_object().into_iter().flatten();
        let mut calls: Vec<Call> = paths
            .flat_map(|(path, item)| {
                let operations = item.as_object().into_iter().flatten();
                operations.map(move |(method, operation)| (path, method, operation))
            })
            .map(|(path, method, operation)| self.call(path, method, operation))
            .collect();
        // Those that open something first; the two about this page last.
        calls.sort_by_key(|call| (call.scope.is_none(), call.path.clone()));
        let problems = Problem::ALL.map(|problem| api_docs::Problem {
            anchor: problem.anchor(),
            title: problem.title().to_owned(),
            status: problem.status().as_u16(),
            words: problem.detail().to_owned(),
            example: pretty(&json!(ProblemDocument::example(problem))),
        });
        Reference {
            calls,
            problems: problems.into(),
        }
    }

    fn call(&self, path: &str, method: &str, operation: &'d Value) -> Call {
        let method = method.to_uppercase();
        let anchor = path.trim_start_matches("/v1/");
        let anchor = anchor.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        let parameters: Vec<Field> = list(&operation["parameters"])
            .map(|parameter| self.parameter(parameter))
            .collect();
        let sent = at(
            operation,
            &["requestBody", "content", "application/json", "schema"],
        );
        let (ours, refusals): (Vec<_>, Vec<_>) = object(&operation["responses"])
            .partition(|(_, answer)| answer["content"].get(KIND).is_none());
        let problems = refusals.iter().flat_map(|(_, answer)| {
            let examples = at(answer, &["content", KIND, "examples"]).as_object();
            examples.into_iter().flat_map(Map::keys)
        });
        let problems = problems.filter_map(|key| {
            let problem = Problem::ALL.into_iter().find(|p| p.key() == key)?;
            let title = problem.title().to_owned();
            Some((problem.anchor(), problem.status().as_u16(), title))
        });
        let scope = list(&operation["security"])
            .flat_map(|by| list(&by["key"]))
            .find_map(Value::as_str);
        Call {
            anchor: format!("{}-{anchor}", method.to_lowercase()),
            title: text(&operation["summary"]),
            words: text(&operation["description"]),
            scope: scope.map(str::to_owned),
            body: self.fields(sent),
            answers: ours
                .into_iter()
                .map(|(status, answer)| self.answer(status, answer))
                .collect(),
            problems: problems.collect(),
            curl: self.curl(path, &method, operation, scope.is_some()),
            path: path.to_owned(),
            method,
            parameters,
        }
    }

    fn parameter(&self, parameter: &Value) -> Field {
        let schema = self.resolve(&parameter["schema"]);
        Field {
            name: text(&parameter["name"]),
            kind: kind(schema),
            needed: parameter["required"] == true,
            words: text(&parameter["description"]),
        }
    }

    fn answer(&self, status: &str, answer: &'d Value) -> Answer {
        let content = object(&answer["content"]).next();
        let schema = content.map(|(_, content)| &content["schema"]);
        let fields = schema.map(|schema| self.fields(schema)).unwrap_or_default();
        let example = schema.filter(|_| !fields.is_empty());
        Answer {
            status: status.to_owned(),
            words: text(&answer["description"]),
            kind: content.map(|(kind, _)| kind.to_owned()).unwrap_or_default(),
            example: example.map(|schema| pretty(&self.example(schema, 0))),
            fields,
        }
    }

    /// A line for a shell that makes the call.
    fn curl(&self, path: &str, method: &str, operation: &Value, keyed: bool) -> String {
        // In capitals: curl would take the brackets for a list.
        let parts = path.split(['{', '}']).enumerate();
        let path: String = parts
            .map(|(n, part)| {
                if n % 2 == 1 {
                    part.to_uppercase()
                } else {
                    part.to_owned()
                }
            })
            .collect();
        let mut lines = vec![format!("curl '{HERE}{path}'")];
        if method != "GET" {
            lines.push(format!("--request {method}"));
        }
        if keyed {
            lines.push("--header \"Authorization: Bearer $FAIRHOLD_KEY\"".to_owned());
        }
        let takes_key = list(&operation["parameters"]).any(|p| p["name"] == "Idempotency-Key");
        if takes_key {
            lines.push("--header \"Idempotency-Key: $(uuidgen)\"".to_owned());
        }
        let sent = at(
            operation,
            &["requestBody", "content", "application/json", "schema"],
        );
        if !sent.is_null() {
            lines.push("--header 'Content-Type: application/json'".to_owned());
            let body = self.example(sent, 0).to_string();
            lines.push(format!("--data '{}'", body.replace('\'', "'\\''")));
        }
        lines.join(" \\\n  ")
    }

    /// What a reference leads to, and one of several where one is nothing.
    fn resolve(&self, schema: &'d Value) -> &'d Value {
        let mut schema = schema;
        for _ in 0..DEEPEST {
            let led = schema["$ref"]
                .as_str()
                .and_then(|to| self.0.pointer(to.trim_start_matches('#')));
            let some = ["oneOf", "anyOf"]
                .iter()
                .find_map(|of| list(&schema[*of]).find(|one| one["type"] != "null"));
            match led.or(some) {
                Some(next) => schema = next,
                None => break,
            }
        }
        schema
    }

    /// The fields of a type, those of the objects in it too.
    fn fields(&self, schema: &'d Value) -> Vec<Field> {
        let mut fields = Vec::new();
        self.collect("", schema, 0, &mut fields);
        fields
    }

    fn collect(&self, prefix: &str, schema: &'d Value, depth: usize, fields: &mut Vec<Field>) {
        let schema = self.resolve(schema);
        if depth > DEEPEST {
            return;
        }
        if !schema["items"].is_null() {
            return self.collect(&format!("{prefix}[]"), &schema["items"], depth + 1, fields);
        }
        for (name, of) in object(&schema["properties"]) {
            let name = if prefix.is_empty() {
                name.to_owned()
            } else {
                format!("{prefix}.{name}")
            };
            let needed = list(&schema["required"]).any(|n| n.as_str() == name.rsplit('.').next());
            let resolved = self.resolve(of);
            let words = [of, resolved].map(|schema| text(&schema["description"]));
            let words = words.into_iter().find(|words| !words.is_empty());
            fields.push(Field {
                kind: kind(resolved),
                needed,
                words: words.unwrap_or_default(),
                name: name.clone(),
            });
            self.collect(&name, of, depth + 1, fields);
        }
    }

    /// A value of a type: the examples that stand at its fields, and else a plain one.
    fn example(&self, schema: &'d Value, depth: usize) -> Value {
        let given = |schema: &'d Value| {
            let examples = schema["examples"].get(0);
            schema.get("example").or(examples)
        };
        if let Some(example) = given(schema) {
            return example.clone();
        }
        let schema = self.resolve(schema);
        if let Some(example) = given(schema).or_else(|| schema["enum"].get(0)) {
            return example.clone();
        }
        let deeper = depth + 1;
        match first_type(schema) {
            "object" if depth < DEEPEST => {
                let fields = object(&schema["properties"]);
                let fields = fields.map(|(name, of)| (name.to_owned(), self.example(of, deeper)));
                Value::Object(fields.collect())
            }
            "array" if depth < DEEPEST => json!([self.example(&schema["items"], deeper)]),
            "string" => json!("…"),
            "integer" | "number" => json!(1),
            "boolean" => json!(true),
            _ => Value::Null,
        }
    }
}

/// What stands so deep in a value, if anything does.
fn at<'v>(value: &'v Value, steps: &[&str]) -> &'v Value {
    let deeper = steps.iter().try_fold(value, |value, step| value.get(step));
    deeper.unwrap_or(&Value::Null)
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn object(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let fields = value.as_object().into_iter().flatten();
    fields.map(|(name, value)| (name.as_str(), value))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().trim().replace('`', "")
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// The type of a schema; of several, the first that is not nothing.
fn first_type(schema: &Value) -> &str {
    let one = schema["type"].as_str();
    let some = list(&schema["type"]).filter_map(Value::as_str);
    one.or_else(|| some.into_iter().find(|name| *name != "null"))
        .unwrap_or_default()
}

/// What a schema takes, in plain words.
fn kind(schema: &Value) -> String {
    let words: Vec<_> = list(&schema["enum"]).map(Value::to_string).collect();
    if !words.is_empty() {
        return words.join(" or ");
    }
    let kind = match (first_type(schema), schema["format"].as_str()) {
        ("string", Some("date-time")) => "a time",
        ("string", Some("date")) => "a day",
        ("string", Some("uuid")) => "an id",
        ("string", _) => "text",
        ("integer", _) => "a whole number",
        ("number", _) => "a number",
        ("boolean", _) => "true or false",
        ("array", _) => "a list",
        ("object", _) => "an object",
        _ => "any value",
    };
    kind.to_owned()
}
