//! The registry, on simulated time.

use onair_runtime::adapter::{Class, Report};
use onair_wire::{
    TaskAction, Timestamp,
    agent::{Done, Failed, Status},
};
use serde_json::json;
use tokio::task::JoinSet;

use super::*;

/// When the simulated clock stands.
const START: Timestamp = Timestamp::EPOCH;
const DEADLINE: Millis = Millis(10_000);

struct Bench {
    agents: Agents,
    reports: mpsc::Receiver<Report>,
    calls: JoinSet<Result<Value, CallError>>,
}

impl Bench {
    fn new() -> Self {
        let (to, reports) = mpsc::channel(1);
        let agents = Agents::new(Clock::simulated(START), to, Millis(2_000), &Tasks::new());
        Self { agents, reports, calls: JoinSet::new() }
    }

    async fn try_agent(&self, session: &str, instance: Option<&str>) -> Result<Agent, Problem> {
        let instance = instance.map(|instance| Instance::new(instance).unwrap());
        let registration =
            Registration { production: main(), service: "host".into(), session: session.into(), instance };
        self.agents.register(registration).await.map(Agent)
    }

    async fn agent(&self, session: &str) -> Agent {
        self.try_agent(session, None).await.unwrap()
    }

    /// Begins a call, which runs as far as it comes before anything else does.
    async fn call(&mut self, key: &str) {
        self.calls.spawn(self.agents.call(call(key)));
        settled().await;
    }

    async fn answer(&mut self) -> Result<Value, CallError> {
        self.calls.join_next().await.expect("a call").expect("no panic")
    }

    /// The next report: the instance, or why there is none.
    async fn report(&mut self) -> Result<(String, bool), String> {
        let report = self.reports.recv().await.expect("the registry lives");
        assert_eq!((report.production.as_str(), &*report.service), ("main", "host"));
        match report.seen {
            Seen::Here { instance, healthy, .. } => Ok((instance.unwrap(), healthy)),
            Seen::Away { reason } => Err(reason),
        }
    }

    async fn no_report(&mut self) {
        settled().await;
        assert!(self.reports.try_recv().is_err(), "nothing is new");
    }
}

struct Agent(Arrival);

impl Agent {
    /// What it has been told and has not looked at.
    fn order(&mut self) -> Option<Order> {
        self.0.orders.try_recv().ok()
    }

    /// The task it was given, which is the next thing it was told.
    fn task(&mut self) -> Task {
        match self.order() {
            Some(Order::Task(task)) => task,
            other => panic!("no task but {other:?}"),
        }
    }

    fn done(&self, id: &str) -> Result<(), Code> {
        let done = Done { id: id.into(), result: Some(json!({ "by": self.0.seat.session() })) };
        self.0.seat.done(done).map_err(|problem| problem.code)
    }

    async fn status(&self, healthy: bool) {
        self.0.seat.status(Status { healthy, details: None }).await;
    }
}

fn main() -> ProductionId {
    ProductionId::new("main").unwrap()
}

fn call(key: &str) -> Call {
    Call {
        production: main(),
        service: "host".into(),
        adapter: json!({ "type": "agent" }).into(),
        action: TaskAction::Start,
        key: key.into(),
        attempt: 1,
        deadline: START.plus(DEADLINE),
        params: json!({ "camera": 1 }).into(),
    }
}

/// Lets everything run that can without time going on.
async fn settled() {
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
}

fn here(instance: &str) -> Result<(String, bool), String> {
    Ok((instance.into(), true))
}

#[test]
fn s2_an_agent_adapter_is_nothing_but_its_type() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let _inside = runtime.enter();
    let agents = Bench::new().agents;
    assert_eq!(agents.check(&json!({ "type": "agent" })), Ok(()));
    assert_eq!(agents.check(&json!({ "type": "agent", "url": "x" })).unwrap_err().pointer, "/url");
    assert!(!agents.polled());
}

