#include "verify_report.h"

#include "common/text.h"
#include "terminal.h"

#include <cstdio>

namespace tracking::cli {
namespace {

std::string rate(const VerifyReport& report) {
  if (report.seconds <= 0) return "0";
  char text[32];
  std::snprintf(text, sizeof text, "%.0f", static_cast<double>(report.sent->accepted) / report.seconds);
  return text;
}

std::string seconds(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", value);
  return text;
}

void append_member(std::string& json, std::string_view name, const std::string& value) {
  json.append(json.back() == '{' ? "\"" : ",\"").append(name).append("\":").append(value);
}

std::string json_string(std::string_view text) {
  std::string json;
  apps::append_json_string(json, text);
  return json;
}

void append_line(std::string& text, std::string_view name, std::uint64_t number, const std::string& remark = {}) {
  std::string line(name);
  line.resize(11, ' ');
  text.append(line).append(std::to_string(number)).append(remark.empty() ? "" : ", ").append(remark).append("\n");
}

std::string reasons(const DeliveryCounts& counts) {
  std::string text;
  for (const auto& [reason, count] : counts.gaps_by_reason) {
    text.append(text.empty() ? "" : ", ").append(printable(reason)).append(" ").append(std::to_string(count));
  }
  return text;
}

void append_received(std::string& text, const DeliveryCounts& counts) {
  append_line(text, "received", counts.received);
  append_line(text, "lost", counts.lost + counts.lost_announced,
              counts.lost_announced > 0 ? std::to_string(counts.lost_announced) + " told by a gap" : "");
  append_line(text, "repeated", counts.repeated,
              counts.repeated_resent > 0 ? std::to_string(counts.repeated_resent) + " had been sent again" : "");
  append_line(text, "reordered", counts.reordered);
  append_line(text, "altered", counts.altered);
  append_line(text, "gaps", counts.gaps, reasons(counts));
}

}  // namespace

bool is_good(const VerifyReport& report, const VerifySettings& settings) {
  if (!report.failure.empty() || !report.knows_the_end) return false;
  if (!report.received) return true;
  const DeliveryCounts& counts = *report.received;
  if (counts.lost + counts.reordered + counts.altered > 0) return false;
  if (counts.repeated > (settings.allows_repeats ? counts.repeated_resent : 0)) return false;
  return settings.allows_gaps || counts.gaps + counts.lost_announced == 0;
}

std::string to_text(const VerifyReport& report, const VerifySettings& settings) {
  std::string text;
  if (report.sent) {
    append_line(text, "sent", report.sent->sent,
                "in " + seconds(report.seconds) + " s, " + std::to_string(report.sent->sent_again) + " sent again");
    append_line(text, "accepted", report.sent->accepted,
                rate(report) + " a second, " + std::to_string(report.sent->duplicates) + " recognised as repeats");
  }
  if (report.received) append_received(text, *report.received);
  if (!report.knows_the_end && report.failure.empty())
    text += "the sender's end did not come: what is lost at the end is not known\n";
  if (!report.failure.empty()) text += "failed: " + printable(report.failure) + "\n";
  return text + (is_good(report, settings) ? "nothing is wrong\n" : "something is wrong\n");
}

std::string to_json(const VerifyReport& report, const VerifySettings& settings) {
  std::string json = "{";
  const auto add = [&json](std::string_view name, std::uint64_t number) {
    append_member(json, name, std::to_string(number));
  };
  append_member(json, "run", json_string(settings.run));
  append_member(json, "ok", is_good(report, settings) ? "true" : "false");
  if (report.sent) {
    add("sent", report.sent->sent);
    add("accepted", report.sent->accepted);
    add("sent_again", report.sent->sent_again);
    add("duplicates", report.sent->duplicates);
    append_member(json, "seconds", seconds(report.seconds));
  }
  if (report.received) {
    const DeliveryCounts& counts = *report.received;
    add("received", counts.received);
    add("lost", counts.lost);
    add("lost_announced", counts.lost_announced);
    add("repeated", counts.repeated);
    add("repeated_resent", counts.repeated_resent);
    add("reordered", counts.reordered);
    add("altered", counts.altered);
    add("gaps", counts.gaps);
    std::string by_reason = "{";
    for (const auto& [reason, count] : counts.gaps_by_reason) {
      by_reason.append(by_reason.back() == '{' ? "" : ",").append(json_string(reason)).append(":");
      by_reason.append(std::to_string(count));
    }
    append_member(json, "gaps_by_reason", by_reason.append("}"));
    add("missed", counts.missed);
    append_member(json, "knows_the_end", report.knows_the_end ? "true" : "false");
  }
  if (!report.failure.empty()) append_member(json, "failure", json_string(report.failure));
  return json.append("}\n");
}

}  // namespace tracking::cli
