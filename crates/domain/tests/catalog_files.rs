//! The loader on files that others wrote, on files that somebody broke, and on files that mean harm.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::fmt::Write as _;
use std::path::Path;

use fairhold_domain::catalog::check::{Finding, check_rules};
use fairhold_domain::catalog::load::{Loaded, SourceFile, load};
use fairhold_domain::catalog::write_missing::write_missing;
use fairhold_domain::catalog::{Direction, Erase, Origin};
use proptest::prelude::*;

const COMPANY: &str = include_str!("../fixtures/shop/company.yml");
const SHOP: &str = include_str!("../fixtures/shop/datasets/shop.yml");

fn file(path: &str, text: &str) -> SourceFile {
    SourceFile {
        path: path.to_owned(),
        text: text.to_owned(),
    }
}

fn load_shop(company: &str, shop: &str) -> Loaded {
    load(&[
        file("company.yml", company),
        file("datasets/shop.yml", shop),
    ])
}

fn fides_text(name: &str) -> Option<String> {
    let path = Path::new("../../../shared/data/fides").join(name);
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: {} is not there", path.display());
        return None;
    };
    Some(text)
}

fn fides(name: &str) -> Option<Loaded> {
    Some(load(&[
        file("company.yml", COMPANY),
        file(&format!("datasets/{name}"), &fides_text(name)?),
    ]))
}

fn errors(findings: &[Finding]) -> Vec<String> {
    findings
        .iter()
        .filter(|f| f.is_error())
        .map(Finding::to_string)
        .collect()
}

fn codes(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|f| f.code).collect()
}

#[test]
fn the_fides_sample_loads_unchanged() {
    let Some(Loaded { catalog, findings }) = fides("postgres_example_test_dataset.yml") else {
        return;
    };
    assert_eq!(errors(&findings), [""; 0]);
    let dataset = catalog.dataset("postgres_example_test_dataset").unwrap();
    assert_eq!(dataset.collections.len(), 11);
    let customer = dataset.collection("customer").unwrap();
    assert_eq!(
        customer.field("email").unwrap().identity.as_deref(),
        Some("email")
    );
    assert!(
        customer.field("email").unwrap().verified,
        "a file that says nothing is trusted"
    );
    assert!(customer.field("id").unwrap().primary_key);
    let reference = &customer.field("address_id").unwrap().references[0];
    assert_eq!(
        (
            reference.to.collection.as_str(),
            reference.to.field.as_str()
        ),
        ("address", "id")
    );
    assert_eq!(reference.direction, Some(Direction::To));
    assert_eq!(reference.place.line, 29);
    // What plain English is missing is for the check to say: all of it in one line a field.
    let missing = check_rules(&catalog);
    let city: Vec<String> = missing
        .iter()
        .filter(|f| f.is_error() && f.message.contains("`city`"))
        .map(Finding::to_string)
        .collect();
    assert_eq!(
        city,
        [
            "datasets/postgres_example_test_dataset.yml:8: The field `city` has no label, no reason, no origin, no purpose, no time for which it is kept and nothing about erasing it. Write `label`, `why`, `origin`, `purposes`, `keep` and `erase` under its `portal:`."
        ]
    );
    assert!(
        codes(&findings).contains(&"not-used"),
        "masking_strategy_override is named"
    );
}

#[test]
fn the_fides_stripe_file_loads_unchanged_with_its_parts_flattened() {
    let Some(Loaded { catalog, findings }) = fides("stripe_dataset.yml") else {
        return;
    };
    assert_eq!(errors(&findings), [""; 0]);
    assert!(codes(&findings).contains(&"placeholder"));
    let dataset = catalog.dataset("<instance_fides_key>").unwrap();
    let customer = dataset.collection("customer").unwrap();
    let city = customer.field("shipping.address.city").unwrap();
    assert_eq!(city.categories, ["user.contact.address.city"]);
    assert_eq!(
        city.data_type.as_deref(),
        Some("string"),
        "the old spelling of fides_meta is read"
    );
    assert!(customer.field("id").unwrap().primary_key);
    assert!(
        customer.field("shipping").is_none(),
        "only the parts hold values"
    );
}

#[test]
fn sections_that_are_not_used_are_notes() {
    let Some(Loaded { catalog, findings }) = fides("dataset_with_system_and_policy.yml") else {
        return;
    };
    let found: Vec<(u32, bool)> = findings
        .iter()
        .map(|f| (f.place.line, f.is_error()))
        .collect();
    assert_eq!(found, [(17, false), (32, false)], "{findings:?}");
    let field = catalog.datasets[0].collections[0]
        .field("political_opinion")
        .unwrap();
    assert!(field.is_sensitive());
}

