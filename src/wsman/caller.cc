#include "amtgate/wsman/caller.h"

namespace amtgate::wsman {
namespace {

Result<Reply> ask(Caller& machine, const Request& request) {
  Result<Reply> reply = machine.call(request);
  if (!reply || !reply->fault) return reply;
  const Fault& f = *reply->fault;
  const bool absent = f.subcode == "DestinationUnreachable" || f.subcode == "ActionNotSupported";
  return Error{absent ? Errc::Unsupported : Errc::Refused, request.what() + ": " + f.sentence()};
}

}  // namespace

Result<Instance> get(Caller& machine, std::string_view class_name, std::vector<Selector> selectors) {
  Result<Reply> reply = ask(machine, get(class_name, std::move(selectors)));
  if (!reply) return reply.error();
  return std::move(reply->instance);
}

Result<Instance> put(Caller& machine, Instance instance, std::vector<Selector> selectors) {
  Result<Reply> reply = ask(machine, put(std::move(instance), std::move(selectors)));
  if (!reply) return reply.error();
  return std::move(reply->instance);
}

Result<Reference> create(Caller& machine, Instance instance) {
  const Request request = create(std::move(instance));
  Result<Reply> reply = ask(machine, request);
  if (!reply) return reply.error();
  if (!reply->created) return Error{Errc::BadValue, request.what() + ": an answer that names nothing created"};
  return std::move(*reply->created);
}

Result<void> remove(Caller& machine, std::string_view class_name, std::vector<Selector> selectors) {
  const Result<Reply> reply = ask(machine, remove(class_name, std::move(selectors)));
  if (!reply) return reply.error();
  return {};
}

Result<Instance> invoke(Caller& machine, std::string_view method, Instance input, std::vector<Selector> selectors) {
  const std::string class_name = input.class_name();
  Result<Reply> reply = ask(machine, invoke(method, std::move(input), std::move(selectors)));
  if (!reply) return reply.error();
  const Result<void> done = check_return_value(class_name, method, reply->instance);
  if (!done) return Error{done.error().code, class_name + "." + done.error().detail};
  return std::move(reply->instance);
}

Result<std::vector<Item>> enumerate(Caller& machine, std::string_view class_name, EnumerationMode mode) {
  Result<Reply> reply = ask(machine, enumerate(class_name, mode));
  if (!reply) return reply.error();
  std::vector<Item> out;
  Request pull = get(class_name);
  pull.operation = Operation::Pull;
  // Each pull must bring something, or it goes on for ever.
  while (!reply->end) {
    if (reply->context.empty())
      return Error{Errc::BadValue, pull.what() + ": an enumeration without a context or an end"};
    pull.context = reply->context;
    reply = ask(machine, pull);
    if (!reply) return reply.error();
    if (reply->items.empty() && !reply->end)
      return Error{Errc::BadValue, pull.what() + ": an empty answer that is not the end"};
    for (Item& item : reply->items) out.push_back(std::move(item));
    if (out.size() > kMaxItems) {
      return Error{Errc::TooLarge, pull.what() + ": more than " + std::to_string(kMaxItems) + " items"};
    }
  }
  return out;
}

}  // namespace amtgate::wsman
