//! As much of HTML as the tests need: what a person reads, and what stands in forms and links. Pages are asked for
//! words, names of fields and addresses, never for how they are drawn.

/// A piece of a document.
#[derive(Debug, PartialEq)]
pub enum Piece {
    /// An element begins: its name and attributes.
    Open(String, Vec<(String, String)>),
    /// An element ends.
    Close(String),
    /// Text, with its entities resolved.
    Text(String),
}

/// Elements that stand in the middle of a sentence.
const INLINE: [&str; 9] = [
    "a",
    "b",
    "strong",
    "em",
    "i",
    "small",
    "span",
    "time",
    "leptos-island",
];
/// Elements whose text nobody reads.
const UNREAD: [&str; 4] = ["head", "script", "style", "svg"];

/// Takes a document apart.
pub fn pieces(html: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = html;
    while !rest.is_empty() {
        let (text, tag) = rest.split_at(rest.find('<').unwrap_or(rest.len()));
        if !text.is_empty() {
            pieces.push(Piece::Text(unescape(text)));
        }
        rest = match tag {
            "" => "",
            t if t.starts_with("<!--") => t.split_once("-->").map_or("", |(_, after)| after),
            t if t.starts_with("<!") => t.split_once('>').map_or("", |(_, after)| after),
            t if t.starts_with("</") => {
                let (name, after) = t[2..].split_once('>').unwrap();
                pieces.push(Piece::Close(name.trim().to_ascii_lowercase()));
                after
            }
            t => {
                let (open, after) = element(&t[1..]);
                let raw =
                    matches!(&open, Piece::Open(name, _) if name == "script" || name == "style");
                pieces.push(open);
                if raw {
                    after.split_at(after.find("</").unwrap_or(after.len())).1
                } else {
                    after
                }
            }
        };
    }
    pieces
}

/// An element's name and attributes, and what follows it.
fn element(text: &str) -> (Piece, &str) {
    let name_end = text
        .find(|c: char| c.is_whitespace() || c == '>' || c == '/')
        .unwrap();
    let (name, mut rest) = text.split_at(name_end);
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if let Some(after) = rest.strip_prefix('>') {
            return (Piece::Open(name.to_ascii_lowercase(), attributes), after);
        }
        let end = rest
            .find(|c: char| c.is_whitespace() || "=>/".contains(c))
            .unwrap();
        let (key, after) = rest.split_at(end);
        let (value, after) = match after.strip_prefix('=') {
            None => ("", after),
            Some(quoted) if quoted.starts_with('"') => quoted[1..].split_once('"').unwrap(),
            Some(quoted) if quoted.starts_with('\'') => quoted[1..].split_once('\'').unwrap(),
            Some(bare) => {
                bare.split_at(bare.find(|c: char| c.is_whitespace() || c == '>').unwrap())
            }
        };
        attributes.push((key.to_ascii_lowercase(), unescape(value)));
        rest = after;
    }
}

fn unescape(text: &str) -> String {
    let named = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#x27;", "'"),
        ("&#39;", "'"),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ];
    named.iter().fold(text.to_owned(), |text, (entity, plain)| {
        text.replace(entity, plain)
    })
}

/// The texts of a page, one for each paragraph, heading, label, cell and so on.
pub fn blocks(html: &str) -> Vec<String> {
    let mut blocks = vec![String::new()];
    let mut unread = 0;
    for piece in pieces(html) {
        match piece {
            Piece::Open(name, _) if UNREAD.contains(&name.as_str()) => unread += 1,
            Piece::Close(name) if UNREAD.contains(&name.as_str()) => unread -= 1,
            Piece::Text(text) if unread == 0 => blocks.last_mut().unwrap().push_str(&text),
            Piece::Open(name, _) | Piece::Close(name) if !INLINE.contains(&name.as_str()) => {
                blocks.push(String::new());
            }
            _ => {}
        }
    }
    let tidy = |block: String| block.split_whitespace().collect::<Vec<_>>().join(" ");
    blocks
        .into_iter()
        .map(tidy)
        .filter(|block| !block.is_empty())
        .collect()
}

/// Everything that a person reads on a page, in one line.
pub fn text(html: &str) -> String {
    blocks(html).join(" ")
}

/// The terms and descriptions of a page's description lists.
pub fn pairs(html: &str) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut inside = None;
    for piece in pieces(html) {
        match (piece, inside) {
            (Piece::Open(name, _), _) if name == "dt" => {
                pairs.push(Default::default());
                inside = Some(true);
            }
            (Piece::Open(name, _), _) if name == "dd" => inside = Some(false),
            (Piece::Close(name), _) if name == "dt" || name == "dd" => inside = None,
            (Piece::Text(text), Some(true)) => pairs.last_mut().unwrap().0.push_str(&text),
            (Piece::Text(text), Some(false)) => pairs.last_mut().unwrap().1.push_str(&text),
            _ => {}
        }
    }
    let tidy = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    pairs
        .into_iter()
        .map(|(term, words)| (tidy(term), tidy(words)))
        .collect()
}

/// The values of an attribute, of all elements that have it, with the elements' names.
pub fn attributes(html: &str, attribute: &str) -> Vec<(String, String)> {
    let of = |piece: Piece| match piece {
        Piece::Open(name, attributes) => attributes
            .into_iter()
            .find(|(key, _)| key == attribute)
            .map(|(_, value)| (name, value)),
        _ => None,
    };
    pieces(html).into_iter().filter_map(of).collect()
}

/// The values of a form's fields of this name.
pub fn fields(html: &str, name: &str) -> Vec<String> {
    let of = |piece: Piece| match piece {
        Piece::Open(element, attributes) if element == "input" => {
            let get = |key: &str| {
                attributes
                    .iter()
                    .find(|(k, _)| k == key)
                    .map(|(_, v)| v.clone())
            };
            (get("name").as_deref() == Some(name)).then(|| get("value").unwrap_or_default())
        }
        _ => None,
    };
    pieces(html).into_iter().filter_map(of).collect()
}

#[test]
fn takes_a_page_apart() {
    let page = "<!DOCTYPE html><head><title>No</title></head><p>One <b>two</b><!>\n three &amp; &lt;four&gt;</p>\
                <script>let x = '<p>no</p>';</script><input name=\"a\" value='1 > 0'><input name=b value=\"&quot;\">\
                <dl><dt>What</dt><dd>It <i>is</i></dd></dl>";
    assert_eq!(blocks(page), ["One two three & <four>", "What", "It is"]);
    assert_eq!(fields(page, "a"), ["1 > 0"]);
    assert_eq!(fields(page, "b"), ["\""]);
    assert_eq!(pairs(page), [("What".to_owned(), "It is".to_owned())]);
}
