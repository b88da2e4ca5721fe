//! Points and rewards: earned, spent once whatever is sent how often, and ruled by the staff.

use fairhold_domain::policy::Role;
use fairhold_portal::rewards::Correction;
use fairhold_portal::staff::By;
use reqwest::Method;
use tokio::task::JoinSet;

use crate::html;
use crate::staff;
use crate::support::{Answer, Browser, House, form};

const ADA: &str = "ada@example.com";
const BEN: &str = "ben@example.com";
const PAGE: &str = "/rewards";
const FORM: &str = "00000000-0000-4000-8000-00000000000";

/// The name of a form, as a page would make it.
pub fn form_id(number: u8) -> String {
    format!("{FORM}{number}")
}

pub async fn give(house: &House, email: &str, points: i64) {
    let correction = Correction {
        id: house.portal.name_of_form(),
        email: email.to_owned(),
        programme: "club".to_owned(),
        points,
        reason: "You came to our tasting.".to_owned(),
    };
    let corrected = house.portal.correct_points(By::Operator, correction);
    corrected.await.unwrap();
}

async fn fill(house: &House, codes: &str) {
    let put_in = house
        .portal
        .put_codes_in(By::Operator, "free_coffee", codes);
    put_in.await.unwrap();
}

async fn take(browser: &mut Browser, id: &str, reward: &str, costs: &str) -> Answer {
    let fields = [("id", id), ("reward", reward), ("costs", costs)];
    browser.post(PAGE, &fields).await
}

/// What is in the journal and in the list of redemptions.
async fn held(house: &House) -> (i64, i64, i64) {
    let sql = "SELECT (SELECT COALESCE(SUM(points), 0) FROM point_entries), (SELECT COUNT(*) FROM redemptions), \
               (SELECT COUNT(*) FROM reward_codes WHERE given_at IS NULL)";
    let mut db = house.database().await;
    sqlx::query_as(sql).fetch_one(&mut db).await.unwrap()
}

/// The hidden fields of the page's first form that takes a reward.
fn first_card(page: &Answer) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for piece in html::pieces(&page.body) {
        let html::Piece::Open(name, attributes) = piece else {
            continue;
        };
        let value = |key: &str| {
            let mut all = attributes.iter();
            all.find(|(k, _)| k == key).map(|(_, v)| v.clone())
        };
        if name == "input" && value("type").as_deref() == Some("hidden") && fields.len() < 3 {
            fields.push((value("name").unwrap(), value("value").unwrap()));
        }
    }
    fields
}

#[tokio::test]
async fn points_can_be_seen_spent_and_found_again() {
    let (house, mut ada) = House::with(ADA).await;
    let before = ada.get(PAGE).await;
    assert!(
        before.text().contains("The Finch Club"),
        "{}",
        before.text()
    );
    assert!(before.body.contains("href=\"/join/club\""));
    assert!(!before.text().contains("You can spend"), "no points yet");
    ada.post("/join/club", &[]).await;
    give(&house, ADA, 50).await;
    fill(&house, "CUP-1\n").await;
    let looks = house.looks().await.len();
    let page = ada.get(PAGE).await;
    for words in [
        "70 points",
        "You can spend all of them now.",
        "+50 points We put your points right: You came to our tasting.",
        "+20 points You joined The Finch Club.",
        "70 of 80 points for “10% off one order”",
        "You need 10 more.",
        "One is left.",
    ] {
        assert!(page.text().contains(words), "{words}: {}", page.text());
    }
    assert!(!page.text().contains("You are not in this programme"));
    assert_eq!(house.looks().await.len(), looks + 1, "it is written down");
    let fields = first_card(&page);
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    let taken = ada.post(PAGE, &fields).await;
    assert_eq!(taken.status, 303, "{}", taken.text());
    let to = taken.location().to_owned();
    let again = ada.post(PAGE, &fields).await;
    assert_eq!(again.location(), to, "a form that is sent twice takes one");
    let code = ada.get(&to).await.text();
    assert!(
        code.contains("Here is your code") && code.contains("CUP-1"),
        "{code}"
    );
    let after = ada.get(PAGE).await.text();
    for words in [
        "30 points",
        "−40 points You took: A free coffee.",
        "Code: CUP-1",
    ] {
        assert!(after.contains(words), "{words}: {after}");
    }
    assert_eq!(held(&house).await, (30, 1, 0));
    let mails = house.mail_to(ADA).await;
    let (subject, text) = mails.last().unwrap();
    assert_eq!(subject, "Your reward from Finch & Rowan");
    assert!(text.contains("Your code is:\nCUP-1\n"), "{text}");
    assert_eq!(
        mails
            .iter()
            .filter(|(_, text)| text.contains("CUP-1"))
            .count(),
        1
    );
    let data = ada.get("/my-data").await.text();
    assert!(data.contains("30 points of The Finch Club"), "{data}");
    assert!(data.contains("Rewards you took"));
    ada.post("/join/club", &[("leave", "true")]).await;
    let left = ada.get(PAGE).await.text();
    assert!(
        left.contains("You are not in this programme now."),
        "{left}"
    );
    assert!(
        left.contains("30 points") && left.contains("Code: CUP-1"),
        "all is still theirs"
    );
}

