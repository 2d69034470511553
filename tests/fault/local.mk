# tests/fault: what must be survived
TESTS += tests/fault/kill.sh tests/fault/isolation.sh tests/fault/disk-full.sh tests/fault/slow.sh
EXTRA_DIST += tests/fault/lib_kill.sh tests/fault/kill.sh tests/fault/isolation.sh \
  tests/fault/disk-full.sh tests/fault/slow.sh
