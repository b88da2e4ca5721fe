//! The one place where SQL is put together. Identifiers come from the plan, which took them from the live schema, and
//! are quoted here; values are always bound.

use std::{fmt, sync::Arc};

use fairhold_domain::{contact_point::ContactPoint, schema::LiveTable};

use crate::value::KeyValue;

/// An expression, and what an engine has to know of it to compare, sort and show what it yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expr {
    pub sql: String,
    pub kind: Kind,
}

/// What kind of values an expression yields.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Kind {
    /// The declared type, in the engine's words.
    pub sql_type: Arc<str>,
    /// Whether its collation or type takes different texts for equal.
    pub loose: bool,
    /// The collation that it is compared by; `None` where it has none.
    pub collation: Option<Arc<str>>,
}

/// What differs between engines.
pub(crate) trait Dialect: fmt::Debug + Send + Sync {
    /// A name as an identifier, whatever is in it.
    fn quote(&self, name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    /// The marker of the statement's n-th value, counted from 1.
    fn placeholder(&self, number: usize) -> String;

    /// Whether values of the two declared types can be compared as they are; otherwise they are compared as text.
    fn comparable(&self, one: &str, other: &str) -> bool;

    /// One expression that yields a column for showing, in the form that the engine's session turns into a
    /// [`crate::Cell`]; it never yields more than [`crate::MAX_CELL_BYTES`] and a little.
    fn cell(&self, column: &Expr) -> String;

    /// The length that [`Dialect::cell`] notes of a long value or a file, as a number.
    fn noted_length(&self, column: &Expr) -> String;

    /// A piece of a long value, as bytes of UTF-8, or of a file: from a place that is counted from 1, at most so many
    /// characters or bytes, whichever of them the engine finds its place by. Empty behind the end.
    fn piece(&self, column: &Expr, from: u64, length: u64) -> String;

    /// The expression as it is selected to become a [`KeyValue`], from which [`Dialect::bound`] makes the same value again.
    fn value(&self, expression: &Expr) -> String {
        expression.sql.clone()
    }

    /// A bound value's marker, as a value of that kind.
    fn bound(&self, marker: String, _: &Kind) -> String {
        marker
    }

    /// The value as text, whole.
    fn as_text(&self, expression: &Expr) -> Expr;

    /// The beginning of the value as text, at most that many characters, sorted byte by byte.
    fn beginning(&self, expression: &Expr, characters: u32) -> Expr;

    /// The expression, compared byte by byte whatever the column's collation says.
    fn exact(&self, expression: &Expr) -> Expr;

    /// The other side of a comparison with what [`Dialect::exact`] made.
    fn exact_right(&self, expression: &Expr) -> Expr {
        self.exact(expression)
    }

    /// The expression, to be compared with one of the other kind by the other's collation, so that the other's index serves.
    fn collated(&self, expression: &Expr, _other: &Kind) -> Expr {
        expression.clone()
    }

    /// Whether values of that kind are numbers, which are equal however they are written.
    fn is_number(&self, _: &Kind) -> bool {
        false
    }

    /// Whether no index serves a comparison with [`Dialect::exact`], so that it pays to ask loosely as well.
    fn exact_hides_index(&self, kind: &Kind) -> bool {
        kind.loose
    }

    /// Whether no index serves `(a, b) IN (SELECT ...)`, so that it pays to ask for each column by itself as well.
    fn rows_hide_index(&self) -> bool {
        false
    }

    /// Whether no index serves `a = 1 OR b IN (SELECT ...)`, so that it pays to look for one after the other.
    fn alternatives_hide_index(&self) -> bool {
        true
    }

    /// Whether the rows of a join are all sorted before the first comes, even where an index has them in order.
    fn joins_lose_order(&self) -> bool {
        true
    }

    /// The expression in a form that can be sorted by, and whose comparisons agree with how it sorts.
    fn sortable(&self, expression: &Expr) -> Expr {
        expression.clone()
    }

    /// An ORDER BY term: smallest first, nulls before all.
    fn ascending(&self, expression: &str, _nullable: bool) -> String {
        format!("{expression} ASC")
    }

    /// An ORDER BY term: largest first, nulls after all.
    fn descending(&self, expression: &str, _nullable: bool) -> String {
        format!("{expression} DESC")
    }

    /// The engine's own key of a table that has no key.
    fn row_id(&self, _: &LiveTable) -> Option<&'static str> {
        None
    }

