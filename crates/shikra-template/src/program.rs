//! What the compiler makes of a template and the machine runs: instructions and their tables.

use std::fmt::{self, Write};
use std::sync::atomic::AtomicUsize;

use crate::ast::Target;
use crate::error::Place as SourcePlace;
use crate::text::Text;
use crate::value::method::Method;
use crate::value::ops::{Binary, Unary};
use crate::value::print::Form;
use crate::value::{Hint, Value};
use crate::warning::Warning;

/// A compiled template.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) name: Text,
    pub(crate) source: Box<str>,
    /// What the engine had when this was compiled.
    pub(crate) options: Options,
    pub(crate) code: Vec<Instr>,
    /// For each instruction its offset in the source.
    pub(crate) offsets: Vec<u32>,
    pub(crate) tables: Tables,
    pub(crate) warnings: Vec<Warning>,
    /// The length of the last page, as a first guess for the next.
    pub(crate) len_expected: AtomicUsize,
}

/// What an engine has that the language depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) layouts: bool,
    pub(crate) components: bool,
}

/// What instructions refer to by number.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    /// Text of the template that can go out, a piece for each instruction.
    pub(crate) pieces: Vec<String>,
    pub(crate) constants: Vec<Value>,
    /// Names that the template takes from outside: data, props, or what its caller has set.
    pub(crate) names: Vec<Text>,
    /// Where in the data of a page each name was last.
    pub(crate) name_hints: Vec<Hint>,
    pub(crate) paths: Vec<Path>,
    pub(crate) steps: Vec<Step>,
    pub(crate) shapes: Vec<Box<[Text]>>,
    pub(crate) cells: Vec<Cell>,
    pub(crate) seams: Vec<Seam>,
    /// Names of plugins, blocks and keys.
    pub(crate) words: Vec<Text>,
    pub(crate) calls: Vec<Call>,
    pub(crate) key_tests: Vec<KeyTest>,
    pub(crate) bindings: Vec<Binding>,
    pub(crate) slot_count: u32,
    /// The layout of the template, as an entry of `calls`.
    pub(crate) layout: Option<u32>,
}

/// A local variable: a slot that `@set` fills, or what a loop stands at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Local {
    Slot(u32),
    /// The item, or the value of the entry, of the loop at this depth.
    Item(u32),
    /// The key of the entry, or the position as text.
    Key(u32),
}

/// The whole body of a loop that prints its items with text around them: `<li>{{ x }}</li>`.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) before: String,
    pub(crate) after: String,
    /// What stands between two items: the text after one and that before the next.
    pub(crate) between: String,
}

/// The end of a loop's body that puts out text.
#[derive(Debug)]
pub(crate) struct Seam {
    /// The text at the end of the body and that at its beginning, for one turn and the next.
    pub(crate) between: String,
    /// The text at the end of the body, for the last turn.
    pub(crate) after: String,
    /// The body behind its first text.
    pub(crate) body: u32,
}

/// Where a path begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    Local(Local),
    Name(u32),
}

/// A name followed by members that are known when the template is compiled.
#[derive(Debug)]
pub(crate) struct Path {
    pub(crate) root: Root,
    pub(crate) steps: Box<[Step]>,
    /// Nothing is reported if something on the way is absent.
    pub(crate) quiet: bool,
}

/// One member. `index` is the key as a position, where it is one.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) key: Text,
    pub(crate) index: Option<usize>,
    pub(crate) optional: bool,
    pub(crate) hint: Hint,
}

/// A comparison of a loop's key with a constant: `at == 0`.
#[derive(Debug)]
pub(crate) struct KeyTest {
    pub(crate) depth: u32,
    pub(crate) constant: Value,
    pub(crate) op: Binary,
    /// The position in a list that equals the constant, if one can.
    pub(crate) position: Option<usize>,
}

/// A use of another template.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) target: Target,
    /// The name as written.
    pub(crate) name: Text,
    pub(crate) offset: u32,
    /// The innermost binding that the other template can see, an index into `bindings`.
    pub(crate) visible: Option<u32>,
}

/// A name that is visible from some point on, chained to those visible before it.
#[derive(Debug)]
pub(crate) struct Binding {
    pub(crate) name: Text,
    pub(crate) local: Local,
    pub(crate) outer: Option<u32>,
}

