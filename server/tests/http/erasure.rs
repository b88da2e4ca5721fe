//! Everything is erased: in the company's systems, in the portal, and at last the key. What is promised is shown before, what
//! was done is certified, and what can't be done yet is said.

use std::path::{Path, PathBuf};

use fairhold_server::demo;
use sqlx::{AssertSqlSafe, Row as _};

use crate::support::{Browser, House, Setup, company, copy_catalog, open};

const ADA: &str = "ada@example.com";
const BEN: &str = "ben@example.com";
const PAGE: &str = "/delete";
const DAY: i64 = 24 * 3600;
/// Stands nowhere but where Ada typed it.
const WISH: &str = "Zebra-striped rooibos";

/// The demo's portal with files of its own, and where they are.
async fn own_company() -> (House, tempfile::TempDir) {
    let (setup, folder) = own_files().await;
    (setup.start().await, folder)
}

async fn own_files() -> (Setup, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut setup = Setup::demo().await;
    for name in demo::SYSTEMS {
        let path = file(folder.path(), name);
        std::fs::copy(company().await.join(format!("{name}.db")), &path).unwrap();
        setup = setup.with_system(name, &path);
    }
    (setup, folder)
}

fn file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.db"))
}

/// Ada, who is in the club, wished for something and has a name.
async fn ada_with_a_life(house: &House) -> Browser {
    let mut ada = house.logged_in(ADA).await;
    ada.post("/join/club", &[("nickname", "Zebrafinch")]).await;
    ada.get("/share/a_wish").await;
    let wish = [
        ("version", "1"),
        ("purpose_version", "1"),
        ("answer", "yes"),
        ("wish", WISH),
    ];
    assert_eq!(ada.post("/share/a_wish", &wish).await.status, 303);
    ada
}

async fn ask(browser: &mut Browser, act: &str) {
    let fields = [("act", act), ("sure", "yes")];
    let asked = browser.post(PAGE, &fields).await;
    if act == "now" {
        assert!(asked.text().contains("It has begun."), "{}", asked.text());
    } else {
        assert_eq!(asked.location(), PAGE, "{}", asked.text());
    }
}

/// All rows of all tables of a company's file, each as text.
async fn all_rows(path: &Path) -> Vec<String> {
    let mut db = open(path).await;
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut db).await.unwrap();
    let mut all = Vec::new();
    for table in tables {
        let sql = format!("SELECT * FROM \"{table}\"");
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut db).await;
        for row in rows.unwrap() {
            let cells = (0..row.len()).map(|at| {
                let cell: Option<Vec<u8>> = row.try_get_unchecked(at).unwrap();
                format!("{cell:?}")
            });
            all.push(format!("{table}: {}", cells.collect::<Vec<_>>().join(",")));
        }
    }
    all.sort();
    all
}

/// Files in which a text stands.
fn files_with(folder: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, text));
        } else {
            let bytes = std::fs::read(&path).unwrap();
            if bytes.windows(text.len()).any(|w| w == text.as_bytes()) {
                found.push(path);
            }
        }
    }
    found
}

/// The certificate that was mailed last.
async fn certificate(house: &House, browser: &mut Browser) -> String {
    let (subject, text) = house.mail_to(ADA).await.pop().unwrap();
    assert!(subject.ends_with("has erased your data"), "{subject}");
    let link = text
        .split_whitespace()
        .find(|word| word.contains("/certificates/"));
    let (_, path) = link.unwrap().split_once("/certificates/").unwrap();
    let answer = browser.get(&format!("/certificates/{path}")).await;
    assert_eq!(answer.status, 200);
    answer.body
}

async fn customers(house: &House) -> i64 {
    let count = "SELECT COUNT(*) FROM customers";
    sqlx::query_scalar(count)
        .fetch_one(&mut house.database().await)
        .await
        .unwrap()
}

async fn keys(house: &House) -> i64 {
    let count = "SELECT COUNT(*) FROM data_keys";
    sqlx::query_scalar(count)
        .fetch_one(&mut house.key_database().await)
        .await
        .unwrap()
}

