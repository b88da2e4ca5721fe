#![expect(
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use layouts::layout;
use proptest::prelude::*;

use super::*;
use crate::catalog::NO_REASON_YET;
use crate::catalog::check::{check_rules, check_schema};
use crate::schema::{LiveColumn, LiveForeignKey, LiveTable};

mod layouts;

const COMPANY: &str = "name: A shop\ncontact: us\nconnections: [shop]\npurposes:\n  - { key: p, use: essential, basis: contract, class: service, words: We send it. }\n";

fn files(dataset: &str) -> Vec<SourceFile> {
    [("company.yml", COMPANY), ("datasets/d.yml", dataset)]
        .map(|(path, text)| SourceFile {
            path: path.to_owned(),
            text: text.to_owned(),
        })
        .to_vec()
}

fn write(dataset: &str, databases: &[LiveDatabase]) -> Written {
    write_missing(&files(dataset), databases)
}

/// The new text of the dataset's file, which is the only one that may change.
fn written(dataset: &str) -> String {
    text_of(dataset, &write(dataset, &[]))
}

fn text_of(before: &str, written: &Written) -> String {
    assert_eq!(written.left, [], "{before}");
    match written.files.as_slice() {
        [] => before.to_owned(),
        [file] => {
            assert_eq!(file.path, "datasets/d.yml");
            file.text.clone()
        }
        more => panic!("{more:?}"),
    }
}

/// A field of everybody's concern that says all but its label and its reason.
const SAID: &str = "origin: provided, purposes: [p], keep: a year, erase: mask";

/// A file with one field, in whose collection and dataset nothing is missing.
fn one_field(field: &str) -> String {
    format!(
        "dataset:\n  - fides_key: d\n    portal: {{ connection: shop, {SAID} }}\n    collections:\n      - name: c\n        portal: {{ rows: own }}\n        fields:\n{field}"
    )
}

/// Fields before and after.
const FIELDS: &[(&str, &str)] = &[
    (
        "          - name: a\n",
        "          - name: a\n            portal:\n              label:\n              why:\n",
    ),
    (
        "          - name: a",
        "          - name: a\n            portal:\n              label:\n              why:",
    ),
    (
        "          -   name: a # here\n\n          # more\n",
        "          -   name: a # here\n              portal:\n                label:\n                why:\n\n          # more\n",
    ),
    (
        "        - name: a\n          portal:\n",
        "        - name: a\n          portal:\n            label:\n            why:\n",
    ),
    (
        "        -\n          name: a\n          portal: # soon\n",
        "        -\n          name: a\n          portal: # soon\n            label:\n            why:\n",
    ),
    (
        "          - name: a\n            portal:\n                label: A\n",
        "          - name: a\n            portal:\n                label: A\n                why:\n",
    ),
    (
        "          - name: a\n            portal: { label: A }\n",
        "          - name: a\n            portal: { label: A, why: }\n",
    ),
    (
        "          - name: a\n            portal: {label: A}\n",
        "          - name: a\n            portal: {label: A, why: }\n",
    ),
    (
        "          - name: a\n            portal: {}\n",
        "          - name: a\n            portal: { label: , why: }\n",
    ),
    (
        "          - name: a\n            portal: { label: A, } # x\n",
        "          - name: a\n            portal: { label: A, why: } # x\n",
    ),
    (
        "          - name: a\n            portal: {\n              label: A, # x\n              # y\n            }\n",
        "          - name: a\n            portal: {\n              label: A, why: # x\n              # y\n            }\n",
    ),
    (
        "          - name: a\n            portal: {\n              label: A # x\n            }\n",
        "          - name: a\n            portal: {\n              label: A, why: # x\n            }\n",
    ),
    (
        "          - {name: a}\n",
        "          - {name: a, portal: { label: , why: } }\n",
    ),
    (
        "          - { name: a, portal: }\n",
        "          - { name: a, portal: { label: , why: } }\n",
    ),
    (
        "          - { name: a, description: }\n",
        "          - { name: a, description: , portal: { label: , why: } }\n",
    ),
    (
        "          [{ name: a }]\n",
        "          [{ name: a, portal: { label: , why: } }]\n",
    ),
    (
        "          - name: a\n            description: |\n              One.\n\n              Two.\n\n\n",
        "          - name: a\n            description: |\n              One.\n\n              Two.\n            portal:\n              label:\n              why:\n\n\n",
    ),
    (
        "          - name: a\n            description: >+\n              One.\n\n",
        "          - name: a\n            description: >+\n              One.\n\n            portal:\n              label:\n              why:\n",
    ),
    (
        "          - name: a\n            description: one\n              two\n",
        "          - name: a\n            description: one\n              two\n            portal:\n              label:\n              why:\n",
    ),
    (
        "          - name: a\n            description: 'one\n\n              - two'\n",
        "          - name: a\n            description: 'one\n\n              - two'\n            portal:\n              label:\n              why:\n",
    ),
    (
        "          - portal: { why: Because. }\n            name: é # é\n",
        "          - portal: { why: Because., label: }\n            name: é # é\n",
    ),
    (
        "          - name: a\n            portal:\n              label:\n              why:\n",
        "          - name: a\n            portal:\n              label:\n              why:\n",
    ),
    (
        "          - name: a\n            portal:\n              why: ''\n",
        "          - name: a\n            portal:\n              why: ''\n              label:\n",
    ),
    (
        "          - name: a\n            fields:\n              - name: b\n                portal: { why: Because. }\n",
        "          - name: a\n            fields:\n              - name: b\n                portal: { why: Because., label: }\n",
    ),
    (
        "          - name: password\n",
        "          - name: password\n            portal:\n              label:\n              withheld:\n",
    ),
    (
        "          - name: a\n            fides_meta: { identity: email }\n",
        "          - name: a\n            fides_meta: { identity: email }\n            portal:\n              label:\n              why:\n              verified:\n",
    ),
    (
        "          - name: a\n            data_categories: [system.operations]\n            portal:\n              why: Because.\n...\n",
        "          - name: a\n            data_categories: [system.operations]\n            portal:\n              why: Because.\n              label:\n...\n",
    ),
];

