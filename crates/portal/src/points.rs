//! Points that a member earns, and the end of those that nobody spends.

use fairhold_domain::catalog::{Ask, Period, Programme};
use fairhold_domain::ids::CustomerId;
use fairhold_domain::points::{self, Change, Ending, Kind};
use fairhold_domain::present;
use fairhold_domain::time::Moment;
use fairhold_store::outbox::{Channel, Mail};
use fairhold_store::points::{self as store, Appended, NewEntry};
use fairhold_store::{StoreError, Tx, accounts, memberships, records};

use crate::error::{Error, Result};
use crate::mail::{PointsEndMail, text};
use crate::{Customer, Portal, own_values};

/// What points are given for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cause<'a> {
    /// Joining the programme.
    Joining,
    /// A yes to an ask.
    Grant(&'a Ask),
}

impl Portal {
    /// Gives a member the points of a cause, in a transaction that holds the customer; answers how many. None come to
    /// somebody who is no member, twice for one cause and period, or for a proven address or number that brought them to
    /// somebody else. `contacts` are the hashes of those that the cause rests on.
    pub(crate) async fn earn_points(
        &self,
        tx: &mut Tx,
        customer: CustomerId,
        programme: &Programme,
        cause: Cause<'_>,
        contacts: &[String],
    ) -> Result<u32> {
        let now = self.now();
        let (points, kind, about, every) = match cause {
            Cause::Joining => (programme.joining_points, Kind::Joined, "", None),
            Cause::Grant(ask) => (
                ask.points,
                Kind::Granted,
                ask.purpose.as_str(),
                ask.points_every,
            ),
        };
        let is_member = memberships::is_member(tx, customer, &programme.key).await?;
        if points == 0 || !is_member {
            return Ok(0);
        }
        let current = self.company().current();
        let journal = store::entries(tx, customer, &programme.key).await?;
        let before = journal
            .iter()
            .filter(|entry| entry.kind == kind && entry.about == about);
        let last = before.clone().map(|entry| entry.change.at).max();
        if !points::earns_again(last, every, now, &current.zone) {
            return Ok(0);
        }
        let key = &self.inner.keys.portal().looks;
        let hash =
            |contact: &String| store::contact_cause_hash(key, contact, &programme.key, about);
        let hashes: Vec<String> = contacts.iter().map(hash).collect();
        if !store::claim_contacts(tx, customer, &hashes).await? {
            return Ok(0);
        }
        let entry_key = match kind {
            Kind::Joined => "joined".to_owned(),
            _ => format!("granted:{about}:{}", before.count()),
        };
        let holds = programme.holds;
        let new = NewEntry {
            points: points.into(),
            kind,
            about,
            reason: None,
            key: &entry_key,
            spendable_at: holds.map_or(now, |holds| holds.after(now, &current.zone)),
        };
        match store::append(tx, key, customer, &programme.key, &new, now).await? {
            Appended::Added(_) => Ok(points),
            Appended::Known(_) | Appended::Refused(_) => Ok(0),
        }
    }

    /// Ends the points of a programme that nobody spent in time, and announces the end of others a while before.
    pub(crate) async fn expire_points(&self, programme: &Programme) -> Result<()> {
        let Some(lasts) = programme.points_last else {
            return Ok(());
        };
        let mut after = String::new();
        loop {
            let mut tx = self.inner.db.read().await?;
            let holders = store::holders(&mut tx, &programme.key, &after, HOLDERS).await?;
            drop(tx);
            let Some(last) = holders.last() else {
                return Ok(());
            };
            after = last.to_string();
            for customer in holders {
                // One journal that can't be read holds up no other.
                if let Err(error) = self.expire_for(customer, programme, lasts).await {
                    tracing::error!(%customer, %error, "points could not be looked through");
                }
            }
        }
    }
}

impl Portal {
    async fn expire_for(&self, id: CustomerId, programme: &Programme, lasts: Period) -> Result<()> {
        // Most have nothing that ends, and nobody waits for them.
        let mut tx = self.inner.db.read().await?;
        let ending = self.ending(&mut tx, id, programme, lasts).await?;
        drop(tx);
        if ending == Ending::None {
            return Ok(());
        }
        let customer = match self.customer(id).await {
            // Nobody can be told any more, and the account goes with its key.
            Err(Error::LogInFirst) => return Ok(()),
            customer => customer?,
        };
        let (portal, programme) = (self.clone(), programme.clone());
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move {
                accounts::hold(tx, id).await?;
                // Again, because some may have been spent meanwhile.
                match portal.ending(tx, id, &programme, lasts).await? {
                    Ending::None => Ok(()),
                    Ending::Announce(points, day) => {
                        store::note_notice(tx, id, &programme.key, Some(day)).await?;
                        portal
                            .announce_end(tx, &customer, &programme, points, day)
                            .await
                    }
                    Ending::End(points) => portal.end_points(tx, id, &programme, points).await,
                }
            })
        });
        write.await
    }

    async fn ending(
        &self,
        tx: &mut Tx,
        customer: CustomerId,
        programme: &Programme,
        lasts: Period,
    ) -> Result<Ending> {
        let entries = store::entries(tx, customer, &programme.key).await?;
        let journal: Vec<Change> = entries.iter().map(|entry| entry.change).collect();
        let announced = store::noticed_until(tx, customer, &programme.key).await?;
        let (now, zone) = (self.now(), &self.company().current().zone);
        Ok(points::ending(&journal, lasts, announced, now, zone))
    }

    async fn end_points(
        &self,
        tx: &mut Tx,
        customer: CustomerId,
        programme: &Programme,
        over: i64,
    ) -> Result<()> {
        let (now, chain) = (self.now(), &self.inner.keys.portal().looks);
        let before = store::entries(tx, customer, &programme.key).await?.len();
        let (mut number, mut left) = (before, over);
        while left > 0 {
            // An entry has its bounds, and what was announced ends as a whole.
            let part = left.min(points::MOST_AT_ONCE);
            let new = NewEntry {
                points: -part,
                kind: Kind::Expired,
                about: "",
                reason: None,
                key: &format!("expired:{number}"),
                spendable_at: now,
            };
            let done = store::append(tx, chain, customer, &programme.key, &new, now).await?;
            let Appended::Added(_) = done else {
                return Err(Error::Store(StoreError::Conflict));
            };
            (number, left) = (number + 1, left - part);
        }
        // What was announced has ended: no points that it was not about ever end by it.
        Ok(store::note_notice(tx, customer, &programme.key, None).await?)
    }

    /// Tells a customer that points end.
    async fn announce_end(
        &self,
        tx: &mut Tx,
        customer: &Customer,
        programme: &Programme,
        points: i64,
        end: Moment,
    ) -> Result<()> {
        let current = self.company().current();
        let company = current.catalog.company.name.as_str();
        let day = present::day(end.timestamp(), &current.zone);
        let link = format!("{}/rewards", self.settings().public_url);
        let (record, _) = records::read(tx, &customer.key, customer.id).await?;
        let mail = Mail {
            channel: Channel::Mail,
            to: own_values::address(&record)?.as_str().to_owned(),
            subject: format!("Points of yours at {company} end soon"),
            text: text(&PointsEndMail {
                company,
                programme: &programme.name,
                points: &match points {
                    1 => "One of your points".to_owned(),
                    points => format!("{} of your points", present::number(points.unsigned_abs())),
                },
                one: points == 1,
                day: &day,
                link: &link,
            })?,
        };
        self.post(tx, &customer.key, customer.id, &mail).await
    }
}

/// Customers whose journals are looked at one after the other.
const HOLDERS: i64 = 500;
