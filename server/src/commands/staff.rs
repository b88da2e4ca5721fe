//! `fairhold staff`

use std::process::ExitCode;

use anyhow::{anyhow, bail};
use fairhold_domain::policy::Role;
use fairhold_portal::staff::{By, State};
use fairhold_portal::{Error, Portal};

use crate::cli::StaffCommand;
use crate::config::Config;
use crate::wiring::{Mode, open};

/// Does what is asked for on the word of whoever runs the program here.
pub(crate) async fn run(config: Config, command: StaffCommand) -> anyhow::Result<ExitCode> {
    let portal = open(&config, Mode::Production).await?;
    let done = act(&portal, command).await;
    portal.close().await;
    done.map(|()| ExitCode::SUCCESS)
}

async fn act(portal: &Portal, command: StaffCommand) -> anyhow::Result<()> {
    match command {
        StaffCommand::Invite { email, role } => {
            portal
                .invite_staff(By::Operator, &email, role)
                .await
                .map_err(in_words)?;
            println!("The invitation leaves as soon as the portal runs. It works for 24 hours.");
        }
        StaffCommand::List(args) => list(portal, args.json).await?,
        StaffCommand::Revoke { email, force } => {
            let id = portal.staff_by_address(&email).await.map_err(in_words)?;
            portal
                .revoke_staff(By::Operator, id, force)
                .await
                .map_err(in_words)?;
            println!("Their way in has ended, and so have their sessions.");
        }
        StaffCommand::Role { email, role, force } => {
            let id = portal.staff_by_address(&email).await.map_err(in_words)?;
            portal
                .change_staff_role(By::Operator, id, role, force)
                .await
                .map_err(in_words)?;
            println!("The new role is {role}. They have to log in again.");
        }
    }
    Ok(())
}

async fn list(portal: &Portal, json: bool) -> anyhow::Result<()> {
    let people = portal.list_staff(By::Operator).await.map_err(in_words)?;
    if json {
        let people: Vec<_> = people
            .iter()
            .map(|person| {
                serde_json::json!({
                    "id": person.id.to_string(),
                    "email": person.address,
                    "role": person.role.key(),
                    "state": state(person.state),
                })
            })
            .collect();
        println!("{}", serde_json::to_string_pretty(&people)?);
        return Ok(());
    }
    for person in &people {
        println!(
            "{:<32} {:<16} {}",
            person.address,
            person.role.key(),
            state(person.state)
        );
    }
    if people.is_empty() {
        println!("Nobody yet. Run `fairhold staff invite EMAIL --role administrator`.");
    }
    Ok(())
}

const fn state(state: State) -> &'static str {
    match state {
        State::Invited => "invited",
        State::Joining => "joining",
        State::Active => "active",
        State::Revoked => "revoked",
    }
}

/// A role as it is typed.
pub(crate) fn role(text: &str) -> anyhow::Result<Role> {
    let Some(role) = Role::parse(text) else {
        let keys = Role::ALL.map(Role::key).join(", ");
        bail!("write one of: {keys}");
    };
    Ok(role)
}

fn in_words(error: Error) -> anyhow::Error {
    match error {
        Error::Email(wrong) => anyhow!("{wrong}"),
        Error::AlreadyStaff => anyhow!(
            "somebody with this address works here already. Change their role with `fairhold staff role`."
        ),
        Error::NotFound => {
            anyhow!("nobody with this address has a way in. `fairhold staff list` shows who has.")
        }
        Error::LastAdministrator => anyhow!(
            "this is the last administrator: without one, people are let in on this command line alone. Say --force if that is what you want."
        ),
        error => error.into(),
    }
}
