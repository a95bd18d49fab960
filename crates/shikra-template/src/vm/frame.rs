//! Frames: uses of templates, with what they have captured for their layouts.

use std::rc::Rc;
use std::sync::Arc;

use super::look_up::Known;
use super::step::object_of;
use super::{Linked, Machine};
use crate::ast::Target;
use crate::error::{Error, ErrorKind, Place};
use crate::program::{Call, Program};
use crate::text::Text;
use crate::value::Object;

/// One use of a template. The frame below is its caller, or the template that it lays out.
pub(super) struct Frame {
    pub(super) template: usize,
    pub(super) at: usize,
    /// Where the slots, names and loops of this frame begin.
    pub(super) slots: usize,
    pub(super) known: usize,
    pub(super) loops: usize,
    pub(super) props: Option<Arc<Object>>,
    /// The innermost binding of the caller that is visible here; none at all for the page.
    pub(super) visible: Option<Option<u32>>,
    /// The call in the caller's tables, for the trail of errors.
    call: Option<u32>,
    /// The blocks that yields put out.
    blocks: Option<Rc<BlockSet>>,
    /// The blocks that this template has defined so far.
    defined: Vec<(Text, Rc<str>)>,
    pub(super) layout: Option<(u32, Option<Arc<Object>>)>,
}

/// Where the slots, names and loops of the frame that runs begin.
#[derive(Clone, Copy)]
pub(super) struct Base {
    pub(super) slots: usize,
    pub(super) known: usize,
    pub(super) loops: usize,
}

/// The blocks of a template for its layout. What a layout in between does not define is passed on.
pub(super) struct BlockSet {
    blocks: Vec<(Text, Rc<str>)>,
    passed_on: Option<Rc<BlockSet>>,
}

/// The text of a block while it is being made.
pub(super) struct Capture {
    pub(super) name: Text,
    pub(super) text: String,
}

impl Machine {
    pub(super) fn frame(&self) -> &Frame {
        self.frames.last().expect("instructions run in a frame")
    }

    pub(super) fn base(&self) -> Base {
        let &Frame { slots, known, loops, .. } = self.frame();
        Base { slots, known, loops }
    }

    pub(super) fn frame_mut(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("instructions run in a frame")
    }

    pub(super) fn link(&mut self, program: Arc<Program>) -> usize {
        let calls = vec![None; program.tables.calls.len()];
        self.templates.push(Linked { program, calls });
        self.templates.len() - 1
    }

    pub(super) fn push_frame(
        &mut self,
        template: usize,
        caller: Option<(u32, Option<u32>)>,
        props: Option<Arc<Object>>,
        blocks: Option<Rc<BlockSet>>,
    ) {
        let tables = &self.templates[template].program.tables;
        let (slots, known) = (self.slots.len(), self.known.len());
        self.slots.resize(slots + tables.slot_count as usize, None);
        self.known.resize(known + tables.names.len(), Known::NotYet);
        self.frames.push(Frame {
            template,
            at: 0,
            slots,
            known,
            loops: self.loops.len(),
            props,
            visible: caller.map(|(_, visible)| visible),
            call: caller.map(|(call, _)| call),
            blocks,
            defined: Vec::new(),
            layout: None,
        });
    }

    /// Begins another template, whose props are on the stack.
    pub(super) fn enter(&mut self, program: &Program, call: u32) -> Result<(), Error> {
        let props = object_of(self.pop());
        let blocks = self.frame().blocks.clone();
        self.enter_with(program, call, props, blocks)
    }

    fn enter_with(
        &mut self,
        program: &Program,
        call: u32,
        props: Option<Arc<Object>>,
        blocks: Option<Rc<BlockSet>>,
    ) -> Result<(), Error> {
        let used = &program.tables.calls[call as usize];
        let place = || Place::new(&program.name, &program.source, used.offset as usize);
        if self.frames.len() > self.shared.limits.depth_max {
            return Err(self.too_deep(used).at(place));
        }
        let template = self.template_of(program, call).map_err(|error| error.at(place))?;
        let cost = 10 + self.templates[template].program.code.len();
        self.fuel.spend(cost).map_err(|why| self.exhausted(why))?;
        self.push_frame(template, Some((call, used.visible)), props, blocks);
        Ok(())
    }

    /// Finds or loads what a call leads to; within a rendering a template stays the same.
    fn template_of(&mut self, program: &Program, call: u32) -> Result<usize, Error> {
        let caller = self.frame().template;
        if let Some(linked) = self.templates[caller].calls[call as usize] {
            return Ok(linked);
        }
        let used = &program.tables.calls[call as usize];
        let name = self.shared.resolve(used.target, &used.name, &program.name)?;
        let known = self.templates.iter().position(|linked| linked.program.name == name);
        let template = match known {
            Some(template) => template,
            None => {
                let other = self.shared.program(&name)?;
                self.link(other)
            }
        };
        self.templates[caller].calls[call as usize] = Some(template);
        Ok(template)
    }

