use super::*;
use proptest::prelude::*;

/// What came of a line, in a form that can be compared.
fn shape(line: &Line) -> (Option<FieldSpan>, Option<KnownField>, usize) {
    match line {
        Line::Field { field, known, next } => (Some(*field), *known, *next),
        Line::End { next } => (None, None, *next),
        Line::Partial(_) => (None, None, 0),
    }
}

/// Whatever the short way takes, the long way reads in the same way.
#[test]
fn the_short_way_agrees_with_the_long_one() {
    let names =
        ["host", "Content-Length", "x", "x-y", "", "a b", "te\r", "content\rlength", "é", "a\0"];
    let spaces = ["", " ", "\t", "  ", " \t"];
    let values = [
        "",
        "1",
        "a b",
        "a ",
        "a\t",
        "\ta",
        "é",
        "a:b",
        "a\0",
        "a\rb",
        "a\nb",
        "seventeen letters",
        "sixteen letters and sixteen more",
        "as many as two blocks have, and then a few more \u{e9}",
        "as many as two blocks have, and then \t a few more",
    ];
    let ends = ["\r\n", "\n", "\r", "", "\r\nnext: 1\r\n", "\r\r\n"];
    let mut taken = 0;
    for name in names {
        for space in spaces {
            for value in values {
                for end in ends {
                    let text = format!("skip{name}:{space}{value}{end}");
                    for len in 4..=text.len() {
                        let window = &text.as_bytes()[..len];
                        let Some(line) = plain_line(&window[4..], 4) else { continue };
                        let (PlainLine { field, known, len }, rest) = line;
                        assert_eq!(rest, &window[4 + len as usize..]);
                        let line = Line::Field { field, known, next: 4 + len as usize };
                        let long = any_line(window, 4);
                        assert_eq!(shape(&line), shape(&long.unwrap()), "{text:?}");
                        taken += 1;
                    }
                }
            }
        }
    }
    assert!(taken > 120, "the short way was hardly taken: {taken}");
}

/// Whatever request line is read in one go is read in steps as well.
#[test]
fn the_short_way_through_a_request_line_agrees_with_the_long_one() {
    let methods = ["GET ", "POST ", "HEAD ", "get ", "GETS ", "POST\t", " GET "];
    let targets =
        ["/", "/a/b-c.d/e/f_g", "/seventeen/letters", "/a%20b", "/a?q", "//", "*", "a", "/é"];
    let ends = [" HTTP/1.1\r\n", " HTTP/1.0\r\n", "  HTTP/1.1\r\n", " HTTP/1.1\n", "\r\n"];
    let limits = HeadLimits { target_bytes_max: 15, ..HeadLimits::default() };
    let mut taken = 0;
    for method in methods {
        for target in targets {
            for end in ends {
                let text = format!("{method}{target}{end}host: a\r\n\r\n");
                for len in 0..=text.len() {
                    let window = &text.as_bytes()[..len];
                    let (mut short, mut long) = (RequestHead::new(), RequestHead::new());
                    let next = plain_request_line(window, &limits, &mut short);
                    let Some(next) = next else { continue };
                    let line = HeadDecoder::default().request_line(window, 0, &limits, &mut long);
                    assert!(matches!(line, Ok(Step::Done(other)) if other == next), "{text:?}");
                    short.set_bytes(window);
                    long.set_bytes(window);
                    assert_eq!(seen(&short), seen(&long));
                    taken += 1;
                }
            }
        }
    }
    assert!(taken > 40, "the short way was hardly taken: {taken}");
}

/// A host that was valid says nothing about another one of the same length, beginning or end.
#[test]
fn each_host_is_looked_at() {
    let mut used = RequestHead::new();
    let long = "a".repeat(33);
    for host in
        ["example.com", "example_com", "exam/le.com", "example.com", "example.co", "", "e", &long]
    {
        let bytes = format!("GET / HTTP/1.1\r\nhost: {host}\r\n\r\n");
        let mut fresh = RequestHead::new();
        let limits = HeadLimits::default();
        let got = HeadDecoder::default().decode(bytes.as_bytes(), &limits, &mut used);
        let naive = HeadDecoder::default().decode(bytes.as_bytes(), &limits, &mut fresh);
        assert_eq!(got, naive, "{host}");
        assert_eq!(used.authority(), fresh.authority());
        used.clear();
    }
}