#[test]
fn entries_go_where_the_file_has_room_for_them_and_nothing_else_changes() {
    for (before, after) in FIELDS {
        let (before, after) = (one_field(before), one_field(after));
        assert_eq!(written(&before), after);
        assert_eq!(written(&after), after, "a second time");
        let (before, after) = (before.replace('\n', "\r\n"), after.replace('\n', "\r\n"));
        assert_eq!(written(&before), after, "with line ends of two characters");
        let (before, after) = (format!("\u{feff}{before}"), format!("\u{feff}{after}"));
        assert_eq!(written(&before), after, "with a mark at its start");
    }
}

#[test]
fn collections_and_datasets_get_theirs_before_their_long_lists() {
    for (before, after) in [
        (
            "dataset:\n- fides_key: d\n  name: D\n  collections:\n  - name: c\n    description: All of it.\n    fields: []\n",
            "dataset:\n- fides_key: d\n  name: D\n  portal:\n    connection:\n  collections:\n  - name: c\n    description: All of it.\n    portal:\n      rows:\n    fields: []\n",
        ),
        (
            "dataset:\n    - fides_key: d\n      fides_meta:\n          after: [x]\n      collections:\n          - fields: []\n            name: c\n",
            "dataset:\n    - fides_key: d\n      fides_meta:\n          after: [x]\n      portal:\n          connection:\n      collections:\n          - fields: []\n            name: c\n            portal:\n                rows:\n",
        ),
        (
            "{dataset: [{fides_key: d, collections: [{name: c, fields: []}]}]}",
            "{dataset: [{fides_key: d, portal: { connection: }, collections: [{name: c, portal: { rows: }, fields: []}]}]}",
        ),
        (
            "dataset:\n  fides_key: d\n  collections:\n    - name: c\n",
            "dataset:\n  fides_key: d\n  portal:\n    connection:\n  collections:\n    - name: c\n      portal:\n        rows:\n",
        ),
        ("fides_key: d\n", "fides_key: d\nportal:\n  connection:\n"),
        (
            "dataset:\n  - fides_key: d\n    portal: { connection: shop }\n    collections:\n      - name: c\n        portal: { rows: nobody }\n        fields: [{ name: a }]\n",
            "dataset:\n  - fides_key: d\n    portal: { connection: shop }\n    collections:\n      - name: c\n        portal: { rows: nobody }\n        fields: [{ name: a }]\n",
        ),
    ] {
        assert_eq!(written(before), after);
        assert_eq!(written(after), after, "a second time");
    }
}

