//! JSON.

use serde_json::Value;

use super::NOTHING;

/// JSON as a line of "name: value", nothing left out; nothing where it is no JSON.
pub(super) fn line(text: &str) -> Option<String> {
    serde_json::from_str(text).ok().map(|json| flat(&json))
}

fn flat(json: &Value) -> String {
    match json {
        Value::Null => NOTHING.to_owned(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Number(n) => n.to_string(),
        Value::String(text) if text.is_empty() => NOTHING.to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => NOTHING.to_owned(),
        Value::Array(items) => items.iter().map(flat).collect::<Vec<_>>().join(", "),
        Value::Object(map) if map.is_empty() => NOTHING.to_owned(),
        Value::Object(map) => map
            .iter()
            .map(|(name, value)| match value {
                Value::Object(inner) if !inner.is_empty() => {
                    format!("{} ({})", name.replace('_', " "), flat(value))
                }
                _ => format!("{}: {}", name.replace('_', " "), flat(value)),
            })
            .collect::<Vec<_>>()
            .join(", "),
    }
}
