//! Shapes that companies' tables have: views, key/value tables, fixed values, text keys, several identities.

use fairhold_connect::{ConnectError, Connector as _, Count, KeyValue, ReadRequest, RowKey};

use fairhold_domain::contact_point::{ContactPoint, ContactPoints};
use fairhold_domain::email::EmailAddress;
use fairhold_domain::phone::{HomeCountry, PhoneNumber};

use crate::support::{
    Database, address, connector, datasets, keys, lines, on_each_engine, plan, read,
    read_all_pages, request, rows_of,
};

const CUSTOMER: &str = "
      - name: customer
        fields:
          - name: id
          - { name: email, fides_meta: { identity: email }, portal: { verified: true } }
";

fn child(name: &str, column: &str, parent: &str) -> String {
    format!(
        "
      - name: {name}
        fields:
          - {{ name: {column}, fides_meta: {{ references: [{{ dataset: d, field: {parent}, direction: from }}] }} }}
"
    )
}

#[tokio::test]
async fn identities_are_compared_byte_by_byte_after_normalising() {
    let database = Database::new(&["CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT COLLATE NOCASE);
        INSERT INTO customer (email) VALUES ('ada@example.com'), ('adá@example.com'), (' ADA@Example.com '),
            ('xada@example.com'), ('ada@example.com.au'), ('a_a@example.com'), ('ad' || char(0x61, 0x301) || '@example.com'),
            ('ADÁ@EXAMPLE.COM'), (NULL), (7), (x'61646140');"])
    .await;
    let connector = connector(&database.path);
    let plan = plan(&connector, &datasets(CUSTOMER)).await;
    for (typed, ids) in [
        ("ada@example.com", vec![1, 3]),
        ("adá@example.com", vec![2, 7, 8]),
        ("a_a@example.com", vec![6]),
        ("nobody@example.com", vec![]),
    ] {
        let found = connector.find(&plan, &address(typed)).await.unwrap();
        let keys: Vec<RowKey> = found.into_iter().map(|f| f.row.key).collect();
        assert_eq!(
            keys,
            ids.into_iter()
                .map(|id| RowKey(vec![KeyValue::Int(id)]))
                .collect::<Vec<_>>(),
            "{typed}"
        );
    }
}

#[tokio::test]
async fn a_phone_number_is_found_in_every_way_to_write_it() {
    let tables = "CREATE TABLE customer (id INTEGER PRIMARY KEY, phone VARCHAR(90), plain BIGINT, email VARCHAR(90));
        INSERT INTO customer VALUES (1, '+353 87 123 4567', NULL, NULL), (2, '(087) 123-4567', NULL, NULL),
        (3, '00353871234567', NULL, NULL), (4, NULL, 871234567, NULL), (5, '087 123 4568', NULL, 'ada@example.com'),
        (6, '+44 87 123 4567', NULL, NULL), (7, '1087 123 4567', NULL, NULL), (8, 'ask her: 087 123 4567', NULL, NULL),
        (9, '871234567', NULL, NULL), (10, '', NULL, '+353871234567');";
    on_each_engine(&[tables], async |database| {
        let connector = &*database.connector();
        let datasets = datasets(
            "
      - name: customer
        fields:
          - { name: id }
          - { name: email, fides_meta: { identity: email }, portal: { verified: true } }
          - { name: phone, fides_meta: { identity: phone_number }, portal: { verified: true } }
          - { name: plain, fides_meta: { identity: phone_number }, portal: { verified: true } }
",
        );
        let plan = plan(connector, &datasets).await;
        let home = HomeCountry::parse("IE");
        let number = PhoneNumber::parse("087 123 4567", home).unwrap();
        let email = EmailAddress::parse("ada@example.com").unwrap();
        for (points, home, ids) in [
            (vec![ContactPoint::Phone(number.clone())], home, "1 2 3 4 9"),
            (vec![ContactPoint::Phone(number.clone())], None, "1 3"),
            (vec![email.clone().into()], home, "5"),
            (
                vec![email.into(), ContactPoint::Phone(number)],
                home,
                "1 2 3 4 5 9",
            ),
        ] {
            let contacts = ContactPoints::new(points, home);
            let found = connector.find(&plan, &contacts).await.unwrap();
            let mut ids_found = keys(&found);
            ids_found.sort_by_key(|id| id.parse::<u32>().unwrap());
            assert_eq!(ids_found.join(" "), ids);
            let reading = connector
                .read(&plan, &request(&contacts, &found))
                .await
                .unwrap();
            assert_eq!(
                reading.collections[0].rows.len(),
                found.len(),
                "they are proven again"
            );
            assert!(reading.not_theirs.is_empty());
        }
    })
    .await;
}

#[tokio::test]
async fn letters_of_all_the_world_are_found_among_thousands_of_others() {
    on_each_engine(&["CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT);
        INSERT INTO customer WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10001) SELECT i, concat('mail', i, '@example.com') FROM n;
        INSERT INTO customer VALUES (20000, ' ÆØÅ@Example.com ');"], async |database| {
    let connector = &*database.connector();
    let plan = plan(connector, &datasets(CUSTOMER)).await;
    let found = connector.find(&plan, &address("æøå@example.com")).await;
    assert_eq!(keys(&found.unwrap()), ["20000"]);
    })
    .await;
}

#[tokio::test]
async fn where_too_many_rows_look_alike_the_normal_form_is_found() {
    // Each of the many contains her address, so that none of them can be ruled out without looking at it.
    on_each_engine(&["CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT);
        INSERT INTO customer WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10001) SELECT i, concat('x', i, 'ada@example.com') FROM n;
        INSERT INTO customer VALUES (20000, 'ADA@example.com'), (20001, 'ada@example.com');"], async |database| {
    let connector = &*database.connector();
    let plan = plan(connector, &datasets(CUSTOMER)).await;
    let found = connector.find(&plan, &address("ada@example.com")).await;
    assert_eq!(keys(&found.unwrap()), ["20000", "20001"]);
    // Nobody, found in a hurry, is not nobody.
    assert_eq!(
        connector.find(&plan, &address("da@example.com")).await,
        Err(ConnectError::TooSlow)
    );
    })
    .await;
}

