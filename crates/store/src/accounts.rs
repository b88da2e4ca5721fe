//! Customers, their addresses (as keyed hashes), passwords, and the links in mails that prove who asks.

use fairhold_domain::email::EmailAddress;
use fairhold_domain::ids::CustomerId;
use fairhold_domain::time::Moment;

use crate::db::{Result, StoreError, Tx};
use crate::seal::{SecretKey, hex};

/// What the log-in needs to know.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Whose.
    pub customer: CustomerId,
    /// argon2id in PHC form; `None` until the first password is set.
    pub password_hash: Option<String>,
}

/// What is known of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// When it was made.
    pub created_at: Moment,
    /// When its address was proven.
    pub proven_at: Option<Moment>,
    /// The log-in before or at this moment.
    pub last_log_in_at: Option<Moment>,
    /// When its password was last set.
    pub password_changed_at: Option<Moment>,
}

#[derive(sqlx::FromRow)]
#[expect(clippy::struct_field_names, reason = "named as the columns are")]
struct AccountRow {
    created_at: i64,
    proven_at: Option<i64>,
    last_log_in_at: Option<i64>,
    password_changed_at: Option<i64>,
}

/// What somebody asks for at the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// An account.
    SignUp,
    /// A new password.
    Reset,
    /// A place in a programme.
    Join,
}

impl Request {
    fn parse(text: &str) -> Option<Self> {
        [Self::SignUp, Self::Reset, Self::Join]
            .into_iter()
            .find(|request| LinkKind::from(*request).as_str() == text)
    }
}

impl From<Request> for LinkKind {
    fn from(request: Request) -> Self {
        match request {
            Request::SignUp => Self::SignUp,
            Request::Reset => Self::Reset,
            Request::Join => Self::Join,
        }
    }
}

/// What a link in a mail is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// Prove the address and set the first password.
    SignUp,
    /// Set a new password.
    Reset,
    /// Join a programme.
    Join,
    /// End what somebody else did in the owner's name.
    NotMe,
}

impl LinkKind {
    /// As it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignUp => "sign-up",
            Self::Reset => "reset",
            Self::Join => "join",
            Self::NotMe => "not-me",
        }
    }

    /// Whether it sets a password: then it works for a short time only.
    pub const fn sets_password(self) -> bool {
        matches!(self, Self::SignUp | Self::Reset)
    }

    /// Reads what [`Self::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::SignUp, Self::Reset, Self::Join, Self::NotMe]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

/// A link in a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailLink {
    /// Whose.
    pub customer: CustomerId,
    /// What for.
    pub kind: LinkKind,
    /// When it was mailed.
    pub created_at: Moment,
}

/// So many requests at the door wait at most: strangers can't fill the store faster than the worker answers.
pub const MOST_REQUESTS: i64 = 10_000;

/// The keyed hash by which an address is looked up.
pub fn address_hash(key: &SecretKey, address: &EmailAddress) -> String {
    hex(&key.keyed_hash(&[b"email", address.as_str().as_bytes()]))
}

/// Adds a customer with the address, not proven yet.
///
/// # Errors
/// When the address belongs to somebody already.
pub async fn add(tx: &mut Tx, customer: CustomerId, address_hash: &str, now: Moment) -> Result<()> {
    let sql = "INSERT INTO customers (customer_id, created_at) VALUES ($1, $2)";
    tx.execute(sql, [customer.into(), now.into()]).await?;
    let sql =
        "INSERT INTO address_hashes (address_hash, customer_id, created_at) VALUES ($1, $2, $3)";
    tx.execute(sql, [address_hash.into(), customer.into(), now.into()])
        .await?;
    Ok(())
}

/// Whose address this is.
pub async fn by_address(tx: &mut Tx, address_hash: &str) -> Result<Option<CustomerId>> {
    let sql = "SELECT customer_id FROM address_hashes WHERE address_hash = $1";
    tx.optional::<(String,)>(sql, [address_hash.into()])
        .await?
        .map(|(id,)| customer_id(&id))
        .transpose()
}

/// What is needed to check a password.
pub async fn credentials(tx: &mut Tx, address_hash: &str) -> Result<Option<Credentials>> {
    let sql = "SELECT c.customer_id, c.password_hash FROM address_hashes a \
               JOIN customers c ON c.customer_id = a.customer_id WHERE a.address_hash = $1";
    let row: Option<(String, Option<String>)> = tx.optional(sql, [address_hash.into()]).await?;
    row.map(|(id, password_hash)| {
        Ok(Credentials {
            customer: customer_id(&id)?,
            password_hash,
        })
    })
    .transpose()
}

