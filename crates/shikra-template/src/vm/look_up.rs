//! Names and members.
//!
//! A name that the template does not bind itself is looked for in the props of this use of the
//! template, then in what its caller had bound where it called, then in the caller's props, and so
//! on to the data of the page and the defaults. What was found is kept for as long as the frame
//! lives: nothing that it depends on can change meanwhile.

use super::frame::Base;
use super::{Loop, Machine};
use crate::error::Error;
use crate::escape::escape;
use crate::program::{KeyTest, Local, Path, Program, Root, Step};
use crate::value::ops::{self, Binary};
use crate::value::print::{Form, TooLarge, print, print_ref};
use crate::value::{Found, Hint, Node, Ref, Value, index, member, number};

/// What is known about a name of a frame.
#[derive(Clone)]
pub(super) enum Known {
    NotYet,
    Missing,
    /// An entry of the data of the page.
    Data(usize),
    /// What a loop of a caller stands at. It stays there as long as the frame lives.
    Item(usize),
    Value(Value),
}

/// Where a path ended, without holding on to the machine.
enum End {
    Absent,
    /// A step wanted a member of something absent, which is worth a report.
    Lost {
        step: usize,
    },
}

impl Machine {
    pub(super) fn loop_at(&self, depth: u32) -> &Loop {
        &self.loops[self.frame().loops + depth as usize]
    }

