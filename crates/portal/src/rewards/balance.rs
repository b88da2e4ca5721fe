//! What a customer sees: their points, how they came and went, what they can take, and what they took.

use std::collections::BTreeMap;

use fairhold_domain::catalog::{Origin, Programme, RewardKind};
use fairhold_domain::points::{self, Change, Kind};
use fairhold_domain::present;
use fairhold_domain::rewards::{Case, Offer, RewardError, next_goal};
use fairhold_domain::time::Moment;
use fairhold_store::memberships::{self, Membership};
use fairhold_store::points::{self as journal, Entry};
use fairhold_store::records::OwnValue;
use fairhold_store::rewards::{self as store, Redemption};
use fairhold_store::{StoreError, Tx};

use super::{POINTS, all_offers, left};
use crate::asks::AskLine;
use crate::company::Current;
use crate::error::{Error, Result};
use crate::{Customer, Portal, own_values};

/// Days of the chart: more would be too thin to see.
const DAYS: usize = 60;
/// Lines of a journal on the page.
const LINES: usize = 50;
/// Rewards from before on the page.
const TAKEN: i64 = 100;

/// What a programme is, for whoever is not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhatItIs {
    /// Its key, also in its address.
    pub key: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub words: String,
    /// Points for joining.
    pub joining_points: u32,
}

/// The end of a day on which the balance changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    /// The day, in words.
    pub words: String,
    /// The day, for machines (ISO 8601).
    pub day: String,
    /// Days after the first one of the chart.
    pub after: i64,
    /// The balance.
    pub balance: i64,
}

/// A reward to save for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goal {
    /// Its name.
    pub name: String,
    /// What it costs.
    pub costs: u32,
}

/// An entry of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When, as one speaks of it.
    pub when: String,
    /// When, for machines (RFC 3339).
    pub at: String,
    /// Points that came, or went.
    pub points: i64,
    /// What for.
    pub sentence: String,
}

/// A reward that is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RewardCard {
    /// Its key.
    pub key: String,
    /// A fresh name for the form, so that one that is sent twice takes one.
    pub form: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub words: String,
    /// What kind.
    pub kind: RewardKind,
    /// What it costs.
    pub costs: u32,
    /// How many are left, where that is limited.
    pub left: Option<u64>,
    /// Whether the customer can take it now.
    pub can: Result<(), RewardError>,
}

/// A customer's points of one programme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgrammePoints {
    /// The programme.
    pub programme: WhatItIs,
    /// Whether the customer is in it. Points of somebody who is not stay theirs.
    pub is_member: bool,
    /// All points.
    pub balance: i64,
    /// Points that can be spent now.
    pub spendable: i64,
    /// The day from which more can be spent.
    pub more_from: Option<String>,
    /// The day on which the first points end if nobody spends them.
    pub ends: Option<String>,
    /// The balance over time, oldest first.
    pub days: Vec<Day>,
    /// Today, in words.
    pub today: String,
    /// Days from the first one of the chart to today.
    pub until_today: i64,
    /// What to save for.
    pub goal: Option<Goal>,
    /// What there is.
    pub rewards: Vec<RewardCard>,
    /// The journal, newest first.
    pub lines: Vec<Line>,
    /// How many older entries the page leaves out.
    pub older: usize,
}

/// What a customer took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Its name in addresses.
    pub id: String,
    /// The reward's name.
    pub name: String,
    /// What kind.
    pub kind: RewardKind,
    /// What it cost.
    pub costs: u32,
    /// When, as one speaks of it.
    pub when: String,
    /// When, for machines (RFC 3339).
    pub at: String,
    /// Its code.
    pub code: Option<String>,
}

/// All that the page of rewards shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnRewards {
    /// The programmes in which the customer is, was, or has points.
    pub programmes: Vec<ProgrammePoints>,
    /// The others.
    pub others: Vec<WhatItIs>,
    /// What they could share next.
    pub next: Option<AskLine>,
    /// What they took, newest first.
    pub taken: Vec<Taken>,
}

impl From<&Programme> for WhatItIs {
    fn from(programme: &Programme) -> Self {
        Self {
            key: programme.key.clone(),
            name: programme.name.clone(),
            words: programme.words.clone(),
            joining_points: programme.joining_points,
        }
    }
}

impl Portal {
    /// A customer's points, what they can spend them on, and what they took. It is written down as a look before it is
    /// answered.
    pub async fn own_rewards(&self, customer: &Customer) -> Result<OwnRewards> {
        let current = self.company().current();
        let mut tx = self.inner.db.read().await?;
        let memberships = memberships::of(&mut tx, customer.id).await?;
        let offers = all_offers(&mut tx, &current).await?;
        let had = store::had(&mut tx, customer.id).await?;
        let (mut programmes, mut others) = (Vec::new(), Vec::new());
        for programme in &current.catalog.company.programmes {
            let membership = memberships.iter().find(|m| m.programme == programme.key);
            let entries = journal::entries(&mut tx, customer.id, &programme.key).await?;
            if membership.is_none() && entries.is_empty() {
                others.push(programme.into());
                continue;
            }
            let reader = Reader {
                portal: self,
                current: &current,
                customer,
                offers: &offers,
                had: &had,
            };
            let read = reader.read(&mut tx, programme, membership, &entries);
            programmes.push(read.await?);
        }
        let taken = store::all_taken(&mut tx, &customer.key, customer.id, TAKEN).await?;
        drop(tx);
        let next = self.next_step(customer).await?;
        self.look_at_own(customer, POINTS).await?;
        Ok(OwnRewards {
            programmes,
            others,
            next,
            taken: taken.into_iter().map(|taken| self.taken(taken)).collect(),
        })
    }

