//! What a customer allows: a yes for each purpose that rests on their consent, taken back as easily as it was given (GDPR
//! Art. 7(3)), with a record of every answer.

use fairhold_domain::catalog::{Basis, Catalog, Purpose};
use fairhold_domain::facts::basis_words;
use fairhold_domain::grant::{Event, State};
use fairhold_domain::present;
use fairhold_domain::receipt::{Recorded, receipt};
use fairhold_domain::time::Moment;
use fairhold_store::grants::{self, ConsentRecord, NewRecord, StoredGrant};
use fairhold_store::{StoreError, accounts};

use crate::asks::AskError;
use crate::company::Current;
use crate::error::{Error, Result};
use crate::{Customer, Portal};

/// The collection of the portal's own that says what a customer allows.
pub(crate) const CHOICES: &str = "choices";
/// Lines of the history on one page.
const LINES: u16 = 50;

/// A purpose that rests on consent, as its customer rules it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// The purpose's key.
    pub purpose: String,
    /// What the company does, in its own words.
    pub words: String,
    /// The version of these words.
    pub version: u32,
    /// The fields that it uses, of those that the customer fills in, by their labels.
    pub uses: Vec<String>,
    /// What changes with a no, as its asks say it.
    pub if_no: Vec<String>,
    /// The answer that stands; `None` where there is none.
    pub answer: Option<bool>,
    /// Where it stands, in a sentence.
    pub status: String,
}

/// A purpose that nobody asks the customer about, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// What the company does, in its own words.
    pub words: String,
    /// Why it may.
    pub why: &'static str,
}

/// An answer from before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastAnswer {
    /// Its number among the customer's, from 1.
    pub number: i64,
    /// When, as one speaks of it.
    pub when: String,
    /// When, for machines (RFC 3339).
    pub at: String,
    /// What was answered.
    pub sentence: &'static str,
    /// The exact words that it was about.
    pub words: String,
}

/// All that a customer allows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// What they rule, in the catalog's order.
    pub ruled: Vec<Permission>,
    /// What is done without a question, in the catalog's order.
    pub declared: Vec<Declared>,
    /// Answers, newest first.
    pub history: Vec<PastAnswer>,
    /// Before this number there are older ones.
    pub older: Option<i64>,
}

impl Portal {
    /// What the customer allows, and what is done without a question, with the answers before number `before`.
    pub async fn permissions(
        &self,
        customer: &Customer,
        before: Option<i64>,
    ) -> Result<Permissions> {
        let current = self.company().current();
        let mut tx = self.inner.db.read().await?;
        let stored = grants::of(&mut tx, customer.id).await?;
        let before = before.unwrap_or(i64::MAX);
        let mut records =
            grants::records(&mut tx, customer.id, before, i64::from(LINES) + 1).await?;
        drop(tx);
        let purposes = current.catalog.company.purposes.iter();
        let (ruled, declared): (Vec<_>, Vec<_>) =
            purposes.partition(|purpose| purpose.basis == Basis::Consent);
        let permission = |purpose: &&Purpose| {
            let grants = stored.iter().filter(|grant| grant.purpose == purpose.key);
            self.permission(&current.catalog, purpose, grants)
        };
        let ruled = ruled.iter().map(permission).collect();
        let more = records.len() > usize::from(LINES);
        records.truncate(usize::from(LINES));
        let older = records.last().filter(|_| more).map(|record| record.seq);
        self.look_at_own(customer, CHOICES).await?;
        Ok(Permissions {
            ruled,
            declared: declared
                .iter()
                .map(|purpose| Declared {
                    words: purpose.words.clone(),
                    why: basis_words(purpose.basis),
                })
                .collect(),
            history: records
                .into_iter()
                .map(|record| self.past(record))
                .collect(),
            older,
        })
    }

