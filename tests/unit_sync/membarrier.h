// What the tests of mutexes share: a kernel without membarrier(2).
#pragma once

#include <functional>
#include <string>

namespace tracking::sync::test {

/// From now on membarrier(2) fails for this thread, those that it makes, and programs that they execute.
bool refuse_membarrier();

/// Runs `body` in a process of its own, which never had the call: mutexes ask for it before main(). Called by the test
/// of that name ("Suite.Name"), whose body is run again there.
void run_without_membarrier(const std::string& test, const std::function<void()>& body);

}  // namespace tracking::sync::test
