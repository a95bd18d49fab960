//! What a request says of itself.
