//! The demo's log-ins, and the looks that the company's people and systems took before anybody opened the portal.

use anyhow::Result;
use fairhold_domain::access::{Act, Actor, Look, Seen};
use fairhold_domain::time::Moment;
use fairhold_portal::Portal;
use fairhold_portal::demo::{DemoCustomer, DemoStaff};

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
        };
        portal.add_demo_customer(demo).await?;
    }
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
