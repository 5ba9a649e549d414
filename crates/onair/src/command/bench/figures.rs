//! What a run comes to: latencies by share, what was checked, and how both are said.

use std::time::Duration;

use anyhow::bail;
use serde_json::{Value, json};

/// Latencies, counted in steps of less than 1 %: a run has millions of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Latencies {
    counts: Vec<u64>,
    total: u64,
    max_us: u64,
}

/// Below this, each microsecond is a step of its own; from there, so many steps double it.
const STEPS: u64 = 128;

fn step_of(us: u64) -> u64 {
    let doublings = u64::from((u64::BITS - us.leading_zeros()).saturating_sub(8));
    doublings * STEPS + (us >> doublings)
}

/// The largest latency of a step.
fn end_of(step: u64) -> u64 {
    let doublings = (step / STEPS).saturating_sub(1);
    ((step - doublings * STEPS + 1) << doublings) - 1
}

impl Latencies {
    pub(super) fn note(&mut self, us: u64) {
        let step = usize::try_from(step_of(us)).expect("there are some thousand steps");
        if self.counts.len() <= step {
            self.counts.resize(step + 1, 0);
        }
        self.counts[step] += 1;
        self.total += 1;
        self.max_us = self.max_us.max(us);
    }

    pub(super) fn add(&mut self, other: &Self) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        self.counts.iter_mut().zip(&other.counts).for_each(|(count, more)| *count += more);
        self.total += other.total;
        self.max_us = self.max_us.max(other.max_us);
    }

    /// The latency that so many of a thousand do not exceed, in milliseconds.
    fn ms(&self, of_a_thousand: u64) -> f64 {
        let wanted = (self.total * of_a_thousand).div_ceil(1000).max(1);
        let mut counted = 0;
        for (step, count) in (0..).zip(&self.counts) {
            counted += count;
            if counted >= wanted {
                return end_of(step).min(self.max_us) as f64 / 1000.0;
            }
        }
        0.0
    }

    pub(super) fn value(&self) -> Value {
        let [p50, p99, p999] = [500, 990, 999].map(|share| self.ms(share));
        json!({ "p50": p50, "p99": p99, "p999": p999, "max": self.max_us as f64 / 1000.0 })
    }

    pub(super) fn line(&self) -> String {
        let [p50, p99, p999] = [500, 990, 999].map(|share| self.ms(share));
        let max = self.max_us as f64 / 1000.0;
        format!("p50 {p50:.2} ms, p99 {p99:.2} ms, p99.9 {p999:.2} ms, max {max:.2} ms")
    }
}

/// What was held against what was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Checked {
    /// How many there were to be found.
    pub(super) expected: u64,
    pub(super) lost: u64,
    pub(super) doubled: u64,
    pub(super) reordered: u64,
}

impl Checked {
    pub(super) fn add(&mut self, other: Self) {
        self.expected += other.expected;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.reordered += other.reordered;
    }

    pub(super) fn value(self) -> Value {
        let Self { expected, lost, doubled, reordered } = self;
        json!({ "expected": expected, "lost": lost, "doubled": doubled, "reordered": reordered })
    }

    pub(super) fn line(self) -> String {
        let Self { expected, lost, doubled, reordered } = self;
        format!("{} expected: {lost} lost, {doubled} doubled, {reordered} reordered", thousands(expected))
    }

    /// # Errors
    /// Something is not as it was promised.
    pub(super) fn judge(self, what: &str) -> anyhow::Result<()> {
        if (self.lost, self.doubled, self.reordered) != (0, 0, 0) {
            bail!("{what}: {}", self.line());
        }
        Ok(())
    }
}

/// So many in a second.
pub(super) fn rate(count: u64, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64().max(f64::MIN_POSITIVE)
}

/// To a tenth, which is more than a run can tell.
pub(super) fn tenth(figure: f64) -> f64 {
    (figure * 10.0).round() / 10.0
}

/// What is to the left of the point; nothing of what is below zero.
#[expect(clippy::cast_possible_truncation, reason = "that is what is wanted, and it saturates")]
pub(super) fn whole(figure: f64) -> u64 {
    figure as u64
}

/// A number with commas.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_follow_each_other_and_hold_what_is_in_them() {
        let mut last = 0;
        for us in (0..5_000).chain((0..40).map(|bit| 1 << bit)).chain([u64::MAX >> 1]) {
            let (step, end) = (step_of(us), end_of(step_of(us)));
            assert!(us <= end && end - us <= us / 100 + 1, "{us} is in the step up to {end}");
            if us < 5_000 {
                assert!(step == last || step == last + 1, "{us}: {last}, {step}");
                last = step;
            }
        }
    }

    #[test]
    fn shares_of_a_thousand() {
        let mut one = Latencies::default();
        let mut two = Latencies::default();
        (1..=500).for_each(|us| one.note(us * 2));
        (1..=500).for_each(|us| two.note(us * 2 - 1));
        one.add(&two);
        for (share, ms) in [(500, 0.5), (990, 0.99), (999, 0.999), (1000, 1.0)] {
            let found = one.ms(share);
            assert!((found - ms).abs() <= ms / 100.0, "{share}: {found}");
        }
        assert_eq!(one.value()["max"], 1.0);
        assert_eq!(Latencies::default().ms(500), 0.0);
    }

    #[test]
    fn a_run_that_lost_something_has_failed() {
        let good = Checked { expected: 3, ..Checked::default() };
        assert!(good.judge("commits").is_ok());
        for bad in
            [Checked { lost: 1, ..good }, Checked { doubled: 1, ..good }, Checked { reordered: 1, ..good }]
        {
            let said = bad.judge("commits").unwrap_err().to_string();
            assert!(said.starts_with("commits: 3 expected: "), "{said}");
        }
    }

    #[test]
    fn commas() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(thousands(number), text);
        }
    }
}
