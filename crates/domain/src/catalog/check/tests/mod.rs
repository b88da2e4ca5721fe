//! Each rule by a good catalog and one change to it that breaks just that rule.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod asks;

use super::*;
use crate::catalog::load::{Loaded, SourceFile, load};
use crate::schema::{LiveColumn, LiveForeignKey, LiveSchema, LiveTable};

const COMPANY: &str = include_str!("../../../../fixtures/shop/company.yml");
const SHOP: &str = include_str!("../../../../fixtures/shop/datasets/shop.yml");

fn load_texts(company: &str, shop: &str) -> Loaded {
    load(&[
        SourceFile {
            path: "company.yml".to_owned(),
            text: company.to_owned(),
        },
        SourceFile {
            path: "datasets/shop.yml".to_owned(),
            text: shop.to_owned(),
        },
    ])
}

fn all_findings(company: &str, shop: &str, schema: &LiveSchema) -> Vec<Finding> {
    let Loaded {
        catalog,
        mut findings,
    } = load_texts(company, shop);
    findings.extend(check_rules(&catalog));
    findings.extend(check_schema(&catalog, "shop", schema));
    findings
}

fn column(name: &str) -> LiveColumn {
    LiveColumn {
        name: name.to_owned(),
        sql_type: "TEXT".to_owned(),
        nullable: true,
        ..LiveColumn::default()
    }
}

fn table(name: &str, columns: &[&str]) -> LiveTable {
    LiveTable {
        name: name.to_owned(),
        columns: columns.iter().map(|c| column(c)).collect(),
        primary_key: vec!["id".to_owned()],
        ..LiveTable::default()
    }
}

fn points(from: &str, table: &str) -> LiveForeignKey {
    LiveForeignKey {
        columns: vec![from.to_owned()],
        table: table.to_owned(),
        references: vec!["id".to_owned()],
        ..LiveForeignKey::default()
    }
}

/// The database that the good catalog describes.
fn database() -> LiveSchema {
    let mut orders = table(
        "orders",
        &[
            "id",
            "customer_id",
            "placed_at",
            "total",
            "state",
            "deleted",
            "track_id",
        ],
    );
    orders.foreign_keys = vec![
        points("customer_id", "customers"),
        points("track_id", "tracks"),
    ];
    LiveSchema {
        default_schema: None,
        tables: vec![
            table(
                "customers",
                &[
                    "id",
                    "email",
                    "postcode",
                    "password_hash",
                    "allergy",
                    "created_at",
                    "updated_at",
                ],
            ),
            orders,
            table("tracks", &["id", "title"]),
            table("extras", &["customer_id", "what", "said"]),
            table("staff", &["id", "email", "salary"]),
            table("settings", &["anything"]),
        ],
    }
}

/// The text with one change, and the number of the line in which the change starts.
fn change(text: &str, from: &str, to: &str) -> (String, u32) {
    assert_eq!(
        text.matches(from).count(),
        1,
        "the change must say one place: {from:?}"
    );
    let at = text.find(from).unwrap();
    let line = text[..at].matches('\n').count() + 1;
    (text.replacen(from, to, 1), u32::try_from(line).unwrap())
}

