//! The company's systems as the portal knows them: a connection, the datasets that it holds, and the plan for reading
//! them, which is the same for all customers and made once.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use fairhold_connect::{ConnectError, Connector, Plan};
use fairhold_domain::catalog::{Catalog, Dataset, OWN_CONNECTION};
use fairhold_domain::facts::SystemState;

/// Connections by the names that the catalog uses.
pub type Connections = BTreeMap<String, Arc<dyn Connector>>;

/// One connection and what the catalog says it holds.
pub(crate) struct System {
    /// `None`: the configuration has no connection of that name.
    pub connector: Option<Arc<dyn Connector>>,
    /// Its datasets.
    pub datasets: Vec<Dataset>,
    plan: RwLock<Option<Arc<Plan>>>,
}

/// The systems that a catalog names, in its order; the portal's own records are none of them.
pub(crate) fn systems_of(catalog: &Catalog, connections: &Connections) -> Vec<System> {
    let mut systems: Vec<(&str, System)> = Vec::new();
    for dataset in &catalog.datasets {
        let name = dataset.connection.as_deref().unwrap_or_default();
        if name == OWN_CONNECTION {
            continue;
        }
        match systems.iter_mut().find(|(known, _)| *known == name) {
            Some((_, system)) => system.datasets.push(dataset.clone()),
            None => systems.push((
                name,
                System {
                    connector: connections.get(name).cloned(),
                    datasets: vec![dataset.clone()],
                    plan: RwLock::new(None),
                },
            )),
        }
    }
    systems.into_iter().map(|(_, system)| system).collect()
}

impl System {
    /// The plan for reading it; made from the live schema the first time.
    pub async fn plan(
        &self,
        connector: &dyn Connector,
        timeout: Duration,
    ) -> Result<Arc<Plan>, ConnectError> {
        let known = self
            .plan
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(plan) = known {
            return Ok(plan);
        }
        let schema = tokio::time::timeout(timeout, connector.describe())
            .await
            .unwrap_or(Err(ConnectError::TooSlow))?;
        let plan = Arc::new(connector.plan(&self.datasets, &schema));
        *self.plan.write().unwrap_or_else(PoisonError::into_inner) = Some(plan.clone());
        Ok(plan)
    }

    /// Forgets the plan, because the system's tables have changed.
    pub fn forget_plan(&self) {
        *self.plan.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// What the page says of a system that could not be read.
pub(crate) const fn state_of(error: ConnectError) -> SystemState {
    match error {
        ConnectError::Down | ConnectError::Refused | ConnectError::Damaged => SystemState::Down,
        ConnectError::TooSlow => SystemState::Slow,
        ConnectError::Changed => SystemState::Changed,
        // The system is well; there is no such list.
        ConnectError::NoSuchPage => SystemState::Shown,
    }
}
