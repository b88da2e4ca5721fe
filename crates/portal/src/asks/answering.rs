//! Taking an answer to an ask: the grant, its consent record, what was typed, and the points, all or nothing.

use std::collections::BTreeMap;

use fairhold_domain::answer::{self, AnswerError, Typed};
use fairhold_domain::asks::Candidate;
use fairhold_domain::catalog::{AnswerKind, Ask, Catalog, Collection, Field, Origin};
use fairhold_domain::contact_point::ContactPoint;
use fairhold_domain::grant::{Event, State};
use fairhold_domain::ids::CustomerId;
use fairhold_domain::phone::PhoneNumber;
use fairhold_store::grants::{self, NewRecord};
use fairhold_store::records::{self, OwnRecord, OwnValue};
use fairhold_store::{StoreError, Tx, accounts, shown_asks};

use super::{Answered, AskError, Choice, Known, WordsRead, fields, record_key, words};
use crate::company::Current;
use crate::error::{Error, Result};
use crate::points::Cause;
use crate::{Customer, Portal, own_values};

/// Seconds for which a page with an ask can be answered. A page that was left open for longer is asked anew.
const ANSWERED_WITHIN: i64 = 30 * 24 * 3600;

impl Portal {
    /// Appends a consent record about an ask.
    pub(super) async fn note(
        &self,
        tx: &mut Tx,
        customer: &Customer,
        catalog: &Catalog,
        ask: &Ask,
        event: Event,
    ) -> Result<()> {
        let purpose = catalog.company.purpose(&ask.purpose);
        let purpose = purpose.ok_or(Error::UnknownPurpose)?;
        let now = self.now();
        let yes = matches!(event, Event::Given | Event::Renewed);
        let zone = &self.company().current().zone;
        let until = ask
            .lasts
            .filter(|_| yes)
            .map(|lasts| lasts.after(now, zone));
        let record = NewRecord {
            purpose: &purpose.key,
            ask: &ask.key,
            fields: &ask.fields,
            event,
            version: purpose.version,
            ask_version: ask.version,
            until,
            words: &ask.words(&purpose.words),
        };
        grants::record(tx, customer.id, &record, now).await?;
        Ok(())
    }