#[tokio::test]
async fn a_page_that_points_at_too_many_shared_rows_says_so() {
    let shared = "      - { name: tag, portal: { rows: shared }, fields: [{ name: kind }] }
      - name: note
        fields:
          - { name: customer_id, fides_meta: { references: [{ dataset: d, field: customer.id, direction: from }] } }
          - { name: kind, fides_meta: { references: [{ dataset: d, field: tag.kind, direction: to }] } }\n";
    on_each_engine(&["CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT);
        CREATE TABLE note (customer_id INTEGER, kind TEXT); CREATE TABLE tag (kind TEXT, text TEXT);
        INSERT INTO customer VALUES (1, 'ada@example.com'); INSERT INTO note VALUES (1, 'a');
        INSERT INTO tag WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT 'a', i FROM n;"], async |database| {
    let connector = &*database.connector();
    let plan = plan(connector, &datasets(&format!("{CUSTOMER}{shared}"))).await;
    let cut = |reading: &fairhold_connect::Reading| {
        let shared = reading.shared.iter();
        shared.map(|s| (s.rows.len(), s.is_cut)).collect::<Vec<_>>()
    };
    let reading = read(connector, &plan, "ada@example.com").await;
    assert_eq!(cut(&reading), [(1_000, false)]);
    database
        .run(&["INSERT INTO tag VALUES ('a', 'one more')"])
        .await;
    let reading = read(connector, &plan, "ada@example.com").await;
    assert_eq!(cut(&reading), [(1_000, true)]);
    })
    .await;
}

