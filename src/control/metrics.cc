#include "amtgate/control/metrics.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

namespace amtgate::control {
namespace {

bool is_name(std::string_view text, bool colon) {
  const auto letter = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colon && c == ':');
  };
  return !text.empty() && letter(text.front()) &&
         std::ranges::all_of(text, [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

// Backslash and newline always; the quote in label values only, as the format has it.
std::string escaped(std::string_view text, bool quote) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quote) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
  return out;
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char text[32];
  // Counters are whole numbers, exact up to 2^53.
  const bool whole = std::trunc(value) == value && std::fabs(value) < 9007199254740992.0;
  std::snprintf(text, sizeof text, whole ? "%.0f" : "%.17g", value);
  return text;
}

void sample(std::string& out, const Metric& m) {
  out += m.name;
  if (!m.labels.empty()) {
    out += '{';
    for (std::size_t i = 0; i < m.labels.size(); ++i) {
      if (i > 0) out += ',';
      out += m.labels[i].first + "=\"" + escaped(m.labels[i].second, true) + '"';
    }
    out += '}';
  }
  out += ' ' + number(m.value) + '\n';
}

}  // namespace

std::string render(const std::vector<Metric>& metrics) {
  std::vector<std::string> order;
  std::map<std::string, std::vector<const Metric*>> by_name;
  for (const Metric& m : metrics) {
    const bool good = is_name(m.name, true) &&
                      std::ranges::all_of(m.labels, [](const auto& label) { return is_name(label.first, false); });
    if (!good) continue;
    auto& list = by_name[m.name];
    if (list.empty()) order.push_back(m.name);
    list.push_back(&m);
  }
  std::string out;
  for (const std::string& name : order) {
    const auto& list = by_name[name];
    out += "# HELP " + name + ' ' + escaped(list.front()->help, false) + '\n';
    out += "# TYPE " + name + (list.front()->type == MetricType::Counter ? " counter\n" : " gauge\n");
    for (const Metric* m : list) sample(out, *m);
  }
  return out;
}

HttpRequest parse_http(std::string_view head) {
  std::string_view line = head.substr(0, head.find('\n'));
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || last == first) return HttpRequest::Broken;
  const std::string_view method = line.substr(0, first);
  std::string_view path = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return HttpRequest::Broken;
  if (path.empty() || path.front() != '/') return HttpRequest::Broken;
  if (method != "GET" && method != "HEAD") return HttpRequest::OtherMethod;
  path = path.substr(0, path.find('?'));
  if (path != "/metrics") return HttpRequest::OtherPath;
  return method == "GET" ? HttpRequest::Page : HttpRequest::PageHead;
}

std::string http_text(HttpRequest kind, std::string_view body) {
  const char* status = "200 OK";
  const char* type = "text/plain; version=0.0.4; charset=utf-8";
  std::string own;
  switch (kind) {
    case HttpRequest::Page:
    case HttpRequest::PageHead: break;
    case HttpRequest::OtherPath:
      status = "404 Not Found";
      own = "The metrics are at /metrics.\n";
      break;
    case HttpRequest::OtherMethod:
      status = "405 Method Not Allowed\r\nAllow: GET, HEAD";
      own = "Only GET and HEAD.\n";
      break;
    case HttpRequest::Broken:
      status = "400 Bad Request";
      own = "This is not HTTP.\n";
      break;
  }
  if (!own.empty()) body = own;
  std::string out = std::string("HTTP/1.1 ") + status + "\r\nContent-Type: " + type +
                    "\r\nContent-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n";
  if (kind != HttpRequest::PageHead) out += body;
  return out;
}

}  // namespace amtgate::control
