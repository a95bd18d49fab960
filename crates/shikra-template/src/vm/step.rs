//! The instructions.

use std::sync::Arc;

use super::builder::Builder;
use super::frame::Base;
use super::{Items, Loop, Machine, Turn};
use crate::error::{Error, ErrorKind};
use crate::escape::escape;
use crate::program::{Cell, Instr, Local, Program, Seam};
use crate::text::Text;
use crate::value::method::{self, Method};
use crate::value::print::{Form, TooLarge, print, print_ref};
use crate::value::{Node, Object, Ref, Run, Value, number, ops};

// Instructions that do more than a few steps are functions of their own, never inlined: that keeps
// the frame of the loop small, which a page of four rows notices.
impl Machine {
    /// Runs instructions of one program until one of them needs more than the machine's state.
    ///
    /// Gives the index of the next instruction; if one fails, `self.at` is one past it.
    pub(super) fn run_frame(
        &mut self,
        program: &Program,
        mut at: usize,
        out: &mut String,
        stop: usize,
        len_max: usize,
    ) -> Result<(Turn, usize), Error> {
        let pieces = program.tables.pieces.as_slice();
        let code = program.code.as_slice();
        let base = self.base();
        loop {
            // By reference: an instruction that is copied goes through memory first.
            let instr = &code[at];
            at += 1;
            match *instr {
                Instr::Text(piece) => out.push_str(&pieces[piece as usize]),
                Instr::PrintCells(cell) => {
                    self.at = at;
                    self.print_cells(program, cell, out, stop, len_max)?;
                }
                Instr::PrintItem(depth) => {
                    self.at = at;
                    self.print_item(base.loops + depth as usize, out, len_max)?;
                }
                Instr::PrintTextPath { piece, path } => {
                    self.at = at;
                    out.push_str(&pieces[piece as usize]);
                    self.print_path(program, base, (path, Form::Escaped), out, len_max)?;
                }
                Instr::NextText { seam } => {
                    self.at = at;
                    let tired;
                    (at, tired) = self.next_text(at, &program.tables.seams[seam as usize], out)?;
                    if tired {
                        return Ok((Turn::Tired, at));
                    }
                    if out.len() >= stop {
                        return Ok((Turn::Full, at));
                    }
                    continue;
                }
                Instr::Next { body } => {
                    let tired;
                    (at, tired) = self.next_turn(at, body as usize)?;
                    if tired {
                        return Ok((Turn::Tired, at));
                    }
                    continue;
                }
                Instr::Jump(target) => {
                    at = target as usize;
                    continue;
                }
                Instr::JumpIfFalse(target) => {
                    if !self.pop().is_true() {
                        at = target as usize;
                    }
                    continue;
                }
                Instr::JumpUnlessPath { target, .. } | Instr::JumpUnlessKey { target, .. } => {
                    self.at = at;
                    if !self.passes(program, base, instr)? {
                        at = target as usize;
                    }
                    continue;
                }
                Instr::Call(_) | Instr::Return | Instr::BlockStart(_) | Instr::BlockEnd(_) => {
                    self.at = at;
                    return Ok((turn_of(*instr), at));
                }
                Instr::Yield(word) => {
                    if self.start_yield(&program.tables.words[word as usize]) {
                        return Ok((Turn::Switch, at));
                    }
                }
                Instr::PrintPath { path, form } => {
                    self.at = at;
                    self.print_lone_path(program, base, (path, form), out, len_max)?;
                }
                Instr::PrintLocal(_) | Instr::Print(_) => {
                    self.at = at;
                    self.print(*instr, out, len_max)?;
                }
                other => {
                    self.at = at;
                    if let Some(target) = self.compute(program, other)? {
                        at = target as usize;
                    }
                    continue;
                }
            }
            if out.len() >= stop {
                self.at = at;
                return Ok((Turn::Full, at));
            }
        }
    }

    /// Whether the condition holds that a jump has in itself.
    #[inline]
    fn passes(&mut self, program: &Program, base: Base, jump: &Instr) -> Result<bool, Error> {
        match *jump {
            Instr::JumpUnlessPath { path, .. } => self.path_is_true(program, base, path),
            Instr::JumpUnlessKey { test, .. } => {
                self.key_passes(&program.tables.key_tests[test as usize])
            }
            _ => Ok(true),
        }
    }

