//! The demo's log-ins, and the looks that the company's people and systems took before anybody opened the portal.

use anyhow::Result;
use fairhold_domain::access::{Act, Actor, Look, Seen};
use fairhold_domain::time::Moment;
use fairhold_portal::Portal;
use fairhold_portal::demo::{DemoCustomer, DemoMember, DemoPoints, DemoStaff};

use super::people::{personas, staff};

const DAY: i64 = 86_400;

/// Adds the demo's log-ins where they are missing.
pub async fn seed(portal: &Portal) -> Result<()> {
    let now = portal.now();
    for persona in personas() {
        let demo = DemoCustomer {
            email: persona.email,
            password: persona.password,
            since: now.plus_seconds(-60 * DAY),
            values: Vec::new(),
            looks: if persona.email == "ada@example.com" {
                looks(now)
            } else {
                Vec::new()
            },
            allows: persona.allows.to_vec(),
            member: member(persona.email, now),
        };
        portal.add_demo_customer(demo).await?;
    }
    let codes = (1..=250).map(|number| format!("CUP-{number:04}\n"));
    portal
        .fill_demo_reward("free_coffee", &codes.collect::<String>())
        .await?;
    for persona in staff() {
        let demo = DemoStaff {
            email: persona.email,
            password: persona.password,
            role: persona.role,
            code_key: persona.code_key,
        };
        portal.add_demo_staff(demo).await?;
    }
    Ok(())
}

/// What they earned and spent in the club.
fn member(email: &str, now: Moment) -> Option<DemoMember<'static>> {
    use DemoPoints::{Corrected, Granted, Joined, Took};
    let points: &[(i64, DemoPoints<'static>)] = match email {
        "ada@example.com" => &[
            (58, Joined(20)),
            (57, Granted(30, "newsletter")),
            (
                45,
                Corrected(90, "We moved the points of your paper card over."),
            ),
            (
                33,
                Corrected(60, "You brought us three friends. Thank you."),
            ),
            (30, Took("free_coffee", Some("CUP-ADA1"))),
            (21, Corrected(120, "You helped us with the summer fair.")),
            (
                9,
                Corrected(60, "You came to our tasting, and we forgot your points."),
            ),
        ],
        "grace@example.com" => &[
            (51, Joined(20)),
            (
                40,
                Corrected(180, "We moved the points of your paper card over."),
            ),
            (38, Took("ten_percent", Some("FINCH10-GRACE234"))),
            (24, Took("one_tree", None)),
        ],
        _ => return None,
    };
    let at = |days: i64| now.plus_seconds(-days * DAY);
    Some(DemoMember {
        programme: "club",
        since: at(points.first()?.0),
        points: points
            .iter()
            .map(|(days, points)| (at(*days), *points))
            .collect(),
    })
}

/// What others looked at, oldest first.
fn looks(now: Moment) -> Vec<(Moment, Look)> {
    let staff = |name: &str| Actor::Staff {
        role: "our support team".to_owned(),
        name: name.to_owned(),
    };
    let system = |name: &str| Actor::System {
        name: name.to_owned(),
    };
    let look = |days: i64, actor, reason: &str, collections: &[(&str, &str)]| {
        let seen = collections
            .iter()
            .map(|(dataset, collection)| Seen::all(dataset, collection))
            .collect();
        let reason = Some(reason.to_owned());
        (
            now.plus_seconds(-days * DAY),
            Look {
                actor,
                act: Act::Read,
                reason,
                seen,
                failed: Vec::new(),
            },
        )
    };
    vec![
        look(
            34,
            system("The shop till"),
            "You showed your loyalty card in the shop.",
            &[("shop", "customers")],
        ),
        look(
            20,
            staff("Niamh"),
            "You asked where your parcel was.",
            &[("shop", "orders"), ("shop", "addresses")],
        ),
        look(
            9,
            system("The newsletter tool"),
            "It sent you the newsletter that you asked for.",
            &[("newsletter", "subscribers")],
        ),
    ]
}
