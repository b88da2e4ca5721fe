//! The rules of asks, programmes and rewards.

use super::super::*;
use crate::catalog::load::{Loaded, SourceFile, load};

const ASKED_COMPANY: &str = "name: Penny\nprivacy_contact: Penny\npurposes:\n  \
    - { key: texts, use: marketing.communications.sms, basis: consent, class: marketing, words: We text you. }\n  \
    - { key: tax, use: essential.legal_obligation, basis: law, class: service, words: The law asks. }\n\
    programmes:\n  - { key: club, name: Club, words: You get points., purpose: tax }\n";
const ASKED_OWN: &str = "dataset:\n  - fides_key: portal\n    name: Portal\n    portal: { connection: portal, why: We text you., origin: provided, keep: 2 years, erase: delete, purposes: [texts], seen_by: [] }\n    \
    collections:\n      - name: you\n        portal: { rows: own, label: You }\n        fields:\n          \
    - { name: phone, data_categories: [user.contact.phone_number], portal: { label: Phone, answer: phone } }\n          \
    - { name: music, data_categories: [user.behavior], portal: { label: Music, answer: text } }\n          \
    - { name: health, data_categories: [user.health_and_medical], portal: { label: Health, answer: text } }\n          \
    - { name: silent, data_categories: [user.behavior], portal: { label: Silent } }\n          \
    - { name: other, data_categories: [user.behavior], portal: { label: Other, answer: text, purposes: [tax] } }\n";
const ASKED: &str = "asks:\n  \
    - { key: first, purpose: texts, fields: [phone], step: 2, question: May we?, value: Much., used: Little., if_no: Nothing., \
        programme: club, points: 5, estimate: { worth: little, method: We guessed. } }\n  \
    - { key: second, purpose: texts, fields: [music], step: 3, after: [first], question: May we?, value: Much., used: Little., if_no: Nothing., \
        estimate: { worth: little, method: We guessed. } }\n\
    rewards:\n  - { key: cup, programme: club, name: A cup, words: One cup., kind: percent, costs: 10 }\n";

/// The codes of what is wrong with these asks, errors alone.
fn codes_of_asks(company: &str, own: &str, asks: &str) -> Vec<&'static str> {
    let files = [
        ("company.yml", company),
        ("datasets/portal.yml", own),
        ("asks.yml", asks),
    ]
    .map(|(path, text)| SourceFile {
        path: path.to_owned(),
        text: text.to_owned(),
    });
    let Loaded {
        catalog,
        mut findings,
    } = load(&files);
    findings.extend(check_rules(&catalog));
    let errors = findings.iter().filter(|finding| finding.is_error());
    errors.map(|finding| finding.code).collect()
}

#[test]
fn asks_that_keep_the_rules_have_nothing_to_put_right() {
    assert_eq!(codes_of_asks(ASKED_COMPANY, ASKED_OWN, ASKED), [""; 0]);
}

