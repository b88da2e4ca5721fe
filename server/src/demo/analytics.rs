//! The demo's website counts: pages, searches, devices, what was worked out from them, and what a list broker sold.

use anyhow::Result;
use sqlx::SqliteConnection;

use super::generator::{Dice, day, written_in_utc};
use super::people::Person;

pub(super) const FILE: &str = "analytics.db";

/// Everything leaves with the visitor.
pub(super) const SCHEMA: &str = "
CREATE TABLE visitors (
    id TEXT NOT NULL PRIMARY KEY,
    email TEXT NOT NULL,
    browser_number TEXT,
    near_town TEXT,
    visits INTEGER NOT NULL,
    first_seen_at DATETIME NOT NULL,
    last_seen_at DATETIME NOT NULL
);
CREATE UNIQUE INDEX visitors_email ON visitors (lower(email));
CREATE TABLE page_views (
    id INTEGER PRIMARY KEY,
    visitor_id TEXT NOT NULL REFERENCES visitors (id) ON DELETE CASCADE,
    page TEXT NOT NULL,
    came_from TEXT,
    seen_at DATETIME NOT NULL,
    seconds INTEGER
);
CREATE INDEX page_views_visitor ON page_views (visitor_id, seen_at DESC, id DESC);
CREATE TABLE searches (
    id INTEGER PRIMARY KEY,
    visitor_id TEXT NOT NULL REFERENCES visitors (id) ON DELETE CASCADE,
    words TEXT NOT NULL,
    found INTEGER NOT NULL,
    searched_at DATETIME NOT NULL
);
CREATE INDEX searches_visitor ON searches (visitor_id, searched_at DESC, id DESC);
CREATE TABLE devices (
    id TEXT NOT NULL PRIMARY KEY,
    visitor_id TEXT NOT NULL REFERENCES visitors (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    browser TEXT,
    ip_address TEXT,
    first_seen_at DATETIME NOT NULL,
    last_seen_at DATETIME NOT NULL
);
CREATE INDEX devices_visitor ON devices (visitor_id, last_seen_at DESC, id DESC);
CREATE TABLE interests (
    id INTEGER PRIMARY KEY,
    visitor_id TEXT NOT NULL REFERENCES visitors (id) ON DELETE CASCADE,
    topic TEXT NOT NULL,
    score TEXT NOT NULL,
    reason TEXT NOT NULL,
    worked_out_at DATETIME NOT NULL
);
CREATE INDEX interests_visitor ON interests (visitor_id, worked_out_at DESC, id DESC);
CREATE TABLE guesses (
    visitor_id TEXT NOT NULL PRIMARY KEY REFERENCES visitors (id) ON DELETE CASCADE,
    likely_next_order DATE,
    shops_mostly TEXT,
    careful_with_money TEXT,
    cooks_for INTEGER,
    health_guess TEXT,
    worked_out_at DATETIME NOT NULL
);
CREATE TABLE bought_facts (
    visitor_id TEXT NOT NULL PRIMARY KEY REFERENCES visitors (id) ON DELETE CASCADE,
    income_band TEXT,
    owns_home BOOLEAN,
    people_at_home INTEGER,
    age_range TEXT,
    bought_from TEXT NOT NULL,
    bought_on DATE NOT NULL
);
";

const PAGES: [&str; 8] = [
    "/",
    "/coffee",
    "/coffee/huila",
    "/tea",
    "/tea/darjeeling",
    "/cups",
    "/recipes/cold-coffee",
    "/visit-us",
];
const SEARCHES: [&str; 6] = [
    "decaf",
    "teapot for two",
    "grinder",
    "gift",
    "camomile",
    "opening hours",
];
const BROWSERS: [&str; 3] = ["Firefox", "Safari", "Chrome"];

/// What somebody may like, and what the guess was made from.
const INTERESTS: [(&str, &str); 5] = [
    (
        "Coffee from a single farm",
        "You bought it in most of your last orders.",
    ),
    (
        "Tea without caffeine",
        "You searched for it and read two pages about it.",
    ),
    ("Baking", "You read our recipes three times."),
    (
        "Gifts for friends",
        "You asked us to write a card for a parcel.",
    ),
    ("Things on sale", "You mostly come when we have a sale."),
];

/// A share in a hundred, as a word that the catalog puts into plain English.
const fn band(percent: i64) -> &'static str {
    match percent {
        ..40 => "low",
        40..70 => "middle",
        _ => "high",
    }
}

/// Writes all rows of the website's counts.
pub(super) async fn fill(db: &mut SqliteConnection, people: &[Person]) -> Result<()> {
    for person in people.iter().filter(|person| person.uses_website) {
        let mut dice = Dice::of(4, person.number);
        let visitor = format!("v-{}", dice.hex(16));
        // Older counts have been thrown away, as the catalog says.
        let first_seen = person.joined.min(360);
        add_visitor(db, person, &visitor, first_seen, &mut dice).await?;
        pages_and_searches(db, person, &visitor, first_seen, &mut dice).await?;
        devices(db, person, &visitor, first_seen, &mut dice).await?;
        if person.has_everything || dice.chance(60) {
            interests(db, &visitor, &mut dice).await?;
            guesses(db, person, &visitor, &mut dice).await?;
        }
        if person.has_everything || dice.chance(35) {
            bought_facts(db, &visitor, &mut dice).await?;
        }
    }
    Ok(())
}

