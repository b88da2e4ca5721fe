//! What a form with fields of the customer's own sends: each input under its field's name, parts behind a dot.

use std::collections::BTreeMap;

use fairhold_domain::answer::Typed;

/// The inputs of a form.
pub(crate) struct Inputs(Vec<(String, String)>);

impl Inputs {
    pub fn new(sent: Vec<(String, String)>) -> Self {
        Self(sent)
    }

    /// What a hidden input or a button says.
    pub fn one(&self, name: &str) -> &str {
        let sent = self.0.iter().find(|(known, _)| known == name);
        sent.map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// What was typed, by field.
    pub fn typed(&self) -> BTreeMap<String, Typed> {
        let mut fields: BTreeMap<String, Typed> = BTreeMap::new();
        for (name, value) in &self.0 {
            let (field, part) = name.split_once('.').unwrap_or((name, ""));
            let field = fields.entry(field.to_owned()).or_default();
            let values = field.entry(part.to_owned()).or_default();
            values.push(value.clone());
        }
        fields
    }
}
