//! Which rows are the customer's: from the identity outward, by the rules on whose rows they are.
//!
//! Pure: the connectors turn the paths into their engine's SQL.
//!
//! The rules (catalog.md, "Whose rows"):
//! - start at the collections that hold an identity and are not `others` or `nobody`;
//! - follow a reference only from a row that is the customer's own;
//! - a row that is reached *from* its parent (`direction: from`) is own unless the file says otherwise; a row that an
//!   own row points *to* (`direction: to`) is shared unless the file says `own`;
//! - shared rows are context: never followed onward; `others` and `nobody` are never read;
//! - a reference without a direction is followed only where both ends say whose rows they hold.
//!
//! What follows from them, on the safe side:
//! - a path never visits a collection twice, so a reference of a collection to itself (`referred_by`) is followed zero
//!   times and cycles end;
//! - a collection that has own rows is nobody's context: a row of it that is not the customer's is somebody else's;
//! - a collection that holds an identity is found by that identity alone unless the file says `own` (then paths lead
//!   there too) or `shared`: in the Fides sample an employee's row must not bring the requests of the customers they served.
//!
//! Limits: references lead only to datasets of the same connection (no database joins with another); a collection is
//! reached by its [`MAX_PATHS`] shortest paths, each of at most [`MAX_HOPS`] hops.

use std::collections::VecDeque;

use crate::catalog::{Collection, Dataset, Direction, Rows};

/// The most ways along which one collection is reached; the shortest are taken.
pub const MAX_PATHS: usize = 8;

/// The longest way from an identity, in hops.
pub const MAX_HOPS: usize = 12;

/// Where a collection stands: indexes into the datasets and the dataset's collections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Spot {
    /// Index of the dataset.
    pub dataset: usize,
    /// Index of the collection in it.
    pub collection: usize,
}

/// One hop between two collections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// Where the row that is already known stands.
    pub parent: Spot,
    /// Where the rows that follow from it stand.
    pub child: Spot,
    /// Pairs of (parent's column, child's column) that must be equal.
    pub on: Vec<(String, String)>,
}

/// How a collection's rows are tied to the customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tie {
    /// Holds the identity in this field: rows are found by it.
    Identity {
        /// The column.
        field: String,
        /// `email`, `phone_number`...
        kind: String,
        /// Whether the company proved it.
        verified: bool,
    },
    /// The customer's own, by a chain of hops from an identity collection, first hop first.
    Own(Vec<Hop>),
    /// Context of own rows: the hop leads from an own collection here.
    Shared(Hop),
}

/// What is known of a collection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// All the ways in which its rows are tied to the customer; a row that any of them finds is shown once.
    pub ties: Vec<Tie>,
}

/// Whose rows each collection holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// One entry a dataset, in it one a collection, in their order.
    pub datasets: Vec<Vec<Reached>>,
}

impl Reached {
    /// Whether rows of it are the customer's own.
    pub fn is_own(&self) -> bool {
        self.ties
            .iter()
            .any(|t| matches!(t, Tie::Identity { .. } | Tie::Own(_)))
    }

    /// Whether rows of it are shown only as context.
    pub fn is_shared(&self) -> bool {
        !self.is_own() && !self.ties.is_empty()
    }
}

impl Reach {
    /// What is known of that collection; nothing for a place that the datasets do not have.
    pub fn at(&self, spot: Spot) -> Option<&Reached> {
        self.datasets.get(spot.dataset)?.get(spot.collection)
    }

    fn at_mut(&mut self, spot: Spot) -> Option<&mut Reached> {
        self.datasets
            .get_mut(spot.dataset)?
            .get_mut(spot.collection)
    }

    fn tie(&mut self, spot: Spot, tie: Tie) {
        if let Some(reached) = self.at_mut(spot)
            && !reached.ties.contains(&tie)
        {
            reached.ties.push(tie);
        }
    }

    fn own_paths(&self, spot: Spot) -> usize {
        self.at(spot).map_or(0, |r| {
            r.ties.iter().filter(|t| matches!(t, Tie::Own(_))).count()
        })
    }
}