    /// One thing that a customer took, with its code. It is written down as a look before it is answered.
    ///
    /// # Errors
    /// [`Error::NotFound`] when they took nothing of this name.
    pub async fn taken_reward(&self, customer: &Customer, id: &str) -> Result<Taken> {
        let mut tx = self.inner.db.read().await?;
        let taken = store::taken(&mut tx, &customer.key, customer.id, id).await?;
        drop(tx);
        let taken = taken.ok_or(Error::NotFound)?;
        self.look_at_own(customer, POINTS).await?;
        Ok(self.taken(taken))
    }

    /// All points that came and went, each with its programme, and all that was taken, for a copy to keep. Newest first.
    pub(crate) async fn points_to_keep(
        &self,
        customer: &Customer,
    ) -> Result<(Vec<(String, Line)>, Vec<Taken>)> {
        let current = self.company().current();
        let mut tx = self.inner.db.read().await?;
        let offers = all_offers(&mut tx, &current).await?;
        let had = store::had(&mut tx, customer.id).await?;
        let reader = Reader {
            portal: self,
            current: &current,
            customer,
            offers: &offers,
            had: &had,
        };
        let mut lines = Vec::new();
        for programme in &current.catalog.company.programmes {
            let entries = journal::entries(&mut tx, customer.id, &programme.key).await?;
            for entry in entries.iter().rev() {
                lines.push((programme.name.clone(), reader.line(programme, entry)?));
            }
        }
        let taken = store::all_taken(&mut tx, &customer.key, customer.id, i64::MAX).await?;
        let taken = taken.into_iter().map(|taken| self.taken(taken));
        Ok((lines, taken.collect()))
    }

    fn taken(&self, taken: Redemption) -> Taken {
        let zone = &self.company().current().zone;
        Taken {
            id: taken.id,
            name: taken.name,
            kind: taken.kind,
            costs: taken.costs,
            when: present::spoken(taken.at.timestamp(), self.now().timestamp(), zone),
            at: taken.at.timestamp().to_string(),
            code: taken.code,
        }
    }

    /// Points and rewards as My data shows them.
    pub(crate) async fn points_values(
        &self,
        tx: &mut Tx,
        customer: &Customer,
    ) -> Result<BTreeMap<String, OwnValue>> {
        let current = self.company().current();
        let (mut sums, mut last) = (Vec::new(), None::<Moment>);
        for (key, balance) in journal::balances(tx, customer.id).await? {
            let entries = journal::entries(tx, customer.id, &key).await?;
            last = last.max(entries.last().map(|entry| entry.change.at));
            let name = current.catalog.company.programme(&key);
            let name = name.map_or(key.as_str(), |programme| programme.name.as_str());
            let balance = u64::try_from(balance).map_err(|_| Error::Store(StoreError::Form))?;
            let noun = if balance == 1 { "point" } else { "points" };
            sums.push(format!("{} {noun} of {name}", present::number(balance)));
        }
        let mut values = BTreeMap::new();
        let observed = |value: String, at| OwnValue {
            origin: Origin::Observed,
            ..own_values::given(&value, at)
        };
        if let Some(at) = last {
            values.insert(format!("{POINTS}.balance"), observed(sums.join(", "), at));
        }
        let newest = store::all_taken(tx, &customer.key, customer.id, 1).await?;
        if let Some(newest) = newest.first() {
            let had = store::had(tx, customer.id).await?;
            let words = had.into_iter().map(|(_, name, count)| match count {
                1 => name,
                count => format!("{name} ({} times)", present::number(count)),
            });
            let words: Vec<String> = words.collect();
            values.insert(
                format!("{POINTS}.rewards"),
                observed(words.join(", "), newest.at),
            );
        }
        Ok(values)
    }
}

/// What the points of each programme are read with.
struct Reader<'a> {
    portal: &'a Portal,
    current: &'a Current,
    customer: &'a Customer,
    offers: &'a [Offer],
    had: &'a [(String, String, u64)],
}