    /// Takes an answer to an ask: the grant, its record, what was typed, and the points, all or nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such ask, [`Error::Ask`] says why an answer was not taken.
    pub async fn answer(
        &self,
        customer: Customer,
        key: &str,
        read: WordsRead,
        choice: Choice,
        typed: &BTreeMap<String, Typed>,
    ) -> Result<Answered> {
        let current = self.company().current();
        let ask = current.catalog.ask(key).ok_or(Error::NotFound)?.clone();
        let values = match choice {
            Choice::Yes => self.read_answers(&current.catalog, &ask, typed)?,
            Choice::No | Choice::NotNow => Vec::new(),
        };
        let portal = self.clone();
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move {
                accounts::hold(tx, customer.id).await?;
                let known = portal.known(tx, &customer, &current).await?;
                let ask = current.catalog.ask(&ask.key).ok_or(Error::NotFound)?;
                let candidate = known.candidate(ask);
                take_answer(tx, &known, customer.id, &candidate, read, choice).await?;
                match choice {
                    Choice::Yes => {
                        let yes = portal.say_yes(tx, &known, &customer, &candidate, values);
                        yes.await
                    }
                    Choice::No => portal.say_no(tx, &known, &customer, &candidate).await,
                    Choice::NotNow => portal.say_not_now(tx, &known, &customer, &candidate).await,
                }
            })
        });
        let answered = write.await?;
        self.inner.bell.ring();
        Ok(answered)
    }

    /// What was typed for the fields of an ask, each under its name in the record.
    fn read_answers(
        &self,
        catalog: &Catalog,
        ask: &Ask,
        typed: &BTreeMap<String, Typed>,
    ) -> Result<Vec<Given>> {
        let nothing = Typed::new();
        let (mut given, mut wrong) = (Vec::new(), Vec::new());
        for (collection, field) in fields(catalog, ask) {
            let Some(kind) = &field.answer else { continue };
            let typed = typed.get(&field.name).unwrap_or(&nothing);
            match self.read_answer(kind, typed) {
                Ok(value) => given.push(Given {
                    key: record_key(collection, field),
                    field: field.name.clone(),
                    phone: *kind == AnswerKind::Phone,
                    value,
                }),
                Err(error) => wrong.push((field.name.clone(), error)),
            }
        }
        if wrong.is_empty() {
            Ok(given)
        } else {
            Err(AskError::Typed(wrong).into())
        }
    }

    pub(crate) fn read_answer(
        &self,
        kind: &AnswerKind,
        typed: &Typed,
    ) -> std::result::Result<String, AnswerError> {
        let current = self.company().current();
        let today = self.now().timestamp().to_zoned(current.zone.clone()).date();
        let home = current.catalog.company.phone_country;
        answer::read(kind, typed, home, today)
    }

    async fn say_yes(
        &self,
        tx: &mut Tx,
        known: &Known<'_>,
        customer: &Customer,
        candidate: &Candidate<'_>,
        given: Vec<Given>,
    ) -> Result<Answered> {
        let (ask, in_force) = (candidate.ask, candidate.is_given(known.now));
        if let Some(event) = candidate.standing.state.answer(true, in_force) {
            self.note(tx, customer, known.catalog(), ask, event).await?;
        }
        let (mut record, version) = records::read(tx, &customer.key, customer.id).await?;
        for given in &given {
            let kept = record.values.get(&given.key);
            let same = |kept: &OwnValue| {
                kept.value == given.value
                    && kept.origin == Origin::Provided
                    && kept.grant.as_ref() == Some(&ask.key)
            };
            if !kept.is_some_and(same) {
                let value = OwnValue {
                    purpose: Some(ask.purpose.clone()),
                    grant: Some(ask.key.clone()),
                    ..own_values::given(&given.value, known.now)
                };
                record.values.insert(given.key.clone(), value);
            }
        }
        if !given.is_empty() {
            let random = &*self.inner.world.random;
            records::write(tx, &customer.key, random, customer.id, &record, version).await?;
        }
        let mut prove = None;
        for given in given.iter().filter(|given| given.phone) {
            let proof = self.prove_number(tx, customer, &given.value).await;
            prove = proof.map_err(|error| match error {
                Error::Contact(wrong) => {
                    AskError::Phone(given.field.clone(), wrong.to_string()).into()
                }
                error => error,
            })?;
        }
        let points = self.earn(tx, customer, known.current, ask, &record).await?;
        Ok(Answered { points, prove })
    }

    async fn say_no(
        &self,
        tx: &mut Tx,
        known: &Known<'_>,
        customer: &Customer,
        candidate: &Candidate<'_>,
    ) -> Result<Answered> {
        let (ask, in_force) = (candidate.ask, candidate.is_given(known.now));
        if let Some(event) = candidate.standing.state.answer(false, in_force) {
            self.note(tx, customer, known.catalog(), ask, event).await?;
        }
        // A yes from the page of permissions for the same purpose would let it go on.
        let purpose = known.catalog().company.purpose(&ask.purpose);
        let purpose = purpose.ok_or(Error::UnknownPurpose)?;
        let of_page = known
            .grants
            .iter()
            .find(|grant| grant.purpose == ask.purpose && grant.ask.is_empty());
        if let Some(grant) = of_page.filter(|grant| grant.standing.state.in_force()) {
            let record = NewRecord {
                purpose: &purpose.key,
                ask: "",
                fields: &grant.fields,
                event: Event::Withdrawn,
                version: purpose.version,
                ask_version: 0,
                until: None,
                words: &purpose.words,
            };
            grants::record(tx, customer.id, &record, known.now).await?;
        }
        Ok(Answered::default())
    }

    /// Rests an ask that has no answer yet. A yes or a no stays what it is.
    async fn say_not_now(
        &self,
        tx: &mut Tx,
        known: &Known<'_>,
        customer: &Customer,
        candidate: &Candidate<'_>,
    ) -> Result<Answered> {
        let note = |event| (known.catalog(), candidate.ask, event);
        grants::expire(tx, customer.id, known.now).await?;
        let over = candidate.standing.state.in_force() && !candidate.is_given(known.now);
        let events: &[Event] = match candidate.standing.state {
            // They came to it by themselves.
            State::NeverAsked | State::Expired => &[Event::Asked, Event::NotNow],
            State::Asked | State::NotNow => &[Event::NotNow],
            State::Given | State::Renewed if over && candidate.standing.until.is_some() => {
                &[Event::Asked, Event::NotNow]
            }
            State::Given | State::Renewed | State::Refused | State::Withdrawn => &[],
        };
        for event in events {
            let (catalog, ask, event) = note(*event);
            self.note(tx, customer, catalog, ask, event).await?;
        }
        Ok(Answered::default())
    }

    /// Sends the code that proves a number, where it is not proven yet and codes can be sent; answers what the number is called
    /// in forms.
    pub(crate) async fn prove_number(
        &self,
        tx: &mut Tx,
        customer: &Customer,
        number: &str,
    ) -> Result<Option<String>> {
        let point = phone(number)?;
        let proven = self.proven_contacts(tx, customer).await?;
        if !self.sends_texts() || proven.iter().any(|(known, _)| *known == point) {
            return Ok(None);
        }
        self.check_reachable(&point)?;
        let new = self.new_contact(customer, &point)?;
        self.begin_proof(tx, customer, new, &point).await.map(Some)
    }

    /// Gives the points of an ask whose yes stands, if its numbers are proven.
    async fn earn(
        &self,
        tx: &mut Tx,
        customer: &Customer,
        current: &Current,
        ask: &Ask,
        record: &OwnRecord,
    ) -> Result<u32> {
        let proven = self.proven_contacts(tx, customer).await?;
        // Whoever comes back under the same address has earned it already.
        let mut contacts = vec![self.address_hash(&own_values::address(record)?)];
        for (collection, field) in fields(&current.catalog, ask) {
            if field.is_sensitive() {
                return Ok(0);
            }
            let kept = record.values.get(&record_key(collection, field));
            if let (Some(AnswerKind::Phone), Some(kept)) = (&field.answer, kept) {
                let point = phone(&kept.value)?;
                if !proven.iter().any(|(known, _)| *known == point) {
                    return Ok(0);
                }
                contacts.push(self.contact_hash(&point));
            }
        }
        let company = &current.catalog.company;
        let programme = ask
            .programme
            .as_ref()
            .and_then(|key| company.programme(key));
        let Some(programme) = programme else {
            return Ok(0);
        };
        let cause = Cause::Grant(ask);
        self.earn_points(tx, customer.id, programme, cause, &contacts)
            .await
    }

    /// Gives the points that waited for a number to be proven.
    pub(crate) async fn earn_for_proof(
        &self,
        tx: &mut Tx,
        customer: &Customer,
        proven: &ContactPoint,
    ) -> Result<()> {
        let current = self.company().current();
        let known = self.known(tx, customer, &current).await?;
        let (record, _) = records::read(tx, &customer.key, customer.id).await?;
        for ask in &current.catalog.asks {
            let is_it = |(collection, field): (&Collection, &Field)| {
                let kept = record.values.get(&record_key(collection, field));
                field.answer == Some(AnswerKind::Phone)
                    && kept.is_some_and(|kept| kept.value == proven.as_str())
            };
            if fields(&current.catalog, ask).any(is_it) && known.candidate(ask).is_given(known.now)
            {
                self.earn(tx, customer, &current, ask, &record).await?;
            }
        }
        Ok(())
    }
}