#[tokio::test]
async fn two_identity_rows_of_one_address_are_read_together() {
    on_each_engine(&["CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT);
        CREATE TABLE visit (customer_id INTEGER, page TEXT);
        INSERT INTO customer VALUES (1, 'ada@example.com'), (2, 'ADA@example.com'), (3, 'ben@example.com');
        INSERT INTO visit VALUES (1, 'a'), (2, 'b'), (3, 'c');"], async |database| {
    let connector = &*database.connector();
    let plan = plan(
        connector,
        &datasets(&format!(
            "{CUSTOMER}{}",
            child("visit", "customer_id", "customer.id")
        )),
    )
    .await;
    let reading = read(connector, &plan, "ada@example.com").await;
    assert_eq!(
        lines(&rows_of(&reading, "customer").rows),
        ["1|ada@example.com", "2|ADA@example.com"]
    );
    assert_eq!(lines(&rows_of(&reading, "visit").rows), ["1|a", "2|b"]);
    })
    .await;
}

#[tokio::test]
async fn a_start_row_that_no_longer_holds_the_address_yields_nothing() {
    on_each_engine(
        &["CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT);
        CREATE TABLE visit (customer_id INTEGER, page TEXT);
        INSERT INTO customer VALUES (1, 'ada@example.com'); INSERT INTO visit VALUES (1, 'a');"],
        async |database| {
            let connector = &*database.connector();
            let plan = plan(
                connector,
                &datasets(&format!(
                    "{CUSTOMER}{}",
                    child("visit", "customer_id", "customer.id")
                )),
            )
            .await;
            let ada = address("ada@example.com");
            let request = request(&ada, &connector.find(&plan, &ada).await.unwrap());
            database
                .run(&["UPDATE customer SET email = 'adá@example.com'"])
                .await;
            let reading = connector.read(&plan, &request).await.unwrap();
            assert_eq!(reading.not_theirs, request.start);
            assert!(
                reading
                    .collections
                    .iter()
                    .all(|c| c.rows.is_empty() && c.count == Count::Exactly(0))
            );
        },
    )
    .await;
}

#[tokio::test]
async fn somebody_with_thousands_of_rows_is_read_like_anybody() {
    on_each_engine(&["CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT);
        CREATE TABLE pair (a INTEGER, b TEXT, email TEXT, PRIMARY KEY (a, b));
        CREATE VIEW seen AS SELECT 'x' AS x, email FROM customer;
        CREATE TABLE visit (customer_id INTEGER, page TEXT);
        CREATE TABLE part (a INTEGER, b TEXT, text TEXT);
        INSERT INTO customer WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500) SELECT i, 'ada@example.com' FROM n;
        INSERT INTO customer VALUES (9999, 'ben@example.com');
        INSERT INTO pair SELECT id, 'b', email FROM customer;
        INSERT INTO visit SELECT id, 'page' FROM customer;
        INSERT INTO part SELECT id, 'b', 'text' FROM customer;"], async |database| {
    let identity = |name: &str| {
        format!(
            "      - {{ name: {name}, fields: [{{ name: email, fides_meta: {{ identity: email }}, portal: {{ verified: true }} }}] }}\n"
        )
    };
    let part = "      - name: part
        portal: { rows: own, references: [{ fields: [a, b], collection: pair, columns: [a, b], direction: from }] }
        fields: [{ name: text }]\n";
    let all = [
        CUSTOMER.to_owned(),
        identity("pair"),
        identity("seen"),
        child("visit", "customer_id", "customer.id"),
        part.to_owned(),
    ];
    let connector = &*database.connector();
    let plan = plan(connector, &datasets(&all.concat())).await;
    let ada = address("ada@example.com");
    let found = connector.find(&plan, &ada).await.unwrap();
    assert_eq!(found.len(), 4500);
    let request = ReadRequest {
        count_up_to: 10_000,
        ..request(&ada, &found)
    };
    let reading = connector.read(&plan, &request).await.unwrap();
    assert_eq!((reading.failed, reading.not_theirs), (vec![], vec![]));
    for collection in &reading.collections {
        assert_eq!(
            collection.count,
            Count::Exactly(1500),
            "{:?}",
            collection.name
        );
    }
    assert_eq!(reading.collections.len(), 5);
    })
    .await;
}

