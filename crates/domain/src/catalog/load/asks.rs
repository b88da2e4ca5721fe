//! Reads `asks.yml`, and the programmes of `company.yml`.

use jiff::civil::Date;

use super::reader::{Keys, Map, Reader};
use super::{did_you_mean, unknown_name};
use crate::catalog::check::Finding;

use crate::catalog::yaml::{Entry, Value};
use crate::catalog::{
    AnswerKind, Ask, Catalog, MOST_COUNTED, MOST_POINTS, Period, Place, Programme, Reward,
    RewardKind, is_short_name,
};

const FILE_KEYS: &[&str] = &["asks", "rewards"];
const PROGRAMME_KEYS: &[&str] = &[
    "key",
    "name",
    "words",
    "terms",
    "purpose",
    "joining_points",
    "holds",
    "points_last",
    "return_to",
    "embedded_by",
];
const ASK_KEYS: &[&str] = &[
    "key",
    "purpose",
    "fields",
    "step",
    "after",
    "rests",
    "question",
    "value",
    "used",
    "if_no",
    "programme",
    "points",
    "points_every",
    "lasts",
    "ends",
    "estimate",
    "version",
];
const ESTIMATE_KEYS: &[&str] = &["worth", "method"];
const REWARD_KEYS: &[&str] = &[
    "key",
    "programme",
    "name",
    "words",
    "kind",
    "costs",
    "stock",
    "limit",
    "code",
];
const ANSWER_KEYS: &[&str] = &["one_of", "any_of", "text"];
const REWARD_KINDS: &[(&str, RewardKind)] = &[
    ("voucher", RewardKind::Voucher),
    ("percent", RewardKind::Percent),
    ("donation", RewardKind::Donation),
];
/// How long an ask rests after what comes before it, where it does not say.
const USUAL_REST: Period = Period::days(7);
/// Characters of a text of the customer's own, where the field does not say.
const USUAL_TEXT: u32 = 200;
/// No field takes longer texts than this.
const LONGEST_TEXT: u32 = 2_000;

