//! The show of the demo, as data: what is asked, who says what, and what each cue changes. Pure.
//!
//! “Simmer Down” is a quiz about cooking that runs too late at night. The host asks and tells, the producer cuts to the
//! question, counts votes and reads out what the audience writes. Both go by cues: a wait and one change, which is one
//! commit. Where the quiz is stands in the document `interactions/quiz` and nowhere else: a host that was killed asks
//! onair which question was open, and goes on with it.

use serde::Deserialize;
use serde_json::{Value, json};

/// What it is called.
pub(super) const TITLE: &str = "Simmer Down";
/// Who hosts.
pub(super) const HOST: &str = "Rosie";
/// Who produces.
pub(super) const PRODUCER: &str = "Sal";
/// The scenes there are, with what is in the picture.
pub(super) const SCENES: [(&str, &str); 3] = [
    ("kitchen", "the kitchen, in flattering light"),
    ("closeup", "the pan, from closer than anybody asked for"),
    ("pantry", "the pantry, where the prizes are, both of them"),
];
/// The layers there are, with what they show.
pub(super) const LAYERS: [(&str, &str); 4] = [
    ("logo", "Simmer Down"),
    ("question", ""),
    ("confetti", "chopped parsley"),
    ("smoke-alarm", "it is only the toast"),
];

/// A question of the quiz.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    pub(super) ask: &'static str,
    pub(super) options: [&'static str; 3],
    pub(super) right: usize,
    /// What the host says about the answer.
    pub(super) punch: &'static str,
    /// Who of the audience writes what.
    pub(super) chat: [(&'static str, &'static str); 3],
    /// What the producer says over the intercom, if anything.
    pub(super) intercom: Option<&'static str>,
}

/// What is asked, over and over.
pub(super) const QUESTIONS: [Question; 8] = [
    Question {
        ask: "Your oil is on fire. What goes on the pan?",
        options: ["water", "a lid", "the internet"],
        right: 1,
        punch: "A lid. If you said water, please move away from the kitchen, and the house.",
        chat: [
            ("souschef_42", "asking for a friend, how fast do you need to know"),
            ("gran_from_leeds", "a damp tea towel did for us in 1961"),
            ("burnt.toast", "LID. I know this one. I know it very well"),
        ],
        intercom: Some("Closer on the pan. Closer. That is the lens cap, but I like it."),
    },
    Question {
        ask: "Spaghetti al dente is “to the …” what?",
        options: ["tooth", "dentist", "death"],
        right: 0,
        punch: "To the tooth. To the dentist is what happens at eleven minutes less.",
        chat: [
            ("olive_oyl", "my mother in law cooks it to the death"),
            ("souschef_42", "throw it at the wall, if it sticks, clean the wall"),
            ("gran_from_leeds", "is this the one with the snooker"),
        ],
        intercom: None,
    },
    Question {
        ask: "How many mother sauces did Escoffier count?",
        options: ["four", "five", "just the one, and ketchup"],
        right: 1,
        punch: "Five, and every one of them calls to ask whether you are eating properly.",
        chat: [
            ("brown_butter", "béchamel, velouté, espagnole, hollandaise, and mine"),
            ("burnt.toast", "ketchup is a lifestyle"),
            ("souschef_42", "five!! final answer! please like me"),
        ],
        intercom: Some("The smoke alarm is not in the rundown. Can somebody ask it to wait."),
    },
    Question {
        ask: "Which of these is, botanically, a berry?",
        options: ["strawberry", "raspberry", "banana"],
        right: 2,
        punch: "The banana. Botanists get few invitations, and this is why.",
        chat: [
            ("gran_from_leeds", "in my day a banana was a banana"),
            ("olive_oyl", "I have trusted strawberries for forty years"),
            ("brown_butter", "turning this off. (did not turn this off)"),
        ],
        intercom: None,
    },
    Question {
        ask: "Which of these never goes off?",
        options: ["honey", "mayonnaise", "the neighbour’s drill"],
        right: 0,
        punch: "Honey. They found some in a pyramid, still good, with a note saying “Do not touch, Ramses”.",
        chat: [
            ("burnt.toast", "my mayonnaise has opinions now"),
            ("souschef_42", "honey! like what nobody calls me"),
            ("olive_oyl", "the drill. it is drilling as I write this"),
        ],
        intercom: Some("We are four minutes over. Nobody upstairs is awake. Carry on."),
    },
    Question {
        ask: "Where is a chilli hottest?",
        options: ["the seeds", "the white ribs", "in the eye, afterwards"],
        right: 1,
        punch: "The ribs. We also accepted “in the eye”, on compassionate grounds.",
        chat: [
            ("brown_butter", "in the eye. no further questions"),
            ("gran_from_leeds", "milk, dear. not water. milk"),
            ("burnt.toast", "everything is hottest when I cook it"),
        ],
        intercom: None,
    },
    Question {
        ask: "A baker’s dozen is how many?",
        options: ["twelve", "thirteen", "who is counting, they are warm"],
        right: 1,
        punch: "Thirteen. It is the only sum that gets better when you get it wrong.",
        chat: [
            ("souschef_42", "thirteen, minus the one I ate while voting"),
            ("olive_oyl", "option three understands me"),
            ("gran_from_leeds", "has anybody checked on that toast"),
        ],
        intercom: Some("Prize pantry, stand by. Take the cat out of the prize pantry."),
    },
    Question {
        ask: "What keeps guacamole green?",
        options: ["the stone", "lime and no air", "peer pressure"],
        right: 1,
        punch: "Lime and no air. The stone does nothing, but it looks so sure of itself.",
        chat: [
            ("burnt.toast", "eat it faster, problem solved"),
            ("brown_butter", "the stone has better PR than I do"),
            ("souschef_42", "I have said “lime” at the screen, does that count"),
        ],
        intercom: None,
    },
];

