//! What a run comes to: latencies by share, what was checked, and how both are said.

use std::time::Duration;

use anyhow::bail;
use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// The longest latency there is: the longest run. A histogram that is not told of it begins at two milliseconds, and
/// `saturating_record` takes what is longer for that.
const US_MAX: u64 = 3_600_000_000;

/// Latencies in microseconds, to three digits: a run has millions of them.
#[derive(Clone, Debug)]
pub(super) struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Self {
        Self(Histogram::new_with_max(US_MAX, 3).expect("three digits are among those there are"))
    }
}

impl Latencies {
    pub(super) fn note(&mut self, us: u64) {
        self.0.saturating_record(us);
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.0.add(&other.0).expect("both reach as far");
    }

    /// The latency that so many of a thousand do not exceed, in milliseconds.
    fn ms(&self, of_a_thousand: u32) -> f64 {
        self.0.value_at_quantile(f64::from(of_a_thousand) / 1000.0) as f64 / 1000.0
    }

    pub(super) fn value(&self) -> Value {
        let [p50, p99, p999] = [500, 990, 999].map(|share| self.ms(share));
        json!({ "p50": p50, "p99": p99, "p999": p999, "max": self.ms(1000) })
    }

    pub(super) fn line(&self) -> String {
        let [p50, p99, p999] = [500, 990, 999].map(|share| self.ms(share));
        let max = self.ms(1000);
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
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
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
