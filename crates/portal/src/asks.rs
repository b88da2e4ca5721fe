//! Asks: what a customer is asked for, one thing at a time, and what they answer (P2 to P4, P12).

use std::collections::BTreeMap;

use fairhold_domain::answer::{self, AnswerError, Typed};
use fairhold_domain::asks::{self, Candidate};
use fairhold_domain::catalog::{AnswerKind, Ask, Catalog, Collection, Field, Origin, Show};
use fairhold_domain::contact_point::ContactPoint;
use fairhold_domain::facts;
use fairhold_domain::grant::{Event, State};
use fairhold_domain::ids::CustomerId;
use fairhold_domain::phone::PhoneNumber;
use fairhold_domain::present;
use fairhold_domain::time::Moment;
use fairhold_store::grants::{self, NewRecord, StoredGrant};
use fairhold_store::records::{self, OwnRecord, OwnValue};
use fairhold_store::shown_asks::{self, ShownAsk};
use fairhold_store::{StoreError, Tx, accounts, memberships, paused_asks};

use crate::company::Current;
use crate::error::{Error, Result};
use crate::points::Cause;
use crate::{Customer, Portal, own_values};

/// Seconds for which a page with an ask can be answered. A page that was left open for longer is asked anew.
const ANSWERED_WITHIN: i64 = 30 * 24 * 3600;

/// What a customer says to an ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Yes, with what was typed.
    Yes,
    /// No: it is not brought up again.
    No,
    /// Not now: it rests.
    NotNow,
}

/// Why an answer was not taken. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// It was never shown to this customer, or very long ago.
    #[error("We did not ask you this, or it was long ago. Read it first, and then answer.")]
    NotShown,
    /// Its words are others by now.
    #[error("The words of this question have changed. Read them once more, and then answer.")]
    Changed,
    /// Nobody is asked this any more.
    #[error("We do not ask this any more. There is nothing to do.")]
    Over,
    /// It was answered already, perhaps in another window.
    #[error("You have answered this already. You see your answer here.")]
    Answered,
    /// What was typed will not do: the fields by their names, each with what is wrong.
    #[error("Look at what you typed.")]
    Typed(Vec<(String, AnswerError)>),
    /// The number can't be reached by text, or too many codes were sent.
    #[error("{1}")]
    Phone(String, String),
}

/// What came of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answered {
    /// Points that it brought.
    pub points: u32,
    /// The name of the contact point whose code is to be typed now.
    pub prove: Option<String>,
}

/// A field of an ask, as a form shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskField {
    /// Its name.
    pub name: String,
    /// As customers know it.
    pub label: String,
    /// What one types.
    pub kind: AnswerKind,
    /// What stands in the inputs.
    pub typed: Typed,
}

/// An ask, with all that the customer reads before they answer.
#[derive(Clone, Debug)]
pub struct ShownAskCard {
    /// The ask.
    pub ask: Ask,
    /// The words of its purpose.
    pub purpose: String,
    /// Its fields.
    pub fields: Vec<AskField>,
    /// Points that a yes would bring now; 0 where it brings none.
    pub points: u32,
    /// The programme that the points are of, by its name, where the customer is in it.
    pub member_of: Option<String>,
    /// The programme that gives points for it, by key and name, where the customer is not in it.
    pub join_first: Option<(String, String)>,
    /// Whether its yes counts now.
    pub given: bool,
    /// The answer that stands, in a sentence.
    pub status: Option<String>,
}

/// A line of everything that one could share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskLine {
    /// The ask's key.
    pub key: String,
    /// Its question.
    pub question: String,
    /// What the customer gets.
    pub value: String,
    /// Its points.
    pub points: u32,
    /// Its step of the ladder.
    pub step: u32,
    /// Whether its yes counts now.
    pub given: bool,
    /// The answer that stands, in a sentence.
    pub status: Option<String>,
}

/// A step of the ladder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rung {
    /// What it is, in a few words.
    pub words: String,
    /// Whether something of it was given.
    pub done: bool,
    /// Whether it is where the customer stands.
    pub now: bool,
}

/// What stands on the page of asks.
#[derive(Clone, Debug)]
pub struct Asking {
    /// The one ask that stands before the customer.
    pub current: Option<ShownAskCard>,
    /// The ladder.
    pub rungs: Vec<Rung>,
    /// Everything that they could share, in the order of steps.
    pub all: Vec<AskLine>,
}

