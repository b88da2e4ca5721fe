//! The company that runs the portal: its catalog as it was last loaded well, and the systems that the catalog names.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use fairhold_domain::catalog::check::Finding;
use fairhold_domain::catalog::load::{SourceFile, load};
use fairhold_domain::catalog::{Catalog, Dataset, OWN_CONNECTION};
use jiff::tz::TimeZone;

use crate::systems::{Connections, System, systems_of};

/// Where the catalog is read from.
#[derive(Clone, Debug)]
pub struct CompanySource {
    /// The folder with `company.yml` and `datasets/`.
    pub folder: PathBuf,
}

/// The company: cheap to ask for what is current, replaced as a whole when the catalog changes.
pub struct Company {
    source: CompanySource,
    connections: Connections,
    current: RwLock<Arc<Current>>,
}

/// A catalog with everything that follows from it.
pub struct Current {
    /// What the company declares.
    pub catalog: Catalog,
    /// Grows with each load, so that what was made from an older one can be told apart.
    pub revision: u64,
    /// The company's time zone.
    pub zone: TimeZone,
    /// One for each connection that a dataset names.
    pub(crate) systems: Vec<System>,
    fingerprint: Vec<SourceFile>,
}

/// Why a catalog can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CompanyError {
    /// A file or folder can't be read.
    #[error("{path} can't be read: {why}. Name a catalog folder that has a company.yml in it.")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// The operating system's words.
        why: std::io::Error,
    },
    /// The catalog is wrong.
    #[error("the catalog has mistakes:\n{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Mistakes(Vec<Finding>),
}

impl Company {
    pub(crate) fn load(
        source: CompanySource,
        connections: Connections,
    ) -> Result<Self, CompanyError> {
        let current = read(&source, &connections, 1)?;
        Ok(Self {
            source,
            connections,
            current: RwLock::new(Arc::new(current)),
        })
    }

    /// What was last loaded well.
    pub fn current(&self) -> Arc<Current> {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Reads the catalog again if its files have changed; answers whether they had.
    ///
    /// # Errors
    /// When the new files can't be used: then the last good ones stay.
    pub fn reload(&self) -> Result<bool, CompanyError> {
        let known = self.current();
        if read_files(&self.source)? == known.fingerprint {
            return Ok(false);
        }
        let fresh = read(&self.source, &self.connections, known.revision + 1)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
        Ok(true)
    }

    /// The folder whose files are served to everyone: the logo.
    pub fn public_folder(&self) -> PathBuf {
        self.source.folder.join("public")
    }
}

/// Reads the files of a catalog folder: `company.yml`, `asks.yml` where there is one, and `datasets/*.yml` in the order of their names.
pub fn read_files(source: &CompanySource) -> Result<Vec<SourceFile>, CompanyError> {
    let mut paths = vec![source.folder.join("company.yml")];
    let asks = source.folder.join("asks.yml");
    paths.extend(asks.exists().then_some(asks));
    let datasets = source.folder.join("datasets");
    if datasets.is_dir() {
        let entries = std::fs::read_dir(&datasets).map_err(|why| CompanyError::Unreadable {
            path: datasets.clone(),
            why,
        })?;
        let mut found: Vec<PathBuf> = entries
            .filter_map(Result::ok)
            .map(|e| e.path())
            .filter(|p| p.extension().is_some_and(|e| e == "yml" || e == "yaml"))
            .collect();
        found.sort();
        paths.extend(found);
    }
    paths
        .into_iter()
        .map(|path| match std::fs::read(&path) {
            // What is no UTF-8 becomes text that the loader refuses with its line.
            Ok(bytes) => Ok(SourceFile {
                path: path.display().to_string(),
                text: String::from_utf8_lossy(&bytes).into_owned(),
            }),
            Err(why) => Err(CompanyError::Unreadable { path, why }),
        })
        .collect()
}

/// What the portal itself holds, where the company's catalog does not say it in its own words.
const OWN_DATASET: &str = include_str!("own_dataset.yml");

/// It, as a file of a catalog.
fn own_dataset() -> SourceFile {
    SourceFile {
        path: "datasets/portal.yml".to_owned(),
        text: OWN_DATASET.to_owned(),
    }
}

fn read(
    source: &CompanySource,
    connections: &Connections,
    revision: u64,
) -> Result<Current, CompanyError> {
    let files = read_files(source)?;
    let loaded = load(&files);
    let mistakes: Vec<Finding> = loaded
        .findings
        .into_iter()
        .filter(Finding::is_error)
        .collect();
    if !mistakes.is_empty() {
        return Err(CompanyError::Mistakes(mistakes));
    }
    let mut catalog = loaded.catalog;
    describe_own(&mut catalog);
    // Pages show systems in the order in which the company names its connections, and the portal's own last.
    let order = catalog.company.connections.clone();
    catalog.datasets.sort_by_key(|d| {
        order
            .iter()
            .position(|name| d.connection.as_ref() == Some(name))
            .unwrap_or(order.len())
    });
    let zone = TimeZone::get(&catalog.company.time_zone).unwrap_or(TimeZone::UTC);
    let systems = systems_of(&catalog, connections);
    Ok(Current {
        catalog,
        revision,
        zone,
        systems,
        fingerprint: files,
    })
}

/// Adds what the catalog does not say of the portal's own data: all of it, or the fields of the log-in that are new since
/// the company wrote its words.
fn describe_own(catalog: &mut Catalog) {
    let known = load(&[own_dataset()]).catalog.datasets;
    let is_own = |d: &&mut Dataset| d.connection.as_deref() == Some(OWN_CONNECTION);
    if catalog.datasets.iter_mut().find(is_own).is_none() {
        catalog.datasets.extend(known);
        return;
    }
    for collection in known.into_iter().flat_map(|d| d.collections) {
        let own = catalog.datasets.iter_mut().filter(is_own);
        let mut collections = own.flat_map(|d| &mut d.collections);
        if let Some(said) = collections.find(|c| c.name == collection.name) {
            let new = collection.fields.into_iter();
            let new: Vec<_> = new.filter(|f| said.field(&f.name).is_none()).collect();
            said.fields.extend(new);
        } else if let Some(own) = catalog.datasets.iter_mut().find(is_own) {
            own.collections.push(collection);
        }
    }
}

#[cfg(test)]
mod tests {
    use fairhold_domain::facts::withheld;

