//! What host and producer do while they are on. Each goes on without end; whoever drops it has stopped it.

use std::{collections::VecDeque, time::Duration};

use onair_wire::sync::StreamFigures;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::{
    super::{
        script::{self, Beat, Cue, Quiz},
        world::{Follow, News, World},
    },
    hand::Hand,
};

/// How often the producer says how the stream is.
const FIGURES: Duration = Duration::from_millis(500);
/// How many frames a second the producer wants.
const FPS: f64 = 60.0;

/// The host asks and tells, from where the quiz is. `again`: this process has been on before.
pub(super) async fn host(hand: &Hand, again: bool) {
    let quiz = hand.quiz().await;
    hand.play(&script::entrance(&quiz, again)).await;
    let mut open = quiz.open;
    let mut round = if open { quiz.round } else { quiz.round + 1 };
    loop {
        hand.play(&script::hosting(round, open)).await;
        (round, open) = (round + 1, false);
    }
}

/// The producer follows the show like anybody else, and acts on what it hears.
pub(super) async fn producer(hand: &Hand) -> anyhow::Result<()> {
    let mut follow = Follow::begin(&hand.context).await?;
    let mut world = World::default();
    let mut desk = Desk::default();
    let mut figures = interval(FIGURES);
    figures.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            news = follow.next(&hand.context) => match news? {
                Some(News::Snapshot(snapshot)) => world = snapshot,
                Some(News::Commit(commit)) => {
                    let before = Picture::of(&world);
                    world.take(&commit)?;
                    desk.plan(reaction(&before, &Picture::of(&world)), hand);
                }
                Some(News::Figures(_)) => {}
                None => anyhow::bail!("the stream has ended"),
            },
            cue = desk.due() => hand.play(&[(0, cue)]).await,
            _ = figures.tick() => hand.signal(&desk.figures()).await,
        }
    }
}

/// What the producer has an eye on.
struct Picture {
    quiz: Quiz,
    host_is_well: bool,
}

impl Picture {
    fn of(world: &World) -> Self {
        Self { quiz: world.quiz(), host_is_well: world.service("host").healthy }
    }
}

/// What the producer does about it; nothing: goes on as before.
fn reaction(before: &Picture, now: &Picture) -> Option<Vec<Beat>> {
    let Quiz { round, open, .. } = now.quiz;
    if before.host_is_well && !now.host_is_well {
        return Some(script::alone());
    }
    match (before.quiz.open, open) {
        (false, true) => Some(script::counting(round)),
        (true, false) => Some(script::applause(round)),
        _ => None,
    }
}

/// What lies before the producer.
#[derive(Default)]
struct Desk {
    /// What comes next, and when.
    cues: VecDeque<(Instant, Cue)>,
    /// Frames so far.
    frames: u64,
    dropped: u64,
    said: u64,
}

impl Desk {
    /// Puts away what lay there, and has this instead.
    fn plan(&mut self, beats: Option<Vec<Beat>>, hand: &Hand) {
        let Some(beats) = beats else { return };
        let mut at = Instant::now();
        let timed = beats.into_iter().map(|(wait, cue)| {
            at += hand.length(wait);
            (at, cue)
        });
        self.cues = timed.collect();
    }

    /// The next cue, when its time has come.
    ///
    /// # Cancellation
    /// It stays where it is.
    async fn due(&mut self) -> Cue {
        match self.cues.front() {
            Some((at, _)) => sleep_until(*at).await,
            None => std::future::pending().await,
        }
        self.cues.pop_front().expect("there is one, nobody else takes it").1
    }

    /// Figures that look like those of a stream; nothing is rendered here.
    fn figures(&mut self) -> StreamFigures {
        self.said += 1;
        let wobble = f64::from(u8::try_from(self.said * 37 % 23).expect("below 23")) / 10.0;
        let hiccup = self.said.is_multiple_of(29);
        self.frames += if hiccup { 27 } else { 30 };
        self.dropped += if hiccup { 3 } else { 0 };
        StreamFigures {
            fps: Some(if hiccup { FPS - 5.8 } else { FPS - wobble / 5.0 }),
            target_fps: Some(FPS),
            frame_count: Some(self.frames),
            dropped_frames: Some(self.dropped),
            average_render_time: Some(4.1 + wobble),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(round: u64, open: bool, host_is_well: bool) -> Picture {
        Picture { quiz: Quiz { round, open, votes: [0; 3] }, host_is_well }
    }

    #[test]
    fn the_producer_acts_on_what_changes() {
        let table = [
            (picture(0, false, true), picture(1, true, true), Some(script::counting(1))),
            (picture(1, true, true), picture(1, true, true), None),
            (picture(1, true, true), picture(1, false, true), Some(script::applause(1))),
            (picture(2, true, true), picture(2, true, false), Some(script::alone())),
            (picture(2, true, false), picture(2, true, true), None),
        ];
        for (before, now, expected) in table {
            assert_eq!(reaction(&before, &now), expected);
        }
    }
}