    /// A slot that is set, or the item of a loop.
    pub(super) fn local(&self, local: Local) -> Option<Ref<'_>> {
        match local {
            Local::Slot(slot) => {
                self.slots[self.frame().slots + slot as usize].as_ref().map(Ref::Value)
            }
            Local::Item(depth) => Some(self.loop_at(depth).value()),
            Local::Key(_) => None,
        }
    }

    pub(super) fn local_value(&self, local: Local) -> Value {
        match local {
            Local::Key(depth) => self.loop_at(depth).key(),
            local => self.local(local).map_or(Value::Undefined, Ref::to_value),
        }
    }

    /// The value of a name, if it has been looked up and found.
    #[inline(always)]
    fn known(&self, base: Base, name: u32) -> Option<Ref<'_>> {
        match &self.known[base.known + name as usize] {
            Known::Data(at) => self.data.value_at(*at),
            Known::Value(value) => Some(Ref::Value(value)),
            Known::Item(at) => Some(self.loops[*at].value()),
            Known::Missing | Known::NotYet => None,
        }
    }

    /// Follows a path over what is there, which is nearly always. Nothing means: the long way, which
    /// looks names up, counts characters and reports what is absent. A page with a table of four rows
    /// and two columns takes 5 % fewer instructions with this.
    #[inline(always)]
    pub(super) fn reach(&self, base: Base, path: &Path) -> Option<Ref<'_>> {
        let mut value = match path.root {
            Root::Local(Local::Item(depth)) => self.loops[base.loops + depth as usize].value(),
            Root::Local(Local::Slot(slot)) => {
                Ref::Value(self.slots[base.slots + slot as usize].as_ref()?)
            }
            Root::Local(Local::Key(_)) => return None,
            Root::Name(name) => self.known(base, name)?,
        };
        for step in &path.steps {
            value = value.near(&step.key, step.index, &step.hint)?;
        }
        Some(value)
    }

    /// Prints what a path leads to. Whether that was too much is seen by the caller, except where one
    /// value alone may be long.
    #[inline(always)]
    pub(super) fn print_path(
        &mut self,
        program: &Program,
        base: Base,
        (path, form): (u32, Form),
        out: &mut String,
        len_max: usize,
    ) -> Result<(), Error> {
        match (self.reach(base, &program.tables.paths[path as usize]), form) {
            (Some(Ref::Value(Value::Int(number)) | Ref::Node(_, Node::Int(number))), _) => {
                number::write_int(*number, out);
            }
            (Some(Ref::Value(Value::Text(text))), Form::Escaped) => escape(text, out),
            (Some(Ref::Node(document, Node::Text { start, len })), Form::Escaped) => {
                escape(document.text(*start, *len), out);
            }
            (Some(value), form) => return self.print_value(value, form, out, len_max),
            (None, form) => return self.print_far(program, path, form, out, len_max),
        }
        Ok(())
    }

    /// The same, for where it is not worth a copy of its own.
    #[inline(never)]
    pub(super) fn print_lone_path(
        &mut self,
        program: &Program,
        base: Base,
        path: (u32, Form),
        out: &mut String,
        len_max: usize,
    ) -> Result<(), Error> {
        self.print_path(program, base, path, out, len_max)
    }

    #[inline(never)]
    fn print_value(
        &self,
        value: Ref<'_>,
        form: Form,
        out: &mut String,
        len_max: usize,
    ) -> Result<(), Error> {
        print_ref(value, form, out, len_max).map_err(|TooLarge| self.too_much_output())
    }

    /// Whether what a path leads to is true.
    #[inline]
    pub(super) fn path_is_true(
        &mut self,
        program: &Program,
        base: Base,
        path: u32,
    ) -> Result<bool, Error> {
        if let Some(value) = self.reach(base, &program.tables.paths[path as usize]) {
            return Ok(value.is_true());
        }
        Ok(self.path_value(program, path)?.is_true())
    }

    /// Whether the key of a loop passes a test.
    #[inline]
    pub(super) fn key_passes(&mut self, test: &KeyTest) -> Result<bool, Error> {
        let current = self.loop_at(test.depth);
        if current.walks_list() {
            let is_there = test.position == Some(current.at);
            return Ok(is_there == matches!(test.op, Binary::Equal | Binary::Same));
        }
        let key = current.key();
        let value = ops::binary(test.op, &key, &test.constant, &mut self.fuel);
        Ok(value.map_err(|why| self.exhausted(why))?.is_true())
    }

    #[inline(never)]
    fn print_far(
        &mut self,
        program: &Program,
        path: u32,
        form: Form,
        out: &mut String,
        len_max: usize,
    ) -> Result<(), Error> {
        self.know_root(program, path)?;
        // Mostly the name had only not been looked up yet.
        if let Some(value) = self.reach(self.base(), &program.tables.paths[path as usize]) {
            return self.print_value(value, form, out, len_max);
        }
        let mut text_bytes = 0;
        let end = match self.walk(program, path, &mut text_bytes) {
            Ok(Found::In(value)) => {
                let printed = print_ref(value, form, out, len_max);
                return printed.map_err(|TooLarge| self.too_much_output());
            }
            Ok(Found::Made(value)) => {
                self.spend_bytes(text_bytes)?;
                let printed = print(&value, form, out, len_max);
                return printed.map_err(|TooLarge| self.too_much_output());
            }
            Ok(Found::Nothing) => End::Absent,
            Err(end) => end,
        };
        self.ended(program, path, &end)
    }

    pub(super) fn path_value(&mut self, program: &Program, path: u32) -> Result<Value, Error> {
        if let Some(value) = self.reach(self.base(), &program.tables.paths[path as usize]) {
            return Ok(value.to_value());
        }
        self.know_root(program, path)?;
        let mut text_bytes = 0;
        let (value, end) = match self.walk(program, path, &mut text_bytes) {
            Ok(found) => (found.into_value(), End::Absent),
            Err(end) => (Value::Undefined, end),
        };
        self.spend_bytes(text_bytes)?;
        self.ended(program, path, &end)?;
        Ok(value)
    }

    /// Looks the name up at which a path begins, unless that has been done.
    pub(super) fn know_root(&mut self, program: &Program, path: u32) -> Result<(), Error> {
        let path = &program.tables.paths[path as usize];
        let Root::Name(name) = path.root else { return Ok(()) };
        let at = self.frame().known + name as usize;
        let expected = || path.quiet || path.steps.first().is_some_and(|step| step.optional);
        match self.known[at] {
            Known::Value(_) | Known::Data(_) | Known::Item(_) => return Ok(()),
            // A name is reported once, but in strict mode each use fails.
            Known::Missing if !self.shared.strict || expected() => return Ok(()),
            Known::Missing | Known::NotYet => {}
        }
        let (name, hint) =
            (&program.tables.names[name as usize], &program.tables.name_hints[name as usize]);
        // Where nothing stands between the name and the data, its place there is enough.
        if self.frames.len() == 1
            && let Some(found) = self.data.position_near(name, hint)
        {
            self.known[at] = Known::Data(found);
            return Ok(());
        }
        let (found, looked_at) = self.find(self.frames.len() - 1, name, hint);
        // Looking through many callers with many names is work too.
        self.fuel.spend(looked_at / 8).map_err(|why| self.exhausted(why))?;
        let missing = matches!(found, Known::Missing);
        self.known[at] = found;
        if missing && !expected() {
            self.report_unknown(|| format!("nothing is called `{name}`"))?;
        }
        Ok(())
    }

    /// Finds a name, and says how many names were looked at.
    fn find(&self, top: usize, name: &str, hint: &Hint) -> (Known, usize) {
        let mut looked_at = 0;
        for at in (0..=top).rev() {
            let frame = &self.frames[at];
            if let Some(value) = frame.props.as_ref().and_then(|props| props.find(name)) {
                return (Known::Value(value.to_value()), looked_at);
            }
            let Some(visible) = frame.visible else { continue };
            let caller = &self.frames[at - 1];
            let program = &self.templates[caller.template].program;
            for binding in program.tables.visible(visible) {
                looked_at += 1;
                if binding.name.as_str() != name {
                    continue;
                }
                match binding.local {
                    Local::Slot(slot) => {
                        if let Some(value) = &self.slots[caller.slots + slot as usize] {
                            return (Known::Value(value.clone()), looked_at);
                        }
                    }
                    Local::Item(depth) => {
                        return (Known::Item(caller.loops + depth as usize), looked_at);
                    }
                    Local::Key(depth) => {
                        let key = self.loops[caller.loops + depth as usize].key();
                        return (Known::Value(key), looked_at);
                    }
                }
            }
        }
        if let Some(at) = self.data.position_near(name, hint) {
            return (Known::Data(at), looked_at);
        }
        let own = self.rare.as_ref().and_then(|rare| rare.defaults.get(name));
        let default = own.or_else(|| self.shared.defaults.get(name));
        (default.cloned().map_or(Known::Missing, Known::Value), looked_at)
    }

    /// Follows a path whose root is known. Counting the characters of a text is work: its length
    /// is added to `text_bytes`.
    fn walk(&self, program: &Program, path: u32, text_bytes: &mut usize) -> Result<Found<'_>, End> {
        let path = &program.tables.paths[path as usize];
        let root = match path.root {
            Root::Local(local) => self.local(local),
            Root::Name(name) => self.known(self.base(), name),
        };
        let Some(mut value) = root else { return Ok(Found::Nothing) };
        for (at, step) in path.steps.iter().enumerate() {
            match member(value, &step.key, step.index) {
                Found::In(inner) => value = inner,
                // What is made for the occasion, a length or a character, is mostly the end.
                Found::Made(made) => {
                    *text_bytes += value.as_str().map_or(0, str::len);
                    return Ok(rest_of(made, &path.steps[at + 1..]));
                }
                Found::Nothing if value.is_absent() => {
                    // An optional step ends the whole path quietly, and so do those after it.
                    let quiet = path.steps[..=at].iter().any(|step| step.optional);
                    return if quiet { Ok(Found::Nothing) } else { Err(End::Lost { step: at }) };
                }
                Found::Nothing => {
                    let next = at + 1;
                    return match path.steps.get(next) {
                        Some(step) if !step.optional => Err(End::Lost { step: next }),
                        _ => Ok(Found::Nothing),
                    };
                }
            }
        }
        Ok(Found::In(value))
    }

    /// Reports a step that led from something absent.
    fn ended(&self, program: &Program, path: u32, end: &End) -> Result<(), Error> {
        let End::Lost { step } = *end else { return Ok(()) };
        let path = &program.tables.paths[path as usize];
        if path.quiet {
            return Ok(());
        }
        self.report_unknown(|| {
            let (key, path) = (&path.steps[step].key, program.tables.show_path(path));
            format!("`{key}` of `{path}` is asked of something absent")
        })
    }

    #[inline(never)]
    pub(super) fn member(&mut self, step: &Step, quiet: bool) -> Result<(), Error> {
        let base = self.pop();
        if base.is_absent() && !quiet && !step.optional {
            self.report_unknown(|| format!("`{}` is asked of something absent", step.key))?;
        }
        self.spend_bytes(base.as_str().map_or(0, str::len))?;
        let value = member(Ref::Value(&base), &step.key, step.index).into_value();
        self.stack.push(value);
        Ok(())
    }

    #[inline(never)]
    pub(super) fn index(&mut self, quiet: bool) -> Result<(), Error> {
        let (key, base) = (self.pop(), self.pop());
        if base.is_absent() && !quiet {
            self.report_unknown(|| "an index is asked of something absent".to_owned())?;
        }
        self.spend_bytes(base.as_str().map_or(0, str::len))?;
        let value = index(&base, &key).into_value();
        self.stack.push(value);
        Ok(())
    }

    fn spend_bytes(&mut self, bytes: usize) -> Result<(), Error> {
        self.fuel.spend_bytes(bytes).map_err(|why| self.exhausted(why))
    }
}

fn rest_of(made: Value, steps: &[Step]) -> Found<'static> {
    let mut value = made;
    for step in steps {
        value = member(Ref::Value(&value), &step.key, step.index).into_value();
    }
    Found::Made(value)
}