    #[inline]
    fn print_item(&self, at: usize, out: &mut String, len_max: usize) -> Result<(), Error> {
        match self.loops[at].value() {
            Ref::Value(Value::Int(number)) | Ref::Node(_, Node::Int(number)) => {
                number::write_int(*number, out);
            }
            Ref::Value(Value::Text(text)) => escape(text, out),
            value => {
                let printed = print_ref(value, Form::Escaped, out, len_max);
                printed.map_err(|TooLarge| self.too_much_output())?;
            }
        }
        Ok(())
    }

    /// Goes on with the innermost loop; gives the next instruction, and whether the turn is over.
    #[inline(always)]
    fn next_turn(&mut self, at: usize, body: usize) -> Result<(usize, bool), Error> {
        let current = self.loops.last_mut().expect("`Next` ends a loop's body");
        current.at += 1;
        if current.at >= current.len {
            self.loops.pop();
            return Ok((at, false));
        }
        let cost = (at - body) as u64;
        // One comparison covers both ends: that of the turn and that of all steps.
        if self.fuel.steps_left < self.tired_at.saturating_add(cost) {
            self.at = at;
            self.fuel.spend(at - body).map_err(|why| self.exhausted(why))?;
            return Ok((body, true));
        }
        self.fuel.steps_left -= cost;
        Ok((body, false))
    }

    /// Goes on with the innermost loop, and puts out the text between its turns or behind it.
    #[inline(always)]
    fn next_text(
        &mut self,
        at: usize,
        seam: &Seam,
        out: &mut String,
    ) -> Result<(usize, bool), Error> {
        let (next, tired) = self.next_turn(at, seam.body as usize)?;
        out.push_str(if next == at { &seam.after } else { &seam.between });
        Ok((next, tired))
    }

    #[inline(never)]
    fn print_cells(
        &mut self,
        program: &Program,
        cell: u32,
        out: &mut String,
        stop: usize,
        len_max: usize,
    ) -> Result<(), Error> {
        let Cell { before, after, between } = &program.tables.cells[cell as usize];
        let current = self.loops.last_mut().expect("cells are the body of a loop");
        let (last, mut steps_left) = (current.len - 1, self.fuel.steps_left);
        let steps_min = self.tired_at.saturating_add(CELL_STEPS);
        let mut printed = Ok(());
        out.push_str(before);
        loop {
            match current.value() {
                Ref::Value(Value::Int(number)) | Ref::Node(_, Node::Int(number)) => {
                    number::write_int(*number, out);
                }
                Ref::Value(Value::Text(text)) => escape(text, out),
                value => printed = print_ref(value, Form::Escaped, out, len_max),
            }
            // The last cell is left to `Next`, and so is the one at which the steps run out.
            let full = out.len() + after.len() >= stop;
            if current.at >= last || full || printed.is_err() || steps_left < steps_min {
                break;
            }
            out.push_str(between);
            steps_left -= CELL_STEPS;
            current.at += 1;
        }
        out.push_str(after);
        self.fuel.steps_left = steps_left;
        printed.map_err(|TooLarge| self.too_much_output())
    }

    #[inline(never)]
    fn print(&mut self, instr: Instr, out: &mut String, len_max: usize) -> Result<(), Error> {
        match instr {
            Instr::PrintLocal(local) => self.print_local(local, out, len_max),
            Instr::Print(form) => {
                let value = self.pop();
                print(&value, form, out, len_max).map_err(|TooLarge| self.too_much_output())
            }
            _ => Ok(()),
        }
    }

    fn print_local(&mut self, local: Local, out: &mut String, len_max: usize) -> Result<(), Error> {
        let printed = match local {
            Local::Key(depth) => {
                let current = self.loop_at(depth);
                match current.name() {
                    Some(name) => escape(name, out),
                    None => number::write_int(i64::try_from(current.at).unwrap_or(i64::MAX), out),
                }
                Ok(())
            }
            local => match self.local(local) {
                Some(value) => print_ref(value, Form::Escaped, out, len_max),
                None => Ok(()),
            },
        };
        printed.map_err(|TooLarge| self.too_much_output())
    }

