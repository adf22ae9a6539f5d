// What the durable log asks of a store, as small as a fair comparison allows: groups of events that are on stable
// storage when append() returns, and reading them again from a position on.
#pragma once

#include <tracking/broker.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tracking::bench {

/// The store cannot go on; what() is what it says about it.
struct StoreError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What a reader is given. Positions count from 1; what is neither an event nor a loss that is told was lost in
/// silence.
class Visitor {
 public:
  virtual ~Visitor() = default;
  virtual void event(std::uint64_t position, AccountId account_id, std::string_view line) = 0;
  /// Something could not be read, and the store knows it.
  virtual void loss(std::uint64_t begin, std::uint64_t end) = 0;
};

/// One thread at a time. Throws StoreError.
class Store {
 public:
  virtual ~Store() = default;
  /// All of the lines are on stable storage when it returns; they are one write and one sync, if the store can.
  virtual void append(std::span<const Line> lines) = 0;
  /// Does what appending has put off (a flush, a checkpoint, an index), so that its price can be counted.
  virtual void settle() = 0;
  /// Of the event to come.
  virtual std::uint64_t next_position() = 0;
  /// Every event from `position` on that can be read, in order.
  virtual void read(std::uint64_t position, Visitor& visitor) = 0;
};

/// A way to keep events that is compared with the others.
struct Contestant {
  std::string name;
  bool differs_only_in_recovery = false;  ///< from the one before it: only damage is worth comparing
  std::function<std::unique_ptr<Store>(const std::string& folder)> open;
};

Contestant file_contestant();
/// An event a key, or a frame of ours a key; and a recovery that passes over what is damaged.
std::vector<Contestant> rocksdb_contestants();
/// A frame of ours a row; with a write-ahead log, or with a rollback journal.
std::vector<Contestant> sqlite_contestants();

}  // namespace tracking::bench
