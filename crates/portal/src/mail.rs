//! Mail: what it says, and how it leaves.

use askama::Template;
use fairhold_domain::ids::CustomerId;
use fairhold_store::outbox::{self, Mail};
use fairhold_store::{SecretKey, Tx, jobs};
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use crate::error::{Error, Result};
use crate::jobs::send_mail::SendMail;
use crate::{Customer, Portal};

/// How mail leaves.
#[derive(Clone)]
pub enum Mailer {
    /// It stays in the outbox; the demo shows it on a page.
    Outbox,
    /// Through a mail server.
    Smtp {
        /// The connection, pooled.
        transport: AsyncSmtpTransport<Tokio1Executor>,
        /// Whom it comes from.
        from: Mailbox,
    },
}

/// Why a mail did not leave. Closed words: a server's answer may repeat an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// The address is none that mail can be sent to.
    #[error("address refused")]
    Address,
    /// The server can't be reached or did not take it.
    #[error("mail server")]
    Server,
}

impl Mailer {
    /// Hands a mail over. `Ok(false)`: it stays in the outbox.
    pub(crate) async fn send(&self, mail: &Mail) -> Result<bool, MailError> {
        let Self::Smtp { transport, from } = self else {
            return Ok(false);
        };
        let to: Mailbox = mail.to.parse().map_err(|_| MailError::Address)?;
        let message = Message::builder()
            .from(from.clone())
            .to(to)
            .subject(&mail.subject)
            .header(ContentType::TEXT_PLAIN)
            .raw_header(sent_by_a_program())
            .body(mail.text.clone())
            .map_err(|_| MailError::Address)?;
        transport
            .send(message)
            .await
            .map(|_| true)
            .map_err(|_| MailError::Server)
    }
}

/// Says that no person wrote it, so that no automatic answer comes back (RFC 3834, 5).
fn sent_by_a_program() -> HeaderValue {
    let name = HeaderName::new_from_ascii_str("Auto-Submitted");
    HeaderValue::new(name, "auto-generated".to_owned())
}

/// The first mail: prove the address, choose a password.
#[derive(Template)]
#[template(path = "sign_up.txt")]
pub(crate) struct SignUpMail<'a> {
    pub company: &'a str,
    pub link: &'a str,
}

/// Somebody signed up with an address that has an account.
#[derive(Template)]
#[template(path = "already_here.txt")]
pub(crate) struct AlreadyHereMail<'a> {
    pub company: &'a str,
    pub log_in: &'a str,
    pub forgot: &'a str,
}

/// A link for a new password.
#[derive(Template)]
#[template(path = "reset.txt")]
pub(crate) struct ResetMail<'a> {
    pub company: &'a str,
    pub link: &'a str,
}

/// The password was changed.
#[derive(Template)]
#[template(path = "password_changed.txt")]
pub(crate) struct PasswordChangedMail<'a> {
    pub company: &'a str,
    pub forgot: &'a str,
}

impl Portal {
    /// Puts a mail into the outbox and queues its sending, both in the caller's transaction.
    pub(crate) async fn post(
        &self,
        tx: &mut Tx,
        key: &SecretKey,
        customer: CustomerId,
        mail: &Mail,
    ) -> Result<()> {
        let now = self.now();
        let mail_id = self.new_id();
        outbox::put(
            tx,
            key,
            &*self.inner.world.random,
            customer,
            &mail_id,
            mail,
            now,
        )
        .await?;
        let job = SendMail { customer, mail_id };
        jobs::queue(tx, &self.new_id(), SendMail::NAME, &job.payload()?, now).await?;
        Ok(())
    }

    /// The newest mails of the demo's outbox. Outside the demo there is no such page.
    ///
    /// # Errors
    /// [`Error::NotFound`] outside the demo.
    pub async fn demo_outbox(&self) -> Result<Vec<(fairhold_domain::time::Moment, Mail)>> {
        if !self.settings().demo {
            return Err(Error::NotFound);
        }
        let mut tx = self.inner.db.read().await?;
        let mut mails = Vec::new();
        for waiting in outbox::newest(&mut tx, 20).await? {
            let Customer { id, key } = self.customer(waiting.customer).await?;
            if let Some((mail, _)) = outbox::get(&mut tx, &key, id, &waiting.mail_id).await? {
                mails.push((waiting.created_at, mail));
            }
        }
        Ok(mails)
    }
}

/// A template as text.
pub(crate) fn text(template: &impl Template) -> Result<String> {
    template
        .render()
        .map_err(|_| Error::Store(fairhold_store::StoreError::Form))
}