/// Works out the ties of each collection. Datasets of several connections may be given at once; each is reached from
/// the identities of its own connection.
pub fn reach(datasets: &[Dataset]) -> Reach {
    let mut reach = Reach {
        datasets: datasets
            .iter()
            .map(|d| vec![Reached::default(); d.collections.len()])
            .collect(),
    };
    let edges = edges(datasets);

    let mut waiting: VecDeque<Vec<Hop>> = VecDeque::new();
    for (spot, collection) in spots(datasets) {
        if !is_read(collection) {
            continue;
        }
        for field in &collection.fields {
            if let Some(kind) = &field.identity {
                let tie = Tie::Identity {
                    field: field.name.clone(),
                    kind: kind.clone(),
                    verified: field.verified,
                };
                reach.tie(spot, tie);
            }
        }
        if holds_identity(collection) && collection.rows != Some(Rows::Shared) {
            waiting.extend(own_hops(&edges, spot).map(|hop| vec![hop.clone()]));
        }
    }

    // Breadth first: the shortest paths come first, so the bound cuts the longest.
    while let Some(path) = waiting.pop_front() {
        let Some(last) = path.last() else { continue };
        let here = last.child;
        if reach.own_paths(here) >= MAX_PATHS {
            continue;
        }
        if path.len() < MAX_HOPS {
            for hop in own_hops(&edges, here) {
                if path
                    .iter()
                    .all(|earlier| earlier.parent != hop.child && earlier.child != hop.child)
                {
                    let mut longer = path.clone();
                    longer.push(hop.clone());
                    waiting.push_back(longer);
                }
            }
        }
        reach.tie(here, Tie::Own(path));
    }

    for edge in edges.iter().filter(|e| e.child_is == Rows::Shared) {
        let from_own = reach.at(edge.hop.parent).is_some_and(|parent| {
            parent.is_own()
                && collection_at(datasets, edge.hop.parent)
                    .is_some_and(|c| c.rows != Some(Rows::Shared))
        });
        if from_own
            && reach
                .at(edge.hop.child)
                .is_some_and(|child| !child.is_own())
        {
            reach.tie(edge.hop.child, Tie::Shared(edge.hop.clone()));
        }
    }
    reach
}

/// A hop that may be followed once its parent is own, and whose the child's rows are then.
struct Edge {
    hop: Hop,
    child_is: Rows,
}

fn own_hops(edges: &[Edge], parent: Spot) -> impl Iterator<Item = &Hop> {
    edges
        .iter()
        .filter(move |e| e.hop.parent == parent && e.child_is == Rows::Own)
        .map(|e| &e.hop)
}

/// All hops that the files allow: both ends are read, and they are not the same collection.
fn edges(datasets: &[Dataset]) -> Vec<Edge> {
    let mut edges = Vec::new();
    for (spot, collection) in spots(datasets) {
        for link in links(collection) {
            let Some((other, columns)) = resolve(datasets, spot, &link) else {
                continue;
            };
            let Some(target) = collection_at(datasets, other) else {
                continue;
            };
            if other == spot || !is_read(collection) || !is_read(target) {
                continue;
            }
            let both_say = collection.rows.is_some() && target.rows.is_some();
            let (found_from, points_to) = match link.direction {
                Some(Direction::From) => (true, false),
                Some(Direction::To) => (false, true),
                None => (both_say, both_say),
            };
            let pairs = || columns.iter().cloned().zip(link.columns.iter().cloned());
            if found_from && let Some(child_is) = rows_of_child(collection, Rows::Own) {
                edges.push(Edge {
                    hop: Hop {
                        parent: other,
                        child: spot,
                        on: pairs().collect(),
                    },
                    child_is,
                });
            }
            if points_to && let Some(child_is) = rows_of_child(target, Rows::Shared) {
                let on = pairs().map(|(there, here)| (here, there)).collect();
                edges.push(Edge {
                    hop: Hop {
                        parent: spot,
                        child: other,
                        on,
                    },
                    child_is,
                });
            }
        }
    }
    edges
}

