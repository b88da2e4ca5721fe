//! What a live database says of itself, as far as the check and the reader need it.

use serde::{Deserialize, Serialize};

/// All tables and views that the connection may read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveSchema {
    /// The schema (in MySQL the database) that a name without one means, where the engine has schemas.
    pub default_schema: Option<String>,
    /// In a stable order: by schema, then by name.
    pub tables: Vec<LiveTable>,
}

/// One table or view.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveTable {
    /// The schema it stands in, where the engine has schemas and it is not the default one.
    pub schema: Option<String>,
    /// Its name as the database spells it.
    pub name: String,
    /// A view has no keys of its own and can't be erased from.
    pub is_view: bool,
    /// In the database's order.
    pub columns: Vec<LiveColumn>,
    /// Columns of the primary key, in its order; empty where there is none.
    pub primary_key: Vec<String>,
    /// Other sets of columns whose values are unique.
    pub unique: Vec<Vec<String>>,
    /// References to other tables.
    pub foreign_keys: Vec<LiveForeignKey>,
    /// Conditions that each row must meet, as far as the database tells them.
    pub checks: Vec<LiveCheck>,
}

/// One column.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own that the database states"
)]
pub struct LiveColumn {
    /// Its name as the database spells it.
    pub name: String,
    /// The declared type, in the engine's words (`NVARCHAR(40)`, `timestamp with time zone`).
    pub sql_type: String,
    /// Whether it may be empty.
    pub nullable: bool,
    /// Computed by the database: it can be read and never written.
    pub generated: bool,
    /// Its type or collation takes different texts for equal, such as `Ada` and `ada`.
    pub loose: bool,
    /// By which collation its texts are compared, in the engine's words: columns of different ones can't be compared as they
    /// are. `None` for what is no text.
    pub collation: Option<String>,
    /// The connection may not read it.
    pub refused: bool,
}

/// A reference that the database enforces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveForeignKey {
    /// Columns of the table that has the reference.
    pub columns: Vec<String>,
    /// The schema of the table it points at, as in [`LiveTable::schema`].
    pub schema: Option<String>,
    /// The table it points at.
    pub table: String,
    /// Columns of that table, in the same order. Empty where its primary key is meant.
    pub references: Vec<String>,
    /// Whether a row goes by itself with the one that it points at (`ON DELETE CASCADE`).
    pub cascades: bool,
}

/// A condition that each row must meet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveCheck {
    /// The columns that it speaks of.
    pub columns: Vec<String>,
    /// Whether it asks for a JSON document.
    pub is_json: bool,
}

impl LiveSchema {
    /// The tables of a schema; of the default one where none is named.
    pub fn in_schema<'a>(&'a self, schema: Option<&str>) -> impl Iterator<Item = &'a LiveTable> {
        let schema = schema.filter(|s| self.default_schema.as_deref() != Some(*s));
        let schema = schema.map(str::to_owned);
        self.tables.iter().filter(move |t| t.schema == schema)
    }

    /// The table of that name: first as it is spelt, then, as SQL folds unquoted names, without regard to capitals.
    pub fn table(&self, schema: Option<&str>, name: &str) -> Option<&LiveTable> {
        self.in_schema(schema).find(|t| t.name == name).or_else(|| {
            self.in_schema(schema)
                .find(|t| t.name.eq_ignore_ascii_case(name))
        })
    }
}

impl LiveTable {
    /// Its name with its schema, where that is not the default one.
    pub fn full_name(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{schema}.{}", self.name),
            None => self.name.clone(),
        }
    }

    /// The column of that name, exactly or without regard to capitals.
    pub fn column(&self, name: &str) -> Option<&LiveColumn> {
        self.columns.iter().find(|c| c.name == name).or_else(|| {
            self.columns
                .iter()
                .find(|c| c.name.eq_ignore_ascii_case(name))
        })
    }
}
