//! My data: everything that is held, nothing of anybody else's, covered until uncovered, and each look written down
//! before anything is shown.
//!
//! What a page must show is read from the demo company's files by other means: by hand-written SQL, one statement a
//! table, from the customer's address.

use std::collections::{BTreeSet, HashSet};

use fairhold_domain::catalog::{Field, Show, ShownAs};
use fairhold_domain::{facts, present};
use fairhold_portal::company::Current;
use sqlx::{Row as _, SqliteConnection};

use crate::html;
use crate::support::{Answer, Browser, House, system};

const PERSONAS: [&str; 3] = ["ada@example.com", "ben@example.com", "cleo@example.net"];

const SHOP: &str = "customer_id = (SELECT id FROM customers WHERE lower(email) = $1)";
const WEBSITE: &str = "visitor_id = (SELECT id FROM visitors WHERE lower(email) = $1)";
const NEWS: &str = "subscriber_id = (SELECT id FROM subscribers WHERE lower(email) = $1)";

/// Each table that holds a customer's rows: system, name, which rows are theirs.
const TABLES: [(&str, &str, &str); 16] = [
    ("shop", "customers", "lower(email) = $1"),
    ("shop", "addresses", SHOP),
    ("shop", "orders", SHOP),
    ("shop", "order_lines", SHOP),
    ("shop", "loyalty_points", SHOP),
    ("shop", "returns", SHOP),
    ("shop", "support_notes", SHOP),
    ("newsletter", "subscribers", "lower(email) = $1"),
    ("newsletter", "opens", NEWS),
    (
        "newsletter",
        "clicks",
        "open_id IN (SELECT o.id FROM opens o JOIN subscribers s ON s.id = o.subscriber_id WHERE lower(s.email) = $1)",
    ),
    ("analytics", "visitors", "lower(email) = $1"),
    ("analytics", "page_views", WEBSITE),
    ("analytics", "searches", WEBSITE),
    ("analytics", "devices", WEBSITE),
    ("analytics", "interests", WEBSITE),
    ("analytics", "guesses", WEBSITE),
];
/// The broker's facts stand apart, so that the list above can say that they are one table more.
const BOUGHT: (&str, &str, &str) = ("analytics", "bought_facts", WEBSITE);

/// One value that is held, as the catalog has it shown.
struct Held {
    label: String,
    raw: String,
    shown: String,
    how: How,
}

#[derive(PartialEq)]
enum How {
    Plain,
    Covered,
    Withheld,
}

/// A table's columns: name and declared type.
async fn columns(db: &mut SqliteConnection, table: &str) -> Vec<(String, String)> {
    let sql = format!("SELECT name, type FROM pragma_table_info('{table}')");
    sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .fetch_all(db)
        .await
        .unwrap()
}

/// What a table holds of a customer.
async fn held(
    current: &Current,
    (dataset, table, theirs): (&str, &str, &str),
    email: &str,
) -> Vec<Held> {
    let mut db = system(dataset).await;
    let columns = columns(&mut db, table).await;
    let collection = current
        .catalog
        .dataset(dataset)
        .unwrap()
        .collection(table)
        .unwrap();
    let list = columns
        .iter()
        .map(|(name, _)| format!("CAST({name} AS TEXT)"))
        .collect::<Vec<_>>()
        .join(", ");
    let sql = format!("SELECT {list} FROM {table} WHERE {theirs}");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(email)
        .fetch_all(&mut db)
        .await
        .unwrap();
    let mut all = Vec::new();
    for row in rows {
        for (i, (name, sql_type)) in columns.iter().enumerate() {
            let Some(raw) = row.get::<Option<String>, _>(i) else {
                continue;
            };
            let field: &Field = collection
                .field(name)
                .unwrap_or_else(|| panic!("{table}.{name} is described"));
            let kind = present::Kind {
                sql_type,
                column: name,
                field: Some(field),
            };
            let plain = present::value(&raw, kind, &current.zone);
            let (shown, how) = match (facts::withheld(name, Some(field)), facts::show(Some(field)))
            {
                (Some(_), _) => (plain, How::Withheld),
                (None, Show::Full) => (plain, How::Plain),
                (None, Show::Last4) => (present::last4(&plain), How::Plain),
                (None, Show::Covered) => (plain, How::Covered),
            };
            all.push(Held {
                label: field.label.clone().unwrap(),
                raw,
                shown,
                how,
            });
        }
    }
    all
}

