//! Makes the catalog from its files: `company.yml`, `datasets/*.yml` and `asks.yml`.
//!
//! Pure: the caller reads the files. A mistake becomes a finding with its line, and the rest is still read, so that one
//! run names everything that is wrong. Files of other names are left to those who know them.
//!
//! A new key: a line in the list of keys that its place may have, and one where the item is made.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::check::{Finding, in_order};
use super::{Ask, Catalog, ColumnRef, Company, Dataset, OWN_CONNECTION, Place, Reward, keys};
use reader::Reader;

mod asks;
mod company;
mod datasets;
mod reader;

/// A file of the catalog's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// As findings shall name it.
    pub path: String,
    /// What stands in it.
    pub text: String,
}

/// What the files say, as far as they could be read.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Complete only where no finding is an error.
    pub catalog: Catalog,
    /// In the order of files and lines.
    pub findings: Vec<Finding>,
}

/// Reads the catalog's files. A file that can't be read is one finding; the others still load.
pub fn load(files: &[SourceFile]) -> Loaded {
    let mut findings = Vec::new();
    let company = load_company(files, &mut findings);
    let mut dataset_files: Vec<&SourceFile> = files
        .iter()
        .filter(|file| is_dataset_file(&file.path))
        .collect();
    dataset_files.sort_by(|a, b| a.path.cmp(&b.path));
    let mut datasets: Vec<Dataset> = Vec::new();
    for file in dataset_files {
        let mut reader = Reader::new(&file.path, &mut findings);
        for dataset in reader.datasets(&file.text) {
            match datasets.iter().find(|d| d.key == dataset.key) {
                Some(first) => findings.push(Finding::error(
                    &dataset.place,
                    "duplicate-dataset",
                    format!(
                        "The dataset `{}` is described already, in {}:{}. Give this one another `fides_key`.",
                        dataset.key, first.place.file, first.place.line
                    ),
                )),
                None => datasets.push(dataset),
            }
        }
    }
    resolve_references(&mut datasets);
    let company_is_known = company.is_some();
    let (asks, rewards) = load_asks(files, &mut findings);
    let catalog = Catalog {
        company: company.unwrap_or_else(unknown_company),
        datasets,
        asks,
        rewards,
    };
    check_names(&catalog, company_is_known, &mut findings);
    if company_is_known {
        asks::check_ask_names(&catalog, &mut findings);
    }
    Loaded {
        catalog,
        findings: in_order(findings),
    }
}

fn is_yaml(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ext| ext.eq_ignore_ascii_case("yml") || ext.eq_ignore_ascii_case("yaml"))
}

/// Whether it is the file of that name beside the folder of the datasets.
fn is_file(path: &str, name: &str) -> bool {
    let path = Path::new(path);
    is_yaml(path)
        && path.file_stem().is_some_and(|stem| stem == name)
        && path
            .parent()
            .and_then(Path::file_name)
            .is_none_or(|folder| folder != "datasets")
}

fn is_dataset_file(path: &str) -> bool {
    let path = Path::new(path);
    is_yaml(path)
        && path
            .parent()
            .and_then(Path::file_name)
            .is_some_and(|folder| folder == "datasets")
}

/// Stands in for a company file that can't be read.
fn unknown_company() -> Company {
    Company {
        time_zone: "UTC".to_owned(),
        place: Place {
            file: Arc::from("company.yml"),
            line: 0,
        },
        ..Company::default()
    }
}

/// `None` where there is no company file that can be read: names that it declares can't be judged then.
fn load_company(files: &[SourceFile], findings: &mut Vec<Finding>) -> Option<Company> {
    let Some(file) = files.iter().find(|file| is_file(&file.path, "company")) else {
        findings.push(Finding::error(
            &Place { file: Arc::from("company.yml"), line: 0 },
            "no-company",
            "This file is missing. Write it beside the folder `datasets`, with at least `name: Your company`.".to_owned(),
        ));
        return None;
    };
    Reader::new(&file.path, findings).company(&file.text)
}

/// A company that asks for nothing has no such file.
fn load_asks(files: &[SourceFile], findings: &mut Vec<Finding>) -> (Vec<Ask>, Vec<Reward>) {
    let file = files.iter().find(|file| is_file(&file.path, "asks"));
    file.map(|file| Reader::new(&file.path, findings).asks_file(&file.text))
        .unwrap_or_default()
}

/// A reference names its target `collection.field`, and either may hold a dot: what is described decides.
fn resolve_references(datasets: &mut [Dataset]) {
    let names: BTreeMap<String, Vec<String>> = datasets
        .iter()
        .map(|d| {
            (
                d.key.clone(),
                d.collections.iter().map(|c| c.name.clone()).collect(),
            )
        })
        .collect();
    let resolve = |target: &mut ColumnRef| {
        let whole = format!("{}.{}", target.collection, target.field);
        // The shorter collection name first, as `reach` reads it.
        let known = names.get(&target.dataset).and_then(|collections| {
            collections
                .iter()
                .filter_map(|name| {
                    Some((name, whole.strip_prefix(name.as_str())?.strip_prefix('.')?))
                })
                .min_by_key(|(name, _)| name.len())
        });
        if let Some((collection, field)) = known {
            target.collection.clone_from(collection);
            field.clone_into(&mut target.field);
        }
    };
    for dataset in datasets {
        dataset.second_facts.iter_mut().for_each(resolve);
        for field in dataset.collections.iter_mut().flat_map(|c| &mut c.fields) {
            field
                .references
                .iter_mut()
                .for_each(|reference| resolve(&mut reference.to));
        }
    }
}