    fn permission<'g>(
        &self,
        catalog: &Catalog,
        purpose: &Purpose,
        grants: impl Iterator<Item = &'g StoredGrant> + Clone,
    ) -> Permission {
        let now = self.now();
        let counts = |grant: &&StoredGrant| grant.standing.in_force(purpose.version, now);
        // A yes that counts says where the purpose stands; without one, the newest answer.
        let newest = |grants: &mut dyn Iterator<Item = &'g StoredGrant>| {
            grants.max_by_key(|grant| grant.changed_at)
        };
        let allowed = newest(&mut grants.clone().filter(counts));
        let answered = grants.filter(|g| !matches!(g.standing.state, State::Asked | State::NotNow));
        let grant = allowed.or_else(|| newest(&mut answered.clone()));
        let uses = catalog.own_fields().map(|(_, field)| field);
        let uses = uses.filter(|field| field.purposes.contains(&purpose.key));
        let asks = catalog.asks.iter().filter(|ask| ask.purpose == purpose.key);
        Permission {
            purpose: purpose.key.clone(),
            words: purpose.words.clone(),
            version: purpose.version,
            uses: uses
                .map(|field| field.label.clone().unwrap_or_else(|| field.name.clone()))
                .collect(),
            if_no: asks.map(|ask| ask.if_no.clone()).collect(),
            answer: match grant.map(|grant| grant.standing.state) {
                _ if allowed.is_some() => Some(true),
                Some(State::Refused | State::Withdrawn) => Some(false),
                _ => None,
            },
            status: self.status(grant, allowed.is_some()),
        }
    }

    /// Where a purpose stands, in a sentence.
    fn status(&self, grant: Option<&StoredGrant>, allowed: bool) -> String {
        let Some(grant) = grant else {
            return "You have not said yes.".to_owned();
        };
        let now = self.now();
        let zone = &self.company().current().zone;
        let spoken = |at: Moment| present::spoken(at.timestamp(), now.timestamp(), zone);
        let when = spoken(grant.changed_at);
        let until = grant.standing.until;
        match grant.standing.state {
            State::Given | State::Renewed if allowed => match until {
                Some(until) => {
                    let day = present::day(until.timestamp(), zone);
                    format!("You said yes {when}. It counts until {day}.")
                }
                None => format!("You said yes {when}."),
            },
            State::Given | State::Renewed if until.is_some_and(|until| until <= now) => {
                format!("You said yes {when}. The time for it is over, so it counts no more.")
            }
            State::Given | State::Renewed => {
                format!("You said yes {when}. The words have changed since, so it counts no more.")
            }
            State::Withdrawn => format!("You took your yes back {when}."),
            State::Refused => format!("You said no {when}."),
            State::Expired => "The time for which you said yes is over.".to_owned(),
            State::NeverAsked | State::Asked | State::NotNow => "You have not said yes.".to_owned(),
        }
    }

    fn past(&self, record: ConsentRecord) -> PastAnswer {
        let zone = &self.company().current().zone;
        PastAnswer {
            number: record.seq,
            when: present::spoken(record.at.timestamp(), self.now().timestamp(), zone),
            at: record.at.timestamp().to_string(),
            sentence: match record.event {
                Event::Asked => "We asked you.",
                Event::NotNow => "You said: not now.",
                Event::Refused => "You said no.",
                Event::Given | Event::Renewed => "You said yes.",
                Event::Withdrawn => "You took your yes back.",
                Event::Expired => "Your yes came to its end.",
            },
            words: record.words,
        }
    }

    /// The receipt of one of the customer's answers, for them to keep.
    ///
    /// # Errors
    /// [`Error::NotFound`] when they have no answer of that number.
    pub async fn receipt(&self, customer: &Customer, number: i64) -> Result<serde_json::Value> {
        let mut tx = self.inner.db.read().await?;
        let record = grants::one_record(&mut tx, customer.id, number).await?;
        drop(tx);
        let record = record.ok_or(Error::NotFound)?;
        self.look_at_own(customer, CHOICES).await?;
        Ok(self.receipt_of(customer, &self.company().current(), &record))
    }

    pub(crate) fn receipt_of(
        &self,
        customer: &Customer,
        current: &Current,
        record: &ConsentRecord,
    ) -> serde_json::Value {
        let recorded = Recorded {
            id: format!("{}-{}", customer.id, record.seq),
            customer: customer.id.to_string(),
            at: record.at,
            event: record.event,
            purpose: &record.purpose,
            version: record.version,
            ask: Some((record.ask.as_str(), record.ask_version)).filter(|(ask, _)| !ask.is_empty()),
            words: &record.words,
            fields: &record.fields,
            until: record.until,
        };
        let url = &self.settings().public_url;
        receipt(&current.catalog, &recorded, url)
    }

    /// Says yes or no to a purpose, at once. What says nothing new changes nothing. `version` is that of the words which the
    /// customer read: nobody says yes to words that they have not seen, and a no is a no whatever they say.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such purpose, or it does not rest on consent; [`Error::Ask`] when its words are
    /// others by now.
    pub async fn allow(
        &self,
        customer: &Customer,
        purpose: &str,
        version: u32,
        yes: bool,
    ) -> Result<()> {
        let current = self.company().current();
        let purposes = &current.catalog.company.purposes;
        let purpose = purposes.iter().find(|known| known.key == purpose);
        let purpose = purpose.filter(|known| known.basis == Basis::Consent);
        let purpose = purpose.cloned().ok_or(Error::NotFound)?;
        if yes && version != purpose.version {
            return Err(AskError::Changed.into());
        }
        let fields = current.catalog.own_fields_for(&purpose.key);
        let (id, now) = (customer.id, self.now());
        // A yes lasts no longer here than where the same thing is asked.
        let asks = current.catalog.asks.iter();
        let asks = asks.filter(|ask| yes && ask.purpose == purpose.key);
        let lasts = asks.filter_map(|ask| ask.lasts);
        let until = lasts.map(|lasts| lasts.after(now, &current.zone)).min();
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move {
                // Of two answers at once, one comes after the other.
                accounts::hold(tx, id).await?;
                let grants = grants::for_purpose(tx, id, &purpose.key).await?;
                for (ask, covers) in concerned(&grants, &purpose, yes, now, &fields) {
                    let standing = grants::standing(tx, id, &purpose.key, &ask).await?;
                    // A yes that covers less than the card names by now is said again.
                    let in_force = !yes && standing.in_force(purpose.version, now);
                    let Some(event) = standing.state.answer(yes, in_force) else {
                        continue;
                    };
                    let record = NewRecord {
                        purpose: &purpose.key,
                        ask: &ask,
                        fields: &covers,
                        event,
                        version: purpose.version,
                        ask_version: current.catalog.ask(&ask).map_or(0, |ask| ask.version),
                        until,
                        words: &purpose.words,
                    };
                    grants::record(tx, id, &record, now).await?;
                }
                Ok::<(), StoreError>(())
            })
        });
        Ok(write.await?)
    }
}