/// All pages of a list.
async fn whole_list(browser: &mut Browser, dataset: &str, table: &str) -> Vec<Answer> {
    let mut pages = Vec::new();
    let mut next = Some(format!("/my-data/{dataset}/{table}"));
    while let Some(path) = next {
        let page = browser.get(&path).await;
        assert_eq!(page.status, 200, "{path}");
        next = html::attributes(&page.body, "href")
            .into_iter()
            .map(|(_, href)| href)
            .find(|href| href.contains("?after="));
        pages.push(page);
    }
    pages
}

#[tokio::test]
async fn every_value_is_on_the_pages_and_secrets_are_not() {
    let house = House::demo().await;
    let current = house.portal.company().current();
    for email in PERSONAS {
        let mut browser = house.logged_in(email).await;
        let my_data = browser.get("/my-data").await;
        assert_eq!(my_data.status, 200);
        let text = my_data.text();
        for table in TABLES.into_iter().chain([BOUGHT]) {
            let (dataset, name, _) = table;
            let held = held(&current, table, email).await;
            if held.is_empty() {
                continue;
            }
            let collection = current
                .catalog
                .dataset(dataset)
                .unwrap()
                .collection(name)
                .unwrap();
            let is_list = facts::shown_as(collection) == ShownAs::List;
            let pages = if is_list {
                whole_list(&mut browser, dataset, name).await
            } else {
                Vec::new()
            };
            let mut said: Vec<(String, String)> = pages
                .iter()
                .flat_map(|page| html::pairs(&page.body))
                .collect();
            for value in &held {
                let (label, shown) = (&value.label, squeeze(&value.shown));
                match value.how {
                    How::Withheld => {
                        let bodies = pages.iter().map(|p| &p.body).chain([&my_data.body]);
                        let out = |body: &String| match value.raw.len() {
                            // A short value is in every page by chance: it must not stand after its label.
                            0..6 => html::text(body).contains(&format!("{label} {} ", value.raw)),
                            _ => body.contains(&value.raw),
                        };
                        assert!(!bodies.into_iter().any(out), "{name}: {label} got out");
                    }
                    How::Covered => {
                        assert!(value.raw.len() >= 6, "too short to be looked for");
                        let bodies = pages.iter().map(|p| &p.body).chain([&my_data.body]);
                        assert!(
                            bodies
                                .into_iter()
                                .all(|b| !b.contains(&value.raw) && !b.contains(&value.shown)),
                            "{name}: {label} is uncovered"
                        );
                    }
                    How::Plain if is_list => {
                        let fits = |(l, v): &(String, String)| {
                            l == label
                                && (*v == shown
                                    || v.starts_with(&format!("{shown} We "))
                                    || v.starts_with(&format!("{shown} You ")))
                        };
                        let at = said.iter().position(fits).unwrap_or_else(|| {
                            panic!("{email} {name}: {label} {shown:?} is missing")
                        });
                        said.swap_remove(at);
                    }
                    How::Plain => assert!(
                        text.contains(&format!("{label} {shown} ")),
                        "{email} {name}: {label} {shown:?} is missing"
                    ),
                }
            }
            if is_list {
                let count = held.iter().filter(|h| h.label == held[0].label).count();
                let first = pages[0].text();
                assert!(
                    first.contains(&format!(" {} ", present::number(count as u64))),
                    "{name}: {count} are held: {first}"
                );
            }
        }
        let portal: [(&str, &str); 2] = [
            ("E-mail address for this portal", email),
            ("Log-in made on", "15 January 2020, 10:00"),
        ];
        for (label, value) in portal {
            assert!(
                text.contains(&format!("{label} {value} ")),
                "{label} is missing"
            );
        }
    }
}

fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What points at one person and at nobody else.
const MARKS: [(&str, &str); 12] = [
    ("shop", "SELECT email FROM customers"),
    (
        "shop",
        "SELECT phone FROM customers WHERE phone IS NOT NULL",
    ),
    (
        "shop",
        "SELECT loyalty_card FROM customers WHERE loyalty_card IS NOT NULL",
    ),
    ("shop", "SELECT password_hash FROM customers"),
    ("shop", "SELECT order_number FROM orders"),
    ("shop", "SELECT street FROM addresses"),
    ("shop", "SELECT note FROM support_notes"),
    ("shop", "SELECT email FROM staff"),
    ("newsletter", "SELECT email FROM subscribers"),
    ("analytics", "SELECT id FROM visitors"),
    (
        "analytics",
        "SELECT browser_number FROM visitors WHERE browser_number IS NOT NULL",
    ),
    (
        "analytics",
        "SELECT ip_address FROM devices WHERE ip_address IS NOT NULL",
    ),
];

#[tokio::test]
async fn nothing_of_anybody_else_is_on_any_page() {
    let mut marks: HashSet<String> = HashSet::new();
    for (name, sql) in MARKS {
        let found: Vec<String> = sqlx::query_scalar(sql)
            .fetch_all(&mut system(name).await)
            .await
            .unwrap();
        assert!(!found.is_empty(), "{sql}");
        marks.extend(found.iter().map(|m| squeeze(m)));
    }
    let house = House::demo().await;
    let current = house.portal.company().current();
    for email in PERSONAS {
        let mut browser = house.logged_in(email).await;
        let mut own: HashSet<String> = HashSet::new();
        let mut text = browser.get("/my-data").await.text();
        for table in TABLES {
            let theirs = held(&current, table, email).await;
            own.extend(theirs.iter().map(|h| squeeze(&h.raw)));
            let collection = current
                .catalog
                .dataset(table.0)
                .unwrap()
                .collection(table.1)
                .unwrap();
            if !theirs.is_empty() && facts::shown_as(collection) == ShownAs::List {
                for page in whole_list(&mut browser, table.0, table.1).await {
                    text.push(' ');
                    text.push_str(&page.text());
                }
            }
        }
        text.push_str(&browser.post("/my-data", &[("q", "a")]).await.text());
        text.push_str(&browser.get("/who-looked").await.text());
        let words: HashSet<&str> = text.split_whitespace().collect();
        for mark in marks.difference(&own) {
            let there = if mark.contains(' ') {
                text.contains(mark.as_str())
            } else {
                words.contains(mark.as_str())
            };
            assert!(!there, "{email} reads {mark:?}, which is somebody else's");
        }
    }
}

#[tokio::test]
async fn five_thousand_orders_come_page_by_page_each_once() {
    let (house, mut grace) = House::with("grace@example.com").await;
    let mut expected: Vec<String> = sqlx::query_scalar("SELECT order_number FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.email = $1")
        .bind("grace@example.com")
        .fetch_all(&mut system("shop").await)
        .await
        .unwrap();
    assert_eq!(expected.len(), 5_000);
    let first = grace.get("/my-data/shop/orders").await;
    assert!(first.text().contains("5,000 orders"));
    assert!(
        grace
            .get("/my-data")
            .await
            .text()
            .contains("more than 1,000 orders")
    );

    let id: String = sqlx::query_scalar("SELECT customer_id FROM customers")
        .fetch_one(&mut house.database().await)
        .await
        .unwrap();
    let id = fairhold_domain::ids::CustomerId::parse(&id).unwrap();
    let customer = house.portal.customer(id).await.unwrap();
    let name = || fairhold_portal::CollectionName::new("shop", "orders");
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let part = house
            .portal
            .list(&customer, name(), after.as_deref(), None)
            .await
            .unwrap()
            .part;
        let numbers = part
            .entries
            .iter()
            .flat_map(|e| &e.facts)
            .filter(|f| f.path.field == "order_number");
        found.extend(numbers.map(|f| match &f.value {
            facts::Shown::Plain(text) => text.clone(),
            other => panic!("{other:?}"),
        }));
        match part.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    expected.sort();
    found.sort();
    assert!(expected == found);
}

