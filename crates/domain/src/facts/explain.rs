//! What a field is, why it is held, who sees it, how long it is kept, and whether it can be erased: in whole sentences.

use super::words::{capitalised, in_sentence};
use crate::catalog::{Basis, Catalog, Collection, Dataset, Erase, Field, Origin, Purpose};

/// What a field is and why it is held: the same for every customer, so it is made once, when the catalog is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What it is.
    pub what: Option<String>,
    /// Why it is held.
    pub why: Option<String>,
    /// How it was obtained, and where it is.
    pub origin: String,
    /// What it is used for, one sentence each.
    pub used_for: Vec<String>,
    /// Who can see it.
    pub seen_by: String,
    /// How long it is kept and what happens then.
    pub kept: String,
    /// Whether it can be erased.
    pub erased: String,
}

/// The explanation of a field.
pub fn explain(
    catalog: &Catalog,
    dataset: &Dataset,
    collection: &Collection,
    field: &Field,
) -> Explanation {
    let company = &catalog.company;
    let purposes: Vec<&Purpose> = field
        .purposes
        .iter()
        .filter_map(|key| company.purpose(key))
        .collect();
    let seen_by = field
        .seen_by
        .iter()
        .filter_map(|key| company.recipient(key))
        .map(|r| format!("{}. {}", r.name, r.what_for));
    let seen_by: Vec<String> = seen_by.collect();
    Explanation {
        what: field.description.clone(),
        why: field.why.clone(),
        origin: format!(
            "{} It is in {}.",
            origin_words(field.origin),
            in_sentence(&dataset.name)
        ),
        used_for: used_for(&purposes),
        seen_by: match (seen_by.as_slice(), field.said.at("seen_by")) {
            ([], None) => "Nobody has written down who can see it.".to_owned(),
            ([], Some(_)) => "Nobody but you.".to_owned(),
            (names, _) => names.join(" "),
        },
        kept: kept(collection, field),
        erased: erased(field),
    }
}

const fn origin_words(origin: Option<Origin>) -> &'static str {
    match origin {
        Some(Origin::Provided) => "You gave it to us.",
        Some(Origin::Observed) => "We saw it when you used what we offer.",
        Some(Origin::Inferred) => "We worked it out. It is a guess and may be wrong.",
        Some(Origin::Obtained) => "We got it from somebody else, not from you.",
        None => "Nobody has written down how we got it.",
    }
}

/// The purposes' own words, those of one basis together with what that basis means.
fn used_for(purposes: &[&Purpose]) -> Vec<String> {
    [Basis::Contract, Basis::Law, Basis::Interest, Basis::Consent]
        .into_iter()
        .filter_map(|basis| {
            let words: Vec<&str> = purposes
                .iter()
                .filter(|p| p.basis == basis)
                .map(|p| p.words.as_str())
                .collect();
            (!words.is_empty()).then(|| format!("{} {}", words.join(" "), basis_words(basis)))
        })
        .collect()
}

const fn basis_words(basis: Basis) -> &'static str {
    match basis {
        Basis::Consent => "(Only if you said yes.)",
        Basis::Contract => "(We need it for what you asked us to do.)",
        Basis::Law => "(The law asks for it.)",
        Basis::Interest => "(We decided this ourselves. You can object.)",
    }
}

fn kept(collection: &Collection, field: &Field) -> String {
    let Some(keep) = &field.keep else {
        return "Nobody has written down how long we keep it.".to_owned();
    };
    let counted = keep.duration.starts_with(|c: char| c.is_ascii_digit());
    let long = if counted {
        format!("For {}", keep.duration)
    } else {
        capitalised(&keep.duration)
    };
    let from = keep.from.as_deref().filter(|_| counted);
    let from = from.map(|from| counted_from(collection, from));
    let because = keep.because.as_ref();
    let because = because.map(|because| format!(" The reason: {because}."));
    let then = match field.erase {
        Some(Erase::Mask) => "Then we write over it, so that it leads to nobody.",
        Some(Erase::Null) => "Then we empty it.",
        _ => "Then we delete it.",
    };
    format!(
        "{long}{}.{} {then}",
        from.unwrap_or_default(),
        because.unwrap_or_default()
    )
}

/// The column that starts the clock, by its label where it has one.
fn counted_from(collection: &Collection, from: &str) -> String {
    let column = from.rsplit('.').next().unwrap_or(from);
    match collection.field(column).and_then(|f| f.label.as_deref()) {
        Some(label) => format!(", counted from “{label}”"),
        None => format!(", counted from {}", column.replace('_', " ")),
    }
}

fn erased(field: &Field) -> String {
    match field.erase {
        Some(Erase::Delete) => "Yes. We delete the whole entry.".to_owned(),
        Some(Erase::Null) => "Yes. We empty it.".to_owned(),
        Some(Erase::Mask) => "Yes. We write over it, so that it leads to nobody.".to_owned(),
        Some(Erase::Keep) => match field.keep.as_ref().and_then(|k| k.because.as_ref()) {
            Some(because) => format!("Not yet. We must keep it for now: {because}."),
            None => "Not yet. We must keep it for now.".to_owned(),
        },
        None => "Nobody has written that down yet. Ask us and we will find out.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Class, Keep, Place, Said};

    #[test]
    fn purposes_of_one_basis_stand_together() {
        let purpose = |words: &str, basis| Purpose {
            key: words.to_owned(),
            data_use: String::new(),
            basis,
            class: Class::Service,
            channels: Vec::new(),
            words: words.to_owned(),
            version: 1,
            needs: Vec::new(),
            place: Place::default(),
        };
        let all = [
            purpose("We pack it.", Basis::Contract),
            purpose("We text you.", Basis::Consent),
            purpose("We send a receipt.", Basis::Contract),
        ];
        let said = used_for(&all.iter().collect::<Vec<_>>());
        assert_eq!(said.len(), 2);
        assert!(
            said.first()
                .is_some_and(|s| s.starts_with("We pack it. We send a receipt. (We need"))
        );
    }

    #[test]
    fn explains_in_whole_sentences() {
        let field = Field {
            keep: Some(Keep {
                duration: "7 years".to_owned(),
                from: Some("orders.placed_at".to_owned()),
                because: Some("tax law".to_owned()),
            }),
            erase: Some(Erase::Keep),
            ..Field::default()
        };
        let placed = Field {
            name: "placed_at".to_owned(),
            label: Some("Ordered on".to_owned()),
            ..Field::default()
        };
        let orders = Collection {
            fields: vec![placed],
            ..Collection::default()
        };
        let dataset = Dataset {
            name: "Our shop".to_owned(),
            ..Dataset::default()
        };
        let said = explain(&Catalog::default(), &dataset, &orders, &field);
        assert_eq!(
            said.kept,
            "For 7 years, counted from “Ordered on”. The reason: tax law. Then we delete it."
        );
        assert_eq!(said.erased, "Not yet. We must keep it for now: tax law.");
        assert_eq!(said.seen_by, "Nobody has written down who can see it.");
        let nobody = Field {
            said: Said(vec![("seen_by", Place::default())]),
            ..field
        };
        let said = explain(&Catalog::default(), &dataset, &orders, &nobody);
        assert_eq!(said.seen_by, "Nobody but you.");
        assert!(said.origin.ends_with("It is in our shop."));
    }
}
