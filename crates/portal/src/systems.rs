//! The company's systems as the portal knows them: a connection, the datasets that it holds, and the plan for reading
//! them, which is the same for all customers and made
//! anew now and then.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fairhold_connect::{ConnectError, Connector, Plan};
use fairhold_domain::catalog::{Catalog, Dataset, OWN_CONNECTION};
use fairhold_domain::facts::SystemState;
use fairhold_domain::schema::LiveSchema;
use fairhold_domain::time::Moment;

/// Seconds after which a plan is made anew: so long may a new table or column go unnoticed.
const PLAN_AGE: i64 = 60;

/// Connections by the names that the catalog uses.
pub type Connections = BTreeMap<String, Arc<dyn Connector>>;

/// One connection and what the catalog says it holds.
pub(crate) struct System {
    /// The connection's name.
    pub connection: String,
    /// `None`: the configuration has no connection of that name.
    pub connector: Option<Arc<dyn Connector>>,
    /// Its datasets.
    pub datasets: Vec<Dataset>,
    planned: Mutex<Option<Planned>>,
}

/// A plan, and when somebody last set out to look at the live schema.
struct Planned {
    plan: Arc<Plan>,
    looked_at: Moment,
}

/// The systems that a catalog names, in its order; the portal's own records are none of them.
pub(crate) fn systems_of(catalog: &Catalog, connections: &Connections) -> Vec<System> {
    let mut systems: Vec<System> = Vec::new();
    for dataset in &catalog.datasets {
        let name = dataset.connection.as_deref().unwrap_or_default();
        if name == OWN_CONNECTION {
            continue;
        }
        match systems.iter_mut().find(|known| known.connection == name) {
            Some(system) => system.datasets.push(dataset.clone()),
            None => systems.push(System {
                connection: name.to_owned(),
                connector: connections.get(name).cloned(),
                datasets: vec![dataset.clone()],
                planned: Mutex::new(None),
            }),
        }
    }
    systems
}

impl System {
    /// The plan for reading it. The first caller after [`PLAN_AGE`] looks at the live schema again, while all others go on
    /// by the old plan, and so does this one where the system does not say in time what it has.
    pub async fn plan(
        &self,
        connector: &dyn Connector,
        timeout: Duration,
        now: Moment,
    ) -> Result<Arc<Plan>, ConnectError> {
        let Some((old, is_due)) = self.known(now) else {
            return self.make_plan(connector, timeout, now).await;
        };
        if !is_due {
            return Ok(old);
        }
        // The rest of the time is for reading.
        self.make_plan(connector, timeout / 2, now)
            .await
            .or(Ok(old))
    }

    /// The plan, and whether this caller is the one who looks at the live schema again.
    fn known(&self, now: Moment) -> Option<(Arc<Plan>, bool)> {
        let mut planned = self.planned();
        let known = planned.as_mut()?;
        let is_due = now.seconds_since(known.looked_at) >= PLAN_AGE;
        if is_due {
            known.looked_at = now;
        }
        Some((known.plan.clone(), is_due))
    }

    async fn make_plan(
        &self,
        connector: &dyn Connector,
        timeout: Duration,
        now: Moment,
    ) -> Result<Arc<Plan>, ConnectError> {
        let schema = describe(connector, timeout).await?;
        let plan = Arc::new(connector.plan(&self.datasets, &schema));
        *self.planned() = Some(Planned {
            plan: plan.clone(),
            looked_at: now,
        });
        Ok(plan)
    }

    /// Forgets the plan, because the system's tables have changed.
    pub fn forget_plan(&self) {
        *self.planned() = None;
    }

