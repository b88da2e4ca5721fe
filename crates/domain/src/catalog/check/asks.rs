//! What may be asked for, and on what terms: gradually, for a stated value, and never for more than its purpose needs.

use super::{Finding, check_text};

use crate::catalog::{
    AnswerKind, Ask, Basis, Catalog, Company, Field, MOST_COUNTED, MOST_POINTS, OWN_CONNECTION,
    Reward, RewardKind,
};

pub(super) fn check_programmes(company: &Company, findings: &mut Vec<Finding>) {
    for programme in &company.programmes {
        let place = &programme.place;
        check_text("name", Some(&programme.name), place, findings);
        check_text("words", Some(&programme.words), place, findings);
        for term in &programme.terms {
            check_text("terms", Some(term), place, findings);
        }
    }
}

pub(super) fn check_rewards(catalog: &Catalog, findings: &mut Vec<Finding>) {
    for reward in &catalog.rewards {
        check_reward(reward, findings);
    }
}

/// What is wrong with a reward, wherever it is written: in a catalog, or on the staff's page. Its programme is for others to
/// look up.
pub fn check_reward(reward: &Reward, findings: &mut Vec<Finding>) {
    let (key, place) = (&reward.key, &reward.place);
    check_text("name", Some(&reward.name), place, findings);
    check_text("words", Some(&reward.words), place, findings);
    let bounds = [
        ("costs", Some(reward.costs), 1, MOST_POINTS),
        ("stock", reward.stock, 0, MOST_COUNTED),
        ("limit", reward.limit, 1, MOST_COUNTED),
    ];
    for (name, number, least, most) in bounds {
        if number.is_some_and(|number| !(least..=most).contains(&number)) {
            let message = format!("`{name}` must be a whole number from {least} to {most}.");
            findings.push(Finding::error(place, "bad-number", message));
        }
    }
    let beginning = |code: &String| {
        let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
        (1..=20).contains(&code.len()) && code.chars().all(plain)
    };
    if reward.kind == RewardKind::Percent && !reward.code.as_ref().is_none_or(beginning) {
        let message = format!(
            "Codes of `{key}` can't begin like this. Write letters A to Z and digits, 20 at most, such as `code: FINCH10`, or nothing at all."
        );
        findings.push(Finding::error(place, "bad-code", message));
    }
    if reward.kind == RewardKind::Voucher && reward.stock.is_some() {
        findings.push(Finding::note(
            place,
            "stock-is-the-pool",
            format!(
                "The reward `{key}` is a voucher: there are as many as codes were put in, so its `stock` is not used."
            ),
        ));
    }
}

pub(super) fn check_asks(catalog: &Catalog, findings: &mut Vec<Finding>) {
    for (index, ask) in catalog.asks.iter().enumerate() {
        for (key, text) in [
            ("question", &ask.question),
            ("value", &ask.value),
            ("used", &ask.used),
            ("if_no", &ask.if_no),
            ("worth", &ask.worth),
            ("method", &ask.method),
        ] {
            check_text(key, Some(text), &ask.place, findings);
        }
        for (code, message) in wrongs(catalog, ask, index) {
            findings.push(Finding::error(&ask.place, code, message));
        }
    }
    check_answers(catalog, findings);
}

