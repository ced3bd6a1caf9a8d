// HTTP/1 messages: what a head says, and readers that take requests and answers off a connection.
//
// Boost.Beast's parser does the reading. On top of it stands what a proxy has to refuse so that nobody behind it can
// take one message for two: more than one Content-Length, one beside Transfer-Encoding, codings other than chunked;
// and trailers are dropped.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"

namespace amtgate::http {

/// A head's first line and all its fields, and the line of a chunk or all trailers. Browsers send up to 8 KiB of
/// them, AMT a few hundred bytes.
inline constexpr std::size_t kMaxHead = 16 * 1024;
/// A request's body. Envelopes that AMT takes stay below 64 KiB, what is put into its web storage below 256 KiB.
inline constexpr std::size_t kMaxBody = 512 * 1024;
/// What the target of a request may have: AMT's own are below 100.
inline constexpr std::size_t kMaxTarget = 2048;

struct Field {
  std::string name;
  std::string value;
};

/// The fields of a head in their order. Names are compared without case.
class Fields {
 public:
  void add(std::string_view name, std::string_view value) {
    list_.push_back({std::string(name), std::string(value)});
  }
  /// The first of that name; null if none.
  const std::string* find(std::string_view name) const;
  std::size_t count(std::string_view name) const;
  /// Whether a list such as that of Connection, in all fields of the name, has the word.
  bool lists(std::string_view name, std::string_view word) const;
  const std::vector<Field>& all() const { return list_; }

 private:
  std::vector<Field> list_;
};

/// Without case, as names of fields and their words are compared.
bool same_word(std::string_view a, std::string_view b);

struct Request {
  std::string method;
  std::string target;  // as sent
  bool old = false;    // HTTP/1.0
  Fields fields;
  std::string body;

  /// The connection may serve another one.
  bool keep_alive() const;
  /// The path and query of the target; empty when it is in no form that a server takes.
  std::string_view path() const;
};

struct AnswerHead {
  unsigned status = 0;
  std::string reason;
  bool old = false;
  Fields fields;
  std::optional<std::uint64_t> length;  // of the body, where it is said
  bool keep_alive = false;
};
/// A part of the body; valid until the next call of the reader.
struct AnswerPiece {
  Bytes bytes;
};
struct AnswerEnd {};

/// Requests, one behind the other, each whole. After an error nothing more can be taken.
class RequestReader {
 public:
  RequestReader();
  ~RequestReader();

  void receive(Bytes in);
  /// The next one; empty while it is not all there. Errors: BadValue, TooLarge (head or body), Unsupported (a coding
  /// other than chunked).
  Result<std::optional<Request>> next();
  /// Bytes of a request that is not whole are here.
  bool began() const;
  /// Its head is whole, and its sender waits for "100 Continue" before the body. True once a request.
  bool take_expectation();
  /// Bytes that next() has not looked at.
  std::size_t waiting() const { return in_.size(); }

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
  Buffer in_;
};

/// Answers to requests, in pieces.
class AnswerReader {
 public:
  using Event = std::variant<AnswerHead, AnswerPiece, AnswerEnd>;

  AnswerReader();
  ~AnswerReader();

  /// The next answer has no body, whatever its head says: it is that of a HEAD.
  void expect(bool to_head_request) { to_head_ = to_head_request; }
  void receive(Bytes in);
  /// The sender has closed: the end of a body without length.
  void closed() { closed_ = true; }
  /// Answers of the status 1xx are passed over. Errors: BadValue, TooLarge (the head); Closed (in the middle).
  Result<std::optional<Event>> next();
  /// Another connection: nothing of the last one counts.
  void reset();
  /// Nothing of an answer has come.
  bool idle() const;

 private:
  struct Parser;
  Result<bool> feed();

  std::unique_ptr<Parser> parser_;
  bool to_head_ = false;
  bool closed_ = false;
  Buffer in_;
  Buffer piece_;
  bool given_ = false;  // piece_ has been told
};

}  // namespace amtgate::http
