//! HTTP/1.1 messages (RFC 9112): heads and bodies, both ways.
//!
//! A server reads with [`HeadDecoder`] and [`BodyDecoder`] and writes with [`encode_reply_head`] and the chunk functions.
//! [`Reply`] is the other direction, for clients in tests.
//! Which of these runs when is the engine's business.

mod body;
mod encode;
mod error;
mod framing;
mod head;
mod head_decoder;
mod limits;
mod reply;
pub mod state;
mod target;
mod trailer;

pub use body::{BodyDecoder, BodyError, BodyFraming, BodyLimits, BodyStep};
pub use encode::{
    ConnectionOption, ReplyFraming, ReplyHead, ReplyPlan, ReplyStart, Trailers,
    encode_chunk_prefix, encode_chunk_suffix, encode_continue, encode_last_chunk,
    encode_reply_head, reply_framing,
};
pub use error::HeadError;
pub use head::RequestHead;
pub use head_decoder::{HeadDecoder, HeadStatus, peek_method};
pub use limits::HeadLimits;
pub use reply::Reply;
pub use target::TargetForm;