/// The values that Ada's pages cover, by the label that stands over them.
async fn covered(house: &House) -> Vec<(String, String)> {
    let current = house.portal.company().current();
    let mut all = Vec::new();
    for table in TABLES.into_iter().chain([BOUGHT]) {
        all.extend(
            held(&current, table, "ada@example.com")
                .await
                .into_iter()
                .filter(|h| h.how == How::Covered)
                .map(|h| (table.1.to_owned(), h.shown)),
        );
    }
    all
}

#[tokio::test]
async fn a_button_uncovers_one_value_and_the_look_says_which() {
    let (house, mut ada) = House::with("ada@example.com").await;
    let covered = covered(&house).await;
    assert!(covered.len() >= 3, "Ada has covered values");
    let mut uncovered = BTreeSet::new();
    for path in [
        "/my-data",
        "/my-data/analytics/devices",
        "/my-data/shop/orders",
        "/my-data/shop/order_lines",
        "/my-data/shop/support_notes",
    ] {
        let page = ada.get(path).await;
        assert_eq!(page.status, 200);
        for id in html::fields(&page.body, "show") {
            let looks = house.looks().await.len();
            let shown = ada.post(path, &[("show", &id)]).await;
            assert_eq!(shown.status, 200);
            let newly: Vec<_> = covered
                .iter()
                .filter(|(_, value)| !page.body.contains(value) && shown.body.contains(value))
                .collect();
            assert_eq!(newly.len(), 1, "{path}: one button uncovers one value");
            uncovered.insert(newly[0].clone());
            let all = house.looks().await;
            // The value that was uncovered, and the page around it.
            let acts: Vec<_> = all[looks..].iter().map(|l| l["act"].as_str()).collect();
            assert_eq!(acts[0], Some("uncovered"));
            assert!(
                matches!(acts[1..], [Some("opened" | "opened_list")]),
                "{acts:?}"
            );
            let newest = &all[looks];
            assert_eq!(newest["seen"].as_array().unwrap().len(), 1);
            assert_eq!(
                newest["seen"][0]["collection"].as_str(),
                Some(newly[0].0.as_str())
            );
            let by_island = island(&mut ada, path, &id).await;
            assert_eq!(by_island.status, 200, "{}", by_island.body);
            assert_eq!(
                serde_json::from_str::<String>(&by_island.body).unwrap(),
                newly[0].1
            );
            assert_eq!(by_island.header("cache-control"), "no-store");
        }
    }
    assert_eq!(
        uncovered,
        covered.into_iter().collect(),
        "every covered value has its button"
    );
}

/// Uncovers as the island in the browser does.
async fn island(browser: &mut Browser, page: &str, id: &str) -> Answer {
    let parts: Vec<&str> = page.split('/').skip(2).collect();
    let mut fields = vec![("id", id)];
    if let [dataset, collection] = parts.as_slice() {
        fields.extend([("list[0]", *dataset), ("list[1]", *collection)]);
    }
    browser.post("/act/uncover", &fields).await
}

#[tokio::test]
async fn what_is_not_there_or_somebody_elses_is_not_uncovered() {
    let (house, mut ada) = House::with("ada@example.com").await;
    let mut ben = house.logged_in("ben@example.com").await;
    let hers = html::fields(&ada.get("/my-data").await.body, "show");
    assert!(!hers.is_empty());
    ben.get("/my-data").await;
    let looks = house.looks().await;
    let before = house.contents(&[]).await;
    for id in hers.iter().map(String::as_str).chain([
        "x",
        "0",
        "00112233445566778899aabbccddeeff",
        "' OR 1=1 --",
        "\0",
    ]) {
        for path in ["/my-data", "/my-data/shop/orders"] {
            let answer = ben.post(path, &[("show", id)]).await;
            assert_eq!(answer.status, 404, "{path} {id:?}");
            assert!(answer.text().contains("We can't find that."));
            let answer = island(&mut ben, path, id).await;
            assert_eq!(
                (answer.status, answer.body.as_str()),
                (404, "\"not_found\""),
                "{path} {id:?}"
            );
        }
    }
    assert_eq!(looks, house.looks().await);
    assert!(before == house.contents(&[]).await);
}