/// Whether anybody has an account.
pub async fn has_any(tx: &mut Tx) -> Result<bool> {
    let any: Option<(String,)> = tx
        .optional("SELECT customer_id FROM customers LIMIT 1", [])
        .await?;
    Ok(any.is_some())
}

/// What is known of an account; `None` when there is none.
pub async fn account(tx: &mut Tx, customer: CustomerId) -> Result<Option<Account>> {
    let sql = "SELECT created_at, proven_at, last_log_in_at, password_changed_at FROM customers WHERE customer_id = $1";
    let row: Option<AccountRow> = tx.optional(sql, [customer.into()]).await?;
    Ok(row.map(|row| Account {
        created_at: Moment(row.created_at),
        proven_at: row.proven_at.map(Moment),
        last_log_in_at: row.last_log_in_at.map(Moment),
        password_changed_at: row.password_changed_at.map(Moment),
    }))
}

/// Sets the password of somebody who has just proven the address.
pub async fn set_password(
    tx: &mut Tx,
    customer: CustomerId,
    hash: &str,
    now: Moment,
) -> Result<()> {
    let sql = "UPDATE customers SET password_hash = $2, password_changed_at = $3, \
               proven_at = COALESCE(proven_at, $3) WHERE customer_id = $1";
    one_row(
        tx.execute(sql, [customer.into(), hash.into(), now.into()])
            .await?,
    )
}

/// Notes that a customer has just proven the address; answers whether they had not before.
pub async fn prove(tx: &mut Tx, customer: CustomerId, now: Moment) -> Result<bool> {
    let sql = "UPDATE customers SET proven_at = $2 WHERE customer_id = $1 AND proven_at IS NULL";
    Ok(tx.execute(sql, [customer.into(), now.into()]).await? > 0)
}

/// Sets another password for somebody who logged in with the one that was set at `before`.
///
/// # Errors
/// [`StoreError::Conflict`] when another one was set since, or the owner had it forgotten.
pub async fn change_password(
    tx: &mut Tx,
    customer: CustomerId,
    before: Option<Moment>,
    hash: &str,
    now: Moment,
) -> Result<()> {
    let sql = "UPDATE customers SET password_hash = $2, password_changed_at = $3 \
               WHERE customer_id = $1 AND COALESCE(password_changed_at, 0) = $4";
    let before = before.unwrap_or(Moment(0));
    let args = [customer.into(), hash.into(), now.into(), before.into()];
    one_row(tx.execute(sql, args).await?)
}

/// Forgets the password of a customer: nobody gets in with it any more.
pub async fn forget_password(tx: &mut Tx, customer: CustomerId, now: Moment) -> Result<()> {
    let sql = "UPDATE customers SET password_hash = NULL, password_changed_at = $2 WHERE customer_id = $1";
    one_row(tx.execute(sql, [customer.into(), now.into()]).await?)
}

/// Makes other changes of a customer wait until this transaction has ended.
pub async fn hold(tx: &mut Tx, customer: CustomerId) -> Result<()> {
    let sql = "UPDATE customers SET created_at = created_at WHERE customer_id = $1";
    one_row(tx.execute(sql, [customer.into()]).await?)
}

/// Notes a log-in with the password whose hash was checked; answers when that password was set. `None`: the account has
/// gone or has another password by now, and this is no log-in.
pub async fn note_log_in(
    tx: &mut Tx,
    customer: CustomerId,
    checked_hash: &str,
    now: Moment,
) -> Result<Option<Moment>> {
    let sql = "UPDATE customers SET last_log_in_at = $3 WHERE customer_id = $1 AND password_hash = $2 \
               RETURNING password_changed_at";
    let row: Option<(i64,)> = tx
        .optional(sql, [customer.into(), checked_hash.into(), now.into()])
        .await?;
    Ok(row.map(|(set_at,)| Moment(set_at)))
}

/// Notes a log-in without the password; answers when the password was set or forgotten. `None`: the account has gone or
/// never had one.
pub async fn note_passkey_log_in(
    tx: &mut Tx,
    customer: CustomerId,
    now: Moment,
) -> Result<Option<Moment>> {
    let sql = "UPDATE customers SET last_log_in_at = $2 WHERE customer_id = $1 AND password_changed_at IS NOT NULL \
               RETURNING password_changed_at";
    let row: Option<(i64,)> = tx.optional(sql, [customer.into(), now.into()]).await?;
    Ok(row.map(|(set_at,)| Moment(set_at)))
}

