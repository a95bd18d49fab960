//! Expressions become instructions that leave one value on the stack.

use super::{Compiler, fold};
use crate::ast::{Entry, Expr, Form, Item, Logic};
use crate::program::{Instr, KeyTest, Local, Path, Root, Step};
use crate::span::{Mistake, narrow};
use crate::text::Text;
use crate::value::ops::Binary;
use crate::value::{Hint, Value, position};

impl Compiler {
    pub(super) fn expr(&mut self, expr: &Expr) -> Result<(), Mistake> {
        self.offset = expr.span.start;
        if let Some(value) = fold::fold(expr) {
            self.constant(value);
            return Ok(());
        }
        match &expr.form {
            Form::Literal(value) => self.constant(value.clone()),
            Form::Name(_) | Form::Member { .. } | Form::Index { .. } | Form::Method { .. } => {
                let mut exits = Vec::new();
                self.chain(expr, &mut exits)?;
                for exit in exits {
                    self.land(exit);
                }
            }
            Form::List(items) => self.list(items)?,
            Form::Object(entries) => self.object(entries)?,
            Form::Unary { op, value } => {
                self.loud(value)?;
                self.emit(Instr::Unary(*op));
            }
            Form::Binary { op, left, right } => {
                self.loud(left)?;
                self.loud(right)?;
                self.offset = expr.span.start;
                self.emit(Instr::Binary(*op));
            }
            Form::Logic { op, left, right } => {
                let jump = match op {
                    Logic::And => Instr::JumpIfFalseKeep(0),
                    Logic::Or => Instr::JumpIfTrueKeep(0),
                    Logic::Else => Instr::JumpIfPresentKeep(0),
                };
                if *op == Logic::Else {
                    self.silent(left)?;
                } else {
                    self.loud(left)?;
                }
                let jump = self.emit(jump);
                self.loud(right)?;
                self.land(jump);
            }
            Form::Choice { condition, yes, no } => {
                let skip = self.jump_unless(condition)?;
                self.loud(yes)?;
                let end = self.emit(Instr::Jump(0));
                self.land(skip);
                self.loud(no)?;
                self.land(end);
            }
            Form::Plugin { name, args } => self.plugin(name, args, expr.span.start)?,
        }
        Ok(())
    }

    /// Compiles a condition and a jump that is taken if it is false. Plain conditions become one
    /// instruction, without a value on the stack.
    pub(super) fn jump_unless(&mut self, condition: &Expr) -> Result<usize, Mistake> {
        let start = self.here() as usize;
        self.loud(condition)?;
        self.offset = condition.span.start;
        let certain = self.barrier == start;
        let jump = match &self.code[start..] {
            [Instr::LoadPath(path)] if certain => Instr::JumpUnlessPath { path: *path, target: 0 },
            [Instr::Load(Local::Key(depth)), Instr::Constant(constant), Instr::Binary(op)]
                if certain && op.is_equality() && self.is_plain(*constant) =>
            {
                let constant = self.tables.constants[*constant as usize].clone();
                let position = position_of(&constant, *op);
                let test = KeyTest { depth: *depth, constant, op: *op, position };
                self.tables.key_tests.push(test);
                let test = narrow(self.tables.key_tests.len() - 1);
                Instr::JumpUnlessKey { test, target: 0 }
            }
            _ => return Ok(self.emit(Instr::JumpIfFalse(0))),
        };
        // The path may fail: its place in the source stays that of its load.
        let offset = self.offsets[start];
        self.code.truncate(start);
        self.offsets.truncate(start);
        self.offset = offset;
        Ok(self.emit(jump))
    }