fn shown(findings: &[Finding]) -> String {
    findings
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

fn summary(findings: &[Finding]) -> Vec<(&'static str, u32)> {
    findings.iter().map(|f| (f.code, f.place.line)).collect()
}

#[test]
fn the_good_catalog_has_nothing_to_put_right() {
    let found = all_findings(COMPANY, SHOP, &database());
    assert_eq!(found, [], "{}", shown(&found));
}

/// What loading finds and, as for everybody who uses a catalog, the rules where it loaded without an error.
fn found_in_files(company: &str, shop: &str) -> Vec<Finding> {
    let Loaded {
        catalog,
        mut findings,
    } = load_texts(company, shop);
    if !findings.iter().any(Finding::is_error) {
        findings.extend(check_rules(&catalog));
    }
    findings
}

/// A code, the text to change, what it becomes, and how many lines below the change the finding stands.
type Case = (&'static str, &'static str, &'static str, i32);

fn check_cases(original: &str, cases: &[Case], find: impl Fn(&str) -> Vec<Finding>) {
    for (code, from, to, below) in cases {
        let (changed, line) = change(original, from, to);
        let found = find(&changed);
        let expected = [(*code, line.saturating_add_signed(*below))];
        let shown = shown(&found);
        assert_eq!(summary(&found), expected, "{from:?} -> {to:?}\n{shown}");
    }
}

const COMPANY_CASES: &[Case] = &[
    ("jargon", "Old records, new ears", "Omnichannel records", 0),
    ("jargon", "Your school marks", "Your metadata", -2),
    (
        "no-contact",
        "privacy_contact: Penny, at penny@records.example\n",
        "",
        -2,
    ),
    ("sold-after-all", "sells: false", "sells: true", -4),
    (
        "demands-too-much",
        "demands: [user.contact.email]",
        "demands: [user.contact.email, user.financial]",
        -2,
    ),
    (
        "unknown-category",
        "demands: [user.contact.email]",
        "demands: [user.contact.emial]",
        0,
    ),
    (
        "unknown-category",
        "needs: [user.contact, user.name]",
        "needs: [user.contact, nonsense]",
        0,
    ),
    ("unknown-purpose", "purpose: orders", "purpose: oders", -1),
    ("unknown-key", "tagline: Old", "tag_line: Old", 0),
    ("unknown-key", "colours:", "colors: {}\ncolours:", 0),
    (
        "unknown-key",
        "    basis: law",
        "    basis: law\n    bases: law",
        1,
    ),
    (
        "unknown-use",
        "essential.service.operations",
        "essential.service.operation",
        0,
    ),
    ("unknown-value", "basis: law", "basis: vibes", 0),
    (
        "unknown-value",
        "channels: [email]",
        "channels: [pigeon]",
        0,
    ),
    ("unknown-value", "version: 3", "version: 0", 0),
    (
        "unknown-value",
        "says_not_sold: true",
        "says_not_sold: perhaps",
        0,
    ),
    ("missing-key", "name: Penny's Records", "name:", 0),
    (
        "missing-key",
        "    words: \"The law asks us to keep receipts.\"\n",
        "",
        -4,
    ),
    (
        "missing-key",
        "    what_for: They answer your mails.\n",
        "",
        -2,
    ),
    ("missing-key", "    basis: law\n", "", -2),
    (
        "duplicate-key",
        "  - key: tax\n    use: essential.legal_obligation",
        "  - key: tax\n    use: essential.legal_obligation\n    basis: law\n    class: service\n    words: Tax.\n  - key: tax\n    use: essential.legal_obligation",
        5,
    ),
    ("bad-colour", "\"#1F6F54\"", "\"#1F6F5\"", 0),
    ("bad-colour", "\"#8fd9bd\"", "#8fd9bd", 0),
    ("bad-logo", "logo.svg", "../logo.svg", 0),
    ("bad-time-zone", "Europe/Dublin", "half past nine", 0),
    (
        "wrong-shape",
        "connections: [shop]",
        "connections: [[shop], shop]",
        0,
    ),
    (
        "jargon",
        "We send you what you bought.",
        "We leverage what you bought.",
        -6,
    ),
    (
        "jargon",
        "They answer your mails.",
        "They are a data processor.",
        -2,
    ),
];

#[test]
fn each_mistake_in_the_company_file_is_found_by_itself_in_its_line() {
    check_cases(COMPANY, COMPANY_CASES, |company| {
        found_in_files(company, SHOP)
    });
}

const HARD_TO_READ: &str = "why: The aggregated demographic characteristics of registered individuals are systematically \
    evaluated for the continuous optimisation of promotional communication activities, including automated \
    segmentation procedures, statistical probability calculations and comprehensive organisational performance \
    measurement initiatives.";

const DATASET_CASES: &[Case] = &[
    ("no-label", "              label: Post code\n", "", -3),
    ("no-label", "label: Title", "", -1),
    ("no-label", "              label: Password\n", "", -3),
    (
        "no-why",
        "              why: Our driver finds you by it.\n",
        "",
        -5,
    ),
    (
        "no-why",
        "              why: It ties your orders to you.\n",
        "",
        -5,
    ),
    (
        "no-origin",
        "              origin: provided\n              purposes: [orders]\n              keep: { for: 2 years, from: orders.placed_at }\n",
        "              purposes: [orders]\n              keep: { for: 2 years, from: orders.placed_at }\n",
        -7,
    ),
    (
        "no-purpose",
        "              purposes: [orders]\n              keep: { for: 2 years, from: orders.placed_at }\n",
        "              keep: { for: 2 years, from: orders.placed_at }\n",
        -8,
    ),
    (
        "no-retention",
        "              keep: { for: 2 years, from: orders.placed_at }\n",
        "",
        -9,
    ),
    ("no-erasure", "              erase: mask\n", "", -10),
    (
        "kept-without-reason",
        "keep: { for: 7 years, because: tax law }",
        "keep: { for: 7 years }",
        1,
    ),
    (
        "withheld-without-reason",
        "withheld: A scrambled form of your password.",
        "withheld: yes",
        0,
    ),
    (
        "secret-shown",
        "            data_categories: [system.operations]\n            portal:\n              label: Customer since",
        "            data_categories: [user.authorization]\n            portal:\n              origin: provided\n              purposes: [orders]\n              keep: a year\n              erase: mask\n              label: Customer since",
        -1,
    ),
    ("sensitive-shown", "show: covered", "show: full", 0),
    (
        "never-collected",
        "data_categories: [user.content]",
        "data_categories: [user.biometric.voice]",
        -1,
    ),
    (
        "never-collected",
        "label: Favourite band",
        "label: Your school mark",
        -3,
    ),
    (
        "jargon",
        "why: Our driver finds you by it.",
        "why: We utilise it.",
        0,
    ),
    (
        "jargon",
        "what: The code at the end of your address.",
        "what: PII",
        0,
    ),
    (
        "jargon",
        "words: { 1: packed, 2: sent }",
        "words: { 1: synergy, 2: sent }",
        0,
    ),
    (
        "jargon",
        "because: tax law",
        "because: the retention period",
        0,
    ),
    (
        "hard-to-read",
        "why: Our driver finds you by it.",
        HARD_TO_READ,
        0,
    ),
    (
        "no-second-fact",
        "      second_facts: [customers.postcode]\n",
        "",
        23,
    ),
    (
        "useless-second-fact",
        "[customers.postcode]",
        "[customers.email]",
        0,
    ),
    (
        "useless-second-fact",
        "[customers.postcode]",
        "[customers.postcode, customers.password_hash]",
        0,
    ),
    (
        "identity-verified-unsaid",
        "              verified: false\n",
        "",
        -4,
    ),
    (
        "second-fact-nowhere",
        "[customers.postcode]",
        "[customers.post]",
        0,
    ),
    ("wrong-shape", "[customers.postcode]", "[postcode]", 0),
    (
        "reference-nowhere",
        "field: tracks.id",
        "field: trucks.id",
        -1,
    ),
    (
        "reference-nowhere",
        "field: tracks.id",
        "field: tracks.idd",
        -1,
    ),
    (
        "no-direction",
        "                  field: tracks.id\n                  direction: to\n",
        "                  field: tracks.id\n",
        -1,
    ),
    (
        "deletes-what-is-kept",
        "              words: { 1: packed, 2: sent }",
        "              erase: delete",
        0,
    ),
    (
        "unknown-purpose",
        "purposes: [orders, tax]",
        "purposes: [orders, taxes]",
        0,
    ),
    (
        "unknown-recipient",
        "seen_by: [support]",
        "seen_by: [suport]",
        0,
    ),
    (
        "unknown-connection",
        "connection: shop\n      second_facts: [customers.postcode]",
        "connection: shopp\n      second_facts: [customers.postcode]",
        0,
    ),
    (
        "unknown-category",
        "[user.contact.address.postal_code]",
        "[user.contact.address.postal_code, user.contact.adress]",
        0,
    ),
    ("unknown-key", "one_row: order", "on_row: order", 0),
    (
        "unknown-key",
        "              currency: EUR",
        "              money: EUR",
        0,
    ),
    (
        "unknown-key",
        "keep: { for: 7 years, because: tax law }",
        "keep: { for: 7 years, because: tax law, form: x }",
        0,
    ),
    ("unknown-value", "rows: nobody", "rows: nobodys", 0),
    ("unknown-value", "currency: EUR", "currency: euro", 0),
    (
        "duplicate-collection",
        "      - name: settings",
        "      - name: settings\n        portal: { rows: nobody }\n      - name: settings",
        2,
    ),
    (
        "duplicate-field",
        "          - name: title",
        "          - name: id\n            portal: { label: Again }\n          - name: title",
        0,
    ),
    (
        "missing-key",
        "dataset:\n  - fides_key: shop",
        "dataset:\n  - name: No key\n  - fides_key: shop",
        1,
    ),
    (
        "not-used",
        "    name: The shop\n",
        "    name: The shop\n    joint_controller: nobody\n",
        1,
    ),
    (
        "not-used",
        "fides_meta: { primary_key: true, data_type: integer }",
        "fides_meta: { primary_key: true, masking_strategy_override: { strategy: x } }",
        0,
    ),
    (
        "no-category",
        "            data_categories: [user.content]\n",
        "",
        -1,
    ),
    ("no-connection", "      connection: shop\n", "", -4),
    (
        "no-rows",
        "          rows: own\n          label: Your orders\n",
        "          label: Your orders\n",
        -3,
    ),
    (
        "no-identity",
        "            fides_meta: { identity: email, data_type: string }\n",
        "",
        -27,
    ),
    (
        "unreachable",
        "                  direction: from\n            portal:\n              label: Your customer number\n              why: It says that the answer is yours.",
        "                  direction: to\n            portal:\n              label: Your customer number\n              why: It says that the answer is yours.",
        -12,
    ),
    (
        "broken-yaml",
        "label: Favourite band",
        "label: \"Favourite band",
        1,
    ),
    ("broken-yaml", "label: Favourite band", "label: a: b", 0),
    ("wrong-shape", "label: Total", "label: [Total]", 0),
];

#[test]
fn each_mistake_in_a_dataset_is_found_by_itself_in_its_line() {
    check_cases(SHOP, DATASET_CASES, |shop| found_in_files(COMPANY, shop));
}

#[test]
fn a_reference_without_direction_needs_rows_on_both_ends() {
    let (shop, line) = change(
        SHOP,
        "                  field: tracks.id\n                  direction: to\n",
        "                  field: tracks.id\n",
    );
    let (shop, _) = change(
        &shop,
        "portal: { rows: shared, label: Records }",
        "portal: { label: Records }",
    );
    let found = found_in_files(COMPANY, &shop);
    assert!(
        found
            .iter()
            .any(|f| f.code == "direction-unknown" && f.place.line == line - 1),
        "{found:?}"
    );
}

#[test]
fn removing_any_attribute_of_a_field_is_found_at_that_field() {
    let lines: Vec<&str> = SHOP.lines().collect();
    let mut tried = 0;
    for (index, line) in lines.iter().enumerate() {
        let key = line
            .strip_prefix("              ")
            .and_then(|rest| rest.split(':').next())
            .unwrap_or_default();
        if ![
            "label", "why", "origin", "purposes", "keep", "erase", "withheld",
        ]
        .contains(&key)
        {
            continue;
        }
        let (field, _) = lines
            .iter()
            .enumerate()
            .take(index)
            .rev()
            .find(|(_, l)| l.starts_with("          - name:"))
            .unwrap();
        let without: Vec<&str> = lines
            .iter()
            .enumerate()
            .filter(|(i, _)| *i != index)
            .map(|(_, l)| *l)
            .collect();
        let found = found_in_files(COMPANY, &without.join("\n"));
        let place = Place {
            file: "datasets/shop.yml".into(),
            line: u32::try_from(field + 1).unwrap(),
        };
        assert!(
            found.iter().any(|f| f.is_error() && f.place == place),
            "line {}: {line}\n{found:?}",
            index + 1
        );
        tried += 1;
    }
    assert!(tried > 40, "{tried}");
}

#[test]
fn removing_what_a_collection_says_for_its_fields_is_found_at_each_of_them() {
    for (from, to, code) in [
        (
            "          origin: observed\n          purposes",
            "          purposes",
            "no-origin",
        ),
        ("          purposes: [orders, tax]\n", "", "no-purpose"),
        (
            "          keep: { for: 7 years, because: tax law }\n",
            "",
            "no-retention",
        ),
        ("          erase: keep\n", "", "no-erasure"),
    ] {
        let (shop, _) = change(SHOP, from, to);
        let found: Vec<Finding> = found_in_files(COMPANY, &shop)
            .into_iter()
            .filter(|f| f.code == code)
            .collect();
        let named: Vec<bool> = ["customer_id", "placed_at", "total", "state"]
            .iter()
            .map(|field| {
                found
                    .iter()
                    .any(|f| f.message.contains(&format!("`{field}`")))
            })
            .collect();
        assert_eq!(named, [true; 4], "{found:?}");
    }
}

#[test]
fn a_finding_reads_as_file_line_and_message() {
    let place = Place {
        file: "datasets/shop.yml".into(),
        line: 7,
    };
    assert_eq!(
        Finding::error(&place, "x", "No.".to_owned()).to_string(),
        "datasets/shop.yml:7: No."
    );
    assert_eq!(
        Finding::note(&place, "x", "So.".to_owned()).to_string(),
        "datasets/shop.yml:7: note: So."
    );
    let whole = Place { line: 0, ..place };
    assert_eq!(
        Finding::error(&whole, "x", "a\nb\u{1b}".to_owned()).to_string(),
        "datasets/shop.yml: a b "
    );
    assert!(
        Finding::error(&whole, "x", "é".repeat(9_999))
            .message
            .chars()
            .count()
            <= LONGEST_MESSAGE + 1
    );
}

#[test]
fn findings_are_plain_data_for_machines() {
    let place = Place {
        file: "company.yml".into(),
        line: 2,
    };
    let json = serde_json::to_value(Finding::note(&place, "no-contact", "m".to_owned())).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "place": { "file": "company.yml", "line": 2 }, "severity": "note", "code": "no-contact", "message": "m"
        })
    );
}

