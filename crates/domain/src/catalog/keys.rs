//! The keys that a catalog may use, which of them are sensitive, and which column names betray a secret.
//!
//! The keys are fideslang's defaults (version 2 and 3 of the taxonomy), kept sorted so that a look-up is a binary
//! search. A new key of a later version is one more line here, in its place.

/// fideslang data categories, sorted.
static CATEGORIES: &[&str] = &[
    "system",
    "system.authentication",
    "system.operations",
    "user",
    "user.account",
    "user.account.settings",
    "user.account.username",
    "user.authorization",
    "user.authorization.biometric",
    "user.authorization.credentials",
    "user.authorization.password",
    "user.behavior",
    "user.behavior.browsing_history",
    "user.behavior.media_consumption",
    "user.behavior.purchase_history",
    "user.behavior.search_history",
    "user.biometric",
    "user.biometric.fingerprint",
    "user.biometric.health",
    "user.biometric.retinal",
    "user.biometric.voice",
    "user.childrens",
    "user.contact",
    "user.contact.address",
    "user.contact.address.city",
    "user.contact.address.country",
    "user.contact.address.postal_code",
    "user.contact.address.state",
    "user.contact.address.street",
    "user.contact.email",
    "user.contact.fax_number",
    "user.contact.organization",
    "user.contact.phone_number",
    "user.contact.url",
    "user.content",
    "user.content.private",
    "user.content.public",
    "user.content.self_image",
    "user.criminal_history",
    "user.demographic",
    "user.demographic.age_range",
    "user.demographic.date_of_birth",
    "user.demographic.gender",
    "user.demographic.language",
    "user.demographic.marital_status",
    "user.demographic.political_opinion",
    "user.demographic.profile",
    "user.demographic.race_ethnicity",
    "user.demographic.religious_belief",
    "user.demographic.sexual_orientation",
    "user.device",
    "user.device.cookie",
    "user.device.cookie_id",
    "user.device.device_id",
    "user.device.ip_address",
    "user.financial",
    "user.financial.bank_account",
    "user.financial.credit_card",
    "user.government_id",
    "user.government_id.birth_certificate",
    "user.government_id.drivers_license_number",
    "user.government_id.immigration",
    "user.government_id.national_identification_number",
    "user.government_id.passport_number",
    "user.government_id.vehicle_registration",
    "user.health_and_medical",
    "user.health_and_medical.genetic",
    "user.health_and_medical.insurance_beneficiary_id",
    "user.health_and_medical.record_id",
    "user.job_title",
    "user.location",
    "user.location.imprecise",
    "user.location.precise",
    "user.name",
    "user.name.first",
    "user.name.last",
    "user.payment",
    "user.privacy_preferences",
    "user.sensor",
    "user.social",
    "user.telemetry",
    "user.unique_id",
    "user.unique_id.pseudonymous",
    "user.user_sensor",
    "user.workplace",
];

/// Categories that a later version of fideslang renamed, with the name that stands in [`CATEGORIES`].
static RENAMED_CATEGORIES: &[(&str, &str)] = &[
    (
        "user.authorization.biometrics",
        "user.authorization.biometric",
    ),
    ("user.biometrics", "user.biometric"),
    ("user.biometrics.fingerprint", "user.biometric.fingerprint"),
    ("user.biometrics.retinal", "user.biometric.retinal"),
    ("user.biometrics.voice", "user.biometric.voice"),
    ("user.children", "user.childrens"),
    ("user.contact.social_url", "user.contact.url"),
    ("user.location.coarse", "user.location.imprecise"),
    ("user.settings", "user.account.settings"),
];

/// How the categories of fideslang's first version begin; what follows is spelt as it is today, or as the end of it.
static FIRST_VERSION: &[&str] = &[
    "user.provided.identifiable",
    "user.provided.nonidentifiable",
    "user.provided",
    "user.derived.identifiable",
    "user.derived.nonidentifiable",
    "user.derived",
    "account",
];

