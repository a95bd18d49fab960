use super::*;

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
                        let Some(line) = well_formed_line(window, 4) else { continue };
                        let long = any_line(window, 4);
                        assert_eq!(shape(&line), shape(&long.unwrap()), "{text:?}");
                        taken += 1;
                    }
                }
            }
        }
    }
    assert!(taken > 200, "the short way was hardly taken: {taken}");
}