/// Adds a link for a mail, by the hash of its token. It counts while the address that the mail goes to is the one that the
/// customer logs in with, or was until a short time ago.
pub async fn add_link(
    tx: &mut Tx,
    token_hash: &str,
    customer: CustomerId,
    address_hash: &str,
    kind: LinkKind,
    now: Moment,
    expires: Moment,
) -> Result<()> {
    let sql = "INSERT INTO mail_links (token_hash, customer_id, address_hash, kind, created_at, expires_at) \
               VALUES ($1, $2, $3, $4, $5, $6)";
    let args = [
        token_hash.into(),
        customer.into(),
        address_hash.into(),
        kind.as_str().into(),
        now.into(),
        expires.into(),
    ];
    tx.execute(sql, args).await.map(|_| ())
}

/// How many links that set a password were mailed to a customer since `since`.
pub async fn password_links_since(tx: &mut Tx, customer: CustomerId, since: Moment) -> Result<i64> {
    let sql = "SELECT COUNT(*) FROM mail_links WHERE customer_id = $1 AND created_at > $2 AND kind IN ($3, $4)";
    let args = [
        customer.into(),
        since.into(),
        LinkKind::SignUp.as_str().into(),
        LinkKind::Reset.as_str().into(),
    ];
    let (count,) = tx.one::<(i64,)>(sql, args).await?;
    Ok(count)
}

/// How many links to join a programme were mailed to a customer since `since`.
pub async fn join_links_since(tx: &mut Tx, customer: CustomerId, since: Moment) -> Result<i64> {
    let sql =
        "SELECT COUNT(*) FROM mail_links WHERE customer_id = $1 AND created_at > $2 AND kind = $3";
    let args = [
        customer.into(),
        since.into(),
        LinkKind::Join.as_str().into(),
    ];
    let (count,) = tx.one::<(i64,)>(sql, args).await?;
    Ok(count)
}

/// A link while it can still be used. Looking changes nothing.
pub async fn link(tx: &mut Tx, token_hash: &str, now: Moment) -> Result<Option<MailLink>> {
    let sql = "SELECT customer_id, kind, created_at FROM mail_links l \
               WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2 AND (address_hash IS NULL \
               OR EXISTS (SELECT 1 FROM address_hashes a WHERE a.customer_id = l.customer_id AND a.address_hash = l.address_hash) \
               OR EXISTS (SELECT 1 FROM former_addresses f WHERE f.customer_id = l.customer_id AND f.address_hash = l.address_hash))";
    let row: Option<LinkRow> = tx.optional(sql, [token_hash.into(), now.into()]).await?;
    row.map(LinkRow::read).transpose()
}

/// When the oldest of what a customer was told in mails whose "this was not me" still works was done.
pub async fn oldest_alert(
    tx: &mut Tx,
    customer: CustomerId,
    now: Moment,
) -> Result<Option<Moment>> {
    let sql = "SELECT MIN(created_at) FROM mail_links \
               WHERE customer_id = $1 AND kind = $2 AND used_at IS NULL AND expires_at > $3";
    let args = [customer.into(), LinkKind::NotMe.as_str().into(), now.into()];
    let (oldest,): (Option<i64>,) = tx.one(sql, args).await?;
    Ok(oldest.map(Moment))
}

/// Ends all links that were mailed to a customer.
pub async fn end_links(tx: &mut Tx, customer: CustomerId, now: Moment) -> Result<()> {
    let sql = "UPDATE mail_links SET used_at = $2 WHERE customer_id = $1 AND used_at IS NULL";
    tx.execute(sql, [customer.into(), now.into()])
        .await
        .map(|_| ())
}

/// Uses a link up; `None` when it was used before, is too old, or never was. All other links of the customer that set a
/// password go too, but for a link that joins a programme: it says nothing about the password.
pub async fn use_link(tx: &mut Tx, token_hash: &str, now: Moment) -> Result<Option<MailLink>> {
    if link(tx, token_hash, now).await?.is_none() {
        return Ok(None);
    }
    let sql = "UPDATE mail_links SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2 \
               RETURNING customer_id, kind, created_at";
    let row: Option<LinkRow> = tx.optional(sql, [token_hash.into(), now.into()]).await?;
    let Some(link) = row.map(LinkRow::read).transpose()? else {
        return Ok(None);
    };
    if link.kind == LinkKind::Join {
        return Ok(Some(link));
    }
    let sql = "UPDATE mail_links SET used_at = $2 WHERE customer_id = $1 AND used_at IS NULL AND kind IN ($3, $4)";
    let args = [
        link.customer.into(),
        now.into(),
        LinkKind::SignUp.as_str().into(),
        LinkKind::Reset.as_str().into(),
    ];
    tx.execute(sql, args).await?;
    Ok(Some(link))
}