#[test]
fn what_stands_elsewhere_too_is_left_with_its_line() {
    for (field, line, why) in [
        (
            "          - name: b\n            x: &a { name: a }\n            portal: { label: B, why: B. }\n          - *a\n",
            11,
            "alias",
        ),
        (
            "          - name: a\n            portal: &p { label: A }\n          - name: b\n            portal: *p\n",
            8,
            "alias",
        ),
        (
            "          - name: b\n            x: &p { label: A }\n            portal: { <<: *p }\n",
            8,
            "merge",
        ),
        (
            "          - name: b\n            x: &p { portal: { label: A } }\n            <<: *p\n",
            8,
            "merge",
        ),
        ("          -\tname: a\n", 8, "tab"),
        (
            "          - name: a\n            portal: ~\n",
            8,
            "does not allow",
        ),
        (
            "          - name: a\n            portal: !x\n",
            8,
            "does not allow",
        ),
        ("          [name: a]\n", 8, "does not allow"),
    ] {
        let before = one_field(field);
        let Written { files, left } = write(&before, &[]);
        assert_eq!(files, [], "{field}");
        let found = left
            .iter()
            .any(|f| f.place.line == line && f.message.contains(why) && !f.is_error());
        assert!(found, "{field}: {left:?}");
    }
}

#[test]
fn what_stands_in_something_shared_is_left_too() {
    let text = format!(
        "dataset:\n  - fides_key: d\n    portal: {{ connection: shop, {SAID} }}\n    collections:\n      - name: b\n        portal: {{ rows: own }}\n        fields: &all\n          - name: a\n      - name: c\n        portal: {{ rows: own }}\n        fields: *all\n"
    );
    let Written { files, left } = write(&text, &[]);
    assert_eq!(files, []);
    assert!(
        left.iter()
            .any(|f| f.place.line == 8 && f.message.contains("alias")),
        "{left:?}"
    );
}

#[test]
fn an_empty_entry_above_waits_for_all_below_it() {
    let text = one_field("          - name: a\n            portal: { label: A, why: It is. }\n")
        .replace("rows: own }", "rows: own, purposes: , keep: }");
    assert_eq!(written(&text), text, "said by the dataset");
    let text = text.replace(SAID, "origin: provided, erase: mask");
    assert_eq!(written(&text), text, "asked for at the collection");
    let found = check_rules(&load(&files(&text)).catalog);
    let lines: Vec<u32> = found
        .iter()
        .filter(|f| f.code == "says-too-little")
        .map(|f| f.place.line)
        .collect();
    assert_eq!(lines, [6]);
}

#[test]
fn what_can_be_placed_is_written_beside_what_can_not() {
    let before = one_field("          - name: a\n            portal: ~\n          - name: b\n");
    let Written { files, left } = write(&before, &[]);
    assert_eq!(
        files[0].text,
        format!("{before}            portal:\n              label:\n              why:\n")
    );
    assert_eq!(files[0].added, 2);
    assert_eq!(
        left.iter()
            .map(|f| (f.code, f.place.line))
            .collect::<Vec<_>>(),
        [("left-to-write", 8)]
    );
}

#[test]
fn a_catalog_with_mistakes_is_not_changed() {
    let before = one_field("          - name: a\n            portal: { purposes: [q] }\n");
    let Written { files, left } = write(&before, &[]);
    assert_eq!(files, []);
    assert_eq!(left[0].place.line, 9);
}

#[test]
fn a_text_that_says_less_or_something_else_is_told() {
    let before = "a: 1\nb:\nc: [x, { y: z }]\nd: null\n";
    for after in [
        "a: 1\nb: { new: }\nc: [x, { y: z, n: }, more]\nd: null\n",
        "a: \"1 \"\nnew:\nb:\nc: [x, { y: z }]\nd: ~",
    ] {
        assert!(says_no_less(before, after), "{after}");
    }
    for after in [
        "a: 2\nb:\nc: [x, { y: z }]\nd: null\n",
        "b:\na: 1\nc: [x, { y: z }]\nd: null\n",
        "a: 1\nb: text\nc: [x, { y: z }]\nd: null\n",
        "a: 1\nb:\nc: [new, x, { y: z }]\nd: null\n",
        "a: 1\nb:\nc: [x]\nd: null\n",
        "a: 1\nb:\nc: [x, { y: }]\nd: null\n",
        "a: 1\nb:\nc: [x, { y: z }]\nd:\n",
        "a: 1\nb:\nc: [x, { y: z }]\nd: { new: }\n",
        "a: [",
    ] {
        assert!(!says_no_less(before, after), "{after}");
    }
}

