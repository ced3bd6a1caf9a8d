#include "amtgate/http/message.h"

#include <algorithm>
// What Beast holds for impossible in what a stranger sends ends that stranger's connection (see put()), not the
// daemon.
#define BOOST_ENABLE_ASSERT_HANDLER
#include <boost/beast/http/basic_parser.hpp>
#include <exception>
#include <limits>
#include <utility>

namespace {
struct ImpossibleInput : std::exception {};
}  // namespace

// Boost's names for what it calls.
void boost::assertion_failed(const char*, const char*, const char*, long) {
  throw ImpossibleInput();
}
void boost::assertion_failed_msg(const char*, const char*, const char*, const char*, long) {
  throw ImpossibleInput();
}

namespace amtgate::http {
namespace {

namespace beast = boost::beast;
using beast::http::error;

std::string_view view(beast::string_view t) {
  return {t.data(), t.size()};
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
std::string_view trim(std::string_view t) {
  while (!t.empty() && (t.front() == ' ' || t.front() == '\t')) t.remove_prefix(1);
  while (!t.empty() && (t.back() == ' ' || t.back() == '\t')) t.remove_suffix(1);
  return t;
}

Error as_error(const beast::error_code& ec) {
  if (ec == error::header_limit)
    return {Errc::TooLarge, "a head of more than " + std::to_string(kMaxHead) + " bytes"};
  if (ec == error::body_limit) return {Errc::TooLarge, "a body of more than " + std::to_string(kMaxBody) + " bytes"};
  return {Errc::BadValue, "HTTP: " + ec.message()};
}

/// What decides where a message ends may stand in it once. Errors: BadValue, Unsupported.
Result<void> check_framing(const Fields& fields) {
  const std::size_t lengths = fields.count("Content-Length"), codings = fields.count("Transfer-Encoding");
  if (lengths > 1 || codings > 1 || (lengths > 0 && codings > 0)) {
    return Error{Errc::BadValue, "HTTP: more than one field says where the message ends"};
  }
  if (const std::string* length = fields.find("Content-Length")) {
    const bool number = !length->empty() && length->size() <= 18 &&
                        std::ranges::all_of(*length, [](char c) { return c >= '0' && c <= '9'; });
    if (!number) return Error{Errc::BadValue, "HTTP: a Content-Length that is no number"};
  }
  if (const std::string* coding = fields.find("Transfer-Encoding"); coding && !same_word(*coding, "chunked")) {
    return Error{Errc::Unsupported, "HTTP: a transfer coding other than chunked"};
  }
  return {};
}

/// What both directions have of Beast: the head's fields and the body's bytes are gathered, chunks are nobody's
/// business. Nor are trailers: behind the body nothing can say any more whose request it is or where it ends (RFC
/// 9110 6.5.1).
template <bool IsRequest>
class Gatherer : public beast::http::basic_parser<IsRequest> {
 public:
  using Code = beast::error_code;

  Gatherer() {
    this->eager(true);
    this->header_limit(static_cast<std::uint32_t>(kMaxHead));
  }

  Fields fields;
  bool begun = false;  // it has taken bytes
  bool has_head = false;

 protected:
  void on_field_impl(beast::http::field, beast::string_view name, beast::string_view value, Code&) override {
    if (!has_head) fields.add(view(name), view(value));
  }
  void on_header_impl(Code&) override { has_head = true; }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, Code&) override {}
  void on_chunk_header_impl(std::uint64_t, beast::string_view, Code&) override {}
  void on_finish_impl(Code&) override {}
};

/// A chunked body ends with these many bytes at least, "0" and two ends of line. Beast of Boost 1.74 holds for
/// impossible that it is shown fewer once it has seen the line of the last chunk. Source: github.com/boostorg/beast,
/// pull request 2861.
constexpr std::size_t kLastChunk = 5;

/// Gives the parser what it takes of `in`. True when it took anything. After an error the parser is of no use.
template <class Parser>
Result<bool> put(Parser& parser, Buffer& in) {
  if (parser.has_head && parser.chunked() && in.size() < kLastChunk) return false;
  beast::error_code ec;
  std::size_t n = 0;
  try {
    n = parser.put(boost::asio::buffer(in.data(), in.size()), ec);
  } catch (const ImpossibleInput&) {
    return Error{Errc::BadValue, "HTTP: nothing that could be read"};
  }
  parser.begun = parser.begun || n > 0;
  in.erase(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(n));
  if (ec && ec != error::need_more) return as_error(ec);
  if (n > 0 || in.size() <= kMaxHead) return n > 0;
  // The parser counts a head only once it is whole, and neither a chunk's line nor what is behind the last one.
  if (!parser.has_head) return as_error(make_error_code(error::header_limit));
  return Error{Errc::TooLarge, "more than " + std::to_string(kMaxHead) + " bytes around a chunk"};
}

}  // namespace

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

const std::string* Fields::find(std::string_view name) const {
  const auto found = std::ranges::find_if(list_, [&](const Field& f) { return same_word(f.name, name); });
  return found == list_.end() ? nullptr : &found->value;
}

std::size_t Fields::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(list_, [&](const Field& f) { return same_word(f.name, name); }));
}

