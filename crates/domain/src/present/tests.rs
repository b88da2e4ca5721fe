use jiff::Timestamp;
use proptest::prelude::*;

use super::*;

fn show(text: &str, sql_type: &str, column: &str, field: &Field) -> String {
    value(
        text,
        Kind {
            sql_type,
            column,
            field: Some(field),
        },
        &TimeZone::UTC,
    )
}

#[test]
fn writes_values_as_a_person_would() {
    let euros = Field {
        currency: Some("EUR".to_owned()),
        ..Field::default()
    };
    let coded = Field {
        words: vec![("2".to_owned(), "On its way".to_owned())],
        ..Field::default()
    };
    let plain = Field::default();
    for (text, sql_type, column, field, shown) in [
        ("2350", "INTEGER", "total_cents", &euros, "€23.50"),
        ("-5", "INTEGER", "total_cents", &euros, "-€0.05"),
        ("1.9", "NUMERIC(10,2)", "total", &euros, "€1.90"),
        ("free", "TEXT", "total", &euros, "free"),
        ("2", "INTEGER", "status", &coded, "On its way"),
        ("9", "INTEGER", "status", &coded, "9"),
        ("1", "BOOLEAN", "news", &plain, "Yes"),
        ("f", "bool", "news", &plain, "No"),
        (
            "2021-01-01 00:00:00",
            "DATETIME",
            "d",
            &plain,
            "1 January 2021",
        ),
        (
            "2024-05-03 10:12:31.123456",
            "timestamp",
            "d",
            &plain,
            "3 May 2024, 10:12",
        ),
        (
            "2024-05-03T10:12:31Z",
            "TEXT",
            "d",
            &plain,
            "3 May 2024, 10:12",
        ),
        (
            "2024-05-03 10:12:31+00",
            "timestamptz",
            "d",
            &plain,
            "3 May 2024, 10:12",
        ),
        ("1990-02-03", "DATE", "d", &plain, "3 February 1990"),
        ("2024-13-99", "DATE", "d", &plain, "2024-13-99"),
        (
            "{\"milk\":\"oat\",\"shots\":2}",
            "TEXT",
            "t",
            &plain,
            "milk: oat, shots: 2",
        ),
        ("{not json", "TEXT", "t", &plain, "{not json"),
        ("0871234567", "TEXT", "phone", &plain, "0871234567"),
    ] {
        assert_eq!(show(text, sql_type, column, field), shown);
    }
}

#[test]
fn speaks_of_moments() -> Result<(), jiff::Error> {
    let now: Timestamp = "2026-11-22T12:00:00Z".parse()?;
    for (at, words) in [
        ("2026-11-22T10:12:00Z", "today at 10:12"),
        ("2026-11-21T23:59:00Z", "yesterday at 23:59"),
        ("2026-06-02T08:05:00Z", "on 2 June 2026 at 8:05"),
    ] {
        assert_eq!(spoken(at.parse()?, now, &TimeZone::UTC), words);
    }
    Ok(())
}

#[test]
fn covers_all_but_the_end() {
    assert_eq!(last4("4111111111111111"), "•••• 1111");
    assert_eq!(last4("12345678"), "•••• 5678");
    assert_eq!(last4("1234"), "••••");
    assert_eq!(last4(""), "••••");
    assert_eq!(number(1_234_567), "1,234,567");
    assert_eq!(number(999), "999");
}

/// A value of a type, and how it is shown.
fn check_all(cases: &[(&str, &str, &str)]) {
    for (sql_type, text, shown) in cases {
        assert_eq!(
            show(text, sql_type, "x", &Field::default()),
            *shown,
            "{sql_type}: {text}"
        );
    }
}

#[test]
fn dates_and_moments_of_all_engines() {
    check_all(&[
        ("date", "2024-05-03", "3 May 2024"),
        ("date", "infinity", "without end"),
        ("date", "-infinity", "without beginning"),
        ("timestamp with time zone", "infinity", "without end"),
        ("date", "0044-03-15 BC", "15 March 44 BC"),
        ("date", "0001-02-29 BC", "0001-02-29 BC"),
        (
            "timestamp without time zone",
            "0044-03-15 10:12:31 BC",
            "15 March 44 BC, 10:12",
        ),
        (
            "timestamp without time zone",
            "0044-03-15 00:00:00 BC",
            "15 March 44 BC",
        ),
        (
            "timestamp with time zone",
            "0044-03-15 10:12:31+00 BC",
            "0044-03-15 10:12:31+00 BC",
        ),
        ("text", "0044-03-15 BC", "0044-03-15 BC"),
        ("date", "12024-05-03", "12024-05-03"),
        (
            "timestamp(3) with time zone",
            "2024-05-03 10:12:31.123+05:30",
            "3 May 2024, 4:42",
        ),
        ("timestamptz", "2024-05-03 00:00:00+00", "3 May 2024, 0:00"),
        (
            "datetime(6)",
            "2024-05-03 10:12:31.000000",
            "3 May 2024, 10:12",
        ),
        ("datetime", "2024-05-03 00:00:00", "3 May 2024"),
        ("datetime", "0000-00-00 00:00:00", "no date"),
        ("datetime(6)", "0000-00-00 00:00:00.000000", "no date"),
        ("date", "0000-00-00", "no date"),
        ("date", "2024-00-00", "2024-00-00"),
        ("year", "2024", "2024"),
        ("year(4)", "0000", "0000"),
    ]);
}