#[test]
fn an_empty_entry_is_missing_and_the_check_points_at_it() {
    let text = written(&one_field("          - name: a\n          - name: pin\n"));
    let loaded = load(&files(&text));
    assert_eq!(loaded.findings, []);
    let field = &loaded.catalog.datasets[0].collections[0].fields[0];
    assert_eq!(
        (field.label.as_ref(), field.erase, field.withheld.as_ref()),
        (None, Some(crate::catalog::Erase::Mask), None)
    );
    let pin = &loaded.catalog.datasets[0].collections[0].fields[1];
    assert_eq!(
        pin.withheld.as_deref(),
        Some(NO_REASON_YET),
        "whoever wrote it wants nothing shown"
    );
    let errors: Vec<(&str, u32)> = check_rules(&loaded.catalog)
        .iter()
        .filter(|f| f.is_error() && f.code != "no-identity")
        .map(|f| (f.code, f.place.line))
        .collect();
    assert_eq!(
        errors,
        [
            ("says-too-little", 10),
            ("no-label", 14),
            ("withheld-without-reason", 15)
        ]
    );
}

#[test]
fn an_empty_erase_is_nothing_and_the_word_null_is_an_erasure() {
    for (said, erase) in [
        ("", None),
        ("null", Some(crate::catalog::Erase::Null)),
        ("~", Some(crate::catalog::Erase::Null)),
    ] {
        let text = format!(
            "fides_key: d\ncollections:\n  - name: c\n    fields:\n      - name: a\n        portal:\n          erase: {said}\n"
        );
        assert_eq!(
            load(&files(&text)).catalog.datasets[0].collections[0].fields[0].erase,
            erase,
            "{said:?}"
        );
    }
}

#[test]
fn no_key_of_ours_minds_having_nothing_behind_it() {
    let keys = |keys: &[&str]| format!("{}: , ", keys.join(": , "));
    let defaults = [
        "why", "origin", "purposes", "seen_by", "keep", "erase", "show",
    ];
    let dataset = keys(&[&["connection", "second_facts"][..], &defaults].concat());
    let of_rows = [
        "rows",
        "label",
        "one_row",
        "group",
        "shown_as",
        "since",
        "last_seen",
        "order_by",
        "where",
        "key_value",
        "schema",
        "references",
    ];
    let collection = keys(&[&of_rows[..], &defaults].concat());
    let field = keys(
        &[
            &["label", "what", "verified", "withheld", "currency", "words"][..],
            &defaults,
        ]
        .concat(),
    );
    let text = format!(
        "fides_key: d\nportal: {{ {dataset}}}\ncollections:\n  - name: c\n    portal: {{ {collection}}}\n    fields:\n      - name: a\n        portal: {{ {field}}}\n"
    );
    assert_eq!(load(&files(&text)).findings, []);
    assert_eq!(written(&text), text);
}

