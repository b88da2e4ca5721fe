//! What comes from outside: the time and randomness. Injected, so that tests repeat; the real ones are here alone.

use std::sync::Arc;

use fairhold_domain::time::Moment;
use fairhold_store::Random;
use fairhold_store::seal::random_bytes;
use rand::TryRng;
use uuid::Uuid;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The moment it is.
    fn now(&self) -> Moment;
}

/// Clock and randomness.
#[derive(Clone)]
pub struct World {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Gives what nobody can guess.
    pub random: Arc<dyn Random>,
}

impl World {
    /// The machine's own.
    pub fn real() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
        }
    }

    /// A fresh id: `UUIDv7` (RFC 9562), so that ids sort by time.
    pub fn new_id(&self) -> Uuid {
        let millis = u64::try_from(self.clock.now().0 / 1000).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &random_bytes(&*self.random)).into_uuid()
    }
}

struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the real time comes in"
    )]
    fn now(&self) -> Moment {
        Moment::from(jiff::Timestamp::now())
    }
}

struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        // Without randomness nothing can be sealed: there is no safe way on.
        if rand::rngs::SysRng.try_fill_bytes(bytes).is_err() {
            tracing::error!("the operating system gives no randomness");
            std::process::abort();
        }
    }
}
