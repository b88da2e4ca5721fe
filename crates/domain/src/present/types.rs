//! What the three engines call their types.

/// How values of a type are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// One bit, or the one digit that `MySQL` keeps a flag in.
    Flag,
    Bool,
    /// A date, or a date with a time.
    Moment,
    /// A time of day; in `MySQL` a length of time as well.
    Time,
    Interval,
    /// `MySQL`'s set of words.
    Set,
    /// `PostgreSQL`'s arrays, with what their items are.
    Array(Box<Family>),
    Hstore,
    /// With what its bounds are.
    Range(Box<Family>),
    Multirange(Box<Family>),
    Json,
    /// Texts, numbers, addresses, shapes: the database writes them as a person would.
    AsItStands,
}

impl Family {
    /// Of a declared type, in the engine's words: `timestamp(3) with time zone`, `_int4`, `TINYINT(1)`.
    pub(super) fn of(sql_type: &str) -> Self {
        let words = sql_type.trim().to_ascii_lowercase();
        let item = words.trim_start_matches('_').trim_end_matches("[]");
        if item.len() < words.len() {
            return Self::Array(Box::new(Self::of_one(item)));
        }
        Self::of_one(&words)
    }

    fn of_one(words: &str) -> Self {
        let first = words.split([' ', '(']).next().unwrap_or_default();
        match first {
            "interval" => Self::Interval,
            "time" | "timetz" => Self::Time,
            "set" if words.starts_with("set(") => Self::Set,
            "tinyint" if words.starts_with("tinyint(1)") => Self::Flag,
            "bit" if words == "bit" || words == "bit(1)" => Self::Flag,
            "hstore" => Self::Hstore,
            "json" | "jsonb" => Self::Json,
            _ => Self::by_a_part(first, words),
        }
    }

    fn by_a_part(first: &str, words: &str) -> Self {
        if let Some(bound) = first.strip_suffix("multirange") {
            return Self::Multirange(Box::new(Self::of_bound(bound)));
        }
        if let Some(bound) = first.strip_suffix("range") {
            return Self::Range(Box::new(Self::of_bound(bound)));
        }
        if words.contains("bool") {
            return Self::Bool;
        }
        if words.contains("date") || words.contains("time") {
            return Self::Moment;
        }
        Self::AsItStands
    }

    /// `tsrange` and `tstzrange` are of moments, `daterange` of dates, the others of numbers.
    fn of_bound(start: &str) -> Self {
        match start {
            "date" | "ts" | "tstz" => Self::Moment,
            _ => Self::AsItStands,
        }
    }
}
