#include "amtgate/image/web_head.h"

#include <algorithm>
#include <charconv>

namespace amtgate::image {
namespace {

constexpr std::uint64_t kMost = std::uint64_t{1} << 62U;

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t n = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (text.empty() || ec != std::errc{} || end != text.data() + text.size() || n > kMost) return std::nullopt;
  return n;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) + 1 - first);
}

bool is(std::string_view name, std::string_view wanted) {
  return std::ranges::equal(name, wanted, [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  });
}

/// What can stand in a request's header again, and in a line of our own file.
std::string validator(std::string_view text) {
  const bool good =
      text.size() <= kMaxValidator && std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
  return good ? std::string(text) : std::string();
}

/// A server in trouble is as good as away.
Error refusal(int status) {
  const Errc code = status >= 500 ? Errc::Unreachable : Errc::Refused;
  switch (status) {
    case 401:
    case 403: return {code, "the server does not give it out (status " + std::to_string(status) + ")"};
    case 404:
    case 410: return {code, "there is no such image on the server (status " + std::to_string(status) + ")"};
    case 429:
    case 503: return {Errc::Busy, "the server has too much to do (status " + std::to_string(status) + ")"};
    default: return {code, "the server answers with status " + std::to_string(status)};
  }
}

Error encoded(const Head& head) {
  return Error{Errc::Unsupported, "the server sends it encoded (" + head.encoding.substr(0, 40) + ")"};
}

}  // namespace

Result<ContentRange> parse_content_range(std::string_view text) {
  const Error bad{Errc::BadValue, "Content-Range '" + std::string(text.substr(0, 80)) + "'"};
  constexpr std::string_view kUnit = "bytes ";
  text = trimmed(text);
  if (!text.starts_with(kUnit)) return bad;
  text.remove_prefix(kUnit.size());
  const std::size_t dash = text.find('-'), slash = text.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || slash < dash) return bad;
  const auto first = number(trimmed(text.substr(0, dash)));
  const auto last = number(trimmed(text.substr(dash + 1, slash - dash - 1)));
  const auto total = number(trimmed(text.substr(slash + 1)));
  if (!first || !last || !total || *first > *last || *last >= *total) return bad;
  return ContentRange{*first, *last, *total};
}

void take_line(Head& head, std::string_view line) {
  if (line.starts_with("HTTP/")) {
    head = Head{};
    const std::size_t blank = line.find(' ');
    if (blank != std::string_view::npos)
      head.status = static_cast<int>(number(line.substr(blank + 1, 3)).value_or(0));
    return;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  const std::string_view name = line.substr(0, colon), value = trimmed(line.substr(colon + 1));
  if (is(name, "content-range")) {
    head.content_range = value.substr(0, 200);
  } else if (is(name, "content-length")) {
    head.length = number(value);
  } else if (is(name, "etag")) {
    head.etag = validator(value);
  } else if (is(name, "last-modified")) {
    head.last_modified = validator(value);
  } else if (is(name, "content-encoding")) {
    head.encoding = is(value, "identity") ? std::string() : std::string(value.substr(0, 80));
  }
}

std::string Identity::if_range() const {
  if (!etag.empty() && !etag.starts_with("W/")) return etag;
  return last_modified;
}

bool agree(const Identity& a, const Identity& b) {
  const auto differ = [](const std::string& x, const std::string& y) { return !x.empty() && !y.empty() && x != y; };
  return a.size == b.size && !differ(a.etag, b.etag) && !differ(a.last_modified, b.last_modified);
}

Result<Opening> judge_opening(const Head& head) {
  if (head.status != 200 && head.status != 206) return refusal(head.status);
  if (!head.encoding.empty()) return encoded(head);
  Opening out{{0, head.etag, head.last_modified}, head.status == 206};
  if (out.ranges) {
    const Result<ContentRange> range = parse_content_range(head.content_range);
    if (!range) return Error{Errc::BadValue, "the server's answer has a wrong " + range.error().detail};
    if (range->first != 0) {
      return Error{Errc::BadValue, "the server answers with other bytes than asked for (from " +
                                       std::to_string(range->first) + " instead of 0)"};
    }
    out.identity.size = range->total;
    return out;
  }
  if (!head.length) {
    return Error{Errc::Unsupported, "the server neither takes range requests nor says how long the image is"};
  }
  if (*head.length == 0) return Error{Errc::BadValue, "it is empty"};
  out.identity.size = *head.length;
  return out;
}

Result<Answer> judge_range(const Head& head, const Identity& known, std::uint64_t first, std::uint64_t last) {
  if (head.status == 416) return Answer::Changed;  // it has become shorter
  if (head.status != 200 && head.status != 206) return refusal(head.status);
  if (!head.encoding.empty()) return encoded(head);
  if (head.status == 200) {
    // What If-Range asks for when it is another one, and what a server does that takes no ranges any more.
    if (head.length && !agree({*head.length, head.etag, head.last_modified}, known)) return Answer::Changed;
    return Error{Errc::BadValue, "the server answers with the whole image instead of the bytes asked for"};
  }
  const Result<ContentRange> range = parse_content_range(head.content_range);
  if (!range) return Error{Errc::BadValue, "the server's answer has a wrong " + range.error().detail};
  if (!agree({range->total, head.etag, head.last_modified}, known)) return Answer::Changed;
  if (range->first != first || range->last != last) {
    return Error{Errc::BadValue, "the server answers with other bytes than asked for (" +
                                     std::to_string(range->first) + "-" + std::to_string(range->last) +
                                     " instead of " + std::to_string(first) + "-" + std::to_string(last) + ")"};
  }
  if (head.length && *head.length != last - first + 1) {
    return Error{Errc::BadValue, "the server's answer has " + std::to_string(*head.length) + " bytes instead of " +
                                     std::to_string(last - first + 1)};
  }
  return Answer::Bytes;
}

std::string shown_address(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return std::string(url);
  const std::size_t host = scheme + 3;
  std::size_t end = url.find_first_of("/?#", host);
  if (end == std::string_view::npos) end = url.size();
  const std::size_t at = url.substr(host, end - host).rfind('@');
  const std::size_t from = at == std::string_view::npos ? host : host + at + 1;
  const std::size_t rest = url.find_first_of("?#", end);
  return std::string(url.substr(0, host)) +
         std::string(url.substr(from, rest == std::string_view::npos ? rest : rest - from));
}

std::string cache_name(std::string_view url) {
  std::string out = shown_address(url);
  url = url.substr(0, url.find('#'));
  const std::size_t query = url.find('?');
  if (query == std::string_view::npos) return out;
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : url.substr(query)) hash = (hash ^ static_cast<std::uint8_t>(c)) * 1099511628211ULL;
  return out + " " + std::to_string(hash);
}

}  // namespace amtgate::image
