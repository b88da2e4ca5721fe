//! What is the same for all customers of a connection: made once from catalog and live schema, and kept.

use crate::reading::Missing;

/// How a connection's datasets are read: which columns of which tables, along which references.
#[derive(Debug, Default)]
pub struct Plan {
    missing: Vec<Missing>,
    undescribed_tables: Vec<String>,
}

impl Plan {
    /// What the catalog describes and the database lacks; it is skipped, and the rest is read.
    pub fn missing(&self) -> &[Missing] {
        &self.missing
    }

    /// Tables and views of the database that no dataset of the connection mentions, in the schema's order.
    pub fn undescribed_tables(&self) -> &[String] {
        &self.undescribed_tables
    }
}
