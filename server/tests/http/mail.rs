//! Mail through a mail server: what leaves is what the customer needs, and a server that is down is tried again.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Setup, link_in};

/// A mail server (RFC 5321, as much as it takes) that keeps what it is given.
#[derive(Clone, Default)]
pub struct MailServer {
    taken: Arc<Mutex<Vec<Letter>>>,
    /// Answers that it is too busy.
    busy: Arc<std::sync::atomic::AtomicBool>,
}

#[derive(Clone, Default)]
pub struct Letter {
    from: String,
    pub to: String,
    pub text: String,
}

impl MailServer {
    /// Starts it; the answer is its address as the configuration writes it.
    pub async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("smtp://{}", listener.local_addr().unwrap());
        let server = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(server.clone().serve(stream));
            }
        });
        address
    }

    async fn serve(self, stream: TcpStream) {
        let (reader, mut writer) = stream.into_split();
        let mut lines = BufReader::new(reader).lines();
        let mut letter = Letter::default();
        let mut in_text = false;
        writer.write_all(b"220 here\r\n").await.unwrap();
        while let Ok(Some(line)) = lines.next_line().await {
            let verb = line.split([' ', ':']).next().unwrap().to_ascii_uppercase();
            let busy = self.busy.load(std::sync::atomic::Ordering::SeqCst);
            let answer = match verb.as_str() {
                _ if in_text && line == "." => {
                    in_text = false;
                    self.taken.lock().unwrap().push(std::mem::take(&mut letter));
                    "250 taken"
                }
                _ if in_text => {
                    letter.text.push_str(&line);
                    letter.text.push('\n');
                    continue;
                }
                "EHLO" | "HELO" => "250-here\r\n250 8BITMIME",
                "MAIL" if busy => "451 try again later",
                "MAIL" => {
                    letter.from = line;
                    "250 ok"
                }
                "RCPT" => {
                    letter.to = line;
                    "250 ok"
                }
                "DATA" => {
                    in_text = true;
                    "354 go on"
                }
                "QUIT" => "221 bye",
                _ => "250 ok",
            };
            if writer
                .write_all(format!("{answer}\r\n").as_bytes())
                .await
                .is_err()
            {
                return;
            }
        }
    }

    /// The letters so far, with line breaks and signs that mail writes in its own way put back.
    pub fn letters(&self) -> Vec<Letter> {
        let plain = |l: &Letter| Letter {
            text: l.text.replace("=\n", "").replace("=3D", "="),
            ..l.clone()
        };
        self.taken.lock().unwrap().iter().map(plain).collect()
    }
}

#[tokio::test]
async fn a_sign_up_goes_through_the_mail_server() {
    let server = MailServer::default();
    let house = Setup::production("http://localhost:3000", &server.start().await)
        .start()
        .await;
    let mut browser = house.browser();
    browser
        .post("/sign-up", &[("email", "ada@example.com")])
        .await;
    house.work().await;
    house.work().await;

    let letters = server.letters();
    let [letter] = letters.as_slice() else {
        panic!("{} letters", letters.len())
    };
    assert!(letter.from.contains("<data@finch-and-rowan.example>"));
    assert!(letter.to.contains("<ada@example.com>"));
    assert!(
        letter
            .text
            .contains("Subject: See what Finch & Rowan holds about you"),
        "{}",
        letter.text
    );
    for line in [
        "Content-Type: text/plain; charset=utf-8",
        "Auto-Submitted: auto-generated",
    ] {
        assert!(letter.text.contains(line), "{line}: {}", letter.text);
    }
    let header = |name: &str| letter.text.lines().find_map(|line| line.strip_prefix(name));
    assert!(header("Date: ").is_some(), "{}", letter.text);
    let id = header("Message-ID: ").unwrap_or_default();
    let (random, host) = id.trim_matches(['<', '>']).split_once('@').unwrap();
    assert!(
        random.len() == 36 && !host.is_empty() && !host.contains("ada"),
        "{id}"
    );
    let link = link_in(&letter.text);
    assert!(
        letter
            .text
            .contains(&format!("http://localhost:3000{link}")),
        "the link leads to the configured address"
    );
    assert_eq!(
        browser
            .post(&link, &[("password", "four words that fit")])
            .await
            .status,
        303
    );
    assert_eq!(
        browser
            .log_in("ada@example.com", "four words that fit")
            .await
            .status,
        303
    );
    assert_eq!(
        browser.get("/demo/outbox").await.status,
        404,
        "the outbox is the demo's alone"
    );
}

#[tokio::test]
async fn a_mail_that_could_not_be_sent_is_sent_later_and_once() {
    let server = MailServer::default();
    let house = Setup::production("http://localhost:3000", &server.start().await)
        .start()
        .await;
    server.busy.store(true, std::sync::atomic::Ordering::SeqCst);
    house
        .browser()
        .post("/sign-up", &[("email", "ada@example.com")])
        .await;
    house.work().await;
    assert!(server.letters().is_empty());
    let errors: Vec<Option<String>> =
        sqlx::query_scalar("SELECT last_error FROM jobs WHERE name = 'send_mail'")
            .fetch_all(&mut house.database().await)
            .await
            .unwrap();
    assert_eq!(
        errors,
        [Some("mail".to_owned())],
        "why it failed is a word, not what the server said"
    );

    server
        .busy
        .store(false, std::sync::atomic::Ordering::SeqCst);
    for _ in 0..3 {
        house.clock.pass(3600);
        house.work().await;
    }
    assert_eq!(server.letters().len(), 1);
}

#[tokio::test]
async fn no_link_is_made_from_what_a_request_says_of_its_host() {
    let server = MailServer::default();
    let house = Setup::production("http://localhost:3000", &server.start().await)
        .start()
        .await;
    let body = crate::support::form(&[("email", "ada@example.com")]).into_bytes();
    let headers = [
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("forwarded", "host=evil.example"),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let asked = house
        .browser()
        .send(reqwest::Method::POST, "/sign-up", &headers, body)
        .await;
    assert_eq!(asked.location(), "/check-your-mail");
    house.work().await;
    let letters = server.letters();
    assert!(
        letters[0]
            .text
            .contains("http://localhost:3000/set-password/")
    );
    assert!(!letters[0].text.contains("evil"));
}
