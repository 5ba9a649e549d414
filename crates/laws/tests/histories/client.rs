//! A client by the rules of its session, on a link that is cut now and then: it is answered as a server answers, by what
//! the handle says.

use std::{collections::BTreeSet, sync::Arc};

use onair_client::{
    Backoff,
    session::{Effect, Input, Link, Options, Session, Timer},
};
use onair_runtime::{
    Handle, Resume,
    hub::{Filter, Format},
};
use onair_wire::{
    Collection, Revision, Timestamp,
    sync::{ClientMessage, ServerMessage, Subscribe},
};
use serde_json::json;

use crate::{
    chance::Chance,
    stage::{ALL, main_production},
};

pub(crate) struct Client {
    session: Session,
    link: Option<Link>,
    timers: Vec<Timer>,
    filter: Filter,
    /// What it was told behind its subscription.
    told: Option<Revision>,
    now: i64,
}

impl Client {
    pub(crate) fn new(collections: Option<&[&str]>) -> Self {
        let options = Options { name: "histories".into(), token: None, backoff: Backoff::default(), seed: 7 };
        let collections: Option<Vec<Collection>> = collections
            .map(|names| names.iter().map(|name| Collection::new(*name).expect("a name")).collect());
        let filter = collections.clone().map(|names| Arc::new(names.into_iter().collect::<BTreeSet<_>>()));
        let mut client = Self {
            session: Session::new(options),
            link: None,
            timers: Vec::new(),
            filter,
            told: None,
            now: 0,
        };
        let subscribe = Input::Subscribe { production: main_production(), collections, queue: Vec::new() };
        client.session.handle(subscribe, Timestamp::EPOCH);
        client
    }

    /// What is new, in pieces of any size; or the link is cut, and what was under way with it.
    pub(crate) async fn hear(&mut self, handle: &Handle, chance: &mut Chance) {
        match chance.below(4) {
            0 => self.cut(handle).await,
            1 => {}
            _ => self.take(handle, chance.below(6)).await,
        }
    }

    /// Everything, over a link that stands.
    pub(crate) async fn catch_up(&mut self, handle: &Handle) {
        self.cut(handle).await;
        self.take(handle, u64::MAX).await;
    }

    pub(crate) fn agrees(&self, handle: &Handle) {
        let state = handle.state();
        let replica = self.session.replica(&main_production()).expect("followed");
        let confirmed = replica.confirmed().expect("there was a snapshot");
        assert_eq!(confirmed.revision, state.revision());
        let wanted = |name: &Collection| self.filter.as_ref().is_none_or(|set| set.contains(name));
        assert_eq!(confirmed.digest(), state.digest(wanted), "the session");
    }

    /// At most so many commits behind what it was told.
    async fn take(&mut self, handle: &Handle, most: u64) {
        let (Some(told), Some(link)) = (self.told, self.link) else { return self.cut(handle).await };
        let subscription = handle.subscribe(Format::Socket, &self.filter).expect("a lane");
        let Some((bytes, last)) = handle.catch_up(&subscription, told, ALL).await.expect("kept") else {
            return;
        };
        let texts = messages(&bytes);
        let taken = usize::try_from(most).map_or(texts.len(), |most| most.min(texts.len()));
        for text in &texts[..taken] {
            self.tell(Input::Text(link, text.clone()), handle).await;
        }
        self.told = Some(Revision(last.0 - (texts.len() - taken) as u64));
    }

    async fn cut(&mut self, handle: &Handle) {
        self.told = None;
        match self.link.take() {
            Some(link) => self.tell(Input::Closed { link, code: None, problem: None }, handle).await,
            None => self.tell(Input::Start, handle).await,
        }
        while self.link.is_none() {
            let again = self.timers.iter().position(|timer| *timer == Timer::Retry).expect("it tries again");
            let retry = self.timers.swap_remove(again);
            self.tell(Input::Timer(retry), handle).await;
        }
    }

    async fn tell(&mut self, input: Input, handle: &Handle) {
        let mut inputs = vec![input];
        while !inputs.is_empty() {
            self.now += 1;
            let input = inputs.remove(0);
            let heard = matches!(input, Input::Text(..));
            for effect in self.session.handle(input, Timestamp::from_millis(self.now)) {
                match effect {
                    Effect::Open(link) => {
                        self.link = Some(link);
                        inputs.push(Input::Opened(link));
                    }
                    Effect::Send(link, texts) => {
                        for text in texts {
                            let said =
                                ClientMessage::parse(text.as_bytes()).expect("a client says what is known");
                            let heard = self.answer(&said, handle).await;
                            inputs.extend(heard.into_iter().map(|text| Input::Text(link, text)));
                        }
                    }
                    Effect::Timer(timer, _) => self.timers.push(timer),
                    Effect::Cancel(timer) => self.timers.retain(|set| *set != timer),
                    Effect::Close(..) => assert!(!heard, "a server that tells the truth is left"),
                    _ => {}
                }
            }
        }
    }

    /// What the server says to it.
    async fn answer(&mut self, said: &ClientMessage, handle: &Handle) -> Vec<String> {
        match said {
            ClientMessage::Hello(_) => vec![
                json!({ "type": "welcome", "session": "s", "heartbeat": 20_000, "role": "operator", "server": "0" })
                    .to_string(),
            ],
            ClientMessage::Subscribe(subscribe) => self.subscribe(subscribe, handle).await,
            _ => Vec::new(),
        }
    }

    async fn subscribe(&mut self, subscribe: &Subscribe, handle: &Handle) -> Vec<String> {
        let subscription = handle.subscribe(Format::Socket, &self.filter).expect("a lane");
        let state = &subscription.state;
        self.told = Some(state.revision());
        let (production, epoch, revision) = (state.id(), state.epoch(), state.revision());
        let head = ServerMessage::Subscribed { production, epoch, revision }.encode();
        let mut heard = vec![String::from_utf8(head).expect("text")];
        match handle.resume(subscribe.after.as_ref(), state) {
            Resume::Snapshot => heard.extend(messages(&handle.snapshot(&subscription))),
            Resume::After(after) => {
                let lacking = handle.catch_up(&subscription, after, ALL).await.expect("kept");
                heard.extend(lacking.iter().flat_map(|(bytes, _)| messages(bytes)));
            }
        }
        heard
    }
}

/// The texts of frames as they are written to a socket.
pub(crate) fn messages(mut bytes: &[u8]) -> Vec<String> {
    let mut texts = Vec::new();
    while let [0x81, short, rest @ ..] = bytes {
        let (length, rest) = match short {
            126 => rest.split_at_checked(2).map(|(length, rest)| (number(length), rest)),
            127 => rest.split_at_checked(8).map(|(length, rest)| (number(length), rest)),
            short => Some((usize::from(*short), rest)),
        }
        .expect("a length");
        let (text, behind) = rest.split_at(length);
        texts.push(String::from_utf8(text.to_vec()).expect("text"));
        bytes = behind;
    }
    assert!(bytes.is_empty(), "a frame that is no text: {bytes:?}");
    texts
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
}
