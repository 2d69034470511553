/*
 * flight.c - deliveries between dispatch and the commit of their settlement
 *
 * A token is slot + generation: a RESULT that comes late, twice, or from a host's earlier life names
 * a generation that has passed and is ignored. Flights live in blocks that never move; the number
 * of blocks follows what is in flight, not what waits.
 */
#include <stdlib.h>

#include "core/hub/internal.h"

#define BLOCK 256u

static int flights_grow(struct bb_hub *h)
{
    struct hub_flight **v = realloc(h->flights, (h->n_flights / BLOCK + 1) * sizeof *v);
    struct hub_flight *block;

    if (!v)
        return -1;
    h->flights = v;
    block = calloc(BLOCK, sizeof *block);
    if (!block)
        return -1;
    v[h->n_flights / BLOCK] = block;
    for (uint32_t i = 0; i < BLOCK; i++) {
        block[i].slot = (uint32_t)h->n_flights + i;
        block[i].gen = 1;
        block[i].next = h->free_flights;
        h->free_flights = &block[i];
    }
    h->n_flights += BLOCK;
    return 0;
}

struct hub_flight *hub_flight_new(struct bb_hub *h)
{
    struct hub_flight *f;

    if (!h->free_flights && flights_grow(h) != 0)
        return NULL;
    f = h->free_flights;
    h->free_flights = f->next;
    f->next = f->prev = NULL;
    f->cancelled = f->settling = false;
    f->peer = NULL;
    f->batch = NULL;
    return f;
}

bool hub_renders(const struct hub_route *r, const struct bb_row *row)
{
    return r->renders && !(row->flags & BB_ROW_BODY);
}

bool hub_flight_renders(const struct hub_flight *f)
{
    return f->op == BB_DELIVER_OP && hub_renders(f->route, &f->row);
}

uint64_t hub_flight_token(const struct hub_flight *f)
{
    return (uint64_t)f->gen << 32 | f->slot;
}

struct hub_flight *hub_flight_of(struct bb_hub *h, uint64_t token)
{
    uint32_t slot = (uint32_t)token;

    if (slot >= h->n_flights)
        return NULL;
    struct hub_flight *f = &h->flights[slot / BLOCK][slot % BLOCK];
    return f->gen == token >> 32 && f->peer && !f->settling ? f : NULL;
}

void hub_flight_free(struct bb_hub *h, struct hub_flight *f)
{
    f->gen++;
    if (f->gen == 0)
        f->gen = 1;
    f->peer = NULL;
    f->prev = NULL;
    f->next = h->free_flights;
    h->free_flights = f;
}

void hub_flight_open(struct hub_endpoint *e, struct hub_flight *f)
{
    f->prev = e->newest;
    f->next = NULL;
    if (e->newest)
        e->newest->next = f;
    else
        e->oldest = f;
    e->newest = f;
    e->in_flight++;
    e->bytes += f->bytes;
    f->peer->in_flight++;
}

void hub_flight_close(struct hub_endpoint *e, struct hub_flight *f)
{
    *(f->prev ? &f->prev->next : &e->oldest) = f->next;
    *(f->next ? &f->next->prev : &e->newest) = f->prev;
    f->next = f->prev = NULL;
    e->in_flight--;
    e->bytes -= f->bytes;
    f->peer->in_flight--;
    f->settling = true;
}
