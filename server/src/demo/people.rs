//! Who the demo's customers are. A few are told by hand, for people who try the portal; the dice make the others.

use fairhold_domain::policy::Role;
use jiff::civil::{Date, date};

use super::generator::{Dice, day};

/// How many people have a shop account.
pub(super) const CUSTOMERS: i64 = 200;

/// A demo log-in for the portal.
#[derive(Clone, Copy, Debug, serde::Serialize, PartialEq, Eq)]
pub struct Persona {
    /// The address to log in with; the demo's systems know it too.
    pub email: &'static str,
    /// In plain words: it opens nothing but the demo.
    pub password: &'static str,
    /// What the log-in may do.
    pub role: &'static str,
    /// What there is to see.
    pub note: &'static str,
    /// Purposes that they said yes to.
    #[serde(skip)]
    pub allows: &'static [&'static str],
}

const PERSONAS: [Persona; 4] = [
    Persona {
        email: "ada@example.com",
        password: "a-quiet-harbour-at-dawn",
        role: "customer",
        note: "A regular: nine orders, the newsletter, the website, guesses, and facts from a list broker",
        allows: &["newsletter", "your_offers"],
    },
    Persona {
        email: "ben@example.com",
        password: "one-small-paper-boat",
        role: "customer",
        note: "Ordered once and never came back",
        allows: &[],
    },
    Persona {
        email: "cleo@example.net",
        password: "letters-by-the-window",
        role: "customer",
        note: "Has no shop account; reads the newsletter",
        allows: &["newsletter"],
    },
    Persona {
        email: "grace@example.com",
        password: "five-thousand-cups-later",
        role: "customer",
        note: "Runs a café: 5,000 orders",
        allows: &["offers_by_post"],
    },
];

/// A demo log-in for the staff's door.
#[derive(Clone, Copy, Debug, serde::Serialize, PartialEq, Eq)]
pub struct StaffPersona {
    /// The address to log in with.
    pub email: &'static str,
    /// In plain words: it opens nothing but the demo.
    pub password: &'static str,
    /// What they do.
    pub role: Role,
    /// What an app makes the codes from, in base 32.
    pub code_key: &'static str,
    /// What there is to see.
    pub note: &'static str,
}

const STAFF: [StaffPersona; 5] = [
    StaffPersona {
        email: "niamh@staff.example.com",
        password: "kettle-always-on-the-boil",
        role: Role::Support,
        code_key: "KRSXG5CTMVRXEZLUKN2XA4DPOJ2DCMBR",
        note: "Answers customers",
    },
    StaffPersona {
        email: "sol@staff.example.com",
        password: "two-clocks-on-one-wall",
        role: Role::Supervisor,
        code_key: "KRSXG5CTMVRXEZLUKN2XAZLSOZUTCMBS",
        note: "Sees to it that support answers in time",
    },
    StaffPersona {
        email: "priya@staff.example.com",
        password: "a-locked-drawer-of-letters",
        role: Role::PrivacyOfficer,
        code_key: "KRSXG5CTMVRXEZLUKBZGS5TBMN4TCMBT",
        note: "Answers for what is held and why",
    },
    StaffPersona {
        email: "marlow@staff.example.com",
        password: "posters-in-every-window",
        role: Role::Marketing,
        code_key: "KRSXG5CTMVRXEZLUJVQXE23FORUTCMBU",
        note: "Plans what customers are asked and offered",
    },
    StaffPersona {
        email: "abel@staff.example.com",
        password: "the-heaviest-ring-of-keys",
        role: Role::Administrator,
        code_key: "KRSXG5CTMVRXEZLUIFSG22LONFZTCMBV",
        note: "Gives the others their way in",
    },
];

/// The demo's staff: one of each role.
pub fn staff() -> &'static [StaffPersona] {
    &STAFF
}

/// The demo's log-ins, for the first page, for `fairhold demo accounts`, and for the tests.
pub fn personas() -> &'static [Persona] {
    &PERSONAS
}

/// One person, as far as more than one system knows them.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a plain yes or no about a person"
)]
pub(super) struct Person {
    /// Also their number in the shop, where they have an account.
    pub(super) number: i64,
    pub(super) email: String,
    pub(super) first_name: String,
    pub(super) last_name: String,
    pub(super) phone: Option<String>,
    pub(super) born_on: Option<Date>,
    pub(super) town: &'static Town,
    /// Days before the end on which they opened their account.
    pub(super) joined: i64,
    pub(super) orders: i64,
    pub(super) has_card: bool,
    pub(super) reads_news: bool,
    pub(super) uses_website: bool,
    /// Whether everything that the systems can hold is held of them.
    pub(super) has_everything: bool,
}

/// A place, with the start of its post code. No real code begins with these letters, so no parcel goes astray.
#[derive(Debug)]
pub(super) struct Town {
    pub(super) name: &'static str,
    pub(super) county: &'static str,
    pub(super) code: &'static str,
}

