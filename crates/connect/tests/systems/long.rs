//! Values that no page brings whole: read in full, piece by piece, and nobody else's, on every engine.

use std::fmt::Write as _;

use fairhold_connect::{
    Cell, CollectionName, Connector, Found, KeyValue, LongPiece, LongValue, MAX_CELL_BYTES,
    MAX_PIECE_BYTES, MAX_WHOLE_BYTES, NotWhole, Plan, ReadRequest, Reading, RowKey,
};
use tokio::sync::mpsc;

use crate::support::{Database, Engine, address, datasets, engines, plan, request, rows_of};

const COLLECTIONS: &str = "
      - name: customer
        fields:
          - { name: id }
          - { name: email, fides_meta: { identity: email } }
      - name: letter
        fields:
          - { name: customer_id, fides_meta: { references: [{ dataset: d, field: customer.id, direction: from }] } }
          - { name: thing_id, fides_meta: { references: [{ dataset: d, field: thing.id, direction: to }] } }
          - { name: hidden, portal: { withheld: It is ours. } }
      - name: loose
        fields:
          - { name: customer_id, fides_meta: { references: [{ dataset: d, field: customer.id, direction: from }] } }
      - name: thing
";

/// Letters of one to four bytes, which fall on a cut in every way, and signs that mean something to SQL, JSON and CSV.
fn hostile(bytes: usize) -> String {
    let mut text = String::from("=a");
    while text.len() + 40 < bytes {
        text.push_str("💚ße\u{301}漢\"'\\;,\r\n%_`$1?");
    }
    while text.len() < bytes {
        text.push('z');
    }
    text
}

/// Made of letters of four bytes, after so many of one.
fn green(before: usize, letters: usize) -> String {
    "x".repeat(before) + &"💚".repeat(letters)
}

fn quoted(engine: Engine, text: &str) -> String {
    let text = text.replace('\'', "''");
    let text = match engine {
        Engine::MariaDb => text.replace('\\', "\\\\"),
        Engine::Sqlite | Engine::Postgres => text,
    };
    format!("'{text}'")
}

fn file(engine: Engine, bytes: &[u8]) -> String {
    let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    match engine {
        Engine::Postgres => format!("decode('{hex}', 'hex')"),
        Engine::Sqlite | Engine::MariaDb => format!("x'{hex}'"),
    }
}

struct Company {
    database: Database,
    connector: Box<dyn Connector>,
    plan: Plan,
    request: ReadRequest,
    reading: Reading,
}

