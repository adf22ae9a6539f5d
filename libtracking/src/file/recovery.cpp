#include "file/recovery.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <random>

#include "file/frame_reader.h"

namespace tracking::file_log {
namespace {

std::uint64_t random_log_id() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device() | 1;
}

/// A segment's file as it was found.
struct Found {
  std::string path;
  std::uint64_t first_position = 0;
  std::uint64_t size = 0;
  std::optional<SegmentHeader> header;    ///< nothing if it is damaged
  std::optional<SegmentTrailer> trailer;  ///< nothing if it is damaged, or the segment is not complete
};

/// What reading a segment through has shown.
struct Scan {
  SegmentIndex index;
  std::vector<Damage> damages;
  std::uint64_t end_offset = sizeof(SegmentHeader);  ///< of the last frame
  std::uint64_t next_position = 0;
  std::uint64_t synced_offset = 0;  ///< before it nothing can be a torn write
  std::uint64_t log_id = 0;
  std::int64_t max_timestamp_us = 0;
};

// What a crash can have torn, with the space behind it that was taken and not written to.
constexpr std::uint64_t torn_bytes_max = write_bytes_max + (4 << 20);

class Recovery {
 public:
  Recovery(FileSystem& files, const std::string& directory, Timestamp now, const Log& log)
      : files_(files), directory_(directory), now_us_(now.time_since_epoch().count()), log_(log) {}

  Result<Recovered> run();

 private:
  Status find_segments();
  Status look_at(Found& found);
  Status choose_log_id();
  Status recover_last();
  Status open(const Found& found, std::shared_ptr<File>& file);
  Status scan(const Found& found, Scan& scan);
  Status continue_last(const Found& found, Scan& scan);
  Status is_unused(const Found& found, bool& is_unused);
  Status remove_last();
  void go_on_beyond(const Found& found, Scan& scan);
  void take_complete(std::size_t i);
  std::int64_t latest_before(std::size_t i) const;

  Status failure(const std::string& what, const std::string& path, const Io& io) const {
    return {Code::broker_unavailable,
            "the log " + directory_ + " cannot be opened: " + what + " " + path + ": " + io.message()};
  }
  void say(LogLevel level, const std::string& text) const {
    if (log_) log_(level, "log " + directory_ + ": " + text);
  }
  void report(const Found& found, const Damage& damage) const;