#[test]
fn times_and_lengths_of_time() {
    check_all(&[
        ("time without time zone", "10:12:00", "10:12"),
        ("time(6) without time zone", "09:05:07.250000", "9:05:07.25"),
        ("time with time zone", "10:12:00+02", "10:12 (UTC+02)"),
        ("timetz", "10:12:31-05:30", "10:12:31 (UTC-05:30)"),
        ("time", "00:00:00", "0:00"),
        ("time", "24:00:00", "24:00"),
        ("time", "34:05:00", "34 hours, 5 minutes"),
        ("time", "838:59:59", "838 hours, 59 minutes, 59 seconds"),
        ("time", "-01:30:00", "minus 1 hour, 30 minutes"),
        ("time(3)", "-00:00:01.500", "minus 1.5 seconds"),
        ("TIME", "noon", "noon"),
        ("time", "10:99:00", "10:99:00"),
        ("time", "10:12:00:00", "10:12:00:00"),
        (
            "interval",
            "1 year 2 mons 3 days 04:05:06",
            "1 year, 2 months, 3 days, 4 hours, 5 minutes, 6 seconds",
        ),
        (
            "interval day to second(3)",
            "2 days 00:00:01.5",
            "2 days, 1.5 seconds",
        ),
        ("interval", "1 day 00:00:00", "1 day"),
        ("interval", "00:00:00", "0 seconds"),
        ("interval", "-1 years -2 mons", "minus 1 year, 2 months"),
        (
            "interval",
            "-1 days +02:03:00",
            "minus 1 day, 2 hours, 3 minutes",
        ),
        ("interval", "1 mon -1 days", "1 month, minus 1 day"),
        ("interval", "-00:00:01", "minus 1 second"),
        ("interval", "100:00:00", "100 hours"),
        ("interval", "P1Y2M", "P1Y2M"),
        ("interval", "1 fortnight", "1 fortnight"),
    ]);
}

#[test]
fn flags_are_answers_and_other_numbers_are_not() {
    check_all(&[
        ("boolean", "t", "Yes"),
        ("bool", "false", "No"),
        ("tinyint(1)", "1", "Yes"),
        ("tinyint(1)", "0", "No"),
        ("tinyint(1)", "7", "7"),
        ("TINYINT(1) unsigned", "1", "Yes"),
        ("tinyint(4)", "1", "1"),
        ("tinyint", "1", "1"),
        ("bit(1)", "1", "Yes"),
        ("bit(1)", "\0", "No"),
        ("bit(1)", "\u{1}", "Yes"),
        ("bit(3)", "101", "101"),
        ("bit varying(5)", "1", "1"),
    ]);
}

#[test]
fn several_values_in_one() {
    check_all(&[
        ("text[]", "{a,\"b c\",NULL}", "a, b c, nothing"),
        (
            "_text",
            "{\"NULL\",\"say \\\"hi\\\"\",\"a\\\\b\",\"\"}",
            "NULL, say \"hi\", a\\b, nothing",
        ),
        ("integer[]", "{{1,2},{3,4}}", "(1, 2), (3, 4)"),
        ("integer[]", "[0:2]={1,2,3}", "1, 2, 3"),
        ("integer[]", "{}", "nothing"),
        ("boolean[]", "{t,f}", "Yes, No"),
        (
            "date[]",
            "{2024-01-01,infinity}",
            "1 January 2024, without end",
        ),
        (
            "timestamp without time zone[]",
            "{\"2024-05-03 10:12:00\"}",
            "3 May 2024, 10:12",
        ),
        ("character varying(20)[]", "{\"a,b\"}", "a,b"),
        ("box[]", "{(1,1),(0,0)}", "(1, 1), (0, 0)"),
        ("text[]", "{a,b", "{a,b"),
        ("text[]", "{a}b", "{a}b"),
        ("text[]", "{,}", "{,}"),
        ("text[]", "plain", "plain"),
        ("set('a','b')", "a,b", "a, b"),
        ("set('a','b')", "a", "a"),
        ("enum('a','b')", "a", "a"),
        (
            "hstore",
            "\"a\"=>\"1\", \"b c\"=>NULL, \"d\"=>\"\"",
            "a: 1, b c: nothing, d: nothing",
        ),
        ("hstore", "a=>1", "a=>1"),
        (
            "jsonb",
            "{\"milk\": \"oat\", \"more\": [], \"none\": {}}",
            "milk: oat, more: nothing, none: nothing",
        ),
        ("json", "\"text\"", "text"),
        ("json", "null", "nothing"),
        ("json", "[]", "nothing"),
    ]);
}

