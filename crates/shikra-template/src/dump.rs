//! Shows what each stage makes of a template: its tokens, its tree and its instructions.
//!
//! This is for those who want to know why a page comes out as it does, and for tests. The form of
//! the text is no promise.

use std::fmt::Write;

use crate::ast::{Entry, Expr, Form, Item, Names, Node};
use crate::build::build;
use crate::error::{Error, ErrorKind, Place};
use crate::lexer::{Kind, lex};
use crate::parser::parse;
use crate::program::Options;
use crate::span::Mistake;
use crate::text::Text;

const NAME: Text = Text::from_static("template");

/// Lists the tokens of a template with their places in bytes.
///
/// # Errors
///
/// The text cannot be cut into tokens.
pub fn tokens(source: &str) -> Result<String, Error> {
    let tokens = lex(source).map_err(|mistake| error(source, mistake))?;
    let mut shown = String::new();
    for token in tokens.tokens {
        let (start, end) = (token.span.start, token.span.end);
        let kind = match token.kind {
            Kind::Directive(word) => format!("{word:?}"),
            Kind::Mark(_) => "Mark".to_owned(),
            kind => format!("{kind:?}"),
        };
        line(&mut shown, 0, &format!("{start:>3}..{end:<3} {kind} {:?}", token.span.of(source)));
    }
    Ok(shown)
}

/// Shows the syntax tree of a template.
///
/// ```
/// # fn main() -> Result<(), shikra_template::Error> {
/// let tree = shikra_template::dump::tree("{{ 1 + a.b * 2 }}")?;
/// assert_eq!(tree, "output (+ 1 (* (. a \"b\") 2))\n");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// The template does not follow the language.
pub fn tree(source: &str) -> Result<String, Error> {
    let body = lex(source).and_then(|tokens| parse(source, &tokens.tokens));
    let body = body.map_err(|mistake| error(source, mistake))?;
    let mut shown = String::new();
    nodes(&body, 0, &mut shown);
    Ok(shown)
}

/// Lists the instructions of a template with the lines and columns that they come from.
///
/// # Errors
///
/// The template does not follow the language.
pub fn instructions(source: &str) -> Result<String, Error> {
    let options = Options { layouts: true, components: true };
    Ok(build(NAME, source, options)?.to_string())
}

fn error(source: &str, mistake: Mistake) -> Error {
    let error = Error::new(ErrorKind::Syntax, mistake.message);
    error.at(|| Place::new(&NAME, source, mistake.at as usize))
}

fn line(out: &mut String, depth: usize, text: &str) {
    writeln!(out, "{:indent$}{text}", "", indent = depth * 2).expect("strings take all");
}

fn nodes(body: &[Node], depth: usize, out: &mut String) {
    for node in body {
        match node {
            Node::Text { text, .. } => line(out, depth, &format!("text {text:?}")),
            Node::Output { value, raw, .. } => {
                let kind = if *raw { "output raw" } else { "output" };
                line(out, depth, &format!("{kind} {}", expr(value)));
            }
            Node::Set { name, value, .. } => {
                line(out, depth, &format!("set {name} {}", expr(value)));
            }
            Node::If { branches, otherwise, .. } => {
                for branch in branches {
                    line(out, depth, &format!("if {}", expr(&branch.condition)));
                    nodes(&branch.body, depth + 1, out);
                }
                if let Some(body) = otherwise {
                    line(out, depth, "else");
                    nodes(body, depth + 1, out);
                }
            }
            Node::For { names, list, body, .. } => {
                let names = match names {
                    Names::Item(name) => name.to_string(),
                    Names::Entry(key, value) => format!("[{key} {value}]"),
                };
                line(out, depth, &format!("for {names} {}", expr(list)));
                nodes(body, depth + 1, out);
            }
            Node::Layout { name, values, .. } => {
                line(out, depth, &format!("layout {name:?}{}", optional(values.as_ref())));
            }
            Node::Yield { name, .. } => line(out, depth, &format!("yield {name:?}")),
            Node::Block { name, body, .. } => {
                line(out, depth, &format!("block {name:?}"));
                nodes(body, depth + 1, out);
            }
            Node::Call { target, name, props, .. } => {
                line(out, depth, &format!("{target:?} {name:?}{}", optional(props.as_ref())));
            }
        }
    }
}

fn optional(value: Option<&Expr>) -> String {
    value.map(|value| format!(" {}", expr(value))).unwrap_or_default()
}

fn expr(shown: &Expr) -> String {
    let dot = |optional: bool| if optional { "?." } else { "." };
    let all = |args: &[Expr]| args.iter().fold(String::new(), |all, arg| all + " " + &expr(arg));
    match &shown.form {
        Form::Literal(value) => value.as_str().map_or_else(
            || if value.is_absent() { value.kind().to_owned() } else { value.to_string() },
            |text| format!("{text:?}"),
        ),
        Form::Name(name) => name.to_string(),
        Form::List(items) => {
            let item = |item: &Item| match item {
                Item::One(value) => expr(value),
                Item::Spread(value) => format!("...{}", expr(value)),
            };
            format!("[{}]", items.iter().map(item).collect::<Vec<_>>().join(" "))
        }
        Form::Object(entries) => {
            let entry = |entry: &Entry| match entry {
                Entry::Named(name, value) => format!("{name:?}: {}", expr(value)),
                Entry::Spread(value) => format!("...{}", expr(value)),
            };
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        Form::Member { base, key, optional } => {
            format!("({} {} {key:?})", dot(*optional), expr(base))
        }
        Form::Index { base, key, optional } => {
            format!("({}[] {} {})", dot(*optional), expr(base), expr(key))
        }
        Form::Unary { op, value } => format!("({op:?} {})", expr(value)),
        Form::Binary { op, left, right } => {
            format!("({} {} {})", op.mark(), expr(left), expr(right))
        }
        Form::Logic { op, left, right } => {
            format!("({} {} {})", op.mark(), expr(left), expr(right))
        }
        Form::Choice { condition, yes, no } => {
            format!("(? {} {} {})", expr(condition), expr(yes), expr(no))
        }
        Form::Plugin { name, args } => format!("({name}(){})", all(args)),
        Form::Method { base, method, args, optional } => {
            format!("({}{}() {}{})", dot(*optional), method.name(), expr(base), all(args))
        }
    }
}
