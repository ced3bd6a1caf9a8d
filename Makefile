# amtgate: one file, no recursion. Variables that a user may set:
#   PREFIX SBINDIR BINDIR SYSCONFDIR MANDIR UNITDIR SYSUSERSDIR COMPDIR DATADIR DESTDIR   where `make install` puts things
#   CXX CXXFLAGS LDFLAGS   the compiler and what to add to its flags
#   SAN=address|thread     sanitizer build, in build/$(SAN)        WERROR=1   warnings are errors
#   FUZZ_S=30              seconds for each fuzz target            VM_RUN=    a runner for tests that need another kernel
#   V=1                    show the commands
PREFIX      ?= /usr/local
SBINDIR     ?= $(PREFIX)/sbin
BINDIR      ?= $(PREFIX)/bin
SYSCONFDIR  ?= /etc
MANDIR      ?= $(PREFIX)/share/man
UNITDIR     ?= /lib/systemd/system
SYSUSERSDIR ?= /usr/lib/sysusers.d
COMPDIR     ?= $(PREFIX)/share/bash-completion/completions
DATADIR     ?= $(PREFIX)/share/amtgate
FUZZ_S      ?= 30
comma       := ,
BUILD       ?= build$(if $(SAN),/$(SAN))
Q           := $(if $(V),,@)
export VM_RUN

VERSION  := 0.1.0
PROGRAMS := amtgated amtgate amtgate-rules amtgate-sim
LIBS     := libevent_core libevent_extra libevent_pthreads openssl libnetfilter_queue libmnl inih spdlog fmt libsystemd libcap libcares zlib libturbojpeg xkbcommon libpng pugixml libcurl
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN)$(if $(filter address,$(SAN)),$(comma)undefined) -fno-omit-frame-pointer)


CPPFLAGS += -Iinclude -I. -DAMTGATE_VERSION='"$(VERSION)"' -DAMTGATE_SYSCONFDIR='"$(SYSCONFDIR)"'
FLAGS    := -std=c++20 -pthread -fPIE -fstack-protector-strong -Wall -Wextra -Wshadow -Wconversion $(if $(WERROR),-Werror)
# Optimising takes more than half of the compiler's time: what only has to be right, not fast, does without.
FAST     := -O2 -g -D_FORTIFY_SOURCE=2
# (Under the thread sanitizer the tests would take longer than the compiler gains.)
SLOW     := $(if $(filter thread,$(SAN)),-O1 -g1 -Wno-maybe-uninitialized,-O0 -g1)
OPTIMISE  = $(if $(SAN),$(SLOW),$(FAST))
$(BUILD)/tests/%.o: OPTIMISE = $(SLOW)
$(BUILD)/tests/bench/%.o: OPTIMISE = $(FAST)
LINK     := -pthread -pie -Wl,-z,relro,-z,now,--as-needed