impl Company {
    /// A company whose letters to ada (1) hold these texts, and one to ben (2) another.
    async fn with(engine: Engine, texts: &[String], bytes: &[u8]) -> Self {
        let (long, binary) = match engine {
            Engine::Sqlite => ("TEXT", "BLOB"),
            Engine::Postgres => ("text", "bytea"),
            Engine::MariaDb => ("LONGTEXT CHARACTER SET utf8mb4", "LONGBLOB"),
        };
        let database = Database::empty(engine).await;
        let run = async |sql: String| database.run_as_written(&sql).await;
        run(format!("CREATE TABLE customer (id INTEGER PRIMARY KEY, email VARCHAR(200));
            CREATE TABLE thing (id INTEGER PRIMARY KEY, about {long});
            CREATE TABLE letter (id INTEGER PRIMARY KEY, customer_id INTEGER, thing_id INTEGER, words {long}, picture {binary}, hidden {long});
            CREATE TABLE loose (customer_id INTEGER, words {long});
            INSERT INTO customer VALUES (1, 'ada@example.com'), (2, 'ben@example.com');")).await;
        for (id, letter) in [(1, "p"), (2, "q")] {
            let about = quoted(engine, &letter.repeat(300_000));
            run(format!("INSERT INTO thing VALUES ({id}, {about})")).await;
        }
        let hidden = "h".repeat(70_000);
        for (id, text) in texts.iter().enumerate() {
            let (text, file) = (quoted(engine, text), file(engine, bytes));
            run(format!(
                "INSERT INTO letter VALUES ({id}, 1, 1, {text}, {file}, '{hidden}')"
            ))
            .await;
        }
        let bens = "b".repeat(300_000);
        run(format!(
            "INSERT INTO letter VALUES (900, 2, 2, '{bens}', NULL, NULL)"
        ))
        .await;
        for (customer, letter) in [(1, 'l'), (2, 'm'), (1, 'n')] {
            let words = letter.to_string().repeat(100_000);
            run(format!("INSERT INTO loose VALUES ({customer}, '{words}')")).await;
        }
        let connector = database.connector();
        let plan = plan(&*connector, &datasets(COLLECTIONS)).await;
        let ada = address("ada@example.com");
        let found: Vec<Found> = connector.find(&plan, &ada).await.unwrap();
        let request = request(&ada, &found);
        let reading = connector.read(&plan, &request).await.unwrap();
        Self {
            database,
            connector,
            plan,
            request,
            reading,
        }
    }

    /// All long values of a collection's own rows, as a page noted them.
    fn long(&self, collection: &str) -> Vec<LongValue> {
        let rows = rows_of(&self.reading, collection);
        let values = rows.rows.iter().flat_map(|row| {
            row.cells
                .iter()
                .enumerate()
                .map(|(column, noted)| LongValue {
                    place: rows.name.clone(),
                    key: row.key.clone(),
                    through: None,
                    column,
                    noted: noted.clone(),
                })
        });
        let is_long = |v: &LongValue| matches!(v.noted, Cell::TooLong { .. } | Cell::Binary { .. });
        values.filter(is_long).collect()
    }

    async fn in_full(&self, wanted: &[LongValue]) -> Vec<Result<Vec<u8>, NotWhole>> {
        let (sender, mut pieces) = mpsc::channel(1);
        let read = self
            .connector
            .long_values(&self.plan, &self.request, wanted, sender);
        let take = async {
            let (mut all, mut bytes) = (Vec::new(), Vec::new());
            while let Some(piece) = pieces.recv().await {
                match piece {
                    LongPiece::Bytes(piece) => {
                        assert!(piece.0.len() as u64 <= MAX_PIECE_BYTES);
                        bytes.extend(piece.0);
                    }
                    LongPiece::End(end) => all.push(end.map(|()| std::mem::take(&mut bytes))),
                }
            }
            all
        };
        let (read, all) = tokio::join!(read, take);
        read.unwrap();
        assert_eq!(all.len(), wanted.len());
        all
    }

    async fn one(&self, wanted: LongValue) -> Result<Vec<u8>, NotWhole> {
        self.in_full(&[wanted]).await.remove(0)
    }
}

#[tokio::test]
async fn long_values_come_in_full_on_every_engine() {
    let limit = usize::try_from(MAX_CELL_BYTES).unwrap();
    let piece = usize::try_from(MAX_PIECE_BYTES / 4).unwrap();
    let texts = [
        hostile(5_000_000),
        hostile(limit),
        hostile(limit + 1),
        green(0, limit / 4),
        green(1, limit / 4),
        hostile(piece - 1),
        hostile(piece),
        hostile(piece + 1),
        green(0, piece),
        green(1, piece),
        green(2, 2 * piece),
        green(3, piece),
    ];
    let bytes: Vec<u8> = (0..700_001_u32)
        .map(|n| u8::try_from(n * 7 % 256).unwrap())
        .collect();
    for engine in engines() {
        let company = Company::with(engine, &texts, &bytes).await;
        let wanted = company.long("letter");
        let all = company.in_full(&wanted).await;
        let (mut long, mut files) = (0, 0);
        for (value, all) in wanted.iter().zip(all) {
            let id: usize = match &value.key.0[0] {
                KeyValue::Int(id) => usize::try_from(*id).unwrap(),
                KeyValue::Text(id) => id.parse().unwrap(),
                _ => panic!("a key"),
            };
            let all = all.unwrap();
            if matches!(value.noted, Cell::Binary { .. }) {
                assert!(all == bytes, "{engine:?}: the file of {id}");
                files += 1;
            } else {
                assert!(all == texts[id].as_bytes(), "{engine:?}: the text of {id}");
                long += 1;
            }
        }
        // At the limit a page brings the value whole.
        assert_eq!((long, files), (texts.len() - 2, texts.len()), "{engine:?}");
        let rows = &rows_of(&company.reading, "letter").rows;
        for (row, text) in rows.iter().zip(&texts).filter(|(_, t)| t.len() == limit) {
            assert!(row.cells.contains(&Cell::Text(text.clone())), "{engine:?}");
        }
        // A table without a key.
        let loose = company.in_full(&company.long("loose")).await;
        let mut first: Vec<u8> = loose
            .iter()
            .map(|value| value.as_ref().unwrap())
            .inspect(|value| assert_eq!(value.len(), 100_000, "{engine:?}"))
            .map(|value| value[0])
            .collect();
        first.sort_unstable();
        assert_eq!(first, b"ln", "{engine:?}");
    }
}

#[tokio::test]
async fn what_is_not_theirs_or_not_shown_or_changed_is_not_read() {
    for engine in engines() {
        let company = Company::with(engine, &[hostile(80_000), hostile(90_000)], b"").await;
        let texts: Vec<LongValue> = company
            .long("letter")
            .into_iter()
            .filter(|value| matches!(value.noted, Cell::TooLong { .. }))
            .collect();
        let [first, second] = &texts[..] else {
            panic!("{engine:?}: two letters")
        };
        let key = |id: i64| {
            RowKey(vec![match &first.key.0[0] {
                KeyValue::Int(_) => KeyValue::Int(id),
                _ => KeyValue::Text(id.to_string()),
            }])
        };
        let noted = |letter: &str, bytes| Cell::TooLong {
            start: letter.repeat(1_000),
            bytes,
        };
        let none = Err(NotWhole::Changed);
        let thing = |id, letter: &str, from: i64| LongValue {
            place: CollectionName::new("d", "thing"),
            key: key(id),
            through: Some((first.place.clone(), key(from))),
            column: 1,
            noted: noted(letter, 300_000),
        };
        assert_eq!(
            company.one(thing(1, "p", 0)).await,
            Ok(vec![b'p'; 300_000]),
            "{engine:?}: a shared row that an own row points at"
        );
        let bens = LongValue {
            key: key(900),
            noted: noted("b", 300_000),
            ..first.clone()
        };
        let hidden = LongValue {
            column: 5,
            noted: noted("h", 70_000),
            ..first.clone()
        };
        let alone = LongValue {
            through: None,
            ..thing(1, "p", 0)
        };
        for (what, value) in [
            ("another customer's", bens),
            ("a withheld column", hidden),
            ("a shared row by itself", alone),
            (
                "a shared row that nothing of theirs points at",
                thing(2, "q", 0),
            ),
            ("what another customer's row points at", thing(2, "q", 900)),
            (
                "another text of that length",
                LongValue {
                    noted: noted("y", 80_000),
                    ..first.clone()
                },
            ),
        ] {
            assert_eq!(company.one(value).await, none, "{engine:?}: {what}");
        }
        let large = LongValue {
            noted: noted("b", MAX_WHOLE_BYTES + 1),
            ..first.clone()
        };
        assert_eq!(company.one(large).await, Err(NotWhole::TooLarge));
        // One that changed does not keep the next one from being read.
        let run = async |sql| company.database.run_as_written(sql).await;
        run("UPDATE letter SET words = 'short' WHERE id = 0").await;
        let all = company.in_full(&texts).await;
        assert_eq!(all[0], none, "{engine:?}: changed");
        assert_eq!(all[1].as_ref().map(Vec::len), Ok(90_000), "{engine:?}");
        run("UPDATE letter SET customer_id = 2 WHERE id = 1").await;
        assert_eq!(
            company.one(second.clone()).await,
            none,
            "{engine:?}: given away"
        );
        run("UPDATE letter SET customer_id = 1 WHERE id = 1").await;
        run("UPDATE customer SET email = 'else@example.com' WHERE id = 1").await;
        assert_eq!(
            company.one(second.clone()).await,
            none,
            "{engine:?}: not ada's"
        );
    }
}
