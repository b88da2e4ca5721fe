//! A balance over time: a line of steps, drawn here so that nothing runs in the browser, with the same numbers in a table.

use fairhold_domain::present::number;
use fairhold_portal::rewards::Day;
use leptos::prelude::*;

/// The drawing's own units. It is stretched to the width of the page, and its lines are not.
const WIDE: i64 = 1_000;
const HIGH: i64 = 200;
/// Room above the highest step, so that its line is whole.
const ABOVE: i64 = 8;

/// The chart, and its table.
#[component]
pub(super) fn Chart(days: Vec<Day>, today: String, until_today: i64) -> impl IntoView {
    let most = days.iter().map(|day| day.balance).max().unwrap_or(0);
    let now = days.last().map_or(0, |day| day.balance);
    let first = days.first().map(|day| day.words.clone());
    let first = first.unwrap_or_default();
    let (line, area) = paths(&days, until_today, most);
    let title = format!(
        "Your points from {first} to today. The most was {}. Now it is {}.",
        spoken(most),
        spoken(now)
    );
    let rows = days.into_iter().rev().map(|day| {
        view! {
            <tr>
                <th scope="row"><time datetime=day.day>{day.words}</time></th>
                <td class="number">{spoken(day.balance)}</td>
            </tr>
        }
    });
    view! {
        <figure class="chart">
            <p class="fine" aria-hidden="true">{format!("{} at most", spoken(most))}</p>
            <svg role="img" aria-label=title viewBox=format!("0 0 {WIDE} {HIGH}") preserveAspectRatio="none">
                <path class="area" d=area></path>
                <path class="line" d=line></path>
            </svg>
            <p class="fine ends" aria-hidden="true"><span>{first}</span><span>{today}</span></p>
        </figure>
        <details>
            <summary>"The same as a table"</summary>
            <table>
                <thead><tr><th scope="col">"At the end of"</th><th scope="col" class="number">"Points"</th></tr></thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </details>
    }
}

/// The line of steps, and what is below it.
fn paths(days: &[Day], until_today: i64, most: i64) -> (String, String) {
    let across = until_today.max(1);
    let x = |after: i64| after.clamp(0, across).saturating_mul(WIDE) / across;
    // A balance is a million million at most, so this is far from the end of the numbers.
    let y = |balance: i64| HIGH - balance.max(0).saturating_mul(HIGH - ABOVE) / most.max(1);
    let mut line = String::new();
    for day in days {
        let (x, y) = (x(day.after), y(day.balance));
        if line.is_empty() {
            line = format!("M{x} {y}");
        } else {
            line = format!("{line}H{x}V{y}");
        }
    }
    let line = format!("{line}H{WIDE}");
    let area = format!("{line}V{HIGH}H0Z");
    (line, area)
}

fn spoken(balance: i64) -> String {
    number(balance.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(after: i64, balance: i64) -> Day {
        Day {
            words: String::new(),
            day: String::new(),
            after,
            balance,
        }
    }

    #[test]
    fn a_line_of_steps_ends_today() {
        let (line, area) = paths(&[day(0, 50), day(5, 100), day(8, 0)], 10, 100);
        assert_eq!(line, "M0 104H500V8H800V200H1000");
        assert_eq!(area, "M0 104H500V8H800V200H1000V200H0Z");
        let (line, _) = paths(&[day(0, 0)], 0, 0);
        assert_eq!(line, "M0 200H1000");
        let (line, _) = paths(&[day(0, i64::MAX), day(1, i64::MIN)], 1, i64::MAX);
        assert!(line.starts_with("M0 "), "{line}");
    }
}
