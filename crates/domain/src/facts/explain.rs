//! What a field is, why it is held, who sees it, how long it is kept, and whether it can be erased: in whole sentences.

use super::words::{capitalised, label_in_sentence};
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

impl Explanation {
    /// Its points: what each is called, and its words.
    pub fn points(&self) -> Vec<(&'static str, String)> {
        let own = [
            ("What it is", self.what.clone()),
            ("Why we hold it", self.why.clone()),
        ];
        own.into_iter()
            .filter_map(|(name, words)| Some((name, words?)))
            .chain(self.common())
            .collect()
    }

    /// The points that fields of a list often share.
    pub fn common(&self) -> Vec<(&'static str, String)> {
        let used = if self.used_for.is_empty() {
            "Nothing else.".to_owned()
        } else {
            self.used_for.join(" ")
        };
        vec![
            ("Where it came from", self.origin.clone()),
            ("What we use it for", used),
            ("Who can see it", self.seen_by.clone()),
            ("How long we keep it", self.kept.clone()),
            ("Can it be erased?", self.erased.clone()),
        ]
    }
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
            "{} {} holds it.",
            origin_words(field),
            capitalised(&dataset.name)
        ),
        used_for: used_for(&purposes),
        seen_by: match (seen_by.as_slice(), field.said.at("seen_by")) {
            ([], _) if field.withheld.is_some() => "Nobody.".to_owned(),
            ([], None) => "Nobody has written down who can see it.".to_owned(),
            ([], Some(_)) => "Nobody but you.".to_owned(),
            (names, _) => names.join(" "),
        },
        kept: kept_words(dataset, collection, field),
        erased: erased(field),
    }
}

fn origin_words(field: &Field) -> &'static str {
    match field.origin {
        Some(Origin::Provided) => "You gave it to us.",
        Some(Origin::Observed) if is_a_number_of_ours(field) => {
            "Our system made it, to tell one from the next."
        }
        Some(Origin::Observed) => "Our system wrote it down when you used what we offer.",
        Some(Origin::Inferred) => "We worked it out. It is a guess and may be wrong.",
        Some(Origin::Obtained) => "We got it from somebody else, not from you.",
        None => "Nobody has written down how we got it.",
    }
}

/// Whether it is what a system calls somebody or something: nobody saw it anywhere.
fn is_a_number_of_ours(field: &Field) -> bool {
    let ours = [
        "user.unique_id",
        "user.device.cookie_id",
        "user.device.device_id",
    ];
    field
        .categories
        .iter()
        .any(|category| ours.iter().any(|start| category.starts_with(start)))
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

/// What a legal basis means to the customer, in brackets.
pub const fn basis_words(basis: Basis) -> &'static str {
    match basis {
        Basis::Consent => "(Only if you said yes.)",
        Basis::Contract => "(We need it for what you asked us to do.)",
        Basis::Law => "(The law asks for it.)",
        Basis::Interest => "(We decided this ourselves. You can object.)",
    }
}

/// How long a field is kept and why, in sentences.
pub fn kept_words(dataset: &Dataset, collection: &Collection, field: &Field) -> String {
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
    let from = from.and_then(|from| counted_from(dataset, collection, from));
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

/// The column that starts the clock, by its label, with its collection's where that is another one. Without a label
/// nothing is said: the column's own name tells a customer nothing.
fn counted_from(dataset: &Dataset, collection: &Collection, from: &str) -> Option<String> {
    let label = |collection: &Collection, column: &str| collection.field(column)?.label.clone();
    let elsewhere = from
        .rsplit_once('.')
        .and_then(|(name, column)| Some((dataset.collection(name)?, column)))
        .filter(|(other, _)| other.name != collection.name);
    if let Some((other, column)) = elsewhere {
        let place = label_in_sentence(other.label.as_ref()?);
        return Some(format!(
            ", counted from “{}” in {place}",
            label(other, column)?
        ));
    }
    let column = from.rsplit('.').next().unwrap_or(from);
    Some(format!(", counted from “{}”", label(collection, column)?))
}

fn erased(field: &Field) -> String {
    let yes = |how: &str| format!("Yes, under “Delete your data”. {how}");
    match field.erase {
        Some(Erase::Delete) => yes("We delete the whole entry."),
        Some(Erase::Null) => yes("We empty it."),
        Some(Erase::Mask) => yes("We write over it, so that it leads to nobody."),
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
            name: "orders".to_owned(),
            label: Some("Your orders".to_owned()),
            fields: vec![placed],
            ..Collection::default()
        };
        let dataset = Dataset {
            name: "Our shop".to_owned(),
            collections: vec![orders.clone()],
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
            ..field.clone()
        };
        let said = explain(&Catalog::default(), &dataset, &orders, &nobody);
        assert_eq!(said.seen_by, "Nobody but you.");
        assert!(said.origin.ends_with("Our shop holds it."));

        let account = Collection {
            name: "customers".to_owned(),
            ..Collection::default()
        };
        let said = explain(&Catalog::default(), &dataset, &account, &field);
        assert!(
            said.kept
                .starts_with("For 7 years, counted from “Ordered on” in your orders.")
        );
        let nameless = explain(&Catalog::default(), &Dataset::default(), &account, &field);
        assert!(nameless.kept.starts_with("For 7 years. "));
    }

    #[test]
    fn says_how_to_have_it_erased() {
        let mut catalog = Catalog::default();
        catalog.company.privacy_contact = Some("Write to data@shop.example.".to_owned());
        let field = Field {
            erase: Some(Erase::Null),
            ..Field::default()
        };
        let (dataset, collection) = (Dataset::default(), Collection::default());
        assert_eq!(
            explain(&catalog, &dataset, &collection, &field).erased,
            "Yes, under “Delete your data”. We empty it."
        );
    }

    #[test]
    fn a_number_that_a_system_made_was_seen_nowhere() {
        let said =
            |category: &str| origin_words(&crate::facts::sample::field(category, Origin::Observed));
        assert!(said("user.unique_id.pseudonymous").starts_with("Our system made it"));
        assert!(said("user.behavior").starts_with("Our system wrote it down"));
    }
}
