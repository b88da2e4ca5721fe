//! The demo's shop system: accounts, addresses, orders, points, returns, notes.
//!
//! A new table is a `CREATE TABLE` here, an insert, and its description in `catalog/demo/datasets/shop.yml`: the
//! tests fail until all three agree. Raise `VERSION` in `mod.rs`, so that older files are made anew.

use anyhow::Result;
use jiff::civil::DateTime;
use sqlx::SqliteConnection;

use super::generator::{Dice, END, day, written};
use super::people::{Person, has_shop_account};

pub(super) const FILE: &str = "shop.db";

/// Each way in which the portal walks has its index: the address without regard to capitals, and for each list of a
/// customer's rows the customer first and then the order in which it is shown. So a page costs the same for everybody.
pub(super) const SCHEMA: &str = "
CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
CREATE TABLE staff (
    id INTEGER PRIMARY KEY,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    email TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL
);
CREATE TABLE categories (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL
);
CREATE TABLE products (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    category_id INTEGER NOT NULL REFERENCES categories (id),
    price_cents INTEGER NOT NULL,
    weight_kg REAL,
    decaf BOOLEAN NOT NULL
);
CREATE INDEX products_category ON products (category_id);
CREATE TABLE customers (
    id INTEGER PRIMARY KEY,
    email TEXT NOT NULL,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    phone TEXT,
    born_on DATE,
    language TEXT,
    password_hash TEXT NOT NULL,
    loyalty_card TEXT UNIQUE,
    loyalty_balance INTEGER,
    news_by_email BOOLEAN,
    news_by_text BOOLEAN,
    news_by_post BOOLEAN,
    taste JSON,
    created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL,
    last_log_in_at DATETIME
);
CREATE UNIQUE INDEX customers_email ON customers (lower(email));
CREATE TABLE addresses (
    id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customers (id),
    kind TEXT NOT NULL,
    street TEXT NOT NULL,
    more TEXT,
    town TEXT NOT NULL,
    county TEXT,
    post_code TEXT NOT NULL,
    country TEXT NOT NULL,
    created_at DATETIME NOT NULL
);
CREATE INDEX addresses_customer ON addresses (customer_id, created_at DESC, id DESC);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customers (id),
    order_number TEXT NOT NULL UNIQUE,
    placed_at DATETIME NOT NULL,
    things TEXT NOT NULL,
    status INTEGER NOT NULL,
    goods_cents INTEGER NOT NULL,
    delivery_cents INTEGER NOT NULL,
    total_cents INTEGER NOT NULL,
    paid_with TEXT NOT NULL,
    card_last4 TEXT,
    deliver_to TEXT,
    delivered_on DATE,
    gift_note TEXT
);
CREATE INDEX orders_customer ON orders (customer_id, placed_at DESC, id DESC);
CREATE TABLE order_lines (
    id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customers (id),
    order_id INTEGER NOT NULL REFERENCES orders (id),
    order_number TEXT NOT NULL,
    bought_at DATETIME NOT NULL,
    product_id INTEGER NOT NULL REFERENCES products (id),
    quantity INTEGER NOT NULL,
    unit_cents INTEGER NOT NULL
);
CREATE INDEX order_lines_customer ON order_lines (customer_id, bought_at DESC, id DESC);
CREATE INDEX order_lines_order ON order_lines (order_id);
CREATE INDEX order_lines_product ON order_lines (product_id);
CREATE TABLE loyalty_points (
    id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customers (id),
    order_id INTEGER REFERENCES orders (id),
    points INTEGER NOT NULL,
    reason TEXT NOT NULL,
    given_at DATETIME NOT NULL,
    order_number TEXT
);
CREATE INDEX loyalty_points_customer ON loyalty_points (customer_id, given_at DESC, id DESC);
CREATE INDEX loyalty_points_order ON loyalty_points (order_id);
CREATE TABLE returns (
    id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customers (id),
    order_id INTEGER NOT NULL REFERENCES orders (id),
    order_number TEXT NOT NULL,
    product_id INTEGER NOT NULL REFERENCES products (id),
    returned_on DATE NOT NULL,
    reason TEXT,
    refund_cents INTEGER NOT NULL
);
CREATE INDEX returns_customer ON returns (customer_id, returned_on DESC, id DESC);
CREATE INDEX returns_order ON returns (order_id);
CREATE INDEX returns_product ON returns (product_id);
CREATE TABLE support_notes (
    id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customers (id),
    staff_id INTEGER NOT NULL REFERENCES staff (id),
    written_by TEXT NOT NULL,
    written_at DATETIME NOT NULL,
    subject TEXT NOT NULL,
    note TEXT NOT NULL,
    solved BOOLEAN NOT NULL
);
CREATE INDEX support_notes_customer ON support_notes (customer_id, written_at DESC, id DESC);
CREATE INDEX support_notes_staff ON support_notes (staff_id);
CREATE TABLE phone_orders (
    id INTEGER PRIMARY KEY,
    phone TEXT NOT NULL,
    rang_at DATETIME NOT NULL,
    things TEXT NOT NULL,
    total_cents INTEGER NOT NULL,
    collected_on DATE
);
CREATE INDEX phone_orders_phone ON phone_orders (phone);
";