impl Reader<'_> {
    async fn read(
        &self,
        tx: &mut Tx,
        programme: &Programme,
        membership: Option<&Membership>,
        entries: &[Entry],
    ) -> Result<ProgrammePoints> {
        let (now, zone) = (self.portal.now(), &self.current.zone);
        let changes: Vec<Change> = entries.iter().map(|entry| entry.change).collect();
        let spendable = points::spendable(&changes, now);
        let of_it = |offer: &&Offer| offer.reward.programme == programme.key && !offer.paused;
        let offers: Vec<&Offer> = self.offers.iter().filter(of_it).collect();
        let goal = next_goal(offers.iter().copied(), spendable).map(|reward| Goal {
            name: reward.name.clone(),
            costs: reward.costs,
        });
        let mut rewards = Vec::new();
        for offer in offers {
            rewards.push(self.card(tx, offer, spendable).await?);
        }
        rewards.sort_by_key(|card| card.costs);
        let newest = entries.iter().rev().take(LINES);
        let day = |at: Moment| present::day(at.timestamp(), zone);
        let (days, until_today) = self.days(&changes);
        let announced = journal::noticed_until(tx, self.customer.id, &programme.key).await?;
        let ends = programme
            .points_last
            .and_then(|lasts| points::next_end(&changes, lasts, announced, now, zone));
        Ok(ProgrammePoints {
            programme: programme.into(),
            is_member: membership.is_some_and(|m| m.left_at.is_none()),
            balance: points::balance(&changes),
            spendable,
            more_from: points::next_release(&changes, now).map(day),
            ends: ends.map(day),
            days,
            today: day(now),
            until_today,
            goal,
            rewards,
            lines: newest
                .map(|entry| self.line(programme, entry))
                .collect::<Result<_>>()?,
            older: entries.len().saturating_sub(LINES),
        })
    }

    async fn card(&self, tx: &mut Tx, offer: &Offer, spendable: i64) -> Result<RewardCard> {
        let reward = &offer.reward;
        let left = left(reward, &store::count(tx, &reward.key).await?);
        let had = self.had.iter().find(|(key, ..)| *key == reward.key);
        let case = Case {
            offer,
            left,
            had: had.map_or(0, |(.., count)| *count),
            spendable,
        };
        Ok(RewardCard {
            key: reward.key.clone(),
            form: self.portal.new_id(),
            name: reward.name.clone(),
            words: reward.words.clone(),
            kind: reward.kind,
            costs: reward.costs,
            left,
            can: case.decide(),
        })
    }

    /// The days of the chart, and how many lie between its first one and today.
    fn days(&self, changes: &[Change]) -> (Vec<Day>, i64) {
        let zone = &self.current.zone;
        let by_day = points::by_day(changes, zone, DAYS);
        let Some((first, _)) = by_day.first().copied() else {
            return (Vec::new(), 0);
        };
        let after = |day: jiff::civil::Date| {
            let between = first.until(day).map(|span| span.get_days());
            between.map_or(0, i64::from)
        };
        let today = self.portal.now().timestamp().to_zoned(zone.clone()).date();
        let days = by_day.into_iter().map(|(day, balance)| {
            let noon = day.at(12, 0, 0, 0).to_zoned(zone.clone());
            Day {
                words: noon.map_or_else(
                    |_| day.to_string(),
                    |noon| present::day(noon.timestamp(), zone),
                ),
                day: day.to_string(),
                after: after(day),
                balance,
            }
        });
        (days.collect(), after(today))
    }

    fn line(&self, programme: &Programme, entry: &Entry) -> Result<Line> {
        let (now, zone) = (self.portal.now(), &self.current.zone);
        let at = entry.change.at.timestamp();
        Ok(Line {
            when: present::spoken(at, now.timestamp(), zone),
            at: at.to_string(),
            points: entry.change.points,
            sentence: self.sentence(programme, entry)?,
        })
    }

    fn sentence(&self, programme: &Programme, entry: &Entry) -> Result<String> {
        Ok(match entry.kind {
            Kind::Joined => format!("You joined {}.", programme.name),
            Kind::Granted => {
                let purpose = self.current.catalog.company.purpose(&entry.about);
                purpose.map_or_else(
                    || "You said yes to something that we do not do any more.".to_owned(),
                    |purpose| format!("You said yes to this: {}", purpose.words),
                )
            }
            Kind::Redeemed => {
                let had = self.had.iter().find(|(key, ..)| *key == entry.about);
                let offer = self.offers.iter().find(|o| o.reward.key == entry.about);
                let name = had.map(|(_, name, _)| name);
                let name = name.or_else(|| offer.map(|offer| &offer.reward.name));
                name.map_or_else(
                    || "You took a reward.".to_owned(),
                    |name| format!("You took: {name}."),
                )
            }
            Kind::Corrected => match &entry.reason {
                Some(sealed) => {
                    let identity = reason_identity(self.customer, &programme.key);
                    let reason = self.customer.key.open(&identity, sealed)?;
                    let reason =
                        String::from_utf8(reason).map_err(|_| Error::Store(StoreError::Form))?;
                    format!("We put your points right: {reason}")
                }
                None => "We put your points right.".to_owned(),
            },
            Kind::Expired => "These points ended, because nobody spent them in time.".to_owned(),
        })
    }
}

/// What the reason of a correction is sealed with. Which entry it belongs to is in the journal's codes.
pub(crate) fn reason_identity(customer: &Customer, programme: &str) -> String {
    format!("points-reason:{}:{programme}", customer.id)
}
