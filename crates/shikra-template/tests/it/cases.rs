//! Runs the cases in `tests/cases/*.txt`.
//!
//! A file holds cases; a case is a title with the rows of the specification that it proves, and
//! sections:
//!
//! ```text
//! === title (HA-108)
//! --- views/index            a template; the first one is rendered
//! --- data                   JSON; empty if left out
//! --- options                words: strict, no-layouts, no-components, minify
//! --- expect                 the page
//! --- error                  or the error, as `{:#}` prints it
//! --- notices                what the page survived, one a line
//! --- warnings               what the templates are warned about, one a line
//! ```
//!
//! The line end before the next section does not belong to a section. A section whose header ends
//! in ` json` is one JSON text, for what an editor would change; `expect trim` ignores white space
//! around the page. With `SHIKRA_UPDATE` set the results are written into the files instead: read
//! the difference before you commit it.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use shikra_template::{Engine, Minify, Progress, Value, context};

use crate::{json, plugins};

#[derive(Default)]
struct Case {
    title: String,
    sections: Vec<Section>,
}

struct Section {
    name: String,
    flag: String,
    text: String,
}

impl Section {
    fn is_result(&self) -> bool {
        ["expect", "error", "notices", "warnings"].contains(&self.name.as_str())
    }

    fn is_template(&self) -> bool {
        !self.is_result() && self.name != "data" && self.name != "options"
    }

    fn content(&self) -> String {
        if self.flag != "json" {
            return self.text.clone();
        }
        let text = json::parse(&self.text);
        text.as_str().expect("a JSON section is one text").to_owned()
    }
}

/// What became of a case.
struct Outcome {
    page: Result<String, String>,
    notices: String,
    warnings: String,
}

fn files() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<_> = std::fs::read_dir(directory)
        .expect("the directory of cases is there")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    files.sort();
    files
}

fn read(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in text.split('\n') {
        if let Some(title) = line.strip_prefix("=== ") {
            cases.push(Case { title: title.to_owned(), sections: Vec::new() });
            continue;
        }
        let Some(case) = cases.last_mut() else { continue };
        if let Some(header) = line.strip_prefix("--- ") {
            let (name, flag) = header.split_once(' ').unwrap_or((header, ""));
            let (name, flag) = (name.to_owned(), flag.to_owned());
            case.sections.push(Section { name, flag, text: String::new() });
        } else if let Some(section) = case.sections.last_mut() {
            section.text.push_str(line);
            section.text.push('\n');
        }
    }
    for case in &mut cases {
        let last = case.sections.len() - 1;
        for (at, section) in case.sections.iter_mut().enumerate() {
            // An empty line divides cases, and is no part of the last section.
            let ends = if at == last { section.text.strip_suffix("\n\n") } else { None };
            let text = ends.or_else(|| section.text.strip_suffix('\n')).unwrap_or_default();
            section.text = text.to_owned();
        }
    }
    cases
}

fn section<'c>(case: &'c Case, name: &str) -> Option<&'c Section> {
    case.sections.iter().find(|section| section.name == name)
}

fn engine_for(case: &Case, notices: &Arc<Mutex<String>>) -> Engine {
    let heard = Arc::clone(notices);
    let mut engine = Engine::new().on_notice(move |notice| {
        writeln!(heard.lock().expect("one thread"), "{notice}").expect("strings take all");
    });
    for option in section(case, "options").map_or("", |options| &options.text).split_whitespace() {
        engine = match option {
            "strict" => engine.strict(),
            "no-layouts" => engine.without_layouts(),
            "no-components" => engine.without_components(),
            "minify" => engine.with_minify(Minify::Html),
            other => panic!("no such option: {other}"),
        };
    }
    plugins::register(&mut engine);
    engine
}

/// Where the data of a case lies: in values, or in what was serialized.
#[derive(Clone, Copy, Debug)]
enum Form {
    Values,
    Serialized,
}

