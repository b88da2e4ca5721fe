//! Other addresses and numbers: people have more than one. A code proves one, and then My data shows what the company holds
//! under it. One that is proven can become the address to log in with; the old address is told, and from there it can be
//! taken back (see `alerts.rs`).
//!
//! An address or number belongs to one account at a time. Whoever proves one that another account holds is told so, and
//! may take it over: the newest proof counts, because numbers and mailboxes change hands.

use fairhold_domain::contact_point::{self, ContactPoint, ContactPoints, Kind};
use fairhold_domain::email::EmailAddress;
use fairhold_domain::factors::{self, Typed};
use fairhold_domain::ids::CustomerId;
use fairhold_domain::phone::{HomeCountry, PhoneNumber};
use fairhold_domain::present;
use fairhold_domain::time::Moment;
use fairhold_store::contact_points::{self as store, NewContact, StoredContact};
use fairhold_store::outbox::{Channel, Mail};
use fairhold_store::seal::{hex, random_bytes};
use fairhold_store::{StoreError, Tx, accounts, links, records};

use crate::alerts::{Alert, NOT_ME_SECONDS};
use crate::error::{Error, Result};
use crate::mail::{CodeMail, text};
use crate::{Customer, Portal, own_values};

/// Seconds for which a code works (ASVS 5.0, 6.5.5).
pub(crate) const CODE_SECONDS: i64 = 10 * 60;
/// So many times may a code be typed.
const MOST_TRIES: i64 = 5;
/// Seconds for which somebody who typed a right code may choose to take a contact point over.
const CHOICE_SECONDS: i64 = 30 * 60;
/// Codes that one customer has sent in a day, and that one address or number is sent by anybody.
const MOST_CODES_A_DAY: i64 = 10;
/// Codes that one customer has sent to one address or number in a day: nobody uses up all that its owner may have sent.
const MOST_CODES_HERE_A_DAY: i64 = 5;
const DAY: i64 = 24 * 3600;

/// A contact point as its customer sees it.
#[derive(Clone, PartialEq, Eq)]
pub struct ShownContact {
    /// Its name in forms.
    pub id: String,
    /// Which kind.
    pub kind: Kind,
    /// The address or number.
    pub value: String,
    /// Where it stands.
    pub state: ContactState,
    /// When it was added or proven, in words.
    pub since: String,
}

/// Never the address or number.
impl std::fmt::Debug for ShownContact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShownContact")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// Where a contact point stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactState {
    /// It waits for its code.
    Waiting,
    /// The code was right, and another account holds it: the customer chooses.
    HeldElsewhere,
    /// It is proven.
    Proven,
}

/// All that a customer is reached by.
#[derive(Clone, Debug)]
pub struct Contacts {
    /// The address that they log in with.
    pub log_in: EmailAddress,
    /// The others, the oldest first.
    pub others: Vec<ShownContact>,
    /// Whether codes can be sent to phones.
    pub phones: bool,
}

/// What came of a right code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It is theirs now.
    Proven,
    /// Another account holds it beside its log-in: it can be taken over.
    HeldElsewhere,
    /// Another account logs in with it: it stays there.
    LogInElsewhere,
}

/// Why an address or number was not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContactError {
    /// The text is none.
    #[error(transparent)]
    Form(#[from] contact_point::ContactError),
    /// They have it already.
    #[error("You have this one already.")]
    Already,
    /// They have very many.
    #[error("You have {} already. Remove one first.", contact_point::MOST)]
    TooMany,
    /// Texts don't reach it, or cost too much.
    #[error("We can't send a text to this number. Add the number of a mobile phone of yours.")]
    NoTextsThere,
    /// No code can be sent to phones.
    #[error("We can't send texts. Add an e-mail address.")]
    NoTexts,
    /// Too many codes were sent today.
    #[error("We sent many codes today. Try again tomorrow.")]
    TooManyCodes,
    /// What was typed is no code.
    #[error("A code has six digits. Write the one that we sent.")]
    NoCode,
    /// It is not the code that was sent, or that one has ended.
    #[error("That is not the code, or it is too old. Look at the newest one, or ask for another.")]
    WrongCode,
}