/// The question of a round; rounds count from 1 and go on without end.
pub(super) fn question(round: u64) -> &'static Question {
    let at = usize::try_from(round.saturating_sub(1)).unwrap_or_default();
    &QUESTIONS[at % QUESTIONS.len()]
}

/// What one cue changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cue {
    /// Somebody says something in the chat.
    Say(&'static str, String),
    /// Another scene is on.
    Cut(&'static str),
    /// A layer appears, with a text where it has one.
    Show(&'static str, Option<String>),
    /// A layer disappears.
    Hide(&'static str),
    /// The question of a round is open, and the host reads it out.
    Ask(u64),
    /// It is closed, and the answer told.
    Tell(u64),
    /// So many votes were counted.
    Count([u64; 3]),
    /// So many are watching.
    Watching(u64),
}

/// A wait in milliseconds, and what happens then.
pub(super) type Beat = (u64, Cue);

/// Where the quiz is: the document `interactions/quiz`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Quiz {
    pub(super) round: u64,
    pub(super) open: bool,
    pub(super) votes: [u64; 3],
}

/// What the host does first, having asked onair where the quiz is. `again`: this process has been on before.
pub(super) fn entrance(quiz: &Quiz, again: bool) -> Vec<Beat> {
    let say = |wait, text: &str| (wait, Cue::Say(HOST, text.to_owned()));
    match (quiz.round, quiz.open, again) {
        (0, ..) => vec![
            (900, Cue::Cut("kitchen")),
            say(400, "Good evening, insomniacs, this is Simmer Down! Pans on. Dignity off."),
            (700, Cue::Show("logo", None)),
            say(1_300, "The prizes are in the pantry. There are two. One of them is the pantry."),
        ],
        (_, true, false) => vec![
            (900, Cue::Cut("kitchen")),
            say(500, "I’m back! One moment I was talking, the next I was a line in a process table."),
            say(
                1_600,
                &format!("I remember nothing. onair says question {} is still open. Carry on!", quiz.round),
            ),
        ],
        (_, false, false) => {
            vec![say(500, &format!("A fresh me! onair says {} questions are behind us. Next!", quiz.round))]
        }
        (_, _, true) => vec![say(500, "And we are back on air. Whoever pressed that button: bold.")],
    }
}

/// What the host does for one question. `open`: it was asked already, by somebody who is no more.
pub(super) fn hosting(round: u64, open: bool) -> Vec<Beat> {
    let question = question(round);
    let scene = if round.is_multiple_of(3) { "pantry" } else { "closeup" };
    let asking = [(900, Cue::Cut(scene)), (500, Cue::Ask(round))];
    let telling = [
        (if open { 1_800 } else { 6_300 }, Cue::Tell(round)),
        (600, Cue::Say(HOST, question.punch.to_owned())),
        (1_500, Cue::Cut("kitchen")),
        (1_200, Cue::Watching(1_204 + round * 37 % 211)),
    ];
    asking.into_iter().filter(|_| !open).chain(telling).collect()
}

/// What the producer does when a question opens.
pub(super) fn counting(round: u64) -> Vec<Beat> {
    let question = question(round);
    let [first, second, third] = question.chat.map(|(who, text)| Cue::Say(who, text.to_owned()));
    let mut beats = vec![
        (400, Cue::Show("question", Some(question.ask.to_owned()))),
        (900, first),
        (600, Cue::Count(votes(round, 1))),
        (800, second),
        (700, Cue::Count(votes(round, 2))),
        (700, third),
        (700, Cue::Count(votes(round, 3))),
    ];
    if let Some(said) = question.intercom {
        beats.insert(3, (500, Cue::Say(PRODUCER, said.to_owned())));
    }
    beats
}

/// What the producer does when a question closes.
pub(super) fn applause(round: u64) -> Vec<Beat> {
    let burnt = round.is_multiple_of(3);
    let layer = if burnt { "smoke-alarm" } else { "confetti" };
    vec![(300, Cue::Hide("question")), (500, Cue::Show(layer, None)), (1_900, Cue::Hide(layer))]
}

/// What the producer does when the host is gone.
pub(super) fn alone() -> Vec<Beat> {
    let say = |wait, text: &str| (wait, Cue::Say(PRODUCER, text.to_owned()));
    vec![
        say(500, "Hello? We have lost Rosie. In the middle of a sentence. It was going well, too."),
        (400, Cue::Hide("question")),
        say(700, "Keep stirring, everybody. Do not look at the kitchen."),
    ]
}

/// Votes after `count` counts: the right answer leads in the end, by less than one would wish.
fn votes(round: u64, count: u64) -> [u64; 3] {
    let right = question(round).right;
    let of = |option: usize| {
        let seed = round * 31 + option as u64 * 17 + 7;
        let share = if option == right { 58 } else { 13 + seed % 29 };
        share * count * (count + 1) / 4 + seed % 5
    };
    [of(0), of(1), of(2)]
}

/// What a cue changes: mutations that are one commit, all or nothing. `name` is the cue's own, which no other has.
pub(super) fn mutations(cue: &Cue, name: &str) -> Vec<Value> {
    let patch = |collection: &str, id: &str, patch: Value| json!({ "op": "patch", "collection": collection, "document": id, "patch": patch });
    let put = |collection: &str, id: &str, value: Value| json!({ "op": "put", "collection": collection, "document": id, "value": value });
    let said = |author: &str, text: &str| put("chat", name, json!({ "author": author, "text": text }));
    match cue {
        Cue::Say(author, text) => vec![said(author, text)],
        Cue::Cut(to) => {
            SCENES.iter().map(|(id, _)| patch("scenes", id, json!({ "onAir": id == to }))).collect()
        }
        Cue::Show(layer, None) => vec![patch("layers", layer, json!({ "visible": true }))],
        Cue::Show(layer, Some(text)) => {
            vec![patch("layers", layer, json!({ "visible": true, "text": text }))]
        }
        Cue::Hide(layer) => vec![patch("layers", layer, json!({ "visible": false }))],
        Cue::Ask(round) => {
            let Question { ask, options, .. } = question(*round);
            let quiz = json!({ "round": round, "open": true, "question": ask, "options": options,
                "votes": [0, 0, 0], "answer": null });
            vec![
                put("interactions", "quiz", quiz),
                put("feed", &format!("question-{round}"), json!({ "title": ask, "status": "open" })),
                said(HOST, &format!("Question {round}! {ask}")),
            ]
        }
        Cue::Tell(round) => {
            let Question { ask, options, right, .. } = question(*round);
            vec![
                patch("interactions", "quiz", json!({ "open": false, "answer": options[*right] })),
                put("feed", &format!("question-{round}"), json!({ "title": ask, "status": "answered" })),
            ]
        }
        Cue::Count(votes) => vec![patch("interactions", "quiz", json!({ "votes": votes }))],
        Cue::Watching(people) => vec![patch("interactions", "audience", json!({ "watching": people }))],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every cue of a round, whoever has it.
    fn round(round: u64) -> Vec<Beat> {
        [hosting(round, false), counting(round), applause(round)].concat()
    }

    #[test]
    fn questions_go_on_without_end_and_have_an_answer() {
        assert_eq!(question(1).ask, QUESTIONS[0].ask);
        assert_eq!(question(9).ask, QUESTIONS[0].ask);
        assert!(QUESTIONS.iter().all(|question| question.right < question.options.len()));
    }

    #[test]
    fn the_right_answer_leads_in_the_end() {
        for round in 1..=16 {
            let votes = votes(round, 3);
            let most = votes.iter().max().copied();
            assert_eq!(votes.get(question(round).right).copied(), most, "round {round}: {votes:?}");
        }
    }

    #[test]
    fn scenes_and_layers_of_cues_exist() {
        for (_, cue) in (1..=9).flat_map(round).chain(alone()) {
            match cue {
                Cue::Cut(scene) => assert!(SCENES.iter().any(|(id, _)| *id == scene), "{scene}"),
                Cue::Show(layer, _) | Cue::Hide(layer) => {
                    assert!(LAYERS.iter().any(|(id, _)| *id == layer), "{layer}");
                }
                _ => {}
            }
        }
    }

    #[test]
    fn a_layer_that_appears_disappears_before_the_next_question() {
        for number in 1..=9 {
            let shown =
                round(number).into_iter().filter(|(_, cue)| std::matches!(cue, Cue::Show(..))).count();
            let hidden =
                round(number).into_iter().filter(|(_, cue)| std::matches!(cue, Cue::Hide(_))).count();
            assert_eq!(shown, hidden, "round {number}");
        }
        let length = |beats: Vec<Beat>| beats.iter().map(|(wait, _)| wait).sum::<u64>();
        assert!((1..=9).all(|number| length(counting(number)) < 6_300), "votes end before the answer");
    }

    #[test]
    fn exactly_one_scene_is_on_air_behind_a_cut() {
        let on = mutations(&Cue::Cut("pantry"), "a");
        let on: Vec<_> = on.iter().filter(|it| it["patch"]["onAir"] == true).collect();
        assert_eq!(on.iter().map(|it| it["document"].as_str()).collect::<Vec<_>>(), [Some("pantry")]);
    }

    #[test]
    fn a_host_who_knows_nothing_goes_on_where_the_quiz_is() {
        let quiz = |round, open| Quiz { round, open, votes: [0; 3] };
        let table = [
            (quiz(0, false), false, "Good evening"),
            (quiz(4, true), false, "I’m back!"),
            (quiz(4, false), false, "A fresh me!"),
            (quiz(4, true), true, "And we are back"),
        ];
        for (quiz, again, first) in table {
            let beats = entrance(&quiz, again);
            let said = beats.iter().find_map(|(_, cue)| match cue {
                Cue::Say(_, text) => Some(text.as_str()),
                _ => None,
            });
            assert!(said.is_some_and(|said| said.starts_with(first)), "{quiz:?} {again}: {said:?}");
        }
        assert_eq!(hosting(4, true).first().map(|(_, cue)| cue.clone()), Some(Cue::Tell(4)));
    }
}