/// As companies write Fides files: spellings of all versions, and keys that mean nothing to the portal.
const IN_THE_WILD: &str = r#"
registry:
  - fides_key: r
data_category: []
evaluation: {}
organization:
  - fides_key: default_organization
dataset:
  fides_key: <instance_fides_key>
  organization_fides_key: default_organization
  data_qualifier: aggregated
  third_country_transfers: [USA]
  joint_controller: { name: Dave, email: dave@example.com }
  retention: 30 days after account deletion
  dataset_categories: []
  meta: { a: b }
  fides_meta:
    resource_id: x
    after: [other_dataset]
    namespace: { database_name: d }
  collections:
    - name: users
      data_categories: [user.provided.identifiable.contact.email]
      fides_meta: {}
      fidesops_meta:
        after: [d.other]
        erase_after: [d.other]
        skip_processing: true
        partitioning: [{ field: created, windows: [] }]
      fields:
        - name: id
          data_categories: [user.unique_id]
          data_qualifier: aggregated.anonymized
          fidesops_meta: { primary_key: "True", data_type: integer, length: 40, read_only: Yes }
        - name: email
          fides_meta:
          fidesops_meta: { identity: email, primary_key: OFF, custom_request_field: tenant }
        - name: names
          fides_meta:
            data_type: string[]
            return_all_elements: true
            redact: name
            masking_strategy_override: { strategy: null_rewrite }
        - name: addresses
          fides_meta: { data_type: "object[]" }
          fields:
            - name: city
              data_categories:
            - name: details
              fides_meta: { data_type: object }
              fields: [{ name: line }]
        - name: empty_object
          fides_meta: { data_type: object }
          fields: []
        - name: friend
          fidesops_meta:
            references:
              - { dataset: <instance_fides_key>, field: users.id }
              - { dataset: <instance_fides_key>, field: users.id, direction: }
              - { dataset: <instance_fides_key>, field: users.addresses.details.line, direction: to }
              - { dataset: <instance_fides_key>, field: users.id, direction: from }
        - name: nobody
          fides_meta: { references: }
    - name: nothing
      fields:
"#;

#[test]
fn what_other_fides_files_say_is_read_or_named_in_a_note() {
    let Loaded { catalog, findings } = load_shop(COMPANY, IN_THE_WILD);
    assert_eq!(errors(&findings), [""; 0]);
    let said: Vec<String> = findings.iter().map(|f| f.message.clone()).collect();
    for key in [
        "section `registry`",
        "section `data_category`",
        "section `evaluation`",
        "section `organization`",
        "`data_qualifier` in a dataset",
        "`third_country_transfers`",
        "`joint_controller`",
        "`retention`",
        "`dataset_categories`",
        "`resource_id`",
        "`namespace`",
        "`after` in a dataset's",
        "`after` in a collection's",
        "`erase_after`",
        "`skip_processing`",
        "`partitioning`",
        "`data_qualifier` in a field",
        "`custom_request_field`",
        "`redact`",
        "`masking_strategy_override`",
        "is a placeholder",
        "it is read as `user.contact.email`",
    ] {
        assert_eq!(
            said.iter().filter(|note| note.contains(key)).count(),
            1,
            "{key}: {said:#?}"
        );
    }
    assert_eq!(said.len(), 22, "{said:#?}");
    let users = catalog.datasets[0].collection("users").unwrap();
    let names: Vec<&str> = users.fields.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "id",
            "email",
            "names",
            "addresses.city",
            "addresses.details.line",
            "empty_object",
            "friend",
            "nobody"
        ]
    );
    let field = |name| users.field(name).unwrap();
    assert!(field("id").primary_key && !field("email").primary_key);
    assert_eq!(field("email").identity.as_deref(), Some("email"));
    assert_eq!(
        field("addresses.city").categories,
        ["user.contact.email"],
        "what the collection says"
    );
    assert_eq!(field("names").data_type.as_deref(), Some("string[]"));
    let ways: Vec<_> = field("friend")
        .references
        .iter()
        .map(|r| (r.to.field.as_str(), r.direction))
        .collect();
    assert_eq!(
        ways,
        [
            ("id", None),
            ("id", None),
            ("addresses.details.line", Some(Direction::To)),
            ("id", Some(Direction::From))
        ]
    );
}

#[test]
fn a_dataset_alone_in_its_file_loads() {
    let Loaded { catalog, findings } = load_shop(
        COMPANY,
        "fides_key: alone\nname: Alone\ncollections:\n  - name: c\n    fields: [{ name: a }]\n",
    );
    assert_eq!(findings, []);
    assert_eq!(
        catalog.dataset("alone").unwrap().collections[0]
            .fields
            .len(),
        1
    );
}

