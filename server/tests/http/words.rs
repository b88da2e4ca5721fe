//! The portal's own words: what a twelve-year-old reads with ease, on every page and in every refusal.

use fairhold_app::error::PortalError;
use fairhold_domain::policy::Role;
use fairhold_domain::reading::is_hard_to_read;
use fairhold_domain::rewards::RewardError;
use reqwest::Method;

use crate::html;
use crate::second_fact::{self, Club};
use crate::staff;
use crate::support::{Answer, House, persona};

/// What is hard to read on the pages so far.
struct Hard {
    found: Vec<String>,
    /// What the company calls its lists, longest first.
    names: Vec<String>,
}

impl Hard {
    fn of(house: &House) -> Self {
        let current = house.portal.company().current();
        let collections = current.catalog.datasets.iter().flat_map(|d| &d.collections);
        let mut names: Vec<String> = collections
            .filter_map(|c| c.label.as_ref())
            .map(|l| l.to_lowercase())
            .collect();
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        Self {
            found: Vec::new(),
            names,
        }
    }

    /// Names one after the other are no sentence: there is nothing in it that could be said in a simpler way.
    fn is_a_list_of_names(&self, block: &str) -> bool {
        let rest = self
            .names
            .iter()
            .fold(block.to_lowercase(), |rest, name| rest.replace(name, ""));
        rest.split(|c: char| !c.is_alphanumeric())
            .all(|word| word.is_empty() || word == "and")
    }

