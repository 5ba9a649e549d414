//! All chance of a run, from its seed.

use std::cell::Cell;

use onair_client::Chance;

/// Dice. Those that are forked roll on by themselves: what one part draws changes nothing for another.
#[derive(Clone, Debug)]
pub(crate) struct Dice(Chance);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Chance::new(seed))
    }

    pub(crate) fn fork(&mut self) -> Self {
        Self::new(self.0.draw())
    }

    pub(crate) fn draw(&mut self) -> u64 {
        self.0.draw()
    }

    /// 0 to `end - 1`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0.draw() % end.max(1)
    }

    /// A place in a list of this length.
    pub(crate) fn place(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).expect("below a length")
    }

    /// Both ends included.
    pub(crate) fn between(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last.saturating_sub(first) + 1)
    }

    pub(crate) fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    pub(crate) fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.place(list.len())]
    }
}

thread_local! {
    /// The server's own chance, which it asks for by a plain function.
    static OF_SERVER: Cell<u64> = const { Cell::new(0) };
}

/// Begins the server's chance of a run that is played by this thread.
pub(crate) fn seed_server(seed: u64) {
    OF_SERVER.set(seed);
}

/// What the server draws: for epochs, sessions, tickets.
pub(crate) fn of_server() -> u64 {
    let mut chance = Chance::new(OF_SERVER.get());
    let drawn = chance.draw();
    OF_SERVER.set(drawn);
    drawn
}
