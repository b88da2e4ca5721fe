//! What strangers send, given to what reads it: one function a target. Each takes any bytes, and panics where something is
//! wrong. libFuzzer drives them (`fuzz_targets/`), and so does an ordinary test (`server/tests/fuzz_smoke.rs`).

mod portal;

use fairhold_domain::catalog::check::check_rules;
use fairhold_domain::catalog::load::{SourceFile, load};
use fairhold_domain::catalog::write_missing::write_missing;
use fairhold_domain::email::EmailAddress;
use fairhold_domain::return_to::ReturnTo;
use fairhold_store::seal::token_hash;

use portal::{Answer, Ask, asked, secret};

/// Stands between the files of a catalog.
const NEXT_FILE: &str = "\n%%%\n";
/// What the files are called, in turn.
const FILES: [&str; 3] = ["company.yml", "datasets/one.yml", "datasets/two.yml"];

/// The files of a catalog: they load or are refused with lines that exist, and twice the same way.
pub fn catalog(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let files: Vec<SourceFile> = FILES
        .iter()
        .zip(text.split(NEXT_FILE))
        .map(|(path, text)| SourceFile {
            path: (*path).to_owned(),
            text: text.to_owned(),
        })
        .collect();
    let loaded = load(&files);
    assert_eq!(loaded.findings, load(&files).findings);
    let mut findings = check_rules(&loaded.catalog);
    findings.extend(loaded.findings);
    for finding in &findings {
        assert!(!finding.message.contains('\n'), "{finding}");
        let named = files.iter().find(|file| *file.path == *finding.place.file);
        // A line is one more than the breaks before it; a break may be \r, \n or both.
        let lines = named.map_or(0, |f| f.text.matches(['\n', '\r']).count() + 1);
        let line = usize::try_from(finding.place.line).unwrap_or(usize::MAX);
        assert!(line <= lines, "{finding}: there are {lines} lines");
    }
    for written in write_missing(&files, &[]).files {
        assert!(files.iter().any(|file| file.path == written.path));
    }
}

/// An e-mail address as somebody types it: what is taken is in its one normal form, and can't break a mail's header.
pub fn email(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let normal = EmailAddress::normalise(text);
    assert_eq!(EmailAddress::normalise(&normal), normal, "{text:?}");
    let parsed = EmailAddress::parse(text);
    let louder = EmailAddress::parse(&text.to_ascii_uppercase());
    assert_eq!(parsed, louder, "{text:?} in capitals");
    let Ok(address) = parsed else { return };
    assert_eq!(address.as_str(), normal);
    assert_eq!(EmailAddress::parse(address.as_str()), Ok(address.clone()));
    assert!(address.as_str().len() <= 254);
    assert_eq!(address.as_str().matches('@').count(), 1);
    let breaks = |c: char| c.is_control() || c.is_whitespace() || "<>,;\"".contains(c);
    assert!(!address.as_str().contains(breaks), "{text:?}");
    assert!(!format!("{address:?}").contains('@'));
}

/// Where somebody who joined may be sent back to: what is taken stays on the list, and reads the same the second time.
pub fn return_to(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let listed = [
        "https://shop.example/welcome".to_owned(),
        "http://localhost:3000/".to_owned(),
    ];
    let Ok(taken) = ReturnTo::parse(text, &listed) else {
        return;
    };
    let address = taken.as_str();
    let shop = address.strip_prefix("https://shop.example/welcome");
    let shop = shop.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']));
    assert!(
        shop || address.starts_with("http://localhost:3000/"),
        "{text:?} leads to {address:?}"
    );
    assert!(
        !address.contains(|c: char| c.is_control() || c == ' '),
        "{address:?}"
    );
    assert_eq!(ReturnTo::parse(address, &listed), Ok(taken.clone()));
}

/// Cookies that nobody was given: they open nothing, and break nothing.
pub fn cookie(data: &[u8]) {
    let mut named = b"__Host-fairhold=".to_vec();
    named.extend(data);
    let mut of_staff = b"__Host-fairhold-staff=".to_vec();
    of_staff.extend(data);
    let mut of_device = b"__Host-fairhold-device=".to_vec();
    of_device.extend(data);
    for (path, cookie) in [
        ("/who-looked", data),
        ("/who-looked", &named),
        ("/staff", data),
        ("/staff", &of_staff),
        ("/who-looked", &of_device),
    ] {
        let ask = Ask::get(path).with_header("cookie", cookie);
        let Some(answer) = asked(ask) else { continue };
        is_in_order(&answer, path, data);
        assert_eq!(answer.status, 303, "{path} opened for a made-up cookie");
        assert!(answer.location.contains("/log-in"), "{}", answer.location);
    }
}