/// What the schema check says of the good catalog after a change to the database, as codes.
fn schema_codes(change_database: impl FnOnce(&mut LiveSchema)) -> Vec<&'static str> {
    let mut schema = database();
    change_database(&mut schema);
    let found = check_schema(&load_texts(COMPANY, SHOP).catalog, "shop", &schema);
    found.iter().map(|f| f.code).collect()
}

fn table_mut<'a>(schema: &'a mut LiveSchema, name: &str) -> &'a mut LiveTable {
    schema.tables.iter_mut().find(|t| t.name == name).unwrap()
}

fn column_mut<'a>(schema: &'a mut LiveSchema, table: &str, name: &str) -> &'a mut LiveColumn {
    table_mut(schema, table)
        .columns
        .iter_mut()
        .find(|c| c.name == name)
        .unwrap()
}

#[test]
fn what_the_database_has_and_nobody_described_is_found() {
    assert_eq!(
        schema_codes(|s| s.tables.push(table("carts", &["id"]))),
        ["undescribed-table"]
    );
    assert_eq!(
        schema_codes(|s| table_mut(s, "customers").columns.push(column("shoe_size"))),
        ["undescribed-column"]
    );
    assert_eq!(
        schema_codes(|s| table_mut(s, "tracks").columns.push(column("TITLE"))),
        ["undescribed-column"]
    );
    // Tables of others and of nobody are never read, so they need no words.
    assert!(schema_codes(|s| table_mut(s, "staff").columns.push(column("shoe_size"))).is_empty());
    assert!(
        schema_codes(|s| table_mut(s, "settings").columns.push(column("shoe_size"))).is_empty()
    );
    // A table of another schema is another table.
    assert_eq!(
        schema_codes(|s| s.tables.push(LiveTable {
            schema: Some("backup".to_owned()),
            ..table("customers", &["id"])
        })),
        ["undescribed-table"]
    );
}