  FileSystem& files_;
  const std::string& directory_;
  const std::int64_t now_us_;
  const Log& log_;
  std::vector<Found> found_;
  Recovered result_;
  bool is_next_guessed_ = false;
};

Result<Recovered> Recovery::run() {
  if (auto status = find_segments(); !status) return status;
  if (auto status = choose_log_id(); !status) return status;
  std::shared_ptr<Segment> last;
  while (!found_.empty() && !last) {
    const std::size_t count = found_.size();
    if (auto status = recover_last(); !status) return status;
    if (found_.size() == count) last = std::move(result_.segments.back());
  }
  result_.segments.clear();
  for (std::size_t i = 0; i + 1 < found_.size(); ++i) take_complete(i);
  if (last) result_.segments.push_back(std::move(last));
  for (const Found& found : found_) {
    if (found.header && found.header->is_first_position_guessed != 0)
      result_.guessed_positions.push_back(found.first_position);
  }
  if (is_next_guessed_) result_.guessed_positions.push_back(result_.next_position);
  if (!found_.empty() && found_.front().first_position > 1) result_.removed_until_us = latest_before(0);
  return std::move(result_);
}

// The latest timestamp of all events before a segment: its head says it, or one that follows, of more events.
std::int64_t Recovery::latest_before(std::size_t i) const {
  for (; i < found_.size(); ++i) {
    if (found_[i].header) return found_[i].header->older_until_us;
  }
  return now_us_;
}

Status Recovery::find_segments() {
  std::vector<std::string> names;
  if (const Io io = files_.list(directory_, names); !io) return failure("reading", directory_, io);
  for (const std::string& name : names) {
    const auto position = position_of_segment_name(name);
    if (!position) continue;
    Found& found = found_.emplace_back();
    found.path = directory_ + "/" + name;
    found.first_position = *position;
  }
  std::sort(found_.begin(), found_.end(),
            [](const Found& a, const Found& b) { return a.first_position < b.first_position; });
  for (Found& found : found_) {
    if (auto status = look_at(found); !status) return status;
  }
  return {};
}

Status Recovery::look_at(Found& found) {
  std::shared_ptr<File> file;
  if (auto status = open(found, file); !status) return status;
  const Io size = file->size();
  if (!size) return failure("reading", found.path, size);
  found.size = size.bytes;
  char bytes[sizeof(SegmentHeader)];
  const Io io = file->read(0, bytes, sizeof bytes);
  if (!io) return failure("reading", found.path, io);
  if (const Io trailer = read_trailer(*file, found.size, found.first_position, found.trailer); !trailer)
    return failure("reading", found.path, trailer);
  SegmentHeader header;
  std::memcpy(&header, bytes, sizeof header);
  if (io.bytes != sizeof bytes || !is_intact(header)) return {};
  if (header.version != format_version) {
    return {Code::unsupported, "the log " + directory_ + " has format " + std::to_string(header.version) +
                                   ", and this program knows format " + std::to_string(format_version) + " alone (" +
                                   found.path +
                                   "); nothing was changed: use the program that wrote it, or another directory"};
  }
  if (header.first_position == found.first_position) found.header = header;
  return {};
}

Status Recovery::open(const Found& found, std::shared_ptr<File>& file) {
  std::unique_ptr<File> opened;
  if (const Io io = files_.open(found.path, OpenMode::read, opened); !io) return failure("opening", found.path, io);
  file = std::move(opened);
  return {};
}

Status Recovery::choose_log_id() {
  for (Found& found : found_) {
    if (found.header && found.trailer && found.header->log_id != found.trailer->log_id) found.trailer.reset();
    if (!found.header) continue;
    if (result_.log_id == 0) result_.log_id = found.header->log_id;
    if (result_.log_id != found.header->log_id) {
      return {Code::invalid_parameter, "the log " + directory_ + " cannot be opened: " + found.path +
                                           " belongs to another log; nothing was changed: move it elsewhere"};
    }
  }
  if (result_.log_id != 0) return {};
  // No head can be read: the trailers and the frames know, too.
  for (const Found& found : found_) {
    if (found.trailer) {
      result_.log_id = found.trailer->log_id;
      return {};
    }
    Scan scan;
    if (auto status = this->scan(found, scan); !status) return status;
    if (scan.log_id == 0) continue;
    result_.log_id = scan.log_id;
    return {};
  }
  result_.log_id = random_log_id();
  return {};
}

// Fills result_ with what the last segment says, or takes it from found_.
Status Recovery::recover_last() {
  const Found& found = found_.back();
  const auto segment = std::make_shared<Segment>(files_, found.path, found.first_position);
  if (const auto& trailer = found.trailer) {
    if (!found.header) say(LogLevel::error, "the head of " + found.path + " is damaged; its events are not");
    segment->set_extent({.end_offset = trailer->end_offset,
                         .next_position = trailer->next_position,
                         .max_timestamp_us = trailer->max_timestamp_us,
                         .is_complete = true});
    result_.next_position = trailer->next_position;
    result_.max_timestamp_us =
        std::max(trailer->max_timestamp_us, found.header ? found.header->older_until_us : std::int64_t{0});
    result_.is_last_open = false;
    result_.segments = {segment};
    return {};
  }
  Scan scan;
  if (auto status = this->scan(found, scan); !status) return status;
  const bool is_readable = found.header || !scan.index.entries().empty();
  bool is_unused = false;
  if (!is_readable) {
    if (auto status = this->is_unused(found, is_unused); !status) return status;
  }
  if (is_unused) return remove_last();
  const bool ends_in_damage = !scan.damages.empty() && scan.damages.back().begin_offset >= scan.end_offset;
  if (!is_readable || (ends_in_damage && found.size - scan.end_offset > torn_bytes_max)) {
    go_on_beyond(found, scan);
  } else if (auto status = continue_last(found, scan); !status) {
    return status;
  }
  segment->set_index_in_memory(std::move(scan.index));
  // Without its head it is not written to any more, and its index is made when it is asked for.
  result_.is_last_open = found.header && !is_next_guessed_;
  segment->set_extent({.end_offset = scan.end_offset,
                       .next_position = scan.next_position,
                       .max_timestamp_us = scan.max_timestamp_us,
                       .is_complete = !result_.is_last_open});
  result_.next_position = scan.next_position;
  result_.max_timestamp_us =
      std::max(scan.max_timestamp_us, found.header ? found.header->older_until_us : std::int64_t{0});
  result_.segments = {segment};
  return {};
}

Status Recovery::scan(const Found& found, Scan& scan) {
  std::shared_ptr<File> file;
  if (auto status = open(found, file); !status) return status;
  FrameReader reader(
      std::move(file),
      {.log_id = result_.log_id, .offset = sizeof(SegmentHeader), .end = found.size, .position = found.first_position},
      FrameReader::OnReadError::fail);
  scan.next_position = found.first_position;
  for (;;) {
    const std::uint64_t offset = reader.offset();
    switch (reader.next()) {
      case FrameReader::Next::frame: {
        const FrameHeader& frame = reader.frame().header();
        scan.index.add(frame, offset);
        scan.end_offset = offset + frame.stride();
        scan.next_position = frame.next_position();
        scan.synced_offset = std::max(scan.synced_offset, frame.synced_offset);
        scan.max_timestamp_us = std::max(scan.max_timestamp_us, frame.max_timestamp_us);
        scan.log_id = frame.log_id;
        break;
      }
      case FrameReader::Next::damage:
        scan.damages.push_back(reader.damage());
        break;
      case FrameReader::Next::end:
        return {};
      case FrameReader::Next::failed:
        return failure("reading", found.path, reader.error());
    }
  }
}

// Cuts off what was being written when it ended, and makes sure that what is served from now on is on the disk: after a
// crash of the process alone it may not have been.
Status Recovery::continue_last(const Found& found, Scan& scan) {
  std::unique_ptr<File> file;
  if (const Io io = files_.open(found.path, OpenMode::write, file); !io) return failure("opening", found.path, io);
  const auto torn = std::find_if(scan.damages.begin(), scan.damages.end(),
                                 [&](const Damage& damage) { return damage.begin_offset >= scan.synced_offset; });
  for (auto damage = scan.damages.begin(); damage != torn; ++damage) {
    report(found, *damage);
    scan.index.note_damage(damage->begin_offset, found.first_position);
  }
  if (torn != scan.damages.end()) {
    // What stands behind it, whole or not, belongs to the same write: nobody was told that it is stored.
    scan.end_offset = torn->begin_offset;
    scan.next_position = torn->begin_position;
    scan.index.cut(torn->begin_offset);
    say(LogLevel::info, std::to_string(found.size - scan.end_offset) + " bytes at the end of " + found.path +
                            " were not written whole, and were cut off");
    if (const Io io = file->resize(scan.end_offset); !io) return failure("cutting", found.path, io);
  }
  if (const Io io = file->sync(); !io) return failure("syncing", found.path, io);
  return {};
}

// Whether nothing was ever written behind the head, which is damaged. The head is on the disk before the first frame is
// written, so most likely there never was one.
Status Recovery::is_unused(const Found& found, bool& is_unused) {
  std::shared_ptr<File> file;
  if (auto status = open(found, file); !status) return status;
  FrameReader reader(std::move(file), {.offset = sizeof(SegmentHeader), .end = found.size},
                     FrameReader::OnReadError::fail);
  const auto next = reader.next();
  if (next == FrameReader::Next::failed) return failure("reading", found.path, reader.error());
  is_unused = found.size <= sizeof(SegmentHeader) || next == FrameReader::Next::end;
  return {};
}

Status Recovery::remove_last() {
  const std::string& path = found_.back().path;
  if (const Io io = files_.remove(path); !io) return failure("removing", path, io);
  if (const Io io = files_.sync_directory(directory_); !io) return failure("syncing", directory_, io);
  found_.pop_back();
  return {};
}

// So much cannot be read at the segment's end that it was no torn write: events that were acknowledged and shown stood
// there. How many is not known, so the next one comes behind as many as the bytes can have held.
void Recovery::go_on_beyond(const Found& found, Scan& scan) {
  const std::uint64_t begin_position = scan.next_position;
  const std::uint64_t begin_offset = scan.end_offset;
  for (const Damage& damage : scan.damages) {
    if (damage.begin_offset < begin_offset) report(found, damage);
  }
  scan.next_position += (found.size - begin_offset) / sizeof(Record) + 1;
  scan.end_offset = found.size;
  scan.max_timestamp_us = std::max(scan.max_timestamp_us, now_us_);
  is_next_guessed_ = true;
  say(LogLevel::error, found.path + " cannot be read from byte " + std::to_string(begin_offset) + " to its end at " +
                           std::to_string(found.size) + ": an unknown number of events is lost, from position " +
                           std::to_string(begin_position) + " on, and readers are told a gap; the next event is " +
                           std::to_string(scan.next_position) + "; the file is left as it is");
}

void Recovery::take_complete(std::size_t i) {
  const Found& found = found_[i];
  const std::uint64_t next_position = found_[i + 1].first_position;
  auto segment = std::make_shared<Segment>(files_, found.path, found.first_position);
  Extent extent{.end_offset = found.size,
                .next_position = next_position,
                .max_timestamp_us = latest_before(i + 1),
                .is_complete = true};
  if (const auto& trailer = found.trailer) {
    extent.end_offset = trailer->end_offset;
    // Where events are missing between the two segments, the heads behind know of them.
    if (trailer->next_position == next_position) extent.max_timestamp_us = trailer->max_timestamp_us;
  } else {
    say(LogLevel::warning, "the end of " + found.path + " is missing or damaged: it is read through when it is needed");
  }
  if (!found.header) say(LogLevel::error, "the head of " + found.path + " is damaged");
  segment->set_extent(extent);
  result_.segments.push_back(std::move(segment));
}

void Recovery::report(const Found& found, const Damage& damage) const {
  std::string events = "an unknown number of events";
  if (damage.end_position > damage.begin_position)
    events = std::to_string(damage.end_position - damage.begin_position) + " events";
  say(LogLevel::error, found.path + " is damaged at byte " + std::to_string(damage.begin_offset) + ": " + events +
                           " cannot be read, and readers are told a gap");
}

}  // namespace

Result<Recovered> recover(FileSystem& files, const std::string& directory, Timestamp now, const Log& log) {
  return Recovery(files, directory, now, log).run();
}

}  // namespace tracking::file_log
