//! An event stream as a client reads it: the same events however the bytes are cut, each a message or none.

use onair_client::{events::Events, session::ServerMessage};
use onair_wire::ProductionId;

pub(crate) fn check(bytes: &[u8]) {
    let Some((cut, stream)) = bytes.split_first() else { return };
    let production = ProductionId::new("main").expect("an id");
    let whole = Events::default().push(stream).expect("less than is too large");
    for size in [1, usize::from(*cut).max(1)] {
        let mut reader = Events::default();
        let pieces = stream.chunks(size).map(|piece| reader.push(piece).expect("less than is too large"));
        assert_eq!(pieces.flatten().collect::<Vec<_>>(), whole, "by {size}");
    }
    for event in &whole {
        assert!(!event.name.is_empty(), "an event has a name");
        let _ = ServerMessage::of_event(&production, event);
    }
}