/// Orders that people rang up, known by the number alone: whoever proves it sees them. Written in the ways in which a shop
/// writes numbers down.
const PHONE_ORDERS: [(&str, i64, &str, i64, bool); 5] = [
    (
        "087 123 4567",
        9,
        "2 bags of Harbour Blend, 1 milk jug",
        3_450,
        true,
    ),
    ("+353 87 123 4567", 44, "1 teapot for two", 2_900, true),
    ("086 234 5678", 12, "3 boxes of breakfast tea", 1_770, true),
    ("0871234567", 2, "1 bag of Harbour Blend", 1_250, false),
    ("+353 85 345 6789", 70, "12 small cups", 9_600, true),
];

const SETTINGS: [(&str, &str); 3] = [
    ("currency", "EUR"),
    ("delivery_cents", "490"),
    ("free_delivery_from_cents", "4000"),
];

const STAFF: [(&str, &str, &str); 5] = [
    ("Maeve", "Rowan", "owner"),
    ("Oisín", "Finch", "owner"),
    ("Nadia", "Brady", "support"),
    ("Tomasz", "Zielinski", "support"),
    ("Siobhán", "Keane", "bookkeeper"),
];

/// Those of the staff who answer customers: place in `STAFF` counted from 1, and first name.
const HELPERS: [(i64, &str); 2] = [(3, "Nadia"), (4, "Tomasz")];

const CATEGORIES: [&str; 5] = [
    "Coffee",
    "Tea",
    "Cups and pots",
    "Kitchen tools",
    "Sweet things",
];

#[derive(Debug)]
struct Product {
    id: i64,
    name: &'static str,
    category: i64,
    cents: i64,
    kilograms: Option<f64>,
    decaf: bool,
}

const fn product(
    id: i64,
    name: &'static str,
    category: i64,
    cents: i64,
    kilograms: Option<f64>,
) -> Product {
    Product {
        id,
        name,
        category,
        cents,
        kilograms,
        decaf: false,
    }
}