#[test]
fn each_rule_of_asks_is_kept() {
    for (from, to, code) in [
        (
            ", estimate: { worth: little, method: We guessed. } }\n  - { key: second",
            " }\n  - { key: second",
            "no-estimate",
        ),
        (
            "purpose: texts, fields: [phone]",
            "purpose: tax, fields: [phone]",
            "ask-without-consent",
        ),
        ("fields: [phone]", "fields: [other]", "asks-too-much"),
        ("fields: [music]", "fields: [silent]", "no-answer"),
        ("fields: [phone]", "fields: [music]", "too-soon"),
        (
            "fields: [phone], step: 2",
            "fields: [health], step: 3",
            "points-for-sensitive",
        ),
        ("programme: club, points", "points", "points-of-nothing"),
        (
            "fields: [music], step: 3",
            "fields: [music], programme: club, points: 2, step: 3",
            "points-twice",
        ),
        ("step: 3, after", "step: 2, after", "after-no-lower-step"),
        ("fields: [music]", "fields: [nowhere]", "unknown-field"),
        (
            "purpose: texts, fields: [phone]",
            "purpose: text, fields: [phone]",
            "unknown-purpose",
        ),
        (
            "programme: club, points",
            "programme: clup, points",
            "unknown-programme",
        ),
        ("after: [first]", "after: [frist]", "unknown-ask"),
        ("points: 5", "points: -5", "bad-number"),
        ("points: 5", "points: 99999999999", "bad-number"),
        ("step: 2", "step: 2, lasts: 7 weeks", "bad-period"),
        ("step: 2", "step: 2, ends: 31.12.2027", "bad-day"),
        ("key: second", "key: first", "duplicate-key"),
        ("key: first", "key: \"first/../x\"", "bad-key"),
        ("kind: percent", "kind: gift", "unknown-value"),
        ("costs: 10", "costs: 0", "bad-number"),
        ("costs: 10", "costs: 10, stock: 1000001", "bad-number"),
        ("costs: 10", "costs: 10, limit: 0", "bad-number"),
        ("costs: 10", "costs: 10, code: ten%", "bad-code"),
        ("words: One cup.", "words: We leverage cups.", "jargon"),
        ("question: May we?", "quest: May we?", "unknown-key"),
        (
            "value: Much., used",
            "value: We leverage synergies., used",
            "jargon",
        ),
    ] {
        let asks = ASKED.replacen(from, to, 1);
        assert_ne!(asks, ASKED, "{from}");
        let codes = codes_of_asks(ASKED_COMPANY, ASKED_OWN, &asks);
        assert!(codes.contains(&code), "{to}: {codes:?}");
    }
}

#[test]
fn addresses_of_a_programme_are_whole_and_plain() {
    let with = |key: &str, address: &str| {
        let line = format!("purpose: tax, {key}: [\"{address}\"] }}");
        let company = ASKED_COMPANY.replace("purpose: tax }", &line);
        codes_of_asks(&company, ASKED_OWN, ASKED)
    };
    for fine in [
        "https://shop.example",
        "https://shop.example/a/b",
        "http://localhost:3000/x",
    ] {
        assert_eq!(with("return_to", fine), [""; 0], "{fine}");
    }
    for bad in [
        "http://shop.example",
        "shop.example",
        "//shop.example",
        "https://",
        "https://a@shop.example/",
        "https://shop.example/../x",
        "https://shop.example/?a",
        "https://shop.example/#a",
        "javascript:alert(1)",
        "http://localhost.evil.example/",
        "https://shop.example/%2e%2e/",
    ] {
        assert_eq!(with("return_to", bad), ["bad-address"], "{bad}");
    }
    assert_eq!(with("embedded_by", "https://shop.example"), [""; 0]);
    assert_eq!(
        with("embedded_by", "https://shop.example/x"),
        ["bad-address"]
    );
    assert_eq!(with("embedded_by", "*"), ["bad-address"]);
}

#[test]
fn an_answer_stands_where_the_portal_can_write() {
    let elsewhere = ASKED_OWN.replace("connection: portal", "connection: shop");
    let company = format!("{ASKED_COMPANY}connections: [shop]\n");
    let codes = codes_of_asks(&company, &elsewhere, "");
    assert!(codes.contains(&"answer-elsewhere"), "{codes:?}");
    let twice = ASKED_OWN.replace("name: music", "name: phone");
    assert!(
        codes_of_asks(ASKED_COMPANY, &twice, "").contains(&"field-twice")
            || codes_of_asks(ASKED_COMPANY, &twice, "").contains(&"duplicate-field")
    );
    let other_kinds = [
        ("answer: text }", "answer: { one_of: [Tea, Coffee] } }", ""),
        (
            "answer: text }",
            "answer: { any_of: [Tea] } }",
            "wrong-shape",
        ),
        (
            "answer: text }",
            "answer: { one_of: [Tea, Tea] } }",
            "wrong-shape",
        ),
        (
            "answer: text }",
            "answer: { one_of: [\"a,b\", c] } }",
            "wrong-shape",
        ),
        ("answer: text }", "answer: { text: 0 } }", "bad-number"),
        ("answer: text }", "answer: picture }", "unknown-value"),
    ];
    for (from, to, code) in other_kinds {
        let own = ASKED_OWN.replacen(from, to, 1);
        let codes = codes_of_asks(ASKED_COMPANY, &own, "");
        assert_eq!(codes.first().copied().unwrap_or_default(), code, "{to}");
    }
}
