//! What the staff see of asks: how many answered what, and which are paused.

use fairhold_domain::policy::Action;
use fairhold_store::paused_asks as store;

use crate::Portal;
use crate::error::{Error, Result};
use crate::staff::By;

/// An ask, as the staff see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaffAsk {
    /// Its key.
    pub key: String,
    /// Its question.
    pub question: String,
    /// The words of its purpose.
    pub purpose: String,
    /// Its step of the ladder.
    pub step: u32,
    /// Its points.
    pub points: u32,
    /// So many said yes, and it counts.
    pub yes: u64,
    /// So many said no.
    pub no: u64,
    /// So many said: not now.
    pub not_now: u64,
    /// Whether nobody is asked for now.
    pub paused: bool,
}

impl Portal {
    /// All asks, with how many customers answered what.
    ///
    /// # Errors
    /// [`Error::NotAllowed`].
    pub async fn list_asks(&self, by: By) -> Result<Vec<StaffAsk>> {
        let permit = self.permit(by, Action::ReadAsks, None).await?;
        self.note_permit_alone(by, permit).await?;
        let current = self.company().current();
        let mut tx = self.inner.db.read().await?;
        let paused = store::paused(&mut tx).await?;
        let answers = store::answers(&mut tx, self.now()).await?;
        let listed = current.catalog.asks.iter().map(|ask| {
            let count = answers.iter().find(|count| count.ask == ask.key);
            let count = count.cloned().unwrap_or_default();
            let purpose = current.catalog.company.purpose(&ask.purpose);
            StaffAsk {
                key: ask.key.clone(),
                question: ask.question.clone(),
                purpose: purpose.map(|p| p.words.clone()).unwrap_or_default(),
                step: ask.step,
                points: ask.points,
                yes: count.yes,
                no: count.no,
                not_now: count.not_now,
                paused: paused.contains(&ask.key),
            }
        });
        let mut listed: Vec<StaffAsk> = listed.collect();
        listed.sort_by_key(|ask| ask.step);
        Ok(listed)
    }

    /// Stops asking, or goes on. What was answered stays as it is.
    ///
    /// # Errors
    /// [`Error::NotAllowed`], [`Error::NotFound`].
    pub async fn pause_ask(&self, by: By, ask: &str, paused: bool) -> Result<()> {
        let permit = self.permit(by, Action::PauseAsks, None).await?;
        let current = self.company().current();
        let ask = current.catalog.ask(ask).ok_or(Error::NotFound)?.key.clone();
        let (portal, now) = (self.clone(), self.now());
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move {
                let about = Some(about(&ask));
                portal.note_permit(tx, by, permit, about, None).await?;
                store::pause(tx, &ask, paused, now).await?;
                Ok::<(), Error>(())
            })
        });
        write.await
    }
}

/// What a decision about an ask is about.
pub(crate) fn about(ask: &str) -> String {
    format!("ask:{ask}")
}
