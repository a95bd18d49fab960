//! Runs programs: a stack machine that can stop after any instruction and go on later.
//!
//! | state | goes on with | when |
//! |---|---|---|
//! | running | running | the instructions of the top frame go by |
//! | running | entering | `Call`; `Return` of a template with a layout |
//! | entering | running | the other template has been loaded and has a frame |
//! | running | leaving | `Return` |
//! | leaving | running, done | the frame below, or none, is the top |
//! | running | switching | a block starts or ends, or a yield has text to put out |
//! | running | full | the output of this turn has reached its goal |
//! | running | tired | the turn took its share of steps without reaching its goal |
//! | any | failed | an error; nothing is left to run |
//!
//! `step` holds the instructions, `look_up` the names, `frame` calls and blocks, `builder` lists
//! and objects in the making.

mod builder;
mod frame;
mod look_up;
mod plugin_call;
mod step;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use self::builder::Builder;
use self::frame::{Capture, Frame};
use self::look_up::Known;
use crate::error::{Error, ErrorKind};
use crate::plugin::AnyPlugin;
use crate::program::Program;
use crate::shared::Shared;
use crate::text::Text;
use crate::value::ops::{Exhausted, Fuel};
use crate::value::{Document, Object, Ref, Value, number};

/// Why the machine stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Full,
    Tired,
    Switch,
    Enter { call: u32 },
    Leave,
    BlockStart { word: u32 },
    BlockEnd,
    Done,
}

/// Says whether a rendering has more to put out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Progress {
    /// There is more; call again when there is room.
    More,
    /// The page is complete.
    Done,
}

/// One rendering, between its first and its last instruction.
pub(crate) struct Machine {
    shared: Arc<Shared>,
    data: Arc<Object>,
    templates: Vec<Linked>,
    frames: Vec<Frame>,
    stack: Vec<Value>,
    slots: Vec<Option<Value>>,
    known: Vec<Known>,
    loops: Vec<Loop>,
    rare: Option<Box<Rare>>,
    fuel: Fuel,
    /// One past the instruction that runs, where that may fail or report something.
    at: usize,
    /// A turn ends when this few steps are left.
    tired_at: u64,
    output_left: usize,
    captured_left: usize,
}

/// What few pages need. It is made with its first use.
#[derive(Default)]
struct Rare {
    plugins: Vec<(Text, Rc<dyn AnyPlugin>)>,
    defaults: Object,
    builders: Vec<Builder>,
    captures: Vec<Capture>,
    /// The block that a yield is putting out, and how far it is.
    yielding: Option<(Rc<str>, usize)>,
}

/// Empty vectors with room, left over from an earlier page of the same thread: a small page then
/// allocates little more than its own text.
#[derive(Default)]
struct Scratch {
    templates: Vec<Linked>,
    frames: Vec<Frame>,
    stack: Vec<Value>,
    slots: Vec<Option<Value>>,
    known: Vec<Known>,
    loops: Vec<Loop>,
}

thread_local! {
    static SPARE: Cell<Option<Scratch>> = const { Cell::new(None) };
}

impl Drop for Machine {
    fn drop(&mut self) {
        let room = self.stack.capacity() + self.slots.capacity() + self.known.capacity();
        if room + self.templates.capacity() + self.loops.capacity() > SPARE_ITEMS_MAX {
            return;
        }
        self.templates.clear();
        self.frames.clear();
        self.stack.clear();
        self.slots.clear();
        self.known.clear();
        self.loops.clear();
        let spare = Scratch {
            templates: std::mem::take(&mut self.templates),
            frames: std::mem::take(&mut self.frames),
            stack: std::mem::take(&mut self.stack),
            slots: std::mem::take(&mut self.slots),
            known: std::mem::take(&mut self.known),
            loops: std::mem::take(&mut self.loops),
        };
        // Where the thread is about to end there is no next page, so a failure means nothing.
        let _ = SPARE.try_with(|place| place.set(Some(spare)));
    }
}

/// A template of this rendering with what its calls lead to, once they have been made.
struct Linked {
    program: Arc<Program>,
    calls: Vec<Option<usize>>,
}

struct Loop {
    items: Items,
    at: usize,
    len: usize,
}

enum Items {
    List(Arc<[Value]>),
    Object(Arc<Object>),
    /// A run of nodes, and of keys if it is that of an object.
    Nodes {
        document: Arc<Document>,
        start: u32,
        keys: Option<u32>,
    },
}

impl Loop {
    #[inline]
    fn value(&self) -> Ref<'_> {
        static UNDEFINED: Value = Value::Undefined;
        match &self.items {
            Items::List(items) => Ref::Value(&items[self.at]),
            Items::Object(object) => object.value_at(self.at).unwrap_or(Ref::Value(&UNDEFINED)),
            Items::Nodes { document, start, .. } => {
                Ref::Node(document, document.node(*start as usize + self.at))
            }
        }
    }

    /// The name of the entry that the loop stands at; none where it walks a list.
    fn name(&self) -> Option<&str> {
        match &self.items {
            Items::Object(object) => object.name_at(self.at),
            Items::Nodes { document, keys: Some(keys), .. } => Some(document.name(*keys, self.at)),
            Items::List(_) | Items::Nodes { keys: None, .. } => None,
        }
    }

    fn walks_list(&self) -> bool {
        matches!(self.items, Items::List(_) | Items::Nodes { keys: None, .. })
    }

    /// The name of the entry, or the position, as a value.
    fn key(&self) -> Value {
        match &self.items {
            Items::Object(object) => {
                object.name_text_at(self.at).map_or(Value::Undefined, Value::from)
            }
            Items::Nodes { document, keys: Some(keys), .. } => {
                Value::from(document.name_text(*keys, self.at))
            }
            Items::List(_) | Items::Nodes { keys: None, .. } => {
                Value::from(number::position_text(self.at))
            }
        }
    }
}