#[test]
fn what_fides_would_refuse_is_an_error_with_its_line() {
    let in_dataset = |rest: &str| {
        format!(
            "dataset:\n  - fides_key: d\n    collections:\n      - name: c\n        fields:\n          - name: a\n{rest}"
        )
    };
    for (text, code, line) in [
        ("dataset: shop\n".to_owned(), "wrong-shape", 1),
        ("dataset:\n  - name: x\n".to_owned(), "missing-key", 2),
        (
            "dataset:\n  - fides_key: d\n    collections: { name: c }\n".to_owned(),
            "wrong-shape",
            3,
        ),
        (
            "dataset:\n  - fides_key: d\n    fides_meta: [after]\n".to_owned(),
            "wrong-shape",
            3,
        ),
        (
            in_dataset("            fides_meta: yes\n"),
            "wrong-shape",
            7,
        ),
        (
            in_dataset("            fidesops_meta: { primary_key: perhaps }\n"),
            "unknown-value",
            7,
        ),
        (
            in_dataset(
                "            fides_meta: { references: [{ dataset: d, field: c.a, direction: both }] }\n",
            ),
            "unknown-value",
            7,
        ),
        (
            in_dataset("            fides_meta: { references: [{ dataset: d, field: c.b }] }\n"),
            "reference-nowhere",
            7,
        ),
        (
            in_dataset("            fides_meta: { references: [{ dataset: d, field: a }] }\n"),
            "wrong-shape",
            7,
        ),
        (
            in_dataset("            data_categories: [user.provided.identifiable.shoe_size]\n"),
            "unknown-category",
            7,
        ),
        (in_dataset("          - name:\n"), "missing-key", 7),
    ] {
        let Loaded { findings, .. } = load_shop(COMPANY, &text);
        let found: Vec<_> = findings
            .iter()
            .filter(|f| f.is_error())
            .map(|f| (f.code, f.place.line))
            .collect();
        assert_eq!(found, [(code, line)], "{text}\n{findings:?}");
    }
}

#[test]
fn real_fides_files_gain_empty_entries_and_keep_each_line() {
    for (name, fewest) in [
        ("postgres_example_test_dataset.yml", 200),
        ("stripe_dataset.yml", 500),
        ("dataset_with_system_and_policy.yml", 14),
    ] {
        let Some(before) = fides_text(name) else {
            continue;
        };
        let path = format!("datasets/{name}");
        let with = |text: &str| [file("company.yml", COMPANY), file(&path, text)];
        let written = write_missing(&with(&before), &[]);
        assert_eq!(written.left, []);
        let [after] = written.files.as_slice() else {
            panic!("one file changes")
        };
        assert!(after.added >= fewest, "{name}: {}", after.added);
        let mut lines = after.text.lines();
        assert!(
            before.lines().all(|line| lines.any(|new| new == line)),
            "{name}: each line is still there, in order"
        );
        assert_eq!(
            after.text.lines().count() - before.lines().count(),
            added_lines(&after.text) - added_lines(&before),
            "only entries were added"
        );

        let loaded = load(&with(&after.text));
        assert_eq!(errors(&loaded.findings), [""; 0]);
        let empty: Vec<Finding> = check_rules(&loaded.catalog)
            .into_iter()
            .filter(|f| f.code == "says-too-little")
            .collect();
        for finding in &empty {
            let line = after
                .text
                .lines()
                .nth(finding.place.line as usize - 1)
                .unwrap();
            assert_eq!(line.trim(), "label:", "{finding}");
        }
        assert!(!empty.is_empty());
        assert_eq!(
            write_missing(&with(&after.text), &[]).files,
            [],
            "{name}: a second time"
        );
    }
}

fn added_lines(text: &str) -> usize {
    let keys = [
        "portal:",
        "connection:",
        "rows:",
        "label:",
        "why:",
        "origin:",
        "purposes:",
        "keep:",
        "erase:",
        "verified:",
        "withheld:",
    ];
    text.lines()
        .filter(|line| keys.contains(&line.trim()))
        .count()
}

