//! Asks: one at a time, shown before they are answered, answered once, and kept sealed.

use tokio::task::JoinSet;

use crate::html;
use crate::support::{Answer, Browser, House, Setup};

const ADA: &str = "ada@example.com";
const BEN: &str = "ben@example.com";
const DAY: i64 = 24 * 3600;
const ASKED: &str = "May we text you when your order is ready?";
const ADDRESS: [(&str, &str); 4] = [
    ("address.street", "7 Quiet Lane"),
    ("address.town", "Galway"),
    ("address.code", "h91 e2k3"),
    ("address.country", "IE"),
];

/// Opens an ask and answers it.
async fn answer(browser: &mut Browser, ask: &str, answer: &str, typed: &[(&str, &str)]) -> Answer {
    let page = browser.get(&format!("/share/{ask}")).await;
    assert_eq!(page.status, 200, "{}", page.text());
    send(browser, ask, answer, typed).await
}

async fn send(browser: &mut Browser, ask: &str, answer: &str, typed: &[(&str, &str)]) -> Answer {
    let mut fields = vec![
        ("version", "1"),
        ("purpose_version", "1"),
        ("answer", answer),
    ];
    fields.extend(typed);
    browser.post(&format!("/share/{ask}"), &fields).await
}

async fn events(house: &House) -> Vec<(String, String)> {
    let mut db = house.database().await;
    let sql = "SELECT ask, event FROM consent_records WHERE ask <> '' ORDER BY customer_id, seq";
    sqlx::query_as(sql).fetch_all(&mut db).await.unwrap()
}

fn event(ask: &str, event: &str) -> (String, String) {
    (ask.to_owned(), event.to_owned())
}

#[tokio::test]
async fn one_thing_is_asked_at_a_time_and_never_pressed() {
    let (house, mut ada) = House::with(ADA).await;
    let first = ada.get("/share").await;
    assert!(first.text().contains("Nothing to ask just now"), "too soon");
    house.clock.pass(7 * DAY);
    let mut ada = house.logged_in(ADA).await;
    let page = ada.get("/share").await;
    let text = page.text();
    assert!(text.contains(ASKED), "{text}");
    for part in [
        "What you get",
        "What we do with it",
        "If you say no",
        "about €0.40 a year",
    ] {
        assert!(text.contains(part), "{part}");
    }
    let buttons = html::attributes(&page.body, "name");
    let answers = buttons.iter().filter(|(_, name)| name == "answer").count();
    assert_eq!(answers, 3, "yes, no and not now side by side");
    assert!(!page.body.contains(" checked"), "nothing is ticked (P2)");
    ada.get("/share").await;
    assert_eq!(
        events(&house).await,
        [event("order_texts", "asked")],
        "asked once"
    );
    let rested = send(&mut ada, "order_texts", "not-now", &[]).await;
    assert_eq!(rested.location(), "/share?done=not-now");
    assert!(!ada.get("/share").await.text().contains("One question"));
    house.clock.pass(8 * DAY);
    let mut ada = house.logged_in(ADA).await;
    let next = ada.get("/share").await.text();
    assert!(
        next.contains("May we post you a card"),
        "another, a week later"
    );
    let refused = send(&mut ada, "offers_by_post", "no", &[]).await;
    assert_eq!(refused.location(), "/share?done=no");
    house.clock.pass(23 * DAY);
    let mut ada = house.logged_in(ADA).await;
    let again = ada.get("/share").await.text();
    assert!(
        again.contains(ASKED) && again.contains("One question"),
        "30 days later"
    );
}

#[tokio::test]
async fn what_is_given_is_sealed_shown_changed_and_taken_away() {
    let (house, mut ada) = House::with(ADA).await;
    let given = answer(&mut ada, "offers_by_post", "yes", &ADDRESS).await;
    assert_eq!(given.location(), "/share?done=yes");
    let mine = ada.get("/my-data").await;
    let shown = "7 Quiet Lane, Galway, H91 E2K3, Ireland";
    assert!(mine.text().contains(shown), "{}", mine.text());
    assert!(mine.text().contains("We post you a small card with offers"));
    assert!(
        html::attributes(&mine.body, "href")
            .iter()
            .any(|(_, to)| to == "/change/address")
    );
    for values in house.contents(&[]).await.into_values() {
        let bytes = values.into_iter().flatten().flatten();
        for bytes in bytes {
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains("Quiet Lane"), "it is sealed at rest");
        }
    }
    let page = ada.get("/change/address").await;
    assert!(page.body.contains("7 Quiet Lane"));
    let mut moved = ADDRESS.to_vec();
    moved[0].1 = "8 Loud Street";
    moved.push(("do", "change"));
    assert_eq!(
        ada.post("/change/address", &moved).await.location(),
        "/my-data"
    );
    assert!(ada.get("/my-data").await.text().contains("8 Loud Street"));
    moved[2].1 = "none";
    let wrong = ada.post("/change/address", &moved).await;
    assert_eq!(wrong.status, 422);
    assert!(
        wrong
            .text()
            .contains("This is not a post code of the country you picked.")
    );
    assert!(wrong.body.contains("8 Loud Street"), "what was typed stays");
    let removed = ada.post("/change/address", &[("do", "remove")]).await;
    assert_eq!(removed.location(), "/my-data");
    assert!(!ada.get("/my-data").await.text().contains("Loud Street"));
    assert_eq!(ada.get("/change/address").await.status, 404);
    let looked = ada.get("/who-looked").await.text();
    assert!(looked.contains("You looked at"), "{looked}");
}

