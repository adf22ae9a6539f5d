use std::fmt;

use tracking_sys as sys;

/// What became of a call or of an event: a number of `<tracking/c.h>`. Newer libraries may have others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Code(pub i32);

impl Code {
    pub const OK: Code = Code(0);
    pub const MALFORMED_JSON: Code = Code(1);
    pub const INVALID_EVENT: Code = Code(2);
    pub const UNKNOWN_ACCOUNT: Code = Code(3);
    pub const INACTIVE_ACCOUNT: Code = Code(4);
    pub const TOO_LARGE: Code = Code(5);
    pub const BROKER_UNAVAILABLE: Code = Code(6);
    pub const ACCOUNTS_UNAVAILABLE: Code = Code(7);
    pub const OVERLOADED: Code = Code(8);
    pub const IN_DOUBT: Code = Code(9);
    pub const INVALID_PARAMETER: Code = Code(11);
    pub const CLOSED: Code = Code(26);
    pub const TIMED_OUT: Code = Code(27);

    /// The name that the HTTP interface gives as `type`: "unknown-account".
    pub fn name(self) -> &'static str {
        // Static storage for every number.
        let name = unsafe { std::ffi::CStr::from_ptr(sys::tracking_code_name(self.0).cast()) };
        name.to_str().unwrap_or("internal")
    }

    /// Nothing was accepted, and the same call may safely be repeated.
    pub fn may_pass(self) -> bool {
        matches!(self, Code::BROKER_UNAVAILABLE | Code::ACCOUNTS_UNAVAILABLE | Code::OVERLOADED)
    }
}

/// Why a call did not do what was asked for.
#[derive(Clone, Debug)]
pub struct Error {
    pub code: Code,
    pub text: String,
}

pub type Result<T> = std::result::Result<T, Error>;

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl std::error::Error for Error {}

/// Calls with room for an error, and reads it if there is one.
pub(crate) fn check(call: impl FnOnce(*mut sys::tracking_error) -> sys::tracking_code) -> Result<()> {
    let mut error = sys::tracking_error { code: 0, text_size: 0, text: [0; 504] };
    if call(&mut error) == sys::TRACKING_OK {
        return Ok(());
    }
    let size = (error.text_size as usize).min(error.text.len());
    let text = String::from_utf8_lossy(&error.text[..size]).into_owned();
    Err(Error { code: Code(error.code), text })
}