const TOWNS: [Town; 8] = [
    Town {
        name: "Dublin",
        county: "Dublin",
        code: "Q01",
    },
    Town {
        name: "Dún Laoghaire",
        county: "Dublin",
        code: "Q02",
    },
    Town {
        name: "Howth",
        county: "Dublin",
        code: "Q03",
    },
    Town {
        name: "Bray",
        county: "Wicklow",
        code: "Q04",
    },
    Town {
        name: "Cork",
        county: "Cork",
        code: "Q05",
    },
    Town {
        name: "Galway",
        county: "Galway",
        code: "Q06",
    },
    Town {
        name: "Kilkenny",
        county: "Kilkenny",
        code: "Q07",
    },
    Town {
        name: "Sligo",
        county: "Sligo",
        code: "Q08",
    },
];

const FIRST_NAMES: [&str; 24] = [
    "Aoife", "Brian", "Ciara", "Declan", "Emer", "Fiona", "Gavin", "Hana", "Ines", "Jakub",
    "Kavya", "Liam", "Maeve", "Niall", "Orla", "Pedro", "Róisín", "Seán", "Tara", "Una", "Viktor",
    "Wren", "Yusuf", "Zofia",
];

const LAST_NAMES: [&str; 24] = [
    "Ahern",
    "Byrne",
    "Costa",
    "Daly",
    "Egan",
    "Flynn",
    "Gallagher",
    "Hayes",
    "Iqbal",
    "Joyce",
    "Kowalska",
    "Lynch",
    "Murphy",
    "Nowak",
    "O'Brien",
    "Power",
    "Quinn",
    "Reilly",
    "Silva",
    "Tobin",
    "Usman",
    "Vaughan",
    "Walsh",
    "Young",
];

/// Everyone with a shop account, by number, and then those whom only another system knows.
pub(super) fn everyone() -> anyhow::Result<Vec<Person>> {
    let mut people = vec![ada(), ben(), grace()];
    let told = i64::try_from(people.len())?;
    for number in told.saturating_add(1)..=CUSTOMERS {
        people.push(somebody(number)?);
    }
    people.push(cleo());
    Ok(people)
}

/// Those of them who have a shop account.
pub(super) fn has_shop_account(person: &Person) -> bool {
    person.number <= CUSTOMERS
}

/// The address of everyone whom one of the demo's systems knows, each once.
pub fn all_customer_emails() -> anyhow::Result<Vec<String>> {
    Ok(everyone()?.into_iter().map(|person| person.email).collect())
}

fn ada() -> Person {
    Person {
        number: 1,
        email: "ada@example.com".into(),
        first_name: "Ada".into(),
        last_name: "Quinn".into(),
        phone: Some("+353 20 910 0018".into()),
        born_on: Some(date(1988, 5, 14)),
        town: &TOWNS[2],
        joined: 912,
        orders: 9,
        has_card: true,
        reads_news: true,
        uses_website: true,
        has_everything: true,
    }
}

fn ben() -> Person {
    Person {
        number: 2,
        email: "ben@example.com".into(),
        first_name: "Ben".into(),
        last_name: "Costa".into(),
        phone: None,
        born_on: None,
        town: &TOWNS[5],
        joined: 203,
        orders: 1,
        has_card: false,
        reads_news: false,
        uses_website: true,
        has_everything: false,
    }
}

fn grace() -> Person {
    Person {
        number: 3,
        email: "grace@example.com".into(),
        first_name: "Grace".into(),
        last_name: "Tobin".into(),
        phone: Some("+353 20 910 0052".into()),
        born_on: None,
        town: &TOWNS[0],
        joined: 2500,
        orders: 5000,
        has_card: true,
        reads_news: true,
        uses_website: true,
        has_everything: true,
    }
}

fn cleo() -> Person {
    Person {
        number: CUSTOMERS + 1,
        email: "cleo@example.net".into(),
        first_name: "Cleo".into(),
        last_name: "Young".into(),
        phone: None,
        born_on: None,
        town: &TOWNS[3],
        joined: 340,
        orders: 0,
        has_card: false,
        reads_news: true,
        uses_website: false,
        has_everything: false,
    }
}

fn somebody(number: i64) -> anyhow::Result<Person> {
    let mut dice = Dice::of(1, number);
    let first_name = *dice.pick(&FIRST_NAMES)?;
    let last_name = *dice.pick(&LAST_NAMES)?;
    // Addresses of example domains reach nobody (RFC 2606), and the number keeps them apart.
    let domain = *dice.pick(&["example.com", "example.org", "example.net"])?;
    let email = format!("{}{number}@{domain}", plain(last_name));
    // ComReg keeps 020 91x xxxx for stories: nobody has such a number.
    let phone = format!(
        "+353 20 91{} {:04}",
        dice.between(1, 9),
        dice.between(0, 9999)
    );
    let born = dice.between(19 * 365, 80 * 365);
    Ok(Person {
        number,
        email,
        first_name: first_name.to_owned(),
        last_name: last_name.to_owned(),
        phone: dice.chance(70).then_some(phone),
        born_on: dice.chance(40).then(|| day(born)),
        town: dice.pick(&TOWNS)?,
        joined: dice.between(30, 2000),
        orders: if dice.chance(85) {
            dice.between(1, 7)
        } else {
            dice.between(8, 24)
        },
        has_card: dice.chance(60),
        reads_news: dice.chance(45),
        uses_website: dice.chance(75),
        has_everything: false,
    })
}

/// A name as it stands in an address: small letters only.
fn plain(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphabetic)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}
