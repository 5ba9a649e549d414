//! The network of a run: connections come about, carry bytes in pieces, stall, break, and vanish.

use std::collections::VecDeque;

use crate::{
    chance::Dice,
    fault::Fault,
    frame::{self, Decoder, Frame},
    line::{Line, LineId, Stamp},
    scene::{Do, Who},
    world::{Event, Role, World},
};

/// One connection, as the world knows it.
pub(crate) struct Wire {
    pub(crate) line: Line,
    who: Who,
    link: u64,
    decoder: Decoder,
    stamps: VecDeque<Stamp>,
    dice: Dice,
    /// A piece is on its way to the client.
    carrying: bool,
    /// Nothing passes before.
    pub(crate) stalled_until: u64,
    /// The client does not read before.
    pub(crate) deaf_until: u64,
    /// When the last piece to the server arrives.
    arrives: u64,
    /// The client knows that it is over, or was the one to end it.
    over: bool,
    /// The server's machine was switched off under it.
    orphan: bool,
}

impl World {
    pub(crate) fn connect(&mut self, who: Who, link: u64) {
        let now = self.now();
        let refused = self.server.is_none() || self.is_stopping();
        if refused || now < self.unreachable_until {
            if !refused {
                self.books.fired(Fault::Unreachable);
            }
            return self.tell_closed(who, link, None);
        }
        let id = self.next_line();
        let (low, high) = self.shape.room;
        let mut dice = Dice::new(self.dice.draw());
        let room = usize::try_from(dice.between(low, high)).expect("a size");
        let partial = self.busy && self.shape.partial;
        let line = Line::new(id, room, partial, dice.fork());
        let socket = line.server_side(&self.bell, &self.books);
        let protocol = self.protocol(who);
        if let Some(server) = &self.server {
            server.attend(protocol, socket);
        }
        self.note("open", who, &[]);
        let wire = Wire {
            line,
            who,
            link,
            decoder: Decoder::default(),
            stamps: VecDeque::new(),
            dice,
            carrying: false,
            stalled_until: 0,
            deaf_until: 0,
            arrives: now,
            over: false,
            orphan: false,
        };
        self.wires.insert(id, wire);
        let scene = self.scene();
        let wants = match self.role(who) {
            Role::User(place) => self.users[place].opened(link, &scene),
            Role::Agent(place) => self.agents[place].opened(link, &scene),
            Role::Caller(_) => Vec::new(),
        };
        self.carry_out(who, wants);
    }

    fn find(&self, who: Who, link: u64) -> Option<LineId> {
        let mut wires = self.wires.iter();
        wires.find(|(_, wire)| wire.who == who && wire.link == link && !wire.over).map(|(id, _)| *id)
    }

    pub(crate) fn send(&mut self, who: Who, link: u64, text: &str) {
        let Some(line) = self.find(who, link) else { return };
        self.note("said", who, text.as_bytes());
        let wire = self.wires.get_mut(&line).expect("it was found");
        let bytes = frame::text(text, wire.dice.draw());
        self.push(line, bytes);
    }

    /// Sends bytes on their way, in one piece or several.
    fn push(&mut self, line: LineId, mut bytes: Vec<u8>) {
        let (now, latency, splits) = (self.now(), self.shape.latency_ms, self.shape.splits && self.busy);
        let Some(wire) = self.wires.get_mut(&line) else { return };
        let mut pieces = Vec::new();
        let mut split = false;
        while splits && bytes.len() > 1 && wire.dice.percent(15) {
            let rest = bytes.split_off(1 + wire.dice.place(bytes.len() - 1));
            pieces.push(std::mem::replace(&mut bytes, rest));
            split = true;
        }
        pieces.push(bytes);
        let mut events = Vec::new();
        for bytes in pieces {
            let at = now.max(wire.stalled_until) + 1 + wire.dice.below(latency);
            wire.arrives = wire.arrives.max(at);
            events.push((wire.arrives, Event::Arrive { line, bytes }));
        }
        if split {
            self.books.fired(Fault::Split);
        }
        for (at, event) in events {
            self.at(at, line, event);
        }
    }

