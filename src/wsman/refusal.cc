// What a fault, a ReturnValue and a PT_STATUS mean, in words. Sources: Intel's class reference (ReturnValue lists),
// DSP0226 (fault codes), the PT_STATUS table of Intel's SDK.
#include <algorithm>
#include <array>
#include <span>

#include "amtgate/wsman/reply.h"
#include "amtgate/wsman/request_class.h"

namespace amtgate::wsman {
namespace {

struct Word {
  std::uint32_t value;
  std::string_view text;
};

constexpr std::array<Word, 63> kPtStatus = {{
    {0, "success"},
    {1, "internal error"},
    {2, "not ready"},
    {3, "invalid provisioning mode"},
    {4, "invalid message length"},
    {9, "invalid registration data"},
    {10, "application does not exist"},
    {11, "not enough storage"},
    {12, "invalid name"},
    {13, "block does not exist"},
    {16, "not permitted"},
    {17, "not the owner"},
    {23, "limit reached"},
    {24, "invalid authentication type"},
    {25, "authentication failed"},
    {26, "invalid DHCP mode"},
    {27, "invalid IP address"},
    {28, "invalid domain name"},
    {29, "unsupported version"},
    {30, "unexpected request"},
    {32, "invalid provisioning state"},
    {33, "unsupported object"},
    {34, "invalid time"},
    {35, "invalid index"},
    {36, "invalid parameter"},
    {37, "invalid netmask"},
    {38, "flash write limit exceeded"},
    {46, "too many connections"},
    {47, "random numbers are being made"},
    {48, "random numbers not ready"},
    {49, "certificate not ready"},
    {1024, "disabled by policy"},
    {2048, "network interface error"},
    {2049, "unsupported OEM number"},
    {2050, "unsupported boot option"},
    {2051, "invalid command"},
    {2052, "invalid special command"},
    {2053, "invalid handle"},
    {2054, "invalid password"},
    {2055, "invalid realm"},
    {2056, "storage entry in use"},
    {2057, "data missing"},
    {2058, "it is there already"},
    {2059, "event log frozen"},
    {2060, "keys missing"},
    {2061, "keys are being made"},
    {2062, "invalid key"},
    {2063, "invalid certificate"},
    {2064, "certificate and key do not match"},
    {2065, "too many Kerberos domains"},
    {2066, "unsupported"},
    {2067, "invalid priority"},
    {2068, "not found"},
    {2069, "invalid credentials"},
    {2070, "invalid passphrase"},
    {2072, "no association"},
    {2075, "the audit log refuses it"},
    {2076, "a component blocks it"},
    {2081, "the user's consent is needed"},
    {2082, "operation in progress"},
    {4096, "internal error of an application"},
    {18, "storage block error"},
    {31, "invalid table type"},
}};

constexpr std::array<Word, 11> kStateChange = {{{1, "not supported"},
                                                {2, "it failed for a reason of its own"},
                                                {3, "it would take too long"},
                                                {4, "failed"},
                                                {5, "invalid parameter"},
                                                {6, "in use"},
                                                {4096, "started, and still going on"},
                                                {4097, "not possible in its present state"},
                                                {4098, "a time limit is not supported"},
                                                {4099, "busy"},
                                                {0, "done"}}};
constexpr std::array<Word, 6> kBoot = {{{1, "not supported"},
                                        {2, "it failed for a reason of its own"},
                                        {3, "busy"},
                                        {4, "invalid reference"},
                                        {5, "invalid parameter"},
                                        {6, "access denied"}}};
constexpr std::array<Word, 4> kOptIn = {{{1, "internal error"},
                                         {2, "not possible in the present state of the consent"},
                                         {3, "blocked after too many wrong codes"},
                                         {4, "its flash memory failed"}}};

std::span<const Word> family_of(std::string_view class_name, std::string_view method) {
  if (class_name == "IPS_OptInService") return kOptIn;
  if (method == "ChangeBootOrder" || method == "SetBootConfigRole") return kBoot;
  if (class_name.starts_with("CIM_") || method == "RequestStateChange") return kStateChange;
  return {};
}

/// What to do about it, as the end of a sentence; empty where nothing general can be said.
std::string_view advice(std::uint64_t pt_status) {
  switch (pt_status) {
    case 16: return "; the account lacks the realm, or the firmware does not allow it in its present mode";
    case 36: return "; one of the values is not one that this firmware takes";
    case 38: return "; wait some minutes and try again";
    case 2054: return "; it needs 8 to 32 characters with upper and lower case, a digit and a special character";
    case 2058: return "; take the old one away first, or go on without";
    case 2081: return "; `amtgate consent start` asks for it";
    case 2:
    case 2061:
    case 2082: return "; try again in a few seconds";
    default: return "";
  }
}

std::string_view fault_words(std::string_view subcode) {
  if (subcode == "DestinationUnreachable") return "the firmware does not have this class";
  if (subcode == "ActionNotSupported") return "the firmware does not have this operation";
  if (subcode == "InvalidSelectors") return "there is no such instance";
  if (subcode == "AccessDenied") {
    return "access denied: the account lacks the realm, or the user's consent is needed (`amtgate consent start`)";
  }
  if (subcode == "SchemaValidationError" || subcode == "InvalidParameter" || subcode == "InvalidRepresentation") {
    return "a value or element is not what the firmware takes";
  }
  if (subcode == "InvalidEnumerationContext") return "the enumeration has expired";
  if (subcode == "TimedOut") return "the firmware ran out of time";
  if (subcode == "QuotaLimit" || subcode == "Concurrency") return "the firmware is busy; try again in a few seconds";
  if (subcode == "AlreadyExists") return "it is there already";
  return "";
}

}  // namespace

std::string pt_status_text(std::uint64_t status) {
  const auto* at = std::ranges::find(kPtStatus, status, &Word::value);
  return at == kPtStatus.end() ? "status " + std::to_string(status)
                               : std::string(at->text) + " (status " + std::to_string(status) + ")";
}

std::string Fault::sentence() const {
  // A gateway on the way has said no, in words of its own.
  if (reason.starts_with(kGatewayReason)) return reason.substr(0, 300);
  if (pt_status) return pt_status_text(*pt_status) + std::string(advice(*pt_status));
  const std::string_view words = fault_words(subcode);
  if (!words.empty()) return std::string(words);
  std::string out = subcode.empty() ? "a fault without a code" : "the fault " + subcode.substr(0, 64);
  if (!reason.empty()) out += ": " + reason.substr(0, 200);
  return out;
}

Result<void> check_return_value(std::string_view class_name, std::string_view method, const Instance& output) {
  const std::optional<std::uint64_t> value = output.number("ReturnValue");
  if (!value) return Error{Errc::BadValue, std::string(method) + ": an answer without a ReturnValue"};
  if (*value == 0) return {};
  // Vendors' codes of DMTF's methods: 32768 + PT_STATUS.
  const std::span<const Word> family = family_of(class_name, method);
  if (!family.empty() && *value < 32768) {
    const auto at = std::ranges::find(family, *value, &Word::value);
    const std::string words = at == family.end() ? "refused" : std::string(at->text);
    return Error{Errc::Refused, std::string(method) + ": " + words + " (ReturnValue " + std::to_string(*value) + ")"};
  }
  const std::uint64_t status = family.empty() ? *value : *value - 32768;
  const bool busy = status == 2061 || status == 2082;
  return Error{busy ? Errc::Busy : Errc::Refused,
               std::string(method) + ": " + pt_status_text(status) + std::string(advice(status))};
}

}  // namespace amtgate::wsman