#[tokio::test]
async fn a_yes_stands_on_the_page_of_permissions_and_is_withdrawn_there() {
    let (house, mut ada) = House::with(ADA).await;
    let wish = [("wish", "More <b>rooibos</b>")];
    answer(&mut ada, "a_wish", "yes", &wish).await;
    let page = ada.get("/permissions").await;
    let text = page.text();
    assert!(
        text.contains("You said yes today at 10:00. It counts until"),
        "{text}"
    );
    assert!(text.contains("It uses what you share here: Your wish for the shop."));
    assert!(text.contains("If you say no: We order what we think is good, as today."));
    let off = [
        ("purpose", "better_shelves"),
        ("version", "1"),
        ("allow", "no"),
    ];
    ada.post("/permissions", &off).await;
    let text = ada.get("/permissions").await.text();
    assert!(
        text.contains("You took your yes back today at 10:00."),
        "{text}"
    );
    let asked = ada.get("/share/a_wish").await;
    assert!(asked.text().contains("You took your yes back"));
    assert!(
        asked.body.contains("More &lt;b&gt;rooibos"),
        "{}",
        asked.body
    );
    assert_eq!(
        events(&house).await,
        [event("a_wish", "given"), event("a_wish", "withdrawn")]
    );
    let receipt = ada.get("/permissions/receipt/1").await;
    assert_eq!(receipt.header("content-type"), "application/ld+json");
    let receipt: serde_json::Value = serde_json::from_str(&receipt.body).unwrap();
    assert_eq!(receipt["@type"], "dpv:ConsentRecord");
    let process = &receipt["dpv:hasProcess"][0];
    assert_eq!(
        process["dpv:hasConsentStatus"][0]["@type"][0],
        "dpv:ConsentGiven"
    );
    assert_eq!(
        process["dpv:hasPersonalData"][0]["dpv:hasIdentifier"],
        "wish"
    );
    assert_eq!(ada.get("/permissions/receipt/99").await.status, 404);
    let mut ben = house.logged_in(BEN).await;
    let bens = ben.get("/permissions/receipt/1").await;
    assert!(!bens.body.contains("rooibos") && !bens.body.contains("a_wish"));
}

#[tokio::test]
async fn an_answer_to_what_was_not_shown_or_was_answered_changes_nothing() {
    let (house, mut ada) = House::with(ADA).await;
    let wish = [("wish", "Rooibos")];
    let unseen = send(&mut ada, "a_wish", "yes", &wish).await;
    assert_eq!(unseen.status, 409);
    assert!(unseen.text().contains("We did not ask you this"));
    assert_eq!(events(&house).await, []);
    // The page that said so showed it.
    assert_eq!(send(&mut ada, "a_wish", "yes", &wish).await.status, 303);
    let twice = send(&mut ada, "a_wish", "yes", &[("wish", "Nettles")]).await;
    assert_eq!(twice.status, 409);
    assert!(twice.text().contains("You have answered this already"));
    assert!(twice.body.contains("Rooibos") && !twice.body.contains("Nettles"));
    let read = |ask, purpose| {
        [
            ("version", ask),
            ("purpose_version", purpose),
            ("answer", "yes"),
            ("wish", "Nettles"),
        ]
    };
    for old in [read("7", "1"), read("1", "7")] {
        let changed = ada.post("/share/a_wish", &old).await;
        assert_eq!(changed.status, 409);
        assert!(
            changed
                .text()
                .contains("The words of this question have changed")
        );
    }
    ada.get("/share/birthday_treat").await;
    house.clock.pass(31 * DAY);
    let mut ada = house.logged_in(ADA).await;
    let stale = send(&mut ada, "birthday_treat", "no", &[]).await;
    assert_eq!(stale.status, 409, "it was shown long ago");
    assert_eq!(ada.get("/share/none").await.status, 404);
    assert_eq!(ada.post("/share/none", &read("1", "1")).await.status, 404);
    for bad in [
        &[("version", "1"), ("purpose_version", "1")][..],
        &read("x", "1"),
        &read("1", ""),
        &[("version", "1"), ("answer", "yes")],
        &[
            ("version", "1"),
            ("purpose_version", "1"),
            ("answer", "maybe"),
        ],
    ] {
        assert_eq!(ada.post("/share/a_wish", bad).await.status, 400, "{bad:?}");
    }
    assert_eq!(events(&house).await, [event("a_wish", "given")]);
}

