// Audit log: who did what to a machine (AMT_AuditLog), as sentences. Its readers need the realm AuditLog.
//
// Source: Intel's class reference (records and the table of events), go-wsman-messages.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "amtgate/base/bytes.h"
#include "amtgate/wsman/caller.h"

namespace amtgate::wsman {

/// be16 application | be16 event | u8 kind of who did it: 0 digest, then u8 length and name; 1 Kerberos, then be32 of
/// the user in its domain, u8 length and SID; 2 somebody at the machine; 3 KVM at port 5900 | be32 Unix time | u8
/// kind of place | u8 length, its address as text | u8 length, data of the event.
struct AuditRecord {
  std::uint16_t application = 0, event = 0;
  std::string who;  // "admin", "S-1-5-...", "(local)", "(KVM)"
  std::int64_t time = 0;
  std::string place;  // "192.0.2.5"; empty: not told
  Buffer data;

  std::string application_name() const;  // "Redirection"; "application 99"
  std::string sentence() const;          // "the serial console was opened"
};
/// Errors: BadValue (too short, too long, a kind that is not known).
Result<AuditRecord> parse_audit_record(Bytes record);

struct AuditLog {
  std::vector<AuditRecord> records;  // as the machine gives them: the oldest first
  std::size_t unreadable = 0;
};
/// All of it. Errors: also TooLarge.
Result<AuditLog> read_audit_log(Caller& machine);

}  // namespace amtgate::wsman
