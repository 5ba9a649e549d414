//! The client's queue as its file keeps it: what is read is written as what reads as the same, and whatever waits is
//! said in its order, not too much at once, and under its id only once.

use std::collections::BTreeSet;

use onair_client::{Pending, QUEUE_MAX, Queue};
use onair_wire::merge::Strategies;

pub(crate) fn check(bytes: &[u8]) {
    let mut queue = Queue::default();
    for line in bytes.split(|byte| *byte == b'\n').take(QUEUE_MAX) {
        let Ok(pending) = serde_json::from_slice::<Pending>(line) else { continue };
        let said = serde_json::to_vec(&pending).expect("it is JSON");
        assert_eq!(serde_json::from_slice::<Pending>(&said).expect("it reads"), pending);
        for edit in &pending.edits {
            let shown = edit.rebased(edit.was.as_ref(), &Strategies::default());
            assert_eq!(edit.rebased(edit.was.as_ref(), &Strategies::default()), shown, "the same again");
        }
        queue.add(pending);
    }
    let orders: Vec<u64> = queue.all().iter().map(|pending| pending.order).collect();
    assert!(orders.is_sorted(), "{orders:?}");
    let said = queue.next(None).says;
    let ids: BTreeSet<_> = said.iter().map(|(id, _)| id).collect();
    assert_eq!(ids.len(), said.len(), "said under one id twice");
    assert_eq!(queue.under_way(), said.len());
    queue.lost();
    let again = queue.next(None);
    assert_eq!((again.says, again.put), (said, Vec::new()), "said again word for word");
}
