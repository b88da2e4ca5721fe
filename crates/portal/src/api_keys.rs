//! Keys of the company's other systems: shown once, stored hashed, scoped, expiring, and ended at once.
//!
//! What a known key is refused is written into the record of decisions. What nobody's key is refused is not: anybody could
//! fill the record.

use fairhold_domain::policy::{Action, Actor, Decider, Decision, Permit, Scope};
use fairhold_domain::time::Moment;
use fairhold_store::seal::{new_token, token_hash};
use fairhold_store::{api_keys, decisions};

pub use fairhold_store::api_keys::ApiKey;

use crate::Portal;
use crate::error::{Error, Result};
use crate::staff::By;

/// What all keys begin with, so that who finds one knows what it is.
const MARK: &str = "fairhold_";
/// The longest name of a system, and of a purpose, in bytes.
const LONGEST_NAME: usize = 100;
const MINUTE: i64 = 60_000_000;

/// What a new key is for.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    /// Its name in lists, where whoever asks chose it: what is asked twice under one name makes one key.
    pub id: Option<String>,
    /// What the company calls the system.
    pub name: String,
    /// The calls that it opens.
    pub scopes: Vec<Scope>,
    /// The purposes that it may ask about.
    pub purposes: Vec<String>,
    /// When it ends.
    pub expires_at: Moment,
}

/// A key that was just made. It can't be read again.
pub struct MadeApiKey {
    /// Its name in lists.
    pub id: String,
    /// What its system sends.
    pub key: String,
}

/// A system whose key was asked about. Only [`Portal::system`] makes one.
#[derive(Clone, Debug)]
pub struct System {
    key: ApiKey,
}

impl System {
    /// Its key, as lists show it.
    pub const fn key(&self) -> &ApiKey {
        &self.key
    }
}

impl Portal {
    /// Makes a key.
    ///
    /// # Errors
    /// [`Error::NotAllowed`]; [`Error::ApiKey`] for one that could never open anything, or whose names are empty or too
    /// long; [`Error::UnknownPurpose`]; [`Error::MadeAlready`].
    pub async fn create_api_key(&self, by: By, new: NewApiKey) -> Result<MadeApiKey> {
        let permit = self.permit(by, Action::CreateApiKey, None).await?;
        let now = self.now();
        let named = |name: &String| !name.trim().is_empty() && name.len() <= LONGEST_NAME;
        let all_named = named(&new.name) && new.purposes.iter().all(named);
        if !all_named || new.scopes.is_empty() || new.expires_at <= now {
            return Err(Error::ApiKey);
        }
        let key = format!("{MARK}{}", new_token(&*self.inner.world.random));
        let hash = token_hash(&key);
        let unknown = |key: &String| {
            let current = self.company().current();
            !current
                .catalog
                .company
                .purposes
                .iter()
                .any(|p| p.key == *key)
        };
        if new.purposes.iter().any(unknown) {
            return Err(Error::UnknownPurpose);
        }
        let id = match new.id {
            Some(id) => uuid::Uuid::parse_str(&id)
                .map_err(|_| Error::ApiKey)?
                .to_string(),
            None => self.new_id(),
        };
        let stored = ApiKey {
            id: id.clone(),
            name: new.name.trim().to_owned(),
            scopes: new.scopes,
            purposes: new.purposes,
            created_at: now,
            expires_at: new.expires_at,
            last_used_at: None,
            revoked_at: None,
        };
        let portal = self.clone();
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move {
                let about = Some(stored.id.clone());
                portal.note_permit(tx, by, permit, about, None).await?;
                if !api_keys::add(tx, &hash, &stored).await? {
                    return Err(Error::MadeAlready);
                }
                Ok::<(), Error>(())
            })
        });
        write.await?;
        Ok(MadeApiKey { id, key })
    }

    /// A name for a key that is to be made, for a form that may be sent twice.
    pub fn name_of_new_key(&self) -> String {
        self.new_id()
    }

    /// All keys, without what their systems send.
    ///
    /// # Errors
    /// [`Error::NotAllowed`].
    pub async fn list_api_keys(&self, by: By) -> Result<Vec<ApiKey>> {
        let permit = self.permit(by, Action::ReadApiKeys, None).await?;
        self.note_permit_alone(by, permit).await?;
        Ok(api_keys::all(&mut self.inner.db.read().await?).await?)
    }

    /// Ends a key at once.
    ///
    /// # Errors
    /// [`Error::NotAllowed`], and [`Error::NotFound`] for one that has ended or never was.
    pub async fn revoke_api_key(&self, by: By, id: &str) -> Result<()> {
        let permit = self.permit(by, Action::RevokeApiKey, None).await?;
        let (id, now) = (id.to_owned(), self.now());
        let portal = self.clone();
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move {
                let about = Some(id.clone());
                portal.note_permit(tx, by, permit, about, None).await?;
                let revoked = api_keys::revoke(tx, &id, now).await?;
                revoked.then_some(()).ok_or(Error::NotFound)
            })
        });
        write.await
    }

    /// The system that sends this key, for a call that does this.
    ///
    /// # Errors
    /// [`Error::LogInFirst`] for what is no key that works, [`Error::NotAllowed`] for one without the scope.
    pub async fn system(&self, sent: &str, action: Action) -> Result<System> {
        if !sent.starts_with(MARK) || sent.len() > LONGEST_NAME {
            return Err(Error::LogInFirst);
        }
        let hash = token_hash(sent);
        let found = api_keys::by_hash(&mut self.inner.db.read().await?, &hash).await?;
        let key = found.ok_or(Error::LogInFirst)?;
        let now = self.now();
        let works = key.works(now);
        let held = action
            .scope()
            .filter(|scope| works && key.scopes.contains(scope));
        if Permit::ask(Actor::System(held), action).is_err() {
            self.note_refused_key(key.id, action).await?;
            return Err(if works {
                Error::NotAllowed
            } else {
                Error::LogInFirst
            });
        }
        let minute = Moment(now.0 - now.0.rem_euclid(MINUTE));
        if key.last_used_at != Some(minute) {
            let id = key.id.clone();
            let note = self.inner.db.write(move |tx| {
                Box::pin(async move { api_keys::note_use(tx, &id, minute).await })
            });
            note.await?;
        }
        Ok(System { key })
    }

    async fn note_refused_key(&self, id: String, action: Action) -> Result<()> {
        let decision = Decision {
            by: Decider::System { id },
            action,
            allowed: false,
            about: None,
            role: None,
        };
        let (looks, now) = (self.inner.keys.portal().looks.clone(), self.now());
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move { decisions::append(tx, &looks, now, &decision).await })
        });
        write.await?;
        Ok(())
    }
}
