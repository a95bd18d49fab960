//! The framework through its public interface.

mod clients;
mod server;
mod timeouts;
