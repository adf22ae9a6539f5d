#include "unit_file/simulated_files.h"

#include <algorithm>
#include <cerrno>

namespace tracking::file_log::test {
namespace {

constexpr std::size_t sector_bytes = 512;

}  // namespace

void SimulatedFiles::Change::apply(std::string& content) const {
  if (resize_to != UINT64_MAX) {
    content.resize(resize_to);
    return;
  }
  if (content.size() < offset + bytes.size()) content.resize(offset + bytes.size());
  content.replace(offset, bytes.size(), bytes);
}

void SimulatedFiles::Inode::change(Change change) {
  change.apply(current);
  changes.push_back(std::move(change));
}

void SimulatedFiles::Inode::sync() {
  for (const Change& change : changes) {
    if (!change.is_lost) change.apply(synced);
  }
  std::erase_if(changes, [](const Change& change) { return !change.is_lost; });
}

// As Linux does: the pages count as clean from now on, and stay readable.
void SimulatedFiles::Inode::fail_sync() {
  for (Change& change : changes) change.is_lost = true;
}

void SimulatedFiles::Inode::drop_cache() {
  std::erase_if(changes, [](const Change& change) { return change.is_lost; });
  current = synced;
  for (const Change& change : changes) change.apply(current);
}

std::string SimulatedFiles::Inode::after(PowerCut cut, std::mt19937_64& random) const {
  if (cut == PowerCut::none) return current;
  std::string content = synced;
  if (cut == PowerCut::dropped || changes.empty()) return content;
  if (cut == PowerCut::torn) {
    const std::size_t whole = random() % changes.size();
    for (std::size_t i = 0; i < whole; ++i) changes[i].apply(content);
    Change last = changes[whole];
    if (last.resize_to == UINT64_MAX) last.bytes.resize(random() % (last.bytes.size() + 1));
    last.apply(content);
    return content;
  }
  for (const Change& change : changes) {
    if (change.resize_to != UINT64_MAX) {
      if (random() % 2 == 0) change.apply(content);
      continue;
    }
    for (std::size_t at = 0; at < change.bytes.size();) {
      const std::size_t size = std::min(sector_bytes - (change.offset + at) % sector_bytes, change.bytes.size() - at);
      if (random() % 2 == 0)
        Change{.offset = change.offset + at, .bytes = change.bytes.substr(at, size)}.apply(content);
      at += size;
    }
  }
  return content;
}

class SimulatedFile final : public File {
 public:
  SimulatedFile(SimulatedFiles& files, std::shared_ptr<SimulatedFiles::Inode> inode)
      : files_(files), inode_(std::move(inode)) {}

  Io read(std::uint64_t offset, char* into, std::size_t size) noexcept override {
    if (const int error = files_.take_read(SimulatedFiles::ReadCall::read); error != 0) return {.error = error};
    const std::lock_guard lock(files_.mutex_);
    if (offset >= inode_->current.size()) return {};
    return {.bytes = inode_->current.copy(into, size, offset)};
  }

  Io write(std::uint64_t offset, std::span<const std::string_view> pieces) noexcept override {
    const std::lock_guard lock(files_.mutex_);
    std::string bytes;
    for (const std::string_view piece : pieces) bytes += piece;
    auto plan = files_.take(SimulatedFiles::Call::write);
    const std::uint64_t end = offset + bytes.size();
    const std::uint64_t growth = end > inode_->current.size() ? end - inode_->current.size() : 0;
    if (plan.error == 0 && files_.used() + growth > files_.capacity_) plan = {.error = ENOSPC, .is_torn = true};
    if (plan.is_torn) bytes.resize(bytes.size() / 2);
    inode_->written_until = std::max(inode_->written_until, offset + bytes.size());
    if (plan.error == 0 || plan.is_torn) inode_->change({.offset = offset, .bytes = std::move(bytes)});
    return {.error = plan.error};
  }

  // The disk may write any of it from now on, as it may at any time.
  Io begin_sync(std::uint64_t, std::uint64_t) noexcept override {
    const std::lock_guard lock(files_.mutex_);
    const auto plan = files_.take(SimulatedFiles::Call::begin_sync);
    if (plan.error != 0 && !plan.is_crash) inode_->fail_sync();
    return {.error = plan.error};
  }

  Io sync() noexcept override {
    std::unique_lock lock(files_.mutex_);
    if (const auto hook = files_.sync_hook_) {
      lock.unlock();
      hook();
      lock.lock();
    }
    const auto plan = files_.take(SimulatedFiles::Call::sync);
    // A crash in the middle of a sync leaves the changes to chance.
    if (plan.error == 0) inode_->sync();
    if (plan.error != 0 && !plan.is_crash) inode_->fail_sync();
    return {.error = plan.error};
  }

  Io resize(std::uint64_t size) noexcept override {
    const std::lock_guard lock(files_.mutex_);
    const auto plan = files_.take(SimulatedFiles::Call::resize);
    if (plan.error == 0 || plan.is_torn) inode_->change({.resize_to = size});
    return {.error = plan.error};
  }

  Io allocate(std::uint64_t size) noexcept override {
    const std::lock_guard lock(files_.mutex_);
    if (size <= inode_->current.size()) return {};
    const auto plan = files_.take(SimulatedFiles::Call::allocate);
    if (plan.error != 0) return {.error = plan.error};
    if (files_.used() + size - inode_->current.size() > files_.capacity_) return {.error = ENOSPC};
    inode_->change({.resize_to = size});
    return {};
  }

  Io size() noexcept override {
    if (const int error = files_.take_read(SimulatedFiles::ReadCall::size); error != 0) return {.error = error};
    const std::lock_guard lock(files_.mutex_);
    return {.bytes = inode_->current.size()};
  }

  void drop_cache() noexcept override {
    const std::lock_guard lock(files_.mutex_);
    inode_->drop_cache();
  }

 private:
  SimulatedFiles& files_;
  const std::shared_ptr<SimulatedFiles::Inode> inode_;
};

class SimulatedLock final : public DirectoryLock {
 public:
  SimulatedLock(SimulatedFiles& files, std::string path) : files_(files), path_(std::move(path)) {}
  ~SimulatedLock() override {
    const std::lock_guard lock(files_.mutex_);
    files_.locked_.erase(path_);
  }

 private:
  SimulatedFiles& files_;
  const std::string path_;
};

void SimulatedFiles::set_plan(std::function<Plan(std::uint64_t, Call)> plan) {
  const std::lock_guard lock(mutex_);
  plan_ = std::move(plan);
  calls_ = 0;
}

void SimulatedFiles::set_read_plan(std::function<int(std::uint64_t, ReadCall)> plan) {
  const std::lock_guard lock(mutex_);
  read_plan_ = std::move(plan);
  read_calls_ = 0;
}

int SimulatedFiles::take_read(ReadCall call) {
  std::unique_lock lock(mutex_);
  const std::uint64_t number = ++read_calls_;
  const auto plan = read_plan_;
  lock.unlock();
  return plan ? plan(number, call) : 0;
}

void SimulatedFiles::set_sync_hook(std::function<void()> hook) {
  const std::lock_guard lock(mutex_);
  sync_hook_ = std::move(hook);
}

std::uint64_t SimulatedFiles::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

bool SimulatedFiles::has_crashed() const {
  const std::lock_guard lock(mutex_);
  return has_crashed_;
}

void SimulatedFiles::set_capacity(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  capacity_ = bytes;
}

SimulatedFiles::Plan SimulatedFiles::take(Call call) {
  if (has_crashed_) return {.error = EIO, .is_crash = true};
  ++calls_;
  Plan plan = plan_ ? plan_(calls_, call) : Plan{};
  if (plan.is_crash) {
    has_crashed_ = true;
    plan.error = EIO;
    // The change was on its way: how far it came is decided by after().
    plan.is_torn = true;
  }
  return plan;
}

std::uint64_t SimulatedFiles::used() const {
  std::uint64_t sum = 0;
  for (const auto& [name, inode] : names_) sum += inode->current.size();
  return sum;
}

std::unique_ptr<SimulatedFiles> SimulatedFiles::after(PowerCut cut, std::uint64_t seed) const {
  const std::lock_guard lock(mutex_);
  std::mt19937_64 random(seed);
  auto next = std::make_unique<SimulatedFiles>();
  // A name that was made or removed, and not synced, is there or not.
  Names names = synced_names_;
  for (const auto& [name, inode] : names_) {
    if (cut == PowerCut::none || (cut != PowerCut::dropped && random() % 2 == 0)) names.emplace(name, inode);
  }
  for (const auto& [name, inode] : synced_names_) {
    const bool is_removed = !names_.contains(name);
    if (is_removed && (cut == PowerCut::none || (cut != PowerCut::dropped && random() % 2 == 0))) names.erase(name);
  }
  for (const auto& [name, inode] : names) {
    auto copy = std::make_shared<Inode>();
    copy->synced = copy->current = inode->after(cut, random);
    next->names_.emplace(name, copy);
  }
  next->synced_names_ = next->names_;
  return next;
}

std::uint64_t SimulatedFiles::written_until(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  return names_.at(path)->written_until;
}

std::string SimulatedFiles::content(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  return names_.at(path)->current;
}

void SimulatedFiles::set_content(const std::string& path, const std::string& content) {
  const std::lock_guard lock(mutex_);
  auto inode = std::make_shared<Inode>();
  inode->synced = inode->current = content;
  names_[path] = synced_names_[path] = inode;
}

std::vector<std::string> SimulatedFiles::paths() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> paths;
  for (const auto& [path, inode] : names_) paths.push_back(path);
  return paths;
}

