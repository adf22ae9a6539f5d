// What something took, of this process alone; and medians of what it took.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tracking::bench {

struct Spent {
  double seconds = 0;
  double cpu_seconds = 0;           ///< user and system, of all threads
  std::uint64_t bytes_written = 0;  ///< to the disk, in whole pages; without the file system's own journal
};

/// From its making on.
class Meter {
 public:
  Meter();
  Spent spent() const;

 private:
  Spent begin_;
};

/// A folder of its own, removed with all that is in it.
class Folder {
 public:
  explicit Folder(const std::string& parent);
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder();
  const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

double median(std::vector<double> values);
/// "1.25 (1.10 – 1.31)": median, least and most.
std::string summary(const std::vector<double>& values, int digits);

/// Median of an fdatasync behind a write of 4 KiB, in a file whose space is taken already: what no store can be below.
double sync_ms(const std::string& folder);

}  // namespace tracking::bench
