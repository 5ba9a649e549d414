//! What a client hears, one message in each line, from a server that may lie: it never panics, and what it shows as
//! confirmed has the digest of what it was told.

use onair_client::{
    Backoff,
    session::{Effect, Input, Link, Options, ServerMessage, Session, Timer},
};
use onair_wire::{ProductionId, Timestamp};

/// Messages in a row, so that one input cannot take for ever.
const LINES_MAX: usize = 64;

pub(crate) fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let production = ProductionId::new("main").expect("an id");
    let options = Options { name: "law".into(), token: None, backoff: Backoff::default(), seed: 7 };
    let mut heard = Heard { session: Session::new(options), link: None, timers: Vec::new() };
    heard.tell(Input::Start, 0);
    let subscribe = Input::Subscribe { production: production.clone(), collections: None, queue: Vec::new() };
    heard.tell(subscribe, 0);
    for (at, line) in (1_i64..).zip(text.split('\n').take(LINES_MAX)) {
        let _ = ServerMessage::parse(line);
        match (line, heard.link) {
            // What no message is, is time that passes or a link that is cut.
            ("", _) => heard.fire(at * 100),
            ("!", Some(link)) => {
                heard.tell(Input::Closed { link, code: Some(1006), problem: None }, at * 100)
            }
            (_, Some(link)) => heard.tell(Input::Text(link, line.to_owned()), at * 100),
            (_, None) => heard.fire(at * 100),
        }
        let replica = heard.session.replica(&production).expect("it is followed");
        if let Some(confirmed) = replica.confirmed() {
            let told = onair_wire::Cache::from_snapshot(confirmed.revision, confirmed.documents.clone());
            assert_eq!(told.digest(), confirmed.digest(), "the digest is that of the documents");
        }
    }
}

struct Heard {
    session: Session,
    link: Option<Link>,
    timers: Vec<Timer>,
}

impl Heard {
    fn tell(&mut self, input: Input, now: i64) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            for effect in self.session.handle(input, Timestamp::from_millis(now)) {
                match effect {
                    Effect::Open(link) => {
                        self.link = Some(link);
                        inputs.push(Input::Opened(link));
                    }
                    Effect::Timer(timer, _) => self.timers.push(timer),
                    Effect::Cancel(timer) => self.timers.retain(|set| *set != timer),
                    _ => {}
                }
            }
        }
    }

    fn fire(&mut self, now: i64) {
        if let Some(timer) = self.timers.pop() {
            self.tell(Input::Timer(timer), now);
        }
    }
}
