//! Every type of column that an engine has is read, and what can't be shown says that it is there.

use fairhold_connect::Cell;

use crate::support::{
    Database, Engine, datasets, engines, plan, read, read_all_pages, rows_of, shown,
};

const CUSTOMER: &str = "
      - name: customer
        fields:
          - { name: id, fides_meta: { primary_key: true } }
          - { name: email, fides_meta: { identity: email }, portal: { verified: true } }
";

/// A database of that engine, unless it can't be tried here.
async fn database(engine: Engine, statements: &[&str]) -> Option<Database> {
    if engines().contains(&engine) {
        Some(Database::as_written(engine, statements).await)
    } else {
        None
    }
}

/// What each column of Ada's only row shows, by the column's name.
async fn shows(database: &Database) -> Vec<(String, String)> {
    let connector = &*database.connector();
    let plan = plan(connector, &datasets(CUSTOMER)).await;
    let reading = read(connector, &plan, "ada@example.com").await;
    let rows = rows_of(&reading, "customer");
    let [row] = rows.rows.as_slice() else {
        panic!("one row, not {}", rows.rows.len())
    };
    let names = rows.columns.iter().map(|c| c.name.clone());
    names.zip(row.cells.iter().map(shown)).skip(2).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let pair = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    expected.iter().map(pair).collect()
}

