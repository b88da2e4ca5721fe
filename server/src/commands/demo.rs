//! `fairhold demo`

use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;

use crate::commands::keys;
use crate::config::{Config, Connection};
use crate::demo;
use crate::serve::{Server, asked_to_stop};
use crate::wiring::{Mode, make_folder, open};

/// Makes what is missing, and serves.
pub(crate) async fn serve(mut config: Config) -> anyhow::Result<ExitCode> {
    crate::log::start("warn");
    prepare(&mut config).await?;
    let portal = open(&config, Mode::Demo).await?;
    demo::seed(&portal).await?;
    let server = Server::bind(portal, &config).await?;
    let stop = asked_to_stop()?;
    print_welcome(server.port(), &config);
    server.run(stop).await?;
    println!("Fairhold has stopped.");
    Ok(ExitCode::SUCCESS)
}

/// Makes the folder, the master key and the demo company's systems, and connects them. Refuses a configuration that names
/// a system of its own in place of a made-up one.
pub async fn prepare(config: &mut Config) -> anyhow::Result<()> {
    refuse_real_systems(config)?;
    make_folder(&config.data.folder)?;
    let key = config.master_key_file();
    if !key.exists() && std::env::var_os("FAIRHOLD_MASTER_KEY").is_none() {
        keys::write_new(&key)?;
    }
    let company = config.data.folder.join("company");
    make_folder(&company)?;
    demo::build(&company).await?;
    connect(config, &company);
    Ok(())
}

/// The demo's log-ins are known to all, so it opens none of a company's own systems in place of a made-up one.
fn refuse_real_systems(config: &Config) -> anyhow::Result<()> {
    if let Some(name) = demo::SYSTEMS
        .iter()
        .find(|name| config.connections.contains_key(**name))
    {
        bail!(
            "the demo has a made-up system {name:?} of its own. Take the connection {name:?} out of the configuration, or run `fairhold serve`."
        );
    }
    Ok(())
}

fn connect(config: &mut Config, company: &Path) {
    for name in demo::SYSTEMS {
        let connection = Connection::Sqlite {
            path: company.join(format!("{name}.db")),
            connections: 4,
        };
        config.connections.insert(name.to_owned(), connection);
    }
}

fn print_welcome(port: u16, config: &Config) {
    println!();
    println!("  Fairhold is ready. Open  http://localhost:{port}");
    println!();
    println!("  Log in as one of these, or sign up with any address of the demo (mail lands on");
    println!("  http://localhost:{port}/demo/outbox):");
    println!();
    for persona in demo::personas() {
        println!(
            "    {:<20} {:<28} {}",
            persona.email, persona.password, persona.note
        );
    }
    println!();
    println!(
        "  The staff's door is http://localhost:{port}/staff. `fairhold demo accounts` lists who"
    );
    println!("  works here, and the keys for their codes.");
    println!();
    println!(
        "  Its data is in {}. Stop it with Ctrl-C.",
        config.data.folder.display()
    );
    println!();
}

pub(crate) fn accounts(json: bool) -> anyhow::Result<ExitCode> {
    if json {
        let customers = demo::personas().iter().map(serde_json::to_value);
        let staff = demo::staff().iter().map(serde_json::to_value);
        let all: Vec<_> = customers.chain(staff).collect::<Result<_, _>>()?;
        println!("{}", serde_json::to_string_pretty(&all)?);
    } else {
        for persona in demo::personas() {
            println!(
                "{:<20} {:<28} {:<10} {}",
                persona.email, persona.password, persona.role, persona.note
            );
        }
        println!();
        println!("The staff, who log in at /staff with a code as well. The keys are for an app:");
        for persona in demo::staff() {
            println!(
                "{:<26} {:<28} {:<16} {}",
                persona.email,
                persona.password,
                persona.role.key(),
                persona.code_key
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}
