//! Amounts of money, counts and sizes.

/// An amount with its currency. A column whose name ends in `_cents` or `_minor` counts hundredths.
pub(super) fn money(text: &str, currency: &str, column: &str) -> Option<String> {
    let minor = ["_cents", "_minor"]
        .iter()
        .any(|end| column.to_ascii_lowercase().ends_with(end));
    let amount = if minor {
        let cents: i64 = text.parse().ok()?;
        let sign = if cents < 0 { "-" } else { "" };
        format!(
            "{sign}{}.{:02}",
            cents.unsigned_abs() / 100,
            cents.unsigned_abs() % 100
        )
    } else if text.parse::<f64>().is_ok_and(f64::is_finite) {
        match text.split_once('.') {
            Some((_, part)) if part.len() == 1 => format!("{text}0"),
            _ => text.to_owned(),
        }
    } else {
        return None;
    };
    let sign = match currency {
        "EUR" => "€",
        "USD" => "$",
        "GBP" => "£",
        "JPY" => "¥",
        other => return Some(format!("{amount} {other}")),
    };
    Some(match amount.strip_prefix('-') {
        Some(positive) => format!("-{sign}{positive}"),
        None => format!("{sign}{amount}"),
    })
}

/// A size in bytes, in words.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}

/// A whole number with commas at the thousands.
pub fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
