//! The whole page in figures.

use super::{MyData, Shown};
use crate::catalog::{Origin, ShownAs};

/// The whole page in figures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// All facts. An entry of a list (an order, a page read) is one fact; a field laid out by itself is one.
    pub facts: u64,
    /// There are more: counting stopped somewhere.
    pub more: bool,
    /// By origin: given, seen, worked out, got from others.
    pub by_origin: [u64; 4],
    /// Of fields whose origin nobody declared.
    pub unknown_origin: u64,
    /// How many of them are never shown.
    pub withheld: u64,
    /// Whether some of them are entries of lists.
    pub lists: bool,
    /// Names of the systems that hold something.
    pub systems: Vec<String>,
}

impl Summary {
    /// How many facts are guesses.
    pub const fn guesses(&self) -> u64 {
        let [_, _, guesses, _] = self.by_origin;
        guesses
    }

    fn add(&mut self, origin: Option<Origin>, n: u64) {
        self.facts += n;
        match origin
            .map(|o| o as usize)
            .and_then(|at| self.by_origin.get_mut(at))
        {
            Some(count) => *count += n,
            None => self.unknown_origin += n,
        }
    }
}

/// Counts what is held. Withheld values and those not described yet count too: nothing that is held is hidden.
pub fn summary(data: &MyData) -> Summary {
    let mut sum = Summary::default();
    for part in &data.parts {
        match part.shown_as {
            ShownAs::Facts => {
                for fact in part.entries.iter().flat_map(|e| &e.facts) {
                    sum.add(fact.origin, 1);
                    sum.withheld += u64::from(matches!(fact.value, Shown::Withheld(_)));
                }
                // Rows that did not fit on the page count as one each.
                let unseen = part.count.saturating_sub(part.entries.len() as u64);
                sum.add(part.origin, unseen);
            }
            ShownAs::List => {
                sum.add(part.origin, part.count);
                sum.lists = true;
            }
        }
        sum.more |= part.count_is_more;
        if part.count > 0 && !sum.systems.contains(&part.system) {
            sum.systems.push(part.system.clone());
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::sample::my_data;

    #[test]
    fn counts_an_entry_of_a_list_as_one_fact() {
        let sum = summary(&my_data());
        assert_eq!(
            (sum.facts, sum.by_origin, sum.guesses()),
            (5_003, [2, 5_000, 1, 0], 1)
        );
        assert_eq!(sum.systems, ["Our shop"]);
        assert_eq!((sum.withheld, sum.lists), (0, true));
    }

    #[test]
    fn every_fact_is_counted_under_one_origin() {
        let mut data = my_data();
        for part in &mut data.parts {
            part.entries.truncate(1);
            part.count = 1;
            for fact in part.entries.iter_mut().flat_map(|e| &mut e.facts).take(1) {
                fact.origin = None;
                fact.value = Shown::Withheld("A secret.".to_owned());
            }
        }
        let sum = summary(&data);
        assert_eq!((sum.unknown_origin, sum.withheld), (1, 1));
        assert_eq!(
            sum.by_origin.iter().sum::<u64>() + sum.unknown_origin,
            sum.facts
        );
    }
}
