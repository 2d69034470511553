/*
 * log.c - lines on stderr, for people or as JSON
 *
 * Any thread; no lock: a line is built on the caller's stack and written with one write(). The
 * settings are read from the environment once.
 */
#include "core/base/base.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int level_max = BB_LOG_INFO;
static bool as_json;

static const char *const level_names[] = {"error", "error", "warn", "info", "debug"};

struct line {
    char text[LINE_MAX_BYTES];
    size_t len;
};

const char *bb_log_level_name(int level)
{
    return level_names[level < 1 ? 1 : level > 4 ? 4 : level];
}

static void settings_read(void)
{
    const char *form = getenv("BUSBAR_LOG");
    const char *level = getenv("BUSBAR_LOG_LEVEL");

    as_json = form && strcmp(form, "json") == 0;
    for (int i = 1; level && i <= 4; i++)
        if (strcmp(level, level_names[i]) == 0)
            level_max = i;
}

bool bb_log_on(int level)
{
    pthread_once(&once, settings_read);
    return level <= level_max;
}

/* Room is kept for what ends the line. */
static void add(struct line *l, const char *s, size_t n)
{
    size_t room = sizeof(l->text) - 8 - l->len;

    if (n > room)
        n = room;
    memcpy(l->text + l->len, s, n);
    l->len += n;
}

static void add_escaped(struct line *l, const char *s, bool quoted)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        char hex[8];

        if (l->len + 16 > sizeof(l->text))
            return; /* never half an escape */
        if (c == '\n')
            add(l, "\\n", 2);
        else if (c < 0x20 || c == 0x7f)
            add(l, hex, (size_t)snprintf(hex, sizeof(hex), "\\u%04x", c));
        else if (quoted && (c == '"' || c == '\\'))
            add(l, (char[2]){'\\', (char)c}, 2);
        else
            add(l, s, 1);
    }
}

static void add_pair(struct line *l, const char *key, const char *value)
{
    bool plain = *value && !value[strcspn(value, " \"=\\\n\t")];

    if (as_json)
        add(l, ",\"", 2);
    else
        add(l, " ", 1);
    add_escaped(l, key, as_json);
    add(l, as_json ? "\":\"" : plain ? "=" : "=\"", as_json ? 3 : plain ? 1 : 2);
    add_escaped(l, value, as_json || !plain);
    if (as_json || !plain)
        add(l, "\"", 1);
}

static void line_begin(struct line *l, int level, const char *text)
{
    char time[BB_TIME_TEXT];
    const char *name = bb_log_level_name(level);

    l->len = 0;
    bb_time_text(bb_wall_ms(), time);
    if (!as_json) {
        add(l, time, strlen(time));
        add(l, " ", 1);
        add(l, name, strlen(name));
        add(l, " ", 1);
        add_escaped(l, text, false);
        return;
    }
    add(l, "{\"time\":\"", 9);
    add(l, time, strlen(time));
    add(l, "\",\"level\":\"", 11);
    add(l, name, strlen(name));
    add(l, "\",\"text\":\"", 10);
    add_escaped(l, text, true);
    add(l, "\"", 1);
}

static void line_end(struct line *l)
{
    if (as_json)
        l->text[l->len++] = '}';
    l->text[l->len++] = '\n';
    /* nobody can be told that the log is gone */
    (void)!write(STDERR_FILENO, l->text, l->len);
}

void bb_logf(int level, const char *fmt, ...)
{
    struct line l;
    char text[2048];
    va_list ap;

    if (!bb_log_on(level))
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    line_begin(&l, level, text);
    line_end(&l);
}

void bb_log_kv(int level, const char *text, ...)
{
    struct line l;
    const char *key, *value;
    va_list ap;

    if (!bb_log_on(level))
        return;
    line_begin(&l, level, text);
    va_start(ap, text);
    while ((key = va_arg(ap, const char *)) && (value = va_arg(ap, const char *)))
        add_pair(&l, key, value);
    va_end(ap);
    line_end(&l);
}

void bb_log_sink(void *arg, int level, const char *text)
{
    if (arg)
        bb_log_kv(level, text, "part", (const char *)arg, NULL);
    else
        bb_logf(level, "%s", text);
}
