//! The staff: invited, let in by a password and a code, given a role, and sent away again.
//!
//! What anybody may do is asked of `domain::policy`, and each answer is written into the record of decisions, with the
//! change that follows from it in one transaction. Nothing here opens a customer's door (ASVS 5.0, 8.4.2).

use std::collections::BTreeMap;
use std::net::IpAddr;

use fairhold_domain::email::EmailAddress;
use fairhold_domain::factors::{Typed, parse};
use fairhold_domain::ids::StaffId;
use fairhold_domain::password;
use fairhold_domain::peer::Network;
use fairhold_domain::policy::{Action, Actor, Decider, Decision, Permit, Role};
use fairhold_domain::present;
use fairhold_domain::time::Moment;
use fairhold_store::log_in_tries::{self, Door};
use fairhold_store::outbox::{Channel, Mail};
use fairhold_store::seal::{hex, new_token, token_hash};
use fairhold_store::staff::{self, StoredStaff};
use fairhold_store::{StoreError, Tx, api_keys, decisions, jobs};
use secrecy::{ExposeSecret, SecretString};

pub use fairhold_store::decisions::Recorded as RecordedDecision;

use crate::Portal;
use crate::error::{Error, Result};
use crate::jobs::invite_staff::InviteStaff;
use crate::mail::{StaffInvitationMail, text};
use crate::totp::{self, SetUp};
use crate::{paused_asks, rewards};

/// Seconds for which an invitation works. Longer than a customer's link: whoever is invited did not ask for it, and may
/// read it on the next working day. It opens nothing but the choice of a password, and the code comes on top.
pub const INVITATION_SECONDS: i64 = 24 * 3600;
/// Seconds between the password and the code.
const HALF_IN_SECONDS: i64 = 10 * 60;
/// A session's last use is written down at most this often, in seconds.
const NOTE_USE_EVERY: i64 = 60;

/// Somebody of the staff who took both steps. Only [`Portal::staff`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct StaffMember {
    id: StaffId,
    role: Role,
}

impl StaffMember {
    /// Who.
    pub const fn id(self) -> StaffId {
        self.id
    }

    /// What they do.
    pub const fn role(self) -> Role {
        self.role
    }
}

/// On whose word something is done.
#[derive(Clone, Copy, Debug)]
pub enum By {
    /// Somebody of the staff.
    Staff(StaffMember),
    /// Whoever runs the program on its own machine.
    Operator,
}

impl By {
    const fn actor(self) -> Actor {
        match self {
            Self::Staff(member) => Actor::Staff(member.role),
            Self::Operator => Actor::Operator,
        }
    }

    fn decider(self) -> Decider {
        match self {
            Self::Staff(member) => Decider::Staff {
                id: member.id.to_string(),
                role: member.role,
            },
            Self::Operator => Decider::Operator,
        }
    }
}

/// Somebody of the staff, as lists show them.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Who.
    pub id: StaffId,
    /// Their address.
    pub address: String,
    /// What they do.
    pub role: Role,
    /// How far they have come.
    pub state: State,
    /// When they were invited last.
    pub invited_at: Moment,
}

/// How many decisions a page tells.
const DECISIONS_A_PAGE: i64 = 50;

/// A decision as it is read.
#[derive(Clone, Debug)]
pub struct ToldDecision {
    /// When, in words.
    pub when: String,
    /// When, for machines (RFC 3339).
    pub at: String,
    /// Who did what.
    pub sentence: String,
    /// Whether they might.
    pub allowed: bool,
}

/// A page of the record.
#[derive(Clone, Debug)]
pub struct ToldDecisions {
    /// Newest first.
    pub decisions: Vec<ToldDecision>,
    /// The number before which the next page begins; `None` on the last one.
    pub next: Option<i64>,
}

/// How far somebody of the staff has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Has not chosen a password yet.
    Invited,
    /// Has a password, and has not set up an app yet.
    Joining,
    /// Can log in.
    Active,
    /// Their way in was ended.
    Revoked,
}

