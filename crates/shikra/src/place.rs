//! Where an error was made: a line of the program, or of what panicked.

use shikra_engine::service::panic_message;
use std::cell::RefCell;
use std::panic::{self, Location};
use std::sync::Once;

/// The line that made an error, as far as it is known.
#[derive(Debug)]
pub(crate) enum Place {
    Line(&'static Location<'static>),
    /// File, line and column of a panic.
    Panic(Box<str>),
    Unknown,
}

impl Place {
    /// The place of the panic with this message that the thread has caught last.
    pub(crate) fn of_panic(message: &str) -> Self {
        let last = LAST.with(RefCell::take).filter(|last| last.message == message);
        last.map_or(Self::Unknown, |last| Self::Panic(last.place.into_boxed_str()))
    }

    /// The place in words. A line of Shikra's own is none: it says nothing of the program.
    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Self::Line(location) if is_own(location.file()) => None,
            Self::Line(location) => Some(location.to_string()),
            Self::Panic(place) => Some(place.to_string()),
            Self::Unknown => None,
        }
    }
}

fn is_own(file: &str) -> bool {
    let own = file!().strip_suffix("place.rs").unwrap_or("\0");
    file.starts_with(own)
}

struct Last {
    message: String,
    place: String,
}

thread_local! {
    static LAST: RefCell<Option<Last>> = const { RefCell::new(None) };
}

/// From now on the places of panics are known: a caught panic itself has none, only the hook of the
/// process hears of it. The hook that was there goes on to do what it did.
pub(crate) fn watch_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if let Some(location) = info.location() {
                let message = panic_message(info.payload());
                let last = Last { message, place: location.to_string() };
                // While the thread's locals are dropped, nobody asks for the place any more.
                let _ = LAST.try_with(|cell| cell.replace(Some(last)));
            }
            previous(info);
        }));
    });
}