    fn planned(&self) -> MutexGuard<'_, Option<Planned>> {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the live database has, if it says so in time.
pub(crate) async fn describe(
    connector: &dyn Connector,
    timeout: Duration,
) -> Result<LiveSchema, ConnectError> {
    tokio::time::timeout(timeout, connector.describe())
        .await
        .unwrap_or(Err(ConnectError::TooSlow))
}

/// What the page says of a system that could not be read.
pub(crate) const fn state_of(error: ConnectError) -> SystemState {
    match error {
        ConnectError::Down
        | ConnectError::Refused
        | ConnectError::Damaged
        | ConnectError::Bound
        | ConnectError::Failed => SystemState::Down,
        ConnectError::TooSlow => SystemState::Slow,
        ConnectError::Changed => SystemState::Changed,
        // The system is well; there is no such list.
        ConnectError::NoSuchPage => SystemState::Shown,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic: that is how it fails")]

    use fairhold_connect::{Column, ReadRequest, SqliteConnector, SqliteSettings};
    use fairhold_domain::catalog::{Collection, Field};
    use fairhold_domain::email::EmailAddress;
    use sqlx::ConnectOptions as _;
    use sqlx::sqlite::SqliteConnectOptions;

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(20);

    fn shop() -> System {
        let email = Field {
            name: "email".to_owned(),
            identity: Some("email".to_owned()),
            verified: true,
            ..Field::default()
        };
        let customer = Collection {
            name: "customer".to_owned(),
            fields: vec![email],
            ..Collection::default()
        };
        let dataset = Dataset {
            key: "shop".to_owned(),
            connection: Some("shop".to_owned()),
            collections: vec![customer],
            ..Dataset::default()
        };
        let catalog = Catalog {
            datasets: vec![dataset],
            ..Catalog::default()
        };
        systems_of(&catalog, &Connections::new()).remove(0)
    }

    fn connector(path: &std::path::Path) -> SqliteConnector {
        SqliteConnector::new(SqliteSettings {
            path: path.to_owned(),
            max_connections: 1,
            timeout: TIMEOUT,
        })
    }

    /// The columns that the catalog does not describe, as the plan reads them.
    async fn undescribed(connector: &SqliteConnector, plan: &Plan) -> Vec<String> {
        let contacts = EmailAddress::parse("ada@example.com").unwrap().into();
        let found = connector.find(plan, &contacts).await.unwrap();
        let request = ReadRequest {
            contacts,
            start: found.into_iter().map(|f| f.row).collect(),
            proven: Vec::new(),
            only: None,
            after: None,
            page: 1,
            count_up_to: 1,
        };
        let mut reading = connector.read(plan, &request).await.unwrap();
        let columns: Vec<Column> = reading.collections.remove(0).columns;
        columns
            .into_iter()
            .filter(|c| !c.described)
            .map(|c| c.name)
            .collect()
    }

    #[tokio::test]
    async fn a_new_column_is_noticed_when_the_plan_has_grown_old() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true);
        let mut writer = options.connect().await.unwrap();
        let make =
            "CREATE TABLE customer (email TEXT); INSERT INTO customer VALUES ('ada@example.com')";
        sqlx::raw_sql(make).execute(&mut writer).await.unwrap();
        let (system, shop) = (shop(), connector(&path));
        let start = Moment(0);
        let first = system.plan(&shop, TIMEOUT, start).await.unwrap();
        assert_eq!(undescribed(&shop, &first).await, [""; 0]);

        sqlx::raw_sql("ALTER TABLE customer ADD COLUMN mood TEXT")
            .execute(&mut writer)
            .await
            .unwrap();
        let young = start.plus_seconds(PLAN_AGE - 1);
        let same = system.plan(&shop, TIMEOUT, young).await.unwrap();
        assert!(Arc::ptr_eq(&first, &same));
        let old = start.plus_seconds(PLAN_AGE);
        let anew = system.plan(&shop, TIMEOUT, old).await.unwrap();
        assert_eq!(undescribed(&shop, &anew).await, ["mood"]);
    }

    #[tokio::test]
    async fn the_old_plan_stays_while_the_system_does_not_say_what_it_has() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true);
        options.connect().await.unwrap();
        let system = shop();
        let gone = connector(&folder.path().join("nothing.db"));
        let start = Moment(0);
        assert!(system.plan(&gone, TIMEOUT, start).await.is_err());
        let first = system
            .plan(&connector(&path), TIMEOUT, start)
            .await
            .unwrap();
        let old = start.plus_seconds(PLAN_AGE);
        let kept = system.plan(&gone, TIMEOUT, old).await.unwrap();
        assert!(Arc::ptr_eq(&first, &kept));
        // The next look is an age away, so that a system in trouble is not asked by each reader.
        let next = system
            .plan(&connector(&path), TIMEOUT, old.plus_seconds(1))
            .await
            .unwrap();
        assert!(Arc::ptr_eq(&first, &next));
    }
}