/// Tokens of links that nobody was sent: they do nothing, and break nothing.
pub fn link(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let hash = token_hash(&text);
    assert!(hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()));
    let encoded = data
        .iter()
        .fold(String::new(), |path, byte| path + &format!("%{byte:02x}"));
    for door in ["/set-password/", "/not-me/", "/staff/join/"] {
        for token in [&*text, &encoded] {
            let path = format!("{door}{token}");
            let form = b"password=four+words+that+fit".to_vec();
            for ask in [Ask::get(&path), Ask::form(&path, form)] {
                let Some(answer) = asked(ask) else { continue };
                is_in_order(&answer, door, data);
                // A dot or a question mark may end the path before the token.
                let asks_again = answer.location.contains("/log-in");
                assert!(
                    !(200..400).contains(&answer.status) || asks_again,
                    "{door} did something: {}",
                    answer.status
                );
            }
        }
    }
}

/// Takes what a browser says of a passkey, as JSON in a form.
const ANSWERS_PASSKEY: &str = "/log-in/passkey/answer";

/// Where bodies are sent, and whether by somebody who is logged in.
const TAKE_BODIES: [(&str, bool); 18] = [
    ("/v1/whoami", false),
    ("/sign-up", false),
    ("/forgot-password", false),
    ("/log-in", false),
    ("/log-in/code", false),
    ("/log-in/passkey", false),
    (ANSWERS_PASSKEY, false),
    ("/set-password/token", false),
    ("/staff/log-in", false),
    ("/staff/code", false),
    ("/staff/join/token", false),
    ("/act/uncover", false),
    ("/act/uncover", true),
    ("/my-data", true),
    ("/my-data/portal/profile", true),
    ("/is-it-you/shop", true),
    ("/account/passkeys/new", true),
    ("/account/app/new", true),
];
const KINDS: [&str; 4] = [
    "application/x-www-form-urlencoded",
    "application/json",
    "multipart/form-data; boundary=x",
    "",
];

/// Bodies of forms, of what islands ask for, and of calls of the API; the first two bytes say where they go and what they
/// claim to be. Whoever is not logged in is not let in, and nothing breaks.
pub fn body(data: &[u8]) {
    let [door, kind, body @ ..] = data else {
        return;
    };
    let (path, logged_in) = TAKE_BODIES[usize::from(*door) % TAKE_BODIES.len()];
    let mut ask = Ask::form(path, body.to_vec());
    ask.kind = KINDS[usize::from(*kind) % KINDS.len()];
    if logged_in {
        ask = ask.logged_in();
    }
    if path == ANSWERS_PASSKEY {
        let Some(cookie) = began_with_passkey() else {
            return;
        };
        ask = ask.with_header("cookie", cookie.as_bytes());
    }
    if path.starts_with("/v1/") {
        // A call's only words of its own: the key.
        let answer = asked(Ask::get(path).with_header("authorization", body));
        if let Some(answer) = answer {
            is_in_order(&answer, path, data);
            assert_eq!(answer.status, 401, "a made-up key opened {path}");
        }
    }
    let Some(answer) = asked(ask) else { return };
    is_in_order(&answer, path, data);
    if !logged_in {
        let inside = ["/my-data", "/account", "/staff/people"];
        let in_there = inside.iter().any(|at| answer.location.starts_with(at));
        assert!(!in_there, "{path} let a stranger in");
        assert!(!answer.cookies.iter().any(|c| c.contains("-device=")));
    }
}

/// The cookie of a stranger who has begun to log in with a passkey: only theirs is read.
fn began_with_passkey() -> Option<String> {
    let began = asked(Ask::form("/log-in/passkey", Vec::new()))?;
    let cookie = began.cookies.first()?;
    Some(cookie.split(';').next()?.to_owned())
}

/// That nothing broke, and nothing of the inside is told.
///
/// A page may show again what was typed, so words that were sent tell nothing.
fn is_in_order(answer: &Answer, path: &str, sent: &[u8]) {
    let busy = answer.status == 503;
    assert!(answer.status < 500 || busy, "{path}: {}", answer.status);
    let sent = typed(sent);
    for inside in ["panicked", ".rs:", "sqlx", "called `"] {
        let told = answer.body.contains(inside) && !sent.contains(inside);
        assert!(!told, "{path} tells {inside:?}");
    }
    let split = [&answer.location, &answer.body]
        .iter()
        .any(|text| text.contains(secret()));
    assert!(!split, "{path} tells a secret");
}

/// What a form's bytes stand for.
fn typed(sent: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(sent.len());
    let mut rest = sent;
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let (byte, used) = match (first, byte) {
            (b'%', Some(byte)) => (byte, 2),
            (b'+', _) => (b' ', 0),
            (other, _) => (*other, 0),
        };
        bytes.push(byte);
        rest = after.get(used..).unwrap_or_default();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
