//! Asks: what a customer is asked for, one thing at a time, and what they answer (P2 to P4, P12).

mod answering;

use std::collections::BTreeMap;

use fairhold_domain::answer::{self, AnswerError, Typed};
use fairhold_domain::asks::{self, Candidate};
use fairhold_domain::catalog::{AnswerKind, Ask, Catalog, Collection, Field, Origin, Show};
use fairhold_domain::facts;
use fairhold_domain::grant::{Event, State};
use fairhold_domain::present;
use fairhold_domain::time::Moment;
use fairhold_store::grants::{self, StoredGrant};
use fairhold_store::records::{self, OwnRecord};
use fairhold_store::shown_asks::{self, ShownAsk};
use fairhold_store::{Tx, accounts, memberships, paused_asks};

use crate::company::Current;
use crate::error::{Error, Result};
use crate::{Customer, Portal};

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

/// Which words a customer read before they answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WordsRead {
    /// The version of the ask.
    pub ask: u32,
    /// The version of its purpose's words.
    pub purpose: u32,
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
    /// Which words they are.
    pub words: WordsRead,
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
    /// Whether all of it was given.
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

    /// When the customer said yes to all of its purpose on the page of permissions, if that counts now.
    fn allowed_on_page(&self, ask: &Ask) -> Option<Moment> {
        let purpose = self.catalog().company.purpose(&ask.purpose)?;
        let mut grants = self.grants.iter();
        let of_page = grants.find(|g| g.purpose == ask.purpose && g.ask.is_empty())?;
        let counts = of_page.standing.in_force(purpose.version, self.now);
        counts.then_some(of_page.changed_at)
    }

    /// The answer that stands, in a sentence.
    fn status(&self, candidate: &Candidate<'_>) -> Option<String> {
        let allowed = self.allowed_on_page(candidate.ask);
        if let Some(at) = allowed.filter(|_| !candidate.is_given(self.now)) {
            let when = present::spoken(at.timestamp(), self.now.timestamp(), &self.current.zone);
            return Some(format!("You said yes {when}, under “What you allow”."));
        }
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
            words: words(candidate),
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
            let step = steps.entry(candidate.ask.step);
            // A step counts as given when all of it was: its words name all of it.
            let (words, done) = step.or_insert_with(|| (Vec::new(), true));
            let fields = fields(self.catalog(), candidate.ask);
            words.extend(fields.map(|(_, field)| label(field)));
            *done &= candidate.is_given(self.now);
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

/// The words that stand on an ask's card by now.
const fn words(candidate: &Candidate<'_>) -> WordsRead {
    WordsRead {
        ask: candidate.ask.version,
        purpose: candidate.purpose_version,
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
}