/// All that can be seen of a head.
fn seen(head: &RequestHead) -> String {
    let known = |name: &&str| KnownField::find(name.as_bytes());
    let fields: Vec<_> = KNOWN
        .iter()
        .filter_map(known)
        .map(|name| {
            let values: Vec<_> = head.values(name).collect();
            (head.field(name), head.has(name), head.is_repeated(name), values)
        })
        .collect();
    let all: Vec<_> = head.fields().collect();
    format!(
        "{:?}",
        (
            (head.method(), head.version(), head.target(), head.target_form(), head.path()),
            (head.path_is_plain(), head.query(), head.authority(), all, fields),
            (head.body_framing(), head.keep_alive(), head.expects_continue(), head.upgrade()),
        )
    )
}

const KNOWN: [&str; 9] = [
    "host",
    "cookie",
    "connection",
    "expect",
    "upgrade",
    "content-length",
    "transfer-encoding",
    "accept",
    "x-forwarded-proto",
];

fn any_head() -> impl Strategy<Value = Vec<u8>> {
    let line = prop::sample::select(vec![
        "GET / HTTP/1.1\r\n",
        "\r\n\r\nHEAD /a%20b?q=1&r HTTP/1.0\r\n",
        "POST http://host:1/x HTTP/1.1\r\n",
        "OPTIONS * HTTP/1.1\r\n",
        "CONNECT a:443 HTTP/1.1\r\n",
        "BREW /pot HTTP/1.1\r\n",
        "GET /\u{e9} HTTP/1.1\r\n",
        "GET / HTTP/2.0\r\n",
        "nonsense\r\n",
    ]);
    let field = prop::sample::select(vec![
        "host: a\r\n",
        "Host: b:80\r\n",
        "cookie: a=1; b=2\r\n",
        "connection: close, upgrade\r\n",
        "upgrade: websocket\r\n",
        "expect: 100-continue\r\n",
        "content-length: 3\r\n",
        "transfer-encoding: chunked\r\n",
        "accept:\t*/*  \r\n",
        "x-forwarded-proto: https\r\n",
        "sec-fetch-destination-of-my-own: empty\r\n",
        "x-empty: \r\n",
        " folded\r\n",
        "x: \u{1}\r\n",
    ]);
    (line, prop::collection::vec(field, 0..7), any::<bool>()).prop_map(|(line, fields, ends)| {
        let end = if ends { "\r\n" } else { "" };
        format!("{line}host: h\r\n{}{end}", fields.concat()).into_bytes()
    })
}

proptest! {
    /// After whatever requests, whole, in part or refused, a head is decoded into like a new one, and one that was
    /// cleared is as new.
    #[test]
    fn a_used_head_is_as_good_as_a_new_one(
        heads in prop::collection::vec((any_head(), any::<prop::sample::Index>(), any::<bool>()), 1..6),
    ) {
        let (limits, mut used) = (HeadLimits::default(), RequestHead::new());
        let new = seen(&RequestHead::new());
        for (bytes, cut, is_cleared) in heads {
            let cut = cut.index(bytes.len() + 1);
            let (mut decoder, mut twin, mut fresh) =
                (HeadDecoder::default(), HeadDecoder::default(), RequestHead::new());
            let mut got = decoder.decode(&bytes[..cut], &limits, &mut used);
            prop_assert_eq!(&got, &twin.decode(&bytes[..cut], &limits, &mut fresh));
            prop_assert_eq!(seen(&used), seen(&fresh));
            if got == Ok(HeadStatus::Partial) {
                got = decoder.decode(&bytes, &limits, &mut used);
                prop_assert_eq!(&got, &twin.decode(&bytes, &limits, &mut fresh));
            }
            prop_assert_eq!(seen(&used), seen(&fresh));
            if is_cleared {
                used.clear();
                prop_assert_eq!(seen(&used), new.clone());
            }
        }
    }
}
