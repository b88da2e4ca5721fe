//! The only code that runs in the browser. Each island works as plain HTML as well; the browser only makes it nicer.

mod covered;
mod passkey;
mod search_box;
mod show_password;

pub use covered::Covered;
pub use passkey::{Passkey, PasskeyAct};
pub use search_box::SearchBox;
pub use show_password::ShowPassword;