const PRODUCTS: [Product; 20] = [
    product(1, "House coffee, 250 g", 1, 895, Some(0.25)),
    product(2, "House coffee, 1 kg", 1, 2950, Some(1.0)),
    product(
        3,
        "Coffee from one farm in Huila, 250 g",
        1,
        1250,
        Some(0.25),
    ),
    product(
        4,
        "Coffee from one farm in Sidama, 250 g",
        1,
        1325,
        Some(0.25),
    ),
    Product {
        id: 5,
        name: "Coffee without caffeine, 250 g",
        category: 1,
        cents: 1050,
        kilograms: Some(0.25),
        decaf: true,
    },
    product(6, "Irish breakfast tea, 125 g", 2, 650, Some(0.125)),
    product(7, "Darjeeling, first picking, 100 g", 2, 1190, Some(0.1)),
    product(8, "Smoky tea, 100 g", 2, 890, Some(0.1)),
    Product {
        id: 9,
        name: "Camomile flowers, 50 g",
        category: 2,
        cents: 540,
        kilograms: Some(0.05),
        decaf: true,
    },
    Product {
        id: 10,
        name: "Ginger and lemon, 80 g",
        category: 2,
        cents: 620,
        kilograms: Some(0.08),
        decaf: true,
    },
    product(11, "Stoneware mug, sea green", 3, 1800, Some(0.38)),
    product(12, "Teapot for four, white", 3, 4200, Some(0.9)),
    product(13, "Coffee jug with filter", 3, 3450, Some(0.52)),
    product(14, "Two small cups, blue rim", 3, 2400, Some(0.31)),
    product(15, "Hand grinder, beech", 4, 6900, Some(0.64)),
    product(16, "Kettle with a swan neck", 4, 7900, Some(1.1)),
    product(17, "Paper filters, 100", 4, 495, None),
    product(18, "Kitchen scales", 4, 3900, Some(0.45)),
    product(19, "Oat biscuits", 5, 450, Some(0.2)),
    product(20, "Dark chocolate with sea salt", 5, 390, Some(0.1)),
];

const STREETS: [&str; 10] = [
    "Quince Lane",
    "Lantern Row",
    "Saltwater Road",
    "Heron Walk",
    "Old Bakery Street",
    "Linden Rise",
    "Copper Hill",
    "Millrace Close",
    "Rookery Park",
    "Harbour Steps",
];

const GIFT_NOTES: [&str; 4] = [
    "Happy birthday, Gran! Put the kettle on.",
    "For the new house. Love from all of us.",
    "Thank you for minding the dog.",
    "Good luck on Monday. Drink this first.",
];

const RETURN_REASONS: [&str; 4] = [
    "It came with a crack.",
    "The wrong colour.",
    "I got two by mistake.",
    "Too big for my shelf.",
];

const HELP: [(&str, &str); 4] = [
    (
        "Where is my parcel?",
        "Parcel stood at the depot. Rang the driver; it came the next day.",
    ),
    (
        "Cup broken",
        "Sent a photo of a broken cup. New one posted the same day.",
    ),
    (
        "Which grind?",
        "Asked which grind suits a jug with filter. Said: medium.",
    ),
    (
        "Card at the till",
        "Card did not scan at the till. Added the points by hand.",
    ),
];

/// One order before it is written down.
struct Order {
    placed_at: DateTime,
    days_ago: i64,
    lines: Vec<(&'static Product, i64)>,
}

impl Order {
    fn goods_cents(&self) -> i64 {
        self.lines
            .iter()
            .map(|(product, quantity)| product.cents * quantity)
            .sum()
    }

    fn delivery_cents(&self) -> i64 {
        if self.goods_cents() >= 4000 { 0 } else { 490 }
    }

    fn total_cents(&self) -> i64 {
        self.goods_cents() + self.delivery_cents()
    }

    /// What is in the parcel: "House coffee, 250 g; 2 × Oat biscuits".
    fn things(&self) -> String {
        let things = self.lines.iter().map(|(product, quantity)| match quantity {
            1 => product.name.to_owned(),
            many => format!("{many} × {}", product.name),
        });
        things.collect::<Vec<_>>().join("; ")
    }