#[tokio::test(start_paused = true)]
async fn s2_a_task_is_carried_out_and_answered() {
    let mut bench = Bench::new();
    let mut agent = bench.agent("s-1").await;
    assert!(agent.0.active);
    assert_eq!(bench.report().await, here("s-1"));
    bench.call("k-1").await;
    let task = agent.task();
    assert_eq!((task.action, &*task.key, task.attempt), (TaskAction::Start, "k-1", 1));
    assert_eq!((task.deadline, &*task.params), (START.plus(DEADLINE), &json!({ "camera": 1 })));
    assert_eq!(agent.done(&task.id), Ok(()));
    assert_eq!(bench.answer().await, Ok(json!({ "by": "s-1" })));
    bench.call("k-2").await;
    let id = agent.task().id;
    assert_ne!(id, task.id);
    agent.0.seat.failed(Failed { id, error: "no camera".into(), retryable: true }).unwrap();
    let error = bench.answer().await.unwrap_err();
    let wanted =
        CallError { class: Class::Server, message: "no camera".into(), retryable: true, unknown: false };
    assert_eq!(error, wanted);
    assert_eq!(agent.order(), None);
}

#[tokio::test(start_paused = true)]
async fn s3_those_who_stand_by_take_over_in_the_order_they_came() {
    let mut bench = Bench::new();
    let first = bench.agent("s-1").await;
    let mut second = bench.agent("s-2").await;
    let mut third = bench.agent("s-3").await;
    assert_eq!([first.0.active, second.0.active, third.0.active], [true, false, false]);
    assert_eq!(bench.report().await, here("s-1"));
    first.0.seat.leave("it gave no sign of life");
    assert_eq!((second.order(), third.order()), (Some(Order::Active), None));
    assert_eq!(bench.report().await, here("s-2"));
    drop(second);
    assert_eq!(third.order(), Some(Order::Active));
    assert_eq!(bench.report().await, here("s-3"));
    third.0.seat.leave("it said goodbye");
    assert_eq!(bench.report().await, Err("it said goodbye".into()));
    assert_eq!(bench.agents.seen(&main(), "host", true), Some(Seen::Away { reason: service::NOBODY.into() }));
    bench.no_report().await;
}

#[tokio::test(start_paused = true)]
async fn s3_who_is_not_well_makes_way_for_who_is() {
    let mut bench = Bench::new();
    let mut first = bench.agent("s-1").await;
    assert_eq!(bench.report().await, here("s-1"));
    first.status(true).await;
    bench.no_report().await;
    first.status(false).await;
    assert_eq!(bench.report().await, Ok(("s-1".into(), false)), "nobody else is there, so it stays");
    let mut second = bench.agent("s-2").await;
    assert!(second.0.active, "it is well");
    assert_eq!(first.order(), Some(Order::Standby));
    assert_eq!(bench.report().await, here("s-2"));
    first.status(true).await;
    bench.no_report().await;
    assert_eq!(first.order(), None, "being well again changes nothing");
    second.status(false).await;
    assert_eq!((first.order(), second.order()), (Some(Order::Active), Some(Order::Standby)));
    assert_eq!(bench.report().await, here("s-1"));
    first.status(false).await;
    assert_eq!(bench.report().await, Ok(("s-1".into(), false)), "nobody is well");
}

#[tokio::test(start_paused = true)]
async fn s3_the_task_of_a_lost_agent_goes_on_under_its_key() {
    let mut bench = Bench::new();
    let (mut first, mut second) = (bench.agent("s-1").await, bench.agent("s-2").await);
    bench.call("k").await;
    let lost = first.task();
    drop(first);
    assert_eq!(second.order(), Some(Order::Active));
    let again = second.task();
    assert_eq!((&*again.key, again.deadline, again.attempt), (&*lost.key, lost.deadline, lost.attempt));
    assert_eq!(second.done(&lost.id), Err(Code::Gone), "its connection is over");
    assert_eq!(second.done(&again.id), Ok(()));
    assert_eq!(bench.answer().await, Ok(json!({ "by": "s-2" })));
}

#[tokio::test(start_paused = true)]
async fn s3_a_task_waits_for_an_agent_and_for_the_next() {
    let mut bench = Bench::new();
    bench.call("k").await;
    let mut first = bench.agent("s-1").await;
    first.task();
    drop(first);
    let mut second = bench.agent("s-2").await;
    let task = second.task();
    assert_eq!(second.done(&task.id), Ok(()));
    assert_eq!(bench.answer().await, Ok(json!({ "by": "s-2" })));
}