/// Names that point at something: purposes, recipients, connections, collections, fields.
fn check_names(catalog: &Catalog, company_is_known: bool, findings: &mut Vec<Finding>) {
    for dataset in &catalog.datasets {
        if company_is_known {
            check_company_names(&catalog.company, dataset, findings);
        }
        for second in &dataset.second_facts {
            let place = dataset.said.at("second_facts").unwrap_or(&dataset.place);
            check_target(catalog, second, place, "second-fact-nowhere", findings);
        }
        for collection in &dataset.collections {
            for reference in collection.fields.iter().flat_map(|f| &f.references) {
                check_target(
                    catalog,
                    &reference.to,
                    &reference.place,
                    "reference-nowhere",
                    findings,
                );
            }
            for composite in &collection.references {
                for column in &composite.columns {
                    let target = ColumnRef {
                        dataset: composite.dataset.clone(),
                        collection: composite.collection.clone(),
                        field: column.clone(),
                    };
                    check_target(
                        catalog,
                        &target,
                        &composite.place,
                        "reference-nowhere",
                        findings,
                    );
                }
            }
        }
    }
    if company_is_known {
        let purposes: Vec<&str> = catalog
            .company
            .purposes
            .iter()
            .map(|p| p.key.as_str())
            .collect();
        for form in catalog
            .company
            .sign_ups
            .iter()
            .filter(|form| !form.purpose.is_empty())
        {
            unknown_name(
                &form.purpose,
                &purposes,
                "purpose",
                "unknown-purpose",
                &form.place,
                findings,
            );
        }
    }
}

fn check_company_names(company: &Company, dataset: &Dataset, findings: &mut Vec<Finding>) {
    let purposes: Vec<&str> = company.purposes.iter().map(|p| p.key.as_str()).collect();
    let recipients: Vec<&str> = company.recipients.iter().map(|r| r.key.as_str()).collect();
    let mut connections: Vec<&str> = company.connections.iter().map(String::as_str).collect();
    connections.push(OWN_CONNECTION);
    if let Some(connection) = &dataset.connection {
        let place = dataset.said.at("connection").unwrap_or(&dataset.place);
        unknown_name(
            connection,
            &connections,
            "connection",
            "unknown-connection",
            place,
            findings,
        );
    }
    for field in dataset.collections.iter().flat_map(|c| &c.fields) {
        for purpose in &field.purposes {
            let place = field.said.at("purposes").unwrap_or(&field.place);
            unknown_name(
                purpose,
                &purposes,
                "purpose",
                "unknown-purpose",
                place,
                findings,
            );
        }
        for recipient in &field.seen_by {
            let place = field.said.at("seen_by").unwrap_or(&field.place);
            unknown_name(
                recipient,
                &recipients,
                "recipient",
                "unknown-recipient",
                place,
                findings,
            );
        }
    }
}

fn unknown_name(
    name: &str,
    known: &[&str],
    kind: &str,
    code: &'static str,
    place: &Place,
    findings: &mut Vec<Finding>,
) {
    if known.contains(&name) {
        return;
    }
    let hint = match keys::nearest(name, known) {
        Some(near) => format!("Did you mean `{near}`?"),
        None if known.is_empty() => format!("Declare it under `{kind}s`."),
        None => format!(
            "Write one of: {}; or declare it under `{kind}s`.",
            list(known)
        ),
    };
    findings.push(Finding::error(
        place,
        code,
        format!("There is no {kind} `{name}`. {hint}"),
    ));
}

fn check_target(
    catalog: &Catalog,
    target: &ColumnRef,
    place: &Place,
    code: &'static str,
    findings: &mut Vec<Finding>,
) {
    let shown = format!("{}.{}", target.collection, target.field);
    let Some(dataset) = catalog.dataset(&target.dataset) else {
        let known: Vec<&str> = catalog.datasets.iter().map(|d| d.key.as_str()).collect();
        let hint = did_you_mean(&target.dataset, &known);
        findings.push(Finding::error(
            place,
            code,
            format!("`{shown}` is looked for in the dataset `{}`, which nobody described. {hint}Correct `dataset`.", target.dataset),
        ));
        return;
    };
    let Some(collection) = dataset.collection(&target.collection) else {
        let known: Vec<&str> = dataset
            .collections
            .iter()
            .map(|c| c.name.as_str())
            .collect();
        let hint = did_you_mean(&target.collection, &known);
        findings.push(Finding::error(
            place,
            code,
            format!(
                "The dataset `{}` has no collection `{}`. {hint}Write `field: Collection.column` with a collection of that dataset.",
                target.dataset, target.collection
            ),
        ));
        return;
    };
    if collection.field(&target.field).is_none() {
        let known: Vec<&str> = collection.fields.iter().map(|f| f.name.as_str()).collect();
        let hint = did_you_mean(&target.field, &known);
        findings.push(Finding::error(
            place,
            code,
            format!(
                "The collection `{}` describes no field `{}`. {hint}Correct the name, or describe the field there.",
                target.collection, target.field
            ),
        ));
    }
}

fn did_you_mean(name: &str, known: &[&str]) -> String {
    keys::nearest(name, known)
        .map(|near| format!("Did you mean `{near}`? "))
        .unwrap_or_default()
}

fn list(names: &[&str]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