impl Portal {
    /// Writes down which yes has come to its end by now.
    pub(crate) async fn expire_grants(&self) -> Result<()> {
        let now = self.now();
        loop {
            let due = grants::due(&mut self.inner.db.read().await?, now, DUE).await?;
            if due.is_empty() {
                return Ok(());
            }
            for customer in due {
                let write = self.inner.db.write(move |tx| {
                    Box::pin(async move {
                        accounts::hold(tx, customer).await?;
                        grants::expire(tx, customer, now).await
                    })
                });
                write.await?;
            }
        }
    }
}

/// Customers whose grants are looked through with one reading.
const DUE: i64 = 500;

/// The grants that the one switch of a purpose changes, each by its ask and the fields that it covers.
///
/// A no ends all that is in force, and is written down where nothing is. A yes is one for the purpose and all fields that its
/// card names; what an ask brought counts again with it.
fn concerned(
    grants: &[StoredGrant],
    purpose: &Purpose,
    yes: bool,
    now: Moment,
    fields: &[String],
) -> Vec<(String, Vec<String>)> {
    let of_page = (String::new(), fields.to_vec());
    if yes {
        let covers = |grant: &StoredGrant| {
            grant.ask.is_empty()
                && grant.standing.in_force(purpose.version, now)
                && fields.iter().all(|field| grant.fields.contains(field))
        };
        return if grants.iter().any(covers) {
            Vec::new()
        } else {
            vec![of_page]
        };
    }
    // Also a yes that counts no more, for its time or its words: nothing may wake it.
    let said = grants
        .iter()
        .filter(|grant| grant.standing.state.in_force());
    let ended: Vec<_> = said
        .map(|grant| (grant.ask.clone(), grant.fields.clone()))
        .collect();
    if ended.is_empty() {
        vec![of_page]
    } else {
        ended
    }
}