#[tokio::test]
async fn a_reward_that_cannot_be_taken_says_why_and_takes_no_points() {
    let (house, mut ada) = House::with(ADA).await;
    let id = form_id(1);
    for (what, reward, costs, status, words) in [
        ("unknown", "a_yacht", "1", 404, "We can't find that."),
        (
            "too few points",
            "one_tree",
            "60",
            409,
            "You do not have enough points",
        ),
        ("sold out", "free_coffee", "40", 409, "There are none left."),
        (
            "another price",
            "one_tree",
            "1",
            409,
            "This reward costs something else by now.",
        ),
    ] {
        let refused = take(&mut ada, &id, reward, costs).await;
        assert_eq!(refused.status, status, "{what}");
        assert!(refused.text().contains(words), "{what}: {}", refused.text());
    }
    for (id, costs) in [
        ("x", "60"),
        ("", "60"),
        (&*id, "-60"),
        (&*id, "99999999999"),
    ] {
        let refused = take(&mut ada, id, "one_tree", costs).await;
        assert!(
            [400, 404].contains(&refused.status),
            "{id} {costs}: {}",
            refused.status
        );
    }
    give(&house, ADA, 500).await;
    fill(&house, "A\nB\nC\nD\nE\n").await;
    let pause = |paused| house.portal.pause_reward(By::Operator, "one_tree", paused);
    pause(true).await.unwrap();
    let refused = take(&mut ada, &id, "one_tree", "60").await;
    assert_eq!(refused.status, 409);
    assert!(
        refused
            .text()
            .contains("We are not giving this reward out just now.")
    );
    assert!(!ada.get(PAGE).await.text().contains("A tree in Wicklow"));
    pause(false).await.unwrap();
    for number in 2..6 {
        let taken = take(&mut ada, &form_id(number), "free_coffee", "40").await;
        assert_eq!(taken.status, 303, "{}", taken.text());
    }
    let limited = take(&mut ada, &form_id(6), "free_coffee", "40").await;
    assert_eq!(limited.status, 409);
    assert!(limited.text().contains("as often as one person can"));
    let other = take(&mut ada, &form_id(2), "one_tree", "60").await;
    assert_eq!(other.status, 400, "the form took something else");
    assert_eq!(held(&house).await, (340, 4, 1));
}

#[tokio::test]
async fn nobody_finds_what_somebody_else_took() {
    let (house, mut ada) = House::with(ADA).await;
    give(&house, ADA, 100).await;
    let taken = take(&mut ada, &form_id(1), "ten_percent", "80").await;
    let page = ada.get(taken.location()).await.text();
    let code = page.split_whitespace().find(|w| w.starts_with("FINCH10-"));
    let code = code.expect("a code of its own");
    assert_eq!(code.len(), "FINCH10-".len() + 8);
    assert!(!code["FINCH10-".len()..].contains(['0', '1', 'O', 'I']));
    let mut ben = house.logged_in(BEN).await;
    let looks = house.looks().await.len();
    for id in [&*form_id(1), "none", "%00"] {
        let refused = ben.get(&format!("/rewards/taken/{id}")).await;
        assert_eq!(refused.status, 404, "{id}");
        assert!(!refused.body.contains(code));
    }
    assert_eq!(
        house.looks().await.len(),
        looks,
        "there was nothing to look at"
    );
    give(&house, BEN, 100).await;
    let same_name = take(&mut ben, &form_id(1), "ten_percent", "80").await;
    assert_eq!(same_name.status, 303);
    assert!(
        !ben.get(same_name.location()).await.body.contains(code),
        "his own"
    );
    let plain = |bytes: &Vec<u8>| bytes.windows(7).any(|part| part == b"FINCH10");
    let contents = house.contents(&[]).await;
    assert!(contents["redemptions"].len() == 2 && contents["outbox"].len() >= 2);
    for (table, rows) in contents {
        let mut values = rows.iter().flatten().flatten();
        assert!(!values.any(plain), "a code is in the clear in {table}");
    }
}

