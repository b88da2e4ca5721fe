//! What a server can do to us: not answer, hang up, lie about who it is, refuse, change under our hands; and what its schemas
//! and collations can do to the rules.

use std::time::Duration;

use fairhold_connect::{
    Cell, ConnectError, Connector, MySqlConnector, Plan, PostgresConnector, ServerSettings,
    SettingsError, Tls,
};
use fairhold_domain::{contact_point::ContactPoints, schema::LiveSchema};
use sqlx::Connection as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{
    Database, Engine, address, datasets, engines, keys, lines, plan, read, request, rows_of, server,
};

const CUSTOMER: &str = "
      - name: customer
        fields:
          - { name: id, fides_meta: { primary_key: true } }
          - { name: email, fides_meta: { identity: email }, portal: { verified: true } }
";

const ADA: &str = "CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT, note TEXT);
    INSERT INTO customer VALUES (1, 'ada@example.com', 'hello');";

fn servers() -> Vec<Engine> {
    let mut servers = engines();
    servers.retain(|engine| *engine != Engine::Sqlite);
    servers
}

fn connect(engine: Engine, settings: &ServerSettings) -> Result<Box<dyn Connector>, SettingsError> {
    Ok(match engine {
        Engine::MariaDb => Box::new(MySqlConnector::new(settings)?),
        _ => Box::new(PostgresConnector::new(settings)?),
    })
}

/// An address of that engine on a port of this machine.
fn url_at(engine: Engine, port: u16) -> String {
    let scheme = if engine == Engine::MariaDb {
        "mysql"
    } else {
        "postgres"
    };
    format!("{scheme}://portal:secret@127.0.0.1:{port}/shop")
}

/// A server that does this with each connection.
async fn bad_server<F>(with: impl Fn(TcpStream) -> F + Send + 'static) -> u16
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(with(stream));
        }
    });
    port
}

const BOTH: [Engine; 2] = [Engine::Postgres, Engine::MariaDb];

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_in_time() {
    let port = bad_server(|stream| async move {
        let _open = stream;
        std::future::pending::<()>().await;
    })
    .await;
    for engine in BOTH {
        let settings = server(&url_at(engine, port), Duration::from_millis(300));
        let connector = connect(engine, &settings).unwrap();
        let answer = tokio::time::timeout(Duration::from_secs(10), connector.describe()).await;
        assert_eq!(
            answer.expect("hangs past its time-out"),
            Err(ConnectError::TooSlow)
        );
    }
}

