//! What can go wrong in a use case: a closed set, without any value in it.

use crate::asks::AskError;
use crate::contact_points::ContactError;
use crate::own_fields::Refusal;
use crate::rewards::FormError;
use fairhold_domain::email::EmailError;
use fairhold_domain::factors::CodeError;
use fairhold_domain::nickname::NicknameError;
use fairhold_domain::password::PasswordError;
use fairhold_domain::return_to::NotOnTheList;
use fairhold_domain::rewards::RewardError;
use fairhold_domain::second_fact::AnswerError;
use fairhold_store::StoreError;

/// The result of a use case.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a use case did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody is logged in.
    #[error("log in first")]
    LogInFirst,
    /// The address or the password is wrong; never which.
    #[error("wrong address or password")]
    WrongLogIn,
    /// There were too many wrong tries to log in, so this one was not looked at.
    #[error("too many tries; the next is in {seconds} seconds")]
    TooManyTries {
        /// So long until the next try.
        seconds: i64,
    },
    /// The text is no e-mail address.
    #[error("not an address")]
    Email(#[from] EmailError),
    /// The password will not do.
    #[error("not a password")]
    Password(#[from] PasswordError),
    /// The text will not do as a nickname.
    #[error("not a nickname")]
    Nickname(#[from] NicknameError),
    /// Nobody may be sent to this address.
    #[error("not an address to return to")]
    ReturnTo(#[from] NotOnTheList),
    /// The address or number can't be added or proven.
    #[error("not a contact point")]
    Contact(#[from] ContactError),
    /// The answer to an ask was not taken.
    #[error("not an answer to an ask")]
    Ask(#[from] AskError),
    /// The reward can't be taken.
    #[error("not a reward to take")]
    Reward(#[from] RewardError),
    /// What the staff wrote about rewards or points can't stand.
    #[error("not a form that can stand")]
    Form(#[from] FormError),
    /// A system's value was not taken.
    #[error("not a value that may be held")]
    Gate(#[from] Refusal),
    /// The text can be no second fact.
    #[error("not an answer")]
    SecondFact(#[from] AnswerError),
    /// The text can be no code.
    #[error("not a code")]
    Code(#[from] CodeError),
    /// The passkey is none of this portal, or its answer is not to what was asked.
    #[error("not a passkey")]
    Passkey,
    /// The link was used before, is too old, or never was.
    #[error("the link has ended")]
    LinkEnded,
    /// The role of whoever asks does not allow it.
    #[error("not allowed")]
    NotAllowed,
    /// Whoever has this address has a way in already.
    #[error("already of the staff")]
    AlreadyStaff,
    /// A key for a system that has no name, opens nothing or has ended.
    #[error("not a key")]
    ApiKey,
    /// The catalog names no such purpose.
    #[error("no such purpose")]
    UnknownPurpose,
    /// A form was sent twice, and did what it does the first time.
    #[error("made already")]
    MadeAlready,
    /// An `Idempotency-Key` came before, with another request.
    #[error("another request under this key")]
    OtherRequest,
    /// Nobody could let anybody in any more.
    #[error("the last administrator")]
    LastAdministrator,
    /// There are as many copies of a customer's data as they may have.
    #[error("too many copies")]
    TooManyCopies,
    /// The erasure has begun, so it can't be called off or asked for once more.
    #[error("the erasure has begun")]
    ErasureBegan,
    /// There is no such list, page or fact.
    #[error("not found")]
    NotFound,
    /// Too much is going on; a moment later it may work.
    #[error("too busy")]
    Busy,
    /// The system that holds this does not answer.
    #[error("a connected system does not answer")]
    SystemDown,
    /// The store failed: nothing was shown and nothing changed.
    #[error("the store failed: {0}")]
    Store(StoreError),
}

impl From<StoreError> for Error {
    fn from(e: StoreError) -> Self {
        match e {
            StoreError::Busy => Self::Busy,
            e => Self::Store(e),
        }
    }
}

/// Why a portal does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The catalog.
    #[error(transparent)]
    Company(#[from] crate::CompanyError),
    /// The settings name a shop for a programme that the catalog lacks.
    #[error(
        "the settings have a section webhooks.{0}, and the catalog has no programme {0}. Write the key of one that it has."
    )]
    UnknownProgramme(String),
    /// Anything else.
    #[error(transparent)]
    Portal(#[from] Error),
}
