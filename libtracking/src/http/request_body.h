// Writes events as the bodies of POST /v1/events, and checks what the server would refuse a whole body for.
#pragma once

#include <tracking/event.h>

#include <string>

namespace tracking::remote {

/// Ok, or why the event is not sent at all: one element that is no JSON would spoil the array that carries it.
Code check_event(const Event& event, std::size_t data_bytes_max) noexcept;

/// Appends `{"account_id":1,"id":"...","data":...}`. Precondition: check_event() is ok; `id` is an event id.
void append_event(std::string& out, const Event& event, std::string_view id);

}  // namespace tracking::remote