fn run(case: &Case, form: Form) -> Outcome {
    let notices = Arc::new(Mutex::new(String::new()));
    let engine = engine_for(case, &notices);
    let data = section(case, "data").map_or_else(|| context! {}, |data| json::parse(&data.text));
    let data = match form {
        Form::Values => data,
        Form::Serialized => Value::from_serialize(&data).expect("values can be serialized"),
    };
    let templates: Vec<_> = case.sections.iter().filter(|section| section.is_template()).collect();
    let mut added = Ok(());
    for template in &templates {
        added = added.and_then(|()| engine.add(&template.name, &template.content()).map(|_| ()));
    }
    let first = &templates.first().expect("a case has a template").name;
    let page = added.and_then(|()| engine.render(first, &data));
    let heard = notices.lock().expect("one thread").clone();
    if let Ok(page) = &page {
        assert_eq!(page, &in_pieces(&engine, first, &data), "{}: in pieces", case.title);
    }
    let warnings = engine.warnings().iter().fold(String::new(), |mut text, warning| {
        writeln!(text, "{warning}").expect("strings take all");
        text
    });
    Outcome {
        page: page.map_err(|error| format!("{error:#}")),
        notices: heard.trim_end().to_owned(),
        warnings: warnings.trim_end().to_owned(),
    }
}

/// The same page, one byte at a time.
fn in_pieces(engine: &Engine, name: &str, data: &Value) -> String {
    let (mut page, mut piece) = (String::new(), String::new());
    let mut render = engine.start(name, data).expect("it has been rendered before");
    loop {
        let progress = render.resume(&mut piece, 1).expect("it has been rendered before");
        page.push_str(&piece);
        if progress == Progress::Done {
            return page;
        }
        piece.clear();
    }
}

fn check(file: &Path, case: &Case, form: Form) -> Result<(), String> {
    let outcome = run(case, form);
    let compare = |name: &str, expected: &str, found: &str| {
        if expected == found {
            return Ok(());
        }
        let file = file.file_name().unwrap_or_default().display();
        Err(format!(
            "{file}: {} ({form:?})\n{name} expected: {expected:?}\n{name} found:    {found:?}\n",
            case.title
        ))
    };
    match (section(case, "expect"), section(case, "error"), &outcome.page) {
        (Some(expect), None, Ok(page)) if expect.flag == "trim" => {
            compare("page", expect.text.trim(), page.trim())?;
        }
        (Some(expect), None, Ok(page)) => compare("page", &expect.content(), page)?,
        (None, Some(error), Err(found)) => compare("error", &error.text, found)?,
        (_, _, found) => compare("outcome", "", &format!("{found:?}"))?,
    }
    if let Some(notices) = section(case, "notices") {
        compare("notices", &notices.text, &outcome.notices)?;
    }
    if let Some(warnings) = section(case, "warnings") {
        compare("warnings", &warnings.text, &outcome.warnings)?;
    }
    Ok(())
}

fn update(file: &Path, cases: &mut [Case]) {
    let mut text = String::new();
    for case in cases {
        let outcome = run(case, Form::Values);
        for section in &mut case.sections {
            section.text = match section.name.as_str() {
                "expect" | "error" => {
                    let (name, found) = match &outcome.page {
                        Ok(page) => ("expect", page),
                        Err(error) => ("error", error),
                    };
                    name.clone_into(&mut section.name);
                    if section.flag == "trim" {
                        found.trim().to_owned()
                    } else if section.flag == "json" || found.contains('\r') {
                        "json".clone_into(&mut section.flag);
                        serde_json::to_string(found).expect("text is JSON")
                    } else {
                        found.clone()
                    }
                }
                "notices" => outcome.notices.clone(),
                "warnings" => outcome.warnings.clone(),
                _ => continue,
            };
        }
        writeln!(text, "=== {}", case.title).expect("strings take all");
        for Section { name, flag, text: content } in &case.sections {
            let flag = if flag.is_empty() { String::new() } else { format!(" {flag}") };
            writeln!(text, "--- {name}{flag}\n{content}").expect("strings take all");
        }
        text.push('\n');
    }
    std::fs::write(file, text.strip_suffix('\n').unwrap_or_default()).expect("a writable file");
}

// All rows of sections 9 and 10 that a page can show; each case names its own.
#[test]
fn cases_give_what_they_promise() {
    let mut failures = String::new();
    let mut count = 0;
    for file in files() {
        let text = std::fs::read_to_string(&file).expect("a readable file");
        let mut cases = read(&text);
        if std::env::var_os("SHIKRA_UPDATE").is_some() {
            update(&file, &mut cases);
            continue;
        }
        for case in &cases {
            count += 1;
            for form in [Form::Values, Form::Serialized] {
                if let Err(failure) = check(&file, case, form) {
                    failures.push_str(&failure);
                    failures.push('\n');
                }
            }
        }
    }
    assert!(failures.is_empty(), "{failures}");
    println!("{count} cases");
}
