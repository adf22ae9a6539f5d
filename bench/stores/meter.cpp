#include "meter.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace tracking::bench {
namespace {

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

Spent total() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  Spent spent{.seconds = now_seconds(), .cpu_seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime)};
  std::ifstream io("/proc/self/io");
  for (std::string word; io >> word;) {
    if (word == "write_bytes:") io >> spent.bytes_written;
  }
  return spent;
}

}  // namespace

Meter::Meter() : begin_(total()) {}

Spent Meter::spent() const {
  const Spent end = total();
  return {.seconds = end.seconds - begin_.seconds,
          .cpu_seconds = end.cpu_seconds - begin_.cpu_seconds,
          .bytes_written = end.bytes_written - begin_.bytes_written};
}

Folder::Folder(const std::string& parent) : path_(parent + "/tracking-stores-XXXXXX") {
  if (!::mkdtemp(path_.data())) throw std::runtime_error("cannot make a folder in " + parent);
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

std::string summary(const std::vector<double>& values, int digits) {
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  char text[96];
  std::snprintf(text, sizeof text, "%.*f (%.*f – %.*f)", digits, median(values), digits, *least, digits, *most);
  return text;
}

double sync_ms(const std::string& folder) {
  constexpr int syncs = 60;
  constexpr off_t page_bytes = 4096;
  const int file = ::open((folder + "/sync").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || ::posix_fallocate(file, 0, syncs * page_bytes) != 0) throw std::runtime_error("cannot write");
  ::fsync(file);
  const std::string page(page_bytes, 'x');
  std::vector<double> took;
  for (off_t i = 0; i < syncs; ++i) {
    const double begun = now_seconds();
    const bool is_done =
        ::pwrite(file, page.data(), page.size(), i * page_bytes) == page_bytes && ::fdatasync(file) == 0;
    took.push_back((now_seconds() - begun) * 1e3);
    if (!is_done) throw std::runtime_error("cannot sync");
  }
  ::close(file);
  return median(took);
}

}  // namespace tracking::bench
