//! Nobody learns at the doors whether an address is known: not from the words, the status or the headers, and not from the
//! time that the answer takes (ASVS 5.0, 6.3.8).
//!
//! With `FAIRHOLD_SOAK` set there are 2,000 tries with known and 2,000 with unknown addresses at each door, and their times
//! are held against each other and printed. Without it a few of each show that the answers are alike, and no time is looked
//! at. In a program of its own, so that no other test takes the processor meanwhile.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

#[expect(dead_code, reason = "other tests need more of it")]
#[path = "http/html.rs"]
mod html;
#[expect(dead_code, reason = "other tests need more of it")]
#[path = "http/support.rs"]
mod support;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Instant;

use reqwest::Method;

use support::{Answer, Browser, House, Setup, form};

/// Tries with known addresses at each door, and as many with unknown ones, in the long run.
const MANY: usize = 2000;
/// The same in the short one.
const FEW: usize = 6;
/// So many known addresses take turns in the long run: 40 wrong tries each, which make no wait.
const ADDRESSES: usize = 50;
/// Beyond so many times the critical distance, and so much between the medians, it is no chance.
const FAR: (f64, f64) = (3.0, 0.05);

const WRONG: &str = "not the password";

/// A door at which somebody types an address.
struct Door {
    path: &'static str,
    asks_password: bool,
    /// Whether an unknown address becomes a known one: then each try needs another.
    welcomes: bool,
}

const DOORS: [Door; 4] = [
    Door {
        path: "/sign-up",
        asks_password: false,
        welcomes: true,
    },
    Door {
        path: "/join/club",
        asks_password: false,
        welcomes: true,
    },
    Door {
        path: "/log-in",
        asks_password: true,
        welcomes: false,
    },
    Door {
        path: "/forgot-password",
        asks_password: false,
        welcomes: false,
    },
];

/// Milliseconds that answers took.
#[derive(Default)]
struct Times(Vec<f64>);

/// What one kind of address met at a door: the answers, and the page that was opened right after each, while the worker
/// may still be busy with what was asked.
#[derive(Default)]
struct Met {
    answers: Times,
    pages_after: Times,
}

#[tokio::test(flavor = "multi_thread")]
async fn known_and_unknown_addresses_are_answered_alike_and_in_the_same_time() {
    let soak = std::env::var_os("FAIRHOLD_SOAK").is_some();
    let (tries, addresses) = if soak { (MANY, ADDRESSES) } else { (FEW, 2) };
    let house = behind_a_proxy(addresses).await;
    let worker = house.portal.clone();
    // As in the program that serves: in the same process, at once.
    let worker = tokio::spawn(async move { worker.work(std::future::pending()).await });
    let mut strangers = Strangers::new(&house);
    let mut told_apart = Vec::new();
    for door in &DOORS {
        let [known, unknown] = strangers.try_door(door, tries, addresses).await;
        if soak {
            let answers = compare("the answers", &known.answers, &unknown.answers);
            let pages = compare(
                "the page opened next",
                &known.pages_after,
                &unknown.pages_after,
            );
            println!(
                "{}, {tries} tries each\n{}{}",
                door.path, answers.0, pages.0
            );
            if answers.1 || pages.1 {
                told_apart.push(door.path);
            }
        }
    }
    worker.abort();
    // Those who asked last: the demo's outbox shows no more than the newest mails.
    let last = addresses - 1;
    let mails = async |kind| house.mail_to(&address(kind, last)).await.len();
    assert!(mails("known").await > 0, "the worker knows it");
    assert_eq!(mails("nobody").await, 0);
    assert!(
        told_apart.is_empty(),
        "known addresses can be told by time at {told_apart:?}"
    );
}

/// A portal with so many customers, behind a proxy that says where somebody comes from.
async fn behind_a_proxy(customers: usize) -> House {
    let mut setup = Setup::demo().await;
    setup.config.server.proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let house = setup.start().await;
    for number in 0..customers {
        let email = address("known", number);
        house.add_with_password(&email, "four words that fit").await;
    }
    house
}

/// As long for every number as for every other, so that the answers are too.
fn address(kind: &str, number: usize) -> String {
    format!("{kind:x<8}{number:05}@example.com")
}

/// Strangers at the doors, each from a network of their own: nobody is held back.
struct Strangers<'a> {
    house: &'a House,
    browser: Browser,
    networks: u32,
    coin: u64,
}

impl<'a> Strangers<'a> {
    fn new(house: &'a House) -> Self {
        Self {
            house,
            browser: house.browser(),
            networks: 0,
            coin: 1,
        }
    }

    /// Tries with known and unknown addresses by turns, either first by chance; all answers must be the same.
    async fn try_door(&mut self, door: &Door, tries: usize, addresses: usize) -> [Met; 2] {
        let mut met = [Met::default(), Met::default()];
        let mut first_essence = None;
        for number in 0..tries {
            if number % addresses == 0 {
                // Each round writes to everybody once: further mails within the hour would be left out.
                self.house.clock.pass(3601);
                // Pages say what time it is.
                first_essence = None;
            }
            let unknown = if door.welcomes {
                number
            } else {
                number % addresses
            };
            let pair = [
                address("known", number % addresses),
                address(if door.welcomes { "new" } else { "nobody" }, unknown),
            ];
            let first = self.flip();
            for which in [first, 1 - first] {
                let email = &pair[which];
                let asked = Instant::now();
                let answer = self.ask(door, email).await;
                met[which]
                    .answers
                    .0
                    .push(asked.elapsed().as_secs_f64() * 1e3);
                let opened = Instant::now();
                let page = self.browser.get("/log-in").await;
                met[which]
                    .pages_after
                    .0
                    .push(opened.elapsed().as_secs_f64() * 1e3);
                assert_eq!(page.status, 200);
                let essence = essence(&answer, email);
                assert!(
                    [303, 422].contains(&essence.0),
                    "{}: {}",
                    door.path,
                    essence.0
                );
                let first = first_essence.get_or_insert_with(|| essence.clone());
                let apart = apart(&first.2, &essence.2);
                assert_eq!(apart, None, "{} for {email}", door.path);
                assert_eq!(*first, essence, "{} for {email}", door.path);
            }
        }
        met
    }