#[tokio::test(start_paused = true)]
async fn s3_who_is_passed_over_is_told_and_not_listened_to() {
    let mut bench = Bench::new();
    let (mut first, mut second) = (bench.agent("s-1").await, bench.agent("s-2").await);
    bench.call("k").await;
    let task = first.task();
    first.status(false).await;
    assert_eq!(first.order(), Some(Order::Cancel(task.id.clone())));
    assert_eq!(first.order(), Some(Order::Standby));
    assert_eq!(second.order(), Some(Order::Active));
    assert_eq!(&*second.task().key, "k");
    assert_eq!(first.done(&task.id), Err(Code::Gone));
}

#[tokio::test(start_paused = true)]
async fn s2_bad_answers_change_nothing() {
    let mut bench = Bench::new();
    let (mut first, second) = (bench.agent("s-1").await, bench.agent("s-2").await);
    bench.call("k").await;
    let id = first.task().id;
    for unknown in
        ["", "s-1", "s-1.2", "s-1.0", "s-1.01", "s-1.+1", "s-9.1", "s-2.1", "s-1.99999999999999999999"]
    {
        assert_eq!(first.done(unknown), Err(Code::NotFound), "{unknown:?}");
    }
    assert_eq!(second.done(&id), Err(Code::Forbidden), "a task of another");
    assert_eq!(first.done(&id), Ok(()));
    assert_eq!(first.done(&id), Err(Code::Gone), "answered twice");
    assert_eq!(second.done(&id), Err(Code::Forbidden), "a task of another");
    assert_eq!(bench.answer().await, Ok(json!({ "by": "s-1" })));
}

#[tokio::test(start_paused = true)]
async fn s3_a_deadline_says_whether_it_may_have_happened() {
    let mut bench = Bench::new();
    bench.call("nobody").await;
    let error = bench.answer().await.unwrap_err();
    assert_eq!((error.class, error.retryable, error.unknown), (Class::Timeout, true, false));
    let mut agent = bench.agent("s-1").await;
    assert_eq!(agent.order(), None, "nobody waits for that task");
    bench.call("slow").await;
    let id = agent.task().id;
    let error = bench.answer().await.unwrap_err();
    assert_eq!((error.class, error.retryable, error.unknown), (Class::Timeout, true, true));
    assert_eq!(agent.order(), Some(Order::Cancel(id.clone())));
    let late = agent.0.seat.done(Done { id, result: None }).unwrap_err();
    assert_eq!(late.code, Code::Gone);
    assert!(late.detail.contains("deadline"), "{}", late.detail);
    bench.call("lost").await;
    agent.task();
    drop(agent);
    assert!(bench.answer().await.unwrap_err().unknown, "it was given to an agent that was lost");
    let past = Call { deadline: START, ..call("past") };
    assert!(!bench.agents.call(past).await.unwrap_err().unknown);
}

