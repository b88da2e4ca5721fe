//! Consent receipts: a consent record as a document that its customer keeps and machines read.
//!
//! The shape is that of ISO/IEC TS 27560:2023 in JSON-LD, with the terms of the W3C's Data Privacy Vocabulary, as its
//! community group published it (<https://w3id.org/dpv/schema/dpv-27560>). A receipt names fields, never a value.

use serde_json::{Value, json};

use crate::catalog::{Catalog, Field, Period, PeriodUnit, Purpose, Recipient};
use crate::grant::Event;
use crate::time::Moment;

/// What the receipt says that it follows.
pub const CONFORMS_TO: &str = "https://w3id.org/dpv/schema/dpv-27560#record";

/// Under this name the company stands among the entities of a receipt.
const CONTROLLER: &str = "company:controller";

/// What stands in a consent record.
#[derive(Clone, Debug)]
pub struct Recorded<'a> {
    /// An id of the record, of no meaning elsewhere.
    pub id: String,
    /// The customer's id in the portal.
    pub customer: String,
    /// When it happened.
    pub at: Moment,
    /// What happened.
    pub event: Event,
    /// The purpose's key.
    pub purpose: &'a str,
    /// The version of the purpose's words.
    pub version: u32,
    /// The ask that was answered, with its version.
    pub ask: Option<(&'a str, u32)>,
    /// The exact words that were shown.
    pub words: &'a str,
    /// The fields that it was about, by their names.
    pub fields: &'a [String],
    /// Until when a yes counts.
    pub until: Option<Moment>,
}

/// The receipt. `public_url` is the portal's own address: there a yes is taken back.
pub fn receipt(catalog: &Catalog, recorded: &Recorded<'_>, public_url: &str) -> Value {
    let company = &catalog.company;
    let purpose = company.purpose(recorded.purpose);
    let fields: Vec<&Field> = recorded
        .fields
        .iter()
        .filter_map(|name| Some(catalog.own_field(name)?.1))
        .collect();
    let recipients: Vec<&Recipient> = company
        .recipients
        .iter()
        .filter(|recipient| fields.iter().any(|f| f.seen_by.contains(&recipient.key)))
        .collect();
    let permissions = format!("{public_url}/permissions");
    let at = recorded.at.timestamp().to_string();
    json!({
        "@context": {
            "dpv": "https://w3id.org/dpv#",
            "pd": "https://w3id.org/dpv/pd#",
            "loc": "https://w3id.org/dpv/loc#",
            "dct": "http://purl.org/dc/terms/",
            "skos": "http://www.w3.org/2004/02/skos/core#",
            "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
            "company": format!("{public_url}/#"),
        },
        "@type": "dpv:ConsentRecord",
        "dct:conformsTo": CONFORMS_TO,
        "dpv:hasIdentifier": recorded.id,
        "dpv:hasDataSubject": {
            "@type": ["dpv:DataSubject"],
            "dpv:hasIdentifier": recorded.customer,
        },
        "dct:created": at,
        "dct:creator": CONTROLLER,
        "dct:language": "en",
        "dpv:hasJurisdiction": places(&company.jurisdictions),
        "dpv:hasNotice": [{
            "@type": ["dpv:ConsentNotice"],
            "dpv:hasIdentifier": notice(recorded),
            "dct:description": recorded.words,
            "dct:date": at,
        }],
        "dpv:hasProcess": [{
            "@type": ["dpv:Process"],
            "dpv:hasPurpose": [purpose_of(recorded.purpose, purpose)],
            "dpv:hasPersonalData": recorded.fields.iter().map(|name| personal_data(catalog, name)).collect::<Vec<_>>(),
            "dpv:hasProcessing": ["dpv:Collect", "dpv:Store", "dpv:Use"],
            "dpv:hasDataController": [CONTROLLER],
            "dpv:hasDataSource": ["dpv:DataSubjectDataSource"],
            "dpv:hasStorageCondition": storage(&company.jurisdictions, &fields),
            "dpv:hasRecipient": recipient_names(&recipients),
            "dpv:hasLegalBasis": ["dpv:Consent"],
            "dpv:hasConsentControl": [{
                "@type": ["dpv:WithdrawConsent"],
                "dpv:isExercisedAt": permissions,
            }],
            "dpv:hasConsentStatus": [status(recorded, &at, &permissions)],
        }],
        "dpv:hasEntity": entities(catalog, &recipients),
    })
}

