//! The front door: sockets accepted, counted, and given to the routes.

mod listener;

pub use listener::{
    Admission, CONNECTIONS_MAX, Door, HEADER_BYTES_MAX, HEADER_TIMEOUT, Listener, Options, Peer,
};
