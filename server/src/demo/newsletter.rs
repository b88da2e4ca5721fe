//! The demo's newsletter tool: who asked for news, which letters they opened, which links they pressed.

use anyhow::Result;
use jiff::ToSpan as _;
use sqlx::SqliteConnection;

use super::generator::{Dice, day, written};
use super::people::Person;

pub(super) const FILE: &str = "newsletter.db";

/// Opens and clicks leave with the place on the list, as such tools do.
pub(super) const SCHEMA: &str = "
CREATE TABLE subscribers (
    id INTEGER PRIMARY KEY,
    email TEXT NOT NULL,
    first_name TEXT,
    joined_at DATETIME NOT NULL,
    joined_through TEXT NOT NULL,
    confirmed BOOLEAN NOT NULL,
    topics JSON,
    left_at DATETIME,
    best_hour INTEGER
);
CREATE UNIQUE INDEX subscribers_email ON subscribers (lower(email));
CREATE TABLE mailings (
    id INTEGER PRIMARY KEY,
    subject TEXT NOT NULL,
    sent_at DATETIME NOT NULL
);
CREATE TABLE opens (
    id INTEGER PRIMARY KEY,
    subscriber_id INTEGER NOT NULL REFERENCES subscribers (id) ON DELETE CASCADE,
    mailing_id INTEGER NOT NULL REFERENCES mailings (id),
    opened_at DATETIME NOT NULL,
    opened_on TEXT
);
CREATE INDEX opens_subscriber ON opens (subscriber_id, opened_at DESC, id DESC);
CREATE INDEX opens_mailing ON opens (mailing_id);
CREATE TABLE clicks (
    id INTEGER PRIMARY KEY,
    open_id INTEGER NOT NULL REFERENCES opens (id) ON DELETE CASCADE,
    link TEXT NOT NULL,
    clicked_at DATETIME NOT NULL
);
CREATE INDEX clicks_open ON clicks (open_id);
";

/// One letter a month, the oldest first.
const SUBJECTS: [&str; 12] = [
    "A warm cup for a dark month",
    "Our favourite gifts under 20 euro",
    "New year, new beans",
    "How to make tea that is not bitter",
    "Meet the farm in Huila",
    "Spring cleaning for your grinder",
    "Cold coffee for the garden",
    "A teapot is born",
    "Picnic things",
    "Back to school, back to flasks",
    "The first Darjeeling is here",
    "Soup season",
];

const LINKS: [&str; 5] = [
    "/coffee/huila",
    "/tea/darjeeling",
    "/recipes/cold-coffee",
    "/sale",
    "/cups/sea-green-mug",
];
const TOPICS: [&str; 4] = ["coffee", "tea", "recipes", "sale"];

/// Writes all rows of the newsletter tool.
pub(super) async fn fill(db: &mut SqliteConnection, people: &[Person]) -> Result<()> {
    for (months_ago, subject) in (1..=12).rev().zip(SUBJECTS) {
        sqlx::query("INSERT INTO mailings (subject, sent_at) VALUES ($1, $2)")
            .bind(subject)
            .bind(written(day(months_ago * 30).at(8, 0, 0, 0)))
            .execute(&mut *db)
            .await?;
    }
    for person in people.iter().filter(|person| person.reads_news) {
        let mut dice = Dice::of(3, person.number);
        let left = !person.has_everything && dice.chance(8);
        let subscriber = subscriber(db, person, left, &mut dice).await?;
        open_letters(db, person, subscriber, &mut dice).await?;
    }
    Ok(())
}

async fn subscriber(
    db: &mut SqliteConnection,
    person: &Person,
    left: bool,
    dice: &mut Dice,
) -> Result<i64> {
    let topics = serde_json::json!([dice.pick(&TOPICS[..2])?, dice.pick(&TOPICS[2..])?]);
    let written_down = sqlx::query(
        "INSERT INTO subscribers (email, first_name, joined_at, joined_through, confirmed, topics, left_at, best_hour)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&person.email)
    .bind(dice.chance(80).then_some(&person.first_name))
    .bind(written(dice.moment(person.joined)))
    .bind(*dice.pick(&["till", "website", "market"])?)
    .bind(true)
    .bind((person.has_everything || dice.chance(60)).then(|| topics.to_string()))
    .bind(left.then(|| written(dice.moment(15))))
    .bind((person.has_everything || dice.chance(70)).then(|| dice.between(7, 21)))
    .execute(db)
    .await?;
    Ok(written_down.last_insert_rowid())
}

/// About half of the letters that went out since they joined.
async fn open_letters(
    db: &mut SqliteConnection,
    person: &Person,
    subscriber: i64,
    dice: &mut Dice,
) -> Result<()> {
    for (mailing, months_ago) in (1_i64..).zip((1..=12).rev()) {
        let days_ago = months_ago * 30;
        let told = person.has_everything && months_ago == 1;
        if days_ago >= person.joined || !(told || dice.chance(55)) {
            continue;
        }
        let days_later = dice.between(1, 4);
        let opened_at = dice.moment(days_ago - days_later);
        let open = sqlx::query("INSERT INTO opens (subscriber_id, mailing_id, opened_at, opened_on) VALUES ($1, $2, $3, $4)")
            .bind(subscriber)
            .bind(mailing)
            .bind(written(opened_at))
            .bind(if dice.chance(85) { Some(*dice.pick(&["phone", "tablet", "computer"])?) } else { None })
            .execute(&mut *db)
            .await?
            .last_insert_rowid();
        if told || dice.chance(30) {
            sqlx::query("INSERT INTO clicks (open_id, link, clicked_at) VALUES ($1, $2, $3)")
                .bind(open)
                .bind(*dice.pick(&LINKS)?)
                .bind(written(
                    opened_at.saturating_add(dice.between(10, 240).seconds()),
                ))
                .execute(&mut *db)
                .await?;
        }
    }
    Ok(())
}