    fn look_at(&mut self, what: &str, answer: &Answer) {
        let blocks = html::blocks(&answer.body)
            .into_iter()
            .filter(|block| !self.is_a_list_of_names(block));
        let hard: Vec<String> = blocks
            .filter_map(|b| Some(format!("{what}: {b:?} {:?}", is_hard_to_read(&b)?)))
            .collect();
        self.found.extend(hard);
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a list of pages")]
async fn every_page_is_easy_to_read() {
    let house = House::demo().await;
    let mut hard = Hard::of(&house);
    fairhold_server::demo::seed(&house.portal).await.unwrap();
    let mut stranger = house.browser();
    stranger
        .post("/sign-up", &[("email", "eve@example.com")])
        .await;
    let link = house.link_to("eve@example.com").await;
    for path in [
        "/",
        "/sign-up",
        "/log-in",
        "/log-in?done=out",
        "/log-in?done=password",
        "/forgot-password",
        "/check-your-mail",
        "/demo/outbox",
        &link,
        "/set-password/none",
        "/nowhere",
        "/v1/docs",
    ] {
        hard.look_at(path, &stranger.get(path).await);
    }
    for weak in ["short", "password123", &"long ".repeat(300)] {
        hard.look_at(
            "a weak password",
            &stranger.post(&link, &[("password", weak)]).await,
        );
    }
    for wrong in ["", "eve", &"e".repeat(2000)] {
        hard.look_at(
            "a wrong address",
            &stranger.post("/sign-up", &[("email", wrong)]).await,
        );
    }
    hard.look_at(
        "a wrong log-in",
        &stranger.log_in("eve@example.com", "wrong").await,
    );
    for _ in 0..4 {
        stranger.log_in("eve@example.com", "wrong").await;
    }
    let held = stranger.log_in("eve@example.com", "wrong").await;
    assert_eq!(held.status, 429);
    hard.look_at("too many wrong log-ins", &held);
    for email in [
        "ada@example.com",
        "ben@example.com",
        "cleo@example.net",
        "grace@example.com",
    ] {
        let mut browser = house.logged_in(email).await;
        let mut paths = vec![
            "/my-data".to_owned(),
            "/who-looked".to_owned(),
            "/permissions".to_owned(),
            "/share".to_owned(),
            "/share/order_texts".to_owned(),
            "/rewards".to_owned(),
            "/share/offers_by_post".to_owned(),
            "/share/your_taste".to_owned(),
            "/share/birthday_treat".to_owned(),
            "/share/a_wish".to_owned(),
            "/account".to_owned(),
            "/download".to_owned(),
            "/delete".to_owned(),
            "/account/devices".to_owned(),
            "/account/password".to_owned(),
            "/account/app".to_owned(),
            "/account/passkeys".to_owned(),
            "/account/recovery-codes".to_owned(),
            "/still-you".to_owned(),
            "/join/club".to_owned(),
            "/my-data?origin=guess".to_owned(),
        ];
        let page = browser.get("/my-data").await;
        paths.extend(
            html::attributes(&page.body, "href")
                .into_iter()
                .map(|(_, href)| href)
                .filter(|href| href.starts_with("/my-data/")),
        );
        for path in paths {
            hard.look_at(&path, &browser.get(&path).await);
        }
        hard.look_at(
            "a search that finds nothing",
            &browser.post("/my-data", &[("q", "zzzz")]).await,
        );
        let refused = browser
            .send(
                Method::POST,
                "/my-data",
                &[("sec-fetch-site", "cross-site")],
                Vec::new(),
            )
            .await;
        hard.look_at("a forged form", &refused);
    }
    hard.found.sort();
    hard.found.dedup();
    assert!(hard.found.is_empty(), "{}", hard.found.join("\n"));
}

#[tokio::test]
async fn joining_is_easy_to_read() {
    let (house, mut ada) = House::with("ada@example.com").await;
    let mut hard = Hard::of(&house);
    let mut stranger = house.browser();
    for path in [
        "/join/club",
        "/join/club?return_to=https%3A%2F%2Ffinch-and-rowan.example%2F",
        "/join/club?return_to=https%3A%2F%2Fevil.example",
        "/join/club/embed",
        "/joining/none",
    ] {
        hard.look_at(path, &stranger.get(path).await);
    }
    let wish = [
        ("email", "fay@example.com"),
        ("return_to", "https://finch-and-rowan.example/"),
    ];
    for path in ["/join/club", "/join/club/embed"] {
        for wrong in [("email", "eve"), ("nickname", "a\u{202e}b")] {
            let mut fields = wish.to_vec();
            fields.retain(|(name, _)| *name != wrong.0);
            fields.push(wrong);
            hard.look_at("a wrong wish to join", &stranger.post(path, &fields).await);
        }
        hard.look_at("a wish to join", &stranger.post(path, &wish).await);
    }
    let join = house.link_to("fay@example.com").await;
    hard.look_at("a link to join", &stranger.get(&join).await);
    hard.look_at("joined", &stranger.post(&join, &[]).await);
    ada.post("/join/club", &[]).await;
    hard.look_at("inside", &ada.get("/join/club").await);
    hard.look_at("inside, with rewards", &ada.get("/rewards").await);
    ada.post("/join/club", &[("leave", "true")]).await;
    hard.look_at("left", &ada.get("/join/club").await);
    assert!(hard.found.is_empty(), "{}", hard.found.join("\n"));
}

#[tokio::test]
async fn the_question_who_somebody_is_is_easy_to_read() {
    let club = Club::open().await;
    let mut hard = Hard::of(&club.house);
    let mut ada = club.logged_in(second_fact::ADA).await;
    for (what, answer) in [
        ("a question", ada.get(second_fact::PAGE).await),
        ("no answer", club.answer(&mut ada, "?").await),
        (
            "a long one",
            club.answer(&mut ada, &"long ".repeat(300)).await,
        ),
        ("a wrong one", club.answer(&mut ada, "wrong").await),
        ("a second wrong one", club.answer(&mut ada, "wrong").await),
        ("a third wrong one", club.answer(&mut ada, "wrong").await),
        ("one too many", club.answer(&mut ada, "D02 AF30").await),
        ("a question that waits", ada.get(second_fact::PAGE).await),
        ("what it leaves out", ada.get("/my-data").await),
        ("what was tried", ada.get("/who-looked").await),
    ] {
        hard.look_at(what, &answer);
    }
    assert!(hard.found.is_empty(), "{}", hard.found.join("\n"));
}

#[tokio::test]
async fn the_ways_in_are_easy_to_read() {
    let (house, mut ada) = House::with("ada@example.com").await;
    let mut hard = Hard::of(&house);
    ada.post("/account/app", &[]).await;
    ada.post("/account/passkeys", &[]).await;
    for path in [
        "/account/app/new",
        "/account/passkeys/new",
        "/account?done=app",
    ] {
        hard.look_at(path, &ada.get(path).await);
    }
    let wrong = [("code", "123456"), ("passkey", "{}"), ("name", "x")];
    for path in ["/account/app/new", "/account/passkeys/new"] {
        hard.look_at(path, &ada.post(path, &wrong).await);
    }
    ada.add_passkey(&mut house.device("phone")).await;
    for path in [
        "/account",
        "/account?done=passkey",
        "/account?done=codes",
        "/account/recovery-codes",
        "/account/passkeys?done=name",
        "/account/passkeys?done=off",
    ] {
        hard.look_at(path, &ada.get(path).await);
    }
    let mut half = house.browser();
    let answer = half.log_in("ada@example.com", persona("ada@example.com").password);
    let code = answer.await.location().to_owned();
    hard.look_at("a second step", &half.get(&code).await);
    for code in ["?", "123456"] {
        hard.look_at(
            "a wrong code",
            &half.post("/log-in/code", &[("code", code)]).await,
        );
    }
    half.post("/log-in/passkey", &[]).await;
    hard.look_at("a passkey", &half.get("/log-in/passkey").await);
    let refused = half
        .post("/log-in/passkey/answer", &[("passkey", "{}")])
        .await;
    hard.look_at("no passkey of ours", &refused);
    let alert = house.link_to("ada@example.com").await;
    hard.look_at("not me", &half.get(&alert).await);
    hard.look_at("not me, too late", &half.get("/not-me/none").await);
    assert!(hard.found.is_empty(), "{}", hard.found.join("\n"));
}

#[tokio::test]
async fn the_pages_of_the_staff_are_easy_to_read() {
    let house = House::demo().await;
    let mut hard = Hard::of(&house);
    let mut stranger = house.browser();
    for path in [
        "/staff/log-in",
        "/staff/log-in?done=out",
        "/staff/join/none",
    ] {
        hard.look_at(path, &stranger.get(path).await);
    }
    for role in Role::ALL {
        let (mut browser, _) =
            staff::join(&house, &format!("{}@example.org", role.key()), role).await;
        for path in [
            "/staff",
            "/staff/people",
            "/staff/people?done=invited",
            "/staff/keys",
            "/staff/rewards",
            "/staff/rewards?done=added",
            "/staff/rewards/free_coffee",
            "/staff/rewards/free_coffee?done=changed",
            "/staff/rewards/one_tree?done=paused",
            "/staff/rewards/one_tree?done=on",
            "/staff/asks",
            "/staff/asks?done=paused",
            "/staff/asks?done=on",
            "/staff/points",
            "/staff/points?done=corrected",
            "/staff/decisions",
            "/staff/webhooks",
            "/staff/webhooks?done=again",
        ] {
            hard.look_at(path, &browser.get(path).await);
        }
        if role == Role::Administrator {
            let wrong = [
                ("key", "a/b"),
                ("costs", "x"),
                ("kind", "x"),
                ("stock", "x"),
            ];
            hard.look_at("no reward", &browser.post("/staff/rewards", &wrong).await);
            let wrong = [
                ("key", "a/b"),
                ("costs", "0"),
                ("kind", "percent"),
                ("code", "%"),
            ];
            hard.look_at(
                "no reward either",
                &browser.post("/staff/rewards", &wrong).await,
            );
            for codes in ["", "A B", "A\nA\nB"] {
                let page = "/staff/rewards/free_coffee/codes";
                hard.look_at("codes", &browser.post(page, &[("codes", codes)]).await);
            }
            let page = "/staff/rewards/one_tree/codes";
            hard.look_at(
                "codes of a tree",
                &browser.post(page, &[("codes", "A")]).await,
            );
            for (email, points, reason) in [
                ("", "", ""),
                ("nobody@example.com", "5", "We forgot."),
                ("nobody@example.com", "x", ""),
            ] {
                let fields = [
                    ("id", "00112233445566778899aabbccddeeff"),
                    ("email", email),
                    ("programme", "club"),
                    ("points", points),
                    ("reason", reason),
                ];
                hard.look_at("points", &browser.post("/staff/points", &fields).await);
            }
            for email in ["", "support@example.org"] {
                let fields = [("email", email), ("role", "support")];
                hard.look_at(
                    "an invitation",
                    &browser.post("/staff/people", &fields).await,
                );
            }
            let fields = [("name", "The till"), ("scope", "whoami"), ("days", "30")];
            hard.look_at("a new key", &browser.post("/staff/keys", &fields).await);
            let fields = [("name", " "), ("scope", "whoami"), ("days", "30")];
            hard.look_at("no name", &browser.post("/staff/keys", &fields).await);
        }
    }
    assert!(hard.found.is_empty(), "{}", hard.found.join("\n"));
}

#[test]
fn every_refusal_is_easy_to_read() {
    use PortalError::{
        BadRequest, Busy, LogInFirst, NotFound, OtherSite, Ours, SystemDown, TooLarge, TooOften,
    };
    for error in [
        LogInFirst, NotFound, BadRequest, TooLarge, OtherSite, Busy, TooOften, SystemDown, Ours,
    ] {
        let words = error.to_string();
        assert_eq!(is_hard_to_read(&words), None, "{words}");
        assert!(
            words.ends_with('.') && words.len() > 20,
            "{words} is no sentence"
        );
    }
}

/// The pages of addresses and numbers, and the mails that they send.
#[tokio::test]
async fn every_sentence_about_addresses_is_easy_to_read() {
    let (house, mut ada) = House::with("ada@example.com").await;
    let mut hard = Hard::of(&house);
    let mut ben = house.logged_in("ben@example.com").await;
    for wrong in [("email", "x"), ("phone", "12"), ("phone", "")] {
        hard.look_at(
            "a wrong one",
            &ada.post("/account/contacts", &[wrong]).await,
        );
    }
    for browser in [&mut ada, &mut ben] {
        let both = ("email", "both@example.org");
        let page = browser
            .post("/account/contacts", &[both])
            .await
            .location()
            .to_owned();
        hard.look_at("waiting", &browser.get("/account/contacts").await);
        hard.look_at(&page, &browser.get(&format!("{page}?done=again")).await);
        for code in ["", "000000"] {
            hard.look_at(
                "a wrong code",
                &browser.post(&page, &[("code", code)]).await,
            );
        }
        let mails = house.mail_to("both@example.org").await;
        let text = &mails.last().unwrap().1;
        for words in text.split("\n\n") {
            assert_eq!(is_hard_to_read(words), None, "{words}");
        }
        let code = text
            .split_whitespace()
            .find(|w| w.len() == 6 && w.parse::<u32>().is_ok());
        browser.post(&page, &[("code", code.unwrap())]).await;
        hard.look_at("two accounts have it", &browser.get(&page).await);
    }
    for done in ["proven", "removed", "log-in", "elsewhere", "gone"] {
        let path = format!("/account/contacts?done={done}");
        hard.look_at(&path, &ada.get(&path).await);
    }
    hard.found.sort();
    hard.found.dedup();
    assert!(hard.found.is_empty(), "{}", hard.found.join("\n"));
}

#[tokio::test]
async fn every_mail_is_easy_to_read() {
    let house = House::demo().await;
    house.add("ada@example.com").await;
    for path in ["/sign-up", "/forgot-password"] {
        house
            .browser()
            .post(path, &[("email", "ada@example.com")])
            .await;
        house
            .browser()
            .post(path, &[("email", "eve@example.com")])
            .await;
        house.work().await;
    }
    let link = house.link_to("ada@example.com").await;
    house
        .browser()
        .post(&link, &[("password", "four words that fit")])
        .await;
    let mut ada = house.browser();
    ada.log_in("ada@example.com", "four words that fit").await;
    ada.add_passkey(&mut house.device("phone")).await;
    ada.post("/account/recovery-codes", &[]).await;
    let mut other = house.browser();
    other.use_passkey(&mut house.device("phone")).await;
    let mut mails = house.mail_to("ada@example.com").await;
    mails.extend(house.mail_to("eve@example.com").await);
    assert!(mails.len() >= 4, "all four kinds of mail");
    for (subject, text) in mails {
        for words in [subject.as_str()].into_iter().chain(text.split("\n\n")) {
            assert_eq!(is_hard_to_read(words), None, "{words}");
        }
    }
}

/// Refusals of rewards, and the page and mail of one that was taken.
#[tokio::test]
async fn every_sentence_about_rewards_is_easy_to_read() {
    let house = House::demo().await;
    fairhold_server::demo::seed(&house.portal).await.unwrap();
    let mut hard = Hard::of(&house);
    let mut ada = house.logged_in("ada@example.com").await;
    let id = |number: u8| format!("00000000-0000-4000-8000-00000000000{number}");
    for (number, reward, costs) in [
        (1, "free_coffee", "40"),
        (2, "ten_percent", "80"),
        (3, "one_tree", "60"),
        (4, "one_tree", "1"),
        (5, "ten_percent", "80"),
        (6, "ten_percent", "80"),
    ] {
        let id = id(number);
        let fields = [("id", &*id), ("reward", reward), ("costs", costs)];
        let taken = ada.post("/rewards", &fields).await;
        hard.look_at("a reward", &taken);
        hard.look_at("one's own", &ada.get(&format!("/rewards/taken/{id}")).await);
    }
    hard.look_at("all of them", &ada.get("/rewards").await);
    ada.post("/join/club", &[("leave", "true")]).await;
    hard.look_at("after leaving", &ada.get("/rewards").await);
    let mails = house.mail_to("ada@example.com").await;
    assert!(mails.len() >= 3);
    for (subject, text) in mails {
        for words in [subject.as_str()].into_iter().chain(text.split("\n\n")) {
            assert_eq!(is_hard_to_read(words), None, "{words}");
        }
    }
    for error in [
        RewardError::Gone,
        RewardError::Paused,
        RewardError::PriceChanged,
        RewardError::SoldOut,
        RewardError::LimitReached,
        RewardError::TooFewPoints,
    ] {
        assert_eq!(is_hard_to_read(&error.to_string()), None, "{error}");
    }
    assert!(hard.found.is_empty(), "{}", hard.found.join("\n"));
}
