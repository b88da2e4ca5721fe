//! What the demo starts with. Refused outside it.

use fairhold_domain::access::Look;
use fairhold_domain::email::EmailAddress;
use fairhold_domain::ids::CustomerId;
use fairhold_domain::time::Moment;
use fairhold_store::accounts::{self, address_hash};
use fairhold_store::records::{self, OwnRecord, OwnValue};
use fairhold_store::{StoreError, looks};
use secrecy::SecretString;

use crate::error::{Error, Result};
use crate::{Portal, own_values};

/// A customer that the demo starts with.
pub struct DemoCustomer<'a> {
    /// Address to log in with.
    pub email: &'a str,
    /// Opens nothing but the demo.
    pub password: &'a str,
    /// Since when they have an account.
    pub since: Moment,
    /// Values that the portal itself holds, by `collection.field`.
    pub values: Vec<(String, OwnValue)>,
    /// Looks that others took, oldest first.
    pub looks: Vec<(Moment, Look)>,
}

impl Portal {
    /// Adds a customer with a proven address; leaves one that is there as they are.
    ///
    /// # Errors
    /// [`Error::NotFound`] outside the demo.
    pub async fn add_demo_customer(&self, demo: DemoCustomer<'_>) -> Result<()> {
        if !self.settings().demo {
            return Err(Error::NotFound);
        }
        let address = EmailAddress::parse(demo.email)?;
        let address_hash = address_hash(&self.inner.keys.portal().addresses, &address);
        if accounts::by_address(&mut self.inner.db.read().await?, &address_hash)
            .await?
            .is_some()
        {
            return Ok(());
        }
        let customer = CustomerId(self.inner.world.new_id());
        let password = SecretString::from(demo.password);
        let password_hash = self
            .inner
            .passwords
            .hash(password, &*self.inner.world.random)
            .await?;
        let key = self.inner.keys.create(customer, self.now()).await?;
        let mut record = OwnRecord::default();
        record.values.insert(
            own_values::ADDRESS.to_owned(),
            own_values::given(address.as_str(), demo.since),
        );
        record.values.extend(demo.values);
        let (since, others) = (demo.since, demo.looks);
        let looks_key = self.inner.keys.portal().looks.clone();
        let random = self.inner.world.random.clone();
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    accounts::add(tx, customer, &address_hash, since).await?;
                    accounts::set_password(tx, customer, &password_hash, since).await?;
                    records::write(tx, &key, &*random, customer, &record, 0).await?;
                    for (at, look) in &others {
                        looks::append(tx, &looks_key, customer, *at, look).await?;
                    }
                    Ok::<(), StoreError>(())
                })
            })
            .await?;
        Ok(())
    }
}
