# tests of host
