// Reads `name=value&name=value`.
#pragma once

#include <string>
#include <string_view>

namespace tracking::web {

/// Goes through the parameters of a query; allocates only for those that are percent-encoded.
class QueryReader {
 public:
  explicit QueryReader(std::string_view query) noexcept : rest_(query) {}

  /// Moves on to the next parameter; false at the end. Empty parts (`&&`) are passed over.
  bool next();
  /// Decoded. Valid until next().
  std::string_view name() const noexcept { return name_; }
  std::string_view value() const noexcept { return value_; }
  /// False: an escape in this parameter is malformed; name() is then as it was sent, value() is empty.
  bool is_well_formed() const noexcept { return is_well_formed_; }

 private:
  bool decode(std::string_view raw, std::string& storage, std::string_view& decoded);

  std::string_view rest_;
  std::string_view name_;
  std::string_view value_;
  bool is_well_formed_ = true;
  std::string name_storage_;
  std::string value_storage_;
};

/// A time's `+01:00` is often sent without encoding its plus sign, which then arrives as a space; no time has a space
/// of its own, so it is put back.
std::string with_plus_signs(std::string_view value);

}  // namespace tracking::web
