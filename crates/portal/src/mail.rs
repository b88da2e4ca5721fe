//! Mail: what it says, and how it leaves.

use askama::Template;
use fairhold_domain::catalog::check::Drift;
use fairhold_domain::ids::CustomerId;
use fairhold_store::outbox::{self, Mail};
use fairhold_store::told_findings::ToldFinding;
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
    /// The gateway for texts can't be reached or did not take it.
    #[error("gateway for texts")]
    Gateway,
}

impl Mailer {
    /// Hands a mail over under its name ([`Portal::message_id`]). `Ok(false)`: it stays in the outbox.
    pub(crate) async fn send(&self, mail: &Mail, name: String) -> Result<bool, MailError> {
        let Self::Smtp { transport, from } = self else {
            return Ok(false);
        };
        let to: Mailbox = mail.to.parse().map_err(|_| MailError::Address)?;
        let message = Message::builder()
            .from(from.clone())
            .to(to)
            .subject(&mail.subject)
            .message_id(Some(name))
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

impl Portal {
    /// What a mail is called on its way (RFC 5322, 3.6.4): a random id at the portal's own host. The same at each try to send
    /// it, so that whoever gets it twice can tell.
    pub(crate) fn message_id(&self, id: &str) -> String {
        let url = &self.settings().public_url;
        let after_scheme = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
        let host = after_scheme.split(['/', ':']).next().unwrap_or_default();
        format!("<{id}@{host}>")
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

/// A link to join a programme.
#[derive(Template)]
#[template(path = "join.txt")]
pub(crate) struct JoinMail<'a> {
    pub company: &'a str,
    pub programme: &'a str,
    pub link: &'a str,
}

/// A code that proves an address.
#[derive(Template)]
#[template(path = "code.txt")]
pub(crate) struct CodeMail<'a> {
    pub company: &'a str,
    pub code: &'a str,
}

/// Points end soon.
#[derive(Template)]
#[template(path = "points_end.txt")]
pub(crate) struct PointsEndMail<'a> {
    pub company: &'a str,
    pub programme: &'a str,
    /// How many, in words.
    pub points: &'a str,
    /// Whether it is a single one.
    pub one: bool,
    pub day: &'a str,
    pub link: &'a str,
}

/// Somebody took a reward.
#[derive(Template)]
#[template(path = "reward.txt")]
pub(crate) struct RewardMail<'a> {
    pub company: &'a str,
    pub name: &'a str,
    pub words: &'a str,
    pub points: u32,
    pub code: Option<&'a str>,
    pub link: &'a str,
}

/// A copy of all that is held is ready.
#[derive(Template)]
#[template(path = "export_ready.txt")]
pub(crate) struct ExportReadyMail<'a> {
    pub company: &'a str,
    pub link: &'a str,
    pub days: i64,
}

/// All that was held has been erased.
#[derive(Template)]
#[template(path = "erased.txt")]
pub(crate) struct ErasedMail<'a> {
    pub company: &'a str,
    pub link: &'a str,
}

/// An erasure waits for connected systems. To the staff; it says nothing about whom.
#[derive(Template)]
#[template(path = "erasure_waits.txt")]
pub(crate) struct ErasureWaitsMail<'a> {
    pub company: &'a str,
    pub systems: &'a str,
}

/// All that is held will be erased.
#[derive(Template)]
#[template(path = "erasure_asked.txt")]
pub(crate) struct ErasureAskedMail<'a> {
    pub company: &'a str,
    pub day: &'a str,
    pub link: &'a str,
}

/// Somebody wants an account with an address that one logged in with until a short time ago.
#[derive(Template)]
#[template(path = "moved_away.txt")]
pub(crate) struct MovedAwayMail<'a> {
    pub company: &'a str,
    pub link: &'a str,
}

/// Something was done to the account, by its owner or by somebody else.
#[derive(Template)]
#[template(path = "alert.txt")]
pub(crate) struct AlertMail<'a> {
    pub company: &'a str,
    pub sentence: &'a str,
    pub when: &'a str,
    pub link: Option<&'a str>,
}

/// Somebody is invited to the staff.
#[derive(Template)]
#[template(path = "staff_invitation.txt")]
pub(crate) struct StaffInvitationMail<'a> {
    pub company: &'a str,
    pub role: &'a str,
    pub link: &'a str,
}

/// To the staff: what the connected systems have and the catalog lacks, and the other way round.
#[derive(Template)]
#[template(path = "drift.txt")]
pub(crate) struct DriftMail<'a> {
    company: &'a str,
    undescribed: Listed<'a>,
    gone: Listed<'a>,
}