impl Portal {
    /// What a customer proved: the address that they log in with, and the others.
    pub(crate) async fn contact_points(
        &self,
        tx: &mut Tx,
        customer: &Customer,
    ) -> Result<ContactPoints> {
        let (record, _) = records::read(tx, &customer.key, customer.id).await?;
        let proven = self.proven_contacts(tx, customer).await?;
        Ok(self.all_points(own_values::address(&record)?, &proven))
    }

    /// The same from what was read already.
    pub(crate) fn all_points(
        &self,
        log_in: EmailAddress,
        proven: &[(ContactPoint, Moment)],
    ) -> ContactPoints {
        let others = proven.iter().map(|(point, _)| point.clone());
        let points = std::iter::once(log_in.into()).chain(others).collect();
        ContactPoints::new(points, self.home_country())
    }

    /// The proven contact points beside the log-in, each with when it was proven.
    pub(crate) async fn proven_contacts(
        &self,
        tx: &mut Tx,
        customer: &Customer,
    ) -> Result<Vec<(ContactPoint, Moment)>> {
        let stored = store::of(tx, customer.id).await?;
        let proven = stored.iter().filter_map(|c| Some((c, c.proven_at?)));
        proven
            .map(|(contact, at)| Ok((open(customer, contact)?, at)))
            .collect()
    }

    fn home_country(&self) -> Option<HomeCountry> {
        self.company().current().catalog.company.phone_country
    }

    /// All that a customer is reached by. It is personal, so the look is written down.
    pub async fn contacts(&self, customer: &Customer) -> Result<Contacts> {
        let log_in = self.address_of(customer).await?;
        let stored = store::of(&mut self.inner.db.read().await?, customer.id).await?;
        let others = stored.iter().map(|contact| self.shown(customer, contact));
        let others = others.collect::<Result<_>>()?;
        self.look_at_log_in(customer).await?;
        Ok(Contacts {
            log_in,
            others,
            phones: self.inner.texter.sends(),
        })
    }

    /// One of them.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the customer has none of that name.
    pub async fn contact(&self, customer: &Customer, id: &str) -> Result<ShownContact> {
        let stored = self.stored(customer, id).await?;
        let shown = self.shown(customer, &stored)?;
        self.look_at_log_in(customer).await?;
        Ok(shown)
    }

    async fn stored(&self, customer: &Customer, id: &str) -> Result<StoredContact> {
        let mut tx = self.inner.db.read().await?;
        let stored = store::one(&mut tx, customer.id, id).await?;
        stored.ok_or(Error::NotFound)
    }

    /// One of them as it stands in this transaction: of two forms that are sent at once, one comes after the other.
    async fn held(&self, tx: &mut Tx, customer: &Customer, id: &str) -> Result<StoredContact> {
        accounts::hold(tx, customer.id).await?;
        let stored = store::one(tx, customer.id, id).await?;
        stored.ok_or(Error::NotFound)
    }

    fn shown(&self, customer: &Customer, contact: &StoredContact) -> Result<ShownContact> {
        let zone = &self.company().current().zone;
        let since = contact.proven_at.unwrap_or(contact.added_at);
        Ok(ShownContact {
            id: contact.contact_id.clone(),
            kind: contact.kind,
            value: open(customer, contact)?.as_str().to_owned(),
            state: match (contact.proven_at, contact.right_at) {
                (Some(_), _) => ContactState::Proven,
                (None, Some(at)) if self.may_choose(at) => ContactState::HeldElsewhere,
                (None, _) => ContactState::Waiting,
            },
            since: present::spoken(since.timestamp(), self.now().timestamp(), zone),
        })
    }

    fn may_choose(&self, right_at: Moment) -> bool {
        self.now().seconds_since(right_at) < CHOICE_SECONDS
    }

