//! Reads `company.yml`.

use super::reader::{FLAGS, Keys, Map, Reader};
use super::{did_you_mean, list};
use crate::catalog::yaml::Value;
use crate::catalog::{
    Basis, Class, Company, Look, NeverCollected, Purpose, Recipient, Said, SignUp,
    is_known_category, is_known_use, keys,
};
use crate::phone::HomeCountry;

const COMPANY_KEYS: &[&str] = &[
    "name",
    "tagline",
    "contact",
    "privacy_contact",
    "jurisdictions",
    "time_zone",
    "phone_country",
    "public_address",
    "logo",
    "colours",
    "connections",
    "purposes",
    "recipients",
    "never_collected",
    "systems_that_report_looks",
    "sign_ups",
    "says_not_sold",
    "programmes",
];
const COLOUR_KEYS: &[&str] = &["brand", "brand_dark"];
const PURPOSE_KEYS: &[&str] = &[
    "key", "use", "basis", "class", "channels", "words", "version", "needs",
];
const RECIPIENT_KEYS: &[&str] = &["key", "name", "what_for", "country", "sells"];
const NEVER_KEYS: &[&str] = &["words", "categories"];
const SIGN_UP_KEYS: &[&str] = &["name", "purpose", "demands"];
const CHANNELS: &[&str] = &["email", "sms", "post", "phone", "push", "web"];
const BASES: &[(&str, Basis)] = &[
    ("consent", Basis::Consent),
    ("contract", Basis::Contract),
    ("law", Basis::Law),
    ("interest", Basis::Interest),
];
const CLASSES: &[(&str, Class)] = &[("service", Class::Service), ("marketing", Class::Marketing)];