/// The asks of a catalog with what the store knows of one customer.
struct Known<'c> {
    current: &'c Current,
    grants: Vec<StoredGrant>,
    shown: Vec<ShownAsk>,
    paused: Vec<String>,
    member_of: Vec<String>,
    since: Moment,
    now: Moment,
}

impl<'c> Known<'c> {
    fn catalog(&self) -> &'c Catalog {
        &self.current.catalog
    }

    fn grant(&self, ask: &Ask) -> Option<&StoredGrant> {
        let mut grants = self.grants.iter();
        grants.find(|g| g.purpose == ask.purpose && g.ask == ask.key)
    }

    fn candidate(&self, ask: &'c Ask) -> Candidate<'c> {
        let grant = self.grant(ask);
        let purpose = self.catalog().company.purpose(&ask.purpose);
        let shown = self.shown.iter().find(|shown| shown.ask == ask.key);
        Candidate {
            ask,
            standing: grant.map(|g| g.standing).unwrap_or_default(),
            purpose_version: purpose.map_or(u32::MAX, |p| p.version),
            changed_at: grant.map(|g| g.changed_at),
            asked_at: shown.and_then(|shown| shown.asked_at),
            // Who said no to the purpose is not asked for it.
            paused: self.paused.contains(&ask.key) || self.refused_on_page(ask),
        }
    }

    /// Whether the newest answer on the page of permissions to the ask's purpose is a no.
    fn refused_on_page(&self, ask: &Ask) -> bool {
        let mut grants = self.grants.iter();
        let of_page = grants.find(|g| g.purpose == ask.purpose && g.ask.is_empty());
        of_page.is_some_and(|g| g.standing.state == State::Refused)
    }

    fn candidates(&self) -> Vec<Candidate<'c>> {
        let asks = self.catalog().asks.iter();
        asks.map(|ask| self.candidate(ask)).collect()
    }

    /// The ask that stands before the customer now.
    fn next(&self) -> Option<Candidate<'c>> {
        let candidates = self.candidates();
        asks::next(&candidates, self.since, self.now, &self.current.zone).copied()
    }

    /// The answer that stands, in a sentence.
    fn status(&self, candidate: &Candidate<'_>) -> Option<String> {
        let at = candidate.changed_at?;
        let when = present::spoken(at.timestamp(), self.now.timestamp(), &self.current.zone);
        Some(match candidate.standing.state {
            State::Given | State::Renewed if candidate.is_given(self.now) => {
                format!("You said yes {when}.")
            }
            State::Given | State::Renewed => {
                format!(
                    "You said yes {when}. That counts no more: its time is over, or the words have changed."
                )
            }
            State::Withdrawn => format!("You took your yes back {when}."),
            State::Refused => format!("You said no {when}."),
            State::NotNow => format!("You said “not now” {when}."),
            State::Expired => "The time for which you said yes is over.".to_owned(),
            State::Asked | State::NeverAsked => return None,
        })
    }

    fn line(&self, candidate: &Candidate<'_>) -> AskLine {
        let ask = candidate.ask;
        AskLine {
            key: ask.key.clone(),
            question: ask.question.clone(),
            value: ask.value.clone(),
            points: self.points(ask),
            step: ask.step,
            given: candidate.is_given(self.now),
            status: self.status(candidate),
        }
    }

    /// Points that the ask promises: none for what is sensitive, whatever the catalog says.
    fn points(&self, ask: &Ask) -> u32 {
        let sensitive = fields(self.catalog(), ask).any(|(_, field)| field.is_sensitive());
        if sensitive { 0 } else { ask.points }
    }

    fn card(&self, candidate: &Candidate<'_>, record: &OwnRecord) -> ShownAskCard {
        let (ask, catalog) = (candidate.ask, self.catalog());
        let company = &catalog.company;
        let programme = ask
            .programme
            .as_ref()
            .and_then(|key| company.programme(key));
        let programme = programme.filter(|_| self.points(ask) > 0);
        let (member_of, join_first) = match programme {
            Some(p) if self.member_of.contains(&p.key) => (Some(p.name.clone()), None),
            Some(p) => (None, Some((p.key.clone(), p.name.clone()))),
            None => (None, None),
        };
        let field = |(collection, field): (&Collection, &Field)| {
            let kind = field.answer.clone()?;
            // Nothing is picked for anybody: only what they gave themselves stands there again, and nothing that is covered.
            let kept = record.values.get(&record_key(collection, field));
            let own = kept.filter(|kept| kept.origin == Origin::Provided);
            let plain = own.filter(|_| facts::show(Some(field)) == Show::Full);
            let typed = plain.map(|kept| answer::typed(&kind, &kept.value));
            Some(AskField {
                name: field.name.clone(),
                label: label(field),
                typed: typed.unwrap_or_default(),
                kind,
            })
        };
        ShownAskCard {
            ask: ask.clone(),
            purpose: company
                .purpose(&ask.purpose)
                .map(|purpose| purpose.words.clone())
                .unwrap_or_default(),
            fields: fields(catalog, ask).filter_map(field).collect(),
            points: self.points(ask),
            member_of,
            join_first,
            given: candidate.is_given(self.now),
            status: self.status(candidate),
        }
    }

    fn rungs(&self) -> Vec<Rung> {
        let candidates = self.candidates();
        let open = candidates
            .iter()
            .filter(|c| c.is_given(self.now) || c.is_open(self.now, &self.current.zone));
        let mut steps: BTreeMap<u32, (Vec<String>, bool)> = BTreeMap::new();
        for candidate in open {
            let (words, done) = steps.entry(candidate.ask.step).or_default();
            let fields = fields(self.catalog(), candidate.ask);
            words.extend(fields.map(|(_, field)| label(field)));
            *done |= candidate.is_given(self.now);
        }
        let mut rungs = vec![Rung {
            words: "Your e-mail".to_owned(),
            done: true,
            now: false,
        }];
        rungs.extend(steps.into_values().map(|(words, done)| Rung {
            words: words.join(", "),
            done,
            now: false,
        }));
        if let Some(rung) = rungs.iter_mut().find(|rung| !rung.done) {
            rung.now = true;
        }
        rungs
    }
}

