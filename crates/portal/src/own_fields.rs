//! Fields that the portal itself keeps: a customer changes and takes away what stands in them, and the company's systems put
//! something in only for a purpose that may be served (P14).

use fairhold_domain::answer::{self, AnswerError, Typed};
use fairhold_domain::catalog::{AnswerKind, Basis, Collection, Field, Origin, Purpose, Show};
use fairhold_domain::facts;
use fairhold_domain::ids::CustomerId;
use fairhold_store::records::{self, OwnValue};
use fairhold_store::{Tx, accounts, customer_refs, erasures, grants};

use crate::api_keys::System;
use crate::asks::{AskError, record_key};
use crate::company::Current;
use crate::error::{Error, Result};
use crate::once::{AboutNobody, KeptAnswer, Once, Turn};
use crate::{Customer, Portal, own_values};

/// A field of the portal's own with something in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnField {
    /// Its name.
    pub name: String,
    /// As customers know it.
    pub label: String,
    /// Why it is held.
    pub why: Option<String>,
    /// What one types; `None` where customers type nothing, and a system put it in.
    pub kind: Option<AnswerKind>,
    /// What stands in the inputs: nothing where the value is covered on My data.
    pub typed: Typed,
    /// The ask that it came by.
    pub ask: Option<String>,
}

/// What a system wants to put in.
#[derive(Clone, Debug)]
pub struct NewValue {
    /// The field's name.
    pub field: String,
    /// What is to stand there.
    pub typed: Typed,
    /// The purpose that it is for.
    pub purpose: String,
    /// How the system came by it.
    pub origin: Origin,
}

/// Why a value was not taken. Nothing of it is kept then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The portal keeps no such field.
    #[error("The catalog describes no such field of the portal's own.")]
    UnknownField,
    /// The catalog names no such purpose.
    #[error("The catalog names no such purpose.")]
    UnknownPurpose,
    /// The field is not held for that purpose.
    #[error("The catalog does not say that this field is held for this purpose.")]
    NotForThis,
    /// The key may not speak for that purpose.
    #[error("The key may not ask about this purpose.")]
    NotYours,
    /// The customer did not say yes to it.
    #[error("The customer has not said yes to this. Ask them first. Nothing was kept.")]
    NoGrant,
    /// It is no value of that field.
    #[error(transparent)]
    Value(#[from] AnswerError),
}

