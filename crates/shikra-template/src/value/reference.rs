//! A value where it lies: in a [`Value`] of its own, or as a node of a document.

use std::sync::Arc;

use super::document::{Document, Node};
use super::{Hint, Value};

/// A value that is only looked at.
#[derive(Clone, Copy)]
pub(crate) enum Ref<'v> {
    Value(&'v Value),
    Node(&'v Arc<Document>, &'v Node),
}

impl<'v> Ref<'v> {
    pub(crate) fn to_value(self) -> Value {
        match self {
            Self::Value(value) => value.clone(),
            Self::Node(document, node) => document.value(node),
        }
    }

    pub(crate) fn is_true(self) -> bool {
        match self {
            Self::Value(value) => value.is_true(),
            Self::Node(_, node) => node.is_true(),
        }
    }

    pub(crate) fn is_absent(self) -> bool {
        match self {
            Self::Value(value) => value.is_absent(),
            Self::Node(_, node) => matches!(node, Node::Null),
        }
    }

    /// The text, if it is text.
    pub(crate) fn as_str(self) -> Option<&'v str> {
        match self {
            Self::Value(value) => value.as_str(),
            Self::Node(document, Node::Text { start, len }) => Some(document.text(*start, *len)),
            Self::Node(..) => None,
        }
    }

    /// A member that is mostly there. Nothing means: look again, the long way.
    #[inline(always)]
    pub(crate) fn near(self, key: &str, index: Option<usize>, hint: &Hint) -> Option<Self> {
        match self {
            Self::Value(Value::Object(object)) => object.get_near(key, hint),
            Self::Value(Value::List(items)) => items.get(index?).map(Self::Value),
            Self::Node(document, Node::Object(run)) => {
                let node = document.get_near(*run, key, hint)?;
                Some(Self::Node(document, node))
            }
            Self::Node(document, Node::List { start, len }) => {
                let node = document.nodes(*start, *len).get(index?)?;
                Some(Self::Node(document, node))
            }
            _ => None,
        }
    }
}