#[tokio::test]
async fn nonsense_and_closed_doors_are_down() {
    let chatter = bad_server(|mut stream| async move {
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\n\r\nhello, I am no database")
            .await;
    })
    .await;
    let silent = bad_server(|stream| async move { drop(stream) }).await;
    let closed = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    for engine in BOTH {
        for port in [chatter, silent, closed] {
            let settings = server(&url_at(engine, port), Duration::from_secs(5));
            let connector = connect(engine, &settings).unwrap();
            assert_eq!(
                connector.describe().await,
                Err(ConnectError::Down),
                "{engine:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_line_that_breaks_in_the_middle_is_down_and_the_next_one_works() {
    for engine in servers() {
        let database = Database::on(engine, &[ADA]).await;
        let upstream = database
            .url
            .rsplit_once('@')
            .unwrap()
            .1
            .split_once('/')
            .unwrap()
            .0
            .to_owned();
        // So many bytes of answers go through on the first connection.
        let allowed = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(2_000));
        let left = allowed.clone();
        let port = bad_server(move |client| pass_on(client, upstream.clone(), left.clone())).await;
        let (before, after) = database.url.rsplit_once('@').unwrap();
        let url = format!(
            "{before}@127.0.0.1:{port}/{}",
            after.split_once('/').unwrap().1
        );
        let connector = connect(engine, &server(&url, Duration::from_secs(5))).unwrap();
        let broken = connector.describe().await;
        assert_eq!(broken, Err(ConnectError::Down), "{engine:?}");
        allowed.store(usize::MAX, std::sync::atomic::Ordering::SeqCst);
        let plan = plan(&*connector, &datasets(CUSTOMER)).await;
        let reading = read(&*connector, &plan, "ada@example.com").await;
        assert_eq!(
            lines(&rows_of(&reading, "customer").rows),
            ["1|ada@example.com|hello"]
        );
    }
}

/// Passes on what both sides say, until the server has said as much as it may.
async fn pass_on(
    mut client: TcpStream,
    upstream: String,
    left: std::sync::Arc<std::sync::atomic::AtomicUsize>,
) {
    let mut server = TcpStream::connect(upstream).await.unwrap();
    let (mut from_server, mut from_client) = ([0; 1024], [0; 1024]);
    loop {
        tokio::select! {
            said = client.read(&mut from_client) => match said {
                Ok(bytes @ 1..) => server.write_all(&from_client[..bytes]).await.unwrap(),
                _ => return,
            },
            said = server.read(&mut from_server) => match said {
                Ok(bytes @ 1..) => {
                    let rest = left.load(std::sync::atomic::Ordering::SeqCst);
                    if rest < bytes || client.write_all(&from_server[..bytes]).await.is_err() {
                        return;
                    }
                    if rest != usize::MAX {
                        left.store(rest - bytes, std::sync::atomic::Ordering::SeqCst);
                    }
                }
                _ => return,
            },
        }
    }
}

#[tokio::test]
async fn connections_left_over_from_a_server_that_went_away_are_replaced() {
    for engine in servers() {
        let database = Database::on(engine, &[ADA]).await;
        let connector = database.connector();
        let plan = plan(&*connector, &datasets(CUSTOMER)).await;
        let end_all = if engine == Engine::Postgres {
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'fairhold' AND datname = current_database()".to_owned()
        } else {
            let list = "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()";
            format!("FOR one IN ({list}) DO KILL one.id; END FOR")
        };
        database.run_as_written(&end_all).await;
        let reading = read(&*connector, &plan, "ada@example.com").await;
        assert_eq!(rows_of(&reading, "customer").rows.len(), 1, "{engine:?}");
    }
}

#[tokio::test]
async fn a_slow_statement_is_stopped_by_the_database_itself() {
    for engine in servers() {
        let slow = match engine {
            Engine::Postgres => "CREATE TABLE person (id int, email text); INSERT INTO person VALUES (1, 'ada@example.com');
                CREATE VIEW customer AS SELECT id, email, pg_sleep(30)::text AS slow FROM person",
            _ => "CREATE TABLE person (id int, email varchar(90)); INSERT INTO person VALUES (1, 'ada@example.com');
                CREATE VIEW customer AS SELECT id, email, SLEEP(30) AS slow FROM person",
        };
        let database = Database::as_written(engine, &[slow]).await;
        let connector = database.connector_within(Duration::from_secs(1));
        let plan = plan(&*connector, &datasets(CUSTOMER)).await;
        let ada = address("ada@example.com");
        let found = connector.find(&plan, &ada).await;
        let answer = match found {
            Ok(found) => connector
                .read(&plan, &request(&ada, &found))
                .await
                .map(|_| ()),
            Err(error) => Err(error),
        };
        assert_eq!(answer, Err(ConnectError::TooSlow), "{engine:?}");
        // The database has let go of it, or does so now, by its own time-out.
        let count = match engine {
            Engine::Postgres => {
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'fairhold' AND datname = current_database() AND state = 'active'"
            }
            _ => {
                "SELECT count(*) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID() AND info IS NOT NULL"
            }
        };
        let given = tokio::time::timeout(Duration::from_secs(10), async {
            while database.number(count).await > 0 {
                tokio::task::yield_now().await;
            }
        });
        given.await.expect("a statement runs on");
    }
}

#[tokio::test]
async fn nothing_can_be_written_on_our_connections() {
    // A view whose function writes: the transaction refuses.
    if servers().contains(&Engine::Postgres) {
        let tables = "CREATE TABLE person (id int PRIMARY KEY, email text); INSERT INTO person VALUES (1, 'ada@example.com');
            CREATE TABLE trap (hit int);
            CREATE FUNCTION spring() RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO trap VALUES (1); RETURN 'x'; END $$;
            CREATE VIEW customer AS SELECT id, email, spring() AS note FROM person";
        let database = Database::as_written(Engine::Postgres, &[tables]).await;
        let connector = database.connector();
        let plan = plan(&*connector, &datasets(CUSTOMER)).await;
        let ada = address("ada@example.com");
        assert_ne!(rows_of_customer(&*connector, &plan, &ada).await, Ok(1));
        assert_eq!(database.number("SELECT count(*) FROM trap").await, 0);
    }
    if servers().contains(&Engine::MariaDb) {
        let tables = "CREATE TABLE person (id int PRIMARY KEY, email varchar(90)); INSERT INTO person VALUES (1, 'ada@example.com');
            CREATE TABLE trap (hit int);
            CREATE FUNCTION spring() RETURNS int MODIFIES SQL DATA BEGIN INSERT INTO trap VALUES (1); RETURN 1; END";
        let database = Database::as_written(Engine::MariaDb, &[tables]).await;
        database
            .run_as_written(
                "CREATE VIEW customer AS SELECT id, email, spring() AS note FROM person",
            )
            .await;
        let connector = database.connector();
        let plan = plan(&*connector, &datasets(CUSTOMER)).await;
        let ada = address("ada@example.com");
        assert_ne!(rows_of_customer(&*connector, &plan, &ada).await, Ok(1));
        assert_eq!(database.number("SELECT count(*) FROM trap").await, 0);
    }
}

/// How many rows of the customer's own were read.
async fn rows_of_customer(
    connector: &dyn Connector,
    plan: &Plan,
    who: &ContactPoints,
) -> Result<usize, ConnectError> {
    let found = connector.find(plan, who).await?;
    let reading = connector.read(plan, &request(who, &found)).await?;
    Ok(reading.collections.iter().map(|c| c.rows.len()).sum())
}

#[tokio::test]
async fn who_a_server_is_has_to_be_proven() {
    let Ok(ca) = std::env::var("FAIRHOLD_TEST_CA") else {
        println!("skipped: FAIRHOLD_TEST_CA is not set, so encrypted lines were not tried");
        return;
    };
    let chatter = bad_server(|mut stream| async move {
        let mut hello = [0; 8];
        let _ = stream.read(&mut hello).await;
        // "Yes, let us encrypt", and then no such thing.
        let _ = stream.write_all(b"S\x16\x03\x01\x00\x05hello").await;
    })
    .await;
    for engine in servers() {
        let database = Database::on(engine, &[ADA]).await;
        let by_name = database.url.replace("127.0.0.1", "localhost");
        let secure = |url: &str, tls, ca: Option<&str>| ServerSettings {
            tls: Some(tls),
            ca_file: ca.map(Into::into),
            ..server(url, Duration::from_secs(5))
        };
        for (settings, answers) in [
            (secure(&by_name, Tls::Verified, Some(&ca)), true),
            (secure(&by_name, Tls::Encrypted, None), true),
            (secure(&by_name, Tls::Off, None), true),
            // Signed by nobody whom everybody knows.
            (secure(&by_name, Tls::Verified, None), false),
            // Signed by the right one, for another name.
            (secure(&database.url, Tls::Verified, Some(&ca)), false),
            (
                secure(&url_at(engine, chatter), Tls::Encrypted, None),
                false,
            ),
        ] {
            let answer = connect(engine, &settings).unwrap().describe().await;
            assert_eq!(answer.is_ok(), answers, "{engine:?} {settings:?}");
            // MariaDB's server speaks first, so that one which waits is slow.
            let slow = engine == Engine::MariaDb && answer == Err(ConnectError::TooSlow);
            assert!(
                answers || slow || answer == Err(ConnectError::Down),
                "{answer:?}"
            );
        }
    }
}

#[test]
fn settings_that_can_not_be_right_are_refused() {
    for (engine, url, error) in [
        (
            Engine::Postgres,
            "mysql://u@h/d",
            SettingsError::Address("postgres"),
        ),
        (
            Engine::Postgres,
            "not an address",
            SettingsError::Address("postgres"),
        ),
        (
            Engine::Postgres,
            "postgres://u@h",
            SettingsError::NoDatabase("postgres"),
        ),
        (
            Engine::Postgres,
            "postgres://u@h/d?sslmode=disable",
            SettingsError::TlsInAddress,
        ),
        (
            Engine::MariaDb,
            "postgres://u@h/d",
            SettingsError::Address("mysql"),
        ),
        (
            Engine::MariaDb,
            "mysql://u@h/",
            SettingsError::NoDatabase("mysql"),
        ),
        (
            Engine::MariaDb,
            "mysql://u@h/d?ssl-mode=DISABLED",
            SettingsError::TlsInAddress,
        ),
    ] {
        let refused = connect(engine, &server(url, Duration::from_secs(1))).err();
        assert_eq!(refused, Some(error), "{url}");
    }
    let missing = ServerSettings {
        ca_file: Some("no/such/file.pem".into()),
        ..server("postgres://u@h/d", Duration::from_secs(1))
    };
    assert_eq!(
        connect(Engine::Postgres, &missing).err(),
        Some(SettingsError::CaFile)
    );
}

#[tokio::test]
async fn a_wrong_password_is_refused() {
    if servers().contains(&Engine::MariaDb) {
        let database = Database::on(Engine::MariaDb, &[ADA]).await;
        let url = database.url.replace(":secret@", ":guess@");
        let connector = connect(Engine::MariaDb, &server(&url, Duration::from_secs(5))).unwrap();
        assert_eq!(connector.describe().await, Err(ConnectError::Refused));
    }
}

#[tokio::test]
async fn a_table_that_went_away_leaves_the_others_readable() {
    for engine in servers() {
        let visit = "      - { name: visit, fields: [{ name: customer_id, fides_meta: { references: [{ dataset: d, field: customer.id, direction: from }] } }] }\n";
        let bill = visit.replace("visit", "bill");
        let database = Database::on(
            engine,
            &[
                ADA,
                "CREATE TABLE visit (customer_id INTEGER, page TEXT);
            CREATE TABLE bill (customer_id INTEGER, total INTEGER); INSERT INTO bill VALUES (1, 7)",
            ],
        )
        .await;
        let connector = database.connector();
        let plan = plan(&*connector, &datasets(&format!("{CUSTOMER}{visit}{bill}"))).await;
        database.run(&["DROP TABLE visit"]).await;
        let reading = read(&*connector, &plan, "ada@example.com").await;
        let failed: Vec<&str> = reading
            .failed
            .iter()
            .map(|f| f.collection.as_str())
            .collect();
        assert_eq!(failed, ["visit"], "{engine:?}");
        assert_eq!(lines(&rows_of(&reading, "bill").rows), ["1|7"]);
    }
}

#[tokio::test]
async fn what_the_user_may_not_read_is_said_to_be_there() {
    if !servers().contains(&Engine::Postgres) {
        return;
    }
    let name = format!("reader_{}", std::process::id());
    let database = Database::on(Engine::Postgres, &[ADA, "CREATE TABLE hidden (id INTEGER)"]).await;
    database
        .run(&[&format!(
            "CREATE ROLE {name} LOGIN; GRANT SELECT (id, email) ON customer TO {name}"
        )])
        .await;
    let url = database.url.replace("fairhold@", &format!("{name}@"));
    let connector = connect(Engine::Postgres, &server(&url, Duration::from_secs(5))).unwrap();
    let plan = plan(&*connector, &datasets(CUSTOMER)).await;
    assert_eq!(plan.undescribed_tables(), ["hidden"]);
    let reading = read(&*connector, &plan, "ada@example.com").await;
    let [row] = rows_of(&reading, "customer").rows.as_slice() else {
        panic!("one row")
    };
    assert_eq!(row.cells[2], Cell::Unreadable);
}

#[tokio::test]
async fn bytes_that_are_no_letters_are_said_to_be_there() {
    let Ok(server_url) = std::env::var("FAIRHOLD_TEST_POSTGRES") else {
        println!("skipped: FAIRHOLD_TEST_POSTGRES is not set");
        return;
    };
    // A database that takes any bytes for text.
    let name = format!("no_encoding_{}", std::process::id());
    let mut root = sqlx::PgConnection::connect(&server_url).await.unwrap();
    let create = format!("CREATE DATABASE {name} ENCODING 'SQL_ASCII' TEMPLATE template0");
    sqlx::raw_sql(sqlx::AssertSqlSafe(create))
        .execute(&mut root)
        .await
        .unwrap();
    let url = format!("{}/{name}", server_url.rsplit_once('/').unwrap().0);
    let mut writer = sqlx::PgConnection::connect(&url).await.unwrap();
    let rows = r"CREATE TABLE customer (id int PRIMARY KEY, email text, note text, other text);
        INSERT INTO customer VALUES (1, 'ada@example.com', E'\xff\xfe', 'hello')";
    sqlx::raw_sql(rows).execute(&mut writer).await.unwrap();
    let connector = connect(Engine::Postgres, &server(&url, Duration::from_secs(5))).unwrap();
    let plan = plan(&*connector, &datasets(CUSTOMER)).await;
    let reading = read(&*connector, &plan, "ada@example.com").await;
    assert_eq!(
        lines(&rows_of(&reading, "customer").rows),
        ["1|ada@example.com|unreadable|hello"]
    );
}

#[tokio::test]
async fn letters_that_a_collation_takes_for_equal_are_not() {
    let shops = [
        (Engine::Postgres, "CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
            CREATE TABLE customer (id text COLLATE loose, email text COLLATE loose);
            CREATE TABLE bill (customer_id text COLLATE loose, text text);
            CREATE TABLE line (bill text COLLATE loose, text text);"),
        (Engine::MariaDb, "CREATE TABLE customer (id varchar(20) COLLATE utf8mb4_general_ci, email varchar(90) COLLATE utf8mb4_general_ci);
            CREATE TABLE bill (customer_id varchar(20) COLLATE utf8mb4_general_ci, text varchar(90));
            CREATE TABLE line (bill varchar(90), text varchar(90));"),
    ];
    let rows = "INSERT INTO customer VALUES ('Ab', 'ada@example.com'), ('aB', 'adá@example.com'), ('áb', 'ADA@example.com '), ('AB ', 'ben@example.com');
        INSERT INTO bill VALUES ('Ab', 'one'), ('ab', 'two'), ('áb', 'three'), ('AB', 'four'), ('Ab ', 'five');
        INSERT INTO line VALUES ('one', 'a'), ('ONE', 'b'), ('óne', 'c'), ('one ', 'd'), ('three', 'e');";
    let bill = "      - { name: bill, fields: [{ name: customer_id, fides_meta: { references: [{ dataset: d, field: customer.id, direction: from }] } }] }
      - { name: line, fields: [{ name: bill, fides_meta: { references: [{ dataset: d, field: bill.text, direction: from }] } }] }\n";
    for (engine, tables) in shops {
        if !servers().contains(&engine) {
            continue;
        }
        let database = Database::as_written(engine, &[tables, rows]).await;
        let connector = database.connector();
        let plan = plan(&*connector, &datasets(&format!("{CUSTOMER}{bill}"))).await;
        let reading = read(&*connector, &plan, "ada@example.com").await;
        let mut ids = lines(&rows_of(&reading, "customer").rows);
        ids.sort();
        assert_eq!(
            ids,
            ["Ab|ada@example.com", "áb|ADA@example.com "],
            "{engine:?}"
        );
        let mut bills = lines(&rows_of(&reading, "bill").rows);
        bills.sort();
        assert_eq!(bills, ["Ab|one", "áb|three"], "{engine:?}");
        let mut deep = lines(&rows_of(&reading, "line").rows);
        deep.sort();
        assert_eq!(deep, ["one|a", "three|e"], "{engine:?}");
        let found = connector
            .find(&plan, &address("adá@example.com"))
            .await
            .unwrap();
        assert_eq!(found.len(), 1);
    }
}

#[tokio::test]
async fn tables_of_several_schemas_are_told_apart() {
    let shops = [
        (Engine::Postgres, "CREATE SCHEMA archive; CREATE TABLE customer (id int PRIMARY KEY, email text);
            CREATE TABLE bill (id int PRIMARY KEY, customer_id int, text text);
            CREATE TABLE archive.bill (id int PRIMARY KEY, customer_id int REFERENCES customer, text text, extra text);", "archive"),
        (Engine::MariaDb, "CREATE TABLE customer (id int PRIMARY KEY, email varchar(90));
            CREATE TABLE bill (id int PRIMARY KEY, customer_id int, text varchar(90));", ""),
    ];
    for (engine, tables, schema) in shops {
        if !servers().contains(&engine) {
            continue;
        }
        let database = Database::as_written(engine, &[tables]).await;
        let schema = if engine == Engine::MariaDb {
            let other = Database::empty(engine).await;
            let create = "CREATE TABLE bill (id int PRIMARY KEY, customer_id int, text varchar(90), extra varchar(90))";
            other.run_as_written(create).await;
            database.may_use(&other).await;
            other.name()
        } else {
            schema.to_owned()
        };
        let rows = format!(
            "INSERT INTO customer VALUES (1, 'ada@example.com'), (2, 'ben@example.com');
            INSERT INTO bill VALUES (1, 1, 'new'), (2, 2, 'his');
            INSERT INTO {schema}.bill VALUES (1, 1, 'old', 'x'), (2, 2, 'his', 'x');"
        );
        database.run_as_written(&rows).await;
        let bill = "      - { name: bill, fields: [{ name: customer_id, fides_meta: { references: [{ dataset: d, field: customer.id, direction: from }] } }] }\n";
        let old = format!(
            "dataset:\n  - fides_key: d\n    name: D\n    portal: {{ connection: c }}\n    collections:\n{CUSTOMER}{bill}
  - fides_key: old
    name: Old
    portal: {{ connection: c }}
    collections:
      - name: bill
        portal: {{ schema: {schema}, rows: own }}
        fields: [{{ name: customer_id, fides_meta: {{ references: [{{ dataset: d, field: customer.id, direction: from }}] }} }}]\n"
        );
        let loaded =
            fairhold_domain::catalog::load::load(&[fairhold_domain::catalog::load::SourceFile {
                path: "datasets/d.yml".to_owned(),
                text: old,
            }]);
        let connector = database.connector();
        let plan = plan(&*connector, &loaded.catalog.datasets).await;
        assert_eq!(
            (plan.missing(), plan.undescribed_tables().len()),
            (&[][..], 0)
        );
        let reading = read(&*connector, &plan, "ada@example.com").await;
        let shown: Vec<Vec<String>> = reading.collections.iter().map(|c| lines(&c.rows)).collect();
        assert_eq!(
            shown,
            [
                vec!["1|ada@example.com"],
                vec!["1|1|new"],
                vec!["1|1|old|x"]
            ],
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn describe_names_keys_types_and_references() {
    let shops = [
        (Engine::Postgres, "CREATE TABLE artist (id int PRIMARY KEY, \"Name\" varchar(40) NOT NULL UNIQUE, loud boolean);
            CREATE TABLE album (a int, b text, artist_id int REFERENCES artist (id), total int GENERATED ALWAYS AS (a + 1) STORED,
                PRIMARY KEY (b, a), UNIQUE (a, artist_id));
            CREATE UNIQUE INDEX ON album (a) WHERE a > 3; CREATE UNIQUE INDEX ON album (lower(b));
            CREATE VIEW loud AS SELECT id FROM artist; CREATE MATERIALIZED VIEW soft AS SELECT id FROM artist;
            CREATE TABLE parted (id int, at date) PARTITION BY RANGE (at);
            CREATE TABLE parted_one PARTITION OF parted FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');"),
        (Engine::MariaDb, "CREATE TABLE artist (id int PRIMARY KEY, `Name` varchar(40) NOT NULL UNIQUE, loud boolean);
            CREATE TABLE album (a int, b varchar(20), artist_id int, total int AS (a + 1) STORED, PRIMARY KEY (b, a), UNIQUE (a, artist_id),
                FOREIGN KEY (artist_id) REFERENCES artist (id), UNIQUE part (b(3)));
            CREATE VIEW loud AS SELECT id FROM artist; CREATE SEQUENCE counter;"),
    ];
    for (engine, tables) in shops {
        if !servers().contains(&engine) {
            continue;
        }
        let database = Database::as_written(engine, &[tables]).await;
        let schema: LiveSchema = database.connector().describe().await.unwrap();
        let names: Vec<(&str, bool)> = schema
            .tables
            .iter()
            .map(|t| (t.name.as_str(), t.is_view))
            .collect();
        if engine == Engine::Postgres {
            assert_eq!(
                names,
                [
                    ("album", false),
                    ("artist", false),
                    ("loud", true),
                    ("parted", false),
                    ("soft", true)
                ]
            );
        } else {
            assert_eq!(names, [("album", false), ("artist", false), ("loud", true)]);
        }
        let album = &schema.tables[0];
        assert_eq!(album.primary_key, ["b", "a"]);
        assert_eq!(album.unique, [["a", "artist_id"]]);
        assert_eq!(album.foreign_keys.len(), 1);
        assert_eq!(album.foreign_keys[0].columns, ["artist_id"]);
        assert_eq!(album.foreign_keys[0].table, "artist");
        assert_eq!(album.foreign_keys[0].references, ["id"]);
        let flags: Vec<(&str, bool, bool)> = album
            .columns
            .iter()
            .map(|c| (c.name.as_str(), c.nullable, c.generated))
            .collect();
        assert_eq!(
            flags,
            [
                ("a", false, false),
                ("b", false, false),
                ("artist_id", true, false),
                ("total", true, true)
            ]
        );
        let name = &schema.tables[1].columns[1];
        let sql_type = if engine == Engine::Postgres {
            "character varying(40)"
        } else {
            "varchar(40)"
        };
        assert_eq!(
            (name.name.as_str(), name.sql_type.as_str(), name.nullable),
            ("Name", sql_type, false)
        );
    }
}

#[tokio::test]
async fn identities_are_compared_byte_by_byte_after_normalising() {
    for engine in servers() {
        let database = Database::on(engine, &["CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT);
            INSERT INTO customer VALUES (1, 'ada@example.com'), (2, 'adá@example.com'), (3, ' ADA@Example.com '),
            (4, 'xada@example.com'), (5, 'ada@example.com.au'), (6, 'a_a@example.com'), (7, 'ADÁ@EXAMPLE.COM'), (8, NULL), (9, 'a!a@example.com'), (10, 'ada@example.com\u{a0}')"])
        .await;
        let connector = database.connector();
        let plan = plan(&*connector, &datasets(CUSTOMER)).await;
        for (typed, ids) in [
            ("ada@example.com", vec!["1", "10", "3"]),
            ("adá@example.com", vec!["2", "7"]),
            ("a_a@example.com", vec!["6"]),
            ("a!a@example.com", vec!["9"]),
            ("nobody@example.com", vec![]),
        ] {
            let mut found = keys(&connector.find(&plan, &address(typed)).await.unwrap());
            found.sort();
            assert_eq!(found, ids, "{typed} on {engine:?}");
        }
    }
}
