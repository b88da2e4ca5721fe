//! The API against its own description: schemathesis makes up calls that the description allows and calls that it does
//! not, and holds each answer against it.

use std::path::Path;
use std::process::Stdio;

use fairhold_domain::policy::Scope;
use fairhold_portal::api_keys::NewApiKey;
use fairhold_portal::staff::By;
use tokio::process::Command;

use crate::support::House;

/// Where `scripts/install.sh test` puts the program.
const PROGRAM: &str = "FAIRHOLD_TEST_SCHEMATHESIS";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_can_be_made_up_from_the_description_gets_an_answer_that_is_not_in_it() {
    let program = std::env::var(PROGRAM).unwrap_or_default();
    if !Path::new(&program).exists() {
        println!(
            "skipped: {PROGRAM} names no program. scripts/install.sh test fetches it from PyPI"
        );
        return;
    }
    let house = House::demo().await;
    house.add("ada@example.com").await;
    let new = NewApiKey {
        id: None,
        name: "Any call".to_owned(),
        scopes: Scope::ALL.to_vec(),
        purposes: vec!["newsletter".to_owned()],
        expires_at: house.portal.now().plus_seconds(3600),
    };
    let made = house
        .portal
        .create_api_key(By::Operator, new)
        .await
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let run = Command::new(program)
        .arg("run")
        .arg(format!("http://{}/v1/openapi.json", house.address))
        .args(["--header", &format!("Authorization: Bearer {}", made.key)])
        // The same calls each time, and not too many.
        .args(["--seed", "1", "--generation-database", "none"])
        .args(["--max-examples", "40", "--no-shrink"])
        // A call may refuse what the description allows: a name that nobody has, a key that was used before.
        .args(["--exclude-checks", "positive_data_acceptance"])
        .args(["--continue-on-failure", "--no-color"])
        .current_dir(folder.path())
        .env("NO_PROXY", "127.0.0.1")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let told = String::from_utf8_lossy(&run.stdout);
    let errors = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{told}\n{errors}");
    println!("{told}");
}