/// 64 requests at the same time, from eight customers, for the last voucher.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_voucher_goes_to_one_of_64() {
    let house = House::demo().await;
    fill(&house, "THE-LAST\n").await;
    let mut browsers = Vec::new();
    for number in 0..8 {
        let email = format!("somebody{number}@example.org");
        house.add_with_password(&email, "four words that fit").await;
        give(&house, &email, 40).await;
        let mut browser = house.browser();
        let entered = browser.log_in(&email, "four words that fit").await;
        assert_eq!(entered.status, 303);
        browsers.push(browser);
    }
    let mut tries = JoinSet::new();
    for number in 0..64u8 {
        let mut browser = browsers[usize::from(number % 8)].clone();
        tries.spawn(async move {
            let id = format!("00000000-0000-4000-8000-0000000000{number:02}");
            (
                number % 8,
                take(&mut browser, &id, "free_coffee", "40").await,
            )
        });
    }
    let answers = tries.join_all().await;
    let of = |status| {
        let of_status = answers.iter().filter(|(_, a)| a.status == status);
        of_status.map(|(who, _)| *who).collect::<Vec<_>>()
    };
    let (winners, told) = (of(303), of(409));
    assert_eq!((winners.len(), told.len()), (1, 63));
    let mut others = answers.iter().filter(|(who, _)| *who != winners[0]);
    assert!(others.all(|(_, answer)| !answer.body.contains("THE-LAST")));
    assert_eq!(
        held(&house).await,
        (7 * 40, 1, 0),
        "nobody else lost a point"
    );
    let sums = house.portal.verify_points().await.unwrap();
    assert!(sums.wrong.is_empty());
}

#[tokio::test]
#[expect(
    clippy::too_many_lines,
    reason = "one reward from its beginning to its end"
)]
async fn the_staff_add_change_and_pause_rewards() {
    let house = House::demo().await;
    let (mut marketing, _) = staff::join(&house, "m@example.org", Role::Marketing).await;
    let mug = [
        ("key", "mug"),
        ("programme", "club"),
        ("name", "A blue mug"),
        ("words", "A mug for your tea. Show the code at the till."),
        ("kind", "voucher"),
        ("costs", "1,200"),
        ("stock", ""),
        ("limit", "1"),
        ("code", ""),
    ];
    let with = |changes: &[(&'static str, &'static str)]| {
        let mut fields = mug.to_vec();
        for (name, value) in changes {
            fields.iter_mut().find(|(n, _)| n == name).unwrap().1 = value;
        }
        fields
    };
    for (changes, words) in [
        (
            &[("costs", "-5")][..],
            "Write what it costs as a whole number",
        ),
        (
            &[("costs", "99999999999999999999")],
            "Write what it costs as a whole number",
        ),
        (&[("costs", "0")], "from 1 to 1000000"),
        (&[("limit", "many")], "how many one customer can have"),
        (&[("key", "a/b")], "The key takes letters"),
        (
            &[("key", "free_coffee")],
            "There is a reward with this key already.",
        ),
        (&[("name", "  ")], "Give it a name"),
        (&[("programme", "none")], "Choose one of the programmes."),
        (&[("kind", "yacht")], "Choose what kind of reward it is."),
        (
            &[("kind", "percent"), ("code", "ten%")],
            "can't begin like this",
        ),
        (&[("words", "Leverage your points.")], "office talk"),
    ] {
        let refused = marketing.post("/staff/rewards", &with(changes)).await;
        assert_eq!(refused.status, 422, "{words}");
        assert!(
            refused.text().contains(words),
            "{words}: {}",
            refused.text()
        );
    }
    for _ in 0..2 {
        let added = marketing.post("/staff/rewards", &mug).await;
        assert_eq!(
            added.location(),
            "/staff/rewards?done=added",
            "{}",
            added.text()
        );
    }
    let page = "/staff/rewards/mug";
    let codes = "MUG-1\nMUG-2\nMUG-1\n";
    let put = marketing
        .post(&format!("{page}/codes"), &[("codes", codes)])
        .await;
    assert!(
        put.text().contains("2 new codes were put in."),
        "{}",
        put.text()
    );
    assert!(
        put.text()
            .contains("There already, or twice in your list: 1.")
    );
    let again = marketing
        .post(&format!("{page}/codes"), &[("codes", codes)])
        .await;
    assert!(
        again.text().contains("None of these codes is new"),
        "{}",
        again.text()
    );
    for wrong in ["", "A CODE"] {
        let refused = marketing
            .post(&format!("{page}/codes"), &[("codes", wrong)])
            .await;
        assert_eq!(refused.status, 422, "{wrong}");
    }
    let tree = "/staff/rewards/one_tree/codes";
    let refused = marketing.post(tree, &[("codes", "A")]).await;
    assert!(
        refused.text().contains("Only vouchers do."),
        "{}",
        refused.text()
    );
    let changed = marketing.post(page, &with(&[("costs", "30")])).await;
    assert_eq!(changed.location(), "/staff/rewards/mug?done=changed");
    let mut ada = house.logged_in(ADA).await;
    give(&house, ADA, 30).await;
    assert!(
        ada.get(PAGE)
            .await
            .text()
            .contains("Take it for 30 points: A blue mug")
    );
    let paused = marketing
        .post(&format!("{page}/pause"), &[("pause", "true")])
        .await;
    assert_eq!(paused.location(), "/staff/rewards/mug?done=paused");
    assert!(!ada.get(PAGE).await.text().contains("A blue mug"));
    assert!(
        marketing
            .get(page)
            .await
            .text()
            .contains("It is paused, so nobody sees it.")
    );
    let told = house
        .portal
        .decisions_told(By::Operator, None)
        .await
        .unwrap();
    let sentence =
        "(Marketing) asked to add, change and pause rewards, and put codes in: A blue mug.";
    assert!(told.decisions.iter().any(|d| d.sentence.contains(sentence)));
    for missing in [
        "/staff/rewards/none",
        "/staff/rewards/none/pause",
        "/staff/rewards/none/codes",
    ] {
        let answer = marketing
            .post(missing, &[("pause", "true"), ("codes", "A")])
            .await;
        assert!(
            [404, 422].contains(&answer.status),
            "{missing}: {}",
            answer.status
        );
    }
}

