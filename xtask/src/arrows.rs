//! Which crate may know which: `domain <- store, connect <- portal <- app <- server`, and what must never be in the
//! browser. A new crate gets its line in [`ARROWS`].

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::workspace::{Workspace, output};

/// Each crate of the project, with those that it may use.
const ARROWS: [(&str, &[&str]); 8] = [
    ("fairhold-domain", &[]),
    ("fairhold-store", &["fairhold-domain"]),
    ("fairhold-connect", &["fairhold-domain"]),
    (
        "fairhold-portal",
        &["fairhold-domain", "fairhold-store", "fairhold-connect"],
    ),
    ("fairhold-app", &["fairhold-domain", "fairhold-portal"]),
    (
        "server",
        &[
            "fairhold-domain",
            "fairhold-store",
            "fairhold-connect",
            "fairhold-portal",
            "fairhold-app",
        ],
    ),
    (
        "bench",
        &[
            "fairhold-domain",
            "fairhold-store",
            "fairhold-connect",
            "fairhold-portal",
            "server",
        ],
    ),
    ("xtask", &[]),
];

/// What the browser must never be sent: databases, the server's engine, password hashing, and whatever stands on them.
const SERVER_ONLY: [&str; 8] = [
    "sqlx",
    "tokio",
    "axum",
    "argon2",
    "leptos_axum",
    "fairhold-store",
    "fairhold-connect",
    "fairhold-portal",
];

/// Checks every arrow and the browser build, and names all that is wrong.
pub fn check(workspace: &Workspace) -> Result<()> {
    let mut wrong = wrong_arrows(&uses(&workspace.packages));
    let tree = output(
        workspace
            .cargo()
            .args(["tree", "--locked", "--package", "fairhold-app"])
            .args([
                "--no-default-features",
                "--features",
                "hydrate",
                "--target",
                "wasm32-unknown-unknown",
                "--edges",
                "normal",
                "--prefix",
                "none",
                "--format",
                "{p}",
            ]),
    )?;
    wrong.extend(server_code(&tree));
    ensure!(
        wrong.is_empty(),
        "the arrows are broken:\n  {}",
        wrong.join("\n  ")
    );
    println!(
        "The arrows hold: {} crates, and no server code in the browser.",
        ARROWS.len()
    );
    Ok(())
}

/// Each member with every crate that its manifest names, for tests and build scripts too.
fn uses(packages: &[Value]) -> Vec<(String, Vec<String>)> {
    let name = |value: &Value| {
        value
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    packages
        .iter()
        .map(|package| {
            let used = package
                .get("dependencies")
                .and_then(Value::as_array)
                .into_iter()
                .flatten();
            (name(package), used.map(name).collect())
        })
        .collect()
}

fn wrong_arrows(uses: &[(String, Vec<String>)]) -> Vec<String> {
    let members: BTreeSet<&str> = uses.iter().map(|(member, _)| member.as_str()).collect();
    let mut wrong = Vec::new();
    for (member, used) in uses {
        let Some((_, allowed)) = ARROWS.iter().find(|(known, _)| known == member) else {
            wrong.push(format!(
                "{member} is new: say in xtask/src/arrows.rs what it may use"
            ));
            continue;
        };
        for other in used.iter().map(String::as_str) {
            if members.contains(other) && !allowed.contains(&other) {
                wrong.push(format!("{member} must not use {other}"));
            }
        }
    }
    wrong
}

/// Which of the server's crates, or their parts (`sqlx-core`), are in a tree of the form `name version`.
fn server_code(tree: &str) -> Vec<String> {
    let found: BTreeSet<&str> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    found
        .into_iter()
        .filter(|name| {
            SERVER_ONLY.iter().any(|server| {
                name == server
                    || name
                        .strip_prefix(server)
                        .is_some_and(|rest| rest.starts_with('-'))
            })
        })
        .map(|name| format!("{name} is in the browser build"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, used: &[&str]) -> (String, Vec<String>) {
        (name.into(), used.iter().map(|&name| name.into()).collect())
    }

    #[test]
    fn an_arrow_that_runs_back_is_named() {
        let uses = [
            member("fairhold-domain", &["serde", "fairhold-store"]),
            member("fairhold-store", &["fairhold-domain"]),
        ];
        assert_eq!(
            wrong_arrows(&uses),
            ["fairhold-domain must not use fairhold-store"]
        );
    }

    #[test]
    fn a_new_crate_must_say_its_place() {
        assert_eq!(wrong_arrows(&[member("fairhold-new", &[])]).len(), 1);
    }

    #[test]
    fn the_house_as_drawn_is_allowed() {
        let uses: Vec<_> = ARROWS
            .iter()
            .map(|(name, used)| member(name, used))
            .collect();
        assert_eq!(wrong_arrows(&uses), [""; 0]);
    }

    #[test]
    fn server_code_is_found_in_all_its_parts_and_nothing_else() {
        let tree = "fairhold-app v0.1.0 (/x)\nsqlx-core v0.9.0\ntokio v1.0.0\naxumatic v1.0.0\nserde v1.0.0 (*)\n";
        assert_eq!(
            server_code(tree),
            [
                "sqlx-core is in the browser build",
                "tokio is in the browser build"
            ]
        );
    }
}