    /// Runs an instruction that only works on the stack; gives the target of a jump.
    fn compute(&mut self, program: &Program, instr: Instr) -> Result<Option<u32>, Error> {
        let tables = &program.tables;
        match instr {
            Instr::Constant(at) => self.stack.push(tables.constants[at as usize].clone()),
            Instr::Load(local) => {
                let value = self.local_value(local);
                self.stack.push(value);
            }
            Instr::LoadPath(path) => {
                let value = self.path_value(program, path)?;
                self.stack.push(value);
            }
            Instr::LoadIfSet { slot, target } => {
                if let Some(value) = self.local(Local::Slot(slot)) {
                    let value = value.to_value();
                    self.stack.push(value);
                    return Ok(Some(target));
                }
            }
            Instr::Member { step, quiet } => self.member(&tables.steps[step as usize], quiet)?,
            Instr::Index { quiet } => self.index(quiet)?,
            Instr::Store(slot) => {
                let value = self.pop();
                let base = self.frame().slots;
                self.slots[base + slot as usize] = Some(value);
            }
            Instr::Clear { start, end } => {
                let base = self.frame().slots;
                self.slots[base + start as usize..base + end as usize].fill(None);
            }
            Instr::JumpIfFalseKeep(_)
            | Instr::JumpIfTrueKeep(_)
            | Instr::JumpIfPresentKeep(_)
            | Instr::JumpIfAbsent(_) => return Ok(self.jump_keep(instr)),
            Instr::Unary(op) => {
                let value = self.pop();
                self.stack.push(ops::unary(op, &value));
            }
            Instr::Binary(op) => {
                let (right, left) = (self.pop(), self.pop());
                let value = ops::binary(op, &left, &right, &mut self.fuel);
                self.stack.push(value.map_err(|why| self.exhausted(why))?);
            }
            Instr::List(count) => {
                let items = self.stack.split_off(self.stack.len() - count as usize);
                self.stack.push(Value::List(items.into()));
            }
            Instr::Object(shape) => self.object(&tables.shapes[shape as usize]),
            Instr::ForList { end } => {
                let value = self.pop();
                return self.start_loop(value, end, false);
            }
            Instr::ForObject { end } => {
                let value = self.pop();
                return self.start_loop(value, end, true);
            }
            Instr::ForPath { path, end, entries } => {
                return self.start_loop_at(program, path, end, entries);
            }
            Instr::Method { method, args } => self.call_method(method, usize::from(args))?,
            Instr::Plugin { word, args } => {
                self.call_plugin(&tables.words[word as usize], usize::from(args))?;
            }
            Instr::Layout(call) => {
                let values = object_of(self.pop());
                self.frame_mut().layout = Some((call, values));
            }
            other => self.build(program, other)?,
        }
        Ok(None)
    }

    #[inline(never)]
    fn build(&mut self, program: &Program, instr: Instr) -> Result<(), Error> {
        let builders = &mut self.rare.get_or_insert_default().builders;
        match instr {
            Instr::ListStart => builders.push(Builder::List(Vec::new())),
            Instr::ObjectStart => builders.push(Builder::Object(Object::new())),
            Instr::ListEnd | Instr::ObjectEnd => {
                let built = builders.pop().map(Builder::into_value);
                self.stack.push(built.unwrap_or_default());
            }
            part => {
                let value = self.stack.pop().expect("the compiler pushes before it pops");
                let builder = builders.last_mut().expect("a start came before its parts");
                let name = match part {
                    Instr::ObjectEntry(word) => Some(&program.tables.words[word as usize]),
                    _ => None,
                };
                let spread = matches!(part, Instr::ListSpread | Instr::ObjectSpread);
                builder
                    .add(name, value, spread, &mut self.fuel)
                    .map_err(|why| self.exhausted(why))?;
            }
        }
        Ok(())
    }

    #[inline(never)]
    fn object(&mut self, names: &[Text]) {
        let values = self.stack.split_off(self.stack.len() - names.len());
        let mut object = Object::with_capacity(names.len());
        for (name, value) in names.iter().zip(values) {
            object.insert_value(name.clone(), value);
        }
        self.stack.push(Value::from(object));
    }

