//! What is particular to Rust.

use std::time::Duration;

use tracking::{Code, Event, Service};

fn open() -> Service {
    Service::open(&[("accounts", "memory:?active=1,3&inactive=2")]).unwrap()
}

#[test]
fn errors_are_explained() {
    let error = open().track(&Event::new(2, "1")).unwrap_err();
    assert_eq!((error.code, error.to_string().as_str()), (Code::INACTIVE_ACCOUNT, "account 2 is not active"));
    assert_eq!(Service::open(&[("acounts", "memory:")]).err().unwrap().code, Code::INVALID_PARAMETER);
    assert!(Code::OVERLOADED.may_pass() && !Code::IN_DOUBT.may_pass());
    assert_eq!(Code(4711).name(), "internal");
}

#[test]
fn many_threads_track() {
    let service = open();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let receipts = service.track_batch(&[Event::new(1, "1"), Event::new(3, "2")]).unwrap();
                    assert!(receipts.iter().all(|receipt| receipt.code == Code::OK && receipt.timestamp.is_some()));
                }
            });
        }
    });
}

#[test]
fn an_iterator_ends_with_history() {
    let service = open();
    for n in ["1", "2", "3"] {
        service.track(&Event::new(1, n)).unwrap();
    }
    let subscriber = service.subscribe(&[("since", "all"), ("follow", "false")]).unwrap();
    let data: Vec<_> = subscriber.map(|one| one.unwrap().event().unwrap().data.clone()).collect();
    assert_eq!(data, ["1", "2", "3"]);
}

#[test]
fn nothing_in_time_is_none() {
    let mut subscriber = open().subscribe(&[]).unwrap();
    // The service was dropped, and a subscriber may outlive it: that is its end.
    assert_eq!(subscriber.next_timeout(Duration::from_secs(20)).unwrap_err().code, Code::CLOSED);
    let service = open();
    let mut subscriber = service.subscribe(&[]).unwrap();
    assert_eq!(subscriber.next_timeout(Duration::from_millis(10)).unwrap(), None);
}

#[test]
fn another_thread_closes() {
    let service = open();
    let mut subscriber = service.subscribe(&[]).unwrap();
    let closer = subscriber.closer();
    let closing = std::thread::spawn(move || closer.close());
    assert!(subscriber.next().is_none() && subscriber.next().is_none());
    closing.join().unwrap();
}

#[test]
fn after_close_nothing_is_handed_over() {
    let service = open();
    for n in ["1", "2", "3"] {
        service.track(&Event::new(1, n)).unwrap();
    }
    let mut subscriber = service.subscribe(&[("since", "all")]).unwrap();
    let first = subscriber.next().unwrap().unwrap(); // all three were fetched
    subscriber.closer().close();
    assert_eq!(subscriber.next_timeout(Duration::from_secs(20)).unwrap_err().code, Code::CLOSED);
    assert!(subscriber.next().is_none());
    assert_eq!(subscriber.cursor(), first.cursor);
}

#[test]
fn a_closed_service_says_so() {
    let service = open();
    service.close(Duration::from_secs(10)).unwrap();
    assert_eq!(service.track(&Event::new(1, "1")).unwrap_err().code, Code::CLOSED);
}