/// What was typed for a field, read.
struct Given {
    /// Under this name the record keeps it.
    key: String,
    field: String,
    value: String,
    phone: bool,
}

fn phone(kept: &str) -> Result<ContactPoint> {
    let number = PhoneNumber::parse(kept, None).map_err(|_| StoreError::Form)?;
    Ok(ContactPoint::Phone(number))
}

/// Takes the one answer that what was shown may have.
async fn take_answer(
    tx: &mut Tx,
    known: &Known<'_>,
    customer: CustomerId,
    candidate: &Candidate<'_>,
    read: WordsRead,
    choice: Choice,
) -> Result<()> {
    let (ask, now) = (candidate.ask, known.now);
    // Whoever said yes can change their mind also about what is not asked any more.
    let open = candidate.is_open(now, &known.current.zone);
    let takes_back = choice == Choice::No && candidate.is_given(now);
    if !open && !takes_back {
        return Err(AskError::Over.into());
    }
    if read != words(candidate) {
        return Err(AskError::Changed.into());
    }
    let since = now.plus_seconds(-ANSWERED_WITHIN);
    if shown_asks::take_answer(tx, customer, &ask.key, ask.version, since).await? {
        return Ok(());
    }
    let shown = known.shown.iter().find(|shown| shown.ask == ask.key);
    Err(match shown {
        Some(shown) if shown.answered => AskError::Answered,
        _ => AskError::NotShown,
    }
    .into())
}
