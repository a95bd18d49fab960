//! Takes the source of a template through all stages: tokens, tree, instructions, warnings.

use std::sync::atomic::AtomicUsize;

use crate::compile::compile;
use crate::error::{Error, ErrorKind, Place};
use crate::lexer::lex;
use crate::lint::lint;
use crate::parser::parse;
use crate::program::{Options, Program};
use crate::text::Text;

/// Makes a program of a template.
pub(crate) fn build(name: Text, source: &str, options: Options) -> Result<Program, Error> {
    let compiled = lex(source).and_then(|tokens| {
        let body = parse(source, &tokens.tokens)?;
        let compiled = compile(&body, options)?;
        let warnings = lint(&body, &tokens.lookalikes, options, &name, source);
        Ok((compiled, warnings))
    });
    let (compiled, warnings) = compiled.map_err(|mistake| {
        let error = Error::new(ErrorKind::Syntax, mistake.message);
        error.at(|| Place::new(&name, source, mistake.at as usize))
    })?;
    Ok(Program {
        name,
        source: source.into(),
        options,
        code: compiled.code,
        offsets: compiled.offsets,
        tables: compiled.tables,
        warnings,
        len_expected: AtomicUsize::new(0),
    })
}