#[test]
fn what_a_field_does_not_say_comes_from_above_it() {
    let Loaded { catalog, .. } = load_shop(COMPANY, SHOP);
    let shop = catalog.dataset("shop").unwrap();
    let total = shop.collection("orders").unwrap().field("total").unwrap();
    assert_eq!(
        (total.origin, total.erase),
        (Some(Origin::Observed), Some(Erase::Keep))
    );
    assert_eq!(
        (total.purposes.as_slice(), total.seen_by.as_slice()),
        (
            ["orders", "tax"].map(String::from).as_slice(),
            ["support".to_owned()].as_slice()
        )
    );
    assert_eq!(total.currency.as_deref(), Some("EUR"));
    assert_eq!(
        total.said.at("erase").unwrap().line,
        86,
        "where the collection says it"
    );
    let customers = shop.collection("customers").unwrap();
    let postcode = customers.field("postcode").unwrap();
    assert_eq!(
        postcode.description.as_deref(),
        Some("The code at the end of your address.")
    );
    assert_eq!(
        postcode.erase,
        Some(Erase::Null),
        "`erase: null` is a word, not nothing"
    );
    assert!(!customers.field("email").unwrap().verified);
    let staff = shop.collection("staff").unwrap();
    assert!(
        staff.field("email").unwrap().verified,
        "a file that says nothing is trusted"
    );
    let orders = shop.collection("orders").unwrap();
    assert_eq!(orders.filter, [("deleted".to_owned(), "0".to_owned())]);
    assert_eq!(
        orders.field("state").unwrap().words[1],
        ("2".to_owned(), "sent".to_owned())
    );
    assert_eq!(
        catalog.company.recipients[0].country.as_deref(),
        Some("NO"),
        "Norway is no flag"
    );
    assert_eq!(catalog.company.look.brand.as_deref(), Some("#1f6f54"));
    assert_eq!(catalog.company.never_collected[0].words, "biometric");
}

#[test]
fn a_broken_file_is_one_finding_and_the_others_load() {
    let Loaded { catalog, findings } = load(&[
        file("company.yml", COMPANY),
        file(
            "datasets/broken.yml",
            "dataset:\n  - fides_key: a\n    name: b: c\n",
        ),
        file("datasets/shop.yml", SHOP),
        file("notes.yml", "not: [ours"),
        file("README.md", "# Not a catalog"),
    ]);
    assert_eq!(codes(&findings), ["broken-yaml"], "{findings:?}");
    assert_eq!(
        (&*findings[0].place.file, findings[0].place.line),
        ("datasets/broken.yml", 3)
    );
    assert_eq!(catalog.datasets.len(), 1);
}

#[test]
fn a_broken_company_file_does_not_blame_the_datasets() {
    let Loaded { findings, .. } = load_shop("name: [x\n", SHOP);
    assert_eq!(codes(&findings), ["broken-yaml"], "{findings:?}");
    assert_eq!(
        codes(&load(&[file("datasets/shop.yml", SHOP)]).findings),
        ["no-company"]
    );
}

#[test]
fn two_datasets_of_one_key_are_found() {
    let Loaded { catalog, findings } = load(&[
        file("company.yml", COMPANY),
        file("datasets/b.yml", SHOP),
        file("datasets/a.yml", SHOP),
    ]);
    assert_eq!(codes(&findings), ["duplicate-dataset"]);
    assert_eq!(
        (&*findings[0].place.file, findings[0].place.line),
        ("datasets/b.yml", 2),
        "the later file is wrong"
    );
    assert_eq!(catalog.datasets.len(), 1);
}

#[test]
fn a_catalog_of_several_megabytes_loads() {
    let mut text = "dataset:\n".to_owned();
    for dataset in 0..20 {
        let _ = write!(text, "  - fides_key: d{dataset}\n    collections:\n");
        for collection in 0..20 {
            let _ = write!(text, "      - name: c{collection}\n        fields:\n");
            for field in 0..40 {
                let _ = write!(
                    text,
                    "          - name: f{field}\n            data_categories: [user.contact.email]\n            portal:\n              label: Your address number {field}\n              why: We write to you here when your parcel is late.\n"
                );
            }
        }
    }
    assert!(text.len() > 3_000_000);
    let Loaded { catalog, findings } = load_shop(COMPANY, &text);
    assert_eq!(findings, []);
    assert_eq!(
        catalog
            .datasets
            .iter()
            .flat_map(|d| &d.collections)
            .map(|c| c.fields.len())
            .sum::<usize>(),
        16_000
    );
}

