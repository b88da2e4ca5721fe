//! Shared rows: what a page points at, such as the product of an order line. They are context, and never lead on.

use std::collections::HashMap;

use super::{
    Session,
    clauses::{write_equal_any, write_filter, write_from, write_key},
    is_of_one_collection, note_failed, with_closed,
};
use crate::{
    ConnectError, Plan,
    plan::{Pair, Source, Step},
    reading::{CollectionRows, Context, MAX_SHARED, Reading, Row, SharedRows},
    sql::{Dialect, Sql, Statement},
    value::{KeyValue, RowKey},
};

/// The shared rows of a reading: each once, whichever own rows point at it.
#[derive(Default)]
pub(super) struct Shared {
    /// Source to entry in [`Reading::shared`].
    entries: HashMap<usize, usize>,
}

impl Shared {
    /// Reads the shared rows that a page points at, one statement a step, and ties them to the page's rows.
    pub(super) async fn attach(
        &mut self,
        session: &mut dyn Session,
        plan: &Plan,
        source: &Source,
        page: &mut CollectionRows,
        links: &[HashMap<String, KeyValue>],
        reading: &mut Reading,
    ) -> Result<(), ConnectError> {
        for step in source.shared.iter().filter(|s| !s.secret) {
            let Some(child) = plan.sources.get(step.child) else {
                continue;
            };
            let dialect = &*plan.dialect;
            let wanted = Wanted::of(dialect, step, links);
            if wanted.tuples.is_empty() {
                continue;
            }
            let mut raw = match session
                .rows(shared_rows(plan, child, step, &wanted.tuples))
                .await
            {
                Ok(raw) => raw,
                Err(error) if is_of_one_collection(error) => {
                    note_failed(reading, child);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let shared = *self.entries.entry(step.child).or_insert_with(|| {
                reading.shared.push(SharedRows {
                    name: child.name.clone(),
                    columns: child.columns.clone(),
                    rows: Vec::new(),
                    is_cut: false,
                });
                reading.shared.len() - 1
            });
            let Some(entry) = reading.shared.get_mut(shared) else {
                continue;
            };
            if raw.len() > MAX_SHARED as usize {
                raw.truncate(MAX_SHARED as usize);
                entry.is_cut = true;
                tracing::warn!(
                    dataset = child.name.dataset,
                    collection = child.name.collection,
                    "a page points at too many shared rows; some are left out"
                );
            }
            for mut row in raw {
                let values = row.values.split_off(child.key_len());
                let key = RowKey(row.values);
                let index = entry
                    .rows
                    .iter()
                    .position(|r| r.key == key)
                    .unwrap_or_else(|| {
                        entry.rows.push(Row {
                            key,
                            cells: with_closed(child, row.cells),
                            context: Vec::new(),
                        });
                        entry.rows.len() - 1
                    });
                for own in wanted.rows_of(dialect, step, &values) {
                    if let Some(own) = page.rows.get_mut(*own) {
                        own.context.push(Context {
                            shared,
                            row: index,
                            through: step.through.clone(),
                        });
                    }
                }
            }
        }
        Ok(())
    }
}

/// The values that a page's rows point with, each once, and which rows point with them.
struct Wanted {
    tuples: Vec<Vec<KeyValue>>,
    rows: HashMap<Vec<String>, Vec<usize>>,
}

impl Wanted {
    fn of(dialect: &dyn Dialect, step: &Step, links: &[HashMap<String, KeyValue>]) -> Self {
        let mut wanted = Self {
            tuples: Vec::new(),
            rows: HashMap::new(),
        };
        for (row, link) in links.iter().enumerate() {
            let tuple: Option<Vec<KeyValue>> = step
                .on
                .iter()
                .map(|pair| link.get(&pair.parent.quoted).cloned())
                .collect();
            let Some(tuple) = tuple else { continue };
            let Some(key) = comparable_all(dialect, step, &tuple) else {
                continue;
            };
            let rows = wanted.rows.entry(key).or_default();
            if rows.is_empty() {
                wanted.tuples.push(tuple);
            }
            rows.push(row);
        }
        wanted
    }

    fn rows_of(&self, dialect: &dyn Dialect, step: &Step, values: &[KeyValue]) -> &[usize] {
        comparable_all(dialect, step, values)
            .and_then(|key| self.rows.get(&key))
            .map_or(&[], Vec::as_slice)
    }
}

/// The values as the database takes them for equal. `None` where one is null: null points at nothing.
fn comparable_all(dialect: &dyn Dialect, step: &Step, values: &[KeyValue]) -> Option<Vec<String>> {
    let comparable = |(pair, value): (&Pair, &KeyValue)| {
        let text = value.comparable()?;
        let are_numbers = !pair.as_text
            && dialect.is_number(&pair.parent.kind)
            && dialect.is_number(&pair.child.kind);
        Some(if are_numbers {
            plain_number(&text)
        } else {
            text
        })
    };
    step.on.iter().zip(values).map(comparable).collect()
}

/// A number without what does not count: `00042` and `42.00` are `42`. With an exponent it stays as it is.
fn plain_number(text: &str) -> String {
    let (sign, digits) = text
        .strip_prefix('-')
        .map_or(("", text), |rest| ("-", rest));
    let is_plain = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if !is_plain {
        return text.to_owned();
    }
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let (whole, fraction) = (
        whole.trim_start_matches('0'),
        fraction.trim_end_matches('0'),
    );
    match (whole, fraction) {
        ("", "") => "0".to_owned(),
        (whole, "") => format!("{sign}{whole}"),
        (whole, fraction) => format!("{sign}{whole}.{fraction}"),
    }
}

fn shared_rows(plan: &Plan, child: &Source, step: &Step, wanted: &[Vec<KeyValue>]) -> Statement {
    let mut sql = Sql::new(&*plan.dialect);
    sql.push("SELECT ");
    write_key(&mut sql, child);
    for pair in &step.on {
        sql.push(", ").select(&pair.child.of("t0"));
    }
    if !child.cells.is_empty() {
        sql.push(", ").push(&child.cells);
    }
    write_from(&mut sql, child, |sql| {
        write_equal_any(sql, step, "t0", wanted);
        write_filter(sql, child, "t0");
    });
    sql.push(&format!(" LIMIT {}", MAX_SHARED + 1));
    sql.finish(child.key_len() + step.on.len())
}

#[cfg(test)]
mod tests {
    use super::plain_number;

    #[test]
    fn numbers_are_equal_however_they_are_written() {
        for (written, plain) in [
            ("42", "42"),
            ("00042", "42"),
            ("42.00", "42"),
            ("-0042.10", "-42.1"),
            ("0.50", ".5"),
            ("0", "0"),
            ("-0.0", "0"),
            ("", "0"),
            ("1e20", "1e20"),
            ("NaN", "NaN"),
            ("100", "100"),
        ] {
            assert_eq!(plain_number(written), plain, "{written}");
        }
    }
}