    /// One for each whole euro.
    fn points(&self) -> i64 {
        self.goods_cents() / 100
    }
}

/// The number on the receipt.
fn order_number(id: i64) -> String {
    format!("FR-{}", 100_000 + id)
}

/// Writes all rows of the shop.
pub(super) async fn fill(db: &mut SqliteConnection, people: &[Person]) -> Result<()> {
    shelves_and_staff(db).await?;
    phone_orders(db).await?;
    let mut next_order = 1;
    for person in people.iter().filter(|person| has_shop_account(person)) {
        let mut dice = Dice::of(2, person.number);
        let orders = orders_of(person, &mut dice)?;
        let balance = if person.has_card {
            Some(balance(&orders))
        } else {
            None
        };
        customer(db, person, balance, &mut dice).await?;
        let home = addresses(db, person, &mut dice).await?;
        for (at, order) in orders.iter().enumerate() {
            write_order(db, person, next_order, order, &home, &mut dice).await?;
            // Ada's second order holds a gift that she sent back in part, so that there is one of each to see.
            let told = person.has_everything && at == 1;
            if told || (order.days_ago > 20 && dice.chance(3)) {
                send_back(db, person, next_order, order, &mut dice).await?;
            }
            next_order += 1;
        }
        if person.has_card {
            points(db, person, next_order - person.orders, &orders).await?;
        }
        let notes = if person.has_everything {
            2
        } else {
            i64::from(dice.chance(20))
        };
        for _ in 0..notes {
            ask_for_help(db, person, &mut dice).await?;
        }
    }
    Ok(())
}

async fn phone_orders(db: &mut SqliteConnection) -> Result<()> {
    for (phone, days_ago, things, cents, collected) in PHONE_ORDERS {
        let rang_at = day(days_ago).at(15, 20, 0, 0);
        let collected_on = collected.then(|| day(days_ago - 1).to_string());
        sqlx::query(
            "INSERT INTO phone_orders (phone, rang_at, things, total_cents, collected_on) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(phone)
        .bind(written(rang_at))
        .bind(things)
        .bind(cents)
        .bind(collected_on)
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

async fn shelves_and_staff(db: &mut SqliteConnection) -> Result<()> {
    for (name, value) in SETTINGS {
        sqlx::query("INSERT INTO settings (name, value) VALUES ($1, $2)")
            .bind(name)
            .bind(value)
            .execute(&mut *db)
            .await?;
    }
    for (first_name, last_name, role) in STAFF {
        let email = format!("{}@finch-and-rowan.example", last_name.to_ascii_lowercase());
        sqlx::query(
            "INSERT INTO staff (first_name, last_name, email, role) VALUES ($1, $2, $3, $4)",
        )
        .bind(first_name)
        .bind(last_name)
        .bind(email)
        .bind(role)
        .execute(&mut *db)
        .await?;
    }
    for name in CATEGORIES {
        sqlx::query("INSERT INTO categories (name) VALUES ($1)")
            .bind(name)
            .execute(&mut *db)
            .await?;
    }
    for product in &PRODUCTS {
        sqlx::query(
            "INSERT INTO products (id, name, category_id, price_cents, weight_kg, decaf) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(product.id)
        .bind(product.name)
        .bind(product.category)
        .bind(product.cents)
        .bind(product.kilograms)
        .bind(product.decaf)
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

/// Evenly over the time since they joined, oldest first.
fn orders_of(person: &Person, dice: &mut Dice) -> Result<Vec<Order>> {
    let most_lines = if person.orders > 1000 { 2 } else { 3 };
    let mut orders = Vec::new();
    for at in 1..=person.orders {
        let days_ago = (person.joined - person.joined * at / (person.orders + 1)).max(2);
        let mut lines: Vec<(&Product, i64)> = Vec::new();
        for _ in 0..dice.between(1, most_lines) {
            // Coffee and tea go most often.
            let product = if dice.chance(60) {
                dice.pick(PRODUCTS.split_at(10).0)?
            } else {
                dice.pick(&PRODUCTS)?
            };
            if lines.iter().all(|(taken, _)| taken.id != product.id) {
                lines.push((
                    product,
                    if dice.chance(80) {
                        1
                    } else {
                        dice.between(2, 4)
                    },
                ));
            }
        }
        orders.push(Order {
            placed_at: dice.moment(days_ago),
            days_ago,
            lines,
        });
    }
    orders.sort_by_key(|order| order.placed_at);
    Ok(orders)
}

async fn customer(
    db: &mut SqliteConnection,
    person: &Person,
    balance: Option<i64>,
    dice: &mut Dice,
) -> Result<()> {
    let taste = serde_json::json!({
        "grind": dice.pick(&["beans", "filter", "jug", "espresso"])?,
        "milk": dice.pick(&["none", "cow", "oat"])?,
        "strength": dice.between(1, 5),
    });
    let taste = (person.has_everything || dice.chance(50)).then(|| taste.to_string());
    let changed = dice.between(1, person.joined);
    let last_log_in = dice.chance(90).then(|| dice.moment(changed.min(40)));
    // Looks like what a shop keeps and is the scramble of no password.
    let password_hash = format!(
        "$argon2id$v=19$m=19456,t=2,p=1${}${}",
        dice.hex(22),
        dice.hex(43)
    );
    let card = person
        .has_card
        .then(|| format!("FR-{:04}-{:04}", dice.between(1000, 9999), person.number));
    sqlx::query(
        "INSERT INTO customers (id, email, first_name, last_name, phone, born_on, language, password_hash, loyalty_card,
            loyalty_balance, news_by_email, news_by_text, news_by_post, taste, created_at, updated_at, last_log_in_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
    )
    .bind(person.number)
    .bind(&person.email)
    .bind(&person.first_name)
    .bind(&person.last_name)
    .bind(&person.phone)
    .bind(person.born_on.map(|born| born.to_string()))
    .bind(if dice.chance(92) { "en" } else { "ga" })
    .bind(password_hash)
    .bind(card)
    .bind(balance)
    .bind(person.reads_news)
    .bind(person.phone.as_ref().map(|_| dice.chance(30)))
    .bind(dice.chance(50).then(|| dice.chance(30)))
    .bind(taste)
    .bind(written(dice.moment(person.joined + 1)))
    .bind(written(dice.moment(changed)))
    .bind(last_log_in.map(written))
    .execute(db)
    .await?;
    Ok(())
}

/// Writes their addresses, home first; answers with home as it stands on a parcel.
async fn addresses(db: &mut SqliteConnection, person: &Person, dice: &mut Dice) -> Result<String> {
    let mut home = String::new();
    let kinds: &[&str] = if person.has_everything {
        &["home", "gift"]
    } else {
        &["home"]
    };
    for kind in kinds {
        let street = format!("{} {}", dice.between(1, 120), dice.pick(&STREETS)?);
        let more = dice.chance(25).then_some("The blue door, ring twice");
        let post_code = format!("{} {}", person.town.code, dice.hex(4).to_ascii_uppercase());
        if home.is_empty() {
            home = format!("{street}, {}, {post_code}", person.town.name);
        }
        sqlx::query(
            "INSERT INTO addresses (customer_id, kind, street, more, town, county, post_code, country, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(person.number)
        .bind(*kind)
        .bind(street)
        .bind(more)
        .bind(person.town.name)
        .bind(person.town.county)
        .bind(post_code)
        .bind("IE")
        .bind(written(dice.moment(person.joined)))
        .execute(&mut *db)
        .await?;
    }
    Ok(home)
}

async fn write_order(
    db: &mut SqliteConnection,
    person: &Person,
    id: i64,
    order: &Order,
    home: &str,
    dice: &mut Dice,
) -> Result<()> {
    let status = match order.days_ago {
        ..=2 => 1,
        3..=5 => 2,
        _ => 3,
    };
    let delivered_on = (status == 3).then(|| day(order.days_ago - dice.between(1, 3)).to_string());
    let paid_with = if dice.chance(85) {
        "card"
    } else {
        *dice.pick(&["cash", "voucher"])?
    };
    let card_last4 =
        (paid_with == "card").then(|| format!("{:04}", (person.number * 7919) % 10_000));
    let is_gift = dice.chance(4) || (person.number == 1 && id == 2);
    let gift_note = if is_gift {
        Some(*dice.pick(&GIFT_NOTES)?)
    } else {
        None
    };
    sqlx::query(
        "INSERT INTO orders (id, customer_id, order_number, placed_at, things, status, goods_cents, delivery_cents,
            total_cents, paid_with, card_last4, deliver_to, delivered_on, gift_note)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(id)
    .bind(person.number)
    .bind(order_number(id))
    .bind(written(order.placed_at))
    .bind(order.things())
    .bind(status)
    .bind(order.goods_cents())
    .bind(order.delivery_cents())
    .bind(order.total_cents())
    .bind(paid_with)
    .bind(card_last4)
    .bind(home)
    .bind(delivered_on)
    .bind(gift_note)
    .execute(&mut *db)
    .await?;
    for (product, quantity) in &order.lines {
        sqlx::query(
            "INSERT INTO order_lines (customer_id, order_id, order_number, bought_at, product_id, quantity, unit_cents)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(person.number)
        .bind(id)
        .bind(order_number(id))
        .bind(written(order.placed_at))
        .bind(product.id)
        .bind(quantity)
        .bind(product.cents)
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

async fn send_back(
    db: &mut SqliteConnection,
    person: &Person,
    id: i64,
    order: &Order,
    dice: &mut Dice,
) -> Result<()> {
    let Some((product, _)) = order.lines.first() else {
        return Ok(());
    };
    sqlx::query(
        "INSERT INTO returns (customer_id, order_id, order_number, product_id, returned_on, reason, refund_cents)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(person.number)
    .bind(id)
    .bind(order_number(id))
    .bind(product.id)
    .bind(day(order.days_ago - dice.between(5, 15)).to_string())
    .bind(*dice.pick(&RETURN_REASONS)?)
    .bind(product.cents)
    .execute(db)
    .await?;
    Ok(())
}

/// What a card starts with.
const WELCOME_POINTS: i64 = 50;
/// Spent at once as soon as the card holds so many.
const SPENT_AT_ONCE: i64 = 500;

/// The entries on a card, oldest first: points, what for, when, and which of the orders they belong to.
fn entries(orders: &[Order]) -> Vec<(i64, &'static str, DateTime, Option<i64>)> {
    let welcome_at = orders
        .first()
        .map_or_else(|| END.at(0, 0, 0, 0), |order| order.placed_at);
    let mut entries = vec![(WELCOME_POINTS, "welcome", welcome_at, None)];
    let mut held = WELCOME_POINTS;
    for (at, order) in (0..).zip(orders) {
        entries.push((order.points(), "order", order.placed_at, Some(at)));
        held += order.points();
        if held >= SPENT_AT_ONCE {
            entries.push((-SPENT_AT_ONCE, "spent", order.placed_at, Some(at)));
            held -= SPENT_AT_ONCE;
        }
    }
    entries
}

fn balance(orders: &[Order]) -> i64 {
    entries(orders).iter().map(|(points, ..)| points).sum()
}

async fn points(
    db: &mut SqliteConnection,
    person: &Person,
    first_order: i64,
    orders: &[Order],
) -> Result<()> {
    for (points, reason, given_at, order) in entries(orders) {
        let order = order.map(|at| first_order + at);
        sqlx::query(
            "INSERT INTO loyalty_points (customer_id, order_id, order_number, points, reason, given_at)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(person.number)
        .bind(order)
        .bind(order.map(order_number))
        .bind(points)
        .bind(reason)
        .bind(written(given_at))
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

async fn ask_for_help(db: &mut SqliteConnection, person: &Person, dice: &mut Dice) -> Result<()> {
    let (staff_id, written_by) = *dice.pick(&HELPERS)?;
    let (subject, note) = *dice.pick(&HELP)?;
    let days_ago = dice.between(1, person.joined.min(700));
    sqlx::query(
        "INSERT INTO support_notes (customer_id, staff_id, written_by, written_at, subject, note, solved)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(person.number)
    .bind(staff_id)
    .bind(written_by)
    .bind(written(dice.moment(days_ago)))
    .bind(subject)
    .bind(note)
    .bind(dice.chance(90))
    .execute(db)
    .await?;
    Ok(())
}
