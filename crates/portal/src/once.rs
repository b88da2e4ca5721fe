//! Changes of other systems that are made once, however often they are sent.
//!
//! A use case takes an [`Once`], and in the transaction of its change asks for its [`Turn`]:
//!
//! ```text
//! let kept = db.write(move |tx| Box::pin(async move {
//!     let first = match portal.turn(tx, &system, once).await? {
//!         Turn::Again(answer) => return Ok(answer),
//!         Turn::First(first) => first,
//!     };
//!     // … the change, its record, its job …
//!     first.keep(tx, 201, &answer).await
//! }));
//! ```
//!
//! A change that fails is undone with its claim, so that it can be sent again under the same key.

use fairhold_store::idempotency_keys::{self, Asked, Found};
use fairhold_store::{StoreError, Tx};
use serde::Serialize;

pub use fairhold_store::idempotency_keys::Answer as KeptAnswer;

use crate::Portal;
use crate::api_keys::System;
use crate::error::{Error, Result};

/// Under which key a change is made once; without one it is made each time that it is sent.
#[derive(Clone, Debug)]
pub struct Once(Option<Sent>);

#[derive(Clone, Debug)]
struct Sent {
    key: String,
    call: String,
    body: Vec<u8>,
}

impl Once {
    /// A change whose system sent no key.
    pub const fn without_key() -> Self {
        Self(None)
    }

    /// A change under what its system made up for it: `call` is the method and the address, `body` what was sent.
    pub fn under(key: &str, call: &str, body: &[u8]) -> Self {
        Self(Some(Sent {
            key: key.to_owned(),
            call: call.to_owned(),
            body: body.to_owned(),
        }))
    }
}

/// An answer that may be kept for a day, out of reach of a customer's key: nothing in it is about a person. Ids of the
/// portal's own may be in it, values and addresses may not.
pub trait AboutNobody: Serialize {}

/// Whether a change is still to be made.
#[derive(Debug)]
pub enum Turn {
    /// It is to be made now, and its answer kept.
    First(First),
    /// It was made before.
    Again(KeptAnswer),
}

/// The duty to keep the answer of a change.
#[derive(Debug)]
#[must_use = "the answer has to be kept in the transaction of its change"]
pub struct First(Option<Asked>);

impl First {
    /// Keeps the answer, and gives it back as it is sent.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn keep<T: AboutNobody + Sync>(
        self,
        tx: &mut Tx,
        status: u16,
        body: &T,
    ) -> Result<KeptAnswer> {
        let body = serde_json::to_string(body).map_err(|_| StoreError::Form)?;
        let answer = KeptAnswer { status, body };
        if let Some(asked) = self.0 {
            idempotency_keys::keep(tx, &asked, &answer).await?;
        }
        Ok(answer)
    }
}

impl Portal {
    /// Whether a system's change is still to be made. Of several that come at once, the others wait until the first has
    /// ended.
    ///
    /// # Errors
    /// [`Error::OtherRequest`] where the key came before with another request.
    pub async fn turn(&self, tx: &mut Tx, system: &System, once: Once) -> Result<Turn> {
        let Some(sent) = once.0 else {
            return Ok(Turn::First(First(None)));
        };
        // Bodies may hold addresses: a plain hash of one could be guessed.
        let key = self.inner.keys.portal().requests.derive("idempotency");
        let hash = |parts: &[&[u8]]| fairhold_store::seal::hex(&key.keyed_hash(parts));
        let asked = Asked {
            api_key_id: system.key().id.clone(),
            key_hash: hash(&[b"key", sent.key.as_bytes()]),
            request_hash: hash(&[b"request", sent.call.as_bytes(), &sent.body]),
        };
        match idempotency_keys::claim(tx, &asked, self.now()).await? {
            Found::New => Ok(Turn::First(First(Some(asked)))),
            Found::Made(answer) => Ok(Turn::Again(answer)),
            Found::Other => Err(Error::OtherRequest),
        }
    }
}