/// Keeps what was asked at the door until the worker answers it. `sealed` holds the address.
pub async fn add_request(
    tx: &mut Tx,
    id: &str,
    asked: Request,
    sealed: Vec<u8>,
    now: Moment,
) -> Result<()> {
    let sql = "SELECT COUNT(*) FROM address_requests";
    let (waiting,) = tx.one::<(i64,)>(sql, []).await?;
    if waiting >= MOST_REQUESTS {
        return Err(StoreError::Busy);
    }
    let sql = "INSERT INTO address_requests (request_id, kind, sealed, created_at) VALUES ($1, $2, $3, $4)";
    tx.execute(
        sql,
        [
            id.into(),
            LinkKind::from(asked).as_str().into(),
            sealed.into(),
            now.into(),
        ],
    )
    .await
    .map(|_| ())
}

/// What was asked; `None` when it has been answered.
pub async fn request(tx: &mut Tx, id: &str) -> Result<Option<(Request, Vec<u8>)>> {
    let sql = "SELECT kind, sealed FROM address_requests WHERE request_id = $1";
    let row: Option<(String, Vec<u8>)> = tx.optional(sql, [id.into()]).await?;
    row.map(|(kind, sealed)| Ok((Request::parse(&kind).ok_or(StoreError::Form)?, sealed)))
        .transpose()
}

/// Forgets what was asked; answers whether it was still there.
pub async fn remove_request(tx: &mut Tx, id: &str) -> Result<bool> {
    Ok(tx
        .execute(
            "DELETE FROM address_requests WHERE request_id = $1",
            [id.into()],
        )
        .await?
        > 0)
}

/// Removes links that ended before `before`.
pub async fn sweep_links(tx: &mut Tx, before: Moment) -> Result<u64> {
    tx.execute(
        "DELETE FROM mail_links WHERE expires_at < $1",
        [before.into()],
    )
    .await
}

/// Removes what was asked before `before` and never answered.
pub async fn sweep_requests(tx: &mut Tx, before: Moment) -> Result<u64> {
    tx.execute(
        "DELETE FROM address_requests WHERE created_at < $1",
        [before.into()],
    )
    .await
}

/// Customers who never proved their address, came before `before`, and have no link that could still prove it; `limit`
/// at most.
pub async fn never_proven(
    tx: &mut Tx,
    before: Moment,
    now: Moment,
    limit: i64,
) -> Result<Vec<CustomerId>> {
    let sql = "SELECT customer_id FROM customers c WHERE proven_at IS NULL AND created_at < $1 \
               AND NOT EXISTS (SELECT 1 FROM mail_links l WHERE l.customer_id = c.customer_id \
               AND l.used_at IS NULL AND l.expires_at > $2) LIMIT $3";
    let rows: Vec<(String,)> = tx
        .all(sql, [before.into(), now.into(), limit.into()])
        .await?;
    rows.iter().map(|(id,)| customer_id(id)).collect()
}

/// Removes a customer who never proved their address, because somebody else has just proven it; answers whether there was
/// one. What hangs on it goes too.
pub async fn give_way(tx: &mut Tx, customer: CustomerId) -> Result<bool> {
    let sql = "DELETE FROM customers WHERE customer_id = $1 AND proven_at IS NULL";
    Ok(tx.execute(sql, [customer.into()]).await? > 0)
}

/// Removes a customer who never proved their address and has no link that could still prove it; what hangs on it goes
/// too.
pub async fn remove_never_proven(tx: &mut Tx, customer: CustomerId, now: Moment) -> Result<bool> {
    let sql = "DELETE FROM customers WHERE customer_id = $1 AND proven_at IS NULL \
               AND NOT EXISTS (SELECT 1 FROM mail_links l WHERE l.customer_id = customers.customer_id \
               AND l.used_at IS NULL AND l.expires_at > $2)";
    Ok(tx.execute(sql, [customer.into(), now.into()]).await? > 0)
}

fn customer_id(text: &str) -> Result<CustomerId> {
    CustomerId::parse(text).map_err(|_| StoreError::Form)
}

#[derive(sqlx::FromRow)]
struct LinkRow {
    customer_id: String,
    kind: String,
    created_at: i64,
}

impl LinkRow {
    fn read(self) -> Result<MailLink> {
        Ok(MailLink {
            customer: customer_id(&self.customer_id)?,
            kind: LinkKind::parse(&self.kind).ok_or(StoreError::Form)?,
            created_at: Moment(self.created_at),
        })
    }
}

fn one_row(changed: u64) -> Result<()> {
    if changed == 1 {
        Ok(())
    } else {
        Err(StoreError::Conflict)
    }
}
