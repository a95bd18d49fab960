//! Calls of plugins, and reports about what a page survives.

use std::sync::Arc;

use super::Machine;
use crate::error::{Error, ErrorKind};
use crate::text::Text;
use crate::value::Value;

impl Machine {
    /// Calls a plugin with the arguments on the stack. What fails gives undefined, and a report.
    #[inline(never)]
    pub(super) fn call_plugin(&mut self, name: &Text, args: usize) -> Result<(), Error> {
        let first = self.stack.len() - args;
        let own = self.rare.as_ref().map_or(&[][..], |rare| &rare.plugins);
        let own = own.iter().rev().find(|(other, _)| other == name);
        let result = match own {
            Some((_, plugin)) => Some(plugin.call(&self.stack[first..])),
            None => self.shared.plugins.get(name).map(|plugin| plugin.call(&self.stack[first..])),
        };
        self.stack.truncate(first);
        let value = match result {
            Some(Ok(value)) => value,
            Some(Err(failure)) => {
                self.report(failure.into_error(name))?;
                Value::Undefined
            }
            None => {
                let message = format!("no plugin is called `{name}`");
                self.report(Error::new(ErrorKind::UnknownPlugin, message))?;
                Value::Undefined
            }
        };
        self.stack.push(value);
        Ok(())
    }

    /// Tells the engine's listener about something that the page survives; in strict mode the page
    /// does not.
    pub(super) fn report(&self, error: Error) -> Result<(), Error> {
        let program = Arc::clone(&self.templates[self.frame().template].program);
        let error = error.at(|| program.place(self.at.saturating_sub(1)));
        if self.shared.strict {
            return Err(error);
        }
        if let Some(notify) = &self.shared.notify {
            notify(&error.with_trail(self.trail()));
        }
        Ok(())
    }

    /// A report whose message is only made if anyone listens.
    pub(super) fn report_unknown(&self, message: impl FnOnce() -> String) -> Result<(), Error> {
        if self.shared.strict || self.shared.notify.is_some() {
            self.report(Error::new(ErrorKind::Unknown, message()))
        } else {
            Ok(())
        }
    }
}