    /// `DELETE` from a table whose rows stand under that alias, up to its `WHERE`.
    fn delete(&self, table: &str, alias: &str) -> String {
        format!("DELETE FROM {table} AS {alias}")
    }

    /// A condition that is true of every text which fits the pattern, whatever the case of its ASCII letters.
    fn may_hold(&self, sql: &mut Sql<'_>, expression: &Expr, pattern: &Pattern);
}

/// What a text must be like to be a contact point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    /// For LIKE, with `!` before what is meant as it stands.
    pub like: String,
    /// Whether there must be a letter beyond ASCII, lest `%%@gmail.com%` let all of Gmail through.
    pub beyond_ascii: bool,
}

/// True of every text that could normalise to the contact point, and of few others; the comparison in Rust decides.
///
/// Any letter of an address beyond ASCII may be stored in either case, composed or not, and white space may stand around;
/// between the digits of a number stand all kinds of signs.
pub(crate) fn pattern_of(point: &ContactPoint) -> Pattern {
    let mut like = String::from("%");
    match point {
        ContactPoint::Email(address) => {
            for c in address.as_str().chars() {
                match c {
                    '%' | '_' | '!' => like.extend(['!', c]),
                    c if c.is_ascii() => like.push(c),
                    _ => like.push('%'),
                }
            }
            like.push('%');
        }
        ContactPoint::Phone(number) => {
            number
                .national()
                .chars()
                .for_each(|c| like.extend([c, '%']));
        }
    }
    Pattern {
        like,
        beyond_ascii: !point.as_str().is_ascii(),
    }
}

impl Kind {
    pub fn new(sql_type: &str, loose: bool) -> Self {
        Self {
            sql_type: sql_type.into(),
            loose,
            collation: None,
        }
    }

    /// Whether two texts are compared by different collations.
    pub fn collates_unlike(&self, other: &Self) -> bool {
        matches!((&self.collation, &other.collation), (Some(one), Some(other)) if one != other)
    }
}

impl Expr {
    pub fn new(sql: String, kind: Kind) -> Self {
        Self { sql, kind }
    }
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

    /// The expression, selected so that a [`KeyValue`] comes back.
    pub fn select(&mut self, expression: &Expr) -> &mut Self {
        let value = self.dialect.value(expression);
        self.push(&value)
    }

    pub fn bind(&mut self, value: KeyValue, kind: &Kind) -> &mut Self {
        self.binds.push(value);
        let marker = self.dialect.placeholder(self.binds.len());
        let bound = self.dialect.bound(marker, kind);
        self.push(&bound)
    }

    /// `expression = value`, true also where both are null.
    pub fn equals(&mut self, expression: &Expr, value: &KeyValue) -> &mut Self {
        self.push(&expression.sql);
        match value {
            KeyValue::Null => self.push(" IS NULL"),
            value => self.push(" = ").bind(value.clone(), &expression.kind),
        }
    }

    /// [`Sql::equals`], byte by byte whatever the collation takes for equal.
    pub fn equals_exactly(&mut self, expression: &Expr, value: &KeyValue) -> &mut Self {
        if *value != KeyValue::Null && self.dialect.exact_hides_index(&expression.kind) {
            self.equals(expression, value).push(" AND ");
        }
        let exact = self.dialect.exact(expression);
        self.equals(&exact, value)
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

    /// The expression equals one of the values, none of which is null.
    pub fn one_of(&mut self, expression: &Expr, values: &[KeyValue]) -> &mut Self {
        self.push(&expression.sql);
        if let [value] = values {
            return self.push(" = ").bind(value.clone(), &expression.kind);
        }
        self.push(" IN (")
            .joined(values, ", ", "", |sql, value| {
                sql.bind(value.clone(), &expression.kind);
            })
            .push(")")
    }

    /// [`Sql::one_of`], byte by byte whatever the collation takes for equal.
    pub fn one_of_exactly(&mut self, expression: &Expr, values: &[KeyValue]) -> &mut Self {
        if self.dialect.exact_hides_index(&expression.kind) {
            self.one_of(expression, values).push(" AND ");
        }
        let exact = self.dialect.exact(expression);
        self.one_of(&exact, values)
    }

    pub fn finish(self, values: usize) -> Statement {
        Statement {
            sql: self.text,
            binds: self.binds,
            values,
        }
    }
}
