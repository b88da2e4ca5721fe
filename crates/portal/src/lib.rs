//! Use cases: do the reading, decide in `domain`, write through `store`, record the access, queue the job.
//!
//! One file a use case. Authorization is a type: what a customer may do takes `&Customer`, which only a session's
//! customer becomes.

pub mod accounts;
mod alerts;
pub mod api_keys;
pub mod asks;
pub mod breached;
pub mod company;
pub mod contact_points;
pub mod demo;
pub mod erasure;
mod error;
pub mod export;
pub mod factors;
pub mod grants;
pub mod jobs;
pub mod joining;
mod links;
pub mod mail;
pub mod my_data;
pub mod once;
mod outgoing;
pub mod own_fields;
mod own_values;
pub mod passkeys;
mod passwords;
pub mod paused_asks;
pub mod points;
pub mod rewards;
mod rows;
pub mod second_fact;
pub mod sessions;
pub mod staff;
pub mod systems;
pub mod texts;
pub mod totp;
pub mod webhooks;
pub mod who_looked;
pub mod world;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fairhold_domain::email::EmailAddress;
use fairhold_domain::ids::CustomerId;
use fairhold_domain::phone::HomeCountry;
use fairhold_domain::time::Moment;
use fairhold_store::db::Part;
use fairhold_store::keys::KeyStore;
use fairhold_store::{Db, SecretKey};

use breached::BreachedPasswords;
pub use company::{Company, CompanyError, CompanySource};
pub use error::{Error, OpenError, Result};
pub use fairhold_connect::CollectionName;
pub use fairhold_store::accounts::Request;
pub use fairhold_store::looks::LastLook;
pub use fairhold_store::records::OwnValue;
use jobs::Bell;
use mail::Mailer;
use passwords::Passwords;
use systems::Connections;
use texts::Texter;
use webauthn_rs::Webauthn;
use webhooks::Webhooks;
use world::World;

/// How this portal is run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where customers reach it, such as `https://data.example.com`, without a slash at the end. Links in mails are
    /// made from it, never from a request's Host header.
    pub public_url: String,
    /// The demo: mail stays in the outbox and is shown on a page.
    pub demo: bool,
    /// Seconds after which a session that nobody used has ended.
    pub idle_seconds: i64,
    /// The same for sessions of the staff.
    pub staff_idle_seconds: i64,
    /// Seconds after which a session of the staff has ended in any case.
    pub staff_absolute_seconds: i64,
    /// How long a read of a connected system may take.
    pub system_timeout: Duration,
    /// The folder of the copies that customers asked for. It is made where it is missing.
    pub exports: PathBuf,
    /// The countries to whose phones texts are sent; with none, those of the company's own, or all where it names none.
    pub text_countries: Vec<HomeCountry>,
    /// Texts to all phones together in a day, at most.
    pub most_texts_a_day: i64,
    /// Whom the company wants to be told what nobody described yet.
    pub staff: Option<EmailAddress>,
}

/// The portal: everything that the use cases need. Cheap to clone.
#[derive(Clone)]
pub struct Portal {
    inner: Arc<Inner>,
}

struct Inner {
    db: Db,
    keys: KeyStore,
    world: World,
    settings: Settings,
    company: Company,
    mailer: Mailer,
    texter: Texter,
    webhooks: Webhooks,
    passwords: Passwords,
    relying_party: Option<Webauthn>,
    bell: Bell,
}

/// What a portal is made of.
pub struct Parts {
    /// The portal's own database.
    pub db: Db,
    /// The key store.
    pub keys: KeyStore,
    /// Clock and randomness.
    pub world: World,
    /// How it is run.
    pub settings: Settings,
    /// Where the catalog is read from.
    pub source: CompanySource,
    /// The connected systems, by the names that the catalog uses.
    pub connections: Connections,
    /// How mail leaves.
    pub mailer: Mailer,
    /// How texts to phones leave.
    pub texter: Texter,
    /// The shops that are told what members of their programmes do.
    pub webhooks: Webhooks,
    /// Passwords that thieves have already.
    pub breached: Option<BreachedPasswords>,
}

