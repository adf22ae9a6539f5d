//! `<tracking/c.h>` as it stands; its comments are the documentation. The crate `tracking` is the safe form.
#![no_std]
#![allow(non_camel_case_types)]

use core::ffi::c_void;

/// `char` of C: the texts are UTF-8, so bytes.
pub type c_char = u8;
pub type tracking_code = i32;

pub const TRACKING_OK: tracking_code = 0;
pub const TRACKING_IN_DOUBT: tracking_code = 9;
pub const TRACKING_INVALID_PARAMETER: tracking_code = 11;
pub const TRACKING_CLOSED: tracking_code = 26;
pub const TRACKING_TIMED_OUT: tracking_code = 27;

pub const TRACKING_ACK_STORED: u8 = 2;
pub const TRACKING_EVENT_HAS_OCCURRED_AT: u32 = 1;
pub const TRACKING_DELIVERY_GAP: u32 = 1;
pub const TRACKING_DELIVERY_HAS_OCCURRED_AT: u32 = 2;
pub const TRACKING_DELIVERY_HAS_MISSED: u32 = 4;

#[repr(C)]
pub struct tracking_service {
    _private: [u8; 0],
}

#[repr(C)]
pub struct tracking_subscriber {
    _private: [u8; 0],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct tracking_error {
    pub code: tracking_code,
    pub text_size: u32,
    pub text: [c_char; 504],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct tracking_setting {
    pub name: *const c_char,
    pub name_size: usize,
    pub value: *const c_char,
    pub value_size: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct tracking_event {
    pub account_id: i64,
    pub data: *const c_char,
    pub data_size: usize,
    pub id: *const c_char,
    pub id_size: usize,
    pub occurred_at_us: i64,
    pub flags: u32,
    pub reserved: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct tracking_batch {
    pub events: *const tracking_event,
    pub count: usize,
    pub json: *const c_char,
    pub json_size: usize,
    pub ack: i32,
    pub flags: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct tracking_receipt {
    pub code: tracking_code,
    pub ack: u8,
    pub duplicate: u8,
    pub id_size: u8,
    pub reserved: u8,
    pub timestamp_us: i64,
    pub id: [c_char; 64],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct tracking_delivery {
    pub json: *const c_char,
    pub json_size: usize,
    pub cursor: *const c_char,
    pub cursor_size: usize,
    pub data: *const c_char,
    pub data_size: usize,
    pub id: *const c_char,
    pub id_size: usize,
    pub producer: *const c_char,
    pub producer_size: usize,
    pub reason: *const c_char,
    pub reason_size: usize,
    pub account_id: i64,
    pub timestamp_us: i64,
    pub occurred_at_us: i64,
    pub sequence: u64,
    pub missed: u64,
    pub flags: u32,
    pub reserved: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct tracking_deliveries {
    pub items: *const tracking_delivery,
    pub count: usize,
    pub text: *const c_char,
    pub text_size: usize,
}

pub type tracking_completion = extern "C" fn(user: *mut c_void, receipts: *const tracking_receipt, count: usize);

extern "C" {
    pub fn tracking_version() -> *const c_char;
    pub fn tracking_code_name(code: tracking_code) -> *const c_char;
    pub fn tracking_service_open(
        settings: *const tracking_setting,
        settings_count: usize,
        service: *mut *mut tracking_service,
        error: *mut tracking_error,
    ) -> tracking_code;
    pub fn tracking_service_connect(
        url: *const c_char,
        url_size: usize,
        settings: *const tracking_setting,
        settings_count: usize,
        service: *mut *mut tracking_service,
        error: *mut tracking_error,
    ) -> tracking_code;
    pub fn tracking_service_track(
        service: *mut tracking_service,
        batch: *const tracking_batch,
        receipts: *mut tracking_receipt,
        receipts_max: usize,
        receipts_count: *mut usize,
        error: *mut tracking_error,
    ) -> tracking_code;
    pub fn tracking_service_track_async(
        service: *mut tracking_service,
        batch: *const tracking_batch,
        done: tracking_completion,
        user: *mut c_void,
        error: *mut tracking_error,
    ) -> tracking_code;
    pub fn tracking_service_close(
        service: *mut tracking_service,
        deadline_ms: i64,
        error: *mut tracking_error,
    ) -> tracking_code;
    pub fn tracking_service_free(service: *mut tracking_service);
    pub fn tracking_service_subscribe(
        service: *mut tracking_service,
        settings: *const tracking_setting,
        settings_count: usize,
        subscriber: *mut *mut tracking_subscriber,
        error: *mut tracking_error,
    ) -> tracking_code;
    pub fn tracking_subscriber_open(
        url: *const c_char,
        url_size: usize,
        settings: *const tracking_setting,
        settings_count: usize,
        subscriber: *mut *mut tracking_subscriber,
        error: *mut tracking_error,
    ) -> tracking_code;
    pub fn tracking_subscriber_next(
        subscriber: *mut tracking_subscriber,
        timeout_ms: i64,
        deliveries_max: usize,
        deliveries: *mut tracking_deliveries,
        error: *mut tracking_error,
    ) -> tracking_code;
    pub fn tracking_subscriber_set_accounts(
        subscriber: *mut tracking_subscriber,
        account_ids: *const i64,
        count: usize,
        error: *mut tracking_error,
    ) -> tracking_code;
    pub fn tracking_subscriber_cursor(
        subscriber: *const tracking_subscriber,
        buffer: *mut c_char,
        buffer_size: usize,
    ) -> usize;
    pub fn tracking_subscriber_close(subscriber: *mut tracking_subscriber);
    pub fn tracking_subscriber_free(subscriber: *mut tracking_subscriber);
}
