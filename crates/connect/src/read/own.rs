//! Which rows are the customer's own: the start rows, and what the plan's paths lead to from them.

use super::{
    clauses::{side, write_equal_any, write_filter, write_from, write_key_is_any},
    identity::Start,
};
use crate::{
    Plan,
    plan::{Name, Pair, Source, Step},
    sql::Sql,
    value::{KeyValue, RowKey},
};

/// ` FROM … WHERE …`: the rows that are the customer's own. A streamed source is joined to its parents, whose order it
/// follows; any other stands alone.
pub(crate) fn write_own_from(
    sql: &mut Sql,
    plan: &Plan,
    index: usize,
    source: &Source,
    starts: &[Start],
    narrow: impl FnOnce(&mut Sql),
) {
    let parents = streamed_parents(plan, source);
    let path = streamed_path(source);
    let (Some((first, first_alias)), [first_step, steps @ ..]) = (parents.first(), path) else {
        let ways = ways(index, source, starts);
        if sql.dialect.alternatives_hide_index() && source.key.number.is_none() && are_mixed(&ways)
        {
            write_own_by_key(sql, plan, source, ways, starts);
        } else {
            write_from(sql, source, |sql| {
                write_own(sql, plan, source, ways, starts);
            });
        }
        return;
    };
    sql.push(" FROM ")
        .push(&first.table)
        .push(" AS ")
        .push(first_alias);
    for (depth, step) in steps.iter().enumerate() {
        let Some(child) = plan.sources.get(step.child) else {
            return;
        };
        let (outer, inner) = (
            format!("t{}", steps.len() - depth),
            format!("t{}", steps.len() - depth - 1),
        );
        sql.push(" JOIN ")
            .push(&child.table)
            .push(" AS ")
            .push(&inner)
            .push(" ON ");
        write_joined(sql, step, &outer, &inner);
    }
    narrow(sql);
    sql.push(" WHERE (");
    write_ways(
        sql,
        plan,
        way(std::slice::from_ref(first_step), starts).into_iter(),
        first,
        starts,
        steps.len(),
    );
    sql.push(")");
    for (parent, alias) in &parents {
        write_filter(sql, parent, alias);
    }
    write_filter(sql, source, "t0");
}

/// The child's columns of a step equal the parent's.
fn write_joined(sql: &mut Sql, step: &Step, parent: &str, child: &str) {
    let dialect = sql.dialect;
    sql.joined(&step.on, " AND ", "1 = 0", |sql, pair| {
        let child = pair.child.of(child);
        let parent = dialect.collated(&pair.parent.of(parent), &child.kind);
        if dialect.exact_hides_index(&child.kind) {
            sql.push(&child.sql)
                .push(" = ")
                .push(&parent.sql)
                .push(" AND ");
        }
        sql.push(&dialect.exact(&child).sql)
            .push(" = ")
            .push(&dialect.exact_right(&parent).sql);
    });
}

/// ` JOIN …` that leaves of the parents (`t1`) of a streamed source (`t0`) only as many as a page can need, for engines that
/// would sort all the rows of a join. Each of these parents has a row at least, and the first of them may have none behind the
/// cursor, so one more than the page has rows is enough. `order` writes what parents are sorted by, and which of them count.
pub(super) fn write_newest_parents(
    sql: &mut Sql,
    plan: &Plan,
    source: &Source,
    starts: &[Start],
    rows: usize,
    order: impl FnOnce(&mut Sql),
) {
    let [first, last] = streamed_path(source) else {
        return;
    };
    let Some(parent) = plan.sources.get(last.parent) else {
        return;
    };
    if !sql.dialect.joins_lose_order() {
        return;
    }
    let keys = || parent.key.parts.iter().map(|part| &part.column).enumerate();
    sql.push(" JOIN (SELECT ")
        .joined(keys(), ", ", "", |sql, (i, key)| {
            sql.push(&format!("{} AS k{i}", key.of("t1").sql));
        })
        .push(" FROM ")
        .push(&parent.table)
        .push(" AS t1 WHERE (");
    let here = way(std::slice::from_ref(first), starts);
    write_ways(sql, plan, here.into_iter(), parent, starts, 1);
    sql.push(")");
    write_filter(sql, parent, "t1");
    // Written as EXISTS it would become a join, which is sorted whole.
    sql.push(" AND (SELECT 1 FROM ")
        .push(&source.table)
        .push(" AS t0 WHERE ");
    write_joined(sql, last, "t1", "t0");
    write_filter(sql, source, "t0");
    sql.push(" LIMIT 1) = 1");
    order(sql);
    sql.push(&format!(" LIMIT {}) AS newest ON ", rows + 1))
        .joined(keys(), " AND ", "1 = 0", |sql, (i, key)| {
            sql.push(&format!("{} = newest.k{i}", key.of("t1").sql));
        });
}