#[tokio::test]
async fn everything_goes_and_a_certificate_says_so() {
    let (house, folder) = own_company().await;
    let mut ada = ada_with_a_life(&house).await;
    let mut ben = house.logged_in(BEN).await;
    // The hour on the page is another one.
    let seen = |page: String| page.replace("10:05", "10:00");
    let bens = seen(ben.get("/my-data").await.text());
    let mut before = Vec::new();
    for name in ["newsletter", "analytics"] {
        before.push(all_rows(&file(folder.path(), name)).await);
    }
    let preview = ada.get(PAGE).await.text();
    for words in [
        "Erase everything",
        "Do you want to keep a copy first?",
        "You lose 30 points.",
        "What stays in",
        "We wait for a week",
    ] {
        assert!(preview.contains(words), "{words}: {preview}");
    }
    let unsure = ada.post(PAGE, &[("act", "now")]).await;
    assert_eq!(unsure.status, 422);
    house.work().await;
    assert_eq!(customers(&house).await, 2, "nobody was erased by mistake");
    ask(&mut ada, "now").await;
    house.work().await;
    let document = certificate(&house, &mut ben).await;
    // What it says is true when it is there.
    let out = ada.get("/my-data").await;
    assert!(out.location().starts_with("/log-in"), "{}", out.location());
    let password = crate::support::persona(ADA).password;
    assert_ne!(house.browser().log_in(ADA, password).await.status, 303);
    assert!(files_with(folder.path(), ADA).is_empty());
    house.clock.pass(310);
    house.work().await;

    assert_eq!((customers(&house).await, keys(&house).await), (1, 1));
    let out = ada.get("/my-data").await;
    assert!(out.location().starts_with("/log-in"), "{}", out.location());
    let again = ada.log_in(ADA, crate::support::persona(ADA).password).await;
    assert_ne!(again.status, 303, "there is no such log-in");
    for text in [ADA, WISH, "Zebrafinch"] {
        assert!(files_with(folder.path(), text).is_empty(), "{text}");
        assert!(files_with(house.data_folder(), text).is_empty(), "{text}");
    }
    let bens_now = seen(ben.get("/my-data").await.text());
    assert_eq!(bens_now, bens, "nobody else's rows change");
    for (name, before, gone) in [
        ("newsletter", &before[0], 10),
        ("analytics", &before[1], 52),
    ] {
        let after = all_rows(&file(folder.path(), name)).await;
        assert!(after.iter().all(|row| before.contains(row)), "{name}");
        assert_eq!(before.len() - after.len(), gone, "{name}");
    }
    let walk = house.portal.verify().await.unwrap();
    assert!(walk.breaks.is_empty(), "{:?}", walk.breaks);
    let owed: i64 =
        sqlx::query_scalar("SELECT points FROM unspent_points WHERE programme = 'club'")
            .fetch_one(&mut house.database().await)
            .await
            .unwrap();
    assert_eq!(
        owed, 30,
        "what she had left is owed to nobody in particular"
    );

    for line in ["Certificate of erasure", "Entries erased: ", "Stays: "] {
        assert!(document.contains(line), "{line}: {document}");
    }
    assert!(!document.to_lowercase().contains("ada"), "{document}");
    let genuine = ben
        .post("/certificates", &[("certificate", &document)])
        .await;
    assert!(genuine.text().contains("This certificate is genuine"));
    let pasted = document.replace('\n', "\r\n");
    let pasted = ben.post("/certificates", &[("certificate", &pasted)]).await;
    assert_eq!(pasted.status, 200);
    for wrong in [
        document.replacen("Entries erased: ", "Entries erased: 1", 1),
        document.replacen("Ed25519 key: ", "Ed25519 key: 00", 1),
        document.replacen("----- signature -----", "", 1),
        "Certificate of erasure".to_owned(),
        String::new(),
    ] {
        let checked = ben.post("/certificates", &[("certificate", &wrong)]).await;
        assert_eq!(checked.status, 422, "{wrong}");
    }
    assert_eq!(ben.get("/certificates/none").await.status, 404);
}

#[tokio::test]
async fn a_week_goes_by_in_which_one_click_stops_it() {
    let (house, folder) = own_company().await;
    let mut ada = ada_with_a_life(&house).await;
    ask(&mut ada, "later").await;
    let (subject, text) = house.mail_to(ADA).await.pop().unwrap();
    assert!(
        subject.starts_with("You asked") && text.contains("/delete"),
        "{text}"
    );
    house.clock.pass(60);
    let page = ada.get(PAGE).await.text();
    assert!(
        page.contains("You asked us to erase everything") && page.contains("Stop it"),
        "{page}"
    );
    ask(&mut ada, "stop").await;
    assert!(ada.get(PAGE).await.text().contains("Erase it in a week"));
    house.clock.pass(8 * DAY);
    house.work().await;
    assert_eq!(customers(&house).await, 1, "it was stopped");
    assert_eq!(files_with(folder.path(), ADA).len(), 3);

    let mut ada = house.browser();
    ada.log_in(ADA, crate::support::persona(ADA).password).await;
    ask(&mut ada, "later").await;
    ask(&mut ada, "later").await;
    house.clock.pass(6 * DAY);
    house.work().await;
    assert_eq!(customers(&house).await, 1, "not before its day");
    house.clock.pass(DAY + 10);
    house.work().await;
    house.clock.pass(310);
    house.work().await;
    assert_eq!((customers(&house).await, keys(&house).await), (0, 0));
    assert!(files_with(folder.path(), ADA).is_empty());
}

