//! The front door: sockets accepted, counted, and given to the routes.

mod descriptors;
mod line;
mod listener;
mod socket;

pub use descriptors::DESCRIPTORS_RESERVED;
pub(crate) use descriptors::room;
pub(crate) use line::{HttpSide, Line};
pub use listener::{
    Admission, CONNECTIONS_MAX, Door, HEADER_BYTES_MAX, HEADER_TIMEOUT, Listener, Options, Peer,
};
pub use socket::Socket;