#[test]
fn what_is_described_and_the_database_lacks_is_found() {
    let lost = |from: &str, name: &str| {
        schema_codes(|s| table_mut(s, from).columns.retain(|c| c.name != name))
    };
    assert_eq!(
        schema_codes(|s| s.tables.retain(|t| t.name != "settings")),
        ["no-such-table"]
    );
    assert_eq!(lost("orders", "total"), ["no-such-column"]);
    assert_eq!(lost("extras", "said"), ["no-such-column"]);
    // Each of these is a field and has a second role: `since`, `second_facts`, `order_by` and `keep.from`, `where`.
    assert_eq!(lost("customers", "created_at"), ["no-such-column"; 2]);
    assert_eq!(lost("customers", "postcode"), ["no-such-column"; 2]);
    assert_eq!(lost("orders", "placed_at"), ["no-such-column"; 3]);
    assert_eq!(lost("orders", "deleted"), ["no-such-column"; 2]);
}

#[test]
fn names_are_matched_as_sql_folds_them_unless_that_is_ambiguous() {
    assert!(schema_codes(|s| table_mut(s, "customers").name = "CUSTOMERS".to_owned()).is_empty());
    assert!(
        schema_codes(|s| column_mut(s, "orders", "total").name = "Total".to_owned()).is_empty()
    );
    let two_alike = schema_codes(|s| {
        column_mut(s, "orders", "total").name = "Total".to_owned();
        table_mut(s, "orders").columns.push(column("TOTAL"));
    });
    assert!(two_alike.contains(&"ambiguous-name"), "{two_alike:?}");
    let two_tables = schema_codes(|s| {
        table_mut(s, "settings").name = "Settings".to_owned();
        s.tables.push(table("SETTINGS", &["id"]));
    });
    assert!(two_tables.contains(&"ambiguous-name"), "{two_tables:?}");
}

