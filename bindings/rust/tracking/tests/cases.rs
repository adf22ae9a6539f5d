//! The table of cases that all bindings share (bindings/README.md), in process and at a distance.

mod support;

use std::time::{Duration, Instant};

use support::json::{parse, Json, Value};
use support::Daemon;
use tracking::{Code, Delivery, Event, Result, Service, Subscriber};

const WAIT: Duration = Duration::from_secs(20);

fn cases() -> Json {
    parse(include_str!("../../../cases.json"))
}

/// The doors of one engine in this process, or of a daemon.
struct Doors {
    service: Service,
    daemon: Option<Daemon>,
}

impl Doors {
    fn open(is_at_a_distance: bool) -> Doors {
        let cases = cases();
        let accounts = cases.text("accounts").unwrap();
        if !is_at_a_distance {
            return Doors { service: Service::open(&[("accounts", accounts)]).unwrap(), daemon: None };
        }
        let daemon = Daemon::start(accounts);
        Doors { service: Service::connect(&daemon.url, &[]).unwrap(), daemon: Some(daemon) }
    }

    fn subscribe(&self, settings: &[(&str, &str)]) -> Result<Subscriber> {
        match &self.daemon {
            None => self.service.subscribe(settings),
            Some(daemon) => Subscriber::open(&daemon.url, settings),
        }
    }

    fn track_all(&self, events: Option<&Json>) {
        for event in events.map_or(&[][..], Json::items) {
            let (account_id, data) = (event.items()[0].integer(), event.items()[1].string());
            self.service.track(&Event::new(account_id, data)).unwrap();
        }
    }
}

fn both(run: impl Fn(Doors)) {
    for is_at_a_distance in [false, true] {
        run(Doors::open(is_at_a_distance));
    }
}

fn next(subscriber: &mut Subscriber) -> Delivery {
    subscriber.next_timeout(WAIT).unwrap().expect("a delivery in time")
}

/// Microseconds since 1970 of the times in the table: "2026-11-23T20:24:06.751257Z".
fn micros(text: &str) -> i64 {
    let number = |from: usize, to: usize| text[from..to].parse::<i64>().unwrap();
    let (mut year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    year -= (month <= 2) as i64; // the year begins in March, so that its last day is the leap day
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = 365 * year + year / 4 - year / 100 + year / 400 + day_of_year - 719_468;
    ((days * 24 + number(11, 13)) * 60 + number(14, 16)) * 60_000_000 + number(17, 19) * 1_000_000 + number(20, 26)
}

#[test]
fn track() {
    both(|doors| {
        let table = cases();
        let mut subscriber = doors.subscribe(&[("since", "all")]).unwrap();
        for case in table.get("track").unwrap().items() {
            let outcome = doors.service.track(&Event {
                account_id: case.get("account_id").unwrap().integer(),
                data: case.text("data").unwrap(),
                id: case.text("id").unwrap_or(""),
                occurred_at_us: case.text("occurred_at").map(micros),
            });
            let (code, is_duplicate) = outcome.map_or_else(|e| (e.code, false), |r| (r.code, r.is_duplicate));
            let expected = case.get("duplicate").map_or(false, |value| value.raw == "true");
            assert_eq!((code.name(), is_duplicate), (case.text("code").unwrap(), expected), "{:?}", case.text("name"));
        }
        for case in table.get("track").unwrap().items() {
            if case.text("code") != Some("ok") || case.get("duplicate").is_some() {
                continue;
            }
            let delivery = next(&mut subscriber);
            let event = delivery.event().expect("an event");
            assert_eq!(event.account_id, case.get("account_id").unwrap().integer());
            assert_eq!(event.data, case.text("delivered").or_else(|| case.text("data")).unwrap());
            assert_eq!(event.id, case.text("id").unwrap_or(&event.id));
            assert_eq!(event.occurred_at_us, case.text("occurred_at").map(micros));
        }
    });
}

#[test]
fn batches() {
    both(|doors| {
        for case in cases().get("batches").unwrap().items() {
            let given = case.get("events").unwrap().items();
            let events: Vec<_> = given
                .iter()
                .map(|event| Event::new(event.get("account_id").unwrap().integer(), &event.get("data").unwrap().raw))
                .collect();
            let receipts = doors.service.track_batch(&events).unwrap();
            let codes: Vec<_> = receipts.iter().map(|receipt| receipt.code.name()).collect();
            let expected: Vec<_> = case.get("codes").unwrap().items().iter().map(Json::string).collect();
            assert_eq!(codes, expected, "{:?}", case.text("name"));
        }
    });
}

fn settings(case: &Json) -> Vec<(&str, &str)> {
    match &case.get("settings").unwrap().value {
        Value::Object(members) => members.iter().map(|(name, value)| (name.as_str(), value.string())).collect(),
        other => panic!("settings are an object, not {:?}", other),
    }
}

#[test]
fn wrong_subscriptions() {
    both(|doors| {
        for case in cases().get("subscriptions").unwrap().items() {
            let refused = doors.subscribe(&settings(case)).and_then(|mut subscriber| subscriber.next_timeout(WAIT));
            assert_eq!(refused.unwrap_err().code.name(), case.text("code").unwrap(), "{:?}", case.text("name"));
        }
    });
}

fn expect(subscriber: &mut Subscriber, expected: Option<&Json>, name: &str) {
    for wanted in expected.map_or(&[][..], Json::items) {
        let delivery = next(subscriber);
        match delivery.event() {
            None => assert_eq!(&parse(&delivery.json), wanted, "{}", name),
            Some(event) => {
                let wanted = wanted.items();
                assert_eq!(
                    (event.account_id, event.data.as_str()),
                    (wanted[0].integer(), wanted[1].string()),
                    "{}",
                    name
                );
            }
        }
    }
}

#[test]
fn streams() {
    for case in cases().get("streams").unwrap().items() {
        both(|doors| stream(case, &doors));
    }
}

fn stream(case: &Json, doors: &Doors) {
    let name = case.text("name").unwrap();
    doors.track_all(case.get("before"));
    let mut settings = settings(case);
    let mut cursor = String::new();
    if let Some(index) = case.get("since_cursor_of") {
        let mut earlier = doors.subscribe(&[("since", "all")]).unwrap();
        for _ in 0..=index.integer() {
            cursor = next(&mut earlier).cursor;
        }
        settings.push(("since", &cursor));
    }
    let mut subscriber = doors.subscribe(&settings).unwrap();
    let started = Instant::now();
    while subscriber.cursor().is_empty() {
        assert!(started.elapsed() < WAIT, "{}: the stream is not there", name);
        std::thread::sleep(Duration::from_millis(1));
    }
    doors.track_all(case.get("after"));
    expect(&mut subscriber, case.get("expected"), name);
    if let Some(accounts) = case.get("accounts") {
        let ids: Vec<_> = accounts.items().iter().map(Json::integer).collect();
        subscriber.set_accounts(&ids).unwrap();
        doors.track_all(case.get("later"));
        expect(&mut subscriber, case.get("expected_later"), name);
    }
    if case.get("ends").is_some() {
        assert_eq!(subscriber.next_timeout(WAIT).unwrap_err().code, Code::CLOSED, "{}", name);
    }
}
