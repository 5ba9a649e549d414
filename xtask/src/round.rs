//! One round of steps: a heading for each, a stop at the first failure, one line of counts at the end.

use std::time::Instant;

use crate::repository::Repository;
use crate::steps::{Outcome, Step, Tally};

/// Runs `steps` in order until one fails, and says whether none did.
pub(crate) fn run(repository: &Repository, steps: &[Step]) -> bool {
    let mut tally = Tally::default();
    let mut notes = Vec::new();
    let mut held = true;
    for (index, step) in steps.iter().enumerate() {
        println!("\n== {}: {}", step.name, step.about);
        let began = Instant::now();
        let outcome = (step.run)(repository)
            .unwrap_or_else(|error| Outcome::Failed(Tally::default(), format!("{error:#}")));
        let took = began.elapsed().as_secs_f32();
        tally = tally.plus(counted(&outcome));
        match outcome {
            Outcome::Passed(_) => println!("-- {} passed in {took:.1} s", step.name),
            Outcome::Skipped(why) => {
                println!("-- {} skipped: {why}", step.name);
                notes.push(format!("skipped: {}: {why}", step.name));
            }
            Outcome::Failed(_, why) => {
                notes.push(format!("FAILED: {}: {why}", step.name));
                let rest: Vec<&str> = steps[index + 1..].iter().map(|step| step.name).collect();
                if !rest.is_empty() {
                    notes.push(format!("not run: {}", rest.join(", ")));
                }
                held = false;
                break;
            }
        }
    }
    println!();
    for note in notes {
        println!("{note}");
    }
    println!("{} passed, {} failed", tally.passed, tally.failed);
    held
}

/// What `outcome` adds to the last line. A failed step counts as one failure when no test of it was counted, so that
/// the last line never reads like success.
fn counted(outcome: &Outcome) -> Tally {
    match outcome {
        Outcome::Passed(tally) => *tally,
        Outcome::Skipped(_) => Tally::default(),
        Outcome::Failed(tally, _) => Tally { failed: tally.failed.max(1), ..*tally },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_counts_even_without_tests() {
        let none = Tally::default();
        assert_eq!(counted(&Outcome::Failed(none, "lint".into())), Tally { passed: 0, failed: 1 });
        let some = Tally { passed: 7, failed: 2 };
        assert_eq!(counted(&Outcome::Failed(some, "tests".into())), some);
        assert_eq!(counted(&Outcome::Passed(some)), some);
        assert_eq!(counted(&Outcome::Skipped("not installed".into())), none);
    }

    #[test]
    fn a_round_stops_at_the_first_failure() {
        let passes = Step { name: "a", about: "", run: |_| Ok(Outcome::Passed(Tally::default())) };
        let fails = Step { name: "b", about: "", run: |_| anyhow::bail!("no") };
        let never = Step { name: "c", about: "", run: |_| unreachable!("a step ran after a failed one") };
        let repository = Repository::made_of(&[]);
        assert!(run(&repository, &[passes]));
        assert!(!run(&repository, &[passes, fails, never]));
    }
}