impl Reader<'_> {
    pub(super) fn asks_file(&mut self, text: &str) -> (Vec<Ask>, Vec<Reward>) {
        let Some(node) = self.parse(text) else {
            return Default::default();
        };
        if matches!(node.value, Value::Nothing) {
            return Default::default();
        }
        let Some(map) = self.map(&node, "what you ask for and what you give") else {
            return Default::default();
        };
        self.known_keys(map, &[FILE_KEYS], Keys::Ours, "asks.yml");
        let asks = self.keyed(map, "asks", "ask", Self::ask, |ask| &ask.key);
        let rewards = self.keyed(map, "rewards", "reward", Self::reward, |reward| &reward.key);
        (asks, rewards)
    }

    pub(super) fn programmes(&mut self, company: Map<'_>) -> Vec<Programme> {
        self.keyed(company, "programmes", "programme", Self::programme, |p| {
            &p.key
        })
    }

    /// The items of a list, each of a key of its own.
    fn keyed<T>(
        &mut self,
        map: Map<'_>,
        list: &str,
        kind: &str,
        read: fn(&mut Self, Map<'_>) -> T,
        key: fn(&T) -> &String,
    ) -> Vec<T> {
        let mut items: Vec<T> = Vec::new();
        for node in self.items(map, list) {
            let Some(inner) = self.map(node, &format!("the {kind}")) else {
                continue;
            };
            let item = read(self, inner);
            if !key(&item).is_empty() && items.iter().any(|known| key(known) == key(&item)) {
                self.duplicate(inner, kind, key(&item));
            } else {
                items.push(item);
            }
        }
        items
    }

    fn programme(&mut self, map: Map<'_>) -> Programme {
        self.known_keys(map, &[PROGRAMME_KEYS], Keys::Ours, "a programme");
        let key = self.short_name(map, "A programme");
        let whose = format!("The programme `{key}`");
        Programme {
            name: self.needed(map, "name", &whose),
            words: self.needed(map, "words", &whose),
            terms: self.plain_texts(map, "terms"),
            purpose: self.needed(map, "purpose", &whose),
            joining_points: self
                .number(map, "joining_points", 0, MOST_POINTS)
                .unwrap_or(0),
            holds: self.period(map, "holds"),
            points_last: self.period(map, "points_last"),
            return_to: self.web_addresses(map, "return_to", false),
            embedded_by: self.web_addresses(map, "embedded_by", true),
            place: self.place(map.line),
            key,
        }
    }

    fn ask(&mut self, map: Map<'_>) -> Ask {
        self.known_keys(map, &[ASK_KEYS], Keys::Ours, "an ask");
        let key = self.short_name(map, "An ask");
        let whose = format!("The ask `{key}`");
        let estimate = self.map_at(map, "estimate", "what the data is worth, and how you know");
        self.known_keys(estimate, &[ESTIMATE_KEYS], Keys::Ours, "`estimate`");
        Ask {
            purpose: self.needed(map, "purpose", &whose),
            fields: self.plain_texts(map, "fields"),
            step: self.number(map, "step", 2, MOST_COUNTED).unwrap_or(2),
            after: self.plain_texts(map, "after"),
            rests: self.period(map, "rests").unwrap_or(USUAL_REST),
            question: self.needed(map, "question", &whose),
            value: self.needed(map, "value", &whose),
            used: self.needed(map, "used", &whose),
            if_no: self.needed(map, "if_no", &whose),
            programme: self.text(map, "programme"),
            points: self.number(map, "points", 0, MOST_POINTS).unwrap_or(0),
            points_every: self.period(map, "points_every"),
            lasts: self.period(map, "lasts"),
            ends: self.day(map, "ends"),
            // Whether they are there is for the check to say: an ask without them is none.
            worth: self.text(estimate, "worth").unwrap_or_default(),
            method: self.text(estimate, "method").unwrap_or_default(),
            version: self.version(map),
            place: self.place(map.line),
            key,
        }
    }

    fn reward(&mut self, map: Map<'_>) -> Reward {
        self.known_keys(map, &[REWARD_KEYS], Keys::Ours, "a reward");
        let key = self.short_name(map, "A reward");
        let whose = format!("The reward `{key}`");
        let kind = self.choice(map, "kind", REWARD_KINDS);
        if map.get("kind").is_none() {
            self.needed(map, "kind", &whose);
        }
        if map.get("costs").is_none() {
            self.needed(map, "costs", &whose);
        }
        Reward {
            programme: self.needed(map, "programme", &whose),
            name: self.needed(map, "name", &whose),
            words: self.needed(map, "words", &whose),
            kind: kind.unwrap_or(RewardKind::Voucher),
            costs: self
                .number(map, "costs", 1, MOST_POINTS)
                .unwrap_or(MOST_POINTS),
            stock: self.number(map, "stock", 0, MOST_COUNTED),
            limit: self.number(map, "limit", 1, MOST_COUNTED),
            code: self.text(map, "code"),
            place: self.place(map.line),
            key,
        }
    }

    /// What a customer types or picks for a field.
    pub(super) fn answer(&mut self, portal: Map<'_>) -> Option<AnswerKind> {
        let entry = portal.get("answer")?;
        if let Value::Map(_) = &entry.node.value {
            let map = self.map(&entry.node, "what a customer picks or types")?;
            self.known_keys(map, &[ANSWER_KEYS], Keys::Ours, "`answer`");
            return match map.entries {
                [one] if one.key == "text" => self
                    .number(map, "text", 1, LONGEST_TEXT)
                    .map(AnswerKind::Text),
                [one] => {
                    let words = self.words_to_pick(map, one)?;
                    Some(match one.key.as_str() {
                        "one_of" => AnswerKind::OneOf(words),
                        _ => AnswerKind::AnyOf(words),
                    })
                }
                _ => {
                    let message = "`answer` takes one of `one_of`, `any_of` and `text`.";
                    self.error(entry.line, "wrong-shape", message.to_owned());
                    None
                }
            };
        }
        let kinds = [("phone", 0), ("address", 1), ("birth_date", 2), ("text", 3)];
        self.choice(portal, "answer", &kinds)
            .map(|kind| match kind {
                0 => AnswerKind::Phone,
                1 => AnswerKind::Address,
                2 => AnswerKind::BirthDate,
                _ => AnswerKind::Text(USUAL_TEXT),
            })
    }

    fn words_to_pick(&mut self, map: Map<'_>, entry: &Entry) -> Option<Vec<String>> {
        let words = self.plain_texts(map, &entry.key);
        let mut known = words.clone();
        known.sort();
        known.dedup();
        let fine = words.len() >= 2 && known.len() == words.len();
        // A choice of several is kept as a text with commas between.
        let fine = fine
            && words
                .iter()
                .all(|w| !w.is_empty() && !w.contains([',', '\n']));
        if fine {
            return Some(words);
        }
        let message = format!(
            "`{}` takes two words or more to pick from, each of them once and without a comma.",
            entry.key
        );
        self.error(entry.line, "wrong-shape", message);
        None
    }

    /// A key that may stand in an address.
    fn short_name(&mut self, map: Map<'_>, whose: &str) -> String {
        let key = self.needed(map, "key", whose);
        if !key.is_empty() && !is_short_name(&key) {
            let line = map.get("key").map_or(map.line, |entry| entry.line);
            let message =
                format!("`{key}` can't be a key. Write letters, digits, `-` and `_`, 64 at most.");
            self.error(line, "bad-key", message);
        }
        key
    }

    fn number(&mut self, map: Map<'_>, key: &str, least: u32, most: u32) -> Option<u32> {
        let entry = map.get(key)?;
        let said = self.text_of(entry)?;
        let number = said.parse().ok().filter(|n| (least..=most).contains(n));
        if number.is_none() {
            self.error(
                entry.line,
                "bad-number",
                format!("`{key}` can't be `{said}`. Write a whole number from {least} to {most}."),
            );
        }
        number
    }

    fn period(&mut self, map: Map<'_>, key: &str) -> Option<Period> {
        let entry = map.get(key)?;
        let said = self.text_of(entry)?;
        let period = Period::parse(&said);
        if period.is_none() {
            self.error(
                entry.line,
                "bad-period",
                format!("`{key}` can't be `{said}`. Write a time such as `7 days`, `6 months` or `2 years`."),
            );
        }
        period
    }

    fn day(&mut self, map: Map<'_>, key: &str) -> Option<Date> {
        let entry = map.get(key)?;
        let said = self.text_of(entry)?;
        let day = said.parse().ok();
        if day.is_none() {
            self.error(
                entry.line,
                "bad-day",
                format!("`{key}` can't be `{said}`. Write a day such as `2027-01-31`."),
            );
        }
        day
    }

    /// Addresses of web pages: an origin, and behind it a path where `origin_only` does not forbid it.
    fn web_addresses(&mut self, map: Map<'_>, key: &str, origin_only: bool) -> Vec<String> {
        let mut known = Vec::new();
        for (line, address) in self.texts(map, key) {
            if is_web_address(&address, origin_only) {
                known.push(address);
            } else {
                let such = if origin_only {
                    "`https://shop.example`, with nothing behind it"
                } else {
                    "`https://shop.example/welcome`"
                };
                let message =
                    format!("`{address}` can't stand in `{key}`. Write an address such as {such}.");
                self.error(line, "bad-address", message);
            }
        }
        known
    }
}