async fn add_visitor(
    db: &mut SqliteConnection,
    person: &Person,
    visitor: &str,
    first_seen: i64,
    dice: &mut Dice,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO visitors (id, email, browser_number, near_town, visits, first_seen_at, last_seen_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(visitor)
    .bind(&person.email)
    .bind(dice.hex(24))
    .bind(dice.chance(80).then_some(person.town.name))
    .bind(dice.between(1, 60))
    .bind(written_in_utc(dice.moment(first_seen)))
    .bind(written_in_utc(dice.moment(1)))
    .execute(db)
    .await?;
    Ok(())
}

async fn pages_and_searches(
    db: &mut SqliteConnection,
    person: &Person,
    visitor: &str,
    first_seen: i64,
    dice: &mut Dice,
) -> Result<()> {
    let pages = if person.has_everything {
        40
    } else {
        dice.between(2, 25)
    };
    for at in 0..pages {
        let days_ago = (first_seen - first_seen * at / pages).max(1);
        sqlx::query("INSERT INTO page_views (visitor_id, page, came_from, seen_at, seconds) VALUES ($1, $2, $3, $4, $5)")
            .bind(visitor)
            .bind(*dice.pick(&PAGES)?)
            .bind(if dice.chance(40) { Some(*dice.pick(&["search", "newsletter", "friend"])?) } else { None })
            .bind(written_in_utc(dice.moment(days_ago)))
            .bind(dice.chance(90).then(|| dice.between(3, 300)))
            .execute(&mut *db)
            .await?;
    }
    let searches = if person.has_everything {
        4
    } else {
        dice.between(0, 3)
    };
    for _ in 0..searches {
        let days_ago = dice.between(1, first_seen);
        sqlx::query(
            "INSERT INTO searches (visitor_id, words, found, searched_at) VALUES ($1, $2, $3, $4)",
        )
        .bind(visitor)
        .bind(*dice.pick(&SEARCHES)?)
        .bind(dice.between(0, 9))
        .bind(written_in_utc(dice.moment(days_ago)))
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

async fn devices(
    db: &mut SqliteConnection,
    person: &Person,
    visitor: &str,
    first_seen: i64,
    dice: &mut Dice,
) -> Result<()> {
    let kinds: &[&str] = if person.has_everything || dice.chance(30) {
        &["phone", "computer"]
    } else {
        &["phone"]
    };
    for kind in kinds {
        // Addresses of 198.51.100.0/24 are kept for examples (RFC 5737).
        let ip_address = format!("198.51.100.{}", dice.between(1, 254));
        sqlx::query(
            "INSERT INTO devices (id, visitor_id, kind, browser, ip_address, first_seen_at, last_seen_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(format!("d-{}", dice.hex(12)))
        .bind(visitor)
        .bind(*kind)
        .bind(if dice.chance(90) { Some(*dice.pick(&BROWSERS)?) } else { None })
        .bind((person.has_everything || dice.chance(80)).then_some(ip_address))
        .bind(written_in_utc(dice.moment(first_seen)))
        .bind(written_in_utc(dice.moment(1)))
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

async fn interests(db: &mut SqliteConnection, visitor: &str, dice: &mut Dice) -> Result<()> {
    let first = dice.between(0, 2);
    for (at, (topic, reason)) in (0_i64..).zip(INTERESTS) {
        if at != first && !dice.chance(40) {
            continue;
        }
        let score = band(dice.between(35, 98));
        sqlx::query("INSERT INTO interests (visitor_id, topic, score, reason, worked_out_at) VALUES ($1, $2, $3, $4, $5)")
            .bind(visitor)
            .bind(topic)
            .bind(score)
            .bind(reason)
            .bind(written_in_utc(dice.moment(3)))
            .execute(&mut *db)
            .await?;
    }
    Ok(())
}

async fn guesses(
    db: &mut SqliteConnection,
    person: &Person,
    visitor: &str,
    dice: &mut Dice,
) -> Result<()> {
    let careful = band(dice.between(5, 95));
    let health = if person.has_everything || dice.chance(15) {
        Some(*dice.pick(&[
            "May be expecting a baby",
            "May be trying to sleep better",
            "May have to avoid caffeine",
        ])?)
    } else {
        None
    };
    sqlx::query(
        "INSERT INTO guesses (visitor_id, likely_next_order, shops_mostly, careful_with_money, cooks_for, health_guess,
            worked_out_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(visitor)
    .bind(day(-dice.between(2, 40)).to_string())
    .bind(*dice.pick(&["mornings", "evenings", "weekends"])?)
    .bind(careful)
    .bind(dice.chance(70).then(|| dice.between(1, 6)))
    .bind(health)
    .bind(written_in_utc(dice.moment(3)))
    .execute(db)
    .await?;
    Ok(())
}

async fn bought_facts(db: &mut SqliteConnection, visitor: &str, dice: &mut Dice) -> Result<()> {
    sqlx::query(
        "INSERT INTO bought_facts (visitor_id, income_band, owns_home, people_at_home, age_range, bought_from, bought_on)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(visitor)
    .bind(*dice.pick(&["low", "middle", "high"])?)
    .bind(dice.chance(80).then(|| dice.chance(60)))
    .bind(dice.between(1, 5))
    .bind(*dice.pick(&["25 to 34", "35 to 44", "45 to 59", "60 or more"])?)
    .bind("Homelight Lists")
    .bind(day(dice.between(20, 300)).to_string())
    .execute(db)
    .await?;
    Ok(())
}