#[tokio::test]
async fn ten_thousand_codes_fit_into_one_form_and_into_no_other() {
    let house = House::demo().await;
    let (mut marketing, _) = staff::join(&house, "m@example.org", Role::Marketing).await;
    let codes =
        |count: usize| (0..count).fold(String::new(), |all, n| format!("{all}CUP-{n:020}\r\n"));
    let page = "/staff/rewards/free_coffee/codes";
    let many = marketing.post(page, &[("codes", &codes(10_000))]).await;
    assert!(
        many.text().contains("10,000 new codes were put in."),
        "{}",
        many.text()
    );
    let too_many = marketing.post(page, &[("codes", &codes(10_001))]).await;
    assert_eq!(too_many.status, 422);
    assert!(too_many.text().contains("more than 10,000"));
    let huge = form(&[("codes", &"A".repeat(1024 * 1024))]).into_bytes();
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let refused = marketing
        .send(Method::POST, page, &headers, huge.clone())
        .await;
    assert_eq!(refused.status, 413);
    let elsewhere = huge[..100_000].to_vec();
    let refused = marketing
        .send(Method::POST, "/staff/points", &headers, elsewhere)
        .await;
    assert_eq!(refused.status, 413);
}

#[tokio::test]
async fn roles_see_and_change_what_the_table_gives_them() {
    let house = House::demo().await;
    let changes = [
        ("/staff/rewards/free_coffee/pause", ("pause", "true")),
        ("/staff/rewards/free_coffee/codes", ("codes", "A-CODE")),
        ("/staff/asks", ("pause", "true")),
    ];
    for (role, reads) in [
        (Role::Support, false),
        (Role::Supervisor, false),
        (Role::PrivacyOfficer, true),
    ] {
        let email = format!("{}@example.org", role.key());
        let (mut browser, _) = staff::join(&house, &email, role).await;
        for page in [
            "/staff/rewards",
            "/staff/rewards/free_coffee",
            "/staff/asks",
        ] {
            let answer = browser.get(page).await;
            assert_eq!(
                answer.status,
                if reads { 200 } else { 403 },
                "{role} {page}"
            );
            assert!(!answer.body.contains("<textarea") && !answer.body.contains("name=\"pause\""));
        }
        assert_eq!(browser.get("/staff/points").await.status, 403, "{role}");
        for (page, field) in changes {
            let fields = [field, ("ask", "a_wish")];
            assert_eq!(
                browser.post(page, &fields).await.status,
                403,
                "{role} {page}"
            );
        }
        let points = [
            ("id", &*form_id(1)),
            ("email", ADA),
            ("programme", "club"),
            ("points", "50"),
            ("reason", "For me."),
        ];
        assert_eq!(browser.post("/staff/points", &points).await.status, 403);
    }
    assert_eq!(held(&house).await, (0, 0, 0));
    let pauses =
        "SELECT (SELECT COUNT(*) FROM paused_asks) + (SELECT COUNT(*) FROM reward_changes)";
    let pauses: i64 = sqlx::query_scalar(pauses)
        .fetch_one(&mut house.database().await)
        .await
        .unwrap();
    assert_eq!(pauses, 0);
}

