//! Configurations, good and bad, by tables.

use super::*;

fn nothing(_: &str) -> Option<String> {
    None
}

fn load(file: &str, env: &[(&str, &str)], flags: &Flags) -> Result<Config, Vec<Finding>> {
    let env = |name: &str| env.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    Config::load(flags, &env, Some((PathBuf::from("onair.toml"), file.to_owned())))
}

#[test]
fn t3_each_source_goes_over_the_one_before() {
    let flags = Flags::default().with("listen", "127.0.0.1:4");
    let table: [(&str, &[(&str, &str)], &Flags, u16); 8] = [
        ("", &[], &Flags::default(), 4200),
        ("listen = \"127.0.0.1:1\"", &[], &Flags::default(), 1),
        ("listen = \"127.0.0.1:1\"", &[("PORT", "2")], &Flags::default(), 2),
        ("", &[("PORT", "2"), ("ONAIR_LISTEN", "127.0.0.1:3")], &Flags::default(), 3),
        ("listen = \"127.0.0.1:1\"", &[("PORT", "")], &Flags::default(), 1),
        ("", &[("PORT", "2")], &flags, 4),
        ("listen = \"127.0.0.1:1\"", &[], &flags, 4),
        ("listen = \"[::1]:1\"", &[("PORT", "2")], &Flags::default(), 2),
    ];
    for (file, env, flags, port) in table {
        let config = load(file, env, flags).expect("good");
        assert_eq!(config.listen.port(), port, "{file} {env:?}");
        assert!(config.listen.ip().is_loopback());
    }
}

#[test]
fn t3_the_variables_of_older_programs_are_understood() {
    let env = [
        ("PORT", "1"),
        ("WS_PORT", "2"),
        ("METRICS_PORT", "3"),
        ("REDIS_URL", "redis://:hunter2@10.0.0.1"),
        ("REDIS_PASSWORD", "hunter2"),
        ("REDIS_PREFIX", "show"),
        ("STATE_UPDATE_DEBOUNCE", "50"),
        ("MAX_RETRIES", "5"),
        ("POLL_INTERVAL", "250"),
    ];
    let config = load("", &env, &Flags::default()).expect("good");
    let ports = [config.listen, config.preview_listen, config.metrics_listen].map(|place| place.port());
    assert_eq!(ports, [1, 2, 3]);
    assert_eq!(
        (config.signals_debounce, config.retries_max, config.poll_interval),
        (Millis(50), 5, Millis(250))
    );
    assert_eq!(
        (config.redis_url.as_ref().map(Secret::reveal), config.redis_prefix.as_str()),
        (Some(env[3].1), "show")
    );
    assert_eq!(config.engine(), EngineUrl::Embedded("onair-data/log".into()));
    let warning = config.warnings.first().expect("a Redis that is not used");
    assert!(warning.to_string().contains("does not carry"), "{warning}");
    assert!(!format!("{config:?}{warning}").contains("hunter2"), "a secret is shown");
    // Who chose an engine knows what he does.
    let config = load("engine = \"memory:\"", &env, &Flags::default()).expect("good");
    assert_eq!((config.engine(), config.warnings), (EngineUrl::Memory, vec![]));
}