impl Machine {
    pub(crate) fn new(shared: Arc<Shared>, program: Arc<Program>, data: &Value) -> Self {
        let data = match data {
            Value::Object(object) => Arc::clone(object),
            _ => Arc::default(),
        };
        let limits = shared.limits;
        let fuel = Fuel { steps_left: limits.steps_max, value_bytes_max: limits.value_bytes_max };
        // What is empty here becomes the machine's own with its first use.
        let Scratch { templates, frames, stack, slots, known, loops } =
            SPARE.try_with(Cell::take).ok().flatten().unwrap_or_default();
        let mut machine = Self {
            shared,
            data,
            templates,
            frames,
            stack,
            slots,
            known,
            loops,
            rare: None,
            fuel,
            at: 0,
            tired_at: 0,
            output_left: limits.output_bytes_max,
            captured_left: limits.output_bytes_max,
        };
        let first = machine.link(program);
        machine.push_frame(first, None, None, None);
        machine
    }

    pub(crate) fn add_plugin(&mut self, name: Text, plugin: Rc<dyn AnyPlugin>) {
        self.rare_mut().plugins.push((name, plugin));
    }

    pub(crate) fn add_default(&mut self, name: Text, value: Value) {
        self.rare_mut().defaults.insert_value(name, value);
    }

    fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// Remembers how long the page became, for the next one.
    pub(crate) fn expect_len(&self, len: usize) {
        if let Some(first) = self.templates.first() {
            first.program.len_expected.store(len, Ordering::Relaxed);
        }
    }

    /// Runs until `out` has grown by `budget_bytes`, the turn's steps are used up, or the end.
    pub(crate) fn resume(
        &mut self,
        out: &mut String,
        budget_bytes: usize,
    ) -> Result<Progress, Error> {
        let result = self.turns(out, out.len().saturating_add(budget_bytes.max(1)));
        if result.is_err() {
            self.frames.clear();
            if let Some(rare) = &mut self.rare {
                rare.yielding = None;
            }
        }
        result
    }

    fn turns(&mut self, out: &mut String, goal: usize) -> Result<Progress, Error> {
        self.tired_at = self.fuel.steps_left.saturating_sub(TURN_STEPS);
        loop {
            if self.rare.is_some() && !self.yield_some(out, goal)? {
                return Ok(Progress::More);
            }
            if self.frames.is_empty() {
                return Ok(Progress::Done);
            }
            let turn = match self.rare.as_mut().and_then(|rare| rare.captures.pop()) {
                Some(mut capture) => {
                    let len_before = capture.text.len();
                    let len_max = len_before.saturating_add(self.captured_left);
                    let turn = self.run(&mut capture.text, usize::MAX, len_max)?;
                    self.captured_left = len_max.saturating_sub(capture.text.len());
                    self.rare_mut().captures.push(capture);
                    turn
                }
                None => {
                    let len_max = out.len().saturating_add(self.output_left);
                    let turn = self.run(out, goal, len_max)?;
                    self.output_left = len_max.saturating_sub(out.len());
                    turn
                }
            };
            match turn {
                Turn::Full | Turn::Tired => return Ok(Progress::More),
                Turn::BlockStart { word } => self.start_block(word),
                Turn::BlockEnd => self.end_block(),
                Turn::Switch => {}
                Turn::Done => return Ok(Progress::Done),
                Turn::Enter { .. } | Turn::Leave => unreachable!("`run` has settled these"),
            }
        }
    }

    /// Runs frame after frame, as long as the output stays the same.
    fn run(&mut self, out: &mut String, goal: usize, len_max: usize) -> Result<Turn, Error> {
        let stop = goal.min(len_max.saturating_add(1));
        loop {
            let Some(frame) = self.frames.last() else { return Ok(Turn::Done) };
            let program = Arc::clone(&self.templates[frame.template].program);
            let turn = self.run_frame(&program, frame.at, out, stop, len_max);
            let turn = turn.and_then(|(turn, at)| {
                self.frame_mut().at = at;
                match turn {
                    Turn::Full if out.len() > len_max => Err(self.too_much_output()),
                    Turn::Enter { call } => self.enter(&program, call).map(|()| turn),
                    Turn::Leave => self.leave().map(|()| turn),
                    turn => Ok(turn),
                }
            });
            match turn {
                Ok(Turn::Enter { .. } | Turn::Leave) => {}
                Ok(turn) => return Ok(turn),
                Err(error) => {
                    let error = error.at(|| program.place(self.at.saturating_sub(1)));
                    return Err(error.with_trail(self.trail()));
                }
            }
        }
    }

    fn too_much_output(&self) -> Error {
        let max = self.shared.limits.output_bytes_max;
        Error::new(ErrorKind::Limit, format!("the output is longer than {max} bytes"))
    }

    fn exhausted(&self, why: Exhausted) -> Error {
        let limits = self.shared.limits;
        let message = match why {
            Exhausted::Steps => format!("the page takes more than {} steps", limits.steps_max),
            Exhausted::ValueBytes => {
                format!("a value is longer than {} bytes, or too deep", limits.value_bytes_max)
            }
        };
        Error::new(ErrorKind::Limit, message)
    }
}

/// A turn ends after about this many steps, so that other work gets its share.
const TURN_STEPS: u64 = 100_000;

/// More room than this is given back, so that one large page does not fill the memory for good.
const SPARE_ITEMS_MAX: usize = 2_000;
