//! What the demo starts with. Refused outside it.

use fairhold_domain::access::Look;
use fairhold_domain::email::EmailAddress;
use fairhold_domain::grant::Event;
use fairhold_domain::ids::{CustomerId, StaffId};
use fairhold_domain::points::Kind;
use fairhold_domain::policy::Role;
use fairhold_domain::time::Moment;
use fairhold_store::accounts::{self, address_hash};
use fairhold_store::grants::{self, NewRecord};
use fairhold_store::points::{self, NewEntry};
use fairhold_store::records::{self, OwnRecord, OwnValue};
use fairhold_store::rewards::{self, Redemption};
use fairhold_store::seal::{new_token, token_hash};
use fairhold_store::{StoreError, Tx, looks, memberships, staff};
use secrecy::SecretString;

use crate::error::{Error, Result};
use crate::rewards::reason_identity;
use crate::staff::By;
use crate::{Customer, Portal, own_values};

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
    /// What they earned and spent in a programme, in which they are then.
    pub member: Option<DemoMember<'a>>,
}

/// What a customer of the demo earned and spent in a programme.
#[derive(Clone, Debug)]
pub struct DemoMember<'a> {
    /// The programme's key.
    pub programme: &'a str,
    /// Since when they are in it.
    pub since: Moment,
    /// What came and went since, oldest first.
    pub points: Vec<(Moment, DemoPoints<'a>)>,
}

/// How points of the demo came or went.
#[derive(Clone, Copy, Debug)]
pub enum DemoPoints<'a> {
    /// For joining.
    Joined(u32),
    /// For a yes to a purpose.
    Granted(u32, &'a str),
    /// Put right by the staff, with a reason.
    Corrected(u32, &'a str),
    /// Spent on one of the catalog's rewards, with this code.
    Took(&'a str, Option<&'a str>),
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
        let (portal, owner) = (
            self.clone(),
            Customer {
                id: customer,
                key: key.clone(),
            },
        );
        let entries = demo.member.map(|member| self.demo_entries(&owner, &member));
        let entries = entries.transpose()?;
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
                            ask_version: 0,
                            until: None,
                            words: &purpose.words,
                        };
                        grants::record(tx, customer, &record, since).await?;
                    }
                    if let Some(entries) = entries {
                        portal.add_demo_entries(tx, &owner, entries).await?;
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

/// What is entered for a customer of the demo.
struct DemoEntries {
    programme: String,
    since: Moment,
    entries: Vec<DemoEntry>,
}

/// One entry, and the reward that was taken with it.
struct DemoEntry {
    at: Moment,
    points: i64,
    kind: Kind,
    about: String,
    reason: Option<Vec<u8>>,
    taken: Option<Redemption>,
}

impl Portal {
    fn demo_entries(&self, customer: &Customer, member: &DemoMember<'_>) -> Result<DemoEntries> {
        let entries = member.points.iter().map(|(at, points)| {
            let entry = |points: u32, kind, about: &str| DemoEntry {
                at: *at,
                points: points.into(),
                kind,
                about: about.to_owned(),
                reason: None,
                taken: None,
            };
            Ok(match points {
                DemoPoints::Joined(points) => entry(*points, Kind::Joined, ""),
                DemoPoints::Granted(points, purpose) => entry(*points, Kind::Granted, purpose),
                DemoPoints::Corrected(points, reason) => {
                    let identity = reason_identity(customer, member.programme);
                    let random = &*self.inner.world.random;
                    let reason = customer.key.seal(&identity, reason.as_bytes(), random)?;
                    DemoEntry {
                        reason: Some(reason),
                        ..entry(*points, Kind::Corrected, "")
                    }
                }
                DemoPoints::Took(key, code) => {
                    let current = self.company().current();
                    let mut rewards = current.catalog.rewards.iter();
                    let reward = rewards.find(|reward| reward.key == *key);
                    let reward = reward.ok_or(Error::NotFound)?;
                    let taken = Redemption {
                        id: self.new_id(),
                        programme: reward.programme.clone(),
                        reward: reward.key.clone(),
                        name: reward.name.clone(),
                        kind: reward.kind,
                        costs: reward.costs,
                        at: *at,
                        code: code.map(str::to_owned),
                    };
                    DemoEntry {
                        points: -i64::from(reward.costs),
                        taken: Some(taken),
                        ..entry(0, Kind::Redeemed, key)
                    }
                }
            })
        });
        Ok(DemoEntries {
            programme: member.programme.to_owned(),
            since: member.since,
            entries: entries.collect::<Result<_>>()?,
        })
    }

    async fn add_demo_entries(
        &self,
        tx: &mut Tx,
        customer: &Customer,
        all: DemoEntries,
    ) -> Result<(), StoreError> {
        let (id, programme) = (customer.id, all.programme.as_str());
        let random = &*self.inner.world.random;
        memberships::join(tx, id, programme, all.since).await?;
        for (number, entry) in (0..).zip(all.entries) {
            if let Some(taken) = &entry.taken {
                rewards::hold(tx, &taken.reward).await?;
                if let Some(code) = &taken.code {
                    let vouchers = self.inner.keys.portal().vouchers();
                    rewards::note_made_code(tx, &vouchers, &taken.reward, code, taken.at).await?;
                }
                rewards::take(tx, &customer.key, random, id, taken).await?;
            }
            let key = match (entry.kind, &entry.taken) {
                (Kind::Joined, _) => "joined".to_owned(),
                (Kind::Granted, _) => format!("granted:{}:0", entry.about),
                (_, Some(taken)) => format!("redeemed:{}", taken.id),
                _ => format!("demo:{number}"),
            };
            let new = NewEntry {
                points: entry.points,
                kind: entry.kind,
                about: &entry.about,
                reason: entry.reason,
                key: &key,
                spendable_at: entry.at,
            };
            let chain = &self.inner.keys.portal().looks;
            points::append(tx, chain, id, programme, &new, entry.at).await?;
        }
        Ok(())
    }

    /// Puts codes of a voucher in, one a line, where none was ever there.
    ///
    /// # Errors
    /// [`Error::NotFound`] outside the demo.
    pub async fn fill_demo_reward(&self, reward: &str, codes: &str) -> Result<()> {
        if !self.settings().demo {
            return Err(Error::NotFound);
        }
        let mut tx = self.inner.db.read().await?;
        let count = rewards::count(&mut tx, reward).await?;
        drop(tx);
        if count.waiting == 0 {
            self.put_codes_in(By::Operator, reward, codes).await?;
        }
        Ok(())
    }
}
