//! The clauses that the statements of a reading share. The rows of a source stand under the alias `t0`, or under the one
//! that is given.

use std::collections::HashMap;

use super::unique;
use crate::{
    plan::{Name, Pair, Source, Step},
    sql::{Dialect, Expr, Kind, Sql},
    value::{KeyValue, RowKey},
};

/// The key's values as the first columns of the outermost SELECT.
pub(crate) fn write_key(sql: &mut Sql, source: &Source) {
    let dialect = sql.dialect;
    sql.joined(&source.key.parts, ", ", "", |sql, part| {
        sql.select(&part.of("t0", dialect));
    });
    if let Some(number) = &source.key.number {
        sql.push(if source.key.parts.is_empty() {
            ""
        } else {
            ", "
        })
        .select(&number_of(number, "t0"));
    }
}

/// The running number of rows that have no key.
pub(super) fn number_of(number: &str, alias: &str) -> Expr {
    Expr::new(format!("{alias}.{number}"), Kind::new("bigint", false))
}

/// The values of columns, by the columns' quoted names.
pub(super) fn values_of(columns: &[&Name], values: Vec<KeyValue>) -> HashMap<String, KeyValue> {
    let names = columns.iter().map(|c| c.quoted.clone());
    names.zip(values).collect()
}

/// ` FROM … AS t0` with the rows that the condition lets through. Where rows are numbered, the condition stands inside:
/// only the rows that it lets through are numbered.
pub(crate) fn write_from(sql: &mut Sql, source: &Source, condition: impl FnOnce(&mut Sql)) {
    let dialect = sql.dialect;
    if let Some(number) = &source.key.number {
        // Only what is selected further out: a secret is not even carried along inside the database.
        let identities = source.identities.iter().map(|i| &i.column.quoted);
        let columns = unique(source.open.iter().chain(identities));
        sql.push(" FROM (SELECT ")
            .joined(columns, "", "", |sql, column| {
                sql.push("t0.").push(column).push(", ");
            });
        sql.push("row_number() OVER (");
        if !source.key.parts.is_empty() {
            sql.push("PARTITION BY ")
                .joined(&source.key.parts, ", ", "", |sql, part| {
                    sql.push(&part.of("t0", dialect).sql);
                });
        }
        sql.push(") AS ")
            .push(number)
            .push(" FROM ")
            .push(&source.table)
            .push(" AS t0 WHERE ");
        condition(sql);
        sql.push(") AS t0");
    } else {
        sql.push(" FROM ").push(&source.table).push(" AS t0 WHERE ");
        condition(sql);
    }
}

pub(crate) fn write_filter(sql: &mut Sql, source: &Source, alias: &str) {
    for (column, value) in &source.filter {
        let text = sql.dialect.as_text(&column.of(alias));
        let exact = sql.dialect.exact(&text);
        sql.push(" AND ")
            .equals(&exact, &KeyValue::Text(value.clone()));
    }
}

/// The key's columns equal these values; a running number is not looked at.
pub(super) fn write_key_is(sql: &mut Sql, source: &Source, alias: &str, key: &RowKey) {
    let dialect = sql.dialect;
    sql.push("(").joined(
        source.key.parts.iter().zip(&key.0),
        " AND ",
        "1 = 1",
        |sql, (part, value)| {
            let column = part.of(alias, dialect);
            if matches!(value, KeyValue::Text(_)) {
                sql.equals_exactly(&column, value);
            } else {
                sql.equals(&column, value);
            }
        },
    );
    sql.push(")");
}

/// The key's columns equal those of one of the keys; a running number is not looked at.
pub(crate) fn write_key_is_any(sql: &mut Sql, source: &Source, alias: &str, keys: &[&RowKey]) {
    let first = |key: &&RowKey| key.0.first().filter(|v| **v != KeyValue::Null).cloned();
    let ([part], Some(values)) = (
        source.key.parts.as_slice(),
        keys.iter().map(first).collect::<Option<Vec<_>>>(),
    ) else {
        sql.any(keys, &mut |sql, key| {
            write_key_is(sql, source, alias, key);
        });
        return;
    };
    let column = part.of(alias, sql.dialect);
    let (texts, others): (Vec<_>, Vec<_>) = values
        .into_iter()
        .partition(|v| matches!(v, KeyValue::Text(_)));
    let by_type = [(true, texts), (false, others)];
    let by_type = by_type.iter().filter(|(_, values)| !values.is_empty());
    sql.push("(")
        .joined(by_type, " OR ", "1 = 0", |sql, (is_text, values)| {
            if *is_text {
                sql.one_of_exactly(&column, values);
            } else {
                sql.one_of(&column, values);
            }
        })
        .push(")");
}

/// One side of a step's comparison, as values that can be compared.
pub(super) fn side(dialect: &dyn Dialect, pair: &Pair, column: &Name, alias: &str) -> Expr {
    let column = column.of(alias);
    if pair.as_text {
        dialect.as_text(&column)
    } else {
        column
    }
}

/// The child's columns of a step equal these values of the parent.
fn write_equal_values(sql: &mut Sql, step: &Step, alias: &str, values: &[KeyValue]) {
    sql.push("(").joined(
        step.on.iter().zip(values),
        " AND ",
        "1 = 0",
        |sql, (pair, value)| write_equal(sql, pair, alias, std::slice::from_ref(value)),
    );
    sql.push(")");
}

/// The child's columns of a step equal those of one of the parents.
pub(crate) fn write_equal_any(sql: &mut Sql, step: &Step, alias: &str, tuples: &[Vec<KeyValue>]) {
    if let [pair] = step.on.as_slice() {
        let values: Vec<KeyValue> = tuples.iter().flatten().cloned().collect();
        sql.push("(");
        write_equal(sql, pair, alias, &values);
        sql.push(")");
    } else {
        sql.any(tuples, &mut |sql, values| {
            write_equal_values(sql, step, alias, values);
        });
    }
}

/// The child's column of a pair equals one of these values of the parent's column.
fn write_equal(sql: &mut Sql, pair: &Pair, alias: &str, values: &[KeyValue]) {
    let child = side(sql.dialect, pair, &pair.child, alias);
    let values: Vec<KeyValue> = values.iter().map(|v| bound(pair.as_text, v)).collect();
    // Bound as the parent's kind: that is what the values are.
    let kind = if pair.as_text {
        &child.kind
    } else {
        &pair.parent.kind
    };
    sql.one_of_exactly(
        &Expr::new(
            child.sql,
            Kind {
                loose: child.kind.loose,
                collation: child.kind.collation.clone(),
                ..kind.clone()
            },
        ),
        &values,
    );
}

/// A value as it is compared with a column.
fn bound(as_text: bool, value: &KeyValue) -> KeyValue {
    match value.comparable() {
        Some(text) if as_text => KeyValue::Text(text),
        _ => value.clone(),
    }
}
