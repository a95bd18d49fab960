//! Which names are bound where in a template.
//!
//! There is a scope for the template and one for each loop body. A name is visible from where it
//! is bound to the end of its scope; what only some branch binds is visible after it too, but only
//! if the branch was taken, so such a name has to be tried before the ones outside of it.

use crate::program::{Binding, Local};
use crate::span::{Mistake, narrow};
use crate::text::Text;

#[derive(Debug)]
pub(super) struct Scopes {
    scopes: Vec<Scope>,
    bindings: Vec<Binding>,
    slot_count: u32,
}

#[derive(Debug, Default)]
struct Scope {
    locals: Vec<Bound>,
    branch_depth: usize,
    innermost: Option<u32>,
}

#[derive(Debug)]
struct Bound {
    name: Text,
    local: Local,
    /// The shallowest branch depth at which the name is surely bound from here on.
    sure_at: Option<usize>,
}

/// What a name means at some point: slots that may be set, innermost first, then a sure local.
#[derive(Debug, Default)]
pub(super) struct Meaning {
    pub(super) maybe: Vec<u32>,
    pub(super) sure: Option<Local>,
}

impl Default for Scopes {
    fn default() -> Self {
        Self { scopes: vec![Scope::default()], bindings: Vec::new(), slot_count: 0 }
    }
}

impl Scopes {
    pub(super) fn slot_count(&self) -> u32 {
        self.slot_count
    }

    /// The innermost binding that is visible now.
    pub(super) fn innermost(&self) -> Option<u32> {
        self.scope().innermost
    }

    pub(super) fn into_bindings(self) -> Vec<Binding> {
        self.bindings
    }

    fn scope(&self) -> &Scope {
        self.scopes.last().expect("the scope of the template is never left")
    }

    fn scope_mut(&mut self) -> &mut Scope {
        self.scopes.last_mut().expect("the scope of the template is never left")
    }

    pub(super) fn enter(&mut self) {
        let innermost = self.innermost();
        self.scopes.push(Scope { innermost, ..Scope::default() });
    }

    pub(super) fn leave(&mut self) {
        self.scopes.pop();
    }

    pub(super) fn enter_branch(&mut self) {
        self.scope_mut().branch_depth += 1;
    }

    pub(super) fn leave_branch(&mut self) {
        let scope = self.scope_mut();
        scope.branch_depth -= 1;
        let depth = scope.branch_depth;
        for bound in &mut scope.locals {
            bound.sure_at = bound.sure_at.filter(|sure_at| *sure_at <= depth);
        }
    }

    /// Binds a name for sure, hiding what had it before.
    pub(super) fn bind(&mut self, name: &Text, local: Local, at: u32) -> Result<(), Mistake> {
        if self.bindings.len() >= NAMES_MAX {
            let message = format!("a template binds at most {NAMES_MAX} names");
            return Err(Mistake::new(at, message));
        }
        let outer = self.innermost();
        self.bindings.push(Binding { name: name.clone(), local, outer });
        let innermost = Some(narrow(self.bindings.len() - 1));
        let scope = self.scope_mut();
        scope.innermost = innermost;
        let sure_at = Some(scope.branch_depth);
        scope.locals.push(Bound { name: name.clone(), local, sure_at });
        Ok(())
    }

    /// Gives the slot that an `@set` of the name fills, from here on.
    pub(super) fn set(&mut self, name: &Text, at: u32) -> Result<u32, Mistake> {
        let scope = self.scope_mut();
        let depth = scope.branch_depth;
        for bound in &mut scope.locals {
            if let (Local::Slot(slot), true) = (bound.local, bound.name == *name) {
                bound.sure_at = Some(bound.sure_at.map_or(depth, |sure_at| sure_at.min(depth)));
                return Ok(slot);
            }
        }
        let slot = self.slot_count;
        self.bind(name, Local::Slot(slot), at)?;
        self.slot_count += 1;
        Ok(slot)
    }

    pub(super) fn meaning(&self, name: &str) -> Meaning {
        let mut meaning = Meaning::default();
        let visible = self.scopes.iter().rev().flat_map(|scope| scope.locals.iter().rev());
        for bound in visible.filter(|bound| bound.name.as_str() == name) {
            match (bound.local, bound.sure_at) {
                (Local::Slot(slot), None) => meaning.maybe.push(slot),
                (local, _) => {
                    meaning.sure = Some(local);
                    break;
                }
            }
        }
        meaning
    }
}

/// Keeps the search for a name short, here and while rendering.
const NAMES_MAX: usize = 500;