#[test]
fn two_names_for_the_same_thing_are_found() {
    let (shop, _) = change(
        SHOP,
        "          - name: title",
        "          - name: Title\n            portal: { label: T }\n          - name: title",
    );
    assert_eq!(
        summary(&all_findings(COMPANY, &shop, &database()))
            .iter()
            .map(|f| f.0)
            .collect::<Vec<_>>(),
        ["same-column-twice"]
    );
    let (shop, _) = change(
        SHOP,
        "      - name: settings",
        "      - name: Settings\n        portal: { rows: nobody }\n      - name: settings",
    );
    assert_eq!(
        summary(&all_findings(COMPANY, &shop, &database()))
            .iter()
            .map(|f| f.0)
            .collect::<Vec<_>>(),
        ["same-table-twice"]
    );
}

#[test]
fn an_erasure_that_the_database_refuses_is_found() {
    assert_eq!(
        schema_codes(|s| column_mut(s, "customers", "postcode").nullable = false),
        ["cannot-be-empty"]
    );
    assert!(
        schema_codes(|s| column_mut(s, "customers", "email").nullable = false).is_empty(),
        "a mask is no null"
    );
    assert_eq!(
        schema_codes(|s| column_mut(s, "customers", "email").generated = true),
        ["cannot-erase-generated"]
    );
    assert_eq!(
        schema_codes(|s| table_mut(s, "customers").primary_key = vec!["email".to_owned()]),
        ["cannot-erase-key"]
    );
    assert_eq!(
        schema_codes(|s| table_mut(s, "customers")
            .foreign_keys
            .push(points("email", "settings"))),
        ["cannot-mask-link"]
    );
    let pointed_at = |s: &mut LiveSchema| {
        let key = LiveForeignKey {
            references: vec!["email".to_owned()],
            ..points("customer_id", "customers")
        };
        table_mut(s, "orders").foreign_keys.push(key);
    };
    assert_eq!(schema_codes(pointed_at), ["cannot-erase-key"]);
    // email, postcode and allergy, each in its own line.
    assert_eq!(
        schema_codes(|s| table_mut(s, "customers").is_view = true),
        ["cannot-erase-view"; 3]
    );
}

