// Backends are chosen by URL from a value that the application fills. There is no global registry.
#pragma once

#include <tracking/account.h>
#include <tracking/broker.h>
#include <tracking/clock.h>
#include <tracking/subscription.h>

#include <filesystem>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tracking {

class TrackingService;
struct ServiceOptions;

/// How much a message of the library matters to an operator.
enum class LogLevel : std::uint8_t { debug, info, warning, error };

/// Gets the library's few messages; called by any thread, must not throw. The text is one line without a password.
using Log = std::function<void(LogLevel, std::string_view)>;

/// A backend's URL, taken apart: `scheme:rest?key=value&...`.
struct BackendUrl {
  std::string text;                                    ///< as given, with its secrets
  std::string scheme;                                  ///< "sqlite"
  std::string rest;                                    ///< between the colon and the question mark
  std::multimap<std::string, std::string> parameters;  ///< percent-decoded

  /// The URL without user, password and secret parameters, for messages.
  TRACKING_EXPORT std::string redacted() const;
  /// Takes it apart; invalid_parameter if it has no scheme.
  TRACKING_EXPORT static Result<BackendUrl> parse(std::string_view text);
};

/// What a backend is opened with.
struct BackendContext {
  BackendUrl url = {};                   ///< what to open
  std::filesystem::path data_dir = ".";  ///< relative paths are under it
  Clock* clock = &Clock::system();       ///< outlives what is opened
  Log log = {};                          ///< where its messages go; empty = nowhere
  /// Only the URL and the files that it names are to be checked: nothing is connected to, nothing is written.
  bool is_check = false;
};

/// One backend: what its URLs can open. An empty function = it cannot do that.
struct Backend {
  std::vector<std::string> schemes = {};  ///< what its URLs begin with: "sqlite"
  /// Opens the accounts.
  std::function<Result<std::unique_ptr<AccountRepository>>(const BackendContext&)> accounts = {};
  /// Opens the broker.
  std::function<Result<std::unique_ptr<Broker>>(const BackendContext&)> broker = {};
  /// Subscribes at a distance: Subscriber::open().
  std::function<Result<std::unique_ptr<Subscription>>(const BackendContext&, const SubscribeOptions&, Wake)>
      subscription = {};
  /// Tracks at a distance: TrackingService::connect().
  std::function<Result<std::unique_ptr<TrackingService>>(const BackendContext&, const ServiceOptions&)> service = {};
};

/// The backends that a program links in. `memory:` is always among them.
class TRACKING_EXPORT Backends {
 public:
  Backends();
  /// `memory:` and these.
  Backends(std::initializer_list<Backend> backends);  // NOLINT(google-explicit-constructor)
  /// One more; it goes before those with the same scheme.
  Backends& add(Backend backend);

  /// Opens by URL. The error for an unknown scheme lists the schemes that are linked in.
  ///@{
  Result<std::unique_ptr<AccountRepository>> open_accounts(const BackendContext& context) const;
  Result<std::unique_ptr<Broker>> open_broker(const BackendContext& context) const;
  Result<std::unique_ptr<Subscription>> open_subscription(const BackendContext& context,
                                                          const SubscribeOptions& options, Wake wake) const;
  Result<std::unique_ptr<TrackingService>> open_service(const BackendContext& context,
                                                        const ServiceOptions& options) const;
  ///@}

 private:
  std::vector<Backend> backends_;
};

}  // namespace tracking