#[test]
fn x2_mistakes_are_named_by_their_place() {
    let table = [
        ("listn = 1", 1, 1, "listn", "is not a setting; did you mean `listen`?"),
        ("\n\n  port = 4200", 3, 3, "port", "in a file this is `listen`"),
        ("Listen = 1", 1, 1, "Listen", "did you mean `listen`?"),
        (
            "shutdown_grace_s = 10",
            1,
            1,
            "shutdown_grace_s",
            "did you mean `shutdown_grace_ms`? Lengths of time are",
        ),
        ("shutdown-grace-ms = 10", 1, 1, "shutdown-grace-ms", "did you mean `shutdown_grace_ms`?"),
        ("[rates]\nburst = 1", 2, 1, "rates.burst", "did you mean `rates.requests_burst`?"),
        ("requests_burst = 1", 1, 1, "requests_burst", "did you mean `rates.requests_burst`?"),
        ("zzz = 1", 1, 1, "zzz", "is not a setting"),
        ("listen = 4200", 1, 10, "listen", "is a text in quotes, not the number 4200"),
        ("listen = \"4200\"", 1, 10, "listen", "is an address and a port"),
        ("rates = 5", 1, 9, "rates", "is a table of settings"),
        ("[listen]\nport = 1", 1, 1, "listen", "is a text in quotes, not a table"),
        ("shutdown_grace_ms = \"10s\"", 1, 21, "shutdown_grace_ms", "is a number of milliseconds: 10000"),
        (
            "shutdown_grace_ms = \"soon\"",
            1,
            21,
            "shutdown_grace_ms",
            "is a number of milliseconds, not the text",
        ),
        (
            "shutdown_grace_ms = 1.5",
            1,
            21,
            "shutdown_grace_ms",
            "is a number of milliseconds, not the number 1.5",
        ),
        ("shutdown_grace_ms = -1", 1, 21, "shutdown_grace_ms", "from 0 on, not -1"),
        ("retries_max = 5_000_000_000", 1, 15, "retries_max", "is at most 4294967295"),
        (
            "engine = \"redis://u:hunter2@h\"",
            1,
            10,
            "engine",
            "names the engine redis, which this release does not",
        ),
        ("engine = \"postgresql://h\"", 1, 10, "engine", "names the engine postgres"),
        ("engine = \"nats://h\"", 1, 10, "engine", "names the engine nats"),
        ("engine = \"mysql://h\"", 1, 10, "engine", "that is not known, \"mysql\""),
        ("engine = \"data\"", 1, 10, "engine", "is an engine by its URL"),
        ("engine = \"embedded:\"", 1, 10, "engine", "`embedded:` and a directory"),
        ("durability = \"none\"", 1, 14, "durability", "is `group`"),
        ("hosts = \"studio.example\"", 1, 9, "hosts", "is a list of texts"),
        ("hosts = [\"https://x\"]", 1, 9, "hosts", "a host is a name"),
        ("hosts = [1]", 1, 9, "hosts", "one of them is the number 1"),
        ("origins = [\"*\"]", 1, 11, "origins", "an origin is"),
        ("default_production = \"a/b\"", 1, 22, "default_production", "names a production"),
        ("[outbound]\nallow = [\"*.internal\"]", 2, 9, "outbound.allow", "no wildcards"),
        ("[outbound]\nallow = [\"10.0.0.1/8\"]", 2, 9, "outbound.allow", "bits behind its length"),
        ("[log]\nlevel = \"loud\"", 2, 9, "log.level", "is error, warn, info"),
        ("[log]\nformat = \"xml\"", 2, 10, "log.format", "is `text` or `json`"),
        ("[redis]\npassword = 12345", 2, 12, "redis.password", "is a text in quotes"),
        ("listen = ", 1, 10, "", ""),
        ("data = \"a\"\ndata = \"b\"", 2, 1, "", "duplicate key"),
    ];
    for (text, line, column, key, message) in table {
        let findings = Config::check(text);
        let [found] = findings.as_slice() else { panic!("{text}: {findings:?}") };
        let place = (found.line, found.column, found.key.as_str());
        assert_eq!(place, (Some(line), Some(column), key), "{text}: {found}");
        assert!(found.to_string().contains(message), "{text}: {found}");
        assert!(!found.to_string().contains("hunter2") && !found.to_string().contains("12345"), "{found}");
    }
}

#[test]
fn x2_all_mistakes_are_named_not_the_first() {
    let text = "listn = 1\n[rates]\nrequests_burst = \"many\"\n[log]\nlevel = 5\n[nowhere]\nx = 1\n";
    let found: Vec<_> = Config::check(text).into_iter().map(|finding| (finding.line, finding.key)).collect();
    let expected = [(1, "listn"), (3, "rates.requests_burst"), (5, "log.level"), (6, "nowhere")];
    assert_eq!(found, expected.map(|(line, key)| (Some(line), key.to_owned())));
    let findings = load(text, &[("PORT", "http")], &Flags::default().with("data", "").with("dta", "x"));
    let sources: Vec<_> = findings.expect_err("mistakes").into_iter().map(|finding| finding.source).collect();
    let file = "onair.toml";
    assert_eq!(sources, [file, file, file, file, "PORT", "--data", "--dta"]);
}

#[test]
fn x2_lists_are_said_in_each_source() {
    let hosts = |config: Config| config.hosts.iter().map(|host| host.as_ref().to_owned()).collect::<Vec<_>>();
    let both = ["a.example", "b.example:1"];
    let file = load("hosts = [\"a.example\", \"b.example:1\"]", &[], &Flags::default()).expect("good");
    let env = load("", &[("ONAIR_HOSTS", "a.example, b.example:1,")], &Flags::default()).expect("good");
    let flags = Flags::default().with("hosts", both[0]).with("hosts", both[1]);
    assert_eq!([hosts(file), hosts(env), hosts(load("", &[], &flags).expect("good"))], [both; 3]);
}