/// The notice that was read: the words of a purpose, and those of an ask where there was one, each of its version.
fn notice(recorded: &Recorded<'_>) -> String {
    let purpose = format!("{}-{}", recorded.purpose, recorded.version);
    match recorded.ask {
        Some((ask, version)) => format!("{purpose}-{ask}-{version}"),
        None => purpose,
    }
}

fn places(jurisdictions: &[String]) -> Vec<String> {
    jurisdictions
        .iter()
        .map(|code| format!("loc:{code}"))
        .collect()
}

fn purpose_of(key: &str, purpose: Option<&Purpose>) -> Value {
    let words = purpose.map_or(key, |purpose| purpose.words.as_str());
    let broader = purpose.map_or("dpv:Purpose", |purpose| dpv_purpose(&purpose.data_use));
    json!({
        "@type": ["dpv:Purpose"],
        "dpv:hasIdentifier": key,
        "skos:broader": broader,
        "skos:prefLabel": words,
    })
}

/// The purpose of the vocabulary that a fideslang use falls under.
fn dpv_purpose(data_use: &str) -> &'static str {
    let table = [
        ("marketing.advertising", "dpv:Advertising"),
        ("marketing.communications", "dpv:DirectMarketing"),
        ("marketing", "dpv:Marketing"),
        ("personalize", "dpv:Personalisation"),
        ("analytics", "dpv:ServiceOptimisation"),
        ("essential.service.security", "dpv:EnforceSecurity"),
        (
            "essential.fraud_detection",
            "dpv:FraudPreventionAndDetection",
        ),
        ("essential.legal_obligation", "dpv:LegalCompliance"),
        ("essential", "dpv:ServiceProvision"),
        ("functional", "dpv:ServiceProvision"),
    ];
    let within = |start: &str| {
        let rest = data_use.strip_prefix(start);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let found = table.iter().find(|(start, _)| within(start));
    found.map_or("dpv:Purpose", |(_, term)| term)
}

/// A field as it is described by now; by its name alone where the catalog has it no more.
fn personal_data(catalog: &Catalog, name: &str) -> Value {
    let gone = Field {
        name: name.to_owned(),
        ..Field::default()
    };
    let field = catalog.own_field(name).map_or(&gone, |(_, field)| field);
    let kind = if field.is_sensitive() {
        "dpv:SensitivePersonalData"
    } else {
        "dpv:PersonalData"
    };
    let mut broader: Vec<&str> = field.categories.iter().map(|c| dpv_data(c)).collect();
    broader.dedup();
    if broader.is_empty() {
        broader.push("dpv:PersonalData");
    }
    json!({
        "@type": [kind],
        "dpv:hasIdentifier": field.name,
        "skos:broader": broader,
        "skos:prefLabel": field.label.as_deref().unwrap_or(&field.name),
    })
}

/// The personal data of the vocabulary that a fideslang category falls under.
fn dpv_data(category: &str) -> &'static str {
    let table = [
        ("user.contact.email", "pd:EmailAddress"),
        ("user.contact.phone_number", "pd:TelephoneNumber"),
        ("user.contact.address", "pd:PhysicalAddress"),
        ("user.contact", "pd:Contact"),
        ("user.name", "pd:Name"),
        ("user.demographic.date_of_birth", "pd:BirthDate"),
        ("user.demographic", "pd:Demographic"),
        ("user.behavior", "pd:Behavioral"),
        ("user.location", "pd:Location"),
        ("user.device", "pd:DeviceBased"),
        ("user.financial", "pd:Financial"),
        ("user.health_and_medical", "pd:MedicalHealth"),
        ("user.biometric", "pd:Biometric"),
    ];
    let within = |start: &str| {
        let rest = category.strip_prefix(start);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let found = table.iter().find(|(start, _)| within(start));
    found.map_or("dpv:PersonalData", |(_, term)| term)
}

