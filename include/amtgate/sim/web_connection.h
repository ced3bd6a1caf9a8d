// WebConnection: HTTP as AMT's own server speaks it, on 16992 and 623, behind TLS on 16993 and 664: digest
// authentication, /wsman, and the few pages of the web interface.
//
// Source: captures in the tests of Intel's management presence server (headers, chunks of at most 762 bytes with
// four-digit sizes), MeshCentral's scanner (the redirect to /logon.htm). Other paths and verbs: a guess, 404 and 405.
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "amtgate/base/machine.h"
#include "amtgate/sim/machine_side.h"
#include "amtgate/sim/machine_state.h"

namespace amtgate::sim {

class WebConnection final : public MachineSide {
 public:
  /// The request line with all headers, and a body; longer ones are refused.
  static constexpr std::size_t kMaxHead = 16 * 1024;
  static constexpr std::size_t kMaxBody = 256 * 1024;

  /// `machine` must outlive this.
  WebConnection(MachineState& machine, TimePoint now);

  /// Never an error: what goes wrong is a Close event.
  Result<void> receive(Bytes in, TimePoint now) override;
  std::optional<Event> next_event() override;
  Bytes output() const override { return out_.view(); }
  void sent(std::size_t n) override { out_.sent(n); }
  std::optional<TimePoint> deadline() const override { return answer_at_ ? answer_at_ : deadline_; }
  Result<void> tick(TimePoint now) override;

  void produce(TimePoint) override {}
  bool wants_input() const override;
  bool stalled() const override { return stalled_; }
  void closed(TimePoint now) override;
  std::string_view kind() const override { return "web"; }

 private:
  struct Head {
    std::string verb, path, authorization;
    std::size_t length = 0;
    bool close = false;
  };

  void take_requests(TimePoint now);
  Result<Head> parse_head(std::string_view text) const;
  void handle(const Head& head, std::string_view body, TimePoint now);
  /// Who it is; empty: challenged, and this connection ends.
  std::optional<std::string> authenticate(const Head& head, std::string_view body, TimePoint now);
  void challenge(bool stale);
  void wsman(std::string user, std::string_view body, TimePoint now);
  void legacy(const Head& head, std::string_view body, TimePoint now);
  /// In chunks of AMT's kind.
  void send_xml(unsigned status, std::string_view type, std::string_view xml);
  void restart(TimePoint now);
  void page(std::string_view status, std::string_view extra, std::string_view html, bool close = false);
  /// False: the request is not to be done.
  bool strike(std::optional<Fault>& fault, std::string_view body);
  void end(std::string reason, bool reset = false);

  MachineState& machine_;
  unsigned boot_;
  Buffer in_;
  std::optional<Head> head_;
  Outbox out_;
  std::deque<Event> events_;
  std::optional<TimePoint> deadline_;
  std::optional<TimePoint> answer_at_;  // there is a whole request, and its answer waits
  bool ended_ = false;
  bool stalled_ = false;
};

static_assert(Machine<WebConnection>);

}  // namespace amtgate::sim