impl Portal {
    /// What stands in a field of the customer's.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such field, or nothing in it.
    pub async fn own_field(&self, customer: Customer, name: &str) -> Result<OwnField> {
        let (portal, name) = (self.clone(), name.to_owned());
        let current = self.company().current();
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move {
                let own = current.catalog.own_field(&name);
                let (collection, field) = own.ok_or(Error::NotFound)?;
                let (record, _) = records::read(tx, &customer.key, customer.id).await?;
                let kept = record.values.get(&record_key(collection, field));
                let kept = kept.ok_or(Error::NotFound)?;
                let seen = std::iter::once((collection, field));
                portal.look_at_fields(tx, &customer, seen).await?;
                let shown = facts::show(Some(field)) == Show::Full;
                let typed = field.answer.as_ref().filter(|_| shown);
                let typed = typed.map(|kind| answer::typed(kind, &kept.value));
                Ok(OwnField {
                    name: field.name.clone(),
                    label: field.label.clone().unwrap_or_else(|| field.name.clone()),
                    why: field.why.clone(),
                    typed: typed.unwrap_or_default(),
                    kind: field.answer.clone(),
                    ask: kept.grant.clone(),
                })
            })
        });
        write.await
    }

    /// Puts something else in its place. What stands there then, the customer gave. Answers the name of the contact point whose
    /// code is to be typed now, if it is a number that is not proven.
    ///
    /// # Errors
    /// [`Error::NotFound`] when nothing stands there, [`Error::Ask`] when what was typed will not do.
    pub async fn change_own_field(
        &self,
        customer: Customer,
        name: &str,
        typed: &Typed,
    ) -> Result<Option<String>> {
        let current = self.company().current();
        let (_, field, kind) = answered(&current, name)?;
        let wrong = |error| AskError::Typed(vec![(field.name.clone(), error)]);
        let value = self.read_answer(kind, typed).map_err(wrong)?;
        let (portal, name) = (self.clone(), name.to_owned());
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move {
                accounts::hold(tx, customer.id).await?;
                let current = portal.company().current();
                let (collection, field, kind) = answered(&current, &name)?;
                let key = record_key(collection, field);
                let (mut record, version) = records::read(tx, &customer.key, customer.id).await?;
                let kept = record.values.get_mut(&key).ok_or(Error::NotFound)?;
                if kept.value != value {
                    *kept = OwnValue {
                        purpose: kept.purpose.take(),
                        grant: kept.grant.take(),
                        ..own_values::given(&value, portal.now())
                    };
                    let random = &*portal.inner.world.random;
                    let id = customer.id;
                    records::write(tx, &customer.key, random, id, &record, version).await?;
                }
                if *kind == AnswerKind::Phone {
                    let proof = portal.prove_number(tx, &customer, &value).await;
                    return proof.map_err(|error| match error {
                        Error::Contact(wrong) => {
                            AskError::Phone(name.clone(), wrong.to_string()).into()
                        }
                        error => error,
                    });
                }
                Ok(None)
            })
        });
        let prove = write.await?;
        self.inner.bell.ring();
        Ok(prove)
    }

    /// Takes away what stands in a field. What the customer allows stays as it is.
    ///
    /// # Errors
    /// [`Error::NotFound`] when nothing stands there.
    pub async fn remove_own_field(&self, customer: Customer, name: &str) -> Result<()> {
        let (portal, name) = (self.clone(), name.to_owned());
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move {
                accounts::hold(tx, customer.id).await?;
                let current = portal.company().current();
                let own = current.catalog.own_field(&name);
                let (collection, field) = own.ok_or(Error::NotFound)?;
                let (mut record, version) = records::read(tx, &customer.key, customer.id).await?;
                let removed = record.values.remove(&record_key(collection, field));
                removed.ok_or(Error::NotFound)?;
                let random = &*portal.inner.world.random;
                let id = customer.id;
                records::write(tx, &customer.key, random, id, &record, version).await?;
                Ok::<(), Error>(())
            })
        });
        write.await
    }

    /// The gate of collection: takes a value from one of the company's systems only for a purpose that may be served, and
    /// keeps nothing otherwise. `reference` is what other systems call the customer; `answer` is what the system gets.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such customer, [`Error::Gate`] says why a value was refused, and as
    /// [`Self::turn`].
    pub async fn put_own_field(
        &self,
        system: &System,
        once: Once,
        reference: &str,
        new: NewValue,
        answer: impl AboutNobody + Send + Sync + 'static,
    ) -> Result<KeptAnswer> {
        let current = self.company().current();
        let catalog = &current.catalog;
        let purpose = catalog.company.purpose(&new.purpose);
        let purpose = purpose.ok_or(Refusal::UnknownPurpose)?.clone();
        let purposes = &system.key().purposes;
        if !purposes.contains(&purpose.key) {
            return Err(Refusal::NotYours.into());
        }
        let (_, field) = catalog.own_field(&new.field).ok_or(Refusal::UnknownField)?;
        if !field.purposes.contains(&purpose.key) {
            return Err(Refusal::NotForThis.into());
        }
        // What a guess may hold is the system's to say; what customers type has its form.
        let kind = field.answer.clone().unwrap_or(AnswerKind::Text(LONGEST));
        let value = self.read_answer(&kind, &new.typed).map_err(Refusal::from)?;
        let mut tx = self.inner.db.read().await?;
        let customer = customer_refs::customer_of(&mut tx, reference).await?;
        drop(tx);
        let customer = match self.customer(customer.ok_or(Error::NotFound)?).await {
            Err(Error::LogInFirst) => return Err(Error::NotFound),
            customer => customer?,
        };
        let (portal, origin, system) = (self.clone(), new.origin, system.clone());
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move {
                let first = match portal.turn(tx, &system, once).await? {
                    Turn::Again(answer) => return Ok(answer),
                    Turn::First(first) => first,
                };
                // A withdrawal at the same moment comes before or after, not in between.
                accounts::hold(tx, customer.id).await?;
                // Whoever asked to be erased wants nothing more to be kept.
                if erasures::of(tx, customer.id).await?.is_some() {
                    return Err(Refusal::NoGrant.into());
                }
                let (collection, field) = current
                    .catalog
                    .own_field(&new.field)
                    .ok_or(Refusal::UnknownField)?;
                let grant = portal.may_hold(tx, customer.id, &purpose, field).await?;
                let (mut record, version) = records::read(tx, &customer.key, customer.id).await?;
                let value = OwnValue {
                    value,
                    origin,
                    at: portal.now(),
                    purpose: Some(purpose.key.clone()),
                    grant,
                };
                record.values.insert(record_key(collection, field), value);
                let random = &*portal.inner.world.random;
                let id = customer.id;
                records::write(tx, &customer.key, random, id, &record, version).await?;
                first.keep(tx, 200, &answer).await
            })
        });
        write.await
    }

    /// The grant under which a field may be held for a purpose; `None` where the catalog says that the purpose needs none.
    ///
    /// # Errors
    /// [`Refusal::NoGrant`] when the customer did not say yes.
    async fn may_hold(
        &self,
        tx: &mut Tx,
        customer: CustomerId,
        purpose: &Purpose,
        field: &Field,
    ) -> Result<Option<String>> {
        if purpose.basis != Basis::Consent {
            return Ok(None);
        }
        let now = self.now();
        let grants = grants::for_purpose(tx, customer, &purpose.key).await?;
        let covers = |grant: &&grants::StoredGrant| {
            grant.standing.in_force(purpose.version, now) && grant.fields.contains(&field.name)
        };
        let grant = grants.iter().find(covers).ok_or(Refusal::NoGrant)?;
        Ok(Some(grant.ask.clone()))
    }
}

/// Characters of a value that no customer types.
const LONGEST: u32 = 2_000;

/// A field that customers fill in.
///
/// # Errors
/// [`Error::NotFound`] when the catalog describes none of that name.
fn answered<'c>(
    current: &'c Current,
    name: &str,
) -> Result<(&'c Collection, &'c Field, &'c AnswerKind)> {
    let field = current.catalog.own_field(name);
    let answered = field.and_then(|(c, f)| Some((c, f, f.answer.as_ref()?)));
    answered.ok_or(Error::NotFound)
}
