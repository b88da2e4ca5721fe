//! Drift: catalog and live database no longer say the same.

/// What a finding says of how the two have drifted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drift {
    /// A table or column is there, and nobody described it.
    Undescribed,
    /// A table or column is described, and not there.
    Gone,
}

impl Drift {
    /// What a finding of this code says; `None` where it is about something else.
    pub fn of(code: &str) -> Option<Self> {
        match code {
            "undescribed-table" | "undescribed-column" => Some(Self::Undescribed),
            "no-such-table" | "no-such-column" => Some(Self::Gone),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::check::{Finding, check_rules, check_schema};
    use crate::catalog::{Catalog, Collection, Dataset, Erase, Field};
    use crate::schema::{LiveColumn, LiveSchema, LiveTable};

    /// A catalog in which `people` has a name.
    fn catalog() -> Catalog {
        let name = Field {
            name: "name".to_owned(),
            erase: Some(Erase::Null),
            ..Field::default()
        };
        let people = Collection {
            name: "people".to_owned(),
            fields: vec![name],
            ..Collection::default()
        };
        let dataset = Dataset {
            connection: Some("shop".to_owned()),
            collections: vec![people],
            ..Dataset::default()
        };
        Catalog {
            datasets: vec![dataset],
            ..Catalog::default()
        }
    }

    fn table(name: &str, columns: &[&str]) -> LiveTable {
        let column = |name: &&str| LiveColumn {
            name: (*name).to_owned(),
            nullable: true,
            ..LiveColumn::default()
        };
        LiveTable {
            name: name.to_owned(),
            columns: columns.iter().map(column).collect(),
            ..LiveTable::default()
        }
    }

    fn findings(tables: Vec<LiveTable>) -> Vec<Finding> {
        let schema = LiveSchema {
            tables,
            ..LiveSchema::default()
        };
        check_schema(&catalog(), "shop", &schema)
    }

    fn drift(tables: Vec<LiveTable>) -> Vec<Option<Drift>> {
        findings(tables).iter().map(|f| Drift::of(f.code)).collect()
    }

    #[test]
    fn what_is_new_or_gone_is_drift() {
        let (new, gone) = (Some(Drift::Undescribed), Some(Drift::Gone));
        assert_eq!(drift(vec![table("people", &["name"])]), []);
        assert_eq!(drift(vec![table("people", &["name", "mood"])]), [new]);
        assert_eq!(
            drift(vec![table("people", &["name"]), table("moods", &[])]),
            [new]
        );
        assert_eq!(drift(vec![table("people", &[])]), [gone]);
        assert_eq!(drift(Vec::new()), [gone]);
        assert_eq!(drift(vec![table("people", &["nickname"])]), [gone, new]);
    }

    #[test]
    fn a_promise_that_is_broken_is_none() {
        let mut people = table("people", &["name"]);
        people.columns.iter_mut().for_each(|c| c.nullable = false);
        let broken = findings(vec![people]);
        assert_eq!(
            broken.iter().map(|f| f.code).collect::<Vec<_>>(),
            ["cannot-be-empty"]
        );
        assert_eq!(Drift::of("cannot-be-empty"), None);
        let rules = check_rules(&catalog());
        assert!(!rules.is_empty());
        assert!(rules.iter().all(|f| Drift::of(f.code).is_none()));
    }
}
