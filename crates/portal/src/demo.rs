//! What the demo starts with. Refused outside it.

use fairhold_domain::access::Look;
use fairhold_domain::email::EmailAddress;
use fairhold_domain::grant::Event;
use fairhold_domain::ids::{CustomerId, StaffId};
use fairhold_domain::policy::Role;
use fairhold_domain::time::Moment;
use fairhold_store::accounts::{self, address_hash};
use fairhold_store::grants::{self, NewRecord};
use fairhold_store::records::{self, OwnRecord, OwnValue};
use fairhold_store::seal::{new_token, token_hash};
use fairhold_store::{StoreError, looks, staff};
use secrecy::SecretString;

use crate::error::{Error, Result};
use crate::{Portal, own_values};

/// A customer that the demo starts with.
pub struct DemoCustomer<'a> {
    /// Address to log in with.
    pub email: &'a str,
    /// Opens nothing but the demo.
    pub password: &'a str,
    /// Since when they have an account.
    pub since: Moment,
    /// Values that the portal itself holds, by `collection.field`.
    pub values: Vec<(String, OwnValue)>,
    /// Looks that others took, oldest first.
    pub looks: Vec<(Moment, Look)>,
    /// Purposes that they said yes to when their account began.
    pub allows: Vec<&'a str>,
}

/// Somebody of the staff whom the demo starts with.
#[derive(Clone, Copy, Debug)]
pub struct DemoStaff<'a> {
    /// Address to log in with.
    pub email: &'a str,
    /// Opens nothing but the demo.
    pub password: &'a str,
    /// What they do.
    pub role: Role,
    /// What their app makes codes from, in base 32.
    pub code_key: &'a str,
}

/// Somebody of the demo's staff, as the demo's page shows them.
#[derive(Clone, Debug)]
pub struct ShownStaff {
    /// Address to log in with.
    pub email: String,
    /// What they do.
    pub role: Role,
    /// What their app makes codes from, in base 32.
    pub code_key: String,
}

impl Portal {
    /// Adds somebody to the staff whose app is set up; leaves one who is there as they are.
    ///
    /// # Errors
    /// [`Error::NotFound`] outside the demo.
    pub async fn add_demo_staff(&self, demo: DemoStaff<'_>) -> Result<()> {
        if !self.settings().demo {
            return Err(Error::NotFound);
        }
        let address = EmailAddress::parse(demo.email)?;
        let key = self.inner.keys.portal().staff();
        let hash = staff::address_hash(&key, &address);
        if staff::by_address(&mut self.inner.db.read().await?, &hash)
            .await?
            .is_some()
        {
            return Ok(());
        }
        let (id, role, now) = (StaffId(self.inner.world.new_id()), demo.role, self.now());
        let random = &*self.inner.world.random;
        let sealed = staff::seal_address(&key, random, id, &address)?;
        let app = staff::seal_app(&key, random, id, demo.code_key)?;
        let password = SecretString::from(demo.password);
        let password_hash = self.inner.passwords.hash(password, random).await?;
        let link = token_hash(&new_token(random));
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move {
                staff::invite(tx, id, &hash, sealed, role, now).await?;
                let expires = now.plus_seconds(1);
                staff::add_link(tx, &link, id, Vec::new(), now, expires).await?;
                staff::accept(tx, &link, id, &password_hash, app, now).await?;
                staff::use_step(tx, id, 1, now).await?;
                Ok::<(), StoreError>(())
            })
        });
        Ok(write.await?)
    }

    /// The demo's staff and what their apps make codes from. Outside the demo nobody can read that.
    ///
    /// # Errors
    /// [`Error::NotFound`] outside the demo.
    pub async fn demo_staff(&self) -> Result<Vec<ShownStaff>> {
        if !self.settings().demo {
            return Err(Error::NotFound);
        }
        let key = self.inner.keys.portal().staff();
        let mut shown = Vec::new();
        for stored in staff::all(&mut self.inner.db.read().await?).await? {
            if let Some(app) = &stored.app {
                shown.push(ShownStaff {
                    email: staff::open_address(&key, stored.id, &stored.sealed)?,
                    role: stored.role,
                    code_key: staff::open_app(&key, stored.id, app)?,
                });
            }
        }
        Ok(shown)
    }

    /// Adds a customer with a proven address; leaves one that is there as they are.
    ///
    /// # Errors
    /// [`Error::NotFound`] outside the demo.
    pub async fn add_demo_customer(&self, demo: DemoCustomer<'_>) -> Result<()> {
        if !self.settings().demo {
            return Err(Error::NotFound);
        }
        let address = EmailAddress::parse(demo.email)?;
        let address_hash = address_hash(&self.inner.keys.portal().addresses, &address);
        if accounts::by_address(&mut self.inner.db.read().await?, &address_hash)
            .await?
            .is_some()
        {
            return Ok(());
        }
        let customer = CustomerId(self.inner.world.new_id());
        let password = SecretString::from(demo.password);
        let password_hash = self
            .inner
            .passwords
            .hash(password, &*self.inner.world.random)
            .await?;
        let key = self.inner.keys.create(customer, self.now()).await?;
        let mut record = OwnRecord::default();
        record.values.insert(
            own_values::ADDRESS.to_owned(),
            own_values::given(address.as_str(), demo.since),
        );
        record.values.extend(demo.values);
        let (since, others) = (demo.since, demo.looks);
        let catalog = &self.company().current().catalog;
        let purposes = catalog.company.purposes.iter();
        let allows = purposes.filter(|p| demo.allows.contains(&p.key.as_str()));
        let allows = allows.map(|p| (p.clone(), catalog.own_fields_for(&p.key)));
        let allows: Vec<_> = allows.collect();
        let looks_key = self.inner.keys.portal().looks.clone();
        let random = self.inner.world.random.clone();
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    accounts::add(tx, customer, &address_hash, since).await?;
                    accounts::set_password(tx, customer, &password_hash, since).await?;
                    records::write(tx, &key, &*random, customer, &record, 0).await?;
                    for (purpose, fields) in &allows {
                        let record = NewRecord {
                            purpose: &purpose.key,
                            ask: "",
                            fields,
                            event: Event::Given,
                            version: purpose.version,
                            until: None,
                            words: &purpose.words,
                        };
                        grants::record(tx, customer, &record, since).await?;
                    }
                    for (at, look) in &others {
                        looks::append(tx, &looks_key, customer, *at, look).await?;
                    }
                    Ok::<(), StoreError>(())
                })
            })
            .await?;
        Ok(())
    }
}
