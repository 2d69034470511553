/*
 * host.h - loading plugins and running their instances
 *
 * manifest.c reads a .so without running it. A host (struct bb_host_run) runs `workers` instances of
 * one endpoint, each on its own thread with its own DEALER to the hub; it lives in the core
 * (isolation thread) or is the whole of a `busbar host` process. The hub side starts and ends both
 * through bb_child_*. What passes between hub and host is only docs/protocol.md.
 */
#ifndef BB_HOST_H
#define BB_HOST_H

#include <stdbool.h>
#include <sys/types.h>
#include <busbar/message.h>

#define BB_QUERY_HOST "/query" /* behind an endpoint's name: its host for questions */

/* ---- manifest: any thread, no code of the plugin's runs ---------------------------------------- */
struct bb_manifest {
    char id[64], version[32], vendor[64];
    uint32_t abi_min, abi_max;
    bool source, sink, transform; /* roles it offers */
    bool blocking;                /* threading: "blocking", else "loop" */
    bool ordered_batch, batch, probe, query, health;
    uint32_t workers_max;         /* 0: no limit */
    struct bb_bytes schema;       /* of the endpoint's config, msgpack; points into raw */
    struct bb_bytes raw;          /* the whole manifest, msgpack; owned */
    char path[4096];
};
/* Reads the ELF note from PT_NOTE with bounded parsing and checks machine, ABI range and fields.
 * The text says what does not fit, both versions and the way out. */
int bb_manifest_read(const char *path, struct bb_manifest *m, struct bb_fault *err);
/* The same from memory: the fuzzer's door. */
int bb_manifest_parse(struct bb_bytes elf, struct bb_manifest *m, struct bb_fault *err);
void bb_manifest_free(struct bb_manifest *m);
/* Finds connector id among the *.so of the folders (NULL-ended list, first wins): 0, -1 with err
 * (what was looked for, where, and the nearest id there is). */
int bb_manifest_find(const char *id, char *const *folders, struct bb_manifest *m, struct bb_fault *err);

/* ---- rehearsals -------------------------------------------------------------------------------- */
/* Where routes are tried out (core/rehearse): all of the core is real, but every endpoint runs this
 * connector in place of its plugin's, in a thread, and time goes from one event to the next. */
struct bb_question; /* transform.h */
struct bb_rehearsal {
    const struct bb_connector *connector; /* with the batch and probe extensions */
    /* A transform step ran for a message of the route (a number of the journal's); rule: which of its
     * rules, or NULL. On the instance's thread. */
    void (*ran)(void *arg, uint32_t route, uint32_t step, const char *rule);
    int64_t (*now_ns)(void *arg); /* the clock that transforms see */
    /* Answers a step's question, as bb_transform_run's ask does. */
    bb_status (*ask)(void *arg, const struct bb_question *q, struct bb_buf *answer, struct bb_fault *err);
    uint32_t (*unanswered)(void *arg); /* deliveries that the connector will not answer by itself */
    void *arg;
};

/* ---- the host's own side ------------------------------------------------------------------------- */
struct bb_host_spec {
    const char *endpoint;
    const char *address;  /* BB_WIRE_INPROC, or ipc://... */
    void *zmq;            /* context */
    uint8_t secret[16];
    uint32_t workers;
    int life_fd;          /* process: closes when the core dies; -1 in the core */
    const struct bb_rehearsal *rehearsal; /* or NULL */
};
struct bb_host_run;
/* Starts the instance threads; each says HELLO and goes on by itself. */
struct bb_host_run *bb_host_run_start(const struct bb_host_spec *s, struct bb_fault *err);
/* True when every instance has ended. */
bool bb_host_run_done(const struct bb_host_run *h);
/* Joins the threads that ended; in the core a hung one is left behind and said so. 0, or how many hang. */
int bb_host_run_join(struct bb_host_run **hp, uint32_t timeout_ms);

/* main() of `busbar host --endpoint NAME --connect ADDRESS --workers N --fd FD`: reads the secret
 * from FD (16 bytes, then the pipe stays open as the core's life line), runs, returns the exit status. */
int bb_host_main(const char *endpoint, const char *address, uint32_t workers, int fd);

/* ---- the core's side: starting and ending hosts (hub thread) --------------------------------------- */
struct bb_child;
struct bb_child_spec {
    const char *program;  /* path of the busbar program; NULL: run it as threads in this process */
    const char *endpoint, *address;
    void *zmq;
    uint32_t workers;
    uint64_t memory_max;  /* RLIMIT_AS-like bound of a process, 0 none */
    int nice;             /* of a process: 0 as the core, 19 only what nobody else wants */
    const struct bb_rehearsal *rehearsal; /* of threads; or NULL */
};
struct bb_child *bb_child_start(const struct bb_child_spec *s, struct bb_fault *err);
const uint8_t *bb_child_secret(const struct bb_child *c); /* 16 bytes HELLO must show, valid once per worker */
pid_t bb_child_pid(const struct bb_child *c);             /* 0 for threads */
int bb_child_fd(const struct bb_child *c);                /* pidfd, readable at exit; -1 for threads */
/* How it ended, "exited with status 3", "killed by signal 11 (SIGSEGV)"; false while it runs. */
bool bb_child_ended(struct bb_child *c, char *how, size_t cap);
void bb_child_kill(struct bb_child *c);                   /* SIGKILL; threads: nothing, said in the log */
void bb_child_free(struct bb_child **cp);                 /* after it ended */

#endif