#[tokio::test]
async fn a_paused_ask_is_asked_of_nobody_and_its_answers_are_counted() {
    let house = House::demo().await;
    house.clock.pass(8 * 24 * 3600);
    let (mut marketing, _) = staff::join(&house, "m@example.org", Role::Marketing).await;
    let mut ada = house.logged_in(ADA).await;
    ada.get("/share/a_wish").await;
    let fields = [
        ("version", "1"),
        ("purpose_version", "1"),
        ("answer", "yes"),
        ("wish", "More tea"),
    ];
    assert_eq!(ada.post("/share/a_wish", &fields).await.status, 303);
    let page = marketing.get("/staff/asks").await;
    let at = page.text().find("What would you like to find").unwrap();
    assert!(page.text()[at..].contains("Said yes 1"), "{}", page.text());
    assert!(!page.body.contains("ada@") && !page.body.contains("More tea"));
    let paused = marketing
        .post("/staff/asks", &[("ask", "order_texts"), ("pause", "true")])
        .await;
    assert_eq!(paused.location(), "/staff/asks?done=paused");
    let asked = ada.get("/share").await.text();
    assert!(
        !asked.contains("May we text you when your order is ready?"),
        "{asked}"
    );
    assert_eq!(ada.get("/share/order_texts").await.status, 410);
    let on = marketing
        .post("/staff/asks", &[("ask", "order_texts"), ("pause", "false")])
        .await;
    assert_eq!(on.location(), "/staff/asks?done=on");
    let none = marketing
        .post("/staff/asks", &[("ask", "none"), ("pause", "true")])
        .await;
    assert_eq!(none.status, 404);
}

#[tokio::test]
async fn points_are_put_right_once_with_a_reason_that_the_customer_reads() {
    let (house, mut ada) = House::with(ADA).await;
    let (mut boss, _) = staff::join(&house, "b@example.org", Role::Administrator).await;
    let id = form_id(1);
    let fields = |points: &'static str, reason: &'static str, email: &'static str| {
        [
            ("id", id.clone()),
            ("email", email.to_owned()),
            ("programme", "club".to_owned()),
            ("points", points.to_owned()),
            ("reason", reason.to_owned()),
        ]
    };
    let reason = "You brought us a friend.";
    let wrongs = [
        (fields("0", reason, ADA), "Write a whole number"),
        (fields("many", reason, ADA), "Write a whole number"),
        (fields("1000001", reason, ADA), "Write a whole number"),
        (
            fields("9223372036854775808", reason, ADA),
            "Write a whole number",
        ),
        (fields("-1", reason, ADA), "does not have that many points"),
        (fields("5", " ", ADA), "Write a reason"),
        (
            fields("5", reason, "nobody@example.com"),
            "Nobody logs in with this address.",
        ),
        (fields("5", reason, "nobody"), "There is a problem"),
    ];
    for (fields, words) in wrongs {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let refused = boss.post("/staff/points", &fields).await;
        assert_eq!(refused.status, 422, "{fields:?}");
        assert!(
            refused.text().contains(words),
            "{words}: {}",
            refused.text()
        );
        assert!(refused.body.contains(&id), "the form is the same one");
    }
    assert_eq!(held(&house).await, (0, 0, 0));
    let right = fields("1,000", reason, ADA);
    let right: Vec<(&str, &str)> = right.iter().map(|(n, v)| (*n, v.as_str())).collect();
    for _ in 0..2 {
        let corrected = boss.post("/staff/points", &right).await;
        assert_eq!(corrected.location(), "/staff/points?done=corrected");
    }
    let other = form_id(2);
    let mut less = right.clone();
    (less[0].1, less[3].1, less[4].1) = (&other, "−400", "We counted twice.");
    assert_eq!(boss.post("/staff/points", &less).await.status, 303);
    let page = ada.get(PAGE).await.text();
    for words in [
        "600 points",
        "+1,000 points We put your points right: You brought us a friend.",
        "−400 points We put your points right: We counted twice.",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let log: Vec<String> =
        sqlx::query_scalar("SELECT body FROM looks WHERE customer_id = 'decisions'")
            .fetch_all(&mut house.database().await)
            .await
            .unwrap();
    assert!(log.iter().any(|body| body.contains("correct_points")));
    assert!(
        !log.iter()
            .any(|body| body.contains("friend") || body.contains("ada@"))
    );
}