/// A customer who is logged in, with the key to what the portal holds of them. Only [`Portal::customer`] makes one.
#[derive(Debug)]
pub struct Customer {
    id: CustomerId,
    key: SecretKey,
}

impl Customer {
    /// Whose session it is.
    pub const fn id(&self) -> CustomerId {
        self.id
    }
}

impl Portal {
    /// Brings the database up to date and reads the catalog.
    ///
    /// # Errors
    /// When the database or the catalog can't be used.
    pub async fn open(parts: Parts) -> std::result::Result<Self, OpenError> {
        parts.db.migrate(Part::Data).await?;
        let company = Company::load(parts.source, parts.connections)?;
        if let Some(unknown) = parts.webhooks.unknown(&company.current().catalog) {
            return Err(OpenError::UnknownProgramme(unknown.to_owned()));
        }
        let passwords = Passwords::new(&*parts.world.random, parts.breached)?;
        let name = company.current().catalog.company.name.clone();
        let relying_party = passkeys::relying_party(&parts.settings.public_url, &name);
        let portal = Self {
            inner: Arc::new(Inner {
                db: parts.db,
                keys: parts.keys,
                world: parts.world,
                settings: parts.settings,
                company,
                mailer: parts.mailer,
                texter: parts.texter,
                webhooks: parts.webhooks,
                passwords,
                relying_party,
                bell: Bell::default(),
            }),
        };
        portal.queue_repeating().await?;
        Ok(portal)
    }

    /// The customer of a session.
    ///
    /// # Errors
    /// [`Error::LogInFirst`] when the account has been erased since.
    pub async fn customer(&self, id: CustomerId) -> Result<Customer> {
        match self.inner.keys.of(id).await {
            Ok(key) => Ok(Customer { id, key }),
            Err(fairhold_store::StoreError::KeyDestroyed) => Err(Error::LogInFirst),
            Err(e) => Err(e.into()),
        }
    }

    /// Whether the stores answer.
    pub async fn ready(&self) -> Result<()> {
        self.inner.db.ping().await?;
        self.inner.keys.ping().await?;
        Ok(())
    }

    /// Clock and randomness, for what works beside the use cases, such as the session store.
    pub fn world(&self) -> &World {
        &self.inner.world
    }

    /// The moment it is.
    pub fn now(&self) -> Moment {
        self.inner.world.clock.now()
    }

    /// Random bytes, such as a page's nonce.
    pub fn random_bytes<const N: usize>(&self) -> [u8; N] {
        fairhold_store::seal::random_bytes(&*self.inner.world.random)
    }

    /// How this portal is run.
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// The company that runs it: its catalog and its systems.
    pub fn company(&self) -> &Company {
        &self.inner.company
    }

    /// The portal's own database, for the session store.
    pub fn db(&self) -> &Db {
        &self.inner.db
    }

    /// Writes down the heads of the chains of looks and ends all connections.
    pub async fn close(&self) {
        if let Err(e) = self.checkpoint_looks().await {
            tracing::error!(error = %e, "the last checkpoint of the looks failed");
        }
        self.inner.db.close().await;
        self.inner.keys.close().await;
    }

    /// Adds up the journals of points.
    pub async fn verify_points(&self) -> Result<fairhold_store::points::Sums> {
        let key = &self.inner.keys.portal().looks;
        Ok(fairhold_store::points::verify(&self.inner.db, key).await?)
    }

    /// Walks the chains of looks.
    pub async fn verify(&self) -> Result<fairhold_store::looks::Walk> {
        Ok(fairhold_store::looks::verify(&self.inner.db, &self.inner.keys).await?)
    }

    pub(crate) async fn checkpoint_looks(&self) -> Result<()> {
        fairhold_store::looks::checkpoint(&self.inner.db, &self.inner.keys, self.now()).await?;
        Ok(())
    }

    fn new_id(&self) -> String {
        self.inner.world.new_id().to_string()
    }
}
