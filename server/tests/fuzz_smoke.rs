//! A short run of the fuzz targets (`fuzz/`): over the inputs that are kept with them, and over these changed by chance,
//! the same in every run. `make soak` runs the targets for long, and looks for new paths.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

#[path = "../../fuzz/src/lib.rs"]
mod targets;

use std::path::Path;

/// Changed inputs for a function that asks nobody.
const MANY: usize = 3000;
/// The same where each input is several requests to a portal.
const FEW: usize = 300;
/// No changed input grows larger.
const LARGEST: usize = 8 * 1024;

#[test]
fn catalogs_load_or_are_refused() {
    drive("catalog", targets::catalog, MANY);
}

#[test]
fn addresses_have_one_normal_form() {
    drive("email", targets::email, MANY);
}

#[test]
fn nobody_is_sent_back_off_the_list() {
    drive("return_to", targets::return_to, MANY);
}

#[test]
fn made_up_cookies_open_nothing() {
    drive("cookie", targets::cookie, FEW);
}

#[test]
fn made_up_links_do_nothing() {
    drive("link", targets::link, FEW);
}

#[test]
fn bodies_break_nothing() {
    drive("body", targets::body, FEW);
}

/// Gives the target its inputs, and so many changed ones. A failure says which input it was.
fn drive(name: &str, target: fn(&[u8]), count: usize) {
    let inputs = inputs(name);
    let mut chance = Chance(0x5eed);
    let changed: Vec<Vec<u8>> = (0..count).map(|_| chance.change(&inputs)).collect();
    for input in inputs.iter().chain(&changed) {
        let told = Told(name, input);
        target(input);
        std::mem::forget(told);
    }
}

/// The inputs in the target's folder, in the order of their names.
fn inputs(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    let files = std::fs::read_dir(folder.join(name)).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{name} has no inputs");
    files
        .iter()
        .map(|file| std::fs::read(file).unwrap())
        .collect()
}

/// Says on the way out of a panic which input it was.
struct Told<'a>(&'a str, &'a [u8]);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        println!("{} fails with {}", self.0, self.1.escape_ascii());
    }
}

/// Changes by chance, the same in every run (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % bound.max(1)
    }

    /// One of the inputs with one to eight changes.
    fn change(&mut self, inputs: &[Vec<u8>]) -> Vec<u8> {
        let mut input = inputs[self.below(inputs.len())].clone();
        for _ in 0..=self.below(8) {
            let at = self.below(input.len() + 1);
            let end = (at + self.below(16)).min(input.len());
            let byte = u8::try_from(self.below(256)).unwrap();
            match self.below(6) {
                0 => input.insert(at, byte),
                1 if at < input.len() => input[at] = byte,
                2 if at < input.len() => input[at] ^= 1 << self.below(8),
                3 => drop(input.drain(at..end)),
                4 => {
                    let again = input[at..end].to_vec();
                    input.splice(at..at, again);
                }
                _ => {
                    let other = &inputs[self.below(inputs.len())];
                    let from = self.below(other.len() + 1);
                    let to = (from + self.below(64)).min(other.len());
                    input.splice(at..end, other[from..to].iter().copied());
                }
            }
        }
        input.truncate(LARGEST);
        input
    }
}
