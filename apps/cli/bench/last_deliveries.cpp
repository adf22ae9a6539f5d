#include "last_deliveries.h"

namespace tracking::cli {

bool LastDeliveries::count(std::int64_t due_ns) {
  const auto entry = counted_.try_emplace(due_ns, 0).first;
  if (++entry->second == deliveries_) {
    counted_.erase(entry);
    return true;
  }
  if (counted_.size() > under_way_max) counted_.erase(counted_.begin());
  return false;
}

}  // namespace tracking::cli
