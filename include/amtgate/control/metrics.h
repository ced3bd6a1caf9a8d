// Prometheus's text format, version 0.0.4, and the little HTTP that carries it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "amtgate/control/commands.h"

namespace amtgate::control {

/// "# HELP", "# TYPE" and the samples of each name, names in the order of their first sample. Label values are
/// escaped. A sample whose name or label name Prometheus would not take is left out.
std::string render(const std::vector<Metric>& metrics);

/// The whole answer to one HTTP request, of which `head` is everything up to the empty line: the page for GET and
/// HEAD of /metrics, 404 elsewhere, 405 for other methods, 400 for what is no HTTP. The connection ends after it.
/// `page` is asked for when it is needed only.
template <class Page>
std::string http_answer(std::string_view head, Page page);

enum class HttpRequest { Page, PageHead, OtherPath, OtherMethod, Broken };
HttpRequest parse_http(std::string_view head);
std::string http_text(HttpRequest kind, std::string_view body);

template <class Page>
std::string http_answer(std::string_view head, Page page) {
  const HttpRequest kind = parse_http(head);
  const bool wanted = kind == HttpRequest::Page || kind == HttpRequest::PageHead;
  return http_text(kind, wanted ? std::string(page()) : std::string());
}

}  // namespace amtgate::control
