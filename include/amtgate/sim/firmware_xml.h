// How AMT's firmware writes a WS-Management reply: fixed prefixes, one line, properties in ASCII order. Simple
// clients search replies for literal bytes, so the simulator must write them as the firmware does.
//
// Source: captures in go-wsman-messages (AMT 12 to 16) and what amtc searches for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "amtgate/wsman/reply.h"
#include "amtgate/wsman/request.h"

namespace amtgate::sim {

/// `counter` numbers the message. Of a Reply without a fault what belongs to the request's operation is written;
/// items in the request's mode.
std::string firmware_xml(const wsman::Request& request, const wsman::Reply& reply, std::uint64_t counter);

/// The fault envelope, which has prefixes of its own. `code`: "b:DestinationUnreachable" as the firmware spells it.
std::string firmware_fault_xml(std::string_view message_id, std::string_view code, std::string_view reason,
                               std::string_view detail, std::uint64_t counter);

}  // namespace amtgate::sim
