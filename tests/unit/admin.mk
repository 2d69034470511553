# tests of admin