/// Whose rows a child holds where a reference leads there; `None` where it must not lead there.
fn rows_of_child(child: &Collection, unless_said: Rows) -> Option<Rows> {
    match child.rows {
        Some(rows) => Some(rows),
        None if holds_identity(child) => None,
        None => Some(unless_said),
    }
}

fn is_read(collection: &Collection) -> bool {
    !matches!(collection.rows, Some(Rows::Others | Rows::Nobody))
}

fn holds_identity(collection: &Collection) -> bool {
    collection.fields.iter().any(|f| f.identity.is_some())
}

/// A reference of one or several columns, as both ways of writing it come down to.
struct Link<'a> {
    columns: Vec<String>,
    dataset: &'a str,
    collection: &'a str,
    there: Vec<String>,
    direction: Option<Direction>,
}

fn links(collection: &Collection) -> impl Iterator<Item = Link<'_>> {
    let single = collection.fields.iter().flat_map(|field| {
        field.references.iter().map(|reference| Link {
            columns: vec![field.name.clone()],
            dataset: &reference.to.dataset,
            collection: &reference.to.collection,
            there: vec![reference.to.field.clone()],
            direction: reference.direction,
        })
    });
    let composite = collection.references.iter().map(|reference| Link {
        columns: reference.fields.clone(),
        dataset: &reference.dataset,
        collection: &reference.collection,
        there: reference.columns.clone(),
        direction: reference.direction,
    });
    single
        .chain(composite)
        .filter(|l| !l.columns.is_empty() && l.columns.len() == l.there.len())
}

/// Where a link leads, and the columns there. `a.b.c` may mean the collection `a` with the nested field `b.c`, or the
/// collection `a.b` with the field `c`: the one that exists is meant, the shorter collection name first.
fn resolve(datasets: &[Dataset], from: Spot, link: &Link) -> Option<(Spot, Vec<String>)> {
    let home = datasets.get(from.dataset)?;
    let (dataset, there) = datasets.iter().enumerate().find(|(index, d)| {
        d.key == link.dataset
            && (*index == from.dataset
                || (d.connection.is_some() && d.connection == home.connection))
    })?;
    let find = |name: &str| {
        let collection = there.collections.iter().position(|c| c.name == name)?;
        Some(Spot {
            dataset,
            collection,
        })
    };
    if let Some(spot) = find(link.collection) {
        return Some((spot, link.there.clone()));
    }
    let [field] = link.there.as_slice() else {
        return None;
    };
    let path = format!("{}.{field}", link.collection);
    path.match_indices('.').find_map(|(dot, _)| {
        let (collection, field) = path.split_at(dot);
        find(collection).map(|spot| (spot, vec![field.trim_start_matches('.').to_owned()]))
    })
}

fn spots(datasets: &[Dataset]) -> impl Iterator<Item = (Spot, &Collection)> {
    datasets.iter().enumerate().flat_map(|(dataset, d)| {
        d.collections
            .iter()
            .enumerate()
            .map(move |(collection, c)| {
                (
                    Spot {
                        dataset,
                        collection,
                    },
                    c,
                )
            })
    })
}

