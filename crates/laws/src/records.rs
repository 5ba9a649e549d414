//! Bodies of the log's records, one in a line: commits and images that a disk gave back. Applied, or named as broken.

use onair_core::{Image, Production};
use onair_wire::{Cache, Commit, Epoch, ProductionId};

pub(crate) fn check(bytes: &[u8]) {
    let id = ProductionId::new("main").expect("an id");
    let mut state = Production::begin(id, Epoch::new("laws").expect("an epoch"));
    let mut cache = Cache::default();
    for line in bytes.split(|byte| *byte == b'\n') {
        if let Ok(commit) = Commit::decode(line) {
            let encoded = commit.encode();
            assert_eq!(Commit::decode(&encoded).expect("it can be read back").encode(), encoded);
            let before = state.digest(|_| true);
            if state.apply(&commit).is_ok() {
                cache.apply(&commit).expect("as dense as the state");
                assert_eq!(state.digest(|_| true), cache.digest(), "server and client");
            } else {
                assert_eq!(state.digest(|_| true), before, "a commit that is refused changes nothing");
            }
        }
        if let Ok(image) = Image::decode(line)
            && let Ok(revived) = Production::revive(image)
        {
            let written = revived.image().encode();
            let again = Image::decode(&written).expect("it can be read back");
            let again = Production::revive(again).expect("and revived");
            assert_eq!(again.digest(|_| true), revived.digest(|_| true));
            assert_eq!(again.image().encode(), written, "an image of an image");
            cache = Cache::from_snapshot(revived.revision(), revived.cache_documents(|_| true));
            assert_eq!(cache.digest(), revived.digest(|_| true), "a snapshot");
            state = revived;
        }
    }
}
