// What `tracking-cli bench` prints.
#pragma once

#include "bench_options.h"
#include "load_result.h"

#include <string>

namespace tracking::cli {

/// All that was sent was accepted, and all that was accepted was delivered.
bool is_good(const LoadResult& result);

std::string to_text(const LoadResult& result, const BenchSettings& settings);
std::string to_json(const LoadResult& result, const BenchSettings& settings);

}  // namespace tracking::cli
