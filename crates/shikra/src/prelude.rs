//! What a file of handlers needs: `use shikra::prelude::*;`.

#[cfg(feature = "json")]
pub use crate::Json;
pub use crate::{
    App, Bytes, Error, Form, Html, IntoResponse, Method, Next, OrStatus, Path, Query, Reason,
    Request, Response, Result, State, StatusCode, bail, before, blocking, late, redirect,
    redirect_with, sleep, stream, with,
};