/// HTTPS, or HTTP to this machine; no user, no query, no fragment, no way up.
fn is_web_address(address: &str, origin_only: bool) -> bool {
    let local = ["http://localhost", "http://127.0.0.1"];
    let rest = match address.strip_prefix("https://") {
        Some(rest) => rest,
        None => match local.iter().find_map(|start| address.strip_prefix(start)) {
            Some(rest) if rest.is_empty() || rest.starts_with([':', '/']) => {
                address.strip_prefix("http://").unwrap_or_default()
            }
            _ => return false,
        },
    };
    let (host, path) = rest
        .split_once('/')
        .map_or((rest, None), |(h, p)| (h, Some(p)));
    let plain_host = |c: char| c.is_ascii_alphanumeric() || ".-:".contains(c);
    let plain_path = |c: char| c.is_ascii_graphic() && !"?#\\%\"'<>;".contains(c);
    let no_way_up = |path: &str| path.split('/').all(|part| part != ".." && part != ".");
    !host.is_empty()
        && host.chars().all(plain_host)
        && path.is_none_or(|p| !origin_only && p.chars().all(plain_path) && no_way_up(p))
}

/// Names that point at something: purposes, fields, programmes, other asks.
pub(super) fn check_ask_names(catalog: &Catalog, findings: &mut Vec<Finding>) {
    let company = &catalog.company;
    let purposes: Vec<&str> = company.purposes.iter().map(|p| p.key.as_str()).collect();
    let programmes: Vec<&str> = company.programmes.iter().map(|p| p.key.as_str()).collect();
    let asks: Vec<&str> = catalog.asks.iter().map(|ask| ask.key.as_str()).collect();
    let mut known = |name: &str, known: &[&str], kind: &str, code, place: &Place| {
        if !name.is_empty() {
            unknown_name(name, known, kind, code, place, findings);
        }
    };
    for programme in &company.programmes {
        let place = &programme.place;
        known(
            &programme.purpose,
            &purposes,
            "purpose",
            "unknown-purpose",
            place,
        );
    }
    for ask in &catalog.asks {
        known(
            &ask.purpose,
            &purposes,
            "purpose",
            "unknown-purpose",
            &ask.place,
        );
        if let Some(programme) = &ask.programme {
            known(
                programme,
                &programmes,
                "programme",
                "unknown-programme",
                &ask.place,
            );
        }
        for before in &ask.after {
            known(before, &asks, "ask", "unknown-ask", &ask.place);
        }
    }
    for reward in &catalog.rewards {
        let place = &reward.place;
        known(
            &reward.programme,
            &programmes,
            "programme",
            "unknown-programme",
            place,
        );
    }
    for ask in &catalog.asks {
        for name in ask
            .fields
            .iter()
            .filter(|name| catalog.own_field(name).is_none())
        {
            let fields: Vec<&str> = catalog.own_fields().map(|(_, f)| f.name.as_str()).collect();
            let hint = did_you_mean(name, &fields);
            findings.push(Finding::error(
                &ask.place,
                "unknown-field",
                format!("The portal keeps no field `{name}`. {hint}Describe it in a dataset with `connection: portal`, with an `answer`."),
            ));
        }
    }
}