bool Fields::lists(std::string_view name, std::string_view word) const {
  for (const Field& f : list_) {
    if (!same_word(f.name, name)) continue;
    for (std::string_view rest = f.value; !rest.empty();) {
      const std::size_t comma = rest.find(',');
      if (same_word(trim(rest.substr(0, comma)), word)) return true;
      rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    }
  }
  return false;
}

bool Request::keep_alive() const {
  if (fields.lists("Connection", "close")) return false;
  return !old || fields.lists("Connection", "keep-alive");
}

std::string_view Request::path() const {
  std::string_view t = target;
  // What a client sends that takes us for a proxy.
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (t.size() < scheme.size() || !same_word(t.substr(0, scheme.size()), scheme)) continue;
    const std::size_t slash = t.find('/', scheme.size());
    return slash == std::string_view::npos ? std::string_view("/") : t.substr(slash);
  }
  return t.starts_with('/') ? t : std::string_view();
}

// --- requests ---------------------------------------------------------------------------------------------

struct RequestReader::Parser final : Gatherer<true> {
  Parser() { body_limit(kMaxBody); }

  Request request;
  bool checked = false;
  bool expectation = false;

 private:
  void on_request_impl(beast::http::verb, beast::string_view method, beast::string_view target, int version,
                       Code&) override {
    request.method = view(method);
    request.target = view(target);
    request.old = version < 11;
  }
  void on_response_impl(int, beast::string_view, int, Code&) override {}
  std::size_t on_body_impl(beast::string_view body, Code&) override {
    request.body += view(body);
    return body.size();
  }
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view body, Code&) override {
    request.body += view(body);
    return body.size();
  }
};

RequestReader::RequestReader() : parser_(std::make_unique<Parser>()) {}
RequestReader::~RequestReader() = default;

void RequestReader::receive(Bytes in) {
  append(in_, in);
}

Result<std::optional<Request>> RequestReader::next() {
  // Empty lines before a request: some clients end a body with one that its length does not count.
  if (!parser_->begun) {
    const auto text = std::ranges::find_if(in_, [](std::uint8_t c) { return c != '\r' && c != '\n'; });
    in_.erase(in_.begin(), text);
  }
  while (!in_.empty()) {
    const Result<bool> took = put(*parser_, in_);
    if (!took) return took.error();
    if (parser_->has_head && !parser_->checked) {
      parser_->checked = true;
      if (const Result<void> fine = check_framing(parser_->fields); !fine) return fine.error();
      const std::string& target = parser_->request.target;
      const bool clean = std::ranges::all_of(target, [](char c) { return c > ' ' && c < '\x7f'; });
      if (!clean || target.size() > kMaxTarget) {
        return Error{target.size() > kMaxTarget ? Errc::TooLarge : Errc::BadValue, "HTTP: the target of the request"};
      }
      parser_->expectation = parser_->fields.lists("Expect", "100-continue") && !parser_->request.old;
    }
    if (parser_->is_done()) {
      Request out = std::move(parser_->request);
      out.fields = std::move(parser_->fields);
      parser_ = std::make_unique<Parser>();
      return std::optional<Request>(std::move(out));
    }
    if (!*took) break;
  }
  return std::optional<Request>();
}