    fn too_deep(&self, used: &Call) -> Error {
        let mut names: Vec<&str> =
            self.frames.iter().map(|frame| self.name_of(frame).as_str()).collect();
        // A cycle shows within its first few turns.
        let omitted = names.len().saturating_sub(CHAIN_NAMES_MAX);
        names.truncate(CHAIN_NAMES_MAX);
        let chain = names.join(" > ");
        let more = if omitted > 0 { " > …" } else { "" };
        let max = self.shared.limits.depth_max;
        let message =
            format!("`{}` is used more than {max} templates deep: {chain}{more}", used.name);
        Error::new(ErrorKind::Limit, message)
    }

    fn name_of(&self, frame: &Frame) -> &Text {
        &self.templates[frame.template].program.name
    }

    /// Ends a template: goes on with its layout, or with its caller.
    pub(super) fn leave(&mut self) -> Result<(), Error> {
        if let Some((call, values)) = self.frame_mut().layout.take() {
            let frame = self.frame_mut();
            // The layout comes back to the same `Return`, which then finds no layout.
            frame.at -= 1;
            let defined = std::mem::take(&mut frame.defined);
            // Only a layout hands on the blocks that it was given itself.
            let passed_on = if self.is_layout() { self.frame().blocks.clone() } else { None };
            let blocks = Rc::new(BlockSet { blocks: defined, passed_on });
            let program = Arc::clone(&self.templates[self.frame().template].program);
            return self.enter_with(&program, call, values, Some(blocks));
        }
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        self.slots.truncate(frame.slots);
        self.known.truncate(frame.known);
        Ok(())
    }

    fn is_layout(&self) -> bool {
        let Some(call) = self.frame().call else { return false };
        let caller = &self.frames[self.frames.len() - 2];
        let calls = &self.templates[caller.template].program.tables.calls;
        calls[call as usize].target == Target::Layout
    }

    /// The calls that led to the current template, innermost first.
    pub(super) fn trail(&self) -> Vec<Place> {
        let mut trail = Vec::new();
        for at in (1..self.frames.len()).rev().take(TRAIL_PLACES_MAX) {
            let Some(call) = self.frames[at].call else { continue };
            let program = &self.templates[self.frames[at - 1].template].program;
            let offset = program.tables.calls[call as usize].offset;
            trail.push(Place::new(&program.name, &program.source, offset as usize));
        }
        trail
    }

    pub(super) fn start_block(&mut self, word: u32) {
        let program = &self.templates[self.frame().template].program;
        let name = program.tables.words[word as usize].clone();
        self.rare_mut().captures.push(Capture { name, text: String::new() });
    }

    pub(super) fn end_block(&mut self) {
        let Some(Capture { name, text }) = self.rare_mut().captures.pop() else { return };
        self.frame_mut().defined.push((name, text.into()));
    }

    /// Prepares a block for going out; says whether there is one.
    pub(super) fn start_yield(&mut self, name: &str) -> bool {
        let mut set = self.frame().blocks.as_ref();
        while let Some(blocks) = set {
            // The last block of a name wins.
            if let Some((_, text)) = blocks.blocks.iter().rev().find(|(other, _)| **other == *name)
            {
                let text = Rc::clone(text);
                self.rare_mut().yielding = Some((text, 0));
                return true;
            }
            set = blocks.passed_on.as_ref();
        }
        false
    }

    /// Puts out a block, or as much of it as the turn has room for; says whether it is all out.
    pub(super) fn yield_some(&mut self, out: &mut String, goal: usize) -> Result<bool, Error> {
        let Some(rare) = &mut self.rare else { return Ok(true) };
        let Some((text, mut from)) = rare.yielding.take() else { return Ok(true) };
        if let Some(capture) = rare.captures.last_mut() {
            // A layout within a layout: the text goes on into the outer block.
            if text.len() > self.captured_left {
                return Err(self.too_much_output());
            }
            self.captured_left -= text.len();
            capture.text.push_str(&text);
            return Ok(true);
        }
        let mut to = text.len().min(from.saturating_add(goal.saturating_sub(out.len())));
        while !text.is_char_boundary(to) {
            to += 1;
        }
        if to - from > self.output_left {
            return Err(self.too_much_output());
        }
        self.output_left -= to - from;
        out.push_str(&text[from..to]);
        from = to;
        if from < text.len() {
            rare.yielding = Some((text, from));
            return Ok(false);
        }
        Ok(true)
    }
}

const CHAIN_NAMES_MAX: usize = 6;
const TRAIL_PLACES_MAX: usize = 8;
