//! Names of files and folders in the archive: plain ASCII that every system takes, none a path, none twice.

use std::collections::BTreeSet;

/// The longest name without its ending, in characters: with folder and ending a path stays short on every system.
const LONGEST: usize = 60;

/// Names that Windows keeps for devices, whatever ending follows.
const RESERVED: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8",
    "com9", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// The names that are given out in one folder.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// In lower case: some systems tell no capitals apart.
    taken: BTreeSet<String>,
}

impl Names {
    /// A folder in which these names are taken.
    pub fn taken<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let taken = names.into_iter().map(str::to_lowercase).collect();
        Self { taken }
    }

    /// A name for what is called `wish` elsewhere.
    pub fn give(&mut self, wish: &str) -> String {
        let safe = safe(wish);
        let mut name = safe.clone();
        let mut number = 2_u32;
        while !self.taken.insert(name.to_lowercase()) {
            name = format!("{safe}-{number}");
            number += 1;
        }
        name
    }
}

/// Letters, digits, `-` and `_`; every other character becomes `_`.
fn safe(wish: &str) -> String {
    let keep = |c: char| {
        if c.is_ascii_alphanumeric() || c == '-' {
            c
        } else {
            '_'
        }
    };
    let name: String = wish.chars().take(LONGEST).map(keep).collect();
    let is_reserved = RESERVED
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known));
    if name.is_empty() || is_reserved || name.starts_with('-') {
        format!("_{name}")
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn odd_names_become_plain_ones() {
        let mut names = Names::taken(["consents", "index"]);
        for (wish, name) in [
            ("orders", "orders"),
            ("Orders", "Orders-2"),
            ("Order \"lines\"", "Order__lines_"),
            ("../../etc/passwd", "______etc_passwd"),
            ("..", "__"),
            ("", "_"),
            ("nul\0", "nul_"),
            ("NUL", "_NUL"),
            ("C:\\x", "C__x"),
            ("-rf", "_-rf"),
            ("Consents", "Consents-2"),
            ("straße", "stra_e"),
            ("stra\u{202e}e", "stra_e-2"),
        ] {
            assert_eq!(names.give(wish), name);
        }
        assert_eq!(names.give(&"a".repeat(4_000)).len(), LONGEST);
        assert_eq!(names.give(&"a".repeat(5_000)).len(), LONGEST + 2);
    }

    proptest! {
        #[test]
        fn no_name_leaves_its_folder_or_is_given_twice(wishes in proptest::collection::vec("\\PC*|[./\\\\a-cA-C\0]{0,4}", 0..40)) {
            let mut names = Names::default();
            let mut given = BTreeSet::new();
            for wish in &wishes {
                let name = names.give(wish);
                prop_assert!(!name.is_empty() && name.len() <= LONGEST + 8);
                prop_assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
                prop_assert!(given.insert(name.to_lowercase()), "{} twice", name);
            }
        }
    }
}