#[tokio::test]
async fn every_type_of_postgres_is_read() {
    let tables = "CREATE TYPE mood AS ENUM ('sad', 'it''s fine');
        CREATE DOMAIN post_code AS varchar(10) CHECK (value <> '');
        CREATE DOMAIN irish_code AS post_code;
        CREATE TYPE size AS (width int, height int);
        CREATE TABLE customer (id int PRIMARY KEY, email text,
            small smallint, big bigint, exact numeric(30, 10), short real, long double precision, price money,
            yes boolean, letters char(5), words varchar(20), one \"char\", born date, at timestamp, at_zone timestamptz,
            clock time, clock_zone timetz, lasting interval, bytes bytea, ident uuid, plain json, fast jsonb, mark xml,
            numbers int[], names text[], feeling mood, feelings mood[], code irish_code, measure size, span int4range,
            days daterange, place point, shape polygon, host inet, net cidr, mac macaddr, bits bit(4), some_bits varbit(8),
            doubled int GENERATED ALWAYS AS (small * 2) STORED, search tsvector, object oid, empty text, nothing json);
        INSERT INTO customer VALUES (1, 'ada@example.com', -7, 9007199254740993, 1.5, 0.1, 0.1, 1234.5, true, 'ab', 'Größe', 'x',
            '2024-05-03', '2024-05-03 10:12:31.5', '2024-05-03 10:12:31+02', '10:12', '10:12+02', '1 year 2 days 3 hours',
            'abc', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '{\"a\": 1}', '{\"b\": 2}', '<a/>', '{1,2,NULL}', '{\"a b\",c}',
            'it''s fine', '{sad}', 'D02 AF30', '(1,2)', '[1,5)', '[2024-01-01,2024-02-01)', '(1,2)', '((0,0),(1,1),(1,0))',
            '10.0.0.1', '10.0.0.0/8', '08:00:2b:01:02:03', B'1010', B'101', DEFAULT, 'a fat cat', 42, '', NULL);";
    let Some(database) = database(Engine::Postgres, &[tables]).await else {
        return;
    };
    let expected = [
        ("small", "-7"),
        ("big", "9007199254740993"),
        ("exact", "1.5000000000"),
        ("short", "0.1"),
        ("long", "0.1"),
        ("price", "$1,234.50"),
        ("yes", "true"),
        ("letters", "ab"),
        ("words", "Größe"),
        ("one", "x"),
        ("born", "2024-05-03"),
        ("at", "2024-05-03 10:12:31.5"),
        ("at_zone", "2024-05-03 08:12:31+00"),
        ("clock", "10:12:00"),
        ("clock_zone", "10:12:00+02"),
        ("lasting", "1 year 2 days 03:00:00"),
        ("bytes", "binary 3"),
        ("ident", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ("plain", "{\"a\": 1}"),
        ("fast", "{\"b\": 2}"),
        ("mark", "<a/>"),
        ("numbers", "{1,2,NULL}"),
        ("names", "{\"a b\",c}"),
        ("feeling", "it's fine"),
        ("feelings", "{sad}"),
        ("code", "D02 AF30"),
        ("measure", "(1,2)"),
        ("span", "[1,5)"),
        ("days", "[2024-01-01,2024-02-01)"),
        ("place", "(1,2)"),
        ("shape", "((0,0),(1,1),(1,0))"),
        ("host", "10.0.0.1/32"),
        ("net", "10.0.0.0/8"),
        ("mac", "08:00:2b:01:02:03"),
        ("bits", "1010"),
        ("some_bits", "101"),
        ("doubled", "-14"),
        ("search", "'a' 'cat' 'fat'"),
        ("object", "42"),
        ("empty", ""),
        ("nothing", "∅"),
    ];
    // `money` is written as the server's own language writes it.
    let shown: Vec<_> = shows(&database).await;
    assert_eq!(shown, pairs(&expected));
}

#[tokio::test]
async fn every_type_of_mariadb_is_read() {
    let tables = "CREATE TABLE customer (id int PRIMARY KEY, email varchar(100),
            tiny tinyint(1), small smallint, medium mediumint, big bigint unsigned, exact decimal(30, 10), short float, wide double,
            bits bit(4), bit_one bit(1), born date, at datetime(3), stamp timestamp NULL, clock time, lasting time(2), grown year,
            letters char(5), words varchar(20), latin varchar(20) CHARACTER SET latin1, long_text longtext, fixed binary(2),
            bytes varbinary(10), picture blob, feeling enum('sad', 'it''s fine'), choices set('a', 'b', 'c'), plain json,
            ident uuid, host inet6, place point, shape polygon,
            doubled int AS (small * 2) STORED, virtual_one int AS (small + 1) VIRTUAL, empty text, nothing date, zero date);
        SET SESSION sql_mode = '';
        INSERT INTO customer (id, email, tiny, small, medium, big, exact, short, wide, bits, bit_one, born, at, stamp, clock, lasting,
            grown, letters, words, latin, long_text, fixed, bytes, picture, feeling, choices, plain, ident, host, place, shape, empty,
            nothing, zero)
        VALUES (1, 'ada@example.com', 1, -7, 8, 18446744073709551615, 1.5, 0.1, 0.1, b'1010', b'1', '2024-05-03',
            '2024-05-03 10:12:31.5', '2024-05-03 10:12:31', '10:12', '-34:05:06.25', 1999, 'ab', 'Größe 🎵', 'Größe', 'long', 'ab',
            'abc', 'abcd', 'it''s fine', 'a,c', '{\"a\": 1}', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '::1', POINT(1, 2),
            ST_GeomFromText('POLYGON((0 0,1 1,1 0,0 0))'), '', NULL, '0000-00-00');";
    let Some(database) = database(Engine::MariaDb, &[tables]).await else {
        return;
    };
    let expected = [
        ("tiny", "1"),
        ("small", "-7"),
        ("medium", "8"),
        ("big", "18446744073709551615"),
        ("exact", "1.5000000000"),
        ("short", "0.1"),
        ("wide", "0.1"),
        ("bits", "1010"),
        ("bit_one", "1"),
        ("born", "2024-05-03"),
        ("at", "2024-05-03 10:12:31.500"),
        ("stamp", "2024-05-03 10:12:31"),
        ("clock", "10:12:00"),
        ("lasting", "-34:05:06.25"),
        ("grown", "1999"),
        ("letters", "ab"),
        ("words", "Größe 🎵"),
        ("latin", "Größe"),
        ("long_text", "long"),
        ("fixed", "binary 2"),
        ("bytes", "binary 3"),
        ("picture", "binary 4"),
        ("feeling", "it's fine"),
        ("choices", "a,c"),
        ("plain", "{\"a\": 1}"),
        ("ident", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ("host", "::1"),
        ("place", "POINT(1 2)"),
        ("shape", "POLYGON((0 0,1 1,1 0,0 0))"),
        ("doubled", "-14"),
        ("virtual_one", "-6"),
        ("empty", ""),
        ("nothing", "∅"),
        ("zero", "0000-00-00"),
    ];
    assert_eq!(shows(&database).await, pairs(&expected));
}

/// Rows come in the order of their keys, page by page, and each once, whatever type the key has.
#[tokio::test]
async fn keys_of_every_type_are_paged_by() {
    let postgres = [
        ("uuid", "('00000000-0000-0000-0000-00000000000' || i)::uuid"),
        ("numeric(20, 4)", "i / 8.0"),
        ("real", "i / 10.0"),
        ("double precision", "i / 10.0"),
        (
            "timestamptz",
            "'2024-01-01 00:00:00+00'::timestamptz + i * interval '1 microsecond'",
        ),
        ("date", "'2024-01-01'::date + i"),
        ("interval", "i * interval '1 hour'"),
        ("bytea", "decode('0' || i, 'hex')"),
        ("boolean", "i = 1"),
        ("mood", "(ARRAY['z', 'y', 'x'])[i]::mood"),
        ("inet", "('10.0.0.' || i)::inet"),
        ("char(4)", "'a' || i"),
        ("varchar(9)", "'Ä' || i"),
        ("money", "i::money"),
        ("bit(3)", "i::bit(3)"),
    ];
    for (sql_type, value) in postgres {
        let tables = format!(
            "CREATE TYPE mood AS ENUM ('z', 'y', 'x');
            CREATE TABLE customer (id int PRIMARY KEY, email text);
            CREATE TABLE own (k {sql_type}, customer_id int, text text, PRIMARY KEY (customer_id, k));
            INSERT INTO customer VALUES (1, 'ada@example.com'), (2, 'ben@example.com');
            INSERT INTO own SELECT {value}, 1, 'row ' || i FROM generate_series(1, 3) i WHERE '{sql_type}' <> 'boolean' OR i < 3;
            INSERT INTO own SELECT {value}, 2, 'not hers' FROM generate_series(1, 1) i;"
        );
        if let Some(database) = database(Engine::Postgres, &[&tables]).await {
            pages_are_whole(
                &database,
                if sql_type == "boolean" { 2 } else { 3 },
                sql_type,
            )
            .await;
        }
    }
    let mariadb = [
        ("binary(2)", "UNHEX(CONCAT('000', i))"),
        ("bigint unsigned", "18446744073709551610 + i"),
        ("decimal(20, 4)", "i / 8"),
        ("float", "i / 10"),
        ("double", "i / 10"),
        ("datetime(6)", "TIMESTAMPADD(MICROSECOND, i, '2024-01-01')"),
        ("date", "'2024-01-01' + INTERVAL i DAY"),
        ("time", "SEC_TO_TIME(i * 100000)"),
        ("year", "2000 + i"),
        ("bit(3)", "i"),
        ("enum('z', 'y', 'x')", "i"),
        ("varchar(9)", "CONCAT('Ä', i)"),
        ("varchar(9) CHARACTER SET latin1", "CONCAT('Ä', i)"),
        ("uuid", "CONCAT('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1', i)"),
    ];
    for (sql_type, value) in mariadb {
        let tables = format!(
            "CREATE TABLE customer (id int PRIMARY KEY, email varchar(100));
            CREATE TABLE own (k {sql_type}, customer_id int, text varchar(100), PRIMARY KEY (customer_id, k));
            INSERT INTO customer VALUES (1, 'ada@example.com'), (2, 'ben@example.com');
            INSERT INTO own SELECT {value}, 1, CONCAT('row ', i) FROM (SELECT seq AS i FROM seq_1_to_3) AS n;
            INSERT INTO own SELECT {value}, 2, 'not hers' FROM (SELECT 1 AS i) AS n;"
        );
        if let Some(database) = database(Engine::MariaDb, &[&tables]).await {
            pages_are_whole(&database, 3, sql_type).await;
        }
    }
}

async fn pages_are_whole(database: &Database, rows: usize, sql_type: &str) {
    let own = "
      - name: own
        fields:
          - { name: customer_id, fides_meta: { references: [{ dataset: d, field: customer.id, direction: from }] } }
";
    let connector = &*database.connector();
    let plan = plan(connector, &datasets(&format!("{CUSTOMER}{own}"))).await;
    for page in 1..4 {
        let (all, _) = read_all_pages(connector, &plan, "ada@example.com", page).await;
        let mut texts: Vec<String> = all["own"].iter().map(|r| shown(&r.cells[2])).collect();
        texts.sort();
        let expected: Vec<String> = (1..=rows).map(|i| format!("row {i}")).collect();
        assert_eq!(texts, expected, "{sql_type}, pages of {page}");
    }
}

#[tokio::test]
async fn a_value_of_a_hundred_megabytes_stays_where_it_is() {
    let fill = |engine| match engine {
        Engine::Sqlite => {
            "INSERT INTO customer VALUES (1, 'ada@example.com', hex(zeroblob(50000000)), hex(zeroblob(35000)))"
        }
        Engine::Postgres => {
            "INSERT INTO customer VALUES (1, 'ada@example.com', repeat('0', 100000000), repeat('0', 70000))"
        }
        Engine::MariaDb => "SET GLOBAL max_allowed_packet = 134217728",
    };
    for engine in engines() {
        let create = "CREATE TABLE customer (id INTEGER PRIMARY KEY, email VARCHAR(100), huge LONGTEXT, long_one LONGTEXT)";
        let create = if engine == Engine::Postgres {
            create.replace("LONGTEXT", "text")
        } else {
            create.to_owned()
        };
        let database = if engine == Engine::MariaDb {
            // The largest that the server makes by itself.
            let fill = "INSERT INTO customer VALUES (1, 'ada@example.com', REPEAT('0', 16000000), REPEAT('0', 70000));
                UPDATE customer SET huge = CONCAT(huge)";
            Database::as_written(engine, &[&create, fill]).await
        } else {
            Database::as_written(engine, &[&create, fill(engine)]).await
        };
        let connector = &*database.connector();
        let plan = plan(connector, &datasets(CUSTOMER)).await;
        let reading = read(connector, &plan, "ada@example.com").await;
        let [_, _, huge, long] = rows_of(&reading, "customer").rows[0].cells.as_slice() else {
            panic!("four columns")
        };
        let bytes = if engine == Engine::MariaDb {
            16_000_000
        } else {
            100_000_000
        };
        assert_eq!(
            *huge,
            Cell::TooLong {
                start: String::new(),
                bytes
            },
            "{engine:?}"
        );
        assert_eq!(
            *long,
            Cell::TooLong {
                start: "0".repeat(1_000),
                bytes: 70_000
            }
        );
    }
}
