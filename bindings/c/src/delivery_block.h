// Deliveries as C sees them: structures over one text.
#pragma once

#include <tracking/c.h>
#include <tracking/subscription.h>

#include <string>
#include <vector>

namespace tracking::c {

/// Owns copies, so that what is handed out does not depend on the engine's memory. Reused without allocating once it
/// has grown. One thread at a time.
class DeliveryBlock {
 public:
  void clear() noexcept;
  /// Replaces what it holds. After an exception it is empty.
  void fill(const Deliveries& deliveries);

  std::size_t size() const noexcept { return items_.size(); }
  const tracking_delivery& operator[](std::size_t index) const noexcept { return items_[index]; }
  /// `count` deliveries from `begin` on, and their part of the text. Precondition: they exist, count > 0.
  tracking_deliveries slice(std::size_t begin, std::size_t count) const noexcept;

 private:
  void add(const DeliveryView& view);

  std::string text_;
  std::vector<tracking_delivery> items_;
};

}  // namespace tracking::c