/// Where it is kept, and how long: what the fields say, each once.
fn storage(jurisdictions: &[String], fields: &[&Field]) -> Vec<Value> {
    let location = places(jurisdictions).into_iter().next();
    let location = location.unwrap_or_else(|| "dpv:WithinEnvironment".to_owned());
    let mut conditions =
        vec![json!({"@type": ["dpv:StorageLocation"], "dpv:hasLocation": location})];
    let mut durations: Vec<&str> = fields
        .iter()
        .filter_map(|field| Some(field.keep.as_ref()?.duration.as_str()))
        .collect();
    durations.sort_unstable();
    durations.dedup();
    if durations.is_empty() {
        durations.push("until the yes is taken back");
    }
    conditions.extend(durations.into_iter().map(|duration| {
        let how_long = Period::parse(duration).map_or_else(
            || json!({"@type": "dpv:UntilEventDuration", "rdf:value": duration}),
            |period| json!({"@type": "dpv:TemporalDuration", "rdf:value": iso_period(period)}),
        );
        json!({"@type": ["dpv:StorageDuration"], "dpv:hasDuration": how_long})
    }));
    conditions
}

/// ISO 8601: `P7Y`.
fn iso_period(period: Period) -> String {
    let unit = match period.unit {
        PeriodUnit::Days => 'D',
        PeriodUnit::Months => 'M',
        PeriodUnit::Years => 'Y',
    };
    format!("P{}{unit}", period.count)
}

fn recipient_name(recipient: &Recipient) -> String {
    format!("company:{}", recipient.key)
}

fn recipient_names(recipients: &[&Recipient]) -> Vec<String> {
    let names = recipients.iter().map(|recipient| recipient_name(recipient));
    std::iter::once(CONTROLLER.to_owned())
        .chain(names)
        .collect()
}

fn entities(catalog: &Catalog, recipients: &[&Recipient]) -> Value {
    let company = &catalog.company;
    let mut entities = serde_json::Map::new();
    let contact = company
        .privacy_contact
        .as_ref()
        .or(company.contact.as_ref());
    entities.insert(
        CONTROLLER.to_owned(),
        json!({
            "@type": ["dpv:DataController"],
            "dpv:hasName": company.name,
            "dpv:hasContact": contact,
        }),
    );
    for recipient in recipients {
        let entity = json!({
            "@type": ["dpv:Recipient"],
            "dpv:hasName": recipient.name,
            "dct:description": recipient.what_for,
        });
        entities.insert(recipient_name(recipient), entity);
    }
    Value::Object(entities)
}

