/*
 * zmq_tsan.c - tells ThreadSanitizer what libzmq promises: a message's bytes are handed over whole
 *
 * libzmq is not built with ThreadSanitizer, so the fence between the thread that fills a message and
 * the one that reads it is invisible to it. Linked with --wrap: sending releases the message's bytes,
 * receiving acquires those very bytes, and nothing else. Without ThreadSanitizer both only pass on.
 */
#include <zmq.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WITH_TSAN 1
#endif
#endif
#ifdef __SANITIZE_THREAD__
#define WITH_TSAN 1
#endif

#ifdef WITH_TSAN
#include <sanitizer/tsan_interface.h>
#else
#define __tsan_release(p) ((void)(p))
#define __tsan_acquire(p) ((void)(p))
#endif

int __real_zmq_msg_send(zmq_msg_t *m, void *socket, int flags);
int __real_zmq_msg_recv(zmq_msg_t *m, void *socket, int flags);
int __wrap_zmq_msg_send(zmq_msg_t *m, void *socket, int flags);
int __wrap_zmq_msg_recv(zmq_msg_t *m, void *socket, int flags);

int __wrap_zmq_msg_send(zmq_msg_t *m, void *socket, int flags)
{
    __tsan_release(zmq_msg_data(m));
    return __real_zmq_msg_send(m, socket, flags);
}

int __wrap_zmq_msg_recv(zmq_msg_t *m, void *socket, int flags)
{
    int rc = __real_zmq_msg_recv(m, socket, flags);
    if (rc >= 0)
        __tsan_acquire(zmq_msg_data(m));
    return rc;
}