/// All ways in which a row of a source is the customer's own. Ways that lead nowhere are none: with a constant among the
/// alternatives the database would not use its indexes.
fn ways<'a>(index: usize, source: &'a Source, starts: &'a [Start]) -> Vec<Way<'a>> {
    let here = way_to_starts(index, starts);
    let along = source.paths.iter().filter_map(|path| way(path, starts));
    here.into_iter().chain(along).collect()
}

/// Whether there are several ways, and one of them leads over other tables.
fn are_mixed(ways: &[Way]) -> bool {
    ways.len() > 1 && ways.iter().any(|way| matches!(way, Way::Path(_)))
}

/// The condition that a row of a source is the customer's own.
fn write_own(sql: &mut Sql, plan: &Plan, source: &Source, ways: Vec<Way>, starts: &[Start]) {
    sql.push("(");
    write_ways(sql, plan, ways.into_iter(), source, starts, 0);
    sql.push(")");
    write_filter(sql, source, "t0");
}

/// The condition that a row of a source under the alias `t0` is the customer's own, by itself.
pub(crate) fn write_is_own(
    sql: &mut Sql,
    plan: &Plan,
    index: usize,
    source: &Source,
    starts: &[Start],
) {
    write_own(sql, plan, source, ways(index, source, starts), starts);
}

/// ` FROM … WHERE …` for rows that are the customer's own in several ways: their keys are looked for in one way after the
/// other, each by its own index.
fn write_own_by_key(sql: &mut Sql, plan: &Plan, source: &Source, ways: Vec<Way>, starts: &[Start]) {
    let keys = |alias: &str| -> Vec<String> {
        let parts = source.key.parts.iter();
        parts.map(|part| part.column.of(alias).sql).collect()
    };
    sql.push(" FROM (")
        .joined(ways, " UNION ", "", |sql, way| {
            sql.push("SELECT ")
                .joined(keys("t1").iter().enumerate(), ", ", "", |sql, (i, key)| {
                    sql.push(&format!("{key} AS k{i}"));
                })
                .push(" FROM ")
                .push(&source.table)
                .push(" AS t1 WHERE (");
            write_ways(sql, plan, std::iter::once(way), source, starts, 1);
            sql.push(")");
        })
        .push(") AS own JOIN ")
        .push(&source.table)
        .push(" AS t0 ON ")
        .joined(
            keys("t0").iter().enumerate(),
            " AND ",
            "1 = 0",
            |sql, (i, key)| {
                sql.push(&format!("{key} = own.k{i}"));
            },
        )
        .push(" WHERE 1 = 1");
    write_filter(sql, source, "t0");
}

/// The sources between the start row and a streamed source, the nearest to the start first, each with its alias.
pub(super) fn streamed_parents<'p>(
    plan: &'p Plan,
    source: &'p Source,
) -> Vec<(&'p Source, String)> {
    let steps = streamed_path(source);
    let between = steps.iter().enumerate().skip(1);
    between
        .filter_map(|(i, step)| {
            Some((
                plan.sources.get(step.parent)?,
                format!("t{}", steps.len() - i),
            ))
        })
        .collect()
}

/// The one path of a streamed source; nothing for any other.
fn streamed_path(source: &Source) -> &[Step] {
    source
        .paths
        .first()
        .filter(|_| source.streamed)
        .map_or(&[], Vec::as_slice)
}

