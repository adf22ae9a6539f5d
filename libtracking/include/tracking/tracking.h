// Everything that an embedding program needs: open a service, track, subscribe.
#pragma once

#include <tracking/account.h>
#include <tracking/backends.h>
#include <tracking/broker.h>
#include <tracking/clock.h>
#include <tracking/code.h>
#include <tracking/event.h>
#include <tracking/service.h>
#include <tracking/status.h>
#include <tracking/subscriber.h>
#include <tracking/subscription.h>
#include <tracking/version.h>

/// The engine, its two doors, and the backends that a program links in.
namespace tracking {}