    /// Writes an address or number down and sends the code that proves it; answers its name in forms.
    ///
    /// # Errors
    /// [`Error::Contact`] says what is wrong: then nothing is kept.
    pub async fn add_contact(&self, customer: Customer, kind: Kind, typed: &str) -> Result<String> {
        if kind == Kind::Phone && !self.sends_texts() {
            return Err(ContactError::NoTexts.into());
        }
        let point =
            ContactPoint::parse(kind, typed, self.home_country()).map_err(ContactError::from)?;
        self.check_reachable(&point)?;
        let log_in = self.address_of(&customer).await?;
        if point == ContactPoint::from(log_in) {
            return Err(ContactError::Already.into());
        }
        let new = self.new_contact(&customer, &point)?;
        let portal = self.clone();
        let id = self
            .inner
            .db
            .write(move |tx| {
                Box::pin(async move { portal.begin_proof(tx, &customer, new, &point).await })
            })
            .await?;
        self.inner.bell.ring();
        Ok(id)
    }

    /// Whether codes can be sent to phones.
    pub(crate) fn sends_texts(&self) -> bool {
        self.inner.texter.sends()
    }

    /// # Errors
    /// [`ContactError::NoTextsThere`] for a number that no text is sent to.
    pub(crate) fn check_reachable(&self, point: &ContactPoint) -> Result<(), ContactError> {
        match point {
            ContactPoint::Phone(number) if !(number.takes_texts() && self.is_texted_to(number)) => {
                Err(ContactError::NoTextsThere)
            }
            _ => Ok(()),
        }
    }

    /// Keeps a contact point that is to be proven, and sends its code; answers its name in forms.
    ///
    /// # Errors
    /// [`Error::Contact`] when it is proven already, there are very many, or too many codes were sent.
    pub(crate) async fn begin_proof(
        &self,
        tx: &mut Tx,
        customer: &Customer,
        new: NewContact,
        point: &ContactPoint,
    ) -> Result<String> {
        accounts::hold(tx, customer.id).await?;
        let all = store::of(tx, customer.id).await?;
        let known = all.iter().find(|c| c.contact_hash == new.contact_hash);
        let stored = match known {
            Some(known) if known.proven_at.is_some() => {
                return Err(ContactError::Already.into());
            }
            Some(known) => known.clone(),
            None if all.len() >= contact_point::MOST => {
                return Err(ContactError::TooMany.into());
            }
            None => {
                store::add(tx, customer.id, &new, self.now()).await?;
                let added = store::one(tx, customer.id, &new.contact_id).await?;
                added.ok_or(StoreError::Conflict)?
            }
        };
        self.send_code(tx, customer, &stored, point).await?;
        Ok(stored.contact_id)
    }

    /// Under this the store looks a contact point up.
    pub(crate) fn contact_hash(&self, point: &ContactPoint) -> String {
        store::contact_hash(&self.inner.keys.portal().addresses, point)
    }

    /// Whether the company pays for texts to the number's country: those that it names, or else its own.
    fn is_texted_to(&self, number: &PhoneNumber) -> bool {
        let named = &self.settings().text_countries;
        let own = self.home_country();
        let mut countries = named
            .iter()
            .copied()
            .chain(own.filter(|_| named.is_empty()))
            .peekable();
        countries.peek().is_none() || countries.any(|country| number.is_of(country))
    }

    pub(crate) fn new_contact(
        &self,
        customer: &Customer,
        point: &ContactPoint,
    ) -> Result<NewContact> {
        let random = &*self.inner.world.random;
        let sealed =
            customer
                .key
                .seal(&identity(customer.id), point.as_str().as_bytes(), random)?;
        Ok(NewContact {
            contact_id: self.new_id(),
            contact_hash: self.contact_hash(point),
            kind: point.kind(),
            sealed,
        })
    }