#[test]
fn x2_what_may_be_called_is_read_entry_by_entry() {
    let text = "[outbound]\nallow = [\"10.0.0.0/8\", \"hooks.internal:8443\"]";
    let file = load(text, &[], &Flags::default()).expect("good").outbound_allow;
    let env = [("ONAIR_OUTBOUND_ALLOW", "10.0.0.0/8, hooks.internal:8443")];
    assert_eq!(load("", &env, &Flags::default()).expect("good").outbound_allow, file);
    assert!(file.names_host("hooks.internal", Some(8443)) && !file.names_host("hooks.internal", Some(1)));
}

#[test]
fn x2_two_servers_do_not_share_a_place() {
    let findings = Config::check("metrics_listen = \"127.0.0.1:4200\"");
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(Config::check("listen = \"127.0.0.1:0\"\nmetrics_listen = \"127.0.0.1:0\"").is_empty());
}

#[test]
fn x1_who_others_can_reach_needs_a_token() {
    let table = [
        ("", true),
        ("listen = \"[::1]:1\"", true),
        ("listen = \"127.0.0.2:1\"", true),
        ("listen = \"0.0.0.0:4200\"", false),
        ("listen = \"[::]:4200\"", false),
        ("listen = \"192.168.1.5:4200\"", false),
        ("hosts = [\"localhost:8080\"]", true),
        ("hosts = [\"studio.example\"]", false),
    ];
    for (text, open) in table {
        let config =
            Config::load(&Flags::default(), &nothing, Some(("x".into(), text.into()))).expect("good");
        assert_eq!(config.check_exposure(false).is_ok(), open, "{text}");
        assert!(config.check_exposure(true).is_ok(), "{text}");
    }
    let config = Config { listen: SocketAddr::from(([0, 0, 0, 0], 4200)), ..Config::default() };
    let refused = config.check_exposure(false).expect_err("open").to_string();
    assert!(refused.contains("onair token create"), "{refused}");
}

#[test]
fn t3_what_is_shown_is_what_is_read() {
    // Every default, written down as the reference shows it, is read back as the default.
    let defaults = Config::default();
    for setting in SETTINGS {
        let shown = (setting.show)(&defaults);
        if shown.is_empty() {
            continue;
        }
        let text = format!("{} = {shown}", setting.key);
        let config =
            Config::load(&Flags::default(), &nothing, Some(("x".into(), text.clone()))).expect(&text);
        assert_eq!(config, defaults, "{text}");
    }
}

#[test]
fn t3_the_reference_is_the_list_of_settings() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    let written = std::fs::read_to_string(path).unwrap_or_default();
    if written != reference() && std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, reference()).expect("written");
        return;
    }
    assert!(
        written == reference(),
        "docs/configuration.md is not up to date: UPDATE=1 cargo test -p onair-server writes it"
    );
}

#[test]
fn s2_processes_are_read_from_the_file() {
    let text = "[process.encoder]\ncommand = [\"ffmpeg\", \"-i\", \"\"]\ndirectory = \"/srv\"\nenvironment = { A = \"hunter2\" }\n\
                ready = \"on\"\nsettle_ms = 1\ninitialize = [\"true\"]\nhealth = \"frame=\"\nhealth_within_ms = 2\n\
                stop_signal = \"INT\"\ngrace_ms = 3\noutput_lines = 4\n[process.plain]\ncommand = [\"plain\"]\n";
    // Neither a variable nor a flag reaches them.
    let env = [("ONAIR_PROCESS_PLAIN_COMMAND", "evil"), ("ONAIR_PROCESS", "evil")];
    let config = load(text, &env, &Flags::default()).expect("good");
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let encoder = ProcessOptions {
        command: texts(&["ffmpeg", "-i", ""]),
        directory: Some("/srv".into()),
        environment: BTreeMap::from([("A".into(), "hunter2".into())]),
        ready: Some("on".into()),
        settle: Millis(1),
        initialize: Some(texts(&["true"])),
        health: Some(onair_adapters::process::SignOfLife { text: "frame=".into(), within: Millis(2) }),
        stop_signal: onair_adapters::process::StopSignal::Int,
        grace: Millis(3),
        output_lines: 4,
    };
    let plain = ProcessOptions { command: texts(&["plain"]), ..ProcessOptions::default() };
    assert!(!format!("{config:?}").contains("hunter2"), "a secret is shown");
    assert_eq!(config.processes, BTreeMap::from([("encoder".into(), encoder), ("plain".into(), plain)]));
    let flag = Flags::default().with("process.plain.command", "evil");
    assert_eq!(load("", &[], &flag).expect_err("no setting").len(), 1);
}

