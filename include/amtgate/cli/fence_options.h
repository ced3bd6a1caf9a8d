// FenceOptions: how a cluster manager calls a fence agent: name=value lines on standard input, or words on the
// command line, and the description of both that it asks for first ("metadata").
//
// Source: ClusterLabs' Fence Agent API; names, letters and old names as in the agents that Debian packages.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "amtgate/base/result.h"
#include "amtgate/base/time.h"
#include "amtgate/config/config.h"

namespace amtgate::cli {

struct FenceOptions {
  std::string action = "reboot";
  std::string plug;  // targets of the configuration
  std::string plug_separator = ",";
  std::string separator = ",";  // of what `list` prints
  std::string config;           // empty: where it always is
  std::string ip;               // a machine that no configuration describes
  bool plug_is_ip = false;
  std::string username;
  std::string password_script;
  std::uint16_t port = 0;
  config::Secret password;
  std::vector<std::pair<std::string_view, std::string>> login;  // options of machine_options(), with their values

  bool cycle = false;  // reboot by one power cycle
  seconds power_timeout{20}, power_wait{0}, status_sleep{1};
  seconds login_timeout{5}, shell_timeout{10};
  seconds delay{0};
  unsigned retry_on = 1;

  unsigned verbose = 0;
  std::string debug_file;
  bool quiet = false, help = false, version = false;

  std::vector<std::string> unknown;  // names on standard input that this agent has not, and ignores as the API wants
};

/// Standard input is not read further than this.
inline constexpr std::size_t kMaxFenceInput = 64 * 1024;

/// Lines of name=value; empty ones and those that begin with # are passed over. Errors: BadValue, one sentence.
Result<FenceOptions> parse_fence_input(std::string_view text);
/// The command line without the program's name: -p VALUE, -pVALUE, --password VALUE, --password=VALUE, -vv.
/// Errors: BadValue, one sentence.
Result<FenceOptions> parse_fence_words(std::span<const char* const> words);

/// The actions that there are.
std::span<const std::string_view> fence_actions();
/// What `metadata` prints, for an agent of that name.
std::string fence_metadata(std::string_view agent);
/// What --help prints.
std::string fence_help(std::string_view agent);

}  // namespace amtgate::cli