/// The beginning of a list, and how many follow.
struct Listed<'a> {
    shown: Vec<&'a ToldFinding>,
    more: usize,
}

impl<'a> DriftMail<'a> {
    /// A mail that nobody would read to its end says no more than its beginning.
    const MOST: usize = 50;

    /// Subject and text; `None` where there is nothing to tell.
    pub fn of(company: &'a str, told: &'a [ToldFinding]) -> Result<Option<(String, String)>> {
        let mail = Self {
            company,
            undescribed: Self::list(told, Drift::Undescribed),
            gone: Self::list(told, Drift::Gone),
        };
        let subject = if !mail.undescribed.shown.is_empty() {
            "New data that nobody described yet"
        } else if !mail.gone.shown.is_empty() {
            "Data that is described and gone"
        } else {
            return Ok(None);
        };
        Ok(Some((subject.to_owned(), text(&mail)?)))
    }

    fn list(told: &'a [ToldFinding], drift: Drift) -> Listed<'a> {
        let mut all = told.iter().filter(|f| Drift::of(&f.code) == Some(drift));
        let shown = all.by_ref().take(Self::MOST).collect();
        Listed {
            shown,
            more: all.count(),
        }
    }
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
            if let Some(stored) = outbox::get(&mut tx, &key, id, &waiting.mail_id).await? {
                mails.push((waiting.created_at, stored.mail));
            }
        }
        for staff in fairhold_store::staff::all(&mut tx).await? {
            if let Some(waiting) = self.waiting_invitation(staff.id).await? {
                mails.push((waiting.at, waiting.mail));
            }
        }
        mails.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        Ok(mails)
    }
}

/// A template as text.
pub(crate) fn text(template: &impl Template) -> Result<String> {
    template
        .render()
        .map_err(|_| Error::Store(fairhold_store::StoreError::Form))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic: that is how it fails")]

    use fairhold_domain::reading::is_hard_to_read;

    use super::*;

    fn told(code: &str, message: &str) -> ToldFinding {
        ToldFinding {
            connection: "shop".to_owned(),
            code: code.to_owned(),
            message: message.to_owned(),
            file: "datasets/shop.yml".to_owned(),
        }
    }

    fn mail(told: &[ToldFinding]) -> (String, String) {
        let mail = DriftMail::of("Penny's Records", told).unwrap().unwrap();
        for words in [mail.0.as_str()].into_iter().chain(mail.1.lines()) {
            assert_eq!(is_hard_to_read(words), None, "{words}");
        }
        mail
    }

    #[test]
    fn staff_read_what_to_do_about_what_is_new_and_what_is_gone() {
        let new = told("undescribed-column", "Nobody described `mood`.");
        let gone = told("no-such-table", "There is no `luck`.");
        let (subject, both) = mail(&[new.clone(), gone.clone()]);
        assert_eq!(subject, "New data that nobody described yet");
        assert_eq!(
            both,
            r#"Hello,

the portal looked at your systems. They are not as the catalog describes them.

This is new, and nobody described it. Customers see it as "not described yet":

- datasets/shop.yml: Nobody described `mood`.

Run "fairhold check --write-missing". It adds an empty entry for each of these to the file that is named. Open the file, and fill them in.

This is described, and the system does not have it any more:

- datasets/shop.yml: There is no `luck`.

Open the file that is named, and put it right.

Then run "fairhold check". The portal takes up the new files by itself.

Penny's Records"#
        );
        assert!(!mail(&[new]).1.contains("does not have it any more"));
        let (subject, text) = mail(&[gone]);
        assert_eq!(subject, "Data that is described and gone");
        assert!(!text.contains("nobody described") && !text.contains("--write-missing"));
    }

    #[test]
    fn a_long_list_says_how_long_it_is() {
        let new = told("undescribed-table", "A table.");
        let (_, fits) = mail(&vec![new.clone(); DriftMail::MOST]);
        assert!(!fits.contains("more."), "{fits}");
        let (_, long) = mail(&vec![new; DriftMail::MOST + 3]);
        assert_eq!(long.matches("A table.").count(), DriftMail::MOST);
        assert!(long.contains("A table.\n- and 3 more. Run"), "{long}");
    }

    #[test]
    fn what_is_no_drift_is_no_mail() {
        let down = told("database-unreadable", "the system can't be reached");
        assert_eq!(DriftMail::of("Penny's Records", &[down]).unwrap(), None);
    }
}