impl Reader<'_> {
    pub(super) fn company(&mut self, text: &str) -> Option<Company> {
        let node = self.parse(text)?;
        if matches!(node.value, Value::Nothing) {
            self.error(
                0,
                "missing-key",
                "This file is empty. Write at least `name: Your company`.".to_owned(),
            );
            return None;
        }
        let map = self.map(&node, "what the company says of itself")?;
        self.known_keys(map, &[COMPANY_KEYS], Keys::Ours, "company.yml");
        Some(Company {
            name: self.needed(map, "name", "The company"),
            tagline: self.text(map, "tagline"),
            contact: self.text(map, "contact"),
            privacy_contact: self.text(map, "privacy_contact"),
            jurisdictions: self.plain_texts(map, "jurisdictions"),
            time_zone: self.time_zone(map),
            phone_country: self.phone_country(map),
            look: self.look(map),
            connections: self.plain_texts(map, "connections"),
            purposes: self.purposes(map),
            recipients: self.recipients(map),
            never_collected: self.never_collected(map),
            systems_that_report_looks: self.plain_texts(map, "systems_that_report_looks"),
            sign_ups: self.sign_ups(map),
            programmes: self.programmes(map),
            says_not_sold: self.choice(map, "says_not_sold", FLAGS).unwrap_or(false),
            place: self.place(map.line),
            said: Said(self.said_at(map, COMPANY_KEYS)),
        })
    }

    fn time_zone(&mut self, map: Map<'_>) -> String {
        let Some(entry) = map.get("time_zone") else {
            return "UTC".to_owned();
        };
        let Some(name) = self.text_of(entry) else {
            return "UTC".to_owned();
        };
        // Whether the zone exists is for the time library's tables to say; here only its shape can be judged.
        let well_formed = name.len() <= 64
            && name.split('/').all(|part| {
                !part.is_empty()
                    && part
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || "_-+".contains(c))
            });
        if !well_formed {
            self.error(
                entry.node.line,
                "bad-time-zone",
                format!(
                    "`{name}` is not the name of a time zone. Write one such as `Europe/Dublin`."
                ),
            );
            return "UTC".to_owned();
        }
        name
    }

    fn phone_country(&mut self, map: Map<'_>) -> Option<HomeCountry> {
        let entry = map.get("phone_country")?;
        let code = self.text_of(entry)?;
        let country = HomeCountry::parse(&code);
        if country.is_none() {
            self.error(
                entry.line,
                "bad-country",
                format!("`{code}` is no country with phone numbers. Write its code of two letters, such as `IE`."),
            );
        }
        country
    }

    fn look(&mut self, map: Map<'_>) -> Look {
        let colours = self.map_at(map, "colours", "a list of colours");
        self.known_keys(colours, &[COLOUR_KEYS], Keys::Ours, "`colours`");
        Look {
            logo: self.logo(map),
            brand: self.colour(colours, "brand"),
            brand_dark: self.colour(colours, "brand_dark"),
        }
    }

    fn logo(&mut self, map: Map<'_>) -> Option<String> {
        let entry = map.get("logo")?;
        let name = self.text_of(entry)?;
        let plain = !name.starts_with('.')
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        if plain {
            return Some(name);
        }
        self.error(
            entry.node.line,
            "bad-logo",
            format!("`{name}` is not a plain file name. Put the picture into the folder `public` and write its name, such as `logo.svg`."),
        );
        None
    }

    fn colour(&mut self, map: Map<'_>, key: &str) -> Option<String> {
        let entry = map.get(key)?;
        let said = self.text_of(entry);
        let is_colour = said
            .as_deref()
            .and_then(|s| s.strip_prefix('#'))
            .is_some_and(|digits| {
                digits.len() == 6 && digits.chars().all(|c| c.is_ascii_hexdigit())
            });
        if is_colour {
            return said.map(|colour| colour.to_lowercase());
        }
        let said = said.unwrap_or_else(|| "nothing (an unquoted # starts a remark)".to_owned());
        self.error(
            entry.line,
            "bad-colour",
            format!("`{key}` can't be {said}. Write a colour in quotes, such as \"#1f6f54\"."),
        );
        None
    }

    fn purposes(&mut self, company: Map<'_>) -> Vec<Purpose> {
        let mut purposes: Vec<Purpose> = Vec::new();
        for node in self.items(company, "purposes") {
            let Some(map) = self.map(node, "a purpose") else {
                continue;
            };
            let purpose = self.purpose(map);
            if !purpose.key.is_empty() && purposes.iter().any(|p| p.key == purpose.key) {
                self.duplicate(map, "purpose", &purpose.key);
            } else {
                purposes.push(purpose);
            }
        }
        purposes
    }

    pub(super) fn duplicate(&mut self, map: Map<'_>, kind: &str, key: &str) {
        self.error(
            map.line,
            "duplicate-key",
            format!("There are two {kind}s `{key}`. Give one another `key`."),
        );
    }

    fn purpose(&mut self, map: Map<'_>) -> Purpose {
        self.known_keys(map, &[PURPOSE_KEYS], Keys::Ours, "a purpose");
        let key = self.needed(map, "key", "A purpose");
        let whose = format!("The purpose `{key}`");
        for (line, channel) in self.texts(map, "channels") {
            if !CHANNELS.contains(&channel.as_str()) {
                let hint = did_you_mean(&channel, CHANNELS);
                self.error(
                    line,
                    "unknown-value",
                    format!(
                        "There is no channel `{channel}`. {hint}Write one of: {}.",
                        list(CHANNELS)
                    ),
                );
            }
        }
        // What is not said is named by `needed`; the strictest reading stands in for it.
        let basis = self.choice(map, "basis", BASES);
        if basis.is_none()
            && map
                .get("basis")
                .is_none_or(|e| matches!(e.node.value, Value::Nothing))
        {
            self.needed(map, "basis", &whose);
        }
        let class = self.choice(map, "class", CLASSES);
        if class.is_none()
            && map
                .get("class")
                .is_none_or(|e| matches!(e.node.value, Value::Nothing))
        {
            self.needed(map, "class", &whose);
        }
        Purpose {
            data_use: self.data_use(map, &whose),
            basis: basis.unwrap_or(Basis::Consent),
            class: class.unwrap_or(Class::Marketing),
            channels: self.plain_texts(map, "channels"),
            words: self.needed(map, "words", &whose),
            version: self.version(map),
            needs: self.categories(map, "needs"),
            place: self.place(map.line),
            key,
        }
    }

    fn data_use(&mut self, map: Map<'_>, whose: &str) -> String {
        let data_use = self.needed(map, "use", whose);
        if !data_use.is_empty() && !is_known_use(&data_use) {
            let hint = keys::nearest_use(&data_use).map_or_else(
                || "Write a fideslang data use, such as `essential.service`.".to_owned(),
                |near| format!("Did you mean `{near}`?"),
            );
            let line = map.get("use").map_or(map.line, |entry| entry.line);
            self.error(
                line,
                "unknown-use",
                format!("There is no data use `{data_use}`. {hint}"),
            );
        }
        data_use
    }

    pub(super) fn version(&mut self, map: Map<'_>) -> u32 {
        let Some(entry) = map.get("version") else {
            return 1;
        };
        match self.text_of(entry).map(|said| said.parse::<u32>()) {
            None => 1,
            Some(Ok(version)) if version > 0 => version,
            Some(_) => {
                self.error(
                    entry.line,
                    "unknown-value",
                    "`version` counts from 1. Write `version: 1`.".to_owned(),
                );
                1
            }
        }
    }

    fn recipients(&mut self, company: Map<'_>) -> Vec<Recipient> {
        let mut recipients: Vec<Recipient> = Vec::new();
        for node in self.items(company, "recipients") {
            let Some(map) = self.map(node, "a recipient") else {
                continue;
            };
            self.known_keys(map, &[RECIPIENT_KEYS], Keys::Ours, "a recipient");
            let key = self.needed(map, "key", "A recipient");
            let whose = format!("The recipient `{key}`");
            if !key.is_empty() && recipients.iter().any(|r| r.key == key) {
                self.duplicate(map, "recipient", &key);
                continue;
            }
            recipients.push(Recipient {
                name: self.needed(map, "name", &whose),
                what_for: self.needed(map, "what_for", &whose),
                country: self.text(map, "country"),
                sells: self.choice(map, "sells", FLAGS).unwrap_or(false),
                place: self.place(map.line),
                key,
            });
        }
        recipients
    }

    fn never_collected(&mut self, company: Map<'_>) -> Vec<NeverCollected> {
        let mut never = Vec::new();
        for node in self.items(company, "never_collected") {
            match &node.value {
                Value::Text(key) if is_known_category(key) => never.push(NeverCollected {
                    words: words_of_category(key),
                    categories: vec![key.clone()],
                }),
                Value::Text(words) => never.push(NeverCollected {
                    words: words.clone(),
                    categories: Vec::new(),
                }),
                _ => {
                    let Some(map) = self.map(node, "a thing that you never collect") else {
                        continue;
                    };
                    self.known_keys(map, &[NEVER_KEYS], Keys::Ours, "`never_collected`");
                    let words = self.needed(map, "words", "A thing that you never collect");
                    never.push(NeverCollected {
                        words,
                        categories: self.categories(map, "categories"),
                    });
                }
            }
        }
        never
    }

    fn sign_ups(&mut self, company: Map<'_>) -> Vec<SignUp> {
        let mut forms = Vec::new();
        for node in self.items(company, "sign_ups") {
            let Some(map) = self.map(node, "a sign-up form") else {
                continue;
            };
            self.known_keys(map, &[SIGN_UP_KEYS], Keys::Ours, "a sign-up form");
            let name = self.needed(map, "name", "A sign-up form");
            forms.push(SignUp {
                purpose: self.needed(map, "purpose", &format!("The sign-up form `{name}`")),
                demands: self.categories(map, "demands"),
                place: self.place(map.line),
                name,
            });
        }
        forms
    }
}

/// The last part of a category's key, as words: `user.health_and_medical` is "health and medical".
fn words_of_category(key: &str) -> String {
    key.rsplit('.').next().unwrap_or(key).replace('_', " ")
}