#[test]
fn ranges_say_what_they_take_in() {
    check_all(&[
        (
            "daterange",
            "[2024-01-01,2024-02-01)",
            "from 1 January 2024 to before 1 February 2024",
        ),
        ("daterange", "[2024-01-01,)", "from 1 January 2024 on"),
        (
            "daterange",
            "[2024-01-01,infinity)",
            "from 1 January 2024 on",
        ),
        ("daterange", "(,2024-02-01)", "before 1 February 2024"),
        ("daterange", "(,)", "without bounds"),
        ("daterange", "empty", "nothing"),
        (
            "tsrange",
            "(\"2024-01-01 10:00:00\",\"2024-01-02 11:30:00\"]",
            "after 1 January 2024, 10:00 to 2 January 2024, 11:30",
        ),
        (
            "tstzrange",
            "[\"2024-01-01 10:00:00+00\",)",
            "from 1 January 2024, 10:00 on",
        ),
        ("int4range", "[1,5)", "from 1 to below 5"),
        ("numrange", "(1.50,5.00]", "above 1.50 to 5.00"),
        ("numrange", "(,5]", "up to 5"),
        (
            "int4multirange",
            "{[1,3),[5,7)}",
            "from 1 to below 3; from 5 to below 7",
        ),
        ("datemultirange", "{}", "nothing"),
        ("int4range", "[1,5", "[1,5"),
        ("int4range", "[1,5)x", "[1,5)x"),
        (
            "int4range[]",
            "{\"[1,3)\",empty}",
            "from 1 to below 3, nothing",
        ),
    ]);
}

#[test]
fn what_a_person_would_write_so_too_stays_as_it_stands() {
    for (sql_type, text) in [
        ("money", "$1,234.50"),
        ("numeric(10,2)", "1.50"),
        ("decimal(10,4)", "0.5000"),
        ("double precision", "1e+20"),
        ("uuid", "0190a5f2-7c1e-7000-8000-000000000000"),
        ("inet", "192.168.0.1/24"),
        ("macaddr", "08:00:2b:01:02:03"),
        ("point", "(1,2)"),
        ("lseg", "[(1,2),(3,4)]"),
        ("line", "{1,-1,0}"),
        ("geometry", "POINT(1 2)"),
        ("address_type", "(\"1 Main St\",Dublin)"),
        ("tsvector", "'a':1 'b':2"),
        ("text", "$1,234.50"),
        ("varchar(20)", "10:12:00"),
    ] {
        assert_eq!(
            show(text, sql_type, "x", &Field::default()),
            text,
            "{sql_type}"
        );
    }
}

/// Types of all families, and some that no engine has.
const TYPES: &str = "(date|timestamp|timestamptz|datetime|time|timetz|interval|year|bool|bit\\(1\\)|tinyint\\(1\\)|set\\('a','b'\\)|_int4|text\\[\\]|date\\[\\]|\\[\\]|_|hstore|jsonb?|daterange|int4range|tstzmultirange|range|text|)";

proptest! {
    #[test]
    fn never_panics_and_never_empties_a_value(text in "\\PC{0,40}", sql_type in TYPES) {
        let shown = value(&text, Kind { sql_type: &sql_type, column: "x", field: None }, &TimeZone::UTC);
        prop_assert_eq!(shown.is_empty(), text.is_empty());
    }

    #[test]
    fn never_panics_on_what_almost_is_one(text in "[-+0-9:. {}\\[\\](),\"\\\\=>aNULTZyermonsdayBC]{0,60}", sql_type in TYPES) {
        let shown = value(&text, Kind { sql_type: &sql_type, column: "x", field: None }, &TimeZone::UTC);
        prop_assert_eq!(shown.is_empty(), text.is_empty());
    }

    #[test]
    fn an_array_shows_each_of_its_texts(texts in prop::collection::vec("\\PC{1,8}", 1..5)) {
        let quoted: Vec<String> = texts.iter().map(|t| format!("\"{}\"", t.replace('\\', "\\\\").replace('"', "\\\""))).collect();
        let shown = value(&format!("{{{}}}", quoted.join(",")), Kind { sql_type: "text[]", column: "x", field: None }, &TimeZone::UTC);
        prop_assert_eq!(shown, texts.join(", "));
    }
}

#[test]
fn deep_arrays_are_left_alone() {
    let deep = "{".repeat(100_000);
    assert_eq!(show(&deep, "text[]", "x", &Field::default()), deep);
}