SRCS   := $(filter-out src/bin/%,$(wildcard src/*/*.cc))
OBJS   := $(SRCS:%.cc=$(BUILD)/%.o)
# What has threads, or runs on several: all that the thread sanitizer can say something of.
THREADED := cli daemon device gateway http image net simhost sys
TESTED := $(if $(filter thread,$(SAN)),$(THREADED),*)
TESTS  := $(wildcard $(TESTED:%=tests/%/*_test.cc)) $(filter-out tests/support/replay_main.cc,$(wildcard tests/support/*.cc))
FUZZ   := $(wildcard tests/*/*_fuzz.cc)
REPLAYS := $(FUZZ:tests/%_fuzz.cc=$(BUILD)/replay/%)
BINS   := $(PROGRAMS:%=$(BUILD)/%)
ARCHIVE := $(BUILD)/libamtgate.a
SCREEN_BENCH := $(addprefix tests/bench/,screen.cc screen_serve.cc screen_view.cc library_viewer.cc recording.cc)
SYSTEM ?= $(wildcard tests/system/*.sh)

all: $(BINS)

# pkg-config is asked only when something is built, so that `make deps` runs where it is not installed yet.
PKG_CFLAGS = $(shell pkg-config --cflags $(LIBS))
PKG_LIBS   = $(shell pkg-config --libs $(LIBS))

$(BUILD)/%.o: %.cc
	$(Q)mkdir -p $(@D)
	$(if $(V),,@echo "  CXX  $<")
	$(Q)$(CXX) $(CPPFLAGS) $(PKG_CFLAGS) $(FLAGS) $(OPTIMISE) $(SANFLAGS) $(CXXFLAGS) -MMD -MP -c $< -o $@
$(ARCHIVE): $(OBJS)
	$(Q)rm -f $@ && $(AR) rcs $@ $(OBJS)
$(BINS): $(BUILD)/%: $(BUILD)/src/bin/%.o $(ARCHIVE)
	$(if $(V),,@echo "  LINK $@")
	$(Q)$(CXX) $(LINK) $(SANFLAGS) $< $(ARCHIVE) $(PKG_LIBS) $(LDFLAGS) -o $@
$(BUILD)/unit: $(TESTS:%.cc=$(BUILD)/%.o) $(ARCHIVE)
	$(if $(V),,@echo "  LINK $@")
	$(Q)$(CXX) $(LINK) $(SANFLAGS) $(TESTS:%.cc=$(BUILD)/%.o) $(ARCHIVE) -lgmock -lgtest -lgtest_main $(PKG_LIBS) $(LDFLAGS) -o $@
$(REPLAYS): $(BUILD)/replay/%: $(BUILD)/tests/%_fuzz.o $(BUILD)/tests/support/replay_main.o $(ARCHIVE)
	$(Q)mkdir -p $(@D)
	$(Q)$(CXX) $(LINK) $(SANFLAGS) $^ $(PKG_LIBS) $(LDFLAGS) -o $@
$(BUILD)/bench/load: tests/bench/load.cc tests/bench/redirection.h
	$(Q)mkdir -p $(@D) && $(CXX) $(CPPFLAGS) $(FLAGS) $(FAST) $< -lcrypto -lssl -o $@
$(BUILD)/bench/ider: tests/bench/ider.cc tests/bench/redirection.h
	$(Q)mkdir -p $(@D) && $(CXX) $(CPPFLAGS) $(FLAGS) $(FAST) $< -lcrypto -lssl -o $@
$(BUILD)/bench/delay: tests/bench/delay.cc
	$(Q)mkdir -p $(@D) && $(CXX) $(CPPFLAGS) $(FLAGS) $(FAST) $< -o $@
$(BUILD)/bench/web: tests/bench/web.cc
	$(Q)mkdir -p $(@D) && $(CXX) $(CPPFLAGS) $(FLAGS) $(FAST) $< -o $@
$(BUILD)/bench/serial: $(BUILD)/tests/bench/serial.o $(ARCHIVE)
	$(Q)mkdir -p $(@D) && $(CXX) $(LINK) $(SANFLAGS) $^ $(PKG_LIBS) $(LDFLAGS) -o $@
$(BUILD)/bench/pixels: $(BUILD)/tests/bench/pixels.o $(ARCHIVE)
	$(Q)mkdir -p $(@D) && $(CXX) $(LINK) $(SANFLAGS) $^ -lvncserver -lvncclient $(PKG_LIBS) $(LDFLAGS) -o $@
$(BUILD)/bench/screen: $(SCREEN_BENCH:%.cc=$(BUILD)/%.o) $(ARCHIVE)
	$(Q)mkdir -p $(@D) && $(CXX) $(LINK) $(SANFLAGS) $^ -lvncclient $(PKG_LIBS) $(LDFLAGS) -o $@
$(BUILD)/bench/reserver: $(BUILD)/tests/bench/reserver.o
	$(Q)mkdir -p $(@D) && $(CXX) $(LINK) $(SANFLAGS) $^ -lvncserver -lvncclient $(LDFLAGS) -o $@
-include $(wildcard $(BUILD)/tests/bench/*.d) $(OBJS:.o=.d) $(PROGRAMS:%=$(BUILD)/src/bin/%.d) $(TESTS:%.cc=$(BUILD)/%.d) $(FUZZ:%.cc=$(BUILD)/%.d)

# --- tests -----------------------------------------------------------------------------------------------
deps:
	$(Q)scripts/deps
check: deps
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) $(if $(SAN),,all $(BUILD)/bench/load) $(BUILD)/unit $(if $(filter thread,$(SAN)),,$(REPLAYS))
	$(Q)BUILD=$(BUILD) SAN=$(SAN) scripts/check
check-unit: $(BUILD)/unit
	$(Q)$(BUILD)/unit --gtest_brief=1
check-corpus: $(REPLAYS)
	$(Q)set -e; for r in $(FUZZ:tests/%_fuzz.cc=%); do $(BUILD)/replay/$$r tests/$$(dirname $$r)/corpus/$$(basename $$r); done
check-layers:
	$(Q)scripts/check-layers
check-conf: $(BINS)
	$(Q)BUILD=$(BUILD) scripts/check-conf
check-system: $(BINS) $(BUILD)/bench/load
	$(Q)BUILD=$(BUILD) scripts/run-system $(SYSTEM)
demo: deps
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) all
	$(Q)BUILD=$(BUILD) scripts/demo
bench:
	$(Q)scripts/deps build run bench
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) all $(addprefix $(BUILD)/bench/,load pixels screen reserver)
	$(Q)BUILD=$(BUILD) scripts/bench
fuzz:
	$(Q)FUZZ_S=$(FUZZ_S) scripts/fuzz
lint:
	$(Q)scripts/lint
format:
	$(Q)git ls-files '*.cc' '*.h' | xargs clang-format -i

# --- install ---------------------------------------------------------------------------------------------
install: all
	$(Q)BUILD=$(BUILD) DESTDIR="$(DESTDIR)" SBINDIR=$(SBINDIR) BINDIR=$(BINDIR) SYSCONFDIR=$(SYSCONFDIR) MANDIR=$(MANDIR) \
	  UNITDIR=$(UNITDIR) SYSUSERSDIR=$(SYSUSERSDIR) COMPDIR=$(COMPDIR) DATADIR=$(DATADIR) scripts/install install
uninstall:
	$(Q)DESTDIR="$(DESTDIR)" SBINDIR=$(SBINDIR) BINDIR=$(BINDIR) SYSCONFDIR=$(SYSCONFDIR) MANDIR=$(MANDIR) \
	  UNITDIR=$(UNITDIR) SYSUSERSDIR=$(SYSUSERSDIR) COMPDIR=$(COMPDIR) DATADIR=$(DATADIR) scripts/install uninstall
deb: all
	$(Q)VERSION=$(VERSION) BUILD=$(BUILD) scripts/deb
clean:
	$(Q)rm -rf build

.PHONY: all deps check check-unit check-corpus check-layers check-conf check-system demo bench fuzz lint format install uninstall deb clean
.DELETE_ON_ERROR:
