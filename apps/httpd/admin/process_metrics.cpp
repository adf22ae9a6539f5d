#include "metric_families.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <ctime>

namespace tracking::httpd {
namespace {

/// Reads a file of /proc; empty if there is none.
std::string read_proc(const char* path) {
  std::string content;
  if (auto* file = std::fopen(path, "re")) {
    char buffer[2048];
    const auto size = std::fread(buffer, 1, sizeof buffer, file);
    content.assign(buffer, size);
    std::fclose(file);
  }
  return content;
}

/// The fields of /proc/self/stat that we show (proc(5): 14, 15, 20, 22, 23, 24).
struct ProcessStat {
  double user_ticks = 0, system_ticks = 0, threads = 0, start_ticks = 0, virtual_bytes = 0, resident_pages = 0;
};

ProcessStat read_stat() {
  ProcessStat stat;
  const auto content = read_proc("/proc/self/stat");
  // The program's name may contain anything; what follows its closing bracket is field 3.
  const auto* fields = std::strrchr(content.c_str(), ')');
  if (fields == nullptr) return stat;
  std::sscanf(fields + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lf %lf %*d %*d %*d %*d %lf %*d %lf %lf %lf",
              &stat.user_ticks, &stat.system_ticks, &stat.threads, &stat.start_ticks, &stat.virtual_bytes,
              &stat.resident_pages);
  return stat;
}

/// When the machine was started, in seconds since 1970. From its clocks: a sandbox may hide /proc/stat.
double boot_time_seconds() {
  timespec now{}, since_boot{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  ::clock_gettime(CLOCK_BOOTTIME, &since_boot);
  return static_cast<double>(now.tv_sec - since_boot.tv_sec) +
         static_cast<double>(now.tv_nsec - since_boot.tv_nsec) / 1e9;
}

double count_open_files() {
  double count = 0;
  if (auto* directory = ::opendir("/proc/self/fd")) {
    while (const auto* entry = ::readdir(directory)) {
      if (entry->d_name[0] != '.') ++count;
    }
    ::closedir(directory);
  }
  return count > 0 ? count - 1 : 0;  // the directory itself was open
}

}  // namespace

void add_process_metrics(MetricFamilies& families) {
  const auto stat = read_stat();
  const auto ticks_per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  const auto page_bytes = static_cast<double>(::sysconf(_SC_PAGESIZE));
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  families.counter("process_cpu_seconds_total", "CPU time used, user and system.",
                   (stat.user_ticks + stat.system_ticks) / ticks_per_second);
  families.gauge("process_resident_memory_bytes", "Memory in RAM, shared pages included.",
                 stat.resident_pages * page_bytes);
  families.gauge("process_virtual_memory_bytes", "Address space in use.", stat.virtual_bytes);
  families.gauge("process_open_fds", "Open file descriptors.", count_open_files());
  families.gauge("process_max_fds", "The most file descriptors that may be open.", static_cast<double>(files.rlim_cur));
  families.gauge("process_threads", "Threads.", stat.threads);
  families.gauge("process_start_time_seconds", "When the process was started, in seconds since 1970.",
                 boot_time_seconds() + stat.start_ticks / ticks_per_second);
}

}  // namespace tracking::httpd
