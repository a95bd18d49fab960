//! What handlers share: one value of each type, for all workers or for each worker its own.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

/// Values that all workers share, by type.
#[derive(Clone, Default)]
pub(crate) struct SharedState {
    values: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
}

impl SharedState {
    /// Returns whether a value of this type was there already.
    pub(crate) fn insert<T: Send + Sync + 'static>(&mut self, value: T) -> bool {
        self.values.insert(TypeId::of::<T>(), Arc::new(value)).is_some()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    #[cfg(feature = "templates")]
    pub(crate) fn get<T: 'static>(&self) -> Option<&T> {
        self.values.get(&TypeId::of::<T>())?.downcast_ref()
    }

    fn extend(&mut self, other: &Self) {
        for (id, value) in &other.values {
            self.values.entry(*id).or_insert_with(|| Arc::clone(value));
        }
    }
}

/// The values that the handlers of one worker see.
#[derive(Default)]
pub(crate) struct WorkerState {
    shared: SharedState,
    own: HashMap<TypeId, Rc<dyn Any>>,
}

impl fmt::Debug for WorkerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerState")
            .field("shared", &self.shared.values.len())
            .field("own", &self.own.len())
            .finish()
    }
}

impl WorkerState {
    /// The state of an application inside another: the values of `self`, where `shared` has none of
    /// the same type.
    pub(crate) fn inside(&self, mut shared: SharedState) -> Self {
        let own = self.own.iter().filter(|(id, _)| !shared.values.contains_key(id));
        let own = own.map(|(id, value)| (*id, Rc::clone(value))).collect();
        shared.extend(&self.shared);
        Self { shared, own }
    }

    pub(crate) fn insert_own(&mut self, id: TypeId, value: Rc<dyn Any>) {
        self.own.insert(id, value);
    }

    pub(crate) fn get<T: 'static>(&self) -> Option<&T> {
        let id = TypeId::of::<T>();
        if let Some(own) = self.own.get(&id) {
            return own.downcast_ref();
        }
        self.shared.values.get(&id)?.downcast_ref()
    }

    /// # Panics
    /// When the application has no such state.
    pub(crate) fn expect<T: 'static>(&self) -> &T {
        match self.get() {
            Some(value) => value,
            None => panic!("{}", missing::<T>()),
        }
    }
}

/// What the program is told that asks for state it has not given.
pub(crate) fn missing<T>() -> String {
    format!(
        "the application has no state of type `{}`: give it with `app.state(…)` or \
         `app.state_per_worker(…)`",
        type_name::<T>()
    )
}
