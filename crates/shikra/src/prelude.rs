//! What a file of handlers needs: `use shikra::prelude::*;`.

#[cfg(feature = "json")]
pub use crate::Json;
pub use crate::{
    App, Error, Html, IntoResponse, Method, Next, OrStatus, Reason, Request, Response, Result,
    StatusCode, bail, before, blocking, late, redirect, redirect_with, sleep, stream,
};