fn status(recorded: &Recorded<'_>, at: &str, permissions: &str) -> Value {
    let mut status = json!({
        "@type": [recorded.event.state().dpv()],
        "dpv:isIndicatedAtTime": at,
        "dpv:isExercisedAt": permissions,
    });
    let Some(said) = status.as_object_mut() else {
        return status;
    };
    let yes = recorded.event.state().in_force();
    if yes {
        let duration = recorded.until.map_or_else(
            || json!({"@type": ["dpv:EndlessDuration"]}),
            |until| json!({"@type": ["dpv:UntilTimeDuration"], "rdf:value": until.timestamp().to_string()}),
        );
        let kinds = [recorded.event.state().dpv(), "dpv:ExpressedConsent"];
        said.insert("@type".to_owned(), json!(kinds));
        said.insert("dpv:hasDuration".to_owned(), duration);
    }
    // The portal asks, and time ends a yes; all else the customer does.
    if !matches!(recorded.event, Event::Asked | Event::Expired) {
        said.insert("dpv:isIndicatedBy".to_owned(), json!("dpv:DataSubject"));
    }
    status
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "a test may panic: that is how it fails"
    )]

    use super::*;
    use crate::catalog::check::Finding;
    use crate::catalog::load::{SourceFile, load};
    use crate::grant::State;

    const COMPANY: &str = "name: Penny\nprivacy_contact: Penny\njurisdictions: [IE]\npurposes:\n  \
        - { key: texts, use: marketing.communications.sms, basis: consent, class: marketing, words: We text you., version: 2 }\n\
        recipients:\n  - { key: shop, name: The shop, what_for: They call., sells: false }\n";
    const OWN: &str = "dataset:\n  - fides_key: portal\n    name: Portal\n    portal: { connection: portal, keep: 2 years, seen_by: [shop] }\n    \
        collections:\n      - name: you\n        portal: { rows: own }\n        fields:\n          \
        - { name: phone, data_categories: [user.contact.phone_number], portal: { label: Your phone, answer: phone, purposes: [texts] } }\n";

    fn made(event: Event, until: Option<Moment>) -> Value {
        let file = |path: &str, text: &str| SourceFile {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        let loaded = load(&[
            file("company.yml", COMPANY),
            file("datasets/portal.yml", OWN),
        ]);
        assert!(
            !loaded.findings.iter().any(Finding::is_error),
            "{:?}",
            loaded.findings
        );
        let recorded = Recorded {
            id: "1".to_owned(),
            customer: "ann".to_owned(),
            at: Moment(0),
            event,
            purpose: "texts",
            version: 2,
            ask: Some(("texts_ask", 3)),
            words: "We text you.",
            fields: &["phone".to_owned()],
            until,
        };
        receipt(&loaded.catalog, &recorded, "https://data.example")
    }

    fn texts(value: &Value) -> bool {
        let all = value.as_array();
        all.is_some_and(|all| !all.is_empty() && all.iter().all(Value::is_string))
    }

    fn text_or_texts(value: &Value) -> bool {
        value.is_string() || texts(value)
    }

    fn moment(value: &Value) -> bool {
        let at = value.as_str();
        at.is_some_and(|at| at.parse::<jiff::Timestamp>().is_ok())
    }

    fn is_one_of(value: &Value, known: &[&str]) -> bool {
        let types = value["@type"].as_array();
        let is_known = |kind: &Value| known.contains(&kind.as_str().unwrap_or_default());
        types.is_some_and(|types| types.iter().any(is_known))
    }

    fn each(value: &Value, rule: impl Fn(&Value) -> bool) -> bool {
        let all = value.as_array();
        all.is_some_and(|all| !all.is_empty() && all.iter().all(rule))
    }

    fn has_one(value: &Value, rule: impl Fn(&Value) -> bool) -> bool {
        value.as_array().is_some_and(|all| all.iter().any(rule))
    }

    fn is_entity(record: &Value, value: &Value) -> bool {
        let name = value.as_str();
        name.is_some_and(|name| record["dpv:hasEntity"].get(name).is_some())
    }

    /// What the published shape demands of a record, and of its process: its rules, one by one, with whether each is kept.
    fn rules(record: &Value) -> Vec<(&'static str, bool)> {
        let notice = |notice: &Value| notice["dpv:hasIdentifier"].is_string();
        let subject = &record["dpv:hasDataSubject"]["dpv:hasIdentifier"];
        let mut rules = vec![
            (
                "it is a consent record",
                record["@type"] == "dpv:ConsentRecord",
            ),
            ("schema version", record["dct:conformsTo"] == CONFORMS_TO),
            ("record id", record["dpv:hasIdentifier"].is_string()),
            ("principal id", subject.is_string()),
            ("created", moment(&record["dct:created"])),
            ("creator", is_entity(record, &record["dct:creator"])),
            ("two small letters", record["dct:language"] == "en"),
            ("notice", each(&record["dpv:hasNotice"], notice)),
            (
                "processes",
                each(&record["dpv:hasProcess"], Value::is_object),
            ),
        ];
        rules.extend(rules_of_process(record, &record["dpv:hasProcess"][0]));
        rules
    }

    fn rules_of_process(record: &Value, process: &Value) -> Vec<(&'static str, bool)> {
        let entity = |value: &Value| is_entity(record, value);
        let purpose = |purpose: &Value| {
            text_or_texts(&purpose["skos:broader"]) && purpose["skos:prefLabel"].is_string()
        };
        let data = |data: &Value| {
            let kinds = [
                "dpv:PersonalData",
                "dpv:SensitivePersonalData",
                "dpv:SpecialCategoryPersonalData",
            ];
            is_one_of(data, &kinds) && text_or_texts(&data["skos:broader"])
        };
        let location = |condition: &Value| {
            is_one_of(condition, &["dpv:StorageLocation"])
                && condition["dpv:hasLocation"].is_string()
        };
        let duration = |condition: &Value| {
            let lasts = &condition["dpv:hasDuration"];
            let kinds = [
                "dpv:TemporalDuration",
                "dpv:UntilTimeDuration",
                "dpv:FixedOccurencesDuration",
                "dpv:UntilEventDuration",
            ];
            is_one_of(condition, &["dpv:StorageDuration"])
                && kinds.contains(&lasts["@type"].as_str().unwrap_or_default())
                && lasts["rdf:value"].is_string()
        };
        let status = |status: &Value| {
            is_one_of(status, &State::ALL.map(State::dpv))
                && moment(&status["dpv:isIndicatedAtTime"])
                && status["dpv:isExercisedAt"].is_string()
        };
        let source = |source: &Value| source == "dpv:DataSubjectDataSource";
        let stored = &process["dpv:hasStorageCondition"];
        vec![
            ("purpose", each(&process["dpv:hasPurpose"], purpose)),
            ("personal data", each(&process["dpv:hasPersonalData"], data)),
            ("processing", texts(&process["dpv:hasProcessing"])),
            (
                "controller",
                each(&process["dpv:hasDataController"], entity),
            ),
            ("data source", each(&process["dpv:hasDataSource"], source)),
            ("storage location", has_one(stored, location)),
            ("storage duration", has_one(stored, duration)),
            ("recipients", each(&process["dpv:hasRecipient"], entity)),
            ("legal basis", texts(&process["dpv:hasLegalBasis"])),
            (
                "consent status",
                each(&process["dpv:hasConsentStatus"], status),
            ),
        ]
    }

    fn violations(record: &Value) -> Vec<&'static str> {
        let broken = rules(record).into_iter().filter(|(_, kept)| !kept);
        broken.map(|(rule, _)| rule).collect()
    }

    #[test]
    fn a_receipt_has_the_published_shape_whatever_happened() {
        for event in Event::ALL {
            for until in [None, Some(Moment(1_000_000))] {
                let receipt = made(event, until);
                assert_eq!(violations(&receipt), [""; 0], "{event:?} {receipt:#}");
                let status = &receipt["dpv:hasProcess"][0]["dpv:hasConsentStatus"][0];
                assert_eq!(status["@type"][0], event.state().dpv());
                let yes = matches!(event, Event::Given | Event::Renewed);
                assert_eq!(status["@type"][1] == "dpv:ExpressedConsent", yes);
                assert_eq!(status.get("dpv:hasDuration").is_some(), yes);
                let by_portal = matches!(event, Event::Asked | Event::Expired);
                assert_eq!(status.get("dpv:isIndicatedBy").is_none(), by_portal);
            }
        }
    }

    #[test]
    fn a_receipt_without_any_part_of_it_is_none() {
        let whole = made(Event::Given, None);
        for key in whole
            .as_object()
            .unwrap()
            .keys()
            .filter(|k| !["@context", "dpv:hasJurisdiction"].contains(&k.as_str()))
        {
            let mut less = whole.clone();
            less.as_object_mut().unwrap().remove(key);
            assert_ne!(violations(&less), [""; 0], "{key}");
        }
        let process = whole["dpv:hasProcess"][0].as_object().unwrap();
        for key in process
            .keys()
            .filter(|k| !["@type", "dpv:hasConsentControl"].contains(&k.as_str()))
        {
            let mut less = whole.clone();
            less["dpv:hasProcess"][0]
                .as_object_mut()
                .unwrap()
                .remove(key);
            assert_ne!(violations(&less), [""; 0], "{key}");
        }
    }

    #[test]
    fn a_receipt_says_who_keeps_what_how_long() {
        let receipt = made(Event::Given, None);
        let process = &receipt["dpv:hasProcess"][0];
        assert_eq!(
            process["dpv:hasPersonalData"][0]["skos:broader"][0],
            "pd:TelephoneNumber"
        );
        assert_eq!(
            process["dpv:hasPurpose"][0]["skos:broader"],
            "dpv:DirectMarketing"
        );
        let durations =
            process["dpv:hasStorageCondition"][1]["dpv:hasDuration"]["rdf:value"].clone();
        assert_eq!(durations, "P2Y");
        assert_eq!(
            receipt["dpv:hasEntity"]["company:shop"]["dpv:hasName"],
            "The shop"
        );
    }
}
