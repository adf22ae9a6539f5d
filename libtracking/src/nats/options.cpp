#include "nats/options.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>

#include "codec/percent.h"

namespace tracking::nats_io {
namespace {

constexpr std::size_t servers_max = 64;          // a guess far beyond any cluster
constexpr std::size_t secret_bytes_max = 4'096;  // a guess; tokens and passwords are shorter

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

bool is_port(std::string_view text) {
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number > 0;
}

// "nats://host:port" of `host[:port]` or `[address][:port]`.
std::optional<std::string> server_url(std::string_view address) {
  std::string_view host = address;
  std::string_view rest;
  if (address.starts_with('[')) {
    const auto end = std::min(address.find(']'), address.size() - 1) + 1;
    host = address.substr(0, end);
    rest = address.substr(end);
    const auto inner = host.substr(1, host.size() - 2);
    if (!host.ends_with(']') || inner.find_first_not_of("0123456789abcdefABCDEF:.%") != inner.npos) return std::nullopt;
  } else {
    const auto colon = std::min(address.find(':'), address.size());
    host = address.substr(0, colon);
    rest = address.substr(colon);
    if (host.empty() || !std::all_of(host.begin(), host.end(), is_host_character)) return std::nullopt;
  }
  if (!rest.empty() && (rest.front() != ':' || !is_port(rest.substr(1)))) return std::nullopt;
  return "nats://" + std::string(host) + std::string(rest.empty() ? ":4222" : rest);
}

struct User {
  std::string name;
  std::optional<std::string> password;
};

// What is wrong with `user[:password]` is not repeated: it is a secret.
std::optional<User> parse_user(std::string_view text) {
  const auto colon = std::min(text.find(':'), text.size());
  auto name = codec::percent_decode(text.substr(0, colon));
  if (!name || name->empty()) return std::nullopt;
  if (colon == text.size()) return User{std::move(*name), std::nullopt};
  auto password = codec::percent_decode(text.substr(colon + 1));
  if (!password) return std::nullopt;
  return User{std::move(*name), std::move(password)};
}

// Takes the servers and the user; an empty text, or what is wrong.
std::string take_servers(Options& options, std::string_view rest) {
  constexpr std::string_view shape = "must be nats://[user:password@]host[:port][,host[:port]...]";
  if (!rest.starts_with("//")) return std::string(shape);
  rest.remove_prefix(2);
  std::string_view user_text;
  while (true) {
    auto item = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(item.size() + 1, rest.size()));
    for (const std::string_view scheme : {"nats://", "tls://"}) {
      if (item.starts_with(scheme)) item.remove_prefix(scheme.size());
    }
    if (item.ends_with('/')) item.remove_suffix(1);
    if (const auto at_sign = item.rfind('@'); at_sign != item.npos) {
      const auto text = item.substr(0, at_sign);
      if (!user_text.empty() && text != user_text) return "all servers must have the same user and password";
      user_text = text;
      item.remove_prefix(at_sign + 1);
    }
    auto server = server_url(item);
    if (!server) return std::string(shape);
    options.servers.push_back(std::move(*server));
    if (options.servers.size() > servers_max) return "names more than 64 servers";
    if (rest.empty()) break;
  }
  if (user_text.empty()) return "";
  auto user = parse_user(user_text);
  if (!user) return "user and password must be percent-encoded";
  options.user = std::move(user->name);
  options.password = std::move(user->password).value_or("");
  return "";
}

// NATS: tokens separated by dots; no wildcard, no white space.
bool is_subject(std::string_view text) {
  if (text.empty() || text.size() > 200 || text.front() == '.' || text.back() == '.') return false;
  if (text.find("..") != text.npos) return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f && c != '*' && c != '>'; });
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 100 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f && c != '"' && c != '\\'; });
}

std::string check_readable(const std::string& key, const std::filesystem::path& path) {
  if (std::ifstream(path, std::ios::binary).peek() != std::ifstream::traits_type::eof()) return "";
  return key + "=" + path.string() + ": the file cannot be read, or is empty";
}

std::string take_flag(const std::string& key, const std::string& value, std::string_view on, std::string_view off,
                      bool& flag) {
  if (value != on && value != off) return key + " must be " + std::string(on) + " or " + std::string(off);
  flag = value == on;
  return "";
}