impl State {
    fn of(stored: &StoredStaff) -> Self {
        match stored {
            s if s.revoked_at.is_some() => Self::Revoked,
            s if s.password_hash.is_none() => Self::Invited,
            s if s.app_proven_at.is_none() => Self::Joining,
            _ => Self::Active,
        }
    }
}

/// What the second step asks for.
#[derive(Clone, Debug)]
pub enum SecondStep {
    /// To set an app up first.
    SetUp(SetUp),
    /// A code.
    Code,
}

/// An invitation whose mail has not left.
pub(crate) struct WaitingInvitation {
    pub token_hash: String,
    pub mail: Mail,
    pub at: Moment,
}

impl Portal {
    /// Invites somebody. Whoever was invited before, or had their way in ended, begins anew.
    ///
    /// # Errors
    /// [`Error::NotAllowed`], [`Error::Email`], and [`Error::AlreadyStaff`] for whoever has a way in.
    pub async fn invite_staff(&self, by: By, address: &str, role: Role) -> Result<()> {
        let permit = self.permit(by, Action::InviteStaff, None).await?;
        let address = EmailAddress::parse(address)?;
        let (now, random) = (self.now(), &*self.inner.world.random);
        let key = self.inner.keys.portal().staff();
        let hash = staff::address_hash(&key, &address);
        let known = staff::by_address(&mut self.inner.db.read().await?, &hash).await?;
        let id = known
            .as_ref()
            .map_or_else(|| StaffId(self.inner.world.new_id()), |known| known.id);
        let sealed = staff::seal_address(&key, random, id, &address)?;
        let token = new_token(random);
        let sealed_token = key.seal(&token_identity(id), token.as_bytes(), random)?;
        let hash_of_token = token_hash(&token);
        let (job_id, payload) = (self.new_id(), InviteStaff { staff: id }.payload()?);
        let portal = self.clone();
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move {
                let about = Some(id.to_string());
                portal
                    .note_permit(tx, by, permit, about, Some(role))
                    .await?;
                match staff::by_address(tx, &hash).await? {
                    None => staff::invite(tx, id, &hash, sealed, role, now).await?,
                    Some(s) if s.id != id => return Err(Error::AlreadyStaff),
                    Some(s) if matches!(State::of(&s), State::Joining | State::Active) => {
                        return Err(Error::AlreadyStaff);
                    }
                    Some(_) => staff::invite_again(tx, id, role, now).await?,
                }
                let expires = now.plus_seconds(INVITATION_SECONDS);
                staff::add_link(tx, &hash_of_token, id, sealed_token, now, expires).await?;
                jobs::queue(tx, &job_id, InviteStaff::NAME, &payload, now).await?;
                Ok::<(), Error>(())
            })
        });
        write.await?;
        self.inner.bell.ring();
        Ok(())
    }

    /// Everybody of the staff.
    ///
    /// # Errors
    /// [`Error::NotAllowed`].
    pub async fn list_staff(&self, by: By) -> Result<Vec<Listed>> {
        let permit = self.permit(by, Action::ReadStaff, None).await?;
        self.note_permit_alone(by, permit).await?;
        let key = self.inner.keys.portal().staff();
        let all = staff::all(&mut self.inner.db.read().await?).await?;
        let listed = all.into_iter().map(|stored| {
            Ok(Listed {
                id: stored.id,
                address: staff::open_address(&key, stored.id, &stored.sealed)?,
                role: stored.role,
                state: State::of(&stored),
                invited_at: stored.invited_at,
            })
        });
        listed.collect()
    }

    /// Who has this address.
    ///
    /// # Errors
    /// [`Error::Email`], and [`Error::NotFound`] where nobody has it.
    pub async fn staff_by_address(&self, address: &str) -> Result<StaffId> {
        let address = EmailAddress::parse(address)?;
        let hash = staff::address_hash(&self.inner.keys.portal().staff(), &address);
        let found = staff::by_address(&mut self.inner.db.read().await?, &hash).await?;
        Ok(found.ok_or(Error::NotFound)?.id)
    }

    /// Gives somebody another role. Their sessions end, so that nothing goes on in the old one.
    ///
    /// # Errors
    /// [`Error::NotAllowed`], [`Error::NotFound`], and [`Error::LastAdministrator`] unless `force`.
    pub async fn change_staff_role(
        &self,
        by: By,
        id: StaffId,
        role: Role,
        force: bool,
    ) -> Result<()> {
        let permit = self.permit(by, Action::ChangeStaffRole, Some(id)).await?;
        let portal = self.clone();
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move {
                let about = Some(id.to_string());
                portal
                    .note_permit(tx, by, permit, about, Some(role))
                    .await?;
                if role != Role::Administrator && !force {
                    keep_an_administrator(tx, id).await?;
                }
                let changed = staff::set_role(tx, id, role).await?;
                changed.then_some(()).ok_or(Error::NotFound)
            })
        });
        write.await
    }

    /// Ends somebody's way in; their sessions end at once (ASVS 5.0, 7.4.2 and 8.3.2).
    ///
    /// # Errors
    /// [`Error::NotAllowed`], [`Error::NotFound`], and [`Error::LastAdministrator`] unless `force`.
    pub async fn revoke_staff(&self, by: By, id: StaffId, force: bool) -> Result<()> {
        let permit = self.permit(by, Action::RevokeStaff, Some(id)).await?;
        let now = self.now();
        let portal = self.clone();
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move {
                portal
                    .note_permit(tx, by, permit, Some(id.to_string()), None)
                    .await?;
                if !force {
                    keep_an_administrator(tx, id).await?;
                }
                let revoked = staff::revoke(tx, id, now).await?;
                revoked.then_some(()).ok_or(Error::NotFound)
            })
        });
        write.await
    }

    /// The newest decisions, newest first.
    ///
    /// # Errors
    /// [`Error::NotAllowed`].
    pub async fn decisions(&self, by: By, limit: i64) -> Result<Vec<RecordedDecision>> {
        let permit = self.permit(by, Action::ReadDecisions, None).await?;
        self.note_permit_alone(by, permit).await?;
        let mut tx = self.inner.db.read().await?;
        Ok(decisions::page(&mut tx, i64::MAX, limit).await?)
    }

    /// A page of the record in sentences, newest first, from before number `before`. Whoever may read it learns who it was:
    /// that is what it is for.
    ///
    /// # Errors
    /// [`Error::NotAllowed`].
    pub async fn decisions_told(&self, by: By, before: Option<i64>) -> Result<ToldDecisions> {
        let permit = self.permit(by, Action::ReadDecisions, None).await?;
        self.note_permit_alone(by, permit).await?;
        let mut tx = self.inner.db.read().await?;
        let before = before.unwrap_or(i64::MAX);
        let page = decisions::page(&mut tx, before, DECISIONS_A_PAGE).await?;
        let key = self.inner.keys.portal().staff();
        let mut names = BTreeMap::new();
        for stored in staff::all(&mut tx).await? {
            let address = staff::open_address(&key, stored.id, &stored.sealed)?;
            names.insert(stored.id.to_string(), address);
        }
        for system in api_keys::all(&mut tx).await? {
            names.insert(system.id, system.name);
        }
        let current = self.company().current();
        for offer in rewards::all_offers(&mut tx, &current).await? {
            names.insert(rewards::about(&offer.reward.key), offer.reward.name);
        }
        for ask in &current.catalog.asks {
            names.insert(paused_asks::about(&ask.key), ask.question.clone());
        }
        let (now, zone) = (self.now().timestamp(), &self.company().current().zone);
        let last = page.last().map(|last| last.seq);
        let told = page.into_iter().map(|recorded| ToldDecision {
            when: present::spoken(recorded.at.timestamp(), now, zone),
            at: recorded.at.timestamp().to_string(),
            sentence: recorded.decision.sentence(|id| names.get(id).cloned()),
            allowed: recorded.decision.allowed,
        });
        Ok(ToldDecisions {
            decisions: told.collect(),
            next: last.filter(|seq| *seq > 1),
        })
    }

    /// Whether an invitation still works. Looking changes nothing: scanners open links too.
    pub async fn invitation_works(&self, token: &str) -> Result<bool> {
        let mut tx = self.inner.db.read().await?;
        let link = staff::link(&mut tx, &token_hash(token), self.now()).await?;
        Ok(link.is_some())
    }

    /// Uses an invitation up and sets the password. A log-in follows.
    ///
    /// # Errors
    /// [`Error::LinkEnded`], or [`Error::Password`] when the password will not do; then the link still works.
    pub async fn accept_invitation(&self, token: &str, password: SecretString) -> Result<()> {
        let (hash_of_token, now) = (token_hash(token), self.now());
        let mut tx = self.inner.db.read().await?;
        let id = staff::link(&mut tx, &hash_of_token, now).await?;
        let id = id.ok_or(Error::LinkEnded)?;
        let stored = staff::get(&mut tx, id).await?.ok_or(Error::LinkEnded)?;
        drop(tx);
        let key = self.inner.keys.portal().staff();
        let address = staff::open_address(&key, id, &stored.sealed)?;
        let random = &*self.inner.world.random;
        let passwords = &self.inner.passwords;
        let company = self.company().current().catalog.company.name.clone();
        let hash = passwords
            .accept(password, &address, &company, random)
            .await?;
        let secret = totp::new_secret(random);
        let app = staff::seal_app(&key, random, id, secret.expose_secret())?;
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move {
                let accepted = staff::accept(tx, &hash_of_token, id, &hash, app, now).await?;
                accepted.then_some(()).ok_or(Error::LinkEnded)
            })
        });
        write.await
    }

    /// The first step of a log-in: who has this address and this password, typed by `peer`. Answers the token of a session
    /// that opens nothing but the second step.
    ///
    /// # Errors
    /// As [`Self::log_in`].
    pub async fn staff_log_in(
        &self,
        address: &str,
        password: SecretString,
        peer: IpAddr,
    ) -> Result<String> {
        let address = EmailAddress::parse(address).map_err(|_| Error::WrongLogIn)?;
        let hash = staff::address_hash(&self.inner.keys.portal().staff(), &address);
        let door = self.staff_door(&hash, peer);
        self.take_log_in_try(&door).await?;
        let known = staff::by_address(&mut self.inner.db.read().await?, &hash).await?;
        let stored = known.as_ref().and_then(|known| known.password_hash.clone());
        let fits = password.expose_secret().len() <= password::LONGEST_BYTES;
        let password = if fits { password } else { "".into() };
        let right = self
            .inner
            .passwords
            .verify(password, stored.clone())
            .await?;
        let (Some(known), Some(checked), true) = (known, stored, right && fits) else {
            return Err(Error::WrongLogIn);
        };
        let token = new_token(&*self.inner.world.random);
        let (hash_of_token, now) = (token_hash(&token), self.now());
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move {
                let expires = now.plus_seconds(HALF_IN_SECONDS);
                let begun =
                    staff::add_session(tx, &hash_of_token, known.id, &checked, now, expires);
                if !begun.await? {
                    return Err(Error::WrongLogIn);
                }
                log_in_tries::forget_here(tx, &door).await?;
                Ok(())
            })
        });
        write.await?;
        Ok(token)
    }

    /// What the second step of a log-in asks for.
    ///
    /// # Errors
    /// [`Error::LogInFirst`] without a first step.
    pub async fn staff_second_step(&self, token: &str) -> Result<SecondStep> {
        let stored = self.half_in_staff(token).await?;
        if stored.app_proven_at.is_some() {
            return Ok(SecondStep::Code);
        }
        let key = self.inner.keys.portal().staff();
        let address = staff::open_address(&key, stored.id, &stored.sealed)?;
        let company = self.company().current().catalog.company.name.clone();
        let issuer = format!("{company} staff");
        totp::set_up(&self.staff_app(&stored)?, &issuer, &address).map(SecondStep::SetUp)
    }

    /// The second step of a log-in: a code from the app. The first one shows that the app is set up. Answers the token of
    /// the session, which is a new one.
    ///
    /// # Errors
    /// [`Error::LogInFirst`] without a first step, [`Error::Code`] for what is no code, [`Error::WrongLogIn`] for a wrong
    /// one or one that was used before, [`Error::TooManyTries`] when nothing was compared.
    pub async fn staff_code(&self, token: &str, typed: &str, peer: IpAddr) -> Result<String> {
        let stored = self.half_in_staff(token).await?;
        let Typed::FromApp(code) = parse(typed)? else {
            return Err(Error::WrongLogIn);
        };
        let key = self.inner.keys.portal().staff();
        let name = hex(&key.keyed_hash(&[b"second step", stored.id.0.as_bytes()]));
        let door = self.staff_door(&name, peer);
        self.take_log_in_try(&door).await?;
        let now = self.now();
        let member = StaffMember {
            id: stored.id,
            role: stored.role,
        };
        let by = By::Staff(member);
        let step = totp::check(&self.staff_app(&stored)?, &code, now)?;
        let old = token_hash(token);
        let token = new_token(&*self.inner.world.random);
        let new = token_hash(&token);
        let expires = now.plus_seconds(self.settings().staff_absolute_seconds);
        let portal = self.clone();
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move {
                let right = match step {
                    Some(step) => staff::use_step(tx, member.id, step, now).await?,
                    None => false,
                };
                let in_now = right && staff::prove_session(tx, &old, &new, now, expires).await?;
                portal
                    .write_down(tx, by, Action::OpenStaffHome, in_now, None, None)
                    .await?;
                if in_now {
                    log_in_tries::forget_here(tx, &door).await?;
                }
                Ok::<_, Error>(in_now)
            })
        });
        write.await?.then_some(token).ok_or(Error::WrongLogIn)
    }

    /// Who has this session.
    ///
    /// # Errors
    /// [`Error::LogInFirst`] when nobody has it, it has ended, or the second step is missing.
    pub async fn staff(&self, token: &str) -> Result<StaffMember> {
        let hash = token_hash(token);
        let now = self.now();
        let mut tx = self.inner.db.read().await?;
        let session = staff::session(&mut tx, &hash).await?;
        let session = session.filter(|s| s.proven).ok_or(Error::LogInFirst)?;
        let unused = now.seconds_since(session.last_seen_at);
        let idle = self.settings().staff_idle_seconds;
        if unused >= idle || session.expires_at <= now {
            return Err(Error::LogInFirst);
        }
        let stored = staff::get(&mut tx, session.staff).await?;
        drop(tx);
        let stored = stored.filter(|s| State::of(s) == State::Active);
        let stored = stored.ok_or(Error::LogInFirst)?;
        if unused >= NOTE_USE_EVERY.min(idle / 4) {
            let touch = self.inner.db.write(move |tx| {
                Box::pin(async move { staff::touch_session(tx, &hash, now).await })
            });
            touch.await?;
        }
        Ok(StaffMember {
            id: stored.id,
            role: stored.role,
        })
    }

    /// Somebody's own address.
    pub async fn staff_address(&self, member: StaffMember) -> Result<String> {
        let stored = staff::get(&mut self.inner.db.read().await?, member.id).await?;
        let stored = stored.ok_or(Error::LogInFirst)?;
        let key = self.inner.keys.portal().staff();
        Ok(staff::open_address(&key, stored.id, &stored.sealed)?)
    }

    /// Ends a session, whoever has it.
    pub async fn staff_log_out(&self, token: &str) -> Result<()> {
        let hash = token_hash(token);
        let end = self
            .inner
            .db
            .write(move |tx| Box::pin(async move { staff::end_session(tx, &hash).await }));
        Ok(end.await?)
    }

    /// The invitation of somebody, where its mail has not left.
    pub(crate) async fn waiting_invitation(
        &self,
        id: StaffId,
    ) -> Result<Option<WaitingInvitation>> {
        let mut tx = self.inner.db.read().await?;
        let link = staff::unsent_link(&mut tx, id).await?;
        let stored = staff::get(&mut tx, id).await?;
        drop(tx);
        let (Some((token_hash, sealed, at)), Some(stored)) = (link, stored) else {
            return Ok(None);
        };
        let key = self.inner.keys.portal().staff();
        let token = key.open(&token_identity(id), &sealed)?;
        let token = String::from_utf8(token).map_err(|_| Error::Store(StoreError::Form))?;
        let company = self.company().current().catalog.company.name.clone();
        let mail = StaffInvitationMail {
            company: &company,
            role: stored.role.name(),
            link: &format!("{}/staff/join/{token}", self.settings().public_url),
        };
        Ok(Some(WaitingInvitation {
            token_hash,
            mail: Mail {
                channel: Channel::Mail,
                to: staff::open_address(&key, id, &stored.sealed)?,
                subject: format!("You are invited to the portal of {company}"),
                text: text(&mail)?,
            },
            at,
        }))
    }

    /// Asks the table; a refusal is written down.
    pub(crate) async fn permit(
        &self,
        by: By,
        action: Action,
        about: Option<StaffId>,
    ) -> Result<Permit> {
        if let Ok(permit) = Permit::ask(by.actor(), action) {
            return Ok(permit);
        }
        let portal = self.clone();
        let about = about.map(|id| id.to_string());
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move { portal.write_down(tx, by, action, false, about, None).await })
        });
        write.await?;
        Err(Error::NotAllowed)
    }

    /// Writes a permit down in the transaction of the change that it is for. Whoever lost their role since they were asked
    /// about changes nothing (ASVS 5.0, 15.4.2).
    pub(crate) async fn note_permit(
        &self,
        tx: &mut Tx,
        by: By,
        permit: Permit,
        about: Option<String>,
        role: Option<Role>,
    ) -> Result<()> {
        if let By::Staff(member) = by {
            let still = staff::get(tx, member.id).await?;
            let still = still.is_some_and(|s| s.role == member.role && s.revoked_at.is_none());
            if !still {
                return Err(Error::NotAllowed);
            }
        }
        self.write_down(tx, by, permit.action(), true, about, role)
            .await
    }

    /// Writes a permit for what changes nothing down.
    pub(crate) async fn note_permit_alone(&self, by: By, permit: Permit) -> Result<()> {
        let portal = self.clone();
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move { portal.note_permit(tx, by, permit, None, None).await })
        });
        write.await
    }

    async fn write_down(
        &self,
        tx: &mut Tx,
        by: By,
        action: Action,
        allowed: bool,
        about: Option<String>,
        role: Option<Role>,
    ) -> Result<()> {
        let decision = Decision {
            by: by.decider(),
            action,
            allowed,
            about,
            role,
        };
        let key = &self.inner.keys.portal().looks;
        decisions::append(tx, key, self.now(), &decision).await?;
        Ok(())
    }

    /// Whose session this is, between the first step and the second.
    async fn half_in_staff(&self, token: &str) -> Result<StoredStaff> {
        let mut tx = self.inner.db.read().await?;
        let session = staff::session(&mut tx, &token_hash(token)).await?;
        let session = session.filter(|s| !s.proven && s.expires_at > self.now());
        let session = session.ok_or(Error::LogInFirst)?;
        let stored = staff::get(&mut tx, session.staff).await?;
        let stored = stored.filter(|s| matches!(State::of(s), State::Joining | State::Active));
        stored.ok_or(Error::LogInFirst)
    }

    fn staff_app(&self, stored: &StoredStaff) -> Result<SecretString> {
        let sealed = stored.app.as_ref().ok_or(Error::LogInFirst)?;
        let key = self.inner.keys.portal().staff();
        Ok(staff::open_app(&key, stored.id, sealed)?.into())
    }

    fn staff_door(&self, name: &str, peer: IpAddr) -> Door {
        let key = &self.inner.keys.portal().addresses;
        Door::new(key, name, Network::of_peer(peer))
    }
}

/// Refuses to take the last administrator's way in.
async fn keep_an_administrator(tx: &mut Tx, id: StaffId) -> Result<()> {
    let administrators = staff::hold_role(tx, Role::Administrator).await?;
    let stored = staff::get(tx, id).await?.ok_or(Error::NotFound)?;
    let counts = stored.role == Role::Administrator
        && matches!(State::of(&stored), State::Joining | State::Active);
    if counts && administrators <= 1 {
        return Err(Error::LastAdministrator);
    }
    Ok(())
}

fn token_identity(id: StaffId) -> String {
    format!("staff-invitation:{id}")
}