/// One way in which a row is the customer's own.
enum Way<'a> {
    /// It is one of these start rows.
    Starts(Vec<&'a RowKey>),
    /// It holds the values of one of the start rows.
    Values(&'a Step, Vec<Vec<KeyValue>>),
    /// It stands at the end of a longer path.
    Path(&'a [Step]),
}

/// The start rows of a source; none where it has none.
fn way_to_starts(source: usize, starts: &[Start]) -> Option<Way<'_>> {
    let here = starts.iter().filter(|s| s.source == source);
    let keys: Vec<&RowKey> = here.map(|s| &s.key).collect();
    (!keys.is_empty()).then_some(Way::Starts(keys))
}

/// The way along a path: none where it leaves from no start row.
fn way<'a>(path: &'a [Step], starts: &'a [Start]) -> Option<Way<'a>> {
    let first = path.first()?;
    let mut from = starts.iter().filter(|s| s.source == first.parent);
    if path.len() == 1 && !first.secret {
        let values: Vec<_> = from
            .filter_map(|start| known_values(first, start))
            .collect();
        (!values.is_empty()).then_some(Way::Values(first, values))
    } else {
        from.next().map(|_| Way::Path(path))
    }
}

/// The start row's values of the step's columns; `None` where one is null, which equals nothing.
fn known_values(step: &Step, start: &Start) -> Option<Vec<KeyValue>> {
    let value = |column: &Name| {
        start
            .links
            .get(&column.quoted)
            .filter(|v| **v != KeyValue::Null)
            .cloned()
    };
    step.on.iter().map(|pair| value(&pair.parent)).collect()
}

/// The rows of `source`, which stands `depth` levels deep, that one of the ways leads to.
fn write_ways<'a>(
    sql: &mut Sql,
    plan: &Plan,
    ways: impl Iterator<Item = Way<'a>>,
    source: &Source,
    starts: &[Start],
    depth: usize,
) {
    let alias = format!("t{depth}");
    sql.joined(ways, " OR ", "1 = 0", |sql, way| match way {
        Way::Starts(keys) => write_key_is_any(sql, source, &alias, &keys),
        Way::Values(step, values) => write_equal_any(sql, step, &alias, &values),
        Way::Path(path) => write_path(sql, plan, path, starts, depth),
    });
}

/// Some engines find no index for several columns at once, or for columns that are compared byte by byte, so each such
/// column is asked for by itself and as loosely as the index is as well. Each such level repeats what lies behind it, so
/// there are few.
const DEPTH_WITH_HINTS: usize = 3;

/// How two columns are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Compare {
    /// As the columns' collations say.
    Loosely,
    /// Byte by byte.
    Exactly,
}

/// The rows at the end of a path, nested from the last step to the first. Each level has its own alias, so that a column
/// which is gone is an error and never the column of that name one level further out.
fn write_path(sql: &mut Sql, plan: &Plan, path: &[Step], starts: &[Start], depth: usize) {
    let Some(step) = path.last() else { return };
    let dialect = sql.dialect;
    let hides = |pair: &Pair| dialect.exact_hides_index(&pair.child.kind);
    let by_itself = step.on.len() > 1 && dialect.rows_hide_index();
    if depth < DEPTH_WITH_HINTS {
        for pair in step.on.iter().filter(|p| by_itself || hides(p)) {
            let compare = if hides(pair) {
                Compare::Loosely
            } else {
                Compare::Exactly
            };
            write_in(
                sql,
                plan,
                path,
                starts,
                depth,
                std::slice::from_ref(pair),
                compare,
            );
            sql.push(" AND ");
        }
    }
    write_in(sql, plan, path, starts, depth, &step.on, Compare::Exactly);
}

/// `(child's columns) IN (SELECT parent's columns …)`.
fn write_in(
    sql: &mut Sql,
    plan: &Plan,
    path: &[Step],
    starts: &[Start],
    depth: usize,
    on: &[Pair],
    compare: Compare,
) {
    let Some((step, before)) = path.split_last() else {
        return;
    };
    let Some(parent) = plan.sources.get(step.parent) else {
        return;
    };
    let (dialect, outer, inner) = (sql.dialect, format!("t{depth}"), format!("t{}", depth + 1));
    sql.push("(").joined(on, ", ", "", |sql, pair| {
        let child = side(dialect, pair, &pair.child, &outer);
        sql.push(&match compare {
            Compare::Loosely => child.sql,
            Compare::Exactly => dialect.exact(&child).sql,
        });
    });
    sql.push(") IN (SELECT ").joined(on, ", ", "", |sql, pair| {
        let parent = side(dialect, pair, &pair.parent, &inner);
        let parent = dialect.collated(&parent, &pair.child.kind);
        sql.push(&match compare {
            Compare::Loosely => parent.sql,
            Compare::Exactly => dialect.exact_right(&parent).sql,
        });
    });
    sql.push(" FROM ")
        .push(&parent.table)
        .push(" AS ")
        .push(&inner)
        .push(" WHERE (");
    let here = if before.is_empty() {
        way_to_starts(step.parent, starts)
    } else {
        way(before, starts)
    };
    write_ways(sql, plan, here.into_iter(), parent, starts, depth + 1);
    sql.push(")");
    write_filter(sql, parent, &inner);
    sql.push(")");
}