struct Taken {
  bool is_known = true;
  std::string wrong = "";
};

Taken take_file(Options& options, const std::string& key, const std::string& value) {
  std::filesystem::path* path = nullptr;
  if (key == "password_file") path = &options.password_file;
  if (key == "token_file") path = &options.token_file;
  if (key == "nkey_file") path = &options.nkey_file;
  if (key == "creds") path = &options.credentials_file;
  if (key == "tls_ca") path = &options.tls_ca;
  if (key == "tls_cert") path = &options.tls_cert;
  if (key == "tls_key") path = &options.tls_key;
  if (!path) return {.is_known = false};
  *path = value;
  return {.wrong = check_readable(key, *path)};
}

Taken take_parameter(Options& options, const std::string& key, const std::string& value) {
  if (key == "token") {
    options.token = value;
    return {};
  }
  if (key == "tls") return {.wrong = take_flag(key, value, "true", "false", options.wants_tls)};
  if (key == "retry") return {.wrong = take_flag(key, value, "on", "off", options.retries)};
  if (key == "prefix") {
    options.prefix = value;
    return {.wrong = is_subject(value) ? "" : "prefix must be a NATS subject without wildcards, like tracking.events"};
  }
  if (key == "name") {
    options.name = value;
    return {.wrong = is_name(value) ? "" : "name must be up to 100 characters of printable ASCII"};
  }
  return take_file(options, key, value);
}

// One way to be let in, not several.
std::string check_credentials(Options& options) {
  const bool has_password = !options.password.empty() || !options.password_file.empty();
  if (!options.nkey_file.empty() && (has_password || !options.user.starts_with('U')))
    return "nkey_file needs the public key as user, and no password: nats://U...@host";
  if (!options.user.empty() && !has_password &&
      options.nkey_file.empty()) {  // nats://TOKEN@host, as NATS clients read it
    if (!options.token.empty() || !options.token_file.empty()) return "has a user without a password, and a token";
    options.token = std::exchange(options.user, "");
  }
  if (!options.password_file.empty() && options.user.empty()) return "password_file needs a user: nats://user@host";
  const int ways = static_cast<int>(!options.user.empty()) + static_cast<int>(!options.token.empty()) +
                   static_cast<int>(!options.token_file.empty()) + static_cast<int>(!options.credentials_file.empty());
  if (ways > 1) return "takes one of user with password or nkey_file, token, token_file and creds, not several";
  if (options.tls_cert.empty() != options.tls_key.empty()) return "tls_cert and tls_key come together";
  options.wants_tls = options.wants_tls || !options.tls_ca.empty() || !options.tls_cert.empty();
  return "";
}

}  // namespace

Result<Options> parse_options(const BackendUrl& url, std::multimap<std::string, std::string>& others) {
  Options options;
  options.redacted = url.redacted();
  const auto wrong_url = [&](const std::string& what) {
    return Status(Code::invalid_parameter, options.redacted + ": " + what);
  };
  options.wants_tls = url.scheme == "tls";
  if (auto wrong = take_servers(options, url.rest); !wrong.empty()) return wrong_url(wrong);
  for (const auto& [key, value] : url.parameters) {
    if (url.parameters.count(key) > 1) return wrong_url("has the parameter " + key + " more than once");
    auto taken = take_parameter(options, key, value);
    if (!taken.is_known) others.emplace(key, value);
    if (!taken.wrong.empty()) return wrong_url(taken.wrong);
  }
  if (auto wrong = check_credentials(options); !wrong.empty()) return wrong_url(wrong);
  return options;
}

Status unknown_parameter(const Options& options, const std::string& key, std::string_view known_others) {
  return {Code::invalid_parameter,
          options.redacted + ": there is no parameter " + key +
              " (there are prefix, name, retry, token, token_file, password_file, nkey_file, creds, tls, "
              "tls_ca, tls_cert, tls_key" +
              std::string(known_others) + ")"};
}

Result<std::string> read_secret(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string line;
  if (!std::getline(file, line) || line.size() > secret_bytes_max)
    return {Code::invalid_parameter, path.string() + " cannot be read, or its first line is no secret"};
  if (line.ends_with('\r')) line.pop_back();
  if (line.empty()) return {Code::invalid_parameter, path.string() + ": its first line is empty"};
  return line;
}

}  // namespace tracking::nats_io
