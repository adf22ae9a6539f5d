use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

use crate::error::check;
use crate::{in_c, text, Code, Error, Result};
use tracking_sys as sys;

/// An event as it was delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    pub account_id: i64,
    pub id: String,
    /// The JSON text of the value, byte for byte as it was sent.
    pub data: String,
    /// When the service accepted it: microseconds since 1970-01-01 UTC.
    pub timestamp_us: i64,
    pub occurred_at_us: Option<i64>,
    /// Empty = not told, as is sequence 0.
    pub producer: String,
    pub sequence: u64,
}

/// Events were missed here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// slow-subscriber, expired, unknown-cursor, disconnected, sequence, corrupt, or another.
    pub reason: String,
    /// How many, if known.
    pub missed: Option<u64>,
    /// If a single account is meant.
    pub account_id: Option<i64>,
}

/// An event or a gap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The event's line, or `{"gap":{...}}`.
    pub json: String,
    /// Where to resume behind it: the setting `since`.
    pub cursor: String,
    what: std::result::Result<Delivered, Gap>,
}

impl Delivery {
    pub fn event(&self) -> Option<&Delivered> {
        self.what.as_ref().ok()
    }

    pub fn gap(&self) -> Option<&Gap> {
        self.what.as_ref().err()
    }
}

struct Handle {
    raw: *mut sys::tracking_subscriber,
    is_closed: AtomicBool,
}

// set_accounts, cursor and close are for any thread; next is called by the one owner of the Subscriber.
unsafe impl Send for Handle {}
unsafe impl Sync for Handle {}

impl Drop for Handle {
    fn drop(&mut self) {
        unsafe { sys::tracking_subscriber_free(self.raw) }
    }
}

/// Ends a subscriber from any thread.
#[derive(Clone)]
pub struct Closer(Arc<Handle>);

impl Closer {
    /// Wakes who waits; all later calls say that it is closed, also if more was there.
    pub fn close(&self) {
        self.0.is_closed.store(true, Ordering::SeqCst);
        unsafe { sys::tracking_subscriber_close(self.0.raw) }
    }
}

/// Gives events and gaps: an iterator that waits for each, and ends with the subscription. An `Err` says why it ended.
pub struct Subscriber {
    handle: Arc<Handle>,
    ready: VecDeque<Delivery>,
    cursor: Option<String>,
    has_ended: bool,
}

const BATCH_MAX: usize = 256;

impl Subscriber {
    /// Subscribes at a distance: `http://host:port`. It reconnects by itself, and tells what was missed as gaps.
    pub fn open(url: &str, settings: &[(&str, &str)]) -> Result<Subscriber> {
        let (settings, mut handle) = (in_c(settings), std::ptr::null_mut());
        check(|error| unsafe {
            let (place, size) = (url.as_ptr(), url.len());
            sys::tracking_subscriber_open(place, size, settings.as_ptr(), settings.len(), &mut handle, error)
        })?;
        Ok(Subscriber::new(handle))
    }

    pub(crate) fn new(handle: *mut sys::tracking_subscriber) -> Subscriber {
        let handle = Handle { raw: handle, is_closed: AtomicBool::new(false) };
        Subscriber { handle: Arc::new(handle), ready: VecDeque::new(), cursor: None, has_ended: false }
    }

    /// Waits for the next one, at most `timeout`; None = nothing came in time. The end is an error of `Code::CLOSED`.
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<Option<Delivery>> {
        let timeout_ms = timeout.as_millis().min(i64::MAX as u128) as i64;
        match self.wait(timeout_ms) {
            Err(error) if error.code == Code::TIMED_OUT => Ok(None),
            other => other.map(Some),
        }
    }

    /// Changes the filter while it runs; none = every account. No event of an account that stays is lost or repeated.
    pub fn set_accounts(&mut self, account_ids: &[i64]) -> Result<()> {
        let (ids, count) = (account_ids.as_ptr(), account_ids.len());
        check(|error| unsafe { sys::tracking_subscriber_set_accounts(self.handle.raw, ids, count, error) })?;
        // What was fetched came under the filter before.
        let is_wanted = |one: &Delivered| account_ids.is_empty() || account_ids.contains(&one.account_id);
        self.ready.retain(|delivery| delivery.event().map_or(true, is_wanted));
        Ok(())
    }

    /// The position after the last one handed over. Empty = not known yet: at a distance before the stream is there; once
    /// it is, no later event is missed.
    pub fn cursor(&self) -> String {
        if let Some(cursor) = &self.cursor {
            return cursor.clone();
        }
        let mut buffer = [0u8; 256];
        let size = unsafe { sys::tracking_subscriber_cursor(self.handle.raw, buffer.as_mut_ptr(), buffer.len()) };
        String::from_utf8_lossy(&buffer[..size.min(buffer.len())]).into_owned()
    }

    /// What ends it from another thread.
    pub fn closer(&self) -> Closer {
        Closer(Arc::clone(&self.handle))
    }

    fn wait(&mut self, timeout_ms: i64) -> Result<Delivery> {
        if self.handle.is_closed.load(Ordering::SeqCst) {
            self.ready.clear();
        }
        if self.ready.is_empty() {
            let mut got =
                sys::tracking_deliveries { items: std::ptr::null(), count: 0, text: std::ptr::null(), text_size: 0 };
            check(|error| unsafe {
                sys::tracking_subscriber_next(self.handle.raw, timeout_ms, BATCH_MAX, &mut got, error)
            })?;
            // They are valid until this function is called again, and copied before.
            let items = unsafe { std::slice::from_raw_parts(got.items, got.count) };
            self.ready.extend(items.iter().map(|item| unsafe { delivery_of(item) }));
        }
        let nothing = || Error { code: Code::TIMED_OUT, text: String::from("nothing came in time") };
        let delivery = self.ready.pop_front().ok_or_else(nothing)?;
        self.cursor = Some(delivery.cursor.clone());
        Ok(delivery)
    }
}

impl Iterator for Subscriber {
    type Item = Result<Delivery>;

    fn next(&mut self) -> Option<Result<Delivery>> {
        if self.has_ended {
            return None;
        }
        let next = self.wait(-1);
        self.has_ended = next.is_err();
        match next {
            Err(error) if error.code == Code::CLOSED => None,
            other => Some(other),
        }
    }
}

/// # Safety
/// The item's texts are readable.
unsafe fn delivery_of(item: &sys::tracking_delivery) -> Delivery {
    let has = |flag: u32| item.flags & flag != 0;
    let what = if has(sys::TRACKING_DELIVERY_GAP) {
        Err(Gap {
            reason: text(item.reason, item.reason_size),
            missed: Some(item.missed).filter(|_| has(sys::TRACKING_DELIVERY_HAS_MISSED)),
            account_id: Some(item.account_id).filter(|id| *id != 0),
        })
    } else {
        Ok(Delivered {
            account_id: item.account_id,
            id: text(item.id, item.id_size),
            data: text(item.data, item.data_size),
            timestamp_us: item.timestamp_us,
            occurred_at_us: Some(item.occurred_at_us).filter(|_| has(sys::TRACKING_DELIVERY_HAS_OCCURRED_AT)),
            producer: text(item.producer, item.producer_size),
            sequence: item.sequence,
        })
    };
    Delivery { json: text(item.json, item.json_size), cursor: text(item.cursor, item.cursor_size), what }
}
