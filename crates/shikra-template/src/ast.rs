//! The syntax tree of a template.

use crate::span::Span;
use crate::text::Text;
use crate::value::Value;
use crate::value::method::Method;
use crate::value::ops::{Binary, Unary};

/// A piece of a template.
#[derive(Debug)]
pub(crate) enum Node {
    /// Text with comments left out and white space already trimmed.
    Text {
        text: String,
        span: Span,
    },
    /// `{{ value }}`; raw if the whole of it is a call of `raw`.
    Output {
        value: Expr,
        raw: bool,
        span: Span,
    },
    Set {
        name: Text,
        value: Expr,
        span: Span,
    },
    If {
        branches: Vec<Branch>,
        otherwise: Option<Vec<Node>>,
        span: Span,
    },
    For {
        names: Names,
        list: Expr,
        body: Vec<Node>,
        span: Span,
    },
    Layout {
        name: Text,
        values: Option<Expr>,
        span: Span,
    },
    Yield {
        name: Text,
        span: Span,
    },
    Block {
        name: Text,
        body: Vec<Node>,
        span: Span,
    },
    Call {
        target: Target,
        name: Text,
        props: Option<Expr>,
        span: Span,
    },
}

impl Node {
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Text { span, .. }
            | Self::Output { span, .. }
            | Self::Set { span, .. }
            | Self::If { span, .. }
            | Self::For { span, .. }
            | Self::Layout { span, .. }
            | Self::Yield { span, .. }
            | Self::Block { span, .. }
            | Self::Call { span, .. } => *span,
        }
    }
}

/// A condition and what is output if it is the first true one.
#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) condition: Expr,
    pub(crate) body: Vec<Node>,
}

/// The names of a loop.
#[derive(Debug)]
pub(crate) enum Names {
    Item(Text),
    Entry(Text, Text),
}

/// Where a called template is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Import,
    Component,
    Layout,
}

/// An expression with its place. `depth` counts the levels below it, which are limited.
#[derive(Debug)]
pub(crate) struct Expr {
    pub(crate) form: Form,
    pub(crate) span: Span,
    pub(crate) depth: usize,
}

#[derive(Debug)]
pub(crate) enum Form {
    Literal(Value),
    Name(Text),
    List(Vec<Item>),
    Object(Vec<Entry>),
    Member { base: Box<Expr>, key: Text, optional: bool },
    Index { base: Box<Expr>, key: Box<Expr>, optional: bool },
    Unary { op: Unary, value: Box<Expr> },
    Binary { op: Binary, left: Box<Expr>, right: Box<Expr> },
    Logic { op: Logic, left: Box<Expr>, right: Box<Expr> },
    Choice { condition: Box<Expr>, yes: Box<Expr>, no: Box<Expr> },
    Plugin { name: Text, args: Vec<Expr> },
    Method { base: Box<Expr>, method: Method, args: Vec<Expr>, optional: bool },
}

#[derive(Debug)]
pub(crate) enum Item {
    One(Expr),
    Spread(Expr),
}

#[derive(Debug)]
pub(crate) enum Entry {
    Named(Text, Expr),
    Spread(Expr),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Logic {
    And,
    Or,
    Else,
}

impl Logic {
    pub(crate) const fn mark(self) -> &'static str {
        match self {
            Self::And => "&&",
            Self::Or => "||",
            Self::Else => "??",
        }
    }
}
