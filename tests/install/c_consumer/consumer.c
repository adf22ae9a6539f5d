/* A stranger's program in C: the whole system in one process. */
#include <stdio.h>
#include <string.h>
#include <tracking/c.h>

int main(void) {
  const tracking_setting accounts = {TRACKING_Z("accounts"), TRACKING_Z("memory:?active=1")};
  tracking_service* service;
  tracking_batch batch = {0};
  tracking_error error;
  if (tracking_service_open(&accounts, 1, &service, &error) != TRACKING_OK) return 1;
  batch.json = "{\"account_id\":1,\"data\":\"foo\"}";
  batch.json_size = strlen(batch.json);
  printf("%s %s\n", tracking_version(),
         tracking_code_name(tracking_service_track(service, &batch, NULL, 0, NULL, &error)));
  tracking_service_free(service);
  return 0;
}