/// fideslang data uses, sorted.
static USES: &[&str] = &[
    "analytics",
    "analytics.reporting",
    "analytics.reporting.ad_performance",
    "analytics.reporting.campaign_insights",
    "analytics.reporting.content_performance",
    "analytics.reporting.system",
    "analytics.reporting.system.performance",
    "collect",
    "employment",
    "employment.recruitment",
    "essential",
    "essential.fraud_detection",
    "essential.legal_obligation",
    "essential.service",
    "essential.service.authentication",
    "essential.service.notifications",
    "essential.service.notifications.email",
    "essential.service.notifications.sms",
    "essential.service.operations",
    "essential.service.operations.improve",
    "essential.service.operations.support",
    "essential.service.payment_processing",
    "essential.service.security",
    "essential.service.upgrades",
    "finance",
    "functional",
    "functional.service",
    "functional.service.improve",
    "functional.storage",
    "marketing",
    "marketing.advertising",
    "marketing.advertising.first_party",
    "marketing.advertising.first_party.contextual",
    "marketing.advertising.first_party.targeted",
    "marketing.advertising.frequency_capping",
    "marketing.advertising.negative_targeting",
    "marketing.advertising.profiling",
    "marketing.advertising.serving",
    "marketing.advertising.third_party",
    "marketing.advertising.third_party.targeted",
    "marketing.communications",
    "marketing.communications.email",
    "marketing.communications.sms",
    "operations",
    "personalize",
    "personalize.content",
    "personalize.content.limited",
    "personalize.content.profiled",
    "personalize.content.profiling",
    "personalize.system",
    "sales",
    "third_party_sharing",
    "third_party_sharing.legal_obligation",
    "train_ai_system",
];

/// Categories that need the most care: they are covered until uncovered, and never paid for with points.
///
/// GDPR Art. 9 and 10, and children's data (Art. 8). Everything below one of them is sensitive too.
static SENSITIVE: &[&str] = &[
    "user.biometric",
    "user.childrens",
    "user.criminal_history",
    "user.demographic.political_opinion",
    "user.demographic.race_ethnicity",
    "user.demographic.religious_belief",
    "user.demographic.sexual_orientation",
    "user.health_and_medical",
];

/// Names that betray a credential or a card code, as runs of word parts: `api_key` is the part `api`, then `key`.
///
/// A run that is too common by itself (`key`, `code`, `pin`, `number`) stands here only with its neighbours, or, like
/// `pin`, where the whole part is that word. A new one is one more line.
static SECRET_NAMES: &[&[&str]] = &[
    &["password"],
    &["passwords"],
    &["passwd"],
    &["passphrase"],
    &["passcode"],
    &["pass", "word"],
    &["pass", "phrase"],
    &["pass", "code"],
    &["pass", "hash"],
    &["user", "pass"],
    &["pwd"],
    &["pswd"],
    &["pw"],
    &["hash"],
    &["hashed"],
    &["secret"],
    &["secrets"],
    &["token"],
    &["tokens"],
    &["salt"],
    &["api", "key"],
    &["apikey"],
    &["access", "key"],
    &["private", "key"],
    &["privatekey"],
    &["secret", "key"],
    &["encryption", "key"],
    &["signing", "key"],
    &["activation", "key"],
    &["recovery", "code"],
    &["recovery", "codes"],
    &["backup", "codes"],
    &["reset", "code"],
    &["security", "answer"],
    &["security", "code"],
    &["verification", "code"],
    &["otp"],
    &["totp"],
    &["hotp"],
    &["mfa", "code"],
    &["pin"],
    &["pincode"],
    &["credential"],
    &["credentials"],
    &["cvv"],
    &["cvc"],
    &["csc"],
    &["cvn"],
    &["cvv2"],
    &["cvc2"],
    &["card", "code"],
    &["card", "verification"],
    &["magstripe"],
];

/// Ends of a name that make a secret's name harmless: `password_changed_at` is a date, `token_count` a number.
static HARMLESS_ENDS: &[&str] = &[
    "at", "on", "date", "time", "count", "attempts", "expires", "expiry", "length", "changed",
    "updated", "created",
];

/// Whether it is one of fideslang's default data categories.
pub fn is_known_category(key: &str) -> bool {
    CATEGORIES.binary_search(&key).is_ok()
}

/// Whether it is one of fideslang's default data uses.
pub fn is_known_use(key: &str) -> bool {
    USES.binary_search(&key).is_ok()
}

/// The known data category that another version of fideslang spelt like this, if it is sure which one is meant:
/// `user.provided.identifiable.contact.email` was `user.contact.email`.
pub(super) fn category_of_another_version(key: &str) -> Option<&'static str> {
    if let Some((_, known)) = RENAMED_CATEGORIES.iter().find(|(other, _)| *other == key) {
        return Some(known);
    }
    let mut rest = FIRST_VERSION
        .iter()
        .find(|start| is_within(key, start))
        .and_then(|start| key.strip_prefix(start))?;
    if rest.is_empty() {
        return Some("user");
    }
    while !rest.is_empty() {
        let mut ending = CATEGORIES.iter().filter(|known| known.ends_with(rest));
        if let Some(known) = ending.next() {
            return ending.next().is_none().then_some(*known);
        }
        rest = rest
            .get(1..)
            .and_then(|r| r.find('.').and_then(|at| r.get(at..)))
            .unwrap_or_default();
    }
    None
}

