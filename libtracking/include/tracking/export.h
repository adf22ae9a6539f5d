// What a shared library of ours exports; everything else in it is hidden.
#pragma once

#define TRACKING_EXPORT __attribute__((visibility("default")))