#[test]
fn a_list_beyond_the_limit_is_cut_with_a_word() {
    let many = |indent: &str, what: &str| format!("{indent}- {what}\n").repeat(30_000);
    let flat = format!(
        "dataset:\n  - fides_key: a\n    collections:\n      - name: t\n        fields:\n{}",
        many(
            "          ",
            "{ name: x, data_categories: [user.contact.emial], portal: { purposes: [oders] } }"
        )
    );
    let Loaded { catalog, findings } = load_shop(COMPANY, &flat);
    assert!(
        findings
            .iter()
            .any(|f| f.code == "too-long" && f.place.line == 5)
    );
    assert_eq!(catalog.datasets[0].collections[0].fields.len(), 1);
    let mut parts = String::new();
    for part in 0..11 {
        let _ = writeln!(parts, "          - name: p{part}\n            fields:");
        for field in 0..1_000 {
            let _ = writeln!(parts, "              - name: f{field}");
        }
    }
    let nested = format!(
        "dataset:\n  - fides_key: a\n    collections:\n      - name: t\n        fields:\n{parts}"
    );
    let Loaded { catalog, findings } = load_shop(COMPANY, &nested);
    assert_eq!(codes(&findings), ["too-long"]);
    assert_eq!(catalog.datasets[0].collections[0].fields.len(), 10_000);
}

/// A change that an unlucky hand, or a hostile one, makes to a file.
fn damage() -> impl Strategy<Value = (usize, usize, String)> {
    let scrap = prop_oneof![
        Just(String::new()),
        Just("\0".to_owned()),
        Just(": *x\n".to_owned()),
        Just("<<: &x {a: *x}\n".to_owned()),
        Just("[[[[{".to_owned()),
        Just("\n---\n".to_owned()),
        Just("? [a]\n: b\n".to_owned()),
        Just("!!binary x".to_owned()),
        "(?s).{0,12}",
    ];
    (any::<prop::sample::Index>(), 0..40usize, scrap)
        .prop_map(|(at, cut, scrap)| (at.index(SHOP.len()), cut, scrap))
}

fn damaged(text: &str, damages: &[(usize, usize, String)]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for (at, cut, scrap) in damages {
        let start = (*at).min(chars.len());
        let end = (start + cut).min(chars.len());
        chars.splice(start..end, scrap.chars());
    }
    chars.into_iter().collect()
}

fn assert_lines_exist(findings: &[Finding], files: &[(&str, &str)]) {
    for finding in findings {
        let lines = files
            .iter()
            .find(|(name, _)| *name == &*finding.place.file)
            .map(|(_, text)| text.replace("\r\n", "\n").split(['\n', '\r']).count());
        assert!(
            lines.is_some_and(|lines| finding.place.line as usize <= lines),
            "{finding}"
        );
        assert!(!finding.to_string().contains('\n'), "{finding:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_loads_or_is_refused(company in "(?s).{0,120}", shop in "(?s).{0,120}") {
        let Loaded { catalog, findings } = load_shop(&company, &shop);
        assert_lines_exist(&findings, &[("company.yml", &company), ("datasets/shop.yml", &shop)]);
        check_rules(&catalog);
    }

    #[test]
    fn a_damaged_catalog_never_panics_and_names_lines_that_exist(
        company_damage in prop::collection::vec(damage(), 0..3), shop_damage in prop::collection::vec(damage(), 0..4)
    ) {
        let company = damaged(COMPANY, &company_damage);
        let shop = damaged(SHOP, &shop_damage);
        let Loaded { catalog, mut findings } = load_shop(&company, &shop);
        findings.extend(check_rules(&catalog));
        assert_lines_exist(&findings, &[("company.yml", &company), ("datasets/shop.yml", &shop)]);
    }
}

#[test]
fn the_catalogs_that_come_with_the_portal_have_nothing_to_put_right() {
    for name in ["demo", "bench"] {
        let folder = Path::new("../../catalog").join(name);
        let mut files = vec![file(
            "company.yml",
            &std::fs::read_to_string(folder.join("company.yml")).unwrap(),
        )];
        for entry in std::fs::read_dir(folder.join("datasets")).unwrap() {
            let path = entry.unwrap().path();
            let shown = format!("datasets/{}", path.file_name().unwrap().to_string_lossy());
            files.push(file(&shown, &std::fs::read_to_string(&path).unwrap()));
        }
        let Loaded { catalog, findings } = load(&files);
        assert_eq!(errors(&findings), [""; 0], "{name}");
        assert_eq!(errors(&check_rules(&catalog)), [""; 0], "{name}");
    }
}

#[test]
fn the_examples_in_the_guide_are_a_good_catalog() {
    let guide = include_str!("../../../docs/catalog.md");
    let examples: Vec<&str> = guide
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    let [company, shop] = examples.as_slice() else {
        panic!("two examples: company.yml and a dataset")
    };
    let Loaded { catalog, findings } = load_shop(company, shop);
    assert_eq!(findings, []);
    assert_eq!(check_rules(&catalog), []);
}