    pub(crate) fn close(&mut self, who: Who, link: u64) {
        let Some(line) = self.find(who, link) else { return };
        let wire = self.wires.get_mut(&line).expect("it was found");
        wire.over = true;
        let at = wire.arrives.max(wire.stalled_until) + 1;
        self.at(at.max(self.now() + 1), line, Event::Finish { line });
    }

    pub(crate) fn arrive(&mut self, line: LineId, bytes: &[u8]) {
        let Some(wire) = self.wires.get(&line) else { return };
        if wire.orphan {
            // A machine that was begun anew knows nothing of it, and says so.
            if self.server.is_some() {
                self.after(1, line, Event::Dropped { line });
            }
            return;
        }
        wire.line.arrive(bytes);
        let who = wire.who;
        self.note("to", who, bytes);
    }

    pub(crate) fn finish(&mut self, line: LineId) {
        if let Some(wire) = self.wires.get(&line) {
            wire.line.finish();
        }
    }

    /// The server wrote: it is carried on after a while, unless something is on its way already.
    pub(crate) fn begin_to_carry(&mut self, line: LineId) {
        let (now, latency) = (self.now(), self.shape.latency_ms);
        let Some(wire) = self.wires.get_mut(&line).filter(|wire| !wire.carrying && !wire.orphan) else {
            return;
        };
        wire.carrying = true;
        let free = now.max(wire.stalled_until).max(wire.deaf_until);
        let at = free + 1 + wire.dice.below(latency);
        self.at(at, line, Event::Carry { line });
    }

    pub(crate) fn carry(&mut self, line: LineId) {
        let (now, splits) = (self.now(), self.shape.splits);
        let Some(wire) = self.wires.get_mut(&line).filter(|wire| !wire.orphan) else { return };
        wire.carrying = false;
        if now < wire.stalled_until.max(wire.deaf_until) {
            return self.begin_to_carry(line);
        }
        let waiting = wire.line.waiting();
        let most = if splits && waiting > 1 && wire.dice.percent(20) {
            1 + wire.dice.place(waiting)
        } else {
            usize::MAX
        };
        let carried = wire.line.carry(most);
        let partials = wire.line.take_partials();
        let (who, over) = (wire.who, wire.over);
        if !over {
            wire.decoder.feed(&carried.bytes);
            wire.stamps.extend(carried.stamps);
        }
        (0..partials).for_each(|_| self.books.fired(Fault::PartialWrite));
        self.note("from", who, &carried.bytes);
        if !over {
            self.hear(line);
        }
        let Some(wire) = self.wires.get(&line) else { return };
        if carried.ended {
            if wire.over {
                self.wires.remove(&line);
            } else {
                self.dropped(line);
            }
        } else if wire.line.waiting() > 0 {
            self.begin_to_carry(line);
        }
    }

    /// Hands whole frames to the client.
    fn hear(&mut self, line: LineId) {
        while let Some(wire) = self.wires.get_mut(&line).filter(|wire| !wire.over) {
            let (who, link) = (wire.who, wire.link);
            let frame = match wire.decoder.next() {
                Ok(Some(frame)) => frame,
                Ok(None) => return,
                Err(what) => return self.books.wrong(format!("{who} heard {what}")),
            };
            let taken = wire.decoder.taken;
            while wire.stamps.front().is_some_and(|stamp| stamp.end < taken) {
                wire.stamps.pop_front();
            }
            let durable = wire.stamps.front().map_or(0, |stamp| stamp.durable);
            let scene = self.scene();
            let wants = match (frame, self.role(who)) {
                (Frame::Text(text), role) => {
                    let text = String::from_utf8_lossy(&text).into_owned();
                    self.note("heard", who, text.as_bytes());
                    match role {
                        Role::User(place) => self.users[place].heard(link, &text, durable, &scene),
                        Role::Agent(place) => self.agents[place].heard(link, &text, durable, &scene),
                        Role::Caller(_) => Vec::new(),
                    }
                }
                (Frame::Ping(payload), role) => {
                    let mask = [1, 2, 3, 4];
                    self.push(line, frame::encode(10, &payload, mask));
                    match role {
                        Role::User(place) => self.users[place].alive(link, &scene),
                        Role::Agent(place) => self.agents[place].alive(link, &scene),
                        Role::Caller(_) => Vec::new(),
                    }
                }
                (Frame::Pong, _) => Vec::new(),
                (Frame::Close(code), _) => {
                    self.push(line, frame::encode(8, &[], [0; 4]));
                    self.end(line);
                    self.tell_closed(who, link, code);
                    return;
                }
            };
            self.carry_out(who, wants);
        }
    }