Io SimulatedFiles::open(const std::string& path, OpenMode mode, std::unique_ptr<File>& file) noexcept {
  if (mode != OpenMode::create) {
    if (const int error = take_read(ReadCall::open); error != 0) return {.error = error};
  }
  const std::lock_guard lock(mutex_);
  const auto found = names_.find(path);
  if (mode == OpenMode::create) {
    if (found != names_.end()) return {.error = EEXIST};
    const auto plan = take(Call::create);
    if (plan.error != 0 && !plan.is_torn) return {.error = plan.error};
    const auto made = names_.emplace(path, std::make_shared<Inode>()).first;
    if (plan.error != 0) return {.error = plan.error};
    file = std::make_unique<SimulatedFile>(*this, made->second);
    return {};
  }
  if (found == names_.end()) return {.error = ENOENT};
  file = std::make_unique<SimulatedFile>(*this, found->second);
  return {};
}

Io SimulatedFiles::make_directory(const std::string&) noexcept { return {}; }

Io SimulatedFiles::list(const std::string& path, std::vector<std::string>& names) noexcept {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, inode] : names_) {
    if (name.starts_with(path + "/")) names.push_back(name.substr(path.size() + 1));
  }
  return {};
}

Io SimulatedFiles::remove(const std::string& path) noexcept {
  const std::lock_guard lock(mutex_);
  const auto plan = take(Call::remove);
  if (plan.error != 0 && !plan.is_torn) return {.error = plan.error};
  if (names_.erase(path) == 0) return {.error = ENOENT};
  return {.error = plan.error};
}

Io SimulatedFiles::rename(const std::string& from, const std::string& to) noexcept {
  const std::lock_guard lock(mutex_);
  const auto plan = take(Call::rename);
  if (plan.error != 0 && !plan.is_torn) return {.error = plan.error};
  auto node = names_.extract(from);
  if (!node) return {.error = ENOENT};
  names_[to] = node.mapped();
  return {.error = plan.error};
}

Io SimulatedFiles::sync_directory(const std::string&) noexcept {
  const std::lock_guard lock(mutex_);
  const auto plan = take(Call::sync_directory);
  if (plan.error == 0) synced_names_ = names_;
  return {.error = plan.error};
}

Io SimulatedFiles::lock(const std::string& path, std::unique_ptr<DirectoryLock>& lock, std::string& holder) noexcept {
  const std::lock_guard guard(mutex_);
  if (!locked_.insert(path).second) {
    holder = "process 1";
    return {.error = EWOULDBLOCK};
  }
  lock = std::make_unique<SimulatedLock>(*this, path);
  return {};
}

}  // namespace tracking::file_log::test