#[tokio::test]
async fn an_address_that_nobody_checked_proves_nothing_when_a_row_is_read() {
    on_each_engine(&[
        "CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT, alt_email TEXT);
        INSERT INTO customer VALUES (1, 'ada@example.com', 'ada@example.com');",
    ], async |database| {
    let connector = &*database.connector();
    let customer = format!(
        "{CUSTOMER}          - {{ name: alt_email, fides_meta: {{ identity: email }}, portal: {{ verified: false }} }}\n"
    );
    let plan = plan(connector, &datasets(&customer)).await;
    let ada = address("ada@example.com");
    let request = request(&ada, &connector.find(&plan, &ada).await.unwrap());
    let before = connector.read(&plan, &request).await.unwrap();
    assert_eq!(rows_of(&before, "customer").rows.len(), 1);
    // The row is Ben's now; the address that Ada once typed into it stays behind.
    database
        .run(&["UPDATE customer SET email = 'ben@example.com'"])
        .await;
    let reading = connector.read(&plan, &request).await.unwrap();
    assert_eq!(reading.not_theirs, request.start);
    assert!(reading.collections.iter().all(|c| c.rows.is_empty()));
    let found = connector.find(&plan, &ada).await.unwrap();
    assert_eq!(
        found.iter().map(|f| f.verified).collect::<Vec<_>>(),
        [false]
    );
    })
    .await;
}