/// Whoever asked stops listening at the deadline, so what was said at that moment was not heard: a show without its host
/// was told that there was no answer within ten seconds, and not that there was no agent to answer.
#[tokio::test(start_paused = true)]
async fn s3_that_there_is_no_agent_is_said_before_the_deadline() {
    for (patience, said) in [(10_000, 9_950), (1_000, 950), (100, 95)] {
        let (bench, begun) = (Bench::new(), tokio::time::Instant::now());
        let call = Call { deadline: START.plus(Millis(patience)), ..call("k") };
        let error = bench.agents.call(call).await.unwrap_err();
        assert_eq!((error.message.as_str(), error.unknown), ("no agent of host was there in time", false));
        assert_eq!(begun.elapsed().as_millis(), said, "of {patience}");
    }
    let mut bench = Bench::new();
    let mut agent = bench.agent("s-1").await;
    bench.call("k").await;
    let id = agent.task().id;
    tokio::time::sleep(Duration::from_millis(9_990)).await;
    assert_eq!(agent.done(&id), Ok(()), "an agent has all of its time");
    assert!(bench.answer().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn s3_a_call_that_is_dropped_is_cancelled() {
    let mut bench = Bench::new();
    let mut agent = bench.agent("s-1").await;
    bench.call("k").await;
    let id = agent.task().id;
    bench.calls.shutdown().await;
    assert_eq!(agent.order(), Some(Order::Cancel(id.clone())));
    assert_eq!(agent.done(&id), Err(Code::Gone));
}

#[tokio::test(start_paused = true)]
async fn s2_who_comes_back_takes_the_place_of_its_old_connection() {
    let mut bench = Bench::new();
    let mut old = bench.try_agent("s-1", Some("left")).await.unwrap();
    let mut other = bench.try_agent("s-2", Some("right")).await.unwrap();
    assert_eq!(bench.report().await, here("left"));
    bench.call("k").await;
    let before = old.task();
    let mut new = bench.try_agent("s-3", Some("left")).await.unwrap();
    assert!(new.0.active);
    assert_eq!((old.order(), other.order()), (Some(Order::Replaced), None));
    assert!(old.0.orders.is_closed());
    bench.no_report().await;
    let again = new.task();
    assert_eq!(again.key, before.key);
    assert_eq!(new.done(&before.id), Err(Code::Gone));
    assert_eq!(old.done(&before.id), Err(Code::Gone));
    drop(old);
    assert_eq!(new.done(&again.id), Ok(()));
    assert_eq!(bench.answer().await, Ok(json!({ "by": "s-3" })));
    drop(new);
    assert_eq!(other.order(), Some(Order::Active));
    assert_eq!(bench.report().await, here("right"), "who comes back under another name is another");
}

#[tokio::test(start_paused = true)]
async fn s2_limits_are_named_and_hold() {
    let mut bench = Bench::new();
    let mut agents = Vec::new();
    for n in 0..AGENTS_MAX {
        agents.push(bench.try_agent(&format!("s-{n}"), Some(&format!("i-{n}"))).await.unwrap());
    }
    let problem = bench.try_agent("s-more", None).await.err().expect("one too many");
    assert_eq!((problem.code, problem.more["limit"].as_u64()), (Code::TooManyRequests, Some(16)));
    assert!(bench.try_agent("s-again", Some("i-3")).await.is_ok(), "who comes back needs no more room");
    for n in 0..TASKS_MAX {
        bench.call(&format!("k-{n}")).await;
    }
    let error = bench.agents.call(call("more")).await.unwrap_err();
    assert_eq!((error.class, error.retryable, error.unknown), (Class::Conflict, true, false));
}

#[tokio::test(start_paused = true)]
async fn s3_who_takes_no_orders_is_given_up() {
    let mut bench = Bench::new();
    let (slow, mut next) = (bench.agent("s-1").await, bench.agent("s-2").await);
    assert_eq!(bench.report().await, here("s-1"));
    let mut asked = 0;
    while !slow.0.orders.is_closed() {
        bench.call("k").await;
        bench.calls.shutdown().await;
        asked += 1;
        assert!(asked <= ORDERS_MAX, "it should be given up by now");
    }
    assert_eq!(next.order(), Some(Order::Active));
    assert_eq!(bench.report().await, here("s-2"));
}

#[tokio::test(start_paused = true)]
async fn s3_no_report_is_lost_and_their_order_stays() {
    let mut bench = Bench::new();
    let churn = async {
        for n in 0..2_000 {
            drop(bench.agents.clone().register(registration(n)).await.unwrap());
        }
    };
    let listen = async {
        for n in 0..2_000 {
            let seen = bench.reports.recv().await.unwrap().seen;
            assert!(
                matches!(&seen, Seen::Here { instance: Some(i), .. } if *i == format!("s-{n}")),
                "{seen:?}"
            );
            let seen = bench.reports.recv().await.unwrap().seen;
            assert!(matches!(&seen, Seen::Away { .. }), "{seen:?}");
        }
    };
    tokio::join!(churn, listen);
}

fn registration(n: u32) -> Registration {
    Registration {
        production: main(),
        service: "host".into(),
        session: format!("s-{n}").into(),
        instance: None,
    }
}

#[tokio::test(start_paused = true)]
async fn s2_ended_tasks_are_remembered_for_a_while() {
    let mut bench = Bench::new();
    let mut agent = bench.agent("s-1").await;
    for _ in 0..=ENDED_MAX {
        bench.call("k").await;
        let id = agent.task().id;
        assert_eq!(agent.done(&id), Ok(()));
        bench.answer().await.unwrap();
    }
    let detail = |id: &str| agent.0.seat.done(Done { id: id.into(), result: None }).unwrap_err().detail;
    assert_eq!(detail("s-1.1"), "task s-1.1 ended long ago");
    assert_eq!(detail("s-1.2"), "task s-1.2 was answered before");
}