/// What is wrong with one ask.
fn wrongs(catalog: &Catalog, ask: &Ask, index: usize) -> Vec<(&'static str, String)> {
    let key = &ask.key;
    let fields: Vec<&Field> = ask
        .fields
        .iter()
        .filter_map(|name| Some(catalog.own_field(name)?.1))
        .collect();
    let mut wrongs = Vec::new();
    if ask.worth.is_empty() || ask.method.is_empty() {
        let message = format!(
            "The ask `{key}` does not say what the data is worth. Add `estimate: {{ worth: about €0.40 a year, method: how you worked that out }}`."
        );
        wrongs.push(("no-estimate", message));
    }
    let purpose = catalog.company.purpose(&ask.purpose);
    if purpose.is_some_and(|purpose| purpose.basis != Basis::Consent) {
        let message = format!(
            "The ask `{key}` is for `{}`, which needs no yes. Ask for a purpose with `basis: consent`.",
            ask.purpose
        );
        wrongs.push(("ask-without-consent", message));
    }
    for field in &fields {
        if !field.purposes.contains(&ask.purpose) {
            let message = format!(
                "The ask `{key}` wants `{}` for `{}`, which is none of its purposes. Add it to the field's `purposes`, or ask for less.",
                field.name, ask.purpose
            );
            wrongs.push(("asks-too-much", message));
        }
        if field.answer.is_none() {
            let message = format!(
                "The ask `{key}` wants `{}`, and nothing says what one types there. Add `answer: ` to the field, such as `answer: phone`.",
                field.name
            );
            wrongs.push(("no-answer", message));
        }
    }
    let is_contact = |field: &Field| {
        matches!(
            field.answer,
            Some(AnswerKind::Phone | AnswerKind::Address) | None
        )
    };
    if ask.step < 3 && !fields.iter().all(|field| is_contact(field)) {
        let message = format!(
            "The ask `{key}` comes too soon. Step 2 is for a phone number or a postal address; write `step: 3` or more."
        );
        wrongs.push(("too-soon", message));
    }
    if ask.points > 0 {
        wrongs.extend(wrong_points(catalog, ask, &fields, index));
    }
    for before in ask.after.iter().filter_map(|key| catalog.ask(key)) {
        if before.step >= ask.step {
            let message = format!(
                "The ask `{key}` comes after `{}`, which stands on no lower step. Give it a higher `step`.",
                before.key
            );
            wrongs.push(("after-no-lower-step", message));
        }
    }
    wrongs
}

fn wrong_points(
    catalog: &Catalog,
    ask: &Ask,
    fields: &[&Field],
    index: usize,
) -> Vec<(&'static str, String)> {
    let key = &ask.key;
    let mut wrongs = Vec::new();
    if let Some(field) = fields.iter().find(|field| field.is_sensitive()) {
        let message = format!(
            "The ask `{key}` gives points for `{}`, which is sensitive. Such a yes must be free: take the `points` away.",
            field.name
        );
        wrongs.push(("points-for-sensitive", message));
    }
    if ask.programme.is_none() {
        let message = format!(
            "The ask `{key}` gives points of no programme. Add `programme: ` with its key."
        );
        wrongs.push(("points-of-nothing", message));
    }
    let before = catalog.asks.iter().take(index);
    if let Some(twin) = before
        .filter(|other| other.points > 0)
        .find(|other| other.purpose == ask.purpose && other.programme == ask.programme)
    {
        let message = format!(
            "The asks `{}` and `{key}` both give points for `{}`, and points come once for a purpose. Take the `points` from one of them, or ask for both together.",
            twin.key, ask.purpose
        );
        wrongs.push(("points-twice", message));
    }
    wrongs
}

/// What a customer types stands in the portal's own record, nowhere else.
fn check_answers(catalog: &Catalog, findings: &mut Vec<Finding>) {
    let elsewhere = |d: &&crate::catalog::Dataset| d.connection.as_deref() != Some(OWN_CONNECTION);
    for dataset in catalog.datasets.iter().filter(elsewhere) {
        let fields = dataset.collections.iter().flat_map(|c| &c.fields);
        for field in fields.filter(|field| field.answer.is_some()) {
            findings.push(Finding::error(
                &field.place,
                "answer-elsewhere",
                format!(
                    "The field `{}` has an `answer`, but the portal can't write to `{}`. Move it to a dataset with `connection: portal`.",
                    field.name, dataset.key
                ),
            ));
        }
    }
    let names: Vec<&str> = catalog.own_fields().map(|(_, f)| f.name.as_str()).collect();
    for (index, (_, field)) in catalog.own_fields().enumerate() {
        if names.iter().take(index).any(|name| *name == field.name) {
            findings.push(Finding::error(
                &field.place,
                "field-twice",
                format!(
                    "The portal keeps two fields `{}`, and nobody could tell which one is asked for. Give one another name.",
                    field.name
                ),
            ));
        }
    }
}
