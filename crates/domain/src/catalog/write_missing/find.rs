//! Where in a file's tree a piece of the catalog stands.

use super::Spot;
use super::syntax::{Kind, Node};

/// The map that describes the spot.
pub(super) fn find<'n>(root: &'n Node, spot: &Spot) -> Option<&'n Node> {
    let is_wanted =
        |node: &&Node| node.get("fides_key").and_then(Node::text) == Some(spot.dataset.as_str());
    let dataset = match root.get("dataset") {
        Some(list) if matches!(list.kind, Kind::List { .. }) => list.items().iter().find(is_wanted),
        Some(alone) => Some(alone).filter(is_wanted),
        None => Some(root).filter(is_wanted),
    }?;
    let Some((schema, name)) = &spot.collection else {
        return Some(dataset);
    };
    let collection = dataset.get("collections")?.items().iter().find(|node| {
        let named = node
            .get("portal")
            .and_then(|portal| portal.get("schema")?.text());
        node.get("name").and_then(Node::text) == Some(name) && named == schema.as_deref()
    })?;
    match &spot.field {
        Some(field) => find_field(collection, "", field),
        None => Some(collection),
    }
}

/// As the loader flattens fields: one with parts stands for its parts.
fn find_field<'n>(parent: &'n Node, prefix: &str, wanted: &str) -> Option<&'n Node> {
    parent.get("fields")?.items().iter().find_map(|node| {
        let name = format!("{prefix}{}", node.get("name")?.text()?);
        if node
            .get("fields")
            .is_some_and(|parts| !parts.items().is_empty())
        {
            return find_field(node, &format!("{name}."), wanted);
        }
        (name == wanted).then_some(node)
    })
}

/// The entry behind which a key reads best: long lists of other things come last.
pub(super) fn entry_before(map: &Node, key: &str) -> Option<usize> {
    let long = ["collections", "fields"];
    let end = map.entries().len().checked_sub(1);
    if long.contains(&key) {
        return end;
    }
    let list = map
        .entries()
        .iter()
        .position(|entry| entry.key.text().is_some_and(|key| long.contains(&key)));
    list.and_then(|at| at.checked_sub(1)).or(end)
}
