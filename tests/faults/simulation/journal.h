// What happened in a simulation: a fingerprint that two runs of one seed must share, and, if wanted, the text.
#pragma once

#include <cstdint>
#include <iostream>
#include <stdexcept>
#include <string>

namespace tracking::simulation {

/// A promise was broken.
struct Broken : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Journal {
 public:
  explicit Journal(bool is_told) : is_told_(is_told) {}

  void note(const std::string& text) {
    for (const char c : text) fingerprint_ = (fingerprint_ ^ static_cast<unsigned char>(c)) * 0x100000001b3;  // FNV-1a
    if (is_told_) std::cout << text << '\n';
  }
  std::uint64_t fingerprint() const noexcept { return fingerprint_; }

 private:
  const bool is_told_;
  std::uint64_t fingerprint_ = 0xcbf29ce484222325;
};

inline void expect(bool is_true, const std::string& what) {
  if (!is_true) throw Broken(what);
}

}  // namespace tracking::simulation