    async fn ask(&mut self, door: &Door, email: &str) -> Answer {
        self.networks += 1;
        let network = Ipv4Addr::from_bits(Ipv4Addr::new(10, 0, 0, 0).to_bits() + self.networks);
        let network = network.to_string();
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-forwarded-for", network.as_str()),
        ];
        let mut fields = vec![("email", email)];
        if door.asks_password {
            fields.push(("password", WRONG));
        }
        let fields = form(&fields).into_bytes();
        self.browser
            .send(Method::POST, door.path, &headers, fields)
            .await
    }

    /// 0 or 1, the same in every run (xorshift).
    fn flip(&mut self) -> usize {
        self.coin ^= self.coin << 13;
        self.coin ^= self.coin >> 7;
        self.coin ^= self.coin << 17;
        usize::from(self.coin & (1 << 20) != 0)
    }
}

/// The answer without what differs between any two, and without the address that was typed.
fn essence(answer: &Answer, email: &str) -> (u16, BTreeMap<String, String>, String) {
    let (status, headers, body) = answer.essence();
    (status, headers, body.replace(email, "address"))
}

/// Where two bodies part, and how they go on from there.
fn apart(one: &str, other: &str) -> Option<[String; 2]> {
    let at = one
        .char_indices()
        .zip(other.char_indices())
        .find_map(|((at, a), (_, b))| (a != b).then_some(at));
    let at = at.or_else(|| (one.len() != other.len()).then_some(one.len().min(other.len())))?;
    Some([one, other].map(|body| body[at..].chars().take(80).collect()))
}

/// Says how far the times are apart, and whether too far.
fn compare(what: &str, known: &Times, unknown: &Times) -> (String, bool) {
    let distance = distance(known, unknown);
    let critical = critical(known.0.len(), unknown.0.len());
    let [of_known, of_unknown] = [known, unknown].map(|times| times.percentile(50));
    let medians = (of_known - of_unknown).abs() / of_known.min(of_unknown);
    let verdict = if distance <= critical {
        "no difference seen"
    } else {
        "differs"
    };
    let line = |name: &str, times: &Times| {
        let (median, p95) = (times.percentile(50), times.percentile(95));
        format!("    {name:<8} median {median:8.3} ms, p95 {p95:8.3} ms\n")
    };
    let said = format!(
        "  {what}\n{}{}    Kolmogorov-Smirnov distance {distance:.4}, critical at 1 %: {critical:.4}; medians {:.1} % apart: {verdict}\n",
        line("known", known),
        line("unknown", unknown),
        medians * 100.0
    );
    let (times, apart) = FAR;
    (said, distance > times * critical && medians > apart)
}

impl Times {
    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    fn percentile(&self, percent: usize) -> f64 {
        let sorted = self.sorted();
        sorted[(sorted.len() * percent).div_ceil(100).max(1) - 1]
    }
}

/// The two-sample Kolmogorov-Smirnov statistic: the largest difference between the two shares of times up to a moment.
fn distance(one: &Times, other: &Times) -> f64 {
    let (one, other) = (one.sorted(), other.sorted());
    let share = |times: &[f64], moment: f64| {
        count(times.partition_point(|time| *time <= moment)) / count(times.len())
    };
    let moments = one.iter().chain(&other);
    moments
        .map(|moment| (share(&one, *moment) - share(&other, *moment)).abs())
        .fold(0.0, f64::max)
}

/// The distance that chance alone exceeds once in a hundred times, for large samples: `sqrt(-ln(0.01 / 2) / 2)` times
/// `sqrt((n + m) / nm)`.
fn critical(one: usize, other: usize) -> f64 {
    let (one, other) = (count(one), count(other));
    (-(0.01_f64 / 2.0).ln() / 2.0).sqrt() * ((one + other) / (one * other)).sqrt()
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
const fn count(count: usize) -> f64 {
    count as f64
}

#[test]
fn the_distance_is_the_one_of_kolmogorov_and_smirnov() {
    let times = |times: &[f64]| Times(times.to_vec());
    let close = |a: f64, b: f64| (a - b).abs() < 1e-3;
    let low = times(&[1.0, 2.0, 3.0, 4.0]);
    assert!(close(distance(&low, &times(&[4.0, 3.0, 2.0, 1.0])), 0.0));
    assert!(close(distance(&low, &times(&[3.0, 4.0, 5.0, 6.0])), 0.5));
    assert!(close(distance(&low, &times(&[7.0, 8.0])), 1.0));
    assert!(close(critical(2000, 2000), 0.0515));
}

#[test]
fn times_that_tell_are_seen() {
    let around = |middle: f64| {
        Times(
            (0..500)
                .map(|n| middle + f64::from(n % 25) / 10.0)
                .collect(),
        )
    };
    assert!(!compare("", &around(20.0), &around(20.0)).1);
    assert!(compare("", &around(22.0), &around(20.0)).1);
    assert!(
        compare("", &around(20.0), &around(22.0))
            .0
            .contains("differs")
    );
}