    /// Compiles what a loop walks, and its start. A plain path becomes one instruction.
    pub(super) fn start_loop(&mut self, list: &Expr, entries: bool) -> Result<usize, Mistake> {
        let start = self.here() as usize;
        self.expr(list)?;
        self.offset = list.span.start;
        let certain = self.barrier == start;
        let path = match self.code[start..] {
            [Instr::LoadPath(path)] if certain => Some(path),
            [Instr::Load(local @ (Local::Item(_) | Local::Slot(_)))] if certain => {
                self.tables.paths.push(Path {
                    root: Root::Local(local),
                    steps: Box::default(),
                    quiet: self.quiet,
                });
                Some(narrow(self.tables.paths.len() - 1))
            }
            _ => None,
        };
        let instr = match path {
            Some(path) => {
                self.code.truncate(start);
                self.offsets.truncate(start);
                Instr::ForPath { path, end: 0, entries }
            }
            None if entries => Instr::ForObject { end: 0 },
            None => Instr::ForList { end: 0 },
        };
        Ok(self.emit(instr))
    }

    /// Whether a constant is text or a whole number, which are compared with positions at once.
    fn is_plain(&self, constant: u32) -> bool {
        matches!(self.tables.constants[constant as usize], Value::Text(_) | Value::Int(_))
    }

    /// Compiles a part whose absent values are worth a report.
    fn loud(&mut self, expr: &Expr) -> Result<(), Mistake> {
        let quiet = std::mem::replace(&mut self.quiet, false);
        self.expr(expr)?;
        self.quiet = quiet;
        Ok(())
    }

    fn silent(&mut self, expr: &Expr) -> Result<(), Mistake> {
        let quiet = std::mem::replace(&mut self.quiet, true);
        self.expr(expr)?;
        self.quiet = quiet;
        Ok(())
    }

    pub(super) fn constant(&mut self, value: Value) {
        self.tables.constants.push(value);
        let at = narrow(self.tables.constants.len() - 1);
        self.emit(Instr::Constant(at));
    }

    /// A name with its members and calls of methods. An absent value before `?.` leaves the chain.
    fn chain(&mut self, expr: &Expr, exits: &mut Vec<usize>) -> Result<(), Mistake> {
        self.offset = expr.span.start;
        if self.path(expr) {
            return Ok(());
        }
        let (base, optional) = match &expr.form {
            Form::Name(name) => {
                self.uncertain_name(name);
                return Ok(());
            }
            Form::Member { base, optional, .. }
            | Form::Index { base, optional, .. }
            | Form::Method { base, optional, .. } => (base, *optional),
            _ => return self.expr(expr),
        };
        if optional {
            let quiet = std::mem::replace(&mut self.quiet, true);
            self.chain(base, exits)?;
            self.quiet = quiet;
            exits.push(self.emit(Instr::JumpIfAbsent(0)));
        } else {
            self.chain(base, exits)?;
        }
        match &expr.form {
            Form::Member { key, .. } => {
                self.offset = expr.span.start;
                self.tables.steps.push(step(key, optional));
                let step = narrow(self.tables.steps.len() - 1);
                self.emit(Instr::Member { step, quiet: self.quiet });
            }
            Form::Index { key, .. } => {
                self.loud(key)?;
                self.offset = expr.span.start;
                self.emit(Instr::Index { quiet: self.quiet });
            }
            Form::Method { method, args, .. } => {
                args.iter().try_for_each(|arg| self.loud(arg))?;
                self.offset = expr.span.start;
                self.emit(Instr::Method { method: *method, args: count(args) });
            }
            _ => {}
        }
        Ok(())
    }

    /// Emits a name with members as one instruction, if its root is certain.
    fn path(&mut self, expr: &Expr) -> bool {
        let mut steps = Vec::new();
        let mut base = expr;
        let name = loop {
            match &base.form {
                Form::Member { base: inner, key, optional } => {
                    steps.push(step(key, *optional));
                    base = inner;
                }
                Form::Name(name) => break name,
                _ => return false,
            }
        };
        let meaning = self.scopes.meaning(name);
        if !meaning.maybe.is_empty() {
            return false;
        }
        let root = match meaning.sure {
            Some(local) if steps.is_empty() => {
                self.emit(Instr::Load(local));
                return true;
            }
            // The key of a loop is made when it is asked for, so a path cannot begin there.
            Some(Local::Key(_)) => return false,
            Some(local) => Root::Local(local),
            None => Root::Name(self.free_name(name)),
        };
        steps.reverse();
        self.load_path(root, steps);
        true
    }

