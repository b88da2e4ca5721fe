//! What a customer allows: a yes for each purpose that rests on their consent, taken back as easily as it was given (GDPR
//! Art. 7(3)), with a record of every answer.

use fairhold_domain::catalog::{Basis, Purpose};
use fairhold_domain::facts::basis_words;
use fairhold_domain::grant::{Event, Standing, State};
use fairhold_domain::present;
use fairhold_store::accounts;
use fairhold_store::grants::{self, ConsentRecord, NewRecord, StoredGrant};

use crate::error::{Error, Result};
use crate::{Customer, Portal};

/// Lines of the history on one page.
const LINES: i64 = 50;

/// A purpose that rests on consent, as its customer rules it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// The purpose's key.
    pub purpose: String,
    /// What the company does, in its own words.
    pub words: String,
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
    /// The newest answers, newest first.
    pub history: Vec<PastAnswer>,
}

impl Portal {
    /// What the customer allows, and what is done without a question.
    pub async fn permissions(&self, customer: &Customer) -> Result<Permissions> {
        let current = self.company().current();
        let mut tx = self.inner.db.read().await?;
        let stored = grants::of(&mut tx, customer.id).await?;
        let records = grants::records(&mut tx, customer.id, i64::MAX, LINES).await?;
        drop(tx);
        let purposes = current.catalog.company.purposes.iter();
        let (ruled, declared): (Vec<_>, Vec<_>) =
            purposes.partition(|purpose| purpose.basis == Basis::Consent);
        let permission = |purpose: &&Purpose| {
            let grant = stored.iter().find(|grant| grant.purpose == purpose.key);
            self.permission(purpose, grant)
        };
        Ok(Permissions {
            ruled: ruled.iter().map(permission).collect(),
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
        })
    }

    fn permission(&self, purpose: &Purpose, grant: Option<&StoredGrant>) -> Permission {
        let now = self.now();
        let standing = grant.map_or_else(Standing::default, |grant| grant.standing);
        let allowed = standing.in_force(purpose.version, now);
        let when = grant.map(|grant| {
            let zone = &self.company().current().zone;
            present::spoken(grant.changed_at.timestamp(), now.timestamp(), zone)
        });
        let status = match (standing.state, when) {
            (State::Given | State::Renewed, Some(when)) if allowed => {
                format!("You said yes {when}.")
            }
            (State::Given | State::Renewed, Some(when)) => {
                format!("You said yes {when}. The words have changed since, so it counts no more.")
            }
            (State::Withdrawn, Some(when)) => format!("You took your yes back {when}."),
            (State::Refused, Some(when)) => format!("You said no {when}."),
            (State::Expired, _) => "The time for which you said yes is over.".to_owned(),
            _ => "You have not said yes.".to_owned(),
        };
        let answer = match standing.state {
            State::Given | State::Renewed if allowed => Some(true),
            State::Refused | State::Withdrawn => Some(false),
            _ => None,
        };
        Permission {
            purpose: purpose.key.clone(),
            words: purpose.words.clone(),
            answer,
            status,
        }
    }

    fn past(&self, record: ConsentRecord) -> PastAnswer {
        let zone = &self.company().current().zone;
        PastAnswer {
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

    /// Says yes or no to a purpose, at once. What says nothing new changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such purpose, or it does not rest on consent.
    pub async fn allow(&self, customer: &Customer, purpose: &str, yes: bool) -> Result<()> {
        let current = self.company().current();
        let purposes = &current.catalog.company.purposes;
        let purpose = purposes.iter().find(|known| known.key == purpose);
        let purpose = purpose.filter(|known| known.basis == Basis::Consent);
        let purpose = purpose.cloned().ok_or(Error::NotFound)?;
        let (id, now) = (customer.id, self.now());
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move {
                // Of two answers at once, one comes after the other.
                accounts::hold(tx, id).await?;
                let standing = grants::standing(tx, id, &purpose.key, "").await?;
                let in_force = standing.in_force(purpose.version, now);
                let Some(event) = standing.state.answer(yes, in_force) else {
                    return Ok(());
                };
                let record = NewRecord {
                    purpose: &purpose.key,
                    ask: "",
                    fields: &[],
                    event,
                    version: purpose.version,
                    until: None,
                    words: &purpose.words,
                };
                grants::record(tx, id, &record, now).await.map(|_| ())
            })
        });
        Ok(write.await?)
    }
}