#[tokio::test]
async fn keys_are_not_confused_by_types_or_collations() {
    // '1' and '01' are two people; so are 'Ab' and 'aB'.
    let database = Database::new(&["CREATE TABLE customer (id TEXT PRIMARY KEY, email TEXT);
        CREATE TABLE number (customer_id INTEGER, text TEXT);
        CREATE TABLE folded (customer_id TEXT COLLATE NOCASE, text TEXT);
        CREATE TABLE deeper (number_text TEXT, text TEXT);
        INSERT INTO customer VALUES ('1', 'ada@example.com'), ('01', 'ben@example.com'), ('Ab', 'cleo@example.com'), ('aB', 'dan@example.com');
        INSERT INTO number VALUES (1, 'ada''s'); INSERT INTO folded VALUES ('Ab', 'cleo''s'), ('aB', 'dan''s');
        INSERT INTO deeper VALUES ('ada''s', 'ada''s too'), ('ADA''S', 'nobody''s');"])
    .await;
    let connector = connector(&database.path);
    let all = [
        CUSTOMER.to_owned(),
        child("number", "customer_id", "customer.id"),
        child("folded", "customer_id", "customer.id"),
        child("deeper", "number_text", "number.text"),
    ];
    let plan = plan(&connector, &datasets(&all.concat())).await;
    for (who, number, folded, deeper) in [
        ("ada", vec!["1|ada's"], vec![], vec!["ada's|ada's too"]),
        ("ben", vec![], vec![], vec![]),
        ("cleo", vec![], vec!["Ab|cleo's"], vec![]),
        ("dan", vec![], vec!["aB|dan's"], vec![]),
    ] {
        let reading = read(&connector, &plan, &format!("{who}@example.com")).await;
        assert_eq!(lines(&rows_of(&reading, "number").rows), number, "{who}");
        assert_eq!(lines(&rows_of(&reading, "folded").rows), folded, "{who}");
        assert_eq!(lines(&rows_of(&reading, "deeper").rows), deeper, "{who}");
    }
}

#[tokio::test]
async fn a_view_without_a_key_is_paged_whole_with_its_equal_rows() {
    on_each_engine(&["CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT);
        CREATE TABLE hidden_visit (customer_id INTEGER, page TEXT);
        CREATE VIEW visit AS SELECT customer_id, page FROM hidden_visit;
        INSERT INTO customer VALUES (1, 'ada@example.com'), (2, 'ben@example.com');
        INSERT INTO hidden_visit VALUES (1, 'a'), (1, 'a'), (1, 'a'), (1, NULL), (1, NULL), (1, 'b'), (2, 'a');"], async |database| {
    let connector = &*database.connector();
    let plan = plan(
        connector,
        &datasets(&format!(
            "{CUSTOMER}{}",
            child("visit", "customer_id", "customer.id")
        )),
    )
    .await;
    assert_eq!(plan.undescribed_tables(), ["hidden_visit"]);
    for page in 1..8 {
        let (all, _) = read_all_pages(connector, &plan, "ada@example.com", page).await;
        assert_eq!(
            lines(&all["visit"]),
            ["1|∅", "1|∅", "1|a", "1|a", "1|a", "1|b"],
            "pages of {page}"
        );
    }
    })
    .await;
}

#[tokio::test]
async fn an_identity_in_a_view_is_found_and_read() {
    on_each_engine(&["CREATE TABLE person (mail TEXT, born TEXT);
        CREATE VIEW customer AS SELECT mail AS email, born FROM person;
        INSERT INTO person VALUES ('ada@example.com', '1815'), ('ada@example.com', '1815'), ('ben@example.com', '1900');"], async |database| {
    let connector = &*database.connector();
    let plan = plan(connector, &datasets(CUSTOMER)).await;
    assert_eq!(plan.missing().len(), 1, "the view has no id");
    let reading = read(connector, &plan, "ada@example.com").await;
    assert_eq!(reading.not_theirs, []);
    assert_eq!(
        lines(&rows_of(&reading, "customer").rows),
        ["ada@example.com|1815", "ada@example.com|1815"]
    );
    })
    .await;
}

#[tokio::test]
async fn pages_go_newest_first_with_undated_rows_last_and_counts_stop() {
    on_each_engine(&["CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT);
        CREATE TABLE bill (id INTEGER PRIMARY KEY, customer_id INTEGER, day TEXT);
        INSERT INTO customer VALUES (1, 'ada@example.com');
        INSERT INTO bill VALUES (1, 1, '2020'), (2, 1, NULL), (3, 1, '2021'), (4, 1, '2021'), (5, 1, NULL), (6, 2, '2022');"], async |database| {
    let connector = &*database.connector();
    let bill = child("bill", "customer_id", "customer.id").replace(
        "        fields:",
        "        portal: { order_by: day }\n        fields:",
    );
    let plan = plan(connector, &datasets(&format!("{CUSTOMER}{bill}"))).await;
    for page in 1..7 {
        let (all, _) = read_all_pages(connector, &plan, "ada@example.com", page).await;
        assert_eq!(
            lines(&all["bill"]),
            ["4|1|2021", "3|1|2021", "1|1|2020", "5|1|∅", "2|1|∅"],
            "pages of {page}"
        );
    }
    let ada = address("ada@example.com");
    let request = request(&ada, &connector.find(&plan, &ada).await.unwrap());
    for (page, up_to, count) in [
        (2, 10, Count::Exactly(5)),
        (2, 5, Count::Exactly(5)),
        (2, 4, Count::MoreThan(4)),
        (9, 4, Count::MoreThan(4)),
    ] {
        let reading = connector
            .read(
                &plan,
                &ReadRequest {
                    page,
                    count_up_to: up_to,
                    ..request.clone()
                },
            )
            .await
            .unwrap();
        assert_eq!(rows_of(&reading, "bill").count, count);
    }
    })
    .await;
}

#[tokio::test]
async fn secrets_and_withheld_columns_are_never_selected() {
    // Columns that fail when they are read prove that they are not.
    let database = Database::new(&[
        "CREATE TABLE person (id INTEGER PRIMARY KEY, email TEXT, plain TEXT);
        CREATE VIEW customer AS SELECT id, email, json_extract(plain, '$') AS password_hash, json_extract(plain, '$') AS remark, plain FROM person;
        CREATE TABLE meta (customer_id INTEGER, name TEXT, value TEXT);
        CREATE TABLE session (token TEXT PRIMARY KEY, customer_id INTEGER, device TEXT) WITHOUT ROWID;
        CREATE TABLE login (session_token TEXT, at TEXT);
        INSERT INTO person VALUES (1, 'ada@example.com', 'shown');
        INSERT INTO meta VALUES (1, 'colour', 'blue'), (1, 'api_token', 'hush');
        INSERT INTO session VALUES ('hush', 1, 'phone'), ('other', 2, 'phone');
        INSERT INTO login VALUES ('hush', 'today'), ('other', 'yesterday');"])
    .await;
    let connector = connector(&database.path);
    let customer = format!(
        "{CUSTOMER}          - {{ name: remark, portal: {{ withheld: A note to ourselves. }} }}\n"
    );
    let meta = child("meta", "customer_id", "customer.id").replace(
        "        fields:",
        "        portal: { key_value: { key_column: name, value_column: value } }\n        fields:",
    );
    let all = [
        customer,
        meta,
        child("session", "customer_id", "customer.id"),
        child("login", "session_token", "session.token"),
    ];
    let plan = plan(&connector, &datasets(&all.concat())).await;
    let reading = read(&connector, &plan, "ada@example.com").await;
    assert_eq!(reading.failed, []);
    assert_eq!(
        lines(&rows_of(&reading, "customer").rows),
        ["1|ada@example.com|withheld|withheld|shown"]
    );
    assert_eq!(
        lines(&rows_of(&reading, "meta").rows),
        ["1|colour|blue", "1|api_token|withheld"]
    );
    let sessions = rows_of(&reading, "session");
    assert_eq!(lines(&sessions.rows), ["withheld|1|phone"]);
    assert!(
        !serde_json::to_string(&sessions.rows[0].key)
            .unwrap()
            .contains("hush"),
        "a key travels in cursors"
    );
    assert_eq!(lines(&rows_of(&reading, "login").rows), ["withheld|today"]);
    let described: Vec<bool> = rows_of(&reading, "customer")
        .columns
        .iter()
        .map(|c| c.described)
        .collect();
    assert_eq!(described, [true, true, false, true, false]);
}

#[tokio::test]
async fn only_rows_with_the_fixed_value_belong_to_a_collection() {
    on_each_engine(
        &["CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT);
        CREATE TABLE note (customer_id INTEGER, kind TEXT, text TEXT);
        INSERT INTO customer VALUES (1, 'ada@example.com');
        INSERT INTO note VALUES (1, 'hers', 'a'), (1, 'ours', 'b'), (1, NULL, 'c');"],
        async |database| {
            let connector = &*database.connector();
            let note = |column: &str| {
                child("note", "customer_id", "customer.id").replace(
                    "        fields:",
                    &format!("        portal: {{ where: {{ {column}: hers }} }}\n        fields:"),
                )
            };
            let fits = plan(connector, &datasets(&format!("{CUSTOMER}{}", note("kind")))).await;
            let reading = read(connector, &fits, "ada@example.com").await;
            assert_eq!(lines(&rows_of(&reading, "note").rows), ["1|hers|a"]);
            // Without the column nobody can tell, so nothing is read.
            let unfit = plan(connector, &datasets(&format!("{CUSTOMER}{}", note("sort")))).await;
            assert_eq!(
                unfit
                    .missing()
                    .iter()
                    .map(|m| m.field.as_deref())
                    .collect::<Vec<_>>(),
                [None, Some("sort")],
                "the collection, which is not read, and why"
            );
            let reading = read(connector, &unfit, "ada@example.com").await;
            assert!(
                reading
                    .collections
                    .iter()
                    .all(|c| c.name.collection != "note")
            );
        },
    )
    .await;
}

#[tokio::test]
async fn rows_further_out_follow_their_parents_once_and_only_those_that_belong() {
    on_each_engine(&["CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT);
        CREATE TABLE bill (id INTEGER PRIMARY KEY, customer_id INTEGER, day TEXT, code TEXT, kind TEXT);
        CREATE TABLE line (id INTEGER PRIMARY KEY, bill_id INTEGER);
        CREATE TABLE letter (id INTEGER PRIMARY KEY, bill_code TEXT);
        INSERT INTO customer VALUES (1, 'ada@example.com');
        INSERT INTO bill VALUES (1, 1, '2020', 'x', 'hers'), (2, 1, '2022', 'x', 'hers'), (3, 1, NULL, 'y', 'hers'), (4, 1, '2023', 'z', 'ours');
        INSERT INTO line VALUES (1, 1), (2, 2), (3, 3), (4, 2), (5, 4);
        INSERT INTO letter VALUES (1, 'x'), (2, 'y'), (3, 'z');"], async |database| {
    let bill = child("bill", "customer_id", "customer.id").replace(
        "        fields:",
        "        portal: { order_by: day, where: { kind: hers } }\n        fields:",
    );
    let all = [
        CUSTOMER.to_owned(),
        bill,
        child("line", "bill_id", "bill.id"),
        child("letter", "bill_code", "bill.code"),
    ];
    let connector = &*database.connector();
    let plan = plan(connector, &datasets(&all.concat())).await;
    for page in 1..6 {
        let (all, _) = read_all_pages(connector, &plan, "ada@example.com", page).await;
        assert_eq!(
            lines(&all["line"]),
            ["2|2", "4|2", "1|1", "3|3"],
            "the newest bill's lines first, pages of {page}"
        );
        assert_eq!(
            lines(&all["letter"]),
            ["1|x", "2|y"],
            "two bills share a code, pages of {page}"
        );
    }
    })
    .await;
}

#[tokio::test]
async fn a_fixed_value_holds_for_identities_too() {
    on_each_engine(&["CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT, kind TEXT);
        INSERT INTO customer VALUES (1, 'ada@example.com', 'person'), (2, 'ada@example.com', 'robot');"], async |database| {
    let connector = &*database.connector();
    let people = CUSTOMER.replace(
        "        fields:",
        "        portal: { where: { kind: person } }\n        fields:",
    );
    let plan = plan(connector, &datasets(&people)).await;
    let ada = address("ada@example.com");
    let found = connector.find(&plan, &ada).await.unwrap();
    assert_eq!(keys(&found), ["1"]);
    database.run(&["UPDATE customer SET kind = 'robot'"]).await;
    let reading = connector.read(&plan, &request(&ada, &found)).await.unwrap();
    assert_eq!(reading.not_theirs, [found[0].row.clone()]);
    assert_eq!(
        lines(&rows_of(&reading, "customer").rows),
        Vec::<String>::new()
    );
    })
    .await;
}

#[tokio::test]
async fn a_shared_address_never_leads_to_the_other_persons_card() {
    let path = std::path::Path::new("../../../shared/data/fides/postgres_example_test_dataset.yml");
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("skipped: {} is absent", path.display());
        return;
    };
    let database = Database::new(&["CREATE TABLE address (id INTEGER PRIMARY KEY, street TEXT);
        CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT, name TEXT, address_id INTEGER);
        CREATE TABLE employee (id INTEGER PRIMARY KEY, email TEXT, name TEXT, address_id INTEGER);
        CREATE TABLE payment_card (id TEXT PRIMARY KEY, customer_id INTEGER, billing_address_id INTEGER, name TEXT);
        CREATE TABLE service_request (id TEXT PRIMARY KEY, email TEXT, alt_email TEXT, employee_id INTEGER);
        INSERT INTO address VALUES (1, 'Example Street');
        INSERT INTO customer VALUES (1, 'ada@example.com', 'Ada', 1), (2, 'ben@example.com', 'Ben', 1);
        INSERT INTO employee VALUES (1, 'eve@example.com', 'Eve', 1);
        INSERT INTO payment_card VALUES ('c1', 1, 1, 'Ada''s card'), ('c2', 2, 1, 'Ben''s card');
        INSERT INTO service_request VALUES ('s1', 'ada@example.com', NULL, 1), ('s2', 'ben@example.com', 'ada@example.com', 1), ('s3', 'ben@example.com', NULL, 1);"])
    .await;
    let connector = connector(&database.path);
    let loaded =
        fairhold_domain::catalog::load::load(&[fairhold_domain::catalog::load::SourceFile {
            path: "datasets/f.yml".to_owned(),
            text,
        }]);
    let plan = plan(&connector, &loaded.catalog.datasets).await;
    let all = async |who: &str| {
        let reading = read(&connector, &plan, who).await;
        let mut text = Vec::new();
        for collection in &reading.collections {
            text.extend(lines(&collection.rows));
        }
        assert_eq!(
            reading
                .shared
                .iter()
                .flat_map(|s| lines(&s.rows))
                .collect::<Vec<_>>(),
            ["1|Example Street"]
        );
        text
    };
    assert_eq!(
        all("ada@example.com").await,
        [
            "1|ada@example.com|Ada|1",
            "c1|1|1|Ada's card",
            "s1|ada@example.com|∅|1",
            "s2|ben@example.com|ada@example.com|1"
        ]
    );
    assert_eq!(
        all("eve@example.com").await,
        ["1|eve@example.com|Eve|1"],
        "not the requests of those she served"
    );
}

#[tokio::test]
async fn a_cursor_of_another_collection_is_refused() {
    on_each_engine(&["CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT);
        CREATE TABLE pair (customer_id INTEGER, n INTEGER, PRIMARY KEY (customer_id, n));
        INSERT INTO customer VALUES (1, 'ada@example.com'); INSERT INTO pair VALUES (1, 1), (1, 2), (1, 3);"], async |database| {
    let connector = &*database.connector();
    let plan = plan(
        connector,
        &datasets(&format!(
            "{CUSTOMER}{}",
            child("pair", "customer_id", "customer.id")
        )),
    )
    .await;
    let ada = address("ada@example.com");
    let mut request = request(&ada, &connector.find(&plan, &ada).await.unwrap());
    request.page = 1;
    let first = connector.read(&plan, &request).await.unwrap();
    let cursor = rows_of(&first, "pair").next.clone().unwrap();
    request.after = Some(cursor.clone());
    let everything = connector.read(&plan, &request).await.unwrap();
    assert_eq!(
        lines(&rows_of(&everything, "pair").rows),
        ["1|1"],
        "a cursor without its collection counts for nothing"
    );
    let sealed = serde_json::to_string(&cursor).unwrap();
    request.after = Some(serde_json::from_str(&sealed).unwrap());
    request.only = Some(fairhold_connect::CollectionName::new("d", "pair"));
    assert_eq!(
        lines(&connector.read(&plan, &request).await.unwrap().collections[0].rows),
        ["1|2"]
    );
    request.only = Some(fairhold_connect::CollectionName::new("d", "customer"));
    assert_eq!(
        connector.read(&plan, &request).await.unwrap_err(),
        ConnectError::NoSuchPage
    );
    request.only = Some(fairhold_connect::CollectionName::new("d", "nothing"));
    assert_eq!(
        connector.read(&plan, &request).await.unwrap_err(),
        ConnectError::NoSuchPage
    );
    })
    .await;
}
