//! Real-time event tracking: the engine in this process, or at a distance, over `libtracking_c`.
//!
//! ```
//! let service = tracking::Service::open(&[("accounts", "memory:?active=1,3")])?;
//! let mut subscriber = service.subscribe(&[("account_id", "1")])?;
//! service.track(&tracking::Event::new(1, r#"{"page":"/"}"#))?;
//! let first = subscriber.next().expect("it does not end by itself")?;
//! assert_eq!(first.event().map(|event| event.data.as_str()), Some(r#"{"page":"/"}"#));
//! # Ok::<(), tracking::Error>(())
//! ```

mod error;
mod service;
mod subscriber;

pub use error::{Code, Error, Result};
pub use service::{Event, Receipt, Service};
pub use subscriber::{Closer, Delivered, Delivery, Gap, Subscriber};

use tracking_sys as sys;

/// The version of the engine that runs.
pub fn version() -> String {
    // It is static, and ends with a NUL.
    unsafe { std::ffi::CStr::from_ptr(sys::tracking_version().cast()) }.to_string_lossy().into_owned()
}

/// Settings as C reads them: they borrow the texts.
fn in_c(settings: &[(&str, &str)]) -> Vec<sys::tracking_setting> {
    let read = |(name, value): &(&str, &str)| sys::tracking_setting {
        name: name.as_ptr(),
        name_size: name.len(),
        value: value.as_ptr(),
        value_size: value.len(),
    };
    settings.iter().map(read).collect()
}

/// A text of C's, copied.
///
/// # Safety
/// `bytes` has `size` readable bytes, or `size` is 0.
unsafe fn text(bytes: *const u8, size: usize) -> String {
    if size == 0 {
        return String::new();
    }
    String::from_utf8_lossy(std::slice::from_raw_parts(bytes, size)).into_owned()
}
