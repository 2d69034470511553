/*
 * host.c - busbar host: one endpoint's instances in a process of their own; busbar version
 *
 * The core starts the host and hands it a secret on a descriptor; a person has no use for it.
 */
#define _GNU_SOURCE 1
#include <config.h>
#include "core/cli/cli.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <curl/curl.h>
#include <lmdb.h>
#include <microhttpd.h>
#include <sqlite3.h>
#include <zmq.h>
#include "core/host/host.h"

int bb_cmd_host(const struct bb_args *a)
{
    struct rlimit none = {0, 0};

    if (!a->endpoint || !a->address || !a->workers || a->workers > 64 || a->fd < 3 ||
        a->fd > 1 << 20)
        return bb_cli_usage("a host is started by the core, with --endpoint, --connect, "
                            "--workers 1..64 and --fd");
    /* secrets live in this process: no dump, no other process of the user's may look in */
    if (prctl(PR_SET_DUMPABLE, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
        return bb_cli_fail("cannot turn off core dumps");
    return bb_host_main(a->endpoint, a->address, (uint32_t)a->workers, (int)a->fd);
}

int bb_cmd_version(const struct bb_args *a)
{
    int major, minor, patch;

    if (a->json) {
        printf("{\"version\":\"%s\",\"abi\":%u}\n", PACKAGE_VERSION, BB_ABI);
        return bb_print_end(BB_EXIT_OK);
    }
    zmq_version(&major, &minor, &patch);
    printf("busbar %s (plugin ABI %u)\n", PACKAGE_VERSION, BB_ABI);
    printf("with ZeroMQ %d.%d.%d, %s, SQLite %s, libmicrohttpd %s, %s\n", major, minor, patch,
           mdb_version(NULL, NULL, NULL), sqlite3_libversion(), MHD_get_version(), curl_version());
    return bb_print_end(BB_EXIT_OK);
}
