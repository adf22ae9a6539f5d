use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::error::check;
use crate::{in_c, Code, Error, Result, Subscriber};
use tracking_sys as sys;

/// What is tracked; it borrows its texts.
#[derive(Clone, Debug)]
pub struct Event<'a> {
    pub account_id: i64,
    /// The JSON text of one value; it reaches subscribers byte for byte.
    pub data: &'a str,
    /// One's own, `[A-Za-z0-9._:-]{1,64}`; empty = the service gives a UUIDv7.
    pub id: &'a str,
    /// Microseconds since 1970-01-01 UTC.
    pub occurred_at_us: Option<i64>,
}

impl<'a> Event<'a> {
    pub fn new(account_id: i64, data: &'a str) -> Self {
        Event { account_id, data, id: "", occurred_at_us: None }
    }
}

/// What became of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub code: Code,
    /// Of an event that was accepted or is in doubt; else empty.
    pub id: String,
    /// When it was accepted, if that was told.
    pub timestamp: Option<SystemTime>,
    /// It is on stable storage; else it was handed to the broker.
    pub is_stored: bool,
    /// Its (account, id) was accepted before.
    pub is_duplicate: bool,
}

/// Takes events. Any thread may use it, also at one time. It is closed when it is dropped.
pub struct Service {
    handle: *mut sys::tracking_service,
}

// The library's service may be called by any thread.
unsafe impl Send for Service {}
unsafe impl Sync for Service {}

impl Service {
    /// Opens an engine in this process: `&[("accounts", "memory:?active=1,3")]`. docs/EMBEDDING.md lists the settings.
    pub fn open(settings: &[(&str, &str)]) -> Result<Service> {
        let (settings, mut handle) = (in_c(settings), std::ptr::null_mut());
        check(|error| unsafe { sys::tracking_service_open(settings.as_ptr(), settings.len(), &mut handle, error) })?;
        Ok(Service { handle })
    }

    /// The same door at a distance: `http://host:port`. It does not wait for the server to be there.
    pub fn connect(url: &str, settings: &[(&str, &str)]) -> Result<Service> {
        let (settings, mut handle) = (in_c(settings), std::ptr::null_mut());
        check(|error| unsafe {
            let (place, size) = (url.as_ptr(), url.len());
            sys::tracking_service_connect(place, size, settings.as_ptr(), settings.len(), &mut handle, error)
        })?;
        Ok(Service { handle })
    }

    /// Tracks one event and waits for its receipt.
    pub fn track(&self, event: &Event<'_>) -> Result<Receipt> {
        let (mut receipts, outcome) = self.send(std::slice::from_ref(event));
        outcome?;
        Ok(receipts.remove(0))
    }

    /// Tracks events together, in their order: a receipt for each. Only a batch that fails as a whole is an error.
    pub fn track_batch(&self, events: &[Event<'_>]) -> Result<Vec<Receipt>> {
        let (receipts, outcome) = self.send(events);
        if receipts.len() != events.len() {
            outcome?;
        }
        Ok(receipts)
    }

    /// Subscribes: `&[("account_id", "1,2"), ("since", "10m")]`, as of `GET /v1/events`.
    pub fn subscribe(&self, settings: &[(&str, &str)]) -> Result<Subscriber> {
        let (settings, mut handle) = (in_c(settings), std::ptr::null_mut());
        check(|error| unsafe {
            sys::tracking_service_subscribe(self.handle, settings.as_ptr(), settings.len(), &mut handle, error)
        })?;
        Ok(Subscriber::new(handle))
    }

    /// Takes no more events, and waits until what is pending is completed. Its subscribers end.
    pub fn close(&self, deadline: Duration) -> Result<()> {
        let deadline_ms = deadline.as_millis().min(i64::MAX as u128) as i64;
        check(|error| unsafe { sys::tracking_service_close(self.handle, deadline_ms, error) })
    }

    fn send(&self, events: &[Event<'_>]) -> (Vec<Receipt>, Result<()>) {
        let events: Vec<_> = events.iter().map(event_in_c).collect();
        if events.is_empty() {
            return (Vec::new(), Ok(()));
        }
        let batch = sys::tracking_batch {
            events: events.as_ptr(),
            count: events.len(),
            json: std::ptr::null(),
            json_size: 0,
            ack: 0,
            flags: 0,
        };
        let mut receipts: Vec<sys::tracking_receipt> = Vec::with_capacity(events.len());
        let mut count = 0;
        let outcome: std::result::Result<(), Error> = check(|error| unsafe {
            let room = receipts.as_mut_ptr();
            sys::tracking_service_track(self.handle, &batch, room, events.len(), &mut count, error)
        });
        // The library wrote as many as it says, and there is room for all.
        unsafe { receipts.set_len(count.min(events.len())) };
        (receipts.iter().map(receipt_of).collect(), outcome)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Nobody borrows it any more, so no call is under way.
        unsafe { sys::tracking_service_free(self.handle) }
    }
}

fn event_in_c(event: &Event<'_>) -> sys::tracking_event {
    sys::tracking_event {
        account_id: event.account_id,
        data: event.data.as_ptr(),
        data_size: event.data.len(),
        id: event.id.as_ptr(),
        id_size: event.id.len(),
        occurred_at_us: event.occurred_at_us.unwrap_or(0),
        flags: if event.occurred_at_us.is_some() { sys::TRACKING_EVENT_HAS_OCCURRED_AT } else { 0 },
        reserved: 0,
    }
}

fn receipt_of(receipt: &sys::tracking_receipt) -> Receipt {
    let size = (receipt.id_size as usize).min(receipt.id.len());
    Receipt {
        code: Code(receipt.code),
        id: String::from_utf8_lossy(&receipt.id[..size]).into_owned(),
        timestamp: u64::try_from(receipt.timestamp_us)
            .ok()
            .filter(|us| *us > 0)
            .map(|us| UNIX_EPOCH + Duration::from_micros(us)),
        is_stored: receipt.ack == sys::TRACKING_ACK_STORED,
        is_duplicate: receipt.duplicate != 0,
    }
}
