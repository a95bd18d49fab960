//! The board: notes in memory, and the rules that they keep. It knows nothing of HTTP.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// The longest text of a note, in characters.
pub(crate) const TEXT_CHARS_MAX: usize = 500;
/// The longest name of an author, in characters.
pub(crate) const AUTHOR_CHARS_MAX: usize = 40;
/// The most notes on a board.
pub(crate) const NOTES_MAX: usize = 500;

/// A note on the board.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Note {
    pub(crate) id: u64,
    #[serde(flatten)]
    pub(crate) content: Content,
    /// In RFC 3339, to the second.
    pub(crate) created: String,
}

/// What people write: the text without space around it, the author on one line, both of a length
/// that fits. Only [`Draft::check`] makes one.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Content {
    text: String,
    author: String,
    color: Color,
}

/// What a client sends, before anybody has looked at it.
#[derive(Debug, Deserialize)]
pub(crate) struct Draft {
    text: String,
    author: String,
    color: Color,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Color {
    Yellow,
    Green,
    Blue,
    Pink,
}

impl Draft {
    /// # Errors
    /// When the text or the author is missing or too long.
    pub(crate) fn check(self) -> Result<Content, Refusal> {
        // A form sends line breaks as CRLF, which the limit counts as one character.
        let text = self.text.replace("\r\n", "\n").trim().to_owned();
        let author = self.author.split_whitespace().collect::<Vec<_>>().join(" ");
        if text.is_empty() {
            return Err(Refusal::NoText);
        }
        if author.is_empty() {
            return Err(Refusal::NoAuthor);
        }
        if text.chars().count() > TEXT_CHARS_MAX {
            return Err(Refusal::LongText);
        }
        if author.chars().count() > AUTHOR_CHARS_MAX {
            return Err(Refusal::LongAuthor);
        }
        Ok(Content { text, author, color: self.color })
    }
}

/// Why the board does not do what it was asked for.
///
/// It is no `std::error::Error` on purpose: `?` would turn it into a 500. How it is answered stands
/// in `api.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    NoText,
    NoAuthor,
    LongText,
    LongAuthor,
    Full,
    Missing(u64),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoText => f.write_str("Please write something."),
            Self::NoAuthor => f.write_str("Please say who you are."),
            Self::LongText => write!(f, "A note has at most {TEXT_CHARS_MAX} characters."),
            Self::LongAuthor => write!(f, "A name has at most {AUTHOR_CHARS_MAX} characters."),
            Self::Full => {
                write!(f, "The board is full with {NOTES_MAX} notes. Please take one down first.")
            }
            Self::Missing(id) => write!(f, "There is no note {id}."),
        }
    }
}

/// The notes. All workers share one board, so they stand behind a lock, which nobody holds longer
/// than it takes to copy or change them.
#[derive(Debug, Default)]
pub(crate) struct Board {
    notes: Mutex<Notes>,
}

#[derive(Debug, Default)]
struct Notes {
    /// In the order in which they were added, and so by id.
    list: Vec<Note>,
    last_id: u64,
}

impl Board {
    /// All notes, the newest first.
    pub(crate) fn newest_first(&self) -> Vec<Note> {
        self.lock().list.iter().rev().cloned().collect()
    }

    /// # Errors
    /// When there is no such note.
    pub(crate) fn find(&self, id: u64) -> Result<Note, Refusal> {
        self.lock().note(id).cloned()
    }

    /// # Errors
    /// When the board is full.
    pub(crate) fn add(&self, content: Content) -> Result<Note, Refusal> {
        let mut notes = self.lock();
        if notes.list.len() >= NOTES_MAX {
            return Err(Refusal::Full);
        }
        notes.last_id += 1;
        let created = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        let note = Note { id: notes.last_id, content, created };
        notes.list.push(note.clone());
        Ok(note)
    }

    /// # Errors
    /// When there is no such note.
    pub(crate) fn change(&self, id: u64, content: Content) -> Result<Note, Refusal> {
        let mut notes = self.lock();
        let note = notes.note(id)?;
        note.content = content;
        Ok(note.clone())
    }

    /// # Errors
    /// When there is no such note.
    pub(crate) fn remove(&self, id: u64) -> Result<(), Refusal> {
        let mut notes = self.lock();
        let len = notes.list.len();
        notes.list.retain(|note| note.id != id);
        if notes.list.len() == len { Err(Refusal::Missing(id)) } else { Ok(()) }
    }

    fn lock(&self) -> MutexGuard<'_, Notes> {
        // Every change is whole before something could panic.
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notes {
    fn note(&mut self, id: u64) -> Result<&mut Note, Refusal> {
        self.list.iter_mut().find(|note| note.id == id).ok_or(Refusal::Missing(id))
    }
}