#[test]
fn a_deletion_that_other_rows_stand_in_the_way_of_is_found() {
    let codes = schema_codes(|s| {
        table_mut(s, "orders")
            .foreign_keys
            .push(points("state", "extras"));
    });
    assert_eq!(codes, ["cannot-delete"]);
    assert!(
        schema_codes(|s| table_mut(s, "extras")
            .foreign_keys
            .push(points("customer_id", "extras")))
        .is_empty()
    );
    // When the order's link is emptied first, or its row goes too, nothing is in the way.
    let (shop, _) = change(
        SHOP,
        "              words: { 1: packed, 2: sent }",
        "              erase: null",
    );
    let mut schema = database();
    table_mut(&mut schema, "orders")
        .foreign_keys
        .push(points("state", "extras"));
    let catalog = load_texts(COMPANY, &shop).catalog;
    assert_eq!(check_schema(&catalog, "shop", &schema), []);
}

#[test]
fn another_connection_is_another_database() {
    let catalog = load_texts(COMPANY, SHOP).catalog;
    let found = check_schema(&catalog, "newsletter", &database());
    assert_eq!(
        found.len(),
        database().tables.len(),
        "no dataset names it, so none of its tables is described"
    );
    assert!(
        found
            .iter()
            .all(|f| f.code == "undescribed-table" && &*f.place.file == "company.yml")
    );
}