fn collection_at(datasets: &[Dataset], spot: Spot) -> Option<&Collection> {
    datasets.get(spot.dataset)?.collections.get(spot.collection)
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::indexing_slicing,
        reason = "a test may panic: that is how it fails"
    )]

    use proptest::prelude::*;

    use super::*;
    use crate::catalog::{ColumnRef, CompositeReference, Field, Place, Reference};

    /// A collection of a test: `name`, whose rows, and `column -> target` with a direction.
    fn collection(
        name: &str,
        rows: Option<Rows>,
        references: &[(&str, &str, Option<Direction>)],
    ) -> Collection {
        let fields = references
            .iter()
            .map(|(column, target, direction)| {
                let (collection, field) = target.split_once('.').unwrap_or((target, "id"));
                let to = ColumnRef {
                    dataset: "d".into(),
                    collection: collection.into(),
                    field: field.into(),
                };
                let reference = Reference {
                    to,
                    direction: *direction,
                    place: Place::default(),
                };
                Field {
                    name: (*column).into(),
                    references: vec![reference],
                    ..Field::default()
                }
            })
            .collect();
        Collection {
            name: name.into(),
            rows,
            fields,
            ..Collection::default()
        }
    }

    fn with_email(mut collection: Collection) -> Collection {
        let email = Field {
            name: "email".into(),
            identity: Some("email".into()),
            ..Field::default()
        };
        collection.fields.push(email);
        collection
    }

    fn dataset(collections: Vec<Collection>) -> Vec<Dataset> {
        vec![Dataset {
            key: "d".into(),
            connection: Some("c".into()),
            collections,
            ..Dataset::default()
        }]
    }

    /// Each tie as the names that it leads over: `=` for an identity, `a>b` for own, `a~b` for shared.
    fn ties(datasets: &[Dataset], name: &str) -> Vec<String> {
        let reach = reach(datasets);
        let name_at = |s: Spot| datasets[s.dataset].collections[s.collection].name.as_str();
        let spot = spots(datasets)
            .find(|(_, c)| c.name == name)
            .map(|(s, _)| s);
        let reached = spot.and_then(|s| reach.at(s)).cloned().unwrap_or_default();
        let said = |tie: &Tie| match tie {
            Tie::Identity { .. } => "=".to_owned(),
            Tie::Own(path) => path
                .iter()
                .fold(name_at(path[0].parent).to_owned(), |said, hop| {
                    said + ">" + name_at(hop.child)
                }),
            Tie::Shared(hop) => format!("{}~{}", name_at(hop.parent), name_at(hop.child)),
        };
        reached.ties.iter().map(said).collect()
    }

    const FROM: Option<Direction> = Some(Direction::From);
    const TO: Option<Direction> = Some(Direction::To);
    const NONE: [&str; 0] = [];

    #[test]
    fn own_rows_lead_to_their_children_and_point_at_shared_ones() {
        let d = dataset(vec![
            with_email(collection(
                "customer",
                None,
                &[("rep", "employee.id", TO), ("home", "address.id", TO)],
            )),
            collection("order", None, &[("customer_id", "customer.id", FROM)]),
            collection(
                "line",
                None,
                &[
                    ("order_id", "order.id", FROM),
                    ("product_id", "product.id", TO),
                ],
            ),
            collection("product", None, &[("maker", "maker.id", TO)]),
            collection("maker", None, &[]),
            collection("address", None, &[]),
            with_email(collection("employee", Some(Rows::Others), &[])),
            collection("payslip", None, &[("employee_id", "employee.id", FROM)]),
            collection("card", None, &[("address_id", "address.id", FROM)]),
        ]);
        assert_eq!(ties(&d, "customer"), ["="]);
        assert_eq!(ties(&d, "line"), ["customer>order>line"]);
        assert_eq!(ties(&d, "product"), ["line~product"]);
        assert_eq!(ties(&d, "address"), ["customer~address"]);
        for never in ["maker", "employee", "payslip", "card"] {
            assert_eq!(ties(&d, never), NONE, "{never}");
        }
    }

    #[test]
    fn the_file_has_the_last_word_on_whose_rows() {
        let d = dataset(vec![
            with_email(collection(
                "customer",
                None,
                &[("profile_id", "profile.id", TO)],
            )),
            collection("profile", Some(Rows::Own), &[]),
            collection("picture", None, &[("profile_id", "profile.id", FROM)]),
            collection(
                "review",
                Some(Rows::Shared),
                &[("customer_id", "customer.id", FROM)],
            ),
            collection("reply", None, &[("review_id", "review.id", FROM)]),
            collection(
                "setting",
                Some(Rows::Nobody),
                &[("customer_id", "customer.id", FROM)],
            ),
        ]);
        assert_eq!(ties(&d, "picture"), ["customer>profile>picture"]);
        assert_eq!(ties(&d, "review"), ["customer~review"]);
        assert_eq!(ties(&d, "reply"), NONE);
        assert_eq!(ties(&d, "setting"), NONE);
    }

    #[test]
    fn a_reference_without_a_direction_needs_rows_on_both_ends() {
        let both = |customer, order| {
            let d = dataset(vec![
                with_email(collection("customer", customer, &[])),
                collection("order", order, &[("customer_id", "customer.id", None)]),
            ]);
            ties(&d, "order")
        };
        assert_eq!(both(Some(Rows::Own), Some(Rows::Own)), ["customer>order"]);
        assert_eq!(
            both(Some(Rows::Own), Some(Rows::Shared)),
            ["customer~order"]
        );
        assert_eq!(both(None, Some(Rows::Own)), NONE);
        assert_eq!(both(Some(Rows::Own), None), NONE);
    }

    #[test]
    fn nobody_is_reached_through_a_reference_to_themselves_or_to_other_customers() {
        for direction in [FROM, TO, None] {
            let d = dataset(vec![
                with_email(collection(
                    "customer",
                    Some(Rows::Own),
                    &[("referred_by", "customer.id", direction)],
                )),
                collection(
                    "order",
                    Some(Rows::Own),
                    &[
                        ("customer_id", "customer.id", FROM),
                        ("gift_for", "customer.id", direction),
                    ],
                ),
            ]);
            assert_eq!(ties(&d, "customer"), ["="], "{direction:?}");
        }
        let d = dataset(vec![
            with_email(collection("customer", None, &[])),
            collection(
                "order",
                None,
                &[
                    ("customer_id", "customer.id", FROM),
                    ("gift_for", "customer.id", TO),
                ],
            ),
        ]);
        assert_eq!(ties(&d, "customer"), ["="]);
    }

    #[test]
    fn an_identity_collection_is_entered_from_elsewhere_only_where_the_file_says_so() {
        let requests = |rows| {
            let d = dataset(vec![
                with_email(collection("employee", None, &[])),
                with_email(collection(
                    "request",
                    rows,
                    &[("employee_id", "employee.id", FROM)],
                )),
            ]);
            ties(&d, "request")
        };
        assert_eq!(requests(None), ["="]);
        assert_eq!(requests(Some(Rows::Own)), ["=", "employee>request"]);
        assert_eq!(requests(Some(Rows::Others)), NONE);
    }

    #[test]
    fn a_shared_collection_is_found_by_its_identity_and_never_followed() {
        let d = dataset(vec![
            with_email(collection(
                "household",
                Some(Rows::Shared),
                &[("address_id", "address.id", TO)],
            )),
            collection("bill", None, &[("household_id", "household.id", FROM)]),
            collection("address", None, &[]),
        ]);
        assert_eq!(ties(&d, "household"), ["="]);
        assert_eq!(ties(&d, "bill"), NONE);
        assert_eq!(ties(&d, "address"), NONE);
    }

    #[test]
    fn several_identities_and_several_paths_all_count_shortest_first() {
        let d = dataset(vec![
            with_email(collection("customer", None, &[])),
            with_email(collection("subscriber", None, &[])),
            collection("order", None, &[("customer_id", "customer.id", FROM)]),
            collection(
                "message",
                None,
                &[
                    ("order_id", "order.id", FROM),
                    ("to", "subscriber.id", FROM),
                    ("from", "customer.id", FROM),
                ],
            ),
        ]);
        assert_eq!(
            ties(&d, "message"),
            [
                "customer>message",
                "subscriber>message",
                "customer>order>message"
            ]
        );
    }

    #[test]
    fn composite_references_and_dotted_names_lead_where_they_say() {
        let mut line = collection("line", None, &[]);
        line.references.push(CompositeReference {
            fields: vec!["shop".into(), "number".into()],
            dataset: "d".into(),
            collection: "old.orders".into(),
            columns: vec!["shop_id".into(), "no".into()],
            direction: FROM,
            place: Place::default(),
        });
        let d = dataset(vec![
            with_email(collection("customer", None, &[])),
            collection(
                "old.orders",
                None,
                &[("customer_id", "customer.person.id", FROM)],
            ),
            // Split at the first dot this says collection `old`, field `orders.id`.
            collection("note", None, &[("order_id", "old.orders.id", FROM)]),
            line,
        ]);
        let path = |name: &str| {
            let spot = spots(&d).find(|(_, c)| c.name == name).map(|(s, _)| s)?;
            match reach(&d).at(spot)?.ties.first()? {
                Tie::Own(path) => path.last().map(|hop| hop.on.clone()),
                _ => None,
            }
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(
            path("old.orders"),
            Some(vec![pair("person.id", "customer_id")])
        );
        assert_eq!(path("note"), Some(vec![pair("id", "order_id")]));
        assert_eq!(
            path("line"),
            Some(vec![pair("shop_id", "shop"), pair("no", "number")])
        );
    }

    #[test]
    fn only_datasets_of_one_connection_are_joined() {
        let reached = |connection: &str| {
            let mut d = dataset(vec![with_email(collection("customer", None, &[]))]);
            d.extend(dataset(vec![collection(
                "visit",
                None,
                &[("customer_id", "customer.id", FROM)],
            )]));
            d[1].key = "e".into();
            d[1].connection = Some(connection.into());
            ties(&d, "visit")
        };
        assert_eq!(reached("c"), ["customer>visit"]);
        assert_eq!(reached("another"), NONE);
    }

    fn any_collections() -> impl Strategy<Value = Vec<Collection>> {
        let rows = prop_oneof![
            Just(None),
            Just(Some(Rows::Own)),
            Just(Some(Rows::Shared)),
            Just(Some(Rows::Others)),
            Just(Some(Rows::Nobody))
        ];
        let reference = (0..10usize, prop_oneof![Just(FROM), Just(TO), Just(None)]);
        let one = (rows, any::<bool>(), prop::collection::vec(reference, 0..6));
        prop::collection::vec(one, 1..10).prop_map(|all| {
            let named = all
                .iter()
                .enumerate()
                .map(|(i, (rows, identity, references))| {
                    let targets: Vec<(String, String, Option<Direction>)> = references
                        .iter()
                        .enumerate()
                        .map(|(n, (to, d))| (format!("f{n}"), format!("c{to}.id"), *d))
                        .collect();
                    let targets: Vec<_> = targets
                        .iter()
                        .map(|(a, b, d)| (a.as_str(), b.as_str(), *d))
                        .collect();
                    let made = collection(&format!("c{i}"), *rows, &targets);
                    if *identity { with_email(made) } else { made }
                });
            named.collect()
        })
    }

    proptest! {
        /// Any graph, cycles and all: it ends, and no path breaks the rules.
        #[test]
        fn every_path_keeps_the_rules(collections in any_collections()) {
            let d = dataset(collections);
            let reach = reach(&d);
            for (spot, collection) in spots(&d) {
                let ties = &reach.datasets[0][spot.collection].ties;
                if !is_read(collection) {
                    prop_assert!(ties.is_empty());
                }
                prop_assert!(ties.iter().filter(|t| matches!(t, Tie::Own(_))).count() <= MAX_PATHS);
                let own = ties.iter().any(|t| matches!(t, Tie::Own(_) | Tie::Identity { .. }));
                for tie in ties {
                    match tie {
                        Tie::Identity { .. } => prop_assert!(holds_identity(collection)),
                        Tie::Own(path) => {
                            let mut visited: Vec<Spot> = path.iter().map(|h| h.parent).collect();
                            prop_assert_eq!(path.last().map(|h| h.child), Some(spot));
                            prop_assert!(holds_identity(&d[0].collections[visited[0].collection]));
                            for parent in &visited {
                                let rows = d[0].collections[parent.collection].rows;
                                prop_assert!(matches!(rows, None | Some(Rows::Own)), "followed from {:?}", rows);
                            }
                            visited.push(spot);
                            visited.sort();
                            visited.dedup();
                            prop_assert_eq!(visited.len(), path.len() + 1, "visited twice");
                        }
                        Tie::Shared(hop) => {
                            prop_assert!(!own);
                            prop_assert!(reach.at(hop.parent).is_some_and(Reached::is_own));
                        }
                    }
                }
            }
        }
    }
}