#[tokio::test]
async fn both_pages_tell_the_same_of_a_yes() {
    let (_house, mut ada) = House::with(ADA).await;
    let switch = |allow| {
        [
            ("purpose", "better_shelves"),
            ("version", "1"),
            ("allow", allow),
        ]
    };
    ada.post("/permissions", &switch("yes")).await;
    let allowed = ada.get("/permissions").await.text();
    assert!(
        allowed.contains("You said yes today at 10:00. It counts until"),
        "no longer than where it is asked: {allowed}"
    );
    let asked = ada.get("/share/a_wish").await.text();
    let same = "You said yes today at 10:00, under “What you allow”.";
    assert!(asked.contains(same), "{asked}");
    ada.post("/permissions", &switch("no")).await;
    let asked = ada.get("/share/a_wish").await.text();
    assert!(!asked.contains(same), "{asked}");
}

#[tokio::test]
async fn of_two_answers_at_once_one_counts() {
    let (house, mut ada) = House::with(ADA).await;
    ada.get("/share/a_wish").await;
    let mut tasks = JoinSet::new();
    for index in 0..8 {
        let mut browser = ada.clone();
        tasks.spawn(async move {
            let (choice, wish) = if index % 2 == 0 {
                ("yes", "Rooibos")
            } else {
                ("no", "")
            };
            send(&mut browser, "a_wish", choice, &[("wish", wish)]).await
        });
    }
    let answers = tasks.join_all().await;
    let taken: Vec<_> = answers.iter().filter(|a| a.status == 303).collect();
    assert_eq!(taken.len(), 1);
    assert_eq!(answers.iter().filter(|a| a.status == 409).count(), 7);
    assert_eq!(events(&house).await.len(), 1);
}

#[tokio::test]
async fn what_will_not_do_is_said_and_nothing_is_kept() {
    let (house, mut ada) = House::with(ADA).await;
    for (ask, typed, words) in [
        (
            "order_texts",
            &[("phone", "12")][..],
            "We know no phone number like this.",
        ),
        (
            "offers_by_post",
            &[("address.street", "7 Quiet Lane")],
            "Write your town or city.",
        ),
        (
            "your_taste",
            &[("favourite_drink", "Petrol")],
            "Pick one of the answers.",
        ),
        (
            "birthday_treat",
            &[
                ("birthday.day", "31"),
                ("birthday.month", "2"),
                ("birthday.year", "1985"),
            ],
            "Write a real day",
        ),
        (
            "birthday_treat",
            &[
                ("birthday.day", "1"),
                ("birthday.month", "2"),
                ("birthday.year", "2012"),
            ],
            "You need to be 16 or older",
        ),
        ("a_wish", &[("wish", "  ")], "Write something, or say no."),
    ] {
        let page = answer(&mut ada, ask, "yes", typed).await;
        assert_eq!(page.status, 422, "{ask}");
        assert!(page.text().contains(words), "{ask}: {}", page.text());
        assert!(page.text().contains("There is a problem"));
    }
    assert_eq!(events(&house).await, []);
}

#[tokio::test]
async fn a_number_counts_after_its_code_came_back() {
    let house = Setup::demo().await.start().await;
    let mut ada = house.logged_in(ADA).await;
    let to_code = answer(&mut ada, "order_texts", "yes", &[("phone", "087 123 4567")]).await;
    let code_page = to_code.location().to_owned();
    assert!(
        code_page.starts_with("/account/contacts/code/"),
        "{code_page}"
    );
    assert!(ada.get("/my-data").await.text().contains("+353871234567"));
    let text = house
        .mail_to("+353871234567")
        .await
        .pop()
        .expect("a text")
        .1;
    let mut words = text.split_whitespace();
    let code = words.find(|w| w.len() == 6 && w.bytes().all(|b| b.is_ascii_digit()));
    let proven = ada.post(&code_page, &[("code", code.unwrap())]).await;
    assert_eq!(proven.status, 303, "{}", proven.text());
    let landline = answer(&mut ada, "order_texts", "yes", &[("phone", "01 679 0000")]).await;
    assert_eq!(landline.status, 422);
    assert!(
        landline
            .text()
            .contains("We can't send a text to this number.")
    );
    assert!(
        ada.get("/my-data").await.text().contains("+353871234567"),
        "the old one stays"
    );
}