    fn load_path(&mut self, root: Root, steps: Vec<Step>) {
        self.tables.paths.push(Path { root, steps: steps.into(), quiet: self.quiet });
        let path = narrow(self.tables.paths.len() - 1);
        self.emit(Instr::LoadPath(path));
    }

    fn free_name(&mut self, name: &Text) -> u32 {
        if let Some(at) = self.names.get(name) {
            return *at;
        }
        let at = narrow(self.tables.names.len());
        self.tables.names.push(name.clone());
        self.tables.name_hints.push(Hint::default());
        self.names.insert(name.clone(), at);
        at
    }

    /// A name that some branch may have set: the slots are tried first.
    fn uncertain_name(&mut self, name: &Text) {
        let meaning = self.scopes.meaning(name);
        let tries: Vec<_> = meaning
            .maybe
            .iter()
            .map(|slot| self.emit(Instr::LoadIfSet { slot: *slot, target: 0 }))
            .collect();
        match meaning.sure {
            Some(local) => {
                self.emit(Instr::Load(local));
            }
            None => {
                let name = self.free_name(name);
                self.load_path(Root::Name(name), Vec::new());
            }
        }
        for jump in tries {
            self.land(jump);
        }
    }

    fn plugin(&mut self, name: &Text, args: &[Expr], offset: u32) -> Result<(), Mistake> {
        args.iter().try_for_each(|arg| self.loud(arg))?;
        // Inside of an expression `raw` changes nothing.
        if name.as_str() != "raw" {
            self.offset = offset;
            let word = self.word(name);
            self.emit(Instr::Plugin { word, args: count(args) });
        }
        Ok(())
    }

    fn list(&mut self, items: &[Item]) -> Result<(), Mistake> {
        if items.iter().all(|item| matches!(item, Item::One(_))) {
            for item in items {
                let (Item::One(value) | Item::Spread(value)) = item;
                self.loud(value)?;
            }
            self.emit(Instr::List(narrow(items.len())));
            return Ok(());
        }
        self.emit(Instr::ListStart);
        for item in items {
            let (value, instr) = match item {
                Item::One(value) => (value, Instr::ListItem),
                Item::Spread(value) => (value, Instr::ListSpread),
            };
            self.loud(value)?;
            self.emit(instr);
        }
        self.emit(Instr::ListEnd);
        Ok(())
    }

    fn object(&mut self, entries: &[Entry]) -> Result<(), Mistake> {
        if entries.iter().all(|entry| matches!(entry, Entry::Named(..))) {
            let mut names = Vec::with_capacity(entries.len());
            for entry in entries {
                let Entry::Named(name, value) = entry else { continue };
                names.push(name.clone());
                self.loud(value)?;
            }
            self.tables.shapes.push(names.into());
            let shape = narrow(self.tables.shapes.len() - 1);
            self.emit(Instr::Object(shape));
            return Ok(());
        }
        self.emit(Instr::ObjectStart);
        for entry in entries {
            match entry {
                Entry::Named(name, value) => {
                    self.loud(value)?;
                    let word = self.word(name);
                    self.emit(Instr::ObjectEntry(word));
                }
                Entry::Spread(value) => {
                    self.silent(value)?;
                    self.emit(Instr::ObjectSpread);
                }
            }
        }
        self.emit(Instr::ObjectEnd);
        Ok(())
    }
}

/// The position whose text, as the key of a list, equals a constant.
fn position_of(constant: &Value, op: Binary) -> Option<usize> {
    match constant {
        Value::Text(text) => position(text),
        Value::Int(at) if matches!(op, Binary::Equal | Binary::NotEqual) => {
            usize::try_from(*at).ok()
        }
        _ => None,
    }
}

fn step(key: &Text, optional: bool) -> Step {
    Step { key: key.clone(), index: position(key), optional, hint: Hint::default() }
}

fn count(args: &[Expr]) -> u8 {
    u8::try_from(args.len()).expect("the parser limits arguments to 255")
}
