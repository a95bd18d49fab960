//! One room for each protocol: a codec, a stream and a service.

pub mod http1;
