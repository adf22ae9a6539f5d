// SQLite as a log: one connection in one thread, a frame of events a row, a group a transaction.
#include <sqlite3.h>

#include <memory>

#include "frames.h"

namespace tracking::bench {
namespace {

struct Close {
  void operator()(::sqlite3* db) const noexcept { ::sqlite3_close(db); }
  void operator()(::sqlite3_stmt* statement) const noexcept { ::sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<::sqlite3_stmt, Close>;

class SqliteStore final : public Store {
 public:
  SqliteStore(const std::string& folder, const std::string& journal_mode) : is_wal_(journal_mode == "WAL") {
    ::sqlite3* db = nullptr;
    const int opened =
        ::sqlite3_open_v2((folder + "/log.db").c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
    db_.reset(db);
    expect(opened);
    run("PRAGMA locking_mode=EXCLUSIVE");  // nobody else; so no shared memory either
    run("PRAGMA journal_mode=" + journal_mode);
    run("PRAGMA synchronous=FULL");
    run("CREATE TABLE IF NOT EXISTS frames(position INTEGER PRIMARY KEY, frame BLOB NOT NULL)");
    insert_ = prepare("INSERT INTO frames VALUES(?,?)");
    begin_ = prepare("BEGIN IMMEDIATE");
    commit_ = prepare("COMMIT");
    find_end();
  }

  void append(std::span<const Line> lines) override {
    step(begin_);
    std::uint64_t position = next_;
    for (file_log::FrameBuilder* const frame : packer_.pack(lines)) {
      join_frame(*frame, position, bytes_);
      expect(::sqlite3_bind_int64(insert_.get(), 1, static_cast<std::int64_t>(position)));
      expect(::sqlite3_bind_blob64(insert_.get(), 2, bytes_.data(), bytes_.size(), SQLITE_STATIC));
      step(insert_);
      position += frame->count();
    }
    step(commit_);
    next_ = position;
  }

  void settle() override {
    if (is_wal_) run("PRAGMA wal_checkpoint(TRUNCATE)");
  }

  std::uint64_t next_position() override { return next_; }

  void read(std::uint64_t position, Visitor& visitor) override {
    const Statement rows = prepare(
        "SELECT position, frame FROM frames WHERE position >= "
        "(SELECT coalesce(max(position), 0) FROM frames WHERE position <= ?) ORDER BY position");
    expect(::sqlite3_bind_int64(rows.get(), 1, static_cast<std::int64_t>(position)));
    int result = SQLITE_DONE;
    while ((result = ::sqlite3_step(rows.get())) == SQLITE_ROW) {
      const auto frame = view_frame(frame_of(rows));
      if (!frame) continue;  // the next one says how much is missing
      if (frame->first_position() > position) visitor.loss(position, frame->first_position());
      visit_frame(*frame, position, visitor);
      position = frame->next_position();
    }
    if (position < next_) visitor.loss(position, next_);
    if (result != SQLITE_DONE) throw StoreError(::sqlite3_errmsg(db_.get()));
  }

 private:
  void expect(int result) {
    if (result != SQLITE_OK) throw StoreError(::sqlite3_errmsg(db_.get()));
  }
  void run(const std::string& sql) { expect(::sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr)); }
  Statement prepare(const char* sql) {
    ::sqlite3_stmt* statement = nullptr;
    expect(::sqlite3_prepare_v2(db_.get(), sql, -1, &statement, nullptr));
    return Statement(statement);
  }
  void step(const Statement& statement) {
    const int result = ::sqlite3_step(statement.get());
    ::sqlite3_reset(statement.get());
    if (result != SQLITE_DONE) throw StoreError(::sqlite3_errmsg(db_.get()));
  }
  static std::string_view frame_of(const Statement& row) {
    const auto* const bytes = static_cast<const char*>(::sqlite3_column_blob(row.get(), 1));
    return {bytes, static_cast<std::size_t>(::sqlite3_column_bytes(row.get(), 1))};
  }
  void find_end() {
    const Statement last = prepare("SELECT position, frame FROM frames ORDER BY position DESC LIMIT 1");
    const int result = ::sqlite3_step(last.get());
    if (result == SQLITE_ROW) {
      const auto frame = view_frame(frame_of(last));
      next_ = frame ? frame->next_position() : 0;
    }
    if (result != SQLITE_ROW && result != SQLITE_DONE) throw StoreError(::sqlite3_errmsg(db_.get()));
    if (next_ == 0) throw StoreError("the last frame is damaged");
  }

  const bool is_wal_;
  std::unique_ptr<::sqlite3, Close> db_;
  Statement insert_;
  Statement begin_;
  Statement commit_;
  std::uint64_t next_ = 1;
  FramePacker packer_;
  std::string bytes_;
};

Contestant contestant(const std::string& name, const std::string& journal_mode) {
  const auto open = [journal_mode](const std::string& folder) -> std::unique_ptr<Store> {
    return std::make_unique<SqliteStore>(folder, journal_mode);
  };
  return {.name = name, .open = open};
}

}  // namespace

std::vector<Contestant> sqlite_contestants() {
  return {contestant("sqlite-wal", "WAL"), contestant("sqlite-journal", "PERSIST")};
}

}  // namespace tracking::bench