#[tokio::test]
async fn nothing_is_touched_before_all_systems_answer() {
    let (house, folder) = own_company().await;
    let mut ada = ada_with_a_life(&house).await;
    let (there, away) = (
        file(folder.path(), "newsletter"),
        folder.path().join("away"),
    );
    std::fs::rename(&there, &away).unwrap();
    let page = ada.get(PAGE).await.text();
    assert!(
        page.contains("Our newsletter does not answer just now"),
        "{page}"
    );
    ask(&mut ada, "now").await;
    house.work().await;
    let before = all_rows(&file(folder.path(), "shop")).await;
    assert!(
        before.iter().any(|row| row.contains("[97, 100, 97, 64")),
        "Ada's address is there"
    );
    let page = ada.get(PAGE).await.text();
    assert!(page.contains("has not done its part yet"), "{page}");
    std::fs::rename(&away, &there).unwrap();
    for _ in 0..2 {
        house.clock.pass(310);
        house.work().await;
    }
    assert_eq!(customers(&house).await, 0);
    assert!(files_with(folder.path(), ADA).is_empty());
}

#[tokio::test]
async fn a_system_that_refuses_holds_up_no_other_and_is_tried_until_it_does_its_part() {
    let (house, folder) = own_company().await;
    let mut ada = ada_with_a_life(&house).await;
    let mut shop = open(&file(folder.path(), "shop")).await;
    let rule =
        "CREATE TRIGGER rule BEFORE UPDATE ON customers BEGIN SELECT RAISE(ABORT, 'not here'); END";
    sqlx::query(rule).execute(&mut shop).await.unwrap();
    let before = all_rows(&file(folder.path(), "shop")).await;
    ask(&mut ada, "now").await;
    house.work().await;
    assert_eq!(
        before,
        all_rows(&file(folder.path(), "shop")).await,
        "all or nothing"
    );
    assert_eq!(
        files_with(folder.path(), ADA),
        [file(folder.path(), "shop")]
    );
    let page = ada.get(PAGE).await.text();
    assert!(page.contains("has not done its part yet"), "{page}");
    let too_late = ada.post(PAGE, &[("act", "stop")]).await;
    assert_eq!(too_late.status, 303);
    assert_eq!(
        customers(&house).await,
        1,
        "no part is done, so the portal does not say that all is"
    );
    for _ in 0..30 {
        house.clock.pass(3600);
        house.work().await;
    }
    assert_eq!(customers(&house).await, 1, "it is never given up");
    sqlx::query("DROP TRIGGER rule")
        .execute(&mut shop)
        .await
        .unwrap();
    drop(shop);
    for _ in 0..2 {
        house.clock.pass(3600);
        house.work().await;
    }
    assert_eq!((customers(&house).await, keys(&house).await), (0, 0));
    assert!(files_with(folder.path(), ADA).is_empty());
}

#[tokio::test]
async fn only_who_shows_who_they_are_erases() {
    let (house, _folder) = own_company().await;
    let mut ada = house.logged_in(ADA).await;
    house.clock.pass(20 * 60);
    let asked = ada.post(PAGE, &[("act", "now"), ("sure", "yes")]).await;
    assert!(
        asked.location().starts_with("/still-you"),
        "{}",
        asked.location()
    );
    house.work().await;
    let erasures: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM erasures")
        .fetch_one(&mut house.database().await)
        .await
        .unwrap();
    assert_eq!(erasures, 0);
}

#[tokio::test]
async fn what_nobody_showed_to_be_theirs_stays_and_is_said_to_stay() {
    let catalog = tempfile::tempdir().unwrap();
    copy_catalog(catalog.path());
    let file_of = catalog.path().join("datasets/newsletter.yml");
    let text = std::fs::read_to_string(&file_of).unwrap();
    assert!(text.contains("verified: true"));
    std::fs::write(&file_of, text.replace("verified: true", "verified: false")).unwrap();
    let (setup, folder) = own_files().await;
    let house = setup.with_catalog(catalog.path()).start().await;
    let mut ada = house.logged_in(ADA).await;
    let newsletter = file(folder.path(), "newsletter");
    let before = all_rows(&newsletter).await;
    let page = ada.get(PAGE).await.text();
    let words =
        "Our newsletter has entries with your address that may be somebody else’s, so they stay.";
    assert!(page.contains(words), "{page}");
    ask(&mut ada, "now").await;
    house.work().await;
    let document = certificate(&house, &mut house.browser()).await;
    let stays = "Our newsletter: Entries that nobody has shown to be theirs\n  Entries erased: 0";
    assert!(document.contains(stays), "{document}");
    assert_eq!(all_rows(&newsletter).await, before);
    assert_eq!(files_with(folder.path(), ADA), [newsletter]);
}
