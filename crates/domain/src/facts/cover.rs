//! What is shown of a value before anybody uncovers it, and what is never read at all.

use crate::catalog::{Field, Show, looks_like_a_secret};

/// The reason shown where a column's name is that of a secret and the catalog gives none.
pub const SECRET_REASON: &str =
    "Its name says that it is a secret, such as a password or a card code. We never show those.";

/// Why a field's value is never read, if it is not.
pub fn withheld(name: &str, field: Option<&Field>) -> Option<String> {
    match field.and_then(|f| f.withheld.clone()) {
        Some(reason) => Some(reason),
        None if looks_like_a_secret(name) => Some(SECRET_REASON.to_owned()),
        None => None,
    }
}

/// How a field's value is shown before anybody uncovers it: sensitive ones and those that nobody described are covered.
pub fn show(field: Option<&Field>) -> Show {
    match field {
        None => Show::Covered,
        // A sensitive value is never in plain sight, whatever a catalog says.
        Some(field) if field.is_sensitive() => match field.show {
            Some(Show::Last4) => Show::Last4,
            _ => Show::Covered,
        },
        Some(field) => field.show.unwrap_or(Show::Full),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Origin;
    use crate::facts::sample::field;

    #[test]
    fn what_nobody_described_and_what_is_sensitive_is_covered() {
        assert_eq!(show(None), Show::Covered);
        assert_eq!(
            show(Some(&field("user.health_and_medical", Origin::Inferred))),
            Show::Covered
        );
        assert_eq!(
            show(Some(&field("user.name", Origin::Provided))),
            Show::Full
        );
    }

    #[test]
    fn secrets_are_withheld_by_their_name() {
        assert_eq!(
            withheld("password_hash", None).as_deref(),
            Some(SECRET_REASON)
        );
        let field = Field {
            withheld: Some("A scrambled form.".to_owned()),
            ..Field::default()
        };
        assert_eq!(
            withheld("anything", Some(&field)).as_deref(),
            Some("A scrambled form.")
        );
        assert_eq!(withheld("city", None), None);
    }
}
