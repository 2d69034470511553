# tests/real: samples of real systems, read where they lie and skipped where they do not
TESTS += tests/real/inventree.sh
EXTRA_DIST += tests/real/inventree.sh
TESTS += tests/real/model.sh
EXTRA_DIST += tests/real/model.sh tests/real/model