    /// Sends another code.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is nothing to prove, [`Error::Contact`] when too many were sent.
    pub async fn send_another_code(&self, customer: Customer, id: &str) -> Result<()> {
        let stored = self.stored(&customer, id).await?;
        if stored.proven_at.is_some() {
            return Err(Error::NotFound);
        }
        let point = open(&customer, &stored)?;
        let portal = self.clone();
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move { portal.send_code(tx, &customer, &stored, &point).await })
            })
            .await?;
        self.inner.bell.ring();
        Ok(())
    }

    async fn send_code(
        &self,
        tx: &mut Tx,
        customer: &Customer,
        contact: &StoredContact,
        point: &ContactPoint,
    ) -> Result<()> {
        let now = self.now();
        let a_day_ago = now.plus_seconds(-DAY);
        // Those that are asked for at the same time are counted one after the other.
        accounts::hold(tx, customer.id).await?;
        let sent = store::codes_since(tx, customer.id, contact, a_day_ago).await?;
        let too_many = sent.by_customer.max(sent.here) >= MOST_CODES_A_DAY
            || sent.by_customer_here >= MOST_CODES_HERE_A_DAY
            || (contact.kind == Kind::Phone && sent.of_kind >= self.settings().most_texts_a_day);
        if too_many {
            return Err(ContactError::TooManyCodes.into());
        }
        let number = u64::from_be_bytes(random_bytes(&*self.inner.world.random)) % 1_000_000;
        let code = format!("{number:06}");
        let hash = code_hash(customer, &contact.contact_id, &code);
        store::put_code(tx, customer.id, contact, &self.new_id(), &hash, now).await?;
        let current = self.company().current();
        let company = current.catalog.company.name.as_str();
        let (channel, text) = match point.kind() {
            Kind::Email => (
                Channel::Mail,
                text(&CodeMail {
                    company,
                    code: &code,
                })?,
            ),
            Kind::Phone => (
                Channel::Text,
                format!(
                    "{code} is your code for {company}. You did not ask for it? Then tell nobody."
                ),
            ),
        };
        let mail = Mail {
            channel,
            to: point.as_str().to_owned(),
            subject: format!("Your code for {company}"),
            text,
        };
        self.post(tx, &customer.key, customer.id, &mail).await
    }

    /// Proves a contact point by the code that was sent to it. My data then shows what is held under it, and the owner is
    /// told.
    ///
    /// # Errors
    /// [`Error::Contact`] when the code is none, is wrong or has ended.
    pub async fn prove_contact(&self, customer: Customer, id: &str, typed: &str) -> Result<Proof> {
        let Ok(Typed::FromApp(code)) = factors::parse(typed) else {
            return Err(ContactError::NoCode.into());
        };
        self.stored(&customer, id).await?;
        let hash = code_hash(&customer, id, &code);
        if !self.take_code_try(&customer, id, hash).await? {
            return Err(ContactError::WrongCode.into());
        }
        let (now, portal, id) = (self.now(), self.clone(), id.to_owned());
        let address = self.address_of(&customer).await?;
        let proof = self
            .inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let stored = portal.held(tx, &customer, &id).await?;
                    if stored.proven_at.is_some() {
                        return Ok(Proof::Proven);
                    }
                    let proof = portal.claim(tx, customer.id, &stored.contact_hash).await?;
                    match proof {
                        Proof::Proven => {
                            portal.note_proven(tx, &customer, &stored).await?;
                            let alert = Alert::ContactAdded(stored.kind);
                            portal.alert(tx, &customer, &address, now, alert).await?;
                        }
                        Proof::HeldElsewhere => {
                            store::note_right(tx, customer.id, &stored.contact_id, now).await?;
                        }
                        // There is nothing to choose.
                        Proof::LogInElsewhere => {
                            store::remove(tx, customer.id, &stored.contact_id).await?;
                        }
                    }
                    Ok::<_, Error>(proof)
                })
            })
            .await?;
        self.inner.bell.ring();
        Ok(proof)
    }

    /// Writes down that a contact point is theirs: rows are looked for under it, and what waited for it brings its points.
    async fn note_proven(
        &self,
        tx: &mut Tx,
        customer: &Customer,
        contact: &StoredContact,
    ) -> Result<()> {
        store::prove(tx, customer.id, &contact.contact_id, self.now()).await?;
        links::forget(tx, customer.id).await?;
        self.earn_for_proof(tx, customer, &open(customer, contact)?)
            .await
    }

    /// Takes a try, and only then compares.
    async fn take_code_try(&self, customer: &Customer, id: &str, hash: String) -> Result<bool> {
        let since = self.now().plus_seconds(-CODE_SECONDS);
        let (customer, id) = (customer.id, id.to_owned());
        let sent = self.inner.db.write(move |tx| {
            Box::pin(async move { store::take_try(tx, customer, &id, MOST_TRIES, since).await })
        });
        Ok(sent.await? == Some(hash))
    }

    /// Whether a contact point that somebody has just proven can be theirs. Whoever signed up with it and never proved it
    /// gives way.
    async fn claim(&self, tx: &mut Tx, customer: CustomerId, hash: &str) -> Result<Proof> {
        let left = self.now().plus_seconds(-NOT_ME_SECONDS);
        if let Some(other) = accounts::by_address(tx, hash).await?
            && !accounts::give_way(tx, other).await?
        {
            return Ok(Proof::LogInElsewhere);
        }
        if store::left_by(tx, hash, left)
            .await?
            .is_some_and(|other| other != customer)
        {
            return Ok(Proof::LogInElsewhere);
        }
        Ok(match store::holder(tx, hash).await? {
            Some(other) if other != customer => Proof::HeldElsewhere,
            _ => Proof::Proven,
        })
    }

    /// Takes over what another account holds, by the code that was typed a short time ago. That account's owner is told.
    ///
    /// # Errors
    /// [`Error::NotFound`] when no right code was typed in time, or another account logs in with it.
    pub async fn take_contact_over(&self, customer: Customer, id: &str) -> Result<()> {
        let (now, portal, id) = (self.now(), self.clone(), id.to_owned());
        let address = self.address_of(&customer).await?;
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let stored = portal.held(tx, &customer, &id).await?;
                    let may_choose = stored.right_at.is_some_and(|at| portal.may_choose(at));
                    if stored.proven_at.is_some() || !may_choose {
                        return Err(Error::NotFound);
                    }
                    let hash = &stored.contact_hash;
                    if portal.claim(tx, customer.id, hash).await? == Proof::LogInElsewhere {
                        return Err(Error::NotFound);
                    }
                    if !portal.take_from_holder(tx, hash, stored.kind).await? {
                        // It has just left the other account, who knows where to: the code has to be typed again.
                        return Err(Error::NotFound);
                    }
                    portal.note_proven(tx, &customer, &stored).await?;
                    let alert = Alert::ContactAdded(stored.kind);
                    portal.alert(tx, &customer, &address, now, alert).await
                })
            })
            .await?;
        self.inner.bell.ring();
        Ok(())
    }

    /// Takes a contact point from the account that holds it beside its log-in, and tells its owner.
    /// Answers whether one did.
    pub(crate) async fn take_from_holder(
        &self,
        tx: &mut Tx,
        hash: &str,
        kind: Kind,
    ) -> Result<bool> {
        let Some(loser) = store::let_go(tx, hash).await? else {
            return Ok(false);
        };
        links::forget(tx, loser).await?;
        let loser = self.customer(loser).await?;
        let (record, _) = records::read(tx, &loser.key, loser.id).await?;
        let address = own_values::address(&record)?;
        let alert = Alert::ContactProvenElsewhere(kind);
        // Nothing that was done to this account can be taken back: it was done in another.
        self.tell(tx, &loser, &address, self.now(), alert).await?;
        Ok(true)
    }

    /// Removes a contact point. What is held under it no longer shows; the owner is told.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none of that name.
    pub async fn remove_contact(&self, customer: Customer, id: &str) -> Result<()> {
        let stored = self.stored(&customer, id).await?;
        let (now, portal) = (self.now(), self.clone());
        let address = self.address_of(&customer).await?;
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    if !store::remove(tx, customer.id, &stored.contact_id).await? {
                        return Err(Error::NotFound);
                    }
                    if stored.proven_at.is_some() {
                        links::forget(tx, customer.id).await?;
                        let alert = Alert::ContactRemoved(stored.kind);
                        portal.alert(tx, &customer, &address, now, alert).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        self.inner.bell.ring();
        Ok(())
    }

    /// Makes a proven address the one to log in with. The one from before stays theirs; both are told, and from the old one
    /// it can be taken back for three days.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is no proven address of theirs, or an account logs in with it by now.
    pub async fn log_in_with(&self, customer: Customer, id: &str) -> Result<()> {
        let (now, portal, id) = (self.now(), self.clone(), id.to_owned());
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let stored = portal.held(tx, &customer, &id).await?;
                    let opened = open(&customer, &stored)?;
                    let (ContactPoint::Email(new), Some(_)) = (opened, stored.proven_at) else {
                        return Err(Error::NotFound);
                    };
                    let new_hash = &stored.contact_hash;
                    if portal.claim(tx, customer.id, new_hash).await? != Proof::Proven {
                        return Err(Error::NotFound);
                    }
                    let old = portal.replace_address(tx, &customer, &new, now).await?;
                    let old_contact = portal.new_contact(&customer, &old.clone().into())?;
                    let sealed = portal.seal_former(&customer, &old)?;
                    store::change_log_in_address(
                        tx,
                        customer.id,
                        &old_contact,
                        new_hash,
                        sealed,
                        now,
                    )
                    .await?;
                    let alert = Alert::AddressChanged;
                    portal.alert(tx, &customer, &old, now, alert).await?;
                    portal.tell(tx, &customer, &new, now, alert).await?;
                    Ok::<(), Error>(())
                })
            })
            .await?;
        self.inner.bell.ring();
        Ok(())
    }

    fn seal_former(&self, customer: &Customer, address: &EmailAddress) -> Result<Vec<u8>> {
        let random = &*self.inner.world.random;
        let plain = address.as_str().as_bytes();
        Ok(customer
            .key
            .seal(&former_identity(customer.id), plain, random)?)
    }

    /// Writes the address to log in with into the customer's record; answers the one from before.
    async fn replace_address(
        &self,
        tx: &mut Tx,
        customer: &Customer,
        new: &EmailAddress,
        now: Moment,
    ) -> Result<EmailAddress> {
        let (mut record, version) = records::read(tx, &customer.key, customer.id).await?;
        let old = own_values::address(&record)?;
        record.values.insert(
            own_values::ADDRESS.to_owned(),
            own_values::given(new.as_str(), now),
        );
        let random = &*self.inner.world.random;
        records::write(tx, &customer.key, random, customer.id, &record, version).await?;
        Ok(old)
    }

    /// Takes back what was changed of somebody's addresses at `since` or later.
    pub(crate) async fn take_addresses_back(
        &self,
        tx: &mut Tx,
        customer: &Customer,
        since: Moment,
    ) -> Result<()> {
        store::remove_added_since(tx, customer.id, since).await?;
        links::forget(tx, customer.id).await?;
        let (record, _) = records::read(tx, &customer.key, customer.id).await?;
        let current = self.address_hash(&own_values::address(&record)?);
        let Some(sealed) = store::take_back_changes(tx, customer.id, since, &current).await? else {
            return Ok(());
        };
        let plain = customer.key.open(&former_identity(customer.id), &sealed)?;
        let address = EmailAddress::parse(&String::from_utf8_lossy(&plain))?;
        let now = self.now();
        let left = self.replace_address(tx, customer, &address, now).await?;
        self.tell(tx, customer, &left, now, Alert::AddressTakenBack)
            .await
    }
}

/// Reads a stored contact point.
fn open(customer: &Customer, contact: &StoredContact) -> Result<ContactPoint> {
    let plain = customer.key.open(&identity(customer.id), &contact.sealed)?;
    let plain = String::from_utf8(plain).map_err(|_| StoreError::Form)?;
    ContactPoint::parse(contact.kind, &plain, None).map_err(|_| StoreError::Form.into())
}

fn identity(customer: CustomerId) -> String {
    format!("contact-point:{customer}")
}

fn former_identity(customer: CustomerId) -> String {
    format!("former-address:{customer}")
}

/// What is stored of a code: nobody can try all million of them without the customer's key.
fn code_hash(customer: &Customer, id: &str, code: &str) -> String {
    hex(&customer
        .key
        .keyed_hash(&[b"contact-code", id.as_bytes(), code.as_bytes()]))
}