    fn jump_keep(&mut self, instr: Instr) -> Option<u32> {
        let value = self.stack.last().expect("the operand comes before the jump");
        let (jumps, target) = match instr {
            Instr::JumpIfFalseKeep(target) => (!value.is_true(), target),
            Instr::JumpIfTrueKeep(target) => (value.is_true(), target),
            Instr::JumpIfPresentKeep(target) => (!value.is_absent(), target),
            Instr::JumpIfAbsent(target) => {
                let absent = value.is_absent();
                if absent {
                    self.stack.pop();
                    self.stack.push(Value::Undefined);
                }
                return absent.then_some(target);
            }
            _ => return None,
        };
        if !jumps {
            self.stack.pop();
        }
        jumps.then_some(target)
    }

    /// Starts a loop, or jumps over it if there is nothing to walk.
    fn start_loop(&mut self, value: Value, end: u32, entries: bool) -> Result<Option<u32>, Error> {
        let (items, len) = match value {
            Value::List(items) => {
                let len = items.len();
                (Items::List(items), len)
            }
            Value::Object(object) if entries => {
                let len = object.len();
                (Items::Object(object), len)
            }
            value if !value.is_true() => return Ok(Some(end)),
            value => {
                let wanted = if entries { "an object or a list" } else { "a list" };
                let hint = match value {
                    Value::Object(_) => "; entries are walked with `@for [key, value] in …`",
                    _ => "",
                };
                let message = format!("a loop wants {wanted}, this is {}{hint}", value.kind());
                return Err(Error::new(ErrorKind::NotIterable, message));
            }
        };
        Ok(self.walk_items(items, len, end))
    }

    /// Starts a loop over what a path leads to. Nodes of a document are walked where they lie.
    #[inline(never)]
    fn start_loop_at(
        &mut self,
        program: &Program,
        path: u32,
        end: u32,
        entries: bool,
    ) -> Result<Option<u32>, Error> {
        let (base, walked) = (self.base(), &program.tables.paths[path as usize]);
        if self.reach(base, walked).is_none() {
            self.know_root(program, path)?;
        }
        let (items, len) = match self.reach(base, walked) {
            Some(Ref::Value(Value::List(items))) => (Items::List(Arc::clone(items)), items.len()),
            Some(Ref::Node(document, Node::List { start, len })) => {
                let document = Arc::clone(document);
                (Items::Nodes { document, start: *start, keys: None }, *len as usize)
            }
            Some(Ref::Node(document, Node::Object(Run { keys, start, len }))) if entries => {
                let document = Arc::clone(document);
                (Items::Nodes { document, start: *start, keys: Some(*keys) }, *len as usize)
            }
            _ => {
                let value = self.path_value(program, path)?;
                return self.start_loop(value, end, entries);
            }
        };
        Ok(self.walk_items(items, len, end))
    }

    #[inline]
    fn walk_items(&mut self, items: Items, len: usize, end: u32) -> Option<u32> {
        if len == 0 {
            return Some(end);
        }
        self.loops.push(Loop { items, at: 0, len });
        None
    }

    #[inline(never)]
    fn call_method(&mut self, method: Method, args: usize) -> Result<(), Error> {
        let first = self.stack.len() - args;
        let value =
            method::call(method, &self.stack[first - 1], &self.stack[first..], &mut self.fuel);
        let value = value.map_err(|why| self.exhausted(why))?;
        self.stack.truncate(first - 1);
        self.stack.push(value);
        Ok(())
    }

    pub(super) fn pop(&mut self) -> Value {
        self.stack.pop().expect("the compiler pushes before it pops")
    }
}

/// What the driver has to do for an instruction that needs it.
fn turn_of(instr: Instr) -> Turn {
    match instr {
        Instr::Call(call) => Turn::Enter { call },
        Instr::BlockStart(word) => Turn::BlockStart { word },
        Instr::BlockEnd(_) => Turn::BlockEnd,
        _ => Turn::Leave,
    }
}

/// Props and values of a layout: anything that is no object is none.
pub(super) fn object_of(value: Value) -> Option<Arc<Object>> {
    match value {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

/// What one turn of a loop over cells costs: that of its body, had it been compiled as such.
const CELL_STEPS: u64 = 4;
