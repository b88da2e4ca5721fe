//! The two schemas are one: the same migrations, tables, columns, keys and references, read from the live databases.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use fairhold_store::Db;

use crate::support::{Stores, on_postgres, on_sqlite};

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, sqlx::FromRow)]
struct Column {
    table_name: String,
    name: String,
    kind: String,
    nullable: bool,
    /// Its place in the primary key, from 1; 0 when it is not in it.
    in_key: i64,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, sqlx::FromRow)]
struct Reference {
    from_table: String,
    from_column: String,
    to_table: String,
    on_delete: String,
}

#[derive(Debug, PartialEq, Eq)]
struct Schema {
    columns: BTreeSet<Column>,
    references: BTreeSet<Reference>,
    /// Indexes by name, with whether they are unique. Those that keys bring along have no name of ours.
    indexes: BTreeMap<String, bool>,
}

const SQLITE_COLUMNS: &str = "SELECT m.name AS table_name, c.name, LOWER(c.type) AS kind, \
    c.\"notnull\" = 0 AS nullable, CAST(c.pk AS BIGINT) AS in_key \
    FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name <> '_sqlx_migrations'";
const SQLITE_REFERENCES: &str = "SELECT m.name AS from_table, f.\"from\" AS from_column, f.\"table\" AS to_table, \
    f.on_delete FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'";
const SQLITE_INDEXES: &str = "SELECT i.name, i.\"unique\" = 1 FROM sqlite_master m JOIN pragma_index_list(m.name) i \
    WHERE m.type = 'table' AND i.origin = 'c'";

const POSTGRES_COLUMNS: &str = "SELECT c.table_name::text, c.column_name::text AS name, c.data_type::text AS kind, \
    c.is_nullable = 'YES' AS nullable, COALESCE(k.ordinal_position, 0)::bigint AS in_key \
    FROM information_schema.columns c \
    LEFT JOIN information_schema.table_constraints t ON t.table_schema = c.table_schema \
        AND t.table_name = c.table_name AND t.constraint_type = 'PRIMARY KEY' \
    LEFT JOIN information_schema.key_column_usage k ON k.constraint_schema = t.constraint_schema \
        AND k.constraint_name = t.constraint_name AND k.column_name = c.column_name \
    WHERE c.table_schema = 'public' AND c.table_name <> '_sqlx_migrations'";
const POSTGRES_REFERENCES: &str = "SELECT k.table_name::text AS from_table, k.column_name::text AS from_column, \
    u.table_name::text AS to_table, r.delete_rule::text AS on_delete FROM information_schema.referential_constraints r \
    JOIN information_schema.key_column_usage k ON k.constraint_name = r.constraint_name \
    JOIN information_schema.constraint_column_usage u ON u.constraint_name = r.constraint_name";
const POSTGRES_INDEXES: &str = "SELECT i.relname::text, x.indisunique FROM pg_index x \
    JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_namespace n ON n.oid = i.relnamespace \
    WHERE n.nspname = 'public' AND NOT x.indisprimary AND i.relname NOT LIKE '\\_sqlx%'";

async fn schema(db: &Db) -> Schema {
    let mut tx = db.read().await.unwrap();
    let [columns, references, indexes] = match db {
        Db::Sqlite(_) => [SQLITE_COLUMNS, SQLITE_REFERENCES, SQLITE_INDEXES],
        Db::Postgres(_) => [POSTGRES_COLUMNS, POSTGRES_REFERENCES, POSTGRES_INDEXES],
    };
    let columns: Vec<Column> = tx.all(columns, []).await.unwrap();
    Schema {
        columns: columns
            .into_iter()
            .map(|c| Column {
                kind: common_kind(&c.kind),
                ..c
            })
            .collect(),
        references: tx.all(references, []).await.unwrap().into_iter().collect(),
        indexes: tx
            .all::<(String, bool)>(indexes, [])
            .await
            .unwrap()
            .into_iter()
            .collect(),
    }
}

/// The one type that each engine has another name for.
fn common_kind(kind: &str) -> String {
    if kind == "bytea" {
        "blob".to_owned()
    } else {
        kind.to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_engines_have_the_same_schema() {
    on_postgres(async |postgres: &Stores| {
        on_sqlite(async |sqlite| {
            for (ours, theirs) in [
                (&sqlite.db, &postgres.db),
                (&sqlite.keys_db, &postgres.keys_db),
            ] {
                let (ours, theirs) = (schema(ours).await, schema(theirs).await);
                assert!(!ours.columns.is_empty());
                assert_eq!(ours, theirs);
            }
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_a_customer_can_be_spread_by_customer() {
    on_sqlite(async |stores| {
        for db in [&stores.db, &stores.keys_db] {
            let columns = schema(db).await.columns;
            let of_customers = columns.iter().filter(|c| c.name == "customer_id");
            for table in of_customers.map(|c| &c.table_name) {
                let mut key: Vec<&Column> = columns
                    .iter()
                    .filter(|c| &c.table_name == table && c.in_key > 0)
                    .collect();
                key.sort_by_key(|c| c.in_key);
                let names: Vec<&str> = key.iter().map(|c| c.name.as_str()).collect();
                let looked_up_by_hash = names.len() == 1 && names[0].ends_with("_hash");
                assert!(
                    names[0] == "customer_id" || looked_up_by_hash,
                    "{table} is led by {names:?}"
                );
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_has_a_primary_key_and_only_the_known_types() {
    on_sqlite(async |stores| {
        for db in [&stores.db, &stores.keys_db] {
            let columns = schema(db).await.columns;
            for column in &columns {
                let known = ["text", "bigint", "boolean", "blob"].contains(&column.kind.as_str());
                assert!(known, "{column:?}");
                let keyed = columns
                    .iter()
                    .any(|c| c.table_name == column.table_name && c.in_key == 1);
                assert!(keyed, "{} has no primary key", column.table_name);
                assert!(
                    column.in_key == 0 || !column.nullable,
                    "{column:?}: SQLite lets keys be null unless told"
                );
            }
        }
    })
    .await;
}

#[test]
fn both_engines_have_migrations_of_the_same_names() {
    for part in ["data", "keys"] {
        let names = |engine: &str| -> BTreeSet<String> {
            let folder = Path::new("../../migrations").join(engine).join(part);
            fs::read_dir(folder)
                .unwrap()
                .map(|e| e.unwrap().file_name().into_string().unwrap())
                .collect()
        };
        assert!(!names("sqlite").is_empty());
        assert_eq!(names("sqlite"), names("postgres"));
    }
}
