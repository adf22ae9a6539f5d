#include "postgres/change_notice.h"

#include <charconv>
#include <new>
#include <optional>

namespace tracking::postgres_accounts {
namespace {

std::string_view next_word(std::string_view& text) noexcept {
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(word.size() + 1, text.size()));
  return word;
}

template <class Number>
std::optional<Number> number_of(std::string_view word) noexcept {
  Number number = 0;
  const char* const end = word.data() + word.size();
  const auto [stopped, error] = std::from_chars(word.data(), end, number);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return number;
}

}  // namespace

void ToldChanges::take(std::string_view notice, std::uint64_t table) noexcept {
  if (all) return;
  const auto layout = number_of<int>(next_word(notice));
  const auto about = number_of<std::uint64_t>(next_word(notice));
  if (about && *about != table) return;
  all = layout != 1 || !about || notice.empty();
  while (!all && !notice.empty()) {
    const auto id = number_of<AccountId>(next_word(notice));
    all = !id || ids.size() >= ids_max;
    if (all) break;
    try {
      if (*id > 0) ids.push_back(*id);
    } catch (const std::bad_alloc&) {
      all = true;
    }
  }
}

}  // namespace tracking::postgres_accounts