    use super::*;

    #[test]
    fn what_is_new_is_described_where_the_company_wrote_its_own_words_before() {
        let text = "dataset:\n  - fides_key: ours\n    name: Ours\n    portal: { connection: portal }\n    collections:\n      \
                    - { name: account, fields: [{ name: email, portal: { label: Your mail } }] }\n";
        let path = "datasets/ours.yml".to_owned();
        let text = text.to_owned();
        let mut catalog = load(&[SourceFile { path, text }]).catalog;
        describe_own(&mut catalog);
        let account = catalog
            .dataset("ours")
            .and_then(|d| d.collection("account"));
        let label = |name| account.and_then(|c| c.field(name)?.label.clone());
        assert_eq!(label("email").as_deref(), Some("Your mail"));
        assert_eq!(label("phone_numbers").as_deref(), Some("Phone numbers"));
        assert_eq!(catalog.datasets.len(), 1);
    }

    #[test]
    fn what_the_portal_holds_is_described_where_a_company_does_not() {
        let file = own_dataset();
        let loaded = load(std::slice::from_ref(&file));
        let of_file = |f: &&Finding| f.is_error() && *f.place.file == file.path;
        let mistakes: Vec<_> = loaded.findings.iter().filter(of_file).collect();
        assert!(mistakes.is_empty(), "{mistakes:?}");
        let account = loaded
            .catalog
            .dataset("portal")
            .and_then(|d| d.collection("account"));
        let names: Vec<_> = account.iter().flat_map(|c| &c.fields).collect();
        for name in [
            "email",
            "joined",
            "last_log_in",
            "password",
            "other_addresses",
            "phone_numbers",
            "devices",
            "named_log_ins",
            "app",
            "recovery_codes",
        ] {
            assert!(names.iter().any(|f| f.name == name), "{name}");
        }
        let password = account.and_then(|c| c.field("password"));
        assert!(withheld("password", password).is_some_and(|why| why.contains("scrambled")));
    }
}
