// The settings of tracking-httpd.
#pragma once

#include "address.h"

#include <common/log.h>
#include <common/options.h>
#include <tracking/event.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace tracking::httpd {

/// As given; the initial values are the defaults.
struct Settings {
  std::string listen = "127.0.0.1:8080";
  std::string admin_listen = "127.0.0.1:8081";
  std::string streams;  ///< empty: by whether `listen` is loopback
  std::string cors_origin;
  std::string admin_token;

  std::string accounts = "sqlite:tracking.db";
  std::string broker = "file:events";
  std::string data_dir = "./tracking-data";
  std::string ack;  ///< empty: the strongest that the broker gives
  bool is_demo = false;

  std::uint64_t threads = 0;  ///< 0: one per core
  std::chrono::milliseconds account_ttl = std::chrono::seconds(10);
  std::chrono::milliseconds account_stale_max = std::chrono::minutes(5);
  std::size_t data_bytes_max = 256u << 10;
  std::uint64_t subscribers_max = 20'000;
  std::size_t body_memory_bytes = 64u << 20;
  std::size_t subscriber_memory_bytes = 256u << 20;
  std::chrono::milliseconds drain_timeout = std::chrono::seconds(10);

  std::string log_level = "info";
  std::string log_format = "text";

  std::string config;
  bool does_check_config = false;
  bool does_print_config = false;
  bool does_healthcheck = false;
  bool shows_version = false;
  bool shows_help = false;
  std::string document;  ///< which one scripts/generate.sh asks for

  // Understood; valid after read_settings().
  Address listen_address() const { return *parse_address(listen); }
  Address admin_address() const { return *parse_address(admin_listen); }
  AckLevel ack_level() const noexcept;
  LogLevel level() const noexcept;
  apps::LogFormat format() const noexcept;
};

/// Adds every setting to the table, bound to `settings`.
void describe_settings(apps::OptionTable& table, Settings& settings);

/// What --help says around the table.
apps::ProgramText program_text();

/// Reads all sources into `settings`, applies --demo, and checks what a single setting cannot know.
Status read_settings(apps::OptionTable& table, Settings& settings, std::span<const char* const> arguments);

}  // namespace tracking::httpd
