#include "amtgate/wsman/audit_log.h"

#include <algorithm>
#include <iterator>

#include "amtgate/base/base64.h"
#include "amtgate/base/hex.h"
#include "amtgate/base/reader.h"
#include "amtgate/wsman/users.h"

namespace amtgate::wsman {
namespace {

constexpr const char* kLog = "AMT_AuditLog";
constexpr std::size_t kMaxRecords = 20'000;

struct Word {
  unsigned application, event;
  std::string_view text;
};
constexpr Word kEvents[] = {
    {16, 0, "set-up was started"},
    {16, 1, "set-up was completed"},
    {16, 2, "a user was added"},
    {16, 3, "a user was changed"},
    {16, 4, "a user was deleted"},
    {16, 5, "a login with wrong credentials"},
    {16, 6, "a user was enabled or disabled"},
    {16, 7, "TLS was switched"},
    {16, 8, "a TLS certificate was set"},
    {16, 9, "a TLS certificate was removed"},
    {16, 10, "a trusted root certificate was added"},
    {16, 11, "a trusted root certificate was removed"},
    {16, 12, "a pre-shared key was set"},
    {16, 13, "Kerberos settings were changed"},
    {16, 14, "a Kerberos key was changed"},
    {16, 15, "the flash wear counters were reset"},
    {16, 16, "the power package was changed"},
    {16, 17, "the authentication of a realm was changed"},
    {16, 18, "client control became admin control"},
    {16, 19, "the set-up was undone"},
    {17, 0, "switched on"},
    {17, 1, "switched off"},
    {17, 2, "power-cycled"},
    {17, 3, "reset"},
    {17, 4, "boot options were set"},
    {17, 5, "shut down"},
    {17, 6, "restarted by its operating system"},
    {17, 7, "put to sleep"},
    {17, 8, "hibernated"},
    {17, 9, "a diagnostic interrupt"},
    {18, 0, "redirected drives were opened"},
    {18, 1, "redirected drives were closed"},
    {18, 2, "redirected drives were enabled"},
    {18, 3, "redirected drives were disabled"},
    {18, 4, "the serial console was opened"},
    {18, 5, "the serial console was closed"},
    {18, 6, "the serial console was enabled"},
    {18, 7, "the serial console was disabled"},
    {18, 8, "the screen was opened"},
    {18, 9, "the screen was closed"},
    {18, 10, "the screen was enabled"},
    {18, 11, "the screen was disabled"},
    {18, 12, "the VNC password was wrong three times"},
    {20, 0, "the audit log was cleared"},
    {20, 1, "what is audited was changed"},
    {20, 2, "auditing was switched off"},
    {20, 3, "auditing was switched on"},
    {20, 4, "the audit log was exported"},
    {21, 0, "the clock was set"},
    {22, 0, "addresses were changed"},
    {22, 1, "the host name was changed"},
    {22, 2, "the domain was changed"},
    {22, 3, "the VLAN was changed"},
    {22, 4, "the link policy was changed"},
    {22, 5, "IPv6 was changed"},
    {24, 0, "an alert was subscribed to"},
    {24, 1, "an alert was unsubscribed from"},
    {24, 2, "the event log was cleared"},
    {24, 3, "the event log was frozen"},
    {29, 0, "consent to KVM was switched on"},
    {29, 1, "consent to KVM was switched off"},
    {29, 2, "the KVM password was changed"},
    {29, 3, "the user consented to KVM"},
    {29, 4, "the user's consent to KVM failed"},
    {30, 0, "the consent policy was changed"},
    {30, 1, "a consent code was handed in"},
    {30, 2, "a start of consent was blocked"},
};
constexpr Word kApplications[] = {{16, 0, "Security"},        {17, 0, "Power"},     {18, 0, "Redirection"},
                                  {19, 0, "Firmware"},        {20, 0, "Audit log"}, {21, 0, "Time"},
                                  {22, 0, "Network"},         {23, 0, "Storage"},   {24, 0, "Event log"},
                                  {25, 0, "Packet filters"},  {26, 0, "Agents"},    {27, 0, "Wireless"},
                                  {28, 0, "Network access"},  {29, 0, "KVM"},       {30, 0, "Consent"},
                                  {32, 0, "Screen blanking"}, {33, 0, "Watchdog"}};

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace

std::string AuditRecord::application_name() const {
  const auto* at = std::ranges::find(kApplications, application, &Word::application);
  return at == std::end(kApplications) ? "application " + std::to_string(application) : std::string(at->text);
}

std::string AuditRecord::sentence() const {
  const auto* at =
      std::ranges::find_if(kEvents, [&](const Word& w) { return w.application == application && w.event == event; });
  std::string out = at == std::end(kEvents) ? "event " + std::to_string(event) : std::string(at->text);
  // Of some events the data are a name.
  if (!data.empty() && data.size() <= 64 && is_printable(as_text(data)))
    return out + ": " + std::string(as_text(data));
  if (at == std::end(kEvents) && !data.empty())
    out += ", data " + to_hex(Bytes(data).first(std::min<std::size_t>(data.size(), 32)));
  return out;
}

Result<AuditRecord> parse_audit_record(Bytes record) {
  Reader in(record);
  AuditRecord out;
  out.application = in.be16();
  out.event = in.be16();
  switch (in.u8()) {
    case 0: out.who = as_text(in.take_len8()); break;
    case 1: {
      in.skip(4);
      const Bytes sid = in.take_len8();
      const Result<std::string> text = format_sid(sid);
      out.who = text ? *text : "SID " + to_hex(sid);
      break;
    }
    case 2: out.who = "(local)"; break;
    case 3: out.who = "(KVM)"; break;
    default: return Error{Errc::BadValue, "an audit record of somebody of an unknown kind"};
  }
  out.time = in.be32();
  in.skip(1);
  out.place = as_text(in.take_len8());
  const Bytes data = in.take_len8();
  out.data.assign(data.begin(), data.end());
  if (!in.done()) return Error{Errc::BadValue, "an audit record of " + std::to_string(record.size()) + " bytes"};
  return out;
}

Result<AuditLog> read_audit_log(Caller& machine) {
  AuditLog out;
  std::size_t read = 0;
  while (true) {
    Instance in(kLog);
    in.add("StartIndex", std::to_string(read + 1));
    const Result<Instance> page = invoke(machine, "ReadRecords", std::move(in));
    if (!page) return page.error();
    const std::vector<std::string_view> records = page->texts("EventRecords");
    for (const std::string_view text : records) {
      const Result<Buffer> bytes = from_base64(text);
      Result<AuditRecord> record = bytes ? parse_audit_record(*bytes) : bytes.error();
      if (record) {
        out.records.push_back(std::move(*record));
      } else {
        ++out.unreadable;
      }
    }
    read += records.size();
    if (records.empty() || read >= page->number("TotalRecordCount").value_or(0)) return out;
    if (read > kMaxRecords) {
      return Error{Errc::TooLarge, "ReadRecords: more than " + std::to_string(kMaxRecords) + " records"};
    }
  }
}

}  // namespace amtgate::wsman