#[tokio::test]
async fn a_place_in_a_list_is_its_owners_and_cannot_be_changed() {
    let (house, mut grace) = House::with("grace@example.com").await;
    let mut ada = house.logged_in("ada@example.com").await;
    let page = grace.get("/my-data/shop/orders").await;
    let next = html::attributes(&page.body, "href")
        .into_iter()
        .map(|(_, href)| href)
        .find(|href| href.contains("?after="))
        .unwrap();
    assert_eq!(grace.get(&next).await.status, 200);
    assert_eq!(
        ada.get(&next).await.status,
        404,
        "Grace's place is not Ada's"
    );
    let sealed = next.split("?after=").nth(1).unwrap();
    assert_eq!(
        grace
            .get(&format!("/my-data/shop/order_lines?after={sealed}"))
            .await
            .status,
        404,
        "nor another list's"
    );
    let mut changed = sealed.to_owned();
    let last = changed.pop().unwrap();
    changed.push(if last == 'A' { 'E' } else { 'A' });
    let flipped = format!(
        "{}{}",
        if sealed.starts_with('A') { 'B' } else { 'A' },
        &sealed[1..]
    );
    for wrong in [
        changed.as_str(),
        &flipped,
        &sealed[..20],
        "",
        "x",
        "%00",
        "e30",
        &"A".repeat(3000),
    ] {
        let answer = grace
            .get(&format!("/my-data/shop/orders?after={wrong}"))
            .await;
        assert_eq!(answer.status, 404, "{wrong:.40}");
        assert!(answer.text().contains("We can't find that."));
    }
    let answer = grace
        .post(
            "/my-data/shop/orders",
            &[("show", "x"), ("after", &flipped)],
        )
        .await;
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn searching_and_filtering_leave_only_what_fits() {
    let (house, mut ada) = House::with("ada@example.com").await;
    let current = house.portal.company().current();
    let all = ada.get("/my-data").await.text();
    let has = |text: &str, label: &str| text.contains(&format!(" {label} "));
    assert!(has(&all, "Phone number") && has(&all, "First name"));

    let found = ada.post("/my-data", &[("q", "PHONE number")]).await;
    assert!(has(&found.text(), "Phone number") && !has(&found.text(), "First name"));
    assert_eq!(
        html::fields(&found.body, "q")
            .into_iter()
            .collect::<BTreeSet<_>>(),
        BTreeSet::from(["PHONE number".to_owned()])
    );
    assert!(
        ada.post("/my-data", &[("q", "zzzzzz")])
            .await
            .text()
            .contains("We found nothing that fits.")
    );
    let (_, birthday) = covered(&house)
        .await
        .into_iter()
        .find(|(table, _)| table == "customers")
        .unwrap();
    let page = ada.post("/my-data", &[("q", &birthday)]).await;
    assert!(
        page.text().contains("We found nothing that fits."),
        "a search finds what is covered"
    );

    let in_address = ada.get("/my-data?q=phone").await;
    assert!(
        has(&in_address.text(), "First name"),
        "words in an address are not searched for"
    );
    for (_, href) in html::attributes(&found.body, "href") {
        assert!(!href.to_lowercase().contains("phone"), "{href}");
    }

    let guesses = ada.get("/my-data?origin=guess").await.text();
    assert!(has(&guesses, "You seem to shop") && !has(&guesses, "First name"));
    let letters = ada
        .post("/my-data", &[("system", "newsletter")])
        .await
        .text();
    let first = current
        .catalog
        .dataset("newsletter")
        .unwrap()
        .collection("subscribers")
        .unwrap()
        .fields[0]
        .label
        .clone()
        .unwrap();
    assert!(has(&letters, &first) && !has(&letters, "Phone number"));
}

#[tokio::test]
async fn a_search_finds_what_stands_only_in_the_oldest_of_thousands() {
    let (_house, mut grace) = House::with("grace@example.com").await;
    let oldest: String = sqlx::query_scalar("SELECT order_number FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.email = $1 ORDER BY placed_at, order_number LIMIT 1")
        .bind("grace@example.com")
        .fetch_one(&mut system("shop").await)
        .await
        .unwrap();
    let found = grace.post("/my-data", &[("q", &oldest)]).await.text();
    assert!(
        found.contains("Your orders 1 order") && !found.contains("See all"),
        "{found}"
    );
    assert!(!found.contains("too long to look through"), "{found}");
}

#[tokio::test]
async fn each_page_leaves_one_look_of_the_customers() {
    let (house, mut ada) = House::with("ada@example.com").await;
    for (i, (path, act)) in [
        ("/my-data", "opened"),
        ("/my-data", "opened"),
        ("/my-data/shop/orders", "opened_list"),
        ("/my-data?origin=guess", "opened"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(ada.get(path).await.status, 200);
        let looks = house.looks().await;
        let own: Vec<_> = looks
            .iter()
            .filter(|l| l["actor"]["kind"] == "customer")
            .collect();
        assert_eq!(own.len(), i + 1, "{path}");
        assert_eq!(own.last().unwrap()["act"], act, "{path}");
    }
    ada.post("/my-data", &[("q", "kettle")]).await;
    let looks = house.looks().await;
    assert_eq!(looks.last().unwrap()["act"], "searched");
    assert!(!format!("{looks:?}").contains("kettle"));
    let own: usize = looks
        .iter()
        .filter(|l| l["actor"]["kind"] == "customer")
        .count();
    assert_eq!(
        (own, looks.len()),
        (5, 6),
        "and one of the portal's, when it first found her rows"
    );
    assert!(house.portal.verify().await.unwrap().breaks.is_empty());
}

#[tokio::test]
async fn when_the_look_cannot_be_written_down_nothing_is_shown() {
    let (house, mut ada) = House::with("ada@example.com").await;
    let page = ada.get("/my-data").await;
    let id = html::fields(&page.body, "show").remove(0);
    let current = house.portal.company().current();
    let mut personal: Vec<String> = Vec::new();
    let for_anybody = house.browser().get("/nowhere").await.body;
    for table in TABLES {
        personal.extend(
            held(&current, table, "ada@example.com")
                .await
                .into_iter()
                .map(|h| h.raw)
                .filter(|raw| raw.len() > 5 && !for_anybody.contains(raw)),
        );
    }
    sqlx::query("ALTER TABLE looks RENAME TO looks_elsewhere")
        .execute(&mut house.database().await)
        .await
        .unwrap();
    let answers = [
        ada.get("/my-data").await,
        ada.get("/my-data/shop/orders").await,
        ada.post("/my-data", &[("q", "a")]).await,
        ada.post("/my-data", &[("show", &id)]).await,
        island(&mut ada, "/my-data", &id).await,
    ];
    for answer in answers {
        assert_eq!(answer.status, 500);
        let shown = personal
            .iter()
            .find(|value| answer.body.contains(value.as_str()));
        assert_eq!(shown, None, "shown without a record: {}", answer.text());
        assert!(
            answer.body == "\"ours\""
                || answer.text().contains("Something went wrong on our side.")
        );
    }
    sqlx::query("ALTER TABLE looks_elsewhere RENAME TO looks")
        .execute(&mut house.database().await)
        .await
        .unwrap();
    assert_eq!(
        ada.get("/my-data").await.status,
        200,
        "and it mends by itself"
    );
}