bool RequestReader::began() const {
  return parser_->begun || !in_.empty();
}

bool RequestReader::take_expectation() {
  return std::exchange(parser_->expectation, false);
}

// --- answers ----------------------------------------------------------------------------------------------

struct AnswerReader::Parser final : Gatherer<false> {
  explicit Parser(Buffer& to) : out(to) {
    body_limit(std::numeric_limits<std::uint64_t>::max());  // it is passed on as it comes
  }

  Buffer& out;
  AnswerHead head;
  bool told = false;

 private:
  void on_request_impl(beast::http::verb, beast::string_view, beast::string_view, int, Code&) override {}
  void on_response_impl(int status, beast::string_view reason, int version, Code&) override {
    head.status = static_cast<unsigned>(status);
    head.reason = view(reason);
    head.old = version < 11;
  }
  std::size_t on_body_impl(beast::string_view body, Code&) override {
    append(out, view(body));
    return body.size();
  }
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view body, Code&) override {
    append(out, view(body));
    return body.size();
  }
};

AnswerReader::AnswerReader() = default;
AnswerReader::~AnswerReader() = default;

void AnswerReader::receive(Bytes in) {
  append(in_, in);
}

void AnswerReader::reset() {
  parser_.reset();
  in_.clear();
  piece_.clear();
  to_head_ = closed_ = given_ = false;
}

bool AnswerReader::idle() const {
  return !parser_ && in_.empty();
}

/// True when the parser took anything, or has seen the end of a body that ends with the connection.
Result<bool> AnswerReader::feed() {
  if (!in_.empty()) {
    const Result<bool> took = put(*parser_, in_);
    if (!took || *took || !closed_) return took;
  }
  if (!closed_) return false;
  if (!parser_->has_head || !parser_->need_eof()) {
    return Error{Errc::Closed, "the connection ended in the middle of an answer"};
  }
  beast::error_code ec;
  parser_->put_eof(ec);
  if (ec) return as_error(ec);
  return true;
}

Result<std::optional<AnswerReader::Event>> AnswerReader::next() {
  if (std::exchange(given_, false)) piece_.clear();
  while (true) {
    if (!parser_) {
      if (in_.empty()) return std::optional<Event>();
      parser_ = std::make_unique<Parser>(piece_);
      parser_->skip(to_head_);
    }
    if (parser_->has_head && !parser_->told) {
      if (const Result<void> fine = check_framing(parser_->fields); !fine) return fine.error();
      AnswerHead& head = parser_->head;
      if (head.status < 200) {
        // 101 would be the end of HTTP here; nobody asked for it.
        if (head.status == 101) return Error{Errc::BadValue, "HTTP: another protocol, which was not asked for"};
        parser_.reset();
        continue;
      }
      parser_->told = true;
      head.keep_alive = parser_->keep_alive();
      if (const auto length = parser_->content_length()) head.length = *length;
      head.fields = std::move(parser_->fields);
      return std::optional<Event>(std::move(head));
    }
    if (!piece_.empty()) {
      given_ = true;
      return std::optional<Event>(AnswerPiece{piece_});
    }
    if (parser_->is_done()) {
      parser_.reset();
      return std::optional<Event>(AnswerEnd{});
    }
    const Result<bool> took = feed();
    if (!took) return took.error();
    if (!*took && !parser_->has_head) return std::optional<Event>();
    if (!*took && piece_.empty() && parser_->told && !parser_->is_done()) return std::optional<Event>();
  }
}

}  // namespace amtgate::http