fn column(name: &str) -> LiveColumn {
    LiveColumn {
        name: name.to_owned(),
        sql_type: "text".to_owned(),
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

fn points(column: &str, table: &str) -> LiveForeignKey {
    LiveForeignKey {
        columns: vec![column.to_owned()],
        table: table.to_owned(),
        references: vec!["id".to_owned()],
        ..LiveForeignKey::default()
    }
}

fn shop(tables: Vec<LiveTable>) -> [LiveDatabase; 1] {
    [LiveDatabase {
        connection: "shop".to_owned(),
        schema: LiveSchema {
            default_schema: None,
            tables,
        },
    }]
}

/// What is added for the tables below.
const DESCRIBED: &str = "          - name: id
            fides_meta:
              primary_key: true
            portal:
              label:
              why:
          - name: \"yes\"
            portal:
              label:
              why:
          - name: api_token
            portal:
              label:
              withheld:
      - name: orders
        portal:
          rows:
          label:
        fields:
          - name: id
            fides_meta:
              primary_key: true
            portal:
              label:
              why:
          - name: customer
            fides_meta:
              references:
                - dataset: d
                  field: customers.id
                  direction:
            portal:
              label:
              why:
          - name: lot
            fides_meta:
              references:
                - dataset: d
                  field: lots.id
                  direction:
            portal:
              label:
              why:
      - name: lots
        portal:
          rows:
          label:
        fields:
          - name: id
            fides_meta:
              primary_key: true
            portal:
              label:
              why:
";

#[test]
fn what_the_database_has_is_described_by_name_with_its_keys() {
    let mut orders = table("orders", &["id", "customer", "lot"]);
    orders.foreign_keys = vec![points("customer", "customers"), points("lot", "lots")];
    let databases = shop(vec![
        table("customers", &["id", "email", "yes", "api_token"]),
        orders,
        table("lots", &["id"]),
    ]);
    let before = format!(
        "dataset:\n  - fides_key: d\n    portal: {{ connection: shop, {SAID} }}\n    collections:\n      - name: customers\n        portal: {{ rows: own }}\n        fields:\n          - name: email\n            fides_meta: {{ identity: email }}\n            portal: {{ verified: true, label: E-mail, why: We write to you. }}\n# the end\n"
    );
    let result = write(&before, &databases);
    let after = text_of(&before, &result);
    assert_eq!(
        after,
        before.replace("# the end\n", &format!("{DESCRIBED}# the end\n"))
    );
    assert_eq!(
        result.files[0].added,
        DESCRIBED
            .lines()
            .filter(|line| line.ends_with(':')
                && !["fields:", "portal:", "fides_meta:", "references:"].contains(&line.trim()))
            .count()
    );
    assert_eq!(
        text_of(&after, &write(&after, &databases)),
        after,
        "a second time"
    );

    let catalog = load(&files(&after)).catalog;
    let schema = check_schema(&catalog, "shop", &databases[0].schema);
    assert!(
        schema.iter().all(|f| !f.code.starts_with("undescribed")),
        "{schema:?}"
    );
    let followed = crate::reach::reach(&catalog.datasets);
    let reached = |collection| {
        followed
            .at(crate::reach::Spot {
                dataset: 0,
                collection,
            })
            .is_some_and(|r| !r.ties.is_empty())
    };
    assert_eq!(
        [reached(0), reached(1), reached(2)],
        [true, false, false],
        "nobody said that these rows are the customer's"
    );
}

#[test]
fn lists_that_are_missing_empty_or_in_flow_style_get_their_first_items() {
    let databases = shop(vec![table("c", &["a"])]);
    let top = "dataset:\n  - fides_key: d\n    portal: { connection: shop }\n";
    let fields = "- name: a\n            portal:\n              label:\n              why:\n              origin:\n              purposes:\n              keep:\n              erase:\n";
    let flow = "{ name: a, portal: { label: , why: , origin: , purposes: , keep: , erase: } }";
    let new = format!(
        "      - name: c\n        portal:\n          rows:\n          label:\n        fields:\n          {fields}"
    );
    for (before, after) in [
        (String::new(), format!("    collections:\n{new}")),
        ("    collections:\n".to_owned(), format!("    collections:\n{new}")),
        (
            "    collections: []\n".to_owned(),
            format!("    collections: [{{ name: c, portal: {{ rows: , label: }}, fields: [{flow}] }}]\n"),
        ),
        (
            "    collections:\n      - name: c\n        portal: { rows: own }\n".to_owned(),
            format!("    collections:\n      - name: c\n        portal: {{ rows: own }}\n        fields:\n          {fields}"),
        ),
        (
            "    collections:\n      - name: c\n        portal: { rows: own }\n        fields: # soon\n".to_owned(),
            format!("    collections:\n      - name: c\n        portal: {{ rows: own }}\n        fields: # soon\n          {fields}"),
        ),
        (
            "    collections:\n      - { name: c, portal: { rows: own }, fields: [{ name: b, portal: { rows: x } },] }\n".replace("rows: x", "label: B, why: B., origin: provided, purposes: [p], keep: a year, erase: null"),
            format!("    collections:\n      - {{ name: c, portal: {{ rows: own }}, fields: [{{ name: b, portal: {{ label: B, why: B., origin: provided, purposes: [p], keep: a year, erase: null }} }}, {flow}] }}\n"),
        ),
    ] {
        let (before, after) = (format!("{top}{before}"), format!("{top}{after}"));
        assert_eq!(text_of(&before, &write(&before, &databases)), after);
        assert_eq!(text_of(&after, &write(&after, &databases)), after, "a second time");
    }
}

#[test]
fn tables_of_one_name_in_two_schemas_do_not_collide() {
    let in_schema = |schema: &str| LiveTable {
        schema: Some(schema.to_owned()),
        ..table("c", &["id"])
    };
    let databases = shop(vec![in_schema("u"), in_schema("v")]);
    let two = "dataset:\n  - { fides_key: d, portal: { connection: shop } }\n  - { fides_key: e, portal: { connection: shop } }\n";
    let after = text_of(two, &write(two, &databases));
    for (key, schema) in [("d", "u"), ("e", "v")] {
        let start = format!(
            "{{ fides_key: {key}, portal: {{ connection: shop }}, collections: [{{ name: c, portal: {{ schema: {schema}, rows: , label: }}"
        );
        assert!(after.contains(&start), "{after}");
    }
}

/// Everything that a catalog says, without the places, which move.
fn said(files: &[SourceFile]) -> String {
    let places = ["place:", "file:", "line:"];
    let mut catalog = load(files).catalog;
    // A secret that was shown by nobody's word is now withheld by somebody's.
    for field in catalog
        .datasets
        .iter_mut()
        .flat_map(|d| &mut d.collections)
        .flat_map(|c| &mut c.fields)
    {
        field.withheld = field
            .withheld
            .take()
            .filter(|reason| reason != NO_REASON_YET);
    }
    let text = format!("{catalog:#?}");
    let mut kept = Vec::new();
    let mut skip = None;
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        if skip.is_some_and(|s| indent > s) {
            continue;
        }
        skip = None;
        let name = line.trim_start();
        if name.starts_with("said:")
            || name.starts_with("blank:")
            || places.iter().any(|p| name.starts_with(p))
        {
            skip = Some(indent);
            continue;
        }
        if !["),", "},", ")", "}", "],"].contains(&name) {
            kept.push(name.to_owned());
        }
    }
    kept.join("\n")
}

/// Whether `part` is `whole` with some characters taken out.
fn is_within(part: &str, whole: &str) -> bool {
    let mut whole = whole.chars();
    part.chars().all(|c| whole.any(|w| w == c))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_layout_gains_all_entries_loses_nothing_and_is_done_at_once(before in layout()) {
        let loaded = load(&files(&before));
        prop_assume!(!loaded.findings.iter().any(Finding::is_error));
        let result = write(&before, &[]);
        prop_assert_eq!(&result.left, &[], "{}", before);
        let after = text_of(&before, &result);
        prop_assert!(is_within(&before, &after));
        prop_assert_eq!(said(&files(&before)), said(&files(&after)), "{}\n{}", before, after);
        prop_assert!(gaps(&load(&files(&after)).catalog).is_empty(), "{}", after);
        prop_assert_eq!(written(&after), after);
    }

    #[test]
    fn any_layout_takes_what_the_database_has(before in layout()) {
        let loaded = load(&files(&before));
        prop_assume!(!loaded.findings.iter().any(Finding::is_error));
        let before = before.replacen("fides_key: d", "fides_key: d # x", 1);
        let with_connection = written(&before).replacen("connection:", "connection: shop", 1);
        let databases = shop(vec![table("c0", &["id", "new one"]), table("t", &["id", "password"])]);
        let after = text_of(&with_connection, &write(&with_connection, &databases));
        prop_assert!(is_within(&with_connection, &after));
        let catalog = load(&files(&after)).catalog;
        let left: Vec<_> = check_schema(&catalog, "shop", &databases[0].schema).into_iter().filter(|f| f.code.starts_with("undescribed")).collect();
        prop_assert_eq!(&left, &[], "{}", after);
        prop_assert_eq!(text_of(&after, &write(&after, &databases)), after);
    }

    #[test]
    fn no_text_makes_it_panic_or_lose_a_letter(text in "(?s)(dataset:\n- fides_key: d\n)?[-a-z:{}\\[\\],&*|>#'\" \t\r\n]{0,80}") {
        for file in write(&text, &shop(vec![table("t", &["id"])])).files {
            prop_assert!(is_within(&text, &file.text));
        }
    }
}
