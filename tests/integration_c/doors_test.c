/* Opening: settings, URLs, and what is linked in. */
#include "case.h"

static tracking_code open_with(const char* name, const char* value, tracking_error* error) {
  const tracking_setting setting = {TRACKING_Z(name), TRACKING_Z(value)};
  tracking_service* service;
  tracking_code code = tracking_service_open(&setting, 1, &service, error);
  CHECK((code == TRACKING_OK) == (service != NULL));
  tracking_service_free(service);
  return code;
}

CASE(a_wrong_setting_is_named) {
  tracking_error error;
  CHECK(open_with("acounts", "memory:", &error) == TRACKING_INVALID_PARAMETER);
  CHECK(contains(&error, "acounts") && contains(&error, "accounts broker data_dir"));
  CHECK(open_with("account_ttl", "10", &error) == TRACKING_INVALID_PARAMETER && contains(&error, "account_ttl"));
  CHECK(open_with("max_data_size", "0", &error) == TRACKING_INVALID_PARAMETER && contains(&error, "max_data_size"));
  CHECK(open_with("ack", "maybe", &error) == TRACKING_INVALID_PARAMETER && contains(&error, "sent or stored"));
  CHECK(open_with("ack", "stored", &error) == TRACKING_ACK_UNAVAILABLE);
}

CASE(every_setting_is_taken) {
  const char* settings[][2] = {{"accounts", "memory:?active=1"},
                               {"broker", "memory:"},
                               {"data_dir", "."},
                               {"ack", "sent"},
                               {"max_data_size", "1KiB"},
                               {"account_ttl", "1m30s"},
                               {"account_stale_max", "1h"},
                               {"account_cache_max", "1000"},
                               {"account_lookup_threads", "1"},
                               {"parked_events_max", "10"},
                               {"duplicate_keys_max", "100"},
                               {"duplicate_window", "10s"}};
  for (size_t i = 0; i < sizeof settings / sizeof settings[0]; ++i) {
    CHECK(open_with(settings[i][0], settings[i][1], NULL) == TRACKING_OK);
  }
}

CASE(an_unknown_scheme_names_what_is_linked_in) {
  tracking_error error;
  CHECK(open_with("accounts", "paper:", &error) != TRACKING_OK);
  CHECK(contains(&error, "paper") && contains(&error, "memory"));
}

CASE(a_wrong_subscription_is_named) {
  tracking_service* service = open_service();
  const char* wrong[][2] = {{"since", "yesterday"}, {"account_id", "0"},   {"account_id", "1,x"}, {"tail", "-1"},
                            {"limit", "0"},         {"follow", "perhaps"}, {"buffer_size", "x"},  {"colour", "red"}};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
    const tracking_setting setting = {TRACKING_Z(wrong[i][0]), TRACKING_Z(wrong[i][1])};
    tracking_subscriber* subscriber;
    tracking_error error;
    CHECK(tracking_service_subscribe(service, &setting, 1, &subscriber, &error) == TRACKING_INVALID_PARAMETER);
    CHECK(subscriber == NULL && contains(&error, wrong[i][0]));
  }
  tracking_service_free(service);
}

CASE(without_a_server_nothing_is_accepted) {
  tracking_service* service;
  const char* nobody = "http://127.0.0.1:1";
  CHECK(tracking_service_connect(TRACKING_Z(nobody), NULL, 0, &service, NULL) == TRACKING_OK);
  CHECK(track(service, 1, "1") == TRACKING_BROKER_UNAVAILABLE);
  tracking_service_free(service);
}

CASE(without_a_server_a_subscriber_waits) {
  tracking_subscriber* subscriber;
  tracking_deliveries got;
  const char* nobody = "http://127.0.0.1:1";
  CHECK(tracking_subscriber_open(TRACKING_Z(nobody), NULL, 0, &subscriber, NULL) == TRACKING_OK);
  CHECK(tracking_subscriber_next(subscriber, 50, 1, &got, NULL) == TRACKING_TIMED_OUT);
  tracking_subscriber_free(subscriber);

  const char* only_once = "http://127.0.0.1:1?retry=off";
  CHECK(tracking_subscriber_open(TRACKING_Z(only_once), NULL, 0, &subscriber, NULL) == TRACKING_OK);
  CHECK(tracking_subscriber_next(subscriber, LONG_MS, 1, &got, NULL) == TRACKING_COULD_NOT_CONNECT);
  tracking_subscriber_free(subscriber);
}

CASE(names_of_codes_are_those_of_http) {
  CHECK(strcmp(tracking_code_name(TRACKING_OK), "ok") == 0);
  CHECK(strcmp(tracking_code_name(TRACKING_UNKNOWN_ACCOUNT), "unknown-account") == 0);
  CHECK(strcmp(tracking_code_name(-1), "internal") == 0 && strcmp(tracking_code_name(4711), "internal") == 0);
  CHECK(strchr(tracking_version(), '.') != NULL);
}