#[test]
fn s2_the_example_of_the_reference_holds() {
    let page = reference();
    let (_, rest) = page.split_once("```toml\n").expect("an example");
    let (example, _) = rest.split_once("```").expect("its end");
    assert_eq!(Config::check(example), []);
}

#[test]
fn s2_the_defaults_of_a_process_are_those_of_the_reference() {
    let written = |key: &process::Key| match key.default {
        "" => String::new(),
        default => format!("{} = {default}\n", key.name),
    };
    let defaults: String = process::KEYS.iter().map(written).collect();
    let text = format!("[process.plain]\ncommand = [\"plain\"]\n{defaults}");
    let config = load(&text, &[], &Flags::default()).expect("good");
    let command = vec!["plain".to_owned()];
    assert_eq!(config.processes["plain"], ProcessOptions { command, ..ProcessOptions::default() });
}

#[test]
fn s2_mistakes_in_processes_are_named_by_their_place() {
    let table = [
        ("process = 5", 1, 11, "process", "is tables `[process.NAME]`, not the number 5"),
        (
            "[process]\nencoder = [\"ffmpeg\"]",
            2,
            11,
            "process.encoder",
            "is a table `[process.encoder]`, not a list",
        ),
        ("[process.\"a b\"]\ncommand = [\"x\"]", 1, 10, "process.a b", "a process has a name of"),
        ("\n[process.encoder]", 2, 10, "process.encoder.command", "is needed"),
        ("[process.e]\ncommand = \"ffmpeg -i x\"", 2, 11, "process.e.command", "no shell takes it apart"),
        ("[process.e]\ncommand = []", 2, 11, "process.e.command", "not an empty list"),
        ("[process.e]\ncommand = [\"\"]", 2, 11, "process.e.command", "begins with a program"),
        ("[process.e]\ncommand = [\"a\", 5]", 2, 11, "process.e.command", "one of them is the number 5"),
        ("[process.e]\ncommand = [\"a\", \"\\u0000\"]", 2, 11, "process.e.command", "without a NUL"),
        (
            "[process.e]\ncomand = [\"a\"]\ncommand = [\"a\"]",
            2,
            1,
            "process.e.comand",
            "did you mean `command`?",
        ),
        (
            "process.e = { command = [\"a\"], shell = true }",
            1,
            32,
            "process.e.shell",
            "is nothing that a process has",
        ),
        (
            "process.e = { command = [\"a\"], grace_ms = \"5s\" }",
            1,
            43,
            "process.e.grace_ms",
            "is a number of milliseconds: 5000",
        ),
        (
            "process.e = { command = [\"a\"], grace_ms = 3600001 }",
            1,
            43,
            "process.e.grace_ms",
            "is at most 3600000",
        ),
        (
            "process.e = { command = [\"a\"], stop_signal = \"KILL\" }",
            1,
            46,
            "process.e.stop_signal",
            "is `TERM`, `INT` or `QUIT`",
        ),
        (
            "process.e = { command = [\"a\"], output_lines = 0 }",
            1,
            47,
            "process.e.output_lines",
            "is 1 to 10000, not 0",
        ),
        (
            "process.e = { command = [\"a\"], output_lines = 10001 }",
            1,
            47,
            "process.e.output_lines",
            "not 10001",
        ),
        ("process.e = { command = [\"a\"], ready = \"\" }", 1, 40, "process.e.ready", "is not an empty text"),
        (
            "process.e = { command = [\"a\"], health = \"x\" }",
            1,
            9,
            "process.e.health_within_ms",
            "is needed with `health`",
        ),
        (
            "process.e = { command = [\"a\"], health_within_ms = 5 }",
            1,
            9,
            "process.e.health",
            "is needed with `health_within_ms`",
        ),
        (
            "process.e = { command = [\"a\"], directory = \"\" }",
            1,
            44,
            "process.e.directory",
            "is not an empty text",
        ),
        (
            "process.e = { command = [\"a\"], environment = { A = 12345 } }",
            1,
            46,
            "process.e.environment",
            "`A` is a text in quotes",
        ),
        (
            "process.e = { command = [\"a\"], environment = { \"A=\" = \"\" } }",
            1,
            46,
            "process.e.environment",
            "no variable can have",
        ),
    ];
    for (text, line, column, key, message) in table {
        let findings = Config::check(text);
        let [found] = findings.as_slice() else { panic!("{text}: {findings:?}") };
        let place = (found.line, found.column, found.key.as_str());
        assert_eq!(place, (Some(line), Some(column), key), "{text}: {found}");
        assert!(found.to_string().contains(message), "{text}: {found}");
        assert!(!found.to_string().contains("12345"), "{found}");
    }
}