    fn end(&mut self, line: LineId) {
        if let Some(wire) = self.wires.get_mut(&line) {
            wire.over = true;
            let at = wire.arrives + 1;
            self.at(at, line, Event::Finish { line });
        }
    }

    /// The client learns that it is gone.
    pub(crate) fn dropped(&mut self, line: LineId) {
        let Some(wire) = self.wires.remove(&line) else { return };
        wire.line.reset();
        if !wire.over {
            self.tell_closed(wire.who, wire.link, None);
        }
    }

    pub(crate) fn tell_closed(&mut self, who: Who, link: u64, code: Option<u16>) {
        self.note("closed", who, &code.unwrap_or(0).to_le_bytes());
        let scene = self.scene();
        let wants: Vec<Do> = match self.role(who) {
            Role::User(place) => self.users[place].closed(link, code, &scene),
            Role::Agent(place) => self.agents[place].closed(link, code, &scene),
            Role::Caller(_) => Vec::new(),
        };
        self.carry_out(who, wants);
    }

    /// Connections that are alive on both sides.
    pub(crate) fn living(&self) -> Vec<LineId> {
        let wires = self.wires.iter().filter(|(_, wire)| !wire.over && !wire.orphan);
        wires.map(|(id, _)| *id).collect()
    }

    /// The client vanishes: it knows, and the server is not told.
    pub(crate) fn vanish(&mut self, line: LineId) {
        let Some(wire) = self.wires.get_mut(&line) else { return };
        wire.over = true;
        // Nothing is read any more either: the server writes until there is no room.
        wire.carrying = true;
        let (who, link) = (wire.who, wire.link);
        self.tell_closed(who, link, None);
    }

    /// Those of a client that are alive.
    pub(crate) fn lines_of(&self, who: Who) -> Vec<LineId> {
        let living = self.wires.iter().filter(|(_, wire)| wire.who == who && !wire.over);
        living.map(|(id, _)| *id).collect()
    }

    /// The client is gone with its program; the server is told, or not.
    pub(crate) fn vanish_quietly(&mut self, line: LineId) {
        let told = self.dice.percent(50);
        let Some(wire) = self.wires.get_mut(&line) else { return };
        wire.over = true;
        if told {
            wire.line.reset();
            self.wires.remove(&line);
        } else {
            wire.carrying = true;
        }
    }

    /// The server's machine went off: its connections lead nowhere.
    pub(crate) fn orphan(&mut self, silent: bool) {
        let lines: Vec<LineId> = self.wires.keys().copied().collect();
        for line in lines {
            let wire = self.wires.get_mut(&line).expect("it is listed");
            if wire.over {
                self.wires.remove(&line);
                continue;
            }
            wire.orphan = true;
            let who = wire.who;
            if !silent {
                let ms = 1 + self.dice.below(self.shape.latency_ms);
                self.after(ms, who, Event::Dropped { line });
            }
        }
    }

    /// Whatever hangs comes to its end.
    pub(crate) fn mend_network(&mut self) {
        let lines: Vec<LineId> = self.wires.keys().copied().collect();
        for line in lines {
            let wire = self.wires.get_mut(&line).expect("it is listed");
            (wire.stalled_until, wire.deaf_until) = (0, 0);
            if wire.orphan {
                self.after(1, line, Event::Dropped { line });
            } else if wire.over && wire.carrying {
                wire.line.reset();
            } else {
                wire.carrying = false;
                self.begin_to_carry(line);
            }
        }
        self.unreachable_until = 0;
    }
}
