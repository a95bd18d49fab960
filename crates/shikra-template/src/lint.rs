//! Finds values in places where escaping for HTML text does not protect.
//!
//! This follows the template's own text from its start, branch by branch. It is advice about HTML:
//! templates for other formats have few places that look like these.

use crate::ast::{Expr, Form, Node, Target};
use crate::error::Place;
use crate::html::{Scanner, State};
use crate::program::Options;
use crate::span::Span;
use crate::text::Text;
use crate::warning::{Warning, WarningKind};

/// Collects the warnings of a template, in the order of its text.
pub(crate) fn lint(
    body: &[Node],
    lookalikes: &[(Span, &'static str)],
    options: Options,
    name: &Text,
    source: &str,
) -> Vec<Warning> {
    let mut linter = Linter { options, found: Vec::new() };
    linter.body(body, &mut Scanner::new());
    let text = |hint: &str| (WarningKind::Lookalike, format!("this is text; {hint}"));
    let lookalikes = lookalikes.iter().map(|(span, hint)| (span.start, text(hint)));
    linter.found.extend(lookalikes);
    linter.found.sort_by_key(|(at, _)| *at);
    linter.found.truncate(WARNINGS_MAX);
    let warning = |(at, (kind, message)): (u32, (WarningKind, String))| {
        let place = Place::new(name, source, at as usize);
        Warning { kind, message, place }
    };
    linter.found.into_iter().map(warning).collect()
}

struct Linter {
    options: Options,
    found: Vec<(u32, (WarningKind, String))>,
}

impl Linter {
    fn body(&mut self, body: &[Node], html: &mut Scanner) {
        for node in body {
            if self.found.len() >= WARNINGS_MAX {
                return;
            }
            match node {
                Node::Text { text, .. } => html.feed(text),
                Node::Output { value, span, .. } => self.output(value, *span, html),
                Node::If { branches, otherwise, .. } => {
                    let before = html.clone();
                    for (at, branch) in branches.iter().enumerate() {
                        let mut inside = before.clone();
                        self.body(&branch.body, &mut inside);
                        // What follows is read as it stands after the first branch.
                        if at == 0 {
                            *html = inside;
                        }
                    }
                    if let Some(body) = otherwise {
                        self.body(body, &mut before.clone());
                    }
                }
                Node::For { body, .. } => self.body(body, html),
                Node::Block { body, span, .. } => {
                    if !self.options.layouts {
                        self.no_directory(*span, "without layouts a block stays where it is");
                    }
                    self.body(body, html);
                }
                Node::Layout { span, .. } if !self.options.layouts => {
                    self.no_directory(*span, "without layouts this does nothing");
                }
                Node::Call { target: Target::Component, span, .. } if !self.options.components => {
                    self.no_directory(*span, "without components this does nothing");
                }
                _ => {}
            }
        }
    }

    fn no_directory(&mut self, span: Span, message: &str) {
        self.found.push((span.start, (WarningKind::NoDirectory, message.to_owned())));
    }

    fn output(&mut self, value: &Expr, span: Span, html: &mut Scanner) {
        // What the template's author has written down is no danger.
        if !matches!(value.form, Form::Literal(_))
            && let Some(message) = danger(html)
        {
            self.found.push((span.start, (WarningKind::Context, message)));
        }
        html.value();
    }
}

/// Says why escaping is not enough at this place, if it is not.
fn danger(html: &Scanner) -> Option<String> {
    let attribute = html.attribute.as_str();
    let message = match html.state {
        State::Raw("script") => {
            "a value in a script is not protected by escaping; put it into a data attribute"
        }
        State::Raw("style") => "a value in a style sheet is not protected by escaping",
        State::TagOpen | State::TagName | State::Tag | State::AttributeName | State::AfterName => {
            "a value as the name of a tag or an attribute is not protected by escaping"
        }
        State::BeforeValue | State::Unquoted => {
            "a value in an attribute without quotes is not protected by escaping; quote it"
        }
        State::Quoted(_) if attribute.starts_with("on") => {
            return Some(format!(
                "a value in `{attribute}` is script, which escaping does not protect"
            ));
        }
        State::Quoted(_) if attribute == "style" || attribute == "srcdoc" => {
            return Some(format!("a value in `{attribute}` is not protected by escaping"));
        }
        State::Quoted(_) if URL_ATTRIBUTES.contains(&attribute) && !html.value_begun => {
            return Some(format!(
                "a value at the start of `{attribute}` can choose the scheme, such as \
                 `javascript:`; check it, or begin with a fixed part"
            ));
        }
        _ => return None,
    };
    Some(message.to_owned())
}

const URL_ATTRIBUTES: [&str; 14] = [
    "href",
    "src",
    "action",
    "formaction",
    "xlink:href",
    "data",
    "poster",
    "srcset",
    "cite",
    "background",
    "ping",
    "manifest",
    "longdesc",
    "profile",
];

/// More of them help nobody, and finding the line of each is work.
const WARNINGS_MAX: usize = 100;
