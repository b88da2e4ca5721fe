//! The one place where SQL is put together. Identifiers come from the plan, which took them from the live schema, and
//! are quoted here; values are always bound.

use std::fmt;

use fairhold_domain::schema::LiveTable;

use crate::value::KeyValue;

/// What differs between engines. Expressions come in ready-made and quoted.
pub(crate) trait Dialect: fmt::Debug + Send + Sync {
    /// A name as an identifier, whatever is in it.
    fn quote(&self, name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    /// The marker of the statement's n-th value, counted from 1.
    fn placeholder(&self, number: usize) -> String;

    /// What family of values a declared type holds: two columns of different families are compared as text.
    fn family(&self, sql_type: &str) -> Family;

    /// One expression that yields a column for showing, in the form that the engine's session turns into a
    /// [`crate::Cell`]; it never yields more than [`crate::MAX_CELL_BYTES`] and a little.
    fn cell(&self, column: &str, sql_type: &str) -> String;

    /// The value as text, whole.
    fn as_text(&self, expression: &str) -> String;

    /// The beginning of the value as text: at most `characters`.
    fn beginning(&self, expression: &str, characters: u32) -> String;

    /// The expression, compared byte by byte whatever the column's collation says.
    fn exact(&self, expression: &str) -> String;

    /// An ORDER BY term: smallest first, nulls before all.
    fn ascending(&self, expression: &str) -> String;

    /// An ORDER BY term: largest first, nulls after all.
    fn descending(&self, expression: &str) -> String;

    /// The engine's own key of a table that has no primary key.
    fn row_id(&self, table: &LiveTable) -> Option<&'static str>;

    /// A condition that is true of every text which could normalise to the address, and of few others. `address` is in
    /// the normal form of [`fairhold_domain::email::EmailAddress::normalise`].
    fn may_hold(&self, sql: &mut Sql<'_>, expression: &str, address: &str);
}

/// Families of declared types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// Characters.
    Text,
    /// Numbers of all kinds.
    Number,
    /// Anything else.
    Other,
}

/// A finished statement.
#[derive(Debug)]
pub(crate) struct Statement {
    pub sql: String,
    pub binds: Vec<KeyValue>,
    /// That many columns come first and are typed values; the rest are cells.
    pub values: usize,
}

/// A statement being written.
#[derive(Debug)]
pub(crate) struct Sql<'d> {
    pub dialect: &'d dyn Dialect,
    text: String,
    binds: Vec<KeyValue>,
}

impl<'d> Sql<'d> {
    pub fn new(dialect: &'d dyn Dialect) -> Self {
        Self {
            dialect,
            text: String::with_capacity(1024),
            binds: Vec::new(),
        }
    }

    pub fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    pub fn bind(&mut self, value: KeyValue) -> &mut Self {
        self.binds.push(value);
        let marker = self.dialect.placeholder(self.binds.len());
        self.push(&marker)
    }

    /// `column = value`, true also where both are null.
    pub fn equals(&mut self, column: &str, value: &KeyValue) -> &mut Self {
        match value {
            KeyValue::Null => self.push(column).push(" IS NULL"),
            value => self.push(column).push(" = ").bind(value.clone()),
        }
    }

    /// Writes the parts with a word between them, or `nothing` where there are none.
    pub fn joined<T>(
        &mut self,
        parts: impl IntoIterator<Item = T>,
        between: &str,
        nothing: &str,
        mut write: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        let mut first = true;
        for part in parts {
            if !first {
                self.push(between);
            }
            first = false;
            write(self, part);
        }
        if first { self.push(nothing) } else { self }
    }

    /// The items with OR between them, or `1 = 0` where there are none. Halved again and again: databases limit how deep an
    /// expression may be nested (`SQLite` at 1,000), and a plain row of ORs is nested as deep as it is long.
    pub fn any<T>(&mut self, items: &[T], write: &mut dyn FnMut(&mut Self, &T)) -> &mut Self {
        match items {
            [] => self.push("1 = 0"),
            [one] => {
                write(self, one);
                self
            }
            _ => {
                let (left, right) = items.split_at(items.len() / 2);
                self.push("(").any(left, write);
                self.push(" OR ").any(right, write).push(")")
            }
        }
    }

    /// `column` equals one of the values, none of which is null.
    pub fn one_of(&mut self, column: &str, values: &[KeyValue]) -> &mut Self {
        self.push(column);
        if let [value] = values {
            return self.push(" = ").bind(value.clone());
        }
        self.push(" IN (")
            .joined(values, ", ", "", |sql, value| {
                sql.bind(value.clone());
            })
            .push(")")
    }

    pub fn finish(self, values: usize) -> Statement {
        Statement {
            sql: self.text,
            binds: self.binds,
            values,
        }
    }
}