/// The known data category that is spelt most like this one, if any is near.
pub(super) fn nearest_category(key: &str) -> Option<&'static str> {
    nearest(key, CATEGORIES)
}

/// The known data use that is spelt most like this one, if any is near.
pub(super) fn nearest_use(key: &str) -> Option<&'static str> {
    nearest(key, USES)
}

/// The candidate that is spelt most like `word`, if one is near enough that it may have been meant.
pub(super) fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    // Nobody mistypes a name of this length; comparing it would cost time for nothing.
    if word.len() > 80 {
        return None;
    }
    let wanted = word.to_lowercase();
    // What differs much in length differs much; the length costs nothing to know.
    let allowed = |candidate: &str| 1 + candidate.chars().count() / 4;
    candidates
        .iter()
        .filter(|candidate| wanted.len().abs_diff(candidate.len()) <= 2 * allowed(candidate))
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&wanted, &candidate.to_lowercase()),
                *candidate,
            )
        })
        .filter(|(distance, candidate)| *distance <= allowed(candidate))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Whether `key` is `parent` or stands below it: `user.contact.email` is below `user.contact`, not below `user.con`.
pub(super) fn is_within(key: &str, parent: &str) -> bool {
    key.strip_prefix(parent)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether a data category is sensitive: health, biometrics, origin, belief, politics, sexuality, crime, children.
pub fn is_sensitive(category: &str) -> bool {
    SENSITIVE.iter().any(|parent| is_within(category, parent))
}

/// Whether a column's name is that of a credential or a card code, whose value no page may show.
///
/// The name is split into word parts at underscores, other signs, spaces, digits and capitals, so that `shipping` does
/// not hold a `pin`, nor `hashtags` a `hash`. What ends like a date or a count (`password_changed_at`) is no secret.
pub fn looks_like_a_secret(column_name: &str) -> bool {
    let parts = word_parts(column_name);
    let harmless = parts.len() > 1
        && parts
            .last()
            .is_some_and(|last| HARMLESS_ENDS.contains(&last.as_str()));
    !harmless
        && SECRET_NAMES.iter().any(|name| {
            parts
                .windows(name.len())
                .any(|run| run.iter().zip(*name).all(|(part, word)| part == word))
        })
}

/// The words in an identifier, in lower case: `APIKey2Value` is `api`, `key`, `value`.
pub(super) fn word_parts(name: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut chars = name.chars().peekable();
    let mut before: Option<char> = None;
    while let Some(c) = chars.next() {
        let next_is_lower = chars.peek().is_some_and(|next| next.is_lowercase());
        let starts_word = c.is_uppercase()
            && before.is_some_and(|b| b.is_lowercase() || (b.is_uppercase() && next_is_lower));
        if (!c.is_alphabetic() || starts_word) && !part.is_empty() {
            parts.push(std::mem::take(&mut part));
        }
        if c.is_alphabetic() {
            part.extend(c.to_lowercase());
        }
        before = Some(c);
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn categories_of_other_versions_are_read_where_it_is_sure_which_is_meant() {
        for (other, known) in [
            (
                "user.provided.identifiable.contact.email",
                Some("user.contact.email"),
            ),
            (
                "user.provided.identifiable.contact.state",
                Some("user.contact.address.state"),
            ),
            (
                "user.provided.identifiable.credentials.password",
                Some("user.authorization.password"),
            ),
            (
                "user.provided.identifiable.date_of_birth",
                Some("user.demographic.date_of_birth"),
            ),
            (
                "user.derived.identifiable.device.cookie_id",
                Some("user.device.cookie_id"),
            ),
            ("user.derived.identifiable.name", Some("user.name")),
            ("user.provided.nonidentifiable", Some("user")),
            (
                "account.contact.postal_code",
                Some("user.contact.address.postal_code"),
            ),
            ("user.biometrics.voice", Some("user.biometric.voice")),
            ("user.children", Some("user.childrens")),
            ("user.provided.identifiable.shoe_size", None),
            ("user.contact.emial", None),
            ("accounts", None),
        ] {
            assert_eq!(category_of_another_version(other), known, "{other}");
        }
        assert!(
            RENAMED_CATEGORIES
                .iter()
                .all(|(other, known)| !is_known_category(other) && is_known_category(known))
        );
    }

    fn keys_of(file: &str) -> Option<Vec<String>> {
        let path = Path::new("../../../shared/data/fideslang").join(file);
        let Ok(text) = std::fs::read_to_string(&path) else {
            println!("skipped: {} is not there", path.display());
            return None;
        };
        // The first line names the columns, the second is the root, which is no key that a catalog may use.
        Some(
            text.lines()
                .skip(2)
                .map(|line| line.split(',').next().unwrap().to_owned())
                .collect(),
        )
    }

    #[test]
    fn every_category_of_the_published_list_is_known() {
        let Some(keys) = keys_of("data_categories.csv") else {
            return;
        };
        assert_eq!(keys.len(), CATEGORIES.len());
        for key in keys {
            assert!(is_known_category(&key), "{key}");
        }
    }

    #[test]
    fn every_use_of_the_published_list_is_known() {
        let Some(keys) = keys_of("data_uses.csv") else {
            return;
        };
        assert_eq!(keys.len(), USES.len());
        for key in keys {
            assert!(is_known_use(&key), "{key}");
        }
    }

    #[test]
    fn the_lists_are_sorted() {
        assert!(CATEGORIES.is_sorted() && USES.is_sorted());
    }

    #[test]
    fn sensitive_parents_are_known_categories() {
        for key in SENSITIVE {
            assert!(is_known_category(key), "{key}");
        }
    }

    #[test]
    fn children_of_a_sensitive_category_are_sensitive_and_namesakes_are_not() {
        for key in [
            "user.health_and_medical.genetic",
            "user.biometric.voice",
            "user.childrens",
            "user.biometric",
        ] {
            assert!(is_sensitive(key), "{key}");
        }
        for key in [
            "user.contact.email",
            "user.demographic",
            "user.demographic.gender",
            "user.childrens_books",
            "user",
        ] {
            assert!(!is_sensitive(key), "{key}");
        }
    }

    #[test]
    fn names_of_credentials_and_card_codes_are_secrets() {
        for name in [
            "password",
            "PasswordHash",
            "password_hash",
            "passwd",
            "user_pwd",
            "pwHash",
            "hash",
            "clientSecret",
            "reset_token",
            "RESET_TOKEN",
            "sessionTokens",
            "salt",
            "api_key",
            "APIKey",
            "apikey2",
            "private key",
            "otp",
            "totp_secret",
            "pin",
            "card_pin",
            "PinCode",
            "pin code",
            "cvv",
            "cvv2",
            "CVC",
            "card_csc",
            "card_code",
            "CardCode",
            "security-answer",
        ] {
            assert!(looks_like_a_secret(name), "{name}");
        }
    }

    #[test]
    fn everyday_names_are_no_secrets() {
        for name in [
            "shipping",
            "hashtags",
            "opinion",
            "spin",
            "pinned",
            "passenger",
            "passport_number",
            "secretary",
            "tokenised_name",
            "salty",
            "basalt",
            "card_number",
            "postcode",
            "country_code",
            "discount_code",
            "key",
            "primary_key",
            "pass",
            "cscw",
            "email",
            "",
            "123",
            "password_changed_at",
            "PasswordUpdated",
            "token_count",
        ] {
            assert!(!looks_like_a_secret(name), "{name}");
        }
    }

    #[test]
    fn the_nearest_name_is_offered_only_when_it_is_near() {
        assert_eq!(
            nearest_category("user.contact.emial"),
            Some("user.contact.email")
        );
        assert_eq!(
            nearest_use("marketing.comunications.sms"),
            Some("marketing.communications.sms")
        );
        assert_eq!(nearest_category("shoe size"), None);
    }

    proptest! {
        #[test]
        fn a_secret_word_is_found_whatever_stands_around_it(
            before in "[a-z]{0,6}", after in "[b-z]{0,1}", word in prop::sample::select(vec!["password", "cvv", "token"])
        ) {
            let spelt = [format!("{before}_{word}_{after}"), format!("{before} {}", word.to_uppercase())];
            for name in spelt {
                prop_assert!(looks_like_a_secret(&name), "{}", name);
            }
        }

        #[test]
        fn letters_glued_to_a_secret_word_make_another_word(letters in "[a-z]{2,5}") {
            let glued = format!("{letters}pin");
            prop_assume!(!SECRET_NAMES.iter().any(|name| *name == [glued.as_str()]));
            prop_assert!(!looks_like_a_secret(&glued));
        }

        #[test]
        fn any_name_can_be_judged(name in any::<String>()) {
            let parts = word_parts(&name);
            prop_assert!(parts.iter().all(|p| !p.is_empty()));
            looks_like_a_secret(&name);
        }
    }
}
