//! What all renderings of an engine share: its settings, and the templates compiled so far.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, PoisonError, RwLock};

use crate::ast::Target;
use crate::build::build;
use crate::error::{Error, ErrorKind};
use crate::limits::Limits;
use crate::loader::Loader;
use crate::minify::Minify;
use crate::name;
use crate::plugin::AnyPlugin;
use crate::program::{Options, Program};
use crate::text::Text;
use crate::value::Object;

/// Hashes names of templates (FNV-1a). Only those of the project are ever put in, so nobody can choose
/// them to clash; a page of four rows takes 2 % fewer instructions than with the default hasher.
#[derive(Clone, Copy)]
pub(crate) struct NameHasher(u64);

impl Default for NameHasher {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for NameHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Hears of what a page survives.
pub(crate) type Notify = dyn Fn(&Error) + Send + Sync;

/// What all renderings of an engine share.
pub(crate) struct Shared {
    pub(crate) limits: Limits,
    pub(crate) strict: bool,
    pub(crate) notify: Option<Arc<Notify>>,
    pub(crate) plugins: HashMap<Text, Arc<dyn AnyPlugin + Send + Sync>>,
    pub(crate) defaults: Object,
    pub(crate) layouts: Option<Text>,
    pub(crate) components: Option<Text>,
    pub(crate) minify: Option<Minify>,
    pub(crate) loader: Option<Arc<dyn Loader>>,
    pub(crate) programs: RwLock<HashMap<Text, Arc<Program>, BuildHasherDefault<NameHasher>>>,
}

impl Shared {
    /// Finds or loads a compiled template.
    pub(crate) fn program(&self, name: &str) -> Result<Arc<Program>, Error> {
        if let Some(program) = self.kept(name) {
            return Ok(program);
        }
        let kept = self.programs.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        if let Some(program) = kept {
            // It was added before the engine got, or lost, its layouts or components.
            let program = self.compile(program.name.clone(), &program.source)?;
            self.keep(&program);
            return Ok(program);
        }
        let missing = || Error::new(ErrorKind::NotFound, format!("no template is called `{name}`"));
        let loader = self.loader.as_ref().ok_or_else(missing)?;
        let source = loader.load(name).map_err(|cause| {
            Error::new(ErrorKind::Load, format!("`{name}` could not be loaded")).caused_by(cause)
        })?;
        let program = self.compile(Text::from(name), &source.ok_or_else(missing)?)?;
        self.keep(&program);
        Ok(program)
    }

    /// Finds a compiled template, if it was compiled with the options of now.
    pub(crate) fn kept(&self, name: &str) -> Option<Arc<Program>> {
        let programs = self.programs.read().unwrap_or_else(PoisonError::into_inner);
        programs.get(name).filter(|program| program.options == self.options()).cloned()
    }

    pub(crate) fn keep(&self, program: &Arc<Program>) {
        let mut programs = self.programs.write().unwrap_or_else(PoisonError::into_inner);
        programs.insert(program.name.clone(), Arc::clone(program));
    }

    pub(crate) fn compile(&self, name: Text, source: &str) -> Result<Arc<Program>, Error> {
        let max = self.limits.source_bytes_max.min(SOURCE_BYTES_MAX);
        if source.len() > max {
            let message = format!("the source of `{name}` is longer than {max} bytes");
            return Err(Error::new(ErrorKind::Limit, message));
        }
        build(name, source, self.options()).map(Arc::new)
    }

    fn options(&self) -> Options {
        Options { layouts: self.layouts.is_some(), components: self.components.is_some() }
    }

    /// The full name of what a template uses.
    pub(crate) fn resolve(&self, target: Target, name: &str, from: &str) -> Result<Text, Error> {
        let directory = match target {
            Target::Import => return name::join("", name::directory(from), name),
            Target::Component => &self.components,
            Target::Layout => &self.layouts,
        };
        let missing = || Error::new(ErrorKind::NoDirectory, format!("`{name}` has no directory"));
        let directory = directory.as_ref().ok_or_else(missing)?;
        name::join(directory, directory, name)
    }
}

impl Clone for Shared {
    fn clone(&self) -> Self {
        let kept = self.programs.read().unwrap_or_else(PoisonError::into_inner);
        Self {
            limits: self.limits,
            strict: self.strict,
            notify: self.notify.clone(),
            plugins: self.plugins.clone(),
            defaults: self.defaults.clone(),
            layouts: self.layouts.clone(),
            components: self.components.clone(),
            minify: self.minify,
            loader: self.loader.clone(),
            programs: RwLock::new(kept.clone()),
        }
    }
}

/// Offsets in sources are kept in 32 bits.
const SOURCE_BYTES_MAX: usize = 1 << 30;