/// The fields of an ask that the catalog describes.
fn fields<'c>(
    catalog: &'c Catalog,
    ask: &'c Ask,
) -> impl Iterator<Item = (&'c Collection, &'c Field)> {
    let names = ask.fields.iter();
    names.filter_map(|name| catalog.own_field(name))
}

fn label(field: &Field) -> String {
    field.label.clone().unwrap_or_else(|| field.name.clone())
}

/// Under this name the customer's record keeps a field.
pub(crate) fn record_key(collection: &Collection, field: &Field) -> String {
    format!("{}.{}", collection.name, field.name)
}

impl Portal {
    async fn known<'c>(
        &self,
        tx: &mut Tx,
        customer: &Customer,
        current: &'c Current,
    ) -> Result<Known<'c>> {
        let account = accounts::account(tx, customer.id).await?;
        let account = account.ok_or(Error::LogInFirst)?;
        let memberships = memberships::of(tx, customer.id).await?;
        let member_of = memberships.into_iter().filter(|m| m.left_at.is_none());
        Ok(Known {
            current,
            grants: grants::of(tx, customer.id).await?,
            shown: shown_asks::of(tx, customer.id).await?,
            paused: paused_asks::paused(tx).await?,
            member_of: member_of.map(|m| m.programme).collect(),
            since: account.proven_at.unwrap_or(account.created_at),
            now: self.now(),
        })
    }

    /// The one ask that stands before the customer, the ladder, and everything that they could share. What is brought up for
    /// the first time is written down as asked.
    pub async fn asking(&self, customer: Customer) -> Result<Asking> {
        let portal = self.clone();
        let current = self.company().current();
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move {
                // Two pages that open at the same time bring up one ask.
                accounts::hold(tx, customer.id).await?;
                let known = portal.known(tx, &customer, &current).await?;
                let next = known.next();
                if let Some(next) = &next {
                    portal.bring_up(tx, &customer, &known, next).await?;
                }
                portal.look_at_choices(tx, &customer).await?;
                let candidates = known.candidates();
                let open = candidates
                    .iter()
                    .filter(|c| c.is_given(known.now) || c.is_open(known.now, &current.zone));
                let mut all: Vec<AskLine> = open.map(|c| known.line(c)).collect();
                all.sort_by_key(|line| line.step);
                Ok::<_, Error>(Asking {
                    // No value of the customer's stands on this page, whatever they gave before.
                    current: next.map(|next| known.card(&next, &OwnRecord::default())),
                    rungs: known.rungs(),
                    all,
                })
            })
        });
        write.await
    }

    /// The next step of the ladder: the ask that waits for its answer, or else the lowest one that has none. To look at it asks
    /// nothing.
    pub async fn next_step(&self, customer: &Customer) -> Result<Option<AskLine>> {
        let current = self.company().current();
        let mut tx = self.inner.db.read().await?;
        let known = self.known(&mut tx, customer, &current).await?;
        drop(tx);
        let candidates = known.candidates();
        let open = candidates.iter().filter(|c| {
            let state = c.standing.state;
            c.is_open(known.now, &current.zone)
                && !c.is_given(known.now)
                && !matches!(state, State::Refused | State::Withdrawn | State::NotNow)
        });
        let next = open.min_by_key(|c| (c.standing.state != State::Asked, c.ask.step));
        Ok(next.map(|next| known.line(next)))
    }

    /// Writes down that an ask was brought up, the first time, and that it is shown.
    async fn bring_up(
        &self,
        tx: &mut Tx,
        customer: &Customer,
        known: &Known<'_>,
        candidate: &Candidate<'_>,
    ) -> Result<()> {
        let (ask, now) = (candidate.ask, known.now);
        let new = candidate.standing.state != State::Asked;
        if new {
            grants::expire(tx, customer.id, now).await?;
            self.note(tx, customer, known.catalog(), ask, Event::Asked)
                .await?;
        }
        Ok(shown_asks::show(tx, customer.id, &ask.key, ask.version, new, now).await?)
    }

    /// Appends a consent record about an ask.
    async fn note(
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
            until,
            words: &ask.words(&purpose.words),
        };
        grants::record(tx, customer.id, &record, now).await?;
        Ok(())
    }

    /// An ask that the customer picked, whatever the ladder says. With `anew` it may be answered once more; without, it is only
    /// looked at, so that of several answers that come at once no second one counts.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such ask; [`Error::Ask`] when it is not asked any more and has no answer that
    /// could be changed.
    pub async fn opened_ask(
        &self,
        customer: Customer,
        key: &str,
        anew: bool,
    ) -> Result<ShownAskCard> {
        let (portal, key) = (self.clone(), key.to_owned());
        let current = self.company().current();
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move {
                accounts::hold(tx, customer.id).await?;
                let known = portal.known(tx, &customer, &current).await?;
                let ask = current.catalog.ask(&key).ok_or(Error::NotFound)?;
                let candidate = known.candidate(ask);
                let open = candidate.is_open(known.now, &current.zone);
                if !open && !candidate.is_given(known.now) {
                    return Err(AskError::Over.into());
                }
                let (id, version) = (customer.id, ask.version);
                if anew {
                    shown_asks::show(tx, id, &ask.key, version, false, known.now).await?;
                }
                let (record, _) = records::read(tx, &customer.key, customer.id).await?;
                let card = known.card(&candidate, &record);
                portal.look_at_choices(tx, &customer).await?;
                if card.fields.iter().any(|field| !field.typed.is_empty()) {
                    let seen = fields(&current.catalog, ask);
                    portal.look_at_fields(tx, &customer, seen).await?;
                }
                Ok(card)
            })
        });
        write.await
    }

    /// Takes an answer to an ask: the grant, its record, what was typed, and the points, all or nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such ask, [`Error::Ask`] says why an answer was not taken.
    pub async fn answer(
        &self,
        customer: Customer,
        key: &str,
        version: u32,
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
                take_answer(tx, &known, customer.id, &candidate, version, choice).await?;
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
        let mut contacts = Vec::new();
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
    version: u32,
    choice: Choice,
) -> Result<()> {
    let (ask, now) = (candidate.ask, known.now);
    // Whoever said yes can change their mind also about what is not asked any more.
    let open = candidate.is_open(now, &known.current.zone);
    let takes_back = choice == Choice::No && candidate.is_given(now);
    if !open && !takes_back {
        return Err(AskError::Over.into());
    }
    if version != ask.version {
        return Err(AskError::Changed.into());
    }
    let since = now.plus_seconds(-ANSWERED_WITHIN);
    if shown_asks::take_answer(tx, customer, &ask.key, version, since).await? {
        return Ok(());
    }
    let shown = known.shown.iter().find(|shown| shown.ask == ask.key);
    Err(match shown {
        Some(shown) if shown.answered => AskError::Answered,
        _ => AskError::NotShown,
    }
    .into())
}