/// One instruction. Jumps name the index of an instruction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Instr {
    /// Puts out a piece of the template's own text.
    Text(u32),
    /// Prints the item, or the value of the entry, of the loop at this depth.
    PrintItem(u32),
    /// Prints items of the innermost loop as cells, from the current one on, until the turn or the
    /// list is at its end. The last of them stays current.
    PrintCells(u32),
    PrintLocal(Local),
    PrintPath {
        path: u32,
        form: Form,
    },
    /// Puts out a piece of text, and what a path leads to behind it, escaped.
    PrintTextPath {
        piece: u32,
        path: u32,
    },
    Print(Form),
    Constant(u32),
    Load(Local),
    LoadPath(u32),
    /// Pushes the slot and jumps, if something has set it.
    LoadIfSet {
        slot: u32,
        target: u32,
    },
    Member {
        step: u32,
        quiet: bool,
    },
    Index {
        quiet: bool,
    },
    Store(u32),
    /// Unsets slots at the start of a loop's turn.
    Clear {
        start: u32,
        end: u32,
    },
    Jump(u32),
    JumpIfFalse(u32),
    JumpUnlessPath {
        path: u32,
        target: u32,
    },
    JumpUnlessKey {
        test: u32,
        target: u32,
    },
    /// Keeps the operand if it jumps, drops it otherwise. So do the next two.
    JumpIfFalseKeep(u32),
    JumpIfTrueKeep(u32),
    JumpIfPresentKeep(u32),
    /// Replaces an absent operand by undefined and jumps.
    JumpIfAbsent(u32),
    Unary(Unary),
    Binary(Binary),
    List(u32),
    Object(u32),
    ListStart,
    ListItem,
    ListSpread,
    ListEnd,
    ObjectStart,
    ObjectEntry(u32),
    ObjectSpread,
    ObjectEnd,
    Plugin {
        word: u32,
        args: u8,
    },
    Method {
        method: Method,
        args: u8,
    },
    ForList {
        end: u32,
    },
    ForObject {
        end: u32,
    },
    /// Starts a loop over what a path leads to, without a value on the stack.
    ForPath {
        path: u32,
        end: u32,
        entries: bool,
    },
    /// Goes on with the next turn of the innermost loop, or ends it.
    Next {
        body: u32,
    },
    /// The same for a loop whose body begins or ends with text.
    NextText {
        seam: u32,
    },
    /// Takes props off the stack.
    Call(u32),
    /// Takes the layout's values off the stack and keeps them for the end of the template.
    Layout(u32),
    BlockStart(u32),
    BlockEnd(u32),
    Yield(u32),
    Return,
}

impl Program {
    /// The place in the source that an instruction was made from.
    pub(crate) fn place(&self, at: usize) -> SourcePlace {
        let offset = self.offsets.get(at).copied().unwrap_or(0);
        SourcePlace::new(&self.name, &self.source, offset as usize)
    }

    fn operands(&self, instr: Instr) -> String {
        let tables = &self.tables;
        let word = |at: u32| tables.words[at as usize].as_str();
        match instr {
            Instr::Text(piece) => format!("{:?}", tables.pieces[piece as usize]),
            Instr::PrintCells(cell) => {
                let Cell { before, after, .. } = &tables.cells[cell as usize];
                format!("{before:?} {after:?}")
            }
            Instr::PrintTextPath { piece, path } => {
                let shown = tables.show_path(&tables.paths[path as usize]);
                format!("{:?} {shown}", tables.pieces[piece as usize])
            }
            Instr::NextText { seam } => {
                let Seam { between, after, body } = &tables.seams[seam as usize];
                format!("{body} {between:?} {after:?}")
            }
            Instr::PrintPath { path, .. }
            | Instr::JumpUnlessPath { path, .. }
            | Instr::ForPath { path, .. }
            | Instr::LoadPath(path) => tables.show_path(&tables.paths[path as usize]),
            Instr::JumpUnlessKey { test, .. } => {
                let test = &tables.key_tests[test as usize];
                format!("{:?} {} {:?}", Local::Key(test.depth), test.op.mark(), test.constant)
            }
            Instr::Constant(at) => format!("{:?}", tables.constants[at as usize]),
            Instr::Member { step, .. } => tables.steps[step as usize].key.to_string(),
            Instr::Object(shape) => tables.shapes[shape as usize].join(" "),
            Instr::ObjectEntry(at) | Instr::BlockStart(at) | Instr::BlockEnd(at) => {
                word(at).to_owned()
            }
            Instr::Yield(at) => word(at).to_owned(),
            Instr::Plugin { word: at, args } => format!("{} {args}", word(at)),
            Instr::Call(call) | Instr::Layout(call) => {
                let call = &tables.calls[call as usize];
                let names = tables.visible(call.visible);
                let names: Vec<_> = names.map(|binding| binding.name.as_str()).collect();
                format!("{:?} {} sees [{}]", call.target, call.name, names.join(" "))
            }
            _ => String::new(),
        }
    }
}

impl Tables {
    /// Walks the names that a call can see, innermost first.
    pub(crate) fn visible(&self, from: Option<u32>) -> impl Iterator<Item = &Binding> {
        let binding = |at: Option<u32>| at.map(|at| &self.bindings[at as usize]);
        std::iter::successors(binding(from), move |inner| binding(inner.outer))
    }

    pub(crate) fn show_path(&self, path: &Path) -> String {
        let mut shown = match path.root {
            Root::Name(name) => self.names[name as usize].to_string(),
            Root::Local(local) => format!("{local:?}"),
        };
        for step in &path.steps {
            shown.push_str(if step.optional { "?." } else { "." });
            shown.push_str(&step.key);
        }
        shown
    }
}

/// Prints one instruction a line, with its operands spelled out.
impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, instr) in self.code.iter().enumerate() {
            let place = self.place(at);
            let mut line = format!("{at:4}  {:>3}:{:<3} {instr:?}", place.line(), place.column());
            let operands = self.operands(*instr);
            if !operands.is_empty() {
                write!(line, "  ; {operands}")?;
            }
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}
